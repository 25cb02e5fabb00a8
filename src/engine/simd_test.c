/* simd_test.c - the integer and moving vector instructions against scalar arithmetic in 64 bits,
 * and the table of all. Vectors are written and read here byte by byte, so that the order of bytes
 * is tested too. */
#include "base/test.h"
#include "engine/opcodes.h"
#include "engine/simd_test_support.h"

typedef void (*unary_fn)(union iso_v128 *out, const union iso_v128 *a);
typedef void (*binary_fn)(union iso_v128 *out, const union iso_v128 *a, const union iso_v128 *b);
typedef void (*shift_fn)(union iso_v128 *out, const union iso_v128 *a, uint32_t count);
typedef uint32_t (*test_fn)(const union iso_v128 *a);

static uint64_t low_bits(uint64_t x, unsigned bits)
{
    return bits == 64 ? x : x & ((UINT64_C(1) << bits) - 1);
}

static int64_t sign(uint64_t x, unsigned bits)
{
    uint64_t top = UINT64_C(1) << (bits - 1);
    return (int64_t)((low_bits(x, bits) ^ top) - top);
}

/* Values at the edges of a lane of `bits` bits, then arbitrary ones. */
enum { VALUE_COUNT = 24 };

static uint64_t value(unsigned bits, unsigned n)
{
    const uint64_t top = UINT64_C(1) << (bits - 1);
    const uint64_t edges[] = {
        0,        1,    2,    top - 1, top,    top + 1, (uint64_t)-1, (uint64_t)-2,
        top >> 1, 0x7f, 0x80, 0xff,    0x7fff, 0x8000};
    uint64_t x = n < ISO_COUNT_OF(edges) ? edges[n] : (n + 1) * UINT64_C(0x9e3779b97f4a7c15);
    return low_bits(x, bits);
}

/* Lanes n, n + 1, ... of the values above. */
static union iso_v128 vector(unsigned bits, unsigned n)
{
    union iso_v128 v;
    for (unsigned i = 0; i < 128 / bits; i++) {
        set(&v, bits, i, value(bits, (n + i) % VALUE_COUNT));
    }
    return v;
}

/* ---- The table ----------------------------------------------------------------------------- */

struct entry {
    const char *name;
    unsigned code;
};

static const struct entry entries[] = {
#define SIMD_LOAD(name, code, bytes) {#name, code},
#define SIMD_STORE(name, code, bytes) {#name, code},
#define SIMD_LOAD_LANE(name, code, bytes, lanes) {#name, code},
#define SIMD_STORE_LANE(name, code, bytes, lanes) {#name, code},
#define SIMD_CONST(name, code) {#name, code},
#define SIMD_SHUFFLE(name, code) {#name, code},
#define SIMD_SPLAT(name, code, bits, type) {#name, code},
#define SIMD_EXTRACT(name, code, bits, type, lanes) {#name, code},
#define SIMD_REPLACE(name, code, bits, type, lanes) {#name, code},
#define SIMD_UNARY(name, code) {#name, code},
#define SIMD_BINARY(name, code) {#name, code},
#define SIMD_TERNARY(name, code) {#name, code},
#define SIMD_SHIFT(name, code) {#name, code},
#define SIMD_TEST(name, code) {#name, code},
#include "engine/simd.def"
};

TEST(the_table_has_every_vector_instruction_under_its_code)
{
    CHECK_EQ_U64(ISO_COUNT_OF(entries), 236);
    bool seen[256] = {false};
    for (size_t i = 0; i < ISO_COUNT_OF(entries); i++) {
        CHECK(entries[i].code < 256 && !seen[entries[i].code]);
        seen[entries[i].code] = true;
        char name[64];
        (void)iso_format(name, sizeof name, "%s", iso_op_name(0xFD00u + entries[i].code));
        CHECK(strchr(name, '.') != NULL);
        *strchr(name, '.') = '_';
        CHECK_STR(name, entries[i].name);
    }
}

/* ---- Results may overlap operands, and operands may be slots --------------------------------- */

