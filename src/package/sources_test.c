/* Fetching and pushing against a server of ours that plays npm's registry and an OCI one: what is
 * asked for, who gets credentials, what is refused, and jobs that are cancelled at any stage. */
#include "package/oci.h"

#include "net/http_client_test_support.h"
#include "package/archive_test_support.h"
#include "platform/platform.h"

#include <stdlib.h>
#include <unistd.h>

struct answer {
    const char *path;
    unsigned status; /* 0: never answered */
    struct iso_bytes body;
    const char *name, *value;  /* of a field */
    const char *authorization; /* what must be there; else 401 with `name` and `value` */
};

enum { ANSWERS_MAX = 8 };

struct fixture {
    struct net_test test;
    struct net_test_server server;
    struct iso_package_sources *sources;
    char dir[32];
    struct answer answers[ANSWERS_MAX];
    unsigned asked[ANSWERS_MAX];
    /* What came. */
    unsigned calls;
    enum iso_err err;
    struct iso_report report;
    char reference[512];
    size_t module_bytes;
    bool closed;
};

static void reply(struct fixture *f, struct iso_http_request *req, const struct answer *answer,
                  unsigned status)
{
    const struct iso_http_field field = {answer->name, answer->value};
    const struct iso_http_response response = {.status = status,
                                               .content_type = "application/octet-stream",
                                               .body = answer->body,
                                               .fields = &field,
                                               .field_count = answer->name != NULL ? 1 : 0};
    iso_http_respond(f->server.server, iso_http_request_id(req), &response);
}

static void play(struct net_test_server *server, struct iso_http_request *req)
{
    struct fixture *f = server->user;
    const struct iso_str path = iso_http_request_path(req);
    struct iso_str authorization = {0};
    (void)iso_http_request_header(req, "Authorization", &authorization);
    for (size_t i = 0; i < ANSWERS_MAX && f->answers[i].path != NULL; i++) {
        const struct answer *answer = &f->answers[i];
        if (!iso_str_equal_z(path, answer->path)) {
            continue;
        }
        f->asked[i]++;
        if (answer->authorization != NULL &&
            !iso_str_equal_z(authorization, answer->authorization)) {
            reply(f, req, answer, 401);
        } else if (answer->status != 0) {
            reply(f, req, answer, answer->status);
        }
        return;
    }
    net_test_server_say(server, req, 404, "no");
}

static void open_sources(struct fixture *f, uint32_t total_ms)
{
    const struct iso_package_sources_config config = {.loop = &f->test.loop,
                                                      .http = f->test.client,
                                                      .project_dir = f->dir,
                                                      .max_bytes = 1 << 20,
                                                      .total_ms = total_ms};
    CHECK_OK(iso_package_sources_create(&config, &f->sources, NULL));
    const struct iso_package_registry registries[] = {
        {.alias = "lab", .url = f->server.base},
        {.alias = "closed", .url = f->server.base, .username = "user", .password = "pass"}};
    CHECK_OK(iso_package_sources_set_registries(f->sources, registries, 2, NULL));
}

static void setup(struct fixture *f)
{
    char text[256], path[64];
    *f = (struct fixture){.dir = "/tmp/iso-sources-XXXXXX"};
    CHECK(mkdtemp(f->dir) != NULL && setenv("HOME", f->dir, 1) == 0 &&
          unsetenv("npm_config_registry") == 0 && unsetenv("NPM_CONFIG_REGISTRY") == 0);
    net_test_init(&f->test, NULL);
    net_test_server_open(&f->test, &f->server, false, NULL, play);
    f->server.user = f;
    (void)iso_format(text, sizeof text, "registry=%s/npm\n%s/npm/:_authToken=secret\n",
                     f->server.base, f->server.base + strlen("http:"));
    (void)iso_format(path, sizeof path, "%s/.npmrc", f->dir);
    CHECK_OK(iso_file_write_atomic(path, iso_bytes_from(text, strlen(text)), NULL));
    open_sources(f, 0);
}

