/*
 * device_store.c - files of a component's storage: written to a temporary file, synced, renamed,
 * and their directory synced, so that a crash leaves the old value or the new one.
 */
#define _GNU_SOURCE
#include "supervisor/device_storage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char magic[8] = {'I', 'S', 'O', 'S', 'T', 'O', 'R', '1'};
static const char temporary[] = "new";

enum { NAME_SIZE = 2 * ISO_SHA256_SIZE + 1 };

static enum iso_err fail_errno(struct iso_report *report, int errno_value)
{
    return iso_fail(report, iso_errno_err(errno_value), "storage: %s", iso_errno_text(errno_value));
}

static void name_of(struct iso_bytes key, char out[NAME_SIZE])
{
    uint8_t digest[ISO_SHA256_SIZE];
    iso_sha256(key.ptr, key.len, digest);
    iso_hex_encode(digest, sizeof digest, out);
}

static bool is_entry(const char *name)
{
    return strlen(name) == NAME_SIZE - 1 && strspn(name, "0123456789abcdef") == NAME_SIZE - 1;
}

/* -1 with errno. */
static int open_dir(const char *path)
{
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* ---- One entry --------------------------------------------------------------------------------
 */

static void make_head(uint8_t head[ISO_SV_STORE_HEAD], struct iso_bytes key, struct iso_bytes value)
{
    struct iso_sha256 sha;
    memcpy(head, magic, sizeof magic);
    iso_store_u32le(head + 8, (uint32_t)key.len);
    iso_store_u32le(head + 12, (uint32_t)value.len);
    iso_sha256_init(&sha);
    iso_sha256_update(&sha, head + 8, 8);
    iso_sha256_update(&sha, key.ptr, key.len);
    iso_sha256_update(&sha, value.ptr, value.len);
    iso_sha256_final(&sha, head + 16);
}

/* Read head and key: whether the file is named by its key and is as long as it says. */
static bool read_key(int fd, const char *name, uint8_t head[ISO_SV_STORE_HEAD],
                     uint8_t key[ISO_SV_STORAGE_KEY_MAX], size_t *key_len, size_t *value_len)
{
    struct stat status;
    char expected[NAME_SIZE];
    if (fstat(fd, &status) != 0 || iso_fd_read(fd, head, ISO_SV_STORE_HEAD) != 0 ||
        memcmp(head, magic, sizeof magic) != 0) {
        return false;
    }
    *key_len = iso_load_u32le(head + 8);
    *value_len = iso_load_u32le(head + 12);
    if (*key_len > ISO_SV_STORAGE_KEY_MAX ||
        (uint64_t)status.st_size != (uint64_t)ISO_SV_STORE_HEAD + *key_len + *value_len ||
        iso_fd_read(fd, key, *key_len) != 0) {
        return false;
    }
    name_of(iso_bytes_from(key, *key_len), expected);
    return strcmp(expected, name) == 0;
}

static enum iso_err read_entry(int fd, const char *name, struct iso_buf *value,
                               struct iso_report *report)
{
    uint8_t head[ISO_SV_STORE_HEAD];
    uint8_t again[ISO_SV_STORE_HEAD];
    uint8_t key[ISO_SV_STORAGE_KEY_MAX];
    size_t key_len = 0;
    size_t len = 0;
    if (!read_key(fd, name, head, key, &key_len, &len)) {
        return iso_fail(report, ISO_E_MALFORMED, "the stored value is damaged");
    }
    enum iso_err err = iso_buf_reserve(value, len);
    if (err != ISO_OK) {
        return err;
    }
    uint8_t *to = len != 0 ? value->ptr + value->len : NULL;
    int failed = iso_fd_read(fd, to, len);
    if (failed != 0 && failed != ENODATA) {
        return fail_errno(report, failed);
    }
    make_head(again, iso_bytes_from(key, key_len), iso_bytes_from(to, len));
    if (failed != 0 || memcmp(head, again, sizeof head) != 0) {
        return iso_fail(report, ISO_E_MALFORMED, "the stored value is damaged");
    }
    value->len += len;
    return ISO_OK;
}

enum iso_err iso_sv_store_get(const char *path, struct iso_bytes key, struct iso_buf *value,
                              bool *found, struct iso_report *report)
{
    char name[NAME_SIZE];
    name_of(key, name);
    int dir = open_dir(path);
    int fd = dir >= 0 ? openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
    int failed = errno;
    if (dir >= 0) {
        (void)close(dir);
    }
    if (fd < 0) {
        if (failed != ENOENT) {
            return fail_errno(report, failed);
        }
        *found = false;
        return ISO_OK;
    }
    enum iso_err err = read_entry(fd, name, value, report);
    (void)close(fd);
    if (err == ISO_OK) {
        *found = true;
    }
    return err;
}

/* ---- The directory ----------------------------------------------------------------------------
 */

static int sync_dir_of(const char *path, size_t len)
{
    char above[4096];
    if (len >= sizeof above) {
        return ENAMETOOLONG;
    }
    memcpy(above, path, len);
    above[len] = '\0';
    int fd = open_dir(len != 0 ? above : "/");
    if (fd < 0) {
        return errno;
    }
    int failed = fsync(fd) != 0 ? errno : 0;
    (void)close(fd);
    return failed;
}

enum iso_err iso_sv_store_make(const char *path, struct iso_report *report)
{
    char part[4096];
    size_t len = strlen(path);
    if (len == 0 || len >= sizeof part || path[0] != '/') {
        return iso_fail(report, ISO_E_ARGUMENT, "storage needs an absolute path");
    }
    size_t above = 0;
    for (size_t i = 1; i <= len; i++) {
        if (path[i] != '/' && path[i] != '\0') {
            continue;
        }
        memcpy(part, path, i);
        part[i] = '\0';
        int failed = mkdir(part, 0700) == 0 ? sync_dir_of(path, above) : errno;
        if (failed != 0 && failed != EEXIST) {
            return fail_errno(report, failed);
        }
        above = i;
    }
    return ISO_OK;
}

/* Call back for each file that counts. Returns 0 or an errno value. */
static int each_entry(const char *path, enum iso_err (*entry)(void *ctx, int dir, const char *name),
                      void *ctx, enum iso_err *err)
{
    DIR *dir = opendir(path);
    *err = ISO_OK;
    if (dir == NULL) {
        return errno == ENOENT ? 0 : errno;
    }
    int failed = 0;
    for (;;) {
        errno = 0;
        struct dirent *at = readdir(dir);
        if (at == NULL) {
            failed = errno;
            break;
        }
        if (is_entry(at->d_name)) {
            *err = entry(ctx, dirfd(dir), at->d_name);
        }
        if (*err != ISO_OK) {
            break;
        }
    }
    (void)closedir(dir);
    return failed;
}

struct usage {
    uint64_t bytes;
    size_t files;
};

static enum iso_err add_usage(void *ctx, int dir, const char *name)
{
    struct usage *usage = ctx;
    struct stat status;
    if (fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW) == 0) {
        usage->bytes += (uint64_t)status.st_size;
        usage->files++;
    }
    return ISO_OK;
}

