/* Requests over every transport: answered now and later, refused, with right and wrong keys. */
#include "net/coap_test_support.h"

#include <dirent.h>
#include <netinet/in.h>
#include <unistd.h>

static bool refuse_psk(void *ctx, struct iso_str identity, struct iso_coap_psk *out)
{
    (void)ctx;
    (void)identity;
    (void)out;
    return false;
}

static void ignore_request(void *ctx, const struct iso_coap_request *request)
{
    (void)ctx;
    (void)request;
}

static const enum iso_coap_transport all[] = {ISO_COAP_UDP, ISO_COAP_TCP, ISO_COAP_DTLS,
                                              ISO_COAP_TLS};

TEST(requests_are_answered_over_every_transport)
{
    for (size_t i = 0; i < ISO_COUNT_OF(all); i++) {
        static struct coap_test test;
        memset(&test, 0, sizeof(test));
        coap_test_start(&test);
        coap_test_peer_create(&test, all[i], NULL, NULL);
        const struct coap_test_result *result =
            coap_test_request(&test, ISO_COAP_POST, "/echo", "hello", 5);
        CHECK(result->outcome == ISO_COAP_ANSWERED);
        CHECK_EQ_U64(result->code, ISO_COAP_CODE(2, 5));
        CHECK_EQ_I64(result->format, ISO_COAP_FORMAT_OCTETS);
        CHECK_EQ_U64(result->len, 5);
        CHECK_MEM(result->payload, "hello", 5);
        bool secure = all[i] == ISO_COAP_DTLS || all[i] == ISO_COAP_TLS;
        CHECK(test.last_secure == secure);
        CHECK_EQ_U64(test.last_principal, secure ? COAP_TEST_PRINCIPAL : 0);
        CHECK_STR(test.last_identity, secure ? COAP_TEST_IDENTITY : "");
        CHECK_EQ_I64(test.last_format, ISO_COAP_FORMAT_OCTETS);
        CHECK_EQ_I64(test.last_accept, ISO_COAP_FORMAT_NONE);
        CHECK_STR(test.last_path, "/echo");
        CHECK(iso_coap_peer_state(test.peer) == ISO_COAP_PEER_UP);
        coap_test_stop(&test);
    }
}

static bool has_request(const struct coap_test *test)
{
    return test->requests > 0;
}

TEST(an_answer_may_come_later)
{
    for (size_t i = 0; i < ISO_COUNT_OF(all); i++) {
        static struct coap_test test;
        memset(&test, 0, sizeof(test));
        coap_test_start(&test);
        test.hold = true;
        coap_test_peer_create(&test, all[i], NULL, NULL);
        struct iso_str query = iso_str_from_z("depth=3");
        struct iso_coap_call call = {.method = ISO_COAP_GET,
                                     .path = iso_str_from_z("a%20b/c%2Fd"),
                                     .queries = &query,
                                     .query_count = 1,
                                     .content_format = ISO_COAP_FORMAT_NONE,
                                     .accept = ISO_COAP_FORMAT_CBOR};
        (void)coap_test_call(&test, 0, &call);
        coap_test_until(&test, has_request);
        CHECK_STR(test.last_path, "/a%20b/c%2Fd");
        CHECK_STR(test.last_query, "depth=3");
        CHECK_EQ_I64(test.last_accept, ISO_COAP_FORMAT_CBOR);
        CHECK(iso_coap_request_open(test.server, test.last_id));
        /* The loop turns a few times without an answer. */
        for (int turn = 0; turn < 10; turn++) {
            uv_run(&test.loop, UV_RUN_NOWAIT);
        }
        CHECK_EQ_U64(test.results[0].times, 0);
        struct iso_coap_answer answer = {.code = ISO_COAP_CODE(2, 5),
                                         .content_format = ISO_COAP_FORMAT_CBOR,
                                         .payload = iso_bytes_from("\x18\x2a", 2)};
        CHECK(iso_coap_respond(test.server, test.last_id, &answer));
        CHECK(!iso_coap_respond(test.server, test.last_id, &answer));
        CHECK(!iso_coap_request_open(test.server, test.last_id));
        const struct coap_test_result *result = coap_test_wait(&test, 0);
        CHECK(result->outcome == ISO_COAP_ANSWERED);
        CHECK_EQ_U64(result->code, ISO_COAP_CODE(2, 5));
        CHECK_MEM(result->payload, "\x18\x2a", 2);
        CHECK_EQ_U64(test.requests, 1);
        coap_test_stop(&test);
    }
}

