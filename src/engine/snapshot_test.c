/*
 * Snapshots of stores in which nothing runs: what is shared stays shared, contents arrive, what
 * cannot be moved is refused, and no bytes whatever do harm.
 */
#include "engine/snapshot_test_support.h"

static void set_global(struct iso_instance *instance, const char *name, union iso_slot value)
{
    union iso_slot two[2] = {value, {.u64 = 0x1122334455667788}};
    CHECK_OK(iso_instance_global_set(instance, name, two));
}

static union iso_slot get_global(struct iso_instance *instance, const char *name)
{
    union iso_slot value[2];
    CHECK_OK(iso_instance_global_get(instance, name, NULL, value));
    return value[0];
}

/* ---- Contents ------------------------------------------------------------------------------- */

TEST(globals_of_every_type_arrive)
{
    struct world world;
    world_init(&world);
    WORLD_MODULE(&world, everything);
    struct iso_store *store = world_store(&world);
    struct iso_instance *instance = world_instance(&world, store, 0);
    set_global(instance, "i32", (union iso_slot){.i32 = -5});
    set_global(instance, "i64", (union iso_slot){.i64 = INT64_MIN});
    set_global(instance, "f32", (union iso_slot){.u32 = 0x7fa00001}); /* a signalling NaN */
    set_global(instance, "f64", (union iso_slot){.f64 = -0.0});
    set_global(instance, "v128", (union iso_slot){.u64 = 99});
    set_global(instance, "ref",
               (union iso_slot){.ref = (uintptr_t)iso_instance_export_func(instance, "two")});

    store = world_move(&world, store, &instance, 1);
    CHECK_EQ_I64(get_global(instance, "i32").i32, -5);
    CHECK_EQ_I64(get_global(instance, "i64").i64, INT64_MIN);
    CHECK_EQ_U64(get_global(instance, "f32").u32, 0x7fa00001);
    CHECK_EQ_F64(get_global(instance, "f64").f64, -0.0);
    CHECK_EQ_U64(get_global(instance, "fixed").u32, 7);
    union iso_slot vector[2];
    CHECK_OK(iso_instance_global_get(instance, "v128", NULL, vector));
    CHECK_EQ_U64(vector[0].u64, 99);
    CHECK_EQ_U64(vector[1].u64, 0x1122334455667788);
    CHECK(get_global(instance, "ref").ref == (uintptr_t)iso_instance_export_func(instance, "two"));
    iso_store_destroy(store);
    world_fini(&world);
}

TEST(memory_arrives_whatever_became_of_its_initial_content)
{
    struct world world;
    world_init(&world);
    WORLD_MODULE(&world, everything);
    struct iso_store *store = world_store(&world);
    struct iso_instance *instance = world_instance(&world, store, 0);
    uint64_t size = 0;
    uint8_t *memory = iso_instance_memory(instance, &size);
    CHECK_EQ_U64(size, 131072);
    memset(memory, 0, 4096);               /* the first page's segment is gone */
    memory[131071] = 1;                    /* the last byte */
    for (uint32_t i = 0; i < 70000; i++) { /* more than one block, compressible badly */
        memory[8192 + i] = (uint8_t)(i * i >> 7 ^ i);
    }
    uint8_t *copy = iso_alloc_new(&world.memory.alloc, (size_t)size);
    memcpy(copy, memory, (size_t)size);

    store = world_move(&world, store, &instance, 1);
    memory = iso_instance_memory(instance, &size);
    CHECK_EQ_U64(size, 131072);
    CHECK_MEM(memory, copy, (size_t)size);
    CHECK_MEM(memory + 4096, "he edgagain of a page", 4); /* overlapping segments, in order */
    iso_alloc_free(&world.memory.alloc, copy, (size_t)size);
    iso_store_destroy(store);
    world_fini(&world);
}

TEST(a_grown_memory_has_its_size_again)
{
    struct world world;
    world_init(&world);
    WORLD_MODULE(&world, everything);
    struct iso_store *store = world_store(&world);
    struct iso_instance *instance = world_instance(&world, store, 0);
    CHECK_EQ_U64(iso_memory_grow(instance->memories[0], 3), 2);
    instance->memories[0]->base[5 * 65536 - 1] = 42;
    CHECK_EQ_U64(iso_table_grow(instance->tables[0], 4, 0), 10);
    instance->tables[0]->elems[13] = (uintptr_t)iso_instance_export_func(instance, "one");

    store = world_move(&world, store, &instance, 1);
    CHECK_EQ_U64(instance->memories[0]->base[5 * 65536 - 1], 42);
    CHECK_EQ_U64(instance->memories[0]->size, 5 * 65536);
    CHECK_EQ_U64(instance->tables[0]->size, 14);
    CHECK(instance->tables[0]->elems[12] == 0);
    CHECK(instance->tables[0]->elems[13] == (uintptr_t)iso_instance_export_func(instance, "one"));
    CHECK_EQ_U64(iso_memory_grow(instance->memories[0], 4), UINT32_MAX); /* its maximum too */
    iso_store_destroy(store);
    world_fini(&world);
}

