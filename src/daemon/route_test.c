/* A small daemon of its own over real sockets: finding routes, who may, bodies, what is open with a
 * token, the document of its routes, and the state that it keeps. */
#include "daemon/feed.h"
#include "daemon/openapi.h"
#include "daemon/reply.h"
#include "daemon/route.h"
#include "daemon/state.h"

#include "base/test.h"
#include "platform/platform.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct daemon {
    uv_loop_t loop;
    char dir[64];
    char token[ISO_TOKEN_TEXT_SIZE], reader[ISO_TOKEN_TEXT_SIZE];
    struct iso_state state;
    struct iso_access access;
    struct iso_log log;
    struct iso_route_table tables[3];
    struct iso_route_server *server;
    struct iso_feed feed;
    uint16_t port;
    char last[64]; /* what a handler has seen */
    unsigned admitted, admit_until, answered, closed, withdrawn, done;
    char got[16384];
    size_t got_len;
};

/* ---- The daemon ----------------------------------------------------------------------------- */

static void get_thing(void *ctx, struct iso_http_request *req,
                      const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct daemon *daemon = ctx;
    (void)snprintf(daemon->last, sizeof daemon->last, "%.*s/%.*s", (int)params[0].len,
                   params[0].ptr, (int)params[1].len, params[1].ptr);
    iso_http_reply(iso_http_request_server(req), iso_http_request_id(req), 204, NULL,
                   iso_bytes_from(NULL, 0));
}

static void put_thing(void *ctx, struct iso_http_request *req,
                      const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct daemon *daemon = ctx;
    (void)params;
    (void)snprintf(daemon->last, sizeof daemon->last, "%s", iso_route_token_id(req));
    iso_http_reply(iso_http_request_server(req), iso_http_request_id(req), 204, NULL,
                   iso_bytes_from(NULL, 0));
}

static void get_events(void *ctx, struct iso_http_request *req,
                       const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct daemon *daemon = ctx;
    (void)params;
    iso_reply_feed(req, &daemon->feed);
}

static void on_wait_closed(void *ctx, void *user)
{
    struct daemon *daemon = ctx;
    CHECK(user == &daemon->last);
    daemon->closed++;
    CHECK_EQ_U64(daemon->answered, daemon->closed);
}

static void on_answer_closed(void *ctx, void *user)
{
    struct daemon *daemon = ctx;
    CHECK(user == &daemon->answered);
    CHECK_EQ_U64(daemon->answered, daemon->closed);
    daemon->answered++;
}

static void get_wait(void *ctx, struct iso_http_request *req,
                     const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct daemon *daemon = ctx;
    (void)params;
    CHECK(iso_route_user(req) == NULL);
    iso_route_closer(req, on_wait_closed, &daemon->last);
    iso_route_closer(req, on_answer_closed, &daemon->answered); /* is called first */
    CHECK(iso_route_user(req) == &daemon->last);
}

static bool admit(void *ctx, struct iso_http_request *req)
{
    struct daemon *daemon = ctx;
    if (daemon->admitted++ < daemon->admit_until) {
        return true;
    }
    iso_http_problem(iso_http_request_server(req), iso_http_request_id(req), 409, NULL, NULL,
                     "not you");
    return false;
}

static void on_withdrawn(void *ctx, struct iso_str token_id)
{
    struct daemon *daemon = ctx;
    CHECK_EQ_U64(token_id.len, ISO_TOKEN_ID_SIZE - 1);
    daemon->withdrawn++;
}

static const struct iso_route routes[] = {{.method = ISO_HTTP_GET,
                                           .pattern = "v1/things/{kind}/{name}",
                                           .access = ISO_ROUTE_PUBLIC,
                                           .summary = "A thing",
                                           .handle = get_thing},
                                          {.method = ISO_HTTP_PUT,
                                           .pattern = "v1/things/{kind}/{name}",
                                           .access = ISO_ROUTE_OPERATE,
                                           .summary = "Another thing",
                                           .body_max = 16,
                                           .handle = put_thing},
                                          {.method = ISO_HTTP_GET,
                                           .pattern = "v1/events",
                                           .access = ISO_ROUTE_READ,
                                           .summary = "What happened",
                                           .answer_type = "text/event-stream",
                                           .handle = get_events},
                                          {.method = ISO_HTTP_GET,
                                           .pattern = "v1/wait",
                                           .access = ISO_ROUTE_READ,
                                           .summary = "No answer",
                                           .handle = get_wait},
                                          {.method = 0}};

