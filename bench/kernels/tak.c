/* tak: Takeuchi's function; calls with three arguments, one of them nested. */
#include "kernel.h"

static KERNEL_NOINLINE int32_t tak(int32_t x, int32_t y, int32_t z)
{
    if (y >= x)
        return z;
    return tak(tak(x - 1, y, z), tak(y - 1, z, x), tak(z - 1, x, y));
}

uint64_t run(uint32_t n)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < n; i++)
        sum = checksum_add(sum, (uint64_t)tak(14 + (int32_t)(i & 3), 9, 4));
    return sum;
}
