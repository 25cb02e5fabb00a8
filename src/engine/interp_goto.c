/*
 * interp_goto.c - computed goto: every operation ends with its own indirect jump, so that the
 * branch predictor sees one per operation. For gcc; built with -fno-gcse, which would merge the
 * jumps again. (clang >= 19 merges them whatever one says; there interp_tail.c is used.)
 */
#include "engine/interp_goto.h"

#define NEXT                                                                                       \
    do {                                                                                           \
        pc += 1;                                                                                   \
        goto *(const void *)pc->op;                                                                \
    } while (0)
#define NEXT2                                                                                      \
    do {                                                                                           \
        pc += 2;                                                                                   \
        goto *(const void *)pc->op;                                                                \
    } while (0)
#define JUMP(target)                                                                               \
    do {                                                                                           \
        pc = (target);                                                                             \
        goto *(const void *)pc->op;                                                                \
    } while (0)
#define TRAP(kind)                                                                                 \
    do {                                                                                           \
        ctx->trap = (kind);                                                                        \
        goto trapped;                                                                              \
    } while (0)
#define LEAVE(reason)                                                                              \
    do {                                                                                           \
        why = (reason);                                                                            \
        goto leave;                                                                                \
    } while (0)
/* What hundreds of operations do stands once: gcc would put it behind each of them. */
#define TRAP_MEMORY goto trapped_memory
#define LEAVE_SPENT goto spent
#define RELOAD                                                                                     \
    do {                                                                                           \
        mem = ctx->memory->base;                                                                   \
        msize = (size_t)ctx->memory->size;                                                         \
    } while (0)

static const uintptr_t *op_table;

/* ctx NULL: only op_table is set. */
static enum iso_leave interpret(struct iso_exec *ctx)
{
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
    static const ISO_OP_ENTRY entries[] = {
#define OP(name, ...) ISO_OP_PLACE(L_##name, L_unreachable),
#include "engine/ops.def"
#undef OP
    };
#pragma GCC diagnostic pop
    if (ctx == NULL) {
        op_table = op_addresses(entries, &&L_unreachable);
        return ISO_LEAVE_NOT;
    }

    const struct iso_cell *pc = ctx->pc;
    union iso_slot *fp = ctx->fp;
    uint8_t *mem = ctx->memory->base;
    size_t msize = (size_t)ctx->memory->size;
    uint64_t acc = ctx->result_is_i32 ? ctx->result->u32 : ctx->result->u64;
    float facc = ctx->result->f32;
    double dacc = ctx->result->f64;
    enum iso_leave why;

    goto *(const void *)pc->op;

#define OP(name, ...) L_##name : __VA_ARGS__
#include "engine/ops.def"
#undef OP

spent:
    why = ISO_LEAVE_EVENT;
    goto leave;
trapped_memory:
    ctx->trap = ISO_TRAP_MEMORY;
trapped:
    why = ISO_LEAVE_TRAP;
leave:
    ctx->pc = pc;
    ctx->fp = fp;
    return why;
}

enum iso_leave iso_interpret(struct iso_exec *ctx)
{
    return interpret(ctx);
}

/* The first call, before which there are no others, is iso_run_init's. */
const uintptr_t *iso_op_table(void)
{
    if (op_table == NULL) {
        (void)interpret(NULL);
    }
    return op_table;
}

const char *iso_engine_dispatch(void)
{
    return "goto";
}
