/* Flows of a generation: made when its components have been, their steps executed by the core,
 * their messages sent over the application's connections. */
#include "supervisor/item.h"
#include "supervisor/peers_state.h"

#define MESSAGE_NS (UINT64_C(30) * 1000000000)

/* ---- References --------------------------------------------------------------------------------
 */

static struct iso_sv_flow_ref *ref(struct iso_sv_flow_state *flow)
{
    flow->ref->refs++;
    return flow->ref;
}

static void unref(const struct iso_alloc *alloc, struct iso_sv_flow_ref *it)
{
    if (--it->refs == 0) {
        iso_alloc_free(alloc, it, sizeof *it);
    }
}

void iso_sv_flow_wake(struct iso_sv_flow_state *flow)
{
    uint64_t next = iso_sv_flow_next_ns(flow->engine);
    if (next != UINT64_MAX) {
        iso_sv_peers_wake(flow->gen->peers, next);
    }
}

/* ---- Steps -------------------------------------------------------------------------------------
 */

struct step_call {
    const struct iso_alloc *alloc;
    struct iso_sv_flow_ref *ref;
    uint32_t step;
};

static void fail(struct iso_sv_flow_result *result, const char *name, const char *text)
{
    result->end = ISO_SV_FLOW_STEP_FAILED;
    (void)iso_format(result->text, sizeof result->text, "%s%s%s", name, text[0] != '\0' ? ": " : "",
                     text);
}

/* The function answered with an error: its value as JSON, as much of it as there is room for, so
 * that whoever looks at the flow sees what is wrong. */
static void fail_with_value(const struct iso_sv_call *call, struct iso_sv_flow_result *result)
{
    struct iso_buf json;
    iso_buf_init(&json, call->reply.alloc, ISO_SV_FLOW_MESSAGE_BYTES);
    enum iso_err err = call->reply.len > 0 ? iso_sv_item_to_json(iso_buf_view(&call->reply), &json)
                                           : ISO_E_NOT_FOUND;
    err = err == ISO_OK ? iso_buf_append(&json, "", 1) : err;
    fail(result, iso_sv_outcome_name(call->outcome), err == ISO_OK ? (const char *)json.ptr : "");
    iso_buf_fini(&json);
}

/* What a call gave, as the engine wants it. */
static void take_result(struct iso_sv_call *call, struct iso_sv_flow_result *result)
{
    if (call->outcome == ISO_SV_BUSY || call->outcome == ISO_SV_MOVED) {
        /* One that is frozen goes on soon, here or in another generation. */
        result->end = ISO_SV_FLOW_STEP_BUSY;
    } else if (call->outcome == ISO_SV_ERROR) {
        fail_with_value(call, result);
    } else if (call->outcome != ISO_SV_DONE) {
        fail(result, iso_sv_outcome_name(call->outcome), call->report.set ? call->report.text : "");
    } else if (call->reply.len > 0) {
        struct iso_sv_block *block = iso_sv_block_create(&call->reply);
        if (block == NULL) {
            fail(result, "limit", "no memory for the result");
            return;
        }
        result->value = (struct iso_sv_slot){.block = block, .item = iso_buf_view(&block->bytes)};
    }
}

static void on_step_done(struct iso_sv_call *call)
{
    struct step_call *context = call->ctx;
    struct iso_sv_flow_state *flow = context->ref->flow;
    struct iso_sv_flow_result result = {.end = ISO_SV_FLOW_STEP_DONE};
    if (flow != NULL) {
        flow->places[context->step].call = NULL;
        take_result(call, &result);
    }
    iso_sv_call_destroy(call);
    if (flow != NULL) {
        iso_sv_flow_step_done(flow->engine, uv_hrtime(), context->step, &result);
        iso_sv_flow_wake(flow);
    }
    unref(context->alloc, context->ref);
    iso_alloc_free(context->alloc, context, sizeof *context);
}

/* The body of a step's call: no larger than its values and the rest together. */
static enum iso_err make_body(const struct iso_sv_flow_state *flow, uint32_t step,
                              const struct iso_sv_flow_run *run, struct iso_sv_call *call,
                              struct iso_report *report)
{
    struct iso_buf body;
    uint8_t *bytes = NULL;
    size_t len = 0;
    iso_buf_init(&body, call->reply.alloc, ISO_SV_FLOW_MESSAGE_BYTES);
    enum iso_err err = iso_sv_flow_args_build(flow->places[step].args, run->slots, &body, report);
    if (err == ISO_OK) {
        err = iso_buf_take(&body, &bytes, &len);
    }
    if (err == ISO_OK) {
        iso_sv_call_take_body(call, bytes, len);
    }
    iso_buf_fini(&body);
    return err;
}

