/* Stops a bench kernel in mid-computation, writes a snapshot, and continues it: in another store,
 * another process, or as a build for another architecture. For tests/migration/run.sh.
 *
 *   migrate_tool run MODULE N                       to the end, undisturbed
 *   migrate_tool stop MODULE N FUEL SNAPSHOT        until FUEL instructions were charged
 *   migrate_tool resume MODULE SNAPSHOT             to the end
 *   migrate_tool resume MODULE SNAPSHOT FUEL OUT    until FUEL were charged since the beginning
 *   migrate_tool hash MODULE SNAPSHOT               of the restored state
 *   migrate_tool sweep MODULE N POINTS              carries one run through POINTS snapshots and
 *                                                   compares every state with the undisturbed run's
 *
 * Prints words that the script compares: `result HEX fuel N`, `stopped HASH fuel N`, or for a sweep
 * `same N points, result HEX`. Exit status 1 with a message when something differs or fails. */
#include "platform/platform.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POINTS_MAX = 100000 };

static struct iso_engine *engine;
static struct iso_module *module;
static struct iso_report report;

ISO_NORETURN static void die(const char *what, enum iso_err err)
{
    (void)fprintf(stderr, "migrate_tool: %s: %s: %s\n", what, iso_err_name(err),
                  iso_report_text(&report, err));
    exit(1);
}

static void must(enum iso_err err, const char *what)
{
    if (err != ISO_OK) {
        die(what, err);
    }
}

/* A store at rest or in the middle of run(n). */
struct machine {
    struct iso_store *store;
    struct iso_instance *instance;
};

static void machine_start(struct machine *machine, uint32_t n)
{
    union iso_slot args[1] = {{.u32 = n}};

    must(iso_store_create(engine, NULL, &machine->store), "store");
    must(iso_instance_create(machine->store, module, &machine->instance, &report), "instance");
    struct iso_func *func = iso_instance_export_func(machine->instance, "run");
    if (func == NULL) {
        die("the module exports no function \"run\"", ISO_E_NOT_FOUND);
    }
    must(iso_start(machine->store, func, args), "start");
}

static void machine_end(struct machine *machine)
{
    iso_store_destroy(machine->store);
    machine->store = NULL;
}

/* Runs until `fuel` instructions have been charged since the store was made, or to the end. True
 * when it ended. */
static bool machine_run_to(struct machine *machine, uint64_t fuel)
{
    uint64_t used = iso_store_fuel_used(machine->store);

    if (fuel != ISO_FUEL_UNLIMITED) {
        fuel = fuel > used ? fuel - used : 0;
    }
    iso_store_set_fuel(machine->store, fuel);
    switch (iso_run(machine->store)) {
    case ISO_RUN_DONE:
        return true;
    case ISO_RUN_OUT_OF_FUEL:
        return false;
    case ISO_RUN_TRAPPED:
        iso_report_set(&report, "%s", iso_store_trap(machine->store)->message);
        die("run", ISO_E_TRAP);
    default:
        die("run ended in a state that it should not", ISO_E_STATE);
    }
}

static uint64_t machine_result(const struct machine *machine)
{
    return iso_results(machine->store)[0].u64;
}

static void machine_hash(const struct machine *machine, uint8_t hash[32])
{
    must(iso_store_hash(machine->store, true, hash, &report), "hash");
}

static void machine_save(const struct machine *machine, struct iso_buf *out)
{
    iso_buf_init(out, iso_alloc_libc(), SIZE_MAX);
    must(iso_snapshot_save(machine->store, NULL, 0, out, &report), "save");
}

static void machine_restore(struct machine *machine, struct iso_bytes snapshot)
{
    must(iso_store_create(engine, NULL, &machine->store), "store");
    must(iso_snapshot_restore(machine->store, snapshot, &module, 1, NULL, 0, &machine->instance, 1,
                              &report),
         "restore");
}

static void machine_restore_file(struct machine *machine, const char *path)
{
    struct iso_file file;

    must(iso_file_read(path, 1u << 30, &file, &report), path);
    machine_restore(machine, file.bytes);
    iso_file_fini(&file);
}

static void machine_print_stop(const struct machine *machine)
{
    uint8_t hash[32];
    char hex[65];

    machine_hash(machine, hash);
    iso_hex_encode(hash, sizeof hash, hex);
    (void)printf("stopped %s fuel %" PRIu64 "\n", hex, iso_store_fuel_used(machine->store));
}

static void machine_print_result(const struct machine *machine)
{
    (void)printf("result %016" PRIx64 " fuel %" PRIu64 "\n", machine_result(machine),
                 iso_store_fuel_used(machine->store));
}

/* Runs to `fuel` and writes the snapshot there; a kernel that ended before is a mistake of the
 * test. */
static void machine_stop_at(struct machine *machine, uint64_t fuel, const char *path)
{
    struct iso_buf snapshot;

    if (machine_run_to(machine, fuel)) {
        die("the kernel ended before the stopping point", ISO_E_STATE);
    }
    machine_save(machine, &snapshot);
    must(iso_file_write_atomic(path, iso_buf_view(&snapshot), &report), path);
    iso_buf_fini(&snapshot);
    machine_print_stop(machine);
}

