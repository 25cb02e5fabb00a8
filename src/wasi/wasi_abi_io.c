/*
 * wasi_abi_io.c - reading, writing and sockets.
 *
 * Calls that would block answer "pending" and are issued again. A write or a full receive that was
 * done in part keeps the number of bytes in call->deadline, which survives a snapshot, so that
 * nothing is written or received twice.
 */
#include <poll.h>

#include "wasi/wasi_abi.h"

/* Reading without the right to: the answer of POSIX for a descriptor that is not open for it. */
static enum iso_wasi_errno check_io(const struct iso_wasi_desc *desc, uint64_t right)
{
    return desc->kind == ISO_WASI_DIR || (desc->rights_base & right) == 0 ? WASI_EBADF : WASI_OK;
}

/* Descriptor, buffers and the place for the result: arguments 0, 1-2 and result_arg. */
static enum iso_wasi_errno prepare(const struct iso_host_call *call, uint64_t right,
                                   unsigned result_arg, struct iso_wasi_desc **desc,
                                   struct iso_wasi_iovs *iovs, uint8_t **result)
{
    enum iso_wasi_errno err = iso_wasi_abi_desc(call, desc);
    if (err == WASI_OK) {
        err = check_io(*desc, right);
    }
    if (err == WASI_OK) {
        err = iso_wasi_abi_iovs(call, 1, iovs);
    }
    if (err == WASI_OK) {
        *result = iso_wasi_abi_memory(call, result_arg, 4);
        err = *result == NULL ? WASI_EFAULT : WASI_OK;
    }
    iso_wasi_waits_clear(iso_wasi_abi_self(call));
    return err;
}

static enum iso_wasi_errno read_some(struct iso_wasi *wasi, struct iso_wasi_desc *desc,
                                     const struct iso_wasi_iovs *iovs, size_t *done)
{
    struct iso_vfs *fs;
    bool truncated;
    enum iso_wasi_errno err;
    switch (desc->kind) {
    case ISO_WASI_FILE:
        fs = iso_wasi_desc_fs(wasi, desc);
        err = fs->ops->node_read(fs, desc->node, iovs->iov, iovs->count, desc->offset, done);
        if (err == WASI_OK) {
            desc->offset += *done;
        }
        return err;
    case ISO_WASI_STDIO:
    case ISO_WASI_PIPE:
        return iso_wasi_stream_read(wasi, desc, iovs->iov, iovs->count, done);
    case ISO_WASI_SOCKET:
        return iso_wasi_socket_recv(desc->node.fd, iovs->iov, iovs->count, 0, done, &truncated);
    default:
        return WASI_ENOTCONN; /* a listening socket */
    }
}

enum iso_wasi_errno iso_wasi_abi_fd_read(struct iso_host_call *call)
{
    struct iso_wasi_desc *desc;
    struct iso_wasi_iovs iovs;
    uint8_t *result;
    enum iso_wasi_errno err = prepare(call, WASI_RIGHT_FD_READ, 3, &desc, &iovs, &result);
    if (err != WASI_OK) {
        return err;
    }
    size_t done = 0;
    if (iovs.total > 0) {
        err = read_some(iso_wasi_abi_self(call), desc, &iovs, &done);
    }
    if (err == WASI_EAGAIN) {
        return iso_wasi_abi_block(call, desc, POLLIN);
    }
    if (err == WASI_OK) {
        iso_store_u32le(result, (uint32_t)done);
    }
    return err;
}

/* After writing to a file that was opened or set to be synchronous. */
static enum iso_wasi_errno sync_written(struct iso_vfs *fs, const struct iso_wasi_desc *desc)
{
    if ((desc->flags & (WASI_FDFLAG_SYNC | WASI_FDFLAG_DSYNC)) == 0) {
        return WASI_OK;
    }
    return fs->ops->node_sync(fs, desc->node, (desc->flags & WASI_FDFLAG_SYNC) == 0);
}

static enum iso_wasi_errno write_file(struct iso_wasi *wasi, struct iso_wasi_desc *desc,
                                      const struct iso_wasi_iovs *iovs, size_t *done)
{
    struct iso_vfs *fs = iso_wasi_desc_fs(wasi, desc);
    uint64_t end;
    enum iso_wasi_errno err =
        fs->ops->node_write(fs, desc->node, iovs->iov, iovs->count, desc->offset,
                            (desc->flags & WASI_FDFLAG_APPEND) != 0, done, &end);
    if (err == WASI_OK) {
        desc->offset = end;
        err = sync_written(fs, desc);
    }
    return err;
}

