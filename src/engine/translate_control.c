/*
 * translate_control.c - structured control (spec 4.4.8, 4.4.9) as jumps.
 *
 * When a block begins, the entries below it are brought to a form that no path inside can change
 * (slots or constants). Where paths join, the results of a block are in their own slots. A block
 * that nothing branches to is transparent.
 */
#include "engine/translate.h"

/* More values than this are brought to their own slots first and then moved together, so that no
 * branch makes many cells. */
enum { SINGLE_MOVES = 3 };

static struct iso_control *top_control(struct iso_translator *t)
{
    return &t->controls[t->control_depth - 1];
}

static struct iso_control *label_control(struct iso_translator *t, uint32_t label)
{
    return &t->controls[t->control_depth - 1 - label];
}

static void label_types(const struct iso_control *c, const uint8_t **types, uint32_t *count)
{
    bool loop = c->kind == ISO_CONTROL_LOOP;
    *types = loop ? c->params : c->results;
    *count = loop ? c->param_count : c->result_count;
}

/* ---- Fuel --------------------------------------------------------------------------------- */

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static struct iso_control *owner_of(struct iso_translator *t, const struct iso_control *c)
{
    return &t->controls[c->cost_owner];
}

/* The innermost loop (or the function) may be left from here. */
static void may_leave(struct iso_translator *t)
{
    struct iso_control *owner = owner_of(t, top_control(t));
    owner->cost = larger(owner->cost, owner->path);
}

/* A path leads from here to the end of c. */
static void path_to_end(struct iso_translator *t, struct iso_control *c)
{
    const struct iso_control *owner = owner_of(t, c);
    c->join = larger(c->join, owner->path);
    if (owner != owner_of(t, top_control(t))) {
        may_leave(t);
    }
}

/* ---- Distances ---------------------------------------------------------------------------- */

static void set_distance(struct iso_translator *t, uint32_t cell, uint32_t entry, uint32_t target)
{
    int32_t distance = (int32_t)(target - cell);
    if (entry == ISO_NONE) {
        t->cells[cell].imm = distance;
    } else {
        memcpy((uint8_t *)&t->cells[cell + 1] + (size_t)entry * sizeof distance, &distance,
               sizeof distance);
    }
}

static uint32_t add_fixup(struct iso_translator *t, uint32_t cell, uint32_t entry, uint32_t next)
{
    uint32_t i = t->free_fixup;
    if (i != ISO_NONE) {
        t->free_fixup = t->fixups[i].next;
    } else {
        void *fixups = t->fixups;
        bool room =
            iso_tr_grow(t, &fixups, &t->fixup_capacity, t->fixup_count + 1, sizeof *t->fixups);
        t->fixups = fixups;
        if (!room) {
            return next;
        }
        i = t->fixup_count++;
    }
    t->fixups[i] = (struct iso_fixup){.cell = cell, .entry = entry, .next = next};
    return i;
}

/* The end of the code so far is the target of all of a chain. */
static void bind(struct iso_translator *t, uint32_t chain)
{
    while (chain != ISO_NONE) {
        struct iso_fixup *f = &t->fixups[chain];
        uint32_t next = f->next;
        set_distance(t, f->cell, f->entry, t->count);
        f->next = t->free_fixup;
        t->free_fixup = chain;
        chain = next;
    }
    iso_tr_barrier(t);
}

static void target_forward(struct iso_translator *t, struct iso_control *c, uint32_t cell,
                           uint32_t entry)
{
    c->targeted = true;
    c->fixups = add_fixup(t, cell, entry, c->fixups);
    path_to_end(t, c);
}

/* ---- Blocks ------------------------------------------------------------------------------- */

static void read_block_type(struct iso_translator *t, struct iso_control *c)
{
    static const uint8_t single[7] = {ISO_TYPE_I32,      ISO_TYPE_I64,  ISO_TYPE_F32,
                                      ISO_TYPE_F64,      ISO_TYPE_V128, ISO_TYPE_FUNCREF,
                                      ISO_TYPE_EXTERNREF};
    c->params = NULL;
    c->results = NULL;
    c->param_count = 0;
    c->result_count = 0;
    if (*t->p == 0x40) {
        t->p++;
        return;
    }
    for (uint32_t i = 0; i < ISO_COUNT_OF(single); i++) {
        if (*t->p == single[i]) {
            t->p++;
            c->results = &single[i];
            c->result_count = 1;
            return;
        }
    }
    const struct iso_func_type *type = &t->module->types[(uint32_t)iso_tr_s64(t)]->type;
    c->params = type->params;
    c->param_count = type->param_count;
    c->results = type->results;
    c->result_count = type->result_count;
}

