/*
 * run.c - calls: beginning, running, suspending and ending them (spec 4.4.9, 4.5.5), host calls,
 * fuel, interruption. Traps are recorded by trap.c.
 *
 * A store runs one call at a time. A host function may begin another inside the one that called
 * it: then what the outer call needs is set aside in a record on the store's list `outer`, and put
 * back when the inner call is over.
 */
#include "engine/run.h"

#include "engine/interp.h"

struct iso_cell iso_exit_cell;
struct iso_cell iso_bridge_cell;

enum { SLICE_MAX = 1u << 30 };

/* What the accumulators start from when no result was just delivered. */
static const union iso_slot no_result;
/* Memory 0 of an instance that has none. */
static struct iso_memory no_memory;

void iso_run_init(void)
{
    /* Engines may be created on several threads; all store the same values, one of them first. */
    static _Atomic int state;
    int expected = 0;
    if (atomic_compare_exchange_strong(&state, &expected, 1)) {
        const uintptr_t *table = iso_op_table();
        iso_exit_cell.op = table[ISO_OPN_exit];
        iso_bridge_cell.op = table[ISO_OPN_bridge];
        atomic_store(&state, 2);
    }
    while (atomic_load(&state) != 2) {
    }
}

void iso_exec_enter(struct iso_exec *ctx, struct iso_instance *instance)
{
    ctx->instance = instance;
    ctx->code = instance->code;
    ctx->globals = instance->own_globals;
    ctx->memory = instance->module->memory_count != 0 ? instance->memories[0] : &no_memory;
}

struct iso_func *iso_exec_func(struct iso_exec *ctx, uint32_t index)
{
    return iso_instance_func(ctx->instance, index);
}

/* ---- Fuel --------------------------------------------------------------------------------- */

/* Book what the present slice has used. */
static void settle(struct iso_store *store)
{
    uint64_t used = store->exec.used;
    store->exec.used = 0;
    store->fuel_used += used;
    store->fuel = store->fuel > used ? store->fuel - used : 0;
}

static void begin_slice(struct iso_store *store)
{
    uint32_t slice = SLICE_MAX;
    if (store->fuel_limited && store->fuel < slice) {
        slice = (uint32_t)store->fuel;
    }
    if (store->step) {
        slice = slice < 1 ? slice : 1;
    }
    atomic_store(&store->exec.limit, slice);
    /* An interruption that came before the limit was set must not be lost. */
    if (atomic_load(&store->interrupt)) {
        atomic_store(&store->exec.limit, 0);
    }
}

void iso_store_set_fuel(struct iso_store *store, uint64_t fuel)
{
    settle(store);
    store->fuel_limited = fuel != ISO_FUEL_UNLIMITED;
    store->fuel = store->fuel_limited ? fuel : 0;
    begin_slice(store);
}

uint64_t iso_store_fuel(const struct iso_store *store)
{
    if (!store->fuel_limited) {
        return ISO_FUEL_UNLIMITED;
    }
    return store->fuel > store->exec.used ? store->fuel - store->exec.used : 0;
}

uint64_t iso_store_fuel_used(const struct iso_store *store)
{
    return store->fuel_used + store->exec.used;
}

void iso_store_interrupt(struct iso_store *store)
{
    atomic_store(&store->interrupt, true);
    atomic_store(&store->exec.limit, 0);
}

void iso_store_step(struct iso_store *store, bool on)
{
    settle(store);
    store->step = on;
    begin_slice(store);
}

/* ---- Host calls --------------------------------------------------------------------------- */

/* Let a call that was begun by a host function and not finished go. */
static void drop_inner(struct iso_store *store, const struct iso_outer *keep)
{
    while (store->outer != keep) {
        iso_drop(store);
    }
}

