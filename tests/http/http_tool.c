/*
 * http_tool - a small server over net/http_server.h for tests/http/run.sh and bench/http.
 *
 *   http_tool [--limit NAME=NUMBER]... [--tls IDENTITY] [ADDRESS...]
 *
 * IDENTITY: a file of net/tls.h, made when it is missing; for the addresses after it. Prints
 * "listening PORT...", and with TLS the pin as curl wants it, and serves until POST /stop or the
 * end of its standard input.
 */
#include "net/http_server.h"
#include "net/tls.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_PENDING = 512 };

/* What has been put off: an answer at a time, or the next event or frame of a stream. */
struct pending {
    uv_timer_t timer;
    iso_http_id id; /* 0: free */
    unsigned kind;  /* one of the enumerators below */
    unsigned count, number;
    size_t size;
};

enum { KIND_ANSWER, KIND_EVENTS, KIND_FRAMES, KIND_ABORT };

struct upload {
    struct iso_sha256 sha;
    uint64_t len;
};

struct tool {
    uv_loop_t loop;
    struct iso_http_server *server;
    struct pending pending[MAX_PENDING];
    uint64_t closed_completed, closed_aborted;
    uv_pipe_t input;
    bool stopping;
    uint8_t *big;
    size_t big_len;
    uint64_t big_released;
};

struct work {
    uv_work_t work;
    struct tool *tool;
    iso_http_id id;
    uint8_t *body;
    size_t len;
    char digest[65];
};

static struct tool *tool_of(void *ctx)
{
    return ctx;
}

static void text_reply(struct tool *tool, struct iso_http_request *req, unsigned status,
                       const char *text)
{
    iso_http_reply(tool->server, iso_http_request_id(req), status, "text/plain",
                   iso_bytes_from(text, strlen(text)));
}

static uint64_t number_of(struct iso_http_request *req, const char *name, uint64_t otherwise)
{
    struct iso_str text;
    if (!iso_http_request_parameter(req, name, &text) || text.len == 0 || text.len > 9) {
        return otherwise;
    }
    uint64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        value = value * 10 + (uint64_t)(text.ptr[i] - '0');
    }
    return value;
}

/* ---- Later -------------------------------------------------------------------------------- */

static void frames_next(struct tool *tool, struct pending *pending)
{
    uint8_t *frame = malloc(pending->size);
    if (frame == NULL) {
        abort();
    }
    memset(frame, (int)('a' + pending->number % 26), pending->size);
    (void)!iso_http_stream_part(tool->server, pending->id, "image/x-test",
                                iso_bytes_from(frame, pending->size));
    free(frame);
}

static void events_next(struct tool *tool, struct pending *pending)
{
    char text[2048];
    char event_id[16];
    size_t fill = pending->size < 1024 ? pending->size : 1024;
    char filler[1025];
    memset(filler, 'x', fill);
    filler[fill] = '\0';
    int len = snprintf(text, sizeof text, "{\"n\":%u,\"fill\":\"%s\"}", pending->number, filler);
    (void)snprintf(event_id, sizeof event_id, "%u", pending->number);
    (void)!iso_http_stream_event(tool->server, pending->id, event_id,
                                 iso_str_from(text, (size_t)len));
}

static void on_pending(uv_timer_t *timer)
{
    struct pending *pending = timer->data;
    struct tool *tool = tool_of(timer->loop->data);
    if (pending->id == 0 || iso_http_request_find(tool->server, pending->id) == NULL) {
        pending->id = 0;
        (void)uv_timer_stop(timer);
        return;
    }
    if (pending->kind == KIND_ANSWER) {
        iso_http_reply(tool->server, pending->id, 200, "text/plain", iso_bytes_from("later\n", 6));
    } else if (pending->kind == KIND_ABORT) {
        iso_http_abort(tool->server, pending->id);
    } else if (pending->number == pending->count) {
        iso_http_stream_end(tool->server, pending->id);
    } else {
        if (pending->kind == KIND_EVENTS) {
            events_next(tool, pending);
        } else {
            frames_next(tool, pending);
        }
        pending->number++;
        return;
    }
    pending->id = 0;
    (void)uv_timer_stop(timer);
}

