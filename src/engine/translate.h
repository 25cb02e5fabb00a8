/*
 * translate.h - the translator's state and the functions that its files share.
 *
 * One pass over a validated function body (see docs/internals/engine.md). The operand stack of the
 * specification is followed symbolically: an entry says where its value is, and only what must be
 * computed becomes a cell.
 *
 *   translate.c          driver: entry points, control instructions, the rest of the instructions
 *   translate_emit.c     cells, operands, accumulators, moves
 *   translate_control.c  blocks, branches, calls, returns
 *   translate_ops.c      numeric instructions, loads and stores
 *   translate_simd.c     vector instructions
 *   translate_map.c      safepoints found again: frame maps and instruction offsets
 */
#ifndef ISO_ENGINE_TRANSLATE_H
#define ISO_ENGINE_TRANSLATE_H

#include "engine/interp.h"
#include "engine/opcodes.h"

/* Accumulator classes. */
enum iso_acc_class { ISO_ACC_I, ISO_ACC_F32, ISO_ACC_F64, ISO_ACC_COUNT, ISO_ACC_NONE };

enum iso_entry_kind {
    ISO_ENTRY_TEMP,  /* in its own slot */
    ISO_ENTRY_LOCAL, /* in local `local`, which has not been set since */
    ISO_ENTRY_CONST, /* `bits` */
    ISO_ENTRY_ACC,   /* in the accumulator only; cell `producer` can be made to write it */
    ISO_ENTRY_SUM    /* i32: local `local` + `bits`, not computed yet: an access may do it */
};

/* One operand of the symbolic stack. `slot` is where it belongs by its height. */
struct iso_entry {
    uint8_t kind;
    uint8_t type; /* enum iso_type */
    uint32_t slot;
    union {
        uint32_t local;
        uint32_t producer;
    };
    uint64_t bits;
};

enum iso_control_kind {
    ISO_CONTROL_FUNC,
    ISO_CONTROL_BLOCK,
    ISO_CONTROL_LOOP,
    ISO_CONTROL_IF,
    ISO_CONTROL_ELSE
};

#define ISO_NONE UINT32_MAX

struct iso_control {
    uint8_t kind;
    bool targeted;         /* a branch to the end exists (or the else of an `if`) */
    uint32_t height;       /* entries below its parameters */
    uint32_t slot;         /* slot of the first parameter or result */
    const uint8_t *params; /* types */
    const uint8_t *results;
    uint32_t param_count;
    uint32_t result_count;
    uint32_t start;      /* loop: first cell of the body */
    uint32_t fixups;     /* chain of branches to the end */
    uint32_t else_fixup; /* if: the branch to the else */
    /* Fuel (see "Fuel" in docs/internals/engine.md). Loops and the function: instructions on the
     * longest path from its start to here, and on the longest to where it is left or, by a fused
     * branch, begun again. All: the longest path to the end, by branches; to the else. */
    uint32_t path;
    uint32_t cost;
    uint32_t join;
    uint32_t else_path;
    uint32_t cost_owner; /* the loop, or function, whose instructions this one's are */
    uint32_t table_stub; /* br_table under translation: cell of the stub for this target */
};

/* A distance to be filled in when its target is known. */
struct iso_fixup {
    uint32_t cell;  /* distances count from here */
    uint32_t entry; /* of a br_table, or ISO_NONE: operand c */
    uint32_t next;
};

/*
 * An operand as an operation will read it, and what the entry was that it was popped from. The
 * fields stand in another order than those of an entry, so that no compiler copies several of them
 * at once: a load that is wider than the stores just before it waits for them, which was a sixth of
 * the translator's time.
 */
enum iso_where { ISO_IN_SLOT, ISO_IN_ACC, ISO_IN_CONST };
struct iso_operand {
    uint64_t bits;
    union {
        uint32_t local;
        uint32_t producer;
    };
    uint32_t slot;
    uint8_t type; /* enum iso_type */
    uint8_t where;
    uint8_t kind; /* enum iso_entry_kind */
};

struct iso_translator {
    struct iso_module *module;
    const struct iso_alloc *alloc;
    uint32_t func_index;
    const struct iso_module_func *func;
    const uintptr_t *op_table;
    enum iso_err err; /* the first failure; work goes on harmlessly until it is looked at */

    const uint8_t *p; /* in the body */
    uint32_t offset;  /* of the instruction under translation, in the module */

