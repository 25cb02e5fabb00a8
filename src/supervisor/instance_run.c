/*
 * instance_run.c - slices: an instance goes on with its call until that ends, has to wait, or the
 * slice is over.
 */
#include "supervisor/core_state.h"

enum step { STEP_AGAIN, STEP_YIELD, STEP_WAIT, STEP_END };

/* ---- Fuel ------------------------------------------------------------------------------------ */

static uint64_t fuel_of_call(const struct iso_sv_instance *instance)
{
    const struct iso_sv_call *call = instance->call;
    uint64_t limit = instance->component->limits.fuel;
    if (limit == ISO_FUEL_UNLIMITED || call->state->kind == ISO_SV_CALL_SETUP) {
        return UINT64_MAX;
    }
    return limit > call->fuel_used ? limit - call->fuel_used : 0;
}

void iso_sv_instance_fuel(struct iso_sv_instance *instance)
{
    uint64_t slice = instance->thread->fuel_left, call = fuel_of_call(instance);
    iso_store_set_fuel(instance->store, slice < call ? slice : call);
    instance->fuel_mark = iso_store_fuel_used(instance->store);
}

void iso_sv_instance_charge(struct iso_sv_instance *instance)
{
    struct iso_sv_thread *thread = instance->thread;
    uint64_t now = iso_store_fuel_used(instance->store), used = now - instance->fuel_mark;
    instance->fuel_mark = now;
    instance->call->fuel_used += used;
    thread->fuel_left -= used < thread->fuel_left ? used : thread->fuel_left;
}

/* ---- Ends of runs ---------------------------------------------------------------------------- */

static enum step end_with(struct iso_sv_instance *instance, enum iso_sv_outcome outcome)
{
    instance->call->outcome = outcome;
    return STEP_END;
}

/* Whether what is reported is that a function did not fit the code memory. */
static bool is_code(const struct iso_sv_instance *instance)
{
    const struct iso_trap *trap = instance->store != NULL ? iso_store_trap(instance->store) : NULL;
    return trap != NULL && trap->kind == ISO_TRAP_CODE &&
           strstr(instance->call->report.text, trap->message) != NULL;
}

/* By which option there is more of it. */
static enum step end_code(struct iso_sv_instance *instance)
{
    struct iso_sv_call *call = instance->call;
    const struct iso_report report = call->report;
    iso_report_init(&call->report);
    iso_sv_call_fail(call, ISO_SV_LIMIT, "%s; the supervisor's --code-memory gives more",
                     report.text);
    return STEP_END;
}

static enum step end_trap(struct iso_sv_instance *instance)
{
    struct iso_sv_call *call = instance->call;
    const struct iso_trap *trap = iso_store_trap(instance->store);
    instance->broken = true;
    if (iso_store_state(instance->store) == ISO_RUN_TRAPPED && trap->kind != ISO_TRAP_NONE) {
        iso_report_set(&call->report, "%s", trap->message);
        if (trap->kind != ISO_TRAP_EXIT) {
            iso_sv_instance_tell_trap(instance, trap);
        }
        if (is_code(instance)) {
            return end_code(instance);
        }
    }
    return end_with(instance, ISO_SV_TRAP);
}

static enum step end_command(struct iso_sv_instance *instance, uint32_t status)
{
    enum iso_err err = iso_sv_command_result(instance, status);
    if (err == ISO_OK) {
        err = iso_sv_call_encode(instance->call);
    }
    if (err != ISO_OK) {
        iso_sv_call_fail(instance->call, ISO_SV_LIMIT, "size: the program's output is too large");
    }
    return STEP_END;
}

static enum step out_of_fuel(struct iso_sv_instance *instance)
{
    if (fuel_of_call(instance) != 0) {
        return STEP_YIELD;
    }
    instance->broken = true;
    iso_sv_call_fail(instance->call, ISO_SV_LIMIT, "fuel: more than %llu instructions",
                     (unsigned long long)instance->component->limits.fuel);
    return STEP_END;
}