/* The n entries below the topmost (an i32) to their slots, which leaves that one as it is. */
static void flush_below_top(struct iso_translator *t, uint32_t n, bool constants)
{
    struct iso_entry top = t->stack[t->depth - 1];
    bool in_acc = top.kind == ISO_ENTRY_ACC;
    t->depth--;
    t->next_slot = top.slot;
    if (in_acc) {
        t->acc_entry[ISO_ACC_I] = ISO_NONE;
    }
    iso_tr_flush(t, t->depth - n, constants);
    t->depth++;
    t->next_slot += 1;
    if (in_acc) {
        t->acc_entry[ISO_ACC_I] = t->depth - 1;
    }
}

/* A jump if the condition on top of the stack is zero (unless) or not; its cell. */
static uint32_t branch_on(struct iso_translator *t, bool unless);

void iso_tr_block(struct iso_translator *t, enum iso_control_kind kind)
{
    void *controls = t->controls;
    bool room =
        iso_tr_grow(t, &controls, &t->control_capacity, t->control_depth + 1, sizeof *t->controls);
    t->controls = controls;
    if (!room) {
        return;
    }
    struct iso_control c = {
        .kind = (uint8_t)kind, .fixups = ISO_NONE, .else_fixup = ISO_NONE, .table_stub = ISO_NONE};
    read_block_type(t, &c);
    uint32_t branch = ISO_NONE;
    c.height = t->depth - c.param_count - (kind == ISO_CONTROL_IF ? 1u : 0u);
    if (kind == ISO_CONTROL_IF) {
        if (c.height > 0 || c.param_count > 0) {
            /* The entries below the condition settle first: both arms begin with them. */
            iso_tr_settle_sums(t, t->depth);
            flush_below_top(t, t->depth - 1 - top_control(t)->height, false);
            flush_below_top(t, c.param_count, true);
        }
        branch = branch_on(t, true);
    } else {
        iso_tr_flush(t, top_control(t)->height, false);
        if (kind == ISO_CONTROL_LOOP) {
            iso_tr_flush(t, c.height, true);
        }
    }
    c.slot = c.height < t->depth ? t->stack[c.height].slot : t->next_slot;
    c.cost_owner = top_control(t)->cost_owner;
    if (kind == ISO_CONTROL_IF) {
        c.else_fixup = add_fixup(t, branch, ISO_NONE, ISO_NONE);
        c.else_path = t->controls[c.cost_owner].path;
    }
    if (kind == ISO_CONTROL_LOOP) {
        may_leave(t); /* from inside, out of the loop around it too */
        c.cost_owner = t->control_depth;
        iso_tr_emit(t, ISO_OPN_loop, 0, 0, 0);
        iso_tr_barrier(t);
        c.start = t->count;
    }
    t->controls[t->control_depth++] = c;
    if (kind == ISO_CONTROL_LOOP) {
        iso_tr_safepoint(t, ISO_SAFEPOINT_LOOP, t->count, 0, 0, 0);
    }
}

static void push_types(struct iso_translator *t, const uint8_t *types, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        iso_tr_push(t, types[i], ISO_ENTRY_TEMP);
    }
}

/* Forget the operands of a block, which ends here one way or another. */
static void cut_stack(struct iso_translator *t, const struct iso_control *c)
{
    iso_tr_pop_to(t, c->height);
    t->next_slot = c->slot;
}

void iso_tr_else(struct iso_translator *t)
{
    struct iso_control *c = top_control(t);
    if (!t->unreachable) {
        iso_tr_flush(t, c->height, true);
        uint32_t cell = iso_tr_emit(t, ISO_OPN_br, 0, 0, 0);
        target_forward(t, c, cell, ISO_NONE);
    }
    cut_stack(t, c);
    bind(t, c->else_fixup);
    owner_of(t, c)->path = c->else_path;
    c->else_fixup = ISO_NONE;
    c->kind = ISO_CONTROL_ELSE;
    t->unreachable = false;
    push_types(t, c->params, c->param_count);
}

