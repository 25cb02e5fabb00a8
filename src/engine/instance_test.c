/* instance_test.c - instantiation step by step, exports, and what stays of instances that fail. */
#include "engine/store_test_support.h"

static void define_instance_as_env(struct setup *setup, struct iso_instance *instance)
{
    CHECK_OK(iso_store_define_instance(setup->store, "env", instance));
}

TEST(exports_of_a_fresh_instance_have_their_initial_values)
{
    struct setup setup;
    setup_init(&setup, SETUP_PLAIN);
    struct iso_instance *instance = SETUP_INSTANCE(&setup, exporter);
    CHECK(iso_instance_store(instance) == setup.store);
    CHECK(iso_instance_module(instance) == setup.modules[0]);
    CHECK_EQ_U64(global_u32(instance, "constant"), 7);
    enum iso_type type;
    union iso_slot value[2];
    CHECK_OK(iso_instance_global_get(instance, "variable", &type, value));
    CHECK(type == ISO_TYPE_I64 && value[0].i64 == -1);
    CHECK_OK(iso_instance_global_get(instance, "vector", NULL, value));
    static const uint8_t lanes[16] = {1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0};
    CHECK_MEM(value, lanes, 16);
    struct iso_func *twice = iso_instance_export_func(instance, "double");
    CHECK(twice != NULL && iso_func_type(twice)->param_count == 1);
    CHECK_OK(iso_instance_global_get(instance, "function", &type, value));
    CHECK(type == ISO_TYPE_FUNCREF && value[0].ref == (uintptr_t)twice);
    const uint64_t elems[] = {0, (uintptr_t)twice,
                              (uintptr_t)iso_instance_export_func(instance, "nothing"), 0};
    CHECK_MEM(instance->tables[0]->elems, elems, sizeof elems);
    uint64_t size = 0;
    uint8_t *memory = iso_instance_memory(instance, &size);
    CHECK_EQ_U64(size, ISO_PAGE_BYTES);
    CHECK_MEM(memory + 65529, "\0hello\0", 7);
    setup_fini(&setup);
}

TEST(exports_are_found_by_name_and_kind)
{
    struct setup setup;
    setup_init(&setup, SETUP_PLAIN);
    struct iso_instance *instance = SETUP_INSTANCE(&setup, exporter);
    union iso_slot value[2];
    CHECK(iso_instance_export_func(instance, "double") ==
          iso_instance_export_func(instance, "double"));
    CHECK(iso_instance_export_func(instance, "doubl") == NULL);
    CHECK(iso_instance_export_func(instance, "") == NULL);
    CHECK(iso_instance_export_func(instance, "constant") == NULL);
    CHECK_ERR(iso_instance_global_get(instance, "double", NULL, value), ISO_E_NOT_FOUND);
    CHECK_ERR(iso_instance_global_get(instance, "none", NULL, value), ISO_E_NOT_FOUND);
    CHECK_ERR(iso_instance_global_set(instance, "none", value), ISO_E_NOT_FOUND);
    CHECK_ERR(iso_instance_global_set(instance, "constant", value), ISO_E_ARGUMENT);
    value[0].u64 = 99;
    CHECK_OK(iso_instance_global_set(instance, "variable", value));
    value[0].u64 = 0;
    CHECK_OK(iso_instance_global_get(instance, "variable", NULL, value));
    CHECK_EQ_U64(value[0].u64, 99);
    setup_fini(&setup);
}

TEST(exports_are_found_without_memory_for_an_index)
{
    struct setup setup;
    setup_init(&setup, SETUP_PLAIN);
    struct iso_instance *instance = SETUP_INSTANCE(&setup, exporter);
    CHECK(instance->module->export_count >= 8);
    setup.memory.fail_all_from = true;
    setup.memory.fail_at = setup.memory.requests + 1;
    CHECK(iso_instance_export_func(instance, "nothing") != NULL);
    CHECK(iso_instance_export_func(instance, "none") == NULL);
    setup.memory.fail_at = 0;
    CHECK(iso_instance_export_func(instance, "nothing") != NULL);
    CHECK(iso_instance_export_func(instance, "none") == NULL);
    setup_fini(&setup);
}

TEST(a_module_without_memory_has_none)
{
    struct setup setup;
    setup_init(&setup, SETUP_PLAIN);
    struct iso_instance *instance = SETUP_INSTANCE(&setup, big_table);
    uint64_t size = 1;
    CHECK(iso_instance_memory(instance, &size) == NULL);
    CHECK_EQ_U64(size, 0);
    setup_fini(&setup);
}

