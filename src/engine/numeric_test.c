/*
 * numeric_test.c - NaNs are those of IEEE 754-2008 on every host: what is moved keeps its bits,
 * what is computed has the highest bit of its fraction set, and is canonical where the operands
 * are.
 */
#include "engine/numeric.h"

#include "base/test.h"

static const uint32_t nans32[] = {0x7fc00000, 0xffc00000, 0x7f800001, 0xff800001,
                                  0x7fbfffff, 0xffa12345, 0x7fffffff, 0xffd00000};
static const uint64_t nans64[] = {0x7ff8000000000000, 0xfff8000000000000, 0x7ff0000000000001,
                                  0xfff0000000000001, 0x7ff7ffffffffffff, 0xfff4123456789abc,
                                  0x7fffffffffffffff, 0xfffa000000000000};
enum { NANS = 8, CANONICAL = 2 }; /* the first CANONICAL are canonical */

/* Through memory, so that the host computes and not the compiler. */
static float float_of(uint32_t bits)
{
    volatile uint32_t hidden = bits;
    return iso_f32_from_bits(hidden);
}

static double double_of(uint64_t bits)
{
    volatile uint64_t hidden = bits;
    return iso_f64_from_bits(hidden);
}

static void check_nan32(float result, bool canonical, uint32_t from)
{
    uint32_t bits = iso_f32_bits(result) & 0x7fffffffu;
    if (bits < 0x7fc00000u || (canonical && bits != 0x7fc00000u)) {
        TEST_FAIL("of 0x%x comes the NaN 0x%x", (unsigned)from, (unsigned)iso_f32_bits(result));
    }
}

static void check_nan64(double result, bool canonical, uint64_t from)
{
    uint64_t bits = iso_f64_bits(result) & 0x7fffffffffffffffu;
    if (bits < 0x7ff8000000000000u || (canonical && bits != 0x7ff8000000000000u)) {
        TEST_FAIL("of 0x%llx comes the NaN 0x%llx", (unsigned long long)from,
                  (unsigned long long)iso_f64_bits(result));
    }
}

/* clang-format off */
#define DEFINE_CHECK(F, T, BITS_T, OF, CHECK_NAN)                                                  \
    static void check_arithmetic_##F(BITS_T bits, bool canonical)                                  \
    {                                                                                              \
        const T nan = OF(bits), one = (T)1.5;                                                      \
        const T results[] = {                                                                      \
            iso_##F##_result(nan + one),  iso_##F##_result(one - nan),                             \
            iso_##F##_result(nan * nan),  iso_##F##_result(one / nan),                             \
            iso_##F##_min(nan, one),      iso_##F##_max(one, nan),                                 \
            iso_##F##_sqrt(nan),          iso_##F##_ceil(nan),                                     \
            iso_##F##_floor(nan),         iso_##F##_trunc(nan),                                    \
            iso_##F##_nearest(nan)};                                                               \
        for (size_t i = 0; i < sizeof results / sizeof *results; i++) {                            \
            CHECK_NAN(results[i], canonical, bits);                                                \
        }                                                                                          \
    }
DEFINE_CHECK(f32, float, uint32_t, float_of, check_nan32)
DEFINE_CHECK(f64, double, uint64_t, double_of, check_nan64)
/* clang-format on */

TEST(arithmetic_with_a_nan_gives_one_of_webassembly)
{
    for (int i = 0; i < NANS; i++) {
        check_arithmetic_f32(nans32[i], i < CANONICAL);
        check_arithmetic_f64(nans64[i], i < CANONICAL);
        check_nan64(iso_f64_promote(float_of(nans32[i])), i < CANONICAL, nans32[i]);
        check_nan32(iso_f32_demote(double_of(nans64[i])), i < CANONICAL, (uint32_t)nans64[i]);
    }
}

TEST(what_has_no_value_is_the_canonical_nan)
{
    const float zero = float_of(0), infinite = float_of(0x7f800000u), minus = float_of(0xbf800000u);
    check_nan32(iso_f32_result(zero / zero), true, 0);
    check_nan32(iso_f32_result(infinite - infinite), true, 0x7f800000u);
    check_nan32(iso_f32_result(zero * infinite), true, 0x7f800000u);
    check_nan32(iso_f32_sqrt(minus), true, 0xbf800000u);
    const double none = double_of(0), all = double_of(0x7ff0000000000000u);
    check_nan64(iso_f64_result(none / none), true, 0);
    check_nan64(iso_f64_result(all - all), true, 0x7ff0000000000000u);
    check_nan64(iso_f64_result(none * all), true, 0x7ff0000000000000u);
    check_nan64(iso_f64_sqrt(double_of(0xbff0000000000000u)), true, 0xbff0000000000000u);
}

TEST(moves_and_signs_keep_the_bits_of_a_nan)
{
    for (int i = 0; i < NANS; i++) {
        const float x = float_of(nans32[i]);
        CHECK_EQ_U64(iso_f32_bits(x), nans32[i]);
        CHECK_EQ_U64(iso_f32_bits(iso_f32_neg(x)), nans32[i] ^ 0x80000000u);
        CHECK_EQ_U64(iso_f32_bits(iso_f32_abs(x)), nans32[i] & 0x7fffffffu);
        CHECK_EQ_U64(iso_f32_bits(iso_f32_copysign(x, float_of(0x80000000u))),
                     nans32[i] | 0x80000000u);
        const double y = double_of(nans64[i]);
        CHECK_EQ_U64(iso_f64_bits(y), nans64[i]);
        CHECK_EQ_U64(iso_f64_bits(iso_f64_neg(y)), nans64[i] ^ 0x8000000000000000u);
        CHECK_EQ_U64(iso_f64_bits(iso_f64_abs(y)), nans64[i] & 0x7fffffffffffffffu);
        CHECK_EQ_U64(iso_f64_bits(iso_f64_copysign(y, double_of(0x8000000000000000u))),
                     nans64[i] | 0x8000000000000000u);
    }
}

TEST(a_nan_is_no_integer_and_saturates_to_zero)
{
    for (int i = 0; i < NANS; i++) {
        const float x = float_of(nans32[i]);
        const double y = double_of(nans64[i]);
        CHECK(!iso_trunc_ok_i32_f32_s(x) && !iso_trunc_ok_i64_f32_u(x));
        CHECK(!iso_trunc_ok_i32_f64_u(y) && !iso_trunc_ok_i64_f64_s(y));
        CHECK_EQ_U64(iso_trunc_sat_i32_f32_s(x), 0);
        CHECK_EQ_U64(iso_trunc_sat_i32_f32_u(x), 0);
        CHECK_EQ_U64(iso_trunc_sat_i64_f64_s(y), 0);
        CHECK_EQ_U64(iso_trunc_sat_i64_f64_u(y), 0);
    }
}