TEST(tables_are_kept_as_differences)
{
    struct world world;
    world_init(&world);
    WORLD_MODULE(&world, everything);
    struct iso_store *store = world_store(&world);
    struct iso_instance *instance = world_instance(&world, store, 0);
    uint64_t one = (uintptr_t)iso_instance_export_func(instance, "one");
    uint64_t two = (uintptr_t)iso_instance_export_func(instance, "two");
    uint64_t *elems = instance->tables[0]->elems;
    CHECK(elems[1] == one && elems[2] == two);
    elems[0] = two;
    elems[1] = 0;   /* an initial element is gone */
    elems[5] = one; /* elems[2] is as in the beginning */

    store = world_move(&world, store, &instance, 1);
    one = (uintptr_t)iso_instance_export_func(instance, "one");
    two = (uintptr_t)iso_instance_export_func(instance, "two");
    elems = instance->tables[0]->elems;
    CHECK(elems[0] == two && elems[1] == 0 && elems[2] == two);
    CHECK(elems[3] == 0 && elems[4] == 0 && elems[5] == one);
    iso_store_destroy(store);
    world_fini(&world);
}

TEST(dropped_segments_stay_dropped)
{
    struct world world;
    world_init(&world);
    WORLD_MODULE(&world, everything);
    for (int drop = 0; drop < 2; drop++) {
        struct iso_store *store = world_store(&world);
        struct iso_instance *instance = world_instance(&world, store, 0);
        if (drop) {
            iso_data_drop(instance, 3);
            iso_elem_drop(instance, 1);
        }
        store = world_move(&world, store, &instance, 1);
        CHECK_EQ_U64(iso_memory_init(instance, 0, 3, 0, 0, 7), !drop);
        CHECK_EQ_U64(iso_table_init(instance, 0, 1, 0, 0, 2), !drop);
        CHECK(!iso_memory_init(instance, 0, 0, 0, 0, 1)); /* active ones are dropped at the start */
        iso_store_destroy(store);
    }
    world_fini(&world);
}

/* ---- Sharing -------------------------------------------------------------------------------- */

TEST(instances_share_what_they_shared)
{
    struct world world;
    world_init(&world);
    WORLD_MODULE(&world, everything);
    WORLD_MODULE(&world, importer);
    struct iso_store *store = world_store(&world);
    struct iso_instance *instances[3] = {NULL};
    instances[0] = world_instance(&world, store, 0);
    (void)world_instance(&world, store, 0); /* another, whose parts nobody imports */
    CHECK_OK(iso_store_define_instance(store, "e", instances[0]));
    instances[2] = world_instance(&world, store, 1);

    store = world_move(&world, store, instances, 3);
    CHECK_EQ_U64(store->instance_count, 3);
    CHECK(instances[2]->memories[0] == instances[0]->memories[0]);
    CHECK(instances[2]->memories[0] != instances[1]->memories[0]);
    CHECK(instances[2]->tables[0] == instances[0]->tables[0]);
    CHECK(instances[2]->globals[0] == instances[0]->globals[1]);
    CHECK(instances[2]->imported_funcs[0] == iso_instance_export_func(instances[0], "one"));
    CHECK_EQ_U64(get_global(instances[2], "copy").u32, 7);
    CHECK_MEM(instances[0]->memories[0]->base + 7, "importer", 8);
    /* Tables point to functions of the other instance. */
    CHECK(instances[0]->tables[0]->elems[7] ==
          (uintptr_t)iso_instance_export_func(instances[0], "one"));
    CHECK(instances[0]->tables[0]->elems[8] ==
          (uintptr_t)iso_instance_export_func(instances[2], "own"));
    iso_store_destroy(store);
    world_fini(&world);
}

TEST(names_for_later_instances_are_restored)
{
    struct world world;
    world_init(&world);
    WORLD_MODULE(&world, everything);
    WORLD_MODULE(&world, importer);
    struct iso_store *store = world_store(&world);
    struct iso_instance *first = world_instance(&world, store, 0);
    struct iso_instance *second = world_instance(&world, store, 0);
    CHECK_OK(iso_store_define_instance(store, "e", first));
    CHECK_OK(iso_store_define_instance(store, "e", second)); /* replaces all of them */
    struct iso_instance *instances[2];
    store = world_move(&world, store, instances, 2);
    struct iso_instance *later = world_instance(&world, store, 1);
    CHECK(later->memories[0] == instances[1]->memories[0]);
    iso_store_destroy(store);
    world_fini(&world);
}

