/* trap.c - why a call ended, or could not begin: its kind, its words, its frames (spec 4.2.1). */
#include "engine/run.h"

#include <stdarg.h>

const char *iso_trap_text(enum iso_trap_kind kind)
{
    switch (kind) {
    case ISO_TRAP_NONE:
        return "no trap";
    case ISO_TRAP_UNREACHABLE:
        return "unreachable";
    case ISO_TRAP_MEMORY:
        return "out of bounds memory access";
    case ISO_TRAP_TABLE:
        return "out of bounds table access";
    case ISO_TRAP_UNDEFINED_ELEMENT:
        return "undefined element";
    case ISO_TRAP_UNINITIALIZED_ELEMENT:
        return "uninitialized element";
    case ISO_TRAP_INDIRECT_TYPE:
        return "indirect call type mismatch";
    case ISO_TRAP_DIVIDE_BY_ZERO:
        return "integer divide by zero";
    case ISO_TRAP_OVERFLOW:
        return "integer overflow";
    case ISO_TRAP_CONVERSION:
        return "invalid conversion to integer";
    case ISO_TRAP_STACK:
        return "call stack exhausted";
    case ISO_TRAP_NOMEM:
        return "out of memory in the host";
    case ISO_TRAP_HOST:
        return "host function trapped";
    case ISO_TRAP_EXIT:
        return "program exited";
    case ISO_TRAP_CODE:
        return "code memory exhausted";
    }
    return "unknown trap";
}

const struct iso_trap *iso_store_trap(const struct iso_store *store)
{
    return &store->last_trap;
}

struct iso_trap *iso_trap_begin(struct iso_store *store, enum iso_trap_kind kind)
{
    struct iso_trap *trap = &store->last_trap;
    trap->kind = kind;
    trap->exit_status = 0;
    trap->frame_count = 0;
    trap->frame_total = 0;
    return trap;
}

void iso_host_trap(struct iso_host_call *call, const char *fmt, ...)
{
    struct iso_store *store = call->store;
    va_list args;
    va_start(args, fmt);
    (void)iso_format_v(store->last_trap.message, sizeof store->last_trap.message, fmt, args);
    va_end(args);
    store->exec.trap = ISO_TRAP_HOST;
}

void iso_host_exit(struct iso_host_call *call, uint32_t status)
{
    struct iso_store *store = call->store;
    (void)iso_format(store->last_trap.message, sizeof store->last_trap.message,
                     "program exited with status %u", (unsigned)status);
    store->last_trap.exit_status = status;
    store->exec.trap = ISO_TRAP_EXIT;
}

static void record_frame(struct iso_trap *trap, uint32_t number, const struct iso_frame *frame,
                         uint32_t cell)
{
    uint32_t slot = number;
    if (number >= ISO_TRAP_FRAMES_MAX) {
        /* The second half of the array keeps the last ones, as a ring. */
        slot = ISO_TRAP_FRAMES_MAX / 2 + number % (ISO_TRAP_FRAMES_MAX / 2);
    }
    trap->frames[slot] = (struct iso_trap_frame){
        .module = frame->instance->module, .func_index = frame->code->func_index, .offset = cell};
}

/* The ring in the second half begins with its oldest. */
static void straighten(struct iso_trap *trap)
{
    enum { HALF = ISO_TRAP_FRAMES_MAX / 2 };
    if (trap->frame_total <= ISO_TRAP_FRAMES_MAX) {
        return;
    }
    struct iso_trap_frame ring[HALF];
    for (uint32_t i = 0; i < HALF; i++) {
        ring[i] = trap->frames[HALF + (trap->frame_total + i) % HALF];
    }
    memcpy(&trap->frames[HALF], ring, sizeof ring);
}

/* From cells to byte offsets. That takes a translation for each, so recursion is looked up once. */
static void resolve_offsets(struct iso_trap *trap)
{
    uint64_t cells[ISO_TRAP_FRAMES_MAX];
    for (uint32_t i = 0; i < trap->frame_count; i++) {
        struct iso_trap_frame *f = &trap->frames[i];
        uint32_t offset = 0;
        cells[i] = f->offset;
        uint32_t same = 0;
        while (same < i &&
               (trap->frames[same].module != f->module ||
                trap->frames[same].func_index != f->func_index || cells[same] != cells[i])) {
            same++;
        }
        if (same < i) {
            f->offset = trap->frames[same].offset;
        } else if (iso_code_offset((struct iso_module *)(uintptr_t)f->module, f->func_index,
                                   (uint32_t)f->offset, &offset) == ISO_OK) {
            f->offset = offset;
        }
    }
}

static void backtrace(struct iso_store *store)
{
    struct iso_trap *trap = &store->last_trap;
    trap->frame_total = 0;
    struct iso_frame frame;
    bool top = true;
    for (bool more = iso_frame_top(store, &frame); more; more = iso_frame_next(&frame)) {
        uint32_t cell = (uint32_t)(frame.pc - frame.code->cells);
        record_frame(trap, trap->frame_total, &frame, top ? cell : cell - 1);
        trap->frame_total++;
        top = false;
    }
    trap->frame_count =
        trap->frame_total < ISO_TRAP_FRAMES_MAX ? trap->frame_total : ISO_TRAP_FRAMES_MAX;
    straighten(trap);
    resolve_offsets(trap);
}

void iso_trap_record(struct iso_store *store)
{
    struct iso_trap *trap = &store->last_trap;
    enum iso_trap_kind kind = store->exec.trap;
    trap->kind = kind;
    if (kind != ISO_TRAP_HOST && kind != ISO_TRAP_EXIT && kind != ISO_TRAP_CODE) {
        (void)iso_format(trap->message, sizeof trap->message, "%s", iso_trap_text(kind));
    }
    if (kind != ISO_TRAP_EXIT) {
        trap->exit_status = 0;
        backtrace(store);
    } else {
        trap->frame_count = 0;
        trap->frame_total = 0;
    }
}

/* ---- Calls that cannot begin ------------------------------------------------------------------
 */

enum iso_err iso_trap_start(struct iso_store *store, enum iso_trap_kind kind)
{
    if (kind == ISO_TRAP_NOMEM) {
        return ISO_E_NOMEM;
    }
    if (kind == ISO_TRAP_STACK) {
        struct iso_trap *trap = iso_trap_begin(store, kind);
        (void)iso_format(trap->message, sizeof trap->message,
                         "%s: the call does not fit, and the limit is %llu bytes",
                         iso_trap_text(kind), (unsigned long long)store->stack_bytes);
    }
    return ISO_E_LIMIT;
}

const char *iso_start_text(const struct iso_store *store, enum iso_err err)
{
    return err == ISO_E_LIMIT   ? store->last_trap.message
           : err == ISO_E_STATE ? "another call is under way in this store"
                                : iso_err_text(err);
}
