/* correlation: correlation matrix of 40 variables over 50 samples, doubles;
 * column walks, square roots, divisions. */
#include "kernel.h"

#define VARIABLES 40
#define SAMPLES 50

static double data[SAMPLES][VARIABLES], matrix[VARIABLES][VARIABLES];
static double mean[VARIABLES], deviation[VARIABLES];

static KERNEL_NOINLINE void normalise(void)
{
    for (uint32_t j = 0; j < VARIABLES; j++) {
        mean[j] = 0;
        for (uint32_t i = 0; i < SAMPLES; i++)
            mean[j] += data[i][j];
        mean[j] /= SAMPLES;
    }
    for (uint32_t j = 0; j < VARIABLES; j++) {
        deviation[j] = 0;
        for (uint32_t i = 0; i < SAMPLES; i++)
            deviation[j] += (data[i][j] - mean[j]) * (data[i][j] - mean[j]);
        deviation[j] = __builtin_sqrt(deviation[j] / SAMPLES);
        deviation[j] = deviation[j] <= 0.1 ? 1.0 : deviation[j];
    }
    for (uint32_t i = 0; i < SAMPLES; i++) {
        for (uint32_t j = 0; j < VARIABLES; j++) {
            data[i][j] -= mean[j];
            data[i][j] /= __builtin_sqrt((double)SAMPLES) * deviation[j];
        }
    }
}

static KERNEL_NOINLINE void correlate(void)
{
    for (uint32_t i = 0; i < VARIABLES - 1; i++) {
        matrix[i][i] = 1;
        for (uint32_t j = i + 1; j < VARIABLES; j++) {
            matrix[i][j] = 0;
            for (uint32_t k = 0; k < SAMPLES; k++)
                matrix[i][j] += data[k][i] * data[k][j];
            matrix[j][i] = matrix[i][j];
        }
    }
    matrix[VARIABLES - 1][VARIABLES - 1] = 1;
}

uint64_t run(uint32_t n)
{
    uint32_t seed = 17;
    uint64_t sum = 0;

    for (uint32_t round = 0; round < n; round++) {
        for (uint32_t i = 0; i < SAMPLES; i++) {
            for (uint32_t j = 0; j < VARIABLES; j++)
                data[i][j] =
                    (double)(i * j) / VARIABLES + (double)(random_next(&seed) & 255) / 16.0;
        }
        normalise();
        correlate();
        for (uint32_t i = 0; i < VARIABLES; i++)
            sum = checksum_add(sum, double_bits(matrix[i][(i * 3 + round) % VARIABLES]));
    }
    return sum;
}