TEST(errors_carry_a_text)
{
    static struct coap_test test;
    memset(&test, 0, sizeof(test));
    coap_test_start(&test);
    coap_test_peer_create(&test, ISO_COAP_TLS, NULL, NULL);
    const struct coap_test_result *result =
        coap_test_request(&test, ISO_COAP_GET, "/nowhere", NULL, 0);
    CHECK_EQ_U64(result->code, ISO_COAP_CODE(4, 4));
    CHECK_EQ_I64(result->format, ISO_COAP_FORMAT_NONE);
    CHECK_EQ_U64(result->len, strlen("there is no /nowhere"));
    CHECK_MEM(result->payload, "there is no /nowhere", result->len);
    coap_test_stop(&test);
}

static bool is_down(const struct coap_test *test)
{
    return test->state == ISO_COAP_PEER_DOWN;
}

TEST(wrong_keys_and_unknown_identities_are_refused)
{
    static const char *const credentials[][2] = {{COAP_TEST_IDENTITY, "another-key-here"},
                                                 {"stranger", COAP_TEST_KEY}};
    static const enum iso_coap_transport transports[] = {ISO_COAP_TLS, ISO_COAP_DTLS};
    for (size_t i = 0; i < 4; i++) {
        static struct coap_test test;
        memset(&test, 0, sizeof(test));
        coap_test_start(&test);
        coap_test_peer_create(&test, transports[i / 2], credentials[i % 2][0],
                              credentials[i % 2][1]);
        struct iso_coap_call call = {.method = ISO_COAP_GET,
                                     .path = iso_str_from_z("/echo"),
                                     .content_format = ISO_COAP_FORMAT_NONE,
                                     .accept = ISO_COAP_FORMAT_NONE};
        (void)coap_test_call(&test, 0, &call);
        coap_test_until(&test, is_down);
        CHECK_EQ_U64(test.requests, 0);
        CHECK_EQ_U64(test.results[0].times, 0);
        iso_coap_peer_destroy(test.peer);
        CHECK_EQ_U64(test.results[0].times, 1);
        CHECK(test.results[0].outcome == ISO_COAP_CANCELLED);
        coap_test_stop(&test);
    }
}

TEST(the_links_are_told_with_filters)
{
    static struct coap_test test;
    memset(&test, 0, sizeof(test));
    coap_test_start(&test);
    coap_test_peer_create(&test, ISO_COAP_UDP, NULL, NULL);
    CHECK_ERR(iso_coap_server_set_links(test.server, iso_str_from_z("oops")), ISO_E_MALFORMED);
    CHECK_OK(
        iso_coap_server_set_links(test.server, iso_str_from_z("</d>;rt=\"x\",</e>;rt=\"y\";obs")));
    const struct coap_test_result *result =
        coap_test_request(&test, ISO_COAP_GET, "/.well-known/core", NULL, 0);
    CHECK_EQ_U64(result->code, ISO_COAP_CODE(2, 5));
    CHECK_EQ_I64(result->format, ISO_COAP_FORMAT_LINK);
    CHECK_EQ_U64(result->len, 27);
    struct iso_str query = iso_str_from_z("rt=y");
    struct iso_coap_call call = {.method = ISO_COAP_GET,
                                 .path = iso_str_from_z("/.well-known/core"),
                                 .queries = &query,
                                 .query_count = 1,
                                 .content_format = ISO_COAP_FORMAT_NONE,
                                 .accept = ISO_COAP_FORMAT_NONE};
    (void)coap_test_call(&test, 5, &call);
    result = coap_test_wait(&test, 5);
    CHECK_EQ_U64(result->len, strlen("</e>;rt=\"y\";obs"));
    CHECK_MEM(result->payload, "</e>;rt=\"y\";obs", result->len);
    CHECK_EQ_U64(test.requests, 0);
    CHECK_EQ_U64(coap_test_request(&test, ISO_COAP_POST, "/.well-known/core", "x", 1)->code,
                 ISO_COAP_CODE(4, 5));
    coap_test_stop(&test);
}

