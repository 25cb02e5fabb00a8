/* Interfaces and their addresses by rtnetlink(7): one socket says that something has changed, a
 * dump then says what there is. The dump and not the messages is believed: messages can be lost. */
#define _GNU_SOURCE
#include "net/mdns_system.h"
#include "platform/platform.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

/* A dump's parts are as long as the reader's buffer allows, up to 32 KiB. */
enum { BUFFER_SIZE = 32768 };

struct dump {
    struct iso_mdns_link *links;
    size_t count;
};

static int open_netlink(uint32_t groups, int flags)
{
    struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = groups};

    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | flags, NETLINK_ROUTE);
    if (fd >= 0 && bind(fd, (const struct sockaddr *)(const void *)&address, sizeof address) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

enum iso_err iso_mdns_links_watch(int *fd_out, struct iso_report *report)
{
    int fd = open_netlink(RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR, SOCK_NONBLOCK);

    if (fd < 0) {
        return iso_fail(report, ISO_E_IO, "cannot watch the network interfaces: %s",
                        iso_errno_text(errno));
    }
    *fd_out = fd;
    return ISO_OK;
}

void iso_mdns_links_drain(int fd)
{
    char buf[4096];

    /* ENOBUFS says that messages were lost: also a change. */
    while (recv(fd, buf, sizeof buf, MSG_DONTWAIT | MSG_TRUNC) > 0 || errno == ENOBUFS) {
        errno = 0;
    }
}

/* ---- Attributes ------------------------------------------------------------------------------ */

static struct iso_mdns_link *find_link(struct dump *dump, uint32_t index)
{
    for (size_t i = 0; i < dump->count; i++) {
        if (dump->links[i].index == index) {
            return &dump->links[i];
        }
    }
    return NULL;
}

/* The attribute of a type among `len` bytes of them; NULL when it is not there. */
static struct rtattr *find_attribute(struct rtattr *first, unsigned len, unsigned short type)
{
    for (struct rtattr *a = first; RTA_OK(a, len); a = RTA_NEXT(a, len)) {
        if ((a->rta_type & (unsigned)NLA_TYPE_MASK) == type) {
            return a;
        }
    }
    return NULL;
}

/* A port of a bridge, or a part of a bond: packets come through the whole. A VRF is no such thing.
 */
static bool is_part(struct rtattr *first, unsigned len)
{
    if (find_attribute(first, len, IFLA_MASTER) == NULL) {
        return false;
    }
    struct rtattr *info = find_attribute(first, len, IFLA_LINKINFO);
    struct rtattr *kind = info == NULL ? NULL
                                       : find_attribute(RTA_DATA(info), (unsigned)RTA_PAYLOAD(info),
                                                        IFLA_INFO_SLAVE_KIND);
    return kind == NULL || RTA_PAYLOAD(kind) < 3 || memcmp(RTA_DATA(kind), "vrf", 3) != 0;
}

static void take_link(struct dump *dump, struct nlmsghdr *message)
{
    struct ifinfomsg *info = NLMSG_DATA(message);
    unsigned len = (unsigned)IFLA_PAYLOAD(message);

    if (message->nlmsg_type != RTM_NEWLINK || dump->count == ISO_MDNS_LINKS_MAX) {
        return;
    }
    struct iso_mdns_link *link = &dump->links[dump->count++];
    *link = (struct iso_mdns_link){
        .index = (uint32_t)info->ifi_index,
        .loopback = (info->ifi_flags & IFF_LOOPBACK) != 0,
        .usable = (info->ifi_flags & IFF_UP) != 0 && (info->ifi_flags & IFF_RUNNING) != 0 &&
                  (info->ifi_flags & (IFF_MULTICAST | IFF_LOOPBACK)) != 0 &&
                  (info->ifi_flags & IFF_POINTOPOINT) == 0 && !is_part(IFLA_RTA(info), len),
    };
    struct rtattr *name = find_attribute(IFLA_RTA(info), len, IFLA_IFNAME);
    if (name != NULL) {
        (void)iso_format(link->name, sizeof link->name, "%.*s", (int)RTA_PAYLOAD(name),
                         (const char *)RTA_DATA(name));
    }
}

static void take_address(struct dump *dump, struct nlmsghdr *message)
{
    struct ifaddrmsg *info = NLMSG_DATA(message);
    unsigned len = (unsigned)IFA_PAYLOAD(message);
    uint32_t flags = info->ifa_flags;

    if (message->nlmsg_type != RTM_NEWADDR ||
        (info->ifa_family != AF_INET && info->ifa_family != AF_INET6)) {
        return;
    }
    struct rtattr *more = find_attribute(IFA_RTA(info), len, IFA_FLAGS);
    if (more != NULL && RTA_PAYLOAD(more) == sizeof flags) {
        memcpy(&flags, RTA_DATA(more), sizeof flags);
    }
    struct iso_mdns_link *link = find_link(dump, info->ifa_index);
    if (link == NULL || link->address_count == ISO_MDNS_ADDRESSES_MAX ||
        (flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) != 0) {
        return;
    }
    size_t size = info->ifa_family == AF_INET ? 4 : 16;
    struct rtattr *value = find_attribute(IFA_RTA(info), len, IFA_LOCAL);
    if (value == NULL) {
        value = find_attribute(IFA_RTA(info), len, IFA_ADDRESS);
    }
    if (value != NULL && RTA_PAYLOAD(value) == size) {
        struct iso_mdns_address *address = &link->addresses[link->address_count++];
        *address = (struct iso_mdns_address){.family = size == 4 ? 4 : 6,
                                             .prefix_bits = info->ifa_prefixlen};
        memcpy(address->bytes, RTA_DATA(value), size);
    }
}

/* ---- Dumps ----------------------------------------------------------------------------------- */

/* Takes the messages of one part; *done when it was the last, false when it failed. */
static bool take_part(struct dump *dump, uint16_t request, struct nlmsghdr *message, size_t size,
                      bool *done)
{
    unsigned len = (unsigned)size;

    for (; NLMSG_OK(message, len); message = NLMSG_NEXT(message, len)) {
        if (message->nlmsg_type == NLMSG_DONE) {
            *done = true;
            return true;
        }
        if (message->nlmsg_type == NLMSG_ERROR) {
            return false;
        }
        if (request == RTM_GETLINK) {
            take_link(dump, message);
        } else {
            take_address(dump, message);
        }
    }
    return true;
}

static bool run_dump(int fd, uint16_t request, struct dump *dump)
{
    struct {
        struct nlmsghdr header;
        struct rtgenmsg body;
    } ask = {
        .header = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct rtgenmsg)),
                   .nlmsg_type = request,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
        .body = {.rtgen_family = AF_UNSPEC},
    };
    _Alignas(struct nlmsghdr) char buf[BUFFER_SIZE];
    bool done = false;

    if (send(fd, &ask, ask.header.nlmsg_len, 0) < 0) {
        return false;
    }
    while (!done) {
        ssize_t len = recv(fd, buf, sizeof buf, 0);
        if (len < 0 && errno == EINTR) {
            continue;
        }
        if (len <= 0 ||
            !take_part(dump, request, (struct nlmsghdr *)(void *)buf, (size_t)len, &done)) {
            return false;
        }
    }
    return true;
}

enum iso_err iso_mdns_links_read(struct iso_mdns_link *links, size_t *count_out)
{
    struct dump dump = {.links = links};

    int fd = open_netlink(0, 0);
    if (fd < 0) {
        return ISO_E_IO;
    }
    bool read = run_dump(fd, RTM_GETLINK, &dump) && run_dump(fd, RTM_GETADDR, &dump);
    (void)close(fd);
    if (!read) {
        return ISO_E_IO;
    }
    *count_out = dump.count;
    return ISO_OK;
}
