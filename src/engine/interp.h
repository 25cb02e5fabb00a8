/*
 * interp.h - the interpreter: one operation table (ops.def), three forms of dispatch.
 * Internal to src/engine. Exactly one of interp_goto.c, interp_tail.c, interp_switch.c is built.
 */
#ifndef ISO_ENGINE_INTERP_H
#define ISO_ENGINE_INTERP_H

#include <string.h>

#include "engine/ablate.h"
#include "engine/code.h"
#include "engine/interp_simd.h"
#include "engine/numeric.h"

/* Numbers of the operations: ISO_OPN_i32_add_SS, ... */
enum iso_opn {
#define OP(name, ...) ISO_OPN_##name,
#include "engine/ops.def"
#undef OP
    ISO_OPN_COUNT
};

/* Why the interpreter was left. */
enum iso_leave {
    ISO_LEAVE_NOT,    /* iso_call_slow: go on */
    ISO_LEAVE_DONE,   /* the bottom frame returned */
    ISO_LEAVE_TRAP,   /* exec.trap says which; exec.pc is the cell that trapped */
    ISO_LEAVE_EVENT,  /* the limit was reached: fuel, interruption, stepping */
    ISO_LEAVE_PENDING /* a host call is pending; exec.pc is the call's cell */
};

/* Run from exec.pc, exec.fp until something ends it. The accumulators start from *exec.result. */
enum iso_leave iso_interpret(struct iso_exec *ctx);

/* What stands in iso_cell.op for each operation: ISO_OPN_COUNT entries. */
const uintptr_t *iso_op_table(void);

/* run.c: make `instance` the running one. */
void iso_exec_enter(struct iso_exec *ctx, struct iso_instance *instance);
/* Function `index` of the running instance. */
struct iso_func *iso_exec_func(struct iso_exec *ctx, uint32_t index);

/*
 * run.c: call func, whose arguments are at nfp, from the cell pc of frame fp, returning to
 * return_pc. ISO_LEAVE_NOT: exec.pc and exec.fp say where to go on (in the callee, or after a host
 * call has returned, with *nfp its first result). Otherwise the interpreter is to be left.
 */
enum iso_leave iso_call_slow(struct iso_exec *ctx, struct iso_func *func, const struct iso_cell *pc,
                             union iso_slot *fp, union iso_slot *nfp,
                             const struct iso_cell *return_pc);

static inline uint64_t iso_literal_u64(const struct iso_cell *pc)
{
    uint64_t v;
    memcpy(&v, pc + 1, sizeof v);
    return v;
}

static inline double iso_literal_f64(const struct iso_cell *pc)
{
    double v;
    memcpy(&v, pc + 1, sizeof v);
    return v;
}

static inline float iso_literal_f32(const struct iso_cell *pc)
{
    float v;
    memcpy(&v, pc + 1, sizeof v);
    return v;
}

/* Distance number i of a br_table, in cells. */
static inline int32_t iso_table_distance(const struct iso_cell *pc, uint32_t i)
{
    int32_t v;
    memcpy(&v, (const uint8_t *)(pc + 1) + (size_t)i * sizeof v, sizeof v);
    return v;
}

/* Instructions done in C (interp_c.c): the CALL_C entries of ops.def. */
#define ISO_DO_LIST(X)                                                                             \
    X(table_get)                                                                                   \
    X(table_set)                                                                                   \
    X(table_size)                                                                                  \
    X(table_grow)                                                                                  \
    X(table_fill)                                                                                  \
    X(table_copy)                                                                                  \
    X(table_init)                                                                                  \
    X(elem_drop)                                                                                   \
    X(memory_grow)                                                                                 \
    X(memory_copy)                                                                                 \
    X(memory_fill)                                                                                 \
    X(memory_init)                                                                                 \
    X(data_drop)
#define ISO_DECLARE_DO(name)                                                                       \
    enum iso_trap_kind iso_do_##name(struct iso_exec *ctx, const struct iso_cell *pc,              \
                                     union iso_slot *fp);
ISO_DO_LIST(ISO_DECLARE_DO)
#undef ISO_DECLARE_DO

#endif
