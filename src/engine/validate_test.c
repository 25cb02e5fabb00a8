/* validate_test.c - function bodies: control, variables, tables, memory, messages, depths. */
#include "engine/module_test_support.h"

static struct wasm w;

/* Module of one function; with or without the things that the operators below refer to. */
#define ACCEPT(type, ...)                                                                          \
    do {                                                                                           \
        wasm_clear(&w);                                                                            \
        WASM_FUNC(&w, type, __VA_ARGS__);                                                          \
        CHECK_OK(wasm_load(&w));                                                                   \
    } while (0)
#define REFUSE(err, text, type, ...)                                                               \
    do {                                                                                           \
        wasm_clear(&w);                                                                            \
        WASM_FUNC(&w, type, __VA_ARGS__);                                                          \
        wasm_check_error(&w, err, text);                                                           \
    } while (0)
#define INVALID(text, type, ...) REFUSE(ISO_E_INVALID, text, type, __VA_ARGS__)
#define MALFORMED(text, type, ...) REFUSE(ISO_E_MALFORMED, text, type, __VA_ARGS__)

static uint32_t max_depth(void)
{
    return w.module->funcs[0].max_depth;
}

/* ---- Control ------------------------------------------------------------------------------- */

TEST(blocks_give_their_results)
{
    wasm_init(&w);
    ACCEPT(":i", 0, 0x02, 0x7f, 0x41, 1, 0x0b, 0x0b);
    ACCEPT("i:i", 0, 0x20, 0, 0x04, 0x7f, 0x41, 1, 0x05, 0x41, 2, 0x0b, 0x0b);
    ACCEPT(":", 0, 0x03, 0x40, 0x0b, 0x0b);
    /* Type 0 as a block type: takes i32, gives i32; an if without else may have it. */
    ACCEPT("i:i", 0, 0x20, 0, 0x20, 0, 0x04, 0, 0x0b, 0x0b);
    ACCEPT("i:i", 0, 0x20, 0, 0x03, 0x80, 0x80, 0x00, 0x0b, 0x0b);
    INVALID("type mismatch: end expects i32 but no operand is left", ":i", 0, 0x02, 0x7f, 0x0b,
            0x0b);
    INVALID("type mismatch: end expects i32 but found i64", ":i", 0, 0x42, 0, 0x0b);
    INVALID("type mismatch: end finds 1 more", ":", 0, 0x41, 0, 0x0b);
    INVALID("type mismatch: else expects i32", "i:i", 0, 0x20, 0, 0x04, 0x7f, 0x05, 0x41, 2, 0x0b,
            0x0b);
    INVALID("type mismatch: an if without else", "i:i", 0, 0x20, 0, 0x04, 0x7f, 0x41, 1, 0x0b,
            0x0b);
    INVALID("type mismatch: if expects i32 but found i64", ":", 0, 0x42, 0, 0x04, 0x40, 0x0b, 0x0b);
    INVALID("type mismatch: block expects i32", "i:i", 0, 0x02, 0, 0x0b, 0x0b);
    INVALID("unknown type 1: the module has 1", ":", 0, 0x02, 1, 0x0b, 0x0b);
    MALFORMED("malformed block type 0x6e", ":", 0, 0x02, 0x6e, 0x0b, 0x0b);
    MALFORMED("malformed block type: it is negative", ":", 0, 0x02, 0xff, 0x7f, 0x0b, 0x0b);
    MALFORMED("END opcode expected", ":", 0, 0x05, 0x0b);
    MALFORMED("END opcode expected", ":", 0, 0x02, 0x40, 0x05, 0x0b, 0x0b);
    MALFORMED("END opcode expected", ":", 0, 0x41, 0, 0x04, 0x40, 0x05, 0x05, 0x0b, 0x0b);
    MALFORMED("unexpected end of section or function", ":", 0, 0x01);
    MALFORMED("section size mismatch: 1 bytes", ":", 0, 0x0b, 0x01);
    wasm_fini(&w);
}

TEST(operands_of_outer_blocks_are_out_of_reach)
{
    wasm_init(&w);
    INVALID("type mismatch: i32.eqz expects i32 but no operand is left in this block", ":i", 0,
            0x41, 0, 0x02, 0x7f, 0x45, 0x0b, 0x6a, 0x0b);
    INVALID("type mismatch: drop", ":i", 0, 0x41, 0, 0x02, 0x40, 0x1a, 0x0b, 0x0b);
    wasm_fini(&w);
}

