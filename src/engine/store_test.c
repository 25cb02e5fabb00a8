/* store_test.c - stores: their limits, their stack, what the host defines, and who owns what. */
#include "engine/block.h"
#include "engine/store_test_support.h"

static enum iso_host_result fn(struct iso_host_call *call)
{
    (void)call;
    return ISO_HOST_DONE;
}

TEST(a_store_has_a_stack_of_the_size_asked_for_and_keeps_its_user)
{
    struct setup setup;
    int user = 0;
    setup_engine(&setup, SETUP_PLAIN);
    setup.config = (struct iso_store_config){.stack_max_bytes = 5000, .user = &user};
    CHECK_OK(iso_store_create(setup.engine, &setup.config, &setup.store));
    CHECK(iso_store_user(setup.store) == &user);
    CHECK(iso_store_engine(setup.store) == setup.engine);
    CHECK_EQ_U64((uint64_t)(setup.store->exec.stack_end - setup.store->stack), 625);
    CHECK_EQ_U64(iso_store_memory_bytes(setup.store), 0);
    setup_fini(&setup);
}

TEST(a_stack_of_less_than_a_kilobyte_is_refused)
{
    struct setup setup;
    setup_engine(&setup, SETUP_PLAIN);
    setup.config.stack_max_bytes = 1023;
    CHECK_ERR(iso_store_create(setup.engine, &setup.config, &setup.store), ISO_E_ARGUMENT);
    CHECK(setup.store == NULL);
    setup_fini(&setup);
}

TEST(a_large_stack_comes_from_the_platform_untouched)
{
    struct setup setup;
    setup_engine(&setup, SETUP_RESERVING);
    setup.config.stack_max_bytes = 1 << 20;
    CHECK_OK(iso_store_create(setup.engine, &setup.config, &setup.store));
    CHECK_EQ_U64(setup.platform.reserved, 1);
    CHECK_EQ_U64(setup.platform.last_reserve, 1 << 20);
    setup_fini(&setup);
}

TEST(a_stack_that_the_platform_cannot_reserve_comes_from_the_allocator)
{
    struct setup setup;
    setup_engine(&setup, SETUP_RESERVING);
    setup.config.stack_max_bytes = 2 << 20; /* reserve_max is half of it */
    CHECK_OK(iso_store_create(setup.engine, &setup.config, &setup.store));
    CHECK_EQ_U64(setup.platform.reserved, 0);
    setup_fini(&setup);
}

TEST(defaults_are_those_of_the_header)
{
    struct setup setup;
    setup_engine(&setup, SETUP_PLAIN);
    CHECK_OK(iso_store_create(setup.engine, NULL, &setup.store));
    CHECK_EQ_U64(setup.store->config.memory_max_bytes, UINT64_C(1) << 32);
    CHECK_EQ_U64(setup.store->config.table_max_elems, 10000000);
    CHECK_EQ_U64(setup.store->stack_bytes, 8 << 20);
    CHECK(iso_store_user(setup.store) == NULL);
    setup_fini(&setup);
}

TEST(destroying_no_store_is_fine)
{
    iso_store_destroy(NULL);
}

TEST(type_letters_become_a_function_type)
{
    struct setup setup;
    setup_init(&setup, SETUP_PLAIN);
    setup_define(&setup, "f", "iIfFvre", "vi");
    const struct iso_definition *definition =
        iso_store_definition_find(setup.store, iso_str_from_z("env"), iso_str_from_z("f"));
    CHECK(definition != NULL && definition->kind == ISO_EXTERN_FUNC);
    const struct iso_func_type *type = iso_func_type(definition->object);
    static const uint8_t params[] = {0x7f, 0x7e, 0x7d, 0x7c, 0x7b, 0x70, 0x6f};
    CHECK_EQ_U64(type->param_count, 7);
    CHECK_EQ_U64(type->param_slots, 8);
    CHECK_MEM(type->params, params, sizeof params);
    CHECK_EQ_U64(type->result_count, 2);
    CHECK_EQ_U64(type->result_slots, 3);
    setup_fini(&setup);
}

TEST(strings_of_a_definition_are_copied)
{
    struct setup setup;
    setup_init(&setup, SETUP_PLAIN);
    char module[] = "env", name[] = "f", params[] = "i";
    CHECK_OK(iso_store_define_func(
        setup.store,
        &(struct iso_host_func){.module = module, .name = name, .params = params, .fn = fn}));
    memset(module, 'x', 3);
    name[0] = 'x';
    params[0] = 'x';
    const struct iso_definition *definition =
        iso_store_definition_find(setup.store, iso_str_from_z("env"), iso_str_from_z("f"));
    CHECK(definition != NULL);
    const struct iso_func *func = definition->object;
    CHECK(iso_str_equal_z(func->host->module, "env") && iso_str_equal_z(func->host->name, "f"));
    setup_fini(&setup);
}