static void daemon_open(struct daemon *daemon, bool pages_operate)
{
    static const char *const http[] = {"127.0.0.1:0"};
    static const char *const none[] = {"none"};
    struct iso_file file;
    char path[128];
    *daemon = (struct daemon){.dir = "/tmp/iso-daemon-XXXXXX", .admit_until = 1000};
    CHECK(mkdtemp(daemon->dir) != NULL);
    CHECK(uv_loop_init(&daemon->loop) == 0);
    iso_log_init(&daemon->log, false, ISO_LOG_ERROR);
    iso_feed_init(&daemon->feed, iso_alloc_libc(), 4096);
    CHECK_OK(iso_state_open(&daemon->state, daemon->dir, "tester", "host", &daemon->access, NULL));
    (void)snprintf(path, sizeof path, "%s/token", daemon->dir);
    CHECK_OK(iso_file_read(path, 256, &file, NULL));
    (void)snprintf(daemon->token, sizeof daemon->token, "%.*s", (int)file.bytes.len - 1,
                   (const char *)file.bytes.ptr);
    iso_file_fini(&file);
    CHECK_OK(
        iso_token_make(daemon->access.tokens, ISO_TOKEN_READ, "reads", 1, daemon->reader, NULL));
    daemon->access.withdrawn = on_withdrawn;
    daemon->access.ctx = daemon;
    daemon->tables[0] = (struct iso_route_table){routes, daemon, admit};
    daemon->tables[1] = (struct iso_route_table){iso_access_routes, &daemon->access, NULL};
    const struct iso_route_config config = {.what = "tester",
                                            .https = none,
                                            .https_count = 1,
                                            .http = http,
                                            .http_count = 1,
                                            .identity = &daemon->state.identity,
                                            .tables = daemon->tables,
                                            .access = &daemon->access,
                                            .log = &daemon->log,
                                            .pages_operate = pages_operate,
                                            .ctx = daemon};
    uint16_t https = 1;
    CHECK_OK(iso_route_server_create(&daemon->loop, &config, &daemon->server, NULL));
    iso_route_server_ports(daemon->server, &https, &daemon->port);
    CHECK(https == 0 && daemon->port != 0);
}

static void daemon_init(struct daemon *daemon)
{
    daemon_open(daemon, false);
}

static void on_done(void *ctx)
{
    struct daemon *daemon = ctx;
    daemon->done++;
}

static void daemon_fini(struct daemon *daemon)
{
    iso_route_server_close(daemon->server, 0, on_done, daemon);
    CHECK(uv_run(&daemon->loop, UV_RUN_DEFAULT) == 0);
    CHECK_EQ_U64(daemon->done, 1);
    CHECK(uv_loop_close(&daemon->loop) == 0);
    iso_feed_fini(&daemon->feed);
    iso_state_close(&daemon->state, &daemon->access);
    iso_tree_remove(daemon->dir);
}

/* ---- Its clients ---------------------------------------------------------------------------- */

static int client(struct daemon *daemon, const char *method, const char *path, const char *token,
                  const char *more)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(daemon->port)};
    char text[2048], bearer[128] = "";
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
    if (token != NULL) {
        (void)snprintf(bearer, sizeof bearer, "Authorization: Bearer %s\r\n", token);
    }
    const int len = snprintf(text, sizeof text,
                             "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s%s",
                             method, path, bearer, more != NULL ? more : "\r\n");
    CHECK(write(fd, text, (size_t)len) == len);
    return fd;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)poll;
    (void)status;
    (void)events;
}

/* What comes until `text` has, or until the end (NULL). True: it came. */
static bool await(struct daemon *daemon, int fd, const char *text)
{
    uv_poll_t poll;
    bool found = false, over = false;
    daemon->got_len = 0;
    CHECK(uv_poll_init(&daemon->loop, &poll, fd) == 0);
    CHECK(uv_poll_start(&poll, UV_READABLE, on_readable) == 0);
    while (!found && !over) {
        (void)uv_run(&daemon->loop, UV_RUN_ONCE);
        const ssize_t count = recv(fd, daemon->got + daemon->got_len,
                                   sizeof daemon->got - 1 - daemon->got_len, MSG_DONTWAIT);
        daemon->got_len += count > 0 ? (size_t)count : 0;
        daemon->got[daemon->got_len] = '\0';
        found = text != NULL && strstr(daemon->got, text) != NULL;
        over = count == 0 || (count < 0 && errno != EAGAIN);
    }
    uv_close((uv_handle_t *)&poll, NULL);
    (void)uv_run(&daemon->loop, UV_RUN_NOWAIT);
    return found;
}

