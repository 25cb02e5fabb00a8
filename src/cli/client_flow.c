/* isomer flow: the flows of applications, of an orchestrator or of one device: what there is, how
 * they run, and starting those that calls start. */
#include "cli/client_commands.h"

#include "base/format.h"
#include "cli/interface.h"
#include "cli/load.h"
#include "cli/message.h"
#include "cli/status.h"
#include "platform/platform.h"

#include <stdlib.h>

enum { OPTION_OUT, PATH_SIZE = 400 };

struct options {
    const char *out;
};

static int option(void *ctx, int id, char *value)
{
    struct options *options = ctx;
    if (id == OPTION_OUT) {
        options->out = value;
    }
    return ISO_CLI_OK;
}

static const struct iso_cli_option_group *const groups[] = {&iso_cli_either_group};

/* ---- What there is -----------------------------------------------------------------------------
 */

/* The flows of a device's or an application's document that are wanted; NULL: any. */
static void take_flows(json_t *all, const json_t *answer, const char *app, const char *name)
{
    size_t i;
    json_t *flow;
    json_array_foreach(json_object_get(answer, "flows"), i, flow)
    {
        if ((app == NULL || strcmp(iso_cli_json_text(flow, "app"), app) == 0) &&
            (name == NULL || strcmp(iso_cli_json_text(flow, "flow"), name) == 0)) {
            (void)json_array_append(all, flow);
        }
    }
}

static int flows_of(struct iso_cli_server *server, const char *app, const char *name, json_t *all)
{
    char path[PATH_SIZE], encoded[200];
    json_t *answer = NULL;
    if (app != NULL && !iso_cli_path_encode(app, encoded, sizeof encoded)) {
        iso_cli_error("'%s' is no name of an application", app);
        return ISO_CLI_USAGE;
    }
    (void)iso_format(path, sizeof path, "/v1/flows%s%s", server->is_device ? "" : "/",
                     server->is_device ? "" : encoded);
    int status = iso_cli_get_json(server, path, &answer);
    if (status == ISO_CLI_OK) {
        take_flows(all, answer, app, name);
    }
    json_decref(answer);
    return status;
}

/* Of one application, or of all. */
static int collect(struct iso_cli_server *server, const char *app, const char *name, json_t *all)
{
    json_t *apps = NULL, *item;
    size_t i;
    if (server->is_device || app != NULL) {
        return flows_of(server, app, name, all);
    }
    int status = iso_cli_get_json(server, "/v1/apps", &apps);
    json_array_foreach(json_is_array(apps) ? apps : json_object_get(apps, "apps"), i, item)
    {
        if (status == ISO_CLI_OK) {
            status = flows_of(server, iso_cli_json_text(item, "app"), name, all);
        }
    }
    json_decref(apps);
    return status;
}

static void add_flow(struct iso_cli_table *table, const json_t *flow)
{
    char name[160], figures[4][24], latency[ISO_CLI_MS_SIZE];
    static const char *const keys[] = {"started", "running", "failed"};
    const json_t *times = json_object_get(flow, "latency");
    (void)iso_format(name, sizeof name, "%s/%s", iso_cli_json_text(flow, "app"),
                     iso_cli_json_text(flow, "flow"));
    for (size_t i = 0; i < ISO_COUNT_OF(keys); i++) {
        (void)iso_format(figures[i], sizeof figures[i], "%llu",
                         (unsigned long long)iso_cli_json_number(flow, keys[i]));
    }
    (void)iso_format(figures[3], sizeof figures[3], "%.3g/s",
                     json_number_value(json_object_get(flow, "rate")));
    iso_cli_ms_text((double)iso_cli_json_number(times, "p50-us") / 1000, latency);
    const char *const cells[] = {name,       iso_cli_json_text(flow, "state"),
                                 figures[0], figures[1],
                                 figures[2], figures[3],
                                 latency,    iso_cli_json_text(flow, "last-error")};
    iso_cli_table_add(table, cells);
}

static int print_flows(const json_t *flows)
{
    static const char *const titles[] = {"FLOW",   "STATE", "STARTED", "RUNNING",
                                         "FAILED", "RATE",  "P50",     "LAST ERROR"};
    struct iso_cli_table table;
    size_t i;
    json_t *flow;
    iso_cli_table_init(&table, titles, ISO_COUNT_OF(titles),
                       1u << 2 | 1u << 3 | 1u << 4 | 1u << 5 | 1u << 6);
    json_array_foreach((json_t *)(uintptr_t)flows, i, flow)
    {
        add_flow(&table, flow);
    }
    if (table.count == 0) {
        iso_cli_note("there are no flows");
    } else {
        iso_cli_table_print(&table, stdout);
    }
    return iso_cli_finish_output(ISO_CLI_OK);
}

