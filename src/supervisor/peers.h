/*
 * peers.h - machine to machine: links and flows between this device and others, over CoAP with a
 * key per pair and deployment. docs/internals/links.md and docs/internals/flows.md.
 *
 * The peers are the manager's hooks: they learn of each generation from it (iso_sv_peers_hooks) and
 * keep a connection to each of its peers. What other devices ask of this one comes in through
 * iso_sv_peers_request. Everything belongs to the loop thread.
 */
#ifndef ISO_SUPERVISOR_PEERS_H
#define ISO_SUPERVISOR_PEERS_H

#include "net/coap.h"
#include "supervisor/call.h"
#include "supervisor/deployment.h"

struct iso_sv_peers;

struct iso_sv_peers_config {
    uv_loop_t *loop;               /* kept */
    const struct iso_alloc *alloc; /* kept */
    struct iso_sv_core *core;      /* kept */
    const char *device_id;         /* of this device; copied */
    /* What the manager's `changed` tells, passed on; and "link", when a connection to a peer comes
     * or goes (detail: device, state and reason). NULL: nobody wants to know. */
    void (*changed)(void *ctx, struct iso_str app, struct iso_str component, const char *what,
                    const char *detail);
    void *ctx;
};

/* Errors: NOMEM, IO. */
ISO_MUST_CHECK enum iso_err iso_sv_peers_create(const struct iso_sv_peers_config *config,
                                                struct iso_sv_peers **out,
                                                struct iso_report *report);
/* When the deployments have stopped, and before the CoAP server and the core go. Closes its
 * handles: the loop must run once more. NULL is fine. */
void iso_sv_peers_destroy(struct iso_sv_peers *peers);

/* For iso_sv_deployments_create; lives as long as the peers. */
const struct iso_sv_deploy_hooks *iso_sv_peers_hooks(struct iso_sv_peers *peers);

/* ---- From other devices ------------------------------------------------------------------------
 */

/* The keys under which peers come, for iso_coap_server_config.on_psk; false: unknown here. */
bool iso_sv_peers_psk(struct iso_sv_peers *peers, struct iso_str identity,
                      struct iso_coap_psk *out);
/* Principals of peers are at and above this. */
#define ISO_SV_PRINCIPAL_PEERS (UINT64_C(1) << 32)
/* A request of a peer: calls (/c), messages (/f) and outcomes (/o) of flows. False: its principal
 * is no peer's, and nothing has been done. server: kept, until the peers go. */
bool iso_sv_peers_request(struct iso_sv_peers *peers, struct iso_coap_server *server,
                          const struct iso_coap_request *request);

/* ---- On this device ----------------------------------------------------------------------------
 */

/*
 * iso_sv_call_start for calls that come from outside, HTTP and CoAP: a call with an identity is
 * executed at most once (remember.h), and every call can be answered by the device that the
 * component moves to while it is under way. The same contract.
 */
bool iso_sv_peers_start(struct iso_sv_peers *peers, struct iso_sv_call *call,
                        struct iso_sv_component *component, uint32_t index);

/*
 * Run a flow that is started by calls. call: made with iso_sv_call_create, filled in as for a
 * component's function: the body is the run's input (none: null), encoded as it says; the reply is
 * the result of the last step. Outcomes: DONE; TRAP (a step failed: report says which, and why);
 * BUSY (no room; or dropped by `overload`); LIMIT (too large); ARGUMENT (the input); UNKNOWN
 * (lost); NOT_FOUND (no such flow, or it is not started here by calls). The same contract as
 * iso_sv_call_start: true, it has ended at once; else done comes later, also when the caller has
 * gone meanwhile: what was begun is finished, or is lost after its time. iso_sv_call_abandon is not
 * for these calls.
 */
bool iso_sv_flow_call(struct iso_sv_peers *peers, struct iso_str app, struct iso_str flow,
                      struct iso_sv_call *call);

/* A component here emitted an event: flows that it starts begin. payload: JSON. */
void iso_sv_peers_event(struct iso_sv_peers *peers, struct iso_sv_component *component,
                        struct iso_str name, struct iso_str payload);

/* ---- Status ------------------------------------------------------------------------------------
 */

/* Members "peers", "links" and "flows" (arrays) of an object that is open; of one application, or
 * of all (app empty). docs/internals/links.md lists what they hold. */
void iso_sv_peers_write_status(struct iso_sv_peers *peers, struct iso_str app,
                               struct iso_json *json);
/* Lines for Prometheus. Errors: those of iso_buf. */
ISO_MUST_CHECK enum iso_err iso_sv_peers_write_metrics(struct iso_sv_peers *peers,
                                                       struct iso_buf *out);

/* ---- Outcomes on the wire ----------------------------------------------------------------------
 */

/* The code of an outcome; and the outcome of an answer: its code, and the text of a failure, which
 * begins with the outcome's name ("limit: ..."). *again: nothing ran, and it may be otherwise soon.
 */
uint8_t iso_sv_outcome_to_code(enum iso_sv_outcome outcome);
enum iso_sv_outcome iso_sv_outcome_from_code(uint8_t code, struct iso_str text, bool *again);

#endif
