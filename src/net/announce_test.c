/* Registering with servers: a real one over TLS and without, ones that refuse, say nothing, say
 * nonsense or are not there, and an end at any moment. */
#include "net/announce_internal.h"

#include "base/test.h"
#include "net/http_server.h"
#include "net/tls.h"
#include "platform/platform.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct world {
    uv_loop_t loop;
    struct iso_http_server *server;
    struct iso_announce *announce;
    unsigned status; /* that the server answers */
    unsigned requests;
    char path[128], body[128], host[128];
    unsigned written, told, wanted, closed;
    uint64_t told_at_ms[8]; /* of the loop, as timers count */
    enum iso_err err;
    char text[512];
};

static void on_headers(void *ctx, struct iso_http_request *req)
{
    (void)ctx;
    iso_http_accept_body(req, 4096);
}

static void copy(char out[128], const char *from, size_t len)
{
    (void)snprintf(out, 128, "%.*s", (int)len, from);
}

static void on_request(void *ctx, struct iso_http_request *req)
{
    struct world *world = ctx;
    const struct iso_str path = iso_http_request_path(req);
    const struct iso_bytes body = iso_http_request_body(req);
    struct iso_str host;
    world->requests++;
    copy(world->path, path.ptr, path.len);
    copy(world->body, (const char *)body.ptr, body.len);
    CHECK(iso_http_request_header(req, "Host", &host));
    copy(world->host, host.ptr, host.len);
    CHECK(iso_http_request_has_type(req, "application/json"));
    CHECK(iso_http_request_method(req) == ISO_HTTP_POST);
    iso_http_reply(world->server, iso_http_request_id(req), world->status, NULL,
                   iso_bytes_from(NULL, 0));
}

static void world_init(struct world *world)
{
    *world = (struct world){.status = 202, .wanted = 1};
    CHECK(uv_loop_init(&world->loop) == 0);
}

static uint16_t serve(struct world *world, const struct iso_tls_identity *identity)
{
    const struct iso_http_listener listener = {
        .address = "127.0.0.1:0",
        .certificate_pem = identity != NULL ? identity->certificate_pem : NULL,
        .key_pem = identity != NULL ? identity->key_pem : NULL};
    const struct iso_http_config config = {
        .listeners = &listener,
        .listener_count = 1,
        .callbacks = {.on_headers = on_headers, .on_request = on_request},
        .ctx = world};
    CHECK_OK(iso_http_server_create(&world->loop, &config, &world->server, NULL));
    return iso_http_server_port(world->server, 0);
}

static enum iso_err write_body(void *ctx, struct iso_buf *out)
{
    struct world *world = ctx;
    char text[64];
    const int len = snprintf(text, sizeof text, "{\"number\":%u}", ++world->written);
    return iso_buf_append(out, text, (size_t)len);
}

static void on_closed(void *ctx)
{
    struct world *world = ctx;
    world->closed++;
}

/* The loop ends by itself when everything is closed. */
static void world_close(struct world *world)
{
    iso_announce_close(world->announce, on_closed, world);
    if (world->server != NULL) {
        iso_http_server_close(world->server, 0, NULL, NULL);
    }
}

static void on_told(void *ctx, enum iso_err err, const struct iso_report *report)
{
    struct world *world = ctx;
    world->err = err;
    (void)snprintf(world->text, sizeof world->text, "%s", iso_report_text(report, err));
    if (world->told < 8) {
        world->told_at_ms[world->told] = uv_now(&world->loop);
    }
    if (++world->told == world->wanted) {
        world_close(world);
    }
}

static void world_start(struct world *world, const char *url, uint32_t timeout_ms)
{
    const struct iso_announce_config config = {.loop = &world->loop,
                                               .url = url,
                                               .path = "/v1/register",
                                               .write = write_body,
                                               .told = on_told,
                                               .ctx = world,
                                               .first_ms = 20,
                                               .max_ms = 80,
                                               .timeout_ms = timeout_ms};
    CHECK_OK(iso_announce_create(&config, &world->announce, NULL));
}

static void world_run(struct world *world)
{
    CHECK(uv_run(&world->loop, UV_RUN_DEFAULT) == 0);
    CHECK_EQ_U64(world->closed, 1);
    CHECK(uv_loop_close(&world->loop) == 0);
}

