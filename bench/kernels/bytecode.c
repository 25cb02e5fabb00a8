/* bytecode: an interpreter for a small stack machine runs a program that counts
 * Collatz steps: what a scripting language inside a module does. */
#include "kernel.h"

enum opcode {
    OP_HALT,
    OP_PUSH,  /* pushes the operand */
    OP_LOAD,  /* pushes a variable */
    OP_STORE, /* pops into a variable */
    OP_ADD,
    OP_SUBTRACT,
    OP_MULTIPLY,
    OP_AND,
    OP_SHIFT_RIGHT,
    OP_LESS,
    OP_EQUAL,
    OP_JUMP,      /* to the instruction with this number */
    OP_JUMP_ZERO, /* pops, jumps if it was zero */
    OP_JUMP_SET,  /* pops, jumps if it was not zero */
    OP_DUPLICATE,
    OP_DROP,
};

enum variable { V_LIMIT, V_START, V_VALUE, V_STEPS, V_TOTAL };

struct instruction {
    uint8_t opcode, operand;
};

static const struct instruction program[] = {
    /*  0 */ {OP_PUSH, 1},
    /*  1 */ {OP_STORE, V_START},
    /* while start < limit */
    /*  2 */ {OP_LOAD, V_START},
    /*  3 */ {OP_LOAD, V_LIMIT},
    /*  4 */ {OP_LESS, 0},
    /*  5 */ {OP_JUMP_ZERO, 43},
    /*  6 */ {OP_LOAD, V_START},
    /*  7 */ {OP_STORE, V_VALUE},
    /*  8 */ {OP_PUSH, 0},
    /*  9 */ {OP_STORE, V_STEPS},
    /* while value != 1 */
    /* 10 */ {OP_LOAD, V_VALUE},
    /* 11 */ {OP_PUSH, 1},
    /* 12 */ {OP_EQUAL, 0},
    /* 13 */ {OP_JUMP_SET, 32},
    /* if value is odd */
    /* 14 */ {OP_LOAD, V_VALUE},
    /* 15 */ {OP_PUSH, 1},
    /* 16 */ {OP_AND, 0},
    /* 17 */ {OP_JUMP_ZERO, 24},
    /* 18 */ {OP_LOAD, V_VALUE},
    /* 19 */ {OP_PUSH, 3},
    /* 20 */ {OP_MULTIPLY, 0},
    /* 21 */ {OP_PUSH, 1},
    /* 22 */ {OP_ADD, 0},
    /* 23 */ {OP_JUMP, 27},
    /* else */
    /* 24 */ {OP_LOAD, V_VALUE},
    /* 25 */ {OP_PUSH, 1},
    /* 26 */ {OP_SHIFT_RIGHT, 0},
    /* 27 */ {OP_STORE, V_VALUE},
    /* 28 */ {OP_LOAD, V_STEPS},
    /* 29 */ {OP_PUSH, 1},
    /* 30 */ {OP_ADD, 0},
    /* 31 */ {OP_JUMP, 41},
    /* total = total * 31 + steps; start = start + 1 */
    /* 32 */ {OP_LOAD, V_TOTAL},
    /* 33 */ {OP_PUSH, 31},
    /* 34 */ {OP_MULTIPLY, 0},
    /* 35 */ {OP_LOAD, V_STEPS},
    /* 36 */ {OP_ADD, 0},
    /* 37 */ {OP_STORE, V_TOTAL},
    /* 38 */ {OP_LOAD, V_START},
    /* 39 */ {OP_PUSH, 1},
    /* 40 */ {OP_JUMP, 44},
    /* steps = (new count); next step */
    /* 41 */ {OP_STORE, V_STEPS},
    /* 42 */ {OP_JUMP, 10},
    /* 43 */ {OP_HALT, 0},
    /* 44 */ {OP_ADD, 0},
    /* 45 */ {OP_STORE, V_START},
    /* 46 */ {OP_JUMP, 2},
};

static uint32_t stack[64];
static uint32_t variables[8];

static KERNEL_NOINLINE uint32_t interpret(const struct instruction *code)
{
    const struct instruction *pc = code;
    uint32_t *top = stack; /* the next free place */

    for (;;) {
        uint32_t operand = pc->operand;

        switch ((enum opcode)(pc++)->opcode) {
        case OP_HALT:
            return variables[V_TOTAL];
        case OP_PUSH:
            *top++ = operand;
            break;
        case OP_LOAD:
            *top++ = variables[operand];
            break;
        case OP_STORE:
            variables[operand] = *--top;
            break;
        case OP_ADD:
            top--;
            top[-1] += top[0];
            break;
        case OP_SUBTRACT:
            top--;
            top[-1] -= top[0];
            break;
        case OP_MULTIPLY:
            top--;
            top[-1] *= top[0];
            break;
        case OP_AND:
            top--;
            top[-1] &= top[0];
            break;
        case OP_SHIFT_RIGHT:
            top--;
            top[-1] >>= top[0] & 31;
            break;
        case OP_LESS:
            top--;
            top[-1] = top[-1] < top[0];
            break;
        case OP_EQUAL:
            top--;
            top[-1] = top[-1] == top[0];
            break;
        case OP_JUMP:
            pc = code + operand;
            break;
        case OP_JUMP_ZERO:
            if (*--top == 0)
                pc = code + operand;
            break;
        case OP_JUMP_SET:
            if (*--top != 0)
                pc = code + operand;
            break;
        case OP_DUPLICATE:
            top[0] = top[-1];
            top++;
            break;
        case OP_DROP:
            top--;
            break;
        }
    }
}

uint64_t run(uint32_t n)
{
    for (uint32_t i = 0; i < 8; i++)
        variables[i] = 0;
    variables[V_LIMIT] = n;
    return interpret(program);
}
