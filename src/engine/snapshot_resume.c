/*
 * snapshot_resume.c - restoring the call under way (docs/snapshot.md, section "call").
 *
 * Nothing here is believed. Frames are built from the bottom: each must stand at a safepoint of its
 * function, which is translated again; its values get the types that validation gives them; and it
 * must be what its caller's call instruction calls. What is built then is what the interpreter
 * itself could have left behind.
 */
#include "engine/interp.h"
#include "engine/snapshot.h"

struct resume {
    struct iso_snap_reader *reader;
    struct iso_store *store;
    struct iso_snap_maps maps;
    /* The frame built last. */
    const struct iso_snap_map *map; /* NULL: none yet */
    struct iso_instance *instance;
    union iso_slot *fp;
    union iso_slot *stack_end; /* bridges stand from here on */
};

/* ---- Values of a frame ---------------------------------------------------------------------- */

static bool same_value(uint8_t type, const union iso_slot *a, const union iso_slot *b)
{
    if (type == ISO_TYPE_I32 || type == ISO_TYPE_F32) {
        return a->u32 == b->u32;
    }
    return a[0].u64 == b[0].u64 && (type != ISO_TYPE_V128 || a[1].u64 == b[1].u64);
}

static void set_constant(const struct iso_value_map *map, union iso_slot *value)
{
    value[0].u64 = map->constant;
    value[1].u64 = 0;
    if (map->type == ISO_TYPE_I32 || map->type == ISO_TYPE_F32) {
        value[0].u64 = 0;
        value[0].u32 = (uint32_t)map->constant;
    }
}

/*
 * One value. A value that the code knows, or that stands in a local, has no place of its own: it
 * must be what the code will take it for.
 */
static void get_mapped(struct resume *resume, const struct iso_value_map *map, bool is_operand,
                       const char *what)
{
    union iso_slot value[2] = {{.u64 = 0}, {.u64 = 0}};
    iso_snap_get_value(resume->reader, map->type, value, what);
    if (resume->reader->err != ISO_OK) {
        return;
    }
    union iso_slot *place = resume->fp + map->slot;
    union iso_slot constant[2];
    if (map->is_constant) {
        set_constant(map, constant);
        place = constant;
    }
    if (map->is_constant || (is_operand && iso_snap_is_local_slot(resume->map->code, map->slot))) {
        if (!same_value(map->type, value, place)) {
            (void)iso_snap_fail(resume->reader, "%s is not the value that the code put there",
                                what);
        }
        return;
    }
    memcpy(place, value, iso_type_slots(map->type) * sizeof *value);
}

static enum iso_err get_values(struct resume *resume)
{
    const struct iso_frame_map *map = &resume->map->map;
    const struct iso_func_type *type =
        &resume->map->module->funcs[resume->map->func_index].type->type;
    uint32_t locals = map->kind == ISO_SAFEPOINT_ENTRY ? type->param_count : map->local_count;
    for (uint32_t i = 0; i < locals; i++) {
        get_mapped(resume, &map->locals[i], false, "a local");
    }
    for (uint32_t i = 0; i < map->operand_count; i++) {
        get_mapped(resume, &map->operands[i], true, "an operand");
    }
    return resume->reader->err;
}

/* ---- Frames --------------------------------------------------------------------------------- */

/* What the frame built last is calling: whether that may be func. */
static bool calls(const struct resume *resume, const struct iso_func *func)
{
    const struct iso_frame_map *map = &resume->map->map;
    enum { CALL = 0x10 };
    if (map->opcode == CALL) {
        return iso_instance_func(resume->instance, map->callee) == func;
    }
    return func->type_id == map->callee;
}

static enum iso_err check_called(struct resume *resume, const struct iso_func *func)
{
    if (resume->map == NULL ? resume->store->entry == func : calls(resume, func)) {
        return ISO_OK;
    }
    if (resume->map == NULL) {
        return iso_snap_fail(resume->reader, "the bottom frame is not of the function called");
    }
    return iso_snap_fail(resume->reader,
                         "function %lu of instance %lu does not call this function at byte %lu of "
                         "its module",
                         (unsigned long)resume->map->func_index,
                         (unsigned long)resume->instance->index,
                         (unsigned long)resume->map->map.offset);
}

