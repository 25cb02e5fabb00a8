/* file: a module of this machine, with what is beside it. */
#include "package/sources.h"

#include <stdlib.h>

#include "platform/platform.h"

/* ---- Which file --------------------------------------------------------------------------------
 */

struct listing {
    char path[ISO_PATH_MAX]; /* of the first */
    char names[256];         /* of all, for people */
    unsigned count;
};

static bool is_module_name(const char *name)
{
    const size_t len = strlen(name);
    return len > 5 && strcmp(name + len - 5, ".wasm") == 0;
}

static void list_module(void *ctx, const char *path, const char *name)
{
    struct listing *listing = ctx;
    if (!is_module_name(name) || !iso_path_is_file(path)) {
        return;
    }
    if (listing->count++ == 0) {
        (void)iso_format(listing->path, sizeof listing->path, "%s", path);
    }
    const size_t len = strlen(listing->names);
    (void)iso_format(listing->names + len, sizeof listing->names - len, "%s%s",
                     len != 0 ? ", " : "", name);
}

/* DIR/DIR.wasm, or the only module there. */
static enum iso_err find_in_folder(const char *dir, char out[ISO_PATH_MAX],
                                   struct iso_report *report)
{
    struct listing listing = {.count = 0};
    char *absolute = iso_path_absolute(dir);
    const char *slash = absolute != NULL ? strrchr(absolute, '/') : NULL;
    size_t len = iso_format(out, ISO_PATH_MAX, "%s/%s.wasm", dir, slash != NULL ? slash + 1 : "");
    const bool own = len + 1 < ISO_PATH_MAX && slash != NULL && iso_path_is_file(out);
    free(absolute);
    if (own) {
        return ISO_OK;
    }
    iso_dir_each(dir, list_module, &listing);
    if (listing.count == 0) {
        return iso_fail(report, ISO_E_NOT_FOUND, "there is no .wasm file in '%s': is it built?",
                        dir);
    }
    if (listing.count > 1) {
        return iso_fail(report, ISO_E_NOT_FOUND,
                        "there are several modules in '%s' (%s): name one of them", dir,
                        listing.names);
    }
    memcpy(out, listing.path, sizeof listing.path);
    return ISO_OK;
}

static enum iso_err find_file(struct iso_str path, const char *base_dir, char out[ISO_PATH_MAX],
                              struct iso_report *report)
{
    char at[ISO_PATH_MAX];
    const bool relative = path.ptr[0] != '/' && base_dir != NULL;
    const size_t len = iso_format(at, sizeof at, "%s%s%.*s", relative ? base_dir : "",
                                  relative ? "/" : "", (int)path.len, path.ptr);
    if (len + 6 >= sizeof at) {
        return iso_fail(report, ISO_E_ARGUMENT, "the path '%.100s...' is too long", at);
    }
    if (iso_dir_check(at, NULL) == ISO_OK) {
        return find_in_folder(at, out, report);
    }
    (void)iso_format(out, ISO_PATH_MAX, "%s.wasm", at);
    if (iso_path_is_file(out) && !iso_path_is_file(at)) {
        return ISO_OK;
    }
    memcpy(out, at, sizeof at);
    return ISO_OK; /* reading tells what is wrong with it */
}

/* ---- What is there -----------------------------------------------------------------------------
 */

/* A file that may be missing; empty then. */
static enum iso_err read_beside(struct iso_package *package, const char *path,
                                struct iso_bytes *out, struct iso_report *report)
{
    struct iso_file file = {.cap = 0};
    if (!iso_path_is_file(path)) {
        return ISO_OK;
    }
    enum iso_err err = iso_file_read(path, ISO_PACKAGE_MAX_BESIDE_BYTES, &file, report);
    err = err != ISO_OK ? err : iso_package_copy(package, file.bytes, out);
    iso_file_fini(&file);
    return err;
}

