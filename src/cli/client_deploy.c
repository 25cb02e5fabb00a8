/* isomer check, plan, deploy: an application from its manifest to the devices. */
#include "cli/client_commands.h"
#include "cli/client_manifest.h"
#include "cli/client_mistakes.h"
#include "cli/client_wait.h"

#include "base/format.h"
#include "cli/message.h"
#include "cli/status.h"

#include <sodium.h>
#include <stdlib.h>

enum { OPTION_FORCE, OPTION_VERBOSE };

struct options {
    bool force, verbose;
    struct iso_cli_wait wait;
};

static int option(void *ctx, int id, char *value)
{
    struct options *options = ctx;
    if (id >= ISO_CLI_OPTION_WAIT && id <= ISO_CLI_OPTION_TIMEOUT) {
        return iso_cli_wait_option(&options->wait, id, value);
    }
    options->force = options->force || id == OPTION_FORCE;
    options->verbose = options->verbose || id == OPTION_VERBOSE;
    return ISO_CLI_OK;
}

static int print_mistakes(const struct iso_cli_server *server,
                          const struct iso_cli_manifest *manifest, const json_t *answer)
{
    const json_t *mistakes = json_object_get(answer, "mistakes");
    const struct iso_str text =
        iso_str_from((const char *)manifest->text.bytes.ptr, manifest->text.bytes.len);
    if (server->json) {
        size_t i, errors = 0;
        json_t *mistake;
        json_array_foreach((json_t *)(uintptr_t)mistakes, i, mistake)
        {
            errors += strcmp(iso_cli_json_text(mistake, "severity"), "warning") != 0;
        }
        (void)iso_cli_show_json(answer);
        return errors == 0 ? ISO_CLI_OK : ISO_CLI_INVALID;
    }
    const size_t errors = iso_cli_mistakes_print(mistakes, manifest->name, text);
    if (errors != 0) {
        iso_cli_error("%s has %zu mistake%s", manifest->name, errors, errors == 1 ? "" : "s");
    }
    return errors == 0 ? ISO_CLI_OK : ISO_CLI_INVALID;
}

/* Sends what /v1/check, /v1/plan and PUT /v1/apps/{app} take. *out: the answer's document, also one
 * with mistakes, which *wrong says. */
static int exchange(struct iso_cli_server *server, const char *method, const char *path,
                    const json_t *body, json_t **out, bool *wrong)
{
    struct iso_cli_reply reply;
    char *text = json_dumps(body, JSON_COMPACT);
    if (text == NULL) {
        iso_cli_error("out of memory");
        return ISO_CLI_SYSTEM;
    }
    const struct iso_cli_request request = {.method = method,
                                            .path = path,
                                            .content_type = "application/json",
                                            .body = iso_bytes_from(text, strlen(text))};
    int status = iso_cli_request(server, &request, &reply);
    if (status == ISO_CLI_OK) {
        json_t *answer = json_loadb((const char *)reply.body.ptr, reply.body.len, 0, NULL);
        *wrong = reply.status == 422 && json_array_size(json_object_get(answer, "mistakes")) != 0;
        if (!*wrong && (reply.status < 200 || reply.status > 299)) {
            status = iso_cli_problem(server, &request, &reply);
            json_decref(answer);
        } else {
            *out = answer;
        }
    }
    iso_buf_fini(&reply.body);
    free(text);
    return status;
}

/* The same; mistakes are printed. *out: the document of success. */
static int send_manifest(struct iso_cli_server *server, const struct iso_cli_manifest *manifest,
                         const char *method, const char *path, const json_t *body, json_t **out)
{
    json_t *answer = NULL;
    bool wrong = false;
    int status = exchange(server, method, path, body, &answer, &wrong);
    if (wrong) {
        status = print_mistakes(server, manifest, answer);
        json_decref(answer);
    } else if (answer != NULL) {
        *out = answer;
    }
    return status;
}

/* Files that the manifest names are wrong: told together with what the orchestrator finds in the
 * rest, which is not about the same files. ISO_CLI_INVALID, or a status after a message. */