static void on_closed(void *ctx)
{
    struct fixture *f = ctx;
    f->closed = true;
}

static void teardown(struct fixture *f)
{
    iso_package_sources_close(f->sources, on_closed, f);
    CHECK(!f->closed);
    while (!f->closed) {
        (void)uv_run(&f->test.loop, UV_RUN_ONCE);
    }
    net_test_server_close(&f->test, &f->server);
    net_test_fini(&f->test);
    iso_tree_remove(f->dir);
}

static void on_fetched(void *ctx, uint64_t id, enum iso_err err, struct iso_package *package,
                       const struct iso_report *report)
{
    struct fixture *f = ctx;
    CHECK(id != 0);
    CHECK((err == ISO_OK) == (package != NULL));
    f->calls++;
    f->err = err;
    f->report = *report;
    if (package != NULL) {
        (void)iso_format(f->reference, sizeof f->reference, "%.*s", (int)package->reference.len,
                         package->reference.ptr);
        f->module_bytes = package->module.len;
    }
    iso_package_destroy(package);
}

static uint64_t start(struct fixture *f, const char *reference)
{
    uint64_t id;
    f->calls = 0;
    CHECK_OK(
        iso_package_fetch(f->sources, iso_str_from_z(reference), f->dir, on_fetched, f, &id, NULL));
    CHECK_EQ_U64(f->calls, 0);
    return id;
}

static void fetch(struct fixture *f, const char *reference)
{
    (void)start(f, reference);
    net_test_until(&f->test, &f->calls, 1);
}

#define CHECK_FAILED(f, expected, message)                                                         \
    do {                                                                                           \
        CHECK_ERR((f)->err, expected);                                                             \
        CHECK_CONTAINS((f)->report.text, message);                                                 \
    } while (0)

/* ---- file ---------------------------------------------------------------------------------------
 */

static void write_file(const struct fixture *f, const char *name, struct iso_bytes bytes)
{
    char path[128];
    (void)iso_format(path, sizeof path, "%s/%s", f->dir, name);
    CHECK_OK(iso_file_write_atomic(path, bytes, NULL));
}

static void make_dir(const struct fixture *f, const char *name)
{
    char path[128];
    (void)iso_format(path, sizeof path, "%s/%s", f->dir, name);
    CHECK_OK(iso_dir_make(path, NULL));
}

TEST(files_and_folders)
{
    struct fixture f;
    setup(&f);
    make_dir(&f, "camera");
    make_dir(&f, "two");
    make_dir(&f, "none");
    write_file(&f, "camera/camera.wasm", archive_test_module);
    write_file(&f, "camera/other.wasm", archive_test_module);
    write_file(&f, "two/a.wasm", archive_test_module);
    write_file(&f, "one.wasm", archive_test_module);
    write_file(&f, "bad.wasm", iso_bytes_from("no", 2));
    fetch(&f, "file:camera");
    CHECK_OK(f.err);
    CHECK_CONTAINS(f.reference, "/camera/camera.wasm");
    CHECK(strncmp(f.reference, "file:/", 6) == 0);
    fetch(&f, "file:two");
    CHECK_OK(f.err);
    CHECK_CONTAINS(f.reference, "/two/a.wasm");
    fetch(&f, "file:one");
    CHECK_OK(f.err);
    fetch(&f, "file:one.wasm");
    CHECK_OK(f.err);
    write_file(&f, "two/b.wasm", archive_test_module);
    fetch(&f, "file:two");
    CHECK_FAILED(&f, ISO_E_NOT_FOUND, "several modules");
    fetch(&f, "file:none");
    CHECK_FAILED(&f, ISO_E_NOT_FOUND, "is it built?");
    fetch(&f, "file:missing");
    CHECK_FAILED(&f, ISO_E_NOT_FOUND, "missing");
    fetch(&f, "file:bad.wasm");
    CHECK_FAILED(&f, ISO_E_INVALID, "not a WebAssembly module");
    teardown(&f);
}