static enum iso_err fail_stack(struct resume *resume)
{
    return iso_snap_fail_as(resume->reader, ISO_E_LIMIT,
                            "its frames need more than the %llu bytes that this store's stack may "
                            "have",
                            (unsigned long long)resume->store->stack_bytes);
}

static bool has_room(const struct resume *resume, const union iso_slot *fp, uint32_t slots)
{
    return fp <= resume->stack_end && slots <= (size_t)(resume->stack_end - fp);
}

/* Put a pointer into a slot. */
static void set_pointer(union iso_slot *slot, const void *pointer)
{
    slot->u64 = (uintptr_t)pointer;
}

/* The header of a new frame at fp, and the bridge when it is of another instance. */
static enum iso_err link_frame(struct resume *resume, const struct iso_code *code,
                               union iso_slot *fp, const struct iso_instance *instance)
{
    if (resume->map == NULL) {
        set_pointer(&fp[code->header], &iso_exit_cell);
        set_pointer(&fp[code->header + 1], fp);
        return ISO_OK;
    }
    const struct iso_cell *return_pc = &resume->map->code->cells[resume->map->map.cell];
    set_pointer(&fp[code->header], return_pc);
    set_pointer(&fp[code->header + 1], resume->fp);
    if (instance == resume->instance) {
        return ISO_OK;
    }
    if (!has_room(resume, fp, code->frame_slots + ISO_BRIDGE_SLOTS)) {
        return fail_stack(resume);
    }
    resume->stack_end -= ISO_BRIDGE_SLOTS;
    set_pointer(&resume->stack_end[0], return_pc);
    set_pointer(&resume->stack_end[1], resume->fp);
    set_pointer(&resume->stack_end[2], resume->instance);
    set_pointer(&fp[code->header], &iso_bridge_cell);
    return ISO_OK;
}

static enum iso_err find_map(struct resume *resume, struct iso_instance *instance,
                             uint32_t func_index, uint8_t kind, uint32_t offset,
                             const struct iso_snap_map **out)
{
    const struct iso_frame_query query = {.kind = (enum iso_safepoint)kind, .offset = offset};
    struct iso_code *code;
    enum iso_err err = iso_code_get(instance, func_index, &code);
    if (err == ISO_E_LIMIT) {
        return iso_snap_fail_as(resume->reader, err, "%s", resume->store->last_trap.message);
    }
    if (err != ISO_OK) {
        return err;
    }
    err = iso_snap_maps_find(&resume->maps, instance, func_index, &query, out);
    if (err == ISO_E_NOT_FOUND) {
        static const char *const names[] = {"start of the function", "loop", "call"};
        return iso_snap_fail(resume->reader, "byte %lu of the module is not a %s of function %lu",
                             (unsigned long)offset, names[kind], (unsigned long)func_index);
    }
    if (err == ISO_E_LIMIT) {
        return iso_snap_fail_as(resume->reader, err,
                                "the functions under way are too large to be restored");
    }
    return err;
}

static enum iso_err load_frame(struct resume *resume, bool calls_another)
{
    struct iso_snap_reader *reader = resume->reader;
    struct iso_store *store = resume->store;
    const uint8_t *begin = reader->pos;
    uint32_t number = iso_snap_get_u32(reader, UINT32_MAX, "a frame's instance");
    uint32_t func_index = iso_snap_get_u32(reader, UINT32_MAX, "a frame's function");
    uint8_t kind = iso_snap_get_u8(reader, "a frame's kind of position");
    uint32_t offset = iso_snap_get_u32(reader, UINT32_MAX, "a frame's position");
    if (reader->err != ISO_OK) {
        return reader->err;
    }
    reader->mark = begin;
    if (number >= store->instance_count ||
        func_index < store->instances[number]->module->func_import_count ||
        func_index >= store->instances[number]->module->func_count || kind > ISO_SAFEPOINT_CALL ||
        (kind == ISO_SAFEPOINT_CALL) != calls_another) {
        return iso_snap_fail(reader,
                             "no frame can be at position kind %u of function %lu of "
                             "instance %lu here",
                             kind, (unsigned long)func_index, (unsigned long)number);
    }
    struct iso_instance *instance = store->instances[number];
    const struct iso_snap_map *map = NULL;
    enum iso_err err = check_called(resume, iso_instance_func(instance, func_index));
    if (err == ISO_OK) {
        err = find_map(resume, instance, func_index, kind, offset, &map);
    }
    if (err != ISO_OK) {
        return err;
    }
    union iso_slot *fp = resume->map != NULL ? resume->fp + resume->map->map.args : store->entry_fp;
    if (!has_room(resume, fp, map->code->frame_slots)) {
        return fail_stack(resume);
    }
    err = link_frame(resume, map->code, fp, instance);
    if (err != ISO_OK) {
        return err;
    }
    memset(fp + map->code->locals, 0, map->code->local_slots * sizeof *fp);
    resume->map = map;
    resume->instance = instance;
    resume->fp = fp;
    return get_values(resume);
}

