/* Floats to and from decimal text over the C library, whatever the locale. A freestanding build
 * brings its own. */
#include "codec/number.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

/* The midpoint of two neighbouring doubles has at most 767 significant digits. With more digits
 * than that, all that matters of the rest is whether it is zero. */
#define DIGITS_KEPT 800u
#define NUMBER_TEXT (DIGITS_KEPT + 32u)

/* Writes the number as digits and an exponent, without a point, which is what locales differ in. */
static void to_plain_text(const struct iso_decimal *decimal, char out[NUMBER_TEXT])
{
    const struct iso_str parts[2] = {decimal->whole, decimal->fraction};
    size_t len = 0;
    int64_t exponent = decimal->exponent - (int64_t)decimal->fraction.len;
    bool rest = false;

    if (decimal->negative) {
        out[len++] = '-';
    }
    size_t start = len;
    for (size_t p = 0; p < 2; p++) {
        for (size_t i = 0; i < parts[p].len; i++) {
            char digit = parts[p].ptr[i];
            if (len - start == DIGITS_KEPT) {
                rest = rest || digit != '0';
                exponent++;
            } else if (len != start || digit != '0') {
                out[len++] = digit;
            }
        }
    }
    if (len == start) {
        out[len++] = '0';
    }
    if (rest) {
        out[len++] = '1';
        exponent--;
    }
    /* Beyond these it is zero or infinite, however many digits there are. */
    exponent = exponent > 9999 ? 9999 : exponent < -9999 ? -9999 : exponent;
    (void)iso_format(out + len, NUMBER_TEXT - len, "e%d", (int)exponent);
}

bool iso_decimal_f64(const struct iso_decimal *decimal, double *out)
{
    char text[NUMBER_TEXT];
    to_plain_text(decimal, text);
    double value = strtod(text, NULL);
    if (isinf(value)) {
        return false;
    }
    *out = value;
    return true;
}

bool iso_decimal_f32(const struct iso_decimal *decimal, float *out)
{
    char text[NUMBER_TEXT];
    to_plain_text(decimal, text);
    /* Not by way of a double: that would round twice. */
    float value = strtof(text, NULL);
    if (isinf(value)) {
        return false;
    }
    *out = value;
    return true;
}

/* Replaces the locale's decimal point, which may be several bytes, by a point. */
static size_t use_point(char *text, size_t len)
{
    size_t to = 0;
    for (size_t i = 0; i < len; i++) {
        bool plain = (text[i] >= '0' && text[i] <= '9') || text[i] == '-' || text[i] == '+' ||
                     text[i] == 'e';
        if (plain) {
            text[to++] = text[i];
        } else if (to == 0 || text[to - 1] != '.') {
            text[to++] = '.';
        }
    }
    text[to] = '\0';
    return to;
}

/* Whole numbers of few digits are common and quick. -0 is not among them. */
static size_t print_whole(char out[ISO_FLOAT_TEXT], double value)
{
    if (!(fabs(value) < 1e15) || value != (double)(int64_t)value ||
        (value == 0 && signbit(value))) {
        return 0;
    }
    return iso_format(out, ISO_FLOAT_TEXT, "%lld", (long long)value);
}

size_t iso_print_f64(char out[ISO_FLOAT_TEXT], double value)
{
    size_t len = print_whole(out, value);
    /* Every decimal of 15 digits is told apart by a normal double, so fewer need not be tried: %g
     * drops zeros at the end. Of the numbers below, some have a single digit's precision. */
    int digits = fabs(value) < DBL_MIN ? 1 : DBL_DIG;
    for (; len == 0; digits++) {
        size_t tried = iso_format(out, ISO_FLOAT_TEXT, "%.*g", digits, value);
        if (digits >= DBL_DIG + 2 || strtod(out, NULL) == value) {
            len = use_point(out, tried);
        }
    }
    return len;
}

size_t iso_print_f32(char out[ISO_FLOAT_TEXT], float value)
{
    size_t len = print_whole(out, (double)value);
    int digits = fabsf(value) < FLT_MIN ? 1 : FLT_DIG;
    for (; len == 0; digits++) {
        size_t tried = iso_format(out, ISO_FLOAT_TEXT, "%.*g", digits, (double)value);
        if (digits >= FLT_DIG + 3 || strtof(out, NULL) == value) {
            len = use_point(out, tried);
        }
    }
    return len;
}
