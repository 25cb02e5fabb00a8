/* CBOR to values, driven by the type: RFC 8949 under the mapping of docs/internals/codec.md. */
#include "codec/cbor_read.h"

#include <float.h>
#include <math.h>

static enum iso_err read_value(struct iso_decoder *d, const struct iso_vtype *type,
                               const struct iso_vpath *path, struct iso_value *out);
static enum iso_err read_item(struct iso_decoder *d, const struct iso_vtype *type,
                              const struct iso_vpath *path, const struct iso_cbor_head *head,
                              struct iso_value *out);

static enum iso_err read_integer(struct iso_decoder *d, const struct iso_vtype *type,
                                 const struct iso_vpath *path, const struct iso_cbor_head *head,
                                 struct iso_value *out)
{
    struct iso_vrange range = iso_vkind_range(type->kind);
    bool is_negative = head->major == ISO_CBOR_NEGATIVE;
    bool is_signed = iso_vkind_is_signed(type->kind);
    if ((head->major != ISO_CBOR_UNSIGNED && !(is_negative && is_signed)) ||
        head->argument > range.max) {
        return iso_cbor_mismatch(d, path, type, head);
    }
    if (is_signed) {
        out->s = is_negative ? -1 - (int64_t)head->argument : (int64_t)head->argument;
    } else {
        out->u = head->argument;
    }
    return ISO_OK;
}

/* An integer where a float is expected: some encoders write 1.0 as 1. */
static bool integer_to_f64(const struct iso_cbor_head *head, double *out)
{
    if (head->major == ISO_CBOR_UNSIGNED) {
        *out = (double)head->argument;
        return true;
    }
    if (head->major == ISO_CBOR_NEGATIVE) {
        *out =
            head->argument == UINT64_MAX ? -18446744073709551616.0 : -(double)(head->argument + 1);
        return true;
    }
    return false;
}

/* Not by way of a double: that would round twice. */
static float integer_to_f32(const struct iso_cbor_head *head)
{
    if (head->major == ISO_CBOR_UNSIGNED) {
        return (float)head->argument;
    }
    return head->argument == UINT64_MAX ? -18446744073709551616.0f : -(float)(head->argument + 1);
}

/* Rounds to float; false when that would make an infinity of a number. */
static bool narrow(double value, float *out)
{
    const double max = (double)FLT_MAX;
    const double rounds_up = 0x1.ffffffp127; /* half-way from FLT_MAX to 2^128 */
    if (isnan(value) || isinf(value) || fabs(value) <= max) {
        *out = (float)value;
        return true;
    }
    *out = value > 0 ? FLT_MAX : -FLT_MAX;
    return fabs(value) < rounds_up;
}

static enum iso_err read_float(struct iso_decoder *d, const struct iso_vtype *type,
                               const struct iso_vpath *path, const struct iso_cbor_head *head,
                               struct iso_value *out)
{
    double value = 0;
    bool is_integer = integer_to_f64(head, &value);
    if (!is_integer && !iso_cbor_float(head, &value)) {
        return iso_cbor_mismatch(d, path, type, head);
    }
    if (type->kind == ISO_V_F64) {
        out->f64 = value;
        return ISO_OK;
    }
    if (is_integer) {
        out->f32 = integer_to_f32(head);
        return ISO_OK;
    }
    return narrow(value, &out->f32)
               ? ISO_OK
               : iso_cbor_expected(d, path, "f32 (magnitudes to 3.4028235e38)", head);
}

static enum iso_err read_bool(struct iso_decoder *d, const struct iso_vtype *type,
                              const struct iso_vpath *path, const struct iso_cbor_head *head,
                              struct iso_value *out)
{
    if (head->first != ISO_CBOR_TRUE && head->first != ISO_CBOR_FALSE) {
        return iso_cbor_mismatch(d, path, type, head);
    }
    out->boolean = head->first == ISO_CBOR_TRUE;
    return ISO_OK;
}

/* A text where the type wants one. */
static enum iso_err read_text(struct iso_decoder *d, const struct iso_vtype *type,
                              const struct iso_vpath *path, const struct iso_cbor_head *head,
                              struct iso_str *out)
{
    struct iso_bytes bytes = {.len = 0};
    if (head->major != ISO_CBOR_TEXT) {
        return iso_cbor_mismatch(d, path, type, head);
    }
    enum iso_err err = iso_cbor_read_bytes(d, path, head, &bytes);
    if (err == ISO_OK) {
        *out = iso_str_from((const char *)bytes.ptr, bytes.len);
    }
    return err;
}