/* ---- A real server -------------------------------------------------------------------------- */

TEST(a_server_with_an_unknown_certificate_is_told)
{
    static const char *const names[] = {"somebody-else.example"};
    struct world world;
    struct iso_tls_identity identity;
    char url[64];
    world_init(&world);
    CHECK_OK(iso_tls_identity_make(names, 1, &identity, NULL));
    const uint16_t port = serve(&world, &identity);
    (void)snprintf(url, sizeof url, "https://127.0.0.1:%u/", port);
    world_start(&world, url, 0);
    world_run(&world);
    CHECK_OK(world.err);
    CHECK_EQ_U64(world.requests, 1);
    CHECK_STR(world.path, "/v1/register");
    CHECK_STR(world.body, "{\"number\":1}");
    (void)snprintf(url, sizeof url, "127.0.0.1:%u", port);
    CHECK_STR(world.host, url);
    iso_tls_identity_fini(&identity);
}

TEST(a_name_and_a_path_are_kept)
{
    struct world world;
    char url[64];
    world_init(&world);
    (void)snprintf(url, sizeof url, "http://localhost:%u/fleet/", serve(&world, NULL));
    world_start(&world, url, 0);
    world_run(&world);
    CHECK_OK(world.err);
    CHECK_STR(world.path, "/fleet/v1/register");
    CHECK(strncmp(world.host, "localhost:", 10) == 0);
}

TEST(it_is_told_again_and_again)
{
    struct world world;
    char url[64];
    world_init(&world);
    world.wanted = 3;
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u", serve(&world, NULL));
    world_start(&world, url, 0);
    world_run(&world);
    CHECK_EQ_U64(world.requests, 3);
    CHECK_STR(world.body, "{\"number\":3}");
    /* never sooner than three quarters of the time between successes */
    CHECK(world.told_at_ms[2] - world.told_at_ms[1] >= 60);
}

TEST(waiting_grows_after_failures)
{
    struct world world;
    char url[64];
    world_init(&world);
    world.status = 503;
    world.wanted = 5;
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u", serve(&world, NULL));
    world_start(&world, url, 0);
    world_run(&world);
    CHECK_ERR(world.err, ISO_E_REFUSED);
    CHECK_CONTAINS(world.text, "answered 503");
    static const uint64_t least_ms[] = {15, 30, 60, 60}; /* 20, 40, 80, 80 less a quarter */
    for (size_t i = 0; i < 4; i++) {
        CHECK(world.told_at_ms[i + 1] - world.told_at_ms[i] >= least_ms[i]);
    }
}

static void tell_again(uv_timer_t *timer)
{
    struct world *world = timer->data;
    iso_announce_again(world->announce);
    uv_close((uv_handle_t *)timer, NULL);
}

TEST(what_has_changed_is_told_soon)
{
    struct world world;
    struct iso_announce_config config = {
        .path = "/v1/register", .write = write_body, .told = on_told, .max_ms = 3600000};
    uv_timer_t timer;
    char url[64];
    world_init(&world);
    world.wanted = 2;
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u", serve(&world, NULL));
    config.loop = &world.loop;
    config.url = url;
    config.ctx = &world;
    CHECK_OK(iso_announce_create(&config, &world.announce, NULL));
    (void)uv_timer_init(&world.loop, &timer);
    timer.data = &world;
    (void)uv_timer_start(&timer, tell_again, 50, 0);
    world_run(&world); /* would otherwise take an hour */
    CHECK_EQ_U64(world.requests, 2);
}

/* ---- Others --------------------------------------------------------------------------------- */

/* Takes connections, says `text` to each and closes it; NULL: says nothing and keeps it. */
struct peer {
    uv_poll_t poll;
    int fd;
    int kept[16];
    unsigned count;
    const char *text;
    uint16_t port;
};

static void on_connection(uv_poll_t *poll, int status, int events)
{
    struct peer *peer = poll->data;
    (void)status;
    (void)events;
    const int fd = accept(peer->fd, NULL, NULL);
    CHECK(fd >= 0 && peer->count < 16);
    if (peer->text != NULL) {
        CHECK(write(fd, peer->text, strlen(peer->text)) == (ssize_t)strlen(peer->text));
        (void)shutdown(fd, SHUT_WR);
    }
    peer->kept[peer->count++] = fd;
}

