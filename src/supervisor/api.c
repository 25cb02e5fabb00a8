/* api.c - HTTP: finding the route of a request, who may, and what all answers have in common. The
 * resources are in api_*.c; docs/api.md describes them. */
#include "supervisor/daemon.h"

#include "base/format.h"

#include <string.h>

/* Calls first: they come most. */
const struct iso_sv_route *const iso_sv_route_tables[] = {iso_sv_routes_components,
                                                          iso_sv_routes_device,
                                                          iso_sv_routes_modules,
                                                          iso_sv_routes_deployments,
                                                          iso_sv_routes_streams,
                                                          iso_sv_routes_access,
                                                          NULL};

/* Does the path match, and what stands for {...}? */
static bool matches(const char *pattern, const struct iso_http_request *req,
                    struct iso_str params[ISO_SV_ROUTE_PARAMS])
{
    size_t param = 0, index = 0;
    const size_t count = iso_http_request_segment_count(req);
    for (const char *at = pattern;; index++) {
        const char *end = strchr(at, '/');
        const size_t len = end != NULL ? (size_t)(end - at) : strlen(at);
        if (index >= count) {
            return false;
        }
        const struct iso_str segment = iso_http_request_segment(req, index);
        if (len > 2 && at[0] == '{') {
            if (segment.len == 0) {
                return false;
            }
            ISO_ASSERT(param < ISO_SV_ROUTE_PARAMS);
            params[param++] = segment;
        } else if (!iso_str_equal(segment, iso_str_from(at, len))) {
            return false;
        }
        if (end == NULL) {
            return index + 1 == count;
        }
        at = end + 1;
    }
}

/* The route; NULL with the methods that the path has in *allowed. */
static const struct iso_sv_route *find(const struct iso_http_request *req, unsigned *allowed,
                                       struct iso_str params[ISO_SV_ROUTE_PARAMS])
{
    *allowed = 0;
    for (size_t i = 0; iso_sv_route_tables[i] != NULL; i++) {
        for (const struct iso_sv_route *route = iso_sv_route_tables[i]; route->method != 0;
             route++) {
            if (!matches(route->pattern, req, params)) {
                continue;
            }
            if (route->method == (unsigned)iso_http_request_method(req)) {
                return route;
            }
            *allowed |= route->method;
        }
    }
    return NULL;
}

/* Documents may travel as these; browsers cannot send them to a foreign origin unasked. */
static bool has_good_type(const struct iso_http_request *req)
{
    return iso_http_request_has_type(req, "application/json") ||
           iso_http_request_has_type(req, "application/cbor") ||
           iso_http_request_has_type(req, "application/octet-stream") ||
           iso_http_request_has_type(req, "application/wasm");
}

/* token_id: gets that of the token, when one was needed. */
static bool may(struct iso_supervisor *sv, struct iso_http_request *req,
                const struct iso_sv_route *route, char token_id[ISO_TOKEN_ID_SIZE])
{
    token_id[0] = '\0';
    if (route->access == ISO_SV_PUBLIC) {
        return true;
    }
    const iso_http_id id = iso_http_request_id(req);
    bool given;
    struct iso_str bearer;
    const struct iso_token *token =
        iso_sv_access_check(&sv->access, req, uv_hrtime() / 1000000000u, &given);
    if (token == NULL) {
        iso_http_problem(sv->http, id, 401, NULL, NULL,
                         given ? "the token is not known here"
                               : "this needs a token: Authorization: Bearer TOKEN");
        return false;
    }
    if (!iso_token_role_covers(token->role, route->access == ISO_SV_OPERATE ? ISO_TOKEN_OPERATE
                                                                            : ISO_TOKEN_READ)) {
        iso_http_problem(sv->http, id, 403, NULL, NULL,
                         "the token has the role \"read\"; this needs \"operate\"");
        return false;
    }
    /* A browser sends cookies along by itself: they do for looking only. */
    if (route->access == ISO_SV_OPERATE && !iso_http_request_bearer(req, &bearer)) {
        iso_http_problem(sv->http, id, 403, NULL, NULL,
                         "a page that is signed in may look; this needs a token");
        return false;
    }
    memcpy(token_id, token->id, ISO_TOKEN_ID_SIZE);
    return true;
}

