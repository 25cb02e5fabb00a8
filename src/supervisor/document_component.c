/* Components of a deployment document: docs/deployment.md, "Components". */
#include "supervisor/document_json.h"

static enum iso_err read_pairs(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *at,
                               const char *what, const struct iso_sv_pair **out, size_t *count)
{
    if (at->json == NULL) {
        return ISO_OK;
    }
    enum iso_err err = iso_sv_doc_map(reader, at, ISO_SV_DOC_CONFIG_MAX, what);
    if (err != ISO_OK) {
        return err;
    }
    struct iso_sv_pair *pairs = iso_sv_doc_new(reader, json_object_size(at->json), sizeof *pairs);
    if (pairs == NULL) {
        return ISO_E_NOMEM;
    }
    size_t i = 0;
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(at->json, key, value)
    {
        struct iso_sv_doc_at member = {.json = value, .up = at, .key = key};
        err = iso_sv_doc_key_text(reader, &member, 256, &pairs[i].key);
        if (err == ISO_OK) {
            err = iso_sv_doc_string(reader, &member, 0, ISO_SV_DOC_TEXT_MAX, &pairs[i].value);
        }
        if (err != ISO_OK) {
            return err;
        }
        i++;
    }
    *out = pairs;
    *count = i;
    return ISO_OK;
}

static enum iso_err read_texts(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *at,
                               size_t min, size_t max, const char *what, const struct iso_str **out,
                               size_t *count)
{
    enum iso_err err = iso_sv_doc_array(reader, at, min, max, what);
    size_t texts = json_array_size(at->json);
    struct iso_str *list = err == ISO_OK ? iso_sv_doc_new(reader, texts, sizeof *list) : NULL;
    if (list == NULL) {
        return err != ISO_OK ? err : ISO_E_NOMEM;
    }
    for (size_t i = 0; i < texts; i++) {
        struct iso_sv_doc_at element = iso_sv_doc_element(at, i);
        err = iso_sv_doc_string(reader, &element, min, ISO_SV_DOC_TEXT_MAX, &list[i]);
        if (err != ISO_OK) {
            return err;
        }
    }
    *out = list;
    *count = texts;
    return ISO_OK;
}

/* ---- Module ------------------------------------------------------------------------------------
 */

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static enum iso_err read_module(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *at,
                                struct iso_sv_doc_component *component)
{
    struct iso_str text;
    enum iso_err err = iso_sv_doc_string(reader, at, 1, ISO_SV_DOC_TEXT_MAX, &text);
    if (err != ISO_OK) {
        return err;
    }
    bool right = text.len == 71 && memcmp(text.ptr, "sha256:", 7) == 0;
    for (size_t i = 0; right && i < ISO_SHA256_SIZE; i++) {
        int high = hex_digit(text.ptr[7 + 2 * i]), low = hex_digit(text.ptr[8 + 2 * i]);
        right = high >= 0 && low >= 0;
        component->digest[i] = (uint8_t)(right ? high * 16 + low : 0);
    }
    if (!right) {
        char shown[64];
        return iso_sv_doc_fail(reader, at, ISO_E_INVALID,
                               "%s is not the digest of a module: \"sha256:\" and 64 hexadecimal "
                               "digits (small letters)",
                               iso_quote(shown, text));
    }
    memcpy(component->module, text.ptr, text.len + 1);
    return ISO_OK;
}

/* ---- Limits ------------------------------------------------------------------------------------
 */

static enum iso_err read_u32(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *at,
                             uint32_t max, uint32_t *out)
{
    uint64_t value = 0;
    enum iso_err err = at->json != NULL ? iso_sv_doc_u64(reader, at, 1, max, &value) : ISO_OK;
    if (err == ISO_OK) {
        *out = (uint32_t)value;
    }
    return err;
}

static enum iso_err read_bytes(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *at,
                               uint64_t max, uint64_t *out)
{
    return at->json != NULL ? iso_sv_doc_size(reader, at, 1, max, out) : ISO_OK;
}

