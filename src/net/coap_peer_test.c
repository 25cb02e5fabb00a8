/* Links: they come back, notice a dead other side, and end every call exactly once. */
#include "net/coap_test_support.h"

static const struct iso_coap_call get_value = {.method = ISO_COAP_GET,
                                               .path = {"/value", 6},
                                               .content_format = ISO_COAP_FORMAT_NONE,
                                               .accept = ISO_COAP_FORMAT_NONE};

struct crowd {
    uint64_t ids[10000];
    unsigned done[10000];
};

static void crowd_done(void *ctx, const struct iso_coap_result *result)
{
    unsigned *done = ctx;
    CHECK(result->outcome != ISO_COAP_CANCELLED);
    (*done)++;
}

static bool is_up(const struct coap_test *test)
{
    return test->state == ISO_COAP_PEER_UP;
}

static bool is_down(const struct coap_test *test)
{
    return test->state == ISO_COAP_PEER_DOWN;
}

static bool has_request(const struct coap_test *test)
{
    return test->requests > 0;
}

TEST(a_link_comes_back_when_the_server_does)
{
    static const enum iso_coap_transport transports[] = {ISO_COAP_TLS, ISO_COAP_TCP};
    for (size_t i = 0; i < ISO_COUNT_OF(transports); i++) {
        static struct coap_test test;
        memset(&test, 0, sizeof(test));
        coap_test_start(&test);
        coap_test_peer_create(&test, transports[i], NULL, NULL);
        CHECK(iso_coap_peer_state(test.peer) == ISO_COAP_PEER_IDLE);
        iso_coap_peer_prepare(test.peer);
        coap_test_until(&test, is_up);
        test.hold = true;
        (void)coap_test_call(&test, 0, &get_value);
        coap_test_until(&test, has_request);
        uint64_t lost_id = test.last_id;
        coap_test_server_destroy(&test);
        coap_test_until(&test, is_down);
        /* It was sent: perhaps executed. */
        CHECK(coap_test_wait(&test, 0)->outcome == ISO_COAP_UNKNOWN);
        /* While there is no server, calls wait, unless they do not want to. */
        (void)coap_test_call(&test, 1, &get_value);
        struct iso_coap_call impatient = get_value;
        impatient.only_when_up = true;
        CHECK_ERR(iso_coap_peer_call(test.peer, &impatient, NULL, NULL, NULL), ISO_E_REFUSED);
        test.hold = false;
        test.value = 5;
        coap_test_server_create(&test);
        CHECK(!iso_coap_respond_text(test.server, lost_id, ISO_COAP_CODE(2, 5), "late"));
        const struct coap_test_result *result = coap_test_wait(&test, 1);
        CHECK(result->outcome == ISO_COAP_ANSWERED);
        CHECK_MEM(result->payload, "value 5", 7);
        CHECK(is_up(&test));
        struct iso_coap_peer_stats stats;
        iso_coap_peer_stats(test.peer, &stats);
        CHECK_EQ_U64(stats.connects, 2);
        CHECK_EQ_U64(stats.losses, 1);
        CHECK_EQ_U64(stats.calls, 2);
        CHECK_EQ_U64(stats.answered, 1);
        CHECK_EQ_U64(stats.failed, 1);
        CHECK_EQ_U64(stats.calls_now, 0);
        CHECK_EQ_U64(stats.queued_bytes, 0);
        coap_test_stop(&test);
    }
}

TEST(calls_without_a_server_end_in_time)
{
    static struct coap_test test;
    memset(&test, 0, sizeof(test));
    coap_test_start(&test);
    coap_test_peer_create(&test, ISO_COAP_TLS, NULL, NULL);
    coap_test_server_destroy(&test);
    struct iso_coap_call call = get_value;
    call.timeout_ms = 60;
    (void)coap_test_call(&test, 0, &call);
    const struct coap_test_result *result = coap_test_wait(&test, 0);
    CHECK(result->outcome == ISO_COAP_TIMEOUT_IDLE);
    CHECK_EQ_U64(result->code, 0);
    coap_test_stop(&test);
}