static enum iso_err read_character(struct iso_decoder *d, const struct iso_vtype *type,
                                   const struct iso_vpath *path, const struct iso_cbor_head *head,
                                   struct iso_value *out)
{
    const uint8_t *contents = d->at;
    struct iso_str text;
    enum iso_err err = read_text(d, type, path, head, &text);
    if (err == ISO_OK && !iso_character_decode(text, &out->character)) {
        d->at = contents;
        err = iso_cbor_mismatch(d, path, type, head);
    }
    return err;
}

/* Bytes that come as an array are collected as bytes. */
static enum iso_err read_items(struct iso_decoder *d, const struct iso_vtype *type,
                               const struct iso_vpath *path, const struct iso_cbor_head *head,
                               struct iso_value *out)
{
    bool is_bytes = type->element->kind == ISO_V_U8;
    size_t mark = d->scratch.len;
    struct iso_vpath step = {.up = path};
    struct iso_cbor_items items;
    enum iso_err err = iso_cbor_begin(d, path, head, &items);

    for (; err == ISO_OK && iso_cbor_next(d, &items); step.index++) {
        struct iso_value item = {.u = 0};
        err = read_value(d, type->element, &step, &item);
        uint8_t byte = (uint8_t)item.u;
        if (err == ISO_OK) {
            err =
                is_bytes ? iso_decoder_push(d, &byte, 1) : iso_decoder_push(d, &item, sizeof item);
        }
    }
    if (err != ISO_OK) {
        return err;
    }
    return is_bytes ? iso_decoder_pop(d, mark, &out->bytes) : iso_decoder_pop_items(d, mark, out);
}

static enum iso_err read_list(struct iso_decoder *d, const struct iso_vtype *type,
                              const struct iso_vpath *path, const struct iso_cbor_head *head,
                              struct iso_value *out)
{
    if (type->element->kind == ISO_V_U8 && head->major == ISO_CBOR_BYTES) {
        return iso_cbor_read_bytes(d, path, head, &out->bytes);
    }
    return head->major == ISO_CBOR_ARRAY ? read_items(d, type, path, head, out)
                                         : iso_cbor_mismatch(d, path, type, head);
}

/* Names the whole of the parameters in messages. */
static const struct iso_vpath parameters = {.name = {.ptr = "parameters", .len = 10}};

/* The members in order: a tuple, or parameters (`named`), of which options at the end may be left
 * out. */
static enum iso_err read_sequence(struct iso_decoder *d, const struct iso_vtype *type,
                                  const struct iso_vpath *path, const struct iso_cbor_head *head,
                                  bool named, struct iso_value *values)
{
    struct iso_seen seen = {{0}};
    struct iso_cbor_items items;
    uint32_t count = 0;
    enum iso_err err = iso_cbor_begin(d, path, head, &items);

    for (; err == ISO_OK && iso_cbor_next(d, &items); count++) {
        struct iso_vpath step = {.up = path, .index = count};
        if (count == type->member_count) {
            return iso_decoder_fail(d, ISO_E_ARGUMENT, named ? &parameters : path, d->at,
                                    "expected %u %s, found more", (unsigned)count,
                                    named ? "parameters" : "items");
        }
        step.name = type->members[count].name;
        (void)iso_seen_mark(&seen, count);
        err = read_value(d, type->members[count].type, &step, &values[count]);
    }
    if (err != ISO_OK) {
        return err;
    }
    if (named) {
        return iso_decoder_fill(d, type, path, head->start, &seen, values);
    }
    return count == type->member_count
               ? ISO_OK
               : iso_decoder_fail(d, ISO_E_ARGUMENT, path, head->start,
                                  "expected %u items, found %u", (unsigned)type->member_count,
                                  (unsigned)count);
}

static enum iso_err read_key(struct iso_decoder *d, const struct iso_vpath *path,
                             struct iso_cbor_head *head, struct iso_str *out)
{
    struct iso_bytes bytes = {.len = 0};
    enum iso_err err = iso_cbor_read_head(d, path, head);
    if (err != ISO_OK) {
        return err;
    }
    if (head->major != ISO_CBOR_TEXT) {
        return iso_cbor_expected(d, path, "a name (a text string)", head);
    }
    err = iso_cbor_read_bytes(d, path, head, &bytes);
    if (err == ISO_OK) {
        *out = iso_str_from((const char *)bytes.ptr, bytes.len);
    }
    return err;
}

