/*
 * wasi_host_node.c - the host's file system: operations on what is open.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "wasi/wasi_errno.h"
#include "wasi/wasi_host.h"

_Static_assert(sizeof(struct iso_vfs_iovec) == sizeof(struct iovec), "iovec differs");
_Static_assert(offsetof(struct iso_vfs_iovec, base) == offsetof(struct iovec, iov_base),
               "iovec differs");
_Static_assert(offsetof(struct iso_vfs_iovec, len) == offsetof(struct iovec, iov_len),
               "iovec differs");
_Static_assert(sizeof(off_t) == 8, "large files need _FILE_OFFSET_BITS=64");

enum { NS_PER_S = 1000000000 };

/* No read or write, of at most INT32_MAX bytes, passes the largest position from here. */
#define OFFSET_MAX ((uint64_t)INT64_MAX - INT32_MAX)

enum iso_wasi_errno iso_wasi_host_errno(void)
{
    return iso_wasi_errno_from_host(errno);
}

void iso_wasi_host_close(struct iso_vfs *fs, union iso_vfs_node node)
{
    (void)fs;
    (void)close(node.fd);
}

static enum iso_wasi_filetype filetype_from_mode(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG:
        return WASI_FILETYPE_REGULAR_FILE;
    case S_IFDIR:
        return WASI_FILETYPE_DIRECTORY;
    case S_IFLNK:
        return WASI_FILETYPE_SYMBOLIC_LINK;
    case S_IFCHR:
        return WASI_FILETYPE_CHARACTER_DEVICE;
    case S_IFBLK:
        return WASI_FILETYPE_BLOCK_DEVICE;
    case S_IFSOCK:
        return WASI_FILETYPE_SOCKET_STREAM;
    default:
        return WASI_FILETYPE_UNKNOWN; /* pipes have no type of their own in preview 1 */
    }
}

enum iso_wasi_filetype iso_wasi_host_filetype(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 ? filetype_from_mode(st.st_mode) : WASI_FILETYPE_UNKNOWN;
}

