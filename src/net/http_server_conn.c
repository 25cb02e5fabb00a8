/* Connections of the HTTP server: accepting within the limits, deadlines, noticing that a client
 * has gone while nothing is read from it. */
#define _GNU_SOURCE /* accept4 */
#include "net/http_server_internal.h"
#include "net/http_server_taken.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <netinet/tcp.h>
#include <unistd.h>

/* ---- Peers -------------------------------------------------------------------------------- */

/* An IPv4 address that came through an IPv6 socket is an IPv4 address. */
static void peer_unmap(struct sockaddr_storage *peer)
{
    struct sockaddr_in6 v6;
    if (peer->ss_family != AF_INET6) {
        return;
    }
    memcpy(&v6, peer, sizeof v6);
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
        struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = v6.sin6_port};
        memcpy(&v4.sin_addr, &v6.sin6_addr.s6_addr[12], 4);
        memset(peer, 0, sizeof *peer);
        memcpy(peer, &v4, sizeof v4);
    }
}

/* The bytes of an address by which connections are counted: one host usually has a whole /64. */
static size_t peer_group(const struct sockaddr_storage *peer, uint8_t out[8])
{
    if (peer->ss_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, peer, sizeof v6);
        memcpy(out, v6.sin6_addr.s6_addr, 8);
        return 8;
    }
    struct sockaddr_in v4;
    memcpy(&v4, peer, sizeof v4);
    memcpy(out, &v4.sin_addr, 4);
    return 4;
}

static bool peer_is_loopback(const struct sockaddr_storage *peer)
{
    if (peer->ss_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, peer, sizeof v6);
        return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
    }
    uint8_t address[8];
    (void)peer_group(peer, address);
    return address[0] == 127;
}

static void peer_set(struct http_connection *conn, const struct sockaddr_storage *peer)
{
    conn->peer = *peer;
    const void *address = peer->ss_family == AF_INET6
                              ? (const void *)&((const struct sockaddr_in6 *)peer)->sin6_addr
                              : (const void *)&((const struct sockaddr_in *)peer)->sin_addr;
    (void)inet_ntop(peer->ss_family, address, conn->peer_text, sizeof conn->peer_text);
}

static bool same_group(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
    uint8_t group_a[8], group_b[8];
    size_t len = peer_group(a, group_a);
    return peer_group(b, group_b) == len && memcmp(group_a, group_b, len) == 0;
}

static uint32_t count_of_group(const struct iso_http_server *server,
                               const struct sockaddr_storage *peer)
{
    uint32_t count = 0;
    for (size_t i = 0; i < server->limits.connections; i++) {
        count += server->slots[i] != NULL && same_group(&server->slots[i]->peer, peer) ? 1 : 0;
    }
    return count;
}

/* TLS handshakes under way from the group of an address. */
static uint32_t handshakes_of_group(const struct iso_http_server *server,
                                    const struct sockaddr_storage *peer)
{
    uint32_t count = 0;
    for (size_t i = 0; i < server->limits.connections; i++) {
        const struct http_connection *conn = server->slots[i];
        count += conn != NULL && conn->handshaking && same_group(&conn->peer, peer) ? 1 : 0;
    }
    return count;
}

/* ---- Deadlines and the watch -------------------------------------------------------------- */

void http_connection_deadline(struct http_connection *conn, uint64_t ms)
{
    conn->deadline_ms = ms != 0 ? uv_now(conn->server->loop) + ms : 0;
}

uint64_t http_time_allowed(const struct iso_http_server *server, uint64_t bytes)
{
    return server->limits.stall_ms + bytes / server->limits.min_bytes_per_s * 1000;
}

void http_connection_resume(struct http_connection *conn)
{
    http_connection_unwatch(conn);
    MHD_resume_connection(conn->mhd);
    http_kick(conn->listener);
}

