/* sort.c - heap sort: no worst case to attack, no recursion, no memory, no libc. */
#include "engine/sort.h"

static void sift_down(uint32_t *items, uint32_t root, uint32_t count, iso_sort_compare compare,
                      const void *ctx)
{
    uint32_t moving = items[root];
    while (root < count / 2) {
        uint32_t child = 2 * root + 1;
        if (child + 1 < count && compare(ctx, items[child], items[child + 1]) < 0) {
            child++;
        }
        if (compare(ctx, moving, items[child]) >= 0) {
            break;
        }
        items[root] = items[child];
        root = child;
    }
    items[root] = moving;
}

void iso_sort_u32(uint32_t *items, uint32_t count, iso_sort_compare compare, const void *ctx)
{
    for (uint32_t i = count / 2; i > 0; i--) {
        sift_down(items, i - 1, count, compare, ctx);
    }
    for (uint32_t end = count; end > 1; end--) {
        uint32_t largest = items[0];
        items[0] = items[end - 1];
        items[end - 1] = largest;
        sift_down(items, 0, end - 1, compare, ctx);
    }
}
