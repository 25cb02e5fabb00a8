/* daemon.c - as daemon.h says. */
#include "cli/daemon.h"

#include "cli/message.h"
#include "cli/note.h"
#include "cli/status.h"
#include "daemon/state.h"

#include <unistd.h>

static enum iso_err start(void *ctx, uv_loop_t *loop, void (*ready)(void *ready_ctx),
                          void *ready_ctx, struct iso_report *report)
{
    struct iso_cli_daemon *daemon = ctx;
    uint16_t had[ISO_CLI_PORTS] = {0};
    daemon->ready = ready;
    daemon->ready_ctx = ready_ctx;
    const int lock = iso_cli_ports_lock();
    if (daemon->state != NULL) {
        iso_cli_ports_read(daemon->state, had);
    }
    const enum iso_err err = daemon->start(daemon, loop, had, report);
    if (lock >= 0) {
        (void)close(lock);
    }
    return err;
}

static void stop(void *ctx, uint32_t grace_ms, void (*stopped)(void *stopped_ctx),
                 void *stopped_ctx)
{
    struct iso_cli_daemon *daemon = ctx;
    daemon->stop(daemon, grace_ms, stopped, stopped_ctx);
}

static void on_overdue(void)
{
    iso_cli_error("not stopped in time; ending now");
    _exit(ISO_CLI_INTERNAL);
}

int iso_cli_daemon_run(struct iso_cli_daemon *daemon)
{
    const struct iso_program_part part = {start, stop, daemon};
    struct iso_report report;
    iso_report_init(&report);
    daemon->note = -1;
    const enum iso_err err = iso_program_run(&part, 1, on_overdue, &report);
    iso_cli_note_remove(daemon->kind, daemon->note);
    if (err != ISO_OK) {
        iso_cli_error("%s", iso_report_text(&report, err));
        return err == ISO_E_ARGUMENT || err == ISO_E_INVALID ? ISO_CLI_USAGE : ISO_CLI_SYSTEM;
    }
    return ISO_CLI_OK;
}

void iso_cli_daemon_ready(struct iso_cli_daemon *daemon, const uint16_t ports[ISO_CLI_PORTS],
                          const char *url)
{
    struct iso_report report;
    char host[ISO_STATE_HOST_SIZE];
    iso_cli_ports_keep(daemon->state, ports);
    iso_state_host(host);
    const struct iso_cli_note note = {.kind = daemon->kind,
                                      .name = daemon->name != NULL ? daemon->name : host,
                                      .url = url != NULL ? url : "",
                                      .state = daemon->state,
                                      .https = daemon->https,
                                      .pin = daemon->pin};
    iso_report_init(&report);
    const enum iso_err err =
        url != NULL ? iso_cli_note_leave(&note, &daemon->note, &report) : ISO_OK;
    if (err != ISO_OK) {
        iso_cli_note("commands will not find this %s by its name: %s", daemon->kind,
                     iso_report_text(&report, err));
    }
    daemon->ready(daemon->ready_ctx);
}

int iso_cli_daemon_wrong(const struct iso_cli_command *command, int id,
                         const struct iso_report *report, enum iso_err err)
{
    const char *name = "";
    for (size_t g = 0; g < command->group_count; g++) {
        for (size_t i = 0; i < command->groups[g]->count; i++) {
            const struct iso_cli_option *option = &command->groups[g]->options[i];
            name = (int)option->id == id ? option->name : name;
        }
    }
    return iso_cli_usage_error(command, "--%s: %s", name, iso_report_text(report, err));
}
