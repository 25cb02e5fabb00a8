/* Allocators: the helpers, the one over the C library, and the one for tests. */
#include "base/test.h"

TEST(libc_allocator_zeroes_and_resizes)
{
    const struct iso_alloc *alloc = iso_alloc_libc();
    uint8_t *ptr = iso_alloc_array(alloc, 100, 10);
    CHECK(ptr != NULL);
    for (size_t i = 0; i < 1000; i++) {
        CHECK(ptr[i] == 0);
        ptr[i] = (uint8_t)i;
    }
    ptr = iso_alloc_resize(alloc, ptr, 1000, 5000);
    CHECK(ptr != NULL);
    for (size_t i = 0; i < 1000; i++) {
        CHECK(ptr[i] == (uint8_t)i);
    }
    iso_alloc_free(alloc, ptr, 5000);
    iso_alloc_free(alloc, NULL, 0);
}

TEST(new_memory_is_zero_without_help_of_the_allocator)
{
    struct iso_alloc_test memory;
    iso_alloc_test_init(&memory);
    uint8_t *ptr = iso_alloc_new(&memory.alloc, 64);
    CHECK(ptr != NULL);
    for (size_t i = 0; i < 64; i++) {
        CHECK(ptr[i] == 0);
    }
    CHECK_EQ_U64((uintptr_t)ptr % _Alignof(max_align_t), 0);
    iso_alloc_free(&memory.alloc, ptr, 64);
    CHECK_EQ_U64(memory.live_bytes, 0);
}

TEST(array_refuses_a_product_that_overflows)
{
    const struct iso_alloc *alloc = iso_alloc_libc();
    CHECK(iso_alloc_array(alloc, SIZE_MAX / 2, 3) == NULL);
    CHECK(iso_alloc_array(alloc, SIZE_MAX, SIZE_MAX) == NULL);
}

TEST(size_zero_is_a_block_and_not_a_failure)
{
    struct iso_alloc_test memory;
    iso_alloc_test_init(&memory);
    void *none = iso_alloc_new(&memory.alloc, 0);
    void *empty = iso_alloc_array(&memory.alloc, 0, 8);
    CHECK(none != NULL && empty != NULL && none != empty);
    none = iso_alloc_resize(&memory.alloc, none, 0, 16);
    CHECK(none != NULL);
    none = iso_alloc_resize(&memory.alloc, none, 16, 0);
    CHECK(none != NULL);
    CHECK_EQ_U64(memory.live_blocks, 2);
    iso_alloc_free(&memory.alloc, none, 0);
    iso_alloc_free(&memory.alloc, empty, 0);
    CHECK_EQ_U64(memory.live_blocks, 0);
}

TEST(test_allocator_fails_the_nth_request_only)
{
    struct iso_alloc_test memory;
    iso_alloc_test_init(&memory);
    memory.fail_at = 2;
    void *first = iso_alloc_new(&memory.alloc, 10);
    void *second = iso_alloc_new(&memory.alloc, 10);
    void *third = iso_alloc_new(&memory.alloc, 10);
    CHECK(first != NULL && second == NULL && third != NULL);
    CHECK(memory.failed);
    CHECK_EQ_U64(memory.requests, 3);
    CHECK_EQ_U64(memory.live_bytes, 20);
    CHECK_EQ_U64(memory.peak_bytes, 20);
    iso_alloc_free(&memory.alloc, first, 10);
    iso_alloc_free(&memory.alloc, third, 10);
    iso_alloc_test_restart(&memory, 1);
    CHECK(iso_alloc_new(&memory.alloc, 10) == NULL);
    CHECK_EQ_U64(memory.live_bytes, 0);
}

TEST(test_allocator_can_fail_from_the_nth_request_on)
{
    struct iso_alloc_test memory;
    iso_alloc_test_init(&memory);
    memory.fail_at = 2;
    memory.fail_all_from = true;
    void *first = iso_alloc_new(&memory.alloc, 10);
    CHECK(first != NULL);
    CHECK(iso_alloc_resize(&memory.alloc, first, 10, 11) == NULL);
    CHECK(iso_alloc_new(&memory.alloc, 1) == NULL);
    /* The failed growth left the block alone, and shrinking needs nothing. */
    first = iso_alloc_resize(&memory.alloc, first, 10, 4);
    CHECK(first != NULL);
    iso_alloc_free(&memory.alloc, first, 4);
    CHECK_EQ_U64(memory.live_bytes, 0);
}

TEST(test_allocator_holds_a_memory_limit)
{
    struct iso_alloc_test memory;
    iso_alloc_test_init(&memory);
    memory.max_bytes = 100;
    void *ptr = iso_alloc_new(&memory.alloc, 100);
    CHECK(ptr != NULL);
    CHECK(iso_alloc_new(&memory.alloc, 1) == NULL);
    CHECK(iso_alloc_resize(&memory.alloc, ptr, 100, 101) == NULL);
    iso_alloc_free(&memory.alloc, ptr, 100);
}

TEST(little_endian_loads_and_stores_at_any_alignment)
{
    static const uint8_t expected[8] = {0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0xf1};
    uint8_t room[16];
    for (size_t at = 0; at < 8; at++) {
        memset(room, 0, sizeof room);
        iso_store_u64le(room + at, 0xf122334455667788u);
        CHECK_MEM(room + at, expected, 8);
        CHECK_EQ_U64(iso_load_u64le(room + at), 0xf122334455667788u);
        CHECK_EQ_U64(iso_load_u32le(room + at), 0x55667788u);
        CHECK_EQ_U64(iso_load_u16le(room + at), 0x7788u);
        iso_store_u32le(room + at, 0xf5667788u);
        iso_store_u16le(room + at + 4, 0xfff0u);
        CHECK_EQ_U64(iso_load_u32le(room + at), 0xf5667788u);
        CHECK_EQ_U64(iso_load_u16le(room + at + 4), 0xfff0u);
    }
}

TEST(views_compare_by_content)
{
    CHECK(iso_str_equal_z(iso_str_from("abcd", 3), "abc"));
    CHECK(!iso_str_equal_z(iso_str_from("abcd", 4), "abc"));
    CHECK(iso_str_equal(iso_str_from_z(NULL), iso_str_from_z("")));
    CHECK(!iso_str_equal(iso_str_from_z("a"), iso_str_from_z("b")));
    CHECK(iso_bytes_equal(iso_bytes_from("a\0b", 3), iso_bytes_from("a\0b", 3)));
    CHECK(!iso_bytes_equal(iso_bytes_from("a\0b", 3), iso_bytes_from("a\0c", 3)));
    CHECK(iso_bytes_equal(iso_bytes_from(NULL, 0), iso_bytes_from("x", 0)));
}
