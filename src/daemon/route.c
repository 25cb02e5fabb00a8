/* route.c - finding the route of a request, who may, and the listeners; see route.h. */
#include "daemon/route.h"

#include "base/format.h"
#include "net/token.h"
#include "platform/platform.h"

#include <string.h>

/* A request under way, from its header to its end. */
struct request {
    struct request *next, **link;
    struct iso_route_server *server;
    const struct iso_route_table *table;
    const struct iso_route *route;
    void *ctx; /* of its table */
    iso_http_id id;
    char token_id[ISO_TOKEN_ID_SIZE]; /* empty: it came without one */
    struct closer {
        void (*closed)(void *ctx, void *user);
        void *user;
    } closers[ISO_ROUTE_CLOSERS];
    size_t closer_count;
};

struct iso_route_server {
    const struct iso_alloc *alloc;
    struct iso_http_server *http;
    const char *what;
    const struct iso_route_table *tables;
    struct iso_access *access;
    const struct iso_log *log;
    bool (*is_host)(void *ctx, struct iso_str name);
    void *ctx;
    struct request *requests;
    bool pages_operate, refusing;
    uint16_t https_port, http_port;
    char https_url[ISO_ROUTE_URL_SIZE], http_url[ISO_ROUTE_URL_SIZE];
    void (*done)(void *ctx);
    void *done_ctx;
};

/* ---- Finding the route ---------------------------------------------------------------------- */

/* Does the path match, and what stands for {...}? */
static bool matches(const char *pattern, const struct iso_http_request *req,
                    struct iso_str params[ISO_ROUTE_PARAMS])
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
            ISO_ASSERT(param < ISO_ROUTE_PARAMS);
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

/* The route and its table; NULL with the methods that the path has in *allowed. */
static const struct iso_route *find(const struct iso_route_server *server,
                                    const struct iso_http_request *req, unsigned *allowed,
                                    struct iso_str params[ISO_ROUTE_PARAMS],
                                    const struct iso_route_table **table_out)
{
    *allowed = 0;
    for (const struct iso_route_table *table = server->tables; table->routes != NULL; table++) {
        for (const struct iso_route *route = table->routes; route->method != 0; route++) {
            if (!matches(route->pattern, req, params)) {
                continue;
            }
            if (route->method == (unsigned)iso_http_request_method(req)) {
                *table_out = table;
                return route;
            }
            *allowed |= route->method;
        }
    }
    return NULL;
}

/* ---- Who may -------------------------------------------------------------------------------- */

/* Documents may travel as these; browsers cannot send them to a foreign origin unasked. */
static bool has_good_type(const struct iso_http_request *req)
{
    return iso_http_request_has_type(req, "application/json") ||
           iso_http_request_has_type(req, "application/cbor") ||
           iso_http_request_has_type(req, "application/octet-stream") ||
           iso_http_request_has_type(req, "application/wasm");
}

/* Whether a request with a cookie for a credential may do what needs ISO_ROUTE_OPERATE. NULL: yes;
 * else why not. */
static const char *page_refusal(const struct iso_route_server *server,
                                const struct iso_http_request *req, const struct iso_route *route)
{
    struct iso_str origin, page;
    if (!server->pages_operate || route->by_token) {
        return "a page that is signed in may look; this needs a token";
    }
    if (!iso_http_request_header(req, "Origin", &origin) ||
        !iso_http_request_header(req, "Isomer-Page", &page) || !iso_str_equal_z(page, "1")) {
        return "a change by a page that is signed in needs its Origin and Isomer-Page: 1";
    }
    return NULL;
}

/* token_id: gets that of the token, when one was needed. */
static bool may(struct iso_route_server *server, struct iso_http_request *req,
                const struct iso_route *route, char token_id[ISO_TOKEN_ID_SIZE])
{
    token_id[0] = '\0';
    if (route->access == ISO_ROUTE_PUBLIC) {
        return true;
    }
    const iso_http_id id = iso_http_request_id(req);
    bool given;
    struct iso_str bearer;
    const struct iso_token *token =
        iso_access_check(server->access, req, uv_hrtime() / 1000000000u, &given);
    if (token == NULL) {
        iso_http_problem(server->http, id, 401, NULL, NULL,
                         given ? "the token is not known here"
                               : "this needs a token: Authorization: Bearer TOKEN");
        return false;
    }
    if (!iso_token_role_covers(token->role, route->access == ISO_ROUTE_OPERATE ? ISO_TOKEN_OPERATE
                                                                               : ISO_TOKEN_READ)) {
        iso_http_problem(server->http, id, 403, NULL, NULL,
                         "the token has the role \"read\"; this needs \"operate\"");
        return false;
    }
    const char *refusal =
        route->access == ISO_ROUTE_OPERATE && !iso_http_request_bearer(req, &bearer)
            ? page_refusal(server, req, route)
            : NULL;
    if (refusal != NULL) {
        iso_http_problem(server->http, id, 403, NULL, NULL, refusal);
        return false;
    }
    memcpy(token_id, token->id, ISO_TOKEN_ID_SIZE);
    return true;
}

