/* isomer package: the modules that an orchestrator keeps, and where they come from. */
#include "cli/client_commands.h"
#include "cli/client_manifest.h"

#include "base/format.h"
#include "cli/interface.h"
#include "cli/load.h"
#include "cli/message.h"
#include "cli/status.h"
#include "platform/platform.h"

#include <sodium.h>
#include <stdlib.h>

enum { OPTION_OUT, PATH_SIZE = 1600, NAME_SIZE = 256 };

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

static int package_path(const char *reference, char out[PATH_SIZE])
{
    char encoded[1500];
    if (!iso_cli_path_encode(reference, encoded, sizeof encoded)) {
        iso_cli_error("'%s' is too long for a reference", reference);
        return ISO_CLI_USAGE;
    }
    (void)iso_format(out, PATH_SIZE, "/v1/packages/%s", encoded);
    return ISO_CLI_OK;
}

static const struct iso_cli_option_group *const groups[] = {&iso_cli_orchestrator_group};

/* ---- ls, show, rm -----------------------------------------------------------------------------
 */

static int print_list(const json_t *packages)
{
    static const char *const titles[] = {"PACKAGE", "SIZE", "SIGNED BY", "DESCRIPTION", "DIGEST"};
    struct iso_cli_table table;
    size_t i;
    json_t *package;
    iso_cli_table_init(&table, titles, ISO_COUNT_OF(titles), 1u << 1);
    json_array_foreach((json_t *)(uintptr_t)packages, i, package)
    {
        char size[32];
        const char *reference = iso_cli_json_text(package, "reference");
        const char *digest = iso_cli_json_text(package, "digest");
        (void)iso_format_size(size, iso_cli_json_number(package, "size-bytes"));
        const char *const cells[] = {reference, size, iso_cli_json_text(package, "signer"),
                                     iso_cli_json_text(package, "description"),
                                     strcmp(reference, digest) == 0 ? "" : digest};
        iso_cli_table_add(&table, cells);
    }
    if (table.count == 0) {
        iso_cli_note("no packages are kept; 'isomer package push' brings one");
    } else {
        iso_cli_table_print(&table, stdout);
    }
    return iso_cli_finish_output(ISO_CLI_OK);
}

static int run_ls(const struct iso_cli_command *command, int argc, char **argv)
{
    struct iso_cli_client_args args;
    json_t *packages = NULL;
    int status = iso_cli_client_read(command, argc, argv, &args, 0, 0, NULL, NULL);
    if (status < 0) {
        status = iso_cli_get_json(&args.server, "/v1/packages", &packages);
        if (status == ISO_CLI_OK) {
            status = args.server.json ? iso_cli_show_json(packages) : print_list(packages);
        }
    }
    json_decref(packages);
    iso_cli_server_fini(&args.server);
    return status;
}

static void fact(const char *name, const char *text)
{
    if (text[0] != '\0') {
        printf("%-12s ", name);
        iso_cli_print_str(stdout, iso_str_from_z(text));
        putchar('\n');
    }
}

/* The module's own package; those that it brings along, nested, are only named. */
static void print_interface(const char *wit)
{
    static const char nested[] = "\npackage ";
    const char *end = strncmp(wit, nested + 1, strlen(nested + 1)) == 0 ? wit : strstr(wit, nested);
    end = end != NULL ? strstr(end + 1, nested) : NULL;
    if (end == NULL) {
        fputs(wit[0] != '\0' ? "\n" : "", stdout);
        fputs(wit, stdout);
        return;
    }
    const char *own = end, *line = end;
    do { /* its description stands before it */
        own = line;
        while (line > wit && *--line != '\n') {
        }
    } while (line > wit && strncmp(line + 1, "///", 3) == 0);
    printf("\n%.*s", (int)(own - wit), wit);
    for (; end != NULL; end = strstr(end + 1, nested)) {
        end += strlen(nested);
        printf("\nwith %.*s (--json has it)\n", (int)strcspn(end, " {;\n"), end);
    }
}