void iso_tr_end(struct iso_translator *t)
{
    struct iso_control *c = top_control(t);
    if (c->kind == ISO_CONTROL_FUNC) {
        if (!t->unreachable) {
            iso_tr_return(t);
        }
        t->control_depth--;
        return;
    }
    if (c->kind == ISO_CONTROL_LOOP) {
        uint32_t cost = t->unreachable ? c->cost : larger(c->cost, c->path);
        t->cells[c->start - 1].c = larger(cost, 1);
    }
    if (c->targeted || c->else_fixup != ISO_NONE) {
        uint32_t path = c->else_fixup != ISO_NONE ? larger(c->join, c->else_path) : c->join;
        if (!t->unreachable) {
            iso_tr_flush(t, c->height, true);
            path = larger(path, owner_of(t, c)->path);
        }
        owner_of(t, c)->path = path;
        cut_stack(t, c);
        bind(t, c->else_fixup);
        bind(t, c->fixups);
        push_types(t, c->results, c->result_count);
        t->unreachable = false;
    } else if (t->unreachable) {
        /* Nothing arrives here: the rest of the enclosing block is dead too. */
        cut_stack(t, c);
    }
    t->control_depth--;
}

/* ---- Branches ----------------------------------------------------------------------------- */

/* Would a branch to c have to move its n values? Settles what can be had for nothing. */
static bool needs_moves(struct iso_translator *t, const struct iso_control *c, uint32_t n)
{
    bool moves = false;
    uint32_t dst = c->slot;
    if (n > SINGLE_MOVES) {
        iso_tr_flush(t, t->depth - n, true);
        return t->stack[t->depth - n].slot != dst;
    }
    for (uint32_t i = t->depth - n; i < t->depth; i++) {
        struct iso_entry *e = &t->stack[i];
        if (e->kind == ISO_ENTRY_ACC && e->slot == dst) {
            iso_tr_spill(t, i);
        }
        moves = moves || e->kind != ISO_ENTRY_TEMP || e->slot != dst;
        dst += iso_type_slots(e->type);
    }
    return moves;
}

/* Move the top n entries to where c wants them, leaving the stack as it is. Their destinations are
 * at or below their own slots, so going upwards overwrites nothing that is still needed. */
static void move_results(struct iso_translator *t, const struct iso_control *c, uint32_t n)
{
    if (n > SINGLE_MOVES) {
        iso_tr_move_entries(t, c->slot, n);
        return;
    }
    uint32_t dst = c->slot;
    for (uint32_t i = t->depth - n; i < t->depth; i++) {
        const struct iso_entry *e = &t->stack[i];
        if (e->kind == ISO_ENTRY_CONST) {
            iso_tr_const_to(t, dst, e->type, e->bits);
        } else if (e->kind == ISO_ENTRY_LOCAL) {
            iso_tr_move(t, dst, t->local_slot[e->local], e->type);
        } else {
            if (e->kind == ISO_ENTRY_ACC) {
                iso_tr_spill(t, i);
            }
            iso_tr_move(t, dst, e->slot, e->type);
        }
        dst += iso_type_slots(e->type);
    }
}

/* An unconditional jump to c, whose values are in place. */
static void jump_to(struct iso_translator *t, struct iso_control *c)
{
    if (c->kind == ISO_CONTROL_LOOP) {
        uint32_t cell = iso_tr_emit(t, ISO_OPN_br_back, c->path & 0xffffu, c->path >> 16, 0);
        set_distance(t, cell, ISO_NONE, c->start);
        if (owner_of(t, top_control(t)) != c) {
            may_leave(t);
        }
    } else {
        uint32_t cell = iso_tr_emit(t, ISO_OPN_br, 0, 0, 0);
        target_forward(t, c, cell, ISO_NONE);
    }
}

static void become_unreachable(struct iso_translator *t)
{
    cut_stack(t, top_control(t));
    t->unreachable = true;
    t->skip_depth = 0;
    iso_tr_barrier(t);
}

void iso_tr_unreachable(struct iso_translator *t)
{
    iso_tr_emit(t, ISO_OPN_unreachable, 0, 0, 0);
    become_unreachable(t);
}

