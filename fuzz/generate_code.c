/* The bodies of generated functions: typed expressions and statements, chosen by the fuzz bytes. */
#include "generate_internal.h"

const uint8_t gen_type_code[GEN_TYPES] = {0x7f, 0x7e, 0x7d, 0x7c, 0x7b, 0x70, 0x6f};

uint32_t gen_choose(struct gen *gen, uint32_t limit)
{
    return gen->at < gen->len ? gen->data[gen->at++] % limit : 0;
}

uint64_t gen_bits(struct gen *gen)
{
    uint64_t bits = 0;

    for (int i = 0; i < 8; i++) {
        bits = bits << 8 | gen_choose(gen, 256);
    }
    return bits;
}

enum gen_type gen_choose_type(struct gen *gen)
{
    return (enum gen_type)gen_choose(gen, GEN_TYPES);
}

enum gen_type gen_type_of(char letter)
{
    switch (letter) {
    case 'i':
        return GEN_I32;
    case 'I':
        return GEN_I64;
    case 'f':
        return GEN_F32;
    case 'F':
        return GEN_F64;
    default:
        return GEN_V128;
    }
}

/* Locals after the parameters: for each type GEN_LOCALS_PER_TYPE, then one scratch. */
uint32_t gen_local(const struct gen *gen, enum gen_type type, uint32_t number)
{
    return gen->signature->param_count + (uint32_t)type * (GEN_LOCALS_PER_TYPE + 1) + number;
}

uint32_t gen_scratch(const struct gen *gen, enum gen_type type)
{
    return gen_local(gen, type, GEN_LOCALS_PER_TYPE);
}

uint32_t gen_global(enum gen_type type, uint32_t number)
{
    return GEN_GLOBAL_FIRST + (uint32_t)type * GEN_GLOBALS_PER_TYPE + number;
}

void gen_opcode(struct gen *gen, uint8_t prefix, uint32_t opcode)
{
    if (prefix == 0) {
        wasm_u8(gen->out, (uint8_t)opcode);
    } else {
        wasm_u8(gen->out, prefix);
        wasm_u32(gen->out, opcode);
    }
}

void gen_indexed(struct gen *gen, uint8_t opcode, uint32_t index)
{
    wasm_u8(gen->out, opcode);
    wasm_u32(gen->out, index);
}

/* x, or a canonical NaN where x is NaN: select(x, nan, x == x). */
static void canonical_scalar(struct gen *gen, enum gen_type type)
{
    uint32_t scratch = gen_scratch(gen, type);

    gen_indexed(gen, 0x22, scratch);
    if (type == GEN_F32) {
        wasm_literal(gen->out, "\x43\0\0\xc0\x7f");
    } else {
        wasm_literal(gen->out, "\x44\0\0\0\0\0\0\xf8\x7f");
    }
    gen_indexed(gen, 0x20, scratch);
    gen_indexed(gen, 0x20, scratch);
    wasm_u8(gen->out, type == GEN_F32 ? 0x5b : 0x61);
    wasm_u8(gen->out, 0x1b);
}

/* The same by lanes: bitselect(x, nan, x == x). */
static void canonical_vector(struct gen *gen, bool is_f64)
{
    uint32_t scratch = gen_scratch(gen, GEN_V128);

    gen_indexed(gen, 0x22, scratch);
    gen_opcode(gen, 0xfd, 0x0c);
    for (int i = 0; i < (is_f64 ? 2 : 4); i++) {
        if (is_f64) {
            wasm_literal(gen->out, "\0\0\0\0\0\0\xf8\x7f");
        } else {
            wasm_literal(gen->out, "\0\0\xc0\x7f");
        }
    }
    gen_indexed(gen, 0x20, scratch);
    gen_indexed(gen, 0x20, scratch);
    gen_opcode(gen, 0xfd, is_f64 ? 0x47 : 0x41);
    gen_opcode(gen, 0xfd, 0x52);
}