/* The status of an answer; all of it is in daemon->got. */
static unsigned ask(struct daemon *daemon, const char *method, const char *path, const char *token,
                    const char *more)
{
    const int fd = client(daemon, method, path, token, more);
    (void)await(daemon, fd, NULL);
    (void)close(fd);
    if (strncmp(daemon->got, "HTTP/1.1 ", 9) != 0) {
        TEST_FAIL("%s %s: no answer: %s", method, path, daemon->got);
    }
    return (unsigned)strtoul(daemon->got + 9, NULL, 10);
}

#define JSON_BODY "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"

/* ---- Routes --------------------------------------------------------------------------------- */

TEST(a_route_is_found_by_path_and_method)
{
    struct daemon daemon;
    daemon_init(&daemon);
    CHECK_EQ_U64(ask(&daemon, "GET", "/v1/things/a%2Fb/c", NULL, NULL), 204);
    CHECK_STR(daemon.last, "a/b/c");
    static const char *const nowhere[] = {"/v1/things/a",     "/v1/things/a/", "/v1/things//c",
                                          "/v1/things/a/b/c", "/v1",           "/",
                                          "/v1/things/a/b/"};
    for (size_t i = 0; i < ISO_COUNT_OF(nowhere); i++) {
        CHECK_EQ_U64(ask(&daemon, "GET", nowhere[i], NULL, NULL), 404);
        CHECK_CONTAINS(daemon.got, "/openapi.json");
    }
    CHECK_EQ_U64(ask(&daemon, "DELETE", "/v1/things/a/b", daemon.token, NULL), 405);
    CHECK_CONTAINS(daemon.got, "Allow: GET, HEAD, PUT");
    daemon_fini(&daemon);
}

TEST(a_route_asks_for_its_role)
{
    struct daemon daemon;
    daemon_init(&daemon);
    CHECK_EQ_U64(ask(&daemon, "PUT", "/v1/things/a/b", NULL, JSON_BODY), 401);
    CHECK_EQ_U64(ask(&daemon, "PUT", "/v1/things/a/b", "0123456789abcdef.x", JSON_BODY), 401);
    CHECK_EQ_U64(ask(&daemon, "PUT", "/v1/things/a/b", daemon.reader, JSON_BODY), 403);
    CHECK_STR(daemon.last, "");
    CHECK_EQ_U64(ask(&daemon, "PUT", "/v1/things/a/b", daemon.token, JSON_BODY), 204);
    CHECK(strlen(daemon.last) == ISO_TOKEN_ID_SIZE - 1);
    CHECK(strncmp(daemon.last, daemon.token, ISO_TOKEN_ID_SIZE - 1) == 0);
    CHECK_EQ_U64(ask(&daemon, "GET", "/v1/events", daemon.reader, NULL), 200);
    daemon_fini(&daemon);
}

TEST(a_body_has_a_type_and_a_limit)
{
    struct daemon daemon;
    daemon_init(&daemon);
    CHECK_EQ_U64(ask(&daemon, "PUT", "/v1/things/a/b", daemon.token,
                     "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}"),
                 415);
    CHECK_EQ_U64(ask(&daemon, "PUT", "/v1/things/a/b", daemon.token, "Content-Length: 2\r\n\r\n{}"),
                 415);
    CHECK_EQ_U64(
        ask(&daemon, "PUT", "/v1/things/a/b", daemon.token,
            "Content-Type: application/json\r\nContent-Length: 17\r\n\r\n{\"a\":\"0123456789\"}"),
        413);
    CHECK_STR(daemon.last, "");
    daemon_fini(&daemon);
}

TEST(changes_are_admitted_at_the_header_and_at_the_body)
{
    struct daemon daemon;
    daemon_init(&daemon);
    for (unsigned until = 0; until < 2; until++) {
        daemon.admitted = 0;
        daemon.admit_until = until;
        CHECK_EQ_U64(ask(&daemon, "PUT", "/v1/things/a/b", daemon.token, JSON_BODY), 409);
        CHECK_STR(daemon.last, "");
    }
    daemon.admitted = 0;
    CHECK_EQ_U64(ask(&daemon, "GET", "/v1/things/a/b", NULL, NULL), 204);
    CHECK_EQ_U64(daemon.admitted, 0); /* that is no change */
    daemon_fini(&daemon);
}

