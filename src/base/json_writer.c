/* The JSON writer: commas, indentation and escapes (RFC 8259, sections 2 to 7). */
#include "base/json_writer.h"

#include "base/format.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <math.h>

static enum iso_err buf_sink(void *ctx, const void *data, size_t len)
{
    return iso_buf_append(ctx, data, len);
}

void iso_json_init(struct iso_json *json, iso_json_sink sink, void *ctx, unsigned indent)
{
    *json = (struct iso_json){.sink = sink, .ctx = ctx, .indent = indent};
}

void iso_json_init_buf(struct iso_json *json, struct iso_buf *buf, unsigned indent)
{
    iso_json_init(json, buf_sink, buf, indent);
}

static void put(struct iso_json *json, const void *data, size_t len)
{
    if (json->err == ISO_OK && len != 0) {
        json->err = json->sink(json->ctx, data, len);
    }
}

static void put_z(struct iso_json *json, const char *text)
{
    put(json, text, strlen(text));
}

static void put_line_break(struct iso_json *json)
{
    static const char spaces[] = "                ";
    if (json->indent == 0) {
        return;
    }
    put(json, "\n", 1);
    size_t left = (size_t)json->indent * json->depth;
    while (left != 0) {
        size_t some = left < sizeof spaces - 1 ? left : sizeof spaces - 1;
        put(json, spaces, some);
        left -= some;
    }
}

static void begin_item(struct iso_json *json)
{
    if (json->has_items[json->depth]) {
        put(json, ",", 1);
    }
    json->has_items[json->depth] = 1;
    put_line_break(json);
}

/* What comes before any value. After an error the bookkeeping is no longer kept. */
static bool begin_value(struct iso_json *json)
{
    if (json->err != ISO_OK) {
        return false;
    }
    if (json->depth == 0) {
        ISO_ASSERT(!json->root_done);
        json->root_done = true;
    } else if (json->in_object[json->depth]) {
        ISO_ASSERT(json->after_key);
        json->after_key = false;
    } else {
        begin_item(json);
    }
    return json->err == ISO_OK;
}

static void begin_container(struct iso_json *json, const char *bracket, uint8_t is_object)
{
    if (!begin_value(json)) {
        return;
    }
    if (json->depth == ISO_JSON_MAX_DEPTH) {
        json->err = ISO_E_LIMIT;
        return;
    }
    put(json, bracket, 1);
    json->depth++;
    json->in_object[json->depth] = is_object;
    json->has_items[json->depth] = 0;
}

static void end_container(struct iso_json *json, const char *bracket, uint8_t is_object)
{
    if (json->err != ISO_OK) {
        return;
    }
    ISO_ASSERT(json->depth > 0 && json->in_object[json->depth] == is_object && !json->after_key);
    bool had_items = json->has_items[json->depth] != 0;
    json->depth--;
    if (had_items) {
        put_line_break(json);
    }
    put(json, bracket, 1);
}

void iso_json_object_begin(struct iso_json *json)
{
    begin_container(json, "{", 1);
}

void iso_json_object_end(struct iso_json *json)
{
    end_container(json, "}", 1);
}

void iso_json_array_begin(struct iso_json *json)
{
    begin_container(json, "[", 0);
}

void iso_json_array_end(struct iso_json *json)
{
    end_container(json, "]", 0);
}

static void put_escape(struct iso_json *json, uint8_t byte)
{
    char text[8];
    switch (byte) {
    case '"':
        put_z(json, "\\\"");
        break;
    case '\\':
        put_z(json, "\\\\");
        break;
    case '\n':
        put_z(json, "\\n");
        break;
    case '\r':
        put_z(json, "\\r");
        break;
    case '\t':
        put_z(json, "\\t");
        break;
    default:
        put(json, text, iso_format(text, sizeof text, "\\u%04x", (unsigned)byte));
        break;
    }
}

/* The text in quotes. Runs of plain characters go out in one piece. */
static void put_quoted(struct iso_json *json, struct iso_str text)
{
    put(json, "\"", 1);
    size_t start = 0, at = 0;
    while (at < text.len) {
        uint8_t byte = (uint8_t)text.ptr[at];
        size_t size = iso_utf8_char_size(text.ptr + at, text.len - at);
        /* U+007F needs no escape in JSON, but does no good on a terminal. */
        bool plain = size != 0 && byte >= 0x20 && byte != '"' && byte != '\\' && byte != 0x7f;
        if (plain) {
            at += size;
            continue;
        }
        put(json, text.ptr + start, at - start);
        if (size == 0) {
            put_z(json, "\xef\xbf\xbd");
        } else {
            put_escape(json, byte);
        }
        at++;
        start = at;
    }
    if (at != start) {
        put(json, text.ptr + start, at - start);
    }
    put(json, "\"", 1);
}

void iso_json_key_str(struct iso_json *json, struct iso_str name)
{
    if (json->err != ISO_OK) {
        return;
    }
    ISO_ASSERT(json->depth > 0 && json->in_object[json->depth] && !json->after_key);
    begin_item(json);
    put_quoted(json, name);
    put_z(json, json->indent != 0 ? ": " : ":");
    json->after_key = true;
}

void iso_json_key(struct iso_json *json, const char *name)
{
    iso_json_key_str(json, iso_str_from_z(name));
}

void iso_json_string(struct iso_json *json, struct iso_str text)
{
    if (begin_value(json)) {
        put_quoted(json, text);
    }
}

static void put_token(struct iso_json *json, const char *token)
{
    if (begin_value(json)) {
        put_z(json, token);
    }
}

void iso_json_z(struct iso_json *json, const char *text)
{
    if (text == NULL) {
        iso_json_null(json);
    } else {
        iso_json_string(json, iso_str_from_z(text));
    }
}

void iso_json_i64(struct iso_json *json, int64_t value)
{
    char text[32];
    (void)iso_format(text, sizeof text, "%" PRId64, value);
    put_token(json, text);
}

void iso_json_u64(struct iso_json *json, uint64_t value)
{
    char text[32];
    (void)iso_format(text, sizeof text, "%" PRIu64, value);
    put_token(json, text);
}

void iso_json_f64(struct iso_json *json, double value)
{
    if (!isfinite(value)) {
        iso_json_null(json);
        return;
    }
    char text[32];
    (void)iso_format_f64(text, value);
    put_token(json, text);
}

void iso_json_bool(struct iso_json *json, bool value)
{
    put_token(json, value ? "true" : "false");
}

void iso_json_null(struct iso_json *json)
{
    put_token(json, "null");
}

void iso_json_raw(struct iso_json *json, struct iso_str text)
{
    if (begin_value(json)) {
        put(json, text.ptr, text.len);
    }
}

enum iso_err iso_json_finish(struct iso_json *json)
{
    if (json->err == ISO_OK) {
        ISO_ASSERT(json->depth == 0 && json->root_done);
        if (json->indent != 0) {
            put(json, "\n", 1);
        }
    }
    return json->err;
}