TEST(wrong_definitions_are_refused)
{
    struct setup setup;
    setup_init(&setup, SETUP_PLAIN);
    struct iso_store *store = setup.store;
    const union iso_slot value = {.u64 = 1};
    struct iso_host_func def = {.module = "env", .name = "f", .params = "ix", .fn = fn};
    CHECK_ERR(iso_store_define_func(store, &def), ISO_E_ARGUMENT);
    def = (struct iso_host_func){.module = "env", .name = "f", .results = "?", .fn = fn};
    CHECK_ERR(iso_store_define_func(store, &def), ISO_E_ARGUMENT);
    def = (struct iso_host_func){.module = "env", .name = "f"};
    CHECK_ERR(iso_store_define_func(store, &def), ISO_E_ARGUMENT);
    def = (struct iso_host_func){.name = "f", .fn = fn};
    CHECK_ERR(iso_store_define_func(store, &def), ISO_E_ARGUMENT);
    CHECK_ERR(iso_store_define_global(store, "env", "g", (enum iso_type)0x40, false, &value),
              ISO_E_ARGUMENT);
    CHECK_ERR(iso_store_define_global(store, "env", "g", ISO_TYPE_I32, false, NULL),
              ISO_E_ARGUMENT);
    struct iso_limits limits = {.min = 2, .max = 1, .has_max = true};
    CHECK_ERR(iso_store_define_memory(store, "env", "m", &limits), ISO_E_ARGUMENT);
    CHECK_ERR(iso_store_define_table(store, "env", "t", ISO_TYPE_FUNCREF, &limits), ISO_E_ARGUMENT);
    limits = (struct iso_limits){.min = 65537};
    CHECK_ERR(iso_store_define_memory(store, "env", "m", &limits), ISO_E_ARGUMENT);
    limits = (struct iso_limits){.min = 1};
    CHECK_ERR(iso_store_define_table(store, "env", "t", ISO_TYPE_I32, &limits), ISO_E_ARGUMENT);
    CHECK_EQ_U64(store->definition_count, 0);
    CHECK_EQ_U64(store->memory_count, 0);
    setup_fini(&setup);
}

TEST(a_function_type_has_at_most_a_thousand_parameters)
{
    struct setup setup;
    setup_init(&setup, SETUP_PLAIN);
    char params[ISO_MAX_PARAMS + 2];
    memset(params, 'i', sizeof params);
    params[ISO_MAX_PARAMS + 1] = '\0';
    struct iso_host_func def = {.module = "env", .name = "f", .params = params, .fn = fn};
    CHECK_ERR(iso_store_define_func(setup.store, &def), ISO_E_ARGUMENT);
    params[ISO_MAX_PARAMS] = '\0';
    CHECK_OK(iso_store_define_func(setup.store, &def));
    setup_fini(&setup);
}

TEST(a_later_definition_replaces_an_earlier_one)
{
    struct setup setup;
    setup_init(&setup, SETUP_PLAIN);
    struct iso_str env = iso_str_from_z("env"), name = iso_str_from_z("x");
    for (uint32_t i = 0; i < 5; i++) {
        const union iso_slot value = {.u32 = i};
        CHECK_OK(iso_store_define_global(setup.store, "env", "x", ISO_TYPE_I32, false, &value));
        if (i % 2 == 0) {
            setup_define(&setup, "other", "", "");
        }
        if (i != 2) { /* also twice between two look-ups */
            const struct iso_definition *found = iso_store_definition_find(setup.store, env, name);
            CHECK(found != NULL && found->kind == ISO_EXTERN_GLOBAL);
            CHECK_EQ_U64(((struct iso_global *)found->object)->value[0].u32, i);
        }
    }
    setup_define(&setup, "x", "", "");
    CHECK_EQ_U64(iso_store_definition_find(setup.store, env, name)->kind, ISO_EXTERN_FUNC);
    setup_fini(&setup);
}

