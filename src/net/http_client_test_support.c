/* See http_client_test_support.h: the loop and its watchdog, servers over http_server.h, and
 * servers that say whatever they are told. */
#include "net/http_client_test_support.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>

enum { WATCHDOG_MS = 20000, RAW_CONNECTIONS_MAX = 16 };

/* ---- The loop ----------------------------------------------------------------------------------
 */

static void on_watchdog(uv_timer_t *timer)
{
    bool *barked = timer->data;
    *barked = true;
}

void net_test_init(struct net_test *test, struct iso_http_client_config *config)
{
    struct iso_http_client_config defaults = {.loop = NULL};
    *test = (struct net_test){.client = NULL};
    CHECK(uv_loop_init(&test->loop) == 0);
    CHECK(uv_timer_init(&test->loop, &test->watchdog) == 0);
    config = config != NULL ? config : &defaults;
    config->loop = &test->loop;
    CHECK_OK(iso_http_client_create(config, &test->client, NULL));
}

void net_test_until(struct net_test *test, const unsigned *flag, unsigned value)
{
    bool barked = false;
    test->watchdog.data = &barked;
    CHECK(uv_timer_start(&test->watchdog, on_watchdog, WATCHDOG_MS, 0) == 0);
    while (*flag < value && !barked) {
        (void)uv_run(&test->loop, UV_RUN_ONCE);
    }
    (void)uv_timer_stop(&test->watchdog);
    if (barked) {
        TEST_FAIL("it did not come in time (%u of %u)", *flag, value);
    }
}

static void on_client_closed(void *ctx)
{
    struct net_test *test = ctx;
    test->client_closed = true;
}

void net_test_fini(struct net_test *test)
{
    iso_http_client_close(test->client, on_client_closed, test);
    CHECK(test->client == NULL || !test->client_closed);
    uv_close((uv_handle_t *)&test->watchdog, NULL);
    CHECK(uv_run(&test->loop, UV_RUN_DEFAULT) == 0);
    CHECK(test->client == NULL || test->client_closed);
    CHECK(uv_loop_close(&test->loop) == 0);
}

/* ---- Requests ----------------------------------------------------------------------------------
 */

static void keep(struct net_test_result *result, struct iso_bytes bytes)
{
    const size_t have =
        result->body_len < sizeof result->body - 1 ? result->body_len : sizeof result->body - 1;
    const size_t room = sizeof result->body - 1 - have;
    iso_memory_copy(result->body + have, bytes.ptr, bytes.len < room ? bytes.len : room);
    result->body_len += bytes.len;
}

static void on_head(void *ctx, uint64_t id, const struct iso_http_client_answer *answer)
{
    struct net_test_result *result = ctx;
    CHECK(id == result->id);
    CHECK(answer->status != 0);
    CHECK_EQ_U64(result->calls, 0);
    result->heads++;
}

static void on_done(void *ctx, uint64_t id, const struct iso_http_client_answer *answer)
{
    struct net_test_result *result = ctx;
    struct iso_str type;
    CHECK(id == result->id);
    result->calls++;
    result->outcome = answer->outcome;
    result->status = answer->status;
    result->sent = answer->sent;
    result->reused = answer->reused;
    result->has_pin = answer->has_pin;
    memcpy(result->pin, answer->pin, sizeof result->pin);
    keep(result, iso_buf_view(answer->body));
    if (iso_http_client_header(answer, "content-TYPE", 0, &type)) {
        (void)iso_format(result->type, sizeof result->type, "%.*s", (int)type.len, type.ptr);
    }
    (void)iso_format(result->url, sizeof result->url, "%s", answer->url);
    (void)iso_format(result->message, sizeof result->message, "%s", answer->message);
    CHECK((answer->message[0] == '\0') == (answer->outcome == ISO_HTTP_CLIENT_DONE));
}

