/* 2mm: D = alpha * A * B * C + beta * D over doubles: two matrix products, row by
 * column with a scalar sum, as in PolyBench (written anew). */
#include "kernel.h"

#define SIDE 40

static double a[SIDE][SIDE], b[SIDE][SIDE], c[SIDE][SIDE], d[SIDE][SIDE], product[SIDE][SIDE];

static KERNEL_NOINLINE void two_products(double alpha, double beta)
{
    for (uint32_t i = 0; i < SIDE; i++) {
        for (uint32_t j = 0; j < SIDE; j++) {
            product[i][j] = 0;
            for (uint32_t k = 0; k < SIDE; k++)
                product[i][j] += alpha * a[i][k] * b[k][j];
        }
    }
    for (uint32_t i = 0; i < SIDE; i++) {
        for (uint32_t j = 0; j < SIDE; j++) {
            d[i][j] *= beta;
            for (uint32_t k = 0; k < SIDE; k++)
                d[i][j] += product[i][k] * c[k][j];
        }
    }
}

uint64_t run(uint32_t n)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < SIDE; i++) {
        for (uint32_t j = 0; j < SIDE; j++) {
            a[i][j] = (double)((i * j + 1) % SIDE) / SIDE;
            b[i][j] = (double)(i * (j + 1) % SIDE) / SIDE;
            c[i][j] = (double)((i * (j + 3) + 1) % SIDE) / SIDE;
            d[i][j] = (double)(i * (j + 2) % SIDE) / SIDE;
        }
    }
    for (uint32_t round = 0; round < n; round++)
        two_products(1.5, 0.25);
    for (uint32_t i = 0; i < SIDE; i++) {
        for (uint32_t j = 0; j < SIDE; j++)
            sum = checksum_add(sum, double_bits(d[i][j]));
    }
    return sum;
}
