/* Manifests and the files that they name: `file:NAME` is a module, or a folder with one. */
#include "cli/client_manifest.h"

#include "base/format.h"
#include "cli/client_mistakes.h"
#include "cli/client_progress.h"
#include "cli/interface.h"
#include "cli/message.h"
#include "cli/status.h"

#include <dirent.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>

enum { PATH_CAP = 2304, WIT_MAX_BYTES = 256 << 10, SIGNATURE_MAX_BYTES = 4 << 10 };

/* ---- Modules ----------------------------------------------------------------------------------
 */

struct sending {
    struct iso_cli_progress progress;
    const char *path;
};

static void on_sent(void *ctx, uint64_t bytes, uint64_t total)
{
    struct sending *sending = ctx;
    char done[32], all[32];
    (void)iso_format_size(done, bytes);
    (void)iso_format_size(all, total);
    iso_cli_progress_now(&sending->progress, "sending %s: %s of %s", sending->path, done, all);
}

static int read_file(const char *path, uint64_t max_bytes, struct iso_file *out)
{
    struct iso_report report;
    iso_report_init(&report);
    const enum iso_err err = iso_file_read(path, max_bytes, out, &report);
    if (err != ISO_OK) {
        iso_cli_error("%s", iso_report_text(&report, err));
        return ISO_CLI_UNREADABLE;
    }
    return ISO_CLI_OK;
}

static bool is_there(struct iso_cli_server *server, const char *digest)
{
    struct iso_cli_reply reply;
    char path[128];
    (void)iso_format(path, sizeof path, "/v1/packages/sha256%%3A%s", digest + strlen("sha256:"));
    const struct iso_cli_request request = {.method = "GET", .path = path, .quiet = true};
    const bool there =
        iso_cli_request(server, &request, &reply) == ISO_CLI_OK && reply.status == 200;
    iso_buf_fini(&reply.body);
    return there;
}

/* "/v1/packages?name=...&signature=...". */
static int target_of(const char *path, const char *name, const char *version, char *out, size_t cap)
{
    char encoded[512], file[PATH_CAP];
    struct iso_file signature = {{NULL, 0}, 0};
    size_t len = iso_format(out, cap, "/v1/packages");
    char separator = '?';
    if (name != NULL && iso_cli_path_encode(name, encoded, sizeof encoded)) {
        len += iso_format(out + len, cap - len, "?name=%s", encoded);
        separator = '&';
        if (iso_cli_path_encode(version, encoded, sizeof encoded)) {
            len += iso_format(out + len, cap - len, "&version=%s", encoded);
        }
    }
    (void)iso_format(file, sizeof file, "%s.minisig", path);
    if (iso_path_is_file(file)) {
        const int status = read_file(file, SIGNATURE_MAX_BYTES, &signature);
        if (status != ISO_CLI_OK) {
            return status;
        }
        char text[2 * SIGNATURE_MAX_BYTES];
        (void)sodium_bin2base64(text, sizeof text, signature.bytes.ptr, signature.bytes.len,
                                sodium_base64_VARIANT_ORIGINAL);
        iso_file_fini(&signature);
        len += iso_format(out + len, cap - len, "%csignature=", separator);
        if (!iso_cli_path_encode(text, out + len, cap - len)) {
            iso_cli_error("%s is too long for a signature", file);
            return ISO_CLI_INVALID;
        }
    }
    return ISO_CLI_OK;
}

static int send_bytes(struct iso_cli_server *server, const char *path, const char *target,
                      struct iso_bytes bytes, json_t **answer)
{
    struct iso_cli_reply reply;
    struct sending sending = {.path = path};
    char size[32];
    iso_cli_progress_init(&sending.progress, server->json);
    const struct iso_cli_request request = {.method = "POST",
                                            .path = target,
                                            .content_type = "application/wasm",
                                            .body = bytes,
                                            .sent = on_sent,
                                            .ctx = &sending};
    const int status = iso_cli_request(server, &request, &reply);
    iso_cli_progress_clear(&sending.progress);
    int good = status;
    if (status == ISO_CLI_OK && (reply.status < 200 || reply.status > 299)) {
        good = iso_cli_problem(server, &request, &reply);
        iso_cli_detail("while sending %s", path);
    }
    if (good == ISO_CLI_OK && !server->json) {
        (void)iso_format_size(size, bytes.len);
        iso_cli_note("sent %s (%s)", path, size);
    }
    if (good == ISO_CLI_OK && answer != NULL) {
        *answer = json_loadb((const char *)reply.body.ptr, reply.body.len, 0, NULL);
    }
    iso_buf_fini(&reply.body);
    return good;
}

