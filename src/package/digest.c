/* Digests as text: "sha256:" and 64 small hexadecimal digits. */
#include "package/digest.h"

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool iso_digest_read_hex(const char *text, uint8_t digest[ISO_SHA256_SIZE])
{
    for (size_t i = 0; i < ISO_SHA256_SIZE; i++) {
        int high = hex_digit(text[2 * i]);
        int low = high >= 0 ? hex_digit(text[2 * i + 1]) : -1;
        if (low < 0) {
            return false;
        }
        digest[i] = (uint8_t)(high * 16 + low);
    }
    return true;
}

enum iso_err iso_digest_parse(struct iso_str text, uint8_t digest[ISO_SHA256_SIZE],
                              struct iso_report *report)
{
    uint8_t bytes[ISO_SHA256_SIZE];
    if (text.len != ISO_DIGEST_TEXT_SIZE - 1 || memcmp(text.ptr, "sha256:", 7) != 0 ||
        !iso_digest_read_hex(text.ptr + 7, bytes)) {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "not the digest of a module: \"sha256:\" and 64 hexadecimal digits (small "
                        "letters)");
    }
    memcpy(digest, bytes, sizeof bytes);
    return ISO_OK;
}

void iso_digest_text(const uint8_t digest[ISO_SHA256_SIZE], char out[ISO_DIGEST_TEXT_SIZE])
{
    memcpy(out, "sha256:", 7);
    iso_hex_encode(digest, ISO_SHA256_SIZE, out + 7);
}
