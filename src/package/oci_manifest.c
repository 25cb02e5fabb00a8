/*
 * Manifests (https://github.com/opencontainers/image-spec, 1.1) in the layout for Wasm of the CNCF
 * (https://tag-runtime.cncf.io/wgs/wasm/deliverables/wasm-oci-artifact/): a configuration
 * application/vnd.wasm.config.v0+json and a layer application/wasm. Whatever else is in them is
 * left alone.
 */
#include "package/oci.h"

#include "base/json_member.h"

#include <jansson.h>

#define ANNOTATION "org.opencontainers.image."
#define ANNOTATION_SIGNATURE "org.isomer.minisig"

/* What older tools call the layer. */
#define OLD_WASM_LAYER "application/vnd.wasm.content.layer.v1+wasm"

enum { MANIFEST_MAX_BYTES = 1 << 16, LAYERS_MAX = 64 };

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL ? text : "";
}

/* A descriptor's digest. False: there is none that we know. */
static bool read_digest(const json_t *descriptor, uint8_t digest[ISO_SHA256_SIZE])
{
    const char *text = json_string_value(json_object_get(descriptor, "digest"));
    return text != NULL && iso_digest_parse(iso_str_from_z(text), digest, NULL) == ISO_OK;
}

static enum iso_err read_index(const json_t *manifests, struct iso_oci_manifest *out,
                               struct iso_report *report)
{
    const size_t count = json_array_size(manifests);
    out->is_index = true;
    if (count != 1) {
        return iso_fail(report, ISO_E_INVALID,
                        "it is an index of %zu manifests; name the one that is meant by its digest",
                        count);
    }
    return read_digest(json_array_get(manifests, 0), out->digest)
               ? ISO_OK
               : iso_fail(report, ISO_E_MALFORMED, "the index has a manifest without a digest");
}

static enum iso_err read_layers(const json_t *layers, uint64_t max_bytes,
                                struct iso_oci_manifest *out, struct iso_report *report)
{
    const json_t *found = NULL;
    const size_t count = json_array_size(layers);
    for (size_t i = 0; i < count && i < LAYERS_MAX && found == NULL; i++) {
        const json_t *layer = json_array_get(layers, i);
        const char *type = text_of(layer, "mediaType");
        if (strcmp(type, ISO_OCI_WASM_LAYER) == 0 || strcmp(type, OLD_WASM_LAYER) == 0) {
            found = layer;
        }
    }
    if (found == NULL) {
        return iso_fail(report, ISO_E_INVALID,
                        "it has no layer of type " ISO_OCI_WASM_LAYER ", but %zu others, as "
                        "'%.80s': it is no WebAssembly module",
                        count, text_of(json_array_get(layers, 0), "mediaType"));
    }
    const json_int_t size = json_integer_value(json_object_get(found, "size"));
    if (!read_digest(found, out->digest) || size <= 0) {
        return iso_fail(report, ISO_E_MALFORMED, "its layer has no size or no digest (sha256:...)");
    }
    out->size_bytes = (uint64_t)size;
    return out->size_bytes <= max_bytes
               ? ISO_OK
               : iso_fail(report, ISO_E_LIMIT, "the module has %llu bytes; at most %llu",
                          (unsigned long long)out->size_bytes, (unsigned long long)max_bytes);
}

/* They are what npm's package.json has, by other names. */
static void read_annotations(const json_t *annotations, struct iso_package *package)
{
    static const char *const names[][2] = {{ANNOTATION "title", "name"},
                                           {ANNOTATION "version", "version"},
                                           {ANNOTATION "description", "description"},
                                           {ANNOTATION "licenses", "license"},
                                           {ANNOTATION "source", "repository"}};
    const char *signature = text_of(annotations, ANNOTATION_SIGNATURE);
    json_t *same = json_object();
    for (size_t i = 0; i < ISO_COUNT_OF(names); i++) {
        json_t *value = json_object_get(annotations, names[i][0]);
        if (json_is_string(value)) {
            (void)json_object_set(same, names[i][1], value);
        }
    }
    char *text = json_dumps(same, JSON_COMPACT);
    if (text != NULL) {
        iso_package_read_json(package, iso_bytes_from(text, strlen(text)));
    }
    free(text);
    json_decref(same);
    if (signature[0] != '\0') {
        (void)!iso_package_copy(package, iso_bytes_from(signature, strlen(signature)),
                                &package->signature);
    }
}