int iso_cli_module_send(struct iso_cli_server *server, const char *path, const char *name,
                        const char *version, char digest[72], json_t **answer)
{
    struct iso_file file;
    uint8_t sum[ISO_SHA256_SIZE];
    char own[72], target[1900];
    int status = read_file(path, ISO_CLI_MODULE_MAX_BYTES, &file);
    if (status != ISO_CLI_OK) {
        return status;
    }
    digest = digest != NULL ? digest : own;
    iso_sha256(file.bytes.ptr, file.bytes.len, sum);
    memcpy(digest, "sha256:", 7);
    iso_hex_encode(sum, sizeof sum, digest + 7);
    if (name != NULL || !is_there(server, digest)) {
        status = target_of(path, name, version, target, sizeof target);
        status =
            status == ISO_CLI_OK ? send_bytes(server, path, target, file.bytes, answer) : status;
    }
    iso_file_fini(&file);
    return status;
}

/* ---- The manifest -----------------------------------------------------------------------------
 */

int iso_cli_manifest_read(const char *path, struct iso_cli_manifest *out)
{
    *out = (struct iso_cli_manifest){.folder = "."};
    if (strcmp(path, "-") == 0) {
        (void)iso_format(out->name, sizeof out->name, "<stdin>");
        path = "/dev/stdin";
    } else {
        const bool folder = iso_dir_check(path, NULL) == ISO_OK;
        const size_t len = strlen(path);
        if (iso_format(out->name, sizeof out->name, "%s%s%s", path,
                       folder && len != 0 && path[len - 1] != '/' ? "/" : "",
                       folder ? "app.json" : "") >= sizeof out->name) {
            iso_cli_error("%s: the path is too long", path);
            return ISO_CLI_USAGE;
        }
        const char *slash = strrchr(out->name, '/');
        if (slash != NULL) {
            (void)iso_format(out->folder, sizeof out->folder, "%.*s",
                             slash == out->name ? 1 : (int)(slash - out->name), out->name);
        }
        path = out->name;
    }
    const int status = read_file(path, ISO_CLI_MANIFEST_MAX_BYTES, &out->text);
    if (status == ISO_CLI_OK) {
        out->json = json_loadb((const char *)out->text.bytes.ptr, out->text.bytes.len, 0, NULL);
    } else if (strcmp(path, out->name) == 0 && iso_dir_check(out->folder, NULL) == ISO_OK) {
        iso_cli_hint("an application is a manifest, app.json, or the folder that has it");
    }
    return status;
}

void iso_cli_manifest_fini(struct iso_cli_manifest *manifest)
{
    iso_file_fini(&manifest->text);
    json_decref(manifest->json);
    json_decref(manifest->mistakes);
    manifest->json = manifest->mistakes = NULL;
}

static struct iso_str text_of(const struct iso_cli_manifest *manifest)
{
    return iso_str_from((const char *)manifest->text.bytes.ptr, manifest->text.bytes.len);
}

/* Adds a mistake at the place of a text of the manifest; ISO_CLI_INVALID. */
static int wrong(struct iso_cli_manifest *manifest, const char *value, const char *format, ...)
    ISO_PRINTF(3, 4);

static int wrong(struct iso_cli_manifest *manifest, const char *value, const char *format, ...)
{
    char message[PATH_CAP + 256], quoted[1100];
    va_list args;
    va_start(args, format);
    (void)iso_format_v(message, sizeof message, format, args);
    va_end(args);
    (void)iso_format(quoted, sizeof quoted, "\"%s\"", value);
    if (manifest->mistakes == NULL) {
        manifest->mistakes = json_array();
    }
    json_t *mistake = iso_cli_mistake_new(text_of(manifest), quoted, message), *other;
    size_t i;
    json_array_foreach(manifest->mistakes, i, other)
    {
        if (json_equal(mistake, other)) { /* another component names the same */
            json_decref(mistake);
            return ISO_CLI_INVALID;
        }
    }
    if (json_array_append_new(manifest->mistakes, mistake) != 0) {
        iso_cli_error("%s: %s", manifest->name, message);
    }
    return ISO_CLI_INVALID;
}

