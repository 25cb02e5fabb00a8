/*
 * decode_segments.c - constant expressions (spec 3.3.10), element segments (5.5.12) and data
 * segments (5.5.14).
 *
 * Every constant instruction of Wasm 2.0 takes nothing and leaves one value, so that a valid
 * expression is exactly one instruction and `end`; whatever else stands there is decoded as far as
 * needed to say what is wrong.
 */
#include "engine/decode.h"
#include "engine/opcodes.h"

/* ---- Constant expressions ------------------------------------------------------------------ */

static enum iso_err read_float_bits(struct iso_decoder *d, struct iso_const_expr *expr,
                                    uint8_t type)
{
    const uint8_t *bits = NULL;
    size_t size = type == ISO_TYPE_F32 ? 4 : 8;
    enum iso_err err = iso_read_bytes(&d->reader, size, &bits);
    if (err == ISO_OK) {
        expr->type = type;
        if (type == ISO_TYPE_F32) {
            expr->value[0].u32 = iso_load_u32le(bits);
        } else {
            expr->value[0].u64 = iso_load_u64le(bits);
        }
    }
    return err;
}

static enum iso_err read_vector_const(struct iso_decoder *d, const uint8_t *at,
                                      struct iso_const_expr *expr)
{
    uint32_t op = 0;
    if (!ISO_SIMD_BUILT) {
        return ISO_DECODE_FAIL(d, ISO_E_UNSUPPORTED, at, ISO_NO_SIMD_TEXT);
    }
    enum iso_err err = iso_read_u32(&d->reader, &op);
    if (err != ISO_OK) {
        return err;
    }
    unsigned code = (unsigned)ISO_OP_PREFIX_VECTOR << 8 | (op & 0xff);
    if (code != ISO_OP_V128_CONST || op > 0xff) {
        if (op > 0xff || *iso_op_name(code) == '?') {
            return ISO_DECODE_FAIL(d, ISO_E_MALFORMED, at, "illegal opcode 0xfd %u", (unsigned)op);
        }
        return ISO_DECODE_FAIL(d, ISO_E_INVALID, at, "constant expression required: not %s",
                               iso_op_name(code));
    }
    const uint8_t *bits = NULL;
    err = iso_read_bytes(&d->reader, 16, &bits);
    if (err == ISO_OK) {
        expr->type = ISO_TYPE_V128;
        memcpy(expr->value[0].bytes, bits, 8);
        memcpy(expr->value[1].bytes, bits + 8, 8);
    }
    return err;
}

/* Only imported globals exist in constant expressions, and only immutable ones are constant. */
static enum iso_err read_global_get(struct iso_decoder *d, struct iso_const_expr *expr)
{
    const struct iso_module *module = d->module;
    const uint8_t *at = d->reader.pos;
    enum iso_err err = iso_read_u32(&d->reader, &expr->index);
    if (err != ISO_OK) {
        return err;
    }
    if (expr->index >= module->global_import_count) {
        return ISO_DECODE_FAIL(d, ISO_E_INVALID, at,
                               "unknown global %u: a constant expression can name an imported one "
                               "only, of which the module has %u",
                               (unsigned)expr->index, (unsigned)module->global_import_count);
    }
    if (module->globals[expr->index].is_mutable) {
        return ISO_DECODE_FAIL(d, ISO_E_INVALID, at,
                               "constant expression required: global %u is mutable",
                               (unsigned)expr->index);
    }
    expr->kind = ISO_CONST_GLOBAL_GET;
    expr->type = module->globals[expr->index].type;
    return ISO_OK;
}

