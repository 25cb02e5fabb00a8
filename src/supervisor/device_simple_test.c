/* Events, log, clock, config: what a guest says arrives, and what it may not say is refused. */
#include "supervisor/device_test_support.h"

TEST(events_need_a_name_and_json)
{
    struct dev_test test;
    struct iso_sv_devices_config config = {0};
    struct iso_sv_guest guest = {0}; /* no grants: it concerns nobody else */
    dev_test_begin(&test, &config);
    CHECK_STR(dev_test_call(&test, &guest, "events", "emit", "[\"too-warm\", \"{\\\"t\\\":40}\"]"),
              "{\"ok\":null}");
    CHECK_STR(guest.events, "too-warm {\"t\":40}\n");
    static const char *const names[] = {"", "A", "1a", "a-", "-a", "a--b", "a_b", "\\u00e4", "a b"};
    for (size_t i = 0; i < ISO_COUNT_OF(names); i++) {
        char args[64];
        (void)iso_format(args, sizeof args, "[\"%s\", \"1\"]", names[i]);
        CHECK_CONTAINS(dev_test_call(&test, &guest, "events", "emit", args), "kebab-case");
    }
    guest.refuse_events = true;
    CHECK_STR(dev_test_call(&test, &guest, "events", "emit", "[\"a\", \"{\"]"),
              "{\"error\":{\"invalid\":\"the payload is not JSON\"}}");
    dev_test_end(&test);
}

TEST(events_have_a_largest_payload)
{
    struct dev_test test;
    struct iso_sv_devices_config config = {0};
    struct iso_sv_guest guest = {.grants = {"*"}, .refuse_events = true};
    static char args[ISO_SV_EVENT_PAYLOAD_MAX + 64];
    dev_test_begin(&test, &config);
    for (size_t extra = 0; extra < 2; extra++) {
        size_t len = ISO_SV_EVENT_PAYLOAD_MAX + extra;
        memcpy(args, "[\"a\", \"", 7);
        memset(args + 7, '1', len);
        memcpy(args + 7 + len, "\"]", 3);
        CHECK_CONTAINS(dev_test_call(&test, &guest, "events", "emit", args),
                       extra == 0 ? "not JSON" : "65536 bytes, not 65537");
    }
    dev_test_end(&test);
}

TEST(lines_of_the_log_keep_their_level)
{
    struct dev_test test;
    struct iso_sv_devices_config config = {0};
    struct iso_sv_guest guest = {0};
    dev_test_begin(&test, &config);
    (void)dev_test_call(&test, &guest, "log", "write", "[\"debug\", \"one\"]");
    (void)dev_test_call(&test, &guest, "log", "write", "[\"error\", \"two\"]");
    CHECK_STR(guest.log, "0 one\n3 two\n");
    dev_test_end(&test);
}

TEST(configuration_is_read_by_key_and_as_a_whole)
{
    static const struct iso_sv_pair pairs[] = {{{"a", 1}, {"1", 1}}, {{"b", 1}, {"", 0}}};
    struct dev_test test;
    struct iso_sv_devices_config config = {0};
    struct iso_sv_guest guest = {.config = pairs, .config_count = 2};
    dev_test_begin(&test, &config);
    CHECK_STR(dev_test_call(&test, &guest, "config", "get", "[\"a\"]"), "\"1\"");
    CHECK_STR(dev_test_call(&test, &guest, "config", "get", "[\"b\"]"), "\"\"");
    CHECK_STR(dev_test_call(&test, &guest, "config", "get", "[\"c\"]"), "null");
    CHECK_STR(dev_test_call(&test, &guest, "config", "get-all", ""),
              "[[\"a\",\"1\"],[\"b\",\"\"]]");
    guest.config_count = 0;
    CHECK_STR(dev_test_call(&test, &guest, "config", "get-all", ""), "[]");
    dev_test_end(&test);
}

TEST(clocks_go_forward)
{
    struct dev_test test;
    struct iso_sv_devices_config config = {0};
    struct iso_sv_guest guest = {0};
    struct dev_call call;
    dev_test_begin(&test, &config);
    uint64_t before = iso_sv_realtime_ns();
    dev_call_begin(&call, &test, &guest, "clock", "get-time", "");
    CHECK(call.result.u >= before && call.result.u - before < 60000000000u);
    (void)dev_call_end(&call);
    before = uv_hrtime();
    dev_call_begin(&call, &test, &guest, "clock", "get-monotonic", "");
    CHECK(call.result.u >= before && call.result.u <= uv_hrtime());
    (void)dev_call_end(&call);
    dev_test_end(&test);
}

static enum iso_host_result sleep_again(struct dev_call *call)
{
    call->guest->sleeps_until = 0;
    return call->host->fn(call->ctx, call->guest, &call->call, call->args, &call->arena,
                          &call->result);
}

