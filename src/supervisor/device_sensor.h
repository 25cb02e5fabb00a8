/*
 * device_sensor.h - what the files of the sensor interface share: sensors found, and how their
 * values are read. Everything here blocks and runs on a thread of libuv's pool, or before the loop
 * does.
 */
#ifndef ISO_SUPERVISOR_DEVICE_SENSOR_H
#define ISO_SUPERVISOR_DEVICE_SENSOR_H

#include "supervisor/device_internal.h"

enum { ISO_SV_SENSOR_NAME_MAX = 96, ISO_SV_SENSOR_PATH_MAX = 512 };

struct iso_sv_sensor {
    char name[ISO_SV_SENSOR_NAME_MAX];
    const char *unit;                          /* static, or of the configuration */
    const char *label;                         /* of the driver; in the list's arena; NULL: none */
    const struct iso_sv_sensor_def *simulated; /* NULL: read from path */
    char *path;                                /* in the list's arena */
    /* value = (number in path + offset) * scale * factor; paths may be NULL. */
    char *offset_path;
    char *scale_path;
    double factor;
};

/* The sensors of one look at the system; immutable, counted references. */
struct iso_sv_sensor_list {
    atomic_uint refs;
    const struct iso_alloc *alloc;
    struct iso_arena arena;
    struct iso_arena scratch; /* while the system is looked at */
    struct iso_sv_sensor *items;
    size_t count;
    bool failed; /* memory ran out, or there are more than the limit: some are missing */
};

/* Append a sensor with that name ("chip/temp1"; other bytes than those of names become '-'); NULL
 * when there is no room. */
struct iso_sv_sensor *iso_sv_sensor_add(struct iso_sv_sensor_list *list, const char *device,
                                        const char *channel);
/* "directory/file" in the list's arena; NULL when there is no room. */
char *iso_sv_sensor_path(struct iso_sv_sensor_list *list, const char *directory, const char *file);

enum { ISO_SV_SENSOR_DEVICE_SIZE = 64 };
/* root/chip, a chip's directory in sysfs, in the list's arena, and what the chip calls itself: its
 * file "name", else `chip`. NULL when there is no room. */
const char *iso_sv_sensor_chip(struct iso_sv_sensor_list *list, const char *root, const char *chip,
                               char device[ISO_SV_SENSOR_DEVICE_SIZE]);

/* The first line of a small file, without blanks at its ends. False: it cannot be read, with errno.
 */
bool iso_sv_sysfs_read(const char *path, char *out, size_t cap);
/* The names in a directory, sorted so that numbers in them count as such; in the arena. */
const char **iso_sv_sysfs_names(const char *path, struct iso_arena *arena, size_t *count);
/* The number in a file. False: report has why. */
bool iso_sv_sysfs_number(const char *path, double *out, struct iso_sv_trouble *trouble);

/* Append what the system has (device_hwmon.c, device_iio.c). */
void iso_sv_hwmon_scan(const char *sysfs, struct iso_sv_sensor_list *list);
void iso_sv_iio_scan(const char *sysfs, struct iso_sv_sensor_list *list);

#endif
