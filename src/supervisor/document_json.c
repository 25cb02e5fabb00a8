/* Reading checked values out of a JSON tree: RFC 8259, places as JSON pointers (RFC 6901). */
#include "supervisor/document_json.h"

#include <stdarg.h>

#include "platform/platform.h"

struct iso_sv_doc_at iso_sv_doc_member(const struct iso_sv_doc_at *object, const char *key)
{
    return (struct iso_sv_doc_at){
        .json = json_object_get(object->json, key), .up = object, .key = key};
}

struct iso_sv_doc_at iso_sv_doc_element(const struct iso_sv_doc_at *array, size_t index)
{
    return (struct iso_sv_doc_at){
        .json = json_array_get(array->json, index), .up = array, .index = index};
}

/* ---- Messages -------------------------------------------------------------------------------- */

struct pointer {
    char text[200];
    size_t len;
};

static void pointer_put(struct pointer *pointer, const char *text, size_t len)
{
    for (size_t i = 0; i < len && pointer->len + 3 < sizeof pointer->text; i++) {
        char c = text[i];
        if (c == '~' || c == '/') {
            pointer->text[pointer->len++] = '~';
            c = c == '~' ? '0' : '1';
        }
        bool plain = (unsigned char)c >= 0x20 && (unsigned char)c != 0x7F;
        pointer->text[pointer->len++] = plain ? c : '?';
    }
}

static void pointer_build(struct pointer *pointer, const struct iso_sv_doc_at *at)
{
    const struct iso_sv_doc_at *chain[ISO_SV_DOC_DEPTH_MAX + 4];
    size_t depth = 0;
    for (; at->up != NULL && depth < ISO_COUNT_OF(chain); at = at->up) {
        chain[depth++] = at;
    }
    while (depth-- > 0) {
        if (pointer->len + 3 < sizeof pointer->text) {
            pointer->text[pointer->len++] = '/';
        }
        if (chain[depth]->key != NULL) {
            pointer_put(pointer, chain[depth]->key, strlen(chain[depth]->key));
        } else {
            char number[24];
            size_t len = iso_format(number, sizeof number, "%zu", chain[depth]->index);
            pointer_put(pointer, number, len);
        }
    }
    pointer->text[pointer->len] = '\0';
}

enum iso_err iso_sv_doc_fail(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *at,
                             enum iso_err err, const char *format, ...)
{
    struct pointer pointer = {.len = 0};
    pointer_build(&pointer, at);
    char message[sizeof reader->report->text];
    va_list args;
    va_start(args, format);
    iso_format_v(message, sizeof message, format, args);
    va_end(args);
    iso_report_set(reader->report, "%s: %s", pointer.len == 0 ? "the document" : pointer.text,
                   message);
    return err;
}

static const char *kind_of(const json_t *json)
{
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
        return "a whole number";
    case JSON_REAL:
        return "a fraction";
    case JSON_TRUE:
        return "true";
    case JSON_FALSE:
        return "false";
    default:
        return "null";
    }
}

static enum iso_err expect(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *at,
                           bool right, const char *what)
{
    if (right) {
        return ISO_OK;
    }
    if (at->json == NULL) {
        return iso_sv_doc_fail(reader, at, ISO_E_INVALID, "is missing; expected %s", what);
    }
    return iso_sv_doc_fail(reader, at, ISO_E_INVALID, "expected %s, found %s", what,
                           kind_of(at->json));
}

void *iso_sv_doc_new(struct iso_sv_doc_reader *reader, size_t count, size_t size)
{
    void *memory = iso_arena_array(&reader->document->arena, count, size);
    if (memory == NULL) {
        iso_report_set(reader->report, "not enough memory to read the document");
    }
    return memory;
}

/* ---- Objects and arrays -----------------------------------------------------------------------
 */

static enum iso_err check_member(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *at,
                                 const char *key, const char *const *names, size_t count)
{
    char why[384];
    return iso_nearest_among(key, "member", names, count, why, sizeof why)
               ? ISO_OK
               : iso_sv_doc_fail(reader, at, ISO_E_INVALID, "%s", why);
}