void http_connection_kill(struct http_connection *conn)
{
    if (conn->killed) {
        return;
    }
    conn->killed = true;
    conn->req.abort = true;
    struct http_stream *stream = conn->req.stream;
    if (conn->req.stage == HTTP_DEFERRED) {
        http_connection_resume(conn);
    } else if (stream != NULL && stream->waiting) {
        stream->waiting = false;
        http_connection_resume(conn);
    } else {
        /* libmicrohttpd finds the socket closed and does the rest. */
        (void)shutdown(conn->fd, SHUT_RDWR);
    }
}

static void on_watch(uv_poll_t *handle, int status, int events)
{
    (void)status;
    (void)events;
    struct http_connection *conn = handle->data;
    http_connection_kill(conn);
    http_connection_unwatch(conn);
}

static void connection_watch(struct http_connection *conn)
{
    if (!conn->watch_open) {
        conn->watch.data = conn;
        if (uv_poll_init(conn->server->loop, &conn->watch, conn->fd) != 0) {
            return; /* then we notice when we answer */
        }
        conn->watch_open = true;
        conn->server->open_handles++;
    }
    conn->watching = uv_poll_start(&conn->watch, UV_DISCONNECT, on_watch) == 0;
}

void http_connection_unwatch(struct http_connection *conn)
{
    if (conn->watching) {
        conn->watching = false;
        (void)uv_poll_stop(&conn->watch);
    }
}

/* Whether the client has closed its side and everything that it sent has been read: libmicrohttpd
 * does not notice when the end comes together with the last bytes. */
