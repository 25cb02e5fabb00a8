/*
 * component_run.c - the states of a component, its instances at work, and what comes next for each.
 */
#include <time.h>

#include "supervisor/core_state.h"

/* ---- Telling the owner ----------------------------------------------------------------------- */

static void tell_ready(struct iso_sv_note *note)
{
    struct iso_sv_component *component = ISO_SV_OWNER(note, struct iso_sv_component, ready_note);
    if (component->ready != NULL) {
        component->ready(component->ready_ctx, component, component->ready_err,
                         &component->ready_report);
    }
}

/* Whether an instance waits for what no snapshot can carry. */
static bool is_refused(struct iso_sv_component *component)
{
    bool refused = false;
    uv_mutex_lock(&component->lock);
    for (struct iso_sv_node *node = component->instances.next; node != &component->instances;
         node = node->next) {
        const struct iso_sv_instance *instance = ISO_SV_OWNER(node, struct iso_sv_instance, node);
        refused = refused || (instance->state != ISO_SV_IDLE && instance->refuses);
    }
    uv_mutex_unlock(&component->lock);
    return refused;
}

static void tell_frozen(struct iso_sv_note *note)
{
    struct iso_sv_component *component = ISO_SV_OWNER(note, struct iso_sv_component, frozen_note);
    iso_sv_ready_fn frozen = component->frozen;
    struct iso_report report;
    enum iso_err err = ISO_OK;
    iso_report_init(&report);
    if (iso_sv_component_state(component) != ISO_SV_FROZEN) {
        err = iso_fail(&report, ISO_E_STATE, "%s was not to be frozen any more",
                       component->full_name);
    } else if (is_refused(component)) {
        err = iso_fail(&report, ISO_E_REFUSED,
                       "%s waits for a device that cannot be asked again elsewhere",
                       component->full_name);
        iso_sv_component_thaw(component);
    }
    component->frozen = NULL;
    if (frozen != NULL) {
        frozen(component->frozen_ctx, component, err, &report);
    }
}

static void tell_gone(struct iso_sv_note *note)
{
    struct iso_sv_component *component = ISO_SV_OWNER(note, struct iso_sv_component, gone_note);
    iso_sv_timer_clear(component->core, &component->drain);
    iso_sv_timer_clear(component->core, &component->retry);
    if (component->gone != NULL) {
        component->gone(component->gone_ctx, component);
    }
}

static void tell_state(struct iso_sv_note *note)
{
    struct iso_sv_component *component = ISO_SV_OWNER(note, struct iso_sv_component, state_note);
    const struct iso_sv_watch *watch = &component->core->watch;
    if (watch->state != NULL) {
        watch->state(watch->ctx, component);
    }
}

static void tell_changed(struct iso_sv_note *note)
{
    struct iso_sv_component *component = ISO_SV_OWNER(note, struct iso_sv_component, changed_note);
    const struct iso_sv_watch *watch = &component->core->watch;
    if (watch->changed != NULL) {
        watch->changed(watch->ctx, component);
    }
}

static void retry_setup(struct iso_sv_timer *timer)
{
    struct iso_sv_component *component = ISO_SV_OWNER(timer, struct iso_sv_component, retry);
    iso_sv_component_setup(component);
}

static void drain_over(struct iso_sv_timer *timer)
{
    struct iso_sv_component *component = ISO_SV_OWNER(timer, struct iso_sv_component, drain);
    iso_sv_component_end_all(component, ISO_SV_GONE);
}

void iso_sv_component_init_notes(struct iso_sv_component *component)
{
    component->ready_note.deliver = tell_ready;
    component->frozen_note.deliver = tell_frozen;
    component->gone_note.deliver = tell_gone;
    component->state_note.deliver = tell_state;
    component->changed_note.deliver = tell_changed;
    component->retry.fire = retry_setup;
    component->drain.fire = drain_over;
}

void iso_sv_component_cancel_notes(struct iso_sv_component *component)
{
    struct iso_sv_core *core = component->core;
    iso_sv_note_cancel(core, &component->ready_note);
    iso_sv_note_cancel(core, &component->frozen_note);
    iso_sv_note_cancel(core, &component->gone_note);
    iso_sv_note_cancel(core, &component->state_note);
    iso_sv_note_cancel(core, &component->changed_note);
}

void iso_sv_component_set_state(struct iso_sv_component *component, enum iso_sv_state state)
{
    if (component->state != state) {
        component->state = state;
        iso_sv_note_post(component->core, &component->state_note);
    }
}

