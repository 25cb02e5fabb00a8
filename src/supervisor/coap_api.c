/* The device's CoAP resources (docs/api.md): /d for everybody, briefly without a key; for peers of
 * deployments what peers.h says; for tokens /c/APP/COMPONENT/... and /f/APP/FLOW, with the role
 * that the method needs.
 */
#include "supervisor/coap_api.h"

#include "supervisor/api_call.h"
#include "supervisor/item.h"
#include "supervisor/remember.h"

static void refuse(struct iso_supervisor *sv, const struct iso_coap_request *request, uint8_t code,
                   const char *text)
{
    (void)iso_coap_respond_text(sv->coap, request->id, code, "%s", text);
}

/* ---- Forms -------------------------------------------------------------------------------------
 */

static bool encoding_of(int32_t format, enum iso_sv_encoding *out)
{
    switch (format) {
    case ISO_COAP_FORMAT_NONE:
    case ISO_COAP_FORMAT_JSON:
        *out = ISO_SV_JSON;
        return true;
    case ISO_COAP_FORMAT_CBOR:
        *out = ISO_SV_CBOR;
        return true;
    case ISO_COAP_FORMAT_OCTETS:
        *out = ISO_SV_RAW;
        return true;
    default:
        return false;
    }
}

bool iso_sv_coap_accept(const struct iso_coap_request *request, enum iso_sv_encoding *out)
{
    return encoding_of(request->accept, out);
}

static int32_t format_of(enum iso_sv_encoding encoding)
{
    return encoding == ISO_SV_CBOR  ? ISO_COAP_FORMAT_CBOR
           : encoding == ISO_SV_RAW ? ISO_COAP_FORMAT_OCTETS
                                    : ISO_COAP_FORMAT_JSON;
}

void iso_sv_coap_answer_call(struct iso_supervisor *sv, uint64_t request, uint8_t code,
                             bool observe, const struct iso_sv_call *call)
{
    if (call->outcome != ISO_SV_DONE && call->outcome != ISO_SV_ERROR) {
        (void)iso_coap_respond_text(sv->coap, request, iso_sv_outcome_to_code(call->outcome),
                                    "%s: %s", iso_sv_outcome_name(call->outcome),
                                    call->report.set ? call->report.text : "");
        return;
    }
    const struct iso_coap_answer answer = {
        .code = call->outcome == ISO_SV_DONE ? code : iso_sv_outcome_to_code(call->outcome),
        .content_format =
            call->reply.len > 0 ? format_of(call->reply_actual) : ISO_COAP_FORMAT_NONE,
        .payload = iso_buf_view(&call->reply),
        .observe = observe && call->outcome == ISO_SV_DONE};
    (void)iso_coap_respond(sv->coap, request, &answer);
}

/* ---- /d ----------------------------------------------------------------------------------------
 */

static void get_device(struct iso_supervisor *sv, const struct iso_coap_request *request)
{
    struct iso_buf json, cbor;
    iso_buf_init(&json, sv->alloc, SIZE_MAX);
    iso_buf_init(&cbor, sv->alloc, SIZE_MAX);
    bool as_cbor = request->accept == ISO_COAP_FORMAT_CBOR;
    /* Who has a key has a token, which may read at least, or is a device of a deployment. */
    enum iso_err err =
        request->secure ? iso_sv_write_device(sv, &json) : iso_sv_write_device_briefly(sv, &json);
    if (err == ISO_OK && as_cbor) {
        err = iso_sv_item_from_json(iso_buf_view(&json), &cbor, NULL);
    }
    if (request->accept != ISO_COAP_FORMAT_NONE && request->accept != ISO_COAP_FORMAT_JSON &&
        !as_cbor) {
        refuse(sv, request, ISO_COAP_CODE(4, 6), "JSON (50) and CBOR (60) are available");
    } else if (err != ISO_OK) {
        refuse(sv, request, ISO_COAP_CODE(5, 0), iso_err_text(err));
    } else {
        const struct iso_coap_answer answer = {.code = ISO_COAP_CODE(2, 5),
                                               .content_format = as_cbor ? ISO_COAP_FORMAT_CBOR
                                                                         : ISO_COAP_FORMAT_JSON,
                                               .payload = iso_buf_view(as_cbor ? &cbor : &json)};
        (void)iso_coap_respond(sv->coap, request->id, &answer);
    }
    iso_buf_fini(&json);
    iso_buf_fini(&cbor);
}

