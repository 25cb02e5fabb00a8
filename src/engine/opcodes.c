/* opcodes.c - names of operators, from the table in opcodes.h. */
#include "engine/opcodes.h"

const char *iso_op_name(unsigned op)
{
    switch (op) {
#define OP_NAME(name, code, text, signature)                                                       \
    case code:                                                                                     \
        return text;
        ISO_OPCODES(OP_NAME)
#undef OP_NAME
    default:
        return "?";
    }
}
