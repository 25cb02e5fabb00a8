/* UTF-8 (RFC 3629; Wasm names, section 5.2.4 of the core specification). */
#ifndef ISO_BASE_UTF8_H
#define ISO_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether `len` bytes are well-formed UTF-8: no overlong forms, no surrogates, nothing above
 * U+10FFFF. `text` is NULL only when len is 0. */
bool iso_utf8_valid(const void *text, size_t len);

/* The size in bytes (1 to 4) of the well-formed character at the start of `len` bytes, or 0. */
size_t iso_utf8_char_size(const void *text, size_t len);

/* Whether a byte of well-formed UTF-8 is the first of a character: as many as these there are. */
static inline bool iso_utf8_begins(char byte)
{
    return ((unsigned char)byte & 0xc0u) != 0x80u;
}

/* The length of `text`, of which the first `len` bytes remain after a cut, without the incomplete
 * character that may stand at its end. */
size_t iso_utf8_whole(const char *text, size_t len);

#endif
