/* interp_switch.c - dispatch by a switch in a loop, for compilers that have nothing better. */
#include "engine/interp.h"

#define NEXT                                                                                       \
    {                                                                                              \
        pc += 1;                                                                                   \
        continue;                                                                                  \
    }
#define NEXT2                                                                                      \
    {                                                                                              \
        pc += 2;                                                                                   \
        continue;                                                                                  \
    }
#define JUMP(target)                                                                               \
    {                                                                                              \
        pc = (target);                                                                             \
        continue;                                                                                  \
    }
#define TRAP(kind)                                                                                 \
    {                                                                                              \
        ctx->trap = (kind);                                                                        \
        why = ISO_LEAVE_TRAP;                                                                      \
        break;                                                                                     \
    }
#define LEAVE(reason)                                                                              \
    {                                                                                              \
        why = (reason);                                                                            \
        break;                                                                                     \
    }
#define TRAP_MEMORY TRAP(ISO_TRAP_MEMORY)
#define LEAVE_SPENT LEAVE(ISO_LEAVE_EVENT)
#define RELOAD                                                                                     \
    {                                                                                              \
        mem = ctx->memory->base;                                                                   \
        msize = (size_t)ctx->memory->size;                                                         \
    }

enum iso_leave iso_interpret(struct iso_exec *ctx)
{
    const struct iso_cell *pc = ctx->pc;
    union iso_slot *fp = ctx->fp;
    uint8_t *mem = ctx->memory->base;
    size_t msize = (size_t)ctx->memory->size;
    uint64_t acc = ctx->result_is_i32 ? ctx->result->u32 : ctx->result->u64;
    float facc = ctx->result->f32;
    double dacc = ctx->result->f64;
    enum iso_leave why = ISO_LEAVE_NOT;

    while (why == ISO_LEAVE_NOT) {
        switch ((enum iso_opn)pc->op) {
#define OP(name, ...)                                                                              \
    case ISO_OPN_##name:                                                                           \
        __VA_ARGS__                                                                                \
        break;
#include "engine/ops.def"
#undef OP
        case ISO_OPN_COUNT:
            break;
        }
    }
    ctx->pc = pc;
    ctx->fp = fp;
    return why;
}

const uintptr_t *iso_op_table(void)
{
    static const uintptr_t numbers[] = {
#define OP(name, ...) (uintptr_t) ISO_OPN_##name,
#include "engine/ops.def"
#undef OP
    };
    return numbers;
}

const char *iso_engine_dispatch(void)
{
    return "switch";
}
