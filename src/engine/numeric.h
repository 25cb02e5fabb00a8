/*
 * numeric.h - integer and floating-point operators (spec 4.3) that C does not have as such.
 * Pure functions; used by the interpreter's operation table.
 */
#ifndef ISO_ENGINE_NUMERIC_H
#define ISO_ENGINE_NUMERIC_H

#include <math.h>
#include <stdint.h>
#include <string.h>

/* Host order <-> little-endian. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ISO_LE16(v) (v)
#define ISO_LE32(v) (v)
#define ISO_LE64(v) (v)
#else
#define ISO_LE16(v) __builtin_bswap16(v)
#define ISO_LE32(v) __builtin_bswap32(v)
#define ISO_LE64(v) __builtin_bswap64(v)
#endif

static inline uint32_t iso_f32_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float iso_f32_from_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline uint64_t iso_f64_bits(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline double iso_f64_from_bits(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline uint32_t iso_clz32(uint32_t x)
{
    return x == 0 ? 32u : (uint32_t)__builtin_clz(x);
}
static inline uint32_t iso_ctz32(uint32_t x)
{
    return x == 0 ? 32u : (uint32_t)__builtin_ctz(x);
}
static inline uint64_t iso_clz64(uint64_t x)
{
    return x == 0 ? 64u : (uint64_t)__builtin_clzll(x);
}
static inline uint64_t iso_ctz64(uint64_t x)
{
    return x == 0 ? 64u : (uint64_t)__builtin_ctzll(x);
}

static inline uint32_t iso_rotl32(uint32_t x, uint32_t n)
{
    return (x << (n & 31u)) | (x >> ((32u - (n & 31u)) & 31u));
}

static inline uint32_t iso_rotr32(uint32_t x, uint32_t n)
{
    return (x >> (n & 31u)) | (x << ((32u - (n & 31u)) & 31u));
}

static inline uint64_t iso_rotl64(uint64_t x, uint64_t n)
{
    return (x << (n & 63u)) | (x >> ((64u - (n & 63u)) & 63u));
}

static inline uint64_t iso_rotr64(uint64_t x, uint64_t n)
{
    return (x >> (n & 63u)) | (x << ((64u - (n & 63u)) & 63u));
}

/* Arithmetic shifts: every supported compiler shifts a negative number arithmetically. */
static inline uint32_t iso_shr_s32(uint32_t x, uint32_t n)
{
    return (uint32_t)((int32_t)x >> (n & 31u));
}

static inline uint64_t iso_shr_s64(uint64_t x, uint64_t n)
{
    return (uint64_t)((int64_t)x >> (n & 63u));
}

/* iso_f32_result, iso_f64_result: what makes a result of the host's arithmetic one of
 * WebAssembly's. Whatever may be a NaN and was computed, not moved, passes through them. And
 * iso_f32_abs, _neg, _copysign (4.3.3), which change the sign only, also of a NaN; likewise for
 * f64. */
#if (defined(__mips__) && !defined(__mips_nan2008)) || defined(__hppa__) || defined(__sh__)
#include "engine/nan_legacy.h"
#else
#include "engine/nan_ieee2008.h"
#endif

/* fmin, fmax (4.3.3): a NaN when either is one; -0 is less than +0. */
#define ISO_DEFINE_MIN_MAX(F, T, BITS, SIGN)                                                       \
    static inline T iso_##F##_min(T x, T y)                                                        \
    {                                                                                              \
        if (x < y) {                                                                               \
            return x;                                                                              \
        }                                                                                          \
        if (y < x) {                                                                               \
            return y;                                                                              \
        }                                                                                          \
        if (x == y) {                                                                              \
            return (BITS(x) & (SIGN)) != 0 ? x : y;                                                \
        }                                                                                          \
        return iso_##F##_result(x + y);                                                            \
    }                                                                                              \
    static inline T iso_##F##_max(T x, T y)                                                        \
    {                                                                                              \
        if (x < y) {                                                                               \
            return y;                                                                              \
        }                                                                                          \
        if (y < x) {                                                                               \
            return x;                                                                              \
        }                                                                                          \
        if (x == y) {                                                                              \
            return (BITS(x) & (SIGN)) != 0 ? y : x;                                                \
        }                                                                                          \
        return iso_##F##_result(x + y);                                                            \
    }
ISO_DEFINE_MIN_MAX(f32, float, iso_f32_bits, 0x80000000u)
ISO_DEFINE_MIN_MAX(f64, double, iso_f64_bits, 0x8000000000000000u)
#undef ISO_DEFINE_MIN_MAX

static inline float iso_f32_sqrt(float x)
{
    return iso_f32_result(sqrtf(x));
}
static inline double iso_f64_sqrt(double x)
{
    return iso_f64_result(sqrt(x));
}