static enum iso_err read_limits(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *at,
                                struct iso_sv_limits *limits)
{
    static const char *const names[] = {"memory", "fuel",     "time",    "queue", "instances",
                                        "files",  "log-rate", "storage", "result"};
    if (at->json == NULL) {
        return ISO_OK;
    }
    enum iso_err err = iso_sv_doc_object(reader, at, names, ISO_COUNT_OF(names), 0);
    struct iso_sv_doc_at member[ISO_COUNT_OF(names)];
    for (size_t i = 0; i < ISO_COUNT_OF(names); i++) {
        member[i] = iso_sv_doc_member(at, names[i]);
    }
    if (err == ISO_OK) {
        err = read_bytes(reader, &member[0], UINT64_C(1) << 32, &limits->memory_bytes);
    }
    if (err == ISO_OK && member[1].json != NULL) {
        err = iso_sv_doc_u64(reader, &member[1], 1, ISO_SV_DOC_NUMBER_MAX, &limits->fuel);
    }
    if (err == ISO_OK && member[2].json != NULL) {
        err = iso_sv_doc_duration(reader, &member[2], UINT64_C(1000000),
                                  UINT64_C(24) * 3600 * 1000000000, &limits->time_ns);
    }
    if (err == ISO_OK) {
        err = read_u32(reader, &member[3], 65536, &limits->queue);
    }
    if (err == ISO_OK) {
        err = read_u32(reader, &member[4], 20000, &limits->instances);
    }
    if (err == ISO_OK) {
        err = read_u32(reader, &member[5], 4096, &limits->files);
    }
    if (err == ISO_OK) {
        err = read_u32(reader, &member[6], 100000, &limits->log_lines_per_s);
    }
    if (err == ISO_OK) {
        err = read_bytes(reader, &member[7], UINT64_C(1) << 40, &limits->storage_bytes);
    }
    if (err == ISO_OK) {
        err = read_bytes(reader, &member[8], UINT64_C(1) << 30, &limits->result_bytes);
    }
    return err;
}

/* ---- Grants ------------------------------------------------------------------------------------
 */

static enum iso_err read_path(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *dir,
                              const char *key, struct iso_str *out)
{
    struct iso_sv_doc_at at = iso_sv_doc_member(dir, key);
    enum iso_err err = iso_sv_doc_string(reader, &at, 1, ISO_SV_DOC_TEXT_MAX, out);
    if (err == ISO_OK && out->ptr[0] != '/') {
        char shown[64];
        err = iso_sv_doc_fail(reader, &at, ISO_E_INVALID,
                              "%s is not an absolute path; it must begin with '/'",
                              iso_quote(shown, *out));
    }
    return err;
}

static enum iso_err read_dirs(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *at,
                              struct iso_sv_doc_component *component)
{
    static const char *const names[] = {"guest", "host", "write"};
    if (at->json == NULL) {
        return ISO_OK;
    }
    enum iso_err err = iso_sv_doc_array(reader, at, 0, ISO_SV_DOC_DIRS_MAX, "directories");
    size_t count = json_array_size(at->json);
    struct iso_sv_dir_grant *dirs =
        err == ISO_OK ? iso_sv_doc_new(reader, count, sizeof *dirs) : NULL;
    if (dirs == NULL) {
        return err != ISO_OK ? err : ISO_E_NOMEM;
    }
    for (size_t i = 0; i < count && err == ISO_OK; i++) {
        struct iso_sv_doc_at dir = iso_sv_doc_element(at, i);
        err = iso_sv_doc_object(reader, &dir, names, ISO_COUNT_OF(names), 2);
        if (err == ISO_OK) {
            err = read_path(reader, &dir, "guest", &dirs[i].guest_path);
        }
        if (err == ISO_OK) {
            err = read_path(reader, &dir, "host", &dirs[i].host_path);
        }
        struct iso_sv_doc_at write = iso_sv_doc_member(&dir, "write");
        if (err == ISO_OK && write.json != NULL) {
            err = iso_sv_doc_bool(reader, &write, &dirs[i].writable);
        }
    }
    component->dirs = dirs;
    component->dir_count = count;
    return err;
}

static enum iso_err read_device(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *at,
                                struct iso_sv_device_grant *grant)
{
    enum iso_err err = iso_sv_doc_key_name(reader, at, &grant->interface);
    if (err != ISO_OK || json_is_true(at->json)) {
        return err;
    }
    if (!json_is_array(at->json)) {
        return iso_sv_doc_fail(reader, at, ISO_E_INVALID,
                               "expected true (all of it) or an array of names");
    }
    return read_texts(reader, at, 1, ISO_SV_DOC_DEVICE_NAMES_MAX, "names", &grant->names,
                      &grant->name_count);
}

