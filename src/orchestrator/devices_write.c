/* devices_write.c - devices as docs/orchestrator-api.md shows them. */
#include "daemon/clock.h"
#include "orchestrator/devices_state.h"

#include <stdlib.h>

static void put(struct iso_json *json, const char *key, const char *value)
{
    iso_json_key(json, key);
    iso_json_z(json, value);
}

static void put_value(struct iso_json *json, const char *key, const json_t *value)
{
    char *text = value != NULL ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    iso_json_key(json, key);
    iso_json_raw(json, iso_str_from_z(text != NULL ? text : "null"));
    free(text);
}

static void put_time(struct iso_json *json, const char *key, uint64_t ms)
{
    char text[32];
    if (ms == 0) {
        put(json, key, NULL);
        return;
    }
    iso_clock_text(ms * 1000000u, text);
    put(json, key, text);
}

/* Of all deployments on it; NULL of the description: as far as is known, none. */
static size_t components_of(const json_t *description)
{
    const json_t *deployments = json_object_get(description, "deployments");
    json_t *deployment;
    size_t i, count = 0;
    json_array_foreach(deployments, i, deployment)
    {
        const json_t *components = json_object_get(deployment, "components");
        count +=
            json_is_array(components) ? json_array_size(components) : json_object_size(components);
    }
    return count;
}

static void put_description(const struct iso_or_entry *entry, struct iso_json *json)
{
    static const char *const keys[] = {"speed", "cores", "architecture", "interfaces"};
    const json_t *description = entry->description;
    const json_t *memory = json_object_get(description, "memory");
    for (size_t i = 0; i < ISO_COUNT_OF(keys); i++) {
        put_value(json, keys[i], json_object_get(description, keys[i]));
    }
    iso_json_key(json, "memory");
    iso_json_object_begin(json);
    put_value(json, "total-bytes", json_object_get(memory, "total-bytes"));
    if (entry->free_bytes != 0) {
        iso_json_key(json, "free-bytes");
        iso_json_u64(json, entry->free_bytes);
    } else {
        put_value(json, "free-bytes", json_object_get(memory, "free-bytes"));
    }
    iso_json_object_end(json);
    iso_json_key(json, "components");
    iso_json_u64(json, components_of(description));
}

static void write_entry(const struct iso_or_entry *entry, bool whole, struct iso_json *json)
{
    const struct iso_or_device *device = &entry->device;
    char pin[ISO_TLS_PIN_TEXT_SIZE];
    iso_json_object_begin(json);
    put(json, "id", device->id);
    put(json, "name", device->name);
    put(json, "state", iso_or_device_state_name(device->state));
    put(json, "reason", device->reason);
    put(json, "address", device->address);
    iso_json_key(json, "addresses");
    iso_json_array_begin(json);
    for (size_t i = 0; i < entry->address_count; i++) {
        iso_json_z(json, entry->addresses[i]);
    }
    iso_json_array_end(json);
    if (entry->target.has_pin) {
        iso_tls_pin_text(entry->target.pin, pin);
    }
    put(json, "pin", entry->target.has_pin ? pin : NULL);
    put_value(json, "labels", entry->labels);
    iso_json_key(json, "drained");
    iso_json_bool(json, device->drained);
    put_time(json, "seen", device->seen_ms);
    put_time(json, "added", entry->added_ms);
    iso_json_key(json, "load");
    iso_json_f64(json, device->load);
    iso_json_key(json, "latency-us");
    iso_json_u64(json, device->latency_us);
    put_description(entry, json);
    if (whole) {
        put_value(json, "description", entry->description);
    }
    iso_json_object_end(json);
}

void iso_or_devices_write_one(const struct iso_or_devices *devices,
                              const struct iso_or_device *device, struct iso_json *json)
{
    const struct iso_or_entry *entry = iso_or_entry_find(devices, iso_str_from_z(device->id));
    if (entry != NULL) {
        write_entry(entry, true, json);
    } else {
        iso_json_null(json);
    }
}

void iso_or_devices_write(const struct iso_or_devices *devices, struct iso_json *json)
{
    iso_json_array_begin(json);
    for (size_t i = 0; i < devices->count; i++) {
        write_entry(devices->by_name[i], false, json);
    }
    iso_json_array_end(json);
}
