/* coap_tool serve: prints `SCHEME PORT` for each listener, and serves until its
 * standard input ends.
 *
 *     GET  /hello     a short text                  GET  /value   observable, changes ten times a
 * second POST /echo      the payload                   GET  /large   900,000 bytes POST /sum
 * "LENGTH SHA-256"              GET  /later   a text after 200 ms GET  /security  "none", or
 * identity           anything else 4.04 with a text */
#include "coap_tool.h"

#include <netinet/in.h>
#include <stdio.h>

enum { LARGE = 900000, LATER_MAX = 64 };

struct serve {
    uv_loop_t loop;
    uv_timer_t timer;
    uv_timer_t later;
    uv_pipe_t input;
    const struct tool_options *options;
    struct iso_coap_server *server;
    unsigned value;
    uint64_t waiting[LATER_MAX];
    unsigned waiting_count;
    uint8_t large[LARGE];
};

static bool on_psk(void *ctx, struct iso_str identity, struct iso_coap_psk *out)
{
    const struct serve *serve = ctx;
    if (serve->options->identity == NULL || !iso_str_equal_z(identity, serve->options->identity)) {
        return false;
    }
    out->key_len = strlen(serve->options->key);
    memcpy(out->key, serve->options->key, out->key_len);
    out->principal = 1;
    return true;
}

static void on_later(uv_timer_t *timer)
{
    struct serve *serve = timer->data;
    for (unsigned i = 0; i < serve->waiting_count; i++) {
        (void)iso_coap_respond_text(serve->server, serve->waiting[i], ISO_COAP_CODE(2, 5),
                                    "it is later");
    }
    serve->waiting_count = 0;
}

static void answer_large(struct serve *serve, const struct iso_coap_request *request)
{
    struct iso_coap_answer answer = {.code = ISO_COAP_CODE(2, 5),
                                     .content_format = ISO_COAP_FORMAT_OCTETS,
                                     .payload = iso_bytes_from(serve->large, LARGE)};
    (void)iso_coap_respond(serve->server, request->id, &answer);
}

static void answer_value(struct serve *serve, const struct iso_coap_request *request)
{
    char text[32];
    size_t len = request->accept == ISO_COAP_FORMAT_JSON
                     ? iso_format(text, sizeof(text), "{\"value\":%u}", serve->value)
                     : iso_format(text, sizeof(text), "value %u", serve->value);
    struct iso_coap_answer answer = {.code = ISO_COAP_CODE(2, 5),
                                     .content_format = request->accept == ISO_COAP_FORMAT_JSON
                                                           ? ISO_COAP_FORMAT_JSON
                                                           : ISO_COAP_FORMAT_TEXT,
                                     .payload = iso_bytes_from(text, len),
                                     .observe = true};
    (void)iso_coap_respond(serve->server, request->id, &answer);
}

static void answer_sum(struct serve *serve, const struct iso_coap_request *request)
{
    uint8_t digest[ISO_SHA256_SIZE];
    char hex[2 * ISO_SHA256_SIZE + 1];
    iso_sha256(request->payload.ptr, request->payload.len, digest);
    iso_hex_encode(digest, sizeof(digest), hex);
    (void)iso_coap_respond_text(serve->server, request->id, ISO_COAP_CODE(2, 4), "%llu %s",
                                (unsigned long long)request->payload.len, hex);
}

