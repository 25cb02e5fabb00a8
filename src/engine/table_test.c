/* table_test.c - tables: growth, limits, and the bulk operations at their bounds. */
#include "engine/store_test_support.h"

static struct iso_table *make(struct setup *setup, uint32_t min, uint32_t max)
{
    const struct iso_limits limits = {.min = min, .max = max, .has_max = max != UINT32_MAX};
    struct iso_table *table = NULL;
    CHECK_OK(iso_table_create(setup->store, ISO_TYPE_EXTERNREF, &limits, &table, &setup->report));
    return table;
}

TEST(a_table_grows_with_a_value_to_its_maximum)
{
    struct setup setup;
    setup_init(&setup, SETUP_PLAIN);
    struct iso_table *table = make(&setup, 2, 5);
    CHECK(table->elems[0] == 0 && table->elems[1] == 0);
    CHECK_EQ_U64(iso_table_grow(table, 0, 9), 2);
    CHECK_EQ_U64(iso_table_grow(table, 2, 9), 2);
    CHECK_EQ_U64(table->size, 4);
    CHECK(table->elems[1] == 0 && table->elems[2] == 9 && table->elems[3] == 9);
    CHECK_EQ_U64(iso_table_grow(table, 2, 9), UINT32_MAX);
    CHECK_EQ_U64(iso_table_grow(table, UINT32_MAX, 9), UINT32_MAX);
    CHECK_EQ_U64(iso_table_grow(table, 1, 8), 4);
    CHECK(table->elems[4] == 8);
    CHECK_EQ_U64(setup.store->table_elems, 5);
    setup_fini(&setup);
}

TEST(a_table_without_maximum_stops_at_the_limit_of_the_engine)
{
    struct setup setup;
    setup_init(&setup, SETUP_PLAIN);
    struct iso_table *table = make(&setup, 1, UINT32_MAX);
    CHECK_EQ_U64(iso_table_grow(table, ISO_MAX_TABLE_ELEMS, 0), UINT32_MAX);
    CHECK_EQ_U64(table->size, 1);
    const struct iso_limits limits = {.min = ISO_MAX_TABLE_ELEMS + 1};
    struct iso_table *large = NULL;
    CHECK_ERR(iso_table_create(setup.store, ISO_TYPE_FUNCREF, &limits, &large, &setup.report),
              ISO_E_LIMIT);
    CHECK_STR(setup.report.text,
              "table needs 10000001 elements, the largest table may have 10000000");
    setup_fini(&setup);
}

TEST(the_limit_of_the_store_counts_all_tables)
{
    struct setup setup;
    setup_engine(&setup, SETUP_PLAIN);
    setup.config.table_max_elems = 10;
    CHECK_OK(iso_store_create(setup.engine, &setup.config, &setup.store));
    struct iso_table *first = make(&setup, 4, UINT32_MAX);
    (void)make(&setup, 4, UINT32_MAX);
    CHECK_EQ_U64(iso_table_grow(first, 3, 0), UINT32_MAX);
    CHECK_EQ_U64(iso_table_grow(first, 2, 0), 4);
    const struct iso_limits limits = {.min = 1};
    struct iso_table *third = NULL;
    CHECK_ERR(iso_table_create(setup.store, ISO_TYPE_FUNCREF, &limits, &third, &setup.report),
              ISO_E_LIMIT);
    CHECK_CONTAINS(setup.report.text, "the limit of this store is 10, of which 10 are in use");
    setup_fini(&setup);
}

TEST(table_growth_without_memory_changes_nothing)
{
    struct setup setup;
    setup_init(&setup, SETUP_PLAIN);
    struct iso_table *table = make(&setup, 8, UINT32_MAX);
    setup.memory.fail_all_from = true;
    setup.memory.fail_at = setup.memory.requests + 1;
    CHECK_EQ_U64(iso_table_grow(table, 1, 7), UINT32_MAX);
    CHECK_EQ_U64(table->size, 8);
    setup.memory.fail_all_from = false;
    setup.memory.fail_at =
        setup.memory.requests + 1; /* the generous request; the exact one works */
    CHECK_EQ_U64(iso_table_grow(table, 1, 7), 8);
    CHECK_EQ_U64(table->capacity, 9);
    CHECK(table->elems[7] == 0 && table->elems[8] == 7);
    setup_fini(&setup);
}

