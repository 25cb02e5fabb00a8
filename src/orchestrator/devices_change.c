/* devices_change.c - name, labels and draining of a device, as people set them here. */
#include "base/format.h"
#include "base/name.h"
#include "orchestrator/devices_state.h"

enum { LABEL_MAX = 128 }; /* bytes of a value */

static ISO_MUST_CHECK enum iso_err check_name(const struct iso_or_entry *entry, struct iso_str name,
                                              struct iso_report *report)
{
    char clean[ISO_OR_NAME_SIZE];
    iso_or_name_clean(name, "", clean);
    if (!iso_str_equal_z(name, clean)) {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "a name has at most %d bytes of UTF-8 without control characters",
                        ISO_OR_NAME_SIZE - 1);
    }
    const struct iso_or_entry *other = iso_or_entry_find_name(entry->devices, name);
    other = other != NULL ? other : iso_or_entry_find(entry->devices, name);
    if (other != NULL && other != entry) {
        return iso_fail(report, ISO_E_EXISTS, "another device is called %s", clean);
    }
    return ISO_OK;
}

/* given with the changes in it: the caller's reference. */
static ISO_MUST_CHECK enum iso_err merge_labels(const struct iso_or_entry *entry,
                                                const json_t *changes, json_t **out,
                                                struct iso_report *report)
{
    const json_t *own = json_object_get(entry->description, "labels");
    const char *key;
    char shown[ISO_QUOTE_SIZE];
    json_t *value, *merged;
    if (!json_is_object(changes)) {
        return iso_fail(report, ISO_E_ARGUMENT, "labels are an object: {\"room\": \"lobby\"}");
    }
    merged = json_copy(entry->given);
    json_object_foreach((json_t *)changes, key, value)
    {
        int failed;
        if ((!json_is_string(value) && !json_is_null(value)) ||
            json_string_length(value) > LABEL_MAX) {
            iso_report_set(report,
                           "label %s: its value is a text of at most %d bytes; null takes a label "
                           "away",
                           iso_quote(shown, iso_str_from_z(key)), LABEL_MAX);
            json_decref(merged);
            return ISO_E_ARGUMENT;
        }
        /* One that is there can be taken away whatever it is called. */
        const bool known =
            json_object_get(own, key) != NULL || json_object_get(entry->given, key) != NULL;
        if (!iso_label_key_check(iso_str_from_z(key)) && (json_is_string(value) || !known)) {
            iso_report_set(report, "label %s: a label is called by " ISO_LABEL_KEY_RULE,
                           iso_quote(shown, iso_str_from_z(key)));
            json_decref(merged);
            return ISO_E_ARGUMENT;
        }
        if (json_is_null(value) && json_object_get(own, key) == NULL) {
            (void)json_object_del(merged, key);
            failed = 0;
        } else {
            failed = json_object_set(merged, key, value);
        }
        if (failed != 0) {
            json_decref(merged);
            return ISO_E_NOMEM;
        }
    }
    if (merged != NULL && json_object_size(merged) > ISO_OR_LABELS_MAX) {
        json_decref(merged);
        return iso_fail(report, ISO_E_LIMIT, "a device has at most %d labels", ISO_OR_LABELS_MAX);
    }
    if (merged == NULL) {
        return ISO_E_NOMEM;
    }
    *out = merged;
    return ISO_OK;
}

enum iso_err iso_or_devices_change(struct iso_or_devices *devices, struct iso_str id,
                                   struct iso_str name, const json_t *labels, const bool *drained,
                                   struct iso_report *report)
{
    struct iso_or_entry *entry = iso_or_entry_find(devices, id);
    entry = entry != NULL ? entry : iso_or_entry_find_name(devices, id);
    json_t *given = NULL;
    enum iso_err err = ISO_OK;
    if (entry == NULL) {
        return iso_fail(report, ISO_E_NOT_FOUND, "no device is called %.*s", (int)id.len, id.ptr);
    }
    if (name.len != 0) {
        err = check_name(entry, name, report);
    }
    if (err == ISO_OK && labels != NULL) {
        err = merge_labels(entry, labels, &given, report);
    }
    if (err != ISO_OK) {
        return err;
    }
    /* All of it is in the store, or nothing has changed. */
    char old_name[ISO_OR_NAME_SIZE];
    memcpy(old_name, entry->device.name, sizeof old_name);
    const bool old_named = entry->named, old_drained = entry->device.drained;
    json_t *old_given = json_incref(entry->given);
    if (name.len != 0) {
        iso_or_entry_rename(entry, name);
        entry->named = true;
    }
    if (given != NULL) {
        json_decref(entry->given);
        entry->given = given;
    }
    entry->device.drained = drained != NULL ? *drained : old_drained;
    err = iso_or_entry_label(entry);
    err = err != ISO_OK ? err : iso_or_entry_keep(entry, report);
    if (err != ISO_OK) {
        iso_or_entry_rename(entry, iso_str_from_z(old_name));
        entry->named = old_named;
        entry->device.drained = old_drained;
        json_decref(entry->given);
        entry->given = json_incref(old_given);
        (void)!iso_or_entry_label(entry);
    }
    json_decref(old_given);
    if (err == ISO_OK) {
        iso_or_entry_tell(entry, false);
    }
    return err;
}
