/* isomer key, sign, verify: signatures in the format of minisign
 * (https://jedisct1.github.io/minisign/). These work on files; trust is the orchestrator's. */
#include "cli/client_commands.h"

#include "base/format.h"
#include "cli/message.h"
#include "cli/password.h"
#include "cli/status.h"
#include "package/package.h"
#include "platform/platform.h"

#include <sodium.h>

enum {
    OPTION_PASSWORD_FILE,
    OPTION_NO_PASSWORD,
    OPTION_KEY,
    OPTION_COMMENT,
    OPTION_SIGNATURE,
    KEYS_MAX = 16,
    FILES_MAX = 64,
    PATH_SIZE = 2048
};

struct request {
    const char *password_file, *comment, *signature;
    const char *keys[KEYS_MAX];
    const char *files[FILES_MAX];
    size_t key_count, file_count;
    bool no_password;
};

static int set_option(struct request *request, int id, const char *value)
{
    switch (id) {
    case OPTION_PASSWORD_FILE:
        request->password_file = value;
        return ISO_CLI_OK;
    case OPTION_NO_PASSWORD:
        request->no_password = true;
        return ISO_CLI_OK;
    case OPTION_COMMENT:
        request->comment = value;
        return ISO_CLI_OK;
    case OPTION_SIGNATURE:
        request->signature = value;
        return ISO_CLI_OK;
    default:
        if (request->key_count == KEYS_MAX) {
            iso_cli_error("at most %d keys", (int)KEYS_MAX);
            return ISO_CLI_USAGE;
        }
        request->keys[request->key_count++] = value;
        return ISO_CLI_OK;
    }
}

/* -1: go on; otherwise the exit status. */
static int read_request(const struct iso_cli_command *command, int argc, char **argv,
                        struct request *request, size_t most)
{
    struct iso_cli_args args;
    *request = (struct request){.comment = NULL};
    iso_cli_args_init(&args, command, argc, argv);
    for (;;) {
        const int id = iso_cli_args_next(&args);
        if (id == ISO_CLI_ARGS_END) {
            break;
        }
        if (id == ISO_CLI_ARGS_OPERAND) {
            if (request->file_count == most) {
                return iso_cli_usage_error(command, "'%s' is too much", args.value);
            }
            request->files[request->file_count++] = args.value;
            continue;
        }
        const int status = id < 0 ? iso_cli_args_status(id) : set_option(request, id, args.value);
        if (id < 0 || status != ISO_CLI_OK) {
            return status;
        }
    }
    if (request->file_count == 0) {
        return iso_cli_usage_error(command, "something is missing; write isomer %s %s",
                                   command->name, command->synopsis);
    }
    if (sodium_init() < 0) {
        iso_cli_error("no random numbers from the system");
        return ISO_CLI_SYSTEM;
    }
    return -1;
}

static int failed(const struct iso_report *report, enum iso_err err)
{
    iso_cli_error("%s", iso_report_text(report, err));
    switch (err) {
    case ISO_E_INVALID:
    case ISO_E_MALFORMED:
    case ISO_E_UNSUPPORTED:
        return ISO_CLI_INVALID;
    case ISO_E_NOT_FOUND:
        return ISO_CLI_UNREADABLE;
    case ISO_E_ACCESS:
        return ISO_CLI_REFUSED;
    default:
        return iso_cli_status_from(err);
    }
}

static const struct iso_cli_option password_options[] = {
    {OPTION_PASSWORD_FILE, "password-file", "FILE", false,
     "the secret key's password is its first line; otherwise\nthe terminal is asked"},
    {OPTION_NO_PASSWORD, "no-password", NULL, false, "the secret key is not encrypted"},
};
static const struct iso_cli_option_group password_group = {"Password", password_options,
                                                           ISO_COUNT_OF(password_options)};

/* ---- key new ----------------------------------------------------------------------------------
 */

