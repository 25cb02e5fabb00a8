/*
 * simd_lanes.h - a 128-bit vector and its lanes (spec 4.3.5). Internal to src/engine.
 *
 * A vector is 16 bytes in the order of Wasm memory, everywhere: in memory, in constants, in the two
 * slots of the value stack. Lane i of N bytes is bytes [N*i, N*i + N), little-endian. On
 * little-endian hosts lanes are members of the union as they are; on big-endian hosts each is
 * swapped on its way, which only the functions in this file do.
 */
#ifndef ISO_ENGINE_SIMD_LANES_H
#define ISO_ENGINE_SIMD_LANES_H

#include "engine/numeric.h"

/* Only iso_v128_get and iso_v128_put look through a pointer to it, with memcpy: the 16 bytes may be
 * slots of the value stack of a frame. */
union iso_v128 {
    uint8_t u8[16];
    int8_t i8[16];
    uint16_t u16[8];
    int16_t i16[8];
    uint32_t u32[4];
    int32_t i32[4];
    uint64_t u64[2];
    int64_t i64[2];
    float f32[4];
    double f64[2];
};

static inline union iso_v128 iso_v128_get(const union iso_v128 *from)
{
    union iso_v128 v;
    memcpy(&v, from, sizeof v);
    return v;
}

static inline void iso_v128_put(union iso_v128 *to, const union iso_v128 *v)
{
    memcpy(to, v, sizeof *v);
}

/* Lane types by their short names. */
#define ISO_LANE_u8 uint8_t
#define ISO_LANE_i8 int8_t
#define ISO_LANE_u16 uint16_t
#define ISO_LANE_i16 int16_t
#define ISO_LANE_u32 uint32_t
#define ISO_LANE_i32 int32_t
#define ISO_LANE_u64 uint64_t
#define ISO_LANE_i64 int64_t
#define ISO_LANE_f32 float
#define ISO_LANE_f64 double

/* iso_v128_lane_u16(&v, i): lane i as a uint16_t; iso_v128_set_u16(&v, i, x). */
#define ISO_LE8(v) (v)
#define ISO_DEFINE_LANE(U, I, BITS)                                                                \
    static inline ISO_LANE_##U iso_v128_lane_##U(const union iso_v128 *v, unsigned i)              \
    {                                                                                              \
        return ISO_LE##BITS(v->U[i]);                                                              \
    }                                                                                              \
    static inline ISO_LANE_##I iso_v128_lane_##I(const union iso_v128 *v, unsigned i)              \
    {                                                                                              \
        return (ISO_LANE_##I)ISO_LE##BITS(v->U[i]);                                                \
    }                                                                                              \
    static inline void iso_v128_set_##U(union iso_v128 *v, unsigned i, ISO_LANE_##U x)             \
    {                                                                                              \
        v->U[i] = ISO_LE##BITS(x);                                                                 \
    }                                                                                              \
    static inline void iso_v128_set_##I(union iso_v128 *v, unsigned i, ISO_LANE_##I x)             \
    {                                                                                              \
        v->U[i] = ISO_LE##BITS((ISO_LANE_##U)x);                                                   \
    }
ISO_DEFINE_LANE(u8, i8, 8)
ISO_DEFINE_LANE(u16, i16, 16)
ISO_DEFINE_LANE(u32, i32, 32)
ISO_DEFINE_LANE(u64, i64, 64)
#undef ISO_DEFINE_LANE
#undef ISO_LE8

#define ISO_DEFINE_FLOAT_LANE(F, U)                                                                \
    static inline ISO_LANE_##F iso_v128_lane_##F(const union iso_v128 *v, unsigned i)              \
    {                                                                                              \
        return iso_##F##_from_bits(iso_v128_lane_##U(v, i));                                       \
    }                                                                                              \
    static inline void iso_v128_set_##F(union iso_v128 *v, unsigned i, ISO_LANE_##F x)             \
    {                                                                                              \
        iso_v128_set_##U(v, i, iso_##F##_bits(x));                                                 \
    }
ISO_DEFINE_FLOAT_LANE(f32, u32)
ISO_DEFINE_FLOAT_LANE(f64, u64)
#undef ISO_DEFINE_FLOAT_LANE

/*
 * Shapes of functions. A (and B) name the lane type of the operands, R that of the result, N counts
 * the result's lanes. Within the expression, x and y are lanes i of a and b, and va and vb the
 * operands as a whole. Results are gathered apart and stored last: out may be an operand.
 */
#define ISO_V128_UNARY(NAME, R, N, A, EXPR)                                                        \
    static inline void iso_v128_##NAME(union iso_v128 *out, const union iso_v128 *a)               \
    {                                                                                              \
        const union iso_v128 va = iso_v128_get(a);                                                 \
        union iso_v128 r;                                                                          \
        for (unsigned i = 0; i < (N); i++) {                                                       \
            const ISO_LANE_##A x = iso_v128_lane_##A(&va, i);                                      \
            iso_v128_set_##R(&r, i, (ISO_LANE_##R)(EXPR));                                         \
        }                                                                                          \
        iso_v128_put(out, &r);                                                                     \
    }

#define ISO_V128_BINARY(NAME, R, N, A, EXPR)                                                       \
    static inline void iso_v128_##NAME(union iso_v128 *out, const union iso_v128 *a,               \
                                       const union iso_v128 *b)                                    \
    {                                                                                              \
        const union iso_v128 va = iso_v128_get(a), vb = iso_v128_get(b);                           \
        union iso_v128 r;                                                                          \
        for (unsigned i = 0; i < (N); i++) {                                                       \
            const ISO_LANE_##A x = iso_v128_lane_##A(&va, i), y = iso_v128_lane_##A(&vb, i);       \
            iso_v128_set_##R(&r, i, (ISO_LANE_##R)(EXPR));                                         \
        }                                                                                          \
        iso_v128_put(out, &r);                                                                     \
    }

