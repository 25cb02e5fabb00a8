/* The HTTP server's life: listeners, the daemons of libmicrohttpd in the loop, the sweep, the end.
 * See http_server_internal.h for how the parts work together. */
#include "net/http_server_internal.h"

#include "platform/platform.h"

#include <stdio.h>
#include <unistd.h>

void http_log(struct iso_http_server *server, const char *text)
{
    if (server->callbacks.log != NULL) {
        server->callbacks.log(server->ctx, text);
    }
}

/* ---- Limits ------------------------------------------------------------------------------- */

static uint32_t or_default(uint32_t value, uint32_t otherwise)
{
    return value != 0 ? value : otherwise;
}

static void limits_complete(struct iso_http_limits *limits)
{
    limits->connections = or_default(limits->connections, 256);
    limits->connections_per_address = or_default(limits->connections_per_address, 64);
    limits->handshakes = or_default(limits->handshakes, 32);
    limits->streams = or_default(limits->streams, 64);
    limits->header_bytes = or_default(limits->header_bytes, 16384);
    limits->body_bytes = limits->body_bytes != 0 ? limits->body_bytes : UINT64_C(1) << 20;
    limits->body_bytes_total =
        limits->body_bytes_total != 0 ? limits->body_bytes_total : UINT64_C(64) << 20;
    limits->stream_bytes = or_default(limits->stream_bytes, 262144);
    limits->handshake_ms = or_default(limits->handshake_ms, 10000);
    limits->header_ms = or_default(limits->header_ms, 10000);
    limits->idle_ms = or_default(limits->idle_ms, 60000);
    limits->stall_ms = or_default(limits->stall_ms, 20000);
    limits->min_bytes_per_s = or_default(limits->min_bytes_per_s, 1024);
    limits->keepalive_ms = or_default(limits->keepalive_ms, 15000);
}

/* Often enough for the shortest of the times. */
static uint32_t tick_of(const struct iso_http_limits *limits)
{
    const uint32_t times[] = {limits->handshake_ms, limits->header_ms, limits->idle_ms,
                              limits->stall_ms, limits->keepalive_ms};
    uint32_t tick_ms = HTTP_TICK_MS;
    for (size_t i = 0; i < ISO_COUNT_OF(times); i++) {
        tick_ms = times[i] / 4 < tick_ms ? times[i] / 4 : tick_ms;
    }
    return tick_ms > 5 ? tick_ms : 5;
}

static enum iso_err config_check(const struct iso_http_config *config,
                                 const struct iso_http_limits *limits, struct iso_report *report)
{
    if (config->listener_count == 0 || config->listener_count > ISO_HTTP_MAX_LISTENERS) {
        return iso_fail(report, ISO_E_ARGUMENT, "an HTTP server has 1 to %u listening addresses",
                        ISO_HTTP_MAX_LISTENERS);
    }
    if (limits->connections > ISO_HTTP_MAX_CONNECTIONS) {
        return iso_fail(report, ISO_E_ARGUMENT, "an HTTP server has at most %u connections",
                        ISO_HTTP_MAX_CONNECTIONS);
    }
    if (limits->header_bytes < 2048 || limits->header_bytes > 1u << 20) {
        return iso_fail(report, ISO_E_ARGUMENT, "header_bytes is from 2048 to 1048576");
    }
    for (size_t i = 0; i < config->listener_count; i++) {
        const struct iso_http_listener *listener = &config->listeners[i];
        if ((listener->certificate_pem == NULL) != (listener->key_pem == NULL)) {
            return iso_fail(report, ISO_E_ARGUMENT,
                            "the listener '%s' has a certificate without a key or the reverse",
                            listener->address);
        }
    }
    return ISO_OK;
}

/* ---- Turns of the loop -------------------------------------------------------------------- */

static void idle_nothing(uv_idle_t *idle)
{
    (void)idle; /* that it is active keeps the loop from waiting */
}

void http_kick(struct http_listener *listener)
{
    listener->kick = true;
    (void)uv_idle_start(&listener->server->idle, idle_nothing);
}