TEST(branches_carry_what_their_label_wants)
{
    wasm_init(&w);
    ACCEPT(":i", 0, 0x41, 0, 0x0c, 0, 0x0b);
    ACCEPT(":i", 0, 0x02, 0x7e, 0x41, 0, 0x0c, 1, 0x0b, 0x1a, 0x41, 0, 0x0b);
    ACCEPT("i:i", 0, 0x20, 0, 0x20, 0, 0x0d, 0, 0x0b);
    /* To a loop: its parameters, none here, not its result. */
    ACCEPT(":i", 0, 0x03, 0x7f, 0x0c, 0, 0x0b, 0x0b);
    /* Others may lie below. */
    ACCEPT(":i", 0, 0x42, 0, 0x41, 0, 0x0c, 0, 0x0b);
    ACCEPT(":i", 0, 0x42, 0, 0x41, 0, 0x0f, 0x0b);
    INVALID("type mismatch: br expects i32", ":i", 0, 0x42, 0, 0x0c, 0, 0x0b);
    INVALID("type mismatch: br_if expects i32 but found f32", ":", 0, 0x43, 0, 0, 0, 0, 0x0d, 0,
            0x0b);
    INVALID("type mismatch: br_if expects i32 but no operand is left", ":i", 0, 0x41, 0, 0x0d, 0,
            0x41, 0, 0x0b);
    INVALID("type mismatch: return expects i32", ":i", 0, 0x0f, 0x0b);
    INVALID("unknown label 1: 1 blocks are open", ":", 0, 0x0c, 1, 0x0b);
    INVALID("unknown label 4294967295", ":", 0, 0x0c, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x0b);
    wasm_fini(&w);
}

TEST(every_target_of_br_table_is_checked)
{
    wasm_init(&w);
    ACCEPT("i:i", 0, 0x41, 5, 0x20, 0, 0x0e, 2, 0, 0, 0, 0x0b);
    INVALID("type mismatch: br_table has targets that expect 0 and 1 operands", "i:i", 0, 0x02,
            0x40, 0x41, 5, 0x20, 0, 0x0e, 1, 0, 1, 0x0b, 0x41, 0, 0x0b);
    INVALID("type mismatch: br_table expects i64 but found i32", "i:i", 0, 0x02, 0x7e, 0x41, 5,
            0x20, 0, 0x0e, 1, 1, 0, 0x0b, 0x1a, 0x41, 0, 0x0b);
    INVALID("unknown label 2", "i:", 0, 0x20, 0, 0x0e, 1, 2, 0, 0x0b);
    INVALID("unknown label 2", "i:", 0, 0x20, 0, 0x0e, 1, 0, 2, 0x0b);
    INVALID("type mismatch: br_table expects i32", "I:", 0, 0x20, 0, 0x0e, 0, 0, 0x0b);
    MALFORMED("unexpected end of section or function", "i:", 0, 0x20, 0, 0x0e, 9, 0, 0, 0x0b);
    /* Unreachable: targets of different types, but as many operands, can all be served. */
    ACCEPT(":i", 0, 0x02, 0x7d, 0x00, 0x0e, 1, 0, 1, 0x0b, 0x1a, 0x41, 0, 0x0b);
    wasm_fini(&w);
}

TEST(unreachable_code_may_pop_what_it_likes)
{
    wasm_init(&w);
    ACCEPT(":i", 0, 0x00, 0x0b);
    ACCEPT(":i", 0, 0x00, 0x6a, 0x0b);
    ACCEPT(":i", 0, 0x00, 0x41, 0, 0x6a, 0x0b);
    ACCEPT(":i", 0, 0x41, 0, 0x0c, 0, 0x1a, 0x1a, 0x0b);
    ACCEPT(":i", 0, 0x41, 0, 0x0f, 0x10, 0, 0x0b);
    ACCEPT(":v", 0, 0x00, 0xfd, 0x6e, 0x0b);
    wasm_fini(&w);
}

