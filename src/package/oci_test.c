/* OCI registries: manifests and indexes, what we write is what we read, challenges and tokens. */
#include "package/oci.h"

#include "base/test.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define LAYER(type) "{\"mediaType\": \"" type "\", \"digest\": \"sha256:" HEX "\", \"size\": 10}"

static enum iso_err read_manifest(const char *json, struct iso_oci_manifest *out,
                                  struct iso_report *report)
{
    struct iso_package *package = iso_package_new();
    CHECK(package != NULL);
    iso_report_init(report);
    const enum iso_err err =
        iso_oci_manifest_read(iso_bytes_from(json, strlen(json)), 100, package, out, report);
    iso_package_destroy(package);
    return err;
}

TEST(manifests_and_indexes_are_told_apart)
{
    struct iso_oci_manifest manifest;
    struct iso_report report;
    CHECK_OK(read_manifest("{\"schemaVersion\": 2, \"layers\": [" LAYER("text/plain") ", " LAYER(
                               ISO_OCI_WASM_LAYER) "]}",
                           &manifest, &report));
    CHECK(!manifest.is_index);
    CHECK_EQ_U64(manifest.size_bytes, 10);
    CHECK(manifest.digest[1] == 0x23);
    CHECK_OK(read_manifest("{\"schemaVersion\": 2, \"manifests\": [" LAYER(ISO_OCI_MANIFEST) "]}",
                           &manifest, &report));
    CHECK(manifest.is_index);
}

TEST(documents_that_are_no_module_are_refused)
{
    static const struct {
        const char *json;
        enum iso_err err;
        const char *message;
    } cases[] = {
        {"", ISO_E_MALFORMED, "no manifest"},
        {"[]", ISO_E_MALFORMED, "no manifest"},
        {"{\"schemaVersion\": 1, \"layers\": []}", ISO_E_MALFORMED, "no manifest"},
        {"{\"schemaVersion\": 2, \"schemaVersion\": 2, \"layers\": []}", ISO_E_MALFORMED,
         "no manifest"},
        {"{\"schemaVersion\": 2, \"layers\": [], \"manifests\": []}", ISO_E_MALFORMED,
         "no manifest"},
        {"{\"schemaVersion\": 2, \"layers\": []}", ISO_E_INVALID, "no WebAssembly"},
        {"{\"schemaVersion\": 2, \"layers\": [1, null]}", ISO_E_INVALID, "no WebAssembly"},
        {"{\"schemaVersion\": 2, \"layers\": [" LAYER("application/gzip") "]}", ISO_E_INVALID,
         "application/gzip"},
        {"{\"schemaVersion\": 2, \"layers\": [{\"mediaType\": \"application/wasm\", \"size\": 1}]}",
         ISO_E_MALFORMED, "digest"},
        {"{\"schemaVersion\": 2, \"layers\": [{\"mediaType\": \"application/wasm\", \"size\": 1, "
         "\"digest\": \"md5:x\"}]}",
         ISO_E_MALFORMED, "digest"},
        {"{\"schemaVersion\": 2, \"layers\": [{\"mediaType\": \"application/wasm\", \"size\": 101, "
         "\"digest\": \"sha256:" HEX "\"}]}",
         ISO_E_LIMIT, "101 bytes"},
        {"{\"schemaVersion\": 2, \"layers\": [{\"mediaType\": \"application/wasm\", \"size\": -1, "
         "\"digest\": \"sha256:" HEX "\"}]}",
         ISO_E_MALFORMED, "size"},
        {"{\"schemaVersion\": 2, \"manifests\": []}", ISO_E_INVALID, "0 manifests"},
        {"{\"schemaVersion\": 2, \"manifests\": [1, 2]}", ISO_E_INVALID, "2 manifests"},
        {"{\"schemaVersion\": 2, \"manifests\": [{}]}", ISO_E_MALFORMED, "without a digest"},
    };
    for (size_t i = 0; i < ISO_COUNT_OF(cases); i++) {
        struct iso_oci_manifest manifest;
        struct iso_report report;
        const enum iso_err err = read_manifest(cases[i].json, &manifest, &report);
        if (err != cases[i].err || strstr(report.text, cases[i].message) == NULL) {
            TEST_FAIL("%s: %s: %s", cases[i].json, iso_err_name(err), report.text);
        }
    }
}

