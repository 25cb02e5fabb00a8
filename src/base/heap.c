/* The heap over one region: first fit in order of address, neighbours joined when they are given
 * back. Whatever is handed out is a multiple of UNIT, so every remainder can hold a piece. */
#include "base/heap.h"

#include <string.h>

struct iso_heap_piece {
    struct iso_heap_piece *next; /* at a higher address */
    size_t size;
};

#define UNIT                                                                                       \
    (sizeof(struct iso_heap_piece) > _Alignof(max_align_t) ? sizeof(struct iso_heap_piece)         \
                                                           : _Alignof(max_align_t))

/* 0 when it cannot be rounded. */
static size_t rounded(size_t size)
{
    return size <= SIZE_MAX - UNIT ? (size + UNIT - 1) / UNIT * UNIT : 0;
}

static struct iso_heap_piece *piece_at(void *start, size_t size)
{
    struct iso_heap_piece *piece = start;
    piece->size = size;
    return piece;
}

static void count_use(struct iso_heap *heap, size_t size)
{
    heap->used_bytes += size;
    if (heap->used_bytes > heap->peak_bytes) {
        heap->peak_bytes = heap->used_bytes;
    }
}

/* Takes `size` bytes from the start of the piece at *link. */
static void *cut(struct iso_heap_piece **link, size_t size)
{
    struct iso_heap_piece *piece = *link;
    if (piece->size == size) {
        *link = piece->next;
    } else {
        struct iso_heap_piece *next = piece->next;
        *link = piece_at((uint8_t *)piece + size, piece->size - size);
        (*link)->next = next;
    }
    return piece;
}

static void *take(struct iso_heap *heap, size_t size)
{
    for (struct iso_heap_piece **link = &heap->free; *link != NULL; link = &(*link)->next) {
        if ((*link)->size >= size) {
            count_use(heap, size);
            return cut(link, size);
        }
    }
    return NULL;
}

static void give(struct iso_heap *heap, void *start, size_t size)
{
    struct iso_heap_piece *before = NULL;
    struct iso_heap_piece *after = heap->free;
    while (after != NULL && (uintptr_t)after < (uintptr_t)start) {
        before = after;
        after = after->next;
    }
    heap->used_bytes -= size;
    struct iso_heap_piece *piece = piece_at(start, size);
    if (after != NULL && (uint8_t *)start + size == (uint8_t *)after) {
        piece->size += after->size;
        after = after->next;
    }
    piece->next = after;
    if (before == NULL) {
        heap->free = piece;
    } else if ((uint8_t *)before + before->size == (uint8_t *)start) {
        before->size += piece->size;
        before->next = after;
    } else {
        before->next = piece;
    }
}

/* Adds [end, end + extra) to the block that ends there, when that is free. */
static bool grow_in_place(struct iso_heap *heap, uint8_t *end, size_t extra)
{
    struct iso_heap_piece **link = &heap->free;
    while (*link != NULL && (uintptr_t)*link < (uintptr_t)end) {
        link = &(*link)->next;
    }
    if ((uint8_t *)*link != end || (*link)->size < extra) {
        return false;
    }
    (void)cut(link, extra);
    count_use(heap, extra);
    return true;
}

static void *heap_resize(void *ctx, void *ptr, size_t old_size, size_t new_size)
{
    struct iso_heap *heap = ctx;
    size_t wanted = rounded(new_size);
    size_t had = ptr != NULL ? rounded(old_size) : 0;
    if (new_size != 0 && wanted == 0) {
        return NULL;
    }
    if (ptr == NULL) {
        return take(heap, wanted);
    }
    if (wanted < had) {
        give(heap, (uint8_t *)ptr + wanted, had - wanted);
        return new_size != 0 ? ptr : NULL;
    }
    if (wanted == had || grow_in_place(heap, (uint8_t *)ptr + had, wanted - had)) {
        return ptr;
    }
    void *moved = take(heap, wanted);
    if (moved != NULL) {
        memcpy(moved, ptr, old_size);
        give(heap, ptr, had);
    }
    return moved;
}

void iso_heap_init(struct iso_heap *heap, void *memory, size_t size)
{
    *heap = (struct iso_heap){.alloc = {.resize = heap_resize, .ctx = heap}};
    size_t skip = (UNIT - (uintptr_t)memory % UNIT) % UNIT;
    if (size < skip + UNIT) {
        return;
    }
    heap->size_bytes = (size - skip) / UNIT * UNIT;
    heap->free = piece_at((uint8_t *)memory + skip, heap->size_bytes);
    heap->free->next = NULL;
    heap->end = (uint8_t *)heap->free + heap->size_bytes;
}

void iso_heap_extend(struct iso_heap *heap, size_t more)
{
    ISO_ASSERT(heap->end != NULL && more % UNIT == 0);
    if (more != 0) {
        heap->used_bytes += more; /* that it is given back */
        heap->size_bytes += more;
        give(heap, heap->end, more);
        heap->end += more;
    }
}

size_t iso_heap_largest(const struct iso_heap *heap)
{
    size_t largest = 0;
    for (const struct iso_heap_piece *piece = heap->free; piece != NULL; piece = piece->next) {
        largest = piece->size > largest ? piece->size : largest;
    }
    return largest;
}