static bool start_step(struct iso_sv_flow_state *flow, uint32_t step,
                       struct iso_sv_component *component, struct iso_sv_call *call,
                       struct iso_sv_flow_result *result)
{
    struct iso_sv_flow_place *place = &flow->places[step];
    struct step_call *context = iso_alloc_new(flow->gen->peers->alloc, sizeof *context);
    if (context == NULL) {
        fail(result, "limit", "no memory for the call");
        iso_sv_call_destroy(call);
        return true;
    }
    *context = (struct step_call){.alloc = flow->gen->peers->alloc, .ref = ref(flow), .step = step};
    call->encoding = ISO_SV_CBOR;
    call->reply_encoding = ISO_SV_CBOR;
    call->epoch = flow->doc->steps[step].epoch;
    call->done = on_step_done;
    call->ctx = context;
    place->call = call;
    if (!iso_sv_call_start(call, component, place->function)) {
        return false;
    }
    place->call = NULL;
    take_result(call, result);
    iso_sv_call_destroy(call);
    unref(context->alloc, context->ref);
    iso_alloc_free(context->alloc, context, sizeof *context);
    return true;
}

static bool execute(void *ctx, uint32_t step, const struct iso_sv_flow_run *run,
                    struct iso_sv_flow_result *result)
{
    struct iso_sv_flow_state *flow = ctx;
    struct iso_sv_core *core = flow->gen->peers->core;
    struct iso_sv_component *component = iso_sv_component_by_id(core, flow->places[step].component);
    struct iso_report report;
    if (component == NULL) {
        fail(result, "gone", "the component is not here any more");
        return true;
    }
    struct iso_sv_call *call = iso_sv_call_create(core);
    iso_report_init(&report);
    enum iso_err err = call != NULL ? make_body(flow, step, run, call, &report) : ISO_E_NOMEM;
    if (err != ISO_OK) {
        fail(result, ISO_SV_FLOW_BAD_ARGUMENTS, iso_report_text(&report, err));
        iso_sv_call_destroy(call);
        return true;
    }
    return start_step(flow, step, component, call, result);
}

/* ---- Messages ----------------------------------------------------------------------------------
 */

struct sending {
    const struct iso_alloc *alloc;
    struct iso_sv_flow_ref *ref;
    bool outcomes;
    uint32_t step, attempt;
    uint64_t hop;
};

static enum iso_sv_flow_ack ack_of(const struct iso_coap_result *result)
{
    if (result->outcome != ISO_COAP_ANSWERED) {
        return result->outcome == ISO_COAP_TOO_LARGE ? ISO_SV_FLOW_QUEUED : ISO_SV_FLOW_RETRY;
    }
    switch (ISO_COAP_CODE_CLASS(result->code)) {
    case 2:
        return ISO_SV_FLOW_QUEUED;
    case 5:
        return ISO_SV_FLOW_RETRY;
    default:
        return result->code == ISO_COAP_CODE(4, 29) ? ISO_SV_FLOW_RETRY : ISO_SV_FLOW_REFUSED;
    }
}

static void on_sent(void *ctx, const struct iso_coap_result *result)
{
    struct sending *sending = ctx;
    struct iso_sv_flow_state *flow = sending->ref->flow;
    if (flow != NULL && sending->outcomes) {
        iso_sv_flow_told(flow->engine, uv_hrtime(), ack_of(result));
    } else if (flow != NULL) {
        struct iso_str text = iso_str_from((const char *)result->payload.ptr, result->payload.len);
        text.len = text.len < 160 ? text.len : 160;
        iso_sv_flow_sent(flow->engine, uv_hrtime(), sending->step, sending->hop, sending->attempt,
                         ack_of(result), text);
    }
    if (sending->ref->flow != NULL) {
        iso_sv_flow_wake(flow);
    }
    unref(sending->alloc, sending->ref);
    iso_alloc_free(sending->alloc, sending, sizeof *sending);
}

