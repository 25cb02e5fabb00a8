/*
 * wasi_stream.c - standard streams, and the pipes and devices that path_open finds.
 *
 * Standard streams are shared with other processes, so they are never switched to non-blocking;
 * poll() is asked first instead, and to pipes and terminals at most PIPE_BUF bytes are written at a
 * time, which they take without blocking when they are ready at all. What path_open opened is ours
 * and non-blocking from the start.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "wasi/wasi_errno.h"
#include "wasi/wasi_host.h"
#include "wasi/wasi_internal.h"

enum { WRITE_AT_ONCE = PIPE_BUF < 4096 ? PIPE_BUF : 4096, WRITE_IOVS = 16 };

/* The stream of a STDIO descriptor. */
static const struct iso_wasi_stream *stream_of(const struct iso_wasi *wasi,
                                               const struct iso_wasi_desc *desc)
{
    return &wasi->stdio[desc->source];
}

int iso_wasi_desc_host_fd(const struct iso_wasi *wasi, const struct iso_wasi_desc *desc)
{
    switch (desc->kind) {
    case ISO_WASI_STDIO:
        return stream_of(wasi, desc)->kind == ISO_WASI_STREAM_FD ? stream_of(wasi, desc)->fd : -1;
    case ISO_WASI_PIPE:
    case ISO_WASI_SOCKET:
    case ISO_WASI_LISTENER:
        return desc->node.fd;
    default:
        return -1;
    }
}

/* Whether a call on a shared descriptor would not block now. */
static bool is_ready(int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};
    /* Errors and hang-ups make it ready: the call then says what is wrong. */
    return poll(&p, 1, 0) > 0;
}

static bool may_block(const struct iso_wasi_desc *desc)
{
    return desc->kind == ISO_WASI_STDIO && desc->filetype != WASI_FILETYPE_REGULAR_FILE;
}

static enum iso_wasi_errno host_result(ssize_t n, size_t *done)
{
    if (n < 0) {
        /* EINTR without effect: let the guest's call be made again. */
        return errno == EINTR ? WASI_EAGAIN : iso_wasi_errno_from_host(errno);
    }
    *done = (size_t)n;
    return WASI_OK;
}

static enum iso_wasi_errno fd_read(const struct iso_wasi_desc *desc, int fd,
                                   const struct iso_vfs_iovec *iov, size_t count, size_t *done)
{
    if (may_block(desc) && !is_ready(fd, POLLIN)) {
        return WASI_EAGAIN;
    }
    return host_result(readv(fd, (const struct iovec *)(const void *)iov, (int)count), done);
}

static enum iso_wasi_errno fd_write(const struct iso_wasi_desc *desc, int fd,
                                    const struct iso_vfs_iovec *iov, size_t count, size_t *done)
{
    const struct iovec *vec = (const struct iovec *)(const void *)iov;
    if (!may_block(desc)) {
        return host_result(writev(fd, vec, (int)count), done);
    }
    if (!is_ready(fd, POLLOUT)) {
        return WASI_EAGAIN;
    }
    struct iovec some[WRITE_IOVS];
    size_t room = WRITE_AT_ONCE;
    size_t n = 0;
    for (; n < count && n < WRITE_IOVS && room > 0; n++) {
        some[n] = vec[n];
        if (some[n].iov_len > room) {
            some[n].iov_len = room;
        }
        room -= some[n].iov_len;
    }
    return host_result(writev(fd, some, (int)n), done);
}

static enum iso_wasi_errno buffer_read(struct iso_wasi_desc *desc, struct iso_bytes input,
                                       const struct iso_vfs_iovec *iov, size_t count, size_t *done)
{
    *done = 0;
    for (size_t i = 0; i < count && desc->offset < input.len; i++) {
        size_t left = input.len - (size_t)desc->offset;
        size_t n = iov[i].len < left ? iov[i].len : left;
        iso_memory_copy(iov[i].base, input.ptr + desc->offset, n);
        desc->offset += n;
        *done += n;
    }
    return WASI_OK;
}

static enum iso_wasi_errno buffer_write(struct iso_buf *output, const struct iso_vfs_iovec *iov,
                                        size_t count, size_t *done)
{
    *done = 0;
    for (size_t i = 0; i < count; i++) {
        size_t len = iov[i].len;
        if (output != NULL && iso_buf_append(output, iov[i].base, len) != ISO_OK) {
            return *done > 0 ? WASI_OK : WASI_ENOSPC;
        }
        *done += len;
    }
    return WASI_OK;
}

static enum iso_wasi_errno errno_from_io(enum iso_wasi_io io)
{
    return io == ISO_WASI_IO_OK ? WASI_OK : io == ISO_WASI_IO_BLOCK ? WASI_EAGAIN : WASI_EIO;
}

/* The first buffer that has room; a callback is asked for one at a time. */
static const struct iso_vfs_iovec *first_used(const struct iso_vfs_iovec *iov, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (iov[i].len > 0) {
            return &iov[i];
        }
    }
    return NULL;
}

static enum iso_wasi_errno callback_read(const struct iso_wasi_stream *stream,
                                         const struct iso_vfs_iovec *iov, size_t count,
                                         size_t *done)
{
    const struct iso_vfs_iovec *one = first_used(iov, count);
    *done = 0;
    if (one == NULL || stream->read == NULL) {
        return WASI_OK;
    }
    enum iso_wasi_errno err = errno_from_io(stream->read(stream->ctx, one->base, one->len, done));
    ISO_ASSERT(err != WASI_OK || *done <= one->len);
    return err;
}

