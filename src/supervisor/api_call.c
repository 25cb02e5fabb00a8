/* api_call.c - HTTP: calling a component's functions, reading and observing its properties. */
#include "supervisor/api_call.h"

#include "base/format.h"
#include "base/json_member.h"
#include "supervisor/remember.h"

/* ---- Outcomes ------------------------------------------------------------------------------- */

static const unsigned statuses[ISO_SV_OUTCOME_COUNT] = {
    [ISO_SV_DONE] = 200,     [ISO_SV_ERROR] = 422,       [ISO_SV_ARGUMENT] = 400,
    [ISO_SV_TRAP] = 500,     [ISO_SV_BUSY] = 429,        [ISO_SV_LIMIT] = 503,
    [ISO_SV_MOVED] = 409,    [ISO_SV_NOT_FOUND] = 404,   [ISO_SV_GONE] = 503,
    [ISO_SV_DEADLOCK] = 508, [ISO_SV_UNREACHABLE] = 502, [ISO_SV_UNKNOWN] = 504,
};

/* ---- Encodings ------------------------------------------------------------------------------ */

static const char *const media_types[] = {[ISO_SV_JSON] = "application/json",
                                          [ISO_SV_CBOR] = "application/cbor",
                                          [ISO_SV_RAW] = "application/octet-stream"};

static enum iso_sv_encoding body_encoding(const struct iso_http_request *req)
{
    return iso_http_request_has_type(req, media_types[ISO_SV_CBOR])  ? ISO_SV_CBOR
           : iso_http_request_has_type(req, media_types[ISO_SV_RAW]) ? ISO_SV_RAW
                                                                     : ISO_SV_JSON;
}

static enum iso_sv_encoding reply_encoding(const struct iso_http_request *req)
{
    return iso_http_request_accepts(req, media_types[ISO_SV_CBOR])  ? ISO_SV_CBOR
           : iso_http_request_accepts(req, media_types[ISO_SV_RAW]) ? ISO_SV_RAW
                                                                    : ISO_SV_JSON;
}

/* ---- Calls ---------------------------------------------------------------------------------- */

struct waiting {
    struct iso_supervisor *sv;
    iso_http_id id;
};

static void put_error_member(void *ctx, struct iso_json *json)
{
    const struct iso_sv_call *call = ctx;
    iso_json_key(json, "error");
    if (call->reply.len != 0 && call->reply_actual == ISO_SV_JSON) {
        iso_json_raw(json, iso_str_from((const char *)call->reply.ptr, call->reply.len));
    } else {
        iso_json_null(json);
    }
}

static void put_trap_member(void *ctx, struct iso_json *json)
{
    const struct iso_sv_call *call = ctx;
    if (call->reply.len != 0) {
        iso_json_put_raw(json, "trap",
                         iso_str_from((const char *)call->reply.ptr, call->reply.len));
    }
}

static void problem(struct iso_supervisor *sv, iso_http_id id, struct iso_sv_call *call)
{
    char type[64];
    const unsigned status = statuses[call->outcome];
    const struct iso_http_field retry = {"Retry-After", "1"};
    const size_t fields = call->outcome == ISO_SV_BUSY ? 1 : 0;
    (void)iso_format(type, sizeof type, "urn:isomer:problem:%s",
                     iso_sv_outcome_name(call->outcome));
    const char *detail = call->report.set ? call->report.text : NULL;
    if (call->outcome == ISO_SV_ERROR) {
        iso_http_problem_with(sv->http, id, status, type, "The function answered with an error",
                              detail, NULL, 0, put_error_member, call);
    } else {
        iso_http_problem_with(sv->http, id, status, type, iso_sv_outcome_name(call->outcome),
                              detail, &retry, fields,
                              call->outcome == ISO_SV_TRAP ? put_trap_member : NULL, call);
    }
}

static void answer(struct iso_supervisor *sv, iso_http_id id, struct iso_sv_call *call)
{
    if (call->outcome != ISO_SV_DONE) {
        problem(sv, id, call);
    } else if (call->reply.len == 0 && call->reply_actual != ISO_SV_RAW) {
        iso_http_reply(sv->http, id, 204, NULL, iso_bytes_from(NULL, 0));
    } else {
        iso_reply_taken(sv->http, id, 200, media_types[call->reply_actual], &call->reply);
    }
    iso_sv_call_destroy(call);
}

