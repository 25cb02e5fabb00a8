/* opcodes.c - names of operators, from the table in opcodes.h. */
#include "engine/opcodes.h"

#include "base/base.h"

/*
 * The names one after the other, each with its zero, and the codes in the same order. Names are for
 * messages: a search through all of them costs nobody anything, and a pointer or a case for each
 * would be twice the size.
 */
static const char texts[] = {
#define OP_TEXT(name, code, text, signature) text "\0"
    ISO_OPCODES(OP_TEXT)
#undef OP_TEXT
};

static const uint16_t codes[] = {
#define OP_CODE(name, code, text, signature) code,
    ISO_OPCODES(OP_CODE)
#undef OP_CODE
};

const char *iso_op_name(unsigned op)
{
    const char *text = texts;
    for (size_t i = 0; i < ISO_COUNT_OF(codes); i++) {
        if (codes[i] == op) {
            return text;
        }
        text += strlen(text) + 1;
    }
    return "?";
}
