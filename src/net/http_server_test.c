/* The HTTP server in one loop with its client: what is called when and how often, who owns what,
 * and configurations that are refused. What clients send over the network is tried by tests/http.
 */
#include "net/http_server.h"

#include "base/test.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <unistd.h>

/* A server, one client socket, and what happened. */
struct world {
    uv_loop_t loop;
    struct iso_http_server *server;
    int fd; /* of the client */
    char got[65536];
    size_t got_len;
    bool at_end;
    /* what the callbacks do and did */
    void (*headers)(struct world *world, struct iso_http_request *req);
    void (*request)(struct world *world, struct iso_http_request *req);
    void (*closed)(struct world *world, struct iso_http_request *req);
    unsigned headers_calls, request_calls, closed_calls, completed, released, done;
    iso_http_id id;
    int file; /* descriptor of the latest answer from a file */
};

static void on_headers(void *ctx, struct iso_http_request *req)
{
    struct world *world = ctx;
    world->headers_calls++;
    world->id = iso_http_request_id(req);
    if (world->headers != NULL) {
        world->headers(world, req);
    }
}

static void on_request(void *ctx, struct iso_http_request *req)
{
    struct world *world = ctx;
    world->request_calls++;
    if (world->request != NULL) {
        world->request(world, req);
    }
}

static void on_closed(void *ctx, struct iso_http_request *req, bool completed)
{
    struct world *world = ctx;
    world->closed_calls++;
    world->completed += completed ? 1 : 0;
    CHECK(iso_http_request_id(req) == world->id);
    if (world->closed != NULL) {
        world->closed(world, req);
    }
}

static void on_done(void *ctx)
{
    struct world *world = ctx;
    world->done++;
}

static void on_release(void *ctx)
{
    struct world *world = ctx;
    world->released++;
}

static struct iso_http_config config_of(struct world *world,
                                        const struct iso_http_listener *listener)
{
    return (struct iso_http_config){
        .listeners = listener,
        .listener_count = 1,
        .callbacks = {.on_headers = on_headers, .on_request = on_request, .on_closed = on_closed},
        .ctx = world};
}

static const struct iso_http_listener loopback = {.address = "127.0.0.1:0"};

static void world_init(struct world *world)
{
    *world = (struct world){.fd = -1};
    CHECK(uv_loop_init(&world->loop) == 0);
    struct iso_http_config config = config_of(world, &loopback);
    CHECK_OK(iso_http_server_create(&world->loop, &config, &world->server, NULL));
}

static void world_connect(struct world *world)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(iso_http_server_port(world->server, 0))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    world->fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(world->fd >= 0);
    CHECK(connect(world->fd, (struct sockaddr *)&address, sizeof address) == 0);
}

static void say(struct world *world, const char *text)
{
    size_t len = strlen(text);
    if (world->fd < 0) {
        world_connect(world);
    }
    CHECK(send(world->fd, text, len, MSG_NOSIGNAL) == (ssize_t)len);
}

/* What the server has sent so far; waits for nothing. */
static void listen_once(struct world *world)
{
    ssize_t len = 1;
    while (world->fd >= 0 && len > 0 && world->got_len + 1 < sizeof world->got) {
        len = recv(world->fd, world->got + world->got_len, sizeof world->got - 1 - world->got_len,
                   MSG_DONTWAIT);
        world->got_len += len > 0 ? (size_t)len : 0;
    }
    world->at_end = world->at_end || len == 0;
    world->got[world->got_len] = '\0';
}

/* Turns of the loop until the client has read `text` (NULL: the end of the connection). The loop
 * always has the sweep to wake it; a turn that brings nothing is one of many. */
static void until(struct world *world, const char *text)
{
    for (unsigned i = 0; i < 2000; i++) {
        (void)uv_run(&world->loop, UV_RUN_ONCE);
        listen_once(world);
        if (text != NULL ? strstr(world->got, text) != NULL : world->at_end) {
            return;
        }
    }
    TEST_FAIL("'%s' did not come, but '%s'", text != NULL ? text : "the end", world->got);
}