static enum iso_host_result do_nothing(struct iso_host_call *call)
{
    (void)call;
    return ISO_HOST_DONE;
}

static void define_func(struct iso_store *store, const char *name, const char *params,
                        const char *results)
{
    CHECK_OK(iso_store_define_func(
        store,
        &(struct iso_host_func){
            .module = "h", .name = name, .params = params, .results = results, .fn = do_nothing}));
}

/* What a host offers in the tests below; variations make the refusals. */
enum variation {
    AS_SAVED,
    MORE_THAN_SAVED,
    NO_FUNCTION,
    OTHER_FUNCTION_TYPE,
    OTHER_GLOBAL_VALUE,
    OTHER_GLOBAL_TYPE,
    OTHER_MEMORY,
    OTHER_TABLE,
    VARIATIONS
};
static enum variation variation;

static void define_host(struct world *world, struct iso_store *store)
{
    (void)world;
    if (variation == MORE_THAN_SAVED) {
        define_func(store, "earlier", "", "");
    }
    define_func(store, "unused", "", "");
    if (variation != NO_FUNCTION) {
        define_func(store, "f", "iI", variation == OTHER_FUNCTION_TYPE ? "f" : "F");
    }
    struct iso_limits memory = {
        .min = 1, .max = variation == OTHER_MEMORY ? 3 : 4, .has_max = true};
    struct iso_limits table = {.min = 3, .max = 9, .has_max = variation == OTHER_TABLE};
    union iso_slot fixed = {.u64 = variation == OTHER_GLOBAL_VALUE ? 6 : 5};
    union iso_slot variable = {.f32 = 1.0f};
    CHECK_OK(iso_store_define_memory(store, "h", "memory", &memory));
    CHECK_OK(iso_store_define_table(store, "h", "table", ISO_TYPE_FUNCREF, &table));
    CHECK_OK(iso_store_define_global(store, "h", "fixed", ISO_TYPE_I64, false, &fixed));
    CHECK_OK(iso_store_define_global(store, "h", "variable", ISO_TYPE_F32,
                                     variation != OTHER_GLOBAL_TYPE, &variable));
    if (variation == MORE_THAN_SAVED) {
        CHECK_OK(iso_store_define_memory(store, "h", "memory2", &memory));
        CHECK_OK(iso_store_define_table(store, "h", "table2", ISO_TYPE_FUNCREF, &table));
        CHECK_OK(iso_store_define_global(store, "h", "more", ISO_TYPE_I64, true, &fixed));
    }
}

TEST(objects_of_the_host_are_found_again_or_missed)
{
    static const char *const texts[VARIATIONS] = {
        [NO_FUNCTION] = "\"h\".\"f\", which is not defined",
        [OTHER_FUNCTION_TYPE] = "another type",
        [OTHER_GLOBAL_VALUE] = "another value",
        [OTHER_GLOBAL_TYPE] = "global 1 of the host has another type",
        [OTHER_MEMORY] = "memory 0 of the host has another maximum",
        [OTHER_TABLE] = "table 0 of the host has another maximum"};
    struct world world;
    world_init(&world);
    world.define = define_host;
    WORLD_MODULE(&world, host_user);
    variation = AS_SAVED;
    struct iso_store *store = world_store(&world);
    struct iso_instance *instance = world_instance(&world, store, 0);
    instance->globals[1]->value[0].f32 = 2.5f;
    CHECK_EQ_U64(iso_memory_grow(instance->memories[0], 2), 1);
    instance->memories[0]->base[3 * 65536 - 1] = 9;
    struct iso_buf buf = world_save(&world, store);
    iso_store_destroy(store);
    for (variation = AS_SAVED; variation < VARIATIONS; variation++) {
        enum iso_err err = ISO_OK;
        store = world_try_restore(&world, iso_buf_view(&buf), &instance, 1, &err);
        if (texts[variation] != NULL) {
            CHECK_ERR(err, ISO_E_LINK);
            CHECK_CONTAINS(world.report.text, texts[variation]);
            continue;
        }
        CHECK_OK(err);
        CHECK(instance->globals[1] == store->globals[1]);
        CHECK_EQ_F64(store->globals[1]->value[0].f32, 2.5);
        CHECK(instance->memories[0] == store->memories[0]);
        CHECK_EQ_U64(store->memories[0]->size, 3 * 65536);
        CHECK_EQ_U64(store->memories[0]->base[3 * 65536 - 1], 9);
        CHECK_MEM(store->memories[0]->base + 16, "data", 4);
        CHECK(instance->tables[0] == store->tables[0]);
        CHECK(store->tables[0]->elems[0] == (uintptr_t)instance->imported_funcs[0]);
        CHECK(iso_str_equal_z(instance->imported_funcs[0]->host->name, "f"));
        CHECK(iso_str_equal_z(instance->imported_funcs[1]->host->name, "unused"));
        iso_store_destroy(store);
    }
    iso_buf_fini(&buf);
    world_fini(&world);
}

