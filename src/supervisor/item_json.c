/* CBOR items to JSON (RFC 8259) and back, without a type: RFC 8949, sections 6.1 and 6.2, with the
 * choices of docs/internals/codec.md. */
#include "supervisor/item.h"

#include <jansson.h>
#include <math.h>

#include "codec/codec.h"

enum { DEPTH_MAX = 60 }; /* below ISO_JSON_MAX_DEPTH */

/* Whole numbers that a double holds, as all readers of JSON do. */
#define EXACT_MAX (UINT64_C(1) << 53)

/* ---- JSON to CBOR ------------------------------------------------------------------------------
 */

static enum iso_err write_double(struct iso_buf *out, double value)
{
    uint64_t bits;
    uint8_t bytes[9] = {0xfb};
    memcpy(&bits, &value, sizeof bits);
    for (size_t i = 8; i > 0; i--) {
        bytes[i] = (uint8_t)bits;
        bits >>= 8;
    }
    return iso_buf_append(out, bytes, sizeof bytes);
}

static enum iso_err write_json(const json_t *json, unsigned depth, struct iso_buf *out);

static enum iso_err write_members(const json_t *json, unsigned depth, struct iso_buf *out)
{
    /* The iterator changes nothing of the object. */
    json_t *object = (json_t *)(uintptr_t)json;
    enum iso_err err = iso_sv_item_head(out, ISO_SV_ITEM_MAP, json_object_size(json));
    for (void *iter = json_object_iter(object); iter != NULL && err == ISO_OK;
         iter = json_object_iter_next(object, iter)) {
        err = iso_sv_item_text(out, iso_str_from_z(json_object_iter_key(iter)));
        if (err == ISO_OK) {
            err = write_json(json_object_iter_value(iter), depth + 1, out);
        }
    }
    return err;
}

static enum iso_err write_array(const json_t *json, unsigned depth, struct iso_buf *out)
{
    enum iso_err err = iso_sv_item_head(out, ISO_SV_ITEM_ARRAY, json_array_size(json));
    for (size_t i = 0; i < json_array_size(json) && err == ISO_OK; i++) {
        err = write_json(json_array_get(json, i), depth + 1, out);
    }
    return err;
}

static enum iso_err write_json(const json_t *json, unsigned depth, struct iso_buf *out)
{
    if (depth > DEPTH_MAX) {
        return ISO_E_LIMIT;
    }
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        return write_members(json, depth, out);
    case JSON_ARRAY:
        return write_array(json, depth, out);
    case JSON_STRING:
        return iso_sv_item_text(out,
                                iso_str_from(json_string_value(json), json_string_length(json)));
    case JSON_INTEGER: {
        int64_t value = json_integer_value(json);
        return value < 0 ? iso_sv_item_head(out, ISO_SV_ITEM_NEGATIVE, ~(uint64_t)value)
                         : iso_sv_item_u64(out, (uint64_t)value);
    }
    case JSON_REAL:
        return write_double(out, json_real_value(json));
    case JSON_TRUE:
    case JSON_FALSE:
        return iso_sv_item_bool(out, json_is_true(json));
    case JSON_NULL:
        break;
    }
    return iso_sv_item_null(out);
}