static enum iso_leave call_host(struct iso_store *store, struct iso_func *func,
                                struct iso_instance *caller, union iso_slot *args, bool reissued,
                                uint64_t deadline)
{
    const struct iso_host_binding *host = func->host;
    const struct iso_func_type *type = &host->type->type;
    struct iso_host_call call = {.store = store,
                                 .caller = caller,
                                 .ctx = host->ctx,
                                 .args = args,
                                 .results = args,
                                 .deadline = deadline,
                                 .reissued = reissued};
    uint32_t slots =
        type->param_slots > type->result_slots ? type->param_slots : type->result_slots;
    union iso_slot *outer_top = store->host_top;
    const struct iso_outer *outer = store->outer;
    store->host_top = args + slots;
    store->nesting++;
    store->exec.trap = ISO_TRAP_NONE;
    enum iso_host_result result = host->fn(&call);
    drop_inner(store, outer);
    store->nesting--;
    store->host_top = outer_top;
    switch (result) {
    case ISO_HOST_DONE:
        store->exec.result = args;
        store->exec.result_is_i32 = type->result_count != 0 && type->results[0] == ISO_TYPE_I32;
        return ISO_LEAVE_NOT;
    case ISO_HOST_PENDING:
        store->pending = (struct iso_pending){.active = true,
                                              .func = func,
                                              .caller = caller,
                                              .args = args,
                                              .deadline = call.deadline};
        return ISO_LEAVE_PENDING;
    case ISO_HOST_TRAP:
        break;
    }
    if (store->exec.trap != ISO_TRAP_HOST && store->exec.trap != ISO_TRAP_EXIT) {
        iso_host_trap(&call, "host function \"%.*s\".\"%.*s\" trapped", (int)host->module.len,
                      host->module.ptr, (int)host->name.len, host->name.ptr);
    }
    return ISO_LEAVE_TRAP;
}

/* Make the frame of a Wasm function whose arguments are at nfp. */
static enum iso_leave push_frame(struct iso_exec *ctx, struct iso_func *func, union iso_slot *nfp,
                                 const struct iso_cell *return_pc, union iso_slot *caller_fp)
{
    struct iso_code *code;
    enum iso_err err = iso_code_get(func->instance, func->func_index, &code);
    if (err != ISO_OK) {
        ctx->trap = err == ISO_E_LIMIT ? ISO_TRAP_CODE : ISO_TRAP_NOMEM;
        return ISO_LEAVE_TRAP;
    }
    bool bridge = return_pc != &iso_exit_cell && func->instance != ctx->instance;
    size_t need = code->frame_slots + (bridge ? ISO_BRIDGE_SLOTS : 0u);
    if ((size_t)(ctx->stack_end - nfp) < need) {
        ctx->trap = ISO_TRAP_STACK;
        return ISO_LEAVE_TRAP;
    }
    if (bridge) {
        ctx->stack_end -= ISO_BRIDGE_SLOTS;
        ctx->stack_end[0].u64 = (uintptr_t)return_pc;
        ctx->stack_end[1].u64 = (uintptr_t)caller_fp;
        ctx->stack_end[2].u64 = (uintptr_t)ctx->instance;
        return_pc = &iso_bridge_cell;
    }
    if (func->instance != ctx->instance) {
        iso_exec_enter(ctx, func->instance);
    }
    nfp[code->header].u64 = (uintptr_t)return_pc;
    nfp[code->header + 1].u64 = (uintptr_t)caller_fp;
    memset(nfp + code->locals, 0, code->local_slots * sizeof *nfp);
    ctx->fp = nfp;
    ctx->pc = code->cells;
    ctx->used += code->cost;
    return ISO_LEAVE_NOT;
}

static bool limit_reached(struct iso_exec *ctx)
{
    return ctx->used >= atomic_load_explicit(&ctx->limit, memory_order_relaxed);
}

/* Is the target of a call in its cell, and not in a table? Then there is one cell, otherwise two,
 * of which the second says where the arguments are. */