static void until_asked(struct world *world)
{
    while (world->request_calls == 0) {
        (void)uv_run(&world->loop, UV_RUN_ONCE);
    }
}

static void until_closed(struct world *world, unsigned calls)
{
    for (unsigned i = 0; i < 2000 && world->closed_calls < calls; i++) {
        (void)uv_run(&world->loop, UV_RUN_ONCE);
    }
    CHECK_EQ_U64(world->closed_calls, calls);
}

static void world_fini(struct world *world)
{
    if (world->fd >= 0) {
        (void)close(world->fd);
    }
    iso_http_server_close(world->server, 0, on_done, world);
    CHECK_EQ_U64(world->done, 0);
    (void)uv_run(&world->loop, UV_RUN_DEFAULT);
    CHECK_EQ_U64(world->done, 1);
    CHECK_EQ_U64(world->closed_calls, world->headers_calls);
    CHECK(uv_loop_close(&world->loop) == 0);
}

static void answer(struct world *world, iso_http_id id, const char *text)
{
    struct iso_http_response response = {.status = 200,
                                         .content_type = "text/plain",
                                         .body = iso_bytes_from(text, strlen(text)),
                                         .release = on_release,
                                         .release_ctx = world};
    iso_http_respond(world->server, id, &response);
}

static void answer_now(struct world *world, struct iso_http_request *req)
{
    answer(world, iso_http_request_id(req), "now");
}

#define GET "GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n"

/* A request has come, and waits for its answer. */
static void ask(struct world *world)
{
    say(world, GET);
    until_asked(world);
}

TEST(a_server_that_nobody_used_closes)
{
    struct world world;
    world_init(&world);
    CHECK(iso_http_server_port(world.server, 0) != 0);
    CHECK_EQ_U64(iso_http_server_port(world.server, 1), 0);
    world_fini(&world);
}

TEST(an_answer_from_on_request_reaches_the_client)
{
    struct world world;
    world_init(&world);
    world.request = answer_now;
    say(&world, GET);
    until(&world, "now");
    until_closed(&world, 1);
    CHECK_EQ_U64(world.completed, 1);
    CHECK_EQ_U64(world.released, 1);
    world_fini(&world);
}

TEST(an_answer_from_on_headers_spares_on_request)
{
    struct world world;
    world_init(&world);
    world.headers = answer_now;
    say(&world, GET);
    until(&world, "now");
    until_closed(&world, 1);
    CHECK_EQ_U64(world.request_calls, 0);
    say(&world, GET); /* the connection goes on */
    until_closed(&world, 2);
    world_fini(&world);
}

TEST(only_the_first_answer_counts_and_each_body_is_released_once)
{
    struct world world;
    world_init(&world);
    ask(&world);
    answer(&world, world.id, "first");
    answer(&world, world.id, "second");
    CHECK_EQ_U64(world.released, 1); /* the second */
    until(&world, "first");
    until_closed(&world, 1);
    CHECK_EQ_U64(world.released, 2);
    CHECK(strstr(world.got, "second") == NULL);
    answer(&world, world.id, "third"); /* it is over */
    CHECK_EQ_U64(world.released, 3);
    CHECK(iso_http_request_find(world.server, world.id) == NULL);
    answer(&world, 0, "nobody");
    answer(&world, UINT64_MAX, "nobody");
    CHECK_EQ_U64(world.released, 5);
    world_fini(&world);
}

/* Answers with a file, whose only descriptor is given away. */
static void answer_file(struct world *world, struct iso_http_request *req)
{
    FILE *made = tmpfile();
    CHECK(made != NULL && fputs("of a file", made) >= 0 && fflush(made) == 0);
    const struct iso_http_file file = {dup(fileno(made)), 9};
    const struct iso_http_response response = {
        .status = 200, .content_type = "text/plain", .file = &file};
    CHECK(fclose(made) == 0);
    iso_http_respond(world->server, iso_http_request_id(req), &response);
    world->file = file.fd;
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) != -1;
}

