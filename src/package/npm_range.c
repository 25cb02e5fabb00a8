/*
 * Ranges of versions as npm has them (https://github.com/npm/node-semver, "Ranges" and "Range
 * Grammar"): alternatives with "||", comparators with blanks, "A - B", "^", "~", "x" and "*".
 *
 * Every form becomes comparators. An upper bound that stands for "below the next" carries the
 * lowest pre-release ("<2.0.0-0"), so that 2.0.0-alpha is not below it.
 */
#include "package/npm.h"

#define NUMBER_MAX (UINT64_C(1) << 53)

struct partial {
    struct iso_semver version; /* what is missing is 0 */
    unsigned parts;            /* 0 to 3 */
};

struct reader {
    const char *at, *end;
    struct iso_npm_range *range;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void skip_blanks(struct reader *reader)
{
    while (reader->at != reader->end && (*reader->at == ' ' || *reader->at == '\t')) {
        reader->at++;
    }
}

static bool take(struct reader *reader, const char *text)
{
    const size_t len = strlen(text);
    if ((size_t)(reader->end - reader->at) < len || memcmp(reader->at, text, len) != 0) {
        return false;
    }
    reader->at += len;
    return true;
}

static bool take_wildcard(struct reader *reader)
{
    return take(reader, "x") || take(reader, "X") || take(reader, "*");
}

static bool take_number(struct reader *reader, uint64_t *out)
{
    uint64_t value = 0;
    const char *start = reader->at;
    for (; reader->at != reader->end && is_digit(*reader->at); reader->at++) {
        value = value * 10 + (uint64_t)(*reader->at - '0');
        if (value >= NUMBER_MAX) {
            return false;
        }
    }
    *out = value;
    return reader->at != start;
}

/* What follows '-' or '+': words with dots. */
static struct iso_str take_words(struct reader *reader)
{
    const char *start = reader->at;
    while (reader->at != reader->end &&
           (is_digit(*reader->at) || (*reader->at >= 'a' && *reader->at <= 'z') ||
            (*reader->at >= 'A' && *reader->at <= 'Z') || *reader->at == '-' ||
            *reader->at == '.')) {
        reader->at++;
    }
    return iso_str_from(start, (size_t)(reader->at - start));
}

/* "1", "1.2", "1.2.3-rc.1", "1.x", "*", "". False: something else stands there. */
static bool take_partial(struct reader *reader, struct partial *out)
{
    uint64_t numbers[3] = {0, 0, 0};
    bool open = false; /* a wildcard was there: what follows must be one */
    *out = (struct partial){.parts = 0};
    (void)(take(reader, "v") || take(reader, "="));
    for (unsigned i = 0; i < 3; i++) {
        if (i != 0 && !take(reader, ".")) {
            break;
        }
        if (take_wildcard(reader)) {
            open = true;
        } else if (!take_number(reader, &numbers[i])) {
            return i == 0 && reader->at == reader->end;
        } else if (open) {
            numbers[i] = 0;
        } else {
            out->parts = i + 1;
        }
    }
    out->version.major = numbers[0];
    out->version.minor = numbers[1];
    out->version.patch = numbers[2];
    if (out->parts == 3 && take(reader, "-")) {
        out->version.pre = take_words(reader);
        if (out->version.pre.len == 0) {
            return false;
        }
    }
    if (take(reader, "+")) {
        (void)take_words(reader);
    }
    return true;
}

/* ---- Comparators -------------------------------------------------------------------------------
 */

static bool add(struct reader *reader, enum iso_npm_op op, struct iso_semver version)
{
    struct iso_npm_range *range = reader->range;
    if (range->count == ISO_NPM_RANGE_MAX) {
        return false;
    }
    range->comparators[range->count++] =
        (struct iso_npm_comparator){.op = op, .version = version, .set = range->sets - 1};
    return true;
}

/* The version after all that agree with v in the first `parts` numbers; with the lowest pre-release
 * where it is an upper bound. */
static struct iso_semver next(struct iso_semver v, unsigned parts, bool lowest)
{
    struct iso_semver out = {.major = v.major + (parts == 1 ? 1 : 0)};
    if (parts >= 2) {
        out.minor = v.minor + (parts == 2 ? 1 : 0);
    }
    if (parts >= 3) {
        out.patch = v.patch + 1;
    }
    if (lowest) {
        out.pre = iso_str_from_z("0");
    }
    return out;
}

/* Nothing is below this. */
static bool add_never(struct reader *reader)
{
    const struct iso_semver first = {.pre = {"0", 1}};
    return add(reader, ISO_NPM_LT, first);
}

static bool add_caret(struct reader *reader, const struct partial *p)
{
    const struct iso_semver v = p->version;
    if (p->parts == 0) {
        return true;
    }
    const unsigned fixed = v.major != 0 || p->parts == 1   ? 1
                           : v.minor != 0 || p->parts == 2 ? 2
                                                           : 3;
    return add(reader, ISO_NPM_GE, v) && add(reader, ISO_NPM_LT, next(v, fixed, true));
}

static bool add_tilde(struct reader *reader, const struct partial *p)
{
    if (p->parts == 0) {
        return true;
    }
    return add(reader, ISO_NPM_GE, p->version) &&
           add(reader, ISO_NPM_LT, next(p->version, p->parts == 1 ? 1 : 2, true));
}

static bool add_equal(struct reader *reader, const struct partial *p)
{
    if (p->parts == 3) {
        return add(reader, ISO_NPM_EQ, p->version);
    }
    return p->parts == 0 || (add(reader, ISO_NPM_GE, p->version) &&
                             add(reader, ISO_NPM_LT, next(p->version, p->parts, true)));
}

static bool add_greater(struct reader *reader, const struct partial *p)
{
    return p->parts == 0   ? add_never(reader)
           : p->parts == 3 ? add(reader, ISO_NPM_GT, p->version)
                           : add(reader, ISO_NPM_GE, next(p->version, p->parts, false));
}

static bool add_less(struct reader *reader, const struct partial *p)
{
    struct iso_semver v = p->version;
    if (p->parts == 0) {
        return add_never(reader);
    }
    if (p->parts < 3) {
        v.pre = iso_str_from_z("0");
    }
    return add(reader, ISO_NPM_LT, v);
}

static bool add_at_most(struct reader *reader, const struct partial *p)
{
    return p->parts == 0   ? true
           : p->parts == 3 ? add(reader, ISO_NPM_LE, p->version)
                           : add(reader, ISO_NPM_LT, next(p->version, p->parts, true));
}

static bool add_at_least(struct reader *reader, const struct partial *p)
{
    return p->parts == 0 || add(reader, ISO_NPM_GE, p->version);
}

/* ---- Parsing -----------------------------------------------------------------------------------
 */

static bool take_comparator(struct reader *reader)
{
    static const struct {
        const char *text;
        bool (*add)(struct reader *reader, const struct partial *p);
    } operators[] = {{"^", add_caret},     {"~>", add_tilde},  {"~", add_tilde},
                     {">=", add_at_least}, {">", add_greater}, {"<=", add_at_most},
                     {"<", add_less},      {"=", add_equal},   {"", add_equal}};
    struct partial partial;
    size_t i = 0;
    while (!take(reader, operators[i].text)) {
        i++;
    }
    skip_blanks(reader);
    return take_partial(reader, &partial) && operators[i].add(reader, &partial);
}

/* "A - B". False: it is none; then nothing was taken. */
static bool take_hyphen(struct reader *reader, bool *good)
{
    const char *start = reader->at;
    struct partial low, high;
    const bool has = take_partial(reader, &low) && take(reader, " ");
    skip_blanks(reader);
    if (!has || !take(reader, "- ")) {
        reader->at = start;
        return false;
    }
    skip_blanks(reader);
    *good = take_partial(reader, &high) && add_at_least(reader, &low) && add_at_most(reader, &high);
    return true;
}

static bool parse_set(struct reader *reader)
{
    bool good = true;
    skip_blanks(reader);
    if (reader->at != reader->end && take_hyphen(reader, &good)) {
        skip_blanks(reader);
        return good && reader->at == reader->end;
    }
    while (good && reader->at != reader->end) {
        const char *start = reader->at;
        good = take_comparator(reader) && reader->at != start &&
               (reader->at == reader->end || strchr(" \t<>=~^", *reader->at) != NULL);
        skip_blanks(reader);
    }
    return good;
}

enum iso_err iso_npm_range_parse(struct iso_str text, struct iso_npm_range *out)
{
    const char *at = text.ptr;
    const char *end = text.ptr + text.len;
    *out = (struct iso_npm_range){.sets = 0};
    for (;;) {
        const char *bar = at;
        while (end - bar >= 2 && memcmp(bar, "||", 2) != 0) {
            bar++;
        }
        const bool last = end - bar < 2;
        struct reader reader = {.at = at, .end = last ? end : bar, .range = out};
        out->sets++;
        if (out->sets > ISO_NPM_RANGE_MAX || !parse_set(&reader)) {
            return ISO_E_MALFORMED;
        }
        if (last) {
            return ISO_OK;
        }
        at = bar + 2;
    }
}

/* ---- Testing -----------------------------------------------------------------------------------
 */

static bool holds(const struct iso_npm_comparator *comparator, const struct iso_semver *version)
{
    const int order = iso_semver_compare(version, &comparator->version);
    switch (comparator->op) {
    case ISO_NPM_LT:
        return order < 0;
    case ISO_NPM_LE:
        return order <= 0;
    case ISO_NPM_GT:
        return order > 0;
    case ISO_NPM_GE:
        return order >= 0;
    default:
        return order == 0;
    }
}

/* A pre-release serves only who named one of the same three numbers. */
static bool set_holds(const struct iso_npm_range *range, unsigned set,
                      const struct iso_semver *version)
{
    bool named = version->pre.len == 0;
    for (size_t i = 0; i < range->count; i++) {
        const struct iso_npm_comparator *comparator = &range->comparators[i];
        if (comparator->set != set) {
            continue;
        }
        if (!holds(comparator, version)) {
            return false;
        }
        const struct iso_semver *other = &comparator->version;
        named = named || (other->pre.len != 0 && other->major == version->major &&
                          other->minor == version->minor && other->patch == version->patch);
    }
    return named;
}

bool iso_npm_range_holds(const struct iso_npm_range *range, const struct iso_semver *version)
{
    for (unsigned set = 0; set < range->sets; set++) {
        if (set_holds(range, set, version)) {
            return true;
        }
    }
    return false;
}
