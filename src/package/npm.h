/* npm's registries: configuration, versions, packuments, tarballs. Pure but for the configuration;
 * any thread. */
#ifndef ISO_PACKAGE_NPM_H
#define ISO_PACKAGE_NPM_H

#include "package/sources.h"

/* ---- Ranges (npm_range.c; https://github.com/npm/node-semver, "Ranges") ------------------------
 */

enum iso_npm_op { ISO_NPM_LT, ISO_NPM_LE, ISO_NPM_GT, ISO_NPM_GE, ISO_NPM_EQ };

struct iso_npm_comparator {
    enum iso_npm_op op;
    struct iso_semver version;
    unsigned set; /* which of the alternatives it belongs to */
};

enum { ISO_NPM_RANGE_MAX = 32 };

struct iso_npm_range {
    struct iso_npm_comparator comparators[ISO_NPM_RANGE_MAX];
    size_t count;
    unsigned sets; /* an alternative without comparators holds for every release */
};

/* The text must outlive the range. Errors: MALFORMED, LIMIT. */
ISO_MUST_CHECK enum iso_err iso_npm_range_parse(struct iso_str text, struct iso_npm_range *out);
bool iso_npm_range_holds(const struct iso_npm_range *range, const struct iso_semver *version);

/* ---- Packuments (npm_packument.c) --------------------------------------------------------------
 */

enum { ISO_NPM_INTEGRITY_MAX = 1024 };

struct iso_npm_choice {
    char version[256];
    char tarball[URL_SIZE];
    char integrity[ISO_NPM_INTEGRITY_MAX]; /* empty: none */
    char shasum[41];                       /* likewise */
};

/* Which version of a package is meant by wanted: exact, a range, or a tag; empty: latest. json:
 * what the registry says of the package, whole or abbreviated. Errors: MALFORMED, NOT_FOUND,
 * INVALID (nothing to check the tarball by). */
ISO_MUST_CHECK enum iso_err iso_npm_choose(struct iso_bytes json, struct iso_str name,
                                           struct iso_str wanted, struct iso_npm_choice *out,
                                           struct iso_report *report);

/* Whether bytes are those that the choice means: the strongest digest of integrity, and only
 * without any the SHA-1 of shasum. Errors: INVALID, UNSUPPORTED (no known digest). */
ISO_MUST_CHECK enum iso_err iso_npm_check(struct iso_bytes bytes,
                                          const struct iso_npm_choice *choice,
                                          struct iso_report *report);

/* ---- Tarballs (npm_tarball.c) ------------------------------------------------------------------
 */

/*
 * Takes one module and what is beside it out of a package's tarball, in memory: path without the
 * first folder ("package/"), .wit and .minisig beside it, package.json. Links are refused, and
 * everything is bounded. Errors: MALFORMED (no such archive), NOT_FOUND (path is not in it; the
 * report names modules that are), INVALID (a link, twice, no module), LIMIT, NOMEM.
 */
ISO_MUST_CHECK enum iso_err iso_npm_unpack(struct iso_bytes tarball, struct iso_str path,
                                           uint64_t max_bytes, struct iso_package *package,
                                           struct iso_report *report);

/* ---- Configuration (npm_config.c; npm's documentation, "npmrc" and "config") -------------------
 */

struct iso_npm_setting {
    const char *key;
    const char *value;
};

enum { ISO_NPM_SETTINGS_MAX = 1024 };

struct iso_npm_config {
    struct iso_npm_setting settings[ISO_NPM_SETTINGS_MAX]; /* the first of a key counts */
    size_t count;
    struct iso_arena arena;
};

/* Appends what a text of npm's ini form says. Errors: LIMIT, NOMEM. */
ISO_MUST_CHECK enum iso_err iso_npm_config_read(struct iso_npm_config *config, struct iso_str text);
/* Environment, DIR/.npmrc, ~/.npmrc, PREFIX/etc/npmrc, /etc/npmrc. project_dir: "" for none.
 * Blocks. Errors: those of reading files that are there, LIMIT, NOMEM. */
ISO_MUST_CHECK enum iso_err iso_npm_config_load(struct iso_npm_config *config,
                                                const char *project_dir, struct iso_report *report);
void iso_npm_config_init(struct iso_npm_config *config);
void iso_npm_config_fini(struct iso_npm_config *config);
/* NULL: not set. */
const char *iso_npm_config_get(const struct iso_npm_config *config, const char *key);
/* The registry of a package, with a slash at its end. Errors: ARGUMENT (not http or https). */
ISO_MUST_CHECK enum iso_err iso_npm_config_registry(const struct iso_npm_config *config,
                                                    struct iso_str name, char out[URL_SIZE],
                                                    struct iso_report *report);
enum { ISO_NPM_AUTH_SIZE = 4096 };
/* "Authorization: ..." for an address, or "". Errors: ARGUMENT (it names a variable of the
 * environment that is not set), LIMIT. */
ISO_MUST_CHECK enum iso_err iso_npm_config_auth(const struct iso_npm_config *config,
                                                const char *url, char out[ISO_NPM_AUTH_SIZE],
                                                struct iso_report *report);

#endif
