/*
 * instance_link.c - calls through links to components on this device.
 *
 * The callee's instance runs on the caller's thread, inside the caller's host function, with values
 * and nothing encoded, when it is idle. When it is busy, or is suspended before it is done, the
 * caller is suspended, too: the call goes on without it, and its end makes the caller runnable.
 */
#include "supervisor/core_state.h"

/* ---- The call -------------------------------------------------------------------------------- */

/* The structure that the instance keeps for such calls, or a new one: the last may still be under
 * way for somebody who has given it up. */
static struct iso_sv_call *take_sub(struct iso_sv_instance *instance)
{
    struct iso_sv_call *sub = instance->sub;
    if (sub != NULL && atomic_load_explicit(&sub->state->refs, memory_order_acquire) != 1) {
        iso_sv_call_unref(sub);
        sub = NULL;
    }
    if (sub == NULL) {
        sub = iso_sv_call_create(instance->component->core);
        instance->sub = sub;
    } else {
        iso_sv_call_clean(sub);
    }
    return sub;
}

/* target: a reference, taken over. */
static enum iso_err fill(struct iso_sv_call *sub, struct iso_sv_instance *instance,
                         struct iso_sv_component *target, uint32_t callee,
                         const struct iso_value *args, uint64_t sequence)
{
    struct iso_sv_call_state *state = sub->state;
    state->kind = ISO_SV_CALL_LINK;
    state->component = target;
    state->index = callee;
    state->parent = instance->call;
    iso_sv_call_ref(instance->call);
    state->waiter = instance;
    state->waiter_component = instance->component;
    iso_sv_component_ref(instance->component);
    state->ended = false;
    state->timed = false;
    state->here = true;
    sub->epoch = 0;
    sub->outcome = ISO_SV_DONE;
    sub->fuel_used = 0;
    sub->run_ns = 0;
    iso_report_init(&sub->report);
    memcpy(sub->id.caller, instance->component->full_name, sizeof sub->id.caller);
    sub->id.sequence = sequence;
    uint32_t count = target->program->funcs[callee].func->param_count;
    enum iso_err err = iso_sv_call_make_args(sub, count);
    if (err == ISO_OK) {
        iso_memory_copy(state->args, args, count * sizeof *args);
        state->args_borrowed = count != 0;
    }
    iso_sv_call_set_deadline(sub);
    return err;
}

/* ---- Figures --------------------------------------------------------------------------------- */

/* Values are passed as they are; weighing them would cost more than many a call. So the first of
 * every so many is. */
enum { WEIGHED = 64 };

static void count_call(const struct iso_sv_import *import, const struct iso_value *args)
{
    struct iso_sv_import_link *link = import->link;
    if (atomic_fetch_add_explicit(&link->calls, 1, memory_order_relaxed) % WEIGHED != 0) {
        return;
    }
    uint64_t weight = 0;
    for (uint32_t i = 0; i < import->func->param_count; i++) {
        weight += iso_value_weight(import->func->params[i].type, &args[i]);
    }
    (void)atomic_fetch_add_explicit(&link->bytes_out, weight, memory_order_relaxed);
}

static void count_answer(const struct iso_sv_import *import, const struct iso_value *result)
{
    struct iso_sv_import_link *link = import->link;
    if (atomic_fetch_add_explicit(&link->answers, 1, memory_order_relaxed) % WEIGHED == 0 &&
        import->func->result != NULL) {
        (void)atomic_fetch_add_explicit(
            &link->bytes_in, iso_value_weight(import->func->result, result), memory_order_relaxed);
    }
}

/* bytes: of the calls that were weighed, of `calls`. */
static uint64_t estimate(uint64_t bytes, uint64_t calls)
{
    const uint64_t weighed = (calls + WEIGHED - 1) / WEIGHED;
    return weighed == 0 ? 0 : (uint64_t)((double)bytes / (double)weighed * (double)calls);
}

uint32_t iso_sv_component_link_count(const struct iso_sv_component *component)
{
    return component->link_count;
}

bool iso_sv_component_link_stats_get(const struct iso_sv_component *component, uint32_t index,
                                     struct iso_sv_link_stats *out)
{
    struct iso_sv_component *c = (struct iso_sv_component *)(uintptr_t)component;
    if (index >= c->link_count) {
        return false;
    }
    struct iso_sv_import_link *link = &c->links[index];
    uv_mutex_lock(&c->lock);
    const struct iso_sv_component *target = link->link.local;
    uv_mutex_unlock(&c->lock);
    const uint64_t calls = atomic_load(&link->calls);
    *out = (struct iso_sv_link_stats){
        .interface = link->name,
        .target = target,
        .calls = calls,
        .bytes_out = estimate(atomic_load(&link->bytes_out), calls),
        .bytes_in = estimate(atomic_load(&link->bytes_in), atomic_load(&link->answers))};
    return target != NULL;
}

/* ---- Ends ------------------------------------------------------------------------------------ */

static enum iso_host_result answer(const struct iso_sv_import *import, struct iso_host_call *host,
                                   const struct iso_sv_call *sub, struct iso_value *result)
{
    if (sub->outcome == ISO_SV_DONE || sub->outcome == ISO_SV_ERROR) {
        *result = sub->state->result;
        count_answer(import, result);
        return ISO_HOST_DONE;
    }
    iso_sv_link_trap(import, host, sub);
    return ISO_HOST_TRAP;
}