static enum iso_wasi_errno write_some(struct iso_wasi *wasi, struct iso_wasi_desc *desc,
                                      const struct iso_wasi_iovs *iovs, size_t *done)
{
    switch (desc->kind) {
    case ISO_WASI_STDIO:
    case ISO_WASI_PIPE:
        return iso_wasi_stream_write(wasi, desc, iovs->iov, iovs->count, done);
    case ISO_WASI_SOCKET:
        return iso_wasi_socket_send(desc->node.fd, iovs->iov, iovs->count, done);
    default:
        return WASI_ENOTCONN;
    }
}

/* Write everything, in as many calls and as many issues as it takes. */
static enum iso_wasi_errno write_all(struct iso_host_call *call, struct iso_wasi_desc *desc,
                                     struct iso_wasi_iovs *iovs, size_t *written)
{
    struct iso_wasi *wasi = iso_wasi_abi_self(call);
    size_t progress = call->deadline < iovs->total ? (size_t)call->deadline : iovs->total;
    iso_wasi_abi_iovs_skip(iovs, progress);
    enum iso_wasi_errno err = WASI_OK;
    while (iovs->total > 0 && err == WASI_OK) {
        size_t done = 0;
        err = write_some(wasi, desc, iovs, &done);
        if (err == WASI_OK) {
            progress += done;
            iso_wasi_abi_iovs_skip(iovs, done);
        }
    }
    if (err == WASI_EAGAIN && (desc->flags & WASI_FDFLAG_NONBLOCK) == 0) {
        call->deadline = progress;
        return iso_wasi_abi_block(call, desc, POLLOUT);
    }
    *written = progress;
    return progress > 0 ? WASI_OK : err;
}

enum iso_wasi_errno iso_wasi_abi_fd_write(struct iso_host_call *call)
{
    struct iso_wasi_desc *desc;
    struct iso_wasi_iovs iovs;
    uint8_t *result;
    enum iso_wasi_errno err = prepare(call, WASI_RIGHT_FD_WRITE, 3, &desc, &iovs, &result);
    if (err != WASI_OK) {
        return err;
    }
    size_t done = 0;
    if (iovs.total > 0) {
        err = desc->kind == ISO_WASI_FILE ? write_file(iso_wasi_abi_self(call), desc, &iovs, &done)
                                          : write_all(call, desc, &iovs, &done);
    }
    if (err == WASI_OK) {
        iso_store_u32le(result, (uint32_t)done);
    }
    return err;
}

/* What pread and pwrite share. A standard stream will do if it is a redirected file. */
static enum iso_wasi_errno prepare_at(const struct iso_host_call *call, uint64_t right,
                                      struct iso_wasi_desc **desc, struct iso_wasi_iovs *iovs,
                                      uint8_t **result)
{
    enum iso_wasi_errno err = prepare(call, right, 4, desc, iovs, result);
    if (err != WASI_OK) {
        return err;
    }
    if ((*desc)->filetype != WASI_FILETYPE_REGULAR_FILE) {
        return WASI_ESPIPE;
    }
    return iso_wasi_abi_u64(call, 3) > INT64_MAX ? WASI_EINVAL : WASI_OK;
}

enum iso_wasi_errno iso_wasi_abi_fd_pread(struct iso_host_call *call)
{
    struct iso_wasi *wasi = iso_wasi_abi_self(call);
    uint64_t offset = iso_wasi_abi_u64(call, 3);
    struct iso_wasi_desc *desc;
    struct iso_wasi_iovs iovs;
    uint8_t *result;
    enum iso_wasi_errno err = prepare_at(call, WASI_RIGHT_FD_READ, &desc, &iovs, &result);
    if (err != WASI_OK) {
        return err;
    }
    size_t done = 0;
    if (iovs.total > 0 && desc->kind == ISO_WASI_STDIO) {
        err = iso_wasi_stream_pread(wasi, desc, iovs.iov, iovs.count, offset, &done);
    } else if (iovs.total > 0) {
        struct iso_vfs *fs = iso_wasi_desc_fs(wasi, desc);
        err = fs->ops->node_read(fs, desc->node, iovs.iov, iovs.count, offset, &done);
    }
    if (err == WASI_OK) {
        iso_store_u32le(result, (uint32_t)done);
    }
    return err;
}

