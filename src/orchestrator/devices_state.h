/*
 * devices_state.h - inside the devices: what their files share. Loop thread.
 *
 * Entries (devices), works (requests), sightings (candidates) and ops (adding, removing) are freed
 * only when none of their HTTP requests is under way: each counts its own. Callbacks of users come
 * from the loop; within them any function of devices.h may be called, and none of those frees
 * anything at once.
 */
#ifndef ISO_ORCHESTRATOR_DEVICES_STATE_H
#define ISO_ORCHESTRATOR_DEVICES_STATE_H

#include "daemon/state.h"
#include "net/http_client.h"
#include "net/mdns.h"
#include "net/pairing.h"
#include "orchestrator/devices.h"
#include "orchestrator/health.h"

enum {
    ISO_OR_URL_SIZE = 256, /* "https://HOST:PORT" */
    ISO_OR_HOST_MAX = 230,
    ISO_OR_REASON_SIZE = 256,
    ISO_OR_WORK_CHAINS = 1024
};

struct iso_or_work;
struct iso_or_op;
struct iso_or_sighting;

/* A device. */
struct iso_or_entry {
    struct iso_or_device device;
    struct iso_or_devices *devices;
    struct iso_or_health health;
    struct iso_or_reach target;                            /* base: of the heartbeat under way */
    char addresses[ISO_OR_ADDRESSES_MAX][ISO_OR_URL_SIZE]; /* most recently good first */
    size_t address_count;
    char sure[ISO_OR_URL_SIZE];      /* plain HTTP: where the device itself was seen last, asked
                                        without our token; empty: nowhere */
    size_t address_next;             /* where the next heartbeat goes */
    size_t beat_tried;               /* addresses, for the heartbeat under way */
    uint64_t beat_began_ms;          /* by the loop's clock */
    char own_name[ISO_OR_NAME_SIZE]; /* as the device says */
    bool named;                      /* device.name was given here */
    uint64_t added_ms;               /* since 1970 */
    json_t *description;             /* NULL: none yet */
    json_t *given;                   /* labels given here; null: not even the device's own */
    json_t *labels;                  /* the device's own with those */
    struct iso_or_work *waiting, **waiting_end; /* requests of others, in their order */
    struct iso_or_work *running;
    unsigned waiting_count, running_count;
    uint64_t free_bytes; /* of memory, as in its heartbeat */
    bool listed;         /* in the table */
    unsigned busy;       /* HTTP requests that name this entry */
    uint64_t beat_http, read_http;
    bool gone; /* removed; freed when it is not busy */
};

struct iso_or_devices {
    uv_loop_t *loop;
    const struct iso_alloc *alloc;
    struct iso_or_store *store;
    struct iso_or_devices_config config; /* its callbacks; the texts are below */
    char id[ISO_OR_ID_SIZE], name[ISO_OR_NAME_SIZE], address[ISO_OR_URL_SIZE];
    char owner_header[64];
    uint8_t pin[ISO_TLS_PIN_SIZE]; /* our own */

    struct iso_http_client *http; /* shared with others */
    struct iso_mdns_uv *mdns;

    struct iso_or_entry **by_id, **by_name; /* sorted */
    size_t count, cap;

    struct iso_or_work *chains[ISO_OR_WORK_CHAINS]; /* of requests by id */
    struct iso_or_work *orphans;                    /* for devices that there are not */
    uint64_t work_id;

    struct iso_or_sighting *sightings;
    size_t sighting_count, looks;
    uint64_t turn; /* of mDNS announcements */
    struct iso_or_op *ops;

    uv_timer_t sweep;  /* heartbeats, deadlines */
    uint64_t sweep_ms; /* when it fires */
    uv_timer_t soon;   /* what must not happen within a call */
    uint32_t phase;    /* of the next device */
    uint32_t asks;     /* HTTP requests under way */
    bool closing;
    bool mdns_open;
    void (*closed)(void *ctx);
    void *closed_ctx;
};

/* ---- devices.c --------------------------------------------------------------------------------
 */

uint64_t
iso_or_now_ms(const struct iso_or_devices *devices); /* monotonic, of this turn of the loop */
uint64_t iso_or_wall_ms(void);                       /* since 1970 */
struct iso_or_entry *iso_or_entry_find(const struct iso_or_devices *devices, struct iso_str id);
struct iso_or_entry *iso_or_entry_find_name(const struct iso_or_devices *devices,
                                            struct iso_str name);
/* A new one, not in the table yet. NULL: memory. */
struct iso_or_entry *iso_or_entry_new(struct iso_or_devices *devices, struct iso_str id);
/* Into the table: its name is made unique, heartbeats begin. LIMIT, NOMEM. */
ISO_MUST_CHECK enum iso_err iso_or_entry_insert(struct iso_or_entry *entry,
                                                struct iso_report *report);
