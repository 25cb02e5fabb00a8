/*
 * translate.c - from a validated function body to internal code, in one pass.
 * See translate.h for the parts and docs/internals/engine.md for the design.
 */
#include "engine/translate.h"

/* ---- Immediates of instructions that are skipped ------------------------------------------ */

static void skip_leb(struct iso_translator *t)
{
    while ((*t->p++ & 0x80u) != 0) {
    }
}

static void skip_vector_immediates(struct iso_translator *t, uint32_t opcode)
{
    uint32_t n = opcode - 0xFD00u;
    if (opcode == ISO_OP_V128_CONST || opcode == ISO_OP_I8X16_SHUFFLE) {
        t->p += 16;
    } else if (n <= 11 || n == 0x5c || n == 0x5d) {
        skip_leb(t);
        skip_leb(t);
    } else if (n >= 0x54 && n <= 0x5b) {
        skip_leb(t);
        skip_leb(t);
        t->p++;
    } else if (n >= 0x15 && n <= 0x22) {
        t->p++;
    }
}

static void skip_immediates(struct iso_translator *t, uint32_t opcode)
{
    switch (opcode) {
    case ISO_OP_BLOCK:
    case ISO_OP_LOOP:
    case ISO_OP_IF:
    case ISO_OP_BR:
    case ISO_OP_BR_IF:
    case ISO_OP_CALL:
    case ISO_OP_LOCAL_GET:
    case ISO_OP_LOCAL_SET:
    case ISO_OP_LOCAL_TEE:
    case ISO_OP_GLOBAL_GET:
    case ISO_OP_GLOBAL_SET:
    case ISO_OP_TABLE_GET:
    case ISO_OP_TABLE_SET:
    case ISO_OP_MEMORY_SIZE:
    case ISO_OP_MEMORY_GROW:
    case ISO_OP_I32_CONST:
    case ISO_OP_I64_CONST:
    case ISO_OP_REF_NULL:
    case ISO_OP_REF_FUNC:
    case ISO_OP_MEMORY_FILL:
    case ISO_OP_DATA_DROP:
    case ISO_OP_ELEM_DROP:
    case ISO_OP_TABLE_GROW:
    case ISO_OP_TABLE_SIZE:
    case ISO_OP_TABLE_FILL:
        skip_leb(t);
        break;
    case ISO_OP_CALL_INDIRECT:
    case ISO_OP_MEMORY_INIT:
    case ISO_OP_MEMORY_COPY:
    case ISO_OP_TABLE_INIT:
    case ISO_OP_TABLE_COPY:
        skip_leb(t);
        skip_leb(t);
        break;
    case ISO_OP_F32_CONST:
        t->p += 4;
        break;
    case ISO_OP_F64_CONST:
        t->p += 8;
        break;
    case ISO_OP_SELECT_T:
    case ISO_OP_BR_TABLE: {
        uint32_t count = iso_tr_u32(t);
        for (uint32_t i = opcode == ISO_OP_BR_TABLE ? 0 : 1; i <= count; i++) {
            skip_leb(t);
        }
        break;
    }
    default:
        if (opcode >= ISO_OP_I32_LOAD && opcode <= ISO_OP_I64_STORE32) {
            skip_leb(t);
            skip_leb(t);
        } else if (opcode >= 0xFD00) {
            skip_vector_immediates(t, opcode);
        }
        break;
    }
}

/* One instruction in code that is never reached. */
static void skip_instruction(struct iso_translator *t, uint32_t opcode)
{
    switch (opcode) {
    case ISO_OP_BLOCK:
    case ISO_OP_LOOP:
    case ISO_OP_IF:
        t->skip_depth++;
        break;
    case ISO_OP_ELSE:
        if (t->skip_depth == 0) {
            iso_tr_else(t);
            return;
        }
        break;
    case ISO_OP_END:
        if (t->skip_depth == 0) {
            iso_tr_end(t);
            return;
        }
        t->skip_depth--;
        break;
    default:
        break;
    }
    skip_immediates(t, opcode);
}

/* ---- Instructions that are neither numeric nor control ------------------------------------- */