/* ---- Calls -------------------------------------------------------------------------------------
 */

struct waiting {
    struct iso_supervisor *sv;
    uint64_t request;
    uint8_t code;
    bool observe;
};

static void on_done(struct iso_sv_call *call)
{
    struct waiting *waiting = call->ctx;
    struct iso_supervisor *sv = waiting->sv;
    iso_sv_coap_answer_call(sv, waiting->request, waiting->code, waiting->observe, call);
    iso_alloc_free(sv->alloc, waiting, sizeof *waiting);
    iso_sv_call_destroy(call);
}

/* A call for a request, with its body and forms; NULL when it has been answered. */
static struct iso_sv_call *make_call(struct iso_supervisor *sv,
                                     const struct iso_coap_request *request, uint8_t code)
{
    enum iso_sv_encoding in, out;
    if (!encoding_of(request->content_format, &in)) {
        refuse(sv, request, ISO_COAP_CODE(4, 15),
               "JSON (50), CBOR (60) and octets (42) are understood");
        return NULL;
    }
    if (!iso_sv_coap_accept(request, &out)) {
        refuse(sv, request, ISO_COAP_CODE(4, 6),
               "JSON (50), CBOR (60) and octets (42) are available");
        return NULL;
    }
    struct waiting *waiting = iso_alloc_new(sv->alloc, sizeof *waiting);
    struct iso_sv_call *call = iso_sv_call_create(sv->core);
    if (waiting == NULL || call == NULL || iso_sv_call_set_body(call, request->payload) != ISO_OK) {
        iso_alloc_free(sv->alloc, waiting, sizeof *waiting);
        iso_sv_call_destroy(call);
        refuse(sv, request, ISO_COAP_CODE(5, 3), "limit: no memory for the call");
        return NULL;
    }
    *waiting = (struct waiting){.sv = sv, .request = request->id, .code = code};
    call->encoding = in;
    call->reply_encoding = out;
    call->done = on_done;
    call->ctx = waiting;
    return call;
}

static struct iso_sv_component *find_component(struct iso_supervisor *sv,
                                               const struct iso_coap_request *request)
{
    struct iso_sv_component *component = iso_sv_find(sv, request->path[1], request->path[2]);
    if (component == NULL) {
        refuse(sv, request, ISO_COAP_CODE(4, 4), "not-found: no such component");
    }
    return component;
}

/* key=TEXT among the queries: the call is executed once, however often it is sent. */
static void take_key(const struct iso_coap_request *request, struct iso_sv_call *call)
{
    for (size_t i = 0; i < request->query_count; i++) {
        struct iso_str query = request->queries[i];
        if (query.len > 4 && memcmp(query.ptr, "key=", 4) == 0) {
            iso_sv_call_id_from_key(&call->id, request->identity,
                                    iso_str_from(query.ptr + 4, query.len - 4));
        }
    }
}

/* POST /c/APP/COMPONENT/FUNCTION */
static void post_call(struct iso_supervisor *sv, const struct iso_coap_request *request)
{
    struct iso_sv_component *component = find_component(sv, request);
    uint32_t index;
    if (component == NULL) {
        return;
    }
    if (!iso_sv_program_func_find(iso_sv_component_program(component), request->path[3], &index)) {
        refuse(sv, request, ISO_COAP_CODE(4, 4), "not-found: no such function");
        return;
    }
    struct iso_sv_call *call = make_call(sv, request, ISO_COAP_CODE(2, 4));
    if (call == NULL) {
        return;
    }
    take_key(request, call);
    if (iso_sv_peers_start(sv->peers, call, component, index)) {
        on_done(call);
    }
}

/* POST /f/APP/FLOW */
static void post_flow(struct iso_supervisor *sv, const struct iso_coap_request *request)
{
    struct iso_sv_call *call = make_call(sv, request, ISO_COAP_CODE(2, 4));
    if (call != NULL && iso_sv_flow_call(sv->peers, request->path[1], request->path[2], call)) {
        on_done(call);
    }
}

