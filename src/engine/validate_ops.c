/*
 * validate_ops.c - operators that are neither control nor simple numeric ones: parametric,
 * variable, reference, table, memory and vector instructions (spec 3.3.2 to 3.3.7).
 */
#include "engine/validate.h"

/* ---- Checks of indices --------------------------------------------------------------------- */

static enum iso_err check_memory(struct iso_validator *v)
{
    if (v->module->memory_count == 0) {
        return iso_validate_fail(v, ISO_E_INVALID, "unknown memory 0: the module has none");
    }
    return ISO_OK;
}

static enum iso_err check_index(struct iso_validator *v, const char *what, uint32_t index,
                                uint32_t count)
{
    if (index >= count) {
        return iso_validate_fail(v, ISO_E_INVALID, "unknown %s %u: there are %u", what,
                                 (unsigned)index, (unsigned)count);
    }
    return ISO_OK;
}

/* Reads an index that must be below `count`. */
static enum iso_err read_index(struct iso_validator *v, const char *what, uint32_t count,
                               uint32_t *index)
{
    enum iso_err err = iso_read_u32(&v->reader, index);
    return err == ISO_OK ? check_index(v, what, *index, count) : err;
}

static enum iso_err table_type(struct iso_validator *v, uint32_t index, uint8_t *type)
{
    enum iso_err err = check_index(v, "table", index, v->module->table_count);
    if (err == ISO_OK) {
        *type = v->module->tables[index].type;
    }
    return err;
}

static enum iso_err read_table(struct iso_validator *v, uint8_t *type)
{
    uint32_t index = 0;
    enum iso_err err = iso_read_u32(&v->reader, &index);
    return err == ISO_OK ? table_type(v, index, type) : err;
}

static enum iso_err elem_type(struct iso_validator *v, uint32_t index, uint8_t *type)
{
    enum iso_err err = check_index(v, "elem segment", index, v->module->elem_count);
    if (err == ISO_OK) {
        *type = v->module->elems[index].type;
    }
    return err;
}

/* Data segments stand behind the code: their number must have been announced. */
static enum iso_err read_data(struct iso_validator *v, uint32_t *index)
{
    enum iso_err err = iso_read_u32(&v->reader, index);
    if (err == ISO_OK && !v->module->has_data_count) {
        err = iso_validate_fail(v, ISO_E_MALFORMED, "data count section required for %s",
                                iso_op_name(v->op));
    }
    return err;
}

static enum iso_err check_data(struct iso_validator *v, uint32_t index)
{
    return check_index(v, "data segment", index, v->module->data_count);
}

/* The place of a memory index, in Wasm 2.0. */
static enum iso_err read_zero_byte(struct iso_validator *v)
{
    uint8_t byte = 0;
    enum iso_err err = iso_read_u8(&v->reader, &byte);
    if (err == ISO_OK && byte != 0) {
        err = iso_validate_fail(v, ISO_E_MALFORMED, "zero byte expected after %s, not 0x%02x",
                                iso_op_name(v->op), byte);
    }
    return err;
}

enum iso_err iso_validate_memarg(struct iso_validator *v, uint8_t natural)
{
    uint32_t align = 0, offset = 0;
    enum iso_err err = iso_read_u32(&v->reader, &align);
    if (err == ISO_OK && align >= 32) {
        err = iso_validate_fail(v, ISO_E_MALFORMED, "malformed memop flags: alignment 2^%u",
                                (unsigned)align);
    }
    if (err == ISO_OK) {
        err = iso_read_u32(&v->reader, &offset);
    }
    if (err == ISO_OK) {
        err = check_memory(v);
    }
    if (err == ISO_OK && align > natural) {
        err = iso_validate_fail(v, ISO_E_INVALID,
                                "alignment must not be larger than natural: %s has 2^%u, at most "
                                "2^%u makes sense",
                                iso_op_name(v->op), (unsigned)align, (unsigned)natural);
    }
    return err;
}

