/* Sizes, durations and counts as people write them. */
#include "platform/platform.h"

#include <inttypes.h>

struct unit {
    const char *name; /* lower case */
    uint64_t factor;
};

static const struct unit size_units[] = {
    {"", 1},
    {"b", 1},
    {"k", UINT64_C(1) << 10},
    {"m", UINT64_C(1) << 20},
    {"g", UINT64_C(1) << 30},
    {"t", UINT64_C(1) << 40},
    {"kib", UINT64_C(1) << 10},
    {"mib", UINT64_C(1) << 20},
    {"gib", UINT64_C(1) << 30},
    {"tib", UINT64_C(1) << 40},
    {"kb", 1000},
    {"mb", 1000000},
    {"gb", 1000000000},
    {"tb", UINT64_C(1000000000000)},
};

static const struct unit duration_units[] = {
    {"ns", 1},
    {"us", 1000},
    {"ms", 1000000},
    {"s", 1000000000},
    {"m", UINT64_C(60) * 1000000000},
    {"min", UINT64_C(60) * 1000000000},
    {"h", UINT64_C(3600) * 1000000000},
    {"d", UINT64_C(86400) * 1000000000},
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Compares without regard to case; name is in lower case. */
static bool unit_is(const char *text, const char *name)
{
    size_t i = 0;
    while (text[i] != '\0' && lower(text[i]) == name[i]) {
        i++;
    }
    return text[i] == '\0' && name[i] == '\0';
}

static const struct unit *find_unit(const struct unit *units, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++) {
        if (unit_is(text, units[i].name)) {
            return &units[i];
        }
    }
    return NULL;
}

/* value = value * base + digit unless that overflows. */
static bool add_digit(uint64_t *value, unsigned base, unsigned digit)
{
    if (*value > (UINT64_MAX - digit) / base) {
        return false;
    }
    *value = *value * base + digit;
    return true;
}

/* The digits at *text, which moves past all of them; false on overflow. */
static bool take_digits(const char **text, uint64_t *value)
{
    bool fits = true;
    *value = 0;
    for (; is_digit(**text); ++*text) {
        fits = fits && add_digit(value, 10, (unsigned)(**text - '0'));
    }
    return fits;
}

enum iso_err iso_parse_size(const char *text, uint64_t *bytes_out, struct iso_report *report)
{
    const char *rest = text;
    uint64_t value;
    if (!is_digit(*rest)) {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "'%s' is not a size; write a whole number and a unit, such as 64MiB", text);
    }
    bool fits = take_digits(&rest, &value);
    const struct unit *unit = find_unit(size_units, ISO_COUNT_OF(size_units), rest);
    if (!fits) {
        return iso_fail(report, ISO_E_LIMIT, "'%s' is too large for a size", text);
    }
    if (unit == NULL && *rest == '.') {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "'%s' has a fraction; write a whole number of a smaller unit", text);
    }
    if (unit == NULL) {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "'%s' ends in '%s', which is no unit of size; there are B, KiB, MiB, GiB, "
                        "TiB, kB, MB, GB, TB",
                        text, rest);
    }
    if (value > UINT64_MAX / unit->factor) {
        return iso_fail(report, ISO_E_LIMIT, "'%s' is too large for a size", text);
    }
    *bytes_out = value * unit->factor;
    return ISO_OK;
}

enum iso_err iso_parse_limit(const char *text, uint64_t *bytes_out, struct iso_report *report)
{
    uint64_t bytes;
    enum iso_err err = iso_parse_size(text, &bytes, report);
    if (err == ISO_OK && bytes == 0) {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "nothing fits into 0 bytes; leave it out for the default");
    }
    if (err == ISO_OK) {
        *bytes_out = bytes;
    }
    return err;
}

/* The digits after a point, as nanoseconds of a second: "5" is 500000000. False when there are none
 * or more than nine. */
static bool take_fraction(const char **text, uint64_t *billionths)
{
    uint64_t value = 0, scale = 1000000000;
    while (is_digit(**text)) {
        if (scale == 1) {
            return false;
        }
        scale /= 10;
        value += (uint64_t)(**text - '0') * scale;
        ++*text;
    }
    *billionths = value;
    return scale != 1000000000;
}

static enum iso_err fail_duration(const char *text, struct iso_report *report)
{
    return iso_fail(
        report, ISO_E_ARGUMENT,
        "'%s' is not a duration; write a number and a unit, such as 500ms, 1.5s, 2m, 1h", text);
}

