/* The seam to the C library's number and text formatting. format_libc.c is the hosted version;
 * format_bare.c is for machines without a C library, and knows what messages of the engine use. */
#ifndef ISO_BASE_FORMAT_H
#define ISO_BASE_FORMAT_H

#include "base/macros.h"

#include <stdarg.h>
#include <stddef.h>

/* As vsnprintf: writes at most cap bytes with the closing zero (cap > 0), cuts what does not fit,
 * and never ends in the middle of a UTF-8 sequence that was cut. Returns the length written without
 * the zero; an argument that cannot be formatted gives the empty text. format_bare.c knows %% %c %s
 * %d %u %x and %zu, %l* and %ll* of the last three, a width, '0', '-', and a precision of %s; from
 * anything else on, it copies the format as it stands. */
size_t iso_format_v(char *out, size_t cap, const char *format, va_list args) ISO_PRINTF(3, 0);
size_t iso_format(char *out, size_t cap, const char *format, ...) ISO_PRINTF(3, 4);

/* The shortest decimal text of 15 to 17 digits that reads back as the same finite number, with a
 * point whatever the locale; "nan", "inf" or "-inf" otherwise. Returns its length. Hosted
 * builds only. */
size_t iso_format_f64(char out[32], double value);

#endif