static bool is_direct(const struct iso_cell *call)
{
    const uintptr_t *table = iso_op_table();
    return call->op == table[ISO_OPN_call] || call->op == table[ISO_OPN_call_import];
}

static const struct iso_cell *after_call(const struct iso_cell *call)
{
    return call + (is_direct(call) ? 1 : 2);
}

enum iso_leave iso_call_slow(struct iso_exec *ctx, struct iso_func *func, const struct iso_cell *pc,
                             union iso_slot *fp)
{
    struct iso_store *store = (struct iso_store *)ctx;
    union iso_slot *args = fp + ISO_CALL_SLOT(is_direct(pc) ? pc : pc + 1);
    ctx->pc = pc;
    ctx->fp = fp;
    if (func->host == NULL) {
        enum iso_leave why = push_frame(ctx, func, args, after_call(pc), fp);
        return why == ISO_LEAVE_NOT && limit_reached(ctx) ? ISO_LEAVE_EVENT : why;
    }
    enum iso_leave why = call_host(store, func, ctx->instance, args, false, 0);
    if (why == ISO_LEAVE_NOT) {
        ctx->pc = after_call(pc);
    }
    return why;
}

void *iso_host_memory(const struct iso_host_call *call, uint32_t addr, uint32_t len)
{
    const struct iso_instance *caller = call->caller;
    if (caller == NULL || caller->module->memory_count == 0) {
        return NULL;
    }
    const struct iso_memory *memory = caller->memories[0];
    if (len > memory->size || addr > memory->size - len) {
        return NULL;
    }
    /* Never NULL for an empty range, of an empty memory too. */
    return memory->base != NULL ? memory->base + addr : (void *)(uintptr_t)&no_memory;
}

/* ---- Beginning a call --------------------------------------------------------------------- */

static bool is_under_way(enum iso_run_state state)
{
    return state == ISO_RUN_READY || state == ISO_RUN_PENDING || state == ISO_RUN_OUT_OF_FUEL ||
           state == ISO_RUN_INTERRUPTED;
}

/* Set aside the call whose host function begins another. */
static enum iso_err push_outer(struct iso_store *store)
{
    struct iso_outer *outer = iso_alloc_new(&store->alloc, sizeof *outer);
    if (outer == NULL) {
        return ISO_E_NOMEM;
    }
    *outer = (struct iso_outer){.next = store->outer,
                                .pc = store->exec.pc,
                                .fp = store->exec.fp,
                                .instance = store->exec.instance,
                                .stack_end = store->exec.stack_end,
                                .entry = store->entry,
                                .entry_fp = store->entry_fp,
                                .nesting = store->nesting};
    store->outer = outer;
    return ISO_OK;
}

/* The call under way is over: back to the one around it, if any. */
static void end_call(struct iso_store *store)
{
    struct iso_outer *outer = store->outer;
    store->pending.active = false;
    if (outer == NULL || outer->nesting != store->nesting) {
        store->exec.stack_end = store->stack + store->stack_bytes / sizeof *store->stack;
        if (store->nesting == 0) {
            store->exec.pc = NULL;
        }
        return;
    }
    store->outer = outer->next;
    store->exec.pc = outer->pc;
    store->exec.fp = outer->fp;
    store->exec.stack_end = outer->stack_end;
    store->entry = outer->entry;
    store->entry_fp = outer->entry_fp;
    if (outer->instance != NULL) {
        iso_exec_enter(&store->exec, outer->instance);
    }
    iso_alloc_free(&store->alloc, outer, sizeof *outer);
}

