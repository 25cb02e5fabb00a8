/* Values: equality, the check of each kind with the path of what is wrong, copies. */
#include "base/test.h"
#include "codec/type_test_support.h"

#include <math.h>

static void check_bad(const struct iso_vtype *type, struct iso_value value, const char *message)
{
    iso_report_init(&iso_test_report);
    CHECK_ERR(iso_value_check(type, &value, &iso_test_report), ISO_E_ARGUMENT);
    CHECK_STR(iso_test_report.text, message);
    CHECK_ERR(iso_value_check(type, &value, NULL), ISO_E_ARGUMENT);
}

static void check_good(const struct iso_vtype *type, struct iso_value value)
{
    iso_report_init(&iso_test_report);
    CHECK_OK(iso_value_check(type, &value, &iso_test_report));
    CHECK(!iso_test_report.set);
}

TEST(integers_are_checked_against_their_ranges)
{
    static const struct {
        enum iso_vkind kind;
        int64_t min, max;
    } rows[] = {
        {ISO_V_S8, -128, 127}, {ISO_V_S16, -32768, 32767}, {ISO_V_S32, INT32_MIN, INT32_MAX},
        {ISO_V_U8, 0, 255},    {ISO_V_U16, 0, 65535},      {ISO_V_U32, 0, UINT32_MAX}};
    for (size_t i = 0; i < ISO_COUNT_OF(rows); i++) {
        const struct iso_vtype *type = iso_vtype_primitive(rows[i].kind);
        check_good(type, (struct iso_value){.s = rows[i].min});
        check_good(type, (struct iso_value){.s = rows[i].max});
        struct iso_value above = {.s = rows[i].max + 1}, below = {.s = rows[i].min - 1};
        CHECK_ERR(iso_value_check(type, &above, NULL), ISO_E_ARGUMENT);
        CHECK_ERR(iso_value_check(type, &below, NULL), ISO_E_ARGUMENT);
    }
    check_bad(ISO_TEST_U8, (struct iso_value){.u = 300},
              "value: expected u8 (0 to 255), found 300");
    check_bad(iso_vtype_primitive(ISO_V_S8), (struct iso_value){.s = -129},
              "value: expected s8 (-128 to 127), found -129");
    check_good(ISO_TEST_U64, (struct iso_value){.u = UINT64_MAX});
    check_good(iso_vtype_primitive(ISO_V_S64), (struct iso_value){.s = INT64_MIN});
}

TEST(characters_and_strings_are_checked)
{
    const struct iso_vtype *character = iso_vtype_primitive(ISO_V_CHAR);
    check_good(character, (struct iso_value){.character = 0xd7ff});
    check_good(character, (struct iso_value){.character = 0x10ffff});
    check_bad(character, (struct iso_value){.character = 0xd800},
              "value: expected char (a Unicode scalar value), found 0xd800");
    check_bad(character, (struct iso_value){.character = 0xdfff},
              "value: expected char (a Unicode scalar value), found 0xdfff");
    check_bad(character, (struct iso_value){.character = 0x110000},
              "value: expected char (a Unicode scalar value), found 0x110000");
    check_good(ISO_TEST_STRING, (struct iso_value){.string = {NULL, 0}});
    check_bad(ISO_TEST_STRING, (struct iso_value){.string = iso_str_from("\xc0\x80", 2)},
              "value: expected string, found bytes that are not UTF-8");
}

