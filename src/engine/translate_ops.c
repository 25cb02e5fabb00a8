/*
 * translate_ops.c - numeric instructions, loads and stores: which variant of an operation reads
 * its operands from where they are.
 */
#include "engine/translate.h"

enum shape {
    SHAPE_NONE,
    SHAPE_UNARY,
    SHAPE_BINARY,
    SHAPE_COMMUTATIVE,
    SHAPE_COMPARE,
    SHAPE_FLOAT,
    SHAPE_FLOAT_COMMUTATIVE
};

struct numeric {
    uint8_t shape;
    uint8_t operand; /* types */
    uint8_t result;
    uint16_t opn; /* first variant */
};

#define I32 ISO_TYPE_I32
#define I64 ISO_TYPE_I64
#define F32 ISO_TYPE_F32
#define F64 ISO_TYPE_F64
#define UNARY(op, name, from, to) [ISO_OP_##op] = {SHAPE_UNARY, from, to, ISO_OPN_##name##_S},
#define BINARY(op, name, type) [ISO_OP_##op] = {SHAPE_BINARY, type, type, ISO_OPN_##name##_SS},
#define COMMUTATIVE(op, name, type)                                                                \
    [ISO_OP_##op] = {SHAPE_COMMUTATIVE, type, type, ISO_OPN_##name##_SS},
#define COMPARE(op, name, type) [ISO_OP_##op] = {SHAPE_COMPARE, type, I32, ISO_OPN_##name##_SS},
#define FLOAT(op, name, type) [ISO_OP_##op] = {SHAPE_FLOAT, type, type, ISO_OPN_##name##_SS},
#define FLOAT_C(op, name, type)                                                                    \
    [ISO_OP_##op] = {SHAPE_FLOAT_COMMUTATIVE, type, type, ISO_OPN_##name##_SS},
#define FLOAT_COMPARE(op, name, type) [ISO_OP_##op] = {SHAPE_FLOAT, type, I32, ISO_OPN_##name##_SS},

#define INTEGER(U, l, type)                                                                        \
    COMPARE(U##_EQ, l##_eq, type)                                                                  \
    COMPARE(U##_NE, l##_ne, type)                                                                  \
    COMPARE(U##_LT_S, l##_lt_s, type)                                                              \
    COMPARE(U##_LT_U, l##_lt_u, type)                                                              \
    COMPARE(U##_GT_S, l##_gt_s, type)                                                              \
    COMPARE(U##_GT_U, l##_gt_u, type)                                                              \
    COMPARE(U##_LE_S, l##_le_s, type)                                                              \
    COMPARE(U##_LE_U, l##_le_u, type)                                                              \
    COMPARE(U##_GE_S, l##_ge_s, type)                                                              \
    COMPARE(U##_GE_U, l##_ge_u, type)                                                              \
    UNARY(U##_CLZ, l##_clz, type, type)                                                            \
    UNARY(U##_CTZ, l##_ctz, type, type)                                                            \
    UNARY(U##_POPCNT, l##_popcnt, type, type)                                                      \
    COMMUTATIVE(U##_ADD, l##_add, type)                                                            \
    BINARY(U##_SUB, l##_sub, type)                                                                 \
    COMMUTATIVE(U##_MUL, l##_mul, type)                                                            \
    BINARY(U##_DIV_S, l##_div_s, type)                                                             \
    BINARY(U##_DIV_U, l##_div_u, type)                                                             \
    BINARY(U##_REM_S, l##_rem_s, type)                                                             \
    BINARY(U##_REM_U, l##_rem_u, type)                                                             \
    COMMUTATIVE(U##_AND, l##_and, type)                                                            \
    COMMUTATIVE(U##_OR, l##_or, type)                                                              \
    COMMUTATIVE(U##_XOR, l##_xor, type)                                                            \
    BINARY(U##_SHL, l##_shl, type)                                                                 \
    BINARY(U##_SHR_S, l##_shr_s, type)                                                             \
    BINARY(U##_SHR_U, l##_shr_u, type)                                                             \
    BINARY(U##_ROTL, l##_rotl, type)                                                               \
    BINARY(U##_ROTR, l##_rotr, type)                                                               \
    UNARY(U##_EXTEND8_S, l##_extend8_s, type, type)                                                \
    UNARY(U##_EXTEND16_S, l##_extend16_s, type, type)

#define FLOATING(U, l, type)                                                                       \
    FLOAT_COMPARE(U##_EQ, l##_eq, type)                                                            \
    FLOAT_COMPARE(U##_NE, l##_ne, type)                                                            \
    FLOAT_COMPARE(U##_LT, l##_lt, type)                                                            \
    FLOAT_COMPARE(U##_GT, l##_gt, type)                                                            \
    FLOAT_COMPARE(U##_LE, l##_le, type)                                                            \
    FLOAT_COMPARE(U##_GE, l##_ge, type)                                                            \
    UNARY(U##_ABS, l##_abs, type, type)                                                            \
    UNARY(U##_NEG, l##_neg, type, type)                                                            \
    UNARY(U##_CEIL, l##_ceil, type, type)                                                          \
    UNARY(U##_FLOOR, l##_floor, type, type)                                                        \
    UNARY(U##_TRUNC, l##_trunc, type, type)                                                        \
    UNARY(U##_NEAREST, l##_nearest, type, type)                                                    \
    UNARY(U##_SQRT, l##_sqrt, type, type)                                                          \
    FLOAT_C(U##_ADD, l##_add, type)                                                                \
    FLOAT(U##_SUB, l##_sub, type)                                                                  \
    FLOAT_C(U##_MUL, l##_mul, type)                                                                \
    FLOAT(U##_DIV, l##_div, type)                                                                  \
    FLOAT(U##_MIN, l##_min, type)                                                                  \
    FLOAT(U##_MAX, l##_max, type)                                                                  \
    FLOAT(U##_COPYSIGN, l##_copysign, type)

static const struct numeric numerics[256] = {
    INTEGER(I32, i32, I32) INTEGER(I64, i64, I64) FLOATING(F32, f32, F32) FLOATING(F64, f64, F64)
        UNARY(I64_EXTEND32_S, i64_extend32_s, I64, I64) UNARY(I32_WRAP_I64, i32_wrap_i64, I64, I32)
            UNARY(I32_TRUNC_F32_S, i32_trunc_f32_s, F32,
                  I32) UNARY(I32_TRUNC_F32_U, i32_trunc_f32_u, F32,
                             I32) UNARY(I32_TRUNC_F64_S, i32_trunc_f64_s, F64,
                                        I32) UNARY(I32_TRUNC_F64_U, i32_trunc_f64_u, F64, I32)
                UNARY(I64_EXTEND_I32_S, i64_extend_i32_s, I32,
                      I64) UNARY(I64_EXTEND_I32_U, i64_extend_i32_u, I32, I64)
                    UNARY(I64_TRUNC_F32_S, i64_trunc_f32_s, F32,
                          I64) UNARY(I64_TRUNC_F32_U, i64_trunc_f32_u, F32, I64)
                        UNARY(I64_TRUNC_F64_S, i64_trunc_f64_s, F64,
                              I64) UNARY(I64_TRUNC_F64_U, i64_trunc_f64_u, F64, I64)
                            UNARY(F32_CONVERT_I32_S, f32_convert_i32_s, I32,
                                  F32) UNARY(F32_CONVERT_I32_U, f32_convert_i32_u, I32, F32)
                                UNARY(F32_CONVERT_I64_S, f32_convert_i64_s, I64,
                                      F32) UNARY(F32_CONVERT_I64_U, f32_convert_i64_u, I64, F32)
                                    UNARY(F32_DEMOTE_F64, f32_demote_f64, F64, F32) UNARY(
                                        F64_CONVERT_I32_S, f64_convert_i32_s, I32,
                                        F64) UNARY(F64_CONVERT_I32_U, f64_convert_i32_u, I32, F64)
                                        UNARY(F64_CONVERT_I64_S, f64_convert_i64_s, I64, F64) UNARY(
                                            F64_CONVERT_I64_U, f64_convert_i64_u, I64, F64)
                                            UNARY(F64_PROMOTE_F32, f64_promote_f32, F32, F64) UNARY(
                                                I32_REINTERPRET_F32, i32_reinterpret_f32, F32, I32)
                                                UNARY(I64_REINTERPRET_F64, i64_reinterpret_f64, F64,
                                                      I64) UNARY(F32_REINTERPRET_I32,
                                                                 f32_reinterpret_i32, I32, F32)
                                                    UNARY(F64_REINTERPRET_I64, f64_reinterpret_i64,
                                                          I64, F64)};

static const struct numeric saturating[8] = {
    {SHAPE_UNARY, F32, I32, ISO_OPN_i32_trunc_sat_f32_s_S},
    {SHAPE_UNARY, F32, I32, ISO_OPN_i32_trunc_sat_f32_u_S},
    {SHAPE_UNARY, F64, I32, ISO_OPN_i32_trunc_sat_f64_s_S},
    {SHAPE_UNARY, F64, I32, ISO_OPN_i32_trunc_sat_f64_u_S},
    {SHAPE_UNARY, F32, I64, ISO_OPN_i64_trunc_sat_f32_s_S},
    {SHAPE_UNARY, F32, I64, ISO_OPN_i64_trunc_sat_f32_u_S},
    {SHAPE_UNARY, F64, I64, ISO_OPN_i64_trunc_sat_f64_s_S},
    {SHAPE_UNARY, F64, I64, ISO_OPN_i64_trunc_sat_f64_u_S},
};

/* Variants of loads and of binary operations, in the order of ops.def; each is two operations,
 * plain and w. A V whose accumulator mirrors no slot has NO_SLOT for it. */
enum { L_S = 0, L_A = 2, L_K = 4, L_X = 6, L_Y = 8, L_Z = 10, L_V = 12, NO_SLOT = UINT16_MAX };
enum { V_SS = 0, V_SI = 2, V_AS = 4, V_AI = 6, V_SA = 8, V_SK = 10, V_AK = 12 };

static void swap_operands(struct iso_operand *x, struct iso_operand *y)
{
    struct iso_operand z = *x;
    *x = *y;
    *y = z;
}

/* The comparison with its operands exchanged: lt and gt, le and ge. */
static uint32_t swapped_compare(uint32_t opn)
{
    static const uint8_t swapped[10] = {0, 1, 4, 5, 2, 3, 8, 9, 6, 7};
    uint32_t index = (opn - ISO_OPN_i32_eq_SS) / 10;
    return ISO_OPN_i32_eq_SS + (index / 10 * 10 + swapped[index % 10]) * 10;
}

static bool fits_imm(uint8_t type, uint64_t bits)
{
    return type == I32 || (int64_t)bits == (int32_t)(int64_t)bits;
}

/* The local of a slot, or ISO_NONE: where no v128 lies below it. */
static uint32_t local_of(const struct iso_translator *t, uint32_t slot)
{
    uint32_t params = t->func->type->type.param_count;
    uint32_t local = slot < params ? slot : slot - t->locals + params;
    return local < t->local_count && t->local_slot[local] == slot ? local : ISO_NONE;
}

/*
 * The lower half of a slot's 32 bits, extended, plus a constant: a sum of 32 bits. This is how the
 * Go compiler makes addresses.
 */
static bool fuse_wrapped_sum(struct iso_translator *t, const struct iso_operand *x)
{
    if (t->wide || !ISO_USES(ISO_ADDRESS_SUMS) || x->kind != ISO_ENTRY_ACC ||
        x->producer != t->last || t->ops[t->last] != ISO_OPN_i64_add_AI || t->prev == ISO_NONE ||
        t->ops[t->prev] != ISO_OPN_i64_extend_i32_u_S) {
        return false;
    }
    uint32_t addend = t->cells[t->last].c;
    uint32_t slot = t->cells[t->prev].b;
    uint32_t local = local_of(t, slot);
    iso_tr_remove_last(t);
    iso_tr_remove_last(t);
    if (local != ISO_NONE) {
        iso_tr_push_sum(t, local, addend);
    } else {
        iso_tr_push_acc(t, I32, ISO_OPN_i32_add_SI, slot, addend);
    }
    return true;
}

static void tr_unary(struct iso_translator *t, const struct numeric *n)
{
    struct iso_operand x = iso_tr_pop(t);
    if (n->opn == ISO_OPN_i32_wrap_i64_S && fuse_wrapped_sum(t, &x)) {
        return;
    }
    if (x.where == ISO_IN_ACC) {
        iso_tr_push_acc(t, n->result, n->opn + 2u, 0, 0);
        return;
    }
    uint32_t slot = iso_tr_in_slot(t, &x);
    iso_tr_push_acc(t, n->result, n->opn, slot, 0);
}

/* Two operands of which y is a constant. */
static void tr_binary_constant(struct iso_translator *t, const struct numeric *n, uint32_t opn,
                               struct iso_operand *x, struct iso_operand *y)
{
    bool floating = n->shape == SHAPE_FLOAT || n->shape == SHAPE_FLOAT_COMMUTATIVE;
    bool literal_form = n->operand == I64 && n->shape != SHAPE_COMPARE;
    bool in_acc = x->where == ISO_IN_ACC;
    if (floating || (fits_imm(n->operand, y->bits) == false && literal_form)) {
        uint32_t slot = in_acc ? 0 : iso_tr_in_slot(t, x);
        uint32_t variant = floating ? (in_acc ? V_AI : V_SI) : (in_acc ? V_AK : V_SK);
        uint64_t literal = y->bits;
        if (n->operand == F32) { /* in the first bytes, whatever their order */
            uint32_t bits = (uint32_t)y->bits;
            memcpy(&literal, &bits, sizeof bits);
        }
        iso_tr_push_acc_literal(t, n->result, opn + variant, slot, literal);
        return;
    }
    if (fits_imm(n->operand, y->bits)) {
        uint32_t slot = in_acc ? 0 : iso_tr_in_slot(t, x);
        iso_tr_push_acc(t, n->result, opn + (in_acc ? V_AI : V_SI), slot, (uint32_t)y->bits);
        return;
    }
    uint32_t right = iso_tr_in_slot(t, y);
    uint32_t left = in_acc ? 0 : iso_tr_in_slot(t, x);
    iso_tr_push_acc(t, n->result, opn + (in_acc ? V_AS : V_SS), left, right);
}

/* Is this operand the last operation's result, and that operation one of opn ... opn + count - 1?
 */
static bool just_computed(const struct iso_translator *t, const struct iso_operand *o, uint32_t opn,
                          uint32_t count)
{
    return o->kind == ISO_ENTRY_ACC && o->producer == t->last && t->ops[t->last] >= opn &&
           t->ops[t->last] < opn + count;
}

static uint32_t halves(uint32_t low, uint32_t high)
{
    uint16_t pair[2] = {(uint16_t)low, (uint16_t)high};
    uint32_t both;
    memcpy(&both, pair, sizeof both);
    return both;
}

/* (x << constant) + y, where the shift was the last operation. */
static bool fuse_shl_add(struct iso_translator *t, struct iso_operand *shifted,
                         struct iso_operand *y)
{
    if (!ISO_USES(ISO_PRODUCT_SUMS)) {
        return false;
    }
    if (!just_computed(t, shifted, ISO_OPN_i32_shl_SI, 1) &&
        !just_computed(t, shifted, ISO_OPN_i32_shl_AI, 1)) {
        return false;
    }
    if (y->where != ISO_IN_CONST && (y->where != ISO_IN_SLOT || y->kind == ISO_ENTRY_ACC)) {
        return false;
    }
    bool in_acc = t->ops[t->last] == ISO_OPN_i32_shl_AI;
    uint32_t b = t->cells[t->last].b;
    uint32_t shift = t->cells[t->last].c & 31u;
    iso_tr_remove_last(t);
    if (y->where == ISO_IN_CONST) {
        iso_tr_push_acc_literal(t, I32, in_acc ? ISO_OPN_i32_shl_add_AI : ISO_OPN_i32_shl_add_SI, b,
                                0);
        if (t->err == ISO_OK) {
            struct iso_cell *cell = &t->cells[t->last];
            cell->c = (uint32_t)y->bits;
            cell[1].c = shift;
        }
    } else {
        iso_tr_push_acc(t, I32, in_acc ? ISO_OPN_i32_shl_add_AS : ISO_OPN_i32_shl_add_SS, b,
                        halves(y->slot, shift));
    }
    return true;
}

/* Loads that may be part of an operation: those of a slot (S), of the accumulator (A), of a slot
 * and a constant (Z; V, whose slot has the same value). */
enum { LOAD_VARIANTS = 14, M_S = 0, M_A = 2, M_Z = 4, M_NONE = UINT8_MAX };

/* The operations that load their second operand. */
struct with_memory {
    uint16_t opn; /* without memory, first variant */
    uint16_t load;
    uint16_t fused; /* first variant */
    bool commutes;
};
#define LOADED_OPERAND(t, name, commutes)                                                          \
    {                                                                                              \
        ISO_OPN_##t##_##name##_SS, ISO_OPN_##t##_load_S, ISO_OPN_##t##_##name##_MS, commutes       \
    }
static const struct with_memory with_memory[] = {
    LOADED_OPERAND(i32, add, true),  LOADED_OPERAND(i32, mul, true), LOADED_OPERAND(f32, add, true),
    LOADED_OPERAND(f32, sub, false), LOADED_OPERAND(f32, mul, true), LOADED_OPERAND(f64, add, true),
    LOADED_OPERAND(f64, sub, false), LOADED_OPERAND(f64, mul, true),
};

/* Emit an operation of two cells, of which the second has the operands of a load. It belongs to the
 * instruction of the load, which is what may trap. */
static void push_with_memory(struct iso_translator *t, uint8_t type, uint32_t opn, uint32_t x,
                             uint32_t z, const struct iso_cell *load, uint32_t offset)
{
    iso_tr_push_acc_literal(t, type, opn, x, 0);
    if (t->err == ISO_OK) {
        struct iso_cell *cell = &t->cells[t->last];
        cell->h[0] = (uint16_t)z;
        cell[1] = *load;
        cell[1].op = 0;
        t->offsets[t->last] = offset;
    }
}

/* Which variant of an operation does the load of cell `last`. */
static uint32_t memory_variant(const struct iso_translator *t, uint32_t load)
{
    switch (t->ops[t->last] - load) {
    case L_S:
        return M_S;
    case L_A:
        return M_A;
    case L_Z:
        return M_Z;
    case L_V:
        return t->cells[t->last].b != NO_SLOT ? M_Z : M_NONE;
    default:
        return M_NONE;
    }
}

/* x + y and the like, where y was loaded just before. */
static bool fuse_load(struct iso_translator *t, uint8_t type, uint32_t opn,
                      const struct iso_operand *x, const struct iso_operand *y)
{
    const struct with_memory *m = with_memory;
    const struct with_memory *end = m + sizeof with_memory / sizeof with_memory[0];
    while (m < end && m->opn != opn) {
        m++;
    }
    if (m == end || !ISO_USES(ISO_MEMORY_OPERANDS) || t->wide) {
        return false;
    }
    if (m->commutes && just_computed(t, x, m->load, LOAD_VARIANTS)) {
        const struct iso_operand *loaded = x;
        x = y;
        y = loaded;
    }
    if (!just_computed(t, y, m->load, LOAD_VARIANTS) || x->where != ISO_IN_SLOT ||
        x->kind == ISO_ENTRY_ACC) {
        return false;
    }
    uint32_t variant = memory_variant(t, m->load);
    if (variant == M_NONE) {
        return false;
    }
    const struct iso_cell load = t->cells[t->last];
    uint32_t offset = t->offsets[t->last];
    iso_tr_remove_last(t);
    push_with_memory(t, type, m->fused + variant, x->slot, 0, &load, offset);
    return true;
}

/* A product and the sum or difference that it is part of: first variants, with and without memory.
 */
struct product {
    uint8_t type;
    uint16_t mul;
    uint16_t fused;
    uint16_t loaded_mul;
    uint16_t loaded_fused;
};
#define PRODUCT_SUM(T, t, name)                                                                    \
    {                                                                                              \
        T, ISO_OPN_##t##_mul_SS, ISO_OPN_##t##_##name##_SS, ISO_OPN_##t##_mul_MS,                  \
            ISO_OPN_##t##_##name##_MS                                                              \
    }
static const struct product i32_mul_add = PRODUCT_SUM(I32, i32, mul_add);
static const struct product f32_mul_add = PRODUCT_SUM(F32, f32, mul_add);
static const struct product f32_mul_sub = PRODUCT_SUM(F32, f32, mul_sub);
static const struct product f64_mul_add = PRODUCT_SUM(F64, f64, mul_add);
static const struct product f64_mul_sub = PRODUCT_SUM(F64, f64, mul_sub);

/* z + product or z - product, where the product was the last operation. */
static bool fuse_product(struct iso_translator *t, const struct product *p,
                         const struct iso_operand *product, const struct iso_operand *z)
{
    if (!ISO_USES(ISO_PRODUCT_SUMS) || z->where != ISO_IN_SLOT || z->kind == ISO_ENTRY_ACC) {
        return false;
    }
    if (just_computed(t, product, p->loaded_mul, M_Z + 1)) {
        const struct iso_cell cell = t->cells[t->last];
        const struct iso_cell load = t->cells[t->last + 1];
        uint32_t variant = t->ops[t->last] - (uint32_t)p->loaded_mul;
        uint32_t offset = t->offsets[t->last];
        iso_tr_remove_last(t);
        push_with_memory(t, p->type, p->loaded_fused + variant, cell.b, z->slot, &load, offset);
        return true;
    }
    /* The variants SS, AS, SA; not w, not immediate. */
    if (!just_computed(t, product, p->mul, V_SA + 1)) {
        return false;
    }
    const struct iso_cell cell = t->cells[t->last];
    uint32_t variant = t->ops[t->last] - (uint32_t)p->mul;
    if (variant != V_SS && variant != V_AS && variant != V_SA) {
        return false;
    }
    iso_tr_remove_last(t);
    if (variant == V_SS) {
        iso_tr_push_acc(t, p->type, p->fused, cell.b, halves(cell.c, z->slot));
    } else {
        iso_tr_push_acc(t, p->type, p->fused + 2u, variant == V_AS ? cell.c : cell.b,
                        halves(0, z->slot));
    }
    return true;
}

/* Sums and differences that one operation can do together with what was computed just before, and
 * sums that had better wait for their use. */
static bool fuse_sum_of(struct iso_translator *t, uint32_t opn, struct iso_operand *x,
                        struct iso_operand *y)
{
    if (t->wide) {
        return false;
    }
    switch (opn) {
    case ISO_OPN_i32_add_SS:
        if (x->kind == ISO_ENTRY_LOCAL && y->where == ISO_IN_CONST && ISO_USES(ISO_ADDRESS_SUMS)) {
            iso_tr_push_sum(t, x->local, (uint32_t)y->bits);
            return true;
        }
        return fuse_shl_add(t, x, y) || fuse_shl_add(t, y, x) ||
               fuse_product(t, &i32_mul_add, x, y) || fuse_product(t, &i32_mul_add, y, x);
    case ISO_OPN_f32_add_SS:
        return fuse_product(t, &f32_mul_add, x, y) || fuse_product(t, &f32_mul_add, y, x);
    case ISO_OPN_f64_add_SS:
        return fuse_product(t, &f64_mul_add, x, y) || fuse_product(t, &f64_mul_add, y, x);
    case ISO_OPN_f32_sub_SS:
        return fuse_product(t, &f32_mul_sub, y, x);
    case ISO_OPN_f64_sub_SS:
        return fuse_product(t, &f64_mul_sub, y, x);
    default:
        return false;
    }
}

static void tr_binary(struct iso_translator *t, const struct numeric *n)
{
    iso_tr_settle_sums(t, 2);
    struct iso_operand y = iso_tr_pop(t);
    struct iso_operand x = iso_tr_pop(t);
    uint32_t opn = n->opn;
    bool commutes = n->shape == SHAPE_COMMUTATIVE || n->shape == SHAPE_FLOAT_COMMUTATIVE;
    if (x.where == ISO_IN_CONST && y.where != ISO_IN_CONST &&
        (commutes || n->shape == SHAPE_COMPARE)) {
        swap_operands(&x, &y);
        opn = commutes ? opn : swapped_compare(opn);
    }
    if (fuse_sum_of(t, opn, &x, &y) || fuse_load(t, n->result, opn, &x, &y)) {
        return;
    }
    if (y.where == ISO_IN_CONST && x.where == ISO_IN_CONST) {
        (void)iso_tr_in_slot(t, &x);
    }
    if (y.where == ISO_IN_CONST) {
        tr_binary_constant(t, n, opn, &x, &y);
    } else if (x.where == ISO_IN_ACC && y.kind != ISO_ENTRY_ACC) {
        uint32_t right = iso_tr_in_slot(t, &y);
        iso_tr_push_acc(t, n->result, opn + V_AS, 0, right);
    } else if (y.where == ISO_IN_ACC) {
        uint32_t left = iso_tr_in_slot(t, &x);
        iso_tr_push_acc(t, n->result, opn + V_SA, left, 0);
    } else {
        uint32_t left = iso_tr_in_slot(t, &x);
        uint32_t right = iso_tr_in_slot(t, &y);
        iso_tr_push_acc(t, n->result, opn + V_SS, left, right);
    }
}

/* not x: the comparison before may just be turned round. */
void iso_tr_eqz(struct iso_translator *t, uint8_t type)
{
    static const uint8_t inverse[10] = {1, 0, 8, 9, 6, 7, 4, 5, 2, 3};
    const struct iso_entry *e = &t->stack[t->depth - 1];
    if (type == I32 && e->kind == ISO_ENTRY_ACC && e->producer == t->last) {
        uint32_t opn = t->ops[t->last];
        if (opn >= ISO_OPN_i32_eq_SS && opn <= ISO_OPN_i64_ge_u_SAw) {
            uint32_t index = (opn - ISO_OPN_i32_eq_SS) / 10;
            uint32_t variant = (opn - ISO_OPN_i32_eq_SS) % 10;
            index = index / 10 * 10 + inverse[index % 10];
            iso_tr_set_op(t, t->last, ISO_OPN_i32_eq_SS + index * 10 + variant);
            return;
        }
    }
    iso_tr_push_const(t, type, 0);
    tr_binary(t, &numerics[type == I32 ? ISO_OP_I32_EQ : ISO_OP_I64_EQ]);
}

bool iso_tr_numeric(struct iso_translator *t, uint32_t opcode)
{
    const struct numeric *n = NULL;
    if (opcode < 256) {
        n = &numerics[opcode];
    } else if (opcode >= 0xFC00 && opcode < 0xFC08) {
        n = &saturating[opcode - 0xFC00];
    }
    if (n == NULL || n->shape == SHAPE_NONE) {
        return false;
    }
    if (n->shape == SHAPE_UNARY) {
        tr_unary(t, n);
    } else {
        tr_binary(t, n);
    }
    return true;
}

/* ---- Loads and stores --------------------------------------------------------------------- */

struct access {
    uint16_t opn; /* first variant; 0: no such instruction */
    uint8_t type;
    bool store;
};

#define LOAD_OP(op, name, type) [ISO_OP_##op - ISO_OP_I32_LOAD] = {ISO_OPN_##name##_S, type, false},
#define STORE_OP(op, name, type)                                                                   \
    [ISO_OP_##op - ISO_OP_I32_LOAD] = {ISO_OPN_##name##_SS, type, true},

static const struct access accesses[ISO_OP_I64_STORE32 - ISO_OP_I32_LOAD + 1] = {
    LOAD_OP(I32_LOAD, i32_load, I32) LOAD_OP(I64_LOAD, i64_load, I64) LOAD_OP(
        F32_LOAD, f32_load, F32) LOAD_OP(F64_LOAD, f64_load, F64)
        LOAD_OP(I32_LOAD8_S, i32_load8_s, I32) LOAD_OP(I32_LOAD8_U, i32_load8_u, I32) LOAD_OP(
            I32_LOAD16_S, i32_load16_s, I32) LOAD_OP(I32_LOAD16_U, i32_load16_u, I32)
            LOAD_OP(I64_LOAD8_S, i64_load8_s, I64) LOAD_OP(I64_LOAD8_U, i64_load8_u, I64)
                LOAD_OP(I64_LOAD16_S, i64_load16_s, I64) LOAD_OP(I64_LOAD16_U, i64_load16_u, I64)
                    LOAD_OP(I64_LOAD32_S, i64_load32_s, I64)
                        LOAD_OP(I64_LOAD32_U, i64_load32_u, I64) STORE_OP(I32_STORE, i32_store, I32)
                            STORE_OP(I64_STORE, i64_store, I64) STORE_OP(F32_STORE, f32_store, F32)
                                STORE_OP(F64_STORE, f64_store, F64)
                                    STORE_OP(I32_STORE8, i32_store8, I32)
                                        STORE_OP(I32_STORE16, i32_store16, I32)
                                            STORE_OP(I64_STORE8, i64_store8, I64)
                                                STORE_OP(I64_STORE16, i64_store16, I64)
                                                    STORE_OP(I64_STORE32, i64_store32, I64)};

enum { S_SS, S_AS, S_IS, S_SA, S_IA, S_SK, S_AK, S_IK, S_AA, S_SX, S_AX, S_SZ, S_AZ, S_IZ };

/*
 * An address that the last operation computed as a sum can be added up by the access itself. On
 * success that operation is gone: *base is a slot (or the accumulator, if *base_in_acc) and *index
 * a slot. Only where the accumulator was not an operand if acc_busy.
 */
static bool fuse_sum(struct iso_translator *t, const struct iso_operand *address, uint32_t offset,
                     bool acc_busy, uint32_t *base, bool *base_in_acc, uint32_t *index)
{
    if (!ISO_USES(ISO_ADDRESS_SUMS) || address->kind != ISO_ENTRY_ACC ||
        address->producer != t->last || offset > UINT16_MAX) {
        return false;
    }
    const struct iso_cell *sum = &t->cells[t->last];
    switch (t->ops[t->last]) {
    case ISO_OPN_i32_add_SS:
        *base = sum->b;
        *base_in_acc = false;
        *index = sum->c;
        break;
    case ISO_OPN_i32_add_AS:
        *base_in_acc = true;
        *index = sum->c;
        break;
    case ISO_OPN_i32_add_SA:
        *base_in_acc = true;
        *index = sum->b;
        break;
    default:
        return false;
    }
    if (*base_in_acc && acc_busy) {
        return false;
    }
    iso_tr_remove_last(t);
    return true;
}

static void set_index(struct iso_translator *t, uint32_t cell, uint32_t index, uint32_t offset)
{
    t->cells[cell].h[0] = (uint16_t)index;
    t->cells[cell].h[1] = (uint16_t)offset;
}

/* The address of an access. A SUM is left to the access only where no offset follows. */
static struct iso_operand pop_address(struct iso_translator *t, uint32_t offset)
{
    return offset == 0 ? iso_tr_pop_address(t) : iso_tr_pop(t);
}

static void tr_load(struct iso_translator *t, const struct access *op, uint32_t offset)
{
    struct iso_operand address = pop_address(t, offset);
    uint32_t base = 0;
    uint32_t index = 0;
    bool base_in_acc = false;
    if (address.kind == ISO_ENTRY_SUM) {
        bool in_acc = t->acc_slot[ISO_ACC_I] == address.slot;
        iso_tr_push_acc(t, op->type, op->opn + (in_acc ? (uint32_t)L_V : (uint32_t)L_Z),
                        address.slot, (uint32_t)address.bits);
        return;
    }
    if (offset == 0 && ISO_USES(ISO_ADDRESS_SUMS) &&
        (just_computed(t, &address, ISO_OPN_i32_add_SI, 1) ||
         just_computed(t, &address, ISO_OPN_i32_add_AI, 1))) {
        const struct iso_cell sum = t->cells[t->last];
        bool in_acc = t->ops[t->last] == ISO_OPN_i32_add_AI;
        iso_tr_remove_last(t);
        iso_tr_push_acc(t, op->type, op->opn + (in_acc ? (uint32_t)L_V : (uint32_t)L_Z),
                        in_acc ? (uint32_t)NO_SLOT : sum.b, sum.c);
        return;
    }
    if (address.where == ISO_IN_CONST && (uint64_t)(uint32_t)address.bits + offset <= UINT32_MAX) {
        iso_tr_push_acc(t, op->type, op->opn + L_K, 0, (uint32_t)address.bits + offset);
    } else if (fuse_sum(t, &address, offset, false, &base, &base_in_acc, &index)) {
        iso_tr_push_acc(t, op->type, op->opn + (base_in_acc ? (uint32_t)L_Y : (uint32_t)L_X), base,
                        0);
        set_index(t, t->stack[t->depth - 1].producer, index, offset);
    } else if (address.where == ISO_IN_ACC) {
        iso_tr_push_acc(t, op->type, op->opn + L_A, 0, offset);
    } else {
        uint32_t slot = iso_tr_in_slot(t, &address);
        iso_tr_push_acc(t, op->type, op->opn + L_S, slot, offset);
    }
}

/* How a store takes its value: an operand a, and which column of the variants. */
enum column { COLUMN_S, COLUMN_A, COLUMN_I };

static enum column store_value(struct iso_translator *t, const struct access *op,
                               struct iso_operand *value, uint32_t *a)
{
    bool integer = op->type == I32 || op->type == I64;
    int64_t bits = op->type == I32 ? (int32_t)(uint32_t)value->bits : (int64_t)value->bits;
    if (value->where == ISO_IN_CONST && integer && bits == (int16_t)bits) {
        *a = (uint16_t)bits;
        return COLUMN_I;
    }
    if (value->where == ISO_IN_ACC) {
        *a = 0;
        return COLUMN_A;
    }
    *a = iso_tr_in_slot(t, value);
    return COLUMN_S;
}

static void tr_store(struct iso_translator *t, const struct access *op, uint32_t offset)
{
    static const uint8_t by_slot[3] = {S_SS, S_AS, S_IS};
    static const uint8_t by_acc[3] = {S_SA, S_AA, S_IA};
    static const uint8_t by_constant[3] = {S_SK, S_AK, S_IK};
    static const uint8_t by_sum[3] = {S_SZ, S_AZ, S_IZ};
    bool integer = op->type == I32 || op->type == I64;
    if (offset != 0) {
        iso_tr_settle_sums(t, 2);
    }
    struct iso_operand value = iso_tr_pop(t);
    struct iso_operand address = pop_address(t, offset);
    uint32_t a;
    uint32_t base = 0;
    uint32_t index = 0;
    bool base_in_acc;
    bool plain_value = value.where != ISO_IN_CONST && value.kind != ISO_ENTRY_ACC;

    if (address.where == ISO_IN_CONST && (uint64_t)(uint32_t)address.bits + offset <= UINT32_MAX) {
        enum column column = store_value(t, op, &value, &a);
        iso_tr_emit(t, op->opn + by_constant[column], a, 0, (uint32_t)address.bits + offset);
        return;
    }
    if (address.kind == ISO_ENTRY_SUM) {
        enum column column = store_value(t, op, &value, &a);
        iso_tr_emit(t, op->opn + by_sum[column], a, address.slot, (uint32_t)address.bits);
        return;
    }
    if (plain_value && !t->wide &&
        fuse_sum(t, &address, offset, true, &base, &base_in_acc, &index)) {
        /* The value stands in a slot, or a float in its own accumulator. */
        bool in_acc = !integer && value.where == ISO_IN_ACC;
        a = in_acc ? 0 : value.slot;
        uint32_t cell =
            iso_tr_emit(t, op->opn + (in_acc ? (uint32_t)S_AX : (uint32_t)S_SX), a, base, 0);
        set_index(t, cell, index, offset);
        return;
    }
    enum column column = store_value(t, op, &value, &a);
    if (address.where == ISO_IN_ACC && !(integer && column == COLUMN_A)) {
        iso_tr_emit(t, op->opn + by_acc[column], a, 0, offset);
        return;
    }
    uint32_t slot = iso_tr_in_slot(t, &address);
    iso_tr_emit(t, op->opn + by_slot[column], a, slot, offset);
}

bool iso_tr_memory(struct iso_translator *t, uint32_t opcode)
{
    if (opcode < ISO_OP_I32_LOAD || opcode > ISO_OP_I64_STORE32) {
        return false;
    }
    const struct access *op = &accesses[opcode - ISO_OP_I32_LOAD];
    (void)iso_tr_u32(t); /* alignment is a hint */
    uint32_t offset = iso_tr_u32(t);
    if (op->store) {
        tr_store(t, op, offset);
    } else {
        tr_load(t, op, offset);
    }
    return true;
}
