/*
 * frames.c - walking the frames of a store that stands still, innermost first (see code.h for the
 * layout of a frame).
 *
 * The walk ends where the host called: a run that a host function began inside another run ends
 * with a frame that returns to iso_exit_cell, like the bottom frame of the outer run.
 */
#include "engine/code.h"

static bool contains(const struct iso_code *code, const struct iso_cell *pc)
{
    return code != NULL && (uintptr_t)pc >= (uintptr_t)code->cells &&
           (uintptr_t)pc < (uintptr_t)(code->cells + code->cell_count);
}

/* The code that pc is in. Most calls of a deep stack are recursive: `guess` is asked first. */
static struct iso_code *find_code(const struct iso_instance *instance, struct iso_code *guess,
                                  const struct iso_cell *pc)
{
    return contains(guess, pc) ? guess : iso_code_find(instance->module, pc);
}

static const struct iso_cell *return_pc(const struct iso_frame *frame)
{
    return (const struct iso_cell *)(uintptr_t)frame->fp[frame->code->header].u64;
}

static void find_caller_kind(struct iso_frame *frame)
{
    frame->to_host = return_pc(frame) == &iso_exit_cell;
}

bool iso_frame_top(struct iso_store *store, struct iso_frame *frame)
{
    const struct iso_exec *exec = &store->exec;
    if (store->entry == NULL || store->entry->instance == NULL || exec->instance == NULL ||
        exec->pc == NULL) {
        return false;
    }
    struct iso_code *code = iso_code_find(exec->instance->module, exec->pc);
    if (code == NULL) {
        return false;
    }
    *frame = (struct iso_frame){.store = store,
                                .instance = exec->instance,
                                .code = code,
                                .pc = exec->pc,
                                .fp = exec->fp,
                                .bridge = exec->stack_end};
    find_caller_kind(frame);
    return true;
}

bool iso_frame_outer(struct iso_store *store, const struct iso_outer *outer,
                     struct iso_frame *frame)
{
    if (outer->instance == NULL || outer->pc == NULL) {
        return false;
    }
    struct iso_code *code = iso_code_find(outer->instance->module, outer->pc);
    if (code == NULL) {
        return false;
    }
    *frame = (struct iso_frame){.store = store,
                                .instance = outer->instance,
                                .code = code,
                                .pc = outer->pc,
                                .fp = outer->fp,
                                .bridge = outer->stack_end};
    find_caller_kind(frame);
    return true;
}

bool iso_frame_next(struct iso_frame *frame)
{
    if (frame->to_host) {
        return false;
    }
    const union iso_slot *header = frame->fp + frame->code->header;
    const struct iso_cell *pc = return_pc(frame);
    union iso_slot *fp = (union iso_slot *)(uintptr_t)header[1].u64;
    if (pc == &iso_bridge_cell) {
        const union iso_slot *record = frame->bridge;
        pc = (const struct iso_cell *)(uintptr_t)record[0].u64;
        fp = (union iso_slot *)(uintptr_t)record[1].u64;
        frame->instance = (struct iso_instance *)(uintptr_t)record[2].u64;
        frame->bridge = record + ISO_BRIDGE_SLOTS;
    }
    frame->code = find_code(frame->instance, frame->code, pc);
    ISO_ASSERT(frame->code != NULL);
    frame->pc = pc;
    frame->fp = fp;
    find_caller_kind(frame);
    return true;
}
