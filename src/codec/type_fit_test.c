/* What may stand for what: fields, wider numbers, options, interfaces of compatible versions. */
#include "codec/codec.h"
#include "codec/type_test_support.h"

#include "base/test.h"

static bool fits(enum iso_vkind from, enum iso_vkind to)
{
    return iso_vtype_fits(iso_vtype_primitive(from), iso_vtype_primitive(to));
}

TEST(numbers_may_become_wider)
{
    CHECK(fits(ISO_V_U8, ISO_V_U8));
    CHECK(fits(ISO_V_U8, ISO_V_S16));
    CHECK(fits(ISO_V_S8, ISO_V_S64));
    CHECK(fits(ISO_V_U32, ISO_V_F64));
    CHECK(fits(ISO_V_S16, ISO_V_F32));
    CHECK(fits(ISO_V_F32, ISO_V_F64));
}

TEST(numbers_that_would_lose_something)
{
    CHECK(!fits(ISO_V_U16, ISO_V_U8));
    CHECK(!fits(ISO_V_U8, ISO_V_S8));
    CHECK(!fits(ISO_V_S8, ISO_V_U64));
    CHECK(!fits(ISO_V_U64, ISO_V_F64));
    CHECK(!fits(ISO_V_S32, ISO_V_F32));
    CHECK(!fits(ISO_V_F64, ISO_V_F32));
    CHECK(!fits(ISO_V_F32, ISO_V_S64));
    CHECK(!fits(ISO_V_BOOL, ISO_V_U8));
    CHECK(!fits(ISO_V_U8, ISO_V_STRING));
    CHECK(!fits(ISO_V_CHAR, ISO_V_U32));
}

TEST(options_take_their_elements)
{
    struct iso_arena arena;
    iso_arena_init(&arena, iso_alloc_libc(), 0, SIZE_MAX);
    const struct iso_vtype *once = iso_test_of(&arena, ISO_V_OPTION, ISO_TEST_U16);
    const struct iso_vtype *twice = iso_test_of(&arena, ISO_V_OPTION, once);
    CHECK(iso_vtype_fits(ISO_TEST_U8, once));
    CHECK(iso_vtype_fits(once, twice));
    CHECK(iso_vtype_fits(ISO_TEST_U16, twice));
    CHECK(!iso_vtype_fits(ISO_TEST_U32, twice));
    CHECK(!iso_vtype_fits(once, ISO_TEST_U16));
    iso_arena_fini(&arena);
}

TEST(fields_and_good_cases)
{
    struct iso_arena arena;
    iso_arena_init(&arena, iso_alloc_libc(), 0, SIZE_MAX);
    const struct iso_vtype *point = iso_test_type(&arena, ISO_V_RECORD, "point", "x", ISO_TEST_U8,
                                                  "y", ISO_TEST_U16, (const char *)NULL);
    const struct iso_vtype *result = iso_test_type(&arena, ISO_V_RESULT, "", "ok", point, "error",
                                                   ISO_TEST_STRING, (const char *)NULL);
    CHECK(iso_vtype_field(point, iso_str_from_z("y")) == ISO_TEST_U16);
    CHECK(iso_vtype_field(point, iso_str_from_z("z")) == NULL);
    CHECK(iso_vtype_field(ISO_TEST_U8, iso_str_from_z("x")) == NULL);
    CHECK(iso_vtype_field(result, iso_str_from_z("ok")) == NULL);
    CHECK(iso_vtype_success(result) == point);
    CHECK(iso_vtype_success(point) == point);
    CHECK(iso_vtype_success(NULL) == NULL);
    iso_arena_fini(&arena);
}

TEST(functions_are_compared_by_their_types)
{
    const struct iso_wit_param a[] = {{iso_str_from_z("a"), ISO_TEST_U8}};
    const struct iso_wit_param b[] = {{iso_str_from_z("b"), ISO_TEST_U8}};
    const struct iso_wit_param c[] = {{iso_str_from_z("a"), ISO_TEST_U16}};
    const struct iso_wit_func one = {.params = a, .param_count = 1, .result = ISO_TEST_U8};
    struct iso_wit_func other = {.params = b, .param_count = 1, .result = ISO_TEST_U8};
    CHECK(iso_wit_func_equal(&one, &other));
    other.params = c;
    CHECK(!iso_wit_func_equal(&one, &other));
    other.params = b;
    other.result = NULL;
    CHECK(!iso_wit_func_equal(&one, &other));
    other.result = ISO_TEST_U16;
    CHECK(!iso_wit_func_equal(&one, &other));
    other.param_count = 0;
    CHECK(!iso_wit_func_equal(&one, &other));
}

static bool serves(const char *wanted, const char *offered)
{
    const struct iso_wit_package want = {.ns = iso_str_from_z("lab"),
                                         .name = iso_str_from_z("pix"),
                                         .version = iso_str_from_z(wanted)};
    const struct iso_wit_package have = {.ns = iso_str_from_z("lab"),
                                         .name = iso_str_from_z("pix"),
                                         .version = iso_str_from_z(offered)};
    const struct iso_wit_interface a = {.package = &want, .name = iso_str_from_z("scale")};
    const struct iso_wit_interface b = {.package = &have, .name = iso_str_from_z("scale")};
    return iso_wit_interface_serves(&a, &b);
}

TEST(versions_of_interfaces)
{
    CHECK(serves("1.2.0", "1.2.0"));
    CHECK(serves("1.2.0", "1.4.1"));
    CHECK(!serves("1.2.0", "1.1.9"));
    CHECK(!serves("1.2.0", "2.0.0"));
    CHECK(serves("0.2.1", "0.2.5"));
    CHECK(!serves("0.2.1", "0.3.0"));
    CHECK(serves("", "1.0.0"));
    CHECK(serves("1.0.0", ""));
}

TEST(names_of_interfaces)
{
    const struct iso_wit_package pix = {.ns = iso_str_from_z("lab"), .name = iso_str_from_z("pix")};
    const struct iso_wit_package pie = {.ns = iso_str_from_z("lab"), .name = iso_str_from_z("pie")};
    const struct iso_wit_interface scale = {.package = &pix, .name = iso_str_from_z("scale")};
    const struct iso_wit_interface other = {.package = &pix, .name = iso_str_from_z("store")};
    const struct iso_wit_interface stranger = {.package = &pie, .name = iso_str_from_z("scale")};
    const struct iso_wit_interface inside = {.package = NULL, .name = iso_str_from_z("scale")};
    CHECK(iso_wit_interface_serves(&scale, &scale));
    CHECK(!iso_wit_interface_serves(&scale, &other));
    CHECK(!iso_wit_interface_serves(&scale, &stranger));
    CHECK(!iso_wit_interface_serves(&scale, &inside));
    CHECK(!iso_wit_interface_serves(&inside, &scale));
    CHECK(iso_wit_interface_serves(&inside, &inside));
}
