/* Mistakes of a manifest, with the lines that they are on. */
#include "cli/client_mistakes.h"

#include "base/format.h"
#include "cli/client.h"
#include "cli/message.h"
#include "platform/platform.h"

#include <stdlib.h>
#include <unistd.h>

enum { LINE_MAX_CHARS = 500 };

/* Line number `line`, from 1, without its end; empty beyond the last. */
static struct iso_str line_of(struct iso_str text, uint64_t line)
{
    size_t at = 0;
    for (; line > 1 && at < text.len; at++) {
        line -= text.ptr[at] == '\n';
    }
    size_t end = at;
    while (end < text.len && text.ptr[end] != '\n' && text.ptr[end] != '\r') {
        end++;
    }
    return iso_str_from(text.ptr + at, end - at);
}

/* What stands before the caret is as wide as what stands before the place: tabs stay tabs. */
static void print_caret(struct iso_str line, uint64_t column, uint64_t length)
{
    uint64_t character = 0;
    fputs("      | ", stderr);
    for (size_t i = 0; i < line.len && character + 1 < column; i++) {
        if (((unsigned char)line.ptr[i] & 0xc0u) != 0x80u) {
            character++;
            fputc(line.ptr[i] == '\t' ? '\t' : ' ', stderr);
        }
    }
    fputc('^', stderr);
    for (uint64_t i = 1; i < length && i < LINE_MAX_CHARS; i++) {
        fputc('~', stderr);
    }
    fputc('\n', stderr);
}

static void print_mistake(const char *name, struct iso_str text, uint64_t line, uint64_t column,
                          uint64_t length, const char *severity, const char *message)
{
    const bool colour = iso_terminal_has_colour(STDERR_FILENO);
    const bool error = strcmp(severity, "warning") != 0;
    const struct iso_str source = line != 0 ? line_of(text, line) : iso_str_from("", 0);
    iso_cli_print_str(stderr, iso_str_from_z(name));
    if (line != 0) {
        fprintf(stderr, ":%llu:%llu", (unsigned long long)line, (unsigned long long)column);
    }
    fprintf(stderr, ": %s%s:%s ",
            !colour ? ""
            : error ? "\x1b[1;31m"
                    : "\x1b[1;35m",
            error ? "error" : "warning", colour ? "\x1b[0m" : "");
    iso_cli_print_str(stderr, iso_str_from_z(message));
    fputc('\n', stderr);
    if (source.len != 0 && source.len <= LINE_MAX_CHARS) {
        fprintf(stderr, "%5llu | ", (unsigned long long)line);
        for (size_t i = 0; i < source.len; i++) {
            const char c = source.ptr[i];
            fputc((unsigned char)c < 0x20 && c != '\t' ? '?' : c, stderr);
        }
        fputc('\n', stderr);
        print_caret(source, column, length);
    }
}

size_t iso_cli_mistakes_print(const json_t *mistakes, const char *name, struct iso_str text)
{
    size_t i, errors = 0;
    json_t *mistake;
    json_array_foreach((json_t *)(uintptr_t)mistakes, i, mistake)
    {
        const char *severity = iso_cli_json_text(mistake, "severity");
        errors += strcmp(severity, "warning") != 0;
        print_mistake(name, text, iso_cli_json_number(mistake, "line"),
                      iso_cli_json_number(mistake, "column"),
                      iso_cli_json_number(mistake, "length"), severity,
                      iso_cli_json_text(mistake, "text"));
    }
    return errors;
}

void iso_cli_mistake_at(const char *name, struct iso_str text, const char *found,
                        const char *message)
{
    const size_t len = strlen(found);
    uint64_t line = 1, column = 1;
    for (size_t i = 0; i + len <= text.len; i++) {
        if (memcmp(text.ptr + i, found, len) == 0) {
            print_mistake(name, text, line, column, len, "error", message);
            return;
        }
        column = text.ptr[i] == '\n' ? 0 : column;
        line += text.ptr[i] == '\n';
        column += ((unsigned char)text.ptr[i] & 0xc0u) != 0x80u;
    }
    print_mistake(name, text, 0, 0, 0, "error", message);
}
