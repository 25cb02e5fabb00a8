/*
 * validate_control.c - structured control (spec 3.3.8) and the stack of control frames, on the
 * heap: nesting costs memory in proportion to the module's bytes, and no recursion.
 */
#include "engine/validate.h"

/* Types of blocks that are written as one byte, without a type index. */
static const uint8_t one_type[] = {ISO_TYPE_I32,  ISO_TYPE_I64,     ISO_TYPE_F32,      ISO_TYPE_F64,
                                   ISO_TYPE_V128, ISO_TYPE_FUNCREF, ISO_TYPE_EXTERNREF};
#define ONE_RESULT(index, slots)                                                                   \
    {                                                                                              \
        .results = &one_type[index], .result_count = 1, .result_slots = (slots)                    \
    }
static const struct iso_func_type short_types[] = {
    ONE_RESULT(0, 1), ONE_RESULT(1, 1), ONE_RESULT(2, 1), ONE_RESULT(3, 1),
    ONE_RESULT(4, 2), ONE_RESULT(5, 1), ONE_RESULT(6, 1),
};
static const struct iso_func_type empty_type;

enum { BLOCK_TYPE_EMPTY = 0x40, FIRST_CONTROLS = 64 };

/* ---- Frames -------------------------------------------------------------------------------- */

/* Opens a block whose parameters have been popped. */
static enum iso_err push_control(struct iso_validator *v, uint8_t op,
                                 const struct iso_func_type *type)
{
    if (v->control_count > ISO_MAX_BLOCK_DEPTH) { /* the function's own frame counts too */
        return iso_validate_fail(v, ISO_E_LIMIT, "more than %u nested blocks", ISO_MAX_BLOCK_DEPTH);
    }
    if (v->control_count == v->control_capacity) {
        uint32_t capacity = v->control_capacity != 0 ? v->control_capacity * 2 : FIRST_CONTROLS;
        struct iso_control *controls =
            iso_alloc_resize(v->alloc, v->controls, v->control_capacity * sizeof *controls,
                             capacity * sizeof *controls);
        if (controls == NULL) {
            return ISO_E_NOMEM;
        }
        v->controls = controls;
        v->control_capacity = capacity;
    }
    v->base = v->sp;
    v->controls[v->control_count++] =
        (struct iso_control){.type = type, .height = (uint32_t)(v->sp - v->stack), .op = op};
    return iso_push_types(v, iso_params_of(type));
}

/* Closes the innermost block: its results, and nothing else, must be there. */
static enum iso_err pop_control(struct iso_validator *v)
{
    const struct iso_func_type *type = iso_control_top(v)->type;
    enum iso_err err = iso_pop_types(v, iso_results_of(type));
    if (err != ISO_OK) {
        return err;
    }
    if (v->sp != v->base) {
        return iso_validate_fail(v, ISO_E_INVALID,
                                 "type mismatch: %s finds %zu more stack slots in use than the "
                                 "block's results need",
                                 iso_op_name(v->op), (size_t)(v->sp - v->base));
    }
    v->control_count--;
    v->base = v->control_count != 0 ? v->stack + iso_control_top(v)->height : v->stack;
    return ISO_OK;
}

enum iso_err iso_validate_begin(struct iso_validator *v)
{
    const struct iso_func_type *type = &v->module->funcs[v->func_index].type->type;
    v->body_type = (struct iso_func_type){.results = type->results,
                                          .result_count = type->result_count,
                                          .result_slots = type->result_slots};
    v->sp = v->base = v->peak = v->stack;
    v->control_count = 0;
    return push_control(v, ISO_OP_BLOCK, &v->body_type);
}

/* ---- Blocks -------------------------------------------------------------------------------- */

