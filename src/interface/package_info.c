/*
 * package_info.c - metadata of a package as JSON (RFC 8259), in the custom section
 * "isomer:package": one object of strings. Other members are skipped, whatever they are, so that
 * later versions can add some.
 */
#include "interface/interface.h"

#include "base/json_member.h"

enum { JSON_BYTES_MAX = 64 * 1024, JSON_DEPTH_MAX = 32 };

static const struct member {
    const char *name;
    size_t offset;
} members[] = {{"name", offsetof(struct iso_package_info, name)},
               {"version", offsetof(struct iso_package_info, version)},
               {"abi", offsetof(struct iso_package_info, abi)},
               {"licence", offsetof(struct iso_package_info, licence)},
               {"description", offsetof(struct iso_package_info, description)},
               {"source", offsetof(struct iso_package_info, source)}};

struct reader {
    const uint8_t *pos;
    const uint8_t *end;
    const uint8_t *start;
    struct iso_arena *arena;
    struct iso_report *report;
};

static enum iso_err bad(const struct reader *reader, const char *what)
{
    return iso_fail_at(reader->report, ISO_E_MALFORMED, (uint64_t)(reader->pos - reader->start),
                       "package metadata: %s at byte %zu", what,
                       (size_t)(reader->pos - reader->start));
}

static uint8_t peek(struct reader *reader)
{
    while (reader->pos != reader->end && *reader->pos != 0 &&
           strchr(" \t\r\n", *reader->pos) != NULL) {
        reader->pos++;
    }
    return reader->pos != reader->end ? *reader->pos : 0;
}

static enum iso_err expect(struct reader *reader, uint8_t c, const char *what)
{
    if (peek(reader) != c) {
        return bad(reader, what);
    }
    reader->pos++;
    return ISO_OK;
}

static enum iso_err read_hex(struct reader *reader, uint32_t *out)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        static const char digits[] = "0123456789abcdef0123456789ABCDEF";
        const char *found = NULL;
        if (reader->pos != reader->end && *reader->pos != 0) {
            found = strchr(digits, *reader->pos);
        }
        if (found == NULL) {
            return bad(reader, "expected four hexadecimal digits");
        }
        value = value << 4 | (uint32_t)((found - digits) & 15);
        reader->pos++;
    }
    *out = value;
    return ISO_OK;
}

static size_t put_utf8(uint32_t c, char *out)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t size = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = size - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (c & 0x3f));
        c >>= 6;
    }
    out[0] = (char)((0xf00 >> size & 0xff) | c);
    return size;
}

/* After a backslash and u; a surrogate must be followed by its other half. */
static enum iso_err read_code_point(struct reader *reader, uint32_t *out)
{
    uint32_t c, low;
    enum iso_err err = read_hex(reader, &c);
    if (err != ISO_OK || c < 0xd800 || c > 0xdfff) {
        *out = c;
        return err;
    }
    if (c > 0xdbff || reader->end - reader->pos < 6 || memcmp(reader->pos, "\\u", 2) != 0) {
        return bad(reader, "half of a surrogate pair");
    }
    reader->pos += 2;
    err = read_hex(reader, &low);
    if (err == ISO_OK && (low < 0xdc00 || low > 0xdfff)) {
        return bad(reader, "half of a surrogate pair");
    }
    *out = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    return err;
}

static enum iso_err read_escape(struct reader *reader, char *out, size_t *len)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *found = NULL;
    if (reader->pos != reader->end && *reader->pos != 0) {
        found = strchr(from, *reader->pos);
    }
    if (found != NULL) {
        reader->pos++;
        out[(*len)++] = to[found - from];
        return ISO_OK;
    }
    if (reader->pos == reader->end || *reader->pos != 'u') {
        return bad(reader, "unknown escape");
    }
    reader->pos++;
    uint32_t c = 0;
    enum iso_err err = read_code_point(reader, &c);
    if (err == ISO_OK) {
        *len += put_utf8(c, out + *len);
    }
    return err;
}

static enum iso_err read_string(struct reader *reader, struct iso_str *out)
{
    enum iso_err err = expect(reader, '"', "expected a string");
    if (err != ISO_OK) {
        return err;
    }
    const uint8_t *end = reader->pos;
    while (end != reader->end && *end != '"' && *end >= ' ') {
        end += *end == '\\' && reader->end - end > 1 ? 2 : 1;
    }
    if (end == reader->end || *end != '"') {
        return bad(reader, "a string has no end");
    }
    /* Escapes are longer than what they stand for. */
    char *text = iso_arena_alloc(reader->arena, (size_t)(end - reader->pos) + 1);
    size_t len = 0;
    if (text == NULL) {
        return ISO_E_NOMEM;
    }
    while (reader->pos != end && err == ISO_OK) {
        uint8_t c = *reader->pos++;
        if (c == '\\') {
            err = read_escape(reader, text, &len);
        } else {
            text[len++] = (char)c;
        }
    }
    if (err == ISO_OK && !iso_utf8_valid(text, len)) {
        return bad(reader, "a string is not UTF-8");
    }
    if (err == ISO_OK) {
        reader->pos = end + 1;
        *out = iso_str_from(text, len);
    }
    return err;
}

