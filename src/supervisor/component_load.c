/*
 * component_load.c - a component's state from bytes, which are hostile:
 * docs/internals/supervisor-core.md, "Component snapshots".
 */
#include "supervisor/component_snapshot.h"

struct loader {
    struct iso_sv_component *component;
    const uint8_t *at;
    const uint8_t *end;
    iso_sv_adopt_fn adopt;
    void *ctx;
    struct iso_report *report;
    enum iso_err err;
};

static void fail(struct loader *l, enum iso_err err, const char *what)
{
    if (l->err == ISO_OK) {
        l->err = err;
        iso_report_set(l->report, "the snapshot of %s: %s", l->component->full_name, what);
    }
}

/* ---- Reading --------------------------------------------------------------------------------- */

static const uint8_t *take(struct loader *l, uint64_t len)
{
    if (l->err == ISO_OK && len > (uint64_t)(l->end - l->at)) {
        fail(l, ISO_E_SNAPSHOT, "it is cut off");
    }
    if (l->err != ISO_OK) {
        return NULL;
    }
    const uint8_t *bytes = l->at;
    l->at += len;
    return bytes;
}

static uint8_t get_u8(struct loader *l)
{
    const uint8_t *bytes = take(l, 1);
    return bytes != NULL ? bytes[0] : 0;
}

static uint32_t get_u32(struct loader *l)
{
    const uint8_t *bytes = take(l, 4);
    return bytes != NULL ? iso_load_u32le(bytes) : 0;
}

static uint64_t get_u64(struct loader *l)
{
    const uint8_t *bytes = take(l, 8);
    return bytes != NULL ? iso_load_u64le(bytes) : 0;
}

static struct iso_bytes get_bytes(struct loader *l)
{
    uint64_t len = get_u64(l);
    const uint8_t *bytes = take(l, len);
    return iso_bytes_from(bytes, bytes != NULL ? (size_t)len : 0);
}

static struct iso_str get_text(struct loader *l, size_t max)
{
    struct iso_bytes bytes = get_bytes(l);
    struct iso_str text = iso_str_from((const char *)bytes.ptr, bytes.len);
    if (l->err == ISO_OK &&
        (text.len > max || (text.len != 0 && memchr(text.ptr, 0, text.len) != NULL))) {
        fail(l, ISO_E_SNAPSHOT, "a name in it is none");
        text.len = 0;
    }
    return text;
}

/* ---- Calls ----------------------------------------------------------------------------------- */

static void get_encodings(struct loader *l, struct iso_sv_call *call)
{
    uint8_t in = get_u8(l), out = get_u8(l);
    if (in > ISO_SV_RAW || out > ISO_SV_RAW) {
        fail(l, ISO_E_SNAPSHOT, "an encoding in it is not known");
        return;
    }
    call->encoding = (enum iso_sv_encoding)in;
    call->reply_encoding = (enum iso_sv_encoding)out;
}

/* They were written innermost first. */
static void get_chain(struct loader *l, struct iso_sv_call *call)
{
    struct iso_str names[ISO_SV_CHAIN_MAX];
    uint32_t count = get_u32(l);
    if (count > ISO_SV_CHAIN_MAX) {
        fail(l, ISO_E_SNAPSHOT, "a call in it has too many callers");
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        names[i] = get_text(l, sizeof *call->chain - 1);
    }
    while (l->err == ISO_OK && count > 0) {
        l->err = iso_sv_call_add_caller(call, names[--count]);
    }
}

