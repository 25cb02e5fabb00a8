/* Sessions of the CoAP server: who is connected, within which limits, under which key. */
#include "net/coap_server.h"

#include <netinet/in.h>

/* Whether two addresses count as one peer: one host usually has a whole /64 of IPv6; addresses of
 * IPv4 that came through a socket of IPv6 count in full. */
static bool same_host(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
    if (a->ss_family != b->ss_family) {
        return false;
    }
    if (a->ss_family == AF_INET6) {
        const struct in6_addr *a6 = &((const struct sockaddr_in6 *)a)->sin6_addr;
        const struct in6_addr *b6 = &((const struct sockaddr_in6 *)b)->sin6_addr;
        return memcmp(a6, b6, IN6_IS_ADDR_V4MAPPED(a6) ? 16 : 8) == 0;
    }
    return ((const struct sockaddr_in *)a)->sin_addr.s_addr ==
           ((const struct sockaddr_in *)b)->sin_addr.s_addr;
}

static bool is_busy(const struct iso_coap_session *session)
{
    return session->pending != NULL || session->observers != NULL;
}

/* Whether there is a place for one more. A sender of plain datagrams costs nothing to invent, so
 * those that wait for nothing give way, the one heard last longest ago first. */
static bool has_place(struct iso_coap_server *server)
{
    struct iso_coap_session *oldest = NULL;
    uint32_t count = 0;
    for (struct iso_coap_session *s = server->sessions; s != NULL; s = s->next) {
        count += s->closing ? 0 : 1;
        if (s->transport == ISO_COAP_UDP && !s->closing && !is_busy(s) &&
            (oldest == NULL || s->used_ms <= oldest->used_ms)) {
            oldest = s;
        }
    }
    if (count >= server->limits.sessions && oldest != NULL) {
        iso_coap_session_close(oldest);
        count--;
    }
    return count < server->limits.sessions;
}

static bool is_half_open(const struct iso_coap_session *session)
{
    return !session->ready && !session->closing;
}

static uint32_t half_open_of(const struct iso_coap_server *server,
                             const struct sockaddr_storage *peer)
{
    uint32_t count = 0;
    for (const struct iso_coap_session *s = server->sessions; s != NULL; s = s->next) {
        count += is_half_open(s) && same_host(&s->peer, peer) ? 1 : 0;
    }
    return count;
}

/* All places for handshakes are taken: the oldest one of the host that has most gives way. */
static void half_open_evict(struct iso_coap_server *server)
{
    struct iso_coap_session *victim = NULL;
    uint32_t most = 0;
    /* The newest session stands first, so the last of equals is the oldest. */
    for (struct iso_coap_session *s = server->sessions; s != NULL; s = s->next) {
        uint32_t count = is_half_open(s) ? half_open_of(server, &s->peer) : 0;
        if (count > 0 && count >= most) {
            victim = s;
            most = count;
        }
    }
    if (victim != NULL) {
        server->stats.refused_handshakes++;
        iso_coap_session_close(victim);
    }
}

/* Whether one more handshake of a stream may begin: a host has at most a quarter of the places. */
static bool may_shake_hands(struct iso_coap_server *server, const struct sockaddr_storage *peer)
{
    const uint32_t limit = server->limits.handshakes;
    uint32_t handshakes = 0;
    if (half_open_of(server, peer) >= (limit >= 4 ? limit / 4 : 1)) {
        return false;
    }
    for (const struct iso_coap_session *s = server->sessions; s != NULL; s = s->next) {
        handshakes += is_half_open(s) ? 1 : 0;
    }
    if (handshakes >= limit) {
        half_open_evict(server);
    }
    return true;
}

/* Whether one more session of this kind may be. */
static bool within_limits(struct iso_coap_server *server, enum iso_coap_transport transport,
                          const struct sockaddr_storage *peer)
{
    if (!has_place(server)) {
        return false;
    }
    uint32_t of_host = 0;
    for (const struct iso_coap_session *s = server->sessions; s != NULL; s = s->next) {
        of_host += iso_coap_is_stream(s->transport) && same_host(&s->peer, peer) ? 1 : 0;
    }
    if (!iso_coap_is_stream(transport)) {
        return true; /* handshakes of DTLS are limited by libcoap, which knows them */
    }
    return of_host < server->limits.sessions_per_address && may_shake_hands(server, peer);
}

