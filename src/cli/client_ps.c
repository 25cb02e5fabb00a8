/* isomer ps: the components of a device, or of all that an orchestrator has. */
#include "cli/client_commands.h"

#include "base/format.h"
#include "cli/message.h"
#include "cli/status.h"
#include "platform/platform.h"

enum { FIGURE_SIZE = 32 };

/* What a device says of a component: calls, their median latency, memory; dashes where no device
 * does. */
struct figures {
    char calls[FIGURE_SIZE], latency[ISO_CLI_MS_SIZE], memory[FIGURE_SIZE];
};

static void figures_of(const json_t *component, struct figures *out)
{
    const json_t *calls = json_object_get(component, "calls");
    const json_t *latency = json_object_get(component, "latency-ms");
    if (calls == NULL) {
        *out = (struct figures){"-", "-", "-"};
        return;
    }
    (void)iso_format(out->calls, sizeof out->calls, "%llu",
                     (unsigned long long)iso_cli_json_number(calls, "total"));
    iso_cli_ms_text(json_number_value(json_object_get(latency, "p50")), out->latency);
    (void)iso_format_size(out->memory, iso_cli_json_number(component, "memory-bytes"));
}

static int refuse_unknown(const char *app)
{
    iso_cli_error("there is no application %s; 'isomer ls' lists those there are", app);
    return ISO_CLI_REFUSED;
}

static void add_component(struct iso_cli_table *table, const json_t *component)
{
    char name[160];
    struct figures figures;
    if (json_object_get(component, "component") == NULL) { /* an application without components */
        const char *const app[] = {iso_cli_json_text(component, "app"),
                                   iso_cli_json_text(component, "state"),
                                   "",
                                   "",
                                   "",
                                   "",
                                   iso_cli_json_text(component, "last-error")};
        iso_cli_table_add(table, app);
        return;
    }
    (void)iso_format(name, sizeof name, "%s/%s", iso_cli_json_text(component, "app"),
                     iso_cli_json_text(component, "component"));
    figures_of(component, &figures);
    const char *const cells[] = {name,
                                 iso_cli_json_text(component, "state"),
                                 iso_cli_json_text(component, "mode"),
                                 figures.calls,
                                 figures.latency,
                                 figures.memory,
                                 iso_cli_json_text(component, "last-error")};
    iso_cli_table_add(table, cells);
}

/* An application that could not be begun, or not yet, has no components. */
static bool is_without_components(const json_t *app)
{
    return json_object_get(app, "components") == NULL &&
           (strcmp(iso_cli_json_text(app, "state"), "failed") == 0 ||
            strcmp(iso_cli_json_text(app, "state"), "starting") == 0);
}

static bool is_wanted(const json_t *of, const char *only)
{
    return only == NULL || strcmp(iso_cli_json_text(of, "app"), only) == 0;
}

/* The components' own documents, all in one array; of applications without components what is known
 * of them. only: of that application; NULL: of all. */
static int collect(struct iso_cli_server *server, const char *only, json_t *apps, json_t *all)
{
    size_t i;
    json_t *components = NULL, *component, *app;
    bool is_there = only == NULL;
    const int status = iso_cli_get_json(server, "/v1/components", &components);
    json_array_foreach(components, i, component)
    {
        if (is_wanted(component, only)) {
            (void)json_array_append(all, component);
        }
    }
    json_decref(components);
    json_array_foreach(apps, i, app)
    {
        is_there = is_there || is_wanted(app, only);
        if (is_wanted(app, only) && is_without_components(app)) {
            (void)json_array_append_new(
                all, json_pack("{s:s, s:s, s:s}", "app", iso_cli_json_text(app, "app"), "state",
                               iso_cli_json_text(app, "state"), "last-error",
                               iso_cli_json_text(app, "reason")));
        }
    }
    if (status == ISO_CLI_OK && !is_there) {
        return refuse_unknown(only);
    }
    return status;
}

