/* names_test.c - the name section and what stands in for it. */
#include "engine/module_test_support.h"

static struct wasm w;

/* Import "f" (function 0), own functions 1 (exported as "out") and 2. */
static void put_module(void)
{
    WASM_SECTION(&w, 1, 1, 0x60, 0, 0);
    WASM_SECTION(&w, 2, 1, 1, 'm', 1, 'f', 0, 0);
    WASM_SECTION(&w, 3, 2, 0, 0);
    WASM_SECTION(&w, 7, 1, 3, 'o', 'u', 't', 0, 1);
    WASM_SECTION(&w, 10, 2, 2, 0, 0x0b, 2, 0, 0x0b);
}

static void check_name(uint32_t index, const char *name)
{
    struct iso_str got = iso_module_func_name(w.module, index);
    if (!iso_str_equal_z(got, name)) {
        TEST_FAIL("function %u is called \"%.*s\", expected \"%s\"", (unsigned)index, (int)got.len,
                  got.ptr, name);
    }
}

#define NAME_SECTION(...) WASM_SECTION(&w, 0, 4, 'n', 'a', 'm', 'e', __VA_ARGS__)

TEST(names_come_from_the_name_section)
{
    wasm_init(&w);
    put_module();
    NAME_SECTION(0, 4, 3, 'm', 'o', 'd', 1, 9, 2, 0, 2, 'i', 'n', 2, 2, 't', 'w', 2, 1, 0xff);
    CHECK_OK(wasm_load(&w));
    check_name(0, "in");
    check_name(1, "out"); /* not named: its export's name */
    check_name(2, "tw");
    CHECK(iso_str_equal_z(iso_module_name(w.module), "mod"));
    wasm_fini(&w);
}

TEST(without_names_exports_and_imports_serve)
{
    wasm_init(&w);
    put_module();
    CHECK_OK(wasm_load(&w));
    check_name(0, "f");
    check_name(1, "out");
    check_name(2, "");
    CHECK_EQ_U64(iso_module_name(w.module).len, 0);
    wasm_fini(&w);
}

#define CHECK_IGNORED(...)                                                                         \
    do {                                                                                           \
        wasm_clear(&w);                                                                            \
        put_module();                                                                              \
        NAME_SECTION(__VA_ARGS__);                                                                 \
        CHECK_OK(wasm_load(&w));                                                                   \
        check_name(1, "out");                                                                      \
        CHECK_EQ_U64(iso_module_name(w.module).len, 0);                                            \
    } while (0)

TEST(a_malformed_name_section_is_ignored)
{
    wasm_init(&w);
    CHECK_IGNORED(0, 3, 2, 'm', 'o', 1, 5, 1, 1, 9, 'x', 'y');     /* name too long */
    CHECK_IGNORED(0, 2, 1, 'm', 1, 4, 1, 1, 1, 0xff);              /* not UTF-8 */
    CHECK_IGNORED(0, 2, 1, 'm', 1, 7, 2, 1, 1, 'x', 0, 1, 'y');    /* indices go down */
    CHECK_IGNORED(0, 2, 1, 'm', 1, 7, 2, 1, 1, 'x', 1, 1, 'y');    /* twice the same */
    CHECK_IGNORED(0, 2, 1, 'm', 1, 5, 1, 1, 1, 'x', 0);            /* something is left */
    CHECK_IGNORED(0, 2, 1, 'm', 1, 9, 1, 1, 1, 'x');               /* subsection too long */
    CHECK_IGNORED(1, 4, 1, 1, 1, 'x', 0, 2, 1, 'm');               /* subsections out of order */
    CHECK_IGNORED(0, 2, 1, 'm', 1, 5, 0xff, 0xff, 0xff, 0xff, 15); /* count beyond the bytes */
    CHECK_IGNORED(0, 2, 1, 'm', 1);                                /* cut */
    wasm_fini(&w);
}

TEST(names_for_messages_are_cut_and_tamed)
{
    char out[6];
    CHECK_STR(iso_name_text(iso_str_from_z("abc"), out, sizeof out), "abc");
    CHECK_STR(iso_name_text(iso_str_from_z("abcdefg"), out, sizeof out), "abcde");
    CHECK_STR(iso_name_text(iso_str_from_z("a\x1b[\x7f"), out, sizeof out), "a?[?");
    /* Never in the middle of a character. */
    CHECK_STR(iso_name_text(iso_str_from_z("abcd\xc3\xa4"), out, sizeof out), "abcd");
    CHECK_STR(iso_name_text(iso_str_from(NULL, 0), out, sizeof out), "");
}
