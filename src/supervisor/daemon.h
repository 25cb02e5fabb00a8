/* daemon.h - the supervisor's parts, for the files that put them together. Loop thread. */
#ifndef ISO_SUPERVISOR_DAEMON_H
#define ISO_SUPERVISOR_DAEMON_H

#include "daemon/access.h"
#include "daemon/feed.h"
#include "daemon/log.h"
#include "daemon/reply.h"
#include "daemon/route.h"
#include "daemon/state.h"
#include "daemon/transfer.h"
#include "net/announce.h"
#include "net/coap.h"
#include "net/mdns.h"
#include "net/pairing.h"
#include "package/package.h"
#include "supervisor/call.h"
#include "supervisor/deployment.h"
#include "supervisor/devices.h"
#include "supervisor/observe.h"
#include "supervisor/owner.h"
#include "supervisor/peers.h"
#include "supervisor/supervisor.h"

/* What stays of a component beyond its generations: its latest log lines and events. */
struct iso_sv_history {
    struct iso_sv_history *next;
    char *app, *component;
    struct iso_feed logs;
    struct iso_feed events;
    bool unsaved; /* lines have come since they were written to the disk */
};

/* When lines are written next: history.c. */
struct iso_sv_history_save {
    uv_timer_t timer;
    uint64_t due_ms, saved_ms; /* by uv_now; saved_ms 0: not yet */
    bool running;              /* on the pool */
    bool failed;               /* in the latest attempt */
    bool forgot;               /* an application, since then */
    bool ending;               /* iso_sv_history_end is next */
};

struct iso_supervisor;

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

/* Use of the processor at two points in time: heartbeat.c. */
struct iso_sv_load {
    uint64_t before_ns, before_cpu_ns;
    uint64_t latest_ns, latest_cpu_ns;
};

struct iso_supervisor {
    uv_loop_t *loop;
    const struct iso_supervisor_config *config;
    const struct iso_alloc *alloc;
    struct iso_log log;
    struct iso_state state; /* its id names the device */
    char host_name[64];     /* first label of NAME.local; changes after a conflict */
    const char *name;       /* for people */
    char name_text[64];
    uint64_t started_ns;    /* since 1970 */
    uint64_t started_hr_ns; /* uv_hrtime */
    char boot[17];          /* 16 random digits: names this process */
    /* Counts every change of deployments, of states of components and links, and of the owner; what
     * else is described stays the same until the next start. */
    uint64_t revision;
    bool told; /* local.json has been written */
    struct iso_sv_owner owner;
    struct iso_sv_load load;
    struct iso_supervisor_ports ports;
    struct iso_sv_deploy_hooks hooks;

    struct iso_sv_core *core;
    struct iso_sv_devices *devices;
    struct iso_blobs *modules;
    struct iso_transfers transfers;         /* of modules */
    struct iso_sv_deployments *deployments; /* NULL when they have stopped */
    struct iso_route_table tables[11];
    struct iso_route_server *server; /* NULL without listeners of HTTP */
    struct iso_http_server *http;    /* of server */
    struct iso_coap_server *coap;
    struct iso_sv_peers *peers; /* links and flows to other devices */
    struct iso_sv_observers *observers;
    struct iso_sv_coap_watch *coap_watches; /* coap_watch.c */
    struct iso_mdns_uv *mdns;
    struct iso_announce *announce; /* NULL: no orchestrator is to be told */
    bool announced;                /* the latest time with success */
    bool announce_failed;          /* and that it had none has been logged */
    struct iso_sv_neighbour *neighbours;
    size_t neighbour_count;
    struct iso_access access;
    struct iso_pairing_device pairing;

    struct iso_feed events; /* of the device: deployments, components, devices */
    struct iso_sv_history *histories;
    struct iso_sv_history_save history_save;
    double speed; /* speed.c */
    uv_timer_t speed_timer;
    uint64_t speed_work; /* what had been done when it was looked last */
    double speed_best;
    unsigned speed_spells, speed_attempts;
    /* Stopping: what has not said yet that it has stopped. */
    bool stopping;
    unsigned open_parts;
    uv_timer_t closer; /* its closing frees the supervisor */
    void (*stopped)(void *ctx);
    void *stopped_ctx;
};