void iso_sv_link_trap(const struct iso_sv_import *import, struct iso_host_call *host,
                      const struct iso_sv_call *call)
{
    iso_host_trap(host, "link \"%.*s\", %.*s: %s: %s", (int)import->desc.module.len,
                  import->desc.module.ptr, (int)import->desc.name.len, import->desc.name.ptr,
                  iso_sv_outcome_name(call->outcome), call->report.text);
}

void iso_sv_link_ended(struct iso_sv_call *call)
{
    struct iso_sv_call_state *state = call->state;
    if (!state->here) {
        struct iso_sv_component *component = state->waiter_component;
        uv_mutex_lock(&component->lock);
        state->ended = true;
        if (state->waiter != NULL) {
            iso_sv_instance_wake_locked(state->waiter);
        }
        uv_mutex_unlock(&component->lock);
    }
    iso_sv_call_unref(call);
}

void iso_sv_link_forget(struct iso_sv_instance *instance)
{
    struct iso_sv_call *sub = instance->sub;
    iso_sv_remote_forget(instance);
    instance->sub_waits = false;
    if (sub == NULL) {
        return;
    }
    uv_mutex_lock(&instance->component->lock);
    sub->state->waiter = NULL;
    uv_mutex_unlock(&instance->component->lock);
    if (atomic_load_explicit(&sub->state->refs, memory_order_acquire) == 1) {
        iso_sv_call_clean(sub);
    } else {
        instance->sub = NULL;
        iso_sv_call_unref(sub);
    }
}

/* ---- Going there ----------------------------------------------------------------------------- */

/* Run the callee on this thread. True: it has ended. */
static bool run_callee(struct iso_sv_instance *caller, struct iso_sv_instance *callee)
{
    struct iso_sv_thread *thread = caller->thread;
    iso_sv_instance_charge(caller);
    bool ended = iso_sv_instance_run(thread, callee);
    iso_sv_instance_fuel(caller);
    return ended;
}

static enum iso_host_result begin(struct iso_sv_import *import, struct iso_sv_instance *instance,
                                  struct iso_host_call *host, struct iso_sv_call *sub,
                                  struct iso_value *result)
{
    struct iso_sv_call_state *state = sub->state;
    struct iso_sv_instance *callee = NULL;
    iso_sv_call_ref(sub); /* the system's, until it has ended */
    bool taken =
        iso_sv_call_check_chain(sub, state->component) && iso_sv_call_dispatch(sub, true, &callee);
    if (taken && callee == NULL && state->args_borrowed) {
        taken = iso_sv_call_own_args(sub) == ISO_OK;
        if (!taken) {
            iso_sv_call_fail(sub, ISO_SV_LIMIT, "size: the arguments are too large");
        }
        state->here = false;
        taken = taken && iso_sv_call_dispatch(sub, false, &callee);
    }
    if (!taken) {
        iso_sv_call_unref(sub);
        return answer(import, host, sub, result);
    }
    if (callee != NULL && run_callee(instance, callee)) {
        return answer(import, host, sub, result);
    }
    instance->wait = ISO_SV_WAIT_LINK;
    return ISO_HOST_PENDING;
}

enum iso_host_result iso_sv_link_enter(struct iso_sv_import *import,
                                       struct iso_sv_instance *instance, struct iso_host_call *host,
                                       const struct iso_value *args, struct iso_arena *arena,
                                       struct iso_value *result)
{
    struct iso_sv_component *component = instance->component;
    struct iso_sv_call *sub = instance->sub;
    bool waits = false, ended = false;
    struct iso_sv_link link;
    if (host->deadline == 0) {
        host->deadline = atomic_fetch_add(&component->sequence, 1) + 1;
    }
    uv_mutex_lock(&component->lock);
    if (sub != NULL && instance->sub_waits) {
        waits = true;
        ended = sub->state->ended;
    }
    link = import->link->link;
    uint32_t callee = import->callee;
    if (link.local != NULL) {
        iso_sv_component_ref(link.local);
    }
    uv_mutex_unlock(&component->lock);
    if (waits || instance->op != NULL || link.local == NULL) {
        iso_sv_component_unref(link.local);
    }
    if (waits) {
        instance->wait = ISO_SV_WAIT_LINK;
        instance->sub_waits = !ended;
        return ended ? answer(import, host, sub, result) : ISO_HOST_PENDING;
    }
    if (instance->op != NULL || link.local == NULL) {
        return iso_sv_remote_enter(import, &link, instance, host, args, arena, result);
    }
    sub = take_sub(instance);
    if (sub == NULL) {
        iso_sv_component_unref(link.local);
        iso_host_trap(host, "no memory for a call through a link");
        return ISO_HOST_TRAP;
    }
    if (fill(sub, instance, link.local, callee, args, host->deadline) != ISO_OK) {
        iso_host_trap(host, "the arguments of a call through a link are too large");
        return ISO_HOST_TRAP;
    }
    count_call(import, args);
    enum iso_host_result done = begin(import, instance, host, sub, result);
    instance->sub_waits = done == ISO_HOST_PENDING;
    return done;
}
