/* CBOR: vectors of RFC 8949, what else is taken, the deterministic form, refusals with their words.
 */
#include "base/test.h"
#include "codec/cbor.h"
#include "codec/type_test_support.h"

#include <math.h>

/* Bytes in hexadecimal digits, in the arena. */
static struct iso_bytes from_hex(const char *text)
{
    static const char digits[] = "0123456789abcdef";
    size_t len = strlen(text) / 2;
    uint8_t *bytes = iso_arena_alloc(&iso_test_arena, len);
    CHECK(bytes != NULL);
    for (size_t i = 0; i < 2 * len; i++) {
        const char *digit = strchr(digits, text[i]);
        CHECK(digit != NULL);
        bytes[i / 2] = (uint8_t)(bytes[i / 2] << 4 | (digit - digits));
    }
    return iso_bytes_from(bytes, len);
}

static void check_again(const struct iso_vtype *type, const char *hex, const char *expected)
{
    struct iso_value value;
    struct iso_buf out;
    char text[2000];
    iso_report_init(&iso_test_report);
    if (iso_cbor_decode(type, from_hex(hex), "v", &iso_test_arena, &value, &iso_test_report) !=
        ISO_OK) {
        TEST_FAIL("%s: %s", hex, iso_test_report.text);
    }
    CHECK_OK(iso_value_check(type, &value, &iso_test_report));
    iso_buf_init(&out, iso_alloc_libc(), sizeof text / 2 - 1);
    CHECK_OK(iso_cbor_encode(type, &value, &out));
    iso_hex_encode(out.ptr, out.len, text);
    CHECK_STR(text, expected);
    iso_buf_fini(&out);
}

static void check_same(const struct iso_vtype *type, const char *hex)
{
    check_again(type, hex, hex);
}

/* The message is the report's without "v". */
static void check_refused(const struct iso_vtype *type, const char *hex, enum iso_err err,
                          uint64_t offset, const char *message)
{
    iso_test_refused(iso_cbor_decode, type, hex, from_hex(hex), err, offset, message);
}

static void check_mistake(const struct iso_vtype *type, const char *hex, const char *message)
{
    check_refused(type, hex, ISO_E_ARGUMENT, 0, message);
}

static void check_malformed(const struct iso_vtype *type, const char *hex, uint64_t offset,
                            const char *message)
{
    check_refused(type, hex, ISO_E_MALFORMED, offset, message);
}

TEST(cbor_integers)
{
    static const char *const same[] = {"00",         "01",         "0a",
                                       "17",         "1818",       "1864",
                                       "1903e8",     "1a000f4240", "1b000000e8d4a51000",
                                       "18ff",       "190100",     "19ffff",
                                       "1a00010000", "1affffffff", "1b0000000100000000"};
    const struct iso_vtype *s64 = iso_vtype_primitive(ISO_V_S64),
                           *s8 = iso_vtype_primitive(ISO_V_S8);
    iso_test_begin();
    for (size_t i = 0; i < ISO_COUNT_OF(same); i++) {
        check_same(ISO_TEST_U64, same[i]);
        check_same(s64, same[i]);
    }
    check_same(ISO_TEST_U64, "1bffffffffffffffff");
    check_same(s64, "1b7fffffffffffffff");
    check_same(s64, "3b7fffffffffffffff");
    check_same(s64, "20");
    check_same(s64, "3903e7");
    check_same(s8, "387f");
    check_same(s8, "187f");
    /* Longer than need be is well-formed. */
    check_again(ISO_TEST_U8, "1b0000000000000005", "05");
    check_again(s8, "3a00000000", "20");
    check_mistake(s8, "1880", ": expected s8 (-128 to 127), found 128");
    check_mistake(s8, "3880", ": expected s8 (-128 to 127), found -129");
    check_mistake(ISO_TEST_U8, "20", ": expected u8 (0 to 255), found -1");
    check_mistake(ISO_TEST_U8, "190100", ": expected u8 (0 to 255), found 256");
    check_mistake(s64, "3bffffffffffffffff",
                  ": expected s64 (-9223372036854775808 to 9223372036854775807), found "
                  "-18446744073709551616");
    check_mistake(s64, "1b8000000000000000",
                  ": expected s64 (-9223372036854775808 to 9223372036854775807), found "
                  "9223372036854775808");
    check_mistake(ISO_TEST_U8, "f93c00", ": expected u8 (0 to 255), found 1");
    check_mistake(ISO_TEST_U8, "6131", ": expected u8 (0 to 255), found \"1\"");
    check_mistake(ISO_TEST_U8, "c24101", ": expected u8 (0 to 255), found tag 2");
    check_mistake(ISO_TEST_U8, "f5", ": expected u8 (0 to 255), found true");
    check_mistake(ISO_TEST_U8, "f7", ": expected u8 (0 to 255), found undefined");
    check_mistake(ISO_TEST_U8, "f0", ": expected u8 (0 to 255), found simple value 16");
    check_mistake(ISO_TEST_U8, "f8ff", ": expected u8 (0 to 255), found simple value 255");
    check_mistake(ISO_TEST_U8, "80", ": expected u8 (0 to 255), found an array");
    check_mistake(ISO_TEST_U8, "bfff", ": expected u8 (0 to 255), found a map");
    check_mistake(ISO_TEST_U8, "40", ": expected u8 (0 to 255), found a byte string");
    check_mistake(ISO_TEST_U8, "7fff", ": expected u8 (0 to 255), found a text string");
    iso_test_end();
}