TEST(after_a_branch_types_that_are_there_still_count)
{
    wasm_init(&w);
    INVALID("type mismatch: i32.add expects i32 but found i64", ":", 0, 0x00, 0x42, 0, 0x6a, 0x1a,
            0x0b);
    INVALID("type mismatch: end finds 1 more", ":", 0, 0x00, 0x41, 0, 0x0b);
    INVALID("type mismatch: end expects i32 but found i64", ":i", 0, 0x00, 0x42, 0, 0x0b);
    /* The next block is reachable again. */
    INVALID("type mismatch: drop", ":", 0, 0x02, 0x40, 0x00, 0x0b, 0x1a, 0x0b);
    /* br_if gives its label's types also where it found nothing. */
    INVALID("type mismatch", ":", 0, 0x02, 0x7f, 0x00, 0x0d, 0, 0xa7, 0x0b, 0x1a, 0x0b);
    /* An unknown operand chosen by select fits what comes. */
    ACCEPT(":I", 0, 0x00, 0x1b, 0x0b);
    ACCEPT(":I", 0, 0x00, 0x42, 0, 0x41, 0, 0x1b, 0x0b);
    INVALID("type mismatch", ":I", 0, 0x00, 0x43, 0, 0, 0, 0, 0x41, 0, 0x1b, 0x0b);
    ACCEPT(":", 0, 0x00, 0x1b, 0x1a, 0x0b);
    ACCEPT(":i", 0, 0x00, 0xd1, 0x0b);
    wasm_fini(&w);
}

/* ---- Parametric, variables ----------------------------------------------------------------- */

TEST(select_chooses_between_equals)
{
    wasm_init(&w);
    ACCEPT("vvi:v", 0, 0x20, 0, 0x20, 1, 0x20, 2, 0x1b, 0x0b);
    CHECK_EQ_U64(max_depth(), 5);
    ACCEPT("rri:r", 0, 0x20, 0, 0x20, 1, 0x20, 2, 0x1c, 1, 0x70, 0x0b);
    INVALID("type mismatch: select expects numbers or vectors but found funcref", "rri:r", 0, 0x20,
            0, 0x20, 1, 0x20, 2, 0x1b, 0x0b);
    INVALID("type mismatch: select expects two operands of one type but found i32 and f32", "ifi:i",
            0, 0x20, 0, 0x20, 1, 0x20, 2, 0x1b, 0x0b);
    INVALID("type mismatch: select expects i32", "iiI:i", 0, 0x20, 0, 0x20, 1, 0x20, 2, 0x1b, 0x0b);
    INVALID("type mismatch: select expects funcref but found externref", "eri:r", 0, 0x20, 0, 0x20,
            1, 0x20, 2, 0x1c, 1, 0x70, 0x0b);
    INVALID("invalid result arity", "iii:i", 0, 0x20, 0, 0x20, 1, 0x20, 2, 0x1c, 2, 0x7f, 0x7f,
            0x0b);
    INVALID("invalid result arity", "iii:i", 0, 0x20, 0, 0x20, 1, 0x20, 2, 0x1c, 0, 0x0b);
    MALFORMED("malformed value type 0x40", "iii:i", 0, 0x20, 0, 0x20, 1, 0x20, 2, 0x1c, 1, 0x40,
              0x0b);
    wasm_fini(&w);
}

TEST(locals_are_parameters_and_runs)
{
    wasm_init(&w);
    ACCEPT("vi:v", 3, 2, 0x7c, 0, 0x7f, 1, 0x7b, 0x20, 4, 0x22, 0, 0x21, 4, 0x20, 0, 0x0b);
    CHECK_EQ_U64(w.module->funcs[0].local_count, 5);
    CHECK_EQ_U64(w.module->funcs[0].local_slots, 2 + 1 + 2 + 2);
    CHECK_EQ_U64(max_depth(), 2);
    INVALID("unknown local 2: the function has 2", "i:", 1, 1, 0x7f, 0x20, 2, 0x1a, 0x0b);
    INVALID("unknown local 128", ":", 0, 0x20, 0x80, 1, 0x1a, 0x0b);
    INVALID("unknown local 0", ":", 0, 0x00, 0x21, 0, 0x0b);
    INVALID("type mismatch: local.set expects i32 but found i64", "i:", 0, 0x42, 0, 0x21, 0, 0x0b);
    INVALID("type mismatch: local.tee expects v128 but found i32", "v:", 0, 0x41, 0, 0x22, 0, 0x1a,
            0x0b);
    MALFORMED("malformed value type 0x40", ":", 1, 1, 0x40, 0x0b);
    MALFORMED("too many locals", ":", 2, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x7f, 1, 0x7f, 0x0b);
    MALFORMED("unexpected end", ":", 5, 0, 0x7f, 0x0b);
    wasm_fini(&w);
}

