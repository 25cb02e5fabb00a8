/* UTF-8: the borders of every length, and what is not well-formed. */
#include "base/test.h"

/* Encodes without any check, overlong where `size` says so. */
static void encode(uint32_t code, size_t size, uint8_t out[4])
{
    static const uint8_t lead[5] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = size - 1; i > 0; i--) {
        out[i] = (uint8_t)(0x80 | (code & 0x3f));
        code >>= 6;
    }
    out[0] = (uint8_t)(lead[size] | code);
}

TEST(utf8_accepts_every_character_in_its_shortest_form_only)
{
    uint8_t text[4];
    for (uint32_t code = 0; code < 0x200000; code++) {
        bool surrogate = code >= 0xd800 && code <= 0xdfff;
        bool exists = code <= 0x10ffff && !surrogate;
        size_t shortest = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
        for (size_t size = shortest; size <= 4; size++) {
            encode(code, size, text);
            bool expected = exists && size == shortest;
            CHECK_EQ_U64(iso_utf8_char_size(text, size), expected ? size : 0);
            CHECK(size == 1 || iso_utf8_char_size(text, size - 1) == 0);
        }
    }
}

TEST(utf8_refuses_stray_and_cut_sequences_at_any_place)
{
    static const char *const bad[] = {"\x80",         "\xbf",         "\xc3",     "\xc0\x80",
                                      "\xe2\x82",     "\xe2\x28\xa1", "\xf8\x88", "\xff",
                                      "\xf0\x9f\x8c", "\xc3\xc3\xbc", "\xf5\x80"};
    char text[32];
    for (size_t i = 0; i < ISO_COUNT_OF(bad); i++) {
        size_t len = strlen(bad[i]);
        for (size_t before = 0; before < 20; before++) {
            memset(text, 'a', sizeof text);
            memcpy(text + before, bad[i], len);
            CHECK(!iso_utf8_valid(text, before + len));
            CHECK(!iso_utf8_valid(text, sizeof text));
            CHECK(iso_utf8_valid(text, before));
        }
    }
}

TEST(utf8_accepts_text)
{
    CHECK(iso_utf8_valid(NULL, 0));
    CHECK(iso_utf8_valid("\0", 1));
    static const char text[] =
        "plain text, gr\xc3\xbc\xc3\x9f, \xe2\x82\xac, \xf0\x9f\x8c\x8d, end";
    CHECK(iso_utf8_valid(text, sizeof text - 1));
}
