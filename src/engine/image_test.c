/* image_test.c - images: fresh instances have the captured state, share nothing, and cost little.
 */
#include "engine/store_test_support.h"

/* The module of the tests, changed in everything that an image keeps. */
static struct iso_instance *make_changed(struct setup *setup)
{
    setup_define(setup, "log", "i", "");
    struct iso_instance *instance = SETUP_INSTANCE(setup, imaged);
    union iso_slot value[2] = {{.u64 = 0}, {.u64 = 0}};
    value[0].u32 = 77;
    CHECK_OK(iso_instance_global_set(instance, "counter", value));
    memset(value, 0xab, sizeof value);
    CHECK_OK(iso_instance_global_set(instance, "wide", value));
    value[0].ref = (uintptr_t)instance->imported_funcs[0];
    CHECK_OK(iso_instance_global_set(instance, "callback", value));
    CHECK_EQ_U64(iso_memory_grow(instance->memories[0], 1), 2);
    instance->memories[0]->base[70000] = 42;
    CHECK_EQ_U64(
        iso_table_grow(instance->tables[0], 1, (uintptr_t)iso_instance_export_func(instance, "b")),
        6);
    iso_data_drop(instance, 1);
    iso_elem_drop(instance, 1);
    return instance;
}

static struct iso_store *make_store(struct setup *setup)
{
    struct iso_store *store = NULL;
    CHECK_OK(iso_store_create(setup->engine, &setup->config, &store));
    struct iso_store *before = setup->store;
    setup->store = store;
    setup_define(setup, "log", "i", "");
    setup->store = before;
    return store;
}

static void check_changed(struct iso_instance *instance)
{
    CHECK_EQ_U64(global_u32(instance, "counter"), 77);
    union iso_slot value[2];
    uint8_t wide[16];
    memset(wide, 0xab, sizeof wide);
    CHECK_OK(iso_instance_global_get(instance, "wide", NULL, value));
    CHECK_MEM(value, wide, sizeof wide);
    const uint64_t log = (uintptr_t)instance->imported_funcs[0];
    CHECK_OK(iso_instance_global_get(instance, "callback", NULL, value));
    CHECK(value[0].ref == log);
    uint64_t size = 0;
    uint8_t *memory = iso_instance_memory(instance, &size);
    CHECK_EQ_U64(size, 3 * ISO_PAGE_BYTES);
    CHECK_MEM(memory, "\0\0\0start\0", 9);
    CHECK_EQ_U64(memory[70000], 42);
    for (uint64_t i = 70001; i < size; i++) {
        CHECK(memory[i] == 0);
    }
    const struct iso_table *table = instance->tables[0];
    const uint64_t elems[] = {0, log, (uintptr_t)iso_instance_export_func(instance, "a"), 0,
                              0, 0,   (uintptr_t)iso_instance_export_func(instance, "b")};
    CHECK_EQ_U64(table->size, 7);
    CHECK_MEM(table->elems, elems, sizeof elems);
    CHECK(table->limits.min == 6 && table->limits.has_max && table->limits.max == 8);
    CHECK(!iso_memory_init(instance, 0, 1, 0, 0, 1) && !iso_table_init(instance, 0, 1, 0, 0, 1));
}

static void check_fresh_instances(enum setup_kind kind)
{
    struct setup setup;
    setup_init(&setup, kind);
    struct iso_instance *origin = make_changed(&setup);
    struct iso_image *image = NULL;
    CHECK_OK(iso_image_create(origin, &image, &setup.report));
    /* The image keeps the state of then. */
    memset(origin->memories[0]->base, 0xff, 100);
    origin->tables[0]->elems[1] = 0;
    struct iso_store *stores[2] = {make_store(&setup), make_store(&setup)};
    struct iso_instance *instances[2] = {NULL, NULL};
    for (int i = 0; i < 2; i++) {
        CHECK_OK(iso_image_instantiate(image, stores[i], &instances[i], &setup.report));
        CHECK(instances[i] != origin && iso_instance_store(instances[i]) == stores[i]);
        check_changed(instances[i]);
        /* What one writes, the next does not see. */
        memset(iso_instance_memory(instances[i], &(uint64_t){0}), 0xee, 2 * ISO_PAGE_BYTES);
        instances[i]->tables[0]->elems[2] = 0;
        CHECK_OK(iso_instance_global_set(instances[i], "counter", &(union iso_slot){.u32 = 1}));
    }
    CHECK_EQ_U64(setup.platform.maps, kind == SETUP_IMAGES ? 2 : 0);
    iso_image_destroy(image); /* before the instances: they hold on to what they need */
    iso_store_destroy(stores[0]);
    CHECK_EQ_U64(instances[1]->memories[0]->base[5], 0xee);
    CHECK_EQ_U64(setup.platform.images, kind == SETUP_IMAGES ? 1 : 0);
    iso_store_destroy(stores[1]);
    setup_fini(&setup);
}

