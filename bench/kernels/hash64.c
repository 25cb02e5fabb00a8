/* hash64: a 64-bit multiply-rotate hash with four lanes over 32 KiB; 64-bit
 * loads, multiplications and rotates. */
#include "kernel.h"

#define SIZE 32768
#define PRIME_1 UINT64_C(0x9e3779b185ebca87)
#define PRIME_2 UINT64_C(0xc2b2ae3d27d4eb4f)
#define PRIME_3 UINT64_C(0x165667b19e3779f9)

static uint8_t buffer[SIZE];

static inline uint64_t rotate_left(uint64_t value, uint32_t count)
{
    return value << count | value >> (64 - count);
}

static inline uint64_t load_u64(const uint8_t *p)
{
    return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 |
           (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 |
           (uint64_t)p[7] << 56;
}

static inline uint64_t lane_add(uint64_t lane, uint64_t word)
{
    return rotate_left(lane + word * PRIME_2, 31) * PRIME_1;
}

static KERNEL_NOINLINE uint64_t hash(const uint8_t *p, uint32_t size, uint64_t seed)
{
    uint64_t a = seed + PRIME_1, b = seed ^ PRIME_2, c = seed, d = seed - PRIME_3;
    uint64_t sum;

    for (uint32_t left = size; left >= 32; left -= 32) {
        a = lane_add(a, load_u64(p));
        b = lane_add(b, load_u64(p + 8));
        c = lane_add(c, load_u64(p + 16));
        d = lane_add(d, load_u64(p + 24));
        p += 32;
    }
    sum = rotate_left(a, 1) + rotate_left(b, 7) + rotate_left(c, 12) + rotate_left(d, 18);
    for (uint32_t i = 0; i < (size & 31); i++)
        sum = rotate_left(sum ^ p[i] * PRIME_3, 11) * PRIME_1;
    sum = (sum ^ sum >> 33) * PRIME_2;
    sum = (sum ^ sum >> 29) * PRIME_3;
    return sum ^ sum >> 32;
}

uint64_t run(uint32_t n)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < SIZE; i++)
        buffer[i] = (uint8_t)(i * 131 + (i >> 7));
    for (uint32_t round = 0; round < n; round++)
        sum = hash(buffer, SIZE - round % 64, sum);
    return sum;
}
