/* sort.h - sorting arrays of indices. Internal to src/engine. */
#ifndef ISO_ENGINE_SORT_H
#define ISO_ENGINE_SORT_H

#include <stdint.h>

/* Negative, zero or positive, as `a` stands before, with or after `b`; they are elements of the
 * array, usually indices of what ctx points to. */
typedef int (*iso_sort_compare)(const void *ctx, uint32_t a, uint32_t b);

/* Sort in place, in O(n log n) whatever the input is (names come from strangers); not stable. */
void iso_sort_u32(uint32_t *items, uint32_t count, iso_sort_compare compare, const void *ctx);

#endif
