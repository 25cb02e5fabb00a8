/* Reading checked values out of a JSON tree: RFC 8259, places as JSON pointers (RFC 6901). */
#include "orchestrator/manifest_read.h"

#include <stdarg.h>

struct iso_or_at iso_or_member(const struct iso_or_at *object, const char *key)
{
    return (struct iso_or_at){.json = json_object_get(object->json, key), .up = object, .key = key};
}

struct iso_or_at iso_or_element(const struct iso_or_at *array, size_t index)
{
    return (struct iso_or_at){
        .json = json_array_get(array->json, index), .up = array, .index = index};
}

/* jansson's iterators are of objects that may be changed. */
static struct iso_or_at at_iterator(const struct iso_or_at *object, void *iterator)
{
    return (struct iso_or_at){.json = iterator != NULL ? json_object_iter_value(iterator) : NULL,
                              .up = object,
                              .key = iterator != NULL ? json_object_iter_key(iterator) : NULL};
}

static json_t *changeable(const json_t *json)
{
    return (json_t *)(uintptr_t)json;
}

struct iso_or_at iso_or_first(const struct iso_or_at *object)
{
    return at_iterator(object, json_object_iter(changeable(object->json)));
}

struct iso_or_at iso_or_next(const struct iso_or_at *member)
{
    return at_iterator(member->up, json_object_iter_next(changeable(member->up->json),
                                                         json_object_key_to_iter(member->key)));
}

void iso_or_path_of(const struct iso_or_at *at, struct iso_or_path *out)
{
    size_t depth = 0;
    for (const struct iso_or_at *up = at; up->up != NULL; up = up->up) {
        depth++;
    }
    out->count = depth < ISO_COUNT_OF(out->segments) ? depth : ISO_COUNT_OF(out->segments);
    for (; at->up != NULL; at = at->up) {
        if (--depth < out->count) {
            out->segments[depth] = (struct iso_or_segment){
                .key = iso_str_from_z(at->key), .index = at->key == NULL ? at->index : 0};
        }
    }
}

/* ---- Mistakes -------------------------------------------------------------------------------- */

enum spot { AT_VALUE, AT_KEY, AT_PART };

static void add(struct iso_or_reader *reader, const struct iso_or_at *at, enum spot spot,
                struct iso_str part, bool warning, const char *format, va_list args)
    ISO_PRINTF(6, 0);

/* A part of a string that has no escapes, as bytes of the text. */
static void narrow(struct iso_str text, const struct iso_or_at *at, struct iso_str part,
                   struct iso_or_span *span)
{
    struct iso_str whole =
        json_is_string(at->json) ? iso_or_view(at->json) : iso_str_from_z(at->key);
    const struct iso_str key = iso_str_from_z(at->key);
    if (at->key != NULL && part.ptr >= key.ptr && part.ptr <= key.ptr + key.len) {
        whole = key;
    }
    if (part.len != 0 && whole.len + 2 == span->len && part.ptr >= whole.ptr &&
        part.ptr + part.len <= whole.ptr + whole.len &&
        memchr(text.ptr + span->offset, '\\', span->len) == NULL) {
        span->offset += 1 + (size_t)(part.ptr - whole.ptr);
        span->len = part.len;
    }
}

static void add(struct iso_or_reader *reader, const struct iso_or_at *at, enum spot spot,
                struct iso_str part, bool warning, const char *format, va_list args)
{
    struct iso_or_path path;
    struct iso_or_span span = {.offset = 0, .len = 1};
    const struct iso_str text = reader->manifest->text;
    while (at->json == NULL && at->up != NULL) {
        at = at->up; /* what is missing is missing in this */
        spot = AT_VALUE;
    }
    iso_or_path_of(at, &path);
    const struct iso_str key = iso_str_from_z(at->key);
    bool in_key = spot == AT_KEY || (spot == AT_PART && key.len != 0 && part.ptr >= key.ptr &&
                                     part.ptr <= key.ptr + key.len);
    bool kept = reader->mistakes->count < ISO_OR_MISTAKES_MAX; /* else the place does not matter */
    if (kept && iso_or_text_find(text, &path, in_key, &span) && spot == AT_PART) {
        narrow(text, at, part, &span);
    }
    iso_or_mistakes_add(reader->mistakes, text, span, &path, warning, format, args);
}