static bool is_scalar(uint8_t c)
{
    return c != 0 && strchr("+-.0123456789abcdefghijklmnopqrstuvwxyzE", c) != NULL;
}

/* Any value. Numbers and words are not looked at closely: nobody reads them. */
static enum iso_err skip_value(struct reader *reader)
{
    uint32_t depth = 0;
    enum iso_err err = ISO_OK;
    do {
        uint8_t c = peek(reader);
        struct iso_str ignored;
        if (c == '"') {
            err = read_string(reader, &ignored);
        } else if (c == '{' || c == '[') {
            reader->pos++;
            if (++depth > JSON_DEPTH_MAX) {
                return iso_fail(reader->report, ISO_E_LIMIT,
                                "package metadata: nested more than %d deep", JSON_DEPTH_MAX);
            }
        } else if (depth > 0 && (c == '}' || c == ']')) {
            reader->pos++;
            depth--;
        } else if (depth > 0 && (c == ',' || c == ':')) {
            reader->pos++;
        } else if (is_scalar(c)) {
            while (reader->pos != reader->end && is_scalar(*reader->pos)) {
                reader->pos++;
            }
        } else {
            return bad(reader, "expected a value");
        }
    } while (depth > 0 && err == ISO_OK);
    return err;
}

static enum iso_err read_member(struct reader *reader, struct iso_package_info *info)
{
    struct iso_str name;
    enum iso_err err = read_string(reader, &name);
    if (err == ISO_OK) {
        err = expect(reader, ':', "expected ':'");
    }
    for (size_t i = 0; i < ISO_COUNT_OF(members) && err == ISO_OK; i++) {
        if (!iso_str_equal_z(name, members[i].name)) {
            continue;
        }
        if (peek(reader) != '"') {
            return iso_fail(reader->report, ISO_E_INVALID,
                            "package metadata: '%s' must be a string", members[i].name);
        }
        struct iso_str value;
        err = read_string(reader, &value);
        if (err == ISO_OK) {
            memcpy((char *)info + members[i].offset, &value, sizeof value);
        }
        return err;
    }
    return err != ISO_OK ? err : skip_value(reader);
}

enum iso_err iso_package_info_read(struct iso_bytes json, struct iso_arena *arena,
                                   struct iso_package_info *out, struct iso_report *report)
{
    struct iso_package_info info = {.name = {.len = 0}};
    if (json.len > JSON_BYTES_MAX) {
        return iso_fail(report, ISO_E_LIMIT,
                        "package metadata: %zu bytes; at most %d are supported", json.len,
                        JSON_BYTES_MAX);
    }
    struct reader reader = {.pos = json.ptr,
                            .start = json.ptr,
                            .end = json.len != 0 ? json.ptr + json.len : json.ptr,
                            .arena = arena,
                            .report = report};
    enum iso_err err = expect(&reader, '{', "expected '{'");
    bool more = err == ISO_OK && peek(&reader) != '}';
    while (err == ISO_OK && more) {
        err = read_member(&reader, &info);
        more = err == ISO_OK && peek(&reader) == ',';
        reader.pos += more ? 1 : 0;
    }
    if (err == ISO_OK) {
        err = expect(&reader, '}', "expected ',' or '}'");
    }
    if (err == ISO_OK && (peek(&reader) != 0 || reader.pos != reader.end)) {
        return bad(&reader, "something follows the object");
    }
    if (err == ISO_OK) {
        *out = info;
    }
    return err;
}

enum iso_err iso_package_info_write(const struct iso_package_info *info, struct iso_buf *out)
{
    struct iso_json json;
    iso_json_init_buf(&json, out, 0);
    iso_json_object_begin(&json);
    for (size_t i = 0; i < ISO_COUNT_OF(members); i++) {
        struct iso_str value;
        memcpy(&value, (const char *)info + members[i].offset, sizeof value);
        if (value.len != 0) {
            iso_json_put_string(&json, members[i].name, value);
        }
    }
    iso_json_object_end(&json);
    return iso_json_finish(&json);
}
