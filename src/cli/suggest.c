/* Edit distance (optimal string alignment) and the choice of the nearest candidate. */
#include "cli/suggest.h"

#include <string.h>

enum { WORD_MAX = 63 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t iso_cli_edit_distance(const char *a, const char *b)
{
    size_t a_len = strlen(a), b_len = strlen(b);
    if (a_len > WORD_MAX || b_len > WORD_MAX) {
        return a_len > b_len ? a_len : b_len;
    }
    /* Three rows of the usual table: swapping neighbours looks two rows back. */
    size_t rows[3][WORD_MAX + 1];
    for (size_t j = 0; j <= b_len; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= a_len; i++) {
        size_t *row = rows[i % 3], *above = rows[(i - 1) % 3];
        const size_t *two_above = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t cost = a[i - 1] == b[j - 1] ? 0 : 1;
            row[j] = least(least(above[j] + 1, row[j - 1] + 1), above[j - 1] + cost);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = least(row[j], two_above[j - 2] + 1);
            }
        }
    }
    return rows[a_len % 3][b_len];
}

void iso_cli_suggest_init(struct iso_cli_suggest *suggest, const char *word)
{
    *suggest = (struct iso_cli_suggest){.word = word};
}

void iso_cli_suggest_try(struct iso_cli_suggest *suggest, const char *candidate)
{
    size_t len = strlen(suggest->word);
    size_t distance = iso_cli_edit_distance(suggest->word, candidate);
    /* The beginning of a word means that word. */
    if (len >= 2 && strncmp(candidate, suggest->word, len) == 0) {
        distance = least(distance, 1);
    }
    size_t allowed = len <= 3 ? 1 : len <= 8 ? 2 : 3;
    if (distance > allowed || distance >= strlen(candidate)) {
        return;
    }
    if (suggest->best == NULL || distance < suggest->distance) {
        suggest->best = candidate;
        suggest->distance = distance;
    }
}
