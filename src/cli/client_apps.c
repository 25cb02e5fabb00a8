/* isomer ls, rm, history, rollback, move: the applications of an orchestrator. */
#include "cli/client_commands.h"
#include "cli/client_wait.h"

#include "base/format.h"
#include "cli/message.h"
#include "cli/status.h"
#include "platform/platform.h"

#include <stdlib.h>

enum { PATH_SIZE = 512 };

/* "/v1/apps/NAME" and what follows; ISO_CLI_USAGE after a message. */
static int app_path(const struct iso_cli_command *command, const char *app, const char *rest,
                    char out[PATH_SIZE])
{
    char name[200];
    if (app[0] == '\0' || strchr(app, '/') != NULL ||
        !iso_cli_path_encode(app, name, sizeof name)) {
        return iso_cli_usage_error(command, "'%s' is no name of an application", app);
    }
    (void)iso_format(out, PATH_SIZE, "/v1/apps/%s%s", name, rest);
    return ISO_CLI_OK;
}

static int wait_option(void *ctx, int id, char *value)
{
    return iso_cli_wait_option(ctx, id, value);
}

/* Sends a change, and waits for its generation. */
static int change(struct iso_cli_server *server, const char *method, const char *path, json_t *body,
                  const struct iso_cli_wait *wait)
{
    json_t *accepted = NULL;
    int status = iso_cli_send_json(server, method, path, body, &accepted);
    if (status == ISO_CLI_OK) {
        status = iso_cli_wait_done(server, wait, accepted, strcmp(method, "DELETE") == 0);
    }
    json_decref(accepted);
    return status;
}

static const struct iso_cli_option_group *const groups[] = {&iso_cli_orchestrator_group};
static const struct iso_cli_option_group *const either_groups[] = {&iso_cli_either_group};
static const struct iso_cli_option_group *const change_groups[] = {&iso_cli_wait_group,
                                                                   &iso_cli_orchestrator_group};
static const struct iso_cli_option_group *const rm_groups[] = {&iso_cli_wait_group,
                                                               &iso_cli_either_group};

/* ---- ls ---------------------------------------------------------------------------------------
 */

/* The documents of both: an array, or an object with one. */
static const json_t *list_of(const json_t *answer, const char *member)
{
    return json_is_array(answer) ? answer : json_object_get(answer, member);
}

static void add_app(struct iso_cli_table *table, const json_t *app)
{
    char generation[24], wanted[48], count[24];
    const json_t *components = json_object_get(app, "components");
    const uint64_t now = iso_cli_json_number(app, "generation");
    const uint64_t next = iso_cli_json_number(app, "wanted");
    (void)iso_format(generation, sizeof generation, "%llu", (unsigned long long)now);
    (void)iso_format(wanted, sizeof wanted, next > now ? "%s -> %llu" : "%s", generation,
                     (unsigned long long)next);
    const size_t size = json_is_array(components)    ? json_array_size(components)
                        : json_is_object(components) ? json_object_size(components)
                                                     : (size_t)json_integer_value(components);
    (void)iso_format(count, sizeof count, "%zu", size);
    const char *const cells[] = {iso_cli_json_text(app, "app"), iso_cli_json_text(app, "state"),
                                 wanted, count, iso_cli_json_text(app, "reason")};
    iso_cli_table_add(table, cells);
}

static int run_ls(const struct iso_cli_command *command, int argc, char **argv)
{
    static const char *const titles[] = {"APPLICATION", "STATE", "GENERATION", "COMPONENTS",
                                         "REASON"};
    struct iso_cli_client_args args;
    json_t *answer = NULL;
    int status = iso_cli_client_read(command, argc, argv, &args, 0, 0, NULL, NULL);
    if (status < 0) {
        status = iso_cli_get_json(&args.server,
                                  args.server.is_device ? "/v1/deployments" : "/v1/apps", &answer);
        if (status == ISO_CLI_OK && args.server.json) {
            status = iso_cli_show_json(answer);
        } else if (status == ISO_CLI_OK) {
            struct iso_cli_table table;
            size_t i;
            json_t *app;
            iso_cli_table_init(&table, titles, ISO_COUNT_OF(titles), 1u << 3);
            json_array_foreach((json_t *)(uintptr_t)list_of(answer, "apps"), i, app)
            {
                add_app(&table, app);
            }
            if (table.count == 0) {
                iso_cli_note("no application is deployed; 'isomer deploy FOLDER' deploys one");
            } else {
                iso_cli_table_print(&table, stdout);
            }
            status = iso_cli_finish_output(ISO_CLI_OK);
        }
    }
    json_decref(answer);
    iso_cli_server_fini(&args.server);
    return status;
}

