/* Packed texts: see texts.h. */
#include "base/texts.h"

#include "base/lz4.h"

#include <string.h>

enum iso_err iso_texts_unpack(const struct iso_texts *packed, const struct iso_alloc *alloc,
                              char **all)
{
    char *text = iso_alloc_new(alloc, packed->len);
    if (text == NULL) {
        return ISO_E_NOMEM;
    }
    enum iso_err err =
        iso_lz4_decompress(packed->block, packed->block_len, (uint8_t *)text, packed->len);
    if (err != ISO_OK) {
        iso_alloc_free(alloc, text, packed->len);
        return err;
    }
    *all = text;
    return ISO_OK;
}

const char *iso_texts_find(const char *all, const char *name)
{
    while (*all != '\0') {
        const char *text = all + strlen(all) + 1;
        if (strcmp(all, name) == 0) {
            return text;
        }
        all = text + strlen(text) + 1;
    }
    return NULL;
}
