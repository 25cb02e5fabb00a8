/* Makes valid modules from fuzz bytes: every decision is taken from the bytes, so that a fuzzer
 * that changes them changes the program.
 *
 * A generated module imports nothing, always ends (it counts down a global at each loop head and
 * function entry, and traps at zero), and computes the same in every correct engine: results of
 * floating-point operations that may be NaN are made canonical by the program itself. It uses all
 * value types and nearly all instructions of WebAssembly 2.0. Exports: t0, t1, ... of type [] ->
 * [i64], to be called in this order, then `state` of the same type, which digests memory and
 * globals; the memory is exported as `memory`. */
#ifndef FUZZ_GENERATE_H
#define FUZZ_GENERATE_H

#include "base/base.h"

/* The caller releases the module. */
struct iso_buf fuzz_generate(const uint8_t *data, size_t len);

#endif