    /* Frame layout. */
    uint32_t header;
    uint32_t scratch; /* first scratch slot of a wide function */
    uint32_t locals;  /* slot of the first declared local */
    uint32_t temps;   /* slot of operand height 0 */
    bool wide;
    uint32_t scratch_used; /* by the present instruction */
    uint32_t local_count;
    uint32_t *local_slot;
    uint8_t *local_type;
    uint32_t *local_refs; /* entries of kind LOCAL and SUM on the stack */

    /* Cells, and for each its operation and the instruction that it belongs to. */
    struct iso_cell *cells;
    uint16_t *ops;
    uint32_t *offsets;
    uint32_t count, capacity;
    uint32_t last; /* the last operation's cell, when it may still be changed, else ISO_NONE */
    uint32_t prev; /* the one before it, likewise */
    bool last_slot_only; /* the last operation wrote its result (a) to the top entry's slot */

    struct iso_entry *stack;
    uint32_t depth, stack_capacity;
    uint32_t next_slot; /* where the next operand belongs */
    uint32_t flushed;   /* so many entries from the bottom are TEMP or CONST */
    uint32_t sums;      /* entries of kind SUM */

    /* Accumulators: the entry that is only there, and the slot whose value it has. */
    uint32_t acc_entry[ISO_ACC_COUNT];
    uint32_t acc_slot[ISO_ACC_COUNT];

    struct iso_control *controls;
    uint32_t control_depth, control_capacity;
    struct iso_fixup *fixups;
    uint32_t fixup_count, fixup_capacity;
    uint32_t free_fixup;
    bool unreachable;
    uint32_t skip_depth; /* blocks opened in unreachable code */

    /* Looking for a safepoint instead of making code (translate_map.c). */
    const struct iso_frame_query *query;
    struct iso_frame_map *map;
    struct iso_arena *arena;
    bool found;
};

/* ---- translate_emit.c ---- */
/* The operand stack and the first cells. False (and err set) when memory is short. */
bool iso_tr_reserve(struct iso_translator *t);
enum iso_acc_class iso_tr_class(uint8_t type);
/* Append a cell; its index. */
uint32_t iso_tr_emit(struct iso_translator *t, uint32_t opn, uint32_t a, uint32_t b, uint32_t c);
/* Append a literal after the last cell, which it belongs to. */
void iso_tr_emit_literal(struct iso_translator *t, uint64_t bits);
void iso_tr_set_op(struct iso_translator *t, uint32_t cell, uint32_t opn);
/* Remove the last operation (and its literal). */
void iso_tr_remove_last(struct iso_translator *t);
/* From here on code may be reached from elsewhere: nothing before may be changed or relied on. */
void iso_tr_barrier(struct iso_translator *t);
/* Forget what the accumulators hold. */
void iso_tr_forget(struct iso_translator *t);
/* A slot that an operation can name; in wide functions, the value is brought near first. */
uint32_t iso_tr_near(struct iso_translator *t, uint32_t slot, uint32_t slots);
/* Where an operation may leave a result that belongs in `slot`; and, after it, bring it there. */
uint32_t iso_tr_result_slot(struct iso_translator *t, uint32_t slot, uint32_t slots);
void iso_tr_result_done(struct iso_translator *t, uint32_t near, uint32_t slot, uint32_t slots);
/* A slot has a new value: no accumulator mirrors it any more. */
void iso_tr_wrote(struct iso_translator *t, uint32_t slot);

struct iso_entry *iso_tr_push(struct iso_translator *t, uint8_t type, enum iso_entry_kind kind);
void iso_tr_push_local(struct iso_translator *t, uint32_t local);
void iso_tr_push_const(struct iso_translator *t, uint8_t type, uint64_t bits);
/* A result in the accumulator: emits opn (the variant without w). */
void iso_tr_push_acc(struct iso_translator *t, uint8_t type, uint32_t opn, uint32_t b, uint32_t c);
/* The same for an operation that is followed by a literal. */
void iso_tr_push_acc_literal(struct iso_translator *t, uint8_t type, uint32_t opn, uint32_t b,
                             uint64_t literal);
