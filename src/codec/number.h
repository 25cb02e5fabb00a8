/*
 * number.h - inside src/codec: decimal numbers as JSON writes them (RFC 8259, section 6), exactly.
 * number.c is arithmetic of our own; number_libc.c leans on the C library for rounding to floats.
 */
#ifndef ISO_CODEC_NUMBER_H
#define ISO_CODEC_NUMBER_H

#include "base/base.h"

/* A number as written: (-) whole . fraction e exponent. The texts are borrowed. */
struct iso_decimal {
    bool negative;
    struct iso_str whole;
    struct iso_str fraction; /* empty when there is none */
    int64_t exponent;        /* kept within +-2^40 */
    bool plain;              /* neither fraction nor exponent */
};

/* Reads the longest number at the start of `text`; returns the bytes it takes, 0 when there is
 * none (*out is then indeterminate). */
size_t iso_decimal_scan(struct iso_str text, struct iso_decimal *out);
/* The magnitude when it is a whole number below 2^64 ("12", "12.0", "1.2e1"); false otherwise. */
bool iso_decimal_u64(const struct iso_decimal *decimal, uint64_t *out);

/* Correctly rounded, whatever the locale; false when the nearest number is infinite. */
bool iso_decimal_f64(const struct iso_decimal *decimal, double *out);
bool iso_decimal_f32(const struct iso_decimal *decimal, float *out);

#define ISO_FLOAT_TEXT 40u
/* The shortest text that reads back as the same finite number ("1", "0.1", "-1e+20"). Returns its
 * length. */
size_t iso_print_f64(char out[ISO_FLOAT_TEXT], double value);
size_t iso_print_f32(char out[ISO_FLOAT_TEXT], float value);

#endif
