/* isomer call APP/COMPONENT FUNCTION on a device: arguments are checked against the interface that
 * the device tells, before anything is sent. */
#include "cli/client_commands.h"

#include "base/format.h"
#include "cli/arguments.h"
#include "cli/interface.h"
#include "cli/message.h"
#include "cli/status.h"
#include "platform/platform.h"

#include <sodium.h>
#include <stdlib.h>

enum { OPTION_OUT };

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

static bool is_bytes(const struct iso_vtype *type)
{
    return type != NULL && type->kind == ISO_V_LIST && type->element->kind == ISO_V_U8;
}

/* {"name": value, ...} as JSON. */
static enum iso_err encode(const struct iso_wit_func *func, const struct iso_value *values,
                           struct iso_buf *out)
{
    struct iso_json json;
    iso_json_init_buf(&json, out, 0);
    iso_json_object_begin(&json);
    for (uint32_t i = 0; i < func->param_count; i++) {
        struct iso_buf text;
        iso_buf_init(&text, iso_alloc_libc(), SIZE_MAX);
        const enum iso_err err = iso_json_encode(func->params[i].type, &values[i], &text);
        if (err == ISO_OK) {
            iso_json_key_str(&json, func->params[i].name);
            iso_json_raw(&json, iso_str_from((const char *)text.ptr, text.len));
        }
        iso_buf_fini(&text);
        if (err != ISO_OK) {
            return err;
        }
    }
    iso_json_object_end(&json);
    return iso_json_finish(&json);
}

/* Where the interface of a function is in the path of its address: "resize" or "iface.resize". */
static void function_path(const struct iso_wit_world *world,
                          const struct iso_cli_function *function, char *out, size_t cap)
{
    struct iso_cli_function other;
    unsigned same = 0;
    for (uint32_t i = 0; iso_cli_function_at(world, i, &other); i++) {
        same += iso_str_equal(other.func->name, function->func->name);
    }
    if (same > 1 && function->interface != NULL) {
        (void)iso_format(out, cap, "%.*s.%.*s", (int)function->interface->name.len,
                         function->interface->name.ptr, (int)function->func->name.len,
                         function->func->name.ptr);
    } else {
        (void)iso_format(out, cap, "%.*s", (int)function->func->name.len, function->func->name.ptr);
    }
}

int iso_cli_reply_print(const struct iso_cli_reply *reply, const char *out)
{
    struct iso_bytes body = iso_buf_view(&reply->body);
    if (reply->status == 204) {
        return ISO_CLI_OK;
    }
    if (out != NULL) {
        return iso_cli_file_save(out, body);
    }
    if (strcmp(reply->content_type, "application/json") == 0) {
        printf("%.*s\n", (int)body.len, (const char *)body.ptr);
    } else {
        (void)fwrite(body.ptr, 1, body.len, stdout);
    }
    return iso_cli_finish_output(ISO_CLI_OK);
}

static int send_call(struct iso_cli_server *server, const char *path,
                     const struct iso_wit_func *func, const struct iso_cli_arguments *arguments,
                     const struct options *options)
{
    struct iso_buf body;
    struct iso_cli_reply reply;
    uint8_t random[16];
    char key[2 * sizeof random + 1];
    const struct iso_vtype *result = func->result;
    if (result != NULL && result->kind == ISO_V_RESULT) {
        result = iso_vtype_case_payload(result, 0);
    }
    iso_buf_init(&body, iso_alloc_libc(), SIZE_MAX);
    const enum iso_err err = encode(func, arguments->values, &body);
    if (err != ISO_OK) {
        iso_cli_error("the arguments cannot be sent: %s", iso_err_text(err));
        iso_buf_fini(&body);
        return ISO_CLI_SYSTEM;
    }
    randombytes_buf(random, sizeof random);
    iso_hex_encode(random, sizeof random, key);
    const struct iso_cli_request request = {
        .method = "POST",
        .path = path,
        .content_type = "application/json",
        .accept = options->out != NULL && is_bytes(result) ? "application/octet-stream" : NULL,
        .body = iso_buf_view(&body),
        .call_key = key};
    int status = iso_cli_request_good(server, &request, &reply);
    status = status == ISO_CLI_OK ? iso_cli_reply_print(&reply, options->out) : status;
    iso_buf_fini(&reply.body);
    iso_buf_fini(&body);
    return status;
}