TEST(a_daemon_that_stops_takes_no_more)
{
    struct daemon daemon;
    daemon_init(&daemon);
    iso_route_server_refuse(daemon.server);
    CHECK_EQ_U64(ask(&daemon, "GET", "/v1/things/a/b", NULL, NULL), 503);
    CHECK_CONTAINS(daemon.got, "the tester is stopping");
    daemon_fini(&daemon);
}

TEST(a_daemon_that_stops_answers_questions_that_wait)
{
    struct daemon daemon;
    daemon_init(&daemon);
    const int wait = client(&daemon, "GET", "/v1/wait", daemon.token, NULL);
    const int poll = client(&daemon, "GET", "/v1/events?next", daemon.token, NULL);
    CHECK_EQ_U64(ask(&daemon, "GET", "/v1/things/a/b", NULL, NULL), 204); /* the others are there */
    iso_route_server_refuse_waiting(daemon.server);
    CHECK(await(&daemon, wait, "the tester is stopping"));
    CHECK(await(&daemon, poll, "the tester is stopping"));
    close(wait);
    close(poll);
    daemon_fini(&daemon);
}

/* ---- What is open --------------------------------------------------------------------------- */

TEST(a_withdrawn_token_takes_along_what_is_open_with_it)
{
    struct daemon daemon;
    char path[64];
    daemon_init(&daemon);
    const int stream =
        client(&daemon, "GET", "/v1/events", daemon.reader, "Accept: text/event-stream\r\n\r\n");
    CHECK(await(&daemon, stream, "\r\n\r\n"));
    (void)iso_feed_add(&daemon.feed, iso_str_from_z("{\"event\":1}"));
    CHECK(await(&daemon, stream, "data: {\"event\":1}"));
    const int wait = client(&daemon, "GET", "/v1/wait", daemon.reader, NULL);
    const int poll = client(&daemon, "GET", "/v1/events?next", daemon.token, NULL);
    CHECK_EQ_U64(ask(&daemon, "GET", "/v1/things/a/b", NULL, NULL), 204); /* the others are there */
    (void)snprintf(path, sizeof path, "/v1/tokens/%.16s", daemon.reader);
    CHECK_EQ_U64(ask(&daemon, "DELETE", path, daemon.token, NULL), 204);
    CHECK_EQ_U64(daemon.withdrawn, 1);
    CHECK(!await(&daemon, stream, "data:"));
    CHECK(!await(&daemon, wait, "HTTP/1.1"));
    CHECK_EQ_U64(daemon.closed, 1);
    (void)iso_feed_add(&daemon.feed, iso_str_from_z("{\"event\":2}"));
    CHECK(await(&daemon, poll, "{\"event\":2}")); /* another token's */
    (void)close(stream);
    (void)close(wait);
    (void)close(poll);
    daemon_fini(&daemon);
}

TEST(how_many_entries_of_a_feed_are_wanted_is_a_number)
{
    static const char *const wrong[] = {
        "/v1/events?tail=x", "/v1/events?tail=", "/v1/events?tail=-1", "/v1/events?tail=1x",
        "/v1/events?tail=99999999999999999999999999"};
    struct daemon daemon;
    daemon_init(&daemon);
    (void)iso_feed_add(&daemon.feed, iso_str_from_z("1"));
    (void)iso_feed_add(&daemon.feed, iso_str_from_z("2"));
    for (size_t i = 0; i < ISO_COUNT_OF(wrong); i++) {
        CHECK_EQ_U64(ask(&daemon, "GET", wrong[i], daemon.reader, NULL), 400);
        CHECK(strstr(daemon.got, "?tail= is a number up to") != NULL);
    }
    CHECK_EQ_U64(ask(&daemon, "GET", "/v1/events?tail=1", daemon.reader, NULL), 200);
    CHECK(strstr(daemon.got, "[2]") != NULL);
    CHECK_EQ_U64(ask(&daemon, "GET", "/v1/events", daemon.reader, NULL), 200);
    CHECK(strstr(daemon.got, "[1,2]") != NULL);
    daemon_fini(&daemon);
}

