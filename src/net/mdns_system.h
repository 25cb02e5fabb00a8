/* What the driver takes from Linux: sockets that know interfaces, and the list of interfaces. */
#ifndef ISO_NET_MDNS_SYSTEM_H
#define ISO_NET_MDNS_SYSTEM_H

#include "net/mdns_core.h"

/* More interfaces than this are not looked at. */
#define ISO_MDNS_LINKS_MAX 128u

struct iso_mdns_link {
    uint32_t index;
    char name[16];
    bool loopback;
    bool usable; /* up, can multicast, and is no part of a bridge or bond */
    size_t address_count;
    struct iso_mdns_address addresses[ISO_MDNS_ADDRESSES_MAX];
};

/* ---- Sockets (mdns_socket.c) ----------------------------------------------------------------- */

/* A socket on port 5353 for one family (4 or 6), shared with others, non-blocking. Errors:
 * UNSUPPORTED (the system has not that family), EXISTS, ACCESS, IO. */
ISO_MUST_CHECK enum iso_err iso_mdns_socket_open(uint8_t family, int *fd_out,
                                                 struct iso_report *report);

/* Joins or leaves the group on an interface. False when the system will not. */
bool iso_mdns_socket_join(int fd, uint8_t family, uint32_t interface);
void iso_mdns_socket_leave(int fd, uint8_t family, uint32_t interface);

/* One packet into buf, to which out->bytes then points. False when there is none at present. One
 * that is longer than `cap` has out->bytes.len == cap. */
bool iso_mdns_socket_receive(int fd, uint8_t family, uint8_t *buf, size_t cap,
                             struct iso_mdns_packet *out);

/* What cannot be sent is lost, like so many packets. */
void iso_mdns_socket_send(int fd, const struct iso_mdns_packet *packet);

/* ---- Interfaces (mdns_links.c) --------------------------------------------------------------- */

/* A descriptor that becomes readable when interfaces or addresses change. Errors: IO. */
ISO_MUST_CHECK enum iso_err iso_mdns_links_watch(int *fd_out, struct iso_report *report);
/* Reads what has come from it. */
void iso_mdns_links_drain(int fd);

/* All interfaces now, with the addresses that may be used: none that is still being checked for
 * duplicates. The kernel answers at once. `links` has room for ISO_MDNS_LINKS_MAX. Errors: IO. */
ISO_MUST_CHECK enum iso_err iso_mdns_links_read(struct iso_mdns_link *links, size_t *count_out);

#endif
