/*
 * validate_ops_test.c - every operator that has a signature in opcodes.h, once right and wrong in
 * every way that its signature allows. The signature is read here at run time, by code that shares
 * nothing with the tables of validate_shapes.c.
 */
#include "engine/module_test_support.h"
#include "engine/opcodes.h"

static struct wasm w;

struct op {
    uint16_t code;
    const char *text;
    const char *signature;
};

static const struct op ops[] = {
#define OP(name, code, text, signature) {code, text, signature},
    ISO_OPCODES(OP)
#undef OP
};

/* Locals, in this order, are the function's parameters. */
static const char letters[] = "iIfFvr";

struct parsed {
    char in[8], out[4];
    const char *immediates;
};

static struct parsed parse(const char *signature)
{
    struct parsed parsed = {.immediates = ""};
    size_t i = 0, n = 0;
    for (; signature[i] != ':'; i++) {
        parsed.in[i] = signature[i];
    }
    for (i++; signature[i] != '\0' && signature[i] != ' '; i++) {
        parsed.out[n++] = signature[i];
    }
    parsed.immediates = signature[i] == ' ' ? signature + i + 1 : "";
    return parsed;
}

struct body {
    uint8_t bytes[128];
    size_t len;
};

static void put(struct body *body, unsigned byte)
{
    body->bytes[body->len++] = (uint8_t)byte;
}

static void put_leb(struct body *body, unsigned value)
{
    for (; value >= 0x80; value >>= 7) {
        put(body, (value & 0x7f) | 0x80);
    }
    put(body, value);
}

static void put_zeros(struct body *body, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        put(body, 0);
    }
}

enum wrong { RIGHT, WRONG_ALIGNMENT, WRONG_LANE };

static bool put_immediates(struct body *body, const struct op *op, const char *text,
                           enum wrong wrong)
{
    bool can_be_wrong = false;
    for (const char *at = text; *at != '\0'; at++) {
        unsigned number = 0;
        char kind = *at;
        while (at[1] >= '0' && at[1] <= '9') {
            number = number * 10 + (unsigned)(*++at - '0');
        }
        switch (kind) {
        case 'm':
            can_be_wrong |= wrong == WRONG_ALIGNMENT;
            put(body, wrong == WRONG_ALIGNMENT ? number + 1 : number);
            put_leb(body, 300);
            break;
        case 'l':
            can_be_wrong |= wrong == WRONG_LANE;
            put(body, wrong == WRONG_LANE ? number : number - 1);
            break;
        case 's':
            can_be_wrong |= wrong == WRONG_LANE;
            put_zeros(body, 15);
            put(body, wrong == WRONG_LANE ? 32 : 31);
            break;
        case 'n':
            put_zeros(body, op->code == ISO_OP_V128_CONST  ? 16
                            : op->code == ISO_OP_F64_CONST ? 8
                            : op->code == ISO_OP_F32_CONST ? 4
                                                           : 1);
            break;
        case 'z':
            put(body, 0);
            break;
        default:
            break;
        }
    }
    return can_be_wrong;
}

static void put_op(struct body *body, const struct op *op)
{
    if (op->code > 0xff) {
        put(body, op->code >> 8);
        put_leb(body, op->code & 0xff);
    } else {
        put(body, op->code);
    }
}

static void put_gets(struct body *body, const char *types)
{
    for (; *types != '\0'; types++) {
        put(body, ISO_OP_LOCAL_GET);
        put(body, (unsigned)(strchr(letters, *types) - letters));
    }
}

/* A function with a parameter of every type and the operator's result. */
static void load(const struct op *op, const struct body *body, const char *out, enum iso_err err,
                 const char *text)
{
    char type[32];
    CHECK(iso_format(type, sizeof type, "%s:%s", letters, out) < sizeof type - 1);
    wasm_clear(&w);
    uint8_t types[2 + 8 + 4] = {1, 0x60, 6, 0x7f, 0x7e, 0x7d, 0x7c, 0x7b, 0x70};
    size_t len = 9;
    types[len++] = (uint8_t)strlen(out);
    if (out[0] != '\0') {
        types[len++] = types[3 + (strchr(letters, out[0]) - letters)];
    }
    wasm_section(&w, 1, types, len);
    WASM_SECTION(&w, 3, 1, 0);
    WASM_SECTION(&w, 5, 1, 0, 1);
    wasm_code(&w, body->bytes, body->len);
    enum iso_err got = wasm_load(&w);
    if (got != err || strncmp(w.report.text, text, strlen(text)) != 0) {
        TEST_FAIL("%s: %s, \"%s\", expected %s, \"%s\"", op->text, iso_err_name(got), w.report.text,
                  iso_err_name(err), text);
    }
}

static bool load_with(const struct op *op, const char *in, const char *out, enum wrong wrong,
                      bool unreachable, enum iso_err err, const char *text)
{
    struct parsed parsed = parse(op->signature);
    struct body body = {.len = 0};
    put(&body, 0);
    if (unreachable) {
        put(&body, ISO_OP_UNREACHABLE);
    }
    put_gets(&body, in);
    put_op(&body, op);
    if (!put_immediates(&body, op, parsed.immediates, wrong) && wrong != RIGHT) {
        return false;
    }
    put(&body, ISO_OP_END);
    load(op, &body, out, err, text);
    return true;
}

