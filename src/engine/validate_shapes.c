/*
 * validate_shapes.c - the signatures of opcodes.h as tables, made by the preprocessor and the
 * compiler's folding of constant expressions.
 */
#include "engine/validate.h"

/* Character i of a string literal, 0 beyond its end. */
#define CHAR(text, i) (text "\0\0\0\0\0\0\0\0\0\0\0\0")[i]

/* Where the colon stands, which is the number of operands. */
#define OPERANDS(sig)                                                                              \
    (CHAR(sig, 0) == ':' ? 0u : CHAR(sig, 1) == ':' ? 1u : CHAR(sig, 2) == ':' ? 2u : 3u)
#define RESULT(sig) CHAR(sig, OPERANDS(sig) + 1)
/* The first letter of the immediates, with a result and without; what follows it. */
#define HAS_RESULT(sig) (RESULT(sig) != '\0' && RESULT(sig) != ' ')
#define IMMEDIATE_AT(sig) (OPERANDS(sig) + (HAS_RESULT(sig) ? 3u : 2u))
#define IMMEDIATE(sig) CHAR(sig, IMMEDIATE_AT(sig))
#define DIGIT(sig, i) ((unsigned)CHAR(sig, i) - '0')

#define TYPE(c)                                                                                    \
    ((c) == 'i'   ? ISO_TYPE_I32                                                                   \
     : (c) == 'I' ? ISO_TYPE_I64                                                                   \
     : (c) == 'f' ? ISO_TYPE_F32                                                                   \
     : (c) == 'F' ? ISO_TYPE_F64                                                                   \
     : (c) == 'v' ? ISO_TYPE_V128                                                                  \
                  : 0)
#define IN_TYPE(sig, i) (OPERANDS(sig) > (i) ? TYPE(CHAR(sig, i)) : 0)

/* "l16", "l8": a number of one or two digits. */
#define NUMBER(sig, at)                                                                            \
    (CHAR(sig, (at) + 1) >= '0' ? DIGIT(sig, at) * 10 + DIGIT(sig, (at) + 1) : DIGIT(sig, at))
#define LANES(sig)                                                                                 \
    (IMMEDIATE(sig) == 'l'                     ? NUMBER(sig, IMMEDIATE_AT(sig) + 1)                \
     : CHAR(sig, IMMEDIATE_AT(sig) + 3) == 'l' ? NUMBER(sig, IMMEDIATE_AT(sig) + 4)                \
                                               : 0u)
#define FLAGS(sig)                                                                                 \
    (LANES(sig) | (IMMEDIATE(sig) == 'm'   ? (unsigned)ISO_SHAPE_MEMARG                            \
                   : IMMEDIATE(sig) == 's' ? (unsigned)ISO_SHAPE_SHUFFLE                           \
                   : IMMEDIATE(sig) == 'n' ? (unsigned)ISO_SHAPE_CONST                             \
                                           : 0u))
#define ALIGN(sig) (IMMEDIATE(sig) == 'm' ? DIGIT(sig, IMMEDIATE_AT(sig) + 1) : 0u)

#define CLASS_OF_SIGNATURE(sig)                                                                    \
    (CHAR(sig, 0) == '\0' || OPERANDS(sig) > 2  ? ISO_CLASS_OTHER                                  \
     : IMMEDIATE(sig) == 'm' && HAS_RESULT(sig) ? ISO_CLASS_LOAD                                   \
     : IMMEDIATE(sig) == 'm'                    ? ISO_CLASS_STORE                                  \
     : IMMEDIATE(sig) != '\0'                   ? ISO_CLASS_OTHER                                  \
     : OPERANDS(sig) == 0                       ? ISO_CLASS_NOP                                    \
     : OPERANDS(sig) == 1                       ? ISO_CLASS_UNARY                                  \
                                                : ISO_CLASS_BINARY)
#define CLASS(code, sig)                                                                           \
    ((code) == ISO_OP_LOCAL_GET   ? ISO_CLASS_LOCAL_GET                                            \
     : (code) == ISO_OP_LOCAL_SET ? ISO_CLASS_LOCAL_SET                                            \
     : (code) == ISO_OP_LOCAL_TEE ? ISO_CLASS_LOCAL_TEE                                            \
     : (code) == ISO_OP_I32_CONST ? ISO_CLASS_I32_CONST                                            \
     : (code) == ISO_OP_I64_CONST ? ISO_CLASS_I64_CONST                                            \
     : (code) == ISO_OP_F32_CONST ? ISO_CLASS_F32_CONST                                            \
     : (code) == ISO_OP_F64_CONST ? ISO_CLASS_F64_CONST                                            \
                                  : CLASS_OF_SIGNATURE(sig))

#define SHAPE(code, sig)                                                                           \
    {                                                                                              \
        CLASS(code, sig), (uint8_t)OPERANDS(sig),                                                  \
            {IN_TYPE(sig, 0), IN_TYPE(sig, 1), IN_TYPE(sig, 2)}, TYPE(RESULT(sig)),                \
            (uint8_t)ALIGN(sig), (uint8_t)FLAGS(sig)                                               \
    }

/* clang-format off */
#define ROW(name, code, text, sig) [(code) & 0xff] = SHAPE(code, sig),

const struct iso_op_shape iso_op_shapes[256] = {
    ISO_OPCODES_PLAIN(ROW)
    /* Not operators, but the first bytes of some. */
    [ISO_OP_PREFIX_MISC] = {.class = ISO_CLASS_OTHER},
    [ISO_OP_PREFIX_VECTOR] = {.class = ISO_CLASS_OTHER},
};
const struct iso_op_shape iso_op_shapes_misc[ISO_OP_MISC_COUNT] = {ISO_OPCODES_MISC(ROW)};
const struct iso_op_shape iso_op_shapes_vector[256] = {ISO_OPCODES_VECTOR(ROW)};
/* clang-format on */