/* Replaces the machine by its restored snapshot. */
static void machine_carry_over(struct machine *machine)
{
    struct iso_buf snapshot;

    machine_save(machine, &snapshot);
    machine_end(machine);
    machine_restore(machine, iso_buf_view(&snapshot));
    iso_buf_fini(&snapshot);
}

/* The undisturbed run must not depend on where it was stopped: from the beginning straight to
 * `fuel`. */
static void check_straight(uint32_t n, uint64_t fuel, const uint8_t expected[32])
{
    struct machine machine;
    uint8_t hash[32];

    machine_start(&machine, n);
    (void)machine_run_to(&machine, fuel);
    machine_hash(&machine, hash);
    machine_end(&machine);
    if (memcmp(hash, expected, sizeof hash) != 0) {
        (void)fprintf(stderr,
                      "migrate_tool: at fuel %" PRIu64 " a run without earlier stops has "
                      "another state\n",
                      fuel);
        exit(1);
    }
}

/* Both runs advance from point to point side by side; only one is snapshotted. */
static void sweep(uint32_t n, uint32_t points)
{
    struct machine whole;
    struct machine carried;
    uint32_t same = 0;

    machine_start(&whole, n);
    (void)machine_run_to(&whole, ISO_FUEL_UNLIMITED);
    uint64_t total = iso_store_fuel_used(whole.store);
    uint64_t result = machine_result(&whole);
    machine_end(&whole);

    machine_start(&whole, n);
    machine_start(&carried, n);
    for (uint32_t i = 0; i < points; i++) {
        /* Odd distances, so that stops fall on all kinds of safepoints; the first before anything
         * ran. total is below 2^40, points below 2^17. */
        uint64_t fuel = total * i / points;
        uint8_t hashes[2][32];
        if (machine_run_to(&whole, fuel) || machine_run_to(&carried, fuel)) {
            break;
        }
        machine_hash(&whole, hashes[0]);
        machine_hash(&carried, hashes[1]);
        if (memcmp(hashes[0], hashes[1], sizeof hashes[0]) != 0) {
            (void)fprintf(stderr, "migrate_tool: at fuel %" PRIu64 " the states differ\n", fuel);
            exit(1);
        }
        same++;
        machine_carry_over(&carried);
        if (i % (points / 4 + 1) == points / 8) {
            check_straight(n, fuel, hashes[0]);
        }
    }
    (void)machine_run_to(&carried, ISO_FUEL_UNLIMITED);
    if (machine_result(&carried) != result || iso_store_fuel_used(carried.store) != total) {
        die("the carried run ended with another result", ISO_E_STATE);
    }
    machine_end(&whole);
    machine_end(&carried);
    (void)printf("same %" PRIu32 " points, result %016" PRIx64 " fuel %" PRIu64 "\n", same, result,
                 total);
}

ISO_NORETURN static void usage(void)
{
    (void)fprintf(stderr, "usage: migrate_tool run MODULE N | stop MODULE N FUEL SNAPSHOT | "
                          "resume MODULE SNAPSHOT [FUEL OUT] | hash MODULE SNAPSHOT | "
                          "sweep MODULE N POINTS\n");
    exit(2);
}

static void command_run(int argc, char **argv)
{
    struct machine machine = {NULL, NULL};
    const char *verb = argv[1];

    if (strcmp(verb, "run") == 0 && argc == 4) {
        machine_start(&machine, (uint32_t)strtoul(argv[3], NULL, 10));
        (void)machine_run_to(&machine, ISO_FUEL_UNLIMITED);
        machine_print_result(&machine);
    } else if (strcmp(verb, "stop") == 0 && argc == 6) {
        machine_start(&machine, (uint32_t)strtoul(argv[3], NULL, 10));
        machine_stop_at(&machine, strtoull(argv[4], NULL, 10), argv[5]);
    } else if (strcmp(verb, "resume") == 0 && argc == 4) {
        machine_restore_file(&machine, argv[3]);
        (void)machine_run_to(&machine, ISO_FUEL_UNLIMITED);
        machine_print_result(&machine);
    } else if (strcmp(verb, "resume") == 0 && argc == 6) {
        machine_restore_file(&machine, argv[3]);
        machine_stop_at(&machine, strtoull(argv[4], NULL, 10), argv[5]);
    } else if (strcmp(verb, "hash") == 0 && argc == 4) {
        machine_restore_file(&machine, argv[3]);
        machine_print_stop(&machine);
    } else if (strcmp(verb, "sweep") == 0 && argc == 5) {
        unsigned long points = strtoul(argv[4], NULL, 10);
        if (points == 0 || points > POINTS_MAX) {
            usage();
        }
        sweep((uint32_t)strtoul(argv[3], NULL, 10), (uint32_t)points);
    } else {
        usage();
    }
    machine_end(&machine);
}

int main(int argc, char **argv)
{
    struct iso_engine_config config = {.platform = iso_platform_posix()};
    struct iso_file file;

    if (argc < 4) {
        usage();
    }
    iso_report_init(&report);
    must(iso_engine_create(&config, &engine), "engine");
    must(iso_file_read(argv[2], 1u << 30, &file, &report), argv[2]);
    must(iso_module_create(engine, file.bytes.ptr, file.bytes.len, &module, &report), argv[2]);
    command_run(argc, argv);
    iso_module_destroy(module);
    iso_file_fini(&file);
    iso_engine_destroy(engine);
    return 0;
}
