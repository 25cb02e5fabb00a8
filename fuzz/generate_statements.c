/* Statements of generated functions: what changes locals, globals, memories and tables, and control
 * flow that leaves no value. */
#include "generate_internal.h"

static void store(struct gen *gen)
{
    const struct gen_op *op = &gen_stores[gen_choose(gen, (uint32_t)gen_store_count)];

    gen_expression(gen, GEN_I32);
    wasm_literal(gen->out, "\x41\xff\xff\x03\x71");
    gen_expression(gen, gen_type_of(op->operands[0]));
    gen_op_write(gen, op);
}

static void label_push_empty(struct gen *gen)
{
    gen->labels[gen->label_count++].count = 0;
}

/* Values that a branch to the label carries. */
static void label_values(struct gen *gen, const struct gen_label *label)
{
    for (uint32_t i = 0; i < label->count; i++) {
        gen_expression(gen, label->types[i]);
    }
}

/* if (...) { br }, with values, so that the code after it is reached. */
static void branch(struct gen *gen)
{
    uint32_t distance = gen_choose(gen, gen->label_count);
    struct gen_label label = gen->labels[gen->label_count - 1 - distance];

    if (gen->label_count == GEN_LABELS_MAX) {
        return;
    }
    gen_expression(gen, GEN_I32);
    wasm_literal(gen->out, "\x04\x40");
    label_push_empty(gen);
    label_values(gen, &label);
    gen_indexed(gen, 0x0c, distance + 1);
    if (gen_choose(gen, 4) == 0) {
        gen_statements(gen); /* unreachable, but valid */
    }
    gen->label_count--;
    wasm_u8(gen->out, 0x0b);
}

/* Nested blocks with a br_table in the middle: a switch whose cases fall through. */
static void switch_statement(struct gen *gen)
{
    uint32_t cases = 1 + gen_choose(gen, 4);

    if (gen->label_count + cases > GEN_LABELS_MAX) {
        return;
    }
    for (uint32_t i = 0; i < cases; i++) {
        wasm_literal(gen->out, "\x02\x40");
        label_push_empty(gen);
    }
    gen_expression(gen, GEN_I32);
    gen_indexed(gen, 0x0e, cases + 1);
    for (uint32_t i = 0; i < cases + 2; i++) {
        wasm_u32(gen->out, gen_choose(gen, cases));
    }
    for (uint32_t i = 0; i < cases; i++) {
        gen->label_count--;
        wasm_u8(gen->out, 0x0b);
        gen_statements(gen);
    }
}

/* A loop that goes round while a local is not zero, at most as long as the fuel lasts. */
static void loop(struct gen *gen)
{
    uint32_t counter = gen_local(gen, GEN_I32, 1);

    if (gen->label_count == GEN_LABELS_MAX) {
        return;
    }
    wasm_u8(gen->out, 0x41);
    wasm_s32(gen->out, (int32_t)gen_choose(gen, 12));
    gen_indexed(gen, 0x21, counter);
    wasm_literal(gen->out, "\x03\x40");
    label_push_empty(gen);
    gen_fuel_check(gen);
    gen_statements(gen);
    gen_indexed(gen, 0x20, counter);
    wasm_literal(gen->out, "\x41\1\x6b");
    gen_indexed(gen, 0x22, counter);
    wasm_literal(gen->out, "\x41\0\x4a\x0d\0"); /* i32.gt_s, br_if 0 */
    gen->label_count--;
    wasm_u8(gen->out, 0x0b);
}

static void if_statement(struct gen *gen)
{
    if (gen->label_count == GEN_LABELS_MAX) {
        return;
    }
    gen_expression(gen, GEN_I32);
    wasm_literal(gen->out, "\x04\x40");
    label_push_empty(gen);
    gen_statements(gen);
    if (gen_choose(gen, 2) == 0) {
        wasm_u8(gen->out, 0x05);
        gen_statements(gen);
    }
    gen->label_count--;
    wasm_u8(gen->out, 0x0b);
}

/* Three small numbers: destination, source or value, length. */
static void three_numbers(struct gen *gen, uint8_t mask_bits)
{
    for (int i = 0; i < 3; i++) {
        gen_expression(gen, GEN_I32);
        wasm_u8(gen->out, 0x41);
        wasm_s32(gen->out, (1 << (i == 2 ? mask_bits / 2 : mask_bits)) - 1);
        wasm_u8(gen->out, 0x71);
    }
}