void iso_or_wrong(struct iso_or_reader *reader, const struct iso_or_at *at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add(reader, at, AT_VALUE, (struct iso_str){.len = 0}, false, format, args);
    va_end(args);
}

void iso_or_wrong_key(struct iso_or_reader *reader, const struct iso_or_at *at, const char *format,
                      ...)
{
    va_list args;
    va_start(args, format);
    add(reader, at, AT_KEY, (struct iso_str){.len = 0}, false, format, args);
    va_end(args);
}

void iso_or_wrong_part(struct iso_or_reader *reader, const struct iso_or_at *at,
                       struct iso_str part, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add(reader, at, AT_PART, part, false, format, args);
    va_end(args);
}

void iso_or_warn_key(struct iso_or_reader *reader, const struct iso_or_at *at, const char *format,
                     ...)
{
    va_list args;
    va_start(args, format);
    add(reader, at, AT_KEY, (struct iso_str){.len = 0}, true, format, args);
    va_end(args);
}

const char *iso_or_found(const json_t *json, char out[96])
{
    char shown[ISO_QUOTE_SIZE], number[32];
    switch (json_typeof(json)) {
    case JSON_STRING:
        (void)iso_format(out, 96, "the string %s", iso_quote(shown, iso_or_view(json)));
        return out;
    case JSON_INTEGER:
        (void)iso_format(out, 96, "the number %" JSON_INTEGER_FORMAT, json_integer_value(json));
        return out;
    case JSON_REAL:
        (void)iso_format_f64(number, json_real_value(json));
        (void)iso_format(out, 96, "the number %s", number);
        return out;
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_TRUE:
        return "true";
    case JSON_FALSE:
        return "false";
    default:
        return "null";
    }
}

/* Reports "found X; expected Y" unless it is right. */
static bool expect(struct iso_or_reader *reader, const struct iso_or_at *at, bool right,
                   const char *what)
{
    char found[96];
    if (right) {
        return true;
    }
    if (at->json == NULL) {
        iso_or_wrong(reader, at, "the member '%s' is missing; expected %s",
                     at->key != NULL ? at->key : "", what);
    } else {
        iso_or_wrong(reader, at, "found %s; expected %s", iso_or_found(at->json, found), what);
    }
    return false;
}

void *iso_or_new(struct iso_or_reader *reader, size_t count, size_t size)
{
    void *memory = iso_arena_array(&reader->manifest->arena, count, size);
    reader->nomem = reader->nomem || memory == NULL;
    return memory;
}

/* ---- Words ----------------------------------------------------------------------------------- */

void iso_or_words_init(struct iso_or_words *words, const struct iso_or_reader *reader,
                       struct iso_str word)
{
    *words = (struct iso_or_words){.nearest = {.word = word},
                                   .idle = reader->mistakes->count >= ISO_OR_MISTAKES_MAX};
}

void iso_or_words_add(struct iso_or_words *words, struct iso_str candidate)
{
    const size_t cap = sizeof words->all;
    if (words->idle) {
        return;
    }
    iso_nearest_try(&words->nearest, candidate);
    if (words->len + candidate.len + 8 < cap) {
        words->len += iso_format(words->all + words->len, cap - words->len, "%s%.*s",
                                 words->len == 0 ? "" : ", ", (int)candidate.len, candidate.ptr);
    } else if (words->len >= 3 && words->len + 8 < cap &&
               memcmp(words->all + words->len - 3, "...", 3) != 0) {
        words->len += iso_format(words->all + words->len, cap - words->len, ", ...");
    }
}

const char *iso_or_words_hint(struct iso_or_words *words, const char *none)
{
    const struct iso_str best = words->nearest.best;
    if (best.len != 0) {
        (void)iso_format(words->hint, sizeof words->hint, "did you mean '%.*s'?", (int)best.len,
                         best.ptr);
        return words->hint;
    }
    if (words->len == 0) {
        return none;
    }
    (void)iso_format(words->hint, sizeof words->hint, "expected %s%s",
                     memchr(words->all, ',', words->len) != NULL ? "one of " : "", words->all);
    return words->hint;
}

