/* statistics_number.h - decimal numbers. */
#ifndef STATISTICS_NUMBER_H
#define STATISTICS_NUMBER_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Read a number: blanks around it, a sign, digits with a point, an exponent ("-1.5e3"). The whole
 * text must be one; *out is untouched otherwise. Exact for up to 15 digits and exponents to 22, to
 * within a few units in the last place beyond. text: borrowed.
 */
bool statistics_number_read(const char *text, size_t len, double *out);

#endif
