/* Where there is no C library, there is no allocator but the embedder's (heap.h has one): this one
 * refuses everything, so that a configuration without an allocator ends in ISO_E_NOMEM. */
#include "base/alloc.h"

static void *refuse(void *ctx, void *ptr, size_t old_size, size_t new_size)
{
    (void)ctx;
    (void)ptr;
    (void)old_size;
    (void)new_size;
    return NULL;
}

const struct iso_alloc *iso_alloc_libc(void)
{
    static const struct iso_alloc alloc = {.resize = refuse};
    return &alloc;
}