TEST(what_is_beside_a_file_comes_with_it)
{
    struct fixture f;
    struct iso_package *package;
    struct iso_reference reference;
    setup(&f);
    write_file(&f, "a.wasm", archive_test_module);
    write_file(&f, "a.wit", iso_bytes_from("world a {}", 10));
    write_file(&f, "a.wasm.minisig", iso_bytes_from("sig", 3));
    write_file(&f, "package.json", iso_bytes_from("{\"license\": \"MIT\"}", 18));
    CHECK_OK(iso_reference_parse(iso_str_from_z("file:a.wasm"), &reference, NULL));
    CHECK_OK(iso_package_read_file(&reference, f.dir, &package, NULL));
    CHECK(iso_bytes_equal(package->wit, iso_bytes_from("world a {}", 10)));
    CHECK(iso_str_equal_z(package->wit_name, "a.wit"));
    CHECK(iso_bytes_equal(package->signature, iso_bytes_from("sig", 3)));
    CHECK(iso_str_equal_z(package->info.licence, "MIT"));
    iso_package_destroy(package);
    teardown(&f);
}

/* ---- https --------------------------------------------------------------------------------------
 */

#define DIGEST "#sha256:93a44bbb96c751218e4c00d479e4c14358122a389acca16205b1e4d0dc5f9476"

TEST(https_leads_to_public_addresses_only)
{
    struct fixture f;
    char reference[256];
    setup(&f);
    (void)iso_format(reference, sizeof reference, "https://127.0.0.1:%u/a.wasm" DIGEST,
                     f.server.port);
    fetch(&f, reference);
    CHECK_FAILED(&f, ISO_E_REFUSED, "not of the public Internet");
    fetch(&f, "https://[::1]:1/a.wasm" DIGEST);
    CHECK_FAILED(&f, ISO_E_REFUSED, "not of the public Internet");
    CHECK_EQ_U64(f.server.requests, 0);
    teardown(&f);
}

TEST(what_cannot_be_fetched_is_told_at_once)
{
    struct fixture f;
    uint64_t id;
    struct iso_report report;
    setup(&f);
    iso_report_init(&report);
    CHECK_ERR(iso_package_fetch(f.sources, iso_str_from_z("screen@1.0.0"), NULL, on_fetched, &f,
                                &id, &report),
              ISO_E_ARGUMENT);
    CHECK_CONTAINS(report.text, "store");
    CHECK_ERR(iso_package_fetch(f.sources, iso_str_from_z("x:y"), NULL, on_fetched, &f, &id, NULL),
              ISO_E_ARGUMENT);
    teardown(&f);
}

/* ---- npm ----------------------------------------------------------------------------------------
 */

struct npm {
    struct iso_buf tarball;
    char packument[2048];
};

static void make_npm(struct fixture *f, struct npm *npm, const char *tarball_url)
{
    const struct archive_test_file file = {"package/a.wasm", archive_test_module, NULL, NULL};
    char integrity[128];
    iso_buf_init(&npm->tarball, iso_alloc_libc(), SIZE_MAX);
    archive_test_pack(&file, 1, &npm->tarball);
    archive_test_integrity(iso_buf_view(&npm->tarball), integrity);
    const size_t len =
        iso_format(npm->packument, sizeof npm->packument,
                   "{\"dist-tags\": {\"latest\": \"1.0.0\"}, \"versions\": {\"1.0.0\": {\"dist\": "
                   "{\"tarball\": "
                   "\"%s%s\", \"integrity\": \"%s\"}}}}",
                   tarball_url[0] == '/' ? f->server.base : "", tarball_url, integrity);
    f->answers[0] = (struct answer){.path = "/npm/@s%2fa",
                                    .status = 200,
                                    .body = iso_bytes_from(npm->packument, len),
                                    .authorization = "Bearer secret"};
    f->answers[1] =
        (struct answer){.path = "/npm/a.tgz", .status = 200, .body = iso_buf_view(&npm->tarball)};
}