/* Bytes below 0x70: no lane is a NaN. Which payload the sum of two NaNs has may differ from one
 * copy of an inlined function to the next (spec 4.3.3, NaN propagation). */
static union iso_v128 no_nans(unsigned n)
{
    union iso_v128 v;
    for (unsigned i = 0; i < 16; i++) {
        v.u8[i] = (uint8_t)((n + 37 * i) % 0x70);
    }
    return v;
}

static void check_binary_aliases(binary_fn fn)
{
    const union iso_v128 a = no_nans(3), b = no_nans(82);
    union iso_v128 apart, over_a = a, over_b = b;
    fn(&apart, &a, &b);
    fn(&over_a, &over_a, &b);
    fn(&over_b, &a, &over_b);
    CHECK_MEM(&over_a, &apart, 16);
    CHECK_MEM(&over_b, &apart, 16);
    uint64_t slots[5]; /* of the value stack: eight-byte aligned, one after the other */
    memcpy(slots + 1, &a, 16);
    memcpy(slots + 3, &b, 16);
    fn((union iso_v128 *)(void *)(slots + 2), (union iso_v128 *)(void *)(slots + 1),
       (union iso_v128 *)(void *)(slots + 3));
    CHECK_MEM(slots + 2, &apart, 16);
}

static void check_unary_alias(unary_fn fn)
{
    const union iso_v128 a = no_nans(3);
    union iso_v128 apart, over = a;
    fn(&apart, &a);
    fn(&over, &over);
    CHECK_MEM(&over, &apart, 16);
}

TEST(results_may_overlap_operands)
{
#define SIMD_BINARY(name, code) check_binary_aliases(iso_v128_##name);
#define SIMD_UNARY(name, code) check_unary_alias(iso_v128_##name);
#include "engine/simd.def"
    const union iso_v128 a = vector(8, 1), b = vector(8, 7), c = vector(8, 11);
    union iso_v128 apart, over = c;
    iso_v128_v128_bitselect(&apart, &a, &b, &c);
    iso_v128_v128_bitselect(&over, &a, &b, &over);
    CHECK_MEM(&over, &apart, 16);
    over = b;
    iso_v128_i8x16_shuffle(&apart, &a, &b, c.u8);
    iso_v128_i8x16_shuffle(&over, &a, &over, c.u8);
    CHECK_MEM(&over, &apart, 16);
}

/* ---- Lane by lane -------------------------------------------------------------------------- */

static int64_t clamp(int64_t x, int64_t low, int64_t high)
{
    return x < low ? low : x > high ? high : x;
}

static uint64_t truth(bool yes)
{
    return yes ? UINT64_MAX : 0;
}

/* What a lane of the result must be; x and y are unsigned lanes of `bits` bits. */
typedef uint64_t (*lane_fn)(uint64_t x, uint64_t y, unsigned bits);

#define LANE(name, expression)                                                                     \
    static uint64_t lane_##name(uint64_t x, uint64_t y, unsigned bits)                             \
    {                                                                                              \
        const int64_t sx = sign(x, bits), sy = sign(y, bits);                                      \
        const int64_t high = (int64_t)(UINT64_MAX >> (65 - bits)), low = -high - 1;                \
        (void)sx, (void)sy, (void)high, (void)low;                                                 \
        return (uint64_t)(expression);                                                             \
    }
