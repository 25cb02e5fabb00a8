/* decode_types.c - types of the binary format (spec 5.3) and the type section (5.5.4). */
#include "engine/decode.h"

bool iso_is_num_type(uint8_t type)
{
    return type >= ISO_TYPE_F64 && type <= ISO_TYPE_I32;
}

bool iso_is_ref_type(uint8_t type)
{
    return type == ISO_TYPE_FUNCREF || type == ISO_TYPE_EXTERNREF;
}

enum iso_err iso_decode_value_type(struct iso_decoder *d, uint8_t *out)
{
    const uint8_t *at = d->reader.pos;
    uint8_t type = 0;
    enum iso_err err = iso_read_u8(&d->reader, &type);
    if (err != ISO_OK) {
        return err;
    }
    if (!iso_is_value_type(type)) {
        return ISO_DECODE_FAIL(d, ISO_E_MALFORMED, at, "malformed value type 0x%02x", type);
    }
    *out = type;
    return ISO_OK;
}

enum iso_err iso_decode_ref_type(struct iso_decoder *d, uint8_t *out)
{
    const uint8_t *at = d->reader.pos;
    uint8_t type = 0;
    enum iso_err err = iso_read_u8(&d->reader, &type);
    if (err != ISO_OK) {
        return err;
    }
    if (!iso_is_ref_type(type)) {
        return ISO_DECODE_FAIL(d, ISO_E_MALFORMED, at,
                               "malformed reference type 0x%02x: funcref is 0x70, externref 0x6f",
                               type);
    }
    *out = type;
    return ISO_OK;
}

/* A byte that is 0 or 1. */
static enum iso_err read_flag(struct iso_decoder *d, const char *text, bool *out)
{
    const uint8_t *at = d->reader.pos;
    uint8_t byte = 0;
    enum iso_err err = iso_read_u8(&d->reader, &byte);
    if (err != ISO_OK) {
        return err;
    }
    if (byte > 1) {
        return ISO_DECODE_FAIL(d, ISO_E_MALFORMED, at, "%s: 0x%02x is neither 0 nor 1", text, byte);
    }
    *out = byte == 1;
    return ISO_OK;
}

/* Limits (spec 5.3.7). The flag is an integer to the reference interpreter, hence its wording. */
static enum iso_err read_limits(struct iso_decoder *d, struct iso_limits *out)
{
    struct iso_reader *reader = &d->reader;
    bool is_long = reader->pos != reader->end && *reader->pos >= 0x80;
    const uint8_t *at = reader->pos;
    struct iso_limits limits = {.max = 0};
    enum iso_err err = read_flag(d,
                                 is_long ? "integer representation too long in the flag of limits"
                                         : "integer too large in the flag of limits",
                                 &limits.has_max);
    if (err == ISO_OK) {
        err = iso_read_u32(reader, &limits.min);
    }
    if (err == ISO_OK && limits.has_max) {
        err = iso_read_u32(reader, &limits.max);
    }
    if (err != ISO_OK) {
        return err;
    }
    if (limits.has_max && limits.min > limits.max) {
        return ISO_DECODE_FAIL(d, ISO_E_INVALID, at,
                               "size minimum must not be greater than maximum: %u > %u",
                               (unsigned)limits.min, (unsigned)limits.max);
    }
    *out = limits;
    return ISO_OK;
}

enum iso_err iso_decode_table_type(struct iso_decoder *d, struct iso_module_table *out)
{
    struct iso_module_table table = {.type = 0};
    enum iso_err err = iso_decode_ref_type(d, &table.type);
    if (err == ISO_OK) {
        err = read_limits(d, &table.limits);
    }
    if (err == ISO_OK) {
        *out = table;
    }
    return err;
}