TEST(a_file_is_sent_with_its_length_and_closed)
{
    struct world world;
    world_init(&world);
    world.request = answer_file;
    say(&world, GET);
    until(&world, "\r\n\r\nof a file");
    CHECK(strstr(world.got, "Content-Length: 9\r\n") != NULL);
    until_closed(&world, 1);
    CHECK(!is_open(world.file));
    struct iso_http_stats stats;
    iso_http_server_stats(world.server, &stats);
    CHECK_EQ_U64(stats.bytes_out, 9);
    world.got_len = 0;
    say(&world, "HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    until_closed(&world, 2);
    listen_once(&world);
    CHECK(strstr(world.got, "Content-Length: 9\r\n") != NULL && strstr(world.got, "file") == NULL);
    CHECK(!is_open(world.file));
    world_fini(&world);
}

TEST(a_file_for_a_request_that_is_over_is_closed)
{
    struct world world;
    world_init(&world);
    world.closed = answer_file;
    ask(&world);
    (void)close(world.fd);
    world.fd = -1;
    until_closed(&world, 1);
    CHECK(!is_open(world.file));
    world_fini(&world);
}

static void answer_in_closed(struct world *world, struct iso_http_request *req)
{
    CHECK_EQ_U64(iso_http_request_segment_count(req), 1); /* accessors still work */
    answer(world, iso_http_request_id(req), "late");
}

TEST(a_client_that_goes_while_it_waits_is_noticed)
{
    struct world world;
    world_init(&world);
    world.closed = answer_in_closed;
    ask(&world);
    struct iso_http_stats stats;
    iso_http_server_stats(world.server, &stats);
    CHECK_EQ_U64(stats.deferred, 1);
    (void)close(world.fd);
    world.fd = -1;
    until_closed(&world, 1);
    CHECK_EQ_U64(world.completed, 0);
    CHECK_EQ_U64(world.released, 1);
    iso_http_server_stats(world.server, &stats);
    CHECK_EQ_U64(stats.deferred, 0);
    CHECK_EQ_U64(stats.aborted, 1);
    world_fini(&world);
}

TEST(an_answer_just_after_the_client_has_gone_is_released)
{
    struct world world;
    world_init(&world);
    ask(&world);
    (void)close(world.fd);
    world.fd = -1;
    answer(&world, world.id, "into the void"); /* before anybody noticed */
    until_closed(&world, 1);
    CHECK_EQ_U64(world.released, 1);
    world_fini(&world);
}

static void abort_request(struct world *world, struct iso_http_request *req)
{
    iso_http_abort(world->server, iso_http_request_id(req));
    CHECK_EQ_U64(world->closed_calls, 0); /* not from inside */
}

TEST(a_request_may_be_dropped_at_any_stage)
{
    for (unsigned stage = 0; stage < 3; stage++) {
        struct world world;
        world_init(&world);
        world.headers = stage == 0 ? abort_request : NULL;
        world.request = stage == 1 ? abort_request : NULL;
        say(&world, GET);
        if (stage == 2) {
            until_asked(&world);
            iso_http_abort(world.server, world.id);
            iso_http_abort(world.server, world.id);
            CHECK_EQ_U64(world.closed_calls, 0);
        }
        until(&world, NULL);
        CHECK_EQ_U64(world.got_len, 0);
        CHECK_EQ_U64(world.closed_calls, 1);
        CHECK_EQ_U64(world.completed, 0);
        world_fini(&world);
    }
}

static void accept_small(struct world *world, struct iso_http_request *req)
{
    (void)world;
    iso_http_accept_body(req, 8);
}

static void take_and_answer(struct world *world, struct iso_http_request *req)
{
    uint8_t *body;
    size_t len;
    CHECK_OK(iso_http_request_take_body(req, &body, &len));
    CHECK_EQ_U64(len, 5);
    CHECK_MEM(body, "12345", 5);
    CHECK_EQ_U64(iso_http_request_body(req).len, 0);
    answer(world, iso_http_request_id(req), "taken");
    iso_alloc_free(iso_alloc_libc(), body, len);
}

TEST(a_body_can_be_taken)
{
    struct world world;
    world_init(&world);
    world.headers = accept_small;
    world.request = take_and_answer;
    say(&world, "POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n12345");
    until(&world, "taken");
    until_closed(&world, 1);
    world_fini(&world);
}

TEST(a_body_beyond_what_was_allowed_is_refused)
{
    struct world world;
    world_init(&world);
    world.headers = accept_small;
    say(&world, "POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n123456789");
    until(&world, " 413 ");
    until_closed(&world, 1);
    CHECK_EQ_U64(world.request_calls, 0);
    world_fini(&world);
}

TEST(all_bodies_together_have_a_limit)
{
    struct world world = {.fd = -1};
    CHECK(uv_loop_init(&world.loop) == 0);
    struct iso_http_config config = config_of(&world, &loopback);
    config.limits.body_bytes_total = 4;
    CHECK_OK(iso_http_server_create(&world.loop, &config, &world.server, NULL));
    world.headers = accept_small;
    world.request = answer_now;
    say(&world, "POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n12345");
    until(&world, " 503 ");
    until_closed(&world, 1);
    say(&world, "POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n1234");
    until(&world, "now"); /* nothing was left over of the first */
    world_fini(&world);
}

static void begin_events(struct world *world, struct iso_http_request *req)
{
    struct iso_http_stream_config config = {.kind = ISO_HTTP_STREAM_EVENTS, .buffer_bytes = 64};
    CHECK_OK(iso_http_stream_begin(world->server, iso_http_request_id(req), &config));
    CHECK_ERR(iso_http_stream_begin(world->server, iso_http_request_id(req), &config),
              ISO_E_NOT_FOUND);
}

TEST(events_have_lines_ids_and_a_limit)
{
    struct world world;
    world_init(&world);
    world.request = begin_events;
    say(&world, GET);
    until(&world, "text/event-stream");
    CHECK_OK(iso_http_stream_event(world.server, world.id, "7", iso_str_from_z("a\nb\r\nc")));
    until(&world, "id: 7\ndata: a\ndata: b\ndata: c\n\n");
    CHECK_OK(iso_http_stream_event(world.server, world.id, NULL, iso_str_from_z("")));
    until(&world, "\ndata: \n\n");
    CHECK_EQ_U64(iso_http_stream_pending(world.server, world.id), 0);
    CHECK_ERR(iso_http_stream_event(world.server, world.id, "a\nb", iso_str_from_z("")),
              ISO_E_ARGUMENT);
    char large[100];
    memset(large, 'x', sizeof large);
    CHECK_ERR(
        iso_http_stream_event(world.server, world.id, NULL, iso_str_from(large, sizeof large)),
        ISO_E_LIMIT);
    CHECK_ERR(iso_http_stream_event(world.server, world.id, NULL, iso_str_from_z("")),
              ISO_E_NOT_FOUND);
    CHECK_EQ_U64(world.closed_calls, 0);
    until_closed(&world, 1);
    CHECK_EQ_U64(world.completed, 0);
    world_fini(&world);
}

TEST(a_stream_ends_after_what_it_has)
{
    struct world world;
    world_init(&world);
    world.request = begin_events;
    say(&world, GET);
    until(&world, "text/event-stream");
    CHECK_OK(iso_http_stream_event(world.server, world.id, NULL, iso_str_from_z("last")));
    iso_http_stream_end(world.server, world.id);
    iso_http_stream_end(world.server, world.id);
    until(&world, "data: last\n\n");
    until_closed(&world, 1);
    CHECK_EQ_U64(world.completed, 1);
    world_fini(&world);
}

static void begin_pictures(struct world *world, struct iso_http_request *req)
{
    struct iso_http_stream_config config = {.kind = ISO_HTTP_STREAM_MULTIPART};
    CHECK_OK(iso_http_stream_begin(world->server, iso_http_request_id(req), &config));
}

TEST(pictures_have_a_type_and_a_limit)
{
    struct world world;
    world_init(&world);
    world.request = begin_pictures;
    say(&world, GET);
    until(&world, "multipart/x-mixed-replace");
    const size_t most = (size_t)16 << 20;
    uint8_t *picture = iso_alloc_new(iso_alloc_libc(), most + 1);
    CHECK(picture != NULL);
    CHECK_ERR(iso_http_stream_part(world.server, world.id, "image/jpeg",
                                   iso_bytes_from(picture, most + 1)),
              ISO_E_LIMIT);
    char long_type[102];
    memset(long_type, 'x', sizeof long_type);
    long_type[101] = '\0';
    CHECK_ERR(iso_http_stream_part(world.server, world.id, long_type, iso_bytes_from(picture, 1)),
              ISO_E_ARGUMENT);
    CHECK_ERR(iso_http_stream_part(world.server, world.id, "a\r\nb", iso_bytes_from(picture, 1)),
              ISO_E_ARGUMENT);
    CHECK_OK(
        iso_http_stream_part(world.server, world.id, "image/jpeg", iso_bytes_from(picture, most)));
    CHECK_ERR(
        iso_http_stream_part(world.server, world.id, "image/jpeg", iso_bytes_from(picture, 1)),
        ISO_E_REFUSED);
    CHECK(iso_http_stream_pending(world.server, world.id) > most);
    iso_alloc_free(iso_alloc_libc(), picture, most + 1);
    world_fini(&world);
}

TEST(closing_drops_what_waits)
{
    struct world world;
    world_init(&world);
    ask(&world);
    world_fini(&world); /* which checks that on_closed was called */
}

TEST(bad_configurations_are_refused)
{
    uv_loop_t loop;
    CHECK(uv_loop_init(&loop) == 0);
    struct world world = {.fd = -1};
    struct iso_http_server *server;
    struct iso_report report;
    static const char *const addresses[] = {"", "nonsense", "127.0.0.1", "127.0.0.1:65536",
                                            "example.org:80"};
    for (size_t i = 0; i < ISO_COUNT_OF(addresses); i++) {
        struct iso_http_listener listener = {.address = addresses[i]};
        struct iso_http_config config = config_of(&world, &listener);
        CHECK_ERR(iso_http_server_create(&loop, &config, &server, NULL), ISO_E_ARGUMENT);
    }
    struct iso_http_listener bad = {
        .address = "127.0.0.1:0", .certificate_pem = "no certificate", .key_pem = "no key"};
    struct iso_http_config config = config_of(&world, &bad);
    iso_report_init(&report);
    CHECK_ERR(iso_http_server_create(&loop, &config, &server, &report), ISO_E_INVALID);
    CHECK(report.set);
    bad.key_pem = NULL;
    CHECK_ERR(iso_http_server_create(&loop, &config, &server, NULL), ISO_E_ARGUMENT);
    config = config_of(&world, &loopback);
    config.listener_count = 0;
    CHECK_ERR(iso_http_server_create(&loop, &config, &server, NULL), ISO_E_ARGUMENT);
    config.listener_count = ISO_HTTP_MAX_LISTENERS + 1;
    CHECK_ERR(iso_http_server_create(&loop, &config, &server, NULL), ISO_E_ARGUMENT);
    config.listener_count = 1;
    config.limits.connections = ISO_HTTP_MAX_CONNECTIONS + 1;
    CHECK_ERR(iso_http_server_create(&loop, &config, &server, NULL), ISO_E_ARGUMENT);
    config.limits.connections = 0;
    config.limits.header_bytes = 100;
    CHECK_ERR(iso_http_server_create(&loop, &config, &server, NULL), ISO_E_ARGUMENT);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&loop) == 0);
}

TEST(an_address_is_used_once)
{
    struct world world;
    world_init(&world);
    char address[32];
    (void)snprintf(address, sizeof address, "127.0.0.1:%u",
                   (unsigned)iso_http_server_port(world.server, 0));
    struct iso_http_listener listeners[2] = {{.address = "127.0.0.1:0"}, {.address = address}};
    struct iso_http_config config = config_of(&world, listeners);
    config.listener_count = 2;
    struct iso_http_server *server;
    CHECK_ERR(iso_http_server_create(&world.loop, &config, &server, NULL), ISO_E_EXISTS);
    world_fini(&world);
}