/* The same where operands and result have lanes of different widths: the expression uses va, vb and
 * i, not x and y. */
#define ISO_V128_UNARY_MIXED(NAME, R, N, EXPR)                                                     \
    static inline void iso_v128_##NAME(union iso_v128 *out, const union iso_v128 *a)               \
    {                                                                                              \
        const union iso_v128 va = iso_v128_get(a);                                                 \
        union iso_v128 r;                                                                          \
        for (unsigned i = 0; i < (N); i++) {                                                       \
            iso_v128_set_##R(&r, i, (ISO_LANE_##R)(EXPR));                                         \
        }                                                                                          \
        iso_v128_put(out, &r);                                                                     \
    }

#define ISO_V128_BINARY_MIXED(NAME, R, N, EXPR)                                                    \
    static inline void iso_v128_##NAME(union iso_v128 *out, const union iso_v128 *a,               \
                                       const union iso_v128 *b)                                    \
    {                                                                                              \
        const union iso_v128 va = iso_v128_get(a), vb = iso_v128_get(b);                           \
        union iso_v128 r;                                                                          \
        for (unsigned i = 0; i < (N); i++) {                                                       \
            iso_v128_set_##R(&r, i, (ISO_LANE_##R)(EXPR));                                         \
        }                                                                                          \
        iso_v128_put(out, &r);                                                                     \
    }

/* count is below the width of a lane. */
#define ISO_V128_SHIFT(NAME, R, N, WIDTH, EXPR)                                                    \
    static inline void iso_v128_##NAME(union iso_v128 *out, const union iso_v128 *a,               \
                                       uint32_t wanted)                                            \
    {                                                                                              \
        const union iso_v128 va = iso_v128_get(a);                                                 \
        const uint32_t count = wanted & ((WIDTH)-1u);                                              \
        union iso_v128 r;                                                                          \
        for (unsigned i = 0; i < (N); i++) {                                                       \
            const ISO_LANE_##R x = iso_v128_lane_##R(&va, i);                                      \
            iso_v128_set_##R(&r, i, (ISO_LANE_##R)(EXPR));                                         \
        }                                                                                          \
        iso_v128_put(out, &r);                                                                     \
    }

#endif