TEST(npm_fetches_what_its_integrity_says)
{
    struct fixture f;
    struct npm npm;
    setup(&f);
    make_npm(&f, &npm, "/npm/a.tgz");
    f.answers[1].authorization = "Bearer secret"; /* the tarball needs it too */
    fetch(&f, "npm:@s/a@^1/a.wasm");
    CHECK_STR(f.err == ISO_OK ? "" : f.report.text, "");
    CHECK_STR(f.reference, "npm:@s/a@1.0.0/a.wasm");
    CHECK_EQ_U64(f.module_bytes, 8);

    fetch(&f, "npm:@s/a@2/a.wasm");
    CHECK_FAILED(&f, ISO_E_NOT_FOUND, "no version '2'");
    fetch(&f, "npm:@s/a/b.wasm");
    CHECK_FAILED(&f, ISO_E_NOT_FOUND, "its modules are: a.wasm");
    fetch(&f, "npm:@s/nothing/b.wasm");
    CHECK_FAILED(&f, ISO_E_NOT_FOUND, "404");
    npm.tarball.ptr[npm.tarball.len - 5] ^= 1;
    fetch(&f, "npm:@s/a/a.wasm");
    CHECK_FAILED(&f, ISO_E_INVALID, "its integrity is another one");
    iso_buf_fini(&npm.tarball);
    teardown(&f);
}

TEST(npm_registries_lead_nowhere_else)
{
    struct fixture f;
    struct npm npm;
    struct net_test_server other;
    char url[128];
    setup(&f);
    net_test_server_open(&f.test, &other, false, NULL, play);
    other.user = &f;
    (void)iso_format(url, sizeof url, "%s/npm/a.tgz", other.base);
    make_npm(&f, &npm, url);
    fetch(&f, "npm:@s/a/a.wasm"); /* another host: a private address */
    CHECK_FAILED(&f, ISO_E_REFUSED, "not of the public Internet");
    CHECK_EQ_U64(other.requests, 0);
    f.answers[0].status = 302; /* and a redirect there */
    f.answers[0].name = "Location";
    f.answers[0].value = url;
    fetch(&f, "npm:@s/a/a.wasm");
    CHECK_FAILED(&f, ISO_E_REFUSED, "not of the public Internet");
    CHECK_EQ_U64(other.requests, 0);
    net_test_server_close(&f.test, &other);
    iso_buf_fini(&npm.tarball);
    teardown(&f);
}

TEST(npm_registries_that_answer_nonsense)
{
    struct fixture f;
    static uint8_t large[(1 << 20) + 1];
    struct npm npm;
    setup(&f);
    make_npm(&f, &npm, "/npm/a.tgz");
    const struct answer packument = f.answers[0];
    f.answers[0].body = iso_bytes_from("<html>", 6);
    fetch(&f, "npm:@s/a/a.wasm");
    CHECK_FAILED(&f, ISO_E_MALFORMED, "no JSON document");
    f.answers[0].status = 500;
    fetch(&f, "npm:@s/a/a.wasm");
    CHECK_FAILED(&f, ISO_E_IO, "500");
    f.answers[0] = packument;
    f.answers[1].body = iso_bytes_from(large, sizeof large);
    fetch(&f, "npm:@s/a/a.wasm");
    CHECK_FAILED(&f, ISO_E_LIMIT, "too large");
    f.answers[0].authorization = "Bearer other";
    fetch(&f, "npm:@s/a/a.wasm");
    CHECK_FAILED(&f, ISO_E_ACCESS, "401");
    iso_buf_fini(&npm.tarball);
    teardown(&f);
}

/* ---- oci ----------------------------------------------------------------------------------------
 */

struct oci {
    struct iso_buf config, document;
    char path[128], blob[128], digest[ISO_DIGEST_TEXT_SIZE];
};

