/*
 * snapshot_calls.c - saving the call under way (docs/snapshot.md, section "call").
 *
 * Each frame is written as the specification sees it: function, position as a byte offset in the
 * module, locals and operands. Where the translator keeps a value (in a slot, as a constant, in a
 * local that it copies) is found by translating the function again and leaves no trace.
 */
#include "engine/link_text.h"
#include "engine/snapshot.h"

struct live_frame {
    const struct iso_snap_map *map;
    const struct iso_instance *instance;
    const union iso_slot *fp;
};

struct live_frames {
    const struct iso_alloc *alloc;
    struct live_frame *items; /* innermost first */
    size_t count;
    size_t capacity;
    struct iso_snap_maps maps;
};

/* ---- Collecting frames ---------------------------------------------------------------------- */

static enum iso_err push(struct live_frames *frames, const struct live_frame *frame)
{
    if (frames->count == frames->capacity) {
        size_t capacity = frames->capacity != 0 ? 2 * frames->capacity : 32;
        struct live_frame *items =
            iso_alloc_resize(frames->alloc, frames->items, frames->capacity * sizeof *items,
                             capacity * sizeof *items);
        if (items == NULL) {
            return ISO_E_NOMEM;
        }
        frames->items = items;
        frames->capacity = capacity;
    }
    frames->items[frames->count++] = *frame;
    return ISO_OK;
}

/* The innermost frame of a pending call goes on at the call's own cell, all others behind it. */
static enum iso_err query_of(const struct iso_frame *frame, bool is_top, bool pending,
                             struct iso_frame_query *query)
{
    uint32_t cell = (uint32_t)(frame->pc - frame->code->cells);
    *query = (struct iso_frame_query){.by_cell = true, .cell = cell};
    if (is_top && pending) {
        *query = (struct iso_frame_query){.kind = ISO_SAFEPOINT_CALL};
        return iso_code_offset(frame->instance->module, frame->code->func_index, cell,
                               &query->offset);
    }
    return ISO_OK;
}

static enum iso_err collect(struct iso_snap_writer *writer, struct live_frames *frames)
{
    struct iso_store *store = writer->store;
    struct iso_frame frame;
    bool is_top = true;
    for (bool more = iso_frame_top(store, &frame); more; more = iso_frame_next(&frame)) {
        struct iso_frame_query query;
        const struct iso_snap_map *map = NULL;
        enum iso_err err = query_of(&frame, is_top, store->pending.active, &query);
        if (err == ISO_OK) {
            err = iso_snap_maps_find(&frames->maps, frame.instance, frame.code->func_index, &query,
                                     &map);
        }
        if (err == ISO_OK) {
            bool inside_call = !is_top || store->pending.active;
            err = inside_call == (map->map.kind == ISO_SAFEPOINT_CALL) ? ISO_OK : ISO_E_NOT_FOUND;
        }
        if (err == ISO_E_NOT_FOUND) {
            return iso_fail(writer->report, ISO_E_STATE,
                            "function %lu of instance %lu does not stand where state can be "
                            "saved (cell %lu)",
                            (unsigned long)frame.code->func_index,
                            (unsigned long)frame.instance->index,
                            (unsigned long)(frame.pc - frame.code->cells));
        }
        if (err == ISO_OK) {
            err = push(frames, &(struct live_frame){map, frame.instance, frame.fp});
        }
        if (err != ISO_OK) {
            return err;
        }
        is_top = false;
    }
    return ISO_OK;
}

/* ---- Writing frames ------------------------------------------------------------------------- */

static void put_mapped(struct iso_snap_writer *writer, const struct iso_value_map *map,
                       const union iso_slot *fp)
{
    if (!map->is_constant) {
        iso_snap_put_value(writer, map->type, fp + map->slot);
        return;
    }
    union iso_slot value[2] = {{.u64 = 0}, {.u64 = 0}};
    if (map->type == ISO_TYPE_I32 || map->type == ISO_TYPE_F32) {
        value[0].u32 = (uint32_t)map->constant;
    } else {
        value[0].u64 = map->constant;
    }
    iso_snap_put_value(writer, map->type, value);
}

static void put_frame(struct iso_snap_writer *writer, const struct live_frame *frame)
{
    const struct iso_frame_map *map = &frame->map->map;
    const struct iso_func_type *type =
        &frame->map->module->funcs[frame->map->func_index].type->type;
    iso_snap_put_number(writer, frame->instance->index);
    iso_snap_put_number(writer, frame->map->func_index);
    iso_snap_put_u8(writer, (uint8_t)map->kind);
    iso_snap_put_number(writer, map->offset);
    writer->what_owner = frame->instance->index + ISO_SNAP_FIRST_INSTANCE;
    writer->what = "local";
    /* At its entry a function has not made its declared locals yet: they are zero. */
    uint32_t locals = map->kind == ISO_SAFEPOINT_ENTRY ? type->param_count : map->local_count;
    for (uint32_t i = 0; i < locals; i++) {
        writer->what_index = i;
        put_mapped(writer, &map->locals[i], frame->fp);
    }
    writer->what = "operand";
    for (uint32_t i = 0; i < map->operand_count; i++) {
        writer->what_index = i;
        put_mapped(writer, &map->operands[i], frame->fp);
    }
}

