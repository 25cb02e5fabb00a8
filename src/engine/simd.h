/*
 * simd.h - the vector instructions of WebAssembly 2.0 (spec 4.3.5, 4.4.3, 4.4.7) as pure functions,
 * one for each entry of simd.def, whose comment says how they are called. Internal to src/engine.
 *
 * They are loops over lanes, which compilers turn into vector instructions where the processor has
 * them. Floating-point arithmetic is that of the host in its default rounding mode, lane by lane
 * and without contraction; NaNs are as free as the specification leaves them. 32-bit x86 must be
 * compiled for SSE2.
 */
#ifndef ISO_ENGINE_SIMD_H
#define ISO_ENGINE_SIMD_H

#include "engine/simd_lanes.h"

/* ---- Loads and stores (4.4.7) -------------------------------------------------------------- */

static inline void iso_v128_v128_load(union iso_v128 *out, const uint8_t *from)
{
    memcpy(out, from, 16);
}

static inline void iso_v128_v128_store(const union iso_v128 *a, uint8_t *to)
{
    memcpy(to, a, 16);
}

/* v128.load8x8_s and so on: N lanes of type A in memory, each widened to R. */
#define ISO_V128_LOAD_EXTEND(NAME, R, N, A)                                                        \
    static inline void iso_v128_##NAME(union iso_v128 *out, const uint8_t *from)                   \
    {                                                                                              \
        union iso_v128 v, r;                                                                       \
        memcpy(&v, from, 8);                                                                       \
        for (unsigned i = 0; i < (N); i++) {                                                       \
            iso_v128_set_##R(&r, i, iso_v128_lane_##A(&v, i));                                     \
        }                                                                                          \
        iso_v128_put(out, &r);                                                                     \
    }
ISO_V128_LOAD_EXTEND(v128_load8x8_s, i16, 8, i8)
ISO_V128_LOAD_EXTEND(v128_load8x8_u, u16, 8, u8)
ISO_V128_LOAD_EXTEND(v128_load16x4_s, i32, 4, i16)
ISO_V128_LOAD_EXTEND(v128_load16x4_u, u32, 4, u16)
ISO_V128_LOAD_EXTEND(v128_load32x2_s, i64, 2, i32)
ISO_V128_LOAD_EXTEND(v128_load32x2_u, u64, 2, u32)
#undef ISO_V128_LOAD_EXTEND

/* One lane in memory: repeated, followed by zeros, put into a vector, or taken from one. Both sides
 * have the same order of bytes, so that nothing is swapped. */
#define ISO_V128_LOAD_STORE_LANE(BITS, U, N)                                                       \
    static inline void iso_v128_v128_load##BITS##_splat(union iso_v128 *out, const uint8_t *from)  \
    {                                                                                              \
        ISO_LANE_##U x;                                                                            \
        union iso_v128 r;                                                                          \
        memcpy(&x, from, sizeof x);                                                                \
        for (unsigned i = 0; i < (N); i++) {                                                       \
            r.U[i] = x;                                                                            \
        }                                                                                          \
        iso_v128_put(out, &r);                                                                     \
    }                                                                                              \
    static inline void iso_v128_v128_load##BITS##_lane(                                            \
        union iso_v128 *out, const union iso_v128 *a, uint32_t lane, const uint8_t *from)          \
    {                                                                                              \
        union iso_v128 r = iso_v128_get(a);                                                        \
        memcpy(&r.U[lane], from, sizeof r.U[lane]);                                                \
        iso_v128_put(out, &r);                                                                     \
    }                                                                                              \
    static inline void iso_v128_v128_store##BITS##_lane(const union iso_v128 *a, uint32_t lane,    \
                                                        uint8_t *to)                               \
    {                                                                                              \
        const union iso_v128 va = iso_v128_get(a);                                                 \
        memcpy(to, &va.U[lane], sizeof va.U[lane]);                                                \
    }
