/* random_test_support.h - for tests: xorshift64, the same numbers on every host. */
#ifndef ISO_BASE_RANDOM_TEST_SUPPORT_H
#define ISO_BASE_RANDOM_TEST_SUPPORT_H

#include <stdint.h>

#define ISO_TEST_RANDOM_START UINT64_C(88172645463325252)

/* The next number; *state begins with anything but 0. */
static inline uint64_t iso_test_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

#endif
