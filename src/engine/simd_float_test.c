/* simd_float_test.c - vector instructions over floating point against scalar arithmetic written in
 * another way, and those that move lanes and memory. */
#include "base/test.h"
#include "engine/simd_test_support.h"

typedef void (*unary_fn)(union iso_v128 *out, const union iso_v128 *a);
typedef void (*binary_fn)(union iso_v128 *out, const union iso_v128 *a, const union iso_v128 *b);

/* Bits of edge values: zeros, subnormals, halves for ties, large, infinite, NaNs. */
static const uint32_t values32[] = {
    0x00000000, 0x80000000, 0x00000001, 0x80000001, 0x00800000, 0x3f000000, 0xbf000000, 0x3f800000,
    0xbf800000, 0x3fc00000, 0x40200000, 0xc0200000, 0x40600000, 0x4b000000, 0x4afffffe, 0x4affffff,
    0xcaffffff, 0x4f000000, 0xcf000000, 0x4effffff, 0x4f800000, 0x4f7fffff, 0x7f7fffff, 0xff7fffff,
    0x7f800000, 0xff800000, 0x7fc00000, 0xffc00000, 0x7f800001, 0xffa12345, 0x3eaaaaab, 0x42f6e979};
static const uint64_t values64[] = {
    0x0000000000000000, 0x8000000000000000, 0x0000000000000001, 0x8000000000000001,
    0x3fe0000000000000, 0xbfe0000000000000, 0x3ff0000000000000, 0xbff0000000000000,
    0x3ff8000000000000, 0x4004000000000000, 0xc004000000000000, 0x400c000000000000,
    0x4330000000000000, 0x432fffffffffffff, 0xc32fffffffffffff, 0x41dfffffffc00000,
    0x41e0000000000000, 0xc1e0000000000000, 0xc1e0000000200000, 0x41efffffffe00000,
    0x41f0000000000000, 0x47efffffe0000000, 0x47f0000000000000, 0x3690000000000000,
    0x7fefffffffffffff, 0x7ff0000000000000, 0xfff0000000000000, 0x7ff8000000000000,
    0xfff8000000000000, 0x7ff0000000000001, 0x3fd5555555555555, 0x405edd2f1a9fbe77};
enum { COUNT = 32 };

static uint64_t value(unsigned bits, unsigned n)
{
    return bits == 32 ? values32[n % COUNT] : values64[n % COUNT];
}

static union iso_v128 vector(unsigned bits, unsigned n)
{
    union iso_v128 v;
    for (unsigned i = 0; i < 128 / bits; i++) {
        set(&v, bits, i, value(bits, n + i));
    }
    return v;
}

static bool is_nan(uint64_t x, unsigned bits)
{
    return bits == 32 ? (x & 0x7fffffff) > 0x7f800000
                      : (x & 0x7fffffffffffffff) > 0x7ff0000000000000;
}

/* One that arithmetic may give (spec 4.3.1): the highest bit of the fraction is set. */
static bool is_arithmetic_nan(uint64_t x, unsigned bits)
{
    return is_nan(x, bits) && (x & (bits == 32 ? 0x400000u : 0x8000000000000u)) != 0;
}

static double number(uint64_t x, unsigned bits)
{
    return bits == 32 ? (double)iso_f32_from_bits((uint32_t)x) : iso_f64_from_bits(x);
}

static uint64_t bits_of(double x, unsigned bits)
{
    return bits == 32 ? iso_f32_bits((float)x) : iso_f64_bits(x);
}

/* What a lane must be, from the bits of the operands. For arithmetic a NaN stands for any
 * that arithmetic may give. */
typedef uint64_t (*lane_fn)(uint64_t x, uint64_t y, unsigned bits);

static void check_lane(const char *name, uint64_t actual, uint64_t expected, uint64_t x, uint64_t y,
                       unsigned bits, bool exact)
{
    bool any = !exact && is_nan(expected, bits);
    bool same = any ? is_arithmetic_nan(actual, bits) : actual == expected;
    if (!same) {
        TEST_FAIL("%s(0x%llx, 0x%llx) is 0x%llx, expected 0x%llx", name, (unsigned long long)x,
                  (unsigned long long)y, (unsigned long long)actual, (unsigned long long)expected);
    }
}