static enum iso_coap_transport transport_of(coap_session_t *cs)
{
    switch (coap_session_get_proto(cs)) {
    case COAP_PROTO_TCP:
        return ISO_COAP_TCP;
    case COAP_PROTO_DTLS:
        return ISO_COAP_DTLS;
    case COAP_PROTO_TLS:
        return ISO_COAP_TLS;
    case COAP_PROTO_UDP:
    case COAP_PROTO_NONE:
        break;
    }
    return ISO_COAP_UDP;
}

static void peer_address(coap_session_t *cs, struct sockaddr_storage *out)
{
    memset(out, 0, sizeof(*out));
    const coap_address_t *address = coap_session_get_addr_remote(cs);
    if (address != NULL) {
        memcpy(out, &address->addr, sizeof(address->addr));
    }
}

/* Sessions that have none of ours are closed by way of a mark in their application data. */
static char refused_mark;

static struct iso_coap_session *session_add(struct iso_coap_server *server, coap_session_t *cs)
{
    struct sockaddr_storage peer;
    peer_address(cs, &peer);
    enum iso_coap_transport transport = transport_of(cs);
    struct iso_coap_session *session = NULL;
    if (within_limits(server, transport, &peer)) {
        session = iso_alloc_new(server->alloc, sizeof(*session));
    }
    struct iso_coap_recent *recent = NULL;
    if (session != NULL && !iso_coap_is_stream(transport)) {
        recent = iso_alloc_array(server->alloc, ISO_COAP_RECENT_MAX, sizeof(*recent));
        if (recent == NULL) {
            iso_alloc_free(server->alloc, session, sizeof(*session));
            session = NULL;
        }
    }
    if (session == NULL) {
        server->stats.refused_sessions++;
        return NULL;
    }
    session->recent = recent;
    for (size_t i = 0; recent != NULL && i < ISO_COAP_RECENT_MAX; i++) {
        iso_buf_init(&recent[i].payload, server->alloc, ISO_COAP_PART_DATAGRAM);
    }
    session->server = server;
    session->cs = coap_session_reference(cs);
    session->number = ++server->next_session;
    session->transport = transport;
    session->peer = peer;
    session->since_ms = session->used_ms = iso_coap_server_now(server);
    session->next = server->sessions;
    if (server->sessions != NULL) {
        server->sessions->prev = session;
    }
    server->sessions = session;
    server->session_count++;
    server->stats.sessions++;
    coap_session_set_app_data(cs, session);
    iso_coap_io_tick_within(&server->io, 1000);
    return session;
}

/* After the handshake: whose key it was. The key is looked up once more, as libcoap gives the
 * callback of the handshake no place to keep the principal, and compared, as it may be another by
 * now. */
static bool session_identify(struct iso_coap_session *session)
{
    struct iso_coap_server *server = session->server;
    const coap_bin_const_t *identity = coap_session_get_psk_identity(session->cs);
    const coap_bin_const_t *key = coap_session_get_psk_key(session->cs);
    struct iso_coap_psk found;
    memset(&found, 0, sizeof(found));
    if (identity == NULL || key == NULL || identity->length > ISO_COAP_IDENTITY_MAX ||
        !server->config.on_psk(server->config.ctx,
                               iso_str_from((const char *)identity->s, identity->length), &found)) {
        return false;
    }
    bool same = found.key_len == key->length && memcmp(found.key, key->s, key->length) == 0;
    memset(&found.key, 0, sizeof(found.key));
    if (same) {
        memcpy(session->identity, identity->s, identity->length);
        session->secure = true;
        session->principal = found.principal;
    }
    return same;
}

struct iso_coap_session *iso_coap_session_of(struct iso_coap_server *server, coap_session_t *cs)
{
    void *data = coap_session_get_app_data(cs);
    if (data == &refused_mark) {
        return NULL;
    }
    struct iso_coap_session *session = data;
    if (session == NULL) {
        session = session_add(server, cs);
        if (session == NULL) {
            return NULL; /* A datagram peer: it may try again. */
        }
    }
    if (!session->ready && !session->closing) {
        session->ready = true;
        if (iso_coap_is_secure(session->transport) && !session_identify(session)) {
            iso_coap_session_close(session);
        }
    }
    session->used_ms = iso_coap_server_now(server);
    return session->closing ? NULL : session;
}