static int wrong_files(struct iso_cli_server *server, const struct iso_cli_manifest *manifest,
                       const json_t *body)
{
    json_t *answer = NULL, *mistake, *own, *all = json_array();
    size_t i, k;
    bool wrong = false;
    const struct iso_str text =
        iso_str_from((const char *)manifest->text.bytes.ptr, manifest->text.bytes.len);
    const int status = exchange(server, "POST", "/v1/check", body, &answer, &wrong);
    json_array_foreach(manifest->mistakes, k, own)
    {
        (void)json_array_append(all, own);
    }
    json_array_foreach(json_object_get(answer, "mistakes"), i, mistake)
    {
        bool same = false;
        json_array_foreach(manifest->mistakes, k, own)
        {
            same = same || iso_cli_mistakes_match(text, mistake, own);
        }
        if (!same) {
            (void)json_array_append(all, mistake);
        }
    }
    json_t *document = json_pack("{s:o}", "mistakes", all);
    const int printed = print_mistakes(server, manifest, document);
    json_decref(document);
    json_decref(answer);
    return status == ISO_CLI_OK ? printed : status;
}

/* What all three begin with. *body: what to send. -1: go on; otherwise the exit status. */
static int begin(const struct iso_cli_command *command, int argc, char **argv,
                 struct iso_cli_client_args *args, struct options *options,
                 struct iso_cli_manifest *manifest, json_t **body)
{
    *options = (struct options){.force = false};
    *manifest = (struct iso_cli_manifest){.json = NULL};
    iso_cli_wait_init(&options->wait);
    int status = iso_cli_client_read(command, argc, argv, args, 0, 1, option, options);
    if (status < 0) {
        status = sodium_init() < 0 ? ISO_CLI_SYSTEM : ISO_CLI_OK;
        status = status == ISO_CLI_OK
                     ? iso_cli_manifest_read(args->count != 0 ? args->operands[0] : ".", manifest)
                     : status;
        status = status == ISO_CLI_OK
                     ? iso_cli_manifest_send(&args->server, manifest, options->force, body)
                     : status;
        if (status == ISO_CLI_OK && manifest->mistakes != NULL) {
            status = wrong_files(&args->server, manifest, *body);
        }
        return status == ISO_CLI_OK ? -1 : status;
    }
    return status;
}

static int end(struct iso_cli_client_args *args, struct iso_cli_manifest *manifest, json_t *body,
               json_t *answer, int status)
{
    json_decref(body);
    json_decref(answer);
    iso_cli_manifest_fini(manifest);
    iso_cli_server_fini(&args->server);
    return status;
}

/* ---- check ------------------------------------------------------------------------------------
 */

static int check(struct iso_cli_server *server, const struct iso_cli_manifest *manifest,
                 const json_t *body)
{
    json_t *answer = NULL;
    int status = send_manifest(server, manifest, "POST", "/v1/check", body, &answer);
    if (answer != NULL) {
        status = print_mistakes(server, manifest, answer);
        if (status == ISO_CLI_OK && !server->json) {
            iso_cli_note("%s is right", manifest->name);
        }
    }
    json_decref(answer);
    return status;
}

static int run_check(const struct iso_cli_command *command, int argc, char **argv)
{
    struct iso_cli_client_args args;
    struct options options;
    struct iso_cli_manifest manifest;
    json_t *body = NULL;
    int status = begin(command, argc, argv, &args, &options, &manifest, &body);
    status = status < 0 ? check(&args.server, &manifest, body) : status;
    return end(&args, &manifest, body, NULL, status);
}

static const struct iso_cli_option_group *const check_groups[] = {&iso_cli_orchestrator_group};

const struct iso_cli_command iso_cli_client_check = {
    .name = "check",
    .summary = "find mistakes in an application's manifest",
    .synopsis = "[FILE | FOLDER | -]",
    .description =
        "FILE is the manifest; of a FOLDER app.json, which is also the default: that of this\n"
        "folder. Types are checked against the interfaces of all packages. Nothing is changed,\n"
        "but modules that the manifest names as file: are sent.",
    .groups = check_groups,
    .group_count = ISO_COUNT_OF(check_groups),
    .examples = "  isomer check hello/app.json\n",
    .run = run_check,
};

/* ---- plan -------------------------------------------------------------------------------------
 */

/* Texts of an array with "; " between. */
static void join(const json_t *texts, char *out, size_t cap)
{
    size_t i, len = 0;
    json_t *text;
    out[0] = '\0';
    json_array_foreach((json_t *)(uintptr_t)texts, i, text)
    {
        if (len < cap && json_is_string(text)) {
            len += iso_format(out + len, cap - len, "%s%s", i != 0 ? "; " : "",
                              json_string_value(text));
        }
    }
}

static const char *name_of(const json_t *entry)
{
    const char *name = iso_cli_json_text(entry, "device-name");
    return name[0] != '\0' ? name : iso_cli_json_text(entry, "device");
}