static void peer_init(struct peer *peer, uv_loop_t *loop, const char *text)
{
    *peer = (struct peer){.text = text};
    CHECK_OK(iso_socket_listen("127.0.0.1:0", &peer->fd, &peer->port, NULL));
    CHECK(uv_poll_init(loop, &peer->poll, peer->fd) == 0);
    peer->poll.data = peer;
    CHECK(uv_poll_start(&peer->poll, UV_READABLE, on_connection) == 0);
    uv_unref((uv_handle_t *)&peer->poll);
}

static void peer_fini(struct peer *peer, uv_loop_t *loop)
{
    uv_close((uv_handle_t *)&peer->poll, NULL);
    CHECK(uv_run(loop, UV_RUN_DEFAULT) == 0);
    for (unsigned i = 0; i < peer->count; i++) {
        (void)close(peer->kept[i]);
    }
    (void)close(peer->fd);
}

/* One request to a peer that says `text`. */
static void try_peer(struct world *world, const char *scheme, const char *text)
{
    struct peer peer;
    char url[64];
    world_init(world);
    peer_init(&peer, &world->loop, text);
    (void)snprintf(url, sizeof url, "%s://127.0.0.1:%u", scheme, peer.port);
    world_start(world, url, text != NULL ? 60000 : 300);
    CHECK(uv_run(&world->loop, UV_RUN_DEFAULT) == 0);
    CHECK_EQ_U64(world->closed, 1);
    peer_fini(&peer, &world->loop);
    CHECK(uv_loop_close(&world->loop) == 0);
}

TEST(what_is_no_answer_is_a_failure)
{
    static const struct {
        const char *text;
        enum iso_err err;
    } cases[] = {{"", ISO_E_MALFORMED},
                 {"\n", ISO_E_MALFORMED},
                 {"HTTP/1.1", ISO_E_MALFORMED},
                 {"HTTP/1.1 2000\r\n", ISO_E_MALFORMED},
                 {"HTTP/2 202 Accepted\r\n", ISO_E_MALFORMED},
                 {"SSH-2.0-OpenSSH_9.2\r\n", ISO_E_MALFORMED},
                 {"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n\r\n", ISO_E_REFUSED},
                 {"HTTP/1.1 404 Not Found\r\n\r\n", ISO_E_REFUSED},
                 {"HTTP/1.1 204 No Content\r\n\r\n", ISO_OK},
                 {"HTTP/1.0 200\r\n\r\n", ISO_OK}};
    for (size_t i = 0; i < ISO_COUNT_OF(cases); i++) {
        struct world world;
        try_peer(&world, "http", cases[i].text);
        if (cases[i].err != world.err) {
            TEST_FAIL("'%s': %s", cases[i].text, world.text);
        }
    }
}

TEST(more_than_a_line_is_not_waited_for)
{
    char text[2048];
    struct world world;
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    try_peer(&world, "http", text);
    CHECK_ERR(world.err, ISO_E_MALFORMED);
}

TEST(one_that_says_nothing_is_given_up)
{
    struct world world;
    try_peer(&world, "http", NULL);
    CHECK_ERR(world.err, ISO_E_IO);
    CHECK_CONTAINS(world.text, "in time");
    try_peer(&world, "https", NULL);
    CHECK_ERR(world.err, ISO_E_IO);
    CHECK_CONTAINS(world.text, "in time");
}

TEST(one_that_speaks_no_tls_is_told_apart)
{
    struct world world;
    try_peer(&world, "https", "HTTP/1.1 400 Bad Request\r\n\r\n");
    CHECK_ERR(world.err, ISO_E_IO);
    CHECK_CONTAINS(world.text, "TLS");
}

TEST(nobody_there)
{
    struct world world;
    char url[64];
    uint16_t port;
    int fd;
    CHECK_OK(iso_socket_listen("127.0.0.1:0", &fd, &port, NULL));
    (void)close(fd);
    world_init(&world);
    (void)snprintf(url, sizeof url, "https://127.0.0.1:%u", port);
    world_start(&world, url, 0);
    world_run(&world);
    CHECK_ERR(world.err, ISO_E_IO);
    CHECK_CONTAINS(world.text, "no connection");
}

