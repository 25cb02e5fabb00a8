/* What the sign*.c share: lines of the format. */
#ifndef ISO_PACKAGE_SIGN_H
#define ISO_PACKAGE_SIGN_H

#include "codec/codec.h"
#include "package/package.h"

/* Takes the first line off the text; without its end. */
struct iso_str iso_sign_line(struct iso_str *text);
/* A line of base64 for exactly `size` bytes. */
bool iso_sign_decode(struct iso_str line, uint8_t *out, size_t size);
/* Appends it; at most 190 bytes. */
ISO_MUST_CHECK enum iso_err iso_sign_encode(struct iso_buf *out, const uint8_t *bytes, size_t size);

#endif
