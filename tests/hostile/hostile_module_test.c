/* Modules that want too much of the decoder, the validator or the translator: each is refused
 * within its limits with a clear error, or works, and the process lives. */
#include "rig.h"

/* ---- Counts ------------------------------------------------------------------------------ */

TEST(a_count_larger_than_the_section_is_refused_without_allocating_for_it)
{
    static const enum wasm_section_id ids[] = {
        WASM_TYPE,   WASM_IMPORT, WASM_FUNCTION, WASM_TABLE, WASM_MEMORY,
        WASM_GLOBAL, WASM_EXPORT, WASM_ELEMENT,  WASM_CODE,  WASM_DATA};

    for (size_t i = 0; i < ISO_COUNT_OF(ids); i++) {
        struct iso_buf content = wasm_buf();
        struct rig rig;

        wasm_u32(&content, UINT32_MAX);
        rig_init(&rig);
        rig.memory.max_bytes = 1 << 20;
        enum iso_err err = rig_module(&rig, rig_one_section(ids[i], content));
        CHECK(err == ISO_E_MALFORMED || err == ISO_E_LIMIT);
        CHECK(rig.report.set);
        rig_fini(&rig);
    }
}

TEST(a_section_beyond_the_end_of_the_module_is_malformed)
{
    struct iso_buf module = wasm_buf();

    wasm_header(&module);
    wasm_u8(&module, WASM_TYPE);
    wasm_u32(&module, UINT32_MAX);
    rig_check_refused(module, ISO_E_MALFORMED, "");
}

TEST(more_types_than_the_limit_are_refused)
{
    struct iso_buf content = wasm_buf();

    wasm_u32(&content, ISO_MAX_TYPES + 1);
    for (uint32_t i = 0; i <= ISO_MAX_TYPES; i++) {
        wasm_literal(&content, "\x60\0\0");
    }
    rig_check_refused(rig_one_section(WASM_TYPE, content), ISO_E_LIMIT, "type");
}

TEST(more_parameters_than_the_limit_are_refused)
{
    struct iso_buf content = wasm_buf();

    wasm_literal(&content, "\1\x60");
    wasm_u32(&content, ISO_MAX_PARAMS + 1);
    wasm_fill(&content, ISO_TYPE_I32, ISO_MAX_PARAMS + 1);
    wasm_u8(&content, 0);
    rig_check_refused(rig_one_section(WASM_TYPE, content), ISO_E_LIMIT, "param");
}

TEST(more_results_than_the_limit_are_refused)
{
    struct iso_buf content = wasm_buf();

    wasm_literal(&content, "\1\x60\0");
    wasm_u32(&content, ISO_MAX_RESULTS + 1);
    wasm_fill(&content, ISO_TYPE_I32, ISO_MAX_RESULTS + 1);
    rig_check_refused(rig_one_section(WASM_TYPE, content), ISO_E_LIMIT, "result");
}

TEST(a_name_longer_than_the_limit_is_refused)
{
    struct iso_buf content = wasm_buf();

    wasm_u8(&content, 1);
    wasm_u32(&content, ISO_MAX_STRING_BYTES + 1);
    wasm_fill(&content, 'a', ISO_MAX_STRING_BYTES + 1);
    wasm_literal(&content, "\0\0\0");
    rig_check_refused(rig_one_section(WASM_IMPORT, content), ISO_E_LIMIT, "");
}

TEST(more_custom_sections_than_the_limit_are_refused)
{
    struct iso_buf module = wasm_buf();

    wasm_header(&module);
    for (uint32_t i = 0; i < ISO_MAX_CUSTOM_SECTIONS + 100; i++) {
        wasm_literal(&module, "\0\1\0");
    }
    rig_check_refused(module, ISO_E_LIMIT, "custom");
}

TEST(two_hundred_thousand_exports_are_checked_for_duplicates_quickly)
{
    enum { COUNT = 200000 };
    struct iso_buf module = wasm_buf();
    struct iso_buf content = wasm_buf();
    char name[16];
    struct rig rig;

    wasm_header(&module);
    wasm_literal(&content, "\1\0\1");
    wasm_section(&module, WASM_MEMORY, &content);
    wasm_u32(&content, COUNT + 1);
    for (uint32_t i = 0; i <= COUNT; i++) {
        /* The last name is the first one again. */
        (void)iso_format(name, sizeof name, "m%u", (unsigned)(i % COUNT));
        wasm_name(&content, name);
        wasm_literal(&content, "\2\0");
    }
    wasm_section(&module, WASM_EXPORT, &content);
    rig_init(&rig);
    CHECK_ERR(rig_module(&rig, module), ISO_E_INVALID);
    CHECK_CONTAINS(rig.report.text, "duplicate");
    rig_fini(&rig);
}

/* ---- Function bodies ----------------------------------------------------------------------- */

/* A function with `count` further locals of a type, that returns 7. */
static struct iso_buf module_with_locals(uint32_t count, enum iso_type type)
{
    struct iso_buf body = wasm_buf();

