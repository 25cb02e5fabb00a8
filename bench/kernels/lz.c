/* lz: packs 24 KiB with a small dictionary coder (greedy, hashed three-byte
 * matches) and unpacks it again; unaligned bytes, unpredictable branches. */
#include "kernel.h"

#define TEXT_SIZE 24576
#define HASH_SIZE 2048
#define MATCH_MIN 3
#define MATCH_MAX 130

static uint8_t plain[TEXT_SIZE], unpacked[TEXT_SIZE];
/* The worst case is a literal and a shortest match in turn: five bytes for four. */
static uint8_t packed[TEXT_SIZE / 4 * 5 + 8];
static uint16_t heads[HASH_SIZE];

static uint32_t hash3(const uint8_t *p)
{
    uint32_t word = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16;

    return (word * 2654435761U) >> 21;
}

/* A byte below 128 starts that many literals plus one; otherwise a match of
 * (byte - 128 + MATCH_MIN) bytes at the 16-bit distance that follows. */
static KERNEL_NOINLINE uint32_t pack(void)
{
    uint32_t in = 0, out = 0, literals = 0, literal_at = 0;

    for (uint32_t i = 0; i < HASH_SIZE; i++)
        heads[i] = 0;
    while (in < TEXT_SIZE) {
        uint32_t length = 0, candidate = 0;

        if (in + MATCH_MIN <= TEXT_SIZE) {
            uint32_t slot = hash3(plain + in);

            candidate = heads[slot];
            heads[slot] = (uint16_t)in;
            if (candidate < in) {
                while (length < MATCH_MAX && in + length < TEXT_SIZE &&
                       plain[candidate + length] == plain[in + length])
                    length++;
            }
        }
        if (length >= MATCH_MIN) {
            packed[out++] = (uint8_t)(128 + length - MATCH_MIN);
            packed[out++] = (uint8_t)(in - candidate);
            packed[out++] = (uint8_t)((in - candidate) >> 8);
            in += length;
            literals = 0;
        } else {
            if (literals == 0 || literals == 128) {
                literal_at = out++;
                literals = 0;
            }
            packed[literal_at] = (uint8_t)literals++;
            packed[out++] = plain[in++];
        }
    }
    return out;
}

static KERNEL_NOINLINE uint32_t unpack(uint32_t size)
{
    uint32_t in = 0, out = 0;

    while (in < size) {
        uint32_t tag = packed[in++];

        if (tag < 128) {
            for (uint32_t i = 0; i <= tag; i++)
                unpacked[out++] = packed[in++];
        } else {
            uint32_t distance = (uint32_t)packed[in] | (uint32_t)packed[in + 1] << 8;

            in += 2;
            for (uint32_t i = 0; i < tag - 128 + MATCH_MIN; i++, out++)
                unpacked[out] = unpacked[out - distance];
        }
    }
    return out;
}

uint64_t run(uint32_t n)
{
    uint32_t seed = 2024, at = 0;
    uint64_t sum = 0;

    /* A few new bytes, then a piece of what stands up to 1 KiB before, in turn. */
    while (at < TEXT_SIZE) {
        uint32_t r = random_next(&seed);
        uint32_t distance = 1 + (r & 1023), length = r >> 10 & 15;

        for (uint32_t i = r >> 30; i < 4 && at < TEXT_SIZE; i++)
            plain[at++] = (uint8_t)('a' + (random_next(&seed) >> 28));
        for (uint32_t i = 0; i < length && at < TEXT_SIZE; i++, at++)
            plain[at] = at < distance ? 'x' : plain[at - distance];
    }
    for (uint32_t round = 0; round < n; round++) {
        uint32_t size = pack();
        uint32_t differences = 0;

        sum = checksum_add(sum, size);
        sum = checksum_add(sum, unpack(size));
        for (uint32_t i = 0; i < TEXT_SIZE; i++)
            differences += plain[i] != unpacked[i];
        sum = checksum_add(sum, differences);
        plain[(round * 977) % TEXT_SIZE] ^= 1;
    }
    return sum;
}
