/*
 * opcodes.h - every operator of WebAssembly 2.0 (spec 5.4), once.
 *
 * ISO_OPCODES(X) expands X(NAME, code, "text.name", "signature") for each of them, and its three
 * parts for those of one byte, with prefix 0xFC and with prefix 0xFD. Operators with a prefix have
 * the code prefix << 8 | number: 0xFC00 + n, 0xFD00 + n.
 *
 * The signature is "" for operators whose types depend on anything but the opcode. Otherwise it is
 *
 *     operands ":" results [" " immediates]
 *
 * with a character per value, i I f F v = i32 i64 f32 f64 v128, first pushed first, and
 *
 *     mN   memory argument: alignment exponent (at most N, the natural one) and offset
 *     lN   lane index, one byte below N
 *     s    sixteen lane indices below 32
 *     n    a constant of the result's type
 *     z    one byte that is zero (the memory index)
 */
#ifndef ISO_ENGINE_OPCODES_H
#define ISO_ENGINE_OPCODES_H

#include "engine/simd_built.h"

/* For people whose module needs what this build has not. */
#define ISO_NO_SIMD_TEXT "this build has no vector instructions (SIMD)"

/* clang-format off */
#define ISO_OPCODES_PLAIN(X) \
    /* Control (5.4.1) */ \
    X(UNREACHABLE, 0x00, "unreachable", "") \
    X(NOP, 0x01, "nop", ":") \
    X(BLOCK, 0x02, "block", "") \
    X(LOOP, 0x03, "loop", "") \
    X(IF, 0x04, "if", "") \
    X(ELSE, 0x05, "else", "") \
    X(END, 0x0B, "end", "") \
    X(BR, 0x0C, "br", "") \
    X(BR_IF, 0x0D, "br_if", "") \
    X(BR_TABLE, 0x0E, "br_table", "") \
    X(RETURN, 0x0F, "return", "") \
    X(CALL, 0x10, "call", "") \
    X(CALL_INDIRECT, 0x11, "call_indirect", "") \
    /* Parametric and variable (5.4.3, 5.4.4); table (5.4.5) */ \
    X(DROP, 0x1A, "drop", "") \
    X(SELECT, 0x1B, "select", "") \
    X(SELECT_T, 0x1C, "select", "") \
    X(LOCAL_GET, 0x20, "local.get", "") \
    X(LOCAL_SET, 0x21, "local.set", "") \
    X(LOCAL_TEE, 0x22, "local.tee", "") \
    X(GLOBAL_GET, 0x23, "global.get", "") \
    X(GLOBAL_SET, 0x24, "global.set", "") \
    X(TABLE_GET, 0x25, "table.get", "") \
    X(TABLE_SET, 0x26, "table.set", "") \
    /* Memory (5.4.6) */ \
    X(I32_LOAD, 0x28, "i32.load", "i:i m2") \
    X(I64_LOAD, 0x29, "i64.load", "i:I m3") \
    X(F32_LOAD, 0x2A, "f32.load", "i:f m2") \
    X(F64_LOAD, 0x2B, "f64.load", "i:F m3") \
    X(I32_LOAD8_S, 0x2C, "i32.load8_s", "i:i m0") \
    X(I32_LOAD8_U, 0x2D, "i32.load8_u", "i:i m0") \
    X(I32_LOAD16_S, 0x2E, "i32.load16_s", "i:i m1") \
    X(I32_LOAD16_U, 0x2F, "i32.load16_u", "i:i m1") \
    X(I64_LOAD8_S, 0x30, "i64.load8_s", "i:I m0") \
    X(I64_LOAD8_U, 0x31, "i64.load8_u", "i:I m0") \
    X(I64_LOAD16_S, 0x32, "i64.load16_s", "i:I m1") \
    X(I64_LOAD16_U, 0x33, "i64.load16_u", "i:I m1") \
    X(I64_LOAD32_S, 0x34, "i64.load32_s", "i:I m2") \
    X(I64_LOAD32_U, 0x35, "i64.load32_u", "i:I m2") \
    X(I32_STORE, 0x36, "i32.store", "ii: m2") \
    X(I64_STORE, 0x37, "i64.store", "iI: m3") \
    X(F32_STORE, 0x38, "f32.store", "if: m2") \
    X(F64_STORE, 0x39, "f64.store", "iF: m3") \
    X(I32_STORE8, 0x3A, "i32.store8", "ii: m0") \
    X(I32_STORE16, 0x3B, "i32.store16", "ii: m1") \
    X(I64_STORE8, 0x3C, "i64.store8", "iI: m0") \
    X(I64_STORE16, 0x3D, "i64.store16", "iI: m1") \
    X(I64_STORE32, 0x3E, "i64.store32", "iI: m2") \
    X(MEMORY_SIZE, 0x3F, "memory.size", ":i z") \
    X(MEMORY_GROW, 0x40, "memory.grow", "i:i z") \
    /* Numeric (5.4.7) */ \
    X(I32_CONST, 0x41, "i32.const", ":i n") \
    X(I64_CONST, 0x42, "i64.const", ":I n") \
    X(F32_CONST, 0x43, "f32.const", ":f n") \
    X(F64_CONST, 0x44, "f64.const", ":F n") \
    X(I32_EQZ, 0x45, "i32.eqz", "i:i") \
    X(I32_EQ, 0x46, "i32.eq", "ii:i") \
    X(I32_NE, 0x47, "i32.ne", "ii:i") \
    X(I32_LT_S, 0x48, "i32.lt_s", "ii:i") \
    X(I32_LT_U, 0x49, "i32.lt_u", "ii:i") \
    X(I32_GT_S, 0x4A, "i32.gt_s", "ii:i") \
    X(I32_GT_U, 0x4B, "i32.gt_u", "ii:i") \
    X(I32_LE_S, 0x4C, "i32.le_s", "ii:i") \
    X(I32_LE_U, 0x4D, "i32.le_u", "ii:i") \
    X(I32_GE_S, 0x4E, "i32.ge_s", "ii:i") \
    X(I32_GE_U, 0x4F, "i32.ge_u", "ii:i") \
    X(I64_EQZ, 0x50, "i64.eqz", "I:i") \
    X(I64_EQ, 0x51, "i64.eq", "II:i") \
    X(I64_NE, 0x52, "i64.ne", "II:i") \
    X(I64_LT_S, 0x53, "i64.lt_s", "II:i") \
    X(I64_LT_U, 0x54, "i64.lt_u", "II:i") \
    X(I64_GT_S, 0x55, "i64.gt_s", "II:i") \
    X(I64_GT_U, 0x56, "i64.gt_u", "II:i") \
    X(I64_LE_S, 0x57, "i64.le_s", "II:i") \
    X(I64_LE_U, 0x58, "i64.le_u", "II:i") \
    X(I64_GE_S, 0x59, "i64.ge_s", "II:i") \
    X(I64_GE_U, 0x5A, "i64.ge_u", "II:i") \
    X(F32_EQ, 0x5B, "f32.eq", "ff:i") \
    X(F32_NE, 0x5C, "f32.ne", "ff:i") \
    X(F32_LT, 0x5D, "f32.lt", "ff:i") \
    X(F32_GT, 0x5E, "f32.gt", "ff:i") \
    X(F32_LE, 0x5F, "f32.le", "ff:i") \
    X(F32_GE, 0x60, "f32.ge", "ff:i") \
    X(F64_EQ, 0x61, "f64.eq", "FF:i") \
    X(F64_NE, 0x62, "f64.ne", "FF:i") \
    X(F64_LT, 0x63, "f64.lt", "FF:i") \
    X(F64_GT, 0x64, "f64.gt", "FF:i") \
    X(F64_LE, 0x65, "f64.le", "FF:i") \
    X(F64_GE, 0x66, "f64.ge", "FF:i") \
    X(I32_CLZ, 0x67, "i32.clz", "i:i") \
    X(I32_CTZ, 0x68, "i32.ctz", "i:i") \
    X(I32_POPCNT, 0x69, "i32.popcnt", "i:i") \
    X(I32_ADD, 0x6A, "i32.add", "ii:i") \
    X(I32_SUB, 0x6B, "i32.sub", "ii:i") \
    X(I32_MUL, 0x6C, "i32.mul", "ii:i") \
    X(I32_DIV_S, 0x6D, "i32.div_s", "ii:i") \
    X(I32_DIV_U, 0x6E, "i32.div_u", "ii:i") \
    X(I32_REM_S, 0x6F, "i32.rem_s", "ii:i") \
    X(I32_REM_U, 0x70, "i32.rem_u", "ii:i") \
    X(I32_AND, 0x71, "i32.and", "ii:i") \
    X(I32_OR, 0x72, "i32.or", "ii:i") \
    X(I32_XOR, 0x73, "i32.xor", "ii:i") \
    X(I32_SHL, 0x74, "i32.shl", "ii:i") \
    X(I32_SHR_S, 0x75, "i32.shr_s", "ii:i") \
    X(I32_SHR_U, 0x76, "i32.shr_u", "ii:i") \
    X(I32_ROTL, 0x77, "i32.rotl", "ii:i") \
    X(I32_ROTR, 0x78, "i32.rotr", "ii:i") \
    X(I64_CLZ, 0x79, "i64.clz", "I:I") \
    X(I64_CTZ, 0x7A, "i64.ctz", "I:I") \
    X(I64_POPCNT, 0x7B, "i64.popcnt", "I:I") \
    X(I64_ADD, 0x7C, "i64.add", "II:I") \
    X(I64_SUB, 0x7D, "i64.sub", "II:I") \
    X(I64_MUL, 0x7E, "i64.mul", "II:I") \
    X(I64_DIV_S, 0x7F, "i64.div_s", "II:I") \
    X(I64_DIV_U, 0x80, "i64.div_u", "II:I") \
    X(I64_REM_S, 0x81, "i64.rem_s", "II:I") \
    X(I64_REM_U, 0x82, "i64.rem_u", "II:I") \
    X(I64_AND, 0x83, "i64.and", "II:I") \
    X(I64_OR, 0x84, "i64.or", "II:I") \
    X(I64_XOR, 0x85, "i64.xor", "II:I") \
    X(I64_SHL, 0x86, "i64.shl", "II:I") \
    X(I64_SHR_S, 0x87, "i64.shr_s", "II:I") \
    X(I64_SHR_U, 0x88, "i64.shr_u", "II:I") \
    X(I64_ROTL, 0x89, "i64.rotl", "II:I") \
    X(I64_ROTR, 0x8A, "i64.rotr", "II:I") \
    X(F32_ABS, 0x8B, "f32.abs", "f:f") \
    X(F32_NEG, 0x8C, "f32.neg", "f:f") \
    X(F32_CEIL, 0x8D, "f32.ceil", "f:f") \
    X(F32_FLOOR, 0x8E, "f32.floor", "f:f") \
    X(F32_TRUNC, 0x8F, "f32.trunc", "f:f") \
    X(F32_NEAREST, 0x90, "f32.nearest", "f:f") \
    X(F32_SQRT, 0x91, "f32.sqrt", "f:f") \
    X(F32_ADD, 0x92, "f32.add", "ff:f") \
    X(F32_SUB, 0x93, "f32.sub", "ff:f") \
    X(F32_MUL, 0x94, "f32.mul", "ff:f") \
    X(F32_DIV, 0x95, "f32.div", "ff:f") \
    X(F32_MIN, 0x96, "f32.min", "ff:f") \
    X(F32_MAX, 0x97, "f32.max", "ff:f") \
    X(F32_COPYSIGN, 0x98, "f32.copysign", "ff:f") \
    X(F64_ABS, 0x99, "f64.abs", "F:F") \
    X(F64_NEG, 0x9A, "f64.neg", "F:F") \
    X(F64_CEIL, 0x9B, "f64.ceil", "F:F") \
    X(F64_FLOOR, 0x9C, "f64.floor", "F:F") \
    X(F64_TRUNC, 0x9D, "f64.trunc", "F:F") \
    X(F64_NEAREST, 0x9E, "f64.nearest", "F:F") \
    X(F64_SQRT, 0x9F, "f64.sqrt", "F:F") \
    X(F64_ADD, 0xA0, "f64.add", "FF:F") \
    X(F64_SUB, 0xA1, "f64.sub", "FF:F") \
    X(F64_MUL, 0xA2, "f64.mul", "FF:F") \
    X(F64_DIV, 0xA3, "f64.div", "FF:F") \
    X(F64_MIN, 0xA4, "f64.min", "FF:F") \
    X(F64_MAX, 0xA5, "f64.max", "FF:F") \
    X(F64_COPYSIGN, 0xA6, "f64.copysign", "FF:F") \
    X(I32_WRAP_I64, 0xA7, "i32.wrap_i64", "I:i") \
    X(I32_TRUNC_F32_S, 0xA8, "i32.trunc_f32_s", "f:i") \
    X(I32_TRUNC_F32_U, 0xA9, "i32.trunc_f32_u", "f:i") \
    X(I32_TRUNC_F64_S, 0xAA, "i32.trunc_f64_s", "F:i") \
    X(I32_TRUNC_F64_U, 0xAB, "i32.trunc_f64_u", "F:i") \
    X(I64_EXTEND_I32_S, 0xAC, "i64.extend_i32_s", "i:I") \
    X(I64_EXTEND_I32_U, 0xAD, "i64.extend_i32_u", "i:I") \
    X(I64_TRUNC_F32_S, 0xAE, "i64.trunc_f32_s", "f:I") \
    X(I64_TRUNC_F32_U, 0xAF, "i64.trunc_f32_u", "f:I") \
    X(I64_TRUNC_F64_S, 0xB0, "i64.trunc_f64_s", "F:I") \
    X(I64_TRUNC_F64_U, 0xB1, "i64.trunc_f64_u", "F:I") \
    X(F32_CONVERT_I32_S, 0xB2, "f32.convert_i32_s", "i:f") \
    X(F32_CONVERT_I32_U, 0xB3, "f32.convert_i32_u", "i:f") \
    X(F32_CONVERT_I64_S, 0xB4, "f32.convert_i64_s", "I:f") \
    X(F32_CONVERT_I64_U, 0xB5, "f32.convert_i64_u", "I:f") \
    X(F32_DEMOTE_F64, 0xB6, "f32.demote_f64", "F:f") \
    X(F64_CONVERT_I32_S, 0xB7, "f64.convert_i32_s", "i:F") \
    X(F64_CONVERT_I32_U, 0xB8, "f64.convert_i32_u", "i:F") \
    X(F64_CONVERT_I64_S, 0xB9, "f64.convert_i64_s", "I:F") \
    X(F64_CONVERT_I64_U, 0xBA, "f64.convert_i64_u", "I:F") \
    X(F64_PROMOTE_F32, 0xBB, "f64.promote_f32", "f:F") \
    X(I32_REINTERPRET_F32, 0xBC, "i32.reinterpret_f32", "f:i") \
    X(I64_REINTERPRET_F64, 0xBD, "i64.reinterpret_f64", "F:I") \
    X(F32_REINTERPRET_I32, 0xBE, "f32.reinterpret_i32", "i:f") \
    X(F64_REINTERPRET_I64, 0xBF, "f64.reinterpret_i64", "I:F") \
    X(I32_EXTEND8_S, 0xC0, "i32.extend8_s", "i:i") \
    X(I32_EXTEND16_S, 0xC1, "i32.extend16_s", "i:i") \
    X(I64_EXTEND8_S, 0xC2, "i64.extend8_s", "I:I") \
    X(I64_EXTEND16_S, 0xC3, "i64.extend16_s", "I:I") \
    X(I64_EXTEND32_S, 0xC4, "i64.extend32_s", "I:I") \
    /* Reference (5.4.2) */ \
    X(REF_NULL, 0xD0, "ref.null", "") \
    X(REF_IS_NULL, 0xD1, "ref.is_null", "") \
    X(REF_FUNC, 0xD2, "ref.func", "")