static enum iso_err read_devices(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *at,
                                 struct iso_sv_doc_component *component)
{
    if (at->json == NULL) {
        return ISO_OK;
    }
    enum iso_err err = iso_sv_doc_map(reader, at, ISO_SV_DOC_DEVICES_MAX, "device interfaces");
    struct iso_sv_device_grant *grants =
        err == ISO_OK ? iso_sv_doc_new(reader, json_object_size(at->json), sizeof *grants) : NULL;
    if (grants == NULL) {
        return err != ISO_OK ? err : ISO_E_NOMEM;
    }
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(at->json, key, value)
    {
        struct iso_sv_doc_at member = {.json = value, .up = at, .key = key};
        err = read_device(reader, &member, &grants[component->device_count]);
        if (err != ISO_OK) {
            return err;
        }
        component->device_count++;
    }
    component->devices = grants;
    return ISO_OK;
}

static enum iso_err read_grants(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *at,
                                struct iso_sv_doc_component *component)
{
    static const char *const names[] = {"devices", "dirs"};
    if (at->json == NULL) {
        return ISO_OK;
    }
    enum iso_err err = iso_sv_doc_object(reader, at, names, ISO_COUNT_OF(names), 0);
    struct iso_sv_doc_at devices = iso_sv_doc_member(at, "devices");
    struct iso_sv_doc_at dirs = iso_sv_doc_member(at, "dirs");
    if (err == ISO_OK) {
        err = read_devices(reader, &devices, component);
    }
    return err != ISO_OK ? err : read_dirs(reader, &dirs, component);
}

/* ---- Links -------------------------------------------------------------------------------------
 */

static enum iso_err read_link(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *at,
                              struct iso_sv_doc_link *link)
{
    static const char *const names[] = {"component", "peer", "epoch"};
    struct iso_sv_doc_at component = iso_sv_doc_member(at, "component");
    struct iso_sv_doc_at peer = iso_sv_doc_member(at, "peer");
    struct iso_sv_doc_at epoch = iso_sv_doc_member(at, "epoch");
    link->peer = ISO_SV_HERE;
    link->local = ISO_SV_HERE;
    enum iso_err err = iso_sv_doc_key_text(reader, at, 256, &link->interface);
    if (err == ISO_OK) {
        err = iso_sv_doc_object(reader, at, names, ISO_COUNT_OF(names), 1);
    }
    if (err == ISO_OK) {
        err = iso_sv_doc_name(reader, &component, &link->component);
    }
    if (err == ISO_OK && peer.json != NULL) {
        err = iso_sv_doc_peer_name(reader, &peer, &link->peer);
    }
    if (err == ISO_OK && peer.json != NULL) {
        err = iso_sv_doc_u64(reader, &epoch, 1, ISO_SV_DOC_NUMBER_MAX, &link->epoch);
    } else if (err == ISO_OK && epoch.json != NULL) {
        err = iso_sv_doc_fail(reader, &epoch, ISO_E_INVALID,
                              "only a link to a peer has an epoch; leave it out");
    }
    return err;
}

static enum iso_err read_links(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *at,
                               struct iso_sv_doc_component *component)
{
    if (at->json == NULL) {
        return ISO_OK;
    }
    enum iso_err err = iso_sv_doc_map(reader, at, ISO_SV_DOC_LINKS_MAX, "links");
    struct iso_sv_doc_link *links =
        err == ISO_OK ? iso_sv_doc_new(reader, json_object_size(at->json), sizeof *links) : NULL;
    if (links == NULL) {
        return err != ISO_OK ? err : ISO_E_NOMEM;
    }
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(at->json, key, value)
    {
        struct iso_sv_doc_at member = {.json = value, .up = at, .key = key};
        err = read_link(reader, &member, &links[component->link_count]);
        if (err != ISO_OK) {
            return err;
        }
        component->link_count++;
    }
    component->links = links;
    return ISO_OK;
}

/* ---- A component --------------------------------------------------------------------------------
 */

