/* The HTTP client against servers of ours: what is called when and how often, connections that are
 * used again, bodies, pieces, limits, cancelling and closing at every stage. */
#include "net/http_client_test_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct fixture {
    struct net_test test;
    struct net_test_server server;
    struct net_test_result result;
    char url[256];
};

/* What the server does, by path. */
static void serve(struct net_test_server *server, struct iso_http_request *req)
{
    const struct iso_str path = iso_http_request_path(req);
    char text[256];
    struct iso_str field;
    if (iso_str_equal_z(path, "/never")) {
        return;
    }
    if (iso_str_equal_z(path, "/echo")) {
        iso_http_reply(server->server, iso_http_request_id(req), 200, "application/octet-stream",
                       iso_http_request_body(req));
    } else if (iso_str_equal_z(path, "/teapot")) {
        net_test_server_say(server, req, 418, "short and stout");
    } else if (iso_str_equal_z(path, "/big")) {
        static const char big[100000];
        iso_http_reply(server->server, iso_http_request_id(req), 200, "application/octet-stream",
                       iso_bytes_from(big, sizeof big));
    } else if (iso_str_equal_z(path, "/fields")) {
        struct iso_str agent = {0}, type = {0}, accept = {0}, own = {0}, token = {0};
        (void)iso_http_request_header(req, "User-Agent", &agent);
        (void)iso_http_request_header(req, "Accept", &accept);
        (void)iso_http_request_header(req, "X-Own", &own);
        (void)iso_http_request_bearer(req, &token);
        (void)iso_format(
            text, sizeof text, "%s|%d|%.*s|%.*s|%.*s|%.*s", iso_http_request_method_text(req),
            iso_http_request_header(req, "Content-Type", &type) ? 1 : 0, (int)agent.len, agent.ptr,
            (int)accept.len, accept.ptr, (int)own.len, own.ptr, (int)token.len, token.ptr);
        net_test_server_say(server, req, 200, text);
    } else if (iso_http_request_header(req, "X-Secret", &field)) {
        net_test_server_say(server, req, 200, "secret");
    } else {
        net_test_server_say(server, req, 200, "hello");
    }
}

static void setup(struct fixture *f, struct iso_http_client_config *config)
{
    net_test_init(&f->test, config);
    net_test_server_open(&f->test, &f->server, false, NULL, serve);
}

static void teardown(struct fixture *f)
{
    net_test_server_close(&f->test, &f->server);
    net_test_fini(&f->test);
}

static const char *at(struct fixture *f, const char *path)
{
    (void)iso_format(f->url, sizeof f->url, "%s%s", f->server.base, path);
    return f->url;
}

static uint64_t connected(const struct fixture *f)
{
    struct iso_http_client_stats stats;
    iso_http_client_stats(f->test.client, &stats);
    return stats.connected;
}

TEST(a_client_that_nobody_used_closes)
{
    struct net_test test;
    net_test_init(&test, NULL);
    net_test_fini(&test);
    iso_http_client_close(NULL, NULL, NULL);
}

TEST(an_answer_comes_with_status_type_and_body)
{
    struct fixture f;
    setup(&f, NULL);
    net_test_get(&f.test, at(&f, "/"), &f.result);
    CHECK(f.result.outcome == ISO_HTTP_CLIENT_DONE);
    CHECK_EQ_U64(f.result.status, 200);
    CHECK_STR(f.result.body, "hello");
    CHECK_STR(f.result.type, "text/plain");
    CHECK_STR(f.result.url, f.url);
    CHECK_EQ_U64(f.result.heads, 1);
    CHECK(f.result.sent && !f.result.has_pin && !f.result.reused);
    net_test_get(&f.test, at(&f, "/teapot"), &f.result);
    CHECK(f.result.outcome == ISO_HTTP_CLIENT_DONE);
    CHECK_EQ_U64(f.result.status, 418);
    CHECK_STR(f.result.body, "short and stout");
    teardown(&f);
}

