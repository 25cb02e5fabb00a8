/* interp_simd.c - vector instructions on slots: operands as translate_simd.c lays them out. */
#include "engine/interp_simd.h"

#include "engine/interp.h"
#include "engine/simd.h"

static union iso_v128 *vec(union iso_slot *slot)
{
    return (union iso_v128 *)(void *)slot;
}

#define FUNC(name) void iso_vec_##name(const struct iso_cell *pc, union iso_slot *fp)
#define FUNC_FROM(name)                                                                            \
    void iso_vec_##name(const struct iso_cell *pc, union iso_slot *fp, const uint8_t *p)
#define FUNC_TO(name) void iso_vec_##name(const struct iso_cell *pc, union iso_slot *fp, uint8_t *p)
#define A vec(fp + pc->a)
#define B vec(fp + pc->b)
#define C vec(fp + pc->c)
#define H0 vec(fp + pc->h[0])
#define H1 vec(fp + pc->h[1])

#define SIMD_LOAD(name, code, bytes)                                                               \
    FUNC_FROM(name)                                                                                \
    {                                                                                              \
        iso_v128_##name(A, p);                                                                     \
    }
#define SIMD_STORE(name, code, bytes)                                                              \
    FUNC_TO(name)                                                                                  \
    {                                                                                              \
        iso_v128_##name(A, p);                                                                     \
    }
#define SIMD_LOAD_LANE(name, code, bytes, lanes)                                                   \
    FUNC_FROM(name)                                                                                \
    {                                                                                              \
        iso_v128_##name(A, vec(fp + pc[1].a), pc[1].b, p);                                         \
    }
#define SIMD_STORE_LANE(name, code, bytes, lanes)                                                  \
    FUNC_TO(name)                                                                                  \
    {                                                                                              \
        iso_v128_##name(A, pc[1].b, p);                                                            \
    }
#define SIMD_SHUFFLE(name, code)                                                                   \
    FUNC(name)                                                                                     \
    {                                                                                              \
        uint8_t lanes[16];                                                                         \
        memcpy(lanes, pc + 1, 8);                                                                  \
        memcpy(lanes + 8, pc + 2, 8);                                                              \
        iso_v128_##name(A, B, C, lanes);                                                           \
    }
#define SIMD_SPLAT(name, code, bits, type)                                                         \
    FUNC(name)                                                                                     \
    {                                                                                              \
        iso_v128_##name(A, fp[pc->b].bits);                                                        \
    }
#define SIMD_EXTRACT(name, code, bits, type, lanes)                                                \
    FUNC(name)                                                                                     \
    {                                                                                              \
        fp[pc->a].bits = iso_v128_##name(B, pc->c);                                                \
    }
#define SIMD_REPLACE(name, code, bits, type, lanes)                                                \
    FUNC(name)                                                                                     \
    {                                                                                              \
        iso_v128_##name(A, B, pc->h[1], fp[pc->h[0]].bits);                                        \
    }
#define SIMD_UNARY(name, code)                                                                     \
    FUNC(name)                                                                                     \
    {                                                                                              \
        iso_v128_##name(A, B);                                                                     \
    }
#define SIMD_BINARY(name, code)                                                                    \
    FUNC(name)                                                                                     \
    {                                                                                              \
        iso_v128_##name(A, B, C);                                                                  \
    }
#define SIMD_TERNARY(name, code)                                                                   \
    FUNC(name)                                                                                     \
    {                                                                                              \
        iso_v128_##name(A, B, H0, H1);                                                             \
    }
#define SIMD_SHIFT(name, code)                                                                     \
    FUNC(name)                                                                                     \
    {                                                                                              \
        iso_v128_##name(A, B, fp[pc->c].u32);                                                      \
    }
#define SIMD_TEST(name, code)                                                                      \
    FUNC(name)                                                                                     \
    {                                                                                              \
        fp[pc->a].u32 = iso_v128_##name(B);                                                        \
    }
#include "engine/simd.def"
