/* Edit distance (optimal string alignment) and the choice of the nearest candidate. */
#include "base/nearest.h"

#include "base/format.h"
#include "base/name.h"

enum { WORD_MAX = 63 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool same(char a, char b)
{
    return lower(a) == lower(b);
}

size_t iso_edit_distance(struct iso_str a, struct iso_str b)
{
    if (a.len > WORD_MAX || b.len > WORD_MAX) {
        return a.len > b.len ? a.len : b.len;
    }
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
            size_t cost = same(a.ptr[i - 1], b.ptr[j - 1]) ? 0 : 1;
            row[j] = least(least(above[j] + 1, row[j - 1] + 1), above[j - 1] + cost);
            if (i > 1 && j > 1 && same(a.ptr[i - 1], b.ptr[j - 2]) &&
                same(a.ptr[i - 2], b.ptr[j - 1])) {
                row[j] = least(row[j], two_above[j - 2] + 1);
            }
        }
    }
    return rows[a.len % 3][b.len];
}

void iso_nearest_try(struct iso_nearest *nearest, struct iso_str candidate)
{
    struct iso_str word = nearest->word;
    size_t distance = iso_edit_distance(word, candidate);
    /* The beginning of a word means that word. */
    if (word.len >= 2 && candidate.len > word.len &&
        iso_memory_equal(candidate.ptr, word.ptr, word.len)) {
        distance = least(distance, 1);
    }
    size_t allowed = word.len <= 3 ? 1 : word.len <= 8 ? 2 : 3;
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

bool iso_nearest_among(const char *word, const char *what, const char *const *names, size_t count,
                       char *out, size_t cap)
{
    struct iso_nearest nearest = {.word = iso_str_from_z(word)};
    for (size_t i = 0; i < count; i++) {
        if (iso_str_equal_z(nearest.word, names[i])) {
            return true;
        }
        iso_nearest_try(&nearest, iso_str_from_z(names[i]));
    }
    char shown[ISO_QUOTE_SIZE], hint[128];
    size_t len =
        iso_format(out, cap, "there is no %s %s here%s", what, iso_quote(shown, nearest.word),
                   iso_nearest_text(&nearest, hint, sizeof hint));
    for (size_t i = 0; i < count && nearest.best.len == 0 && len < cap; i++) {
        len += iso_format(out + len, cap - len, "%s%s", i == 0 ? "; there are: " : ", ", names[i]);
    }
    return false;
}