TEST(streams_end_with_the_daemon)
{
    struct daemon daemon;
    daemon_init(&daemon);
    const int stream =
        client(&daemon, "GET", "/v1/events", daemon.reader, "Accept: text/event-stream\r\n\r\n");
    const int wait = client(&daemon, "GET", "/v1/wait", daemon.reader, NULL);
    CHECK(await(&daemon, stream, "\r\n\r\n"));
    daemon_fini(&daemon); /* checks that everything has been told of its end */
    (void)close(stream);
    (void)close(wait);
}

/* ---- Signing in ----------------------------------------------------------------------------- */

/* Signs a page in with a token: its line "Cookie: ..."; *path: the address, used up. */
static void sign_in(struct daemon *daemon, const char *token, char path[160], char cookie[256])
{
    CHECK_EQ_U64(ask(daemon, "POST", "/v1/login", token, JSON_BODY), 200);
    const char *code = strstr(daemon->got, "/login?code=");
    CHECK(code != NULL);
    (void)snprintf(path, 160, "%.*s", (int)strcspn(code, "\""), code);
    CHECK_EQ_U64(ask(daemon, "GET", path, NULL, NULL), 200);
    const char *set = strstr(daemon->got, "Set-Cookie: ");
    CHECK(set != NULL);
    (void)snprintf(cookie, 256, "Cookie: %.*s\r\n", (int)strcspn(set + 12, ";"), set + 12);
}

/* The status of a request with a cookie, further lines and a body. */
static unsigned ask_page(struct daemon *daemon, const char *method, const char *path,
                         const char *cookie, const char *more)
{
    char lines[640];
    (void)snprintf(lines, sizeof lines, "%s%s" JSON_BODY, cookie, more);
    return ask(daemon, method, path, NULL, lines);
}

#define OWN "Origin: http://localhost\r\n"
#define PAGE "Isomer-Page: 1\r\n"

TEST(a_page_is_signed_in_once_and_may_look_only)
{
    struct daemon daemon;
    char path[160], cookie[256], more[512];
    daemon_init(&daemon);
    sign_in(&daemon, daemon.token, path, cookie);
    CHECK_EQ_U64(ask(&daemon, "GET", path, NULL, NULL), 403);
    (void)snprintf(more, sizeof more, "%s\r\n", cookie);
    CHECK_EQ_U64(ask(&daemon, "GET", "/v1/events", NULL, more), 200);
    CHECK_EQ_U64(ask_page(&daemon, "PUT", "/v1/things/a/b", cookie, ""), 403);
    CHECK_EQ_U64(ask_page(&daemon, "PUT", "/v1/things/a/b", cookie, OWN PAGE), 403);
    daemon_fini(&daemon);
}

/* Where pages may operate: both signs that it is our own page, no other origin, no more than the
 * token may, and nothing that makes or withdraws tokens. */
TEST(a_page_may_change_as_itself_only)
{
    struct daemon daemon;
    char path[160], cookie[256];
    daemon_open(&daemon, true);
    sign_in(&daemon, daemon.token, path, cookie);
    CHECK_EQ_U64(ask_page(&daemon, "PUT", "/v1/things/a/b", cookie, OWN PAGE), 204);
    CHECK(daemon.last[0] != '\0');
    static const char *const refused[] = {
        "",
        OWN,
        PAGE,
        OWN "Isomer-Page: 0\r\n",
        "Origin: http://localhost:1\r\n" PAGE,
        "Origin: https://localhost\r\n" PAGE,
        "Origin: http://evil.example\r\n" PAGE,
        "Origin: null\r\n" PAGE,
    };
    daemon.last[0] = '\0';
    for (size_t i = 0; i < ISO_COUNT_OF(refused); i++) {
        CHECK_EQ_U64(ask_page(&daemon, "PUT", "/v1/things/a/b", cookie, refused[i]), 403);
        CHECK_STR(daemon.last, "");
    }
    CHECK_EQ_U64(ask_page(&daemon, "POST", "/v1/tokens", cookie, OWN PAGE), 403);
    CHECK_EQ_U64(ask_page(&daemon, "GET", "/v1/tokens", cookie, OWN PAGE), 403);
    CHECK_EQ_U64(iso_token_count(daemon.access.tokens), 2);
    /* A foreign page may ask first; it is told nothing that allows it. */
    CHECK_EQ_U64(ask(&daemon, "OPTIONS", "/v1/things/a/b", NULL,
                     "Origin: http://evil.example\r\n"
                     "Access-Control-Request-Method: PUT\r\n\r\n"),
                 403);
    CHECK(strstr(daemon.got, "Access-Control-Allow") == NULL);
    sign_in(&daemon, daemon.reader, path, cookie);
    CHECK_EQ_U64(ask_page(&daemon, "PUT", "/v1/things/a/b", cookie, OWN PAGE), 403);
    CHECK_CONTAINS(daemon.got, "operate");
    daemon_fini(&daemon);
}

