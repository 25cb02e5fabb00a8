/* Base64: the vectors of RFC 4648, every length, and that no text but the one is taken. */
#include "base/test.h"
#include "codec/base64.h"

TEST(base64_vectors_of_the_rfc)
{
    static const char *const rows[][2] = {{"", ""},
                                          {"f", "Zg=="},
                                          {"fo", "Zm8="},
                                          {"foo", "Zm9v"},
                                          {"foob", "Zm9vYg=="},
                                          {"fooba", "Zm9vYmE="},
                                          {"foobar", "Zm9vYmFy"},
                                          {"\xfb\xff\xbf", "+/+/"}};
    for (size_t i = 0; i < ISO_COUNT_OF(rows); i++) {
        char text[16];
        uint8_t back[16];
        size_t bad = 0, len = strlen(rows[i][0]);
        struct iso_str expected = iso_str_from_z(rows[i][1]);
        CHECK_EQ_U64(iso_base64_encoded_size(len), expected.len);
        iso_base64_encode(rows[i][0], len, text);
        CHECK_MEM(text, expected.ptr, expected.len);
        CHECK_EQ_U64(iso_base64_decoded_size(expected), len);
        CHECK(iso_base64_decode(expected, back, &bad));
        CHECK_MEM(back, rows[i][0], len);
    }
}

TEST(base64_refuses_all_other_texts)
{
    static const struct {
        const char *text;
        size_t bad;
    } rows[] = {{"Z", 1},         {"Zg", 2},       {"Zg=", 3},      {"=", 1},
                {"====", 0},      {"Z===", 1},     {"Zh==", 1},     {"Zm9=", 2},
                {"Zm9v\n", 5},    {"Zm9vY", 5},    {"Zm 9", 2},     {"Zm-_", 2},
                {"Zg==Zg==", 2},  {"Zm9vZ===", 5}, {"Zm8=Zm8=", 3}, {"Zm9vZm9*", 7},
                {"\xc3\xa9Zm", 0}};
    for (size_t i = 0; i < ISO_COUNT_OF(rows); i++) {
        uint8_t out[16];
        size_t bad = 99;
        if (iso_base64_decode(iso_str_from_z(rows[i].text), out, &bad) || bad != rows[i].bad) {
            TEST_FAIL("\"%s\": %zu", rows[i].text, bad);
        }
    }
}

TEST(base64_round_trips_of_every_length)
{
    const struct iso_alloc *alloc = iso_alloc_libc();
    for (size_t len = 0; len < 200; len++) {
        /* Exact areas, so that an address sanitizer sees a byte too much. */
        size_t size = iso_base64_encoded_size(len), bad = 0;
        uint8_t *data = iso_alloc_new(alloc, len), *back = iso_alloc_new(alloc, len);
        char *text = iso_alloc_new(alloc, size);
        CHECK(data != NULL && back != NULL && text != NULL);
        for (size_t i = 0; i < len; i++) {
            data[i] = (uint8_t)(i * 37 + len * 11);
        }
        iso_base64_encode(data, len, text);
        CHECK_EQ_U64(iso_base64_decoded_size(iso_str_from(text, size)), len);
        CHECK(iso_base64_decode(iso_str_from(text, size), back, &bad));
        CHECK_MEM(back, data, len);
        iso_alloc_free(alloc, data, len);
        iso_alloc_free(alloc, back, len);
        iso_alloc_free(alloc, text, size);
    }
}