/* ---- What the innermost frame does ---------------------------------------------------------- */

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static enum iso_err load_pending(struct resume *resume, uint8_t kind)
{
    struct iso_snap_reader *reader = resume->reader;
    struct iso_pending *pending = &resume->store->pending;
    struct iso_func *func = iso_snap_get_func(reader, "the pending host function");
    if (reader->err != ISO_OK) {
        return reader->err;
    }
    if (func == NULL || func->host == NULL) {
        return iso_snap_fail(reader, "the pending call is not of a host function");
    }
    enum iso_err err = check_called(resume, func);
    if (err != ISO_OK) {
        return err;
    }
    const struct iso_func_type *type = &func->host->type->type;
    union iso_slot *args =
        resume->map != NULL ? resume->fp + resume->map->map.args : resume->store->entry_fp;
    if (!has_room(resume, args, larger(type->param_slots, type->result_slots))) {
        return fail_stack(resume);
    }
    uint64_t deadline = iso_snap_get_fixed64(reader, "a deadline");
    bool completed = kind == ISO_SNAP_PENDING_COMPLETED;
    if (completed) {
        iso_snap_get_values(reader, type->results, type->result_count, args, "a result");
    } else {
        iso_snap_get_values(reader, type->params, type->param_count, args, "an argument");
    }
    *pending = (struct iso_pending){.active = reader->err == ISO_OK,
                                    .completed = completed,
                                    .func = func,
                                    .caller = resume->instance,
                                    .args = args,
                                    .deadline = deadline};
    return reader->err;
}

/* A call of a host function that was begun but not run: its arguments. */
static enum iso_err load_begun(struct resume *resume)
{
    const struct iso_func *entry = resume->store->entry;
    if (entry->host == NULL) {
        return iso_snap_fail(resume->reader, "a call has no frames");
    }
    const struct iso_func_type *type = &entry->host->type->type;
    if (!has_room(resume, resume->store->entry_fp, larger(type->param_slots, type->result_slots))) {
        return fail_stack(resume);
    }
    iso_snap_get_values(resume->reader, type->params, type->param_count, resume->store->entry_fp,
                        "an argument");
    return resume->reader->err;
}

static void enter(struct resume *resume)
{
    static const union iso_slot nothing;
    struct iso_exec *exec = &resume->store->exec;
    exec->stack_end = resume->stack_end;
    exec->result = &nothing; /* the accumulators are dead at a safepoint */
    exec->result_is_i32 = false;
    if (resume->map == NULL) {
        exec->pc = NULL;
        exec->fp = resume->store->entry_fp;
        return;
    }
    const struct iso_frame_map *map = &resume->map->map;
    iso_exec_enter(exec, resume->instance);
    exec->fp = resume->fp;
    exec->pc =
        &resume->map->code->cells[map->kind == ISO_SAFEPOINT_CALL ? map->call_cell : map->cell];
}

static enum iso_err load_frames(struct resume *resume)
{
    struct iso_snap_reader *reader = resume->reader;
    /* What follows the frames decides what the last of them may do. */
    uint8_t pending = iso_snap_get_u8(reader, "the kind of a pending call");
    if (pending > ISO_SNAP_PENDING_COMPLETED) {
        return iso_snap_fail(reader, "the kind of a pending call is %u, kinds are 0 to 2", pending);
    }
    uint32_t count = iso_snap_get_count(reader, 4, UINT32_MAX, "the number of frames");
    for (uint32_t i = 0; i < count; i++) {
        enum iso_err err = load_frame(resume, i + 1 < count || pending != ISO_SNAP_PENDING_NONE);
        if (err != ISO_OK) {
            return err;
        }
    }
    if (reader->err != ISO_OK) {
        return reader->err;
    }
    if (pending != ISO_SNAP_PENDING_NONE) {
        return load_pending(resume, pending);
    }
    return count == 0 ? load_begun(resume) : ISO_OK;
}