TEST(an_address_that_is_taken_is_refused_by_name)
{
    static struct coap_test test;
    memset(&test, 0, sizeof(test));
    coap_test_start(&test);
    for (size_t i = 0; i < ISO_COUNT_OF(all); i++) {
        struct iso_coap_listener listener = {.transport = all[i],
                                             .address = test.addresses[all[i]]};
        struct iso_coap_server_config config = {.alloc = &test.memory.alloc,
                                                .listeners = &listener,
                                                .listener_count = 1,
                                                .on_psk = refuse_psk,
                                                .on_request = ignore_request};
        struct iso_report report;
        iso_report_init(&report);
        struct iso_coap_server *other = NULL;
        CHECK_ERR(iso_coap_server_create(&test.loop, &config, &report, &other), ISO_E_IO);
        CHECK(other == NULL);
        CHECK_CONTAINS(report.text, iso_coap_transport_scheme(all[i]));
        CHECK_CONTAINS(report.text, "127.0.0.1 port ");
        config.on_request = NULL;
        CHECK_ERR(iso_coap_server_create(&test.loop, &config, NULL, &other), ISO_E_ARGUMENT);
        config.on_request = ignore_request;
        config.on_psk = NULL;
        listener.address.ss_family = AF_UNIX;
        CHECK_ERR(iso_coap_server_create(&test.loop, &config, NULL, &other), ISO_E_ARGUMENT);
        config.listener_count = ISO_COAP_LISTENERS_MAX + 1;
        CHECK_ERR(iso_coap_server_create(&test.loop, &config, NULL, &other), ISO_E_ARGUMENT);
    }
    coap_test_stop(&test);
}

static unsigned descriptors(void)
{
    unsigned count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (folder != NULL && readdir(folder) != NULL) {
        count++;
    }
    if (folder != NULL) {
        closedir(folder);
    }
    return count;
}

TEST(servers_and_links_leave_no_descriptors)
{
    static struct coap_test test;
    unsigned before = 0;
    for (int round = 0; round < 10; round++) {
        memset(&test, 0, sizeof(test));
        coap_test_start(&test);
        coap_test_peer_create(&test, all[round % 4], NULL, NULL);
        CHECK(coap_test_request(&test, ISO_COAP_POST, "/echo", "x", 1)->outcome ==
              ISO_COAP_ANSWERED);
        coap_test_stop(&test);
        if (round == 0) {
            before = descriptors();
        }
    }
    CHECK_EQ_U64(descriptors(), before);
}

TEST(both_families_of_addresses_are_served)
{
    static struct coap_test test;
    memset(&test, 0, sizeof(test));
    struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_addr = in6addr_any};
    int probe = socket(AF_INET6, SOCK_STREAM, 0);
    struct sockaddr_in6 loopback = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
    bool has_ipv6 = probe >= 0 && bind(probe, (struct sockaddr *)&loopback, sizeof(loopback)) == 0;
    close(probe);
    if (!has_ipv6) {
        TEST_SKIP("the loopback interface has no IPv6 address");
    }
    for (size_t i = 0; i < 4; i++) {
        memcpy(&test.addresses[i], &any, sizeof(any));
    }
    coap_test_start(&test);
    for (size_t i = 0; i < ISO_COUNT_OF(all); i++) {
        struct sockaddr_in6 *six = (struct sockaddr_in6 *)&test.addresses[all[i]];
        in_port_t port = six->sin6_port;
        six->sin6_addr = in6addr_loopback;
        coap_test_peer_create(&test, all[i], NULL, NULL);
        CHECK_EQ_U64(coap_test_request(&test, ISO_COAP_POST, "/echo", "six", 3)->len, 3);
        iso_coap_peer_destroy(test.peer);
        struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = port};
        four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        memset(&test.addresses[all[i]], 0, sizeof(test.addresses[0]));
        memcpy(&test.addresses[all[i]], &four, sizeof(four));
        coap_test_peer_create(&test, all[i], NULL, NULL);
        CHECK_EQ_U64(coap_test_request(&test, ISO_COAP_POST, "/echo", "four", 4)->len, 4);
    }
    coap_test_stop(&test);
}