/* Out of the table, with what is under way; freed when nothing names it any more. */
void iso_or_entry_remove(struct iso_or_entry *entry);
/* One HTTP request less; frees it when it was the last of one that is gone. */
void iso_or_entry_release(struct iso_or_entry *entry);
/* Frees one that never came into the table, or has left it. */
void iso_or_entry_free(struct iso_or_entry *entry);
/* Its name is to be `name`; in the table, or the nearest that is free. */
void iso_or_entry_rename(struct iso_or_entry *entry, struct iso_str name);
/* Tell the user of the devices. */
void iso_or_entry_tell(struct iso_or_entry *entry, bool gone);
void iso_or_entry_event(const struct iso_or_entry *entry, const char *event, const char *detail);
/* Have the sweep come at that time at the latest. */
void iso_or_sweep_at(struct iso_or_devices *devices, uint64_t at_ms);
/* First thing in whatever ends a request of iso_or_ask. */
void iso_or_asked(struct iso_or_devices *devices);
/* Have the soon timer fire in this turn of the loop or the next. */
void iso_or_soon(struct iso_or_devices *devices);

/* ---- devices_keep.c: the store ----------------------------------------------------------------
 */

ISO_MUST_CHECK enum iso_err iso_or_entry_keep(struct iso_or_entry *entry,
                                              struct iso_report *report);
/* Without anybody who could be told: an event says what went wrong. */
void iso_or_entry_keep_quietly(struct iso_or_entry *entry);
ISO_MUST_CHECK enum iso_err iso_or_entries_load(struct iso_or_devices *devices,
                                                struct iso_report *report);
/* A base URL that answered, or was proven to be the device's: the first from now on. True when that
 * is news. */
bool iso_or_entry_prefer(struct iso_or_entry *entry, const char *base);
/* Another device was found there: it is no address of this one; but the last one stays, to be asked
 * again. True when another address is left, which is the one to be asked next. */
bool iso_or_entry_drop_address(struct iso_or_entry *entry, const char *base);

/* ---- devices_describe.c: descriptions and labels ------------------------------------------------
 */

/* GET /v1/device as it came. Keeps it, with the name and labels in it. MALFORMED (no object, or of
 * another device), NOMEM. *news: something that lasts has changed. */
ISO_MUST_CHECK enum iso_err iso_or_entry_describe(struct iso_or_entry *entry, struct iso_bytes body,
                                                  bool *news, struct iso_report *report);
ISO_MUST_CHECK enum iso_err iso_or_entry_label(struct iso_or_entry *entry);
/* At most size - 1 bytes of UTF-8 without control characters; `fallback` when nothing is left. */
void iso_or_name_clean(struct iso_str text, const char *fallback, char out[ISO_OR_NAME_SIZE]);

/* ---- devices_address.c ------------------------------------------------------------------------
 */

struct iso_or_place {
    char base[ISO_OR_URL_SIZE]; /* "https://192.0.2.7:8443", "https://[2001:db8::1]:8443" */
    bool https, loopback;
};
/* As people write addresses: see struct iso_or_device_add. ARGUMENT. */
ISO_MUST_CHECK enum iso_err iso_or_place_read(struct iso_str text, struct iso_or_place *out,
                                              struct iso_report *report);
/* "https://HOST:PORT" of a numeric address, IPv6 in brackets. */
void iso_or_place_of(const char *host, uint16_t port, char out[ISO_OR_URL_SIZE]);

/* ---- devices_ask.c: one HTTP request ------------------------------------------------------------
 */

struct iso_or_ask {
    const struct iso_or_reach *target;
    const char *method; /* NULL: GET */
    const char *path;
    struct iso_bytes body; /* copied */
    const char *body_type; /* NULL: application/json when there is a body */
    const char *file;
    bool body_kept; /* see struct iso_http_client_request */
    bool anybody;   /* https: whoever answers; no token is shown */
    bool once;      /* it must not reach the device twice */
    uint64_t max_bytes;
    uint32_t timeout_ms, connect_ms;
    void *ctx;
    void (*done)(void *ctx, uint64_t id, const struct iso_http_client_answer *answer);
};
bool iso_or_is_https(const char *base);
/* Whether our token may be shown there: over TLS the pinned key comes first; over plain HTTP, where
 * any process may have taken the port, only to where the device was seen last. */
bool iso_or_entry_trusts(const struct iso_or_entry *entry, const char *base);
/* What came back from there: a connection that ended may have been its process's end, and the next
 * one to answer another's. */
void iso_or_entry_doubt(struct iso_or_entry *entry, const char *base,
                        const struct iso_http_client_answer *answer);
ISO_MUST_CHECK enum iso_err iso_or_ask(struct iso_or_devices *devices, const struct iso_or_ask *ask,
                                       uint64_t *id, struct iso_report *report);
