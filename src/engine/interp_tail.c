/*
 * interp_tail.c - every operation is a function that ends by tail-calling the next; the state is
 * in its arguments, that is, in registers. For clang >= 19 (musttail; preserve_none on x86-64 and
 * aarch64, which leaves all registers to the arguments).
 */
#include "engine/interp_tail.h"
#include "engine/interp.h"

/* The integers in six registers, the floats in theirs. */
#define PARAMS                                                                                     \
    const struct iso_cell *pc, union iso_slot *fp, uint8_t *mem, size_t msize, uint64_t acc,       \
        struct iso_exec *ctx, float facc, double dacc
#define ARGS pc, fp, mem, msize, acc, ctx, facc, dacc

typedef ISO_PRESERVE_NONE enum iso_leave iso_handler(PARAMS);

#define HANDLER(cell) ((iso_handler *)(cell)->op)
#define GO ISO_MUSTTAIL return HANDLER(pc)(ARGS)

#define NEXT                                                                                       \
    do {                                                                                           \
        pc += 1;                                                                                   \
        GO;                                                                                        \
    } while (0)
#define NEXT2                                                                                      \
    do {                                                                                           \
        pc += 2;                                                                                   \
        GO;                                                                                        \
    } while (0)
#define JUMP(target)                                                                               \
    do {                                                                                           \
        pc = (target);                                                                             \
        GO;                                                                                        \
    } while (0)
#define TRAP(kind)                                                                                 \
    do {                                                                                           \
        ctx->trap = (kind);                                                                        \
        ctx->pc = pc;                                                                              \
        ctx->fp = fp;                                                                              \
        return ISO_LEAVE_TRAP;                                                                     \
    } while (0)
#define LEAVE(reason)                                                                              \
    do {                                                                                           \
        ctx->pc = pc;                                                                              \
        ctx->fp = fp;                                                                              \
        return (reason);                                                                           \
    } while (0)
/* What hundreds of operations do stands once. */
#define TRAP_MEMORY ISO_MUSTTAIL return trapped_memory(ARGS)
#define LEAVE_SPENT ISO_MUSTTAIL return spent(ARGS)
#define RELOAD                                                                                     \
    do {                                                                                           \
        mem = ctx->memory->base;                                                                   \
        msize = (size_t)ctx->memory->size;                                                         \
    } while (0)

/* Hardly any operation uses all of the state. */
#pragma clang diagnostic ignored "-Wunused-parameter"

static ISO_PRESERVE_NONE enum iso_leave trapped_memory(PARAMS)
{
    TRAP(ISO_TRAP_MEMORY);
}

static ISO_PRESERVE_NONE enum iso_leave spent(PARAMS)
{
    LEAVE(ISO_LEAVE_EVENT);
}

#define OP(name, ...)                                                                              \
    static ISO_PRESERVE_NONE enum iso_leave op_##name(PARAMS)                                      \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#include "engine/ops.def"
#undef OP

const uintptr_t *iso_op_table(void)
{
    static iso_handler *const functions[] = {
#define OP(name, ...) op_##name,
#include "engine/ops.def"
#undef OP
    };
    return (const uintptr_t *)(const void *)functions;
}

enum iso_leave iso_interpret(struct iso_exec *ctx)
{
    const struct iso_cell *pc = ctx->pc;
    return HANDLER(pc)(pc, ctx->fp, ctx->memory->base, (size_t)ctx->memory->size,
                       ctx->result_is_i32 ? ctx->result->u32 : ctx->result->u64, ctx,
                       ctx->result->f32, ctx->result->f64);
}

const char *iso_engine_dispatch(void)
{
    return "tail";
}