const struct iso_cli_command iso_cli_client_ls = {
    .name = "ls",
    .summary = "list the applications",
    .synopsis = "",
    .groups = either_groups,
    .group_count = ISO_COUNT_OF(either_groups),
    .examples = "  isomer ls\n",
    .run = run_ls,
};

/* ---- rm ---------------------------------------------------------------------------------------
 */

/* From one device. Without `forget` it would refuse the generations that `put` begins with again:
 * they are remembered for an orchestrator, of which there is none here. */
static int remove_from_device(struct iso_cli_server *server, const char *app)
{
    char path[PATH_SIZE], name[200];
    json_t *known = NULL;
    (void)iso_cli_path_encode(app, name, sizeof name);
    (void)iso_format(path, sizeof path, "/v1/deployments/%s", name);
    int status = iso_cli_get_json(server, path, &known); /* a misspelt name is told */
    json_decref(known);
    if (status == ISO_CLI_OK) {
        (void)iso_format(path, sizeof path, "/v1/deployments/%s?forget=true", name);
        status = iso_cli_send_json(server, "DELETE", path, NULL, NULL);
    }
    if (status == ISO_CLI_OK) {
        iso_cli_note("%s is removed from %s", app, server->name);
    }
    return status;
}

static int run_rm(const struct iso_cli_command *command, int argc, char **argv)
{
    struct iso_cli_client_args args;
    struct iso_cli_wait wait;
    char path[PATH_SIZE];
    iso_cli_wait_init(&wait);
    int status = iso_cli_client_read(command, argc, argv, &args, 1, 1, wait_option, &wait);
    if (status < 0) {
        status = app_path(command, args.operands[0], "", path);
        if (status == ISO_CLI_OK && args.server.is_device) {
            status = remove_from_device(&args.server, args.operands[0]);
        } else if (status == ISO_CLI_OK) {
            status = change(&args.server, "DELETE", path, NULL, &wait);
        }
    }
    iso_cli_server_fini(&args.server);
    return status;
}

const struct iso_cli_command iso_cli_client_rm = {
    .name = "rm",
    .summary = "remove an application",
    .synopsis = "APP",
    .description = "From all its devices; with --device from that one.",
    .groups = rm_groups,
    .group_count = ISO_COUNT_OF(rm_groups),
    .examples = "  isomer rm hello\n",
    .run = run_rm,
};

/* ---- history ----------------------------------------------------------------------------------
 */

/* "move: counter to where it is best". */
static void cause_of(const json_t *generation, char *out, size_t cap)
{
    const char *detail = iso_cli_json_text(generation, "detail");
    (void)iso_format(out, cap, "%s%s%s", iso_cli_json_text(generation, "cause"),
                     detail[0] != '\0' ? ": " : "", detail);
}

static int print_history(const json_t *answer)
{
    static const char *const titles[] = {"GENERATION", "STATE", "CAUSE", "CREATED", "ERROR"};
    struct iso_cli_table table;
    size_t i;
    json_t *generation;
    iso_cli_table_init(&table, titles, ISO_COUNT_OF(titles), 1u << 0);
    json_array_foreach((json_t *)(uintptr_t)list_of(answer, "generations"), i, generation)
    {
        char number[24], created[ISO_CLI_TIME_SIZE], cause[200];
        iso_cli_json_time(generation, "created", created);
        cause_of(generation, cause, sizeof cause);
        (void)iso_format(number, sizeof number, "%llu",
                         (unsigned long long)iso_cli_json_number(generation, "generation"));
        const char *const cells[] = {number, iso_cli_json_text(generation, "state"), cause, created,
                                     iso_cli_json_text(generation, "error")};
        iso_cli_table_add(&table, cells);
    }
    iso_cli_table_print(&table, stdout);
    return iso_cli_finish_output(ISO_CLI_OK);
}

