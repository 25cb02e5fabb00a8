/* "did you mean ...?": the candidate nearest to a mistyped word. */
#ifndef ISO_BASE_NEAREST_H
#define ISO_BASE_NEAREST_H

#include "base/bytes.h"

struct iso_nearest {
    struct iso_str word; /* as typed; borrowed */
    struct iso_str best; /* borrowed from the candidates; empty while nothing is near enough */
    size_t distance;     /* of best: letters to insert, delete, replace or swap */
};

/* The first of equally near candidates stays. Words of more than 40 bytes are near to nothing. */
void iso_nearest_try(struct iso_nearest *nearest, struct iso_str candidate);
/* "; did you mean 'x'?" into out, or nothing. Returns out. */
const char *iso_nearest_text(const struct iso_nearest *nearest, char *out, size_t cap);

#endif