static int print_package(const json_t *package)
{
    const json_t *info = json_object_get(package, "info");
    char size[32];
    (void)iso_format_size(size, iso_cli_json_number(package, "size-bytes"));
    fact("package", iso_cli_json_text(package, "reference"));
    fact("exact", iso_cli_json_text(package, "exact"));
    fact("digest", iso_cli_json_text(package, "digest"));
    fact("size", size);
    fact("signed by", iso_cli_json_text(package, "signer"));
    fact("licence", iso_cli_json_text(info, "licence"));
    fact("description", iso_cli_json_text(info, "description"));
    fact("source", iso_cli_json_text(info, "source"));
    print_interface(iso_cli_json_text(info, "wit"));
    return iso_cli_finish_output(ISO_CLI_OK);
}

static int run_show(const struct iso_cli_command *command, int argc, char **argv)
{
    struct iso_cli_client_args args;
    char path[PATH_SIZE];
    json_t *package = NULL;
    int status = iso_cli_client_read(command, argc, argv, &args, 1, 1, NULL, NULL);
    if (status < 0) {
        status = package_path(args.operands[0], path);
        status = status == ISO_CLI_OK ? iso_cli_get_json(&args.server, path, &package) : status;
        if (status == ISO_CLI_OK) {
            status = args.server.json ? iso_cli_show_json(package) : print_package(package);
        }
    }
    json_decref(package);
    iso_cli_server_fini(&args.server);
    return status;
}

static int run_rm(const struct iso_cli_command *command, int argc, char **argv)
{
    struct iso_cli_client_args args;
    char path[PATH_SIZE];
    int status = iso_cli_client_read(command, argc, argv, &args, 1, 1, NULL, NULL);
    if (status < 0) {
        status = package_path(args.operands[0], path);
        status = status == ISO_CLI_OK ? iso_cli_send_json(&args.server, "DELETE", path, NULL, NULL)
                                      : status;
    }
    iso_cli_server_fini(&args.server);
    return status;
}

static const struct iso_cli_command package_ls = {
    .name = "package ls",
    .summary = "list the packages that are kept",
    .synopsis = "",
    .groups = groups,
    .group_count = ISO_COUNT_OF(groups),
    .examples = "  isomer package ls\n",
    .run = run_ls,
};
static const struct iso_cli_command package_show = {
    .name = "package show",
    .summary = "describe a package, with its interface",
    .synopsis = "REFERENCE",
    .groups = groups,
    .group_count = ISO_COUNT_OF(groups),
    .examples = "  isomer package show camera@1.0.0\n",
    .run = run_show,
};
static const struct iso_cli_command package_rm = {
    .name = "package rm",
    .summary = "remove a package",
    .synopsis = "REFERENCE",
    .description = "Refused while an application uses it.",
    .groups = groups,
    .group_count = ISO_COUNT_OF(groups),
    .examples = "  isomer package rm camera@1.0.0\n",
    .run = run_rm,
};

/* ---- push -------------------------------------------------------------------------------------
 */

struct named {
    char name[NAME_SIZE], version[NAME_SIZE];
};

/* From what the module says of itself. */
static int read_name(const char *path, struct named *out)
{
    const struct iso_engine_config config = {.platform = iso_platform_posix()};
    struct iso_cli_module module = {.module = NULL};
    struct iso_engine *engine;
    const enum iso_err err = iso_engine_create(&config, &engine);
    if (err != ISO_OK) {
        iso_cli_error("cannot make an engine: %s", iso_err_text(err));
        return iso_cli_status_from(err);
    }
    int status = iso_cli_module_load(engine, path, &module);
    if (status == ISO_CLI_OK) {
        struct iso_cli_interface interface;
        status = iso_cli_interface_find(module.module, path, NULL, &interface);
        if (status == ISO_CLI_OK) {
            const struct iso_package_info *info = &interface.found.info;
            /* "example:sensor" is how WIT calls it; names here have no namespace. */
            struct iso_str name = info->name;
            const char *colon = name.len != 0 ? memchr(name.ptr, ':', name.len) : NULL;
            if (colon != NULL) {
                name = iso_str_from(colon + 1, (size_t)(name.ptr + name.len - (colon + 1)));
            }
            (void)iso_format(out->name, sizeof out->name, "%.*s", (int)name.len, name.ptr);
            (void)iso_format(out->version, sizeof out->version, "%.*s", (int)info->version.len,
                             info->version.ptr);
        }
        iso_cli_interface_fini(&interface);
    }
    iso_cli_module_fini(&module);
    iso_engine_destroy(engine);
    return status;
}

