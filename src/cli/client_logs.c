/* isomer logs, events: what components say, and what happens. */
#include "cli/client_commands.h"
#include "cli/client_stream.h"

#include "base/format.h"
#include "cli/message.h"
#include "cli/status.h"
#include "platform/platform.h"

#include <stdlib.h>

enum { OPTION_FOLLOW, OPTION_TAIL };

struct lines {
    bool follow, json;
    const char *tail;
};

static int line_option(void *ctx, int id, char *value)
{
    struct lines *lines = ctx;
    uint64_t number;
    if (id == OPTION_FOLLOW) {
        lines->follow = true;
    } else if (iso_parse_count(value, 1000000, &number, NULL) == ISO_OK) {
        lines->tail = value;
    } else {
        iso_cli_error("--tail: '%s' is no number of lines; write 0 to 1000000", value);
        return ISO_CLI_USAGE;
    }
    return ISO_CLI_OK;
}

static void print_text(const json_t *entry, const char *key)
{
    const json_t *text = json_object_get(entry, key); /* a component's: with zero bytes, perhaps */
    iso_cli_print_str(stdout, iso_str_from(json_string_value(text), json_string_length(text)));
}

static bool print_as_json(const struct lines *lines, const json_t *entry)
{
    if (lines->json) {
        char *text = json_dumps(entry, JSON_COMPACT | JSON_PRESERVE_ORDER);
        puts(text != NULL ? text : "");
        free(text);
    }
    return lines->json;
}

static int show(struct iso_cli_server *server, const char *path, const struct lines *lines,
                void (*print)(void *ctx, const json_t *entry))
{
    struct iso_cli_stream stream;
    iso_cli_stream_init(&stream, print, (void *)(uintptr_t)lines);
    const int status = lines->follow ? iso_cli_stream_follow(server, path, &stream)
                                     : iso_cli_stream_once(server, path, &stream);
    iso_cli_stream_fini(&stream);
    return status;
}

/* ---- logs ----------------------------------------------------------------------------------- */

static void print_log(void *ctx, const json_t *entry)
{
    if (!print_as_json(ctx, entry)) {
        print_text(entry, "time");
        printf(" %-7s ", iso_cli_json_text(entry, "level"));
        print_text(entry, "message");
        putchar('\n');
    }
}

static int run_logs(const struct iso_cli_command *command, int argc, char **argv)
{
    struct iso_cli_client_args args;
    struct lines lines = {.tail = "100"};
    char path[400], full[440];
    int status = iso_cli_client_read(command, argc, argv, &args, 1, 1, line_option, &lines);
    if (status < 0) {
        status = iso_cli_component_path(command, args.operands[0], path, sizeof path);
        if (status == ISO_CLI_OK) {
            lines.json = args.server.json;
            (void)iso_format(full, sizeof full, "%s/logs?tail=%s", path, lines.tail);
            status = show(&args.server, full, &lines, print_log);
        }
    }
    iso_cli_server_fini(&args.server);
    return status;
}

static const struct iso_cli_option logs_options[] = {
    {OPTION_FOLLOW, "f", NULL, false, "go on with the lines to come, also over a move"},
    {OPTION_TAIL, "tail", "N", false, "begin with the last N lines (100)"},
};
static const struct iso_cli_option_group logs_group = {"Lines", logs_options,
                                                       ISO_COUNT_OF(logs_options)};
static const struct iso_cli_option_group *const logs_groups[] = {&logs_group,
                                                                 &iso_cli_either_group};

const struct iso_cli_command iso_cli_client_logs = {
    .name = "logs",
    .summary = "show what a component logs",
    .synopsis = "[-f] APP/COMPONENT",
    .groups = logs_groups,
    .group_count = ISO_COUNT_OF(logs_groups),
    .examples = "  isomer logs -f hello/greeter\n"
                "  isomer --device :8480 logs hello/hello\n",
    .run = run_logs,
};

/* ---- events --------------------------------------------------------------------------------- */

/* "hello/greeter", "hello", "". */
static void print_subject(const json_t *entry)
{
    print_text(entry, "app");
    if (iso_cli_json_text(entry, "component")[0] != '\0') {
        putchar('/');
        print_text(entry, "component");
    }
}

static void print_event(void *ctx, const json_t *entry)
{
    const char *device = iso_cli_json_text(entry, "device-name");
    if (print_as_json(ctx, entry)) {
        return;
    }
    print_text(entry, "time");
    printf(" %-15s ", iso_cli_json_text(entry, "event"));
    print_subject(entry);
    const bool has_app = iso_cli_json_text(entry, "app")[0] != '\0';
    device = device[0] != '\0' ? device : iso_cli_json_text(entry, "device");
    if (device[0] != '\0') {
        fputs(has_app ? " on " : "", stdout);
        iso_cli_print_str(stdout, iso_str_from_z(device));
    }
    if (iso_cli_json_text(entry, "detail")[0] != '\0') {
        fputs(has_app || device[0] != '\0' ? ": " : "", stdout);
        print_text(entry, "detail");
    }
    putchar('\n');
}

/* Of those that a component emits. */
static void print_emitted(void *ctx, const json_t *entry)
{
    if (print_as_json(ctx, entry)) {
        return;
    }
    char *payload = json_dumps(json_object_get(entry, "payload"),
                               JSON_ENCODE_ANY | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(15));
    print_text(entry, "time");
    printf(" %-15s ", iso_cli_json_text(entry, "name"));
    iso_cli_print_str(stdout, iso_str_from_z(payload != NULL ? payload : ""));
    putchar('\n');
    free(payload);
}

static int run_events(const struct iso_cli_command *command, int argc, char **argv)
{
    struct iso_cli_client_args args;
    struct lines lines = {.follow = false};
    char path[400], full[440];
    int status = iso_cli_client_read(command, argc, argv, &args, 0, 1, line_option, &lines);
    const bool read = status < 0;
    lines.json = args.server.json;
    if (read && args.count == 0) {
        status = show(&args.server, "/v1/events", &lines, print_event);
    } else if (read) {
        status = iso_cli_component_path(command, args.operands[0], path, sizeof path);
        (void)iso_format(full, sizeof full, "%s/events?tail=100", path);
        status = status == ISO_CLI_OK ? show(&args.server, full, &lines, print_emitted) : status;
    }
    iso_cli_server_fini(&args.server);
    return status;
}

static const struct iso_cli_option events_options[] = {
    {OPTION_FOLLOW, "f", NULL, false, "go on with the events to come"},
};
static const struct iso_cli_option_group events_group = {"Events", events_options,
                                                         ISO_COUNT_OF(events_options)};
static const struct iso_cli_option_group *const events_groups[] = {&events_group,
                                                                   &iso_cli_either_group};

const struct iso_cli_command iso_cli_client_events = {
    .name = "events",
    .summary = "show what happened, and what happens",
    .synopsis = "[-f] [APP/COMPONENT]",
    .description = "Of applications and devices; with APP/COMPONENT the events that the component "
                   "emits.",
    .groups = events_groups,
    .group_count = ISO_COUNT_OF(events_groups),
    .examples = "  isomer events -f\n"
                "  isomer events sensors/average\n",
    .run = run_events,
};
