/*
 * translate_emit.c - cells, operands and accumulators of the translator.
 *
 * The rules that everything here keeps:
 * - An entry of kind ACC is the value of its class's accumulator and of nothing else; at most one
 *   per class. It becomes a TEMP by changing its producer to the variant that also writes ("w"),
 *   which costs no cell. The producer's operand a is the entry's own slot from the start.
 * - acc_slot[k] is a slot whose value accumulator k has too.
 * - `last` is the last operation, as long as nothing can jump between it and the end.
 */
#include "engine/translate.h"

enum { MAX_NEAR = 65535, SLACK = 8 };

bool iso_tr_grow(struct iso_translator *t, void **array, uint32_t *capacity, uint32_t need,
                 size_t size)
{
    if (need <= *capacity) {
        return true;
    }
    uint32_t wanted = *capacity < 16 ? 32 : *capacity * 2;
    if (wanted < need) {
        wanted = need;
    }
    void *grown = iso_alloc_resize(t->alloc, *array, *capacity * size, wanted * size);
    if (grown == NULL) {
        t->err = ISO_E_NOMEM;
        return false;
    }
    *array = grown;
    *capacity = wanted;
    return true;
}

enum iso_acc_class iso_tr_class(uint8_t type)
{
    switch (type) {
    case ISO_TYPE_I32:
    case ISO_TYPE_I64:
        return ISO_ACC_I;
    case ISO_TYPE_F32:
        return ISO_ACC_F32;
    case ISO_TYPE_F64:
        return ISO_ACC_F64;
    default:
        return ISO_ACC_NONE;
    }
}

/* Cells and their two companions grow together. */
static bool grow_cells(struct iso_translator *t, uint32_t need)
{
    uint32_t capacity = t->capacity;
    void *cells = t->cells;
    if (!iso_tr_grow(t, &cells, &capacity, need, sizeof *t->cells)) {
        return false;
    }
    t->cells = cells;
    uint16_t *ops =
        iso_alloc_resize(t->alloc, t->ops, t->capacity * sizeof *t->ops, capacity * sizeof *t->ops);
    if (ops != NULL) {
        t->ops = ops;
        uint32_t *offsets = iso_alloc_resize(t->alloc, t->offsets, t->capacity * sizeof *t->offsets,
                                             capacity * sizeof *t->offsets);
        if (offsets != NULL) {
            t->offsets = offsets;
            t->capacity = capacity;
            return true;
        }
        ops = iso_alloc_resize(t->alloc, t->ops, capacity * sizeof *t->ops,
                               t->capacity * sizeof *t->ops);
        t->ops = ops != NULL ? ops : t->ops;
    }
    cells = iso_alloc_resize(t->alloc, t->cells, capacity * sizeof *t->cells,
                             t->capacity * sizeof *t->cells);
    t->cells = cells != NULL ? cells : t->cells;
    t->err = ISO_E_NOMEM;
    return false;
}

/* Room from the start: what fails to be appended overwrites the last cell, and popping relies on
 * what was pushed. */
bool iso_tr_reserve(struct iso_translator *t)
{
    void *stack = t->stack;
    bool room =
        iso_tr_grow(t, &stack, &t->stack_capacity, t->func->max_depth + SLACK, sizeof *t->stack);
    t->stack = stack;
    return room && grow_cells(t, (t->func->body_end - t->func->body) / 2 + 4 * SLACK);
}

static uint32_t append(struct iso_translator *t)
{
    if (t->count + SLACK >= t->capacity && !grow_cells(t, t->count + SLACK + 1)) {
        t->count--; /* overwrite: the code will be thrown away */
    }
    memset(&t->cells[t->count], 0, sizeof t->cells[0]);
    t->ops[t->count] = ISO_OPN_COUNT;
    t->offsets[t->count] = t->offset;
    return t->count++;
}

uint32_t iso_tr_emit(struct iso_translator *t, uint32_t opn, uint32_t a, uint32_t b, uint32_t c)
{
    ISO_ASSERT(a <= MAX_NEAR && b <= MAX_NEAR);
    uint32_t i = append(t);
    struct iso_cell *cell = &t->cells[i];
    cell->a = (uint16_t)a;
    cell->b = (uint16_t)b;
    cell->c = c;
    iso_tr_set_op(t, i, opn);
    t->prev = t->last;
    t->last = i;
    t->last_slot_only = false;
    return i;
}