/* ---- The section ---------------------------------------------------------------------------- */

static enum iso_err load_suspended(struct iso_snap_reader *reader, enum iso_run_state state)
{
    struct iso_store *store = reader->store;
    store->entry = iso_snap_get_func(reader, "the function called");
    store->entry_fp = store->stack;
    if (reader->err == ISO_OK && store->entry == NULL) {
        return iso_snap_fail(reader, "the function called is missing");
    }
    struct resume resume = {.reader = reader, .store = store, .stack_end = store->exec.stack_end};
    iso_snap_maps_init(&resume.maps, &store->alloc);
    enum iso_err err = reader->err != ISO_OK ? reader->err : load_frames(&resume);
    /* A pending call may also have been interrupted before it was issued again. */
    bool wanted =
        state == ISO_RUN_PENDING || (state == ISO_RUN_INTERRUPTED && store->pending.active);
    if (err == ISO_OK && wanted != store->pending.active) {
        err = iso_snap_fail(reader, "a call is %s, which its state contradicts",
                            store->pending.active ? "pending" : "not pending");
    }
    if (err == ISO_OK) {
        enter(&resume);
    }
    iso_snap_maps_fini(&resume.maps);
    return err;
}

static enum iso_err load_results(struct iso_snap_reader *reader)
{
    struct iso_store *store = reader->store;
    struct iso_func *entry = iso_snap_get_func(reader, "the function called");
    if (reader->err != ISO_OK) {
        return reader->err;
    }
    if (entry == NULL) {
        return iso_snap_fail(reader, "the function called is missing");
    }
    const struct iso_func_type *type = iso_func_type(entry);
    if (type->result_slots > (size_t)(store->exec.stack_end - store->stack)) {
        return iso_snap_fail_as(reader, ISO_E_LIMIT, "the results do not fit on the stack");
    }
    store->entry = entry;
    store->entry_fp = store->stack;
    store->results = store->entry_fp;
    iso_snap_get_values(reader, type->results, type->result_count, store->entry_fp, "a result");
    return reader->err;
}

static enum iso_err load_trap(struct iso_snap_reader *reader)
{
    struct iso_trap *trap = &reader->store->last_trap;
    uint8_t kind = iso_snap_get_u8(reader, "the kind of a trap");
    if (reader->err == ISO_OK && (kind == ISO_TRAP_NONE || kind > ISO_TRAP_CODE)) {
        return iso_snap_fail(reader, "the kind of a trap is %u, kinds are 1 to %u", kind,
                             (unsigned)ISO_TRAP_CODE);
    }
    uint32_t status = iso_snap_get_u32(reader, UINT32_MAX, "an exit status");
    uint32_t len = iso_snap_get_count(reader, 1, sizeof trap->message - 1, "a message's length");
    const uint8_t *message = iso_snap_get_raw(reader, len, "a trap's message");
    if (message != NULL) {
        *trap = (struct iso_trap){.kind = (enum iso_trap_kind)kind, .exit_status = status};
        memcpy(trap->message, message, len);
    }
    return reader->err;
}

enum iso_err iso_snap_load_call(struct iso_snap_reader *reader)
{
    iso_snap_enter(reader, ISO_SNAP_CALL);
    uint64_t fuel_used = iso_snap_get_number(reader, UINT64_MAX, "the fuel used");
    uint8_t state = iso_snap_get_u8(reader, "the state");
    enum iso_err err = reader->err;
    if (err == ISO_OK) {
        switch (state) {
        case ISO_RUN_IDLE:
            break;
        case ISO_RUN_DONE:
            err = load_results(reader);
            break;
        case ISO_RUN_TRAPPED:
            err = load_trap(reader);
            break;
        case ISO_RUN_READY:
        case ISO_RUN_PENDING:
        case ISO_RUN_OUT_OF_FUEL:
        case ISO_RUN_INTERRUPTED:
            err = load_suspended(reader, (enum iso_run_state)state);
            break;
        default:
            err = iso_snap_fail(reader, "the state is %u, states are 0 to %u", state,
                                (unsigned)ISO_RUN_INTERRUPTED);
        }
    }
    if (err == ISO_OK) {
        err = iso_snap_leave(reader);
    }
    if (err == ISO_OK) {
        reader->store->fuel_used = fuel_used;
        reader->store->state = (enum iso_run_state)state;
    }
    return err;
}