TEST(wrong_parts_are_named_by_their_path)
{
    iso_test_begin();
    const struct iso_vtype *list = iso_test_of(&iso_test_arena, ISO_V_LIST, ISO_TEST_U16);
    const struct iso_vtype *frame = iso_test_type(&iso_test_arena, ISO_V_RECORD, "frame", "width",
                                                  ISO_TEST_U32, "pixels", list, (char *)NULL);
    const struct iso_value pixels[4] = {{.u = 1}, {.u = 2}, {.u = 3}, {.u = 70000}};
    struct iso_value fields[2] = {{.u = 640}, {.list = {pixels, 4}}};
    struct iso_value value = {.list = {fields, 2}};
    check_bad(frame, value, "pixels[3]: expected u16 (0 to 65535), found 70000");
    struct iso_wit_param param = {.name = iso_str_from_z("frame"), .type = frame};
    iso_report_init(&iso_test_report);
    CHECK_ERR(iso_value_check_param(&param, &value, &iso_test_report), ISO_E_ARGUMENT);
    CHECK_STR(iso_test_report.text, "frame.pixels[3]: expected u16 (0 to 65535), found 70000");
    fields[1].list.count = 3;
    check_good(frame, value);
    CHECK_OK(iso_value_check_param(&param, &value, NULL));
    check_bad(iso_test_of(&iso_test_arena, ISO_V_LIST, frame),
              (struct iso_value){.list = {(struct iso_value[]){{.list = {fields, 1}}}, 1}},
              "value[0]: expected record frame, found 1 items");
    check_bad(list, (struct iso_value){.list = {NULL, 1}},
              "value: expected list<u16>, found items that are not there");
    check_good(list, (struct iso_value){.list = {NULL, 0}});
    iso_test_end();
}

TEST(cases_and_flags_are_checked)
{
    static const uint32_t none = 0, all = 7, more = 8;
    const struct iso_value big = {.u = 256};
    iso_test_begin();
    const struct iso_vtype *option = iso_test_of(&iso_test_arena, ISO_V_OPTION, ISO_TEST_U8);
    const struct iso_vtype *variant = iso_test_type(&iso_test_arena, ISO_V_VARIANT, "v", "a",
                                                    ISO_TEST_NONE, "b", ISO_TEST_U8, (char *)NULL);
    const struct iso_vtype *result = iso_test_type(&iso_test_arena, ISO_V_RESULT, NULL, "",
                                                   ISO_TEST_U8, "", ISO_TEST_U8, (char *)NULL);
    const struct iso_vtype *flags = iso_test_many(&iso_test_arena, ISO_V_FLAGS, 3, NULL);
    const struct iso_vtype *kind = iso_test_type(&iso_test_arena, ISO_V_ENUM, "kind", "x",
                                                 ISO_TEST_NONE, "y", ISO_TEST_NONE, (char *)NULL);
    check_good(option, (struct iso_value){.choice = {NULL, 0}});
    check_bad(option, (struct iso_value){.choice = {&big, 1}},
              "some: expected u8 (0 to 255), found 256");
    check_bad(option, (struct iso_value){.choice = {NULL, 1}},
              "value: expected option<u8>, found a case without its payload");
    check_bad(variant, (struct iso_value){.choice = {&big, 0}},
              "value: expected variant v, found a payload "
              "where the case has none");
    check_bad(variant, (struct iso_value){.choice = {NULL, 2}},
              "value: expected variant v, found case number 2");
    check_bad(variant, (struct iso_value){.choice = {&big, 1}},
              "b: expected u8 (0 to 255), found 256");
    check_bad(result, (struct iso_value){.choice = {&big, 0}},
              "ok: expected u8 (0 to 255), found 256");
    check_bad(result, (struct iso_value){.choice = {&big, 1}},
              "error: expected u8 (0 to 255), found 256");
    check_good(kind, (struct iso_value){.u = 1});
    check_bad(kind, (struct iso_value){.u = 2},
              "value: expected enum kind (one of \"x\", \"y\"), found case number 2");
    check_good(flags, (struct iso_value){.flags = &none});
    check_good(flags, (struct iso_value){.flags = &all});
    CHECK_ERR(iso_value_check(flags, &(struct iso_value){.flags = &more}, &iso_test_report),
              ISO_E_ARGUMENT);
    CHECK_ERR(iso_value_check(flags, &(struct iso_value){.flags = NULL}, &iso_test_report),
              ISO_E_ARGUMENT);
    iso_test_end();
}

