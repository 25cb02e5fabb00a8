/* isomer describe: an application, or a component with its interface. */
#include "cli/client_commands.h"

#include "base/format.h"
#include "cli/message.h"
#include "cli/status.h"
#include "interface/interface.h"
#include "platform/platform.h"

#include <stdlib.h>

enum { OPTION_WIT, OPTION_TD, OPTION_OPENAPI, PATH_SIZE = 512 };

struct options {
    const char *view; /* "wit", "td", "openapi.json"; NULL: for people */
};

static int option(void *ctx, int id, char *value)
{
    struct options *options = ctx;
    (void)value;
    if (options->view != NULL) {
        iso_cli_error("--wit, --td, --openapi: one of them");
        return ISO_CLI_USAGE;
    }
    options->view = id == OPTION_WIT ? "wit" : id == OPTION_TD ? "td" : "openapi.json";
    return ISO_CLI_OK;
}

static void fact(const char *name, const char *format, ...) ISO_PRINTF(2, 3);

static void fact(const char *name, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    (void)iso_format_v(text, sizeof text, format, args);
    va_end(args);
    if (text[0] != '\0') {
        printf("%-12s ", name);
        iso_cli_print_str(stdout, iso_str_from_z(text));
        putchar('\n');
    }
}

/* ---- A component ------------------------------------------------------------------------------
 */

static void print_links(const json_t *links)
{
    size_t i;
    json_t *link;
    json_array_foreach((json_t *)(uintptr_t)links, i, link)
    {
        const char *device = iso_cli_json_text(link, "device");
        fact("link", "%s -> %s%s%s", iso_cli_json_text(link, "interface"),
             iso_cli_json_text(link, "component"), device[0] != '\0' ? " on " : "", device);
    }
}

static void print_component(const json_t *component)
{
    const json_t *calls = json_object_get(component, "calls");
    const json_t *latency = json_object_get(component, "latency-ms");
    char memory[32], peak[32], half[ISO_CLI_MS_SIZE], most[ISO_CLI_MS_SIZE];
    (void)iso_format_size(memory, iso_cli_json_number(component, "memory-bytes"));
    (void)iso_format_size(peak, iso_cli_json_number(component, "memory-peak-bytes"));
    fact("component", "%s/%s", iso_cli_json_text(component, "app"),
         iso_cli_json_text(component, "component"));
    fact("state", "%s, a %s", iso_cli_json_text(component, "state"),
         iso_cli_json_text(component, "mode"));
    fact("error", "%s", iso_cli_json_text(component, "last-error"));
    fact("module", "%s", iso_cli_json_text(component, "module"));
    iso_cli_ms_text(json_number_value(json_object_get(latency, "p50")), half);
    iso_cli_ms_text(json_number_value(json_object_get(latency, "p99")), most);
    fact("calls", "%llu, half of them within %s, 99 of 100 within %s",
         (unsigned long long)iso_cli_json_number(calls, "total"), half, most);
    fact("memory", "%s, at most %s so far", memory, peak);
    print_links(json_object_get(component, "links"));
}

/* Where the orchestrator has it, and what the manifest allows it. */
static int print_place(struct iso_cli_server *server, const char *app, const char *component)
{
    char path[PATH_SIZE];
    json_t *status = NULL, *generation = NULL, *entry;
    size_t i;
    (void)iso_format(path, sizeof path, "/v1/apps/%s", app);
    int answer = iso_cli_get_json(server, path, &status);
    json_array_foreach(json_object_get(status, "components"), i, entry)
    {
        if (strcmp(iso_cli_json_text(entry, "name"), component) == 0) {
            fact("device", "%s", iso_cli_json_text(entry, "device-name"));
            fact("package", "%s", iso_cli_json_text(entry, "package"));
        }
    }
    if (answer == ISO_CLI_OK && iso_cli_json_number(status, "generation") != 0) {
        (void)iso_format(path, sizeof path, "/v1/apps/%s/generations/%llu", app,
                         (unsigned long long)iso_cli_json_number(status, "generation"));
        answer = iso_cli_get_json(server, path, &generation);
    }
    const char *text = iso_cli_json_text(generation, "manifest");
    json_t *manifest = json_loads(text, 0, NULL);
    const json_t *written = json_object_get(json_object_get(manifest, "components"), component);
    static const char *const members[] = {"limits", "config", "place", "devices"};
    for (size_t m = 0; m < ISO_COUNT_OF(members); m++) {
        char *value = json_dumps(json_object_get(written, members[m]), JSON_COMPACT);
        if (value != NULL) {
            fact(members[m], "%s", value);
        }
        free(value);
    }
    json_decref(manifest);
    json_decref(generation);
    json_decref(status);
    return answer;
}

