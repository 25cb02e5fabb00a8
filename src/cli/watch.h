/* Signals and the time limit while a program runs. There is one set of them in a process. */
#ifndef ISO_CLI_WATCH_H
#define ISO_CLI_WATCH_H

#include "base/base.h"
#include "engine/engine.h"

#include <poll.h>

/* What has happened. */
struct iso_cli_events {
    int signal;    /* SIGINT or SIGTERM: stop; else 0 */
    bool timeout;  /* the time is over: stop */
    bool snapshot; /* SIGUSR1: write a snapshot */
};

/*
 * Begin to watch: SIGINT and SIGTERM (unless they were ignored before), SIGUSR1 when
 * wants_snapshot, and the time limit when timeout_ns is not 0. SIGPIPE is ignored from now on, so
 * that writing to a closed pipe is an error that the program gets. Before a store is watched,
 * events are remembered.
 *
 * A second SIGINT or SIGTERM, or the time limit exceeded by a second, ends the process at once: a
 * host call may be stuck in the system.
 */
ISO_MUST_CHECK enum iso_err iso_cli_watch_begin(bool wants_snapshot, uint64_t timeout_ns,
                                                struct iso_report *report);

/* Interrupt this store at events from now on; NULL: none. Must be called with NULL before the store
 * is destroyed. */
void iso_cli_watch_store(struct iso_store *store);

/* What has happened; a request for a snapshot is cleared by it. */
struct iso_cli_events iso_cli_watch_take(void);

/* Wait as poll() does until a descriptor is ready, timeout_ns is over (INT64_MAX: never) or an
 * event happens, also one since the last iso_cli_watch_take. Errors: ISO_E_IO. */
ISO_MUST_CHECK enum iso_err iso_cli_watch_poll(struct pollfd *fds, size_t count,
                                               int64_t timeout_ns);

#endif