void iso_tr_emit_literal(struct iso_translator *t, uint64_t bits)
{
    uint32_t i = append(t);
    memcpy(&t->cells[i], &bits, sizeof bits);
}

void iso_tr_set_op(struct iso_translator *t, uint32_t cell, uint32_t opn)
{
    t->ops[cell] = (uint16_t)opn;
    t->cells[cell].op = t->op_table[opn];
}

void iso_tr_remove_last(struct iso_translator *t)
{
    t->count = t->last;
    t->last = t->prev;
    t->prev = ISO_NONE;
    t->last_slot_only = false;
}

void iso_tr_forget(struct iso_translator *t)
{
    for (uint32_t k = 0; k < ISO_ACC_COUNT; k++) {
        t->acc_slot[k] = ISO_NONE;
    }
}

void iso_tr_barrier(struct iso_translator *t)
{
    t->last = ISO_NONE;
    t->prev = ISO_NONE;
    iso_tr_forget(t);
}

void iso_tr_wrote(struct iso_translator *t, uint32_t slot)
{
    for (uint32_t k = 0; k < ISO_ACC_COUNT; k++) {
        if (t->acc_slot[k] == slot) {
            t->acc_slot[k] = ISO_NONE;
        }
    }
}

/* ---- Near and far slots ------------------------------------------------------------------- */

static uint32_t take_scratch(struct iso_translator *t, uint32_t slots)
{
    ISO_ASSERT(t->wide && t->scratch_used + slots <= ISO_WIDE_SCRATCH_SLOTS);
    uint32_t slot = t->scratch + t->scratch_used;
    t->scratch_used += slots;
    return slot;
}

uint32_t iso_tr_near(struct iso_translator *t, uint32_t slot, uint32_t slots)
{
    if (slot + slots - 1 <= MAX_NEAR) {
        return slot;
    }
    uint32_t near = take_scratch(t, slots);
    for (uint32_t i = 0; i < slots; i++) {
        iso_tr_emit(t, ISO_OPN_far_get, near + i, 0, slot + i);
    }
    return near;
}

uint32_t iso_tr_result_slot(struct iso_translator *t, uint32_t slot, uint32_t slots)
{
    return slot + slots - 1 <= MAX_NEAR ? slot : take_scratch(t, slots);
}

void iso_tr_result_done(struct iso_translator *t, uint32_t near, uint32_t slot, uint32_t slots)
{
    for (uint32_t i = 0; near != slot && i < slots; i++) {
        iso_tr_emit(t, ISO_OPN_far_put, near + i, 0, slot + i);
    }
}

/* ---- The operand stack -------------------------------------------------------------------- */

struct iso_entry *iso_tr_push(struct iso_translator *t, uint8_t type, enum iso_entry_kind kind)
{
    ISO_ASSERT(t->depth < t->stack_capacity); /* max_depth entries, see iso_tr_reserve */
    struct iso_entry *e = &t->stack[t->depth++];
    e->kind = (uint8_t)kind;
    e->type = type;
    e->slot = t->next_slot;
    e->local = 0;
    e->bits = 0;
    t->next_slot += iso_type_slots(type);
    return e;
}

void iso_tr_push_local(struct iso_translator *t, uint32_t local)
{
    if (!ISO_USES(ISO_FOLD_LOCALS)) {
        uint8_t type = t->local_type[local];
        iso_tr_move(t, t->next_slot, t->local_slot[local], type);
        iso_tr_push(t, type, ISO_ENTRY_TEMP);
        return;
    }
    iso_tr_push(t, t->local_type[local], ISO_ENTRY_LOCAL)->local = local;
    t->local_refs[local]++;
}

void iso_tr_push_const(struct iso_translator *t, uint8_t type, uint64_t bits)
{
    if (!ISO_USES(ISO_FOLD_CONSTANTS)) {
        iso_tr_const_to(t, t->next_slot, type, bits);
        iso_tr_push(t, type, ISO_ENTRY_TEMP);
        return;
    }
    iso_tr_push(t, type, ISO_ENTRY_CONST)->bits = bits;
}

/* The entry for a result of class k that cell i just left in the accumulator. */
static void push_produced(struct iso_translator *t, uint8_t type, enum iso_acc_class k, uint32_t i)
{
    struct iso_entry *e = iso_tr_push(t, type, ISO_ENTRY_ACC);
    e->producer = i;
    t->acc_entry[k] = t->depth - 1;
    t->acc_slot[k] = ISO_NONE;
}

