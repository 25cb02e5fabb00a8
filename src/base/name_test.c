/* What is a name, and what is none. */
#include "base/test.h"

static bool is_name(const char *text)
{
    return iso_name_check(iso_str_from_z(text));
}

TEST(names)
{
    CHECK(is_name("a"));
    CHECK(is_name("camera-2"));
    CHECK(is_name("a2-b-3c"));
    CHECK(is_name("abcdefghijklmnopqrstuvwxyz-01234"));
}

TEST(what_is_no_name)
{
    static const char *const wrong[] = {
        "",    "A",   "2a",  "-a",  "a-",       "a--b",
        "a_b", "a b", "a.b", "a\n", "\xc3\xa4", "abcdefghijklmnopqrstuvwxyz-012345"};
    for (size_t i = 0; i < ISO_COUNT_OF(wrong); i++) {
        CHECK(!is_name(wrong[i]));
    }
    CHECK(!iso_name_check(iso_str_from("a\0b", 3)));
}

TEST(keys_of_labels)
{
    static const char *const right[] = {"a", "Room", "2nd-floor", "lab.example/rack_3", "old-"};
    static const char *const wrong[] = {"", "a b", "a=b", "-a", "/a", "a\n", "\xc3\xa4"};
    char text[ISO_LABEL_KEY_MAX + 1];
    for (size_t i = 0; i < ISO_COUNT_OF(right); i++) {
        CHECK(iso_label_key_check(iso_str_from_z(right[i])));
    }
    for (size_t i = 0; i < ISO_COUNT_OF(wrong); i++) {
        CHECK(!iso_label_key_check(iso_str_from_z(wrong[i])));
    }
    memset(text, 'a', sizeof text);
    CHECK(iso_label_key_check(iso_str_from(text, ISO_LABEL_KEY_MAX)));
    CHECK(!iso_label_key_check(iso_str_from(text, sizeof text)));
    CHECK(!iso_label_key_check(iso_str_from("a\0b", 3)));
}

TEST(quotes_are_short_and_on_one_line)
{
    char out[ISO_QUOTE_SIZE];
    CHECK_STR(iso_quote(out, iso_str_from_z("64 cats")), "'64 cats'");
    CHECK_STR(iso_quote(out, iso_str_from_z("a\n\x7f")), "'a?"
                                                         "?'");
    CHECK_STR(iso_quote(out, iso_str_from_z("")), "''");
    /* Cut between characters. */
    char text[120] = "";
    for (size_t i = 0; i < 60; i++) {
        memcpy(text + 2 * i, "\xc3\xa4", 2);
    }
    iso_quote(out, iso_str_from(text, sizeof text));
    CHECK(iso_utf8_valid(out, strlen(out)));
    CHECK_CONTAINS(out, "...'");
}
