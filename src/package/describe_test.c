/* What a module is and needs: its imports by module name, typed where its WIT says how, features,
 * memory, commands; and modules that cannot be used. */
#include "package/package.h"

#include "base/test.h"
#include "support/wasm_writer.h"

static void import_func(struct iso_buf *imports, const char *module, const char *name)
{
    wasm_name(imports, module);
    wasm_name(imports, name);
    wasm_u8(imports, 0); /* a function of type 0 */
    wasm_u8(imports, 0);
}

static void type_of_nothing(struct iso_buf *module)
{
    struct iso_buf types = wasm_buf();
    wasm_literal(&types, "\x01\x60\x00\x00");
    wasm_section(module, WASM_TYPE, &types);
}

/* Imports of four modules, a memory of 2 to 5 pages, `_start`. */
static struct iso_buf make_module(void)
{
    struct iso_buf module = wasm_buf(), imports = wasm_buf(), functions = wasm_buf();
    struct iso_buf memory = wasm_buf(), exports = wasm_buf(), code = wasm_buf(), body = wasm_buf();
    wasm_header(&module);
    type_of_nothing(&module);
    wasm_u8(&imports, 5);
    import_func(&imports, "t:a/b@1.0.0", "f");
    import_func(&imports, "env", "x");
    import_func(&imports, "t:a/b@1.0.0", "f");
    import_func(&imports, "wasi_snapshot_preview1", "sched_yield");
    import_func(&imports, "isomer:device/log@0.1.0", "write");
    wasm_section(&module, WASM_IMPORT, &imports);
    wasm_literal(&functions, "\x01\x00");
    wasm_section(&module, WASM_FUNCTION, &functions);
    wasm_literal(&memory, "\x01\x01\x02\x05");
    wasm_section(&module, WASM_MEMORY, &memory);
    wasm_u8(&exports, 1);
    wasm_name(&exports, "_start");
    wasm_literal(&exports, "\x00\x05");
    wasm_section(&module, WASM_EXPORT, &exports);
    wasm_u8(&code, 1);
    wasm_literal(&body, "\x00\x0b");
    wasm_body(&code, &body);
    wasm_section(&module, WASM_CODE, &code);
    return module;
}

static const struct iso_need *need_of(const struct iso_description *description, const char *name)
{
    for (uint32_t i = 0; i < description->need_count; i++) {
        if (iso_str_equal_z(description->needs[i].module, name)) {
            return &description->needs[i];
        }
    }
    TEST_FAIL("'%s' is not needed", name);
}

static const char wit[] = "package t:a@1.0.0;\n"
                          "interface b { f: func(); }\n"
                          "world w { import b; export run: func(); }\n";

TEST(needs_are_grouped_and_typed)
{
    struct iso_buf module = make_module();
    struct iso_description *description;
    uint8_t digest[ISO_SHA256_SIZE];
    CHECK_OK(iso_describe(iso_buf_view(&module), iso_bytes_from(wit, strlen(wit)), "a.wit",
                          &description, NULL));
    iso_sha256(module.ptr, module.len, digest);
    CHECK_MEM(description->digest, digest, sizeof digest);
    CHECK_EQ_U64(description->size_bytes, module.len);
    CHECK_EQ_U64(description->need_count, 4);
    const struct iso_need *need = need_of(description, "t:a/b@1.0.0");
    CHECK(need->kind == ISO_NEED_INTERFACE && need->interface != NULL);
    CHECK_EQ_U64(need->count, 2);
    CHECK_EQ_U64(need->interface->func_count, 1);
    need = need_of(description, "isomer:device/log@0.1.0");
    CHECK(need->kind == ISO_NEED_INTERFACE && need->interface == NULL); /* the world is silent */
    CHECK(need_of(description, "wasi_snapshot_preview1")->kind == ISO_NEED_WASI);
    CHECK(need_of(description, "env")->kind == ISO_NEED_OTHER);
    CHECK(description->is_command);
    CHECK_EQ_U64(description->memory_min_bytes, 2 * 65536);
    CHECK_EQ_U64(description->memory_max_bytes, 5 * 65536);
    CHECK_EQ_U64(description->feature_count, 1);
    CHECK_STR(description->features[0], "wasi-preview1");
    CHECK_OK(iso_buf_append_u8(&description->wit, 0));
    CHECK_CONTAINS((const char *)description->wit.ptr, "export run");
    iso_description_destroy(description);
    iso_buf_fini(&module);
    iso_description_destroy(NULL);
}

