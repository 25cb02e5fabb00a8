/* Every limit of a CoAP server holds, and what it refuses does not harm the others. */
#include "net/coap_limits.h"

#include "net/coap_raw_test_support.h"

#include <netinet/in.h>

static struct iso_coap_server_stats stats_of(const struct coap_test *test)
{
    struct iso_coap_server_stats stats;
    iso_coap_server_stats(test->server, &stats);
    return stats;
}

static void start(struct coap_test *test, const struct iso_coap_limits *limits)
{
    memset(test, 0, sizeof(*test));
    test->limits = *limits;
    coap_test_start(test);
}

TEST(connections_beyond_the_limits_are_closed)
{
    static const struct iso_coap_limits limits[] = {{.sessions = 3}, {.sessions_per_address = 3}};
    for (size_t i = 0; i < ISO_COUNT_OF(limits); i++) {
        static struct coap_test test;
        static struct coap_raw raw[4];
        start(&test, &limits[i]);
        for (size_t j = 0; j < 3; j++) {
            coap_raw_open(&test, &raw[j], ISO_COAP_TCP, true);
        }
        coap_raw_open(&test, &raw[3], ISO_COAP_TCP, false);
        while (!raw[3].closed) {
            uv_run(&test.loop, UV_RUN_ONCE);
        }
        CHECK_EQ_U64(stats_of(&test).sessions_now, 3);
        CHECK_EQ_U64(stats_of(&test).refused_sessions, 1);
        /* The others go on; when one ends, its place is free. */
        coap_raw_get(&raw[0], "value", "a", -1);
        coap_raw_until(&test, &raw[0], 1);
        CHECK_EQ_U64(raw[0].code, ISO_COAP_CODE(2, 5));
        coap_raw_close(&raw[3]);
        coap_raw_close(&raw[2]);
        while (stats_of(&test).sessions_now != 2) {
            uv_run(&test.loop, UV_RUN_ONCE);
        }
        coap_raw_open(&test, &raw[2], ISO_COAP_TCP, true);
        coap_raw_get(&raw[2], "value", "a", -1);
        coap_raw_until(&test, &raw[2], 1);
        for (size_t j = 0; j < 3; j++) {
            coap_raw_close(&raw[j]);
        }
        coap_test_stop(&test);
    }
}

TEST(datagram_peers_count_as_sessions_and_idle_ones_give_way)
{
    static struct coap_test test;
    static struct coap_raw raw[4];
    start(&test, &(struct iso_coap_limits){.sessions = 2});
    for (size_t i = 0; i < 4; i++) {
        coap_raw_open(&test, &raw[i], ISO_COAP_UDP, true);
    }
    /* The first takes the place of nobody, the third that of an idle one. */
    coap_raw_get(&raw[0], "value", "a", 0);
    coap_raw_until(&test, &raw[0], 1);
    coap_raw_get(&raw[1], "value", "a", -1);
    coap_raw_until(&test, &raw[1], 1);
    coap_raw_get(&raw[2], "value", "a", 0);
    coap_raw_until(&test, &raw[2], 1);
    CHECK_EQ_U64(raw[2].code, ISO_COAP_CODE(2, 5));
    CHECK_EQ_U64(test.requests, 3);
    /* Now both observe: there is none to give way. */
    coap_raw_get(&raw[3], "value", "a", -1);
    coap_raw_until(&test, &raw[3], 1);
    CHECK_EQ_U64(raw[3].code, ISO_COAP_CODE(5, 3));
    CHECK_EQ_U64(test.requests, 3);
    CHECK_EQ_U64(stats_of(&test).sessions_now, 2);
    CHECK_EQ_U64(stats_of(&test).observers_now, 2);
    for (size_t i = 0; i < 4; i++) {
        coap_raw_close(&raw[i]);
    }
    coap_test_stop(&test);
}

static void on_connect(uv_connect_t *connect, int status)
{
    CHECK(status == 0);
    *(bool *)connect->data = true;
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
    static char bytes[4096];
    (void)handle;
    (void)size;
    *buf = uv_buf_init(bytes, sizeof(bytes));
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf)
{
    (void)buf;
    if (size < 0) {
        *(bool *)stream->data = true;
    }
}

