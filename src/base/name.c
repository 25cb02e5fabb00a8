/* Names of what people name in documents. */
#include "base/name.h"

#include "base/utf8.h"

bool iso_name_check(struct iso_str text)
{
    if (text.len == 0 || text.len > ISO_NAME_MAX || text.ptr[text.len - 1] == '-') {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool letter = c >= 'a' && c <= 'z';
        bool later = (c >= '0' && c <= '9') || (c == '-' && i > 0 && text.ptr[i - 1] != '-');
        if (!letter && (i == 0 || !later)) {
            return false;
        }
    }
    return true;
}

bool iso_label_key_check(struct iso_str text)
{
    if (text.len == 0 || text.len > ISO_LABEL_KEY_MAX) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool first = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        bool later = c == '-' || c == '_' || c == '.' || c == '/';
        if (!first && (i == 0 || !later)) {
            return false;
        }
    }
    return true;
}

const char *iso_quote(char out[ISO_QUOTE_SIZE], struct iso_str text)
{
    size_t len = 0, size;
    out[len++] = '\'';
    for (size_t i = 0; i < text.len; i += size) {
        size = iso_utf8_char_size(text.ptr + i, text.len - i);
        if (len >= 50) { /* cut between characters only */
            memcpy(out + len, "...", 3);
            len += 3;
            break;
        }
        unsigned char c = (unsigned char)text.ptr[i];
        if (size == 0 || c < 0x20 || c == 0x7F) {
            size = 1;
            out[len++] = '?';
            continue;
        }
        memcpy(out + len, text.ptr + i, size);
        len += size;
    }
    out[len++] = '\'';
    out[len] = '\0';
    return out;
}
