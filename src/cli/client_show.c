/* isomer device, ps, logs: what a device is, what runs on it, what that says. */
#include "cli/client_commands.h"

#include "base/format.h"
#include "cli/message.h"
#include "cli/status.h"
#include "net/tls.h"
#include "platform/platform.h"

#include <stdlib.h>

static const struct iso_cli_option_group *const groups[] = {&iso_cli_client_group};

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static uint64_t number_of(const json_t *object, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(object, key));
}

static void fact(const char *name, const char *format, ...) ISO_PRINTF(2, 3);

static void fact(const char *name, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    (void)iso_format_v(text, sizeof text, format, args);
    va_end(args);
    printf("%-12s ", name);
    iso_cli_print_str(stdout, iso_str_from_z(text));
    putchar('\n');
}

static void size_fact(const char *name, const json_t *object)
{
    char free_text[32], total_text[32];
    (void)iso_format_size(free_text, number_of(object, "free-bytes"));
    (void)iso_format_size(total_text, number_of(object, "total-bytes"));
    fact(name, "%s of %s free", free_text, total_text);
}

static void print_interfaces(const json_t *interfaces)
{
    char line[512];
    size_t len = 0;
    const char *name;
    json_t *value;
    line[0] = '\0';
    json_object_foreach((json_t *)(uintptr_t)interfaces, name, value)
    {
        len += iso_format(line + len, sizeof line - len, "%s%s", len != 0 ? ", " : "", name);
        size_t i;
        json_t *entry;
        json_array_foreach(value, i, entry)
        {
            if (len < sizeof line - 64) {
                len += iso_format(line + len, sizeof line - len, "%s%s", i == 0 ? " (" : " ",
                                  text_of(entry, "name"));
            }
        }
        if (json_array_size(value) != 0 && len < sizeof line - 2) {
            len += iso_format(line + len, sizeof line - len, ")");
        }
        if (len >= sizeof line - 64) {
            break;
        }
    }
    fact("interfaces", "%s", line);
}

static void print_device(const json_t *device, const char *pin)
{
    const json_t *engine = json_object_get(device, "engine");
    const json_t *use = json_object_get(device, "use");
    char memory[32];
    fact("name", "%s", text_of(device, "name"));
    fact("id", "%s", text_of(device, "id"));
    if (pin[0] != '\0') {
        fact("key", "%s", pin);
    }
    fact("processor", "%s, %llu cores", text_of(device, "architecture"),
         (unsigned long long)number_of(device, "cores"));
    size_fact("memory", json_object_get(device, "memory"));
    size_fact("storage", json_object_get(device, "storage"));
    fact("speed", "%.0f million instructions a second",
         json_number_value(json_object_get(device, "speed")));
    fact("engine", "%s %s, %llu workers", text_of(engine, "name"), text_of(engine, "version"),
         (unsigned long long)number_of(engine, "workers"));
    (void)iso_format_size(memory, number_of(use, "memory-bytes"));
    fact("instances", "%llu (%llu waiting), %s", (unsigned long long)number_of(use, "instances"),
         (unsigned long long)number_of(use, "instances-waiting"), memory);
    const char *key;
    json_t *value;
    json_object_foreach(json_object_get(device, "labels"), key, value)
    {
        fact("label", "%s=%s", key, json_string_value(value));
    }
    print_interfaces(json_object_get(device, "interfaces"));
    size_t i;
    json_t *neighbour;
    json_array_foreach(json_object_get(device, "neighbours"), i, neighbour)
    {
        fact("neighbour", "%s at %s:%llu", text_of(neighbour, "name"),
             text_of(neighbour, "address"), (unsigned long long)number_of(neighbour, "port"));
    }
    fact("since", "%s", text_of(device, "started"));
}

static int run_device(const struct iso_cli_command *command, int argc, char **argv)
{
    struct iso_cli_client_args args;
    json_t *device = NULL;
    int status = iso_cli_client_read(command, argc, argv, &args, 0, 0, NULL, NULL);
    if (status < 0) {
        status = iso_cli_get_json(&args.device, "/v1/device", &device);
    }
    if (status == ISO_CLI_OK && device != NULL && args.device.json) {
        status = iso_cli_show_json(device);
    } else if (status == ISO_CLI_OK && device != NULL) {
        uint8_t pin[ISO_TLS_PIN_SIZE];
        char text[ISO_TLS_PIN_TEXT_SIZE] = "";
        if (iso_cli_device_seen_pin(&args.device, pin)) {
            iso_tls_pin_text(pin, text);
        }
        print_device(device, text);
        status = iso_cli_finish_output(ISO_CLI_OK);
    }
    json_decref(device);
    iso_cli_device_fini(&args.device);
    return status;
}

