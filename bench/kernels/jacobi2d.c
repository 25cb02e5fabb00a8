/* jacobi2d: n double steps of a five-point stencil on a 72 x 72 grid of doubles. */
#include "kernel.h"

#define SIDE 72

static double a[SIDE][SIDE], b[SIDE][SIDE];

static KERNEL_NOINLINE void steps(uint32_t count)
{
    for (uint32_t t = 0; t < count; t++) {
        for (uint32_t i = 1; i < SIDE - 1; i++) {
            for (uint32_t j = 1; j < SIDE - 1; j++)
                b[i][j] = 0.2 * (a[i][j] + a[i][j - 1] + a[i][j + 1] + a[i + 1][j] + a[i - 1][j]);
        }
        for (uint32_t i = 1; i < SIDE - 1; i++) {
            for (uint32_t j = 1; j < SIDE - 1; j++)
                a[i][j] = 0.2 * (b[i][j] + b[i][j - 1] + b[i][j + 1] + b[i + 1][j] + b[i - 1][j]);
        }
    }
}

uint64_t run(uint32_t n)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < SIDE; i++) {
        for (uint32_t j = 0; j < SIDE; j++) {
            a[i][j] = ((double)i * (j + 2) + 2) / SIDE;
            b[i][j] = ((double)i * (j + 3) + 3) / SIDE;
        }
    }
    steps(n);
    for (uint32_t i = 0; i < SIDE; i++) {
        for (uint32_t j = 0; j < SIDE; j++)
            sum = checksum_add(sum, double_bits(a[i][j]));
    }
    return sum;
}
