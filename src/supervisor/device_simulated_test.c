/* What is simulated is looked at and set from outside, all of a document or nothing. */
#include "supervisor/device_test_support.h"

#include <jansson.h>

static const struct iso_sv_sensor_def sensors[] = {
    {.name = "room/temp", .unit = "\302\260C", .value = 21.5},
    {.name = "sea", .kind = ISO_SV_SENSOR_SINE, .value = 5, .amplitude = 2, .period_s = 1e12},
    {.name = "tank", .kind = ISO_SV_SENSOR_FILE, .path = "/run/tank-level"}};
static const struct iso_sv_gpio_def lines[] = {
    {.name = "door", .initial = true},
    {.name = "lamp", .output = true},
    {.name = "led", .chip = "gpiochip7", .line = "1", .output = true}};
static const struct iso_sv_devices_config both = {
    .simulated_sensors = sensors, .simulated_sensor_count = 3, .lines = lines, .line_count = 3};

/* The document of all, until the next call. */
static const char *shown(const struct dev_test *test)
{
    static char text[512];
    struct iso_buf buf;
    struct iso_json json;
    iso_buf_init(&buf, iso_alloc_libc(), sizeof text - 1);
    iso_json_init_buf(&json, &buf, 0);
    iso_sv_devices_simulated_write(test->devices, &json);
    CHECK_OK(iso_json_finish(&json));
    memcpy(text, buf.ptr, buf.len);
    text[buf.len] = '\0';
    iso_buf_fini(&buf);
    return text;
}

static enum iso_err set(struct dev_test *test, const char *text, struct iso_report *report)
{
    json_t *document = json_loads(text, 0, NULL);
    CHECK(document != NULL);
    iso_report_init(report);
    const enum iso_err err = iso_sv_devices_simulated_set(test->devices, document, report);
    json_decref(document);
    return err;
}

TEST(what_is_simulated_is_shown_and_set)
{
    struct dev_test test;
    struct iso_report report;
    struct iso_sv_devices_config config = both;
    struct iso_sv_guest guest = {.grants = {"sensor", "gpio"}};
    dev_test_begin(&test, &config);
    CHECK_CONTAINS(shown(&test), "{\"sensor\":{\"room/temp\":21.5,\"sea\":");
    CHECK_CONTAINS(shown(&test), "\"tank\":null},\"gpio\":{\"door\":true,\"lamp\":false}}");
    CHECK_OK(set(&test, "{\"sensor\": {\"room/temp\": 30, \"sea\": -1.5}}", &report));
    CHECK_OK(set(&test, "{\"gpio\": {\"door\": false}, \"sensor\": {}}", &report));
    CHECK_STR(shown(&test), "{\"sensor\":{\"room/temp\":30,\"sea\":-1.5,\"tank\":null},"
                            "\"gpio\":{\"door\":false,\"lamp\":false}}");
    CHECK_CONTAINS(dev_test_call(&test, &guest, "sensor", "read", "[\"sea\"]"), "\"value\":-1.5");
    CHECK_STR(dev_test_call(&test, &guest, "gpio", "get", "[\"door\"]"), "{\"ok\":false}");
    dev_test_end(&test);
}

TEST(a_mistake_changes_nothing_and_has_words)
{
    static const struct {
        const char *text;
        const char *words;
    } cases[] = {{"{\"gpio\": {\"door\": false}, \"camera\": {}}", "\"sensor\" and \"gpio\""},
                 {"{\"gpio\": {\"door\": false}, \"sensor\": 7}", "an object of values by name"},
                 {"{\"gpio\": {\"door\": false, \"lamp\": true}}", "components drive it"},
                 {"{\"gpio\": {\"door\": false, \"led\": true}}", "'led' is not simulated"},
                 {"{\"gpio\": {\"door\": 0}}", "true or false"},
                 {"{\"gpio\": {\"moor\": false}}", "there is no line 'moor'"},
                 {"{\"sensor\": {\"room/temp\": 1, \"tank\": 1}}", "in the file /run/tank-level"},
                 {"{\"sensor\": {\"room/temp\": 1, \"lake\": 1}}", "there is no sensor 'lake'"},
                 {"{\"sensor\": {\"room/temp\": true}}", "must be a number"}};
    struct dev_test test;
    struct iso_report report;
    struct iso_sv_devices_config config = both;
    dev_test_begin(&test, &config);
    for (size_t i = 0; i < ISO_COUNT_OF(cases); i++) {
        CHECK(set(&test, cases[i].text, &report) != ISO_OK);
        CHECK_CONTAINS(report.text, cases[i].words);
        CHECK_CONTAINS(shown(&test), "{\"room/temp\":21.5,");
        CHECK_CONTAINS(shown(&test), "{\"door\":true,");
    }
    dev_test_end(&test);
}