TEST(cbor_floats_take_the_shortest_form)
{
    /* RFC 8949, appendix A. */
    static const char *const same[] = {"f90000",
                                       "f98000",
                                       "f93c00",
                                       "fb3ff199999999999a",
                                       "f93e00",
                                       "f97bff",
                                       "fa47c35000",
                                       "fa7f7fffff",
                                       "fb7e37e43c8800759c",
                                       "f90001",
                                       "f90400",
                                       "f9c400",
                                       "fbc010666666666666",
                                       "f97c00",
                                       "f97e00",
                                       "f9fc00",
                                       "f903ff",
                                       "fa33000000",
                                       "fa47800000",
                                       "fb36a0000000000001"};
    static const char *const again[][2] = {{"fb3ff0000000000000", "f93c00"},
                                           {"fa7f800000", "f97c00"},
                                           {"fa7fc00000", "f97e00"},
                                           {"fb7ff0000000000000", "f97c00"},
                                           {"fb7ff8000000000000", "f97e00"},
                                           {"fbfff0000000000000", "f9fc00"},
                                           {"fb7ff0000000000001", "f97e00"},
                                           {"f97c01", "f97e00"},
                                           {"fb40effc0000000000", "f97bff"},
                                           {"00", "f90000"},
                                           {"20", "f9bc00"},
                                           {"1bffffffffffffffff", "fa5f800000"},
                                           {"3bffffffffffffffff", "fadf800000"}};
    iso_test_begin();
    for (size_t i = 0; i < ISO_COUNT_OF(same); i++) {
        check_same(ISO_TEST_F64, same[i]);
    }
    for (size_t i = 0; i < ISO_COUNT_OF(again); i++) {
        check_again(ISO_TEST_F64, again[i][0], again[i][1]);
    }
    check_same(ISO_TEST_F32, "fa7f7fffff");
    check_same(ISO_TEST_F32, "fa00000001");
    check_same(ISO_TEST_F32, "f93c00");
    check_again(ISO_TEST_F32, "fb3fb999999999999a", "fa3dcccccd");
    check_again(ISO_TEST_F32, "fb47efffffe0000001", "fa7f7fffff");
    check_again(ISO_TEST_F32, "1a01000001", "fa4b800000");
    check_mistake(ISO_TEST_F32, "fb47effffff0000000",
                  ": expected f32 (magnitudes to 3.4028235e38), found 3.4028235677973366e+38");
    check_mistake(ISO_TEST_F32, "f6", ": expected f32 (a number), found null");
    check_mistake(ISO_TEST_F64, "636e616e", ": expected f64 (a number), found \"nan\"");
    iso_test_end();
}