static void tr_select(struct iso_translator *t)
{
    iso_tr_settle_sums(t, 3);
    struct iso_operand condition = iso_tr_pop(t);
    struct iso_operand otherwise = iso_tr_pop(t);
    struct iso_operand chosen = iso_tr_pop(t);
    uint8_t type = chosen.type;
    static const uint16_t by_class[ISO_ACC_COUNT] = {ISO_OPN_i64_select_S, ISO_OPN_f32_select_S,
                                                     ISO_OPN_f64_select_S};
    enum iso_acc_class k = iso_tr_class(type);
    bool in_acc = condition.where == ISO_IN_ACC && k != ISO_ACC_NONE;
    uint32_t b = iso_tr_in_slot(t, &chosen);
    uint32_t c0 = iso_tr_in_slot(t, &otherwise);
    uint32_t c1 = in_acc ? 0 : iso_tr_in_slot(t, &condition);
    uint32_t operands = 0;
    uint16_t halves[2] = {(uint16_t)c0, (uint16_t)c1};
    memcpy(&operands, halves, sizeof operands);
    if (k != ISO_ACC_NONE) {
        uint32_t opn = type == ISO_TYPE_I32 ? ISO_OPN_i32_select_S : by_class[k];
        iso_tr_push_acc(t, type, opn + (in_acc ? 2u : 0u), b, operands);
    } else {
        uint32_t opn = type == ISO_TYPE_V128 ? ISO_OPN_select_v128 : ISO_OPN_select_64;
        iso_tr_push_slot(t, type, opn, b, operands);
    }
}

struct global_ops {
    uint16_t get;
    uint16_t set; /* S; A follows */
};

static struct global_ops own_global_ops(uint8_t type)
{
    switch (type) {
    case ISO_TYPE_I32:
        return (struct global_ops){ISO_OPN_i32_global_get, ISO_OPN_i32_global_set_S};
    case ISO_TYPE_I64:
        return (struct global_ops){ISO_OPN_i64_global_get, ISO_OPN_i64_global_set_S};
    case ISO_TYPE_F32:
        return (struct global_ops){ISO_OPN_f32_global_get, ISO_OPN_f32_global_set_S};
    default:
        return (struct global_ops){ISO_OPN_f64_global_get, ISO_OPN_f64_global_set_S};
    }
}

static void tr_global_get(struct iso_translator *t, uint32_t index)
{
    uint8_t type = t->module->globals[index].type;
    uint32_t imports = t->module->global_import_count;
    if (index >= imports && iso_tr_class(type) != ISO_ACC_NONE) {
        iso_tr_push_acc(t, type, own_global_ops(type).get, 0, index - imports);
    } else {
        iso_tr_push_slot(t, type, ISO_OPN_global_get, iso_type_slots(type), index);
    }
}

static void tr_global_set(struct iso_translator *t, uint32_t index)
{
    uint8_t type = t->module->globals[index].type;
    uint32_t imports = t->module->global_import_count;
    struct iso_operand value = iso_tr_pop(t);
    bool own = index >= imports && iso_tr_class(type) != ISO_ACC_NONE;
    if (own && value.where == ISO_IN_ACC) {
        iso_tr_emit(t, own_global_ops(type).set + 1u, 0, 0, index - imports);
        return;
    }
    uint32_t slot = iso_tr_in_slot(t, &value);
    if (own) {
        iso_tr_emit(t, own_global_ops(type).set, slot, 0, index - imports);
    } else {
        iso_tr_emit(t, ISO_OPN_global_set, slot, iso_type_slots(type), index);
    }
}

/*
 * An instruction done in C: up to three operands from slots a, b, h[0] (the first pushed first),
 * two indices in the following cell (c, a | b << 16), and, with a result, its slot in h[1].
 */
static void tr_call_c(struct iso_translator *t, uint32_t opn, uint32_t operands, uint32_t index,
                      uint32_t index2, uint8_t result)
{
    uint32_t in[3] = {0, 0, 0};
    iso_tr_settle_sums(t, operands);
    for (uint32_t i = operands; i-- > 0;) {
        struct iso_operand o = iso_tr_pop(t);
        in[i] = iso_tr_in_slot(t, &o);
    }
    uint32_t slot = t->next_slot;
    uint32_t near = result != 0 ? iso_tr_result_slot(t, slot, 1) : 0;
    uint32_t cell = iso_tr_emit(t, opn, in[0], in[1], 0);
    t->cells[cell].h[0] = (uint16_t)in[2];
    t->cells[cell].h[1] = (uint16_t)near;
    iso_tr_emit_literal(t, 0);
    t->cells[cell + 1].c = index;
    t->cells[cell + 1].a = (uint16_t)(index2 & 0xffffu);
    t->cells[cell + 1].b = (uint16_t)(index2 >> 16);
    if (result != 0) {
        iso_tr_result_done(t, near, slot, 1);
        iso_tr_wrote(t, slot);
        iso_tr_push(t, result, ISO_ENTRY_TEMP);
    }
}