/* Rounding. The additions quiet a signalling NaN, which the C library need not. */
static inline float iso_f32_ceil(float x)
{
    return x != x ? iso_f32_result(x + x) : ceilf(x);
}
static inline float iso_f32_floor(float x)
{
    return x != x ? iso_f32_result(x + x) : floorf(x);
}
static inline float iso_f32_trunc(float x)
{
    return x != x ? iso_f32_result(x + x) : truncf(x);
}
static inline float iso_f32_nearest(float x)
{
    return x != x ? iso_f32_result(x + x) : rintf(x);
}
static inline double iso_f64_ceil(double x)
{
    return x != x ? iso_f64_result(x + x) : ceil(x);
}
static inline double iso_f64_floor(double x)
{
    return x != x ? iso_f64_result(x + x) : floor(x);
}
static inline double iso_f64_trunc(double x)
{
    return x != x ? iso_f64_result(x + x) : trunc(x);
}
static inline double iso_f64_nearest(double x)
{
    return x != x ? iso_f64_result(x + x) : rint(x);
}

/*
 * Truncation to integers (4.3.4). LO and HI are the open interval of representable values: x must
 * be strictly between them. The bounds are exact in the source's format, or the nearest value
 * outside the range, so that comparing is exact.
 */
#define ISO_TRUNC_BOUNDS(X)                                                                        \
    X(i32_f32_s, float, int32_t, uint32_t, -2147483904.0f, 2147483648.0f)                          \
    X(i32_f32_u, float, uint32_t, uint32_t, -1.0f, 4294967296.0f)                                  \
    X(i32_f64_s, double, int32_t, uint32_t, -2147483649.0, 2147483648.0)                           \
    X(i32_f64_u, double, uint32_t, uint32_t, -1.0, 4294967296.0)                                   \
    X(i64_f32_s, float, int64_t, uint64_t, -9223373136366403584.0f, 9223372036854775808.0f)        \
    X(i64_f32_u, float, uint64_t, uint64_t, -1.0f, 18446744073709551616.0f)                        \
    X(i64_f64_s, double, int64_t, uint64_t, -9223372036854777856.0, 9223372036854775808.0)         \
    X(i64_f64_u, double, uint64_t, uint64_t, -1.0, 18446744073709551616.0)

/* iso_trunc_ok_*: the value is representable. iso_trunc_*: the value, when it is.
 * iso_trunc_sat_*: saturating; NaN gives 0. */
#define ISO_DEFINE_TRUNC(N, F, I, U, LO, HI)                                                       \
    static inline int iso_trunc_ok_##N(F x)                                                        \
    {                                                                                              \
        return x > (LO) && x < (HI);                                                               \
    }                                                                                              \
    static inline U iso_trunc_##N(F x)                                                             \
    {                                                                                              \
        return (U)(I)x;                                                                            \
    }                                                                                              \
    static inline U iso_trunc_sat_##N(F x)                                                         \
    {                                                                                              \
        const U sign = (U)1 << (sizeof(U) * 8u - 1u);                                              \
        if (x > (LO) && x < (HI)) {                                                                \
            return (U)(I)x;                                                                        \
        }                                                                                          \
        if (x != x) {                                                                              \
            return 0;                                                                              \
        }                                                                                          \
        if ((I)-1 > 0) { /* unsigned */                                                            \
            return x < 0 ? 0 : (U)-1;                                                              \
        }                                                                                          \
        return x < 0 ? sign : (U)(sign - 1u);                                                      \
    }
ISO_TRUNC_BOUNDS(ISO_DEFINE_TRUNC)
#undef ISO_DEFINE_TRUNC

/* Demotion and promotion quiet a NaN in hardware; spec 4.3.4 allows any arithmetic NaN. */
static inline float iso_f32_demote(double x)
{
    return iso_f32_result((float)x);
}
static inline double iso_f64_promote(float x)
{
    return iso_f64_result((double)x);
}

/* Little-endian access to linear memory at any alignment. */
static inline uint16_t iso_mem_u16(const uint8_t *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return ISO_LE16(v);
}

static inline uint32_t iso_mem_u32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return ISO_LE32(v);
}

static inline uint64_t iso_mem_u64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return ISO_LE64(v);
}

static inline void iso_mem_put16(uint8_t *p, uint16_t v)
{
    v = ISO_LE16(v);
    memcpy(p, &v, sizeof v);
}

static inline void iso_mem_put32(uint8_t *p, uint32_t v)
{
    v = ISO_LE32(v);
    memcpy(p, &v, sizeof v);
}

static inline void iso_mem_put64(uint8_t *p, uint64_t v)
{
    v = ISO_LE64(v);
    memcpy(p, &v, sizeof v);
}

#endif
