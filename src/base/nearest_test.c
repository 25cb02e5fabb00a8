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

static const char *nearest(const char *word)
{
    static const char *const words[] = {"run",    "resume", "inspect",  "version",
                                        "memory", "fuel",   "snapshot", "snapshot-at-fuel",
                                        "dir",    "env",    "listen",   "timeout"};
    struct iso_nearest found = {.word = iso_str_from_z(word)};
    for (size_t i = 0; i < ISO_COUNT_OF(words); i++) {
        iso_nearest_try(&found, iso_str_from_z(words[i]));
    }
    return found.best.ptr;
}

static size_t distance(const char *a, const char *b)
{
    return iso_edit_distance(iso_str_from_z(a), iso_str_from_z(b));
}

TEST(edit_distances)
{
    CHECK_EQ_U64(distance("", ""), 0);
    CHECK_EQ_U64(distance("dir", "dir"), 0);
    CHECK_EQ_U64(distance("", "dir"), 3);
    CHECK_EQ_U64(distance("dri", "dir"), 1);
    CHECK_EQ_U64(distance("dirs", "dir"), 1);
    CHECK_EQ_U64(distance("kitten", "sitting"), 3);
    CHECK_EQ_U64(distance("DIR", "dri"), 1);
    CHECK_EQ_U64(distance("sitting", "kitten"), 3);
}

TEST(long_words_are_entirely_different)
{
    char a[200];
    memset(a, 'a', sizeof a - 1);
    a[sizeof a - 1] = '\0';
    CHECK_EQ_U64(distance(a, "a"), 199);
    CHECK_EQ_U64(distance("a", a), 199);
}

TEST(slips_of_the_finger)
{
    CHECK_STR(nearest("dri"), "dir");
    CHECK_STR(nearest("timeuot"), "timeout");
    CHECK_STR(nearest("inpsect"), "inspect");
    CHECK_STR(nearest("resmue"), "resume");
    CHECK_STR(nearest("rnu"), "run");
}

TEST(beginnings)
{
    CHECK_STR(nearest("mem"), "memory");
    CHECK_STR(nearest("snap"), "snapshot");
    CHECK_STR(nearest("snapshot-at"), "snapshot-at-fuel");
}

TEST(a_word_that_is_not_among_the_names)
{
    static const char *const names[] = {"name", "state", "labels"};
    char out[128] = "as it was", small[24];
    CHECK(iso_nearest_among("state", "member", names, 3, out, sizeof out));
    CHECK_STR(out, "as it was");
    CHECK(!iso_nearest_among("nmae", "member", names, 3, out, sizeof out));
    CHECK_STR(out, "there is no member 'nmae' here; did you mean 'name'?");
    CHECK(!iso_nearest_among("colour\n", "member", names, 3, out, sizeof out));
    CHECK_STR(out, "there is no member 'colour?' here; there are: name, state, labels");
    CHECK(!iso_nearest_among("colour", "member", names, 3, small, sizeof small));
    CHECK_STR(small, "there is no member 'col");
    CHECK(!iso_nearest_among("colour", "member", names, 0, out, sizeof out));
    CHECK_STR(out, "there is no member 'colour' here");
}

TEST(nothing_is_near)
{
    CHECK_STR(nearest("deploy"), NULL);
    CHECK_STR(nearest("x"), NULL);
    CHECK_STR(nearest(""), NULL);
}
