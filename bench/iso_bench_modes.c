/*
 * iso_bench_modes.c - the modes of iso_bench beside `run`: each measures one thing several times
 * and prints the medians as a JSON object.
 */
#include "iso_bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t *samples_create(uint32_t rounds)
{
    uint64_t *samples = calloc(rounds, sizeof *samples);

    if (samples == NULL)
        bench_fail("out of memory");
    return samples;
}

/* Bytes of the code section (spec 5.5.13), without its header. */
static uint64_t wasm_code_bytes(const struct iso_module *module)
{
    enum { SECTION_CODE = 10 };

    for (uint32_t i = 0; i < iso_module_section_count(module); i++) {
        struct iso_section_desc section;

        iso_module_section(module, i, &section);
        if (section.id == SECTION_CODE)
            return section.size;
    }
    return 0;
}

/* How long it takes to decode and validate a whole module, and to translate all its functions. Each
 * round has an engine of its own, so that nothing is there already. */
int bench_mode_load(const char *path, uint32_t rounds)
{
    uint64_t *validate_ns = samples_create(rounds), *translate_ns = samples_create(rounds);
    struct iso_engine_config config = {.platform = iso_platform_posix()};
    uint64_t code_bytes = 0;
    uint64_t wasm_code = 0;
    struct iso_report report;
    struct iso_file file;

    iso_report_init(&report);
    bench_require(iso_file_read(path, UINT64_C(1) << 30, &file, &report), "read the module",
                  &report);
    for (uint32_t i = 0; i < rounds; i++) {
        struct iso_engine *engine;
        struct iso_module *module;
        uint64_t start, middle, end;

        bench_require(iso_engine_create(&config, &engine), "create an engine", NULL);
        start = bench_clock_ns();
        bench_require(iso_module_create(engine, file.bytes.ptr, file.bytes.len, &module, &report),
                      "load the module", &report);
        middle = bench_clock_ns();
        bench_require(iso_module_translate(module, &code_bytes, &report), "translate the module",
                      &report);
        end = bench_clock_ns();
        validate_ns[i] = middle - start;
        translate_ns[i] = end - middle;
        wasm_code = wasm_code_bytes(module);
        iso_module_destroy(module);
        iso_engine_destroy(engine);
    }
    printf("{\"size_bytes\": %zu, \"wasm_code_bytes\": %" PRIu64 ", \"validate_ns\": %" PRIu64
           ", \"translate_ns\": %" PRIu64 ", \"code_bytes\": %" PRIu64 "}\n",
           file.bytes.len, wasm_code, bench_median(validate_ns, rounds),
           bench_median(translate_ns, rounds), code_bytes);
    iso_file_fini(&file);
    free(validate_ns);
    free(translate_ns);
    return 0;
}

/* How long it takes to make an instance from the module (segments and all) and from an image, each
 * in a fresh store whose creation is part of the time; and the image's instance until it has
 * returned from run(0), which touches what a short call touches. */
int bench_mode_image(const char *path, uint32_t rounds)
{
    uint64_t *fresh_ns = samples_create(rounds), *image_ns = samples_create(rounds);
    uint64_t *call_ns = samples_create(rounds);
    union iso_slot args[1] = {{.u32 = 0}};
    struct iso_instance *instance;
    struct bench_setup setup;
    struct iso_report report;
    struct iso_image *image;
    struct iso_store *origin;

    iso_report_init(&report);
    bench_setup_init(&setup, path);
    bench_require(iso_store_create(setup.engine, NULL, &origin), "create a store", NULL);
    bench_require(iso_instance_create(origin, setup.module, &instance, &report), "instantiate",
                  &report);
    bench_require(iso_image_create(instance, &image, &report), "make an image", &report);
    for (uint32_t i = 0; i < rounds; i++) {
        struct iso_store *store;
        struct iso_func *run;
        uint64_t start = bench_clock_ns();

        bench_require(iso_store_create(setup.engine, NULL, &store), "create a store", NULL);
        bench_require(iso_instance_create(store, setup.module, &instance, &report), "instantiate",
                      &report);
        fresh_ns[i] = bench_clock_ns() - start;
        iso_store_destroy(store);

        start = bench_clock_ns();
        bench_require(iso_store_create(setup.engine, NULL, &store), "create a store", NULL);
        bench_require(iso_image_instantiate(image, store, &instance, &report),
                      "instantiate the image", &report);
        image_ns[i] = bench_clock_ns() - start;
        run = iso_instance_export_func(instance, "run");
        if (run != NULL)
            bench_require(iso_call(store, run, args, NULL), "call run", NULL);
        call_ns[i] = bench_clock_ns() - start;
        iso_store_destroy(store);
    }
    printf("{\"size_bytes\": %zu, \"instance_ns\": %" PRIu64 ", \"image_ns\": %" PRIu64
           ", \"image_call_ns\": %" PRIu64 "}\n",
           setup.file.bytes.len, bench_median(fresh_ns, rounds), bench_median(image_ns, rounds),
           bench_median(call_ns, rounds));
    iso_store_destroy(origin);
    iso_image_destroy(image);
    bench_setup_fini(&setup);
    free(fresh_ns);
    free(image_ns);
    free(call_ns);
    return 0;
}

