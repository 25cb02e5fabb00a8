/*
 * announce_request.c - one POST (RFC 9112) over a connection of its own: name, connection, TLS
 * (GnuTLS on a non-blocking socket), request, first line of the answer.
 *
 *     LOOKUP -> CONNECT (one address after the other) -> HANDSHAKE -> SEND -> RECEIVE -> ENDING
 *
 * Invariant: `handles` counts what libuv still has of ours (the timer, the poll handle, the
 * lookup); with the last of them gone in ENDING, done is called and the request released.
 */
#include "net/announce_internal.h"

#include "base/format.h"
#include "platform/platform.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECT_MS = 4000, ANSWER_MAX = 512 };

enum phase { LOOKUP, CONNECT, HANDSHAKE, SEND, RECEIVE, ENDING };

struct iso_announce_request {
    uv_loop_t *loop;
    struct iso_announce_url url;
    enum phase phase;
    unsigned handles;
    uv_getaddrinfo_t lookup;
    bool looking;
    uv_timer_t timer;
    uint64_t end_ms; /* of the loop's time */
    uv_poll_t poll;
    bool polling;
    int fd;
    struct addrinfo *list, *next; /* addresses; the next one to try */
    gnutls_certificate_credentials_t credentials;
    gnutls_session_t tls;
    struct iso_buf out;
    size_t sent;
    char answer[ANSWER_MAX];
    size_t answered;
    enum iso_err err;
    struct iso_report report;
    void (*done)(void *ctx, enum iso_err err, const struct iso_report *report);
    void *ctx;
};

/* ---- The end -------------------------------------------------------------------------------- */

static void let_go(struct iso_announce_request *request)
{
    if (--request->handles != 0) {
        return;
    }
    void (*done)(void *ctx, enum iso_err err, const struct iso_report *report) = request->done;
    void *ctx = request->ctx;
    const enum iso_err err = request->err;
    const struct iso_report report = request->report;
    if (request->list != NULL) {
        uv_freeaddrinfo(request->list);
    }
    iso_buf_fini(&request->out);
    iso_alloc_free(iso_alloc_libc(), request, sizeof *request);
    done(ctx, err, &report);
}

static void on_timer_closed(uv_handle_t *handle)
{
    let_go(handle->data);
}

/* The connection goes with its poll handle: then the next address may be tried. */
static void disconnect(struct iso_announce_request *request, uv_close_cb closed)
{
    if (request->tls != NULL) {
        if (request->phase > HANDSHAKE) {
            (void)gnutls_bye(request->tls, GNUTLS_SHUT_WR);
        }
        gnutls_deinit(request->tls);
        gnutls_certificate_free_credentials(request->credentials);
        request->tls = NULL;
    }
    if (request->polling) {
        request->polling = false;
        uv_close((uv_handle_t *)&request->poll, closed);
    }
}

static void on_poll_closed(uv_handle_t *handle)
{
    struct iso_announce_request *request = handle->data;
    (void)close(request->fd);
    let_go(request);
}

static void end(struct iso_announce_request *request, enum iso_err err)
{
    if (request->phase == ENDING) {
        return;
    }
    disconnect(request, on_poll_closed);
    request->phase = ENDING;
    request->err = err;
    if (request->looking) {
        (void)uv_cancel((uv_req_t *)&request->lookup); /* or it comes when it has ended */
    }
    uv_close((uv_handle_t *)&request->timer, on_timer_closed);
}

static void fail(struct iso_announce_request *request, enum iso_err err, const char *what,
                 const char *why)
{
    iso_report_init(&request->report);
    iso_report_set(&request->report, "%s: %s%s%s", request->url.authority, what,
                   why[0] != '\0' ? ": " : "", why);
    end(request, err);
}

/* ---- Exchanging ----------------------------------------------------------------------------- */

static void on_ready(uv_poll_t *poll, int status, int events);

static void await(struct iso_announce_request *request, bool writing)
{
    if (uv_poll_start(&request->poll, writing ? UV_WRITABLE : UV_READABLE, on_ready) != 0) {
        fail(request, ISO_E_IO, "cannot wait for the connection", "");
    }
}

static void judge(struct iso_announce_request *request)
{
    const unsigned status = iso_announce_status(iso_str_from(request->answer, request->answered));
    char text[40];
    if (status >= 200 && status < 300) {
        end(request, ISO_OK);
    } else if (status == 0) {
        fail(request, ISO_E_MALFORMED, "what answers there does not speak HTTP/1.1", "");
    } else {
        (void)iso_format(text, sizeof text, "it answered %u", status);
        fail(request, ISO_E_REFUSED, text, "");
    }
}

