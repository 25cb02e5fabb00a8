/* Decimal numbers: the grammar, whole numbers exactly, floats correctly rounded and printed short,
 * also where the locale writes a comma. */
#include "base/random_test_support.h"
#include "base/test.h"
#include "codec/number.h"

#include <locale.h>
#include <math.h>

static size_t scan(const char *text, struct iso_decimal *out)
{
    return iso_decimal_scan(iso_str_from_z(text), out);
}

TEST(numbers_end_where_the_grammar_says)
{
    static const struct {
        const char *text;
        size_t used;
    } rows[] = {{"0", 1},     {"-0", 2},   {"01", 1},     {"-01", 2},  {"12.50", 5}, {"1e5", 3},
                {"1E+05", 5}, {"1e-5", 4}, {"1.5e3x", 5}, {"1 2", 1},  {"", 0},      {"-", 0},
                {"+1", 0},    {".5", 0},   {"1.", 0},     {"1.e5", 0}, {"1e", 0},    {"1e+", 0},
                {"NaN", 0},   {"inf", 0},  {"0x10", 1},   {"--1", 0},  {"1.5.5", 3}, {"1_000", 1}};
    for (size_t i = 0; i < ISO_COUNT_OF(rows); i++) {
        struct iso_decimal decimal;
        if (scan(rows[i].text, &decimal) != rows[i].used) {
            TEST_FAIL("\"%s\": %zu", rows[i].text, scan(rows[i].text, &decimal));
        }
    }
}

TEST(whole_numbers_are_exact)
{
    static const struct {
        const char *text;
        bool whole;
        uint64_t value;
    } rows[] = {{"0", true, 0},
                {"0.000e99", true, 0},
                {"0e-99999999999999999999", true, 0},
                {"12.0", true, 12},
                {"1.2e1", true, 12},
                {"1200e-2", true, 12},
                {"1200e-3", false, 0},
                {"0.5", false, 0},
                {"5e-1", false, 0},
                {"18446744073709551615", true, UINT64_MAX},
                {"18446744073709551615.000", true, UINT64_MAX},
                {"1844674407370955161.5e1", true, UINT64_MAX},
                {"18446744073709551616", false, 0},
                {"1e19", true, UINT64_C(10000000000000000000)},
                {"1e20", false, 0},
                {"9007199254740993", true, 9007199254740993},
                {"1e99999999999999999999", false, 0},
                {"100000000000000000000000000e-26", true, 1},
                {"0.00000000000000000000000007e26", true, 7}};
    for (size_t i = 0; i < ISO_COUNT_OF(rows); i++) {
        struct iso_decimal decimal;
        uint64_t value = 0;
        CHECK_EQ_U64(scan(rows[i].text, &decimal), strlen(rows[i].text));
        if (iso_decimal_u64(&decimal, &value) != rows[i].whole || value != rows[i].value) {
            TEST_FAIL("%s: %llu", rows[i].text, (unsigned long long)value);
        }
    }
}

static double to_f64(const char *text)
{
    struct iso_decimal decimal;
    double value = 0;
    CHECK_EQ_U64(scan(text, &decimal), strlen(text));
    CHECK(iso_decimal_f64(&decimal, &value));
    return value;
}

static float to_f32(const char *text)
{
    struct iso_decimal decimal;
    float value = 0;
    CHECK_EQ_U64(scan(text, &decimal), strlen(text));
    CHECK(iso_decimal_f32(&decimal, &value));
    return value;
}

