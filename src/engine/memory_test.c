/* memory_test.c - linear memories on hosts with and without reservations: growth, limits, moving.
 */
#include "engine/store_test_support.h"

static struct iso_memory *make(struct setup *setup, uint32_t min, uint32_t max)
{
    const struct iso_limits limits = {.min = min, .max = max, .has_max = max != UINT32_MAX};
    struct iso_memory *memory = NULL;
    CHECK_OK(iso_memory_create(setup->store, &limits, &memory, &setup->report));
    CHECK_EQ_U64(memory->size, (uint64_t)min * ISO_PAGE_BYTES);
    return memory;
}

static void check_zero(const struct iso_memory *memory, uint64_t from)
{
    for (uint64_t i = from; i < memory->size; i++) {
        if (memory->base[i] != 0) {
            TEST_FAIL("byte %llu is %u", (unsigned long long)i, (unsigned)memory->base[i]);
        }
    }
}

static void grow_and_check(enum setup_kind kind)
{
    struct setup setup;
    setup_init(&setup, kind);
    struct iso_memory *memory = make(&setup, 1, 10);
    check_zero(memory, 0);
    memory->base[0] = 1;
    memory->base[ISO_PAGE_BYTES - 1] = 2;
    CHECK_EQ_U64(iso_memory_grow(memory, 0), 1);
    CHECK_EQ_U64(iso_memory_grow(memory, 2), 1);
    CHECK_EQ_U64(iso_memory_grow(memory, 1), 3);
    CHECK_EQ_U64(memory->size, 4 * ISO_PAGE_BYTES);
    CHECK(memory->base[0] == 1 && memory->base[ISO_PAGE_BYTES - 1] == 2);
    check_zero(memory, ISO_PAGE_BYTES);
    CHECK_EQ_U64(iso_memory_grow(memory, 7), UINT32_MAX);
    CHECK_EQ_U64(iso_memory_grow(memory, UINT32_MAX), UINT32_MAX);
    CHECK_EQ_U64(iso_memory_grow(memory, 6), 4);
    CHECK_EQ_U64(iso_memory_grow(memory, 1), UINT32_MAX);
    CHECK_EQ_U64(iso_memory_grow(memory, 0), 10);
    check_zero(memory, 4 * ISO_PAGE_BYTES);
    CHECK_EQ_U64(iso_store_memory_bytes(setup.store), 10 * ISO_PAGE_BYTES);
    setup_fini(&setup);
}

TEST(a_memory_grows_to_its_maximum_and_no_further)
{
    grow_and_check(SETUP_PLAIN);
    grow_and_check(SETUP_RESERVING);
}

TEST(an_empty_memory_has_a_base_and_can_grow)
{
    for (int kind = SETUP_PLAIN; kind <= SETUP_IMAGES; kind++) {
        struct setup setup;
        setup_init(&setup, (enum setup_kind)kind);
        struct iso_memory *memory = make(&setup, 0, 2), *closed = make(&setup, 0, 0);
        CHECK(memory->base != NULL && closed->base != NULL);
        CHECK_EQ_U64(iso_memory_grow(closed, 1), UINT32_MAX);
        CHECK_EQ_U64(iso_memory_grow(memory, 2), 0);
        check_zero(memory, 0);
        setup_fini(&setup);
    }
}

TEST(a_reservation_is_what_the_memory_can_reach)
{
    struct setup setup;
    setup_init(&setup, SETUP_RESERVING);
    CHECK_EQ_U64(make(&setup, 1, 3)->reserved, 3 * ISO_PAGE_BYTES);
    setup_fini(&setup);
    setup_engine(&setup, SETUP_RESERVING);
    setup.config.memory_max_bytes = 5 * ISO_PAGE_BYTES + 100;
    CHECK_OK(iso_store_create(setup.engine, &setup.config, &setup.store));
    CHECK_EQ_U64(make(&setup, 1, 100)->reserved, 5 * ISO_PAGE_BYTES);
    CHECK_EQ_U64(make(&setup, 1, 100)->reserved, 4 * ISO_PAGE_BYTES);
    setup_fini(&setup);
}

TEST(within_its_reservation_a_memory_does_not_move)
{
    struct setup setup;
    setup_init(&setup, SETUP_RESERVING);
    struct iso_memory *memory = make(&setup, 1, 8);
    const uint8_t *base = memory->base;
    for (uint32_t i = 1; i < 8; i++) {
        CHECK_EQ_U64(iso_memory_grow(memory, 1), i);
        CHECK(memory->base == base);
    }
    CHECK_EQ_U64(setup.platform.commits, 8);
    setup_fini(&setup);
}

