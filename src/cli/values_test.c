/* WebAssembly values as text: what --invoke accepts, refuses and prints. */
#include "cli/values.h"

#include "base/test.h"

static struct iso_report report;

static union iso_slot parse(enum iso_type type, const char *text)
{
    union iso_slot slots[2] = {{.u64 = 0}, {.u64 = 0}};
    iso_report_init(&report);
    CHECK_OK(iso_cli_value_parse(type, text, slots, &report));
    return slots[0];
}

static void refuse(enum iso_type type, const char *text, enum iso_err err, const char *part)
{
    union iso_slot slots[2];
    iso_report_init(&report);
    CHECK_ERR(iso_cli_value_parse(type, text, slots, &report), err);
    CHECK_CONTAINS(report.text, part);
}

static void check_text(enum iso_type type, union iso_slot value, const char *expected)
{
    char text[ISO_CLI_VALUE_TEXT_MAX];
    union iso_slot slots[2] = {value, {.u64 = 0}};
    CHECK_EQ_U64(iso_cli_value_format(type, slots, text), strlen(expected));
    CHECK_STR(text, expected);
}

TEST(i32)
{
    CHECK_EQ_I64(parse(ISO_TYPE_I32, "42").i32, 42);
    CHECK_EQ_I64(parse(ISO_TYPE_I32, "+42").i32, 42);
    CHECK_EQ_I64(parse(ISO_TYPE_I32, "-1").i32, -1);
    CHECK_EQ_I64(parse(ISO_TYPE_I32, "-2147483648").i32, INT32_MIN);
    CHECK_EQ_U64(parse(ISO_TYPE_I32, "4294967295").u32, UINT32_MAX);
    CHECK_EQ_U64(parse(ISO_TYPE_I32, "0xdead_beef").u32, 0xdeadbeef);
    CHECK_EQ_I64(parse(ISO_TYPE_I32, "-0x80000000").i32, INT32_MIN);

    refuse(ISO_TYPE_I32, "4294967296", ISO_E_LIMIT, "out of range for i32");
    refuse(ISO_TYPE_I32, "-2147483649", ISO_E_LIMIT, "out of range for i32");
    refuse(ISO_TYPE_I32, "", ISO_E_ARGUMENT, "not an i32");
    refuse(ISO_TYPE_I32, "-", ISO_E_ARGUMENT, "not an i32");
    refuse(ISO_TYPE_I32, "--1", ISO_E_ARGUMENT, "not an i32");
    refuse(ISO_TYPE_I32, "1.5", ISO_E_ARGUMENT, "whole number");
    refuse(ISO_TYPE_I32, "ten", ISO_E_ARGUMENT, "whole number");
}

TEST(i64)
{
    CHECK_EQ_I64(parse(ISO_TYPE_I64, "-9223372036854775808").i64, INT64_MIN);
    CHECK_EQ_U64(parse(ISO_TYPE_I64, "18446744073709551615").u64, UINT64_MAX);
    refuse(ISO_TYPE_I64, "18446744073709551616", ISO_E_LIMIT, "out of range for i64");
    refuse(ISO_TYPE_I64, "-9223372036854775809", ISO_E_LIMIT, "out of range for i64");
}

TEST(f32)
{
    CHECK_EQ_U64(parse(ISO_TYPE_F32, "1.5").u32, 0x3fc00000);
    CHECK_EQ_U64(parse(ISO_TYPE_F32, "-0").u32, 0x80000000);
    CHECK_EQ_U64(parse(ISO_TYPE_F32, "0x1p-149").u32, 1);
    CHECK_EQ_U64(parse(ISO_TYPE_F32, "inf").u32, 0x7f800000);
    CHECK_EQ_U64(parse(ISO_TYPE_F32, "-inf").u32, 0xff800000);
    CHECK_EQ_U64(parse(ISO_TYPE_F32, "nan").u32, 0x7fc00000);
    CHECK_EQ_U64(parse(ISO_TYPE_F32, "-nan:0x1").u32, 0xff800001);

    refuse(ISO_TYPE_F32, "1e39", ISO_E_LIMIT, "out of range for f32");
    refuse(ISO_TYPE_F32, "nan:0x0", ISO_E_ARGUMENT, "not an f32");
    refuse(ISO_TYPE_F32, "nan:0x800000", ISO_E_ARGUMENT, "not an f32");
    refuse(ISO_TYPE_F32, "nan(1)", ISO_E_ARGUMENT, "not an f32");
    refuse(ISO_TYPE_F32, "infinity", ISO_E_ARGUMENT, "not an f32");
    refuse(ISO_TYPE_F32, " 1", ISO_E_ARGUMENT, "not an f32");
    refuse(ISO_TYPE_F32, "1,5", ISO_E_ARGUMENT, "such as 1.5");
    refuse(ISO_TYPE_F32, "1.5e", ISO_E_ARGUMENT, "not an f32");
    refuse(ISO_TYPE_F32, "", ISO_E_ARGUMENT, "not an f32");
    refuse(ISO_TYPE_F32, "+-1", ISO_E_ARGUMENT, "not an f32");
}

