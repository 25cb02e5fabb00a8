/*
 * base64.h - base64 (RFC 4648, section 4): the alphabet with '+' and '/', with padding, nothing
 * else.
 */
#ifndef ISO_CODEC_BASE64_H
#define ISO_CODEC_BASE64_H

#include "base/base.h"

/* Characters that `len` bytes (at most SIZE_MAX / 4 * 3 - 3) become. */
size_t iso_base64_encoded_size(size_t len);
/* Writes exactly that many characters, without a zero byte. */
void iso_base64_encode(const void *data, size_t len, char *out);

/* Bytes that `text` becomes if it is well-formed. */
size_t iso_base64_decoded_size(struct iso_str text);
/* Writes iso_base64_decoded_size(text) bytes. Strict: no line ends, no missing padding, no bits set
 * in what the last character does not use. False when the text is not base64; then *bad is the
 * index of the character where that shows (text.len: the end), and `out` is indeterminate. */
ISO_MUST_CHECK bool iso_base64_decode(struct iso_str text, uint8_t *out, size_t *bad);

#endif
