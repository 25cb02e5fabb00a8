/* Types: layout by the tables of the canonical ABI, flat forms with joins, limits, equality, text.
 */
#include "base/test.h"
#include "codec/codec.h"
#include "codec/type_test_support.h"

static void check_layout(const struct iso_vtype *type, uint32_t size, uint32_t align, uint32_t flat)
{
    CHECK_EQ_U64(type->size, size);
    CHECK_EQ_U64(type->align, align);
    CHECK_EQ_U64(type->flat, flat);
}

/* `flat` in letters: i I f F. */
static void check_flat(const struct iso_vtype *type, const char *flat)
{
    enum iso_vflat list[64];
    char letters[64] = "";
    uint32_t count = iso_vtype_flatten(type, list, ISO_COUNT_OF(list));
    CHECK(count < sizeof letters);
    for (uint32_t i = 0; i < count; i++) {
        letters[i] = "iIfF"[list[i]];
    }
    letters[count] = '\0';
    CHECK_STR(letters, flat);
    /* A short array is filled as far as it goes. */
    enum iso_vflat first[2] = {ISO_VFLAT_F64, ISO_VFLAT_F64};
    CHECK_EQ_U64(iso_vtype_flatten(type, first, 1), count);
    CHECK(first[1] == ISO_VFLAT_F64 && (count == 0 || first[0] == list[0]));
}

static void check_text(const struct iso_vtype *type, const char *expected)
{
    char text[200];
    iso_vtype_text(type, text, sizeof text);
    CHECK_STR(text, expected);
}

TEST(primitive_types_have_their_layout_and_names)
{
    static const struct {
        enum iso_vkind kind;
        uint32_t size;
        uint32_t flat;
        const char *letters;
        const char *name;
    } rows[] = {{ISO_V_BOOL, 1, 1, "i", "bool"},     {ISO_V_S8, 1, 1, "i", "s8"},
                {ISO_V_U8, 1, 1, "i", "u8"},         {ISO_V_S16, 2, 1, "i", "s16"},
                {ISO_V_U16, 2, 1, "i", "u16"},       {ISO_V_S32, 4, 1, "i", "s32"},
                {ISO_V_U32, 4, 1, "i", "u32"},       {ISO_V_S64, 8, 1, "I", "s64"},
                {ISO_V_U64, 8, 1, "I", "u64"},       {ISO_V_F32, 4, 1, "f", "f32"},
                {ISO_V_F64, 8, 1, "F", "f64"},       {ISO_V_CHAR, 4, 1, "i", "char"},
                {ISO_V_STRING, 8, 2, "ii", "string"}};
    CHECK_EQ_U64(ISO_COUNT_OF(rows), ISO_V_LIST);
    for (size_t i = 0; i < ISO_COUNT_OF(rows); i++) {
        const struct iso_vtype *type = iso_vtype_primitive(rows[i].kind);
        CHECK(type->kind == rows[i].kind);
        check_layout(type, rows[i].size, rows[i].kind == ISO_V_STRING ? 4 : rows[i].size,
                     rows[i].flat);
        check_flat(type, rows[i].letters);
        check_text(type, rows[i].name);
        CHECK_STR(iso_vkind_name(rows[i].kind), rows[i].name);
    }
    CHECK_STR(iso_vkind_name(ISO_V_FLAGS), "flags");
    CHECK_STR(iso_vkind_name(ISO_V_OPTION), "option");
}

TEST(records_are_padded_to_their_alignment)
{
    iso_test_begin();
    const struct iso_vtype *a = iso_test_type(&iso_test_arena, ISO_V_RECORD, "a", "x", ISO_TEST_U8,
                                              "y", ISO_TEST_U32, "z", ISO_TEST_U16, (char *)NULL);
    check_layout(a, 12, 4, 3);
    const struct iso_vtype *b =
        iso_test_type(&iso_test_arena, ISO_V_TUPLE, NULL, "", ISO_TEST_U8, "", ISO_TEST_F64, "", a,
                      "", ISO_TEST_STRING, (char *)NULL);
    check_layout(b, 40, 8, 7);
    check_flat(b, "iFiiiii");
    check_layout(iso_test_of(&iso_test_arena, ISO_V_LIST, b), 8, 4, 2);
    iso_test_end();
}