/* Times before 1970 become 0, times that do not fit the largest. */
static uint64_t ns_from(struct timespec ts)
{
    if (ts.tv_sec < 0) {
        return 0;
    }
    if ((uint64_t)ts.tv_sec > UINT64_MAX / NS_PER_S - 1) {
        return UINT64_MAX;
    }
    return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

void iso_wasi_host_stat_from(const struct stat *st, struct iso_vfs_stat *out)
{
    out->dev = (uint64_t)st->st_dev;
    out->ino = (uint64_t)st->st_ino;
    out->nlink = (uint64_t)st->st_nlink;
    out->size = st->st_size < 0 ? 0 : (uint64_t)st->st_size;
    out->atim = ns_from(st->st_atim);
    out->mtim = ns_from(st->st_mtim);
    out->ctim = ns_from(st->st_ctim);
    out->filetype = filetype_from_mode(st->st_mode);
}

static enum iso_wasi_errno time_to(uint64_t ns, bool set, bool now, struct timespec *out)
{
    out->tv_sec = 0;
    out->tv_nsec = now ? UTIME_NOW : UTIME_OMIT;
    if (set && !now) {
        uint64_t seconds = ns / NS_PER_S;
        out->tv_sec = (time_t)seconds;
        out->tv_nsec = (long)(ns % NS_PER_S);
        if (out->tv_sec < 0 || (uint64_t)out->tv_sec != seconds) {
            return WASI_EOVERFLOW;
        }
    }
    return WASI_OK;
}

enum iso_wasi_errno iso_wasi_host_times_to(const struct iso_vfs_times *times,
                                           struct timespec out[2])
{
    unsigned flags = times->flags;
    enum iso_wasi_errno err = time_to(times->atim, (flags & WASI_FST_ATIM) != 0,
                                      (flags & WASI_FST_ATIM_NOW) != 0, &out[0]);
    if (err == WASI_OK) {
        err = time_to(times->mtim, (flags & WASI_FST_MTIM) != 0, (flags & WASI_FST_MTIM_NOW) != 0,
                      &out[1]);
    }
    return err;
}

enum iso_wasi_errno iso_wasi_host_node_stat(struct iso_vfs *fs, union iso_vfs_node node,
                                            struct iso_vfs_stat *out)
{
    (void)fs;
    struct stat st;
    if (fstat(node.fd, &st) != 0) {
        return iso_wasi_host_errno();
    }
    iso_wasi_host_stat_from(&st, out);
    return WASI_OK;
}

enum iso_wasi_errno iso_wasi_host_node_set_times(struct iso_vfs *fs, union iso_vfs_node node,
                                                 const struct iso_vfs_times *times)
{
    (void)fs;
    struct timespec ts[2];
    enum iso_wasi_errno err = iso_wasi_host_times_to(times, ts);
    if (err != WASI_OK) {
        return err;
    }
    return futimens(node.fd, ts) == 0 ? WASI_OK : iso_wasi_host_errno();
}

enum iso_wasi_errno iso_wasi_host_node_set_size(struct iso_vfs *fs, union iso_vfs_node node,
                                                uint64_t size)
{
    (void)fs;
    if (size > INT64_MAX) {
        return WASI_EFBIG;
    }
    return ftruncate(node.fd, (off_t)size) == 0 ? WASI_OK : iso_wasi_host_errno();
}

enum iso_wasi_errno iso_wasi_host_node_allocate(struct iso_vfs *fs, union iso_vfs_node node,
                                                uint64_t offset, uint64_t len)
{
    (void)fs;
    if (len == 0) {
        return WASI_EINVAL;
    }
    if (offset > INT64_MAX || len > INT64_MAX - offset) {
        return WASI_EFBIG;
    }
    int code = posix_fallocate(node.fd, (off_t)offset, (off_t)len);
    return iso_wasi_errno_from_host(code);
}

enum iso_wasi_errno iso_wasi_host_node_advise(struct iso_vfs *fs, union iso_vfs_node node,
                                              uint64_t offset, uint64_t len, uint32_t advice)
{
    static const int host_advice[] = {POSIX_FADV_NORMAL,   POSIX_FADV_SEQUENTIAL,
                                      POSIX_FADV_RANDOM,   POSIX_FADV_WILLNEED,
                                      POSIX_FADV_DONTNEED, POSIX_FADV_NOREUSE};
    (void)fs;
    if (advice >= ISO_COUNT_OF(host_advice) || offset > INT64_MAX || len > INT64_MAX) {
        return WASI_EINVAL;
    }
    int code = posix_fadvise(node.fd, (off_t)offset, (off_t)len, host_advice[advice]);
    return iso_wasi_errno_from_host(code);
}

enum iso_wasi_errno iso_wasi_host_node_sync(struct iso_vfs *fs, union iso_vfs_node node,
                                            bool data_only)
{
    (void)fs;
    int code = data_only ? fdatasync(node.fd) : fsync(node.fd);
    return code == 0 ? WASI_OK : iso_wasi_host_errno();
}

enum iso_wasi_errno iso_wasi_host_node_set_append(struct iso_vfs *fs, union iso_vfs_node node,
                                                  bool append)
{
    (void)fs;
    int flags = fcntl(node.fd, F_GETFL);
    if (flags < 0) {
        return iso_wasi_host_errno();
    }
    int wanted = append ? flags | O_APPEND : flags & ~O_APPEND;
    if (wanted != flags && fcntl(node.fd, F_SETFL, wanted) != 0) {
        return iso_wasi_host_errno();
    }
    return WASI_OK;
}

enum iso_wasi_errno iso_wasi_host_node_read(struct iso_vfs *fs, union iso_vfs_node node,
                                            const struct iso_vfs_iovec *iov, size_t count,
                                            uint64_t offset, size_t *done)
{
    (void)fs;
    if (offset > OFFSET_MAX) {
        *done = 0; /* beyond every end of file; systems answer EINVAL */
        return WASI_OK;
    }
    ssize_t n;
    do {
        n = preadv(node.fd, (const struct iovec *)(const void *)iov, (int)count, (off_t)offset);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        return iso_wasi_host_errno();
    }
    *done = (size_t)n;
    return WASI_OK;
}

enum iso_wasi_errno iso_wasi_host_node_write(struct iso_vfs *fs, union iso_vfs_node node,
                                             const struct iso_vfs_iovec *iov, size_t count,
                                             uint64_t offset, bool append, size_t *done,
                                             uint64_t *end)
{
    (void)fs;
    const struct iovec *vec = (const struct iovec *)(const void *)iov;
    ssize_t n;
    if (!append && offset > OFFSET_MAX) {
        return WASI_EFBIG;
    }
    do {
        n = append ? writev(node.fd, vec, (int)count)
                   : pwritev(node.fd, vec, (int)count, (off_t)offset);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        return iso_wasi_host_errno();
    }
    *done = (size_t)n;
    *end = offset + (uint64_t)n;
    if (append) {
        /* The descriptor has O_APPEND and nothing else moves its position. */
        off_t position = lseek(node.fd, 0, SEEK_CUR);
        *end = position < 0 ? 0 : (uint64_t)position;
    }
    return WASI_OK;
}
