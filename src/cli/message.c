/* Messages on standard error. */
#include "cli/message.h"

#include "cli/status.h"
#include "platform/platform.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <unistd.h>

#define STYLE_BOLD "\033[1m"
#define STYLE_RED "\033[1;31m"
#define STYLE_CYAN "\033[36m"
#define STYLE_OFF "\033[0m"

static const char *style(const char *code)
{
    static int has_colour = -1;
    if (has_colour < 0) {
        has_colour = iso_terminal_has_colour(STDERR_FILENO) ? 1 : 0;
    }
    return has_colour == 1 ? code : "";
}

static bool is_control(const char *text, size_t len)
{
    unsigned char first = (unsigned char)text[0];
    /* U+0080 to U+009F, the other control characters, are C2 80 to C2 9F. */
    return first < 0x20 || first == 0x7f ||
           (len == 2 && first == 0xc2 && (unsigned char)text[1] < 0xa0);
}

void iso_cli_print_str(FILE *out, struct iso_str text)
{
    size_t at = 0;
    while (at < text.len) {
        size_t len = iso_utf8_char_size(text.ptr + at, text.len - at);
        if (len != 0 && !is_control(text.ptr + at, len)) {
            (void)fwrite(text.ptr + at, 1, len, out);
            at += len;
            continue;
        }
        for (size_t end = at + (len != 0 ? len : 1); at < end; at++) {
            fprintf(out, "\\x%02x", (unsigned)(unsigned char)text.ptr[at]);
        }
    }
}

static void print_v(const char *format, va_list args) ISO_PRINTF(1, 0);

static void print_v(const char *format, va_list args)
{
    char text[2048];
    size_t len = iso_format_v(text, sizeof text, format, args);
    iso_cli_print_str(stderr, iso_str_from(text, len));
    fputc('\n', stderr);
}

static void print_label(const char *label)
{
    fprintf(stderr, "%sisomer:%s %s%s:%s ", style(STYLE_BOLD), style(STYLE_OFF), style(STYLE_RED),
            label, style(STYLE_OFF));
}

void iso_cli_error(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print_label("error");
    print_v(format, args);
    va_end(args);
}

void iso_cli_error_text(const char *subject, struct iso_str text)
{
    print_label("error");
    iso_cli_print_str(stderr, iso_str_from_z(subject));
    if (text.len != 0) {
        fputs(": ", stderr);
        iso_cli_print_str(stderr, text);
    }
    fputc('\n', stderr);
}

void iso_cli_error_as(const char *label, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print_label(label);
    print_v(format, args);
    va_end(args);
}

void iso_cli_note(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "%sisomer:%s ", style(STYLE_BOLD), style(STYLE_OFF));
    print_v(format, args);
    va_end(args);
}

void iso_cli_hint(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "  %shint:%s ", style(STYLE_CYAN), style(STYLE_OFF));
    print_v(format, args);
    va_end(args);
}

void iso_cli_detail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("    ", stderr);
    print_v(format, args);
    va_end(args);
}

void iso_cli_error_report(const char *subject, const struct iso_report *report, enum iso_err err)
{
    const char *text = iso_report_text(report, err);
    if (report != NULL && report->has_offset) {
        iso_cli_error("%s: %s (at byte 0x%" PRIx64 ")", subject, text, report->offset);
    } else {
        iso_cli_error("%s: %s", subject, text);
    }
}

void iso_cli_error_lines(const struct iso_report *report, enum iso_err err)
{
    const char *text = iso_report_text(report, err);
    size_t len = strcspn(text, "\n");
    iso_cli_error("%.*s", (int)len, text);
    while (text[len] != '\0') {
        text += len + 1;
        len = strcspn(text, "\n");
        iso_cli_detail("%.*s", (int)len, text);
    }
}

int iso_cli_finish_output(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout)) {
        return status;
    }
    iso_cli_error("cannot write to standard output: %s", iso_errno_text(errno));
    return ISO_CLI_IO;
}
