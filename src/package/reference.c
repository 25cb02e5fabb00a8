/*
 * References: the texts by which manifests and commands name modules.
 *
 *     file:PATH
 *     https://HOST/PATH#sha256:HEX
 *     npm:NAME[@VERSION]/PATH          as npm names packages, scoped ones with "@scope/"
 *     oci:ALIAS/NAME:TAG               https://github.com/opencontainers/distribution-spec, "pull"
 *     oci:ALIAS/NAME[:TAG]@sha256:HEX
 *     NAME[@VERSION]                   in the orchestrator's own store
 */
#include "package/package.h"

#include "codec/codec.h"

#define EXAMPLE_NPM "npm:@jsquash/resize@2.1.1/lib/resize/pkg/squoosh_resize_bg.wasm"
#define EXAMPLE_OCI "oci:lab/screen:1.0"
#define EXAMPLE_HTTPS "https://example.org/a.wasm#sha256:0123... (64 digits)"

enum { NPM_NAME_MAX = 214, NPM_VERSION_MAX = 128, OCI_NAME_MAX = 255, OCI_TAG_MAX = 128 };

static const struct {
    const char *prefix;
    const char *name;
} kinds[] = {
    [ISO_REFERENCE_FILE] = {"file:", "file"}, [ISO_REFERENCE_HTTPS] = {"https:", "https"},
    [ISO_REFERENCE_NPM] = {"npm:", "npm"},    [ISO_REFERENCE_OCI] = {"oci:", "oci"},
    [ISO_REFERENCE_STORE] = {"", "store"},
};

const char *iso_reference_kind_name(enum iso_reference_kind kind)
{
    return kinds[kind].name;
}

/* ---- Texts -------------------------------------------------------------------------------------
 */

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alphanumeric(char c)
{
    return is_lower(c) || (c >= 'A' && c <= 'Z') || is_digit(c);
}

static bool starts_with(struct iso_str text, const char *prefix)
{
    const size_t len = strlen(prefix);
    return text.len >= len && memcmp(text.ptr, prefix, len) == 0;
}

static bool ends_with(struct iso_str text, const char *suffix)
{
    const size_t len = strlen(suffix);
    return text.len >= len && memcmp(text.ptr + text.len - len, suffix, len) == 0;
}

static struct iso_str from(struct iso_str text, size_t start)
{
    return iso_str_from(text.ptr + start, text.len - start);
}

/* Where the first c is; text.len when there is none. */
static size_t find(struct iso_str text, char c)
{
    const char *at = text.len != 0 ? memchr(text.ptr, c, text.len) : NULL;
    return at != NULL ? (size_t)(at - text.ptr) : text.len;
}

static bool all(struct iso_str text, const char *besides)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!is_alphanumeric(text.ptr[i]) && strchr(besides, text.ptr[i]) == NULL) {
            return false;
        }
    }
    return text.len != 0;
}

bool iso_reference_is_name(struct iso_str name)
{
    if (name.len == 0 || name.len > 64 || !is_lower(name.ptr[0])) {
        return false;
    }
    for (size_t i = 0; i < name.len; i++) {
        if (!is_lower(name.ptr[i]) && !is_digit(name.ptr[i]) &&
            strchr("-._", name.ptr[i]) == NULL) {
            return false;
        }
    }
    return true;
}

/* Segments that are not empty, "." or "..". */
static bool is_inner_path(struct iso_str path)
{
    while (path.len != 0) {
        const size_t len = find(path, '/');
        const struct iso_str segment = iso_str_from(path.ptr, len);
        if (len == 0 || iso_str_equal_z(segment, ".") || iso_str_equal_z(segment, "..") ||
            len + 1 == path.len || find(segment, '\\') != segment.len) {
            return false;
        }
        path = len < path.len ? from(path, len + 1) : from(path, len);
    }
    return true;
}

