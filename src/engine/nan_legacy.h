/*
 * nan_legacy.h - NaNs of arithmetic (spec 4.3.3) on hosts in whose NaNs the highest bit of the
 * fraction has the opposite meaning: set in a signalling one. MIPS processors were so until release
 * 5, and their C libraries still are. Chosen by numeric.h.
 *
 * Bits are moved through registers for floats as they are; only arithmetic looks at that bit. So
 * a NaN stays what the program made it until something is computed with it, and what is computed is
 * replaced by the canonical NaN, which WebAssembly allows whatever the operands were.
 */
#ifndef ISO_ENGINE_NAN_H
#define ISO_ENGINE_NAN_H

#include <stdint.h>

/* Constants to the compiler: made of bits in place, a result would be taken through other
 * registers. */
static const union {
    uint32_t bits;
    float value;
} iso_f32_canonical = {.bits = 0x7fc00000u};
static const union {
    uint64_t bits;
    double value;
} iso_f64_canonical = {.bits = 0x7ff8000000000000u};

/* What an operation of the host gave, as WebAssembly has it. */
static inline float iso_f32_result(float x)
{
    return __builtin_expect(x == x, 1) ? x : iso_f32_canonical.value;
}

static inline double iso_f64_result(double x)
{
    return __builtin_expect(x == x, 1) ? x : iso_f64_canonical.value;
}

/* Instructions for these may count as arithmetic, and lose a NaN. */
static inline float iso_f32_abs(float x)
{
    return iso_f32_from_bits(iso_f32_bits(x) & 0x7fffffffu);
}

static inline float iso_f32_neg(float x)
{
    return iso_f32_from_bits(iso_f32_bits(x) ^ 0x80000000u);
}

static inline float iso_f32_copysign(float x, float y)
{
    return iso_f32_from_bits((iso_f32_bits(x) & 0x7fffffffu) | (iso_f32_bits(y) & 0x80000000u));
}

static inline double iso_f64_abs(double x)
{
    return iso_f64_from_bits(iso_f64_bits(x) & 0x7fffffffffffffffu);
}

static inline double iso_f64_neg(double x)
{
    return iso_f64_from_bits(iso_f64_bits(x) ^ 0x8000000000000000u);
}

static inline double iso_f64_copysign(double x, double y)
{
    return iso_f64_from_bits((iso_f64_bits(x) & 0x7fffffffffffffffu) |
                             (iso_f64_bits(y) & 0x8000000000000000u));
}

#endif
