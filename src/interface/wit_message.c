/*
 * wit_message.c - messages about WIT texts: the place, what is wrong, the line, and a caret.
 */
#include "interface/wit_syntax.h"

#include "base/format.h"

#include <stdarg.h>

enum {
    BEFORE_MAX = 60, /* bytes of the line that are shown before the place */
    AFTER_MAX = 40   /* and after it */
};

/* Where the character begins that holds the byte at pos. */
static size_t character_start(const uint8_t *text, size_t from, size_t pos)
{
    while (pos > from && (text[pos] & 0xc0) == 0x80) {
        pos--;
    }
    return pos;
}

/* Characters from `from` to `to`; bytes that only continue one do not count. */
static size_t characters(const uint8_t *text, size_t from, size_t to)
{
    size_t count = 0;
    for (size_t i = from; i < to; i++) {
        count += (text[i] & 0xc0) != 0x80;
    }
    return count;
}

/* What is printed of a line: its own bytes, but nothing that would confuse a terminal. */
static size_t show_line(const uint8_t *text, size_t from, size_t to, char *out)
{
    size_t len = 0;
    for (size_t i = from; i < to;) {
        size_t size = iso_utf8_char_size(text + i, to - i);
        bool plain =
            size > 1 || (size == 1 && (text[i] >= ' ' || text[i] == '\t') && text[i] != 0x7f);
        if (plain) {
            memcpy(out + len, text + i, size);
            len += size;
        } else {
            out[len++] = '?';
            size = 1;
        }
        i += size;
    }
    return len;
}

/* The same width as show_line's text, in blanks; tabs stay tabs. */
static size_t show_indent(const uint8_t *text, size_t from, size_t to, char *out)
{
    size_t len = 0;
    for (size_t i = from; i < to;) {
        size_t size = iso_utf8_char_size(text + i, to - i);
        out[len++] = text[i] == '\t' ? '\t' : ' ';
        i += size == 0 ? 1 : size;
    }
    return len;
}

enum iso_err iso_wit_fail(const struct iso_wit_context *context, struct iso_wit_at at,
                          enum iso_err err, const char *format, ...)
{
    if (context->report == NULL || context->report->set) {
        return err;
    }
    char message[240];
    va_list args;
    va_start(args, format);
    (void)iso_format_v(message, sizeof message, format, args);
    va_end(args);

    const struct iso_wit_source *source = &context->sources[at.source];
    const uint8_t *text = source->text.ptr;
    size_t len = source->text.len, line = 1, start = 0, pos = at.offset < len ? at.offset : len;
    for (size_t i = 0; i < pos; i++) {
        if (text[i] == '\n') {
            line++;
            start = i + 1;
        }
    }
    size_t end = pos;
    while (end < len && text[end] != '\n' && text[end] != '\r') {
        end++;
    }
    size_t column = characters(text, start, pos) + 1;
    /* A long line is cut around the place. */
    size_t from = pos - start > BEFORE_MAX ? character_start(text, start, pos - BEFORE_MAX) : start;
    size_t to = end - pos > AFTER_MAX ? character_start(text, pos, pos + AFTER_MAX) : end;
    char shown[BEFORE_MAX + AFTER_MAX + 8];
    char indent[BEFORE_MAX + 8];
    size_t shown_len = show_line(text, from, to, shown);
    size_t indent_len = show_indent(text, from, pos, indent);
    iso_report_set_at(context->report, pos, "%.60s:%zu:%zu: %s\n%.*s\n%.*s^",
                      source->name != NULL ? source->name : "wit", line, column, message,
                      (int)shown_len, shown, (int)indent_len, indent);
    return err;
}

enum iso_err iso_wit_no_memory(const struct iso_wit_context *context, const struct iso_arena *arena)
{
    /* Nothing asks for more than this at once, so less being left means that the limit was met. */
    if (arena->max_bytes - arena->used_bytes < ISO_WIT_MAX_MEMORY / 8) {
        return iso_fail(context->report, ISO_E_LIMIT,
                        "the interfaces take more than %u MiB of memory", ISO_WIT_MAX_MEMORY >> 20);
    }
    return ISO_E_NOMEM;
}
