/* rounding.c - see rounding.h. Nothing here depends on a rounding mode or on what the processor
 * does with subnormal numbers. */
#include "freestanding/rounding.h"

#include <stdint.h>
#include <string.h>

/*
 * The functions of one format: T the type, U its bits, MANTISSA the number of its stored fraction
 * bits, BIAS of the exponent. The unit bit is the lowest that stands for a whole number; adding to
 * it carries from the fraction into the exponent, which is what rounding up needs.
 */
#define DEFINE_ROUNDING(T, S, U, MANTISSA, BIAS)                                                   \
    static U bits_of##S(T x)                                                                       \
    {                                                                                              \
        U bits;                                                                                    \
        memcpy(&bits, &x, sizeof bits);                                                            \
        return bits;                                                                               \
    }                                                                                              \
    static T from_bits##S(U bits)                                                                  \
    {                                                                                              \
        T x;                                                                                       \
        memcpy(&x, &bits, sizeof x);                                                               \
        return x;                                                                                  \
    }                                                                                              \
    static int exponent_of##S(U bits)                                                              \
    {                                                                                              \
        return (int)(bits >> (MANTISSA) & (2 * (BIAS) + 1)) - (BIAS);                              \
    }                                                                                              \
    static U sign_of##S(U bits)                                                                    \
    {                                                                                              \
        return bits & (U)1 << (sizeof(U) * 8 - 1);                                                 \
    }                                                                                              \
    /* Away from zero when `up`, else towards it. */                                               \
    static T to_whole##S(U bits, int exponent, U up)                                               \
    {                                                                                              \
        const U one = (U)(BIAS) << (MANTISSA);                                                     \
        if (exponent >= (MANTISSA)) {                                                              \
            return from_bits##S(bits);                                                             \
        }                                                                                          \
        if (exponent < 0) {                                                                        \
            return from_bits##S(sign_of##S(bits) | (up ? one : 0));                                \
        }                                                                                          \
        U unit = (U)1 << ((MANTISSA)-exponent);                                                    \
        return from_bits##S((bits + (up ? unit : 0)) & ~(unit - 1));                               \
    }                                                                                              \
    static U has_fraction##S(U bits, int exponent)                                                 \
    {                                                                                              \
        if (exponent < 0) {                                                                        \
            return bits ^ sign_of##S(bits);                                                        \
        }                                                                                          \
        return exponent >= (MANTISSA) ? 0 : bits & (((U)1 << ((MANTISSA)-exponent)) - 1);          \
    }                                                                                              \
    T iso_soft_trunc##S(T x)                                                                       \
    {                                                                                              \
        U bits = bits_of##S(x);                                                                    \
        return to_whole##S(bits, exponent_of##S(bits), 0);                                         \
    }                                                                                              \
    T iso_soft_ceil##S(T x)                                                                        \
    {                                                                                              \
        U bits = bits_of##S(x);                                                                    \
        int exponent = exponent_of##S(bits);                                                       \
        return to_whole##S(bits, exponent,                                                         \
                           sign_of##S(bits) ? 0 : has_fraction##S(bits, exponent));                \
    }                                                                                              \
    T iso_soft_floor##S(T x)                                                                       \
    {                                                                                              \
        U bits = bits_of##S(x);                                                                    \
        int exponent = exponent_of##S(bits);                                                       \
        return to_whole##S(bits, exponent,                                                         \
                           sign_of##S(bits) ? has_fraction##S(bits, exponent) : 0);                \
    }                                                                                              \
    T iso_soft_rint##S(T x)                                                                        \
    {                                                                                              \
        U bits = bits_of##S(x);                                                                    \
        int exponent = exponent_of##S(bits);                                                       \
        if (exponent >= (MANTISSA)) {                                                              \
            return x;                                                                              \
        }                                                                                          \
        if (exponent < 0) { /* one half goes to zero, which is even */                             \
            U fraction = bits & (((U)1 << (MANTISSA)) - 1);                                        \
            return to_whole##S(bits, exponent, exponent == -1 ? fraction : 0);                     \
        }                                                                                          \
        U unit = (U)1 << ((MANTISSA)-exponent);                                                    \
        U almost_half = unit / 2 - 1;                                                              \
        return from_bits##S((bits + almost_half + ((bits & unit) != 0)) & ~(unit - 1));            \
    }

DEFINE_ROUNDING(double, , uint64_t, 52, 1023)
DEFINE_ROUNDING(float, f, uint32_t, 23, 127)

/*
 * The root of 2^54 * m, m in [2^52, 2^54), digit by digit: two bits of the radicand give one of the
 * root. The root has 54 bits; the lowest is the one to round by. A tie cannot be: the square of an
 * odd number is not a multiple of 2^54.
 */
static uint64_t root(uint64_t m)
{
    uint64_t q = 0;
    uint64_t rest = 0;
    for (int i = 0; i < 54; i++) {
        rest = rest << 2 | (m >> 52 & 3);
        m = (m << 2) & (((uint64_t)1 << 54) - 1);
        uint64_t trial = q << 2 | 1;
        q <<= 1;
        if (rest >= trial) {
            rest -= trial;
            q |= 1;
        }
    }
    return (q >> 1) + (q & 1);
}

double iso_soft_sqrt(double x)
{
    const uint64_t hidden = (uint64_t)1 << 52;
    uint64_t bits = bits_of(x);
    uint64_t m = bits & (hidden - 1);
    int exponent = exponent_of(bits);
    if (x != x || bits << 1 == 0 || exponent == 1024) {
        return sign_of(bits) != 0 && bits << 1 != 0 ? (x - x) / (x - x) : x + x;
    }
    if (sign_of(bits) != 0) {
        return (x - x) / (x - x);
    }
    if (exponent == -1023) { /* subnormal */
        int shift = __builtin_clzll(m) - 11;
        m <<= shift;
        exponent = -1022 - shift;
    } else {
        m |= hidden;
    }
    if ((exponent & 1) != 0) {
        m <<= 1;
        exponent -= 1;
    }
    /* The root's highest bit adds one to the exponent, as does its rounding up to a power of two.
     */
    return from_bits(((uint64_t)(exponent / 2 + 1022) << 52) + root(m));
}

/* Rounding twice is rounding once here: 53 bits are more than twice 24 and two. */
float iso_soft_sqrtf(float x)
{
    return (float)iso_soft_sqrt((double)x);
}