#define FOR_EACH_SIMPLE_OP(op)                                                                     \
    for (const struct op *op = ops; op < ops + ISO_COUNT_OF(ops); op++)                            \
        if (op->signature[0] != '\0')

TEST(every_operator_is_accepted_with_its_operands)
{
    wasm_init(&w);
    unsigned count = 0;
    FOR_EACH_SIMPLE_OP(op)
    {
        struct parsed parsed = parse(op->signature);
        load_with(op, parsed.in, parsed.out, RIGHT, false, ISO_OK, "");
        unsigned depth = 0, result = 0;
        for (const char *at = parsed.in; *at != '\0'; at++) {
            depth += *at == 'v' ? 2 : 1;
        }
        result = parsed.out[0] == '\0' ? 0 : parsed.out[0] == 'v' ? 2 : 1;
        CHECK_EQ_U64(w.module->funcs[0].max_depth, depth > result ? depth : result);
        CHECK_EQ_U64(w.module->funcs[0].local_slots, 7);
        count++;
    }
    CHECK_EQ_U64(count, 183 - 25 + 8 + 236);
    wasm_fini(&w);
}

TEST(every_operator_refuses_operands_of_other_types)
{
    wasm_init(&w);
    FOR_EACH_SIMPLE_OP(op)
    {
        struct parsed parsed = parse(op->signature);
        for (size_t i = 0; parsed.in[i] != '\0'; i++) {
            for (const char *letter = letters; *letter != '\0'; letter++) {
                char in[8];
                memcpy(in, parsed.in, sizeof in);
                in[i] = *letter;
                if (*letter != parsed.in[i]) {
                    load_with(op, in, parsed.out, RIGHT, false, ISO_E_INVALID, "type mismatch");
                    load_with(op, in, parsed.out, RIGHT, true, ISO_E_INVALID, "type mismatch");
                }
            }
        }
    }
    wasm_fini(&w);
}

TEST(every_operator_refuses_missing_operands_except_in_unreachable_code)
{
    wasm_init(&w);
    FOR_EACH_SIMPLE_OP(op)
    {
        struct parsed parsed = parse(op->signature);
        for (size_t i = 1; i <= strlen(parsed.in); i++) {
            load_with(op, parsed.in + i, parsed.out, RIGHT, false, ISO_E_INVALID, "type mismatch");
            load_with(op, parsed.in + i, parsed.out, RIGHT, true, ISO_OK, "");
        }
    }
    wasm_fini(&w);
}

TEST(every_operator_gives_no_other_result)
{
    wasm_init(&w);
    FOR_EACH_SIMPLE_OP(op)
    {
        struct parsed parsed = parse(op->signature);
        for (const char *letter = letters; *letter != '\0'; letter++) {
            const char out[2] = {*letter, '\0'};
            if (*letter != parsed.out[0]) {
                load_with(op, parsed.in, out, RIGHT, false, ISO_E_INVALID, "type mismatch");
            }
        }
    }
    wasm_fini(&w);
}

TEST(alignments_and_lanes_have_bounds)
{
    wasm_init(&w);
    unsigned alignments = 0, lanes = 0;
    FOR_EACH_SIMPLE_OP(op)
    {
        struct parsed parsed = parse(op->signature);
        alignments += load_with(op, parsed.in, parsed.out, WRONG_ALIGNMENT, false, ISO_E_INVALID,
                                "alignment must not be larger than natural");
        lanes += load_with(op, parsed.in, parsed.out, WRONG_LANE, false, ISO_E_INVALID,
                           "invalid lane index");
    }
    CHECK_EQ_U64(alignments, 23 + 22);
    CHECK_EQ_U64(lanes, 14 + 8 + 1);
    wasm_fini(&w);
}

TEST(codes_that_are_no_operators_are_malformed)
{
    wasm_init(&w);
    unsigned count = 0;
    for (unsigned code = 0; code < 3 * 0x200; code++) {
        unsigned prefix = code < 0x200 ? 0 : code < 0x400 ? 0xfc : 0xfd;
        unsigned number = code & 0x1ff;
        if (number > 0xff && prefix == 0) {
            continue;
        }
        if (number <= 0xff && *iso_op_name(prefix << 8 | number) != '?') {
            continue;
        }
        if (prefix == 0 && (number == 0xfc || number == 0xfd)) {
            continue;
        }
        struct body body = {.len = 0};
        put(&body, 0);
        if (prefix != 0) {
            put(&body, prefix);
            put_leb(&body, number);
        } else {
            put(&body, number);
        }
        put(&body, ISO_OP_END);
        load(&ops[0], &body, "", ISO_E_MALFORMED, "illegal opcode");
        count++;
    }
    CHECK_EQ_U64(count, 256 - 183 - 2 + 512 - 18 + 512 - 236);
    wasm_fini(&w);
}

TEST(names_of_operators)
{
    CHECK_STR(iso_op_name(ISO_OP_I32_ADD), "i32.add");
    CHECK_STR(iso_op_name(ISO_OP_SELECT_T), "select");
    CHECK_STR(iso_op_name(ISO_OP_I32X4_DOT_I16X8_S), "i32x4.dot_i16x8_s");
    CHECK_STR(iso_op_name(0x06), "?");
    CHECK_STR(iso_op_name(0xfd9a), "?");
}
