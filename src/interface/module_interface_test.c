/* Where the interface of a module comes from, what is derived, and what `pack` writes. */
#include "interface/module_sections.h"
#include "interface/wit_test_support.h"

/* (module (func (export "fib_iter") (param i32) (result i32) local.get 0)
 *   (func (export "addF64") (param f64 i64) (result f32) f32.const 0)
 *   (func (export "weird") (param externref)) (func (export "two") (result i32 i32) ...)
 *   (func (export "_initialize")) (func (export "fibIter"))) */
static const char exports_hex[] =
    "0061736d0100000001180560017f017f60027c7e017d60016f006000027f7f60000003070600010203040407"
    "3b06086669625f69746572000006616464463634000105776569726400020374776f00030b5f696e69746961"
    "6c697a650004076669624974657200050a1e06040020000b070043000000000b02000b0600410041000b0200"
    "0b02000b";

/* (module (func (export "_start"))) */
static const char command_hex[] = "0061736d01000000"
                                  "0104"
                                  "01600000"
                                  "0302"
                                  "0100"
                                  "070a"
                                  "01065f7374617274"
                                  "0000"
                                  "0a04"
                                  "01"
                                  "02000b";

struct loaded {
    struct iso_engine *engine;
    struct iso_module *module;
    struct iso_buf bytes;
};

static void append_hex(struct iso_buf *out, const char *hex)
{
    uint8_t bytes[1000];
    size_t len = wit_test_unhex(hex, bytes, sizeof bytes);
    CHECK_OK(iso_buf_append(out, bytes, len));
}

/* A custom section of less than 128 bytes of name and contents. */
static void append_custom(struct iso_buf *out, const char *name, const void *data, size_t len)
{
    size_t name_len = strlen(name), size = 1 + name_len + len;
    CHECK(size < 16384);
    CHECK_OK(iso_buf_append_u8(out, 0));
    CHECK_OK(iso_buf_append_u8(out, (uint8_t)(size | 0x80)));
    CHECK_OK(iso_buf_append_u8(out, (uint8_t)(size >> 7)));
    CHECK_OK(iso_buf_append_u8(out, (uint8_t)name_len));
    CHECK_OK(iso_buf_append(out, name, name_len));
    CHECK_OK(iso_buf_append(out, data, len));
}

static void append_text(struct iso_buf *out, const char *name, const char *text)
{
    append_custom(out, name, text, strlen(text));
}

static void begin(struct loaded *loaded, const char *hex)
{
    *loaded = (struct loaded){.engine = NULL};
    iso_buf_init(&loaded->bytes, iso_alloc_libc(), SIZE_MAX);
    append_hex(&loaded->bytes, hex);
}

static void load(struct loaded *loaded)
{
    struct iso_report report;
    iso_report_init(&report);
    CHECK_OK(iso_engine_create(NULL, &loaded->engine));
    enum iso_err err = iso_module_create(loaded->engine, loaded->bytes.ptr, loaded->bytes.len,
                                         &loaded->module, &report);
    if (err != ISO_OK) {
        TEST_FAIL("%s", report.text);
    }
}

static void end(struct loaded *loaded)
{
    iso_module_destroy(loaded->module);
    iso_engine_destroy(loaded->engine);
    iso_buf_fini(&loaded->bytes);
}

static void find_ok(const struct loaded *loaded, const struct iso_wit_source *beside,
                    struct iso_module_interface *out)
{
    struct iso_report report;
    iso_report_init(&report);
    enum iso_err err =
        iso_module_interface_find(iso_alloc_libc(), loaded->module, beside, out, &report);
    if (err != ISO_OK) {
        TEST_FAIL("%s: %s", iso_err_name(err), iso_report_text(&report, err));
    }
}

TEST(exports_over_numbers_are_derived_and_the_rest_is_named)
{
    struct loaded loaded;
    struct iso_module_interface found;
    begin(&loaded, exports_hex);
    load(&loaded);
    find_ok(&loaded, NULL, &found);
    CHECK_EQ_U64(found.origin, ISO_ORIGIN_DERIVED);
    CHECK(iso_str_equal_z(found.info.abi, "derived"));
    CHECK_EQ_U64(found.world->export_count, 2);
    const struct iso_wit_func *fib = found.world->exports[0].func;
    const struct iso_wit_func *add = found.world->exports[1].func;
    CHECK(iso_str_equal_z(fib->name, "fib-iter"));
    CHECK(iso_str_equal_z(fib->core_name, "fib_iter"));
    CHECK(fib->params[0].type->kind == ISO_V_S32);
    CHECK(fib->result->kind == ISO_V_S32);
    CHECK(iso_str_equal_z(add->name, "add-f64"));
    CHECK(add->params[0].type->kind == ISO_V_F64);
    CHECK(add->params[1].type->kind == ISO_V_S64);
    CHECK(add->result->kind == ISO_V_F32);
    CHECK(iso_str_equal_z(found.world->doc,
                          "Left out: 'weird', because a parameter is a vector or a reference.\n"
                          "Left out: 'two', because it has several results.\n"
                          "Left out: 'fibIter', because another export has nearly the same name."));
    wit_test_round_trip(&found.wit, NULL);
    iso_module_interface_fini(&found);
    end(&loaded);
}

