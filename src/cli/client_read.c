/* Options and operands that the client commands have in common. */
#include "cli/client_commands.h"

#include "base/format.h"
#include "cli/message.h"
#include "cli/status.h"

int iso_cli_client_read(const struct iso_cli_command *command, int argc, char **argv,
                        struct iso_cli_client_args *out, int least, int most,
                        int (*own)(void *ctx, int id, char *value), void *ctx)
{
    struct iso_cli_args args;
    iso_cli_args_init(&args, command, argc, argv);
    iso_cli_server_init(&out->server);
    out->count = 0;
    for (;;) {
        const int id = iso_cli_args_next(&args);
        int status = ISO_CLI_OK;
        if (id == ISO_CLI_ARGS_END) {
            break;
        }
        if (id == ISO_CLI_ARGS_OPERAND) {
            if (out->count == most) {
                return iso_cli_usage_error(command, "'%s' is too much", args.value);
            }
            out->operands[out->count++] = args.value;
        } else if (id < 0) {
            return iso_cli_args_status(id);
        } else if (id >= ISO_CLI_OPTION_DEVICE) {
            status = iso_cli_server_option(&out->server, id, args.value);
        } else {
            status = own(ctx, id, args.value);
        }
        if (status != ISO_CLI_OK) {
            return status;
        }
    }
    if (out->count < least) {
        return iso_cli_usage_error(command, "something is missing; write isomer %s %s",
                                   command->name, command->synopsis);
    }
    const int status = iso_cli_server_open(&out->server, command);
    return status == ISO_CLI_OK ? -1 : status;
}

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
}

static int pair_path(const struct iso_cli_command *command, const char *base, const char *what,
                     const char *text, char *out, size_t cap)
{
    const char *slash = strchr(text, '/');
    bool right =
        slash != NULL && slash != text && slash[1] != '\0' && strchr(slash + 1, '/') == NULL;
    for (const char *at = text; right && *at != '\0'; at++) {
        right = *at == '/' || is_plain(*at);
    }
    if (!right) {
        return iso_cli_usage_error(command, "'%s' names no %s; write APP/%s", text, what,
                                   strcmp(what, "flow") == 0 ? "FLOW" : "COMPONENT");
    }
    if (iso_format(out, cap, "%s/%s", base, text) >= cap) {
        return iso_cli_usage_error(command, "'%s' is too long", text);
    }
    return ISO_CLI_OK;
}

int iso_cli_component_path(const struct iso_cli_command *command, const char *text, char *out,
                           size_t cap)
{
    return pair_path(command, "/v1/components", "component", text, out, cap);
}

int iso_cli_flow_path(const struct iso_cli_command *command, const char *text, char *out,
                      size_t cap)
{
    return pair_path(command, "/v1/flows", "flow", text, out, cap);
}
