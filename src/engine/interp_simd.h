/* interp_simd.h - the functions that ops_simd.def calls, one per vector instruction. */
#ifndef ISO_ENGINE_INTERP_SIMD_H
#define ISO_ENGINE_INTERP_SIMD_H

#include "engine/code.h"

#define ISO_VEC_FROM(name, ...)                                                                    \
    void iso_vec_##name(const struct iso_cell *pc, union iso_slot *fp, const uint8_t *p);
#define ISO_VEC_TO(name, ...)                                                                      \
    void iso_vec_##name(const struct iso_cell *pc, union iso_slot *fp, uint8_t *p);
#define ISO_VEC(name, ...) void iso_vec_##name(const struct iso_cell *pc, union iso_slot *fp);
#define SIMD_LOAD ISO_VEC_FROM
#define SIMD_STORE ISO_VEC_TO
#define SIMD_LOAD_LANE ISO_VEC_FROM
#define SIMD_STORE_LANE ISO_VEC_TO
#define SIMD_SHUFFLE ISO_VEC
#define SIMD_SPLAT ISO_VEC
#define SIMD_EXTRACT ISO_VEC
#define SIMD_REPLACE ISO_VEC
#define SIMD_UNARY ISO_VEC
#define SIMD_BINARY ISO_VEC
#define SIMD_TERNARY ISO_VEC
#define SIMD_SHIFT ISO_VEC
#define SIMD_TEST ISO_VEC
#include "engine/simd.def"
#undef ISO_VEC_FROM
#undef ISO_VEC_TO
#undef ISO_VEC

#endif