static void fill_call(struct loader *l, struct iso_sv_call *call)
{
    struct iso_sv_component *component = l->component;
    struct iso_sv_call_state *state = call->state;
    struct iso_str function = get_text(l, 4096);
    struct iso_str caller = get_text(l, sizeof call->id.caller - 1);
    uint32_t index = 0;
    if (l->err == ISO_OK && !iso_sv_program_func_find(component->program, function, &index)) {
        fail(l, ISO_E_SNAPSHOT, "it calls a function that there is not");
        return;
    }
    state->index = index;
    iso_memory_copy(call->id.caller, caller.ptr, caller.len);
    call->id.caller[caller.len] = '\0';
    call->id.sequence = get_u64(l);
    get_encodings(l, call);
    state->left_ns = get_u64(l);
    if (state->left_ns > component->limits.time_ns) {
        state->left_ns = component->limits.time_ns;
    }
    call->fuel_used = get_u64(l);
    call->run_ns = get_u64(l);
    state->started_ns = uv_hrtime();
    state->begun_ns = state->started_ns;
    get_chain(l, call);
    struct iso_bytes body = get_bytes(l);
    if (l->err == ISO_OK && body.len > component->limits.result_bytes) {
        fail(l, ISO_E_LIMIT, "the arguments of a call in it are larger than allowed here");
    }
    if (l->err == ISO_OK) {
        l->err = iso_sv_call_set_body(call, body);
    }
}

/* NULL after a failure. */
static struct iso_sv_call *get_call(struct loader *l)
{
    struct iso_sv_component *component = l->component;
    struct iso_sv_call *call = l->err == ISO_OK ? iso_sv_call_create(component->core) : NULL;
    if (call == NULL) {
        fail(l, ISO_E_NOMEM, "memory is short");
        return NULL;
    }
    iso_sv_component_ref(component);
    call->state->component = component;
    fill_call(l, call);
    if (l->err != ISO_OK) {
        iso_sv_call_destroy(call);
        return NULL;
    }
    return call;
}

/* ---- Instances ------------------------------------------------------------------------------- */

static bool is_under_way(enum iso_run_state state)
{
    return state == ISO_RUN_READY || state == ISO_RUN_PENDING || state == ISO_RUN_OUT_OF_FUEL ||
           state == ISO_RUN_INTERRUPTED;
}

/* Does the store do what the phase says that the instance does? */
static bool is_in_phase(const struct iso_sv_instance *instance)
{
    const struct iso_store *store = instance->store;
    bool busy = is_under_way(iso_store_state(store));
    struct iso_instance *module = instance->instance;
    switch (instance->phase) {
    case ISO_SV_PHASE_STARTING:
        return busy && instance->call != NULL;
    case ISO_SV_PHASE_INITIALIZING:
        return busy && instance->call != NULL &&
               iso_store_func(store) == iso_instance_export_func(module, "_initialize");
    case ISO_SV_PHASE_CALLING:
        return busy && instance->call != NULL &&
               (!instance->component->program->is_command ||
                iso_store_func(store) == iso_instance_export_func(module, "_start"));
    default:
        return !busy;
    }
}

static void restore_store(struct loader *l, struct iso_sv_instance *instance,
                          struct iso_bytes snapshot)
{
    struct iso_module *module = l->component->program->module;
    struct iso_snapshot_section section;
    size_t count = 0;
    enum iso_err err = iso_sv_instance_make_empty(instance, l->report);
    if (err == ISO_OK && instance->wasi != NULL) {
        section = iso_wasi_section(instance->wasi);
        count = 1;
    }
    if (err == ISO_OK) {
        err = iso_snapshot_restore(instance->store, snapshot, &module, 1, &section, count,
                                   &instance->instance, 1, l->report);
    }
    if (err == ISO_OK && instance->instance == NULL) {
        err = iso_fail(l->report, ISO_E_SNAPSHOT, "the snapshot has no instance in it");
    }
    if (err != ISO_OK) {
        fail(l, err, "an instance cannot be restored");
    }
}

static void restore_binding(struct loader *l, struct iso_sv_instance *instance,
                            struct iso_bytes bytes)
{
    struct iso_sv_call *call = instance->call;
    enum iso_err err = iso_sv_instance_bind(instance);
    if (err == ISO_OK) {
        err = iso_sv_call_make_args(call, 0);
    }
    if (err == ISO_OK) {
        err = iso_binding_load(instance->binding, bytes, &call->state->arena, l->report);
    }
    if (err != ISO_OK) {
        fail(l, err, "a call under way cannot be restored");
    }
}

