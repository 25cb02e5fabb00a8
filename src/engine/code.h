/*
 * code.h - the engine's internal code, frames on the value stack, and the map between a position
 * in the code and the canonical state of a frame. Internal to src/engine.
 * See docs/internals/engine.md for the design.
 *
 * A frame on the value stack, in slots from fp:
 *
 *   [0, P)            parameters; the results are left here, from 0, when the function returns
 *   [P, P+2)          header: [P].u64 return pc (struct iso_cell *), [P+1].u64 caller's fp
 *   [P+2, P+2+S)      scratch, only in functions with more than 65,535 slots (S is 0 or 8)
 *   [..., +L)         declared locals
 *   [T, ...)          operands, by stack height in slots
 *
 * The arguments of a call are operands at the top of the caller's stack: callee fp = caller fp +
 * slot of the first argument. Frames of a call from another instance have &iso_bridge_cell as
 * return pc; where that goes on stands in a record of ISO_BRIDGE_SLOTS slots at the far end of the
 * stack: exec.stack_end moves down by one record for each. The bottom frame of a run has
 * &iso_exit_cell as return pc.
 */
#ifndef ISO_ENGINE_CODE_H
#define ISO_ENGINE_CODE_H

#include "engine/store.h"

/*
 * One operation: `op` is the handler's address (goto, tail) or its number (switch); a, b and c are
 * operands, as ops.def says for each: frame slots, immediates, or a distance in cells. Some
 * operations are followed by a cell without a handler, which holds a 64-bit constant in its first
 * bytes, or more operands.
 */
struct iso_cell {
    uintptr_t op;
    uint16_t a;
    uint16_t b;
    union {
        uint32_t c;
        int32_t imm;
        uint16_t h[2];
        int16_t s[2];
    };
};

#define ISO_FRAME_HEADER_SLOTS 2u
#define ISO_BRIDGE_SLOTS 3u /* [0] return pc, [1] caller's fp, [2] caller's instance */
#define ISO_WIDE_SCRATCH_SLOTS 8u

/*
 * The code of one function. What every call reads stands right before the cells. See "Code is a
 * cache" in docs/internals/engine.md for the first members, which only a limit on code memory uses.
 */
struct iso_code {
    struct iso_module *module;
    struct iso_code *older,
        *newer;       /* among those that no instance holds, by when they were let go */
    uint32_t holders; /* instances whose table of code has it */
    uint32_t func_index;
    uint32_t cell_count;
    uint32_t frame_slots; /* P + 2 + S + L + deepest operand stack */
    uint32_t header;      /* P */
    uint32_t locals;      /* slot of the first declared local */
    uint32_t local_slots; /* L: zeroed at entry */
    uint32_t cost;        /* fuel charged at entry */
    uint32_t alloc_bytes; /* of this object */
    bool is_counted;      /* while the code of a store is counted */
    struct iso_cell cells[];
};

/* Return addresses that lead out of a module's code. */
extern struct iso_cell iso_exit_cell;
extern struct iso_cell iso_bridge_cell;

/*
 * Where a frame can stand while no code runs.
 * ENTRY  before the first instruction; no operands.
 * LOOP   at the first instruction of a loop's body; operands include the loop's parameters.
 * CALL   in the middle of a call instruction; operands without the arguments of the call (and
 *        without the table index): those are the next frame's, or the pending host call's.
 */
enum iso_safepoint { ISO_SAFEPOINT_ENTRY, ISO_SAFEPOINT_LOOP, ISO_SAFEPOINT_CALL };

/* Where one value of a frame lives. */
struct iso_value_map {
    uint8_t type;     /* enum iso_type */
    bool is_constant; /* known from the code: constant holds its bits, slot means nothing */
    uint32_t slot;    /* from fp; may be that of a local, whose value the operand then shares */
    uint64_t constant;
};

struct iso_frame_map {
    enum iso_safepoint kind;
    uint32_t cell;      /* index at which execution goes on. CALL: the cell after the call */
    uint32_t call_cell; /* CALL: index of the call's cell itself (a pending call goes on there) */
    uint32_t offset; /* of the instruction in the module, in bytes: ENTRY, LOOP: the one that runs
                        next; CALL: the call itself */
    uint32_t args;   /* CALL: slot of the call's first argument, where the callee's fp is */
    uint8_t opcode;  /* CALL: 0x10 call, 0x11 call_indirect */
    uint32_t callee; /* CALL: function index (call); for call_indirect the interned type id */
    uint32_t local_count; /* parameters included; in index order */
    struct iso_value_map *locals;
    uint32_t operand_count; /* from the bottom */
    struct iso_value_map *operands;
};

/* What identifies a safepoint, for iso_frame_map_find: a cell, or a kind and an offset. */
struct iso_frame_query {
    bool by_cell;
    uint32_t cell;           /* by_cell: iso_frame_map.cell */
    enum iso_safepoint kind; /* else */
    uint32_t offset;
};

/*
 * code.c. The code of function `func_index` (not an import) of the instance, made if need be. It
 * belongs to the module. With a limit on code memory it stays at least until the instance's store
 * leaves the function or comes to iso_code_rest or to another iso_code_get; without, for ever.
 * Takes the engine's lock; on the thread that has the store. Errors: ISO_E_NOMEM; ISO_E_LIMIT (code
 * memory; the store's last trap has the words).
 */
ISO_MUST_CHECK enum iso_err iso_code_get(struct iso_instance *instance, uint32_t func_index,
                                         struct iso_code **out);

/* With a limit: give up what the store holds of code without being in it, if others need it; stops:
 * it is to stand still now. For the thread that has the store. */
void iso_code_rest(struct iso_store *store, bool stops);

/* The instance holds no code any more; before it is freed or used again. */
void iso_code_forget(struct iso_instance *instance);

/* Free all code of a module; no instance of it is left. */
void iso_code_free(struct iso_module *module);

/*
 * Find a safepoint of a function by translating it again. The arrays of out are allocated from
 * arena. Errors: ISO_E_NOT_FOUND (no safepoint there), ISO_E_NOMEM.
 */
ISO_MUST_CHECK enum iso_err iso_frame_map_find(struct iso_module *module, uint32_t func_index,
                                               const struct iso_frame_query *query,
                                               struct iso_arena *arena, struct iso_frame_map *out);

/* Byte offset, in the module, of the instruction that cell `cell` was made from. */
ISO_MUST_CHECK enum iso_err iso_code_offset(struct iso_module *module, uint32_t func_index,
                                            uint32_t cell, uint32_t *offset);

/* The code of `module` that contains pc; NULL when none does. */
struct iso_code *iso_code_find(struct iso_module *module, const struct iso_cell *pc);

/*
 * Walk the frames of a suspended store, innermost first (frames.c).
 *
 *     struct iso_frame frame;
 *     for (bool more = iso_frame_top(store, &frame); more; more = iso_frame_next(&frame)) ...
 */
struct iso_frame {
    struct iso_store *store;
    struct iso_instance *instance;
    struct iso_code *code;
    const struct iso_cell *pc; /* where this frame goes on (callers: after the call) */
    union iso_slot *fp;
    const union iso_slot *bridge; /* next record at the end of the stack */
    bool to_host;                 /* this frame's caller is the host */
};

/* False when no Wasm frame is live. */
bool iso_frame_top(struct iso_store *store, struct iso_frame *frame);
/* The innermost frame of a call that waits for one begun inside it; likewise. */
bool iso_frame_outer(struct iso_store *store, const struct iso_outer *outer,
                     struct iso_frame *frame);
/* The caller's frame; false when it is the host. */
bool iso_frame_next(struct iso_frame *frame);

#endif