enum iso_err iso_sv_store_usage(const char *path, uint64_t *bytes, size_t *files,
                                struct iso_report *report)
{
    struct usage usage = {0};
    enum iso_err err;
    int failed = each_entry(path, add_usage, &usage, &err);
    if (failed != 0) {
        return fail_errno(report, failed);
    }
    *bytes = usage.bytes;
    *files = usage.files;
    return ISO_OK;
}

static enum iso_err remove_entry(void *ctx, int dir, const char *name)
{
    (void)ctx;
    return unlinkat(dir, name, 0) == 0 || errno == ENOENT ? ISO_OK : iso_errno_err(errno);
}

enum iso_err iso_sv_store_remove(const char *path, struct iso_report *report)
{
    enum iso_err err;
    int failed = each_entry(path, remove_entry, NULL, &err);
    if (failed != 0 || err != ISO_OK) {
        return failed != 0 ? fail_errno(report, failed)
                           : iso_fail(report, err, "storage: a file cannot be removed");
    }
    int dir = open_dir(path);
    if (dir >= 0) {
        (void)unlinkat(dir, temporary, 0);
        (void)close(dir);
    }
    return rmdir(path) == 0 || errno == ENOENT ? ISO_OK : fail_errno(report, errno);
}

/* ---- Changes ----------------------------------------------------------------------------------
 */

/* 0 or an errno value. */
static int replace(int dir, const char *name, struct iso_bytes key, struct iso_bytes value)
{
    uint8_t head[ISO_SV_STORE_HEAD];
    make_head(head, key, value);
    /* What a crash left behind is overwritten. */
    int fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return errno;
    }
    int failed = iso_fd_write(fd, iso_bytes_from(head, sizeof head));
    failed = failed == 0 ? iso_fd_write(fd, key) : failed;
    failed = failed == 0 ? iso_fd_write(fd, value) : failed;
    if (failed == 0 && fsync(fd) != 0) {
        failed = errno;
    }
    if (close(fd) != 0 && failed == 0) {
        failed = errno;
    }
    if (failed == 0 && renameat(dir, temporary, dir, name) != 0) {
        failed = errno;
    }
    if (failed != 0) {
        (void)unlinkat(dir, temporary, 0);
        return failed;
    }
    return fsync(dir) != 0 ? errno : 0;
}