/* Runs to the end (with fuel for ever) and returns the checksum. */
static uint64_t finish(struct iso_store *store)
{
    iso_store_set_fuel(store, ISO_FUEL_UNLIMITED);
    if (iso_run(store) != ISO_RUN_DONE)
        bench_fail("the call did not end");
    return iso_results(store)[0].u64;
}

/* Restores once into a fresh store and returns that. */
static struct iso_store *restore(const struct bench_setup *setup, struct iso_bytes snapshot,
                                 uint64_t *elapsed_ns)
{
    struct iso_module *modules[1] = {setup->module};
    struct iso_report report;
    struct iso_store *store;
    uint64_t start;

    iso_report_init(&report);
    bench_require(iso_store_create(setup->engine, NULL, &store), "create a store", NULL);
    start = bench_clock_ns();
    bench_require(iso_snapshot_restore(store, snapshot, modules, 1, NULL, 0, NULL, 0, &report),
                  "restore the snapshot", &report);
    *elapsed_ns = bench_clock_ns() - start;
    return store;
}

/* Stops run(n) after `fuel` instructions, captures and restores a snapshot several times, and lets
 * both the original and the last restored one run to their end: their checksums must be equal. */
int bench_mode_snapshot(const char *path, uint32_t n, uint64_t fuel, uint32_t rounds)
{
    uint64_t *capture_ns = samples_create(rounds), *restore_ns = samples_create(rounds);
    union iso_slot args[1] = {{.u32 = n}};
    struct iso_store *store, *copy = NULL;
    struct bench_setup setup;
    struct iso_report report;
    struct iso_func *run;
    struct iso_buf buf;
    uint64_t sum;

    iso_report_init(&report);
    bench_setup_init(&setup, path);
    iso_buf_init(&buf, iso_alloc_libc(), SIZE_MAX);
    store = bench_store_create(&setup, &run);
    iso_store_set_fuel(store, fuel);
    bench_require(iso_start(store, run, args), "start run", NULL);
    if (iso_run(store) != ISO_RUN_OUT_OF_FUEL)
        bench_fail("the call ended before its fuel did: use a larger N or less fuel");
    for (uint32_t i = 0; i < rounds; i++) {
        uint64_t start = bench_clock_ns();

        iso_buf_fini(&buf);
        bench_require(iso_snapshot_save(store, NULL, 0, &buf, &report), "take a snapshot", &report);
        capture_ns[i] = bench_clock_ns() - start;
    }
    for (uint32_t i = 0; i < rounds; i++) {
        iso_store_destroy(copy);
        copy = restore(&setup, iso_buf_view(&buf), &restore_ns[i]);
    }
    sum = finish(store);
    if (finish(copy) != sum)
        bench_fail("the restored run ended with another checksum than the undisturbed one");
    printf("{\"snapshot_bytes\": %zu, \"capture_ns\": %" PRIu64 ", \"restore_ns\": %" PRIu64
           ", \"checksum\": \"%016" PRIx64 "\"}\n",
           buf.len, bench_median(capture_ns, rounds), bench_median(restore_ns, rounds), sum);
    iso_store_destroy(store);
    iso_store_destroy(copy);
    iso_buf_fini(&buf);
    bench_setup_fini(&setup);
    free(capture_ns);
    free(restore_ns);
    return 0;
}
