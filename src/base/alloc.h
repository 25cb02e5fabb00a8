/* Explicit allocation: whoever needs memory is handed a `struct iso_alloc`.
 *
 * The caller of resize and free states the old size, so that an allocator needs no header per block
 * and accounting is exact. All blocks are aligned for any object (max_align_t). */
#ifndef ISO_BASE_ALLOC_H
#define ISO_BASE_ALLOC_H

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>

struct iso_alloc {
    /* Allocates (ptr NULL, old_size 0), resizes, or frees (new_size 0; returns NULL). Contents up
     * to the smaller size are kept, the rest is indeterminate. NULL on failure: the old block
     * remains. Must not be called with ptr NULL and new_size 0. */
    void *(*resize)(void *ctx, void *ptr, size_t old_size, size_t new_size);
    void *ctx;
    /* Optional, may be NULL: a block of `size` zero bytes (size > 0), to be released by resize().
     * It spares touching the pages of large blocks. */
    void *(*zeroed)(void *ctx, size_t size);
};

/* malloc, realloc, free. Static, thread-safe, never to be released. */
const struct iso_alloc *iso_alloc_libc(void);

/* A zeroed block of `size` bytes. NULL when memory is short. Size 0 gives a block of one byte,
 * which is released with size 0 like any other: NULL always means failure. */
ISO_MUST_CHECK void *iso_alloc_new(const struct iso_alloc *alloc, size_t size);

/* A zeroed block for `count` elements of `size` bytes. NULL when memory is short or the product
 * overflows. Released with iso_alloc_free(alloc, ptr, count * size). */
ISO_MUST_CHECK void *iso_alloc_array(const struct iso_alloc *alloc, size_t count, size_t size);

/* Changes the size of a block (ptr NULL with old_size 0 allocates); new bytes are indeterminate.
 * NULL on failure, then the old block remains valid. New size 0 keeps a block of one byte. */
ISO_MUST_CHECK void *iso_alloc_resize(const struct iso_alloc *alloc, void *ptr, size_t old_size,
                                      size_t new_size);

/* Releases a block obtained above with the size it has now. NULL is allowed. */
void iso_alloc_free(const struct iso_alloc *alloc, void *ptr, size_t size);

#endif