/* Return the top n entries; the stack stays as it is. */
static void emit_return(struct iso_translator *t, uint32_t n)
{
    static const uint16_t by_class[ISO_ACC_COUNT][2] = {
        [ISO_ACC_I] = {ISO_OPN_i64_return_S, ISO_OPN_i64_return_A},
        [ISO_ACC_F32] = {ISO_OPN_f32_return_S, ISO_OPN_f32_return_A},
        [ISO_ACC_F64] = {ISO_OPN_f64_return_S, ISO_OPN_f64_return_A},
    };
    may_leave(t);
    t->controls[0].cost = larger(t->controls[0].cost, t->controls[0].path);
    if (n == 0) {
        iso_tr_emit(t, ISO_OPN_return_0, 0, t->header, 0);
        return;
    }
    if (n == 1) {
        iso_tr_realise(t);
    }
    const struct iso_entry *e = &t->stack[t->depth - n];
    enum iso_acc_class k = iso_tr_class(e->type);
    if (n == 1 && k != ISO_ACC_NONE) {
        bool i32 = e->type == ISO_TYPE_I32;
        uint32_t slot = e->kind == ISO_ENTRY_LOCAL ? t->local_slot[e->local] : e->slot;
        bool in_acc =
            e->kind == ISO_ENTRY_ACC || (e->kind != ISO_ENTRY_CONST && t->acc_slot[k] == slot);
        if (e->kind == ISO_ENTRY_CONST) {
            slot = iso_tr_result_slot(t, slot, 1);
            iso_tr_const_to(t, slot, e->type, e->bits);
        } else if (!in_acc) {
            slot = iso_tr_near(t, slot, 1);
        }
        uint32_t opn = i32 ? (in_acc ? ISO_OPN_i32_return_A : ISO_OPN_i32_return_S)
                           : by_class[k][in_acc ? 1 : 0];
        iso_tr_emit(t, opn, in_acc ? 0 : slot, t->header, 0);
        return;
    }
    uint32_t slots = t->next_slot - e->slot;
    iso_tr_flush(t, t->depth - n, true);
    iso_tr_emit(t, ISO_OPN_return_n, slots, t->header, t->stack[t->depth - n].slot);
}

void iso_tr_return(struct iso_translator *t)
{
    emit_return(t, t->controls[0].result_count);
    become_unreachable(t);
}

void iso_tr_br(struct iso_translator *t, uint32_t label)
{
    struct iso_control *c = label_control(t, label);
    const uint8_t *types;
    uint32_t n;
    label_types(c, &types, &n);
    if (c->kind == ISO_CONTROL_FUNC) {
        iso_tr_return(t);
        return;
    }
    iso_tr_settle_sums(t, n);
    if (n != 0) {
        iso_tr_realise(t);
    }
    if (needs_moves(t, c, n)) {
        move_results(t, c, n);
    }
    jump_to(t, c);
    become_unreachable(t);
}

/* ---- Conditions --------------------------------------------------------------------------- */

/* The integer comparisons stand in the order eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u, each
 * with ten variants, for i32 and then i64; the branches likewise. */
enum { VARIANTS = 10, INT_COMPARES = 10 };

static bool is_int_compare(uint32_t opn)
{
    return opn >= ISO_OPN_i32_eq_SS && opn <= ISO_OPN_i64_ge_u_SAw;
}

static bool is_float_compare(uint32_t opn)
{
    return (opn >= ISO_OPN_f32_eq_SS && opn <= ISO_OPN_f32_ge_SAw) ||
           (opn >= ISO_OPN_f64_eq_SS && opn <= ISO_OPN_f64_ge_SAw);
}

static bool writes_through(uint32_t float_compare)
{
    bool f32 = float_compare <= ISO_OPN_f32_ge_SAw;
    return (float_compare - (f32 ? ISO_OPN_f32_eq_SS : ISO_OPN_f64_eq_SS)) % 2 != 0;
}

static uint32_t inverse_compare(uint32_t index)
{
    static const uint8_t inverse[INT_COMPARES] = {1, 0, 8, 9, 6, 7, 4, 5, 2, 3};
    return index / INT_COMPARES * INT_COMPARES + inverse[index % INT_COMPARES];
}

