/* mDNS and DNS-SD (RFC 6762, RFC 6763): announce services on the local links, find those of others.
 *
 *     struct iso_mdns_uv *mdns;
 *     struct iso_mdns_uv_config config = {.host = NULL};            // the system's host name
 *     err = iso_mdns_uv_create(loop, &config, &mdns, &report);
 *
 *     const char *txt[] = {"td=/.well-known/wot", "type=Thing", "scheme=https"};
 *     struct iso_mdns_service service = {
 *         .instance = "Camera in the hall", .type = "_wot._tcp", .port = 8443,
 *         .txt = txt, .txt_count = 3};
 *     err = iso_mdns_uv_service_add(mdns, &service, &id, &report);
 *     err = iso_mdns_uv_browse(mdns, "_isomer._tcp", NULL, on_peer, ctx, &browse_id, &report);
 *     ...
 *     iso_mdns_uv_stop(mdns, on_stopped, ctx);                      // says goodbye, then frees
 *
 * What peers say is unverified: whoever is on the link can claim any name, address or text. Text of
 * theirs is valid UTF-8 but may hold anything else.
 *
 * All calls belong to the thread of the loop; none blocks. Callbacks come from the loop, never from
 * within a call of this header. The state machine under it (net/mdns_core.h) does no I/O and is
 * inside src/net only. */
#ifndef ISO_NET_MDNS_H
#define ISO_NET_MDNS_H

#include "base/base.h"

#include "net/mdns_limits.h"

#include <stdbool.h>

struct uv_loop_s; /* uv_loop_t of libuv, whose header is not needed here */

struct iso_mdns_address {
    uint8_t family;      /* 4 or 6 */
    uint8_t prefix_bits; /* of our own interfaces; 0 for addresses of peers */
    uint32_t scope_id;   /* the interface's index for a link-local IPv6 address, otherwise 0 */
    uint8_t bytes[16];   /* 4 or 16 of them, in network order */
};

/* Room for an address as text: "192.0.2.1", "2001:db8::1", "fe80::1%2", with the closing zero. */
#define ISO_MDNS_ADDRESS_TEXT_MAX 64u

/* The text of an address, for URIs' hosts without their brackets. */
void iso_mdns_address_text(const struct iso_mdns_address *address,
                           char out[ISO_MDNS_ADDRESS_TEXT_MAX]);

/* What to announce. Everything is borrowed for the call only. */
struct iso_mdns_service {
    const char *instance;        /* for people: 1 to 63 bytes of UTF-8 without control characters */
    const char *type;            /* "_wot._tcp"; ends in _tcp or _udp */
    const char *const *subtypes; /* "_printer"; at most ISO_MDNS_SUBTYPES_MAX */
    size_t subtype_count;
    uint16_t port;          /* not 0 */
    const char *const *txt; /* "key=value", "key=" or "key"; together ISO_MDNS_TXT_MAX at most */
    size_t txt_count;
};

enum iso_mdns_change {
    ISO_MDNS_FOUND,   /* everything below is known */
    ISO_MDNS_CHANGED, /* host, port, addresses or TXT are not what they were */
    ISO_MDNS_LOST,    /* said goodbye, or was silent for too long: only interface, instance, type */
};

/* An instance as seen through one interface: one that is reached through two is reported twice, for
 * equal names on two links need not be the same device. Borrowed for the callback. */
struct iso_mdns_peer {
    enum iso_mdns_change change;
    uint32_t interface;   /* the system's index */
    const char *instance; /* one label, as it is: dots and blanks are part of it */
    const char *type;     /* "_wot._tcp", as given to the browse */
    const char *host;     /* "camera.local"; special characters escaped as in zone files */
    uint16_t port;
    const struct iso_mdns_address *addresses; /* at least one */
    size_t address_count;
    struct iso_bytes txt; /* for iso_mdns_txt_find and iso_mdns_txt_next */
};

/* The value of a key in a TXT record (RFC 6763, section 6.4): keys are compared without regard to
 * case, the first one counts. False when it is not there; a key without "=" has an empty value.
 * *value is borrowed from txt and may hold any bytes. */
bool iso_mdns_txt_find(struct iso_bytes txt, const char *key, struct iso_bytes *value);

/* The texts of a TXT record one after the other; *at begins with 0. False after the last; empty
 * texts are passed over. */
bool iso_mdns_txt_next(struct iso_bytes txt, size_t *at, struct iso_bytes *text);

/* One of our names was taken on the link, and another one was chosen (RFC 6762, section 9). */
struct iso_mdns_rename {
    uint32_t service; /* 0: the host name */
    const char *name; /* the new instance name; of the host with ".local". Borrowed */
};

struct iso_mdns_uv;

/* A peer was found, changed or lost. */
typedef void (*iso_mdns_peer_cb)(void *ctx, const struct iso_mdns_peer *peer);
typedef void (*iso_mdns_rename_cb)(void *ctx, const struct iso_mdns_rename *rename);
typedef void (*iso_mdns_stopped_cb)(void *ctx);

/* Borrowed for iso_mdns_uv_create. */
struct iso_mdns_uv_config {
    const char *host; /* without ".local", at most 63 bytes; NULL: the system's, to its first dot */
    /* Names of the only interfaces to use ("eth0"); none: all that can multicast and are up. */
    const char *const *interfaces;
    size_t interface_count;
    bool loopback;                /* use the loopback interface too, for tests on one machine */
    iso_mdns_rename_cb on_rename; /* may be NULL */
    void *ctx;                    /* of on_rename */
};

/*
 * Opens the sockets and begins to claim the host name on every interface. Shares port 5353 with
 * other responders of the machine. Either of IPv4 and IPv6 is enough. `loop` is kept. Errors:
 * ARGUMENT (the host name), NOMEM, ACCESS, EXISTS (the port belongs to a program that does not
 * share it), IO.
 */
ISO_MUST_CHECK enum iso_err iso_mdns_uv_create(struct uv_loop_s *loop,
                                               const struct iso_mdns_uv_config *config,
                                               struct iso_mdns_uv **out, struct iso_report *report);

/*
 * Announces a service once its name is known to be free, on all interfaces, now and later ones.
 * Errors: ARGUMENT, EXISTS (same instance and type), LIMIT (ISO_MDNS_SERVICES_MAX), NOMEM.
 */
ISO_MUST_CHECK enum iso_err iso_mdns_uv_service_add(struct iso_mdns_uv *mdns,
                                                    const struct iso_mdns_service *service,
                                                    struct iso_report *report);

/*
 * Looks for instances of a type ("_wot._tcp"), with subtype ("_printer") those of it only;
 * `subtype` may be NULL. Our own services are not reported. Goes on until iso_mdns_uv_stop.
 * Errors: ARGUMENT, LIMIT (ISO_MDNS_BROWSES_MAX).
 */
ISO_MUST_CHECK enum iso_err iso_mdns_uv_browse(struct iso_mdns_uv *mdns, const char *type,
                                               const char *subtype, iso_mdns_peer_cb on_peer,
                                               void *ctx, struct iso_report *report);

/* The host name in use, with ".local"; borrowed, valid until the next call or callback. */
const char *iso_mdns_uv_host(struct iso_mdns_uv *mdns);

/*
 * Says goodbye for everything, closes, frees *mdns, and calls on_stopped (may be NULL) from the
 * loop. No other callback comes after this call, and mdns must not be used again.
 */
void iso_mdns_uv_stop(struct iso_mdns_uv *mdns, iso_mdns_stopped_cb on_stopped, void *ctx);

#endif
