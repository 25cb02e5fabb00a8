/* The state machine of mDNS without I/O: packets, the time and interfaces go in; packets, deadlines
 * and events come out. Everything that happens follows from the calls, so that tests and the fuzzer
 * run whole networks in memory. net/mdns_uv.c drives it with sockets.
 *
 *     after every call that changes something:
 *         while (iso_mdns_send(mdns, now_ms, &packet))   put it on the wire
 *         while (iso_mdns_event(mdns, now_ms, &event))   tell people
 *         set a timer for iso_mdns_deadline(mdns, now_ms)
 *
 * now_ms is a clock that never goes back. Memory comes from config.alloc, bounded by the numbers in
 * net/mdns_limits.h. One thread at a time. */
#ifndef ISO_NET_MDNS_CORE_H
#define ISO_NET_MDNS_CORE_H

#include "net/mdns.h"

enum { ISO_MDNS_PORT = 5353 };

struct iso_mdns;

struct iso_mdns_config {
    const struct iso_alloc *alloc; /* kept */
    const char *host;              /* without ".local"; borrowed for iso_mdns_create */
    uint32_t (*random)(void *ctx); /* evenly spread 32 bits; for delays only, no secrets */
    void *ctx;                     /* of random; kept */
};

/* A packet that came or is to go. */
struct iso_mdns_packet {
    uint32_t interface;
    struct iso_mdns_address remote; /* where it came from or goes to */
    uint16_t port;                  /* there */
    bool multicast;                 /* sent to the group (then remote of a packet to send is it) */
    struct iso_bytes bytes;
};

enum iso_mdns_event_kind { ISO_MDNS_EVENT_PEER, ISO_MDNS_EVENT_RENAME };

struct iso_mdns_event {
    enum iso_mdns_event_kind kind;
    uint32_t browse; /* whose peer it is */
    struct iso_mdns_peer peer;
    struct iso_mdns_rename rename;
};

/* Errors: ARGUMENT (host), NOMEM. */
ISO_MUST_CHECK enum iso_err iso_mdns_create(const struct iso_mdns_config *config,
                                            struct iso_mdns **out, struct iso_report *report);
/* NULL is allowed. Sends nothing: see iso_mdns_stop. */
void iso_mdns_destroy(struct iso_mdns *mdns);

/*
 * An interface came, or its addresses changed. Packets are sent in the families of which it has an
 * address. `addresses` is borrowed; those beyond ISO_MDNS_ADDRESSES_MAX are left out. What is new
 * is announced, what is gone gets a goodbye. Errors: LIMIT (ISO_MDNS_INTERFACES_MAX), NOMEM.
 */
ISO_MUST_CHECK enum iso_err iso_mdns_interface_set(struct iso_mdns *mdns, uint32_t interface,
                                                   const struct iso_mdns_address *addresses,
                                                   size_t count, uint64_t now_ms);
/* It is gone, with all peers seen through it. One that is not there is ignored. */
void iso_mdns_interface_remove(struct iso_mdns *mdns, uint32_t interface, uint64_t now_ms);

/* As the functions of iso_mdns_uv of the same names. */
ISO_MUST_CHECK enum iso_err iso_mdns_service_add(struct iso_mdns *mdns,
                                                 const struct iso_mdns_service *service,
                                                 uint64_t now_ms, uint32_t *id_out,
                                                 struct iso_report *report);
ISO_MUST_CHECK enum iso_err iso_mdns_service_set_txt(struct iso_mdns *mdns, uint32_t id,
                                                     const char *const *txt, size_t txt_count,
                                                     uint64_t now_ms, struct iso_report *report);
void iso_mdns_service_remove(struct iso_mdns *mdns, uint32_t id, uint64_t now_ms);
ISO_MUST_CHECK enum iso_err iso_mdns_browse_start(struct iso_mdns *mdns, const char *type,
                                                  const char *subtype, uint64_t now_ms,
                                                  uint32_t *id_out, struct iso_report *report);
void iso_mdns_browse_stop(struct iso_mdns *mdns, uint32_t id);

/* The host name with ".local", valid until the next call. */
const char *iso_mdns_host(struct iso_mdns *mdns);

/*
 * A packet came. Its bytes are borrowed for the call. ISO_OK also when nothing of it concerned us.
 * Errors, which change nothing: as iso_mdns_reader_init, and REFUSED (not from the link, or not
 * what may come this way: RFC 6762, sections 5.5, 6 and 11), NOT_FOUND (the interface).
 */
ISO_MUST_CHECK enum iso_err iso_mdns_receive(struct iso_mdns *mdns,
                                             const struct iso_mdns_packet *packet, uint64_t now_ms,
                                             struct iso_report *report);

/* The next packet that is due; false when there is none. Its bytes are borrowed until the next
 * call. What is lost on the way needs no telling. */
bool iso_mdns_send(struct iso_mdns *mdns, uint64_t now_ms, struct iso_mdns_packet *out);

/* When there may be something to send or to tell; UINT64_MAX: not before the next call. */
uint64_t iso_mdns_deadline(struct iso_mdns *mdns, uint64_t now_ms);

/* The next thing to tell; false when there is none. Borrowed until the next call. */
bool iso_mdns_event(struct iso_mdns *mdns, uint64_t now_ms, struct iso_mdns_event *out);

/* Makes goodbyes for everything due; browses end. After iso_mdns_send has returned false all are
 * sent, and only iso_mdns_destroy is left to be called. */
void iso_mdns_stop(struct iso_mdns *mdns, uint64_t now_ms);

/* How many peers are kept: for tests. */
size_t iso_mdns_peer_count(const struct iso_mdns *mdns);

#endif
