/*
 * validate.h - what the validate*.c files share. Internal to them.
 *
 * validate.c          one pass over a body: simple operators inline, from the table below
 * validate_control.c  blocks, branches, calls, and the stack of control frames
 * validate_ops.c      everything else: variables, tables, bulk operations, vectors
 * validate_stack.c    operands: checked pops and pushes, and the messages when they fail
 *
 * The operand stack is an array of bytes, one for each *slot*: the type's code (enum iso_type), a
 * v128 twice, or TYPE_UNKNOWN (0, one byte) for the operands that unreachable code may assume. So
 * heights are in slots, the unit of the value stack, and max_depth falls out.
 */
#ifndef ISO_ENGINE_VALIDATE_H
#define ISO_ENGINE_VALIDATE_H

#include "engine/module.h"
#include "engine/opcodes.h"
#include "engine/reader.h"

enum { ISO_TYPE_UNKNOWN = 0 };

/* How the main loop treats an operator. */
enum iso_op_class {
    ISO_CLASS_ILLEGAL,
    ISO_CLASS_OTHER, /* by a switch */
    ISO_CLASS_NOP,
    ISO_CLASS_UNARY,  /* one operand, one result */
    ISO_CLASS_BINARY, /* two operands, one result */
    ISO_CLASS_LOAD,
    ISO_CLASS_STORE,
    ISO_CLASS_LOCAL_GET,
    ISO_CLASS_LOCAL_SET,
    ISO_CLASS_LOCAL_TEE,
    ISO_CLASS_I32_CONST,
    ISO_CLASS_I64_CONST,
    ISO_CLASS_F32_CONST,
    ISO_CLASS_F64_CONST
};

/* The signature in opcodes.h as eight bytes. */
struct iso_op_shape {
    uint8_t class;
    uint8_t in_count;
    uint8_t in[3]; /* types; the last is popped first */
    uint8_t out;   /* type, or 0: none */
    uint8_t align; /* natural alignment exponent, of memory operators: has_memarg */
    uint8_t flags; /* ISO_SHAPE_... and, in the low five bits, the number of lanes */
};
enum {
    ISO_SHAPE_LANES = 0x1f,
    ISO_SHAPE_MEMARG = 0x20,
    ISO_SHAPE_CONST = 0x40,  /* sixteen bytes follow */
    ISO_SHAPE_SHUFFLE = 0x80 /* sixteen lane indices below 32 follow */
};

/* The last operator with the prefix 0xFC is table.fill; the other tables are full, or nearly. */
enum { ISO_OP_MISC_COUNT = (ISO_OP_TABLE_FILL & 0xff) + 1 };

extern const struct iso_op_shape iso_op_shapes[256];                    /* one-byte operators */
extern const struct iso_op_shape iso_op_shapes_misc[ISO_OP_MISC_COUNT]; /* 0xFC */
extern const struct iso_op_shape iso_op_shapes_vector[256];             /* 0xFD */

/* Types of parameters, of results, or of what a branch carries; borrowed. */
struct iso_type_list {
    const uint8_t *types;
    uint32_t count;
    uint32_t slots;
};

static inline struct iso_type_list iso_params_of(const struct iso_func_type *type)
{
    return (struct iso_type_list){type->params, type->param_count, type->param_slots};
}

static inline struct iso_type_list iso_results_of(const struct iso_func_type *type)
{
    return (struct iso_type_list){type->results, type->result_count, type->result_slots};
}

/* A block under way. */
struct iso_control {
    const struct iso_func_type *type;
    uint32_t height; /* of the operand stack at its start, without parameters, in slots */
    uint8_t op;      /* block, loop, if, else; block for the function's body */
    bool unreachable;
};

struct iso_validator {
    struct iso_module *module;
    const struct iso_alloc *alloc;
    struct iso_reader reader; /* over the body */
    uint32_t func_index;
    unsigned op;          /* operator at hand, for messages */
    const uint8_t *op_at; /* where it stands */