/* An operation that writes both the accumulator and slot a. */
static void tr_both(struct iso_translator *t, uint32_t opn, uint32_t b)
{
    iso_tr_spill_class(t, ISO_ACC_I);
    uint32_t slot = t->next_slot;
    uint32_t near = iso_tr_result_slot(t, slot, 1);
    iso_tr_emit(t, opn, near, b, 0);
    iso_tr_result_done(t, near, slot, 1);
    iso_tr_wrote(t, slot);
    t->acc_slot[ISO_ACC_I] = slot;
    iso_tr_push(t, ISO_TYPE_I32, ISO_ENTRY_TEMP);
}

static bool tr_reference_or_table(struct iso_translator *t, uint32_t opcode)
{
    uint32_t x;
    uint32_t y;
    switch (opcode) {
    case ISO_OP_REF_NULL:
        iso_tr_push_const(t, *t->p++, 0);
        return true;
    case ISO_OP_REF_IS_NULL: {
        struct iso_operand o = iso_tr_pop(t);
        tr_both(t, ISO_OPN_ref_is_null, iso_tr_in_slot(t, &o));
        return true;
    }
    case ISO_OP_REF_FUNC:
        iso_tr_push_slot(t, ISO_TYPE_FUNCREF, ISO_OPN_ref_func, 0, iso_tr_u32(t));
        return true;
    case ISO_OP_TABLE_GET:
        x = iso_tr_u32(t);
        tr_call_c(t, ISO_OPN_table_get, 1, x, 0, t->module->tables[x].type);
        return true;
    case ISO_OP_TABLE_SET:
        tr_call_c(t, ISO_OPN_table_set, 2, iso_tr_u32(t), 0, 0);
        return true;
    case ISO_OP_TABLE_SIZE:
        tr_call_c(t, ISO_OPN_table_size, 0, iso_tr_u32(t), 0, ISO_TYPE_I32);
        return true;
    case ISO_OP_TABLE_GROW:
        tr_call_c(t, ISO_OPN_table_grow, 2, iso_tr_u32(t), 0, ISO_TYPE_I32);
        return true;
    case ISO_OP_TABLE_FILL:
        tr_call_c(t, ISO_OPN_table_fill, 3, iso_tr_u32(t), 0, 0);
        return true;
    case ISO_OP_TABLE_COPY:
    case ISO_OP_TABLE_INIT:
        x = iso_tr_u32(t);
        y = iso_tr_u32(t);
        tr_call_c(t, opcode == ISO_OP_TABLE_COPY ? ISO_OPN_table_copy : ISO_OPN_table_init, 3, x, y,
                  0);
        return true;
    case ISO_OP_ELEM_DROP:
        tr_call_c(t, ISO_OPN_elem_drop, 0, iso_tr_u32(t), 0, 0);
        return true;
    default:
        return false;
    }
}

static bool tr_bulk_memory(struct iso_translator *t, uint32_t opcode)
{
    switch (opcode) {
    case ISO_OP_MEMORY_SIZE:
        t->p++;
        tr_both(t, ISO_OPN_memory_size, 0);
        return true;
    case ISO_OP_MEMORY_GROW:
        t->p++;
        tr_call_c(t, ISO_OPN_memory_grow, 1, 0, 0, ISO_TYPE_I32);
        return true;
    case ISO_OP_MEMORY_COPY:
        t->p += 2;
        tr_call_c(t, ISO_OPN_memory_copy, 3, 0, 0, 0);
        return true;
    case ISO_OP_MEMORY_FILL:
        t->p++;
        tr_call_c(t, ISO_OPN_memory_fill, 3, 0, 0, 0);
        return true;
    case ISO_OP_MEMORY_INIT: {
        uint32_t segment = iso_tr_u32(t);
        t->p++;
        tr_call_c(t, ISO_OPN_memory_init, 3, segment, 0, 0);
        return true;
    }
    case ISO_OP_DATA_DROP:
        tr_call_c(t, ISO_OPN_data_drop, 0, iso_tr_u32(t), 0, 0);
        return true;
    default:
        return false;
    }
}