enum iso_err iso_parse_duration(const char *text, uint64_t *ns_out, struct iso_report *report)
{
    const char *rest = text;
    uint64_t whole, billionths = 0;
    if (!is_digit(*rest)) {
        return fail_duration(text, report);
    }
    bool fits = take_digits(&rest, &whole);
    if (*rest == '.') {
        ++rest;
        if (!take_fraction(&rest, &billionths)) {
            return fail_duration(text, report);
        }
    }
    const struct unit *unit = find_unit(duration_units, ISO_COUNT_OF(duration_units), rest);
    if (unit == NULL && *rest == '\0') {
        return iso_fail(report, ISO_E_ARGUMENT, "'%s' has no unit; did you mean %ss or %sms?", text,
                        text, text);
    }
    if (unit == NULL) {
        return iso_fail(
            report, ISO_E_ARGUMENT,
            "'%s' ends in '%s', which is no unit of time; there are ns, us, ms, s, m, h, d", text,
            rest);
    }
    if (!fits || whole > INT64_MAX / unit->factor) {
        return iso_fail(report, ISO_E_LIMIT, "'%s' is too long; at most 292 years fit", text);
    }
    /* factor / 1e9 for units of seconds and more, which divide evenly; smaller ones fit in 64 bits.
     */
    uint64_t part = unit->factor >= 1000000000 ? billionths * (unit->factor / 1000000000)
                                               : billionths * unit->factor / 1000000000;
    if (part > INT64_MAX - whole * unit->factor) {
        return iso_fail(report, ISO_E_LIMIT, "'%s' is too long; at most 292 years fit", text);
    }
    *ns_out = whole * unit->factor + part;
    return ISO_OK;
}

/* The value of a digit in base 16; 16 for anything else. */
static unsigned hex_digit(char c)
{
    if (is_digit(c)) {
        return (unsigned)(c - '0');
    }
    c = lower(c);
    return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 16;
}

enum iso_err iso_parse_count(const char *text, uint64_t max, uint64_t *out,
                             struct iso_report *report)
{
    const char *rest = text;
    unsigned base = 10;
    if (rest[0] == '0' && (rest[1] == 'x' || rest[1] == 'X')) {
        base = 16;
        rest += 2;
    }
    uint64_t value = 0;
    bool fits = true, after_digit = false;
    for (; *rest != '\0'; rest++) {
        if (*rest == '_' && after_digit && hex_digit(rest[1]) < base) {
            continue;
        }
        unsigned digit = hex_digit(*rest);
        if (digit >= base) {
            after_digit = false;
            break;
        }
        after_digit = true;
        fits = fits && add_digit(&value, base, digit);
    }
    if (!after_digit) {
        return iso_fail(report, ISO_E_ARGUMENT, "'%s' is not a whole number", text);
    }
    if (!fits || value > max) {
        return iso_fail(report, ISO_E_LIMIT, "'%s' is too large; at most %" PRIu64 " is possible",
                        text, max);
    }
    *out = value;
    return ISO_OK;
}

size_t iso_format_size(char out[32], uint64_t bytes)
{
    static const char *const names[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    unsigned unit = 0;
    uint64_t rest = 0; /* what the divisions left, in 1024ths of the unit */
    while (bytes >= 1024) {
        rest = bytes % 1024;
        bytes /= 1024;
        unit++;
    }
    uint64_t tenth = rest * 10 / 1024;
    if (tenth != 0) {
        return iso_format(out, 32, "%" PRIu64 ".%" PRIu64 " %s", bytes, tenth, names[unit]);
    }
    return iso_format(out, 32, "%" PRIu64 " %s", bytes, names[unit]);
}

size_t iso_format_duration(char out[32], uint64_t ns)
{
    static const struct {
        uint64_t ns;
        const char *unit;
    } units[] = {{UINT64_C(3600000000000), "h"}, {UINT64_C(60000000000), "min"},
                 {UINT64_C(1000000000), "s"},    {UINT64_C(1000000), "ms"},
                 {UINT64_C(1000), "us"},         {1, "ns"}};
    size_t i = ns == 0 ? 2 : 0; /* "0s" */
    while (i + 1 < ISO_COUNT_OF(units) && ns % units[i].ns != 0) {
        i++;
    }
    return iso_format(out, 32, "%" PRIu64 "%s", ns / units[i].ns, units[i].unit);
}