static void print_troubles(const json_t *apps, const char *only)
{
    size_t i;
    json_t *app;
    json_array_foreach((json_t *)(uintptr_t)apps, i, app)
    {
        if (iso_cli_json_text(app, "reason")[0] != '\0' && !is_without_components(app) &&
            is_wanted(app, only)) {
            iso_cli_note("%s: %s", iso_cli_json_text(app, "app"), iso_cli_json_text(app, "reason"));
        }
    }
}

static int print_of_device(struct iso_cli_server *server, const char *only)
{
    static const char *const titles[] = {"COMPONENT", "STATE",  "MODE",      "CALLS",
                                         "P50",       "MEMORY", "LAST ERROR"};
    json_t *apps = NULL, *all = json_array(), *component;
    int status = iso_cli_get_json(server, "/v1/deployments", &apps);
    status = status == ISO_CLI_OK ? collect(server, only, apps, all) : status;
    if (status == ISO_CLI_OK && server->json) {
        status = iso_cli_show_json(all);
    } else if (status == ISO_CLI_OK) {
        struct iso_cli_table table;
        size_t i;
        iso_cli_table_init(&table, titles, ISO_COUNT_OF(titles), 1u << 3 | 1u << 4 | 1u << 5);
        json_array_foreach(all, i, component)
        {
            add_component(&table, component);
        }
        if (table.count == 0) {
            iso_cli_note("nothing is deployed on %s", server->name);
        } else {
            iso_cli_table_print(&table, stdout);
        }
        print_troubles(apps, only);
        status = iso_cli_finish_output(ISO_CLI_OK);
    }
    json_decref(all);
    json_decref(apps);
    return status;
}

/* ---- Of an orchestrator -----------------------------------------------------------------------
 */

/* The applications with their components: an array of their documents. */
static int collect_apps(struct iso_cli_server *server, const char *only, json_t *all)
{
    json_t *answer = NULL, *app;
    size_t i;
    int status = iso_cli_get_json(server, "/v1/apps", &answer);
    const json_t *apps = json_is_array(answer) ? answer : json_object_get(answer, "apps");
    json_array_foreach((json_t *)(uintptr_t)apps, i, app)
    {
        char name[200], path[256];
        json_t *document = NULL;
        const char *text = iso_cli_json_text(app, "app");
        if (status != ISO_CLI_OK || !iso_cli_path_encode(text, name, sizeof name) ||
            (only != NULL && strcmp(only, text) != 0)) {
            continue;
        }
        (void)iso_format(path, sizeof path, "/v1/apps/%s", name);
        status = iso_cli_get_json(server, path, &document);
        if (status == ISO_CLI_OK) {
            (void)json_array_append_new(all, document);
        }
    }
    json_decref(answer);
    return status;
}

/* Each component gets what its device says of it, over which what the orchestrator says stays. */
static int add_figures(struct iso_cli_server *server, const char *only, json_t *apps)
{
    char path[300], key[160];
    size_t i, k;
    json_t *answer = NULL, *said, *app, *component;
    (void)iso_format(path, sizeof path, "/v1/components%s%s", only != NULL ? "?app=" : "",
                     only != NULL ? only : "");
    const int status = iso_cli_get_json(server, path, &answer);
    json_t *by_name = json_object();
    json_array_foreach(answer, i, said)
    {
        (void)iso_format(key, sizeof key, "%s/%s", iso_cli_json_text(said, "app"),
                         iso_cli_json_text(said, "component"));
        (void)json_object_set(by_name, key, said);
    }
    json_array_foreach(apps, i, app)
    {
        json_array_foreach(json_object_get(app, "components"), k, component)
        {
            (void)iso_format(key, sizeof key, "%s/%s", iso_cli_json_text(app, "app"),
                             iso_cli_json_text(component, "name"));
            (void)json_object_update_missing(component, json_object_get(by_name, key));
        }
    }
    json_decref(by_name);
    json_decref(answer);
    return status;
}