void net_test_start(struct net_test *test, struct iso_http_client_request *request,
                    struct net_test_result *result)
{
    *result = (struct net_test_result){.test = test};
    request->ctx = request->ctx != NULL ? request->ctx : result;
    request->on_head = request->on_head != NULL ? request->on_head : on_head;
    request->on_done = request->on_done != NULL ? request->on_done : on_done;
    CHECK_OK(iso_http_client_start(test->client, request, &result->id, NULL));
    CHECK(result->id != 0);
    CHECK_EQ_U64(result->calls, 0);
}

void net_test_do(struct net_test *test, struct iso_http_client_request *request,
                 struct net_test_result *result)
{
    net_test_start(test, request, result);
    net_test_until(test, &result->calls, 1);
    CHECK_EQ_U64(result->calls, 1);
}

void net_test_get(struct net_test *test, const char *url, struct net_test_result *result)
{
    struct iso_http_client_request request = {.url = url};
    net_test_do(test, &request, result);
}

/* ---- Servers of ours ---------------------------------------------------------------------------
 */

static void on_headers(void *ctx, struct iso_http_request *req)
{
    (void)ctx;
    iso_http_accept_body(req, UINT64_C(64) << 20);
}

static void on_request(void *ctx, struct iso_http_request *req)
{
    struct net_test_server *server = ctx;
    server->requests++;
    server->handle(server, req);
}

static bool any_host(void *ctx, struct iso_str name)
{
    (void)ctx;
    (void)name;
    return true;
}

void net_test_server_open(struct net_test *test, struct net_test_server *server, bool tls,
                          const char *address,
                          void (*handle)(struct net_test_server *server,
                                         struct iso_http_request *req))
{
    const char *const names[] = {"localhost", "127.0.0.1", "example.test"};
    *server = (struct net_test_server){.handle = handle};
    struct iso_http_listener listener = {.address = address != NULL ? address : "127.0.0.1:0"};
    if (tls) {
        CHECK_OK(iso_tls_identity_make(names, ISO_COUNT_OF(names), &server->identity, NULL));
        listener.certificate_pem = server->identity.certificate_pem;
        listener.key_pem = server->identity.key_pem;
    }
    struct iso_http_config config = {
        .listeners = &listener,
        .listener_count = 1,
        .callbacks = {.on_headers = on_headers, .on_request = on_request, .is_host = any_host},
        .ctx = server};
    CHECK_OK(iso_http_server_create(&test->loop, &config, &server->server, NULL));
    server->port = iso_http_server_port(server->server, 0);
    const size_t host_len = strcspn(listener.address, ":");
    (void)iso_format(server->base, sizeof server->base, "%s://%.*s:%u", tls ? "https" : "http",
                     (int)host_len, listener.address, server->port);
}

static void on_server_closed(void *ctx)
{
    struct net_test_server *server = ctx;
    server->closed = true;
    iso_tls_identity_fini(&server->identity);
}

void net_test_server_close(struct net_test *test, struct net_test_server *server)
{
    iso_http_server_close(server->server, 0, on_server_closed, server);
    while (!server->closed) {
        (void)uv_run(&test->loop, UV_RUN_ONCE);
    }
}

void net_test_server_say(struct net_test_server *server, struct iso_http_request *req,
                         unsigned status, const char *text)
{
    iso_http_reply(server->server, iso_http_request_id(req), status, "text/plain",
                   iso_bytes_from(text, strlen(text)));
}

void net_test_server_say_with(struct net_test_server *server, struct iso_http_request *req,
                              unsigned status, const char *name, const char *value)
{
    const struct iso_http_field field = {name, value};
    const struct iso_http_response response = {.status = status,
                                               .content_type = "text/plain",
                                               .body = iso_bytes_from("elsewhere", 9),
                                               .fields = &field,
                                               .field_count = 1};
    iso_http_respond(server->server, iso_http_request_id(req), &response);
}

/* ---- Servers that misbehave --------------------------------------------------------------------
 */

struct net_test_raw_conn {
    struct net_test_raw *raw;
    struct net_test_raw_conn *next;
    uv_tcp_t tcp;
    uv_write_t write;
    char text[8192];
    size_t len;
    unsigned requests;
};