static void restore_outputs(struct loader *l, struct iso_sv_instance *instance)
{
    for (int i = 0; i < 2; i++) {
        struct iso_bytes output = get_bytes(l);
        if (l->err == ISO_OK && output.len != 0) {
            l->err = instance->io == NULL
                         ? ISO_E_SNAPSHOT
                         : iso_buf_append(&instance->io->outputs[i], output.ptr, output.len);
        }
    }
}

static void restore(struct loader *l, struct iso_sv_instance *instance)
{
    bool command = l->component->program->is_command;
    struct iso_bytes snapshot = get_bytes(l), binding = get_bytes(l);
    if (l->err == ISO_OK && command && instance->call != NULL) {
        /* Its standard input. */
        l->err = iso_sv_call_decode(instance->call);
    }
    bool made = snapshot.len != 0;
    if (l->err == ISO_OK && made != (instance->phase != ISO_SV_PHASE_NEW)) {
        fail(l, ISO_E_SNAPSHOT, "an instance in it is not what it says");
    }
    if (l->err == ISO_OK && made) {
        restore_store(l, instance, snapshot);
    }
    if (l->err == ISO_OK && made && !is_in_phase(instance)) {
        fail(l, ISO_E_SNAPSHOT, "an instance in it does not do what it says");
    }
    if (l->err == ISO_OK && instance->phase == ISO_SV_PHASE_CALLING && !command) {
        restore_binding(l, instance, binding);
    } else if (l->err == ISO_OK && binding.len != 0) {
        fail(l, ISO_E_SNAPSHOT, "a call in it is not under way");
    }
    restore_outputs(l, instance);
}

/* The service's instance, or a new one. */
static struct iso_sv_instance *place(struct loader *l)
{
    struct iso_sv_component *component = l->component;
    if (component->mode == ISO_SV_SERVICE && component->service != NULL) {
        iso_sv_instance_reset(component->service);
        return component->service;
    }
    uv_mutex_lock(&component->lock);
    struct iso_sv_instance *instance = iso_sv_instance_new(component);
    uv_mutex_unlock(&component->lock);
    if (instance == NULL) {
        fail(l, ISO_E_NOMEM, "memory is short");
    } else if (component->mode == ISO_SV_SERVICE) {
        component->service = instance;
    }
    return instance;
}

static void load_instance(struct loader *l)
{
    struct iso_sv_component *component = l->component;
    uint8_t phase = get_u8(l), has_call = get_u8(l);
    if (phase > ISO_SV_PHASE_CALLING || has_call > 1 ||
        (has_call == 0 && component->mode == ISO_SV_FUNCTION)) {
        fail(l, ISO_E_SNAPSHOT, "an instance in it is of no known kind");
    }
    struct iso_sv_call *call = has_call == 1 ? get_call(l) : NULL;
    struct iso_sv_instance *instance = l->err == ISO_OK ? place(l) : NULL;
    if (instance == NULL) {
        iso_sv_call_destroy(call);
        return;
    }
    uv_mutex_lock(&component->lock);
    if (call != NULL) {
        iso_sv_component_give(component, instance, call);
        iso_sv_instance_set_state(instance, ISO_SV_PARKED);
    }
    uv_mutex_unlock(&component->lock);
    instance->phase = (enum iso_sv_phase)phase;
    restore(l, instance);
    instance->broken = l->err != ISO_OK;
    uv_mutex_lock(&component->lock);
    iso_sv_instance_count_memory(
        instance, instance->store != NULL ? iso_store_memory_bytes(instance->store) : 0);
    uv_mutex_unlock(&component->lock);
    if (call != NULL && l->err == ISO_OK && l->adopt != NULL) {
        l->adopt(l->ctx, call);
    }
}

