/* Listening sockets from "ADDR:PORT". Addresses are numeric: nothing is looked up, so that a static
 * program needs no name service and a listening address cannot change under one's feet. */
#define _GNU_SOURCE /* SOCK_CLOEXEC, SOCK_NONBLOCK */
#include "platform/platform.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 128 };

struct address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } u;
    socklen_t len;
};

static enum iso_err fail_form(const char *text, struct iso_report *report)
{
    return iso_fail(report, ISO_E_ARGUMENT,
                    "'%s' is not a listening address; write ADDR:PORT with a numeric address, such "
                    "as 127.0.0.1:8080, 0.0.0.0:8080 or [::1]:8080",
                    text);
}

static bool address_set(struct address *address, const char *host, uint16_t port, bool in_brackets)
{
    *address = (struct address){.len = 0};
    if (in_brackets) {
        address->u.v6.sin6_family = AF_INET6;
        address->u.v6.sin6_port = htons(port);
        address->len = sizeof address->u.v6;
        return inet_pton(AF_INET6, host, &address->u.v6.sin6_addr) == 1;
    }
    address->u.v4.sin_family = AF_INET;
    address->u.v4.sin_port = htons(port);
    address->len = sizeof address->u.v4;
    return inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host,
                     &address->u.v4.sin_addr) == 1;
}

static enum iso_err address_parse(const char *text, struct address *out, struct iso_report *report)
{
    const char *colon = strrchr(text, ':');
    if (colon == NULL) {
        return fail_form(text, report);
    }
    uint64_t port;
    struct iso_report port_report;
    iso_report_init(&port_report);
    enum iso_err err = iso_parse_count(colon + 1, 65535, &port, &port_report);
    if (err != ISO_OK) {
        return iso_fail(report, ISO_E_ARGUMENT, "'%s' has no port from 0 to 65535 after the colon",
                        text);
    }
    size_t len = (size_t)(colon - text);
    bool in_brackets = len >= 2 && text[0] == '[' && text[len - 1] == ']';
    char host[64];
    size_t host_len = in_brackets ? len - 2 : len;
    if (host_len == 0 || host_len >= sizeof host) {
        return fail_form(text, report);
    }
    memcpy(host, in_brackets ? text + 1 : text, host_len);
    host[host_len] = '\0';
    return address_set(out, host, (uint16_t)port, in_brackets) ? ISO_OK : fail_form(text, report);
}

/* 0 or an errno value. */
static int listen_on(int fd, const struct address *address, uint16_t *port_out)
{
    /* Otherwise a program cannot be started again while old connections time out. */
    int on = 1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(fd, &address->u.any, address->len) != 0 || listen(fd, BACKLOG) != 0) {
        return errno;
    }
    struct address bound = {.len = sizeof bound.u};
    if (getsockname(fd, &bound.u.any, &bound.len) != 0) {
        return errno;
    }
    if (port_out != NULL) {
        *port_out =
            ntohs(bound.u.any.sa_family == AF_INET6 ? bound.u.v6.sin6_port : bound.u.v4.sin_port);
    }
    return 0;
}

enum iso_err iso_socket_listen(const char *address, int *fd_out, uint16_t *port_out,
                               struct iso_report *report)
{
    struct address parsed;
    enum iso_err err = address_parse(address, &parsed, report);
    if (err != ISO_OK) {
        return err;
    }
    int fd = socket(parsed.u.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
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