static int run_history(const struct iso_cli_command *command, int argc, char **argv)
{
    struct iso_cli_client_args args;
    char path[PATH_SIZE];
    json_t *answer = NULL;
    int status = iso_cli_client_read(command, argc, argv, &args, 1, 1, NULL, NULL);
    if (status < 0) {
        status = app_path(command, args.operands[0], "/generations", path);
        status = status == ISO_CLI_OK ? iso_cli_get_json(&args.server, path, &answer) : status;
        if (status == ISO_CLI_OK) {
            status = args.server.json ? iso_cli_show_json(answer) : print_history(answer);
        }
    }
    json_decref(answer);
    iso_cli_server_fini(&args.server);
    return status;
}

const struct iso_cli_command iso_cli_client_history = {
    .name = "history",
    .summary = "list the generations of an application",
    .synopsis = "APP",
    .groups = groups,
    .group_count = ISO_COUNT_OF(groups),
    .examples = "  isomer history hello\n",
    .run = run_history,
};

/* ---- rollback ---------------------------------------------------------------------------------
 */

static int run_rollback(const struct iso_cli_command *command, int argc, char **argv)
{
    struct iso_cli_client_args args;
    struct iso_cli_wait wait;
    struct iso_report report;
    char path[PATH_SIZE];
    uint64_t to = 0;
    iso_cli_wait_init(&wait);
    int status = iso_cli_client_read(command, argc, argv, &args, 1, 2, wait_option, &wait);
    if (status < 0) {
        status = app_path(command, args.operands[0], "/rollback", path);
        iso_report_init(&report);
        if (status == ISO_CLI_OK && args.count == 2 &&
            (iso_parse_count(args.operands[1], INT32_MAX, &to, &report) != ISO_OK || to == 0)) {
            status = iso_cli_usage_error(command,
                                         "'%s' is no number of a generation; 'isomer "
                                         "history %s' lists them",
                                         args.operands[1], args.operands[0]);
        }
        if (status == ISO_CLI_OK) {
            json_t *body =
                args.count == 2 ? json_pack("{s:I}", "to", (json_int_t)to) : json_object();
            status = change(&args.server, "POST", path, body, &wait);
        }
    }
    iso_cli_server_fini(&args.server);
    return status;
}

const struct iso_cli_command iso_cli_client_rollback = {
    .name = "rollback",
    .summary = "go back to an earlier generation of an application",
    .synopsis = "APP [GENERATION]",
    .description =
        "To the one before, or to the one that is named; it becomes a new generation. Its "
        "manifest\nand its modules are used again; where they run is planned anew.",
    .groups = change_groups,
    .group_count = ISO_COUNT_OF(change_groups),
    .examples = "  isomer rollback hello\n"
                "  isomer rollback hello 3\n",
    .run = run_rollback,
};

/* ---- move -------------------------------------------------------------------------------------
 */

static int run_move(const struct iso_cli_command *command, int argc, char **argv)
{
    struct iso_cli_client_args args;
    struct iso_cli_wait wait;
    char component[400], path[PATH_SIZE];
    iso_cli_wait_init(&wait);
    int status = iso_cli_client_read(command, argc, argv, &args, 1, 2, wait_option, &wait);
    if (status < 0) {
        /* Checked as a component's name; the address is another. */
        status = iso_cli_component_path(command, args.operands[0], component, sizeof component);
        if (status == ISO_CLI_OK) {
            const char *slash = strchr(args.operands[0], '/');
            (void)iso_format(path, sizeof path, "/v1/apps/%.*s/components/%s/move",
                             (int)(slash - args.operands[0]), args.operands[0], slash + 1);
            json_t *body =
                args.count == 2 ? json_pack("{s:s}", "to", args.operands[1]) : json_object();
            status = change(&args.server, "POST", path, body, &wait);
        }
    }
    iso_cli_server_fini(&args.server);
    return status;
}

const struct iso_cli_command iso_cli_client_move = {
    .name = "move",
    .summary = "move a component to another device while it runs",
    .synopsis = "APP/COMPONENT [DEVICE]",
    .description = "Its state goes with it, and calls go on. Without a device the planner chooses.",
    .groups = change_groups,
    .group_count = ISO_COUNT_OF(change_groups),
    .examples = "  isomer move hello/counter den\n",
    .run = run_move,
};
