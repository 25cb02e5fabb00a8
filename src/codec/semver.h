/*
 * semver.h - semantic versions (https://semver.org, 2.0.0): what packages and interfaces carry.
 */
#ifndef ISO_CODEC_SEMVER_H
#define ISO_CODEC_SEMVER_H

#include "base/base.h"

/* "1.2.3-rc.1+build.5". The texts are borrowed from what was parsed; empty when there are none. */
struct iso_semver {
    uint64_t major;
    uint64_t minor;
    uint64_t patch;
    struct iso_str pre;   /* "rc.1" */
    struct iso_str build; /* "build.5" */
};

/* Strict: three numbers, no leading zeros, no leading "v". Errors: ISO_E_MALFORMED, ISO_E_LIMIT (a
 * number above UINT64_MAX). */
ISO_MUST_CHECK enum iso_err iso_semver_parse(struct iso_str text, struct iso_semver *out,
                                             struct iso_report *report);

/* Below, at or above 0 as `a` comes before, with or after `b` in precedence (section 11). Builds do
 * not count. */
int iso_semver_compare(const struct iso_semver *a, const struct iso_semver *b);

/* Can `offered` stand in where `wanted` was asked for? It must not be older, and must agree in the
 * first number that is not 0 (1.4.0 for 1.2.0; 0.2.5 for 0.2.1; of 0.0.x only the same). A version
 * before a release (with `pre`) serves only who asked for that release or one before it. */
bool iso_semver_compatible(const struct iso_semver *wanted, const struct iso_semver *offered);

#endif
