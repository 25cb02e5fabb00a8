/* flow_state.h - the structures behind flow.h. Internal to flow*.c. */
#ifndef ISO_SUPERVISOR_FLOW_STATE_H
#define ISO_SUPERVISOR_FLOW_STATE_H

#include "supervisor/flow.h"

/* Runs in order. */
struct iso_sv_flow_line {
    struct iso_sv_flow_run *head, **tail;
    uint32_t count;
};

enum { ISO_SV_FLOW_OLD_STREAMS = 4 };

/* What comes to a step from another device. */
struct iso_sv_flow_inbound {
    bool any;
    uint64_t stream;
    uint64_t expected;                     /* the number that is taken next */
    uint64_t old[ISO_SV_FLOW_OLD_STREAMS]; /* streams of senders that started anew */
    uint32_t old_next;
    struct iso_sv_flow_line held; /* by number; not acknowledged */
    size_t held_bytes;
};

/* What goes to a step on another device. */
struct iso_sv_flow_outbound {
    uint64_t stream;
    uint64_t next_hop;
    struct iso_sv_flow_line on_way; /* by number; not acknowledged */
    size_t bytes;
    uint32_t unsent;              /* of those on their way: to be sent again */
    struct iso_sv_flow_run *held; /* has no number yet: the window is full */
};

struct iso_sv_flow_stage {
    struct iso_sv_flow_step config;
    uint32_t queue_max;
    struct iso_sv_flow_line queue;  /* here */
    struct iso_sv_flow_run *active; /* being executed, or to be again at retry_ns */
    bool executing;
    struct iso_sv_flow_run *finished; /* what comes next has no room */
    struct iso_sv_flow_inbound in;
    struct iso_sv_flow_outbound out;
    struct iso_sv_flow_step_stats stats;
};

/* A run that this device started and that has not ended. */
struct iso_sv_flow_entry {
    uint64_t number;
    uint64_t started_ns;
    uint64_t waiter;
    bool ended;
};

/* How a run ended that another device started. */
struct iso_sv_flow_telling {
    struct iso_sv_flow_telling *next;
    uint64_t number;
    uint64_t until_ns;
    enum iso_sv_flow_end end;
    uint32_t step;
    struct iso_sv_slot result;
    char text[ISO_SV_FLOW_TEXT];
};

struct iso_sv_flow {
    const struct iso_alloc *alloc;
    const struct iso_sv_flow_ops *ops;
    void *ctx;
    uint64_t generation;
    uint32_t step_count;
    bool starts; /* step 0 is here */
    bool input_from_afar, source_only, wants_result;
    bool begun, draining, pumping;
    enum iso_sv_flow_overload overload;
    uint32_t window;
    uint64_t run_ns;
    uint64_t every_ns, tick_ns;
    uint64_t next_number;
    /* A ring, by number: [first, first + count). */
    struct iso_sv_flow_entry *entries;
    uint32_t entry_capacity, entry_first, entry_count;
    struct iso_sv_flow_telling *tellings, **tellings_tail;
    uint32_t telling_count;
    uint32_t telling_sent; /* of them, from the first: the answer is awaited */
    uint64_t telling_retry_ns;
    uint32_t telling_attempt;
    struct iso_sv_flow_stats stats;
    bool has_finished; /* a run, of this generation */
    uint64_t turn_ns;  /* stats.failing stays false until then */
    struct iso_sv_flow_stage stages[];
};

/* flow.c */
struct iso_sv_flow_run *iso_sv_flow_run_new(const struct iso_sv_flow *flow);
void iso_sv_flow_run_free(struct iso_sv_flow *flow, struct iso_sv_flow_run *run); /* NULL is fine */
void iso_sv_flow_append(struct iso_sv_flow_line *line, struct iso_sv_flow_run *run);
struct iso_sv_flow_run *iso_sv_flow_pop(struct iso_sv_flow_line *line);
void iso_sv_flow_line_init(struct iso_sv_flow_line *line);
/* Give up the values that a run does not need at its step; how many bytes the others have. */
size_t iso_sv_flow_trim(struct iso_sv_flow *flow, struct iso_sv_flow_run *run);
/* It is over. Frees the run. */
void iso_sv_flow_end_run(struct iso_sv_flow *flow, uint64_t now_ns, struct iso_sv_flow_run *run,
                         enum iso_sv_flow_end end, const char *text,
                         const struct iso_sv_slot *result);
/* Into the queue of its step, which is here; false: no room (`wait`). With true the run is taken.
 */
bool iso_sv_flow_enqueue(struct iso_sv_flow *flow, uint64_t now_ns, struct iso_sv_flow_run *run);
/* Go on with all that can go on. */
void iso_sv_flow_pump(struct iso_sv_flow *flow, uint64_t now_ns);
uint64_t iso_sv_flow_backoff(uint32_t attempt);

/* flow_runs.c: the runs that this device starts, and the outcomes of those that others do. */
/* A number for a run; false: too many. */
bool iso_sv_flow_register(struct iso_sv_flow *flow, uint64_t now_ns, uint64_t waiter,
                          uint64_t *number);
void iso_sv_flow_settle(struct iso_sv_flow *flow, uint64_t now_ns,
                        const struct iso_sv_flow_outcome *outcome);
/* Those whose time is over; all of them. */
void iso_sv_flow_expire(struct iso_sv_flow *flow, uint64_t now_ns, bool all);
void iso_sv_flow_tell(struct iso_sv_flow *flow, uint64_t now_ns, const struct iso_sv_flow_run *run,
                      enum iso_sv_flow_end end, const char *text, const struct iso_sv_slot *result);
void iso_sv_flow_tell_more(struct iso_sv_flow *flow, uint64_t now_ns);
void iso_sv_flow_tellings_free(struct iso_sv_flow *flow);

/* flow_hop.c */
/* A run whose step is on another device; false: no room (`wait`). With true the run is taken. */
bool iso_sv_flow_hop_put(struct iso_sv_flow *flow, uint64_t now_ns, struct iso_sv_flow_run *run);
/* Give up what is too old, send what is due or has room now. */
void iso_sv_flow_hop_pump(struct iso_sv_flow *flow, uint64_t now_ns, uint32_t step);
uint64_t iso_sv_flow_hop_next_ns(const struct iso_sv_flow *flow, uint32_t step);
/* Put into the queue what is next in order. */
void iso_sv_flow_deliver(struct iso_sv_flow *flow, uint64_t now_ns, uint32_t step);
void iso_sv_flow_hop_free(struct iso_sv_flow *flow, uint32_t step);

static inline bool iso_sv_flow_expired(const struct iso_sv_flow *flow,
                                       const struct iso_sv_flow_run *run, uint64_t now_ns)
{
    return now_ns >= run->started_ns + flow->run_ns;
}

#endif
