/* See the header. */
#include "harness.h"

#include "base/alloc_test_support.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CARRIES_MAX = 24 }; /* snapshots of one run: the rest of it runs through */

static struct iso_alloc_test memory;
static bool code_is_limited;

void fuzz_fail(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    (void)fprintf(stderr, "\n");
    abort();
}

uint64_t fuzz_random(uint64_t *state)
{
    uint64_t x = *state;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return *state = x;
}

struct iso_engine *fuzz_engine_create(enum iso_translation translation, uint64_t code_max_bytes)
{
    struct iso_engine_config config = {
        .alloc = &memory.alloc, .translation = translation, .code_max_bytes = code_max_bytes};
    struct iso_engine *engine = NULL;

    code_is_limited = code_max_bytes != 0;
    iso_alloc_test_init(&memory);
    memory.max_bytes = 256u << 20;
    if (iso_engine_create(&config, &engine) != ISO_OK) {
        fuzz_fail("no engine");
    }
    return engine;
}

void fuzz_engine_destroy(struct iso_engine *engine)
{
    iso_engine_destroy(engine);
    if (memory.live_bytes != 0) {
        fuzz_fail("%zu bytes leaked in %zu blocks", memory.live_bytes, memory.live_blocks);
    }
}

/* A run under way. */
struct run {
    struct iso_engine *engine;
    struct iso_module *module;
    const struct fuzz_mode *mode;
    struct iso_store *store;
    struct iso_instance *instance;
    uint64_t random;
    uint32_t carries;
};

/* The stack is small because the allocator fills each one: generated programs do not go deep. */
static const struct iso_store_config limits = {.memory_max_bytes = 16u << 20,
                                               .stack_max_bytes = 128u << 10};

static struct iso_store *store_create(const struct run *run)
{
    struct iso_store *store = NULL;

    if (iso_store_create(run->engine, &limits, &store) != ISO_OK) {
        fuzz_fail("no store");
    }
    return store;
}

/* The store is replaced by its restored snapshot. */
static void carry_over(struct run *run)
{
    struct iso_report report;
    struct iso_buf snapshot;
    uint8_t hashes[2][32];
    struct iso_store *store = store_create(run);

    iso_report_init(&report);
    iso_buf_init(&snapshot, iso_alloc_libc(), SIZE_MAX);
    /* Hashing takes longer than all the rest. */
    bool check = run->carries % 4 == 0;
    enum iso_err err = check ? iso_store_hash(run->store, false, hashes[0], &report) : ISO_OK;
    if (err == ISO_OK) {
        err = iso_snapshot_save(run->store, NULL, 0, &snapshot, &report);
    }
    if (err != ISO_OK) {
        fuzz_fail("save: %s: %s", iso_err_name(err), iso_report_text(&report, err));
    }
    uint64_t fuel_used = iso_store_fuel_used(run->store);
    iso_store_destroy(run->store);
    run->store = store;
    err = iso_snapshot_restore(store, iso_buf_view(&snapshot), &run->module, 1, NULL, 0,
                               &run->instance, 1, &report);
    if (err == ISO_OK && check) {
        err = iso_store_hash(store, false, hashes[1], &report);
    }
    if (err != ISO_OK) {
        fuzz_fail("restore: %s: %s", iso_err_name(err), iso_report_text(&report, err));
    }
    if (check && memcmp(hashes[0], hashes[1], sizeof hashes[0]) != 0) {
        fuzz_fail("the restored state has another hash");
    }
    if (fuel_used != iso_store_fuel_used(store)) {
        fuzz_fail("the restored store has another count of fuel");
    }
    iso_buf_fini(&snapshot);
    iso_store_step(store, true);
    run->carries++;
}

/* Called at a stop: decides what happens before the run goes on. */
static void at_stop(struct run *run)
{
    const struct fuzz_mode *mode = run->mode;

    if (mode->carry && run->carries < CARRIES_MAX &&
        fuzz_random(&run->random) % (1 + run->carries / 4) == 0) {
        carry_over(run);
    }
    if (mode->carry && run->carries == CARRIES_MAX) {
        iso_store_step(run->store, false);
    }
    if (mode->starve) {
        iso_store_set_fuel(run->store, fuzz_random(&run->random) % 400);
    }
}

static struct fuzz_outcome call(struct run *run, struct iso_func *func)
{
    struct fuzz_outcome outcome = {.trap = ISO_TRAP_NONE};