/* NAME as it is in the manifest, under the manifest's folder. */
static bool place_of(const struct iso_cli_manifest *manifest, const char *name, char *out)
{
    if (name[0] == '/' || strcmp(manifest->folder, ".") == 0) {
        return iso_format(out, PATH_CAP, "%s", name) < PATH_CAP;
    }
    return iso_format(out, PATH_CAP, "%s/%s", manifest->folder, name) < PATH_CAP;
}

/* Files of the application are in its folder: a manifest that came from elsewhere names no others.
 * Links are followed. */
static int check_inside(struct iso_cli_manifest *manifest, const char *value, const char *path)
{
    char *folder = realpath(manifest->folder, NULL), *real = realpath(path, NULL);
    const size_t len = folder != NULL ? strlen(folder) : 0;
    bool inside = folder != NULL && real != NULL && strncmp(real, folder, len) == 0 &&
                  (real[len] == '/' || strcmp(folder, "/") == 0);
    bool there = folder != NULL && real != NULL;
    free(folder);
    free(real);
    return inside || !there /* which is told otherwise */
               ? ISO_CLI_OK
               : wrong(manifest, value,
                       "%s is outside of the application's folder; expected a file in the folder "
                       "of the manifest, or a package that was pushed: 'isomer package push'",
                       path);
}

static bool has_end(const char *name, const char *end)
{
    const size_t len = strlen(name), end_len = strlen(end);
    return len > end_len && strcmp(name + len - end_len, end) == 0;
}

/* The only file of a folder with that end; false when there is none, *several when more. */
static bool only_file(const char *folder, const char *end, char *out, bool *several)
{
    unsigned found = 0;
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        return false;
    }
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (has_end(entry->d_name, end) && found++ == 0) {
            (void)iso_format(out, PATH_CAP, "%s/%s", folder, entry->d_name);
        }
    }
    (void)closedir(dir);
    *several = found > 1;
    return found == 1;
}

/* The module that a reference names, and the WIT file beside it (empty: none). */
static int find_module(struct iso_cli_manifest *manifest, const char *reference, char *module,
                       char *wit)
{
    char place[PATH_CAP];
    bool several = false;
    wit[0] = '\0';
    if (!place_of(manifest, reference + strlen("file:"), place)) {
        return wrong(manifest, reference, "the path is too long");
    }
    if (iso_dir_check(place, NULL) == ISO_OK) {
        if (!only_file(place, ".wasm", module, &several)) {
            return wrong(manifest, reference,
                         several ? "the folder %s has several modules; name one: file:FOLDER/NAME"
                                   ".wasm"
                                 : "the folder %s has no module (.wasm)",
                         place);
        }
        if (!only_file(place, ".wit", wit, &several)) {
            wit[0] = '\0';
        }
    } else if (iso_path_is_file(place)) {
        (void)iso_format(module, PATH_CAP, "%s", place);
    } else {
        if (has_end(place, ".wasm")) {
            return wrong(manifest, reference,
                         "there is no module %s; perhaps it has to be built first", place);
        }
        (void)iso_format(module, PATH_CAP, "%s.wasm", place);
        if (!iso_path_is_file(module)) {
            return wrong(manifest, reference,
                         "there is no module %s, no folder of that name, and "
                         "no %s",
                         place, module);
        }
    }
    if (has_end(module, ".wasm")) {
        char beside[PATH_CAP];
        (void)iso_format(beside, sizeof beside, "%.*s.wit", (int)(strlen(module) - 5), module);
        if (iso_path_is_file(beside)) {
            memcpy(wit, beside, strlen(beside) + 1);
        }
    }
    return ISO_CLI_OK;
}

/* A file's text as JSON, or an error at `value` in the manifest. */
static int text_file(struct iso_cli_manifest *manifest, const char *value, const char *path,
                     json_t **out)
{
    struct iso_file file;
    struct iso_report report;
    iso_report_init(&report);
    enum iso_err err = iso_file_read(path, WIT_MAX_BYTES, &file, &report);
    if (err != ISO_OK) {
        return wrong(manifest, value, "%s", iso_report_text(&report, err));
    }
    err = iso_cli_wit_complete(path, &file, &report);
    if (err != ISO_OK) {
        const char *why = iso_report_text(&report, err);
        iso_file_fini(&file);
        return wrong(manifest, value, "%.*s", (int)strcspn(why, "\n"), why);
    }
    *out = json_stringn((const char *)file.bytes.ptr, file.bytes.len);
    iso_file_fini(&file);
    return *out != NULL ? ISO_CLI_OK : wrong(manifest, value, "%s is no text in UTF-8", path);
}