static void make_oci(struct fixture *f, struct oci *oci)
{
    struct iso_package *package = iso_package_new();
    uint8_t digest[ISO_SHA256_SIZE];
    CHECK(package != NULL);
    iso_buf_init(&oci->config, iso_alloc_libc(), SIZE_MAX);
    iso_buf_init(&oci->document, iso_alloc_libc(), SIZE_MAX);
    iso_sha256(archive_test_module.ptr, archive_test_module.len, package->digest);
    CHECK_OK(iso_oci_config_write(package->digest, &oci->config));
    CHECK_OK(iso_oci_manifest_write(iso_buf_view(&oci->config), archive_test_module.len, package,
                                    &oci->document));
    iso_digest_text(package->digest, oci->digest);
    (void)iso_format(oci->blob, sizeof oci->blob, "/v2/n/m/blobs/%s", oci->digest);
    iso_sha256(oci->document.ptr, oci->document.len, digest);
    iso_digest_text(digest, oci->digest);
    (void)iso_format(oci->path, sizeof oci->path, "/v2/n/m/manifests/%s", oci->digest);
    f->answers[0] = (struct answer){
        .path = "/v2/n/m/manifests/1", .status = 200, .body = iso_buf_view(&oci->document)};
    f->answers[1] = (struct answer){.path = oci->blob, .status = 200, .body = archive_test_module};
    f->answers[2] = f->answers[0];
    f->answers[2].path = oci->path;
    iso_package_destroy(package);
}

static void oci_fini(struct oci *oci)
{
    iso_buf_fini(&oci->config);
    iso_buf_fini(&oci->document);
}

TEST(oci_pulls_by_tag_and_by_digest)
{
    struct fixture f;
    struct oci oci;
    char reference[256], text[512];
    setup(&f);
    make_oci(&f, &oci);
    (void)iso_format(reference, sizeof reference, "oci:lab/n/m@%s", oci.digest);
    fetch(&f, "oci:lab/n/m:1");
    CHECK_STR(f.err == ISO_OK ? "" : f.report.text, "");
    CHECK_STR(f.reference, reference);
    fetch(&f, reference);
    CHECK_OK(f.err);
    CHECK_STR(f.reference, reference);

    const size_t len = iso_format(text, sizeof text,
                                  "{\"schemaVersion\": 2, \"manifests\": [{\"mediaType\": \"%s\", "
                                  "\"digest\": \"%s\", \"size\": 1}]}",
                                  ISO_OCI_MANIFEST, oci.digest);
    f.answers[0].body = iso_bytes_from(text, len); /* an index with one manifest */
    fetch(&f, "oci:lab/n/m:1");
    CHECK_OK(f.err);
    f.answers[2].body = iso_bytes_from(text, len); /* which is not what it says */
    fetch(&f, "oci:lab/n/m:1");
    CHECK_FAILED(&f, ISO_E_INVALID, "another digest");
    fetch(&f, reference);
    CHECK_FAILED(&f, ISO_E_INVALID, "another digest");
    oci_fini(&oci);
    teardown(&f);
}

TEST(oci_registries_that_do_wrong)
{
    struct fixture f;
    struct oci oci;
    setup(&f);
    make_oci(&f, &oci);
    f.answers[1].body = iso_bytes_from("\0asm\1\0\0\1", 8);
    fetch(&f, "oci:lab/n/m:1");
    CHECK_FAILED(&f, ISO_E_INVALID, "another digest");
    f.answers[1].body = iso_bytes_from("\0asm\1\0\0\0longer", 14);
    fetch(&f, "oci:lab/n/m:1");
    CHECK_FAILED(&f, ISO_E_INVALID, "14 bytes, its manifest says 8");
    f.answers[1].status = 404;
    fetch(&f, "oci:lab/n/m:1");
    CHECK_FAILED(&f, ISO_E_NOT_FOUND, "404");
    f.answers[0].body = iso_bytes_from("{}", 2);
    fetch(&f, "oci:lab/n/m:1");
    CHECK_FAILED(&f, ISO_E_MALFORMED, "no manifest");
    fetch(&f, "oci:lab/n/m:2");
    CHECK_FAILED(&f, ISO_E_NOT_FOUND, "404");
    fetch(&f, "oci:nowhere/n/m:2");
    CHECK_FAILED(&f, ISO_E_NOT_FOUND, "there are: lab, closed");
    oci_fini(&oci);
    teardown(&f);
}

