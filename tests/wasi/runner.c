/*
 * runner.c - runs the guest programs of this folder in every world: on the host's file system
 * resolved by the kernel, resolved in steps, and in memory; each time undisturbed and with a
 * snapshot and restore, into a new store and a new world, after every few instructions.
 *
 * usage: wasi_runner PROGRAM.wasm...
 *
 * Prints a line per run and at the end `N passed, N failed, N skipped`.
 */
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wasi/wasi.h"

enum { FUEL_WHOLE = 100000000, STOPS_MAX = 4000 };

enum world { OPENAT2, STEPS, MEMORY, WORLD_COUNT };
static const char *const world_names[] = {"openat2", "steps", "memory"};

/* One run of one program in one world. */
struct job {
    enum world world;
    struct iso_module *module;
    struct iso_engine *engine;
    char dir[64];
    struct iso_wasi_memfs *memfs;
    struct iso_buf output;
    struct iso_store *store;
    struct iso_wasi *wasi;
    struct iso_report report;
    int stops; /* how often it was moved */
};

_Noreturn static void die(const char *what)
{
    (void)fprintf(stderr, "wasi_runner: %s\n", what);
    exit(2);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

/* A directory, or a file system in memory, that is empty. */
static enum iso_err make_place(struct job *job)
{
    if (job->world == MEMORY) {
        return iso_wasi_memfs_create(iso_alloc_libc(), 1 << 22, &job->memfs);
    }
    (void)snprintf(job->dir, sizeof job->dir, "/tmp/iso_wasi_guest_XXXXXX");
    return mkdtemp(job->dir) == NULL ? ISO_E_IO : ISO_OK;
}

/* A store and a world, with nothing in the store but the imports. */
static enum iso_err make_world(struct job *job)
{
    static const char *const args[] = {"guest", "first", "second one"};
    static const char *const env[] = {"KEY=value", "EMPTY="};
    struct iso_wasi_preopen dirs[] = {
        {.guest_path = "/", .host_path = job->world == MEMORY ? NULL : job->dir},
        {.guest_path = "/ro",
         .host_path = job->world == MEMORY ? NULL : job->dir,
         .read_only = true}};
    dirs[0].memfs = job->memfs;
    dirs[1].memfs = job->memfs;
    struct iso_wasi_stream out = {.kind = ISO_WASI_STREAM_BUFFER, .output = &job->output};
    struct iso_wasi_config config = {
        .args = args,
        .arg_count = ISO_COUNT_OF(args),
        .env = env,
        .env_count = ISO_COUNT_OF(env),
        .preopens = dirs,
        .preopen_count = ISO_COUNT_OF(dirs),
        .stdio = {{.kind = ISO_WASI_STREAM_BUFFER, .input = iso_bytes_from("input\n", 6)},
                  out,
                  out},
        .no_openat2 = job->world == STEPS};
    enum iso_err err = iso_store_create(job->engine, NULL, &job->store);
    if (err == ISO_OK) {
        err = iso_wasi_create(iso_alloc_libc(), &config, &job->wasi, &job->report);
    }
    if (err == ISO_OK) {
        err = iso_wasi_define(job->wasi, job->store);
    }
    return err;
}

static void drop_world(struct job *job)
{
    iso_store_destroy(job->store);
    job->store = NULL;
    iso_wasi_destroy(job->wasi);
    job->wasi = NULL;
}

/* Save everything, throw store and world away, and go on in new ones. */
static enum iso_err move(struct job *job)
{
    struct iso_buf snapshot;
    struct iso_snapshot_section section = iso_wasi_section(job->wasi);
    iso_buf_init(&snapshot, iso_alloc_libc(), SIZE_MAX);
    enum iso_err err = iso_snapshot_save(job->store, &section, 1, &snapshot, &job->report);
    if (err == ISO_OK) {
        drop_world(job);
        if (job->world == MEMORY) {
            iso_wasi_memfs_destroy(job->memfs);
            job->memfs = NULL;
            err = iso_wasi_memfs_create(iso_alloc_libc(), 1 << 22, &job->memfs);
        }
    }
    if (err == ISO_OK) {
        err = make_world(job);
    }
    if (err == ISO_OK) {
        section = iso_wasi_section(job->wasi);
        err = iso_snapshot_restore(job->store, iso_buf_view(&snapshot), &job->module, 1, &section,
                                   1, NULL, 0, &job->report);
    }
    iso_buf_fini(&snapshot);
    return err;
}

/* Run to the end; with a positive step, moving after that many instructions again and again. */
static enum iso_err run_to_end(struct job *job, uint64_t step, enum iso_run_state *state)
{
    for (;;) {
        bool moving = step > 0 && job->stops < STOPS_MAX;
        iso_store_set_fuel(job->store, moving ? step : FUEL_WHOLE);
        *state = iso_run(job->store);
        if (*state == ISO_RUN_PENDING && !moving) {
            enum iso_err err = iso_wasi_wait(job->wasi, 1000);
            if (err != ISO_OK) {
                return err;
            }
        } else if (*state == ISO_RUN_OUT_OF_FUEL && !moving) {
            return iso_fail(&job->report, ISO_E_LIMIT, "the program does not end");
        } else if (*state == ISO_RUN_OUT_OF_FUEL || *state == ISO_RUN_PENDING) {
            enum iso_err err = move(job);
            if (err != ISO_OK) {
                return err;
            }
            job->stops++;
        } else {
            return ISO_OK;
        }
    }
}

static enum iso_err start(struct job *job)
{
    struct iso_instance *instance;
    enum iso_err err = iso_instance_create(job->store, job->module, &instance, &job->report);
    if (err != ISO_OK) {
        return err;
    }
    struct iso_func *func = iso_instance_export_func(instance, "_start");
    return func == NULL ? ISO_E_NOT_FOUND : iso_start(job->store, func, NULL);
}

/* Empty when all was well. */
static void run_job(struct job *job, uint64_t step, char *wrong, size_t cap)
{
    enum iso_run_state state = ISO_RUN_IDLE;
    iso_report_init(&job->report);
    iso_buf_init(&job->output, iso_alloc_libc(), 1 << 16);
    enum iso_err err = make_place(job);
    if (err == ISO_OK) {
        err = make_world(job);
    }
    if (err == ISO_OK) {
        err = start(job);
    }
    if (err == ISO_OK) {
        err = run_to_end(job, step, &state);
    }
    wrong[0] = '\0';
    if (err != ISO_OK) {
        (void)snprintf(wrong, cap, "%s", iso_report_text(&job->report, err));
    } else if (state != ISO_RUN_DONE) {
        const struct iso_trap *trap = iso_store_trap(job->store);
        if (trap->kind != ISO_TRAP_EXIT || trap->exit_status != 0) {
            (void)snprintf(wrong, cap, "%s (status %u): %.*s", trap->message, trap->exit_status,
                           (int)job->output.len, (const char *)job->output.ptr);
        }
    }
    if (wrong[0] == '\0' && step > 0 && job->stops == 0) {
        (void)snprintf(wrong, cap, "it was never moved");
    }
    drop_world(job);
    iso_wasi_memfs_destroy(job->memfs);
    job->memfs = NULL;
    if (job->dir[0] != '\0') {
        (void)nftw(job->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    }
    iso_buf_fini(&job->output);
}

static uint8_t *read_file(const char *path, size_t *len)
{
    FILE *file = fopen(path, "rb");
    static const size_t max = 1 << 20;
    uint8_t *bytes = malloc(max);
    if (file == NULL || bytes == NULL) {
        die(path);
    }
    *len = fread(bytes, 1, max, file);
    (void)fclose(file);
    return bytes;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

int main(int argc, char **argv)
{
    static const uint64_t steps[] = {0, 53, 3};
    struct iso_engine *engine;
    unsigned passed = 0;
    unsigned failed = 0;
    if (iso_engine_create(NULL, &engine) != ISO_OK) {
        die("no engine");
    }
    for (int i = 1; i < argc; i++) {
        struct iso_module *module;
        struct iso_report report;
        size_t len;
        iso_report_init(&report);
        uint8_t *bytes = read_file(argv[i], &len);
        enum iso_err err = iso_module_create(engine, bytes, len, &module, &report);
        if (err != ISO_OK) {
            die(iso_report_text(&report, err));
        }
        for (int world = 0; world < WORLD_COUNT; world++) {
            for (size_t k = 0; k < ISO_COUNT_OF(steps); k++) {
                char wrong[1024];
                struct job job = {.world = (enum world)world, .engine = engine, .module = module};
                run_job(&job, steps[k], wrong, sizeof wrong);
                (void)printf("%s  %s, %s, moved %d times%s%s\n", wrong[0] == '\0' ? "ok  " : "FAIL",
                             base_name(argv[i]), world_names[world], job.stops,
                             wrong[0] == '\0' ? "" : ": ", wrong);
                passed += wrong[0] == '\0' ? 1 : 0;
                failed += wrong[0] == '\0' ? 0 : 1;
            }
        }
        iso_module_destroy(module);
        free(bytes);
    }
    iso_engine_destroy(engine);
    (void)printf("%u passed, %u failed, 0 skipped\n", passed, failed);
    return failed > 0 || passed == 0 ? 1 : 0;
}
