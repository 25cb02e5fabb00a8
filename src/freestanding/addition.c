/* addition.c - see addition.h. Integers only, so that it can stand for the compiler's own
 * functions. */
#include "freestanding/addition.h"

#define SIGN 0x8000000000000000u
#define INFINITE 0x7ff0000000000000u
#define QUIET 0x0008000000000000u

enum { FRACTION = 52, BIAS = 1023, EXPONENT_MAX = 2047, REST = 63 - FRACTION };

/* m / 2^63 * 2^(exponent - BIAS), rounded; m's highest bit is set, exponent from 1. */
static inline uint64_t rounded(uint64_t sign, int exponent, uint64_t m)
{
    if (exponent >= EXPONENT_MAX) {
        return sign | INFINITE;
    }
    /* That bit carries into the exponent, and so may the fraction. */
    uint64_t bits = ((uint64_t)(exponent - 1) << FRACTION) + (m >> REST);
    uint32_t rest = (uint32_t)m & ((1u << REST) - 1);
    uint32_t half = 1u << (REST - 1);
    return sign | (bits + (rest + ((uint32_t)bits & 1) > half));
}

/* The same with any m but 0. */
static uint64_t pack(uint64_t sign, int exponent, uint64_t m)
{
    int zeros = __builtin_clzll(m);
    m <<= zeros;
    exponent -= zeros;
    if (exponent < 1) { /* subnormal: no sum has bits below the least, so none are lost */
        return sign | m >> (REST + 1 - exponent);
    }
    return rounded(sign, exponent, m);
}

/* The exponent that a number has with its fraction's highest bit at 62, and that fraction. */
static int unpack(uint64_t magnitude, uint64_t *m)
{
    int exponent = (int)(magnitude >> FRACTION);
    *m = magnitude << (REST - 1);
    if (exponent == 0) {
        return 1;
    }
    *m = (*m & ((SIGN >> 1) - 1)) | SIGN >> 1;
    return exponent;
}

uint64_t iso_soft_add_f64(uint64_t x, uint64_t y)
{
    if ((x & ~SIGN) < (y & ~SIGN)) {
        uint64_t other = x;
        x = y;
        y = other;
    }
    if ((x & ~SIGN) >= INFINITE) {
        if ((x & ~SIGN) > INFINITE) {
            return x | QUIET;
        }
        return x == (y ^ SIGN) ? INFINITE | QUIET : x;
    }
    uint64_t large, small;
    int exponent = unpack(x & ~SIGN, &large);
    int distance = exponent - unpack(y & ~SIGN, &small);
    if (distance > FRACTION + 2) {
        return x;
    }
    /* Ten bits more than a double has, the last one for all that are below it. They are enough: a
     * difference that loses more than its highest bit has a distance of 1 at most. */
    if (distance != 0) {
        small = small >> distance | (small << (64 - distance) != 0);
    }
    uint64_t sum = ((x ^ y) & SIGN) == 0 ? large + small : large - small;
    if (sum >> 62 == 1) { /* mostly */
        return rounded(x & SIGN, exponent, sum << 1);
    }
    return sum == 0 ? x & y & SIGN : pack(x & SIGN, exponent + 1, sum);
}

uint64_t iso_soft_f64_from_u64(uint64_t x)
{
    return x == 0 ? 0 : pack(0, BIAS + 63, x);
}

uint64_t iso_soft_f64_from_i64(int64_t x)
{
    return x >= 0 ? iso_soft_f64_from_u64((uint64_t)x) : pack(SIGN, BIAS + 63, -(uint64_t)x);
}

uint64_t iso_soft_f64_from_f32(uint32_t x)
{
    uint64_t sign = (uint64_t)(x & 0x80000000u) << 32;
    uint64_t fraction = (uint64_t)(x & 0x7fffffu) << 29;
    uint32_t exponent = x >> 23 & 255;
    if (exponent == 255) {
        return sign | INFINITE | fraction | (fraction != 0 ? QUIET : 0);
    }
    if (exponent != 0) {
        return sign | ((uint64_t)(exponent + BIAS - 127) << FRACTION) | fraction;
    }
    return fraction == 0 ? sign : pack(sign, BIAS - 126 + REST, fraction);
}
