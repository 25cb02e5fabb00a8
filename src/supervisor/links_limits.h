/* links_limits.h - the numbers that bound what machines say to each other: remembered results,
 * links, flows. Each has a test. */
#ifndef ISO_SUPERVISOR_LINKS_LIMITS_H
#define ISO_SUPERVISOR_LINKS_LIMITS_H

#include <stddef.h>
#include <stdint.h>

/* Results that a component remembers, of one caller and in time; callers; bytes of all results. */
#define ISO_SV_REMEMBER_PER_CALLER 1024u
#define ISO_SV_REMEMBER_NS (UINT64_C(60) * 1000000000)
#define ISO_SV_REMEMBER_CALLERS 8192u
#define ISO_SV_REMEMBER_ENTRIES 16384u
#define ISO_SV_REMEMBER_BYTES ((size_t)32 << 20)
/* Calls that wait for the result of one that is under way. */
#define ISO_SV_REMEMBER_WAITERS 64u

/* How long a run may take, and how many one flow has at a time on the device that starts them. */
#define ISO_SV_FLOW_RUN_NS (UINT64_C(60) * 1000000000)
#define ISO_SV_FLOW_RUNS 4096u
/* Bytes on their way over one hop, and held by the device that takes them. One message is always
 * allowed. */
#define ISO_SV_FLOW_HOP_BYTES ((size_t)32 << 20)
/* One message of a flow; one batch of outcomes. */
#define ISO_SV_FLOW_MESSAGE_BYTES ((size_t)32 << 20)
#define ISO_SV_FLOW_OUTCOMES 64u
/* Outcomes that wait for being sent. */
#define ISO_SV_FLOW_OUTCOMES_WAITING 1024u
/* Text of a failure. */
#define ISO_SV_FLOW_TEXT 256u
/* Before a message is sent again: the first time, then twice as long, ... */
#define ISO_SV_FLOW_RETRY_MIN_NS UINT64_C(20000000)
#define ISO_SV_FLOW_RETRY_MAX_NS UINT64_C(1000000000)
/* So many runs in a row that failed make a flow one that fails, at most once in such a time. */
#define ISO_SV_FLOW_FAILING 3u
#define ISO_SV_FLOW_TURN_NS (UINT64_C(5) * 1000000000)
/* Before a step that found its component's queue full is tried again. */
#define ISO_SV_FLOW_BUSY_NS UINT64_C(2000000)

/* Steps of a flow, messages on their way: those of document_limits.h, for the parts that do not see
 * a document. */
#define ISO_SV_FLOW_STEPS 32u
#define ISO_SV_FLOW_WINDOW 1024u

#endif
