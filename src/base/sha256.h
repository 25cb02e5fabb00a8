/* SHA-256 (FIPS 180-4) and hexadecimal text. */
#ifndef ISO_BASE_SHA256_H
#define ISO_BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define ISO_SHA256_SIZE 32u

struct iso_sha256 {
    uint32_t state[8];
    uint64_t total_bytes;
    uint8_t block[64]; /* the unfinished block */
};

/* The digest of `len` bytes at `data` (borrowed; NULL when len is 0). */
void iso_sha256(const void *data, size_t len, uint8_t out[ISO_SHA256_SIZE]);

/* The same in pieces. After final the state must be initialised again. */
void iso_sha256_init(struct iso_sha256 *sha);
void iso_sha256_update(struct iso_sha256 *sha, const void *data, size_t len);
void iso_sha256_final(struct iso_sha256 *sha, uint8_t out[ISO_SHA256_SIZE]);

/* Lower-case hexadecimal of `len` bytes, zero-terminated; `out` has room for 2 * len + 1. */
void iso_hex_encode(const void *data, size_t len, char *out);

#endif
