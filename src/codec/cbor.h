/*
 * cbor.h - inside src/codec: the first bytes of CBOR items (RFC 8949, section 3) and half floats.
 *
 *     7 6 5 | 4 3 2 1 0
 *     major | argument: 0 to 23 itself; 24 to 27: in the next 1, 2, 4, 8 bytes; 31: indefinite
 */
#ifndef ISO_CODEC_CBOR_H
#define ISO_CODEC_CBOR_H

#include "codec/codec.h"

enum iso_cbor_major {
    ISO_CBOR_UNSIGNED,
    ISO_CBOR_NEGATIVE, /* -1 - argument */
    ISO_CBOR_BYTES,
    ISO_CBOR_TEXT,
    ISO_CBOR_ARRAY,
    ISO_CBOR_MAP,
    ISO_CBOR_TAG,
    ISO_CBOR_SIMPLE
};

#define ISO_CBOR_FALSE 0xf4u
#define ISO_CBOR_TRUE 0xf5u
#define ISO_CBOR_NULL 0xf6u
#define ISO_CBOR_UNDEFINED 0xf7u
#define ISO_CBOR_HALF 0xf9u
#define ISO_CBOR_SINGLE 0xfau
#define ISO_CBOR_DOUBLE 0xfbu
#define ISO_CBOR_BREAK 0xffu
/* "Self-described CBOR", which may stand before the value. */
#define ISO_CBOR_TAG_SELF 55799u

/* The number as half a float; false when one does not hold it exactly. Every NaN becomes one. */
bool iso_cbor_to_half(double value, uint16_t *out);
double iso_cbor_from_half(uint16_t half);

#endif
