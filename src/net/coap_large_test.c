/* Payloads and answers that do not fit one message: in chunks between devices of ours, with limits,
 * and hostile chunks from somebody who has the key. */
#include "net/coap_block.h"
#include "net/coap_chunk.h"
#include "net/coap_raw_test_support.h"

static void check_echo(struct coap_test *test, size_t len)
{
    uint8_t *bytes = coap_test_bytes(len);
    const struct coap_test_result *result =
        coap_test_request(test, ISO_COAP_POST, "/echo", bytes, len);
    CHECK(result->outcome == ISO_COAP_ANSWERED);
    CHECK_EQ_U64(result->code, ISO_COAP_CODE(2, 5));
    CHECK_EQ_U64(result->len, len);
    CHECK_MEM(result->payload, bytes, len);
    iso_alloc_free(iso_alloc_libc(), bytes, len);
}

TEST(payloads_of_any_size_go_and_come_back)
{
    static const size_t sizes[] = {0,     1,     1023,  1024,   1025,   12287,
                                   12288, 12289, 24576, 100001, 900000, 5000000};
    static const enum iso_coap_transport transports[] = {ISO_COAP_TLS, ISO_COAP_TCP};
    for (size_t i = 0; i < ISO_COUNT_OF(transports); i++) {
        static struct coap_test test;
        memset(&test, 0, sizeof(test));
        test.limits.plain_payload_bytes = 8u << 20;
        test.limits.plain_partial_bytes = 64u << 20;
        coap_test_start(&test);
        coap_test_peer_create(&test, transports[i], NULL, NULL);
        for (size_t j = 0; j < ISO_COUNT_OF(sizes); j++) {
            check_echo(&test, sizes[j]);
        }
        struct iso_coap_server_stats stats;
        iso_coap_server_stats(test.server, &stats);
        CHECK_EQ_U64(stats.partial_bytes_now, 0);
        CHECK_EQ_U64(stats.requests_now, 0);
        coap_test_stop(&test);
    }
}

TEST(datagrams_carry_them_too)
{
    static const enum iso_coap_transport transports[] = {ISO_COAP_UDP, ISO_COAP_DTLS};
    for (size_t i = 0; i < ISO_COUNT_OF(transports); i++) {
        static struct coap_test test;
        memset(&test, 0, sizeof(test));
        coap_test_start(&test);
        coap_test_peer_create(&test, transports[i], NULL, NULL);
        check_echo(&test, 1024);
        check_echo(&test, 1025);
        check_echo(&test, 30000);
        coap_test_stop(&test);
    }
}

/* Path and queries take of a datagram's room: what fits without them may not fit with them. */
TEST(queries_leave_less_room_in_a_datagram)
{
    static const enum iso_coap_transport transports[] = {ISO_COAP_UDP, ISO_COAP_DTLS};
    static const size_t sizes[] = {500, 700, 900, 1000, 1024, 1025, 3000};
    char text[200];
    memset(text, 'q', sizeof(text));
    const struct iso_str queries[] = {iso_str_from(text, sizeof(text)), iso_str_from(text, 150)};
    for (size_t i = 0; i < ISO_COUNT_OF(transports); i++) {
        static struct coap_test test;
        memset(&test, 0, sizeof(test));
        coap_test_start(&test);
        coap_test_peer_create(&test, transports[i], NULL, NULL);
        uint8_t *bytes = coap_test_bytes(3000);
        for (size_t k = 0; k < ISO_COUNT_OF(sizes); k++) {
            struct iso_coap_call call = {.method = ISO_COAP_POST,
                                         .path = iso_str_from_z("/echo"),
                                         .queries = queries,
                                         .query_count = ISO_COUNT_OF(queries),
                                         .content_format = ISO_COAP_FORMAT_OCTETS,
                                         .accept = ISO_COAP_FORMAT_NONE,
                                         .payload = iso_bytes_from(bytes, sizes[k])};
            (void)coap_test_call(&test, k, &call);
            const struct coap_test_result *result = coap_test_wait(&test, k);
            CHECK(result->outcome == ISO_COAP_ANSWERED);
            CHECK_EQ_U64(result->len, sizes[k]);
            CHECK_MEM(result->payload, bytes, sizes[k]);
        }
        iso_alloc_free(iso_alloc_libc(), bytes, 3000);
        coap_test_stop(&test);
    }
}

