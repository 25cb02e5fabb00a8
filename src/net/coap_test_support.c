/* A server and a link to it over real sockets of the loopback interface, for tests. */
#include "net/coap_test_support.h"

#include <netinet/in.h>

uint64_t coap_test_sum(const uint8_t *bytes, size_t len)
{
    uint64_t sum = len;
    for (size_t i = 0; i < len; i++) {
        sum = sum * 31 + bytes[i];
    }
    return sum;
}

uint8_t *coap_test_bytes(size_t len)
{
    uint8_t *bytes = iso_alloc_new(iso_alloc_libc(), len);
    CHECK(bytes != NULL);
    uint32_t random = 1;
    for (size_t i = 0; i < len; i++) {
        random = random * 1664525u + 1013904223u;
        bytes[i] = (uint8_t)(random >> 24);
    }
    return bytes;
}

static bool on_psk(void *ctx, struct iso_str identity, struct iso_coap_psk *out)
{
    struct coap_test *test = ctx;
    if (!iso_str_equal_z(identity, COAP_TEST_IDENTITY) || test->key_withdrawn) {
        return false;
    }
    out->key_len = strlen(COAP_TEST_KEY);
    memcpy(out->key, COAP_TEST_KEY, out->key_len);
    out->principal = COAP_TEST_PRINCIPAL;
    return true;
}

static void answer(struct coap_test *test, const struct iso_coap_request *request)
{
    struct iso_coap_answer out = {.code = ISO_COAP_CODE(2, 5),
                                  .content_format = ISO_COAP_FORMAT_TEXT};
    char text[64];
    if (iso_str_equal_z(request->path_text, "/echo")) {
        out.content_format = request->content_format;
        out.payload = request->payload;
    } else if (iso_str_equal_z(request->path_text, "/value")) {
        size_t len = iso_format(text, sizeof(text), "value %u", test->value);
        out.payload = iso_bytes_from(text, len);
        out.observe = true;
    } else if (iso_str_equal_z(request->path_text, "/wide")) {
        static const uint8_t wide[12000];
        out.payload = iso_bytes_from(wide, sizeof(wide)); /* in one message, where it may */
    } else if (iso_str_equal_z(request->path_text, "/take")) {
        out.code = ISO_COAP_CODE(2, 4);
        out.content_format = ISO_COAP_FORMAT_NONE;
    } else if (iso_str_equal_z(request->path_text, "/big")) {
        size_t len = 900000;
        uint8_t *bytes = coap_test_bytes(len);
        out.content_format = ISO_COAP_FORMAT_OCTETS;
        out.payload = iso_bytes_from(bytes, len);
        CHECK(iso_coap_respond(test->server, request->id, &out));
        iso_alloc_free(iso_alloc_libc(), bytes, len);
        return;
    } else {
        CHECK(iso_coap_respond_text(test->server, request->id, ISO_COAP_CODE(4, 4),
                                    "there is no %.*s", (int)request->path_text.len,
                                    request->path_text.ptr));
        return;
    }
    CHECK(iso_coap_respond(test->server, request->id, &out));
}

static void on_request(void *ctx, const struct iso_coap_request *request)
{
    struct coap_test *test = ctx;
    if (test->ids != NULL) {
        test->ids[test->requests] = request->id;
    }
    test->requests++;
    test->last_id = request->id;
    test->last_observe = request->observe;
    test->last_secure = request->secure;
    test->last_principal = request->principal;
    test->last_format = request->content_format;
    test->last_accept = request->accept;
    test->last_len = request->payload.len;
    test->last_sum = coap_test_sum(request->payload.ptr, request->payload.len);
    iso_format(test->last_identity, sizeof(test->last_identity), "%.*s", (int)request->identity.len,
               request->identity.ptr);
    iso_format(test->last_path, sizeof(test->last_path), "%.*s", (int)request->path_text.len,
               request->path_text.ptr);
    iso_format(test->last_query, sizeof(test->last_query), "%.*s",
               request->query_count > 0 ? (int)request->queries[0].len : 0,
               request->query_count > 0 ? request->queries[0].ptr : "");
    if (!test->hold) {
        answer(test, request);
    }
}

static void on_observers(void *ctx, struct iso_str path_text, uint32_t count)
{
    struct coap_test *test = ctx;
    (void)path_text;
    test->observers_told++;
    test->observers = count;
}

static void on_guard(uv_timer_t *timer)
{
    struct coap_test *test = timer->data;
    test->late = true;
}

void coap_test_server_create(struct coap_test *test)
{
    struct iso_coap_listener listeners[4];
    for (size_t i = 0; i < 4; i++) {
        listeners[i].transport = (enum iso_coap_transport)i;
        if (test->addresses[i].ss_family == 0) {
            struct sockaddr_in address = {.sin_family = AF_INET};
            address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
            memcpy(&test->addresses[i], &address, sizeof(address));
        }
        listeners[i].address = test->addresses[i];
    }
    struct iso_coap_server_config config = {
        .alloc = &test->memory.alloc,
        .listeners = listeners,
        .listener_count = 4,
        .limits = test->limits,
        .ctx = test,
        .on_psk = on_psk,
        .on_request = on_request,
        .on_observers = on_observers,
    };
    struct iso_report report;
    iso_report_init(&report);
    enum iso_err err = iso_coap_server_create(&test->loop, &config, &report, &test->server);
    if (err != ISO_OK) {
        TEST_FAIL("%s", iso_report_text(&report, err));
    }
    for (size_t i = 0; i < 4; i++) {
        iso_coap_server_address(test->server, i, &test->addresses[i]);
    }
}

