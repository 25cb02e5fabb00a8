/*
 * flow.h - one flow of one generation on one device: its queues, its messages, its runs. No input
 * or output and no clock of its own: everything comes in through the functions below and goes out
 * through struct iso_sv_flow_ops, so that it runs over a simulated network as over a real one.
 *
 *     trigger -> [queue 0] step 0 -> [queue 1] step 1 ->...-> hop ))) (( [queue k] step k -> ...
 *                  first device                                        another device
 *
 * A run is at one place at a time: in a step's queue, being executed, held back because what comes
 * next has no room, or on its way to the next device. Each step executes one run after the other,
 * so runs never overtake each other. The device of the first step counts the runs: it numbers them
 * and learns how each ended, from itself, from an outcome that another device sent, or not at all
 * (lost).
 *
 * A hop is a stream of messages numbered 0, 1, 2, ...; each says which is the lowest that may still
 * come (`base`). The sender repeats a message until it is acknowledged, or its run's time is over
 * and it is skipped; the receiver takes each number once, in order, and acknowledges it when it is
 * in the step's queue. So a message is executed at most once and in order, whatever the network
 * loses, doubles or exchanges. The window bounds messages that are not acknowledged.
 *
 * now_ns: any clock that does not go back, the same in all calls. Loop thread.
 */
#ifndef ISO_SUPERVISOR_FLOW_H
#define ISO_SUPERVISOR_FLOW_H

#include "supervisor/links_limits.h"
#include "supervisor/meter.h"

/* ---- Values --------------------------------------------------------------------------------- */

/* Bytes that several runs and steps point into. */
struct iso_sv_block {
    uint32_t refs;
    struct iso_buf bytes; /* owned */
};
/* Takes the bytes of buf, which is empty afterwards. NULL when memory is short; then buf is as
 * before. One reference. */
ISO_MUST_CHECK struct iso_sv_block *iso_sv_block_create(struct iso_buf *buf);
struct iso_sv_block *iso_sv_block_ref(struct iso_sv_block *block);
void iso_sv_block_unref(struct iso_sv_block *block); /* NULL is fine */

/* One CBOR item within a block; block NULL: there is none. */
struct iso_sv_slot {
    struct iso_sv_block *block;
    struct iso_bytes item;
};

/* ---- Runs ----------------------------------------------------------------------------------- */

struct iso_sv_flow_run {
    struct iso_sv_flow_run *next;
    uint64_t number;     /* from the first step's device */
    uint64_t started_ns; /* by this device's clock */
    uint64_t begun_ns;   /* the step it is at */
    uint32_t step;
    bool waited; /* has been counted as waiting at this step */
    /* While it is a message to or from another device. */
    uint64_t hop;
    uint32_t attempt;
    bool sent;         /* its answer is awaited; else it is sent again at retry_ns */
    uint64_t retry_ns; /* likewise for a step whose component is busy */
    uint64_t token;    /* acknowledge this */
    size_t bytes;
    /* Results of the steps, then the input: step_count + 1. */
    struct iso_sv_slot slots[];
};

/* How a run ended. The numbers are on the wire. */
enum iso_sv_flow_end {
    ISO_SV_FLOW_FINISHED = 0,
    ISO_SV_FLOW_FAILED = 1,
    ISO_SV_FLOW_DROPPED = 2, /* by `overload` */
    ISO_SV_FLOW_LOST = 3     /* nobody knows */
};

/* How the text of a step begins that refused its arguments. */
#define ISO_SV_FLOW_BAD_ARGUMENTS "bad-arguments"

struct iso_sv_flow_outcome {
    uint64_t number;
    enum iso_sv_flow_end end;
    uint32_t step;           /* where it ended; of LOST, 0 */
    struct iso_str text;     /* of a failure */
    struct iso_bytes result; /* an item, or empty: none, or nobody wants it */
};

/* What a step gave. */
enum iso_sv_flow_step_end {
    ISO_SV_FLOW_STEP_DONE,
    ISO_SV_FLOW_STEP_FAILED,
    ISO_SV_FLOW_STEP_BUSY /* the component's queue is full: again, or dropped, as overload says */
};
struct iso_sv_flow_result {
    enum iso_sv_flow_step_end end;
    struct iso_sv_slot value; /* taken */
    char text[ISO_SV_FLOW_TEXT];
};