TEST(many_large_calls_at_once_share_the_link)
{
    static struct coap_test test;
    memset(&test, 0, sizeof(test));
    coap_test_start(&test);
    coap_test_peer_create(&test, ISO_COAP_TLS, NULL, NULL);
    size_t len = 300000;
    uint8_t *bytes = coap_test_bytes(len);
    struct iso_coap_call call = {.method = ISO_COAP_POST,
                                 .path = iso_str_from_z("/echo"),
                                 .content_format = ISO_COAP_FORMAT_OCTETS,
                                 .accept = ISO_COAP_FORMAT_NONE,
                                 .payload = iso_bytes_from(bytes, len)};
    for (size_t i = 0; i < 12; i++) {
        call.payload.len = len - i * 1000;
        (void)coap_test_call(&test, i, &call);
    }
    for (size_t i = 0; i < 12; i++) {
        const struct coap_test_result *result = coap_test_wait(&test, i);
        CHECK(result->outcome == ISO_COAP_ANSWERED);
        CHECK_EQ_U64(result->code, ISO_COAP_CODE(2, 5));
        CHECK_EQ_U64(result->len, len - i * 1000);
        CHECK_MEM(result->payload, bytes, result->len);
    }
    iso_alloc_free(iso_alloc_libc(), bytes, len);
    coap_test_stop(&test);
}

TEST(too_large_payloads_and_answers_are_refused)
{
    static struct coap_test test;
    memset(&test, 0, sizeof(test));
    test.limits.payload_bytes = 50000;
    coap_test_start(&test);
    coap_test_peer_create(&test, ISO_COAP_TLS, NULL, NULL);
    uint8_t *bytes = coap_test_bytes(50001);
    const struct coap_test_result *result =
        coap_test_request(&test, ISO_COAP_POST, "/take", bytes, 50001);
    CHECK(result->outcome == ISO_COAP_ANSWERED);
    CHECK_EQ_U64(result->code, ISO_COAP_CODE(4, 13));
    CHECK_EQ_U64(test.requests, 0);
    result = coap_test_request(&test, ISO_COAP_POST, "/take", bytes, 50000);
    CHECK_EQ_U64(result->code, ISO_COAP_CODE(2, 4));
    CHECK_EQ_U64(test.last_sum, coap_test_sum(bytes, 50000));
    iso_alloc_free(iso_alloc_libc(), bytes, 50001);
    iso_coap_peer_destroy(test.peer);
    /* A link that takes less than the answer has. */
    struct iso_coap_peer_config config = {
        .transport = ISO_COAP_TLS,
        .addresses = &test.addresses[ISO_COAP_TLS],
        .address_count = 1,
        .identity = iso_str_from_z(COAP_TEST_IDENTITY),
        .key = iso_bytes_from(COAP_TEST_KEY, strlen(COAP_TEST_KEY)),
        .message_bytes = 899999,
    };
    CHECK_OK(iso_coap_peer_create(test.client, &config, NULL, &test.peer));
    CHECK(coap_test_request(&test, ISO_COAP_GET, "/big", NULL, 0)->outcome == ISO_COAP_TOO_LARGE);
    struct iso_coap_call call = {.method = ISO_COAP_POST,
                                 .path = iso_str_from_z("/take"),
                                 .content_format = ISO_COAP_FORMAT_NONE,
                                 .accept = ISO_COAP_FORMAT_NONE,
                                 .payload = iso_bytes_from("", 900000)};
    CHECK_ERR(iso_coap_peer_call(test.peer, &call, NULL, NULL, NULL), ISO_E_LIMIT);
    coap_test_stop(&test);
}

/* Sends a request with an option, and waits for its answer. */
static void raw_send(struct coap_test *test, struct coap_raw *raw, uint8_t method, uint16_t option,
                     const void *value, size_t value_len, size_t payload_len)
{
    unsigned before = raw->answers;
    coap_raw_send(raw, method, "take", "t", option, value, value_len, payload_len);
    coap_raw_until(test, raw, before + 1);
}

struct hostile {
    struct iso_coap_part part;
    uint16_t option;
    size_t payload_len;
    uint8_t code;
    const char *text; /* part of the diagnostic, or NULL */
};