TEST(thousands_of_definitions_are_found_and_others_are_not)
{
    struct setup setup;
    setup_init(&setup, SETUP_PLAIN);
    enum { COUNT = 3000 };
    const struct iso_str env = iso_str_from_z("env");
    for (uint32_t i = 0; i < COUNT; i++) {
        char name[16];
        (void)iso_format(name, sizeof name, "n%lu", (unsigned long)(i * 7919 % COUNT));
        const union iso_slot value = {.u32 = i * 7919 % COUNT};
        CHECK_OK(iso_store_define_global(setup.store, "env", name, ISO_TYPE_I32, false, &value));
        if (i % 500 == 3) { /* merges into what is there */
            CHECK(iso_store_definition_find(setup.store, env, iso_str_from_z(name)) != NULL);
        }
    }
    for (uint32_t i = 0; i < COUNT; i++) {
        char name[16];
        (void)iso_format(name, sizeof name, "n%lu", (unsigned long)i);
        const struct iso_definition *found =
            iso_store_definition_find(setup.store, env, iso_str_from_z(name));
        CHECK(found != NULL);
        CHECK_EQ_U64(((struct iso_global *)found->object)->value[0].u32, i);
    }
    CHECK(iso_store_definition_find(setup.store, env, iso_str_from_z("n3000")) == NULL);
    CHECK(iso_store_definition_find(setup.store, env, iso_str_from_z("")) == NULL);
    CHECK(iso_store_definition_find(setup.store, iso_str_from_z("en"), iso_str_from_z("vn1")) ==
          NULL);
    setup_fini(&setup);
}

/* Everything that a host may define, as one sequence of allocations. */
static enum iso_err define_all(struct iso_store *store)
{
    const union iso_slot value[2] = {{.u64 = 1}, {.u64 = 2}};
    const struct iso_limits limits = {.min = 2};
    const struct iso_host_func def = {
        .module = "env", .name = "f", .params = "iI", .results = "f", .fn = fn};
    enum iso_err err = iso_store_define_func(store, &def);
    if (err == ISO_OK) {
        err = iso_store_define_global(store, "env", "g", ISO_TYPE_V128, true, value);
    }
    if (err == ISO_OK) {
        err = iso_store_define_memory(store, "env", "m", &limits);
    }
    if (err == ISO_OK) {
        err = iso_store_define_table(store, "env", "t", ISO_TYPE_EXTERNREF, &limits);
    }
    return err;
}

static void fail_each_allocation(enum setup_kind kind)
{
    for (uint64_t n = 1;; n++) {
        struct setup setup;
        setup_engine(&setup, kind);
        setup.memory.fail_at = setup.memory.requests + n;
        enum iso_err err = iso_store_create(setup.engine, &setup.config, &setup.store);
        if (err == ISO_OK) {
            err = define_all(setup.store);
        }
        bool failed = setup.memory.failed;
        setup_fini(&setup);
        if (!failed) {
            CHECK_OK(err);
            CHECK(n > 8);
            return;
        }
        CHECK_ERR(err, ISO_E_NOMEM);
    }
}

TEST(each_allocation_of_a_store_and_its_definitions_may_fail)
{
    fail_each_allocation(SETUP_PLAIN);
    fail_each_allocation(SETUP_RESERVING);
}

TEST(a_failed_definition_leaves_the_earlier_one_in_place)
{
    struct setup setup;
    setup_init(&setup, SETUP_PLAIN);
    const struct iso_limits small = {.min = 1}, large = {.min = 2};
    CHECK_OK(iso_store_define_memory(setup.store, "env", "m", &small));
    setup.memory.fail_at = setup.memory.requests + 1;
    CHECK_ERR(iso_store_define_memory(setup.store, "env", "m", &large), ISO_E_NOMEM);
    CHECK_EQ_U64(iso_store_memory_bytes(setup.store), ISO_PAGE_BYTES);
    const struct iso_definition *found =
        iso_store_definition_find(setup.store, iso_str_from_z("env"), iso_str_from_z("m"));
    CHECK(found != NULL);
    CHECK_EQ_U64(((struct iso_memory *)found->object)->size, ISO_PAGE_BYTES);
    setup_fini(&setup);
}

TEST(blocks_are_zero_whether_reserved_or_not)
{
    struct setup setup;
    setup_engine(&setup, SETUP_RESERVING);
    static const size_t sizes[] = {0, 1, ISO_BLOCK_THRESHOLD, ISO_BLOCK_THRESHOLD + 1, 700000};
    for (size_t i = 0; i < ISO_COUNT_OF(sizes); i++) {
        bool reserved = false;
        uint8_t *block = iso_block_create(setup.engine, sizes[i], &reserved);
        CHECK(block != NULL);
        CHECK(reserved == (sizes[i] > ISO_BLOCK_THRESHOLD));
        for (size_t k = 0; k < sizes[i]; k++) {
            CHECK(block[k] == 0);
        }
        iso_block_destroy(setup.engine, block, sizes[i], reserved);
    }
    bool reserved = true;
    setup.platform.fail_at = setup.platform.calls + 2; /* the commit */
    uint8_t *block = iso_block_create(setup.engine, 700000, &reserved);
    CHECK(block != NULL && !reserved);
    iso_block_destroy(setup.engine, block, 700000, reserved);
    setup_fini(&setup);
}