/* ---- Messages (flow_wire.c) -------------------------------------------------------------------
 */

/* A CBOR array: version, generation, run, step, attempt, age of the run in us, stream, hop, base,
 * mask of the values (bit i: the result of step i; bit 63: the input), the values. */
struct iso_sv_flow_message {
    uint64_t generation;
    uint64_t number;
    uint32_t step;
    uint32_t attempt;
    uint64_t age_us;
    uint64_t stream, hop, base;
    uint64_t mask;
    uint32_t value_count;
    struct iso_bytes values[ISO_SV_FLOW_STEPS + 1]; /* within the bytes parsed */
};
/* Errors: MALFORMED, LIMIT (deep), UNSUPPORTED (another version). */
ISO_MUST_CHECK enum iso_err iso_sv_flow_message_read(struct iso_bytes bytes,
                                                     struct iso_sv_flow_message *out);
ISO_MUST_CHECK enum iso_err iso_sv_flow_message_write(const struct iso_sv_flow_message *message,
                                                      struct iso_buf *out);

/* A CBOR array: version, generation, array of outcomes, each [run, end, step, text, result or
 * null]. What outcomes point to is within bytes. */
ISO_MUST_CHECK enum iso_err
iso_sv_flow_outcomes_read(struct iso_bytes bytes, uint64_t *generation,
                          struct iso_sv_flow_outcome outcomes[ISO_SV_FLOW_OUTCOMES], size_t *count);
ISO_MUST_CHECK enum iso_err iso_sv_flow_outcomes_write(uint64_t generation,
                                                       const struct iso_sv_flow_outcome *outcomes,
                                                       size_t count, struct iso_buf *out);

/* ---- The flow ------------------------------------------------------------------------------- */

/* Answers to a message. */
enum iso_sv_flow_ack {
    ISO_SV_FLOW_QUEUED,  /* it is in the step's queue, or was before */
    ISO_SV_FLOW_RETRY,   /* not reached, not known, no room: again later */
    ISO_SV_FLOW_REFUSED, /* never */
};

struct iso_sv_flow_ops {
    /* Execute a step. True: it has ended, *result is filled in. False: iso_sv_flow_step_done comes
     * later. One run of a step is executed at a time. run: borrowed until it is done or the flow is
     * destroyed. */
    bool (*execute)(void *ctx, uint32_t step, const struct iso_sv_flow_run *run,
                    struct iso_sv_flow_result *result);
    /* Send a message to the device of its step; iso_sv_flow_sent comes later with the answer.
     * False: it cannot be sent now. */
    bool (*send)(void *ctx, const struct iso_sv_flow_message *message);
    /* Answer a message that was given to iso_sv_flow_receive. */
    void (*acknowledge)(void *ctx, uint64_t token, enum iso_sv_flow_ack ack);
    /* Send outcomes to the device of the first step; iso_sv_flow_told comes later. */
    bool (*tell)(void *ctx, const struct iso_sv_flow_outcome *outcomes, size_t count);
    /* A run that somebody waits for has ended (device of the first step). */
    void (*ended)(void *ctx, uint64_t waiter, const struct iso_sv_flow_outcome *outcome);
    /* The flow fails, or does no longer: stats->failing (device of the first step). */
    void (*turned)(void *ctx);
};

enum iso_sv_flow_overload { ISO_SV_FLOW_WAIT, ISO_SV_FLOW_DROP_OLDEST, ISO_SV_FLOW_DROP_NEWEST };

struct iso_sv_flow_step {
    bool here;
    uint64_t needs; /* values that a run has to carry to this step (see the mask) */
};

struct iso_sv_flow_config {
    const struct iso_alloc *alloc; /* kept */
    uint64_t generation;
    const struct iso_sv_flow_step *steps; /* borrowed */
    uint32_t step_count;                  /* 1..ISO_SV_FLOW_STEPS */
    /* The runs' inputs come from another device, as messages to step 0. Or from here, while step 0
     * is elsewhere. Both false: the trigger is where step 0 is. */
    bool input_from_afar;
    bool source_only;
    uint64_t every_ns; /* 0: no timer */
    bool wants_result; /* somebody waits for the runs */
    enum iso_sv_flow_overload overload;
    uint32_t window;                   /* 1..ISO_SV_FLOW_WINDOW */
    uint64_t run_ns;                   /* 0: ISO_SV_FLOW_RUN_NS */
    uint64_t random;                   /* different each time: names streams and runs */
    const struct iso_sv_flow_ops *ops; /* kept */
    void *ctx;
};