static void on_request(void *ctx, const struct iso_coap_request *request)
{
    struct serve *serve = ctx;
    struct iso_str path = request->path_text;
    if (iso_str_equal_z(path, "/hello")) {
        (void)iso_coap_respond_text(serve->server, request->id, ISO_COAP_CODE(2, 5),
                                    "hello from isomer");
    } else if (iso_str_equal_z(path, "/echo")) {
        struct iso_coap_answer answer = {.code = ISO_COAP_CODE(2, 5),
                                         .content_format = request->content_format,
                                         .payload = request->payload};
        (void)iso_coap_respond(serve->server, request->id, &answer);
    } else if (iso_str_equal_z(path, "/value")) {
        answer_value(serve, request);
    } else if (iso_str_equal_z(path, "/large")) {
        answer_large(serve, request);
    } else if (iso_str_equal_z(path, "/sum")) {
        answer_sum(serve, request);
    } else if (iso_str_equal_z(path, "/take")) {
        struct iso_coap_answer answer = {.code = ISO_COAP_CODE(2, 4),
                                         .content_format = ISO_COAP_FORMAT_NONE};
        (void)iso_coap_respond(serve->server, request->id, &answer);
    } else if (iso_str_equal_z(path, "/security")) {
        (void)iso_coap_respond_text(serve->server, request->id, ISO_COAP_CODE(2, 5), "%.*s",
                                    request->secure ? (int)request->identity.len : 4,
                                    request->secure ? request->identity.ptr : "none");
    } else if (iso_str_equal_z(path, "/later") && serve->waiting_count < LATER_MAX) {
        serve->waiting[serve->waiting_count++] = request->id;
        uv_timer_start(&serve->later, on_later, 200, 0);
    } else {
        (void)iso_coap_respond_text(serve->server, request->id, ISO_COAP_CODE(4, 4),
                                    "there is no %.*s", (int)path.len, path.ptr);
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct serve *serve = timer->data;
    serve->value++;
    (void)iso_coap_notify(serve->server, iso_str_from_z("/value"));
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
    static char bytes[256];
    (void)handle;
    (void)size;
    *buf = uv_buf_init(bytes, sizeof(bytes));
}

static void on_input(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf)
{
    (void)buf;
    if (size < 0) {
        uv_stop(stream->loop);
    }
}

static void start_server(struct serve *serve)
{
    struct iso_coap_listener listeners[4];
    memset(listeners, 0, sizeof(listeners));
    for (int i = 0; i < 4; i++) {
        struct sockaddr_in address;
        if (uv_ip4_addr(serve->options->bind, 0, &address) != 0) {
            tool_fail("'%s' is no IPv4 address", serve->options->bind);
        }
        listeners[i].transport = (enum iso_coap_transport)i;
        memcpy(&listeners[i].address, &address, sizeof(address));
    }
    struct iso_coap_server_config config = {.listeners = listeners,
                                            .listener_count = 4,
                                            .limits = {.plain_payload_bytes = 64u << 20},
                                            .ctx = serve,
                                            .on_psk = on_psk,
                                            .on_request = on_request};
    struct iso_report report;
    iso_report_init(&report);
    enum iso_err err = iso_coap_server_create(&serve->loop, &config, &report, &serve->server);
    if (err == ISO_OK) {
        err = iso_coap_server_set_links(
            serve->server, iso_str_from_z("</hello>;rt=\"greeting\";ct=0,</value>;rt=\"number\";"
                                          "ct=\"0 50\";obs,</echo>;rt=\"echo\""));
    }
    if (err != ISO_OK) {
        tool_fail("%s", iso_report_text(&report, err));
    }
    for (size_t i = 0; i < 4; i++) {
        struct sockaddr_storage address;
        iso_coap_server_address(serve->server, i, &address);
        printf("%s %u\n", iso_coap_transport_scheme(listeners[i].transport),
               (unsigned)ntohs(((struct sockaddr_in *)&address)->sin_port));
    }
    fflush(stdout);
}

int tool_serve(const struct tool_options *options)
{
    static struct serve serve;
    serve.options = options;
    for (size_t i = 0; i < LARGE; i++) {
        serve.large[i] = (uint8_t)(i * 2654435761u >> 24);
    }
    uv_loop_init(&serve.loop);
    start_server(&serve);
    uv_timer_init(&serve.loop, &serve.timer);
    uv_timer_init(&serve.loop, &serve.later);
    uv_pipe_init(&serve.loop, &serve.input, 0);
    serve.timer.data = serve.later.data = &serve;
    uv_timer_start(&serve.timer, on_timer, 100, 100);
    if (uv_pipe_open(&serve.input, 0) == 0) {
        uv_read_start((uv_stream_t *)&serve.input, on_alloc, on_input);
    }
    uv_run(&serve.loop, UV_RUN_DEFAULT);
    struct iso_coap_server_stats stats;
    iso_coap_server_stats(serve.server, &stats);
    printf("requests %llu duplicates %llu refused %llu\n", (unsigned long long)stats.requests,
           (unsigned long long)stats.duplicates, (unsigned long long)stats.refused_requests);
    iso_coap_server_destroy(serve.server);
    uv_close((uv_handle_t *)&serve.timer, NULL);
    uv_close((uv_handle_t *)&serve.later, NULL);
    uv_close((uv_handle_t *)&serve.input, NULL);
    uv_run(&serve.loop, UV_RUN_DEFAULT);
    return uv_loop_close(&serve.loop) == 0 ? 0 : 1;
}
