/* The script parser of the suite's runner and its comparison of values: a runner that accepts
 * anything would make every suite pass. */
#include "script.h"

#include "base/test.h"

static struct spec_command parse(const char *text)
{
    static char line[SPEC_LINE_MAX];
    static struct spec_command command;
    const char *why = NULL;

    (void)iso_format(line, sizeof line, "%s", text);
    if (!spec_command_parse(line, &command, &why)) {
        TEST_FAIL("\"%s\": %s", text, why);
    }
    return command;
}

static void check_refused(const char *text, const char *reason)
{
    char line[SPEC_LINE_MAX];
    static struct spec_command command;
    const char *why = NULL;

    (void)iso_format(line, sizeof line, "%s", text);
    CHECK(!spec_command_parse(line, &command, &why));
    CHECK_CONTAINS(why, reason);
}

TEST(texts_are_unescaped_with_their_length)
{
    struct spec_command command = parse("action 7 get =%24M =a%00b%20c%25");

    CHECK_EQ_U64(command.line, 7);
    CHECK_STR(command.action.module.ptr, "$M");
    CHECK_EQ_U64(command.action.field.len, 6);
    CHECK_MEM(command.action.field.ptr, "a\0b c%", 6);
}

TEST(absent_and_empty_texts_differ)
{
    struct spec_command command = parse("action 1 invoke - = 0");

    CHECK(command.action.module.ptr == NULL);
    CHECK_STR(command.action.field.ptr, "");
}

TEST(values_of_each_type_become_slots)
{
    struct spec_command command =
        parse("action 1 invoke - =f 6 i32:4294967295 i64:18446744073709551615 f32:1065353216 "
              "v128:i16:1,2,3,4,5,6,7,65535 externref:0 externref:null");
    union iso_slot slots[7];
    uint32_t used = 0;

    for (uint32_t i = 0; i < command.action.arg_count; i++) {
        used += spec_value_to_slots(&command.action.args[i], slots + used);
    }
    CHECK_EQ_U64(used, 7);
    CHECK_EQ_U64(slots[0].u32, UINT32_MAX);
    CHECK_EQ_U64(slots[1].u64, UINT64_MAX);
    CHECK(slots[2].f32 == 1.0f);
    CHECK_MEM(slots[3].bytes, "\1\0\2\0\3\0\4\0", 8);
    CHECK_MEM(slots[4].bytes, "\5\0\6\0\7\0\377\377", 8);
    CHECK_EQ_U64(slots[5].ref, 1);
    CHECK_EQ_U64(slots[6].ref, 0);
}

static bool f32_matches(const char *expected, uint32_t bits)
{
    char text[64];
    struct spec_value actual;
    union iso_slot slot = {.u32 = bits};

    (void)iso_format(text, sizeof text, "assert_return 1 get - =g 1 f32:%s", expected);
    struct spec_command command = parse(text);
    (void)spec_value_from_slots(ISO_TYPE_F32, &slot, &actual);
    return spec_value_matches(&command.expected[0], &actual);
}

TEST(nan_patterns_match_what_they_say)
{
    CHECK(f32_matches("nan:canonical", 0x7fc00000u));
    CHECK(f32_matches("nan:canonical", 0xffc00000u));
    CHECK(!f32_matches("nan:canonical", 0x7fc00001u));
    CHECK(!f32_matches("nan:canonical", 0x7f800000u));
    CHECK(f32_matches("nan:arithmetic", 0x7fc00001u));
    CHECK(!f32_matches("nan:arithmetic", 0x7fa00000u));
    CHECK(!f32_matches("nan:arithmetic", 0));
    CHECK(f32_matches("2147483648", 0x80000000u));
    CHECK(!f32_matches("2147483648", 0));
}

TEST(vector_lanes_have_patterns_of_their_own)
{
    struct spec_command command =
        parse("assert_return 1 invoke - =f 0 1 v128:f64:nan:canonical,4607182418800017408");
    union iso_slot slots[2] = {{.u64 = 0}, {.u64 = 0}};
    struct spec_value actual;

    iso_store_u64le(slots[0].bytes, UINT64_C(0xfff8000000000000));
    iso_store_u64le(slots[1].bytes, UINT64_C(0x3ff0000000000000));
    CHECK_EQ_U64(spec_value_from_slots(ISO_TYPE_V128, slots, &actual), 2);
    CHECK(spec_value_matches(&command.expected[0], &actual));
    iso_store_u64le(slots[1].bytes, UINT64_C(0x3ff0000000000001));
    CHECK_EQ_U64(spec_value_from_slots(ISO_TYPE_V128, slots, &actual), 2);
    CHECK(!spec_value_matches(&command.expected[0], &actual));
}

TEST(types_must_agree)
{
    struct spec_command command = parse("assert_return 1 get - =g 1 i32:0");
    union iso_slot slot = {.u64 = 0};
    struct spec_value actual;

    (void)spec_value_from_slots(ISO_TYPE_F32, &slot, &actual);
    CHECK(!spec_value_matches(&command.expected[0], &actual));
}

TEST(broken_lines_are_refused)
{
    check_refused("assert_wrong 1", "unknown command");
    check_refused("module 1", "missing");
    check_refused("module 1 =a.wasm - extra", "left over");
    check_refused("module 1 a.wasm -", "begin with");
    check_refused("module 1 =a%2 -", "escape");
    check_refused("action 1 call - =f 0", "neither");
    check_refused("action 1 invoke - =f 65", "too many");
    check_refused("action 1 invoke - =f 1 i32:x", "value");
    check_refused("action 1 invoke - =f 1 v128:i32:1,2,3", "value");
    check_refused("action 1 invoke - =f 1 v128:i32:1,2,3,4,5", "value");
    check_refused("action 1 invoke - =f 1 i33:1", "value");
}
