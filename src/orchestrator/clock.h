/* clock.h - struct iso_or_clock over libuv: timers of the loop, and the system's clocks. */
#ifndef ISO_ORCHESTRATOR_CLOCK_H
#define ISO_ORCHESTRATOR_CLOCK_H

#include <uv.h>

#include "orchestrator/transport.h"

struct iso_or_uv_clock;

/* loop, alloc: kept. Errors: NOMEM. */
ISO_MUST_CHECK enum iso_err iso_or_uv_clock_create(uv_loop_t *loop, const struct iso_alloc *alloc,
                                                   struct iso_or_uv_clock **out);
/* Stops what is left; closes its handle, after which `done` (may be NULL) comes from the loop. */
void iso_or_uv_clock_close(struct iso_or_uv_clock *clock, void (*done)(void *ctx), void *ctx);
struct iso_or_clock iso_or_uv_clock(struct iso_or_uv_clock *clock);

#endif
