/*
 * iso_bench.h - what the modes of iso_bench share.
 */
#ifndef BENCH_ISO_BENCH_H
#define BENCH_ISO_BENCH_H

#include "engine/engine.h"
#include "platform/platform.h"

/* One engine with one module, as most modes need them. */
struct bench_setup {
    struct iso_file file;
    struct iso_engine *engine;
    struct iso_module *module;
};

/* Processor time of this thread, in nanoseconds: on a busy machine the time on the wall is mostly
 * that of others. */
uint64_t bench_clock_ns(void);

/* Sorts count (> 0) values and returns the middle one. */
uint64_t bench_median(uint64_t *values, size_t count);

/* Ends the program with status 1 and a message when err is not ISO_OK. what: "read the file", ...
 * report may be NULL. */
void bench_require(enum iso_err err, const char *what, const struct iso_report *report);

/* Ends the program with status 1 and a message. */
ISO_NORETURN void bench_fail(const char *message);

/* Reads and validates a module; ends the program when that fails. */
void bench_setup_init(struct bench_setup *setup, const char *path);
void bench_setup_fini(struct bench_setup *setup);

/* A store with one instance of the module and its exported function `run`. */
struct iso_store *bench_store_create(const struct bench_setup *setup, struct iso_func **run);

/* The modes: what they measure stands at the functions. */
int bench_mode_load(const char *path, uint32_t rounds);
int bench_mode_image(const char *path, uint32_t rounds);
int bench_mode_snapshot(const char *path, uint32_t n, uint64_t fuel, uint32_t rounds);

#endif
