/* lu: LU decomposition of a 64 x 64 matrix of doubles in place; triangular
 * loops. */
#include "kernel.h"

#define SIDE 64

static double a[SIDE][SIDE];

static KERNEL_NOINLINE void decompose(void)
{
    for (uint32_t i = 0; i < SIDE; i++) {
        for (uint32_t j = 0; j < i; j++) {
            for (uint32_t k = 0; k < j; k++)
                a[i][j] -= a[i][k] * a[k][j];
            a[i][j] /= a[j][j];
        }
        for (uint32_t j = i; j < SIDE; j++) {
            for (uint32_t k = 0; k < i; k++)
                a[i][j] -= a[i][k] * a[k][j];
        }
    }
}

uint64_t run(uint32_t n)
{
    uint64_t sum = 0;

    for (uint32_t round = 0; round < n; round++) {
        /* Diagonally dominant, so that no pivot comes near zero. */
        for (uint32_t i = 0; i < SIDE; i++) {
            for (uint32_t j = 0; j < SIDE; j++)
                a[i][j] = (double)((i * 7 + j * 3 + round) % 31) / 31.0;
            a[i][i] += SIDE;
        }
        decompose();
        for (uint32_t i = 0; i < SIDE; i++)
            sum = checksum_add(sum, double_bits(a[i][(i + round) % SIDE]));
    }
    return sum;
}
