/* The growing buffer and the arena: contents, maxima, and every allocation failing in turn. */
#include "base/test.h"

TEST(buffer_keeps_what_is_appended)
{
    struct iso_alloc_test memory;
    iso_alloc_test_init(&memory);
    struct iso_buf buf;
    iso_buf_init(&buf, &memory.alloc, SIZE_MAX);
    CHECK_EQ_U64(memory.requests, 0);
    CHECK_OK(iso_buf_append(&buf, NULL, 0));
    CHECK_OK(iso_buf_append(&buf, "abc", 3));
    CHECK_OK(iso_buf_append_u8(&buf, 0xff));
    CHECK_OK(iso_buf_append_u32le(&buf, 0x01020304));
    CHECK_OK(iso_buf_append_u64le(&buf, 0x0102030405060708));
    CHECK_EQ_U64(buf.len, 16);
    CHECK_MEM(buf.ptr, "abc\xff\4\3\2\1\10\7\6\5\4\3\2\1", 16);
    iso_buf_fini(&buf);
    CHECK_EQ_U64(memory.live_bytes, 0);
    CHECK_OK(iso_buf_append_u8(&buf, 1));
    iso_buf_fini(&buf);
    CHECK_EQ_U64(memory.live_bytes, 0);
}

TEST(buffer_grows_by_doubling)
{
    struct iso_alloc_test memory;
    iso_alloc_test_init(&memory);
    struct iso_buf buf;
    iso_buf_init(&buf, &memory.alloc, SIZE_MAX);
    for (uint32_t i = 0; i < 100000; i++) {
        CHECK_OK(iso_buf_append_u32le(&buf, i));
    }
    CHECK(memory.requests < 20);
    for (uint32_t i = 0; i < 100000; i++) {
        CHECK_EQ_U64(iso_load_u32le(buf.ptr + 4 * (size_t)i), i);
    }
    iso_buf_fini(&buf);
    CHECK_EQ_U64(memory.live_bytes, 0);
}

TEST(buffer_refuses_to_pass_its_maximum_and_stays_as_it_was)
{
    for (size_t max = 0; max < 200; max += 7) {
        struct iso_alloc_test memory;
        iso_alloc_test_init(&memory);
        struct iso_buf buf;
        iso_buf_init(&buf, &memory.alloc, max);
        for (size_t i = 0; i < max; i++) {
            CHECK_OK(iso_buf_append_u8(&buf, (uint8_t)i));
        }
        CHECK_ERR(iso_buf_append_u8(&buf, 0), ISO_E_LIMIT);
        CHECK_ERR(iso_buf_reserve(&buf, SIZE_MAX), ISO_E_LIMIT);
        CHECK_EQ_U64(buf.len, max);
        CHECK(buf.cap <= max);
        iso_buf_fini(&buf);
        CHECK_EQ_U64(memory.live_bytes, 0);
    }
}

TEST(buffer_near_the_end_of_the_address_space_does_not_overflow)
{
    struct iso_alloc_test memory;
    iso_alloc_test_init(&memory);
    memory.max_bytes = 4096;
    struct iso_buf buf;
    iso_buf_init(&buf, &memory.alloc, SIZE_MAX);
    CHECK_OK(iso_buf_append_u8(&buf, 1));
    CHECK_ERR(iso_buf_reserve(&buf, SIZE_MAX), ISO_E_LIMIT);
    CHECK_ERR(iso_buf_reserve(&buf, SIZE_MAX - 1), ISO_E_NOMEM);
    CHECK_EQ_U64(buf.len, 1);
    CHECK_EQ_U64(buf.ptr[0], 1);
    iso_buf_fini(&buf);
}

TEST(buffer_without_memory_stays_as_it_was)
{
    struct iso_alloc_test memory;
    iso_alloc_test_init(&memory);
    for (uint64_t n = 1;; n++) {
        iso_alloc_test_restart(&memory, n);
        struct iso_buf buf;
        iso_buf_init(&buf, &memory.alloc, SIZE_MAX);
        enum iso_err err = ISO_OK;
        size_t stored = 0;
        while (stored < 1000 && err == ISO_OK) {
            err = iso_buf_append(&buf, "0123456789", 10);
            stored += err == ISO_OK ? 10 : 0;
        }
        CHECK_EQ_U64(buf.len, stored);
        iso_buf_fini(&buf);
        CHECK_EQ_U64(memory.live_bytes, 0);
        if (!memory.failed) {
            CHECK_OK(err);
            CHECK(n > 2);
            break;
        }
        CHECK_ERR(err, ISO_E_NOMEM);
    }
}

