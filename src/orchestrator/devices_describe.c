/* devices_describe.c - what a device says of itself, and the names and labels that follow. */
#include "base/format.h"
#include "orchestrator/devices_state.h"

void iso_or_name_clean(struct iso_str text, const char *fallback, char out[ISO_OR_NAME_SIZE])
{
    char clean[4 * ISO_OR_NAME_SIZE];
    size_t len = 0;
    for (size_t i = 0; i < text.len && len < sizeof clean - 1; i++) {
        const unsigned char c = (unsigned char)text.ptr[i];
        if (c >= 0x20 && c != 0x7f) {
            clean[len++] = (char)c;
        }
    }
    clean[len] = '\0';
    /* iso_format does not cut within a character. */
    (void)iso_format(out, ISO_OR_NAME_SIZE, "%s",
                     len != 0 && iso_utf8_valid(clean, len) ? clean : fallback);
}

enum iso_err iso_or_entry_label(struct iso_or_entry *entry)
{
    const json_t *own = json_object_get(entry->description, "labels");
    json_t *labels = json_is_object(own) ? json_copy((json_t *)own) : json_object();
    const char *key;
    json_t *value;
    if (labels == NULL) {
        return ISO_E_NOMEM;
    }
    json_object_foreach(entry->given, key, value)
    {
        if (json_is_null(value)) {
            (void)json_object_del(labels, key);
        } else if (json_object_set(labels, key, value) != 0) {
            json_decref(labels);
            return ISO_E_NOMEM;
        }
    }
    json_decref(entry->labels);
    entry->labels = labels;
    entry->device.labels = labels;
    return ISO_OK;
}

/* Whether two descriptions differ in what lasts: not in load, free memory, what is in use. */
static bool differs(const json_t *a, const json_t *b)
{
    static const char *const passing[] = {"load", "memory", "storage", "use", "deployments"};
    json_t *x = json_copy((json_t *)a), *y = json_copy((json_t *)b);
    for (size_t i = 0; x != NULL && y != NULL && i < ISO_COUNT_OF(passing); i++) {
        (void)json_object_del(x, passing[i]);
        (void)json_object_del(y, passing[i]);
    }
    const bool same = x != NULL && y != NULL && json_equal(x, y) == 1;
    json_decref(x);
    json_decref(y);
    return !same;
}

enum iso_err iso_or_entry_describe(struct iso_or_entry *entry, struct iso_bytes body, bool *news,
                                   struct iso_report *report)
{
    char name[ISO_OR_NAME_SIZE], fallback[9];
    json_t *description = json_loadb((const char *)body.ptr, body.len, 0, NULL);
    const char *id = json_string_value(json_object_get(description, "id"));
    if (id == NULL || strcmp(id, entry->device.id) != 0) {
        iso_report_set(report, "what answers as device %s says that it is %.64s", entry->device.id,
                       id != NULL ? id : "nobody");
        json_decref(description);
        return ISO_E_MALFORMED;
    }
    /* Of every device every other one: too much to keep for what nobody asks here. */
    (void)json_object_del(description, "neighbours");
    json_t *old = entry->description;
    const bool changed = old == NULL || differs(old, description);
    entry->description = description;
    const enum iso_err err = iso_or_entry_label(entry);
    if (err != ISO_OK) {
        entry->description = old;
        json_decref(description);
        return err;
    }
    entry->device.description = description;
    json_decref(old);
    const char *own = json_string_value(json_object_get(description, "name"));
    (void)iso_format(fallback, sizeof fallback, "%s", entry->device.id);
    iso_or_name_clean(iso_str_from_z(own), fallback, name);
    /* Compared with what it said before: "den-2" stays that as long as it says "den". */
    if (!entry->named && strcmp(name, entry->own_name) != 0) {
        iso_or_entry_rename(entry, iso_str_from_z(name));
    }
    memcpy(entry->own_name, name, sizeof name);
    *news = changed;
    return ISO_OK;
}