static enum iso_err read_const_op(struct iso_decoder *d, const uint8_t *at, uint8_t op,
                                  struct iso_const_expr *expr)
{
    enum iso_err err;
    switch (op) {
    case ISO_OP_I32_CONST:
        expr->type = ISO_TYPE_I32;
        return iso_read_s32(&d->reader, &expr->value[0].i32);
    case ISO_OP_I64_CONST:
        expr->type = ISO_TYPE_I64;
        return iso_read_s64(&d->reader, &expr->value[0].i64);
    case ISO_OP_F32_CONST:
        return read_float_bits(d, expr, ISO_TYPE_F32);
    case ISO_OP_F64_CONST:
        return read_float_bits(d, expr, ISO_TYPE_F64);
    case ISO_OP_PREFIX_VECTOR:
        return read_vector_const(d, at, expr);
    case ISO_OP_GLOBAL_GET:
        return read_global_get(d, expr);
    case ISO_OP_REF_NULL:
        expr->kind = ISO_CONST_REF_NULL;
        return iso_decode_ref_type(d, &expr->type);
    case ISO_OP_REF_FUNC:
        expr->kind = ISO_CONST_REF_FUNC;
        expr->type = ISO_TYPE_FUNCREF;
        err = iso_decode_func_index(d, &expr->index);
        if (err == ISO_OK) {
            d->module->funcs[expr->index].is_declared = true;
        }
        return err;
    default:
        if (op != ISO_OP_PREFIX_MISC && *iso_op_name(op) == '?') {
            return ISO_DECODE_FAIL(d, ISO_E_MALFORMED, at, "illegal opcode 0x%02x", op);
        }
        return ISO_DECODE_FAIL(d, ISO_E_INVALID, at, "constant expression required: not %s",
                               op == ISO_OP_PREFIX_MISC ? "a bulk operation or conversion"
                                                        : iso_op_name(op));
    }
}

enum iso_err iso_decode_const_expr(struct iso_decoder *d, uint8_t expected,
                                   struct iso_const_expr *out)
{
    const uint8_t *start = d->reader.pos;
    struct iso_const_expr expr = {.kind = ISO_CONST_VALUE};
    for (size_t count = 0;; count++) {
        const uint8_t *at = d->reader.pos;
        uint8_t op = 0;
        enum iso_err err = iso_read_u8(&d->reader, &op);
        if (err != ISO_OK) {
            return err;
        }
        if (op == ISO_OP_END) {
            if (count == 1 && expr.type == expected) {
                *out = expr;
                return ISO_OK;
            }
            return ISO_DECODE_FAIL(d, ISO_E_INVALID, start,
                                   "type mismatch: the constant expression must give one %s, but "
                                   "gives %s",
                                   iso_type_name((enum iso_type)expected),
                                   count == 0   ? "nothing"
                                   : count == 1 ? iso_type_name((enum iso_type)expr.type)
                                                : "several values");
        }
        expr = (struct iso_const_expr){.kind = ISO_CONST_VALUE};
        err = read_const_op(d, at, op, &expr);
        if (err != ISO_OK) {
            return err;
        }
    }
}

/* ---- Element segments ---------------------------------------------------------------------- */

/* The bits of a segment's first number (spec 5.5.12). */
enum {
    ELEM_NOT_ACTIVE = 1,
    ELEM_EXPLICIT = 2, /* active: a table index follows; otherwise: declarative */
    ELEM_EXPRESSIONS = 4,
    ELEM_FLAGS_MAX = 7
};

static enum iso_err read_elem_kind(struct iso_decoder *d)
{
    const uint8_t *at = d->reader.pos;
    uint8_t kind = 0;
    enum iso_err err = iso_read_u8(&d->reader, &kind);
    if (err == ISO_OK && kind != 0) {
        err = ISO_DECODE_FAIL(d, ISO_E_MALFORMED, at,
                              "malformed element kind 0x%02x: only 0x00, functions, exists", kind);
    }
    return err;
}

