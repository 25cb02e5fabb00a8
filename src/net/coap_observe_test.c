/* Observation with libcoap's own client: notifications, joined changes, events, ends and limits. */
#include "net/coap_io.h"
#include "net/coap_test_support.h"

struct watcher {
    struct iso_coap_io io;
    coap_session_t *cs;
    bool up;
    unsigned answers;
    unsigned notifications; /* with the option */
    uint8_t code;
    uint32_t number;
    char text[64];
    bool reject;
};

static void nothing(void *owner)
{
    (void)owner;
}

static int on_event(coap_session_t *cs, const coap_event_t event)
{
    struct watcher *watcher = coap_get_app_data(coap_session_get_context(cs));
    watcher->up = watcher->up || event == COAP_EVENT_SESSION_CONNECTED;
    return 0;
}

static coap_response_t on_response(coap_session_t *cs, const coap_pdu_t *sent,
                                   const coap_pdu_t *received, const coap_mid_t mid)
{
    (void)sent;
    (void)mid;
    struct watcher *watcher = coap_get_app_data(coap_session_get_context(cs));
    watcher->answers++;
    watcher->code = (uint8_t)coap_pdu_get_code(received);
    coap_opt_iterator_t iterator;
    coap_opt_t *option = coap_check_option(received, COAP_OPTION_OBSERVE, &iterator);
    if (option != NULL) {
        watcher->notifications++;
        watcher->number = coap_decode_var_bytes(coap_opt_value(option), coap_opt_length(option));
    }
    const uint8_t *data = NULL;
    size_t len = 0;
    watcher->text[0] = '\0';
    if (coap_get_data(received, &len, &data)) {
        iso_format(watcher->text, sizeof(watcher->text), "%.*s", (int)len, (const char *)data);
    }
    return watcher->reject ? COAP_RESPONSE_FAIL : COAP_RESPONSE_OK;
}

static void watcher_open(struct coap_test *test, struct watcher *watcher,
                         enum iso_coap_transport transport)
{
    memset(watcher, 0, sizeof(*watcher));
    watcher->io.owner = watcher;
    watcher->io.pump = watcher->io.on_tick = watcher->io.closed = nothing;
    CHECK_OK(iso_coap_io_open(&watcher->io, &test->loop, NULL));
    coap_register_event_handler(watcher->io.context, on_event);
    coap_register_response_handler(watcher->io.context, on_response);
    coap_address_t address;
    CHECK(iso_coap_address_set(&address, &test->addresses[transport]));
    watcher->cs =
        coap_new_client_session(watcher->io.context, NULL, &address, iso_coap_proto(transport));
    CHECK(watcher->cs != NULL);
    watcher->up = transport == ISO_COAP_UDP;
    while (!watcher->up) {
        uv_run(&test->loop, UV_RUN_ONCE);
    }
}

static void watcher_close(struct watcher *watcher)
{
    coap_session_release(watcher->cs);
    iso_coap_io_close(&watcher->io);
}

static void get(struct watcher *watcher, const char *path, const char *token, int observe)
{
    coap_pdu_t *pdu = coap_pdu_init(COAP_MESSAGE_CON, COAP_REQUEST_CODE_GET,
                                    coap_new_message_id(watcher->cs), 1000);
    CHECK(coap_add_token(pdu, strlen(token), (const uint8_t *)token));
    uint8_t value = (uint8_t)observe;
    CHECK(coap_add_option(pdu, COAP_OPTION_OBSERVE, observe == 0 ? 0 : 1, &value) != 0);
    CHECK(coap_add_option(pdu, COAP_OPTION_URI_PATH, strlen(path), (const uint8_t *)path) != 0);
    CHECK(coap_send(watcher->cs, pdu) != COAP_INVALID_MID);
    iso_coap_io_want(&watcher->io);
}

static void until_answers(struct coap_test *test, const struct watcher *watcher, unsigned answers)
{
    while (watcher->answers < answers) {
        uv_run(&test->loop, UV_RUN_ONCE);
    }
    CHECK_EQ_U64(watcher->answers, answers);
}

static const struct iso_str value_path = {"/value", 6};

TEST(observers_are_told_of_changes_over_each_transport)
{
    static const enum iso_coap_transport transports[] = {ISO_COAP_UDP, ISO_COAP_TCP};
    for (size_t i = 0; i < ISO_COUNT_OF(transports); i++) {
        static struct coap_test test;
        static struct watcher watcher;
        memset(&test, 0, sizeof(test));
        coap_test_start(&test);
        watcher_open(&test, &watcher, transports[i]);
        get(&watcher, "value", "w1", 0);
        until_answers(&test, &watcher, 1);
        CHECK_EQ_U64(watcher.notifications, 1);
        CHECK_STR(watcher.text, "value 0");
        CHECK(test.last_observe == ISO_COAP_OBSERVE_REGISTER);
        CHECK_EQ_U64(iso_coap_observer_count(test.server, value_path), 1);
        uint32_t number = watcher.number;
        for (unsigned value = 1; value <= 20; value++) {
            test.value = value;
            CHECK_EQ_U64(iso_coap_notify(test.server, value_path), 1);
            until_answers(&test, &watcher, 1 + value);
            char expected[32];
            iso_format(expected, sizeof(expected), "value %u", value);
            CHECK_STR(watcher.text, expected);
            CHECK(watcher.number > number);
            number = watcher.number;
            CHECK(test.last_observe == ISO_COAP_OBSERVE_NOTIFY);
            CHECK_STR(test.last_path, "/value");
        }
        CHECK_EQ_U64(test.observers, 1);
        /* The end. */
        get(&watcher, "value", "w1", 1);
        until_answers(&test, &watcher, 22);
        CHECK_EQ_U64(watcher.notifications, 21);
        CHECK(test.last_observe == ISO_COAP_OBSERVE_DEREGISTER);
        CHECK_EQ_U64(iso_coap_notify(test.server, value_path), 0);
        uv_run(&test.loop, UV_RUN_NOWAIT);
        CHECK_EQ_U64(test.observers, 0);
        watcher_close(&watcher);
        coap_test_stop(&test);
    }
}

