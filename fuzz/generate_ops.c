/* The instructions that the generator knows, as ranges of opcodes with one signature (spec 5.4, and
 * appendix "Index of Instructions"). Written down again here rather than taken from the engine, so
 * that a mistake in the engine's own table shows. */
#include "generate_internal.h"

#define PLAIN(first, last, result, operands)                                                       \
    {                                                                                              \
        0, first, last, result, operands, GEN_PLAIN, 0                                             \
    }
#define NAN_F32(first, last, operands)                                                             \
    {                                                                                              \
        0, first, last, 'f', operands, GEN_NAN_F32, 0                                              \
    }
#define NAN_F64(first, last, operands)                                                             \
    {                                                                                              \
        0, first, last, 'F', operands, GEN_NAN_F64, 0                                              \
    }
#define LOAD(first, last, result, align)                                                           \
    {                                                                                              \
        0, first, last, result, "", GEN_LOAD, align                                                \
    }
#define SIMD(first, last, result, operands)                                                        \
    {                                                                                              \
        0xfd, first, last, result, operands, GEN_PLAIN, 0                                          \
    }
#define SIMD_FORM(first, last, result, operands, form, limit)                                      \
    {                                                                                              \
        0xfd, first, last, result, operands, form, limit                                           \
    }

const struct gen_op gen_ops[] = {
    PLAIN(0x45, 0x45, 'i', "i"),
    PLAIN(0x46, 0x4f, 'i', "ii"),
    PLAIN(0x50, 0x50, 'i', "I"),
    PLAIN(0x51, 0x5a, 'i', "II"),
    PLAIN(0x5b, 0x60, 'i', "ff"),
    PLAIN(0x61, 0x66, 'i', "FF"),
    PLAIN(0x67, 0x69, 'i', "i"),
    PLAIN(0x6a, 0x78, 'i', "ii"),
    PLAIN(0x79, 0x7b, 'I', "I"),
    PLAIN(0x7c, 0x8a, 'I', "II"),
    PLAIN(0x8b, 0x8c, 'f', "f"),
    NAN_F32(0x8d, 0x91, "f"),
    NAN_F32(0x92, 0x97, "ff"),
    PLAIN(0x98, 0x98, 'f', "ff"),
    PLAIN(0x99, 0x9a, 'F', "F"),
    NAN_F64(0x9b, 0x9f, "F"),
    NAN_F64(0xa0, 0xa5, "FF"),
    PLAIN(0xa6, 0xa6, 'F', "FF"),
    PLAIN(0xa7, 0xa7, 'i', "I"),
    PLAIN(0xa8, 0xa9, 'i', "f"),
    PLAIN(0xaa, 0xab, 'i', "F"),
    PLAIN(0xac, 0xad, 'I', "i"),
    PLAIN(0xae, 0xaf, 'I', "f"),
    PLAIN(0xb0, 0xb1, 'I', "F"),
    PLAIN(0xb2, 0xb3, 'f', "i"),
    PLAIN(0xb4, 0xb5, 'f', "I"),
    NAN_F32(0xb6, 0xb6, "F"),
    PLAIN(0xb7, 0xb8, 'F', "i"),
    PLAIN(0xb9, 0xba, 'F', "I"),
    NAN_F64(0xbb, 0xbb, "f"),
    PLAIN(0xbc, 0xbc, 'i', "f"),
    PLAIN(0xbd, 0xbd, 'I', "F"),
    PLAIN(0xbe, 0xbe, 'f', "i"),
    PLAIN(0xbf, 0xbf, 'F', "I"),
    PLAIN(0xc0, 0xc1, 'i', "i"),
    PLAIN(0xc2, 0xc4, 'I', "I"),
    /* Saturating truncations. */
    {0xfc, 0x00, 0x01, 'i', "f", GEN_PLAIN, 0},
    {0xfc, 0x02, 0x03, 'i', "F", GEN_PLAIN, 0},
    {0xfc, 0x04, 0x05, 'I', "f", GEN_PLAIN, 0},
    {0xfc, 0x06, 0x07, 'I', "F", GEN_PLAIN, 0},
    /* Loads. */
    LOAD(0x28, 0x28, 'i', 2),
    LOAD(0x29, 0x29, 'I', 3),
    LOAD(0x2a, 0x2a, 'f', 2),
    LOAD(0x2b, 0x2b, 'F', 3),
    LOAD(0x2c, 0x2d, 'i', 0),
    LOAD(0x2e, 0x2f, 'i', 1),
    LOAD(0x30, 0x31, 'I', 0),
    LOAD(0x32, 0x33, 'I', 1),
    LOAD(0x34, 0x35, 'I', 2),
    /* Vectors: memory. */
    SIMD_FORM(0x00, 0x00, 'v', "", GEN_LOAD, 4),
    SIMD_FORM(0x01, 0x06, 'v', "", GEN_LOAD, 3),
    SIMD_FORM(0x07, 0x07, 'v', "", GEN_LOAD, 0),
    SIMD_FORM(0x08, 0x08, 'v', "", GEN_LOAD, 1),
    SIMD_FORM(0x09, 0x09, 'v', "", GEN_LOAD, 2),
    SIMD_FORM(0x0a, 0x0a, 'v', "", GEN_LOAD, 3),
    SIMD_FORM(0x54, 0x54, 'v', "v", GEN_LOAD_LANE, 0),
    SIMD_FORM(0x55, 0x55, 'v', "v", GEN_LOAD_LANE, 1),
    SIMD_FORM(0x56, 0x56, 'v', "v", GEN_LOAD_LANE, 2),
    SIMD_FORM(0x57, 0x57, 'v', "v", GEN_LOAD_LANE, 3),
    SIMD_FORM(0x5c, 0x5c, 'v', "", GEN_LOAD, 2),
    SIMD_FORM(0x5d, 0x5d, 'v', "", GEN_LOAD, 3),
    /* Lanes. */
    SIMD_FORM(0x0d, 0x0d, 'v', "vv", GEN_SHUFFLE, 32),
    SIMD(0x0e, 0x0e, 'v', "vv"),
    SIMD(0x0f, 0x11, 'v', "i"),
    SIMD(0x12, 0x12, 'v', "I"),
    SIMD(0x13, 0x13, 'v', "f"),
    SIMD(0x14, 0x14, 'v', "F"),
    SIMD_FORM(0x15, 0x16, 'i', "v", GEN_LANE, 16),
    SIMD_FORM(0x17, 0x17, 'v', "vi", GEN_LANE, 16),
    SIMD_FORM(0x18, 0x19, 'i', "v", GEN_LANE, 8),
    SIMD_FORM(0x1a, 0x1a, 'v', "vi", GEN_LANE, 8),
    SIMD_FORM(0x1b, 0x1b, 'i', "v", GEN_LANE, 4),
    SIMD_FORM(0x1c, 0x1c, 'v', "vi", GEN_LANE, 4),
    SIMD_FORM(0x1d, 0x1d, 'I', "v", GEN_LANE, 2),
    SIMD_FORM(0x1e, 0x1e, 'v', "vI", GEN_LANE, 2),
    SIMD_FORM(0x1f, 0x1f, 'f', "v", GEN_LANE, 4),
    SIMD_FORM(0x20, 0x20, 'v', "vf", GEN_LANE, 4),
    SIMD_FORM(0x21, 0x21, 'F', "v", GEN_LANE, 2),
    SIMD_FORM(0x22, 0x22, 'v', "vF", GEN_LANE, 2),
    /* Comparisons and bits. */
    SIMD(0x23, 0x4c, 'v', "vv"),
    SIMD(0x4d, 0x4d, 'v', "v"),
    SIMD(0x4e, 0x51, 'v', "vv"),
    SIMD(0x52, 0x52, 'v', "vvv"),
    SIMD(0x53, 0x53, 'i', "v"),
    SIMD_FORM(0x5e, 0x5e, 'v', "v", GEN_NAN_F32X4, 0),
    SIMD_FORM(0x5f, 0x5f, 'v', "v", GEN_NAN_F64X2, 0),
    /* i8x16, with roundings of floats between. */
    SIMD(0x60, 0x62, 'v', "v"),
    SIMD(0x63, 0x64, 'i', "v"),
    SIMD(0x65, 0x66, 'v', "vv"),
    SIMD_FORM(0x67, 0x6a, 'v', "v", GEN_NAN_F32X4, 0),
    SIMD(0x6b, 0x6d, 'v', "vi"),
    SIMD(0x6e, 0x73, 'v', "vv"),
    SIMD_FORM(0x74, 0x75, 'v', "v", GEN_NAN_F64X2, 0),
    SIMD(0x76, 0x79, 'v', "vv"),
    SIMD_FORM(0x7a, 0x7a, 'v', "v", GEN_NAN_F64X2, 0),
    SIMD(0x7b, 0x7b, 'v', "vv"),
    SIMD(0x7c, 0x7f, 'v', "v"),
    /* i16x8. */
    SIMD(0x80, 0x81, 'v', "v"),
    SIMD(0x82, 0x82, 'v', "vv"),
    SIMD(0x83, 0x84, 'i', "v"),
    SIMD(0x85, 0x86, 'v', "vv"),
    SIMD(0x87, 0x8a, 'v', "v"),
    SIMD(0x8b, 0x8d, 'v', "vi"),
    SIMD(0x8e, 0x93, 'v', "vv"),
    SIMD_FORM(0x94, 0x94, 'v', "v", GEN_NAN_F64X2, 0),
    SIMD(0x95, 0x99, 'v', "vv"),
    SIMD(0x9b, 0x9f, 'v', "vv"),
    /* i32x4. */
    SIMD(0xa0, 0xa1, 'v', "v"),
    SIMD(0xa3, 0xa4, 'i', "v"),
    SIMD(0xa7, 0xaa, 'v', "v"),
    SIMD(0xab, 0xad, 'v', "vi"),
    SIMD(0xae, 0xae, 'v', "vv"),
    SIMD(0xb1, 0xb1, 'v', "vv"),
    SIMD(0xb5, 0xba, 'v', "vv"),
    SIMD(0xbc, 0xbf, 'v', "vv"),
    /* i64x2. */
    SIMD(0xc0, 0xc1, 'v', "v"),
    SIMD(0xc3, 0xc4, 'i', "v"),
    SIMD(0xc7, 0xca, 'v', "v"),
    SIMD(0xcb, 0xcd, 'v', "vi"),
    SIMD(0xce, 0xce, 'v', "vv"),
    SIMD(0xd1, 0xd1, 'v', "vv"),
    SIMD(0xd5, 0xdf, 'v', "vv"),
    /* Floats; abs, neg, pmin and pmax work on bits or hand an operand on. */
    SIMD(0xe0, 0xe1, 'v', "v"),
    SIMD_FORM(0xe3, 0xe3, 'v', "v", GEN_NAN_F32X4, 0),
    SIMD_FORM(0xe4, 0xe9, 'v', "vv", GEN_NAN_F32X4, 0),
    SIMD(0xea, 0xeb, 'v', "vv"),
    SIMD(0xec, 0xed, 'v', "v"),
    SIMD_FORM(0xef, 0xef, 'v', "v", GEN_NAN_F64X2, 0),
    SIMD_FORM(0xf0, 0xf5, 'v', "vv", GEN_NAN_F64X2, 0),
    SIMD(0xf6, 0xf7, 'v', "vv"),
    SIMD(0xf8, 0xff, 'v', "v"),
};
const size_t gen_op_count = ISO_COUNT_OF(gen_ops);