LANE(add, x + y)
LANE(sub, x - y)
LANE(mul, x *y)
LANE(neg, 0 - x)
LANE(abs, sx < 0 ? 0 - x : x)
LANE(eq, truth(x == y))
LANE(ne, truth(x != y))
LANE(lt_s, truth(sx < sy))
LANE(lt_u, truth(x < y))
LANE(gt_s, truth(sx > sy))
LANE(gt_u, truth(x > y))
LANE(le_s, truth(sx <= sy))
LANE(le_u, truth(x <= y))
LANE(ge_s, truth(sx >= sy))
LANE(ge_u, truth(x >= y))
LANE(min_s, sx < sy ? x : y)
LANE(min_u, x < y ? x : y)
LANE(max_s, sx > sy ? x : y)
LANE(max_u, x > y ? x : y)
LANE(add_sat_s, clamp(sx + sy, low, high))
LANE(add_sat_u, clamp((int64_t)(x + y), 0, 2 * high + 1))
LANE(sub_sat_s, clamp(sx - sy, low, high))
LANE(sub_sat_u, clamp((int64_t)x - (int64_t)y, 0, 2 * high + 1))
LANE(avgr_u, (x + y + 1) / 2)
LANE(q15mulr_sat_s, clamp((sx * sy + 16384) >> 15, low, high))
LANE(popcnt, __builtin_popcountll(x))
LANE(not, ~x)
LANE(and, x &y)
LANE(andnot, x & ~y)
LANE(or, x | y)
LANE(xor, x ^ y)

static void check_lanes(const char *name, const union iso_v128 *r, const union iso_v128 *a,
                        const union iso_v128 *b, unsigned bits, lane_fn lane)
{
    for (unsigned i = 0; i < 128 / bits; i++) {
        uint64_t x = get(a, bits, i), y = get(b, bits, i);
        uint64_t expected = low_bits(lane(x, y, bits), bits);
        if (get(r, bits, i) != expected) {
            TEST_FAIL("%s(0x%llx, 0x%llx) is 0x%llx, expected 0x%llx", name, (unsigned long long)x,
                      (unsigned long long)y, (unsigned long long)get(r, bits, i),
                      (unsigned long long)expected);
        }
    }
}

static void check_binary(const char *name, binary_fn fn, unsigned bits, lane_fn lane)
{
    for (unsigned n = 0; n < VALUE_COUNT; n++) {
        for (unsigned m = 0; m < VALUE_COUNT; m++) {
            const union iso_v128 a = vector(bits, n), b = vector(bits, m);
            union iso_v128 r;
            fn(&r, &a, &b);
            check_lanes(name, &r, &a, &b, bits, lane);
        }
    }
}

static void check_unary(const char *name, unary_fn fn, unsigned bits, lane_fn lane)
{
    for (unsigned n = 0; n < 256; n++) {
        union iso_v128 a = vector(bits, n % VALUE_COUNT), r;
        if (bits == 8) {
            a.u8[n % 16] = (uint8_t)n;
        }
        fn(&r, &a);
        check_lanes(name, &r, &a, &a, bits, lane);
    }
}