TEST(growing_one_by_one_moves_seldom)
{
    struct setup setup;
    setup_init(&setup, SETUP_PLAIN);
    struct iso_table *table = make(&setup, 1, UINT32_MAX);
    uint64_t requests = setup.memory.requests;
    for (uint32_t i = 1; i < 1000; i++) {
        CHECK_EQ_U64(iso_table_grow(table, 1, i), i);
    }
    for (uint32_t i = 0; i < 1000; i++) {
        CHECK_EQ_U64(table->elems[i], i);
    }
    CHECK(setup.memory.requests - requests < 40);
    setup_fini(&setup);
}

TEST(fill_and_copy_stay_within_bounds_and_copies_may_overlap)
{
    struct setup setup;
    setup_init(&setup, SETUP_PLAIN);
    struct iso_table *a = make(&setup, 6, 6), *b = make(&setup, 3, 3);
    CHECK(iso_table_fill(a, 0, 1, 3) && iso_table_fill(a, 3, 2, 3) && iso_table_fill(a, 6, 9, 0));
    CHECK(!iso_table_fill(a, 4, 9, 3) && !iso_table_fill(a, 7, 9, 0));
    CHECK(!iso_table_fill(a, 1, 9, UINT32_MAX));
    CHECK(iso_table_copy(a, a, 1, 0, 4));
    static const uint64_t forward[] = {1, 1, 1, 1, 2, 2};
    CHECK_MEM(a->elems, forward, sizeof forward);
    CHECK(iso_table_copy(a, a, 2, 3, 3));
    static const uint64_t backward[] = {1, 1, 1, 2, 2, 2};
    CHECK_MEM(a->elems, backward, sizeof backward);
    CHECK(iso_table_copy(b, a, 0, 2, 3));
    CHECK(b->elems[0] == 1 && b->elems[1] == 2 && b->elems[2] == 2);
    CHECK(!iso_table_copy(b, a, 0, 2, 4) && !iso_table_copy(a, b, 5, 0, 2));
    CHECK(!iso_table_copy(a, b, 0, 2, 2) && !iso_table_copy(a, b, 0, UINT32_MAX, 2));
    CHECK(iso_table_copy(a, b, 6, 3, 0) && !iso_table_copy(a, b, 7, 3, 0));
    CHECK(!iso_table_copy(a, b, 6, 4, 0));
    CHECK_MEM(a->elems, backward, sizeof backward);
    setup_fini(&setup);
}

TEST(element_segments_are_copied_within_bounds_and_can_be_dropped)
{
    struct setup setup;
    setup_init(&setup, SETUP_PLAIN);
    setup_define(&setup, "log", "i", "");
    struct iso_instance *instance = SETUP_INSTANCE(&setup, imaged);
    struct iso_table *table = instance->tables[0];
    const uint64_t a = (uintptr_t)iso_instance_export_func(instance, "a");
    const uint64_t b = (uintptr_t)iso_instance_export_func(instance, "b");
    const uint64_t log = (uintptr_t)instance->imported_funcs[0];
    const uint64_t before[] = {0, log, a, 0, 0, 0};
    CHECK_MEM(table->elems, before, sizeof before);
    CHECK(iso_table_init(instance, 0, 1, 5, 0, 1));
    CHECK(table->elems[5] == b);
    CHECK(iso_table_init(instance, 0, 1, 6, 1, 0));
    CHECK(!iso_table_init(instance, 0, 1, 6, 0, 1) && !iso_table_init(instance, 0, 1, 7, 0, 0));
    CHECK(!iso_table_init(instance, 0, 1, 0, 0, 2) && !iso_table_init(instance, 0, 1, 0, 2, 0));
    CHECK(!iso_table_init(instance, 0, 1, UINT32_MAX, 0, 1));
    iso_elem_drop(instance, 1);
    CHECK(!iso_table_init(instance, 0, 1, 0, 0, 1));
    CHECK(iso_table_init(instance, 0, 1, 0, 0, 0));
    CHECK(!iso_table_init(instance, 0, 0, 0, 0, 1)); /* active: dropped at the start */
    setup_fini(&setup);
}