/* In a wide function every result is written at once, by way of a near slot. */
static void push_written(struct iso_translator *t, uint8_t type, enum iso_acc_class k, uint32_t opn,
                         uint32_t b, uint32_t c, const uint64_t *literal)
{
    uint32_t slot = t->next_slot;
    uint32_t near = iso_tr_result_slot(t, slot, 1);
    iso_tr_emit(t, opn + 1, near, b, c);
    if (literal != NULL) {
        iso_tr_emit_literal(t, *literal);
    }
    iso_tr_result_done(t, near, slot, 1);
    iso_tr_wrote(t, slot);
    t->acc_slot[k] = slot;
    iso_tr_push(t, type, ISO_ENTRY_TEMP);
}

static void push_acc(struct iso_translator *t, uint8_t type, uint32_t opn, uint32_t b, uint32_t c,
                     const uint64_t *literal)
{
    enum iso_acc_class k = iso_tr_class(type);
    iso_tr_spill_class(t, k);
    if (t->wide) {
        push_written(t, type, k, opn, b, c, literal);
        return;
    }
    uint32_t i = iso_tr_emit(t, opn, t->next_slot, b, c);
    if (literal != NULL) {
        iso_tr_emit_literal(t, *literal);
    }
    push_produced(t, type, k, i);
}

void iso_tr_push_acc(struct iso_translator *t, uint8_t type, uint32_t opn, uint32_t b, uint32_t c)
{
    push_acc(t, type, opn, b, c, NULL);
}

void iso_tr_push_acc_literal(struct iso_translator *t, uint8_t type, uint32_t opn, uint32_t b,
                             uint64_t literal)
{
    push_acc(t, type, opn, b, 0, &literal);
}

void iso_tr_push_slot(struct iso_translator *t, uint8_t type, uint32_t opn, uint32_t b, uint32_t c)
{
    uint32_t slots = iso_type_slots(type);
    uint32_t slot = t->next_slot;
    uint32_t near = iso_tr_result_slot(t, slot, slots);
    iso_tr_emit(t, opn, near, b, c);
    t->last_slot_only = true;
    iso_tr_result_done(t, near, slot, slots);
    iso_tr_wrote(t, slot);
    iso_tr_push(t, type, ISO_ENTRY_TEMP);
}

void iso_tr_spill(struct iso_translator *t, uint32_t index)
{
    struct iso_entry *e = &t->stack[index];
    enum iso_acc_class k = iso_tr_class(e->type);
    ISO_ASSERT(e->kind == ISO_ENTRY_ACC && t->acc_entry[k] == index);
    iso_tr_set_op(t, e->producer, t->ops[e->producer] + 1u);
    iso_tr_wrote(t, e->slot);
    e->kind = ISO_ENTRY_TEMP;
    t->acc_entry[k] = ISO_NONE;
    t->acc_slot[k] = e->slot;
}

void iso_tr_spill_class(struct iso_translator *t, enum iso_acc_class k)
{
    if (t->acc_entry[k] != ISO_NONE) {
        iso_tr_spill(t, t->acc_entry[k]);
    }
}

void iso_tr_push_sum(struct iso_translator *t, uint32_t local, uint32_t addend)
{
    struct iso_entry *e = iso_tr_push(t, ISO_TYPE_I32, ISO_ENTRY_SUM);
    e->local = local;
    e->bits = addend;
    t->local_refs[local]++;
    t->sums++;
}

struct iso_operand iso_tr_pop_address(struct iso_translator *t)
{
    const struct iso_entry *e = &t->stack[t->depth - 1];
    if (e->kind != ISO_ENTRY_SUM) {
        return iso_tr_pop(t);
    }
    t->depth--;
    t->sums--;
    t->next_slot = e->slot;
    t->local_refs[e->local]--;
    return (struct iso_operand){
        .kind = ISO_ENTRY_SUM,
        .type = ISO_TYPE_I32,
        .where = ISO_IN_SLOT,
        .local = e->local,
        .slot = t->local_slot[e->local],
        .bits = e->bits,
    };
}