TEST(cases_have_a_discriminant_and_the_largest_payload)
{
    iso_test_begin();
    const struct iso_vtype *option = iso_test_of(&iso_test_arena, ISO_V_OPTION, ISO_TEST_U8);
    check_layout(option, 2, 1, 2);
    CHECK_EQ_U64(iso_vtype_payload_offset(option), 1);
    const struct iso_vtype *wide = iso_test_of(&iso_test_arena, ISO_V_OPTION, ISO_TEST_F64);
    check_layout(wide, 16, 8, 2);
    check_flat(wide, "iF");
    CHECK_EQ_U64(iso_vtype_payload_offset(wide), 8);
    const struct iso_vtype *nothing = iso_test_type(&iso_test_arena, ISO_V_RESULT, NULL, "",
                                                    ISO_TEST_NONE, "", ISO_TEST_NONE, (char *)NULL);
    check_layout(nothing, 1, 1, 1);
    CHECK_EQ_U64(iso_vtype_case_count(nothing), 2);
    const struct iso_vtype *variant =
        iso_test_type(&iso_test_arena, ISO_V_VARIANT, "v", "a", ISO_TEST_NONE, "b", ISO_TEST_STRING,
                      "c", ISO_TEST_U64, (char *)NULL);
    check_layout(variant, 16, 8, 3);
    CHECK(iso_vtype_case_payload(variant, 0) == NULL);
    CHECK(iso_vtype_case_payload(variant, 1) == ISO_TEST_STRING);
    CHECK(iso_vtype_case_payload(option, 0) == NULL);
    CHECK(iso_vtype_case_payload(option, 1) == ISO_TEST_U8);
    iso_test_end();
}

TEST(discriminants_grow_with_the_number_of_cases)
{
    iso_test_begin();
    CHECK_EQ_U64(iso_vtype_discriminant_size(1), 1);
    CHECK_EQ_U64(iso_vtype_discriminant_size(256), 1);
    CHECK_EQ_U64(iso_vtype_discriminant_size(257), 2);
    CHECK_EQ_U64(iso_vtype_discriminant_size(65536), 2);
    CHECK_EQ_U64(iso_vtype_discriminant_size(65537), 4);
    check_layout(iso_test_many(&iso_test_arena, ISO_V_ENUM, 256, NULL), 1, 1, 1);
    check_layout(iso_test_many(&iso_test_arena, ISO_V_ENUM, 257, NULL), 2, 2, 1);
    check_layout(iso_test_many(&iso_test_arena, ISO_V_VARIANT, 257, ISO_TEST_U8), 4, 2, 2);
    iso_test_end();
}

TEST(flags_take_bytes_then_words)
{
    static const struct {
        uint32_t count, size, align, flat;
    } rows[] = {{1, 1, 1, 1},  {8, 1, 1, 1},  {9, 2, 2, 1},  {16, 2, 2, 1},  {17, 4, 4, 1},
                {32, 4, 4, 1}, {33, 8, 4, 2}, {64, 8, 4, 2}, {65, 12, 4, 3}, {1000, 128, 4, 32}};
    iso_test_begin();
    for (size_t i = 0; i < ISO_COUNT_OF(rows); i++) {
        const struct iso_vtype *type =
            iso_test_many(&iso_test_arena, ISO_V_FLAGS, rows[i].count, NULL);
        check_layout(type, rows[i].size, rows[i].align, rows[i].flat);
        CHECK_EQ_U64(iso_vtype_flag_words(type), (rows[i].count + 31) / 32);
    }
    check_flat(iso_test_many(&iso_test_arena, ISO_V_FLAGS, 65, NULL), "iii");
    iso_test_end();
}

