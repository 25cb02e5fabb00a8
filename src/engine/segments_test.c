/* segments_test.c - constant expressions, element and data segments. */
#include "engine/module_test_support.h"

static struct wasm w;

/* Loads one global of this type with this expression. */
#define LOAD_GLOBAL(type, ...)                                                                     \
    do {                                                                                           \
        wasm_clear(&w);                                                                            \
        WASM_SECTION(&w, 6, 1, type, 0, __VA_ARGS__);                                              \
        CHECK_OK(wasm_load(&w));                                                                   \
    } while (0)

TEST(constants_keep_every_bit)
{
    wasm_init(&w);
    LOAD_GLOBAL(0x7f, 0x41, 0x80, 0x80, 0x80, 0x80, 0x78, 0x0b);
    const struct iso_const_expr *init = &w.module->globals[0].init;
    CHECK(init->kind == ISO_CONST_VALUE && init->type == ISO_TYPE_I32);
    CHECK_EQ_I64(init->value[0].i32, INT32_MIN);
    LOAD_GLOBAL(0x7e, 0x42, 0x7f, 0x0b);
    CHECK_EQ_I64(w.module->globals[0].init.value[0].i64, -1);
    /* Signalling NaNs with a payload. */
    LOAD_GLOBAL(0x7d, 0x43, 0x01, 0x02, 0xa0, 0x7f, 0x0b);
    CHECK_EQ_U64(w.module->globals[0].init.value[0].u32, 0x7fa00201);
    LOAD_GLOBAL(0x7c, 0x44, 1, 2, 3, 4, 5, 6, 0xf4, 0x7f, 0x0b);
    CHECK_EQ_U64(w.module->globals[0].init.value[0].u64, UINT64_C(0x7ff4060504030201));
    LOAD_GLOBAL(0x7b, 0xfd, 0x0c, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0x0b);
    static const uint8_t low[] = {0, 1, 2, 3, 4, 5, 6, 7}, high[] = {8, 9, 10, 11, 12, 13, 14, 15};
    CHECK_MEM(w.module->globals[0].init.value[0].bytes, low, 8);
    CHECK_MEM(w.module->globals[0].init.value[1].bytes, high, 8);
    LOAD_GLOBAL(0x6f, 0xd0, 0x6f, 0x0b);
    CHECK(w.module->globals[0].init.kind == ISO_CONST_REF_NULL);
    wasm_fini(&w);
}

#define CHECK_GLOBAL_FAILS(err, text, type, ...)                                                   \
    do {                                                                                           \
        WASM_SECTION(&w, 2, 2, 0, 0, 3, 0x7f, 0, 0, 0, 3, 0x7f, 1);                                \
        WASM_SECTION(&w, 6, 1, type, 0, __VA_ARGS__);                                              \
        wasm_check_error(&w, err, text);                                                           \
    } while (0)

TEST(what_is_not_constant_is_refused)
{
    wasm_init(&w);
    CHECK_GLOBAL_FAILS(ISO_E_INVALID, "type mismatch: the constant expression must give one i32",
                       0x7f, 0x42, 0, 0x0b);
    CHECK_GLOBAL_FAILS(ISO_E_INVALID, "type mismatch", 0x7f, 0x0b);
    CHECK_GLOBAL_FAILS(ISO_E_INVALID, "type mismatch", 0x7f, 0x41, 0, 0x41, 0, 0x0b);
    CHECK_GLOBAL_FAILS(ISO_E_INVALID, "type mismatch", 0x70, 0xd0, 0x6f, 0x0b);
    CHECK_GLOBAL_FAILS(ISO_E_INVALID, "constant expression required: not i32.add", 0x7f, 0x41, 0,
                       0x41, 0, 0x6a, 0x0b);
    CHECK_GLOBAL_FAILS(ISO_E_INVALID, "constant expression required: not nop", 0x7f, 0x01, 0x0b);
    CHECK_GLOBAL_FAILS(ISO_E_INVALID, "constant expression required", 0x7f, 0xfc, 0, 0x0b);
    CHECK_GLOBAL_FAILS(ISO_E_INVALID, "constant expression required: not i8x16.splat", 0x7b, 0xfd,
                       15, 0x0b);
    CHECK_GLOBAL_FAILS(ISO_E_INVALID, "constant expression required: global 1 is mutable", 0x7f,
                       0x23, 1, 0x0b);
    CHECK_GLOBAL_FAILS(ISO_E_INVALID, "unknown global 2", 0x7f, 0x23, 2, 0x0b);
    CHECK_GLOBAL_FAILS(ISO_E_INVALID, "unknown function 0", 0x70, 0xd2, 0, 0x0b);
    CHECK_GLOBAL_FAILS(ISO_E_MALFORMED, "illegal opcode 0xff", 0x7f, 0xff, 0x0b);
    CHECK_GLOBAL_FAILS(ISO_E_MALFORMED, "illegal opcode 0xfd 154", 0x7b, 0xfd, 0x9a, 1, 0x0b);
    CHECK_GLOBAL_FAILS(ISO_E_MALFORMED, "unexpected end", 0x7f, 0x41, 0);
    CHECK_GLOBAL_FAILS(ISO_E_MALFORMED, "unexpected end", 0x7d, 0x43, 0, 0);
    wasm_fini(&w);
}