TEST(fields_are_those_of_the_request_and_none_besides)
{
    struct fixture f;
    const char *const own[] = {"X-Own: mine"};
    struct iso_http_client_config config = {.user_agent = "test"};
    setup(&f, &config);
    struct iso_http_client_request request = {.url = at(&f, "/fields"),
                                              .method = "DELETE",
                                              .accept = "application/json",
                                              .bearer = "abc",
                                              .headers = own,
                                              .header_count = 1};
    net_test_do(&f.test, &request, &f.result);
    CHECK_STR(f.result.body, "DELETE|0|test|application/json|mine|abc");
    teardown(&f);
}

TEST(a_head_request_has_no_body)
{
    struct fixture f;
    setup(&f, NULL);
    struct iso_http_client_request request = {.url = at(&f, "/"), .method = "HEAD"};
    net_test_do(&f.test, &request, &f.result);
    CHECK_EQ_U64(f.result.status, 200);
    CHECK_EQ_U64(f.result.body_len, 0);
    teardown(&f);
}

TEST(connections_are_used_again)
{
    struct fixture f;
    setup(&f, NULL);
    for (unsigned i = 0; i < 5; i++) {
        net_test_get(&f.test, at(&f, "/"), &f.result);
        CHECK(f.result.reused == (i != 0));
    }
    CHECK_EQ_U64(connected(&f), 1);
    teardown(&f);
}

TEST(what_must_not_be_repeated_goes_over_connections_of_its_own)
{
    struct fixture f;
    setup(&f, NULL);
    net_test_get(&f.test, at(&f, "/"), &f.result);
    struct iso_http_client_request request = {.url = at(&f, "/echo"), .method = "POST"};
    for (unsigned i = 0; i < 3; i++) {
        net_test_do(&f.test, &request, &f.result);
        CHECK_EQ_U64(f.result.status, 200);
        CHECK(!f.result.reused);
        request.ctx = NULL;
    }
    CHECK_EQ_U64(connected(&f), 4);
    request.repeat_safe = true;
    net_test_do(&f.test, &request, &f.result);
    CHECK(f.result.reused); /* the first one is still there */
    CHECK_EQ_U64(connected(&f), 4);
    teardown(&f);
}

/* ---- Bodies ------------------------------------------------------------------------------------
 */

static void count_release(void *ctx)
{
    unsigned *count = ctx;
    (*count)++;
}

TEST(bodies_are_copied_kept_or_taken)
{
    struct fixture f;
    char text[] = "some bytes";
    unsigned released = 0;
    setup(&f, NULL);
    struct iso_http_client_request request = {
        .url = at(&f, "/echo"), .method = "PUT", .body = iso_bytes_from(text, strlen(text))};
    net_test_start(&f.test, &request, &f.result);
    memset(text, 'x', strlen(text)); /* it was copied */
    net_test_until(&f.test, &f.result.calls, 1);
    CHECK_STR(f.result.body, "some bytes");

    request.ctx = NULL;
    request.body_kept = true;
    net_test_do(&f.test, &request, &f.result);
    CHECK_STR(f.result.body, "xxxxxxxxxx");

    request.ctx = NULL;
    request.body_kept = false;
    request.body_release = count_release;
    request.body_release_ctx = &released;
    net_test_do(&f.test, &request, &f.result);
    CHECK_STR(f.result.body, "xxxxxxxxxx");
    CHECK_EQ_U64(released, 1);

    uint64_t id;
    request.url = "gopher://example.test/";
    CHECK_ERR(iso_http_client_start(f.test.client, &request, &id, NULL), ISO_E_ARGUMENT);
    CHECK_EQ_U64(released, 2); /* also when it does not start */
    teardown(&f);
}

TEST(a_file_is_sent_as_it_is)
{
    struct fixture f;
    char path[] = "/tmp/iso-http-client-XXXXXX";
    static char bytes[200000];
    const int fd = mkstemp(path);
    setup(&f, NULL);
    memset(bytes, 'f', sizeof bytes);
    CHECK(fd >= 0 && write(fd, bytes, sizeof bytes) == (ssize_t)sizeof bytes);
    struct iso_http_client_request request = {
        .url = at(&f, "/echo"), .method = "PUT", .file = path, .repeat_safe = true};
    for (unsigned i = 0; i < 2; i++) {
        request.ctx = NULL;
        net_test_do(&f.test, &request, &f.result);
        CHECK(f.result.outcome == ISO_HTTP_CLIENT_DONE);
        CHECK_EQ_U64(f.result.body_len, sizeof bytes);
        CHECK_MEM(f.result.body, bytes, sizeof f.result.body - 1);
    }
    (void)close(fd);
    (void)unlink(path);
    struct iso_report report;
    iso_report_init(&report);
    uint64_t id;
    CHECK_ERR(iso_http_client_start(f.test.client, &request, &id, &report), ISO_E_NOT_FOUND);
    CHECK_CONTAINS(report.text, path);
    request.file = "/";
    CHECK_ERR(iso_http_client_start(f.test.client, &request, &id, NULL), ISO_E_ARGUMENT);
    teardown(&f);
}

