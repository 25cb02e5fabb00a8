/* Formatting over the C library. Alone in its file: a freestanding build takes format_bare.c. */
#include "base/format.h"
#include "base/utf8.h"

#include <stdio.h>

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
    size_t len = iso_utf8_whole(out, cap - 1);
    out[len] = '\0';
    return len;
}