TEST(what_an_instance_exports_can_be_imported_and_is_shared)
{
    struct setup setup;
    setup_init(&setup, SETUP_PLAIN);
    struct iso_instance *exporter = SETUP_INSTANCE(&setup, exporter);
    define_instance_as_env(&setup, exporter);
    struct iso_instance *importer = SETUP_INSTANCE(&setup, importer);
    CHECK_EQ_U64(global_u32(importer, "copy"), 7);
    struct iso_func *twice = iso_instance_export_func(exporter, "double");
    CHECK(iso_instance_export_func(importer, "double again") == twice);
    union iso_slot value[2];
    CHECK_OK(iso_instance_global_get(importer, "callback", NULL, value));
    CHECK(value[0].ref == (uintptr_t)twice);
    value[0].u64 = 123;
    CHECK_OK(iso_instance_global_set(importer, "variable again", value));
    value[0].u64 = 0;
    CHECK_OK(iso_instance_global_get(exporter, "variable", NULL, value));
    CHECK_EQ_U64(value[0].u64, 123);
    uint64_t size = 0;
    CHECK_MEM(iso_instance_memory(exporter, &size), "world", 5);
    CHECK(exporter->tables[0] == importer->tables[0]);
    CHECK(exporter->tables[0]->elems[2] == 0); /* ref.null in the importer's segment */
    CHECK(exporter->tables[0]->elems[3] == (uintptr_t)twice);
    CHECK_EQ_U64(iso_store_memory_bytes(setup.store), ISO_PAGE_BYTES);
    setup_fini(&setup);
}

TEST(an_instance_of_another_store_cannot_be_defined)
{
    struct setup setup;
    setup_init(&setup, SETUP_PLAIN);
    struct iso_instance *instance = SETUP_INSTANCE(&setup, exporter);
    struct iso_store *other = NULL;
    CHECK_OK(iso_store_create(setup.engine, &setup.config, &other));
    CHECK_ERR(iso_store_define_instance(other, "env", instance), ISO_E_ARGUMENT);
    iso_store_destroy(other);
    setup_fini(&setup);
}

static void define_shared(struct setup *setup)
{
    const struct iso_limits four = {.min = 4}, one = {.min = 1};
    CHECK_OK(iso_store_define_table(setup->store, "env", "table", ISO_TYPE_FUNCREF, &four));
    CHECK_OK(iso_store_define_memory(setup->store, "env", "memory", &one));
}

TEST(a_data_segment_that_does_not_fit_traps_and_leaves_what_came_before)
{
    struct setup setup;
    setup_init(&setup, SETUP_PLAIN);
    define_shared(&setup);
    struct iso_module *module = SETUP_MODULE(&setup, bad_data);
    struct iso_instance *instance = NULL;
    CHECK_ERR(iso_instance_create(setup.store, module, &instance, &setup.report), ISO_E_TRAP);
    CHECK(instance == NULL);
    CHECK_STR(setup.report.text, "out of bounds memory access: data segment 1 wants to be at "
                                 "65535..65537, the size is 65536");
    CHECK_EQ_U64(iso_store_trap(setup.store)->kind, ISO_TRAP_MEMORY);
    CHECK_STR(iso_store_trap(setup.store)->message, "out of bounds memory access");
    CHECK_MEM(setup.store->memories[0]->base, "abc", 4);
    CHECK(setup.store->memories[0]->base[65535] == 0); /* all or nothing */
    const struct iso_func *func =
        (const struct iso_func *)(uintptr_t)setup.store->tables[0]->elems[0];
    CHECK(func != NULL && iso_func_type(func)->result_count == 1);
    CHECK_EQ_U64(setup.store->instance_count, 1);
    setup_fini(&setup);
}

TEST(an_element_segment_that_does_not_fit_traps_before_any_data_is_written)
{
    struct setup setup;
    setup_init(&setup, SETUP_PLAIN);
    define_shared(&setup);
    struct iso_module *module = SETUP_MODULE(&setup, bad_elem);
    struct iso_instance *instance = NULL;
    CHECK_ERR(iso_instance_create(setup.store, module, &instance, &setup.report), ISO_E_TRAP);
    CHECK_STR(setup.report.text,
              "out of bounds table access: element segment 1 wants to be at 4..5, the size is 4");
    CHECK_EQ_U64(iso_store_trap(setup.store)->kind, ISO_TRAP_TABLE);
    CHECK(setup.store->tables[0]->elems[3] != 0);
    CHECK_MEM(setup.store->memories[0]->base, "\0\0\0", 3);
    setup_fini(&setup);
}

