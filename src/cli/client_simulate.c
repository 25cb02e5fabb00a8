/* isomer simulate: what a device's simulated sensors measure and its simulated lines are, and
 * setting that: the world around a device that has no real ones. */
#include "cli/client_commands.h"

#include "base/format.h"
#include "cli/message.h"
#include "cli/status.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

static const struct iso_cli_option_group *const groups[] = {&iso_cli_device_group};

/* NAME=VALUE into its part of the document: a number is a sensor's, true and false are a line's. */
static int add(json_t *document, const char *text)
{
    const char *equals = strchr(text, '=');
    const char *value = equals != NULL ? equals + 1 : "";
    const bool is_line = strcmp(value, "true") == 0 || strcmp(value, "false") == 0;
    char name[128], *end = NULL;
    const double number = strtod(value, &end);
    if (equals == NULL || equals == text || (size_t)(equals - text) >= sizeof name ||
        (!is_line && (end == value || *end != '\0' || !isfinite(number)))) {
        iso_cli_error("'%s': write NAME=NUMBER for a sensor, NAME=true or NAME=false for a line",
                      text);
        return ISO_CLI_USAGE;
    }
    (void)iso_format(name, sizeof name, "%.*s", (int)(equals - text), text);
    const char *interface = is_line ? "gpio" : "sensor";
    json_t *part = json_object_get(document, interface);
    if (part == NULL) {
        part = json_object();
        (void)json_object_set_new(document, interface, part);
    }
    if (json_object_set_new(part, name,
                            is_line ? json_boolean(value[0] == 't') : json_real(number)) != 0) {
        iso_cli_error("'%s': a name must be UTF-8", text);
        return ISO_CLI_USAGE;
    }
    return ISO_CLI_OK;
}

static int set(struct iso_cli_client_args *args)
{
    json_t *document = json_object();
    int status = ISO_CLI_OK;
    for (int i = 0; i < args->count && status == ISO_CLI_OK; i++) {
        status = add(document, args->operands[i]);
    }
    if (status != ISO_CLI_OK) {
        json_decref(document);
        return status;
    }
    return iso_cli_send_json(&args->server, "POST", "/v1/simulated", document, NULL);
}

static int show(struct iso_cli_server *server)
{
    static const char *const titles[] = {"NAME", "VALUE"};
    struct iso_cli_table table;
    json_t *document = NULL, *value;
    const json_t *part;
    const char *interface, *name;
    size_t count = 0;
    int status = iso_cli_get_json(server, "/v1/simulated", &document);
    if (status != ISO_CLI_OK || server->json) {
        status = status == ISO_CLI_OK ? iso_cli_show_json(document) : status;
        json_decref(document);
        return status;
    }
    iso_cli_table_init(&table, titles, ISO_COUNT_OF(titles), 0);
    json_object_foreach(document, interface, part)
    {
        json_object_foreach((json_t *)(uintptr_t)part, name, value)
        {
            char text[32] = "from a file";
            if (json_is_boolean(value)) {
                (void)iso_format(text, sizeof text, json_is_true(value) ? "true" : "false");
            } else if (json_is_number(value)) {
                (void)iso_format(text, sizeof text, "%.6g", json_number_value(value));
            }
            const char *const cells[] = {name, text};
            iso_cli_table_add(&table, cells);
            count++;
        }
    }
    if (count == 0) {
        iso_cli_note("nothing is simulated on %s; its configuration says what is", server->name);
    }
    iso_cli_table_print(&table, stdout);
    json_decref(document);
    return iso_cli_finish_output(ISO_CLI_OK);
}

static int run(const struct iso_cli_command *command, int argc, char **argv)
{
    struct iso_cli_client_args args;
    int status = iso_cli_client_read(command, argc, argv, &args, 0, 64, NULL, NULL);
    if (status < 0) {
        status = args.count != 0 ? set(&args) : show(&args.server);
    }
    iso_cli_server_fini(&args.server);
    return status;
}

const struct iso_cli_command iso_cli_client_simulate = {
    .name = "simulate",
    .summary = "show and set what is simulated on a device",
    .synopsis = "[NAME=VALUE...]",
    .description =
        "Without NAME=VALUE it lists the simulated sensors and lines of the device. Values "
        "hold\nuntil they are set again, or the device's supervisor is started again.",
    .groups = groups,
    .group_count = ISO_COUNT_OF(groups),
    .examples = "  isomer --device attic simulate\n"
                "  isomer --device attic simulate air/temp=31.5\n"
                "  isomer --device hall simulate door=false\n",
    .run = run,
};
