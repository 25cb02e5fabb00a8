/* Fuzz target `npm`: any bytes as what registries of npm answer (packuments, tarballs), and as
 * ranges and configuration. The first byte says which. */
#include "harness.h"
#include "target.h"

#include "package/npm.h"

enum { MODULE_MAX = 1 << 16 };

static void check_packument(struct iso_str wanted, struct iso_bytes json)
{
    static struct iso_npm_choice choice;
    if (iso_npm_choose(json, iso_str_from_z("a"), wanted, &choice, NULL) == ISO_OK) {
        struct iso_semver version;
        if (iso_semver_parse(iso_str_from_z(choice.version), &version, NULL) != ISO_OK) {
            fuzz_fail("'%s' is chosen, which is no version", choice.version);
        }
        if (iso_npm_check(iso_bytes_from("x", 1), &choice, NULL) == ISO_OK &&
            choice.integrity[0] == '\0' && choice.shasum[0] == '\0') {
            fuzz_fail("nothing was checked");
        }
    }
}

static void check_tarball(struct iso_bytes tarball)
{
    struct iso_package *package = iso_package_new();
    if (package == NULL) {
        return;
    }
    if (iso_npm_unpack(tarball, iso_str_from_z("a.wasm"), MODULE_MAX, package, NULL) == ISO_OK &&
        (package->module.len < 8 || package->module.len > MODULE_MAX ||
         memcmp(package->module.ptr, "\0asm\1\0\0\0", 8) != 0)) {
        fuzz_fail("%zu bytes are taken as a module", package->module.len);
    }
    iso_package_destroy(package);
}

static void check_range(struct iso_str text)
{
    struct iso_npm_range range;
    struct iso_semver version = {.major = 1, .minor = 2, .patch = 3};
    if (iso_npm_range_parse(text, &range) == ISO_OK) {
        if (range.count > ISO_NPM_RANGE_MAX || range.sets == 0) {
            fuzz_fail("%zu comparators in %u alternatives", range.count, range.sets);
        }
        (void)iso_npm_range_holds(&range, &version);
    }
}

static void check_config(struct iso_str text)
{
    static struct iso_npm_config config;
    static char url[URL_SIZE], auth[ISO_NPM_AUTH_SIZE];
    iso_npm_config_init(&config);
    if (iso_npm_config_read(&config, text) == ISO_OK &&
        iso_npm_config_registry(&config, iso_str_from_z("@a/b"), url, NULL) == ISO_OK) {
        if (url[strlen(url) - 1] != '/') {
            fuzz_fail("a registry without a slash at its end");
        }
        (void)!iso_npm_config_auth(&config, url, auth, NULL);
    }
    iso_npm_config_fini(&config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len == 0) {
        return 0;
    }
    const struct iso_bytes rest = iso_bytes_from(data + 1, len - 1);
    const struct iso_str text = iso_str_from((const char *)rest.ptr, rest.len);
    const uint8_t *zero = rest.len != 0 ? memchr(rest.ptr, 0, rest.len) : NULL;
    const size_t first = zero != NULL ? (size_t)(zero - rest.ptr) : 0;
    const size_t skip = zero != NULL ? first + 1 : 0;
    switch (data[0] % 4) {
    case 0:
        check_packument(iso_str_from(text.ptr, first),
                        iso_bytes_from(rest.ptr + skip, rest.len - skip));
        break;
    case 1:
        check_tarball(rest);
        break;
    case 2:
        check_range(text);
        break;
    default:
        check_config(text);
    }
    return 0;
}
