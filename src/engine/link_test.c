/* link_test.c - linking: which definitions match which imports (spec 3.4, 4.5.4), and what is said
 * when they do not. */
#include "engine/link_text.h"
#include "engine/store_test_support.h"

/* Instantiate the module over what the store defines; no error: the report is empty. */
static void check_link(struct setup *setup, const uint8_t *bytes, size_t len, const char *message)
{
    struct iso_module *module = NULL;
    struct iso_instance *instance = NULL;
    CHECK_OK(iso_module_create(setup->engine, bytes, len, &module, NULL));
    iso_report_init(&setup->report);
    uint32_t before = setup->store->instance_count;
    enum iso_err err = iso_instance_create(setup->store, module, &instance, &setup->report);
    setup->modules[setup->module_count++] = module;
    if (message == NULL) {
        CHECK_OK(err);
        CHECK(instance != NULL);
    } else {
        CHECK_ERR(err, ISO_E_LINK);
        CHECK(instance == NULL);
        CHECK_STR(setup->report.text, message);
        CHECK_EQ_U64(setup->store->instance_count, before);
    }
}

#define CHECK_LINK(setup, name, message) check_link(setup, wasm_##name, sizeof wasm_##name, message)

static void define_memory(struct setup *setup, uint32_t min, uint32_t max)
{
    const struct iso_limits limits = {.min = min, .max = max, .has_max = max != UINT32_MAX};
    CHECK_OK(iso_store_define_memory(setup->store, "env", "x", &limits));
}

static void define_table(struct setup *setup, enum iso_type type, uint32_t min, uint32_t max)
{
    const struct iso_limits limits = {.min = min, .max = max, .has_max = max != UINT32_MAX};
    CHECK_OK(iso_store_define_table(setup->store, "env", "x", type, &limits));
}

static void define_global(struct setup *setup, enum iso_type type, bool is_mutable)
{
    const union iso_slot value[2] = {{.u64 = 1}, {.u64 = 2}};
    CHECK_OK(iso_store_define_global(setup->store, "env", "x", type, is_mutable, value));
}

TEST(an_import_that_nobody_defines_is_named)
{
    struct setup setup;
    setup_init(&setup, SETUP_PLAIN);
    CHECK_LINK(&setup, imports_func,
               "unknown import: \"env\".\"x\" is not defined; it should be a "
               "function (i32) -> (i64)");
    CHECK_LINK(&setup, imports_memory,
               "unknown import: \"env\".\"x\" is not defined; it should be a "
               "memory {min 2, max 4 pages}");
    CHECK_LINK(&setup, imports_table,
               "unknown import: \"env\".\"x\" is not defined; it should be a "
               "table {min 2, max 4 elements} of funcref");
    CHECK_LINK(&setup, imports_variable,
               "unknown import: \"env\".\"x\" is not defined; it should be a "
               "mutable global i32");
    setup_fini(&setup);
}

TEST(functions_match_when_their_types_are_equal)
{
    struct setup setup;
    setup_init(&setup, SETUP_PLAIN);
    setup_define(&setup, "x", "i", "I");
    CHECK_LINK(&setup, imports_func, NULL);
    setup_define(&setup, "x", "i", "i");
    CHECK_LINK(&setup, imports_func,
               "incompatible import type: \"env\".\"x\" needs a function (i32) -> (i64), is a "
               "function (i32) -> (i32)");
    setup_define(&setup, "x", "ii", "");
    CHECK_LINK(&setup, imports_func,
               "incompatible import type: \"env\".\"x\" needs a function (i32) -> (i64), is a "
               "function (i32, i32) -> ()");
    define_global(&setup, ISO_TYPE_I32, false);
    CHECK_LINK(&setup, imports_func,
               "incompatible import type: \"env\".\"x\" needs a function (i32) -> (i64), is a "
               "global i32");
    setup_fini(&setup);
}

TEST(memories_match_when_their_limits_lie_within_those_wanted)
{
    static const struct {
        uint32_t min, max;
        bool closed, open; /* matches {2, 4}; {2} */
    } cases[] = {{2, 4, true, true},           {3, 3, true, true},  {2, 3, true, true},
                 {1, 4, false, false},         {2, 5, false, true}, {4, 4, true, true},
                 {2, UINT32_MAX, false, true}, {5, 5, false, true}};
    for (size_t i = 0; i < ISO_COUNT_OF(cases); i++) {
        struct setup setup;
        setup_init(&setup, SETUP_PLAIN);
        define_memory(&setup, cases[i].min, cases[i].max);
        struct iso_module *module = SETUP_MODULE(&setup, imports_memory);
        struct iso_instance *instance = NULL;
        CHECK_ERR(iso_instance_create(setup.store, module, &instance, NULL),
                  cases[i].closed ? ISO_OK : ISO_E_LINK);
        module = SETUP_MODULE(&setup, imports_open_memory);
        CHECK_ERR(iso_instance_create(setup.store, module, &instance, NULL),
                  cases[i].open ? ISO_OK : ISO_E_LINK);
        setup_fini(&setup);
    }
}

