/*
 * interp_goto.c - computed goto: every operation ends with its own indirect jump, so that the
 * branch predictor sees one per operation. For gcc; built with -fno-gcse, which would merge the
 * jumps again. (clang >= 19 merges them whatever one says; there interp_tail.c is used.)
 */
#include "engine/interp.h"

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
#define RELOAD                                                                                     \
    do {                                                                                           \
        mem = ctx->memory->base;                                                                   \
        msize = ctx->memory->size;                                                                 \
    } while (0)

/* ctx NULL: only *ops is set. */
static enum iso_leave interpret(struct iso_exec *ctx, const uintptr_t **ops)
{
    static const void *const labels[] = {
#define OP(name, ...) &&L_##name,
#include "engine/ops.def"
#undef OP
    };
    if (ctx == NULL) {
        *ops = (const uintptr_t *)(const void *)labels;
        return ISO_LEAVE_NOT;
    }

    const struct iso_cell *pc = ctx->pc;
    union iso_slot *fp = ctx->fp;
    uint8_t *mem = ctx->memory->base;
    uint64_t msize = ctx->memory->size;
    uint64_t acc = ctx->result_is_i32 ? ctx->result->u32 : ctx->result->u64;
    float facc = ctx->result->f32;
    double dacc = ctx->result->f64;
    enum iso_leave why;

    goto *(const void *)pc->op;

#define OP(name, ...) L_##name : __VA_ARGS__
#include "engine/ops.def"
#undef OP

trapped:
    why = ISO_LEAVE_TRAP;
leave:
    ctx->pc = pc;
    ctx->fp = fp;
    return why;
}

enum iso_leave iso_interpret(struct iso_exec *ctx)
{
    return interpret(ctx, NULL);
}

const uintptr_t *iso_op_table(void)
{
    const uintptr_t *table = NULL;
    (void)interpret(NULL, &table);
    return table;
}

const char *iso_engine_dispatch(void)
{
    return "goto";
}
