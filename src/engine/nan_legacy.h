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
#include <string.h>

/* What an operation of the host gave, as WebAssembly has it. */
static inline float iso_f32_result(float x)
{
    const uint32_t canonical = 0x7fc00000u;
    if (__builtin_expect(x != x, 0)) {
        memcpy(&x, &canonical, sizeof x);
    }
    return x;
}

static inline double iso_f64_result(double x)
{
    const uint64_t canonical = 0x7ff8000000000000u;
    if (__builtin_expect(x != x, 0)) {
        memcpy(&x, &canonical, sizeof x);
    }
    return x;
}

#endif