/* Block types (spec 5.4.1): empty, one result, or an index of a function type. */
static enum iso_err read_block_type(struct iso_validator *v, const struct iso_func_type **out)
{
    struct iso_reader *reader = &v->reader;
    if (reader->pos != reader->end && (*reader->pos & 0xc0) == 0x40) {
        uint8_t byte = *reader->pos++;
        if (byte == BLOCK_TYPE_EMPTY) {
            *out = &empty_type;
            return ISO_OK;
        }
        for (size_t i = 0; i < ISO_COUNT_OF(one_type); i++) {
            if (byte == one_type[i]) {
                *out = &short_types[i];
                return ISO_OK;
            }
        }
        return iso_validate_fail(v, ISO_E_MALFORMED, "malformed block type 0x%02x", byte);
    }
    int64_t index = 0;
    enum iso_err err = iso_read_s33(reader, &index);
    if (err != ISO_OK) {
        return err;
    }
    if (index < 0) {
        return iso_validate_fail(v, ISO_E_MALFORMED, "malformed block type: it is negative");
    }
    if (index >= v->module->type_count) {
        return iso_validate_fail(v, ISO_E_INVALID, "unknown type %u: the module has %u",
                                 (unsigned)index, (unsigned)v->module->type_count);
    }
    *out = &v->module->types[index]->type;
    return ISO_OK;
}

static enum iso_err validate_block(struct iso_validator *v)
{
    const struct iso_func_type *type = NULL;
    enum iso_err err = read_block_type(v, &type);
    if (err == ISO_OK && v->op == ISO_OP_IF) {
        err = iso_pop(v, ISO_TYPE_I32);
    }
    if (err == ISO_OK) {
        err = iso_pop_types(v, iso_params_of(type));
    }
    return err == ISO_OK ? push_control(v, (uint8_t)v->op, type) : err;
}

static enum iso_err validate_else(struct iso_validator *v)
{
    struct iso_control block = *iso_control_top(v);
    if (block.op != ISO_OP_IF) {
        return iso_validate_fail(v, ISO_E_MALFORMED, "END opcode expected: else without if");
    }
    enum iso_err err = pop_control(v);
    return err == ISO_OK ? push_control(v, ISO_OP_ELSE, block.type) : err;
}

static enum iso_err validate_end(struct iso_validator *v)
{
    struct iso_control block = *iso_control_top(v);
    const struct iso_func_type *type = block.type;
    enum iso_err err = pop_control(v);
    if (err != ISO_OK) {
        return err;
    }
    if (block.op == ISO_OP_IF &&
        (type->param_count != type->result_count ||
         !iso_memory_equal(type->params, type->results, type->param_count))) {
        return iso_validate_fail(v, ISO_E_INVALID,
                                 "type mismatch: an if without else must leave what it takes");
    }
    return iso_push_types(v, iso_results_of(type));
}

/* ---- Branches ------------------------------------------------------------------------------ */

static enum iso_err find_label(struct iso_validator *v, uint32_t depth, struct iso_type_list *out)
{
    if (depth >= v->control_count) {
        return iso_validate_fail(v, ISO_E_INVALID, "unknown label %u: %u blocks are open",
                                 (unsigned)depth, (unsigned)v->control_count);
    }
    const struct iso_control *block = &v->controls[v->control_count - 1 - depth];
    *out = block->op == ISO_OP_LOOP ? iso_params_of(block->type) : iso_results_of(block->type);
    return ISO_OK;
}

static enum iso_err read_label(struct iso_validator *v, struct iso_type_list *out)
{
    uint32_t depth = 0;
    enum iso_err err = iso_read_u32(&v->reader, &depth);
    return err == ISO_OK ? find_label(v, depth, out) : err;
}

static enum iso_err validate_br(struct iso_validator *v)
{
    struct iso_type_list label = {NULL, 0, 0};
    enum iso_err err = read_label(v, &label);
    if (err == ISO_OK) {
        err = iso_pop_types(v, label);
    }
    if (err == ISO_OK) {
        iso_set_unreachable(v);
    }
    return err;
}

/* What br_if leaves has the label's types, also where unreachable code had unknown ones. */
static enum iso_err validate_br_if(struct iso_validator *v)
{
    struct iso_type_list label = {NULL, 0, 0};
    enum iso_err err = read_label(v, &label);
    if (err == ISO_OK) {
        err = iso_pop(v, ISO_TYPE_I32);
    }
    if (err != ISO_OK || label.count == 0) {
        return err;
    }
    err = iso_pop_types(v, label);
    return err == ISO_OK ? iso_push_types(v, label) : err;
}

/* The operands are checked against every target, the default too, and must be as many for each.
 * Targets in sequence usually carry the same list: it is checked once. */
