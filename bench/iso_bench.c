/*
 * iso_bench.c - runs guests in Isomer's engine for the bench, and measures what only the engine's
 * own interface can: validation, translation, images, snapshots.
 *
 * The mode `run` prints the line that every driver of the bench prints: the processor time of
 * the call of run(N) in nanoseconds, a space, and the checksum in 16 hexadecimal digits. The others
 * print one JSON object.
 */
#define _POSIX_C_SOURCE 200809L

#include "iso_bench.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char usage[] = "usage: iso_bench run FILE N\n"
                            "       iso_bench load FILE ROUNDS\n"
                            "       iso_bench image FILE ROUNDS\n"
                            "       iso_bench snapshot FILE N FUEL ROUNDS\n"
                            "       iso_bench dispatch\n";

uint64_t bench_clock_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static int compare_u64(const void *left, const void *right)
{
    const uint64_t *a = left, *b = right;

    return *a < *b ? -1 : *a > *b;
}

uint64_t bench_median(uint64_t *values, size_t count)
{
    qsort(values, count, sizeof values[0], compare_u64);
    return values[count / 2];
}

void bench_require(enum iso_err err, const char *what, const struct iso_report *report)
{
    if (err != ISO_OK) {
        fprintf(stderr, "iso_bench: cannot %s: %s\n", what, iso_report_text(report, err));
        exit(1);
    }
}

void bench_fail(const char *message)
{
    fprintf(stderr, "iso_bench: %s\n", message);
    exit(1);
}

void bench_setup_init(struct bench_setup *setup, const char *path)
{
    struct iso_engine_config config = {.platform = iso_platform_posix()};
    struct iso_report report;

    iso_report_init(&report);
    *setup = (struct bench_setup){.engine = NULL};
    bench_require(iso_file_read(path, UINT64_C(1) << 30, &setup->file, &report), "read the module",
                  &report);
    bench_require(iso_engine_create(&config, &setup->engine), "create an engine", NULL);
    bench_require(iso_module_create(setup->engine, setup->file.bytes.ptr, setup->file.bytes.len,
                                    &setup->module, &report),
                  "load the module", &report);
}

void bench_setup_fini(struct bench_setup *setup)
{
    iso_module_destroy(setup->module);
    iso_engine_destroy(setup->engine);
    iso_file_fini(&setup->file);
}

struct iso_store *bench_store_create(const struct bench_setup *setup, struct iso_func **run)
{
    const struct iso_func_type *type;
    struct iso_instance *instance;
    struct iso_store *store;
    struct iso_report report;

    iso_report_init(&report);
    bench_require(iso_store_create(setup->engine, NULL, &store), "create a store", NULL);
    bench_require(iso_instance_create(store, setup->module, &instance, &report), "instantiate",
                  &report);
    *run = iso_instance_export_func(instance, "run");
    type = *run != NULL ? iso_func_type(*run) : NULL;
    if (type == NULL || type->param_count != 1 || type->params[0] != ISO_TYPE_I32 ||
        type->result_count != 1 || type->results[0] != ISO_TYPE_I64)
        bench_fail("the module must export run: [i32] -> [i64]");
    return store;
}

static int mode_run(const char *path, uint32_t n)
{
    union iso_slot args[1] = {{.u32 = n}}, results[1];
    struct bench_setup setup;
    struct iso_store *store;
    struct iso_func *run;
    uint64_t start, end;
    enum iso_err err;

    bench_setup_init(&setup, path);
    store = bench_store_create(&setup, &run);
    start = bench_clock_ns();
    err = iso_call(store, run, args, results);
    end = bench_clock_ns();
    if (err == ISO_E_TRAP)
        bench_fail(iso_store_trap(store)->message);
    bench_require(err, "call run", NULL);
    printf("%" PRIu64 " %016" PRIx64 "\n", end - start, results[0].u64);
    iso_store_destroy(store);
    bench_setup_fini(&setup);
    return 0;
}

/* A number in decimal digits, at most max; anything else is a wrong use of this program. */
static uint64_t parse_number(const char *text, uint64_t max)
{
    unsigned long long value;
    char *rest;

    errno = 0;
    value = strtoull(text, &rest, 10);
    if (text[0] < '0' || text[0] > '9' || *rest != '\0' || errno != 0 || value > max) {
        fprintf(stderr, "iso_bench: \"%s\" must be a number from 0 to %" PRIu64 "\n", text, max);
        exit(2);
    }
    return value;
}

static uint32_t parse_rounds(const char *text)
{
    uint64_t rounds = parse_number(text, 1000000);

    return rounds != 0 ? (uint32_t)rounds : 1;
}

int main(int argc, char **argv)
{
    const char *mode = argc >= 2 ? argv[1] : "";

    if (strcmp(mode, "run") == 0 && argc == 4)
        return mode_run(argv[2], (uint32_t)parse_number(argv[3], UINT32_MAX));
    if (strcmp(mode, "load") == 0 && argc == 4)
        return bench_mode_load(argv[2], parse_rounds(argv[3]));
    if (strcmp(mode, "image") == 0 && argc == 4)
        return bench_mode_image(argv[2], parse_rounds(argv[3]));
    if (strcmp(mode, "snapshot") == 0 && argc == 6)
        return bench_mode_snapshot(argv[2], (uint32_t)parse_number(argv[3], UINT32_MAX),
                                   parse_number(argv[4], UINT64_MAX - 1), parse_rounds(argv[5]));
    if (strcmp(mode, "dispatch") == 0 && argc == 2) {
        puts(iso_engine_dispatch());
        return 0;
    }
    fputs(usage, stderr);
    return 2;
}
