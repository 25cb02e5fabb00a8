/* Listening sockets from "ADDR:PORT". */
#define _GNU_SOURCE /* SOCK_CLOEXEC, SOCK_NONBLOCK */
#include "platform/platform.h"

#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

enum { BACKLOG = 128 };

/* 0 or an errno value. */
static int listen_on(int fd, const struct sockaddr_storage *address, uint16_t *port_out)
{
    /* Otherwise a program cannot be started again while old connections time out. */
    int on = 1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(fd, (const struct sockaddr *)address, iso_address_size(address)) != 0 ||
        listen(fd, BACKLOG) != 0) {
        return errno;
    }
    struct sockaddr_storage bound;
    socklen_t len = sizeof bound;
    if (getsockname(fd, (struct sockaddr *)&bound, &len) != 0) {
        return errno;
    }
    if (port_out != NULL) {
        *port_out = iso_address_port(&bound);
    }
    return 0;
}

enum iso_err iso_socket_listen(const char *address, int *fd_out, uint16_t *port_out,
                               struct iso_report *report)
{
    struct sockaddr_storage parsed;
    enum iso_err err = iso_address_parse(address, &parsed, report);
    if (err != ISO_OK) {
        return err;
    }
    int fd = socket(parsed.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int failed = fd < 0 ? errno : listen_on(fd, &parsed, port_out);
    if (failed != 0) {
        if (fd >= 0) {
            (void)close(fd);
        }
        return iso_fail(report, iso_errno_err(failed), "cannot listen on '%s': %s", address,
                        iso_errno_text(failed));
    }
    *fd_out = fd;
    return ISO_OK;
}
