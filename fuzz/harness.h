/* Runs generated modules in the engine, plainly or with snapshots and restores on the way, and
 * records everything that can be seen of it. */
#ifndef FUZZ_HARNESS_H
#define FUZZ_HARNESS_H

#include "engine/engine.h"

#include <stdbool.h>
#include <stdint.h>

enum { FUZZ_CALLS_MAX = 16 };

/* What one exported function did. */
struct fuzz_outcome {
    enum iso_trap_kind trap; /* ISO_TRAP_NONE: it returned value */
    uint64_t value;
};

struct fuzz_record {
    uint32_t count;
    struct fuzz_outcome calls[FUZZ_CALLS_MAX];
    uint64_t fuel_used;
    uint8_t hash[32]; /* of the state at the end */
};

/* How to run. */
struct fuzz_mode {
    bool carry;      /* snapshot and restore into a new store at random safepoints */
    bool starve;     /* give fuel in small random portions */
    uint64_t random; /* seed of both */
};

/* Runs all exports of type [] -> [i64] of a generated module, in order. What must not happen (a
 * module that is not valid, a snapshot that is not restored) ends the process with a message. */
void fuzz_run(struct iso_engine *engine, struct iso_module *module, const struct fuzz_mode *mode,
              struct fuzz_record *out);

/* Ends the process when the records differ. `what` says which runs they are of. */
void fuzz_compare(const struct fuzz_record *a, const struct fuzz_record *b, const char *what);

/* An engine whose memory is bounded (256 MiB), so that input that asks for too much gets an error,
 * and that of its translated code by code_max_bytes (0: no limit).
 * The allocator is reset with each engine; one engine at a time. */
struct iso_engine *fuzz_engine_create(enum iso_translation translation, uint64_t code_max_bytes);
/* Ends the process when something leaked. */
void fuzz_engine_destroy(struct iso_engine *engine);

/* Prints and aborts, which a fuzzer takes for a finding. */
ISO_NORETURN void fuzz_fail(const char *format, ...) ISO_PRINTF(1, 2);

/* Appends a text with the changes that an input asks for: two bytes of place, one of how many bytes
 * go, one of how many of the following come, and so on. Errors: those of iso_buf. */
enum iso_err fuzz_change(const char *text, size_t len, const uint8_t *input, size_t input_len,
                         struct iso_buf *out);

/* A xorshift step; never returns 0 for a state that is not 0. */
uint64_t fuzz_random(uint64_t *state);

#endif
