/* The text of a manifest: RFC 8259, read strictly and with places. One walker goes over the text;
 * what is done on the way (counting, comparing names, looking for a place) is a matter of its
 * hooks.
 */
#include "orchestrator/manifest_text.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/base.h"

struct walker {
    struct iso_str text;
    size_t at;
    size_t values;
    struct iso_or_path path; /* of the value being read; keys without quotes, with their escapes */
    /* After each value; NULL: nothing. False ends the walk. key: of a member, quotes included. */
    bool (*visit)(struct walker *walker, struct iso_or_span key, struct iso_or_span value);
    void *ctx;
    /* Only when the text is examined. */
    struct iso_or_mistakes *mistakes;
    struct iso_buf *keys; /* struct iso_or_span: of the objects that are open */
    bool nomem;
};

static bool read_value(struct walker *w, struct iso_or_span key);

/* ---- Mistakes -------------------------------------------------------------------------------- */

static void add(struct walker *w, struct iso_or_span span, const char *format, ...)
    ISO_PRINTF(3, 4);

static void add(struct walker *w, struct iso_or_span span, const char *format, ...)
{
    va_list args;
    if (w->mistakes == NULL) {
        return;
    }
    va_start(args, format);
    iso_or_mistakes_add(w->mistakes, w->text, span, &w->path, false, format, args);
    va_end(args);
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.' || c == '+';
}

/* The word or character at a place. */
static struct iso_or_span token_at(const struct walker *w, size_t at)
{
    struct iso_or_span span = {.offset = at, .len = 0};
    while (at + span.len < w->text.len && is_letter(w->text.ptr[at + span.len])) {
        span.len++;
    }
    if (span.len == 0 && at < w->text.len) {
        span.len = iso_utf8_char_size(w->text.ptr + at, w->text.len - at);
    }
    return span;
}

/* "found X; expected Y" about what stands here. Returns false. */
static bool unexpected(struct walker *w, const char *expected)
{
    char shown[ISO_QUOTE_SIZE];
    struct iso_or_span span = token_at(w, w->at);
    if (w->at >= w->text.len) {
        add(w, span, "found the end of the text; expected %s", expected);
    } else if (span.len == 0) {
        add(w, span, "found a byte that is not UTF-8; expected %s", expected);
    } else {
        const char c = w->text.ptr[w->at];
        const char *hint = c == '\''              ? " (JSON has double quotes only)"
                           : c == '/' || c == '#' ? " (JSON has no comments)"
                                                  : "";
        add(w, span, "found %s; expected %s%s",
            iso_quote(shown, iso_str_from(w->text.ptr + w->at, span.len)), expected, hint);
    }
    return false;
}

static bool too_much(struct walker *w, const char *what, int max)
{
    add(w, token_at(w, w->at), "found more than %d %s; expected at most that", max, what);
    return false;
}

/* ---- Tokens ---------------------------------------------------------------------------------- */

static char peek(const struct walker *w)
{
    return w->at < w->text.len ? w->text.ptr[w->at] : '\0';
}

static char skip_space(struct walker *w)
{
    while (w->at < w->text.len && strchr(" \t\r\n", w->text.ptr[w->at]) != NULL &&
           w->text.ptr[w->at] != '\0') {
        w->at++;
    }
    return peek(w);
}

/* Four hexadecimal digits; -1. */
static int read_code(const struct walker *w, size_t at)
{
    int code = 0;
    for (size_t i = at; i < at + 4; i++) {
        char c = i < w->text.len ? w->text.ptr[i] : '\0';
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0) {
            return -1;
        }
        code = code * 16 + digit;
    }
    return code;
}

/* At a backslash. */
static bool read_escape(struct walker *w)
{
    struct iso_or_span span = {.offset = w->at, .len = 2};
    char c = w->at + 1 < w->text.len ? w->text.ptr[w->at + 1] : '\0';
    if (c != 'u') {
        if (c == '\0' || strchr("\"\\/bfnrt", c) == NULL) {
            add(w, span,
                "found an escape that JSON does not have; expected one of \\\" \\\\ \\/ \\b "
                "\\f \\n \\r \\t \\uXXXX");
            return false;
        }
        w->at += 2;
        return true;
    }
    int code = read_code(w, w->at + 2);
    span.len = 6;
    w->at += 6;
    if (code >= 0xD800 && code < 0xDC00 && w->at + 1 < w->text.len && w->text.ptr[w->at] == '\\' &&
        w->text.ptr[w->at + 1] == 'u') {
        int low = read_code(w, w->at + 2);
        code = low >= 0xDC00 && low < 0xE000 ? 0x10000 : code;
        w->at += code == 0x10000 ? 6 : 0;
    }
    if (code <= 0 || (code >= 0xD800 && code < 0xE000)) {
        add(w, span,
            "found an escape that is no character; expected \\u and four hexadecimal "
            "digits, above 0000, a pair of them beyond FFFF");
        return false;
    }
    return true;
}

