/* "did you mean ...?": the candidate nearest to a mistyped word. */
#ifndef ISO_CLI_SUGGEST_H
#define ISO_CLI_SUGGEST_H

#include <stddef.h>

struct iso_cli_suggest {
    const char *word; /* as typed */
    const char *best; /* NULL while nothing is near enough */
    size_t distance;  /* of best */
};

/* word: kept. */
void iso_cli_suggest_init(struct iso_cli_suggest *suggest, const char *word);
/* candidate: kept when it is the best so far. The first of equals stays. */
void iso_cli_suggest_try(struct iso_cli_suggest *suggest, const char *candidate);

/* Letters to insert, delete, replace or swap with their neighbour to make a into b. Words longer
 * than 63 bytes count as entirely different. */
size_t iso_cli_edit_distance(const char *a, const char *b);

#endif
