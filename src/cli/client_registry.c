/* isomer registry, trust: where an orchestrator may fetch packages, and whose it takes. */
#include "cli/client_commands.h"

#include "base/format.h"
#include "cli/message.h"
#include "cli/password.h"
#include "cli/status.h"
#include "package/package.h"
#include "platform/platform.h"

#include <sodium.h>

enum { OPTION_USERNAME, OPTION_PASSWORD_FILE, OPTION_PLAIN_HTTP, OPTION_COMMENT, PATH_SIZE = 512 };

struct options {
    const char *username, *password_file, *comment;
    bool plain_http;
};

static int option(void *ctx, int id, char *value)
{
    struct options *options = ctx;
    switch (id) {
    case OPTION_USERNAME:
        options->username = value;
        break;
    case OPTION_PASSWORD_FILE:
        options->password_file = value;
        break;
    case OPTION_COMMENT:
        options->comment = value;
        break;
    default:
        options->plain_http = true;
        break;
    }
    return ISO_CLI_OK;
}

static const struct iso_cli_option_group *const groups[] = {&iso_cli_orchestrator_group};

static int item_path(const char *base, const char *name, char out[PATH_SIZE])
{
    char encoded[PATH_SIZE - 32];
    if (!iso_cli_path_encode(name, encoded, sizeof encoded)) {
        iso_cli_error("'%s' is too long", name);
        return ISO_CLI_USAGE;
    }
    (void)iso_format(out, PATH_SIZE, "%s/%s", base, encoded);
    return ISO_CLI_OK;
}

/* A list with two or three texts of each. */
static int list(struct iso_cli_server *server, const char *path, const char *const *titles,
                const char *const *keys, size_t count, const char *nothing)
{
    json_t *items = NULL, *item;
    size_t i;
    int status = iso_cli_get_json(server, path, &items);
    if (status == ISO_CLI_OK && server->json) {
        status = iso_cli_show_json(items);
    } else if (status == ISO_CLI_OK) {
        struct iso_cli_table table;
        iso_cli_table_init(&table, titles, count, 0);
        json_array_foreach(items, i, item)
        {
            const char *cells[ISO_CLI_COLUMNS_MAX];
            for (size_t k = 0; k < count; k++) {
                cells[k] = iso_cli_json_text(item, keys[k]);
            }
            iso_cli_table_add(&table, cells);
        }
        if (table.count == 0) {
            iso_cli_note("%s", nothing);
        } else {
            iso_cli_table_print(&table, stdout);
        }
        status = iso_cli_finish_output(ISO_CLI_OK);
    }
    json_decref(items);
    return status;
}

static int remove_item(const struct iso_cli_command *command, int argc, char **argv,
                       const char *base)
{
    struct iso_cli_client_args args;
    char path[PATH_SIZE];
    int status = iso_cli_client_read(command, argc, argv, &args, 1, 1, NULL, NULL);
    if (status < 0) {
        status = item_path(base, args.operands[0], path);
        status = status == ISO_CLI_OK ? iso_cli_send_json(&args.server, "DELETE", path, NULL, NULL)
                                      : status;
    }
    iso_cli_server_fini(&args.server);
    return status;
}

/* ---- registry ---------------------------------------------------------------------------------
 */

static int add_registry(struct iso_cli_server *server, const char *alias, const char *url,
                        const struct options *options)
{
    char path[PATH_SIZE], password[ISO_CLI_PASSWORD_SIZE] = "";
    int status = item_path("/v1/registries", alias, path);
    if (status == ISO_CLI_OK && options->password_file != NULL) {
        status = iso_cli_password_read(options->password_file, password);
    } else if (status == ISO_CLI_OK && options->username != NULL) {
        status = iso_cli_password_ask("Password: ", false, password);
    }
    if (status == ISO_CLI_OK) {
        json_t *body = json_pack("{s:s, s:b}", "url", url, "plain-http", options->plain_http);
        if (options->username != NULL) {
            (void)json_object_set_new(body, "username", json_string(options->username));
            (void)json_object_set_new(body, "password", json_string(password));
        }
        status = iso_cli_send_json(server, "PUT", path, body, NULL);
    }
    sodium_memzero(password, sizeof password);
    return status;
}

