/* api_deployments.c - HTTP: deployments and moving; docs/deployment.md specifies them. */
#include "supervisor/daemon.h"

#include "base/format.h"
#include "platform/platform.h"

#include <jansson.h>

#include <string.h>

struct change {
    struct iso_supervisor *sv;
    iso_http_id id;
};

static struct change *begin(struct iso_supervisor *sv, struct iso_http_request *req)
{
    struct change *change = iso_alloc_new(sv->alloc, sizeof *change);
    if (change == NULL) {
        iso_http_problem(sv->http, iso_http_request_id(req), 503, NULL, NULL, "out of memory");
        return NULL;
    }
    *change = (struct change){sv, iso_http_request_id(req)};
    return change;
}

/* As the table in deployment.h has them. */
static unsigned status_of(enum iso_err err)
{
    switch (err) {
    case ISO_E_SNAPSHOT:
    case ISO_E_LINK:
        return 422;
    case ISO_E_REFUSED:
        return 503;
    case ISO_E_LIMIT:
        return 413;
    case ISO_E_IO:
    case ISO_E_ACCESS:
        return 507;
    default:
        return iso_reply_status(err);
    }
}

static void changed(void *ctx, enum iso_err err, const struct iso_report *report)
{
    struct change *change = ctx;
    struct iso_supervisor *sv = change->sv;
    const iso_http_id id = change->id;
    iso_alloc_free(sv->alloc, change, sizeof *change);
    if (err == ISO_OK) {
        iso_http_reply(sv->http, id, 204, NULL, iso_bytes_from(NULL, 0));
    } else {
        iso_http_problem(sv->http, id, status_of(err), NULL, NULL, iso_report_text(report, err));
    }
}

/* A number as a path segment or parameter; false when 400 has been answered. */
static bool number_of(struct iso_supervisor *sv, struct iso_http_request *req, struct iso_str text,
                      const char *what, uint64_t *out)
{
    char digits[24], detail[96];
    if (text.len < sizeof digits) {
        (void)iso_format(digits, sizeof digits, "%.*s", (int)text.len, text.ptr);
        if (iso_parse_count(digits, ISO_SV_DOC_NUMBER_MAX, out, NULL) == ISO_OK) {
            return true;
        }
    }
    (void)iso_format(detail, sizeof detail, "the %s must be a whole number below 2^53", what);
    iso_http_problem(sv->http, iso_http_request_id(req), 400, NULL, NULL, detail);
    return false;
}

/* ---- Deployments ---------------------------------------------------------------------------- */

static void get_all(void *ctx, struct iso_http_request *req,
                    const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_supervisor *sv = ctx;
    struct iso_reply_document document;
    (void)params;
    iso_reply_document_begin(&document);
    iso_sv_deployments_describe(sv->deployments, &document.json);
    iso_reply_document_end(&document, sv->http, iso_http_request_id(req), 200, ISO_OK);
}

static void get_one(void *ctx, struct iso_http_request *req,
                    const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_supervisor *sv = ctx;
    struct iso_reply_document document;
    enum iso_err err = ISO_OK;
    iso_reply_document_begin(&document);
    if (!iso_sv_deployments_describe_app(sv->deployments, params[0], &document.json)) {
        err = iso_fail(&document.report, ISO_E_NOT_FOUND, "no such application is deployed here");
    }
    iso_reply_document_end(&document, sv->http, iso_http_request_id(req), 200, err);
}

static void get_document(void *ctx, struct iso_http_request *req,
                         const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_supervisor *sv = ctx;
    struct iso_buf buf;
    const struct iso_sv_generation *generation =
        iso_sv_deployments_committed(sv->deployments, params[0]);
    if (generation == NULL) {
        iso_http_problem(sv->http, iso_http_request_id(req), 404, NULL, NULL,
                         "no such application is deployed here");
        return;
    }
    iso_buf_init(&buf, sv->alloc, 4u << 20);
    const enum iso_err err = iso_sv_document_redact(generation->document, &buf);
    iso_reply_buf(req, 200, "application/json", &buf, err);
}

