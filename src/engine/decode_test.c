/* decode_test.c - the sections of a module: what is kept, and how each is refused. */
#include "engine/module_test_support.h"

static struct wasm w;

/* ---- The whole ----------------------------------------------------------------------------- */

TEST(the_empty_module_is_a_module)
{
    wasm_init(&w);
    CHECK_OK(wasm_load(&w));
    CHECK_EQ_U64(iso_module_section_count(w.module), 0);
    CHECK_EQ_U64(iso_module_func_count(w.module), 0);
    struct iso_limits limits;
    CHECK(!iso_module_memory_limits(w.module, &limits));
    CHECK_EQ_U64(iso_module_bytes(w.module).len, 8);
    uint8_t digest[32], expected[32];
    iso_sha256(w.bytes.ptr, w.bytes.len, expected);
    iso_module_digest(w.module, digest);
    CHECK_MEM(digest, expected, 32);
    iso_module_digest(w.module, digest);
    CHECK_MEM(digest, expected, 32);
    wasm_fini(&w);
}

TEST(what_is_no_module_is_refused)
{
    wasm_init(&w);
    CHECK_ERR(iso_module_create(w.engine, NULL, 0, &w.module, &w.report), ISO_E_MALFORMED);
    CHECK_CONTAINS(w.report.text, "unexpected end");
    CHECK(w.module == NULL);
    w.bytes.len = 7;
    wasm_check_fails(&w, ISO_E_MALFORMED, "unexpected end", 7);
    w.bytes.ptr[1] = 'A';
    wasm_check_fails(&w, ISO_E_MALFORMED, "magic header not detected", 0);
    w.bytes.ptr[4] = 2;
    wasm_check_fails(&w, ISO_E_MALFORMED, "unknown binary version", 4);
    wasm_fini(&w);
}

TEST(a_module_is_loaded_without_a_report_too)
{
    wasm_init(&w);
    WASM_SECTION(&w, 1, 1, 0x61);
    CHECK_ERR(iso_module_create(w.engine, w.bytes.ptr, w.bytes.len, &w.module, NULL),
              ISO_E_MALFORMED);
    wasm_fini(&w);
}

TEST(sections_are_listed_in_their_order)
{
    wasm_init(&w);
    WASM_SECTION(&w, 0, 4, 'n', 'o', 't', 'e', 1, 2, 3);
    WASM_SECTION(&w, 1, 0);
    WASM_SECTION(&w, 0, 0);
    CHECK_OK(wasm_load(&w));
    CHECK_EQ_U64(iso_module_section_count(w.module), 3);
    struct iso_section_desc section;
    iso_module_section(w.module, 0, &section);
    CHECK_EQ_U64(section.id, 0);
    CHECK(iso_str_equal_z(section.name, "note"));
    CHECK_EQ_U64(section.offset, 15);
    CHECK_EQ_U64(section.size, 3);
    iso_module_section(w.module, 1, &section);
    CHECK(iso_str_equal_z(section.name, "type"));
    CHECK_EQ_U64(section.offset, 20);
    CHECK_EQ_U64(section.size, 1);
    iso_module_section(w.module, 2, &section);
    CHECK_EQ_U64(section.name.len, 0);
    CHECK_EQ_U64(section.size, 0);
    wasm_fini(&w);
}

TEST(sections_have_an_order_and_a_size)
{
    wasm_init(&w);
    WASM_SECTION(&w, 13, 0);
    wasm_check_fails(&w, ISO_E_MALFORMED, "malformed section id 13", 8);
    WASM_SECTION(&w, 1, 0);
    WASM_SECTION(&w, 1, 0);
    wasm_check_fails(&w, ISO_E_MALFORMED, "unexpected content after last section", 11);
    WASM_SECTION(&w, 3, 0);
    WASM_SECTION(&w, 2, 0);
    wasm_check_fails(&w, ISO_E_MALFORMED, "unexpected content after last section", 11);
    WASM_SECTION(&w, 10, 0);
    WASM_SECTION(&w, 12, 0); /* data count stands before code */
    wasm_check_fails(&w, ISO_E_MALFORMED, "unexpected content after last section", 11);
    WASM_SECTION(&w, 1, 0, 0);
    wasm_check_fails(&w, ISO_E_MALFORMED, "section size mismatch", 11);
    WASM_PUT(&w, 1, 9, 0);
    wasm_check_fails(&w, ISO_E_MALFORMED, "length out of bounds", 9);
    WASM_SECTION(&w, 0, 2, 0xc3, 0x28);
    wasm_check_fails(&w, ISO_E_MALFORMED, "malformed UTF-8 encoding", 11);
    WASM_SECTION(&w, 0, 4, 'n', 'o');
    wasm_check_fails(&w, ISO_E_MALFORMED, "length out of bounds", 11);
    WASM_SECTION(&w, 9, 0);
    WASM_SECTION(&w, 12, 0);
    WASM_SECTION(&w, 10, 0);
    WASM_SECTION(&w, 11, 0);
    CHECK_OK(wasm_load(&w));
    wasm_fini(&w);
}

