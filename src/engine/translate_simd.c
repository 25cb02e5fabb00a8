/*
 * translate_simd.c - vector instructions (spec 4.4.3): every operand in slots, no accumulators.
 *
 * Operands of the cells, by the shapes of simd.def (a is the result unless said otherwise):
 *   load        b address, c offset            store       a value, b address, c offset
 *   load lane   b address, c offset; next cell: a vector, b lane
 *   store lane  a value, b address, c offset; next cell: b lane
 *   shuffle     b, c vectors; two cells of eight lane indices each
 *   splat       b scalar                       extract     b vector, c lane
 *   replace     b vector, h[0] scalar, h[1] lane
 *   unary, test b                              binary      b, c
 *   ternary     b, h[0], h[1]                  shift       b, c count
 */
#include "engine/translate.h"

enum shape {
    SHAPE_NONE,
    SHAPE_LOAD,
    SHAPE_STORE,
    SHAPE_LOAD_LANE,
    SHAPE_STORE_LANE,
    SHAPE_CONST,
    SHAPE_SHUFFLE,
    SHAPE_SPLAT,
    SHAPE_EXTRACT,
    SHAPE_REPLACE,
    SHAPE_UNARY,
    SHAPE_BINARY,
    SHAPE_TERNARY,
    SHAPE_SHIFT,
    SHAPE_TEST
};

enum { VT_i32 = ISO_TYPE_I32, VT_i64 = ISO_TYPE_I64, VT_f32 = ISO_TYPE_F32, VT_f64 = ISO_TYPE_F64 };

struct vector_op {
    uint8_t shape;
    uint8_t scalar; /* type of the scalar operand or result */
    uint16_t opn;
};

static const struct vector_op vector_ops[256] = {
#define ROW(shape, name, code, scalar) [code] = {shape, scalar, ISO_OPN_##name},
#define SIMD_LOAD(name, code, bytes) ROW(SHAPE_LOAD, name, code, 0)
#define SIMD_STORE(name, code, bytes) ROW(SHAPE_STORE, name, code, 0)
#define SIMD_LOAD_LANE(name, code, bytes, lanes) ROW(SHAPE_LOAD_LANE, name, code, 0)
#define SIMD_STORE_LANE(name, code, bytes, lanes) ROW(SHAPE_STORE_LANE, name, code, 0)
#define SIMD_CONST(name, code) [code] = {SHAPE_CONST, 0, ISO_OPN_const_v128},
#define SIMD_SHUFFLE(name, code) ROW(SHAPE_SHUFFLE, name, code, 0)
#define SIMD_SPLAT(name, code, bits, type) ROW(SHAPE_SPLAT, name, code, VT_##type)
#define SIMD_EXTRACT(name, code, bits, type, lanes) ROW(SHAPE_EXTRACT, name, code, VT_##type)
#define SIMD_REPLACE(name, code, bits, type, lanes) ROW(SHAPE_REPLACE, name, code, VT_##type)
#define SIMD_UNARY(name, code) ROW(SHAPE_UNARY, name, code, 0)
#define SIMD_BINARY(name, code) ROW(SHAPE_BINARY, name, code, 0)
#define SIMD_TERNARY(name, code) ROW(SHAPE_TERNARY, name, code, 0)
#define SIMD_SHIFT(name, code) ROW(SHAPE_SHIFT, name, code, 0)
#define SIMD_TEST(name, code) ROW(SHAPE_TEST, name, code, VT_i32)
#include "engine/simd.def"
#undef ROW
};

static uint32_t pop_slot(struct iso_translator *t)
{
    struct iso_operand o = iso_tr_pop(t);
    return iso_tr_in_slot(t, &o);
}

static uint32_t halves(uint32_t low, uint32_t high)
{
    uint16_t pair[2] = {(uint16_t)low, (uint16_t)high};
    uint32_t both;
    memcpy(&both, pair, sizeof both);
    return both;
}

static uint32_t read_offset(struct iso_translator *t)
{
    (void)iso_tr_u32(t);
    return iso_tr_u32(t);
}

/* Emit an operation with `extra` cells after it (filled by the caller), whose result of `type` goes
 * to its slot. */
