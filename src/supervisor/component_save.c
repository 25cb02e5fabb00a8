/*
 * component_save.c - the state of a frozen component as bytes: docs/internals/supervisor-core.md,
 * "Component snapshots".
 */
#include "supervisor/component_snapshot.h"

struct saver {
    struct iso_sv_component *component;
    struct iso_buf *out;
    struct iso_report *report;
    enum iso_err err;
};

static void put_u8(struct saver *s, uint8_t value)
{
    if (s->err == ISO_OK) {
        s->err = iso_buf_append_u8(s->out, value);
    }
}

static void put_u32(struct saver *s, uint32_t value)
{
    if (s->err == ISO_OK) {
        s->err = iso_buf_append_u32le(s->out, value);
    }
}

static void put_u64(struct saver *s, uint64_t value)
{
    if (s->err == ISO_OK) {
        s->err = iso_buf_append_u64le(s->out, value);
    }
}

static void put_bytes(struct saver *s, const void *bytes, size_t len)
{
    put_u64(s, len);
    if (s->err == ISO_OK) {
        s->err = iso_buf_append(s->out, bytes, len);
    }
}

static void put_text(struct saver *s, const char *text)
{
    put_bytes(s, text, strlen(text));
}

/* A part whose length is known when it is there. */
static size_t part_begin(struct saver *s)
{
    put_u64(s, 0);
    return s->out->len;
}

static void part_end(struct saver *s, size_t start)
{
    if (s->err == ISO_OK) {
        iso_store_u64le(s->out->ptr + start - 8, s->out->len - start);
    }
}

/* ---- Calls ----------------------------------------------------------------------------------- */

/* Arguments of a call from this device, which has values: as an outside call would bring them. */
static void put_values(struct saver *s, const struct iso_sv_call *call)
{
    const struct iso_sv_call_state *state = call->state;
    const struct iso_wit_func *func = s->component->program->funcs[state->index].func;
    const struct iso_value list = {.list = {.items = state->args, .count = func->param_count}};
    const struct iso_vtype *type = NULL;
    struct iso_arena arena;
    iso_arena_init(&arena, &s->component->core->alloc, 1024, SIZE_MAX);
    size_t start = part_begin(s);
    if (s->err == ISO_OK && func->param_count != 0) {
        s->err = iso_sv_params_type(func, &arena, &type);
    }
    if (s->err == ISO_OK && type != NULL) {
        s->err = iso_cbor_encode(type, &list, s->out);
    }
    part_end(s, start);
    iso_arena_fini(&arena);
}

static void put_chain(struct saver *s, const struct iso_sv_call *call)
{
    uint32_t depth = iso_sv_call_depth(call);
    put_u32(s, depth);
    for (const struct iso_sv_call *at = call; at != NULL; at = at->state->parent) {
        const struct iso_sv_call *parent = at->state->parent;
        for (uint32_t i = at->chain_len; i > 0; i--) {
            put_text(s, at->chain[i - 1]);
        }
        if (parent != NULL) {
            put_text(s, parent->state->component->full_name);
        }
    }
}

/* begun: the arguments are with the instance. */
static void put_call(struct saver *s, const struct iso_sv_call *call, bool begun)
{
    const struct iso_sv_call_state *state = call->state;
    const struct iso_sv_component *component = s->component;
    const struct iso_sv_func *func = &component->program->funcs[state->index];
    bool outside = state->kind == ISO_SV_CALL_OUTSIDE;
    put_text(s, func->path);
    put_text(s, call->id.caller);
    put_u64(s, call->id.sequence);
    put_u8(s, (uint8_t)(outside ? call->encoding : ISO_SV_CBOR));
    put_u8(s, (uint8_t)(outside ? call->reply_encoding : ISO_SV_CBOR));
    put_u64(s, state->left_ns);
    put_u64(s, call->fuel_used);
    put_u64(s, call->run_ns);
    put_chain(s, call);
    if (outside) {
        put_bytes(s, call->body, call->body_len);
    } else if (begun || state->args == NULL) {
        put_u64(s, 0);
    } else {
        put_values(s, call);
    }
}

/* ---- Instances ------------------------------------------------------------------------------- */