enum iso_wasi_errno iso_wasi_abi_fd_pwrite(struct iso_host_call *call)
{
    struct iso_wasi *wasi = iso_wasi_abi_self(call);
    uint64_t offset = iso_wasi_abi_u64(call, 3);
    struct iso_wasi_desc *desc;
    struct iso_wasi_iovs iovs;
    uint8_t *result;
    enum iso_wasi_errno err = prepare_at(call, WASI_RIGHT_FD_WRITE, &desc, &iovs, &result);
    if (err != WASI_OK) {
        return err;
    }
    size_t done = 0;
    uint64_t end;
    if (iovs.total > 0 && desc->kind == ISO_WASI_STDIO) {
        err = iso_wasi_stream_pwrite(wasi, desc, iovs.iov, iovs.count, offset, &done);
    } else if (iovs.total > 0) {
        struct iso_vfs *fs = iso_wasi_desc_fs(wasi, desc);
        bool append = (desc->flags & WASI_FDFLAG_APPEND) != 0;
        /* As Linux: with APPEND the position is ignored. */
        err =
            fs->ops->node_write(fs, desc->node, iovs.iov, iovs.count, offset, append, &done, &end);
        if (err == WASI_OK) {
            err = sync_written(fs, desc);
        }
    }
    if (err == WASI_OK) {
        iso_store_u32le(result, (uint32_t)done);
    }
    return err;
}

/* ---- Sockets ----------------------------------------------------------------------------- */

static enum iso_wasi_errno socket_desc(const struct iso_host_call *call, uint64_t right,
                                       struct iso_wasi_desc **out)
{
    enum iso_wasi_errno err = iso_wasi_abi_desc(call, out);
    if (err != WASI_OK) {
        return err;
    }
    if ((*out)->kind != ISO_WASI_SOCKET && (*out)->kind != ISO_WASI_LISTENER) {
        return WASI_ENOTSOCK;
    }
    iso_wasi_waits_clear(iso_wasi_abi_self(call));
    return ((*out)->rights_base & right) == 0 ? WASI_ENOTCAPABLE : WASI_OK;
}

enum iso_wasi_errno iso_wasi_abi_sock_accept(struct iso_host_call *call)
{
    struct iso_wasi *wasi = iso_wasi_abi_self(call);
    uint32_t flags = iso_wasi_abi_u32(call, 1);
    uint8_t *result = iso_wasi_abi_memory(call, 2, 4);
    struct iso_wasi_desc *desc;
    enum iso_wasi_errno err = socket_desc(call, WASI_RIGHT_SOCK_ACCEPT, &desc);
    if (err != WASI_OK) {
        return err == WASI_ENOTCAPABLE && desc->kind != ISO_WASI_LISTENER ? WASI_EINVAL : err;
    }
    if ((flags & ~(uint32_t)WASI_FDFLAG_NONBLOCK) != 0) {
        return WASI_EINVAL;
    }
    if (result == NULL) {
        return WASI_EFAULT;
    }
    struct iso_wasi_desc accepted = {.kind = ISO_WASI_SOCKET,
                                     .flags = (uint16_t)flags,
                                     .owned = true,
                                     .source = ISO_WASI_NO_SOURCE,
                                     .rights_base = WASI_RIGHTS_SOCKET};
    err = iso_wasi_socket_accept(desc->node.fd, &accepted.node.fd, &accepted.filetype);
    if (err == WASI_EAGAIN) {
        return iso_wasi_abi_block(call, desc, POLLIN);
    }
    if (err != WASI_OK) {
        return err;
    }
    uint32_t fd;
    err = iso_wasi_desc_add(wasi, &accepted, &fd);
    if (err != WASI_OK) {
        iso_wasi_desc_fini(wasi, &accepted);
        return err;
    }
    iso_store_u32le(result, fd);
    return WASI_OK;
}

