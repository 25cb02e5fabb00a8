/* Writes generated modules and what the engine does with them, for differential.py.
 *
 * usage: fuzz_generate COUNT SEED FOLDER
 *
 * FOLDER gets N.wasm, and expected.txt with a line for each call of each module: `N NAME VALUE`, or
 * `N NAME trap KIND`, where KIND is a word. */
#include "generate.h"
#include "harness.h"

#include "platform/platform.h"

#include <stdio.h>
#include <stdlib.h>

/* The kinds of traps that a generated module can end in. */
static const char *trap_word(enum iso_trap_kind kind)
{
    switch (kind) {
    case ISO_TRAP_UNREACHABLE:
        return "unreachable";
    case ISO_TRAP_MEMORY:
        return "memory";
    case ISO_TRAP_TABLE:
        return "table";
    case ISO_TRAP_UNDEFINED_ELEMENT:
        return "undefined";
    case ISO_TRAP_UNINITIALIZED_ELEMENT:
        return "uninitialized";
    case ISO_TRAP_INDIRECT_TYPE:
        return "signature";
    case ISO_TRAP_DIVIDE_BY_ZERO:
        return "divide";
    case ISO_TRAP_OVERFLOW:
        return "overflow";
    case ISO_TRAP_CONVERSION:
        return "conversion";
    default:
        return iso_trap_text(kind);
    }
}

static void record_print(FILE *out, unsigned long number, const struct fuzz_record *record)
{
    for (uint32_t i = 0; i < record->count; i++) {
        const struct fuzz_outcome *call = &record->calls[i];
        (void)fprintf(out, "%lu ", number);
        if (i + 1 < record->count) {
            (void)fprintf(out, "t%u ", i);
        } else {
            (void)fprintf(out, "state ");
        }
        if (call->trap != ISO_TRAP_NONE) {
            (void)fprintf(out, "trap %s\n", trap_word(call->trap));
        } else {
            (void)fprintf(out, "%llu\n", (unsigned long long)call->value);
        }
    }
}

static void one_module(unsigned long number, uint64_t seed, const char *folder, FILE *out)
{
    static uint8_t data[6000];
    const struct fuzz_mode plain = {.carry = false};
    uint64_t state = (seed + number) * UINT64_C(0x9e3779b97f4a7c15) + 1;
    size_t len = 200 + (size_t)(fuzz_random(&state) % (sizeof data - 200));
    struct iso_engine *engine = fuzz_engine_create(ISO_TRANSLATE_LAZY, 0);
    struct iso_module *module = NULL;
    struct iso_report report;
    struct fuzz_record record;
    char path[1024];

    for (size_t i = 0; i < len; i++) {
        data[i] = (uint8_t)(fuzz_random(&state) >> 24);
    }
    struct iso_buf bytes = fuzz_generate(data, len);
    iso_report_init(&report);
    (void)iso_format(path, sizeof path, "%s/%lu.wasm", folder, number);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(bytes.ptr, 1, bytes.len, file) != bytes.len || fclose(file) != 0) {
        fuzz_fail("%s: cannot be written", path);
    }
    if (iso_module_create(engine, bytes.ptr, bytes.len, &module, &report) != ISO_OK) {
        fuzz_fail("%s: %s", path, report.text);
    }
    fuzz_run(engine, module, &plain, &record);
    record_print(out, number, &record);
    iso_module_destroy(module);
    iso_buf_fini(&bytes);
    fuzz_engine_destroy(engine);
}

int main(int argc, char **argv)
{
    char path[1024];

    if (argc != 4) {
        (void)fprintf(stderr, "usage: fuzz_generate COUNT SEED FOLDER\n");
        return 2;
    }
    (void)iso_format(path, sizeof path, "%s/expected.txt", argv[3]);
    FILE *out = fopen(path, "w");
    if (out == NULL) {
        fuzz_fail("%s: cannot be written", path);
    }
    unsigned long count = strtoul(argv[1], NULL, 10);
    for (unsigned long i = 0; i < count; i++) {
        one_module(i, strtoull(argv[2], NULL, 10), argv[3], out);
    }
    return fclose(out) == 0 ? 0 : 1;
}