/* The branch that does what the comparison `cell` and a branch would; false when there is none. */
static bool fused_branch(const struct iso_translator *t, uint32_t cell, bool unless, uint32_t *opn,
                         uint32_t *a, uint32_t *b)
{
    uint32_t op = t->ops[cell];
    const struct iso_cell *from = &t->cells[cell];
    *a = from->b;
    *b = from->c;
    if (is_int_compare(op)) {
        uint32_t index = (op - ISO_OPN_i32_eq_SS) / VARIANTS;
        uint32_t variant = (op - ISO_OPN_i32_eq_SS) % VARIANTS / 2;
        bool immediate = variant == 1 || variant == 3;
        if (immediate) {
            if (from->imm != (int16_t)from->imm) {
                return false;
            }
            *b = (uint16_t)from->imm;
        }
        index = unless ? inverse_compare(index) : index;
        *opn = ISO_OPN_br_i32_eq_SS + index * VARIANTS + variant * 2;
        return true;
    }
    if (is_float_compare(op)) {
        bool f32 = op <= ISO_OPN_f32_ge_SAw;
        uint32_t distance = op - (f32 ? ISO_OPN_f32_eq_SS : ISO_OPN_f64_eq_SS);
        *opn = (f32 ? ISO_OPN_br_f32_eq_SS_t : ISO_OPN_br_f64_eq_SS_t) + distance / 2 * 2 +
               (unless ? 1u : 0u);
        return true;
    }
    return false;
}

/*
 * "x = y + constant; branch back if x compares" as one operation: the last two operations, or the
 * last one alone when the condition is just x. Its cell, or ISO_NONE when it is something else.
 */
static uint32_t count_branch(struct iso_translator *t, const struct iso_operand *o)
{
    uint32_t index = 1; /* ne */
    uint32_t rhs = 0;
    bool immediate = true;
    uint32_t add = t->last;
    if (t->last == ISO_NONE || t->wide || !ISO_USES(ISO_COUNT_BRANCH)) {
        return ISO_NONE;
    }
    if (o->kind == ISO_ENTRY_ACC) {
        uint32_t op = t->ops[t->last];
        if (o->producer != t->last || op < ISO_OPN_i32_eq_SS || op > ISO_OPN_i32_ge_u_SAw) {
            return ISO_NONE;
        }
        const struct iso_cell *compare = &t->cells[t->last];
        uint32_t variant = (op - ISO_OPN_i32_eq_SS) % VARIANTS;
        index = (op - ISO_OPN_i32_eq_SS) / VARIANTS;
        immediate = variant == 6;
        rhs = immediate ? (uint16_t)compare->imm : compare->c;
        add = t->prev;
        if ((variant != 4 && variant != 6) || add == ISO_NONE ||
            (immediate && compare->imm != (int16_t)compare->imm)) {
            return ISO_NONE;
        }
    } else if (o->where == ISO_IN_CONST || o->slot != t->cells[t->last].a) {
        return ISO_NONE;
    }
    if (t->ops[add] != ISO_OPN_i32_add_SIw || (!immediate && rhs == t->cells[add].a)) {
        return ISO_NONE;
    }
    struct iso_cell sum = t->cells[add];
    t->count = add;
    uint32_t cell =
        iso_tr_emit(t, ISO_OPN_count_eq_S + index * 2 + (immediate ? 1u : 0u), sum.a, rhs, 0);
    t->prev = ISO_NONE;
    iso_tr_emit_literal(t, 0);
    if (t->err == ISO_OK) {
        t->cells[cell + 1].a = sum.b;
        t->cells[cell + 1].c = sum.c;
    }
    t->acc_slot[ISO_ACC_I] = sum.a;
    return cell;
}

/* Emit a conditional jump on the popped condition; its cell. back: to a loop. */
static uint32_t emit_branch(struct iso_translator *t, struct iso_operand *o, bool unless, bool back)
{
    uint32_t opn;
    uint32_t a;
    uint32_t b;
    bool produced =
        o->kind == ISO_ENTRY_ACC && o->producer == t->last && ISO_USES(ISO_COMPARE_BRANCH);
    if (produced && t->ops[t->last] == ISO_OPN_i32_eq_AI && t->cells[t->last].c == 0 &&
        t->prev != ISO_NONE && is_float_compare(t->ops[t->prev]) &&
        !writes_through(t->ops[t->prev])) {
        /* not (x < y), of floats */
        iso_tr_remove_last(t);
        unless = !unless;
    }
    if (back && !unless) {
        uint32_t cell = count_branch(t, o);
        if (cell != ISO_NONE) {
            return cell;
        }
    }
    if (produced && fused_branch(t, t->last, unless, &opn, &a, &b) &&
        !(back && is_float_compare(t->ops[t->last]))) {
        bool literal = t->count == t->last + 2;
        uint64_t bits = literal ? iso_literal_u64(&t->cells[t->last]) : 0;
        iso_tr_remove_last(t);
        uint32_t cell = iso_tr_emit(t, opn + (back ? 1u : 0u), a, b, 0);
        if (literal) {
            iso_tr_emit_literal(t, bits);
        }
        return cell;
    }
    if (produced && is_float_compare(t->ops[t->last])) {
        o->where = ISO_IN_ACC;
    }
    bool in_acc = o->where == ISO_IN_ACC;
    a = in_acc ? 0 : iso_tr_in_slot(t, o);
    opn = (unless ? ISO_OPN_br_i32_eq_SS : ISO_OPN_br_i32_ne_SS) + (in_acc ? 6u : 2u);
    return iso_tr_emit(t, opn + (back ? 1u : 0u), a, 0, 0);
}