/* payload: released. */
static bool post(struct iso_sv_flow_state *flow, uint32_t peer, char kind, struct iso_buf *payload,
                 const struct sending *about)
{
    struct iso_sv_gen *gen = flow->gen;
    struct iso_sv_conn *conn = peer != ISO_SV_HERE ? gen->conns[peer] : NULL;
    struct sending *sending =
        conn != NULL ? iso_alloc_new(gen->peers->alloc, sizeof *sending) : NULL;
    enum iso_err err = sending != NULL ? ISO_OK : ISO_E_NOMEM;
    char path[2 * ISO_NAME_MAX + 8];
    if (err == ISO_OK) {
        *sending = *about;
        sending->alloc = gen->peers->alloc;
        sending->ref = ref(flow);
        (void)iso_format(path, sizeof path, "/%c/%.*s/%.*s", kind, (int)gen->document->app.len,
                         gen->document->app.ptr, (int)flow->doc->name.len, flow->doc->name.ptr);
        err = iso_sv_conn_post(conn, path, NULL, 0, iso_buf_view(payload), MESSAGE_NS, on_sent,
                               sending);
        if (err != ISO_OK) {
            unref(sending->alloc, sending->ref);
            iso_alloc_free(gen->peers->alloc, sending, sizeof *sending);
        }
    }
    iso_buf_fini(payload);
    return err == ISO_OK;
}

static bool send_message(void *ctx, const struct iso_sv_flow_message *message)
{
    struct iso_sv_flow_state *flow = ctx;
    struct iso_buf payload;
    iso_buf_init(&payload, flow->gen->peers->alloc, SIZE_MAX);
    if (iso_sv_flow_message_write(message, &payload) != ISO_OK) {
        iso_buf_fini(&payload);
        return false;
    }
    const struct sending about = {
        .step = message->step, .attempt = message->attempt, .hop = message->hop};
    return post(flow, flow->doc->steps[message->step].peer, 'f', &payload, &about);
}

static bool tell(void *ctx, const struct iso_sv_flow_outcome *outcomes, size_t count)
{
    struct iso_sv_flow_state *flow = ctx;
    struct iso_buf payload;
    iso_buf_init(&payload, flow->gen->peers->alloc, SIZE_MAX);
    if (iso_sv_flow_outcomes_write(flow->gen->document->generation, outcomes, count, &payload) !=
        ISO_OK) {
        iso_buf_fini(&payload);
        return false;
    }
    const struct sending about = {.outcomes = true};
    return post(flow, flow->doc->steps[0].peer, 'o', &payload, &about);
}

static void acknowledge(void *ctx, uint64_t token, enum iso_sv_flow_ack ack)
{
    const struct iso_sv_flow_state *flow = ctx;
    struct iso_coap_server *server = flow->gen->peers->server;
    if (ack == ISO_SV_FLOW_QUEUED) {
        const struct iso_coap_answer answer = {.code = ISO_COAP_CODE(2, 4),
                                               .content_format = ISO_COAP_FORMAT_NONE};
        (void)iso_coap_respond(server, token, &answer);
    } else if (ack == ISO_SV_FLOW_RETRY) {
        (void)iso_coap_respond_text(server, token, ISO_COAP_CODE(5, 3), "later: no room");
    } else {
        (void)iso_coap_respond_text(server, token, ISO_COAP_CODE(4, 3),
                                    "this is not a message that the flow may have here");
    }
}

static void turned(void *ctx)
{
    struct iso_sv_flow_state *flow = ctx;
    const struct iso_sv_flow_stats *stats = iso_sv_flow_stats(flow->engine);
    char detail[ISO_NAME_MAX + sizeof stats->last_error + 16];
    if (flow->gen->peers->changed != NULL) {
        (void)iso_format(detail, sizeof detail, "%.*s%s%s", (int)flow->doc->name.len,
                         flow->doc->name.ptr, stats->failing ? " fails: " : " runs again",
                         stats->failing ? stats->last_error : "");
        flow->gen->peers->changed(flow->gen->peers->ctx, flow->gen->document->app,
                                  iso_str_from_z(""), "flow", detail);
    }
}

static const struct iso_sv_flow_ops ops = {execute, send_message,      acknowledge,
                                           tell,    iso_sv_flow_ended, turned};

/* ---- Making ------------------------------------------------------------------------------------
 */

/* What is known of the steps that are here. */
struct types {
    const struct iso_sv_program *programs[ISO_SV_FLOW_STEPS];
    uint32_t functions[ISO_SV_FLOW_STEPS];
    const struct iso_vtype *results[ISO_SV_FLOW_STEPS];
    bool known[ISO_SV_FLOW_STEPS];
};