static void open_tls(struct iso_announce_request *request)
{
    int code = gnutls_certificate_allocate_credentials(&request->credentials);
    if (code == 0) {
        code = gnutls_init(&request->tls, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL);
        if (code != 0) {
            gnutls_certificate_free_credentials(request->credentials);
            request->tls = NULL;
        }
    }
    if (code == 0) {
        code = gnutls_set_default_priority(request->tls);
    }
    if (code == 0) {
        code = gnutls_credentials_set(request->tls, GNUTLS_CRD_CERTIFICATE, request->credentials);
    }
    if (code == 0 && request->url.is_name) {
        code = gnutls_server_name_set(request->tls, GNUTLS_NAME_DNS, request->url.host,
                                      strlen(request->url.host));
    }
    if (code != 0) {
        fail(request, ISO_E_IO, "TLS", gnutls_strerror(code));
        return;
    }
    gnutls_transport_set_int(request->tls, request->fd);
    request->phase = HANDSHAKE;
}

/* What a call of GnuTLS or of the system has come to: bytes, WAIT_..., or over (ended). */
enum { OVER = -1, WAIT_READ = -2, WAIT_WRITE = -3 };

static ptrdiff_t tls_result(struct iso_announce_request *request, ssize_t code)
{
    if (code == GNUTLS_E_AGAIN || code == GNUTLS_E_INTERRUPTED) {
        return gnutls_record_get_direction(request->tls) != 0 ? WAIT_WRITE : WAIT_READ;
    }
    if (code < 0 && gnutls_error_is_fatal((int)code) == 0) {
        return WAIT_READ; /* a warning; what comes next counts */
    }
    if (code < 0) {
        fail(request, ISO_E_IO, "TLS", gnutls_strerror((int)code));
        return OVER;
    }
    return code;
}

static ptrdiff_t plain_result(struct iso_announce_request *request, ssize_t code, int wait)
{
    if (code < 0 && (errno == EAGAIN || errno == EINTR)) {
        return wait;
    }
    if (code < 0) {
        fail(request, ISO_E_IO, "the connection broke", iso_errno_text(errno));
        return OVER;
    }
    return code;
}

static ptrdiff_t send_some(struct iso_announce_request *request)
{
    const uint8_t *at = request->out.ptr + request->sent;
    const size_t len = request->out.len - request->sent;
    return request->tls != NULL
               ? tls_result(request, gnutls_record_send(request->tls, at, len))
               : plain_result(request, send(request->fd, at, len, MSG_NOSIGNAL), WAIT_WRITE);
}

static ptrdiff_t receive_some(struct iso_announce_request *request)
{
    char *at = request->answer + request->answered;
    const size_t len = sizeof request->answer - request->answered;
    return request->tls != NULL ? tls_result(request, gnutls_record_recv(request->tls, at, len))
                                : plain_result(request, recv(request->fd, at, len, 0), WAIT_READ);
}

/* One step of the present phase; false when there is something to wait for, or it is over. */
static bool step(struct iso_announce_request *request)
{
    ptrdiff_t count = 0;
    if (request->phase == HANDSHAKE) {
        count = tls_result(request, gnutls_handshake(request->tls));
        request->phase = count == 0 ? SEND : request->phase;
    } else if (request->phase == SEND) {
        count = send_some(request);
        request->sent += count > 0 ? (size_t)count : 0;
        request->phase = count >= 0 && request->sent == request->out.len ? RECEIVE : request->phase;
    } else if (request->phase == RECEIVE) {
        count = receive_some(request);
        request->answered += count > 0 ? (size_t)count : 0;
        if (count == 0 || request->answered == sizeof request->answer ||
            memchr(request->answer, '\n', request->answered) != NULL) {
            judge(request);
            return false;
        }
    }
    if (count == WAIT_READ || count == WAIT_WRITE) {
        await(request, count == WAIT_WRITE);
    }
    return count >= 0 && request->phase != ENDING;
}

/* ---- Connecting ----------------------------------------------------------------------------- */

static void try_next(struct iso_announce_request *request);

static void on_attempt_closed(uv_handle_t *handle)
{
    struct iso_announce_request *request = handle->data;
    (void)close(request->fd);
    if (request->phase != ENDING) {
        try_next(request);
    }
    let_go(request);
}