/* ---- Types, imports, exports --------------------------------------------------------------- */

TEST(malformed_types_are_refused)
{
    wasm_init(&w);
    WASM_SECTION(&w, 1, 1, 0x5f, 0, 0);
    wasm_check_fails(&w, ISO_E_MALFORMED, "malformed definition type 0x5f", 11);
    WASM_SECTION(&w, 1, 1, 0x60, 1, 0x7a, 0);
    wasm_check_fails(&w, ISO_E_MALFORMED, "malformed value type 0x7a", 13);
    WASM_SECTION(&w, 1, 1, 0x60, 2, 0x7f);
    wasm_check_fails(&w, ISO_E_MALFORMED, "unexpected end", 12);
    WASM_SECTION(&w, 1, 2, 0x60, 0, 0);
    wasm_check_fails(&w, ISO_E_MALFORMED, "unexpected end", 10);
    wasm_fini(&w);
}

TEST(imports_are_described)
{
    wasm_init(&w);
    WASM_SECTION(&w, 1, 2, 0x60, 0, 0, 0x60, 2, 0x7b, 0x6f, 1, 0x7e);
    WASM_SECTION(&w, 2, 5,                         /* five */
                 1, 'm', 1, 'g', 3, 0x7d, 1,       /* global, mutable f32 */
                 1, 'm', 1, 'f', 0, 1,             /* function of type 1 */
                 1, 'm', 1, 't', 1, 0x6f, 1, 2, 3, /* table 2..3 of externref */
                 0, 0, 2, 0, 7,                    /* memory of at least 7 */
                 1, 'm', 1, 'h', 3, 0x70, 0);      /* global, constant funcref */
    CHECK_OK(wasm_load(&w));
    CHECK_EQ_U64(iso_module_import_count(w.module), 5);
    struct iso_import_desc import;
    iso_module_import(w.module, 0, &import);
    CHECK(iso_str_equal_z(import.module, "m") && iso_str_equal_z(import.name, "g"));
    CHECK(import.type.kind == ISO_EXTERN_GLOBAL && import.type.value == ISO_TYPE_F32);
    CHECK(import.type.is_mutable);
    iso_module_import(w.module, 1, &import);
    CHECK(import.type.kind == ISO_EXTERN_FUNC);
    CHECK_EQ_U64(import.type.func->param_slots, 3);
    CHECK(import.type.func == iso_module_func_type(w.module, 0));
    iso_module_import(w.module, 2, &import);
    CHECK(import.type.kind == ISO_EXTERN_TABLE && import.type.value == ISO_TYPE_EXTERNREF);
    CHECK(import.type.limits.has_max && import.type.limits.min == 2 && import.type.limits.max == 3);
    iso_module_import(w.module, 3, &import);
    CHECK(import.type.kind == ISO_EXTERN_MEMORY && import.module.len == 0);
    struct iso_limits limits;
    CHECK(iso_module_memory_limits(w.module, &limits));
    CHECK(limits.min == 7 && !limits.has_max);
    iso_module_import(w.module, 4, &import);
    CHECK(import.type.value == ISO_TYPE_FUNCREF && !import.type.is_mutable);
    CHECK_EQ_U64(w.module->imports[4].index, 1);
    CHECK_EQ_U64(iso_module_func_count(w.module), 1);
    CHECK_EQ_U64(iso_module_table_count(w.module), 1);
    CHECK_EQ_U64(iso_module_memory_count(w.module), 1);
    CHECK_EQ_U64(iso_module_global_count(w.module), 2);
    CHECK(iso_str_equal_z(iso_module_func_name(w.module, 0), "f"));
    wasm_fini(&w);
}

