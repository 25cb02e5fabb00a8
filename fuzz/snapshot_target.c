/* Fuzz target `snapshot`: a hostile snapshot is restored, and when that succeeds, run with little
 * fuel, hashed, saved and restored again. Nothing may crash, hang, or take memory without bound.
 *
 * The first byte chooses the form. Odd: a module (chosen by the second byte) is run to a safepoint
 * (the third), and the rest are changes to its real snapshot: {position, position, change, value}.
 * Even: the second byte chooses the module, and the rest is the snapshot. */
#include "generate.h"
#include "harness.h"
#include "target.h"

#include <string.h>

static const struct iso_store_config limits = {
    .memory_max_bytes = 16u << 20, .stack_max_bytes = 1u << 20, .table_max_elems = 100000};

/* Modules to choose from: generated from fixed bytes. */
static struct iso_buf module_bytes(uint8_t number)
{
    uint8_t data[1500];
    uint64_t state = (number % 32u) * UINT64_C(0x9e3779b97f4a7c15) + 1;

    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (uint8_t)(fuzz_random(&state) >> 24);
    }
    return fuzz_generate(data, sizeof data);
}

static struct iso_store *store_create(struct iso_engine *engine)
{
    struct iso_store *store = NULL;

    if (iso_store_create(engine, &limits, &store) != ISO_OK) {
        fuzz_fail("no store");
    }
    return store;
}

/* The module's snapshot after so many stops in its first exported function. */
static void real_snapshot(struct iso_engine *engine, struct iso_module *module, uint32_t stops,
                          struct iso_buf *out)
{
    struct iso_store *store = store_create(engine);
    struct iso_instance *instance = NULL;

    if (iso_instance_create(store, module, &instance, NULL) != ISO_OK ||
        iso_start(store, iso_instance_export_func(instance, "t0"), NULL) != ISO_OK) {
        fuzz_fail("a fixed module does not start");
    }
    iso_store_step(store, true);
    while (stops > 0 && iso_run(store) == ISO_RUN_INTERRUPTED) {
        stops--;
    }
    if (iso_snapshot_save(store, NULL, 0, out, NULL) != ISO_OK) {
        fuzz_fail("a real state is not saved");
    }
    iso_store_destroy(store);
}

static void change(struct iso_buf *snapshot, const uint8_t *edit)
{
    size_t at = (size_t)(edit[0] | edit[1] << 8) % snapshot->len;
    uint8_t value = edit[3];

    switch (edit[2] % 5) {
    case 0:
        snapshot->ptr[at] = value;
        break;
    case 1:
        snapshot->ptr[at] ^= (uint8_t)(1u << (value & 7));
        break;
    case 2:
        snapshot->ptr[at] = (uint8_t)(snapshot->ptr[at] + (value & 1 ? 1 : 255));
        break;
    case 3: /* a run of bytes */
        for (size_t i = at; i < snapshot->len && i < at + value % 9; i++) {
            snapshot->ptr[i] = value & 1 ? 0xff : 0;
        }
        break;
    default: /* cut out */
        if (snapshot->len > 2) {
            size_t count = value % 17 < snapshot->len - at ? value % 17 : snapshot->len - at;
            memmove(snapshot->ptr + at, snapshot->ptr + at + count, snapshot->len - at - count);
            snapshot->len -= count < snapshot->len ? count : 0;
        }
        break;
    }
}

/* Make the sum at the end (docs/snapshot.md) fit the bytes before it: without that, nothing but the
 * sum's own check would ever be reached. */
static void put_sum_right(struct iso_buf *snapshot)
{
    enum { SECTION_HEADER = 12 };

    if (snapshot->len >= SECTION_HEADER + ISO_SHA256_SIZE) {
        uint8_t *sum = snapshot->ptr + snapshot->len - ISO_SHA256_SIZE;
        iso_sha256(snapshot->ptr, snapshot->len - ISO_SHA256_SIZE - SECTION_HEADER, sum);
    }
}

