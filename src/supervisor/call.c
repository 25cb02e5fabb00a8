/* call.c - calls: making, starting and ending them. */
#include "supervisor/core_state.h"

#include <stdarg.h>

struct block {
    struct iso_sv_call call;
    struct iso_sv_call_state state;
};

/* ---- Life ------------------------------------------------------------------------------------ */

static void deliver(struct iso_sv_note *note)
{
    struct iso_sv_call_state *state = ISO_SV_OWNER(note, struct iso_sv_call_state, note);
    struct iso_sv_call *call = state->call;
    if (call->done != NULL) {
        call->done(call);
    } else {
        iso_sv_call_destroy(call);
    }
}

static void expire(struct iso_sv_timer *timer)
{
    struct iso_sv_call_state *state = ISO_SV_OWNER(timer, struct iso_sv_call_state, timer);
    iso_sv_call_expire(state->call);
    iso_sv_call_unref(state->call);
}

static void pin(struct iso_sv_timer *timer)
{
    iso_sv_call_ref(ISO_SV_OWNER(timer, struct iso_sv_call_state, timer)->call);
}

struct iso_sv_call *iso_sv_call_create(struct iso_sv_core *core)
{
    struct block *block = iso_alloc_resize(&core->alloc, NULL, 0, sizeof *block);
    if (block == NULL) {
        return NULL;
    }
    /* The reports are large and need no zeroing. */
    struct iso_sv_call *call = &block->call;
    struct iso_sv_call_state *state = &block->state;
    memset(call, 0, offsetof(struct iso_sv_call, report));
    memset((char *)call + offsetof(struct iso_sv_call, fuel_used), 0,
           sizeof *call - offsetof(struct iso_sv_call, fuel_used));
    memset(state, 0, sizeof *state);
    call->state = state;
    call->id.caller[0] = '\0';
    iso_report_init(&call->report);
    iso_buf_init(&call->reply, &core->alloc, SIZE_MAX);
    state->call = call;
    state->core = core;
    atomic_init(&state->refs, 1);
    state->timer.fire = expire;
    state->timer.pin = pin;
    state->note.deliver = deliver;
    iso_arena_init(&state->arena, &core->alloc, 1024, SIZE_MAX);
    return call;
}

void iso_sv_call_ref(struct iso_sv_call *call)
{
    (void)atomic_fetch_add_explicit(&call->state->refs, 1, memory_order_relaxed);
}

/* What belongs to one use of a call. */
void iso_sv_call_clean(struct iso_sv_call *call)
{
    struct iso_sv_call_state *state = call->state;
    const struct iso_alloc *alloc = &state->core->alloc;
    iso_arena_fini(&state->arena);
    iso_buf_fini(&call->reply);
    iso_alloc_free(alloc, call->body, call->body_len);
    call->body = NULL;
    call->body_len = 0;
    iso_alloc_free(alloc, call->chain, ISO_SV_CHAIN_MAX * sizeof *call->chain);
    call->chain = NULL;
    call->chain_len = 0;
    if (call->function != NULL) {
        iso_alloc_free(alloc, call->function, strlen(call->function) + 1);
        call->function = NULL;
    }
    if (state->parent != NULL) {
        iso_sv_call_unref(state->parent);
        state->parent = NULL;
    }
    if (state->kind != ISO_SV_CALL_SETUP) {
        iso_sv_component_unref(state->component);
    }
    iso_sv_component_unref(state->waiter_component);
    state->component = NULL;
    state->waiter_component = NULL;
    state->args = NULL;
}

