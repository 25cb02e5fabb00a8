/*
 * embed.c - the engine in a program of one's own, from beginning to end.
 *
 * It loads a module from bytes, offers it a host function, calls it, shows what a trap looks like,
 * lets a computation run out of fuel in its midst, takes a snapshot of it, throws it away, and lets
 * the snapshot go on in a new store to the same result.
 *
 * To build it alone, after ./dev build, in one line:
 *
 *     gcc -std=c11 -Isrc examples/embed.c build/release/src/engine/libiso_engine.a
 *         build/release/src/base/libiso_base.a -lm
 *
 * Everything used here is explained in engine/engine.h. Files, clocks and the like are no matter of
 * the engine: for programs that want WASI, see wasi/wasi.h and src/cli.
 */
#include "engine/engine.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * The module, made with wat2wasm from
 *
 *   (module
 *     (import "host" "report" (func $report (param i32 i64)))
 *     (func (export "sum_of_squares") (param $n i32) (result i64)
 *       (local $i i32) (local $sum i64)
 *       (loop $next
 *         (local.set $i (i32.add (local.get $i) (i32.const 1)))
 *         (local.set $sum (i64.add (local.get $sum)
 *           (i64.mul (i64.extend_i32_u (local.get $i)) (i64.extend_i32_u (local.get $i)))))
 *         (if (i32.eqz (i32.rem_u (local.get $i) (i32.const 250)))
 *           (then (call $report (local.get $i) (local.get $sum))))
 *         (br_if $next (i32.lt_u (local.get $i) (local.get $n))))
 *       (local.get $sum))
 *     (func $divide (export "divide") (param i32 i32) (result i32)
 *       (i32.div_s (local.get 0) (local.get 1))))
 */
/* clang-format off */
static const uint8_t module_bytes[] = {
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x11, 0x03, 0x60, 0x02, 0x7f,
    0x7e, 0x00, 0x60, 0x01, 0x7f, 0x01, 0x7e, 0x60, 0x02, 0x7f, 0x7f, 0x01, 0x7f, 0x02,
    0x0f, 0x01, 0x04, 0x68, 0x6f, 0x73, 0x74, 0x06, 0x72, 0x65, 0x70, 0x6f, 0x72, 0x74,
    0x00, 0x00, 0x03, 0x03, 0x02, 0x01, 0x02, 0x07, 0x1b, 0x02, 0x0e, 0x73, 0x75, 0x6d,
    0x5f, 0x6f, 0x66, 0x5f, 0x73, 0x71, 0x75, 0x61, 0x72, 0x65, 0x73, 0x00, 0x01, 0x06,
    0x64, 0x69, 0x76, 0x69, 0x64, 0x65, 0x00, 0x02, 0x0a, 0x3f, 0x02, 0x35, 0x02, 0x01,
    0x7f, 0x01, 0x7e, 0x03, 0x40, 0x20, 0x01, 0x41, 0x01, 0x6a, 0x21, 0x01, 0x20, 0x02,
    0x20, 0x01, 0xad, 0x20, 0x01, 0xad, 0x7e, 0x7c, 0x21, 0x02, 0x20, 0x01, 0x41, 0xfa,
    0x01, 0x70, 0x45, 0x04, 0x40, 0x20, 0x01, 0x20, 0x02, 0x10, 0x00, 0x0b, 0x20, 0x01,
    0x20, 0x00, 0x49, 0x0d, 0x00, 0x0b, 0x20, 0x02, 0x0b, 0x07, 0x00, 0x20, 0x00, 0x20,
    0x01, 0x6d, 0x0b, 0x00, 0x2c, 0x04, 0x6e, 0x61, 0x6d, 0x65, 0x01, 0x11, 0x02, 0x00,
    0x06, 0x72, 0x65, 0x70, 0x6f, 0x72, 0x74, 0x02, 0x06, 0x64, 0x69, 0x76, 0x69, 0x64,
    0x65, 0x02, 0x12, 0x03, 0x00, 0x00, 0x01, 0x03, 0x00, 0x01, 0x6e, 0x01, 0x01, 0x69,
    0x02, 0x03, 0x73, 0x75, 0x6d, 0x02, 0x00,
};
/* clang-format on */

/* ---- The host function ------------------------------------------------------------------- */

/* What the module imports as host.report. ctx is what its definition says: here a counter. */
static enum iso_host_result report_progress(struct iso_host_call *call)
{
    unsigned *calls = call->ctx;
    ++*calls;
    printf("    the module reports: %" PRId32 " squares make %" PRId64 "\n", call->args[0].i32,
           call->args[1].i64);
    return ISO_HOST_DONE; /* it has no results to write */
}

/* ---- Errors ------------------------------------------------------------------------------ */

/* Ends the program when something failed that should not have. A report has the words and, for
 * malformed modules and the like, the place. */
static void must(enum iso_err err, const char *what, const struct iso_report *report)
{
    if (err != ISO_OK) {
        fprintf(stderr, "%s: %s\n", what, iso_report_text(report, err));
        exit(EXIT_FAILURE);
    }
}

