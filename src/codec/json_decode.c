/* JSON to values, driven by the type: RFC 8259 under the mapping of docs/internals/codec.md. */
#include "codec/json_read.h"

#include <math.h>

static enum iso_err read_value(struct iso_decoder *d, const struct iso_vtype *type,
                               const struct iso_vpath *path, struct iso_value *out);

/* A number that is not in range, or no whole one: shown as it was written. */
static enum iso_err read_integer(struct iso_decoder *d, const struct iso_vtype *type,
                                 const struct iso_vpath *path, struct iso_value *out)
{
    struct iso_vrange range = iso_vkind_range(type->kind);
    const uint8_t *start = d->at;
    struct iso_decimal decimal;
    uint64_t magnitude = 0;
    struct iso_str text = iso_str_from((const char *)d->at, (size_t)(d->end - d->at));
    bool quoted = (type->kind == ISO_V_S64 || type->kind == ISO_V_U64) && iso_json_peek(d) == '"';

    if (quoted) {
        enum iso_err err = iso_json_read_string(d, path, &text);
        if (err != ISO_OK) {
            return err;
        }
    }
    size_t used = iso_decimal_scan(text, &decimal);
    bool fits = used != 0 && (!quoted || (used == text.len && decimal.plain)) &&
                iso_decimal_u64(&decimal, &magnitude);
    if (fits && decimal.negative && magnitude != 0) {
        fits = iso_vkind_is_signed(type->kind) && magnitude <= range.max + 1;
    } else if (fits) {
        fits = magnitude <= range.max;
    }
    if (!fits) {
        d->at = start;
        return iso_json_mismatch(d, path, type);
    }
    if (!quoted) {
        d->at += used;
    }
    if (iso_vkind_is_signed(type->kind)) {
        /* The lowest number has no positive counterpart. */
        out->s =
            decimal.negative && magnitude != 0 ? -(int64_t)(magnitude - 1) - 1 : (int64_t)magnitude;
    } else {
        out->u = magnitude;
    }
    return ISO_OK;
}

/* "nan", "inf", "-inf". */
static bool special_float(struct iso_str text, float *out)
{
    if (iso_str_equal_z(text, "nan")) {
        *out = NAN;
    } else if (iso_str_equal_z(text, "inf")) {
        *out = INFINITY;
    } else if (iso_str_equal_z(text, "-inf")) {
        *out = -INFINITY;
    } else {
        return false;
    }
    return true;
}

static enum iso_err read_float(struct iso_decoder *d, const struct iso_vtype *type,
                               const struct iso_vpath *path, struct iso_value *out)
{
    const uint8_t *start = d->at;
    struct iso_decimal decimal;
    bool is_f32 = type->kind == ISO_V_F32;

    if (iso_json_peek(d) == '"') {
        struct iso_str text;
        float special = 0;
        enum iso_err err = iso_json_read_string(d, path, &text);
        if (err != ISO_OK) {
            return err;
        }
        if (!special_float(text, &special)) {
            d->at = start;
            return iso_json_mismatch(d, path, type);
        }
        if (is_f32) {
            out->f32 = special;
        } else {
            out->f64 = (double)special;
        }
        return ISO_OK;
    }
    size_t used =
        iso_decimal_scan(iso_str_from((const char *)d->at, (size_t)(d->end - d->at)), &decimal);
    if (used == 0) {
        return iso_json_mismatch(d, path, type);
    }
    if (!(is_f32 ? iso_decimal_f32(&decimal, &out->f32) : iso_decimal_f64(&decimal, &out->f64))) {
        return iso_json_expected(d, path,
                                 is_f32 ? "f32 (magnitudes to 3.4028235e38)"
                                        : "f64 (magnitudes to 1.7976931348623157e308)");
    }
    d->at += used;
    return ISO_OK;
}

/* A string where the type wants one. */
static enum iso_err read_text(struct iso_decoder *d, const struct iso_vtype *type,
                              const struct iso_vpath *path, struct iso_str *out)
{
    iso_json_skip_space(d);
    if (iso_json_peek(d) != '"') {
        return iso_json_mismatch(d, path, type);
    }
    return iso_json_read_string(d, path, out);
}