/* Documents need their type; what is bytes by its nature does not. */
static bool check_type(struct iso_route_server *server, struct iso_http_request *req,
                       const struct iso_route *route)
{
    struct iso_str type;
    if (iso_http_request_content_length(req) == 0 || route->body_max == 0 ||
        route->body_type != NULL || has_good_type(req)) {
        return true;
    }
    iso_http_problem(server->http, iso_http_request_id(req), 415, NULL, NULL,
                     iso_http_request_header(req, "Content-Type", &type)
                         ? "write application/json, application/cbor or application/octet-stream"
                         : "the body needs a Content-Type");
    return false;
}

/* What the table's owner has to say to changes. */
static bool is_admitted(const struct iso_route_table *table, const struct iso_route *route,
                        struct iso_http_request *req)
{
    return table->admit == NULL || route->access != ISO_ROUTE_OPERATE ||
           route->method == ISO_HTTP_GET || table->admit(table->ctx, req);
}

/* ---- The server's callbacks ------------------------------------------------------------------ */

static struct request *keep(struct iso_route_server *server, struct iso_http_request *req,
                            const struct iso_route_table *table, const struct iso_route *route,
                            const char *token_id)
{
    struct request *request = iso_alloc_new(server->alloc, sizeof *request);
    if (request == NULL) {
        iso_http_problem(server->http, iso_http_request_id(req), 503, NULL, NULL, "out of memory");
        return NULL;
    }
    *request = (struct request){.next = server->requests,
                                .link = &server->requests,
                                .server = server,
                                .table = table,
                                .route = route,
                                .ctx = table->ctx,
                                .id = iso_http_request_id(req)};
    memcpy(request->token_id, token_id, sizeof request->token_id);
    if (request->next != NULL) {
        request->next->link = &request->next;
    }
    server->requests = request;
    iso_http_request_set_user(req, request);
    return request;
}

static unsigned on_data(void *ctx, struct iso_http_request *req, struct iso_bytes piece)
{
    const struct request *request = iso_http_request_user(req);
    (void)ctx;
    return request->route->data(request->ctx, req, piece);
}

static void refuse(struct iso_route_server *server, iso_http_id id)
{
    char detail[64];
    (void)iso_format(detail, sizeof detail, "the %s is stopping", server->what);
    iso_http_problem(server->http, id, 503, NULL, NULL, detail);
}

static void on_headers(void *ctx, struct iso_http_request *req)
{
    struct iso_route_server *server = ctx;
    struct iso_str params[ISO_ROUTE_PARAMS] = {{NULL, 0}};
    unsigned allowed = 0;
    const struct iso_route_table *table = NULL;
    const struct iso_route *route = find(server, req, &allowed, params, &table);
    const iso_http_id id = iso_http_request_id(req);
    char token_id[ISO_TOKEN_ID_SIZE];
    if (server->refusing) {
        refuse(server, id);
        return;
    }
    if (route == NULL && allowed == 0) {
        iso_http_problem(server->http, id, 404, NULL, NULL,
                         "there is nothing at this path; /openapi.json lists what there is");
        return;
    }
    if (route == NULL) {
        iso_http_not_allowed(req, allowed);
        return;
    }
    if (!may(server, req, route, token_id) || !check_type(server, req, route) ||
        !is_admitted(table, route, req) || keep(server, req, table, route, token_id) == NULL) {
        return;
    }
    if (route->data != NULL) {
        if (route->begin(table->ctx, req, params)) {
            iso_http_accept_upload(req, route->body_max, on_data);
        }
    } else if (route->body_max != 0) {
        iso_http_accept_body(req, route->body_max);
    }
}

static void on_request(void *ctx, struct iso_http_request *req)
{
    struct iso_route_server *server = ctx;
    const struct request *request = iso_http_request_user(req);
    struct iso_str params[ISO_ROUTE_PARAMS] = {{NULL, 0}};
    if (server->refusing) { /* its body has come too late */
        refuse(server, iso_http_request_id(req));
        return;
    }
    ISO_ASSERT(request != NULL && matches(request->route->pattern, req, params));
    if (is_admitted(request->table, request->route, req)) {
        request->route->handle(request->ctx, req, params);
    }
}

