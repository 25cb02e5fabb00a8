/*
 * chacha20_poly1305.c - RFC 8439: ChaCha20 (section 2.4), Poly1305 (2.5), both together (2.8).
 *
 * Poly1305 computes with numbers of 26 bits in five words, so that products and their sums fit
 * 64 bits. No branch and no address depends on a secret.
 */
#include "chacha20_poly1305.h"

#include <string.h>

static uint32_t load(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static void store(uint8_t *at, uint32_t word)
{
    at[0] = (uint8_t)word;
    at[1] = (uint8_t)(word >> 8);
    at[2] = (uint8_t)(word >> 16);
    at[3] = (uint8_t)(word >> 24);
}

/* ---- ChaCha20 ------------------------------------------------------------------------------ */

static uint32_t rotate(uint32_t word, unsigned bits)
{
    return word << bits | word >> (32 - bits);
}

static void quarter_round(uint32_t *s, unsigned a, unsigned b, unsigned c, unsigned d)
{
    s[a] += s[b];
    s[d] = rotate(s[d] ^ s[a], 16);
    s[c] += s[d];
    s[b] = rotate(s[b] ^ s[c], 12);
    s[a] += s[b];
    s[d] = rotate(s[d] ^ s[a], 8);
    s[c] += s[d];
    s[b] = rotate(s[b] ^ s[c], 7);
}

/* The 64 bytes of key stream with that number. */
static void key_stream(const struct seal_secret *secret, uint32_t counter, uint8_t *out)
{
    uint32_t start[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574}; /* section 2.3 */
    uint32_t state[16];
    for (unsigned i = 0; i < 8; i++) {
        start[4 + i] = load(secret->key + i * 4);
    }
    start[12] = counter;
    for (unsigned i = 0; i < 3; i++) {
        start[13 + i] = load(secret->nonce + i * 4);
    }
    memcpy(state, start, sizeof state);
    for (unsigned i = 0; i < 10; i++) {
        quarter_round(state, 0, 4, 8, 12);
        quarter_round(state, 1, 5, 9, 13);
        quarter_round(state, 2, 6, 10, 14);
        quarter_round(state, 3, 7, 11, 15);
        quarter_round(state, 0, 5, 10, 15);
        quarter_round(state, 1, 6, 11, 12);
        quarter_round(state, 2, 7, 8, 13);
        quarter_round(state, 3, 4, 9, 14);
    }
    for (unsigned i = 0; i < 16; i++) {
        store(out + i * 4, state[i] + start[i]);
    }
}

/* Encrypting and decrypting are the same. */
static void apply_key_stream(const struct seal_secret *secret, uint8_t *text, size_t len)
{
    uint8_t stream[64];
    for (size_t at = 0; at < len; at += sizeof stream) {
        size_t part = len - at < sizeof stream ? len - at : sizeof stream;
        key_stream(secret, (uint32_t)(at / sizeof stream) + 1, stream);
        for (size_t i = 0; i < part; i++) {
            text[at + i] ^= stream[i];
        }
    }
}

/* ---- Poly1305 ------------------------------------------------------------------------------ */

#define LIMB_MASK 0x3ffffffu

struct poly {
    uint32_t r[5]; /* the multiplier, clamped */
    uint32_t h[5]; /* the sum so far, modulo 2^130 - 5 but not always below it */
    uint8_t pad[16];
};

/* 16 bytes as five words of 26 bits. */
static void to_limbs(const uint8_t *bytes, uint32_t *limbs)
{
    limbs[0] = load(bytes) & LIMB_MASK;
    limbs[1] = load(bytes + 3) >> 2 & LIMB_MASK;
    limbs[2] = load(bytes + 6) >> 4 & LIMB_MASK;
    limbs[3] = load(bytes + 9) >> 6 & LIMB_MASK;
    limbs[4] = load(bytes + 12) >> 8;
}

static void poly_init(struct poly *poly, const uint8_t *key)
{
    uint8_t r[16];
    memcpy(r, key, sizeof r);
    for (unsigned i = 3; i < 16; i += 4) {
        r[i] &= 15;
    }
    for (unsigned i = 4; i < 16; i += 4) {
        r[i] &= 252;
    }
    to_limbs(r, poly->r);
    memset(poly->h, 0, sizeof poly->h);
    memcpy(poly->pad, key + 16, sizeof poly->pad);
}

/* h = h * r modulo 2^130 - 5: what passes 2^130 comes back five times. */
static void multiply(struct poly *poly)
{
    uint64_t sums[5], carry = 0;
    for (unsigned i = 0; i < 5; i++) {
        sums[i] = 0;
        for (unsigned k = 0; k < 5; k++) {
            uint32_t r = k <= i ? poly->r[i - k] : poly->r[i + 5 - k] * 5;
            sums[i] += (uint64_t)poly->h[k] * r;
        }
    }
    for (unsigned i = 0; i < 5; i++) {
        sums[i] += carry;
        poly->h[i] = (uint32_t)sums[i] & LIMB_MASK;
        carry = sums[i] >> 26;
    }
    carry = poly->h[0] + carry * 5;
    poly->h[0] = (uint32_t)carry & LIMB_MASK;
    poly->h[1] += (uint32_t)(carry >> 26);
}

/* Section 2.8: the last block of each part is filled up with zeros, so every block has 16 bytes. */
static void poly_add(struct poly *poly, const uint8_t *bytes, size_t len)
{
    for (size_t at = 0; at < len; at += 16) {
        uint8_t block[16] = {0};
        uint32_t limbs[5];
        memcpy(block, bytes + at, len - at < 16 ? len - at : 16);
        to_limbs(block, limbs);
        limbs[4] |= 1u << 24;
        for (unsigned i = 0; i < 5; i++) {
            poly->h[i] += limbs[i];
        }
        multiply(poly);
    }
}

static void poly_finish(struct poly *poly, uint8_t *tag)
{
    uint32_t *h = poly->h, less[5], carry = 0;
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 5; i++) {
            h[i] += carry;
            carry = h[i] >> 26;
            h[i] &= LIMB_MASK;
        }
        carry *= 5;
    }
    h[0] += carry;
    /* h - (2^130 - 5) is taken when it is not negative, that is when h + 5 reaches 2^130. */
    carry = 5;
    for (unsigned i = 0; i < 5; i++) {
        less[i] = h[i] + carry;
        carry = less[i] >> 26;
        less[i] &= LIMB_MASK;
    }
    uint32_t mask = 0 - carry;
    for (unsigned i = 0; i < 5; i++) {
        h[i] = (h[i] & ~mask) | (less[i] & mask);
    }
    const uint32_t words[4] = {h[0] | h[1] << 26, h[1] >> 6 | h[2] << 20, h[2] >> 12 | h[3] << 14,
                               h[3] >> 18 | h[4] << 8};
    uint64_t sum = 0;
    for (unsigned i = 0; i < 4; i++) {
        sum += (uint64_t)words[i] + load(poly->pad + i * 4);
        store(tag + i * 4, (uint32_t)sum);
        sum >>= 32;
    }
}