static enum iso_err read_character(struct iso_decoder *d, const struct iso_vtype *type,
                                   const struct iso_vpath *path, struct iso_value *out)
{
    const uint8_t *start = d->at;
    struct iso_str text;
    enum iso_err err = read_text(d, type, path, &text);
    if (err == ISO_OK && !iso_character_decode(text, &out->character)) {
        d->at = start;
        err = iso_json_mismatch(d, path, type);
    }
    return err;
}

static enum iso_err read_string_value(struct iso_decoder *d, const struct iso_vtype *type,
                                      const struct iso_vpath *path, struct iso_value *out)
{
    struct iso_str text;
    void *copy = NULL;
    enum iso_err err = read_text(d, type, path, &text);
    if (err != ISO_OK) {
        return err;
    }
    const uint8_t *from = (const uint8_t *)text.ptr;
    bool in_arena = text.len != 0 && (from < d->start || from >= d->end);
    if (!in_arena) {
        err = iso_decoder_alloc(d, text.len, 1, &copy);
        if (err != ISO_OK) {
            return err;
        }
        iso_memory_copy(copy, text.ptr, text.len);
        text.ptr = copy;
    }
    out->string = text;
    return ISO_OK;
}

static enum iso_err read_base64(struct iso_decoder *d, const struct iso_vpath *path,
                                struct iso_value *out)
{
    const uint8_t *start = d->at;
    struct iso_str text;
    void *bytes = NULL;
    size_t bad = 0;
    enum iso_err err = iso_json_read_string(d, path, &text);
    if (err != ISO_OK) {
        return err;
    }
    size_t len = iso_base64_decoded_size(text);
    err = iso_decoder_alloc(d, len, 1, &bytes);
    if (err != ISO_OK) {
        return err;
    }
    if (!iso_base64_decode(text, bytes, &bad)) {
        return iso_decoder_fail(d, ISO_E_ARGUMENT, path, start,
                                "expected list<u8> (a base64 string, padded with '='), found an "
                                "error at character %zu",
                                bad + 1);
    }
    out->bytes = iso_bytes_from(bytes, len);
    return ISO_OK;
}

/* The items of a list from behind '[' on. Bytes are collected as bytes. */
static enum iso_err read_items(struct iso_decoder *d, const struct iso_vtype *type,
                               const struct iso_vpath *path, struct iso_value *out)
{
    bool is_bytes = type->element->kind == ISO_V_U8;
    size_t mark = d->scratch.len;
    struct iso_vpath step = {.up = path};
    bool more = !iso_json_take(d, ']');

    for (; more; step.index++) {
        struct iso_value item = {.u = 0};
        enum iso_err err = read_value(d, type->element, &step, &item);
        uint8_t byte = (uint8_t)item.u;
        if (err == ISO_OK) {
            err =
                is_bytes ? iso_decoder_push(d, &byte, 1) : iso_decoder_push(d, &item, sizeof item);
        }
        if (err == ISO_OK) {
            err = iso_json_read_separator(d, path, ']', &more);
        }
        if (err != ISO_OK) {
            return err;
        }
    }
    return is_bytes ? iso_decoder_pop(d, mark, &out->bytes) : iso_decoder_pop_items(d, mark, out);
}

static enum iso_err read_list(struct iso_decoder *d, const struct iso_vtype *type,
                              const struct iso_vpath *path, struct iso_value *out)
{
    if (type->element->kind == ISO_V_U8 && iso_json_peek(d) == '"') {
        return read_base64(d, path, out);
    }
    return iso_json_take(d, '[') ? read_items(d, type, path, out)
                                 : iso_json_mismatch(d, path, type);
}

/* Names the whole of the parameters in messages. */
static const struct iso_vpath parameters = {.name = {.ptr = "parameters", .len = 10}};

/* The members in order, from behind '[' on: a tuple, or parameters (`named`), of which options at
 * the end may be left out. */