/* ---- Operands by signature ----------------------------------------------------------------- */

enum iso_err iso_validate_shape(struct iso_validator *v, const struct iso_op_shape *shape)
{
    for (unsigned i = shape->in_count; i > 0; i--) {
        enum iso_err err = iso_pop(v, shape->in[i - 1]);
        if (err != ISO_OK) {
            return err;
        }
    }
    if (shape->out != 0) {
        iso_push(v, shape->out);
    }
    return ISO_OK;
}

static enum iso_err pop_three_i32(struct iso_validator *v)
{
    static const uint8_t types[3] = {ISO_TYPE_I32, ISO_TYPE_I32, ISO_TYPE_I32};
    return iso_pop_types(v, (struct iso_type_list){types, 3, 3});
}

/* ---- Variables and parametric -------------------------------------------------------------- */

enum iso_err iso_validate_local(struct iso_validator *v, uint8_t class, uint32_t index)
{
    if (index >= v->local_count) {
        return iso_validate_fail(v, ISO_E_INVALID, "unknown local %u: the function has %u",
                                 (unsigned)index, (unsigned)v->local_count);
    }
    uint8_t type = v->locals[index];
    if (class != ISO_CLASS_LOCAL_GET) {
        enum iso_err err = iso_pop(v, type);
        if (err != ISO_OK) {
            return err;
        }
    }
    if (class != ISO_CLASS_LOCAL_SET) {
        iso_push(v, type);
    }
    return ISO_OK;
}

static enum iso_err validate_global(struct iso_validator *v)
{
    const struct iso_module *module = v->module;
    uint32_t index = 0;
    enum iso_err err = read_index(v, "global", module->global_count, &index);
    if (err != ISO_OK) {
        return err;
    }
    const struct iso_module_global *global = &module->globals[index];
    if (v->op == ISO_OP_GLOBAL_GET) {
        iso_push(v, global->type);
        return ISO_OK;
    }
    if (!global->is_mutable) {
        return iso_validate_fail(v, ISO_E_INVALID, "global is immutable: global.set of global %u",
                                 (unsigned)index);
    }
    return iso_pop(v, global->type);
}

static bool is_reference(uint8_t type)
{
    return type == ISO_TYPE_FUNCREF || type == ISO_TYPE_EXTERNREF;
}

/* Without a written type, the operands say which, and references are not allowed. */
static enum iso_err validate_select(struct iso_validator *v)
{
    uint8_t a = 0, b = 0;
    enum iso_err err = iso_pop(v, ISO_TYPE_I32);
    if (err == ISO_OK) {
        err = iso_pop_any(v, &b);
    }
    if (err == ISO_OK) {
        err = iso_pop_any(v, &a);
    }
    if (err != ISO_OK) {
        return err;
    }
    if (is_reference(a) || is_reference(b)) {
        return iso_validate_fail(v, ISO_E_INVALID,
                                 "type mismatch: select expects numbers or vectors but found %s; "
                                 "for references it must state its type",
                                 iso_type_name((enum iso_type)(is_reference(a) ? a : b)));
    }
    if (a != b && a != ISO_TYPE_UNKNOWN && b != ISO_TYPE_UNKNOWN) {
        return iso_validate_fail(v, ISO_E_INVALID,
                                 "type mismatch: select expects two operands of one type but "
                                 "found %s and %s",
                                 iso_type_name((enum iso_type)a), iso_type_name((enum iso_type)b));
    }
    uint8_t type = a != ISO_TYPE_UNKNOWN ? a : b;
    iso_push(v, type);
    return ISO_OK;
}

static enum iso_err read_value_type(struct iso_validator *v, uint8_t *out)
{
    uint8_t type = 0;
    enum iso_err err = iso_read_u8(&v->reader, &type);
    bool known =
        err == ISO_OK && ((type >= ISO_TYPE_V128 && type <= ISO_TYPE_I32) || is_reference(type));
    if (err == ISO_OK && !known) {
        err = iso_validate_fail(v, ISO_E_MALFORMED, "malformed value type 0x%02x", type);
    }
    if (err == ISO_OK) {
        *out = type;
    }
    return err;
}

