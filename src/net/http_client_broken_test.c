/* The HTTP client with servers that misbehave, other keys than expected, redirects, and addresses
 * that must not be reached: each failure is told apart from the others. */
#include "net/http_client_test_support.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- Servers that misbehave --------------------------------------------------------------------
 */

TEST(nobody_listens)
{
    struct net_test test;
    struct net_test_raw raw;
    struct net_test_result result;
    net_test_init(&test, NULL);
    net_test_raw_open(&test, &raw, "http");
    net_test_raw_close(&test, &raw); /* now the port is surely closed */
    net_test_get(&test, raw.base, &result);
    CHECK(result.outcome == ISO_HTTP_CLIENT_CANNOT_CONNECT);
    CHECK(!result.sent);
    CHECK_EQ_U64(result.status, 0);
    net_test_fini(&test);
}

TEST(answers_that_are_none_and_connections_that_break)
{
    static const struct {
        const char *reply;
        unsigned status;
    } cases[] = {
        {NULL, 0}, /* closes without an answer */
        {"this is not HTTP\r\n\r\n", 0},
        {"\x16\x03\x01garbage\r\n\r\n", 0},
        {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", 200},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n", 200},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 200},
        {"HTTP/1.1 200 OK\r\nContent-", 200},
    };
    for (size_t i = 0; i < ISO_COUNT_OF(cases); i++) {
        struct net_test test;
        struct net_test_raw raw;
        struct net_test_result result;
        net_test_init(&test, NULL);
        net_test_raw_open(&test, &raw, "http");
        raw.reply = cases[i].reply;
        raw.close_after = true;
        net_test_get(&test, raw.base, &result);
        if (result.outcome != ISO_HTTP_CLIENT_BROKE_SENT) {
            TEST_FAIL("case %zu: %s: %s", i, iso_http_client_outcome_text(result.outcome),
                      result.message);
        }
        CHECK(result.sent);
        CHECK_EQ_U64(result.status, cases[i].status);
        CHECK_EQ_U64(raw.requests, 1);
        net_test_raw_close(&test, &raw);
        net_test_fini(&test);
    }
}

TEST(a_header_without_an_end_is_too_large)
{
    struct net_test test;
    struct net_test_raw raw;
    struct net_test_result result;
    const size_t size = 200000;
    char *reply = malloc(size);
    size_t len = 0;
    CHECK(reply != NULL);
    len += iso_format(reply, size, "HTTP/1.1 200 OK\r\n");
    while (len < ISO_HTTP_CLIENT_MAX_HEAD_BYTES * 2) {
        len += iso_format(reply + len, size - len, "X-Filler: %060d\r\n", 0);
    }
    net_test_init(&test, NULL);
    net_test_raw_open(&test, &raw, "http");
    raw.reply = reply;
    net_test_get(&test, raw.base, &result);
    CHECK(result.outcome == ISO_HTTP_CLIENT_TOO_LARGE);
    net_test_raw_close(&test, &raw);
    net_test_fini(&test);
    free(reply);
}

TEST(who_does_not_answer_times_out_and_it_is_told_whether_anything_was_sent)
{
    struct net_test test;
    struct net_test_raw raw;
    struct net_test_result result;
    net_test_init(&test, NULL);
    net_test_raw_open(&test, &raw, "http");
    struct iso_http_client_request request = {.url = raw.base, .total_ms = 50};
    net_test_do(&test, &request, &result);
    CHECK(result.outcome == ISO_HTTP_CLIENT_TIMED_OUT);
    CHECK(result.sent);
    net_test_raw_close(&test, &raw);

    /* A TLS handshake that is never answered: nothing of the request leaves. */
    net_test_raw_open(&test, &raw, "https");
    request = (struct iso_http_client_request){.url = raw.base, .connect_ms = 50};
    net_test_do(&test, &request, &result);
    CHECK(result.outcome == ISO_HTTP_CLIENT_TIMED_OUT);
    CHECK(!result.sent);
    request = (struct iso_http_client_request){.url = raw.base, .total_ms = 50};
    net_test_do(&test, &request, &result);
    CHECK(result.outcome == ISO_HTTP_CLIENT_TIMED_OUT);
    CHECK(!result.sent);
    net_test_raw_close(&test, &raw);
    net_test_fini(&test);
}