static int run_registry_add(const struct iso_cli_command *command, int argc, char **argv)
{
    struct iso_cli_client_args args;
    struct options options = {NULL, NULL, NULL, false};
    int status = iso_cli_client_read(command, argc, argv, &args, 2, 2, option, &options);
    if (status < 0 && options.password_file != NULL && options.username == NULL) {
        status = iso_cli_usage_error(command, "--password-file without --username");
    }
    if (status < 0) {
        status = add_registry(&args.server, args.operands[0], args.operands[1], &options);
    }
    iso_cli_server_fini(&args.server);
    return status;
}

static int run_registry_ls(const struct iso_cli_command *command, int argc, char **argv)
{
    static const char *const titles[] = {"ALIAS", "URL", "USERNAME"};
    static const char *const keys[] = {"alias", "url", "username"};
    struct iso_cli_client_args args;
    int status = iso_cli_client_read(command, argc, argv, &args, 0, 0, NULL, NULL);
    status = status < 0 ? list(&args.server, "/v1/registries", titles, keys, ISO_COUNT_OF(keys),
                               "no registry is known; 'isomer registry add ALIAS URL' adds one")
                        : status;
    iso_cli_server_fini(&args.server);
    return status;
}

static int run_registry_rm(const struct iso_cli_command *command, int argc, char **argv)
{
    return remove_item(command, argc, argv, "/v1/registries");
}

static const struct iso_cli_option registry_options[] = {
    {OPTION_USERNAME, "username", "NAME", false, "who asks there (nobody in particular)"},
    {OPTION_PASSWORD_FILE, "password-file", "FILE", false,
     "the password is its first line; otherwise the terminal\nis asked"},
    {OPTION_PLAIN_HTTP, "plain-http", NULL, false, "without TLS, also beyond loopback"},
};
static const struct iso_cli_option_group registry_group = {"Registry", registry_options,
                                                           ISO_COUNT_OF(registry_options)};
static const struct iso_cli_option_group *const registry_groups[] = {&registry_group,
                                                                     &iso_cli_orchestrator_group};

static const struct iso_cli_command registry_add = {
    .name = "registry add",
    .summary = "add an OCI registry, or change it",
    .synopsis = "ALIAS URL",
    .description = "References to its packages are oci:ALIAS/NAME:TAG.",
    .groups = registry_groups,
    .group_count = ISO_COUNT_OF(registry_groups),
    .examples = "  isomer registry add lab https://registry.example\n",
    .run = run_registry_add,
};
static const struct iso_cli_command registry_ls = {
    .name = "registry ls",
    .summary = "list the registries",
    .synopsis = "",
    .groups = groups,
    .group_count = ISO_COUNT_OF(groups),
    .run = run_registry_ls,
};
static const struct iso_cli_command registry_rm = {
    .name = "registry rm",
    .summary = "remove a registry",
    .synopsis = "ALIAS",
    .groups = groups,
    .group_count = ISO_COUNT_OF(groups),
    .run = run_registry_rm,
};
static const struct iso_cli_command *const registry_commands[] = {&registry_add, &registry_ls,
                                                                  &registry_rm, NULL};

const struct iso_cli_command iso_cli_client_registry = {
    .name = "registry",
    .summary = "where packages may be fetched from",
    .synopsis = "add | ls | rm",
    .examples = "  isomer registry add lab https://registry.example\n",
    .subcommands = registry_commands,
};

/* ---- trust ------------------------------------------------------------------------------------
 */