TEST(handshakes_have_a_number_and_a_time)
{
    /* Connections that say nothing: to TCP, where a CSM is due, and to TLS. */
    static struct coap_test test;
    start(&test, &(struct iso_coap_limits){.handshakes = 8, .handshake_ms = 100});
    static const enum iso_coap_transport transports[] = {ISO_COAP_TCP, ISO_COAP_TLS, ISO_COAP_TLS};
    uv_tcp_t silent[3];
    uv_connect_t connects[3];
    bool connected[3] = {false};
    bool ended[3] = {false};
    for (size_t i = 0; i < 3; i++) {
        CHECK(uv_tcp_init(&test.loop, &silent[i]) == 0);
        connects[i].data = &connected[i];
        silent[i].data = &ended[i];
        CHECK(uv_tcp_connect(&connects[i], &silent[i],
                             (struct sockaddr *)&test.addresses[transports[i]], on_connect) == 0);
        while (!connected[i]) {
            uv_run(&test.loop, UV_RUN_ONCE);
        }
        CHECK(uv_read_start((uv_stream_t *)&silent[i], on_alloc, on_read) == 0);
    }
    /* The third is one too many: an address has a quarter. */
    while (!ended[0] || !ended[1] || !ended[2]) {
        uv_run(&test.loop, UV_RUN_ONCE);
    }
    CHECK_EQ_U64(stats_of(&test).refused_sessions, 1);
    CHECK_EQ_U64(stats_of(&test).refused_handshakes, 2);
    while (stats_of(&test).sessions_now != 0) {
        uv_run(&test.loop, UV_RUN_ONCE);
    }
    for (size_t i = 0; i < 3; i++) {
        uv_close((uv_handle_t *)&silent[i], NULL);
    }
    coap_test_stop(&test);
}

/* A TCP connection from another address of loopback, 127.0.0.x. */
static void connect_from(struct coap_test *test, uint8_t x, uv_tcp_t *tcp, bool *ended)
{
    struct sockaddr_in from = {.sin_family = AF_INET};
    uv_connect_t connect;
    bool connected = false;
    from.sin_addr.s_addr = htonl(0x7f000000u + x);
    connect.data = &connected;
    tcp->data = ended;
    CHECK(uv_tcp_init(&test->loop, tcp) == 0);
    CHECK(uv_tcp_bind(tcp, (struct sockaddr *)&from, 0) == 0);
    CHECK(uv_tcp_connect(&connect, tcp, (struct sockaddr *)&test->addresses[ISO_COAP_TLS],
                         on_connect) == 0);
    while (!connected) {
        uv_run(&test->loop, UV_RUN_ONCE);
    }
    CHECK(uv_read_start((uv_stream_t *)tcp, on_alloc, on_read) == 0);
}

TEST(when_all_handshakes_are_taken_the_oldest_gives_way)
{
    static struct coap_test test;
    uv_tcp_t silent[8];
    bool ended[8] = {false};
    start(&test, &(struct iso_coap_limits){.handshakes = 8, .handshake_ms = 60000});
    for (uint8_t i = 0; i < 8; i++) {
        connect_from(&test, (uint8_t)(10 + i / 2), &silent[i], &ended[i]);
    }
    while (stats_of(&test).sessions_now != 8) {
        uv_run(&test.loop, UV_RUN_ONCE);
    }
    coap_test_peer_create(&test, ISO_COAP_TLS, NULL, NULL);
    CHECK_EQ_U64(coap_test_request(&test, ISO_COAP_GET, "/value", NULL, 0)->code,
                 ISO_COAP_CODE(2, 5));
    while (!ended[0]) {
        uv_run(&test.loop, UV_RUN_ONCE);
    }
    for (size_t i = 0; i < 8; i++) {
        CHECK(ended[i] == (i == 0));
        uv_close((uv_handle_t *)&silent[i], NULL);
    }
    CHECK_EQ_U64(stats_of(&test).refused_sessions, 0);
    coap_test_stop(&test);
}

/* The first flight of a DTLS 1.2 client (RFC 6347, section 4.2.1), without a cookie. */
static size_t make_hello(uint8_t out[128])
{
    static const uint8_t start[] = {
        22,   0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* record; length at 11 */
        1,    0,    0,    0, 0, 0, 0, 0, 0, 0, 0, 0,    /* handshake; lengths at 14 and 22 */
        0xfe, 0xfd};                                    /* the client's version */
    static const uint8_t end[] = {0, 0, 0, 2, 0xc0, 0xa8, 1, 0}; /* PSK with AES-128-CCM-8 */
    size_t len = sizeof(start);
    memcpy(out, start, len);
    memset(out + len, 7, 32); /* random */
    len += 32;
    memcpy(out + len, end, sizeof(end));
    len += sizeof(end);
    out[12] = (uint8_t)(len - 13);
    out[16] = out[24] = (uint8_t)(len - 25);
    return len;
}