enum iso_err iso_start(struct iso_store *store, struct iso_func *func, const union iso_slot *args)
{
    bool nested = store->nesting != 0;
    bool inner_live = store->outer != NULL && store->outer->nesting == store->nesting;
    if ((nested && inner_live) || (!nested && is_under_way(store->state))) {
        return ISO_E_STATE;
    }
    const struct iso_func_type *type = iso_func_type(func);
    union iso_slot *base = nested ? store->host_top : store->stack;
    uint32_t slots =
        type->param_slots > type->result_slots ? type->param_slots : type->result_slots;
    if ((size_t)(store->exec.stack_end - base) < slots) {
        return iso_trap_start(store, ISO_TRAP_STACK);
    }
    if (nested) {
        enum iso_err err = push_outer(store);
        if (err != ISO_OK) {
            return err;
        }
    }
    if (type->param_slots != 0) {
        memcpy(base, args, type->param_slots * sizeof *base);
    }
    store->entry = func;
    store->entry_fp = base;
    store->pending.active = false;
    store->exec.result = &no_result;
    if (func->host != NULL) {
        store->exec.pc = NULL;
        store->exec.fp = base;
    } else {
        enum iso_leave why = push_frame(&store->exec, func, base, &iso_exit_cell, base);
        if (why != ISO_LEAVE_NOT) {
            end_call(store);
            store->state = ISO_RUN_IDLE; /* the results of an earlier call are overwritten */
            return iso_trap_start(store, store->exec.trap);
        }
    }
    store->state = ISO_RUN_READY;
    return ISO_OK;
}

/* ---- Running ------------------------------------------------------------------------------ */

/* Code that is not needed now may be needed by others; a call inside another goes on at once. */
static void rest(struct iso_store *store)
{
    if (store->nesting == 0 && store->code_held != 0) {
        iso_code_rest(store, true);
    }
}

static enum iso_run_state finish(struct iso_store *store, enum iso_run_state state)
{
    if (state == ISO_RUN_TRAPPED) {
        iso_trap_record(store);
    }
    settle(store);
    store->results = store->entry_fp;
    end_call(store);
    store->state = state;
    rest(store);
    return state;
}

static enum iso_run_state suspend(struct iso_store *store, enum iso_run_state state)
{
    settle(store);
    store->state = state;
    rest(store);
    return state;
}

/* The limit was reached, or a run begins: is there a reason to stop? */
static bool must_stop(struct iso_store *store, enum iso_run_state *state)
{
    settle(store);
    if (store->nesting == 0 && store->code_held != 0) {
        iso_code_rest(store, false);
    }
    if (atomic_exchange(&store->interrupt, false)) {
        *state = ISO_RUN_INTERRUPTED;
        return true;
    }
    if (store->fuel_limited && store->fuel == 0) {
        *state = ISO_RUN_OUT_OF_FUEL;
        return true;
    }
    begin_slice(store);
    return false;
}

/* Go on with a pending host call, or the first issue of one that the host called itself. */
static enum iso_leave continue_host_call(struct iso_store *store)
{
    struct iso_pending pending = store->pending;
    enum iso_leave why = ISO_LEAVE_NOT;
    bool reissued = pending.active;
    if (!pending.active) {
        pending = (struct iso_pending){.func = store->entry, .args = store->entry_fp};
    }
    store->pending.active = false;
    if (pending.trapped) {
        store->exec.trap = ISO_TRAP_HOST;
        return ISO_LEAVE_TRAP;
    }
    if (pending.completed) {
        const struct iso_func_type *type = iso_func_type(pending.func);
        store->exec.result = pending.args;
        store->exec.result_is_i32 = type->result_count != 0 && type->results[0] == ISO_TYPE_I32;
    } else {
        why = call_host(store, pending.func, pending.caller, pending.args, reissued,
                        pending.deadline);
    }
    if (why != ISO_LEAVE_NOT) {
        return why;
    }
    if (store->entry->host != NULL) {
        return ISO_LEAVE_DONE;
    }
    store->exec.pc = after_call(store->exec.pc);
    return ISO_LEAVE_NOT;
}

