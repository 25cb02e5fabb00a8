/*
 * devices.h - who is there, how well, and how to ask them.
 *
 * A *candidate* was found (mDNS, an address that somebody gave, its own registration) and is nobody
 * yet: it is shown to people, fetched without credentials, and nothing else. A *device* was paired,
 * or added with a token, and claimed (PUT /v1/owner): it has an id, a pin, a token, and is asked
 * for its heartbeat every two seconds.
 *
 *     known --answers--> up --2 missed--> suspect --6 s since the last answer--> lost
 *        |                ^------------------|                                    |
 *        |                |    answers                                            |
 *        |                ^---------------------- answers: its description -------|
 *        |                                        is read first                   ^
 *        |----- no answer for 20 s since the orchestrator has started ------------|
 *
 * From each of them to `refuses` and, when it does not refuse any more, by way of `known` back.
 *
 * Loop thread. Devices are named by id across callbacks; pointers hold until the caller returns to
 * the loop.
 */
#ifndef ISO_ORCHESTRATOR_DEVICES_H
#define ISO_ORCHESTRATOR_DEVICES_H

#include <jansson.h>
#include <uv.h>

#include "net/http_client.h"
#include "orchestrator/limits.h"
#include "orchestrator/store.h"
#include "orchestrator/transport.h"

struct iso_or_devices;

enum iso_or_device_state {
    ISO_OR_KNOWN, /* has not answered since the orchestrator started, or not all that is asked */
    ISO_OR_UP,
    ISO_OR_SUSPECT,
    ISO_OR_LOST,
    ISO_OR_REFUSES, /* answers, but not us: another orchestrator's or nobody's, token withdrawn, too
                       old to have a heartbeat */
};
const char *iso_or_device_state_name(enum iso_or_device_state state);

struct iso_or_device {
    char id[ISO_OR_ID_SIZE];
    char name[ISO_OR_NAME_SIZE]; /* unique among the devices: "-2" is appended where it is not */
    enum iso_or_device_state state;
    bool drained;
    char reason[256];          /* of SUSPECT, LOST, REFUSES; for people */
    char address[256];         /* base URL that answered last: "https://192.0.2.7:8443" */
    uint64_t seen_ms;          /* since 1970: the last answer */
    uint64_t boot;             /* of the device's process; 0: not known */
    uint64_t revision;         /* as in its heartbeat */
    double load;               /* 0 to 1 */
    uint64_t latency_us;       /* of heartbeats, smoothed */
    const json_t *description; /* GET /v1/device; NULL: none yet */
    const json_t *labels;      /* the device's own with those given here over them; an object */
};

struct iso_or_devices_config {
    uv_loop_t *loop; /* kept */
    const struct iso_alloc *alloc;
    struct iso_or_store *store;      /* kept */
    struct iso_http_client *http;    /* kept; must outlive the devices */
    const char *id, *name, *address; /* of this orchestrator, for PUT /v1/owner; copied */
    const char *identity_file;       /* its key and certificate (net/tls.h); copied */
    bool mdns;
    const char *const *interfaces; /* for mDNS; none: all */
    size_t interface_count;
    /* For tests: heartbeats and their deadlines are so many times as quick; 0: 1. */
    uint32_t speed;
    /* A device changed: its state, its description, its revision (it must be compared), or it is
     * gone (`gone`). A device that comes back is told once its description has been read again. */
    void (*changed)(void *ctx, const struct iso_or_device *device, bool gone);
    /* Something for people: event name, device name, detail. */
    void (*event)(void *ctx, const char *event, const char *device, const char *detail);
    void *ctx;
};

/* Reads the devices from the store and begins to ask them. */
ISO_MUST_CHECK enum iso_err iso_or_devices_create(const struct iso_or_devices_config *config,
                                                  struct iso_or_devices **out,
                                                  struct iso_report *report);
/* done is called from the loop when everything is closed; requests under way are answered BROKEN.
 */
void iso_or_devices_close(struct iso_or_devices *devices, void (*done)(void *ctx), void *ctx);

/* The carrier of requests. */
struct iso_or_transport iso_or_devices_transport(struct iso_or_devices *devices);

/* Where a device is and as whom to ask it, for requests that the transport is not made for
 * (streams, passing on). False: no such device, or over plain HTTP it is not certain that the
 * device is what listens at its address. */
