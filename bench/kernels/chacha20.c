/* chacha20: RFC 8439's cipher over 4 KiB, n times; the sixteen words stay in an
 * array, as in the usual portable code. */
#include "kernel.h"

#define BUFFER_SIZE 4096

static uint8_t buffer[BUFFER_SIZE];
static uint32_t input[16];

static inline uint32_t rotate_left(uint32_t value, uint32_t count)
{
    return value << count | value >> (32 - count);
}

static inline void quarter_round(uint32_t *x, uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
    x[a] += x[b];
    x[d] = rotate_left(x[d] ^ x[a], 16);
    x[c] += x[d];
    x[b] = rotate_left(x[b] ^ x[c], 12);
    x[a] += x[b];
    x[d] = rotate_left(x[d] ^ x[a], 8);
    x[c] += x[d];
    x[b] = rotate_left(x[b] ^ x[c], 7);
}

static KERNEL_NOINLINE void encrypt_block(uint8_t *out)
{
    uint32_t x[16];

    for (uint32_t i = 0; i < 16; i++)
        x[i] = input[i];
    for (uint32_t round = 0; round < 10; round++) {
        quarter_round(x, 0, 4, 8, 12);
        quarter_round(x, 1, 5, 9, 13);
        quarter_round(x, 2, 6, 10, 14);
        quarter_round(x, 3, 7, 11, 15);
        quarter_round(x, 0, 5, 10, 15);
        quarter_round(x, 1, 6, 11, 12);
        quarter_round(x, 2, 7, 8, 13);
        quarter_round(x, 3, 4, 9, 14);
    }
    for (uint32_t i = 0; i < 16; i++) {
        uint32_t word = x[i] + input[i];

        out[4 * i] ^= (uint8_t)word;
        out[4 * i + 1] ^= (uint8_t)(word >> 8);
        out[4 * i + 2] ^= (uint8_t)(word >> 16);
        out[4 * i + 3] ^= (uint8_t)(word >> 24);
    }
}

uint64_t run(uint32_t n)
{
    static const uint32_t constants[4] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
    uint64_t sum = 0;

    for (uint32_t i = 0; i < 16; i++)
        input[i] = i < 4 ? constants[i] : i * 0x01010101U;
    for (uint32_t i = 0; i < BUFFER_SIZE; i++)
        buffer[i] = (uint8_t)i;
    for (uint32_t round = 0; round < n; round++) {
        for (uint32_t at = 0; at < BUFFER_SIZE; at += 64) {
            encrypt_block(buffer + at);
            input[12]++;
        }
        sum = checksum_add(sum, buffer[(round * 61) % BUFFER_SIZE]);
    }
    for (uint32_t i = 0; i < BUFFER_SIZE; i++)
        sum = checksum_add(sum, buffer[i]);
    return sum;
}