/* At a quote. */
static bool read_string(struct walker *w, struct iso_or_span *out)
{
    size_t start = w->at++;
    for (;;) {
        char c = peek(w);
        if (w->at >= w->text.len || c == '\n' || c == '\r') {
            struct iso_or_span span = {.offset = start, .len = w->at - start};
            add(w, span, "found the end of the %s in a string; expected '\"' before it",
                w->at >= w->text.len ? "text" : "line");
            return false;
        }
        if (c == '"') {
            break;
        }
        if (c == '\\') {
            if (!read_escape(w)) {
                return false;
            }
            continue;
        }
        size_t size = iso_utf8_char_size(w->text.ptr + w->at, w->text.len - w->at);
        if (size == 0 || (unsigned char)c < 0x20) {
            struct iso_or_span span = {.offset = w->at, .len = 1};
            add(w, span, "found a %s in a string; expected %s",
                size == 0 ? "byte that is not UTF-8" : "control character",
                size == 0 ? "text in UTF-8" : "an escape, such as \\t");
            return false;
        }
        w->at += size;
    }
    w->at++;
    *out = (struct iso_or_span){.offset = start, .len = w->at - start};
    return true;
}

static size_t skip_digits(struct walker *w)
{
    size_t start = w->at;
    while (peek(w) >= '0' && peek(w) <= '9') {
        w->at++;
    }
    return w->at - start;
}