#define ISO_OPCODES_MISC(X) \
    /* Saturating conversions (5.4.7), bulk memory and table operations (5.4.5, 5.4.6): prefix 0xFC */ \
    X(I32_TRUNC_SAT_F32_S, 0xFC00, "i32.trunc_sat_f32_s", "f:i") \
    X(I32_TRUNC_SAT_F32_U, 0xFC01, "i32.trunc_sat_f32_u", "f:i") \
    X(I32_TRUNC_SAT_F64_S, 0xFC02, "i32.trunc_sat_f64_s", "F:i") \
    X(I32_TRUNC_SAT_F64_U, 0xFC03, "i32.trunc_sat_f64_u", "F:i") \
    X(I64_TRUNC_SAT_F32_S, 0xFC04, "i64.trunc_sat_f32_s", "f:I") \
    X(I64_TRUNC_SAT_F32_U, 0xFC05, "i64.trunc_sat_f32_u", "f:I") \
    X(I64_TRUNC_SAT_F64_S, 0xFC06, "i64.trunc_sat_f64_s", "F:I") \
    X(I64_TRUNC_SAT_F64_U, 0xFC07, "i64.trunc_sat_f64_u", "F:I") \
    X(MEMORY_INIT, 0xFC08, "memory.init", "") \
    X(DATA_DROP, 0xFC09, "data.drop", "") \
    X(MEMORY_COPY, 0xFC0A, "memory.copy", "") \
    X(MEMORY_FILL, 0xFC0B, "memory.fill", "") \
    X(TABLE_INIT, 0xFC0C, "table.init", "") \
    X(ELEM_DROP, 0xFC0D, "elem.drop", "") \
    X(TABLE_COPY, 0xFC0E, "table.copy", "") \
    X(TABLE_GROW, 0xFC0F, "table.grow", "") \
    X(TABLE_SIZE, 0xFC10, "table.size", "") \
    X(TABLE_FILL, 0xFC11, "table.fill", "")

