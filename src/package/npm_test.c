/* npm: ranges as node-semver reads them, versions chosen as npm chooses, integrity, tarballs that
 * are what they should be and others, and configuration in all its places. */
#include "package/npm.h"

#include "base/test.h"
#include "package/archive_test_support.h"

#include <stdlib.h>
#include <unistd.h>

#include "platform/platform.h"

/* ---- Ranges ------------------------------------------------------------------------------------
 */

static bool holds(const char *range, const char *version)
{
    struct iso_npm_range parsed;
    struct iso_semver semver;
    CHECK_OK(iso_npm_range_parse(iso_str_from_z(range), &parsed));
    CHECK_OK(iso_semver_parse(iso_str_from_z(version), &semver, NULL));
    return iso_npm_range_holds(&parsed, &semver);
}

TEST(ranges_hold_what_node_semver_says)
{
    static const struct {
        const char *range;
        const char *in;  /* versions with blanks between them */
        const char *out; /* likewise */
    } cases[] = {
        {"1.2.3", "1.2.3 1.2.3+b", "1.2.4 1.2.2 1.2.3-rc"},
        {"=1.2.3", "1.2.3", "1.2.4"},
        {"v1.2.3", "1.2.3", "1.2.4"},
        {"*", "0.0.0 9.9.9", "1.0.0-rc"},
        {"", "1.2.3", "1.2.3-rc"},
        {"1", "1.0.0 1.9.9", "0.9.9 2.0.0 2.0.0-rc 1.0.0-rc"},
        {"1.x", "1.0.0 1.9.9", "2.0.0"},
        {"1.2.*", "1.2.0 1.2.9", "1.3.0 1.1.9"},
        {"^1.2.3", "1.2.3 1.9.0", "1.2.2 2.0.0 2.0.0-rc 1.2.3-rc"},
        {"^0.2.3", "0.2.3 0.2.9", "0.3.0 0.2.2"},
        {"^0.0.3", "0.0.3", "0.0.4 0.0.2"},
        {"^0.0", "0.0.0 0.0.9", "0.1.0"},
        {"^0.x", "0.0.0 0.9.9", "1.0.0"},
        {"^1.x", "1.0.0 1.9.9", "2.0.0"},
        {"^1.2.3-rc.2", "1.2.3-rc.2 1.2.3-rc.3 1.2.3 1.5.0", "1.2.3-rc.1 1.2.4-rc.2"},
        {"~1.2.3", "1.2.3 1.2.9", "1.3.0 1.2.2"},
        {"~1.2", "1.2.0 1.2.9", "1.3.0"},
        {"~1", "1.0.0 1.9.9", "2.0.0"},
        {"~>1.2.3", "1.2.9", "1.3.0"},
        {">1.2.3", "1.2.4 2.0.0", "1.2.3 1.2.4-rc"},
        {">1", "2.0.0", "1.9.9"},
        {">1.2", "1.3.0", "1.2.9"},
        {">=1.2", "1.2.0", "1.1.9"},
        {">= 1.2.3", "1.2.3", "1.2.2"},
        {"<2", "1.9.9", "2.0.0 2.0.0-rc"},
        {"<=2", "2.9.9", "3.0.0"},
        {"<=2.1.0", "2.1.0", "2.1.1"},
        {"<*", "", "0.0.0 1.0.0"},
        {">=1.2.3 <2.0.0", "1.2.3 1.9.9", "2.0.0 1.0.0"},
        {"1.2.3 - 2.3.4", "1.2.3 2.3.4", "2.3.5 1.2.2"},
        {"1.2 - 2.3", "1.2.0 2.3.9", "2.4.0"},
        {"1.2.3 - 2", "2.9.9", "3.0.0"},
        {"^1 || ^3", "1.5.0 3.0.0", "2.0.0 4.0.0"},
        {"1.0.0||2.0.0", "1.0.0 2.0.0", "1.5.0"},
    };
    for (size_t i = 0; i < ISO_COUNT_OF(cases); i++) {
        for (unsigned good = 0; good < 2; good++) {
            const char *at = good != 0 ? cases[i].in : cases[i].out;
            while (*at != '\0') {
                char version[32];
                const size_t len = strcspn(at, " ");
                (void)iso_format(version, sizeof version, "%.*s", (int)len, at);
                if (holds(cases[i].range, version) != (good != 0)) {
                    TEST_FAIL("%s in '%s' is not %u", version, cases[i].range, good);
                }
                at += len + (at[len] == ' ' ? 1 : 0);
            }
        }
    }
}