static enum iso_wasi_errno callback_write(const struct iso_wasi_stream *stream,
                                          const struct iso_vfs_iovec *iov, size_t count,
                                          size_t *done)
{
    const struct iso_vfs_iovec *one = first_used(iov, count);
    *done = 0;
    if (one == NULL) {
        return WASI_OK;
    }
    if (stream->write == NULL) {
        *done = one->len;
        return WASI_OK;
    }
    enum iso_wasi_errno err = errno_from_io(stream->write(stream->ctx, one->base, one->len, done));
    ISO_ASSERT(err != WASI_OK || *done <= one->len);
    return err == WASI_OK && *done == 0 ? WASI_EAGAIN : err;
}

enum iso_wasi_errno iso_wasi_stream_read(struct iso_wasi *wasi, struct iso_wasi_desc *desc,
                                         const struct iso_vfs_iovec *iov, size_t count,
                                         size_t *done)
{
    if (desc->kind == ISO_WASI_PIPE) {
        return fd_read(desc, desc->node.fd, iov, count, done);
    }
    const struct iso_wasi_stream *stream = stream_of(wasi, desc);
    switch (stream->kind) {
    case ISO_WASI_STREAM_FD:
        return fd_read(desc, stream->fd, iov, count, done);
    case ISO_WASI_STREAM_BUFFER:
        return buffer_read(desc, stream->input, iov, count, done);
    case ISO_WASI_STREAM_CALLBACK:
        return callback_read(stream, iov, count, done);
    case ISO_WASI_STREAM_NULL:
        break;
    }
    *done = 0;
    return WASI_OK;
}

enum iso_wasi_errno iso_wasi_stream_write(struct iso_wasi *wasi, struct iso_wasi_desc *desc,
                                          const struct iso_vfs_iovec *iov, size_t count,
                                          size_t *done)
{
    if (desc->kind == ISO_WASI_PIPE) {
        return fd_write(desc, desc->node.fd, iov, count, done);
    }
    const struct iso_wasi_stream *stream = stream_of(wasi, desc);
    switch (stream->kind) {
    case ISO_WASI_STREAM_FD:
        return fd_write(desc, stream->fd, iov, count, done);
    case ISO_WASI_STREAM_BUFFER:
        return buffer_write(stream->output, iov, count, done);
    case ISO_WASI_STREAM_CALLBACK:
        return callback_write(stream, iov, count, done);
    case ISO_WASI_STREAM_NULL:
        break;
    }
    return buffer_write(NULL, iov, count, done);
}

enum iso_wasi_errno iso_wasi_stream_pread(struct iso_wasi *wasi, const struct iso_wasi_desc *desc,
                                          const struct iso_vfs_iovec *iov, size_t count,
                                          uint64_t offset, size_t *done)
{
    union iso_vfs_node node = {.fd = iso_wasi_desc_host_fd(wasi, desc)};
    return iso_wasi_host_node_read(NULL, node, iov, count, offset, done);
}

enum iso_wasi_errno iso_wasi_stream_pwrite(struct iso_wasi *wasi, const struct iso_wasi_desc *desc,
                                           const struct iso_vfs_iovec *iov, size_t count,
                                           uint64_t offset, size_t *done)
{
    union iso_vfs_node node = {.fd = iso_wasi_desc_host_fd(wasi, desc)};
    uint64_t end;
    return iso_wasi_host_node_write(NULL, node, iov, count, offset, false, done, &end);
}

enum iso_wasi_errno iso_wasi_stream_seek(struct iso_wasi *wasi, struct iso_wasi_desc *desc,
                                         int64_t offset, enum iso_wasi_whence whence, uint64_t *out)
{
    int fd = iso_wasi_desc_host_fd(wasi, desc);
    if (fd < 0) {
        return WASI_ESPIPE;
    }
    int host_whence = whence == WASI_WHENCE_SET   ? SEEK_SET
                      : whence == WASI_WHENCE_CUR ? SEEK_CUR
                                                  : SEEK_END;
    off_t at = lseek(fd, (off_t)offset, host_whence);
    if (at < 0) {
        return iso_wasi_errno_from_host(errno);
    }
    *out = (uint64_t)at;
    return WASI_OK;
}

enum iso_wasi_errno iso_wasi_stream_stat(struct iso_wasi *wasi, const struct iso_wasi_desc *desc,
                                         struct iso_vfs_stat *out)
{
    struct stat st;
    memset(out, 0, sizeof *out);
    out->filetype = desc->filetype;
    out->nlink = 1;
    int fd = iso_wasi_desc_host_fd(wasi, desc);
    if (fd < 0) {
        return WASI_OK;
    }
    if (fstat(fd, &st) != 0) {
        return iso_wasi_errno_from_host(errno);
    }
    iso_wasi_host_stat_from(&st, out);
    out->filetype = desc->filetype;
    if (desc->filetype != WASI_FILETYPE_REGULAR_FILE) {
        /* Sizes and times of pipes and terminals say nothing about what flows through them. */
        out->size = out->atim = out->mtim = out->ctim = 0;
    }
    return WASI_OK;
}

enum iso_wasi_errno iso_wasi_stream_sync(struct iso_wasi *wasi, const struct iso_wasi_desc *desc,
                                         bool data_only)
{
    int fd = iso_wasi_desc_host_fd(wasi, desc);
    if (fd < 0) {
        return WASI_OK;
    }
    int code = data_only ? fdatasync(fd) : fsync(fd);
    if (code == 0 || errno == EINVAL || errno == ENOTSUP) {
        return WASI_OK; /* nothing that could be flushed */
    }
    return iso_wasi_errno_from_host(errno);
}
