/* The configuration of devices from JSON: what docs/devices.md shows is read, mistakes have words.
 */
#include "supervisor/device_test_support.h"
#include "supervisor/devices_config.h"

static enum iso_err read_config(const char *text, struct iso_arena *arena,
                                struct iso_sv_devices_config *config, struct iso_report *report)
{
    iso_arena_init(arena, iso_alloc_libc(), 0, SIZE_MAX);
    iso_report_init(report);
    return iso_sv_devices_config_read(iso_bytes_from(text, strlen(text)), "/dev/null", arena,
                                      config, report);
}

TEST(the_example_is_read)
{
    static const char text[] =
        "{\"cameras\": {\"door\": \"/dev/video0\", \"fake\": \"test:640x480@25\","
        " \"pi\": [\"libcamera-vid\", \"--width\", \"{width}\", \"-o\", \"-\"]},"
        " \"displays\": [\"hall\"], \"sensors\": true,"
        " \"simulated-sensors\": {"
        "  \"room/temp\": {\"unit\": \"°C\", \"value\": 21.5, \"amplitude\": 3, \"period\": 60},"
        "  \"tank\": {\"unit\": \"l\", \"file\": \"/run/tank-level\"}},"
        " \"gpio\": {"
        "  \"led\": {\"chip\": \"gpiochip0\", \"line\": 17, \"direction\": \"output\","
        "           \"active-low\": true},"
        "  \"button\": {\"chip\": 0, \"line\": \"GPIO27\", \"direction\": \"input\"},"
        "  \"door\": {\"direction\": \"input\", \"initial\": true}}}";
    struct iso_arena arena;
    struct iso_report report;
    struct iso_sv_devices_config config;
    struct dev_test test;
    if (read_config(text, &arena, &config, &report) != ISO_OK) {
        TEST_FAIL("%s", report.text);
    }
    CHECK_EQ_U64(config.camera_count, 3);
    CHECK_STR(config.cameras[0].name, "door"); /* the first one is the default */
    CHECK_EQ_U64(config.cameras[2].command_count, 5);
    CHECK(config.sensors);
    CHECK(config.simulated_sensors[0].kind == ISO_SV_SENSOR_SINE);
    CHECK(config.simulated_sensors[1].kind == ISO_SV_SENSOR_FILE);
    CHECK_STR(config.lines[0].line, "17");
    CHECK_STR(config.lines[1].chip, "0");
    CHECK(config.lines[0].output && config.lines[0].active_low && !config.lines[0].initial);
    CHECK(config.lines[2].chip == NULL && config.lines[2].initial);
    config.sensors = false; /* those of this machine are nobody's business */
    dev_test_begin(&test, &config);
    iso_arena_fini(&arena); /* everything was copied */
    CHECK_CONTAINS(dev_test_describe(&test),
                   "{\"name\":\"pi\",\"source\":\"command\",\"runs\":[]}");
    CHECK_CONTAINS(dev_test_describe(&test),
                   "{\"name\":\"room/temp\",\"unit\":\"°C\",\"simulated\":true}");
    dev_test_end(&test);
}

TEST(paths_are_seen_from_the_file)
{
    static const char text[] = "{\"cameras\": {\"near\": \"./pictures\", \"far\": \"/pictures\"},"
                               " \"simulated-sensors\": {\"tank\": {\"file\": \"../tank-level\"}}}";
    struct iso_arena arena;
    struct iso_report report;
    struct iso_sv_devices_config config;
    CHECK_OK(read_config(text, &arena, &config, &report));
    CHECK_STR(config.cameras[0].source, "/dev/./pictures");
    CHECK_STR(config.cameras[1].source, "/pictures");
    CHECK_STR(config.simulated_sensors[0].path, "/dev/../tank-level");
    iso_arena_fini(&arena);
}

TEST(without_a_text_there_are_the_sensors_of_the_machine)
{
    struct iso_arena arena;
    struct iso_report report;
    struct iso_sv_devices_config config;
    CHECK_OK(read_config("", &arena, &config, &report));
    CHECK(config.sensors && config.camera_count == 0 && config.line_count == 0);
    iso_arena_fini(&arena);
}

