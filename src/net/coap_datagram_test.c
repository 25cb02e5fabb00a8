/* Datagrams as they are on the wire: repeated requests are executed once, and malformed ones harm
 * nobody. RFC 7252, sections 3 and 4. */
#include "net/coap_raw_test_support.h"

#include <netinet/in.h>

struct wire {
    uv_udp_t socket;
    unsigned received;
    uint8_t bytes[2048]; /* of the last datagram */
    size_t len;
};

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
    static char bytes[4096];
    (void)handle;
    (void)size;
    *buf = uv_buf_init(bytes, sizeof(bytes));
}

static void on_receive(uv_udp_t *socket, ssize_t size, const uv_buf_t *buf,
                       const struct sockaddr *from, unsigned flags)
{
    struct wire *wire = socket->data;
    (void)flags;
    if (size > 0 && from != NULL) {
        CHECK((size_t)size <= sizeof(wire->bytes));
        memcpy(wire->bytes, buf->base, (size_t)size);
        wire->len = (size_t)size;
        wire->received++;
    }
}

static void wire_open(struct coap_test *test, struct wire *wire)
{
    memset(wire, 0, sizeof(*wire));
    CHECK(uv_udp_init(&test->loop, &wire->socket) == 0);
    wire->socket.data = wire;
    CHECK(uv_udp_connect(&wire->socket, (struct sockaddr *)&test->addresses[ISO_COAP_UDP]) == 0);
    CHECK(uv_udp_recv_start(&wire->socket, on_alloc, on_receive) == 0);
}

static void wire_send(struct wire *wire, const void *bytes, size_t len)
{
    uv_buf_t buf = uv_buf_init((char *)(uintptr_t)bytes, (unsigned)len);
    CHECK(uv_udp_try_send(&wire->socket, &buf, 1, NULL) == (int)len);
}

static void wire_until(struct coap_test *test, const struct wire *wire, unsigned received)
{
    while (wire->received < received) {
        uv_run(&test->loop, UV_RUN_ONCE);
    }
    CHECK_EQ_U64(wire->received, received);
}

/* CON POST /echo with message id 0x1234, token "t" and payload "hi". */
static const uint8_t post[] = "\x41\x02\x12\x34t\xb4"
                              "echo\xffhi";

TEST(a_repeated_request_gets_the_same_answer_and_is_not_executed_again)
{
    static struct coap_test test;
    static struct wire wire;
    memset(&test, 0, sizeof(test));
    coap_test_start(&test);
    wire_open(&test, &wire);
    wire_send(&wire, post, sizeof(post) - 1);
    wire_until(&test, &wire, 1);
    CHECK_EQ_U64(test.requests, 1);
    uint8_t first[64];
    size_t len = wire.len;
    CHECK(len > 5 && len <= sizeof(first));
    memcpy(first, wire.bytes, len);
    CHECK_MEM(first, "\x61\x45\x12\x34t", 5); /* ACK, 2.05 */
    for (unsigned i = 2; i <= 5; i++) {
        wire_send(&wire, post, sizeof(post) - 1);
        wire_until(&test, &wire, i);
        CHECK_EQ_U64(wire.len, len);
        CHECK_MEM(wire.bytes, first, len);
    }
    CHECK_EQ_U64(test.requests, 1);
    struct iso_coap_server_stats stats;
    iso_coap_server_stats(test.server, &stats);
    CHECK_EQ_U64(stats.duplicates, 4);
    uv_close((uv_handle_t *)&wire.socket, NULL);
    coap_test_stop(&test);
}

TEST(a_request_repeated_before_its_answer_is_only_confirmed)
{
    static struct coap_test test;
    static struct wire wire;
    memset(&test, 0, sizeof(test));
    coap_test_start(&test);
    wire_open(&test, &wire);
    test.hold = true;
    wire_send(&wire, post, sizeof(post) - 1);
    wire_until(&test, &wire, 1);
    CHECK_EQ_U64(wire.len, 4);
    CHECK_MEM(wire.bytes, "\x60\x00\x12\x34", 4); /* an empty ACK */
    wire_send(&wire, post, sizeof(post) - 1);
    wire_until(&test, &wire, 2);
    CHECK_MEM(wire.bytes, "\x60\x00\x12\x34", 4);
    CHECK_EQ_U64(test.requests, 1);
    /* The answer is a message of its own, which is to be confirmed. */
    CHECK(iso_coap_respond_text(test.server, test.last_id, ISO_COAP_CODE(2, 5), "so"));
    wire_until(&test, &wire, 3);
    CHECK_MEM(wire.bytes, "\x41\x45", 2);
    CHECK(wire.bytes[4] == 't');
    CHECK_MEM(wire.bytes + wire.len - 3, "\xffso", 3);
    uint8_t ack[4] = {0x60, 0, wire.bytes[2], wire.bytes[3]};
    wire_send(&wire, ack, 4);
    /* Once more the request: now with its answer. */
    wire_send(&wire, post, sizeof(post) - 1);
    wire_until(&test, &wire, 4);
    CHECK_MEM(wire.bytes, "\x61\x45\x12\x34t", 5);
    CHECK_EQ_U64(test.requests, 1);
    uv_close((uv_handle_t *)&wire.socket, NULL);
    coap_test_stop(&test);
}