TEST(fresh_instances_have_the_captured_state_and_share_nothing)
{
    check_fresh_instances(SETUP_PLAIN);
    check_fresh_instances(SETUP_RESERVING);
    check_fresh_instances(SETUP_IMAGES);
}

TEST(the_memory_of_a_fresh_instance_grows_and_may_move)
{
    for (int kind = SETUP_PLAIN; kind <= SETUP_IMAGES; kind++) {
        struct setup setup;
        setup_init(&setup, (enum setup_kind)kind);
        struct iso_image *image = NULL;
        CHECK_OK(iso_image_create(make_changed(&setup), &image, &setup.report));
        struct iso_store *store = make_store(&setup);
        struct iso_instance *instance = NULL;
        setup.platform.reserve_max = 3 * ISO_PAGE_BYTES;
        CHECK_OK(iso_image_instantiate(image, store, &instance, &setup.report));
        setup.platform.reserve_max = 1 << 20;
        struct iso_memory *memory = instance->memories[0];
        CHECK_EQ_U64(iso_memory_grow(memory, 2), 3);
        CHECK_EQ_U64(iso_memory_grow(memory, 1), UINT32_MAX);
        CHECK_EQ_U64(memory->base[70000], 42);
        CHECK_EQ_U64(memory->base[5 * ISO_PAGE_BYTES - 1], 0);
        CHECK_EQ_U64(iso_store_memory_bytes(store), 5 * ISO_PAGE_BYTES);
        CHECK(memory->image == NULL);
        iso_store_destroy(store);
        iso_image_destroy(image);
        setup_fini(&setup);
    }
}

TEST(a_fresh_instance_costs_few_calls_of_the_platform)
{
    struct setup setup;
    setup_init(&setup, SETUP_IMAGES);
    struct iso_image *image = NULL;
    CHECK_OK(iso_image_create(make_changed(&setup), &image, &setup.report));
    struct iso_store *store = make_store(&setup);
    struct iso_instance *instance = NULL;
    uint64_t calls = setup.platform.calls;
    CHECK_OK(iso_image_instantiate(image, store, &instance, &setup.report));
    CHECK_EQ_U64(setup.platform.calls - calls, 3); /* reserve, map, commit the rest */
    iso_store_destroy(store);
    iso_image_destroy(image);
    setup_fini(&setup);
}

TEST(an_instance_in_the_place_of_another_is_as_fresh_as_any)
{
    struct setup setup;
    setup_init(&setup, SETUP_IMAGES);
    struct iso_image *image = NULL;
    CHECK_OK(iso_image_create(make_changed(&setup), &image, &setup.report));
    struct iso_instance *instance = NULL, *before = NULL;
    for (int i = 0; i < 3; i++) {
        struct iso_store *store = make_store(&setup);
        CHECK_OK(iso_image_instantiate(image, store, &instance, &setup.report));
        CHECK(before == NULL || instance == before); /* the spare */
        before = instance;
        check_changed(instance);
        CHECK(iso_instance_func(instance, 2)->instance->store == store);
        /* Leave as much as possible behind. */
        CHECK_OK(iso_instance_global_set(instance, "callback", &(union iso_slot){.ref = 0}));
        CHECK_OK(iso_instance_global_set(instance, "counter", &(union iso_slot){.u32 = 1}));
        CHECK(iso_table_fill(instance->tables[0], 0, 0, 7));
        iso_data_drop(instance, 0);
        iso_store_destroy(store);
        if (i == 0) { /* a failure hands the spare back, too */
            CHECK_OK(iso_store_create(setup.engine, &setup.config, &store));
            CHECK_ERR(iso_image_instantiate(image, store, &instance, NULL), ISO_E_LINK);
            iso_store_destroy(store);
        }
    }
    iso_image_destroy(image);
    setup_fini(&setup);
}

static void leave_traces(struct iso_instance *instance)
{
    CHECK_OK(iso_instance_global_set(instance, "callback", &(union iso_slot){.ref = 0}));
    CHECK_OK(iso_instance_global_set(instance, "counter", &(union iso_slot){.u32 = 1}));
    CHECK(iso_table_fill(instance->tables[0], 0, 0, 7));
    memset(instance->memories[0]->base, 0xee, (size_t)instance->memories[0]->size);
}

