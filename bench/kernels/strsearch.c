/* strsearch: finds every place of several words in 32 KiB of text by Horspool's
 * method; byte loads, a skip table, short inner loops. */
#include "kernel.h"

#define TEXT_SIZE 32768
#define WORDS 6

static uint8_t text[TEXT_SIZE];
static uint8_t skip[256];

static const char *const words[WORDS] = {"the", "sensor", "module", "anoth", "tion", "migrate"};

static void text_make(uint32_t seed)
{
    static const char syllables[16][4] = {"the", " mo", "du",  "le ", "sen", "sor", "ti", "on ",
                                          "an",  "oth", "er ", "mig", "ra",  "te ", "a",  " "};
    uint32_t at = 0;

    while (at < TEXT_SIZE) {
        const char *syllable = syllables[random_next(&seed) >> 28];

        for (uint32_t i = 0; i < 4 && syllable[i] != 0 && at < TEXT_SIZE; i++)
            text[at++] = (uint8_t)syllable[i];
    }
}

static uint32_t text_length(const char *word)
{
    uint32_t length = 0;

    while (word[length] != 0)
        length++;
    return length;
}

static KERNEL_NOINLINE uint32_t find_all(const char *word, uint64_t *sum)
{
    uint32_t length = text_length(word), count = 0, at = 0;

    for (uint32_t i = 0; i < 256; i++)
        skip[i] = (uint8_t)length;
    for (uint32_t i = 0; i + 1 < length; i++)
        skip[(uint8_t)word[i]] = (uint8_t)(length - 1 - i);
    while (at + length <= TEXT_SIZE) {
        uint32_t i = length;

        while (i > 0 && text[at + i - 1] == (uint8_t)word[i - 1])
            i--;
        if (i == 0) {
            count++;
            *sum = checksum_add(*sum, at);
        }
        at += skip[text[at + length - 1]];
    }
    return count;
}

uint64_t run(uint32_t n)
{
    uint64_t sum = 0;

    text_make(4711);
    for (uint32_t round = 0; round < n; round++) {
        uint32_t count = find_all(words[round % WORDS], &sum);

        sum = checksum_add(sum, count);
    }
    return sum;
}