enum iso_err iso_decode_memory_type(struct iso_decoder *d, struct iso_limits *out)
{
    const uint8_t *at = d->reader.pos;
    struct iso_limits limits;
    enum iso_err err = read_limits(d, &limits);
    if (err != ISO_OK) {
        return err;
    }
    uint32_t most = limits.has_max ? limits.max : limits.min; /* min <= max */
    if (most > ISO_MAX_MEMORY_PAGES) {
        return ISO_DECODE_FAIL(d, ISO_E_INVALID, at,
                               "memory size must be at most 65536 pages (4GiB), not %u",
                               (unsigned)most);
    }
    *out = limits;
    return ISO_OK;
}

enum iso_err iso_decode_global_type(struct iso_decoder *d, struct iso_module_global *out)
{
    uint8_t type = 0;
    bool is_mutable = false;
    enum iso_err err = iso_decode_value_type(d, &type);
    if (err == ISO_OK) {
        err = read_flag(d, "malformed mutability", &is_mutable);
    }
    if (err != ISO_OK) {
        return err;
    }
    out->type = type;
    out->is_mutable = is_mutable;
    return ISO_OK;
}

enum iso_err iso_decode_type_use(struct iso_decoder *d, const struct iso_interned_type **out)
{
    const uint8_t *at = d->reader.pos;
    uint32_t index = 0;
    enum iso_err err = iso_read_u32(&d->reader, &index);
    if (err != ISO_OK) {
        return err;
    }
    if (index >= d->module->type_count) {
        return ISO_DECODE_FAIL(d, ISO_E_INVALID, at, "unknown type %u: the module has %u",
                               (unsigned)index, (unsigned)d->module->type_count);
    }
    *out = d->module->types[index];
    return ISO_OK;
}

/* A vector of value types, left where it is: in the format, too, a type is one byte. */
static enum iso_err read_result_type(struct iso_decoder *d, uint32_t max, const char *what,
                                     struct iso_bytes *out)
{
    uint32_t count = 0;
    enum iso_err err = iso_read_count(&d->reader, 1, max, what, &count);
    if (err != ISO_OK) {
        return err;
    }
    const uint8_t *types = d->reader.pos;
    for (uint32_t i = 0; i < count; i++) {
        uint8_t type = 0;
        err = iso_decode_value_type(d, &type);
        if (err != ISO_OK) {
            return err;
        }
    }
    *out = iso_bytes_from(types, count);
    return ISO_OK;
}

static enum iso_err read_func_type(struct iso_decoder *d, const struct iso_interned_type **out)
{
    const uint8_t *at = d->reader.pos;
    uint8_t form = 0;
    enum iso_err err = iso_read_u8(&d->reader, &form);
    if (err == ISO_OK && form != 0x60) {
        err = ISO_DECODE_FAIL(d, ISO_E_MALFORMED, at,
                              "malformed definition type 0x%02x: a function type begins with 0x60",
                              form);
    }
    struct iso_bytes params = {.len = 0}, results = {.len = 0};
    if (err == ISO_OK) {
        err = read_result_type(d, ISO_MAX_PARAMS, "parameters", &params);
    }
    if (err == ISO_OK) {
        err = read_result_type(d, ISO_MAX_RESULTS, "results", &results);
    }
    if (err != ISO_OK) {
        return err;
    }
    return iso_types_intern(d->module->engine, params.ptr, (uint32_t)params.len, results.ptr,
                            (uint32_t)results.len, out);
}

enum iso_err iso_decode_types(struct iso_decoder *d)
{
    enum { MIN_BYTES = 3 };
    struct iso_module *module = d->module;
    uint32_t count = 0;
    enum iso_err err = iso_read_count(&d->reader, MIN_BYTES, ISO_MAX_TYPES, "types", &count);
    if (err != ISO_OK) {
        return err;
    }
    module->types = ISO_DECODE_ARRAY(d, count, const struct iso_interned_type *);
    if (module->types == NULL) {
        return ISO_E_NOMEM;
    }
    for (uint32_t i = 0; i < count && err == ISO_OK; i++) {
        err = read_func_type(d, &module->types[i]);
    }
    module->type_count = count;
    return err;
}
