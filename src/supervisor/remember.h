/*
 * remember.h - at most once: what a component answered, kept for those who ask again.
 *
 * A call with an identity (caller and sequence) is executed once. The same call again, while it is
 * under way, waits for the same result; later it is answered with what is remembered: for 60
 * seconds, at most 1,024 results of each caller. A result that was too large to be kept is answered
 * as UNKNOWN. Calls of which nothing ran (BUSY, MOVED, ...) are forgotten at once, so that trying
 * again tries.
 *
 * When a component moves, what it remembers moves with it (save, load), and so do the calls under
 * way (adopt, relay). Nothing of it is on disk: a restart forgets. Loop thread.
 */
#ifndef ISO_SUPERVISOR_REMEMBER_H
#define ISO_SUPERVISOR_REMEMBER_H

#include "supervisor/call.h"
#include "supervisor/links_limits.h"

/* What one component remembers. */
struct iso_sv_memory;

/* clock: nanoseconds that do not go back; NULL: uv_hrtime. NULL when memory is short. */
ISO_MUST_CHECK struct iso_sv_memory *iso_sv_memory_create(const struct iso_alloc *alloc,
                                                          uint64_t (*clock)(void));
/* Calls that are under way still end as they would have. NULL is fine. */
void iso_sv_memory_destroy(struct iso_sv_memory *memory);

/*
 * iso_sv_call_start with memory; the same contract: true when it has ended at once. Between, the
 * call's done and ctx are the memory's. A call without caller is just started.
 * transient: the identity is this device's own, nobody will repeat it, but it can be relayed.
 */
bool iso_sv_remember_start(struct iso_sv_memory *memory, struct iso_sv_call *call, bool transient,
                           struct iso_sv_component *component, uint32_t index);
/* A call with this identity, of which only the identity is known: as above if it is remembered or
 * under way. False when it is neither; the call has then not begun. ended: as the result of start.
 */
bool iso_sv_remember_ask(struct iso_sv_memory *memory, struct iso_sv_call *call, bool *ended);
/* A call that came with a component's snapshot and is under way; see iso_sv_component_load. If the
 * same call waits here, for the component went from here before: that ends as its relay says. */
void iso_sv_remember_adopt(struct iso_sv_memory *memory, struct iso_sv_call *call);

/* Calls under way whose done was given to start: visited one after the other. result: filled in by
 * iso_sv_remember_relayed; the call ends with it, whatever its component says then. MOVED: the
 * caller has to ask elsewhere, under the same identity; nobody can for a transient one, whose
 * result is UNKNOWN. */
void iso_sv_remember_each(struct iso_sv_memory *memory,
                          void (*visit)(void *ctx, const struct iso_sv_call_id *id), void *ctx);
void iso_sv_remember_relayed(struct iso_sv_memory *memory, const struct iso_sv_call_id *id,
                             enum iso_sv_outcome outcome, enum iso_sv_encoding encoding,
                             struct iso_bytes reply, struct iso_str text);

/* What is remembered, as bytes; a snapshot's: results of calls that ended after the mark `since`,
 * 0: all. load: hostile; adds to what is there, and counts more than it. Errors:
 * SNAPSHOT (damaged; then nothing changed, or a part was added), LIMIT, NOMEM; those of iso_buf. */
ISO_MUST_CHECK enum iso_err iso_sv_memory_save(const struct iso_sv_memory *memory, uint64_t since,
                                               struct iso_buf *out);
/* This moment, for a later save: never 0. */
uint64_t iso_sv_memory_mark(const struct iso_sv_memory *memory);
ISO_MUST_CHECK enum iso_err iso_sv_memory_load(struct iso_sv_memory *memory, struct iso_bytes bytes,
                                               struct iso_report *report);

struct iso_sv_memory_stats {
    uint32_t entries, under_way, callers;
    size_t bytes;
    uint64_t replayed, joined; /* calls that were answered from memory; that waited for another */
};
void iso_sv_memory_stats(const struct iso_sv_memory *memory, struct iso_sv_memory_stats *out);

/* The identity of a call by an idempotency key that somebody chose: the holder of a token, by the
 * token's id, or an orchestrator, by its own. */
void iso_sv_call_id_from_key(struct iso_sv_call_id *id, struct iso_str holder, struct iso_str key);

#endif