static void put(void *ctx, struct iso_http_request *req,
                const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_supervisor *sv = ctx;
    struct change *change = begin(sv, req);
    if (change != NULL) {
        iso_sv_deployments_put(sv->deployments, params[0], iso_http_request_body(req), changed,
                               change);
    }
}

static void prepare(void *ctx, struct iso_http_request *req,
                    const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_supervisor *sv = ctx;
    uint64_t generation;
    struct change *change;
    if (number_of(sv, req, params[1], "generation", &generation) &&
        (change = begin(sv, req)) != NULL) {
        iso_sv_deployments_prepare(sv->deployments, params[0], generation,
                                   iso_http_request_body(req), changed, change);
    }
}

/* Steps of a generation that need no document. */
typedef void (*generation_fn)(struct iso_sv_deployments *deployments, struct iso_str app,
                              uint64_t generation, iso_sv_deployed_fn done, void *ctx);

static void with_generation(struct iso_supervisor *sv, struct iso_http_request *req,
                            const struct iso_str *params, generation_fn step)
{
    uint64_t generation;
    struct change *change;
    if (number_of(sv, req, params[1], "generation", &generation) &&
        (change = begin(sv, req)) != NULL) {
        step(sv->deployments, params[0], generation, changed, change);
    }
}

static void commit(void *ctx, struct iso_http_request *req,
                   const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_supervisor *sv = ctx;
    with_generation(sv, req, params, iso_sv_deployments_commit);
}

static void abort_prepared(void *ctx, struct iso_http_request *req,
                           const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_supervisor *sv = ctx;
    with_generation(sv, req, params, iso_sv_deployments_abort);
}

static void delete_one(void *ctx, struct iso_http_request *req,
                       const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_supervisor *sv = ctx;
    uint64_t generation = 0;
    struct iso_str text;
    if (iso_http_request_parameter(req, "generation", &text) &&
        !number_of(sv, req, text, "generation", &generation)) {
        return;
    }
    const bool forget =
        iso_http_request_parameter(req, "forget", &text) && iso_str_equal_z(text, "true");
    struct change *change = begin(sv, req);
    if (change != NULL) {
        iso_sv_deployments_delete(sv->deployments, params[0], generation, forget, changed, change);
    }
}

/* ---- Moving --------------------------------------------------------------------------------- */

/* {"epoch": N, "to": "peer"}; what is not wanted may be missing. False when 400 was answered. */
static bool read_move(struct iso_supervisor *sv, struct iso_http_request *req, uint64_t *epoch,
                      json_t **document)
{
    const struct iso_bytes body = iso_http_request_body(req);
    json_error_t error;
    json_t *root = json_loadb((const char *)body.ptr, body.len, JSON_REJECT_DUPLICATES, &error);
    const json_t *number = json_object_get(root, "epoch");
    if (!json_is_integer(number) || json_integer_value(number) < 1) {
        json_decref(root);
        iso_http_problem(sv->http, iso_http_request_id(req), 400, NULL, NULL,
                         "the body must be {\"epoch\": N}, N from 1");
        return false;
    }
    *epoch = (uint64_t)json_integer_value(number);
    *document = root;
    return true;
}

/* Moves that take an epoch and nothing else. */
typedef void (*move_fn)(struct iso_sv_deployments *deployments, struct iso_str app,
                        struct iso_str component, uint64_t epoch, iso_sv_deployed_fn done,
                        void *ctx);

static void move(struct iso_supervisor *sv, struct iso_http_request *req,
                 const struct iso_str *params, move_fn step)
{
    uint64_t epoch;
    json_t *root;
    struct change *change;
    if (!read_move(sv, req, &epoch, &root)) {
        return;
    }
    json_decref(root);
    if ((change = begin(sv, req)) != NULL) {
        step(sv->deployments, params[0], params[1], epoch, changed, change);
    }
}

static void own(void *ctx, struct iso_http_request *req,
                const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_supervisor *sv = ctx;
    move(sv, req, params, iso_sv_deployments_own);
}