TEST(hellos_without_a_cookie_do_not_keep_others_out)
{
    static struct coap_test test;
    enum { HELLOS = 100 };
    static uv_udp_t sockets[HELLOS];
    uint8_t hello[128];
    uv_buf_t buf = uv_buf_init((char *)hello, (unsigned)make_hello(hello));
    start(&test, &(struct iso_coap_limits){.sessions = 16, .handshakes = 8});
    for (size_t i = 0; i < HELLOS; i++) {
        CHECK(uv_udp_init(&test.loop, &sockets[i]) == 0);
        CHECK(uv_udp_try_send(&sockets[i], &buf, 1,
                              (struct sockaddr *)&test.addresses[ISO_COAP_DTLS]) == (int)buf.len);
        uv_run(&test.loop, UV_RUN_NOWAIT);
    }
    coap_test_peer_create(&test, ISO_COAP_DTLS, NULL, NULL);
    CHECK_EQ_U64(coap_test_request(&test, ISO_COAP_GET, "/value", NULL, 0)->code,
                 ISO_COAP_CODE(2, 5));
    for (size_t i = 0; i < HELLOS; i++) {
        uv_close((uv_handle_t *)&sockets[i], NULL);
    }
    coap_test_stop(&test);
}

TEST(idle_sessions_are_closed_but_not_those_that_wait)
{
    static struct coap_test test;
    static struct coap_raw idle;
    static struct coap_raw waiting;
    static struct coap_raw observing;
    start(&test, &(struct iso_coap_limits){.idle_ms = 50});
    coap_raw_open(&test, &waiting, ISO_COAP_TCP, true);
    coap_raw_open(&test, &observing, ISO_COAP_TCP, true);
    coap_raw_get(&observing, "value", "o", 0);
    coap_raw_until(&test, &observing, 1);
    test.hold = true;
    coap_raw_get(&waiting, "value", "w", -1);
    while (test.requests < 2) {
        uv_run(&test.loop, UV_RUN_ONCE);
    }
    coap_raw_open(&test, &idle, ISO_COAP_TCP, true);
    while (!idle.closed) {
        uv_run(&test.loop, UV_RUN_ONCE);
    }
    CHECK(!waiting.closed && !observing.closed);
    CHECK(iso_coap_respond_text(test.server, test.last_id, ISO_COAP_CODE(2, 5), "at last"));
    coap_raw_until(&test, &waiting, 1);
    CHECK_STR(waiting.text, "at last");
    coap_raw_close(&idle);
    coap_raw_close(&waiting);
    coap_raw_close(&observing);
    coap_test_stop(&test);
}

TEST(requests_without_answer_are_limited)
{
    static const struct iso_coap_limits limits[] = {{.requests_per_session = 5}, {.requests = 5}};
    for (size_t i = 0; i < ISO_COUNT_OF(limits); i++) {
        static struct coap_test test;
        static struct coap_raw raw;
        start(&test, &limits[i]);
        test.hold = true;
        coap_raw_open(&test, &raw, ISO_COAP_TCP, true);
        for (int j = 0; j < 6; j++) {
            char token[2] = {(char)('a' + j), '\0'};
            coap_raw_get(&raw, "value", token, -1);
        }
        coap_raw_until(&test, &raw, 1);
        CHECK_EQ_U64(raw.code, ISO_COAP_CODE(5, 3));
        CHECK_CONTAINS(raw.text, "too many requests");
        CHECK_EQ_U64(test.requests, 5);
        CHECK_EQ_U64(stats_of(&test).requests_now, 5);
        CHECK_EQ_U64(stats_of(&test).refused_requests, 1);
        CHECK(iso_coap_respond_text(test.server, test.last_id, ISO_COAP_CODE(2, 5), "x"));
        coap_raw_until(&test, &raw, 2);
        test.hold = false;
        coap_raw_get(&raw, "value", "z", -1);
        coap_raw_until(&test, &raw, 3);
        CHECK_EQ_U64(raw.code, ISO_COAP_CODE(2, 5));
        coap_raw_close(&raw);
        coap_test_stop(&test);
    }
}

TEST(observers_are_limited_over_all)
{
    static struct coap_test test;
    static struct coap_raw raw[3];
    start(&test, &(struct iso_coap_limits){.observers = 2});
    for (size_t i = 0; i < 3; i++) {
        coap_raw_open(&test, &raw[i], ISO_COAP_TCP, true);
        coap_raw_get(&raw[i], "value", "o", 0);
        coap_raw_until(&test, &raw[i], 1);
        CHECK_EQ_U64(raw[i].notifications, i < 2 ? 1 : 0);
        CHECK_EQ_U64(raw[i].code, ISO_COAP_CODE(2, 5));
    }
    for (size_t i = 0; i < 3; i++) {
        coap_raw_close(&raw[i]);
    }
    coap_test_stop(&test);
}

