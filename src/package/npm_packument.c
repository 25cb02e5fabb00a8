/* What a registry of npm says of a package
 * (https://github.com/npm/registry, docs/responses/package-metadata.md), and the integrity of its
 * tarballs (https://www.w3.org/TR/SRI, "integrity metadata"). */
#include "package/npm.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <jansson.h>

/* ---- Which version -----------------------------------------------------------------------------
 */

struct search {
    const json_t *versions;
    const struct iso_npm_range *range;
    const char *best; /* NULL: none yet */
    struct iso_semver best_version;
    bool best_deprecated;
};

static bool is_deprecated(const json_t *version)
{
    const json_t *text = json_object_get(version, "deprecated");
    return (json_is_string(text) && json_string_length(text) != 0) || json_is_true(text);
}

static void try_version(struct search *search, const char *text, const json_t *version)
{
    struct iso_semver parsed;
    if (iso_semver_parse(iso_str_from_z(text), &parsed, NULL) != ISO_OK ||
        !iso_npm_range_holds(search->range, &parsed)) {
        return;
    }
    const bool deprecated = is_deprecated(version);
    const bool better = search->best == NULL || (search->best_deprecated && !deprecated) ||
                        (search->best_deprecated == deprecated &&
                         iso_semver_compare(&parsed, &search->best_version) > 0);
    if (better) {
        search->best = text;
        search->best_version = parsed;
        search->best_deprecated = deprecated;
    }
}

/* "latest" when it serves, as npm does; else the highest that nobody warns of. */
static const char *find_in_range(const json_t *versions, const char *latest,
                                 const struct iso_npm_range *range)
{
    struct search search = {.versions = versions, .range = range};
    const char *text;
    json_t *version;
    const json_t *newest = latest != NULL ? json_object_get(versions, latest) : NULL;
    if (newest != NULL && !is_deprecated(newest)) {
        try_version(&search, latest, newest);
        if (search.best != NULL) {
            return search.best;
        }
    }
    json_object_foreach((json_t *)(uintptr_t)versions, text, version)
    {
        try_version(&search, text, version);
    }
    return search.best;
}

/* Views into the document; wanted is zero-terminated. NULL: there is none. */
static const char *find_version(const json_t *root, const char *wanted)
{
    const json_t *versions = json_object_get(root, "versions");
    const json_t *tags = json_object_get(root, "dist-tags");
    const char *latest = json_string_value(json_object_get(tags, "latest"));
    struct iso_npm_range range;
    struct iso_semver exact;
    if (wanted[0] == '\0') {
        return latest;
    }
    if (iso_semver_parse(iso_str_from_z(wanted), &exact, NULL) == ISO_OK) {
        return wanted;
    }
    if (iso_npm_range_parse(iso_str_from_z(wanted), &range) == ISO_OK) {
        return find_in_range(versions, latest, &range);
    }
    return json_string_value(json_object_get(tags, wanted));
}

static bool copy(const json_t *value, char *out, size_t size)
{
    const char *text = json_string_value(value);
    return text != NULL && iso_format(out, size, "%s", text) + 1 < size;
}

static enum iso_err read_dist(const json_t *version, struct iso_npm_choice *out,
                              struct iso_report *report)
{
    const json_t *dist = json_object_get(version, "dist");
    if (!copy(json_object_get(dist, "tarball"), out->tarball, sizeof out->tarball)) {
        return iso_fail(report, ISO_E_MALFORMED, "the registry does not say where its tarball is");
    }
    const bool integrity =
        copy(json_object_get(dist, "integrity"), out->integrity, sizeof out->integrity);
    const bool shasum = copy(json_object_get(dist, "shasum"), out->shasum, sizeof out->shasum);
    if (!integrity) { /* one that is too long is none */
        out->integrity[0] = '\0';
    }
    if (!shasum) {
        out->shasum[0] = '\0';
    }
    return integrity || shasum
               ? ISO_OK
               : iso_fail(report, ISO_E_INVALID,
                          "the registry gives no integrity, so its tarball cannot be checked");
}

static enum iso_err choose(const json_t *root, struct iso_str name, const char *wanted,
                           struct iso_npm_choice *out, struct iso_report *report)
{
    const json_t *versions = json_object_get(root, "versions");
    const char *latest =
        json_string_value(json_object_get(json_object_get(root, "dist-tags"), "latest"));
    const char *version = find_version(root, wanted);
    const json_t *found = version != NULL ? json_object_get(versions, version) : NULL;
    struct iso_semver parsed;
    if (!json_is_object(versions)) {
        return iso_fail(report, ISO_E_MALFORMED, "npm:%.*s: the registry lists no versions",
                        (int)name.len, name.ptr);
    }
    if (found == NULL || iso_semver_parse(iso_str_from_z(version), &parsed, NULL) != ISO_OK ||
        iso_format(out->version, sizeof out->version, "%s", version) + 1 >= sizeof out->version) {
        return iso_fail(report, ISO_E_NOT_FOUND,
                        "npm:%.*s has no version '%s'; the latest is %.64s", (int)name.len,
                        name.ptr, wanted[0] != '\0' ? wanted : "latest",
                        latest != NULL ? latest : "unknown");
    }
    return read_dist(found, out, report);
}

