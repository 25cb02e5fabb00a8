/* Mistakes in a manifest: collected, sorted, and shown with their lines as compilers do. */
#include <stdarg.h>
#include <stdlib.h>

#include "base/base.h"
#include "base/json_member.h"
#include "orchestrator/manifest_text.h"

enum { TEXT_MAX = 700, SHOWN_MAX = 120 };
#define MEMORY_MAX ((size_t)1 << 20)

void iso_or_mistakes_init(struct iso_or_mistakes *mistakes, const struct iso_alloc *alloc)
{
    *mistakes = (struct iso_or_mistakes){.count = 0};
    iso_arena_init(&mistakes->arena, alloc, 0, MEMORY_MAX);
}

void iso_or_mistakes_fini(struct iso_or_mistakes *mistakes)
{
    iso_arena_fini(&mistakes->arena);
    *mistakes = (struct iso_or_mistakes){.arena = mistakes->arena};
}

/* ---- Places ---------------------------------------------------------------------------------- */

/* Lines end with LF, CR LF or CR. The start of the line after the one at `at`. */
static size_t next_line(struct iso_str text, size_t at)
{
    while (at < text.len && text.ptr[at] != '\n' && text.ptr[at] != '\r') {
        at++;
    }
    if (at + 1 < text.len && text.ptr[at] == '\r' && text.ptr[at + 1] == '\n') {
        at++;
    }
    return at < text.len ? at + 1 : at;
}

/* A line without its end. */
static struct iso_str line_at(struct iso_str text, size_t start)
{
    size_t end = start;
    while (end < text.len && text.ptr[end] != '\n' && text.ptr[end] != '\r') {
        end++;
    }
    return iso_str_from(text.ptr + start, end - start);
}

static size_t char_size(struct iso_str text, size_t at)
{
    size_t size = iso_utf8_char_size(text.ptr + at, text.len - at);
    return size != 0 ? size : 1;
}

static bool ends_line(struct iso_str text, size_t end)
{
    return end > 0 && (text.ptr[end - 1] == '\n' || text.ptr[end - 1] == '\r');
}

static void place(struct iso_str text, struct iso_or_span span, struct iso_or_mistake *out)
{
    size_t start = 0;
    out->line = 1;
    for (;;) {
        size_t next = next_line(text, start);
        if (next == start || next > span.offset || !ends_line(text, next)) {
            break;
        }
        start = next;
        out->line++;
    }
    const struct iso_str line = line_at(text, start);
    size_t at = 0, end = span.offset + span.len - start;
    out->column = 1;
    for (; at < line.len && start + at < span.offset; at += char_size(line, at)) {
        out->column++;
    }
    out->length = 0;
    for (; at < line.len && at < end; at += char_size(line, at)) {
        out->length++;
    }
    /* What goes on over several lines is shown by its first character. */
    out->length = end > line.len || out->length == 0 ? 1 : out->length;
}

static size_t put_name(char *out, size_t at, size_t cap, struct iso_str name)
{
    for (size_t i = 0; i < name.len && at + 3 < cap; i++) {
        char c = name.ptr[i];
        if (c == '~' || c == '/') {
            out[at++] = '~';
            c = c == '~' ? '0' : '1';
        }
        out[at++] = c;
    }
    return at;
}

/* RFC 6901. */
static size_t put_pointer(char out[ISO_OR_POINTER_MAX], const struct iso_or_path *path)
{
    size_t at = 0;
    for (size_t i = 0; path != NULL && i < path->count && at + 24 < ISO_OR_POINTER_MAX; i++) {
        const struct iso_or_segment *segment = &path->segments[i];
        out[at++] = '/';
        at = segment->key.ptr != NULL
                 ? put_name(out, at, ISO_OR_POINTER_MAX, segment->key)
                 : at + iso_format(out + at, ISO_OR_POINTER_MAX - at, "%zu", segment->index);
    }
    return at;
}

/* ---- Collecting ------------------------------------------------------------------------------ */

static bool copy(struct iso_or_mistakes *mistakes, const char *text, size_t len,
                 struct iso_str *out)
{
    const char *made = iso_arena_copy_str(&mistakes->arena, iso_str_from(text, len));
    *out = iso_str_from(made, len);
    return made != NULL;
}

void iso_or_mistakes_add(struct iso_or_mistakes *mistakes, struct iso_str text,
                         struct iso_or_span span, const struct iso_or_path *path, bool warning,
                         const char *format, va_list args)
{
    char message[TEXT_MAX], pointer[ISO_OR_POINTER_MAX];
    mistakes->errors += warning ? 0 : 1;
    if (mistakes->count >= ISO_OR_MISTAKES_MAX) {
        mistakes->more = true;
        return;
    }
    if (mistakes->items == NULL) {
        mistakes->items =
            iso_arena_array(&mistakes->arena, ISO_OR_MISTAKES_MAX, sizeof *mistakes->items);
    }
    struct iso_or_mistake mistake = {.warning = warning};
    size_t len = iso_format_v(message, sizeof message, format, args);
    for (size_t i = 0; i < len; i++) {
        message[i] = message[i] == '\n' ? ' ' : message[i];
    }
    place(text, span, &mistake);
    if (mistakes->items == NULL || !copy(mistakes, message, len, &mistake.text) ||
        !copy(mistakes, pointer, put_pointer(pointer, path), &mistake.pointer)) {
        mistakes->nomem = true;
        return;
    }
    mistakes->items[mistakes->count++] = mistake;
}

static bool is_before(const struct iso_or_mistake *a, const struct iso_or_mistake *b)
{
    return a->line != b->line ? a->line < b->line : a->column < b->column;
}