/* ---- Instances at work ----------------------------------------------------------------------- */

void iso_sv_instance_set_state(struct iso_sv_instance *instance, enum iso_sv_instance_state state)
{
    struct iso_sv_component *component = instance->component;
    enum iso_sv_instance_state before = instance->state;
    bool moved = before == ISO_SV_RUNNABLE || before == ISO_SV_ON_THREAD;
    bool moves = state == ISO_SV_RUNNABLE || state == ISO_SV_ON_THREAD;
    component->active += before == ISO_SV_IDLE ? 1 : 0;
    component->active -= state == ISO_SV_IDLE ? 1 : 0;
    component->moving += moves && !moved ? 1 : 0;
    component->moving -= moved && !moves ? 1 : 0;
    if (state == ISO_SV_WAITING) {
        atomic_fetch_add_explicit(&component->core->waiting, 1, memory_order_relaxed);
    }
    if (before == ISO_SV_WAITING) {
        atomic_fetch_sub_explicit(&component->core->waiting, 1, memory_order_relaxed);
    }
    instance->state = state;
}

/* Whether instances are to stay where they are. */
bool iso_sv_component_stands_still(const struct iso_sv_component *component)
{
    return component->state == ISO_SV_FREEZING || component->state == ISO_SV_FROZEN ||
           (component->state == ISO_SV_PREPARED && component->prepared);
}

void iso_sv_instance_set_runnable(struct iso_sv_instance *instance, bool fresh)
{
    if (iso_sv_component_stands_still(instance->component)) {
        iso_sv_instance_set_state(instance, ISO_SV_PARKED);
        return;
    }
    iso_sv_instance_set_state(instance, ISO_SV_RUNNABLE);
    iso_sv_run_push(instance->component->core, instance, fresh);
}

void iso_sv_component_settle(struct iso_sv_component *component)
{
    if (component->state == ISO_SV_FREEZING && component->moving == 0) {
        iso_sv_component_pause_timers(component);
        iso_sv_component_set_state(component, ISO_SV_FROZEN);
        iso_sv_note_post(component->core, &component->frozen_note);
    }
    if (component->state == ISO_SV_DRAINING && component->active == 0 && component->queued == 0) {
        iso_sv_component_set_state(component, ISO_SV_STOPPED);
        iso_sv_note_post(component->core, &component->gone_note);
    }
}

/* The next call of the queue for an instance that has none: it becomes runnable, or stays idle. */
void iso_sv_component_next(struct iso_sv_component *component, struct iso_sv_instance *instance)
{
    bool takes = component->state == ISO_SV_RUNNING || component->state == ISO_SV_DRAINING;
    struct iso_sv_node *node = takes ? iso_sv_list_pop(&component->queue) : NULL;
    if (node == NULL) {
        return;
    }
    struct iso_sv_call_state *state = ISO_SV_OWNER(node, struct iso_sv_call_state, node);
    component->queued--;
    state->queued = false;
    iso_sv_component_give(component, instance, state->call);
    iso_sv_instance_set_runnable(instance, true);
}

void iso_sv_component_give(struct iso_sv_component *component, struct iso_sv_instance *instance,
                           struct iso_sv_call *call)
{
    ISO_ASSERT(instance->state == ISO_SV_IDLE && instance->call == NULL);
    if (instance->idle.next != NULL) {
        iso_sv_list_remove(&instance->idle);
        component->idle_count--;
    }
    instance->call = call;
    instance->wake = false;
    instance->stop_set = false;
    call->state->instance = instance;
    call->state->begun_ns = uv_hrtime();
    call->wait_ns = call->state->begun_ns - call->state->started_ns;
}

/* An idle instance, or a new one while there may be more; NULL: neither. */
struct iso_sv_instance *iso_sv_component_instance(struct iso_sv_component *component)
{
    struct iso_sv_core *core = component->core;
    struct iso_sv_node *node = component->idle.next;
    if (component->mode == ISO_SV_SERVICE) {
        struct iso_sv_instance *service = component->service;
        return service != NULL && service->state == ISO_SV_IDLE ? service : NULL;
    }
    if (component->active >= component->limits.instances ||
        atomic_load(&core->instances) >= core->instances_max) {
        return NULL;
    }
    return node != &component->idle ? ISO_SV_OWNER(node, struct iso_sv_instance, idle)
                                    : iso_sv_instance_new(component);
}