static void bulk(struct gen *gen)
{
    uint32_t table = gen_choose(gen, 2);

    switch (gen_choose(gen, 8)) {
    case 0:
        three_numbers(gen, 16);
        wasm_literal(gen->out, "\xfc\x0a\0\0"); /* memory.copy */
        break;
    case 1:
        three_numbers(gen, 16);
        wasm_literal(gen->out, "\xfc\x0b\0"); /* memory.fill */
        break;
    case 2:
        three_numbers(gen, 5);
        wasm_literal(gen->out, "\xfc\x08\1\0"); /* memory.init of the passive segment */
        break;
    case 3:
        wasm_bytes(gen->out, gen_choose(gen, 4) == 0 ? "\xfc\x09\1" : "\xfc\x0d\1", 3); /* drop */
        break;
    case 4:
        three_numbers(gen, 3);
        wasm_literal(gen->out, "\xfc\x0c\1\0"); /* table.init of the passive segment */
        break;
    case 5:
        three_numbers(gen, 3);
        gen_opcode(gen, 0xfc, 14); /* table.copy */
        wasm_u32(gen->out, table);
        wasm_u32(gen->out, table);
        break;
    case 6:
        gen_expression(gen, GEN_I32);
        wasm_literal(gen->out, "\x41\3\x71");
        gen_expression(gen, table == GEN_TABLE_FUNCS ? GEN_FUNCREF : GEN_EXTERNREF);
        gen_expression(gen, GEN_I32);
        wasm_literal(gen->out, "\x41\3\x71");
        gen_opcode(gen, 0xfc, 17); /* table.fill */
        wasm_u32(gen->out, table);
        break;
    default:
        gen_expression(gen, GEN_I32);
        wasm_literal(gen->out, "\x41\7\x71");
        gen_expression(gen, table == GEN_TABLE_FUNCS ? GEN_FUNCREF : GEN_EXTERNREF);
        gen_indexed(gen, 0x26, table); /* table.set */
        break;
    }
}

static void return_statement(struct gen *gen)
{
    if (gen->label_count == GEN_LABELS_MAX) {
        return;
    }
    gen_expression(gen, GEN_I32);
    wasm_literal(gen->out, "\x04\x40");
    label_push_empty(gen);
    for (uint32_t i = 0; i < gen->signature->result_count; i++) {
        gen_expression(gen, gen->signature->results[i]);
    }
    wasm_u8(gen->out, 0x0f);
    gen->label_count--;
    wasm_u8(gen->out, 0x0b);
}

static void statement(struct gen *gen)
{
    enum gen_type type;

    switch (gen_choose(gen, 16)) {
    case 0:
    case 1:
    case 2:
        type = gen_choose_type(gen);
        gen_expression(gen, type);
        gen_indexed(gen, 0x21, gen_local(gen, type, gen_choose(gen, GEN_LOCALS_PER_TYPE)));
        break;
    case 3:
    case 4:
        type = gen_choose_type(gen);
        gen_expression(gen, type);
        gen_indexed(gen, 0x24, gen_global(type, gen_choose(gen, GEN_GLOBALS_PER_TYPE)));
        break;
    case 5:
    case 6:
        store(gen);
        break;
    case 7:
        gen_expression(gen, gen_choose_type(gen));
        wasm_u8(gen->out, 0x1a);
        break;
    case 8:
        if_statement(gen);
        break;
    case 9:
    case 10:
        loop(gen);
        break;
    case 11:
        switch_statement(gen);
        break;
    case 12:
        branch(gen);
        break;
    case 13:
        return_statement(gen);
        break;
    case 14:
        bulk(gen);
        break;
    default:
        wasm_u8(gen->out, 0x01);
        break;
    }
}

void gen_statements(struct gen *gen)
{
    if (gen->depth >= 10) {
        return;
    }
    gen->depth++;
    for (uint32_t count = gen_choose(gen, 4); count > 0 && gen->budget > 0; count--) {
        gen->budget--;
        statement(gen);
    }
    gen->depth--;
}