/* The name of a device somewhere in the plan, by its id. */
static const char *device_named(const json_t *plan, const char *id)
{
    size_t i, k;
    json_t *component, *other;
    json_array_foreach(json_object_get(plan, "components"), i, component)
    {
        if (strcmp(iso_cli_json_text(component, "device"), id) == 0) {
            return name_of(component);
        }
        json_array_foreach(json_object_get(component, "not"), k, other)
        {
            if (strcmp(iso_cli_json_text(other, "device"), id) == 0) {
                return name_of(other);
            }
        }
    }
    return id;
}

static void print_placed(const json_t *plan)
{
    static const char *const titles[] = {"COMPONENT", "DEVICE", "WHY"};
    struct iso_cli_table table;
    size_t i;
    json_t *component;
    iso_cli_table_init(&table, titles, ISO_COUNT_OF(titles), 0);
    table.wraps = true;
    json_array_foreach(json_object_get(plan, "components"), i, component)
    {
        char why[1024];
        join(json_object_get(component, "why"), why, sizeof why);
        const char *const cells[] = {iso_cli_json_text(component, "name"), name_of(component), why};
        iso_cli_table_add(&table, cells);
    }
    iso_cli_table_print(&table, stdout);
}

static void print_others(const json_t *component)
{
    size_t k;
    json_t *other;
    const json_int_t more = json_integer_value(json_object_get(component, "not-more"));
    printf("\n%s is not on\n", iso_cli_json_text(component, "name"));
    json_array_foreach(json_object_get(component, "not"), k, other)
    {
        fputs("  ", stdout);
        iso_cli_print_str(stdout, iso_str_from_z(name_of(other)));
        fputs(": ", stdout);
        iso_cli_print_str(stdout, iso_str_from_z(iso_cli_json_text(other, "why")));
        putchar('\n');
    }
    if (more > 0) {
        printf("  and %lld more\n", (long long)more);
    }
}

/* Is it one of those for which there is no plan? */
static bool in_conflict(const json_t *plan, const char *name)
{
    size_t i;
    json_t *component;
    json_array_foreach(json_object_get(json_object_get(plan, "conflict"), "components"), i,
                       component)
    {
        if (strcmp(json_string_value(component), name) == 0) {
            return true;
        }
    }
    return false;
}

static void print_plan(const json_t *plan, bool verbose)
{
    size_t i;
    json_t *component, *change;
    if (json_is_true(json_object_get(plan, "feasible"))) {
        print_placed(plan);
    }
    json_array_foreach(json_object_get(plan, "components"), i, component)
    {
        if (json_array_size(json_object_get(component, "not")) != 0 &&
            (verbose || in_conflict(plan, iso_cli_json_text(component, "name")))) {
            print_others(component);
        }
    }
    json_array_foreach(json_object_get(plan, "changes"), i, change)
    {
        const char *from = iso_cli_json_text(change, "from");
        if (from[0] != '\0') {
            iso_cli_note("%s moves from %s to %s", iso_cli_json_text(change, "component"),
                         device_named(plan, from),
                         device_named(plan, iso_cli_json_text(change, "to")));
        }
    }
    if (json_is_true(json_object_get(plan, "overloaded"))) {
        iso_cli_note("overloaded: something cannot do all that is asked of it, wherever it is "
                     "placed");
    }
}

/* Success, or the status of a plan that could not be made, with the reason. */
static int plan_status(const json_t *plan)
{
    if (json_is_true(json_object_get(plan, "feasible"))) {
        return ISO_CLI_OK;
    }
    iso_cli_error("there is no plan: %s",
                  iso_cli_json_text(json_object_get(plan, "conflict"), "why"));
    return ISO_CLI_FAILED;
}

static int run_plan(const struct iso_cli_command *command, int argc, char **argv)
{
    struct iso_cli_client_args args;
    struct options options;
    struct iso_cli_manifest manifest;
    json_t *body = NULL, *plan = NULL;
    int status = begin(command, argc, argv, &args, &options, &manifest, &body);
    if (status < 0) {
        status = send_manifest(&args.server, &manifest, "POST", "/v1/plan", body, &plan);
    }
    if (plan != NULL && args.server.json) {
        status = iso_cli_show_json(plan);
    } else if (plan != NULL) {
        print_plan(plan, options.verbose);
        status = iso_cli_finish_output(ISO_CLI_OK);
    }
    if (plan != NULL && status == ISO_CLI_OK) {
        status = plan_status(plan);
    }
    return end(&args, &manifest, body, plan, status);
}

