/* device_simulated.c - what is simulated, as one document: to be looked at and set from outside, as
 * the world does it with real sensors and lines (docs/devices.md). */
#include "supervisor/device_internal.h"

#include <jansson.h>

void iso_sv_devices_simulated_write(const struct iso_sv_devices *devices, struct iso_json *json)
{
    iso_json_object_begin(json);
    iso_json_key(json, "sensor");
    iso_sv_sensors_simulated_write(devices, json);
    iso_json_key(json, "gpio");
    iso_sv_gpio_simulated_write(devices, json);
    iso_json_object_end(json);
}

/* Both: set == false: only checked. */
static enum iso_err set_sensor(struct iso_sv_devices *devices, const char *name,
                               const json_t *value, bool set, struct iso_report *report)
{
    const double number = json_number_value(value);
    if (!json_is_number(value)) {
        return iso_fail(report, ISO_E_INVALID, "sensor '%.64s': its value must be a number", name);
    }
    return iso_sv_sensor_simulated_set(devices, iso_str_from_z(name), set ? &number : NULL, report);
}

static enum iso_err set_line(struct iso_sv_devices *devices, const char *name, const json_t *value,
                             bool set, struct iso_report *report)
{
    const bool level = json_is_true(value);
    if (!json_is_boolean(value)) {
        return iso_fail(report, ISO_E_INVALID, "line '%.64s': its level must be true or false",
                        name);
    }
    return iso_sv_gpio_simulated_set(devices, iso_str_from_z(name), set ? &level : NULL, report);
}

static const struct {
    const char *interface;
    enum iso_err (*set)(struct iso_sv_devices *devices, const char *name, const json_t *value,
                        bool set, struct iso_report *report);
} parts[] = {{"sensor", set_sensor}, {"gpio", set_line}};

static enum iso_err set_part(struct iso_sv_devices *devices, const char *interface,
                             const json_t *values, bool set, struct iso_report *report)
{
    const char *name;
    json_t *value;
    size_t part = 0;
    while (part < ISO_COUNT_OF(parts) && strcmp(parts[part].interface, interface) != 0) {
        part++;
    }
    if (part == ISO_COUNT_OF(parts)) {
        return iso_fail(report, ISO_E_INVALID,
                        "nothing of \"%.64s\" is simulated; there are \"sensor\" and \"gpio\"",
                        interface);
    }
    if (!json_is_object(values)) {
        return iso_fail(report, ISO_E_INVALID, "\"%s\" must be an object of values by name",
                        interface);
    }
    json_object_foreach((json_t *)(uintptr_t)values, name, value)
    {
        const enum iso_err err = parts[part].set(devices, name, value, set, report);
        if (err != ISO_OK) {
            return err;
        }
    }
    return ISO_OK;
}

enum iso_err iso_sv_devices_simulated_set(struct iso_sv_devices *devices, const json_t *document,
                                          struct iso_report *report)
{
    const char *interface;
    json_t *values;
    for (int set = 0; set < 2; set++) {
        json_object_foreach((json_t *)(uintptr_t)document, interface, values)
        {
            const enum iso_err err = set_part(devices, interface, values, set != 0, report);
            if (err != ISO_OK) {
                return err;
            }
        }
    }
    return ISO_OK;
}