TEST(malformed_and_invalid_imports_are_refused)
{
    wasm_init(&w);
    WASM_SECTION(&w, 2, 1, 0, 0, 4, 0);
    wasm_check_fails(&w, ISO_E_MALFORMED, "malformed import kind 0x04", 13);
    WASM_SECTION(&w, 2, 1, 0, 0, 0, 0);
    wasm_check_fails(&w, ISO_E_INVALID, "unknown type 0", 14);
    WASM_SECTION(&w, 2, 1, 0, 0, 1, 0x7f, 0, 0);
    wasm_check_fails(&w, ISO_E_MALFORMED, "malformed reference type 0x7f", 14);
    WASM_SECTION(&w, 2, 1, 0, 0, 1, 0x70, 2, 0);
    wasm_check_fails(&w, ISO_E_MALFORMED, "integer too large", 15);
    WASM_SECTION(&w, 2, 1, 0, 0, 1, 0x70, 0x81, 0, 0);
    wasm_check_fails(&w, ISO_E_MALFORMED, "integer representation too long", 15);
    WASM_SECTION(&w, 2, 1, 0, 0, 1, 0x70, 1, 3, 2);
    wasm_check_fails(&w, ISO_E_INVALID, "size minimum must not be greater than maximum", 15);
    WASM_SECTION(&w, 2, 1, 0, 0, 2, 0, 0x81, 0x80, 0x04);
    wasm_check_fails(&w, ISO_E_INVALID, "memory size must be at most 65536 pages (4GiB)", 14);
    WASM_SECTION(&w, 2, 1, 0, 0, 2, 1, 0, 0x81, 0x80, 0x04);
    wasm_check_fails(&w, ISO_E_INVALID, "memory size must be at most 65536 pages (4GiB)", 14);
    WASM_SECTION(&w, 2, 1, 0, 0, 3, 0x7f, 2);
    wasm_check_fails(&w, ISO_E_MALFORMED, "malformed mutability", 15);
    WASM_SECTION(&w, 2, 2, 0, 0, 2, 0, 0, 0, 0, 2, 0, 0);
    wasm_check_error(&w, ISO_E_INVALID, "multiple memories");
    WASM_SECTION(&w, 2, 1, 0, 0, 2, 0, 0);
    WASM_SECTION(&w, 5, 1, 0, 0);
    wasm_check_error(&w, ISO_E_INVALID, "multiple memories");
    WASM_SECTION(&w, 2, 1, 0, 0, 2, 1, 0x80, 0x80, 4, 0x80, 0x80, 4);
    CHECK_OK(wasm_load(&w));
    wasm_fini(&w);
}

TEST(exports_are_described)
{
    wasm_init(&w);
    WASM_SECTION(&w, 4, 1, 0x70, 0, 1);
    WASM_SECTION(&w, 5, 1, 0, 1);
    WASM_SECTION(&w, 6, 1, 0x7f, 1, 0x41, 5, 0x0b);
    WASM_SECTION(&w, 7, 3, 1, 'g', 3, 0, 1, 't', 1, 0, 0, 2, 0);
    CHECK_OK(wasm_load(&w));
    CHECK_EQ_U64(iso_module_export_count(w.module), 3);
    struct iso_export_desc export;
    iso_module_export(w.module, 0, &export);
    CHECK(iso_str_equal_z(export.name, "g") && export.type.kind == ISO_EXTERN_GLOBAL);
    CHECK(export.type.value == ISO_TYPE_I32 && export.type.is_mutable && export.index == 0);
    iso_module_export(w.module, 1, &export);
    CHECK(export.type.kind == ISO_EXTERN_TABLE && export.type.value == ISO_TYPE_FUNCREF);
    iso_module_export(w.module, 2, &export);
    CHECK(export.type.kind == ISO_EXTERN_MEMORY && export.name.len == 0);
    wasm_fini(&w);
}

TEST(exports_have_unique_names_and_targets_that_exist)
{
    wasm_init(&w);
    WASM_SECTION(&w, 6, 1, 0x7f, 0, 0x41, 5, 0x0b);
    WASM_SECTION(&w, 7, 4, 1, 'a', 3, 0, 1, 'b', 3, 0, 2, 'a', 'a', 3, 0, 1, 'a', 3, 0);
    wasm_check_error(&w, ISO_E_INVALID, "duplicate export name \"a\"");
    WASM_SECTION(&w, 7, 1, 1, 'a', 4, 0);
    wasm_check_fails(&w, ISO_E_MALFORMED, "malformed export kind 0x04", 13);
    for (uint8_t kind = 0; kind < 4; kind++) {
        static const char *const texts[] = {"unknown function 0", "unknown table 0",
                                            "unknown memory 0", "unknown global 0"};
        WASM_SECTION(&w, 7, 1, 1, 'a', kind, 0);
        wasm_check_fails(&w, ISO_E_INVALID, texts[kind], 14);
    }
    wasm_fini(&w);
}

