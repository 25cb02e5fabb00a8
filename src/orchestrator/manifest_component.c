/* Components of a manifest: docs/manifest.md, "Components". The bounds are those of deployment
 * documents (docs/deployment.md). */
#include "orchestrator/manifest_read.h"
#include "package/package.h"

enum {
    FILE_MAX = 256,
    KEY_MAX = 256, /* of config and env */
    TEXTS_MAX = 64,
    DIRS_MAX = 16,
    DEVICES_MAX = 16,
    DEVICE_NAMES_MAX = 32,
    LINKS_MAX = 1000, /* of an application */
    INTERFACE_MAX = 256,
};
#define MEMORY_DEFAULT (UINT64_C(64) << 20)

/* ---- Limits ---------------------------------------------------------------------------------- */

static const struct limit {
    const char *name;
    enum { COUNT, SIZE, DURATION } kind;
    uint64_t min, max;
} limits[] = {
    {"memory", SIZE, 1, UINT64_C(1) << 32},
    {"fuel", COUNT, 1, (UINT64_C(1) << 53) - 1},
    {"time", DURATION, 1000000, UINT64_C(86400000000000)},
    {"queue", COUNT, 1, 65536},
    {"instances", COUNT, 1, 20000},
    {"files", COUNT, 1, 4096},
    {"log-rate", COUNT, 1, 100000},
    {"storage", SIZE, 1, UINT64_C(1) << 40},
    {"result", SIZE, 1, UINT64_C(1) << 30},
};

static void read_limit(struct iso_or_reader *reader, const struct iso_or_at *at,
                       const struct limit *limit, uint64_t *out)
{
    if (at->json == NULL) {
        return;
    }
    bool (*const read[])(struct iso_or_reader *, const struct iso_or_at *, uint64_t, uint64_t,
                         uint64_t *) = {iso_or_u64, iso_or_size, iso_or_duration};
    (void)read[limit->kind](reader, at, limit->min, limit->max, out);
}

static void read_limits(struct iso_or_reader *reader, const struct iso_or_at *at,
                        struct iso_or_component *component)
{
    const char *names[ISO_COUNT_OF(limits)];
    component->memory_bytes = MEMORY_DEFAULT;
    if (at->json == NULL) {
        return;
    }
    for (size_t i = 0; i < ISO_COUNT_OF(limits); i++) {
        names[i] = limits[i].name;
    }
    if (!iso_or_object(reader, at, names, ISO_COUNT_OF(names), 0)) {
        return;
    }
    for (size_t i = 0; i < ISO_COUNT_OF(limits); i++) {
        struct iso_or_at member = iso_or_member(at, limits[i].name);
        uint64_t value = component->memory_bytes;
        read_limit(reader, &member, &limits[i], &value);
        component->memory_bytes = i == 0 ? value : component->memory_bytes;
    }
    component->limits = at->json;
}

/* ---- Texts ----------------------------------------------------------------------------------- */

/* An object of texts; *out is it. */
static void read_pairs(struct iso_or_reader *reader, const struct iso_or_at *at, const char *what,
                       const json_t **out)
{
    struct iso_str text;
    if (at->json == NULL || !iso_or_map(reader, at, 0, TEXTS_MAX, what)) {
        return;
    }
    for (struct iso_or_at it = iso_or_first(at); it.key != NULL; it = iso_or_next(&it)) {
        (void)iso_or_key_text(reader, &it, KEY_MAX);
        (void)iso_or_string(reader, &it, "a string", 0, ISO_OR_TEXT_MAX, &text);
    }
    *out = at->json;
}

static void read_texts(struct iso_or_reader *reader, const struct iso_or_at *at, size_t min_count,
                       size_t max_count, size_t min, const char *what)
{
    struct iso_str text;
    if (!iso_or_array(reader, at, min_count, max_count, what)) {
        return;
    }
    for (size_t i = 0; i < json_array_size(at->json); i++) {
        struct iso_or_at element = iso_or_element(at, i);
        (void)iso_or_string(reader, &element, "a string", min, ISO_OR_TEXT_MAX, &text);
    }
}

/* ---- Grants ---------------------------------------------------------------------------------- */

static void read_path(struct iso_or_reader *reader, const struct iso_or_at *dir, const char *key)
{
    static const char what[] = "an absolute path, such as \"/data\"";
    struct iso_or_at at = iso_or_member(dir, key);
    struct iso_str path;
    char shown[ISO_QUOTE_SIZE];
    if (at.json != NULL && iso_or_string(reader, &at, what, 1, ISO_OR_TEXT_MAX, &path) &&
        path.ptr[0] != '/') {
        iso_or_wrong(reader, &at, "found %s; expected %s", iso_quote(shown, path), what);
    }
}