void iso_coap_session_close(struct iso_coap_session *session)
{
    session->closing = true;
    session->server->any_closing = true;
    iso_coap_io_want(&session->server->io);
}

void iso_coap_session_release(struct iso_coap_session *session)
{
    struct iso_coap_server *server = session->server;
    while (session->observers != NULL) {
        iso_coap_observer_remove(session->observers);
    }
    while (session->pending != NULL) {
        iso_coap_pending_remove(session->pending);
    }
    while (session->partials != NULL) {
        iso_coap_partial_remove(session, session->partials);
    }
    if (session->recent != NULL) {
        for (size_t i = 0; i < ISO_COAP_RECENT_MAX; i++) {
            iso_buf_fini(&session->recent[i].payload);
        }
        iso_alloc_free(server->alloc, session->recent,
                       ISO_COAP_RECENT_MAX * sizeof(*session->recent));
    }
    if (session->prev != NULL) {
        session->prev->next = session->next;
    } else {
        server->sessions = session->next;
    }
    if (session->next != NULL) {
        session->next->prev = session->prev;
    }
    server->session_count--;
    coap_session_set_app_data(session->cs, &refused_mark);
    /* Closes the connection; libcoap frees a server session that is closed and not referenced. */
    coap_session_disconnected(session->cs, COAP_NACK_RST);
    if (session->transport == ISO_COAP_UDP) {
        coap_session_set_app_data(session->cs, NULL); /* its next request makes a new one */
    }
    coap_session_release(session->cs);
    iso_alloc_free(server->alloc, session, sizeof(*session));
    iso_coap_io_want(&server->io);
}

/* Whether more is under way to the peer than it may leave unread. Who has no key must read as fast
 * as it asks; who has one may get many answers in one turn of the loop, and then has some time. */
static bool does_not_read(const struct iso_coap_session *session)
{
    uint64_t limit = session->server->limits.unread_bytes;
    uint64_t unread = iso_coap_flow_unread(&session->flow);
    if (unread <= limit) {
        return false;
    }
    return !session->secure || unread > limit * ISO_COAP_UNREAD_FACTOR ||
           (session->flow.ping_under_way &&
            iso_coap_server_now(session->server) - session->pinged_ms >= ISO_COAP_UNREAD_MS);
}

static void ping(struct iso_coap_session *session)
{
    session->pinged_ms = iso_coap_server_now(session->server);
    (void)coap_session_send_ping(session->cs);
}

void iso_coap_session_sent(struct iso_coap_session *session, size_t bytes)
{
    if (!iso_coap_is_stream(session->transport) || session->closing) {
        return;
    }
    if (iso_coap_flow_sent(&session->flow, bytes)) {
        ping(session);
    }
    if (does_not_read(session)) {
        session->server->stats.slow_sessions++;
        iso_coap_session_close(session);
    }
}

size_t iso_coap_session_room(const struct iso_coap_session *session)
{
    if (!iso_coap_is_stream(session->transport)) {
        return ISO_COAP_PART_DATAGRAM;
    }
    size_t message = coap_session_max_pdu_size(session->cs);
    return message >= ISO_COAP_PART_STREAM + 512    ? ISO_COAP_PART_STREAM
           : message >= ISO_COAP_PART_DATAGRAM + 64 ? ISO_COAP_PART_DATAGRAM
                                                    : 16;
}

void iso_coap_sessions_expire(struct iso_coap_server *server)
{
    uint64_t now = iso_coap_server_now(server);
    for (struct iso_coap_session *s = server->sessions; s != NULL; s = s->next) {
        iso_coap_partials_expire(s);
        if (s->closing) {
            continue;
        }
        if (!s->ready && now - s->since_ms >= server->limits.handshake_ms) {
            server->stats.refused_handshakes++;
            iso_coap_session_close(s);
        } else if (!is_busy(s) && now - s->used_ms >= server->limits.idle_ms) {
            iso_coap_session_close(s);
        } else if (does_not_read(s)) {
            server->stats.slow_sessions++;
            iso_coap_session_close(s);
        }
    }
}