const struct iso_cli_command iso_cli_client_device = {
    .name = "device",
    .summary = "describe a device",
    .synopsis = "",
    .groups = groups,
    .group_count = ISO_COUNT_OF(groups),
    .examples = "  isomer --device 192.0.2.7 device\n"
                "  isomer --device 127.0.0.1:8480 device --json\n",
    .run = run_device,
};

/* ---- ps ------------------------------------------------------------------------------------- */

static void add_component(struct iso_cli_table *table, const json_t *component)
{
    char calls[24], latency[32], memory[32], name[160];
    const json_t *figures = json_object_get(component, "latency-ms");
    if (json_object_get(component, "component") == NULL) { /* an application without components */
        const char *const app[] = {
            text_of(component, "app"),       text_of(component, "state"), "", "", "", "",
            text_of(component, "last-error")};
        iso_cli_table_add(table, app);
        return;
    }
    (void)iso_format(name, sizeof name, "%s/%s", text_of(component, "app"),
                     text_of(component, "component"));
    (void)iso_format(calls, sizeof calls, "%llu",
                     (unsigned long long)number_of(json_object_get(component, "calls"), "total"));
    (void)iso_format(latency, sizeof latency, "%.3g ms",
                     json_number_value(json_object_get(figures, "p50")));
    (void)iso_format_size(memory, number_of(component, "memory-bytes"));
    const char *const cells[] = {
        name,   text_of(component, "state"),     text_of(component, "mode"), calls, latency,
        memory, text_of(component, "last-error")};
    iso_cli_table_add(table, cells);
}

/* An application that could not be begun, or not yet, has no components. */
static bool is_without_components(const json_t *app)
{
    return json_object_get(app, "components") == NULL &&
           (strcmp(text_of(app, "state"), "failed") == 0 ||
            strcmp(text_of(app, "state"), "starting") == 0);
}

/* The components' own documents, all in one array; of applications without components what is known
 * of them. */
static int collect(struct iso_cli_device *device, json_t *apps, json_t *all)
{
    size_t i;
    const char *name;
    json_t *app, *component;
    json_array_foreach(apps, i, app)
    {
        if (is_without_components(app)) {
            (void)json_array_append_new(
                all, json_pack("{s:s, s:s, s:s}", "app", text_of(app, "app"), "state",
                               text_of(app, "state"), "last-error", text_of(app, "reason")));
        }
        json_object_foreach(json_object_get(app, "components"), name, component)
        {
            char path[300];
            json_t *status_document = NULL;
            (void)iso_format(path, sizeof path, "/v1/components/%s/%s", text_of(app, "app"), name);
            const int status = iso_cli_get_json(device, path, &status_document);
            if (status != ISO_CLI_OK) {
                return status;
            }
            (void)json_array_append_new(all, status_document);
        }
    }
    return ISO_CLI_OK;
}

static void print_troubles(const json_t *apps)
{
    size_t i;
    json_t *app;
    json_array_foreach((json_t *)(uintptr_t)apps, i, app)
    {
        if (text_of(app, "reason")[0] != '\0' && !is_without_components(app)) {
            iso_cli_note("%s: %s", text_of(app, "app"), text_of(app, "reason"));
        }
    }
}

static int run_ps(const struct iso_cli_command *command, int argc, char **argv)
{
    static const char *const titles[] = {"COMPONENT", "STATE",  "MODE",      "CALLS",
                                         "P50",       "MEMORY", "LAST ERROR"};
    struct iso_cli_client_args args;
    json_t *apps = NULL, *all = json_array();
    int status = iso_cli_client_read(command, argc, argv, &args, 0, 0, NULL, NULL);
    if (status < 0) {
        status = iso_cli_get_json(&args.device, "/v1/deployments", &apps);
        status = status == ISO_CLI_OK ? collect(&args.device, apps, all) : status;
    }
    if (status == ISO_CLI_OK && apps != NULL && args.device.json) {
        status = iso_cli_show_json(all);
    } else if (status == ISO_CLI_OK && apps != NULL) {
        struct iso_cli_table table;
        size_t i;
        json_t *component;
        iso_cli_table_init(&table, titles, ISO_COUNT_OF(titles), 1u << 3 | 1u << 4 | 1u << 5);
        json_array_foreach(all, i, component)
        {
            add_component(&table, component);
        }
        if (table.count == 0) {
            iso_cli_note("nothing is deployed on %s", args.device.name);
        } else {
            iso_cli_table_print(&table, stdout);
        }
        print_troubles(apps);
        status = iso_cli_finish_output(ISO_CLI_OK);
    }
    json_decref(all);
    json_decref(apps);
    iso_cli_device_fini(&args.device);
    return status;
}

const struct iso_cli_command iso_cli_client_ps = {
    .name = "ps",
    .summary = "list the components of a device",
    .synopsis = "",
    .groups = groups,
    .group_count = ISO_COUNT_OF(groups),
    .examples = "  isomer --device :8480 ps\n",
    .run = run_ps,
};

/* ---- logs ----------------------------------------------------------------------------------- */