/* Whether the quota has room. */
static enum iso_err check_room(const char *path, int dir, const char *name, uint64_t size,
                               uint64_t max, struct iso_report *report)
{
    struct stat old;
    uint64_t bytes = 0;
    size_t files = 0;
    enum iso_err err = iso_sv_store_usage(path, &bytes, &files, report);
    if (err != ISO_OK) {
        return err;
    }
    if (fstatat(dir, name, &old, AT_SYMLINK_NOFOLLOW) == 0) {
        bytes -= (uint64_t)old.st_size < bytes ? (uint64_t)old.st_size : bytes;
        files--;
    }
    if (files + 1 > ISO_SV_STORAGE_KEYS_MAX) {
        return iso_fail(report, ISO_E_LIMIT, "%u keys in storage", ISO_SV_STORAGE_KEYS_MAX);
    }
    if (size > max || bytes > max - size) {
        return iso_fail(
            report, ISO_E_LIMIT, "%llu bytes of storage: %llu are used besides, %llu are wanted",
            (unsigned long long)max, (unsigned long long)bytes, (unsigned long long)size);
    }
    return ISO_OK;
}

enum iso_err iso_sv_store_set(const char *path, struct iso_bytes key, struct iso_bytes value,
                              uint64_t max, struct iso_report *report)
{
    char name[NAME_SIZE];
    uint64_t size = (uint64_t)ISO_SV_STORE_HEAD + key.len + value.len;
    if (size > max || value.len > UINT32_MAX) { /* nothing is made for it */
        return iso_fail(report, ISO_E_LIMIT, "%llu bytes of storage: %llu are wanted",
                        (unsigned long long)max, (unsigned long long)size);
    }
    name_of(key, name);
    int dir = open_dir(path);
    if (dir < 0 && errno == ENOENT) {
        enum iso_err err = iso_sv_store_make(path, report);
        if (err != ISO_OK) {
            return err;
        }
        dir = open_dir(path);
    }
    if (dir < 0) {
        return fail_errno(report, errno);
    }
    /* Without a quota nothing is counted: an import has done that for all. */
    enum iso_err err = max != UINT64_MAX ? check_room(path, dir, name, size, max, report) : ISO_OK;
    if (err == ISO_OK) {
        int failed = replace(dir, name, key, value);
        err = failed == 0 ? ISO_OK : fail_errno(report, failed);
    }
    (void)close(dir);
    return err;
}

enum iso_err iso_sv_store_delete(const char *path, struct iso_bytes key, struct iso_report *report)
{
    char name[NAME_SIZE];
    name_of(key, name);
    int dir = open_dir(path);
    if (dir < 0) {
        return errno == ENOENT ? ISO_OK : fail_errno(report, errno);
    }
    int failed = unlinkat(dir, name, 0) == 0 ? 0 : errno;
    if (failed == 0 && fsync(dir) != 0) {
        failed = errno;
    }
    (void)close(dir);
    return failed == 0 || failed == ENOENT ? ISO_OK : fail_errno(report, failed);
}

/* ---- Listing ----------------------------------------------------------------------------------
 */

struct listing {
    struct iso_arena *arena;
    struct iso_bytes *keys;
    size_t count;
    size_t damaged;
};

static enum iso_err add_key(void *ctx, int dir, const char *name)
{
    struct listing *listing = ctx;
    uint8_t head[ISO_SV_STORE_HEAD];
    uint8_t key[ISO_SV_STORAGE_KEY_MAX];
    size_t len = 0;
    size_t value_len = 0;
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    bool fine = fd >= 0 && read_key(fd, name, head, key, &len, &value_len);
    if (fd >= 0) {
        (void)close(fd);
    }
    if (!fine) {
        listing->damaged++;
        return ISO_OK;
    }
    if (listing->count == ISO_SV_STORAGE_KEYS_MAX) {
        return ISO_E_LIMIT;
    }
    uint8_t *copy = iso_arena_alloc(listing->arena, len);
    if (copy == NULL) {
        return ISO_E_NOMEM;
    }
    iso_memory_copy(copy, key, len);
    listing->keys[listing->count++] = iso_bytes_from(copy, len);
    return ISO_OK;
}

static int by_bytes(const void *a, const void *b)
{
    const struct iso_bytes *x = a;
    const struct iso_bytes *y = b;
    size_t len = x->len < y->len ? x->len : y->len;
    int order = len != 0 ? memcmp(x->ptr, y->ptr, len) : 0;
    return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

enum iso_err iso_sv_store_list(const char *path, struct iso_arena *arena, struct iso_bytes **keys,
                               size_t *count, size_t *damaged, struct iso_report *report)
{
    struct listing listing = {.arena = arena};
    enum iso_err err;
    listing.keys = iso_arena_array(arena, ISO_SV_STORAGE_KEYS_MAX, sizeof *listing.keys);
    if (listing.keys == NULL) {
        return ISO_E_NOMEM;
    }
    int failed = each_entry(path, add_key, &listing, &err);
    if (failed != 0) {
        return fail_errno(report, failed);
    }
    if (err != ISO_OK) {
        return err;
    }
    if (listing.count > 0) {
        qsort(listing.keys, listing.count, sizeof *listing.keys, by_bytes);
    }
    *keys = listing.keys;
    *count = listing.count;
    *damaged = listing.damaged;
    return ISO_OK;
}