static enum iso_err read_elem_target(struct iso_decoder *d, uint32_t flags,
                                     struct iso_elem_segment *segment)
{
    const uint8_t *at = d->reader.pos;
    enum iso_err err = ISO_OK;
    if ((flags & ELEM_EXPLICIT) != 0) {
        err = iso_read_u32(&d->reader, &segment->table);
    }
    if (err == ISO_OK && segment->table >= d->module->table_count) {
        err = ISO_DECODE_FAIL(d, ISO_E_INVALID, at, "unknown table %u: the module has %u",
                              (unsigned)segment->table, (unsigned)d->module->table_count);
    }
    if (err == ISO_OK) {
        err = iso_decode_const_expr(d, ISO_TYPE_I32, &segment->offset);
    }
    return err;
}

static enum iso_err read_elem_funcs(struct iso_decoder *d, struct iso_elem_segment *segment)
{
    enum iso_err err =
        iso_read_count(&d->reader, 1, ISO_MAX_TABLE_ELEMS, "elements", &segment->count);
    if (err != ISO_OK) {
        return err;
    }
    uint32_t *funcs = ISO_DECODE_ARRAY(d, segment->count, uint32_t);
    if (funcs == NULL) {
        return ISO_E_NOMEM;
    }
    segment->funcs = funcs;
    for (uint32_t i = 0; i < segment->count && err == ISO_OK; i++) {
        err = iso_decode_func_index(d, &funcs[i]);
        if (err == ISO_OK) {
            d->module->funcs[funcs[i]].is_declared = true;
        }
    }
    return err;
}

static enum iso_err read_elem_exprs(struct iso_decoder *d, struct iso_elem_segment *segment)
{
    enum { MIN_BYTES = 1 }; /* `end` alone is decoded, though never valid */
    enum iso_err err =
        iso_read_count(&d->reader, MIN_BYTES, ISO_MAX_TABLE_ELEMS, "elements", &segment->count);
    if (err != ISO_OK) {
        return err;
    }
    struct iso_const_expr *exprs = ISO_DECODE_ARRAY(d, segment->count, struct iso_const_expr);
    if (exprs == NULL) {
        return ISO_E_NOMEM;
    }
    segment->exprs = exprs;
    for (uint32_t i = 0; i < segment->count && err == ISO_OK; i++) {
        err = iso_decode_const_expr(d, segment->type, &exprs[i]);
    }
    return err;
}

static enum iso_err read_elem(struct iso_decoder *d, struct iso_elem_segment *segment)
{
    const uint8_t *at = d->reader.pos;
    uint32_t flags = 0;
    enum iso_err err = iso_read_u32(&d->reader, &flags);
    if (err != ISO_OK) {
        return err;
    }
    if (flags > ELEM_FLAGS_MAX) {
        return ISO_DECODE_FAIL(d, ISO_E_MALFORMED, at, "malformed elements segment kind %u",
                               (unsigned)flags);
    }
    bool is_active = (flags & ELEM_NOT_ACTIVE) == 0;
    segment->mode = is_active                      ? ISO_SEGMENT_ACTIVE
                    : (flags & ELEM_EXPLICIT) != 0 ? ISO_SEGMENT_DECLARATIVE
                                                   : ISO_SEGMENT_PASSIVE;
    segment->type = ISO_TYPE_FUNCREF;
    if (is_active) {
        err = read_elem_target(d, flags, segment);
    }
    /* The short active forms have neither a kind nor a type. */
    if (err == ISO_OK && (!is_active || (flags & ELEM_EXPLICIT) != 0)) {
        err = (flags & ELEM_EXPRESSIONS) != 0 ? iso_decode_ref_type(d, &segment->type)
                                              : read_elem_kind(d);
    }
    if (err == ISO_OK && is_active && d->module->tables[segment->table].type != segment->type) {
        err = ISO_DECODE_FAIL(d, ISO_E_INVALID, at,
                              "type mismatch: table %u holds %s, the segment %s",
                              (unsigned)segment->table,
                              iso_type_name((enum iso_type)d->module->tables[segment->table].type),
                              iso_type_name((enum iso_type)segment->type));
    }
    if (err != ISO_OK) {
        return err;
    }
    return (flags & ELEM_EXPRESSIONS) != 0 ? read_elem_exprs(d, segment)
                                           : read_elem_funcs(d, segment);
}

