/* Base64 (RFC 4648, section 4), strict: one text for every sequence of bytes. */
#include "codec/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#define BAD 0xff

/* The value of each character, BAD for those outside of the alphabet. */
static const uint8_t values[256] = {
    BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD,
    BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD,
    BAD, BAD, BAD, BAD, BAD, 62,  BAD, BAD, BAD, 63,  52,  53,  54,  55,  56,  57,  58,  59,  60,
    61,  BAD, BAD, BAD, BAD, BAD, BAD, BAD, 0,   1,   2,   3,   4,   5,   6,   7,   8,   9,   10,
    11,  12,  13,  14,  15,  16,  17,  18,  19,  20,  21,  22,  23,  24,  25,  BAD, BAD, BAD, BAD,
    BAD, BAD, 26,  27,  28,  29,  30,  31,  32,  33,  34,  35,  36,  37,  38,  39,  40,  41,  42,
    43,  44,  45,  46,  47,  48,  49,  50,  51,  BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD,
    BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD,
    BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD,
    BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD,
    BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD,
    BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD,
    BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD,
    BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD};

size_t iso_base64_encoded_size(size_t len)
{
    return (len + 2) / 3 * 4;
}

void iso_base64_encode(const void *data, size_t len, char *out)
{
    const uint8_t *p = data;
    while (len >= 3) {
        uint32_t bits = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
        out[0] = alphabet[bits >> 18];
        out[1] = alphabet[bits >> 12 & 63];
        out[2] = alphabet[bits >> 6 & 63];
        out[3] = alphabet[bits & 63];
        p += 3;
        out += 4;
        len -= 3;
    }
    if (len != 0) {
        uint32_t bits = (uint32_t)p[0] << 16 | (len == 2 ? (uint32_t)p[1] << 8 : 0);
        out[0] = alphabet[bits >> 18];
        out[1] = alphabet[bits >> 12 & 63];
        out[2] = len == 2 ? alphabet[bits >> 6 & 63] : '=';
        out[3] = '=';
    }
}

/* Characters of padding at the end: 0, 1 or 2. */
static size_t padding(struct iso_str text)
{
    if (text.len < 4 || text.ptr[text.len - 1] != '=') {
        return 0;
    }
    return text.ptr[text.len - 2] == '=' ? 2 : 1;
}

size_t iso_base64_decoded_size(struct iso_str text)
{
    return text.len / 4 * 3 - padding(text);
}

/* The last group, which has `pad` characters of padding. */
static bool decode_padded(const uint8_t *p, size_t pad, uint8_t *out, size_t *bad)
{
    uint8_t v[3] = {values[p[0]], values[p[1]], pad == 1 ? values[p[2]] : 0};
    uint8_t last = pad == 1 ? v[2] : v[1];
    for (size_t i = 0; i < 4 - pad; i++) {
        if (v[i] == BAD) {
            *bad = i;
            return false;
        }
    }
    if ((last & (pad == 1 ? 3 : 15)) != 0) {
        *bad = 3 - pad;
        return false;
    }
    out[0] = (uint8_t)(v[0] << 2 | v[1] >> 4);
    if (pad == 1) {
        out[1] = (uint8_t)(v[1] << 4 | v[2] >> 2);
    }
    return true;
}

bool iso_base64_decode(struct iso_str text, uint8_t *out, size_t *bad)
{
    const uint8_t *p = (const uint8_t *)text.ptr;
    size_t pad = padding(text);
    size_t groups = text.len / 4 - (pad != 0 ? 1 : 0);
    size_t at = 0;
    for (; groups != 0; groups--, at += 4, out += 3) {
        uint8_t a = values[p[at]], b = values[p[at + 1]];
        uint8_t c = values[p[at + 2]], d = values[p[at + 3]];
        if (((a | b | c | d) & 0xc0) != 0) {
            *bad = at + (a == BAD ? 0u : b == BAD ? 1u : c == BAD ? 2u : 3u);
            return false;
        }
        out[0] = (uint8_t)(a << 2 | b >> 4);
        out[1] = (uint8_t)(b << 4 | c >> 2);
        out[2] = (uint8_t)(c << 6 | d);
    }
    if (pad != 0 && text.len % 4 == 0) {
        size_t in_group = 0;
        if (!decode_padded(p + at, pad, out, &in_group)) {
            *bad = at + in_group;
            return false;
        }
    }
    if (text.len % 4 != 0) {
        *bad = text.len;
        return false;
    }
    return true;
}