static const struct iso_cli_option plan_options[] = {
    {OPTION_VERBOSE, "verbose", NULL, false, "also why a component is on no other device"},
};
static const struct iso_cli_option_group plan_group = {"Plan", plan_options,
                                                       ISO_COUNT_OF(plan_options)};
static const struct iso_cli_option_group *const plan_groups[] = {&plan_group,
                                                                 &iso_cli_orchestrator_group};

const struct iso_cli_command iso_cli_client_plan = {
    .name = "plan",
    .summary = "show where the components of an application would run, and why",
    .synopsis = "[FILE | FOLDER | -]",
    .description = "Nothing is changed; see 'check' about FILE and FOLDER.",
    .groups = plan_groups,
    .group_count = ISO_COUNT_OF(plan_groups),
    .examples = "  isomer plan --verbose hello\n",
    .run = run_plan,
};

/* ---- deploy -----------------------------------------------------------------------------------
 */

/* The generation that an application has; 0: none, or nobody knows. */
static uint64_t generation_of(struct iso_cli_server *server, const char *path)
{
    struct iso_cli_reply reply;
    const struct iso_cli_request request = {.method = "GET", .path = path, .quiet = true};
    json_t *app = NULL;
    if (iso_cli_request(server, &request, &reply) == ISO_CLI_OK && reply.status == 200) {
        app = json_loadb((const char *)reply.body.ptr, reply.body.len, 0, NULL);
    }
    const uint64_t generation = iso_cli_json_number(app, "generation");
    iso_buf_fini(&reply.body);
    json_decref(app);
    return generation;
}

static int deploy(struct iso_cli_server *server, const struct iso_cli_manifest *manifest,
                  const json_t *body, const struct iso_cli_wait *wait)
{
    char path[256], name[200];
    json_t *accepted = NULL;
    const char *app = iso_cli_json_text(manifest->json, "app");
    if (app[0] == '\0' || !iso_cli_path_encode(app, name, sizeof name)) {
        /* It has no name that could be asked for: the check says where it ought to be. */
        const int status = check(server, manifest, body);
        return status == ISO_CLI_OK ? ISO_CLI_INVALID : status;
    }
    (void)iso_format(path, sizeof path, "/v1/apps/%s", name);
    const uint64_t before = generation_of(server, path);
    int status = send_manifest(server, manifest, "PUT", path, body, &accepted);
    if (accepted != NULL) {
        if (before != 0 && iso_cli_json_number(accepted, "generation") == before && !server->json) {
            iso_cli_note("nothing is new; --force makes a new generation all the same");
        }
        status = iso_cli_wait_done(server, wait, accepted, false);
    }
    json_decref(accepted);
    return status;
}

static int run_deploy(const struct iso_cli_command *command, int argc, char **argv)
{
    struct iso_cli_client_args args;
    struct options options;
    struct iso_cli_manifest manifest;
    json_t *body = NULL;
    int status = begin(command, argc, argv, &args, &options, &manifest, &body);
    status = status < 0 ? deploy(&args.server, &manifest, body, &options.wait) : status;
    return end(&args, &manifest, body, NULL, status);
}

static const struct iso_cli_option deploy_options[] = {
    {OPTION_FORCE, "force", NULL, false, "a new generation although nothing is new"},
};
static const struct iso_cli_option_group deploy_group = {"Deployment", deploy_options,
                                                         ISO_COUNT_OF(deploy_options)};
static const struct iso_cli_option_group *const deploy_groups[] = {
    &deploy_group, &iso_cli_wait_group, &iso_cli_orchestrator_group};

const struct iso_cli_command iso_cli_client_deploy = {
    .name = "deploy",
    .summary = "run an application on the devices that suit it",
    .synopsis = "[FILE | FOLDER | -]",
    .description =
        "FILE is the manifest (docs/manifest.md); of a FOLDER app.json, which is also the\n"
        "default: that of this folder. Modules that it names as file: are sent. The command ends\n"
        "with 0 when every device that takes part has confirmed, and only then; if it fails, what\n"
        "ran before runs on.",
    .groups = deploy_groups,
    .group_count = ISO_COUNT_OF(deploy_groups),
    .examples = "  isomer deploy hello\n"
                "  isomer deploy --timeout 30s hello/app.json\n",
    .run = run_deploy,
};