static enum iso_err validate_typed_select(struct iso_validator *v)
{
    uint32_t count = 0;
    uint8_t type = ISO_TYPE_UNKNOWN;
    enum iso_err err = iso_read_count(&v->reader, 1, UINT32_MAX, "types", &count);
    for (uint32_t i = 0; err == ISO_OK && i < count; i++) {
        err = read_value_type(v, &type);
    }
    if (err == ISO_OK && count != 1) {
        err = iso_validate_fail(v, ISO_E_INVALID,
                                "invalid result arity: select has %u types, "
                                "not 1",
                                (unsigned)count);
    }
    if (err == ISO_OK) {
        err = iso_pop(v, ISO_TYPE_I32);
    }
    if (err == ISO_OK) {
        err = iso_pop(v, type);
    }
    if (err == ISO_OK) {
        err = iso_pop(v, type);
    }
    if (err == ISO_OK) {
        iso_push(v, type);
    }
    return err;
}

/* ---- References and tables ----------------------------------------------------------------- */

static enum iso_err validate_ref_null(struct iso_validator *v)
{
    uint8_t type = 0;
    enum iso_err err = iso_read_u8(&v->reader, &type);
    if (err == ISO_OK && !is_reference(type)) {
        err = iso_validate_fail(v, ISO_E_MALFORMED, "malformed reference type 0x%02x", type);
    }
    if (err == ISO_OK) {
        iso_push(v, type);
    }
    return err;
}

static enum iso_err validate_ref_is_null(struct iso_validator *v)
{
    uint8_t type = 0;
    enum iso_err err = iso_pop_any(v, &type);
    if (err == ISO_OK && type != ISO_TYPE_UNKNOWN && !is_reference(type)) {
        err = iso_validate_fail(v, ISO_E_INVALID,
                                "type mismatch: ref.is_null expects a reference but found %s",
                                iso_type_name((enum iso_type)type));
    }
    if (err == ISO_OK) {
        iso_push(v, ISO_TYPE_I32);
    }
    return err;
}

static enum iso_err validate_ref_func(struct iso_validator *v)
{
    uint32_t index = 0;
    enum iso_err err = read_index(v, "function", v->module->func_count, &index);
    if (err == ISO_OK && !v->module->funcs[index].is_declared) {
        err = iso_validate_fail(v, ISO_E_INVALID,
                                "undeclared function reference: function %u is neither exported "
                                "nor in an element segment or global",
                                (unsigned)index);
    }
    if (err == ISO_OK) {
        iso_push(v, ISO_TYPE_FUNCREF);
    }
    return err;
}

static enum iso_err validate_table_get_set(struct iso_validator *v)
{
    uint8_t type = 0;
    enum iso_err err = read_table(v, &type);
    if (err == ISO_OK && v->op == ISO_OP_TABLE_SET) {
        err = iso_pop(v, type);
    }
    if (err == ISO_OK) {
        err = iso_pop(v, ISO_TYPE_I32);
    }
    if (err == ISO_OK && v->op == ISO_OP_TABLE_GET) {
        iso_push(v, type);
    }
    return err;
}

static enum iso_err validate_elem_drop(struct iso_validator *v)
{
    uint32_t index = 0;
    uint8_t type = 0;
    enum iso_err err = iso_read_u32(&v->reader, &index);
    return err == ISO_OK ? elem_type(v, index, &type) : err;
}

