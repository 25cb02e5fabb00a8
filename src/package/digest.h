/* Digests within src/package. */
#ifndef ISO_PACKAGE_DIGEST_H
#define ISO_PACKAGE_DIGEST_H

#include "package/package.h"

/* 64 small hexadecimal digits; text need not end there, but must not end before without a zero
 * byte. False when it is something else; digest is then indeterminate. */
bool iso_digest_read_hex(const char *text, uint8_t digest[ISO_SHA256_SIZE]);

#endif
