/*
 * device_iio.c - sensors of Linux's Industrial I/O: /sys/bus/iio/devices/iio:deviceN has "name"
 * and, per channel, in_TYPE[INDEX][_MODIFIER]_input, or _raw with _scale and _offset, which several
 * channels of a type may share (in_accel_x_raw, in_accel_scale).
 * Kernel documentation: ABI/testing/sysfs-bus-iio, which has the units that value times scale is
 * in.
 */
#include "supervisor/device_sensor.h"

static const struct {
    const char *type;
    const char *unit;
    double factor;
} kinds[] = {{"temp", "°C", 1e-3},
             {"voltage", "V", 1e-3},
             {"current", "A", 1e-3},
             {"power", "W", 1e-3},
             {"accel", "m/s²", 1},
             {"anglvel", "rad/s", 1},
             {"magn", "G", 1},
             {"illuminance", "lx", 1},
             {"pressure", "Pa", 1e3},
             {"humidityrelative", "%", 1e-3},
             {"distance", "m", 1},
             {"resistance", "Ω", 1},
             {"concentration", "%", 1},
             {"proximity", "", 1},
             {"intensity", "", 1},
             {"angl", "rad", 1},
             {"velocity", "m/s", 1},
             {"gravity", "m/s²", 1},
             {"capacitance", "nF", 1},
             {"ph", "", 1},
             {"electricalconductivity", "S/m", 1},
             {"massconcentration", "µg/m³", 1}};

/* The part of "accel_x" or "voltage0" that is its type. */
static size_t type_length(const char *channel)
{
    return strcspn(channel, "_-0123456789");
}

/* A path of in_CHANNEL_WHAT, or of in_TYPE_WHAT, that can be read; NULL: there is none. */
static char *shared_path(struct iso_sv_sensor_list *list, const char *directory,
                         const char *channel, const char *what)
{
    char file[96];
    char text[64];
    (void)iso_format(file, sizeof file, "in_%.40s_%s", channel, what);
    char *path = iso_sv_sensor_path(list, directory, file);
    if (path != NULL && iso_sv_sysfs_read(path, text, sizeof text)) {
        return path;
    }
    (void)iso_format(file, sizeof file, "in_%.*s_%s", (int)type_length(channel), channel, what);
    path = iso_sv_sensor_path(list, directory, file);
    return path != NULL && iso_sv_sysfs_read(path, text, sizeof text) ? path : NULL;
}

static bool ends_with(const char *text, size_t len, const char *end)
{
    size_t end_len = strlen(end);
    return len > end_len && memcmp(text + len - end_len, end, end_len) == 0;
}

static void scan_channel(const char *directory, const char *device, const char *file,
                         struct iso_sv_sensor_list *list)
{
    size_t len = strlen(file);
    bool raw = ends_with(file, len, "_raw");
    if (strncmp(file, "in_", 3) != 0 || (!raw && !ends_with(file, len, "_input"))) {
        return;
    }
    char channel[64];
    size_t channel_len = len - 3 - (raw ? 4 : 6);
    if (channel_len == 0 || channel_len > 40) {
        return;
    }
    (void)iso_format(channel, sizeof channel, "%.*s", (int)channel_len, file + 3);
    size_t type = type_length(channel);
    struct iso_sv_sensor *sensor = iso_sv_sensor_add(list, device, channel);
    if (sensor == NULL) {
        return;
    }
    for (size_t i = 0; i < ISO_COUNT_OF(kinds); i++) {
        if (strlen(kinds[i].type) == type && strncmp(channel, kinds[i].type, type) == 0) {
            sensor->unit = kinds[i].unit;
            sensor->factor = kinds[i].factor;
        }
    }
    sensor->path = iso_sv_sensor_path(list, directory, file);
    if (raw) {
        sensor->scale_path = shared_path(list, directory, channel, "scale");
        sensor->offset_path = shared_path(list, directory, channel, "offset");
        if (sensor->scale_path == NULL) { /* a mere count: of nothing in particular */
            sensor->unit = "";
            sensor->factor = 1;
        }
    }
    if (sensor->path == NULL) {
        list->count--;
    }
}

/* A channel that has both is read where the driver has done the arithmetic. */
static bool has_input(const char **files, size_t count, const char *raw)
{
    size_t len = strlen(raw);
    for (size_t i = 0; i < count; i++) {
        size_t file_len = strlen(files[i]);
        if (ends_with(raw, len, "_raw") && file_len == len + 2 &&
            memcmp(files[i], raw, len - 3) == 0 && strcmp(files[i] + len - 3, "input") == 0) {
            return true;
        }
    }
    return false;
}

void iso_sv_iio_scan(const char *sysfs, struct iso_sv_sensor_list *list)
{
    size_t count = 0;
    const char *root = iso_sv_sensor_path(list, sysfs, "bus/iio/devices");
    const char **chips = root != NULL ? iso_sv_sysfs_names(root, &list->scratch, &count) : NULL;
    for (size_t i = 0; i < count; i++) {
        char device[ISO_SV_SENSOR_DEVICE_SIZE];
        size_t files_count = 0;
        if (strncmp(chips[i], "iio:device", 10) != 0) {
            continue;
        }
        const char *directory = iso_sv_sensor_chip(list, root, chips[i], device);
        if (directory == NULL) {
            return;
        }
        const char **files = iso_sv_sysfs_names(directory, &list->scratch, &files_count);
        for (size_t j = 0; j < files_count; j++) {
            if (!has_input(files, files_count, files[j])) {
                scan_channel(directory, device, files[j], list);
            }
        }
    }
}