TEST(a_hundred_thousand_exports_are_compared_quickly)
{
    enum { COUNT = 100000 };
    wasm_init(&w);
    WASM_SECTION(&w, 5, 1, 0, 1);
    struct iso_buf section;
    iso_buf_init(&section, iso_alloc_libc(), SIZE_MAX);
    CHECK_OK(iso_buf_append(&section, WASM_BYTES(0xa0, 0x8d, 0x06)));
    for (unsigned i = 0; i < COUNT; i++) {
        char name[16];
        size_t len = iso_format(name, sizeof name, "%08u", i != COUNT - 1 ? i : 4711);
        CHECK_OK(iso_buf_append_u8(&section, (uint8_t)len));
        CHECK_OK(iso_buf_append(&section, name, len));
        CHECK_OK(iso_buf_append(&section, WASM_BYTES(2, 0)));
    }
    wasm_section(&w, 7, section.ptr, section.len);
    iso_buf_fini(&section);
    wasm_check_error(&w, ISO_E_INVALID, "duplicate export name \"00004711\"");
    wasm_fini(&w);
}

/* ---- Functions and start ------------------------------------------------------------------- */

TEST(functions_and_bodies_are_as_many)
{
    wasm_init(&w);
    WASM_SECTION(&w, 1, 1, 0x60, 0, 0);
    WASM_SECTION(&w, 3, 1, 0);
    wasm_check_error(&w, ISO_E_MALFORMED,
                     "function and code section have inconsistent lengths: 1 and 0");
    WASM_SECTION(&w, 10, 1, 2, 0, 0x0b);
    wasm_check_error(&w, ISO_E_MALFORMED,
                     "function and code section have inconsistent lengths: 0 and 1");
    WASM_SECTION(&w, 1, 1, 0x60, 0, 0);
    WASM_SECTION(&w, 3, 1, 1);
    WASM_SECTION(&w, 10, 1, 2, 0, 0x0b);
    wasm_check_fails(&w, ISO_E_INVALID, "unknown type 1", 17);
    WASM_SECTION(&w, 1, 1, 0x60, 0, 0);
    WASM_SECTION(&w, 3, 1, 0);
    WASM_SECTION(&w, 10, 1, 3, 0, 0x0b);
    wasm_check_error(&w, ISO_E_MALFORMED, "unexpected end of section or function");
    wasm_fini(&w);
}

TEST(the_start_function_takes_and_gives_nothing)
{
    wasm_init(&w);
    WASM_SECTION(&w, 8, 0);
    wasm_check_fails(&w, ISO_E_INVALID, "unknown function 0", 10);
    wasm_func(&w, "i:");
    WASM_SECTION(&w, 8, 0);
    WASM_CODE(&w, 0, 0x0b);
    wasm_check_error(&w, ISO_E_INVALID, "start function 0");
    wasm_func(&w, ":");
    WASM_SECTION(&w, 8, 0);
    WASM_CODE(&w, 0, 0x0b);
    CHECK_OK(wasm_load(&w));
    CHECK(w.module->has_start && w.module->start == 0);
    wasm_fini(&w);
}

/* ---- Memory ---------------------------------------------------------------------------------- */

TEST(a_short_module_cannot_ask_for_much_memory)
{
    static const uint8_t sections[] = {1, 2, 3, 4, 5, 6, 7, 9, 10, 11};
    for (size_t i = 0; i < ISO_COUNT_OF(sections); i++) {
        uint8_t bytes[] = {0,           'a', 's',  'm',  1,    0,    0, 0,
                           sections[i], 6,   0xff, 0xff, 0xff, 0xff, 0, 0};
        struct iso_alloc_test memory;
        iso_alloc_test_init(&memory);
        const struct iso_engine_config config = {.alloc = &memory.alloc};
        struct iso_engine *engine;
        CHECK_OK(iso_engine_create(&config, &engine));
        struct iso_module *module = NULL;
        CHECK_ERR(iso_module_create(engine, bytes, sizeof bytes, &module, NULL), ISO_E_MALFORMED);
        iso_engine_destroy(engine);
        CHECK_EQ_U64(memory.live_bytes, 0);
        CHECK(memory.peak_bytes < 16384);
    }
}