TEST(payloads_of_cases_are_joined)
{
    static const struct {
        enum iso_vkind a, b;
        const char *flat;
    } rows[] = {
        {ISO_V_U32, ISO_V_U32, "ii"}, {ISO_V_U32, ISO_V_F32, "ii"}, {ISO_V_F32, ISO_V_U8, "ii"},
        {ISO_V_F32, ISO_V_F32, "if"}, {ISO_V_F64, ISO_V_F64, "iF"}, {ISO_V_F32, ISO_V_F64, "iI"},
        {ISO_V_U32, ISO_V_U64, "iI"}, {ISO_V_U64, ISO_V_F64, "iI"}, {ISO_V_F64, ISO_V_CHAR, "iI"}};
    iso_test_begin();
    for (size_t i = 0; i < ISO_COUNT_OF(rows); i++) {
        check_flat(iso_test_type(&iso_test_arena, ISO_V_RESULT, NULL, "",
                                 iso_vtype_primitive(rows[i].a), "", iso_vtype_primitive(rows[i].b),
                                 (char *)NULL),
                   rows[i].flat);
    }
    /* Longer payloads go on behind shorter ones, and variants in variants join as well. */
    const struct iso_vtype *pair = iso_test_type(&iso_test_arena, ISO_V_TUPLE, NULL, "",
                                                 ISO_TEST_F32, "", ISO_TEST_F64, (char *)NULL);
    const struct iso_vtype *inner = iso_test_type(&iso_test_arena, ISO_V_VARIANT, "i", "a",
                                                  ISO_TEST_F32, "b", ISO_TEST_U64, (char *)NULL);
    check_flat(iso_test_type(&iso_test_arena, ISO_V_VARIANT, "o", "a", ISO_TEST_NONE, "b",
                             ISO_TEST_F32, "c", pair, "d", inner, "e", ISO_TEST_STRING,
                             (char *)NULL),
               "iiI");
    check_flat(iso_test_type(&iso_test_arena, ISO_V_TUPLE, NULL, "", inner, "", pair, (char *)NULL),
               "iIfF");
    iso_test_end();
}

TEST(many_flat_values_are_counted_up_to_a_limit)
{
    iso_test_begin();
    const struct iso_vtype *many = iso_test_many(&iso_test_arena, ISO_V_RECORD, 17, ISO_TEST_U8);
    check_layout(many, 17, 1, 17);
    const struct iso_vtype *more = iso_test_many(&iso_test_arena, ISO_V_RECORD, 1000, many);
    check_layout(more, 17000, 1, ISO_V_FLAT_MANY);
    iso_test_end();
}

static void check_refused(struct iso_vtype *type, enum iso_err err, const char *message)
{
    struct iso_report report;
    iso_report_init(&report);
    CHECK_ERR(iso_vtype_finish(type, &report), err);
    CHECK_STR(report.text, message);
}

TEST(types_beyond_the_limits_are_refused)
{
    iso_test_begin();
    struct iso_vtype empty = {.kind = ISO_V_RECORD};
    check_refused(&empty, ISO_E_INVALID, "a record must have at least one member");
    empty.kind = ISO_V_FLAGS;
    check_refused(&empty, ISO_E_INVALID, "a flags must have at least one member");

    struct iso_vtype many = *iso_test_many(&iso_test_arena, ISO_V_ENUM, 1000, NULL);
    many.name = iso_str_from_z("colour");
    many.member_count++; /* never read */
    check_refused(&many, ISO_E_LIMIT, "enum colour has 1001 members, the limit is 1000");

    const struct iso_vtype *deep = ISO_TEST_U8;
    for (unsigned i = 1; i < ISO_V_MAX_DEPTH; i++) {
        deep = iso_test_of(&iso_test_arena, ISO_V_LIST, deep);
    }
    struct iso_vtype deeper = {.kind = ISO_V_OPTION, .element = deep};
    check_refused(&deeper, ISO_E_LIMIT, "types are nested deeper than 100 levels");

    /* Twice as large with every level: small to write, huge to walk. */
    const struct iso_vtype *wide = ISO_TEST_U8;
    for (unsigned i = 0; i < 14; i++) {
        wide =
            iso_test_type(&iso_test_arena, ISO_V_TUPLE, NULL, "",
                          iso_test_of(&iso_test_arena, ISO_V_LIST, wide), "", wide, (char *)NULL);
    }
    struct iso_vmember two[2] = {{.type = wide}, {.type = wide}};
    struct iso_vtype wider = {
        .kind = ISO_V_RECORD, .name = iso_str_from_z("w"), .members = two, .member_count = 2};
    check_refused(&wider, ISO_E_LIMIT,
                  "record w has more than 100000 parts when written out in full");
    iso_test_end();
}