    wasm_u8(&body, 1);
    wasm_u32(&body, count);
    wasm_u8(&body, (uint8_t)type);
    wasm_literal(&body, "\x41\x07\x0b");
    return wasm_module_of("", "\x7f", -1, &body);
}

TEST(as_many_locals_as_the_limit_work)
{
    struct rig rig;
    uint32_t result = 0;

    rig_init(&rig);
    rig_instance(&rig, module_with_locals(ISO_MAX_LOCALS, ISO_TYPE_I64), NULL);
    CHECK_OK(rig_call(&rig, 0, &result));
    CHECK_EQ_U64(result, 7);
    rig_fini(&rig);
}

TEST(one_local_more_than_the_limit_is_refused)
{
    rig_check_refused(module_with_locals(ISO_MAX_LOCALS + 1, ISO_TYPE_I32), ISO_E_LIMIT, "locals");
}

TEST(four_billion_locals_are_refused)
{
    struct iso_buf body = wasm_buf();
    struct rig rig;

    wasm_u8(&body, 2);
    for (int group = 0; group < 2; group++) {
        wasm_u32(&body, UINT32_MAX);
        wasm_u8(&body, ISO_TYPE_I32);
    }
    wasm_u8(&body, 0x0b);
    rig_init(&rig);
    enum iso_err err = rig_module(&rig, wasm_module_of("", "", -1, &body));
    CHECK(err == ISO_E_MALFORMED ||
          err == ISO_E_LIMIT); /* "too many locals" in the specification */
    CHECK_CONTAINS(rig.report.text, "locals");
    rig_fini(&rig);
}

/* 40,000 vectors take 80,000 slots: the last is set to (arg, ...) by a splat and read back. */
TEST(a_function_with_more_than_65535_slots_of_locals_works)
{
    enum { COUNT = 40000 };
    struct iso_buf body = wasm_buf();
    struct rig rig;
    uint32_t result = 0;

    wasm_u8(&body, 1);
    wasm_u32(&body, COUNT);
    wasm_u8(&body, ISO_TYPE_V128);
    wasm_literal(&body, "\x20\0\xfd\x11\x21"); /* local.get 0, i32x4.splat, local.set */
    wasm_u32(&body, COUNT);                    /* the last: the parameter is local 0 */
    wasm_u8(&body, 0x20);
    wasm_u32(&body, COUNT);
    wasm_literal(&body, "\xfd\x1b\x03"); /* i32x4.extract_lane 3 */
    wasm_u8(&body, 0x20);
    wasm_u32(&body, COUNT - 1);
    wasm_literal(&body, "\xfd\x1b\x03\x6a\x0b"); /* plus a lane of another local, which is 0 */
    rig_init(&rig);
    rig_instance(&rig, wasm_module_of("\x7f", "\x7f", -1, &body), NULL);
    CHECK_OK(rig_call(&rig, 123456, &result));
    CHECK_EQ_U64(result, 123456);
    rig_fini(&rig);
}

/* 70,000 operands that are all computed at run time, then summed. */
TEST(an_operand_stack_of_more_than_65535_slots_works)
{
    enum { COUNT = 70000 };
    struct iso_buf body = rig_body_begin();
    struct rig rig;
    uint32_t result = 0;

    for (uint32_t i = 0; i < COUNT; i++) {
        wasm_literal(&body, "\x20\0\x67"); /* i32.clz: not foldable into its consumer */
    }
    wasm_fill(&body, 0x6a, COUNT - 1);
    wasm_u8(&body, 0x0b);
    rig_init(&rig);
    rig_instance(&rig, wasm_module_of("\x7f", "\x7f", -1, &body), NULL);
    CHECK_OK(rig_call(&rig, 1, &result));
    CHECK_EQ_U64(result, 31u * COUNT);
    rig_fini(&rig);
}

static struct iso_buf module_with_blocks(uint32_t depth)
{
    struct iso_buf body = rig_body_begin();

    for (uint32_t i = 0; i < depth; i++) {
        wasm_literal(&body, "\x02\x40");
    }
    wasm_fill(&body, 0x0b, depth);
    wasm_literal(&body, "\x41\x07\x0b");
    return wasm_module_of("", "\x7f", -1, &body);
}

TEST(a_hundred_thousand_nested_blocks_work)
{
    struct rig rig;
    uint32_t result = 0;

    rig_init(&rig);
    rig_instance(&rig, module_with_blocks(100000), NULL);
    CHECK_OK(rig_call(&rig, 0, &result));
    CHECK_EQ_U64(result, 7);
    rig_fini(&rig);
}

TEST(more_nested_blocks_than_the_limit_are_refused)
{
    rig_check_refused(module_with_blocks(ISO_MAX_BLOCK_DEPTH + 1), ISO_E_LIMIT, "nest");
}