static void done(struct iso_sv_call *call)
{
    struct waiting *waiting = call->ctx;
    struct iso_supervisor *sv = waiting->sv;
    const iso_http_id id = waiting->id;
    iso_alloc_free(sv->alloc, waiting, sizeof *waiting);
    answer(sv, id, call);
}

static bool fill(struct iso_sv_call *call, struct iso_http_request *req)
{
    call->encoding = body_encoding(req);
    call->reply_encoding = reply_encoding(req);
    uint8_t *body;
    size_t len;
    if (iso_http_request_body(req).len == 0) {
        return true;
    }
    if (iso_http_request_take_body(req, &body, &len) != ISO_OK) {
        return false;
    }
    iso_sv_call_take_body(call, body, len);
    return true;
}

/* Whose an Idempotency-Key is: a token's. The orchestrator that the device belongs to has another
 * token on each of its devices; its keys go where a component goes, with what that remembers. */
static struct iso_str holder_of(struct iso_supervisor *sv, struct iso_http_request *req)
{
    struct iso_str owner;
    bool given;
    if (sv->owner.id[0] != '\0' && iso_http_request_header(req, "Isomer-Owner", &owner) &&
        iso_str_equal_z(owner, sv->owner.id)) {
        return owner;
    }
    const struct iso_token *token =
        iso_access_check(&sv->access, req, uv_hrtime() / 1000000000u, &given);
    return iso_str_from_z(token != NULL ? token->id : "");
}

/* The same key with another function or other arguments is another call: never answered with what
 * was remembered of the first. */
static uint64_t what_is_asked(const struct iso_http_request *req)
{
    struct iso_sha256 hash;
    uint8_t digest[ISO_SHA256_SIZE];
    const struct iso_str path = iso_http_request_path(req);
    const struct iso_bytes body = iso_http_request_body(req);
    iso_sha256_init(&hash);
    iso_sha256_update(&hash, path.ptr, path.len);
    iso_sha256_update(&hash, "", 1);
    iso_sha256_update(&hash, body.ptr, body.len);
    iso_sha256_final(&hash, digest);
    return iso_load_u64le(digest);
}

/* A component's function, or (component NULL) the flow with these names of application and flow. */
static void start(struct iso_supervisor *sv, struct iso_http_request *req,
                  struct iso_sv_component *component, uint32_t index, const struct iso_str *flow)
{
    const iso_http_id id = iso_http_request_id(req);
    struct iso_str key;
    const bool keyed = iso_http_request_header(req, "Idempotency-Key", &key);
    const uint64_t asked = keyed ? what_is_asked(req) : 0; /* before the call takes the body */
    struct waiting *waiting = iso_alloc_new(sv->alloc, sizeof *waiting);
    struct iso_sv_call *call = iso_sv_call_create(sv->core);
    if (waiting == NULL || call == NULL || !fill(call, req)) {
        iso_alloc_free(sv->alloc, waiting, sizeof *waiting);
        iso_sv_call_destroy(call);
        iso_http_problem(sv->http, id, 503, NULL, NULL, "out of memory");
        return;
    }
    *waiting = (struct waiting){sv, id};
    call->done = done;
    call->ctx = waiting;
    if (keyed) {
        iso_sv_call_id_from_key(&call->id, holder_of(sv, req), key);
        call->id.sequence = asked;
    }
    const bool ended = component != NULL ? iso_sv_peers_start(sv->peers, call, component, index)
                                         : iso_sv_flow_call(sv->peers, flow[0], flow[1], call);
    if (ended) {
        iso_alloc_free(sv->alloc, waiting, sizeof *waiting);
        answer(sv, id, call);
    }
}

/* Why an application that is stored here does not run. */
struct trouble {
    struct iso_str app;
    char reason[256]; /* empty: it has none */
};

static void find_trouble(void *ctx, struct iso_str app, const char *reason)
{
    struct trouble *trouble = ctx;
    if (iso_str_equal(app, trouble->app)) {
        (void)iso_format(trouble->reason, sizeof trouble->reason, "%s", reason);
    }
}