static void check_floats(void)
{
    char long_text[2000];
    struct iso_decimal decimal;
    double wide;
    float narrow;

    CHECK_EQ_F64(to_f64("0.1"), 0.1);
    CHECK_EQ_F64(to_f64("-0"), -0.0);
    CHECK_EQ_F64(to_f64("-0.0e5"), -0.0);
    CHECK_EQ_F64(to_f64("1.7976931348623157e308"), 1.7976931348623157e308);
    CHECK_EQ_F64(to_f64("4.9406564584124654e-324"), 4.9406564584124654e-324);
    CHECK_EQ_F64(to_f64("2e-324"), 0);
    CHECK_EQ_F64(to_f64("1e-99999999999999999999"), 0);
    CHECK_EQ_F64(to_f64("9007199254740993"), 9007199254740992.0);
    CHECK_EQ_F64(to_f64("9007199254740993.000000000000000000000000000001"), 9007199254740994.0);
    /* Between two floats, a little above the middle: rounding twice would go down. */
    CHECK_EQ_F64((double)to_f32("1.00000005960464477540"), 1.00000011920928955078125);
    CHECK_EQ_F64((double)to_f32("3.4028235e38"), 3.4028234663852886e38);
    CHECK_EQ_F64((double)to_f32("16777217"), 16777216.0);
    /* Too large for the type; just not. */
    CHECK(scan("1e309", &decimal) != 0 && !iso_decimal_f64(&decimal, &wide));
    CHECK(scan("1e99999999999999999999", &decimal) != 0 && !iso_decimal_f64(&decimal, &wide));
    CHECK(scan("3.4028236e38", &decimal) != 0 && !iso_decimal_f32(&decimal, &narrow));

    /* 2^53 + 1 is in the middle; a digit far behind decides. */
    size_t len = iso_format(long_text, sizeof long_text, "9007199254740993.");
    memset(long_text + len, '0', 1500);
    long_text[len + 1500] = '\0';
    CHECK_EQ_F64(to_f64(long_text), 9007199254740992.0);
    long_text[len + 1499] = '1';
    CHECK_EQ_F64(to_f64(long_text), 9007199254740994.0);
    /* Many digits before the point, and many zeros behind it. */
    memset(long_text, '0', sizeof long_text);
    memcpy(long_text, "1", 1);
    memcpy(long_text + 1500, "e-1499", 7);
    CHECK_EQ_F64(to_f64(long_text), 1.0);
    memset(long_text, '0', sizeof long_text);
    memcpy(long_text, "0.", 2);
    memcpy(long_text + 1500, "15e1500", 8);
    CHECK_EQ_F64(to_f64(long_text), 15.0);
}

static void check_printed(double value, const char *expected)
{
    char text[ISO_FLOAT_TEXT];
    size_t len = iso_print_f64(text, value);
    CHECK_EQ_U64(len, strlen(text));
    CHECK_STR(text, expected);
}

static void check_printed_f32(float value, const char *expected)
{
    char text[ISO_FLOAT_TEXT];
    size_t len = iso_print_f32(text, value);
    CHECK_EQ_U64(len, strlen(text));
    CHECK_STR(text, expected);
}

static void check_print(void)
{
    check_printed(0, "0");
    check_printed(-0.0, "-0");
    check_printed(1, "1");
    check_printed(-123456, "-123456");
    check_printed(0.1, "0.1");
    check_printed(0.1 + 0.2, "0.30000000000000004");
    check_printed(1e21, "1e+21");
    check_printed(123456789012345680.0, "1.2345678901234568e+17");
    check_printed(1.7976931348623157e308, "1.7976931348623157e+308");
    check_printed(4.9406564584124654e-324, "5e-324");
    check_printed(2.2250738585072014e-308, "2.2250738585072014e-308");
    check_printed(1e-310, "1e-310");
    check_printed_f32(0.1f, "0.1");
    check_printed_f32(16777216.0f, "16777216");
    check_printed_f32(3.4028234663852886e38f, "3.4028235e+38");
    check_printed_f32(1.401298464324817e-45f, "1e-45");
    check_printed_f32(-0.0f, "-0");
}

TEST(floats_are_rounded_correctly)
{
    check_floats();
}

TEST(floats_are_printed_short)
{
    check_print();
}

TEST(floats_do_not_depend_on_the_locale)
{
    static const char *const locales[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "nl_NL.UTF-8", "de_DE"};
    bool found = false;
    for (size_t i = 0; i < ISO_COUNT_OF(locales) && !found; i++) {
        found = setlocale(LC_NUMERIC, locales[i]) != NULL;
    }
    if (!found) {
        TEST_SKIP("no locale with a decimal comma is installed");
    }
    check_floats();
    check_print();
    (void)setlocale(LC_NUMERIC, "C");
}

TEST(random_floats_come_back_from_their_text)
{
    uint64_t state = ISO_TEST_RANDOM_START;
    for (unsigned i = 0; i < 100000; i++) {
        char text[ISO_FLOAT_TEXT];
        double value;
        float narrow;
        (void)iso_test_random(&state);
        memcpy(&value, &state, sizeof value);
        uint32_t bits = (uint32_t)(state >> 20);
        memcpy(&narrow, &bits, sizeof narrow);
        if (isfinite(value)) {
            (void)iso_print_f64(text, value);
            CHECK_EQ_F64(to_f64(text), value);
        }
        if (isfinite(narrow)) {
            (void)iso_print_f32(text, narrow);
            CHECK_EQ_F64((double)to_f32(text), (double)narrow);
        }
    }
}