/* "dXNlcjpwYXNz" is "user:pass". */
TEST(credentials_are_shown_when_the_registry_asks_and_to_it_alone)
{
    struct fixture f;
    struct oci oci;
    char challenge[256];
    setup(&f);
    make_oci(&f, &oci);
    for (size_t i = 0; i < 2; i++) {
        f.answers[i].name = "WWW-Authenticate";
        f.answers[i].value = "Basic realm=\"test\"";
        f.answers[i].authorization = "Basic dXNlcjpwYXNz";
    }
    fetch(&f, "oci:closed/n/m:1");
    CHECK_STR(f.err == ISO_OK ? "" : f.report.text, "");
    CHECK_EQ_U64(f.asked[0], 2);
    CHECK_EQ_U64(f.asked[1], 1); /* once known, it is shown at once */
    fetch(&f, "oci:lab/n/m:1");
    CHECK_FAILED(&f, ISO_E_ACCESS, "there are none");
    f.answers[0].authorization = "Basic other";
    fetch(&f, "oci:closed/n/m:1");
    CHECK_FAILED(&f, ISO_E_ACCESS, "refuses the credentials");

    (void)iso_format(challenge, sizeof challenge, "Bearer realm=\"%s/token\",service=\"s\"",
                     f.server.base);
    for (size_t i = 0; i < 2; i++) {
        f.answers[i].value = challenge;
        f.answers[i].authorization = "Bearer abc";
    }
    f.answers[3] = (struct answer){.path = "/token",
                                   .status = 200,
                                   .body = iso_bytes_from("{\"token\": \"abc\"}", 16),
                                   .authorization = "Basic dXNlcjpwYXNz"};
    fetch(&f, "oci:closed/n/m:1");
    CHECK_STR(f.err == ISO_OK ? "" : f.report.text, "");
    CHECK_EQ_U64(f.asked[3], 1);
    fetch(&f, "oci:lab/n/m:1"); /* anonymous: the token is refused */
    CHECK_FAILED(&f, ISO_E_ACCESS, "401");
    const struct answer token = f.answers[3];
    f.answers[3].authorization = NULL;
    fetch(&f, "oci:lab/n/m:1"); /* or given */
    CHECK_OK(f.err);
    f.answers[3] = token;
    f.answers[0].value = f.answers[1].value = "Bearer realm=\"http://127.0.0.2/token\"";
    fetch(&f, "oci:closed/n/m:1");
    CHECK_FAILED(&f, ISO_E_REFUSED, "neither itself nor reached over https");
    f.answers[0].value = f.answers[1].value = "Bearer realm=\"https://127.0.0.2/token\"";
    fetch(&f, "oci:closed/n/m:1");
    CHECK_FAILED(&f, ISO_E_REFUSED, "not of the public Internet");
    oci_fini(&oci);
    teardown(&f);
}

static void on_pushed(void *ctx, uint64_t id, enum iso_err err, struct iso_str reference,
                      const struct iso_report *report)
{
    struct fixture *f = ctx;
    CHECK(id != 0);
    f->calls++;
    f->err = err;
    f->report = *report;
    (void)iso_format(f->reference, sizeof f->reference, "%.*s", (int)reference.len, reference.ptr);
}

static void push(struct fixture *f, const char *reference, struct iso_bytes module)
{
    uint64_t id;
    f->calls = 0;
    CHECK_OK(iso_package_push(f->sources, iso_str_from_z(reference), module, NULL,
                              iso_bytes_from(NULL, 0), on_pushed, f, &id, NULL));
    CHECK_EQ_U64(f->calls, 0);
    net_test_until(&f->test, &f->calls, 1);
}