TEST(a_host_function_that_was_defined_twice_is_not_confused)
{
    struct world world;
    world_init(&world);
    struct iso_store *store = world_store(&world);
    define_func(store, "f", "", "");
    define_func(store, "f", "i", "");
    union iso_slot ref[2] = {{.ref = (uintptr_t)store->host_funcs[0]},
                             {.ref = (uintptr_t)store->host_funcs[1]}};
    CHECK_OK(iso_store_define_global(store, "h", "a", ISO_TYPE_FUNCREF, true, &ref[1]));
    CHECK_OK(iso_store_define_global(store, "h", "b", ISO_TYPE_FUNCREF, true, &ref[0]));
    struct iso_buf buf = world_save(&world, store);
    iso_store_destroy(store);

    store = world_store(&world);
    define_func(store, "other", "", "");
    define_func(store, "f", "", "");
    define_func(store, "f", "i", "");
    union iso_slot null = {.ref = 0};
    CHECK_OK(iso_store_define_global(store, "h", "a", ISO_TYPE_FUNCREF, true, &null));
    CHECK_OK(iso_store_define_global(store, "h", "b", ISO_TYPE_FUNCREF, true, &null));
    CHECK_OK(iso_snapshot_restore(store, iso_buf_view(&buf), NULL, 0, NULL, 0, NULL, 0, NULL));
    CHECK(store->globals[0]->value[0].ref == (uintptr_t)store->host_funcs[2]);
    CHECK(store->globals[1]->value[0].ref == (uintptr_t)store->host_funcs[1]);
    iso_store_destroy(store);
    iso_buf_fini(&buf);
    world_fini(&world);
}

/* ---- Refusals ------------------------------------------------------------------------------- */

TEST(an_externref_is_refused_with_its_place)
{
    struct world world;
    world_init(&world);
    WORLD_MODULE(&world, everything);
    struct iso_store *store = world_store(&world);
    struct iso_instance *instance = world_instance(&world, store, 0);
    struct iso_buf buf;
    iso_buf_init(&buf, &world.memory.alloc, SIZE_MAX);
    CHECK_OK(iso_buf_append(&buf, "before", 6));
    set_global(instance, "externref", (union iso_slot){.ref = 1});
    CHECK_ERR(iso_snapshot_save(store, NULL, 0, &buf, &world.report), ISO_E_REFUSED);
    CHECK_CONTAINS(world.report.text, "global 7 of instance 0 holds an externref");
    CHECK_EQ_U64(buf.len, 6); /* as it was */

    set_global(instance, "externref", (union iso_slot){.ref = 0});
    instance->tables[1]->elems[1] = 5;
    iso_report_init(&world.report);
    CHECK_ERR(iso_snapshot_save(store, NULL, 0, &buf, &world.report), ISO_E_REFUSED);
    CHECK_CONTAINS(world.report.text, "element 1 holds an externref");
    uint8_t hash[32];
    CHECK_ERR(iso_store_hash(store, false, hash, NULL), ISO_E_REFUSED);
    iso_buf_fini(&buf);
    iso_store_destroy(store);
    world_fini(&world);
}

TEST(restoring_needs_a_fresh_store_and_the_modules)
{
    struct world world;
    world_init(&world);
    WORLD_MODULE(&world, everything);
    WORLD_MODULE(&world, sparse);
    struct iso_store *store = world_store(&world);
    (void)world_instance(&world, store, 0);
    struct iso_buf buf = world_save(&world, store);
    CHECK_ERR(iso_snapshot_restore(store, iso_buf_view(&buf), world.modules[0], 2, NULL, 0, NULL, 0,
                                   &world.report),
              ISO_E_STATE);
    iso_store_destroy(store);
    store = world_store(&world);
    iso_report_init(&world.report);
    CHECK_ERR(iso_snapshot_restore(store, iso_buf_view(&buf), &world.modules[0][1], 1, NULL, 0,
                                   NULL, 0, &world.report),
              ISO_E_LINK);
    uint8_t digest[32];
    char text[65];
    iso_module_digest(world.modules[0][0], digest);
    iso_hex_encode(digest, sizeof digest, text);
    CHECK_CONTAINS(world.report.text, text);
    iso_store_destroy(store);
    store = world_store(&world);
    CHECK_ERR(iso_snapshot_restore(store, iso_buf_view(&buf), world.modules[1], 1, NULL, 0, NULL, 0,
                                   NULL),
              ISO_E_LINK); /* of another engine */
    iso_store_destroy(store);
    iso_buf_fini(&buf);
    world_fini(&world);
}

