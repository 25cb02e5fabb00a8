/* Formatting over the C library. Alone in its file: a freestanding build brings its own. */
#include "base/format.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The length of `text` without an incomplete UTF-8 sequence at its end. */
static size_t cut_to_whole_characters(const char *text, size_t len)
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

size_t iso_format_v(char *out, size_t cap, const char *format, va_list args)
{
    ISO_ASSERT(cap > 0);
    int wanted = vsnprintf(out, cap, format, args);
    if (wanted < 0) {
        out[0] = '\0';
        return 0;
    }
    if ((size_t)wanted < cap) {
        return (size_t)wanted;
    }
    size_t len = cut_to_whole_characters(out, cap - 1);
    out[len] = '\0';
    return len;
}

size_t iso_format(char *out, size_t cap, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    size_t len = iso_format_v(out, cap, format, args);
    va_end(args);
    return len;
}

size_t iso_format_f64(char out[32], double value)
{
    if (isnan(value)) {
        return iso_format(out, 32, "nan");
    }
    if (isinf(value)) {
        return iso_format(out, 32, value < 0 ? "-inf" : "inf");
    }
    size_t len = 0;
    for (int digits = 15; digits <= 17; digits++) {
        len = iso_format(out, 32, "%.*g", digits, value);
        double back = strtod(out, NULL);
        if (memcmp(&back, &value, sizeof back) == 0) {
            break;
        }
    }
    char *comma = strchr(out, ',');
    if (comma != NULL) {
        *comma = '.';
    }
    return len;
}
