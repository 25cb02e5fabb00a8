/* The texts of requests: what is taken apart how, and what is refused. */
#include "net/http_server_text.h"

#include "base/test.h"

static struct iso_str z(const char *text)
{
    return iso_str_from_z(text);
}

/* The segments, joined by '|'; or the name of the error. */
static void check_segments(const char *path, const char *expected)
{
    struct iso_str segments[4];
    size_t count = 4;
    char storage[128];
    char joined[160];
    size_t len = 0;
    enum iso_err err = iso_http_text_segments(z(path), storage, segments, &count);
    if (err != ISO_OK) {
        CHECK_STR(iso_err_name(err), expected);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        memcpy(joined + len, segments[i].ptr, segments[i].len);
        len += segments[i].len;
        joined[len++] = '|';
    }
    joined[len] = '\0';
    CHECK_STR(joined, expected);
}

TEST(paths_are_split_before_they_are_decoded)
{
    check_segments("/", "|");
    check_segments("/a", "a|");
    check_segments("/a/", "a||");
    check_segments("/a//b", "a||b|");
    check_segments("/a%2fb/c%20d", "a/b|c d|");
    check_segments("/%41%42/%c3%a4", "AB|\xc3\xa4|");
    check_segments("/a+b", "a+b|");
    check_segments("/1/2/3/4", "1|2|3|4|");
}

TEST(malformed_paths_are_refused)
{
    static const char *const bad[] = {"",        "a",      "*",     "http://x/",   "/%",  "/%4",
                                      "/%zz",    "/a%4/b", "/%00",  "/a/%2e%2e/b", "/..", "/.",
                                      "/a/../b", "/%2E",   "/%%41", "/a%2/b",      "/a#b"};
    for (size_t i = 0; i < ISO_COUNT_OF(bad); i++) {
        check_segments(bad[i], "ISO_E_MALFORMED");
    }
    check_segments("/1/2/3/4/5", "ISO_E_LIMIT");
    check_segments("/1/2/3/4/", "ISO_E_LIMIT");
    check_segments("/.../..a", "...|..a|");
}

TEST(queries_are_decoded_in_place)
{
    char text[] = "a%20b%2B";
    size_t len = sizeof text - 1;
    CHECK(iso_http_text_unescape(text, &len));
    CHECK_EQ_U64(len, 4);
    CHECK_MEM(text, "a b+", 4);
    static const char *const bad[] = {"%", "%1", "a%x1", "%1x", "%00", "%0"};
    for (size_t i = 0; i < ISO_COUNT_OF(bad); i++) {
        char copy[8];
        len = strlen(bad[i]);
        memcpy(copy, bad[i], len + 1);
        CHECK(!iso_http_text_unescape(copy, &len));
    }
}

static void check_host(const char *field, const char *name, bool is_address)
{
    struct iso_http_text_host host;
    bool fine = iso_http_text_host(z(field), &host);
    CHECK(fine == (name != NULL));
    if (fine) {
        CHECK_STR(host.name, name);
        CHECK_EQ_U64(host.len, strlen(name));
        CHECK(host.is_address == is_address);
    }
}

TEST(hosts_are_names_or_addresses)
{
    check_host("Device.Local", "device.local", false);
    check_host("device.local:8443", "device.local", false);
    check_host("device.local.", "device.local", false);
    check_host("device.local.:80", "device.local", false);
    check_host("192.0.2.1", "192.0.2.1", true);
    check_host("192.0.2.1:80", "192.0.2.1", true);
    check_host("[::1]", "::1", true);
    check_host("[::1]:443", "::1", true);
    check_host("localhost:", "localhost", false);
    /* As numbers, but not in the form of an address: some resolvers take them for one. */
    check_host("127.1", "127.1", false);
    check_host("2130706433", "2130706433", false);
    static const char *const bad[] = {
        "",         " ",        ".",   ":80",   "a:b",    "a:65536",   "a b", "a/b",
        "a@b",      "[::1",     "[]",  "[::g]", "[::1]x", "[1.2.3.4]", "::1", "a:80:80",
        "\xc3\xa4", "a:123456", "a?b", "..",    "a..b",   ".a",        "a..", "...:1"};
    for (size_t i = 0; i < ISO_COUNT_OF(bad); i++) {
        check_host(bad[i], NULL, false);
    }
    struct iso_http_text_host host;
    CHECK(!iso_http_text_host(iso_str_from("[::\0]", 5), &host));
    CHECK(!iso_http_text_host(iso_str_from("a\0b", 3), &host));
    char longest[300];
    memset(longest, 'a', sizeof longest);
    longest[ISO_HTTP_TEXT_HOST_SIZE] = '\0';
    check_host(longest, NULL, false);
    longest[ISO_HTTP_TEXT_HOST_SIZE - 1] = '\0';
    check_host(longest, longest, false);
}