/* What went wrong, for people: the problem's detail or title, or the transport's words. */
void iso_or_ask_text(const struct iso_http_client_answer *answer, char *out, size_t cap);
/* The answer is one of HTTP. */
bool iso_or_ask_answered(const struct iso_http_client_answer *answer);
/* Its body as an object; NULL. The caller's reference. */
json_t *iso_or_ask_object(const struct iso_http_client_answer *answer);

/* ---- health_beat.c: heartbeats and descriptions over HTTP ---------------------------------------
 */

/* Does what health wants. */
void iso_or_entry_act(struct iso_or_entry *entry, unsigned wants);
void iso_or_entry_tick(struct iso_or_entry *entry, uint64_t now_ms);

/* ---- transport.c -------------------------------------------------------------------------------
 */

/* Starts what may be started, ends what is too late; called by the sweep and soon. */
void iso_or_works_pump(struct iso_or_entry *entry);
void iso_or_works_orphans(struct iso_or_devices *devices);
/* When the first of those that wait is too late; UINT64_MAX. */
uint64_t iso_or_works_due(const struct iso_or_entry *entry);
/* The device goes, or everything is closed: what waits is ended, what runs is cancelled. */
void iso_or_works_drop(struct iso_or_entry *entry);

/* ---- discovery.c, discovery_look.c, discovery_mdns.c -------------------------------------------
 */

enum iso_or_found { ISO_OR_FOUND_MDNS, ISO_OR_FOUND_REGISTER, ISO_OR_FOUND_ADDRESS };

/* One way in which something was found: a base URL, and who said so. */
struct iso_or_sighting {
    struct iso_or_sighting *next;
    enum iso_or_found found;
    struct iso_or_devices *devices;
    uint32_t interface;         /* of mDNS */
    char instance[64];          /* of mDNS */
    bool wot;                   /* of mDNS: as _wot._tcp, not as _isomer._tcp */
    uint64_t turn;              /* of mDNS: which announcement had it last */
    char peer[64];              /* of a registration: who sent it */
    struct iso_or_reach target; /* never a token; pin: as seen when it was looked at */
    char id[ISO_OR_ID_SIZE];    /* empty: not looked at, or nothing of ours */
    char name[ISO_OR_NAME_SIZE];
    json_t *owner;         /* NULL: nobody's, or not known */
    uint64_t seen_ms;      /* monotonic: said last */
    uint64_t seen_wall_ms; /* since 1970 */
    uint64_t look_ms;      /* look (again) at that time; UINT64_MAX: no more */
    uint64_t http_id;      /* of the look under way */
    bool known;            /* people were told of it */
    bool gone;
    struct iso_or_op *op; /* waits for the look */
};

/* The sighting of a base URL by one way (and of mDNS, of one instance; otherwise ""); made when
 * there is none. NULL: memory, or too many. */
struct iso_or_sighting *iso_or_sighting_get(struct iso_or_devices *devices, enum iso_or_found found,
                                            const char *instance, const char *base);
/* Forgets one, now or when its look has ended. */
void iso_or_sighting_drop(struct iso_or_devices *devices, struct iso_or_sighting *sighting);
/* The best one of a candidate, by id or name; NULL. *others: so many more are called so. */
struct iso_or_sighting *iso_or_candidate_find(const struct iso_or_devices *devices,
                                              struct iso_str id_or_name, size_t *others);
void iso_or_look(struct iso_or_devices *devices, struct iso_or_sighting *sighting);
/* The id in a Thing Description, checked against the key of who sent it; borrowed. MALFORMED (no
 * supervisor's), ACCESS (another's key). */
ISO_MUST_CHECK enum iso_err iso_or_thing_id(const json_t *thing,
                                            const struct iso_http_client_answer *answer,
                                            const char **id, struct iso_report *report);
/* Looks that are due, and ageing; called by the sweep. Returns when it is to be called again. */
uint64_t iso_or_discovery_tick(struct iso_or_devices *devices, uint64_t now_ms);
/* Cancels the looks under way. */
void iso_or_discovery_stop(struct iso_or_devices *devices);
void iso_or_discovery_free(struct iso_or_devices *devices);
ISO_MUST_CHECK enum iso_err iso_or_mdns_open(struct iso_or_devices *devices,
                                             const struct iso_or_devices_config *config,
                                             struct iso_report *report);

/* ---- devices_add.c, devices_remove.c ------------------------------------------------------------
 */

/* Begins those that wait, ends those that are over; called by soon. */
void iso_or_ops_begin(struct iso_or_devices *devices);
/* The look that an op waits for has ended. */
void iso_or_op_looked(struct iso_or_op *op, enum iso_err err, const struct iso_report *report,
                      const struct iso_or_sighting *sighting);
/* Cancels what they have under way; ends those that have nothing. */
void iso_or_ops_stop(struct iso_or_devices *devices);

#endif