static enum iso_err read_members(struct iso_decoder *d, const struct iso_vtype *type,
                                 const struct iso_vpath *path, const struct iso_cbor_head *head,
                                 const char *kind, struct iso_value *values)
{
    struct iso_seen seen = {{0}};
    struct iso_cbor_items items;
    uint32_t hint = 0;
    enum iso_err err = iso_cbor_begin(d, path, head, &items);

    while (err == ISO_OK && iso_cbor_next(d, &items)) {
        struct iso_cbor_head key;
        struct iso_str name;
        err = read_key(d, path, &key, &name);
        if (err != ISO_OK) {
            return err;
        }
        uint32_t index = iso_member_find(type, name, hint);
        if (index == type->member_count) {
            return iso_decoder_unknown_member(d, path, key.start, type, kind, name);
        }
        struct iso_vpath step = {.up = path, .name = type->members[index].name};
        if (!iso_seen_mark(&seen, index)) {
            return iso_decoder_fail(d, ISO_E_ARGUMENT, &step, key.start, "given twice");
        }
        err = read_value(d, type->members[index].type, &step, &values[index]);
        hint = index + 1;
    }
    return err == ISO_OK ? iso_decoder_fill(d, type, path, head->start, &seen, values) : err;
}

static enum iso_err read_record_or_tuple(struct iso_decoder *d, const struct iso_vtype *type,
                                         const struct iso_vpath *path,
                                         const struct iso_cbor_head *head, struct iso_value *out)
{
    bool is_record = type->kind == ISO_V_RECORD;
    void *memory = NULL;
    if (head->major != (is_record ? ISO_CBOR_MAP : ISO_CBOR_ARRAY)) {
        return iso_cbor_mismatch(d, path, type, head);
    }
    enum iso_err err = iso_decoder_alloc(d, type->member_count, sizeof(struct iso_value), &memory);
    if (err == ISO_OK) {
        err = is_record ? read_members(d, type, path, head, "field", memory)
                        : read_sequence(d, type, path, head, false, memory);
    }
    if (err == ISO_OK) {
        *out = (struct iso_value){.list = {.items = memory, .count = type->member_count}};
    }
    return err;
}

/* The payload of a case, or the null of a case without. */
static enum iso_err read_payload(struct iso_decoder *d, const struct iso_vtype *type,
                                 const struct iso_vpath *path, const struct iso_cbor_head *head,
                                 const struct iso_value **out)
{
    void *memory = NULL;
    if (type == NULL) {
        *out = NULL;
        return head->first == ISO_CBOR_NULL
                   ? ISO_OK
                   : iso_cbor_expected(d, path, "null (this case has no payload)", head);
    }
    enum iso_err err = iso_decoder_alloc(d, 1, sizeof(struct iso_value), &memory);
    if (err == ISO_OK) {
        err = read_item(d, type, path, head, memory);
    }
    *out = memory;
    return err;
}

/* {"case": payload} of a variant or result, {"some": value}. The members of `names` have the names
 * of the cases. */
static enum iso_err read_case(struct iso_decoder *d, const struct iso_vtype *type,
                              const struct iso_vtype *names, const struct iso_vpath *path,
                              const struct iso_cbor_head *head, struct iso_value *out)
{
    struct iso_cbor_items items;
    struct iso_cbor_head key, value;
    struct iso_str name;
    const struct iso_value *payload = NULL;

    if (head->major != ISO_CBOR_MAP) {
        return iso_cbor_mismatch(d, path, type, head);
    }
    enum iso_err err = iso_cbor_begin(d, path, head, &items);
    if (err != ISO_OK) {
        return err;
    }
    if (!iso_cbor_next(d, &items)) {
        return iso_decoder_mismatch(d, path, head->start, type, "an empty map");
    }
    err = read_key(d, path, &key, &name);
    if (err != ISO_OK) {
        return err;
    }
    uint32_t index = iso_member_find(names, name, 0);
    if (index == names->member_count) {
        return iso_decoder_unknown(d, path, key.start, names, "case", name);
    }
    struct iso_vpath step = {.up = path, .name = names->members[index].name};
    if (type->kind == ISO_V_OPTION) {
        index = 1; /* of the cases none and some, only the second is a map */
    }
    err = iso_cbor_read_head(d, &step, &value);
    if (err == ISO_OK) {
        err = read_payload(d, iso_vtype_case_payload(type, index), &step, &value, &payload);
    }
    if (err == ISO_OK && iso_cbor_next(d, &items)) {
        bool at_end = d->at == d->end; /* an indefinite map without its break */
        err = iso_decoder_fail(d, at_end ? ISO_E_MALFORMED : ISO_E_ARGUMENT, path, d->at,
                               at_end ? "the input ends in the middle"
                                      : "expected a map with one case, found more");
    }
    if (err == ISO_OK) {
        *out = (struct iso_value){.choice = {.payload = payload, .index = index}};
    }
    return err;
}

