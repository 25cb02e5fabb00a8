/* floyd: Floyd and Warshall's shortest paths between all pairs of 64 nodes, with
 * weights as doubles. */
#include "kernel.h"

#define NODES 64

static double path[NODES][NODES];

static KERNEL_NOINLINE void shortest_paths(void)
{
    for (uint32_t k = 0; k < NODES; k++) {
        for (uint32_t i = 0; i < NODES; i++) {
            for (uint32_t j = 0; j < NODES; j++) {
                double over = path[i][k] + path[k][j];

                path[i][j] = path[i][j] < over ? path[i][j] : over;
            }
        }
    }
}

uint64_t run(uint32_t n)
{
    uint32_t seed = 64;
    uint64_t sum = 0;

    for (uint32_t round = 0; round < n; round++) {
        for (uint32_t i = 0; i < NODES; i++) {
            for (uint32_t j = 0; j < NODES; j++)
                path[i][j] = i == j ? 0 : (double)(random_next(&seed) % 1000) + 1;
        }
        shortest_paths();
        for (uint32_t i = 0; i < NODES; i++)
            sum = checksum_add(sum, double_bits(path[i][(i * 5 + round) % NODES]));
    }
    return sum;
}
