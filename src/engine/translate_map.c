/*
 * translate_map.c - from a position in the code back to the canonical state of a frame.
 *
 * Translation is deterministic, so nothing is kept about it: to learn what stands where at a
 * safepoint, the function is translated again until it gets there.
 */
#include "engine/translate.h"

static bool matches(const struct iso_frame_query *query, enum iso_safepoint kind, uint32_t cell,
                    uint32_t offset)
{
    if (query->by_cell) {
        return query->cell == cell;
    }
    return query->kind == kind && query->offset == offset;
}

static struct iso_value_map *map_locals(const struct iso_translator *t)
{
    struct iso_value_map *locals = iso_arena_array(t->arena, t->local_count, sizeof *locals);
    for (uint32_t i = 0; locals != NULL && i < t->local_count; i++) {
        locals[i] = (struct iso_value_map){.type = t->local_type[i], .slot = t->local_slot[i]};
    }
    return locals;
}

static struct iso_value_map *map_operands(const struct iso_translator *t)
{
    struct iso_value_map *operands = iso_arena_array(t->arena, t->depth, sizeof *operands);
    for (uint32_t i = 0; operands != NULL && i < t->depth; i++) {
        const struct iso_entry *e = &t->stack[i];
        ISO_ASSERT(e->kind != ISO_ENTRY_ACC);
        operands[i] = (struct iso_value_map){
            .type = e->type,
            .is_constant = e->kind == ISO_ENTRY_CONST,
            .slot = e->kind == ISO_ENTRY_LOCAL ? t->local_slot[e->local] : e->slot,
            .constant = e->bits,
        };
    }
    return operands;
}

void iso_tr_safepoint(struct iso_translator *t, enum iso_safepoint kind, uint32_t cell,
                      uint32_t call_cell, uint32_t args, uint32_t callee)
{
    /* A loop's safepoint is named by the first instruction of its body. */
    uint32_t offset =
        kind == ISO_SAFEPOINT_CALL ? t->offset : (uint32_t)(t->p - t->module->bytes.ptr);
    if (t->query == NULL || t->found || !matches(t->query, kind, cell, offset)) {
        return;
    }
    struct iso_frame_map map = {
        .kind = kind,
        .cell = cell,
        .call_cell = call_cell,
        .offset = offset,
        .args = args,
        .opcode = kind == ISO_SAFEPOINT_CALL ? t->module->bytes.ptr[t->offset] : 0,
        .callee = callee,
        .local_count = t->local_count,
        .locals = map_locals(t),
        .operand_count = t->depth,
        .operands = map_operands(t),
    };
    if (map.locals == NULL || map.operands == NULL) {
        t->err = ISO_E_NOMEM;
        return;
    }
    *t->map = map;
    t->found = true;
}

enum iso_err iso_frame_map_find(struct iso_module *module, uint32_t func_index,
                                const struct iso_frame_query *query, struct iso_arena *arena,
                                struct iso_frame_map *out)
{
    struct iso_translator t = {.query = query, .map = out, .arena = arena};
    enum iso_err err = iso_tr_run(&t, module, func_index);
    if (err == ISO_OK && !t.found) {
        err = ISO_E_NOT_FOUND;
    }
    iso_tr_fini(&t);
    return err;
}

enum iso_err iso_code_offset(struct iso_module *module, uint32_t func_index, uint32_t cell,
                             uint32_t *offset)
{
    struct iso_translator t = {0};
    enum iso_err err = iso_tr_run(&t, module, func_index);
    if (err == ISO_OK && cell >= t.count) {
        err = ISO_E_NOT_FOUND;
    }
    if (err == ISO_OK) {
        *offset = t.offsets[cell];
    }
    iso_tr_fini(&t);
    return err;
}
