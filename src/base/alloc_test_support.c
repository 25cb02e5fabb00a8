/* The test allocator. Each block is preceded by its size and a magic number, so that wrong sizes
 * and double frees are found at once. */
#include "base/alloc_test_support.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_LIVE 0x1a0110c8u
#define BLOCK_DEAD 0xdeadb10cu

union block_head {
    struct {
        size_t size;
        uint32_t magic;
    } info;
    max_align_t align;
};

static bool must_fail(struct iso_alloc_test *test, size_t growth)
{
    test->requests++;
    bool hit = test->fail_at != 0 && (test->requests == test->fail_at ||
                                      (test->fail_all_from && test->requests > test->fail_at));
    if (hit || growth > test->max_bytes - test->live_bytes) {
        test->failed = true;
        return true;
    }
    return false;
}

static void *test_new_block(struct iso_alloc_test *test, size_t size)
{
    if (size > SIZE_MAX - sizeof(union block_head)) {
        return NULL;
    }
    union block_head *head = malloc(sizeof *head + size);
    if (head == NULL) {
        return NULL;
    }
    head->info.size = size;
    head->info.magic = BLOCK_LIVE;
    /* Not zero: whoever relies on zeroed memory that nobody promised is found. */
    memset(head + 1, 0xa5, size);
    test->live_bytes += size;
    test->live_blocks++;
    if (test->live_bytes > test->peak_bytes) {
        test->peak_bytes = test->live_bytes;
    }
    return head + 1;
}

static void test_free_block(struct iso_alloc_test *test, union block_head *head)
{
    test->live_bytes -= head->info.size;
    test->live_blocks--;
    memset(head + 1, 0x5a, head->info.size);
    head->info.magic = BLOCK_DEAD;
    free(head);
}

/* Always moves a block that changes its size: whoever keeps the old pointer is found. */
static void *test_resize(void *ctx, void *ptr, size_t old_size, size_t new_size)
{
    struct iso_alloc_test *test = ctx;
    union block_head *head = NULL;
    if (ptr != NULL) {
        head = (union block_head *)ptr - 1;
        ISO_ASSERT(head->info.magic == BLOCK_LIVE);
        ISO_ASSERT(head->info.size == old_size);
    } else {
        ISO_ASSERT(old_size == 0 && new_size != 0);
    }
    if (new_size == 0) {
        test_free_block(test, head);
        return NULL;
    }
    if (new_size > old_size && must_fail(test, new_size - old_size)) {
        return NULL;
    }
    void *fresh = test_new_block(test, new_size);
    if (fresh != NULL && head != NULL) {
        memcpy(fresh, ptr, old_size < new_size ? old_size : new_size);
        test_free_block(test, head);
    }
    return fresh;
}

void iso_alloc_test_init(struct iso_alloc_test *test)
{
    *test = (struct iso_alloc_test){.max_bytes = SIZE_MAX};
    test->alloc.resize = test_resize;
    test->alloc.ctx = test;
}

void iso_alloc_test_restart(struct iso_alloc_test *test, uint64_t fail_at)
{
    ISO_ASSERT(test->live_bytes == 0 && test->live_blocks == 0);
    iso_alloc_test_init(test);
    test->fail_at = fail_at;
}