static void add_placed(struct iso_cli_table *table, const json_t *app, const json_t *component)
{
    char name[160];
    struct figures figures;
    const char *device = iso_cli_json_text(component, "device-name");
    (void)iso_format(name, sizeof name, "%s/%s", iso_cli_json_text(app, "app"),
                     iso_cli_json_text(component, "name"));
    figures_of(component, &figures);
    const char *const cells[] = {name,
                                 device[0] != '\0' ? device
                                                   : iso_cli_json_text(component, "device"),
                                 iso_cli_json_text(component, "state"),
                                 iso_cli_json_text(component, "mode"),
                                 figures.calls,
                                 figures.latency,
                                 figures.memory,
                                 iso_cli_json_text(component, "package")};
    iso_cli_table_add(table, cells);
}

/* The least useful columns are left out on a narrow terminal: the mode and the package. */
enum { PLACED_RIGHT = 1u << 4 | 1u << 5 | 1u << 6, PLACED_OPTIONAL = 1u << 3 | 1u << 7 };

static int print_of_orchestrator(struct iso_cli_server *server, const char *only)
{
    static const char *const titles[] = {"COMPONENT", "DEVICE", "STATE",  "MODE",
                                         "CALLS",     "P50",    "MEMORY", "PACKAGE"};
    struct iso_cli_table table;
    json_t *apps = json_array(), *app, *component;
    size_t i, k;
    int status = collect_apps(server, only, apps);
    if (status == ISO_CLI_OK && only != NULL && json_array_size(apps) == 0) {
        status = refuse_unknown(only);
    }
    if (status == ISO_CLI_OK && json_array_size(apps) != 0) {
        status = add_figures(server, only, apps);
    }
    if (status == ISO_CLI_OK && server->json) {
        status = iso_cli_show_json(apps);
    } else if (status == ISO_CLI_OK) {
        iso_cli_table_init(&table, titles, ISO_COUNT_OF(titles), PLACED_RIGHT);
        table.optional = PLACED_OPTIONAL;
        json_array_foreach(apps, i, app)
        {
            json_array_foreach(json_object_get(app, "components"), k, component)
            {
                add_placed(&table, app, component);
            }
        }
        if (table.count == 0) {
            iso_cli_note("nothing runs");
        } else {
            iso_cli_table_print(&table, stdout);
        }
        json_array_foreach(apps, i, app)
        {
            if (iso_cli_json_text(app, "reason")[0] != '\0') {
                iso_cli_note("%s is %s: %s", iso_cli_json_text(app, "app"),
                             iso_cli_json_text(app, "state"), iso_cli_json_text(app, "reason"));
            }
        }
        status = iso_cli_finish_output(ISO_CLI_OK);
    }
    json_decref(apps);
    return status;
}

static int run_ps(const struct iso_cli_command *command, int argc, char **argv)
{
    struct iso_cli_client_args args;
    int status = iso_cli_client_read(command, argc, argv, &args, 0, 1, NULL, NULL);
    if (status < 0) {
        const char *only = args.count != 0 ? args.operands[0] : NULL;
        status = args.server.is_device ? print_of_device(&args.server, only)
                                       : print_of_orchestrator(&args.server, only);
    }
    iso_cli_server_fini(&args.server);
    return status;
}

static const struct iso_cli_option_group *const groups[] = {&iso_cli_either_group};

const struct iso_cli_command iso_cli_client_ps = {
    .name = "ps",
    .summary = "list the components, and where they run",
    .synopsis = "[APP]",
    .description =
        "Of each component: the calls that it took where it is now, the time that half of them\n"
        "took at most (P50), and the memory of its instances; '-' where the device is lost. Of a\n"
        "function without a call under way there is no instance, and so no memory.",
    .groups = groups,
    .group_count = ISO_COUNT_OF(groups),
    .examples = "  isomer ps\n"
                "  isomer --device den ps\n",
    .run = run_ps,
};