TEST(a_sleep_ends_at_a_moment_of_the_world)
{
    struct dev_test test;
    struct iso_sv_devices_config config = {0};
    struct iso_sv_guest guest = {0};
    struct dev_call call;
    const uint64_t hour = 3600000000000u;
    dev_test_begin(&test, &config);
    uint64_t mono = uv_hrtime();
    uint64_t real = iso_sv_realtime_ns();
    dev_call_begin(&call, &test, &guest, "clock", "sleep", "[3600000000000]");
    CHECK(!call.done && call.host->policy == ISO_HOST_DEADLINE);
    CHECK(guest.sleeps_until >= mono + hour && guest.sleeps_until < mono + hour + hour / 10);
    CHECK(call.call.deadline >= real + hour);

    /* Woken early, or on another device after half of it: the rest is slept. */
    call.call.deadline -= hour / 2;
    mono = uv_hrtime();
    CHECK(sleep_again(&call) == ISO_HOST_PENDING);
    CHECK(guest.sleeps_until > mono && guest.sleeps_until < mono + hour / 2 + hour / 10);

    /* A clock that was set back by a day does not make it a day longer. */
    call.call.deadline += 24 * hour;
    CHECK(sleep_again(&call) == ISO_HOST_DONE);
    call.call.deadline = iso_sv_realtime_ns();
    CHECK(sleep_again(&call) == ISO_HOST_DONE);
    call.done = true;
    (void)dev_call_end(&call);

    guest.sleeps_until = 0;
    CHECK_STR(dev_test_call(&test, &guest, "clock", "sleep", "[0]"), "");
    dev_call_begin(&call, &test, &guest, "clock", "sleep", "[\"18446744073709551615\"]");
    CHECK(!call.done && guest.sleeps_until > uv_hrtime() + hour * 1000);
    call.done = true;
    (void)dev_call_end(&call);
    dev_test_end(&test);
}

TEST(bad_configurations_are_refused)
{
    static const struct iso_sv_camera_def no_source = {.name = "a"};
    static const struct iso_sv_camera_def no_test = {.name = "a", .source = "test:0x10"};
    static const struct iso_sv_camera_def big_test = {.name = "a", .source = "test:1920x1080@25"};
    static const struct iso_sv_camera_def relative = {.name = "a", .source = "film.mp4"};
    static const struct iso_sv_camera_def named_default = {.name = "default", .source = "/x"};
    static const struct iso_sv_camera_def twice[] = {{.name = "a", .source = "/x"},
                                                     {.name = "a", .source = "/y"}};
    static const struct iso_sv_gpio_def no_line = {.name = "led", .chip = "gpiochip0"};
    static const struct iso_sv_sensor_def still = {.name = "s", .kind = ISO_SV_SENSOR_SINE};
    static const struct iso_sv_sensor_def no_file = {.name = "s", .kind = ISO_SV_SENSOR_FILE};
    static const char *const bad_name[] = {"a b"};
    static const char *const no_name[] = {""};
    const struct {
        struct iso_sv_devices_config config;
        const char *text;
    } cases[] = {
        {{.cameras = &no_source, .camera_count = 1}, "a source or a command"},
        {{.cameras = &no_test, .camera_count = 1}, "test:640x480@25"},
        {{.cameras = &big_test, .camera_count = 1}, "1280 x 720"},
        {{.cameras = &relative, .camera_count = 1}, "absolute path"},
        {{.cameras = &named_default, .camera_count = 1}, "the first one"},
        {{.cameras = twice, .camera_count = 2}, "twice"},
        {{.lines = &no_line, .line_count = 1}, "name or number of the line"},
        {{.simulated_sensors = &still, .simulated_sensor_count = 1}, "above 0"},
        {{.simulated_sensors = &no_file, .simulated_sensor_count = 1}, "absolute path"},
        {{.displays = bad_name, .display_count = 1}, "letters"},
        {{.displays = no_name, .display_count = 1}, "letters"},
        {{.displays = bad_name, .display_count = 257}, "at most 256"},
    };
    uv_loop_t loop;
    CHECK(uv_loop_init(&loop) == 0);
    for (size_t i = 0; i < ISO_COUNT_OF(cases); i++) {
        struct iso_sv_devices *devices = NULL;
        struct iso_report report;
        iso_report_init(&report);
        CHECK(iso_sv_devices_create(&loop, &cases[i].config, &devices, &report) != ISO_OK);
        CHECK_CONTAINS(report.text, cases[i].text);
    }
    CHECK(uv_run(&loop, UV_RUN_DEFAULT) == 0);
    CHECK(uv_loop_close(&loop) == 0);
}

TEST(the_description_names_what_is_there)
{
    static const char *const displays[] = {"hall", "roof"};
    struct dev_test test;
    struct iso_sv_devices_config config = {0};
    dev_test_begin(&test, &config);
    CHECK_STR(dev_test_describe(&test),
              "{\"events\":{},\"log\":{},\"clock\":{},\"config\":{},\"storage\":{}}");
    dev_test_end(&test);
    config.displays = displays;
    config.display_count = 2;
    dev_test_begin(&test, &config);
    CHECK_CONTAINS(dev_test_describe(&test),
                   "{\"display\":[{\"name\":\"hall\",\"frames\":0,\"viewers\":0},");
    dev_test_end(&test);
}

/* Every function of device.wit is offered, and nothing else. */
TEST(the_set_is_that_of_the_interface_definition)
{
    struct dev_test test;
    struct iso_sv_devices_config config = {0};
    dev_test_begin(&test, &config);
    const struct iso_sv_host_set *set = iso_sv_devices_host_set(test.devices);
    size_t wanted = 0;
    size_t offered = 0;
    for (uint32_t i = 0; i < set->wit->interface_count; i++) {
        wanted += set->wit->interfaces[i]->func_count;
    }
    for (size_t i = 0; i < set->count; i++) {
        for (size_t j = 0; j < set->interfaces[i].func_count; j++) {
            for (uint32_t k = 0; k < set->wit->interface_count; k++) {
                const struct iso_wit_interface *at = set->wit->interfaces[k];
                bool same = iso_str_equal_z(at->name, set->interfaces[i].name);
                for (uint32_t l = 0; same && l < at->func_count; l++) {
                    offered += iso_str_equal_z(at->funcs[l].name, set->interfaces[i].funcs[j].name);
                }
            }
        }
    }
    CHECK_EQ_U64(set->count, 9);
    CHECK_EQ_U64(offered, wanted);
    dev_test_end(&test);
}