TEST(a_store_with_less_memory_refuses)
{
    struct world world;
    world_init(&world);
    WORLD_MODULE(&world, everything);
    struct iso_store *store = world_store(&world);
    struct iso_instance *instance = world_instance(&world, store, 0);
    CHECK_EQ_U64(iso_memory_grow(instance->memories[0], 4), 2);
    CHECK_EQ_U64(iso_table_grow(instance->tables[0], 10, 0), 10);
    struct iso_buf buf = world_save(&world, store);
    iso_store_destroy(store);
    enum iso_err err = ISO_OK;
    world.config.memory_max_bytes = 5 * 65536;
    CHECK(world_try_restore(&world, iso_buf_view(&buf), NULL, 0, &err) == NULL);
    CHECK_ERR(err, ISO_E_LIMIT);
    CHECK_CONTAINS(world.report.text, "a memory needs 6 pages");
    world.config.memory_max_bytes = 6 * 65536;
    world.config.table_max_elems = 21; /* 20 + 2 are needed */
    CHECK(world_try_restore(&world, iso_buf_view(&buf), NULL, 0, &err) == NULL);
    CHECK_ERR(err, ISO_E_LIMIT);
    world.config.table_max_elems = 22;
    store = world_try_restore(&world, iso_buf_view(&buf), NULL, 0, &err);
    CHECK_OK(err);
    iso_store_destroy(store);
    iso_buf_fini(&buf);
    world_fini(&world);
}

/* ---- Sections of the host ------------------------------------------------------------------- */

struct note {
    char text[32];
    int loads;
};

static enum iso_err save_note(void *ctx, struct iso_buf *out, struct iso_report *report)
{
    (void)report;
    struct note *note = ctx;
    return iso_buf_append(out, note->text, strlen(note->text));
}

static enum iso_err load_note(void *ctx, struct iso_bytes bytes, struct iso_report *report)
{
    struct note *note = ctx;
    note->loads++;
    if (bytes.len >= sizeof note->text) {
        return iso_fail(report, ISO_E_LIMIT, "the note is too long");
    }
    memset(note->text, 0, sizeof note->text);
    iso_memory_copy(note->text, bytes.ptr, bytes.len);
    return ISO_OK;
}

static enum iso_err fail_note(void *ctx, struct iso_buf *out, struct iso_report *report)
{
    (void)ctx, (void)report;
    CHECK_OK(iso_buf_append_u8(out, 1));
    return ISO_E_REFUSED;
}

static enum iso_err restore_with(struct world *world, const struct iso_buf *buf,
                                 const struct iso_snapshot_section *sections, size_t count)
{
    struct iso_store *store = world_store(world);
    iso_report_init(&world->report);
    enum iso_err err = iso_snapshot_restore(store, iso_buf_view(buf), NULL, 0, sections, count,
                                            NULL, 0, &world->report);
    iso_store_destroy(store);
    return err;
}

TEST(sections_of_the_host_travel_along)
{
    struct world world;
    world_init(&world);
    struct iso_store *store = world_store(&world);
    struct note notes[2] = {{.text = "first note"}, {.text = ""}};
    struct iso_snapshot_section sections[3] = {
        {.name = "note", .ctx = &notes[0], .save = save_note, .load = load_note},
        {.name = "empty", .ctx = &notes[1], .save = save_note, .load = load_note},
        {.name = "more", .ctx = &notes[1], .save = fail_note, .load = load_note}};
    struct iso_buf buf;
    iso_buf_init(&buf, &world.memory.alloc, SIZE_MAX);
    CHECK_OK(iso_snapshot_save(store, sections, 2, &buf, NULL));
    struct iso_bytes bytes;
    CHECK_OK(iso_snapshot_section_bytes(iso_buf_view(&buf), "note", &bytes, NULL));
    CHECK_EQ_U64(bytes.len, 10);
    CHECK_MEM(bytes.ptr, "first note", 10);
    CHECK_OK(iso_snapshot_section_bytes(iso_buf_view(&buf), "empty", &bytes, NULL));
    CHECK_EQ_U64(bytes.len, 0);
    CHECK_ERR(iso_snapshot_section_bytes(iso_buf_view(&buf), "no", &bytes, NULL), ISO_E_NOT_FOUND);

    notes[0].text[0] = 'x';
    CHECK_OK(restore_with(&world, &buf, sections, 2));
    CHECK_STR(notes[0].text, "first note");
    CHECK_EQ_I64(notes[0].loads, 1);
    CHECK_EQ_I64(notes[1].loads, 1);
    CHECK_ERR(restore_with(&world, &buf, sections, 1), ISO_E_SNAPSHOT);
    CHECK_CONTAINS(world.report.text, "\"empty\", which nothing here understands");
    CHECK_ERR(restore_with(&world, &buf, sections, 3), ISO_E_SNAPSHOT);
    CHECK_CONTAINS(world.report.text, "\"more\" is missing");
    CHECK_EQ_I64(notes[0].loads, 1); /* refused before anything was loaded */
    sections[2].optional = true;
    CHECK_OK(restore_with(&world, &buf, sections, 3));

    iso_report_init(&world.report);
    CHECK_ERR(iso_snapshot_save(store, sections, 3, &buf, &world.report), ISO_E_REFUSED);
    CHECK_CONTAINS(world.report.text, "\"more\"");
    sections[1].name = "note";
    CHECK_ERR(iso_snapshot_save(store, sections, 2, &buf, NULL), ISO_E_ARGUMENT);
    iso_buf_fini(&buf);
    iso_store_destroy(store);
    world_fini(&world);
}

