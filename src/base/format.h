/* The seam to the C library's number and text formatting; format_libc.c is the hosted version. */
#ifndef ISO_BASE_FORMAT_H
#define ISO_BASE_FORMAT_H

#include "base/macros.h"

#include <stdarg.h>
#include <stddef.h>

/* As vsnprintf: writes at most cap bytes with the closing zero (cap > 0), cuts what does not fit,
 * and never ends in the middle of a UTF-8 sequence that was cut. Returns the length written without
 * the zero; an argument that cannot be formatted gives the empty text. */
size_t iso_format_v(char *out, size_t cap, const char *format, va_list args) ISO_PRINTF(3, 0);
size_t iso_format(char *out, size_t cap, const char *format, ...) ISO_PRINTF(3, 4);

/* The shortest decimal text of 15 to 17 digits that reads back as the same finite number, with a
 * point whatever the locale; "nan", "inf" or "-inf" otherwise. Returns its length. */
size_t iso_format_f64(char out[32], double value);

#endif