/* ---- Objects and arrays ---------------------------------------------------------------------- */

/* *meant: one bit for each name that was meant by a member of another. */
static void check_member(struct iso_or_reader *reader, const struct iso_or_at *member,
                         const char *const *names, size_t count, uint64_t *meant)
{
    struct iso_or_words words;
    char shown[ISO_QUOTE_SIZE];
    for (size_t i = 0; i < count; i++) {
        if (strcmp(member->key, names[i]) == 0) {
            return;
        }
    }
    iso_or_words_init(&words, reader, iso_str_from_z(member->key));
    for (size_t i = 0; i < count; i++) {
        iso_or_words_add(&words, iso_str_from_z(names[i]));
    }
    iso_or_wrong_key(reader, member, "found the unknown member %s; %s",
                     iso_quote(shown, iso_str_from_z(member->key)), iso_or_words_hint(&words, ""));
    for (size_t i = 0; i < count; i++) {
        *meant |= words.nearest.best.ptr == names[i] ? UINT64_C(1) << i : 0;
    }
}

bool iso_or_object(struct iso_or_reader *reader, const struct iso_or_at *at,
                   const char *const *names, size_t count, size_t required)
{
    uint64_t meant = 0;
    ISO_ASSERT(count <= 64);
    if (!expect(reader, at, json_is_object(at->json), "an object")) {
        return false;
    }
    for (struct iso_or_at it = iso_or_first(at); it.key != NULL; it = iso_or_next(&it)) {
        check_member(reader, &it, names, count, &meant);
    }
    for (size_t i = 0; i < required; i++) {
        if (json_object_get(at->json, names[i]) == NULL && (meant >> i & 1) == 0) {
            iso_or_wrong(reader, at, "found an object without '%s'; expected that member",
                         names[i]);
        }
    }
    return true;
}

/* Whether the number of entries is right. */
static bool check_count(struct iso_or_reader *reader, const struct iso_or_at *at, size_t count,
                        size_t min, size_t max, const char *what)
{
    if (count < min) {
        iso_or_wrong(reader, at, "found %zu %s; expected at least %zu", count, what, min);
    } else if (count > max) {
        iso_or_wrong(reader, at, "found %zu %s; expected at most %zu", count, what, max);
    }
    return count >= min && count <= max;
}

bool iso_or_map(struct iso_or_reader *reader, const struct iso_or_at *at, size_t min, size_t max,
                const char *what)
{
    return expect(reader, at, json_is_object(at->json), "an object") &&
           check_count(reader, at, json_object_size(at->json), min, max, what);
}

bool iso_or_array(struct iso_or_reader *reader, const struct iso_or_at *at, size_t min, size_t max,
                  const char *what)
{
    return expect(reader, at, json_is_array(at->json), "an array") &&
           check_count(reader, at, json_array_size(at->json), min, max, what);
}

/* ---- Strings --------------------------------------------------------------------------------- */

bool iso_or_string(struct iso_or_reader *reader, const struct iso_or_at *at, const char *what,
                   size_t min, size_t max, struct iso_str *out)
{
    if (!expect(reader, at, json_is_string(at->json), what)) {
        return false;
    }
    struct iso_str text = iso_or_view(at->json);
    if (text.len < min) {
        iso_or_wrong(reader, at, "found an empty string; expected %s", what);
    } else if (text.len > max) {
        iso_or_wrong(reader, at, "found %zu bytes; expected %s, of at most %zu bytes", text.len,
                     what, max);
    }
    if (text.len < min || text.len > max) {
        return false;
    }
    *out = text;
    return true;
}

static bool check_name(struct iso_or_reader *reader, const struct iso_or_at *at, bool key,
                       struct iso_str text)
{
    char shown[ISO_QUOTE_SIZE];
    if (iso_name_check(text)) {
        return true;
    }
    (key ? iso_or_wrong_key : iso_or_wrong)(reader, at, "found %s; expected a name: " ISO_NAME_RULE,
                                            iso_quote(shown, text));
    return false;
}

