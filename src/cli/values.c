/* WebAssembly values as text. Notation: WebAssembly Core Specification 6.3 (values), reduced. */
#include "cli/values.h"

#include "platform/platform.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define F32_QUIET UINT32_C(0x00400000)
#define F64_QUIET UINT64_C(0x0008000000000000)
#define F32_FRACTION UINT32_C(0x007fffff)
#define F64_FRACTION UINT64_C(0x000fffffffffffff)
#define F32_EXPONENT UINT32_C(0x7f800000)
#define F64_EXPONENT UINT64_C(0x7ff0000000000000)

/* A sign and a magnitude; the value in two's complement, unless it is outside -2^(bits-1) to
 * 2^bits - 1. */
static enum iso_err parse_int(const char *text, unsigned bits, uint64_t *out,
                              struct iso_report *report)
{
    bool negative = text[0] == '-';
    const char *digits = text + (negative || text[0] == '+' ? 1 : 0);
    uint64_t all = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
    uint64_t most = negative ? UINT64_C(1) << (bits - 1) : all;
    uint64_t value;
    enum iso_err err = iso_parse_count(digits, most, &value, NULL);
    if (err == ISO_E_LIMIT) {
        return iso_fail(report, err, "'%s' is out of range for i%u", text, bits);
    }
    if (err != ISO_OK) {
        return iso_fail(report, err,
                        "'%s' is not an i%u; write a whole number such as 42, -1, 0xff", text,
                        bits);
    }
    *out = (negative ? UINT64_C(0) - value : value) & all;
    return ISO_OK;
}

/* "nan" or "nan:0xPAYLOAD": the bits of the fraction. False when it is neither. */
static bool parse_nan(const char *text, uint64_t quiet, uint64_t most, uint64_t *fraction)
{
    if (strncmp(text, "nan", 3) != 0) {
        return false;
    }
    if (text[3] == '\0') {
        *fraction = quiet;
        return true;
    }
    return strncmp(text + 3, ":0x", 3) == 0 &&
           iso_parse_count(text + 4, most, fraction, NULL) == ISO_OK && *fraction != 0;
}

/* What may stand in a number that strtod reads: it would also take "infinity", "nan(...)", spaces.
 */
static bool is_number(const char *text)
{
    bool is_hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    size_t len = strspn(text, is_hex ? "0123456789abcdefABCDEFxX.pP+-" : "0123456789.eE+-");
    return text[0] != '\0' && text[len] == '\0' && text[0] != '+' && text[0] != '-';
}

static enum iso_err fail_float(const char *text, const char *type, struct iso_report *report)
{
    return iso_fail(report, ISO_E_ARGUMENT,
                    "'%s' is not an %s; write a number such as 1.5, -2e10, 0x1p-3, inf or nan",
                    text, type);
}

static enum iso_err parse_f32(const char *text, uint32_t *bits, struct iso_report *report)
{
    uint32_t sign = text[0] == '-' ? UINT32_C(1) << 31 : 0;
    const char *rest = text + (text[0] == '-' || text[0] == '+' ? 1 : 0);
    uint64_t fraction;
    if (parse_nan(rest, F32_QUIET, F32_FRACTION, &fraction)) {
        *bits = sign | F32_EXPONENT | (uint32_t)fraction;
        return ISO_OK;
    }
    if (strcmp(rest, "inf") == 0) {
        *bits = sign | F32_EXPONENT;
        return ISO_OK;
    }
    if (!is_number(rest)) {
        return fail_float(text, "f32", report);
    }
    char *end;
    float value = strtof(rest, &end);
    uint32_t magnitude;
    memcpy(&magnitude, &value, sizeof magnitude);
    if (*end != '\0') {
        return fail_float(text, "f32", report);
    }
    if (magnitude == F32_EXPONENT) {
        return iso_fail(report, ISO_E_LIMIT, "'%s' is out of range for f32; inf is the infinity",
                        text);
    }
    *bits = sign | magnitude;
    return ISO_OK;
}