static void read_dirs(struct iso_or_reader *reader, const struct iso_or_at *at,
                      struct iso_or_component *component)
{
    static const char *const names[] = {"guest", "host", "write"};
    char found[96];
    if (at->json == NULL || !iso_or_array(reader, at, 0, DIRS_MAX, "directories")) {
        return;
    }
    for (size_t i = 0; i < json_array_size(at->json); i++) {
        struct iso_or_at dir = iso_or_element(at, i);
        if (!iso_or_object(reader, &dir, names, ISO_COUNT_OF(names), 2)) {
            continue;
        }
        read_path(reader, &dir, "guest");
        read_path(reader, &dir, "host");
        struct iso_or_at write = iso_or_member(&dir, "write");
        if (write.json != NULL && !json_is_boolean(write.json)) {
            iso_or_wrong(reader, &write, "found %s; expected true or false",
                         iso_or_found(write.json, found));
        }
    }
    component->dirs = at->json;
}

static void read_devices(struct iso_or_reader *reader, const struct iso_or_at *at,
                         struct iso_or_component *component)
{
    char found[96];
    if (at->json == NULL || !iso_or_map(reader, at, 0, DEVICES_MAX, "device interfaces")) {
        return;
    }
    for (struct iso_or_at it = iso_or_first(at); it.key != NULL; it = iso_or_next(&it)) {
        (void)iso_or_key_name(reader, &it);
        if (json_is_array(it.json)) {
            read_texts(reader, &it, 1, DEVICE_NAMES_MAX, 1, "names");
        } else if (!json_is_true(it.json)) {
            iso_or_wrong(reader, &it, "found %s; expected true (all of it) or an array of names",
                         iso_or_found(it.json, found));
        }
    }
    component->devices = at->json;
}

static void read_grants(struct iso_or_reader *reader, const struct iso_or_at *at,
                        struct iso_or_component *component)
{
    static const char *const names[] = {"devices", "dirs"};
    if (at->json == NULL || !iso_or_object(reader, at, names, ISO_COUNT_OF(names), 0)) {
        return;
    }
    struct iso_or_at devices = iso_or_member(at, "devices");
    struct iso_or_at dirs = iso_or_member(at, "dirs");
    read_devices(reader, &devices, component);
    read_dirs(reader, &dirs, component);
}

/* ---- A component ----------------------------------------------------------------------------- */

static void read_package(struct iso_or_reader *reader, const struct iso_or_at *at,
                         struct iso_or_component *component)
{
    static const char what[] = "a reference to a package, such as \"file:camera\"";
    struct iso_reference reference;
    struct iso_report report;
    struct iso_str text;
    iso_report_init(&report);
    if (!iso_or_string(reader, at, what, 1, ISO_REFERENCE_MAX_BYTES, &text)) {
        return;
    }
    if (iso_reference_parse(text, &reference, &report) != ISO_OK) {
        iso_or_wrong(reader, at, "found no reference to a package; expected one: %s", report.text);
        return;
    }
    component->package = text;
}

static void read_what(struct iso_or_reader *reader, const struct iso_or_at *at,
                      struct iso_or_component *component)
{
    static const char *const modes[] = {"function", "service"};
    static const char *const losses[] = {"restart", "wait"};
    static const char *const conventions[] = {"canonical", "wasm-bindgen"};
    struct iso_or_at package = iso_or_member(at, "package");
    struct iso_or_at interface = iso_or_member(at, "interface");
    struct iso_or_at abi = iso_or_member(at, "abi");
    struct iso_or_at mode = iso_or_member(at, "mode");
    struct iso_or_at loss = iso_or_member(at, "on-loss");
    size_t choice = 0;
    if (package.json != NULL) { /* that it is missing has been said */
        read_package(reader, &package, component);
    }
    if (interface.json != NULL) {
        (void)iso_or_string(reader, &interface, "the name of a WIT file", 1, FILE_MAX,
                            &component->interface);
    }
    if (abi.json != NULL &&
        iso_or_choice(reader, &abi, conventions, ISO_COUNT_OF(conventions), &choice)) {
        component->abi = iso_or_view(abi.json);
    }
    choice = 0;
    if (mode.json != NULL) {
        (void)iso_or_choice(reader, &mode, modes, ISO_COUNT_OF(modes), &choice);
    }
    component->service = choice == 1;
    if (loss.json != NULL) {
        (void)iso_or_choice(reader, &loss, losses, ISO_COUNT_OF(losses), &choice);
    }
    component->on_loss = choice == 1 ? ISO_OR_WAIT : ISO_OR_RESTART;
}