TEST(cbor_half_floats_are_converted_exactly)
{
    for (uint32_t bits = 0; bits <= 0xffff; bits++) {
        uint16_t back = 1;
        double value = iso_cbor_from_half((uint16_t)bits);
        CHECK(iso_cbor_to_half(value, &back));
        CHECK_EQ_U64(back, isnan(value) ? 0x7e00 : bits);
        /* The next double away from zero is no half. */
        if (isfinite(value)) {
            uint64_t pattern;
            memcpy(&pattern, &value, sizeof pattern);
            pattern++;
            memcpy(&value, &pattern, sizeof pattern);
            CHECK(!iso_cbor_to_half(value, &back));
        }
    }
    uint16_t half = 0;
    CHECK_EQ_F64(iso_cbor_from_half(0x0001), 5.9604644775390625e-8);
    CHECK_EQ_F64(iso_cbor_from_half(0x7bff), 65504.0);
    CHECK_EQ_F64(iso_cbor_from_half(0xc400), -4.0);
    CHECK(!iso_cbor_to_half(65520.0, &half));
    CHECK(!iso_cbor_to_half(65536.0, &half));
    CHECK(!iso_cbor_to_half(2.98023223876953125e-8, &half));
    CHECK(!iso_cbor_to_half(1.7976931348623157e308, &half));
}

TEST(cbor_booleans_strings_and_characters)
{
    const struct iso_vtype *character = iso_vtype_primitive(ISO_V_CHAR);
    iso_test_begin();
    check_same(ISO_TEST_BOOL, "f4");
    check_same(ISO_TEST_BOOL, "f5");
    check_mistake(ISO_TEST_BOOL, "01", ": expected bool (true or false), found 1");
    check_same(ISO_TEST_STRING, "60");
    check_same(ISO_TEST_STRING, "6449455446");
    check_same(ISO_TEST_STRING, "64f0908591");
    check_again(ISO_TEST_STRING, "7f657374726561646d696e67ff", "6973747265616d696e67");
    check_again(ISO_TEST_STRING, "7fff", "60");
    check_again(ISO_TEST_STRING, "7b00000000000000026869", "626869");
    check_same(character, "6161");
    check_same(character, "64f0908591");
    check_mistake(character, "60", ": expected char (a string of one character), found \"\"");
    check_mistake(character, "626162", ": expected char (a string of one character), found \"ab\"");
    check_mistake(character, "1861", ": expected char (a string of one character), found 97");
    check_mistake(ISO_TEST_STRING, "4161", ": expected string, found a byte string");
    check_malformed(ISO_TEST_STRING, "62c328", 0, ": a text string with bytes that are not UTF-8");
    check_malformed(ISO_TEST_STRING, "63eda080", 0,
                    ": a text string with bytes that are not UTF-8");
    /* A character may not be cut in two. */
    check_malformed(ISO_TEST_STRING, "7f61c361a9ff", 1,
                    ": a text string with bytes that are not UTF-8");
    check_malformed(ISO_TEST_STRING, "7f4161ff", 1,
                    ": a string in pieces must have pieces of its own kind, each of definite "
                    "length");
    check_malformed(ISO_TEST_STRING, "7f7f6161ffff", 1,
                    ": a string in pieces must have pieces of its own kind, each of definite "
                    "length");
    iso_test_end();
}

