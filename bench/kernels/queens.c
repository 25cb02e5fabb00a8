/* queens: counts the solutions of the n queens problem by backtracking over bit
 * sets; recursion with a loop inside each call. */
#include "kernel.h"

static KERNEL_NOINLINE uint32_t place(uint32_t all, uint32_t columns, uint32_t left, uint32_t right)
{
    uint32_t count = 0;
    uint32_t open = all & ~(columns | left | right);

    if (columns == all)
        return 1;
    while (open != 0) {
        uint32_t bit = open & (0U - open);

        open ^= bit;
        count += place(all, columns | bit, (left | bit) << 1, (right | bit) >> 1);
    }
    return count;
}

uint64_t run(uint32_t n)
{
    return place((UINT32_C(1) << n) - 1, 0, 0, 0);
}