static void on_closed(void *ctx, struct iso_http_request *req, bool completed)
{
    const struct iso_route_server *server = ctx;
    struct request *request = iso_http_request_user(req);
    (void)completed;
    if (request == NULL) {
        return;
    }
    while (request->closer_count > 0) {
        const struct closer *closer = &request->closers[--request->closer_count];
        closer->closed(request->ctx, closer->user);
    }
    *request->link = request->next;
    if (request->next != NULL) {
        request->next->link = request->link;
    }
    iso_alloc_free(server->alloc, request, sizeof *request);
}

static bool is_host(void *ctx, struct iso_str name)
{
    const struct iso_route_server *server = ctx;
    return server->is_host != NULL && server->is_host(server->ctx, name);
}

static void log_line(void *ctx, const char *text)
{
    const struct iso_route_server *server = ctx;
    iso_log_write(server->log, ISO_LOG_WARNING, "http", "%s", text);
}

/* ---- A request under way -------------------------------------------------------------------- */

void *iso_route_user(const struct iso_http_request *req)
{
    const struct request *request = iso_http_request_user(req);
    return request->closers[0].user;
}

void iso_route_closer(struct iso_http_request *req, void (*closed)(void *ctx, void *user),
                      void *user)
{
    struct request *request = iso_http_request_user(req);
    ISO_ASSERT(request != NULL && request->closer_count < ISO_ROUTE_CLOSERS);
    request->closers[request->closer_count++] = (struct closer){closed, user};
}

const char *iso_route_token_id(const struct iso_http_request *req)
{
    const struct request *request = iso_http_request_user(req);
    return request->token_id;
}

struct iso_route_server *iso_route_server_of(const struct iso_http_request *req)
{
    const struct request *request = iso_http_request_user(req);
    return request->server;
}

void iso_route_base_url(const struct iso_http_request *req, char *out, size_t cap)
{
    struct iso_str host;
    if (!iso_http_request_header(req, "Host", &host)) {
        host = iso_str_from_z("localhost");
    }
    (void)iso_format(out, cap, "%s://%.*s", iso_http_request_is_tls(req) ? "https" : "http",
                     (int)host.len, host.ptr);
}

/* ---- Listeners ------------------------------------------------------------------------------ */

size_t iso_route_addresses(const char *const *list, size_t count, const char *fallback,
                           const char *out[ISO_ROUTE_LISTEN_MAX])
{
    ISO_ASSERT(count <= ISO_ROUTE_LISTEN_MAX);
    if (count == 1 && strcmp(list[0], "none") == 0) {
        return 0;
    }
    if (count == 0) {
        out[0] = fallback;
        return 1;
    }
    for (size_t i = 0; i < count; i++) {
        out[i] = list[i];
    }
    return count;
}

/* What the configuration asks for; *tls: how many of them, the first ones, are HTTPS. */
static enum iso_err list_listeners(const struct iso_route_config *config,
                                   struct iso_http_listener *listeners, size_t *tls, size_t *count,
                                   struct iso_report *report)
{
    const char *https[ISO_ROUTE_LISTEN_MAX], *plain[ISO_ROUTE_LISTEN_MAX];
    *tls = iso_route_addresses(config->https, config->https_count, config->https_default, https);
    const size_t local =
        iso_route_addresses(config->http, config->http_count, config->http_default, plain);
    for (size_t i = 0; i < *tls; i++) {
        listeners[i] = (struct iso_http_listener){https[i], config->identity->certificate_pem,
                                                  config->identity->key_pem};
    }
    for (size_t i = 0; i < local; i++) {
        if (!iso_address_is_loopback(iso_str_from_z(plain[i]))) {
            return iso_fail(report, ISO_E_ARGUMENT,
                            "plain HTTP on %s: only loopback addresses (127.0.0.1, [::1]) may be "
                            "without TLS",
                            plain[i]);
        }
        listeners[*tls + i] = (struct iso_http_listener){plain[i], NULL, NULL};
    }
    *count = *tls + local;
    return ISO_OK;
}

/* address: "ADDR:PORT", as it was asked for. What listens on all addresses does so on loopback, and
 * localhost means that one. */
