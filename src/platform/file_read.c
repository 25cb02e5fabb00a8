/* Reading whole files. */
#include "platform/platform.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* First size of the buffer for pipes and other files whose size is unknown. */
enum { PIPE_START_BYTES = 65536 };

static enum iso_err fail_errno(struct iso_report *report, const char *path, int errno_value)
{
    return iso_fail(report, iso_errno_err(errno_value), "cannot read '%s': %s", path,
                    iso_errno_text(errno_value));
}

static enum iso_err fail_size(struct iso_report *report, const char *path, uint64_t max_bytes)
{
    char size[32];
    (void)iso_format_size(size, max_bytes);
    return iso_fail(report, ISO_E_LIMIT, "cannot read '%s': it is larger than %s", path, size);
}

/* How much to allocate at first: one byte more than the file has shows its end without growing. */
static enum iso_err first_cap(const char *path, const struct stat *info, uint64_t max_bytes,
                              size_t *out, struct iso_report *report)
{
    if (S_ISDIR(info->st_mode)) {
        return iso_fail(report, ISO_E_ARGUMENT, "cannot read '%s': it is a directory", path);
    }
    if (!S_ISREG(info->st_mode) || info->st_size <= 0) {
        *out = PIPE_START_BYTES;
        return ISO_OK;
    }
    uint64_t size = (uint64_t)info->st_size;
    if (size > max_bytes || size > SIZE_MAX - 1) {
        return fail_size(report, path, max_bytes);
    }
    *out = (size_t)size + 1;
    return ISO_OK;
}

/* Reads to the end; grows the buffer by doubling. On failure the buffer stays the caller's. */
static enum iso_err read_all(int fd, const char *path, uint64_t max_bytes, uint8_t **data,
                             size_t *cap, size_t *len, struct iso_report *report)
{
    *len = 0;
    for (;;) {
        if (*len == *cap) {
            uint8_t *more = *cap <= SIZE_MAX / 2 ? realloc(*data, *cap * 2) : NULL;
            if (more == NULL) {
                return iso_fail(report, ISO_E_NOMEM, "cannot read '%s': out of memory", path);
            }
            *data = more;
            *cap *= 2;
        }
        ssize_t got = read(fd, *data + *len, *cap - *len);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return fail_errno(report, path, errno);
        }
        if (got == 0) {
            return ISO_OK;
        }
        *len += (size_t)got;
        if (*len > max_bytes) {
            return fail_size(report, path, max_bytes);
        }
    }
}

static enum iso_err read_fd(int fd, const char *path, uint64_t max_bytes, struct iso_file *out,
                            struct iso_report *report)
{
    struct stat info;
    if (fstat(fd, &info) != 0) {
        return fail_errno(report, path, errno);
    }
    size_t cap = 0, len = 0;
    enum iso_err err = first_cap(path, &info, max_bytes, &cap, report);
    if (err != ISO_OK) {
        return err;
    }
    uint8_t *data = malloc(cap);
    if (data == NULL) {
        return iso_fail(report, ISO_E_NOMEM, "cannot read '%s': out of memory", path);
    }
    err = read_all(fd, path, max_bytes, &data, &cap, &len, report);
    if (err != ISO_OK) {
        free(data);
        return err;
    }
    *out = (struct iso_file){.bytes = iso_bytes_from(data, len), .cap = cap};
    return ISO_OK;
}

enum iso_err iso_file_read(const char *path, uint64_t max_bytes, struct iso_file *out,
                           struct iso_report *report)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return fail_errno(report, path, errno);
    }
    enum iso_err err = read_fd(fd, path, max_bytes, out, report);
    (void)close(fd);
    return err;
}

void iso_file_fini(struct iso_file *file)
{
    free((void *)(uintptr_t)file->bytes.ptr);
    *file = (struct iso_file){.cap = 0};
}

enum iso_err iso_dir_check(const char *path, struct iso_report *report)
{
    /* Opened, not only looked at: a directory without read permission is better refused here. */
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == ENOTDIR) {
        return iso_fail(report, ISO_E_ARGUMENT, "cannot use '%s' as a directory: it is not one",
                        path);
    }
    if (fd < 0 && errno == ENOENT) {
        return iso_fail(report, ISO_E_NOT_FOUND, "cannot open directory '%s': it does not exist",
                        path);
    }
    if (fd < 0) {
        return iso_fail(report, iso_errno_err(errno), "cannot open directory '%s': %s", path,
                        iso_errno_text(errno));
    }
    (void)close(fd);
    return ISO_OK;
}

bool iso_path_is_file(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

char *iso_path_absolute(const char *path)
{
    return realpath(path, NULL);
}
