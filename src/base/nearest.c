/* "did you mean ...?": edit distance (optimal string alignment, case ignored). */
#include "base/nearest.h"

#include "base/format.h"

enum { WORD_MAX = 40 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Letters to insert, delete, replace or swap with their neighbour. Both at most WORD_MAX long. */
static size_t edit_distance(struct iso_str a, struct iso_str b)
{
    /* Three rows of the usual table: swapping neighbours looks two rows back. */
    size_t rows[3][WORD_MAX + 1];
    for (size_t j = 0; j <= b.len; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= a.len; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i - 1) % 3], *two_above = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t cost = lower(a.ptr[i - 1]) == lower(b.ptr[j - 1]) ? 0 : 1;
            row[j] = least(least(above[j] + 1, row[j - 1] + 1), above[j - 1] + cost);
            if (i > 1 && j > 1 && lower(a.ptr[i - 1]) == lower(b.ptr[j - 2]) &&
                lower(a.ptr[i - 2]) == lower(b.ptr[j - 1])) {
                row[j] = least(row[j], two_above[j - 2] + 1);
            }
        }
    }
    return rows[a.len % 3][b.len];
}

void iso_nearest_try(struct iso_nearest *nearest, struct iso_str candidate)
{
    if (nearest->word.len > WORD_MAX || candidate.len > WORD_MAX || candidate.len == 0) {
        return;
    }
    size_t distance = edit_distance(nearest->word, candidate);
    size_t allowed = nearest->word.len <= 3 ? 1 : nearest->word.len <= 8 ? 2 : 3;
    if (distance > allowed || distance >= candidate.len) {
        return;
    }
    if (nearest->best.len == 0 || distance < nearest->distance) {
        nearest->best = candidate;
        nearest->distance = distance;
    }
}

const char *iso_nearest_text(const struct iso_nearest *nearest, char *out, size_t cap)
{
    out[0] = '\0';
    if (nearest->best.len != 0) {
        (void)iso_format(out, cap, "; did you mean '%.*s'?", (int)nearest->best.len,
                         nearest->best.ptr);
    }
    return out;
}