/* Receive until the buffers are full or the stream ends. */
static enum iso_wasi_errno recv_all(struct iso_host_call *call, struct iso_wasi_desc *desc,
                                    struct iso_wasi_iovs *iovs, size_t *received)
{
    size_t progress = call->deadline < iovs->total ? (size_t)call->deadline : iovs->total;
    iso_wasi_abi_iovs_skip(iovs, progress);
    while (iovs->total > 0) {
        size_t done = 0;
        bool truncated;
        enum iso_wasi_errno err =
            iso_wasi_socket_recv(desc->node.fd, iovs->iov, iovs->count, 0, &done, &truncated);
        if (err == WASI_EAGAIN && (desc->flags & WASI_FDFLAG_NONBLOCK) == 0) {
            call->deadline = progress;
            return iso_wasi_abi_block(call, desc, POLLIN);
        }
        if (err != WASI_OK && progress == 0) {
            return err;
        }
        if (err != WASI_OK || done == 0) {
            break;
        }
        progress += done;
        iso_wasi_abi_iovs_skip(iovs, done);
    }
    *received = progress;
    return WASI_OK;
}

enum iso_wasi_errno iso_wasi_abi_sock_recv(struct iso_host_call *call)
{
    uint32_t flags = iso_wasi_abi_u32(call, 3);
    uint8_t *result = iso_wasi_abi_memory(call, 4, 4);
    uint8_t *result_flags = iso_wasi_abi_memory(call, 5, 2);
    struct iso_wasi_desc *desc;
    struct iso_wasi_iovs iovs;
    enum iso_wasi_errno err = socket_desc(call, WASI_RIGHT_FD_READ, &desc);
    if (err == WASI_OK) {
        err = iso_wasi_abi_iovs(call, 1, &iovs);
    }
    if (err != WASI_OK) {
        return err;
    }
    if (result == NULL || result_flags == NULL) {
        return WASI_EFAULT;
    }
    if ((flags & ~(uint32_t)(WASI_RECV_PEEK | WASI_RECV_WAITALL)) != 0) {
        return WASI_EINVAL;
    }
    size_t done = 0;
    bool truncated = false;
    if (flags == WASI_RECV_WAITALL && desc->filetype == WASI_FILETYPE_SOCKET_STREAM) {
        err = recv_all(call, desc, &iovs, &done);
    } else {
        err = iso_wasi_socket_recv(desc->node.fd, iovs.iov, iovs.count, flags, &done, &truncated);
        if (err == WASI_EAGAIN) {
            err = iso_wasi_abi_block(call, desc, POLLIN);
        }
    }
    if (err == WASI_OK) {
        iso_store_u32le(result, (uint32_t)done);
        iso_store_u16le(result_flags, truncated ? WASI_RECV_DATA_TRUNCATED : 0);
    }
    return err;
}

enum iso_wasi_errno iso_wasi_abi_sock_send(struct iso_host_call *call)
{
    uint8_t *result = iso_wasi_abi_memory(call, 4, 4);
    struct iso_wasi_desc *desc;
    struct iso_wasi_iovs iovs;
    enum iso_wasi_errno err = socket_desc(call, WASI_RIGHT_FD_WRITE, &desc);
    if (err != WASI_OK) {
        return err == WASI_ENOTCAPABLE && desc->kind == ISO_WASI_LISTENER ? WASI_ENOTCONN : err;
    }
    err = iso_wasi_abi_iovs(call, 1, &iovs);
    if (err != WASI_OK) {
        return err;
    }
    if (result == NULL) {
        return WASI_EFAULT;
    }
    if (iso_wasi_abi_u32(call, 3) != 0) {
        return WASI_EINVAL; /* no flags are defined */
    }
    size_t done = 0;
    if (iovs.total > 0) {
        err = write_all(call, desc, &iovs, &done);
    } else if (desc->filetype == WASI_FILETYPE_SOCKET_DGRAM) {
        err = iso_wasi_socket_send(desc->node.fd, iovs.iov, 0, &done); /* an empty datagram */
    }
    if (err == WASI_OK) {
        iso_store_u32le(result, (uint32_t)done);
    }
    return err;
}

enum iso_wasi_errno iso_wasi_abi_sock_shutdown(struct iso_host_call *call)
{
    struct iso_wasi_desc *desc;
    enum iso_wasi_errno err = socket_desc(call, WASI_RIGHT_SOCK_SHUTDOWN, &desc);
    if (err != WASI_OK) {
        return err == WASI_ENOTCAPABLE && desc->kind == ISO_WASI_LISTENER ? WASI_ENOTCONN : err;
    }
    return iso_wasi_socket_shutdown(desc->node.fd, iso_wasi_abi_u32(call, 1));
}
