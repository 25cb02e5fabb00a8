/* tcpEStatsAppHCThruOctetsAcked (RFC 4898), which Linux gives since 4.1. */
#include "net/http_server_taken.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

bool http_bytes_taken(int fd, uint64_t *out)
{
    struct tcp_info info = {.tcpi_state = 0};
    socklen_t size = sizeof info;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 ||
        size < offsetof(struct tcp_info, tcpi_bytes_acked) + sizeof info.tcpi_bytes_acked) {
        return false;
    }
    *out = info.tcpi_bytes_acked;
    return true;
}