struct bad {
    const char *bytes;
    size_t len;
};

TEST(malformed_datagrams_are_no_requests)
{
    static const struct bad cases[] = {
        {"\x41", 1}, /* cut in the header */
        {"\x41\x02\x00", 3},
        {"\x81\x02\x00\x01t", 5},                /* version 2 */
        {"\x01\x02\x00\x01t", 5},                /* version 0 */
        {"\x49\x02\x00\x01ttttttttt", 13},       /* a token of 9 bytes */
        {"\x4f\x02\x00\x01ttttttttttttttt", 19}, /* of 15 */
        {"\x48\x02\x00\x01tttt", 8},             /* shorter than it claims */
        {"\x40\x02\x00\x02\xb4"
         "ech",
         8},                         /* an option that is cut */
        {"\x40\x02\x00\x03\xbd", 5}, /* its length is cut */
        {"\x40\x02\x00\x04\xbe\x00", 6},
        {"\x40\x02\x00\x05\xf0", 5}, /* a reserved delta */
        {"\x40\x02\x00\x06\xbf", 5}, /* a reserved length */
        {"\x40\x02\x00\x07\xb4"
         "echo\xff",
         10},                     /* a marker without a payload */
        {"\x40\x00\x00\x08t", 5}, /* empty, but not */
        {"\x41\x00\x00\x09t", 5},
        {"\x40\x45\x00\x0a", 4}, /* an answer to nothing */
        {"\x60\x00\x00\x0b", 4}, /* an ACK of nothing */
        {"\x70\x00\x00\x0c", 4}, /* a reset of nothing */
        {"\x40\xe1\x00\x0d", 4}, /* 7.01 over UDP */
        {"\x40\x20\x00\x0e", 4}, /* a class that is reserved */
        {"\x40\x02\x00\x0f\xb4"
         "echo\x25\x00\x00\x00\x00\x00",
         15},                              /* a content format of 5 bytes */
        {"\x40\x02\x00\x10\x91x", 6},      /* a critical option that nobody knows */
        {"\x40\x02\x00\x11\xd1\x16xx", 8}, /* proxy-uri */
        {"\x40\x1f\x00\x12\xb4"
         "echo",
         9}, /* method 31 */
        {"\x40\x02\x00\x13\xb4"
         "echo\xd4\x03\x00\x00\x00\x00",
         15}, /* Block1 of 4 bytes */
        {"\x40\x02\x00\x14\xb4"
         "echo\xe0\xfc\xd3",
         12}, /* CHUNK, empty */
    };
    static struct coap_test test;
    static struct wire wire;
    memset(&test, 0, sizeof(test));
    coap_test_start(&test);
    wire_open(&test, &wire);
    for (size_t i = 0; i < ISO_COUNT_OF(cases); i++) {
        wire_send(&wire, cases[i].bytes, cases[i].len);
    }
    /* What comes after them is answered. */
    static struct coap_raw raw;
    coap_raw_open(&test, &raw, ISO_COAP_UDP, true);
    coap_raw_get(&raw, "value", "v", -1);
    coap_raw_until(&test, &raw, 1);
    CHECK_EQ_U64(raw.code, ISO_COAP_CODE(2, 5));
    CHECK_EQ_U64(test.requests, 1);
    wire_send(&wire, post, sizeof(post) - 1);
    while (test.requests == 1) {
        uv_run(&test.loop, UV_RUN_ONCE);
    }
    CHECK_EQ_U64(test.last_len, 2);
    coap_raw_close(&raw);
    uv_close((uv_handle_t *)&wire.socket, NULL);
    coap_test_stop(&test);
}
