/* devices_config.c - member "devices" of the configuration: cameras, displays, sensors and lines,
 * as docs/devices.md has them. */
#include "supervisor/devices_config.h"

#include "base/format.h"
#include "base/nearest.h"
#include "platform/platform.h"

#include <jansson.h>

#include <stdlib.h>
#include <string.h>

struct reader {
    const char *file; /* the configuration; NULL: none */
    struct iso_arena *arena;
    struct iso_report *report;
};

static enum iso_err wrong(const struct reader *reader, const char *place, const char *wanted)
{
    return iso_fail(reader->report, ISO_E_INVALID, "devices.%s must be %s", place, wanted);
}

/* Of what has a name: "devices.gpio.led.direction must be ...". */
static enum iso_err wrong_member(const struct reader *reader, const char *place, const char *name,
                                 const char *member, const char *wanted)
{
    return iso_fail(reader->report, ISO_E_INVALID, "devices.%s.%s.%s must be %s", place, name,
                    member, wanted);
}

static bool is_none_or(const json_t *value, json_type type)
{
    return value == NULL || json_typeof(value) == type;
}

static char *copy(const struct reader *reader, const json_t *value)
{
    return json_is_string(value)
               ? iso_arena_copy_str(reader->arena, iso_str_from(json_string_value(value),
                                                                json_string_length(value)))
               : NULL;
}

/* A text, which is absolute afterwards when it is a path that begins with ./ or ../ */
static char *copy_path(const struct reader *reader, const json_t *value)
{
    const char *text = json_string_value(value);
    if (text == NULL || (strncmp(text, "./", 2) != 0 && strncmp(text, "../", 3) != 0)) {
        return copy(reader, value);
    }
    char path[ISO_PATH_MAX];
    return reader->file != NULL && iso_path_beside(path, reader->file, text)
               ? iso_arena_copy_str(reader->arena, iso_str_from_z(path))
               : copy(reader, value);
}

/* Members of an object that are none of the allowed: the first is refused. where: "devices.gpio" of
 * what is called `name`; without a name, "devices". */
static enum iso_err only(const struct reader *reader, const char *where, const char *name,
                         const json_t *object, const char *const *allowed, size_t count)
{
    const char *key;
    json_t *value;
    char why[256];
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        if (!iso_nearest_among(key, "member", allowed, count, why, sizeof why)) {
            return iso_fail(reader->report, ISO_E_INVALID, "%s%s%s: %s", where,
                            name[0] != '\0' ? "." : "", name, why);
        }
    }
    return ISO_OK;
}

static enum iso_err read_camera(const struct reader *reader, const char *name, const json_t *value,
                                struct iso_sv_camera_def *out)
{
    out->name = iso_arena_copy_str(reader->arena, iso_str_from_z(name));
    if (json_is_string(value)) {
        out->source = copy_path(reader, value);
        return out->name != NULL && out->source != NULL ? ISO_OK : ISO_E_NOMEM;
    }
    const size_t count = json_array_size(value);
    const char **command = iso_arena_array(reader->arena, count, sizeof *command);
    if (command == NULL || out->name == NULL) {
        return ISO_E_NOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        command[i] = copy(reader, json_array_get(value, i));
        if (command[i] == NULL) {
            return wrong(reader, "cameras", "an object of sources (texts) or commands (arrays)");
        }
    }
    if (count == 0) {
        return wrong(reader, "cameras", "an object of sources (texts) or commands (arrays)");
    }
    out->command = command;
    out->command_count = count;
    return ISO_OK;
}

static enum iso_err read_cameras(const struct reader *reader, const json_t *value,
                                 struct iso_sv_devices_config *out)
{
    const char *name;
    json_t *item;
    if (!json_is_object(value)) {
        return wrong(reader, "cameras", "an object");
    }
    struct iso_sv_camera_def *defs =
        iso_arena_array(reader->arena, json_object_size(value), sizeof *defs);
    if (defs == NULL) {
        return ISO_E_NOMEM;
    }
    out->cameras = defs;
    json_object_foreach((json_t *)(uintptr_t)value, name, item)
    {
        const enum iso_err err = read_camera(reader, name, item, &defs[out->camera_count++]);
        if (err != ISO_OK) {
            return err;
        }
    }
    return ISO_OK;
}

