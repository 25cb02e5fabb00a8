/* page.h - the files of the web page (ui/orchestrator), compiled in by iso_embed_files. */
#ifndef ISO_ORCHESTRATOR_PAGE_H
#define ISO_ORCHESTRATOR_PAGE_H

#include <stdbool.h>
#include <stddef.h>

struct iso_embedded_file {
    const char *name; /* NULL: the table's end */
    const unsigned char *bytes;
    const size_t *len;
    bool is_gzip; /* the bytes are, and are to be sent as such */
};

extern const struct iso_embedded_file iso_or_page_files[];

#endif