/* Whether there is something to be kept of it: not of one that is idle and like any other. */
static bool is_kept(const struct iso_sv_instance *instance)
{
    const struct iso_sv_call *call = instance->call;
    bool setup = call != NULL && call->state->kind == ISO_SV_CALL_SETUP;
    if (setup || (call == NULL && instance->component->mode == ISO_SV_FUNCTION)) {
        return false;
    }
    return instance->store != NULL || call != NULL;
}

static void put_store(struct saver *s, struct iso_sv_instance *instance)
{
    struct iso_snapshot_section section;
    size_t count = 0, start = part_begin(s);
    if (instance->wasi != NULL) {
        section = iso_wasi_section(instance->wasi);
        count = 1;
    }
    if (s->err == ISO_OK && instance->store != NULL) {
        s->err = iso_snapshot_save(instance->store, &section, count, s->out, s->report);
    }
    part_end(s, start);
    start = part_begin(s);
    if (s->err == ISO_OK && instance->phase == ISO_SV_PHASE_CALLING && instance->binding != NULL) {
        s->err = iso_binding_save(instance->binding, s->out, s->report);
    }
    part_end(s, start);
    for (int i = 0; i < 2; i++) {
        struct iso_bytes output = {.len = 0};
        if (instance->io != NULL) {
            output = iso_buf_view(&instance->io->outputs[i]);
        }
        put_bytes(s, output.ptr, output.len);
    }
}

static void put_instances(struct saver *s)
{
    struct iso_sv_component *component = s->component;
    const struct iso_sv_node *head = &component->instances;
    uint32_t count = 0;
    for (const struct iso_sv_node *node = head->next; node != head; node = node->next) {
        count += is_kept(ISO_SV_OWNER(node, struct iso_sv_instance, node)) ? 1 : 0;
    }
    put_u32(s, count);
    for (const struct iso_sv_node *node = head->next; node != head; node = node->next) {
        struct iso_sv_instance *instance = ISO_SV_OWNER(node, struct iso_sv_instance, node);
        if (!is_kept(instance)) {
            continue;
        }
        put_u8(s, (uint8_t)instance->phase);
        put_u8(s, instance->call != NULL ? 1 : 0);
        if (instance->call != NULL) {
            put_call(s, instance->call, instance->phase == ISO_SV_PHASE_CALLING);
        }
        put_store(s, instance);
    }
}

/* ---- The whole ------------------------------------------------------------------------------- */

static void put_queue(struct saver *s)
{
    const struct iso_sv_component *component = s->component;
    const struct iso_sv_node *head = &component->queue;
    put_u32(s, component->queued);
    for (const struct iso_sv_node *node = head->next; node != head; node = node->next) {
        put_call(s, ISO_SV_OWNER(node, struct iso_sv_call_state, node)->call, false);
    }
}

static void put_storage(struct saver *s)
{
    const struct iso_sv_component *component = s->component;
    const struct iso_sv_host_set *hosts = component->core->hosts;
    size_t start = part_begin(s);
    if (s->err == ISO_OK && component->def.storage_path != NULL && hosts != NULL &&
        hosts->storage_save != NULL) {
        s->err = hosts->storage_save(component->def.storage_path, s->out, s->report);
    }
    part_end(s, start);
}

enum iso_err iso_sv_component_save(struct iso_sv_component *component, struct iso_buf *out,
                                   struct iso_report *report)
{
    struct saver s = {.component = component, .out = out, .report = report};
    uint8_t digest[32];
    size_t before = out->len;
    if (iso_sv_component_state(component) != ISO_SV_FROZEN) {
        return iso_fail(report, ISO_E_STATE, "%s is not frozen", component->full_name);
    }
    iso_module_digest(component->program->module, digest);
    s.err = iso_buf_append(out, ISO_SV_SNAPSHOT_MAGIC, 4);
    put_u32(&s, ISO_SV_SNAPSHOT_VERSION);
    if (s.err == ISO_OK) {
        s.err = iso_buf_append(out, digest, sizeof digest);
    }
    put_u8(&s, (uint8_t)component->mode);
    put_u64(&s, atomic_load(&component->sequence));
    put_instances(&s);
    put_queue(&s);
    put_storage(&s);
    if (s.err != ISO_OK) {
        out->len = before;
        return iso_fail(report, s.err, "the state of %s cannot be saved: %s", component->full_name,
                        iso_err_text(s.err));
    }
    return ISO_OK;
}