TEST(locals_beyond_127_take_the_slow_path)
{
    wasm_init(&w);
    ACCEPT(":I", 2, 0xc8, 1, 0x7f, 2, 0x7e, 0x20, 0xc9, 1, 0x22, 0xc8, 1, 0x21, 0xc9, 1, 0x20, 0xc8,
           1, 0x0b);
    CHECK_EQ_U64(w.module->funcs[0].local_count, 202);
    INVALID("type mismatch: local.set expects i32 but found i64", ":", 2, 0xc8, 1, 0x7f, 2, 0x7e,
            0x20, 0xc9, 1, 0x21, 0xc7, 1, 0x0b);
    wasm_fini(&w);
}

/* ---- Things of the module ------------------------------------------------------------------ */

/* Type 0: the function's; globals: 0 mutable i32, 1 constant v128; tables: 0 funcref, 1 externref;
 * segments: element 0 funcref, 1 externref, data 0. Function 0 is the body, not declared unless
 * `declared`. */
static void put_rich(const char *type, bool declared, const uint8_t *body, size_t len)
{
    wasm_clear(&w);
    wasm_func(&w, type);
    WASM_SECTION(&w, 4, 2, 0x70, 0, 1, 0x6f, 0, 1);
    WASM_SECTION(&w, 5, 1, 0, 1);
    WASM_SECTION(&w, 6, 2, 0x7f, 1, 0x41, 0, 0x0b, 0x7b, 0, 0xfd, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                 0, 0, 0, 0, 0, 0, 0x0b);
    if (declared) {
        WASM_SECTION(&w, 7, 1, 1, 'f', 0, 0);
    }
    WASM_SECTION(&w, 9, 2, 5, 0x70, 1, 0xd0, 0x70, 0x0b, 5, 0x6f, 0);
    WASM_SECTION(&w, 12, 1);
    wasm_code(&w, body, len);
    WASM_SECTION(&w, 11, 1, 1, 1, 'x');
}
#define RICH_ACCEPT(type, ...)                                                                     \
    do {                                                                                           \
        put_rich(type, true, WASM_BYTES(0, __VA_ARGS__, 0x0b));                                    \
        CHECK_OK(wasm_load(&w));                                                                   \
    } while (0)
#define RICH_REFUSE(err, text, type, ...)                                                          \
    do {                                                                                           \
        put_rich(type, true, WASM_BYTES(0, __VA_ARGS__, 0x0b));                                    \
        wasm_check_error(&w, err, text);                                                           \
    } while (0)
#define RICH_INVALID(text, type, ...) RICH_REFUSE(ISO_E_INVALID, text, type, __VA_ARGS__)

TEST(globals_are_read_and_written)
{
    wasm_init(&w);
    RICH_ACCEPT("i:i", 0x20, 0, 0x24, 0, 0x23, 0);
    RICH_ACCEPT(":v", 0x23, 1);
    RICH_INVALID("global is immutable: global.set of global 1", "v:", 0x20, 0, 0x24, 1);
    RICH_INVALID("unknown global 2", ":", 0x23, 2, 0x1a);
    RICH_INVALID("type mismatch: global.set expects i32 but found v128", "v:", 0x20, 0, 0x24, 0);
    wasm_fini(&w);
}

