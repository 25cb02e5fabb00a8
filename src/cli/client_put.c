/* isomer put: deploying to one device by hand. What is put is a module, which becomes an
 * application of one component, or a deployment document (docs/deployment.md) in which modules may
 * be files: "module": "file:scaler.wasm", beside the document. */
#include "cli/client_commands.h"

#include "base/format.h"
#include "cli/interface.h"
#include "cli/load.h"
#include "cli/message.h"
#include "cli/status.h"
#include "platform/platform.h"

#include <stdlib.h>

enum {
    OPTION_NAME,
    OPTION_SERVICE,
    OPTION_GRANT,
    OPTION_CONFIG,
    OPTION_LIMIT,
    OPTION_WIT,
    LIST_MAX = 32,
    MODULE_MAX_BYTES = 256 << 20
};

struct put {
    const char *name;
    const char *wit;
    bool service;
    char *grants[LIST_MAX], *config[LIST_MAX], *limits[LIST_MAX];
    size_t grant_count, config_count, limit_count;
};

static int add(char **list, size_t *count, char *value)
{
    if (*count == LIST_MAX) {
        iso_cli_error("'%s': given too often; %d times at most", value, LIST_MAX);
        return ISO_CLI_USAGE;
    }
    list[(*count)++] = value;
    return ISO_CLI_OK;
}

static int put_option(void *ctx, int id, char *value)
{
    struct put *put = ctx;
    switch (id) {
    case OPTION_NAME:
        put->name = value;
        return ISO_CLI_OK;
    case OPTION_WIT:
        put->wit = value;
        return ISO_CLI_OK;
    case OPTION_SERVICE:
        put->service = true;
        return ISO_CLI_OK;
    case OPTION_GRANT:
        return add(put->grants, &put->grant_count, value);
    case OPTION_CONFIG:
        return add(put->config, &put->config_count, value);
    default:
        return add(put->limits, &put->limit_count, value);
    }
}

/* ---- Modules -------------------------------------------------------------------------------- */

/* Uploads a module unless it is there. digest: "sha256:...". */
static int upload(struct iso_cli_server *server, const char *path, char digest[72])
{
    struct iso_file file;
    struct iso_report report;
    struct iso_cli_reply reply;
    uint8_t sum[ISO_SHA256_SIZE];
    char target[128];
    iso_report_init(&report);
    const enum iso_err err = iso_file_read(path, MODULE_MAX_BYTES, &file, &report);
    if (err != ISO_OK) {
        iso_cli_error("%s", iso_report_text(&report, err));
        return ISO_CLI_UNREADABLE;
    }
    iso_sha256(file.bytes.ptr, file.bytes.len, sum);
    memcpy(digest, "sha256:", 7);
    iso_hex_encode(sum, sizeof sum, digest + 7);
    (void)iso_format(target, sizeof target, "/v1/modules/%s", digest);
    const struct iso_cli_request ask = {.method = "HEAD", .path = target};
    int status = iso_cli_request(server, &ask, &reply);
    const long found = reply.status;
    iso_buf_fini(&reply.body);
    if (status == ISO_CLI_OK && found != 200) {
        const struct iso_cli_request send = {.method = "PUT",
                                             .path = target,
                                             .content_type = "application/wasm",
                                             .body = file.bytes};
        status = iso_cli_request_good(server, &send, &reply);
        iso_buf_fini(&reply.body);
        if (status == ISO_CLI_OK) {
            char size[32];
            (void)iso_format_size(size, file.bytes.len);
            iso_cli_note("sent %s (%s)", path, size);
        }
    }
    iso_file_fini(&file);
    return status;
}

/* ---- Documents ------------------------------------------------------------------------------ */