TEST(the_answer_is_at_most_as_large_as_is_allowed)
{
    struct fixture f;
    setup(&f, NULL);
    struct iso_http_client_request request = {.url = at(&f, "/big"), .max_bytes = 99999};
    net_test_do(&f.test, &request, &f.result);
    CHECK(f.result.outcome == ISO_HTTP_CLIENT_TOO_LARGE);
    CHECK(f.result.sent);
    request.max_bytes = 100000;
    request.ctx = NULL;
    net_test_do(&f.test, &request, &f.result);
    CHECK(f.result.outcome == ISO_HTTP_CLIENT_DONE);
    CHECK_EQ_U64(f.result.body_len, 100000);
    teardown(&f);
}

static void take_body(void *ctx, uint64_t id, const struct iso_http_client_answer *answer)
{
    struct net_test_result *result = ctx;
    uint8_t *bytes;
    size_t len;
    (void)id;
    CHECK_OK(iso_buf_take(answer->body, &bytes, &len));
    CHECK_EQ_U64(len, 5);
    CHECK_MEM(bytes, "hello", 5);
    iso_alloc_free(iso_alloc_libc(), bytes, len);
    result->calls++;
}

TEST(on_done_may_keep_the_body)
{
    struct fixture f;
    setup(&f, NULL);
    struct iso_http_client_request request = {.url = at(&f, "/"), .on_done = take_body};
    net_test_do(&f.test, &request, &f.result);
    teardown(&f);
}

/* ---- Pieces ------------------------------------------------------------------------------------
 */

static bool count_pieces(void *ctx, uint64_t id, struct iso_bytes piece)
{
    struct net_test_result *result = ctx;
    CHECK(id == result->id);
    CHECK(piece.len != 0);
    CHECK_EQ_U64(result->heads, 1);
    result->pieces++;
    result->body_len += piece.len;
    return true;
}

static bool one_piece(void *ctx, uint64_t id, struct iso_bytes piece)
{
    (void)count_pieces(ctx, id, piece);
    return false;
}

TEST(a_body_comes_in_pieces_when_asked_for)
{
    struct fixture f;
    setup(&f, NULL);
    struct iso_http_client_request request = {
        .url = at(&f, "/big"), .on_piece = count_pieces, .max_bytes = UINT64_MAX};
    net_test_do(&f.test, &request, &f.result);
    CHECK(f.result.outcome == ISO_HTTP_CLIENT_DONE);
    CHECK(f.result.pieces > 1);
    CHECK_EQ_U64(f.result.body_len, 100000);

    request.ctx = NULL;
    request.max_bytes = 50000;
    net_test_do(&f.test, &request, &f.result);
    CHECK(f.result.outcome == ISO_HTTP_CLIENT_TOO_LARGE);

    request.ctx = NULL;
    request.on_piece = one_piece;
    net_test_do(&f.test, &request, &f.result);
    CHECK(f.result.outcome == ISO_HTTP_CLIENT_CANCELLED);
    CHECK_EQ_U64(f.result.pieces, 1);

    request.ctx = NULL;
    request.url = at(&f, "/teapot"); /* no success: collected */
    net_test_do(&f.test, &request, &f.result);
    CHECK_EQ_U64(f.result.pieces, 0);
    CHECK_STR(f.result.body, "short and stout");
    teardown(&f);
}

static void begin_stream(struct net_test_server *server, struct iso_http_request *req)
{
    const struct iso_http_stream_config config = {.kind = ISO_HTTP_STREAM_EVENTS};
    const iso_http_id id = iso_http_request_id(req);
    CHECK_OK(iso_http_stream_begin(server->server, id, &config));
    CHECK_OK(iso_http_stream_event(server->server, id, NULL, iso_str_from_z("{}")));
}

