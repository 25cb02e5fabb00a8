/* crc32: the table-driven cyclic redundancy check of IEEE 802.3 over 16 KiB. */
#include "kernel.h"

#define SIZE 16384

static uint32_t table[256];
static uint8_t buffer[SIZE];

static KERNEL_NOINLINE uint32_t crc(uint32_t value, const uint8_t *p, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++)
        value = table[(value ^ p[i]) & 255] ^ value >> 8;
    return value;
}

uint64_t run(uint32_t n)
{
    uint32_t value = 0;

    for (uint32_t i = 0; i < 256; i++) {
        uint32_t entry = i;

        for (uint32_t bit = 0; bit < 8; bit++)
            entry = entry >> 1 ^ (entry & 1 ? 0xedb88320 : 0);
        table[i] = entry;
    }
    for (uint32_t i = 0; i < SIZE; i++)
        buffer[i] = (uint8_t)(i * 29 + (i >> 6));
    for (uint32_t round = 0; round < n; round++)
        value = ~crc(~value, buffer, SIZE);
    return value;
}
