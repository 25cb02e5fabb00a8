/*
 * devices.c - the object behind all device interfaces: made from the configuration, described, and
 * taken down when the last job of it has ended.
 */
#include "supervisor/device_internal.h"

#include <time.h>

extern const unsigned char iso_sv_device_wit[]; /* sdk/wit/device.wit, made at build */
extern const size_t iso_sv_device_wit_len;

void iso_sv_devices_log(const struct iso_sv_devices *devices, enum iso_log_level level,
                        const char *format, ...)
{
    if (devices->log == NULL) {
        return;
    }
    char text[512];
    va_list args;
    va_start(args, format);
    size_t len = iso_format_v(text, sizeof text, format, args);
    va_end(args);
    devices->log(devices->log_ctx, level, iso_str_from(text, len));
}

uint64_t iso_sv_realtime_ns(void)
{
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0) {
        return 0;
    }
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

const char *iso_sv_devices_text(struct iso_sv_devices *devices, const char *text)
{
    return iso_arena_copy_str(&devices->arena, iso_str_from_z(text));
}

/* ---- Names in the configuration ---------------------------------------------------------------
 */

enum iso_err iso_sv_device_name_check(const char *what, const char *name, struct iso_report *report)
{
    size_t len = name != NULL ? strlen(name) : 0;
    size_t good = name != NULL ? strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                              "0123456789._-/:")
                               : 0;
    if (len == 0 || len > 64 || good != len) {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "%s '%.64s': a name has 1 to 64 letters, digits and . _ - / :", what,
                        name != NULL ? name : "");
    }
    return strcmp(name, "default") != 0 ? ISO_OK
                                        : iso_fail(report, ISO_E_ARGUMENT,
                                                   "%s 'default': this name means the first one "
                                                   "whatever it is called; choose another",
                                                   what);
}

/* One of the lists of named things in the configuration. */
struct names {
    const char *what;
    const void *items;
    size_t size; /* of an item; its first member is the name */
    size_t count;
};

static const char *name_at(const struct names *names, size_t i)
{
    const char *name;
    memcpy(&name, (const char *)names->items + i * names->size, sizeof name);
    return name;
}

static enum iso_err check_names(const struct names *names, struct iso_report *report)
{
    if (names->count > ISO_SV_DEVICE_NAMES_MAX) {
        return iso_fail(report, ISO_E_LIMIT, "%zu of %s; at most %u", names->count, names->what,
                        ISO_SV_DEVICE_NAMES_MAX);
    }
    for (size_t i = 0; i < names->count; i++) {
        enum iso_err err = iso_sv_device_name_check(names->what, name_at(names, i), report);
        if (err != ISO_OK) {
            return err;
        }
        for (size_t j = 0; j < i; j++) {
            if (strcmp(name_at(names, i), name_at(names, j)) == 0) {
                return iso_fail(report, ISO_E_ARGUMENT, "%s '%s' is there twice", names->what,
                                name_at(names, i));
            }
        }
    }
    return ISO_OK;
}

static enum iso_err check_config(const struct iso_sv_devices_config *config,
                                 struct iso_report *report)
{
    const struct names all[] = {
        {"camera", config->cameras, sizeof *config->cameras, config->camera_count},
        {"display", config->displays, sizeof *config->displays, config->display_count},
        {"sensor", config->simulated_sensors, sizeof *config->simulated_sensors,
         config->simulated_sensor_count},
        {"line", config->lines, sizeof *config->lines, config->line_count}};
    for (size_t i = 0; i < ISO_COUNT_OF(all); i++) {
        enum iso_err err = check_names(&all[i], report);
        if (err != ISO_OK) {
            return err;
        }
    }
    return ISO_OK;
}

/* ---- Creation and destruction -----------------------------------------------------------------
 */

static const struct iso_sv_host_interface *const interfaces[] = {
    &iso_sv_camera_interface, &iso_sv_display_interface, &iso_sv_sensor_interface,
    &iso_sv_gpio_interface,   &iso_sv_events_interface,  &iso_sv_log_interface,
    &iso_sv_clock_interface,  &iso_sv_config_interface,  &iso_sv_storage_interface};

static enum iso_err make_set(struct iso_sv_devices *devices, struct iso_report *report)
{
    struct iso_wit_source source = {
        .name = "device.wit", .text = iso_bytes_from(iso_sv_device_wit, iso_sv_device_wit_len)};
    enum iso_err err = iso_wit_parse(devices->alloc, &source, 1, &devices->wit, report);
    for (size_t i = 0; i < ISO_COUNT_OF(interfaces); i++) {
        devices->interfaces[i] = *interfaces[i];
        devices->interfaces[i].ctx = devices;
    }
    devices->set.wit = &devices->wit;
    devices->set.storage_save = iso_sv_storage_export;
    devices->set.storage_load = iso_sv_storage_import;
    devices->set.interfaces = devices->interfaces;
    devices->set.count = ISO_COUNT_OF(interfaces);
    return err;
}