TEST(what_is_no_range)
{
    static const char *const cases[] = {"latest", "1.2.3.4",          "^^1", "1.2.3-",  "1..2",
                                        "|",      "9007199254740993", "a b", "1 -2 -3", ">=1 and"};
    struct iso_npm_range range;
    for (size_t i = 0; i < ISO_COUNT_OF(cases); i++) {
        if (iso_npm_range_parse(iso_str_from_z(cases[i]), &range) == ISO_OK) {
            TEST_FAIL("'%s' is taken", cases[i]);
        }
    }
    char large[400] = "";
    for (unsigned i = 0; i <= ISO_NPM_RANGE_MAX; i++) {
        memcpy(large + strlen(large), "1.0.0 ", 7);
    }
    CHECK(iso_npm_range_parse(iso_str_from_z(large), &range) != ISO_OK);
}

/* ---- Versions ----------------------------------------------------------------------------------
 */

#define DIST(v) "{\"dist\": {\"tarball\": \"https://r/" v "\", \"integrity\": \"sha512-" v "\"}}"
static const char packument[] =
    "{\"name\": \"a\", \"dist-tags\": {\"latest\": \"1.2.0\", \"next\": \"2.0.0-rc.1\", \"odd\": "
    "7},"
    "\"versions\": {\"1.0.0\": " DIST("1.0.0") ", \"1.2.0\": " DIST("1.2.0") ", \"1.3.0\": " DIST(
        "1.3.0") ", \"1.4.0\": {\"deprecated\": \"broken\", \"dist\": {\"tarball\": "
                 "\"https://r/x\", "
                 "\"integrity\": \"sha512-x\"}}, \"2.0.0-rc.1\": " DIST(
                     "2.0.0-rc.1") ", "
                                   "\"3.0.0\": {\"dist\": {\"tarball\": \"https://r/3\"}}, "
                                   "\"4.0.0\": {}, \"bad\": " DIST("bad") "}}";

static enum iso_err choose(const char *json, const char *wanted, struct iso_npm_choice *out,
                           struct iso_report *report)
{
    iso_report_init(report);
    return iso_npm_choose(iso_bytes_from(json, strlen(json)), iso_str_from_z("a"),
                          iso_str_from_z(wanted), out, report);
}

TEST(versions_are_chosen_as_npm_does)
{
    static const struct {
        const char *wanted;
        const char *version; /* NULL: none */
    } cases[] = {{"", "1.2.0"},      {"latest", "1.2.0"}, {"next", "2.0.0-rc.1"},
                 {"1.0.0", "1.0.0"}, {"^1", "1.2.0"},     {">1.2 <2", "1.3.0"},
                 {"1.4", "1.4.0"},   {"^2", NULL},        {"^2.0.0-rc.0", "2.0.0-rc.1"},
                 {"9.9.9", NULL},    {"odd", NULL},       {"nothing", NULL},
                 {"bad", NULL}};
    struct iso_npm_choice choice;
    struct iso_report report;
    for (size_t i = 0; i < ISO_COUNT_OF(cases); i++) {
        const enum iso_err err = choose(packument, cases[i].wanted, &choice, &report);
        if (cases[i].version == NULL
                ? err != ISO_E_NOT_FOUND
                : err != ISO_OK || strcmp(choice.version, cases[i].version) != 0) {
            TEST_FAIL("'%s': %s %s", cases[i].wanted, iso_err_name(err),
                      err == ISO_OK ? choice.version : report.text);
        }
    }
    CHECK_ERR(choose(packument, "^7", &choice, &report), ISO_E_NOT_FOUND);
    CHECK_CONTAINS(report.text, "the latest is 1.2.0");
    CHECK_ERR(choose(packument, "3.0.0", &choice, &report), ISO_E_INVALID);
    CHECK_CONTAINS(report.text, "no integrity");
    CHECK_ERR(choose(packument, "4.0.0", &choice, &report), ISO_E_MALFORMED);
    CHECK_ERR(choose("<html>", "", &choice, &report), ISO_E_MALFORMED);
    CHECK_ERR(choose("[]", "", &choice, &report), ISO_E_MALFORMED);
    CHECK_ERR(choose("{}", "", &choice, &report), ISO_E_MALFORMED);
    CHECK_ERR(choose("{\"versions\": 1, \"dist-tags\": []}", "", &choice, &report),
              ISO_E_MALFORMED);
}