static bool is_ended(const struct http_connection *conn)
{
    char byte;
    return recv(conn->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/* Whether a client that is being answered has taken too little for too long. */
static bool is_stalled(struct http_connection *conn, uint64_t now_ms)
{
    const struct iso_http_limits *limits = &conn->server->limits;
    uint64_t taken;
    if (conn->taken_ms != 0 && now_ms - conn->taken_ms < limits->stall_ms) {
        return false;
    }
    if (!http_bytes_taken(conn->fd, &taken)) {
        return false;
    }
    uint64_t least = (uint64_t)limits->min_bytes_per_s * limits->stall_ms / 1000;
    bool stalled = conn->taken_ms != 0 && taken - conn->taken_bytes < least;
    conn->taken_ms = now_ms;
    conn->taken_bytes = taken;
    return stalled;
}

/* Whether the time of the connection is up in one way or another. */
static bool is_late(struct http_connection *conn, uint64_t now_ms)
{
    bool passed = conn->deadline_ms != 0 && now_ms >= conn->deadline_ms;
    return passed || (conn->req.stage == HTTP_ANSWERED && is_stalled(conn, now_ms));
}

void http_connection_tick(struct http_connection *conn, uint64_t now_ms)
{
    if (conn->killed) {
        return;
    }
    if (is_late(conn, now_ms)) {
        conn->server->stats.timed_out++;
        http_connection_kill(conn);
        return;
    }
    struct iso_http_request *req = &conn->req;
    bool reading = req->stage == HTTP_IDLE || req->stage == HTTP_TARGET ||
                   req->stage == HTTP_BODY || req->stage == HTTP_HELD;
    if (reading && is_ended(conn)) {
        http_connection_kill(conn);
        return;
    }
    bool suspended =
        req->stage == HTTP_DEFERRED || (req->stage == HTTP_STREAM && req->stream->waiting);
    if (suspended && !conn->watching && now_ms >= req->deferred_ms + conn->server->tick_ms / 2) {
        connection_watch(conn);
    }
    if (req->stage == HTTP_STREAM) {
        http_stream_tick(req, now_ms);
    } else if (req->stage == HTTP_IDLE && conn->server->closing) {
        http_connection_kill(conn);
    }
}

/* ---- Beginning and end -------------------------------------------------------------------- */

/* In the handshake the peer's Finished has come (RFC 8446, section 4.4.4): that is the end of it,
 * or as good as. */
static int on_finished(gnutls_session_t session, unsigned type, unsigned when, unsigned incoming,
                       const gnutls_datum_t *message)
{
    (void)type;
    (void)when;
    (void)message;
    struct MHD_Connection *mhd = gnutls_session_get_ptr(session);
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct http_connection *conn = info != NULL ? info->socket_context : NULL;
    if (conn != NULL && incoming != 0 && conn->handshaking) {
        conn->handshaking = false;
        conn->server->handshakes--;
        http_connection_deadline(conn, conn->server->limits.header_ms);
    }
    return 0;
}

static void connection_begin(struct http_connection *conn, struct MHD_Connection *mhd)
{
    struct iso_http_server *server = conn->server;
    conn->mhd = mhd;
    server->slots[conn->index] = conn;
    server->stats.accepted++;
    server->stats.connections++;
    http_connection_deadline(conn, server->limits.header_ms);
    if (conn->listener->is_tls) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
        conn->handshaking = true;
        server->handshakes++;
        http_connection_deadline(conn, server->limits.handshake_ms);
        gnutls_handshake_set_hook_function(info->tls_session, GNUTLS_HANDSHAKE_FINISHED,
                                           GNUTLS_HOOK_POST, on_finished);
    }
    http_sweep_start(server);
}

static void connection_free(struct http_connection *conn)
{
    iso_alloc_free(iso_alloc_libc(), conn, sizeof *conn);
}

static void on_watch_closed(uv_handle_t *handle)
{
    struct http_connection *conn = handle->data;
    struct iso_http_server *server = conn->server;
    connection_free(conn);
    http_handle_closed(server);
}

static void connection_end(struct http_connection *conn)
{
    struct iso_http_server *server = conn->server;
    server->slots[conn->index] = NULL;
    server->free_slots[server->free_count++] = conn->index;
    server->stats.connections--;
    server->handshakes -= conn->handshaking ? 1 : 0;
    if (conn->watch_open) {
        /* Before libmicrohttpd closes the socket: its number may be another's a moment later. */
        http_connection_unwatch(conn);
        uv_close((uv_handle_t *)&conn->watch, on_watch_closed);
    } else {
        connection_free(conn);
    }
}

void http_on_connection(void *ctx, struct MHD_Connection *mhd, void **socket_context,
                        enum MHD_ConnectionNotificationCode code)
{
    struct http_listener *listener = ctx;
    struct iso_http_server *server = listener->server;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *socket_context = server->accepting;
        connection_begin(server->accepting, mhd);
        server->accepting = NULL;
    } else if (*socket_context != NULL) {
        connection_end(*socket_context);
        *socket_context = NULL;
    }
}

/* Too many connections: say so where that costs nothing. */
static void refuse_connection(struct http_listener *listener, int fd)
{
    static const char answer[] = "HTTP/1.1 503 Service Unavailable\r\n"
                                 "Content-Type: application/problem+json\r\n"
                                 "X-Content-Type-Options: nosniff\r\n"
                                 "Cache-Control: no-store\r\n"
                                 "Retry-After: 1\r\n"
                                 "Connection: close\r\n"
                                 "Content-Length: 81\r\n\r\n"
                                 "{\"type\":\"about:blank\",\"title\":\"Service Unavailable\","
                                 "\"status\":503,\"detail\":\"busy\"}";
    listener->server->stats.refused++;
    if (!listener->is_tls) {
        (void)send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
        (void)shutdown(fd, SHUT_WR);
    }
    (void)close(fd);
}

/* The places for handshakes are all taken: the oldest one of the group that has most gives way, so
 * that a few who never finish theirs keep nobody else out. */
static void make_room_for_handshake(struct iso_http_server *server)
{
    struct http_connection *victim = NULL;
    uint32_t most = 0;
    for (size_t i = 0; i < server->limits.connections; i++) {
        struct http_connection *conn = server->slots[i];
        if (conn == NULL || !conn->handshaking) {
            continue;
        }
        uint32_t count = handshakes_of_group(server, &conn->peer);
        if (count > most || (count == most && conn->deadline_ms < victim->deadline_ms)) {
            victim = conn;
            most = count;
        }
    }
    if (victim != NULL) {
        victim->handshaking = false;
        server->handshakes--;
        server->stats.timed_out++;
        http_connection_kill(victim);
    }
}

