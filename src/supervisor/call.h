/*
 * call.h - one call of a component's function, from whoever wants it (HTTP, CoAP, a flow, a link).
 *
 * A call is made with iso_sv_call_create, filled in, and started. It ends exactly once, with an
 * outcome and, where there is one, an encoded value:
 *
 *     struct iso_sv_call *call = iso_sv_call_create(core);
 *     call->encoding = ISO_SV_JSON;   call->reply_encoding = ISO_SV_JSON;
 *     iso_sv_call_set_body(call, body);
 *     call->done = answer;            call->ctx = ...;
 *     if (iso_sv_call_start(call, component, index)) {
 *         answer(call);               // it ended at once; done is not called
 *     }                               // otherwise done(call) comes later, on the loop thread
 *     ... in answer: use outcome, reply, report; then iso_sv_call_destroy(call)
 */
#ifndef ISO_SUPERVISOR_CALL_H
#define ISO_SUPERVISOR_CALL_H

#include "supervisor/core.h"

enum iso_sv_encoding {
    ISO_SV_JSON,
    ISO_SV_CBOR,
    /* The bytes themselves: the one parameter is list<u8> (string: UTF-8 text); for a reply the
     * result is. Elsewhere it is an ARGUMENT outcome for a body; a reply is JSON then. */
    ISO_SV_RAW
};

/* How a call ended. docs/api.md has the HTTP and CoAP code of each. */
enum iso_sv_outcome {
    ISO_SV_DONE,     /* reply has the result (empty: the function has none) */
    ISO_SV_ERROR,    /* the function answered `error`: reply has its payload */
    ISO_SV_ARGUMENT, /* the arguments are wrong: report has path and reason; nothing ran */
    /* report has the trap; reply, when it was a component's, the document of it (docs/api.md,
     * "Traps") as JSON, unless memory was short. The backtrace is in the log too. */
    ISO_SV_TRAP,
    ISO_SV_BUSY,        /* the queue is full */
    ISO_SV_LIMIT,       /* fuel, time, memory, size: report says which */
    ISO_SV_MOVED,       /* the component is not (or no longer) owned here */
    ISO_SV_NOT_FOUND,   /* no such component or function */
    ISO_SV_GONE,        /* the component was stopped */
    ISO_SV_DEADLOCK,    /* the callers of this call include the component */
    ISO_SV_UNREACHABLE, /* a remote target: not executed */
    ISO_SV_UNKNOWN,     /* a remote target: the link broke and it may have been executed */
    ISO_SV_OUTCOME_COUNT
};
const char *iso_sv_outcome_name(enum iso_sv_outcome outcome); /* "done", "queue-full", ... */

/* Callers of callers, at most; the next link is refused as DEADLOCK. */
enum { ISO_SV_CHAIN_MAX = 16 };

/* Who calls, for at-most-once: a callee that sees the same id again answers with the remembered
 * result. caller empty: nobody will repeat it. */
struct iso_sv_call_id {
    char caller[96]; /* "device/app/component", or a token's id with an Idempotency-Key */
    uint64_t sequence;
};

struct iso_sv_call {
    /* In. */
    enum iso_sv_encoding encoding;
    enum iso_sv_encoding reply_encoding;
    uint8_t *body; /* owned; iso_sv_call_set_body, or taken by iso_sv_call_take_body */
    size_t body_len;
    struct iso_sv_call_id id;
    /* Names "app/component" of the callers, outermost first, each below 96 bytes with its zero. */
    char (*chain)[96]; /* owned */
    uint32_t chain_len;
    uint64_t deadline_ns; /* uv_hrtime; 0: the component's own limit; the earlier of both counts */
    void (*done)(struct iso_sv_call *call);
    void *ctx;
    uint64_t epoch; /* of the caller's knowledge; 0: any. Another than the component's: MOVED */
    /* For a remote link: the function wanted, "ns:pkg/iface@ver#name"; owned. */
    char *function;

    /* Out. */
    enum iso_sv_outcome outcome;
    enum iso_sv_encoding reply_actual; /* what the reply is encoded as */
    struct iso_buf reply;
    struct iso_report report;
    uint64_t fuel_used;
    uint64_t run_ns;  /* in Wasm code */
    uint64_t wait_ns; /* in the queue */

    struct iso_sv_call_state *state; /* the core's */
};

/* NULL when memory is short. Any thread. */
ISO_MUST_CHECK struct iso_sv_call *iso_sv_call_create(struct iso_sv_core *core);
/* After it has ended, or before it was started. NULL is fine. */
void iso_sv_call_destroy(struct iso_sv_call *call);
/* A copy of the bytes; or the block itself, from the core's allocator. Errors: NOMEM. */
ISO_MUST_CHECK enum iso_err iso_sv_call_set_body(struct iso_sv_call *call, struct iso_bytes body);
void iso_sv_call_take_body(struct iso_sv_call *call, uint8_t *body, size_t len);
/* Append a caller. Errors: LIMIT (the chain is full), NOMEM. */
ISO_MUST_CHECK enum iso_err iso_sv_call_add_caller(struct iso_sv_call *call, struct iso_str name);

/*
 * Start: function `index` of the component's program. True: it has ended already, and done is not
 * called. The call is the core's until then. What it logs and emits is told before it ends. Loop
 * thread.
 */
bool iso_sv_call_start(struct iso_sv_call *call, struct iso_sv_component *component,
                       uint32_t index);
/* Nobody waits for it: its result is thrown away; done is called all the same. It is not stopped:
 * what was begun is finished (or ended by its limits). */
void iso_sv_call_abandon(struct iso_sv_call *call);

/* For those who carry out remote calls (struct iso_sv_link): the outcome, reply and report have
 * been set. Loop thread. */
void iso_sv_call_finish(struct iso_sv_call *call, enum iso_sv_outcome outcome);

#endif
