/*
 * route.h - a daemon's HTTP API as tables of routes over net/http_server.h.
 *
 *     static const struct iso_route routes[] = {
 *         {.method = ISO_HTTP_GET, .pattern = "v1/things/{id}", .access = ISO_ROUTE_READ,
 *          .summary = "...", .answer_type = "application/json", .handle = get_thing},
 *         {.method = 0}};
 *     daemon->tables[0] = (struct iso_route_table){routes, daemon, NULL};
 *     daemon->tables[1] = (struct iso_route_table){iso_access_routes, &daemon->access, NULL};
 *     iso_route_server_create(loop, &config, &daemon->server, &report);
 *
 * A request finds its route by path and method (404, 405 with Allow), shows its credential (401,
 * 403), has the right media type (415), and then comes to the route's functions with the ctx of the
 * route's table. The same tables make the OpenAPI document (openapi.h). Answers: reply.h, and
 * iso_http_* with iso_http_request_server(req). All on the loop thread.
 */
#ifndef ISO_DAEMON_ROUTE_H
#define ISO_DAEMON_ROUTE_H

#include "daemon/access.h"
#include "daemon/log.h"
#include "net/http_server.h"
#include "net/tls.h"

enum {
    ISO_ROUTE_PARAMS = 3,
    ISO_ROUTE_LISTEN_MAX = 8,
    ISO_ROUTE_CLOSERS = 2,
    ISO_ROUTE_URL_SIZE = 128
};

/* Who may: the role a route asks for. */
enum iso_route_access { ISO_ROUTE_PUBLIC, ISO_ROUTE_READ, ISO_ROUTE_OPERATE };

/* One resource and method. pattern: "v1/modules/{digest}": {...} is any segment but an empty one.
 */
struct iso_route {
    unsigned method; /* enum iso_http_method; HEAD comes with GET */
    const char *pattern;
    enum iso_route_access access;
    const char *summary;     /* for the OpenAPI document */
    const char *answer_type; /* media type; NULL: no body */
    bool by_token;           /* also where pages may operate, this needs the token itself */
    uint64_t body_max;       /* bytes; 0: no body */
    const char *body_type;   /* NULL: application/json; a body must then say its type */
    /* The body, when there is one, is whole. params: the segments at {}. */
    void (*handle)(void *ctx, struct iso_http_request *req,
                   const struct iso_str params[ISO_ROUTE_PARAMS]);
    /* Instead of collecting a body: see iso_http_accept_upload; begin comes first, and returns
     * false when it has answered. */
    bool (*begin)(void *ctx, struct iso_http_request *req,
                  const struct iso_str params[ISO_ROUTE_PARAMS]);
    unsigned (*data)(void *ctx, struct iso_http_request *req, struct iso_bytes piece);
};

/* routes: ends with a method of 0. ctx: for its functions. admit: NULL, or asked before a route
 * that changes (ISO_ROUTE_OPERATE, other than GET) is carried out, when its header is there and
 * once more when its body is; false: it has answered. */
struct iso_route_table {
    const struct iso_route *routes;
    void *ctx;
    bool (*admit)(void *ctx, struct iso_http_request *req);
};

/* v1/tokens, v1/login and login (access_routes.c); the ctx of their table is the struct iso_access.
 */
extern const struct iso_route iso_access_routes[];

struct iso_route_config {
    const char *what; /* "device", "orchestrator": in messages; static */
    /* "ADDR:PORT" each, port 0: the system chooses. Count 0: the default; "none" alone: no such
     * listener. Plain HTTP is refused on other than loopback addresses. */
    const char *const *https;
    size_t https_count;
    const char *https_default;
    const char *const *http;
    size_t http_count;
    const char *http_default;
    const struct iso_tls_identity *identity; /* of HTTPS; borrowed */
    struct iso_http_limits limits;           /* 0: its defaults */
    /* Tables in the order in which they are looked through; ends with routes == NULL. Kept. */
    const struct iso_route_table *tables;
    struct iso_access *access; /* kept */
    const struct iso_log *log; /* kept */
    /* Pages that are signed in have the rights of their token; else they may look only. A browser
     * sends its cookie along by itself, so a request that needs ISO_ROUTE_OPERATE must also have
     * an Origin (others than our own are refused before) and the field Isomer-Page: 1, which pages
     * of other origins cannot send. */
    bool pages_operate;
    /* See iso_http_callbacks.is_host; NULL: only addresses and localhost. */
    bool (*is_host)(void *ctx, struct iso_str name);
    void *ctx;
};

struct iso_route_server;

/* Opens the listeners and serves. config: borrowed. *out is NULL when there is no listener at all.
 * Errors: those of iso_http_server_create; ARGUMENT also for plain HTTP off loopback. */
ISO_MUST_CHECK enum iso_err iso_route_server_create(uv_loop_t *loop,
                                                    const struct iso_route_config *config,
                                                    struct iso_route_server **out,
                                                    struct iso_report *report);
/* The server below, for answers that come later. */
struct iso_http_server *iso_route_server_http(const struct iso_route_server *server);
/* The ports of the first listener of each kind; 0 where there is none. */
void iso_route_server_ports(const struct iso_route_server *server, uint16_t *https, uint16_t *http);
/* Where programs of this machine reach the first listener of each kind: "http://127.0.0.1:8480";
 * empty where there is none. server: NULL is fine, and has none. */
void iso_route_server_urls(const struct iso_route_server *server, char http[ISO_ROUTE_URL_SIZE],
                           char https[ISO_ROUTE_URL_SIZE]);
/* From now on new requests are answered 503: the daemon is stopping. NULL is allowed. */
void iso_route_server_refuse(struct iso_route_server *server);
/* Questions (GET) that wait are answered 503: what they wait for may take for ever, and no answer
 * to them loses anything. */
void iso_route_server_refuse_waiting(struct iso_route_server *server);
/* iso_http_server_close, and releases the server before done(ctx). */
void iso_route_server_close(struct iso_route_server *server, uint32_t grace_ms,
                            void (*done)(void *ctx), void *ctx);
/* A token was withdrawn: drops the requests and streams that are open with it. Those of the route
 * DELETE v1/tokens/{id} (access.h) are dropped without it. NULL is allowed. */
void iso_route_server_drop(struct iso_route_server *server, struct iso_str token_id);

/* ---- A request under way ---------------------------------------------------------------------
 */

/* closed(ctx, user) is called when the request, or the stream that it became, is over; ctx as for
 * the route's functions. At most ISO_ROUTE_CLOSERS of a request, such as one of what receives its
 * body and one of what answers it; the latest is called first. */
void iso_route_closer(struct iso_http_request *req, void (*closed)(void *ctx, void *user),
                      void *user);
/* The pointer of the first iso_route_closer; NULL before. */
void *iso_route_user(const struct iso_http_request *req);
/* The id of the token that the request was allowed by; empty on public routes. */
const char *iso_route_token_id(const struct iso_http_request *req);
/* The server that a request came to. */
struct iso_route_server *iso_route_server_of(const struct iso_http_request *req);
/* "https://HOST:PORT" by the request's own Host, so that links work through whatever name the
 * daemon was called by. */
void iso_route_base_url(const struct iso_http_request *req, char *out, size_t cap);

/* ---- Configuration ---------------------------------------------------------------------------
 */

/* Addresses as they are in effect: `list`, else the default; 0 of them for "none" alone. Also for
 * listeners of other protocols. */
size_t iso_route_addresses(const char *const *list, size_t count, const char *fallback,
                           const char *out[ISO_ROUTE_LISTEN_MAX]);

#endif