/* ---- Kinds -------------------------------------------------------------------------------------
 */

/* Each gets the text behind the prefix (https: all of it). */
static enum iso_err parse_file(struct iso_str text, struct iso_reference *out,
                               struct iso_report *report)
{
    out->path = text;
    if (text.len == 0) {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "file: needs a path: a folder or a .wasm file, as file:camera");
    }
    if (starts_with(text, "//")) {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "file:%.*s: write the path without \"//\" before it, as file:/srv/a.wasm",
                        (int)text.len, text.ptr);
    }
    return ISO_OK;
}

static enum iso_err parse_https(struct iso_str text, struct iso_reference *out,
                                struct iso_report *report)
{
    const size_t hash = find(text, '#');
    const struct iso_str url = iso_str_from(text.ptr, hash);
    if (!starts_with(url, "https://") || url.len == 8 || url.ptr[8] == '/' ||
        find(from(url, 8), '/') == url.len - 8) {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "'%.*s' has no host or no path: write " EXAMPLE_HTTPS, (int)text.len,
                        text.ptr);
    }
    const struct iso_str host = iso_str_from(url.ptr + 8, find(from(url, 8), '/'));
    if (find(host, '@') != host.len) {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "'%.*s': a user or password in the address is not taken", (int)text.len,
                        text.ptr);
    }
    if (hash == text.len) {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "'%.*s' has no digest: add #sha256: and what 'sha256sum' says of the file",
                        (int)text.len, text.ptr);
    }
    out->url = url;
    out->has_digest = true;
    if (iso_digest_parse(from(text, hash + 1), out->digest, NULL) != ISO_OK) {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "'%.*s' is not a digest: write #sha256: and 64 hexadecimal digits (small "
                        "letters)",
                        (int)(text.len - hash), text.ptr + hash);
    }
    return ISO_OK;
}

static bool is_npm_part(struct iso_str part)
{
    return all(part, "-._~") && part.ptr[0] != '.' && part.ptr[0] != '_';
}

/* The length of the package's name; 0 when it is none. */
static size_t npm_name_len(struct iso_str text)
{
    size_t start = 0;
    if (text.len != 0 && text.ptr[0] == '@') {
        start = find(text, '/') + 1;
        if (start > text.len || !is_npm_part(iso_str_from(text.ptr + 1, start - 2))) {
            return 0;
        }
    }
    struct iso_str rest = from(text, start);
    size_t len = find(rest, '/');
    const size_t at = find(rest, '@');
    len = at < len ? at : len;
    return len != 0 && start + len <= NPM_NAME_MAX && is_npm_part(iso_str_from(rest.ptr, len))
               ? start + len
               : 0;
}

static enum iso_err parse_npm(struct iso_str text, struct iso_reference *out,
                              struct iso_report *report)
{
    const size_t name_len = npm_name_len(text);
    if (name_len == 0) {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "npm:%.*s does not begin with the name of a package: write for "
                        "example " EXAMPLE_NPM,
                        (int)text.len, text.ptr);
    }
    out->name = iso_str_from(text.ptr, name_len);
    struct iso_str rest = from(text, name_len);
    if (rest.len != 0 && rest.ptr[0] == '@') {
        rest = from(rest, 1);
        out->version = iso_str_from(rest.ptr, find(rest, '/'));
        if (out->version.len > NPM_VERSION_MAX || !all(out->version, ".+-~^<>=*| ")) {
            return iso_fail(report, ISO_E_ARGUMENT,
                            "npm:%.*s: '%.*s' is not a version, range or tag, as 2.1.1, ^2.1 or "
                            "latest",
                            (int)text.len, text.ptr, (int)out->version.len, out->version.ptr);
        }
        rest = from(rest, out->version.len);
    }
    out->path = rest.len != 0 ? from(rest, 1) : rest;
    if (!ends_with(out->path, ".wasm") || !is_inner_path(out->path)) {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "npm:%.*s does not say which file of the package: add its path, as "
                        "in " EXAMPLE_NPM,
                        (int)text.len, text.ptr);
    }
    return ISO_OK;
}

