/* Sockets of mDNS (RFC 6762, sections 5, 11 and 15): one for each family, bound to port 5353 beside
 * others, the group joined on each interface; every packet tells and is told its interface. */
#define _GNU_SOURCE /* struct in6_pktinfo */
#include "net/mdns_system.h"
#include "platform/platform.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

/* Of <linux/in6.h>, which cannot be included beside <netinet/in.h>. */
enum { MULTICAST_ALL_V6 = 29 };

static const uint8_t group_v4[4] = {224, 0, 0, 251};
static const uint8_t group_v6[16] = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xfb};

struct endpoint {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } u;
    socklen_t len;
};

union control {
    struct cmsghdr align;
    char space[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(struct in_pktinfo))];
};

static bool set(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof value) == 0;
}

static bool set_options(int fd, uint8_t family)
{
    if (!set(fd, SOL_SOCKET, SO_REUSEADDR, 1) || !set(fd, SOL_SOCKET, SO_REUSEPORT, 1)) {
        return false;
    }
    if (family == 4) {
        return set(fd, IPPROTO_IP, IP_PKTINFO, 1) && set(fd, IPPROTO_IP, IP_MULTICAST_TTL, 255) &&
               set(fd, IPPROTO_IP, IP_TTL, 255) && set(fd, IPPROTO_IP, IP_MULTICAST_LOOP, 1) &&
               set(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0);
    }
    /* Only what was joined here; an older system knows no such choice, and packets of interfaces
     * that are not in use are refused later. */
    (void)set(fd, IPPROTO_IPV6, MULTICAST_ALL_V6, 0);
    return set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) && set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) &&
           set(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 255) &&
           set(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 255) &&
           set(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 1);
}

static struct endpoint endpoint_any(uint8_t family)
{
    struct endpoint at = {.len = 0};

    if (family == 4) {
        at.u.v4.sin_family = AF_INET;
        at.u.v4.sin_port = htons(ISO_MDNS_PORT);
        at.len = sizeof at.u.v4;
    } else {
        at.u.v6.sin6_family = AF_INET6;
        at.u.v6.sin6_port = htons(ISO_MDNS_PORT);
        at.len = sizeof at.u.v6;
    }
    return at;
}

enum iso_err iso_mdns_socket_open(uint8_t family, int *fd_out, struct iso_report *report)
{
    struct endpoint any = endpoint_any(family);

    int fd = socket(any.u.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return iso_fail(report, errno == EAFNOSUPPORT ? ISO_E_UNSUPPORTED : iso_errno_err(errno),
                        "no socket for IPv%u: %s", (unsigned)family, iso_errno_text(errno));
    }
    if (!set_options(fd, family) || bind(fd, &any.u.any, any.len) != 0) {
        int failed = errno;
        (void)close(fd);
        return iso_fail(report, iso_errno_err(failed), "mDNS cannot use port 5353 of IPv%u: %s",
                        (unsigned)family, iso_errno_text(failed));
    }
    *fd_out = fd;
    return ISO_OK;
}

static int change_membership(int fd, uint8_t family, uint32_t interface, bool join)
{
    if (family == 4) {
        struct ip_mreqn request = {.imr_ifindex = (int)interface};
        memcpy(&request.imr_multiaddr, group_v4, sizeof group_v4);
        return setsockopt(fd, IPPROTO_IP, join ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP, &request,
                          sizeof request);
    }
    struct ipv6_mreq request = {.ipv6mr_interface = interface};
    memcpy(&request.ipv6mr_multiaddr, group_v6, sizeof group_v6);
    return setsockopt(fd, IPPROTO_IPV6, join ? IPV6_JOIN_GROUP : IPV6_LEAVE_GROUP, &request,
                      sizeof request);
}

bool iso_mdns_socket_join(int fd, uint8_t family, uint32_t interface)
{
    return change_membership(fd, family, interface, true) == 0 || errno == EADDRINUSE;
}

