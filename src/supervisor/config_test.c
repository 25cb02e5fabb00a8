/* The configuration file of a supervisor: what it may say, from where its paths are seen, and the
 * words for every mistake. */
#include "supervisor/device_test_support.h"
#include "supervisor/supervisor.h"

#include <stdlib.h>
#include <unistd.h>

struct place {
    char dir[256], file[300];
    struct iso_supervisor_config config;
    struct iso_report report;
};

static enum iso_err read_text(struct place *place, const char *text)
{
    dev_test_dir(place->dir);
    dev_test_write(place->dir, "device.json", text, strlen(text));
    (void)iso_format(place->file, sizeof place->file, "%s/device.json", place->dir);
    iso_supervisor_config_init(&place->config);
    iso_report_init(&place->report);
    return iso_supervisor_config_read(&place->config, place->file, &place->report);
}

static void leave(struct place *place)
{
    iso_supervisor_config_fini(&place->config);
    dev_test_dir_remove(place->dir);
}

TEST(what_it_says_is_taken)
{
    struct place place;
    CHECK_OK(read_text(&place, "{\"name\": \"den\", \"labels\": {\"room\": \"den\"},"
                               " \"https\": \"none\", \"http\": [\"127.0.0.1:1\", \"[::1]:2\"],"
                               " \"interfaces\": \"eth0\", \"workers\": 2, \"cpu\": \"25%\","
                               " \"modules\": \"256MiB\", \"code-memory\": 8388608,"
                               " \"log\": {\"level\": \"error\", \"format\": \"json\"},"
                               " \"mdns\": false, \"devices\": {\"displays\": [\"hall\"]}}"));
    const struct iso_supervisor_config *config = &place.config;
    CHECK_STR(config->name, "den");
    CHECK_STR(config->labels[0], "room=den");
    CHECK_STR(config->http[1], "[::1]:2");
    CHECK_EQ_U64(config->http_count, 2);
    CHECK_STR(config->interfaces[0], "eth0");
    CHECK_EQ_U64(config->workers, 2);
    CHECK_EQ_U64(config->cpu_percent, 25);
    CHECK_EQ_U64(config->modules_max_bytes, 256u << 20);
    CHECK_EQ_U64(config->code_max_bytes, 8u << 20);
    CHECK(config->log_json && config->no_mdns && config->devices_json.len != 0);
    leave(&place);
}

/* Wherever it is started: the working directory of this test is another one. */
TEST(a_configuration_from_a_pipe_is_in_no_folder)
{
    struct place place;
    static const char *const texts[] = {"{\"state\": \"/var/x\"}", "{\"state\": \"x\"}"};
    for (size_t i = 0; i < ISO_COUNT_OF(texts); i++) {
        int ends[2];
        CHECK(pipe(ends) == 0);
        CHECK(write(ends[1], texts[i], strlen(texts[i])) == (ssize_t)strlen(texts[i]));
        CHECK(close(ends[1]) == 0);
        (void)iso_format(place.file, sizeof place.file, "/dev/fd/%d", ends[0]);
        iso_supervisor_config_init(&place.config);
        iso_report_init(&place.report);
        const enum iso_err err =
            iso_supervisor_config_read(&place.config, place.file, &place.report);
        if (i == 0) {
            CHECK_OK(err);
            CHECK_STR(place.config.state, "/var/x");
        } else {
            CHECK_ERR(err, ISO_E_INVALID);
            CHECK(strstr(place.report.text, "\"state\" must be an absolute path") != NULL);
        }
        CHECK(close(ends[0]) == 0);
        iso_supervisor_config_fini(&place.config);
    }
}

TEST(its_paths_are_seen_from_its_folder)
{
    struct place place;
    char expected[400];
    CHECK_OK(read_text(&place, "{\"state\": \"own\", \"directories\": [\"shared\", \"../beside\","
                               " \"/srv/films\"]}"));
    char *folder = realpath(place.dir, NULL);
    (void)iso_format(expected, sizeof expected, "%s/own", folder);
    CHECK_STR(place.config.state, expected);
    (void)iso_format(expected, sizeof expected, "%s/shared", folder);
    CHECK_STR(place.config.directories[0], expected);
    (void)iso_format(expected, sizeof expected, "%s/../beside", folder);
    CHECK_STR(place.config.directories[1], expected);
    CHECK_STR(place.config.directories[2], "/srv/films");
    free(folder);
    leave(&place);
}

TEST(mistakes_have_words)
{
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"{", "device.json:1:"},
        {"[]", "device.json must be an object"},
        {"{\"name\": 1, \"name\": 2}", "duplicate"},
        {"{\"nmae\": \"x\"}", "there is no member 'nmae' here; did you mean 'name'?"},
        {"{\"interface\": \"eth0\"}", "did you mean 'interfaces'?"},
        {"{\"colour\": 1}", "there is no member 'colour' here; there are: name, state, labels"},
        {"{\"name\": \"\"}", "\"name\" must be a text that is not empty"},
        {"{\"interfaces\": []}", "at least one network interface"},
        {"{\"interfaces\": 1}", "\"interfaces\" must be a text or an array of texts"},
        {"{\"interfaces\": [\"eth0\", \"a b\"]}", "\"interfaces\": 'a b' is no name of a network"},
        {"{\"interfaces\": \"sixteen-letters-\"}", "is no name of a network interface"},
        {"{\"interfaces\": \"..\"}", "is no name of a network interface"},
        {"{\"directories\": {}}", "\"directories\" must be a text or an array of texts"},
        {"{\"modules\": 0}", "\"modules\" must be a size such as \"256MiB\""},
        {"{\"modules\": \"0\"}", "\"modules\": nothing fits into 0 bytes"},
        {"{\"modules\": \"much\"}", "'much' is not a size"},
        {"{\"code-memory\": \"0MiB\"}", "\"code-memory\": nothing fits into 0 bytes"},
        {"{\"workers\": 0}", "\"workers\" must be a number from 1 to 256"},
        {"{\"connections\": 0}", "\"connections\" must be a number from 1 to 16384"},
        {"{\"cpu\": \"0%\"}", "write 1% to 100%"},
        {"{\"log\": {\"lvel\": \"info\"}}",
         "\"log\": there is no member 'lvel' here; did you mean"},
        {"{\"log\": {\"level\": \"loud\"}}", "\"loud\" is no log level"},
        {"{\"log\": {\"level\": 1}}", "\"log\" must be"},
        {"{\"log\": {\"format\": \"xml\"}}", "\"log\" must be"},
        {"{\"mdns\": 1}", "\"mdns\" must be true or false"},
        {"{\"labels\": [\"a\"]}", "\"labels\" must be"}};
    for (size_t i = 0; i < ISO_COUNT_OF(cases); i++) {
        struct place place;
        CHECK(read_text(&place, cases[i].text) != ISO_OK);
        CHECK_CONTAINS(place.report.text, cases[i].words);
        CHECK_CONTAINS(place.report.text, "device.json");
        leave(&place);
    }
}