void coap_test_server_destroy(struct coap_test *test)
{
    iso_coap_server_destroy(test->server);
    test->server = NULL;
}

void coap_test_start(struct coap_test *test)
{
    iso_alloc_test_init(&test->memory);
    CHECK(uv_loop_init(&test->loop) == 0);
    CHECK(uv_timer_init(&test->loop, &test->guard) == 0);
    test->guard.data = test;
    coap_test_server_create(test);
    CHECK_OK(iso_coap_client_create(&test->loop, &test->memory.alloc, NULL, &test->client));
}

void coap_test_stop(struct coap_test *test)
{
    iso_coap_client_destroy(test->client);
    iso_coap_server_destroy(test->server);
    uv_close((uv_handle_t *)&test->guard, NULL);
    CHECK(uv_run(&test->loop, UV_RUN_DEFAULT) == 0);
    CHECK(uv_loop_close(&test->loop) == 0);
    for (size_t i = 0; i < COAP_TEST_CALLS; i++) {
        iso_alloc_free(iso_alloc_libc(), test->results[i].payload, test->results[i].len);
    }
    CHECK_EQ_U64(test->memory.live_bytes, 0);
}

static void on_state(void *ctx, enum iso_coap_peer_state state, const char *reason)
{
    struct coap_test *test = ctx;
    CHECK(reason[0] != '\0');
    test->states++;
    test->state = state;
}

void coap_test_peer_create(struct coap_test *test, enum iso_coap_transport transport,
                           const char *identity, const char *key)
{
    struct iso_coap_peer_config config = {
        .transport = transport,
        .addresses = &test->addresses[transport],
        .address_count = 1,
        .identity = iso_str_from_z(identity != NULL ? identity : COAP_TEST_IDENTITY),
        .connect_ms = 1000,
        .backoff_ms = 10,
        .backoff_max_ms = 50,
        .ctx = test,
        .on_state = on_state,
    };
    key = key != NULL ? key : COAP_TEST_KEY;
    config.key = iso_bytes_from(key, strlen(key));
    CHECK_OK(iso_coap_peer_create(test->client, &config, NULL, &test->peer));
}

void coap_test_until(struct coap_test *test, bool (*done)(const struct coap_test *test))
{
    test->late = false;
    uv_timer_start(&test->guard, on_guard, 60000, 0);
    while (!done(test)) {
        uv_run(&test->loop, UV_RUN_ONCE);
        if (test->late) {
            TEST_FAIL("a minute is over");
        }
    }
    uv_timer_stop(&test->guard);
}

static void on_done(void *ctx, const struct iso_coap_result *result)
{
    struct coap_test_result *out = ctx;
    out->times++;
    out->outcome = result->outcome;
    out->code = result->code;
    out->format = result->content_format;
    iso_alloc_free(iso_alloc_libc(), out->payload, out->len);
    out->len = result->payload.len;
    out->payload = iso_alloc_new(iso_alloc_libc(), out->len);
    CHECK(out->payload != NULL);
    iso_memory_copy(out->payload, result->payload.ptr, out->len);
}

uint64_t coap_test_call(struct coap_test *test, size_t number, const struct iso_coap_call *call)
{
    uint64_t id = 0;
    CHECK(number < COAP_TEST_CALLS);
    CHECK_OK(iso_coap_peer_call(test->peer, call, on_done, &test->results[number], &id));
    CHECK_EQ_U64(test->results[number].times, 0);
    return id;
}

const struct coap_test_result *coap_test_wait(struct coap_test *test, size_t number)
{
    test->late = false;
    uv_timer_start(&test->guard, on_guard, 60000, 0);
    while (test->results[number].times == 0) {
        uv_run(&test->loop, UV_RUN_ONCE);
        if (test->late) {
            TEST_FAIL("call %u has not ended within a minute", (unsigned)number);
        }
    }
    uv_timer_stop(&test->guard);
    CHECK_EQ_U64(test->results[number].times, 1);
    return &test->results[number];
}

const struct coap_test_result *coap_test_request(struct coap_test *test, uint8_t method,
                                                 const char *path, const void *payload, size_t len)
{
    size_t number = 0;
    while (test->results[number].times != 0) {
        number++;
    }
    struct iso_coap_call call = {.method = method,
                                 .path = iso_str_from_z(path),
                                 .content_format = ISO_COAP_FORMAT_NONE,
                                 .accept = ISO_COAP_FORMAT_NONE,
                                 .payload = iso_bytes_from(payload, len)};
    if (len > 0) {
        call.content_format = ISO_COAP_FORMAT_OCTETS;
    }
    (void)coap_test_call(test, number, &call);
    return coap_test_wait(test, number);
}