static void url_of(const char *scheme, const char *address, uint16_t port,
                   char out[ISO_ROUTE_URL_SIZE])
{
    struct iso_str host = iso_str_from(address, (size_t)(strrchr(address, ':') - address));
    if (iso_str_equal_z(host, "[::]") || iso_str_equal_z(host, "0.0.0.0") ||
        iso_str_equal_z(host, "localhost")) {
        host = iso_str_from_z("127.0.0.1");
    }
    (void)iso_format(out, ISO_ROUTE_URL_SIZE, "%s://%.*s:%u", scheme, (int)host.len, host.ptr,
                     port);
}

enum iso_err iso_route_server_create(uv_loop_t *loop, const struct iso_route_config *config,
                                     struct iso_route_server **out, struct iso_report *report)
{
    struct iso_http_listener listeners[2 * ISO_ROUTE_LISTEN_MAX];
    size_t tls = 0, count = 0;
    enum iso_err err = list_listeners(config, listeners, &tls, &count, report);
    if (err != ISO_OK || count == 0) {
        if (err == ISO_OK) {
            *out = NULL;
        }
        return err;
    }
    struct iso_route_server *server = iso_alloc_new(iso_alloc_libc(), sizeof *server);
    if (server == NULL) {
        return ISO_E_NOMEM;
    }
    *server = (struct iso_route_server){.alloc = iso_alloc_libc(),
                                        .what = config->what,
                                        .tables = config->tables,
                                        .access = config->access,
                                        .log = config->log,
                                        .is_host = config->is_host,
                                        .pages_operate = config->pages_operate,
                                        .ctx = config->ctx};
    const struct iso_http_config http = {.listeners = listeners,
                                         .listener_count = count,
                                         .limits = config->limits,
                                         .callbacks = {.on_headers = on_headers,
                                                       .on_request = on_request,
                                                       .on_closed = on_closed,
                                                       .is_host = is_host,
                                                       .log = log_line},
                                         .ctx = server};
    err = iso_http_server_create(loop, &http, &server->http, report);
    if (err != ISO_OK) {
        iso_alloc_free(server->alloc, server, sizeof *server);
        return err;
    }
    if (tls != 0) {
        server->https_port = iso_http_server_port(server->http, 0);
        url_of("https", listeners[0].address, server->https_port, server->https_url);
    }
    if (count != tls) {
        server->http_port = iso_http_server_port(server->http, tls);
        url_of("http", listeners[tls].address, server->http_port, server->http_url);
    }
    *out = server;
    return ISO_OK;
}

struct iso_http_server *iso_route_server_http(const struct iso_route_server *server)
{
    return server->http;
}

void iso_route_server_ports(const struct iso_route_server *server, uint16_t *https, uint16_t *http)
{
    *https = server->https_port;
    *http = server->http_port;
}

void iso_route_server_urls(const struct iso_route_server *server, char http[ISO_ROUTE_URL_SIZE],
                           char https[ISO_ROUTE_URL_SIZE])
{
    (void)iso_format(http, ISO_ROUTE_URL_SIZE, "%s", server != NULL ? server->http_url : "");
    (void)iso_format(https, ISO_ROUTE_URL_SIZE, "%s", server != NULL ? server->https_url : "");
}

void iso_route_server_refuse(struct iso_route_server *server)
{
    if (server != NULL) {
        server->refusing = true;
    }
}

void iso_route_server_refuse_waiting(struct iso_route_server *server)
{
    for (const struct request *at = server->requests; at != NULL; at = at->next) {
        if (at->route->method == ISO_HTTP_GET) {
            refuse(server, at->id);
        }
    }
}

static void on_server_closed(void *ctx)
{
    struct iso_route_server *server = ctx;
    void (*done)(void *ctx) = server->done;
    void *done_ctx = server->done_ctx;
    ISO_ASSERT(server->requests == NULL);
    iso_alloc_free(server->alloc, server, sizeof *server);
    done(done_ctx);
}

void iso_route_server_close(struct iso_route_server *server, uint32_t grace_ms,
                            void (*done)(void *ctx), void *ctx)
{
    server->done = done;
    server->done_ctx = ctx;
    iso_http_server_close(server->http, grace_ms, on_server_closed, server);
}

void iso_route_server_drop(struct iso_route_server *server, struct iso_str token_id)
{
    if (server == NULL) {
        return;
    }
    /* Streams and polls that are open with it; others end by themselves. */
    for (const struct request *at = server->requests; at != NULL; at = at->next) {
        if (iso_str_equal_z(token_id, at->token_id)) {
            iso_http_abort(server->http, at->id);
        }
    }
}