/* The store is suspended: why? */
static enum step suspended(struct iso_sv_instance *instance)
{
    switch (iso_store_state(instance->store)) {
    case ISO_RUN_PENDING:
        if (instance->wait == ISO_SV_WAIT_NONE) {
            instance->wait = ISO_SV_WAIT_WASI;
        }
        return STEP_WAIT;
    case ISO_RUN_OUT_OF_FUEL:
        return out_of_fuel(instance);
    default:
        return STEP_YIELD;
    }
}

/* ---- Steps ----------------------------------------------------------------------------------- */

/* What went wrong outside the module's code. */
static enum step failed(struct iso_sv_instance *instance, enum iso_err err)
{
    struct iso_sv_call *call = instance->call;
    iso_buf_fini(&call->reply); /* the beginning of a result that could not be written */
    switch (err) {
    case ISO_E_TRAP:
        return end_trap(instance);
    case ISO_E_ARGUMENT:
    case ISO_E_MALFORMED:
        return end_with(instance, ISO_SV_ARGUMENT);
    case ISO_E_NOMEM:
        iso_report_set(&call->report,
                       "size: arguments or result need more than %llu bytes, or "
                       "this device has no more memory",
                       (unsigned long long)instance->component->limits.result_bytes);
        return end_with(instance, ISO_SV_LIMIT);
    case ISO_E_LIMIT:
        if (is_code(instance)) {
            return end_code(instance);
        }
        iso_report_set(&call->report, "%s", iso_err_text(err));
        return end_with(instance, ISO_SV_LIMIT);
    default:
        iso_report_set(&call->report, "%s", iso_err_text(err));
        instance->broken = true;
        return end_with(instance, ISO_SV_TRAP);
    }
}

static enum step make(struct iso_sv_instance *instance)
{
    enum iso_err err = iso_sv_instance_make(instance, &instance->call->report);
    if (instance->store != NULL) {
        iso_sv_instance_charge(instance);
    }
    if (err == ISO_OK) {
        return STEP_AGAIN;
    }
    if (err == ISO_E_PENDING) {
        return suspended(instance);
    }
    bool own_args = instance->component->program->is_command && instance->wasi == NULL;
    instance->broken = true;
    if ((err == ISO_E_ARGUMENT || err == ISO_E_MALFORMED) && !own_args) {
        err = ISO_E_INVALID; /* it is not the caller's */
    }
    return failed(instance, err);
}

/* The start function, _initialize or _start. */
static enum step run_core(struct iso_sv_instance *instance)
{
    iso_sv_instance_fuel(instance);
    iso_sv_pace_enter(instance->thread, instance->store);
    enum iso_run_state state = iso_run(instance->store);
    iso_sv_pace_leave(instance->thread);
    iso_sv_instance_charge(instance);
    if (state == ISO_RUN_TRAPPED) {
        const struct iso_trap *trap = iso_store_trap(instance->store);
        if (instance->phase == ISO_SV_PHASE_CALLING && trap->kind == ISO_TRAP_EXIT) {
            return end_command(instance, trap->exit_status);
        }
        return end_trap(instance);
    }
    if (state != ISO_RUN_DONE) {
        return suspended(instance);
    }
    if (instance->phase == ISO_SV_PHASE_CALLING) {
        return end_command(instance, 0);
    }
    if (instance->phase == ISO_SV_PHASE_STARTING) {
        enum iso_err err = iso_sv_instance_started(instance);
        return err == ISO_OK ? STEP_AGAIN : failed(instance, err);
    }
    instance->phase = ISO_SV_PHASE_READY;
    return STEP_AGAIN;
}

