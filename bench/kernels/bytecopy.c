/* bytecopy: copies 32 KiB byte by byte to changing addresses, n times. The build
 * keeps compilers from making it a call of memcpy; native code has one byte load
 * and one byte store in the loop, too. */
#include "kernel.h"

#define SIZE 32768

static uint8_t buffer[2 * SIZE + 64];

static KERNEL_NOINLINE void copy(uint8_t *to, const uint8_t *from, uint32_t size)
{
    while (size-- != 0)
        *to++ = *from++;
}

uint64_t run(uint32_t n)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < sizeof buffer; i++)
        buffer[i] = (uint8_t)(i * 11 + (i >> 8));
    for (uint32_t round = 0; round < n; round++) {
        uint32_t shift = round & 31;

        if (round & 1)
            copy(buffer + shift, buffer + SIZE + 32, SIZE);
        else
            copy(buffer + SIZE + 32, buffer + shift, SIZE);
        buffer[round % SIZE] = (uint8_t)(buffer[(round * 17) % SIZE] + 1);
    }
    for (uint32_t i = 0; i < sizeof buffer; i++)
        sum = checksum_add(sum, buffer[i]);
    return sum;
}
