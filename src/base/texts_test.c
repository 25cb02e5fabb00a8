/* Packed texts: what the build packed is what the files have, and damage and want of memory are
 * reported. The files are made by CMakeLists.txt. */
#include "base/test.h"

extern const struct iso_texts test_texts;
extern const unsigned char test_random[], test_words[];
extern const size_t test_random_len, test_words_len;

static char *unpack(void)
{
    char *all = NULL;
    CHECK(iso_texts_unpack(&test_texts, iso_alloc_libc(), &all) == ISO_OK);
    return all;
}

TEST(texts_are_as_in_their_files)
{
    char *all = unpack();
    CHECK_STR(iso_texts_find(all, "empty"), "");
    const char *same = iso_texts_find(all, "same");
    CHECK(strlen(same) == 1000 && strspn(same, "a") == 1000);
    const char *words = iso_texts_find(all, "lz4.h");
    CHECK_EQ_U64(strlen(words), test_words_len);
    CHECK(strcmp(words, (const char *)test_words) == 0);
    iso_alloc_free(iso_alloc_libc(), all, test_texts.len);
}

TEST(a_text_has_its_path_in_the_folder_as_name_without_in)
{
    char *all = unpack();
    const char *random = iso_texts_find(all, "folder/random.txt");
    CHECK_EQ_U64(strlen(random), test_random_len);
    CHECK(strcmp(random, (const char *)test_random) == 0);
    CHECK(iso_texts_find(all, "folder/random.txt.in") == NULL);
    CHECK(iso_texts_find(all, "random.txt") == NULL);
    CHECK(iso_texts_find(all, "") == NULL);
    iso_alloc_free(iso_alloc_libc(), all, test_texts.len);
}

TEST(what_is_damaged_is_refused)
{
    struct iso_texts cut = test_texts, longer = test_texts;
    char *all = NULL;
    cut.block_len--;
    longer.len++;
    CHECK(iso_texts_unpack(&cut, iso_alloc_libc(), &all) == ISO_E_MALFORMED);
    CHECK(iso_texts_unpack(&longer, iso_alloc_libc(), &all) == ISO_E_MALFORMED);
    CHECK(all == NULL);
}

TEST(want_of_memory_is_reported)
{
    struct iso_alloc_test memory;
    char *all = NULL;
    iso_alloc_test_init(&memory);
    iso_alloc_test_restart(&memory, 1);
    CHECK(iso_texts_unpack(&test_texts, &memory.alloc, &all) == ISO_E_NOMEM);
    CHECK(all == NULL);
    CHECK_EQ_U64(memory.live_bytes, 0);
}