static void release(void *ctx, struct iso_http_request *req,
                    const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_supervisor *sv = ctx;
    uint64_t epoch;
    json_t *root;
    struct change *change;
    if (!read_move(sv, req, &epoch, &root)) {
        return;
    }
    const json_t *to = json_object_get(root, "to");
    if (!json_is_string(to)) {
        iso_http_problem(sv->http, iso_http_request_id(req), 400, NULL, NULL,
                         "\"to\" must be the name of a peer of the deployment");
    } else if ((change = begin(sv, req)) != NULL) {
        iso_sv_deployments_release(sv->deployments, params[0], params[1], epoch,
                                   iso_str_from(json_string_value(to), json_string_length(to)),
                                   changed, change);
    }
    json_decref(root);
}

static void abort_move(void *ctx, struct iso_http_request *req,
                       const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_supervisor *sv = ctx;
    struct change *change = begin(sv, req);
    if (change != NULL) {
        iso_sv_deployments_move_abort(sv->deployments, params[0], params[1], changed, change);
    }
}

static void got_snapshot(void *ctx, enum iso_err err, uint8_t *bytes, size_t len,
                         const struct iso_report *report)
{
    struct change *change = ctx;
    struct iso_supervisor *sv = change->sv;
    const iso_http_id id = change->id;
    if (err != ISO_OK) {
        changed(change, err, report);
        return;
    }
    iso_alloc_free(sv->alloc, change, sizeof *change);
    iso_reply_block(sv->http, id, "application/octet-stream", bytes, len);
}

static void freeze(void *ctx, struct iso_http_request *req,
                   const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_supervisor *sv = ctx;
    uint64_t epoch;
    json_t *root;
    struct change *change;
    if (!read_move(sv, req, &epoch, &root)) {
        return;
    }
    const bool send = json_is_true(json_object_get(root, "send"));
    json_decref(root);
    if ((change = begin(sv, req)) == NULL) {
        return;
    }
    if (send) {
        iso_sv_deployments_freeze_and_get(sv->deployments, params[0], params[1], epoch,
                                          got_snapshot, change);
    } else {
        iso_sv_deployments_freeze(sv->deployments, params[0], params[1], epoch, changed, change);
    }
}

static void get_remembered(void *ctx, struct iso_http_request *req,
                           const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_supervisor *sv = ctx;
    struct change *change = begin(sv, req);
    if (change != NULL) {
        iso_sv_deployments_ahead_get(sv->deployments, params[0], params[1], got_snapshot, change);
    }
}

static void get_snapshot(void *ctx, struct iso_http_request *req,
                         const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_supervisor *sv = ctx;
    struct change *change = begin(sv, req);
    if (change != NULL) {
        iso_sv_deployments_snapshot_get(sv->deployments, params[0], params[1], got_snapshot,
                                        change);
    }
}

typedef void (*give_fn)(struct iso_sv_deployments *deployments, struct iso_str app,
                        struct iso_str component, uint8_t *bytes, size_t len,
                        iso_sv_deployed_fn done, void *ctx);

static void put_bytes(struct iso_supervisor *sv, struct iso_http_request *req,
                      const struct iso_str *params, give_fn step)
{
    uint8_t *bytes;
    size_t len;
    struct change *change = begin(sv, req);
    if (change == NULL) {
        return;
    }
    if (iso_http_request_take_body(req, &bytes, &len) != ISO_OK) {
        changed(change, ISO_E_NOMEM, NULL);
        return;
    }
    step(sv->deployments, params[0], params[1], bytes, len, changed, change);
}

static void put_remembered(void *ctx, struct iso_http_request *req,
                           const struct iso_str params[ISO_ROUTE_PARAMS])
{
    put_bytes(ctx, req, params, iso_sv_deployments_ahead_put);
}

static void put_snapshot(void *ctx, struct iso_http_request *req,
                         const struct iso_str params[ISO_ROUTE_PARAMS])
{
    put_bytes(ctx, req, params, iso_sv_deployments_snapshot_put);
}

