/* blocks.c - a guest that tries malloc, calloc, realloc and free of sdk/c/lib/tiny.c. */
#include <stdlib.h>
#include <string.h>

#include "allocator.h"

enum { BLOCKS = 64, MOST = 4096, ALIGN = 16 };

struct held {
    unsigned char *ptr;
    size_t len;
    unsigned char fill;
};

static uint32_t state;

static uint32_t random_below(uint32_t limit)
{
    state = state * 1664525u + 1013904223u;
    return (state >> 8) % limit;
}

static bool intact(const struct held *block, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (block->ptr[i] != block->fill) {
            return false;
        }
    }
    return (uintptr_t)block->ptr % ALIGN == 0;
}

static const char *change(struct held *block)
{
    size_t len = random_below(random_below(8) == 0 ? MOST * 8 : 200);
    unsigned char *ptr;
    if (!intact(block, block->len)) {
        return "a block has changed";
    }
    if (random_below(2) == 0) {
        ptr = realloc(block->ptr, len);
        block->len = block->len < len ? block->len : len;
    } else {
        free(block->ptr);
        ptr = calloc(len, 1);
        block->len = len;
        block->fill = 0;
    }
    block->ptr = ptr;
    if (ptr == NULL) {
        return "memory is short";
    }
    if (!intact(block, block->len)) {
        return "a moved block has changed, or a new one is not empty";
    }
    block->fill = (unsigned char)random_below(256);
    block->len = len;
    memset(ptr, block->fill, len);
    return NULL;
}

struct allocator_result_u32_string allocator_try_blocks(uint32_t seed, uint32_t steps)
{
    static struct held blocks[BLOCKS];
    struct allocator_result_u32_string result = {.is_err = false};
    const char *mistake = NULL;
    state = seed;
    for (uint32_t i = 0; i < steps && mistake == NULL; i++) {
        mistake = change(&blocks[random_below(BLOCKS)]);
    }
    for (int i = 0; i < BLOCKS; i++) {
        free(blocks[i].ptr);
    }
    if (mistake != NULL) {
        result.is_err = true;
        result.val.err = allocator_string_copy(mistake, strlen(mistake));
    } else {
        result.val.ok = (uint32_t)__builtin_wasm_memory_size(0);
    }
    return result;
}

struct allocator_string allocator_try_refusals(void)
{
    const char *mistake = "";
    void *block = malloc(100);
    /* Through a volatile, or the compiler knows the answers. */
    volatile size_t huge = SIZE_MAX - 8, half = SIZE_MAX / 2 + 2;
    memset(block, 7, 100);
    if (malloc(huge) != NULL || malloc(half) != NULL) {
        mistake = "malloc gives what there is not";
    } else if (calloc(huge / 4, 8) != NULL) {
        mistake = "calloc's product overflows";
    } else if (realloc(block, huge) != NULL || realloc(block, half) != NULL) {
        mistake = "realloc gives what there is not";
    } else if (memcmp(block, block, 100) != 0 || ((unsigned char *)block)[99] != 7) {
        mistake = "a refused realloc has changed the block";
    }
    free(block);
    return allocator_string_copy(mistake, strlen(mistake));
}