static enum iso_err parse_f64(const char *text, uint64_t *bits, struct iso_report *report)
{
    uint64_t sign = text[0] == '-' ? UINT64_C(1) << 63 : 0;
    const char *rest = text + (text[0] == '-' || text[0] == '+' ? 1 : 0);
    uint64_t fraction;
    if (parse_nan(rest, F64_QUIET, F64_FRACTION, &fraction)) {
        *bits = sign | F64_EXPONENT | fraction;
        return ISO_OK;
    }
    if (strcmp(rest, "inf") == 0) {
        *bits = sign | F64_EXPONENT;
        return ISO_OK;
    }
    if (!is_number(rest)) {
        return fail_float(text, "f64", report);
    }
    char *end;
    double value = strtod(rest, &end);
    uint64_t magnitude;
    memcpy(&magnitude, &value, sizeof magnitude);
    if (*end != '\0') {
        return fail_float(text, "f64", report);
    }
    if (magnitude == F64_EXPONENT) {
        return iso_fail(report, ISO_E_LIMIT, "'%s' is out of range for f64; inf is the infinity",
                        text);
    }
    *bits = sign | magnitude;
    return ISO_OK;
}

static enum iso_err parse_v128(const char *text, union iso_slot *slots, struct iso_report *report)
{
    size_t len = strlen(text);
    if (len < 3 || len > 34 || text[0] != '0' || text[1] != 'x' ||
        strspn(text + 2, "0123456789abcdefABCDEF") != len - 2) {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "'%s' is not a v128; write 0x and 1 to 32 hexadecimal digits", text);
    }
    uint8_t bytes[16] = {0};
    for (size_t i = 0; i < len - 2; i++) {
        char digit[2] = {text[len - 1 - i], '\0'};
        unsigned value = (unsigned)strtoul(digit, NULL, 16);
        bytes[i / 2] = (uint8_t)(bytes[i / 2] | value << (i % 2 * 4));
    }
    memcpy(slots[0].bytes, bytes, 8);
    memcpy(slots[1].bytes, bytes + 8, 8);
    return ISO_OK;
}

enum iso_err iso_cli_value_parse(enum iso_type type, const char *text, union iso_slot *slots,
                                 struct iso_report *report)
{
    uint64_t bits = 0;
    uint32_t bits32 = 0;
    enum iso_err err = ISO_OK;
    switch (type) {
    case ISO_TYPE_I32:
        err = parse_int(text, 32, &bits, report);
        slots->u32 = (uint32_t)bits;
        return err;
    case ISO_TYPE_I64:
        err = parse_int(text, 64, &bits, report);
        slots->u64 = bits;
        return err;
    case ISO_TYPE_F32:
        err = parse_f32(text, &bits32, report);
        slots->u32 = bits32;
        return err;
    case ISO_TYPE_F64:
        err = parse_f64(text, &bits, report);
        slots->u64 = bits;
        return err;
    case ISO_TYPE_V128:
        return parse_v128(text, slots, report);
    case ISO_TYPE_FUNCREF:
    case ISO_TYPE_EXTERNREF:
        break;
    }
    if (strcmp(text, "null") != 0) {
        return iso_fail(report, ISO_E_ARGUMENT, "'%s' is not possible as %s; only null is", text,
                        iso_type_name(type));
    }
    slots->ref = 0;
    return ISO_OK;
}

/* NaN as "nan", with its payload when it is not the usual one. */
static size_t format_nan(bool negative, uint64_t fraction, uint64_t quiet, char *out)
{
    const char *sign = negative ? "-" : "";
    if (fraction == quiet) {
        return iso_format(out, ISO_CLI_VALUE_TEXT_MAX, "%snan", sign);
    }
    return iso_format(out, ISO_CLI_VALUE_TEXT_MAX, "%snan:0x%" PRIx64, sign, fraction);
}