TEST(a_memory_that_has_grown_matches_by_its_size)
{
    struct setup setup;
    setup_init(&setup, SETUP_PLAIN);
    define_memory(&setup, 1, 4);
    CHECK_LINK(&setup, imports_memory,
               "incompatible import type: \"env\".\"x\" needs a memory {min 2, max 4 pages}, is a "
               "memory {min 1, max 4 pages}");
    CHECK_EQ_U64(iso_memory_grow(setup.store->memories[0], 1), 1);
    CHECK_LINK(&setup, imports_memory, NULL);
    setup_fini(&setup);
}

TEST(tables_match_by_element_type_and_limits)
{
    struct setup setup;
    setup_init(&setup, SETUP_PLAIN);
    define_table(&setup, ISO_TYPE_FUNCREF, 2, 4);
    CHECK_LINK(&setup, imports_table, NULL);
    define_table(&setup, ISO_TYPE_EXTERNREF, 2, 4);
    CHECK_LINK(&setup, imports_table,
               "incompatible import type: \"env\".\"x\" needs a table {min 2, max 4 elements} of "
               "funcref, is a table {min 2, max 4 elements} of externref");
    define_table(&setup, ISO_TYPE_FUNCREF, 2, UINT32_MAX);
    CHECK_LINK(&setup, imports_table,
               "incompatible import type: \"env\".\"x\" needs a table {min 2, max 4 elements} of "
               "funcref, is a table {min 2 elements} of funcref");
    define_table(&setup, ISO_TYPE_FUNCREF, 1, 4);
    CHECK_EQ_U64(iso_table_grow(setup.store->tables[3], 1, 0), 1);
    CHECK_LINK(&setup, imports_table, NULL);
    setup_fini(&setup);
}

TEST(globals_match_by_type_and_mutability)
{
    struct setup setup;
    setup_init(&setup, SETUP_PLAIN);
    define_global(&setup, ISO_TYPE_I32, false);
    CHECK_LINK(&setup, imports_constant, NULL);
    CHECK_LINK(&setup, imports_variable,
               "incompatible import type: \"env\".\"x\" needs a mutable global i32, is a "
               "global i32");
    define_global(&setup, ISO_TYPE_I32, true);
    CHECK_LINK(&setup, imports_variable, NULL);
    CHECK_LINK(&setup, imports_constant,
               "incompatible import type: \"env\".\"x\" needs a global i32, is a "
               "mutable global i32");
    define_global(&setup, ISO_TYPE_V128, false);
    CHECK_LINK(&setup, imports_constant,
               "incompatible import type: \"env\".\"x\" needs a global i32, is a global v128");
    setup_fini(&setup);
}

TEST(a_failed_link_gives_back_all_memory)
{
    struct setup setup;
    setup_init(&setup, SETUP_PLAIN);
    struct iso_module *module = SETUP_MODULE(&setup, imaged); /* needs env.log */
    struct iso_instance *instance = NULL;
    CHECK_ERR(iso_instance_create(setup.store, module, &instance, NULL), ISO_E_LINK);
    size_t live = setup.memory.live_bytes;
    for (int i = 0; i < 3; i++) {
        CHECK_ERR(iso_instance_create(setup.store, module, &instance, NULL), ISO_E_LINK);
    }
    CHECK_EQ_U64(setup.memory.live_bytes, live);
    CHECK_EQ_U64(setup.store->table_count, 0);
    CHECK_EQ_U64(iso_store_memory_bytes(setup.store), 0);
    setup_fini(&setup);
}

TEST(hostile_names_are_escaped_and_cut)
{
    char out[ISO_LINK_PATH_BYTES];
    iso_link_path_text(iso_str_from("a\x1b[2J\n\"\\", 8), iso_str_from("\x00\x7f", 2), out);
    CHECK_STR(out, "\"a\\1b[2J\\0a\\22\\5c\".\"\\00\\7f\"");
    char name[1000];
    memset(name, 'n', sizeof name);
    iso_link_path_text(iso_str_from(name, sizeof name), iso_str_from(name, sizeof name), out);
    CHECK(strlen(out) < sizeof out && strlen(out) > 150);
    CHECK_CONTAINS(out, "nnn...\".\"nnn");
    CHECK_STR(out + strlen(out) - 5, "n...\"");
    for (size_t i = 0; i + 1 < sizeof name; i += 2) {
        memcpy(name + i, "\xc3\xa4", 2); /* never cut within a character */
    }
    for (size_t shift = 0; shift < 4; shift++) {
        memset(name, 'n', shift & ~(size_t)1);
        iso_link_path_text(iso_str_from("m", shift & 1), iso_str_from(name, sizeof name), out);
        CHECK_CONTAINS(out, "\xc3\xa4...\"");
    }
}

TEST(long_types_are_cut_with_their_end_in_sight)
{
    uint8_t types[50];
    memset(types, ISO_TYPE_EXTERNREF, sizeof types);
    const struct iso_func_type func = {
        .params = types, .param_count = 50, .results = types, .result_count = 50};
    const struct iso_extern_type type = {.kind = ISO_EXTERN_FUNC, .func = &func};
    char out[ISO_LINK_TYPE_BYTES];
    iso_link_type_text(&type, out);
    CHECK_CONTAINS(out, "function (externref, externref, ");
    CHECK_CONTAINS(out, ", ...) -> (externref, ");
    CHECK_STR(out + strlen(out) - 6, ", ...)");
}