static const struct iso_bytes empty_world = {(const uint8_t *)"package t:a; world w {}", 23};

static void add_target_features(struct iso_buf *module, const char *bytes, size_t len)
{
    struct iso_buf section = wasm_buf();
    wasm_name(&section, "target_features");
    wasm_bytes(&section, bytes, len);
    wasm_section(module, WASM_CUSTOM, &section);
}

TEST(features_are_those_that_the_compiler_names_and_the_types_show)
{
    static const char section[] = "\x05+\x07simd128+\x08sign-ext-\x0bmulti value+\x08sign-ext"
                                  "+\x04none";
    static const char cut[] = "\x09+\x07simd128+\x7f";
    struct iso_buf body = wasm_buf();
    struct iso_description *description;
    wasm_literal(&body, "\x00\x41\x00\x41\x00\x0b");
    struct iso_buf module = wasm_module_of("", "\x7f\x7f", -1, &body);
    add_target_features(&module, section, sizeof section - 1);
    add_target_features(&module, cut, sizeof cut - 1);
    CHECK_OK(iso_describe(iso_buf_view(&module), empty_world, NULL, &description, NULL));
    CHECK_EQ_U64(description->feature_count, 3);
    CHECK_STR(description->features[0], "simd128");
    CHECK_STR(description->features[1], "sign-extension");
    CHECK_STR(description->features[2], "multi-value");
    CHECK_EQ_U64(description->memory_min_bytes, 0);
    CHECK(!description->is_command);
    iso_description_destroy(description);
    iso_buf_fini(&module);
}

TEST(modules_that_cannot_be_used_are_refused)
{
    struct iso_buf module = make_module();
    struct iso_description *description;
    struct iso_report report;
    iso_report_init(&report);
    CHECK_ERR(
        iso_describe(iso_bytes_from("no", 2), iso_bytes_from(NULL, 0), NULL, &description, &report),
        ISO_E_MALFORMED);
    iso_report_init(&report);
    CHECK_ERR(iso_describe(iso_buf_view(&module), iso_bytes_from("package t:a; %", 14), "a.wit",
                           &description, &report),
              ISO_E_MALFORMED);
    CHECK_CONTAINS(report.text, "a.wit:1:");
    for (size_t len = 0; len < module.len; len++) { /* cut anywhere */
        if (iso_describe(iso_bytes_from(module.ptr, len), iso_bytes_from(wit, strlen(wit)), NULL,
                         &description, NULL) == ISO_OK) {
            iso_description_destroy(description); /* at the end of a section */
        }
    }
    iso_buf_fini(&module);
}

TEST(imports_of_too_many_modules_are_refused)
{
    enum { COUNT = 1025 };
    struct iso_buf module = wasm_buf(), imports = wasm_buf();
    struct iso_description *description;
    struct iso_report report;
    wasm_header(&module);
    type_of_nothing(&module);
    wasm_u32(&imports, COUNT);
    for (unsigned i = 0; i < COUNT; i++) {
        char name[16];
        (void)iso_format(name, sizeof name, "m%u", i);
        import_func(&imports, name, "f");
    }
    wasm_section(&module, WASM_IMPORT, &imports);
    iso_report_init(&report);
    CHECK_ERR(iso_describe(iso_buf_view(&module), empty_world, NULL, &description, &report),
              ISO_E_LIMIT);
    CHECK_CONTAINS(report.text, "1024");
    iso_buf_fini(&module);
}
