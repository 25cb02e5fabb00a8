/* What comes to flows from outside: messages and outcomes of other devices, calls, events. */
#include "supervisor/item.h"
#include "supervisor/peers_state.h"

/* ---- From other devices ------------------------------------------------------------------------
 */

static void refuse(struct iso_sv_peers *peers, const struct iso_coap_request *request, uint8_t code,
                   const char *text)
{
    (void)iso_coap_respond_text(peers->server, request->id, code, "%s", text);
}

/* The generation that a message is for; NULL when it has been refused. */
static struct iso_sv_gen *find_gen(struct iso_sv_peers *peers, const struct iso_sv_accept *accept,
                                   const struct iso_coap_request *request, uint64_t generation,
                                   uint32_t *peer)
{
    bool later = true; /* than all that are here */
    if (!iso_str_equal_z(request->path[1], accept->app)) {
        refuse(peers, request, ISO_COAP_CODE(4, 4), "not-found: no such application of yours here");
        return NULL;
    }
    for (struct iso_sv_gen *gen = peers->gens; gen != NULL; gen = gen->next) {
        if (!iso_str_equal(gen->document->app, request->path[1])) {
            continue;
        }
        later = later && generation > gen->document->generation;
        *peer = iso_sv_gen_peer(gen, accept);
        if (gen->document->generation != generation || *peer == ISO_SV_HERE) {
            continue;
        }
        if (!gen->started) {
            refuse(peers, request, ISO_COAP_CODE(5, 3),
                   "later: the deployment is not committed here yet");
            return NULL;
        }
        return gen;
    }
    if (later) {
        refuse(peers, request, ISO_COAP_CODE(5, 3), "later: no such deployment here yet");
    } else {
        refuse(peers, request, ISO_COAP_CODE(4, 9), "moved: another deployment has taken over");
    }
    return NULL;
}

/* The flow, for which the peer may do what it wants to; NULL when it has been refused. */
static struct iso_sv_flow_state *find_flow(struct iso_sv_peers *peers, struct iso_sv_gen *gen,
                                           const struct iso_coap_request *request)
{
    uint32_t index = iso_sv_document_flow(gen->document, request->path[2]);
    if (index == ISO_SV_HERE || gen->flows == NULL || gen->flows[index].engine == NULL) {
        refuse(peers, request, ISO_COAP_CODE(4, 4), "not-found: no such flow here");
        return NULL;
    }
    return &gen->flows[index];
}

static bool is_cbor(struct iso_sv_peers *peers, const struct iso_coap_request *request)
{
    if (request->content_format != ISO_COAP_FORMAT_CBOR) {
        refuse(peers, request, ISO_COAP_CODE(4, 15), "a message is CBOR (content format 60)");
        return false;
    }
    return true;
}

void iso_sv_serve_flow(struct iso_sv_peers *peers, const struct iso_sv_accept *accept,
                       const struct iso_coap_request *request)
{
    struct iso_sv_flow_message message;
    uint32_t peer = ISO_SV_HERE;
    if (!is_cbor(peers, request)) {
        return;
    }
    if (iso_sv_flow_message_read(request->payload, &message) != ISO_OK) {
        refuse(peers, request, ISO_COAP_CODE(4, 0), "bad-arguments: not a message of a flow");
        return;
    }
    struct iso_sv_gen *gen = find_gen(peers, accept, request, message.generation, &peer);
    struct iso_sv_flow_state *flow = gen != NULL ? find_flow(peers, gen, request) : NULL;
    if (flow == NULL) {
        return;
    }
    if (message.step >= flow->doc->step_count ||
        !iso_sv_document_hop_allowed(flow->doc, peer, message.step)) {
        refuse(peers, request, ISO_COAP_CODE(4, 3), "the step before is not on your device");
        return;
    }
    iso_sv_flow_receive(flow->engine, uv_hrtime(), &message, request->id);
    iso_sv_flow_wake(flow);
}