void iso_tr_realise(struct iso_translator *t)
{
    if (t->stack[t->depth - 1].kind != ISO_ENTRY_SUM) {
        return;
    }
    struct iso_operand o = iso_tr_pop_address(t);
    bool in_acc = t->acc_slot[ISO_ACC_I] == o.slot;
    iso_tr_push_acc(t, ISO_TYPE_I32, in_acc ? ISO_OPN_i32_add_AI : ISO_OPN_i32_add_SI, o.slot,
                    (uint32_t)o.bits);
}

void iso_tr_settle_sums(struct iso_translator *t, uint32_t n)
{
    /* From the top: that is where they are. */
    uint32_t left = t->sums;
    uint32_t i = t->depth;
    if (i != 0 && t->stack[--i].kind == ISO_ENTRY_SUM) {
        left--; /* the topmost stays */
    }
    while (left != 0 && i-- > t->depth - n) {
        if (t->stack[i].kind == ISO_ENTRY_SUM) {
            iso_tr_settle(t, i);
            left--;
        }
    }
}

struct iso_operand iso_tr_pop(struct iso_translator *t)
{
    iso_tr_realise(t);
    const struct iso_entry *e = &t->stack[--t->depth];
    enum iso_acc_class k = iso_tr_class(e->type);
    struct iso_operand o = {
        .kind = e->kind,
        .type = e->type,
        .where = ISO_IN_SLOT,
        .local = e->local,
        .slot = e->slot,
        .bits = 0,
    };
    t->flushed = t->flushed < t->depth ? t->flushed : t->depth;
    t->next_slot = o.slot;
    switch (o.kind) {
    case ISO_ENTRY_CONST:
        o.where = ISO_IN_CONST;
        o.bits = e->bits;
        return o;
    case ISO_ENTRY_ACC:
        t->acc_entry[k] = ISO_NONE;
        o.where = ISO_USES(ISO_ACCUMULATORS) ? ISO_IN_ACC : ISO_IN_SLOT;
        return o;
    case ISO_ENTRY_LOCAL:
        t->local_refs[o.local]--;
        o.slot = t->local_slot[o.local];
        break;
    default:
        break;
    }
    if (k != ISO_ACC_NONE && t->acc_slot[k] == o.slot && ISO_USES(ISO_ACCUMULATORS)) {
        o.where = ISO_IN_ACC;
    }
    return o;
}

void iso_tr_pop_to(struct iso_translator *t, uint32_t depth)
{
    while (t->depth > depth) {
        (void)iso_tr_pop_address(t);
    }
}

uint32_t iso_tr_in_slot(struct iso_translator *t, struct iso_operand *o)
{
    uint32_t slots = iso_type_slots(o->type);
    if (o->kind == ISO_ENTRY_CONST) {
        if (o->where == ISO_IN_CONST) {
            uint32_t near = iso_tr_result_slot(t, o->slot, slots);
            iso_tr_const_to(t, near, o->type, o->bits);
            o->where = ISO_IN_SLOT;
            o->slot = near;
        }
        return o->slot;
    }
    if (o->kind == ISO_ENTRY_ACC) {
        /* The producer writes it after all; nothing that was emitted since uses that slot. */
        iso_tr_set_op(t, o->producer, t->ops[o->producer] + 1u);
        iso_tr_wrote(t, o->slot);
        t->acc_slot[iso_tr_class(o->type)] = o->slot;
        o->kind = ISO_ENTRY_TEMP;
    }
    o->where = ISO_IN_SLOT;
    o->slot = iso_tr_near(t, o->slot, slots);
    return o->slot;
}

/* ---- Moves -------------------------------------------------------------------------------- */

static uint32_t put_opn(uint8_t type)
{
    switch (type) {
    case ISO_TYPE_I32:
        return ISO_OPN_i32_put;
    case ISO_TYPE_I64:
        return ISO_OPN_i64_put;
    case ISO_TYPE_F32:
        return ISO_OPN_f32_put;
    default:
        return ISO_OPN_f64_put;
    }
}

/* Store an accumulator to any slot. */
static void put_acc(struct iso_translator *t, uint32_t dst, uint8_t type)
{
    uint32_t used = t->scratch_used;
    uint32_t near = iso_tr_result_slot(t, dst, 1);
    iso_tr_emit(t, put_opn(type), near, 0, 0);
    iso_tr_result_done(t, near, dst, 1);
    t->scratch_used = used;
}