void iso_sv_call_unref(struct iso_sv_call *call)
{
    struct iso_sv_call_state *state = call->state;
    if (atomic_fetch_sub_explicit(&state->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    struct iso_alloc alloc = state->core->alloc;
    iso_sv_call_clean(call);
    iso_alloc_free(&alloc, ISO_SV_OWNER(call, struct block, call), sizeof(struct block));
}

void iso_sv_call_destroy(struct iso_sv_call *call)
{
    if (call != NULL) {
        iso_sv_call_unref(call);
    }
}

/* ---- What goes in ---------------------------------------------------------------------------- */

void iso_sv_call_take_body(struct iso_sv_call *call, uint8_t *body, size_t len)
{
    iso_alloc_free(&call->state->core->alloc, call->body, call->body_len);
    call->body = body;
    call->body_len = len;
}

enum iso_err iso_sv_call_set_body(struct iso_sv_call *call, struct iso_bytes body)
{
    uint8_t *copy = NULL;
    if (body.len != 0) {
        copy = iso_alloc_resize(&call->state->core->alloc, NULL, 0, body.len);
        if (copy == NULL) {
            return ISO_E_NOMEM;
        }
        memcpy(copy, body.ptr, body.len);
    }
    iso_sv_call_take_body(call, copy, body.len);
    return ISO_OK;
}

enum iso_err iso_sv_call_add_caller(struct iso_sv_call *call, struct iso_str name)
{
    if (call->chain_len >= ISO_SV_CHAIN_MAX || name.len >= sizeof *call->chain) {
        return ISO_E_LIMIT;
    }
    if (call->chain == NULL) {
        call->chain =
            iso_alloc_array(&call->state->core->alloc, ISO_SV_CHAIN_MAX, sizeof *call->chain);
        if (call->chain == NULL) {
            return ISO_E_NOMEM;
        }
    }
    iso_memory_copy(call->chain[call->chain_len], name.ptr, name.len);
    call->chain[call->chain_len++][name.len] = '\0';
    return ISO_OK;
}

void iso_sv_call_abandon(struct iso_sv_call *call)
{
    atomic_store_explicit(&call->state->abandoned, true, memory_order_relaxed);
}

/* ---- The chain of callers -------------------------------------------------------------------- */

bool iso_sv_call_has_caller(const struct iso_sv_call *call,
                            const struct iso_sv_component *component)
{
    for (; call != NULL; call = call->state->parent) {
        for (uint32_t i = 0; i < call->chain_len; i++) {
            if (strcmp(call->chain[i], component->full_name) == 0) {
                return true;
            }
        }
        const struct iso_sv_call *parent = call->state->parent;
        if (parent != NULL && parent->state->component == component) {
            return true;
        }
    }
    return false;
}

uint32_t iso_sv_call_depth(const struct iso_sv_call *call)
{
    uint32_t depth = 0;
    for (; call != NULL; call = call->state->parent) {
        depth += call->chain_len + (call->state->parent != NULL ? 1 : 0);
    }
    return depth;
}

/* ---- Ends ------------------------------------------------------------------------------------ */

const char *iso_sv_outcome_name(enum iso_sv_outcome outcome)
{
    static const char *const names[] = {
        "done",  "error",     "bad-arguments", "trap",           "queue-full",  "limit",
        "moved", "not-found", "gone",          "would-deadlock", "unreachable", "unknown"};
    return (size_t)outcome < ISO_COUNT_OF(names) ? names[outcome] : "?";
}

void iso_sv_call_fail(struct iso_sv_call *call, enum iso_sv_outcome outcome, const char *format,
                      ...)
{
    char text[sizeof call->report.text];
    va_list args;
    call->outcome = outcome;
    va_start(args, format);
    (void)iso_format_v(text, sizeof text, format, args);
    va_end(args);
    iso_report_set(&call->report, "%s", text);
}

void iso_sv_call_ended(struct iso_sv_call *call)
{
    struct iso_sv_call_state *state = call->state;
    if (state->timed) {
        iso_sv_timer_clear(state->core, &state->timer);
    }
    atomic_fetch_add_explicit(&state->core->calls_total, 1, memory_order_relaxed);
    switch (state->kind) {
    case ISO_SV_CALL_OUTSIDE:
        if (!state->here) {
            iso_sv_note_post(state->core, &state->note);
        }
        break;
    case ISO_SV_CALL_LINK:
        iso_sv_link_ended(call);
        break;
    default:
        break;
    }
}

/* ---- Dispatch -------------------------------------------------------------------------------- */

/* May it begin in the component's present state? Under its lock. */
static bool is_accepted(struct iso_sv_call *call, const struct iso_sv_component *component)
{
    uint64_t epoch = atomic_load(&((struct iso_sv_component *)(uintptr_t)component)->epoch);
    switch (component->state) {
    case ISO_SV_PREPARED:
        iso_sv_call_fail(call, ISO_SV_NOT_FOUND, "%s has not been started", component->full_name);
        return false;
    case ISO_SV_FREEZING:
    case ISO_SV_FROZEN:
        iso_sv_call_fail(call, ISO_SV_MOVED, "%s is being moved", component->full_name);
        return false;
    case ISO_SV_DRAINING:
    case ISO_SV_STOPPED:
        iso_sv_call_fail(call, ISO_SV_GONE, "%s was stopped", component->full_name);
        return false;
    case ISO_SV_FAILED:
        iso_sv_call_fail(call, ISO_SV_TRAP, "%s could not be started: %s", component->full_name,
                         component->stats.last_error);
        return false;
    case ISO_SV_RUNNING:
        break;
    }
    if (call->epoch != 0 && call->epoch != epoch) {
        iso_sv_call_fail(call, ISO_SV_MOVED, "%s has epoch %llu here, the call is for %llu",
                         component->full_name, (unsigned long long)epoch,
                         (unsigned long long)call->epoch);
        return false;
    }
    return true;
}

static bool queue_up(struct iso_sv_call *call, struct iso_sv_component *component)
{
    bool alone = component->mode == ISO_SV_FUNCTION && component->active == 0;
    if (component->queued >= component->limits.queue || alone) {
        iso_sv_call_fail(call, ISO_SV_BUSY,
                         alone ? "this device runs as many instances as it may"
                               : "the queue of %s is full (%u calls)",
                         component->full_name, (unsigned)component->limits.queue);
        return false;
    }
    iso_sv_list_append(&component->queue, &call->state->node);
    component->queued++;
    call->state->queued = true;
    return true;
}

void iso_sv_call_set_timer(struct iso_sv_call *call)
{
    struct iso_sv_call_state *state = call->state;
    if (state->deadline_ns != UINT64_MAX) {
        state->timed =
            iso_sv_timer_set(state->core, &state->timer, state->deadline_ns) || state->timed;
    }
}

bool iso_sv_call_dispatch(struct iso_sv_call *call, bool run_here, struct iso_sv_instance **run)
{
    struct iso_sv_component *component = call->state->component;
    struct iso_sv_instance *instance = NULL;
    bool taken = true;
    uv_mutex_lock(&component->lock);
    if (!is_accepted(call, component)) {
        taken = false;
    } else if (iso_sv_list_empty(&component->queue)) {
        instance = iso_sv_component_instance(component);
    }
    if (instance != NULL) {
        iso_sv_component_give(component, instance, call);
        if (run_here) {
            iso_sv_instance_set_state(instance, ISO_SV_ON_THREAD);
        } else {
            iso_sv_call_set_timer(call);
            iso_sv_instance_set_runnable(instance, true);
            instance = NULL;
        }
    } else if (taken && !call->state->args_borrowed) {
        taken = queue_up(call, component);
        if (taken) {
            iso_sv_call_set_timer(call);
        }
    }
    if (!taken) {
        iso_sv_component_count(component, call);
    }
    call->state->here = call->state->here && (instance != NULL || !taken);
    uv_mutex_unlock(&component->lock);
    *run = instance;
    return taken;
}

/* ---- Start ----------------------------------------------------------------------------------- */

void iso_sv_call_set_deadline(struct iso_sv_call *call)
{
    struct iso_sv_call_state *state = call->state;
    uint64_t own = state->component->limits.time_ns, now = uv_hrtime();
    if (state->kind == ISO_SV_CALL_SETUP && own < ISO_SV_TIME_NS) {
        own = ISO_SV_TIME_NS; /* what is tight for a call may be too tight for a start */
    }
    state->started_ns = now;
    state->deadline_ns = own > UINT64_MAX - now ? UINT64_MAX : now + own;
    if (call->deadline_ns != 0 && call->deadline_ns < state->deadline_ns) {
        state->deadline_ns = call->deadline_ns;
    }
}

void iso_sv_call_begin_setup(struct iso_sv_call *call, struct iso_sv_component *component)
{
    call->outcome = ISO_SV_DONE;
    call->fuel_used = 0;
    call->run_ns = 0;
    iso_report_init(&call->report);
    call->state->component = component;
    call->state->timed = false;
    iso_sv_call_set_deadline(call);
    iso_sv_call_set_timer(call);
}

/* What can be said without the component's lock. */
static bool is_allowed(struct iso_sv_call *call, const struct iso_sv_component *component,
                       uint32_t index)
{
    if (index >= component->program->func_count) {
        iso_sv_call_fail(call, ISO_SV_NOT_FOUND, "%s has no such function", component->full_name);
        return false;
    }
    if (call->body_len > component->limits.result_bytes) {
        iso_sv_call_fail(call, ISO_SV_LIMIT, "the arguments are larger than %llu bytes",
                         (unsigned long long)component->limits.result_bytes);
        return false;
    }
    if (call->state->deadline_ns <= call->state->started_ns) {
        iso_sv_call_fail(call, ISO_SV_LIMIT, "time: the deadline was over before the call began");
        return false;
    }
    return true;
}

static bool is_chain_fine(struct iso_sv_call *call, const struct iso_sv_component *component)
{
    if (iso_sv_call_has_caller(call, component)) {
        iso_sv_call_fail(call, ISO_SV_DEADLOCK, "%s is among the callers of this call",
                         component->full_name);
        return false;
    }
    if (iso_sv_call_depth(call) > ISO_SV_CHAIN_MAX) {
        iso_sv_call_fail(call, ISO_SV_DEADLOCK, "the call of %s has more than %u callers",
                         component->full_name, (unsigned)ISO_SV_CHAIN_MAX);
        return false;
    }
    return true;
}

static void count(struct iso_sv_call *call, struct iso_sv_component *component)
{
    uv_mutex_lock(&component->lock);
    iso_sv_component_count(component, call);
    uv_mutex_unlock(&component->lock);
}

static bool is_possible(struct iso_sv_call *call, struct iso_sv_component *component,
                        uint32_t index)
{
    bool possible = is_allowed(call, component, index) && is_chain_fine(call, component);
    if (!possible) {
        count(call, component);
    }
    return possible;
}

bool iso_sv_call_check_chain(struct iso_sv_call *call, struct iso_sv_component *component)
{
    bool fine = is_chain_fine(call, component);
    if (!fine) {
        count(call, component);
    }
    return fine;
}

/* Is it to begin on the loop thread? */
static bool is_short(const struct iso_sv_call *call, struct iso_sv_component *component,
                     uint32_t index)
{
    struct iso_sv_func_state *state = &component->func_states[index];
    if (component->program->uses_wasi || call->body_len > ISO_SV_INLINE_BODY ||
        !iso_sv_share_left(component->core)) {
        return false;
    }
    if (state->skip != 0) {
        state->skip--;
        return false;
    }
    return true;
}

static void remember(struct iso_sv_func_state *state, bool ended)
{
    if (ended) {
        state->streak = 0;
        return;
    }
    state->streak = state->streak == 0 ? ISO_SV_INLINE_SKIP_MIN : state->streak * 2;
    if (state->streak > ISO_SV_INLINE_SKIP_MAX) {
        state->streak = ISO_SV_INLINE_SKIP_MAX;
    }
    state->skip = state->streak;
}

bool iso_sv_call_start(struct iso_sv_call *call, struct iso_sv_component *component, uint32_t index)
{
    struct iso_sv_call_state *state = call->state;
    struct iso_sv_core *core = state->core;
    struct iso_sv_instance *instance = NULL;
    iso_sv_component_ref(component);
    state->component = component;
    state->index = index;
    iso_sv_call_set_deadline(call);
    if (!is_possible(call, component, index)) {
        return true;
    }
    state->here = is_short(call, component, index);
    bool here = state->here;
    if (!iso_sv_call_dispatch(call, here, &instance)) {
        return true;
    }
    if (instance == NULL) {
        return false;
    }
    iso_sv_slice_begin(&core->loop_thread, ISO_SV_INLINE_FUEL);
    bool ended = iso_sv_instance_run(&core->loop_thread, instance);
    bool yielded = core->loop_thread.yielded;
    iso_sv_slice_end(&core->loop_thread);
    if (ended || yielded) {
        remember(&component->func_states[index], ended);
    }
    if (ended) {
        atomic_fetch_add_explicit(&core->inline_total, 1, memory_order_relaxed);
    }
    if (ended && atomic_load(&core->lines) != 0) {
        /* What it logged is told first: who has the answer may ask for that. */
        iso_sv_note_post(core, &state->note);
        return false;
    }
    return ended;
}
