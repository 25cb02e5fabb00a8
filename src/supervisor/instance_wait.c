/*
 * instance_wait.c - instances that wait: for an operation of a device interface, a time, a link, or
 * (WASI) a descriptor. A waiting instance holds no thread.
 */
#include "supervisor/core_state.h"

/* Instances that have used little time for their call go before those that compute. */
#define SHORT_NS UINT64_C(4000000)

/* ---- Waking ---------------------------------------------------------------------------------- */

void iso_sv_instance_wake_locked(struct iso_sv_instance *instance)
{
    if (instance->state == ISO_SV_WAITING) {
        iso_sv_instance_set_runnable(instance, instance->call->run_ns < SHORT_NS);
    } else if (instance->state == ISO_SV_ON_THREAD) {
        instance->wake = true;
    }
}

void iso_sv_instance_wake(struct iso_sv_instance *instance)
{
    uv_mutex_lock(&instance->component->lock);
    iso_sv_instance_wake_locked(instance);
    uv_mutex_unlock(&instance->component->lock);
}

static void on_timer(struct iso_sv_timer *timer)
{
    struct iso_sv_instance *instance = ISO_SV_OWNER(timer, struct iso_sv_instance, timer);
    iso_sv_poll_end(instance);
    iso_sv_instance_wake(instance);
}

/* ---- Beginning ------------------------------------------------------------------------------- */

static void begin_on_loop(struct iso_sv_note *note)
{
    struct iso_sv_instance *instance = ISO_SV_OWNER(note, struct iso_sv_instance, op_note);
    struct iso_sv_component *component = instance->component;
    struct iso_sv_op *op = NULL;
    uv_mutex_lock(&component->lock);
    if (instance->wait == ISO_SV_WAIT_OP && !instance->op_state.started) {
        instance->op_state.started = true;
        op = instance->op;
    }
    bool poll = instance->wait == ISO_SV_WAIT_WASI && instance->state == ISO_SV_WAITING;
    uv_mutex_unlock(&component->lock);
    if (op != NULL) {
        op->start(op);
    } else if (poll) {
        iso_sv_poll_begin(instance);
    }
}

void iso_sv_instance_init_waits(struct iso_sv_instance *instance)
{
    instance->op_note.deliver = begin_on_loop;
    instance->timer.fire = on_timer;
}

void iso_sv_wait_begin(struct iso_sv_instance *instance)
{
    struct iso_sv_core *core = instance->component->core;
    switch (instance->wait) {
    case ISO_SV_WAIT_OP:
    case ISO_SV_WAIT_WASI:
        iso_sv_note_post(core, &instance->op_note);
        break;
    case ISO_SV_WAIT_TIME:
        if (!iso_sv_timer_set(core, &instance->timer, instance->wake_at_ns)) {
            iso_sv_instance_wake_locked(
                instance); /* it asks again, until there is memory for a timer */
        }
        break;
    case ISO_SV_WAIT_LINK:
    case ISO_SV_WAIT_NONE:
        break;
    }
}

/* ---- Operations ------------------------------------------------------------------------------ */

struct iso_sv_op *iso_sv_guest_op(struct iso_sv_guest *guest)
{
    struct iso_sv_instance *instance = iso_sv_instance_of(guest);
    return instance->op != NULL && instance->op_state.finished ? instance->op : NULL;
}

enum iso_host_result iso_sv_guest_wait(struct iso_sv_guest *guest, struct iso_sv_op *op)
{
    struct iso_sv_instance *instance = iso_sv_instance_of(guest);
    ISO_ASSERT(instance->op == NULL);
    instance->op = op;
    instance->op_state =
        (struct iso_sv_op_state){.instance = instance, .started = false, .finished = false};
    op->state = &instance->op_state;
    instance->wait = ISO_SV_WAIT_OP;
    return ISO_HOST_PENDING;
}

void iso_sv_guest_op_done(struct iso_sv_guest *guest)
{
    struct iso_sv_instance *instance = iso_sv_instance_of(guest);
    struct iso_sv_op *op = instance->op;
    instance->op = NULL;
    if (op != NULL && op->destroy != NULL) {
        op->destroy(op);
    }
}

enum iso_host_result iso_sv_guest_sleep(struct iso_sv_guest *guest, uint64_t at_ns)
{
    struct iso_sv_instance *instance = iso_sv_instance_of(guest);
    instance->wait = ISO_SV_WAIT_TIME;
    instance->wake_at_ns = at_ns;
    return ISO_HOST_PENDING;
}

void iso_sv_op_finish(struct iso_sv_op *op)
{
    struct iso_sv_instance *instance = op->state->instance;
    uv_mutex_lock(&instance->component->lock);
    op->state->finished = true;
    iso_sv_instance_wake_locked(instance);
    uv_mutex_unlock(&instance->component->lock);
}

void iso_sv_wait_give_up(struct iso_sv_instance *instance)
{
    struct iso_sv_core *core = instance->component->core;
    struct iso_sv_op *op = instance->op;
    iso_sv_note_cancel(core, &instance->op_note);
    iso_sv_timer_clear(core, &instance->timer);
    iso_sv_poll_end(instance);
    instance->wait = ISO_SV_WAIT_NONE;
    if (op == NULL) {
        return;
    }
    if (instance->op_state.started && !instance->op_state.finished && op->cancel != NULL) {
        op->cancel(op);
    }
    iso_sv_guest_op_done(&instance->guest);
}
