/*
 * isomer.h - what isomer.wasm exports: enough to load a module, call it, stop it on the way and
 * carry it off.
 *
 * Numbers are of type i32 unless they are said to be i64; pointers are places in the memory of
 * isomer.wasm, which may grow with every call (and then a host's view of it is stale). The modules
 * inside import nothing. Functions that return 0 for failure have put the reason, as text with a
 * closing zero, where isomer_error() says.
 */
#ifndef ISOMER_WASM_H
#define ISOMER_WASM_H

#include "engine/engine.h"

#define ISOMER_EXPORT(name) __attribute__((export_name(#name))) name

struct isomer_program;

/* `size` bytes, aligned to 16, for modules, arguments, snapshots; 0 when there are none. */
void *isomer_alloc(uint32_t size);
void isomer_free(void *ptr, uint32_t size);

/* A module, instantiated. The bytes stay in use until isomer_close. 0 on failure. */
struct isomer_program *isomer_open(const uint8_t *bytes, uint32_t len);
void isomer_close(struct isomer_program *program);

/* Begins a call of an exported function (its name ends with a zero byte); args: a slot of 8 bytes
 * each. Nothing runs yet. 0 on failure. */
uint32_t isomer_start(struct isomer_program *program, const char *name, const union iso_slot *args);
/* Runs it, with at most `fuel` (i64; all ones: without limit) from here: enum iso_run_state, of
 * which 2 is done, 3 trapped, 5 out of fuel (to be run again). */
uint32_t isomer_run(struct isomer_program *program, uint64_t fuel);
/* Of the call that is done: where its results are, a slot of 8 bytes each. */
const union iso_slot *isomer_results(const struct isomer_program *program);
/* Fuel used since the beginning, snapshots included (i64). */
uint64_t isomer_fuel_used(const struct isomer_program *program);

/* A snapshot of the program as it stands; where it is (valid until the next one, or isomer_close),
 * and its size. 0 on failure. */
const uint8_t *isomer_save(struct isomer_program *program);
uint32_t isomer_saved_size(const struct isomer_program *program);
/* Like isomer_open, but in the state of a snapshot, whoever wrote it. */
struct isomer_program *isomer_restore(const uint8_t *bytes, uint32_t len, const uint8_t *snapshot,
                                      uint32_t snapshot_len);

/* The reason of the last failure or trap. */
const char *isomer_error(void);

#endif
