/* isomer token, login, pair: who may use a device. */
#include "cli/client_commands.h"

#include "base/format.h"
#include "cli/message.h"
#include "cli/status.h"
#include "net/pairing.h"
#include "net/tls.h"
#include "net/token.h"

#include <sodium.h>
#include <stdlib.h>

static const struct iso_cli_option_group *const groups[] = {&iso_cli_either_group};

/* ---- token ---------------------------------------------------------------------------------- */

enum { OPTION_READ, OPTION_LABEL };

struct token_options {
    bool read;
    const char *label;
};

static int token_option(void *ctx, int id, char *value)
{
    struct token_options *options = ctx;
    if (id == OPTION_READ) {
        options->read = true;
    } else {
        options->label = value;
    }
    return ISO_CLI_OK;
}

static int list_tokens(struct iso_cli_server *server)
{
    static const char *const titles[] = {"ID", "ROLE", "CREATED", "LABEL"};
    struct iso_cli_table table;
    json_t *tokens = NULL, *token;
    size_t i;
    int status = iso_cli_get_json(server, "/v1/tokens", &tokens);
    if (status == ISO_CLI_OK && server->json) {
        status = iso_cli_show_json(tokens);
    } else if (status == ISO_CLI_OK) {
        iso_cli_table_init(&table, titles, ISO_COUNT_OF(titles), 0);
        json_array_foreach(tokens, i, token)
        {
            const char *const cells[] = {
                iso_cli_json_text(token, "id"), iso_cli_json_text(token, "role"),
                iso_cli_json_text(token, "created"), iso_cli_json_text(token, "label")};
            iso_cli_table_add(&table, cells);
        }
        iso_cli_table_print(&table, stdout);
        status = iso_cli_finish_output(ISO_CLI_OK);
    }
    json_decref(tokens);
    return status;
}

/* A document of which people want one text. */
static int print_member(const struct iso_cli_server *server, const json_t *document,
                        const char *key)
{
    if (server->json) {
        return iso_cli_show_json(document);
    }
    puts(iso_cli_json_text(document, key));
    return iso_cli_finish_output(ISO_CLI_OK);
}

static int add_token(struct iso_cli_server *server, const struct token_options *options)
{
    json_t *answer = NULL;
    int status =
        iso_cli_send_json(server, "POST", "/v1/tokens",
                          json_pack("{s:s, s:s}", "role", options->read ? "read" : "operate",
                                    "label", options->label != NULL ? options->label : ""),
                          &answer);
    status = status == ISO_CLI_OK ? print_member(server, answer, "token") : status;
    json_decref(answer);
    return status;
}

static int remove_token(const struct iso_cli_command *command, struct iso_cli_server *server,
                        const char *id)
{
    struct iso_cli_reply reply;
    char path[64];
    if (strlen(id) > 32 || strspn(id, "0123456789abcdef") != strlen(id)) {
        return iso_cli_usage_error(command, "'%s' is no id of a token; 'token ls' lists them", id);
    }
    (void)iso_format(path, sizeof path, "/v1/tokens/%s", id);
    const struct iso_cli_request request = {.method = "DELETE", .path = path};
    const int status = iso_cli_request_good(server, &request, &reply);
    iso_buf_fini(&reply.body);
    return status;
}

/* For other clients of CoAP: the identity and the key that follow from the token. */
static int print_psk(const struct iso_cli_server *server)
{
    char id[ISO_TOKEN_ID_SIZE];
    uint8_t psk[ISO_TOKEN_PSK_SIZE];
    if (!iso_token_split(iso_str_from_z(server->token), id, psk)) {
        iso_cli_error("no token of %s is known here", server->name);
        return ISO_CLI_USAGE;
    }
    int status = ISO_CLI_OK;
    if (server->json) {
        json_t *document =
            json_pack("{s:s, s:s%}", "identity", id, "key", (const char *)psk, sizeof psk);
        status = iso_cli_show_json(document);
        json_decref(document);
    } else {
        printf("identity %s\nkey      %.*s\n", id, (int)sizeof psk, (const char *)psk);
        status = iso_cli_finish_output(ISO_CLI_OK);
    }
    sodium_memzero(psk, sizeof psk);
    return status;
}

static int run_token_ls(const struct iso_cli_command *command, int argc, char **argv)
{
    struct iso_cli_client_args args;
    int status = iso_cli_client_read(command, argc, argv, &args, 0, 0, NULL, NULL);
    status = status < 0 ? list_tokens(&args.server) : status;
    iso_cli_server_fini(&args.server);
    return status;
}