void iso_tr_move(struct iso_translator *t, uint32_t dst, uint32_t src, uint8_t type)
{
    uint32_t slots = iso_type_slots(type);
    enum iso_acc_class k = iso_tr_class(type);
    if (dst == src) {
        return;
    }
    iso_tr_wrote(t, dst);
    if (k != ISO_ACC_NONE && t->acc_slot[k] == src) {
        put_acc(t, dst, type);
        return;
    }
    uint32_t used = t->scratch_used;
    if (dst + slots - 1 <= MAX_NEAR && src + slots - 1 <= MAX_NEAR) {
        iso_tr_emit(t, slots == 2 ? ISO_OPN_move_v128 : ISO_OPN_move, dst, src, 0);
    } else {
        uint32_t near = iso_tr_near(t, src, slots);
        uint32_t to = iso_tr_result_slot(t, dst, slots);
        if (to == dst) {
            iso_tr_emit(t, slots == 2 ? ISO_OPN_move_v128 : ISO_OPN_move, dst, near, 0);
        } else {
            iso_tr_result_done(t, near, dst, slots);
        }
    }
    t->scratch_used = used;
}

void iso_tr_const_to(struct iso_translator *t, uint32_t dst, uint8_t type, uint64_t bits)
{
    uint32_t used = t->scratch_used;
    uint32_t near = iso_tr_result_slot(t, dst, 1);
    iso_tr_wrote(t, dst);
    switch (type) {
    case ISO_TYPE_I32:
        iso_tr_emit(t, ISO_OPN_const_i32, near, 0, (uint32_t)bits);
        break;
    case ISO_TYPE_F32:
        iso_tr_emit(t, ISO_OPN_const_f32, near, 0, (uint32_t)bits);
        break;
    default:
        if ((int64_t)bits == (int32_t)(int64_t)bits) {
            iso_tr_emit(t, ISO_OPN_const_i64, near, 0, (uint32_t)bits);
        } else {
            iso_tr_emit(t, ISO_OPN_const_64, near, 0, 0);
            iso_tr_emit_literal(t, bits);
        }
        break;
    }
    iso_tr_result_done(t, near, dst, 1);
    t->scratch_used = used;
}

/* Compute a SUM into its own slot, whatever is above it. */
static void settle_sum(struct iso_translator *t, struct iso_entry *e)
{
    iso_tr_spill_class(t, ISO_ACC_I);
    uint32_t slot = t->local_slot[e->local];
    bool in_acc = t->acc_slot[ISO_ACC_I] == slot;
    iso_tr_emit(t, in_acc ? ISO_OPN_i32_add_AIw : ISO_OPN_i32_add_SIw, e->slot, slot,
                (uint32_t)e->bits);
    iso_tr_wrote(t, e->slot);
    t->acc_slot[ISO_ACC_I] = e->slot;
    t->local_refs[e->local]--;
    t->sums--;
    e->kind = ISO_ENTRY_TEMP;
}

/* Put entry `index` into its own slot. */
void iso_tr_settle(struct iso_translator *t, uint32_t index)
{
    struct iso_entry *e = &t->stack[index];
    switch (e->kind) {
    case ISO_ENTRY_ACC:
        iso_tr_spill(t, index);
        break;
    case ISO_ENTRY_LOCAL:
        t->local_refs[e->local]--;
        iso_tr_move(t, e->slot, t->local_slot[e->local], e->type);
        e->kind = ISO_ENTRY_TEMP;
        break;
    case ISO_ENTRY_CONST:
        iso_tr_const_to(t, e->slot, e->type, e->bits);
        e->kind = ISO_ENTRY_TEMP;
        break;
    case ISO_ENTRY_SUM:
        settle_sum(t, e);
        break;
    default:
        break;
    }
}

void iso_tr_flush(struct iso_translator *t, uint32_t from, bool constants)
{
    for (uint32_t k = 0; k < ISO_ACC_COUNT; k++) {
        if (t->acc_entry[k] != ISO_NONE && t->acc_entry[k] >= from) {
            iso_tr_spill(t, t->acc_entry[k]);
        }
    }
    if (!constants) {
        from = from < t->flushed ? t->flushed : from;
    }
    for (uint32_t i = from; i < t->depth; i++) {
        if (constants || t->stack[i].kind != ISO_ENTRY_CONST) {
            iso_tr_settle(t, i);
        }
    }
    if (from <= t->flushed) {
        t->flushed = t->depth;
    }
}

