/* limits_test.c - each limit of limits.h that decoding and validation watch: one less is fine (or
 * fails for another reason), one more is ISO_E_LIMIT and the message has the number. */
#include "engine/module_test_support.h"

static struct wasm w;

/* A section that consists of `count` and zero bytes, which suffice for that many elements. */
static void put_counted(uint8_t id, uint32_t count, size_t element_bytes)
{
    size_t at = w.bytes.len;
    wasm_put_u32(&w, count);
    size_t head = w.bytes.len - at;
    uint8_t copy[5];
    memcpy(copy, w.bytes.ptr + at, head);
    w.bytes.len = at;
    size_t zeros = count * element_bytes;
    WASM_PUT(&w, id);
    wasm_put_u32(&w, (uint32_t)(head + zeros));
    wasm_put(&w, copy, head);
    CHECK_OK(iso_buf_reserve(&w.bytes, zeros));
    memset(w.bytes.ptr + w.bytes.len, 0, zeros);
    w.bytes.len += zeros;
}

static void check_limit(const char *text)
{
    CHECK_ERR(wasm_load(&w), ISO_E_LIMIT);
    CHECK_CONTAINS(w.report.text, text);
    CHECK(w.report.has_offset);
    wasm_clear(&w);
}

static void check_not_limit(void)
{
    enum iso_err err = wasm_load(&w);
    CHECK(err != ISO_E_LIMIT && err != ISO_E_NOMEM);
    wasm_clear(&w);
}

TEST(sections_have_at_most_so_many_elements)
{
    static const struct {
        uint8_t id;
        uint32_t max;
        size_t element_bytes;
        const char *text;
    } cases[] = {
        {1, ISO_MAX_TYPES, 3, "1000001 types"},
        {2, ISO_MAX_IMPORTS, 4, "1000001 imports"},
        {3, ISO_MAX_FUNCS, 1, "at most 1000000"},
        {4, ISO_MAX_TABLES, 3, "at most 100000"},
        {6, ISO_MAX_GLOBALS, 3, "at most 1000000"},
        {7, ISO_MAX_EXPORTS, 3, "1000001 exports"},
        {9, ISO_MAX_ELEM_SEGMENTS, 2, "1000001 element segments"},
        {11, ISO_MAX_DATA_SEGMENTS, 2, "1000001 data segments"},
    };
    wasm_init(&w);
    for (size_t i = 0; i < ISO_COUNT_OF(cases); i++) {
        put_counted(cases[i].id, cases[i].max, cases[i].element_bytes);
        check_not_limit();
        put_counted(cases[i].id, cases[i].max + 1, cases[i].element_bytes);
        check_limit(cases[i].text);
    }
    wasm_fini(&w);
}

TEST(imports_count_toward_the_index_spaces)
{
    wasm_init(&w);
    WASM_SECTION(&w, 2, 1, 0, 0, 1, 0x70, 0, 0);
    put_counted(4, ISO_MAX_TABLES, 3);
    check_limit("100000 definitions in the table section and 1 imported");
    WASM_SECTION(&w, 12, 0xc1, 0x84, 0x3d);
    check_limit("1000001 data segments");
    wasm_fini(&w);
}

TEST(element_segments_have_at_most_so_many_elements)
{
    wasm_init(&w);
    for (uint32_t more = 0; more < 2; more++) {
        uint32_t count = ISO_MAX_TABLE_ELEMS + more;
        WASM_PUT(&w, 9);
        wasm_put_u32(&w, 1 + 1 + 1 + 4 + count);
        WASM_PUT(&w, 1, 1, 0);
        wasm_put_u32(&w, count);
        CHECK_OK(iso_buf_reserve(&w.bytes, count));
        memset(w.bytes.ptr + w.bytes.len, 0, count);
        w.bytes.len += count;
        if (more != 0) {
            check_limit("10000001 elements; at most 10000000");
        } else {
            check_not_limit();
        }
    }
    wasm_fini(&w);
}

TEST(a_module_has_at_most_a_gibibyte)
{
    wasm_init(&w);
    /* Refused by its length: not a byte of it is read. */
    CHECK_ERR(iso_module_create(w.engine, w.bytes.ptr, (size_t)ISO_MAX_MODULE_BYTES + 1, &w.module,
                                &w.report),
              ISO_E_LIMIT);
    CHECK_CONTAINS(w.report.text, "1073741825 bytes");
    wasm_fini(&w);
}

static void put_type(uint32_t params, uint32_t results)
{
    struct iso_buf type;
    iso_buf_init(&type, iso_alloc_libc(), SIZE_MAX);
    CHECK_OK(iso_buf_append(&type, WASM_BYTES(1, 0x60)));
    for (int side = 0; side < 2; side++) {
        uint32_t count = side == 0 ? params : results;
        CHECK_OK(iso_buf_append_u8(&type, (uint8_t)(count | 0x80)));
        CHECK_OK(iso_buf_append_u8(&type, (uint8_t)(count >> 7)));
        for (uint32_t i = 0; i < count; i++) {
            CHECK_OK(iso_buf_append_u8(&type, 0x7f));
        }
    }
    wasm_section(&w, 1, type.ptr, type.len);
    iso_buf_fini(&type);
}

TEST(function_types_have_at_most_so_many_values)
{
    wasm_init(&w);
    put_type(ISO_MAX_PARAMS, ISO_MAX_RESULTS);
    CHECK_OK(wasm_load(&w));
    wasm_clear(&w);
    put_type(ISO_MAX_PARAMS + 1, 0);
    check_limit("1001 parameters; at most 1000");
    put_type(0, ISO_MAX_RESULTS + 1);
    check_limit("1001 results; at most 1000");
    wasm_fini(&w);
}

