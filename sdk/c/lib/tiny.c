/*
 * tiny.c - the least of a C library that the bindings' guests need: an allocator and the memory
 * functions to which compilers turn loops.
 *
 * The heap begins where the linker says that data ends (__heap_base) and grows by pages of 64 KiB.
 * It is a row of blocks, each behind a header with its size; free blocks are found by walking the
 * row, first fit, and join free ones behind them on the way. That is slow with many thousands of
 * blocks, and small, and returns everything: what guests of short calls want. Guests that allocate
 * much link wasi-libc (isomer-cc --wasi-libc).
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_SIZE ((size_t)65536)
#define ALIGN ((size_t)16)
#define SIZE_LIMIT ((size_t)1 << 31)

/* Blocks begin on ALIGN; so does what the header is in front of. */
struct block {
    size_t size; /* bytes behind the header, a multiple of ALIGN */
    bool used;
    _Alignas(16) unsigned char bytes[];
};

extern unsigned char __heap_base; /* its address is the heap's start */

static uintptr_t heap_start; /* 0: not yet in use */
static uintptr_t heap_end;   /* behind the last block */

static struct block *block_at(uintptr_t address)
{
    return (struct block *)address;
}

static uintptr_t behind(const struct block *block)
{
    return (uintptr_t)block->bytes + block->size;
}

/* Make the memory reach `end`. */
static bool reach(uintptr_t end)
{
    uintptr_t have = (uintptr_t)__builtin_wasm_memory_size(0) * PAGE_SIZE;
    if (end <= have) {
        return true;
    }
    size_t pages = (end - have + PAGE_SIZE - 1) / PAGE_SIZE;
    return __builtin_wasm_memory_grow(0, pages) != SIZE_MAX;
}

/* The block's size with all free ones that follow. */
static void join(struct block *block)
{
    while (behind(block) < heap_end && !block_at(behind(block))->used) {
        block->size += sizeof *block + block_at(behind(block))->size;
    }
}

/* Give what is behind `size` bytes back, if it is worth a block. */
static void split(struct block *block, size_t size)
{
    if (block->size - size >= sizeof *block + ALIGN) {
        struct block *rest = block_at((uintptr_t)block->bytes + size);
        rest->size = block->size - size - sizeof *block;
        rest->used = false;
        block->size = size;
    }
}

static struct block *append(size_t size)
{
    uintptr_t end = heap_end + sizeof(struct block) + size;
    if (end < heap_end || !reach(end)) {
        return NULL;
    }
    struct block *block = block_at(heap_end);
    block->size = size;
    heap_end = end;
    return block;
}

void *malloc(size_t size)
{
    if (size > SIZE_LIMIT) {
        return NULL;
    }
    size = size == 0 ? ALIGN : (size + ALIGN - 1) & ~(ALIGN - 1);
    if (heap_start == 0) {
        heap_start = ((uintptr_t)&__heap_base + ALIGN - 1) & ~(uintptr_t)(ALIGN - 1);
        heap_end = heap_start;
    }
    struct block *found = NULL;
    for (uintptr_t at = heap_start; at < heap_end && found == NULL; at = behind(block_at(at))) {
        if (!block_at(at)->used) {
            join(block_at(at));
            found = block_at(at)->size >= size ? block_at(at) : NULL;
        }
    }
    found = found != NULL ? found : append(size);
    if (found == NULL) {
        return NULL;
    }
    split(found, size);
    found->used = true;
    return found->bytes;
}

void free(void *block)
{
    if (block != NULL) {
        block_at((uintptr_t)block - sizeof(struct block))->used = false;
    }
}

void *calloc(size_t count, size_t size)
{
    if (size != 0 && count > SIZE_LIMIT / size) {
        return NULL;
    }
    void *block = malloc(count * size);
    if (block != NULL) {
        memset(block, 0, count * size);
    }
    return block;
}

void *realloc(void *old, size_t size)
{
    if (old == NULL) {
        return malloc(size);
    }
    if (size > SIZE_LIMIT) {
        return NULL;
    }
    struct block *block = block_at((uintptr_t)old - sizeof *block);
    size_t rounded = size == 0 ? ALIGN : (size + ALIGN - 1) & ~(ALIGN - 1);
    join(block);
    if (block->size < rounded && behind(block) == heap_end &&
        reach((uintptr_t)block->bytes + rounded)) {
        block->size = rounded;
        heap_end = behind(block);
    }
    if (block->size >= rounded) {
        split(block, rounded);
        return old;
    }
    void *moved = malloc(size);
    if (moved != NULL) {
        memcpy(moved, old, block->size);
        free(old);
    }
    return moved;
}

void abort(void)
{
    __builtin_trap();
}

/* With bulk memory the compiler makes one instruction of each of these three. */
void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    __builtin_memcpy(to, from, size);
    return to;
}

void *memmove(void *to, const void *from, size_t size)
{
    __builtin_memmove(to, from, size);
    return to;
}

void *memset(void *to, int byte, size_t size)
{
    __builtin_memset(to, byte, size);
    return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
    const unsigned char *left = a, *right = b;
    for (size_t i = 0; i < size; i++) {
        if (left[i] != right[i]) {
            return left[i] < right[i] ? -1 : 1;
        }
    }
    return 0;
}

size_t strlen(const char *text)
{
    const char *end = text;
    while (*end != 0) {
        end++;
    }
    return (size_t)(end - text);
}
