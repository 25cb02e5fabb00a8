/* config.c - the supervisor's configuration file: JSON, its members as docs/supervisor.md has them.
 */
#include "supervisor/supervisor.h"

#include "daemon/log.h"
#include "daemon/netif.h"
#include "platform/platform.h"

#include <jansson.h>

#include "base/format.h"
#include "base/name.h"
#include "base/nearest.h"

#include <stdlib.h>
#include <string.h>

enum { CONFIG_MAX_BYTES = 1 << 20 };

void iso_supervisor_config_init(struct iso_supervisor_config *config)
{
    *config = (struct iso_supervisor_config){.log_level = ISO_LOG_INFO};
    iso_arena_init(&config->arena, iso_alloc_libc(), 0, 8u * CONFIG_MAX_BYTES);
}

void iso_supervisor_config_fini(struct iso_supervisor_config *config)
{
    iso_arena_fini(&config->arena);
}

struct reader {
    struct iso_supervisor_config *config;
    struct iso_report *report;
    const char *path;
};

typedef enum iso_err read_item(const struct reader *reader, const char *member, const json_t *value,
                               const char **out);

static enum iso_err wrong(const struct reader *reader, const char *member, const char *wanted)
{
    return iso_fail(reader->report, ISO_E_INVALID, "%s: \"%s\" must be %s", reader->path, member,
                    wanted);
}

/* What is wrong with the text of a member, as somebody else says it. */
static enum iso_err wrong_text(const struct reader *reader, const char *member, enum iso_err err,
                               const struct iso_report *why)
{
    return err == ISO_OK ? ISO_OK
                         : iso_fail(reader->report, err, "%s: \"%s\": %s", reader->path, member,
                                    iso_report_text(why, err));
}

static enum iso_err copy_text(const struct reader *reader, const json_t *value, const char **out)
{
    const struct iso_str text = iso_str_from(json_string_value(value), json_string_length(value));
    *out = iso_arena_copy_str(&reader->config->arena, text);
    return *out != NULL ? ISO_OK : ISO_E_NOMEM;
}

static enum iso_err read_text(const struct reader *reader, const char *member, const json_t *value,
                              const char **out)
{
    if (!json_is_string(value) || json_string_length(value) == 0 ||
        strlen(json_string_value(value)) != json_string_length(value)) {
        return wrong(reader, member, "a text that is not empty");
    }
    return copy_text(reader, value, out);
}

/* A path, seen from the folder of the file. */
static enum iso_err read_path(const struct reader *reader, const char *member, const json_t *value,
                              const char **out)
{
    char path[ISO_PATH_MAX];
    const enum iso_err err = read_text(reader, member, value, out);
    if (err != ISO_OK) {
        return err;
    }
    if (!iso_path_beside(path, reader->path, *out)) {
        char *file = iso_path_absolute(reader->path);
        const bool in_folder = file != NULL;
        free(file);
        return wrong(reader, member,
                     in_folder ? "a path that is not as long"
                               : "an absolute path, since the configuration is in no folder");
    }
    *out = iso_arena_copy_str(&reader->config->arena, iso_str_from_z(path));
    return *out != NULL ? ISO_OK : ISO_E_NOMEM;
}

static enum iso_err read_interface(const struct reader *reader, const char *member,
                                   const json_t *value, const char **out)
{
    struct iso_report why;
    iso_report_init(&why);
    const enum iso_err err = read_text(reader, member, value, out);
    return err != ISO_OK ? err : wrong_text(reader, member, iso_netif_check(*out, &why), &why);
}

/* One text or an array of them, each read by `read`. */
static enum iso_err read_list(const struct reader *reader, const char *member, const json_t *value,
                              read_item *read, const char **out, size_t cap, size_t *count)
{
    const size_t given = json_is_array(value) ? json_array_size(value) : 1;
    if (given > cap) {
        return iso_fail(reader->report, ISO_E_LIMIT, "%s: \"%s\" has %zu entries; %zu are the most",
                        reader->path, member, given, cap);
    }
    for (size_t i = 0; i < given; i++) {
        const json_t *item = json_is_array(value) ? json_array_get(value, i) : value;
        if (!json_is_string(item)) {
            return wrong(reader, member, "a text or an array of texts");
        }
        const enum iso_err err = read(reader, member, item, &out[i]);
        if (err != ISO_OK) {
            return err;
        }
    }
    *count = given;
    return ISO_OK;
}

