/* devices_keep.c - devices in the store: what is written, and what is read at the start. */
#include "base/format.h"
#include "orchestrator/devices_state.h"

#include <stdlib.h>

static json_t *addresses_of(const struct iso_or_entry *entry)
{
    json_t *list = json_array();
    for (size_t i = 0; i < entry->address_count; i++) {
        if (json_array_append_new(list, json_string(entry->addresses[i])) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

enum iso_err iso_or_entry_keep(struct iso_or_entry *entry, struct iso_report *report)
{
    char pin[ISO_TLS_PIN_TEXT_SIZE] = "";
    json_t *list = addresses_of(entry);
    char *addresses = list != NULL ? json_dumps(list, JSON_COMPACT) : NULL;
    char *labels = json_dumps(entry->given, JSON_COMPACT);
    char *description =
        entry->description != NULL ? json_dumps(entry->description, JSON_COMPACT) : NULL;
    enum iso_err err = ISO_E_NOMEM;
    if (entry->target.has_pin) {
        iso_tls_pin_text(entry->target.pin, pin);
    }
    if (addresses != NULL && labels != NULL &&
        (description != NULL) == (entry->description != NULL)) {
        const struct iso_or_device_row row = {.id = iso_str_from_z(entry->device.id),
                                              .name = iso_str_from_z(entry->device.name),
                                              .named = entry->named,
                                              .pin = iso_str_from_z(pin),
                                              .token = iso_str_from_z(entry->target.token),
                                              .addresses = iso_str_from_z(addresses),
                                              .labels = iso_str_from_z(labels),
                                              .description = iso_str_from_z(description),
                                              .drained = entry->device.drained,
                                              .added_ms = entry->added_ms,
                                              .seen_ms = entry->device.seen_ms};
        err = iso_or_store_device_put(entry->devices->store, &row, report);
    }
    json_decref(list);
    free(addresses);
    free(labels);
    free(description);
    return err;
}

void iso_or_entry_keep_quietly(struct iso_or_entry *entry)
{
    struct iso_report report;
    iso_report_init(&report);
    const enum iso_err err = iso_or_entry_keep(entry, &report);
    if (err != ISO_OK) {
        iso_or_entry_event(entry, "store-failed", iso_report_text(&report, err));
    }
}

bool iso_or_entry_prefer(struct iso_or_entry *entry, const char *base)
{
    char first[ISO_OR_URL_SIZE];
    size_t at = 0;
    while (at < entry->address_count && strcmp(entry->addresses[at], base) != 0) {
        at++;
    }
    (void)iso_format(first, sizeof first, "%s", base);
    if (at == entry->address_count) {
        /* A new one; the one that was good longest ago makes room. */
        at = at < ISO_OR_ADDRESSES_MAX ? entry->address_count++ : ISO_OR_ADDRESSES_MAX - 1;
    } else if (at == 0) {
        return false;
    }
    memmove(entry->addresses[1], entry->addresses[0], at * sizeof entry->addresses[0]);
    memcpy(entry->addresses[0], first, sizeof first);
    (void)iso_format(entry->device.address, sizeof entry->device.address, "%s", first);
    entry->address_next = 0;
    return true;
}

bool iso_or_entry_drop_address(struct iso_or_entry *entry, const char *base)
{
    size_t at = 0;
    while (at < entry->address_count && strcmp(entry->addresses[at], base) != 0) {
        at++;
    }
    if (entry->address_count <= 1) {
        return false;
    }
    if (at < entry->address_count) {
        entry->address_count--;
        memmove(entry->addresses[at], entry->addresses[at + 1],
                (entry->address_count - at) * sizeof entry->addresses[0]);
        (void)iso_format(entry->device.address, sizeof entry->device.address, "%s",
                         entry->addresses[0]);
    }
    entry->address_next = at % entry->address_count;
    return true;
}

/* ---- Reading ------------------------------------------------------------------------------------
 */

struct load {
    struct iso_or_devices *devices;
    enum iso_err err;
    struct iso_report *report;
};

static json_t *read_json(struct iso_str text)
{
    return text.len != 0 ? json_loadb(text.ptr, text.len, 0, NULL) : NULL;
}

static void read_addresses(struct iso_or_entry *entry, struct iso_str text)
{
    json_t *list = read_json(text), *item;
    size_t i;
    json_array_foreach(list, i, item)
    {
        const char *base = json_string_value(item);
        if (base != NULL && entry->address_count < ISO_OR_ADDRESSES_MAX) {
            (void)iso_format(entry->addresses[entry->address_count++], ISO_OR_URL_SIZE, "%s", base);
        }
    }
    json_decref(list);
    (void)iso_format(entry->device.address, sizeof entry->device.address, "%s",
                     entry->addresses[0]);
}

static ISO_MUST_CHECK enum iso_err
read_row(struct iso_or_entry *entry, const struct iso_or_device_row *row, struct iso_report *report)
{
    (void)iso_format(entry->device.name, sizeof entry->device.name, "%.*s", (int)row->name.len,
                     row->name.ptr);
    (void)iso_format(entry->own_name, sizeof entry->own_name, "%s", entry->device.name);
    (void)iso_format(entry->target.token, sizeof entry->target.token, "%.*s", (int)row->token.len,
                     row->token.ptr);
    entry->named = row->named;
    entry->added_ms = row->added_ms;
    entry->device.seen_ms = row->seen_ms;
    entry->device.drained = row->drained;
    entry->target.has_pin = row->pin.len != 0;
    read_addresses(entry, row->addresses);
    if ((entry->target.has_pin && !iso_tls_pin_parse(row->pin, entry->target.pin)) ||
        entry->address_count == 0) {
        return iso_fail(report, ISO_E_MALFORMED, "the store has no pin or no address of device %s",
                        entry->device.id);
    }
    json_t *labels = read_json(row->labels);
    if (json_is_object(labels)) {
        json_decref(entry->given);
        entry->given = json_incref(labels);
    }
    json_decref(labels);
    entry->description = read_json(row->description);
    entry->device.description = entry->description;
    return iso_or_entry_label(entry);
}

static bool load_row(void *ctx, const struct iso_or_device_row *row)
{
    struct load *load = ctx;
    struct iso_or_entry *entry = iso_or_entry_new(load->devices, row->id);
    if (entry == NULL) {
        load->err = ISO_E_NOMEM;
        return false;
    }
    load->err = read_row(entry, row, load->report);
    load->err = load->err != ISO_OK ? load->err : iso_or_entry_insert(entry, load->report);
    if (load->err != ISO_OK) {
        iso_or_entry_free(entry);
    }
    return load->err == ISO_OK;
}

enum iso_err iso_or_entries_load(struct iso_or_devices *devices, struct iso_report *report)
{
    struct load load = {devices, ISO_OK, report};
    const enum iso_err err = iso_or_store_devices(devices->store, load_row, &load, report);
    return err != ISO_OK ? err : load.err;
}