TEST(refused_reservations_are_halved_until_one_is_granted)
{
    struct setup setup;
    setup_init(&setup, SETUP_RESERVING);
    setup.platform.reserve_max = 300000; /* four pages and a bit */
    struct iso_memory *memory = make(&setup, 1, 65536);
    CHECK(memory->reserved <= 300000 && memory->reserved > 100000);
    CHECK_EQ_U64(memory->reserved % ISO_PAGE_BYTES, 0);
    /* What is needed is asked for in the end, also when halving passes it by. */
    setup.platform.reserve_max = 3 * ISO_PAGE_BYTES;
    CHECK_EQ_U64(make(&setup, 3, 65536)->reserved, 3 * ISO_PAGE_BYTES);
    setup_fini(&setup);
}

TEST(beyond_its_reservation_a_memory_moves_and_keeps_its_bytes)
{
    struct setup setup;
    setup_init(&setup, SETUP_RESERVING);
    setup.platform.reserve_max = 2 * ISO_PAGE_BYTES;
    struct iso_memory *memory = make(&setup, 1, 100);
    memory->base[0] = 1;
    CHECK_EQ_U64(iso_memory_grow(memory, 1), 1);
    memory->base[2 * ISO_PAGE_BYTES - 1] = 2;
    setup.platform.reserve_max = 1 << 20;
    CHECK_EQ_U64(iso_memory_grow(memory, 2), 2);
    CHECK_EQ_U64(memory->size, 4 * ISO_PAGE_BYTES);
    CHECK(memory->base[0] == 1 && memory->base[2 * ISO_PAGE_BYTES - 1] == 2);
    check_zero(memory, 2 * ISO_PAGE_BYTES);
    CHECK_EQ_U64(setup.platform.reserved, 1);
    setup_fini(&setup);
}

/* Every call of the platform fails in turn: growth is refused, nothing changes. */
TEST(growth_that_the_platform_refuses_changes_nothing)
{
    for (uint64_t n = 1; n <= 3; n++) {
        struct setup setup;
        setup_init(&setup, SETUP_RESERVING);
        setup.platform.reserve_max = 2 * ISO_PAGE_BYTES;
        struct iso_memory *memory = make(&setup, 1, 100);
        memory->base[5] = 5;
        setup.platform.fail_at = setup.platform.calls + n;
        if (iso_memory_grow(memory, 1) == UINT32_MAX) {
            CHECK_EQ_U64(memory->size, ISO_PAGE_BYTES);
        }
        setup.platform.reserve_max = 4 * ISO_PAGE_BYTES;
        uint64_t size = memory->size;
        if (iso_memory_grow(memory, 2) == UINT32_MAX) {
            CHECK_EQ_U64(memory->size, size);
        }
        CHECK(memory->base[5] == 5);
        CHECK_EQ_U64(iso_store_memory_bytes(setup.store), memory->size);
        check_zero(memory, 6);
        setup_fini(&setup);
    }
}

TEST(growth_that_the_allocator_refuses_changes_nothing)
{
    struct setup setup;
    setup_init(&setup, SETUP_PLAIN);
    struct iso_memory *memory = make(&setup, 16, 100);
    memory->base[5] = 5;
    setup.memory.fail_all_from = true;
    setup.memory.fail_at = setup.memory.requests + 1;
    CHECK_EQ_U64(iso_memory_grow(memory, 1), UINT32_MAX);
    CHECK_EQ_U64(memory->size, 16 * ISO_PAGE_BYTES);
    setup.memory.fail_all_from = false;
    setup.memory.fail_at =
        setup.memory.requests + 1; /* the generous request; the exact one works */
    CHECK_EQ_U64(iso_memory_grow(memory, 1), 16);
    CHECK_EQ_U64(memory->capacity, 17 * ISO_PAGE_BYTES);
    CHECK(memory->base[5] == 5);
    setup_fini(&setup);
}

TEST(plain_growth_page_by_page_does_not_move_at_every_page)
{
    struct setup setup;
    setup_init(&setup, SETUP_PLAIN);
    struct iso_memory *memory = make(&setup, 32, 48);
    uint64_t requests = setup.memory.requests;
    for (uint32_t i = 32; i < 48; i++) {
        memset(memory->base + memory->size - 10, 0xff, 10);
        CHECK_EQ_U64(iso_memory_grow(memory, 1), i);
        check_zero(memory, (uint64_t)i * ISO_PAGE_BYTES);
    }
    CHECK(setup.memory.requests - requests <= 5);
    CHECK(memory->capacity <= 48 * ISO_PAGE_BYTES);
    setup_fini(&setup);
}