enum iso_err iso_sv_item_from_json(struct iso_bytes text, struct iso_buf *out,
                                   struct iso_report *report)
{
    json_error_t error;
    size_t before = out->len;
    json_t *json = json_loadb((const char *)text.ptr, text.len,
                              JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    if (json == NULL) {
        return iso_fail(report, ISO_E_MALFORMED, "line %d, column %d: not JSON: %s", error.line,
                        error.column, error.text);
    }
    enum iso_err err = write_json(json, 1, out);
    json_decref(json);
    if (err != ISO_OK) {
        out->len = before;
        iso_report_set(report, "the JSON text is nested too deeply or too large");
    }
    return err;
}

/* ---- CBOR to JSON ------------------------------------------------------------------------------
 */

/* Pieces of a string of indefinite length, joined. first: of its head. */
static enum iso_err join(struct iso_sv_items *items, bool text, struct iso_buf *out)
{
    items->rest = iso_bytes_from(items->rest.ptr + 1, items->rest.len - 1);
    while (!items->bad && items->rest.len > 0 && items->rest.ptr[0] != 0xff) {
        struct iso_bytes piece;
        if (text) {
            struct iso_str str = iso_sv_items_text(items, SIZE_MAX);
            piece = iso_bytes_from(str.ptr, str.len);
        } else {
            piece = iso_sv_items_bytes(items, SIZE_MAX);
        }
        enum iso_err err = iso_buf_append(out, piece.ptr, piece.len);
        if (err != ISO_OK) {
            return err;
        }
    }
    if (items->bad || items->rest.len == 0) {
        return ISO_E_MALFORMED;
    }
    items->rest = iso_bytes_from(items->rest.ptr + 1, items->rest.len - 1);
    return ISO_OK;
}

static enum iso_err put_base64(struct iso_json *json, struct iso_bytes bytes,
                               const struct iso_alloc *alloc)
{
    if (bytes.len > SIZE_MAX / 4 * 3 - 3) {
        return ISO_E_LIMIT;
    }
    size_t size = iso_base64_encoded_size(bytes.len);
    char *text = iso_alloc_new(alloc, size);
    if (text == NULL) {
        return ISO_E_NOMEM;
    }
    iso_base64_encode(bytes.ptr, bytes.len, text);
    iso_json_string(json, iso_str_from(text, size));
    iso_alloc_free(alloc, text, size);
    return ISO_OK;
}

static enum iso_err put_string(struct iso_json *json, struct iso_sv_items *items, bool key,
                               const struct iso_alloc *alloc)
{
    bool text = items->rest.ptr[0] >> 5 == ISO_SV_ITEM_TEXT;
    struct iso_buf joined;
    enum iso_err err = ISO_OK;
    struct iso_bytes bytes = iso_bytes_from(NULL, 0);
    iso_buf_init(&joined, alloc, SIZE_MAX);
    if ((items->rest.ptr[0] & 31u) == 31u) {
        err = join(items, text, &joined);
        bytes = iso_buf_view(&joined);
    } else if (text) {
        struct iso_str str = iso_sv_items_text(items, SIZE_MAX);
        bytes = iso_bytes_from(str.ptr, str.len);
    } else {
        bytes = iso_sv_items_bytes(items, SIZE_MAX);
    }
    if (err == ISO_OK && items->bad) {
        err = ISO_E_MALFORMED;
    }
    if (err == ISO_OK && key) {
        iso_json_key_str(json, iso_str_from((const char *)bytes.ptr, bytes.len));
    } else if (err == ISO_OK && text) {
        iso_json_string(json, iso_str_from((const char *)bytes.ptr, bytes.len));
    } else if (err == ISO_OK) {
        err = put_base64(json, bytes, alloc);
    }
    iso_buf_fini(&joined);
    return err;
}

static void put_number(struct iso_json *json, bool negative, uint64_t argument)
{
    if (argument < EXACT_MAX) {
        if (negative) {
            iso_json_i64(json, -1 - (int64_t)argument);
        } else {
            iso_json_u64(json, argument);
        }
        return;
    }
    char text[24];
    if (negative && argument == UINT64_MAX) {
        iso_json_z(json, "-18446744073709551616");
        return;
    }
    (void)iso_format(text, sizeof text, "%s%llu", negative ? "-" : "",
                     (unsigned long long)(negative ? argument + 1 : argument));
    iso_json_z(json, text);
}

static double half(uint64_t bits)
{
    int exponent = (int)(bits >> 10 & 31);
    double mantissa = (double)(bits & 1023);
    double value = exponent == 0    ? ldexp(mantissa, -24)
                   : exponent != 31 ? ldexp(mantissa + 1024, exponent - 25)
                   : mantissa == 0  ? (double)INFINITY
                                    : (double)NAN;
    return (bits & 0x8000) != 0 ? -value : value;
}

static void put_float(struct iso_json *json, unsigned info, uint64_t bits)
{
    double value = 0;
    if (info == 25) {
        value = half(bits);
    } else if (info == 26) {
        uint32_t single_bits = (uint32_t)bits;
        float single;
        memcpy(&single, &single_bits, sizeof single);
        value = (double)single;
    } else {
        memcpy(&value, &bits, sizeof value);
    }
    if (isnan(value)) {
        iso_json_z(json, "nan");
    } else if (isinf(value)) {
        iso_json_z(json, value > 0 ? "inf" : "-inf");
    } else {
        iso_json_f64(json, value);
    }
}

/* Numbers, floats and simple values. */
static enum iso_err put_scalar(struct iso_json *json, struct iso_sv_items *items)
{
    struct iso_bytes item = iso_sv_items_any(items);
    if (items->bad) {
        return ISO_E_MALFORMED;
    }
    unsigned major = item.ptr[0] >> 5;
    unsigned info = item.ptr[0] & 31u;
    uint64_t argument = info < 24 ? info : 0;
    for (size_t i = 1; i < item.len; i++) {
        argument = argument << 8 | item.ptr[i];
    }
    if (major != ISO_SV_ITEM_SIMPLE) {
        put_number(json, major == ISO_SV_ITEM_NEGATIVE, argument);
    } else if (info >= 25 && info <= 27) {
        put_float(json, info, argument);
    } else if (argument == 20 || argument == 21) {
        iso_json_bool(json, argument == 21);
    } else {
        iso_json_null(json);
    }
    return ISO_OK;
}

static enum iso_err put_item(struct iso_json *json, struct iso_sv_items *items, unsigned depth,
                             const struct iso_alloc *alloc);

static enum iso_err put_items(struct iso_json *json, struct iso_sv_items *items, unsigned depth,
                              const struct iso_alloc *alloc)
{
    bool map = items->rest.ptr[0] >> 5 == ISO_SV_ITEM_MAP;
    bool indefinite = (items->rest.ptr[0] & 31u) == 31u;
    uint64_t count = 0;
    enum iso_err err = ISO_OK;
    if (indefinite) {
        items->rest = iso_bytes_from(items->rest.ptr + 1, items->rest.len - 1);
    } else {
        count = iso_sv_items_count(items);
    }
    map ? iso_json_object_begin(json) : iso_json_array_begin(json);
    for (uint64_t i = 0; err == ISO_OK && (indefinite || i < count); i++) {
        if (items->rest.len == 0) {
            return ISO_E_MALFORMED;
        }
        if (indefinite && items->rest.ptr[0] == 0xff) {
            items->rest = iso_bytes_from(items->rest.ptr + 1, items->rest.len - 1);
            break;
        }
        if (map) {
            err = items->rest.ptr[0] >> 5 == ISO_SV_ITEM_TEXT ? put_string(json, items, true, alloc)
                                                              : ISO_E_MALFORMED;
        }
        if (err == ISO_OK) {
            err = put_item(json, items, depth + 1, alloc);
        }
    }
    if (err == ISO_OK) {
        map ? iso_json_object_end(json) : iso_json_array_end(json);
    }
    return err;
}

static enum iso_err put_item(struct iso_json *json, struct iso_sv_items *items, unsigned depth,
                             const struct iso_alloc *alloc)
{
    if (depth > DEPTH_MAX) {
        return ISO_E_LIMIT;
    }
    while (items->rest.len > 0 && items->rest.ptr[0] >> 5 == ISO_SV_ITEM_TAG) {
        (void)iso_sv_items_count(items);
    }
    if (items->bad || items->rest.len == 0) {
        return ISO_E_MALFORMED;
    }
    switch (items->rest.ptr[0] >> 5) {
    case ISO_SV_ITEM_BYTES:
    case ISO_SV_ITEM_TEXT:
        return put_string(json, items, false, alloc);
    case ISO_SV_ITEM_ARRAY:
    case ISO_SV_ITEM_MAP:
        return put_items(json, items, depth, alloc);
    default:
        return put_scalar(json, items);
    }
}

enum iso_err iso_sv_item_to_json(struct iso_bytes item, struct iso_buf *out)
{
    size_t before = out->len;
    enum iso_err err = iso_sv_item_check(item);
    struct iso_sv_items items = {.rest = item};
    struct iso_json json;
    if (err != ISO_OK) {
        return err;
    }
    iso_json_init_buf(&json, out, 0);
    err = put_item(&json, &items, 1, out->alloc);
    if (err == ISO_OK) {
        err = iso_json_finish(&json);
    }
    if (err != ISO_OK) {
        out->len = before;
    }
    return err;
}