static int run_token_add(const struct iso_cli_command *command, int argc, char **argv)
{
    struct iso_cli_client_args args;
    struct token_options options = {false, NULL};
    int status = iso_cli_client_read(command, argc, argv, &args, 0, 0, token_option, &options);
    status = status < 0 ? add_token(&args.server, &options) : status;
    iso_cli_server_fini(&args.server);
    return status;
}

static int run_token_rm(const struct iso_cli_command *command, int argc, char **argv)
{
    struct iso_cli_client_args args;
    int status = iso_cli_client_read(command, argc, argv, &args, 1, 1, NULL, NULL);
    status = status < 0 ? remove_token(command, &args.server, args.operands[0]) : status;
    iso_cli_server_fini(&args.server);
    return status;
}

static int run_token_psk(const struct iso_cli_command *command, int argc, char **argv)
{
    struct iso_cli_client_args args;
    int status = iso_cli_client_read(command, argc, argv, &args, 0, 0, NULL, NULL);
    status = status < 0 ? print_psk(&args.server) : status;
    iso_cli_server_fini(&args.server);
    return status;
}

static const struct iso_cli_option token_options[] = {
    {OPTION_READ, "read", NULL, false, "may look only; otherwise also call and change"},
    {OPTION_LABEL, "label", "TEXT", false, "what it is for"},
};
static const struct iso_cli_option_group token_group = {"Token", token_options,
                                                        ISO_COUNT_OF(token_options)};
static const struct iso_cli_option_group *const token_groups[] = {&token_group,
                                                                  &iso_cli_either_group};

static const struct iso_cli_command token_ls = {
    .name = "token ls",
    .summary = "list the tokens",
    .synopsis = "",
    .groups = groups,
    .group_count = ISO_COUNT_OF(groups),
    .run = run_token_ls,
};
static const struct iso_cli_command token_add = {
    .name = "token add",
    .summary = "make a token and print it",
    .synopsis = "[--read] [--label TEXT]",
    .groups = token_groups,
    .group_count = ISO_COUNT_OF(token_groups),
    .examples = "  isomer token add --read --label dashboard\n",
    .run = run_token_add,
};
static const struct iso_cli_command token_rm = {
    .name = "token rm",
    .summary = "withdraw a token; what is open with it ends",
    .synopsis = "ID",
    .groups = groups,
    .group_count = ISO_COUNT_OF(groups),
    .run = run_token_rm,
};
static const struct iso_cli_command token_psk = {
    .name = "token psk",
    .summary = "print the identity and key by which other clients of CoAP may come",
    .synopsis = "",
    .groups = groups,
    .group_count = ISO_COUNT_OF(groups),
    .run = run_token_psk,
};
static const struct iso_cli_command *const token_commands[] = {&token_ls, &token_add, &token_rm,
                                                               &token_psk, NULL};

const struct iso_cli_command iso_cli_client_token = {
    .name = "token",
    .summary = "make, list and withdraw tokens",
    .synopsis = "ls | add | rm ID | psk",
    .examples = "  isomer --device :8480 token add --read --label dashboard\n",
    .subcommands = token_commands,
};

/* ---- login ---------------------------------------------------------------------------------- */

static int run_login(const struct iso_cli_command *command, int argc, char **argv)
{
    struct iso_cli_client_args args;
    json_t *answer = NULL;
    int status = iso_cli_client_read(command, argc, argv, &args, 0, 0, NULL, NULL);
    if (status < 0) {
        status = iso_cli_send_json(&args.server, "POST", "/v1/login", json_object(), &answer);
    }
    status = status == ISO_CLI_OK ? print_member(&args.server, answer, "url") : status;
    json_decref(answer);
    iso_cli_server_fini(&args.server);
    return status;
}

const struct iso_cli_command iso_cli_client_login = {
    .name = "login",
    .summary = "an address that signs a browser in, once",
    .synopsis = "",
    .groups = groups,
    .group_count = ISO_COUNT_OF(groups),
    .examples = "  isomer --device :8480 login\n",
    .run = run_login,
};

/* ---- pair ----------------------------------------------------------------------------------- */

static int new_code(struct iso_cli_server *server)
{
    json_t *answer = NULL;
    int status = iso_cli_send_json(server, "POST", "/v1/pairing/code", json_object(), &answer);
    if (status == ISO_CLI_OK) {
        status = print_member(server, answer, "code");
        iso_cli_note("good once, for ten minutes; on the other machine: isomer --device HOST:PORT "
                     "pair CODE");
    }
    json_decref(answer);
    return status;
}