/* "NAME@VERSION", or NULL: as the module says. */
static int name_module(const struct iso_cli_command *command, const char *path, const char *text,
                       struct named *out)
{
    const char *at = text != NULL ? strrchr(text, '@') : NULL;
    *out = (struct named){.name = ""};
    if (text != NULL &&
        (at == NULL || at == text || at[1] == '\0' || strlen(text) >= sizeof out->name)) {
        return iso_cli_usage_error(command, "'%s': write NAME@VERSION, as in camera@1.0.0", text);
    }
    if (text != NULL) {
        (void)iso_format(out->name, sizeof out->name, "%.*s", (int)(at - text), text);
        (void)iso_format(out->version, sizeof out->version, "%s", at + 1);
        return ISO_CLI_OK;
    }
    const int status = read_name(path, out);
    if (status == ISO_CLI_OK && (out->name[0] == '\0' || out->version[0] == '\0')) {
        iso_cli_error("%s does not say its name and version", path);
        iso_cli_hint("give them: isomer package push %s NAME@VERSION; or put them into it with "
                     "isomer pack",
                     path);
        return ISO_CLI_USAGE;
    }
    return status;
}

static int show_pushed(const struct iso_cli_server *server, const json_t *answer)
{
    if (server->json) {
        return iso_cli_show_json(answer);
    }
    puts(iso_cli_json_text(answer, "reference"));
    return iso_cli_finish_output(ISO_CLI_OK);
}

/* From the orchestrator to a registry. */
static int push_on(struct iso_cli_server *server, const char *package, const char *to)
{
    json_t *answer = NULL;
    int status = iso_cli_send_json(server, "POST", "/v1/packages/push",
                                   json_pack("{s:s, s:s}", "package", package, "to", to), &answer);
    status = status == ISO_CLI_OK ? show_pushed(server, answer) : status;
    json_decref(answer);
    return status;
}

static int push(const struct iso_cli_command *command, struct iso_cli_client_args *args)
{
    const char *what = args->operands[0], *as = args->count == 2 ? args->operands[1] : NULL;
    const bool to_registry = as != NULL && strncmp(as, "oci:", 4) == 0;
    struct named named;
    char digest[72];
    json_t *answer = NULL;
    if (to_registry && !iso_path_is_file(what)) {
        return push_on(&args->server, what, as);
    }
    int status = to_registry ? ISO_CLI_OK : name_module(command, what, as, &named);
    if (status == ISO_CLI_OK) {
        status = iso_cli_module_send(&args->server, what, to_registry ? NULL : named.name,
                                     to_registry ? NULL : named.version, digest, &answer);
    }
    if (status == ISO_CLI_OK) {
        status =
            to_registry ? push_on(&args->server, digest, as) : show_pushed(&args->server, answer);
    }
    json_decref(answer);
    return status;
}

static int run_push(const struct iso_cli_command *command, int argc, char **argv)
{
    struct iso_cli_client_args args;
    int status = iso_cli_client_read(command, argc, argv, &args, 1, 2, NULL, NULL);
    if (status < 0) {
        status = sodium_init() < 0 ? ISO_CLI_SYSTEM : push(command, &args);
    }
    iso_cli_server_fini(&args.server);
    return status;
}

static const struct iso_cli_command package_push = {
    .name = "package push",
    .summary = "bring a module to the orchestrator, or a package to a registry",
    .synopsis = "MODULE.wasm [NAME@VERSION | oci:ALIAS/NAME:TAG]",
    .description =
        "Without a name the module's own: 'isomer pack' puts it there. A signature beside it,\n"
        "MODULE.wasm.minisig, goes along. With oci:... it, or a package that is kept already, is\n"
        "pushed on to a registry; the exact reference there is printed.",
    .groups = groups,
    .group_count = ISO_COUNT_OF(groups),
    .examples = "  isomer package push camera.wasm camera@1.0.0\n"
                "  isomer package push camera@1.0.0 oci:lab/camera:1.0\n",
    .run = run_push,
};

