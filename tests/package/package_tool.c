/*
 * package_tool COMMAND: src/package from the command line, for tests against other people's
 * programs.
 *
 *   fetch REFERENCE [OPTION...]        prints what came; --out FILE, --wit FILE, --signature FILE
 *   push REFERENCE FILE [OPTION...]    prints the exact reference; --signature FILE
 *   describe FILE
 *   generate PUBLIC SECRET [PASSWORD]
 *   sign FILE SECRET [PASSWORD]
 *   verify FILE PUBLIC...
 *
 * Options: --registry ALIAS=URL, --user ALIAS=NAME:PASSWORD, --base DIR, --project DIR,
 * --ca FILE, --resolve HOST:PORT:ADDRESS, --public ADDRESS, --seconds N.
 */
#include "net/http_client.h"
#include "package/package.h"
#include "platform/platform.h"

#include <stdio.h>
#include <stdlib.h>

enum { LIST_MAX = 8 };

struct tool {
    uv_loop_t loop;
    struct iso_http_client *http;
    struct iso_package_sources *sources;
    struct iso_package_registry registries[LIST_MAX];
    char texts[LIST_MAX][3][512]; /* alias, user, password */
    size_t registry_count;
    const char *resolve[LIST_MAX], *public[LIST_MAX];
    size_t resolve_count, public_count;
    const char *base, *project, *ca, *out, *wit, *signature;
    uint32_t seconds;
    int status;
};

static int fail(enum iso_err err, const struct iso_report *report)
{
    fprintf(stderr, "error %s: %s\n", iso_err_name(err), iso_report_text(report, err));
    return 1;
}

/* ---- Options -----------------------------------------------------------------------------------
 */

static size_t registry_of(struct tool *tool, const char *alias, size_t len)
{
    for (size_t i = 0; i < tool->registry_count; i++) {
        if (strlen(tool->texts[i][0]) == len && strncmp(tool->texts[i][0], alias, len) == 0) {
            return i;
        }
    }
    const size_t at = tool->registry_count++;
    (void)iso_format(tool->texts[at][0], sizeof tool->texts[at][0], "%.*s", (int)len, alias);
    tool->registries[at].alias = tool->texts[at][0];
    return at;
}

static bool add_registry(struct tool *tool, const char *text, bool user)
{
    const char *equals = strchr(text, '=');
    if (equals == NULL || tool->registry_count + 1 >= LIST_MAX) {
        return false;
    }
    const size_t at = registry_of(tool, text, (size_t)(equals - text));
    if (!user) {
        tool->registries[at].url = equals + 1;
        return true;
    }
    const size_t len = strcspn(equals + 1, ":");
    (void)iso_format(tool->texts[at][1], sizeof tool->texts[at][1], "%.*s", (int)len, equals + 1);
    (void)iso_format(tool->texts[at][2], sizeof tool->texts[at][2], "%s",
                     equals[1 + len] == ':' ? equals + 2 + len : "");
    tool->registries[at].username = tool->texts[at][1];
    tool->registries[at].password = tool->texts[at][2];
    return true;
}

static bool read_option(struct tool *tool, const char *name, const char *value)
{
    const struct {
        const char *name;
        const char **to;
    } texts[] = {{"--base", &tool->base}, {"--project", &tool->project},
                 {"--ca", &tool->ca},     {"--out", &tool->out},
                 {"--wit", &tool->wit},   {"--signature", &tool->signature}};
    for (size_t i = 0; i < ISO_COUNT_OF(texts); i++) {
        if (strcmp(name, texts[i].name) == 0) {
            *texts[i].to = value;
            return true;
        }
    }
    if (strcmp(name, "--registry") == 0 || strcmp(name, "--user") == 0) {
        return add_registry(tool, value, strcmp(name, "--user") == 0);
    }
    if (strcmp(name, "--resolve") == 0 && tool->resolve_count < LIST_MAX) {
        tool->resolve[tool->resolve_count++] = value;
        return true;
    }
    if (strcmp(name, "--public") == 0 && tool->public_count < LIST_MAX) {
        tool->public[tool->public_count++] = value;
        return true;
    }
    tool->seconds = strcmp(name, "--seconds") == 0 ? (uint32_t)strtoul(value, NULL, 10) : 0;
    return tool->seconds != 0;
}

static bool read_options(struct tool *tool, char **argv)
{
    for (; argv[0] != NULL; argv += 2) {
        if (argv[1] == NULL || !read_option(tool, argv[0], argv[1])) {
            fprintf(stderr, "what is '%s'?\n", argv[0]);
            return false;
        }
    }
    return true;
}