TEST(calls_take_parameters_and_give_results)
{
    wasm_init(&w);
    RICH_ACCEPT("iv:Iv", 0x20, 0, 0x20, 1, 0x10, 0);
    CHECK_EQ_U64(max_depth(), 3);
    RICH_ACCEPT("iv:Iv", 0x20, 0, 0x20, 1, 0x41, 0, 0x11, 0, 0);
    CHECK_EQ_U64(max_depth(), 4);
    RICH_INVALID("unknown function 1", ":", 0x10, 1);
    RICH_INVALID("type mismatch: call expects v128 but found i32", "iv:Iv", 0x20, 0, 0x20, 0, 0x10,
                 0);
    RICH_INVALID("type mismatch: call_indirect expects i32 but found v128", "iv:Iv", 0x20, 0, 0x20,
                 1, 0x11, 0, 0);
    RICH_INVALID("unknown type 1", ":", 0x41, 0, 0x11, 1, 0);
    RICH_INVALID("unknown table 2", ":", 0x41, 0, 0x11, 0, 2);
    RICH_INVALID("type mismatch: call_indirect needs a table of funcref", ":", 0x41, 0, 0x11, 0, 1);
    wasm_fini(&w);
}

TEST(references_name_declared_functions)
{
    wasm_init(&w);
    RICH_ACCEPT(":r", 0xd2, 0);
    RICH_ACCEPT(":e", 0xd0, 0x6f);
    RICH_ACCEPT("e:i", 0x20, 0, 0xd1);
    RICH_INVALID("type mismatch: ref.is_null expects a reference but found i32", "i:i", 0x20, 0,
                 0xd1);
    RICH_INVALID("unknown function 1", ":r", 0xd2, 1);
    RICH_REFUSE(ISO_E_MALFORMED, "malformed reference type 0x7f", ":r", 0xd0, 0x7f);
    put_rich(":r", false, WASM_BYTES(0, 0xd2, 0, 0x0b));
    wasm_check_error(&w, ISO_E_INVALID, "undeclared function reference: function 0");
    wasm_fini(&w);
}

TEST(table_operators_know_the_element_type)
{
    wasm_init(&w);
    RICH_ACCEPT("i:e", 0x20, 0, 0x25, 1);
    RICH_ACCEPT("ir:", 0x20, 0, 0x20, 1, 0x26, 0);
    RICH_ACCEPT("iii:", 0x20, 0, 0x20, 1, 0x20, 2, 0xfc, 12, 0, 0);
    RICH_ACCEPT("iii:", 0x20, 0, 0x20, 1, 0x20, 2, 0xfc, 14, 1, 1);
    RICH_ACCEPT(":", 0xfc, 13, 1);
    RICH_ACCEPT("ei:i", 0x20, 0, 0x20, 1, 0xfc, 15, 1);
    RICH_ACCEPT(":i", 0xfc, 16, 1);
    RICH_ACCEPT("iri:", 0x20, 0, 0x20, 1, 0x20, 2, 0xfc, 17, 0);
    RICH_INVALID("unknown table 2", ":", 0x41, 0, 0x25, 2, 0x1a);
    RICH_INVALID("type mismatch: table.set expects externref but found funcref", "ir:", 0x20, 0,
                 0x20, 1, 0x26, 1);
    RICH_INVALID("type mismatch: table.init of externref into a table of funcref", "iii:", 0x20, 0,
                 0x20, 1, 0x20, 2, 0xfc, 12, 1, 0);
    RICH_INVALID("type mismatch: table.copy of externref into a table of funcref", "iii:", 0x20, 0,
                 0x20, 1, 0x20, 2, 0xfc, 14, 0, 1);
    RICH_INVALID("unknown elem segment 2", ":", 0xfc, 13, 2);
    RICH_INVALID("type mismatch: table.grow expects externref but found funcref", "ri:i", 0x20, 0,
                 0x20, 1, 0xfc, 15, 1);
    RICH_INVALID("type mismatch: table.fill expects i32", "rri:", 0x20, 0, 0x20, 1, 0x20, 2, 0xfc,
                 17, 0);
    wasm_fini(&w);
}