/* Small letters and digits, between them ".", "_", "__" or any number of "-"; such parts with "/"
 * between them. */
static bool is_oci_name(struct iso_str name)
{
    for (size_t i = 0; i < name.len; i++) {
        const char c = name.ptr[i];
        const bool word = is_lower(c) || is_digit(c);
        const bool edge =
            i == 0 || i + 1 == name.len || name.ptr[i - 1] == '/' || name.ptr[i + 1] == '/';
        if (!word && (edge || strchr("._-/", c) == NULL ||
                      (strchr("./", c) != NULL && strchr("._-", name.ptr[i - 1]) != NULL))) {
            return false;
        }
    }
    return name.len != 0 && name.len <= OCI_NAME_MAX;
}

static enum iso_err parse_oci(struct iso_str text, struct iso_reference *out,
                              struct iso_report *report)
{
    const size_t slash = find(text, '/');
    const size_t at = find(text, '@');
    out->alias = iso_str_from(text.ptr, slash);
    if (slash >= at || slash == text.len || !iso_reference_is_name(out->alias)) {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "oci:%.*s does not begin with the alias of a registry: write for "
                        "example " EXAMPLE_OCI,
                        (int)text.len, text.ptr);
    }
    if (at != text.len) {
        out->has_digest = true;
        if (iso_digest_parse(from(text, at + 1), out->digest, NULL) != ISO_OK) {
            return iso_fail(report, ISO_E_ARGUMENT,
                            "oci:%.*s: behind '@' stands sha256: and 64 hexadecimal digits (small "
                            "letters)",
                            (int)text.len, text.ptr);
        }
    }
    const struct iso_str rest = iso_str_from(text.ptr + slash + 1, at - slash - 1);
    const size_t colon = find(rest, ':');
    out->name = iso_str_from(rest.ptr, colon);
    out->version = colon != rest.len ? from(rest, colon + 1) : from(rest, colon);
    if (!is_oci_name(out->name)) {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "oci:%.*s: '%.*s' is not the name of a repository: small letters, digits, "
                        "and between them '.', '_', '-' or '/'",
                        (int)text.len, text.ptr, (int)out->name.len, out->name.ptr);
    }
    if (colon == rest.len && at == text.len) {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "oci:%.*s does not say which one: add a tag, as " EXAMPLE_OCI
                        ", or @sha256: and a digest",
                        (int)text.len, text.ptr);
    }
    if (colon != rest.len && (out->version.len > OCI_TAG_MAX || !all(out->version, "._-") ||
                              strchr(".-", out->version.ptr[0]) != NULL)) {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "oci:%.*s: '%.*s' is not a tag: letters, digits, '.', '_' and '-'",
                        (int)text.len, text.ptr, (int)out->version.len, out->version.ptr);
    }
    return ISO_OK;
}

static enum iso_err parse_store(struct iso_str text, struct iso_reference *out,
                                struct iso_report *report)
{
    struct iso_semver version;
    const size_t at = find(text, '@');
    const size_t colon = find(text, ':');
    out->name = iso_str_from(text.ptr, at);
    if (colon != text.len) {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "'%.*s': modules are fetched with file:, https:, npm: and oci:; what is "
                        "in the orchestrator's store is named as NAME@VERSION",
                        (int)text.len, text.ptr);
    }
    if (find(text, '/') != text.len || ends_with(text, ".wasm")) {
        return iso_fail(report, ISO_E_ARGUMENT, "'%.*s' looks like a path: write file:%.*s",
                        (int)text.len, text.ptr, (int)text.len, text.ptr);
    }
    if (!iso_reference_is_name(out->name)) {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "'%.*s' is not the name of a package: small letters, digits, '-', '.' and "
                        "'_', a letter first, at most 64",
                        (int)out->name.len, out->name.ptr);
    }
    if (at == text.len) {
        return ISO_OK;
    }
    out->version = from(text, at + 1);
    if (iso_semver_parse(out->version, &version, NULL) != ISO_OK) {
        return iso_fail(report, ISO_E_ARGUMENT, "'%.*s': '%.*s' is not a version, as 1.0.0",
                        (int)text.len, text.ptr, (int)out->version.len, out->version.ptr);
    }
    return ISO_OK;
}

