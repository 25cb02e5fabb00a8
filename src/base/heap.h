/* A heap in memory that the caller has: an allocator for machines without malloc.
 *
 * One region, given at the beginning, and an `iso_alloc` over it. Blocks carry no header, since
 * their owners state the size when they give them back; what is free is a list in order of address,
 * of which the first that fits is taken. Blocks grow in place when what follows them is free. So a
 * byte that is allocated costs a byte, rounded up to 8 or 16, and `used` and `peak` are exact.
 * Allocating and releasing take time in proportion to the number of free pieces: a few for the
 * engine, which holds few and large blocks. For one thread at a time. */
#ifndef ISO_BASE_HEAP_H
#define ISO_BASE_HEAP_H

#include "base/alloc.h"

#include <stdint.h>

struct iso_heap_piece;

struct iso_heap {
    struct iso_alloc alloc; /* hand &heap.alloc to whoever needs an allocator */
    struct iso_heap_piece *free;
    uint8_t *end;
    size_t size_bytes; /* what there is to allocate */
    size_t used_bytes;
    size_t peak_bytes; /* the most that used_bytes has been; may be set to used_bytes again */
};

/* A heap over [memory, memory + size), which is kept until nobody uses the heap any more; what does
 * not fit the alignment is left out. The heap itself must not move while it is in use. */
void iso_heap_init(struct iso_heap *heap, void *memory, size_t size);

/* The region has become `more` bytes longer at its end (whole multiples of 16). */
void iso_heap_extend(struct iso_heap *heap, size_t more);

/* The size of the largest block that could be had now. */
size_t iso_heap_largest(const struct iso_heap *heap);

#endif