/* Whether jansson can hold it: 64 bits. */
static bool fits(struct iso_str number, bool whole)
{
    uint64_t value = 0;
    char copy[400];
    if (!whole) {
        size_t len = number.len < sizeof copy - 1 ? number.len : sizeof copy - 1;
        memcpy(copy, number.ptr, len);
        copy[len] = '\0';
        double real = strtod(copy, NULL);
        return number.len < sizeof copy && real - real == 0;
    }
    bool negative = number.ptr[0] == '-';
    for (size_t i = negative ? 1 : 0; i < number.len; i++) {
        unsigned digit = (unsigned)(number.ptr[i] - '0');
        if (value > ((uint64_t)INT64_MAX + negative - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    return true;
}

static bool read_number(struct walker *w)
{
    size_t start = w->at;
    bool whole = true;
    w->at += peek(w) == '-' ? 1 : 0;
    bool zero = peek(w) == '0';
    size_t digits = skip_digits(w);
    bool right = digits == 1 || (digits > 1 && !zero);
    if (right && peek(w) == '.') {
        whole = false;
        w->at++;
        right = skip_digits(w) > 0;
    }
    if (right && (peek(w) == 'e' || peek(w) == 'E')) {
        whole = false;
        w->at++;
        w->at += peek(w) == '+' || peek(w) == '-' ? 1 : 0;
        right = skip_digits(w) > 0;
    }
    struct iso_or_span span = token_at(w, start);
    char shown[ISO_QUOTE_SIZE];
    const struct iso_str text = iso_str_from(w->text.ptr + start, span.len);
    if (!right || w->at != start + span.len) {
        add(w, span, "found %s; expected a number as JSON has it, such as 12, -0.5 or 1e6",
            iso_quote(shown, text));
        return false;
    }
    if (!fits(text, whole)) {
        add(w, span,
            "found %s; expected a number that fits into 64 bits (larger ones are written "
            "as strings)",
            iso_quote(shown, text));
        return false;
    }
    return true;
}

static bool read_word(struct walker *w)
{
    static const char *const words[] = {"true", "false", "null"};
    struct iso_or_span span = token_at(w, w->at);
    for (size_t i = 0; i < ISO_COUNT_OF(words); i++) {
        if (iso_str_equal_z(iso_str_from(w->text.ptr + w->at, span.len), words[i])) {
            w->at += span.len;
            return true;
        }
    }
    return unexpected(w, "a value");
}

/* ---- Objects and arrays ---------------------------------------------------------------------- */

/* Is the name new in its object? keys has the names of this object from mark on. */
static bool take_key(struct walker *w, size_t mark, struct iso_or_span key)
{
    if (w->keys == NULL) {
        return true;
    }
    const struct iso_or_span *known = (const void *)w->keys->ptr;
    size_t count = w->keys->len / sizeof *known, first = mark / sizeof *known;
    if (count - first >= ISO_OR_MEMBERS_MAX) {
        return too_much(w, "members in an object", ISO_OR_MEMBERS_MAX);
    }
    const struct iso_str name = iso_str_from(w->text.ptr + key.offset, key.len);
    for (size_t i = first; i < count; i++) {
        if (iso_str_equal(name, iso_str_from(w->text.ptr + known[i].offset, known[i].len))) {
            char shown[ISO_QUOTE_SIZE];
            add(w, key, "found the member %s a second time in its object; expected each once",
                iso_quote(shown, iso_str_from(name.ptr + 1, name.len - 2)));
            return true;
        }
    }
    if (iso_buf_append(w->keys, &key, sizeof key) != ISO_OK) {
        w->nomem = true;
        return false;
    }
    return true;
}

static bool read_member(struct walker *w, size_t mark)
{
    struct iso_or_span key = {.offset = 0};
    struct iso_or_segment *segment = &w->path.segments[w->path.count - 1];
    if (skip_space(w) == '}') {
        return unexpected(w, "another member after ',' (JSON allows no comma after the last one)");
    }
    if (peek(w) != '"') {
        return unexpected(w, "the name of a member in double quotes");
    }
    if (!read_string(w, &key)) {
        return false;
    }
    segment->key = iso_str_from(w->text.ptr + key.offset + 1, key.len - 2);
    if (!take_key(w, mark, key)) {
        return false;
    }
    if (skip_space(w) != ':') {
        return unexpected(w, "':' after the name of a member");
    }
    w->at++;
    return read_value(w, key);
}

static bool read_members(struct walker *w)
{
    size_t mark = w->keys != NULL ? w->keys->len : 0;
    w->at++;
    if (skip_space(w) == '}') {
        w->at++;
        return true;
    }
    for (;;) {
        if (!read_member(w, mark)) {
            return false;
        }
        char c = skip_space(w);
        if (c != ',' && c != '}') {
            return unexpected(w, "',' or '}' after a member");
        }
        w->at++;
        if (c == '}') {
            break;
        }
    }
    if (w->keys != NULL) {
        w->keys->len = mark;
    }
    return true;
}

static bool read_elements(struct walker *w)
{
    struct iso_or_segment *segment = &w->path.segments[w->path.count - 1];
    w->at++;
    if (skip_space(w) == ']') {
        w->at++;
        return true;
    }
    for (segment->index = 0;; segment->index++) {
        if (skip_space(w) == ']') {
            return unexpected(
                w, "another element after ',' (JSON allows no comma after the last one)");
        }
        if (!read_value(w, (struct iso_or_span){.len = 0})) {
            return false;
        }
        char c = skip_space(w);
        if (c != ',' && c != ']') {
            return unexpected(w, "',' or ']' after an element");
        }
        w->at++;
        if (c == ']') {
            return true;
        }
    }
}

static bool read_inside(struct walker *w, bool object)
{
    if (w->path.count >= ISO_OR_DEPTH_MAX) {
        return too_much(w, "objects and arrays within each other", ISO_OR_DEPTH_MAX);
    }
    w->path.segments[w->path.count++] = (struct iso_or_segment){.index = 0};
    bool right = object ? read_members(w) : read_elements(w);
    if (right) {
        w->path.count--;
    }
    return right;
}

static bool read_value(struct walker *w, struct iso_or_span key)
{
    char c = skip_space(w);
    size_t start = w->at;
    struct iso_or_span span;
    bool right;
    if (++w->values > ISO_OR_VALUES_MAX) {
        return too_much(w, "values", ISO_OR_VALUES_MAX);
    }
    if (c == '{' || c == '[') {
        right = read_inside(w, c == '{');
    } else if (c == '"') {
        right = read_string(w, &span);
    } else if (c == '-' || (c >= '0' && c <= '9')) {
        right = read_number(w);
    } else {
        right = read_word(w);
    }
    span = (struct iso_or_span){.offset = start, .len = w->at - start};
    return right && (w->visit == NULL || w->visit(w, key, span));
}

enum iso_err iso_or_text_scan(struct iso_str text, const struct iso_alloc *alloc,
                              struct iso_or_mistakes *mistakes)
{
    struct iso_buf keys;
    struct walker w = {.text = text, .mistakes = mistakes, .keys = &keys};
    size_t before = mistakes->errors;
    iso_buf_init(&keys, alloc, SIZE_MAX);
    if (text.len > ISO_OR_MANIFEST_BYTES_MAX) {
        add(&w, (struct iso_or_span){.len = 1}, "found %zu bytes; expected at most %d", text.len,
            ISO_OR_MANIFEST_BYTES_MAX);
    } else if (text.len >= 3 && memcmp(text.ptr, "\xEF\xBB\xBF", 3) == 0) {
        add(&w, (struct iso_or_span){.len = 3},
            "found a byte order mark; expected UTF-8 without one");
    } else if (read_value(&w, (struct iso_or_span){.len = 0})) {
        (void)skip_space(&w);
        if (w.at < text.len) {
            (void)unexpected(&w, "the end of the text");
        }
    }
    iso_buf_fini(&keys);
    if (w.nomem || mistakes->nomem) {
        return ISO_E_NOMEM;
    }
    return mistakes->errors > before ? ISO_E_INVALID : ISO_OK;
}

/* ---- Places ---------------------------------------------------------------------------------- */

/* Whether a name, as it stands in the text, is that of a member of the tree. */
static bool key_is(struct iso_str raw, struct iso_str key)
{
    if (raw.len == 0 || memchr(raw.ptr, '\\', raw.len) == NULL) {
        return iso_str_equal(raw, key);
    }
    json_t *string = json_loadb(raw.ptr - 1, raw.len + 2, JSON_DECODE_ANY, NULL);
    bool same =
        string != NULL &&
        iso_str_equal(iso_str_from(json_string_value(string), json_string_length(string)), key);
    json_decref(string);
    return same;
}

struct search {
    const struct iso_or_path *path;
    bool key, found;
    struct iso_or_span span;
};

static bool is_there(struct walker *w, struct iso_or_span key, struct iso_or_span value)
{
    struct search *search = w->ctx;
    if (w->path.count != search->path->count) {
        return true;
    }
    for (size_t i = w->path.count; i-- > 0;) {
        const struct iso_or_segment *want = &search->path->segments[i];
        const struct iso_or_segment *have = &w->path.segments[i];
        if ((want->key.ptr == NULL) != (have->key.ptr == NULL) ||
            (want->key.ptr == NULL ? want->index != have->index : !key_is(have->key, want->key))) {
            return true;
        }
    }
    search->found = !search->key || key.len != 0;
    search->span = search->key ? key : value;
    return false;
}

bool iso_or_text_find(struct iso_str text, const struct iso_or_path *path, bool key,
                      struct iso_or_span *out)
{
    struct search search = {.path = path, .key = key};
    struct walker w = {.text = text, .visit = is_there, .ctx = &search};
    (void)read_value(&w, (struct iso_or_span){.len = 0});
    if (search.found) {
        *out = search.span;
    }
    return search.found;
}

struct inside {
    size_t offset;
    struct iso_or_path *path;
};

static bool has(struct iso_or_span span, size_t offset)
{
    return offset >= span.offset && offset - span.offset < span.len;
}

static bool is_inside(struct walker *w, struct iso_or_span key, struct iso_or_span value)
{
    const struct inside *inside = w->ctx;
    if (!has(key, inside->offset) && !has(value, inside->offset)) {
        return true;
    }
    *inside->path = w->path;
    for (size_t i = 0; i < w->path.count; i++) {
        const struct iso_str name = w->path.segments[i].key;
        if (name.len != 0 && memchr(name.ptr, '\\', name.len) != NULL) {
            inside->path->count = i;
        }
    }
    return false;
}

void iso_or_text_path_at(struct iso_str text, size_t offset, struct iso_or_path *out)
{
    struct inside inside = {.offset = offset, .path = out};
    struct walker w = {.text = text, .visit = is_inside, .ctx = &inside};
    out->count = 0;
    (void)read_value(&w, (struct iso_or_span){.len = 0});
}