TEST(an_origin_is_ours_when_scheme_host_and_port_are)
{
    CHECK(iso_http_text_is_own_origin(z("http://d.local:80"), z("d.local:80"), false));
    CHECK(iso_http_text_is_own_origin(z("https://D.local"), z("d.local"), true));
    CHECK(!iso_http_text_is_own_origin(z("https://d.local"), z("d.local"), false));
    CHECK(!iso_http_text_is_own_origin(z("http://d.local"), z("d.local"), true));
    CHECK(!iso_http_text_is_own_origin(z("http://d.local:81"), z("d.local:80"), false));
    CHECK(!iso_http_text_is_own_origin(z("http://d.local.evil"), z("d.local"), false));
    CHECK(!iso_http_text_is_own_origin(z("null"), z("d.local"), false));
    CHECK(!iso_http_text_is_own_origin(z(""), z("d.local"), false));
    CHECK(!iso_http_text_is_own_origin(z("http://"), z(""), false));
}

TEST(media_types_are_compared_without_their_parameters)
{
    CHECK(iso_http_text_has_type(z("application/json"), "application/json"));
    CHECK(iso_http_text_has_type(z("Application/JSON ; charset=utf-8"), "application/json"));
    CHECK(!iso_http_text_has_type(z("application/jsonx"), "application/json"));
    CHECK(!iso_http_text_has_type(z("text/plain;application/json"), "application/json"));
    CHECK(!iso_http_text_has_type(iso_str_from(NULL, 0), "application/json"));
    CHECK(iso_http_text_accepts(z("text/html, application/cbor;q=0.5"), "application/cbor"));
    CHECK(!iso_http_text_accepts(z("application/cbor;q=0"), "application/cbor"));
    CHECK(!iso_http_text_accepts(z("application/cbor; q=0.000, */*"), "application/cbor"));
    CHECK(!iso_http_text_accepts(z("*/*"), "application/cbor"));
    CHECK(!iso_http_text_accepts(z(""), "application/cbor"));
}

TEST(entity_tags_are_found_in_lists)
{
    CHECK(iso_http_text_has_tag(z("\"a\""), z("\"a\"")));
    CHECK(iso_http_text_has_tag(z("\"b\" , W/\"a\""), z("\"a\"")));
    CHECK(iso_http_text_has_tag(z("\"a\""), z("W/\"a\"")));
    CHECK(iso_http_text_has_tag(z("*"), z("\"a\"")));
    CHECK(!iso_http_text_has_tag(z("\"aa\""), z("\"a\"")));
    CHECK(!iso_http_text_has_tag(z(""), z("\"a\"")));
}

TEST(bearers_are_one_word)
{
    struct iso_str token;
    CHECK(iso_http_text_bearer(z("Bearer abc"), &token) && iso_str_equal_z(token, "abc"));
    CHECK(iso_http_text_bearer(z("bearer   abc "), &token) && iso_str_equal_z(token, "abc"));
    static const char *const bad[] = {"", "Bearer", "Bearer ", "Basic abc", "Bearer a b", "abc"};
    for (size_t i = 0; i < ISO_COUNT_OF(bad); i++) {
        CHECK(!iso_http_text_bearer(z(bad[i]), &token));
    }
    CHECK(!iso_http_text_bearer(iso_str_from(NULL, 0), &token));
}

TEST(numbers_have_digits_only)
{
    uint64_t value;
    CHECK(iso_http_text_number(z("0"), &value) && value == 0);
    CHECK(iso_http_text_number(z("18446744073709551615"), &value) && value == UINT64_MAX);
    static const char *const bad[] = {"", "18446744073709551616", "+1", "-1", "1 ", "0x1", "1,1"};
    for (size_t i = 0; i < ISO_COUNT_OF(bad); i++) {
        CHECK(!iso_http_text_number(z(bad[i]), &value));
    }
}

TEST(names_of_fields_are_tokens)
{
    CHECK(iso_http_text_is_token(z("Content-Type")));
    CHECK(iso_http_text_is_token(z("x!#$%&'*+-.^_`|~9")));
    CHECK(!iso_http_text_is_token(z("")));
    CHECK(!iso_http_text_is_token(z("a b")));
    CHECK(!iso_http_text_is_token(z("a:")));
    CHECK(!iso_http_text_is_token(iso_str_from("a\0b", 3)));
}
