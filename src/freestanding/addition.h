/* addition.h - sums of doubles, and doubles from other numbers, on their bits (IEEE 754, to
 * nearest, ties to even). A NaN comes out quiet, with the payload that it has; inf - inf is the
 * canonical one. */
#ifndef ISO_FREESTANDING_ADDITION_H
#define ISO_FREESTANDING_ADDITION_H

#include <stdint.h>

uint64_t iso_soft_add_f64(uint64_t x, uint64_t y);
uint64_t iso_soft_f64_from_u64(uint64_t x);
uint64_t iso_soft_f64_from_i64(int64_t x);
uint64_t iso_soft_f64_from_f32(uint32_t x);

#endif
