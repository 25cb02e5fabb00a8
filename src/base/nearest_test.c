/* The nearest candidate: found when near, silent when nothing is, the first of equals. */
#include "base/nearest.h"

#include "base/test.h"

static const char *nearest_of(const char *word, const char *const *candidates, size_t count,
                              char out[80])
{
    struct iso_nearest nearest = {.word = iso_str_from_z(word)};
    for (size_t i = 0; i < count; i++) {
        iso_nearest_try(&nearest, iso_str_from_z(candidates[i]));
    }
    return iso_nearest_text(&nearest, out, 80);
}

TEST(names_the_nearest_candidate_or_nothing)
{
    static const char *const names[] = {"limits", "links", "grants", "mode"};
    char out[80];
    CHECK_STR(nearest_of("limit", names, 4, out), "; did you mean 'limits'?");
    CHECK_STR(nearest_of("lniks", names, 4, out), "; did you mean 'links'?");
    CHECK_STR(nearest_of("MODE", names, 4, out), "; did you mean 'mode'?");
    CHECK_STR(nearest_of("something", names, 4, out), "");
    CHECK_STR(nearest_of("", names, 4, out), "");
    CHECK_STR(nearest_of("a-word-of-more-than-forty-characters-in-all", names, 4, out), "");
}