void iso_sv_serve_outcomes(struct iso_sv_peers *peers, const struct iso_sv_accept *accept,
                           const struct iso_coap_request *request)
{
    struct iso_sv_flow_outcome outcomes[ISO_SV_FLOW_OUTCOMES];
    uint64_t generation = 0;
    size_t count = 0;
    uint32_t peer = ISO_SV_HERE;
    if (!is_cbor(peers, request)) {
        return;
    }
    if (iso_sv_flow_outcomes_read(request->payload, &generation, outcomes, &count) != ISO_OK) {
        refuse(peers, request, ISO_COAP_CODE(4, 0), "bad-arguments: not outcomes of a flow");
        return;
    }
    struct iso_sv_gen *gen = find_gen(peers, accept, request, generation, &peer);
    struct iso_sv_flow_state *flow = gen != NULL ? find_flow(peers, gen, request) : NULL;
    if (flow == NULL) {
        return;
    }
    if (!iso_sv_document_outcome_allowed(flow->doc, peer)) {
        refuse(peers, request, ISO_COAP_CODE(4, 3), "no step of the flow is on your device");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        iso_sv_flow_learn(flow->engine, uv_hrtime(), &outcomes[i]);
    }
    const struct iso_coap_answer answer = {.code = ISO_COAP_CODE(2, 4),
                                           .content_format = ISO_COAP_FORMAT_NONE};
    (void)iso_coap_respond(peers->server, request->id, &answer);
    iso_sv_flow_wake(flow);
}

/* ---- Calls -------------------------------------------------------------------------------------
 */

/* The result of the last step as the caller wants it. */
static enum iso_err write_reply(struct iso_sv_call *call, struct iso_bytes item)
{
    struct iso_sv_items items = {.rest = item};
    call->reply_actual = call->reply_encoding;
    if (item.len == 0) {
        return ISO_OK;
    }
    if (call->reply_encoding == ISO_SV_RAW) {
        struct iso_bytes bytes = iso_sv_items_bytes(&items, SIZE_MAX);
        if (!items.bad && items.rest.len == 0) {
            return iso_buf_append(&call->reply, bytes.ptr, bytes.len);
        }
        call->reply_actual = ISO_SV_JSON;
    }
    return call->reply_actual == ISO_SV_CBOR ? iso_buf_append(&call->reply, item.ptr, item.len)
                                             : iso_sv_item_to_json(item, &call->reply);
}

static void fill_end(const struct iso_sv_flow_state *flow, struct iso_sv_call *call,
                     const struct iso_sv_flow_outcome *outcome)
{
    const struct iso_sv_doc_step *step =
        &flow->doc->steps[outcome->step < flow->doc->step_count ? outcome->step : 0];
    iso_report_init(&call->report);
    switch (outcome->end) {
    case ISO_SV_FLOW_FINISHED:
        call->outcome = ISO_SV_DONE;
        if (write_reply(call, outcome->result) != ISO_OK) {
            call->outcome = ISO_SV_LIMIT;
            iso_report_set(&call->report, "size: the result is too large");
        }
        break;
    case ISO_SV_FLOW_FAILED:
        call->outcome =
            iso_sv_flow_input_refused(flow->engine, outcome) ? ISO_SV_ARGUMENT : ISO_SV_TRAP;
        iso_report_set(&call->report, "step %u (%.*s.%.*s) on %s: %.*s", outcome->step,
                       (int)step->component.len, step->component.ptr, (int)step->function.len,
                       step->function.ptr,
                       iso_sv_peer_device(flow->gen, step->peer, flow->gen->peers->device_id),
                       (int)outcome->text.len, outcome->text.ptr);
        break;
    case ISO_SV_FLOW_DROPPED:
        call->outcome = ISO_SV_BUSY;
        iso_report_set(&call->report, "dropped before step %u, which has too much to do",
                       outcome->step);
        break;
    case ISO_SV_FLOW_LOST:
        call->outcome = ISO_SV_UNKNOWN;
        iso_report_set(&call->report, "lost: %.*s", (int)outcome->text.len, outcome->text.ptr);
        break;
    }
}

