/*
 * interp_c.c - instructions that the interpreter leaves to functions: tables (spec 4.4.6), bulk
 * memory (4.4.7). Operands: slots a, b, h[0]; result: slot h[1]; indices in the following cell.
 */
#include "engine/interp.h"

#define FIRST fp[pc->a]
#define SECOND fp[pc->b]
#define THIRD fp[pc->h[0]]
#define RESULT_SLOT fp[pc->h[1]]
#define INDEX (pc[1].c)
#define INDEX2 ((uint32_t)pc[1].a | (uint32_t)pc[1].b << 16)
#define DEFINE(name)                                                                               \
    enum iso_trap_kind iso_do_##name(struct iso_exec *ctx, const struct iso_cell *pc,              \
                                     union iso_slot *fp)

static struct iso_table *table_of(struct iso_exec *ctx, uint32_t index)
{
    return ctx->instance->tables[index];
}

DEFINE(table_get)
{
    const struct iso_table *table = table_of(ctx, INDEX);
    uint32_t i = FIRST.u32;
    if (i >= table->size) {
        return ISO_TRAP_TABLE;
    }
    RESULT_SLOT.ref = table->elems[i];
    return ISO_TRAP_NONE;
}

DEFINE(table_set)
{
    struct iso_table *table = table_of(ctx, INDEX);
    uint32_t i = FIRST.u32;
    if (i >= table->size) {
        return ISO_TRAP_TABLE;
    }
    table->elems[i] = SECOND.ref;
    return ISO_TRAP_NONE;
}

DEFINE(table_size)
{
    RESULT_SLOT.u32 = table_of(ctx, INDEX)->size;
    return ISO_TRAP_NONE;
}

DEFINE(table_grow)
{
    uint64_t ref = FIRST.ref;
    uint32_t count = SECOND.u32;
    RESULT_SLOT.u32 = iso_table_grow(table_of(ctx, INDEX), count, ref);
    return ISO_TRAP_NONE;
}

DEFINE(table_fill)
{
    bool ok = iso_table_fill(table_of(ctx, INDEX), FIRST.u32, SECOND.ref, THIRD.u32);
    return ok ? ISO_TRAP_NONE : ISO_TRAP_TABLE;
}

DEFINE(table_copy)
{
    bool ok = iso_table_copy(table_of(ctx, INDEX), table_of(ctx, INDEX2), FIRST.u32, SECOND.u32,
                             THIRD.u32);
    return ok ? ISO_TRAP_NONE : ISO_TRAP_TABLE;
}

/* The segment's index comes before the table's. */
DEFINE(table_init)
{
    bool ok = iso_table_init(ctx->instance, INDEX2, INDEX, FIRST.u32, SECOND.u32, THIRD.u32);
    return ok ? ISO_TRAP_NONE : ISO_TRAP_TABLE;
}

DEFINE(elem_drop)
{
    (void)fp;
    iso_elem_drop(ctx->instance, INDEX);
    return ISO_TRAP_NONE;
}

DEFINE(memory_grow)
{
    uint32_t pages = FIRST.u32;
    RESULT_SLOT.u32 = iso_memory_grow(ctx->memory, pages);
    return ISO_TRAP_NONE;
}

/* Is [start, start+len) outside the memory? */
static bool outside(const struct iso_memory *memory, uint32_t start, uint32_t len)
{
    return (uint64_t)start + len > memory->size;
}

DEFINE(memory_copy)
{
    struct iso_memory *memory = ctx->memory;
    uint32_t dst = FIRST.u32;
    uint32_t src = SECOND.u32;
    uint32_t len = THIRD.u32;
    if (outside(memory, dst, len) || outside(memory, src, len)) {
        return ISO_TRAP_MEMORY;
    }
    if (len != 0) {
        memmove(memory->base + dst, memory->base + src, len);
    }
    return ISO_TRAP_NONE;
}

DEFINE(memory_fill)
{
    struct iso_memory *memory = ctx->memory;
    uint32_t dst = FIRST.u32;
    uint32_t len = THIRD.u32;
    if (outside(memory, dst, len)) {
        return ISO_TRAP_MEMORY;
    }
    if (len != 0) {
        memset(memory->base + dst, (int)(SECOND.u32 & 0xffu), len);
    }
    return ISO_TRAP_NONE;
}

DEFINE(memory_init)
{
    bool ok = iso_memory_init(ctx->instance, 0, INDEX, FIRST.u32, SECOND.u32, THIRD.u32);
    return ok ? ISO_TRAP_NONE : ISO_TRAP_MEMORY;
}

DEFINE(data_drop)
{
    (void)fp;
    iso_data_drop(ctx->instance, INDEX);
    return ISO_TRAP_NONE;
}
