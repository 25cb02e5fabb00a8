/* Execution of one test script on the engine: a store with the spectest module and everything that
 * the script instantiates in it.
 *
 * In step mode the store is carried over into a new one at its safepoints, so all that the script
 * can name is held by the order of creation, which is the order in which a restore gives instances
 * back. */
#ifndef TESTS_SPEC_SESSION_H
#define TESTS_SPEC_SESSION_H

#include "script.h"

#include <stdbool.h>
#include <stdint.h>

/* Borrowed by every session. */
struct spec_options {
    const char *dir;     /* of the .wasm files */
    const char *scripts; /* of the .script files */
    bool step;           /* snapshot and restore at every safepoint */
    unsigned all;        /* step mode: how many stops of one call are all taken */
    bool eager;          /* translate every function at once */
    bool moving;         /* plain allocations as memories */
    bool texts;          /* show rejections whose text is another than the reference's */
    bool verbose;        /* a line per failure and more than the first ten */
    unsigned code_kib;   /* limit on code memory; 0: none */
    unsigned threads;    /* that run each script at the same time, sharing its modules */
};

/* What a session counts. */
struct spec_tally {
    uint32_t passed[SPEC_KIND_COUNT];
    uint32_t failed[SPEC_KIND_COUNT];
    uint64_t safepoints;  /* in step mode: stops */
    uint64_t restores;    /* snapshots restored */
    uint64_t externrefs;  /* snapshots that an externref prevented */
    uint64_t other_texts; /* rejections whose text differs */
};

/* Modules by file name, decoded once and shared by the sessions (threads) of one script. */
struct spec_modules;
struct spec_session;

struct spec_modules *spec_modules_create(struct iso_engine *engine,
                                         const struct spec_options *options);
void spec_modules_destroy(struct spec_modules *modules);

/* NULL when memory is short. `name` is for messages. All pointers are kept. */
struct spec_session *spec_session_create(struct iso_engine *engine, struct spec_modules *modules,
                                         const struct spec_options *options, const char *name,
                                         struct spec_tally *tally);
void spec_session_destroy(struct spec_session *session);

/* Runs one command and counts it. */
void spec_session_run(struct spec_session *session, const struct spec_command *command);

#endif