int iso_coap_server_on_event(coap_session_t *cs, const coap_event_t event)
{
    struct iso_coap_server *server = coap_get_app_data(coap_session_get_context(cs));
    void *data = coap_session_get_app_data(cs);
    struct iso_coap_session *session = data == &refused_mark ? NULL : data;
    switch (event) {
    case COAP_EVENT_SERVER_SESSION_NEW:
        server->any_new = true;
        if (coap_session_get_proto(cs) == COAP_PROTO_TCP ||
            coap_session_get_proto(cs) == COAP_PROTO_TLS) {
            if (session == NULL && session_add(server, cs) == NULL) {
                coap_session_set_app_data(cs, &refused_mark);
                /* Closes the socket now; libcoap frees the rest when it is back in its loop. */
                coap_session_disconnected(cs, COAP_NACK_RST);
            }
        }
        break;
    case COAP_EVENT_DTLS_ERROR:
    case COAP_EVENT_DTLS_CLOSED:
    case COAP_EVENT_TCP_CLOSED:
    case COAP_EVENT_TCP_FAILED:
    case COAP_EVENT_SESSION_CLOSED:
    case COAP_EVENT_SESSION_FAILED:
        if (session != NULL && !session->closing) {
            server->stats.refused_handshakes +=
                !session->ready && iso_coap_is_secure(session->transport) ? 1 : 0;
            iso_coap_session_close(session);
        }
        break;
    case COAP_EVENT_SESSION_CONNECTED:
        if (session != NULL) {
            (void)iso_coap_session_of(server, cs);
        }
        break;
    default:
        break;
    }
    return 0;
}

void iso_coap_server_on_pong(coap_session_t *cs, const coap_pdu_t *pdu, const coap_mid_t mid)
{
    (void)pdu;
    (void)mid;
    struct iso_coap_server *server = coap_get_app_data(coap_session_get_context(cs));
    void *data = coap_session_get_app_data(cs);
    if (data != NULL && data != &refused_mark) {
        struct iso_coap_session *session = data;
        iso_coap_flow_pong(&session->flow);
        session->used_ms = iso_coap_server_now(server);
        if (iso_coap_flow_unread(&session->flow) >= ISO_COAP_PING_BYTES &&
            iso_coap_flow_sent(&session->flow, 0)) {
            ping(session);
        }
        server->any_dirty = true;
    }
}

void iso_coap_server_on_nack(coap_session_t *cs, const coap_pdu_t *sent,
                             const coap_nack_reason_t reason, const coap_mid_t mid)
{
    (void)reason;
    (void)mid;
    void *data = coap_session_get_app_data(cs);
    if (data == NULL || data == &refused_mark || sent == NULL) {
        return;
    }
    /* A notification that the peer rejects, or does not confirm, ends its observation (RFC 7641,
     * sections 3.6 and 4.5); in the pump, as this may come from within the sending of one. */
    coap_bin_const_t token = coap_pdu_get_token(sent);
    struct iso_coap_observer *observer = iso_coap_observer_find(data, token.s, token.length);
    if (observer != NULL) {
        observer->gone = true;
        observer->session->server->any_dirty = true;
        iso_coap_io_want(&observer->session->server->io);
    }
}

const coap_bin_const_t *iso_coap_server_on_psk(coap_bin_const_t *identity, coap_session_t *cs,
                                               void *arg)
{
    (void)cs;
    struct iso_coap_server *server = arg;
    memset(&server->psk_found, 0, sizeof(server->psk_found));
    if (identity->length > ISO_COAP_IDENTITY_MAX ||
        !server->config.on_psk(server->config.ctx,
                               iso_str_from((const char *)identity->s, identity->length),
                               &server->psk_found) ||
        server->psk_found.key_len == 0 || server->psk_found.key_len > ISO_COAP_KEY_MAX) {
        server->stats.refused_handshakes++;
        return NULL;
    }
    /* libcoap copies it at once. */
    server->psk.s = server->psk_found.key;
    server->psk.length = server->psk_found.key_len;
    return &server->psk;
}