TEST(calls_without_an_answer_end_in_time)
{
    static struct coap_test test;
    memset(&test, 0, sizeof(test));
    coap_test_start(&test);
    coap_test_peer_create(&test, ISO_COAP_TLS, NULL, NULL);
    iso_coap_peer_prepare(test.peer);
    coap_test_until(&test, is_up);
    test.hold = true;
    struct iso_coap_call call = get_value;
    call.timeout_ms = 300;
    (void)coap_test_call(&test, 0, &call);
    coap_test_until(&test, has_request);
    CHECK(coap_test_wait(&test, 0)->outcome == ISO_COAP_TIMEOUT);
    CHECK_EQ_U64(test.requests, 1);
    /* An answer after that is let pass. */
    CHECK(iso_coap_respond_text(test.server, test.last_id, ISO_COAP_CODE(2, 5), "late"));
    test.hold = false;
    CHECK(coap_test_request(&test, ISO_COAP_GET, "/value", NULL, 0)->outcome == ISO_COAP_ANSWERED);
    CHECK_EQ_U64(test.results[0].times, 1);
    coap_test_stop(&test);
}

TEST(cancelled_and_destroyed_calls_end_exactly_once)
{
    static struct coap_test test;
    memset(&test, 0, sizeof(test));
    coap_test_start(&test);
    coap_test_peer_create(&test, ISO_COAP_TLS, NULL, NULL);
    test.hold = true;
    size_t len = 400000;
    uint8_t *bytes = coap_test_bytes(len);
    struct iso_coap_call large = get_value;
    large.method = ISO_COAP_POST;
    large.payload = iso_bytes_from(bytes, len);
    uint64_t ids[60];
    for (size_t i = 0; i < 60; i++) {
        ids[i] = coap_test_call(&test, i, i % 3 == 0 ? &large : &get_value);
    }
    CHECK(iso_coap_peer_cancel(test.peer, ids[7])); /* not even connected */
    CHECK_EQ_U64(test.results[7].times, 1);
    coap_test_until(&test, has_request);
    for (size_t i = 0; i < 60; i += 2) {
        CHECK(iso_coap_peer_cancel(test.peer, ids[i]));
        CHECK(!iso_coap_peer_cancel(test.peer, ids[i]));
        CHECK(test.results[i].outcome == ISO_COAP_CANCELLED);
    }
    for (int turn = 0; turn < 20; turn++) {
        uv_run(&test.loop, UV_RUN_NOWAIT);
    }
    iso_coap_peer_destroy(test.peer);
    for (int turn = 0; turn < 20; turn++) {
        uv_run(&test.loop, UV_RUN_NOWAIT);
    }
    for (size_t i = 0; i < 60; i++) {
        CHECK_EQ_U64(test.results[i].times, 1);
        CHECK(test.results[i].outcome == ISO_COAP_CANCELLED);
    }
    iso_alloc_free(iso_alloc_libc(), bytes, len);
    coap_test_stop(&test);
}

static void never_accept(uv_stream_t *server, int status)
{
    (void)server;
    (void)status;
}

/* A listener that takes connections and never says a word. */
TEST(an_other_side_that_is_silent_is_given_up)
{
    static struct coap_test test;
    memset(&test, 0, sizeof(test));
    coap_test_start(&test);
    uv_tcp_t listener;
    CHECK(uv_tcp_init(&test.loop, &listener) == 0);
    struct sockaddr_storage address = test.addresses[ISO_COAP_TCP];
    coap_test_server_destroy(&test);
    CHECK(uv_tcp_bind(&listener, (struct sockaddr *)&address, 0) == 0);
    int backlog = uv_listen((uv_stream_t *)&listener, 8, never_accept);
    CHECK(backlog == 0);
    struct iso_coap_peer_config config = {
        .transport = ISO_COAP_TLS,
        .addresses = &address,
        .address_count = 1,
        .identity = iso_str_from_z(COAP_TEST_IDENTITY),
        .key = iso_bytes_from(COAP_TEST_KEY, strlen(COAP_TEST_KEY)),
        .connect_ms = 50,
    };
    CHECK_OK(iso_coap_peer_create(test.client, &config, NULL, &test.peer));
    struct iso_coap_call call = get_value;
    call.timeout_ms = 200;
    (void)coap_test_call(&test, 0, &call);
    CHECK(coap_test_wait(&test, 0)->outcome == ISO_COAP_TIMEOUT_IDLE);
    struct iso_coap_peer_stats stats;
    iso_coap_peer_stats(test.peer, &stats);
    CHECK_EQ_U64(stats.connects, 0);
    uv_close((uv_handle_t *)&listener, NULL);
    coap_test_stop(&test);
}