const struct gen_op gen_stores[] = {
    {0, 0x36, 0x36, 0, "i", GEN_LOAD, 2},         {0, 0x37, 0x37, 0, "I", GEN_LOAD, 3},
    {0, 0x38, 0x38, 0, "f", GEN_LOAD, 2},         {0, 0x39, 0x39, 0, "F", GEN_LOAD, 3},
    {0, 0x3a, 0x3a, 0, "i", GEN_LOAD, 0},         {0, 0x3b, 0x3b, 0, "i", GEN_LOAD, 1},
    {0, 0x3c, 0x3c, 0, "I", GEN_LOAD, 0},         {0, 0x3d, 0x3d, 0, "I", GEN_LOAD, 1},
    {0, 0x3e, 0x3e, 0, "I", GEN_LOAD, 2},         {0xfd, 0x0b, 0x0b, 0, "v", GEN_LOAD, 4},
    {0xfd, 0x58, 0x58, 0, "v", GEN_LOAD_LANE, 0}, {0xfd, 0x59, 0x59, 0, "v", GEN_LOAD_LANE, 1},
    {0xfd, 0x5a, 0x5a, 0, "v", GEN_LOAD_LANE, 2}, {0xfd, 0x5b, 0x5b, 0, "v", GEN_LOAD_LANE, 3},
};
const size_t gen_store_count = ISO_COUNT_OF(gen_stores);