void iso_tr_move_entries(struct iso_translator *t, uint32_t dst, uint32_t n)
{
    uint32_t src = t->stack[t->depth - n].slot;
    uint32_t slots = t->next_slot - src;
    if (dst == src) {
        return;
    }
    uint32_t cell = iso_tr_emit(t, ISO_OPN_move_slots, slots & 0xffffu, slots >> 16, src);
    iso_tr_emit_literal(t, 0);
    if (t->err == ISO_OK) {
        t->cells[cell + 1].c = dst;
    }
    iso_tr_forget(t);
}

/* ---- Locals ------------------------------------------------------------------------------- */

/* SUMs of a local that is about to change, below the top entry. All entries that refer to it are
 * settled when it is set, so that looking for them takes no longer than pushing them did. */
static void settle_sums_of(struct iso_translator *t, uint32_t local)
{
    const struct iso_entry *top = &t->stack[t->depth - 1];
    bool top_refers =
        (top->kind == ISO_ENTRY_LOCAL || top->kind == ISO_ENTRY_SUM) && top->local == local;
    uint32_t left = t->local_refs[local] - (top_refers ? 1u : 0u);
    if (top_refers && top->kind == ISO_ENTRY_LOCAL) {
        return; /* nothing changes */
    }
    for (uint32_t i = t->depth - 1; left != 0 && t->sums != 0 && i-- > 0;) {
        const struct iso_entry *e = &t->stack[i];
        if ((e->kind == ISO_ENTRY_LOCAL || e->kind == ISO_ENTRY_SUM) && e->local == local) {
            left--;
            if (e->kind == ISO_ENTRY_SUM) {
                iso_tr_settle(t, i);
            }
        }
    }
}

/* Entries that stand for a local which is about to change get the old value. */
static void preserve(struct iso_translator *t, uint32_t local)
{
    for (uint32_t i = t->depth; i-- > 0 && t->local_refs[local] != 0;) {
        struct iso_entry *e = &t->stack[i];
        if (e->kind == ISO_ENTRY_LOCAL && e->local == local) {
            iso_tr_settle(t, i);
        }
    }
}

/* Let the last operation write to `slot` instead of where its result belongs. */
static bool redirect(struct iso_translator *t, const struct iso_operand *o, uint32_t slot)
{
    if (t->wide || t->last == ISO_NONE || !ISO_USES(ISO_SET_REDIRECTS)) {
        return false;
    }
    if (o->kind == ISO_ENTRY_ACC && o->producer == t->last) {
        t->cells[t->last].a = (uint16_t)slot;
        iso_tr_set_op(t, t->last, t->ops[t->last] + 1u);
        iso_tr_wrote(t, slot);
        t->acc_slot[iso_tr_class(o->type)] = slot;
        return true;
    }
    if (o->kind == ISO_ENTRY_TEMP && t->last_slot_only && t->cells[t->last].a == o->slot) {
        t->cells[t->last].a = (uint16_t)slot;
        iso_tr_wrote(t, slot);
        return true;
    }
    return false;
}

void iso_tr_local_set(struct iso_translator *t, uint32_t local, bool tee)
{
    uint32_t slot = t->local_slot[local];
    settle_sums_of(t, local);
    struct iso_operand o = iso_tr_pop(t);
    bool same = o.kind == ISO_ENTRY_LOCAL && o.local == local;

    if (!same && (t->local_refs[local] != 0 || !redirect(t, &o, slot))) {
        preserve(t, local);
        if (o.kind == ISO_ENTRY_CONST) {
            iso_tr_const_to(t, slot, o.type, o.bits);
        } else if (o.where == ISO_IN_ACC) {
            put_acc(t, slot, o.type);
            iso_tr_wrote(t, slot);
            t->acc_slot[iso_tr_class(o.type)] = slot;
        } else {
            uint32_t from = o.kind == ISO_ENTRY_ACC ? iso_tr_in_slot(t, &o) : o.slot;
            iso_tr_move(t, slot, from, o.type);
        }
    }
    if (!tee) {
        return;
    }
    if (o.kind == ISO_ENTRY_CONST) {
        iso_tr_push_const(t, o.type, o.bits);
    } else {
        iso_tr_push_local(t, local);
    }
}