TEST(mistakes_have_words)
{
    static const struct {
        const char *text;
        const char *words;
    } cases[] = {
        {"{", "devices:"},
        {"{\"camera\": {}}", "devices: there is no member 'camera' here; did you mean 'cameras'?"},
        {"{\"cameras\": []}", "devices.cameras must be an object"},
        {"{\"cameras\": {\"a\": []}}", "commands (arrays)"},
        {"{\"cameras\": {\"a\": [1]}}", "commands (arrays)"},
        {"{\"displays\": {}}", "an array of names"},
        {"{\"displays\": [1]}", "an array of names"},
        {"{\"sensors\": 1}", "true or false"},
        {"{\"simulated-sensors\": []}", "an object of objects"},
        {"{\"simulated-sensors\": {\"a\": 1}}", "an object of objects"},
        {"{\"simulated-sensors\": {\"a\": {\"volume\": 1}}}",
         "devices.simulated-sensors.a: there is no member 'volume' here; did you mean 'value'?"},
        {"{\"gpio\": {\"a\": {}}}", "\"input\" or \"output\""},
        {"{\"gpio\": {\"a\": {\"direction\": \"up\"}}}", "devices.gpio.a.direction must be"},
        {"{\"gpio\": {\"a\": {\"direction\": \"input\", \"initial\": \"on\"}}}",
         "a.initial must be true or"},
        {"{\"gpio\": {\"a\": {\"direction\": \"input\", \"active-low\": 1}}}",
         "a.active-low must be true"},
        {"{\"simulated-sensors\": {\"a\": {\"value\": \"21\"}}}", "a.value must be a number"},
        {"{\"simulated-sensors\": {\"a\": {\"unit\": 1}}}", "a.unit must be a text"},
        {"{\"gpio\": {\"a\": {\"direction\": \"input\", \"chip\": \"x\"}}}", "name or number"},
        {"{\"gpio\": {\"a\": {\"direction\": \"input\", \"chip\": \"x\", \"line\": -1}}}",
         "devices.gpio.a.line must be the name or number of a line"},
        {"{\"gpio\": {\"a\": {\"direction\": \"input\", \"chip\": true, \"line\": 1}}}",
         "devices.gpio.a.chip must be the name or number of a chip"},
        {"{\"gpio\": {\"a\": {\"direction\": \"input\", \"chip\": \"\", \"line\": 1}}}",
         "devices.gpio.a.chip must be the name or number of a chip"},
        {"{\"gpio\": {\"a\": {\"direction\": \"input\", \"line\": 1}}}",
         "devices.gpio.a.chip must be given, too"},
        {"{\"gpio\": {\"a\": {\"direction\": \"input\", \"pin\": 1}}}",
         "devices.gpio.a: there is no member 'pin' here"}};
    for (size_t i = 0; i < ISO_COUNT_OF(cases); i++) {
        struct iso_arena arena;
        struct iso_report report;
        struct iso_sv_devices_config config;
        CHECK(read_config(cases[i].text, &arena, &config, &report) != ISO_OK);
        CHECK_CONTAINS(report.text, cases[i].words);
        iso_arena_fini(&arena);
    }
}

/* Memory that runs out at any moment of the creation: everything is given back. */
TEST(creation_survives_any_failed_allocation)
{
    static const char *const displays[] = {"hall"};
    static const char *const words[] = {"a", "b"};
    static const struct iso_sv_camera_def cameras[] = {
        {.name = "a", .source = "test:8x8"}, {.name = "b", .command = words, .command_count = 2}};
    static const struct iso_sv_sensor_def sensors[] = {{.name = "s", .unit = "V"}};
    static const struct iso_sv_gpio_def lines[] = {{.name = "l", .chip = "c", .line = "1"}};
    struct iso_alloc_test memory;
    uv_loop_t loop;
    bool failed = true;
    CHECK(uv_loop_init(&loop) == 0);
    iso_alloc_test_init(&memory);
    for (uint64_t n = 1; failed; n++) {
        struct iso_sv_devices *devices = NULL;
        iso_alloc_test_restart(&memory, n);
        const struct iso_sv_devices_config config = {.alloc = &memory.alloc,
                                                     .cameras = cameras,
                                                     .camera_count = 2,
                                                     .displays = displays,
                                                     .display_count = 1,
                                                     .simulated_sensors = sensors,
                                                     .simulated_sensor_count = 1,
                                                     .lines = lines,
                                                     .line_count = 1};
        enum iso_err err = iso_sv_devices_create(&loop, &config, &devices, NULL);
        failed = memory.failed;
        CHECK_ERR(err, failed ? ISO_E_NOMEM : ISO_OK);
        CHECK((devices != NULL) == !failed);
        iso_sv_devices_destroy(devices);
        CHECK_EQ_U64(memory.live_bytes, 0);
    }
    CHECK(uv_run(&loop, UV_RUN_DEFAULT) == 0);
    CHECK(uv_loop_close(&loop) == 0);
}

/* Memory that runs out while frames are cut: a frame is lost, and the next one comes. */
TEST(splitting_survives_any_failed_allocation)
{
    uint8_t bytes[2048];
    size_t len = dev_test_jpeg(bytes, sizeof bytes, 16, 8, 100);
    memcpy(bytes + len, bytes, len);
    memcpy(bytes + 2 * len, bytes, len);
    struct iso_alloc_test memory;
    iso_alloc_test_init(&memory);
    bool failed = true;
    for (uint64_t n = 1; failed; n++) {
        struct iso_sv_split split;
        iso_alloc_test_restart(&memory, n);
        iso_sv_split_init(&split, &memory.alloc, ISO_SV_JPEG, sizeof bytes);
        for (size_t at = 0; at < 3 * len; at += 50) {
            struct iso_bytes piece =
                iso_bytes_from(bytes + at, 3 * len - at < 50 ? 3 * len - at : 50);
            while (iso_sv_split_feed(&split, &piece)) {
                uint8_t *frame = NULL;
                size_t frame_len = 0;
                if (iso_buf_take(&split.buf, &frame, &frame_len) == ISO_OK) {
                    CHECK_EQ_U64(frame_len, len);
                    iso_alloc_free(&memory.alloc, frame, frame_len);
                }
            }
        }
        failed = memory.failed;
        CHECK(split.frames >= (failed ? 2 : 3));
        iso_sv_split_fini(&split);
        CHECK_EQ_U64(memory.live_bytes, 0);
    }
}