/* What a restored store must be able to do, whatever it was made from. */
static void use(struct iso_engine *engine, struct iso_module *module, struct iso_store *store,
                struct iso_instance *instance)
{
    struct iso_buf again;
    struct iso_store *second = store_create(engine);
    uint8_t hashes[2][32];
    struct iso_report report;

    iso_report_init(&report);
    iso_buf_init(&again, iso_alloc_libc(), SIZE_MAX);
    if (iso_store_hash(store, false, hashes[0], &report) != ISO_OK ||
        iso_snapshot_save(store, NULL, 0, &again, &report) != ISO_OK) {
        fuzz_fail("a restored store is not saved: %s", report.text);
    }
    enum iso_err err =
        iso_snapshot_restore(second, iso_buf_view(&again), &module, 1, NULL, 0, NULL, 0, &report);
    if (err != ISO_OK || iso_store_hash(second, false, hashes[1], &report) != ISO_OK ||
        memcmp(hashes[0], hashes[1], sizeof hashes[0]) != 0) {
        fuzz_fail("a restored store is not restored again: %s", iso_report_text(&report, err));
    }
    iso_store_destroy(second);
    iso_buf_fini(&again);
    iso_store_set_fuel(store, 20000);
    if (iso_store_state(store) != ISO_RUN_IDLE) {
        (void)iso_run(store);
        iso_drop(store);
    }
    if (instance != NULL && iso_instance_export_func(instance, "state") != NULL) {
        iso_store_set_fuel(store, 20000);
        if (iso_start(store, iso_instance_export_func(instance, "state"), NULL) == ISO_OK) {
            (void)iso_run(store);
            iso_drop(store);
        }
    }
}

static void restore(struct iso_engine *engine, struct iso_module *module, struct iso_bytes snapshot)
{
    struct iso_store *store = store_create(engine);
    struct iso_instance *instance = NULL;
    struct iso_report report;
    uint8_t digests[4][32];
    uint32_t count = 0;
    struct iso_bytes section;

    iso_report_init(&report);
    enum iso_err err = iso_snapshot_modules(snapshot, digests, 4, &count, NULL);
    if (err != ISO_OK && err != ISO_E_SNAPSHOT) {
        fuzz_fail("the list of modules is refused with %s", iso_err_name(err));
    }
    err = iso_snapshot_section_bytes(snapshot, "wasi", &section, NULL);
    if (err == ISO_OK && section.len > snapshot.len) {
        fuzz_fail("a section is larger than the snapshot");
    }
    err = iso_snapshot_restore(store, snapshot, &module, 1, NULL, 0, &instance, 1, &report);
    if (err == ISO_OK) {
        use(engine, module, store, instance);
    } else if (!report.set && err != ISO_E_NOMEM) {
        fuzz_fail("refused without a reason (%s)", iso_err_name(err));
    }
    iso_store_destroy(store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < 4) {
        return 0;
    }
    struct iso_engine *engine = fuzz_engine_create(ISO_TRANSLATE_LAZY, 0);
    struct iso_buf bytes = module_bytes(data[1]);
    struct iso_module *module = NULL;
    struct iso_buf snapshot;

    iso_buf_init(&snapshot, iso_alloc_libc(), SIZE_MAX);
    if (iso_module_create(engine, bytes.ptr, bytes.len, &module, NULL) != ISO_OK) {
        fuzz_fail("a fixed module is refused");
    }
    if ((data[0] & 1) == 0) {
        if (iso_buf_append(&snapshot, data + 2, len - 2) != ISO_OK) {
            fuzz_fail("no memory");
        }
        put_sum_right(&snapshot);
        restore(engine, module, iso_buf_view(&snapshot));
    } else {
        real_snapshot(engine, module, data[2], &snapshot);
        for (size_t at = 3; at + 4 <= len && at < 3 + 4 * 64 && snapshot.len > 0; at += 4) {
            change(&snapshot, data + at);
        }
        put_sum_right(&snapshot);
        restore(engine, module, iso_buf_view(&snapshot));
    }
    iso_buf_fini(&snapshot);
    iso_module_destroy(module);
    iso_buf_fini(&bytes);
    fuzz_engine_destroy(engine);
    return 0;
}
