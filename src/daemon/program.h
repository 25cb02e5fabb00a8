/* program.h - what every daemon's program does: the loop, the signals, descriptors, and what
 * systemd wants to hear (sd_notify(3)). */
#ifndef ISO_DAEMON_PROGRAM_H
#define ISO_DAEMON_PROGRAM_H

#include <uv.h>

#include "base/base.h"

/* A daemon in the program; `isomer up` has two. */
struct iso_program_part {
    /* Opens everything; ready(ready_ctx) comes once, when it serves fully, also from within. On an
     * error it leaves nothing behind but handles that close when the loop runs. */
    enum iso_err (*start)(void *ctx, uv_loop_t *loop, void (*ready)(void *ready_ctx),
                          void *ready_ctx, struct iso_report *report);
    /* Lets work under way end for at most grace_ms, then closes all; `stopped` is the last. Called
     * once, and only after start has succeeded. */
    void (*stop)(void *ctx, uint32_t grace_ms, void (*stopped)(void *stopped_ctx),
                 void *stopped_ctx);
    void *ctx;
};

enum { ISO_PROGRAM_PARTS_MAX = 4 };

/* Starts the parts in their order and runs until SIGTERM or SIGINT, which stop them in the opposite
 * order, each when the one after has stopped; a second signal ends the process at once. READY=1 is
 * told when all are ready. Blocks; call it once in a process. overdue: called on the loop when they
 * have not stopped in time; must not return. Errors: those of the parts' start; those that were
 * started have then been stopped. */
ISO_MUST_CHECK enum iso_err iso_program_run(const struct iso_program_part *parts, size_t count,
                                            void (*overdue)(void), struct iso_report *report);

#endif