#define ONE "v1/deployments/{app}"
#define GENERATION ONE "/{generation}"
#define MOVE "v1/moves/{app}/{component}"

#define CHANGE(METHOD, PATTERN, HANDLE, BODY, SUMMARY)                                             \
    {                                                                                              \
        .method = (METHOD), .pattern = PATTERN, .access = ISO_ROUTE_OPERATE, .summary = (SUMMARY), \
        .body_max = (BODY), .handle = (HANDLE)                                                     \
    }

#define STATE_OUT(METHOD, PATTERN, HANDLE, BODY, SUMMARY)                                          \
    {                                                                                              \
        .method = (METHOD), .pattern = PATTERN, .access = ISO_ROUTE_OPERATE, .summary = (SUMMARY), \
        .body_max = (BODY), .answer_type = "application/octet-stream", .handle = (HANDLE)          \
    }

#define STATE_IN(PATTERN, HANDLE, SUMMARY)                                                         \
    {                                                                                              \
        .method = ISO_HTTP_PUT, .pattern = PATTERN, .access = ISO_ROUTE_OPERATE,                   \
        .summary = (SUMMARY), .body_max = ISO_SV_SNAPSHOT_BYTES_MAX,                               \
        .body_type = "application/octet-stream", .handle = (HANDLE)                                \
    }

const struct iso_route iso_sv_routes_deployments[] = {
    {.method = ISO_HTTP_GET,
     .pattern = "v1/deployments",
     .access = ISO_ROUTE_READ,
     .summary = "What is deployed here",
     .answer_type = "application/json",
     .handle = get_all},
    {.method = ISO_HTTP_GET,
     .pattern = ONE,
     .access = ISO_ROUTE_READ,
     .summary = "The state of one application here: generations, components, troubles",
     .answer_type = "application/json",
     .handle = get_one},
    {.method = ISO_HTTP_GET,
     .pattern = ONE "/document",
     .access = ISO_ROUTE_OPERATE, /* it has the values of config and env */
     .summary = "Its deployment document, without the keys",
     .answer_type = "application/json",
     .handle = get_document},
    CHANGE(ISO_HTTP_PUT, ONE, put, ISO_SV_DOC_BYTES_MAX, "Deploy: prepare and commit in one"),
    CHANGE(ISO_HTTP_DELETE, ONE, delete_one, 0,
           "Remove an application; ?generation=N only unless a later one is here"),
    CHANGE(ISO_HTTP_POST, GENERATION "/prepare", prepare, ISO_SV_DOC_BYTES_MAX,
           "Make everything ready for a generation; the present one goes on"),
    CHANGE(ISO_HTTP_POST, GENERATION "/commit", commit, 1024, "Switch to the prepared generation"),
    CHANGE(ISO_HTTP_POST, GENERATION "/abort", abort_prepared, 1024,
           "Give the prepared generation up"),
    STATE_OUT(ISO_HTTP_GET, MOVE "/remembered", get_remembered, 0,
              "What the component remembers of finished calls, ahead of its state"),
    STATE_IN(MOVE "/remembered", put_remembered,
             "Take what the component remembers of finished calls, ahead of its state"),
    STATE_OUT(ISO_HTTP_POST, MOVE "/freeze", freeze, 4096,
              "Stop a component at a safepoint; {\"send\": true} answers with its state"),
    STATE_OUT(ISO_HTTP_GET, MOVE "/snapshot", get_snapshot, 0, "The state of the frozen component"),
    STATE_IN(MOVE "/snapshot", put_snapshot,
             "Hold the state of a component for which a prepared generation waits"),
    CHANGE(ISO_HTTP_POST, MOVE "/own", own, 4096, "Run the component whose state is held"),
    CHANGE(ISO_HTTP_POST, MOVE "/release", release, 4096,
           "Forget the frozen component, which runs at a peer now"),
    CHANGE(ISO_HTTP_POST, MOVE "/abort", abort_move, 1024, "Go on here as if nothing had been"),
    {.method = 0}};
