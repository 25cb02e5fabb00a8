/*
 * kernel.h - what every bench kernel shares.
 *
 * A kernel is one C file with one export, `run`. It needs no C library, no
 * import and no system call, so that the same file becomes a native program
 * and a bare WebAssembly module. All state lives in static arrays of less than
 * 100 KiB in total, and `run` initialises whatever it reads: two calls with the
 * same `n` give the same checksum in the same instance.
 */
#ifndef BENCH_KERNEL_H
#define BENCH_KERNEL_H

#include <stdint.h>

/* Does the kernel's work `n` times (or to size `n`) and returns a checksum that
 * depends on all of it. The checksum is the same on every processor. */
uint64_t run(uint32_t n);

#define KERNEL_NOINLINE __attribute__((noinline))

/* Folds one value into a checksum (any order change shows). */
static inline uint64_t checksum_add(uint64_t sum, uint64_t value)
{
    sum ^= value;
    sum *= UINT64_C(0x9e3779b97f4a7c15);
    return sum ^ (sum >> 29);
}

/* The bit pattern of a double, for checksums: equal results, not close ones. */
static inline uint64_t double_bits(double value)
{
    uint64_t bits;

    __builtin_memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* A small generator for input data: xorshift, never zero. */
static inline uint32_t random_next(uint32_t *state)
{
    uint32_t x = *state;

    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    *state = x;
    return x;
}

#endif