TEST(a_module_that_passes_the_limits_of_the_store_leaves_nothing)
{
    struct setup setup;
    setup_engine(&setup, SETUP_PLAIN);
    setup.config.memory_max_bytes = 1 << 20;
    setup.config.table_max_elems = 99;
    CHECK_OK(iso_store_create(setup.engine, &setup.config, &setup.store));
    struct iso_instance *instance = NULL;
    struct iso_module *module = SETUP_MODULE(&setup, big_memory);
    CHECK_ERR(iso_instance_create(setup.store, module, &instance, &setup.report), ISO_E_LIMIT);
    CHECK_STR(setup.report.text, "memory needs 2560 KiB, the limit of this store is 1024 KiB, of "
                                 "which 0 KiB are in use: raise the memory limit");
    module = SETUP_MODULE(&setup, big_table);
    iso_report_init(&setup.report);
    CHECK_ERR(iso_instance_create(setup.store, module, &instance, &setup.report), ISO_E_LIMIT);
    CHECK_CONTAINS(setup.report.text, "table needs 100 elements, the limit of this store is 99");
    CHECK_EQ_U64(setup.store->instance_count + setup.store->table_count, 0);
    setup_fini(&setup);
}

TEST(a_module_of_another_engine_is_refused)
{
    struct setup setup, other;
    setup_init(&setup, SETUP_PLAIN);
    setup_init(&other, SETUP_PLAIN);
    struct iso_module *module = SETUP_MODULE(&other, exporter);
    struct iso_instance *instance = NULL;
    CHECK_ERR(iso_instance_create(setup.store, module, &instance, NULL), ISO_E_ARGUMENT);
    setup_fini(&other);
    setup_fini(&setup);
}

TEST(functions_become_valid_when_they_are_referred_to)
{
    struct setup setup;
    setup_init(&setup, SETUP_PLAIN);
    setup_define(&setup, "log", "i", "");
    struct iso_instance *instance = SETUP_INSTANCE(&setup, imaged);
    /* Index 1 is in an active segment, 2 in a global. */
    CHECK(instance->funcs[0].instance == instance && instance->funcs[1].instance == instance);
    CHECK(iso_instance_func(instance, 2) == &instance->funcs[1]);
    CHECK_EQ_U64(iso_instance_func(instance, 2)->func_index, 2);
    CHECK(iso_instance_func(instance, 0) == instance->imported_funcs[0]);
    CHECK(iso_instance_func(instance, 0)->host != NULL);
    struct iso_instance *exporter = SETUP_INSTANCE(&setup, exporter);
    CHECK(exporter->funcs[1].instance == exporter);
    struct iso_instance *bare = SETUP_INSTANCE(&setup, bare_memory);
    CHECK_EQ_U64(bare->index, 2);
    setup_fini(&setup);
}

/* Two linked instances, allocation by allocation; also each call of the platform. */
static enum iso_err make_two(struct setup *setup, struct iso_module *first,
                             struct iso_module *second)
{
    enum iso_err err = iso_store_create(setup->engine, &setup->config, &setup->store);
    struct iso_instance *instance = NULL;
    if (err == ISO_OK) {
        err = iso_instance_create(setup->store, first, &instance, NULL);
    }
    if (err == ISO_OK) {
        err = iso_store_define_instance(setup->store, "env", instance);
    }
    if (err == ISO_OK) {
        err = iso_instance_create(setup->store, second, &instance, NULL);
    }
    return err;
}

static bool fail_one(enum setup_kind kind, bool in_platform, uint64_t n)
{
    struct setup setup;
    setup_engine(&setup, kind);
    struct iso_module *first = SETUP_MODULE(&setup, exporter);
    struct iso_module *second = SETUP_MODULE(&setup, importer);
    uint64_t calls = setup.platform.calls;
    if (in_platform) {
        setup.platform.fail_at = calls + n;
    } else {
        setup.memory.fail_at = setup.memory.requests + n;
    }
    enum iso_err err = make_two(&setup, first, second);
    bool failed = in_platform ? setup.platform.calls - calls >= n : setup.memory.failed;
    CHECK(failed || err == ISO_OK);
    CHECK(err == ISO_OK || err == ISO_E_NOMEM);
    CHECK(in_platform || !failed || err == ISO_E_NOMEM);
    setup_fini(&setup);
    return failed;
}