static enum iso_err read_number(const struct reader *reader, const char *member,
                                const json_t *value, uint32_t max, uint32_t *out)
{
    if (!json_is_integer(value) || json_integer_value(value) < 1 ||
        json_integer_value(value) > max) {
        char wanted[64];
        (void)iso_format(wanted, sizeof wanted, "a number from 1 to %u", max);
        return wrong(reader, member, wanted);
    }
    *out = (uint32_t)json_integer_value(value);
    return ISO_OK;
}

enum iso_err iso_supervisor_parse_percent(const char *text, uint32_t *out,
                                          struct iso_report *report)
{
    uint32_t value = 0;
    size_t i = 0;
    for (; text[i] >= '0' && text[i] <= '9' && value <= 100; i++) {
        value = value * 10 + (uint32_t)(text[i] - '0');
    }
    if (i == 0 || strcmp(text + i, "%") != 0 || value < 1 || value > 100) {
        return iso_fail(report, ISO_E_ARGUMENT, "\"%s\" is no share; write 1%% to 100%%", text);
    }
    *out = value;
    return ISO_OK;
}

static enum iso_err read_labels(const struct reader *reader, const json_t *value)
{
    struct iso_supervisor_config *config = reader->config;
    if (!json_is_object(value) || json_object_size(value) > ISO_SUPERVISOR_LABELS_MAX) {
        return wrong(reader, "labels", "an object of at most 32 texts");
    }
    const char *key;
    json_t *item;
    size_t count = 0;
    json_object_foreach((json_t *)(uintptr_t)value, key, item)
    {
        char text[256];
        if (!json_is_string(item) ||
            iso_format(text, sizeof text, "%s=%s", key, json_string_value(item)) >= sizeof text) {
            return wrong(reader, "labels", "an object of short texts");
        }
        if (!iso_label_key_check(iso_str_from_z(key))) {
            return wrong(reader, "labels", "an object whose names are " ISO_LABEL_KEY_RULE);
        }
        config->labels[count] = iso_arena_copy_str(&config->arena, iso_str_from_z(text));
        if (config->labels[count] == NULL) {
            return ISO_E_NOMEM;
        }
        count++;
    }
    config->label_count = count;
    return ISO_OK;
}

static enum iso_err read_size(const struct reader *reader, const char *member, const json_t *value,
                              uint64_t *out)
{
    if (json_is_integer(value) && json_integer_value(value) > 0) {
        *out = (uint64_t)json_integer_value(value);
        return ISO_OK;
    }
    if (!json_is_string(value)) {
        return wrong(reader, member, "a size such as \"256MiB\"");
    }
    struct iso_report why;
    iso_report_init(&why);
    return wrong_text(reader, member, iso_parse_limit(json_string_value(value), out, &why), &why);
}

static enum iso_err read_devices(const struct reader *reader, const json_t *value)
{
    char *text = json_is_object(value) ? json_dumps(value, JSON_COMPACT) : NULL;
    if (text == NULL) {
        return wrong(reader, "devices", "an object");
    }
    const char *copy = iso_arena_copy_str(&reader->config->arena, iso_str_from_z(text));
    reader->config->devices_json = iso_bytes_from(copy, copy != NULL ? strlen(copy) : 0);
    free(text);
    return copy != NULL ? ISO_OK : ISO_E_NOMEM;
}

static enum iso_err read_log(const struct reader *reader, const json_t *value)
{
    struct iso_supervisor_config *config = reader->config;
    static const char *const members[] = {"format", "level"};
    const char *key;
    json_t *item;
    if (!json_is_object(value)) {
        return wrong(reader, "log", "an object with \"format\" and \"level\"");
    }
    json_object_foreach((json_t *)(uintptr_t)value, key, item)
    {
        const char *text = json_string_value(item);
        struct iso_report why;
        char unknown[128];
        iso_report_init(&why);
        if (!iso_nearest_among(key, "member", members, ISO_COUNT_OF(members), unknown,
                               sizeof unknown)) {
            return iso_fail(reader->report, ISO_E_INVALID, "%s: \"log\": %s", reader->path,
                            unknown);
        }
        if (strcmp(key, "level") == 0 && text != NULL) {
            const enum iso_err err = iso_log_level_parse(text, &config->log_level, &why);
            if (err != ISO_OK) {
                return wrong_text(reader, "log", err, &why);
            }
        } else if (strcmp(key, "format") == 0 && text != NULL &&
                   (strcmp(text, "json") == 0 || strcmp(text, "text") == 0)) {
            config->log_json = strcmp(text, "json") == 0;
        } else {
            return wrong(reader, "log", "an object with \"format\" (text, json) and \"level\"");
        }
    }
    return ISO_OK;
}

