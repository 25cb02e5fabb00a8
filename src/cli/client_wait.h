/* Waiting for a change of an application (a generation) to be done, with progress. */
#ifndef ISO_CLI_CLIENT_WAIT_H
#define ISO_CLI_CLIENT_WAIT_H

#include "cli/client.h"

enum { ISO_CLI_OPTION_WAIT = 21, ISO_CLI_OPTION_NO_WAIT, ISO_CLI_OPTION_TIMEOUT };

struct iso_cli_wait {
    bool no_wait;
    uint64_t timeout_ns;
};
#define ISO_CLI_WAIT_DEFAULT_NS (UINT64_C(120) * 1000000000u)

/* --wait, --no-wait and --timeout, for commands that change something. */
extern const struct iso_cli_option_group iso_cli_wait_group;
void iso_cli_wait_init(struct iso_cli_wait *wait);
/* One of these options. Returns ISO_CLI_OK or a status after a message. */
int iso_cli_wait_option(struct iso_cli_wait *wait, int id, const char *value);

/*
 * After a request that was answered 202 with {"app","generation","revision"}: wait until that
 * generation is committed, which alone is ISO_CLI_OK, and say where everything runs. Otherwise a
 * message with the device and the reason, and ISO_CLI_FAILED, ISO_CLI_UNCONFIRMED, ISO_CLI_TIMEOUT
 * or that of a request. removing: it is the last one, the application goes. accepted: borrowed.
 */
int iso_cli_wait_done(struct iso_cli_server *server, const struct iso_cli_wait *wait,
                      const json_t *accepted, bool removing);

#endif