static uint32_t branch_on(struct iso_translator *t, bool unless)
{
    struct iso_operand o = iso_tr_pop(t);
    return emit_branch(t, &o, unless, false);
}

void iso_tr_br_if(struct iso_translator *t, uint32_t label)
{
    struct iso_control *c = label_control(t, label);
    const uint8_t *types;
    uint32_t n;
    label_types(c, &types, &n);
    iso_tr_settle_sums(t, n + 1);
    bool leaves = c->kind == ISO_CONTROL_FUNC;
    bool together = n > SINGLE_MOVES || (leaves && n > 1);
    if (together) {
        flush_below_top(t, n, true);
    }
    struct iso_operand condition = iso_tr_pop(t);
    bool far = leaves || (n != 0 && needs_moves(t, c, n));
    if (!far) {
        bool back = c->kind == ISO_CONTROL_LOOP;
        uint32_t cell = emit_branch(t, &condition, false, back);
        if (back) {
            set_distance(t, cell, ISO_NONE, c->start);
            c->cost = larger(c->cost, c->path);
            may_leave(t);
        } else {
            target_forward(t, c, cell, ISO_NONE);
        }
        return;
    }
    /* Values must be moved, or a frame left, only if the branch is taken: jump around it. What the
     * taken path learns about accumulators does not hold on the other. */
    uint32_t around = emit_branch(t, &condition, true, false);
    uint32_t kept[ISO_ACC_COUNT];
    memcpy(kept, t->acc_slot, sizeof kept);
    if (c->kind == ISO_CONTROL_FUNC) {
        const struct iso_entry *e = n != 0 ? &t->stack[t->depth - n] : NULL;
        if (n == 1 && iso_tr_class(e->type) == ISO_ACC_NONE) {
            struct iso_control at = {.slot = e->slot};
            may_leave(t);
            t->controls[0].cost = larger(t->controls[0].cost, t->controls[0].path);
            move_results(t, &at, n);
            iso_tr_emit(t, ISO_OPN_return_n, t->next_slot - e->slot, t->header, e->slot);
        } else {
            emit_return(t, n);
        }
    } else {
        move_results(t, c, n);
        jump_to(t, c);
    }
    set_distance(t, around, ISO_NONE, t->count);
    t->last = ISO_NONE;
    t->prev = ISO_NONE;
    for (uint32_t k = 0; k < ISO_ACC_COUNT; k++) {
        /* Moves of the taken path wrote slots at or above c's results only. */
        t->acc_slot[k] = t->acc_slot[k] == kept[k] ? kept[k] : ISO_NONE;
    }
}

/* ---- br_table ----------------------------------------------------------------------------- */

/* The code between the table and target c; its cell. Made once for each target of one table. */
static uint32_t table_stub(struct iso_translator *t, struct iso_control *c, uint32_t n)
{
    if (c->table_stub != ISO_NONE) {
        return c->table_stub;
    }
    c->table_stub = t->count;
    iso_tr_barrier(t);
    t->scratch_used = 0;
    if (c->kind == ISO_CONTROL_FUNC) {
        emit_return(t, n);
    } else {
        move_results(t, c, n);
        jump_to(t, c);
    }
    return c->table_stub;
}