TEST(the_limit_of_the_store_counts_all_memories)
{
    struct setup setup;
    setup_engine(&setup, SETUP_PLAIN);
    setup.config.memory_max_bytes = 4 * ISO_PAGE_BYTES;
    CHECK_OK(iso_store_create(setup.engine, &setup.config, &setup.store));
    struct iso_memory *first = make(&setup, 1, UINT32_MAX), *second = make(&setup, 2, UINT32_MAX);
    CHECK_EQ_U64(iso_memory_grow(first, 2), UINT32_MAX);
    CHECK_EQ_U64(iso_memory_grow(second, 1), 2);
    CHECK_EQ_U64(iso_memory_grow(first, 1), UINT32_MAX);
    const struct iso_limits one = {.min = 1};
    struct iso_memory *third = NULL;
    CHECK_ERR(iso_memory_create(setup.store, &one, &third, &setup.report), ISO_E_LIMIT);
    CHECK(third == NULL);
    CHECK_STR(setup.report.text,
              "memory needs 64 KiB, the limit of this store is 256 KiB, of which "
              "256 KiB are in use: raise the memory limit");
    setup_fini(&setup);
}

TEST(a_memory_that_the_host_cannot_hold_is_refused)
{
    struct setup setup;
    setup_init(&setup, SETUP_RESERVING);
    const struct iso_limits limits = {.min = 17}; /* reserve_max is 16 pages */
    struct iso_memory *memory = NULL;
    CHECK_ERR(iso_memory_create(setup.store, &limits, &memory, &setup.report), ISO_E_NOMEM);
    CHECK_CONTAINS(setup.report.text, "no room for a memory of 1088 KiB");
    CHECK_EQ_U64(setup.store->memory_count, 0);
    CHECK_EQ_U64(iso_store_memory_bytes(setup.store), 0);
    setup_fini(&setup);
}

TEST(a_platform_with_pages_that_do_not_divide_those_of_wasm_is_not_used)
{
    struct setup setup;
    setup_engine(&setup, SETUP_RESERVING);
    iso_engine_destroy(setup.engine);
    setup.platform.platform.page_size = 1 << 20;
    CHECK_OK(iso_engine_create(&(struct iso_engine_config){.alloc = &setup.memory.alloc,
                                                           .platform = &setup.platform.platform},
                               &setup.engine));
    CHECK_OK(iso_store_create(setup.engine, &setup.config, &setup.store));
    CHECK_EQ_U64(make(&setup, 1, 2)->reserved, 0);
    CHECK_EQ_U64(setup.platform.calls, 0);
    setup_fini(&setup);
}

TEST(data_segments_are_copied_within_bounds_and_can_be_dropped)
{
    struct setup setup;
    setup_init(&setup, SETUP_PLAIN);
    setup_define(&setup, "log", "i", "");
    struct iso_instance *instance = SETUP_INSTANCE(&setup, imaged);
    uint64_t size = 0;
    uint8_t *bytes = iso_instance_memory(instance, &size);
    CHECK_EQ_U64(size, 2 * ISO_PAGE_BYTES);
    CHECK_MEM(bytes, "\0\0\0start\0", 9);
    uint32_t end = (uint32_t)size;
    CHECK(iso_memory_init(instance, 0, 1, 100, 2, 5));
    CHECK_MEM(bytes + 99, "\0ssive\0", 7);
    CHECK(iso_memory_init(instance, 0, 1, end - 7, 0, 7));
    CHECK(iso_memory_init(instance, 0, 1, end, 7, 0));
    CHECK(!iso_memory_init(instance, 0, 1, end - 6, 0, 7));
    CHECK(!iso_memory_init(instance, 0, 1, end + 1, 0, 0));
    CHECK(!iso_memory_init(instance, 0, 1, 0, 8, 0));
    CHECK(!iso_memory_init(instance, 0, 1, 0, 1, 7));
    CHECK(!iso_memory_init(instance, 0, 1, 0, 1, UINT32_MAX));
    CHECK(!iso_memory_init(instance, 0, 1, UINT32_MAX, 0, 2));
    iso_data_drop(instance, 1);
    CHECK(!iso_memory_init(instance, 0, 1, 0, 0, 1));
    CHECK(iso_memory_init(instance, 0, 1, 0, 0, 0));
    CHECK(!iso_memory_init(instance, 0, 0, 0, 0, 1)); /* active: dropped at the start */
    setup_fini(&setup);
}
