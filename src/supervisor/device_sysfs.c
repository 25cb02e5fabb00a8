/*
 * device_sysfs.c - small files of sysfs, and the list of sensors that they describe.
 */
#define _GNU_SOURCE
#include "supervisor/device_sensor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

bool iso_sv_sysfs_read(const char *path, char *out, size_t cap)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return false;
    }
    ssize_t len = read(fd, out, cap - 1);
    int failed = errno;
    (void)close(fd);
    errno = failed;
    if (len < 0) {
        return false;
    }
    out[len] = '\0';
    out[strcspn(out, "\n")] = '\0';
    size_t blank = strspn(out, " \t");
    size_t rest = strlen(out + blank);
    memmove(out, out + blank, rest + 1);
    while (rest > 0 && (out[rest - 1] == ' ' || out[rest - 1] == '\t')) {
        out[--rest] = '\0';
    }
    return true;
}

bool iso_sv_sysfs_number(const char *path, double *out, struct iso_sv_trouble *trouble)
{
    char text[64];
    char *end = NULL;
    if (!iso_sv_sysfs_read(path, text, sizeof text)) {
        iso_sv_trouble_set(trouble, ISO_SV_FAILED_DEVICE, "%s: %s", path, iso_errno_text(errno));
        return false;
    }
    double value = strtod(text, &end);
    /* Only a number, perhaps with something behind a blank. */
    if (end == text || (*end != '\0' && *end != ' ' && *end != '\t') || !isfinite(value)) {
        iso_sv_trouble_set(trouble, ISO_SV_FAILED_DEVICE, "%s: '%.20s' is no number", path, text);
        return false;
    }
    *out = value;
    return true;
}

static int by_version(const void *a, const void *b)
{
    return strverscmp(*(const char *const *)a, *(const char *const *)b);
}

const char **iso_sv_sysfs_names(const char *path, struct iso_arena *arena, size_t *count)
{
    enum { MAX = 4096 };
    const char **names = NULL;
    size_t used = 0;
    DIR *dir = opendir(path);
    *count = 0;
    if (dir == NULL) {
        return NULL;
    }
    names = iso_arena_array(arena, MAX, sizeof *names);
    for (struct dirent *entry = names != NULL ? readdir(dir) : NULL; entry != NULL && used < MAX;
         entry = readdir(dir)) {
        char *name = iso_arena_copy_str(arena, iso_str_from_z(entry->d_name));
        if (name != NULL && name[0] != '.') {
            names[used++] = name;
        }
    }
    (void)closedir(dir);
    if (used > 0) {
        qsort(names, used, sizeof *names, by_version);
    }
    *count = used;
    return names;
}

char *iso_sv_sensor_path(struct iso_sv_sensor_list *list, const char *directory, const char *file)
{
    char text[ISO_SV_SENSOR_PATH_MAX];
    size_t len = iso_format(text, sizeof text, "%s/%s", directory, file);
    char *path =
        len + 1 < sizeof text ? iso_arena_copy_str(&list->arena, iso_str_from(text, len)) : NULL;
    list->failed = list->failed || path == NULL;
    return path;
}

const char *iso_sv_sensor_chip(struct iso_sv_sensor_list *list, const char *root, const char *chip,
                               char device[ISO_SV_SENSOR_DEVICE_SIZE])
{
    const char *directory = iso_sv_sensor_path(list, root, chip);
    const char *name = directory != NULL ? iso_sv_sensor_path(list, directory, "name") : NULL;
    if (name == NULL) {
        return NULL;
    }
    if (!iso_sv_sysfs_read(name, device, ISO_SV_SENSOR_DEVICE_SIZE) || device[0] == '\0') {
        (void)iso_format(device, ISO_SV_SENSOR_DEVICE_SIZE, "%.60s", chip);
    }
    return directory;
}

/* Bytes that names may not have, and '_', become '-'. */
static void make_name(char *name)
{
    for (char *at = name; *at != '\0'; at++) {
        bool fine = (*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9') || *at == '.' ||
                    *at == '/' || *at == '-';
        if (*at >= 'A' && *at <= 'Z') {
            *at = (char)(*at - 'A' + 'a');
        } else if (!fine) {
            *at = '-';
        }
    }
}

static bool is_taken(const struct iso_sv_sensor_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

struct iso_sv_sensor *iso_sv_sensor_add(struct iso_sv_sensor_list *list, const char *device,
                                        const char *channel)
{
    if (list->count == ISO_SV_SENSORS_MAX) {
        list->failed = true;
        return NULL;
    }
    struct iso_sv_sensor *sensor = &list->items[list->count];
    *sensor = (struct iso_sv_sensor){.unit = "", .factor = 1};
    (void)iso_format(sensor->name, sizeof sensor->name, "%.40s/%.40s", device, channel);
    make_name(sensor->name);
    /* Two chips of one kind: the second is "nvme-2/temp1". */
    for (unsigned n = 2; is_taken(list, sensor->name) && n < ISO_SV_SENSORS_MAX; n++) {
        (void)iso_format(sensor->name, sizeof sensor->name, "%.40s-%u/%.40s", device, n, channel);
        make_name(sensor->name);
    }
    list->count++;
    return sensor;
}