/* Documents need their type; what is bytes by its nature does not. */
static bool check_type(struct iso_supervisor *sv, struct iso_http_request *req,
                       const struct iso_sv_route *route)
{
    struct iso_str type;
    if (iso_http_request_content_length(req) == 0 || route->body_max == 0 ||
        route->body_type != NULL || has_good_type(req)) {
        return true;
    }
    iso_http_problem(sv->http, iso_http_request_id(req), 415, NULL, NULL,
                     iso_http_request_header(req, "Content-Type", &type)
                         ? "write application/json, application/cbor or application/octet-stream"
                         : "the body needs a Content-Type");
    return false;
}

static void on_headers(void *ctx, struct iso_http_request *req)
{
    struct iso_supervisor *sv = ctx;
    struct iso_str params[ISO_SV_ROUTE_PARAMS] = {{NULL, 0}};
    unsigned allowed = 0;
    const struct iso_sv_route *route = find(req, &allowed, params);
    const iso_http_id id = iso_http_request_id(req);
    char token_id[ISO_TOKEN_ID_SIZE];
    if (sv->stopping) {
        iso_http_problem(sv->http, id, 503, NULL, NULL, "the device is stopping");
        return;
    }
    if (route == NULL && allowed == 0) {
        iso_http_problem(sv->http, id, 404, NULL, NULL,
                         "there is nothing at this path; /openapi.json lists what there is");
        return;
    }
    if (route == NULL) {
        iso_http_not_allowed(req, allowed);
        return;
    }
    if (!may(sv, req, route, token_id) || !check_type(sv, req, route)) {
        return;
    }
    struct iso_sv_request *pending = iso_alloc_new(sv->alloc, sizeof *pending);
    if (pending == NULL) {
        iso_http_problem(sv->http, id, 503, NULL, NULL, "out of memory");
        return;
    }
    pending->route = route;
    pending->id = id;
    memcpy(pending->token_id, token_id, sizeof token_id);
    pending->next = sv->requests;
    pending->link = &sv->requests;
    if (pending->next != NULL) {
        pending->next->link = &pending->next;
    }
    sv->requests = pending;
    iso_http_request_set_user(req, pending);
    if (route->data != NULL) {
        if (route->begin(sv, req, params)) {
            iso_http_accept_upload(req, route->body_max, route->data);
        }
    } else if (route->body_max != 0) {
        iso_http_accept_body(req, route->body_max);
    }
}

static void on_request(void *ctx, struct iso_http_request *req)
{
    struct iso_supervisor *sv = ctx;
    const struct iso_sv_request *pending = iso_http_request_user(req);
    struct iso_str params[ISO_SV_ROUTE_PARAMS] = {{NULL, 0}};
    ISO_ASSERT(pending != NULL && matches(pending->route->pattern, req, params));
    pending->route->handle(sv, req, params);
}

static void on_closed(void *ctx, struct iso_http_request *req, bool completed)
{
    struct iso_supervisor *sv = ctx;
    struct iso_sv_request *pending = iso_http_request_user(req);
    (void)completed;
    if (pending == NULL) {
        return;
    }
    if (pending->closed != NULL) {
        pending->closed(sv, pending->user);
    }
    *pending->link = pending->next;
    if (pending->next != NULL) {
        pending->next->link = pending->link;
    }
    iso_alloc_free(sv->alloc, pending, sizeof *pending);
}

void *iso_sv_request_user(const struct iso_http_request *req)
{
    const struct iso_sv_request *pending = iso_http_request_user(req);
    return pending->user;
}

void iso_sv_request_closer(struct iso_http_request *req,
                           void (*closed)(struct iso_supervisor *sv, void *user), void *user)
{
    struct iso_sv_request *pending = iso_http_request_user(req);
    ISO_ASSERT(pending != NULL && pending->closed == NULL);
    pending->closed = closed;
    pending->user = user;
}