static void read_component(struct iso_or_reader *reader, const struct iso_or_at *at,
                           struct iso_or_component *component)
{
    static const char *const names[] = {"package", "interface", "abi",  "mode",
                                        "on-loss", "config",    "args", "env",
                                        "grants",  "limits",    "place"};
    struct iso_or_at config = iso_or_member(at, "config");
    struct iso_or_at args = iso_or_member(at, "args");
    struct iso_or_at env = iso_or_member(at, "env");
    struct iso_or_at grants = iso_or_member(at, "grants");
    struct iso_or_at bounds = iso_or_member(at, "limits");
    struct iso_or_at place = iso_or_member(at, "place");
    component->memory_bytes = MEMORY_DEFAULT;
    (void)iso_or_key_name(reader, at);
    if (!iso_or_object(reader, at, names, ISO_COUNT_OF(names), 1)) {
        return;
    }
    read_what(reader, at, component);
    read_pairs(reader, &config, "keys", &component->config);
    if (args.json != NULL) {
        read_texts(reader, &args, 0, TEXTS_MAX, 0, "arguments");
        component->args = args.json;
    }
    read_pairs(reader, &env, "variables", &component->env);
    read_grants(reader, &grants, component);
    read_limits(reader, &bounds, component);
    iso_or_read_place(reader, &place, component);
}

void iso_or_read_components(struct iso_or_reader *reader, const struct iso_or_at *at)
{
    struct iso_or_manifest *manifest = reader->manifest;
    if (!iso_or_map(reader, at, 1, ISO_OR_COMPONENTS_MAX, "components")) {
        return;
    }
    manifest->components =
        iso_or_new(reader, json_object_size(at->json), sizeof *manifest->components);
    if (manifest->components == NULL) {
        return;
    }
    /* All names first: components name each other. */
    for (struct iso_or_at it = iso_or_first(at); it.key != NULL; it = iso_or_next(&it)) {
        manifest->components[manifest->component_count++].name = iso_str_from_z(it.key);
    }
    struct iso_or_component *component = manifest->components;
    for (struct iso_or_at it = iso_or_first(at); it.key != NULL; it = iso_or_next(&it)) {
        read_component(reader, &it, component++);
    }
    iso_or_check_places(reader, at);
}

uint32_t iso_or_component_named(struct iso_or_reader *reader, const struct iso_or_at *at,
                                struct iso_str name)
{
    const struct iso_or_manifest *manifest = reader->manifest;
    uint32_t found = iso_or_manifest_component(manifest, name);
    if (found == UINT32_MAX) {
        struct iso_or_words words;
        char shown[ISO_QUOTE_SIZE];
        iso_or_words_init(&words, reader, name);
        for (size_t i = 0; i < manifest->component_count; i++) {
            iso_or_words_add(&words, manifest->components[i].name);
        }
        iso_or_wrong_part(reader, at, name, "found %s, which is no component; %s",
                          iso_quote(shown, name),
                          iso_or_words_hint(&words, "expected one of /components"));
    }
    return found;
}

/* ---- Links ----------------------------------------------------------------------------------- */

bool iso_or_split(struct iso_str text, struct iso_str *before, struct iso_str *after)
{
    const char *dot = text.len != 0 ? memchr(text.ptr, '.', text.len) : NULL;
    size_t len = dot != NULL ? (size_t)(dot - text.ptr) : text.len;
    *before = iso_str_from(text.ptr, len);
    *after = dot != NULL ? iso_str_from(dot + 1, text.len - len - 1) : (struct iso_str){.len = 0};
    return dot != NULL;
}

static void read_link(struct iso_or_reader *reader, const struct iso_or_at *at)
{
    const struct iso_str key = iso_str_from_z(at->key);
    struct iso_str from, interface, to;
    char shown[ISO_QUOTE_SIZE];
    if (!iso_or_split(key, &from, &interface) || from.len == 0 || interface.len == 0 ||
        interface.len > INTERFACE_MAX) {
        iso_or_wrong_key(reader, at,
                         "found %s; expected a component and an interface that it imports: "
                         "\"component.namespace:package/interface\"",
                         iso_quote(shown, key));
    } else {
        (void)iso_or_component_named(reader, at, from);
    }
    if (iso_or_string(reader, at, "the name of a component", 1, ISO_OR_TEXT_MAX, &to)) {
        (void)iso_or_component_named(reader, at, to);
    }
}

void iso_or_read_links(struct iso_or_reader *reader, const struct iso_or_at *at)
{
    if (!iso_or_map(reader, at, 0, LINKS_MAX, "links")) {
        return;
    }
    for (struct iso_or_at it = iso_or_first(at); it.key != NULL; it = iso_or_next(&it)) {
        read_link(reader, &it);
    }
}