struct iso_or_reach {
    char base[256];  /* "https://192.0.2.7:8443" */
    char token[160]; /* secret */
    char owner[64];  /* what Isomer-Owner says: this orchestrator's id */
    bool has_pin;    /* without: plain HTTP on loopback */
    uint8_t pin[32];
};
bool iso_or_devices_reach(const struct iso_or_devices *devices, struct iso_str id,
                          struct iso_or_reach *out);

/* By id or by name; NULL. */
const struct iso_or_device *iso_or_devices_find(const struct iso_or_devices *devices,
                                                struct iso_str id_or_name);
/* A text for people, with the names of devices in the place of their ids. out: bytes are appended.
 * False: there are none in it, or no memory; out is then as it was. */
bool iso_or_devices_name(const struct iso_or_devices *devices, struct iso_str text,
                         struct iso_buf *out);
/* In the order of their names; each returns false to stop. */
void iso_or_devices_each(const struct iso_or_devices *devices,
                         bool (*each)(void *ctx, const struct iso_or_device *device), void *ctx);
size_t iso_or_devices_count(const struct iso_or_devices *devices);

/* For the API: one device, all devices, the candidates, as JSON values. */
void iso_or_devices_write_one(const struct iso_or_devices *devices,
                              const struct iso_or_device *device, struct iso_json *json);
void iso_or_devices_write(const struct iso_or_devices *devices, struct iso_json *json);
void iso_or_devices_write_candidates(const struct iso_or_devices *devices, struct iso_json *json);
/* The candidate of that id; nothing is written and false when there is none. */
bool iso_or_devices_write_candidate(const struct iso_or_devices *devices, const char *id,
                                    struct iso_json *json);

/* ---- Changes; done exactly once, from the loop; never after NOMEM ------------------------------
 */

/* err ISO_OK: device is its id, also of what is a candidate only. Otherwise report says why;
 * nothing has changed. */
typedef void (*iso_or_device_done)(void *ctx, enum iso_err err, const struct iso_report *report,
                                   const char *device);

/* Borrowed for the call. */
struct iso_or_device_add {
    struct iso_str address; /* "https://HOST:PORT", "HOST[:PORT]", "http://127.0.0.1:8480"; or the
                               name or id of a candidate */
    struct iso_str code;    /* of pairing; or */
    struct iso_str token;   /* one that it knows, with */
    struct iso_str pin;     /* "sha256:..."; not needed on loopback */
    struct iso_str name;    /* call it so; empty: as it says */
    bool take_over;         /* from another orchestrator */
};
/* Pairs (or makes a token of its own by the one given), reads the description, claims, stores it. A
 * device that refuses us may be added again, and keeps what was set here. Neither code nor token:
 * what answers there becomes a candidate, shown until the process ends. One that is a
 * device already is refused when a code is given; with a token it takes the address and the token
 * that is made by it, unless it has a pin and the address none. Errors: ACCESS (code, pin,
 * token), EXISTS (is a device already), STATE (owned by another orchestrator: named), NOT_FOUND (no
 * candidate of that name), IO (does not answer), LIMIT, ARGUMENT. */
ISO_MUST_CHECK enum iso_err iso_or_devices_add(struct iso_or_devices *devices,
                                               const struct iso_or_device_add *add,
                                               iso_or_device_done done, void *ctx);
/* Gives the device back: withdraws owner and token there, when it answers; forget: also when it
 * does not. What runs there must have been moved or removed before: the caller looks. */
ISO_MUST_CHECK enum iso_err iso_or_devices_remove(struct iso_or_devices *devices, struct iso_str id,
                                                  bool forget, iso_or_device_done done, void *ctx);
/* labels: a JSON object, text -> text, or null to take one away; merged. name: empty: unchanged. */
ISO_MUST_CHECK enum iso_err iso_or_devices_change(struct iso_or_devices *devices, struct iso_str id,
                                                  struct iso_str name, const json_t *labels,
                                                  const bool *drained, struct iso_report *report);
/* A device says that it is there (POST /v1/register): a candidate, or a new address of a device,
 * which is tried; nothing that it says is believed. peer: numeric address that it came from. */
ISO_MUST_CHECK enum iso_err iso_or_devices_registered(struct iso_or_devices *devices,
                                                      struct iso_str id, struct iso_str name,
                                                      const char *peer, uint16_t https_port,
                                                      struct iso_report *report);

#endif
