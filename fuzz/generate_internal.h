/* What the files of the generator share. */
#ifndef FUZZ_GENERATE_INTERNAL_H
#define FUZZ_GENERATE_INTERNAL_H

#include "support/wasm_writer.h"

#include <stdbool.h>
#include <stdint.h>

/* Value types as the generator numbers them. */
enum gen_type {
    GEN_I32,
    GEN_I64,
    GEN_F32,
    GEN_F64,
    GEN_V128,
    GEN_FUNCREF,
    GEN_EXTERNREF,
    GEN_TYPES
};

/* Code of the binary format. */
extern const uint8_t gen_type_code[GEN_TYPES];

/* How the operands of an instruction continue after its opcode, and what its result needs. */
enum gen_form {
    GEN_PLAIN,
    GEN_NAN_F32, /* the result is made canonical: f32 */
    GEN_NAN_F64,
    GEN_NAN_F32X4,
    GEN_NAN_F64X2,
    GEN_LANE,    /* a lane index below `limit` follows */
    GEN_SHUFFLE, /* 16 lane indices below 32 follow */
    GEN_LOAD, /* takes an address, then `operands`; memarg with alignment up to `limit` follows */
    GEN_LOAD_LANE /* likewise, and a lane index below 16 >> limit */
};

/* A range of opcodes with the same signature. */
struct gen_op {
    uint8_t prefix; /* 0, 0xfc or 0xfd */
    uint8_t first;
    uint8_t last;
    char result;          /* i I f F v; 0 for stores */
    const char *operands; /* likewise, without the address */
    enum gen_form form;
    uint8_t limit;
};

extern const struct gen_op gen_ops[];
extern const size_t gen_op_count;
extern const struct gen_op gen_stores[];
extern const size_t gen_store_count;

enum gen_type gen_type_of(char letter);

enum {
    GEN_FUNC_TYPES_MAX = 8,
    GEN_VALUES_MAX = 4,
    GEN_FUNCS_MAX = 5,
    GEN_LABELS_MAX = 24,
    GEN_LOCALS_PER_TYPE = 2,
    GEN_GLOBALS_PER_TYPE = 2,
    GEN_TABLE_FUNCS = 0,
    GEN_TABLE_EXTERNS = 1,
    GEN_GLOBAL_FUEL = 0,
    GEN_GLOBAL_DEPTH = 1,
    GEN_GLOBAL_FIRST = 2,
    GEN_FUEL = 500, /* loop rounds and calls of one exported function */
    GEN_DEPTH = 60  /* nested calls */
};

struct gen_signature {
    uint8_t param_count;
    uint8_t result_count;
    enum gen_type params[GEN_VALUES_MAX];
    enum gen_type results[GEN_VALUES_MAX];
};

/* A block that a branch can name: what a branch to it carries. */
struct gen_label {
    uint8_t count;
    enum gen_type types[GEN_VALUES_MAX];
};

struct gen {
    const uint8_t *data; /* decisions */
    size_t len;
    size_t at;
    /* Types: 0 is [] -> [], 1 is [] -> [i64], then the inner functions' and blocks'. */
    uint32_t type_count;
    struct gen_signature types[GEN_FUNC_TYPES_MAX];
    uint32_t func_count; /* inner functions: indices 0 .. func_count - 1 */
    uint32_t func_types[GEN_FUNCS_MAX];
    /* Of the function that is being written. */
    struct iso_buf *out;
    const struct gen_signature *signature;
    struct gen_label labels[GEN_LABELS_MAX];
    uint32_t label_count;
    int32_t budget; /* instructions that may still be chosen freely */
    uint32_t depth; /* of expressions */
};

/* The next decision: below `limit` (1..256); 0 when the bytes are used up. */
uint32_t gen_choose(struct gen *gen, uint32_t limit);
uint64_t gen_bits(struct gen *gen);
enum gen_type gen_choose_type(struct gen *gen);

/* Index of a local: the parameters come first. Scratch locals (one per type) are for the generator.
 */
uint32_t gen_local(const struct gen *gen, enum gen_type type, uint32_t number);
uint32_t gen_scratch(const struct gen *gen, enum gen_type type);
uint32_t gen_global(enum gen_type type, uint32_t number);

/* Code that leaves a value of the type, or several statements that leave nothing. */
void gen_expression(struct gen *gen, enum gen_type type);
void gen_statements(struct gen *gen);
void gen_constant(struct gen *gen, enum gen_type type);
/* Traps when the count-down is at zero, else counts down. */
void gen_fuel_check(struct gen *gen);

void gen_opcode(struct gen *gen, uint8_t prefix, uint32_t opcode);
/* An opcode and an index. */
void gen_indexed(struct gen *gen, uint8_t opcode, uint32_t index);
/* An instruction of the tables with random immediates, after its operands. */
void gen_op_write(struct gen *gen, const struct gen_op *op);

#endif
