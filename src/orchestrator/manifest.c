/* Application manifests: docs/manifest.md. JSON is read by jansson, after a scan of the text that
 * finds mistakes of syntax with their places. */
#include <stdarg.h>

#include "orchestrator/manifest_read.h"

#define DRAIN_MAX UINT64_C(600000000000)
#define MEMORY_MAX ((size_t)16 << 20)

/* ---- The text -------------------------------------------------------------------------------- */

/* path: NULL for the root's. */
static void add(struct iso_or_mistakes *mistakes, struct iso_str text, struct iso_or_span span,
                const struct iso_or_path *path, const char *format, ...) ISO_PRINTF(5, 6);

static void add(struct iso_or_mistakes *mistakes, struct iso_str text, struct iso_or_span span,
                const struct iso_or_path *path, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    iso_or_mistakes_add(mistakes, text, span, path, false, format, args);
    va_end(args);
}

void iso_or_manifest_package_wrong(const struct iso_or_manifest *manifest, size_t component,
                                   const char *text, struct iso_or_mistakes *mistakes)
{
    const struct iso_or_path path = {.segments = {{.key = iso_str_from_z("components")},
                                                  {.key = manifest->components[component].name},
                                                  {.key = iso_str_from_z("package")}},
                                     .count = 3};
    struct iso_or_span span = {.offset = 0, .len = 1};
    (void)iso_or_text_find(manifest->text, &path, false, &span);
    add(mistakes, manifest->text, span, &path, "%s", text);
    iso_or_mistakes_sort(mistakes);
}

static enum iso_err load(struct iso_str text, const struct iso_alloc *alloc, json_t **out,
                         struct iso_or_mistakes *mistakes)
{
    json_error_t error;
    enum iso_err err = iso_or_text_scan(text, alloc, mistakes);
    if (err != ISO_OK) {
        return err;
    }
    *out = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, &error);
    if (*out != NULL) {
        return ISO_OK;
    }
    if (json_error_code(&error) == json_error_out_of_memory) {
        return ISO_E_NOMEM;
    }
    /* A scan that is stricter leaves: names that are the same when their escapes are read. */
    size_t at = error.position > 0 ? (size_t)error.position - 1 : 0;
    add(mistakes, text, (struct iso_or_span){.offset = at, .len = 1}, NULL,
        "found what cannot be read (%s); expected JSON", error.text);
    return ISO_E_INVALID;
}

/* ---- The whole ------------------------------------------------------------------------------- */

static void read_root(struct iso_or_reader *reader)
{
    static const char *const names[] = {"app",   "components", "description", "drain",
                                        "links", "flows",      "$schema"};
    struct iso_or_manifest *manifest = reader->manifest;
    struct iso_or_at root = {.json = manifest->json};
    struct iso_str text;
    if (!iso_or_object(reader, &root, names, ISO_COUNT_OF(names), 2)) {
        return;
    }
    struct iso_or_at app = iso_or_member(&root, "app");
    struct iso_or_at description = iso_or_member(&root, "description");
    struct iso_or_at drain = iso_or_member(&root, "drain");
    struct iso_or_at components = iso_or_member(&root, "components");
    struct iso_or_at links = iso_or_member(&root, "links");
    struct iso_or_at flows = iso_or_member(&root, "flows");
    struct iso_or_at schema = iso_or_member(&root, "$schema");
    if (app.json != NULL) {
        (void)iso_or_name(reader, &app, &manifest->app);
    }
    if (description.json != NULL) {
        (void)iso_or_string(reader, &description, "a string", 0, ISO_OR_TEXT_MAX,
                            &manifest->description);
    }
    if (schema.json != NULL) {
        (void)iso_or_string(reader, &schema, "the address of a JSON Schema", 0, ISO_OR_TEXT_MAX,
                            &text);
    }
    if (drain.json != NULL) {
        (void)iso_or_duration(reader, &drain, 0, DRAIN_MAX, &manifest->drain_ns);
    }
    if (components.json != NULL) {
        iso_or_read_components(reader, &components);
    }
    if (links.json != NULL) {
        iso_or_read_links(reader, &links);
    }
    if (flows.json != NULL) {
        iso_or_read_flows(reader, &flows);
    }
}

static struct iso_or_manifest *create(const struct iso_alloc *alloc, struct iso_str text)
{
    struct iso_or_manifest *manifest = iso_alloc_new(alloc, sizeof *manifest);
    if (manifest == NULL) {
        return NULL;
    }
    iso_arena_init(&manifest->arena, alloc, 0, MEMORY_MAX);
    manifest->drain_ns = UINT64_MAX;
    const char *copy = iso_arena_copy_str(&manifest->arena, text);
    if (copy == NULL) {
        iso_or_manifest_destroy(manifest);
        return NULL;
    }
    manifest->text = iso_str_from(copy, text.len);
    return manifest;
}

enum iso_err iso_or_manifest_parse(const struct iso_alloc *alloc, struct iso_str text,
                                   struct iso_or_manifest **out, struct iso_or_mistakes *mistakes)
{
    json_t *json = NULL;
    size_t before = mistakes->errors;
    *out = NULL;
    enum iso_err err = load(text, alloc, &json, mistakes);
    if (err != ISO_OK) {
        iso_or_mistakes_sort(mistakes);
        return err;
    }
    struct iso_or_manifest *manifest = create(alloc, text);
    if (manifest == NULL) {
        json_decref(json);
        return ISO_E_NOMEM;
    }
    manifest->json = json;
    struct iso_or_reader reader = {.manifest = manifest, .mistakes = mistakes};
    read_root(&reader);
    iso_or_mistakes_sort(mistakes);
    if (reader.nomem || mistakes->nomem) {
        iso_or_manifest_destroy(manifest);
        return ISO_E_NOMEM;
    }
    *out = manifest;
    return mistakes->errors > before ? ISO_E_INVALID : ISO_OK;
}

void iso_or_manifest_destroy(struct iso_or_manifest *manifest)
{
    if (manifest != NULL) {
        json_decref(manifest->json);
        json_decref(manifest->made);
        iso_arena_fini(&manifest->arena);
        iso_alloc_free(manifest->arena.alloc, manifest, sizeof *manifest);
    }
}

uint32_t iso_or_manifest_component(const struct iso_or_manifest *manifest, struct iso_str name)
{
    for (uint32_t i = 0; i < manifest->component_count; i++) {
        if (iso_str_equal(manifest->components[i].name, name)) {
            return i;
        }
    }
    return UINT32_MAX;
}