TEST(integrity_is_the_strongest_digest)
{
    static const char sha1[] = "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d"; /* of "hello" */
    static const char sha256[] = "sha256-LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";
    static const char other[] = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    const struct iso_bytes hello = iso_bytes_from("hello", 5);
    char sha512[128];
    archive_test_integrity(hello, sha512);
    const struct {
        const char *integrity[2];
        const char *shasum;
        enum iso_err err;
    } cases[] = {
        {{sha512, ""}, "", ISO_OK},
        {{sha256, "sha512-AAAA"}, "", ISO_E_INVALID}, /* the stronger one counts */
        {{other, sha512}, sha1, ISO_OK},
        {{other, sha256}, "", ISO_OK}, /* several of one kind: any */
        {{other, ""}, sha1, ISO_E_INVALID},
        {{"md5-AAAA", ""}, sha1, ISO_E_UNSUPPORTED},
        {{"", ""}, sha1, ISO_OK},
        {{"", ""}, "aaf4c61ddcc5e8a2dabede0f3b482cd9aea94340", ISO_E_INVALID},
        {{"", ""}, "", ISO_E_UNSUPPORTED},
        {{"sha1-qvTGHdzF6KLavt4PO0gs2a6pQ00=", ""}, "", ISO_OK},
        {{"sha512-", ""}, "", ISO_E_UNSUPPORTED},
        {{sha512, "?x"}, "", ISO_OK},
    };
    for (size_t i = 0; i < ISO_COUNT_OF(cases); i++) {
        struct iso_npm_choice choice = {.version = "1"};
        (void)iso_format(choice.integrity, sizeof choice.integrity, "%s%s%s", cases[i].integrity[0],
                         cases[i].integrity[1][0] == '?' ? "" : " ", cases[i].integrity[1]);
        if (strcmp(choice.integrity, " ") == 0) {
            choice.integrity[0] = '\0';
        }
        (void)iso_format(choice.shasum, sizeof choice.shasum, "%s", cases[i].shasum);
        const enum iso_err err = iso_npm_check(hello, &choice, NULL);
        if (err != cases[i].err) {
            TEST_FAIL("case %zu: %s", i, iso_err_name(err));
        }
    }
}

/* ---- Tarballs ----------------------------------------------------------------------------------
 */

static enum iso_err unpack(const struct archive_test_file *files, size_t count, const char *path,
                           struct iso_package **out, struct iso_report *report)
{
    struct iso_buf tarball;
    iso_buf_init(&tarball, iso_alloc_libc(), SIZE_MAX);
    archive_test_pack(files, count, &tarball);
    *out = iso_package_new();
    CHECK(*out != NULL);
    iso_report_init(report);
    const enum iso_err err =
        iso_npm_unpack(iso_buf_view(&tarball), iso_str_from_z(path), 1 << 20, *out, report);
    iso_buf_fini(&tarball);
    return err;
}

#define TEXT(text) iso_bytes_from(text, sizeof(text) - 1)

TEST(a_tarball_gives_the_module_and_what_is_beside_it)
{
    const struct archive_test_file files[] = {
        {"package/package.json",
         TEXT("{\"name\": \"a\", \"version\": \"1.0.0\", \"license\": \"MIT\", \"description\": "
              "\"two\\nlines\", \"repository\": {\"url\": \"git+https://x\"}}"),
         NULL, NULL},
        {"package/lib/a.wasm", archive_test_module, NULL, NULL},
        {"package/lib/a.wit", TEXT("world a {}"), NULL, NULL},
        {"package/lib/a.wasm.minisig", TEXT("sig"), NULL, NULL},
        {"package/lib/b.wasm", TEXT("other"), NULL, NULL},
        {"package/link", TEXT(""), "/etc/passwd", NULL}};
    struct iso_package *package;
    struct iso_report report;
    CHECK_OK(unpack(files, ISO_COUNT_OF(files), "lib/a.wasm", &package, &report));
    CHECK(iso_bytes_equal(package->module, archive_test_module));
    CHECK(iso_bytes_equal(package->wit, TEXT("world a {}")));
    CHECK(iso_str_equal_z(package->wit_name, "a.wit"));
    CHECK(iso_bytes_equal(package->signature, TEXT("sig")));
    CHECK(iso_str_equal_z(package->info.name, "a"));
    CHECK(iso_str_equal_z(package->info.licence, "MIT"));
    CHECK_EQ_U64(package->info.description.len, 0); /* control characters are not passed on */
    CHECK(iso_str_equal_z(package->info.source, "git+https://x"));
    iso_package_destroy(package);
    CHECK_ERR(unpack(files, ISO_COUNT_OF(files), "lib/c.wasm", &package, &report), ISO_E_NOT_FOUND);
    CHECK_CONTAINS(report.text, "lib/a.wasm, lib/b.wasm");
    iso_package_destroy(package);
    CHECK_ERR(unpack(files, ISO_COUNT_OF(files), "lib/b.wasm", &package, &report), ISO_E_INVALID);
    CHECK_CONTAINS(report.text, "not a WebAssembly module");
    iso_package_destroy(package);
}