static enum iso_err read_all_beside(struct iso_package *package, const char *path,
                                    struct iso_report *report)
{
    char at[ISO_PATH_MAX + 16];
    const size_t len = strlen(path);
    const size_t stem = is_module_name(path) ? len - 5 : len;
    const char *slash = strrchr(path, '/');
    struct iso_bytes json = {0}, name = {0};
    (void)iso_format(at, sizeof at, "%.*s.wit", (int)stem, path);
    enum iso_err err = read_beside(package, at, &package->wit, report);
    if (err == ISO_OK && package->wit.ptr != NULL) {
        const char *base = strrchr(at, '/');
        base = base != NULL ? base + 1 : at;
        err = iso_package_copy(package, iso_bytes_from(base, strlen(base)), &name);
        package->wit_name = iso_str_from((const char *)name.ptr, name.len);
    }
    (void)iso_format(at, sizeof at, "%s.minisig", path);
    err = err != ISO_OK ? err : read_beside(package, at, &package->signature, report);
    (void)iso_format(at, sizeof at, "%.*spackage.json", slash != NULL ? (int)(slash + 1 - path) : 0,
                     path);
    if (err == ISO_OK && read_beside(package, at, &json, NULL) == ISO_OK && json.ptr != NULL) {
        iso_package_read_json(package, json);
    }
    return err;
}

static enum iso_err read_package(const char *path, struct iso_package *package,
                                 struct iso_report *report)
{
    struct iso_file file = {.cap = 0};
    enum iso_err err = iso_file_read(path, ISO_PACKAGE_MAX_BYTES, &file, report);
    if (err != ISO_OK) {
        return err;
    }
    uint8_t *bytes = iso_alloc_resize(iso_alloc_libc(), NULL, 0, file.bytes.len);
    if (bytes != NULL) {
        iso_memory_copy(bytes, file.bytes.ptr, file.bytes.len);
    }
    const size_t len = file.bytes.len;
    iso_file_fini(&file);
    if (bytes == NULL) {
        return ISO_E_NOMEM;
    }
    struct iso_report why;
    iso_report_init(&why);
    err = iso_package_set_module(package, bytes, len, NULL, &why);
    if (err != ISO_OK) {
        return iso_fail(report, err, "'%s': %s", path, iso_report_text(&why, err));
    }
    err = read_all_beside(package, path, report);
    char *absolute = iso_path_absolute(path);
    if (err == ISO_OK && absolute != NULL) {
        const struct iso_reference exact = {.kind = ISO_REFERENCE_FILE,
                                            .path = iso_str_from_z(absolute)};
        err = iso_package_set_reference(package, &exact);
    }
    err = absolute == NULL ? ISO_E_NOMEM : err;
    free(absolute);
    return err;
}

enum iso_err iso_package_read_file(const struct iso_reference *reference, const char *base_dir,
                                   struct iso_package **out, struct iso_report *report)
{
    char path[ISO_PATH_MAX];
    if (reference->kind != ISO_REFERENCE_FILE) {
        return iso_fail(report, ISO_E_ARGUMENT, "not a file: reference");
    }
    struct iso_package *package = iso_package_new();
    enum iso_err err = package != NULL ? ISO_OK : ISO_E_NOMEM;
    err = err != ISO_OK ? err : find_file(reference->path, base_dir, path, report);
    err = err != ISO_OK ? err : read_package(path, package, report);
    if (err != ISO_OK) {
        iso_package_destroy(package);
        return iso_fail(report, err, "not enough memory for the module");
    }
    *out = package;
    return ISO_OK;
}

/* ---- The job -----------------------------------------------------------------------------------
 */

static void read_work(struct iso_job *job)
{
    struct iso_package *package = NULL;
    job->err = iso_package_read_file(&job->reference, job->base_dir, &package, &job->report);
    if (job->err == ISO_OK) {
        iso_package_destroy(job->package);
        job->package = package;
    }
}

void iso_job_begin_file(struct iso_job *job)
{
    iso_job_work(job, read_work, iso_job_end);
}
