/*
 * arm_doubles.c - what the compiler calls to add doubles on an ARM processor without them (Run-time
 * ABI for the Arm Architecture, 4.1). libgcc's are not right: where the exponents are 33 apart and
 * the difference has a lower exponent than the larger operand, gcc 12's forgets the bit that
 * decides the rounding. All functions of libgcc's object with the addition stand here, so that none
 * of it is linked.
 */
#include "freestanding/addition.h"

#define FUNCTION(type, name, parameters, value)                                                    \
    type name parameters;                                                                          \
    type name parameters                                                                           \
    {                                                                                              \
        return value;                                                                              \
    }
#define SIGN 0x8000000000000000u
FUNCTION(uint64_t, __aeabi_dadd, (uint64_t x, uint64_t y), iso_soft_add_f64(x, y))
FUNCTION(uint64_t, __aeabi_dsub, (uint64_t x, uint64_t y), iso_soft_add_f64(x, y ^ SIGN))
FUNCTION(uint64_t, __aeabi_drsub, (uint64_t x, uint64_t y), iso_soft_add_f64(x ^ SIGN, y))
FUNCTION(uint64_t, __aeabi_ui2d, (uint32_t x), iso_soft_f64_from_u64(x))
FUNCTION(uint64_t, __aeabi_i2d, (int32_t x), iso_soft_f64_from_i64(x))
FUNCTION(uint64_t, __aeabi_ul2d, (uint64_t x), iso_soft_f64_from_u64(x))
FUNCTION(uint64_t, __aeabi_l2d, (int64_t x), iso_soft_f64_from_i64(x))
FUNCTION(uint64_t, __aeabi_f2d, (uint32_t x), iso_soft_f64_from_f32(x))