TEST(an_instance_is_made_fresh_in_its_place)
{
    for (int kind = 0; kind < 3; kind++) {
        struct setup setup;
        setup_init(&setup, (enum setup_kind)kind);
        struct iso_image *image = NULL, *other = NULL;
        struct iso_instance *origin = make_changed(&setup);
        CHECK_OK(iso_image_create(origin, &image, &setup.report));
        CHECK_OK(iso_image_create(origin, &other, &setup.report));
        struct iso_store *store = make_store(&setup);
        struct iso_instance *instance = NULL;
        CHECK_OK(iso_image_instantiate(image, store, &instance, &setup.report));
        for (int i = 0; i < 3; i++) {
            leave_traces(instance);
            CHECK_OK(iso_image_reset(image, instance));
            check_changed(instance);
            CHECK(iso_store_state(store) == ISO_RUN_IDLE);
        }
        /* Not: one of another image, or one that has grown. */
        CHECK_ERR(iso_image_reset(other, instance), ISO_E_REFUSED);
        CHECK_ERR(iso_image_reset(image, origin), ISO_E_REFUSED);
        CHECK_EQ_U64(iso_memory_grow(instance->memories[0], 1), 3);
        CHECK_ERR(iso_image_reset(image, instance), ISO_E_REFUSED);
        iso_store_destroy(store);
        iso_image_destroy(other);
        iso_image_destroy(image);
        setup_fini(&setup);
    }
}

TEST(a_memory_of_zeros_needs_no_copy)
{
    struct setup setup;
    setup_init(&setup, SETUP_IMAGES);
    struct iso_instance *origin = SETUP_INSTANCE(&setup, bare_memory);
    struct iso_image *image = NULL;
    CHECK_OK(iso_image_create(origin, &image, &setup.report));
    CHECK_EQ_U64(setup.platform.images, 0);
    struct iso_store *store = make_store(&setup);
    struct iso_instance *instance = NULL;
    CHECK_OK(iso_image_instantiate(image, store, &instance, &setup.report));
    uint64_t size = 0;
    const uint8_t *memory = iso_instance_memory(instance, &size);
    CHECK_EQ_U64(size, ISO_PAGE_BYTES);
    for (uint64_t i = 0; i < size; i++) {
        CHECK(memory[i] == 0);
    }
    iso_store_destroy(store);
    iso_image_destroy(image);
    setup_fini(&setup);
}

TEST(an_image_that_the_platform_refuses_is_a_copy)
{
    struct setup setup;
    setup_init(&setup, SETUP_IMAGES);
    struct iso_instance *origin = make_changed(&setup);
    setup.platform.fail_at = setup.platform.calls + 1;
    struct iso_image *image = NULL;
    CHECK_OK(iso_image_create(origin, &image, &setup.report));
    CHECK_EQ_U64(setup.platform.images, 0);
    struct iso_store *store = make_store(&setup);
    struct iso_instance *instance = NULL;
    CHECK_OK(iso_image_instantiate(image, store, &instance, &setup.report));
    check_changed(instance);
    iso_store_destroy(store);
    iso_image_destroy(image);
    setup_fini(&setup);
}

static void check_refused(struct setup *setup, struct iso_instance *instance, const char *part)
{
    struct iso_image *image = NULL;
    iso_report_init(&setup->report);
    CHECK_ERR(iso_image_create(instance, &image, &setup->report), ISO_E_REFUSED);
    CHECK(image == NULL);
    CHECK_CONTAINS(setup->report.text, part);
}

TEST(what_means_nothing_elsewhere_is_refused_by_name)
{
    struct setup setup;
    setup_init(&setup, SETUP_PLAIN);
    struct iso_instance *instance = make_changed(&setup);
    struct iso_func stranger = {.host = instance->imported_funcs[0]->host};
    instance->tables[0]->elems[3] = (uintptr_t)&stranger;
    check_refused(&setup, instance, "table 0 holds a function at 3 that is neither");
    instance->tables[0]->elems[3] = 0;
    instance->tables[1]->elems[0] = 5;
    check_refused(&setup, instance, "table 1 holds an external reference at 0");
    instance->tables[1]->elems[0] = 0;
    CHECK_OK(iso_instance_global_set(instance, "extern", &(union iso_slot){.ref = 5}));
    check_refused(&setup, instance, "global 3 holds an external reference");
    CHECK_OK(iso_instance_global_set(instance, "extern", &(union iso_slot){.ref = 0}));
    CHECK_OK(iso_instance_global_set(instance, "callback",
                                     &(union iso_slot){.ref = (uintptr_t)&stranger}));
    check_refused(&setup, instance, "global 1 holds a function that is neither");
    setup_fini(&setup);
}

