/*
 * device_hwmon.c - sensors of Linux's hwmon: /sys/class/hwmon/hwmonN has "name" and, per channel,
 * temp1_input (m°C), in0_input (mV), fan1_input (turns a minute), curr1_input (mA), power1_input
 * (µW), humidity1_input (thousandths of %), each with a label where the driver knows one.
 * Kernel documentation: hwmon/sysfs-interface.
 */
#include "supervisor/device_sensor.h"

static const struct {
    const char *prefix;
    const char *unit;
    double factor;
} kinds[] = {{"temp", "°C", 1e-3}, {"in", "V", 1e-3},    {"fan", "rpm", 1},
             {"curr", "A", 1e-3},  {"power", "W", 1e-6}, {"humidity", "%", 1e-3}};

/* "temp12_input": the length of "temp12", and which kind; 0 when it is no channel's input. */
static size_t channel_of(const char *file, size_t *kind)
{
    for (size_t i = 0; i < ISO_COUNT_OF(kinds); i++) {
        size_t len = strlen(kinds[i].prefix);
        if (strncmp(file, kinds[i].prefix, len) != 0) {
            continue;
        }
        size_t digits = strspn(file + len, "0123456789");
        if (digits > 0 && strcmp(file + len + digits, "_input") == 0) {
            *kind = i;
            return len + digits;
        }
    }
    return 0;
}

static void scan_channel(const char *directory, const char *device, const char *file,
                         struct iso_sv_sensor_list *list)
{
    char text[64];
    char label[64];
    size_t kind = 0;
    size_t len = channel_of(file, &kind);
    if (len == 0 || len >= sizeof text - 8) {
        return;
    }
    (void)iso_format(text, sizeof text, "%.*s", (int)len, file);
    struct iso_sv_sensor *sensor = iso_sv_sensor_add(list, device, text);
    if (sensor == NULL) {
        return;
    }
    sensor->unit = kinds[kind].unit;
    sensor->factor = kinds[kind].factor;
    sensor->path = iso_sv_sensor_path(list, directory, file);
    (void)iso_format(text, sizeof text, "%.*s_label", (int)len, file);
    const char *label_path = iso_sv_sensor_path(list, directory, text);
    if (label_path != NULL && iso_sv_sysfs_read(label_path, label, sizeof label)) {
        sensor->label = iso_arena_copy_str(&list->arena, iso_str_from_z(label));
    }
    if (sensor->path == NULL) {
        list->count--;
    }
}

void iso_sv_hwmon_scan(const char *sysfs, struct iso_sv_sensor_list *list)
{
    size_t count = 0;
    const char *root = iso_sv_sensor_path(list, sysfs, "class/hwmon");
    const char **chips = root != NULL ? iso_sv_sysfs_names(root, &list->scratch, &count) : NULL;
    for (size_t i = 0; i < count; i++) {
        char device[ISO_SV_SENSOR_DEVICE_SIZE];
        size_t files_count = 0;
        const char *directory = iso_sv_sensor_chip(list, root, chips[i], device);
        if (directory == NULL) {
            return;
        }
        const char **files = iso_sv_sysfs_names(directory, &list->scratch, &files_count);
        for (size_t j = 0; j < files_count; j++) {
            scan_channel(directory, device, files[j], list);
        }
    }
}
