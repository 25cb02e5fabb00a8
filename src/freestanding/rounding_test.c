/* Square root and rounding on bits give, bit for bit, what the C library of this machine gives. */
#include "freestanding/rounding.h"

#include "base/random_test_support.h"
#include "base/test.h"

#include <math.h>

static uint64_t next_random(void)
{
    static uint64_t state = ISO_TEST_RANDOM_START;
    return iso_test_random(&state);
}

/* Whatever the NaN, it is one. */
static void check_f64(double got, double expected, double x)
{
    if (!(isnan(got) && isnan(expected)) && memcmp(&got, &expected, sizeof got) != 0) {
        TEST_FAIL("of %a: %a instead of %a", x, got, expected);
    }
}

static void check_f32(float got, float expected, float x)
{
    check_f64((double)got, (double)expected, (double)x);
}

static void check_all_f64(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    check_f64(iso_soft_sqrt(x), sqrt(x), x);
    check_f64(iso_soft_ceil(x), ceil(x), x);
    check_f64(iso_soft_floor(x), floor(x), x);
    check_f64(iso_soft_trunc(x), trunc(x), x);
    check_f64(iso_soft_rint(x), rint(x), x);
}

static void check_all_f32(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    check_f32(iso_soft_sqrtf(x), sqrtf(x), x);
    check_f32(iso_soft_ceilf(x), ceilf(x), x);
    check_f32(iso_soft_floorf(x), floorf(x), x);
    check_f32(iso_soft_truncf(x), truncf(x), x);
    check_f32(iso_soft_rintf(x), rintf(x), x);
}

TEST(every_exponent_with_fractions_near_every_edge)
{
    for (uint64_t high = 0; high < 4096; high++) {
        for (unsigned bit = 0; bit < 52; bit++) {
            uint64_t bits = high << 52 | (uint64_t)1 << bit;
            check_all_f64(high << 52);
            check_all_f64(bits);
            check_all_f64(bits - 1);
            check_all_f64(bits | (((uint64_t)1 << bit) - 1));
            check_all_f64(high << 52 | (((uint64_t)1 << 52) - ((uint64_t)1 << bit)));
        }
    }
    for (uint32_t high = 0; high < 512; high++) {
        for (unsigned bit = 0; bit < 23; bit++) {
            uint32_t bits = high << 23 | (uint32_t)1 << bit;
            check_all_f32(high << 23);
            check_all_f32(bits);
            check_all_f32(bits - 1);
            check_all_f32(bits | (((uint32_t)1 << bit) - 1));
            check_all_f32(high << 23 | (((uint32_t)1 << 23) - ((uint32_t)1 << bit)));
        }
    }
}

TEST(halves_and_their_neighbours)
{
    for (int i = -3000; i <= 3000; i++) {
        double half = i / 2.0;
        uint64_t bits;
        memcpy(&bits, &half, sizeof bits);
        check_all_f64(bits - 1);
        check_all_f64(bits);
        check_all_f64(bits + 1);
    }
}

TEST(random_numbers)
{
    for (int i = 0; i < 500000; i++) {
        uint64_t bits = next_random();
        check_all_f64(bits);
        check_all_f32((uint32_t)(bits >> 20));
        /* And of the sizes at which there are fractions. */
        check_all_f64((bits & 0x800fffffffffffffu) | (1015 + (bits >> 52 & 63)) << 52);
        check_all_f32((uint32_t)((bits & 0x807fffffu) | (122 + (bits >> 40 & 31)) << 23));
    }
}

/* What distinguishes a quiet NaN differs between processors (MIPS has it the other way round): the
 * processor's own quotient of zeros is one. */
TEST(roots_of_nans_are_quiet)
{
    const uint64_t mask = 0x7ff8000000000000;
    volatile double zero = 0.0;
    double quiet = zero / zero;
    uint64_t quiet_bits;
    memcpy(&quiet_bits, &quiet, sizeof quiet);
    static const uint64_t nans[] = {0x7ff0000000000001, 0xfff0000000000001, 0x7ff7ffffffffffff,
                                    0x7ff8000000000000, 0xfff8000000000000};
    for (size_t i = 0; i < ISO_COUNT_OF(nans); i++) {
        double x;
        uint64_t bits;
        memcpy(&x, &nans[i], sizeof x);
        x = iso_soft_sqrt(x);
        memcpy(&bits, &x, sizeof bits);
        CHECK_EQ_U64(bits & mask, quiet_bits & mask);
    }
}

TEST(roots_of_squares_are_exact)
{
    for (int i = 0; i < 300000; i++) {
        double x = (double)(next_random() >> 38);
        check_f64(iso_soft_sqrt(x * x), x, x * x);
    }
}