ISO_V128_LOAD_STORE_LANE(8, u8, 16)
ISO_V128_LOAD_STORE_LANE(16, u16, 8)
ISO_V128_LOAD_STORE_LANE(32, u32, 4)
ISO_V128_LOAD_STORE_LANE(64, u64, 2)
#undef ISO_V128_LOAD_STORE_LANE

static inline void iso_v128_v128_load32_zero(union iso_v128 *out, const uint8_t *from)
{
    union iso_v128 r = {.u64 = {0, 0}};
    memcpy(&r, from, 4);
    iso_v128_put(out, &r);
}

static inline void iso_v128_v128_load64_zero(union iso_v128 *out, const uint8_t *from)
{
    union iso_v128 r = {.u64 = {0, 0}};
    memcpy(&r, from, 8);
    iso_v128_put(out, &r);
}

/* ---- Lanes --------------------------------------------------------------------------------- */

static inline void iso_v128_i8x16_shuffle(union iso_v128 *out, const union iso_v128 *a,
                                          const union iso_v128 *b, const uint8_t lanes[16])
{
    uint8_t both[32];
    union iso_v128 r;
    memcpy(both, a, 16);
    memcpy(both + 16, b, 16);
    for (unsigned i = 0; i < 16; i++) {
        r.u8[i] = both[lanes[i] & 31u];
    }
    iso_v128_put(out, &r);
}

ISO_V128_BINARY(i8x16_swizzle, u8, 16, u8, ((void)x, y < 16u ? va.u8[y & 15u] : 0u))

/* BITS is the type in which the scalar comes and goes; floats are passed as their bits, so that a
 * NaN passes unchanged on every host. */
#define ISO_V128_SPLAT_REPLACE(SHAPE, U, N, BITS)                                                  \
    static inline void iso_v128_##SHAPE##_splat(union iso_v128 *out, BITS value)                   \
    {                                                                                              \
        union iso_v128 r;                                                                          \
        for (unsigned i = 0; i < (N); i++) {                                                       \
            iso_v128_set_##U(&r, i, (ISO_LANE_##U)value);                                          \
        }                                                                                          \
        iso_v128_put(out, &r);                                                                     \
    }                                                                                              \
    static inline void iso_v128_##SHAPE##_replace_lane(                                            \
        union iso_v128 *out, const union iso_v128 *a, uint32_t lane, BITS value)                   \
    {                                                                                              \
        union iso_v128 r = iso_v128_get(a);                                                        \
        iso_v128_set_##U(&r, lane, (ISO_LANE_##U)value);                                           \
        iso_v128_put(out, &r);                                                                     \
    }
ISO_V128_SPLAT_REPLACE(i8x16, u8, 16, uint32_t)
ISO_V128_SPLAT_REPLACE(i16x8, u16, 8, uint32_t)
ISO_V128_SPLAT_REPLACE(i32x4, u32, 4, uint32_t)
ISO_V128_SPLAT_REPLACE(i64x2, u64, 2, uint64_t)
ISO_V128_SPLAT_REPLACE(f32x4, u32, 4, uint32_t)
ISO_V128_SPLAT_REPLACE(f64x2, u64, 2, uint64_t)
#undef ISO_V128_SPLAT_REPLACE

#define ISO_V128_EXTRACT(NAME, A, BITS, VIA)                                                       \
    static inline BITS iso_v128_##NAME(const union iso_v128 *a, uint32_t lane)                     \
    {                                                                                              \
        const union iso_v128 va = iso_v128_get(a);                                                 \
        return (BITS)(VIA)iso_v128_lane_##A(&va, lane);                                            \
    }
ISO_V128_EXTRACT(i8x16_extract_lane_s, i8, uint32_t, int32_t)
ISO_V128_EXTRACT(i8x16_extract_lane_u, u8, uint32_t, uint32_t)
ISO_V128_EXTRACT(i16x8_extract_lane_s, i16, uint32_t, int32_t)
ISO_V128_EXTRACT(i16x8_extract_lane_u, u16, uint32_t, uint32_t)
ISO_V128_EXTRACT(i32x4_extract_lane, u32, uint32_t, uint32_t)
ISO_V128_EXTRACT(i64x2_extract_lane, u64, uint64_t, uint64_t)
ISO_V128_EXTRACT(f32x4_extract_lane, u32, uint32_t, uint32_t)
ISO_V128_EXTRACT(f64x2_extract_lane, u64, uint64_t, uint64_t)
#undef ISO_V128_EXTRACT