static int make_key(const struct request *request, const char *password)
{
    char public_path[PATH_SIZE], secret_path[PATH_SIZE], text[57];
    struct iso_sign_public key;
    struct iso_report report;
    (void)iso_format(public_path, sizeof public_path, "%s.pub", request->files[0]);
    if (iso_format(secret_path, sizeof secret_path, "%s.key", request->files[0]) >=
        sizeof secret_path) {
        iso_cli_error("'%s' is too long for a name", request->files[0]);
        return ISO_CLI_USAGE;
    }
    iso_report_init(&report);
    const enum iso_err err =
        iso_sign_file_generate(public_path, secret_path, password, &key, &report);
    if (err != ISO_OK) {
        return failed(&report, err);
    }
    iso_sign_public_text(&key, text);
    puts(text);
    iso_cli_note("%s is the secret key, %s the one to give to others: isomer trust add %s",
                 secret_path, public_path, public_path);
    return iso_cli_finish_output(ISO_CLI_OK);
}

static int run_key_new(const struct iso_cli_command *command, int argc, char **argv)
{
    struct request request;
    char password[ISO_CLI_PASSWORD_SIZE] = "";
    int status = read_request(command, argc, argv, &request, 1);
    if (status >= 0) {
        return status;
    }
    status = ISO_CLI_OK;
    if (request.password_file != NULL) {
        status = iso_cli_password_read(request.password_file, password);
    } else if (!request.no_password) {
        status =
            iso_cli_password_ask("Password for the secret key (empty: none): ", true, password);
    }
    status =
        status == ISO_CLI_OK ? make_key(&request, password[0] != '\0' ? password : NULL) : status;
    sodium_memzero(password, sizeof password);
    return status;
}

static const struct iso_cli_option_group *const key_groups[] = {&password_group};

static const struct iso_cli_command key_new = {
    .name = "key new",
    .summary = "make a pair of keys for signatures",
    .synopsis = "NAME",
    .description = "Writes NAME.pub and NAME.key; what is there already is left alone.",
    .groups = key_groups,
    .group_count = ISO_COUNT_OF(key_groups),
    .examples = "  isomer key new lab\n",
    .run = run_key_new,
};
static const struct iso_cli_command *const key_commands[] = {&key_new, NULL};

const struct iso_cli_command iso_cli_client_key = {
    .name = "key",
    .summary = "make keys for signatures",
    .synopsis = "new",
    .examples = "  isomer key new lab\n",
    .subcommands = key_commands,
};

/* ---- sign -------------------------------------------------------------------------------------
 */

static int password_of(const struct request *request, const char *key, char *password)
{
    struct iso_report report;
    bool locked = false;
    iso_report_init(&report);
    const enum iso_err err = iso_sign_file_is_locked(key, &locked, &report);
    if (err != ISO_OK) {
        return failed(&report, err);
    }
    if (!locked) {
        return ISO_CLI_OK;
    }
    return request->password_file != NULL
               ? iso_cli_password_read(request->password_file, password)
               : iso_cli_password_ask("Password of the secret key: ", false, password);
}

static int run_sign(const struct iso_cli_command *command, int argc, char **argv)
{
    struct request request;
    char password[ISO_CLI_PASSWORD_SIZE] = "";
    int status = read_request(command, argc, argv, &request, FILES_MAX);
    if (status >= 0) {
        return status;
    }
    if (request.key_count != 1) {
        return iso_cli_usage_error(command, "which key? give one: --key NAME.key");
    }
    status = password_of(&request, request.keys[0], password);
    for (size_t i = 0; i < request.file_count && status == ISO_CLI_OK; i++) {
        struct iso_report report;
        iso_report_init(&report);
        const enum iso_err err =
            iso_sign_file(request.files[i], request.keys[0], password[0] != '\0' ? password : NULL,
                          request.comment, NULL, &report);
        if (err != ISO_OK) {
            status = failed(&report, err);
        } else {
            iso_cli_note("%s.minisig is its signature", request.files[i]);
        }
    }
    sodium_memzero(password, sizeof password);
    return status;
}

