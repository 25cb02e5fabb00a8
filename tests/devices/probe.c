/* probe.c - the functions of probe.wit: each hands its call on to the device. */
#include <stdlib.h>
#include <string.h>

#include "probe.h"

struct probe_list_string calls_list_sources(void)
{
    return camera_list_sources();
}

struct probe_result_u32_types_problem calls_open(struct camera_stream_options options)
{
    struct probe_result_u32_types_problem result = camera_open(options);
    camera_stream_options_free(&options);
    return result;
}

struct probe_result_types_frame_types_problem calls_take_frame(uint32_t id)
{
    return camera_take_frame(id);
}

void calls_close(uint32_t id)
{
    camera_close(id);
}

struct probe_list_string calls_list_displays(void)
{
    return display_list_displays();
}

struct probe_result_void_types_problem calls_show(struct probe_string name,
                                                  struct types_frame frame)
{
    struct probe_result_void_types_problem result = display_show(name, frame);
    probe_string_free(&name);
    types_frame_free(&frame);
    return result;
}

struct probe_list_sensor_description calls_list_sensors(void)
{
    return sensor_list_sensors();
}

struct probe_result_sensor_reading_types_problem calls_measure(struct probe_string name)
{
    struct probe_result_sensor_reading_types_problem result = sensor_read(name);
    probe_string_free(&name);
    return result;
}

struct probe_list_gpio_line calls_list_lines(void)
{
    return gpio_list_lines();
}

struct probe_result_bool_types_problem calls_get_level(struct probe_string name)
{
    struct probe_result_bool_types_problem result = gpio_get(name);
    probe_string_free(&name);
    return result;
}

struct probe_result_void_types_problem calls_set_level(struct probe_string name, bool active)
{
    struct probe_result_void_types_problem result = gpio_set(name, active);
    probe_string_free(&name);
    return result;
}

struct probe_result_void_types_problem calls_emit(struct probe_string name,
                                                  struct probe_string payload)
{
    struct probe_result_void_types_problem result = events_emit(name, payload);
    probe_string_free(&name);
    probe_string_free(&payload);
    return result;
}

void calls_write(log_level level, struct probe_string message)
{
    log_write(level, message);
    probe_string_free(&message);
}

struct probe_tuple_u64_u64 calls_sleep(uint64_t duration)
{
    uint64_t time = clock_get_time();
    uint64_t monotonic = clock_get_monotonic();
    clock_sleep(duration);
    return (struct probe_tuple_u64_u64){clock_get_time() - time, clock_get_monotonic() - monotonic};
}

struct probe_option_string calls_get_config(struct probe_string key)
{
    struct probe_option_string value = config_get(key);
    probe_string_free(&key);
    return value;
}

struct probe_list_tuple_string_string calls_get_all(void)
{
    return config_get_all();
}

struct probe_result_option_list_u8_types_problem calls_load(struct probe_string key)
{
    struct probe_result_option_list_u8_types_problem result = storage_get(key);
    probe_string_free(&key);
    return result;
}

struct probe_result_void_types_problem calls_save(struct probe_string key,
                                                  struct probe_list_u8 value)
{
    struct probe_result_void_types_problem result = storage_set(key, value);
    probe_string_free(&key);
    probe_list_u8_free(&value);
    return result;
}

struct probe_result_void_types_problem calls_forget(struct probe_string key)
{
    struct probe_result_void_types_problem result = storage_delete(key);
    probe_string_free(&key);
    return result;
}

struct probe_result_list_string_types_problem calls_list_keys(void)
{
    return storage_list_keys();
}

struct probe_result_u64_types_problem calls_film(struct probe_string source,
                                                 struct probe_string display, uint32_t count)
{
    struct camera_stream_options options = {.source = source, .format = TYPES_PIXEL_FORMAT_GRAY8};
    struct probe_result_u64_types_problem result = {.is_err = false};
    struct probe_result_u32_types_problem stream = camera_open(options);
    result.is_err = stream.is_err;
    if (stream.is_err) {
        result.val.err = stream.val.err;
    }
    for (uint32_t i = 0; i < count && !result.is_err; i++) {
        struct probe_result_types_frame_types_problem taken = camera_take_frame(stream.val.ok);
        if (taken.is_err) {
            result.is_err = true;
            result.val.err = taken.val.err;
            break;
        }
        result.val.ok = taken.val.ok.number;
        struct probe_result_void_types_problem shown = display_show(display, taken.val.ok);
        types_frame_free(&taken.val.ok);
        if (shown.is_err) {
            result.is_err = true;
            result.val.err = shown.val.err;
        }
    }
    if (!stream.is_err) {
        camera_close(stream.val.ok);
    }
    probe_string_free(&source);
    probe_string_free(&display);
    return result;
}
