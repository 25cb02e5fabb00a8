/* Packages: what a reference led to. */
#include "package/sources.h"

#include <jansson.h>

enum { ARENA_MAX_BYTES = 8 << 20 };

struct iso_package *iso_package_new(void)
{
    struct iso_package *package = iso_alloc_new(iso_alloc_libc(), sizeof *package);
    if (package != NULL) {
        iso_arena_init(&package->arena, iso_alloc_libc(), 0, ARENA_MAX_BYTES);
    }
    return package;
}

void iso_package_destroy(struct iso_package *package)
{
    if (package != NULL) {
        iso_alloc_free(iso_alloc_libc(), (void *)(uintptr_t)package->module.ptr,
                       package->module.len);
        iso_arena_fini(&package->arena);
        iso_alloc_free(iso_alloc_libc(), package, sizeof *package);
    }
}

enum iso_err iso_package_set_module(struct iso_package *package, uint8_t *bytes, size_t len,
                                    const uint8_t wanted[ISO_SHA256_SIZE],
                                    struct iso_report *report)
{
    static const uint8_t module[8] = {0, 'a', 's', 'm', 1, 0, 0, 0};
    package->module = iso_bytes_from(bytes, len);
    iso_sha256(bytes, len, package->digest);
    if (wanted != NULL && memcmp(package->digest, wanted, ISO_SHA256_SIZE) != 0) {
        char found[ISO_DIGEST_TEXT_SIZE], expected[ISO_DIGEST_TEXT_SIZE];
        iso_digest_text(package->digest, found);
        iso_digest_text(wanted, expected);
        return iso_fail(report, ISO_E_INVALID,
                        "the bytes have another digest: expected %s, found %s", expected, found);
    }
    if (len < sizeof module || memcmp(bytes, module, 4) != 0) {
        return iso_fail(report, ISO_E_INVALID, "this is not a WebAssembly module");
    }
    if (memcmp(bytes, module, sizeof module) != 0) {
        return iso_fail(report, ISO_E_UNSUPPORTED,
                        "this is a component or another version of WebAssembly; a core module is "
                        "needed");
    }
    return ISO_OK;
}

enum iso_err iso_package_set_reference(struct iso_package *package,
                                       const struct iso_reference *reference)
{
    struct iso_buf text;
    iso_buf_init(&text, iso_alloc_libc(), 2 * (size_t)ISO_REFERENCE_MAX_BYTES);
    enum iso_err err = iso_reference_print(reference, &text);
    if (err == ISO_OK) {
        const struct iso_str view = iso_str_from((const char *)text.ptr, text.len);
        package->reference = iso_str_from(iso_arena_copy_str(&package->arena, view), text.len);
        err = package->reference.ptr != NULL ? ISO_OK : ISO_E_NOMEM;
    }
    iso_buf_fini(&text);
    return err;
}

enum iso_err iso_package_copy(struct iso_package *package, struct iso_bytes bytes,
                              struct iso_bytes *out)
{
    const char *copy =
        iso_arena_copy_str(&package->arena, iso_str_from((const char *)bytes.ptr, bytes.len));
    if (copy == NULL) {
        return ISO_E_NOMEM;
    }
    *out = iso_bytes_from(copy, bytes.len);
    return ISO_OK;
}

/* One line without control characters, of a bounded length: it is shown to people. */
static void take_text(struct iso_package *package, const json_t *value, struct iso_str *out)
{
    enum { TEXT_MAX = 1000 };
    const char *text = json_string_value(value);
    const size_t len = text != NULL ? json_string_length(value) : 0;
    if (len == 0 || len > TEXT_MAX) {
        return;
    }
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f) {
            return;
        }
    }
    const char *copy = iso_arena_copy_str(&package->arena, iso_str_from(text, len));
    if (copy != NULL) {
        *out = iso_str_from(copy, len);
    }
}

void iso_package_read_json(struct iso_package *package, struct iso_bytes json)
{
    json_t *root = json_loadb((const char *)json.ptr, json.len, 0, NULL);
    struct iso_package_info *info = &package->info;
    const json_t *licence = json_object_get(root, "license");
    const json_t *source = json_object_get(root, "repository");
    take_text(package, json_object_get(root, "name"), &info->name);
    take_text(package, json_object_get(root, "version"), &info->version);
    take_text(package, json_object_get(root, "description"), &info->description);
    /* Old packages have {"type": "MIT"}, most {"url": "git+https://..."}. */
    take_text(package, json_is_object(licence) ? json_object_get(licence, "type") : licence,
              &info->licence);
    take_text(package, json_is_object(source) ? json_object_get(source, "url") : source,
              &info->source);
    json_decref(root);
}
