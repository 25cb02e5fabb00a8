/* matmul_i32: product of two 64 x 64 matrices of 32-bit integers, row by column. */
#include "kernel.h"

#define SIDE 64

static int32_t a[SIDE][SIDE], b[SIDE][SIDE], c[SIDE][SIDE];

static KERNEL_NOINLINE void multiply(void)
{
    for (uint32_t i = 0; i < SIDE; i++) {
        for (uint32_t j = 0; j < SIDE; j++) {
            uint32_t sum = 0;

            for (uint32_t k = 0; k < SIDE; k++)
                sum += (uint32_t)a[i][k] * (uint32_t)b[k][j];
            c[i][j] = (int32_t)sum;
        }
    }
}

uint64_t run(uint32_t n)
{
    uint32_t seed = 12345;
    uint64_t sum = 0;

    for (uint32_t i = 0; i < SIDE; i++) {
        for (uint32_t j = 0; j < SIDE; j++) {
            a[i][j] = (int32_t)(random_next(&seed) & 1023) - 512;
            b[i][j] = (int32_t)(random_next(&seed) & 1023) - 512;
        }
    }
    for (uint32_t round = 0; round < n; round++) {
        multiply();
        for (uint32_t i = 0; i < SIDE; i++) {
            sum = checksum_add(sum, (uint32_t)c[i][(i + round) % SIDE]);
            a[i][round % SIDE] = c[i][i] & 1023;
        }
    }
    return sum;
}