static enum iso_err read_sequence(struct iso_decoder *d, const struct iso_vtype *type,
                                  const struct iso_vpath *path, bool named, struct iso_value *items)
{
    const uint8_t *start = d->at - 1;
    struct iso_seen seen = {{0}};
    bool more = !iso_json_take(d, ']');
    uint32_t count = 0;

    for (; more; count++) {
        struct iso_vpath step = {.up = path, .index = count};
        if (count == type->member_count) {
            return iso_decoder_fail(d, ISO_E_ARGUMENT, named ? &parameters : path, d->at,
                                    "expected %u %s, found more", (unsigned)count,
                                    named ? "parameters" : "items");
        }
        step.name = type->members[count].name;
        (void)iso_seen_mark(&seen, count);
        enum iso_err err = read_value(d, type->members[count].type, &step, &items[count]);
        if (err == ISO_OK) {
            err = iso_json_read_separator(d, path, ']', &more);
        }
        if (err != ISO_OK) {
            return err;
        }
    }
    if (named) {
        return iso_decoder_fill(d, type, path, start, &seen, items);
    }
    return count == type->member_count
               ? ISO_OK
               : iso_decoder_fail(d, ISO_E_ARGUMENT, path, start, "expected %u items, found %u",
                                  (unsigned)type->member_count, (unsigned)count);
}

/* The members by name, from behind '{' on. */
static enum iso_err read_members(struct iso_decoder *d, const struct iso_vtype *type,
                                 const struct iso_vpath *path, const char *kind,
                                 struct iso_value *items)
{
    const uint8_t *start = d->at - 1;
    struct iso_seen seen = {{0}};
    uint32_t hint = 0;
    bool more = !iso_json_take(d, '}');

    while (more) {
        struct iso_str name;
        iso_json_skip_space(d);
        const uint8_t *key = d->at;
        enum iso_err err = iso_json_read_key(d, path, &name);
        if (err != ISO_OK) {
            return err;
        }
        uint32_t index = iso_member_find(type, name, hint);
        if (index == type->member_count) {
            return iso_decoder_unknown_member(d, path, key, type, kind, name);
        }
        struct iso_vpath step = {.up = path, .name = type->members[index].name};
        if (!iso_seen_mark(&seen, index)) {
            return iso_decoder_fail(d, ISO_E_ARGUMENT, &step, key, "given twice");
        }
        err = read_value(d, type->members[index].type, &step, &items[index]);
        if (err == ISO_OK) {
            err = iso_json_read_separator(d, path, '}', &more);
        }
        if (err != ISO_OK) {
            return err;
        }
        hint = index + 1;
    }
    return iso_decoder_fill(d, type, path, start, &seen, items);
}

static enum iso_err read_record_or_tuple(struct iso_decoder *d, const struct iso_vtype *type,
                                         const struct iso_vpath *path, struct iso_value *out)
{
    bool is_record = type->kind == ISO_V_RECORD;
    void *memory = NULL;
    if (!iso_json_take(d, is_record ? '{' : '[')) {
        return iso_json_mismatch(d, path, type);
    }
    enum iso_err err = iso_decoder_alloc(d, type->member_count, sizeof(struct iso_value), &memory);
    if (err == ISO_OK) {
        err = is_record ? read_members(d, type, path, "field", memory)
                        : read_sequence(d, type, path, false, memory);
    }
    if (err == ISO_OK) {
        *out = (struct iso_value){.list = {.items = memory, .count = type->member_count}};
    }
    return err;
}

/* The payload of a case, or the null of a case without. */
static enum iso_err read_payload(struct iso_decoder *d, const struct iso_vtype *type,
                                 const struct iso_vpath *path, const struct iso_value **out)
{
    void *memory = NULL;
    iso_json_skip_space(d);
    if (type == NULL) {
        *out = NULL;
        return iso_json_take_word(d, "null")
                   ? ISO_OK
                   : iso_json_expected(d, path, "null (this case has no payload)");
    }
    enum iso_err err = iso_decoder_alloc(d, 1, sizeof(struct iso_value), &memory);
    if (err == ISO_OK) {
        err = read_value(d, type, path, memory);
    }
    *out = memory;
    return err;
}