enum { CHUNK = ISO_COAP_OPTION_ISO_CHUNK, FETCH = ISO_COAP_OPTION_ISO_FETCH };

TEST(hostile_chunks_get_the_right_refusal)
{
    static const struct hostile cases[] = {
        /* Never begun. */
        {{1, 100, 1000}, CHUNK, 100, ISO_COAP_CODE(4, 8), "not known"},
        {{1, UINT32_MAX, UINT32_MAX}, CHUNK, 100, ISO_COAP_CODE(4, 8), "not known"},
        {{1, 0, 0}, CHUNK, 100, ISO_COAP_CODE(4, 0), "nothing"},
        {{1, 5, 0}, CHUNK, 100, ISO_COAP_CODE(4, 0), "nothing"},
        /* Too large a claim, and a first chunk beyond its own total. */
        {{1, 0, 1u << 20 | 1}, CHUNK, 100, ISO_COAP_CODE(4, 13), "too large"},
        {{1, 0, UINT32_MAX}, CHUNK, 100, ISO_COAP_CODE(4, 13), "too large"},
        {{1, 0, 99}, CHUNK, 100, ISO_COAP_CODE(4, 0), "beyond"},
        {{1, 0, 1}, CHUNK, 15000, ISO_COAP_CODE(4, 0), "beyond"},
        /* Begun, then another total; that ends the message. */
        {{2, 0, 1000}, CHUNK, 100, ISO_COAP_CODE(2, 31), NULL},
        {{2, 100, 1001}, CHUNK, 100, ISO_COAP_CODE(4, 0), "differ"},
        {{2, 100, 1000}, CHUNK, 100, ISO_COAP_CODE(4, 8), "not known"},
        /* The same twice does no harm; an overlap ends it. */
        {{3, 0, 1000}, CHUNK, 100, ISO_COAP_CODE(2, 31), NULL},
        {{3, 0, 1000}, CHUNK, 100, ISO_COAP_CODE(2, 31), NULL},
        {{3, 99, 1000}, CHUNK, 100, ISO_COAP_CODE(4, 0), "overlap"},
        {{3, 100, 1000}, CHUNK, 100, ISO_COAP_CODE(4, 8), "not known"},
        /* Beyond the total. */
        {{4, 0, 1000}, CHUNK, 100, ISO_COAP_CODE(2, 31), NULL},
        {{4, 950, 1000}, CHUNK, 51, ISO_COAP_CODE(4, 0), "beyond"},
        {{5, 0, 1000}, CHUNK, 100, ISO_COAP_CODE(2, 31), NULL},
        {{5, 1000, 1000}, CHUNK, 1, ISO_COAP_CODE(4, 0), "beyond"},
        {{6, 0, 1000}, CHUNK, 100, ISO_COAP_CODE(2, 31), NULL},
        {{6, UINT32_MAX, 1000}, CHUNK, 100, ISO_COAP_CODE(4, 0), "beyond"},
        /* Given up, known or not. */
        {{7, 0, 1000}, CHUNK, 100, ISO_COAP_CODE(2, 31), NULL},
        {{7, 0, 1000}, CHUNK, 0, ISO_COAP_CODE(2, 2), NULL},
        {{7, 100, 1000}, CHUNK, 100, ISO_COAP_CODE(4, 8), "not known"},
        {{99, 0, 1000}, CHUNK, 0, ISO_COAP_CODE(2, 2), NULL},
        /* Parts of answers that are not there. */
        {{1, 0, 100}, FETCH, 0, ISO_COAP_CODE(4, 4), "not kept"},
        {{0, 0, 0}, FETCH, 0, ISO_COAP_CODE(4, 4), "not kept"},
        {{UINT32_MAX, UINT32_MAX, UINT32_MAX}, FETCH, 100, ISO_COAP_CODE(4, 4), "not kept"},
        /* And one that is as it should be. */
        {{8, 0, 200}, CHUNK, 100, ISO_COAP_CODE(2, 31), NULL},
        {{8, 100, 200}, CHUNK, 100, ISO_COAP_CODE(2, 4), NULL},
        {{8, 100, 200}, CHUNK, 100, ISO_COAP_CODE(4, 8), "not known"},
    };
    static struct coap_test test;
    memset(&test, 0, sizeof(test));
    coap_test_start(&test);
    static struct coap_raw raw;
    coap_raw_open(&test, &raw, ISO_COAP_TCP, true);
    for (size_t i = 0; i < ISO_COUNT_OF(cases); i++) {
        uint8_t value[ISO_COAP_PART_SIZE];
        iso_coap_part_encode(&cases[i].part, value);
        raw_send(&test, &raw, ISO_COAP_POST, cases[i].option, value, sizeof(value),
                 cases[i].payload_len);
        if (raw.code != cases[i].code) {
            TEST_FAIL("case %u: %u.%02u %s", (unsigned)i, raw.code >> 5, raw.code & 31u, raw.text);
        }
        if (cases[i].text != NULL) {
            CHECK_CONTAINS(raw.text, cases[i].text);
        }
    }
    CHECK_EQ_U64(test.requests, 1);
    CHECK_EQ_U64(test.last_len, 200);
    struct iso_coap_server_stats stats;
    iso_coap_server_stats(test.server, &stats);
    CHECK_EQ_U64(stats.partial_bytes_now, 0);
    /* Options of a wrong size. */
    static const uint8_t zeros[20];
    for (size_t len = 0; len <= sizeof(zeros); len++) {
        if (len != ISO_COAP_PART_SIZE) {
            raw_send(&test, &raw, ISO_COAP_POST, ISO_COAP_OPTION_ISO_CHUNK, zeros, len, 10);
            CHECK_EQ_U64(raw.code, ISO_COAP_CODE(4, 2));
        }
    }
    CHECK_EQ_U64(test.requests, 1);
    coap_raw_close(&raw);
    coap_test_stop(&test);
}