    /* Operands: [stack, sp). base: where those of the innermost block begin. There are always
     * ISO_STACK_SLACK bytes of room above sp when an operator begins. */
    uint8_t *stack;
    uint8_t *sp;
    uint8_t *base;
    uint8_t *peak; /* highest sp so far */
    uint32_t stack_capacity;

    uint8_t *locals; /* types */
    uint32_t local_count;
    uint32_t local_capacity;

    struct iso_control *controls;
    uint32_t control_count;
    uint32_t control_capacity;

    struct iso_func_type body_type; /* of the outermost block: no parameters, the results */
};

enum { ISO_STACK_SLACK = 16 };

/* ---- validate_stack.c ---- */

/* A message, at the operator at hand. */
ISO_MUST_CHECK enum iso_err iso_validate_fail(struct iso_validator *v, enum iso_err err,
                                              const char *format, ...) ISO_PRINTF(3, 4);

/* Appends ", in function 3 (name)" to the message. */
void iso_validate_add_place(struct iso_validator *v);

/* Makes room for `count` slots and ISO_STACK_SLACK above sp. */
ISO_MUST_CHECK enum iso_err iso_validate_reserve(struct iso_validator *v, uint32_t count);

ISO_MUST_CHECK enum iso_err iso_pop_slow(struct iso_validator *v, uint8_t type);
/* Any operand; *type becomes ISO_TYPE_UNKNOWN where unreachable code has none. */
ISO_MUST_CHECK enum iso_err iso_pop_any(struct iso_validator *v, uint8_t *type);
/* Pops the types of the list, the last first. */
ISO_MUST_CHECK enum iso_err iso_pop_types(struct iso_validator *v, struct iso_type_list list);
/* Checks that they could be popped, and pops nothing. */
ISO_MUST_CHECK enum iso_err iso_check_types(struct iso_validator *v, struct iso_type_list list);
/* Pushes them, after making room. */
ISO_MUST_CHECK enum iso_err iso_push_types(struct iso_validator *v, struct iso_type_list list);

static inline struct iso_control *iso_control_top(struct iso_validator *v)
{
    return &v->controls[v->control_count - 1];
}

/* A push within the slack. */
static inline void iso_push(struct iso_validator *v, uint8_t type)
{
    v->sp[0] = type;
    v->sp[1] = type;
    v->sp += type == ISO_TYPE_V128 ? 2 : 1;
}

ISO_MUST_CHECK static inline enum iso_err iso_pop(struct iso_validator *v, uint8_t type)
{
    if (ISO_LIKELY(v->sp != v->base && v->sp[-1] == type)) {
        v->sp -= type == ISO_TYPE_V128 ? 2 : 1;
        return ISO_OK;
    }
    return iso_pop_slow(v, type);
}

/* The rest of the block is unreachable: it may pop whatever it likes. */
static inline void iso_set_unreachable(struct iso_validator *v)
{
    v->sp = v->base;
    iso_control_top(v)->unreachable = true;
}

/* ---- validate_control.c ---- */

/* Opens the block of the whole body; the stacks are empty. */
ISO_MUST_CHECK enum iso_err iso_validate_begin(struct iso_validator *v);
/* An operator of class OTHER from unreachable to call_indirect. control_count is 0 after the last
 * `end`. */
ISO_MUST_CHECK enum iso_err iso_validate_control(struct iso_validator *v);

/* ---- validate_ops.c ---- */

/* Any other operator of class OTHER; the reader stands behind the first byte of its code. */
ISO_MUST_CHECK enum iso_err iso_validate_other(struct iso_validator *v);
/* A memory argument (spec 5.4.6) for an access with natural alignment 1 << natural. */
ISO_MUST_CHECK enum iso_err iso_validate_memarg(struct iso_validator *v, uint8_t natural);
/* The operands and result of an operator that the inline path could not settle. */
ISO_MUST_CHECK enum iso_err iso_validate_shape(struct iso_validator *v,
                                               const struct iso_op_shape *shape);
ISO_MUST_CHECK enum iso_err iso_validate_local(struct iso_validator *v, uint8_t class,
                                               uint32_t index);

#endif