/* history.c. The history of a component, with the lines that it had logged before the supervisor
 * started; made when there is none; NULL when memory is short. */
struct iso_sv_history *iso_sv_history_get(struct iso_supervisor *sv, struct iso_str app,
                                          struct iso_str component);
/* A line (JSON) for those who follow, and for the disk; an error is there soon. */
void iso_sv_history_log(struct iso_supervisor *sv, struct iso_sv_history *history, bool is_error,
                        struct iso_str entry);
/* Forgets those of an application that was removed, on the disk too. */
void iso_sv_history_forget(struct iso_supervisor *sv, struct iso_str app);
/* Removes the files of applications that are not here, and what a crash left half written. For when
 * the deployments have been opened. Blocks. */
void iso_sv_history_clean(struct iso_supervisor *sv);
/* Before anything is logged; and when nothing is any more, and iso_sv_history_rests has said so:
 * writes what is left. Blocks; closed is called once. */
void iso_sv_history_begin(struct iso_supervisor *sv);
/* Begins no further job, and says whether none is on the pool. */
bool iso_sv_history_rests(struct iso_supervisor *sv);
void iso_sv_history_end(struct iso_supervisor *sv, uv_close_cb closed);

/* speed.c: sv->speed, and later perhaps a better one. The timer has been initialised. Blocks for
 * some 40 ms. */
void iso_sv_speed_begin(struct iso_supervisor *sv);

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

/* register.c: tells the configured orchestrator of this device. */
ISO_MUST_CHECK enum iso_err iso_sv_register_begin(struct iso_supervisor *sv,
                                                  struct iso_report *report);

/* ---- api_*.c: HTTP, as tables of routes whose ctx is the supervisor ----------------------------
 */

extern const struct iso_route iso_sv_routes_heartbeat[];
extern const struct iso_route iso_sv_routes_owner[];
extern const struct iso_route iso_sv_routes_simulated[];
extern const struct iso_route iso_sv_routes_device[];
extern const struct iso_route iso_sv_routes_modules[];
extern const struct iso_route iso_sv_routes_deployments[];
extern const struct iso_route iso_sv_routes_components[];
extern const struct iso_route iso_sv_routes_streams[];
extern const struct iso_route iso_sv_routes_pairing[];

/* The deployed component of that name, or NULL. */
struct iso_sv_component *iso_sv_find(struct iso_supervisor *sv, struct iso_str app,
                                     struct iso_str component);

/* ---- Documents ----------------------------------------------------------------------------------
 */

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
ISO_MUST_CHECK enum iso_err iso_sv_write_health(struct iso_supervisor *sv, bool *well,
                                                struct iso_buf *out);
/* The same without the reasons. */
bool iso_sv_is_well(struct iso_supervisor *sv);
ISO_MUST_CHECK enum iso_err iso_sv_write_metrics(struct iso_supervisor *sv, struct iso_buf *out);

/* ---- coap_api.c
 * ----------------------------------------------------------------------------------- */

void iso_sv_coap_request(void *sv, const struct iso_coap_request *request);
/* A component emitted an event, {"time", "name", "payload"}: to those who observe it. */
void iso_sv_coap_event(struct iso_supervisor *sv, struct iso_sv_component *component,
                       struct iso_str json);
/* For iso_coap_server_config.on_observers: the number of observers of a path has changed. */
void iso_sv_coap_observed(void *sv, struct iso_str path_text, uint32_t count);
/* The one resource that everybody is told of at /.well-known/core. */
#define ISO_SV_DEVICE_LINK "</d>;rt=\"isomer.device\";ct=\"50 60\""
/* The list at /.well-known/core follows what is deployed. */
void iso_sv_coap_links(struct iso_supervisor *sv);

#endif