static void check_binary(const char *name, binary_fn fn, unsigned bits, lane_fn lane, bool exact)
{
    for (unsigned n = 0; n < COUNT; n++) {
        for (unsigned m = 0; m < COUNT; m++) {
            const union iso_v128 a = vector(bits, n), b = vector(bits, m);
            union iso_v128 r;
            fn(&r, &a, &b);
            for (unsigned i = 0; i < 128 / bits; i++) {
                uint64_t x = get(&a, bits, i), y = get(&b, bits, i);
                check_lane(name, get(&r, bits, i), lane(x, y, bits), x, y, bits, exact);
            }
        }
    }
}

static void check_unary(const char *name, unary_fn fn, unsigned bits, lane_fn lane, bool exact)
{
    for (unsigned n = 0; n < COUNT; n++) {
        const union iso_v128 a = vector(bits, n);
        union iso_v128 r;
        fn(&r, &a);
        for (unsigned i = 0; i < 128 / bits; i++) {
            uint64_t x = get(&a, bits, i);
            check_lane(name, get(&r, bits, i), lane(x, 0, bits), x, 0, bits, exact);
        }
    }
}

#define LANE(name, expression)                                                                     \
    static uint64_t lane_##name(uint64_t x, uint64_t y, unsigned bits)                             \
    {                                                                                              \
        const double p = number(x, bits), q = number(y, bits);                                     \
        const uint64_t top = UINT64_C(1) << (bits - 1);                                            \
        (void)p, (void)q, (void)top;                                                               \
        return (expression);                                                                       \
    }
#define ALL(yes) ((yes) ? (bits == 32 ? UINT32_MAX : UINT64_MAX) : 0)

/* Every operation of f32 rounded from the exact or twice rounded result of f64 is right: its 53
 * bits are more than twice 24 and two (Figueroa). */
LANE(add, bits_of(p + q, bits))
LANE(sub, bits_of(p - q, bits))
LANE(mul, bits_of(p *q, bits))
LANE(div, bits_of(p / q, bits))
LANE(sqrt, bits_of(sqrt(p), bits))
LANE(abs, x & ~top)
LANE(neg, x ^ top)
LANE(eq, ALL(p == q))
LANE(ne, ALL(!(p == q)))
LANE(lt, ALL(p < q))
LANE(gt, ALL(q < p))
LANE(le, ALL(p <= q))
LANE(ge, ALL(q <= p))
LANE(pmin, q < p ? y : x)
LANE(pmax, p < q ? y : x)

static uint64_t lane_min(uint64_t x, uint64_t y, unsigned bits)
{
    if (is_nan(x, bits) || is_nan(y, bits)) {
        return bits_of(NAN, bits);
    }
    if (number(x, bits) == number(y, bits)) {
        return x | y; /* equal but for the sign of zeros */
    }
    return number(x, bits) < number(y, bits) ? x : y;
}

static uint64_t lane_max(uint64_t x, uint64_t y, unsigned bits)
{
    if (is_nan(x, bits) || is_nan(y, bits)) {
        return bits_of(NAN, bits);
    }
    if (number(x, bits) == number(y, bits)) {
        return x & y;
    }
    return number(x, bits) > number(y, bits) ? x : y;
}