TEST(a_dead_link_is_noticed_by_pings)
{
    static const enum iso_coap_transport transports[] = {ISO_COAP_TLS, ISO_COAP_UDP, ISO_COAP_DTLS};
    for (size_t i = 0; i < ISO_COUNT_OF(transports); i++) {
        static struct coap_test test;
        memset(&test, 0, sizeof(test));
        coap_test_start(&test);
        /* The server runs on a loop of its own, which stops turning: as a bridge that goes down. */
        uv_loop_t other;
        CHECK(uv_loop_init(&other) == 0);
        static struct coap_test far;
        memset(&far, 0, sizeof(far));
        coap_test_start(&far);
        struct iso_coap_peer_config config = {
            .transport = transports[i],
            .addresses = &far.addresses[transports[i]],
            .address_count = 1,
            .identity = iso_str_from_z(COAP_TEST_IDENTITY),
            .key = iso_bytes_from(COAP_TEST_KEY, strlen(COAP_TEST_KEY)),
            .keepalive_ms = 50,
        };
        CHECK_OK(iso_coap_peer_create(test.client, &config, NULL, &test.peer));
        (void)coap_test_call(&test, 0, &get_value);
        while (test.results[0].times == 0) {
            uv_run(&test.loop, UV_RUN_NOWAIT);
            uv_run(&far.loop, UV_RUN_NOWAIT);
        }
        CHECK(test.results[0].outcome == ISO_COAP_ANSWERED);
        (void)coap_test_call(&test, 1, &get_value);
        CHECK(coap_test_wait(&test, 1)->outcome == ISO_COAP_UNKNOWN);
        /* When this loop was held up, the next attempt has begun in the same turn of it. */
        if (iso_coap_peer_state(test.peer) != ISO_COAP_PEER_CONNECTING) {
            CHECK(iso_coap_peer_state(test.peer) == ISO_COAP_PEER_DOWN);
            CHECK_CONTAINS(iso_coap_peer_reason(test.peer), "no sign of life");
        }
        /* The other side turns again: the link comes back. */
        (void)coap_test_call(&test, 2, &get_value);
        while (test.results[2].times == 0) {
            uv_run(&test.loop, UV_RUN_NOWAIT);
            uv_run(&far.loop, UV_RUN_NOWAIT);
        }
        CHECK(test.results[2].outcome == ISO_COAP_ANSWERED);
        coap_test_stop(&test);
        coap_test_stop(&far);
        CHECK(uv_loop_close(&other) == 0);
    }
}

TEST(keys_and_addresses_can_be_replaced)
{
    static struct coap_test test;
    memset(&test, 0, sizeof(test));
    coap_test_start(&test);
    coap_test_peer_create(&test, ISO_COAP_TLS, NULL, "wrong-wrong-wron");
    (void)coap_test_call(&test, 0, &get_value);
    coap_test_until(&test, is_down);
    struct iso_coap_peer_config config = {
        .transport = ISO_COAP_TLS,
        .addresses = &test.addresses[ISO_COAP_TLS],
        .address_count = 1,
        .identity = iso_str_from_z(COAP_TEST_IDENTITY),
        .key = iso_bytes_from(COAP_TEST_KEY, strlen(COAP_TEST_KEY)),
    };
    struct iso_coap_peer_config bad = config;
    bad.address_count = 0;
    CHECK_ERR(iso_coap_peer_update(test.peer, &bad, NULL), ISO_E_ARGUMENT);
    CHECK_OK(iso_coap_peer_update(test.peer, &config, NULL));
    /* The call that waited goes over the new link. */
    CHECK(coap_test_wait(&test, 0)->outcome == ISO_COAP_ANSWERED);
    CHECK(is_up(&test));
    /* The same again changes nothing; another transport does. */
    struct iso_coap_peer_stats stats;
    CHECK_OK(iso_coap_peer_update(test.peer, &config, NULL));
    CHECK(iso_coap_peer_state(test.peer) == ISO_COAP_PEER_UP);
    config.transport = ISO_COAP_DTLS;
    config.addresses = &test.addresses[ISO_COAP_DTLS];
    CHECK_OK(iso_coap_peer_update(test.peer, &config, NULL));
    CHECK(coap_test_request(&test, ISO_COAP_GET, "/value", NULL, 0)->outcome == ISO_COAP_ANSWERED);
    iso_coap_peer_stats(test.peer, &stats);
    CHECK_EQ_U64(stats.connects, 2);
    coap_test_stop(&test);
}

