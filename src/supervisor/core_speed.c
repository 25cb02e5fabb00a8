/*
 * core_speed.c - how fast this machine runs Wasm code: a fixed kernel, in spells of about 5 ms.
 *
 * The time is the thread's own, so that other programs which have the processor meanwhile do not
 * count; they still empty caches and share cores, so of several spells the best is taken.
 *
 * The kernel is arithmetic, loads, stores and a branch in a loop, which is what most code consists
 * of. The figure is comparable between devices of one version of the engine.
 */
#include "supervisor/core_state.h"

#include <time.h>

/* (module (memory 1) (func (export "run") (param i32) (local i32)
 *   (loop
 *     (i32.store (i32.and (local.get 0) (i32.const 65532))
 *       (local.tee 1 (i32.add (i32.mul (local.get 1) (i32.const 1664525))
 *         (i32.load (i32.and (local.get 1) (i32.const 65532))))))
 *     (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))) */
static const uint8_t kernel[] = {
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x05, 0x01, 0x60, 0x01, 0x7f,
    0x00, 0x03, 0x02, 0x01, 0x00, 0x05, 0x03, 0x01, 0x00, 0x01, 0x07, 0x07, 0x01, 0x03,
    0x72, 0x75, 0x6e, 0x00, 0x00, 0x0a, 0x31, 0x01, 0x2f, 0x01, 0x01, 0x7f, 0x03, 0x40,
    0x20, 0x00, 0x41, 0xfc, 0xff, 0x03, 0x71, 0x20, 0x01, 0x41, 0x8d, 0xcc, 0xe5, 0x00,
    0x6c, 0x20, 0x01, 0x41, 0xfc, 0xff, 0x03, 0x71, 0x28, 0x02, 0x00, 0x6a, 0x22, 0x01,
    0x36, 0x02, 0x00, 0x20, 0x00, 0x41, 0x01, 0x6b, 0x22, 0x00, 0x0d, 0x00, 0x0b, 0x0b};

static const uint64_t spell_ns = 5000000, whole_ns = 200000000;

/* Of this thread, as the kernel accounts it. */
static uint64_t processor_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Millions of fuel a second; 0 when it cannot be found out. */
static double measure(struct iso_store *store, struct iso_func *run)
{
    const union iso_slot rounds = {.i32 = 20000};
    uint64_t start = processor_ns(), now = start, before = iso_store_fuel_used(store);
    while (now - start < spell_ns) {
        if (iso_call(store, run, &rounds, NULL) != ISO_OK) {
            return 0;
        }
        now = processor_ns();
    }
    return (double)(iso_store_fuel_used(store) - before) * 1e3 / (double)(now - start);
}

static double best_of(struct iso_store *store, struct iso_func *run, unsigned spells)
{
    const uint64_t start = uv_hrtime();
    double best = 0;
    for (unsigned i = 0; i < spells && (i == 0 || uv_hrtime() - start < whole_ns); i++) {
        const double speed = measure(store, run);
        best = speed > best ? speed : best;
    }
    return best;
}

double iso_sv_core_speed(struct iso_sv_core *core, unsigned spells)
{
    struct iso_module *module = NULL;
    struct iso_store *store = NULL;
    struct iso_instance *instance = NULL;
    double speed = 0;
    if (iso_module_create(core->engine, kernel, sizeof kernel, &module, NULL) == ISO_OK &&
        iso_store_create(core->engine, NULL, &store) == ISO_OK &&
        iso_instance_create(store, module, &instance, NULL) == ISO_OK) {
        speed = best_of(store, iso_instance_export_func(instance, "run"), spells);
    }
    iso_store_destroy(store);
    iso_module_destroy(module);
    return speed * core->cpu_percent / 100;
}
