/* Values to JSON (RFC 8259) under the mapping of docs/internals/codec.md: one line, no spaces.
 *
 * Not by way of base/json_writer.h, which is for documents: values nest deeper, and large ones
 * (base64) go to the buffer in one piece. */
#include "codec/codec.h"
#include "codec/number.h"
#include "codec/text.h"

#include <math.h>

/* Whole numbers up to here are exact in a double, and so are those next to them: whoever reads and
 * writes numbers as doubles keeps them. */
#define SAFE_INTEGER (UINT64_C(1) << 53)

/* The first error is kept; then nothing more is written. */
struct writer {
    struct iso_buf *out;
    enum iso_err err;
};

static void put(struct writer *w, const void *data, size_t len)
{
    if (w->err == ISO_OK) {
        w->err = iso_buf_append(w->out, data, len);
    }
}

static void put_z(struct writer *w, const char *text)
{
    put(w, text, strlen(text));
}

static void put_escape(struct writer *w, uint8_t byte)
{
    static const char names[] = "\b\t\n\f\r\"\\";
    static const char letters[] = "btnfr\"\\";
    const char *found = byte != 0 ? strchr(names, byte) : NULL;
    char text[8] = {'\\', '\0'};
    if (found != NULL) {
        text[1] = letters[found - names];
        put(w, text, 2);
    } else {
        put(w, text, iso_format(text, sizeof text, "\\u%04x", (unsigned)byte));
    }
}

/* Runs without escapes go out in one piece. */
static void put_string(struct writer *w, struct iso_str text)
{
    size_t start = 0;
    put(w, "\"", 1);
    for (size_t at = 0; at < text.len; at++) {
        uint8_t byte = (uint8_t)text.ptr[at];
        /* U+007F needs no escape in JSON, but does no good on a terminal. */
        if (byte < 0x20 || byte == '"' || byte == '\\' || byte == 0x7f) {
            put(w, text.ptr + start, at - start);
            put_escape(w, byte);
            start = at + 1;
        }
    }
    if (start != text.len) {
        put(w, text.ptr + start, text.len - start);
    }
    put(w, "\"", 1);
}

static void put_base64(struct writer *w, struct iso_bytes bytes)
{
    if (w->err == ISO_OK && bytes.len > SIZE_MAX / 4 * 3 - 16) {
        w->err = ISO_E_LIMIT; /* the size of the text would overflow */
    }
    size_t size = iso_base64_encoded_size(bytes.len) + 2;
    if (w->err == ISO_OK) {
        w->err = iso_buf_reserve(w->out, size);
    }
    if (w->err == ISO_OK) {
        char *to = (char *)w->out->ptr + w->out->len;
        to[0] = '"';
        iso_base64_encode(bytes.ptr, bytes.len, to + 1);
        to[size - 1] = '"';
        w->out->len += size;
    }
}

static void put_digits(struct writer *w, bool negative, uint64_t magnitude)
{
    char text[24];
    char *at = text + sizeof text;
    bool quoted = magnitude > SAFE_INTEGER;
    if (quoted) {
        *--at = '"';
    }
    do {
        *--at = (char)('0' + magnitude % 10);
        magnitude /= 10;
    } while (magnitude != 0);
    if (negative) {
        *--at = '-';
    }
    if (quoted) {
        *--at = '"';
    }
    put(w, at, (size_t)(text + sizeof text - at));
}

static void put_signed(struct writer *w, int64_t value)
{
    put_digits(w, value < 0, value < 0 ? ~(uint64_t)value + 1 : (uint64_t)value);
}

static void put_f64(struct writer *w, double value)
{
    char text[ISO_FLOAT_TEXT];
    if (isnan(value)) {
        put_z(w, "\"nan\"");
    } else if (isinf(value)) {
        put_z(w, value < 0 ? "\"-inf\"" : "\"inf\"");
    } else {
        put(w, text, iso_print_f64(text, value));
    }
}

static void put_f32(struct writer *w, float value)
{
    char text[ISO_FLOAT_TEXT];
    if (isfinite(value)) {
        put(w, text, iso_print_f32(text, value));
    } else {
        put_f64(w, (double)value);
    }
}

static void put_value(struct writer *w, const struct iso_vtype *type,
                      const struct iso_value *value);