static bool tr_constant_or_variable(struct iso_translator *t, uint32_t opcode)
{
    switch (opcode) {
    case ISO_OP_I32_CONST:
        iso_tr_push_const(t, ISO_TYPE_I32, (uint32_t)iso_tr_s64(t));
        return true;
    case ISO_OP_I64_CONST:
        iso_tr_push_const(t, ISO_TYPE_I64, (uint64_t)iso_tr_s64(t));
        return true;
    case ISO_OP_F32_CONST:
        iso_tr_push_const(t, ISO_TYPE_F32, iso_load_u32le(t->p));
        t->p += 4;
        return true;
    case ISO_OP_F64_CONST:
        iso_tr_push_const(t, ISO_TYPE_F64, iso_load_u64le(t->p));
        t->p += 8;
        return true;
    case ISO_OP_LOCAL_GET:
        iso_tr_push_local(t, iso_tr_u32(t));
        return true;
    case ISO_OP_LOCAL_SET:
        iso_tr_local_set(t, iso_tr_u32(t), false);
        return true;
    case ISO_OP_LOCAL_TEE:
        iso_tr_local_set(t, iso_tr_u32(t), true);
        return true;
    case ISO_OP_GLOBAL_GET:
        tr_global_get(t, iso_tr_u32(t));
        return true;
    case ISO_OP_GLOBAL_SET:
        tr_global_set(t, iso_tr_u32(t));
        return true;
    case ISO_OP_I32_EQZ:
        iso_tr_eqz(t, ISO_TYPE_I32);
        return true;
    case ISO_OP_I64_EQZ:
        iso_tr_eqz(t, ISO_TYPE_I64);
        return true;
    default:
        return false;
    }
}

static void tr_control(struct iso_translator *t, uint32_t opcode)
{
    switch (opcode) {
    case ISO_OP_UNREACHABLE:
        iso_tr_unreachable(t);
        break;
    case ISO_OP_BLOCK:
        iso_tr_block(t, ISO_CONTROL_BLOCK);
        break;
    case ISO_OP_LOOP:
        iso_tr_block(t, ISO_CONTROL_LOOP);
        break;
    case ISO_OP_IF:
        iso_tr_block(t, ISO_CONTROL_IF);
        break;
    case ISO_OP_ELSE:
        iso_tr_else(t);
        break;
    case ISO_OP_END:
        iso_tr_end(t);
        break;
    case ISO_OP_BR:
        iso_tr_br(t, iso_tr_u32(t));
        break;
    case ISO_OP_BR_IF:
        iso_tr_br_if(t, iso_tr_u32(t));
        break;
    case ISO_OP_BR_TABLE:
        iso_tr_br_table(t);
        break;
    case ISO_OP_RETURN:
        iso_tr_return(t);
        break;
    case ISO_OP_CALL:
        iso_tr_call(t, iso_tr_u32(t));
        break;
    case ISO_OP_CALL_INDIRECT: {
        uint32_t type = iso_tr_u32(t);
        iso_tr_call_indirect(t, type, iso_tr_u32(t));
        break;
    }
    case ISO_OP_SELECT_T:
        skip_immediates(t, opcode);
        tr_select(t);
        break;
    case ISO_OP_SELECT:
        tr_select(t);
        break;
    case ISO_OP_DROP:
        (void)iso_tr_pop_address(t);
        break;
    default: /* nop */
        break;
    }
}

static uint32_t read_opcode(struct iso_translator *t)
{
    uint32_t opcode = *t->p++;
    if (opcode == ISO_OP_PREFIX_MISC || opcode == ISO_OP_PREFIX_VECTOR) {
        opcode = opcode << 8 | iso_tr_u32(t);
    }
    return opcode;
}

static void translate_instruction(struct iso_translator *t)
{
    t->offset = (uint32_t)(t->p - t->module->bytes.ptr);
    t->scratch_used = 0;
    uint32_t opcode = read_opcode(t);
    if (t->unreachable) {
        skip_instruction(t, opcode);
        return;
    }
    t->controls[t->controls[t->control_depth - 1].cost_owner].path++;
    /* The most frequent first. */
    if (tr_constant_or_variable(t, opcode) || iso_tr_numeric(t, opcode) ||
        iso_tr_memory(t, opcode)) {
        return;
    }
    if (ISO_SIMD_BUILT && opcode >= 0xFD00) {
        iso_tr_simd(t, opcode);
    } else if (!tr_reference_or_table(t, opcode) && !tr_bulk_memory(t, opcode)) {
        tr_control(t, opcode);
    }
}

/* ---- Frame layout ------------------------------------------------------------------------- */

