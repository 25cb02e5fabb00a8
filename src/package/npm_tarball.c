/* Tarballs of npm: gzip and tar, read in memory with libarchive. Nothing is written anywhere, so no
 * path in an archive can lead anywhere. */
#include "package/npm.h"

#include <archive.h>
#include <archive_entry.h>

enum { ENTRIES_MAX = 200000 };
#define UNPACKED_MAX_BYTES (UINT64_C(1) << 30) /* of all files together */

struct wanted {
    struct iso_str path; /* as in the archive, without its first folder */
    uint64_t max_bytes;
    struct iso_buf bytes;
    bool found;
};

enum { MODULE, WIT, SIGNATURE, JSON, WANTED };

struct unpacking {
    struct archive *archive;
    struct wanted wanted[WANTED];
    struct iso_buf names; /* what the paths above view */
    uint64_t unpacked_bytes;
    char modules[256]; /* names of modules that are there, for people */
    struct iso_report *report;
};

/* Without the first folder, which packers name as they like; NULL when there is none. */
static const char *inner_path(struct archive_entry *entry)
{
    const char *path = archive_entry_pathname(entry);
    const char *slash = path != NULL ? strchr(path, '/') : NULL;
    return slash != NULL ? slash + 1 : NULL;
}

static void note_module(struct unpacking *unpacking, const char *path)
{
    const size_t len = strlen(path), have = strlen(unpacking->modules);
    if (len > 5 && strcmp(path + len - 5, ".wasm") == 0 &&
        have + len + 3 < sizeof unpacking->modules) {
        (void)iso_format(unpacking->modules + have, sizeof unpacking->modules - have, "%s%s",
                         have != 0 ? ", " : "", path);
    }
}

static struct wanted *find_wanted(struct unpacking *unpacking, const char *path)
{
    for (size_t i = 0; i < WANTED; i++) {
        if (iso_str_equal_z(unpacking->wanted[i].path, path)) {
            return &unpacking->wanted[i];
        }
    }
    return NULL;
}

static enum iso_err fail_archive(struct unpacking *unpacking)
{
    const char *text = archive_error_string(unpacking->archive);
    return iso_fail(unpacking->report, ISO_E_MALFORMED, "the tarball cannot be read: %.100s",
                    text != NULL ? text : "it is damaged");
}

/* Reads the file's bytes; without wanted, past them. */
static enum iso_err read_data(struct unpacking *unpacking, struct wanted *wanted)
{
    for (;;) {
        const void *bytes = NULL;
        size_t len = 0;
        la_int64_t offset = 0;
        const int got = archive_read_data_block(unpacking->archive, &bytes, &len, &offset);
        if (got == ARCHIVE_EOF) {
            return ISO_OK;
        }
        if (got != ARCHIVE_OK) {
            return fail_archive(unpacking);
        }
        unpacking->unpacked_bytes += len;
        if (unpacking->unpacked_bytes > UNPACKED_MAX_BYTES) {
            return iso_fail(unpacking->report, ISO_E_LIMIT,
                            "the tarball unpacks to more than 1 GiB");
        }
        if (wanted == NULL) {
            continue;
        }
        if (offset < 0 || (uint64_t)offset != wanted->bytes.len) { /* sparse files have gaps */
            return iso_fail(unpacking->report, ISO_E_INVALID, "'%.*s' is a sparse file",
                            (int)wanted->path.len, wanted->path.ptr);
        }
        const enum iso_err err = iso_buf_append(&wanted->bytes, bytes, len);
        if (err != ISO_OK) {
            return iso_fail(unpacking->report, err, "'%.*s' is larger than %llu bytes",
                            (int)wanted->path.len, wanted->path.ptr,
                            (unsigned long long)wanted->max_bytes);
        }
    }
}

static enum iso_err read_entry(struct unpacking *unpacking, struct archive_entry *entry)
{
    const char *path = inner_path(entry);
    struct wanted *wanted = path != NULL ? find_wanted(unpacking, path) : NULL;
    const bool is_file = archive_entry_filetype(entry) == AE_IFREG &&
                         archive_entry_hardlink(entry) == NULL &&
                         archive_entry_symlink(entry) == NULL;
    if (path != NULL && is_file) {
        note_module(unpacking, path);
    }
    if (wanted != NULL && !is_file) {
        return iso_fail(unpacking->report, ISO_E_INVALID,
                        "'%.200s' is a link or a folder in the tarball, not a file", path);
    }
    if (wanted != NULL && wanted->found) {
        return iso_fail(unpacking->report, ISO_E_INVALID, "'%.200s' is in the tarball twice", path);
    }
    if (wanted != NULL) {
        wanted->found = true;
    }
    return is_file ? read_data(unpacking, wanted) : ISO_OK;
}