#define ISO_OPCODES_VECTOR(X) \
    /* Vector (5.4.8): prefix 0xFD */ \
    X(V128_LOAD, 0xFD00, "v128.load", "i:v m4") \
    X(V128_LOAD8X8_S, 0xFD01, "v128.load8x8_s", "i:v m3") \
    X(V128_LOAD8X8_U, 0xFD02, "v128.load8x8_u", "i:v m3") \
    X(V128_LOAD16X4_S, 0xFD03, "v128.load16x4_s", "i:v m3") \
    X(V128_LOAD16X4_U, 0xFD04, "v128.load16x4_u", "i:v m3") \
    X(V128_LOAD32X2_S, 0xFD05, "v128.load32x2_s", "i:v m3") \
    X(V128_LOAD32X2_U, 0xFD06, "v128.load32x2_u", "i:v m3") \
    X(V128_LOAD8_SPLAT, 0xFD07, "v128.load8_splat", "i:v m0") \
    X(V128_LOAD16_SPLAT, 0xFD08, "v128.load16_splat", "i:v m1") \
    X(V128_LOAD32_SPLAT, 0xFD09, "v128.load32_splat", "i:v m2") \
    X(V128_LOAD64_SPLAT, 0xFD0A, "v128.load64_splat", "i:v m3") \
    X(V128_STORE, 0xFD0B, "v128.store", "iv: m4") \
    X(V128_CONST, 0xFD0C, "v128.const", ":v n") \
    X(I8X16_SHUFFLE, 0xFD0D, "i8x16.shuffle", "vv:v s") \
    X(I8X16_SWIZZLE, 0xFD0E, "i8x16.swizzle", "vv:v") \
    X(I8X16_SPLAT, 0xFD0F, "i8x16.splat", "i:v") \
    X(I16X8_SPLAT, 0xFD10, "i16x8.splat", "i:v") \
    X(I32X4_SPLAT, 0xFD11, "i32x4.splat", "i:v") \
    X(I64X2_SPLAT, 0xFD12, "i64x2.splat", "I:v") \
    X(F32X4_SPLAT, 0xFD13, "f32x4.splat", "f:v") \
    X(F64X2_SPLAT, 0xFD14, "f64x2.splat", "F:v") \
    X(I8X16_EXTRACT_LANE_S, 0xFD15, "i8x16.extract_lane_s", "v:i l16") \
    X(I8X16_EXTRACT_LANE_U, 0xFD16, "i8x16.extract_lane_u", "v:i l16") \
    X(I8X16_REPLACE_LANE, 0xFD17, "i8x16.replace_lane", "vi:v l16") \
    X(I16X8_EXTRACT_LANE_S, 0xFD18, "i16x8.extract_lane_s", "v:i l8") \
    X(I16X8_EXTRACT_LANE_U, 0xFD19, "i16x8.extract_lane_u", "v:i l8") \
    X(I16X8_REPLACE_LANE, 0xFD1A, "i16x8.replace_lane", "vi:v l8") \
    X(I32X4_EXTRACT_LANE, 0xFD1B, "i32x4.extract_lane", "v:i l4") \
    X(I32X4_REPLACE_LANE, 0xFD1C, "i32x4.replace_lane", "vi:v l4") \
    X(I64X2_EXTRACT_LANE, 0xFD1D, "i64x2.extract_lane", "v:I l2") \
    X(I64X2_REPLACE_LANE, 0xFD1E, "i64x2.replace_lane", "vI:v l2") \
    X(F32X4_EXTRACT_LANE, 0xFD1F, "f32x4.extract_lane", "v:f l4") \
    X(F32X4_REPLACE_LANE, 0xFD20, "f32x4.replace_lane", "vf:v l4") \
    X(F64X2_EXTRACT_LANE, 0xFD21, "f64x2.extract_lane", "v:F l2") \
    X(F64X2_REPLACE_LANE, 0xFD22, "f64x2.replace_lane", "vF:v l2") \
    X(I8X16_EQ, 0xFD23, "i8x16.eq", "vv:v") \
    X(I8X16_NE, 0xFD24, "i8x16.ne", "vv:v") \
    X(I8X16_LT_S, 0xFD25, "i8x16.lt_s", "vv:v") \
    X(I8X16_LT_U, 0xFD26, "i8x16.lt_u", "vv:v") \
    X(I8X16_GT_S, 0xFD27, "i8x16.gt_s", "vv:v") \
    X(I8X16_GT_U, 0xFD28, "i8x16.gt_u", "vv:v") \
    X(I8X16_LE_S, 0xFD29, "i8x16.le_s", "vv:v") \
    X(I8X16_LE_U, 0xFD2A, "i8x16.le_u", "vv:v") \
    X(I8X16_GE_S, 0xFD2B, "i8x16.ge_s", "vv:v") \
    X(I8X16_GE_U, 0xFD2C, "i8x16.ge_u", "vv:v") \
    X(I16X8_EQ, 0xFD2D, "i16x8.eq", "vv:v") \
    X(I16X8_NE, 0xFD2E, "i16x8.ne", "vv:v") \
    X(I16X8_LT_S, 0xFD2F, "i16x8.lt_s", "vv:v") \
    X(I16X8_LT_U, 0xFD30, "i16x8.lt_u", "vv:v") \
    X(I16X8_GT_S, 0xFD31, "i16x8.gt_s", "vv:v") \
    X(I16X8_GT_U, 0xFD32, "i16x8.gt_u", "vv:v") \
    X(I16X8_LE_S, 0xFD33, "i16x8.le_s", "vv:v") \
    X(I16X8_LE_U, 0xFD34, "i16x8.le_u", "vv:v") \
    X(I16X8_GE_S, 0xFD35, "i16x8.ge_s", "vv:v") \
    X(I16X8_GE_U, 0xFD36, "i16x8.ge_u", "vv:v") \
    X(I32X4_EQ, 0xFD37, "i32x4.eq", "vv:v") \
    X(I32X4_NE, 0xFD38, "i32x4.ne", "vv:v") \
    X(I32X4_LT_S, 0xFD39, "i32x4.lt_s", "vv:v") \
    X(I32X4_LT_U, 0xFD3A, "i32x4.lt_u", "vv:v") \
    X(I32X4_GT_S, 0xFD3B, "i32x4.gt_s", "vv:v") \
    X(I32X4_GT_U, 0xFD3C, "i32x4.gt_u", "vv:v") \
    X(I32X4_LE_S, 0xFD3D, "i32x4.le_s", "vv:v") \
    X(I32X4_LE_U, 0xFD3E, "i32x4.le_u", "vv:v") \
    X(I32X4_GE_S, 0xFD3F, "i32x4.ge_s", "vv:v") \
    X(I32X4_GE_U, 0xFD40, "i32x4.ge_u", "vv:v") \
    X(F32X4_EQ, 0xFD41, "f32x4.eq", "vv:v") \
    X(F32X4_NE, 0xFD42, "f32x4.ne", "vv:v") \
    X(F32X4_LT, 0xFD43, "f32x4.lt", "vv:v") \
    X(F32X4_GT, 0xFD44, "f32x4.gt", "vv:v") \
    X(F32X4_LE, 0xFD45, "f32x4.le", "vv:v") \
    X(F32X4_GE, 0xFD46, "f32x4.ge", "vv:v") \
    X(F64X2_EQ, 0xFD47, "f64x2.eq", "vv:v") \
    X(F64X2_NE, 0xFD48, "f64x2.ne", "vv:v") \
    X(F64X2_LT, 0xFD49, "f64x2.lt", "vv:v") \
    X(F64X2_GT, 0xFD4A, "f64x2.gt", "vv:v") \
    X(F64X2_LE, 0xFD4B, "f64x2.le", "vv:v") \
    X(F64X2_GE, 0xFD4C, "f64x2.ge", "vv:v") \
    X(V128_NOT, 0xFD4D, "v128.not", "v:v") \
    X(V128_AND, 0xFD4E, "v128.and", "vv:v") \
    X(V128_ANDNOT, 0xFD4F, "v128.andnot", "vv:v") \
    X(V128_OR, 0xFD50, "v128.or", "vv:v") \
    X(V128_XOR, 0xFD51, "v128.xor", "vv:v") \
    X(V128_BITSELECT, 0xFD52, "v128.bitselect", "vvv:v") \
    X(V128_ANY_TRUE, 0xFD53, "v128.any_true", "v:i") \
    X(V128_LOAD8_LANE, 0xFD54, "v128.load8_lane", "iv:v m0 l16") \
    X(V128_LOAD16_LANE, 0xFD55, "v128.load16_lane", "iv:v m1 l8") \
    X(V128_LOAD32_LANE, 0xFD56, "v128.load32_lane", "iv:v m2 l4") \
    X(V128_LOAD64_LANE, 0xFD57, "v128.load64_lane", "iv:v m3 l2") \
    X(V128_STORE8_LANE, 0xFD58, "v128.store8_lane", "iv: m0 l16") \
    X(V128_STORE16_LANE, 0xFD59, "v128.store16_lane", "iv: m1 l8") \
    X(V128_STORE32_LANE, 0xFD5A, "v128.store32_lane", "iv: m2 l4") \
    X(V128_STORE64_LANE, 0xFD5B, "v128.store64_lane", "iv: m3 l2") \
    X(V128_LOAD32_ZERO, 0xFD5C, "v128.load32_zero", "i:v m2") \
    X(V128_LOAD64_ZERO, 0xFD5D, "v128.load64_zero", "i:v m3") \
    X(F32X4_DEMOTE_F64X2_ZERO, 0xFD5E, "f32x4.demote_f64x2_zero", "v:v") \
    X(F64X2_PROMOTE_LOW_F32X4, 0xFD5F, "f64x2.promote_low_f32x4", "v:v") \
    X(I8X16_ABS, 0xFD60, "i8x16.abs", "v:v") \
    X(I8X16_NEG, 0xFD61, "i8x16.neg", "v:v") \
    X(I8X16_POPCNT, 0xFD62, "i8x16.popcnt", "v:v") \
    X(I8X16_ALL_TRUE, 0xFD63, "i8x16.all_true", "v:i") \
    X(I8X16_BITMASK, 0xFD64, "i8x16.bitmask", "v:i") \
    X(I8X16_NARROW_I16X8_S, 0xFD65, "i8x16.narrow_i16x8_s", "vv:v") \
    X(I8X16_NARROW_I16X8_U, 0xFD66, "i8x16.narrow_i16x8_u", "vv:v") \
    X(F32X4_CEIL, 0xFD67, "f32x4.ceil", "v:v") \
    X(F32X4_FLOOR, 0xFD68, "f32x4.floor", "v:v") \
    X(F32X4_TRUNC, 0xFD69, "f32x4.trunc", "v:v") \
    X(F32X4_NEAREST, 0xFD6A, "f32x4.nearest", "v:v") \
    X(I8X16_SHL, 0xFD6B, "i8x16.shl", "vi:v") \
    X(I8X16_SHR_S, 0xFD6C, "i8x16.shr_s", "vi:v") \
    X(I8X16_SHR_U, 0xFD6D, "i8x16.shr_u", "vi:v") \
    X(I8X16_ADD, 0xFD6E, "i8x16.add", "vv:v") \
    X(I8X16_ADD_SAT_S, 0xFD6F, "i8x16.add_sat_s", "vv:v") \
    X(I8X16_ADD_SAT_U, 0xFD70, "i8x16.add_sat_u", "vv:v") \
    X(I8X16_SUB, 0xFD71, "i8x16.sub", "vv:v") \
    X(I8X16_SUB_SAT_S, 0xFD72, "i8x16.sub_sat_s", "vv:v") \
    X(I8X16_SUB_SAT_U, 0xFD73, "i8x16.sub_sat_u", "vv:v") \
    X(F64X2_CEIL, 0xFD74, "f64x2.ceil", "v:v") \
    X(F64X2_FLOOR, 0xFD75, "f64x2.floor", "v:v") \
    X(I8X16_MIN_S, 0xFD76, "i8x16.min_s", "vv:v") \
    X(I8X16_MIN_U, 0xFD77, "i8x16.min_u", "vv:v") \
    X(I8X16_MAX_S, 0xFD78, "i8x16.max_s", "vv:v") \
    X(I8X16_MAX_U, 0xFD79, "i8x16.max_u", "vv:v") \
    X(F64X2_TRUNC, 0xFD7A, "f64x2.trunc", "v:v") \
    X(I8X16_AVGR_U, 0xFD7B, "i8x16.avgr_u", "vv:v") \
    X(I16X8_EXTADD_PAIRWISE_I8X16_S, 0xFD7C, "i16x8.extadd_pairwise_i8x16_s", "v:v") \
    X(I16X8_EXTADD_PAIRWISE_I8X16_U, 0xFD7D, "i16x8.extadd_pairwise_i8x16_u", "v:v") \
    X(I32X4_EXTADD_PAIRWISE_I16X8_S, 0xFD7E, "i32x4.extadd_pairwise_i16x8_s", "v:v") \
    X(I32X4_EXTADD_PAIRWISE_I16X8_U, 0xFD7F, "i32x4.extadd_pairwise_i16x8_u", "v:v") \
    X(I16X8_ABS, 0xFD80, "i16x8.abs", "v:v") \
    X(I16X8_NEG, 0xFD81, "i16x8.neg", "v:v") \
    X(I16X8_Q15MULR_SAT_S, 0xFD82, "i16x8.q15mulr_sat_s", "vv:v") \
    X(I16X8_ALL_TRUE, 0xFD83, "i16x8.all_true", "v:i") \
    X(I16X8_BITMASK, 0xFD84, "i16x8.bitmask", "v:i") \
    X(I16X8_NARROW_I32X4_S, 0xFD85, "i16x8.narrow_i32x4_s", "vv:v") \
    X(I16X8_NARROW_I32X4_U, 0xFD86, "i16x8.narrow_i32x4_u", "vv:v") \
    X(I16X8_EXTEND_LOW_I8X16_S, 0xFD87, "i16x8.extend_low_i8x16_s", "v:v") \
    X(I16X8_EXTEND_HIGH_I8X16_S, 0xFD88, "i16x8.extend_high_i8x16_s", "v:v") \
    X(I16X8_EXTEND_LOW_I8X16_U, 0xFD89, "i16x8.extend_low_i8x16_u", "v:v") \
    X(I16X8_EXTEND_HIGH_I8X16_U, 0xFD8A, "i16x8.extend_high_i8x16_u", "v:v") \
    X(I16X8_SHL, 0xFD8B, "i16x8.shl", "vi:v") \
    X(I16X8_SHR_S, 0xFD8C, "i16x8.shr_s", "vi:v") \
    X(I16X8_SHR_U, 0xFD8D, "i16x8.shr_u", "vi:v") \
    X(I16X8_ADD, 0xFD8E, "i16x8.add", "vv:v") \
    X(I16X8_ADD_SAT_S, 0xFD8F, "i16x8.add_sat_s", "vv:v") \
    X(I16X8_ADD_SAT_U, 0xFD90, "i16x8.add_sat_u", "vv:v") \
    X(I16X8_SUB, 0xFD91, "i16x8.sub", "vv:v") \
    X(I16X8_SUB_SAT_S, 0xFD92, "i16x8.sub_sat_s", "vv:v") \
    X(I16X8_SUB_SAT_U, 0xFD93, "i16x8.sub_sat_u", "vv:v") \
    X(F64X2_NEAREST, 0xFD94, "f64x2.nearest", "v:v") \
    X(I16X8_MUL, 0xFD95, "i16x8.mul", "vv:v") \
    X(I16X8_MIN_S, 0xFD96, "i16x8.min_s", "vv:v") \
    X(I16X8_MIN_U, 0xFD97, "i16x8.min_u", "vv:v") \
    X(I16X8_MAX_S, 0xFD98, "i16x8.max_s", "vv:v") \
    X(I16X8_MAX_U, 0xFD99, "i16x8.max_u", "vv:v") \
    X(I16X8_AVGR_U, 0xFD9B, "i16x8.avgr_u", "vv:v") \
    X(I16X8_EXTMUL_LOW_I8X16_S, 0xFD9C, "i16x8.extmul_low_i8x16_s", "vv:v") \
    X(I16X8_EXTMUL_HIGH_I8X16_S, 0xFD9D, "i16x8.extmul_high_i8x16_s", "vv:v") \
    X(I16X8_EXTMUL_LOW_I8X16_U, 0xFD9E, "i16x8.extmul_low_i8x16_u", "vv:v") \
    X(I16X8_EXTMUL_HIGH_I8X16_U, 0xFD9F, "i16x8.extmul_high_i8x16_u", "vv:v") \
    X(I32X4_ABS, 0xFDA0, "i32x4.abs", "v:v") \
    X(I32X4_NEG, 0xFDA1, "i32x4.neg", "v:v") \
    X(I32X4_ALL_TRUE, 0xFDA3, "i32x4.all_true", "v:i") \
    X(I32X4_BITMASK, 0xFDA4, "i32x4.bitmask", "v:i") \
    X(I32X4_EXTEND_LOW_I16X8_S, 0xFDA7, "i32x4.extend_low_i16x8_s", "v:v") \
    X(I32X4_EXTEND_HIGH_I16X8_S, 0xFDA8, "i32x4.extend_high_i16x8_s", "v:v") \
    X(I32X4_EXTEND_LOW_I16X8_U, 0xFDA9, "i32x4.extend_low_i16x8_u", "v:v") \
    X(I32X4_EXTEND_HIGH_I16X8_U, 0xFDAA, "i32x4.extend_high_i16x8_u", "v:v") \
    X(I32X4_SHL, 0xFDAB, "i32x4.shl", "vi:v") \
    X(I32X4_SHR_S, 0xFDAC, "i32x4.shr_s", "vi:v") \
    X(I32X4_SHR_U, 0xFDAD, "i32x4.shr_u", "vi:v") \
    X(I32X4_ADD, 0xFDAE, "i32x4.add", "vv:v") \
    X(I32X4_SUB, 0xFDB1, "i32x4.sub", "vv:v") \
    X(I32X4_MUL, 0xFDB5, "i32x4.mul", "vv:v") \
    X(I32X4_MIN_S, 0xFDB6, "i32x4.min_s", "vv:v") \
    X(I32X4_MIN_U, 0xFDB7, "i32x4.min_u", "vv:v") \
    X(I32X4_MAX_S, 0xFDB8, "i32x4.max_s", "vv:v") \
    X(I32X4_MAX_U, 0xFDB9, "i32x4.max_u", "vv:v") \
    X(I32X4_DOT_I16X8_S, 0xFDBA, "i32x4.dot_i16x8_s", "vv:v") \
    X(I32X4_EXTMUL_LOW_I16X8_S, 0xFDBC, "i32x4.extmul_low_i16x8_s", "vv:v") \
    X(I32X4_EXTMUL_HIGH_I16X8_S, 0xFDBD, "i32x4.extmul_high_i16x8_s", "vv:v") \
    X(I32X4_EXTMUL_LOW_I16X8_U, 0xFDBE, "i32x4.extmul_low_i16x8_u", "vv:v") \
    X(I32X4_EXTMUL_HIGH_I16X8_U, 0xFDBF, "i32x4.extmul_high_i16x8_u", "vv:v") \
    X(I64X2_ABS, 0xFDC0, "i64x2.abs", "v:v") \
    X(I64X2_NEG, 0xFDC1, "i64x2.neg", "v:v") \
    X(I64X2_ALL_TRUE, 0xFDC3, "i64x2.all_true", "v:i") \
    X(I64X2_BITMASK, 0xFDC4, "i64x2.bitmask", "v:i") \
    X(I64X2_EXTEND_LOW_I32X4_S, 0xFDC7, "i64x2.extend_low_i32x4_s", "v:v") \
    X(I64X2_EXTEND_HIGH_I32X4_S, 0xFDC8, "i64x2.extend_high_i32x4_s", "v:v") \
    X(I64X2_EXTEND_LOW_I32X4_U, 0xFDC9, "i64x2.extend_low_i32x4_u", "v:v") \
    X(I64X2_EXTEND_HIGH_I32X4_U, 0xFDCA, "i64x2.extend_high_i32x4_u", "v:v") \
    X(I64X2_SHL, 0xFDCB, "i64x2.shl", "vi:v") \
    X(I64X2_SHR_S, 0xFDCC, "i64x2.shr_s", "vi:v") \
    X(I64X2_SHR_U, 0xFDCD, "i64x2.shr_u", "vi:v") \
    X(I64X2_ADD, 0xFDCE, "i64x2.add", "vv:v") \
    X(I64X2_SUB, 0xFDD1, "i64x2.sub", "vv:v") \
    X(I64X2_MUL, 0xFDD5, "i64x2.mul", "vv:v") \
    X(I64X2_EQ, 0xFDD6, "i64x2.eq", "vv:v") \
    X(I64X2_NE, 0xFDD7, "i64x2.ne", "vv:v") \
    X(I64X2_LT_S, 0xFDD8, "i64x2.lt_s", "vv:v") \
    X(I64X2_GT_S, 0xFDD9, "i64x2.gt_s", "vv:v") \
    X(I64X2_LE_S, 0xFDDA, "i64x2.le_s", "vv:v") \
    X(I64X2_GE_S, 0xFDDB, "i64x2.ge_s", "vv:v") \
    X(I64X2_EXTMUL_LOW_I32X4_S, 0xFDDC, "i64x2.extmul_low_i32x4_s", "vv:v") \
    X(I64X2_EXTMUL_HIGH_I32X4_S, 0xFDDD, "i64x2.extmul_high_i32x4_s", "vv:v") \
    X(I64X2_EXTMUL_LOW_I32X4_U, 0xFDDE, "i64x2.extmul_low_i32x4_u", "vv:v") \
    X(I64X2_EXTMUL_HIGH_I32X4_U, 0xFDDF, "i64x2.extmul_high_i32x4_u", "vv:v") \
    X(F32X4_ABS, 0xFDE0, "f32x4.abs", "v:v") \
    X(F32X4_NEG, 0xFDE1, "f32x4.neg", "v:v") \
    X(F32X4_SQRT, 0xFDE3, "f32x4.sqrt", "v:v") \
    X(F32X4_ADD, 0xFDE4, "f32x4.add", "vv:v") \
    X(F32X4_SUB, 0xFDE5, "f32x4.sub", "vv:v") \
    X(F32X4_MUL, 0xFDE6, "f32x4.mul", "vv:v") \
    X(F32X4_DIV, 0xFDE7, "f32x4.div", "vv:v") \
    X(F32X4_MIN, 0xFDE8, "f32x4.min", "vv:v") \
    X(F32X4_MAX, 0xFDE9, "f32x4.max", "vv:v") \
    X(F32X4_PMIN, 0xFDEA, "f32x4.pmin", "vv:v") \
    X(F32X4_PMAX, 0xFDEB, "f32x4.pmax", "vv:v") \
    X(F64X2_ABS, 0xFDEC, "f64x2.abs", "v:v") \
    X(F64X2_NEG, 0xFDED, "f64x2.neg", "v:v") \
    X(F64X2_SQRT, 0xFDEF, "f64x2.sqrt", "v:v") \
    X(F64X2_ADD, 0xFDF0, "f64x2.add", "vv:v") \
    X(F64X2_SUB, 0xFDF1, "f64x2.sub", "vv:v") \
    X(F64X2_MUL, 0xFDF2, "f64x2.mul", "vv:v") \
    X(F64X2_DIV, 0xFDF3, "f64x2.div", "vv:v") \
    X(F64X2_MIN, 0xFDF4, "f64x2.min", "vv:v") \
    X(F64X2_MAX, 0xFDF5, "f64x2.max", "vv:v") \
    X(F64X2_PMIN, 0xFDF6, "f64x2.pmin", "vv:v") \
    X(F64X2_PMAX, 0xFDF7, "f64x2.pmax", "vv:v") \
    X(I32X4_TRUNC_SAT_F32X4_S, 0xFDF8, "i32x4.trunc_sat_f32x4_s", "v:v") \
    X(I32X4_TRUNC_SAT_F32X4_U, 0xFDF9, "i32x4.trunc_sat_f32x4_u", "v:v") \
    X(F32X4_CONVERT_I32X4_S, 0xFDFA, "f32x4.convert_i32x4_s", "v:v") \
    X(F32X4_CONVERT_I32X4_U, 0xFDFB, "f32x4.convert_i32x4_u", "v:v") \
    X(I32X4_TRUNC_SAT_F64X2_S_ZERO, 0xFDFC, "i32x4.trunc_sat_f64x2_s_zero", "v:v") \
    X(I32X4_TRUNC_SAT_F64X2_U_ZERO, 0xFDFD, "i32x4.trunc_sat_f64x2_u_zero", "v:v") \
    X(F64X2_CONVERT_LOW_I32X4_S, 0xFDFE, "f64x2.convert_low_i32x4_s", "v:v") \
    X(F64X2_CONVERT_LOW_I32X4_U, 0xFDFF, "f64x2.convert_low_i32x4_u", "v:v")

#define ISO_OPCODES(X) ISO_OPCODES_PLAIN(X) ISO_OPCODES_MISC(X) ISO_OPCODES_VECTOR(X)
/* clang-format on */

enum iso_op {
#define ISO_OPCODE(name, code, text, signature) ISO_OP_##name = code,
    ISO_OPCODES(ISO_OPCODE)
#undef ISO_OPCODE
};

/* The first byte of operators with two-part codes. */
enum { ISO_OP_PREFIX_MISC = 0xFC, ISO_OP_PREFIX_VECTOR = 0xFD };

/* The text of an operator, "i32.add"; "?" for a code that is none. Static storage. */
const char *iso_op_name(unsigned op);

#endif