static enum iso_err find_types(struct iso_sv_flow_state *flow, struct types *types,
                               struct iso_report *report)
{
    const struct iso_sv_doc_flow *doc = flow->doc;
    memset(types, 0, sizeof *types);
    for (uint32_t i = 0; i < doc->step_count; i++) {
        const struct iso_sv_doc_step *step = &doc->steps[i];
        struct iso_sv_component *component =
            step->peer == ISO_SV_HERE ? flow->gen->pub->components[step->local] : NULL;
        if (component == NULL) {
            continue;
        }
        types->programs[i] = iso_sv_component_program(component);
        if (!iso_sv_program_func_find(types->programs[i], step->function, &types->functions[i])) {
            return iso_fail(report, ISO_E_INVALID,
                            "/flows/%.*s/steps/%u/call: '%.*s' has no function '%.*s'",
                            (int)doc->name.len, doc->name.ptr, i, (int)step->component.len,
                            step->component.ptr, (int)step->function.len, step->function.ptr);
        }
        flow->places[i].component = iso_sv_component_id(component);
        flow->places[i].function = types->functions[i];
        types->known[i] = true;
        types->results[i] =
            iso_sv_program_func(types->programs[i], types->functions[i])->func->result;
    }
    return ISO_OK;
}

static enum iso_err compile(struct iso_sv_flow_state *flow, struct iso_report *report)
{
    struct types types;
    enum iso_err err = find_types(flow, &types, report);
    for (uint32_t i = 0; i < flow->doc->step_count && err == ISO_OK; i++) {
        if (types.programs[i] == NULL) {
            continue;
        }
        struct iso_sv_flow_args_def def = {
            .alloc = flow->gen->peers->alloc,
            .document = flow->gen->document,
            .flow = flow->index,
            .step = i,
            .func = iso_sv_program_func(types.programs[i], types.functions[i])->func,
            .results = types.results,
            .known = types.known};
        err = iso_sv_flow_args_create(&def, &flow->places[i].args, report);
    }
    return err;
}

static enum iso_err make_engine(struct iso_sv_flow_state *flow)
{
    const struct iso_sv_doc_flow *doc = flow->doc;
    struct iso_sv_flow_step steps[ISO_SV_FLOW_STEPS];
    bool event_here = doc->trigger == ISO_SV_ON_EVENT && doc->event_peer == ISO_SV_HERE;
    for (uint32_t i = 0; i < doc->step_count; i++) {
        uint64_t before = (UINT64_C(1) << i) - 1;
        steps[i].here = doc->steps[i].peer == ISO_SV_HERE;
        steps[i].needs = doc->steps[i].needs & (before | ISO_SV_NEEDS_INPUT);
    }
    struct iso_sv_flow_config config = {
        .alloc = flow->gen->peers->alloc,
        .generation = flow->gen->document->generation,
        .steps = steps,
        .step_count = (uint32_t)doc->step_count,
        .input_from_afar = doc->trigger == ISO_SV_ON_EVENT && !event_here,
        .source_only = event_here && !steps[0].here,
        .every_ns = doc->trigger == ISO_SV_ON_EVERY ? doc->every_ns : 0,
        .wants_result = doc->trigger == ISO_SV_ON_CALL,
        .overload = (enum iso_sv_flow_overload)doc->overload,
        .window = doc->window,
        .random = iso_sv_peers_random(flow->gen->peers),
        .ops = &ops,
        .ctx = flow};
    return iso_sv_flow_create(&config, &flow->engine);
}

/* Whether this device has any part in it. */
static bool is_involved(const struct iso_sv_doc_flow *doc)
{
    bool involved = doc->trigger == ISO_SV_ON_EVENT && doc->event_peer == ISO_SV_HERE;
    for (size_t i = 0; i < doc->step_count; i++) {
        involved = involved || doc->steps[i].peer == ISO_SV_HERE;
    }
    return involved;
}

enum iso_err iso_sv_flows_create(struct iso_sv_gen *gen, struct iso_report *report)
{
    const struct iso_alloc *alloc = gen->peers->alloc;
    size_t count = gen->document->flow_count;
    enum iso_err err = ISO_OK;
    if (gen->flows != NULL || count == 0) {
        return ISO_OK;
    }
    gen->flows = iso_alloc_array(alloc, count, sizeof *gen->flows);
    if (gen->flows == NULL) {
        return ISO_E_NOMEM;
    }
    for (uint32_t i = 0; i < count && err == ISO_OK; i++) {
        struct iso_sv_flow_state *flow = &gen->flows[i];
        flow->gen = gen;
        flow->index = i;
        flow->doc = &gen->document->flows[i];
        if (!is_involved(flow->doc)) {
            continue;
        }
        flow->ref = iso_alloc_new(alloc, sizeof *flow->ref);
        err = flow->ref != NULL ? compile(flow, report) : ISO_E_NOMEM;
        if (err == ISO_OK) {
            flow->ref->refs = 1;
            flow->ref->flow = flow;
            err = make_engine(flow);
        }
    }
    if (err != ISO_OK) {
        iso_sv_flows_destroy(gen);
    }
    return err;
}