enum iso_err iso_sv_doc_object(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *at,
                               const char *const *names, size_t count, size_t required)
{
    enum iso_err err = expect(reader, at, json_is_object(at->json), "an object");
    const char *key = NULL;
    json_t *value = NULL;
    if (err == ISO_OK) {
        json_object_foreach(at->json, key, value)
        {
            err = check_member(reader, at, key, names, count);
            if (err != ISO_OK) {
                return err;
            }
        }
    }
    for (size_t i = 0; i < required && err == ISO_OK; i++) {
        if (json_object_get(at->json, names[i]) == NULL) {
            err =
                iso_sv_doc_fail(reader, at, ISO_E_INVALID, "the member '%s' is missing", names[i]);
        }
    }
    return err;
}

enum iso_err iso_sv_doc_map(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *at,
                            size_t max, const char *what)
{
    enum iso_err err = expect(reader, at, json_is_object(at->json), "an object");
    if (err == ISO_OK && json_object_size(at->json) > max) {
        err = iso_sv_doc_fail(reader, at, ISO_E_LIMIT, "%zu %s; at most %zu are allowed",
                              json_object_size(at->json), what, max);
    }
    return err;
}

enum iso_err iso_sv_doc_array(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *at,
                              size_t min, size_t max, const char *what)
{
    enum iso_err err = expect(reader, at, json_is_array(at->json), "an array");
    if (err == ISO_OK && json_array_size(at->json) > max) {
        err = iso_sv_doc_fail(reader, at, ISO_E_LIMIT, "%zu %s; at most %zu are allowed",
                              json_array_size(at->json), what, max);
    }
    if (err == ISO_OK && json_array_size(at->json) < min) {
        err = iso_sv_doc_fail(reader, at, ISO_E_INVALID, "%zu %s; at least %zu must be there",
                              json_array_size(at->json), what, min);
    }
    return err;
}

/* ---- Strings -----------------------------------------------------------------------------------
 */

static enum iso_err copy_text(struct iso_sv_doc_reader *reader, struct iso_str text,
                              struct iso_str *out)
{
    char *copy = iso_arena_copy_str(&reader->document->arena, text);
    if (copy == NULL) {
        return iso_fail(reader->report, ISO_E_NOMEM, "not enough memory to read the document");
    }
    *out = iso_str_from(copy, text.len);
    return ISO_OK;
}

enum iso_err iso_sv_doc_string(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *at,
                               size_t min, size_t max, struct iso_str *out)
{
    enum iso_err err = expect(reader, at, json_is_string(at->json), "a string");
    if (err != ISO_OK) {
        return err;
    }
    size_t len = json_string_length(at->json);
    if (len < min) {
        return iso_sv_doc_fail(reader, at, ISO_E_INVALID, "must not be empty");
    }
    if (len > max) {
        return iso_sv_doc_fail(reader, at, ISO_E_LIMIT, "%zu bytes; at most %zu are allowed", len,
                               max);
    }
    return copy_text(reader, iso_str_from(json_string_value(at->json), len), out);
}

static enum iso_err name_fail(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *at,
                              struct iso_str text)
{
    char shown[64];
    return iso_sv_doc_fail(reader, at, ISO_E_INVALID, "%s is not a name: " ISO_NAME_RULE,
                           iso_quote(shown, text));
}

enum iso_err iso_sv_doc_name(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *at,
                             struct iso_str *out)
{
    enum iso_err err = expect(reader, at, json_is_string(at->json), "a name");
    if (err != ISO_OK) {
        return err;
    }
    struct iso_str text = iso_str_from(json_string_value(at->json), json_string_length(at->json));
    return iso_name_check(text) ? copy_text(reader, text, out) : name_fail(reader, at, text);
}

enum iso_err iso_sv_doc_key_name(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *at,
                                 struct iso_str *out)
{
    struct iso_str text = iso_str_from_z(at->key);
    return iso_name_check(text) ? copy_text(reader, text, out) : name_fail(reader, at, text);
}

enum iso_err iso_sv_doc_key_text(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *at,
                                 size_t max, struct iso_str *out)
{
    struct iso_str text = iso_str_from_z(at->key);
    if (text.len == 0 || text.len > max) {
        return iso_sv_doc_fail(reader, at, ISO_E_INVALID,
                               "the member's name has %zu bytes; it must have 1 to %zu", text.len,
                               max);
    }
    return copy_text(reader, text, out);
}