/* Offsets are mostly small: an access that always traps tests little. */
static void memory_immediate(struct gen *gen, uint32_t align_limit)
{
    uint32_t kind = gen_choose(gen, 32);

    wasm_u32(gen->out, gen_choose(gen, align_limit + 1));
    if (kind == 0) {
        wasm_u32(gen->out, (uint32_t)gen_bits(gen));
    } else {
        wasm_u32(gen->out, kind * 7);
    }
}

void gen_op_write(struct gen *gen, const struct gen_op *op)
{
    uint32_t span = (uint32_t)(op->last - op->first) + 1;

    gen_opcode(gen, op->prefix, op->first + gen_choose(gen, span));
    switch (op->form) {
    case GEN_NAN_F32:
    case GEN_NAN_F64:
        canonical_scalar(gen, op->form == GEN_NAN_F32 ? GEN_F32 : GEN_F64);
        break;
    case GEN_NAN_F32X4:
    case GEN_NAN_F64X2:
        canonical_vector(gen, op->form == GEN_NAN_F64X2);
        break;
    case GEN_LANE:
        wasm_u8(gen->out, (uint8_t)gen_choose(gen, op->limit));
        break;
    case GEN_SHUFFLE:
        for (int i = 0; i < 16; i++) {
            wasm_u8(gen->out, (uint8_t)gen_choose(gen, 32));
        }
        break;
    case GEN_LOAD:
        memory_immediate(gen, op->limit);
        break;
    case GEN_LOAD_LANE:
        memory_immediate(gen, op->limit);
        wasm_u8(gen->out, (uint8_t)gen_choose(gen, 16u >> op->limit));
        break;
    default:
        break;
    }
}

static void float_constant(struct gen *gen, enum gen_type type)
{
    /* Signs, infinities, NaNs with payloads, the edges of integers and denormals. */
    static const uint64_t special[] = {0x0000000000000000, 0x8000000000000000, 0x3ff0000000000000,
                                       0x7ff0000000000000, 0xfff0000000000000, 0x7ff8000000000000,
                                       0x7ff4000000000001, 0xfff8dead00000000, 0x41dfffffffc00000,
                                       0x41e0000000000000, 0xc1e0000000000000, 0x43e0000000000000,
                                       0x0000000000000001, 0x000fffffffffffff, 0xbfe0000000000000};
    uint32_t kind = gen_choose(gen, ISO_COUNT_OF(special) + 4);
    uint64_t bits = kind < ISO_COUNT_OF(special) ? special[kind] : gen_bits(gen);
    uint8_t bytes[8];

    if (type == GEN_F64) {
        wasm_u8(gen->out, 0x44);
        iso_store_u64le(bytes, bits);
        wasm_bytes(gen->out, bytes, 8);
        return;
    }
    /* The same kinds: sign, exponent and the top of the fraction of the double's. */
    uint32_t exponent = (uint32_t)(bits >> 52) & 0x7ff;
    uint32_t narrow = exponent == 0x7ff ? 0xff : exponent < 897 ? 0 : (exponent - 896) & 0xff;
    uint32_t single = (uint32_t)(bits >> 63) << 31 | narrow << 23 |
                      ((uint32_t)(bits >> 29) & 0x7fffff) | (uint32_t)(bits & 1);
    wasm_u8(gen->out, 0x43);
    iso_store_u32le(bytes, single);
    wasm_bytes(gen->out, bytes, 4);
}

static uint64_t integer_bits(struct gen *gen)
{
    static const uint64_t special[] = {0,
                                       1,
                                       2,
                                       7,
                                       31,
                                       32,
                                       63,
                                       64,
                                       0x7f,
                                       0x80,
                                       0xff,
                                       0xffff,
                                       0x10000,
                                       0x7fffffff,
                                       0x80000000,
                                       0xffffffff,
                                       0x8000000000000000,
                                       0x7fffffffffffffff,
                                       UINT64_MAX,
                                       0xfffffffffffffffe};
    uint32_t kind = gen_choose(gen, ISO_COUNT_OF(special) + 12);

    if (kind < ISO_COUNT_OF(special)) {
        return special[kind];
    }
    return kind < ISO_COUNT_OF(special) + 8 ? gen_choose(gen, 256) : gen_bits(gen);
}