void iso_sv_flow_ended(void *ctx, uint64_t waiter, const struct iso_sv_flow_outcome *outcome)
{
    struct iso_sv_flow_state *flow = ctx;
    struct iso_sv_flow_caller **link = &flow->callers;
    while (*link != NULL && (*link)->id != waiter) {
        link = &(*link)->next;
    }
    struct iso_sv_flow_caller *caller = *link;
    if (caller == NULL) {
        return;
    }
    fill_end(flow, caller->call, outcome);
    caller->ended = true;
    if (!caller->starting) {
        struct iso_sv_call *call = caller->call;
        *link = caller->next;
        iso_alloc_free(flow->gen->peers->alloc, caller, sizeof *caller);
        call->done(call);
    }
}

/* Typed, where the input is the only parameter of a step that is here: then base64 text can be told
 * from other text. */
static enum iso_err typed_input(const struct iso_sv_flow_state *flow,
                                const struct iso_sv_call *call, struct iso_buf *out, bool *done,
                                struct iso_report *report)
{
    const struct iso_sv_doc_step *step = &flow->doc->steps[0];
    struct iso_sv_component *component =
        iso_sv_component_by_id(flow->gen->peers->core, flow->places[0].component);
    *done = false;
    if (step->with != NULL || component == NULL) {
        return ISO_OK;
    }
    const struct iso_wit_func *func =
        iso_sv_program_func(iso_sv_component_program(component), flow->places[0].function)->func;
    if (func->param_count != 1) {
        return ISO_OK;
    }
    struct iso_arena arena;
    struct iso_value value;
    struct iso_report why;
    char name[ISO_NAME_MAX + 1];
    *done = true;
    iso_arena_init(&arena, out->alloc, 0, ISO_SV_FLOW_MESSAGE_BYTES);
    iso_report_init(&why);
    (void)iso_format(name, sizeof name, "%.*s", (int)func->params[0].name.len,
                     func->params[0].name.ptr);
    enum iso_err err =
        iso_json_decode(func->params[0].type, iso_bytes_from(call->body, call->body_len), name,
                        &arena, &value, &why);
    if (err != ISO_OK) {
        iso_report_set(report, "the input, for step 0 (%.*s.%.*s): %s", (int)step->component.len,
                       step->component.ptr, (int)step->function.len, step->function.ptr,
                       iso_report_text(&why, err));
    }
    if (err == ISO_OK) {
        err = iso_cbor_encode(func->params[0].type, &value, out);
    }
    iso_arena_fini(&arena);
    return err;
}

static enum iso_err make_input(const struct iso_sv_flow_state *flow, const struct iso_sv_call *call,
                               struct iso_buf *out, struct iso_report *report)
{
    struct iso_bytes body = iso_bytes_from(call->body, call->body_len);
    bool done = false;
    if (call->encoding == ISO_SV_RAW) {
        return iso_sv_item_bytes(out, body);
    }
    if (body.len == 0) {
        return iso_sv_item_null(out);
    }
    if (call->encoding == ISO_SV_CBOR) {
        enum iso_err err = iso_sv_item_check(body);
        return err == ISO_OK ? iso_buf_append(out, body.ptr, body.len)
                             : iso_fail(report, err, "the input is not one item of CBOR");
    }
    enum iso_err err = typed_input(flow, call, out, &done, report);
    return err == ISO_OK && !done ? iso_sv_item_from_json(body, out, report) : err;
}

static struct iso_sv_block *input_block(const struct iso_sv_flow_state *flow,
                                        struct iso_sv_call *call)
{
    struct iso_buf buf;
    iso_buf_init(&buf, flow->gen->peers->alloc, ISO_SV_FLOW_MESSAGE_BYTES);
    enum iso_err err = make_input(flow, call, &buf, &call->report);
    struct iso_sv_block *block = err == ISO_OK ? iso_sv_block_create(&buf) : NULL;
    iso_buf_fini(&buf);
    if (err != ISO_OK) {
        call->outcome = err == ISO_E_LIMIT || err == ISO_E_NOMEM ? ISO_SV_LIMIT : ISO_SV_ARGUMENT;
        iso_report_set(&call->report, "%s", iso_err_text(err));
    } else if (block == NULL) {
        call->outcome = ISO_SV_LIMIT;
        iso_report_set(&call->report, "no memory for the input");
    }
    return block;
}

