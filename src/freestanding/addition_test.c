/* Sums of doubles, and doubles from other numbers, are bit for bit what this processor gives. */
#include "freestanding/addition.h"

#include "base/random_test_support.h"
#include "base/test.h"

#define SIGN 0x8000000000000000u

static uint64_t next_random(void)
{
    static uint64_t state = ISO_TEST_RANDOM_START;
    return iso_test_random(&state);
}

static uint64_t bits_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static double from_bits(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* NaNs of two NaNs, and their signs, are the processor's choice; that they are quiet is not. */
static void check_same(uint64_t got, double expected, const char *what, uint64_t x, uint64_t y)
{
    bool right = expected != expected ? (got & 0x7ff8000000000000u) == 0x7ff8000000000000u
                                      : got == bits_of(expected);
    if (!right) {
        TEST_FAIL("%s of %016llx and %016llx: %016llx instead of %016llx", what,
                  (unsigned long long)x, (unsigned long long)y, (unsigned long long)got,
                  (unsigned long long)bits_of(expected));
    }
}

static void check_sum(uint64_t x, uint64_t y)
{
    check_same(iso_soft_add_f64(x, y), from_bits(x) + from_bits(y), "sum", x, y);
    check_same(iso_soft_add_f64(x, y ^ SIGN), from_bits(x) - from_bits(y), "difference", x, y);
}

TEST(every_distance_of_exponents)
{
    static const uint64_t fractions[] = {
        0,          1,          2,          0x8000000000000, 0xfffffffffffff, 0xffffffffffffe,
        0x80000000, 0x7fffffff, 0x80000001, 0x7ffffffffffff};
    for (uint64_t high = 0; high < 2048; high += high < 140 || high >= 1950 ? 1 : 97) {
        for (uint64_t distance = 0; distance <= 70 && distance <= high; distance++) {
            for (size_t i = 0; i < ISO_COUNT_OF(fractions); i++) {
                for (size_t j = 0; j < ISO_COUNT_OF(fractions); j++) {
                    uint64_t x = high << 52 | fractions[i];
                    uint64_t y = (high - distance) << 52 | fractions[j];
                    check_sum(x, y);
                    check_sum(y ^ SIGN, x);
                }
            }
        }
    }
}

TEST(random_sums)
{
    for (int i = 0; i < 2000000; i++) {
        uint64_t x = next_random();
        uint64_t y = next_random();
        check_sum(x, y);
        /* Near each other, where digits are lost and carried. */
        uint64_t near = ((x >> 52 & 2047) + (y >> 52) % 120 - 60) & 2047;
        check_sum(x, near << 52 | (y & 0x800fffffffffffffu));
    }
}

/* The sum that gcc 12's library for ARM rounds wrongly: exponents 33 apart, the larger one lost. */
TEST(differences_that_lose_the_largest_bit)
{
    CHECK_EQ_U64(iso_soft_add_f64(0x3dcfc3d0ac6d8bd7, 0xbfd0000000000000), 0xbfcfffffffe03c2f);
    for (uint64_t distance = 1; distance < 60; distance++) {
        for (int i = 0; i < 10000; i++) {
            uint64_t small = ((1023 - distance) << 52) | (next_random() & 0xfffffffffffff);
            check_sum(0x3ff0000000000000 | (unsigned)(i & 3), small ^ SIGN);
        }
    }
}

TEST(integers_become_doubles)
{
    for (unsigned bit = 0; bit < 64; bit++) {
        for (int i = 0; i < 10000; i++) {
            uint64_t x = (next_random() >> bit) + (i & 1 ? 0 : (uint64_t)1 << bit);
            x = i % 3 == 0 ? x & ~((uint64_t)1 << (bit / 2)) : x;
            check_same(iso_soft_f64_from_u64(x), (double)x, "unsigned", x, 0);
            check_same(iso_soft_f64_from_i64((int64_t)x), (double)(int64_t)x, "signed", x, 0);
            check_same(iso_soft_f64_from_i64(-(int64_t)(x >> 1)), (double)-(int64_t)(x >> 1),
                       "negative", x, 0);
        }
    }
    CHECK_EQ_U64(iso_soft_f64_from_u64(0), 0);
    CHECK_EQ_U64(iso_soft_f64_from_i64(INT64_MIN), 0xc3e0000000000000);
    CHECK_EQ_U64(iso_soft_f64_from_u64(UINT64_MAX), 0x43f0000000000000);
}

TEST(floats_become_doubles)
{
    for (uint64_t high = 0; high < 512; high++) {
        for (int i = 0; i < 1000; i++) {
            uint32_t bits = (uint32_t)(high << 23 | (next_random() & 0x7fffff) >> i % 24);
            float x;
            memcpy(&x, &bits, sizeof x);
            check_same(iso_soft_f64_from_f32(bits), (double)x, "float", bits, 0);
        }
    }
}

TEST(nans_are_quiet_and_keep_their_payloads)
{
    CHECK_EQ_U64(iso_soft_add_f64(0x7ff0000000000005, 0x3ff0000000000000), 0x7ff8000000000005);
    CHECK_EQ_U64(iso_soft_add_f64(0x3ff0000000000000, 0xfff8000000000000), 0xfff8000000000000);
    CHECK_EQ_U64(iso_soft_add_f64(0x7ff0000000000000, 0xfff0000000000000), 0x7ff8000000000000);
    CHECK_EQ_U64(iso_soft_f64_from_f32(0x7f800001), 0x7ff8000020000000);
}