/* Only modules leave this machine: not whatever a manifest that came from elsewhere names. */
static int check_module(struct iso_cli_manifest *manifest, const char *reference, const char *path)
{
    static const uint8_t start[8] = {0x00, 'a', 's', 'm', 1, 0, 0, 0}; /* magic, version */
    uint8_t found[sizeof start] = {0};
    FILE *file = fopen(path, "rbe");
    if (file == NULL) {
        return wrong(manifest, reference, "%s: %s", path, iso_errno_text(errno));
    }
    const size_t len = fread(found, 1, sizeof found, file);
    (void)fclose(file);
    if (len != sizeof found || memcmp(found, start, sizeof start) != 0) {
        return wrong(manifest, reference,
                     "%s is no WebAssembly module: it does not begin with \\0asm and version 1; it "
                     "is not sent",
                     path);
    }
    return ISO_CLI_OK;
}

/* ISO_CLI_OK also after a mistake that was noted: the others are sent all the same. */
static int add_module(struct iso_cli_server *server, struct iso_cli_manifest *manifest,
                      const char *reference, json_t *files)
{
    char module[PATH_CAP], wit[PATH_CAP], signature[PATH_CAP + 16], digest[72];
    json_t *text = NULL;
    int status = find_module(manifest, reference, module, wit);
    (void)iso_format(signature, sizeof signature, "%s.minisig", module);
    status = status == ISO_CLI_OK ? check_inside(manifest, reference, module) : status;
    status = status == ISO_CLI_OK ? check_inside(manifest, reference, signature) : status;
    status = status == ISO_CLI_OK ? check_module(manifest, reference, module) : status;
    if (status == ISO_CLI_OK && wit[0] != '\0') {
        status = check_inside(manifest, reference, wit);
    }
    if (status == ISO_CLI_OK && wit[0] != '\0') {
        status = text_file(manifest, reference, wit, &text);
    }
    if (status != ISO_CLI_OK) {
        return ISO_CLI_OK;
    }
    status = iso_cli_module_send(server, module, NULL, NULL, digest, NULL);
    if (status != ISO_CLI_OK) {
        json_decref(text);
        return status;
    }
    json_t *entry = json_pack("{s:s}", "digest", digest);
    if (text != NULL) {
        (void)json_object_set_new(entry, "wit", text);
    }
    (void)json_object_set_new(files, reference, entry);
    return ISO_CLI_OK;
}

static void add_interface(struct iso_cli_manifest *manifest, const char *name, json_t *files)
{
    char path[PATH_CAP];
    json_t *text = NULL;
    int status = has_end(name, ".wit") ? ISO_CLI_OK
                                       : wrong(manifest, name,
                                               "an interface is a file NAME.wit; nothing else is "
                                               "sent");
    if (status == ISO_CLI_OK && !place_of(manifest, name, path)) {
        status = wrong(manifest, name, "the path is too long");
    }
    status = status == ISO_CLI_OK ? check_inside(manifest, name, path) : status;
    status = status == ISO_CLI_OK ? text_file(manifest, name, path, &text) : status;
    if (status == ISO_CLI_OK) {
        (void)json_object_set_new(files, name, json_pack("{s:o}", "text", text));
    }
}

int iso_cli_manifest_send(struct iso_cli_server *server, struct iso_cli_manifest *manifest,
                          bool force, json_t **body)
{
    json_t *files = json_object(), *component;
    const char *name;
    int status = ISO_CLI_OK;
    json_object_foreach(json_object_get(manifest->json, "components"), name, component)
    {
        const char *reference = iso_cli_json_text(component, "package");
        const char *interface = iso_cli_json_text(component, "interface");
        if (strncmp(reference, "file:", 5) == 0 && json_object_get(files, reference) == NULL) {
            status = add_module(server, manifest, reference, files);
        }
        if (status != ISO_CLI_OK) {
            json_decref(files);
            return status;
        }
        if (interface[0] != '\0' && json_object_get(files, interface) == NULL) {
            add_interface(manifest, interface, files);
        }
    }
    json_t *text = json_stringn((const char *)manifest->text.bytes.ptr, manifest->text.bytes.len);
    if (text == NULL) {
        json_decref(files);
        iso_cli_error("%s: it is no text in UTF-8", manifest->name);
        return ISO_CLI_INVALID;
    }
    *body = json_pack("{s:o, s:o, s:b}", "manifest", text, "files", files, "force", force ? 1 : 0);
    return ISO_CLI_OK;
}
