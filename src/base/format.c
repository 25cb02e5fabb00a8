/* What both versions of iso_format_v share. */
#include "base/format.h"

size_t iso_format(char *out, size_t cap, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    size_t len = iso_format_v(out, cap, format, args);
    va_end(args);
    return len;
}