void gen_constant(struct gen *gen, enum gen_type type)
{
    uint8_t bytes[8];

    switch (type) {
    case GEN_I32:
        wasm_u8(gen->out, 0x41);
        wasm_s32(gen->out, (int32_t)(uint32_t)integer_bits(gen));
        break;
    case GEN_I64:
        wasm_u8(gen->out, 0x42);
        wasm_s64(gen->out, (int64_t)integer_bits(gen));
        break;
    case GEN_F32:
    case GEN_F64:
        float_constant(gen, type);
        break;
    case GEN_V128:
        gen_opcode(gen, 0xfd, 0x0c);
        for (int half = 0; half < 2; half++) {
            iso_store_u64le(bytes, integer_bits(gen) * UINT64_C(0x0001000100010001));
            wasm_bytes(gen->out, bytes, 8);
        }
        break;
    default:
        wasm_u8(gen->out, 0xd0); /* ref.null */
        wasm_u8(gen->out, gen_type_code[type]);
        break;
    }
}

void gen_fuel_check(struct gen *gen)
{
    static const uint8_t code[] = {
        0x23, GEN_GLOBAL_FUEL, 0x45, 0x04, 0x40, 0x00, 0x0b,           /* if zero: unreachable */
        0x23, GEN_GLOBAL_FUEL, 0x41, 0x01, 0x6b, 0x24, GEN_GLOBAL_FUEL /* minus one */
    };

    wasm_bytes(gen->out, code, sizeof code);
}

static void label_push(struct gen *gen, uint32_t count, const enum gen_type *types)
{
    struct gen_label *label = &gen->labels[gen->label_count++];

    label->count = (uint8_t)count;
    for (uint32_t i = 0; i < count; i++) {
        label->types[i] = types[i];
    }
}

static void expressions(struct gen *gen, uint32_t count, const enum gen_type *types)
{
    for (uint32_t i = 0; i < count; i++) {
        gen_expression(gen, types[i]);
    }
}

/* Addresses are mostly within the first page. */
static void address(struct gen *gen)
{
    gen_expression(gen, GEN_I32);
    if (gen_choose(gen, 16) != 0) {
        wasm_literal(gen->out, "\x41\xff\xff\x03\x71"); /* i32.const 0xffff, i32.and */
    }
}

static void operation(struct gen *gen, const struct gen_op *op)
{
    if (op->form == GEN_LOAD || op->form == GEN_LOAD_LANE) {
        address(gen);
    }
    for (const char *operand = op->operands; *operand != '\0'; operand++) {
        gen_expression(gen, gen_type_of(*operand));
    }
    gen_op_write(gen, op);
}

/* An instruction of the table with this result; the search begins at a random place. */
static void table_operation(struct gen *gen, enum gen_type type)
{
    uint32_t start = gen_choose(gen, 256) * 2 % (uint32_t)gen_op_count;

    for (uint32_t i = 0; i < gen_op_count; i++) {
        const struct gen_op *op = &gen_ops[(start + i) % gen_op_count];
        if (gen_type_of(op->result) == type) {
            operation(gen, op);
            return;
        }
    }
    gen_constant(gen, type);
}

/* Drops all results but the one that is wanted (`keep`: its number, or the count for none). */
static void keep_result(struct gen *gen, const struct gen_signature *signature, uint32_t keep)
{
    for (uint32_t i = signature->result_count; i-- > 0;) {
        if (i == keep) {
            gen_indexed(gen, 0x21, gen_scratch(gen, signature->results[i]));
        } else {
            wasm_u8(gen->out, 0x1a);
        }
    }
    if (keep < signature->result_count) {
        gen_indexed(gen, 0x20, gen_scratch(gen, signature->results[keep]));
    }
}

static uint32_t result_of_type(const struct gen_signature *signature, enum gen_type type)
{
    uint32_t i = 0;

    while (i < signature->result_count && signature->results[i] != type) {
        i++;
    }
    return i;
}