void iso_mdns_socket_leave(int fd, uint8_t family, uint32_t interface)
{
    (void)change_membership(fd, family, interface, false); /* it may be gone already */
}

/* The interface and the address that the packet was sent to. */
static bool read_control(struct msghdr *message, struct iso_mdns_packet *out)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            out->interface = (uint32_t)info.ipi_ifindex;
            out->multicast = memcmp(&info.ipi_addr, group_v4, sizeof group_v4) == 0;
            return true;
        }
        if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            out->interface = info.ipi6_ifindex;
            out->multicast = memcmp(&info.ipi6_addr, group_v6, sizeof group_v6) == 0;
            return true;
        }
    }
    return false;
}

static void read_source(const struct endpoint *source, uint8_t family, struct iso_mdns_packet *out)
{
    out->remote = (struct iso_mdns_address){.family = family};
    if (family == 4) {
        memcpy(out->remote.bytes, &source->u.v4.sin_addr, 4);
        out->port = ntohs(source->u.v4.sin_port);
    } else {
        memcpy(out->remote.bytes, &source->u.v6.sin6_addr, 16);
        out->remote.scope_id = source->u.v6.sin6_scope_id;
        out->port = ntohs(source->u.v6.sin6_port);
    }
}

bool iso_mdns_socket_receive(int fd, uint8_t family, uint8_t *buf, size_t cap,
                             struct iso_mdns_packet *out)
{
    struct endpoint source = {.len = sizeof source.u};
    union control control;
    struct iovec part = {.iov_base = buf, .iov_len = cap};
    struct msghdr message = {
        .msg_name = &source.u,
        .msg_namelen = source.len,
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof control,
    };
    struct iso_mdns_packet packet = {.interface = 0};

    ssize_t len = recvmsg(fd, &message, 0);
    if (len < 0) {
        /* An error that a packet of ours came back with counts as one without bytes. */
        bool again = errno != EAGAIN && errno != EWOULDBLOCK && errno != EBADF;
        packet.bytes = iso_bytes_from(buf, 0);
        if (again) {
            *out = packet;
        }
        return again;
    }
    if (read_control(&message, &packet)) {
        read_source(&source, family, &packet);
    }
    packet.bytes = iso_bytes_from(buf, (size_t)len);
    *out = packet;
    return true;
}

static void control_add(struct msghdr *message, int level, int type, const void *data, size_t len)
{
    message->msg_controllen = CMSG_SPACE(len);
    struct cmsghdr *c = CMSG_FIRSTHDR(message);
    c->cmsg_level = level;
    c->cmsg_type = type;
    c->cmsg_len = CMSG_LEN(len);
    memcpy(CMSG_DATA(c), data, len);
}

void iso_mdns_socket_send(int fd, const struct iso_mdns_packet *packet)
{
    struct endpoint to = endpoint_any(packet->remote.family);
    union control control = {.space = {0}};
    /* sendmsg does not write to it. */
    struct iovec part = {.iov_base = (void *)(uintptr_t)packet->bytes.ptr,
                         .iov_len = packet->bytes.len};
    struct msghdr message = {
        .msg_name = &to.u,
        .msg_namelen = to.len,
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof control,
    };

    if (packet->remote.family == 4) {
        struct in_pktinfo info = {.ipi_ifindex = (int)packet->interface};
        memcpy(&to.u.v4.sin_addr, packet->remote.bytes, 4);
        to.u.v4.sin_port = htons(packet->port);
        control_add(&message, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
    } else {
        struct in6_pktinfo info = {.ipi6_ifindex = packet->interface};
        memcpy(&to.u.v6.sin6_addr, packet->remote.bytes, 16);
        to.u.v6.sin6_port = htons(packet->port);
        to.u.v6.sin6_scope_id = packet->interface;
        control_add(&message, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
    }
    (void)sendmsg(fd, &message, MSG_NOSIGNAL);
}