static enum step after_binding(struct iso_sv_instance *instance, enum iso_err err)
{
    iso_sv_instance_charge(instance);
    if (err == ISO_E_PENDING) {
        return suspended(instance);
    }
    instance->phase = ISO_SV_PHASE_READY;
    if (err == ISO_OK) {
        err = iso_sv_call_encode(instance->call);
        if (err == ISO_OK) {
            return STEP_END;
        }
    }
    return failed(instance, err);
}

enum iso_err iso_sv_instance_bind(struct iso_sv_instance *instance)
{
    const struct iso_sv_program *program = instance->component->program;
    uint32_t index = instance->call->state->index;
    if (instance->bindings == NULL) {
        instance->bindings =
            iso_alloc_array(&instance->component->core->alloc, program->func_count, sizeof(void *));
        if (instance->bindings == NULL) {
            return ISO_E_NOMEM;
        }
    }
    instance->binding = instance->bindings[index];
    if (instance->binding != NULL) {
        return ISO_OK;
    }
    const struct iso_sv_func *func = &program->funcs[index];
    enum iso_err err =
        iso_binding_create(instance->instance, program->abi, func->interface, func->func,
                           &instance->bindings[index], &instance->call->report);
    instance->binding = instance->bindings[index];
    return err;
}

static enum step begin(struct iso_sv_instance *instance)
{
    struct iso_sv_call_state *state = instance->call->state;
    if (state->kind == ISO_SV_CALL_SETUP) {
        return end_with(instance, ISO_SV_DONE);
    }
    if (instance->component->program->is_command) {
        struct iso_func *start = iso_instance_export_func(instance->instance, "_start");
        enum iso_err err = iso_start(instance->store, start, NULL);
        if (err != ISO_OK) {
            return failed(instance, iso_sv_instance_not_started(instance, err));
        }
        instance->phase = ISO_SV_PHASE_CALLING;
        return STEP_AGAIN;
    }
    enum iso_err err = iso_sv_instance_bind(instance);
    if (err != ISO_OK) {
        return failed(instance, err);
    }
    instance->phase = ISO_SV_PHASE_CALLING;
    iso_sv_instance_fuel(instance);
    iso_sv_pace_enter(instance->thread, instance->store);
    err = iso_binding_call(instance->binding, state->args, &state->arena, &state->result,
                           &instance->call->report);
    iso_sv_pace_leave(instance->thread);
    return after_binding(instance, err);
}

static enum step go_on(struct iso_sv_instance *instance)
{
    struct iso_sv_call_state *state = instance->call->state;
    if (instance->component->program->is_command) {
        return run_core(instance);
    }
    iso_sv_instance_fuel(instance);
    iso_sv_pace_enter(instance->thread, instance->store);
    enum iso_err err = iso_binding_continue(instance->binding, &state->arena, &state->result,
                                            &instance->call->report);
    iso_sv_pace_leave(instance->thread);
    return after_binding(instance, err);
}

static enum step step(struct iso_sv_instance *instance)
{
    struct iso_sv_call_state *state = instance->call->state;
    if (state->kind == ISO_SV_CALL_OUTSIDE && state->args == NULL &&
        instance->phase != ISO_SV_PHASE_CALLING) {
        enum iso_err err = iso_sv_call_decode(instance->call);
        if (err != ISO_OK) {
            return failed(instance, err);
        }
    }
    switch (instance->phase) {
    case ISO_SV_PHASE_NEW:
        return make(instance);
    case ISO_SV_PHASE_STARTING:
    case ISO_SV_PHASE_INITIALIZING:
        return run_core(instance);
    case ISO_SV_PHASE_READY:
        return begin(instance);
    case ISO_SV_PHASE_CALLING:
        return go_on(instance);
    }
    return failed(instance, ISO_E_STATE);
}

/* ---- After a slice --------------------------------------------------------------------------- */

