/* CBOR items as bytes: what is well-formed and what is not, members, sequences, JSON. */
#include "supervisor/item.h"

#include <stdlib.h>

#include "base/test.h"

static struct iso_bytes hex(const char *text, uint8_t *out)
{
    size_t len = strlen(text) / 2;
    for (size_t i = 0; i < len; i++) {
        char digits[3] = {text[2 * i], text[2 * i + 1], '\0'};
        out[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return iso_bytes_from(out, len);
}

TEST(an_item_ends_where_it_ends)
{
    static const struct {
        const char *hex;
        size_t len;
    } cases[] = {
        {"00", 1},
        {"1817", 2},
        {"1bffffffffffffffff", 9},
        {"40", 1},
        {"4101ff", 2},
        {"63616263", 4},
        {"820102", 3},
        {"a1616101", 4},
        {"c100", 2},
        {"f5", 1},
        {"fb3ff0000000000000", 9},
        {"9f01ff00", 3},
        {"bf616101ff", 5},
        {"8080", 1},
        {"5f41014102ff", 6},
        {"7f6161ff", 4},
        {"d9d9f7820102", 6},
    };
    uint8_t bytes[32];
    for (size_t i = 0; i < ISO_COUNT_OF(cases); i++) {
        size_t len = 0;
        struct iso_bytes item = hex(cases[i].hex, bytes);
        CHECK_OK(iso_sv_item_skip(item, &len));
        CHECK_EQ_U64(len, cases[i].len);
        for (size_t cut = 0; cut < cases[i].len; cut++) {
            CHECK_ERR(iso_sv_item_skip(iso_bytes_from(bytes, cut), &len), ISO_E_MALFORMED);
        }
    }
}

TEST(what_is_no_item_is_refused)
{
    static const char *const cases[] = {
        "",
        "ff",
        "1c",
        "1f",
        "3f",
        "df00",
        "f800",
        "61ff",
        "62c0af",
        "9bffffffffffffffff00",
        "bb8000000000000000",
        "bf00ff",
        "5f6161ff",
        "5f5f4101ffff",
        "7f61c3ff",
        "820100ff01",
        "a2616101",
        "9f",
        "fc",
    };
    uint8_t bytes[32];
    for (size_t i = 0; i < ISO_COUNT_OF(cases); i++) {
        enum iso_err err = iso_sv_item_check(hex(cases[i], bytes));
        if (err != ISO_E_MALFORMED) {
            TEST_FAIL("%s: %s", cases[i], iso_err_text(err));
        }
    }
}

TEST(the_depth_is_bounded)
{
    uint8_t bytes[ISO_SV_ITEM_DEPTH + 2];
    memset(bytes, 0x81, sizeof bytes);
    bytes[ISO_SV_ITEM_DEPTH] = 0;
    CHECK_OK(iso_sv_item_check(iso_bytes_from(bytes, ISO_SV_ITEM_DEPTH + 1)));
    bytes[ISO_SV_ITEM_DEPTH] = 0x81;
    bytes[ISO_SV_ITEM_DEPTH + 1] = 0;
    CHECK_ERR(iso_sv_item_check(iso_bytes_from(bytes, ISO_SV_ITEM_DEPTH + 2)), ISO_E_LIMIT);
}

TEST(members_are_found_by_name)
{
    uint8_t bytes[64];
    struct iso_bytes out = {.ptr = NULL};
    /* {"a": [1], "bc": {"a": 2}, "c": 3} */
    struct iso_bytes map = hex("a361618101626263a161610261630c", bytes);
    CHECK(iso_sv_item_member(map, iso_str_from_z("bc"), &out));
    CHECK_EQ_U64(out.len, 4);
    CHECK(iso_sv_item_member(out, iso_str_from_z("a"), &out));
    CHECK_EQ_U64(out.ptr[0], 2);
    CHECK(iso_sv_item_member(map, iso_str_from_z("c"), &out));
    CHECK_EQ_U64(out.ptr[0], 12);
    CHECK(!iso_sv_item_member(map, iso_str_from_z("b"), &out));
    CHECK(!iso_sv_item_member(hex("820102", bytes), iso_str_from_z("b"), &out));
    /* With a tag before it, and of indefinite length. */
    CHECK(iso_sv_item_member(hex("d9d9f7bf6162f5ff", bytes), iso_str_from_z("b"), &out));
    CHECK_EQ_U64(out.ptr[0], 0xf5);
    CHECK(!iso_sv_item_member(hex("bf6162f5ff", bytes), iso_str_from_z("x"), &out));
}

TEST(a_sequence_gives_its_items_in_order_and_then_nothing)
{
    uint8_t bytes[32];
    struct iso_sv_items items = {.rest = hex("1903e8616182f5f44101a10102", bytes)};
    CHECK_EQ_U64(iso_sv_items_u64(&items), 1000);
    CHECK(iso_str_equal_z(iso_sv_items_text(&items, 8), "a"));
    CHECK_EQ_U64(iso_sv_items_array(&items, 2), 2);
    CHECK(iso_sv_items_bool(&items));
    CHECK(!iso_sv_items_bool(&items));
    CHECK_EQ_U64(iso_sv_items_bytes(&items, 1).len, 1);
    CHECK_EQ_U64(iso_sv_items_any(&items).len, 3);
    CHECK(!items.bad && items.rest.len == 0);
    (void)iso_sv_items_u64(&items);
    CHECK(items.bad);
    items = (struct iso_sv_items){.rest = hex("42010200", bytes)};
    CHECK_EQ_U64(iso_sv_items_bytes(&items, 1).len, 0); /* above the maximum */
    CHECK(items.bad);
    CHECK_EQ_U64(iso_sv_items_u64(&items), 0);
}

static void round_trip(const char *json, const char *back)
{
    struct iso_buf item, text;
    struct iso_report report = {.set = false};
    iso_buf_init(&item, iso_alloc_libc(), SIZE_MAX);
    iso_buf_init(&text, iso_alloc_libc(), SIZE_MAX);
    CHECK_OK(iso_sv_item_from_json(iso_bytes_from(json, strlen(json)), &item, &report));
    CHECK_OK(iso_sv_item_check(iso_buf_view(&item)));
    CHECK_OK(iso_sv_item_to_json(iso_buf_view(&item), &text));
    CHECK_OK(iso_buf_append_u8(&text, 0));
    CHECK_STR((const char *)text.ptr, back);
    iso_buf_fini(&item);
    iso_buf_fini(&text);
}

TEST(json_goes_both_ways)
{
    round_trip("{\"a\": [1, -2, true, null, 1.5, \"x\"], \"b\": {}}",
               "{\"a\":[1,-2,true,null,1.5,\"x\"],\"b\":{}}");
    round_trip("3", "3");
    round_trip("[9223372036854775807, -9223372036854775808, 9007199254740991]",
               "[\"9223372036854775807\",\"-9223372036854775808\",9007199254740991]");
}

static void shows(const char *hex_text, const char *json)
{
    uint8_t bytes[64];
    struct iso_buf text;
    iso_buf_init(&text, iso_alloc_libc(), SIZE_MAX);
    CHECK_OK(iso_sv_item_to_json(hex(hex_text, bytes), &text));
    CHECK_OK(iso_buf_append_u8(&text, 0));
    CHECK_STR((const char *)text.ptr, json);
    iso_buf_fini(&text);
}

TEST(what_json_lacks_has_a_form_in_it)
{
    shows("4301ff00", "\"Af8A\"");
    shows("5f41014101ff", "\"AQE=\"");
    shows("7f61616162ff", "\"ab\"");
    shows("f97e00", "\"nan\"");
    shows("f97c00", "\"inf\"");
    shows("f9fc00", "\"-inf\"");
    shows("f93c00", "1");
    shows("f90001", "5.9604644775390625e-08");
    shows("fa3fc00000", "1.5");
    shows("1bffffffffffffffff", "\"18446744073709551615\"");
    shows("3bffffffffffffffff", "\"-18446744073709551616\"");
    shows("c1bf6161f7ff", "{\"a\":null}");
}

TEST(what_has_no_form_in_json_is_refused)
{
    uint8_t bytes[256];
    struct iso_buf out;
    struct iso_report report = {.set = false};
    iso_buf_init(&out, iso_alloc_libc(), SIZE_MAX);
    CHECK_ERR(iso_sv_item_to_json(hex("a10102", bytes), &out), ISO_E_MALFORMED);
    CHECK_ERR(iso_sv_item_to_json(hex("0000", bytes), &out), ISO_E_MALFORMED);
    memset(bytes, 0x81, sizeof bytes);
    bytes[100] = 0;
    CHECK_ERR(iso_sv_item_to_json(iso_bytes_from(bytes, 101), &out), ISO_E_LIMIT);
    CHECK_ERR(iso_sv_item_from_json(iso_bytes_from("{", 1), &out, &report), ISO_E_MALFORMED);
    memset(bytes, '[', 100);
    memset(bytes + 100, ']', 100);
    CHECK_ERR(iso_sv_item_from_json(iso_bytes_from(bytes, 200), &out, NULL), ISO_E_LIMIT);
    CHECK_EQ_U64(out.len, 0);
    iso_buf_fini(&out);
}

TEST(heads_are_as_short_as_they_can_be)
{
    static const uint64_t numbers[] = {0, 23, 24, 255, 256, 65535, 65536, UINT32_MAX, UINT64_MAX};
    for (size_t i = 0; i < ISO_COUNT_OF(numbers); i++) {
        struct iso_buf out;
        iso_buf_init(&out, iso_alloc_libc(), SIZE_MAX);
        CHECK_OK(iso_sv_item_u64(&out, numbers[i]));
        CHECK_EQ_U64(out.len, iso_sv_item_head_size(numbers[i]));
        struct iso_sv_items items = {.rest = iso_buf_view(&out)};
        CHECK_EQ_U64(iso_sv_items_u64(&items), numbers[i]);
        CHECK(!items.bad && items.rest.len == 0);
        iso_buf_fini(&out);
    }
}