/* ---- The loop ----------------------------------------------------------------------------------
 */

static enum iso_err open_loop(struct tool *tool, struct iso_report *report)
{
    const struct iso_http_client_config http = {.loop = &tool->loop,
                                                .resolve = tool->resolve,
                                                .resolve_count = tool->resolve_count,
                                                .also_public = tool->public,
                                                .also_public_count = tool->public_count};
    if (uv_loop_init(&tool->loop) != 0) {
        return ISO_E_NOMEM;
    }
    enum iso_err err = iso_http_client_create(&http, &tool->http, report);
    if (err != ISO_OK) {
        return err;
    }
    const struct iso_package_sources_config config = {.loop = &tool->loop,
                                                      .http = tool->http,
                                                      .project_dir = tool->project,
                                                      .ca_file = tool->ca,
                                                      .total_ms = tool->seconds * 1000};
    err = iso_package_sources_create(&config, &tool->sources, report);
    return err != ISO_OK ? err
                         : iso_package_sources_set_registries(tool->sources, tool->registries,
                                                              tool->registry_count, report);
}

static void close_http(void *ctx)
{
    struct tool *tool = ctx;
    iso_http_client_close(tool->http, NULL, NULL);
}

static void close_all(struct tool *tool)
{
    if (tool->sources != NULL) {
        iso_package_sources_close(tool->sources, close_http, tool);
    } else {
        close_http(tool);
    }
}

static int run(struct tool *tool, enum iso_err err, const struct iso_report *report)
{
    if (err != ISO_OK) {
        tool->status = fail(err, report);
        close_all(tool);
    }
    (void)uv_run(&tool->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&tool->loop);
    return tool->status;
}

/* ---- fetch, push -------------------------------------------------------------------------------
 */

static void print(const char *name, struct iso_str text)
{
    if (text.len != 0) {
        printf("%s: %.*s\n", name, (int)text.len, text.ptr);
    }
}

static void write_file(struct tool *tool, const char *path, struct iso_bytes bytes)
{
    struct iso_report report;
    iso_report_init(&report);
    if (path != NULL && bytes.ptr != NULL) {
        const enum iso_err err = iso_file_write_atomic(path, bytes, &report);
        tool->status = err != ISO_OK ? fail(err, &report) : tool->status;
    }
}

static void on_fetched(void *ctx, uint64_t id, enum iso_err err, struct iso_package *package,
                       const struct iso_report *report)
{
    struct tool *tool = ctx;
    char digest[ISO_DIGEST_TEXT_SIZE];
    (void)id;
    if (err != ISO_OK) {
        tool->status = fail(err, report);
    } else {
        iso_digest_text(package->digest, digest);
        print("reference", package->reference);
        print("digest", iso_str_from_z(digest));
        printf("size: %zu\n", package->module.len);
        print("name", package->info.name);
        print("version", package->info.version);
        print("licence", package->info.licence);
        print("description", package->info.description);
        print("source", package->info.source);
        print("wit", package->wit_name);
        printf("signature: %zu\n", package->signature.len);
        write_file(tool, tool->out, package->module);
        write_file(tool, tool->wit, package->wit);
        write_file(tool, tool->signature, package->signature);
    }
    iso_package_destroy(package);
    close_all(tool);
}

static int fetch(struct tool *tool, const char *reference)
{
    struct iso_report report;
    uint64_t id;
    iso_report_init(&report);
    enum iso_err err = open_loop(tool, &report);
    err = err != ISO_OK ? err
                        : iso_package_fetch(tool->sources, iso_str_from_z(reference), tool->base,
                                            on_fetched, tool, &id, &report);
    return run(tool, err, &report);
}

static void on_pushed(void *ctx, uint64_t id, enum iso_err err, struct iso_str reference,
                      const struct iso_report *report)
{
    struct tool *tool = ctx;
    (void)id;
    if (err != ISO_OK) {
        tool->status = fail(err, report);
    }
    print("reference", reference);
    close_all(tool);
}

static int push(struct tool *tool, const char *reference, const char *path)
{
    struct iso_report report;
    struct iso_file module = {.cap = 0}, signature = {.cap = 0};
    const struct iso_package_info info = {.description = iso_str_from_z("a test"),
                                          .licence = iso_str_from_z("MIT")};
    uint64_t id;
    iso_report_init(&report);
    enum iso_err err = iso_file_read(path, ISO_PACKAGE_MAX_BYTES, &module, &report);
    if (err == ISO_OK && tool->signature != NULL) {
        err = iso_file_read(tool->signature, ISO_PACKAGE_MAX_BESIDE_BYTES, &signature, &report);
    }
    if (err != ISO_OK) {
        return fail(err, &report);
    }
    err = open_loop(tool, &report);
    err = err != ISO_OK ? err
                        : iso_package_push(tool->sources, iso_str_from_z(reference), module.bytes,
                                           &info, signature.bytes, on_pushed, tool, &id, &report);
    const int status = run(tool, err, &report);
    iso_file_fini(&module);
    iso_file_fini(&signature);
    return status;
}

