/* The commands of isomer-client: one table in client_main.c. */
#ifndef ISO_CLI_CLIENT_COMMANDS_H
#define ISO_CLI_CLIENT_COMMANDS_H

#include "cli/client.h"

extern const struct iso_cli_command iso_cli_client_device;
extern const struct iso_cli_command iso_cli_device_drain; /* below it */
extern const struct iso_cli_command iso_cli_client_ps;
extern const struct iso_cli_command iso_cli_client_call;
extern const struct iso_cli_command iso_cli_client_flow;
extern const struct iso_cli_command iso_cli_client_logs;
extern const struct iso_cli_command iso_cli_client_events;
extern const struct iso_cli_command iso_cli_client_check;
extern const struct iso_cli_command iso_cli_client_plan;
extern const struct iso_cli_command iso_cli_client_deploy;
extern const struct iso_cli_command iso_cli_client_ls;
extern const struct iso_cli_command iso_cli_client_describe;
extern const struct iso_cli_command iso_cli_client_move;
extern const struct iso_cli_command iso_cli_client_history;
extern const struct iso_cli_command iso_cli_client_rollback;
extern const struct iso_cli_command iso_cli_client_package;
extern const struct iso_cli_command iso_cli_client_registry;
extern const struct iso_cli_command iso_cli_client_trust;
extern const struct iso_cli_command iso_cli_client_key;
extern const struct iso_cli_command iso_cli_client_sign;
extern const struct iso_cli_command iso_cli_client_verify;
extern const struct iso_cli_command iso_cli_client_up;
extern const struct iso_cli_command iso_cli_client_down;
extern const struct iso_cli_command iso_cli_client_put;
extern const struct iso_cli_command iso_cli_client_simulate;
extern const struct iso_cli_command iso_cli_client_rm;
extern const struct iso_cli_command iso_cli_client_token;
extern const struct iso_cli_command iso_cli_client_login;
extern const struct iso_cli_command iso_cli_client_pair;
extern const struct iso_cli_command iso_cli_client_owner;

/* What most commands begin with: reads the options (its own ids below 24 go to `own`, which may be
 * NULL) and at most `cap` operands, and opens the server. -1: go on; otherwise the exit status. */
struct iso_cli_client_args {
    struct iso_cli_server server;
    char *operands[64];
    int count;
};
int iso_cli_client_read(const struct iso_cli_command *command, int argc, char **argv,
                        struct iso_cli_client_args *out, int least, int most,
                        int (*own)(void *ctx, int id, char *value), void *ctx);

#endif