static int read_document(const char *path, json_t **out)
{
    struct iso_file file;
    struct iso_report report;
    json_error_t error;
    iso_report_init(&report);
    const enum iso_err err = iso_file_read(path, 1u << 20, &file, &report);
    if (err != ISO_OK) {
        iso_cli_error("%s", iso_report_text(&report, err));
        return ISO_CLI_UNREADABLE;
    }
    *out = json_loadb((const char *)file.bytes.ptr, file.bytes.len, JSON_REJECT_DUPLICATES, &error);
    iso_file_fini(&file);
    if (!json_is_object(*out)) {
        iso_cli_error("%s:%d:%d: %s", path, error.line, error.column,
                      *out == NULL ? error.text : "a deployment document is an object");
        return ISO_CLI_USAGE;
    }
    return ISO_CLI_OK;
}

/* "file:NAME", relative to the document, becomes the digest of what was uploaded. */
static int upload_all(struct iso_cli_server *server, const char *document_path, json_t *document)
{
    const char *slash = strrchr(document_path, '/');
    const int folder = slash != NULL ? (int)(slash - document_path) + 1 : 0;
    const char *name;
    json_t *component;
    json_object_foreach(json_object_get(document, "components"), name, component)
    {
        const char *module = json_string_value(json_object_get(component, "module"));
        char path[2048], digest[72];
        if (module == NULL || strncmp(module, "file:", 5) != 0) {
            continue;
        }
        const char *file = module + 5;
        (void)iso_format(path, sizeof path, "%.*s%s", file[0] == '/' ? 0 : folder, document_path,
                         file);
        const int status = upload(server, path, digest);
        if (status != ISO_CLI_OK) {
            return status;
        }
        (void)json_object_set_new(component, "module", json_string(digest));
    }
    return ISO_CLI_OK;
}

/* One above what the device has seen of the application, when the document does not say. */
static int choose_generation(struct iso_cli_server *server, const char *app, uint64_t *out)
{
    struct iso_cli_reply reply;
    char path[128];
    (void)iso_format(path, sizeof path, "/v1/deployments/%s", app);
    const struct iso_cli_request request = {.method = "GET", .path = path};
    int status = iso_cli_request(server, &request, &reply);
    *out = 1;
    if (status == ISO_CLI_OK && reply.status == 200) {
        json_t *known = json_loadb((const char *)reply.body.ptr, reply.body.len, 0, NULL);
        *out = (uint64_t)json_integer_value(json_object_get(known, "seen")) + 1;
        json_decref(known);
    } else if (status == ISO_CLI_OK && reply.status != 404) {
        status = iso_cli_problem(server, &request, &reply);
    }
    iso_buf_fini(&reply.body);
    return status;
}

/* ---- A module by itself -----------------------------------------------------------------------
 */

/* "camera=default" and "camera": device interfaces; "dir:GUEST=HOST[:rw]": directories. */
static int put_grants(const struct put *put, json_t *component)
{
    json_t *devices = json_object(), *dirs = json_array();
    int status = ISO_CLI_OK;
    for (size_t i = 0; i < put->grant_count; i++) {
        char *grant = put->grants[i];
        char *equals = strchr(grant, '=');
        if (strncmp(grant, "dir:", 4) == 0 && equals != NULL) {
            size_t len = strlen(equals + 1);
            const bool writable = len > 3 && strcmp(equals + 1 + len - 3, ":rw") == 0;
            len -= writable ? 3 : 0;
            (void)json_array_append_new(dirs,
                                        json_pack("{s:s%, s:s%, s:b}", "guest", grant + 4,
                                                  (size_t)(equals - grant - 4), "host", equals + 1,
                                                  len, "write", writable ? 1 : 0));
        } else if (equals != NULL) {
            *equals = '\0';
            json_t *names = json_object_get(devices, grant);
            if (!json_is_array(names)) {
                names = json_array();
                (void)json_object_set_new(devices, grant, names);
            }
            (void)json_array_append_new(names, json_string(equals + 1));
        } else {
            (void)json_object_set_new(devices, grant, json_true());
        }
    }
    (void)json_object_set_new(component, "grants",
                              json_pack("{s:o, s:o}", "devices", devices, "dirs", dirs));
    return status;
}

