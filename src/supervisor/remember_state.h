/* remember_state.h - the structures behind remember.h. Internal to remember*.c. */
#ifndef ISO_SUPERVISOR_REMEMBER_STATE_H
#define ISO_SUPERVISOR_REMEMBER_STATE_H

#include "supervisor/remember.h"

struct iso_sv_memory_caller {
    struct iso_sv_memory_caller *next;           /* in its bucket */
    uint32_t count;                              /* entries */
    struct iso_sv_memory_entry *oldest, *newest; /* finished ones */
    char name[96];
};

struct iso_sv_memory_waiter {
    struct iso_sv_memory_waiter *next;
    struct iso_sv_call *call;
};

struct iso_sv_memory_entry {
    struct iso_sv_memory *memory;
    struct iso_sv_memory_entry *next; /* in its bucket */
    struct iso_sv_memory_caller *caller;
    uint64_t sequence;
    /* Under way. */
    struct iso_sv_call *running; /* NULL: finished */
    bool transient;
    bool adopted;                           /* nobody waits for the call itself */
    void (*done)(struct iso_sv_call *call); /* the caller's */
    void *ctx;
    struct iso_sv_memory_waiter *waiters, **waiters_tail;
    uint32_t waiter_count;
    bool relayed; /* the result below is what it ends with */
    /* Its component went, and came back with the same call in its state: that one is found, this
     * one ends as its relay says. */
    bool superseded;
    struct iso_sv_memory_entry *prev_running, *next_running;
    /* Finished. */
    uint64_t finished_ns;
    uint64_t serial; /* which in the order of ending; from 2 */
    enum iso_sv_outcome outcome;
    enum iso_sv_encoding encoding;
    bool lost; /* the reply was too large, or had to go */
    uint8_t *reply;
    size_t reply_len;
    char *text;
    struct iso_sv_memory_entry *older, *newer;               /* of all */
    struct iso_sv_memory_entry *caller_older, *caller_newer; /* of its caller */
};

struct iso_sv_memory {
    const struct iso_alloc *alloc;
    uint64_t (*clock)(void);
    bool closed;
    struct iso_sv_memory_entry **buckets;
    struct iso_sv_memory_caller **callers;
    uint32_t bucket_count; /* of each; a power of 2 */
    uint32_t entry_count, caller_count, running_count;
    struct iso_sv_memory_entry *oldest, *newest; /* finished */
    struct iso_sv_memory_entry *running;
    size_t bytes;
    uint64_t mark; /* the serial of the latest that was finished; 1: none */
    uint64_t replayed, joined;
};

/* remember_table.c */
struct iso_sv_memory_entry *iso_sv_memory_find(const struct iso_sv_memory *memory,
                                               const struct iso_sv_call_id *id);
/* A new entry under way (running is for the caller to set); NULL when memory is short or there are
 * too many. */
struct iso_sv_memory_entry *iso_sv_memory_add(struct iso_sv_memory *memory,
                                              const struct iso_sv_call_id *id);
/* From under way to finished: the result has been set. */
void iso_sv_memory_finish(struct iso_sv_memory_entry *entry, uint64_t now_ns);
void iso_sv_memory_remove(struct iso_sv_memory_entry *entry);
/* Copy a result into an entry; what is too large, or memory is short for, is lost. */
void iso_sv_memory_set(struct iso_sv_memory_entry *entry, enum iso_sv_outcome outcome,
                       enum iso_sv_encoding encoding, struct iso_bytes reply, struct iso_str text);
/* Forget what is older than it may be. */
void iso_sv_memory_expire(struct iso_sv_memory *memory, uint64_t now_ns);

#endif