static bool is_host(void *ctx, struct iso_str name)
{
    const struct iso_supervisor *sv = ctx;
    char local[80];
    (void)iso_format(local, sizeof local, "%s.local", sv->host_name);
    if (iso_str_equal_z(name, local)) {
        return true;
    }
    for (size_t i = 0; i < sv->config->host_count; i++) {
        if (iso_str_equal_z(name, sv->config->hosts[i])) {
            return true;
        }
    }
    return false;
}

static void log_line(void *ctx, const char *text)
{
    const struct iso_supervisor *sv = ctx;
    iso_sv_log_write(&sv->log, ISO_SV_LOG_WARNING, "http", "%s", text);
}

struct iso_http_callbacks iso_sv_api_callbacks(void)
{
    return (struct iso_http_callbacks){.on_headers = on_headers,
                                       .on_request = on_request,
                                       .on_closed = on_closed,
                                       .is_host = is_host,
                                       .log = log_line};
}

/* ---- Answers -------------------------------------------------------------------------------- */

struct taken {
    const struct iso_alloc *alloc;
    uint8_t *ptr;
    size_t len;
};

static void release(void *ctx)
{
    struct taken *taken = ctx;
    const struct iso_alloc *alloc = taken->alloc;
    iso_alloc_free(alloc, taken->ptr, taken->len);
    iso_alloc_free(alloc, taken, sizeof *taken);
}

void iso_sv_reply_taken(struct iso_supervisor *sv, iso_http_id id, unsigned status,
                        const char *content_type, struct iso_buf *buf)
{
    struct taken *taken = buf->len >= 4096 ? iso_alloc_new(buf->alloc, sizeof *taken) : NULL;
    if (taken == NULL) {
        iso_http_reply(sv->http, id, status, content_type, iso_buf_view(buf));
        iso_buf_fini(buf);
        return;
    }
    *taken = (struct taken){buf->alloc, buf->ptr, buf->cap};
    const struct iso_http_response response = {.status = status,
                                               .content_type = content_type,
                                               .body = iso_buf_view(buf),
                                               .release = release,
                                               .release_ctx = taken};
    iso_buf_init(buf, buf->alloc, buf->max);
    iso_http_respond(sv->http, id, &response);
}

void iso_sv_reply_buf(struct iso_supervisor *sv, struct iso_http_request *req, unsigned status,
                      const char *content_type, struct iso_buf *buf, enum iso_err err)
{
    const iso_http_id id = iso_http_request_id(req);
    if (err != ISO_OK) {
        iso_http_problem(sv->http, id, 500, NULL, NULL, iso_err_text(err));
        iso_buf_fini(buf);
        return;
    }
    iso_sv_reply_taken(sv, id, status, content_type, buf);
}

unsigned iso_sv_error_status(enum iso_err err)
{
    switch (err) {
    case ISO_E_ARGUMENT:
    case ISO_E_MALFORMED:
    case ISO_E_INVALID:
    case ISO_E_UNSUPPORTED:
    case ISO_E_SNAPSHOT:
        return 400;
    case ISO_E_LINK:
        return 422;
    case ISO_E_NOT_FOUND:
        return 404;
    case ISO_E_STATE:
    case ISO_E_EXISTS:
    case ISO_E_REFUSED:
        return 409;
    case ISO_E_ACCESS:
        return 403;
    case ISO_E_LIMIT:
        return 507;
    case ISO_E_NOMEM:
        return 503;
    default:
        return 500;
    }
}

void iso_sv_reply_error(struct iso_supervisor *sv, iso_http_id id, enum iso_err err,
                        const struct iso_report *report)
{
    iso_http_problem(sv->http, id, iso_sv_error_status(err), NULL, NULL,
                     iso_report_text(report, err));
}

void iso_sv_base_url(struct iso_supervisor *sv, const struct iso_http_request *req, char *out,
                     size_t cap)
{
    struct iso_str host;
    (void)sv;
    if (!iso_http_request_header(req, "Host", &host)) {
        host = iso_str_from_z("localhost");
    }
    (void)iso_format(out, cap, "%s://%.*s", iso_http_request_is_tls(req) ? "https" : "http",
                     (int)host.len, host.ptr);
}
