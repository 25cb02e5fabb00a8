/* Values to CBOR (RFC 8949) under the mapping of docs/internals/codec.md, in the deterministic form
 * of section 4.2.1: shortest heads, definite lengths, shortest floats, keys in order. */
#include "codec/cbor.h"
#include "codec/text.h"

#include <math.h>

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

/* A first byte with `size` bytes of argument, most significant first. */
static void put_sized(struct writer *w, uint8_t first, unsigned size, uint64_t argument)
{
    uint8_t bytes[9] = {first};
    for (unsigned i = size; i > 0; i--) {
        bytes[i] = (uint8_t)argument;
        argument >>= 8;
    }
    put(w, bytes, 1 + (size_t)size);
}

static void put_head(struct writer *w, enum iso_cbor_major major, uint64_t argument)
{
    uint8_t type = (uint8_t)((unsigned)major << 5);
    if (argument < 24) {
        put_sized(w, (uint8_t)(type | argument), 0, 0);
    } else if (argument <= UINT8_MAX) {
        put_sized(w, type | 24, 1, argument);
    } else if (argument <= UINT16_MAX) {
        put_sized(w, type | 25, 2, argument);
    } else if (argument <= UINT32_MAX) {
        put_sized(w, type | 26, 4, argument);
    } else {
        put_sized(w, type | 27, 8, argument);
    }
}

static void put_text(struct writer *w, struct iso_str text)
{
    put_head(w, ISO_CBOR_TEXT, text.len);
    put(w, text.ptr, text.len);
}

static void put_simple(struct writer *w, uint8_t byte)
{
    put(w, &byte, 1);
}

static void put_signed(struct writer *w, int64_t value)
{
    if (value < 0) {
        put_head(w, ISO_CBOR_NEGATIVE, ~(uint64_t)value);
    } else {
        put_head(w, ISO_CBOR_UNSIGNED, (uint64_t)value);
    }
}

static void put_float(struct writer *w, double value)
{
    uint16_t half = 0;
    uint32_t single_bits;
    uint64_t bits;
    if (iso_cbor_to_half(value, &half)) {
        put_sized(w, ISO_CBOR_HALF, 2, half);
        return;
    }
    /* A double that is out of range of float must not be converted. */
    if (fabs(value) <= 3.4028234663852886e38 && (double)(float)value == value) {
        float single = (float)value;
        memcpy(&single_bits, &single, sizeof single_bits);
        put_sized(w, ISO_CBOR_SINGLE, 4, single_bits);
        return;
    }
    memcpy(&bits, &value, sizeof bits);
    put_sized(w, ISO_CBOR_DOUBLE, 8, bits);
}

static void put_value(struct writer *w, const struct iso_vtype *type,
                      const struct iso_value *value);

static void put_items(struct writer *w, const struct iso_vtype *type, const struct iso_value *value)
{
    put_head(w, ISO_CBOR_ARRAY, value->list.count);
    for (uint32_t i = 0; i < value->list.count && w->err == ISO_OK; i++) {
        put_value(w, type->kind == ISO_V_LIST ? type->element : type->members[i].type,
                  &value->list.items[i]);
    }
}

/* The order of encoded keys: a shorter text has the lower head. */
static int compare_keys(struct iso_str a, struct iso_str b)
{
    if (a.len != b.len) {
        return a.len < b.len ? -1 : 1;
    }
    return a.len == 0 ? 0 : memcmp(a.ptr, b.ptr, a.len);
}

/* The member whose key comes after that of `last` (member_count: the first of all). Looked for anew
 * each time: records are short, and it needs no memory. */
static uint32_t next_key(const struct iso_vtype *type, uint32_t last)
{
    uint32_t count = type->member_count, best = count;
    for (uint32_t i = 0; i < count; i++) {
        struct iso_str name = type->members[i].name;
        bool is_after = last == count || compare_keys(name, type->members[last].name) > 0;
        if (is_after && (best == count || compare_keys(name, type->members[best].name) < 0)) {
            best = i;
        }
    }
    return best;
}

static void put_record(struct writer *w, const struct iso_vtype *type,
                       const struct iso_value *value)
{
    put_head(w, ISO_CBOR_MAP, type->member_count);
    uint32_t at = type->member_count;
    for (uint32_t i = 0; i < type->member_count && w->err == ISO_OK; i++) {
        at = next_key(type, at);
        ISO_ASSERT(at != type->member_count); /* names of members differ */
        put_text(w, type->members[at].name);
        put_value(w, type->members[at].type, &value->list.items[at]);
    }
}

static void put_case(struct writer *w, const struct iso_vtype *type, struct iso_str name,
                     const struct iso_value *value)
{
    const struct iso_vtype *payload = iso_vtype_case_payload(type, value->choice.index);
    put_head(w, ISO_CBOR_MAP, 1);
    put_text(w, name);
    if (payload != NULL) {
        put_value(w, payload, value->choice.payload);
    } else {
        put_simple(w, ISO_CBOR_NULL);
    }
}

static void put_option(struct writer *w, const struct iso_vtype *type,
                       const struct iso_value *value)
{
    if (value->choice.index == 0) {
        put_simple(w, ISO_CBOR_NULL);
    } else if (type->element->kind == ISO_V_OPTION) {
        put_case(w, type, iso_str_from_z("some"), value);
    } else {
        put_value(w, type->element, value->choice.payload);
    }
}

static bool has_flag(const struct iso_value *value, uint32_t i)
{
    return (value->flags[i / 32] >> i % 32 & 1) != 0;
}

static void put_flags(struct writer *w, const struct iso_vtype *type, const struct iso_value *value)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < type->member_count; i++) {
        count += has_flag(value, i) ? 1 : 0;
    }
    put_head(w, ISO_CBOR_ARRAY, count);
    for (uint32_t i = 0; i < type->member_count; i++) {
        if (has_flag(value, i)) {
            put_text(w, type->members[i].name);
        }
    }
}

static void put_list(struct writer *w, const struct iso_vtype *type, const struct iso_value *value)
{
    if (type->element->kind != ISO_V_U8) {
        put_items(w, type, value);
        return;
    }
    put_head(w, ISO_CBOR_BYTES, value->bytes.len);
    put(w, value->bytes.ptr, value->bytes.len);
}

static void put_value(struct writer *w, const struct iso_vtype *type, const struct iso_value *value)
{
    char character[4];
    switch (type->kind) {
    case ISO_V_BOOL:
        put_simple(w, value->boolean ? ISO_CBOR_TRUE : ISO_CBOR_FALSE);
        break;
    case ISO_V_F32:
        put_float(w, (double)value->f32);
        break;
    case ISO_V_F64:
        put_float(w, value->f64);
        break;
    case ISO_V_CHAR:
        put_text(w, iso_str_from(character, iso_character_encode(value->character, character)));
        break;
    case ISO_V_STRING:
        put_text(w, value->string);
        break;
    case ISO_V_LIST:
        put_list(w, type, value);
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
        put_text(w, type->members[value->u].name);
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
        put_head(w, ISO_CBOR_UNSIGNED, value->u);
        break;
    }
}

enum iso_err iso_cbor_encode(const struct iso_vtype *type, const struct iso_value *value,
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
