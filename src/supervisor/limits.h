/* limits.h - the numbers that bound the core of the supervisor; each has a test. */
#ifndef ISO_SUPERVISOR_LIMITS_H
#define ISO_SUPERVISOR_LIMITS_H

#include <stdint.h>

/* Instructions of a call that may run where it arrives (about 50 us), and of a worker's slice
 * (about 2 ms). */
#define ISO_SV_INLINE_FUEL UINT64_C(20000)
#define ISO_SV_SLICE_FUEL UINT64_C(800000)
/* Arguments above this are decoded on a worker. */
#define ISO_SV_INLINE_BODY ((size_t)16 << 10)
/* A slice is interrupted when it takes longer than this, whatever its fuel says (host functions and
 * bulk instructions take time and little fuel); looked at this often. */
#define ISO_SV_PACE_NS UINT64_C(4000000)
#define ISO_SV_PACE_INLINE_NS UINT64_C(1000000)
#define ISO_SV_PACE_EVERY_NS UINT64_C(2000000)
/* After a call that overran the budget on the loop thread, as many of the same function go to a
 * worker at once; doubled with each further one, up to the maximum. */
#define ISO_SV_INLINE_SKIP_MIN 4u
#define ISO_SV_INLINE_SKIP_MAX 1024u
/* Fresh instances that workers prefer to continuing ones, in a row. */
#define ISO_SV_FRESH_IN_A_ROW 8u

/* Defaults of struct iso_sv_limits and struct iso_sv_core_config. */
#define ISO_SV_MEMORY_BYTES (UINT64_C(64) << 20)
#define ISO_SV_TIME_NS (UINT64_C(10) * 1000000000)
#define ISO_SV_QUEUE 64u
#define ISO_SV_INSTANCES 16u
#define ISO_SV_FILES 16u
#define ISO_SV_LOG_LINES_PER_S 100u
#define ISO_SV_STORAGE_BYTES (UINT64_C(1) << 20)
#define ISO_SV_RESULT_BYTES (UINT64_C(16) << 20)
#define ISO_SV_CORE_INSTANCES 20000u
#define ISO_SV_WORKERS_MAX 64u

/* The value stack of an instance, which bounds recursion; address space until it is used. */
#define ISO_SV_STACK_BYTES (1u << 20)
/* What an arena may hold above the limit of results, for the shells of values. */
#define ISO_SV_ARENA_EXTRA ((size_t)64 << 10)
/* Instances of mode `function` that a component keeps for further calls. */
#define ISO_SV_SPARE_INSTANCES 2u
/* A service whose start fails is tried again after the first, then twice as long, ... */
#define ISO_SV_BACKOFF_MIN_NS UINT64_C(100000000)
#define ISO_SV_BACKOFF_MAX_NS UINT64_C(30000000000)
/* One line of a log; longer ones are cut. One event's payload. */
#define ISO_SV_LOG_LINE_BYTES ((size_t)4096)
#define ISO_SV_EVENT_BYTES ((size_t)65536)
/* Descriptors that an instance waits for at a time; with more it is asked again every so often. */
#define ISO_SV_WAIT_FDS 16u
#define ISO_SV_WAIT_RECHECK_NS UINT64_C(10000000)
/* Names and arrays of a component's definition. */
#define ISO_SV_NAME_BYTES 47u /* of an app or component: "app/component" fits into a chain */
#define ISO_SV_DEF_ITEMS 256u

#endif