static enum iso_err read_option(struct iso_decoder *d, const struct iso_vtype *type,
                                const struct iso_vpath *path, const struct iso_cbor_head *head,
                                struct iso_value *out)
{
    const struct iso_value *payload = NULL;
    if (head->first == ISO_CBOR_NULL) {
        *out = (struct iso_value){.choice = {.payload = NULL, .index = 0}};
        return ISO_OK;
    }
    if (type->element->kind == ISO_V_OPTION) {
        return read_case(d, type, &iso_some_names, path, head, out);
    }
    enum iso_err err = read_payload(d, type->element, path, head, &payload);
    if (err == ISO_OK) {
        *out = (struct iso_value){.choice = {.payload = payload, .index = 1}};
    }
    return err;
}

static enum iso_err read_name(struct iso_decoder *d, const struct iso_vtype *type,
                              const struct iso_vpath *path, const struct iso_cbor_head *head,
                              const char *kind, uint32_t *out)
{
    struct iso_str name;
    enum iso_err err = read_text(d, type, path, head, &name);
    if (err != ISO_OK) {
        return err;
    }
    uint32_t index = iso_member_find(type, name, 0);
    if (index == type->member_count) {
        return iso_decoder_unknown(d, path, head->start, type, kind, name);
    }
    *out = index;
    return ISO_OK;
}

static enum iso_err read_flags(struct iso_decoder *d, const struct iso_vtype *type,
                               const struct iso_vpath *path, const struct iso_cbor_head *head,
                               struct iso_value *out)
{
    void *memory = NULL;
    struct iso_cbor_items items;
    struct iso_vpath step = {.up = path};
    if (head->major != ISO_CBOR_ARRAY) {
        return iso_cbor_mismatch(d, path, type, head);
    }
    enum iso_err err = iso_cbor_begin(d, path, head, &items);
    if (err == ISO_OK) {
        err = iso_decoder_alloc(d, iso_vtype_flag_words(type), sizeof(uint32_t), &memory);
    }
    uint32_t *words = memory;
    for (; err == ISO_OK && iso_cbor_next(d, &items); step.index++) {
        struct iso_cbor_head item;
        uint32_t index = 0;
        err = iso_cbor_read_head(d, &step, &item);
        if (err == ISO_OK && item.major != ISO_CBOR_TEXT) {
            err = iso_cbor_expected(d, &step, "the name of a flag", &item);
        }
        if (err == ISO_OK) {
            err = read_name(d, type, &step, &item, "flag", &index);
        }
        if (err == ISO_OK && (words[index / 32] >> index % 32 & 1) != 0) {
            err = iso_decoder_fail(d, ISO_E_ARGUMENT, &step, item.start, "given twice");
        }
        if (err == ISO_OK) {
            words[index / 32] |= UINT32_C(1) << index % 32;
        }
    }
    out->flags = words;
    return err;
}

static enum iso_err read_by_kind(struct iso_decoder *d, const struct iso_vtype *type,
                                 const struct iso_vpath *path, const struct iso_cbor_head *head,
                                 struct iso_value *out)
{
    uint32_t index = 0;
    enum iso_err err = ISO_OK;
    switch (type->kind) {
    case ISO_V_BOOL:
        return read_bool(d, type, path, head, out);
    case ISO_V_F32:
    case ISO_V_F64:
        return read_float(d, type, path, head, out);
    case ISO_V_CHAR:
        return read_character(d, type, path, head, out);
    case ISO_V_STRING:
        return read_text(d, type, path, head, &out->string);
    case ISO_V_LIST:
        return read_list(d, type, path, head, out);
    case ISO_V_TUPLE:
    case ISO_V_RECORD:
        return read_record_or_tuple(d, type, path, head, out);
    case ISO_V_OPTION:
        return read_option(d, type, path, head, out);
    case ISO_V_RESULT:
        return read_case(d, type, &iso_result_names, path, head, out);
    case ISO_V_VARIANT:
        return read_case(d, type, type, path, head, out);
    case ISO_V_ENUM:
        err = read_name(d, type, path, head, "case", &index);
        out->u = index;
        return err;
    case ISO_V_FLAGS:
        return read_flags(d, type, path, head, out);
    default:
        return read_integer(d, type, path, head, out);
    }
}