/* ---- pull -------------------------------------------------------------------------------------
 */

static int save_module(struct iso_cli_server *server, const char *digest, const char *out)
{
    struct iso_cli_reply reply;
    char encoded[256], path[320];
    (void)iso_cli_path_encode(digest, encoded, sizeof encoded);
    (void)iso_format(path, sizeof path, "/v1/modules/%s", encoded);
    const struct iso_cli_request request = {
        .method = "GET", .path = path, .accept = "application/wasm"};
    int status = iso_cli_request_good(server, &request, &reply);
    if (status == ISO_CLI_OK) {
        uint8_t sum[ISO_SHA256_SIZE];
        char found[2 * sizeof sum + 1];
        iso_sha256(reply.body.ptr, reply.body.len, sum);
        iso_hex_encode(sum, sizeof sum, found);
        if (strcmp(digest, "sha256:") == 0 || strcmp(digest + strlen("sha256:"), found) != 0) {
            iso_cli_error("%s sent other bytes than %s", server->name, digest);
            status = ISO_CLI_REFUSED;
        } else {
            status = iso_cli_file_save(out, iso_buf_view(&reply.body));
        }
    }
    iso_buf_fini(&reply.body);
    return status;
}

static int run_pull(const struct iso_cli_command *command, int argc, char **argv)
{
    struct iso_cli_client_args args;
    struct options options = {NULL};
    json_t *answer = NULL;
    int status = iso_cli_client_read(command, argc, argv, &args, 1, 1, option, &options);
    if (status < 0) {
        status = iso_cli_send_json(&args.server, "POST", "/v1/packages/fetch",
                                   json_pack("{s:s}", "reference", args.operands[0]), &answer);
        const char *digest = iso_cli_json_text(answer, "digest");
        if (status == ISO_CLI_OK && options.out != NULL) {
            status = strncmp(digest, "sha256:", 7) == 0
                         ? save_module(&args.server, digest, options.out)
                         : ISO_CLI_REFUSED;
        } else if (status == ISO_CLI_OK) {
            const char *exact = iso_cli_json_text(answer, "exact");
            status = args.server.json ? iso_cli_show_json(answer)
                                      : (puts(exact[0] != '\0' ? exact : digest),
                                         iso_cli_finish_output(ISO_CLI_OK));
        }
    }
    json_decref(answer);
    iso_cli_server_fini(&args.server);
    return status;
}

static const struct iso_cli_option pull_options[] = {
    {OPTION_OUT, "o", "FILE", false, "write the module there too"},
};
static const struct iso_cli_option_group pull_group = {"Module", pull_options,
                                                       ISO_COUNT_OF(pull_options)};
static const struct iso_cli_option_group *const pull_groups[] = {&pull_group,
                                                                 &iso_cli_orchestrator_group};

static const struct iso_cli_command package_pull = {
    .name = "package pull",
    .summary = "let the orchestrator fetch a package",
    .synopsis = "REFERENCE",
    .description = "npm:NAME@VERSION/PATH, oci:ALIAS/NAME:TAG, https://...#sha256:..., or one that "
                   "is kept.\nThe exact reference is printed.",
    .groups = pull_groups,
    .group_count = ISO_COUNT_OF(pull_groups),
    .examples = "  isomer package pull oci:lab/camera:1.0\n"
                "  isomer package pull -o camera.wasm camera@1.0.0\n",
    .run = run_pull,
};

static const struct iso_cli_command *const package_commands[] = {
    &package_push, &package_pull, &package_ls, &package_show, &package_rm, NULL};

const struct iso_cli_command iso_cli_client_package = {
    .name = "package",
    .summary = "push, pull, list, describe and remove packages",
    .synopsis = "push | pull | ls | show | rm",
    .examples = "  isomer package push camera.wasm camera@1.0.0\n"
                "  isomer package ls\n",
    .subcommands = package_commands,
};