/* A result that the operation writes to slot a; emits it. Touches no accumulator. */
void iso_tr_push_slot(struct iso_translator *t, uint8_t type, uint32_t opn, uint32_t b, uint32_t c);
/* Take the top entry off the stack. */
struct iso_operand iso_tr_pop(struct iso_translator *t);
/* The same, but a SUM stays one: o.slot is the local's, o.bits what is added. */
struct iso_operand iso_tr_pop_address(struct iso_translator *t);
/* Compute the SUMs among the top n entries, all but the topmost: before several are popped. */
void iso_tr_settle_sums(struct iso_translator *t, uint32_t n);
/* Move n entries, which are in their own slots, to slot dst and the following. */
void iso_tr_move_entries(struct iso_translator *t, uint32_t dst, uint32_t n);
/* An i32 that is a local plus a constant. */
void iso_tr_push_sum(struct iso_translator *t, uint32_t local, uint32_t addend);
/* Compute the top entry if it is a SUM. */
void iso_tr_realise(struct iso_translator *t);
void iso_tr_pop_to(struct iso_translator *t, uint32_t depth);
/* A popped operand's value in a slot, near. */
uint32_t iso_tr_in_slot(struct iso_translator *t, struct iso_operand *operand);
/* Likewise, but its own slot, as an operand of 32 bits. */
void iso_tr_settle(struct iso_translator *t, uint32_t index);
void iso_tr_spill(struct iso_translator *t, uint32_t index);
void iso_tr_spill_class(struct iso_translator *t, enum iso_acc_class k);
/* Entries from `from` upwards: none in an accumulator or a local; constants too if asked. */
void iso_tr_flush(struct iso_translator *t, uint32_t from, bool constants);
void iso_tr_move(struct iso_translator *t, uint32_t dst, uint32_t src, uint8_t type);
void iso_tr_const_to(struct iso_translator *t, uint32_t dst, uint8_t type, uint64_t bits);
void iso_tr_local_set(struct iso_translator *t, uint32_t local, bool tee);
/* Make room; false (and err set) when memory is short. */
bool iso_tr_grow(struct iso_translator *t, void **array, uint32_t *capacity, uint32_t need,
                 size_t size);

/* ---- translate_control.c ---- */
void iso_tr_block(struct iso_translator *t, enum iso_control_kind kind);
void iso_tr_else(struct iso_translator *t);
void iso_tr_end(struct iso_translator *t);
void iso_tr_br(struct iso_translator *t, uint32_t label);
void iso_tr_br_if(struct iso_translator *t, uint32_t label);
void iso_tr_br_table(struct iso_translator *t);
void iso_tr_return(struct iso_translator *t);
void iso_tr_call(struct iso_translator *t, uint32_t func_index);
void iso_tr_call_indirect(struct iso_translator *t, uint32_t type_index, uint32_t table);
void iso_tr_unreachable(struct iso_translator *t);

/* ---- translate_ops.c ---- */
/* Numeric instruction, load or store; false when it is none of them. */
bool iso_tr_numeric(struct iso_translator *t, uint32_t opcode);
bool iso_tr_memory(struct iso_translator *t, uint32_t opcode);
/* A comparison with zero. */
void iso_tr_eqz(struct iso_translator *t, uint8_t type);

/* ---- translate_simd.c ---- */
void iso_tr_simd(struct iso_translator *t, uint32_t opcode);

/* ---- translate_map.c ---- */
void iso_tr_safepoint(struct iso_translator *t, enum iso_safepoint kind, uint32_t cell,
                      uint32_t call_cell, uint32_t args, uint32_t callee);

/* ---- translate.c ---- */
/* Translate the body into t->cells. */
enum iso_err iso_tr_run(struct iso_translator *t, struct iso_module *module, uint32_t func_index);
void iso_tr_fini(struct iso_translator *t);
/* After iso_tr_run: the size of the code, and the code itself, in as many bytes. */
size_t iso_tr_code_bytes(const struct iso_translator *t);
void iso_tr_code_fill(const struct iso_translator *t, struct iso_code *code);

/* Reading a validated body. */
static inline uint32_t iso_tr_u32(struct iso_translator *t)
{
    uint32_t result = 0;
    uint32_t shift = 0;
    uint8_t byte;
    do {
        byte = *t->p++;
        result |= (uint32_t)(byte & 0x7fu) << shift;
        shift += 7;
    } while ((byte & 0x80u) != 0);
    return result;
}

static inline int64_t iso_tr_s64(struct iso_translator *t)
{
    uint64_t result = 0;
    uint32_t shift = 0;
    uint8_t byte;
    do {
        byte = *t->p++;
        result |= (uint64_t)(byte & 0x7fu) << shift;
        shift += 7;
    } while ((byte & 0x80u) != 0);
    if (shift < 64 && (byte & 0x40u) != 0) {
        result |= ~(uint64_t)0 << shift;
    }
    return (int64_t)result;
}

#endif