TEST(an_event_stream_stays_open_beside_other_requests)
{
    struct fixture f;
    struct net_test_result other;
    setup(&f, NULL);
    f.server.handle = begin_stream;
    struct iso_http_client_request request = {.url = at(&f, "/events"),
                                              .accept = "text/event-stream",
                                              .on_piece = count_pieces,
                                              .max_bytes = UINT64_MAX,
                                              .total_ms = UINT32_MAX};
    net_test_start(&f.test, &request, &f.result);
    net_test_until(&f.test, &f.result.pieces, 1);
    f.server.handle = serve;
    net_test_get(&f.test, at(&f, "/"), &other);
    CHECK_EQ_U64(other.status, 200);
    CHECK_EQ_U64(f.result.calls, 0);
    iso_http_client_cancel(f.test.client, f.result.id);
    CHECK_EQ_U64(f.result.calls, 0);
    net_test_until(&f.test, &f.result.calls, 1);
    CHECK(f.result.outcome == ISO_HTTP_CLIENT_CANCELLED);
    teardown(&f);
}

/* ---- Cancelling and closing --------------------------------------------------------------------
 */

TEST(a_request_can_be_cancelled_before_its_first_turn)
{
    struct fixture f;
    setup(&f, NULL);
    struct iso_http_client_request request = {.url = at(&f, "/")};
    net_test_start(&f.test, &request, &f.result);
    iso_http_client_cancel(f.test.client, f.result.id);
    iso_http_client_cancel(f.test.client, f.result.id);
    CHECK_EQ_U64(f.result.calls, 0);
    net_test_until(&f.test, &f.result.calls, 1);
    CHECK(f.result.outcome == ISO_HTTP_CLIENT_CANCELLED);
    CHECK(!f.result.sent);
    iso_http_client_cancel(f.test.client, f.result.id); /* it is over */
    iso_http_client_cancel(f.test.client, 0);
    iso_http_client_cancel(f.test.client, UINT64_MAX);
    net_test_get(&f.test, at(&f, "/"), &f.result);
    CHECK_EQ_U64(f.server.requests, 1);
    teardown(&f);
}

TEST(a_request_can_be_cancelled_while_the_server_thinks)
{
    struct fixture f;
    setup(&f, NULL);
    struct iso_http_client_request request = {.url = at(&f, "/never")};
    net_test_start(&f.test, &request, &f.result);
    net_test_until(&f.test, &f.server.requests, 1);
    iso_http_client_cancel(f.test.client, f.result.id);
    net_test_until(&f.test, &f.result.calls, 1);
    CHECK(f.result.outcome == ISO_HTTP_CLIENT_CANCELLED);
    CHECK(f.result.sent); /* perhaps executed */
    teardown(&f);
}

static void cancel_in_head(void *ctx, uint64_t id, const struct iso_http_client_answer *answer)
{
    struct net_test_result *result = ctx;
    CHECK_EQ_U64(answer->status, 200);
    result->heads++;
    iso_http_client_cancel(result->test->client, id);
    CHECK_EQ_U64(result->calls, 0);
}

static bool cancel_in_piece(void *ctx, uint64_t id, struct iso_bytes piece)
{
    struct net_test_result *result = ctx;
    CHECK(piece.len != 0);
    result->pieces++;
    iso_http_client_cancel(result->test->client, id);
    CHECK_EQ_U64(result->calls, 0);
    return true;
}

TEST(a_request_can_be_cancelled_from_its_own_callbacks)
{
    struct fixture f;
    setup(&f, NULL);
    struct iso_http_client_request request = {.url = at(&f, "/big"), .on_head = cancel_in_head};
    net_test_do(&f.test, &request, &f.result);
    CHECK(f.result.outcome == ISO_HTTP_CLIENT_CANCELLED);
    CHECK_EQ_U64(f.result.heads, 1);
    request = (struct iso_http_client_request){.url = at(&f, "/big"), .on_piece = cancel_in_piece};
    net_test_do(&f.test, &request, &f.result);
    CHECK(f.result.outcome == ISO_HTTP_CLIENT_CANCELLED);
    CHECK_EQ_U64(f.result.pieces, 1);
    teardown(&f);
}