TEST(an_unknown_name)
{
    struct world world;
    world_init(&world);
    world_start(&world, "https://no-such-host.invalid:8491", 5000);
    world_run(&world);
    CHECK(world.err == ISO_E_NOT_FOUND || world.err == ISO_E_IO); /* no server of names answers */
    CHECK_CONTAINS(world.text, "no-such-host.invalid:8491");
}

/* ---- The end at any moment ------------------------------------------------------------------ */

TEST(it_can_be_closed_at_any_moment)
{
    static const char *const names[] = {"localhost"};
    struct iso_tls_identity identity;
    CHECK_OK(iso_tls_identity_make(names, 1, &identity, NULL));
    for (unsigned turns = 0; turns < 40; turns++) {
        struct world world;
        char url[64];
        world_init(&world);
        world.wanted = 1000;
        (void)snprintf(url, sizeof url, "https://127.0.0.1:%u", serve(&world, &identity));
        world_start(&world, url, 0);
        for (unsigned i = 0; i < turns; i++) {
            (void)uv_run(&world.loop, UV_RUN_NOWAIT);
        }
        const unsigned told = world.told;
        world_close(&world);
        world_run(&world);
        CHECK_EQ_U64(world.told, told);
    }
    iso_tls_identity_fini(&identity);
}

/* ---- Addresses ------------------------------------------------------------------------------ */

TEST(addresses_of_servers)
{
    static const struct {
        const char *text, *host, *port, *authority, *path;
        bool tls, is_name;
    } cases[] = {{"https://192.0.2.7:8491", "192.0.2.7", "8491", "192.0.2.7:8491", "", true, false},
                 {"https://hub.example/", "hub.example", "443", "hub.example", "", true, true},
                 {"http://hub", "hub", "80", "hub", "", false, true},
                 {"https://[2001:db8::7]:1/a/b//", "2001:db8::7", "1", "[2001:db8::7]:1", "/a/b",
                  true, false},
                 {"https://[::1]", "::1", "443", "[::1]", "", true, false}};
    for (size_t i = 0; i < ISO_COUNT_OF(cases); i++) {
        struct iso_announce_url url;
        CHECK_OK(iso_announce_url_parse(cases[i].text, &url, NULL));
        CHECK_STR(url.host, cases[i].host);
        CHECK_STR(url.port, cases[i].port);
        CHECK_STR(url.authority, cases[i].authority);
        CHECK_STR(url.path, cases[i].path);
        CHECK(url.tls == cases[i].tls && url.is_name == cases[i].is_name);
    }
}

TEST(what_is_no_address_is_refused)
{
    static const char *const cases[] = {"",
                                        "192.0.2.7:8491",
                                        "ftp://hub",
                                        "https://",
                                        "https:///path",
                                        "https://:8491",
                                        "https://hub:",
                                        "https://hub:0",
                                        "https://hub:65536",
                                        "https://hub:x",
                                        "https://a:b:1",
                                        "https://user@hub",
                                        "https://hub/?query",
                                        "https://hub/#part",
                                        "https://hub /",
                                        "https://hub\r\nX: y",
                                        "https://[::1",
                                        "https://[hub]:1",
                                        "https://[192.0.2.7]:1",
                                        "https://[::1]x"};
    for (size_t i = 0; i < ISO_COUNT_OF(cases); i++) {
        struct iso_report report;
        iso_report_init(&report);
        if (iso_announce_check(cases[i], &report) != ISO_E_ARGUMENT) {
            TEST_FAIL("'%s' was taken", cases[i]);
        }
        CHECK_CONTAINS(report.text, "https://192.0.2.7:8491");
    }
    char text[ISO_ANNOUNCE_URL_MAX + 64] = "https://";
    memset(text + 8, 'h', sizeof text - 9);
    text[sizeof text - 1] = '\0';
    CHECK_ERR(iso_announce_check(text, NULL), ISO_E_ARGUMENT);
}
