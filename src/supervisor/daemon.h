/* daemon.h - the supervisor's parts, for the files that put them together. Loop thread. */
#ifndef ISO_SUPERVISOR_DAEMON_H
#define ISO_SUPERVISOR_DAEMON_H

#include "net/coap.h"
#include "net/http_server.h"
#include "net/mdns.h"
#include "net/pairing.h"
#include "net/tls.h"
#include "supervisor/access.h"
#include "supervisor/call.h"
#include "supervisor/deployment.h"
#include "supervisor/devices.h"
#include "supervisor/feed.h"
#include "supervisor/log.h"
#include "supervisor/modules.h"
#include "supervisor/observe.h"
#include "supervisor/peers.h"
#include "supervisor/supervisor.h"

/* What stays of a component beyond its generations: its latest log lines and events. */
struct iso_sv_history {
    struct iso_sv_history *next;
    char *app, *component;
    struct iso_sv_feed logs;
    struct iso_sv_feed events;
};

struct iso_supervisor;
struct iso_sv_route;

/* A request under way, from its header to its end. */
struct iso_sv_request {
    struct iso_sv_request *next, **link;
    const struct iso_sv_route *route;
    iso_http_id id;
    char token_id[ISO_TOKEN_ID_SIZE];                      /* empty: it came without one */
    void (*closed)(struct iso_supervisor *sv, void *user); /* see iso_sv_request_closer */
    void *user;
};

/* Another device, as mDNS shows it: unverified. */
struct iso_sv_neighbour {
    struct iso_sv_neighbour *next;
    uint32_t interface;
    char instance[64];
    char host[256];
    char id[32]; /* what it says; empty when it does not */
    uint16_t port;
    char address[ISO_MDNS_ADDRESS_TEXT_MAX]; /* the first */
};

struct iso_supervisor {
    uv_loop_t *loop;
    const struct iso_supervisor_config *config;
    const struct iso_alloc *alloc;
    struct iso_sv_log log;
    char device_id[32]; /* 26 letters and digits: base32 of its certificate's fingerprint */
    char host_name[64]; /* first label of NAME.local; changes after a conflict */
    const char *name;   /* for people */
    char name_text[64];
    uint64_t started_ns; /* since 1970 */
    struct iso_tls_identity identity;
    struct iso_supervisor_ports ports;
    struct iso_sv_deploy_hooks hooks;

    struct iso_sv_core *core;
    struct iso_sv_devices *devices;
    struct iso_sv_modules *modules;
    struct iso_sv_deployments *deployments;
    struct iso_http_server *http;
    struct iso_coap_server *coap;
    struct iso_sv_peers *peers; /* links and flows to other devices */
    struct iso_sv_observers *observers;
    struct iso_sv_coap_watch *coap_watches; /* coap_watch.c */
    struct iso_mdns_uv *mdns;
    struct iso_sv_neighbour *neighbours;
    size_t neighbour_count;
    struct iso_sv_access_state access;
    struct iso_sv_request *requests; /* under way, of those with a token */
    struct iso_pairing_device pairing;

    struct iso_sv_feed events; /* of the device: deployments, components, devices */
    struct iso_sv_history *histories;
    double speed;
    /* Stopping: what has not said yet that it has stopped. */
    bool stopping;
    unsigned open_parts;
    uv_timer_t closer; /* its closing frees the supervisor */
    void (*stopped)(void *ctx);
    void *stopped_ctx;
    int state_lock; /* descriptor of the locked file in the state directory */
};

/* The history of a component; made when there is none; NULL when memory is short. */
struct iso_sv_history *iso_sv_history_get(struct iso_supervisor *sv, struct iso_str app,
                                          struct iso_str component);
/* Forgets those of an application that was removed; of all when app.ptr is NULL. */
void iso_sv_history_forget(struct iso_supervisor *sv, struct iso_str app);

/* Tell whoever follows the device's events: {"time", "event", "app", "component", "detail"}; what
 * is NULL is left out. */
void iso_sv_event(struct iso_supervisor *sv, const char *event, struct iso_str app,
                  struct iso_str component, const char *detail);

/* watch.c: for struct iso_sv_core_config. */
struct iso_sv_watch iso_sv_watch(struct iso_supervisor *sv);

/* allow.c: for struct iso_sv_deployments_config; sv is the context. */
ISO_MUST_CHECK enum iso_err iso_sv_allow(void *sv, const struct iso_sv_document *document,
                                         struct iso_report *report);

/* neighbours.c: browses for other devices; an array of them. */
ISO_MUST_CHECK enum iso_err iso_sv_neighbours_begin(struct iso_supervisor *sv,
                                                    struct iso_report *report);
void iso_sv_neighbours_write(const struct iso_supervisor *sv, struct iso_json *json);
void iso_sv_neighbours_end(struct iso_supervisor *sv);

/* ---- api.c: HTTP ------------------------------------------------------------------------------
 */

struct iso_http_callbacks iso_sv_api_callbacks(void);

/* Who may: the role a route asks for. */
enum iso_sv_access { ISO_SV_PUBLIC, ISO_SV_READ, ISO_SV_OPERATE };

enum { ISO_SV_ROUTE_PARAMS = 3 };

/* One resource and method. pattern: "v1/modules/{digest}": {...} is any segment. */
struct iso_sv_route {
    unsigned method;
    const char *pattern;
    enum iso_sv_access access;
    const char *summary;     /* for the OpenAPI document */
    const char *answer_type; /* media type; NULL: no body */
    uint64_t body_max;       /* bytes; 0: no body */
    const char *body_type;   /* NULL: application/json */
    /* The body, when there is one, is whole. params: the segments at {}. */
    void (*handle)(struct iso_supervisor *sv, struct iso_http_request *req,
                   const struct iso_str params[ISO_SV_ROUTE_PARAMS]);
    /* Instead of collecting a body: see iso_http_accept_upload; begin comes first and may answer.
     */
    bool (*begin)(struct iso_supervisor *sv, struct iso_http_request *req,
                  const struct iso_str params[ISO_SV_ROUTE_PARAMS]);
    unsigned (*data)(void *sv, struct iso_http_request *req, struct iso_bytes piece);
};

