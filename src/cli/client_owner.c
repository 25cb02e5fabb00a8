/* isomer owner: which orchestrator a device belongs to. */
#include "cli/client_commands.h"

#include "cli/message.h"
#include "cli/status.h"

static const struct iso_cli_option_group *const groups[] = {&iso_cli_device_group};

static int show(struct iso_cli_server *server)
{
    json_t *description = NULL;
    int status = iso_cli_get_json(server, "/v1/device", &description);
    if (status != ISO_CLI_OK) {
        return status;
    }
    const json_t *owner = json_object_get(description, "owner");
    const char *address = json_string_value(json_object_get(owner, "address"));
    if (server->json) {
        status = iso_cli_show_json(owner);
    } else if (!json_is_object(owner)) {
        puts("nobody");
        status = iso_cli_finish_output(ISO_CLI_OK);
    } else {
        printf("%s\n  id       %s\n  address  %s\n  since    %s\n",
               json_string_value(json_object_get(owner, "name")),
               json_string_value(json_object_get(owner, "id")), address != NULL ? address : "-",
               json_string_value(json_object_get(owner, "since")));
        status = iso_cli_finish_output(ISO_CLI_OK);
    }
    json_decref(description);
    return status;
}

static int run_show(const struct iso_cli_command *command, int argc, char **argv)
{
    struct iso_cli_client_args args;
    int status = iso_cli_client_read(command, argc, argv, &args, 0, 0, NULL, NULL);
    status = status < 0 ? show(&args.server) : status;
    iso_cli_server_fini(&args.server);
    return status;
}

static int run_rm(const struct iso_cli_command *command, int argc, char **argv)
{
    struct iso_cli_client_args args;
    int status = iso_cli_client_read(command, argc, argv, &args, 0, 0, NULL, NULL);
    if (status < 0) {
        status = iso_cli_send_json(&args.server, "DELETE", "/v1/owner", NULL, NULL);
    }
    iso_cli_server_fini(&args.server);
    return status;
}

static const struct iso_cli_command owner_rm = {
    .name = "owner rm",
    .summary = "let the device belong to nobody; what runs there goes on",
    .synopsis = "",
    .groups = groups,
    .group_count = ISO_COUNT_OF(groups),
    .run = run_rm,
};
static const struct iso_cli_command *const owner_commands[] = {&owner_rm, NULL};

const struct iso_cli_command iso_cli_client_owner = {
    .name = "owner",
    .summary = "show the orchestrator that a device belongs to",
    .synopsis = "[rm]",
    .groups = groups,
    .group_count = ISO_COUNT_OF(groups),
    .examples = "  isomer --device :8480 owner\n  isomer --device :8480 owner rm\n",
    .subcommands = owner_commands,
    .run = run_show,
};
