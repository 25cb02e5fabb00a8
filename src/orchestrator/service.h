/* service.h - the inside of the daemon: what orchestrator.c puts together and the api_*.c answer
 * from. Loop thread. */
#ifndef ISO_ORCHESTRATOR_SERVICE_H
#define ISO_ORCHESTRATOR_SERVICE_H

#include "daemon/access.h"
#include "daemon/feed.h"
#include "daemon/log.h"
#include "daemon/route.h"
#include "daemon/state.h"
#include "daemon/transfer.h"
#include "net/http_client.h"
#include "orchestrator/clock.h"
#include "orchestrator/deployer.h"
#include "orchestrator/devices.h"
#include "orchestrator/orchestrator.h"
#include "orchestrator/packages.h"
#include "orchestrator/store.h"

enum {
    ISO_OR_ROUTE_TABLES = 9,
    ISO_OR_FOLLOW_MS = 25000, /* GET /v1/apps/{app}?after=N answers at the latest then */
    ISO_OR_WAITERS_MAX = 256, /* of such requests at a time */
    ISO_OR_HEALTH_MS = 5000   /* the store is tried so often at most: everybody may ask */
};

/* A request for an application's status that waits for it to change. */
struct iso_or_waiter {
    struct iso_or_waiter *next;
    iso_http_id id;
    char app[ISO_OR_APP_SIZE];
    uint64_t after, until_ms;
};

struct iso_or_pass;

struct iso_orchestrator {
    uv_loop_t *loop;
    const struct iso_alloc *alloc;
    const struct iso_orchestrator_config *config;
    char name[ISO_OR_NAME_SIZE];
    char host[ISO_STATE_HOST_SIZE];
    char address[128]; /* that devices are told of; "" without HTTPS */
    uint64_t started_ns;
    struct iso_state state;
    struct iso_access access;
    struct iso_log log;
    struct iso_feed events;
    struct iso_or_store *store;
    struct iso_http_client *http_client;
    struct iso_or_uv_clock *clock;
    struct iso_or_devices *devices;
    struct iso_or_shelf *shelf;
    struct iso_transfers transfers; /* of its modules */
    struct iso_or_deployer *deployer;
    struct iso_route_table tables[ISO_OR_ROUTE_TABLES];
    struct iso_route_server *server;
    struct iso_http_server *http;   /* the server's */
    struct iso_or_pending *pending; /* whose request is open, or whose callback is to come */
    /* Whether the store could be written to, as last tried for GET /health. */
    struct {
        uint64_t tried_ms; /* monotonic; 0: never */
        enum iso_err err;
        struct iso_report report;
    } health;
    struct iso_or_waiter *waiters;
    size_t waiter_count;
    struct iso_or_pass *streams; /* event streams of components that are passed on */
    uv_timer_t tick;             /* of the waiters */
    bool tick_open;
    void (*stopped)(void *ctx);
    void *stopped_ctx;
};

/* Tables of the API; the ctx of their functions is the struct iso_orchestrator. */
extern const struct iso_route iso_or_routes_general[];  /* api_general.c */
extern const struct iso_route iso_or_routes_devices[];  /* api_devices.c */
extern const struct iso_route iso_or_routes_packages[]; /* api_packages.c */
extern const struct iso_route iso_or_routes_apps[];     /* api_apps.c */
extern const struct iso_route iso_or_routes_pass[];     /* api_pass.c: what devices answer */
extern const struct iso_route iso_or_routes_things[];   /* api_things.c */
extern const struct iso_route iso_or_routes_page[];     /* api_page.c: the web page */

/* Something happened: into the log, the feed and the store. NULL texts are left out. */
void iso_or_event(struct iso_orchestrator *orchestrator, const char *event, struct iso_str app,
                  const char *component, const char *device, const char *detail);

/* An application changed: those who wait for that are answered. app.len 0: look at the time only.
 */
void iso_or_waiters_wake(struct iso_orchestrator *orchestrator, struct iso_str app);
/* And streams of its components that are elsewhere now end (api_pass.c). */
void iso_or_streams_follow(struct iso_orchestrator *orchestrator, struct iso_str app);

/* A request that is answered later, for callbacks that get one pointer. The request may be over
 * before its callback comes, and the HTTP server with it: is it still open? */
struct iso_or_pending {
    struct iso_or_pending *next;
    struct iso_orchestrator *orchestrator;
    iso_http_id id;   /* 0: the request is over */
    const char *kind; /* static; the handler's own */
    bool ended;       /* nothing calls back any more */
    /* The request is over and the callback has not come: it may come at once, from here. NULL: it
     * comes when it comes. */
    void (*gone)(struct iso_or_pending *pending);
};
/* It has a closer of the request (iso_route_closer). NULL: 503 has been answered. */
struct iso_or_pending *iso_or_pending_new(struct iso_orchestrator *orchestrator,
                                          struct iso_http_request *req, const char *kind);
/* Whether there is somebody to answer; else orchestrator->http is not to be touched. */
bool iso_or_pending_is_open(const struct iso_or_pending *pending);
/* The callback has come: it is not the caller's any more. */
void iso_or_pending_end(struct iso_or_pending *pending);
/* What it waits for has not begun, for want of memory: answers 503 and ends it. */
void iso_or_pending_refuse(struct iso_or_pending *pending);
/* Answers all of them with 503: the daemon is stopping. Their callbacks still come. */
void iso_or_pending_stop_all(struct iso_orchestrator *orchestrator);

#endif