static enum iso_err read_displays(const struct reader *reader, const json_t *value,
                                  struct iso_sv_devices_config *out)
{
    const size_t count = json_array_size(value);
    const char **names = iso_arena_array(reader->arena, count, sizeof *names);
    if (!json_is_array(value)) {
        return wrong(reader, "displays", "an array of names");
    }
    for (size_t i = 0; names != NULL && i < count; i++) {
        names[i] = copy(reader, json_array_get(value, i));
        if (names[i] == NULL) {
            return wrong(reader, "displays", "an array of names");
        }
    }
    out->displays = names;
    out->display_count = count;
    return names != NULL ? ISO_OK : ISO_E_NOMEM;
}

static enum iso_err read_sensor(const struct reader *reader, const char *name, const json_t *value,
                                struct iso_sv_sensor_def *out)
{
    static const char *const members[] = {"unit", "value", "amplitude", "period", "file"};
    enum iso_err err =
        only(reader, "devices.simulated-sensors", name, value, members, ISO_COUNT_OF(members));
    if (err != ISO_OK || !json_is_object(value)) {
        return err != ISO_OK ? err : wrong(reader, "simulated-sensors", "an object of objects");
    }
    for (size_t i = 0; i < ISO_COUNT_OF(members); i++) {
        const json_t *given = json_object_get(value, members[i]);
        const bool text = strcmp(members[i], "unit") == 0 || strcmp(members[i], "file") == 0;
        if (text ? !is_none_or(given, JSON_STRING) : given != NULL && !json_is_number(given)) {
            return wrong_member(reader, "simulated-sensors", name, members[i],
                                text ? "a text" : "a number");
        }
    }
    out->name = iso_arena_copy_str(reader->arena, iso_str_from_z(name));
    out->unit = copy(reader, json_object_get(value, "unit"));
    out->path = copy_path(reader, json_object_get(value, "file"));
    out->value = json_number_value(json_object_get(value, "value"));
    out->amplitude = json_number_value(json_object_get(value, "amplitude"));
    out->period_s = json_number_value(json_object_get(value, "period"));
    out->kind = out->path != NULL     ? ISO_SV_SENSOR_FILE
                : out->amplitude != 0 ? ISO_SV_SENSOR_SINE
                                      : ISO_SV_SENSOR_CONSTANT;
    return out->name != NULL ? ISO_OK : ISO_E_NOMEM;
}

static enum iso_err read_sensors(const struct reader *reader, const json_t *value,
                                 struct iso_sv_devices_config *out)
{
    const char *name;
    json_t *item;
    if (!json_is_object(value)) {
        return wrong(reader, "simulated-sensors", "an object of objects");
    }
    struct iso_sv_sensor_def *defs =
        iso_arena_array(reader->arena, json_object_size(value), sizeof *defs);
    if (defs == NULL) {
        return ISO_E_NOMEM;
    }
    out->simulated_sensors = defs;
    json_object_foreach((json_t *)(uintptr_t)value, name, item)
    {
        const enum iso_err err =
            read_sensor(reader, name, item, &defs[out->simulated_sensor_count++]);
        if (err != ISO_OK) {
            return err;
        }
    }
    return ISO_OK;
}

/* A name or a number from 0; *out stays NULL where nothing is given. False: something else is. */
static bool read_name_or_number(const struct reader *reader, const json_t *value, const char **out)
{
    char digits[24];
    if (json_is_integer(value) && json_integer_value(value) >= 0) {
        (void)iso_format(digits, sizeof digits, "%lld", (long long)json_integer_value(value));
        *out = iso_arena_copy_str(reader->arena, iso_str_from_z(digits));
    } else if (json_string_length(value) != 0) {
        *out = copy(reader, value);
    } else {
        return value == NULL;
    }
    return true;
}

