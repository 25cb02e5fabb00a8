/*
 * transport.h - requests to devices: the seam between the deployer, which decides what to ask, and
 * whoever carries it (devices.h over HTTP; in tests a simulated fleet under a simulated clock).
 *
 * A device is named by its id; where it is, its pin, its token and the header Isomer-Owner are the
 * carrier's business. Requests to one device are begun in the order of their start, up to
 * ISO_OR_REQUESTS_PER_DEVICE at a time: whoever needs one to end before the next begins, waits.
 *
 * All on the loop thread. `done` is called exactly once for every start that returned an id, never
 * before start has returned, and not after cancel.
 */
#ifndef ISO_ORCHESTRATOR_TRANSPORT_H
#define ISO_ORCHESTRATOR_TRANSPORT_H

#include "base/base.h"
#include "orchestrator/limits.h"

enum iso_or_outcome {
    ISO_OR_ANSWERED,    /* status and body are there; any status */
    ISO_OR_UNREACHABLE, /* nothing was sent: no connection, wrong key, no such device */
    ISO_OR_BROKEN,      /* it was sent, perhaps carried out; no answer came in time, or no HTTP */
    ISO_OR_GARBLED,     /* what came is no answer: too large, or said to be JSON and is not */
};

struct iso_or_answer {
    enum iso_or_outcome outcome;
    unsigned status;       /* ISO_OR_ANSWERED */
    struct iso_bytes body; /* borrowed for the call; complete */
    /* Of other outcomes, what happened; of statuses from 400 the problem's detail, or its title;
     * for people. Borrowed. */
    const char *text;
};

/* Everything is borrowed for the call of start (copied), but what `file` names is read later. */
struct iso_or_request {
    const char *device;       /* id */
    const char *method;       /* "GET" */
    const char *path;         /* "/v1/deployments/app"; encoded */
    const char *content_type; /* of the body; NULL: none */
    struct iso_bytes body;
    const char *file;          /* the body is this file instead */
    uint64_t answer_max_bytes; /* 0: 1 MiB */
    uint32_t timeout_ms;       /* for all of it */
    void (*done)(void *ctx, const struct iso_or_answer *answer);
    void *ctx;
};

struct iso_or_transport {
    void *carrier;
    /* 0 when memory is short or too much is waiting; then done is not called. */
    uint64_t (*start)(void *carrier, const struct iso_or_request *request);
    /* done will not come. An id that is over does nothing. */
    void (*cancel)(void *carrier, uint64_t id);
};

/* Time for the deployer: monotonic, and wall time for people. In tests simulated. */
struct iso_or_clock {
    void *ctx;
    uint64_t (*now_ms)(void *ctx);  /* monotonic */
    uint64_t (*wall_ms)(void *ctx); /* since 1970 */
    /* Calls back once after `delay_ms`; returns an id, 0 when memory is short. */
    uint64_t (*after)(void *ctx, uint32_t delay_ms, void (*fire)(void *arg), void *arg);
    void (*stop)(void *ctx, uint64_t id);
};

#endif