/* True: it has ended. */
static bool offer(struct iso_sv_flow_state *flow, struct iso_sv_call *call,
                  struct iso_sv_block *block)
{
    struct iso_sv_peers *peers = flow->gen->peers;
    struct iso_sv_flow_caller *caller = iso_alloc_new(peers->alloc, sizeof *caller);
    struct iso_sv_slot slot = {.block = block, .item = iso_buf_view(&block->bytes)};
    if (caller == NULL) {
        call->outcome = ISO_SV_LIMIT;
        return true;
    }
    *caller = (struct iso_sv_flow_caller){
        .next = flow->callers, .id = peers->next_waiter++, .call = call, .starting = true};
    flow->callers = caller;
    bool taken = iso_sv_flow_offer(flow->engine, uv_hrtime(), slot, caller->id);
    caller->starting = false;
    if (taken && !caller->ended) {
        iso_sv_flow_wake(flow);
        return false;
    }
    struct iso_sv_flow_caller **link = &flow->callers;
    while (*link != caller) {
        link = &(*link)->next;
    }
    *link = caller->next;
    iso_alloc_free(peers->alloc, caller, sizeof *caller);
    if (!taken) {
        call->outcome = ISO_SV_BUSY;
        iso_report_set(&call->report, "the flow has as many runs as it may");
    }
    return true;
}

bool iso_sv_flow_call(struct iso_sv_peers *peers, struct iso_str app, struct iso_str name,
                      struct iso_sv_call *call)
{
    struct iso_sv_gen *gen = iso_sv_peers_committed(peers, app);
    uint32_t index =
        gen != NULL && gen->flows != NULL ? iso_sv_document_flow(gen->document, name) : ISO_SV_HERE;
    iso_report_init(&call->report);
    if (index == ISO_SV_HERE || gen->flows[index].engine == NULL ||
        gen->flows[index].doc->trigger != ISO_SV_ON_CALL ||
        gen->flows[index].doc->steps[0].peer != ISO_SV_HERE) {
        call->outcome = ISO_SV_NOT_FOUND;
        iso_report_set(&call->report, "no flow '%.*s' is started here by calls",
                       (int)(name.len < 64 ? name.len : 64), name.ptr);
        return true;
    }
    struct iso_sv_block *block = input_block(&gen->flows[index], call);
    bool ended = block == NULL || offer(&gen->flows[index], call, block);
    iso_sv_block_unref(block);
    return ended;
}

/* ---- Events ------------------------------------------------------------------------------------
 */

static void start_by_event(struct iso_sv_flow_state *flow, struct iso_str payload)
{
    struct iso_buf buf;
    iso_buf_init(&buf, flow->gen->peers->alloc, ISO_SV_FLOW_MESSAGE_BYTES);
    enum iso_err err =
        payload.len > 0
            ? iso_sv_item_from_json(iso_bytes_from(payload.ptr, payload.len), &buf, NULL)
            : iso_sv_item_null(&buf);
    struct iso_sv_block *block = err == ISO_OK ? iso_sv_block_create(&buf) : NULL;
    iso_buf_fini(&buf);
    if (block != NULL) {
        struct iso_sv_slot slot = {.block = block, .item = iso_buf_view(&block->bytes)};
        (void)iso_sv_flow_offer(flow->engine, uv_hrtime(), slot, 0);
        iso_sv_flow_wake(flow);
        iso_sv_block_unref(block);
    }
}

void iso_sv_peers_event(struct iso_sv_peers *peers, struct iso_sv_component *component,
                        struct iso_str name, struct iso_str payload)
{
    struct iso_sv_gen *gen = iso_sv_peers_committed(peers, iso_sv_component_app(component));
    for (size_t i = 0; gen != NULL && gen->flows != NULL && i < gen->document->flow_count; i++) {
        struct iso_sv_flow_state *flow = &gen->flows[i];
        if (flow->engine != NULL && flow->doc->trigger == ISO_SV_ON_EVENT &&
            flow->doc->event_peer == ISO_SV_HERE &&
            gen->pub->components[flow->doc->event_local] == component &&
            iso_str_equal(flow->doc->event_name, name)) {
            start_by_event(flow, payload);
        }
    }
}