static void put_table_and_funcs(void)
{
    WASM_SECTION(&w, 1, 1, 0x60, 0, 0);
    WASM_SECTION(&w, 3, 2, 0, 0);
    WASM_SECTION(&w, 4, 2, 0x70, 0, 4, 0x6f, 0, 4);
}

#define PUT_BODIES() WASM_SECTION(&w, 10, 2, 2, 0, 0x0b, 2, 0, 0x0b)

TEST(the_eight_forms_of_element_segments)
{
    wasm_init(&w);
    put_table_and_funcs();
    WASM_SECTION(&w, 9, 8,                                       /* eight */
                 0, 0x41, 1, 0x0b, 1, 1,                         /* active in table 0 */
                 1, 0, 2, 0, 1,                                  /* passive */
                 2, 0, 0x41, 2, 0x0b, 0, 0,                      /* active, table given */
                 3, 0, 1, 0,                                     /* declarative */
                 4, 0x41, 3, 0x0b, 1, 0xd2, 0, 0x0b,             /* the same with expressions */
                 5, 0x6f, 1, 0xd0, 0x6f, 0x0b,                   /* */
                 6, 1, 0x41, 4, 0x0b, 0x6f, 1, 0xd0, 0x6f, 0x0b, /* */
                 7, 0x70, 0);
    PUT_BODIES();
    CHECK_OK(wasm_load(&w));
    CHECK_EQ_U64(iso_module_elem_count(w.module), 8);
    const struct iso_elem_segment *elems = w.module->elems;
    static const uint8_t modes[] = {ISO_SEGMENT_ACTIVE, ISO_SEGMENT_PASSIVE, ISO_SEGMENT_ACTIVE,
                                    ISO_SEGMENT_DECLARATIVE};
    static const uint8_t counts[] = {1, 2, 0, 1, 1, 1, 1, 0};
    for (unsigned i = 0; i < 8; i++) {
        CHECK_EQ_U64(elems[i].mode, modes[i & 3]);
        CHECK_EQ_U64(elems[i].count, counts[i]);
        CHECK((elems[i].exprs != NULL) == (i >= 4));
        CHECK_EQ_U64(elems[i].type, i == 5 || i == 6 ? ISO_TYPE_EXTERNREF : ISO_TYPE_FUNCREF);
    }
    CHECK_EQ_U64(elems[0].funcs[0], 1);
    CHECK_EQ_U64(elems[1].funcs[1], 1);
    CHECK_EQ_I64(elems[4].offset.value[0].i32, 3);
    CHECK(elems[4].exprs[0].kind == ISO_CONST_REF_FUNC && elems[4].exprs[0].index == 0);
    CHECK_EQ_U64(elems[6].table, 1);
    CHECK(elems[6].exprs[0].kind == ISO_CONST_REF_NULL);
    wasm_fini(&w);
}

#define CHECK_ELEM_FAILS(err, text, ...)                                                           \
    do {                                                                                           \
        put_table_and_funcs();                                                                     \
        WASM_SECTION(&w, 9, 1, __VA_ARGS__);                                                       \
        PUT_BODIES();                                                                              \
        wasm_check_error(&w, err, text);                                                           \
    } while (0)

