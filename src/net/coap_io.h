/* A libcoap context on a libuv loop.
 *
 * libcoap calls back from the depth of its reading and writing, where a session must be neither
 * used nor released freely; what callbacks decide is therefore done in `pump`, from the loop. */
#ifndef ISO_NET_COAP_IO_H
#define ISO_NET_COAP_IO_H

#include "net/coap.h"

#include <coap3/coap.h>

struct iso_coap_io {
    coap_context_t *context;
    uv_loop_t *loop;
    uv_poll_t poll;
    uv_prepare_t prepare;
    uv_timer_t wake;
    uv_timer_t tick;
    void *owner;
    /* Called once after libcoap has worked, and once after iso_coap_io_want, from the loop. */
    void (*pump)(void *owner);
    /* Called by the tick timer. */
    void (*on_tick)(void *owner);
    /* Called when the handles are closed. */
    void (*closed)(void *owner);
    unsigned handles;
    bool wanted;
};

/* Makes the context and starts. The caller has set owner, pump, on_tick and closed; `io` must not
 * move and live until closed() comes. ISO_E_NOMEM, ISO_E_IO: then closed() does not come. */
ISO_MUST_CHECK enum iso_err iso_coap_io_open(struct iso_coap_io *io, uv_loop_t *loop,
                                             struct iso_report *report);

/* Frees the context: sessions must have been released. closed() comes when the loop turns. */
void iso_coap_io_close(struct iso_coap_io *io);

/* Something is to be done in pump(), or something was sent: libcoap's timers are set anew. */
void iso_coap_io_want(struct iso_coap_io *io);

/* Calls on_tick after `ms`, unless it is due earlier. */
void iso_coap_io_tick_within(struct iso_coap_io *io, uint64_t ms);

/* Sets TCP_NODELAY, close-on-exec and a decent backlog on all sockets of the context, which libcoap
 * does not do. */
void iso_coap_io_tune(struct iso_coap_io *io);

static inline uint64_t iso_coap_io_now(const struct iso_coap_io *io)
{
    return uv_now(io->loop);
}

static inline coap_proto_t iso_coap_proto(enum iso_coap_transport transport)
{
    static const coap_proto_t protos[] = {COAP_PROTO_UDP, COAP_PROTO_TCP, COAP_PROTO_DTLS,
                                          COAP_PROTO_TLS};
    return protos[transport];
}

static inline bool iso_coap_is_stream(enum iso_coap_transport transport)
{
    return transport == ISO_COAP_TCP || transport == ISO_COAP_TLS;
}

static inline bool iso_coap_is_secure(enum iso_coap_transport transport)
{
    return transport == ISO_COAP_DTLS || transport == ISO_COAP_TLS;
}

/* False when the family is neither IPv4 nor IPv6. */
bool iso_coap_address_set(coap_address_t *out, const struct sockaddr_storage *address);

#endif