TEST(who_is_too_slow_times_out)
{
    struct net_test test;
    struct net_test_raw raw;
    struct net_test_result result;
    net_test_init(&test, NULL);
    net_test_raw_open(&test, &raw, "http");
    raw.reply = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome";
    struct iso_http_client_request request = {
        .url = raw.base, .low_speed_bytes = 1000, .low_speed_s = 1};
    net_test_do(&test, &request, &result);
    CHECK(result.outcome == ISO_HTTP_CLIENT_TIMED_OUT);
    CHECK_EQ_U64(result.status, 200);
    net_test_raw_close(&test, &raw);
    net_test_fini(&test);
}

static const char kept[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/* The server closes a kept connection at its second request: whether that was executed, nobody
 * knows. What may be sent twice is; what may not was never on that connection. */
TEST(a_kept_connection_that_closes_repeats_only_what_may_be_repeated)
{
    struct net_test test;
    struct net_test_raw raw;
    struct net_test_result result;
    net_test_init(&test, NULL);
    net_test_raw_open(&test, &raw, "http");
    raw.reply = kept;
    raw.close_after_requests = 2;
    net_test_get(&test, raw.base, &result);
    CHECK_EQ_U64(raw.connections, 1);
    struct iso_http_client_request request = {
        .url = raw.base, .method = "PUT", .body = iso_bytes_from("x", 1), .repeat_safe = true};
    net_test_do(&test, &request, &result);
    CHECK(result.outcome == ISO_HTTP_CLIENT_DONE);
    CHECK_EQ_U64(raw.requests, 3);
    CHECK_EQ_U64(raw.connections, 2);

    request = (struct iso_http_client_request){.url = raw.base, .method = "POST"};
    net_test_do(&test, &request, &result);
    CHECK(result.outcome == ISO_HTTP_CLIENT_DONE);
    CHECK_EQ_U64(raw.requests, 4);

    raw.reply = NULL;
    raw.close_after_requests = 1;
    request.ctx = NULL;
    net_test_do(&test, &request, &result);
    CHECK(result.outcome == ISO_HTTP_CLIENT_BROKE_SENT);
    CHECK_EQ_U64(raw.requests, 5); /* once */
    net_test_raw_close(&test, &raw);
    net_test_fini(&test);
}

TEST(who_closes_at_once_has_perhaps_executed)
{
    struct net_test test;
    struct net_test_raw raw;
    struct net_test_result result;
    net_test_init(&test, NULL);
    net_test_raw_open(&test, &raw, "http");
    raw.close_at_once = true;
    net_test_get(&test, raw.base, &result);
    CHECK(result.outcome ==
          (result.sent ? ISO_HTTP_CLIENT_BROKE_SENT : ISO_HTTP_CLIENT_BROKE_UNSENT));
    net_test_raw_close(&test, &raw);
    net_test_raw_open(&test, &raw, "https"); /* within the handshake: surely not */
    raw.close_at_once = true;
    net_test_get(&test, raw.base, &result);
    CHECK(result.outcome == ISO_HTTP_CLIENT_CANNOT_CONNECT);
    CHECK(!result.sent);
    net_test_raw_close(&test, &raw);
    net_test_fini(&test);
}

/* ---- Trust -------------------------------------------------------------------------------------
 */

static void say_hello(struct net_test_server *server, struct iso_http_request *req)
{
    net_test_server_say(server, req, 200, "hello");
}

static struct iso_http_client_request pinned(const char *url, const uint8_t *pin)
{
    struct iso_http_client_request request = {.url = url, .trust = ISO_HTTP_CLIENT_TRUST_PIN};
    memcpy(request.pin, pin, sizeof request.pin);
    return request;
}

TEST(who_has_the_pinned_key_is_believed_and_nobody_else)
{
    struct net_test test;
    struct net_test_server server;
    struct net_test_result result;
    net_test_init(&test, NULL);
    net_test_server_open(&test, &server, true, NULL, say_hello);
    uint8_t wrong[ISO_TLS_PIN_SIZE];
    memcpy(wrong, server.identity.pin, sizeof wrong);
    wrong[31] ^= 1;

    struct iso_http_client_request request = pinned(server.base, wrong);
    net_test_do(&test, &request, &result);
    CHECK(result.outcome == ISO_HTTP_CLIENT_PIN_MISMATCH);
    CHECK(!result.sent);
    CHECK_EQ_U64(server.requests, 0);

    for (unsigned i = 0; i < 2; i++) {
        request = pinned(server.base, server.identity.pin);
        net_test_do(&test, &request, &result);
        CHECK(result.outcome == ISO_HTTP_CLIENT_DONE);
        CHECK_STR(result.body, "hello");
        CHECK(result.has_pin);
        CHECK_MEM(result.pin, server.identity.pin, sizeof result.pin);
        CHECK(result.reused == (i != 0));
    }
    request = pinned(server.base, wrong); /* a kept connection changes nothing */
    net_test_do(&test, &request, &result);
    CHECK(result.outcome == ISO_HTTP_CLIENT_PIN_MISMATCH);
    CHECK_EQ_U64(server.requests, 2);
    net_test_server_close(&test, &server);
    net_test_fini(&test);
}

TEST(the_pin_of_somebody_unknown_is_told)
{
    struct net_test test;
    struct net_test_server server;
    struct net_test_result result;
    net_test_init(&test, NULL);
    net_test_server_open(&test, &server, true, NULL, say_hello);
    for (unsigned i = 0; i < 2; i++) {
        struct iso_http_client_request request = {.url = server.base,
                                                  .trust = ISO_HTTP_CLIENT_TRUST_ANYBODY};
        net_test_do(&test, &request, &result);
        CHECK(result.outcome == ISO_HTTP_CLIENT_DONE);
        CHECK(result.has_pin);
        CHECK_MEM(result.pin, server.identity.pin, sizeof result.pin);
        CHECK(result.reused == (i != 0)); /* also over a kept connection */
    }
    uint8_t wrong[ISO_TLS_PIN_SIZE] = {0};
    struct iso_http_client_request request = pinned(server.base, wrong);
    net_test_do(&test, &request, &result);
    CHECK(result.outcome == ISO_HTTP_CLIENT_PIN_MISMATCH);
    net_test_server_close(&test, &server);
    net_test_fini(&test);
}

TEST(without_a_pin_an_authority_must_vouch_for_the_name)
{
    struct net_test test;
    struct net_test_server server;
    struct net_test_result result;
    char resolve[64], path[] = "/tmp/iso-http-client-XXXXXX", url[64];
    const char *const list[] = {resolve};
    struct iso_http_client_config config = {.resolve = list, .resolve_count = 1};
    struct net_test first;
    net_test_init(&first, NULL); /* only for a port */
    net_test_server_open(&first, &server, true, NULL, say_hello);
    (void)iso_format(resolve, sizeof resolve, "example.test:%u:127.0.0.1", server.port);
    net_test_init(&test, &config);
    net_test_server_close(&first, &server);
    net_test_fini(&first);

    char address[32];
    (void)iso_format(address, sizeof address, "127.0.0.1:%u", server.port);
    (void)iso_format(url, sizeof url, "https://example.test:%u/", server.port);
    net_test_server_open(&test, &server, true, address, say_hello);
    net_test_get(&test, url, &result);
    CHECK(result.outcome == ISO_HTTP_CLIENT_UNTRUSTED);
    CHECK_EQ_U64(server.requests, 0);

    const int fd = mkstemp(path);
    const char *pem = server.identity.certificate_pem;
    CHECK(fd >= 0 && write(fd, pem, strlen(pem)) == (ssize_t)strlen(pem));
    struct iso_http_client_request request = {.url = url, .ca_file = path};
    net_test_do(&test, &request, &result);
    CHECK_STR(result.message, "");
    CHECK(result.outcome == ISO_HTTP_CLIENT_DONE);
    CHECK(result.has_pin);
    (void)close(fd);
    (void)unlink(path);
    net_test_server_close(&test, &server);
    net_test_fini(&test);
}

/* ---- Redirects ---------------------------------------------------------------------------------
 */

/* Leads where `user` says; what arrives at /end is answered with its Authorization and X-Other. */
static void lead(struct net_test_server *server, struct iso_http_request *req)
{
    if (iso_str_equal_z(iso_http_request_path(req), "/end")) {
        struct iso_str token = {0}, other = {0};
        char text[64];
        (void)iso_http_request_bearer(req, &token);
        (void)iso_http_request_header(req, "X-Other", &other);
        (void)iso_format(text, sizeof text, "%.*s|%.*s", (int)token.len, token.ptr, (int)other.len,
                         other.ptr);
        net_test_server_say(server, req, 200, text);
    } else {
        net_test_server_say_with(server, req, 302, "Location", server->user);
    }
}

static void follow(struct net_test *test, const char *url, struct net_test_result *result)
{
    const char *const other[] = {"X-Other: 1"};
    struct iso_http_client_request request = {
        .url = url, .follow = true, .bearer = "secret", .headers = other, .header_count = 1};
    net_test_do(test, &request, result);
}

TEST(redirects_keep_secrets_to_their_host)
{
    struct net_test test;
    struct net_test_server first, second;
    struct net_test_result result;
    char elsewhere[128];
    net_test_init(&test, NULL);
    net_test_server_open(&test, &first, false, NULL, lead);
    net_test_server_open(&test, &second, false, NULL, lead);
    first.user = (void *)(uintptr_t) "/end";
    follow(&test, first.base, &result);
    CHECK_STR(result.body, "secret|1");
    CHECK_CONTAINS(result.url, "/end");
    CHECK_EQ_U64(result.heads, 1);

    (void)iso_format(elsewhere, sizeof elsewhere, "%s/end", second.base);
    first.user = elsewhere;
    follow(&test, first.base, &result);
    CHECK_STR(result.body, "|1");
    CHECK_STR(result.url, elsewhere);
    net_test_get(&test, first.base, &result); /* nobody asked to follow */
    CHECK_EQ_U64(result.status, 302);
    CHECK_STR(result.body, "elsewhere");
    struct iso_http_client_request request = {.url = first.base, .method = "POST", .follow = true};
    net_test_do(&test, &request, &result);
    CHECK_EQ_U64(result.status, 302);
    net_test_server_close(&test, &first);
    net_test_server_close(&test, &second);
    net_test_fini(&test);
}

TEST(redirects_that_are_not_followed)
{
    static const struct {
        const char *location;
        const char *message;
    } cases[] = {{"/again", "too often"},
                 {"file:///etc/passwd", "not http or https"},
                 {"gopher://127.0.0.1/", "not http or https"},
                 {"http://user:password@127.0.0.1/", "not http or https"},
                 {"http://", "no address"}};
    struct net_test test;
    struct net_test_server server;
    struct net_test_result result;
    net_test_init(&test, NULL);
    net_test_server_open(&test, &server, false, NULL, lead);
    for (size_t i = 0; i < ISO_COUNT_OF(cases); i++) {
        server.user = (void *)(uintptr_t)cases[i].location;
        follow(&test, server.base, &result);
        CHECK(result.outcome == ISO_HTTP_CLIENT_REDIRECT_REFUSED);
        CHECK_CONTAINS(result.message, cases[i].message);
    }
    CHECK_EQ_U64(server.requests, 6 + ISO_COUNT_OF(cases) - 1);
    net_test_server_close(&test, &server);
    net_test_fini(&test);
}

TEST(https_never_leads_to_http)
{
    struct net_test test;
    struct net_test_server server, plain;
    struct net_test_result result;
    net_test_init(&test, NULL);
    net_test_server_open(&test, &server, true, NULL, lead);
    net_test_server_open(&test, &plain, false, NULL, lead);
    server.user = plain.base;
    struct iso_http_client_request request = {
        .url = server.base, .follow = true, .trust = ISO_HTTP_CLIENT_TRUST_ANYBODY};
    net_test_do(&test, &request, &result);
    CHECK(result.outcome == ISO_HTTP_CLIENT_REDIRECT_REFUSED);
    CHECK_CONTAINS(result.message, "from https to http");
    CHECK_EQ_U64(plain.requests, 0);
    net_test_server_close(&test, &server);
    net_test_server_close(&test, &plain);
    net_test_fini(&test);
}

/* ---- Addresses ---------------------------------------------------------------------------------
 */

TEST(public_addresses_are_told_from_the_others)
{
    static const struct {
        const char *text;
        bool is_public;
    } cases[] = {
        {"8.8.8.8", true},
        {"1.1.1.1", true},
        {"172.15.0.1", true},
        {"172.32.0.1", true},
        {"100.128.0.1", true},
        {"192.167.1.1", true},
        {"223.255.255.1", true},
        {"127.0.0.1", false},
        {"127.255.0.1", false},
        {"0.0.0.0", false},
        {"0.1.2.3", false},
        {"10.1.2.3", false},
        {"100.64.0.1", false},
        {"100.127.255.255", false},
        {"169.254.169.254", false},
        {"172.16.0.1", false},
        {"172.31.255.255", false},
        {"192.168.0.1", false},
        {"192.0.0.8", false},
        {"198.18.0.1", false},
        {"198.19.255.255", false},
        {"203.0.113.5", false},
        {"224.0.0.1", false},
        {"255.255.255.255", false},
        {"240.0.0.1", false},
        {"2606:4700::1111", true},
        {"2a00::1", true},
        {"::", false},
        {"::1", false},
        {"fe80::1", false},
        {"fc00::1", false},
        {"fd12:3456::1", false},
        {"ff02::1", false},
        {"fec0::1", false},
        {"2001:db8::1", false},
        {"2001::1", false},
        {"::ffff:10.0.0.1", false},
        {"::ffff:8.8.8.8", true},
        {"::ffff:127.0.0.1", false},
        {"64:ff9b::7f00:1", false},
        {"64:ff9b::808:808", true},
        {"2002:7f00:1::", false},
        {"2002:808:808::", true},
        {"64:ff9b:1::1", false},
        {"::127.0.0.1", false},
    };
    for (size_t i = 0; i < ISO_COUNT_OF(cases); i++) {
        struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
        struct sockaddr_in v4 = {.sin_family = AF_INET};
        const bool is_v4 = inet_pton(AF_INET, cases[i].text, &v4.sin_addr) == 1;
        CHECK(is_v4 || inet_pton(AF_INET6, cases[i].text, &v6.sin6_addr) == 1);
        const struct sockaddr *address = is_v4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6;
        if (iso_http_client_is_public(address) != cases[i].is_public) {
            TEST_FAIL("%s", cases[i].text);
        }
    }
    const struct sockaddr local = {.sa_family = AF_UNIX};
    CHECK(!iso_http_client_is_public(&local));
}

TEST(names_that_lead_to_private_addresses_are_refused)
{
    struct net_test test, first;
    struct net_test_server server;
    struct net_test_result result;
    char resolve[2][64], url[64];
    const char *const list[] = {resolve[0], resolve[1]};
    struct iso_http_client_config config = {.resolve = list, .resolve_count = 2};
    net_test_init(&first, NULL);
    net_test_server_open(&first, &server, false, NULL, say_hello);
    (void)iso_format(resolve[0], sizeof resolve[0], "inside.test:%u:127.0.0.1", server.port);
    (void)iso_format(resolve[1], sizeof resolve[1], "mapped.test:%u:[::ffff:127.0.0.1]",
                     server.port);
    net_test_server_close(&first, &server);
    net_test_fini(&first);

    char address[32];
    (void)iso_format(address, sizeof address, "127.0.0.1:%u", server.port);
    net_test_init(&test, &config);
    net_test_server_open(&test, &server, false, address, say_hello);
    for (unsigned i = 0; i < 3; i++) {
        static const char *const hosts[] = {"inside.test", "mapped.test", "127.0.0.1"};
        struct iso_http_client_request request = {.url = url,
                                                  .addresses = ISO_HTTP_CLIENT_ADDRESS_PUBLIC_ONLY};
        (void)iso_format(url, sizeof url, "http://%s:%u/", hosts[i], server.port);
        net_test_do(&test, &request, &result);
        CHECK(result.outcome == ISO_HTTP_CLIENT_ADDRESS_REFUSED);
        CHECK_EQ_U64(server.requests, 0);
    }
    /* A connection that another request was allowed to open is no way in either. */
    net_test_get(&test, url, &result);
    CHECK(result.outcome == ISO_HTTP_CLIENT_DONE);
    struct iso_http_client_request request = {.url = url,
                                              .addresses = ISO_HTTP_CLIENT_ADDRESS_PUBLIC_ONLY};
    net_test_do(&test, &request, &result);
    CHECK(result.outcome == ISO_HTTP_CLIENT_ADDRESS_REFUSED);
    CHECK_EQ_U64(server.requests, 1);
    net_test_server_close(&test, &server);
    net_test_fini(&test);
}

TEST(redirects_to_private_addresses_are_refused)
{
    struct net_test test;
    struct net_test_server outside, inside;
    struct net_test_result result;
    const char *const outside_address[] = {"127.0.0.2"};
    struct iso_http_client_config config = {.also_public = outside_address, .also_public_count = 1};
    net_test_init(&test, &config);
    net_test_server_open(&test, &outside, false, "127.0.0.2:0", lead);
    net_test_server_open(&test, &inside, false, NULL, say_hello);
    outside.user = (void *)(uintptr_t) "/end";
    struct iso_http_client_request request = {
        .url = outside.base, .follow = true, .addresses = ISO_HTTP_CLIENT_ADDRESS_PUBLIC_ONLY};
    net_test_do(&test, &request, &result);
    CHECK(result.outcome == ISO_HTTP_CLIENT_DONE);
    outside.user = inside.base;
    request.ctx = NULL;
    net_test_do(&test, &request, &result);
    CHECK(result.outcome == ISO_HTTP_CLIENT_ADDRESS_REFUSED);
    CHECK_EQ_U64(inside.requests, 0);
    /* A configured server may be anywhere; what it leads to may not. */
    request = (struct iso_http_client_request){
        .url = inside.base, .follow = true, .addresses = ISO_HTTP_CLIENT_ADDRESS_PUBLIC_ELSEWHERE};
    net_test_do(&test, &request, &result);
    CHECK(result.outcome == ISO_HTTP_CLIENT_DONE);
    inside.handle = lead;
    inside.user = (void *)(uintptr_t) "/end";
    request.ctx = NULL;
    net_test_do(&test, &request, &result);
    CHECK(result.outcome == ISO_HTTP_CLIENT_DONE);
    inside.user = (void *)(uintptr_t) "http://127.0.0.1:1/";
    request.ctx = NULL;
    net_test_do(&test, &request, &result);
    CHECK(result.outcome == ISO_HTTP_CLIENT_ADDRESS_REFUSED);
    net_test_server_close(&test, &outside);
    net_test_server_close(&test, &inside);
    net_test_fini(&test);

    const char *const nonsense[] = {"localhost"};
    struct iso_http_client *client = NULL;
    config.also_public = nonsense;
    CHECK_ERR(iso_http_client_create(&config, &client, NULL), ISO_E_ARGUMENT);
}
