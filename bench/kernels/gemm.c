/* gemm: C = alpha * A * B + beta * C over doubles, in the loop order of the
 * PolyBench suite's kernel of that name (written anew). */
#include "kernel.h"

#define ROWS 40
#define COLUMNS 44
#define INNER 48

static double a[ROWS][INNER], b[INNER][COLUMNS], c[ROWS][COLUMNS];

static KERNEL_NOINLINE void gemm(double alpha, double beta)
{
    for (uint32_t i = 0; i < ROWS; i++) {
        for (uint32_t j = 0; j < COLUMNS; j++)
            c[i][j] *= beta;
        for (uint32_t k = 0; k < INNER; k++) {
            for (uint32_t j = 0; j < COLUMNS; j++)
                c[i][j] += alpha * a[i][k] * b[k][j];
        }
    }
}

uint64_t run(uint32_t n)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < ROWS; i++) {
        for (uint32_t j = 0; j < COLUMNS; j++)
            c[i][j] = (double)((i * j + 1) % ROWS) / ROWS;
        for (uint32_t k = 0; k < INNER; k++)
            a[i][k] = (double)(i * (k + 1) % INNER) / INNER;
    }
    for (uint32_t k = 0; k < INNER; k++) {
        for (uint32_t j = 0; j < COLUMNS; j++)
            b[k][j] = (double)(k * (j + 2) % COLUMNS) / COLUMNS;
    }
    for (uint32_t round = 0; round < n; round++)
        gemm(1.5, 0.25);
    for (uint32_t i = 0; i < ROWS; i++) {
        for (uint32_t j = 0; j < COLUMNS; j++)
            sum = checksum_add(sum, double_bits(c[i][j]));
    }
    return sum;
}
