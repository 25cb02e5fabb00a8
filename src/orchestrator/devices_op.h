/* devices_op.h - inside the devices: adding and removing, each a sequence of requests. An op begins
 * and ends from the loop; it is freed after its `done`. */
#ifndef ISO_ORCHESTRATOR_DEVICES_OP_H
#define ISO_ORCHESTRATOR_DEVICES_OP_H

#include "orchestrator/devices_state.h"

struct iso_or_op {
    struct iso_or_op *next;
    struct iso_or_devices *devices;
    iso_or_device_done done;
    void *ctx;
    void (*begin)(struct iso_or_op *op); /* NULL: has begun */
    /* The step under way: what its answer means. Returns ISO_OK after it has started the next one
     * or finished. */
    enum iso_err (*step)(struct iso_or_op *op, const struct iso_http_client_answer *answer);
    uint64_t http_id;
    bool ended;
    enum iso_err err;
    struct iso_report report;
    char id[ISO_OR_ID_SIZE]; /* of the device, once it is known */

    /* Adding; texts as they were given. */
    char given[ISO_OR_URL_SIZE], code[64], name[ISO_OR_NAME_SIZE];
    bool take_over;
    struct iso_or_place place;  /* where it is */
    struct iso_or_reach target; /* token: given, then our own */
    bool own_token, claimed;    /* made for us, done: to be given back when adding fails */
    struct iso_buf description; /* GET /v1/device, as it came */
    struct iso_pairing_client pairing;
    bool is_pairing;
    /* Removing. */
    bool forget;
};

/* A zeroed op in the list, to begin from the loop. NULL: memory. */
struct iso_or_op *iso_or_op_new(struct iso_or_devices *devices, iso_or_device_done done, void *ctx,
                                void (*begin)(struct iso_or_op *op));
/* One request of the op, with its target; its answer goes to step. */
ISO_MUST_CHECK enum iso_err iso_or_op_ask(
    struct iso_or_op *op, const char *method, const char *path, struct iso_bytes body, bool anybody,
    enum iso_err (*step)(struct iso_or_op *op, const struct iso_http_client_answer *answer));
/* The op has ended; op->report may have been set before. `done` follows. */
void iso_or_op_end(struct iso_or_op *op, enum iso_err err);
/* The error of an answer that is not what was hoped for; sets the report: "WHAT: why". */
ISO_MUST_CHECK enum iso_err iso_or_op_refused(struct iso_or_op *op, const char *what,
                                              const struct iso_http_client_answer *answer);
/* Withdraws op->target.token on the device: a request whose answer goes to step. */
ISO_MUST_CHECK enum iso_err iso_or_op_withdraw(
    struct iso_or_op *op,
    enum iso_err (*step)(struct iso_or_op *op, const struct iso_http_client_answer *answer));

#endif
