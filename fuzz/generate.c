/* The frame of a generated module: types, tables, memory, globals, segments, and the exported
 * functions around the inner ones. */
#include "generate.h"

#include "generate_internal.h"

#include <string.h>

enum { BUDGET = 120, TYPE_VOID = 0, TYPE_I64 = 1 };

static void choose_types(struct gen *gen)
{
    gen->types[TYPE_VOID] = (struct gen_signature){.param_count = 0};
    gen->types[TYPE_I64] = (struct gen_signature){.result_count = 1, .results = {GEN_I64}};
    gen->type_count = 3 + gen_choose(gen, GEN_FUNC_TYPES_MAX - 2);
    for (uint32_t i = 2; i < gen->type_count; i++) {
        struct gen_signature *type = &gen->types[i];
        type->param_count = (uint8_t)gen_choose(gen, GEN_VALUES_MAX);
        type->result_count = (uint8_t)(1 + gen_choose(gen, GEN_VALUES_MAX - 1));
        for (uint32_t p = 0; p < type->param_count; p++) {
            type->params[p] = gen_choose_type(gen);
        }
        for (uint32_t r = 0; r < type->result_count; r++) {
            type->results[r] = gen_choose_type(gen);
        }
    }
    gen->func_count = 1 + gen_choose(gen, GEN_FUNCS_MAX);
    for (uint32_t i = 0; i < gen->func_count; i++) {
        gen->func_types[i] = gen_choose(gen, gen->type_count);
    }
}

static void write_types(struct gen *gen, struct iso_buf *module)
{
    struct iso_buf content = wasm_buf();

    wasm_u32(&content, gen->type_count);
    for (uint32_t i = 0; i < gen->type_count; i++) {
        const struct gen_signature *type = &gen->types[i];
        wasm_u8(&content, 0x60);
        wasm_u32(&content, type->param_count);
        for (uint32_t p = 0; p < type->param_count; p++) {
            wasm_u8(&content, gen_type_code[type->params[p]]);
        }
        wasm_u32(&content, type->result_count);
        for (uint32_t r = 0; r < type->result_count; r++) {
            wasm_u8(&content, gen_type_code[type->results[r]]);
        }
    }
    wasm_section(module, WASM_TYPE, &content);
}

/* Inner functions, then one exported function for each, then `state`. */
static void write_functions(struct gen *gen, struct iso_buf *module)
{
    struct iso_buf content = wasm_buf();

    wasm_u32(&content, 2 * gen->func_count + 1);
    for (uint32_t i = 0; i < gen->func_count; i++) {
        wasm_u32(&content, gen->func_types[i]);
    }
    for (uint32_t i = 0; i <= gen->func_count; i++) {
        wasm_u32(&content, TYPE_I64);
    }
    wasm_section(module, WASM_FUNCTION, &content);
}

static void write_tables_and_memory(struct iso_buf *module)
{
    struct iso_buf content = wasm_buf();

    wasm_literal(&content, "\2\x70\1\x08\x14\x6f\1\x04\x08"); /* funcref 8..20, externref 4..8 */
    wasm_section(module, WASM_TABLE, &content);
    wasm_literal(&content, "\1\1\1\3"); /* 1..3 pages */
    wasm_section(module, WASM_MEMORY, &content);
}

static void write_globals(struct gen *gen, struct iso_buf *module)
{
    struct iso_buf content = wasm_buf();

    wasm_u32(&content, GEN_GLOBAL_FIRST + GEN_TYPES * GEN_GLOBALS_PER_TYPE);
    for (uint32_t i = 0; i < GEN_GLOBAL_FIRST; i++) {
        wasm_literal(&content, "\x7f\1\x41\0\x0b");
    }
    gen->out = &content;
    for (uint32_t type = 0; type < GEN_TYPES; type++) {
        for (uint32_t i = 0; i < GEN_GLOBALS_PER_TYPE; i++) {
            wasm_u8(&content, gen_type_code[type]);
            wasm_u8(&content, 1);
            gen_constant(gen, (enum gen_type)type);
            wasm_u8(&content, 0x0b);
        }
    }
    wasm_section(module, WASM_GLOBAL, &content);
}