void iso_sv_instance_drop(struct iso_sv_instance *instance)
{
    if (instance->store == NULL) {
        return;
    }
    instance->broken = true;
    if (instance->phase == ISO_SV_PHASE_CALLING && instance->binding != NULL) {
        iso_binding_drop(instance->binding);
    } else if (instance->phase != ISO_SV_PHASE_READY) {
        iso_drop(instance->store);
    }
}

void iso_sv_instance_fail(struct iso_sv_instance *instance, enum iso_sv_outcome outcome)
{
    const struct iso_sv_component *component = instance->component;
    if (outcome == ISO_SV_LIMIT) {
        iso_sv_call_fail(instance->call, outcome, "time: more than %llu ms",
                         (unsigned long long)(component->limits.time_ns / 1000000));
    } else {
        iso_sv_call_fail(instance->call, outcome, "%s was stopped", component->full_name);
    }
}

/* It goes on later; false: it does not, its call is to end. */
static bool publish(struct iso_sv_instance *instance, enum step why, uint64_t now)
{
    struct iso_sv_component *component = instance->component;
    struct iso_sv_call_state *state = instance->call->state;
    bool inlined = instance->thread->is_loop;
    if (state->args_borrowed && iso_sv_call_own_args(instance->call) != ISO_OK) {
        iso_sv_call_fail(instance->call, ISO_SV_LIMIT, "size: the arguments are too large");
        return false;
    }
    uv_mutex_lock(&component->lock);
    if (instance->stop_set || now >= state->deadline_ns) {
        enum iso_sv_outcome outcome = instance->stop_set ? instance->stop : ISO_SV_LIMIT;
        uv_mutex_unlock(&component->lock);
        iso_sv_instance_fail(instance, outcome);
        return false;
    }
    state->here = false;
    instance->thread = NULL;
    iso_sv_instance_count_memory(
        instance, instance->store != NULL ? iso_store_memory_bytes(instance->store) : 0);
    if (!state->timed && !iso_sv_component_stands_still(component)) {
        iso_sv_call_set_timer(instance->call);
    }
    if (why == STEP_YIELD) {
        iso_sv_instance_set_runnable(instance, inlined);
    } else if (instance->wake) {
        iso_sv_instance_set_runnable(instance, true);
    } else {
        iso_sv_instance_set_state(instance, ISO_SV_WAITING);
        iso_sv_wait_begin(instance);
    }
    instance->wake = false;
    iso_sv_component_settle(component);
    uv_mutex_unlock(&component->lock);
    return true;
}

bool iso_sv_instance_take(struct iso_sv_instance *instance)
{
    struct iso_sv_component *component = instance->component;
    bool taken = false;
    uv_mutex_lock(&component->lock);
    if (iso_sv_component_stands_still(component)) {
        iso_sv_instance_set_state(instance, ISO_SV_PARKED);
        iso_sv_component_settle(component);
    } else {
        iso_sv_instance_set_state(instance, ISO_SV_ON_THREAD);
        taken = true;
    }
    uv_mutex_unlock(&component->lock);
    return taken;
}

bool iso_sv_instance_run(struct iso_sv_thread *thread, struct iso_sv_instance *instance)
{
    struct iso_sv_call *call = instance->call;
    uint64_t start = uv_hrtime(), outer_ns = thread->wasm_ns;
    enum step why = STEP_AGAIN;
    instance->thread = thread;
    instance->wait = ISO_SV_WAIT_NONE;
    thread->wasm_ns = 0;
    while (why == STEP_AGAIN) {
        why = step(instance);
    }
    uint64_t now = uv_hrtime(), elapsed = now - start;
    call->run_ns += elapsed > thread->wasm_ns ? elapsed - thread->wasm_ns : 0;
    thread->wasm_ns = outer_ns + elapsed;
    thread->yielded = why == STEP_YIELD;
    if (why != STEP_END) {
        if (publish(instance, why, now)) {
            return false;
        }
        iso_sv_wait_give_up(instance);
        iso_sv_instance_drop(instance);
    }
    iso_sv_instance_done(instance);
    return true;
}