static enum iso_err read_what(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *at,
                              struct iso_sv_doc_component *component)
{
    static const char *const modes[] = {"function", "service"};
    struct iso_sv_doc_at module = iso_sv_doc_member(at, "module");
    struct iso_sv_doc_at epoch = iso_sv_doc_member(at, "epoch");
    struct iso_sv_doc_at wit = iso_sv_doc_member(at, "wit");
    struct iso_sv_doc_at abi = iso_sv_doc_member(at, "abi");
    struct iso_sv_doc_at mode = iso_sv_doc_member(at, "mode");
    size_t choice = 0;
    enum iso_err err = read_module(reader, &module, component);
    if (err == ISO_OK) {
        err = iso_sv_doc_u64(reader, &epoch, 1, ISO_SV_DOC_NUMBER_MAX, &component->epoch);
    }
    if (err == ISO_OK && wit.json != NULL) {
        err = iso_sv_doc_string(reader, &wit, 1, ISO_SV_DOC_WIT_MAX, &component->wit);
    }
    if (err == ISO_OK && abi.json != NULL) {
        err = iso_sv_doc_name(reader, &abi, &component->abi);
    }
    if (err == ISO_OK && mode.json != NULL) {
        err = iso_sv_doc_choice(reader, &mode, modes, ISO_COUNT_OF(modes), &choice);
    }
    component->mode = choice == 1 ? ISO_SV_SERVICE : ISO_SV_FUNCTION;
    return err;
}

static enum iso_err read_from(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *at,
                              struct iso_sv_doc_component *component)
{
    static const char *const names[] = {"snapshot"};
    if (at->json == NULL) {
        return ISO_OK;
    }
    struct iso_sv_doc_at snapshot = iso_sv_doc_member(at, "snapshot");
    enum iso_err err = iso_sv_doc_object(reader, at, names, ISO_COUNT_OF(names), 1);
    return err != ISO_OK ? err : iso_sv_doc_bool(reader, &snapshot, &component->from_snapshot);
}

static enum iso_err read_component(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *at,
                                   struct iso_sv_doc_component *component)
{
    static const char *const names[] = {"module", "epoch", "wit",    "abi",    "mode",  "config",
                                        "args",   "env",   "grants", "limits", "links", "from"};
    struct iso_sv_doc_at config = iso_sv_doc_member(at, "config");
    struct iso_sv_doc_at args = iso_sv_doc_member(at, "args");
    struct iso_sv_doc_at env = iso_sv_doc_member(at, "env");
    struct iso_sv_doc_at grants = iso_sv_doc_member(at, "grants");
    struct iso_sv_doc_at limits = iso_sv_doc_member(at, "limits");
    struct iso_sv_doc_at links = iso_sv_doc_member(at, "links");
    struct iso_sv_doc_at from = iso_sv_doc_member(at, "from");
    enum iso_err err = iso_sv_doc_key_name(reader, at, &component->name);
    if (err == ISO_OK) {
        err = iso_sv_doc_object(reader, at, names, ISO_COUNT_OF(names), 2);
    }
    if (err == ISO_OK) {
        err = read_what(reader, at, component);
    }
    if (err == ISO_OK) {
        err = read_pairs(reader, &config, "keys", &component->config, &component->config_count);
    }
    if (err == ISO_OK && args.json != NULL) {
        err = read_texts(reader, &args, 0, ISO_SV_DOC_ARGS_MAX, "arguments", &component->args,
                         &component->arg_count);
    }
    if (err == ISO_OK) {
        err = read_pairs(reader, &env, "variables", &component->env, &component->env_count);
    }
    if (err == ISO_OK) {
        err = read_grants(reader, &grants, component);
    }
    if (err == ISO_OK) {
        err = read_limits(reader, &limits, &component->limits);
    }
    if (err == ISO_OK) {
        err = read_links(reader, &links, component);
    }
    return err != ISO_OK ? err : read_from(reader, &from, component);
}

enum iso_err iso_sv_doc_components(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *at)
{
    enum iso_err err = iso_sv_doc_map(reader, at, ISO_SV_DOC_COMPONENTS_MAX, "components");
    struct iso_sv_doc_component *components =
        err == ISO_OK ? iso_sv_doc_new(reader, json_object_size(at->json), sizeof *components)
                      : NULL;
    if (components == NULL) {
        return err != ISO_OK ? err : ISO_E_NOMEM;
    }
    reader->document->components = components;
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(at->json, key, value)
    {
        struct iso_sv_doc_at member = {.json = value, .up = at, .key = key};
        err = read_component(reader, &member, &components[reader->document->component_count]);
        if (err != ISO_OK) {
            return err;
        }
        reader->document->component_count++;
    }
    return ISO_OK;
}
