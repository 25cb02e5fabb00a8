/* manifest_text.h - inside src/orchestrator: the text of a manifest as JSON (RFC 8259): what is
 * wrong with it before jansson makes a tree of it, and where in it something stands. */
#ifndef ISO_ORCHESTRATOR_MANIFEST_TEXT_H
#define ISO_ORCHESTRATOR_MANIFEST_TEXT_H

#include "orchestrator/manifest.h"

enum {
    ISO_OR_DEPTH_MAX = 32,     /* objects and arrays within each other */
    ISO_OR_VALUES_MAX = 50000, /* JSON values in all */
    ISO_OR_MEMBERS_MAX = 1000, /* of one object */
    ISO_OR_POINTER_MAX = 1000, /* bytes of a JSON pointer as it is shown; longer ones are cut */
};

/* Bytes of the text. */
struct iso_or_span {
    size_t offset, len;
};

/* One step on the way from the root to a value. */
struct iso_or_segment {
    struct iso_str key; /* ptr NULL: an element */
    size_t index;
};
struct iso_or_path {
    struct iso_or_segment segments[ISO_OR_DEPTH_MAX + 2];
    size_t count;
};

/* Whether the text is JSON within the limits above. Adds the first mistake of syntax, and one for
 * every member that is there twice. Errors: INVALID, NOMEM. */
ISO_MUST_CHECK enum iso_err iso_or_text_scan(struct iso_str text, const struct iso_alloc *alloc,
                                             struct iso_or_mistakes *mistakes);

/* Below, the text is one that was found right. */

/* Where the value at the path stands, or (key) its name, quotes included. False: nowhere. */
bool iso_or_text_find(struct iso_str text, const struct iso_or_path *path, bool key,
                      struct iso_or_span *out);
/* The way to the innermost value that has the byte at offset in it, or (of a member) whose name
 * has. Keys are views of the text; the way ends before one that has escapes. */
void iso_or_text_path_at(struct iso_str text, size_t offset, struct iso_or_path *out);

/* Adds a mistake at a span, with printf's format. path: for the pointer; NULL: the root's. */
void iso_or_mistakes_add(struct iso_or_mistakes *mistakes, struct iso_str text,
                         struct iso_or_span span, const struct iso_or_path *path, bool warning,
                         const char *format, va_list args) ISO_PRINTF(6, 0);
/* In the order of the text. */
void iso_or_mistakes_sort(struct iso_or_mistakes *mistakes);

#endif
