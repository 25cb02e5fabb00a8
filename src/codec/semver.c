/* Semantic versions 2.0.0: the grammar at the end of the document, precedence of section 11. */
#include "codec/semver.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
}

struct reader {
    struct iso_str text;
    size_t at;
    struct iso_report *report;
};

/* The text itself is shown only where it can do no harm to a line. */
static enum iso_err malformed(struct reader *reader, const char *expected)
{
    return iso_fail_at(reader->report, ISO_E_MALFORMED, reader->at,
                       "version: expected %s at character %zu, as in 1.2.3 or 1.2.3-rc.1", expected,
                       reader->at + 1);
}

static bool take(struct reader *reader, char c)
{
    if (reader->at < reader->text.len && reader->text.ptr[reader->at] == c) {
        reader->at++;
        return true;
    }
    return false;
}

static enum iso_err read_number(struct reader *reader, uint64_t *out)
{
    struct iso_str text = reader->text;
    size_t start = reader->at;
    uint64_t value = 0;
    for (; reader->at < text.len && is_digit(text.ptr[reader->at]); reader->at++) {
        uint64_t digit = (uint64_t)(text.ptr[reader->at] - '0');
        if (value > (UINT64_MAX - digit) / 10) {
            return iso_fail_at(reader->report, ISO_E_LIMIT, start,
                               "version: the number at character %zu is too large", start + 1);
        }
        value = value * 10 + digit;
    }
    if (reader->at == start) {
        return malformed(reader, "a number");
    }
    if (text.ptr[start] == '0' && reader->at > start + 1) {
        reader->at = start;
        return malformed(reader, "a number without leading zeros");
    }
    *out = value;
    return ISO_OK;
}

/* Identifiers with dots between them. Those of `pre` that are numbers have no leading zeros. */
static enum iso_err read_identifiers(struct reader *reader, bool is_pre, struct iso_str *out)
{
    struct iso_str text = reader->text;
    size_t start = reader->at;
    do {
        size_t word = reader->at;
        bool numeric = true;
        for (; reader->at < text.len && is_word(text.ptr[reader->at]); reader->at++) {
            numeric = numeric && is_digit(text.ptr[reader->at]);
        }
        if (reader->at == word) {
            return malformed(reader, "letters, digits or hyphens");
        }
        if (is_pre && numeric && text.ptr[word] == '0' && reader->at > word + 1) {
            reader->at = word;
            return malformed(reader, "a number without leading zeros");
        }
    } while (take(reader, '.'));
    *out = iso_str_from(text.ptr + start, reader->at - start);
    return ISO_OK;
}

enum iso_err iso_semver_parse(struct iso_str text, struct iso_semver *out,
                              struct iso_report *report)
{
    struct reader reader = {.text = text, .report = report};
    struct iso_semver version = {.major = 0};
    uint64_t *const numbers[] = {&version.major, &version.minor, &version.patch};
    enum iso_err err = ISO_OK;

    for (size_t i = 0; i < ISO_COUNT_OF(numbers); i++) {
        if (i != 0 && !take(&reader, '.')) {
            return malformed(&reader, "a dot");
        }
        err = read_number(&reader, numbers[i]);
        if (err != ISO_OK) {
            return err;
        }
    }
    if (take(&reader, '-')) {
        err = read_identifiers(&reader, true, &version.pre);
    }
    if (err == ISO_OK && take(&reader, '+')) {
        err = read_identifiers(&reader, false, &version.build);
    }
    if (err == ISO_OK && reader.at != text.len) {
        err = malformed(&reader, "the end");
    }
    if (err == ISO_OK) {
        *out = version;
    }
    return err;
}

static int compare_u64(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

/* Cuts the first identifier off. */
static struct iso_str next_identifier(struct iso_str *rest)
{
    size_t len = 0;
    while (len < rest->len && rest->ptr[len] != '.') {
        len++;
    }
    struct iso_str word = iso_str_from(rest->ptr, len);
    size_t used = len < rest->len ? len + 1 : len;
    *rest = iso_str_from(rest->ptr + used, rest->len - used);
    return word;
}

static bool is_numeric(struct iso_str word)
{
    for (size_t i = 0; i < word.len; i++) {
        if (!is_digit(word.ptr[i])) {
            return false;
        }
    }
    return true;
}

static int compare_identifiers(struct iso_str a, struct iso_str b)
{
    bool a_numeric = is_numeric(a), b_numeric = is_numeric(b);
    if (a_numeric != b_numeric) {
        return a_numeric ? -1 : 1;
    }
    /* Numbers have no leading zeros: the longer one is the greater, whatever its size. */
    if (a_numeric && a.len != b.len) {
        return compare_u64(a.len, b.len);
    }
    int order = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);
    return order != 0 ? order : compare_u64(a.len, b.len);
}

static int compare_pre(struct iso_str a, struct iso_str b)
{
    if (a.len == 0 || b.len == 0) {
        return compare_u64(b.len != 0, a.len != 0);
    }
    while (a.len != 0 && b.len != 0) {
        struct iso_str a_word = next_identifier(&a);
        struct iso_str b_word = next_identifier(&b);
        int order = compare_identifiers(a_word, b_word);
        if (order != 0) {
            return order;
        }
    }
    return compare_u64(a.len != 0, b.len != 0);
}

static bool same_release(const struct iso_semver *a, const struct iso_semver *b)
{
    return a->major == b->major && a->minor == b->minor && a->patch == b->patch;
}

int iso_semver_compare(const struct iso_semver *a, const struct iso_semver *b)
{
    if (a->major != b->major) {
        return compare_u64(a->major, b->major);
    }
    if (a->minor != b->minor) {
        return compare_u64(a->minor, b->minor);
    }
    if (a->patch != b->patch) {
        return compare_u64(a->patch, b->patch);
    }
    return compare_pre(a->pre, b->pre);
}

bool iso_semver_compatible(const struct iso_semver *wanted, const struct iso_semver *offered)
{
    if (iso_semver_compare(offered, wanted) < 0) {
        return false;
    }
    if (offered->pre.len != 0) {
        return wanted->pre.len != 0 && same_release(wanted, offered);
    }
    if (wanted->major != 0 || offered->major != 0) {
        return wanted->major == offered->major;
    }
    if (wanted->minor != 0 || offered->minor != 0) {
        return wanted->minor == offered->minor;
    }
    return wanted->patch == offered->patch;
}
