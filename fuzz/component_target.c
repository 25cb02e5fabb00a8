/* Fuzz target `component`: the bytes of a saved component, damaged in any way, loaded into one of
 * the same program. What is refused must say so; what is loaded is started, and ends. Both modes.
 *
 * Input: 1 byte mode (bit 0) and whether the rest takes the place of the saved bytes (bit 1) or
 * changes them; then bytes, or changes: 3 bytes place (beyond the end: counted from it), 1 byte
 * value. */
#include "harness.h"
#include "target.h"

#include <stdlib.h>
#include <string.h>

#include "supervisor/call.h"
#include "supervisor/core_test_guests.h"

enum { CALLS = 3 };

static const char wit[] = "package test:unit@1.0.0;\n"
                          "world unit { export spin: func(); export bump: func() -> u32;\n"
                          "  export echo: func(data: list<u8>) -> list<u8>; }\n";

static uv_loop_t loop;
static struct iso_sv_core *core;
static struct iso_sv_program *program;
static struct iso_buf saved[2];
static unsigned told, ended;
static enum iso_err ready_err;

static void require(bool ok, const char *what)
{
    if (!ok) {
        fuzz_fail("%s", what);
    }
}

static void turn_until(const unsigned *count, unsigned target)
{
    while (*count < target) {
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
}

static void on_told(void *ctx, struct iso_sv_component *component, enum iso_err err,
                    const struct iso_report *report)
{
    (void)ctx;
    (void)component;
    (void)report;
    ready_err = err;
    told++;
}

static void on_gone(void *ctx, struct iso_sv_component *component)
{
    (void)ctx;
    (void)component;
    told++;
}

static void on_done(struct iso_sv_call *call)
{
    iso_sv_call_destroy(call);
    ended++;
}

static struct iso_sv_component *prepare(enum iso_sv_mode mode)
{
    const struct iso_sv_component_def def = {
        .app = iso_str_from_z("fuzz"),
        .name = iso_str_from_z("part"),
        .program = program,
        .mode = mode,
        .limits = {.fuel = 20000000, .time_ns = 50000000, .result_bytes = 65536}};
    struct iso_sv_component *component = NULL;
    struct iso_report report;
    iso_report_init(&report);
    require(iso_sv_component_create(core, &def, on_told, NULL, &component, &report) == ISO_OK,
            "create");
    turn_until(&told, told + 1);
    require(ready_err == ISO_OK, "prepare");
    return component;
}

static void call(struct iso_sv_component *component, const char *function, const char *body)
{
    uint32_t index = 0;
    struct iso_sv_call *it = iso_sv_call_create(core);
    require(it != NULL, "memory");
    require(iso_sv_program_func_find(program, iso_str_from_z(function), &index), function);
    require(iso_sv_call_set_body(it, iso_bytes_from(body, strlen(body))) == ISO_OK, "memory");
    require(iso_sv_call_add_caller(it, iso_str_from_z("fuzz/other")) == ISO_OK, "memory");
    it->done = on_done;
    if (iso_sv_call_start(it, component, index)) {
        on_done(it);
    }
}

/* A component with calls under way and in its queue. */
static void make_saved(enum iso_sv_mode mode)
{
    struct iso_sv_component *component = prepare(mode);
    struct iso_report report;
    unsigned before = ended;
    iso_report_init(&report);
    iso_sv_component_start(component);
    call(component, "spin", "");
    call(component, "spin", "");
    call(component, "echo", "[\"aGVsbG8=\"]");
    iso_sv_component_freeze(component, on_told, NULL);
    turn_until(&told, told + 1);
    iso_buf_init(&saved[mode], iso_alloc_libc(), SIZE_MAX);
    require(iso_sv_component_save(component, &saved[mode], &report) == ISO_OK, "save");
    iso_sv_component_destroy(component);
    turn_until(&ended, before + CALLS);
}

static void start(void)
{
    const struct iso_sv_core_config config = {.loop = &loop, .workers = 1};
    struct iso_report report;
    struct iso_str none = {.len = 0};
    uint8_t *bytes = malloc(sizeof core_guest_unit);
    iso_report_init(&report);
    require(bytes != NULL, "memory");
    memcpy(bytes, core_guest_unit, sizeof core_guest_unit);
    require(uv_loop_init(&loop) == 0, "loop");
    require(iso_sv_core_create(&config, &core, &report) == ISO_OK, "core");
    require(iso_sv_program_create(core, bytes, sizeof core_guest_unit, iso_str_from_z(wit), none,
                                  &program, &report) == ISO_OK,
            report.text);
    make_saved(ISO_SV_FUNCTION);
    make_saved(ISO_SV_SERVICE);
}

static void change(struct iso_buf *bytes, const uint8_t *data, size_t len)
{
    for (size_t i = 0; i + 4 <= len; i += 4) {
        size_t at = (size_t)data[i] | (size_t)data[i + 1] << 8 | (size_t)data[i + 2] << 16;
        /* Most of it is the engine's: half of the places are near the ends, in what is ours. */
        at = (at & 1) != 0 ? (at >> 1) % bytes->len : (at >> 2) % 256;
        at = (data[i] & 2) != 0 ? bytes->len - 1 - at : at;
        bytes->ptr[at] = data[i + 3];
    }
}

static void try_load(enum iso_sv_mode mode, struct iso_bytes bytes)
{
    struct iso_sv_component *component = prepare(mode);
    struct iso_report report;
    iso_report_init(&report);
    if (iso_sv_component_load(component, bytes, NULL, NULL, &report) != ISO_OK) {
        require(report.text[0] != '\0', "a refusal without a word");
        iso_sv_component_destroy(component);
    } else {
        iso_sv_component_start(component);
        (void)uv_run(&loop, UV_RUN_NOWAIT);
        unsigned before = told;
        iso_sv_component_stop(component, 1000000, on_gone, NULL);
        turn_until(&told, before + 1);
        iso_sv_component_destroy(component);
    }
    (void)uv_run(&loop, UV_RUN_NOWAIT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (core == NULL) {
        start();
    }
    if (len == 0) {
        return 0;
    }
    enum iso_sv_mode mode = (data[0] & 1) != 0 ? ISO_SV_SERVICE : ISO_SV_FUNCTION;
    if ((data[0] & 2) != 0) {
        try_load(mode, iso_bytes_from(data + 1, len - 1));
        return 0;
    }
    struct iso_buf bytes;
    iso_buf_init(&bytes, iso_alloc_libc(), SIZE_MAX);
    require(iso_buf_append(&bytes, saved[mode].ptr, saved[mode].len) == ISO_OK, "memory");
    change(&bytes, data + 1, len - 1);
    try_load(mode, iso_buf_view(&bytes));
    iso_buf_fini(&bytes);
    return 0;
}