TEST(a_push_sends_what_is_missing_and_nothing_elsewhere)
{
    struct fixture f;
    struct oci oci;
    char config[128], reference[256];
    uint8_t digest[ISO_SHA256_SIZE];
    char hex[ISO_DIGEST_TEXT_SIZE];
    uint64_t id;
    setup(&f);
    make_oci(&f, &oci);
    iso_sha256(oci.config.ptr, oci.config.len, digest);
    iso_digest_text(digest, hex);
    (void)iso_format(config, sizeof config, "/v2/n/m/blobs/%s", hex);
    f.answers[0].status = 201;
    f.answers[3] = (struct answer){
        .path = "/v2/n/m/blobs/uploads/", .status = 202, .name = "Location", .value = "/up?x=1"};
    f.answers[4] = (struct answer){.path = "/up", .status = 201};
    push(&f, "oci:lab/n/m:1", archive_test_module); /* the module is there, its config is not */
    CHECK_STR(f.err == ISO_OK ? "" : f.report.text, "");
    (void)iso_format(reference, sizeof reference, "oci:lab/n/m@%s", oci.digest);
    CHECK_STR(f.reference, reference);
    CHECK_EQ_U64(f.asked[4], 1);
    CHECK_EQ_U64(f.asked[0], 1);

    f.answers[3].value = "http://127.0.0.2:1/up";
    push(&f, "oci:lab/n/m:1", archive_test_module);
    CHECK_FAILED(&f, ISO_E_REFUSED, "another host");
    f.answers[3].value = "/up";
    f.answers[0].status = 400;
    f.answers[0].body = iso_bytes_from("bad manifest", 12);
    push(&f, "oci:lab/n/m:1", archive_test_module);
    CHECK_FAILED(&f, ISO_E_IO, "400 to the manifest: bad manifest");
    push(&f, "oci:lab/n/m:1", iso_bytes_from("no module", 9));
    CHECK_FAILED(&f, ISO_E_INVALID, "not a WebAssembly module");
    CHECK_ERR(iso_package_push(f.sources, iso_str_from_z(reference), archive_test_module, NULL,
                               iso_bytes_from(NULL, 0), on_pushed, &f, &id, NULL),
              ISO_E_ARGUMENT);
    oci_fini(&oci);
    teardown(&f);
}

/* ---- Jobs ---------------------------------------------------------------------------------------
 */

TEST(jobs_are_cancelled_at_every_stage)
{
    static const char *const references[] = {"file:a.wasm", "oci:lab/n/m:1", "npm:@s/a/a.wasm"};
    for (size_t i = 0; i < ISO_COUNT_OF(references); i++) {
        for (unsigned turns = 0; turns < 12; turns++) {
            struct fixture f;
            struct oci oci;
            setup(&f);
            write_file(&f, "a.wasm", archive_test_module);
            make_oci(&f, &oci);
            const uint64_t id = start(&f, references[i]);
            for (unsigned turn = 0; turn < turns && f.calls == 0; turn++) {
                (void)uv_run(&f.test.loop, UV_RUN_ONCE);
            }
            const unsigned before = f.calls;
            iso_package_cancel(f.sources, id);
            iso_package_cancel(f.sources, id);
            CHECK_EQ_U64(f.calls, before);
            net_test_until(&f.test, &f.calls, 1);
            CHECK(before == 1 || f.err == ISO_E_STATE);
            iso_package_cancel(f.sources, id);
            oci_fini(&oci);
            teardown(&f);
            CHECK_EQ_U64(f.calls, 1);
        }
    }
}