static void put_off(struct tool *tool, struct iso_http_request *req, unsigned kind)
{
    for (size_t i = 0; i < MAX_PENDING; i++) {
        struct pending *pending = &tool->pending[i];
        if (pending->id == 0) {
            pending->id = iso_http_request_id(req);
            pending->kind = kind;
            pending->number = 0;
            pending->count = (unsigned)number_of(req, "count", 3);
            pending->size = (size_t)number_of(req, "size", 10);
            uint64_t ms = number_of(req, "ms", 10);
            (void)uv_timer_start(&pending->timer, on_pending, ms, ms != 0 ? ms : 1);
            return;
        }
    }
    iso_http_problem(tool->server, iso_http_request_id(req), 503, NULL, NULL, "too many at once");
}

static void stream(struct tool *tool, struct iso_http_request *req, unsigned kind)
{
    struct iso_http_stream_config config = {.kind = kind == KIND_EVENTS ? ISO_HTTP_STREAM_EVENTS
                                                                        : ISO_HTTP_STREAM_MULTIPART,
                                            .retry_ms = 250};
    if (iso_http_stream_begin(tool->server, iso_http_request_id(req), &config) == ISO_OK) {
        put_off(tool, req, kind);
    }
}

/* ---- On another thread -------------------------------------------------------------------- */

static void on_work(uv_work_t *handle)
{
    struct work *work = handle->data;
    uint8_t digest[ISO_SHA256_SIZE];
    iso_sha256(work->body, work->len, digest);
    iso_hex_encode(digest, sizeof digest, work->digest);
}

static void on_work_done(uv_work_t *handle, int status)
{
    (void)status;
    struct work *work = handle->data;
    iso_http_reply(work->tool->server, work->id, 200, "text/plain",
                   iso_bytes_from(work->digest, 64));
    iso_alloc_free(iso_alloc_libc(), work->body, work->len);
    free(work);
}

static void work_start(struct tool *tool, struct iso_http_request *req)
{
    struct work *work = calloc(1, sizeof *work);
    if (work == NULL || iso_http_request_take_body(req, &work->body, &work->len) != ISO_OK) {
        abort();
    }
    work->tool = tool;
    work->id = iso_http_request_id(req);
    work->work.data = work;
    if (uv_queue_work(&tool->loop, &work->work, on_work, on_work_done) != 0) {
        abort();
    }
}

/* ---- Routes ------------------------------------------------------------------------------- */

static void describe(struct tool *tool, struct iso_http_request *req)
{
    struct iso_buf text;
    iso_buf_init(&text, iso_alloc_libc(), SIZE_MAX);
    struct iso_json json;
    iso_json_init_buf(&json, &text, 0);
    iso_json_object_begin(&json);
    iso_json_key(&json, "method");
    iso_json_z(&json, iso_http_request_method_text(req));
    iso_json_key(&json, "path");
    iso_json_string(&json, iso_http_request_path(req));
    iso_json_key(&json, "segments");
    iso_json_array_begin(&json);
    for (size_t i = 0; i < iso_http_request_segment_count(req); i++) {
        iso_json_string(&json, iso_http_request_segment(req, i));
    }
    iso_json_array_end(&json);
    struct iso_str value;
    iso_json_key(&json, "x");
    if (iso_http_request_parameter(req, "x", &value)) {
        iso_json_string(&json, value);
    } else {
        iso_json_null(&json);
    }
    iso_json_key(&json, "peer");
    iso_json_z(&json, iso_http_request_peer_text(req));
    iso_json_key(&json, "tls");
    iso_json_bool(&json, iso_http_request_is_tls(req));
    iso_json_object_end(&json);
    if (iso_json_finish(&json) != ISO_OK) {
        abort();
    }
    iso_http_reply(tool->server, iso_http_request_id(req), 200, "application/json",
                   iso_buf_view(&text));
    iso_buf_fini(&text);
}

static void stats(struct tool *tool, struct iso_http_request *req)
{
    struct iso_http_stats s;
    iso_http_server_stats(tool->server, &s);
    char text[512];
    (void)snprintf(text, sizeof text,
                   "{\"accepted\":%llu,\"refused\":%llu,\"timed_out\":%llu,\"requests\":%llu,"
                   "\"aborted\":%llu,\"skipped\":%llu,\"connections\":%u,\"streams\":%u,"
                   "\"deferred\":%u,\"completed\":%llu,\"closed_aborted\":%llu,"
                   "\"big_released\":%llu}",
                   (unsigned long long)s.accepted, (unsigned long long)s.refused,
                   (unsigned long long)s.timed_out, (unsigned long long)s.requests,
                   (unsigned long long)s.aborted, (unsigned long long)s.events_skipped,
                   s.connections, s.streams, s.deferred, (unsigned long long)tool->closed_completed,
                   (unsigned long long)tool->closed_aborted,
                   (unsigned long long)tool->big_released);
    iso_http_reply(tool->server, iso_http_request_id(req), 200, "application/json",
                   iso_bytes_from(text, strlen(text)));
}