/* ---- Life --------------------------------------------------------------------------------------
 */

static struct iso_sv_flow_state *same_flow(struct iso_sv_gen *gen, struct iso_str name)
{
    uint32_t index =
        gen != NULL && gen->flows != NULL ? iso_sv_document_flow(gen->document, name) : ISO_SV_HERE;
    return index != ISO_SV_HERE && gen->flows[index].engine != NULL ? &gen->flows[index] : NULL;
}

void iso_sv_flows_begin(struct iso_sv_gen *gen, struct iso_sv_gen *before)
{
    struct iso_report report;
    iso_report_init(&report);
    enum iso_err err = iso_sv_flows_create(gen, &report);
    if (err != ISO_OK && gen->peers->changed != NULL) {
        gen->peers->changed(gen->peers->ctx, gen->document->app, iso_str_from_z(""), "failed",
                            iso_report_text(&report, err));
    }
    for (size_t i = 0; gen->flows != NULL && i < gen->document->flow_count; i++) {
        struct iso_sv_flow_state *flow = &gen->flows[i];
        struct iso_sv_flow_state *old = same_flow(before, flow->doc->name);
        if (flow->engine == NULL) {
            continue;
        }
        if (old != NULL) {
            old->drained = *iso_sv_flow_stats(old->engine);
            iso_sv_flow_add_stats(flow->engine, &old->drained, NULL);
        }
        iso_sv_flow_begin(flow->engine, uv_hrtime());
        iso_sv_flow_wake(flow);
    }
}

void iso_sv_flows_drain(struct iso_sv_gen *gen)
{
    for (size_t i = 0; gen->flows != NULL && i < gen->document->flow_count; i++) {
        if (gen->flows[i].engine != NULL) {
            iso_sv_flow_drain(gen->flows[i].engine);
        }
    }
}

static void destroy_flow(struct iso_sv_flow_state *flow)
{
    struct iso_sv_gen *gen = flow->gen;
    const struct iso_alloc *alloc = gen->peers->alloc;
    uint64_t now_ns = uv_hrtime();
    if (flow->engine != NULL) {
        iso_sv_flow_lose(flow->engine, now_ns);
        struct iso_sv_flow_state *next =
            gen->stopped
                ? same_flow(iso_sv_peers_committed(gen->peers, gen->document->app), flow->doc->name)
                : NULL;
        if (next != NULL) {
            iso_sv_flow_add_stats(next->engine, iso_sv_flow_stats(flow->engine), &flow->drained);
        }
    }
    for (uint32_t i = 0; i < ISO_SV_FLOW_STEPS; i++) {
        if (flow->places[i].call != NULL) {
            iso_sv_call_abandon(flow->places[i].call);
        }
    }
    iso_sv_flow_destroy(flow->engine, now_ns);
    for (uint32_t i = 0; i < ISO_SV_FLOW_STEPS; i++) {
        iso_sv_flow_args_destroy(flow->places[i].args);
    }
    if (flow->ref != NULL) {
        flow->ref->flow = NULL;
        flow->ref->refs += flow->ref->refs == 0 ? 1 : 0; /* one that was not compiled */
        unref(alloc, flow->ref);
    }
}

void iso_sv_flows_destroy(struct iso_sv_gen *gen)
{
    if (gen->flows == NULL) {
        return;
    }
    for (size_t i = 0; i < gen->document->flow_count; i++) {
        if (gen->flows[i].gen != NULL) {
            destroy_flow(&gen->flows[i]);
        }
    }
    iso_alloc_free(gen->peers->alloc, gen->flows, gen->document->flow_count * sizeof *gen->flows);
    gen->flows = NULL;
}

uint64_t iso_sv_flows_tick(struct iso_sv_gen *gen, uint64_t now_ns)
{
    uint64_t next = UINT64_MAX;
    for (size_t i = 0; gen->flows != NULL && i < gen->document->flow_count; i++) {
        struct iso_sv_flow *engine = gen->flows[i].engine;
        if (engine == NULL) {
            continue;
        }
        if (iso_sv_flow_next_ns(engine) <= now_ns) {
            iso_sv_flow_tick(engine, now_ns);
        }
        uint64_t at = iso_sv_flow_next_ns(engine);
        next = at < next ? at : next;
    }
    return next;
}