/* One message of the protocol. The connection's key must be the same in both. */
static int exchange(struct iso_cli_server *server, const char *path, const struct iso_buf *message,
                    struct iso_cli_reply *reply)
{
    const struct iso_cli_request request = {.method = "POST",
                                            .path = path,
                                            .content_type = "application/json",
                                            .body = iso_buf_view(message)};
    return iso_cli_request_good(server, &request, reply);
}

static int pairing_failed(const struct iso_report *report, enum iso_err err)
{
    iso_cli_error("%s", iso_report_text(report, err));
    return err == ISO_E_ARGUMENT ? ISO_CLI_USAGE : ISO_CLI_REFUSED;
}

/* Both messages; the token and pin are in the device then. */
static int prove(struct iso_cli_server *server, struct iso_pairing_client *client,
                 struct iso_buf *message)
{
    struct iso_cli_reply reply;
    struct iso_report report;
    uint8_t pin[ISO_TLS_PIN_SIZE];
    iso_report_init(&report);
    enum iso_err err = iso_pairing_client_start(client, message);
    if (err != ISO_OK) {
        return pairing_failed(&report, err);
    }
    int status = exchange(server, "/v1/pairing/start", message, &reply);
    message->len = 0;
    if (status == ISO_CLI_OK && !iso_cli_server_seen_pin(server, pin)) {
        iso_cli_error("%s: pairing needs HTTPS", server->name);
        status = ISO_CLI_USAGE;
    }
    if (status == ISO_CLI_OK) {
        err = iso_pairing_client_check(client, pin, iso_buf_view(&reply.body), message, &report);
        status = err == ISO_OK ? ISO_CLI_OK : pairing_failed(&report, err);
    }
    iso_buf_fini(&reply.body);
    if (status != ISO_CLI_OK) {
        return status;
    }
    iso_tls_pin_text(pin, server->pin); /* the next connection must have the same key */
    status = exchange(server, "/v1/pairing/finish", message, &reply);
    if (status == ISO_CLI_OK) {
        err = iso_pairing_client_finish(client, iso_buf_view(&reply.body), server->token, &report);
        status = err == ISO_OK ? ISO_CLI_OK : pairing_failed(&report, err);
    }
    iso_buf_fini(&reply.body);
    return status;
}

static int pair(struct iso_cli_server *server, const char *code)
{
    struct iso_pairing_client client;
    struct iso_report report;
    struct iso_buf message;
    uint8_t own[ISO_PAIRING_PIN_SIZE];
    /* A person's command has no key of its own; what names this pairing is random. */
    randombytes_buf(own, sizeof own);
    iso_report_init(&report);
    server->token[0] = server->pin[0] = '\0';
    const enum iso_err err = iso_pairing_client_init(&client, iso_str_from_z(code), own, &report);
    if (err != ISO_OK) {
        return pairing_failed(&report, err);
    }
    iso_buf_init(&message, iso_alloc_libc(), ISO_PAIRING_MAX_MESSAGE);
    int status = prove(server, &client, &message);
    iso_buf_fini(&message);
    iso_pairing_client_fini(&client);
    status = status == ISO_CLI_OK ? iso_cli_known_remember(server) : status;
    if (status == ISO_CLI_OK) {
        iso_cli_note("paired with %s, key %s", server->name, server->pin);
    }
    return status;
}

static int run_pair(const struct iso_cli_command *command, int argc, char **argv)
{
    struct iso_cli_client_args args;
    if (sodium_init() < 0) {
        iso_cli_error("no random numbers from the system");
        return ISO_CLI_SYSTEM;
    }
    int status = iso_cli_client_read(command, argc, argv, &args, 0, 1, NULL, NULL);
    if (status < 0) {
        status = args.count == 0 ? new_code(&args.server) : pair(&args.server, args.operands[0]);
    }
    iso_cli_server_fini(&args.server);
    return status;
}

static const struct iso_cli_option_group *const device_groups[] = {&iso_cli_device_group};

const struct iso_cli_command iso_cli_client_pair = {
    .name = "pair",
    .summary = "pair with a device, or make the code for it",
    .synopsis = "[CODE]",
    .description = "Without a code, on the device itself: prints one. With it, on another machine: "
                   "both prove\n"
                   "that they know it, and this machine remembers the device's key and a token.",
    .groups = device_groups,
    .group_count = ISO_COUNT_OF(device_groups),
    .examples = "  isomer --device :8480 pair\n"
                "  isomer --device 192.0.2.7 pair 7K3M-9QXT-2B5N-C8RW\n",
    .run = run_pair,
};