/* The callee counted the depth up. */
static void depth_down(struct gen *gen)
{
    wasm_literal(gen->out, "\x23\1\x41\1\x6b\x24\1");
}

/* A direct or indirect call; false when no function has a result of this type. */
static bool call_for(struct gen *gen, enum gen_type type)
{
    uint32_t start = gen_choose(gen, gen->func_count);

    for (uint32_t i = 0; i < gen->func_count; i++) {
        uint32_t func = (start + i) % gen->func_count;
        const struct gen_signature *signature = &gen->types[gen->func_types[func]];
        uint32_t keep = result_of_type(signature, type);
        if (keep == signature->result_count) {
            continue;
        }
        expressions(gen, signature->param_count, signature->params);
        if (gen_choose(gen, 3) == 0) {
            /* Elements 0.. of the table are the functions in order, at first. */
            wasm_u8(gen->out, 0x41);
            wasm_s32(gen->out, (int32_t)(gen_choose(gen, 8) == 0 ? gen_choose(gen, 16) : func));
            gen_indexed(gen, 0x11, gen->func_types[func]);
            wasm_u32(gen->out, GEN_TABLE_FUNCS);
        } else {
            gen_indexed(gen, 0x10, func);
        }
        depth_down(gen);
        keep_result(gen, signature, keep);
        return true;
    }
    return false;
}

/* A block, loop or if that leaves one value. */
static void block_for(struct gen *gen, enum gen_type type)
{
    uint32_t kind = gen_choose(gen, 3);

    if (gen->label_count == GEN_LABELS_MAX) {
        gen_constant(gen, type);
        return;
    }
    if (kind == 2) {
        gen_expression(gen, GEN_I32);
    }
    wasm_u8(gen->out, (uint8_t)(0x02 + kind));
    wasm_u8(gen->out, gen_type_code[type]);
    label_push(gen, kind == 1 ? 0 : 1, &type);
    if (kind == 1) {
        gen_fuel_check(gen);
    }
    gen_statements(gen);
    gen_expression(gen, type);
    if (kind == 2) {
        wasm_u8(gen->out, 0x05);
        gen_expression(gen, type);
    }
    gen->label_count--;
    wasm_u8(gen->out, 0x0b);
}

/* A block whose type is a function type: parameters are taken from the stack. */
static void typed_block_for(struct gen *gen, enum gen_type type)
{
    uint32_t index = gen_choose(gen, gen->type_count);
    const struct gen_signature *signature = &gen->types[index];
    uint32_t keep = result_of_type(signature, type);
    bool is_loop = gen_choose(gen, 2) == 1;

    if (gen->label_count == GEN_LABELS_MAX || keep == signature->result_count) {
        gen_constant(gen, type);
        return;
    }
    expressions(gen, signature->param_count, signature->params);
    gen_indexed(gen, is_loop ? 0x03 : 0x02, index);
    if (is_loop) {
        label_push(gen, signature->param_count, signature->params);
        gen_fuel_check(gen);
    } else {
        label_push(gen, signature->result_count, signature->results);
    }
    for (uint32_t i = signature->param_count; i-- > 0;) {
        gen_indexed(gen, 0x21, gen_local(gen, signature->params[i], 0));
    }
    gen_statements(gen);
    expressions(gen, signature->result_count, signature->results);
    gen->label_count--;
    wasm_u8(gen->out, 0x0b);
    keep_result(gen, signature, keep);
}

static void select_for(struct gen *gen, enum gen_type type)
{
    gen_expression(gen, type);
    gen_expression(gen, type);
    gen_expression(gen, GEN_I32);
    if (type >= GEN_FUNCREF || gen_choose(gen, 2) == 0) {
        wasm_literal(gen->out, "\x1c\1");
        wasm_u8(gen->out, gen_type_code[type]);
    } else {
        wasm_u8(gen->out, 0x1b);
    }
}

