/* Fuzz target `execute`: the bytes become a valid module (generate.h), which is run plainly, with
 * fuel in portions, with snapshots and restores at random safepoints, and with room for half of the
 * translated code. All must do the same.
 * What it does is compared with other engines by differential.py. */
#include "generate.h"
#include "harness.h"
#include "target.h"

static struct iso_module *module_create(struct iso_engine *engine, const struct iso_buf *bytes)
{
    struct iso_module *module = NULL;
    struct iso_report report;

    iso_report_init(&report);
    enum iso_err err = iso_module_create(engine, bytes->ptr, bytes->len, &module, &report);
    if (err != ISO_OK) {
        fuzz_fail("the generated module is refused: %s: %s", iso_err_name(err), report.text);
    }
    return module;
}

/* All that is compared with `expected`, the plain run; returns the bytes of code that it takes. */
static uint64_t run_unlimited(const struct iso_buf *bytes, uint64_t seed,
                              struct fuzz_record *expected)
{
    const struct fuzz_mode plain = {.carry = false};
    const struct fuzz_mode starved = {.starve = true, .random = seed};
    const struct fuzz_mode carried = {.carry = true, .random = seed};
    const struct fuzz_mode both = {.carry = true, .starve = true, .random = seed};
    struct fuzz_record actual;
    struct iso_engine *engine = fuzz_engine_create(ISO_TRANSLATE_LAZY, 0);
    struct iso_module *module = module_create(engine, bytes);

    fuzz_run(engine, module, &plain, expected);
    uint64_t code_bytes = iso_engine_code_bytes(engine);
    fuzz_run(engine, module, &starved, &actual);
    fuzz_compare(expected, &actual, "plain and with fuel in portions");
    fuzz_run(engine, module, &carried, &actual);
    fuzz_compare(expected, &actual, "plain and with snapshots");
    if ((seed & 3) == 0) {
        fuzz_run(engine, module, &both, &actual);
        fuzz_compare(expected, &actual, "plain and with snapshots and fuel in portions");
    }
    iso_module_destroy(module);
    fuzz_engine_destroy(engine);
    return code_bytes;
}

/* Functions are thrown away and translated again on the way. Where those under way do not fit, the
 * calls end otherwise, and there is nothing to compare. */
static void run_with_little_code(const struct iso_buf *bytes, uint64_t seed,
                                 const struct fuzz_record *expected, uint64_t code_max_bytes)
{
    const struct fuzz_mode starved = {.starve = true, .random = seed};
    struct fuzz_record actual;
    struct iso_engine *engine = fuzz_engine_create(ISO_TRANSLATE_LAZY, code_max_bytes);
    struct iso_module *module = module_create(engine, bytes);
    bool fits = true;

    fuzz_run(engine, module, &starved, &actual);
    for (uint32_t i = 0; i < actual.count; i++) {
        fits = fits && actual.calls[i].trap != ISO_TRAP_CODE;
    }
    if (fits) {
        fuzz_compare(expected, &actual, "plain and with room for half of the code");
    }
    iso_module_destroy(module);
    fuzz_engine_destroy(engine);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct iso_buf bytes = fuzz_generate(data, len);
    struct fuzz_record expected;
    uint64_t seed = 1;

    for (size_t i = 0; i < len; i++) {
        seed = (seed ^ data[i]) * UINT64_C(0x100000001b3);
    }
    uint64_t code_bytes = run_unlimited(&bytes, seed, &expected);
    if (code_bytes >= 2) {
        run_with_little_code(&bytes, seed, &expected, code_bytes / 2);
    }
    iso_buf_fini(&bytes);
    return 0;
}