TEST(changes_while_an_answer_is_awaited_are_joined)
{
    static struct coap_test test;
    static struct watcher watcher;
    memset(&test, 0, sizeof(test));
    coap_test_start(&test);
    watcher_open(&test, &watcher, ISO_COAP_TCP);
    get(&watcher, "value", "w1", 0);
    until_answers(&test, &watcher, 1);
    test.hold = true;
    unsigned before = test.requests;
    for (int i = 0; i < 5; i++) {
        CHECK_EQ_U64(iso_coap_notify(test.server, value_path), 1);
        uv_run(&test.loop, UV_RUN_NOWAIT);
        uv_run(&test.loop, UV_RUN_NOWAIT);
    }
    CHECK_EQ_U64(test.requests, before + 1);
    struct iso_coap_answer answer = {.code = ISO_COAP_CODE(2, 5),
                                     .content_format = ISO_COAP_FORMAT_TEXT,
                                     .payload = iso_bytes_from("one", 3),
                                     .observe = true};
    uint64_t asked = test.last_id;
    CHECK(iso_coap_respond(test.server, asked, &answer));
    CHECK(!iso_coap_respond(test.server, asked, &answer));
    until_answers(&test, &watcher, 2);
    while (test.requests == before + 1) {
        uv_run(&test.loop, UV_RUN_ONCE); /* the joined rest */
    }
    CHECK_EQ_U64(test.requests, before + 2);
    /* It ends with an answer that is no success. */
    CHECK(iso_coap_respond_text(test.server, test.last_id, ISO_COAP_CODE(4, 4), "gone"));
    until_answers(&test, &watcher, 3);
    CHECK_EQ_U64(watcher.code, ISO_COAP_CODE(4, 4));
    CHECK_EQ_U64(iso_coap_observer_count(test.server, value_path), 0);
    watcher_close(&watcher);
    coap_test_stop(&test);
}

TEST(events_go_to_those_that_accept_them)
{
    static struct coap_test test;
    static struct watcher watcher;
    memset(&test, 0, sizeof(test));
    coap_test_start(&test);
    watcher_open(&test, &watcher, ISO_COAP_TCP);
    get(&watcher, "value", "w1", 0);
    until_answers(&test, &watcher, 1);
    struct iso_coap_answer event = {.code = ISO_COAP_CODE(2, 5),
                                    .content_format = ISO_COAP_FORMAT_JSON,
                                    .payload = iso_bytes_from("{}", 2)};
    for (unsigned i = 0; i < 3; i++) {
        CHECK_EQ_U64(iso_coap_publish(test.server, value_path, &event), 1);
    }
    until_answers(&test, &watcher, 4); /* each of them */
    CHECK_STR(watcher.text, "{}");
    CHECK_EQ_U64(iso_coap_publish(test.server, iso_str_from_z("/other"), &event), 0);
    iso_coap_observers_end(test.server, value_path, ISO_COAP_CODE(4, 4));
    until_answers(&test, &watcher, 5);
    CHECK_EQ_U64(watcher.code, ISO_COAP_CODE(4, 4));
    CHECK_EQ_U64(iso_coap_publish(test.server, value_path, &event), 0);
    watcher_close(&watcher);
    coap_test_stop(&test);
}

TEST(paths_that_are_not_observable_answer_plainly_and_limits_hold)
{
    static struct coap_test test;
    static struct watcher watcher;
    memset(&test, 0, sizeof(test));
    test.limits.observers_per_session = 3;
    test.limits.observers_per_path = 2;
    coap_test_start(&test);
    watcher_open(&test, &watcher, ISO_COAP_TCP);
    get(&watcher, "take", "t1", 0);
    until_answers(&test, &watcher, 1);
    CHECK_EQ_U64(watcher.notifications, 0);
    CHECK_EQ_U64(watcher.code, ISO_COAP_CODE(2, 4));
    get(&watcher, "value", "v1", 0);
    get(&watcher, "value", "v2", 0);
    get(&watcher, "value", "v3", 0);
    until_answers(&test, &watcher, 4);
    CHECK_EQ_U64(watcher.notifications, 2);
    CHECK_EQ_U64(watcher.code, ISO_COAP_CODE(2, 5));
    /* The same token again takes its own place. */
    get(&watcher, "value", "v2", 0);
    until_answers(&test, &watcher, 5);
    CHECK_EQ_U64(watcher.notifications, 3);
    CHECK_EQ_U64(iso_coap_observer_count(test.server, value_path), 2);
    struct iso_coap_server_stats stats;
    iso_coap_server_stats(test.server, &stats);
    CHECK_EQ_U64(stats.observers_now, 2);
    /* They go with the session. */
    watcher_close(&watcher);
    while (iso_coap_observer_count(test.server, value_path) != 0) {
        uv_run(&test.loop, UV_RUN_ONCE);
    }
    coap_test_stop(&test);
}