TEST(damage_is_found_without_restoring)
{
    struct world world;
    world_init(&world);
    WORLD_MODULE(&world, everything);
    struct iso_store *store = world_store(&world);
    (void)world_instance(&world, store, 0);
    struct iso_buf buf = world_save(&world, store);
    CHECK_OK(iso_snapshot_check(iso_buf_view(&buf), NULL));
    for (size_t i = 0; i < buf.len; i++) {
        buf.ptr[i] ^= 0x10;
        CHECK_ERR(iso_snapshot_check(iso_buf_view(&buf), NULL), ISO_E_SNAPSHOT);
        buf.ptr[i] ^= 0x10;
        CHECK_ERR(iso_snapshot_check(iso_bytes_from(buf.ptr, i), NULL), ISO_E_SNAPSHOT);
    }
    buf.ptr[buf.len / 2] ^= 1;
    CHECK_ERR(iso_snapshot_check(iso_buf_view(&buf), &world.report), ISO_E_SNAPSHOT);
    CHECK(world.report.set);
    iso_buf_fini(&buf);
    iso_store_destroy(store);
    world_fini(&world);
}

TEST(modules_are_listed_without_restoring)
{
    struct world world;
    world_init(&world);
    WORLD_MODULE(&world, everything);
    WORLD_MODULE(&world, sparse);
    struct iso_store *store = world_store(&world);
    (void)world_instance(&world, store, 1);
    (void)world_instance(&world, store, 0);
    (void)world_instance(&world, store, 1);
    struct iso_buf buf = world_save(&world, store);
    uint8_t digests[3][32] = {{0}}, wanted[2][32];
    uint32_t count = 0;
    CHECK_OK(iso_snapshot_modules(iso_buf_view(&buf), digests, 3, &count, NULL));
    CHECK_EQ_U64(count, 2);
    iso_module_digest(world.modules[0][1], wanted[0]);
    iso_module_digest(world.modules[0][0], wanted[1]);
    CHECK_MEM(digests, wanted, sizeof wanted);
    memset(digests, 0, sizeof digests);
    CHECK_OK(iso_snapshot_modules(iso_buf_view(&buf), digests, 1, &count, NULL));
    CHECK_EQ_U64(count, 2);
    CHECK_EQ_U64(digests[1][0], 0);
    CHECK_ERR(iso_snapshot_modules(iso_bytes_from(NULL, 0), digests, 3, &count, &world.report),
              ISO_E_SNAPSHOT);
    iso_buf_fini(&buf);
    iso_store_destroy(store);
    world_fini(&world);
}

/* ---- Size ----------------------------------------------------------------------------------- */

TEST(unused_and_unchanged_pages_take_no_space)
{
    struct world world;
    world_init(&world);
    WORLD_MODULE(&world, sparse);
    struct iso_store *store = world_store(&world);
    struct iso_instance *instance = world_instance(&world, store, 0);
    struct iso_buf buf = world_save(&world, store); /* of 64 MiB */
    CHECK(buf.len < 400);
    iso_buf_fini(&buf);
    instance->memories[0]->base[30 << 20] = 1;
    buf = world_save(&world, store);
    CHECK(buf.len < 450);
    iso_buf_fini(&buf);
    store = world_move(&world, store, &instance, 1);
    CHECK_EQ_U64(instance->memories[0]->base[30 << 20], 1);
    CHECK_MEM(instance->memories[0]->base + 67108800, "last", 4);
    iso_store_destroy(store);
    world_fini(&world);
}