static size_t format_f32(const union iso_slot *slot, char *out)
{
    uint32_t fraction = slot->u32 & F32_FRACTION;
    if ((slot->u32 & F32_EXPONENT) == F32_EXPONENT) {
        bool negative = slot->u32 >> 31 != 0;
        return fraction != 0 ? format_nan(negative, fraction, F32_QUIET, out)
                             : iso_format(out, ISO_CLI_VALUE_TEXT_MAX, negative ? "-inf" : "inf");
    }
    /* Nine digits always suffice for a float. */
    size_t len = 0;
    for (int digits = 6; digits <= 9; digits++) {
        len = iso_format(out, ISO_CLI_VALUE_TEXT_MAX, "%.*g", digits, (double)slot->f32);
        union iso_slot back = {.f32 = strtof(out, NULL)};
        if (back.u32 == slot->u32) {
            break;
        }
    }
    return len;
}

static size_t format_f64(const union iso_slot *slot, char *out)
{
    uint64_t fraction = slot->u64 & F64_FRACTION;
    if ((slot->u64 & F64_EXPONENT) == F64_EXPONENT) {
        bool negative = slot->u64 >> 63 != 0;
        return fraction != 0 ? format_nan(negative, fraction, F64_QUIET, out)
                             : iso_format(out, ISO_CLI_VALUE_TEXT_MAX, negative ? "-inf" : "inf");
    }
    char text[32];
    (void)iso_format_f64(text, slot->f64);
    return iso_format(out, ISO_CLI_VALUE_TEXT_MAX, "%s", text);
}

size_t iso_cli_value_format(enum iso_type type, const union iso_slot *slots,
                            char out[ISO_CLI_VALUE_TEXT_MAX])
{
    switch (type) {
    case ISO_TYPE_I32:
        return iso_format(out, ISO_CLI_VALUE_TEXT_MAX, "%" PRId32, slots->i32);
    case ISO_TYPE_I64:
        return iso_format(out, ISO_CLI_VALUE_TEXT_MAX, "%" PRId64, slots->i64);
    case ISO_TYPE_F32:
        return format_f32(slots, out);
    case ISO_TYPE_F64:
        return format_f64(slots, out);
    case ISO_TYPE_V128:
        return iso_format(out, ISO_CLI_VALUE_TEXT_MAX, "0x%016" PRIx64 "%016" PRIx64,
                          iso_load_u64le(slots[1].bytes), iso_load_u64le(slots[0].bytes));
    case ISO_TYPE_FUNCREF:
    case ISO_TYPE_EXTERNREF:
        break;
    }
    return iso_format(out, ISO_CLI_VALUE_TEXT_MAX, slots->ref == 0 ? "null" : "ref");
}

/* Appends to out at *len; what does not fit is cut. */
static void append_text(char *out, size_t cap, size_t *len, const char *text)
{
    *len += iso_format(out + *len, cap - *len, "%s", text);
}

static void append_types(char *out, size_t cap, size_t *len, const uint8_t *types, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        append_text(out, cap, len, i == 0 ? "" : ", ");
        append_text(out, cap, len, iso_type_name((enum iso_type)types[i]));
    }
}

void iso_cli_func_type_format(const struct iso_func_type *type, char *out, size_t cap)
{
    size_t len = 0;
    append_text(out, cap, &len, "(");
    append_types(out, cap, &len, type->params, type->param_count);
    append_text(out, cap, &len, ") -> ");
    append_text(out, cap, &len, type->result_count == 1 ? "" : "(");
    append_types(out, cap, &len, type->results, type->result_count);
    append_text(out, cap, &len, type->result_count == 1 ? "" : ")");
}

void iso_cli_func_type_print(FILE *out, const struct iso_func_type *type)
{
    char text[512];
    iso_cli_func_type_format(type, text, sizeof text);
    fputs(text, out);
}