static enum iso_err make_all(struct iso_sv_devices *devices,
                             const struct iso_sv_devices_config *config, struct iso_report *report)
{
    enum iso_err (*const inits[])(struct iso_sv_devices *, const struct iso_sv_devices_config *,
                                  struct iso_report *) = {iso_sv_cameras_init, iso_sv_displays_init,
                                                          iso_sv_sensors_init, iso_sv_gpio_init};
    devices->ffmpeg =
        iso_sv_devices_text(devices, config->ffmpeg != NULL ? config->ffmpeg : "ffmpeg");
    devices->sysfs = iso_sv_devices_text(devices, config->sysfs != NULL ? config->sysfs : "/sys");
    if (devices->ffmpeg == NULL || devices->sysfs == NULL) {
        return ISO_E_NOMEM;
    }
    for (size_t i = 0; i < ISO_COUNT_OF(inits); i++) {
        enum iso_err err = inits[i](devices, config, report);
        if (err != ISO_OK) {
            return err;
        }
    }
    return make_set(devices, report);
}

enum iso_err iso_sv_devices_create(uv_loop_t *loop, const struct iso_sv_devices_config *config,
                                   struct iso_sv_devices **out, struct iso_report *report)
{
    const struct iso_alloc *alloc = config->alloc != NULL ? config->alloc : iso_alloc_libc();
    enum iso_err err = check_config(config, report);
    if (err != ISO_OK) {
        return err;
    }
    struct iso_sv_devices *devices = iso_alloc_new(alloc, sizeof *devices);
    if (devices == NULL) {
        return ISO_E_NOMEM;
    }
    devices->loop = loop;
    devices->alloc = alloc;
    devices->log = config->log;
    devices->log_ctx = config->log_ctx;
    devices->frame_timeout_ms = config->frame_timeout_ms != 0 ? config->frame_timeout_ms : 8000;
    devices->backoff_ms = config->camera_backoff_ms != 0 ? config->camera_backoff_ms : 250;
    devices->backoff_max_ms =
        config->camera_backoff_max_ms != 0 ? config->camera_backoff_max_ms : 30000;
    iso_arena_init(&devices->arena, alloc, 0, SIZE_MAX);
    iso_arena_init(&devices->wit.arena, alloc, 0, SIZE_MAX);
    iso_sv_gate_init(&devices->storage_gate, loop);
    iso_sv_gate_init(&devices->sensor_gate, loop);
    iso_sv_gate_init(&devices->gpio_gate, loop);
    err = make_all(devices, config, report);
    if (err != ISO_OK) {
        iso_sv_devices_destroy(devices);
        return err;
    }
    *out = devices;
    return ISO_OK;
}

static void closed(void *ctx)
{
    struct iso_sv_devices *devices = ctx;
    if (--devices->closing > 0) {
        return;
    }
    iso_sv_gpio_fini(devices); /* no job works on the lines and sensors any more */
    iso_sv_sensors_fini(devices);
    iso_wit_fini(&devices->wit);
    iso_arena_fini(&devices->arena);
    iso_alloc_free(devices->alloc, devices, sizeof *devices);
}

void iso_sv_devices_destroy(struct iso_sv_devices *devices)
{
    if (devices == NULL) {
        return;
    }
    iso_sv_cameras_fini(devices);
    iso_sv_displays_fini(devices);
    struct iso_sv_gate *gates[] = {&devices->storage_gate, &devices->sensor_gate,
                                   &devices->gpio_gate};
    devices->closing = 1;
    for (size_t i = 0; i < ISO_COUNT_OF(gates); i++) {
        devices->closing += iso_sv_gate_close(gates[i], closed, devices) ? 0 : 1;
    }
    closed(devices);
}

const struct iso_sv_host_set *iso_sv_devices_host_set(const struct iso_sv_devices *devices)
{
    return &devices->set;
}

/* ---- Description ------------------------------------------------------------------------------
 */

void iso_sv_devices_describe(const struct iso_sv_devices *devices, struct iso_json *json)
{
    void (*const describe[ISO_COUNT_OF(interfaces)])(const struct iso_sv_devices *,
                                                     struct iso_json *) = {
        iso_sv_cameras_describe, iso_sv_displays_describe, iso_sv_sensors_describe,
        iso_sv_gpio_describe};
    iso_json_object_begin(json);
    for (size_t i = 0; i < ISO_COUNT_OF(interfaces); i++) {
        const struct iso_sv_host_interface *interface = &devices->interfaces[i];
        if (interface->available != NULL && !interface->available(interface->ctx)) {
            continue;
        }
        iso_json_key(json, interface->name);
        if (describe[i] != NULL) {
            describe[i](devices, json);
        } else {
            iso_json_object_begin(json);
            iso_json_object_end(json);
        }
    }
    iso_json_object_end(json);
}