enum { OPTION_FOLLOW, OPTION_TAIL };

struct logs {
    bool follow, json;
    bool overlong; /* a line did not fit */
    const char *tail;
    struct iso_buf line; /* of the event stream, until it is whole */
};

static int logs_option(void *ctx, int id, char *value)
{
    struct logs *logs = ctx;
    uint64_t number;
    if (id == OPTION_FOLLOW) {
        logs->follow = true;
    } else if (iso_parse_count(value, 1000000, &number, NULL) == ISO_OK) {
        logs->tail = value;
    } else {
        iso_cli_error("'%s' is no number of lines", value);
        return ISO_CLI_USAGE;
    }
    return ISO_CLI_OK;
}

static void print_line(const struct logs *logs, const json_t *entry)
{
    if (logs->json) {
        char *text = json_dumps(entry, JSON_COMPACT);
        puts(text != NULL ? text : "");
        free(text);
        return;
    }
    printf("%s %-7s ", text_of(entry, "time"), text_of(entry, "level"));
    iso_cli_print_str(stdout, iso_str_from_z(text_of(entry, "message")));
    putchar('\n');
}

/* A line of the stream: "data: JSON"; others do not matter here. */
static void take_line(struct logs *logs)
{
    const struct iso_str line = iso_str_from((const char *)logs->line.ptr, logs->line.len);
    if (line.len > 6 && memcmp(line.ptr, "data: ", 6) == 0) {
        json_t *entry = json_loadb(line.ptr + 6, line.len - 6, 0, NULL);
        if (entry != NULL) {
            print_line(logs, entry);
            (void)fflush(stdout);
        }
        json_decref(entry);
    }
    logs->line.len = 0;
}

static bool on_piece(void *ctx, struct iso_bytes bytes)
{
    struct logs *logs = ctx;
    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.ptr[i] == '\n') {
            take_line(logs);
        } else if (iso_buf_append_u8(&logs->line, bytes.ptr[i]) != ISO_OK) {
            logs->overlong = true;
            return false;
        }
    }
    return true;
}

static int print_all(const struct logs *logs, const struct iso_cli_reply *reply)
{
    json_t *lines = json_loadb((const char *)reply->body.ptr, reply->body.len, 0, NULL);
    size_t i;
    json_t *entry;
    json_array_foreach(lines, i, entry)
    {
        print_line(logs, entry);
    }
    json_decref(lines);
    return iso_cli_finish_output(ISO_CLI_OK);
}

static int run_logs(const struct iso_cli_command *command, int argc, char **argv)
{
    struct iso_cli_client_args args;
    struct iso_cli_reply reply;
    struct logs logs = {.tail = "100"};
    char path[400], full[440];
    int status = iso_cli_client_read(command, argc, argv, &args, 1, 1, logs_option, &logs);
    if (status < 0) {
        status = iso_cli_component_path(command, args.operands[0], path, sizeof path);
    }
    if (status == ISO_CLI_OK && args.count == 1) {
        logs.json = args.device.json;
        iso_buf_init(&logs.line, iso_alloc_libc(), 1u << 20);
        (void)iso_format(full, sizeof full, "%s/logs?tail=%s", path, logs.tail);
        const struct iso_cli_request request = {.method = "GET",
                                                .path = full,
                                                .accept = logs.follow ? "text/event-stream"
                                                                      : "application/json",
                                                .piece = logs.follow ? on_piece : NULL,
                                                .ctx = &logs};
        status = iso_cli_request_good(&args.device, &request, &reply);
        if (status == ISO_CLI_OK && logs.follow) {
            iso_cli_error("%s: %s", args.device.name,
                          logs.overlong ? "a line of the log is too long"
                                        : "the device ended the stream");
            status = ISO_CLI_REFUSED;
        } else if (status == ISO_CLI_OK) {
            status = print_all(&logs, &reply);
        }
        iso_buf_fini(&reply.body);
        iso_buf_fini(&logs.line);
    }
    iso_cli_device_fini(&args.device);
    return status;
}

static const struct iso_cli_option logs_options[] = {
    {OPTION_FOLLOW, "f", NULL, false, "go on with the lines to come"},
    {OPTION_TAIL, "tail", "N", false, "begin with the last N lines (100)"},
};
static const struct iso_cli_option_group logs_group = {"Lines", logs_options,
                                                       ISO_COUNT_OF(logs_options)};
static const struct iso_cli_option_group *const logs_groups[] = {&logs_group,
                                                                 &iso_cli_client_group};

const struct iso_cli_command iso_cli_client_logs = {
    .name = "logs",
    .summary = "show what a component logs",
    .synopsis = "[-f] APP/COMPONENT",
    .groups = logs_groups,
    .group_count = ISO_COUNT_OF(logs_groups),
    .examples = "  isomer --device :8480 logs -f hello/hello\n",
    .run = run_logs,
};