TEST(a_page_knows_its_rights_and_signs_out)
{
    struct daemon daemon;
    char path[160], cookie[256], more[512];
    daemon_open(&daemon, true);
    sign_in(&daemon, daemon.reader, path, cookie);
    (void)snprintf(more, sizeof more, "%s\r\n", cookie);
    CHECK_EQ_U64(ask(&daemon, "GET", "/v1/login", NULL, NULL), 401);
    CHECK_EQ_U64(ask(&daemon, "GET", "/v1/login", NULL, more), 200);
    CHECK_CONTAINS(daemon.got, "\"role\":\"read\"");
    CHECK_EQ_U64(ask(&daemon, "DELETE", "/v1/login", NULL, more), 204);
    CHECK_CONTAINS(daemon.got, "Max-Age=0");
    CHECK_EQ_U64(ask(&daemon, "GET", "/v1/login", NULL, more), 401);
    daemon_fini(&daemon);
}

/* The file of sessions is what a daemon that is started anew knows of them; it has no secrets. */
TEST(a_page_stays_signed_in_when_the_daemon_is_started_anew)
{
    struct daemon daemon;
    struct iso_file file;
    char path[160], cookie[256], more[512];
    daemon_open(&daemon, true);
    struct iso_access *access = &daemon.access;
    sign_in(&daemon, daemon.reader, path, cookie);
    (void)snprintf(more, sizeof more, "%s\r\n", cookie);
    memset(access->sessions, 0, sizeof access->sessions);
    CHECK_EQ_U64(ask(&daemon, "GET", "/v1/login", NULL, more), 401);
    iso_access_sessions_read(access, uv_hrtime() / 1000000000u);
    CHECK_EQ_U64(ask(&daemon, "GET", "/v1/login", NULL, more), 200);
    CHECK_OK(iso_file_read(access->path, 4096, &file, NULL));
    char *secret = strchr(cookie, '=') + 1;
    secret[strcspn(secret, "\r\n")] = '\0';
    CHECK_EQ_U64(strlen(secret), ISO_ACCESS_SECRET_SIZE - 1);
    CHECK(memmem(file.bytes.ptr, file.bytes.len, secret, strlen(secret)) == NULL);
    iso_file_fini(&file);
    CHECK_EQ_U64(ask(&daemon, "DELETE", "/v1/login", NULL, more), 204);
    memset(access->sessions, 0, sizeof access->sessions);
    iso_access_sessions_read(access, uv_hrtime() / 1000000000u);
    CHECK_EQ_U64(ask(&daemon, "GET", "/v1/login", NULL, more), 401);
    daemon_fini(&daemon);
}

/* Whatever the file has: what is no session, or over, signs nobody in. */
TEST(a_damaged_file_of_sessions_signs_nobody_in)
{
    static const char digits[] = "0000000000000000000000000000000000000000000000000000000000000000";
    static const char *const tails[] = {
        "",
        "]}",
        "\", \"token\": \"0123456789abcdef\"}]}",
        "\", \"token\": \"0123456789abcdef\", \"until\": 1}]}",
        "\", \"token\": \"0123456789abcdef\", \"until\": -1}]}",
        "0\", \"token\": \"0123456789abcdef\", \"until\": 99999999999}]}",
        "\", \"token\": \"0123456789abcdef0\", \"until\": 99999999999}]}"};
    struct daemon daemon;
    char text[512];
    daemon_open(&daemon, true);
    struct iso_access *access = &daemon.access;
    for (size_t i = 0; i < ISO_COUNT_OF(tails); i++) {
        (void)snprintf(text, sizeof text, "{\"sessions\": [{\"secret-sha256\": \"%s%s", digits,
                       tails[i]);
        CHECK_OK(iso_file_write_atomic(access->path, iso_bytes_from(text, strlen(text)), NULL));
        iso_access_sessions_read(access, 1);
        for (size_t k = 0; k < ISO_ACCESS_SESSIONS_MAX; k++) {
            CHECK_EQ_U64(access->sessions[k].until_s, 0);
        }
    }
    daemon_fini(&daemon);
}