TEST(cbor_cut_off_or_broken_anywhere_is_malformed)
{
    static const char ends[] = ": the input ends in the middle";
    iso_test_begin();
    check_malformed(ISO_TEST_U8, "", 0, ends);
    check_malformed(ISO_TEST_U8, "18", 1, ends);
    check_malformed(ISO_TEST_U64, "1b00000000000000", 8, ends);
    check_malformed(ISO_TEST_STRING, "616100", 2, ": expected the end of the input, found more");
    check_malformed(ISO_TEST_STRING, "62", 1, ends);
    check_malformed(ISO_TEST_STRING, "7bffffffffffffffff61", 10, ends);
    check_malformed(ISO_TEST_STRING, "7f6161", 3, ends);
    check_malformed(ISO_TEST_U8, "1c", 0, ": the byte 0x1c does not begin a CBOR item");
    check_malformed(ISO_TEST_U8, "1f", 0, ": the byte 0x1f does not begin a CBOR item");
    check_malformed(ISO_TEST_U8, "df", 0, ": the byte 0xdf does not begin a CBOR item");
    check_malformed(ISO_TEST_U8, "ff", 0,
                    ": expected a value, found the break that ends a sequence");
    check_malformed(ISO_TEST_U8, "f818", 0, ": a simple value below 32 must not take two bytes");
    iso_test_end();
}

TEST(cbor_lists)
{
    iso_test_begin();
    const struct iso_vtype *bytes = iso_test_of(&iso_test_arena, ISO_V_LIST, ISO_TEST_U8);
    const struct iso_vtype *list = iso_test_of(&iso_test_arena, ISO_V_LIST, ISO_TEST_U16);
    const struct iso_vtype *lists = iso_test_of(&iso_test_arena, ISO_V_LIST, list);
    check_same(bytes, "40");
    check_same(bytes, "4401020304");
    check_again(bytes, "5f42010243030405ff", "450102030405");
    check_again(bytes, "83010218ff", "430102ff");
    check_again(bytes, "9fff", "40");
    check_refused(bytes, "8201190100", ISO_E_ARGUMENT, 2, "[1]: expected u8 (0 to 255), found 256");
    check_mistake(bytes, "6161", ": expected list<u8> (a byte string), found \"a\"");
    check_same(list, "80");
    check_same(list, "83010203");
    check_again(list, "9f010203ff", "83010203");
    check_again(lists, "9f809f01ff820203ff", "83808101820203");
    check_refused(lists, "8281018202f5", ISO_E_ARGUMENT, 5,
                  "[1][1]: expected u16 (0 to 65535), found true");
    check_mistake(list, "420102", ": expected list<u16> (an array), found a byte string");
    check_malformed(list, "830102", 3, ": the input ends in the middle");
    check_malformed(list, "9bffffffffffffffff01", 10, ": the input ends in the middle");
    check_malformed(list, "9f01", 2, "[1]: the input ends in the middle");
    iso_test_end();
}

TEST(cbor_views_are_in_the_input)
{
    iso_test_begin();
    struct iso_bytes text = from_hex("6568656c6c6f");
    struct iso_value value;
    CHECK_OK(iso_cbor_decode(ISO_TEST_STRING, text, "v", &iso_test_arena, &value, NULL));
    CHECK(value.string.ptr == (const char *)text.ptr + 1 && value.string.len == 5);
    iso_test_end();
}

TEST(cbor_tuples_and_records)
{
    iso_test_begin();
    const struct iso_vtype *option = iso_test_of(&iso_test_arena, ISO_V_OPTION, ISO_TEST_U8);
    const struct iso_vtype *tuple = iso_test_type(&iso_test_arena, ISO_V_TUPLE, NULL, "",
                                                  ISO_TEST_U8, "", ISO_TEST_STRING, (char *)NULL);
    const struct iso_vtype *point =
        iso_test_type(&iso_test_arena, ISO_V_RECORD, "point", "yy", ISO_TEST_U8, "z", option, "x",
                      ISO_TEST_U8, (char *)NULL);
    check_same(tuple, "82016161");
    check_again(tuple, "9f016161ff", "82016161");
    check_mistake(tuple, "8101", ": expected 2 items, found 1");
    check_refused(tuple, "8301616102", ISO_E_ARGUMENT, 4, ": expected 2 items, found more");
    /* Keys by length, then by bytes: x, z, yy. */
    check_same(point, "a3617801617a0362797902");
    check_again(point, "a262797902617801", "a3617801617af662797902");
    check_again(point, "bf7f61796179ff02617801ff", "a3617801617af662797902");
    check_mistake(point, "80", ": expected record point (a map), found an array");
    check_mistake(point, "a1617801", ".yy: missing; expected u8 (0 to 255)");
    check_refused(point, "a2617801617702", ISO_E_ARGUMENT, 4,
                  ".w: unknown field; expected one of \"yy\", \"z\", \"x\"");
    check_refused(point, "a2617801617801", ISO_E_ARGUMENT, 4, ".x: given twice");
    check_refused(point, "a10102", ISO_E_ARGUMENT, 1, ": expected a name (a text string), found 1");
    check_refused(point, "a161781903e8", ISO_E_ARGUMENT, 3,
                  ".x: expected u8 (0 to 255), found 1000");
    check_malformed(point, "a3617801617af6", 7, ": the input ends in the middle");
    check_malformed(point, "bf617801", 4, ": the input ends in the middle");
    check_malformed(point, "bf6178ff", 3,
                    ".x: expected a value, found the break that ends a sequence");
    iso_test_end();
}

