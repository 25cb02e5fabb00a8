/* devices_write.c - devices as docs/orchestrator-api.md shows them. */
#include "base/json_member.h"
#include "daemon/member.h"
#include "orchestrator/devices_state.h"

static void put_time(struct iso_json *json, const char *key, uint64_t ms)
{
    if (ms == 0) {
        iso_json_put_null(json, key);
    } else {
        iso_member_time(json, key, ms * 1000000u);
    }
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
        iso_member_value(json, keys[i], json_object_get(description, keys[i]));
    }
    iso_json_put_object_begin(json, "memory");
    iso_member_value(json, "total-bytes", json_object_get(memory, "total-bytes"));
    if (entry->free_bytes != 0) {
        iso_json_put_u64(json, "free-bytes", entry->free_bytes);
    } else {
        iso_member_value(json, "free-bytes", json_object_get(memory, "free-bytes"));
    }
    iso_json_object_end(json);
    iso_json_put_u64(json, "components", components_of(description));
}

static void write_entry(const struct iso_or_entry *entry, bool whole, struct iso_json *json)
{
    const struct iso_or_device *device = &entry->device;
    char pin[ISO_TLS_PIN_TEXT_SIZE];
    iso_json_object_begin(json);
    iso_json_put_z(json, "id", device->id);
    iso_json_put_z(json, "name", device->name);
    iso_json_put_z(json, "state", iso_or_device_state_name(device->state));
    iso_json_put_z(json, "reason", device->reason);
    iso_json_put_z(json, "address", device->address);
    iso_json_put_array_begin(json, "addresses");
    for (size_t i = 0; i < entry->address_count; i++) {
        iso_json_z(json, entry->addresses[i]);
    }
    iso_json_array_end(json);
    if (entry->target.has_pin) {
        iso_tls_pin_text(entry->target.pin, pin);
    }
    iso_json_put_z(json, "pin", entry->target.has_pin ? pin : NULL);
    iso_member_value(json, "labels", entry->labels);
    iso_json_put_bool(json, "drained", device->drained);
    put_time(json, "seen", device->seen_ms);
    put_time(json, "added", entry->added_ms);
    iso_json_put_f64(json, "load", device->load);
    iso_json_put_u64(json, "latency-us", device->latency_us);
    put_description(entry, json);
    if (whole) {
        iso_member_value(json, "description", entry->description);
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