/* ---- The document --------------------------------------------------------------------------- */

TEST(the_document_has_every_route_once)
{
    struct daemon daemon;
    struct iso_buf buf;
    const struct iso_openapi_info info = {"Tester", "Tests.", "1.2.3", "https://host"};
    daemon_init(&daemon);
    iso_buf_init(&buf, iso_alloc_libc(), 1 << 20);
    CHECK_OK(iso_openapi_write(&info, daemon.tables, &buf));
    CHECK_OK(iso_buf_append_u8(&buf, '\0'));
    const char *text = (const char *)buf.ptr;
    for (const struct iso_route_table *table = daemon.tables; table->routes != NULL; table++) {
        for (const struct iso_route *route = table->routes; route->method != 0; route++) {
            char path[96];
            (void)snprintf(path, sizeof path, "\"/%s\":{", route->pattern);
            const char *first = strstr(text, path);
            CHECK(first != NULL && strstr(first + 1, path) == NULL);
            CHECK_CONTAINS(text, route->summary);
        }
    }
    CHECK_CONTAINS(text, "\"title\":\"Tester\"");
    CHECK_CONTAINS(text, "\"url\":\"https://host\"");
    iso_buf_fini(&buf);
    daemon_fini(&daemon);
}

/* ---- Configuration and state ---------------------------------------------------------------- */

TEST(plain_http_is_for_loopback)
{
    static const char *const addresses[] = {"0.0.0.0:0"};
    static const char *const none[] = {"none"};
    struct iso_route_config config = {
        .http = addresses, .http_count = 1, .https = none, .https_count = 1};
    struct iso_route_server *server = (struct iso_route_server *)&config;
    struct iso_report report;
    uv_loop_t loop;
    CHECK(uv_loop_init(&loop) == 0);
    iso_report_init(&report);
    CHECK_ERR(iso_route_server_create(&loop, &config, &server, &report), ISO_E_ARGUMENT);
    CHECK_CONTAINS(report.text, "loopback");
    config.http = none;
    CHECK_OK(iso_route_server_create(&loop, &config, &server, &report));
    CHECK(server == NULL); /* nothing to listen on */
    iso_route_server_refuse(server);
    iso_route_server_drop(server, iso_str_from_z("x"));
    CHECK(uv_loop_close(&loop) == 0);
}

TEST(a_state_is_one_daemons_and_lasts)
{
    char dir[64] = "/tmp/iso-state-XXXXXX", path[128], id[ISO_STATE_ID_SIZE];
    struct iso_state first, second;
    struct iso_access access = {.tokens = NULL}, other = {.tokens = NULL};
    struct iso_report report;
    struct stat status;
    CHECK(mkdtemp(dir) != NULL);
    (void)snprintf(path, sizeof path, "%s/deep/er", dir);
    CHECK_OK(iso_state_open(&first, path, "tester", "host", &access, NULL));
    CHECK(stat(path, &status) == 0);
    CHECK_EQ_U64(status.st_mode & 0777, 0700);
    CHECK(strlen(first.id) == 26 && strspn(first.id, "abcdefghijklmnopqrstuvwxyz234567") == 26);
    memcpy(id, first.id, sizeof id);
    iso_report_init(&report);
    CHECK_ERR(iso_state_open(&second, path, "tester", "host", &other, &report), ISO_E_EXISTS);
    CHECK_CONTAINS(report.text, "another tester");
    iso_state_close(&second, &other);
    iso_state_close(&first, &access);
    CHECK_OK(iso_state_open(&second, path, "tester", "host", &other, NULL));
    CHECK_STR(second.id, id);
    CHECK_EQ_U64(iso_token_count(other.tokens), 1);
    iso_state_close(&second, &other);
    /* Without its file the token of this machine is made anew, in the place of the old one. */
    (void)snprintf(path, sizeof path, "%s/deep/er/token", dir);
    CHECK(unlink(path) == 0);
    (void)snprintf(path, sizeof path, "%s/deep/er", dir);
    CHECK_OK(iso_state_open(&second, path, "tester", "host", &other, NULL));
    CHECK_EQ_U64(iso_token_count(other.tokens), 1);
    iso_state_close(&second, &other);
    CHECK_ERR(iso_state_open(&second, NULL, "tester", "host", &other, NULL), ISO_E_ARGUMENT);
    iso_state_close(&second, &other);
    iso_tree_remove(dir);
}