static enum iso_err read_other(const struct reader *reader, const char *key, const json_t *value)
{
    struct iso_supervisor_config *config = reader->config;
    if (strcmp(key, "labels") == 0) {
        return read_labels(reader, value);
    }
    if (strcmp(key, "devices") == 0) {
        return read_devices(reader, value);
    }
    if (strcmp(key, "log") == 0) {
        return read_log(reader, value);
    }
    if (strcmp(key, "modules") == 0) {
        return read_size(reader, key, value, &config->modules_max_bytes);
    }
    if (strcmp(key, "code-memory") == 0) {
        return read_size(reader, key, value, &config->code_max_bytes);
    }
    if (strcmp(key, "workers") == 0) {
        return read_number(reader, key, value, ISO_SUPERVISOR_WORKERS_MAX, &config->workers);
    }
    if (strcmp(key, "connections") == 0) {
        return read_number(reader, key, value, 16384, &config->connections_max);
    }
    if (strcmp(key, "mdns") == 0) {
        config->no_mdns = json_is_false(value);
        return json_is_boolean(value) ? ISO_OK : wrong(reader, key, "true or false");
    }
    if (strcmp(key, "cpu") == 0) {
        struct iso_report why;
        const char *text = json_string_value(value);
        iso_report_init(&why);
        return text == NULL
                   ? wrong(reader, key, "a share such as \"25%\"")
                   : wrong_text(reader, key,
                                iso_supervisor_parse_percent(text, &config->cpu_percent, &why),
                                &why);
    }
    static const char *const names[] = {
        "name",    "state",       "labels",       "https",      "http",   "coap",    "coaps",
        "hosts",   "directories", "orchestrator", "interfaces", "mdns",   "workers", "cpu",
        "modules", "code-memory", "connections",  "log",        "devices"};
    char why[384];
    (void)iso_nearest_among(key, "member", names, ISO_COUNT_OF(names), why, sizeof why);
    return iso_fail(reader->report, ISO_E_INVALID, "%s: %s", reader->path, why);
}

static enum iso_err read_member(const struct reader *reader, const char *key, const json_t *value)
{
    struct iso_supervisor_config *config = reader->config;
    const struct {
        const char *name;
        read_item *read;
        const char **list;
        size_t *count;
    } lists[] = {{"https", read_text, config->https, &config->https_count},
                 {"http", read_text, config->http, &config->http_count},
                 {"coap", read_text, config->coap, &config->coap_count},
                 {"coaps", read_text, config->coaps, &config->coaps_count},
                 {"hosts", read_text, config->hosts, &config->host_count},
                 {"interfaces", read_interface, config->interfaces, &config->interface_count},
                 {"directories", read_path, config->directories, &config->directory_count}};
    if (strcmp(key, "interfaces") == 0 && json_is_array(value) && json_array_size(value) == 0) {
        return wrong(reader, key,
                     "at least one network interface; without the member all are used, with "
                     "\"mdns\": false none");
    }
    for (size_t i = 0; i < ISO_COUNT_OF(lists); i++) {
        if (strcmp(key, lists[i].name) == 0) {
            return read_list(reader, key, value, lists[i].read, lists[i].list,
                             ISO_SUPERVISOR_LISTEN_MAX, lists[i].count);
        }
    }
    if (strcmp(key, "name") == 0) {
        return read_text(reader, key, value, &config->name);
    }
    if (strcmp(key, "state") == 0) {
        return read_path(reader, key, value, &config->state);
    }
    if (strcmp(key, "orchestrator") == 0) {
        return read_text(reader, key, value, &config->orchestrator);
    }
    return read_other(reader, key, value);
}

enum iso_err iso_supervisor_config_read(struct iso_supervisor_config *config, const char *path,
                                        struct iso_report *report)
{
    struct iso_file file;
    enum iso_err err = iso_file_read(path, CONFIG_MAX_BYTES, &file, report);
    if (err != ISO_OK) {
        return err;
    }
    json_error_t error;
    json_t *root =
        json_loadb((const char *)file.bytes.ptr, file.bytes.len, JSON_REJECT_DUPLICATES, &error);
    iso_file_fini(&file);
    if (root == NULL) {
        return iso_fail(report, ISO_E_MALFORMED, "%s:%d:%d: %s", path, error.line, error.column,
                        error.text);
    }
    const struct reader reader = {config, report, path};
    config->file = iso_arena_copy_str(&config->arena, iso_str_from_z(path));
    if (!json_is_object(root)) {
        err = iso_fail(report, ISO_E_INVALID, "%s must be an object", path);
    }
    const char *key;
    json_t *value;
    json_object_foreach(root, key, value)
    {
        if (err == ISO_OK) {
            err = read_member(&reader, key, value);
        }
    }
    json_decref(root);
    return err;
}