/* ---- describe ----------------------------------------------------------------------------------
 */

static int describe(const char *path)
{
    struct iso_report report;
    struct iso_file file = {.cap = 0};
    struct iso_description *description = NULL;
    iso_report_init(&report);
    enum iso_err err = iso_file_read(path, ISO_PACKAGE_MAX_BYTES, &file, &report);
    err = err != ISO_OK
              ? err
              : iso_describe(file.bytes, iso_bytes_from(NULL, 0), NULL, &description, &report);
    if (err != ISO_OK) {
        iso_file_fini(&file);
        return fail(err, &report);
    }
    printf("size: %llu\nmemory: %llu\ncommand: %d\n", (unsigned long long)description->size_bytes,
           (unsigned long long)description->memory_min_bytes, description->is_command);
    for (uint32_t i = 0; i < description->need_count; i++) {
        const struct iso_need *need = &description->needs[i];
        printf("needs: %.*s (%u, kind %d, %s)\n", (int)need->module.len, need->module.ptr,
               need->count, (int)need->kind, need->interface != NULL ? "typed" : "untyped");
    }
    for (uint32_t i = 0; i < description->feature_count; i++) {
        printf("feature: %s\n", description->features[i]);
    }
    printf("%.*s", (int)description->wit.len, (const char *)description->wit.ptr);
    iso_description_destroy(description);
    iso_file_fini(&file);
    return 0;
}

/* ---- Signatures --------------------------------------------------------------------------------
 */

static int generate(const char *public_path, const char *secret_path, const char *password)
{
    struct iso_sign_public key;
    struct iso_report report;
    iso_report_init(&report);
    const enum iso_err err =
        iso_sign_file_generate(public_path, secret_path, password, &key, &report);
    return err != ISO_OK ? fail(err, &report) : 0;
}

static int sign(const char *path, const char *secret_path, const char *password)
{
    struct iso_report report;
    bool locked = false;
    iso_report_init(&report);
    enum iso_err err = iso_sign_file_is_locked(secret_path, &locked, &report);
    if (err == ISO_OK && locked != (password != NULL)) {
        fprintf(stderr, "error: locked: %d\n", locked);
        return 1;
    }
    err = err != ISO_OK ? err : iso_sign_file(path, secret_path, password, NULL, NULL, &report);
    return err != ISO_OK ? fail(err, &report) : 0;
}

static int verify(const char *path, char **keys)
{
    struct iso_sign_public list[LIST_MAX];
    struct iso_report report;
    char comment[ISO_SIGN_MAX_COMMENT + 1];
    size_t count = 0, key = 0;
    enum iso_err err = ISO_OK;
    iso_report_init(&report);
    for (; keys[count] != NULL && count < LIST_MAX && err == ISO_OK; count++) {
        err = iso_sign_file_public(keys[count], &list[count], &report);
    }
    err =
        err != ISO_OK ? err : iso_sign_file_verify(path, NULL, list, count, &key, comment, &report);
    if (err != ISO_OK) {
        return fail(err, &report);
    }
    printf("key: %zu\ncomment: %s\n", key, comment);
    return 0;
}

int main(int argc, char **argv)
{
    static struct tool tool;
    const char *command = argc > 2 ? argv[1] : "";
    if (strcmp(command, "fetch") == 0 && read_options(&tool, argv + 3)) {
        return fetch(&tool, argv[2]);
    }
    if (strcmp(command, "push") == 0 && argc > 3 && read_options(&tool, argv + 4)) {
        return push(&tool, argv[2], argv[3]);
    }
    if (strcmp(command, "describe") == 0) {
        return describe(argv[2]);
    }
    if (strcmp(command, "generate") == 0 && argc > 3) {
        return generate(argv[2], argv[3], argv[4]);
    }
    if (strcmp(command, "sign") == 0 && argc > 3) {
        return sign(argv[2], argv[3], argv[4]);
    }
    if (strcmp(command, "verify") == 0) {
        return verify(argv[2], argv + 3);
    }
    fprintf(stderr, "the comment in package_tool.c says how\n");
    return 2;
}
