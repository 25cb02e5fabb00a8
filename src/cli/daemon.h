/* What the programs of both daemons, supervisor and orchestrator, do around the daemon itself: find
 * addresses that are free, leave a note by which commands find it, run until told to stop. */
#ifndef ISO_CLI_DAEMON_H
#define ISO_CLI_DAEMON_H

#include "cli/args.h"
#include "cli/local.h"
#include "daemon/program.h"

struct iso_cli_daemon {
    const char *kind;        /* of its note: "supervisor", "orchestrator" */
    const char *state;       /* its state directory; NULL: none, then starting says so */
    const char *name;        /* as given; NULL: the host's */
    const char *https, *pin; /* for its note; NULL: none. Set before `ready` */
    /* The daemon: as in struct iso_program_part. `had`: the ports of the last time; no two daemons
     * of this machine are in `start` at a time. */
    enum iso_err (*start)(struct iso_cli_daemon *daemon, uv_loop_t *loop,
                          const uint16_t had[ISO_CLI_PORTS], struct iso_report *report);
    void (*stop)(struct iso_cli_daemon *daemon, uint32_t grace_ms, void (*stopped)(void *ctx),
                 void *ctx);
    int note; /* its lock; internal, as the rest */
    void (*ready)(void *ctx);
    void *ready_ctx;
};

/* Runs it to its end. Returns the exit status, after a message when it is not 0. */
int iso_cli_daemon_run(struct iso_cli_daemon *daemon);

/* For the daemon's `ready`: keeps the ports for the next time (0: not to be kept), leaves the note
 * (url NULL: none), and tells who waits. */
void iso_cli_daemon_ready(struct iso_cli_daemon *daemon, const uint16_t ports[ISO_CLI_PORTS],
                          const char *url);

/* An option whose value is wrong: a message that names it, and the exit status. */
int iso_cli_daemon_wrong(const struct iso_cli_command *command, int id,
                         const struct iso_report *report, enum iso_err err);

#endif