static const struct iso_cli_option sign_options[] = {
    {OPTION_KEY, "key", "FILE", false, "the secret key"},
    {OPTION_COMMENT, "comment", "TEXT", false, "a line that is signed too"},
    {OPTION_PASSWORD_FILE, "password-file", "FILE", false,
     "the secret key's password is its first line; otherwise\nthe terminal is asked"},
};
static const struct iso_cli_option_group sign_group = {"Signature", sign_options,
                                                       ISO_COUNT_OF(sign_options)};
static const struct iso_cli_option_group *const sign_groups[] = {&sign_group};

const struct iso_cli_command iso_cli_client_sign = {
    .name = "sign",
    .summary = "sign modules, in minisign's format",
    .synopsis = "--key NAME.key FILE...",
    .description = "Writes FILE.minisig beside each.",
    .groups = sign_groups,
    .group_count = ISO_COUNT_OF(sign_groups),
    .examples = "  isomer sign --key lab.key camera.wasm\n",
    .run = run_sign,
};

/* ---- verify -----------------------------------------------------------------------------------
 */

/* A key is a file, or the text that 'key new' printed. */
static enum iso_err read_key(const char *text, struct iso_sign_public *out,
                             struct iso_report *report)
{
    if (iso_path_is_file(text)) {
        return iso_sign_file_public(text, out, report);
    }
    return iso_sign_public_parse(iso_str_from_z(text), out, report);
}

static int run_verify(const struct iso_cli_command *command, int argc, char **argv)
{
    struct request request;
    struct iso_sign_public keys[KEYS_MAX];
    struct iso_report report;
    char comment[ISO_SIGN_MAX_COMMENT + 1], id[ISO_SIGN_ID_TEXT_SIZE];
    size_t which = 0;
    const int status = read_request(command, argc, argv, &request, 1);
    if (status >= 0) {
        return status;
    }
    if (request.key_count == 0) {
        return iso_cli_usage_error(command, "which key? give it: --key NAME.pub");
    }
    iso_report_init(&report);
    enum iso_err err = ISO_OK;
    for (size_t i = 0; i < request.key_count && err == ISO_OK; i++) {
        err = read_key(request.keys[i], &keys[i], &report);
    }
    err = err == ISO_OK ? iso_sign_file_verify(request.files[0], request.signature, keys,
                                               request.key_count, &which, comment, &report)
                        : err;
    if (err != ISO_OK) {
        /* A signature of somebody else is no better than one that is not right. */
        const bool other = err == ISO_E_NOT_FOUND && iso_path_is_file(request.files[0]);
        return failed(&report, other ? ISO_E_INVALID : err);
    }
    iso_sign_id_text(keys[which].id, id);
    for (char *tab = comment; (tab = strchr(tab, '\t')) != NULL;) {
        *tab = ' '; /* minisign puts them between the parts of its comments */
    }
    printf("signed by %s: ", id);
    iso_cli_print_str(stdout, iso_str_from_z(comment));
    putchar('\n');
    return iso_cli_finish_output(ISO_CLI_OK);
}

static const struct iso_cli_option verify_options[] = {
    {OPTION_KEY, "key", "KEY", true, "a public key, or its file; one of them must have signed"},
    {OPTION_SIGNATURE, "signature", "FILE", false, "the signature (FILE.minisig)"},
};
static const struct iso_cli_option_group verify_group = {"Signature", verify_options,
                                                         ISO_COUNT_OF(verify_options)};
static const struct iso_cli_option_group *const verify_groups[] = {&verify_group};

const struct iso_cli_command iso_cli_client_verify = {
    .name = "verify",
    .summary = "verify the signature of a module",
    .synopsis = "--key KEY FILE",
    .description = "Ends with 65 when it is not right, whatever the reason.",
    .groups = verify_groups,
    .group_count = ISO_COUNT_OF(verify_groups),
    .examples = "  isomer verify --key lab.pub camera.wasm\n",
    .run = run_verify,
};
