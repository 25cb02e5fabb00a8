/* The allocator over the C library. Alone in its file: a freestanding build leaves it out. */
#include "base/alloc.h"

#include <stdlib.h>

static void *libc_resize(void *ctx, void *ptr, size_t old_size, size_t new_size)
{
    (void)ctx;
    (void)old_size;
    if (new_size == 0) {
        free(ptr);
        return NULL;
    }
    return realloc(ptr, new_size);
}

static void *libc_zeroed(void *ctx, size_t size)
{
    (void)ctx;
    return calloc(1, size);
}

const struct iso_alloc *iso_alloc_libc(void)
{
    static const struct iso_alloc alloc = {.resize = libc_resize, .zeroed = libc_zeroed};
    return &alloc;
}