/* Rounding on the bits: mode 0 down, 1 up, 2 toward zero, 3 to nearest even. */
static uint64_t rounded(uint64_t x, unsigned bits, int mode)
{
    const unsigned fraction = bits == 32 ? 23 : 52, bias = bits == 32 ? 127 : 1023;
    const uint64_t top = UINT64_C(1) << (bits - 1), magnitude = x & (top - 1);
    const unsigned exponent = (unsigned)(magnitude >> fraction);
    const bool negative = (x & top) != 0;
    if (exponent >= bias + fraction || magnitude == 0) {
        return x; /* whole, infinite, NaN, zero */
    }
    const uint64_t one = (uint64_t)bias << fraction;
    if (exponent < bias) { /* below one */
        const uint64_t half = (uint64_t)(bias - 1) << fraction;
        bool away = mode == 0 ? negative : mode == 1 ? !negative : mode == 3 && magnitude > half;
        return (x & top) | (away ? one : 0);
    }
    const uint64_t unit = UINT64_C(1) << (fraction - (exponent - bias)), rest = magnitude % unit;
    uint64_t down = magnitude - rest;
    bool away = mode == 0 ? negative : mode == 1 ? !negative : false;
    if (mode == 3) {
        /* Whether the last whole bit is set: for 1.x it is the hidden one. */
        bool odd = exponent == bias ? true : (magnitude & unit) != 0;
        away = rest > unit / 2 || (rest == unit / 2 && odd);
    }
    return (x & top) | (away && rest != 0 ? down + unit : down);
}

LANE(floor, rounded(x, bits, 0))
LANE(ceil, rounded(x, bits, 1))
LANE(trunc, rounded(x, bits, 2))
LANE(nearest, rounded(x, bits, 3))