/* {"case": payload} of a variant or result, {"some": value}. The members of `names` have the names
 * of the cases. */
static enum iso_err read_case(struct iso_decoder *d, const struct iso_vtype *type,
                              const struct iso_vtype *names, const struct iso_vpath *path,
                              struct iso_value *out)
{
    struct iso_str name;
    if (!iso_json_take(d, '{')) {
        return iso_json_mismatch(d, path, type);
    }
    iso_json_skip_space(d);
    const uint8_t *key = d->at;
    if (iso_json_peek(d) == '}') {
        return iso_decoder_mismatch(d, path, key - 1, type, "an empty object");
    }
    enum iso_err err = iso_json_read_key(d, path, &name);
    if (err != ISO_OK) {
        return err;
    }
    uint32_t index = iso_member_find(names, name, 0);
    if (index == names->member_count) {
        return iso_decoder_unknown(d, path, key, names, "case", name);
    }
    struct iso_vpath step = {.up = path, .name = names->members[index].name};
    if (type->kind == ISO_V_OPTION) {
        index = 1; /* of the cases none and some, only the second is an object */
    }
    const struct iso_value *payload = NULL;
    err = read_payload(d, iso_vtype_case_payload(type, index), &step, &payload);
    if (err == ISO_OK && !iso_json_take(d, '}')) {
        bool more = iso_json_peek(d) == ',';
        err = iso_decoder_fail(d, more ? ISO_E_ARGUMENT : ISO_E_MALFORMED, path, d->at,
                               more ? "expected an object with one case, found more"
                                    : "expected '}'");
    }
    if (err == ISO_OK) {
        *out = (struct iso_value){.choice = {.payload = payload, .index = index}};
    }
    return err;
}

static enum iso_err read_option(struct iso_decoder *d, const struct iso_vtype *type,
                                const struct iso_vpath *path, struct iso_value *out)
{
    const struct iso_value *payload = NULL;
    if (iso_json_take_word(d, "null")) {
        *out = (struct iso_value){.choice = {.payload = NULL, .index = 0}};
        return ISO_OK;
    }
    if (type->element->kind == ISO_V_OPTION) {
        return read_case(d, type, &iso_some_names, path, out);
    }
    enum iso_err err = read_payload(d, type->element, path, &payload);
    if (err == ISO_OK) {
        *out = (struct iso_value){.choice = {.payload = payload, .index = 1}};
    }
    return err;
}

static enum iso_err read_enum(struct iso_decoder *d, const struct iso_vtype *type,
                              const struct iso_vpath *path, const char *kind, uint32_t *out)
{
    struct iso_str name;
    const uint8_t *start = d->at;
    enum iso_err err = read_text(d, type, path, &name);
    if (err != ISO_OK) {
        return err;
    }
    uint32_t index = iso_member_find(type, name, 0);
    if (index == type->member_count) {
        return iso_decoder_unknown(d, path, start, type, kind, name);
    }
    *out = index;
    return ISO_OK;
}

static enum iso_err read_flags(struct iso_decoder *d, const struct iso_vtype *type,
                               const struct iso_vpath *path, struct iso_value *out)
{
    void *memory = NULL;
    if (!iso_json_take(d, '[')) {
        return iso_json_mismatch(d, path, type);
    }
    enum iso_err err = iso_decoder_alloc(d, iso_vtype_flag_words(type), sizeof(uint32_t), &memory);
    uint32_t *words = memory;
    struct iso_vpath step = {.up = path};
    bool more = err == ISO_OK && !iso_json_take(d, ']');
    for (; more; step.index++) {
        uint32_t index = 0;
        iso_json_skip_space(d);
        const uint8_t *start = d->at;
        if (iso_json_peek(d) != '"') {
            return iso_json_expected(d, &step, "the name of a flag");
        }
        err = read_enum(d, type, &step, "flag", &index);
        if (err == ISO_OK && (words[index / 32] >> index % 32 & 1) != 0) {
            err = iso_decoder_fail(d, ISO_E_ARGUMENT, &step, start, "given twice");
        }
        if (err == ISO_OK) {
            words[index / 32] |= UINT32_C(1) << index % 32;
            err = iso_json_read_separator(d, path, ']', &more);
        }
        if (err != ISO_OK) {
            return err;
        }
    }
    out->flags = words;
    return err;
}