/* Text lines that came from elsewhere, harmless to the terminal. */
static void print_lines(struct iso_str text)
{
    size_t from = 0;
    for (size_t i = 0; i <= text.len; i++) {
        if (i == text.len ? i > from : text.ptr[i] == '\n') {
            iso_cli_print_str(stdout, iso_str_from(text.ptr + from, i - from));
            putchar('\n');
            from = i + 1;
        }
    }
}

static int print_interface(struct iso_cli_server *server, const char *title, struct iso_bytes text)
{
    struct iso_report report;
    struct iso_buf page;
    struct iso_wit wit;
    const struct iso_wit_source source = {title, text};
    const struct iso_gen_place place = {.title = title, .http_base = ""};
    iso_report_init(&report);
    iso_buf_init(&page, iso_alloc_libc(), 4u << 20);
    enum iso_err err = iso_wit_parse(iso_alloc_libc(), &source, 1, &wit, &report);
    if (err == ISO_OK && wit.world_count != 0) {
        err = iso_gen_text(wit.worlds[0], &place, &page);
    }
    if (err == ISO_OK) {
        putchar('\n');
        print_lines(iso_str_from((const char *)page.ptr, page.len));
    } else {
        iso_cli_error("%s: the interface cannot be read: %s", server->name,
                      iso_report_text(&report, err));
    }
    iso_wit_fini(&wit);
    iso_buf_fini(&page);
    return err == ISO_OK ? iso_cli_finish_output(ISO_CLI_OK) : ISO_CLI_REFUSED;
}

/* One of the descriptions that the component has, as it is. */
static int get_view(struct iso_cli_server *server, const char *base, const char *view,
                    struct iso_cli_reply *reply)
{
    char path[PATH_SIZE];
    (void)iso_format(path, sizeof path, "%s/%s", base, view);
    const struct iso_cli_request request = {
        .method = "GET",
        .path = path,
        .accept =
            strcmp(view, "wit") == 0 ? "text/plain" : "application/json, application/td+json"};
    return iso_cli_request_good(server, &request, reply);
}

static int describe_component(const struct iso_cli_command *command, struct iso_cli_server *server,
                              const char *name, const char *view)
{
    char base[400], app[200];
    struct iso_cli_reply reply = {.status = 0};
    json_t *component = NULL;
    int status = iso_cli_component_path(command, name, base, sizeof base);
    if (status != ISO_CLI_OK) {
        return status;
    }
    const char *slash = strchr(name, '/');
    (void)iso_format(app, sizeof app, "%.*s", (int)(slash - name), name);
    if (view == NULL) {
        status = iso_cli_get_json(server, base, &component);
    }
    if (status == ISO_CLI_OK && view == NULL && server->json) {
        status = iso_cli_show_json(component);
        json_decref(component);
        return status;
    }
    if (component != NULL) {
        print_component(component);
        status = server->is_device ? ISO_CLI_OK : print_place(server, app, slash + 1);
    }
    json_decref(component);
    if (status != ISO_CLI_OK) {
        return status;
    }
    status = get_view(server, base, view != NULL ? view : "wit", &reply);
    if (status == ISO_CLI_OK && view != NULL) {
        (void)fwrite(reply.body.ptr, 1, reply.body.len, stdout);
        if (reply.body.len != 0 && reply.body.ptr[reply.body.len - 1] != '\n') {
            putchar('\n');
        }
        status = iso_cli_finish_output(ISO_CLI_OK);
    } else if (status == ISO_CLI_OK) {
        status = print_interface(server, name, iso_buf_view(&reply.body));
    }
    iso_buf_fini(&reply.body);
    return status;
}

/* ---- An application ---------------------------------------------------------------------------
 */