TEST(memory_operators_need_a_memory)
{
    wasm_init(&w);
    RICH_ACCEPT("iii:", 0x20, 0, 0x20, 1, 0x20, 2, 0xfc, 8, 0, 0);
    RICH_ACCEPT("iii:", 0x20, 0, 0x20, 1, 0x20, 2, 0xfc, 10, 0, 0);
    RICH_ACCEPT("iii:", 0x20, 0, 0x20, 1, 0x20, 2, 0xfc, 11, 0);
    RICH_ACCEPT(":", 0xfc, 9, 0);
    RICH_INVALID("unknown data segment 1", ":", 0xfc, 9, 1);
    RICH_INVALID("unknown data segment 1", "iii:", 0x20, 0, 0x20, 1, 0x20, 2, 0xfc, 8, 1, 0);
    RICH_REFUSE(ISO_E_MALFORMED, "zero byte expected after memory.copy", "iii:", 0x20, 0, 0x20, 1,
                0x20, 2, 0xfc, 10, 0, 1);
    RICH_REFUSE(ISO_E_MALFORMED, "zero byte expected after memory.grow", "i:i", 0x20, 0, 0x40, 1);
    RICH_REFUSE(ISO_E_MALFORMED, "malformed memop flags", "i:i", 0x20, 0, 0x28, 32, 0);
    RICH_REFUSE(ISO_E_MALFORMED, "integer too large", "i:i", 0x20, 0, 0x28, 2, 0xff, 0xff, 0xff,
                0xff, 0x7f);
    RICH_ACCEPT("i:i", 0x20, 0, 0x28, 2, 0xff, 0xff, 0xff, 0xff, 0x0f);
    INVALID("unknown memory 0", ":i", 0, 0x3f, 0, 0x0b);
    INVALID("unknown memory 0", "i:i", 0, 0x20, 0, 0x28, 2, 0, 0x0b);
    INVALID("unknown memory 0", "ii:", 0, 0x20, 0, 0x20, 1, 0x36, 2, 0, 0x0b);
    INVALID("unknown memory 0", "i:v", 0, 0x20, 0, 0xfd, 0, 0, 0, 0x0b);
    INVALID("unknown memory 0", "iii:", 0, 0x20, 0, 0x20, 1, 0x20, 2, 0xfc, 11, 0, 0x0b);
    MALFORMED("data count section required for memory.init", "iii:", 0, 0x20, 0, 0x20, 1, 0x20, 2,
              0xfc, 8, 0, 0, 0x0b);
    MALFORMED("data count section required for data.drop", ":", 0, 0xfc, 9, 0, 0x0b);
    wasm_fini(&w);
}

/* ---- Constants ----------------------------------------------------------------------------- */

TEST(constants_of_every_length_are_read)
{
    wasm_init(&w);
    ACCEPT(":i", 0, 0x41, 0xff, 0x7f, 0x1a, 0x41, 0xff, 0xff, 0xff, 0x7f, 0x1a, 0x41, 0x80, 0x80,
           0x80, 0x80, 0x78, 0x0b);
    ACCEPT(":I", 0, 0x42, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f, 0x0b);
    ACCEPT(":F", 0, 0x44, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b);
    MALFORMED("integer too large", ":i", 0, 0x41, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x0b);
    MALFORMED("integer representation too long", ":i", 0, 0x41, 0x80, 0x80, 0x80, 0x80, 0x80, 0,
              0x0b);
    MALFORMED("unexpected end", ":i", 0, 0x41, 0x80, 0x80);
    MALFORMED("unexpected end", ":f", 0, 0x43, 0, 0, 0);
    MALFORMED("unexpected end", ":v", 0, 0xfd, 12, 0, 0, 0);
    wasm_fini(&w);
}

/* ---- Depth, messages, memory --------------------------------------------------------------- */

TEST(depths_count_slots_at_the_highest_point)
{
    wasm_init(&w);
    ACCEPT(":", 0, 0x0b);
    CHECK_EQ_U64(max_depth(), 0);
    ACCEPT("v:", 0, 0x41, 0, 0x20, 0, 0x20, 0, 0x20, 0, 0xfd, 0x52, 0x1a, 0x1a, 0x0b);
    CHECK_EQ_U64(max_depth(), 7);
    /* Block results that appear out of unreachable code. */
    ACCEPT(":iiii", 0, 0x02, 0, 0x00, 0x0b, 0x0b);
    CHECK_EQ_U64(max_depth(), 4);
    wasm_fini(&w);
}