static void big_release(void *ctx)
{
    tool_of(ctx)->big_released++;
}

static void big(struct tool *tool, struct iso_http_request *req)
{
    struct iso_http_response response = {.status = 200,
                                         .content_type = "application/octet-stream",
                                         .body = iso_bytes_from(tool->big, tool->big_len),
                                         .release = big_release,
                                         .release_ctx = tool};
    iso_http_respond(tool->server, iso_http_request_id(req), &response);
}

static void document(struct tool *tool, struct iso_http_request *req)
{
    static const char page[] = "<!doctype html><title>page</title>";
    struct iso_http_response response = {.status = 200,
                                         .content_type = "text/html; charset=utf-8",
                                         .body = iso_bytes_from(page, sizeof page - 1),
                                         .etag = "\"one\""};
    iso_http_respond(tool->server, iso_http_request_id(req), &response);
}

static void bad_field(struct tool *tool, struct iso_http_request *req)
{
    struct iso_http_field field = {"X-Bad", "a\r\nSet-Cookie: b"};
    struct iso_http_response response = {.status = 200, .fields = &field, .field_count = 1};
    iso_http_respond(tool->server, iso_http_request_id(req), &response);
}

static void on_done(void *ctx)
{
    struct tool *tool = ctx;
    tool->server = NULL;
    for (size_t i = 0; i < MAX_PENDING; i++) {
        uv_close((uv_handle_t *)&tool->pending[i].timer, NULL);
    }
    uv_close((uv_handle_t *)&tool->input, NULL);
}

static void stop(struct tool *tool)
{
    if (!tool->stopping) {
        tool->stopping = true;
        iso_http_server_close(tool->server, 2000, on_done, tool);
    }
}

static void stop_now(struct tool *tool, struct iso_http_request *req)
{
    text_reply(tool, req, 200, "stopping\n");
    stop(tool);
}

static void hello(struct tool *tool, struct iso_http_request *req)
{
    text_reply(tool, req, 200, "hello\n");
}

static void answer_later(struct tool *tool, struct iso_http_request *req)
{
    put_off(tool, req, KIND_ANSWER);
}

static void abort_later(struct tool *tool, struct iso_http_request *req)
{
    put_off(tool, req, KIND_ABORT);
}

static void answer_never(struct tool *tool, struct iso_http_request *req)
{
    (void)tool;
    (void)req;
}

static void events(struct tool *tool, struct iso_http_request *req)
{
    stream(tool, req, KIND_EVENTS);
}

static void frames(struct tool *tool, struct iso_http_request *req)
{
    stream(tool, req, KIND_FRAMES);
}

static void echo(struct tool *tool, struct iso_http_request *req)
{
    iso_http_reply(tool->server, iso_http_request_id(req), 200, "application/octet-stream",
                   iso_http_request_body(req));
}

static void upload_done(struct tool *tool, struct iso_http_request *req)
{
    struct upload *upload = iso_http_request_user(req);
    uint8_t digest[ISO_SHA256_SIZE];
    char hex[65];
    char text[128];
    iso_sha256_final(&upload->sha, digest);
    iso_hex_encode(digest, sizeof digest, hex);
    (void)snprintf(text, sizeof text, "%llu %s\n", (unsigned long long)upload->len, hex);
    text_reply(tool, req, 200, text);
}

static unsigned on_data(void *ctx, struct iso_http_request *req, struct iso_bytes piece)
{
    (void)ctx;
    struct upload *upload = iso_http_request_user(req);
    iso_sha256_update(&upload->sha, piece.ptr, piece.len);
    upload->len += piece.len;
    /* A byte that this resource does not like. */
    return memchr(piece.ptr, '!', piece.len) != NULL ? 422 : 0;
}

struct route {
    const char *name;
    unsigned methods;
    void (*run)(struct tool *tool, struct iso_http_request *req);
};

