/* sieve: Eratosthenes over 32 KiB of flags; byte stores with a stride. */
#include "kernel.h"

#define LIMIT 32768

static uint8_t composite[LIMIT];

static KERNEL_NOINLINE uint32_t count_primes(uint32_t limit)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < limit; i++)
        composite[i] = 0;
    for (uint32_t i = 2; i < limit; i++) {
        if (composite[i])
            continue;
        count++;
        for (uint32_t j = i + i; j < limit; j += i)
            composite[j] = 1;
    }
    return count;
}

uint64_t run(uint32_t n)
{
    uint64_t sum = 0;

    for (uint32_t round = 0; round < n; round++)
        sum = checksum_add(sum, count_primes(LIMIT - round % 100));
    return sum;
}