TEST(of_several_addresses_the_one_that_works_is_found)
{
    static struct coap_test test;
    memset(&test, 0, sizeof(test));
    coap_test_start(&test);
    struct sockaddr_storage addresses[3];
    /* Two where nobody listens for TLS, one of them a closed port. */
    addresses[0] = test.addresses[ISO_COAP_TCP];
    addresses[1] = test.addresses[ISO_COAP_UDP];
    addresses[2] = test.addresses[ISO_COAP_TLS];
    struct iso_coap_peer_config config = {
        .transport = ISO_COAP_TLS,
        .addresses = addresses,
        .address_count = 3,
        .identity = iso_str_from_z(COAP_TEST_IDENTITY),
        .key = iso_bytes_from(COAP_TEST_KEY, strlen(COAP_TEST_KEY)),
        .connect_ms = 300,
    };
    CHECK_OK(iso_coap_peer_create(test.client, &config, NULL, &test.peer));
    CHECK(coap_test_request(&test, ISO_COAP_GET, "/value", NULL, 0)->outcome == ISO_COAP_ANSWERED);
    coap_test_stop(&test);
}

TEST(a_withdrawn_key_ends_its_sessions)
{
    static struct coap_test test;
    memset(&test, 0, sizeof(test));
    coap_test_start(&test);
    coap_test_peer_create(&test, ISO_COAP_TLS, NULL, NULL);
    iso_coap_peer_prepare(test.peer);
    coap_test_until(&test, is_up);
    test.key_withdrawn = true;
    iso_coap_server_drop(test.server, COAP_TEST_PRINCIPAL + 1);
    CHECK(coap_test_request(&test, ISO_COAP_GET, "/value", NULL, 0)->outcome == ISO_COAP_ANSWERED);
    iso_coap_server_drop(test.server, COAP_TEST_PRINCIPAL);
    coap_test_until(&test, is_down);
    struct iso_coap_server_stats stats;
    iso_coap_server_stats(test.server, &stats);
    CHECK_EQ_U64(stats.sessions_now, 0);
    coap_test_stop(&test);
}

TEST(bad_configurations_and_calls_are_refused)
{
    static struct coap_test test;
    memset(&test, 0, sizeof(test));
    coap_test_start(&test);
    coap_test_peer_create(&test, ISO_COAP_TLS, NULL, NULL);
    struct sockaddr_storage none = {0};
    char zeros[4] = {0};
    struct iso_coap_peer_config good = {
        .transport = ISO_COAP_TLS,
        .addresses = &test.addresses[ISO_COAP_TLS],
        .address_count = 1,
        .identity = iso_str_from_z(COAP_TEST_IDENTITY),
        .key = iso_bytes_from(COAP_TEST_KEY, strlen(COAP_TEST_KEY)),
    };
    struct iso_coap_peer_config bad[6];
    for (size_t i = 0; i < 6; i++) {
        bad[i] = good;
    }
    bad[0].address_count = ISO_COAP_ADDRESSES_MAX + 1;
    bad[1].addresses = &none;
    bad[2].identity.len = 0;
    bad[3].key.len = 0;
    bad[4].key.len = ISO_COAP_KEY_MAX + 1;
    bad[5].identity = iso_str_from(zeros, 4);
    for (size_t i = 0; i < 6; i++) {
        struct iso_report report;
        iso_report_init(&report);
        struct iso_coap_peer *peer = NULL;
        CHECK_ERR(iso_coap_peer_create(test.client, &bad[i], &report, &peer), ISO_E_ARGUMENT);
        CHECK(report.set && peer == NULL);
    }
    static const char *const paths[] = {"/a%", "/a%2", "/%zz", "/%2"};
    for (size_t i = 0; i < ISO_COUNT_OF(paths); i++) {
        struct iso_coap_call call = get_value;
        call.path = iso_str_from_z(paths[i]);
        CHECK_ERR(iso_coap_peer_call(test.peer, &call, NULL, NULL, NULL), ISO_E_ARGUMENT);
    }
    static char text[300];
    memset(text, 'a', sizeof(text));
    struct iso_str query = iso_str_from(text, 256);
    struct iso_coap_call calls[5] = {get_value, get_value, get_value, get_value, get_value};
    calls[0].method = 0;
    calls[1].method = 8;
    calls[2].path = iso_str_from(text, 256);
    calls[3].queries = &query;
    calls[3].query_count = 1;
    calls[4].content_format = 65536;
    for (size_t i = 0; i < 5; i++) {
        CHECK_ERR(iso_coap_peer_call(test.peer, &calls[i], NULL, NULL, NULL), ISO_E_ARGUMENT);
    }
    coap_test_stop(&test);
}