static void print_app(const json_t *app)
{
    static const char *const titles[] = {"COMPONENT", "DEVICE", "STATE", "MODE", "PACKAGE"};
    struct iso_cli_table table;
    size_t i;
    json_t *entry;
    const json_t *change = json_object_get(app, "change");
    fact("application", "%s", iso_cli_json_text(app, "app"));
    fact("state", "%s", iso_cli_json_text(app, "state"));
    fact("reason", "%s", iso_cli_json_text(app, "reason"));
    fact("generation", "%llu", (unsigned long long)iso_cli_json_number(app, "generation"));
    if (json_is_object(change)) {
        fact("change", "generation %llu is %s%s%s",
             (unsigned long long)iso_cli_json_number(change, "generation"),
             iso_cli_json_text(change, "state"),
             iso_cli_json_text(change, "detail")[0] != '\0' ? ": " : "",
             iso_cli_json_text(change, "detail"));
    }
    json_array_foreach(json_object_get(app, "flows"), i, entry)
    {
        fact("flow", "%s",
             json_is_string(entry) ? json_string_value(entry) : iso_cli_json_text(entry, "name"));
    }
    putchar('\n');
    iso_cli_table_init(&table, titles, ISO_COUNT_OF(titles), 0);
    json_array_foreach(json_object_get(app, "components"), i, entry)
    {
        const char *const cells[] = {
            iso_cli_json_text(entry, "name"), iso_cli_json_text(entry, "device-name"),
            iso_cli_json_text(entry, "state"), iso_cli_json_text(entry, "mode"),
            iso_cli_json_text(entry, "package")};
        iso_cli_table_add(&table, cells);
    }
    iso_cli_table_print(&table, stdout);
}

static int describe_app(const struct iso_cli_command *command, struct iso_cli_server *server,
                        const char *name, const char *view)
{
    char encoded[200], path[PATH_SIZE];
    json_t *app = NULL;
    if (view != NULL) {
        return iso_cli_usage_error(command, "only components have interfaces: write APP/COMPONENT");
    }
    if (!iso_cli_path_encode(name, encoded, sizeof encoded)) {
        return iso_cli_usage_error(command, "'%s' is no name of an application", name);
    }
    (void)iso_format(path, sizeof path, server->is_device ? "/v1/deployments/%s" : "/v1/apps/%s",
                     encoded);
    int status = iso_cli_get_json(server, path, &app);
    if (status == ISO_CLI_OK && (server->json || server->is_device)) {
        status = iso_cli_show_json(app);
    } else if (status == ISO_CLI_OK) {
        print_app(app);
        status = iso_cli_finish_output(ISO_CLI_OK);
    }
    json_decref(app);
    return status;
}

static int run(const struct iso_cli_command *command, int argc, char **argv)
{
    struct iso_cli_client_args args;
    struct options options = {NULL};
    int status = iso_cli_client_read(command, argc, argv, &args, 1, 1, option, &options);
    if (status < 0) {
        status = strchr(args.operands[0], '/') != NULL
                     ? describe_component(command, &args.server, args.operands[0], options.view)
                     : describe_app(command, &args.server, args.operands[0], options.view);
    }
    iso_cli_server_fini(&args.server);
    return status;
}

static const struct iso_cli_option options[] = {
    {OPTION_WIT, "wit", NULL, false, "instead: the component's interface as WIT text"},
    {OPTION_TD, "td", NULL, false, "instead: as a W3C Thing Description 1.1"},
    {OPTION_OPENAPI, "openapi", NULL, false, "instead: as an OpenAPI 3.1 document"},
};
static const struct iso_cli_option_group group = {"Interface", options, ISO_COUNT_OF(options)};
static const struct iso_cli_option_group *const groups[] = {&group, &iso_cli_either_group};

const struct iso_cli_command iso_cli_client_describe = {
    .name = "describe",
    .summary = "describe an application, or a component with its interface",
    .synopsis = "APP[/COMPONENT]",
    .groups = groups,
    .group_count = ISO_COUNT_OF(groups),
    .examples = "  isomer describe hello\n"
                "  isomer describe hello/greeter\n"
                "  isomer describe --td hello/greeter\n",
    .run = run,
};