/* ---- Hash ----------------------------------------------------------------------------------- */

TEST(the_hash_sees_every_part_of_the_state)
{
    struct world world;
    world_init(&world);
    WORLD_MODULE(&world, everything);
    struct iso_store *store = world_store(&world);
    struct iso_instance *instance = world_instance(&world, store, 0);
    uint8_t hashes[8][32];
    size_t count = 0;
    CHECK_OK(iso_store_hash(store, false, hashes[count++], NULL));
    instance->memories[0]->base[70000] = 1;
    CHECK_OK(iso_store_hash(store, false, hashes[count++], NULL));
    instance->memories[0]->base[70000] = 0;
    instance->memories[0]->base[90000] = 1;
    CHECK_OK(iso_store_hash(store, false, hashes[count++], NULL));
    instance->tables[0]->elems[3] = instance->tables[0]->elems[1];
    CHECK_OK(iso_store_hash(store, false, hashes[count++], NULL));
    set_global(instance, "i64", (union iso_slot){.u64 = 8});
    CHECK_OK(iso_store_hash(store, false, hashes[count++], NULL));
    iso_data_drop(instance, 3);
    CHECK_OK(iso_store_hash(store, false, hashes[count++], NULL));
    CHECK_EQ_U64(iso_memory_grow(instance->memories[0], 1), 2);
    CHECK_OK(iso_store_hash(store, false, hashes[count++], NULL));
    CHECK_EQ_U64(iso_table_grow(instance->tables[1], 1, 0), 2);
    CHECK_OK(iso_store_hash(store, false, hashes[count++], NULL));
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < i; k++) {
            CHECK(memcmp(hashes[i], hashes[k], 32) != 0);
        }
    }
    iso_store_destroy(store);
    world_fini(&world);
}

TEST(nans_are_one_in_the_hash_when_asked)
{
    struct world world;
    world_init(&world);
    WORLD_MODULE(&world, everything);
    struct iso_store *store = world_store(&world);
    struct iso_instance *instance = world_instance(&world, store, 0);
    static const uint32_t f32s[2] = {0x7fc00000, 0xffbfffff};
    static const uint64_t f64s[2] = {0x7ff7ffffffffffff, 0xfff8000000000000};
    uint8_t exact[2][32], canonical[2][32];
    for (int i = 0; i < 2; i++) {
        set_global(instance, "f32", (union iso_slot){.u32 = f32s[i]});
        set_global(instance, "f64", (union iso_slot){.u64 = f64s[i]});
        CHECK_OK(iso_store_hash(store, false, exact[i], NULL));
        CHECK_OK(iso_store_hash(store, true, canonical[i], NULL));
    }
    CHECK(memcmp(exact[0], exact[1], 32) != 0);
    CHECK_MEM(canonical[0], canonical[1], 32);
    set_global(instance, "f32", (union iso_slot){.u32 = 0x7f800000}); /* infinity is not one */
    CHECK_OK(iso_store_hash(store, true, canonical[1], NULL));
    CHECK(memcmp(canonical[0], canonical[1], 32) != 0);
    iso_store_destroy(store);
    world_fini(&world);
}

/* ---- Hostile bytes -------------------------------------------------------------------------- */

/* A store with something in every section that an idle one has. */
static struct iso_buf save_rich(struct world *world)
{
    world_init(world);
    WORLD_MODULE(world, everything);
    WORLD_MODULE(world, importer);
    WORLD_MODULE(world, host_user);
    world->define = define_host;
    variation = AS_SAVED;
    world->config.memory_max_bytes = 16 * 65536;
    struct iso_store *store = world_store(world);
    struct iso_instance *instance = world_instance(world, store, 0);
    CHECK_OK(iso_store_define_instance(store, "e", instance));
    (void)world_instance(world, store, 1);
    (void)world_instance(world, store, 2);
    instance->memories[0]->base[70000] = 1;
    instance->tables[0]->elems[0] = (uintptr_t)store->host_funcs[0];
    instance->tables[0]->elems[5] = (uintptr_t)iso_instance_export_func(instance, "one");
    struct iso_buf buf = world_save(world, store);
    iso_store_destroy(store);
    return buf;
}