static int run_ls(const struct iso_cli_command *command, int argc, char **argv)
{
    struct iso_cli_client_args args;
    json_t *flows = json_array();
    int status = iso_cli_client_read(command, argc, argv, &args, 0, 1, NULL, NULL);
    if (status < 0) {
        status = collect(&args.server, args.count != 0 ? args.operands[0] : NULL, NULL, flows);
        if (status == ISO_CLI_OK) {
            status = args.server.json ? iso_cli_show_json(flows) : print_flows(flows);
        }
    }
    json_decref(flows);
    iso_cli_server_fini(&args.server);
    return status;
}

/* ---- One flow ----------------------------------------------------------------------------------
 */

/* The device's name, where it is known. */
static const char *device_named(const json_t *devices, const char *id)
{
    size_t i;
    json_t *device;
    json_array_foreach((json_t *)(uintptr_t)devices, i, device)
    {
        if (strcmp(iso_cli_json_text(device, "id"), id) == 0) {
            return iso_cli_json_text(device, "name");
        }
    }
    return id;
}

static void add_step(struct iso_cli_table *table, const json_t *step, const json_t *devices)
{
    char call[160], figures[3][24], latency[ISO_CLI_MS_SIZE];
    static const char *const keys[] = {"executed", "failed", "queued"};
    (void)iso_format(call, sizeof call, "%s.%s", iso_cli_json_text(step, "component"),
                     iso_cli_json_text(step, "function"));
    for (size_t i = 0; i < ISO_COUNT_OF(keys); i++) {
        (void)iso_format(figures[i], sizeof figures[i], "%llu",
                         (unsigned long long)iso_cli_json_number(step, keys[i]));
    }
    iso_cli_ms_text((double)iso_cli_json_number(json_object_get(step, "latency"), "p50-us") / 1000,
                    latency);
    const char *const cells[] = {
        call,       device_named(devices, iso_cli_json_text(step, "device")),
        figures[0], figures[1],
        figures[2], latency};
    iso_cli_table_add(table, cells);
}

static void print_count(const json_t *flow, const char *key)
{
    printf("  %-10s %llu\n", key, (unsigned long long)iso_cli_json_number(flow, key));
}

static int print_flow(const json_t *flow, const json_t *devices)
{
    static const char *const titles[] = {"STEP", "DEVICE", "EXECUTED", "FAILED", "QUEUED", "P50"};
    static const char *const counts[] = {"started", "finished", "failed",
                                         "dropped", "lost",     "running"};
    struct iso_cli_table table;
    size_t i;
    json_t *step;
    const char *since = iso_cli_json_text(flow, "failing-since");
    printf("%s/%s is %s%s%s\n", iso_cli_json_text(flow, "app"), iso_cli_json_text(flow, "flow"),
           iso_cli_json_text(flow, "state"), since[0] != '\0' ? " since " : "", since);
    for (i = 0; i < ISO_COUNT_OF(counts); i++) {
        print_count(flow, counts[i]);
    }
    if (iso_cli_json_text(flow, "last-error")[0] != '\0') {
        printf("  last error ");
        iso_cli_print_str(stdout, iso_str_from_z(iso_cli_json_text(flow, "last-error")));
        putchar('\n');
    }
    putchar('\n');
    iso_cli_table_init(&table, titles, ISO_COUNT_OF(titles), 1u << 2 | 1u << 3 | 1u << 4 | 1u << 5);
    json_array_foreach(json_object_get(flow, "steps"), i, step)
    {
        add_step(&table, step, devices);
    }
    iso_cli_table_print(&table, stdout);
    return iso_cli_finish_output(ISO_CLI_OK);
}

static int show(struct iso_cli_server *server, const char *text)
{
    json_t *flows = json_array(), *answer = NULL;
    const char *name = strchr(text, '/') + 1; /* it has been checked */
    char app[160];
    (void)iso_format(app, sizeof app, "%.*s", (int)(name - 1 - text), text);
    int status = collect(server, app, name, flows);
    if (status == ISO_CLI_OK && json_array_size(flows) == 0) {
        iso_cli_error("there is no flow %s; 'isomer flow ls' lists those there are", text);
        status = ISO_CLI_REFUSED;
    }
    const json_t *flow = json_array_get(flows, 0);
    if (status == ISO_CLI_OK && server->json) {
        status = iso_cli_show_json(flow);
    } else if (status == ISO_CLI_OK) {
        status = server->is_device ? ISO_CLI_OK : iso_cli_get_json(server, "/v1/devices", &answer);
        const json_t *devices = json_is_array(answer) ? answer : json_object_get(answer, "devices");
        status = status == ISO_CLI_OK ? print_flow(flow, devices) : status;
    }
    json_decref(answer);
    json_decref(flows);
    return status;
}

static int run_show(const struct iso_cli_command *command, int argc, char **argv)
{
    struct iso_cli_client_args args;
    char path[PATH_SIZE];
    int status = iso_cli_client_read(command, argc, argv, &args, 1, 1, NULL, NULL);
    if (status < 0) {
        status = iso_cli_flow_path(command, args.operands[0], path, sizeof path);
        status = status == ISO_CLI_OK ? show(&args.server, args.operands[0]) : status;
    }
    iso_cli_server_fini(&args.server);
    return status;
}

