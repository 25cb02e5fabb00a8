/* The loop around iso_run: waiting for host calls, signals, time, fuel and snapshots. */
#include "cli/message.h"
#include "cli/session.h"
#include "cli/status.h"
#include "cli/watch.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>

/* Descriptors in one wait for which no memory is allocated. */
enum { WAITERS_USUAL = 16 };

/* Instructions that this command has run. */
static uint64_t fuel_used_here(const struct iso_cli_session *session)
{
    return iso_store_fuel_used(session->store) - session->fuel_start;
}

/* The next mark in fuel of this command; UINT64_MAX: none. */
static uint64_t next_mark(const struct iso_cli_session *session)
{
    uint64_t limit = session->settings.fuel;
    uint64_t at = session->snapshot_at_fuel_done ? UINT64_MAX : session->settings.snapshot_at_fuel;
    return at < limit ? at : limit;
}

void iso_cli_drive_set_fuel(struct iso_cli_session *session)
{
    uint64_t mark = next_mark(session), used = fuel_used_here(session);
    if (mark == UINT64_MAX) {
        if (iso_store_fuel(session->store) != ISO_FUEL_UNLIMITED) {
            iso_store_set_fuel(session->store, ISO_FUEL_UNLIMITED);
        }
        return;
    }
    iso_store_set_fuel(session->store, mark > used ? mark - used : 0);
}

/* The fuel until the next mark is used up: take the snapshot, or end. */
static int out_of_fuel(struct iso_cli_session *session)
{
    const struct iso_cli_settings *settings = &session->settings;
    if (!session->snapshot_at_fuel_done && settings->snapshot_at_fuel <= settings->fuel) {
        session->snapshot_at_fuel_done = true;
        if (iso_cli_snapshot_write(session)) {
            return ISO_CLI_SNAPSHOT_WRITTEN;
        }
        iso_cli_drive_set_fuel(session);
        return ISO_CLI_DRIVE_DONE;
    }
    iso_cli_error("the fuel is used up: the program was stopped after %" PRIu64
                  " units of fuel (--fuel %" PRIu64 ")",
                  fuel_used_here(session), settings->fuel);
    return ISO_CLI_FUEL;
}

/* Signals and time: the exit status, or ISO_CLI_DRIVE_DONE to go on. */
static int handle_events(struct iso_cli_session *session)
{
    struct iso_cli_events events = iso_cli_watch_take();
    if (events.signal != 0) {
        iso_cli_note("stopped by %s", events.signal == SIGINT ? "SIGINT" : "SIGTERM");
        return 128 + events.signal;
    }
    if (events.timeout) {
        iso_cli_error("the time is over: the program was stopped after %s (--timeout)",
                      session->settings.timeout_text);
        return ISO_CLI_TIMEOUT;
    }
    if (events.snapshot && iso_cli_snapshot_write(session)) {
        return ISO_CLI_SNAPSHOT_WRITTEN;
    }
    return ISO_CLI_DRIVE_DONE;
}

/* Wait for what the pending host call waits for, or an event. */
static enum iso_err wait_pending(struct iso_cli_session *session)
{
    struct iso_wasi_waiter usual[WAITERS_USUAL], *waiters = usual;
    struct pollfd usual_fds[WAITERS_USUAL], *fds = usual_fds;
    size_t count = 0;
    int64_t timeout_ns = INT64_MAX;
    if (session->wasi == NULL) {
        return ISO_E_STATE;
    }
    iso_wasi_waiting(session->wasi, waiters, WAITERS_USUAL, &count, &timeout_ns);
    if (count > WAITERS_USUAL) {
        size_t room = count;
        waiters = calloc(room, sizeof *waiters);
        fds = calloc(room, sizeof *fds);
        if (waiters == NULL || fds == NULL) {
            free(waiters);
            free(fds);
            return ISO_E_NOMEM;
        }
        iso_wasi_waiting(session->wasi, waiters, room, &count, &timeout_ns);
        count = count < room ? count : room;
    }
    for (size_t i = 0; i < count; i++) {
        fds[i] = (struct pollfd){.fd = waiters[i].fd, .events = waiters[i].events};
    }
    enum iso_err err = iso_cli_watch_poll(fds, count, timeout_ns);
    if (waiters != usual) {
        free(waiters);
        free(fds);
    }
    return err;
}

static int pending(struct iso_cli_session *session)
{
    enum iso_err err = wait_pending(session);
    if (err == ISO_OK) {
        return ISO_CLI_DRIVE_DONE;
    }
    struct iso_str module = {0}, name = {0};
    (void)iso_store_pending(session->store, &module, &name);
    iso_cli_error("cannot wait for %.*s.%.*s: %s", (int)module.len, module.ptr, (int)name.len,
                  name.ptr, iso_err_text(err));
    return iso_cli_status_from(err);
}

int iso_cli_drive_settle(struct iso_cli_session *session)
{
    int status = ISO_CLI_DRIVE_DONE;
    switch (iso_store_state(session->store)) {
    case ISO_RUN_PENDING:
        status = pending(session);
        break;
    case ISO_RUN_OUT_OF_FUEL:
        status = out_of_fuel(session);
        break;
    default:
        break;
    }
    return status == ISO_CLI_DRIVE_DONE ? handle_events(session) : status;
}

int iso_cli_drive(struct iso_cli_session *session)
{
    for (;;) {
        /* First: an event may have come before the store could be interrupted. One that comes from
         * now on interrupts the run or ends the wait, and is seen in the next round. */
        int status = handle_events(session);
        if (status != ISO_CLI_DRIVE_DONE) {
            return status;
        }
        switch (iso_run(session->store)) {
        case ISO_RUN_DONE:
            return ISO_CLI_DRIVE_DONE;
        case ISO_RUN_TRAPPED:
            return iso_cli_trap_status(session->store);
        case ISO_RUN_PENDING:
            status = pending(session);
            break;
        case ISO_RUN_OUT_OF_FUEL:
            status = out_of_fuel(session);
            break;
        case ISO_RUN_READY:
        case ISO_RUN_INTERRUPTED:
            break;
        case ISO_RUN_IDLE:
            iso_cli_error("nothing is running");
            return ISO_CLI_INTERNAL;
        }
        if (status != ISO_CLI_DRIVE_DONE) {
            return status;
        }
    }
}