TEST(cbor_options_variants_results_enums_and_flags)
{
    iso_test_begin();
    const struct iso_vtype *one = iso_test_of(&iso_test_arena, ISO_V_OPTION, ISO_TEST_U8);
    const struct iso_vtype *two = iso_test_of(&iso_test_arena, ISO_V_OPTION, one);
    const struct iso_vtype *shape = iso_test_type(&iso_test_arena, ISO_V_VARIANT, "s", "a",
                                                  ISO_TEST_NONE, "b", ISO_TEST_U8, (char *)NULL);
    const struct iso_vtype *result = iso_test_type(&iso_test_arena, ISO_V_RESULT, NULL, "",
                                                   ISO_TEST_NONE, "", ISO_TEST_U8, (char *)NULL);
    const struct iso_vtype *colour = iso_test_type(&iso_test_arena, ISO_V_ENUM, "colour", "r",
                                                   ISO_TEST_NONE, "g", ISO_TEST_NONE, (char *)NULL);
    const struct iso_vtype *flags = iso_test_type(&iso_test_arena, ISO_V_FLAGS, "rights", "r",
                                                  ISO_TEST_NONE, "w", ISO_TEST_NONE, (char *)NULL);
    check_same(one, "f6");
    check_same(one, "05");
    check_mistake(one, "f7", ": expected u8 (0 to 255), found undefined");
    check_same(two, "f6");
    check_same(two, "a164736f6d65f6");
    check_same(two, "a164736f6d6505");
    check_mistake(two, "05",
                  ": expected option<option<u8>> (null or a map with \"some\"), found 5");
    check_same(shape, "a16161f6");
    check_again(shape, "bf616205ff", "a1616205");
    check_refused(shape, "a1616105", ISO_E_ARGUMENT, 3,
                  ".a: expected null (this case has no payload), found 5");
    check_refused(shape, "a16163f6", ISO_E_ARGUMENT, 1,
                  ": unknown case \"c\"; expected one of \"a\", \"b\"");
    check_refused(shape, "a26161f6616205", ISO_E_ARGUMENT, 4,
                  ": expected a map with one case, found more");
    check_mistake(shape, "a0",
                  ": expected variant s (a map with one of \"a\", \"b\"), found an empty map");
    check_mistake(shape, "6161",
                  ": expected variant s (a map with one of \"a\", \"b\"), found \"a\"");
    check_malformed(shape, "bf6161f6", 4, ": the input ends in the middle");
    check_same(result, "a1626f6bf6");
    check_same(result, "a1656572726f7207");
    check_mistake(result, "07",
                  ": expected result<_, u8> (a map with \"ok\" or \"error\"), found 7");
    check_same(colour, "6167");
    check_mistake(colour, "6178", ": unknown case \"x\"; expected one of \"r\", \"g\"");
    check_mistake(colour, "00", ": expected enum colour (one of \"r\", \"g\"), found 0");
    check_same(flags, "80");
    check_again(flags, "9f61776172ff", "8261726177");
    check_refused(flags, "8261726172", ISO_E_ARGUMENT, 3, "[1]: given twice");
    check_refused(flags, "816178", ISO_E_ARGUMENT, 1,
                  "[0]: unknown flag \"x\"; expected one of \"r\", \"w\"");
    check_refused(flags, "8101", ISO_E_ARGUMENT, 1, "[0]: expected the name of a flag, found 1");
    check_mistake(flags, "03", ": expected flags rights (an array of \"r\", \"w\"), found 3");
    iso_test_end();
}

