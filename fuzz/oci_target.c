/* Fuzz target `oci`: any bytes as a registry's manifest, as its challenge, as the answer of a
 * server of tokens, and as a reference. */
#include "harness.h"
#include "target.h"

#include "package/oci.h"

enum { LAYER_MAX = 1000 };

static void check_manifest(struct iso_bytes json)
{
    struct iso_oci_manifest manifest = {.size_bytes = 1};
    struct iso_package *package = iso_package_new();
    if (package == NULL) {
        return;
    }
    if (iso_oci_manifest_read(json, LAYER_MAX, package, &manifest, NULL) == ISO_OK &&
        !manifest.is_index && (manifest.size_bytes == 0 || manifest.size_bytes > LAYER_MAX)) {
        fuzz_fail("a layer of %llu bytes", (unsigned long long)manifest.size_bytes);
    }
    iso_package_destroy(package);
}

static void check_challenge(struct iso_str field)
{
    static char url[2 * URL_SIZE];
    struct iso_oci_challenge challenge = {.scheme = ISO_OCI_NONE};
    iso_oci_challenge_read(field, &challenge);
    if (challenge.scheme == ISO_OCI_BEARER &&
        (challenge.realm[0] == '\0' || strlen(challenge.realm) >= sizeof challenge.realm)) {
        fuzz_fail("a challenge without a realm");
    }
    if (challenge.scheme == ISO_OCI_BEARER &&
        iso_oci_token_url(&challenge, "repository:a:pull", url) == ISO_OK &&
        strlen(url) >= sizeof url) {
        fuzz_fail("an address of %zu characters", strlen(url));
    }
}

static void check_reference(struct iso_str text)
{
    struct iso_reference reference;
    struct iso_buf out;
    if (iso_reference_parse(text, &reference, NULL) != ISO_OK) {
        return;
    }
    iso_buf_init(&out, iso_alloc_libc(), SIZE_MAX);
    if (iso_reference_print(&reference, &out) != ISO_OK ||
        !iso_str_equal(text, iso_str_from((const char *)out.ptr, out.len))) {
        fuzz_fail("a reference is printed as '%.*s'", (int)out.len, (const char *)out.ptr);
    }
    iso_buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static char auth[ISO_OCI_AUTH_SIZE];
    const struct iso_bytes bytes = iso_bytes_from(data, len);
    const struct iso_str text = iso_str_from((const char *)data, len);
    check_manifest(bytes);
    check_challenge(text);
    check_reference(text);
    if (iso_oci_token_read(bytes, auth) == ISO_OK && strpbrk(auth, "\r\n") != NULL) {
        fuzz_fail("a token with a line end");
    }
    return 0;
}