struct chain {
    struct fixture *f;
    struct net_test_result other; /* is cancelled from a callback of another request */
    unsigned calls, left;
};

static void start_next(void *ctx, uint64_t id, const struct iso_http_client_answer *answer)
{
    struct chain *chain = ctx;
    uint64_t next;
    (void)id;
    CHECK(answer->outcome == ISO_HTTP_CLIENT_DONE);
    chain->calls++;
    iso_http_client_cancel(chain->f->test.client, chain->other.id);
    if (chain->left-- != 0) {
        const struct iso_http_client_request request = {
            .url = at(chain->f, "/"), .ctx = chain, .on_done = start_next};
        CHECK_OK(iso_http_client_start(chain->f->test.client, &request, &next, NULL));
    }
}

static bool start_from_piece(void *ctx, uint64_t id, struct iso_bytes piece)
{
    struct chain *chain = ctx;
    uint64_t next;
    (void)id;
    CHECK(piece.len != 0);
    const struct iso_http_client_request request = {
        .url = at(chain->f, "/"), .ctx = chain, .on_done = start_next};
    CHECK_OK(iso_http_client_start(chain->f->test.client, &request, &next, NULL));
    return false;
}

static void ignore(void *ctx, uint64_t id, const struct iso_http_client_answer *answer)
{
    (void)ctx;
    (void)id;
    (void)answer;
}

TEST(requests_are_started_and_cancelled_from_callbacks)
{
    struct fixture f;
    struct chain chain = {.f = &f, .left = 3};
    setup(&f, NULL);
    struct iso_http_client_request never = {.url = at(&f, "/never")};
    net_test_start(&f.test, &never, &chain.other);
    net_test_until(&f.test, &f.server.requests, 1);
    struct iso_http_client_request request = {.url = at(&f, "/big"),
                                              .ctx = &chain,
                                              .on_head = ignore,
                                              .on_piece = start_from_piece,
                                              .on_done = ignore};
    uint64_t id;
    CHECK_OK(iso_http_client_start(f.test.client, &request, &id, NULL));
    net_test_until(&f.test, &chain.calls, 4);
    net_test_until(&f.test, &chain.other.calls, 1);
    CHECK(chain.other.outcome == ISO_HTTP_CLIENT_CANCELLED);
    teardown(&f);
}

TEST(closing_ends_what_is_under_way)
{
    enum { COUNT = 20 };
    struct fixture f;
    static struct net_test_result results[COUNT];
    unsigned released = 0;
    setup(&f, NULL);
    for (unsigned i = 0; i < COUNT; i++) {
        struct iso_http_client_request request = {.url = at(&f, i % 2 == 0 ? "/never" : "/big"),
                                                  .method = i % 4 == 0 ? "POST" : "GET",
                                                  .body_release = count_release,
                                                  .body_release_ctx = &released};
        net_test_start(&f.test, &request, &results[i]);
    }
    net_test_until(&f.test, &f.server.requests, 3);
    net_test_server_close(&f.test, &f.server);
    net_test_fini(&f.test);
    for (unsigned i = 0; i < COUNT; i++) {
        CHECK_EQ_U64(results[i].calls, 1);
    }
    CHECK_EQ_U64(released, COUNT);
}

static void start_late(void *ctx, uint64_t id, const struct iso_http_client_answer *answer)
{
    struct net_test_result *result = ctx;
    const struct iso_http_client_request request = {.url = "http://127.0.0.1:1/",
                                                    .on_done = start_late};
    CHECK(answer->outcome == ISO_HTTP_CLIENT_CANCELLED);
    CHECK_ERR(iso_http_client_start(result->test->client, &request, &id, NULL), ISO_E_STATE);
    result->calls++;
}

TEST(nothing_starts_on_a_client_that_closes)
{
    struct fixture f;
    setup(&f, NULL);
    struct iso_http_client_request request = {.url = at(&f, "/never"), .on_done = start_late};
    net_test_start(&f.test, &request, &f.result);
    net_test_until(&f.test, &f.server.requests, 1);
    iso_http_client_close(f.test.client, NULL, NULL);
    net_test_until(&f.test, &f.result.calls, 1);
    f.test.client = NULL;
    teardown(&f);
    CHECK_EQ_U64(f.result.calls, 1);
}

