/* UTF-8 after table 3-7 of the Unicode standard ("well-formed UTF-8 byte sequences"). */
#include "base/utf8.h"

#include "base/bytes.h"

static bool is_tail(uint8_t byte)
{
    return (byte & 0xc0) == 0x80;
}

size_t iso_utf8_char_size(const void *text, size_t len)
{
    const uint8_t *p = text;
    if (len == 0) {
        return 0;
    }
    uint8_t lead = p[0];
    if (lead < 0x80) {
        return 1;
    }
    if (lead < 0xc2 || lead > 0xf4) {
        return 0;
    }
    size_t size = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (size > len) {
        return 0;
    }
    /* Only the second byte has a narrower range, and only after these leads. */
    uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (p[1] < low || p[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < size; i++) {
        if (!is_tail(p[i])) {
            return 0;
        }
    }
    return size;
}

bool iso_utf8_valid(const void *text, size_t len)
{
    const uint8_t *p = text;
    while (len != 0) {
        if (len >= 8 && (iso_load_u64le(p) & 0x8080808080808080u) == 0) {
            p += 8;
            len -= 8;
            continue;
        }
        size_t size = iso_utf8_char_size(p, len);
        if (size == 0) {
            return false;
        }
        p += size;
        len -= size;
    }
    return true;
}

size_t iso_utf8_whole(const char *text, size_t len)
{
    size_t start = len;
    while (start > 0 && len - start < 4) {
        start--;
        unsigned char byte = (unsigned char)text[start];
        if (byte < 0x80) {
            return len;
        }
        if (byte >= 0xc0) {
            size_t need = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
            return len - start < need ? start : len;
        }
    }
    return len;
}