TEST(element_segments_are_refused)
{
    wasm_init(&w);
    CHECK_ELEM_FAILS(ISO_E_MALFORMED, "malformed elements segment kind 8", 8, 0, 0);
    CHECK_ELEM_FAILS(ISO_E_MALFORMED, "malformed element kind 0x70", 1, 0x70, 0);
    CHECK_ELEM_FAILS(ISO_E_MALFORMED, "malformed reference type 0x00", 5, 0, 0);
    CHECK_ELEM_FAILS(ISO_E_INVALID, "unknown table 2", 2, 2, 0x41, 0, 0x0b, 0, 0);
    CHECK_ELEM_FAILS(ISO_E_INVALID, "type mismatch: table 1 holds externref, the segment funcref",
                     2, 1, 0x41, 0, 0x0b, 0, 0);
    CHECK_ELEM_FAILS(ISO_E_INVALID, "type mismatch: table 0 holds funcref, the segment externref",
                     6, 0, 0x41, 0, 0x0b, 0x6f, 0);
    CHECK_ELEM_FAILS(ISO_E_INVALID, "unknown function 2", 0, 0x41, 0, 0x0b, 1, 2);
    CHECK_ELEM_FAILS(ISO_E_INVALID, "type mismatch", 0, 0x42, 0, 0x0b, 0);
    CHECK_ELEM_FAILS(ISO_E_INVALID, "type mismatch", 5, 0x70, 1, 0xd0, 0x6f, 0x0b);
    CHECK_ELEM_FAILS(ISO_E_INVALID, "type mismatch", 5, 0x70, 1, 0x0b);
    CHECK_ELEM_FAILS(ISO_E_MALFORMED, "unexpected end", 1, 0, 3, 0, 0);
    wasm_fini(&w);
}

TEST(the_three_forms_of_data_segments)
{
    wasm_init(&w);
    WASM_SECTION(&w, 5, 1, 0, 1);
    WASM_SECTION(&w, 12, 3);
    WASM_SECTION(&w, 11, 3, 0, 0x41, 7, 0x0b, 2, 'a', 'b', 1, 0, 2, 0, 0x41, 8, 0x0b, 1, 'c');
    CHECK_OK(wasm_load(&w));
    CHECK_EQ_U64(iso_module_data_count(w.module), 3);
    const struct iso_data_segment *datas = w.module->datas;
    CHECK_EQ_U64(datas[0].mode, ISO_SEGMENT_ACTIVE);
    CHECK_EQ_I64(datas[0].offset.value[0].i32, 7);
    CHECK(iso_bytes_equal(datas[0].bytes, iso_bytes_from("ab", 2)));
    CHECK_EQ_U64(datas[1].mode, ISO_SEGMENT_PASSIVE);
    CHECK_EQ_U64(datas[1].bytes.len, 0);
    CHECK_EQ_U64(datas[2].mode, ISO_SEGMENT_ACTIVE);
    CHECK_EQ_U64(datas[2].bytes.len, 1);
    wasm_fini(&w);
}

#define CHECK_DATA_FAILS(err, text, ...)                                                           \
    do {                                                                                           \
        WASM_SECTION(&w, 5, 1, 0, 1);                                                              \
        WASM_SECTION(&w, 11, 1, __VA_ARGS__);                                                      \
        wasm_check_error(&w, err, text);                                                           \
    } while (0)

TEST(data_segments_are_refused)
{
    wasm_init(&w);
    CHECK_DATA_FAILS(ISO_E_MALFORMED, "malformed data segment kind 3", 3, 0);
    CHECK_DATA_FAILS(ISO_E_INVALID, "unknown memory 1", 2, 1, 0x41, 0, 0x0b, 0);
    CHECK_DATA_FAILS(ISO_E_INVALID, "type mismatch", 0, 0x42, 0, 0x0b, 0);
    CHECK_DATA_FAILS(ISO_E_MALFORMED, "unexpected end", 1, 5, 'a', 'b');
    WASM_SECTION(&w, 11, 1, 0, 0x41, 0, 0x0b, 0);
    wasm_check_error(&w, ISO_E_INVALID, "unknown memory 0");
    WASM_SECTION(&w, 12, 1);
    wasm_check_error(&w, ISO_E_MALFORMED,
                     "data count and data section have inconsistent lengths: 1 and 0");
    WASM_SECTION(&w, 12, 2);
    WASM_SECTION(&w, 11, 1, 1, 0);
    wasm_check_error(&w, ISO_E_MALFORMED,
                     "data count and data section have inconsistent lengths: 2 and 1");
    wasm_fini(&w);
}
