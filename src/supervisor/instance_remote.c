/*
 * instance_remote.c - calls through links to components on other devices: encoded, carried out by
 * whoever owns the link, while the caller waits for it as for any operation.
 */
#include "supervisor/core_state.h"

struct iso_sv_remote_op {
    struct iso_sv_op op;
    struct iso_sv_call *call;
    struct iso_sv_link link;
    bool begun;
    bool ended;     /* the call */
    bool forgotten; /* nobody waits for it */
};

/* ---- The operation --------------------------------------------------------------------------- */

static void free_op(struct iso_sv_remote_op *remote)
{
    struct iso_alloc alloc = remote->call->state->core->alloc;
    iso_sv_call_unref(remote->call);
    iso_alloc_free(&alloc, remote, sizeof *remote);
}

static void start(struct iso_sv_op *op)
{
    struct iso_sv_remote_op *remote = ISO_SV_OWNER(op, struct iso_sv_remote_op, op);
    remote->begun = true;
    remote->link.remote(remote->link.ctx, remote->call);
}

static void cancel(struct iso_sv_op *op)
{
    struct iso_sv_remote_op *remote = ISO_SV_OWNER(op, struct iso_sv_remote_op, op);
    remote->forgotten = true;
    if (remote->link.cancel != NULL) {
        remote->link.cancel(remote->link.ctx, remote->call);
    }
}

/* One that is cancelled goes when its call has ended. */
static void destroy(struct iso_sv_op *op)
{
    struct iso_sv_remote_op *remote = ISO_SV_OWNER(op, struct iso_sv_remote_op, op);
    if (!remote->begun || remote->ended) {
        free_op(remote);
    }
}

void iso_sv_call_finish(struct iso_sv_call *call, enum iso_sv_outcome outcome)
{
    struct iso_sv_remote_op *remote = call->state->remote;
    call->outcome = outcome;
    remote->ended = true;
    if (remote->forgotten) {
        free_op(remote);
    } else {
        iso_sv_op_finish(&remote->op);
    }
}

void iso_sv_remote_forget(struct iso_sv_instance *instance)
{
    struct iso_sv_op *op = instance->spent;
    instance->spent = NULL;
    if (op != NULL) {
        op->destroy(op);
    }
}

/* ---- The call -------------------------------------------------------------------------------- */

/* The callers of a call, the outermost first, and the component itself. */
static enum iso_err add_chain(struct iso_sv_call *call, const struct iso_sv_instance *instance)
{
    const struct iso_sv_call *callers[ISO_SV_CHAIN_MAX + 1];
    uint32_t count = 0;
    for (const struct iso_sv_call *at = instance->call; at != NULL; at = at->state->parent) {
        if (count == ISO_COUNT_OF(callers)) {
            return ISO_E_LIMIT;
        }
        callers[count++] = at;
    }
    enum iso_err err = ISO_OK;
    while (count > 0 && err == ISO_OK) {
        const struct iso_sv_call *at = callers[--count];
        for (uint32_t i = 0; i < at->chain_len && err == ISO_OK; i++) {
            err = iso_sv_call_add_caller(call, iso_str_from_z(at->chain[i]));
        }
        if (err == ISO_OK) {
            err = iso_sv_call_add_caller(call, iso_str_from_z(at->state->component->full_name));
        }
    }
    return err;
}

static enum iso_err add_function(struct iso_sv_call *call, const struct iso_sv_import *import)
{
    const struct iso_alloc *alloc = &call->state->core->alloc;
    bool plain = import->interface == NULL;
    size_t len = import->desc.name.len + (plain ? 0 : import->desc.module.len + 1);
    char *text = iso_alloc_new(alloc, len + 1);
    if (text == NULL) {
        return ISO_E_NOMEM;
    }
    if (!plain) {
        memcpy(text, import->desc.module.ptr, import->desc.module.len);
        text[import->desc.module.len] = '#';
    }
    iso_memory_copy(text + len - import->desc.name.len, import->desc.name.ptr,
                    import->desc.name.len);
    call->function = text;
    return ISO_OK;
}

/* The parameters as an array, in order. */
static enum iso_err add_args(struct iso_sv_call *call, const struct iso_sv_import *import,
                             const struct iso_value *args)
{
    struct iso_buf body;
    struct iso_value list = {.list = {.items = args, .count = import->func->param_count}};
    if (import->params == NULL) {
        return ISO_OK;
    }
    iso_buf_init(&body, &call->state->core->alloc,
                 (size_t)import->component->limits.result_bytes + ISO_SV_ARENA_EXTRA);
    enum iso_err err = iso_cbor_encode(import->params, &list, &body);
    uint8_t *bytes = NULL;
    size_t len = 0;
    if (err == ISO_OK) {
        err = iso_buf_take(&body, &bytes, &len);
    }
    iso_buf_fini(&body);
    if (err == ISO_OK) {
        iso_sv_call_take_body(call, bytes, len);
    }
    return err;
}