TEST(a_module_without_describable_exports_is_refused)
{
    struct loaded loaded;
    struct iso_module_interface found;
    struct iso_report report;
    iso_report_init(&report);
    begin(&loaded, "0061736d01000000");
    load(&loaded);
    CHECK_ERR(iso_module_interface_find(iso_alloc_libc(), loaded.module, NULL, &found, &report),
              ISO_E_UNSUPPORTED);
    CHECK_CONTAINS(report.text, "it exports no function over numbers");
    iso_module_interface_fini(&found);
    end(&loaded);
}

TEST(a_module_with_start_is_a_command)
{
    struct loaded loaded;
    struct iso_module_interface found;
    begin(&loaded, command_hex);
    load(&loaded);
    find_ok(&loaded, NULL, &found);
    CHECK_EQ_U64(found.origin, ISO_ORIGIN_COMMAND);
    CHECK_EQ_U64(found.world->export_count, 1);
    const struct iso_wit_func *run = found.world->exports[0].func;
    char text[100];
    CHECK(iso_str_equal_z(run->name, "run"));
    CHECK_EQ_U64(run->param_count, 3);
    iso_vtype_text(run->params[1].type, text, sizeof text);
    CHECK_STR(text, "list<tuple<string, string>>");
    CHECK(run->result->kind == ISO_V_RECORD);
    CHECK(iso_str_equal_z(run->result->members[2].name, "status"));
    wit_test_round_trip(&found.wit, NULL);
    iso_module_interface_fini(&found);
    end(&loaded);
}

static const char wit_one[] = "package a:one; world w { export f: func(); }";
static const char wit_two[] = "package a:two; world w { export f: func(); }";

TEST(the_first_source_that_applies_is_taken)
{
    uint8_t section[400];
    struct loaded loaded;
    struct iso_module_interface found;
    const struct iso_wit_source beside = {"m.wit", iso_bytes_from(wit_two, sizeof wit_two - 1)};
    const struct iso_wit_source none = {NULL, {NULL, 0}};
    static const char lists_hex[] =
        "0061736d0d0001000019167769742d636f6d706f6e656e742d656e636f64696e670400074c01410201410401"
        "707d016a0100017301400306706978656c730005776964746879066865696768747900010400057363616c65"
        "010204001261636d653a7363616c65722f7363616c657204000b0c0100067363616c6572030000";
    size_t len = wit_test_unhex(lists_hex, section, sizeof section);
    begin(&loaded, command_hex);
    append_custom(&loaded.bytes, "component-type:wit-bindgen:0.1:scaler", section, len);
    load(&loaded);
    find_ok(&loaded, &none, &found);
    CHECK_EQ_U64(found.origin, ISO_ORIGIN_COMPONENT);
    CHECK(iso_str_equal_z(found.world->name, "scaler"));
    iso_module_interface_fini(&found);
    end(&loaded);

    begin(&loaded, command_hex);
    append_custom(&loaded.bytes, "component-type:wit-bindgen:0.1:scaler", section, len);
    append_text(&loaded.bytes, "isomer:wit", wit_one);
    append_text(
        &loaded.bytes, "isomer:package",
        " { \"name\" : \"na\\u00efve \\\"x\\\" \\ud83d\\ude00\", \"later\":[1,{\"a\":null}],"
        "\"abi\":\"wasm-bindgen\",\"version\":\"1.0.0\"}\n");
    load(&loaded);
    find_ok(&loaded, NULL, &found);
    CHECK_EQ_U64(found.origin, ISO_ORIGIN_EMBEDDED);
    CHECK(iso_str_equal_z(found.wit.package->name, "one"));
    CHECK(iso_str_equal_z(found.info.name, "na\xc3\xafve \"x\" \xf0\x9f\x98\x80"));
    CHECK(iso_str_equal_z(found.info.abi, "wasm-bindgen"));
    CHECK(iso_str_equal_z(found.info.version, "1.0.0"));
    CHECK_EQ_U64(found.info.licence.len, 0);
    iso_module_interface_fini(&found);
    find_ok(&loaded, &beside, &found);
    CHECK_EQ_U64(found.origin, ISO_ORIGIN_BESIDE);
    CHECK(iso_str_equal_z(found.wit.package->name, "two"));
    CHECK(iso_str_equal_z(found.info.version, "1.0.0"));
    iso_module_interface_fini(&found);
    end(&loaded);
}

static void check_find_fails(const char *section, const char *text, enum iso_err expected,
                             const char *message)
{
    struct loaded loaded;
    struct iso_module_interface found;
    struct iso_report report;
    iso_report_init(&report);
    begin(&loaded, command_hex);
    append_text(&loaded.bytes, section, text);
    load(&loaded);
    enum iso_err err =
        iso_module_interface_find(iso_alloc_libc(), loaded.module, NULL, &found, &report);
    CHECK_STR(report.text, message);
    CHECK_ERR(err, expected);
    iso_module_interface_fini(&found);
    end(&loaded);
}

