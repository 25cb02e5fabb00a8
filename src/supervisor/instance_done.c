/* instance_done.c - the end of an instance's call, by itself or from outside, and what it does
 * next. */
#include "supervisor/core_state.h"

/* ---- Statistics ------------------------------------------------------------------------------ */

static void count_latency(struct iso_sv_component_stats *stats, uint64_t ns)
{
    uint32_t bucket = 0;
    while (bucket < ISO_SV_LATENCY_BUCKETS - 1 && ns >= (UINT64_C(1000) << bucket)) {
        bucket++;
    }
    stats->latency[bucket]++;
    stats->latency_sum_ns += ns;
}

void iso_sv_component_count(struct iso_sv_component *component, const struct iso_sv_call *call)
{
    struct iso_sv_component_stats *stats = &component->stats;
    const struct iso_sv_call_state *state = call->state;
    stats->fuel += call->fuel_used;
    stats->cpu_ns += call->run_ns;
    atomic_fetch_add_explicit(&component->core->fuel_total, call->fuel_used, memory_order_relaxed);
    if (state->kind == ISO_SV_CALL_SETUP) {
        return;
    }
    stats->calls[call->outcome]++;
    count_latency(stats, uv_hrtime() - state->started_ns);
    if (call->outcome != ISO_SV_DONE && call->outcome != ISO_SV_ERROR &&
        call->outcome != ISO_SV_ARGUMENT) {
        iso_sv_component_error(component, call->report.text);
    }
}

/* A property is a function without parameters that is called get-...: it changes nothing. */
static bool is_property(const struct iso_sv_component *component, uint32_t index)
{
    const struct iso_wit_func *func = component->program->funcs[index].func;
    return func->param_count == 0 && func->name.len > 4 && memcmp(func->name.ptr, "get-", 4) == 0;
}

static void tell_change(struct iso_sv_component *component, const struct iso_sv_call *call)
{
    if (component->mode == ISO_SV_SERVICE && component->core->watch.changed != NULL &&
        call->state->kind != ISO_SV_CALL_SETUP && call->outcome == ISO_SV_DONE &&
        !is_property(component, call->state->index)) {
        iso_sv_note_post(component->core, &component->changed_note);
    }
}

/* ---- What comes next ------------------------------------------------------------------------- */

/* Under the lock. False: the instance is to be freed. */
static bool next_service(struct iso_sv_component *component, struct iso_sv_instance *instance,
                         const struct iso_sv_call *call)
{
    bool setup = call->state->kind == ISO_SV_CALL_SETUP;
    bool failed = instance->phase == ISO_SV_PHASE_NEW;
    bool wanted = component->state == ISO_SV_RUNNING || component->state == ISO_SV_FREEZING ||
                  (component->state == ISO_SV_DRAINING && component->queued != 0);
    if (failed && !setup && wanted) {
        iso_sv_component_restart(component);
    } else if (!failed) {
        iso_sv_component_next(component, instance);
    }
    return true;
}

static bool next_function(struct iso_sv_component *component, struct iso_sv_instance *instance,
                          bool fit)
{
    if (!instance->template) {
        iso_sv_component_next(component, instance);
        if (instance->call != NULL) {
            return true;
        }
        if (fit && component->idle_count < ISO_SV_SPARE_INSTANCES) {
            iso_sv_list_append(&component->idle, &instance->idle);
            component->idle_count++;
            return true;
        }
    }
    iso_sv_instance_unlist(instance);
    return false;
}

static void end_others(struct iso_sv_node *ended)
{
    struct iso_sv_node *node;
    while ((node = iso_sv_list_pop(ended)) != NULL) {
        iso_sv_call_ended(ISO_SV_OWNER(node, struct iso_sv_call_state, node)->call);
    }
}

/* Whether the instance can serve another call as it is; otherwise its store is given up. */
static bool refit(struct iso_sv_instance *instance)
{
    const struct iso_sv_component *component = instance->component;
    bool fit = instance->phase != ISO_SV_PHASE_NEW && !instance->broken;
    if (component->mode == ISO_SV_FUNCTION && !instance->template) {
        fit = fit && iso_sv_instance_recycle(instance);
    }
    if (!fit) {
        iso_sv_instance_reset(instance);
    }
    return fit;
}

