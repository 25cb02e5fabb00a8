/* SHA-256 against the examples of FIPS 180-4 and RFC 6234, whole and in pieces. */
#include "base/test.h"

static void check_digest(const void *data, size_t len, const char *expected)
{
    uint8_t digest[ISO_SHA256_SIZE];
    char text[2 * ISO_SHA256_SIZE + 1];
    iso_sha256(data, len, digest);
    iso_hex_encode(digest, sizeof digest, text);
    CHECK_STR(text, expected);
}

TEST(sha256_published_vectors)
{
    check_digest(NULL, 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    check_digest("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    check_digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
                 "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    check_digest("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
                 "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
                 112, "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
    check_digest("\x19", 1, "68aa2e2ee5dff96e3355e6c7ee373e3d6a4e17f75f9518d843709c0c9bc3e3d4");
}

TEST(sha256_of_a_million_letters)
{
    static uint8_t letters[1000000];
    memset(letters, 'a', sizeof letters);
    check_digest(letters, sizeof letters,
                 "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(sha256_in_pieces_is_the_same)
{
    uint8_t data[300];
    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (uint8_t)(i * 7);
    }
    for (size_t len = 0; len <= sizeof data; len += 3) {
        uint8_t whole[ISO_SHA256_SIZE], pieces[ISO_SHA256_SIZE];
        iso_sha256(data, len, whole);
        for (size_t piece = 1; piece < 140; piece += 9) {
            struct iso_sha256 sha;
            iso_sha256_init(&sha);
            for (size_t at = 0; at < len; at += piece) {
                iso_sha256_update(&sha, data + at, len - at < piece ? len - at : piece);
            }
            iso_sha256_update(&sha, NULL, 0);
            iso_sha256_final(&sha, pieces);
            CHECK_MEM(pieces, whole, sizeof whole);
        }
    }
}

TEST(hex_text_is_lower_case)
{
    char text[9];
    iso_hex_encode("\x00\x9a\xff\x10", 4, text);
    CHECK_STR(text, "009aff10");
    iso_hex_encode(NULL, 0, text);
    CHECK_STR(text, "");
}
