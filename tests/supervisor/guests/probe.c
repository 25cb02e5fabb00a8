/* probe.c - the world of probe.wit. */
#include "probe.h"

#include <stdlib.h>
#include <string.h>

static uint32_t count;

int32_t calc_add(int32_t a, int32_t b)
{
    return (int32_t)((uint32_t)a + (uint32_t)b);
}

struct probe_list_u8 calc_echo(struct probe_list_u8 data)
{
    return data;
}

uint32_t probe_get_count(void)
{
    return count;
}

uint32_t probe_count_up(uint32_t by)
{
    count += by;
    return count;
}

struct probe_result_string_string probe_decide(bool good, struct probe_string text)
{
    struct probe_result_string_string result = {.is_err = !good};
    if (good) {
        result.val.ok = text;
    } else {
        result.val.err = text;
    }
    return result;
}

void probe_trap(void)
{
    __builtin_trap();
}

void probe_spin(void)
{
    for (volatile uint32_t i = 0;; i++) {
    }
}

uint32_t probe_work(uint32_t rounds)
{
    uint32_t x = 1;
    for (uint32_t i = 0; i < rounds; i++) {
        x = x * 1664525u + 1013904223u + i;
        __asm__ volatile("" : : "r"(x));
    }
    return x;
}

uint32_t probe_grow(void)
{
    uint32_t pages = 0;
    while (__builtin_wasm_memory_grow(0, 16) != (size_t)-1) {
        pages += 16;
    }
    return pages;
}

void probe_flood(uint32_t lines)
{
    for (uint32_t i = 0; i < lines; i++) {
        log_write(LOG_LEVEL_INFO, probe_string_view("one line of a flood"));
    }
}

void probe_say(struct probe_string text)
{
    log_write(LOG_LEVEL_WARNING, text);
    probe_string_free(&text);
}

bool probe_emit(struct probe_string name, struct probe_string payload)
{
    struct probe_result_void_types_problem result = events_emit(name, payload);
    const bool good = !result.is_err;
    probe_result_void_types_problem_free(&result);
    probe_string_free(&name);
    probe_string_free(&payload);
    return good;
}

void probe_pause(uint32_t milliseconds)
{
    clock_sleep((uint64_t)milliseconds * 1000000u);
}

struct probe_option_string probe_setting(struct probe_string key)
{
    struct probe_option_string value = config_get(key);
    probe_string_free(&key);
    return value;
}

bool probe_keep(struct probe_string key, struct probe_string value)
{
    const struct probe_list_u8 bytes = {(uint8_t *)value.ptr, value.len};
    struct probe_result_void_types_problem result = storage_set(key, bytes);
    const bool good = !result.is_err;
    probe_result_void_types_problem_free(&result);
    probe_string_free(&key);
    probe_string_free(&value);
    return good;
}

struct probe_option_string probe_kept(struct probe_string key)
{
    struct probe_result_option_list_u8_types_problem result = storage_get(key);
    struct probe_option_string value = {false, {NULL, 0}};
    if (!result.is_err && result.val.ok.is_some) {
        value.is_some = true;
        value.val = probe_string_copy((const char *)result.val.ok.val.ptr, result.val.ok.val.len);
    }
    probe_result_option_list_u8_types_problem_free(&result);
    probe_string_free(&key);
    return value;
}
