/* The program `isomer-client`: commands that talk to a device. Options may stand before the
 * command, as in: isomer --device HOST:PORT ps. */
#include "cli/client_commands.h"
#include "cli/describe.h"
#include "cli/message.h"
#include "cli/status.h"

#include <stdlib.h>

static const struct iso_cli_command *const commands[] = {
    &iso_cli_client_check,    &iso_cli_client_plan,     &iso_cli_client_deploy,
    &iso_cli_client_ls,       &iso_cli_client_ps,       &iso_cli_client_describe,
    &iso_cli_client_logs,     &iso_cli_client_call,     &iso_cli_client_move,
    &iso_cli_client_flow,     &iso_cli_client_rm,       &iso_cli_client_history,
    &iso_cli_client_rollback, &iso_cli_client_events,   &iso_cli_client_device,
    &iso_cli_client_package,  &iso_cli_client_registry, &iso_cli_client_trust,
    &iso_cli_client_key,      &iso_cli_client_sign,     &iso_cli_client_verify,
    &iso_cli_client_put,      &iso_cli_client_token,    &iso_cli_client_login,
    &iso_cli_client_pair,     &iso_cli_client_owner,    &iso_cli_client_simulate,
    &iso_cli_client_up,       &iso_cli_client_down};

static bool takes_value(const char *option)
{
    return strcmp(option, "--device") == 0 || strcmp(option, "--orchestrator") == 0 ||
           strcmp(option, "--token") == 0 || strcmp(option, "--pin") == 0;
}

/* The options before the command are moved behind its name. *name gets the index of the name; 0
 * when there is none. */
static int find_name(int argc, char **argv)
{
    int i = 1;
    while (i < argc && argv[i][0] == '-') {
        i += takes_value(argv[i]) ? 2 : 1;
    }
    return i < argc ? i : 0;
}

/* Whether the command, or one below it, has the options for a device, or for an orchestrator. */
static bool asks(const struct iso_cli_command *command, bool device)
{
    for (size_t g = 0; g < command->group_count; g++) {
        const struct iso_cli_option_group *group = command->groups[g];
        if (group == &iso_cli_either_group ||
            group == (device ? &iso_cli_device_group : &iso_cli_orchestrator_group)) {
            return true;
        }
    }
    for (size_t i = 0; command->subcommands != NULL && command->subcommands[i] != NULL; i++) {
        if (asks(command->subcommands[i], device)) {
            return true;
        }
    }
    return false;
}

static void list(FILE *out)
{
    fputs("Usage: isomer [--device DEVICE | --orchestrator URL] COMMAND [OPTIONS...] [ARGS...]\n\n"
          "Commands that can ask a device (d), an orchestrator (o), or need neither\n",
          out);
    for (size_t i = 0; i < ISO_COUNT_OF(commands); i++) {
        fprintf(out, "  %-9s %c%c  %s\n", commands[i]->name, asks(commands[i], true) ? 'd' : ' ',
                asks(commands[i], false) ? 'o' : ' ', commands[i]->summary);
    }
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--help=json") == 0) {
        return iso_cli_describe(commands, ISO_COUNT_OF(commands));
    }
    const int at = find_name(argc, argv);
    if (at == 0) {
        list(argc > 1 && strcmp(argv[argc - 1], "--help") == 0 ? stdout : stderr);
        return argc > 1 && strcmp(argv[argc - 1], "--help") == 0 ? ISO_CLI_OK : ISO_CLI_USAGE;
    }
    char *name = argv[at];
    for (int i = at; i > 1; i--) {
        argv[i] = argv[i - 1];
    }
    argv[1] = name;
    for (size_t i = 0; i < ISO_COUNT_OF(commands); i++) {
        if (strcmp(name, commands[i]->name) == 0) {
            (void)curl_global_init(CURL_GLOBAL_DEFAULT);
            return iso_cli_dispatch(commands[i], argc - 1, argv + 1);
        }
    }
    iso_cli_error("'%s' is not a command that asks a device or an orchestrator", name);
    list(stderr);
    return ISO_CLI_USAGE;
}