enum iso_run_state iso_run(struct iso_store *store)
{
    if (!is_under_way(store->state)) {
        return store->state;
    }
    enum iso_run_state state;
    if (store->state == ISO_RUN_READY && store->step && store->entry->host == NULL) {
        /* Entering the function is a safepoint, too. */
        return suspend(store, ISO_RUN_INTERRUPTED);
    }
    if (must_stop(store, &state)) {
        if (!store->pending.active || state != ISO_RUN_OUT_OF_FUEL) {
            return suspend(store, state);
        }
        begin_slice(store); /* a host call costs no fuel: what follows it will stop */
    }
    enum iso_leave why = ISO_LEAVE_NOT;
    if (store->pending.active || store->entry->host != NULL) {
        why = continue_host_call(store);
    }
    if (why == ISO_LEAVE_NOT) {
        why = iso_interpret(&store->exec);
    }
    while (why == ISO_LEAVE_EVENT) {
        store->exec.result = &no_result;
        if (must_stop(store, &state)) {
            return suspend(store, state);
        }
        if (store->step) {
            return suspend(store, ISO_RUN_INTERRUPTED);
        }
        why = iso_interpret(&store->exec);
    }
    store->exec.result = &no_result;
    switch (why) {
    case ISO_LEAVE_DONE:
        return finish(store, ISO_RUN_DONE);
    case ISO_LEAVE_PENDING:
        return suspend(store, ISO_RUN_PENDING);
    default:
        return finish(store, ISO_RUN_TRAPPED);
    }
}

enum iso_err iso_complete(struct iso_store *store, const union iso_slot *results)
{
    struct iso_pending *pending = &store->pending;
    if (!pending->active || pending->completed || pending->trapped) {
        return ISO_E_STATE;
    }
    uint32_t slots = iso_func_type(pending->func)->result_slots;
    if (slots != 0) {
        memcpy(pending->args, results, slots * sizeof *results);
    }
    pending->completed = true;
    return ISO_OK;
}

enum iso_err iso_complete_trap(struct iso_store *store, const char *message)
{
    struct iso_pending *pending = &store->pending;
    if (!pending->active || pending->completed || pending->trapped) {
        return ISO_E_STATE;
    }
    (void)iso_format(store->last_trap.message, sizeof store->last_trap.message, "%s", message);
    pending->trapped = true;
    return ISO_OK;
}

void iso_drop(struct iso_store *store)
{
    settle(store);
    end_call(store);
    store->state = ISO_RUN_IDLE;
    rest(store);
}

enum iso_run_state iso_store_state(const struct iso_store *store)
{
    return store->state;
}

struct iso_func *iso_store_func(const struct iso_store *store)
{
    return is_under_way(store->state) ? store->entry : NULL;
}

void iso_store_trap_set(struct iso_store *store, const char *message)
{
    ISO_ASSERT(!is_under_way(store->state));
    struct iso_trap *trap = iso_trap_begin(store, ISO_TRAP_HOST);
    (void)iso_format(trap->message, sizeof trap->message, "%s", message);
    store->state = ISO_RUN_TRAPPED;
}

const union iso_slot *iso_results(const struct iso_store *store)
{
    return store->results;
}

bool iso_store_pending(const struct iso_store *store, struct iso_str *module, struct iso_str *name)
{
    if (!store->pending.active) {
        return false;
    }
    *module = store->pending.func->host->module;
    *name = store->pending.func->host->name;
    return true;
}

enum iso_err iso_call(struct iso_store *store, struct iso_func *func, const union iso_slot *args,
                      union iso_slot *results)
{
    enum iso_err err = iso_start(store, func, args);
    if (err != ISO_OK) {
        return err;
    }
    switch (iso_run(store)) {
    case ISO_RUN_DONE: {
        uint32_t slots = iso_func_type(func)->result_slots;
        if (results != NULL && slots != 0) {
            memcpy(results, store->results, slots * sizeof *results);
        }
        return ISO_OK;
    }
    case ISO_RUN_TRAPPED:
        return ISO_E_TRAP;
    default:
        return ISO_E_PENDING;
    }
}