static enum iso_err read_all(struct unpacking *unpacking, struct iso_bytes tarball)
{
    struct archive_entry *entry = NULL;
    if (archive_read_support_filter_gzip(unpacking->archive) != ARCHIVE_OK ||
        archive_read_support_format_tar(unpacking->archive) != ARCHIVE_OK) {
        return ISO_E_NOMEM;
    }
    if (archive_read_open_memory(unpacking->archive, tarball.ptr, tarball.len) != ARCHIVE_OK) {
        return fail_archive(unpacking);
    }
    for (unsigned i = 0; i < ENTRIES_MAX; i++) {
        const int got = archive_read_next_header(unpacking->archive, &entry);
        if (got == ARCHIVE_EOF) {
            return ISO_OK;
        }
        if (got != ARCHIVE_OK && got != ARCHIVE_WARN) {
            return fail_archive(unpacking);
        }
        const enum iso_err err = read_entry(unpacking, entry);
        if (err != ISO_OK) {
            return err;
        }
    }
    return iso_fail(unpacking->report, ISO_E_LIMIT, "the tarball has more than %d entries",
                    ENTRIES_MAX);
}

/* "a/b.wasm": beside it "a/b.wit", "a/b.wasm.minisig"; and "package.json" at the top. */
static enum iso_err set_up(struct unpacking *unpacking, struct iso_str path, uint64_t max_bytes)
{
    static const char *const suffixes[WANTED] = {"", ".wit", ".minisig", "package.json"};
    const size_t stem = path.len - strlen(".wasm");
    const size_t lens[WANTED] = {path.len, stem, path.len, 0};
    size_t starts[WANTED];
    enum iso_err err = ISO_OK;
    for (size_t i = 0; i < WANTED && err == ISO_OK; i++) {
        starts[i] = unpacking->names.len;
        err = iso_buf_append(&unpacking->names, path.ptr, lens[i]);
        err = err != ISO_OK ? err
                            : iso_buf_append(&unpacking->names, suffixes[i], strlen(suffixes[i]));
    }
    for (size_t i = 0; i < WANTED && err == ISO_OK; i++) {
        const size_t end = i + 1 < WANTED ? starts[i + 1] : unpacking->names.len;
        struct wanted *wanted = &unpacking->wanted[i];
        wanted->max_bytes = i == MODULE ? max_bytes : ISO_PACKAGE_MAX_BESIDE_BYTES;
        wanted->path =
            iso_str_from((const char *)unpacking->names.ptr + starts[i], end - starts[i]);
        iso_buf_init(&wanted->bytes, iso_alloc_libc(), (size_t)wanted->max_bytes);
    }
    return err;
}

static enum iso_err take(struct unpacking *unpacking, struct iso_package *package)
{
    struct wanted *wanted = unpacking->wanted;
    uint8_t *bytes = NULL;
    size_t len = 0;
    if (!wanted[MODULE].found) {
        return iso_fail(unpacking->report, ISO_E_NOT_FOUND,
                        "'%.*s' is not in the package; its modules are: %s",
                        (int)wanted[MODULE].path.len, wanted[MODULE].path.ptr,
                        unpacking->modules[0] != '\0' ? unpacking->modules : "none");
    }
    if (wanted[JSON].found) {
        iso_package_read_json(package, iso_buf_view(&wanted[JSON].bytes));
    }
    enum iso_err err = ISO_OK;
    if (wanted[WIT].found) {
        struct iso_bytes name = {0};
        const char *path = wanted[WIT].path.ptr;
        size_t start = wanted[WIT].path.len;
        while (start != 0 && path[start - 1] != '/') {
            start--;
        }
        err = iso_package_copy(package, iso_buf_view(&wanted[WIT].bytes), &package->wit);
        err = err != ISO_OK
                  ? err
                  : iso_package_copy(
                        package, iso_bytes_from(path + start, wanted[WIT].path.len - start), &name);
        package->wit_name = iso_str_from((const char *)name.ptr, name.len);
    }
    if (err == ISO_OK && wanted[SIGNATURE].found) {
        err =
            iso_package_copy(package, iso_buf_view(&wanted[SIGNATURE].bytes), &package->signature);
    }
    err = err != ISO_OK ? err : iso_buf_take(&wanted[MODULE].bytes, &bytes, &len);
    return err != ISO_OK ? err
                         : iso_package_set_module(package, bytes, len, NULL, unpacking->report);
}

enum iso_err iso_npm_unpack(struct iso_bytes tarball, struct iso_str path, uint64_t max_bytes,
                            struct iso_package *package, struct iso_report *report)
{
    struct unpacking unpacking = {.archive = archive_read_new(), .report = report};
    iso_buf_init(&unpacking.names, iso_alloc_libc(), 4 * (size_t)ISO_REFERENCE_MAX_BYTES);
    enum iso_err err = unpacking.archive != NULL ? ISO_OK : ISO_E_NOMEM;
    err = err != ISO_OK ? err : set_up(&unpacking, path, max_bytes);
    err = err != ISO_OK ? err : read_all(&unpacking, tarball);
    err = err != ISO_OK ? err : take(&unpacking, package);
    for (size_t i = 0; i < WANTED; i++) {
        if (unpacking.wanted[i].bytes.alloc != NULL) {
            iso_buf_fini(&unpacking.wanted[i].bytes);
        }
    }
    iso_buf_fini(&unpacking.names);
    (void)archive_read_free(unpacking.archive);
    return err;
}