static void put_items(struct writer *w, const struct iso_vtype *type, const struct iso_value *value)
{
    put(w, "[", 1);
    for (uint32_t i = 0; i < value->list.count && w->err == ISO_OK; i++) {
        if (i != 0) {
            put(w, ",", 1);
        }
        put_value(w, type->kind == ISO_V_LIST ? type->element : type->members[i].type,
                  &value->list.items[i]);
    }
    put(w, "]", 1);
}

static void put_record(struct writer *w, const struct iso_vtype *type,
                       const struct iso_value *value)
{
    for (uint32_t i = 0; i < type->member_count; i++) {
        put(w, i == 0 ? "{" : ",", 1);
        put_string(w, type->members[i].name);
        put(w, ":", 1);
        put_value(w, type->members[i].type, &value->list.items[i]);
    }
    put(w, "}", 1);
}

static void put_case(struct writer *w, const struct iso_vtype *type, struct iso_str name,
                     const struct iso_value *value)
{
    const struct iso_vtype *payload = iso_vtype_case_payload(type, value->choice.index);
    put(w, "{", 1);
    put_string(w, name);
    put(w, ":", 1);
    if (payload != NULL) {
        put_value(w, payload, value->choice.payload);
    } else {
        put_z(w, "null");
    }
    put(w, "}", 1);
}

static void put_option(struct writer *w, const struct iso_vtype *type,
                       const struct iso_value *value)
{
    if (value->choice.index == 0) {
        put_z(w, "null");
    } else if (type->element->kind == ISO_V_OPTION) {
        put_case(w, type, iso_str_from_z("some"), value);
    } else {
        put_value(w, type->element, value->choice.payload);
    }
}

static void put_flags(struct writer *w, const struct iso_vtype *type, const struct iso_value *value)
{
    bool first = true;
    put(w, "[", 1);
    for (uint32_t i = 0; i < type->member_count; i++) {
        if ((value->flags[i / 32] >> i % 32 & 1) != 0) {
            if (!first) {
                put(w, ",", 1);
            }
            put_string(w, type->members[i].name);
            first = false;
        }
    }
    put(w, "]", 1);
}

static void put_character(struct writer *w, uint32_t character)
{
    char text[4];
    put_string(w, iso_str_from(text, iso_character_encode(character, text)));
}

static void put_value(struct writer *w, const struct iso_vtype *type, const struct iso_value *value)
{
    switch (type->kind) {
    case ISO_V_BOOL:
        put_z(w, value->boolean ? "true" : "false");
        break;
    case ISO_V_F32:
        put_f32(w, value->f32);
        break;
    case ISO_V_F64:
        put_f64(w, value->f64);
        break;
    case ISO_V_CHAR:
        put_character(w, value->character);
        break;
    case ISO_V_STRING:
        put_string(w, value->string);
        break;
    case ISO_V_LIST:
        if (type->element->kind == ISO_V_U8) {
            put_base64(w, value->bytes);
            break;
        }
        put_items(w, type, value);
        break;
    case ISO_V_TUPLE:
        put_items(w, type, value);
        break;
    case ISO_V_RECORD:
        put_record(w, type, value);
        break;
    case ISO_V_OPTION:
        put_option(w, type, value);
        break;
    case ISO_V_RESULT:
        put_case(w, type, iso_str_from_z(value->choice.index == 0 ? "ok" : "error"), value);
        break;
    case ISO_V_VARIANT:
        put_case(w, type, type->members[value->choice.index].name, value);
        break;
    case ISO_V_ENUM:
        put_string(w, type->members[value->u].name);
        break;
    case ISO_V_FLAGS:
        put_flags(w, type, value);
        break;
    case ISO_V_S8:
    case ISO_V_S16:
    case ISO_V_S32:
    case ISO_V_S64:
        put_signed(w, value->s);
        break;
    default:
        put_digits(w, false, value->u);
        break;
    }
}

enum iso_err iso_json_encode(const struct iso_vtype *type, const struct iso_value *value,
                             struct iso_buf *out)
{
    struct writer writer = {.out = out};
    size_t len = out->len;
    put_value(&writer, type, value);
    if (writer.err != ISO_OK) {
        out->len = len;
    }
    return writer.err;
}