void iso_sv_component_error(struct iso_sv_component *component, const char *text)
{
    struct timespec now = {.tv_sec = 0};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)iso_format(component->stats.last_error, sizeof component->stats.last_error, "%s", text);
    component->stats.last_error_time_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* ---- Setting up: the first instance, and after a trap -----------------------------------------
 */

/* The setup call goes to an instance, as if it had been called. */
static bool begin_setup(struct iso_sv_component *component)
{
    struct iso_sv_call *call = component->setup;
    struct iso_sv_instance *instance = component->service;
    if (instance == NULL) {
        instance = iso_sv_instance_new(component);
    }
    if (instance == NULL) {
        return false;
    }
    if (component->mode == ISO_SV_SERVICE) {
        component->service = instance;
    } else {
        instance->template = true;
    }
    iso_sv_call_begin_setup(call, component);
    iso_sv_component_give(component, instance, call);
    iso_sv_instance_set_state(instance, ISO_SV_RUNNABLE);
    iso_sv_run_push(component->core, instance, true);
    return true;
}

void iso_sv_component_later(struct iso_sv_component *component)
{
    uint64_t wait = component->backoff_ns != 0 ? component->backoff_ns : ISO_SV_BACKOFF_MIN_NS;
    component->backoff_ns = wait * 2 < ISO_SV_BACKOFF_MAX_NS ? wait * 2 : ISO_SV_BACKOFF_MAX_NS;
    if (!iso_sv_timer_set(component->core, &component->retry, uv_hrtime() + wait)) {
        iso_sv_component_error(component, "no memory to try the start again");
    }
}

void iso_sv_component_setup(struct iso_sv_component *component)
{
    uv_mutex_lock(&component->lock);
    bool wanted = !component->prepared || component->state == ISO_SV_FAILED;
    if (wanted && !begin_setup(component)) {
        if (component->prepared) {
            iso_sv_component_later(component);
        } else {
            component->prepared = true;
            component->ready_err = ISO_E_NOMEM;
            iso_sv_note_post(component->core, &component->ready_note);
        }
    }
    uv_mutex_unlock(&component->lock);
}

/* Of a service that has failed to start: nobody shall wait for it. */
static void refuse_queue(struct iso_sv_component *component, const char *text,
                         struct iso_sv_node *ended)
{
    struct iso_sv_node *node;
    while ((node = iso_sv_list_pop(&component->queue)) != NULL) {
        struct iso_sv_call_state *state = ISO_SV_OWNER(node, struct iso_sv_call_state, node);
        component->queued--;
        state->queued = false;
        iso_sv_call_fail(state->call, ISO_SV_TRAP, "%s could not be started: %s",
                         component->full_name, text);
        iso_sv_component_count(component, state->call);
        iso_sv_list_append(ended, node);
    }
}

/*
 * The setup call has ended. Under the lock; calls that are to be told of are appended to ended.
 */
void iso_sv_component_setup_done(struct iso_sv_component *component, struct iso_sv_call *call,
                                 struct iso_sv_node *ended)
{
    bool failed = call->outcome != ISO_SV_DONE;
    if (failed) {
        iso_sv_component_error(component, call->report.text);
    }
    if (!component->prepared) {
        component->prepared = true;
        component->ready_err = !failed                         ? ISO_OK
                               : call->outcome == ISO_SV_LIMIT ? ISO_E_LIMIT
                                                               : ISO_E_TRAP;
        component->ready_report = call->report;
        iso_sv_note_post(component->core, &component->ready_note);
    } else if (failed && component->state != ISO_SV_DRAINING) {
        if (component->state == ISO_SV_RUNNING || component->state == ISO_SV_FAILED) {
            iso_sv_component_set_state(component, ISO_SV_FAILED);
            iso_sv_component_later(component);
        }
        refuse_queue(component, call->report.text, ended);
    } else if (!failed) {
        component->backoff_ns = 0;
        if (component->state == ISO_SV_FAILED) {
            iso_sv_component_set_state(component, ISO_SV_RUNNING);
        }
    }
}

/* A service's instance is undefined after a trap or limit: it is made anew. Under the lock. */
void iso_sv_component_restart(struct iso_sv_component *component)
{
    component->stats.restarts++;
    if (!begin_setup(component)) {
        iso_sv_component_set_state(component, ISO_SV_FAILED);
        iso_sv_component_later(component);
    }
}