TEST(images_are_refused_of_instances_that_are_not_alone_or_busy)
{
    struct setup setup;
    setup_init(&setup, SETUP_PLAIN);
    struct iso_instance *instance = SETUP_INSTANCE(&setup, exporter);
    setup.store->state = ISO_RUN_READY;
    check_refused(&setup, instance, "a call is under way");
    setup.store->state = ISO_RUN_IDLE;
    CHECK_OK(iso_store_define_instance(setup.store, "env", instance));
    struct iso_instance *importer = SETUP_INSTANCE(&setup, importer);
    check_refused(&setup, instance, "an image needs a store with one instance, this one has 2");
    check_refused(&setup, importer, "an image needs a store with one instance, this one has 2");
    setup_fini(&setup);
    setup_init(&setup, SETUP_PLAIN);
    const struct iso_limits limits = {.min = 2, .max = 3, .has_max = true};
    CHECK_OK(iso_store_define_memory(setup.store, "env", "x", &limits));
    instance = SETUP_INSTANCE(&setup, imports_memory);
    check_refused(&setup, instance, "the module imports a table, memory or global");
    setup_fini(&setup);
}

TEST(imports_of_a_fresh_instance_are_those_of_its_store)
{
    struct setup setup;
    setup_init(&setup, SETUP_IMAGES);
    struct iso_image *image = NULL;
    CHECK_OK(iso_image_create(make_changed(&setup), &image, &setup.report));
    struct iso_store *store = NULL;
    CHECK_OK(iso_store_create(setup.engine, &setup.config, &store));
    struct iso_instance *instance = NULL;
    CHECK_ERR(iso_image_instantiate(image, store, &instance, &setup.report), ISO_E_LINK);
    CHECK_CONTAINS(setup.report.text, "unknown import: \"env\".\"log\"");
    CHECK_EQ_U64(store->instance_count + store->memory_count + store->table_count, 0);
    iso_store_destroy(store);
    store = NULL;
    setup.config.memory_max_bytes = 2 * ISO_PAGE_BYTES;
    store = make_store(&setup);
    CHECK_ERR(iso_image_instantiate(image, store, &instance, NULL), ISO_E_LIMIT);
    CHECK_EQ_U64(store->instance_count + store->memory_count + store->table_count, 0);
    CHECK(instance == NULL);
    iso_store_destroy(store);
    iso_image_destroy(image);
    struct setup other;
    setup_init(&other, SETUP_PLAIN);
    CHECK_OK(iso_image_create(make_changed(&other), &image, NULL));
    CHECK_ERR(iso_image_instantiate(image, setup.store, &instance, NULL), ISO_E_ARGUMENT);
    iso_image_destroy(image);
    setup_fini(&other);
    setup_fini(&setup);
}

/* An image and an instance from it; the n-th allocation or call of the platform fails. */
static bool fail_one(enum setup_kind kind, bool in_platform, uint64_t n)
{
    struct setup setup;
    setup_init(&setup, kind);
    struct iso_instance *origin = make_changed(&setup);
    struct iso_store *store = make_store(&setup);
    uint64_t calls = setup.platform.calls;
    if (in_platform) {
        setup.platform.fail_at = calls + n;
    } else {
        setup.memory.fail_at = setup.memory.requests + n;
    }
    struct iso_image *image = NULL;
    struct iso_instance *instance = NULL;
    enum iso_err err = iso_image_create(origin, &image, NULL);
    if (err == ISO_OK) {
        err = iso_image_instantiate(image, store, &instance, NULL);
    }
    CHECK(err == ISO_OK || err == ISO_E_NOMEM);
    CHECK_EQ_U64(store->instance_count, err == ISO_OK ? 1 : 0);
    bool failed = in_platform ? setup.platform.calls - calls >= n : setup.memory.failed;
    CHECK(err == ISO_OK ? instance != NULL : failed);
    iso_store_destroy(store);
    iso_image_destroy(image);
    setup_fini(&setup);
    return failed;
}

TEST(each_allocation_of_an_image_and_its_instances_may_fail)
{
    for (int kind = SETUP_PLAIN; kind <= SETUP_IMAGES; kind++) {
        uint64_t n = 1;
        while (fail_one((enum setup_kind)kind, false, n)) {
            n++;
        }
        CHECK(n > 5);
    }
    uint64_t n = 1;
    while (fail_one(SETUP_IMAGES, true, n)) {
        n++;
    }
    CHECK(n > 3);
}

TEST(destroying_no_image_is_fine)
{
    iso_image_destroy(NULL);
}