/* This address is no good. */
static void try_another(struct iso_announce_request *request, const char *why)
{
    if (request->next == NULL) {
        fail(request, ISO_E_IO, "no connection", why);
    } else {
        (void)uv_timer_stop(&request->timer);
        disconnect(request, on_attempt_closed);
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct iso_announce_request *request = timer->data;
    if (request->phase == CONNECT && request->next != NULL &&
        uv_now(timer->loop) < request->end_ms) {
        try_another(request, "");
    } else {
        fail(request, ISO_E_IO, "no answer in time", "");
    }
}

static void set_timer(struct iso_announce_request *request, uint64_t at_most_ms)
{
    const uint64_t now = uv_now(request->loop);
    const uint64_t left = request->end_ms > now ? request->end_ms - now : 0;
    (void)uv_timer_start(&request->timer, on_timer, left < at_most_ms ? left : at_most_ms, 0);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct iso_announce_request *request = poll->data;
    (void)events;
    (void)uv_poll_stop(poll);
    if (request->phase == CONNECT) {
        int error = 0;
        socklen_t len = sizeof error;
        (void)getsockopt(request->fd, SOL_SOCKET, SO_ERROR, &error, &len);
        if (status < 0 || error != 0) {
            try_another(request, error != 0 ? iso_errno_text(error) : uv_strerror(status));
            return;
        }
        set_timer(request, UINT64_MAX);
        request->phase = SEND;
        if (request->url.tls) {
            open_tls(request);
        }
    }
    while (step(request)) {
    }
}

/* A socket for the next address whose family the system has; NULL when there is none left. */
static const struct addrinfo *open_socket(struct iso_announce_request *request)
{
    while (request->next != NULL) {
        const struct addrinfo *at = request->next;
        request->next = at->ai_next;
        request->fd =
            socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, at->ai_protocol);
        if (request->fd >= 0 && uv_poll_init(request->loop, &request->poll, request->fd) == 0) {
            return at;
        }
        if (request->fd >= 0) {
            (void)close(request->fd);
        }
    }
    return NULL;
}

static void try_next(struct iso_announce_request *request)
{
    const struct addrinfo *at = open_socket(request);
    request->phase = CONNECT;
    if (at == NULL) {
        fail(request, ISO_E_IO, "no connection", "the system gives no socket");
        return;
    }
    request->poll.data = request;
    request->polling = true;
    request->handles++;
    set_timer(request, CONNECT_MS);
    if (connect(request->fd, at->ai_addr, at->ai_addrlen) != 0 && errno != EINPROGRESS) {
        try_another(request, iso_errno_text(errno));
        return;
    }
    await(request, true);
}

static void on_lookup(uv_getaddrinfo_t *lookup, int status, struct addrinfo *list)
{
    struct iso_announce_request *request = lookup->data;
    request->looking = false;
    request->list = status == 0 ? list : NULL;
    request->next = request->list;
    if (request->phase == ENDING) {
        /* nobody wants to know any more */
    } else if (status != 0 || list == NULL) {
        fail(request, ISO_E_NOT_FOUND, "the name is not known", uv_strerror(status));
    } else {
        try_next(request);
    }
    let_go(request);
}

/* ---- Start ---------------------------------------------------------------------------------- */

static enum iso_err write_request(struct iso_announce_request *request, const char *path,
                                  struct iso_bytes body)
{
    char head[3 * ISO_ANNOUNCE_URL_MAX];
    const size_t len = iso_format(head, sizeof head,
                                  "POST %s%s HTTP/1.1\r\nHost: %s\r\nUser-Agent: isomer\r\n"
                                  "Content-Type: application/json\r\nContent-Length: %zu\r\n"
                                  "Connection: close\r\n\r\n",
                                  request->url.path, path, request->url.authority, body.len);
    enum iso_err err = len < sizeof head ? ISO_OK : ISO_E_LIMIT;
    iso_buf_init(&request->out, iso_alloc_libc(), sizeof head + ISO_ANNOUNCE_BODY_MAX);
    err = err != ISO_OK ? err : iso_buf_append(&request->out, head, len);
    return err != ISO_OK ? err : iso_buf_append(&request->out, body.ptr, body.len);
}

enum iso_err iso_announce_request_start(
    uv_loop_t *loop, const struct iso_announce_url *url, const char *path, struct iso_bytes body,
    uint32_t timeout_ms, void (*done)(void *ctx, enum iso_err err, const struct iso_report *report),
    void *ctx, struct iso_announce_request **out)
{
    static const struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct iso_announce_request *request = iso_alloc_new(iso_alloc_libc(), sizeof *request);
    if (request == NULL) {
        return ISO_E_NOMEM;
    }
    *request = (struct iso_announce_request){
        .loop = loop, .url = *url, .fd = -1, .done = done, .ctx = ctx};
    iso_report_init(&request->report);
    enum iso_err err = write_request(request, path, body);
    request->lookup.data = request->timer.data = request;
    if (err == ISO_OK && uv_getaddrinfo(loop, &request->lookup, on_lookup, request->url.host,
                                        request->url.port, &hints) != 0) {
        err = ISO_E_NOMEM;
    }
    if (err != ISO_OK) {
        iso_buf_fini(&request->out);
        iso_alloc_free(iso_alloc_libc(), request, sizeof *request);
        return err;
    }
    (void)uv_timer_init(loop, &request->timer);
    uv_update_time(loop);
    request->end_ms = uv_now(loop) + timeout_ms;
    set_timer(request, UINT64_MAX);
    request->looking = true;
    request->handles = 2;
    *out = request;
    return ISO_OK;
}

void iso_announce_request_cancel(struct iso_announce_request *request)
{
    end(request, ISO_E_STATE);
}