static bool lay_out(struct iso_translator *t)
{
    const struct iso_func_type *type = &t->func->type->type;
    uint32_t count = t->func->local_count;
    t->local_count = count;
    t->local_slot = iso_alloc_array(t->alloc, (size_t)count + 1, sizeof *t->local_slot);
    t->local_type = iso_alloc_array(t->alloc, (size_t)count + 1, sizeof *t->local_type);
    t->local_refs = iso_alloc_array(t->alloc, (size_t)count + 1, sizeof *t->local_refs);
    if (t->local_slot == NULL || t->local_type == NULL || t->local_refs == NULL) {
        t->err = ISO_E_NOMEM;
        return false;
    }
    uint32_t slots = ISO_FRAME_HEADER_SLOTS + t->func->local_slots + t->func->max_depth;
    t->wide = slots > UINT16_MAX;
    uint32_t slot = 0;
    uint32_t local = 0;
    for (uint32_t i = 0; i < type->param_count; i++) {
        t->local_type[local] = type->params[i];
        t->local_slot[local++] = slot;
        slot += iso_type_slots(type->params[i]);
    }
    t->header = slot;
    t->scratch = slot + ISO_FRAME_HEADER_SLOTS;
    t->locals = t->scratch + (t->wide ? ISO_WIDE_SCRATCH_SLOTS : 0u);
    slot = t->locals;
    uint32_t groups = iso_tr_u32(t);
    for (uint32_t i = 0; i < groups; i++) {
        uint32_t n = iso_tr_u32(t);
        uint8_t local_type = *t->p++;
        for (uint32_t j = 0; j < n; j++) {
            t->local_type[local] = local_type;
            t->local_slot[local++] = slot;
            slot += iso_type_slots(local_type);
        }
    }
    t->temps = slot;
    t->next_slot = slot;
    return true;
}

enum iso_err iso_tr_run(struct iso_translator *t, struct iso_module *module, uint32_t func_index)
{
    t->module = module;
    t->alloc = &module->engine->alloc;
    t->func_index = func_index;
    t->func = &module->funcs[func_index];
    t->op_table = iso_op_table();
    t->free_fixup = ISO_NONE;
    t->p = module->bytes.ptr + t->func->body;
    for (uint32_t k = 0; k < ISO_ACC_COUNT; k++) {
        t->acc_entry[k] = ISO_NONE;
    }
    iso_tr_barrier(t);
    if (!lay_out(t) || !iso_tr_reserve(t)) {
        return t->err;
    }
    const struct iso_func_type *type = &t->func->type->type;
    void *controls = NULL;
    if (!iso_tr_grow(t, &controls, &t->control_capacity, 1, sizeof *t->controls)) {
        return t->err;
    }
    t->controls = controls;
    t->controls[t->control_depth++] = (struct iso_control){
        .kind = ISO_CONTROL_FUNC,
        .slot = t->temps,
        .results = type->results,
        .result_count = type->result_count,
        .fixups = ISO_NONE,
        .else_fixup = ISO_NONE,
    };
    t->offset = (uint32_t)(t->p - module->bytes.ptr);
    iso_tr_safepoint(t, ISO_SAFEPOINT_ENTRY, 0, 0, 0, 0);
    while (t->control_depth > 0 && t->err == ISO_OK && !t->found) {
        translate_instruction(t);
    }
    return t->err;
}

void iso_tr_fini(struct iso_translator *t)
{
    size_t locals = (size_t)t->local_count + 1;
    iso_alloc_free(t->alloc, t->local_slot, locals * sizeof *t->local_slot);
    iso_alloc_free(t->alloc, t->local_type, locals * sizeof *t->local_type);
    iso_alloc_free(t->alloc, t->local_refs, locals * sizeof *t->local_refs);
    iso_alloc_free(t->alloc, t->cells, t->capacity * sizeof *t->cells);
    iso_alloc_free(t->alloc, t->ops, t->capacity * sizeof *t->ops);
    iso_alloc_free(t->alloc, t->offsets, t->capacity * sizeof *t->offsets);
    iso_alloc_free(t->alloc, t->stack, t->stack_capacity * sizeof *t->stack);
    iso_alloc_free(t->alloc, t->controls, t->control_capacity * sizeof *t->controls);
    iso_alloc_free(t->alloc, t->fixups, t->fixup_capacity * sizeof *t->fixups);
}

/* ---- The result ---------------------------------------------------------------------------- */

size_t iso_tr_code_bytes(const struct iso_translator *t)
{
    return sizeof(struct iso_code) + t->count * sizeof(struct iso_cell);
}

void iso_tr_code_fill(const struct iso_translator *t, struct iso_code *code)
{
    uint32_t frame = t->temps + t->func->max_depth;
    uint32_t results = t->func->type->type.result_slots;
    *code = (struct iso_code){
        .module = t->module,
        .func_index = t->func_index,
        .cell_count = t->count,
        .frame_slots = frame > results ? frame : results,
        .header = t->header,
        .locals = t->locals,
        .local_slots = t->temps - t->locals,
        .cost = t->controls[0].cost + 1,
        .alloc_bytes = (uint32_t)iso_tr_code_bytes(t),
    };
    memcpy(code->cells, t->cells, t->count * sizeof(struct iso_cell));
}