static int with_interface(const struct iso_cli_command *command, struct iso_cli_client_args *args,
                          const char *base, const struct iso_wit *wit,
                          const struct options *options)
{
    struct iso_cli_function function;
    struct iso_cli_arguments arguments;
    char name[160], path[600];
    const struct iso_wit_world *world = wit->world_count != 0 ? wit->worlds[0] : NULL;
    if (world == NULL) {
        iso_cli_error("%s: the interface has no world", args->server.name);
        return ISO_CLI_REFUSED;
    }
    int status = iso_cli_function_find(world, args->operands[1], &function);
    if (status != ISO_CLI_OK) {
        return status;
    }
    function_path(world, &function, name, sizeof name);
    (void)iso_format(path, sizeof path, "%s/%s", base, name);
    const bool program = world->package != NULL && iso_str_equal_z(world->package->ns, "isomer") &&
                         iso_str_equal_z(world->package->name, "command");
    status = (program ? iso_cli_arguments_read_program : iso_cli_arguments_read)(
        command, function.func, args->operands + 2, (size_t)args->count - 2, &arguments);
    if (status == ISO_CLI_OK) {
        status = send_call(&args->server, path, function.func, &arguments, options);
    }
    iso_cli_arguments_fini(&arguments);
    return status;
}

static int call(const struct iso_cli_command *command, struct iso_cli_client_args *args,
                const char *base, const struct options *options)
{
    struct iso_cli_reply reply;
    struct iso_report report;
    struct iso_wit wit;
    char path[440];
    (void)iso_format(path, sizeof path, "%s/wit", base);
    const struct iso_cli_request request = {.method = "GET", .path = path, .accept = "text/plain"};
    int status = iso_cli_request_good(&args->server, &request, &reply);
    if (status == ISO_CLI_OK) {
        const struct iso_wit_source source = {args->operands[0], iso_buf_view(&reply.body)};
        iso_report_init(&report);
        const enum iso_err err = iso_wit_parse(iso_alloc_libc(), &source, 1, &wit, &report);
        if (err == ISO_OK) {
            status = with_interface(command, args, base, &wit, options);
        } else {
            iso_cli_error_lines(&report, err);
            status = ISO_CLI_REFUSED;
        }
        iso_wit_fini(&wit);
    }
    iso_buf_fini(&reply.body);
    return status;
}

static int run(const struct iso_cli_command *command, int argc, char **argv)
{
    struct iso_cli_client_args args;
    struct options options = {NULL};
    char base[400];
    if (sodium_init() < 0) {
        iso_cli_error("no random numbers from the system");
        return ISO_CLI_SYSTEM;
    }
    int status = iso_cli_client_read(command, argc, argv, &args, 2, 64, option, &options);
    if (status < 0) {
        status = iso_cli_component_path(command, args.operands[0], base, sizeof base);
        status = status == ISO_CLI_OK ? call(command, &args, base, &options) : status;
    }
    iso_cli_server_fini(&args.server);
    return status;
}

static const struct iso_cli_option options[] = {
    {OPTION_OUT, "o", "FILE", false, "write the result there; bytes as they are"},
};
static const struct iso_cli_option_group group = {"Result", options, ISO_COUNT_OF(options)};
static const struct iso_cli_option_group *const groups[] = {&group, &iso_cli_either_group};

const struct iso_cli_command iso_cli_client_call = {
    .name = "call",
    .summary = "call a function of a component on a device",
    .synopsis = "APP/COMPONENT FUNCTION [NAME=VALUE... | JSON | @FILE]",
    .description = "Arguments are those of 'isomer call' on a file.",
    .groups = groups,
    .group_count = ISO_COUNT_OF(groups),
    .examples = "  isomer --device :8480 call hello/hello greet name=you\n",
    .run = run,
};