static void on_raw_gone(uv_handle_t *handle)
{
    struct net_test_raw_conn *conn = handle->data;
    struct net_test_raw_conn **at = &conn->raw->open;
    while (*at != conn) {
        at = &(*at)->next;
    }
    *at = conn->next;
    free(conn);
}

static void drop(struct net_test_raw_conn *conn)
{
    if (!uv_is_closing((uv_handle_t *)&conn->tcp)) {
        uv_close((uv_handle_t *)&conn->tcp, on_raw_gone);
    }
}

static void on_raw_written(uv_write_t *write, int status)
{
    struct net_test_raw_conn *conn = write->data;
    (void)status;
    if (conn->raw->close_after) {
        drop(conn);
    }
}

static void answer(struct net_test_raw_conn *conn)
{
    struct net_test_raw *raw = conn->raw;
    raw->requests++;
    conn->requests++;
    conn->len = 0;
    if (raw->close_after_requests != 0 && conn->requests >= raw->close_after_requests) {
        drop(conn);
    } else if (raw->reply != NULL) {
        uv_buf_t buf = uv_buf_init((char *)(uintptr_t)raw->reply, (unsigned)strlen(raw->reply));
        conn->write.data = conn;
        CHECK(uv_write(&conn->write, (uv_stream_t *)&conn->tcp, &buf, 1, on_raw_written) == 0);
    } else if (raw->close_after) {
        drop(conn);
    }
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct net_test_raw_conn *conn = handle->data;
    (void)suggested;
    conn->len = conn->len < sizeof conn->text - 1 ? conn->len : 0;
    *buf = uv_buf_init(conn->text + conn->len, (unsigned)(sizeof conn->text - 1 - conn->len));
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buf)
{
    struct net_test_raw_conn *conn = stream->data;
    (void)buf;
    if (len < 0) {
        drop(conn);
        return;
    }
    conn->len += (size_t)len;
    conn->text[conn->len] = '\0';
    if (strstr(conn->text, "\r\n\r\n") != NULL) {
        answer(conn);
    }
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct net_test_raw *raw = listener->data;
    struct net_test_raw_conn *conn = calloc(1, sizeof *conn);
    CHECK(status == 0 && conn != NULL);
    conn->raw = raw;
    conn->tcp.data = conn;
    CHECK(uv_tcp_init(listener->loop, &conn->tcp) == 0);
    CHECK(uv_accept(listener, (uv_stream_t *)&conn->tcp) == 0);
    raw->connections++;
    conn->next = raw->open;
    raw->open = conn;
    if (raw->close_at_once) {
        drop(conn);
    } else {
        CHECK(uv_read_start((uv_stream_t *)&conn->tcp, on_alloc, on_read) == 0);
    }
}

void net_test_raw_open(struct net_test *test, struct net_test_raw *raw, const char *scheme)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    int size = sizeof address;
    *raw = (struct net_test_raw){.reply = NULL};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    raw->listener.data = raw;
    CHECK(uv_tcp_init(&test->loop, &raw->listener) == 0);
    CHECK(uv_tcp_bind(&raw->listener, (struct sockaddr *)&address, 0) == 0);
    CHECK(uv_listen((uv_stream_t *)&raw->listener, RAW_CONNECTIONS_MAX, on_connection) == 0);
    CHECK(uv_tcp_getsockname(&raw->listener, (struct sockaddr *)&address, &size) == 0);
    (void)iso_format(raw->base, sizeof raw->base, "%s://127.0.0.1:%u", scheme,
                     ntohs(address.sin_port));
}

static void on_raw_closed(uv_handle_t *handle)
{
    struct net_test_raw *raw = handle->data;
    raw->closed = true;
}

void net_test_raw_close(struct net_test *test, struct net_test_raw *raw)
{
    uv_close((uv_handle_t *)&raw->listener, on_raw_closed);
    for (struct net_test_raw_conn *conn = raw->open; conn != NULL; conn = conn->next) {
        drop(conn);
    }
    while (!raw->closed || raw->open != NULL) {
        (void)uv_run(&test->loop, UV_RUN_ONCE);
    }
}