/* ---- Start -------------------------------------------------------------------------------------
 */

static bool is_json(struct iso_bytes bytes, json_error_t *error)
{
    json_t *value = json_loadb((const char *)bytes.ptr, bytes.len, JSON_DECODE_ANY, error);
    json_decref(value);
    return value != NULL;
}

static int start(struct iso_cli_server *server, const char *path, struct iso_bytes input, bool json,
                 const struct options *options)
{
    struct iso_cli_reply reply;
    const struct iso_cli_request request = {
        .method = "POST",
        .path = path,
        .content_type = input.len == 0 ? NULL
                        : json         ? "application/json"
                                       : "application/octet-stream",
        .accept = options->out != NULL ? "application/octet-stream, application/json" : NULL,
        .body = input};
    int status = iso_cli_request_good(server, &request, &reply);
    status = status == ISO_CLI_OK ? iso_cli_reply_print(&reply, options->out) : status;
    iso_buf_fini(&reply.body);
    return status;
}

/* The input: JSON, or @FILE, whose bytes are it when they are no JSON; "-": standard input. */
static int start_with(const struct iso_cli_command *command, struct iso_cli_server *server,
                      const char *path, const char *text, const struct options *options)
{
    json_error_t error;
    struct iso_file file;
    if (text[0] != '@' && strcmp(text, "-") != 0) {
        struct iso_bytes input = iso_bytes_from(text, strlen(text));
        if (!is_json(input, &error)) {
            return iso_cli_usage_error(
                command, "the input is not JSON: %s; a text needs its quotes, a file @FILE",
                error.text);
        }
        return start(server, path, input, true, options);
    }
    const char *name = text[0] == '@' ? text + 1 : text;
    int status = iso_cli_file_load(strcmp(name, "-") == 0 ? "/dev/stdin" : name, &file);
    if (status == ISO_CLI_OK) {
        status = start(server, path, file.bytes, is_json(file.bytes, &error), options);
        iso_file_fini(&file);
    }
    return status;
}

static int run_start(const struct iso_cli_command *command, int argc, char **argv)
{
    struct iso_cli_client_args args;
    struct options options = {NULL};
    char path[PATH_SIZE];
    int status = iso_cli_client_read(command, argc, argv, &args, 1, 2, option, &options);
    if (status < 0) {
        status = iso_cli_flow_path(command, args.operands[0], path, sizeof path);
        if (status == ISO_CLI_OK && args.count == 2) {
            status = start_with(command, &args.server, path, args.operands[1], &options);
        } else if (status == ISO_CLI_OK) {
            status = start(&args.server, path, iso_bytes_from(NULL, 0), true, &options);
        }
    }
    iso_cli_server_fini(&args.server);
    return status;
}

/* ---- The commands ------------------------------------------------------------------------------
 */

static const struct iso_cli_option start_options[] = {
    {OPTION_OUT, "o", "FILE", false, "write the result there; bytes as they are"},
};
static const struct iso_cli_option_group start_group = {"Result", start_options,
                                                        ISO_COUNT_OF(start_options)};
static const struct iso_cli_option_group *const start_groups[] = {&start_group,
                                                                  &iso_cli_either_group};

static const struct iso_cli_command flow_ls = {
    .name = "flow ls",
    .summary = "list the flows, with their figures",
    .synopsis = "[APP]",
    .groups = groups,
    .group_count = ISO_COUNT_OF(groups),
    .examples = "  isomer flow ls\n"
                "  isomer --device den flow ls\n",
    .run = run_ls,
};
static const struct iso_cli_command flow_show = {
    .name = "flow show",
    .summary = "describe a flow: its runs, and its steps with their devices",
    .synopsis = "APP/FLOW",
    .groups = groups,
    .group_count = ISO_COUNT_OF(groups),
    .examples = "  isomer flow show upscaled-video/video\n",
    .run = run_show,
};
static const struct iso_cli_command flow_start = {
    .name = "flow start",
    .summary = "start a flow, and print its last step's result",
    .synopsis = "APP/FLOW [JSON | @FILE | -]",
    .description = "Only a flow that calls start (\"on\": {\"call\": true}) can be started so.\n"
                   "The input is JSON; of a file, bytes that are no JSON are the input "
                   "themselves.",
    .groups = start_groups,
    .group_count = ISO_COUNT_OF(start_groups),
    .examples = "  isomer flow start lab/sum '{\"a\": 1, \"b\": 40}'\n"
                "  isomer flow start -o small.jpg lab/shrink @large.jpg\n",
    .run = run_start,
};
static const struct iso_cli_command *const flow_commands[] = {&flow_ls, &flow_show, &flow_start,
                                                              NULL};

const struct iso_cli_command iso_cli_client_flow = {
    .name = "flow",
    .summary = "list, describe and start flows",
    .synopsis = "ls | show | start",
    .examples = "  isomer flow ls\n"
                "  isomer flow start lab/sum '{\"a\": 1, \"b\": 40}'\n",
    .subcommands = flow_commands,
};