TEST(each_allocation_of_an_instance_may_fail)
{
    for (int kind = SETUP_PLAIN; kind <= SETUP_IMAGES; kind++) {
        uint64_t n = 1;
        while (fail_one((enum setup_kind)kind, false, n)) {
            n++;
        }
        CHECK(n > 10);
    }
    uint64_t n = 1;
    while (fail_one(SETUP_RESERVING, true, n)) {
        n++;
    }
    CHECK(n > 2);
}

/* ---- Start functions ------------------------------------------------------------------------ */

/* What the host function that a start function calls answers. */
struct answer {
    enum iso_host_result result;
    bool exits;
    uint32_t calls;
};

static enum iso_host_result enter(struct iso_host_call *call)
{
    struct answer *answer = call->ctx;
    answer->calls++;
    if (answer->result == ISO_HOST_TRAP && answer->exits) {
        iso_host_exit(call, 3);
    } else if (answer->result == ISO_HOST_TRAP) {
        iso_host_trap(call, "no entry");
    }
    return answer->result;
}

static void define_enter(struct setup *setup, struct answer *answer)
{
    CHECK_OK(iso_store_define_func(
        setup->store,
        &(struct iso_host_func){.module = "env", .name = "enter", .fn = enter, .ctx = answer}));
}

TEST(the_start_function_runs_last)
{
    struct setup setup;
    struct answer answer = {.result = ISO_HOST_DONE};
    setup_init(&setup, SETUP_PLAIN);
    define_enter(&setup, &answer);
    struct iso_instance *instance = SETUP_INSTANCE(&setup, starter);
    CHECK_EQ_U64(answer.calls, 1);
    CHECK_EQ_U64(global_u32(instance, "done"), 5);
    setup_fini(&setup);
}

TEST(a_start_function_that_traps_makes_no_instance)
{
    struct setup setup;
    struct answer answer = {.result = ISO_HOST_TRAP};
    setup_init(&setup, SETUP_PLAIN);
    define_enter(&setup, &answer);
    struct iso_module *module = SETUP_MODULE(&setup, starter);
    struct iso_instance *instance = NULL;
    CHECK_ERR(iso_instance_create(setup.store, module, &instance, &setup.report), ISO_E_TRAP);
    CHECK(instance == NULL);
    CHECK_STR(setup.report.text, "start function: no entry");
    CHECK_EQ_U64(iso_store_trap(setup.store)->kind, ISO_TRAP_HOST);
    answer.exits = true;
    CHECK_ERR(iso_instance_create(setup.store, module, &instance, NULL), ISO_E_TRAP);
    CHECK_EQ_U64(iso_store_trap(setup.store)->kind, ISO_TRAP_EXIT);
    CHECK_EQ_U64(iso_store_trap(setup.store)->exit_status, 3);
    setup_fini(&setup);
}

TEST(a_start_function_that_waits_leaves_an_instance_to_go_on_with)
{
    struct setup setup;
    struct answer answer = {.result = ISO_HOST_PENDING};
    setup_init(&setup, SETUP_PLAIN);
    define_enter(&setup, &answer);
    struct iso_module *module = SETUP_MODULE(&setup, starter);
    struct iso_instance *instance = NULL, *second = NULL;
    CHECK_ERR(iso_instance_create(setup.store, module, &instance, &setup.report), ISO_E_PENDING);
    CHECK(instance != NULL);
    CHECK_EQ_U64(global_u32(instance, "done"), 0);
    /* No second start function while the first waits; modules without one are fine. */
    CHECK_ERR(iso_instance_create(setup.store, module, &second, NULL), ISO_E_STATE);
    CHECK(second == NULL);
    CHECK_EQ_U64(setup.store->instance_count, 1);
    (void)SETUP_INSTANCE(&setup, bare_memory);
    answer.result = ISO_HOST_DONE;
    CHECK_EQ_U64(iso_run(setup.store), ISO_RUN_DONE);
    CHECK_EQ_U64(global_u32(instance, "done"), 5);
    setup_fini(&setup);
}