#define BINARY(shape, bits, op, exact)                                                             \
    check_binary(#shape "." #op, iso_v128_##shape##_##op, bits, lane_##op, exact)
#define UNARY(shape, bits, op, exact)                                                              \
    check_unary(#shape "." #op, iso_v128_##shape##_##op, bits, lane_##op, exact)

#define ARITHMETIC(shape, bits)                                                                    \
    BINARY(shape, bits, add, false), BINARY(shape, bits, sub, false),                              \
        BINARY(shape, bits, mul, false), BINARY(shape, bits, div, false),                          \
        BINARY(shape, bits, min, false), BINARY(shape, bits, max, false),                          \
        UNARY(shape, bits, sqrt, false)
#define ROUNDING(shape, bits)                                                                      \
    UNARY(shape, bits, ceil, false), UNARY(shape, bits, floor, false),                             \
        UNARY(shape, bits, trunc, false), UNARY(shape, bits, nearest, false)
/* Those that must keep the bits of a NaN, and comparisons. */
#define EXACT(shape, bits)                                                                         \
    UNARY(shape, bits, abs, true), UNARY(shape, bits, neg, true), BINARY(shape, bits, pmin, true), \
        BINARY(shape, bits, pmax, true), BINARY(shape, bits, eq, true),                            \
        BINARY(shape, bits, ne, true), BINARY(shape, bits, lt, true),                              \
        BINARY(shape, bits, gt, true), BINARY(shape, bits, le, true),                              \
        BINARY(shape, bits, ge, true)

TEST(arithmetic_on_floats_is_that_of_scalars)
{
    ARITHMETIC(f32x4, 32);
    ARITHMETIC(f64x2, 64);
}

TEST(rounding_is_right_to_the_last_bit_and_ties_go_to_even)
{
    ROUNDING(f32x4, 32);
    ROUNDING(f64x2, 64);
}

TEST(signs_comparisons_and_pseudo_minima_keep_nans_as_they_are)
{
    EXACT(f32x4, 32);
    EXACT(f64x2, 64);
}

/* A saturating conversion by comparison with the bounds. */
static uint64_t saturated(double x, bool is_signed)
{
    const double low = is_signed ? -2147483648.0 : 0.0,
                 high = is_signed ? 2147483647.0 : 4294967295.0;
    if (!(x == x)) {
        return 0;
    }
    double within = x < low ? low : x > high ? high : x;
    return (uint64_t)(int64_t)within & UINT32_MAX;
}

TEST(conversions_to_integers_saturate)
{
    for (unsigned n = 0; n < COUNT; n++) {
        union iso_v128 a = vector(32, n), s, u;
        iso_v128_i32x4_trunc_sat_f32x4_s(&s, &a);
        iso_v128_i32x4_trunc_sat_f32x4_u(&u, &a);
        for (unsigned i = 0; i < 4; i++) {
            CHECK_EQ_U64(get(&s, 32, i), saturated(number(get(&a, 32, i), 32), true));
            CHECK_EQ_U64(get(&u, 32, i), saturated(number(get(&a, 32, i), 32), false));
        }
        a = vector(64, n);
        iso_v128_i32x4_trunc_sat_f64x2_s_zero(&s, &a);
        iso_v128_i32x4_trunc_sat_f64x2_u_zero(&u, &a);
        for (unsigned i = 0; i < 2; i++) {
            CHECK_EQ_U64(get(&s, 32, i), saturated(number(get(&a, 64, i), 64), true));
            CHECK_EQ_U64(get(&u, 32, i), saturated(number(get(&a, 64, i), 64), false));
        }
        CHECK(get(&s, 64, 1) == 0 && get(&u, 64, 1) == 0);
    }
}

TEST(conversions_between_widths_and_from_integers)
{
    union iso_v128 a, r;
    static const uint32_t integers[] = {0,          1,          0x7fffffff, 0x80000000,
                                        0xffffffff, 0x01000001, 0x01000003, 0xfeffffff};
    for (unsigned n = 0; n + 4 <= ISO_COUNT_OF(integers); n++) {
        for (unsigned i = 0; i < 4; i++) {
            set(&a, 32, i, integers[n + i]);
        }
        iso_v128_f32x4_convert_i32x4_s(&r, &a);
        for (unsigned i = 0; i < 4; i++) {
            CHECK_EQ_U64(get(&r, 32, i), iso_f32_bits((float)(int32_t)integers[n + i]));
        }
        iso_v128_f32x4_convert_i32x4_u(&r, &a);
        for (unsigned i = 0; i < 4; i++) {
            CHECK_EQ_U64(get(&r, 32, i), iso_f32_bits((float)integers[n + i]));
        }
        iso_v128_f64x2_convert_low_i32x4_s(&r, &a);
        CHECK_EQ_U64(get(&r, 64, 1), iso_f64_bits((double)(int32_t)integers[n + 1]));
        iso_v128_f64x2_convert_low_i32x4_u(&r, &a);
        CHECK_EQ_U64(get(&r, 64, 0), iso_f64_bits((double)integers[n]));
    }
    for (unsigned n = 0; n < COUNT; n++) {
        a = vector(32, n);
        iso_v128_f64x2_promote_low_f32x4(&r, &a);
        for (unsigned i = 0; i < 2; i++) {
            uint64_t x = get(&a, 32, i);
            check_lane("promote", get(&r, 64, i), iso_f64_bits(number(x, 32)), x, 0, 64, false);
        }
        a = vector(64, n);
        iso_v128_f32x4_demote_f64x2_zero(&r, &a);
        for (unsigned i = 0; i < 2; i++) {
            uint64_t x = get(&a, 64, i);
            check_lane("demote", get(&r, 32, i), iso_f32_bits((float)number(x, 64)), x, 0, 32,
                       false);
        }
        CHECK_EQ_U64(get(&r, 64, 1), 0);
    }
}

/* ---- Lanes and memory ---------------------------------------------------------------------- */

static union iso_v128 counted(uint8_t from)
{
    union iso_v128 v;
    for (unsigned i = 0; i < 16; i++) {
        v.u8[i] = (uint8_t)(from + i);
    }
    return v;
}

TEST(shuffle_and_swizzle_pick_bytes)
{
    const union iso_v128 a = counted(0x10), b = counted(0x90);
    static const uint8_t lanes[16] = {0, 31, 15, 16, 1, 30, 14, 17, 8, 8, 24, 24, 7, 23, 9, 25};
    static const uint8_t picked[16] = {0x10, 0x9f, 0x1f, 0x90, 0x11, 0x9e, 0x1e, 0x91,
                                       0x18, 0x18, 0x98, 0x98, 0x17, 0x97, 0x19, 0x99};
    union iso_v128 r;
    iso_v128_i8x16_shuffle(&r, &a, &b, lanes);
    CHECK_MEM(&r, picked, 16);
    union iso_v128 indices = counted(8);
    indices.u8[0] = 255;
    indices.u8[1] = 16;
    indices.u8[2] = 0;
    indices.u8[3] = 128;
    static const uint8_t swizzled[16] = {0, 0, 0x10, 0, 0x1c, 0x1d, 0x1e, 0x1f};
    iso_v128_i8x16_swizzle(&r, &a, &indices);
    CHECK_MEM(&r, swizzled, 16);
}

TEST(splat_extract_and_replace)
{
    union iso_v128 r;
    static const uint8_t bytes8[4] = {0xfe, 0xfe, 0xfe, 0xfe},
                         bytes16[4] = {0xfe, 0x80, 0xfe, 0x80},
                         bytes32[4] = {0xfe, 0x80, 0x34, 0x92};
    iso_v128_i8x16_splat(&r, 0x923480fe);
    CHECK_MEM(r.u8 + 12, bytes8, 4);
    CHECK_EQ_U64(iso_v128_i8x16_extract_lane_s(&r, 15), 0xfffffffe);
    CHECK_EQ_U64(iso_v128_i8x16_extract_lane_u(&r, 15), 0xfe);
    iso_v128_i16x8_splat(&r, 0x923480fe);
    CHECK_MEM(r.u8 + 12, bytes16, 4);
    CHECK_EQ_U64(iso_v128_i16x8_extract_lane_s(&r, 7), 0xffff80fe);
    CHECK_EQ_U64(iso_v128_i16x8_extract_lane_u(&r, 7), 0x80fe);
    iso_v128_i32x4_splat(&r, 0x923480fe);
    CHECK_MEM(r.u8 + 12, bytes32, 4);
    iso_v128_f32x4_splat(&r, 0x7f800001); /* a signalling NaN passes as it is */
    CHECK_EQ_U64(iso_v128_f32x4_extract_lane(&r, 3), 0x7f800001);
    iso_v128_i64x2_splat(&r, 0x1122334455667788);
    CHECK_EQ_U64(r.u8[8], 0x88);
    CHECK_EQ_U64(iso_v128_i64x2_extract_lane(&r, 1), 0x1122334455667788);
    iso_v128_f64x2_splat(&r, 0x7ff0000000000001);
    CHECK_EQ_U64(iso_v128_f64x2_extract_lane(&r, 0), 0x7ff0000000000001);
    union iso_v128 a = counted(0);
    iso_v128_i8x16_replace_lane(&r, &a, 3, 0x1ff);
    iso_v128_i16x8_replace_lane(&r, &r, 3, 0x1a2b3);
    iso_v128_i32x4_replace_lane(&r, &r, 2, 0xc4d5e6f7);
    static const uint8_t replaced[16] = {0,    1,    2,    0xff, 4,  5,  0xb3, 0xa2,
                                         0xf7, 0xe6, 0xd5, 0xc4, 12, 13, 14,   15};
    CHECK_MEM(&r, replaced, 16);
    iso_v128_f32x4_replace_lane(&r, &a, 1, 0xffa00001);
    CHECK_EQ_U64(iso_v128_i32x4_extract_lane(&r, 1), 0xffa00001);
    iso_v128_i64x2_replace_lane(&r, &a, 0, 0x8000000000000001);
    iso_v128_f64x2_replace_lane(&r, &r, 1, 0xfff0000000000001);
    CHECK(get(&r, 64, 0) == 0x8000000000000001 && get(&r, 64, 1) == 0xfff0000000000001);
}

TEST(loads_extend_repeat_or_fill_with_zeros)
{
    static const uint8_t memory[17] = {0xee, 0x01, 0x82, 0x03, 0x84, 0x05, 0x86, 0x07, 0x88,
                                       0x09, 0x8a, 0x0b, 0x8c, 0x0d, 0x8e, 0x0f, 0x90};
    const uint8_t *from = memory + 1; /* any alignment */
    union iso_v128 r;
    iso_v128_v128_load(&r, from);
    CHECK_MEM(&r, from, 16);
    iso_v128_v128_load8x8_s(&r, from);
    CHECK(get(&r, 16, 0) == 0x0001 && get(&r, 16, 7) == 0xff88);
    iso_v128_v128_load8x8_u(&r, from);
    CHECK(get(&r, 16, 1) == 0x0082 && get(&r, 16, 7) == 0x0088);
    iso_v128_v128_load16x4_s(&r, from);
    CHECK(get(&r, 32, 0) == 0xffff8201 && get(&r, 32, 3) == 0xffff8807);
    iso_v128_v128_load16x4_u(&r, from);
    CHECK(get(&r, 32, 0) == 0x00008201 && get(&r, 32, 3) == 0x00008807);
    iso_v128_v128_load32x2_s(&r, from);
    CHECK(get(&r, 64, 0) == 0xffffffff84038201 && get(&r, 64, 1) == 0xffffffff88078605);
    iso_v128_v128_load32x2_u(&r, from);
    CHECK(get(&r, 64, 0) == 0x84038201 && get(&r, 64, 1) == 0x88078605);
    iso_v128_v128_load8_splat(&r, from + 1);
    CHECK(get(&r, 64, 0) == 0x8282828282828282 && get(&r, 8, 15) == 0x82);
    iso_v128_v128_load16_splat(&r, from);
    CHECK(get(&r, 64, 1) == 0x8201820182018201);
    iso_v128_v128_load32_splat(&r, from);
    CHECK(get(&r, 32, 0) == 0x84038201 && get(&r, 32, 3) == 0x84038201);
    iso_v128_v128_load64_splat(&r, from);
    CHECK(get(&r, 64, 0) == 0x8807860584038201 && get(&r, 64, 1) == 0x8807860584038201);
    iso_v128_v128_load32_zero(&r, from);
    CHECK(get(&r, 64, 0) == 0x84038201 && get(&r, 64, 1) == 0);
    iso_v128_v128_load64_zero(&r, from);
    CHECK(get(&r, 64, 0) == 0x8807860584038201 && get(&r, 64, 1) == 0);
}

TEST(lanes_are_loaded_and_stored_and_nothing_else_is_written)
{
    static const uint8_t memory[8] = {0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8};
    const union iso_v128 a = counted(0);
    union iso_v128 r;
    iso_v128_v128_load8_lane(&r, &a, 15, memory);
    CHECK(r.u8[14] == 14 && r.u8[15] == 0xa1);
    iso_v128_v128_load16_lane(&r, &a, 7, memory);
    CHECK(r.u8[13] == 13 && get(&r, 16, 7) == 0xa2a1);
    iso_v128_v128_load32_lane(&r, &a, 1, memory);
    CHECK(r.u8[3] == 3 && r.u8[8] == 8 && get(&r, 32, 1) == 0xa4a3a2a1);
    iso_v128_v128_load64_lane(&r, &a, 1, memory);
    CHECK(r.u8[7] == 7 && get(&r, 64, 1) == 0xa8a7a6a5a4a3a2a1);
    uint8_t out[18];
    memset(out, 0xcc, sizeof out);
    iso_v128_v128_store8_lane(&a, 5, out);
    CHECK_MEM(out, "\x05\xcc", 2);
    iso_v128_v128_store16_lane(&a, 5, out + 1);
    CHECK_MEM(out, "\x05\x0a\x0b\xcc", 4);
    iso_v128_v128_store32_lane(&a, 3, out + 1);
    CHECK_MEM(out, "\x05\x0c\x0d\x0e\x0f\xcc", 6);
    iso_v128_v128_store64_lane(&a, 1, out + 1);
    CHECK_MEM(out, "\x05\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\xcc", 10);
    iso_v128_v128_store(&a, out + 1);
    CHECK_MEM(out + 1, &a, 16);
    CHECK_EQ_U64(out[17], 0xcc);
}