/* ---- Bits ---------------------------------------------------------------------------------- */

ISO_V128_UNARY(v128_not, u64, 2, u64, ~x)
ISO_V128_BINARY(v128_and, u64, 2, u64, x &y)
ISO_V128_BINARY(v128_andnot, u64, 2, u64, x & ~y)
ISO_V128_BINARY(v128_or, u64, 2, u64, x | y)
ISO_V128_BINARY(v128_xor, u64, 2, u64, x ^ y)

static inline void iso_v128_v128_bitselect(union iso_v128 *out, const union iso_v128 *a,
                                           const union iso_v128 *b, const union iso_v128 *c)
{
    const union iso_v128 va = iso_v128_get(a), vb = iso_v128_get(b), vc = iso_v128_get(c);
    union iso_v128 r;
    for (unsigned i = 0; i < 2; i++) {
        r.u64[i] = (va.u64[i] & vc.u64[i]) | (vb.u64[i] & ~vc.u64[i]);
    }
    iso_v128_put(out, &r);
}

static inline uint32_t iso_v128_v128_any_true(const union iso_v128 *a)
{
    const union iso_v128 va = iso_v128_get(a);
    return (va.u64[0] | va.u64[1]) != 0;
}

#define ISO_V128_TEST(SHAPE, U, N, BITS)                                                           \
    static inline uint32_t iso_v128_##SHAPE##_all_true(const union iso_v128 *a)                    \
    {                                                                                              \
        const union iso_v128 va = iso_v128_get(a);                                                 \
        uint32_t all = 1;                                                                          \
        for (unsigned i = 0; i < (N); i++) {                                                       \
            all &= va.U[i] != 0 ? 1u : 0u;                                                         \
        }                                                                                          \
        return all;                                                                                \
    }                                                                                              \
    static inline uint32_t iso_v128_##SHAPE##_bitmask(const union iso_v128 *a)                     \
    {                                                                                              \
        const union iso_v128 va = iso_v128_get(a);                                                 \
        uint32_t mask = 0;                                                                         \
        for (unsigned i = 0; i < (N); i++) {                                                       \
            mask |= (uint32_t)(iso_v128_lane_##U(&va, i) >> ((BITS)-1u)) << i;                     \
        }                                                                                          \
        return mask;                                                                               \
    }
ISO_V128_TEST(i8x16, u8, 16, 8)
ISO_V128_TEST(i16x8, u16, 8, 16)
ISO_V128_TEST(i32x4, u32, 4, 32)
ISO_V128_TEST(i64x2, u64, 2, 64)
#undef ISO_V128_TEST

/* ---- Comparisons: all bits of a lane set, or none ------------------------------------------ */

#define ISO_V128_COMPARE_SIGNED(SHAPE, I, U, N)                                                    \
    ISO_V128_BINARY(SHAPE##_eq, U, N, U, x == y ? -1 : 0)                                          \
    ISO_V128_BINARY(SHAPE##_ne, U, N, U, x != y ? -1 : 0)                                          \
    ISO_V128_BINARY(SHAPE##_lt_s, U, N, I, x < y ? -1 : 0)                                         \
    ISO_V128_BINARY(SHAPE##_gt_s, U, N, I, x > y ? -1 : 0)                                         \
    ISO_V128_BINARY(SHAPE##_le_s, U, N, I, x <= y ? -1 : 0)                                        \
    ISO_V128_BINARY(SHAPE##_ge_s, U, N, I, x >= y ? -1 : 0)
#define ISO_V128_COMPARE_UNSIGNED(SHAPE, U, N)                                                     \
    ISO_V128_BINARY(SHAPE##_lt_u, U, N, U, x < y ? -1 : 0)                                         \
    ISO_V128_BINARY(SHAPE##_gt_u, U, N, U, x > y ? -1 : 0)                                         \
    ISO_V128_BINARY(SHAPE##_le_u, U, N, U, x <= y ? -1 : 0)                                        \
    ISO_V128_BINARY(SHAPE##_ge_u, U, N, U, x >= y ? -1 : 0)
#define ISO_V128_COMPARE_FLOAT(SHAPE, F, U, N)                                                     \
    ISO_V128_BINARY(SHAPE##_eq, U, N, F, x == y ? -1 : 0)                                          \
    ISO_V128_BINARY(SHAPE##_ne, U, N, F, x != y ? -1 : 0)                                          \
    ISO_V128_BINARY(SHAPE##_lt, U, N, F, x < y ? -1 : 0)                                           \
    ISO_V128_BINARY(SHAPE##_gt, U, N, F, x > y ? -1 : 0)                                           \
    ISO_V128_BINARY(SHAPE##_le, U, N, F, x <= y ? -1 : 0)                                          \
    ISO_V128_BINARY(SHAPE##_ge, U, N, F, x >= y ? -1 : 0)
ISO_V128_COMPARE_SIGNED(i8x16, i8, u8, 16)
ISO_V128_COMPARE_UNSIGNED(i8x16, u8, 16)
ISO_V128_COMPARE_SIGNED(i16x8, i16, u16, 8)
ISO_V128_COMPARE_UNSIGNED(i16x8, u16, 8)
ISO_V128_COMPARE_SIGNED(i32x4, i32, u32, 4)
ISO_V128_COMPARE_UNSIGNED(i32x4, u32, 4)
ISO_V128_COMPARE_SIGNED(i64x2, i64, u64, 2)
ISO_V128_COMPARE_FLOAT(f32x4, f32, u32, 4)
ISO_V128_COMPARE_FLOAT(f64x2, f64, u64, 2)
#undef ISO_V128_COMPARE_SIGNED
#undef ISO_V128_COMPARE_UNSIGNED
#undef ISO_V128_COMPARE_FLOAT

/* ---- Integer arithmetic -------------------------------------------------------------------- */

/* W is unsigned and at least as wide as int, so that nothing is promoted to a signed type. */
#define ISO_V128_INTEGER(SHAPE, I, U, N, W, BITS)                                                  \
    ISO_V128_UNARY(SHAPE##_abs, U, N, I, x < 0 ? (W)0 - (W)x : (W)x)                               \
    ISO_V128_UNARY(SHAPE##_neg, U, N, U, (W)0 - x)                                                 \
    ISO_V128_BINARY(SHAPE##_add, U, N, U, (W)x + y)                                                \
    ISO_V128_BINARY(SHAPE##_sub, U, N, U, (W)x - y)                                                \
    ISO_V128_SHIFT(SHAPE##_shl, U, N, BITS, (W)x << count)                                         \
    ISO_V128_SHIFT(SHAPE##_shr_s, I, N, BITS, x >> count)                                          \
    ISO_V128_SHIFT(SHAPE##_shr_u, U, N, BITS, x >> count)
ISO_V128_INTEGER(i8x16, i8, u8, 16, uint32_t, 8)
ISO_V128_INTEGER(i16x8, i16, u16, 8, uint32_t, 16)
ISO_V128_INTEGER(i32x4, i32, u32, 4, uint32_t, 32)
ISO_V128_INTEGER(i64x2, i64, u64, 2, uint64_t, 64)
#undef ISO_V128_INTEGER

ISO_V128_BINARY(i16x8_mul, u16, 8, u16, (uint32_t)x *y)
ISO_V128_BINARY(i32x4_mul, u32, 4, u32, x *y)
ISO_V128_BINARY(i64x2_mul, u64, 2, u64, x *y)

#define ISO_V128_MIN_MAX(SHAPE, I, U, N)                                                           \
    ISO_V128_BINARY(SHAPE##_min_s, I, N, I, x < y ? x : y)                                         \
    ISO_V128_BINARY(SHAPE##_min_u, U, N, U, x < y ? x : y)                                         \
    ISO_V128_BINARY(SHAPE##_max_s, I, N, I, x > y ? x : y)                                         \
    ISO_V128_BINARY(SHAPE##_max_u, U, N, U, x > y ? x : y)
ISO_V128_MIN_MAX(i8x16, i8, u8, 16)
ISO_V128_MIN_MAX(i16x8, i16, u16, 8)
ISO_V128_MIN_MAX(i32x4, i32, u32, 4)
#undef ISO_V128_MIN_MAX

/* Saturation of a value that an int32_t holds. */
static inline int32_t iso_clamp(int32_t x, int32_t low, int32_t high)
{
    return x < low ? low : x > high ? high : x;
}

#define ISO_V128_SATURATING(SHAPE, I, U, N, LOW, HIGH, UHIGH)                                      \
    ISO_V128_BINARY(SHAPE##_add_sat_s, I, N, I, iso_clamp((int32_t)x + y, LOW, HIGH))              \
    ISO_V128_BINARY(SHAPE##_add_sat_u, U, N, U, iso_clamp((int32_t)x + y, 0, UHIGH))               \
    ISO_V128_BINARY(SHAPE##_sub_sat_s, I, N, I, iso_clamp((int32_t)x - y, LOW, HIGH))              \
    ISO_V128_BINARY(SHAPE##_sub_sat_u, U, N, U, iso_clamp((int32_t)x - y, 0, UHIGH))               \
    ISO_V128_BINARY(SHAPE##_avgr_u, U, N, U, ((uint32_t)x + y + 1u) >> 1)
ISO_V128_SATURATING(i8x16, i8, u8, 16, -128, 127, 255)
ISO_V128_SATURATING(i16x8, i16, u16, 8, -32768, 32767, 65535)
#undef ISO_V128_SATURATING

/* -1 times -1 is the one product that does not fit. The sum cannot overflow. */
ISO_V128_BINARY(i16x8_q15mulr_sat_s, i16, 8, i16,
                iso_clamp(((int32_t)x * y + 0x4000) >> 15, -32768, 32767))

static inline uint32_t iso_popcnt8(uint32_t x)
{
    x = x - ((x >> 1) & 0x55u);
    x = (x & 0x33u) + ((x >> 2) & 0x33u);
    return (x + (x >> 4)) & 0x0fu;
}

ISO_V128_UNARY(i8x16_popcnt, u8, 16, u8, iso_popcnt8(x))

/* ---- Widening and narrowing ---------------------------------------------------------------- */

/* The lower lanes of the result come from a, the upper from b. */
#define ISO_V128_NARROW(NAME, R, N, A, LOW, HIGH)                                                  \
    ISO_V128_BINARY_MIXED(NAME, R, N,                                                              \
                          iso_clamp(i < (N) / 2 ? iso_v128_lane_##A(&va, i % ((N) / 2))            \
                                                : iso_v128_lane_##A(&vb, i % ((N) / 2)),           \
                                    LOW, HIGH))
ISO_V128_NARROW(i8x16_narrow_i16x8_s, i8, 16, i16, -128, 127)
ISO_V128_NARROW(i8x16_narrow_i16x8_u, u8, 16, i16, 0, 255)
ISO_V128_NARROW(i16x8_narrow_i32x4_s, i16, 8, i32, -32768, 32767)
ISO_V128_NARROW(i16x8_narrow_i32x4_u, u16, 8, i32, 0, 65535)
#undef ISO_V128_NARROW

/* N lanes of the wide types WI and WU from the narrow types I and U; P is the unsigned type in
 * which products and sums are made, at least as wide as int. */
#define ISO_V128_WIDEN(WIDE, NARROW, WI, WU, I, U, N, P)                                           \
    ISO_V128_UNARY_MIXED(WIDE##_extend_low_##NARROW##_s, WI, N, iso_v128_lane_##I(&va, i))         \
    ISO_V128_UNARY_MIXED(WIDE##_extend_low_##NARROW##_u, WU, N, iso_v128_lane_##U(&va, i))         \
    ISO_V128_UNARY_MIXED(WIDE##_extend_high_##NARROW##_s, WI, N, iso_v128_lane_##I(&va, i + (N)))  \
    ISO_V128_UNARY_MIXED(WIDE##_extend_high_##NARROW##_u, WU, N, iso_v128_lane_##U(&va, i + (N)))  \
    ISO_V128_BINARY_MIXED(WIDE##_extmul_low_##NARROW##_s, WU, N,                                   \
                          (P)iso_v128_lane_##I(&va, i) * (P)iso_v128_lane_##I(&vb, i))             \
    ISO_V128_BINARY_MIXED(WIDE##_extmul_low_##NARROW##_u, WU, N,                                   \
                          (P)iso_v128_lane_##U(&va, i) * (P)iso_v128_lane_##U(&vb, i))             \
    ISO_V128_BINARY_MIXED(WIDE##_extmul_high_##NARROW##_s, WU, N,                                  \
                          (P)iso_v128_lane_##I(&va, i + (N)) * (P)iso_v128_lane_##I(&vb, i + (N))) \
    ISO_V128_BINARY_MIXED(WIDE##_extmul_high_##NARROW##_u, WU, N,                                  \
                          (P)iso_v128_lane_##U(&va, i + (N)) * (P)iso_v128_lane_##U(&vb, i + (N)))
ISO_V128_WIDEN(i16x8, i8x16, i16, u16, i8, u8, 8, uint32_t)
ISO_V128_WIDEN(i32x4, i16x8, i32, u32, i16, u16, 4, uint32_t)
ISO_V128_WIDEN(i64x2, i32x4, i64, u64, i32, u32, 2, uint64_t)
#undef ISO_V128_WIDEN

#define ISO_V128_EXTADD(NAME, R, N, A)                                                             \
    ISO_V128_UNARY_MIXED(NAME, R, N,                                                               \
                         (uint32_t)iso_v128_lane_##A(&va, 2 * i) +                                 \
                             (uint32_t)iso_v128_lane_##A(&va, 2 * i + 1))
ISO_V128_EXTADD(i16x8_extadd_pairwise_i8x16_s, u16, 8, i8)
ISO_V128_EXTADD(i16x8_extadd_pairwise_i8x16_u, u16, 8, u8)
ISO_V128_EXTADD(i32x4_extadd_pairwise_i16x8_s, u32, 4, i16)
ISO_V128_EXTADD(i32x4_extadd_pairwise_i16x8_u, u32, 4, u16)
#undef ISO_V128_EXTADD

/* Modulo 2^32: four times -32768 is the one case that wraps. */
ISO_V128_BINARY_MIXED(i32x4_dot_i16x8_s, u32, 4,
                      (uint32_t)iso_v128_lane_i16(&va, 2 * i) *
                              (uint32_t)iso_v128_lane_i16(&vb, 2 * i) +
                          (uint32_t)iso_v128_lane_i16(&va, 2 * i + 1) *
                              (uint32_t)iso_v128_lane_i16(&vb, 2 * i + 1))

/* ---- Floating point ------------------------------------------------------------------------ */

/* abs, neg, pmin and pmax move bits and never touch the payload of a NaN; pmin is y < x ? y : x. */
#define ISO_V128_FLOAT(SHAPE, F, U, N, SIGN)                                                       \
    ISO_V128_UNARY(SHAPE##_abs, U, N, U, x & ~(SIGN))                                              \
    ISO_V128_UNARY(SHAPE##_neg, U, N, U, x ^ (SIGN))                                               \
    ISO_V128_UNARY(SHAPE##_sqrt, F, N, F, iso_##F##_sqrt(x))                                       \
    ISO_V128_UNARY(SHAPE##_ceil, F, N, F, iso_##F##_ceil(x))                                       \
    ISO_V128_UNARY(SHAPE##_floor, F, N, F, iso_##F##_floor(x))                                     \
    ISO_V128_UNARY(SHAPE##_trunc, F, N, F, iso_##F##_trunc(x))                                     \
    ISO_V128_UNARY(SHAPE##_nearest, F, N, F, iso_##F##_nearest(x))                                 \
    ISO_V128_BINARY(SHAPE##_add, F, N, F, iso_##F##_result(x + y))                                 \
    ISO_V128_BINARY(SHAPE##_sub, F, N, F, iso_##F##_result(x - y))                                 \
    ISO_V128_BINARY(SHAPE##_mul, F, N, F, iso_##F##_result(x *y))                                  \
    ISO_V128_BINARY(SHAPE##_div, F, N, F, iso_##F##_result(x / y))                                 \
    ISO_V128_BINARY(SHAPE##_min, F, N, F, iso_##F##_min(x, y))                                     \
    ISO_V128_BINARY(SHAPE##_max, F, N, F, iso_##F##_max(x, y))                                     \
    ISO_V128_BINARY(SHAPE##_pmin, U, N, U,                                                         \
                    iso_##F##_from_bits(y) < iso_##F##_from_bits(x) ? y : x)                       \
    ISO_V128_BINARY(SHAPE##_pmax, U, N, U, iso_##F##_from_bits(x) < iso_##F##_from_bits(y) ? y : x)
ISO_V128_FLOAT(f32x4, f32, u32, 4, 0x80000000u)
ISO_V128_FLOAT(f64x2, f64, u64, 2, UINT64_C(0x8000000000000000))
#undef ISO_V128_FLOAT

/* ---- Conversions --------------------------------------------------------------------------- */

ISO_V128_UNARY(i32x4_trunc_sat_f32x4_s, u32, 4, f32, iso_trunc_sat_i32_f32_s(x))
ISO_V128_UNARY(i32x4_trunc_sat_f32x4_u, u32, 4, f32, iso_trunc_sat_i32_f32_u(x))
ISO_V128_UNARY(f32x4_convert_i32x4_s, f32, 4, i32, x)
ISO_V128_UNARY(f32x4_convert_i32x4_u, f32, 4, u32, x)
ISO_V128_UNARY_MIXED(f64x2_convert_low_i32x4_s, f64, 2, iso_v128_lane_i32(&va, i))
ISO_V128_UNARY_MIXED(f64x2_convert_low_i32x4_u, f64, 2, iso_v128_lane_u32(&va, i))
ISO_V128_UNARY_MIXED(f64x2_promote_low_f32x4, f64, 2, iso_f64_promote(iso_v128_lane_f32(&va, i)))

/* Two lanes of f64 into the lower half; the upper half is zero. */
#define ISO_V128_HALVE(NAME, U, EXPR)                                                              \
    static inline void iso_v128_##NAME(union iso_v128 *out, const union iso_v128 *a)               \
    {                                                                                              \
        const union iso_v128 va = iso_v128_get(a);                                                 \
        union iso_v128 r = {.u64 = {0, 0}};                                                        \
        for (unsigned i = 0; i < 2; i++) {                                                         \
            const double x = iso_v128_lane_f64(&va, i);                                            \
            iso_v128_set_##U(&r, i, EXPR);                                                         \
        }                                                                                          \
        iso_v128_put(out, &r);                                                                     \
    }
ISO_V128_HALVE(i32x4_trunc_sat_f64x2_s_zero, u32, iso_trunc_sat_i32_f64_s(x))
ISO_V128_HALVE(i32x4_trunc_sat_f64x2_u_zero, u32, iso_trunc_sat_i32_f64_u(x))
ISO_V128_HALVE(f32x4_demote_f64x2_zero, f32, iso_f32_demote(x))
#undef ISO_V128_HALVE

#endif