enum iso_err iso_npm_choose(struct iso_bytes json, struct iso_str name, struct iso_str wanted,
                            struct iso_npm_choice *out, struct iso_report *report)
{
    struct iso_npm_choice choice = {.version = ""};
    char text[160];
    json_t *root = json_loadb((const char *)json.ptr, json.len, 0, NULL);
    if (!json_is_object(root)) {
        json_decref(root);
        return iso_fail(report, ISO_E_MALFORMED,
                        "npm:%.*s: the registry's answer is no JSON document of a package",
                        (int)name.len, name.ptr);
    }
    enum iso_err err = ISO_E_NOT_FOUND;
    if (iso_format(text, sizeof text, "%.*s", (int)wanted.len, wanted.ptr) + 1 < sizeof text) {
        err = choose(root, name, text, &choice, report);
    }
    json_decref(root);
    if (err == ISO_OK) {
        *out = choice;
    }
    return err;
}

/* ---- Integrity ---------------------------------------------------------------------------------
 */

static const struct {
    const char *name;
    gnutls_digest_algorithm_t algorithm;
    size_t size;
} digests[] = {{"sha512-", GNUTLS_DIG_SHA512, 64},
               {"sha384-", GNUTLS_DIG_SHA384, 48},
               {"sha256-", GNUTLS_DIG_SHA256, 32},
               {"sha1-", GNUTLS_DIG_SHA1, 20}};

enum { SHA1_INDEX = 3 };

/* The token without its options; moves on. Empty at the end. */
static struct iso_str next_token(const char **at)
{
    *at += strspn(*at, " \t\r\n");
    const size_t len = strcspn(*at, " \t\r\n");
    const struct iso_str token = iso_str_from(*at, strcspn(*at, " \t\r\n?"));
    *at += len;
    return token;
}

/* Does any token of this digest fit? *there: there is one. */
static bool fits(struct iso_bytes bytes, const char *integrity, size_t index, bool *there)
{
    uint8_t found[64], wanted[64];
    const size_t prefix = strlen(digests[index].name), size = digests[index].size;
    bool good = false;
    *there = false;
    for (struct iso_str token = next_token(&integrity); token.len != 0;
         token = next_token(&integrity)) {
        size_t bad = 0;
        if (token.len <= prefix || memcmp(token.ptr, digests[index].name, prefix) != 0) {
            continue;
        }
        const struct iso_str base64 = iso_str_from(token.ptr + prefix, token.len - prefix);
        if (!*there &&
            gnutls_hash_fast(digests[index].algorithm, bytes.ptr, bytes.len, found) < 0) {
            return false;
        }
        *there = true;
        good =
            good || (base64.len == iso_base64_encoded_size(size) &&
                     iso_base64_decoded_size(base64) == size &&
                     iso_base64_decode(base64, wanted, &bad) && memcmp(found, wanted, size) == 0);
    }
    return good;
}

static enum iso_err mismatch(struct iso_report *report)
{
    return iso_fail(report, ISO_E_INVALID,
                    "the tarball is not the one that the registry describes: its integrity is "
                    "another one");
}

enum iso_err iso_npm_check(struct iso_bytes bytes, const struct iso_npm_choice *choice,
                           struct iso_report *report)
{
    bool there = false;
    for (size_t i = 0; i < ISO_COUNT_OF(digests); i++) {
        const bool good = fits(bytes, choice->integrity, i, &there);
        if (there) {
            return good ? ISO_OK : mismatch(report);
        }
    }
    if (choice->shasum[0] == '\0' || choice->integrity[0] != '\0') {
        return iso_fail(report, ISO_E_UNSUPPORTED,
                        "the integrity '%.100s' has no digest that is known", choice->integrity);
    }
    uint8_t found[20];
    char hex[41];
    if (gnutls_hash_fast(digests[SHA1_INDEX].algorithm, bytes.ptr, bytes.len, found) < 0) {
        return ISO_E_UNSUPPORTED;
    }
    iso_hex_encode(found, sizeof found, hex);
    return strcmp(hex, choice->shasum) == 0 ? ISO_OK : mismatch(report);
}