/* The value whose head was read. */
static enum iso_err read_item(struct iso_decoder *d, const struct iso_vtype *type,
                              const struct iso_vpath *path, const struct iso_cbor_head *head,
                              struct iso_value *out)
{
    enum iso_err err = iso_decoder_enter(d, path);
    if (err == ISO_OK) {
        err = read_by_kind(d, type, path, head, out);
        iso_decoder_leave(d);
    }
    return err;
}

static enum iso_err read_value(struct iso_decoder *d, const struct iso_vtype *type,
                               const struct iso_vpath *path, struct iso_value *out)
{
    struct iso_cbor_head head;
    enum iso_err err = iso_cbor_read_head(d, path, &head);
    return err == ISO_OK ? read_item(d, type, path, &head, out) : err;
}

/* The head of the outermost item, behind the tag that may say that this is CBOR. */
static enum iso_err read_first_head(struct iso_decoder *d, const struct iso_vpath *path,
                                    struct iso_cbor_head *out)
{
    enum iso_err err = iso_cbor_read_head(d, path, out);
    if (err == ISO_OK && out->major == ISO_CBOR_TAG && out->argument == ISO_CBOR_TAG_SELF) {
        err = iso_cbor_read_head(d, path, out);
    }
    return err;
}

/* Nothing may follow the value. */
static enum iso_err read_end(const struct iso_decoder *d, const struct iso_vpath *path)
{
    return d->at == d->end ? ISO_OK
                           : iso_decoder_fail(d, ISO_E_MALFORMED, path, d->at,
                                              "expected the end of the input, found more");
}

enum iso_err iso_cbor_decode(const struct iso_vtype *type, struct iso_bytes bytes, const char *root,
                             struct iso_arena *arena, struct iso_value *out,
                             struct iso_report *report)
{
    struct iso_decoder decoder;
    struct iso_cbor_head head;
    struct iso_vpath path = {.name = iso_str_from_z(root)};
    struct iso_value value = {.u = 0};

    iso_decoder_init(&decoder, ISO_FORM_CBOR, bytes, arena, report);
    enum iso_err err = read_first_head(&decoder, &path, &head);
    if (err == ISO_OK) {
        err = read_item(&decoder, type, &path, &head, &value);
    }
    if (err == ISO_OK) {
        err = read_end(&decoder, &path);
    }
    iso_decoder_fini(&decoder);
    if (err == ISO_OK) {
        *out = value;
    }
    return err;
}

static enum iso_err read_params(struct iso_decoder *d, const struct iso_vtype *params,
                                struct iso_value *values)
{
    struct iso_vpath path = {.up = NULL};
    struct iso_cbor_head head;
    struct iso_seen seen = {{0}};

    if (d->at == d->end) {
        return iso_decoder_fill(d, params, &path, d->at, &seen, values);
    }
    enum iso_err err = read_first_head(d, &parameters, &head);
    if (err != ISO_OK) {
        return err;
    }
    if (head.major == ISO_CBOR_MAP) {
        err = read_members(d, params, &path, &head, "parameter", values);
    } else if (head.major == ISO_CBOR_ARRAY) {
        err = read_sequence(d, params, &path, &head, true, values);
    } else {
        return iso_cbor_expected(d, &parameters, "a map of them by name, or an array in order",
                                 &head);
    }
    return err == ISO_OK ? read_end(d, &parameters) : err;
}

enum iso_err iso_cbor_decode_params(const struct iso_wit_func *func, struct iso_bytes bytes,
                                    struct iso_arena *arena, struct iso_value *values,
                                    struct iso_report *report)
{
    return iso_decoder_params(ISO_FORM_CBOR, read_params, func, bytes, arena, values, report);
}
