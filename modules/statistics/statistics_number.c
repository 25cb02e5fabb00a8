/* statistics_number.c - see statistics_number.h. */
#include "statistics_number.h"

#include <stdint.h>

#define MANTISSA_LIMIT UINT64_C(1000000000000000000)
#define EXPONENT_LIMIT 10000

struct decimal {
    uint64_t mantissa;
    int exponent;
    bool any; /* a digit was there */
};

static void take_digit(struct decimal *decimal, char c, bool fraction)
{
    decimal->any = true;
    if (decimal->mantissa < MANTISSA_LIMIT) {
        decimal->mantissa = decimal->mantissa * 10 + (uint64_t)(c - '0');
        decimal->exponent -= fraction;
    } else if (!fraction && decimal->exponent < EXPONENT_LIMIT) {
        decimal->exponent++;
    }
}

static bool is_digit(const char *at, const char *end)
{
    return at < end && *at >= '0' && *at <= '9';
}

/* The exponent behind "e", if there is one; false when it has no digits. */
static bool take_exponent(const char **at, const char *end, struct decimal *decimal)
{
    if (*at == end || (**at != 'e' && **at != 'E')) {
        return true;
    }
    ++*at;
    bool negative = *at < end && **at == '-';
    *at += *at < end && (**at == '-' || **at == '+');
    if (!is_digit(*at, end)) {
        return false;
    }
    int exponent = 0;
    for (; is_digit(*at, end); ++*at) {
        exponent = exponent < EXPONENT_LIMIT ? exponent * 10 + (**at - '0') : exponent;
    }
    decimal->exponent += negative ? -exponent : exponent;
    return true;
}

static double power_of_ten(unsigned exponent)
{
    double power = 1, square = 10;
    for (; exponent != 0; exponent >>= 1) {
        power *= (exponent & 1) != 0 ? square : 1;
        square *= square;
    }
    return power;
}

static double value_of(const struct decimal *decimal)
{
    double value = (double)decimal->mantissa;
    int exponent = decimal->exponent;
    if (value == 0) {
        return value;
    }
    /* In steps, for a power beyond 1e308 is infinite where the product need not be. */
    for (; exponent < 0; exponent += 200) {
        value /= power_of_ten(exponent < -200 ? 200 : (unsigned)-exponent);
        if (exponent >= -200 || value == 0) {
            return value;
        }
    }
    for (; exponent > 200 && value < 1e308; exponent -= 200) {
        value *= power_of_ten(200);
    }
    return value * power_of_ten(exponent > 200 ? 200 : (unsigned)exponent);
}

bool statistics_number_read(const char *text, size_t len, double *out)
{
    const char *at = text, *end = text + len;
    struct decimal decimal = {.mantissa = 0};
    while (at < end && *at == ' ') {
        at++;
    }
    bool negative = at < end && *at == '-';
    at += at < end && (*at == '-' || *at == '+');
    for (; is_digit(at, end); at++) {
        take_digit(&decimal, *at, false);
    }
    if (at < end && *at == '.') {
        for (at++; is_digit(at, end); at++) {
            take_digit(&decimal, *at, true);
        }
    }
    if (!decimal.any || !take_exponent(&at, end, &decimal)) {
        return false;
    }
    while (at < end && *at == ' ') {
        at++;
    }
    if (at != end) {
        return false;
    }
    double value = value_of(&decimal);
    *out = negative ? -value : value;
    return true;
}
