/* Replacing a file atomically: temporary file, fsync, rename, fsync of the directory. */
#include "platform/platform.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static enum iso_err fail_errno(struct iso_report *report, const char *path, int errno_value)
{
    return iso_fail(report, iso_errno_err(errno_value), "cannot write '%s': %s", path,
                    iso_errno_text(errno_value));
}

/* What replaces a file must be a file: pipes and devices are written to as they are. */
static enum iso_err write_in_place(const char *path, struct iso_bytes bytes,
                                   struct iso_report *report)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        return fail_errno(report, path, errno);
    }
    int failed = iso_fd_write(fd, bytes);
    if (close(fd) != 0 && failed == 0) {
        failed = errno;
    }
    return failed == 0 ? ISO_OK : fail_errno(report, path, failed);
}

/* The length of the directory part, with its slash; 0 when there is none. */
static size_t dir_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? 0 : (size_t)(slash - path) + 1;
}

/* The rename is durable only when the directory is. Not every file system can do it, and the data
 * is in place either way, so failure is not reported. */
static void sync_directory(const char *path)
{
    size_t len = dir_length(path);
    char *dir = malloc(len + 2);
    if (dir == NULL) {
        return;
    }
    memcpy(dir, path, len);
    dir[len] = '.';
    dir[len + 1] = '\0';
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(dir);
    if (fd >= 0) {
        (void)fsync(fd);
        (void)close(fd);
    }
}

/* 0 or an errno value. temporary (a pattern for mkstemp) is made, filled, and renamed to path;
 * removed on failure. */
static int replace(const char *path, char *temporary, const struct stat *old,
                   struct iso_bytes bytes)
{
    int fd = mkstemp(temporary);
    if (fd < 0) {
        return errno;
    }
    int failed = iso_fd_write(fd, bytes);
    if (failed == 0 && old != NULL && fchmod(fd, old->st_mode & 07777) != 0) {
        failed = errno;
    }
    if (failed == 0 && fsync(fd) != 0) {
        failed = errno;
    }
    if (close(fd) != 0 && failed == 0) {
        failed = errno;
    }
    if (failed == 0 && rename(temporary, path) != 0) {
        failed = errno;
    }
    if (failed != 0) {
        (void)unlink(temporary);
    }
    return failed;
}

static int replace_via_temporary(const char *path, const struct stat *old, struct iso_bytes bytes)
{
    static const char suffix[] = ".tmpXXXXXX";
    size_t len = strlen(path);
    char *temporary = malloc(len + sizeof suffix);
    if (temporary == NULL) {
        return ENOMEM;
    }
    memcpy(temporary, path, len);
    memcpy(temporary + len, suffix, sizeof suffix);
    int failed = replace(path, temporary, old, bytes);
    free(temporary);
    return failed;
}

/* The directory of a new file. */
static enum iso_err check_directory(const char *path, struct iso_report *report)
{
    size_t len = dir_length(path);
    char *dir = malloc(len + 2);
    if (dir == NULL) {
        return iso_fail(report, ISO_E_NOMEM, "out of memory");
    }
    memcpy(dir, path, len);
    dir[len] = '.';
    dir[len + 1] = '\0';
    int failed = access(dir, W_OK | X_OK) == 0 ? 0 : errno;
    free(dir);
    if (failed == ENOENT) {
        return iso_fail(report, ISO_E_NOT_FOUND, "cannot write '%s': its directory does not exist",
                        path);
    }
    return failed == 0 ? ISO_OK : fail_errno(report, path, failed);
}

enum iso_err iso_file_write_check(const char *path, struct iso_report *report)
{
    struct stat old;
    bool exists = stat(path, &old) == 0;
    if (exists && S_ISDIR(old.st_mode)) {
        return iso_fail(report, ISO_E_ARGUMENT, "cannot write '%s': it is a directory", path);
    }
    if (exists && !S_ISREG(old.st_mode)) {
        return access(path, W_OK) == 0 ? ISO_OK : fail_errno(report, path, errno);
    }
    char *target = exists ? realpath(path, NULL) : strdup(path);
    if (target == NULL) {
        return fail_errno(report, path, errno);
    }
    enum iso_err err = check_directory(target, report);
    free(target);
    return err;
}

enum iso_err iso_file_write_atomic(const char *path, struct iso_bytes bytes,
                                   struct iso_report *report)
{
    struct stat old;
    bool exists = stat(path, &old) == 0;
    if (exists && S_ISDIR(old.st_mode)) {
        return iso_fail(report, ISO_E_ARGUMENT, "cannot write '%s': it is a directory", path);
    }
    if (exists && !S_ISREG(old.st_mode)) {
        return write_in_place(path, bytes, report);
    }
    /* Through a link: the file that it names is replaced, not the link. */
    char *target = exists ? realpath(path, NULL) : strdup(path);
    int failed =
        target != NULL ? replace_via_temporary(target, exists ? &old : NULL, bytes) : errno;
    if (failed == 0) {
        sync_directory(target);
    }
    free(target);
    if (failed == ENOENT) {
        return iso_fail(report, ISO_E_NOT_FOUND, "cannot write '%s': its directory does not exist",
                        path);
    }
    return failed == 0 ? ISO_OK : fail_errno(report, path, failed);
}
