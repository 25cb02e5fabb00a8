/* simd_test_support.h - lanes of vectors for tests. */
#ifndef ISO_ENGINE_SIMD_TEST_SUPPORT_H
#define ISO_ENGINE_SIMD_TEST_SUPPORT_H

#include "engine/simd.h"

/* Lanes of 8, 16, 32 or 64 bits, least significant byte first. */
static inline uint64_t get(const union iso_v128 *v, unsigned bits, unsigned i)
{
    uint64_t x = 0;
    for (unsigned k = 0; k < bits / 8; k++) {
        x |= (uint64_t)v->u8[i * bits / 8 + k] << 8 * k;
    }
    return x;
}

static inline void set(union iso_v128 *v, unsigned bits, unsigned i, uint64_t x)
{
    for (unsigned k = 0; k < bits / 8; k++) {
        v->u8[i * bits / 8 + k] = (uint8_t)(x >> 8 * k);
    }
}

#endif