static const struct route routes[] = {
    {"hello", ISO_HTTP_GET, hello},
    {"later", ISO_HTTP_GET | ISO_HTTP_POST, answer_later},
    {"never", ISO_HTTP_GET, answer_never},
    {"abort", ISO_HTTP_GET, abort_later},
    {"events", ISO_HTTP_GET, events},
    {"frames", ISO_HTTP_GET, frames},
    {"echo", ISO_HTTP_POST, echo},
    {"digest", ISO_HTTP_POST, work_start},
    {"work", ISO_HTTP_GET, work_start},
    {"upload", ISO_HTTP_PUT, upload_done},
    {"describe", ISO_HTTP_GET, describe},
    {"stats", ISO_HTTP_GET, stats},
    {"big", ISO_HTTP_GET, big},
    {"page", ISO_HTTP_GET, document},
    {"bad-field", ISO_HTTP_GET, bad_field},
    {"secret", ISO_HTTP_GET | ISO_HTTP_POST, hello},
    {"stop", ISO_HTTP_POST, stop_now},
};

static const struct route *route_of(struct iso_http_request *req)
{
    struct iso_str name = iso_http_request_segment(req, 0);
    for (size_t i = 0; i < ISO_COUNT_OF(routes); i++) {
        if (iso_str_equal_z(name, routes[i].name)) {
            return &routes[i];
        }
    }
    return NULL;
}

static void upload_begin(struct tool *tool, struct iso_http_request *req)
{
    struct upload *upload = calloc(1, sizeof *upload);
    if (upload == NULL) {
        iso_http_abort(tool->server, iso_http_request_id(req));
        return;
    }
    iso_sha256_init(&upload->sha);
    iso_http_request_set_user(req, upload);
    iso_http_accept_upload(req, UINT64_C(64) << 20, on_data);
}

static void on_headers(void *ctx, struct iso_http_request *req)
{
    struct tool *tool = ctx;
    iso_http_id id = iso_http_request_id(req);
    const struct route *route = route_of(req);
    struct iso_str token;
    if (route == NULL) {
        iso_http_problem(tool->server, id, 404, NULL, NULL, "there is no such resource");
    } else if ((route->methods & iso_http_request_method(req)) == 0) {
        iso_http_not_allowed(req, route->methods);
    } else if (strcmp(route->name, "secret") == 0 &&
               (!iso_http_request_bearer(req, &token) || !iso_str_equal_z(token, "open"))) {
        iso_http_problem(tool->server, id, 401, NULL, NULL, "a token is needed");
    } else if (route->run == upload_done) {
        upload_begin(tool, req);
    } else if (route->run == echo && iso_http_request_content_length(req) != 0 &&
               iso_http_request_has_type(req, "text/evil")) {
        iso_http_problem(tool->server, id, 415, NULL, NULL, "not that");
    } else if ((route->methods & ISO_HTTP_POST) != 0) {
        iso_http_accept_body(req, 0);
    }
}

static void on_request(void *ctx, struct iso_http_request *req)
{
    route_of(req)->run(ctx, req);
}

static void on_closed(void *ctx, struct iso_http_request *req, bool completed)
{
    struct tool *tool = ctx;
    tool->closed_completed += completed ? 1 : 0;
    tool->closed_aborted += completed ? 0 : 1;
    free(iso_http_request_user(req));
    /* Too late: does nothing. */
    text_reply(tool, req, 500, "late");
}

static bool is_host(void *ctx, struct iso_str name)
{
    (void)ctx;
    return iso_str_equal_z(name, "device.local");
}

/* ---- Program ------------------------------------------------------------------------------ */

static bool limit_set(struct iso_http_limits *limits, const char *text)
{
    struct {
        const char *name;
        uint32_t *value;
    } known[] = {{"connections", &limits->connections},
                 {"connections_per_address", &limits->connections_per_address},
                 {"handshakes", &limits->handshakes},
                 {"streams", &limits->streams},
                 {"header_bytes", &limits->header_bytes},
                 {"stream_bytes", &limits->stream_bytes},
                 {"handshake_ms", &limits->handshake_ms},
                 {"header_ms", &limits->header_ms},
                 {"idle_ms", &limits->idle_ms},
                 {"stall_ms", &limits->stall_ms},
                 {"min_bytes_per_s", &limits->min_bytes_per_s},
                 {"keepalive_ms", &limits->keepalive_ms}};
    const char *equals = strchr(text, '=');
    for (size_t i = 0; i < ISO_COUNT_OF(known) && equals != NULL; i++) {
        size_t len = (size_t)(equals - text);
        if (strlen(known[i].name) == len && memcmp(text, known[i].name, len) == 0) {
            *known[i].value = (uint32_t)strtoul(equals + 1, NULL, 10);
            return true;
        }
    }
    return false;
}