struct iso_sv_flow_step_stats {
    struct iso_sv_meter meter; /* of executions; bytes of parameters in, of results out */
    uint64_t failed, dropped, waited, duplicates, resent;
    uint32_t queued, on_way;
};
struct iso_sv_flow_stats {
    struct iso_sv_meter meter; /* of runs that finished, from start to end */
    uint64_t started, finished, failed, dropped, lost, waited;
    uint32_t running;
    /* The latest runs failed or were lost, ISO_SV_FLOW_FAILING of them or all that this generation
     * has had; dropped ones and such as failed by their caller's input do not count. It turns at
     * most every ISO_SV_FLOW_TURN_NS to the worse. */
    bool failing;
    uint64_t failing_runs;
    uint64_t failing_since_ns; /* when the first of them ended */
    char last_error[ISO_SV_FLOW_TEXT + 64];
};

struct iso_sv_flow;

ISO_MUST_CHECK enum iso_err iso_sv_flow_create(const struct iso_sv_flow_config *config,
                                               struct iso_sv_flow **out);
/* Runs that are here end as lost: ended is told of those that somebody waits for, messages that
 * were not acknowledged are refused. NULL is fine. Not from within an op. */
void iso_sv_flow_destroy(struct iso_sv_flow *flow, uint64_t now_ns);

/* The trigger begins. */
void iso_sv_flow_begin(struct iso_sv_flow *flow, uint64_t now_ns);
/* Start a run (or, with source_only, have it started) with an input: a reference is taken. waiter:
 * for ended; 0: nobody. False: there is no room, and it has been counted as dropped. */
bool iso_sv_flow_offer(struct iso_sv_flow *flow, uint64_t now_ns, struct iso_sv_slot input,
                       uint64_t waiter);
/* No further runs; those under way may end. */
void iso_sv_flow_drain(struct iso_sv_flow *flow);
/* Whether nothing is left to be done, as far as is known here. */
bool iso_sv_flow_idle(const struct iso_sv_flow *flow);

void iso_sv_flow_step_done(struct iso_sv_flow *flow, uint64_t now_ns, uint32_t step,
                           struct iso_sv_flow_result *result);
/* message: of this generation; borrowed (copied). acknowledge comes, perhaps before this returns.
 */
void iso_sv_flow_receive(struct iso_sv_flow *flow, uint64_t now_ns,
                         const struct iso_sv_flow_message *message, uint64_t token);
/* text: why, of REFUSED; may be empty. */
void iso_sv_flow_sent(struct iso_sv_flow *flow, uint64_t now_ns, uint32_t step, uint64_t hop,
                      uint32_t attempt, enum iso_sv_flow_ack ack, struct iso_str text);
/* From another device: how a run ended. Of a run that is not known (any more) it has no effect. */
void iso_sv_flow_learn(struct iso_sv_flow *flow, uint64_t now_ns,
                       const struct iso_sv_flow_outcome *outcome);
void iso_sv_flow_told(struct iso_sv_flow *flow, uint64_t now_ns, enum iso_sv_flow_ack ack);

/* When iso_sv_flow_tick is wanted; UINT64_MAX: not for its own sake. */
uint64_t iso_sv_flow_next_ns(const struct iso_sv_flow *flow);
void iso_sv_flow_tick(struct iso_sv_flow *flow, uint64_t now_ns);

const struct iso_sv_flow_stats *iso_sv_flow_stats(struct iso_sv_flow *flow);
const struct iso_sv_flow_step_stats *iso_sv_flow_step_stats(struct iso_sv_flow *flow,
                                                            uint32_t step);
/* A step refused its arguments, and some of them are the input of who called the flow. */
bool iso_sv_flow_input_refused(const struct iso_sv_flow *flow,
                               const struct iso_sv_flow_outcome *outcome);
/* Add what another generation of the flow counted: more - less (NULL: 0). */
void iso_sv_flow_add_stats(struct iso_sv_flow *flow, const struct iso_sv_flow_stats *more,
                           const struct iso_sv_flow_stats *less);
/* All runs that have not ended are lost, and no further ones begin. */
void iso_sv_flow_lose(struct iso_sv_flow *flow, uint64_t now_ns);

#endif