bool iso_or_name(struct iso_or_reader *reader, const struct iso_or_at *at, struct iso_str *out)
{
    if (!expect(reader, at, json_is_string(at->json), "a name")) {
        return false;
    }
    *out = iso_or_view(at->json);
    return check_name(reader, at, false, *out);
}

bool iso_or_key_name(struct iso_or_reader *reader, const struct iso_or_at *at)
{
    return check_name(reader, at, true, iso_str_from_z(at->key));
}

bool iso_or_key_text(struct iso_or_reader *reader, const struct iso_or_at *at, size_t max)
{
    size_t len = strlen(at->key);
    if (len == 0 || len > max) {
        iso_or_wrong_key(reader, at, "found a name of %zu bytes; expected one of 1 to %zu", len,
                         max);
    }
    return len != 0 && len <= max;
}

bool iso_or_choice(struct iso_or_reader *reader, const struct iso_or_at *at,
                   const char *const *words, size_t count, size_t *out)
{
    char shown[ISO_QUOTE_SIZE], all[160] = "";
    size_t len = 0;
    for (size_t i = 0; i < count; i++) {
        const char *glue = i == 0 ? "" : i + 1 == count ? " or " : ", ";
        len += iso_format(all + len, sizeof all - len, "%s\"%s\"", glue, words[i]);
    }
    if (!expect(reader, at, json_is_string(at->json), all)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (strcmp(json_string_value(at->json), words[i]) == 0) {
            *out = i;
            return true;
        }
    }
    iso_or_wrong(reader, at, "found %s; expected %s", iso_quote(shown, iso_or_view(at->json)), all);
    return false;
}

/* ---- Numbers --------------------------------------------------------------------------------- */

bool iso_or_u64(struct iso_or_reader *reader, const struct iso_or_at *at, uint64_t min,
                uint64_t max, uint64_t *out)
{
    char what[96];
    (void)iso_format(what, sizeof what, "a whole number from %llu to %llu", (unsigned long long)min,
                     (unsigned long long)max);
    json_int_t value = json_integer_value(at->json);
    bool right =
        json_is_integer(at->json) && value >= 0 && (uint64_t)value >= min && (uint64_t)value <= max;
    if (right) {
        *out = (uint64_t)value;
    }
    return expect(reader, at, right, what);
}

bool iso_or_size(struct iso_or_reader *reader, const struct iso_or_at *at, uint64_t min,
                 uint64_t max, uint64_t *out)
{
    char what[128], low[32], high[32];
    uint64_t bytes = 0;
    (void)iso_format_size(low, min);
    (void)iso_format_size(high, max);
    (void)iso_format(what, sizeof what, "a size from %s to %s, such as \"64MiB\" or \"500kB\"", low,
                     high);
    if (json_is_integer(at->json)) {
        json_int_t value = json_integer_value(at->json);
        bytes = value < 0 ? 0 : (uint64_t)value;
    } else if (!json_is_string(at->json) ||
               iso_parse_size(json_string_value(at->json), &bytes, NULL) != ISO_OK) {
        return expect(reader, at, false, what);
    }
    if (!expect(reader, at, bytes >= min && bytes <= max, what)) {
        return false;
    }
    *out = bytes;
    return true;
}

bool iso_or_duration(struct iso_or_reader *reader, const struct iso_or_at *at, uint64_t min,
                     uint64_t max, uint64_t *out)
{
    char what[128], low[32], high[32];
    uint64_t ns = 0;
    (void)iso_format_duration(low, min);
    (void)iso_format_duration(high, max);
    (void)iso_format(what, sizeof what, "a duration from %s to %s, such as \"100ms\" or \"2s\"",
                     low, high);
    bool right = json_is_string(at->json) &&
                 iso_parse_duration(json_string_value(at->json), &ns, NULL) == ISO_OK &&
                 ns >= min && ns <= max;
    if (!expect(reader, at, right, what)) {
        return false;
    }
    *out = ns;
    return true;
}