TEST(ten_thousand_calls_wait_on_one_link)
{
    enum { CALLS = 10000 };
    static struct coap_test test;
    static struct crowd crowd;
    memset(&test, 0, sizeof(test));
    memset(&crowd, 0, sizeof(crowd));
    coap_test_start(&test);
    coap_test_peer_create(&test, ISO_COAP_TLS, NULL, NULL);
    test.hold = true;
    test.ids = crowd.ids;
    for (unsigned i = 0; i < CALLS; i++) {
        CHECK_OK(iso_coap_peer_call(test.peer, &get_value, crowd_done, &crowd.done[i], NULL));
    }
    while (test.requests < CALLS) {
        uv_run(&test.loop, UV_RUN_ONCE);
    }
    struct iso_coap_server_stats stats;
    iso_coap_server_stats(test.server, &stats);
    CHECK_EQ_U64(stats.requests_now, CALLS);
    for (unsigned i = CALLS; i-- > 0;) {
        CHECK(iso_coap_respond_text(test.server, crowd.ids[i], ISO_COAP_CODE(2, 5), "x"));
    }
    struct iso_coap_peer_stats peer;
    do {
        uv_run(&test.loop, UV_RUN_ONCE);
        iso_coap_peer_stats(test.peer, &peer);
    } while (peer.calls_now > 0);
    for (unsigned i = 0; i < CALLS; i++) {
        CHECK_EQ_U64(crowd.done[i], 1);
    }
    CHECK_EQ_U64(peer.answered, CALLS);
    CHECK_EQ_U64(peer.losses, 0);
    coap_test_stop(&test);
}

TEST(memory_may_be_short_at_any_place)
{
    size_t len = 30000;
    uint8_t *bytes = coap_test_bytes(len);
    for (uint64_t n = 1; n <= 40; n++) {
        static struct coap_test test;
        memset(&test, 0, sizeof(test));
        coap_test_start(&test);
        coap_test_peer_create(&test, ISO_COAP_TLS, NULL, NULL);
        struct iso_coap_call call = get_value;
        call.method = ISO_COAP_POST;
        call.path = iso_str_from_z("/echo");
        call.payload = iso_bytes_from(bytes, len);
        call.timeout_ms = 2000;
        static unsigned ended;
        ended = 0;
        test.memory.fail_at = test.memory.requests + n;
        enum iso_err err = iso_coap_peer_call(test.peer, &call, crowd_done, &ended, NULL);
        CHECK(err == ISO_OK || err == ISO_E_NOMEM);
        while (err == ISO_OK && ended == 0) {
            uv_run(&test.loop, UV_RUN_ONCE);
        }
        CHECK(ended <= 1);
        /* And then all is well again. */
        test.memory.fail_at = 0;
        const struct coap_test_result *result =
            coap_test_request(&test, ISO_COAP_POST, "/echo", bytes, len);
        CHECK(result->outcome == ISO_COAP_ANSWERED);
        CHECK_EQ_U64(result->len, len);
        coap_test_stop(&test);
    }
    iso_alloc_free(iso_alloc_libc(), bytes, len);
}