TEST(memory_for_reassembly_is_limited)
{
    static struct coap_test test;
    memset(&test, 0, sizeof(test));
    test.limits.partial_per_session = 3;
    test.limits.partial_bytes_per_session = 10000;
    coap_test_start(&test);
    static struct coap_raw raw;
    coap_raw_open(&test, &raw, ISO_COAP_TCP, true);
    static const struct hostile cases[] = {
        {{1, 0, 6000}, CHUNK, 10, ISO_COAP_CODE(2, 31), NULL},
        {{2, 0, 6000}, CHUNK, 10, ISO_COAP_CODE(5, 3), NULL},
        {{3, 0, 4000}, CHUNK, 10, ISO_COAP_CODE(2, 31), NULL},
        {{4, 0, 11}, CHUNK, 10, ISO_COAP_CODE(5, 3), NULL},
        {{3, 0, 4000}, CHUNK, 0, ISO_COAP_CODE(2, 2), NULL},
        {{4, 0, 11}, CHUNK, 10, ISO_COAP_CODE(2, 31), NULL},
        {{5, 0, 11}, CHUNK, 10, ISO_COAP_CODE(2, 31), NULL},
        {{6, 0, 11}, CHUNK, 10, ISO_COAP_CODE(5, 3), NULL},
    };
    for (size_t i = 0; i < ISO_COUNT_OF(cases); i++) {
        uint8_t value[ISO_COAP_PART_SIZE];
        iso_coap_part_encode(&cases[i].part, value);
        raw_send(&test, &raw, ISO_COAP_POST, cases[i].option, value, sizeof(value),
                 cases[i].payload_len);
        CHECK_EQ_U64(raw.code, cases[i].code);
    }
    struct iso_coap_server_stats stats;
    iso_coap_server_stats(test.server, &stats);
    CHECK_EQ_U64(stats.partial_bytes_now, 6022);
    coap_raw_close(&raw);
    /* The session's end gives all of it back. */
    while (stats.sessions_now != 0) {
        uv_run(&test.loop, UV_RUN_ONCE);
        iso_coap_server_stats(test.server, &stats);
    }
    CHECK_EQ_U64(stats.partial_bytes_now, 0);
    coap_test_stop(&test);
}

