/* Fuzz target `execute`: the bytes become a valid module (generate.h), which is run plainly, with
 * fuel in portions, and with snapshots and restores at random safepoints. All must do the same.
 * What it does is compared with other engines by differential.py. */
#include "generate.h"
#include "harness.h"
#include "target.h"

static void run_all(struct iso_engine *engine, struct iso_module *module, uint64_t seed)
{
    const struct fuzz_mode plain = {.carry = false};
    const struct fuzz_mode starved = {.starve = true, .random = seed};
    const struct fuzz_mode carried = {.carry = true, .random = seed};
    const struct fuzz_mode both = {.carry = true, .starve = true, .random = seed};
    struct fuzz_record expected;
    struct fuzz_record actual;

    fuzz_run(engine, module, &plain, &expected);
    fuzz_run(engine, module, &starved, &actual);
    fuzz_compare(&expected, &actual, "plain and with fuel in portions");
    fuzz_run(engine, module, &carried, &actual);
    fuzz_compare(&expected, &actual, "plain and with snapshots");
    if ((seed & 3) == 0) {
        fuzz_run(engine, module, &both, &actual);
        fuzz_compare(&expected, &actual, "plain and with snapshots and fuel in portions");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct iso_engine *engine = fuzz_engine_create(ISO_TRANSLATE_LAZY);
    struct iso_buf bytes = fuzz_generate(data, len);
    struct iso_module *module = NULL;
    struct iso_report report;
    uint64_t seed = 1;

    for (size_t i = 0; i < len; i++) {
        seed = (seed ^ data[i]) * UINT64_C(0x100000001b3);
    }
    iso_report_init(&report);
    enum iso_err err = iso_module_create(engine, bytes.ptr, bytes.len, &module, &report);
    if (err != ISO_OK) {
        fuzz_fail("the generated module is refused: %s: %s", iso_err_name(err), report.text);
    }
    run_all(engine, module, seed);
    iso_module_destroy(module);
    iso_buf_fini(&bytes);
    fuzz_engine_destroy(engine);
    return 0;
}