TEST(what_we_write_is_what_we_read)
{
    struct iso_package *package = iso_package_new(), *again = iso_package_new();
    struct iso_buf config, document;
    struct iso_oci_manifest manifest;
    iso_buf_init(&config, iso_alloc_libc(), SIZE_MAX);
    iso_buf_init(&document, iso_alloc_libc(), SIZE_MAX);
    package->info.description = iso_str_from_z("a \"test\"");
    package->info.licence = iso_str_from_z("MIT");
    package->signature = iso_bytes_from("four\nlines\n", 11);
    memset(package->digest, 7, sizeof package->digest);
    CHECK_OK(iso_oci_config_write(package->digest, &config));
    CHECK_OK(iso_oci_manifest_write(iso_buf_view(&config), 10, package, &document));
    CHECK_OK(iso_oci_manifest_read(iso_buf_view(&document), 100, again, &manifest, NULL));
    CHECK_MEM(manifest.digest, package->digest, sizeof manifest.digest);
    CHECK_EQ_U64(manifest.size_bytes, 10);
    CHECK(iso_str_equal(again->info.description, package->info.description));
    CHECK(iso_str_equal(again->info.licence, package->info.licence));
    CHECK(iso_bytes_equal(again->signature, package->signature));
    iso_buf_fini(&config);
    iso_buf_fini(&document);
    iso_package_destroy(package);
    iso_package_destroy(again);
}

TEST(challenges_are_understood)
{
    static const struct {
        const char *field;
        enum iso_oci_scheme scheme;
        const char *realm;
        const char *service;
        const char *scope;
    } cases[] = {
        {"Bearer realm=\"https://a/t\",service=\"s\",scope=\"repository:x:pull\"", ISO_OCI_BEARER,
         "https://a/t", "s", "repository:x:pull"},
        {"bearer  REALM=https://a , service=\"a \\\"b\\\"\"", ISO_OCI_BEARER, "https://a",
         "a \"b\"", ""},
        {"Basic realm=\"r\"", ISO_OCI_BASIC, "r", "", ""},
        {"Basic realm=\"r\", Bearer realm=\"https://t\"", ISO_OCI_BEARER, "https://t", "", ""},
        {"Bearer realm=\"https://t\", Basic realm=\"r\"", ISO_OCI_BEARER, "https://t", "", ""},
        {"Bearer", ISO_OCI_NONE, "", "", ""},
        {"Bearer service=\"s\", Basic", ISO_OCI_BASIC, "", "", ""},
        {"Digest realm=\"r\", nonce=\"n\"", ISO_OCI_NONE, "", "", ""},
        {"", ISO_OCI_NONE, "", "", ""},
        {"\"\"\",,==", ISO_OCI_NONE, "", "", ""},
        {"Bearer realm=\"unterminated", ISO_OCI_BEARER, "unterminated", "", ""},
    };
    for (size_t i = 0; i < ISO_COUNT_OF(cases); i++) {
        struct iso_oci_challenge challenge = {.scheme = ISO_OCI_NONE};
        iso_oci_challenge_read(iso_str_from_z(cases[i].field), &challenge);
        if (challenge.scheme != cases[i].scheme || strcmp(challenge.realm, cases[i].realm) != 0 ||
            strcmp(challenge.service, cases[i].service) != 0 ||
            strcmp(challenge.scope, cases[i].scope) != 0) {
            TEST_FAIL("%s: %d '%s' '%s' '%s'", cases[i].field, (int)challenge.scheme,
                      challenge.realm, challenge.service, challenge.scope);
        }
    }
}

TEST(tokens_are_asked_for_and_read)
{
    const struct iso_oci_challenge challenge = {
        .scheme = ISO_OCI_BEARER, .realm = "https://a/t?x=1", .service = "a b"};
    char url[2 * URL_SIZE];
    static char auth[ISO_OCI_AUTH_SIZE];
    CHECK_OK(iso_oci_token_url(&challenge, "repository:n/m:pull,push", url));
    CHECK_STR(url, "https://a/t?x=1&service=a%20b&scope=repository%3An%2Fm%3Apull%2Cpush");
    static const struct {
        const char *json;
        const char *auth; /* NULL: none */
    } cases[] = {{"{\"token\": \"abc\"}", "Authorization: Bearer abc"},
                 {"{\"access_token\": \"abc\", \"expires_in\": 300}", "Authorization: Bearer abc"},
                 {"{\"token\": \"\"}", NULL},
                 {"{\"token\": \"a\\r\\nX: y\"}", NULL},
                 {"{\"token\": 1}", NULL},
                 {"nonsense", NULL}};
    for (size_t i = 0; i < ISO_COUNT_OF(cases); i++) {
        const enum iso_err err =
            iso_oci_token_read(iso_bytes_from(cases[i].json, strlen(cases[i].json)), auth);
        CHECK_ERR(err, cases[i].auth != NULL ? ISO_OK : ISO_E_MALFORMED);
        if (cases[i].auth != NULL) {
            CHECK_STR(auth, cases[i].auth);
        }
    }
    const struct iso_job_registry registry = {.username = "user", .password = "pass"};
    iso_oci_basic(&registry, auth);
    CHECK_STR(auth, "Authorization: Basic dXNlcjpwYXNz");
}