TEST(messages_name_the_place_and_the_function)
{
    wasm_init(&w);
    wasm_func(&w, ":i");
    WASM_SECTION(&w, 7, 1, 6, 'b', 'r', '\n', 'o', 'k', 'e', 0, 0);
    WASM_CODE(&w, 0, 0x01, 0x41, 0, 0x44, 0, 0, 0, 0, 0, 0, 0, 0, 0x6a, 0x0b);
    CHECK_ERR(wasm_load(&w), ISO_E_INVALID);
    CHECK_STR(w.report.text,
              "type mismatch: i32.add expects i32 but found f64, in function 0 (br?oke)");
    CHECK_EQ_U64(w.report.offset, w.bytes.len - 2);
    wasm_clear(&w);
    wasm_func(&w, ":");
    WASM_CODE(&w, 0, 0x41, 0x80, 0x80, 0x80, 0x80, 0x80, 0, 0x0b);
    CHECK_ERR(wasm_load(&w), ISO_E_MALFORMED);
    CHECK_CONTAINS(w.report.text, "integer representation too long");
    CHECK_CONTAINS(w.report.text, ", in function 0");
    /* The first message stays as it is. */
    struct iso_report report;
    iso_report_init(&report);
    iso_report_set(&report, "earlier");
    CHECK_ERR(iso_module_create(w.engine, w.bytes.ptr, w.bytes.len, &w.module, &report),
              ISO_E_MALFORMED);
    CHECK_STR(report.text, "earlier");
    wasm_fini(&w);
}

static void put_nested(struct iso_buf *body, unsigned depth)
{
    CHECK_OK(iso_buf_append_u8(body, 0));
    for (unsigned i = 0; i < depth; i++) {
        CHECK_OK(iso_buf_append(body, WASM_BYTES(0x02, 0x40)));
    }
    for (unsigned i = 0; i <= depth; i++) {
        CHECK_OK(iso_buf_append_u8(body, 0x0b));
    }
}

TEST(blocks_nest_a_hundred_thousand_deep)
{
    wasm_init(&w);
    struct iso_buf body;
    iso_buf_init(&body, iso_alloc_libc(), SIZE_MAX);
    put_nested(&body, 100000);
    wasm_func(&w, ":");
    wasm_code(&w, body.ptr, body.len);
    CHECK_OK(wasm_load(&w));
    iso_buf_fini(&body);
    wasm_fini(&w);
}

TEST(lack_of_memory_in_validation_is_reported)
{
    wasm_init(&w);
    struct iso_buf body;
    iso_buf_init(&body, iso_alloc_libc(), SIZE_MAX);
    CHECK_OK(iso_buf_append(&body, WASM_BYTES(1, 0xe8, 7, 0x7f)));
    for (unsigned i = 0; i < 1000; i++) {
        CHECK_OK(iso_buf_append(&body, WASM_BYTES(0x41, 0, 0x02, 0x40)));
    }
    CHECK_OK(iso_buf_append_u8(&body, 0x00));
    for (unsigned i = 0; i < 1000; i++) {
        CHECK_OK(iso_buf_append(&body, WASM_BYTES(0x0b, 0x1a)));
    }
    CHECK_OK(iso_buf_append_u8(&body, 0x0b));
    wasm_func(&w, ":");
    wasm_code(&w, body.ptr, body.len);
    iso_buf_fini(&body);
    struct iso_alloc_test memory;
    iso_alloc_test_init(&memory);
    const struct iso_engine_config config = {.alloc = &memory.alloc};
    for (uint64_t fail_at = 1;; fail_at++) {
        iso_alloc_test_restart(&memory, fail_at);
        struct iso_engine *engine = NULL;
        struct iso_module *module = NULL;
        enum iso_err err = iso_engine_create(&config, &engine);
        if (err == ISO_OK) {
            err = iso_module_create(engine, w.bytes.ptr, w.bytes.len, &module, NULL);
        }
        iso_module_destroy(module);
        iso_engine_destroy(engine);
        CHECK_EQ_U64(memory.live_bytes, 0);
        if (!memory.failed) {
            CHECK_OK(err);
            /* Operands, blocks and locals each grew at least once. */
            CHECK(fail_at > 12);
            break;
        }
        CHECK_ERR(err, ISO_E_NOMEM);
    }
    wasm_fini(&w);
}

TEST(one_function_is_validated_alone)
{
    wasm_init(&w);
    ACCEPT("i:i", 0, 0x20, 0, 0x0b);
    w.module->funcs[0].max_depth = 99;
    CHECK_OK(iso_validate_func(w.module, 0, &w.report));
    CHECK_EQ_U64(max_depth(), 1);
    wasm_fini(&w);
}