/* Whether the TLS handshake of this peer may begin. A group of addresses has at most a quarter of
 * the places, loopback too. */
static bool may_shake_hands(struct iso_http_server *server, const struct sockaddr_storage *peer)
{
    const uint32_t limit = server->limits.handshakes;
    const uint32_t share = limit >= 4 ? limit / 4 : 1;
    if (handshakes_of_group(server, peer) >= share) {
        return false;
    }
    if (server->handshakes >= limit) {
        make_room_for_handshake(server);
    }
    return server->handshakes < limit;
}

static bool is_welcome(const struct http_listener *listener, const struct sockaddr_storage *peer)
{
    struct iso_http_server *server = listener->server;
    const struct iso_http_limits *limits = &server->limits;
    return server->free_count != 0 &&
           ((server->loopback_exempt && peer_is_loopback(peer)) ||
            count_of_group(server, peer) < limits->connections_per_address) &&
           (!listener->is_tls || may_shake_hands(server, peer));
}

/* A peer that vanished without a word (no power, no network) is noticed within minutes, whatever
 * its connection is waiting for. */
static void watch_for_silence(int fd)
{
    const struct {
        int level, name, value;
    } options[] = {{SOL_SOCKET, SO_KEEPALIVE, 1},
                   {IPPROTO_TCP, TCP_KEEPIDLE, HTTP_PROBE_AFTER_S},
                   {IPPROTO_TCP, TCP_KEEPINTVL, HTTP_PROBE_EVERY_S},
                   {IPPROTO_TCP, TCP_KEEPCNT, HTTP_PROBES},
                   {IPPROTO_TCP, TCP_USER_TIMEOUT, HTTP_UNACKNOWLEDGED_MS}};
    for (size_t i = 0; i < ISO_COUNT_OF(options); i++) {
        (void)setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(int));
    }
}

static void admit(struct http_listener *listener, int fd, struct sockaddr_storage *peer,
                  socklen_t peer_len)
{
    struct iso_http_server *server = listener->server;
    struct sockaddr_storage unmapped = *peer;
    peer_unmap(&unmapped);
    struct http_connection *conn = NULL;
    if (is_welcome(listener, &unmapped)) {
        conn = iso_alloc_new(iso_alloc_libc(), sizeof *conn);
    }
    if (conn == NULL) {
        refuse_connection(listener, fd);
        return;
    }
    conn->server = server;
    conn->listener = listener;
    conn->fd = fd;
    conn->req.conn = conn;
    peer_set(conn, &unmapped);
    watch_for_silence(fd);
    conn->index = server->free_slots[--server->free_count];
    server->accepting = conn;
    (void)MHD_add_connection(listener->daemon, fd, (const struct sockaddr *)peer, peer_len);
    if (server->accepting != NULL) { /* no memory; the socket is closed */
        server->accepting = NULL;
        server->free_slots[server->free_count++] = conn->index;
        connection_free(conn);
    }
}

void http_accept(uv_poll_t *handle, int status, int events)
{
    (void)status;
    (void)events;
    struct http_listener *listener = handle->data;
    for (unsigned i = 0; i < HTTP_ACCEPT_BATCH; i++) {
        struct sockaddr_storage peer = {.ss_family = AF_UNSPEC};
        socklen_t len = sizeof peer;
        int fd =
            accept4(listener->fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            admit(listener, fd, &peer, len);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            /* The connection stays in the queue: without a pause we would be called for ever. */
            http_log(listener->server, "no descriptor left for a connection");
            (void)uv_poll_stop(handle);
            listener->paused = true;
            http_sweep_start(listener->server);
            return;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return;
        }
    }
}