/* ---- Limits ------------------------------------------------------------------------------------
 */

TEST(requests_and_connections_are_limited)
{
    struct fixture f;
    static struct net_test_result results[8];
    struct iso_http_client_config config = {.requests = 8, .connections_host = 2};
    setup(&f, &config);
    struct iso_http_client_request request = {.url = at(&f, "/")};
    for (unsigned i = 0; i < 8; i++) {
        request.ctx = NULL;
        net_test_start(&f.test, &request, &results[i]);
    }
    uint64_t id;
    struct iso_report report;
    iso_report_init(&report);
    CHECK_ERR(iso_http_client_start(f.test.client, &request, &id, &report), ISO_E_LIMIT);
    CHECK_CONTAINS(report.text, "8 requests");
    for (unsigned i = 0; i < 8; i++) {
        net_test_until(&f.test, &results[i].calls, 1);
        CHECK(results[i].outcome == ISO_HTTP_CLIENT_DONE);
    }
    CHECK_EQ_U64(connected(&f), 2); /* the others waited for one of these */
    teardown(&f);
}

TEST(what_cannot_be_requested_is_refused_at_once)
{
    static const struct {
        const char *url;
        const char *method;
        const char *header;
        enum iso_http_client_trust trust;
        const char *bearer;
        const char *message;
    } cases[] = {
        {"", NULL, NULL, 0, NULL, "not an address"},
        {"nonsense//", NULL, NULL, 0, NULL, "not an address"},
        {"http://", NULL, NULL, 0, NULL, "not an address"},
        {"http://a b/", NULL, NULL, 0, NULL, "not an address"},
        {"http://host:99999/", NULL, NULL, 0, NULL, "not an address"},
        {"ftp://example.test/", NULL, NULL, 0, NULL, "only http and https"},
        {"file:///etc/passwd", NULL, NULL, 0, NULL, "only http and https"},
        {"http://user:password@example.test/", NULL, NULL, 0, NULL, "user"},
        {"http://example.test/", "GET /x", NULL, 0, NULL, "method"},
        {"http://example.test/", NULL, "no colon", 0, NULL, "Name: value"},
        {"http://example.test/", NULL, "A: b\r\nC: d", 0, NULL, "line ends"},
        {"http://example.test/", NULL, NULL, 0, "a\nb", "line ends"},
        {"http://example.test/", NULL, NULL, ISO_HTTP_CLIENT_TRUST_PIN, NULL, "over https"},
        {"https://example.test/", NULL, NULL, ISO_HTTP_CLIENT_TRUST_ANYBODY, "abc", "token"},
    };
    struct net_test test;
    net_test_init(&test, NULL);
    for (size_t i = 0; i < ISO_COUNT_OF(cases); i++) {
        struct iso_report report;
        uint64_t id = 7;
        const struct iso_http_client_request request = {.url = cases[i].url,
                                                        .method = cases[i].method,
                                                        .headers = &cases[i].header,
                                                        .header_count =
                                                            cases[i].header != NULL ? 1 : 0,
                                                        .trust = cases[i].trust,
                                                        .bearer = cases[i].bearer,
                                                        .on_done = ignore};
        iso_report_init(&report);
        CHECK_ERR(iso_http_client_start(test.client, &request, &id, &report), ISO_E_ARGUMENT);
        CHECK_CONTAINS(report.text, cases[i].message);
        CHECK_EQ_U64(id, 7);
    }
    char *url = malloc(ISO_HTTP_CLIENT_MAX_URL + 32);
    CHECK(url != NULL);
    memset(url, 'a', ISO_HTTP_CLIENT_MAX_URL + 31);
    memcpy(url, "http://h/", 9);
    url[ISO_HTTP_CLIENT_MAX_URL + 31] = '\0';
    const struct iso_http_client_request request = {.url = url, .on_done = ignore};
    uint64_t id;
    CHECK_ERR(iso_http_client_start(test.client, &request, &id, NULL), ISO_E_LIMIT);
    free(url);
    net_test_fini(&test);
}
