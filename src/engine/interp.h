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
 * run.c: call func from the cell pc of frame fp, which says where the arguments are and where to go
 * on. ISO_LEAVE_NOT: exec.pc and exec.fp say where (in the callee, or after a host call has
 * returned, with exec.result at its first result). Otherwise the interpreter is to be left.
 */
enum iso_leave iso_call_slow(struct iso_exec *ctx, struct iso_func *func, const struct iso_cell *pc,
                             union iso_slot *fp);

/* Slot of the first argument, from the cell of a call that has it. */
#define ISO_CALL_SLOT(cell) ((uint32_t)(cell)->a | (uint32_t)(cell)->b << 16)

/*
 * Are n bytes at addr + offset, whose sum has 33 bits (spec 4.4.7), outside a memory of `size`
 * bytes? *at is where they are. A size is what the host can address, so that it takes one register.
 */
static inline bool iso_access_outside(uint32_t addr, uint32_t offset, uint32_t n, size_t size,
                                      size_t *at)
{
    *at = (size_t)addr + offset;
    return (uint64_t)addr + offset + n > size;
}

/*
 * The code of a function from a table of such, or NULL. Another thread may have put it there; what
 * it wrote before is read through this pointer only, and every processor but the Alpha reads what
 * an address leads to after the address. So there is no barrier, which acquire is on many
 * processors, in each call. C's memory_order_consume means this, but compilers make it acquire; and
 * the thread sanitizer does not know it. What calls read of the code must not change once it is in
 * the table, and nothing that its making wrote elsewhere may be relied on.
 */
#ifdef ISO_THREAD_SANITIZER
#define ISO_THROUGH_POINTER memory_order_acquire
#else
#define ISO_THROUGH_POINTER memory_order_relaxed
#endif
static inline const struct iso_code *iso_code_at(struct iso_code *_Atomic *table, uint32_t index)
{
    return atomic_load_explicit(&table[index], ISO_THROUGH_POINTER);
}

static inline uint64_t iso_literal_u64(const struct iso_cell *pc)
{
    uint64_t v;
    memcpy(&v, __builtin_assume_aligned(pc + 1, _Alignof(struct iso_cell)), sizeof v);
    return v;
}

static inline double iso_literal_f64(const struct iso_cell *pc)
{
    return iso_f64_from_bits(iso_literal_u64(pc));
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