/* GET /c/APP/COMPONENT/properties/NAME */
static void get_property(struct iso_supervisor *sv, const struct iso_coap_request *request)
{
    if (request->observe == ISO_COAP_OBSERVE_NOTIFY) {
        iso_sv_coap_notify(sv, request);
        return;
    }
    struct iso_sv_component *component = find_component(sv, request);
    uint32_t index;
    if (component == NULL) {
        return;
    }
    const struct iso_sv_program *program = iso_sv_component_program(component);
    if (!iso_sv_property_find(program, request->path[4], &index)) {
        refuse(sv, request, ISO_COAP_CODE(4, 4), "not-found: no such property");
        return;
    }
    struct iso_sv_call *call = make_call(sv, request, ISO_COAP_CODE(2, 5));
    if (call == NULL) {
        return;
    }
    if (request->observe == ISO_COAP_OBSERVE_REGISTER && call->reply_encoding != ISO_SV_RAW) {
        ((struct waiting *)call->ctx)->observe = iso_sv_coap_may_watch(sv, request->path_text);
    }
    if (iso_sv_peers_start(sv->peers, call, component, index)) {
        on_done(call);
    }
}

/* GET /c/APP/COMPONENT/events: nothing by itself; observed, each event as it comes. */
static void get_events(struct iso_supervisor *sv, const struct iso_coap_request *request)
{
    if (find_component(sv, request) == NULL) {
        return;
    }
    const struct iso_coap_answer answer = {.code = ISO_COAP_CODE(2, 5),
                                           .content_format = ISO_COAP_FORMAT_JSON,
                                           .payload = iso_bytes_from("null", 4),
                                           .observe =
                                               request->observe == ISO_COAP_OBSERVE_REGISTER ||
                                               request->observe == ISO_COAP_OBSERVE_NOTIFY};
    (void)iso_coap_respond(sv->coap, request->id, &answer);
}

/* ---- Routes ------------------------------------------------------------------------------------
 */

struct route {
    uint8_t method;
    size_t segments;
    const char *first;
    const char *fourth; /* NULL: any */
    void (*handle)(struct iso_supervisor *sv, const struct iso_coap_request *request);
};

static const struct route routes[] = {
    {ISO_COAP_GET, 4, "c", "events", get_events},
    {ISO_COAP_GET, 5, "c", "properties", get_property},
    {ISO_COAP_POST, 4, "c", NULL, post_call},
    {ISO_COAP_POST, 3, "f", NULL, post_flow},
};

static bool is_path(const struct route *route, const struct iso_coap_request *request)
{
    return request->path_count == route->segments &&
           iso_str_equal_z(request->path[0], route->first) &&
           (route->fourth == NULL || iso_str_equal_z(request->path[3], route->fourth));
}

static void serve_token(struct iso_supervisor *sv, const struct iso_coap_request *request,
                        const struct iso_token *token)
{
    bool known = false;
    for (size_t i = 0; i < ISO_COUNT_OF(routes); i++) {
        if (!is_path(&routes[i], request)) {
            continue;
        }
        known = true;
        if (routes[i].method != request->method) {
            continue;
        }
        if (!iso_token_role_covers(token->role, request->method == ISO_COAP_GET
                                                    ? ISO_TOKEN_READ
                                                    : ISO_TOKEN_OPERATE)) {
            refuse(sv, request, ISO_COAP_CODE(4, 3), "the token may read only");
            return;
        }
        routes[i].handle(sv, request);
        return;
    }
    refuse(sv, request, known ? ISO_COAP_CODE(4, 5) : ISO_COAP_CODE(4, 4),
           known ? "another method is wanted here"
                 : "there are /d, /c/APP/COMPONENT/FUNCTION, /c/APP/COMPONENT/properties/NAME, "
                   "/c/APP/COMPONENT/events and /f/APP/FLOW");
}

void iso_sv_coap_request(void *ctx, const struct iso_coap_request *request)
{
    struct iso_supervisor *sv = ctx;
    if (request->path_count == 1 && iso_str_equal_z(request->path[0], "d")) {
        if (request->method == ISO_COAP_GET) {
            get_device(sv, request);
        } else {
            refuse(sv, request, ISO_COAP_CODE(4, 5), "GET is wanted here");
        }
        return;
    }
    if (!request->secure) {
        refuse(sv, request, ISO_COAP_CODE(4, 1),
               "without DTLS or TLS there are /.well-known/core and /d only");
        return;
    }
    if (iso_sv_peers_request(sv->peers, sv->coap, request)) {
        return;
    }
    const struct iso_token *token = iso_token_find(sv->access.tokens, request->identity);
    if (token == NULL) {
        refuse(sv, request, ISO_COAP_CODE(4, 1), "the key was withdrawn");
        return;
    }
    serve_token(sv, request, token);
}