static void write_exports(struct gen *gen, struct iso_buf *module)
{
    struct iso_buf content = wasm_buf();
    char name[16];

    wasm_u32(&content, gen->func_count + 2);
    for (uint32_t i = 0; i <= gen->func_count; i++) {
        (void)iso_format(name, sizeof name, i < gen->func_count ? "t%u" : "state", (unsigned)i);
        wasm_name(&content, name);
        wasm_u8(&content, 0);
        wasm_u32(&content, gen->func_count + i);
    }
    wasm_name(&content, "memory");
    wasm_literal(&content, "\2\0");
    wasm_section(module, WASM_EXPORT, &content);
}

static void write_elements(struct gen *gen, struct iso_buf *module)
{
    struct iso_buf content = wasm_buf();

    wasm_literal(&content, "\2\0\x41\0\x0b"); /* two; the first: active, table 0, at 0 */
    wasm_u32(&content, gen->func_count);
    for (uint32_t i = 0; i < gen->func_count; i++) {
        wasm_u32(&content, i);
    }
    wasm_literal(&content, "\1\0\5"); /* passive, functions, five */
    for (uint32_t i = 0; i < 5; i++) {
        wasm_u32(&content, gen_choose(gen, gen->func_count));
    }
    wasm_section(module, WASM_ELEMENT, &content);
    wasm_u32(&content, 2);
    wasm_section(module, WASM_DATA_COUNT, &content);
}

static void write_data(struct gen *gen, struct iso_buf *module)
{
    struct iso_buf content = wasm_buf();
    uint8_t bytes[24];

    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)gen_choose(gen, 256);
    }
    wasm_literal(&content, "\2\0\x41");
    wasm_s32(&content, (int32_t)gen_choose(gen, 256));
    wasm_literal(&content, "\x0b");
    wasm_u32(&content, sizeof bytes);
    wasm_bytes(&content, bytes, sizeof bytes);
    wasm_literal(&content, "\1"); /* passive */
    wasm_u32(&content, sizeof bytes);
    wasm_bytes(&content, bytes, sizeof bytes);
    wasm_section(module, WASM_DATA, &content);
}

static void inner_function(struct gen *gen, uint32_t index, struct iso_buf *code)
{
    static const uint8_t depth_check[] = {0x23,
                                          GEN_GLOBAL_DEPTH,
                                          0x41,
                                          GEN_DEPTH,
                                          0x4e,
                                          0x04,
                                          0x40,
                                          0x00,
                                          0x0b, /* unreachable */
                                          0x23,
                                          GEN_GLOBAL_DEPTH,
                                          0x41,
                                          0x01,
                                          0x6a,
                                          0x24,
                                          GEN_GLOBAL_DEPTH};
    struct iso_buf body = wasm_buf();

    gen->out = &body;
    gen->signature = &gen->types[gen->func_types[index]];
    gen->budget = BUDGET;
    gen->depth = 0;
    gen->label_count = 1;
    gen->labels[0].count = gen->signature->result_count;
    memcpy(gen->labels[0].types, gen->signature->results, sizeof gen->labels[0].types);
    wasm_u32(&body, GEN_TYPES);
    for (uint32_t type = 0; type < GEN_TYPES; type++) {
        wasm_u32(&body, GEN_LOCALS_PER_TYPE + 1);
        wasm_u8(&body, gen_type_code[type]);
    }
    wasm_bytes(&body, depth_check, sizeof depth_check);
    gen_fuel_check(gen);
    for (uint32_t i = 0; i < gen->signature->param_count; i++) {
        gen_indexed(gen, 0x20, i);
        gen_indexed(gen, 0x21, gen_local(gen, gen->signature->params[i], i % GEN_LOCALS_PER_TYPE));
    }
    gen_statements(gen);
    gen_statements(gen);
    for (uint32_t i = 0; i < gen->signature->result_count; i++) {
        gen_expression(gen, gen->signature->results[i]);
    }
    wasm_u8(&body, 0x0b);
    wasm_body(code, &body);
}

/* The value on the stack, of any type, as an i64; then local 0 = local 0 * 31 + it. Locals: 0 i64,
 * 1 i32, 2 v128. */
