/* Helpers over `struct iso_alloc`: zeroing, overflow checks, blocks of size zero. */
#include "base/alloc.h"

#include <stdint.h>
#include <string.h>

/* A block of size zero occupies one byte, so that NULL means failure and nothing else. */
static size_t real_size(size_t size)
{
    return size != 0 ? size : 1;
}

void *iso_alloc_new(const struct iso_alloc *alloc, size_t size)
{
    size = real_size(size);
    if (alloc->zeroed != NULL) {
        return alloc->zeroed(alloc->ctx, size);
    }
    void *ptr = alloc->resize(alloc->ctx, NULL, 0, size);
    if (ptr != NULL) {
        memset(ptr, 0, size);
    }
    return ptr;
}

void *iso_alloc_array(const struct iso_alloc *alloc, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size) {
        return NULL;
    }
    return iso_alloc_new(alloc, count * size);
}

void *iso_alloc_resize(const struct iso_alloc *alloc, void *ptr, size_t old_size, size_t new_size)
{
    old_size = ptr != NULL ? real_size(old_size) : 0;
    return alloc->resize(alloc->ctx, ptr, old_size, real_size(new_size));
}

void iso_alloc_free(const struct iso_alloc *alloc, void *ptr, size_t size)
{
    if (ptr != NULL) {
        (void)alloc->resize(alloc->ctx, ptr, real_size(size), 0);
    }
}