static int add_trust(struct iso_cli_server *server, const char *text, const char *comment)
{
    struct iso_sign_public key;
    struct iso_report report;
    char path[PATH_SIZE], id[ISO_SIGN_ID_TEXT_SIZE], line[57];
    iso_report_init(&report);
    const bool is_file = iso_path_is_file(text);
    const enum iso_err err = is_file ? iso_sign_file_public(text, &key, &report)
                                     : iso_sign_public_parse(iso_str_from_z(text), &key, &report);
    if (err != ISO_OK && !is_file) {
        iso_cli_error("'%s' is no file, and %s", text, iso_report_text(&report, err));
        return ISO_CLI_INVALID;
    }
    if (err != ISO_OK) {
        iso_cli_error("%s", iso_report_text(&report, err));
        return ISO_CLI_INVALID;
    }
    iso_sign_id_text(key.id, id);
    iso_sign_public_text(&key, line);
    int status = item_path("/v1/trust", id, path);
    if (status == ISO_CLI_OK) {
        status = iso_cli_send_json(
            server, "PUT", path,
            json_pack("{s:s, s:s}", "key", line, "comment", comment != NULL ? comment : text),
            NULL);
    }
    if (status == ISO_CLI_OK) {
        iso_cli_note("packages must be signed from now on; %s is one whose signature counts", id);
    }
    return status;
}

static int run_trust_add(const struct iso_cli_command *command, int argc, char **argv)
{
    struct iso_cli_client_args args;
    struct options options = {NULL, NULL, NULL, false};
    int status = iso_cli_client_read(command, argc, argv, &args, 1, 1, option, &options);
    status = status < 0 ? add_trust(&args.server, args.operands[0], options.comment) : status;
    iso_cli_server_fini(&args.server);
    return status;
}

static int run_trust_ls(const struct iso_cli_command *command, int argc, char **argv)
{
    static const char *const titles[] = {"ID", "KEY", "COMMENT"};
    static const char *const keys[] = {"id", "key", "comment"};
    struct iso_cli_client_args args;
    int status = iso_cli_client_read(command, argc, argv, &args, 0, 0, NULL, NULL);
    status = status < 0 ? list(&args.server, "/v1/trust", titles, keys, ISO_COUNT_OF(keys),
                               "no key is trusted, so packages need not be signed")
                        : status;
    iso_cli_server_fini(&args.server);
    return status;
}

static int run_trust_rm(const struct iso_cli_command *command, int argc, char **argv)
{
    return remove_item(command, argc, argv, "/v1/trust");
}

static const struct iso_cli_option trust_options[] = {
    {OPTION_COMMENT, "comment", "TEXT", false, "whose it is (the file's name)"},
};
static const struct iso_cli_option_group trust_group = {"Key", trust_options,
                                                        ISO_COUNT_OF(trust_options)};
static const struct iso_cli_option_group *const trust_groups[] = {&trust_group,
                                                                  &iso_cli_orchestrator_group};

static const struct iso_cli_command trust_add = {
    .name = "trust add",
    .summary = "trust a key: from the first on, unsigned packages are refused",
    .synopsis = "NAME.pub | KEY",
    .groups = trust_groups,
    .group_count = ISO_COUNT_OF(trust_groups),
    .examples = "  isomer trust add lab.pub\n",
    .run = run_trust_add,
};
static const struct iso_cli_command trust_ls = {
    .name = "trust ls",
    .summary = "list the keys that are trusted",
    .synopsis = "",
    .groups = groups,
    .group_count = ISO_COUNT_OF(groups),
    .run = run_trust_ls,
};
static const struct iso_cli_command trust_rm = {
    .name = "trust rm",
    .summary = "trust a key no longer",
    .synopsis = "ID",
    .groups = groups,
    .group_count = ISO_COUNT_OF(groups),
    .run = run_trust_rm,
};
static const struct iso_cli_command *const trust_commands[] = {&trust_add, &trust_ls, &trust_rm,
                                                               NULL};

const struct iso_cli_command iso_cli_client_trust = {
    .name = "trust",
    .summary = "whose packages are taken",
    .synopsis = "add | ls | rm",
    .examples = "  isomer trust add lab.pub\n",
    .subcommands = trust_commands,
};