TEST(hostile_tarballs_are_refused)
{
    static uint8_t large[(1 << 20) + 1];
    static const uint8_t component[8] = {0, 'a', 's', 'm', 13, 0, 1, 0};
    memcpy(large, archive_test_module.ptr, 8);
    const struct {
        struct archive_test_file files[2];
        enum iso_err err;
        const char *message;
    } cases[] = {
        {{{"package/a.wasm", TEXT(""), "/etc/passwd", NULL}, {"package/b", TEXT("b"), NULL, NULL}},
         ISO_E_INVALID,
         "link"},
        {{{"package/b", TEXT("b"), NULL, NULL}, {"package/a.wasm", TEXT(""), NULL, "package/b"}},
         ISO_E_INVALID,
         "link"},
        {{{"package/a.wasm", archive_test_module, NULL, NULL},
          {"package/a.wasm", archive_test_module, NULL, NULL}},
         ISO_E_INVALID,
         "twice"},
        {{{"package/a.wasm", iso_bytes_from(large, sizeof large), NULL, NULL},
          {"package/b", TEXT("b"), NULL, NULL}},
         ISO_E_LIMIT,
         "larger than"},
        {{{"package/a.wasm", iso_bytes_from(component, 8), NULL, NULL},
          {"package/b", TEXT("b"), NULL, NULL}},
         ISO_E_UNSUPPORTED,
         "component"},
        {{{"a.wasm", archive_test_module, NULL, NULL}, {"../a.wasm", TEXT("no"), NULL, NULL}},
         ISO_E_INVALID,
         "not a WebAssembly module"}, /* ".." is only a name of a folder; nothing is written */
    };
    struct iso_package *package;
    struct iso_report report;
    for (size_t i = 0; i < ISO_COUNT_OF(cases); i++) {
        const enum iso_err err = unpack(cases[i].files, 2, "a.wasm", &package, &report);
        if (err != cases[i].err || strstr(report.text, cases[i].message) == NULL) {
            TEST_FAIL("case %zu: %s: %s", i, iso_err_name(err), report.text);
        }
        iso_package_destroy(package);
    }
    package = iso_package_new();
    CHECK_ERR(iso_npm_unpack(TEXT("nonsense"), iso_str_from_z("a.wasm"), 100, package, NULL),
              ISO_E_MALFORMED);
    CHECK_ERR(iso_npm_unpack(TEXT(""), iso_str_from_z("a.wasm"), 100, package, NULL),
              ISO_E_MALFORMED);
    iso_package_destroy(package);
}

TEST(a_tarball_that_unpacks_without_end_is_stopped)
{
    enum { FILE_BYTES = 64 << 20, FILES = 17 };
    struct archive_test_file files[FILES];
    uint8_t *zeros = calloc(1, FILE_BYTES);
    struct iso_package *package;
    struct iso_report report;
    CHECK(zeros != NULL);
    for (size_t i = 0; i < FILES; i++) {
        files[i] =
            (struct archive_test_file){"package/x", iso_bytes_from(zeros, FILE_BYTES), NULL, NULL};
    }
    CHECK_ERR(unpack(files, FILES, "a.wasm", &package, &report), ISO_E_LIMIT);
    CHECK_CONTAINS(report.text, "1 GiB");
    iso_package_destroy(package);
    free(zeros);
}

/* ---- Configuration -----------------------------------------------------------------------------
 */

static void check_auth(const struct iso_npm_config *config, const char *url, const char *expected)
{
    char auth[ISO_NPM_AUTH_SIZE];
    CHECK_OK(iso_npm_config_auth(config, url, auth, NULL));
    CHECK_STR(auth, expected);
}