TEST(a_snapshot_that_is_cut_is_refused)
{
    struct world world;
    struct iso_buf buf = save_rich(&world);
    for (size_t len = 0; len < buf.len; len++) {
        /* In a block of its own, so that reading too far is noticed. */
        uint8_t *cut = iso_alloc_new(&world.memory.alloc, len);
        iso_memory_copy(cut, buf.ptr, len);
        enum iso_err err = ISO_OK;
        CHECK(world_try_restore(&world, iso_bytes_from(cut, len), NULL, 0, &err) == NULL);
        CHECK_ERR(err, ISO_E_SNAPSHOT);
        CHECK(world.report.set && world.report.has_offset && world.report.offset <= len);
        iso_alloc_free(&world.memory.alloc, cut, len);
    }
    CHECK_OK(iso_buf_append_u8(&buf, 0));
    enum iso_err err = ISO_OK;
    CHECK(world_try_restore(&world, iso_buf_view(&buf), NULL, 0, &err) == NULL);
    CHECK_ERR(err, ISO_E_SNAPSHOT);
    iso_buf_fini(&buf);
    world_fini(&world);
}

TEST(every_flipped_byte_is_noticed)
{
    struct world world;
    struct iso_buf buf = save_rich(&world);
    for (size_t i = 0; i < buf.len; i++) {
        buf.ptr[i] ^= 0x10;
        enum iso_err err = ISO_OK;
        CHECK(world_try_restore(&world, iso_buf_view(&buf), NULL, 0, &err) == NULL);
        CHECK_ERR(err, ISO_E_SNAPSHOT);
        buf.ptr[i] ^= 0x10;
    }
    iso_buf_fini(&buf);
    world_fini(&world);
}

/* With the sum put right every byte must be understood for what it is: refused with a reason, or a
 * state that the store can be in. */
TEST(bytes_changed_on_purpose_do_no_harm)
{
    static const uint8_t changes[] = {0x01, 0x02, 0x80, 0xff, 0x7f, 0x10};
    struct world world;
    struct iso_buf buf = save_rich(&world);
    uint32_t refused = 0, accepted = 0;
    for (size_t i = 0; i < buf.len; i++) {
        for (size_t k = 0; k < sizeof changes; k++) {
            uint8_t *copy = iso_alloc_new(&world.memory.alloc, buf.len);
            memcpy(copy, buf.ptr, buf.len);
            copy[i] ^= changes[k];
            snapshot_fix_sum(copy, buf.len);
            enum iso_err err = ISO_OK;
            struct iso_store *store =
                world_try_restore(&world, iso_bytes_from(copy, buf.len), NULL, 0, &err);
            if (store != NULL) {
                accepted++;
                struct iso_buf again = world_save(&world, store);
                iso_buf_fini(&again);
                iso_store_destroy(store);
            } else {
                refused++;
                CHECK(world.report.set);
                CHECK(err == ISO_E_SNAPSHOT || err == ISO_E_LINK || err == ISO_E_LIMIT);
            }
            iso_alloc_free(&world.memory.alloc, copy, buf.len);
        }
    }
    CHECK(refused > 500 && accepted > 50);
    iso_buf_fini(&buf);
    world_fini(&world);
}

/* ---- Memory --------------------------------------------------------------------------------- */

TEST(saving_survives_any_failed_allocation)
{
    struct world world;
    struct iso_buf good = save_rich(&world);
    enum iso_err err = ISO_OK;
    struct iso_store *store = world_try_restore(&world, iso_buf_view(&good), NULL, 0, &err);
    CHECK_OK(err);
    for (uint64_t n = 1;; n++) {
        struct iso_buf buf;
        iso_buf_init(&buf, &world.memory.alloc, SIZE_MAX);
        world.memory.requests = 0;
        world.memory.fail_at = n;
        world.memory.failed = false;
        err = iso_snapshot_save(store, NULL, 0, &buf, NULL);
        world.memory.fail_at = 0;
        if (!world.memory.failed) {
            CHECK_OK(err);
            CHECK_EQ_U64(buf.len, good.len);
            CHECK_MEM(buf.ptr, good.ptr, good.len);
            iso_buf_fini(&buf);
            break;
        }
        CHECK_ERR(err, ISO_E_NOMEM);
        CHECK_EQ_U64(buf.len, 0);
        iso_buf_fini(&buf);
    }
    iso_store_destroy(store);
    iso_buf_fini(&good);
    world_fini(&world);
}

TEST(restoring_survives_any_failed_allocation)
{
    struct world world;
    struct iso_buf buf = save_rich(&world);
    for (uint64_t n = 1;; n++) {
        struct iso_store *store = world_store(&world);
        world.memory.requests = 0;
        world.memory.fail_at = n;
        world.memory.failed = false;
        enum iso_err err = iso_snapshot_restore(store, iso_buf_view(&buf), world.modules[0],
                                                world.module_count, NULL, 0, NULL, 0, NULL);
        world.memory.fail_at = 0;
        iso_store_destroy(store);
        if (!world.memory.failed) {
            CHECK_OK(err);
            break;
        }
        CHECK(err == ISO_E_NOMEM || err == ISO_E_LIMIT);
    }
    iso_buf_fini(&buf);
    world_fini(&world);
}