static void input_room(uv_handle_t *handle, size_t wanted, uv_buf_t *out)
{
    static char room[256];
    (void)handle;
    (void)wanted;
    *out = uv_buf_init(room, sizeof room);
}

static void on_input(uv_stream_t *input, ssize_t len, const uv_buf_t *buf)
{
    (void)buf;
    if (len < 0) {
        (void)uv_read_stop(input);
        stop(input->loop->data);
    }
}

static void identity_load(const char *path, struct iso_tls_identity *identity)
{
    static const char *const names[] = {"device.local", "localhost", "127.0.0.1"};
    struct iso_report report;
    iso_report_init(&report);
    enum iso_err err =
        iso_tls_identity_load_or_make(path, names, ISO_COUNT_OF(names), identity, &report);
    if (err != ISO_OK) {
        (void)fprintf(stderr, "http_tool: %s\n", iso_report_text(&report, err));
        exit(2);
    }
}

static void serve(struct tool *tool, const struct iso_http_config *config,
                  const struct iso_tls_identity *identity)
{
    struct iso_report report;
    iso_report_init(&report);
    enum iso_err err = iso_http_server_create(&tool->loop, config, &tool->server, &report);
    if (err != ISO_OK) {
        (void)fprintf(stderr, "http_tool: %s: %s\n", iso_err_name(err),
                      iso_report_text(&report, err));
        exit(3);
    }
    for (size_t i = 0; i < MAX_PENDING; i++) {
        tool->pending[i].timer.data = &tool->pending[i];
        (void)uv_timer_init(&tool->loop, &tool->pending[i].timer);
    }
    if (uv_pipe_init(&tool->loop, &tool->input, 0) != 0 || uv_pipe_open(&tool->input, 0) != 0 ||
        uv_read_start((uv_stream_t *)&tool->input, input_room, on_input) != 0) {
        exit(3);
    }
    (void)printf("listening");
    for (size_t i = 0; i < config->listener_count; i++) {
        (void)printf(" %u", iso_http_server_port(tool->server, i));
    }
    char pin[56] = "";
    if (identity->key_pem != NULL) {
        iso_tls_pin_curl(identity->pin, pin);
    }
    (void)printf(" %s\n", pin);
    (void)fflush(stdout);
    (void)uv_run(&tool->loop, UV_RUN_DEFAULT);
}

int main(int argc, char **argv)
{
    static struct tool tool;
    struct iso_http_listener listeners[ISO_HTTP_MAX_LISTENERS] = {{.address = "127.0.0.1:0"}};
    struct iso_http_config config = {.listeners = listeners,
                                     .callbacks = {.on_headers = on_headers,
                                                   .on_request = on_request,
                                                   .on_closed = on_closed,
                                                   .is_host = is_host},
                                     .ctx = &tool};
    struct iso_tls_identity identity = {.key_pem = NULL};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--limit") == 0 && i + 1 < argc) {
            if (!limit_set(&config.limits, argv[++i])) {
                return 2;
            }
        } else if (strcmp(argv[i], "--tls") == 0 && i + 1 < argc) {
            identity_load(argv[++i], &identity);
        } else if (config.listener_count < ISO_HTTP_MAX_LISTENERS) {
            listeners[config.listener_count++] =
                (struct iso_http_listener){.address = argv[i],
                                           .certificate_pem = identity.certificate_pem,
                                           .key_pem = identity.key_pem};
        }
    }
    config.listener_count += config.listener_count == 0 ? 1 : 0;
    tool.big_len = (size_t)8 << 20;
    tool.big = malloc(tool.big_len);
    if (tool.big == NULL || uv_loop_init(&tool.loop) != 0) {
        return 3;
    }
    memset(tool.big, 'b', tool.big_len);
    tool.loop.data = &tool;
    (void)signal(SIGPIPE, SIG_IGN);
    serve(&tool, &config, &identity);
    int left = uv_loop_close(&tool.loop);
    free(tool.big);
    iso_tls_identity_fini(&identity);
    return left == 0 ? 0 : 4;
}
