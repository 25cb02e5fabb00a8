/* Suggestions for mistyped words. */
#include "cli/suggest.h"

#include "base/test.h"

static const char *suggest(const char *word)
{
    static const char *const words[] = {"run",    "resume", "inspect",  "version",
                                        "memory", "fuel",   "snapshot", "snapshot-at-fuel",
                                        "dir",    "env",    "listen",   "timeout"};
    struct iso_cli_suggest best;
    iso_cli_suggest_init(&best, word);
    for (size_t i = 0; i < ISO_COUNT_OF(words); i++) {
        iso_cli_suggest_try(&best, words[i]);
    }
    return best.best;
}

TEST(edit_distances)
{
    CHECK_EQ_U64(iso_cli_edit_distance("", ""), 0);
    CHECK_EQ_U64(iso_cli_edit_distance("dir", "dir"), 0);
    CHECK_EQ_U64(iso_cli_edit_distance("", "dir"), 3);
    CHECK_EQ_U64(iso_cli_edit_distance("dri", "dir"), 1);
    CHECK_EQ_U64(iso_cli_edit_distance("dirs", "dir"), 1);
    CHECK_EQ_U64(iso_cli_edit_distance("kitten", "sitting"), 3);
    CHECK_EQ_U64(iso_cli_edit_distance("sitting", "kitten"), 3);
}

TEST(long_words_are_entirely_different)
{
    char a[200];
    memset(a, 'a', sizeof a - 1);
    a[sizeof a - 1] = '\0';
    CHECK_EQ_U64(iso_cli_edit_distance(a, "a"), 199);
    CHECK_EQ_U64(iso_cli_edit_distance("a", a), 199);
}

TEST(slips_of_the_finger)
{
    CHECK_STR(suggest("dri"), "dir");
    CHECK_STR(suggest("timeuot"), "timeout");
    CHECK_STR(suggest("inpsect"), "inspect");
    CHECK_STR(suggest("resmue"), "resume");
    CHECK_STR(suggest("rnu"), "run");
}

TEST(beginnings)
{
    CHECK_STR(suggest("mem"), "memory");
    CHECK_STR(suggest("snap"), "snapshot");
    CHECK_STR(suggest("snapshot-at"), "snapshot-at-fuel");
}

TEST(nothing_is_near)
{
    CHECK_STR(suggest("deploy"), NULL);
    CHECK_STR(suggest("x"), NULL);
    CHECK_STR(suggest(""), NULL);
}
