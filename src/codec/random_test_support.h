/*
 * random_test_support.h - for tests: random types and values. The same seed gives the same on every
 * host. Values lean towards the borders: lowest and highest numbers, not-a-number, minus zero,
 * empty strings and lists, characters of every length.
 */
#ifndef ISO_CODEC_RANDOM_TEST_SUPPORT_H
#define ISO_CODEC_RANDOM_TEST_SUPPORT_H

#include "codec/value.h"

struct iso_random {
    uint64_t state;
    uint32_t names; /* named types made so far: each has a name of its own ("t7") */
};

void iso_random_init(struct iso_random *random, uint64_t seed);
uint64_t iso_random_u64(struct iso_random *random);
/* Below `limit`, which is not 0. */
uint32_t iso_random_below(struct iso_random *random, uint32_t limit);

/* A finished type of at most `depth` levels (1: a primitive, enum or flags) in the arena. NULL when
 * memory is short. Records, variants, enums and flags have names, of members too, that are in no
 * language a word of its own. */
const struct iso_vtype *iso_random_type(struct iso_random *random, struct iso_arena *arena,
                                        unsigned depth);
/* A value of the type in the arena; some hundred parts at most. Errors: ISO_E_NOMEM. */
ISO_MUST_CHECK enum iso_err iso_random_value(struct iso_random *random,
                                             const struct iso_vtype *type, struct iso_arena *arena,
                                             struct iso_value *out);

#endif