static void push_with_cells(struct iso_translator *t, uint8_t type, uint32_t opn, uint32_t b,
                            uint32_t c, const struct iso_cell *cells, uint32_t extra)
{
    uint32_t slots = iso_type_slots(type);
    uint32_t slot = t->next_slot;
    uint32_t near = iso_tr_result_slot(t, slot, slots);
    uint32_t cell = iso_tr_emit(t, opn, near, b, c);
    t->last_slot_only = true;
    for (uint32_t i = 0; i < extra; i++) {
        iso_tr_emit_literal(t, 0);
        if (t->err == ISO_OK) {
            t->cells[cell + 1 + i] = cells[i];
        }
    }
    iso_tr_result_done(t, near, slot, slots);
    iso_tr_wrote(t, slot);
    iso_tr_push(t, type, ISO_ENTRY_TEMP);
}

static void sixteen_bytes(struct iso_translator *t, struct iso_cell cells[2])
{
    memset(cells, 0, 2 * sizeof *cells);
    memcpy(&cells[0], t->p, 8);
    memcpy(&cells[1], t->p + 8, 8);
    t->p += 16;
}

static void tr_lane_memory(struct iso_translator *t, const struct vector_op *op)
{
    uint32_t offset = read_offset(t);
    struct iso_cell cell = {.b = *t->p++};
    uint32_t vector = pop_slot(t);
    uint32_t address = pop_slot(t);
    if (op->shape == SHAPE_LOAD_LANE) {
        cell.a = (uint16_t)vector;
        push_with_cells(t, ISO_TYPE_V128, op->opn, address, offset, &cell, 1);
        return;
    }
    uint32_t at = iso_tr_emit(t, op->opn, vector, address, offset);
    iso_tr_emit_literal(t, 0);
    if (t->err == ISO_OK) {
        t->cells[at + 1] = cell;
    }
}

void iso_tr_simd(struct iso_translator *t, uint32_t opcode)
{
    const struct vector_op *op = &vector_ops[opcode & 0xffu];
    const uint8_t v128 = ISO_TYPE_V128;
    struct iso_cell cells[2];
    uint32_t x;
    uint32_t y;
    uint32_t z;
    iso_tr_settle_sums(t, t->depth < 3 ? t->depth : 3);
    switch ((enum shape)op->shape) {
    case SHAPE_LOAD:
        z = read_offset(t);
        x = pop_slot(t);
        iso_tr_push_slot(t, v128, op->opn, x, z);
        break;
    case SHAPE_STORE:
        z = read_offset(t);
        y = pop_slot(t);
        x = pop_slot(t);
        iso_tr_emit(t, op->opn, y, x, z);
        break;
    case SHAPE_LOAD_LANE:
    case SHAPE_STORE_LANE:
        tr_lane_memory(t, op);
        break;
    case SHAPE_CONST:
        sixteen_bytes(t, cells);
        push_with_cells(t, v128, op->opn, 0, 0, cells, 2);
        break;
    case SHAPE_SHUFFLE:
        sixteen_bytes(t, cells);
        y = pop_slot(t);
        x = pop_slot(t);
        push_with_cells(t, v128, op->opn, x, y, cells, 2);
        break;
    case SHAPE_EXTRACT:
        z = *t->p++;
        x = pop_slot(t);
        iso_tr_push_slot(t, op->scalar, op->opn, x, z);
        break;
    case SHAPE_REPLACE:
        z = *t->p++;
        y = pop_slot(t);
        x = pop_slot(t);
        iso_tr_push_slot(t, v128, op->opn, x, halves(y, z));
        break;
    case SHAPE_SPLAT:
    case SHAPE_UNARY:
        x = pop_slot(t);
        iso_tr_push_slot(t, v128, op->opn, x, 0);
        break;
    case SHAPE_TEST:
        x = pop_slot(t);
        iso_tr_push_slot(t, ISO_TYPE_I32, op->opn, x, 0);
        break;
    case SHAPE_BINARY:
    case SHAPE_SHIFT:
        y = pop_slot(t);
        x = pop_slot(t);
        iso_tr_push_slot(t, v128, op->opn, x, y);
        break;
    case SHAPE_TERNARY:
        z = pop_slot(t);
        y = pop_slot(t);
        x = pop_slot(t);
        iso_tr_push_slot(t, v128, op->opn, x, halves(y, z));
        break;
    case SHAPE_NONE:
        break;
    }
}