enum iso_err iso_decode_elems(struct iso_decoder *d)
{
    enum { MIN_BYTES = 2 };
    struct iso_module *module = d->module;
    uint32_t count = 0;
    enum iso_err err =
        iso_read_count(&d->reader, MIN_BYTES, ISO_MAX_ELEM_SEGMENTS, "element segments", &count);
    if (err != ISO_OK) {
        return err;
    }
    module->elems = ISO_DECODE_ARRAY(d, count, struct iso_elem_segment);
    if (module->elems == NULL) {
        return ISO_E_NOMEM;
    }
    for (uint32_t i = 0; i < count && err == ISO_OK; i++) {
        err = read_elem(d, &module->elems[i]);
    }
    module->elem_count = count;
    return err;
}

/* ---- Data segments ------------------------------------------------------------------------- */

enum { DATA_ACTIVE = 0, DATA_PASSIVE = 1, DATA_ACTIVE_EXPLICIT = 2 };

static enum iso_err read_data_target(struct iso_decoder *d, uint32_t flags,
                                     struct iso_data_segment *segment)
{
    const uint8_t *at = d->reader.pos;
    enum iso_err err = ISO_OK;
    if (flags == DATA_ACTIVE_EXPLICIT) {
        err = iso_read_u32(&d->reader, &segment->memory);
    }
    if (err == ISO_OK && segment->memory >= d->module->memory_count) {
        err = ISO_DECODE_FAIL(d, ISO_E_INVALID, at, "unknown memory %u: the module has %u",
                              (unsigned)segment->memory, (unsigned)d->module->memory_count);
    }
    if (err == ISO_OK) {
        err = iso_decode_const_expr(d, ISO_TYPE_I32, &segment->offset);
    }
    return err;
}

static enum iso_err read_data(struct iso_decoder *d, struct iso_data_segment *segment)
{
    const uint8_t *at = d->reader.pos;
    uint32_t flags = 0, len = 0;
    enum iso_err err = iso_read_u32(&d->reader, &flags);
    if (err == ISO_OK && flags > DATA_ACTIVE_EXPLICIT) {
        err = ISO_DECODE_FAIL(d, ISO_E_MALFORMED, at, "malformed data segment kind %u",
                              (unsigned)flags);
    }
    if (err == ISO_OK) {
        segment->mode = flags == DATA_PASSIVE ? ISO_SEGMENT_PASSIVE : ISO_SEGMENT_ACTIVE;
        if (flags != DATA_PASSIVE) {
            err = read_data_target(d, flags, segment);
        }
    }
    if (err == ISO_OK) {
        err = iso_read_u32(&d->reader, &len);
    }
    if (err == ISO_OK) {
        err = iso_read_bytes(&d->reader, len, &segment->bytes.ptr);
    }
    if (err == ISO_OK) {
        segment->bytes.len = len;
    }
    return err;
}

enum iso_err iso_decode_datas(struct iso_decoder *d)
{
    enum { MIN_BYTES = 2 };
    struct iso_module *module = d->module;
    const uint8_t *at = d->reader.pos;
    uint32_t count = 0;
    enum iso_err err =
        iso_read_count(&d->reader, MIN_BYTES, ISO_MAX_DATA_SEGMENTS, "data segments", &count);
    if (err == ISO_OK && module->has_data_count && count != module->data_count) {
        err = ISO_DECODE_FAIL(d, ISO_E_MALFORMED, at,
                              "data count and data section have inconsistent lengths: %u and %u",
                              (unsigned)module->data_count, (unsigned)count);
    }
    if (err != ISO_OK) {
        return err;
    }
    module->data_count = count;
    module->datas = ISO_DECODE_ARRAY(d, count, struct iso_data_segment);
    if (module->datas == NULL) {
        return ISO_E_NOMEM;
    }
    for (uint32_t i = 0; i < count && err == ISO_OK; i++) {
        err = read_data(d, &module->datas[i]);
    }
    return err;
}