static void listener_run(struct http_listener *listener)
{
    struct iso_http_server *server = listener->server;
    listener->kick = false;
    server->running = true;
    /* Twice, since a connection that has answered is looked at once more before it waits. */
    for (unsigned i = 0; i < 2; i++) {
        (void)MHD_run(listener->daemon);
        MHD_UNSIGNED_LONG_LONG timeout_ms = 1;
        if (MHD_get_timeout(listener->daemon, &timeout_ms) != MHD_YES || timeout_ms != 0) {
            server->running = false;
            return;
        }
    }
    server->running = false;
    http_kick(listener);
}

static void on_daemon(uv_poll_t *handle, int status, int events)
{
    (void)status;
    (void)events;
    struct http_listener *listener = handle->data;
    listener_run(listener);
}

static void on_prepare(uv_prepare_t *handle)
{
    struct iso_http_server *server = handle->data;
    bool again = false;
    for (size_t i = 0; i < server->listener_count; i++) {
        if (server->listeners[i].kick && !server->stopped) {
            listener_run(&server->listeners[i]);
            again = again || server->listeners[i].kick;
        }
    }
    if (!again) {
        (void)uv_idle_stop(&server->idle);
    }
}

/* ---- The end ------------------------------------------------------------------------------ */

static void server_free(struct iso_http_server *server)
{
    const struct iso_alloc *alloc = iso_alloc_libc();
    size_t count = server->limits.connections;
    iso_alloc_free(alloc, server->slots, count * sizeof(struct http_connection *));
    iso_alloc_free(alloc, server->serials, count * sizeof(uint64_t));
    iso_alloc_free(alloc, server->free_slots, count * sizeof(uint32_t));
    iso_alloc_free(alloc, server, sizeof *server);
}

void http_handle_closed(struct iso_http_server *server)
{
    server->open_handles--;
    if (!server->stopped || server->open_handles != 0) {
        return;
    }
    void (*on_done)(void *ctx) = server->on_done;
    void *ctx = server->on_done_ctx;
    server_free(server);
    if (on_done != NULL) {
        on_done(ctx);
    }
}

static void on_own_handle_closed(uv_handle_t *handle)
{
    http_handle_closed(handle->data);
}

static void on_listener_handle_closed(uv_handle_t *handle)
{
    struct http_listener *listener = handle->data;
    http_handle_closed(listener->server);
}

static void listener_close_socket(struct http_listener *listener)
{
    if (listener->accept_open) {
        listener->accept_open = false;
        uv_close((uv_handle_t *)&listener->accept_poll, on_listener_handle_closed);
    }
    if (listener->fd >= 0) {
        (void)close(listener->fd);
        listener->fd = -1;
    }
    listener->paused = false;
}

/* Everything goes now. Connections that are suspended are resumed first: libmicrohttpd aborts the
 * process otherwise. */
static void server_stop(struct iso_http_server *server)
{
    server->stopped = true;
    for (size_t i = 0; i < server->limits.connections; i++) {
        if (server->slots[i] != NULL) {
            http_connection_kill(server->slots[i]);
        }
    }
    for (size_t i = 0; i < server->listener_count; i++) {
        struct http_listener *listener = &server->listeners[i];
        listener_close_socket(listener);
        if (listener->daemon_open) {
            uv_close((uv_handle_t *)&listener->daemon_poll, on_listener_handle_closed);
        }
        MHD_stop_daemon(listener->daemon);
        listener->daemon = NULL;
    }
    uv_close((uv_handle_t *)&server->sweep, on_own_handle_closed);
    uv_close((uv_handle_t *)&server->prepare, on_own_handle_closed);
    uv_close((uv_handle_t *)&server->idle, on_own_handle_closed);
}

/* The sweep goes on as long as there is something to look at. */
static void sweep_again(struct iso_http_server *server)
{
    bool needed = server->closing || server->stats.connections != 0;
    for (size_t i = 0; i < server->listener_count; i++) {
        needed = needed || server->listeners[i].paused;
    }
    if (!needed) {
        (void)uv_timer_stop(&server->sweep);
    }
}

static void on_sweep(uv_timer_t *handle)
{
    struct iso_http_server *server = handle->data;
    uint64_t now_ms = uv_now(server->loop);
    if (server->closing &&
        (server->stats.connections == 0 || now_ms >= server->close_deadline_ms)) {
        server_stop(server);
        return;
    }
    for (size_t i = 0; i < server->limits.connections; i++) {
        if (server->slots[i] != NULL) {
            http_connection_tick(server->slots[i], now_ms);
        }
    }
    for (size_t i = 0; i < server->listener_count; i++) {
        struct http_listener *listener = &server->listeners[i];
        if (listener->paused &&
            uv_poll_start(&listener->accept_poll, UV_READABLE, http_accept) == 0) {
            listener->paused = false;
        }
    }
    sweep_again(server);
}