void iso_tr_br_table(struct iso_translator *t)
{
    iso_tr_settle_sums(t, t->depth);
    struct iso_operand index = iso_tr_pop(t);
    uint32_t count = iso_tr_u32(t);
    const uint8_t *targets = t->p;
    const uint8_t *types;
    uint32_t n = 0;
    for (uint32_t i = 0; i <= count; i++) {
        label_types(label_control(t, iso_tr_u32(t)), &types, &n);
    }
    const uint8_t *after = t->p;

    /* The values settle in their own slots before the jump. */
    bool in_acc = index.where == ISO_IN_ACC;
    iso_tr_flush(t, t->depth - n, true);
    uint32_t a = in_acc ? 0 : iso_tr_in_slot(t, &index);
    uint32_t cell = iso_tr_emit(t, in_acc ? ISO_OPN_br_table_A : ISO_OPN_br_table_S, a, 0, count);
    size_t bytes = ((size_t)count + 1) * sizeof(int32_t);
    for (size_t filled = 0; filled < bytes; filled += sizeof(struct iso_cell)) {
        iso_tr_emit_literal(t, 0);
    }
    for (uint32_t i = 0; i < t->control_depth; i++) {
        t->controls[i].table_stub = ISO_NONE;
    }
    uint32_t first = n != 0 ? t->stack[t->depth - n].slot : 0;
    t->p = targets;
    for (uint32_t i = 0; i <= count && t->err == ISO_OK; i++) {
        struct iso_control *c = label_control(t, iso_tr_u32(t));
        bool direct = c->kind != ISO_CONTROL_FUNC && c->kind != ISO_CONTROL_LOOP &&
                      (n == 0 || c->slot == first);
        if (direct) {
            target_forward(t, c, cell, i);
        } else {
            uint32_t stub = table_stub(t, c, n);
            set_distance(t, cell, i, stub);
        }
    }
    t->p = after;
    become_unreachable(t);
}

/* ---- Calls -------------------------------------------------------------------------------- */

/* Arguments to their slots, everything else out of the accumulators; then off the stack. The slot
 * of the first. */
static uint32_t pass_arguments(struct iso_translator *t, const struct iso_func_type *type)
{
    for (uint32_t k = 0; k < ISO_ACC_COUNT; k++) {
        iso_tr_spill_class(t, (enum iso_acc_class)k);
    }
    iso_tr_flush(t, t->depth - type->param_count, true);
    iso_tr_pop_to(t, t->depth - type->param_count);
    return t->next_slot;
}

static void take_results(struct iso_translator *t, const struct iso_func_type *type)
{
    iso_tr_barrier(t);
    if (type->result_count == 1) {
        enum iso_acc_class k = iso_tr_class(type->results[0]);
        if (k != ISO_ACC_NONE) {
            t->acc_slot[k] = t->next_slot;
        }
    }
    push_types(t, type->results, type->result_count);
}

void iso_tr_call(struct iso_translator *t, uint32_t func_index)
{
    const struct iso_func_type *type = &t->module->funcs[func_index].type->type;
    iso_tr_settle_sums(t, t->depth);
    if (t->depth != 0) {
        iso_tr_realise(t);
    }
    uint32_t args = pass_arguments(t, type);
    bool import = func_index < t->module->func_import_count;
    uint32_t cell = iso_tr_emit(t, import ? ISO_OPN_call_import : ISO_OPN_call, args & 0xffffu,
                                args >> 16, func_index);
    iso_tr_safepoint(t, ISO_SAFEPOINT_CALL, t->count, cell, args, func_index);
    take_results(t, type);
}

void iso_tr_call_indirect(struct iso_translator *t, uint32_t type_index, uint32_t table)
{
    const struct iso_interned_type *type = t->module->types[type_index];
    iso_tr_settle_sums(t, t->depth);
    struct iso_operand index = iso_tr_pop(t);
    bool in_acc = index.where == ISO_IN_ACC;
    uint32_t a = 0;
    if (!in_acc) {
        a = iso_tr_in_slot(t, &index);
    }
    uint32_t args = pass_arguments(t, &type->type);
    uint32_t cell =
        iso_tr_emit(t, in_acc ? ISO_OPN_call_indirect_A : ISO_OPN_call_indirect_S, a, 0, type->id);
    iso_tr_emit_literal(t, 0);
    t->cells[cell + 1].a = (uint16_t)(args & 0xffffu);
    t->cells[cell + 1].b = (uint16_t)(args >> 16);
    t->cells[cell + 1].c = table;
    iso_tr_safepoint(t, ISO_SAFEPOINT_CALL, t->count, cell, args, type->id);
    take_results(t, &type->type);
}