TEST(configuration_is_read_as_npm_does)
{
    static const char text[] = "; a comment\n"
                               "# another\r\n"
                               "registry = \"https://r.example/npm\"\n"
                               "registry=https://second.example/\n"
                               "@mine:registry=https://mine.example/ ; behind it a comment\n"
                               "//r.example/npm/:_authToken=${ISO_TEST_TOKEN}\n"
                               "//r.example/:_auth='dTpw'\n"
                               "//${ISO_TEST_HOST}/:username=user\n"
                               "//host.example/:_password=cGFzcw==\n"
                               "//unset.example/:_authToken=${ISO_TEST_UNSET}\n"
                               "//empty.example/:_authToken=a${ISO_TEST_UNSET?}b\n"
                               "switch\n"
                               "[section]\n"
                               "registry=https://not.example/\n";
    static struct iso_npm_config config;
    char url[URL_SIZE], auth[ISO_NPM_AUTH_SIZE];
    struct iso_report report;
    CHECK(setenv("ISO_TEST_TOKEN", "secret", 1) == 0 &&
          setenv("ISO_TEST_HOST", "host.example", 1) == 0 && unsetenv("ISO_TEST_UNSET") == 0);
    iso_npm_config_init(&config);
    CHECK_OK(iso_npm_config_registry(&config, iso_str_from_z("a"), url, NULL));
    CHECK_STR(url, "https://registry.npmjs.org/");
    CHECK_OK(iso_npm_config_read(&config, iso_str_from_z(text)));
    CHECK_OK(iso_npm_config_registry(&config, iso_str_from_z("a"), url, NULL));
    CHECK_STR(url, "https://r.example/npm/");
    CHECK_OK(iso_npm_config_registry(&config, iso_str_from_z("@mine/a"), url, NULL));
    CHECK_STR(url, "https://mine.example/");
    CHECK_OK(iso_npm_config_registry(&config, iso_str_from_z("@other/a"), url, NULL));
    CHECK_STR(url, "https://r.example/npm/");

    check_auth(&config, "https://r.example/npm/", "Authorization: Bearer secret");
    check_auth(&config, "https://r.example/npm/a/-/a-1.tgz?x=/", "Authorization: Bearer secret");
    check_auth(&config, "https://r.example/other/a.tgz", "Authorization: Basic dTpw");
    check_auth(&config, "https://host.example/a", "Authorization: Basic dXNlcjpwYXNz");
    check_auth(&config, "https://empty.example/a", "Authorization: Bearer ab");
    check_auth(&config, "https://r.example.evil/npm/", "");
    check_auth(&config, "https://stranger.example/", "");
    iso_report_init(&report);
    CHECK_ERR(iso_npm_config_auth(&config, "https://unset.example/", auth, &report),
              ISO_E_ARGUMENT);
    CHECK_CONTAINS(report.text, "${ISO_TEST_UNSET}");
    iso_npm_config_fini(&config);

    iso_npm_config_init(&config);
    CHECK_OK(iso_npm_config_read(&config, iso_str_from_z("registry=ftp://x\n")));
    CHECK_ERR(iso_npm_config_registry(&config, iso_str_from_z("a"), url, NULL), ISO_E_ARGUMENT);
    iso_npm_config_fini(&config);
}

static void write_text(const char *dir, const char *name, const char *text)
{
    char path[256];
    (void)iso_format(path, sizeof path, "%s/%s", dir, name);
    CHECK_OK(iso_file_write_atomic(path, iso_bytes_from(text, strlen(text)), NULL));
}

TEST(the_environment_counts_more_than_the_project_and_that_more_than_the_user)
{
    static struct iso_npm_config config;
    char home[] = "/tmp/iso-npm-home-XXXXXX", project[] = "/tmp/iso-npm-project-XXXXXX";
    CHECK(mkdtemp(home) != NULL && mkdtemp(project) != NULL);
    CHECK(setenv("HOME", home, 1) == 0 && unsetenv("npm_config_registry") == 0 &&
          unsetenv("NPM_CONFIG_REGISTRY") == 0);
    write_text(home, ".npmrc", "registry=https://user/\nonly-user=1\n");
    write_text(project, ".npmrc", "registry=https://project/\n");
    for (unsigned step = 0; step < 3; step++) {
        static const char *const expected[] = {"https://user/", "https://project/", "https://env/"};
        if (step == 2) {
            CHECK(setenv("NPM_CONFIG_REGISTRY", "https://env/", 1) == 0);
        }
        iso_npm_config_init(&config);
        CHECK_OK(iso_npm_config_load(&config, step == 0 ? "" : project, NULL));
        CHECK_STR(iso_npm_config_get(&config, "registry"), expected[step]);
        CHECK_STR(iso_npm_config_get(&config, "only-user"), "1");
        iso_npm_config_fini(&config);
    }
    CHECK(unsetenv("NPM_CONFIG_REGISTRY") == 0);
    iso_tree_remove(home);
    iso_tree_remove(project);
}
