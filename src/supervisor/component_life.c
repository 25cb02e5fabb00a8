/* component_life.c - components are started, frozen, stopped and destroyed by their owner. */
#include "supervisor/core_state.h"

/* ---- Ending everything ----------------------------------------------------------------------- */

static void end_queue(struct iso_sv_component *component, enum iso_sv_outcome outcome)
{
    struct iso_sv_node *node;
    for (;;) {
        uv_mutex_lock(&component->lock);
        node = iso_sv_list_pop(&component->queue);
        struct iso_sv_call_state *state =
            node != NULL ? ISO_SV_OWNER(node, struct iso_sv_call_state, node) : NULL;
        if (state != NULL) {
            component->queued--;
            state->queued = false;
            iso_sv_call_fail(state->call, outcome, "%s was stopped", component->full_name);
            iso_sv_component_count(component, state->call);
        }
        iso_sv_component_settle(component);
        uv_mutex_unlock(&component->lock);
        if (state == NULL) {
            return;
        }
        iso_sv_call_ended(state->call);
    }
}

/* One that works and has not been told to stop; seized or told. */
static struct iso_sv_instance *next_busy(struct iso_sv_component *component)
{
    for (struct iso_sv_node *node = component->instances.next; node != &component->instances;
         node = node->next) {
        struct iso_sv_instance *instance = ISO_SV_OWNER(node, struct iso_sv_instance, node);
        if (instance->state != ISO_SV_IDLE && !instance->stop_set) {
            return instance;
        }
    }
    return NULL;
}

void iso_sv_component_end_all(struct iso_sv_component *component, enum iso_sv_outcome outcome)
{
    end_queue(component, outcome);
    for (;;) {
        uv_mutex_lock(&component->lock);
        struct iso_sv_instance *instance = next_busy(component);
        bool ours = instance != NULL && iso_sv_instance_seize(instance, outcome);
        uv_mutex_unlock(&component->lock);
        if (instance == NULL) {
            return;
        }
        if (ours) {
            iso_sv_instance_end(instance, outcome);
        }
    }
}

/* ---- Start, stop, destroy -------------------------------------------------------------------- */

/* A freeze that has not been told of comes to nothing. Under the lock. */
static void forget_freeze(struct iso_sv_component *component)
{
    if (component->frozen != NULL) {
        iso_sv_note_post(component->core, &component->frozen_note);
    }
}

/* Those that stood still go on, the queue too. Under the lock. */
static void go_on(struct iso_sv_component *component)
{
    struct iso_sv_node *node = component->instances.next;
    while (node != &component->instances) {
        struct iso_sv_instance *instance = ISO_SV_OWNER(node, struct iso_sv_instance, node);
        node = node->next;
        if (instance->state == ISO_SV_PARKED) {
            iso_sv_instance_set_runnable(instance, true);
        }
    }
    while (component->queued != 0) {
        struct iso_sv_instance *instance = iso_sv_component_instance(component);
        if (instance == NULL) {
            break;
        }
        iso_sv_component_next(component, instance);
    }
}

void iso_sv_component_start(struct iso_sv_component *component)
{
    uv_mutex_lock(&component->lock);
    if (component->state == ISO_SV_PREPARED) {
        if (component->ready_err != ISO_OK && component->mode == ISO_SV_SERVICE) {
            iso_sv_component_set_state(component, ISO_SV_FAILED);
            iso_sv_component_later(component);
        } else {
            iso_sv_component_set_state(component, ISO_SV_RUNNING);
            iso_sv_component_resume_timers(component);
            go_on(component);
        }
    }
    uv_mutex_unlock(&component->lock);
}

void iso_sv_component_stop(struct iso_sv_component *component, uint64_t drain_ns,
                           void (*gone)(void *ctx, struct iso_sv_component *component), void *ctx)
{
    uv_mutex_lock(&component->lock);
    component->gone = gone;
    component->gone_ctx = ctx;
    bool still = iso_sv_component_stands_still(component);
    iso_sv_component_set_state(component, ISO_SV_DRAINING);
    if (still) {
        forget_freeze(component);
        iso_sv_component_resume_timers(component);
        go_on(component);
    }
    iso_sv_component_settle(component);
    uv_mutex_unlock(&component->lock);
    iso_sv_timer_clear(component->core, &component->retry);
    if (drain_ns == 0 ||
        !iso_sv_timer_set(component->core, &component->drain, uv_hrtime() + drain_ns)) {
        iso_sv_component_end_all(component, ISO_SV_GONE);
    }
}

static void tell_hosts(struct iso_sv_component *component)
{
    const struct iso_sv_host_set *hosts = component->core->hosts;
    for (size_t i = 0; hosts != NULL && i < hosts->count; i++) {
        const struct iso_sv_host_interface *host = &hosts->interfaces[i];
        bool uses = false;
        for (uint32_t k = 0; k < component->import_count; k++) {
            uses = uses || component->imports[k].host == host;
        }
        if (uses && host->component_gone != NULL) {
            host->component_gone(host->ctx, component);
        }
    }
}