TEST(closing_ends_what_is_under_way_and_what_waits)
{
    struct fixture f;
    setup(&f);
    f.answers[0] = (struct answer){.path = "/v2/n/m/manifests/1"}; /* never answered */
    for (unsigned i = 0; i < ISO_PACKAGE_MAX_FETCHES + 10; i++) {
        (void)start(&f, "oci:lab/n/m:1");
    }
    net_test_until(&f.test, &f.asked[0], 3);
    f.calls = 0;
    teardown(&f);
    CHECK_EQ_U64(f.calls, ISO_PACKAGE_MAX_FETCHES + 10);
    CHECK_ERR(f.err, ISO_E_STATE);
}

/* More than all that may be under way wait for a host that accepts and says nothing; one from
 * elsewhere comes at once. */
TEST(a_silent_host_holds_no_other)
{
    struct fixture f;
    setup(&f);
    write_file(&f, "a.wasm", archive_test_module);
    f.answers[0] = (struct answer){.path = "/v2/n/m/manifests/1"}; /* never answered */
    f.answers[1] = (struct answer){.path = "/npm/b", .status = 404};
    for (unsigned i = 0; i < ISO_PACKAGE_MAX_FETCHES + 10; i++) {
        (void)start(&f, i % 2 == 0 ? "oci:lab/n/m:1" : "oci:closed/n/m:1"); /* the same host */
    }
    fetch(&f, "file:a.wasm");
    CHECK_OK(f.err);
    fetch(&f, "npm:b/a.wasm");
    CHECK_ERR(f.err, ISO_E_NOT_FOUND);
    CHECK(f.asked[0] <= ISO_PACKAGE_MAX_AT_PLACE);
    teardown(&f);
}

TEST(a_job_ends_at_its_deadline)
{
    struct fixture f;
    setup(&f);
    iso_package_sources_close(f.sources, NULL, NULL);
    open_sources(&f, 50);
    f.answers[0] = (struct answer){.path = "/v2/n/m/manifests/1"}; /* never answered */
    fetch(&f, "oci:lab/n/m:1");
    CHECK_FAILED(&f, ISO_E_IO, "takes longer");
    teardown(&f);
}

TEST(registries_are_checked)
{
    static const struct {
        struct iso_package_registry registry;
        const char *message; /* NULL: good */
    } cases[] = {
        {{.alias = "a", .url = "https://r.example"}, NULL},
        {{.alias = "a", .url = "https://r.example:5000/"}, NULL},
        {{.alias = "a", .url = "http://localhost:5000"}, NULL},
        {{.alias = "a", .url = "http://127.0.0.1"}, NULL},
        {{.alias = "a", .url = "http://[::1]:5000"}, NULL},
        {{.alias = "a", .url = "http://r.example", .plain_http = true}, NULL},
        {{.alias = "a", .url = "http://r.example"}, "without encryption"},
        {{.alias = "a", .url = "http://localhost.example"}, "without encryption"},
        {{.alias = "a", .url = "http://127.0.0.1.example"}, "without encryption"},
        {{.alias = "A", .url = "https://r.example"}, "not an alias"},
        {{.alias = "a", .url = "r.example"}, "is no address"},
        {{.alias = "a", .url = "https://"}, "is no address"},
        {{.alias = "a", .url = "https://user:pw@r.example"}, "is no address"},
    };
    struct fixture f;
    setup(&f);
    for (size_t i = 0; i < ISO_COUNT_OF(cases); i++) {
        struct iso_report report;
        iso_report_init(&report);
        const enum iso_err err =
            iso_package_sources_set_registries(f.sources, &cases[i].registry, 1, &report);
        if (cases[i].message == NULL
                ? err != ISO_OK
                : err != ISO_E_ARGUMENT || strstr(report.text, cases[i].message) == NULL) {
            TEST_FAIL("%s: %s", cases[i].registry.url, report.text);
        }
    }
    const struct iso_package_registry twice[] = {{.alias = "a", .url = "https://x"},
                                                 {.alias = "a", .url = "https://y"}};
    CHECK_ERR(iso_package_sources_set_registries(f.sources, twice, 2, NULL), ISO_E_ARGUMENT);
    teardown(&f);
}
