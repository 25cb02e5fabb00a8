/*
 * The generators: what bindings and descriptions say of a world with every kind of type. That
 * compilers and validators take them, and that values survive them, is shown by tests/interface.
 */
#include "base/test.h"
#include "interface/gen_test_support.h"

/* All generated files, one after the other, each after a line with its name; zero-terminated. */
struct files {
    struct iso_buf text;
    uint32_t count;
    uint32_t fail_at; /* 1: the first file is refused; 0: none */
};

static enum iso_err keep(void *ctx, const char *name, struct iso_bytes contents)
{
    struct files *files = ctx;
    files->count++;
    if (files->count == files->fail_at) {
        return ISO_E_IO;
    }
    CHECK_OK(iso_buf_append(&files->text, name, strlen(name)));
    CHECK_OK(iso_buf_append(&files->text, ":\n", 2));
    CHECK_OK(iso_buf_append(&files->text, contents.ptr, contents.len));
    return ISO_OK;
}

static const char *generate(struct files *files, enum iso_gen_language language)
{
    struct gen_build build;
    struct iso_report report;
    gen_build_init(&build);
    iso_report_init(&report);
    *files = (struct files){.count = 0};
    iso_buf_init(&files->text, iso_alloc_libc(), SIZE_MAX);
    CHECK_OK(iso_gen_bindings(iso_alloc_libc(), gen_build_gadget(&build), language, keep, files,
                              &report));
    CHECK_OK(iso_buf_append_u8(&files->text, 0));
    gen_build_fini(&build);
    return (const char *)files->text.ptr;
}

TEST(c_bindings_have_types_imports_and_exports)
{
    struct files files;
    const char *text = generate(&files, ISO_GEN_C);
    CHECK_EQ_U64(files.count, 2);
    CHECK_CONTAINS(text, "gadget.h:\n");
    CHECK_CONTAINS(text,
                   "struct things_point {\n    double x;\n    double y;\n    int8_t int_;\n};");
    CHECK_CONTAINS(text, "#define THINGS_COLOR_DARK_BLUE ((things_color)1)");
    CHECK_CONTAINS(text, "uint32_t words[2];");
    CHECK_CONTAINS(text, "float things_area(struct things_shape shape);");
    CHECK_CONTAINS(text, "import_module(\"demo:gadget/host@1.2.0\"), import_name(\"draw\")");
    CHECK_CONTAINS(text, "import_module(\"$root\"), import_name(\"note\")");
    CHECK_CONTAINS(text, "export_name(\"demo:gadget/things@1.2.0#area\")");
    CHECK_CONTAINS(text, "export_name(\"cabi_post_demo:gadget/things@1.2.0#parse\")");
    /* A comment in a doc comment does not end it. */
    CHECK_CONTAINS(text, "Of * / one kind.");
    iso_buf_fini(&files.text);
}

TEST(c_bindings_say_who_owns_what)
{
    struct files files;
    const char *text = generate(&files, ISO_GEN_C);
    CHECK_CONTAINS(text, "shape: borrowed for the call; stays yours.");
    CHECK_CONTAINS(text, "Result: yours; release it with gadget_option_string_free.");
    CHECK_CONTAINS(text, "pixels: yours; release it with gadget_list_u8_free(&pixels)");
    CHECK_CONTAINS(text, "Result: taken and released with free()");
    iso_buf_fini(&files.text);
}

TEST(c_bindings_join_the_cases_of_variants)
{
    struct files files;
    const char *text = generate(&files, ISO_GEN_C);
    /* shape: f32, s64, string, list join to i64 and i32; then more: u8. */
    CHECK_CONTAINS(
        text,
        "wit_export_things_echo_shape_(uint32_t a0_, uint64_t a1_, uint32_t a2_, uint32_t a3_)");
    /* More than 16 core values go through memory. */
    CHECK_CONTAINS(text, "wit_export_things_both_(struct wit_args_things_both_ *args_)");
    iso_buf_fini(&files.text);
}