void http_sweep_start(struct iso_http_server *server)
{
    if (!server->stopped && uv_is_active((uv_handle_t *)&server->sweep) == 0) {
        (void)uv_timer_start(&server->sweep, on_sweep, server->tick_ms, server->tick_ms);
    }
}

void iso_http_server_close(struct iso_http_server *server, uint32_t grace_ms,
                           void (*on_done)(void *ctx), void *ctx)
{
    ISO_ASSERT(!server->closing);
    server->closing = true;
    server->close_deadline_ms = uv_now(server->loop) + grace_ms;
    server->on_done = on_done;
    server->on_done_ctx = ctx;
    for (size_t i = 0; i < server->listener_count; i++) {
        listener_close_socket(&server->listeners[i]);
    }
    for (size_t i = 0; i < server->limits.connections; i++) {
        struct http_connection *conn = server->slots[i];
        if (conn != NULL && conn->req.stage == HTTP_IDLE) {
            http_connection_kill(conn);
        } else if (conn != NULL && conn->req.stage == HTTP_STREAM) {
            iso_http_stream_end(server, iso_http_request_id(&conn->req));
        }
    }
    (void)uv_timer_start(&server->sweep, on_sweep, 0, 10);
}

/* ---- The beginning ------------------------------------------------------------------------ */

/* What libmicrohttpd says while a daemon starts is for the report. Later it is about single bad
 * requests, which a stranger could fill the log with. */
static void on_mhd_log(void *ctx, const char *format, va_list args) ISO_PRINTF(2, 0);
static void on_mhd_log(void *ctx, const char *format, va_list args)
{
    struct http_listener *listener = ctx;
    if (listener->daemon == NULL && listener->start_text[0] == '\0') {
        (void)vsnprintf(listener->start_text, sizeof listener->start_text, format, args);
        listener->start_text[strcspn(listener->start_text, "\r\n")] = '\0';
    }
}

/* Options of TLS: nothing older than version 1.2. */
static void tls_options(const struct iso_http_listener *config, struct MHD_OptionItem items[4])
{
    static const char priorities[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";
    size_t count = 0;
    if (config->certificate_pem != NULL) {
        items[count++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0,
                                                 (void *)(uintptr_t)config->certificate_pem};
        items[count++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0,
                                                 (void *)(uintptr_t)config->key_pem};
        items[count++] =
            (struct MHD_OptionItem){MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)priorities};
    }
    items[count] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
}

static enum iso_err daemon_start(struct http_listener *listener,
                                 const struct iso_http_listener *config, struct iso_report *report)
{
    struct MHD_OptionItem tls[4];
    tls_options(config, tls);
    unsigned flags = MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME |
                     MHD_USE_ERROR_LOG | (listener->is_tls ? (unsigned)MHD_USE_TLS : 0u);
    const struct iso_http_limits *limits = &listener->server->limits;
    listener->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, http_on_access, listener, MHD_OPTION_EXTERNAL_LOGGER, on_mhd_log,
        listener, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)limits->header_bytes,
        MHD_OPTION_CONNECTION_LIMIT, limits->connections + 1u, MHD_OPTION_CONNECTION_TIMEOUT, 0u,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_URI_LOG_CALLBACK, http_on_target, listener,
        MHD_OPTION_UNESCAPE_CALLBACK, http_on_unescape, listener, MHD_OPTION_NOTIFY_COMPLETED,
        http_on_completed, listener, MHD_OPTION_NOTIFY_CONNECTION, http_on_connection, listener,
        MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
    if (listener->daemon != NULL) {
        return ISO_OK;
    }
    const char *words = listener->start_text[0] != '\0' ? listener->start_text : "out of memory";
    return iso_fail(report, listener->is_tls ? ISO_E_INVALID : ISO_E_IO,
                    "the HTTP server at '%s' did not start: %s", config->address, words);
}