/* A store whose host function is defined: one for each life of the program. */
static struct iso_store *make_store(struct iso_engine *engine, unsigned *calls)
{
    /* A letter per value: an i32 and an i64 go in, nothing comes out. */
    struct iso_host_func report_func = {.module = "host",
                                        .name = "report",
                                        .params = "iI",
                                        .results = "",
                                        .fn = report_progress,
                                        .ctx = calls};
    struct iso_store_config limits = {.memory_max_bytes = 1 << 20, .stack_max_bytes = 64 << 10};
    struct iso_store *store;
    must(iso_store_create(engine, &limits, &store), "cannot make a store", NULL);
    must(iso_store_define_func(store, &report_func), "cannot define host.report", NULL);
    return store;
}

/* ---- The steps --------------------------------------------------------------------------- */

static int64_t call_function(struct iso_store *store, struct iso_instance *instance)
{
    union iso_slot args[1] = {{.i32 = 1000}}, results[1];
    struct iso_func *func = iso_instance_export_func(instance, "sum_of_squares");
    must(iso_call(store, func, args, results), "sum_of_squares", NULL);
    printf("    sum_of_squares(1000) is %" PRId64 "\n", results[0].i64);
    return results[0].i64;
}

static void show_trap(struct iso_store *store, struct iso_instance *instance)
{
    union iso_slot args[2] = {{.i32 = 1}, {.i32 = 0}}, results[1];
    struct iso_func *func = iso_instance_export_func(instance, "divide");
    enum iso_err err = iso_call(store, func, args, results);
    if (err != ISO_E_TRAP) {
        fprintf(stderr, "1 / 0 should have trapped\n");
        exit(EXIT_FAILURE);
    }
    const struct iso_trap *trap = iso_store_trap(store);
    printf("    divide(1, 0) traps: %s\n", trap->message);
    for (uint32_t i = 0; i < trap->frame_count; i++) {
        struct iso_str name =
            iso_module_func_name(trap->frames[i].module, trap->frames[i].func_index);
        printf("        at 0x%" PRIx64 " in %.*s\n", trap->frames[i].offset, (int)name.len,
               name.ptr);
    }
}

/* Begins sum_of_squares(1000) with little fuel, so that it stops on the way, and saves the store.
 */
static void stop_and_save(struct iso_store *store, struct iso_instance *instance,
                          struct iso_buf *snapshot)
{
    struct iso_report report;
    iso_report_init(&report);
    union iso_slot args[1] = {{.i32 = 1000}};
    struct iso_func *func = iso_instance_export_func(instance, "sum_of_squares");
    iso_store_set_fuel(store, 8000); /* about as many instructions */
    must(iso_start(store, func, args), "cannot begin", NULL);
    if (iso_run(store) != ISO_RUN_OUT_OF_FUEL) {
        fprintf(stderr, "it should have run out of fuel\n");
        exit(EXIT_FAILURE);
    }
    /* It could go on here, with more fuel and iso_run. Instead: */
    must(iso_snapshot_save(store, NULL, 0, snapshot, &report), "cannot save", &report);
    printf("    stopped after %" PRIu64 " units of fuel in all; the snapshot has %zu bytes\n",
           iso_store_fuel_used(store), snapshot->len);
}

/* Restores into a fresh store and lets the computation end. The bytes could have come from another
 * machine with another processor. */
static int64_t go_on(struct iso_store *store, struct iso_module *module,
                     const struct iso_buf *snapshot)
{
    struct iso_report report;
    iso_report_init(&report);
    struct iso_module *modules[1] = {module};
    must(iso_snapshot_restore(store, iso_buf_view(snapshot), modules, 1, NULL, 0, NULL, 0, &report),
         "cannot restore", &report);
    iso_store_set_fuel(store, ISO_FUEL_UNLIMITED);
    if (iso_run(store) != ISO_RUN_DONE) {
        fprintf(stderr, "it should have come to its end\n");
        exit(EXIT_FAILURE);
    }
    int64_t result = iso_results(store)[0].i64;
    printf("    sum_of_squares(1000) is %" PRId64 "\n", result);
    return result;
}

int main(void)
{
    struct iso_engine *engine;
    struct iso_module *module;
    struct iso_instance *instance;
    struct iso_report report;
    unsigned calls = 0;
    iso_report_init(&report);

    puts("Loading: decode and validate, once for all stores");
    must(iso_engine_create(NULL, &engine), "cannot make an engine", NULL);
    must(iso_module_create(engine, module_bytes, sizeof module_bytes, &module, &report),
         "cannot load the module", &report);

    puts("Calling an export, which calls a host function");
    struct iso_store *store = make_store(engine, &calls);
    must(iso_instance_create(store, module, &instance, &report), "cannot instantiate", &report);
    int64_t expected = call_function(store, instance);

    puts("A trap");
    show_trap(store, instance);

    puts("Out of fuel in the midst of the loop, and a snapshot");
    struct iso_buf snapshot;
    iso_buf_init(&snapshot, iso_alloc_libc(), SIZE_MAX);
    stop_and_save(store, instance, &snapshot);
    iso_store_destroy(store);

    puts("Restored in a new store, it goes on");
    store = make_store(engine, &calls);
    int64_t result = go_on(store, module, &snapshot);

    iso_buf_fini(&snapshot);
    iso_store_destroy(store);
    iso_module_destroy(module);
    iso_engine_destroy(engine);
    printf("The two results are %s; the host function was called %u times\n",
           result == expected ? "equal" : "DIFFERENT", calls);
    return result == expected && calls == 8 ? EXIT_SUCCESS : EXIT_FAILURE;
}