TEST(rust_bindings_have_traits_modules_and_the_macro)
{
    struct files files;
    const char *text = generate(&files, ISO_GEN_RUST);
    CHECK_EQ_U64(files.count, 1);
    CHECK_CONTAINS(text, "gadget.rs:\n");
    CHECK_CONTAINS(text, "pub trait ThingsExports {");
    CHECK_CONTAINS(text, "fn parse(text: abi::String) -> Result<Point, abi::String>;");
    CHECK_CONTAINS(text, "pub mod host {");
    CHECK_CONTAINS(text, "pub fn draw(shape: &Shape, colors: &[Color]) -> abi::Vec<Point> {");
    CHECK_CONTAINS(text, "pub struct Many(pub [u32; 2]);");
    CHECK_CONTAINS(text, "pub const FLAG33: Many = Many([0, 1 << 1]);");
    CHECK_CONTAINS(text, "#[export_name = \"demo:gadget/things@1.2.0#get-level\"]");
    CHECK_CONTAINS(text, "macro_rules! export {");
    iso_buf_fini(&files.text);
}

TEST(assemblyscript_bindings_come_with_a_transform)
{
    struct files files;
    const char *text = generate(&files, ISO_GEN_ASSEMBLYSCRIPT);
    CHECK_EQ_U64(files.count, 2);
    CHECK_CONTAINS(text, "gadget.ts:\n");
    CHECK_CONTAINS(text, "export class Shape {");
    CHECK_CONTAINS(text, "@external(\"demo:gadget/host@1.2.0\", \"draw\")");
    CHECK_CONTAINS(text, "//   export function thingsScale(pixels: Uint8Array): Uint8Array");
    CHECK_CONTAINS(text, "gadget.mjs:\n");
    CHECK_CONTAINS(text, ": \"cabi_post_demo:gadget/things@1.2.0#scale\",");
    iso_buf_fini(&files.text);
}

TEST(bindings_are_the_same_every_time)
{
    for (int language = ISO_GEN_C; language <= ISO_GEN_ASSEMBLYSCRIPT; language++) {
        struct files one, two;
        CHECK_STR(generate(&one, (enum iso_gen_language)language),
                  generate(&two, (enum iso_gen_language)language));
        iso_buf_fini(&one.text);
        iso_buf_fini(&two.text);
    }
}

TEST(a_file_that_cannot_be_written_ends_it)
{
    struct gen_build build;
    gen_build_init(&build);
    const struct iso_wit_world *world = gen_build_gadget(&build);
    for (int language = ISO_GEN_C; language <= ISO_GEN_ASSEMBLYSCRIPT; language++) {
        struct files files = {.fail_at = 1};
        struct iso_report report;
        iso_report_init(&report);
        iso_buf_init(&files.text, iso_alloc_libc(), SIZE_MAX);
        CHECK_ERR(iso_gen_bindings(iso_alloc_libc(), world, (enum iso_gen_language)language, keep,
                                   &files, &report),
                  ISO_E_IO);
        CHECK_CONTAINS(report.text, "\"gadget\"");
        CHECK_EQ_U64(files.count, 1);
        iso_buf_fini(&files.text);
    }
    struct iso_report report;
    iso_report_init(&report);
    CHECK_ERR(
        iso_gen_bindings(iso_alloc_libc(), world, (enum iso_gen_language)99, keep, NULL, &report),
        ISO_E_ARGUMENT);
    CHECK_CONTAINS(report.text, "assemblyscript");
    gen_build_fini(&build);
}

/* ---- Descriptions -------------------------------------------------------------------------- */

typedef enum iso_err (*describe_fn)(const struct iso_wit_world *world,
                                    const struct iso_gen_place *place, struct iso_buf *out);

static const char *describe(describe_fn fn, const struct iso_gen_place *place, struct iso_buf *out)
{
    struct gen_build build;
    gen_build_init(&build);
    iso_buf_init(out, iso_alloc_libc(), SIZE_MAX);
    CHECK_OK(fn(gen_build_gadget(&build), place, out));
    CHECK_OK(iso_buf_append_u8(out, 0));
    gen_build_fini(&build);
    return (const char *)out->ptr;
}