TEST(what_is_in_reassembly_expires)
{
    static struct coap_test test;
    static struct coap_raw raw;
    start(&test, &(struct iso_coap_limits){.partial_ms = 50});
    coap_raw_open(&test, &raw, ISO_COAP_TCP, true);
    /* Block 0 of more (RFC 7959), and nothing after it. */
    coap_raw_send(&raw, ISO_COAP_PUT, "take", "b", COAP_OPTION_BLOCK1, "\x0e", 1, 1024);
    coap_raw_until(&test, &raw, 1);
    CHECK_EQ_U64(raw.code, ISO_COAP_CODE(2, 31));
    CHECK_EQ_U64(stats_of(&test).partial_bytes_now, 1024);
    while (stats_of(&test).partial_bytes_now != 0) {
        uv_run(&test.loop, UV_RUN_ONCE);
    }
    CHECK_EQ_U64(stats_of(&test).expired_partials, 1);
    coap_raw_send(&raw, ISO_COAP_PUT, "take", "b", COAP_OPTION_BLOCK1, "\x16", 1, 10);
    coap_raw_until(&test, &raw, 2);
    CHECK_EQ_U64(raw.code, ISO_COAP_CODE(4, 8));
    coap_raw_close(&raw);
    coap_test_stop(&test);
}

static void on_written(uv_write_t *write, int status)
{
    (void)write;
    (void)status;
}

TEST(a_session_that_does_not_read_is_closed)
{
    static struct coap_test test;
    start(&test, &(struct iso_coap_limits){.unread_bytes = 300000});
    /* A bare connection: a CSM, then the same request again and again, never reading. */
    uv_tcp_t deaf;
    uv_connect_t connect;
    bool connected = false;
    connect.data = &connected;
    CHECK(uv_tcp_init(&test.loop, &deaf) == 0);
    CHECK(uv_tcp_connect(&connect, &deaf, (struct sockaddr *)&test.addresses[ISO_COAP_TCP],
                         on_connect) == 0);
    while (!connected) {
        uv_run(&test.loop, UV_RUN_ONCE);
    }
    /* GET /wide, whose answer is 12,000 bytes: RFC 8323, section 3.2. */
    static char bytes[5 + 64 * 8];
    memcpy(bytes, "\x30\xe1\x22\x3e\x80", 5); /* Max-Message-Size 16,000 */
    for (size_t i = 0; i < 64; i++) {
        memcpy(bytes + 5 + i * 8, "\x51\x01t\xb4wide", 8);
    }
    uv_write_t write;
    uv_buf_t buf = uv_buf_init(bytes, sizeof(bytes));
    CHECK(uv_write(&write, (uv_stream_t *)&deaf, &buf, 1, on_written) == 0);
    while (stats_of(&test).slow_sessions == 0) {
        uv_run(&test.loop, UV_RUN_ONCE);
    }
    while (stats_of(&test).sessions_now != 0) {
        uv_run(&test.loop, UV_RUN_ONCE);
    }
    CHECK(test.requests < 64);
    uv_close((uv_handle_t *)&deaf, NULL);
    coap_test_stop(&test);
}

TEST(many_answers_at_once_are_no_reason_to_close_a_link)
{
    static struct coap_test test;
    static uint64_t ids[COAP_TEST_CALLS];
    start(&test, &(struct iso_coap_limits){.unread_bytes = 100000});
    coap_test_peer_create(&test, ISO_COAP_TLS, NULL, NULL);
    test.hold = true;
    test.ids = ids;
    struct iso_coap_call call = {.method = ISO_COAP_GET,
                                 .path = iso_str_from_z("/value"),
                                 .content_format = ISO_COAP_FORMAT_NONE,
                                 .accept = ISO_COAP_FORMAT_NONE};
    for (size_t i = 0; i < 100; i++) {
        (void)coap_test_call(&test, i, &call);
    }
    while (test.requests < 100) {
        uv_run(&test.loop, UV_RUN_ONCE);
    }
    static const uint8_t wide[12000];
    struct iso_coap_answer answer = {.code = ISO_COAP_CODE(2, 5),
                                     .content_format = ISO_COAP_FORMAT_OCTETS,
                                     .payload = iso_bytes_from(wide, sizeof(wide))};
    for (size_t i = 0; i < 100; i++) {
        CHECK(iso_coap_respond(test.server, ids[i], &answer));
    }
    for (size_t i = 0; i < 100; i++) {
        CHECK(coap_test_wait(&test, i)->outcome == ISO_COAP_ANSWERED);
        CHECK_EQ_U64(test.results[i].len, sizeof(wide));
    }
    CHECK_EQ_U64(stats_of(&test).slow_sessions, 0);
    coap_test_stop(&test);
}