    enum iso_err err = iso_start(run->store, func, NULL);
    if (err == ISO_E_LIMIT && code_is_limited) {
        outcome.trap = ISO_TRAP_CODE;
        return outcome;
    }
    if (err != ISO_OK) {
        fuzz_fail("a call cannot be started: %s", iso_err_name(err));
    }
    for (;;) {
        at_stop(run);
        enum iso_run_state state = iso_run(run->store);
        switch (state) {
        case ISO_RUN_DONE:
            outcome.value = iso_results(run->store)[0].u64;
            return outcome;
        case ISO_RUN_TRAPPED:
            outcome.trap = iso_store_trap(run->store)->kind;
            if (outcome.trap == ISO_TRAP_NOMEM) {
                fuzz_fail("no memory to translate a function");
            }
            return outcome;
        case ISO_RUN_OUT_OF_FUEL:
        case ISO_RUN_INTERRUPTED:
            break;
        default:
            fuzz_fail("iso_run returned the state %d", (int)state);
        }
    }
}

static void instantiate(struct run *run)
{
    struct iso_report report;

    iso_report_init(&report);
    enum iso_err err = iso_instance_create(run->store, run->module, &run->instance, &report);
    if (err != ISO_OK) {
        fuzz_fail("instance: %s: %s", iso_err_name(err), iso_report_text(&report, err));
    }
    iso_store_step(run->store, run->mode->carry);
}

void fuzz_run(struct iso_engine *engine, struct iso_module *module, const struct fuzz_mode *mode,
              struct fuzz_record *out)
{
    struct run run = {.engine = engine, .module = module, .mode = mode, .random = mode->random | 1};
    struct iso_export_desc export;

    *out = (struct fuzz_record){.count = 0};
    run.store = store_create(&run);
    instantiate(&run);
    for (uint32_t i = 0; i < iso_module_export_count(module); i++) {
        iso_module_export(module, i, &export);
        if (export.type.kind == ISO_EXTERN_FUNC && out->count < FUZZ_CALLS_MAX) {
            struct iso_func *func = iso_instance_export_func_at(run.instance, i);
            out->calls[out->count++] = call(&run, func);
        }
    }
    out->fuel_used = iso_store_fuel_used(run.store);
    if (iso_store_hash(run.store, false, out->hash, NULL) != ISO_OK) {
        fuzz_fail("no hash at the end");
    }
    iso_store_destroy(run.store);
}

void fuzz_compare(const struct fuzz_record *a, const struct fuzz_record *b, const char *what)
{
    if (a->count != b->count) {
        fuzz_fail("%s: %u and %u calls", what, a->count, b->count);
    }
    for (uint32_t i = 0; i < a->count; i++) {
        if (a->calls[i].trap != b->calls[i].trap || a->calls[i].value != b->calls[i].value) {
            fuzz_fail("%s: call %u: trap %d value %016llx, and trap %d value %016llx", what, i,
                      (int)a->calls[i].trap, (unsigned long long)a->calls[i].value,
                      (int)b->calls[i].trap, (unsigned long long)b->calls[i].value);
        }
    }
    if (a->fuel_used != b->fuel_used) {
        fuzz_fail("%s: %llu and %llu fuel used", what, (unsigned long long)a->fuel_used,
                  (unsigned long long)b->fuel_used);
    }
    if (memcmp(a->hash, b->hash, sizeof a->hash) != 0) {
        fuzz_fail("%s: the states at the end differ", what);
    }
}

enum iso_err fuzz_change(const char *text, size_t len, const uint8_t *input, size_t input_len,
                         struct iso_buf *out)
{
    const uint8_t *next = input, *end = input + input_len;
    size_t taken = 0;
    while (end - next >= 4) {
        size_t to = taken + iso_load_u16le(next) % (len - taken + 1);
        size_t skip = next[2] % 64, put = next[3] % 32;
        next += 4;
        put = put <= (size_t)(end - next) ? put : (size_t)(end - next);
        enum iso_err err = iso_buf_append(out, text + taken, to - taken);
        if (err == ISO_OK) {
            err = iso_buf_append(out, next, put);
        }
        if (err != ISO_OK) {
            return err;
        }
        next += put;
        taken = to + skip <= len ? to + skip : len;
    }
    return iso_buf_append(out, text + taken, len - taken);
}