TEST(types_are_equal_by_structure)
{
    iso_test_begin();
    const struct iso_vtype *a = iso_test_type(&iso_test_arena, ISO_V_RECORD, "a", "x", ISO_TEST_U8,
                                              "y", ISO_TEST_U32, (char *)NULL);
    const struct iso_vtype *b = iso_test_type(&iso_test_arena, ISO_V_RECORD, "b", "x", ISO_TEST_U8,
                                              "y", ISO_TEST_U32, (char *)NULL);
    const struct iso_vtype *c = iso_test_type(&iso_test_arena, ISO_V_RECORD, "a", "y", ISO_TEST_U8,
                                              "x", ISO_TEST_U32, (char *)NULL);
    const struct iso_vtype *d = iso_test_type(&iso_test_arena, ISO_V_RECORD, "a", "x", ISO_TEST_U8,
                                              "y", ISO_TEST_F32, (char *)NULL);
    const struct iso_vtype *tuple = iso_test_type(&iso_test_arena, ISO_V_TUPLE, NULL, "",
                                                  ISO_TEST_U8, "", ISO_TEST_U32, (char *)NULL);
    CHECK(iso_vtype_equal(a, b));
    CHECK(!iso_vtype_equal(a, c));
    CHECK(!iso_vtype_equal(a, d));
    CHECK(!iso_vtype_equal(a, tuple));
    CHECK(iso_vtype_equal(iso_test_of(&iso_test_arena, ISO_V_LIST, a),
                          iso_test_of(&iso_test_arena, ISO_V_LIST, b)));
    CHECK(!iso_vtype_equal(iso_test_of(&iso_test_arena, ISO_V_LIST, a),
                           iso_test_of(&iso_test_arena, ISO_V_OPTION, b)));
    const struct iso_vtype *ok =
        iso_test_type(&iso_test_arena, ISO_V_RESULT, NULL, "", a, "", ISO_TEST_NONE, (char *)NULL);
    const struct iso_vtype *error =
        iso_test_type(&iso_test_arena, ISO_V_RESULT, NULL, "", ISO_TEST_NONE, "", b, (char *)NULL);
    CHECK(!iso_vtype_equal(ok, error));
    CHECK(iso_vtype_equal(error, error));
    iso_test_end();
}

TEST(types_have_the_text_of_wit)
{
    iso_test_begin();
    const struct iso_vtype *point = iso_test_type(&iso_test_arena, ISO_V_RECORD, "point", "x",
                                                  ISO_TEST_U8, "y", ISO_TEST_U8, (char *)NULL);
    check_text(point, "record point");
    check_text(iso_test_of(&iso_test_arena, ISO_V_LIST, point), "list<point>");
    check_text(iso_test_of(&iso_test_arena, ISO_V_LIST,
                           iso_test_of(&iso_test_arena, ISO_V_OPTION, ISO_TEST_U8)),
               "list<option<u8>>");
    check_text(
        iso_test_type(&iso_test_arena, ISO_V_TUPLE, NULL, "", ISO_TEST_U8, "", point, (char *)NULL),
        "tuple<u8, point>");
    check_text(iso_test_type(&iso_test_arena, ISO_V_RESULT, NULL, "", ISO_TEST_NONE, "",
                             ISO_TEST_NONE, (char *)NULL),
               "result");
    check_text(iso_test_type(&iso_test_arena, ISO_V_RESULT, NULL, "", ISO_TEST_U8, "",
                             ISO_TEST_NONE, (char *)NULL),
               "result<u8>");
    check_text(iso_test_type(&iso_test_arena, ISO_V_RESULT, NULL, "", ISO_TEST_NONE, "",
                             ISO_TEST_STRING, (char *)NULL),
               "result<_, string>");
    check_text(iso_test_type(&iso_test_arena, ISO_V_RESULT, NULL, "", ISO_TEST_U8, "", point,
                             (char *)NULL),
               "result<u8, point>");
    check_text(iso_test_type(&iso_test_arena, ISO_V_VARIANT, NULL, "a", ISO_TEST_NONE, "b",
                             ISO_TEST_U8, (char *)NULL),
               "variant { a, b(u8) }");
    check_text(iso_test_type(&iso_test_arena, ISO_V_RECORD, NULL, "a", ISO_TEST_U8, (char *)NULL),
               "record { a: u8 }");
    char text[12];
    iso_vtype_text(iso_test_of(&iso_test_arena, ISO_V_LIST, point), text, sizeof text);
    CHECK_STR(text, "list<point>");
    iso_vtype_text(iso_test_of(&iso_test_arena, ISO_V_OPTION, point), text, sizeof text);
    CHECK_STR(text, "option<p...");
    iso_vtype_text(point, text, 4);
    CHECK_STR(text, "...");
    iso_test_end();
}