#define BINARY(shape, bits, op)                                                                    \
    check_binary(#shape "." #op, iso_v128_##shape##_##op, bits, lane_##op)
#define UNARY(shape, bits, op) check_unary(#shape "." #op, iso_v128_##shape##_##op, bits, lane_##op)
#define SIGNED_COMPARISONS(shape, bits)                                                            \
    BINARY(shape, bits, eq), BINARY(shape, bits, ne), BINARY(shape, bits, lt_s),                   \
        BINARY(shape, bits, gt_s), BINARY(shape, bits, le_s), BINARY(shape, bits, ge_s)
#define UNSIGNED_COMPARISONS(shape, bits)                                                          \
    BINARY(shape, bits, lt_u), BINARY(shape, bits, gt_u), BINARY(shape, bits, le_u),               \
        BINARY(shape, bits, ge_u)
#define MIN_MAX(shape, bits)                                                                       \
    BINARY(shape, bits, min_s), BINARY(shape, bits, min_u), BINARY(shape, bits, max_s),            \
        BINARY(shape, bits, max_u)
#define SATURATING(shape, bits)                                                                    \
    BINARY(shape, bits, add_sat_s), BINARY(shape, bits, add_sat_u),                                \
        BINARY(shape, bits, sub_sat_s), BINARY(shape, bits, sub_sat_u),                            \
        BINARY(shape, bits, avgr_u)
#define COMMON(shape, bits)                                                                        \
    BINARY(shape, bits, add), BINARY(shape, bits, sub), UNARY(shape, bits, neg),                   \
        UNARY(shape, bits, abs)

TEST(comparisons_set_all_bits_or_none)
{
    SIGNED_COMPARISONS(i8x16, 8);
    UNSIGNED_COMPARISONS(i8x16, 8);
    SIGNED_COMPARISONS(i16x8, 16);
    UNSIGNED_COMPARISONS(i16x8, 16);
    SIGNED_COMPARISONS(i32x4, 32);
    UNSIGNED_COMPARISONS(i32x4, 32);
    SIGNED_COMPARISONS(i64x2, 64);
}

TEST(integer_arithmetic_is_that_of_scalars)
{
    COMMON(i8x16, 8);
    COMMON(i16x8, 16);
    COMMON(i32x4, 32);
    COMMON(i64x2, 64);
    BINARY(i16x8, 16, mul);
    BINARY(i32x4, 32, mul);
    BINARY(i64x2, 64, mul);
    MIN_MAX(i8x16, 8);
    MIN_MAX(i16x8, 16);
    MIN_MAX(i32x4, 32);
    SATURATING(i8x16, 8);
    SATURATING(i16x8, 16);
    BINARY(i16x8, 16, q15mulr_sat_s);
    UNARY(i8x16, 8, popcnt);
}

TEST(bitwise_operators_are_those_of_scalars)
{
    UNARY(v128, 64, not );
    BINARY(v128, 64, and);
    BINARY(v128, 64, andnot);
    BINARY(v128, 64, or);
    BINARY(v128, 64, xor);
    const union iso_v128 a = vector(8, 0), b = vector(8, 9), c = vector(8, 4);
    union iso_v128 r;
    iso_v128_v128_bitselect(&r, &a, &b, &c);
    for (unsigned i = 0; i < 16; i++) {
        CHECK_EQ_U64(r.u8[i], (a.u8[i] & c.u8[i]) | (b.u8[i] & (uint8_t)~c.u8[i]));
    }
}

/* ---- Shifts -------------------------------------------------------------------------------- */

static void check_shift(shift_fn fn, unsigned bits, int kind)
{
    static const uint32_t counts[] = {0,  1,  7,  8,  9,   15,  16,         17,        31,
                                      32, 33, 63, 64, 127, 128, 0x80000001, UINT32_MAX};
    for (unsigned n = 0; n < VALUE_COUNT; n++) {
        for (size_t k = 0; k < ISO_COUNT_OF(counts); k++) {
            const union iso_v128 a = vector(bits, n);
            union iso_v128 r;
            const unsigned count = counts[k] % bits;
            fn(&r, &a, counts[k]);
            for (unsigned i = 0; i < 128 / bits; i++) {
                uint64_t x = get(&a, bits, i);
                uint64_t expected = kind == 0 ? x << count : x >> count;
                if (kind == 2 && sign(x, bits) < 0) {
                    expected |= ~(low_bits(UINT64_MAX, bits) >> count);
                }
                CHECK_EQ_U64(get(&r, bits, i), low_bits(expected, bits));
            }
        }
    }
}

TEST(shifts_take_the_count_modulo_the_width_of_a_lane)
{
    check_shift(iso_v128_i8x16_shl, 8, 0);
    check_shift(iso_v128_i8x16_shr_u, 8, 1);
    check_shift(iso_v128_i8x16_shr_s, 8, 2);
    check_shift(iso_v128_i16x8_shl, 16, 0);
    check_shift(iso_v128_i16x8_shr_u, 16, 1);
    check_shift(iso_v128_i16x8_shr_s, 16, 2);
    check_shift(iso_v128_i32x4_shl, 32, 0);
    check_shift(iso_v128_i32x4_shr_u, 32, 1);
    check_shift(iso_v128_i32x4_shr_s, 32, 2);
    check_shift(iso_v128_i64x2_shl, 64, 0);
    check_shift(iso_v128_i64x2_shr_u, 64, 1);
    check_shift(iso_v128_i64x2_shr_s, 64, 2);
}

/* ---- Tests --------------------------------------------------------------------------------- */

static void check_tests(test_fn all_true, test_fn bitmask, unsigned bits)
{
    for (unsigned n = 0; n < VALUE_COUNT; n++) {
        const union iso_v128 a = vector(bits, n);
        uint32_t all = 1, mask = 0, any = 0;
        for (unsigned i = 0; i < 128 / bits; i++) {
            all &= get(&a, bits, i) != 0 ? 1u : 0u;
            any |= get(&a, bits, i) != 0 ? 1u : 0u;
            mask |= (sign(get(&a, bits, i), bits) < 0 ? 1u : 0u) << i;
        }
        CHECK_EQ_U64(all_true(&a), all);
        CHECK_EQ_U64(bitmask(&a), mask);
        CHECK_EQ_U64(iso_v128_v128_any_true(&a), any);
    }
    for (unsigned i = 0; i < 128 / bits; i++) { /* one lane alone */
        union iso_v128 a = {.u64 = {0, 0}};
        set(&a, bits, i, UINT64_C(1) << (bits - 1));
        CHECK_EQ_U64(bitmask(&a), UINT64_C(1) << i);
        CHECK_EQ_U64(iso_v128_v128_any_true(&a), 1);
        CHECK_EQ_U64(all_true(&a), 0);
        memset(&a, 0x10, sizeof a);
        CHECK_EQ_U64(all_true(&a), 1);
        set(&a, bits, i, 0);
        CHECK_EQ_U64(all_true(&a), 0);
    }
    const union iso_v128 zero = {.u64 = {0, 0}};
    CHECK_EQ_U64(iso_v128_v128_any_true(&zero), 0);
}

TEST(all_true_any_true_and_bitmask)
{
    check_tests(iso_v128_i8x16_all_true, iso_v128_i8x16_bitmask, 8);
    check_tests(iso_v128_i16x8_all_true, iso_v128_i16x8_bitmask, 16);
    check_tests(iso_v128_i32x4_all_true, iso_v128_i32x4_bitmask, 32);
    check_tests(iso_v128_i64x2_all_true, iso_v128_i64x2_bitmask, 64);
}

/* ---- Widths that change -------------------------------------------------------------------- */

static uint64_t extended(const union iso_v128 *v, unsigned bits, unsigned i, bool is_signed)
{
    return is_signed ? (uint64_t)sign(get(v, bits, i), bits) : get(v, bits, i);
}

static void check_extend(unary_fn fn, unsigned bits, bool high, bool is_signed)
{
    for (unsigned n = 0; n < VALUE_COUNT; n++) {
        const union iso_v128 a = vector(bits, n);
        union iso_v128 r;
        fn(&r, &a);
        unsigned count = 64 / bits;
        for (unsigned i = 0; i < count; i++) {
            CHECK_EQ_U64(get(&r, 2 * bits, i),
                         low_bits(extended(&a, bits, i + (high ? count : 0), is_signed), 2 * bits));
        }
    }
}

static void check_extmul(binary_fn fn, unsigned bits, bool high, bool is_signed)
{
    for (unsigned n = 0; n < VALUE_COUNT; n++) {
        for (unsigned m = 0; m < VALUE_COUNT; m++) {
            const union iso_v128 a = vector(bits, n), b = vector(bits, m);
            union iso_v128 r;
            fn(&r, &a, &b);
            unsigned count = 64 / bits, from = high ? count : 0;
            for (unsigned i = 0; i < count; i++) {
                CHECK_EQ_U64(get(&r, 2 * bits, i),
                             low_bits(extended(&a, bits, i + from, is_signed) *
                                          extended(&b, bits, i + from, is_signed),
                                      2 * bits));
            }
        }
    }
}

static void check_extadd(unary_fn fn, unsigned bits, bool is_signed)
{
    for (unsigned n = 0; n < VALUE_COUNT; n++) {
        const union iso_v128 a = vector(bits, n);
        union iso_v128 r;
        fn(&r, &a);
        for (unsigned i = 0; i < 64 / bits; i++) {
            CHECK_EQ_U64(get(&r, 2 * bits, i),
                         low_bits(extended(&a, bits, 2 * i, is_signed) +
                                      extended(&a, bits, 2 * i + 1, is_signed),
                                  2 * bits));
        }
    }
}

#define WIDENING(wide, narrow, bits)                                                               \
    check_extend(iso_v128_##wide##_extend_low_##narrow##_s, bits, false, true),                    \
        check_extend(iso_v128_##wide##_extend_high_##narrow##_s, bits, true, true),                \
        check_extend(iso_v128_##wide##_extend_low_##narrow##_u, bits, false, false),               \
        check_extend(iso_v128_##wide##_extend_high_##narrow##_u, bits, true, false),               \
        check_extmul(iso_v128_##wide##_extmul_low_##narrow##_s, bits, false, true),                \
        check_extmul(iso_v128_##wide##_extmul_high_##narrow##_s, bits, true, true),                \
        check_extmul(iso_v128_##wide##_extmul_low_##narrow##_u, bits, false, false),               \
        check_extmul(iso_v128_##wide##_extmul_high_##narrow##_u, bits, true, false)

TEST(lanes_are_widened_multiplied_and_added_in_the_wider_type)
{
    WIDENING(i16x8, i8x16, 8);
    WIDENING(i32x4, i16x8, 16);
    WIDENING(i64x2, i32x4, 32);
    check_extadd(iso_v128_i16x8_extadd_pairwise_i8x16_s, 8, true);
    check_extadd(iso_v128_i16x8_extadd_pairwise_i8x16_u, 8, false);
    check_extadd(iso_v128_i32x4_extadd_pairwise_i16x8_s, 16, true);
    check_extadd(iso_v128_i32x4_extadd_pairwise_i16x8_u, 16, false);
}

TEST(dot_products_wrap_in_the_one_case_that_does_not_fit)
{
    for (unsigned n = 0; n < VALUE_COUNT; n++) {
        const union iso_v128 a = vector(16, n), b = vector(16, 2 * n % VALUE_COUNT);
        union iso_v128 r;
        iso_v128_i32x4_dot_i16x8_s(&r, &a, &b);
        for (unsigned i = 0; i < 4; i++) {
            uint64_t expected =
                extended(&a, 16, 2 * i, true) * extended(&b, 16, 2 * i, true) +
                extended(&a, 16, 2 * i + 1, true) * extended(&b, 16, 2 * i + 1, true);
            CHECK_EQ_U64(get(&r, 32, i), low_bits(expected, 32));
        }
    }
    union iso_v128 a, r;
    for (unsigned i = 0; i < 8; i++) {
        set(&a, 16, i, 0x8000);
    }
    iso_v128_i32x4_dot_i16x8_s(&r, &a, &a);
    CHECK_EQ_U64(get(&r, 32, 3), 0x80000000u);
}

static void check_narrow(binary_fn fn, unsigned bits, int64_t low, int64_t high)
{
    for (unsigned n = 0; n < VALUE_COUNT; n++) {
        const union iso_v128 a = vector(bits, n), b = vector(bits, n + 7);
        union iso_v128 r;
        fn(&r, &a, &b);
        unsigned count = 128 / bits;
        for (unsigned i = 0; i < 2 * count; i++) {
            int64_t x = sign(get(i < count ? &a : &b, bits, i % count), bits);
            CHECK_EQ_U64(get(&r, bits / 2, i), low_bits((uint64_t)clamp(x, low, high), bits / 2));
        }
    }
}

TEST(narrowing_saturates_signed_lanes)
{
    check_narrow(iso_v128_i8x16_narrow_i16x8_s, 16, -128, 127);
    check_narrow(iso_v128_i8x16_narrow_i16x8_u, 16, 0, 255);
    check_narrow(iso_v128_i16x8_narrow_i32x4_s, 32, -32768, 32767);
    check_narrow(iso_v128_i16x8_narrow_i32x4_u, 32, 0, 65535);
}