static void fold(struct gen *gen, enum gen_type type)
{
    switch (type) {
    case GEN_I32:
        wasm_u8(gen->out, 0xad);
        break;
    case GEN_F32:
        wasm_literal(gen->out, "\xbc\xad");
        break;
    case GEN_F64:
        wasm_u8(gen->out, 0xbd);
        break;
    case GEN_V128:
        wasm_literal(gen->out, "\x22\2\xfd\x1d\0\x20\2\xfd\x1d\1\x42\3\x7e\x85");
        break;
    case GEN_FUNCREF:
    case GEN_EXTERNREF:
        wasm_literal(gen->out, "\xd1\xad");
        break;
    default:
        break;
    }
    wasm_literal(gen->out, "\x20\0\x42\x1f\x7e\x7c\x21\0");
}

static void fold_locals(struct iso_buf *body)
{
    wasm_literal(body, "\3\1\x7e\1\x7f\1\x7b");
}

/* Calls an inner function with constants and folds its results. */
static void exported_function(struct gen *gen, uint32_t index, struct iso_buf *code)
{
    const struct gen_signature *signature = &gen->types[gen->func_types[index]];
    struct iso_buf body = wasm_buf();

    gen->out = &body;
    fold_locals(&body);
    wasm_u8(&body, 0x41);
    wasm_s32(&body, GEN_FUEL);
    gen_indexed(gen, 0x24, GEN_GLOBAL_FUEL);
    wasm_literal(&body, "\x41\0");
    gen_indexed(gen, 0x24, GEN_GLOBAL_DEPTH);
    for (uint32_t i = 0; i < signature->param_count; i++) {
        gen_constant(gen, signature->params[i]);
    }
    gen_indexed(gen, 0x10, index);
    for (uint32_t i = signature->result_count; i-- > 0;) {
        fold(gen, signature->results[i]);
    }
    wasm_literal(&body, "\x20\0\x0b");
    wasm_body(code, &body);
}

/* Digests globals and memory. */
static void state_function(struct gen *gen, struct iso_buf *code)
{
    static const uint8_t memory_loop[] = {
        0x02, 0x40, 0x03, 0x40,                         /* block, loop */
        0x20, 0x01, 0x3f, 0x00, 0x41, 0x10, 0x74, 0x4f, /* i >= size << 16 */
        0x0d, 0x01,                                     /* br_if 1 */
        0x20, 0x00, 0x20, 0x01, 0x29, 0x03, 0x00, 0x85, /* acc ^ load64(i) */
        0x42, 0xb5, 0xe2, 0x94, 0x0a, 0x7e,             /* times a prime-ish number */
        0x42, 0x0d, 0x89, 0x21, 0x00,                   /* rotl 13, local.set */
        0x20, 0x01, 0x41, 0x08, 0x6a, 0x21, 0x01,       /* i += 8 */
        0x0c, 0x00, 0x0b, 0x0b};
    struct iso_buf body = wasm_buf();

    gen->out = &body;
    fold_locals(&body);
    wasm_bytes(&body, memory_loop, sizeof memory_loop);
    for (uint32_t type = 0; type < GEN_TYPES; type++) {
        for (uint32_t i = 0; i < GEN_GLOBALS_PER_TYPE; i++) {
            gen_indexed(gen, 0x23, gen_global((enum gen_type)type, i));
            fold(gen, (enum gen_type)type);
        }
    }
    for (uint32_t table = 0; table < 2; table++) {
        gen_opcode(gen, 0xfc, 16);
        wasm_u32(&body, table);
        fold(gen, GEN_I32);
    }
    wasm_literal(&body, "\x20\0\x0b");
    wasm_body(code, &body);
}

struct iso_buf fuzz_generate(const uint8_t *data, size_t len)
{
    struct gen gen = {.data = data, .len = len};
    struct iso_buf module = wasm_buf();
    struct iso_buf code = wasm_buf();

    wasm_header(&module);
    choose_types(&gen);
    write_types(&gen, &module);
    write_functions(&gen, &module);
    write_tables_and_memory(&module);
    write_globals(&gen, &module);
    write_exports(&gen, &module);
    write_elements(&gen, &module);
    wasm_u32(&code, 2 * gen.func_count + 1);
    for (uint32_t i = 0; i < gen.func_count; i++) {
        inner_function(&gen, i, &code);
    }
    for (uint32_t i = 0; i < gen.func_count; i++) {
        exported_function(&gen, i, &code);
    }
    state_function(&gen, &code);
    wasm_section(&module, WASM_CODE, &code);
    write_data(&gen, &module);
    return module;
}