/* table.init: segment and table; table.copy: destination and source. */
static enum iso_err validate_table_init_copy(struct iso_validator *v)
{
    bool is_init = v->op == ISO_OP_TABLE_INIT;
    uint32_t first = 0, second = 0;
    uint8_t to = 0, from = 0;
    enum iso_err err = iso_read_u32(&v->reader, &first);
    if (err == ISO_OK) {
        err = iso_read_u32(&v->reader, &second);
    }
    if (err == ISO_OK) {
        err = table_type(v, is_init ? second : first, &to);
    }
    if (err == ISO_OK) {
        err = is_init ? elem_type(v, first, &from) : table_type(v, second, &from);
    }
    if (err == ISO_OK && from != to) {
        err = iso_validate_fail(v, ISO_E_INVALID, "type mismatch: %s of %s into a table of %s",
                                iso_op_name(v->op), iso_type_name((enum iso_type)from),
                                iso_type_name((enum iso_type)to));
    }
    return err == ISO_OK ? pop_three_i32(v) : err;
}

static enum iso_err validate_table_grow_size_fill(struct iso_validator *v)
{
    uint8_t type = 0;
    enum iso_err err = read_table(v, &type);
    if (err == ISO_OK && v->op != ISO_OP_TABLE_SIZE) {
        err = iso_pop(v, ISO_TYPE_I32);
        if (err == ISO_OK) {
            err = iso_pop(v, type);
        }
    }
    if (err == ISO_OK && v->op == ISO_OP_TABLE_FILL) {
        return iso_pop(v, ISO_TYPE_I32);
    }
    if (err == ISO_OK) {
        iso_push(v, ISO_TYPE_I32);
    }
    return err;
}

/* ---- Memory -------------------------------------------------------------------------------- */

static enum iso_err validate_memory_size_grow(struct iso_validator *v)
{
    enum iso_err err = read_zero_byte(v);
    if (err == ISO_OK) {
        err = check_memory(v);
    }
    if (err == ISO_OK && v->op == ISO_OP_MEMORY_GROW) {
        err = iso_pop(v, ISO_TYPE_I32);
    }
    if (err == ISO_OK) {
        iso_push(v, ISO_TYPE_I32);
    }
    return err;
}

static enum iso_err validate_memory_bulk(struct iso_validator *v)
{
    bool is_init = v->op == ISO_OP_MEMORY_INIT;
    uint32_t data = 0;
    enum iso_err err = is_init ? read_data(v, &data) : ISO_OK;
    if (err == ISO_OK) {
        err = read_zero_byte(v);
    }
    if (err == ISO_OK && v->op == ISO_OP_MEMORY_COPY) {
        err = read_zero_byte(v);
    }
    if (err == ISO_OK) {
        err = check_memory(v);
    }
    if (err == ISO_OK && is_init) {
        err = check_data(v, data);
    }
    return err == ISO_OK ? pop_three_i32(v) : err;
}

static enum iso_err validate_data_drop(struct iso_validator *v)
{
    uint32_t index = 0;
    enum iso_err err = read_data(v, &index);
    return err == ISO_OK ? check_data(v, index) : err;
}

/* ---- Prefixes ------------------------------------------------------------------------------ */

/* Reads the second part of an operator's code, whose table has `count` rows. */
static enum iso_err read_second(struct iso_validator *v, const struct iso_op_shape *table,
                                uint32_t count, const struct iso_op_shape **out)
{
    unsigned prefix = v->op;
    uint32_t number = 0;
    enum iso_err err = iso_read_u32(&v->reader, &number);
    if (err != ISO_OK) {
        return err;
    }
    if (number >= count || table[number].class == ISO_CLASS_ILLEGAL) {
        return iso_validate_fail(v, ISO_E_MALFORMED, "illegal opcode 0x%02x %u", prefix,
                                 (unsigned)number);
    }
    v->op = prefix << 8 | number;
    *out = &table[number];
    return ISO_OK;
}