static void no_component(struct iso_supervisor *sv, struct iso_http_request *req,
                         const struct iso_str *params)
{
    char detail[512];
    const iso_http_id id = iso_http_request_id(req);
    struct trouble trouble = {params[0], ""};
    iso_sv_deployments_each_trouble(sv->deployments, find_trouble, &trouble);
    if (trouble.reason[0] != '\0') {
        (void)iso_format(detail, sizeof detail, "the application could not be begun: %s",
                         trouble.reason);
        iso_http_problem(sv->http, id, 503, "urn:isomer:problem:gone", "gone", detail);
        return;
    }
    /* One that is known runs elsewhere, or will run here when its move is over. */
    const bool moved = iso_sv_deployments_moved(sv->deployments, params[0], params[1]);
    (void)iso_format(detail, sizeof detail, "no component \"%.*s\" of an application \"%.*s\"%s",
                     (int)(params[1].len < 64 ? params[1].len : 64), params[1].ptr,
                     (int)(params[0].len < 64 ? params[0].len : 64), params[0].ptr,
                     moved ? " runs here at present" : "");
    iso_http_problem(sv->http, id, moved ? 409 : 404,
                     moved ? "urn:isomer:problem:moved" : "urn:isomer:problem:not-found",
                     moved ? "moved" : "not-found", detail);
}

/* The component of the first two parameters; answers when there is none. */
struct iso_sv_component *iso_sv_api_component(struct iso_supervisor *sv,
                                              struct iso_http_request *req,
                                              const struct iso_str *params)
{
    struct iso_sv_component *component = iso_sv_find(sv, params[0], params[1]);
    if (component == NULL) {
        no_component(sv, req, params);
    }
    return component;
}

static void no_function(struct iso_supervisor *sv, struct iso_http_request *req,
                        const struct iso_sv_component *component, struct iso_str name)
{
    const struct iso_sv_program *program = iso_sv_component_program(component);
    char detail[512];
    size_t len = iso_format(detail, sizeof detail, "no function \"%.*s\"; there are",
                            (int)(name.len < 64 ? name.len : 64), name.ptr);
    for (uint32_t i = 0; i < iso_sv_program_func_count(program) && len < sizeof detail - 80; i++) {
        len += iso_format(detail + len, sizeof detail - len, " %.64s",
                          iso_sv_program_func(program, i)->path);
    }
    iso_http_problem(sv->http, iso_http_request_id(req), 404, "urn:isomer:problem:not-found",
                     "not-found", detail);
}

void iso_sv_api_call(void *supervisor, struct iso_http_request *req,
                     const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_supervisor *sv = supervisor;
    struct iso_sv_component *component = iso_sv_api_component(sv, req, params);
    uint32_t index;
    if (component == NULL) {
        return;
    }
    if (!iso_sv_program_func_find(iso_sv_component_program(component), params[2], &index)) {
        no_function(sv, req, component, params[2]);
        return;
    }
    start(sv, req, component, index, NULL);
}

void iso_sv_api_flow(void *supervisor, struct iso_http_request *req,
                     const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_supervisor *sv = supervisor;
    start(sv, req, NULL, 0, params);
}

/* ---- Properties ----------------------------------------------------------------------------- */

bool iso_sv_property_find(const struct iso_sv_program *program, struct iso_str name,
                          uint32_t *index)
{
    /* "level" or "interface.level": the function is get-level. */
    char path[160];
    const char *dot = name.len != 0 ? memchr(name.ptr, '.', name.len) : NULL;
    const size_t before = dot != NULL ? (size_t)(dot - name.ptr) + 1 : 0;
    if (name.len > 128) {
        return false;
    }
    const size_t len =
        iso_format(path, sizeof path, "%.*sget-%.*s", (int)before, name.len != 0 ? name.ptr : "",
                   (int)(name.len - before), name.len != 0 ? name.ptr + before : "");
    if (!iso_sv_program_func_find(program, iso_str_from(path, len), index)) {
        return false;
    }
    const struct iso_wit_func *func = iso_sv_program_func(program, *index)->func;
    return func->param_count == 0 && func->result != NULL;
}

void iso_sv_api_property(void *supervisor, struct iso_http_request *req,
                         const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_supervisor *sv = supervisor;
    struct iso_sv_component *component = iso_sv_api_component(sv, req, params);
    uint32_t index;
    if (component == NULL) {
        return;
    }
    if (!iso_sv_property_find(iso_sv_component_program(component), params[2], &index)) {
        iso_http_problem(sv->http, iso_http_request_id(req), 404, "urn:isomer:problem:not-found",
                         "not-found",
                         "no such property: a property x is a function get-x without parameters");
        return;
    }
    if (iso_sv_poll_http(sv, req, component, index)) {
        return;
    }
    if (iso_http_request_accepts(req, "text/event-stream")) {
        iso_sv_observe_http(sv, req, component, index);
        return;
    }
    start(sv, req, component, index, NULL);
}
