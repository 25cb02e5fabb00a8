/* JSON: what each type reads and writes, and every refusal with its path and words. */
#include "base/test.h"
#include "codec/codec.h"
#include "codec/type_test_support.h"

static struct iso_bytes bytes_of(const char *text)
{
    return iso_bytes_from(text, strlen(text));
}

/* Reads the text and writes it again. */
static void check_again(const struct iso_vtype *type, const char *text, const char *expected)
{
    struct iso_value value;
    struct iso_buf out;
    iso_report_init(&iso_test_report);
    if (iso_json_decode(type, bytes_of(text), "v", &iso_test_arena, &value, &iso_test_report) !=
        ISO_OK) {
        TEST_FAIL("%s: %s", text, iso_test_report.text);
    }
    CHECK_OK(iso_value_check(type, &value, &iso_test_report));
    iso_buf_init(&out, iso_alloc_libc(), SIZE_MAX);
    CHECK_OK(iso_json_encode(type, &value, &out));
    CHECK_OK(iso_buf_append_u8(&out, 0));
    CHECK_STR((const char *)out.ptr, expected);
    iso_buf_fini(&out);
}

static void check_same(const struct iso_vtype *type, const char *text)
{
    check_again(type, text, text);
}

/* The message is the report's without "v". */
static void check_refused(const struct iso_vtype *type, const char *text, enum iso_err err,
                          uint64_t offset, const char *message)
{
    iso_test_refused(iso_json_decode, type, text, bytes_of(text), err, offset, message);
}

static void check_mistake(const struct iso_vtype *type, const char *text, const char *message)
{
    check_refused(type, text, ISO_E_ARGUMENT, 0, message);
}

TEST(json_integers_have_their_ranges)
{
    static const struct {
        enum iso_vkind kind;
        const char *min, *max, *below, *above, *text;
    } rows[] = {{ISO_V_S8, "-128", "127", "-129", "128", "s8 (-128 to 127)"},
                {ISO_V_U8, "0", "255", "-1", "256", "u8 (0 to 255)"},
                {ISO_V_S16, "-32768", "32767", "-32769", "32768", "s16 (-32768 to 32767)"},
                {ISO_V_U16, "0", "65535", "-1", "65536", "u16 (0 to 65535)"},
                {ISO_V_S32, "-2147483648", "2147483647", "-2147483649", "2147483648",
                 "s32 (-2147483648 to 2147483647)"},
                {ISO_V_U32, "0", "4294967295", "-1", "4294967296", "u32 (0 to 4294967295)"},
                {ISO_V_S64, "\"-9223372036854775808\"", "\"9223372036854775807\"",
                 "-9223372036854775809", "9223372036854775808",
                 "s64 (-9223372036854775808 to 9223372036854775807)"},
                {ISO_V_U64, "0", "\"18446744073709551615\"", "-1", "18446744073709551616",
                 "u64 (0 to 18446744073709551615)"}};
    iso_test_begin();
    for (size_t i = 0; i < ISO_COUNT_OF(rows); i++) {
        const struct iso_vtype *type = iso_vtype_primitive(rows[i].kind);
        static const char *const wrong[] = {"1.5", "true", "null", "{}", "[]", "1e99"};
        static const char *const found[] = {"1.5", "true", "null", "an object", "an array", "1e99"};
        char message[200];
        check_same(type, rows[i].min);
        check_same(type, rows[i].max);
        check_again(type, " \t\r\n-0 ", "0");
        check_again(type, "1.2e1", "12");
        (void)iso_format(message, sizeof message, ": expected %s, found %s", rows[i].text,
                         rows[i].below);
        check_mistake(type, rows[i].below, message);
        (void)iso_format(message, sizeof message, ": expected %s, found %s", rows[i].text,
                         rows[i].above);
        check_mistake(type, rows[i].above, message);
        for (size_t k = 0; k < ISO_COUNT_OF(wrong); k++) {
            (void)iso_format(message, sizeof message, ": expected %s, found %s", rows[i].text,
                             found[k]);
            check_mistake(type, wrong[k], message);
        }
    }
    iso_test_end();
}