static size_t put_frames(struct iso_snap_writer *writer)
{
    struct live_frames frames = {.alloc = &writer->store->alloc};
    iso_snap_maps_init(&frames.maps, frames.alloc);
    if (writer->err == ISO_OK) {
        writer->err = collect(writer, &frames);
    }
    if (writer->err == ISO_E_LIMIT) {
        iso_report_set(writer->report, "the functions under way are too large to be saved");
    }
    iso_snap_put_number(writer, frames.count);
    for (size_t i = frames.count; i > 0 && writer->err == ISO_OK; i--) {
        put_frame(writer, &frames.items[i - 1]);
    }
    size_t count = frames.count;
    iso_snap_maps_fini(&frames.maps);
    iso_alloc_free(frames.alloc, frames.items, frames.capacity * sizeof *frames.items);
    return count;
}

/* ---- The rest ------------------------------------------------------------------------------- */

static void put_pending(struct iso_snap_writer *writer)
{
    const struct iso_pending *pending = &writer->store->pending;
    const struct iso_host_binding *host = pending->func->host;
    const struct iso_func_type *type = &host->type->type;
    char path[ISO_LINK_PATH_BYTES];
    iso_link_path_text(host->module, host->name, path);
    if (pending->trapped && !writer->hashing) {
        writer->err =
            iso_fail(writer->report, ISO_E_REFUSED,
                     "the pending call of %s was ended as a trap: run the store first", path);
        return;
    }
    if (!pending->completed && host->policy == ISO_HOST_REFUSE && !writer->hashing) {
        writer->err =
            iso_fail(writer->report, ISO_E_REFUSED,
                     "a call of the host function %s is pending, which cannot be moved", path);
        return;
    }
    iso_snap_put_func(writer, pending->func);
    if (!writer->hashing) {
        iso_snap_put_u64(writer, host->policy == ISO_HOST_DEADLINE ? pending->deadline : 0);
    }
    writer->what_owner = 0;
    if (pending->completed) {
        writer->what = "result";
        iso_snap_put_values(writer, type->results, type->result_count, pending->args);
    } else {
        writer->what = "argument";
        iso_snap_put_values(writer, type->params, type->param_count, pending->args);
    }
}

static void put_suspended(struct iso_snap_writer *writer)
{
    const struct iso_store *store = writer->store;
    const struct iso_pending *pending = &store->pending;
    iso_snap_put_func(writer, store->entry);
    iso_snap_put_u8(writer, !pending->active     ? ISO_SNAP_PENDING_NONE
                            : pending->completed ? ISO_SNAP_PENDING_COMPLETED
                                                 : ISO_SNAP_PENDING_WAITING);
    size_t count = put_frames(writer);
    if (writer->err != ISO_OK) {
        return;
    }
    if (pending->active) {
        put_pending(writer);
    } else if (count == 0) {
        /* A call of a host function, begun but not run. */
        const struct iso_func_type *type = iso_func_type(store->entry);
        writer->what = "argument";
        writer->what_owner = 0;
        iso_snap_put_values(writer, type->params, type->param_count, store->entry_fp);
    }
}

static void put_trap(struct iso_snap_writer *writer)
{
    const struct iso_trap *trap = &writer->store->last_trap;
    iso_snap_put_u8(writer, (uint8_t)trap->kind);
    iso_snap_put_number(writer, trap->exit_status);
    if (!writer->hashing) {
        size_t len = strlen(trap->message); /* the host's words: of any encoding */
        iso_snap_put_number(writer, len);
        iso_snap_put_raw(writer, trap->message, len);
    }
}

/* For a hash it does not matter why a store was stopped. */
static enum iso_run_state state_of(const struct iso_snap_writer *writer)
{
    const struct iso_store *store = writer->store;
    bool stopped = store->state == ISO_RUN_OUT_OF_FUEL || store->state == ISO_RUN_INTERRUPTED;
    if (!writer->hashing || !stopped) {
        return store->state;
    }
    return store->pending.active ? ISO_RUN_PENDING : ISO_RUN_READY;
}

void iso_snap_save_call(struct iso_snap_writer *writer)
{
    const struct iso_store *store = writer->store;
    size_t begin = iso_snap_put_begin(writer, ISO_SNAP_CALL);
    if (!writer->hashing) {
        iso_snap_put_number(writer, iso_store_fuel_used(store));
    }
    iso_snap_put_u8(writer, (uint8_t)state_of(writer));
    switch (store->state) {
    case ISO_RUN_IDLE:
        break;
    case ISO_RUN_DONE: {
        const struct iso_func_type *type = iso_func_type(store->entry);
        iso_snap_put_func(writer, store->entry);
        writer->what = "result";
        writer->what_owner = 0;
        iso_snap_put_values(writer, type->results, type->result_count, iso_results(store));
        break;
    }
    case ISO_RUN_TRAPPED:
        put_trap(writer);
        break;
    case ISO_RUN_READY:
    case ISO_RUN_PENDING:
    case ISO_RUN_OUT_OF_FUEL:
    case ISO_RUN_INTERRUPTED:
        put_suspended(writer);
        break;
    }
    iso_snap_put_end(writer, begin);
}