static const struct iso_gen_place both = {.id = "urn:example:gadget",
                                          .http_base = "https://device/v1/components/app/gadget",
                                          .coap_base = "coaps://device/c/app/gadget"};

TEST(things_have_actions_properties_and_forms)
{
    struct iso_buf out;
    const char *text = describe(iso_gen_thing, &both, &out);
    CHECK_CONTAINS(text, "\"@context\": [\n    \"https://www.w3.org/2022/wot/td/v1.1\"");
    CHECK_CONTAINS(text, "\"href\": \"https://device/v1/components/app/gadget/echo-deep\"");
    CHECK_CONTAINS(text, "\"href\": \"coaps://device/c/app/gadget/properties/level\"");
    CHECK_CONTAINS(text, "\"contentType\": \"application/octet-stream\"");
    CHECK_CONTAINS(text, "\"security\": [\n            \"psk\"");
    CHECK_CONTAINS(text, "\"parse-error\": {");
    CHECK(strstr(text, "nosec") == NULL);
    /* Two exports are called area: that of the interface has its name before it. */
    CHECK_CONTAINS(text, "\"things.area\": {");
    CHECK_CONTAINS(text, "\"area\": {");
    iso_buf_fini(&out);
}

TEST(a_thing_without_a_place_says_nosec)
{
    struct iso_buf out;
    const char *text = describe(iso_gen_thing, NULL, &out);
    CHECK_CONTAINS(text, "\"scheme\": \"nosec\"");
    CHECK_CONTAINS(text, "\"href\": \"echo-deep\"");
    CHECK(strstr(text, "bearer") == NULL);
    CHECK(strstr(text, "cov:") == NULL);
    iso_buf_fini(&out);
}

TEST(schemas_are_exact)
{
    struct iso_buf out;
    const char *text = describe(iso_gen_openapi, &both, &out);
    CHECK_CONTAINS(text, "\"minimum\": -128,");
    CHECK_CONTAINS(text, "\"pattern\": \"^-?[0-9]{1,19}$\"");
    CHECK_CONTAINS(text, "\"maximum\": 18446744073709551615");
    CHECK_CONTAINS(text, "\"contentEncoding\": \"base64\"");
    CHECK_CONTAINS(text, "\"prefixItems\": [");
    CHECK_CONTAINS(text, "\"uniqueItems\": true");
    CHECK_CONTAINS(text, "\"some\"");
    CHECK_CONTAINS(text, "\"$ref\": \"#/components/schemas/point\"");
    CHECK_CONTAINS(text, "\"minLength\": 1,\n");
    CHECK_CONTAINS(text, "\"-inf\"");
    CHECK_CONTAINS(text, "\"422\": {");
    CHECK_CONTAINS(text, "\"/properties/level\": {");
    CHECK_CONTAINS(text, "\"204\": {");
    iso_buf_fini(&out);
}

TEST(text_is_at_most_80_columns_wide)
{
    struct iso_buf out;
    const char *text = describe(iso_gen_text, &both, &out);
    CHECK_CONTAINS(text, "Exported interface demo:gadget/things@1.2.0\n");
    CHECK_CONTAINS(text, "  parse(text: string) -> result<point, string>\n");
    CHECK_CONTAINS(text, "      How large a shape is.\n");
    for (const char *at = text; *at != '\0';) {
        size_t len = strcspn(at, "\n");
        CHECK(len <= 80);
        at += len + (at[len] == '\n');
    }
    iso_buf_fini(&out);
}

TEST(descriptions_that_do_not_fit_leave_the_buffer_as_it_was)
{
    static const describe_fn all[] = {iso_gen_thing, iso_gen_openapi, iso_gen_text};
    struct gen_build build;
    gen_build_init(&build);
    const struct iso_wit_world *world = gen_build_gadget(&build);
    for (size_t i = 0; i < ISO_COUNT_OF(all); i++) {
        struct iso_buf out;
        iso_buf_init(&out, iso_alloc_libc(), 500);
        CHECK_OK(iso_buf_append(&out, "before", 6));
        CHECK_ERR(all[i](world, &both, &out), ISO_E_LIMIT);
        CHECK_EQ_U64(out.len, 6);
        iso_buf_fini(&out);
    }
    gen_build_fini(&build);
}