static enum iso_err read_line(const struct reader *reader, const char *name, const json_t *value,
                              struct iso_sv_gpio_def *out)
{
    static const char *const members[] = {"chip", "line", "direction", "active-low", "initial"};
    enum iso_err err = only(reader, "devices.gpio", name, value, members, ISO_COUNT_OF(members));
    if (err != ISO_OK || !json_is_object(value)) {
        return err != ISO_OK ? err : wrong(reader, "gpio", "an object of objects");
    }
    const json_t *line = json_object_get(value, "line"), *chip = json_object_get(value, "chip");
    const char *direction = json_string_value(json_object_get(value, "direction"));
    if (direction == NULL ||
        (strcmp(direction, "input") != 0 && strcmp(direction, "output") != 0)) {
        return wrong_member(reader, "gpio", name, "direction", "\"input\" or \"output\"");
    }
    out->name = iso_arena_copy_str(reader->arena, iso_str_from_z(name));
    if (!read_name_or_number(reader, chip, &out->chip)) {
        return wrong_member(reader, "gpio", name, "chip", "the name or number of a chip");
    }
    if (!read_name_or_number(reader, line, &out->line) || (chip != NULL && line == NULL)) {
        return wrong_member(reader, "gpio", name, "line",
                            "the name or number of a line of its chip");
    }
    if (chip == NULL && line != NULL) {
        return wrong_member(
            reader, "gpio", name, "chip",
            "given, too: \"line\" is one of a chip (one without both is simulated)");
    }
    const json_t *active_low = json_object_get(value, "active-low");
    const json_t *initial = json_object_get(value, "initial");
    if ((active_low != NULL && !json_is_boolean(active_low)) ||
        (initial != NULL && !json_is_boolean(initial))) {
        return wrong_member(reader, "gpio", name,
                            initial != NULL && !json_is_boolean(initial) ? "initial" : "active-low",
                            "true or false");
    }
    out->output = strcmp(direction, "output") == 0;
    out->active_low = json_is_true(active_low);
    out->initial = json_is_true(initial);
    return out->name != NULL && (chip == NULL) == (out->chip == NULL) &&
                   (line == NULL) == (out->line == NULL)
               ? ISO_OK
               : ISO_E_NOMEM;
}

static enum iso_err read_lines(const struct reader *reader, const json_t *value,
                               struct iso_sv_devices_config *out)
{
    const char *name;
    json_t *item;
    if (!json_is_object(value)) {
        return wrong(reader, "gpio", "an object of objects");
    }
    struct iso_sv_gpio_def *defs =
        iso_arena_array(reader->arena, json_object_size(value), sizeof *defs);
    if (defs == NULL) {
        return ISO_E_NOMEM;
    }
    out->lines = defs;
    json_object_foreach((json_t *)(uintptr_t)value, name, item)
    {
        const enum iso_err err = read_line(reader, name, item, &defs[out->line_count++]);
        if (err != ISO_OK) {
            return err;
        }
    }
    return ISO_OK;
}

static enum iso_err read_all(const struct reader *reader, const json_t *root,
                             struct iso_sv_devices_config *out)
{
    static const struct {
        const char *name;
        enum iso_err (*read)(const struct reader *reader, const json_t *value,
                             struct iso_sv_devices_config *out);
    } members[] = {{"cameras", read_cameras},
                   {"displays", read_displays},
                   {"simulated-sensors", read_sensors},
                   {"gpio", read_lines}};
    static const char *const names[] = {"cameras", "displays", "sensors", "simulated-sensors",
                                        "gpio"};
    const enum iso_err known = only(reader, "devices", "", root, names, ISO_COUNT_OF(names));
    if (known != ISO_OK) {
        return known;
    }
    const json_t *sensors = json_object_get(root, "sensors");
    if (sensors != NULL && !json_is_boolean(sensors)) {
        return wrong(reader, "sensors", "true or false");
    }
    out->sensors = sensors == NULL || json_is_true(sensors);
    for (size_t i = 0; i < ISO_COUNT_OF(members); i++) {
        const json_t *member = json_object_get(root, members[i].name);
        const enum iso_err err = member != NULL ? members[i].read(reader, member, out) : ISO_OK;
        if (err != ISO_OK) {
            return err;
        }
    }
    return ISO_OK;
}

enum iso_err iso_sv_devices_config_read(struct iso_bytes text, const char *file,
                                        struct iso_arena *arena, struct iso_sv_devices_config *out,
                                        struct iso_report *report)
{
    const struct reader reader = {file, arena, report};
    *out = (struct iso_sv_devices_config){.sensors = true};
    if (text.len == 0) {
        return ISO_OK;
    }
    json_error_t error;
    json_t *root = json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL) {
        return iso_fail(report, ISO_E_MALFORMED, "devices: %s", error.text);
    }
    const enum iso_err err = read_all(&reader, root, out);
    json_decref(root);
    return err;
}