TEST(sessions_without_a_key_share_a_small_sum)
{
    static struct coap_test test;
    memset(&test, 0, sizeof(test));
    test.limits.plain_partial_bytes = 10000;
    coap_test_start(&test);
    static struct coap_raw raw[2];
    static const struct iso_coap_part parts[] = {{1, 0, 6000}, {1, 0, 6000}, {2, 0, 4000}};
    static const uint8_t codes[] = {ISO_COAP_CODE(2, 31), ISO_COAP_CODE(5, 3),
                                    ISO_COAP_CODE(2, 31)};
    for (size_t i = 0; i < 2; i++) {
        coap_raw_open(&test, &raw[i], ISO_COAP_TCP, true);
    }
    for (size_t i = 0; i < ISO_COUNT_OF(parts); i++) {
        uint8_t value[ISO_COAP_PART_SIZE];
        iso_coap_part_encode(&parts[i], value);
        raw_send(&test, &raw[i % 2], ISO_COAP_POST, ISO_COAP_OPTION_ISO_CHUNK, value, sizeof(value),
                 10);
        CHECK_EQ_U64(raw[i % 2].code, codes[i]);
    }
    /* One with a key is not concerned. */
    coap_test_peer_create(&test, ISO_COAP_TLS, NULL, NULL);
    check_echo(&test, 900000);
    coap_raw_close(&raw[0]);
    coap_raw_close(&raw[1]);
    coap_test_stop(&test);
}

TEST(hostile_blocks_get_the_right_refusal)
{
    struct block_case {
        uint32_t number;
        bool more;
        uint8_t szx;
        size_t payload_len;
        uint8_t code;
    };
    static const struct block_case cases[] = {
        {1, true, 6, 1024, ISO_COAP_CODE(4, 8)},        /* the first is missing */
        {5, false, 2, 10, ISO_COAP_CODE(4, 8)},         /* likewise */
        {0, true, 6, 1000, ISO_COAP_CODE(4, 0)},        /* not full */
        {0, true, 6, 0, ISO_COAP_CODE(4, 0)},           /* empty */
        {0, true, 6, 2048, ISO_COAP_CODE(4, 0)},        /* two */
        {0, false, 0, 17, ISO_COAP_CODE(4, 0)},         /* more than a block */
        {0, true, 7, 1025, ISO_COAP_CODE(4, 0)},        /* not whole blocks */
        {1048575, true, 6, 1024, ISO_COAP_CODE(4, 13)}, /* beyond any limit */
        {1024, false, 6, 1024, ISO_COAP_CODE(4, 13)},
        {0, true, 6, 1024, ISO_COAP_CODE(2, 31)},
        {2, true, 6, 1024, ISO_COAP_CODE(4, 8)},  /* not the next */
        {0, true, 6, 1024, ISO_COAP_CODE(2, 31)}, /* anew */
        {1, true, 6, 1024, ISO_COAP_CODE(2, 31)},
        {4, true, 5, 512, ISO_COAP_CODE(2, 31)}, /* smaller from here: the same place */
        {5, false, 5, 100, ISO_COAP_CODE(2, 4)},
        {5, false, 5, 100, ISO_COAP_CODE(4, 8)}, /* over */
        {0, true, 7, 4096, ISO_COAP_CODE(2, 31)},
        {4, false, 7, 5000, ISO_COAP_CODE(2, 4)},
        {0, false, 6, 1024, ISO_COAP_CODE(2, 4)}, /* a single block */
    };
    static struct coap_test test;
    memset(&test, 0, sizeof(test));
    coap_test_start(&test);
    static struct coap_raw raw;
    coap_raw_open(&test, &raw, ISO_COAP_TCP, true);
    for (size_t i = 0; i < ISO_COUNT_OF(cases); i++) {
        struct iso_coap_block block = {
            .number = cases[i].number, .more = cases[i].more, .szx = cases[i].szx};
        uint8_t value[3];
        size_t len = iso_coap_block_encode(&block, value);
        raw_send(&test, &raw, ISO_COAP_PUT, COAP_OPTION_BLOCK1, value, len, cases[i].payload_len);
        if (raw.code != cases[i].code) {
            TEST_FAIL("case %u: %u.%02u %s", (unsigned)i, raw.code >> 5, raw.code & 31u, raw.text);
        }
    }
    CHECK_EQ_U64(test.requests, 3);
    CHECK_EQ_U64(test.last_len, 1024);
    coap_raw_close(&raw);
    coap_test_stop(&test);
}
