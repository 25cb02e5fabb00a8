/* Half floats (IEEE 754 binary16), which C11 has no type for: RFC 8949, appendix D. */
#include "codec/cbor.h"

#include <math.h>

bool iso_cbor_to_half(double value, uint16_t *out)
{
    uint16_t sign = signbit(value) ? 0x8000 : 0;
    double magnitude = fabs(value);
    int exponent = 0;

    if (isnan(value)) {
        *out = 0x7e00;
        return true;
    }
    if (isinf(value)) {
        *out = sign | 0x7c00;
        return true;
    }
    if (magnitude == 0) {
        *out = sign;
        return true;
    }
    /* magnitude = fraction * 2^exponent, fraction in [1/2, 1). A half has 11 bits of it, fewer
     * below 2^-14; in units of its last place the number must be whole. */
    double fraction = frexp(magnitude, &exponent);
    if (exponent > 16 || exponent < -23) {
        return false;
    }
    bool is_small = exponent < -13;
    double units = is_small ? ldexp(magnitude, 24) : ldexp(fraction, 11);
    unsigned whole = (unsigned)units;
    if ((double)whole != units) {
        return false;
    }
    unsigned bits = is_small ? whole : ((unsigned)(exponent + 14) << 10) + (whole - 1024);
    *out = (uint16_t)(sign | bits);
    return true;
}

double iso_cbor_from_half(uint16_t half)
{
    int exponent = half >> 10 & 31;
    int fraction = half & 1023;
    double magnitude;
    if (exponent == 31) {
        magnitude = fraction == 0 ? INFINITY : NAN;
    } else if (exponent == 0) {
        magnitude = ldexp(fraction, -24);
    } else {
        magnitude = ldexp(fraction + 1024, exponent - 25);
    }
    return (half & 0x8000) != 0 ? -magnitude : magnitude;
}
