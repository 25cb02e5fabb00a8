/* bigint: digits of e by long arithmetic: 256 limbs of 32 bits, multiplied and
 * divided with 64-bit intermediate results. */
#include "kernel.h"

#define LIMBS 256
#define TERMS 64

static uint32_t number[LIMBS], term[LIMBS];

/* number += term; the most significant limb comes first. */
static KERNEL_NOINLINE void add(void)
{
    uint64_t carry = 0;

    for (uint32_t i = LIMBS; i-- > 0;) {
        carry += (uint64_t)number[i] + term[i];
        number[i] = (uint32_t)carry;
        carry >>= 32;
    }
}

static KERNEL_NOINLINE void divide(uint32_t divisor)
{
    uint64_t remainder = 0;

    for (uint32_t i = 0; i < LIMBS; i++) {
        uint64_t value = remainder << 32 | term[i];

        term[i] = (uint32_t)(value / divisor);
        remainder = value % divisor;
    }
}

static KERNEL_NOINLINE void multiply(uint32_t factor)
{
    uint64_t carry = 0;

    for (uint32_t i = LIMBS; i-- > 0;) {
        carry += (uint64_t)number[i] * factor;
        number[i] = (uint32_t)carry;
        carry >>= 32;
    }
}

uint64_t run(uint32_t n)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < LIMBS; i++)
        number[i] = 0;
    for (uint32_t round = 0; round < n; round++) {
        for (uint32_t i = 0; i < LIMBS; i++)
            term[i] = i == 0 ? 1 + round % 7 : 0;
        for (uint32_t k = 1; k < TERMS; k++) {
            add();
            multiply(k | 0x10001);
            divide(k);
        }
        sum = checksum_add(sum, number[round % LIMBS]);
    }
    for (uint32_t i = 0; i < LIMBS; i++)
        sum = checksum_add(sum, number[i]);
    return sum;
}