/* A value that leaves the block with br_if, or stays. */
static void branch_with(struct gen *gen, enum gen_type type)
{
    uint32_t distance = gen->label_count == 0 ? 0 : gen_choose(gen, gen->label_count);
    const struct gen_label *label =
        gen->label_count == 0 ? NULL : &gen->labels[gen->label_count - 1 - distance];

    if (label == NULL || label->count != 1 || label->types[0] != type) {
        gen_expression(gen, type);
        return;
    }
    gen_expression(gen, type);
    gen_expression(gen, GEN_I32);
    gen_indexed(gen, 0x0d, distance);
}

static void table_for(struct gen *gen, enum gen_type type)
{
    uint32_t table = type == GEN_FUNCREF ? GEN_TABLE_FUNCS : GEN_TABLE_EXTERNS;

    if (type == GEN_FUNCREF && gen_choose(gen, 2) == 0) {
        gen_indexed(gen, 0xd2, gen_choose(gen, gen->func_count)); /* ref.func */
        return;
    }
    gen_expression(gen, GEN_I32);
    wasm_literal(gen->out, "\x41\x07\x71"); /* and 7: mostly inside */
    gen_indexed(gen, 0x25, table);
}

/* Instructions with an i32 result outside the tables. */
static void special_i32(struct gen *gen)
{
    switch (gen_choose(gen, 5)) {
    case 0:
        wasm_literal(gen->out, "\x3f\0"); /* memory.size */
        break;
    case 1:
        gen_expression(gen, GEN_I32);
        wasm_literal(gen->out, "\x41\3\x71\x40\0"); /* and 3, memory.grow */
        break;
    case 2:
        gen_expression(gen, gen_choose(gen, 2) == 0 ? GEN_FUNCREF : GEN_EXTERNREF);
        wasm_u8(gen->out, 0xd1); /* ref.is_null */
        break;
    case 3:
        gen_opcode(gen, 0xfc, 16); /* table.size */
        wasm_u32(gen->out, gen_choose(gen, 2));
        break;
    default: {
        uint32_t table = gen_choose(gen, 2);
        gen_expression(gen, table == GEN_TABLE_FUNCS ? GEN_FUNCREF : GEN_EXTERNREF);
        gen_expression(gen, GEN_I32);
        wasm_literal(gen->out, "\x41\3\x71");
        gen_opcode(gen, 0xfc, 15); /* table.grow */
        wasm_u32(gen->out, table);
        break;
    }
    }
}

static void composed_expression(struct gen *gen, enum gen_type type)
{
    switch (gen_choose(gen, 12)) {
    case 0:
        select_for(gen, type);
        break;
    case 1:
        block_for(gen, type);
        break;
    case 2:
        typed_block_for(gen, type);
        break;
    case 3:
        if (!call_for(gen, type)) {
            gen_constant(gen, type);
        }
        break;
    case 4:
        gen_expression(gen, type);
        gen_indexed(gen, 0x22, gen_local(gen, type, gen_choose(gen, GEN_LOCALS_PER_TYPE)));
        break;
    case 5:
        branch_with(gen, type);
        break;
    default:
        if (type >= GEN_FUNCREF) {
            table_for(gen, type);
        } else if (type == GEN_I32 && gen_choose(gen, 8) == 0) {
            special_i32(gen);
        } else {
            table_operation(gen, type);
        }
        break;
    }
}

void gen_expression(struct gen *gen, enum gen_type type)
{
    if (gen->budget-- <= 0 || gen->depth >= 12) {
        gen_indexed(gen, 0x20, gen_local(gen, type, 0));
        return;
    }
    gen->depth++;
    switch (gen_choose(gen, 6)) {
    case 0:
        gen_constant(gen, type);
        break;
    case 1:
        gen_indexed(gen, 0x20, gen_local(gen, type, gen_choose(gen, GEN_LOCALS_PER_TYPE)));
        break;
    case 2:
        gen_indexed(gen, 0x23, gen_global(type, gen_choose(gen, GEN_GLOBALS_PER_TYPE)));
        break;
    default:
        composed_expression(gen, type);
        break;
    }
    gen->depth--;
}