TEST(json_64_bit_integers_are_strings_beyond_doubles)
{
    const struct iso_vtype *s64 = iso_vtype_primitive(ISO_V_S64);
    iso_test_begin();
    check_same(s64, "9007199254740992");
    check_same(s64, "-9007199254740992");
    check_again(s64, "9007199254740993", "\"9007199254740993\"");
    check_again(s64, "-9007199254740993", "\"-9007199254740993\"");
    check_again(s64, "\"17\"", "17");
    check_again(ISO_TEST_U64, "18446744073709551615", "\"18446744073709551615\"");
    check_again(ISO_TEST_U64, "\"\\u0031\"", "1");
    check_mistake(ISO_TEST_U64, "\"1.0\"",
                  ": expected u64 (0 to 18446744073709551615), found \"1.0\"");
    check_mistake(ISO_TEST_U64, "\"\"", ": expected u64 (0 to 18446744073709551615), found \"\"");
    check_mistake(ISO_TEST_U64, "\" 1\"",
                  ": expected u64 (0 to 18446744073709551615), found \" 1\"");
    check_mistake(ISO_TEST_U64, "\"18446744073709551616\"",
                  ": expected u64 (0 to 18446744073709551615), found \"18446744073709551616\"");
    check_mistake(ISO_TEST_U32, "\"1\"", ": expected u32 (0 to 4294967295), found \"1\"");
    iso_test_end();
}

TEST(json_floats)
{
    static const char number[] = " (a number, \"nan\", \"inf\" or \"-inf\"), found ";
    char message[120];
    iso_test_begin();
    static const char *const same[] = {"0",      "-0",      "0.1",     "1e+21",   "-2.5",
                                       "5e-324", "\"nan\"", "\"inf\"", "\"-inf\""};
    for (size_t i = 0; i < ISO_COUNT_OF(same); i++) {
        check_same(ISO_TEST_F64, same[i]);
    }
    check_again(ISO_TEST_F64, "1E2", "100");
    check_again(ISO_TEST_F64, "1e-400", "0");
    check_again(ISO_TEST_F32, "0.1", "0.1");
    check_again(ISO_TEST_F32, "0.10000000149011612", "0.1");
    check_again(ISO_TEST_F32, "\"\\u006ean\"", "\"nan\"");
    check_mistake(ISO_TEST_F32, "1e39", ": expected f32 (magnitudes to 3.4028235e38), found 1e39");
    check_mistake(ISO_TEST_F64, "-1e309",
                  ": expected f64 (magnitudes to 1.7976931348623157e308), found -1e309");
    (void)iso_format(message, sizeof message, ": expected f64%s\"NaN\"", number);
    check_mistake(ISO_TEST_F64, "\"NaN\"", message);
    (void)iso_format(message, sizeof message, ": expected f32%snull", number);
    check_mistake(ISO_TEST_F32, "null", message);
    (void)iso_format(message, sizeof message, ": expected f32%sthe character 'N'", number);
    check_refused(ISO_TEST_F32, "NaN", ISO_E_MALFORMED, 0, message);
    iso_test_end();
}

TEST(json_booleans_and_characters)
{
    const struct iso_vtype *character = iso_vtype_primitive(ISO_V_CHAR);
    iso_test_begin();
    check_same(ISO_TEST_BOOL, "true");
    check_same(ISO_TEST_BOOL, "false");
    check_mistake(ISO_TEST_BOOL, "1", ": expected bool (true or false), found 1");
    check_mistake(ISO_TEST_BOOL, "\"true\"", ": expected bool (true or false), found \"true\"");
    check_refused(ISO_TEST_BOOL, "True", ISO_E_MALFORMED, 0,
                  ": expected bool (true or false), found the character 'T'");
    check_refused(ISO_TEST_BOOL, "", ISO_E_MALFORMED, 0,
                  ": expected bool (true or false), found the end");
    check_refused(ISO_TEST_BOOL, "truefalse", ISO_E_MALFORMED, 4,
                  ": expected the end of the text, found more");
    check_same(character, "\"a\"");
    check_same(character, "\"\xf4\x8f\xbf\xbf\"");
    check_again(character, "\"\\u0000\"", "\"\\u0000\"");
    check_again(character, "\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\"");
    check_mistake(character, "\"\"", ": expected char (a string of one character), found \"\"");
    check_mistake(character, "\"ab\"", ": expected char (a string of one character), found \"ab\"");
    check_mistake(character, "97", ": expected char (a string of one character), found 97");
    iso_test_end();
}