TEST(names_are_at_most_so_long)
{
    wasm_init(&w);
    for (uint32_t more = 0; more < 2; more++) {
        uint32_t len = ISO_MAX_STRING_BYTES + more;
        WASM_PUT(&w, 0);
        wasm_put_u32(&w, len + 3);
        wasm_put_u32(&w, len);
        for (uint32_t i = 0; i < len; i++) {
            CHECK_OK(iso_buf_append_u8(&w.bytes, 'x'));
        }
        if (more != 0) {
            check_limit("a name of 100001 bytes; at most 100000");
        } else {
            CHECK_OK(wasm_load(&w));
            wasm_clear(&w);
        }
    }
    wasm_fini(&w);
}

TEST(custom_sections_are_at_most_so_many)
{
    wasm_init(&w);
    for (uint32_t i = 0; i < ISO_MAX_CUSTOM_SECTIONS; i++) {
        WASM_SECTION(&w, 0, 0);
    }
    CHECK_OK(wasm_load(&w));
    for (uint32_t i = 0; i < 14; i++) {
        WASM_SECTION(&w, 0, 0);
    }
    iso_module_destroy(w.module);
    w.module = NULL;
    check_limit("custom sections");
    wasm_fini(&w);
}

/* ---- Bodies -------------------------------------------------------------------------------- */

static struct iso_buf body;

static void begin_body(void)
{
    iso_buf_init(&body, iso_alloc_libc(), SIZE_MAX);
    CHECK_OK(iso_buf_append_u8(&body, 0));
}

static void repeat(uint32_t count, const uint8_t *bytes, size_t len)
{
    for (uint32_t i = 0; i < count; i++) {
        CHECK_OK(iso_buf_append(&body, bytes, len));
    }
}

static void load_body(const char *text)
{
    wasm_func(&w, "i:");
    wasm_code(&w, body.ptr, body.len);
    iso_buf_fini(&body);
    if (text != NULL) {
        check_limit(text);
    } else {
        CHECK_OK(wasm_load(&w));
        wasm_clear(&w);
    }
}

TEST(functions_have_at_most_so_many_locals)
{
    wasm_init(&w);
    wasm_func(&w, "i:");
    WASM_CODE(&w, 1, 0xcf, 0x86, 3, 0x7b, 0x0b); /* 49,999 and a parameter */
    CHECK_OK(wasm_load(&w));
    CHECK_EQ_U64(w.module->funcs[0].local_count, ISO_MAX_LOCALS);
    CHECK_EQ_U64(w.module->funcs[0].local_slots, 2 * ISO_MAX_LOCALS - 1);
    wasm_clear(&w);
    wasm_func(&w, "i:");
    WASM_CODE(&w, 2, 0xcf, 0x86, 3, 0x7b, 1, 0x7f, 0x0b);
    check_limit("50001 locals with the parameters; at most 50000");
    wasm_fini(&w);
}

TEST(bodies_have_at_most_so_many_bytes)
{
    wasm_init(&w);
    for (uint32_t more = 0; more < 2; more++) {
        begin_body();
        uint32_t nops = ISO_MAX_FUNC_BYTES - 2 + more;
        CHECK_OK(iso_buf_reserve(&body, nops));
        memset(body.ptr + body.len, 0x01, nops);
        body.len += nops;
        CHECK_OK(iso_buf_append_u8(&body, 0x0b));
        load_body(more != 0 ? "a function body of 16000001 bytes; at most 16000000" : NULL);
    }
    wasm_fini(&w);
}

TEST(blocks_nest_at_most_so_deep)
{
    wasm_init(&w);
    for (uint32_t more = 0; more < 2; more++) {
        begin_body();
        uint32_t depth = ISO_MAX_BLOCK_DEPTH + more;
        repeat(depth, WASM_BYTES(0x02, 0x40));
        repeat(depth + 1, WASM_BYTES(0x0b));
        load_body(more != 0 ? "more than 1000000 nested blocks" : NULL);
    }
    wasm_fini(&w);
}

TEST(br_table_has_at_most_so_many_targets)
{
    wasm_init(&w);
    for (uint32_t more = 0; more < 2; more++) {
        begin_body();
        uint32_t count = ISO_MAX_BR_TABLE + more;
        repeat(1, WASM_BYTES(0x20, 0, 0x0e, (uint8_t)((count & 0x7f) | 0x80),
                             (uint8_t)((count >> 7 & 0x7f) | 0x80), (uint8_t)(count >> 14)));
        repeat(count + 1, WASM_BYTES(0));
        repeat(1, WASM_BYTES(0x0b));
        load_body(more != 0 ? "1000001 branch targets; at most 1000000" : NULL);
    }
    wasm_fini(&w);
}

TEST(the_operand_stack_is_at_most_so_high)
{
    wasm_init(&w);
    for (uint32_t more = 0; more < 2; more++) {
        begin_body();
        repeat(ISO_MAX_OPERAND_SLOTS + more, WASM_BYTES(0x20, 0));
        repeat(1, WASM_BYTES(0x0f, 0x0b));
        load_body(more != 0 ? "more than 1000000 operands on the stack" : NULL);
    }
    wasm_fini(&w);
}

/* Unreachable calls with many results: short code must not make a stack of gigabytes. */
TEST(unreachable_results_count_toward_the_operand_stack)
{
    wasm_init(&w);
    put_type(0, 1000);
    WASM_SECTION(&w, 3, 1, 0);
    begin_body();
    repeat(1, WASM_BYTES(0x00));
    repeat(1001, WASM_BYTES(0x10, 0));
    repeat(1, WASM_BYTES(0x0b));
    wasm_code(&w, body.ptr, body.len);
    iso_buf_fini(&body);
    check_limit("more than 1000000 operands on the stack");
    wasm_fini(&w);
}