enum iso_err iso_sv_doc_choice(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *at,
                               const char *const *words, size_t count, size_t *out)
{
    enum iso_err err = expect(reader, at, json_is_string(at->json), "a string");
    if (err != ISO_OK) {
        return err;
    }
    char all[128];
    size_t len = 0;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(json_string_value(at->json), words[i]) == 0) {
            *out = i;
            return ISO_OK;
        }
        const char *glue = i == 0 ? "" : i + 1 == count ? " or " : ", ";
        len += iso_format(all + len, sizeof all - len, "%s\"%s\"", glue, words[i]);
    }
    char shown[64];
    return iso_sv_doc_fail(reader, at, ISO_E_INVALID, "%s is not one of the choices: %s",
                           iso_quote(shown, iso_str_from_z(json_string_value(at->json))), all);
}

/* ---- Numbers -----------------------------------------------------------------------------------
 */

enum iso_err iso_sv_doc_bool(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *at,
                             bool *out)
{
    enum iso_err err = expect(reader, at, json_is_boolean(at->json), "true or false");
    if (err == ISO_OK) {
        *out = json_is_true(at->json);
    }
    return err;
}

enum iso_err iso_sv_doc_u64(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *at,
                            uint64_t min, uint64_t max, uint64_t *out)
{
    enum iso_err err = expect(reader, at, json_is_integer(at->json), "a whole number");
    if (err != ISO_OK) {
        return err;
    }
    json_int_t value = json_integer_value(at->json);
    if (value < 0 || (uint64_t)value < min || (uint64_t)value > max) {
        return iso_sv_doc_fail(reader, at, ISO_E_INVALID,
                               "%" JSON_INTEGER_FORMAT " is not between %llu and %llu", value,
                               (unsigned long long)min, (unsigned long long)max);
    }
    *out = (uint64_t)value;
    return ISO_OK;
}

enum iso_err iso_sv_doc_size(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *at,
                             uint64_t min, uint64_t max, uint64_t *out)
{
    if (!json_is_string(at->json)) {
        enum iso_err err = expect(reader, at, json_is_integer(at->json),
                                  "a size such as \"64MiB\", or a number of bytes");
        return err != ISO_OK ? err : iso_sv_doc_u64(reader, at, min, max, out);
    }
    uint64_t bytes = 0;
    const char *text = json_string_value(at->json);
    char shown[64], low[32], high[32];
    if (iso_parse_size(text, &bytes, NULL) != ISO_OK) {
        return iso_sv_doc_fail(reader, at, ISO_E_INVALID,
                               "%s is not a size; write for example \"64MiB\" or \"500kB\"",
                               iso_quote(shown, iso_str_from_z(text)));
    }
    if (bytes < min || bytes > max) {
        (void)iso_format_size(low, min);
        (void)iso_format_size(high, max);
        return iso_sv_doc_fail(reader, at, ISO_E_INVALID, "%s is not between %s and %s",
                               iso_quote(shown, iso_str_from_z(text)), low, high);
    }
    *out = bytes;
    return ISO_OK;
}

enum iso_err iso_sv_doc_duration(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *at,
                                 uint64_t min, uint64_t max, uint64_t *out)
{
    enum iso_err err = expect(reader, at, json_is_string(at->json), "a duration such as \"100ms\"");
    if (err != ISO_OK) {
        return err;
    }
    uint64_t ns = 0;
    const char *text = json_string_value(at->json);
    char shown[64], low[32], high[32];
    if (iso_parse_duration(text, &ns, NULL) != ISO_OK) {
        return iso_sv_doc_fail(reader, at, ISO_E_INVALID,
                               "%s is not a duration; write for example \"100ms\" or \"2s\"",
                               iso_quote(shown, iso_str_from_z(text)));
    }
    if (ns < min || ns > max) {
        (void)iso_format_duration(low, min);
        (void)iso_format_duration(high, max);
        return iso_sv_doc_fail(reader, at, ISO_E_INVALID, "%s is not between %s and %s",
                               iso_quote(shown, iso_str_from_z(text)), low, high);
    }
    *out = ns;
    return ISO_OK;
}