static enum iso_err validate_br_table(struct iso_validator *v)
{
    uint32_t count = 0;
    enum iso_err err = iso_read_count(&v->reader, 1, ISO_MAX_BR_TABLE, "branch targets", &count);
    if (err == ISO_OK) {
        err = iso_pop(v, ISO_TYPE_I32);
    }
    struct iso_type_list label = {NULL, 0, 0}, last = {NULL, 0, 0};
    for (uint32_t i = 0; err == ISO_OK && i <= count; i++) {
        err = read_label(v, &label);
        if (err != ISO_OK || (i != 0 && label.types == last.types && label.count == last.count)) {
            continue;
        }
        if (i != 0 && label.count != last.count) {
            return iso_validate_fail(v, ISO_E_INVALID,
                                     "type mismatch: br_table has targets that expect %u and %u "
                                     "operands",
                                     (unsigned)last.count, (unsigned)label.count);
        }
        err = iso_check_types(v, label);
        last = label;
    }
    if (err == ISO_OK) {
        iso_set_unreachable(v);
    }
    return err;
}

static enum iso_err validate_return(struct iso_validator *v)
{
    enum iso_err err = iso_pop_types(v, iso_results_of(&v->body_type));
    if (err == ISO_OK) {
        iso_set_unreachable(v);
    }
    return err;
}

/* ---- Calls --------------------------------------------------------------------------------- */

static enum iso_err apply_type(struct iso_validator *v, const struct iso_func_type *type)
{
    enum iso_err err = iso_pop_types(v, iso_params_of(type));
    return err == ISO_OK ? iso_push_types(v, iso_results_of(type)) : err;
}

static enum iso_err validate_call(struct iso_validator *v)
{
    uint32_t index = 0;
    enum iso_err err = iso_read_u32(&v->reader, &index);
    if (err != ISO_OK) {
        return err;
    }
    if (index >= v->module->func_count) {
        return iso_validate_fail(v, ISO_E_INVALID, "unknown function %u: the module has %u",
                                 (unsigned)index, (unsigned)v->module->func_count);
    }
    return apply_type(v, &v->module->funcs[index].type->type);
}

static enum iso_err validate_call_indirect(struct iso_validator *v)
{
    const struct iso_module *module = v->module;
    uint32_t type = 0, table = 0;
    enum iso_err err = iso_read_u32(&v->reader, &type);
    if (err == ISO_OK) {
        err = iso_read_u32(&v->reader, &table);
    }
    if (err != ISO_OK) {
        return err;
    }
    if (table >= module->table_count) {
        return iso_validate_fail(v, ISO_E_INVALID, "unknown table %u: the module has %u",
                                 (unsigned)table, (unsigned)module->table_count);
    }
    if (module->tables[table].type != ISO_TYPE_FUNCREF) {
        return iso_validate_fail(v, ISO_E_INVALID,
                                 "type mismatch: call_indirect needs a table of funcref, table %u "
                                 "holds externref",
                                 (unsigned)table);
    }
    if (type >= module->type_count) {
        return iso_validate_fail(v, ISO_E_INVALID, "unknown type %u: the module has %u",
                                 (unsigned)type, (unsigned)module->type_count);
    }
    err = iso_pop(v, ISO_TYPE_I32);
    return err == ISO_OK ? apply_type(v, &module->types[type]->type) : err;
}

enum iso_err iso_validate_control(struct iso_validator *v)
{
    switch (v->op) {
    case ISO_OP_UNREACHABLE:
        iso_set_unreachable(v);
        return ISO_OK;
    case ISO_OP_BLOCK:
    case ISO_OP_LOOP:
    case ISO_OP_IF:
        return validate_block(v);
    case ISO_OP_ELSE:
        return validate_else(v);
    case ISO_OP_END:
        return validate_end(v);
    case ISO_OP_BR:
        return validate_br(v);
    case ISO_OP_BR_IF:
        return validate_br_if(v);
    case ISO_OP_BR_TABLE:
        return validate_br_table(v);
    case ISO_OP_RETURN:
        return validate_return(v);
    case ISO_OP_CALL:
        return validate_call(v);
    default:
        return validate_call_indirect(v);
    }
}
