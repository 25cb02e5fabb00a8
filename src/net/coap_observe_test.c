/* Observation with libcoap's own client: notifications, joined changes, events, ends and limits. */
#include "net/coap_raw_test_support.h"

static const struct iso_str value_path = {"/value", 6};

TEST(observers_are_told_of_changes_over_each_transport)
{
    static const enum iso_coap_transport transports[] = {ISO_COAP_UDP, ISO_COAP_TCP};
    for (size_t i = 0; i < ISO_COUNT_OF(transports); i++) {
        static struct coap_test test;
        static struct coap_raw watcher;
        memset(&test, 0, sizeof(test));
        coap_test_start(&test);
        coap_raw_open(&test, &watcher, transports[i], true);
        coap_raw_get(&watcher, "value", "w1", 0);
        coap_raw_until(&test, &watcher, 1);
        CHECK_EQ_U64(watcher.notifications, 1);
        CHECK_STR(watcher.text, "value 0");
        CHECK(test.last_observe == ISO_COAP_OBSERVE_REGISTER);
        CHECK_EQ_U64(iso_coap_observer_count(test.server, value_path), 1);
        uint32_t number = watcher.number;
        for (unsigned value = 1; value <= 20; value++) {
            test.value = value;
            CHECK_EQ_U64(iso_coap_notify(test.server, value_path), 1);
            coap_raw_until(&test, &watcher, 1 + value);
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
        coap_raw_get(&watcher, "value", "w1", 1);
        coap_raw_until(&test, &watcher, 22);
        CHECK_EQ_U64(watcher.notifications, 21);
        CHECK(test.last_observe == ISO_COAP_OBSERVE_DEREGISTER);
        CHECK_EQ_U64(iso_coap_notify(test.server, value_path), 0);
        uv_run(&test.loop, UV_RUN_NOWAIT);
        CHECK_EQ_U64(test.observers, 0);
        coap_raw_close(&watcher);
        coap_test_stop(&test);
    }
}

TEST(changes_while_an_answer_is_awaited_are_joined)
{
    static struct coap_test test;
    static struct coap_raw watcher;
    memset(&test, 0, sizeof(test));
    coap_test_start(&test);
    coap_raw_open(&test, &watcher, ISO_COAP_TCP, true);
    coap_raw_get(&watcher, "value", "w1", 0);
    coap_raw_until(&test, &watcher, 1);
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
    coap_raw_until(&test, &watcher, 2);
    while (test.requests == before + 1) {
        uv_run(&test.loop, UV_RUN_ONCE); /* the joined rest */
    }
    CHECK_EQ_U64(test.requests, before + 2);
    /* It ends with an answer that is no success. */
    CHECK(iso_coap_respond_text(test.server, test.last_id, ISO_COAP_CODE(4, 4), "gone"));
    coap_raw_until(&test, &watcher, 3);
    CHECK_EQ_U64(watcher.code, ISO_COAP_CODE(4, 4));
    CHECK_EQ_U64(iso_coap_observer_count(test.server, value_path), 0);
    coap_raw_close(&watcher);
    coap_test_stop(&test);
}

TEST(events_go_to_those_that_accept_them)
{
    static struct coap_test test;
    static struct coap_raw watcher;
    memset(&test, 0, sizeof(test));
    coap_test_start(&test);
    coap_raw_open(&test, &watcher, ISO_COAP_TCP, true);
    coap_raw_get(&watcher, "value", "w1", 0);
    coap_raw_until(&test, &watcher, 1);
    struct iso_coap_answer event = {.code = ISO_COAP_CODE(2, 5),
                                    .content_format = ISO_COAP_FORMAT_JSON,
                                    .payload = iso_bytes_from("{}", 2)};
    for (unsigned i = 0; i < 3; i++) {
        CHECK_EQ_U64(iso_coap_publish(test.server, value_path, &event), 1);
    }
    coap_raw_until(&test, &watcher, 4); /* each of them */
    CHECK_STR(watcher.text, "{}");
    CHECK_EQ_U64(iso_coap_publish(test.server, iso_str_from_z("/other"), &event), 0);
    iso_coap_observers_end(test.server, value_path, ISO_COAP_CODE(4, 4));
    coap_raw_until(&test, &watcher, 5);
    CHECK_EQ_U64(watcher.code, ISO_COAP_CODE(4, 4));
    CHECK_EQ_U64(iso_coap_publish(test.server, value_path, &event), 0);
    coap_raw_close(&watcher);
    coap_test_stop(&test);
}

TEST(paths_that_are_not_observable_answer_plainly_and_limits_hold)
{
    static struct coap_test test;
    static struct coap_raw watcher;
    memset(&test, 0, sizeof(test));
    test.limits.observers_per_session = 3;
    test.limits.observers_per_path = 2;
    coap_test_start(&test);
    coap_raw_open(&test, &watcher, ISO_COAP_TCP, true);
    coap_raw_get(&watcher, "take", "t1", 0);
    coap_raw_until(&test, &watcher, 1);
    CHECK_EQ_U64(watcher.notifications, 0);
    CHECK_EQ_U64(watcher.code, ISO_COAP_CODE(2, 4));
    coap_raw_get(&watcher, "value", "v1", 0);
    coap_raw_get(&watcher, "value", "v2", 0);
    coap_raw_get(&watcher, "value", "v3", 0);
    coap_raw_until(&test, &watcher, 4);
    CHECK_EQ_U64(watcher.notifications, 2);
    CHECK_EQ_U64(watcher.code, ISO_COAP_CODE(2, 5));
    /* The same token again takes its own place. */
    coap_raw_get(&watcher, "value", "v2", 0);
    coap_raw_until(&test, &watcher, 5);
    CHECK_EQ_U64(watcher.notifications, 3);
    CHECK_EQ_U64(iso_coap_observer_count(test.server, value_path), 2);
    struct iso_coap_server_stats stats;
    iso_coap_server_stats(test.server, &stats);
    CHECK_EQ_U64(stats.observers_now, 2);
    /* They go with the session. */
    coap_raw_close(&watcher);
    while (iso_coap_observer_count(test.server, value_path) != 0) {
        uv_run(&test.loop, UV_RUN_ONCE);
    }
    coap_test_stop(&test);
}

TEST(an_observer_that_rejects_or_has_gone_is_forgotten)
{
    static struct coap_test test;
    static struct coap_raw watcher;
    memset(&test, 0, sizeof(test));
    coap_test_start(&test);
    coap_raw_open(&test, &watcher, ISO_COAP_UDP, true);
    coap_raw_get(&watcher, "value", "w1", 0);
    coap_raw_until(&test, &watcher, 1);
    /* Old enough for a notification that is to be confirmed: it is answered with a reset. */
    watcher.reject = true;
    uint64_t until = uv_now(&test.loop) + 5100;
    while (uv_now(&test.loop) < until) {
        uv_run(&test.loop, UV_RUN_ONCE);
    }
    CHECK_EQ_U64(iso_coap_notify(test.server, value_path), 1);
    while (iso_coap_observer_count(test.server, value_path) != 0) {
        uv_run(&test.loop, UV_RUN_ONCE);
    }
    coap_raw_close(&watcher);
    coap_test_stop(&test);
}