/* From the innermost of 100,000 loops out to the outermost block. */
TEST(a_branch_out_of_a_hundred_thousand_blocks_works)
{
    enum { DEPTH = 100000 };
    struct iso_buf body = rig_body_begin();
    struct rig rig;
    uint32_t result = 0;

    for (uint32_t i = 0; i < DEPTH; i++) {
        wasm_bytes(&body, i == 0 ? "\x02\x40" : "\x03\x40", 2);
    }
    wasm_u8(&body, 0x0c);
    wasm_u32(&body, DEPTH - 1);
    wasm_fill(&body, 0x0b, DEPTH);
    wasm_literal(&body, "\x41\x07\x0b");
    rig_init(&rig);
    rig_instance(&rig, wasm_module_of("", "\x7f", -1, &body), NULL);
    CHECK_OK(rig_call(&rig, 0, &result));
    CHECK_EQ_U64(result, 7);
    rig_fini(&rig);
}

/* br_table with `count` stated targets of which `given` follow. */
static struct iso_buf module_with_br_table(uint32_t count, uint32_t given)
{
    struct iso_buf body = rig_body_begin();

    wasm_literal(&body, "\x02\x40\x20\0\x0e");
    wasm_u32(&body, count);
    wasm_fill(&body, 0, given);
    wasm_literal(&body, "\0\x0b\x41\x07\x0b");
    return wasm_module_of("\x7f", "\x7f", -1, &body);
}

TEST(a_br_table_of_four_billion_targets_is_refused)
{
    struct rig rig;

    rig_init(&rig);
    enum iso_err err = rig_module(&rig, module_with_br_table(UINT32_MAX, 10));
    CHECK(err == ISO_E_MALFORMED || err == ISO_E_LIMIT);
    CHECK(rig.report.set);
    rig_fini(&rig);
}

TEST(a_br_table_beyond_the_limit_is_refused)
{
    rig_check_refused(module_with_br_table(ISO_MAX_BR_TABLE + 1, ISO_MAX_BR_TABLE + 1), ISO_E_LIMIT,
                      "targets");
}

TEST(a_br_table_of_half_a_million_targets_works)
{
    struct rig rig;
    uint32_t result = 0;

    rig_init(&rig);
    rig_instance(&rig, module_with_br_table(500000, 500000), NULL);
    CHECK_OK(rig_call(&rig, 499999, &result));
    CHECK_EQ_U64(result, 7);
    CHECK_OK(rig_call(&rig, UINT32_MAX, &result));
    CHECK_EQ_U64(result, 7);
    rig_fini(&rig);
}

/* br_table to labels that take many values: every target copies them, 1,000 values by 20,000
 * targets would be 20 million moves if each were spelled out. */
TEST(a_br_table_that_carries_many_values_stays_within_memory)
{
    enum { VALUES = 900, TARGETS = 20000 };
    struct iso_buf module = wasm_buf();
    struct iso_buf content = wasm_buf();
    struct iso_buf body = rig_body_begin();
    struct rig rig;

    wasm_header(&module);
    wasm_literal(&content, "\2\x60\1\x7f\1\x7f\x60\0");
    wasm_u32(&content, VALUES);
    wasm_fill(&content, ISO_TYPE_I32, VALUES);
    wasm_section(&module, WASM_TYPE, &content);
    wasm_literal(&content, "\1\0");
    wasm_section(&module, WASM_FUNCTION, &content);
    wasm_literal(&content, "\1\1f\0\0");
    wasm_section(&module, WASM_EXPORT, &content);
    wasm_literal(&body, "\x41\0\x02\1"); /* a value below, so that branches have to move */
    for (uint32_t i = 0; i <= VALUES; i++) {
        wasm_literal(&body, "\x20\0");
    }
    wasm_u8(&body, 0x0e);
    wasm_u32(&body, TARGETS);
    wasm_fill(&body, 0, TARGETS + 1);
    wasm_u8(&body, 0x0b);
    wasm_fill(&body, 0x6a, VALUES);
    wasm_u8(&body, 0x0b);
    wasm_u32(&content, 1);
    wasm_body(&content, &body);
    wasm_section(&module, WASM_CODE, &content);

    uint32_t result = 0;
    rig_init(&rig);
    rig_instance(&rig, module, NULL);
    CHECK_OK(rig_call(&rig, 3, &result));
    CHECK_EQ_U64(result, 3u * VALUES);
    rig_fini(&rig);
}

TEST(a_body_larger_than_the_limit_is_refused)
{
    struct iso_buf body = rig_body_begin();

    wasm_fill(&body, 0x01, ISO_MAX_FUNC_BYTES);
    wasm_u8(&body, 0x0b);
    rig_check_refused(wasm_module_of("", "", -1, &body), ISO_E_LIMIT, "");
}

TEST(a_function_that_only_drops_unreachable_values_validates_quickly)
{
    enum { COUNT = 1000000 };
    struct iso_buf body = rig_body_begin();
    struct rig rig;
    uint32_t result = 0;

    wasm_u8(&body, 0x00);
    wasm_fill(&body, 0x1a, COUNT);
    wasm_u8(&body, 0x0b);
    rig_init(&rig);
    rig_instance(&rig, wasm_module_of("", "", -1, &body), NULL);
    CHECK_ERR(rig_call(&rig, 0, &result), ISO_E_TRAP);
    CHECK(iso_store_trap(rig.store)->kind == ISO_TRAP_UNREACHABLE);
    rig_fini(&rig);
}