TEST(buffer_gives_its_bytes_away)
{
    struct iso_alloc_test memory;
    iso_alloc_test_init(&memory);
    struct iso_buf buf;
    iso_buf_init(&buf, &memory.alloc, SIZE_MAX);
    uint8_t *ptr = (uint8_t *)&buf;
    size_t len = 1;
    CHECK_OK(iso_buf_take(&buf, &ptr, &len));
    CHECK(ptr == NULL && len == 0);
    CHECK_OK(iso_buf_append(&buf, "hello", 5));
    CHECK_OK(iso_buf_take(&buf, &ptr, &len));
    CHECK_EQ_U64(len, 5);
    CHECK_MEM(ptr, "hello", 5);
    CHECK_EQ_U64(buf.len, 0);
    iso_buf_fini(&buf);
    iso_alloc_free(&memory.alloc, ptr, len);
    CHECK_EQ_U64(memory.live_bytes, 0);
}

TEST(arena_hands_out_zeroed_aligned_memory)
{
    struct iso_alloc_test memory;
    iso_alloc_test_init(&memory);
    struct iso_arena arena;
    iso_arena_init(&arena, &memory.alloc, 256, SIZE_MAX);
    CHECK_EQ_U64(memory.requests, 0);
    for (size_t size = 0; size < 600; size += 13) {
        uint8_t *object = iso_arena_alloc(&arena, size);
        CHECK(object != NULL);
        CHECK_EQ_U64((uintptr_t)object % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++) {
            CHECK(object[i] == 0);
        }
        memset(object, 0xff, size);
    }
    iso_arena_fini(&arena);
    CHECK_EQ_U64(memory.live_bytes, 0);
    CHECK(iso_arena_alloc(&arena, 1) != NULL);
    iso_arena_fini(&arena);
    iso_arena_fini(&arena);
    CHECK_EQ_U64(memory.live_bytes, 0);
}

TEST(arena_objects_do_not_overlap)
{
    struct iso_arena arena;
    iso_arena_init(&arena, iso_alloc_libc(), 128, SIZE_MAX);
    uint8_t *objects[100];
    for (size_t i = 0; i < 100; i++) {
        objects[i] = iso_arena_alloc(&arena, i + 1);
        CHECK(objects[i] != NULL);
        memset(objects[i], (int)i, i + 1);
    }
    for (size_t i = 0; i < 100; i++) {
        for (size_t at = 0; at <= i; at++) {
            CHECK(objects[i][at] == i);
        }
    }
    iso_arena_fini(&arena);
}

TEST(arena_keeps_small_objects_together_around_a_large_one)
{
    struct iso_alloc_test memory;
    iso_alloc_test_init(&memory);
    struct iso_arena arena;
    iso_arena_init(&arena, &memory.alloc, 1024, SIZE_MAX);
    CHECK(iso_arena_alloc(&arena, 16) != NULL);
    CHECK(iso_arena_alloc(&arena, 100000) != NULL);
    CHECK(iso_arena_alloc(&arena, 16) != NULL);
    CHECK_EQ_U64(memory.requests, 2);
    iso_arena_fini(&arena);
    CHECK_EQ_U64(memory.live_bytes, 0);
}

TEST(arena_refuses_to_pass_its_maximum)
{
    struct iso_arena arena;
    iso_arena_init(&arena, iso_alloc_libc(), 0, 64);
    CHECK(iso_arena_alloc(&arena, 65) == NULL);
    CHECK(iso_arena_alloc(&arena, 64) != NULL);
    CHECK(iso_arena_alloc(&arena, 1) == NULL);
    CHECK(iso_arena_alloc(&arena, SIZE_MAX) == NULL);
    CHECK(iso_arena_array(&arena, SIZE_MAX / 4, 8) == NULL);
    CHECK_EQ_U64(arena.used_bytes, 64);
    iso_arena_fini(&arena);
}

TEST(arena_without_memory_stays_usable)
{
    struct iso_alloc_test memory;
    iso_alloc_test_init(&memory);
    for (uint64_t n = 1; n < 100; n++) {
        iso_alloc_test_restart(&memory, n);
        struct iso_arena arena;
        iso_arena_init(&arena, &memory.alloc, 64, SIZE_MAX);
        size_t refused = 0;
        for (size_t size = 1; size < 200; size += 10) {
            refused += iso_arena_alloc(&arena, size) == NULL ? 1 : 0;
        }
        CHECK_EQ_U64(refused, memory.failed ? 1 : 0);
        iso_arena_fini(&arena);
        CHECK_EQ_U64(memory.live_bytes, 0);
        if (!memory.failed) {
            CHECK(n > 5);
            return;
        }
    }
    TEST_FAIL("the loop over failing allocations did not end");
}

TEST(arena_copies_text)
{
    struct iso_arena arena;
    iso_arena_init(&arena, iso_alloc_libc(), 0, SIZE_MAX);
    CHECK_STR(iso_arena_copy_str(&arena, iso_str_from("sensor", 4)), "sens");
    CHECK_STR(iso_arena_copy_str(&arena, iso_str_from(NULL, 0)), "");
    iso_arena_fini(&arena);
}