TEST(cbor_may_say_that_it_is_cbor)
{
    iso_test_begin();
    check_again(ISO_TEST_U8, "d9d9f705", "05");
    check_mistake(ISO_TEST_U8, "c105", ": expected u8 (0 to 255), found tag 1");
    check_refused(iso_test_of(&iso_test_arena, ISO_V_LIST, ISO_TEST_U16), "81d9d9f705",
                  ISO_E_ARGUMENT, 1, "[0]: expected u16 (0 to 65535), found tag 55799");
    iso_test_end();
}

TEST(cbor_deeper_than_the_limit_is_refused)
{
    struct iso_vtype endless = {.kind = ISO_V_LIST};
    uint8_t bytes[2 * ISO_CODEC_MAX_DEPTH];
    struct iso_value value;
    iso_test_begin();
    endless.element = &endless;
    memset(bytes, 0x81, sizeof bytes);
    iso_report_init(&iso_test_report);
    CHECK_ERR(iso_cbor_decode(&endless, iso_bytes_from(bytes, sizeof bytes), "v", &iso_test_arena,
                              &value, &iso_test_report),
              ISO_E_LIMIT);
    CHECK_CONTAINS(iso_test_report.text, "nested deeper than 128 levels");
    iso_test_end();
}

TEST(cbor_parameters_by_name_or_in_order)
{
    static const char *const good[] = {"a26161076162616e", "8207616e", "bf6161076162616eff",
                                       "d9d9f78207616e"};
    static const char *const bad[][2] = {
        {"", "a: missing; expected u32 (0 to 4294967295)"},
        {"a1616107", "b: missing; expected string"},
        {"8107", "b: missing; expected string"},
        {"8307616e00", "parameters: expected 2 parameters, found more"},
        {"a1616307", "c: unknown parameter; expected one of \"a\", \"b\""},
        {"a161616178", "a: expected u32 (0 to 4294967295), found \"x\""},
        {"f6", "parameters: expected a map of them by name, or an array in order, found null"}};
    struct iso_wit_param params[] = {{.name = iso_str_from_z("a"), .type = ISO_TEST_U32},
                                     {.name = iso_str_from_z("b"), .type = ISO_TEST_STRING}};
    struct iso_wit_func func = {.params = params, .param_count = 2};
    struct iso_value values[2];
    iso_test_begin();
    for (size_t i = 0; i < ISO_COUNT_OF(good); i++) {
        iso_report_init(&iso_test_report);
        memset(values, 0, sizeof values);
        CHECK_OK(iso_cbor_decode_params(&func, from_hex(good[i]), &iso_test_arena, values,
                                        &iso_test_report));
        CHECK_EQ_U64(values[0].u, 7);
        CHECK(iso_str_equal_z(values[1].string, "n"));
    }
    for (size_t i = 0; i < ISO_COUNT_OF(bad); i++) {
        iso_report_init(&iso_test_report);
        memset(values, 0x5a, sizeof values);
        CHECK_ERR(iso_cbor_decode_params(&func, from_hex(bad[i][0]), &iso_test_arena, values,
                                         &iso_test_report),
                  ISO_E_ARGUMENT);
        CHECK_STR(iso_test_report.text, bad[i][1]);
        CHECK_EQ_U64(values[0].u, UINT64_C(0x5a5a5a5a5a5a5a5a));
    }
    iso_report_init(&iso_test_report);
    CHECK_ERR(iso_cbor_decode_params(&func, from_hex("8207616e00"), &iso_test_arena, values,
                                     &iso_test_report),
              ISO_E_MALFORMED);
    CHECK_STR(iso_test_report.text, "parameters: expected the end of the input, found more");
    iso_test_end();
}