/* What needs no handle of the loop. */
static enum iso_err listener_open(struct iso_http_server *server, size_t index,
                                  const struct iso_http_listener *config, struct iso_report *report)
{
    struct http_listener *listener = &server->listeners[index];
    listener->server = server;
    listener->fd = -1;
    listener->is_tls = config->certificate_pem != NULL;
    server->listener_count = index + 1;
    enum iso_err err = daemon_start(listener, config, report);
    return err != ISO_OK
               ? err
               : iso_socket_listen(config->address, &listener->fd, &listener->port, report);
}

static int listener_watch(struct http_listener *listener)
{
    struct iso_http_server *server = listener->server;
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(listener->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    listener->accept_poll.data = listener;
    listener->daemon_poll.data = listener;
    if (info == NULL || uv_poll_init(server->loop, &listener->accept_poll, listener->fd) != 0) {
        return -1;
    }
    listener->accept_open = true;
    server->open_handles++;
    if (uv_poll_init(server->loop, &listener->daemon_poll, info->epoll_fd) != 0) {
        return -1;
    }
    listener->daemon_open = true;
    server->open_handles++;
    return uv_poll_start(&listener->accept_poll, UV_READABLE, http_accept) != 0 ||
                   uv_poll_start(&listener->daemon_poll, UV_READABLE, on_daemon) != 0
               ? -1
               : 0;
}

static void own_handles_init(struct iso_http_server *server)
{
    server->sweep.data = server;
    server->prepare.data = server;
    server->idle.data = server;
    (void)uv_timer_init(server->loop, &server->sweep);
    (void)uv_prepare_init(server->loop, &server->prepare);
    (void)uv_idle_init(server->loop, &server->idle);
    server->open_handles += 3;
    (void)uv_prepare_start(&server->prepare, on_prepare);
}

static enum iso_err slots_create(struct iso_http_server *server)
{
    const struct iso_alloc *alloc = iso_alloc_libc();
    size_t count = server->limits.connections;
    server->slots = iso_alloc_array(alloc, count, sizeof(struct http_connection *));
    server->serials = iso_alloc_array(alloc, count, sizeof(uint64_t));
    server->free_slots = iso_alloc_array(alloc, count, sizeof(uint32_t));
    if (server->slots == NULL || server->serials == NULL || server->free_slots == NULL) {
        return ISO_E_NOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        server->free_slots[i] = (uint32_t)(count - 1 - i);
    }
    server->free_count = (uint32_t)count;
    return ISO_OK;
}

enum iso_err iso_http_server_create(uv_loop_t *loop, const struct iso_http_config *config,
                                    struct iso_http_server **out, struct iso_report *report)
{
    struct iso_http_limits limits = config->limits;
    limits_complete(&limits);
    enum iso_err err = config_check(config, &limits, report);
    if (err != ISO_OK) {
        return err;
    }
    struct iso_http_server *server = iso_alloc_new(iso_alloc_libc(), sizeof *server);
    if (server == NULL) {
        return ISO_E_NOMEM;
    }
    server->loop = loop;
    server->callbacks = config->callbacks;
    server->ctx = config->ctx;
    server->limits = limits;
    server->loopback_exempt = config->limits.connections_per_address == 0;
    err = slots_create(server);
    for (size_t i = 0; i < config->listener_count && err == ISO_OK; i++) {
        err = listener_open(server, i, &config->listeners[i], report);
    }
    if (err != ISO_OK) {
        for (size_t i = 0; i < server->listener_count; i++) {
            MHD_stop_daemon(server->listeners[i].daemon);
            listener_close_socket(&server->listeners[i]);
        }
        server_free(server);
        return err;
    }
    server->tick_ms = tick_of(&limits);
    own_handles_init(server);
    for (size_t i = 0; i < server->listener_count; i++) {
        if (listener_watch(&server->listeners[i]) != 0) {
            server_stop(server); /* it goes at the next turn of the loop */
            return iso_fail(report, ISO_E_IO, "the loop cannot watch the socket of '%s'",
                            config->listeners[i].address);
        }
    }
    *out = server;
    return ISO_OK;
}

uint16_t iso_http_server_port(const struct iso_http_server *server, size_t index)
{
    return index < server->listener_count ? server->listeners[index].port : 0;
}

void iso_http_server_stats(const struct iso_http_server *server, struct iso_http_stats *out)
{
    *out = server->stats;
}