static enum iso_err validate_misc(struct iso_validator *v)
{
    const struct iso_op_shape *shape = NULL;
    enum iso_err err = read_second(v, iso_op_shapes_misc, ISO_COUNT_OF(iso_op_shapes_misc), &shape);
    if (err != ISO_OK) {
        return err;
    }
    switch (v->op) {
    case ISO_OP_MEMORY_INIT:
    case ISO_OP_MEMORY_COPY:
    case ISO_OP_MEMORY_FILL:
        return validate_memory_bulk(v);
    case ISO_OP_DATA_DROP:
        return validate_data_drop(v);
    case ISO_OP_ELEM_DROP:
        return validate_elem_drop(v);
    case ISO_OP_TABLE_INIT:
    case ISO_OP_TABLE_COPY:
        return validate_table_init_copy(v);
    case ISO_OP_TABLE_GROW:
    case ISO_OP_TABLE_SIZE:
    case ISO_OP_TABLE_FILL:
        return validate_table_grow_size_fill(v);
    default:
        return iso_validate_shape(v, shape);
    }
}

static enum iso_err read_lane(struct iso_validator *v, unsigned lanes)
{
    uint8_t lane = 0;
    enum iso_err err = iso_read_u8(&v->reader, &lane);
    if (err == ISO_OK && lane >= lanes) {
        err = iso_validate_fail(v, ISO_E_INVALID, "invalid lane index %u: %s has %u lanes",
                                (unsigned)lane, iso_op_name(v->op), lanes);
    }
    return err;
}

static enum iso_err validate_vector(struct iso_validator *v)
{
    const struct iso_op_shape *shape = NULL;
    const uint8_t *bytes = NULL;
    enum iso_err err =
        read_second(v, iso_op_shapes_vector, ISO_COUNT_OF(iso_op_shapes_vector), &shape);
    if (err != ISO_OK) {
        return err;
    }
    if ((shape->flags & ISO_SHAPE_MEMARG) != 0) {
        err = iso_validate_memarg(v, shape->align);
    }
    if (err == ISO_OK && (shape->flags & ISO_SHAPE_LANES) != 0) {
        err = read_lane(v, shape->flags & ISO_SHAPE_LANES);
    }
    if (err == ISO_OK && (shape->flags & ISO_SHAPE_CONST) != 0) {
        err = iso_read_bytes(&v->reader, 16, &bytes);
    }
    if ((shape->flags & ISO_SHAPE_SHUFFLE) != 0) {
        for (unsigned i = 0; err == ISO_OK && i < 16; i++) {
            err = read_lane(v, 32);
        }
    }
    return err == ISO_OK ? iso_validate_shape(v, shape) : err;
}

static enum iso_err refuse_vector(struct iso_validator *v)
{
    return iso_validate_fail(v, ISO_E_UNSUPPORTED, ISO_NO_SIMD_TEXT);
}

enum iso_err iso_validate_other(struct iso_validator *v)
{
    uint8_t type = 0;
    switch (v->op) {
    case ISO_OP_DROP:
        return iso_pop_any(v, &type);
    case ISO_OP_SELECT:
        return validate_select(v);
    case ISO_OP_SELECT_T:
        return validate_typed_select(v);
    case ISO_OP_GLOBAL_GET:
    case ISO_OP_GLOBAL_SET:
        return validate_global(v);
    case ISO_OP_TABLE_GET:
    case ISO_OP_TABLE_SET:
        return validate_table_get_set(v);
    case ISO_OP_MEMORY_SIZE:
    case ISO_OP_MEMORY_GROW:
        return validate_memory_size_grow(v);
    case ISO_OP_REF_NULL:
        return validate_ref_null(v);
    case ISO_OP_REF_IS_NULL:
        return validate_ref_is_null(v);
    case ISO_OP_REF_FUNC:
        return validate_ref_func(v);
    case ISO_OP_PREFIX_MISC:
        return validate_misc(v);
    case ISO_OP_PREFIX_VECTOR:
        return ISO_SIMD_BUILT ? validate_vector(v) : refuse_vector(v);
    default:
        return iso_validate_control(v);
    }
}