TEST(f64)
{
    CHECK_EQ_F64(parse(ISO_TYPE_F64, "-2.5e-3").f64, -2.5e-3);
    CHECK_EQ_F64(parse(ISO_TYPE_F64, "0x1.8p1").f64, 3.0);
    CHECK_EQ_U64(parse(ISO_TYPE_F64, "nan").u64, UINT64_C(0x7ff8000000000000));
    CHECK_EQ_U64(parse(ISO_TYPE_F64, "-inf").u64, UINT64_C(0xfff0000000000000));
    refuse(ISO_TYPE_F64, "1e309", ISO_E_LIMIT, "out of range for f64");
    refuse(ISO_TYPE_F64, "pi", ISO_E_ARGUMENT, "not an f64");
}

TEST(v128_and_references)
{
    union iso_slot slots[2];
    char text[ISO_CLI_VALUE_TEXT_MAX];
    CHECK_OK(iso_cli_value_parse(ISO_TYPE_V128, "0x0f0e0d0c0b0a09080706050403020100", slots, NULL));
    for (unsigned i = 0; i < 16; i++) {
        CHECK_EQ_U64(slots[i / 8].bytes[i % 8], i);
    }
    (void)iso_cli_value_format(ISO_TYPE_V128, slots, text);
    CHECK_STR(text, "0x0f0e0d0c0b0a09080706050403020100");
    CHECK_OK(iso_cli_value_parse(ISO_TYPE_V128, "0x1FF", slots, NULL));
    CHECK_EQ_U64(slots[0].bytes[0], 0xff);
    CHECK_EQ_U64(slots[0].bytes[1], 1);
    refuse(ISO_TYPE_V128, "5", ISO_E_ARGUMENT, "not a v128");
    refuse(ISO_TYPE_V128, "0x", ISO_E_ARGUMENT, "not a v128");
    refuse(ISO_TYPE_V128, "0x000000000000000000000000000000001", ISO_E_ARGUMENT, "1 to 32");

    CHECK_EQ_U64(parse(ISO_TYPE_FUNCREF, "null").ref, 0);
    CHECK_EQ_U64(parse(ISO_TYPE_EXTERNREF, "null").ref, 0);
    refuse(ISO_TYPE_EXTERNREF, "1", ISO_E_ARGUMENT, "only null");
    check_text(ISO_TYPE_FUNCREF, (union iso_slot){.ref = 0}, "null");
    check_text(ISO_TYPE_FUNCREF, (union iso_slot){.ref = 5}, "ref");
}

TEST(results_as_text)
{
    check_text(ISO_TYPE_I32, (union iso_slot){.u32 = UINT32_MAX}, "-1");
    check_text(ISO_TYPE_I64, (union iso_slot){.i64 = INT64_MIN}, "-9223372036854775808");
    check_text(ISO_TYPE_F32, (union iso_slot){.f32 = 0.1f}, "0.1");
    check_text(ISO_TYPE_F32, (union iso_slot){.f32 = 16777216.0f}, "16777216");
    check_text(ISO_TYPE_F32, (union iso_slot){.u32 = 0x7fc00000}, "nan");
    check_text(ISO_TYPE_F32, (union iso_slot){.u32 = 0xff800001}, "-nan:0x1");
    check_text(ISO_TYPE_F32, (union iso_slot){.u32 = 0xff800000}, "-inf");
    check_text(ISO_TYPE_F64, (union iso_slot){.f64 = 0.1}, "0.1");
    check_text(ISO_TYPE_F64, (union iso_slot){.u64 = UINT64_C(0x7ff0000000000000)}, "inf");
    check_text(ISO_TYPE_F64, (union iso_slot){.u64 = UINT64_C(0x7ff8000000000000)}, "nan");
}

TEST(results_read_back)
{
    static const uint32_t patterns[] = {1,          0x007fffff, 0x3f800001, 0x4b7fffff,
                                        0x7f7fffff, 0x80000001, 0xc0490fdb};
    char text[ISO_CLI_VALUE_TEXT_MAX];
    for (size_t i = 0; i < ISO_COUNT_OF(patterns); i++) {
        union iso_slot slot = {.u32 = patterns[i]};
        (void)iso_cli_value_format(ISO_TYPE_F32, &slot, text);
        CHECK_EQ_U64(parse(ISO_TYPE_F32, text).u32, patterns[i]);
    }
}

TEST(function_types)
{
    static const uint8_t two[] = {ISO_TYPE_I32, ISO_TYPE_F64};
    struct iso_func_type type = {.params = two, .param_count = 2, .results = two};
    char text[64];
    iso_cli_func_type_format(&type, text, sizeof text);
    CHECK_STR(text, "(i32, f64) -> ()");
    type.result_count = 1;
    iso_cli_func_type_format(&type, text, sizeof text);
    CHECK_STR(text, "(i32, f64) -> i32");
    type.result_count = 2;
    type.param_count = 0;
    iso_cli_func_type_format(&type, text, sizeof text);
    CHECK_STR(text, "() -> (i32, f64)");
    iso_cli_func_type_format(&type, text, 6);
    CHECK_STR(text, "() ->");
}