enum iso_err iso_reference_parse(struct iso_str text, struct iso_reference *out,
                                 struct iso_report *report)
{
    static enum iso_err (*const parsers[])(struct iso_str, struct iso_reference *,
                                           struct iso_report *) = {
        parse_file, parse_https, parse_npm, parse_oci, parse_store};
    struct iso_reference found = {.kind = ISO_REFERENCE_FILE};
    if (text.len == 0 || text.len > ISO_REFERENCE_MAX_BYTES) {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "a reference to a module has 1 to %u characters; write for "
                        "example " EXAMPLE_OCI,
                        ISO_REFERENCE_MAX_BYTES);
    }
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f) {
            return iso_fail(report, ISO_E_ARGUMENT,
                            "a reference to a module has no control characters");
        }
    }
    while (!starts_with(text, kinds[found.kind].prefix)) {
        found.kind++;
    }
    const size_t skip = found.kind == ISO_REFERENCE_HTTPS ? 0 : strlen(kinds[found.kind].prefix);
    enum iso_err err = parsers[found.kind](from(text, skip), &found, report);
    if (err == ISO_OK) {
        *out = found;
    }
    return err;
}

/* ---- Printing ----------------------------------------------------------------------------------
 */

static enum iso_err put(struct iso_buf *out, const char *before, struct iso_str text)
{
    enum iso_err err = iso_buf_append(out, before, strlen(before));
    return err != ISO_OK ? err : iso_buf_append(out, text.ptr, text.len);
}

static enum iso_err put_parts(const struct iso_reference *reference, struct iso_buf *out)
{
    const bool oci = reference->kind == ISO_REFERENCE_OCI;
    const struct {
        const char *before;
        struct iso_str text;
    } parts[] = {{"", reference->url},
                 {"", reference->alias},
                 {oci ? "/" : "", reference->name},
                 {oci ? ":" : "@", reference->version},
                 {reference->kind == ISO_REFERENCE_NPM ? "/" : "", reference->path}};
    enum iso_err err = ISO_OK;
    for (size_t i = 0; i < ISO_COUNT_OF(parts) && err == ISO_OK; i++) {
        if (parts[i].text.len != 0) {
            err = put(out, parts[i].before, parts[i].text);
        }
    }
    return err;
}

enum iso_err iso_reference_print(const struct iso_reference *reference, struct iso_buf *out)
{
    const size_t start = out->len;
    const bool https = reference->kind == ISO_REFERENCE_HTTPS;
    enum iso_err err = put(out, https ? "" : kinds[reference->kind].prefix, iso_str_from_z(""));
    err = err != ISO_OK ? err : put_parts(reference, out);
    if (err == ISO_OK && reference->has_digest) {
        char digest[ISO_DIGEST_TEXT_SIZE];
        iso_digest_text(reference->digest, digest);
        err = put(out, https ? "#" : "@", iso_str_from_z(digest));
    }
    if (err != ISO_OK) {
        out->len = start;
    }
    return err;
}

bool iso_reference_is_exact(const struct iso_reference *reference)
{
    struct iso_semver version;
    const bool numbered = iso_semver_parse(reference->version, &version, NULL) == ISO_OK;
    return reference->has_digest || (numbered && (reference->kind == ISO_REFERENCE_NPM ||
                                                  reference->kind == ISO_REFERENCE_STORE));
}