TEST(json_strings)
{
    iso_test_begin();
    check_same(ISO_TEST_STRING, "\"\"");
    check_same(ISO_TEST_STRING, "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
    check_again(ISO_TEST_STRING, "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u20AC\\uD83D\\uDE00\"",
                "\"\\\"\\\\/\\b\\f\\n\\r\\t\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
    check_again(ISO_TEST_STRING, "\"a\\u0000b\x7f\\u001f\"", "\"a\\u0000b\\u007f\\u001f\"");
    check_mistake(ISO_TEST_STRING, "12", ": expected string, found 12");
    check_mistake(ISO_TEST_STRING, "null", ": expected string, found null");

    static const char unicode[] =
        ": \\u must be followed by four hexadecimal digits of a character "
        "or of a pair of surrogates";
    static const char *const surrogates[] = {"\"\\ud83d\"",        "\"\\ud83dx\"",
                                             "\"\\ude00\"",        "\"\\ud83d\\u0041\"",
                                             "\"\\ud83d\\ud83d\"", "\"\\ude00\\ud83d\"",
                                             "\"\\ud83d\\ude0\"",  "\"\\u12\"",
                                             "\"\\u12g4\"",        "\"\\u\"",
                                             "\"\\u-123\"",        "\"\\ud83d\\n\""};
    for (size_t i = 0; i < ISO_COUNT_OF(surrogates); i++) {
        check_refused(ISO_TEST_STRING, surrogates[i], ISO_E_MALFORMED, 1, unicode);
    }
    check_refused(
        ISO_TEST_STRING, "\"ab\\x\"", ISO_E_MALFORMED, 3,
        ": an escape in a string must be one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX");
    check_refused(ISO_TEST_STRING, "\"ab", ISO_E_MALFORMED, 0,
                  ": a string without a closing quote");
    check_refused(ISO_TEST_STRING, "\"ab\\", ISO_E_MALFORMED, 0,
                  ": a string without a closing quote");
    check_refused(ISO_TEST_STRING, "\"ab\\\"", ISO_E_MALFORMED, 0,
                  ": a string without a closing quote");
    check_refused(ISO_TEST_STRING, "\"a\nb\"", ISO_E_MALFORMED, 2,
                  ": a control character in a string must be written \\u000a");
    static const char *const not_utf8[] = {"\"\x80\"",         "\"\xc0\xaf\"",
                                           "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"",
                                           "\"\xe2\x82\"",     "\"\xf8\x88\x80\x80\x80\""};
    for (size_t i = 0; i < ISO_COUNT_OF(not_utf8); i++) {
        check_refused(ISO_TEST_STRING, not_utf8[i], ISO_E_MALFORMED, 0,
                      ": a string with bytes that are not UTF-8");
    }
    check_refused(ISO_TEST_STRING, "'a'", ISO_E_MALFORMED, 0,
                  ": expected string, found the character '''");
    check_refused(ISO_TEST_U8, "\x01", ISO_E_MALFORMED, 0,
                  ": expected u8 (0 to 255), found the character '?'");
    iso_test_end();
}

TEST(json_lists)
{
    iso_test_begin();
    const struct iso_vtype *list = iso_test_of(&iso_test_arena, ISO_V_LIST, ISO_TEST_U16);
    const struct iso_vtype *lists = iso_test_of(&iso_test_arena, ISO_V_LIST, list);
    check_same(list, "[]");
    check_again(list, " [ 1 , 2,3 ] ", "[1,2,3]");
    check_same(lists, "[[],[1],[2,3]]");
    check_mistake(list, "{}", ": expected list<u16> (an array), found an object");
    check_mistake(list, "\"AQI=\"", ": expected list<u16> (an array), found \"AQI=\"");
    check_refused(lists, "[[1],[2,70000]]", ISO_E_ARGUMENT, 8,
                  "[1][1]: expected u16 (0 to 65535), found 70000");
    check_refused(list, "[1,]", ISO_E_MALFORMED, 3,
                  "[1]: expected u16 (0 to 65535), found the character ']'");
    check_refused(list, "[1 2]", ISO_E_MALFORMED, 3,
                  ": expected ',' or ']', found the character '2'");
    check_refused(list, "[1", ISO_E_MALFORMED, 2, ": expected ',' or ']', found the end");
    check_refused(list, "[", ISO_E_MALFORMED, 1, "[0]: expected u16 (0 to 65535), found the end");
    check_refused(list, "[01]", ISO_E_MALFORMED, 2,
                  ": expected ',' or ']', found the character '1'");
    check_refused(list, "[1]]", ISO_E_MALFORMED, 3, ": expected the end of the text, found more");
    iso_test_end();
}

TEST(json_byte_lists_are_base64_or_numbers)
{
    iso_test_begin();
    const struct iso_vtype *bytes = iso_test_of(&iso_test_arena, ISO_V_LIST, ISO_TEST_U8);
    check_same(bytes, "\"\"");
    check_same(bytes, "\"AAH/\"");
    check_again(bytes, "\"AAH\\/\"", "\"AAH/\"");
    check_again(bytes, "[0,1,255]", "\"AAH/\"");
    check_again(bytes, "[]", "\"\"");
    check_refused(bytes, "[0,300]", ISO_E_ARGUMENT, 3, "[1]: expected u8 (0 to 255), found 300");
    check_mistake(bytes, "12", ": expected list<u8> (a base64 string), found 12");
    check_mistake(bytes, "\"AAH\"",
                  ": expected list<u8> (a base64 string, padded with '='), found an error at "
                  "character 4");
    check_mistake(bytes, "\"AA*=\"",
                  ": expected list<u8> (a base64 string, padded with '='), found an error at "
                  "character 3");
    iso_test_end();
}

TEST(json_tuples)
{
    iso_test_begin();
    const struct iso_vtype *tuple = iso_test_type(&iso_test_arena, ISO_V_TUPLE, NULL, "",
                                                  ISO_TEST_U8, "", ISO_TEST_STRING, (char *)NULL);
    check_same(tuple, "[1,\"a\"]");
    check_mistake(tuple, "[1]", ": expected 2 items, found 1");
    check_mistake(tuple, "[]", ": expected 2 items, found 0");
    check_refused(tuple, "[1,\"a\",2]", ISO_E_ARGUMENT, 7, ": expected 2 items, found more");
    check_refused(tuple, "[1,2]", ISO_E_ARGUMENT, 3, "[1]: expected string, found 2");
    check_mistake(tuple, "1", ": expected tuple<u8, string> (an array of 2), found 1");
    iso_test_end();
}

TEST(json_records)
{
    iso_test_begin();
    const struct iso_vtype *option = iso_test_of(&iso_test_arena, ISO_V_OPTION, ISO_TEST_U8);
    const struct iso_vtype *point =
        iso_test_type(&iso_test_arena, ISO_V_RECORD, "point", "x", ISO_TEST_U8, "long-name",
                      ISO_TEST_BOOL, "z", option, (char *)NULL);
    check_same(point, "{\"x\":1,\"long-name\":true,\"z\":2}");
    check_again(point, "{\"z\":null, \"long-name\":false ,\"x\" : 1}",
                "{\"x\":1,\"long-name\":false,\"z\":null}");
    check_again(point, "{\"long-name\":false,\"x\":1}", "{\"x\":1,\"long-name\":false,\"z\":null}");
    check_again(point, "{\"long\\u002dname\":true,\"x\":1}",
                "{\"x\":1,\"long-name\":true,\"z\":null}");
    check_mistake(point, "[1]", ": expected record point (an object), found an array");
    check_mistake(point, "{}", ".x: missing; expected u8 (0 to 255)");
    check_mistake(point, "{\"x\":1}", ".long-name: missing; expected bool (true or false)");
    check_refused(point, "{\"x\":1,\"Y\":2}", ISO_E_ARGUMENT, 7,
                  ".Y: unknown field; expected one of \"x\", \"long-name\", \"z\"");
    check_refused(point, "{\"\":2}", ISO_E_ARGUMENT, 1,
                  ".\"\": unknown field; expected one of \"x\", \"long-name\", \"z\"");
    check_refused(point, "{\"a\\nb\":2}", ISO_E_ARGUMENT, 1,
                  ".a?b: unknown field; expected one of \"x\", \"long-name\", \"z\"");
    check_refused(point, "{\"x\":1,\"x\":1}", ISO_E_ARGUMENT, 7, ".x: given twice");
    check_refused(point, "{\"z\":null,\"z\":1}", ISO_E_ARGUMENT, 10, ".z: given twice");
    check_refused(point, "{\"x\":1,}", ISO_E_MALFORMED, 7,
                  ": expected a name in double quotes, found the character '}'");
    check_refused(point, "{x:1}", ISO_E_MALFORMED, 1,
                  ": expected a name in double quotes, found the character 'x'");
    check_refused(point, "{\"x\" 1}", ISO_E_MALFORMED, 5,
                  ": expected ':', found the character '1'");
    check_refused(point, "{\"x\":1", ISO_E_MALFORMED, 6, ": expected ',' or '}', found the end");
    const struct iso_vtype *outer =
        iso_test_type(&iso_test_arena, ISO_V_RECORD, "outer", "points",
                      iso_test_of(&iso_test_arena, ISO_V_LIST, point), (char *)NULL);
    check_refused(outer, "{\"points\":[{\"x\":1,\"long-name\":true},{\"x\":300}]}", ISO_E_ARGUMENT,
                  41, ".points[1].x: expected u8 (0 to 255), found 300");
    iso_test_end();
}

TEST(json_options_nest)
{
    iso_test_begin();
    const struct iso_vtype *one = iso_test_of(&iso_test_arena, ISO_V_OPTION, ISO_TEST_U8);
    const struct iso_vtype *two = iso_test_of(&iso_test_arena, ISO_V_OPTION, one);
    const struct iso_vtype *three = iso_test_of(&iso_test_arena, ISO_V_OPTION, two);
    check_same(one, "null");
    check_same(one, "7");
    check_mistake(one, "{\"some\":7}", ": expected u8 (0 to 255), found an object");
    check_same(two, "null");
    check_same(two, "{\"some\":null}");
    check_same(two, "{\"some\":7}");
    check_same(three, "{\"some\":{\"some\":null}}");
    check_same(three, "{\"some\":{\"some\":7}}");
    check_mistake(two, "7",
                  ": expected option<option<u8>> (null or an object with \"some\"), found 7");
    check_refused(two, "{\"none\":7}", ISO_E_ARGUMENT, 1,
                  ": unknown case \"none\"; expected \"some\"");
    check_refused(two, "{\"some\":{\"some\":7}}", ISO_E_ARGUMENT, 8,
                  ".some: expected u8 (0 to 255), found an object");
    iso_test_end();
}

TEST(json_variants_results_and_enums)
{
    iso_test_begin();
    const struct iso_vtype *shape =
        iso_test_type(&iso_test_arena, ISO_V_VARIANT, "shape", "nothing", ISO_TEST_NONE, "circle",
                      ISO_TEST_F64, "name", ISO_TEST_STRING, (char *)NULL);
    const struct iso_vtype *result = iso_test_type(&iso_test_arena, ISO_V_RESULT, NULL, "",
                                                   ISO_TEST_U8, "", ISO_TEST_NONE, (char *)NULL);
    const struct iso_vtype *colour =
        iso_test_type(&iso_test_arena, ISO_V_ENUM, "colour", "red", ISO_TEST_NONE, "green",
                      ISO_TEST_NONE, (char *)NULL);
    check_same(shape, "{\"nothing\":null}");
    check_again(shape, " { \"circle\" : 1.5 } ", "{\"circle\":1.5}");
    check_same(shape, "{\"name\":\"x\"}");
    check_refused(shape, "{\"square\":1}", ISO_E_ARGUMENT, 1,
                  ": unknown case \"square\"; expected one of \"nothing\", \"circle\", \"name\"");
    check_refused(shape, "{\"nothing\":1}", ISO_E_ARGUMENT, 11,
                  ".nothing: expected null (this case has no payload), found 1");
    check_refused(shape, "{\"name\":null}", ISO_E_ARGUMENT, 8,
                  ".name: expected string, found null");
    check_refused(shape, "{\"name\":\"\",\"circle\":1}", ISO_E_ARGUMENT, 10,
                  ": expected an object with one case, found more");
    check_refused(shape, "{\"name\":\"\"", ISO_E_MALFORMED, 10, ": expected '}'");
    check_mistake(shape, "{}",
                  ": expected variant shape (an object with one of \"nothing\", \"circle\", "
                  "\"name\"), found an empty object");
    check_mistake(shape, "\"nothing\"",
                  ": expected variant shape (an object with one of \"nothing\", \"circle\", "
                  "\"name\"), found \"nothing\"");
    check_same(result, "{\"ok\":3}");
    check_same(result, "{\"error\":null}");
    check_refused(result, "{\"err\":null}", ISO_E_ARGUMENT, 1,
                  ": unknown case \"err\"; expected one of \"ok\", \"error\"");
    check_mistake(result, "3",
                  ": expected result<u8> (an object with \"ok\" or \"error\"), found 3");
    check_same(colour, "\"green\"");
    check_mistake(colour, "\"blue\"",
                  ": unknown case \"blue\"; expected one of \"red\", \"green\"");
    check_mistake(colour, "0", ": expected enum colour (one of \"red\", \"green\"), found 0");
    iso_test_end();
}

TEST(json_flags)
{
    iso_test_begin();
    const struct iso_vtype *flags =
        iso_test_type(&iso_test_arena, ISO_V_FLAGS, "rights", "read", ISO_TEST_NONE, "write",
                      ISO_TEST_NONE, (char *)NULL);
    const struct iso_vtype *many = iso_test_many(&iso_test_arena, ISO_V_FLAGS, 70, NULL);
    check_same(flags, "[]");
    check_again(flags, "[ \"write\",\"read\" ]", "[\"read\",\"write\"]");
    check_same(many, "[\"m0\",\"m31\",\"m32\",\"m63\",\"m64\",\"m69\"]");
    check_refused(flags, "[\"read\",\"read\"]", ISO_E_ARGUMENT, 8, "[1]: given twice");
    check_refused(flags, "[\"run\"]", ISO_E_ARGUMENT, 1,
                  "[0]: unknown flag \"run\"; expected one of \"read\", \"write\"");
    check_refused(flags, "[1]", ISO_E_ARGUMENT, 1, "[0]: expected the name of a flag, found 1");
    check_mistake(flags, "\"read\"",
                  ": expected flags rights (an array of \"read\", \"write\"), found \"read\"");
    iso_test_end();
}

TEST(json_of_the_deepest_types_is_read)
{
    iso_test_begin();
    const struct iso_vtype *deep = ISO_TEST_U16;
    char text[2 * ISO_V_MAX_DEPTH + 8];
    for (unsigned i = 1; i < ISO_V_MAX_DEPTH; i++) {
        deep = iso_test_of(&iso_test_arena, ISO_V_LIST, deep);
    }
    size_t lists = ISO_V_MAX_DEPTH - 1;
    memset(text, '[', lists);
    text[lists] = '7';
    memset(text + lists + 1, ']', lists);
    text[2 * lists + 1] = '\0';
    check_same(deep, text);
    memset(text, '[', sizeof text);
    text[sizeof text - 1] = '\0';
    struct iso_value value;
    CHECK_ERR(iso_json_decode(deep, bytes_of(text), "v", &iso_test_arena, &value, NULL),
              ISO_E_ARGUMENT);
    iso_test_end();
}

TEST(json_deeper_than_the_limit_is_refused)
{
    /* Types that were finished are never so deep; this one is its own element. */
    struct iso_vtype endless = {.kind = ISO_V_LIST};
    char text[2 * ISO_CODEC_MAX_DEPTH];
    struct iso_value value;
    iso_test_begin();
    endless.element = &endless;
    memset(text, '[', sizeof text);
    text[sizeof text - 1] = '\0';
    iso_report_init(&iso_test_report);
    CHECK_ERR(
        iso_json_decode(&endless, bytes_of(text), "v", &iso_test_arena, &value, &iso_test_report),
        ISO_E_LIMIT);
    CHECK_CONTAINS(iso_test_report.text, "v[0][0]");
    CHECK_CONTAINS(iso_test_report.text, "nested deeper than 128 levels");
    iso_test_end();
}

TEST(long_paths_and_texts_are_cut)
{
    char text[600];
    iso_test_begin();
    const struct iso_vtype *many = iso_test_many(&iso_test_arena, ISO_V_ENUM, 1000, NULL);
    memset(text, 'x', sizeof text);
    text[0] = '"';
    text[sizeof text - 2] = '"';
    text[sizeof text - 1] = '\0';
    struct iso_value value;
    iso_report_init(&iso_test_report);
    CHECK_ERR(
        iso_json_decode(many, bytes_of(text), text, &iso_test_arena, &value, &iso_test_report),
        ISO_E_ARGUMENT);
    CHECK_CONTAINS(iso_test_report.text, "xxx...: unknown case \"xxx");
    CHECK_CONTAINS(iso_test_report.text, "xxx...\"; expected one of \"m0\", \"m1\"");
    CHECK_CONTAINS(iso_test_report.text, "...");
    CHECK(strlen(iso_test_report.text) < sizeof iso_test_report.text);
    CHECK_ERR(iso_json_decode(many, bytes_of("1"), NULL, &iso_test_arena, &value, NULL),
              ISO_E_ARGUMENT);
    iso_test_end();
}

static struct iso_wit_param add_params[] = {{.name = {.ptr = "width", .len = 5}},
                                            {.name = {.ptr = "name", .len = 4}},
                                            {.name = {.ptr = "scale", .len = 5}}};

static struct iso_wit_func add_func(void)
{
    add_params[0].type = ISO_TEST_U32;
    add_params[1].type = ISO_TEST_STRING;
    add_params[2].type = iso_test_of(&iso_test_arena, ISO_V_OPTION, ISO_TEST_F64);
    return (struct iso_wit_func){.params = add_params, .param_count = 3};
}

static void check_params(const struct iso_wit_func *func, const char *text, bool has_scale)
{
    struct iso_value values[3];
    iso_report_init(&iso_test_report);
    if (iso_json_decode_params(func, bytes_of(text), &iso_test_arena, values, &iso_test_report) !=
        ISO_OK) {
        TEST_FAIL("%s: %s", text, iso_test_report.text);
    }
    CHECK_EQ_U64(values[0].u, 7);
    CHECK(iso_str_equal_z(values[1].string, "n"));
    CHECK_EQ_U64(values[2].choice.index, has_scale ? 1 : 0);
}

static void check_params_refused(const struct iso_wit_func *func, const char *text,
                                 enum iso_err err, const char *message)
{
    struct iso_value values[3];
    memset(values, 0x5a, sizeof values);
    iso_report_init(&iso_test_report);
    CHECK_ERR(
        iso_json_decode_params(func, bytes_of(text), &iso_test_arena, values, &iso_test_report),
        err);
    CHECK_STR(iso_test_report.text, message);
    CHECK_EQ_U64(values[0].u, UINT64_C(0x5a5a5a5a5a5a5a5a));
}

TEST(json_parameters_by_name_or_in_order)
{
    iso_test_begin();
    struct iso_wit_func func = add_func();
    check_params(&func, "{\"width\":7,\"name\":\"n\"}", false);
    check_params(&func, "{\"scale\":null,\"name\":\"n\",\"width\":7}", false);
    check_params(&func, " {\"scale\":2.5,\"name\":\"n\",\"width\":7} ", true);
    check_params(&func, "[7,\"n\"]", false);
    check_params(&func, "[7,\"n\",1]", true);
    check_params_refused(&func, "{\"width\":7}", ISO_E_ARGUMENT, "name: missing; expected string");
    check_params_refused(&func, "", ISO_E_ARGUMENT,
                         "width: missing; expected u32 (0 to 4294967295)");
    check_params_refused(&func, "[7]", ISO_E_ARGUMENT, "name: missing; expected string");
    check_params_refused(&func, "[7,\"n\",1,2]", ISO_E_ARGUMENT,
                         "parameters: expected 3 parameters, found more");
    check_params_refused(&func, "[-1]", ISO_E_ARGUMENT,
                         "width: expected u32 (0 to 4294967295), found -1");
    check_params_refused(&func, "{\"width\":true}", ISO_E_ARGUMENT,
                         "width: expected u32 (0 to 4294967295), found true");
    check_params_refused(
        &func, "{\"hieght\":7}", ISO_E_ARGUMENT,
        "hieght: unknown parameter; expected one of \"width\", \"name\", \"scale\"");
    check_params_refused(&func, "{\"width\":7,\"width\":7}", ISO_E_ARGUMENT, "width: given twice");
    check_params_refused(
        &func, "7", ISO_E_ARGUMENT,
        "parameters: expected an object of them by name, or an array in order, found 7");
    check_params_refused(&func, "{\"width\":7,\"name\":\"n\"}{}", ISO_E_MALFORMED,
                         "parameters: expected the end of the text, found more");
    iso_test_end();
}

TEST(json_parameters_survive_failing_allocations)
{
    static const char text[] = "{\"width\":7,\"na\\u006de\":\"\\u006e\",\"scale\":[1,2,3]}";
    struct iso_alloc_test memory;
    iso_test_begin();
    struct iso_wit_func func = add_func();
    add_params[2].type = iso_test_of(&iso_test_arena, ISO_V_LIST, ISO_TEST_U16);
    iso_alloc_test_init(&memory);
    for (uint64_t n = 1;; n++) {
        struct iso_arena small;
        struct iso_value values[3];
        iso_alloc_test_restart(&memory, n);
        iso_arena_init(&small, &memory.alloc, 32, SIZE_MAX);
        enum iso_err err = iso_json_decode_params(&func, bytes_of(text), &small, values, NULL);
        iso_arena_fini(&small);
        CHECK_EQ_U64(memory.live_bytes, 0);
        if (!memory.failed) {
            CHECK_OK(err);
            CHECK(n > 4);
            break;
        }
        CHECK_ERR(err, ISO_E_NOMEM);
    }
    iso_test_end();
}

TEST(json_of_no_parameters)
{
    static const char *const texts[] = {"", " ", "{}", "[]", " [ ] "};
    struct iso_wit_func func = {.param_count = 0};
    iso_test_begin();
    iso_report_init(&iso_test_report);
    for (size_t i = 0; i < ISO_COUNT_OF(texts); i++) {
        CHECK_OK(iso_json_decode_params(&func, bytes_of(texts[i]), &iso_test_arena, NULL,
                                        &iso_test_report));
    }
    CHECK_ERR(iso_json_decode_params(&func, bytes_of("{\"x\":1}"), &iso_test_arena, NULL,
                                     &iso_test_report),
              ISO_E_ARGUMENT);
    CHECK_STR(iso_test_report.text, "x: unknown parameter; expected none");
    iso_report_init(&iso_test_report);
    CHECK_ERR(
        iso_json_decode_params(&func, bytes_of("[1]"), &iso_test_arena, NULL, &iso_test_report),
        ISO_E_ARGUMENT);
    CHECK_STR(iso_test_report.text, "parameters: expected 0 parameters, found more");
    func.param_count = ISO_V_MAX_MEMBERS + 1;
    CHECK_ERR(iso_json_decode_params(&func, bytes_of("[]"), &iso_test_arena, NULL, NULL),
              ISO_E_LIMIT);
    iso_test_end();
}