/* A module with something in every section. */
static void put_everything(void)
{
    WASM_SECTION(&w, 0, 1, 'x', 1, 2, 3);
    WASM_SECTION(&w, 1, 2, 0x60, 0, 0, 0x60, 1, 0x7f, 1, 0x7f);
    WASM_SECTION(&w, 2, 2, 1, 'm', 1, 'f', 0, 1, 1, 'm', 1, 'g', 3, 0x7f, 0);
    WASM_SECTION(&w, 3, 2, 0, 1);
    WASM_SECTION(&w, 4, 1, 0x70, 0, 4);
    WASM_SECTION(&w, 5, 1, 0, 1);
    WASM_SECTION(&w, 6, 1, 0x70, 0, 0xd2, 1, 0x0b);
    WASM_SECTION(&w, 7, 2, 1, 'a', 0, 1, 1, 'b', 2, 0);
    WASM_SECTION(&w, 8, 1);
    WASM_SECTION(&w, 9, 2, 0, 0x23, 0, 0x0b, 2, 0, 2, 5, 0x70, 1, 0xd0, 0x70, 0x0b);
    WASM_SECTION(&w, 12, 1);
    WASM_SECTION(&w, 10, 2, 2, 0, 0x0b, 9, 1, 2, 0x7f, 0x20, 0, 0x10, 0, 0x0f, 0x0b);
    WASM_SECTION(&w, 11, 1, 0, 0x41, 0, 0x0b, 3, 'd', 'e', 'f');
    WASM_SECTION(&w, 0, 4, 'n', 'a', 'm', 'e', 1, 4, 1, 1, 1, 'q');
}

TEST(lack_of_memory_at_any_point_is_reported)
{
    wasm_init(&w);
    put_everything();
    struct iso_alloc_test memory;
    iso_alloc_test_init(&memory);
    const struct iso_engine_config config = {.alloc = &memory.alloc};
    for (uint64_t fail_at = 1;; fail_at++) {
        iso_alloc_test_restart(&memory, fail_at);
        struct iso_engine *engine = NULL;
        struct iso_module *module = NULL;
        enum iso_err err = iso_engine_create(&config, &engine);
        if (err == ISO_OK) {
            err = iso_module_create(engine, w.bytes.ptr, w.bytes.len, &module, &w.report);
        }
        CHECK((module != NULL) == (err == ISO_OK));
        if (err == ISO_OK) {
            /* Without memory for the names, the export's will do. */
            struct iso_str name = iso_module_func_name(module, 1);
            CHECK(iso_str_equal_z(name, memory.failed ? "a" : "q"));
        }
        iso_module_destroy(module);
        iso_engine_destroy(engine);
        CHECK_EQ_U64(memory.live_bytes, 0);
        if (!memory.failed) {
            CHECK_OK(err);
            break;
        }
        CHECK(err == ISO_OK || err == ISO_E_NOMEM);
    }
    wasm_fini(&w);
}

/* Every cut is refused, except where the rest happens to be a module. */
TEST(every_prefix_of_a_module_is_refused_or_a_module)
{
    wasm_init(&w);
    put_everything();
    size_t len = w.bytes.len, accepted = 0;
    for (size_t cut = 0; cut < len; cut++) {
        uint8_t *copy = iso_alloc_new(iso_alloc_libc(), cut);
        CHECK(copy != NULL);
        memcpy(copy, w.bytes.ptr, cut);
        iso_report_init(&w.report);
        enum iso_err err = iso_module_create(w.engine, copy, cut, &w.module, &w.report);
        if (err == ISO_OK) {
            accepted++;
            iso_module_destroy(w.module);
            w.module = NULL;
        } else {
            CHECK(w.report.set && w.report.has_offset && w.report.offset <= cut);
            CHECK(err == ISO_E_MALFORMED || err == ISO_E_INVALID);
        }
        iso_alloc_free(iso_alloc_libc(), copy, cut);
    }
    /* Behind the head, the first custom, type and import sections, and behind the data. */
    CHECK_EQ_U64(accepted, 5);
    CHECK_OK(wasm_load(&w));
    wasm_fini(&w);
}