static enum iso_err read_bool(struct iso_decoder *d, const struct iso_vtype *type,
                              const struct iso_vpath *path, struct iso_value *out)
{
    bool is_true = iso_json_take_word(d, "true");
    if (!is_true && !iso_json_take_word(d, "false")) {
        return iso_json_mismatch(d, path, type);
    }
    out->boolean = is_true;
    return ISO_OK;
}

static enum iso_err read_by_kind(struct iso_decoder *d, const struct iso_vtype *type,
                                 const struct iso_vpath *path, struct iso_value *out)
{
    uint32_t index = 0;
    enum iso_err err = ISO_OK;
    switch (type->kind) {
    case ISO_V_BOOL:
        return read_bool(d, type, path, out);
    case ISO_V_F32:
    case ISO_V_F64:
        return read_float(d, type, path, out);
    case ISO_V_CHAR:
        return read_character(d, type, path, out);
    case ISO_V_STRING:
        return read_string_value(d, type, path, out);
    case ISO_V_LIST:
        return read_list(d, type, path, out);
    case ISO_V_TUPLE:
    case ISO_V_RECORD:
        return read_record_or_tuple(d, type, path, out);
    case ISO_V_OPTION:
        return read_option(d, type, path, out);
    case ISO_V_RESULT:
        return read_case(d, type, &iso_result_names, path, out);
    case ISO_V_VARIANT:
        return read_case(d, type, type, path, out);
    case ISO_V_ENUM:
        err = read_enum(d, type, path, "case", &index);
        out->u = index;
        return err;
    case ISO_V_FLAGS:
        return read_flags(d, type, path, out);
    default:
        return read_integer(d, type, path, out);
    }
}

static enum iso_err read_value(struct iso_decoder *d, const struct iso_vtype *type,
                               const struct iso_vpath *path, struct iso_value *out)
{
    enum iso_err err = iso_decoder_enter(d, path);
    if (err == ISO_OK) {
        iso_json_skip_space(d);
        err = read_by_kind(d, type, path, out);
        iso_decoder_leave(d);
    }
    return err;
}

/* Nothing may follow the value. */
static enum iso_err read_end(struct iso_decoder *d, const struct iso_vpath *path)
{
    iso_json_skip_space(d);
    return d->at == d->end ? ISO_OK
                           : iso_decoder_fail(d, ISO_E_MALFORMED, path, d->at,
                                              "expected the end of the text, found more");
}

enum iso_err iso_json_decode(const struct iso_vtype *type, struct iso_bytes text, const char *root,
                             struct iso_arena *arena, struct iso_value *out,
                             struct iso_report *report)
{
    struct iso_decoder decoder;
    struct iso_vpath path = {.name = iso_str_from_z(root)};
    struct iso_value value = {.u = 0};

    iso_decoder_init(&decoder, ISO_FORM_JSON, text, arena, report);
    enum iso_err err = read_value(&decoder, type, &path, &value);
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
                                struct iso_value *items)
{
    struct iso_vpath path = {.up = NULL};
    struct iso_seen seen = {{0}};
    enum iso_err err = ISO_OK;

    iso_json_skip_space(d);
    if (d->at == d->end) {
        return iso_decoder_fill(d, params, &path, d->at, &seen, items);
    }
    if (iso_json_take(d, '{')) {
        err = read_members(d, params, &path, "parameter", items);
    } else if (iso_json_take(d, '[')) {
        err = read_sequence(d, params, &path, true, items);
    } else {
        return iso_json_expected(d, &parameters, "an object of them by name, or an array in order");
    }
    return err == ISO_OK ? read_end(d, &parameters) : err;
}

enum iso_err iso_json_decode_params(const struct iso_wit_func *func, struct iso_bytes text,
                                    struct iso_arena *arena, struct iso_value *values,
                                    struct iso_report *report)
{
    return iso_decoder_params(ISO_FORM_JSON, read_params, func, text, arena, values, report);
}