static void load_instances(struct loader *l)
{
    const struct iso_sv_component *component = l->component;
    uint32_t count = get_u32(l);
    uint32_t max = component->mode == ISO_SV_SERVICE ? 1 : component->limits.instances;
    if (count > max) {
        fail(l, ISO_E_LIMIT, "it has more instances than are allowed here");
    }
    for (uint32_t i = 0; i < count && l->err == ISO_OK; i++) {
        load_instance(l);
    }
}

/* ---- The whole ------------------------------------------------------------------------------- */

static void load_queue(struct loader *l)
{
    struct iso_sv_component *component = l->component;
    uint32_t count = get_u32(l);
    if (count > component->limits.queue) {
        fail(l, ISO_E_LIMIT, "it has more calls in its queue than are allowed here");
    }
    for (uint32_t i = 0; i < count && l->err == ISO_OK; i++) {
        struct iso_sv_call *call = get_call(l);
        if (call == NULL) {
            return;
        }
        uv_mutex_lock(&component->lock);
        iso_sv_list_append(&component->queue, &call->state->node);
        call->state->queued = true;
        component->queued++;
        uv_mutex_unlock(&component->lock);
        if (l->adopt != NULL) {
            l->adopt(l->ctx, call);
        }
    }
}

static void load_storage(struct loader *l)
{
    struct iso_sv_component *component = l->component;
    const struct iso_sv_host_set *hosts = component->core->hosts;
    struct iso_bytes bytes = get_bytes(l);
    if (l->err != ISO_OK || bytes.len == 0) {
        return;
    }
    if (component->def.storage_path == NULL || hosts == NULL || hosts->storage_load == NULL) {
        fail(l, ISO_E_LINK, "it has a storage, which is not granted here");
        return;
    }
    enum iso_err err = hosts->storage_load(component->def.storage_path, bytes,
                                           component->limits.storage_bytes, l->report);
    if (err != ISO_OK) {
        fail(l, err, "its storage cannot be restored");
    }
}

static void load_head(struct loader *l)
{
    struct iso_sv_component *component = l->component;
    uint8_t digest[32];
    const uint8_t *magic = take(l, 4);
    uint32_t version = get_u32(l);
    const uint8_t *of = take(l, sizeof digest);
    uint8_t mode = get_u8(l);
    uint64_t sequence = get_u64(l);
    if (l->err != ISO_OK) {
        return;
    }
    iso_module_digest(component->program->module, digest);
    if (memcmp(magic, ISO_SV_SNAPSHOT_MAGIC, 4) != 0 || version != ISO_SV_SNAPSHOT_VERSION) {
        fail(l, ISO_E_SNAPSHOT, "it is none of a component, or of another version");
    } else if (memcmp(of, digest, sizeof digest) != 0) {
        fail(l, ISO_E_SNAPSHOT, "it is of another module");
    } else if (mode != component->mode) {
        fail(l, ISO_E_SNAPSHOT, "it is of another mode");
    }
    atomic_store(&component->sequence, sequence);
}

enum iso_err iso_sv_component_load(struct iso_sv_component *component, struct iso_bytes bytes,
                                   iso_sv_adopt_fn adopt, void *ctx, struct iso_report *report)
{
    struct loader l = {.component = component,
                       .at = bytes.ptr,
                       .end = bytes.ptr + bytes.len,
                       .adopt = adopt,
                       .ctx = ctx,
                       .report = report};
    if (iso_sv_component_state(component) != ISO_SV_PREPARED || !component->prepared ||
        component->paused) {
        return iso_fail(report, ISO_E_STATE, "%s is not newly prepared", component->full_name);
    }
    component->paused = true; /* the calls' time goes on with the start */
    load_head(&l);
    load_instances(&l);
    load_queue(&l);
    load_storage(&l);
    if (l.err == ISO_OK && l.at != l.end) {
        fail(&l, ISO_E_SNAPSHOT, "something is behind its end");
    }
    if (l.err != ISO_OK) {
        fail(&l, l.err, iso_err_text(l.err));
        return iso_fail(report, l.err, "the snapshot of %s cannot be loaded: %s",
                        component->full_name, iso_err_text(l.err));
    }
    return ISO_OK;
}