TEST(floats_are_equal_by_bits_but_for_nan)
{
    static const double values[] = {0.0,        -0.0, 1.0, (double)INFINITY, -(double)INFINITY,
                                    (double)NAN};
    for (size_t i = 0; i < ISO_COUNT_OF(values); i++) {
        for (size_t k = 0; k < ISO_COUNT_OF(values); k++) {
            struct iso_value a = {.f64 = values[i]}, b = {.f64 = values[k]};
            CHECK(iso_value_equal(ISO_TEST_F64, &a, &b) == (i == k));
            a = (struct iso_value){.f32 = (float)values[i]};
            b = (struct iso_value){.f32 = (float)values[k]};
            CHECK(iso_value_equal(ISO_TEST_F32, &a, &b) == (i == k));
        }
    }
    uint64_t bits = UINT64_C(0xfff0000000000001);
    struct iso_value a = {.f64 = (double)NAN}, b = {.u = 0};
    memcpy(&b.f64, &bits, sizeof bits);
    CHECK(iso_value_equal(ISO_TEST_F64, &a, &b));
}

TEST(copies_do_not_share_memory)
{
    char text[] = "text";
    uint8_t bytes[] = {1, 2, 3};
    iso_test_begin();
    const struct iso_vtype *byte_list = iso_test_of(&iso_test_arena, ISO_V_LIST, ISO_TEST_U8);
    const struct iso_vtype *tuple = iso_test_type(&iso_test_arena, ISO_V_TUPLE, NULL, "",
                                                  ISO_TEST_STRING, "", byte_list, (char *)NULL);
    const struct iso_value items[] = {{.string = iso_str_from_z(text)},
                                      {.bytes = iso_bytes_from(bytes, sizeof bytes)}};
    const struct iso_value value = {.list = {items, 2}};
    struct iso_value copy;
    CHECK_OK(iso_value_copy(tuple, &value, &iso_test_arena, &copy));
    CHECK(iso_value_equal(tuple, &value, &copy));
    text[0] = 'n';
    CHECK(!iso_value_equal(tuple, &value, &copy));
    text[0] = 't';
    bytes[2] = 9;
    CHECK(!iso_value_equal(tuple, &value, &copy));
    CHECK(iso_str_equal_z(copy.list.items[0].string, "text"));
    CHECK_EQ_U64(copy.list.items[1].bytes.ptr[2], 3);
    iso_test_end();
}

TEST(a_value_weighs_what_it_points_to)
{
    iso_test_begin();
    const struct iso_value bytes = {.bytes = iso_bytes_from("abcdef", 6)};
    const struct iso_value text = {.string = iso_str_from_z("four")};
    const struct iso_vtype *list = iso_test_of(&iso_test_arena, ISO_V_LIST, ISO_TEST_U8);
    const struct iso_vtype *numbers = iso_test_of(&iso_test_arena, ISO_V_LIST, ISO_TEST_U64);
    const struct iso_vtype *texts = iso_test_of(&iso_test_arena, ISO_V_LIST, ISO_TEST_STRING);
    const struct iso_vtype *option = iso_test_of(&iso_test_arena, ISO_V_OPTION, ISO_TEST_STRING);
    const struct iso_vtype *frame =
        iso_test_type(&iso_test_arena, ISO_V_RECORD, "frame", "width", ISO_TEST_U32, "pixels", list,
                      "name", option, NULL);
    CHECK_EQ_U64(iso_value_weight(ISO_TEST_U16, &(struct iso_value){.u = 7}), 2);
    CHECK_EQ_U64(iso_value_weight(ISO_TEST_STRING, &text), 8 + 4);
    CHECK_EQ_U64(iso_value_weight(list, &bytes), 8 + 6);
    const struct iso_value three[] = {{.u = 1}, {.u = 2}, {.u = 3}};
    CHECK_EQ_U64(iso_value_weight(numbers, &(struct iso_value){.list = {three, 3}}), 8 + 3 * 8);
    const struct iso_value two[] = {text, text};
    CHECK_EQ_U64(iso_value_weight(texts, &(struct iso_value){.list = {two, 2}}), 8 + 2 * (8 + 4));
    const struct iso_value parts[] = {{.u = 3}, bytes, {.choice = {&text, 1}}};
    CHECK_EQ_U64(iso_value_weight(frame, &(struct iso_value){.list = {parts, 3}}),
                 4 + 8 + 12 + 6 + 4);
    const struct iso_value without[] = {{.u = 3}, bytes, {.choice = {NULL, 0}}};
    CHECK_EQ_U64(iso_value_weight(frame, &(struct iso_value){.list = {without, 3}}),
                 4 + 8 + 12 + 6);
    iso_test_end();
}