static enum iso_err fill(struct iso_sv_call *call, const struct iso_sv_import *import,
                         const struct iso_sv_instance *instance, const struct iso_value *args)
{
    call->state->kind = ISO_SV_CALL_REMOTE;
    call->encoding = ISO_SV_CBOR;
    call->reply_encoding = ISO_SV_CBOR;
    call->reply_actual = ISO_SV_CBOR;
    call->deadline_ns = instance->call->state->deadline_ns;
    call->reply.max = (size_t)instance->component->limits.result_bytes + ISO_SV_ARENA_EXTRA;
    memcpy(call->id.caller, instance->component->full_name, sizeof call->id.caller);
    enum iso_err err = add_chain(call, instance);
    if (err == ISO_OK) {
        err = add_function(call, import);
    }
    return err == ISO_OK ? add_args(call, import, args) : err;
}

static enum iso_host_result begin(const struct iso_sv_import *import,
                                  const struct iso_sv_link *link, struct iso_sv_instance *instance,
                                  struct iso_host_call *host, const struct iso_value *args)
{
    struct iso_sv_core *core = instance->component->core;
    struct iso_sv_remote_op *remote = iso_alloc_new(&core->alloc, sizeof *remote);
    struct iso_sv_call *call = iso_sv_call_create(core);
    enum iso_err err =
        remote != NULL && call != NULL ? fill(call, import, instance, args) : ISO_E_NOMEM;
    if (err != ISO_OK) {
        iso_sv_call_destroy(call);
        iso_alloc_free(&core->alloc, remote, sizeof *remote);
        iso_host_trap(host, "link \"%.*s\": the call cannot be made: %s",
                      (int)import->desc.module.len, import->desc.module.ptr, iso_err_text(err));
        return ISO_HOST_TRAP;
    }
    call->id.sequence = host->deadline;
    call->state->remote = remote;
    *remote = (struct iso_sv_remote_op){
        .op = {.start = start, .cancel = cancel, .destroy = destroy}, .call = call, .link = *link};
    return iso_sv_guest_wait(&instance->guest, &remote->op);
}

/* ---- The answer ------------------------------------------------------------------------------ */

static enum iso_err decode(const struct iso_sv_call *call, const struct iso_vtype *type,
                           struct iso_arena *arena, struct iso_value *out,
                           struct iso_report *report)
{
    struct iso_bytes bytes = iso_buf_view(&call->reply);
    return call->reply_actual == ISO_SV_JSON
               ? iso_json_decode(type, bytes, "result", arena, out, report)
               : iso_cbor_decode(type, bytes, "result", arena, out, report);
}

static enum iso_err take_result(const struct iso_sv_call *call, const struct iso_wit_func *func,
                                struct iso_arena *arena, struct iso_value *result,
                                struct iso_report *report)
{
    const struct iso_vtype *type = func->result;
    bool error = call->outcome == ISO_SV_ERROR;
    if (type == NULL || (error && type->kind != ISO_V_RESULT)) {
        return error ? iso_fail(report, ISO_E_INVALID, "an error, which its type has not") : ISO_OK;
    }
    if (type->kind != ISO_V_RESULT) {
        return decode(call, type, arena, result, report);
    }
    const struct iso_vtype *payload = iso_vtype_case_payload(type, error ? 1 : 0);
    struct iso_value *value = iso_arena_alloc(arena, sizeof *value);
    if (value == NULL) {
        return ISO_E_NOMEM;
    }
    enum iso_err err = payload != NULL ? decode(call, payload, arena, value, report) : ISO_OK;
    result->choice.index = error ? 1 : 0;
    result->choice.payload = payload != NULL ? value : NULL;
    return err;
}

static enum iso_host_result answer(const struct iso_sv_import *import,
                                   struct iso_sv_instance *instance, struct iso_host_call *host,
                                   struct iso_arena *arena, struct iso_value *result)
{
    struct iso_sv_remote_op *remote = ISO_SV_OWNER(instance->op, struct iso_sv_remote_op, op);
    const struct iso_sv_call *call = remote->call;
    struct iso_report report;
    /* The result may point into the reply until it has been lowered. */
    instance->spent = instance->op;
    instance->op = NULL;
    if (call->outcome != ISO_SV_DONE && call->outcome != ISO_SV_ERROR) {
        iso_sv_link_trap(import, host, call);
        return ISO_HOST_TRAP;
    }
    iso_report_init(&report);
    enum iso_err err = take_result(call, import->func, arena, result, &report);
    if (err == ISO_OK) {
        return ISO_HOST_DONE;
    }
    iso_host_trap(host, "link \"%.*s\", %.*s: the reply is not of its type: %s",
                  (int)import->desc.module.len, import->desc.module.ptr, (int)import->desc.name.len,
                  import->desc.name.ptr, iso_report_text(&report, err));
    return ISO_HOST_TRAP;
}

enum iso_host_result iso_sv_remote_enter(const struct iso_sv_import *import,
                                         const struct iso_sv_link *link,
                                         struct iso_sv_instance *instance,
                                         struct iso_host_call *host, const struct iso_value *args,
                                         struct iso_arena *arena, struct iso_value *result)
{
    iso_sv_remote_forget(instance);
    if (instance->op == NULL) {
        return begin(import, link, instance, host, args);
    }
    if (iso_sv_guest_op(&instance->guest) == NULL) {
        instance->wait = ISO_SV_WAIT_OP;
        return ISO_HOST_PENDING;
    }
    return answer(import, instance, host, arena, result);
}