static int put_pairs(char *const *pairs, size_t count, const char *member, json_t *component)
{
    json_t *object = json_object();
    for (size_t i = 0; i < count; i++) {
        const char *equals = strchr(pairs[i], '=');
        uint64_t number;
        if (equals == NULL || equals == pairs[i]) {
            iso_cli_error("'%s': write NAME=VALUE", pairs[i]);
            json_decref(object);
            return ISO_CLI_USAGE;
        }
        char name[128];
        (void)iso_format(name, sizeof name, "%.*s", (int)(equals - pairs[i]), pairs[i]);
        const bool is_number = strcmp(member, "limits") == 0 &&
                               iso_parse_count(equals + 1, UINT32_MAX, &number, NULL) == ISO_OK;
        (void)json_object_set_new(
            object, name, is_number ? json_integer((json_int_t)number) : json_string(equals + 1));
    }
    (void)json_object_set_new(component, member, object);
    return ISO_CLI_OK;
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

/* "path/Hello_World.wasm" to "hello-world". */
static void name_of(const char *path, char *out, size_t cap)
{
    const char *slash = strrchr(path, '/');
    const char *from = slash != NULL ? slash + 1 : path;
    size_t len = 0;
    for (; *from != '\0' && *from != '.' && len + 1 < cap && len < 32; from++) {
        char c = *from >= 'A' && *from <= 'Z' ? (char)(*from - 'A' + 'a') : *from;
        c = is_name_char(c) ? c : '-';
        if (c != '-' || (len > 0 && out[len - 1] != '-')) {
            out[len++] = c;
        }
    }
    while (len > 0 && out[len - 1] == '-') {
        len--;
    }
    out[len] = '\0';
}

static int document_of_module(struct iso_cli_server *server, const struct put *put,
                              const char *path, json_t **out)
{
    char name[40], digest[72];
    struct iso_file wit = {{NULL, 0}, 0};
    struct iso_report report;
    name_of(put->name != NULL ? put->name : path, name, sizeof name);
    iso_report_init(&report);
    if (put->wit != NULL) {
        enum iso_err err = iso_file_read(put->wit, 256u << 10, &wit, &report);
        if (err != ISO_OK) {
            iso_cli_error("%s", iso_report_text(&report, err));
            return ISO_CLI_UNREADABLE;
        }
        err = iso_cli_wit_complete(put->wit, &wit, &report);
        if (err != ISO_OK) {
            iso_cli_error_lines(&report, err);
            iso_file_fini(&wit);
            return ISO_CLI_INVALID;
        }
    }
    int status = upload(server, path, digest);
    json_t *component = json_pack("{s:s, s:s, s:i}", "module", digest, "mode",
                                  put->service ? "service" : "function", "epoch", 1);
    if (wit.bytes.len != 0) {
        (void)json_object_set_new(component, "wit",
                                  json_stringn((const char *)wit.bytes.ptr, wit.bytes.len));
    }
    iso_file_fini(&wit);
    status = status == ISO_CLI_OK && put->grant_count != 0 ? put_grants(put, component) : status;
    status = status == ISO_CLI_OK && put->config_count != 0
                 ? put_pairs(put->config, put->config_count, "config", component)
                 : status;
    status = status == ISO_CLI_OK && put->limit_count != 0
                 ? put_pairs(put->limits, put->limit_count, "limits", component)
                 : status;
    *out =
        json_pack("{s:i, s:s, s:{s:o}}", "isomer", 1, "app", name, "components", name, component);
    return status;
}

static bool is_module(const char *path)
{
    const size_t len = strlen(path);
    return len > 5 && strcmp(path + len - 5, ".wasm") == 0;
}

static int send_document(struct iso_cli_server *server, json_t *document)
{
    struct iso_cli_reply reply;
    char path[128];
    const char *app = json_string_value(json_object_get(document, "app"));
    uint64_t generation = 0;
    if (app == NULL || strlen(app) > 64 || strchr(app, '/') != NULL) {
        iso_cli_error("the document has no \"app\" that is a name");
        return ISO_CLI_USAGE;
    }
    int status = ISO_CLI_OK;
    if (json_object_get(document, "generation") == NULL) {
        status = choose_generation(server, app, &generation);
        (void)json_object_set_new(document, "generation", json_integer((json_int_t)generation));
    }
    if (status != ISO_CLI_OK) {
        return status;
    }
    char *text = json_dumps(document, JSON_COMPACT);
    (void)iso_format(path, sizeof path, "/v1/deployments/%s", app);
    const struct iso_cli_request request = {.method = "PUT",
                                            .path = path,
                                            .content_type = "application/json",
                                            .body = iso_bytes_from(text, strlen(text))};
    status = iso_cli_request_good(server, &request, &reply);
    iso_buf_fini(&reply.body);
    free(text);
    const json_t *put = json_object_get(document, "generation");
    if (status == ISO_CLI_OK && server->json) {
        json_t *done = json_pack("{s:s, s:O}", "app", app, "generation", put);
        status = iso_cli_show_json(done);
        json_decref(done);
    } else if (status == ISO_CLI_OK) {
        iso_cli_note("%s runs on %s, generation %lld", app, server->name,
                     (long long)json_integer_value(put));
    }
    return status;
}

static int run_put(const struct iso_cli_command *command, int argc, char **argv)
{
    struct iso_cli_client_args args;
    struct put put = {.name = NULL};
    json_t *document = NULL;
    int status = iso_cli_client_read(command, argc, argv, &args, 1, 1, put_option, &put);
    if (status < 0) {
        const char *path = args.operands[0];
        if (is_module(path)) {
            status = document_of_module(&args.server, &put, path, &document);
        } else {
            status = read_document(path, &document);
            status = status == ISO_CLI_OK ? upload_all(&args.server, path, document) : status;
        }
        status = status == ISO_CLI_OK ? send_document(&args.server, document) : status;
    }
    json_decref(document);
    iso_cli_server_fini(&args.server);
    return status;
}

static const struct iso_cli_option put_options[] = {
    {OPTION_NAME, "name", "NAME", false, "of the application and its component (the file's)"},
    {OPTION_SERVICE, "service", NULL, false,
     "keep one instance and its state; otherwise each call\n"
     "has a fresh one"},
    {OPTION_WIT, "wit", "FILE", false, "the module's interface, when it does not carry it"},
    {OPTION_GRANT, "grant", "GRANT", true,
     "let it use a device interface: log, camera, gpio=led;\nor a directory: "
     "dir:/data=/srv/data:rw"},
    {OPTION_CONFIG, "config", "KEY=VALUE", true, "what it reads with isomer:device/config"},
    {OPTION_LIMIT, "limit", "NAME=VALUE", true, "memory=64MiB, time=2s, fuel=..., queue=..., ..."},
};
static const struct iso_cli_option_group put_group = {"Of a module (a document says these itself)",
                                                      put_options, ISO_COUNT_OF(put_options)};
static const struct iso_cli_option_group *const put_groups[] = {&put_group, &iso_cli_device_group};

const struct iso_cli_command iso_cli_client_put = {
    .name = "put",
    .summary = "deploy a module or a document to a device",
    .synopsis = "MODULE.wasm | DOCUMENT.json",
    .description =
        "A document is described in docs/deployment.md; in it, \"module\": \"file:NAME\" means\n"
        "a file beside it, and a generation that is missing is the next one.",
    .groups = put_groups,
    .group_count = ISO_COUNT_OF(put_groups),
    .examples = "  isomer --device :8480 put hello.wasm\n"
                "  isomer --device :8480 put counter.wasm --service --grant log\n"
                "  isomer --device 192.0.2.7 put application.json\n",
    .run = run_put,
};