TEST(types_nested_beyond_what_is_described_are_left_open)
{
    struct gen_build build;
    gen_build_init(&build);
    const struct iso_vtype *type = iso_vtype_primitive(ISO_V_U16);
    for (int i = 0; i < 90; i++) {
        type = gen_build_list(&build, type);
    }
    struct iso_wit_func func;
    struct iso_wit_item item = {.name = iso_str_from_z("f"), .func = &func};
    gen_build_func(&build, &func, "f", "", NULL, type);
    struct iso_wit_world world = {.name = iso_str_from_z("w"), .exports = &item, .export_count = 1};
    struct iso_buf out;
    iso_buf_init(&out, iso_alloc_libc(), SIZE_MAX);
    CHECK_OK(iso_gen_thing(&world, NULL, &out));
    CHECK_OK(iso_gen_openapi(&world, NULL, &out));
    CHECK_OK(iso_buf_append_u8(&out, 0));
    CHECK_CONTAINS((const char *)out.ptr, "Nested too deeply to be described here");
    iso_buf_fini(&out);
    gen_build_fini(&build);
}

/* ---- Memory -------------------------------------------------------------------------------- */

TEST(descriptions_survive_each_failed_allocation)
{
    static const describe_fn all[] = {iso_gen_thing, iso_gen_openapi, iso_gen_text};
    struct gen_build build;
    gen_build_init(&build);
    const struct iso_wit_world *world = gen_build_gadget(&build);
    for (size_t i = 0; i < ISO_COUNT_OF(all); i++) {
        enum iso_err err = ISO_E_NOMEM;
        struct iso_alloc_test memory;
        iso_alloc_test_init(&memory);
        for (uint64_t n = 1; err != ISO_OK; n++) {
            struct iso_buf out;
            CHECK(n < 10000);
            iso_alloc_test_restart(&memory, n);
            iso_buf_init(&out, &memory.alloc, SIZE_MAX);
            err = all[i](world, &both, &out);
            CHECK(err == ISO_OK || err == ISO_E_NOMEM);
            CHECK(err == ISO_OK || out.len == 0);
            CHECK((err != ISO_OK) == memory.failed);
            iso_buf_fini(&out);
            CHECK_EQ_U64(memory.live_bytes, 0);
        }
    }
    gen_build_fini(&build);
}

static enum iso_err count_file(void *ctx, const char *name, struct iso_bytes contents)
{
    unsigned *files = ctx;
    CHECK(name[0] != '\0' && contents.len != 0);
    (*files)++;
    return ISO_OK;
}

TEST(bindings_survive_each_failed_allocation)
{
    static const enum iso_gen_language all[] = {ISO_GEN_C, ISO_GEN_RUST, ISO_GEN_ASSEMBLYSCRIPT};
    struct gen_build build;
    gen_build_init(&build);
    const struct iso_wit_world *world = gen_build_gadget(&build);
    for (size_t i = 0; i < ISO_COUNT_OF(all); i++) {
        enum iso_err err = ISO_E_NOMEM;
        struct iso_alloc_test memory;
        unsigned files = 0, failures = 0;
        iso_alloc_test_init(&memory);
        for (uint64_t n = 1; err != ISO_OK; n++) {
            struct iso_report report;
            CHECK(n < 10000);
            iso_alloc_test_restart(&memory, n);
            iso_report_init(&report);
            files = 0;
            err = iso_gen_bindings(&memory.alloc, world, all[i], count_file, &files, &report);
            CHECK(err == ISO_OK || (err == ISO_E_NOMEM && report.set));
            CHECK((err != ISO_OK) == memory.failed);
            failures += err != ISO_OK;
            CHECK_EQ_U64(memory.live_bytes, 0);
        }
        CHECK_EQ_U64(files, all[i] == ISO_GEN_RUST ? 1 : 2);
        CHECK(failures > 5);
    }
    gen_build_fini(&build);
}