void iso_or_mistakes_sort(struct iso_or_mistakes *mistakes)
{
    for (size_t i = 1; i < mistakes->count; i++) {
        const struct iso_or_mistake mistake = mistakes->items[i];
        size_t to = i;
        for (; to > 0 && is_before(&mistake, &mistakes->items[to - 1]); to--) {
            mistakes->items[to] = mistakes->items[to - 1];
        }
        mistakes->items[to] = mistake;
    }
}

/* ---- Showing --------------------------------------------------------------------------------- */

static enum iso_err put(struct iso_buf *out, const char *format, ...) ISO_PRINTF(2, 3);

static enum iso_err put(struct iso_buf *out, const char *format, ...)
{
    char text[TEXT_MAX + 300];
    va_list args;
    va_start(args, format);
    size_t len = iso_format_v(text, sizeof text, format, args);
    va_end(args);
    return iso_buf_append(out, text, len);
}

/* A character as it may be shown on a terminal, or, below it, as wide a space. */
static enum iso_err put_char(struct iso_buf *out, struct iso_str line, size_t at, bool below)
{
    char c = line.ptr[at];
    if (c == '\t') {
        return iso_buf_append(out, "\t", 1);
    }
    if (below || (unsigned char)c < 0x20 || c == 0x7F ||
        iso_utf8_char_size(line.ptr + at, line.len - at) == 0) {
        return iso_buf_append(out, below ? " " : "?", 1);
    }
    return iso_buf_append(out, line.ptr + at, char_size(line, at));
}

/* The part of a long line around a column: offsets of its first and behind its last character, and
 * how many characters are left out before it. */
static size_t window(struct iso_str line, const struct iso_or_mistake *mistake, size_t *from,
                     size_t *to)
{
    size_t shown = mistake->length < SHOWN_MAX / 3 ? mistake->length : SHOWN_MAX / 3;
    size_t skipped = mistake->column + shown > SHOWN_MAX ? mistake->column - SHOWN_MAX / 2 - 1 : 0;
    size_t at = 0, count = 0;
    for (; count < skipped && at < line.len; count++) {
        at += char_size(line, at);
    }
    *from = at;
    for (count = 0; count < SHOWN_MAX && at < line.len; count++) {
        at += char_size(line, at);
    }
    *to = at;
    return skipped;
}

static enum iso_err put_line(struct iso_buf *out, struct iso_str line,
                             const struct iso_or_mistake *mistake)
{
    size_t from = 0, to = 0;
    size_t skipped = window(line, mistake, &from, &to);
    const char *cut = from > 0 ? "..." : "";
    enum iso_err err = put(out, "%5u | %s", mistake->line, cut);
    for (size_t at = from; at < to && err == ISO_OK; at += char_size(line, at)) {
        err = put_char(out, line, at, false);
    }
    if (err == ISO_OK) {
        err = put(out, "%s\n      | %s", to < line.len ? "..." : "", from > 0 ? "   " : "");
    }
    size_t column = 1 + skipped, at = from;
    for (; column < mistake->column && err == ISO_OK; column++) {
        err = at < to ? put_char(out, line, at, true) : iso_buf_append(out, " ", 1);
        at += at < to ? char_size(line, at) : 0;
    }
    for (uint32_t i = 0; i < mistake->length && (i == 0 || at < to) && err == ISO_OK; i++) {
        err = iso_buf_append(out, i == 0 ? "^" : "~", 1);
        at += at < to ? char_size(line, at) : 0;
    }
    return err == ISO_OK ? iso_buf_append(out, "\n", 1) : err;
}

enum iso_err iso_or_mistakes_text(const struct iso_or_mistakes *mistakes, const char *name,
                                  struct iso_str manifest, struct iso_buf *out)
{
    enum iso_err err = ISO_OK;
    size_t start = 0;
    uint32_t line = 1;
    for (size_t i = 0; i < mistakes->count && err == ISO_OK; i++) {
        const struct iso_or_mistake *mistake = &mistakes->items[i];
        if (mistake->line < line) {
            start = 0;
            line = 1;
        }
        for (; line < mistake->line; line++) {
            start = next_line(manifest, start);
        }
        err = put(out, "%s:%u:%u: %s: ", name, mistake->line, mistake->column,
                  mistake->warning ? "warning" : "error");
        if (err == ISO_OK) {
            err = put(out, "%.*s\n", (int)mistake->text.len, mistake->text.ptr);
        }
        if (err == ISO_OK) {
            err = put_line(out, line_at(manifest, start), mistake);
        }
    }
    if (err == ISO_OK && mistakes->more) {
        err = put(out, "%s: there are more mistakes; only the first %d are shown\n", name,
                  ISO_OR_MISTAKES_MAX);
    }
    return err;
}

void iso_or_mistakes_write(const struct iso_or_mistakes *mistakes, struct iso_json *json)
{
    iso_json_array_begin(json);
    for (size_t i = 0; i < mistakes->count; i++) {
        const struct iso_or_mistake *mistake = &mistakes->items[i];
        iso_json_object_begin(json);
        iso_json_put_u64(json, "line", mistake->line);
        iso_json_put_u64(json, "column", mistake->column);
        iso_json_put_u64(json, "length", mistake->length);
        iso_json_put_z(json, "severity", mistake->warning ? "warning" : "error");
        iso_json_put_string(json, "pointer", mistake->pointer);
        iso_json_put_string(json, "text", mistake->text);
        iso_json_object_end(json);
    }
    iso_json_array_end(json);
}
