/* Texts that are part of a program in packed form: what is long and seldom wanted, such as files
 * that it writes for people. iso_embed_texts() of cmake/IsoEmbed.cmake makes them of files. */
#ifndef ISO_BASE_TEXTS_H
#define ISO_BASE_TEXTS_H

#include "base/alloc.h"
#include "base/err.h"
#include "base/macros.h"

#include <stddef.h>
#include <stdint.h>

/* A block of LZ4. In it a name and a text by turns, each with a zero byte behind it; an empty name
 * is the end. */
struct iso_texts {
    const uint8_t *block;
    size_t block_len;
    size_t len; /* unpacked */
};

/* All texts, unpacked: `packed->len` bytes, released with iso_alloc_free(alloc, all, packed->len).
 * ISO_E_NOMEM. */
ISO_MUST_CHECK enum iso_err iso_texts_unpack(const struct iso_texts *packed,
                                             const struct iso_alloc *alloc, char **all);

/* The text called `name` in what iso_texts_unpack gave; NULL when there is none. */
const char *iso_texts_find(const char *all, const char *name);

#endif
