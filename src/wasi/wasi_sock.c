/*
 * wasi_sock.c - sockets: accept, receive, send, shut down. All of them are non-blocking: those that
 * the embedder grants are switched when the guest's world is made, accepted ones belong to it.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "wasi/wasi_errno.h"
#include "wasi/wasi_internal.h"

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

static enum iso_wasi_errno last_errno(void)
{
    return errno == EINTR ? WASI_EAGAIN : iso_wasi_errno_from_host(errno);
}

static enum iso_wasi_errno make_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
        return last_errno();
    }
    return WASI_OK;
}

static enum iso_wasi_errno socket_type(int fd, enum iso_wasi_filetype *filetype)
{
    int type = 0;
    socklen_t len = sizeof type;
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) != 0) {
        return last_errno();
    }
    *filetype = type == SOCK_DGRAM ? WASI_FILETYPE_SOCKET_DGRAM : WASI_FILETYPE_SOCKET_STREAM;
    return WASI_OK;
}

enum iso_wasi_errno iso_wasi_socket_prepare(int fd, bool *listening,
                                            enum iso_wasi_filetype *filetype)
{
    enum iso_wasi_errno err = socket_type(fd, filetype);
    if (err != WASI_OK) {
        return err;
    }
    int accepting = 0;
    socklen_t len = sizeof accepting;
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepting, &len) != 0) {
        accepting = 0;
    }
    *listening = accepting != 0;
    return make_nonblocking(fd);
}

enum iso_wasi_errno iso_wasi_socket_accept(int fd, int *out, enum iso_wasi_filetype *filetype)
{
    int accepted = accept(fd, NULL, NULL);
    if (accepted < 0) {
        /* A connection that was gone before it was accepted is not worth a word. */
        return errno == ECONNABORTED ? WASI_EAGAIN : last_errno();
    }
    enum iso_wasi_errno err = make_nonblocking(accepted);
    if (err == WASI_OK) {
        err = socket_type(accepted, filetype);
    }
    if (err != WASI_OK) {
        (void)close(accepted);
        return err;
    }
    *out = accepted;
    return WASI_OK;
}

enum iso_wasi_errno iso_wasi_socket_recv(int fd, const struct iso_vfs_iovec *iov, size_t count,
                                         uint32_t flags, size_t *done, bool *truncated)
{
    struct msghdr message = {.msg_iov = (struct iovec *)(void *)(uintptr_t)iov};
    message.msg_iovlen = count;
    int host_flags = MSG_DONTWAIT | ((flags & WASI_RECV_PEEK) != 0 ? MSG_PEEK : 0);
    ssize_t n = recvmsg(fd, &message, host_flags);
    if (n < 0) {
        return last_errno();
    }
    *done = (size_t)n;
    *truncated = (message.msg_flags & MSG_TRUNC) != 0;
    return WASI_OK;
}

enum iso_wasi_errno iso_wasi_socket_send(int fd, const struct iso_vfs_iovec *iov, size_t count,
                                         size_t *done)
{
    struct msghdr message = {.msg_iov = (struct iovec *)(void *)(uintptr_t)iov};
    message.msg_iovlen = count;
    ssize_t n = sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0) {
        return last_errno();
    }
    *done = (size_t)n;
    return WASI_OK;
}

enum iso_wasi_errno iso_wasi_socket_shutdown(int fd, uint32_t how)
{
    int host_how;
    switch (how) {
    case WASI_SHUT_RD:
        host_how = SHUT_RD;
        break;
    case WASI_SHUT_WR:
        host_how = SHUT_WR;
        break;
    case WASI_SHUT_RD | WASI_SHUT_WR:
        host_how = SHUT_RDWR;
        break;
    default:
        return WASI_EINVAL;
    }
    return shutdown(fd, host_how) == 0 ? WASI_OK : iso_wasi_errno_from_host(errno);
}

void iso_wasi_socket_close(int fd)
{
    (void)close(fd);
}