/* ---- Both together ------------------------------------------------------------------------- */

static void tag_of(const struct seal_secret *secret, const uint8_t *text, size_t len, uint8_t *tag)
{
    uint8_t key[64], lengths[16];
    struct poly poly;
    key_stream(secret, 0, key);
    poly_init(&poly, key);
    poly_add(&poly, secret->context, secret->context_len);
    poly_add(&poly, text, len);
    store(lengths, (uint32_t)secret->context_len);
    store(lengths + 4, (uint32_t)((uint64_t)secret->context_len >> 32));
    store(lengths + 8, (uint32_t)len);
    store(lengths + 12, (uint32_t)((uint64_t)len >> 32));
    poly_add(&poly, lengths, sizeof lengths);
    poly_finish(&poly, tag);
}

void seal_encrypt(const struct seal_secret *secret, uint8_t *text, size_t len, uint8_t *tag)
{
    apply_key_stream(secret, text, len);
    tag_of(secret, text, len, tag);
}

bool seal_decrypt(const struct seal_secret *secret, uint8_t *text, size_t len, const uint8_t *tag)
{
    uint8_t right[SEAL_TAG_SIZE];
    unsigned difference = 0;
    tag_of(secret, text, len, right);
    for (unsigned i = 0; i < SEAL_TAG_SIZE; i++) {
        difference |= (unsigned)(right[i] ^ tag[i]);
    }
    if (difference != 0) {
        return false;
    }
    apply_key_stream(secret, text, len);
    return true;
}