enum iso_err iso_oci_manifest_read(struct iso_bytes json, uint64_t max_bytes,
                                   struct iso_package *package, struct iso_oci_manifest *out,
                                   struct iso_report *report)
{
    json_t *root = json_loadb((const char *)json.ptr, json.len, JSON_REJECT_DUPLICATES, NULL);
    const json_t *layers = json_object_get(root, "layers");
    const json_t *manifests = json_object_get(root, "manifests");
    struct iso_oci_manifest found = {.is_index = false};
    enum iso_err err = ISO_OK;
    /* One of both: a document that is a manifest to one reader and an index to another is a trap.
     */
    if (json_is_array(layers) == json_is_array(manifests) ||
        json_integer_value(json_object_get(root, "schemaVersion")) != 2) {
        err =
            iso_fail(report, ISO_E_MALFORMED, "the registry's answer is no manifest of version 2");
    } else if (json_is_array(manifests)) {
        err = read_index(manifests, &found, report);
    } else {
        err = read_layers(layers, max_bytes, &found, report);
        if (err == ISO_OK) {
            read_annotations(json_object_get(root, "annotations"), package);
        }
    }
    json_decref(root);
    if (err == ISO_OK) {
        *out = found;
    }
    return err;
}

/* ---- Writing -----------------------------------------------------------------------------------
 */

static void put_descriptor(struct iso_json *json, const char *type,
                           const uint8_t digest[ISO_SHA256_SIZE], uint64_t size)
{
    char text[ISO_DIGEST_TEXT_SIZE];
    iso_digest_text(digest, text);
    iso_json_object_begin(json);
    iso_json_put_string_if(json, "mediaType", iso_str_from_z(type));
    iso_json_put_string_if(json, "digest", iso_str_from_z(text));
    iso_json_put_u64(json, "size", size);
    iso_json_object_end(json);
}

/* No time in it: the same module has the same manifest, whenever it is pushed. */
enum iso_err iso_oci_config_write(const uint8_t layer[ISO_SHA256_SIZE], struct iso_buf *out)
{
    struct iso_json json;
    char text[ISO_DIGEST_TEXT_SIZE];
    iso_digest_text(layer, text);
    iso_json_init_buf(&json, out, 0);
    iso_json_object_begin(&json);
    iso_json_put_string_if(&json, "architecture", iso_str_from_z("wasm"));
    iso_json_put_string_if(&json, "os", iso_str_from_z("wasip1"));
    iso_json_put_array_begin(&json, "layerDigests");
    iso_json_z(&json, text);
    iso_json_array_end(&json);
    iso_json_object_end(&json);
    return iso_json_finish(&json);
}

enum iso_err iso_oci_manifest_write(struct iso_bytes config, uint64_t layer_bytes,
                                    const struct iso_package *package, struct iso_buf *out)
{
    const struct iso_package_info *info = &package->info;
    uint8_t config_digest[ISO_SHA256_SIZE];
    struct iso_json json;
    iso_sha256(config.ptr, config.len, config_digest);
    iso_json_init_buf(&json, out, 0);
    iso_json_object_begin(&json);
    iso_json_put_u64(&json, "schemaVersion", 2);
    iso_json_put_string_if(&json, "mediaType", iso_str_from_z(ISO_OCI_MANIFEST));
    iso_json_key(&json, "config");
    put_descriptor(&json, ISO_OCI_WASM_CONFIG, config_digest, config.len);
    iso_json_put_array_begin(&json, "layers");
    put_descriptor(&json, ISO_OCI_WASM_LAYER, package->digest, layer_bytes);
    iso_json_array_end(&json);
    iso_json_put_object_begin(&json, "annotations");
    iso_json_put_string_if(&json, ANNOTATION "title", info->name);
    iso_json_put_string_if(&json, ANNOTATION "version", info->version);
    iso_json_put_string_if(&json, ANNOTATION "description", info->description);
    iso_json_put_string_if(&json, ANNOTATION "licenses", info->licence);
    iso_json_put_string_if(&json, ANNOTATION "source", info->source);
    iso_json_put_string_if(
        &json, ANNOTATION_SIGNATURE,
        iso_str_from((const char *)package->signature.ptr, package->signature.len));
    iso_json_object_end(&json);
    iso_json_object_end(&json);
    return iso_json_finish(&json);
}