void iso_sv_instance_done(struct iso_sv_instance *instance)
{
    struct iso_sv_component *component = instance->component;
    struct iso_sv_call *call = instance->call;
    struct iso_sv_node ended;
    bool service = component->mode == ISO_SV_SERVICE;
    bool setup = call->state->kind == ISO_SV_CALL_SETUP;
    iso_sv_list_init(&ended);
    /* Once the lock is given back the loop may destroy the component, and with it its setup. */
    iso_sv_component_ref(component);
    instance->thread = NULL;
    iso_sv_link_forget(instance);
    if (instance->template && call->outcome == ISO_SV_DONE) {
        iso_sv_instance_take_image(instance);
    }
    if (instance->template_refused) {
        call->outcome = ISO_SV_DONE; /* no image, then: each call initialises its own instance */
    }
    bool fit = refit(instance);
    uint64_t memory = instance->store != NULL ? iso_store_memory_bytes(instance->store) : 0;
    uv_mutex_lock(&component->lock);
    instance->call = NULL;
    call->state->instance = NULL;
    iso_sv_instance_set_state(instance, ISO_SV_IDLE);
    iso_sv_instance_count_memory(instance, memory);
    iso_sv_component_count(component, call);
    tell_change(component, call);
    if (setup) {
        iso_sv_timer_clear(component->core, &call->state->timer);
        iso_sv_component_setup_done(component, call, &ended);
    }
    bool keep =
        service ? next_service(component, instance, call) : next_function(component, instance, fit);
    iso_sv_component_settle(component);
    uv_mutex_unlock(&component->lock);
    if (!keep) {
        iso_sv_instance_free(instance);
    }
    if (!setup) {
        iso_sv_call_ended(call);
    }
    end_others(&ended);
    iso_sv_component_unref(component);
}

/* ---- From outside ---------------------------------------------------------------------------- */

/* Under the lock: take the instance from wherever it is, or tell the thread that has it. */
bool iso_sv_instance_seize(struct iso_sv_instance *instance, enum iso_sv_outcome outcome)
{
    struct iso_sv_core *core = instance->component->core;
    bool ours = instance->state == ISO_SV_WAITING || instance->state == ISO_SV_PARKED;
    if (instance->state == ISO_SV_RUNNABLE) {
        uv_mutex_lock(&core->lock);
        ours = instance->run_node.next != NULL;
        if (ours) {
            iso_sv_list_remove(&instance->run_node);
        }
        uv_mutex_unlock(&core->lock);
    }
    if (ours) {
        iso_sv_instance_set_state(instance, ISO_SV_ON_THREAD);
        return true;
    }
    instance->stop = outcome;
    instance->stop_set = true;
    if (instance->store != NULL) {
        iso_store_interrupt(instance->store);
    }
    return false;
}

/* The instance was seized: its call ends. */
void iso_sv_instance_end(struct iso_sv_instance *instance, enum iso_sv_outcome outcome)
{
    iso_sv_wait_give_up(instance);
    iso_sv_instance_drop(instance);
    iso_sv_instance_fail(instance, outcome);
    iso_sv_instance_done(instance);
}

void iso_sv_call_expire(struct iso_sv_call *call)
{
    struct iso_sv_call_state *state = call->state;
    struct iso_sv_component *component = state->component;
    struct iso_sv_instance *instance = NULL;
    bool queued = false, ours = false;
    if (component == NULL) {
        return; /* over, and about to be used again */
    }
    uv_mutex_lock(&component->lock);
    if (uv_hrtime() >= state->deadline_ns && !iso_sv_component_stands_still(component)) {
        instance = state->instance;
        queued = state->queued;
        if (queued) {
            iso_sv_list_remove(&state->node);
            component->queued--;
            state->queued = false;
            iso_sv_call_fail(call, ISO_SV_LIMIT, "time: more than %llu ms, all of it in the queue",
                             (unsigned long long)(component->limits.time_ns / 1000000));
            iso_sv_component_count(component, call);
            iso_sv_component_settle(component);
        } else if (instance != NULL) {
            ours = iso_sv_instance_seize(instance, ISO_SV_LIMIT);
        }
    }
    uv_mutex_unlock(&component->lock);
    if (queued) {
        iso_sv_call_ended(call);
    } else if (ours) {
        iso_sv_instance_end(instance, ISO_SV_LIMIT);
    }
}