TEST(sections_that_are_wrong_are_refused_with_their_place)
{
    check_find_fails("isomer:wit", "package a:b;", ISO_E_INVALID,
                     "package 'a:b' has no world; add one that says what the module exports, as in "
                     "'world module { export my-interface; }'");
    check_find_fails("isomer:wit", "package a:b; wrld", ISO_E_MALFORMED,
                     "isomer:wit:1:14: expected 'interface', 'world', 'use' or 'package', found "
                     "'wrld'\npackage a:b; wrld\n             ^");
    check_find_fails("component-type", "nonsense", ISO_E_MALFORMED,
                     "component-type: at byte 0: a component in binary form was expected");
    check_find_fails("isomer:package", "{\"name\":1}", ISO_E_INVALID,
                     "package metadata: 'name' must be a string");
    check_find_fails("isomer:package", "{\"name\":\"x\"", ISO_E_MALFORMED,
                     "package metadata: expected ',' or '}' at byte 11");
    check_find_fails("isomer:package", "{\"name\":\"\\ud800\"}", ISO_E_MALFORMED,
                     "package metadata: half of a surrogate pair at byte 15");
    check_find_fails("isomer:package", "{} x", ISO_E_MALFORMED,
                     "package metadata: something follows the object at byte 3");
    check_find_fails("isomer:package", "{\"x\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1", ISO_E_LIMIT,
                     "package metadata: nested more than 32 deep");
}

TEST(packing_replaces_what_is_there_and_keeps_the_rest)
{
    struct loaded loaded;
    struct iso_module_interface found;
    struct iso_buf once, twice;
    const struct iso_package_info info = {.name = iso_str_from_z("scaler"),
                                          .version = iso_str_from_z("1.0.0"),
                                          .description = iso_str_from_z("Says \"hello\"\n")};
    iso_buf_init(&once, iso_alloc_libc(), SIZE_MAX);
    iso_buf_init(&twice, iso_alloc_libc(), SIZE_MAX);
    begin(&loaded, command_hex);
    append_text(&loaded.bytes, "other", "kept");
    struct iso_bytes plain = iso_buf_view(&loaded.bytes);
    CHECK_OK(
        iso_module_pack(plain, iso_bytes_from(wit_one, sizeof wit_one - 1), &info, &once, NULL));
    CHECK_MEM(once.ptr, plain.ptr, plain.len);
    /* WIT again; the metadata stays. */
    CHECK_OK(iso_module_pack(iso_buf_view(&once), iso_bytes_from(wit_two, sizeof wit_two - 1), NULL,
                             &twice, NULL));
    CHECK_EQ_U64(twice.len, once.len);
    iso_buf_fini(&loaded.bytes);
    loaded.bytes = twice;
    load(&loaded);
    find_ok(&loaded, NULL, &found);
    CHECK(iso_str_equal_z(found.wit.package->name, "two"));
    CHECK(iso_str_equal_z(found.info.name, "scaler"));
    CHECK(iso_str_equal_z(found.info.description, "Says \"hello\"\n"));
    CHECK_EQ_U64(iso_module_section_count(loaded.module), 7);
    iso_module_interface_fini(&found);
    /* Cut modules and other files. */
    struct iso_report report;
    iso_report_init(&report);
    struct iso_buf out;
    iso_buf_init(&out, iso_alloc_libc(), SIZE_MAX);
    CHECK_ERR(iso_module_pack(iso_bytes_from(once.ptr, once.len - 1), iso_bytes_from(NULL, 0),
                              &info, &out, &report),
              ISO_E_MALFORMED);
    CHECK_CONTAINS(report.text, "goes beyond the end of the module");
    CHECK_ERR(
        iso_module_pack(iso_bytes_from("text", 4), iso_bytes_from(NULL, 0), &info, &out, NULL),
        ISO_E_MALFORMED);
    CHECK_EQ_U64(out.len, 0);
    iso_buf_fini(&out);
    iso_buf_fini(&once);
    end(&loaded);
}

TEST(finding_survives_every_failing_allocation)
{
    static const char *const modules[] = {exports_hex, command_hex};
    for (size_t i = 0; i < ISO_COUNT_OF(modules); i++) {
        struct loaded loaded;
        struct iso_alloc_test memory;
        enum iso_err err = ISO_E_NOMEM;
        begin(&loaded, modules[i]);
        append_text(&loaded.bytes, "isomer:package", "{\"name\":\"x\"}");
        load(&loaded);
        iso_alloc_test_init(&memory);
        for (uint64_t n = 1; err == ISO_E_NOMEM; n++) {
            struct iso_module_interface found;
            iso_alloc_test_restart(&memory, n);
            err = iso_module_interface_find(&memory.alloc, loaded.module, NULL, &found, NULL);
            iso_module_interface_fini(&found);
            CHECK_EQ_U64(memory.live_bytes, 0);
        }
        CHECK_OK(err);
        end(&loaded);
    }
}
