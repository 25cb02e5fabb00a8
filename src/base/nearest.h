/* "did you mean ...?": the candidate nearest to a mistyped word.
 *
 *     struct iso_nearest nearest = {.word = typed};
 *     for (...) iso_nearest_try(&nearest, candidate);
 *     if (nearest.best.len != 0) ...
 */
#ifndef ISO_BASE_NEAREST_H
#define ISO_BASE_NEAREST_H

#include "base/bytes.h"

struct iso_nearest {
    struct iso_str word; /* as typed; borrowed */
    struct iso_str best; /* borrowed from the candidates; empty while nothing is near enough */
    size_t distance;     /* of best */
};

/* The candidate is kept when it is the best so far; the first of equals stays. Near enough is one
 * slip in a word of three letters, two in one of eight, three in a longer one; or that the word is
 * its beginning. */
void iso_nearest_try(struct iso_nearest *nearest, struct iso_str candidate);

/* "; did you mean 'x'?" into out, or nothing. Returns out. */
const char *iso_nearest_text(const struct iso_nearest *nearest, char *out, size_t cap);

/* Whether a word is one of `names`. When it is not, out says so, with the nearest of them or, where
 * none is near, with all: "there is no WHAT 'WORD' here; did you mean 'NAME'?" */
bool iso_nearest_among(const char *word, const char *what, const char *const *names, size_t count,
                       char *out, size_t cap);

/* Letters to insert, delete, replace or swap with their neighbour to make a into b, case ignored.
 * Words longer than 63 bytes count as entirely different. */
size_t iso_edit_distance(struct iso_str a, struct iso_str b);

#endif
