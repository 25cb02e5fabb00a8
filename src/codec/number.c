/* Decimal numbers as JSON writes them: the grammar (RFC 8259, section 6) and whole numbers. */
#include "codec/number.h"

#define EXPONENT_MAX (INT64_C(1) << 40)

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t scan_digits(struct iso_str text, size_t at)
{
    while (at < text.len && is_digit(text.ptr[at])) {
        at++;
    }
    return at;
}

/* "e-5" at `at`; returns where it ends, `at` when it is none. */
static size_t scan_exponent(struct iso_str text, size_t at, int64_t *out)
{
    size_t digits = at + 1;
    bool negative = false;
    int64_t value = 0;
    if (digits < text.len && (text.ptr[digits] == '+' || text.ptr[digits] == '-')) {
        negative = text.ptr[digits] == '-';
        digits++;
    }
    size_t end = scan_digits(text, digits);
    if (end == digits) {
        return at;
    }
    for (size_t i = digits; i < end; i++) {
        value = value * 10 + (text.ptr[i] - '0');
        if (value > EXPONENT_MAX) {
            value = EXPONENT_MAX;
        }
    }
    *out = negative ? -value : value;
    return end;
}

size_t iso_decimal_scan(struct iso_str text, struct iso_decimal *out)
{
    size_t at = text.len != 0 && text.ptr[0] == '-' ? 1 : 0;
    *out = (struct iso_decimal){.negative = at == 1, .plain = true};
    size_t end = scan_digits(text, at);
    if (end == at) {
        return 0;
    }
    if (text.ptr[at] == '0') {
        end = at + 1; /* no leading zeros: what follows is no part of the number */
    }
    out->whole = iso_str_from(text.ptr + at, end - at);
    at = end;
    if (at < text.len && text.ptr[at] == '.') {
        end = scan_digits(text, at + 1);
        if (end == at + 1) {
            return 0;
        }
        out->fraction = iso_str_from(text.ptr + at + 1, end - at - 1);
        out->plain = false;
        at = end;
    }
    if (at < text.len && (text.ptr[at] == 'e' || text.ptr[at] == 'E')) {
        end = scan_exponent(text, at, &out->exponent);
        if (end == at) {
            return 0;
        }
        out->plain = false;
        at = end;
    }
    return at;
}

static char digit_at(const struct iso_decimal *decimal, size_t i)
{
    return i < decimal->whole.len ? decimal->whole.ptr[i]
                                  : decimal->fraction.ptr[i - decimal->whole.len];
}

bool iso_decimal_u64(const struct iso_decimal *decimal, uint64_t *out)
{
    size_t count = decimal->whole.len + decimal->fraction.len;
    size_t first = 0;
    while (first < count && digit_at(decimal, first) == '0') {
        first++;
    }
    if (first == count) {
        *out = 0;
        return true;
    }
    while (digit_at(decimal, count - 1) == '0') {
        count--;
    }
    /* The value is the digits from first to count, times ten to the power of `zeros`. */
    int64_t zeros = (int64_t)decimal->whole.len - (int64_t)count + decimal->exponent;
    if (zeros < 0 || count - first > 20 || zeros > 20) {
        return false;
    }
    uint64_t value = 0;
    for (size_t i = first; i < count + (size_t)zeros; i++) {
        uint64_t digit = i < count ? (uint64_t)(digit_at(decimal, i) - '0') : 0;
        if (value > (UINT64_MAX - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}