/* Tables end with a method of 0; the list of them with NULL. */
extern const struct iso_sv_route iso_sv_routes_device[];
extern const struct iso_sv_route iso_sv_routes_modules[];
extern const struct iso_sv_route iso_sv_routes_deployments[];
extern const struct iso_sv_route iso_sv_routes_components[];
extern const struct iso_sv_route iso_sv_routes_streams[];
extern const struct iso_sv_route iso_sv_routes_access[];
extern const struct iso_sv_route *const iso_sv_route_tables[];

/* The route's own pointer with a request, for uploads. */
void *iso_sv_request_user(const struct iso_http_request *req);
/* closed(sv, user) is called when the request is over. Once per request. */
void iso_sv_request_closer(struct iso_http_request *req,
                           void (*closed)(struct iso_supervisor *sv, void *user), void *user);
/* Answer with the entries of a feed, or follow it as an event stream; NULL: 503. */
void iso_sv_reply_feed(struct iso_supervisor *sv, struct iso_http_request *req,
                       struct iso_sv_feed *feed);

/* Answer with what `buf` holds (its bytes are taken; buf is then empty). */
void iso_sv_reply_taken(struct iso_supervisor *sv, iso_http_id id, unsigned status,
                        const char *content_type, struct iso_buf *buf);
/* 200 with a block of the supervisor's allocator; bytes are taken. */
void iso_sv_reply_block(struct iso_supervisor *sv, iso_http_id id, const char *type, uint8_t *bytes,
                        size_t len);
/* Answer with what `buf` holds (its bytes are taken); with 500 when err is not ISO_OK. */
void iso_sv_reply_buf(struct iso_supervisor *sv, struct iso_http_request *req, unsigned status,
                      const char *content_type, struct iso_buf *buf, enum iso_err err);
/* A problem document for an error: status by its kind (ARGUMENT, MALFORMED, INVALID 400; NOT_FOUND
 * 404; STATE, EXISTS 409; LIMIT 413 or 507; REFUSED 409; ACCESS 403; else 500). */
void iso_sv_reply_error(struct iso_supervisor *sv, iso_http_id id, enum iso_err err,
                        const struct iso_report *report);
unsigned iso_sv_error_status(enum iso_err err);

/* The deployed component of that name, or NULL. */
struct iso_sv_component *iso_sv_find(struct iso_supervisor *sv, struct iso_str app,
                                     struct iso_str component);

/* A token was withdrawn: closes what it had open. */
void iso_sv_drop_token(struct iso_supervisor *sv, struct iso_str id);

/* ---- Documents ----------------------------------------------------------------------------------
 */

/* Where the outside reaches this device over HTTP: "https://HOST:PORT" by the request's own Host,
 * so that links work through whatever name it was called by. */
void iso_sv_base_url(struct iso_supervisor *sv, const struct iso_http_request *req, char *out,
                     size_t cap);
/* "coaps://HOST:PORT", which most consumers know (DTLS; TLS over TCP is at the same port); empty
 * when there is no such listener. */
void iso_sv_coap_url(struct iso_supervisor *sv, const struct iso_http_request *req, char *out,
                     size_t cap);
ISO_MUST_CHECK enum iso_err iso_sv_write_device(struct iso_supervisor *sv, struct iso_buf *out);
/* What those may know who showed no token: who it is and where it speaks with encryption. */
ISO_MUST_CHECK enum iso_err iso_sv_write_device_briefly(struct iso_supervisor *sv,
                                                        struct iso_buf *out);
ISO_MUST_CHECK enum iso_err iso_sv_write_thing(struct iso_supervisor *sv, const char *base,
                                               const char *coap, struct iso_buf *out);
ISO_MUST_CHECK enum iso_err iso_sv_write_openapi(struct iso_supervisor *sv, const char *base,
                                                 struct iso_buf *out);
ISO_MUST_CHECK enum iso_err iso_sv_write_health(struct iso_supervisor *sv, bool *well,
                                                struct iso_buf *out);
ISO_MUST_CHECK enum iso_err iso_sv_write_metrics(struct iso_supervisor *sv, struct iso_buf *out);
ISO_MUST_CHECK enum iso_err iso_sv_write_component(struct iso_supervisor *sv,
                                                   struct iso_sv_component *component,
                                                   struct iso_buf *out);

/* ---- coap_api.c
 * ----------------------------------------------------------------------------------- */

void iso_sv_coap_request(void *sv, const struct iso_coap_request *request);
/* A component emitted an event, {"time", "name", "payload"}: to those who observe it. */
void iso_sv_coap_event(struct iso_supervisor *sv, struct iso_sv_component *component,
                       struct iso_str json);
/* For iso_coap_server_config.on_observers: the number of observers of a path has changed. */
void iso_sv_coap_observed(void *sv, struct iso_str path_text, uint32_t count);
/* Before the observers go. */
void iso_sv_coap_close(struct iso_supervisor *sv);
/* The one resource that everybody is told of at /.well-known/core. */
#define ISO_SV_DEVICE_LINK "</d>;rt=\"isomer.device\";ct=\"50 60\""
/* The list at /.well-known/core follows what is deployed. */
void iso_sv_coap_links(struct iso_supervisor *sv);

#endif