void iso_sv_component_destroy(struct iso_sv_component *component)
{
    struct iso_sv_core *core = component->core;
    uv_mutex_lock(&component->lock);
    enum iso_sv_state state = component->state;
    ISO_ASSERT(component->moving == 0 &&
               (state == ISO_SV_PREPARED || state == ISO_SV_STOPPED || state == ISO_SV_FROZEN));
    component->state = ISO_SV_STOPPED;
    uv_mutex_unlock(&component->lock);
    iso_sv_component_end_all(component, ISO_SV_GONE);
    tell_hosts(component);
    iso_sv_timer_clear(core, &component->retry);
    iso_sv_timer_clear(core, &component->drain);
    struct iso_sv_node *node;
    while ((node = component->instances.next) != &component->instances) {
        struct iso_sv_instance *instance = ISO_SV_OWNER(node, struct iso_sv_instance, node);
        uv_mutex_lock(&component->lock);
        iso_sv_instance_unlist(instance);
        uv_mutex_unlock(&component->lock);
        iso_sv_instance_free(instance);
    }
    iso_image_destroy(component->image);
    component->image = NULL;
    iso_sv_component_drop_links(component);
    iso_sv_component_cancel_notes(component);
    iso_sv_call_unref(component->setup);
    component->setup = NULL;
    iso_sv_component_unregister(component);
    component->destroyed = true;
    iso_sv_component_unref(component);
}

/* ---- Freezing -------------------------------------------------------------------------------- */

/* Calls keep what is left of their time while nothing runs. Under the lock. */
static void pause_call(struct iso_sv_call *call, uint64_t now)
{
    struct iso_sv_call_state *state = call->state;
    if (state->timed) {
        iso_sv_timer_clear(state->core, &state->timer);
    }
    state->left_ns = state->deadline_ns > now ? state->deadline_ns - now : 0;
}

static void resume_call(struct iso_sv_call *call, uint64_t now)
{
    struct iso_sv_call_state *state = call->state;
    state->deadline_ns = state->left_ns > UINT64_MAX - now ? UINT64_MAX : now + state->left_ns;
    iso_sv_call_set_timer(call);
}

static void each_call(struct iso_sv_component *component,
                      void (*fn)(struct iso_sv_call *call, uint64_t now), uint64_t now)
{
    for (struct iso_sv_node *node = component->queue.next; node != &component->queue;
         node = node->next) {
        fn(ISO_SV_OWNER(node, struct iso_sv_call_state, node)->call, now);
    }
    for (struct iso_sv_node *node = component->instances.next; node != &component->instances;
         node = node->next) {
        struct iso_sv_instance *instance = ISO_SV_OWNER(node, struct iso_sv_instance, node);
        if (instance->call != NULL) {
            fn(instance->call, now);
        }
    }
}

void iso_sv_component_pause_timers(struct iso_sv_component *component)
{
    each_call(component, pause_call, uv_hrtime());
    component->paused = true;
}

void iso_sv_component_resume_timers(struct iso_sv_component *component)
{
    if (component->paused) {
        each_call(component, resume_call, uv_hrtime());
        component->paused = false;
    }
}

void iso_sv_component_freeze(struct iso_sv_component *component, iso_sv_ready_fn frozen, void *ctx)
{
    uv_mutex_lock(&component->lock);
    component->frozen = frozen;
    component->frozen_ctx = ctx;
    iso_sv_timer_clear(component->core, &component->retry);
    iso_sv_component_set_state(component, ISO_SV_FREEZING);
    for (struct iso_sv_node *node = component->instances.next; node != &component->instances;
         node = node->next) {
        struct iso_sv_instance *instance = ISO_SV_OWNER(node, struct iso_sv_instance, node);
        if (instance->state == ISO_SV_ON_THREAD && instance->store != NULL) {
            iso_store_interrupt(instance->store);
        }
    }
    iso_sv_component_settle(component);
    uv_mutex_unlock(&component->lock);
}

void iso_sv_component_thaw(struct iso_sv_component *component)
{
    uv_mutex_lock(&component->lock);
    if (component->state == ISO_SV_FROZEN || component->state == ISO_SV_FREEZING) {
        forget_freeze(component);
        iso_sv_component_set_state(component, ISO_SV_RUNNING);
        iso_sv_component_resume_timers(component);
        go_on(component);
    }
    uv_mutex_unlock(&component->lock);
}

/* ---- Figures --------------------------------------------------------------------------------- */

void iso_sv_component_stats_get(const struct iso_sv_component *component,
                                struct iso_sv_component_stats *out)
{
    struct iso_sv_component *c = (struct iso_sv_component *)(uintptr_t)component;
    uv_mutex_lock(&c->lock);
    *out = c->stats;
    out->queued = c->queued;
    uv_mutex_unlock(&c->lock);
}

uint64_t iso_sv_latency_quantile(const uint64_t latency[ISO_SV_LATENCY_BUCKETS], double p)
{
    uint64_t total = 0, seen = 0;
    for (int i = 0; i < ISO_SV_LATENCY_BUCKETS; i++) {
        total += latency[i];
    }
    for (int i = 0; i < ISO_SV_LATENCY_BUCKETS; i++) {
        seen += latency[i];
        if (total != 0 && (double)seen >= p * (double)total) {
            return UINT64_C(1000) << i;
        }
    }
    return 0;
}
