/* Progress on standard error. */
#include "cli/client_progress.h"

#include "base/format.h"
#include "cli/client.h"
#include "cli/message.h"

#include <unistd.h>

void iso_cli_progress_init(struct iso_cli_progress *progress, bool quiet)
{
    *progress = (struct iso_cli_progress){.quiet = quiet, .terminal = isatty(STDERR_FILENO) == 1};
}

/* As much of a text as fits, on one line. */
static void replace_line(struct iso_cli_progress *progress, const char *text)
{
    const size_t width = iso_cli_terminal_width(stderr);
    size_t len = strlen(text);
    if (len + 1 > width) {
        len = width - 1;
        while (len > 0 && ((unsigned char)text[len] & 0xc0u) == 0x80u) {
            len--; /* no half characters */
        }
    }
    fputs("\r\x1b[K", stderr);
    iso_cli_print_str(stderr, iso_str_from(text, len));
    (void)fflush(stderr);
    progress->shown = true;
}

static void show(struct iso_cli_progress *progress, bool step, const char *format, va_list args)
{
    char text[sizeof progress->last];
    if (progress->quiet || (!progress->terminal && !step)) {
        return;
    }
    (void)iso_format_v(text, sizeof text, format, args);
    if (strcmp(text, progress->last) == 0 && (progress->shown || !progress->terminal)) {
        return;
    }
    memcpy(progress->last, text, sizeof text);
    if (progress->terminal) {
        replace_line(progress, text);
    } else {
        iso_cli_note("%s", text);
    }
}

void iso_cli_progress_now(struct iso_cli_progress *progress, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    show(progress, false, format, args);
    va_end(args);
}

void iso_cli_progress_step(struct iso_cli_progress *progress, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    show(progress, true, format, args);
    va_end(args);
}

void iso_cli_progress_clear(struct iso_cli_progress *progress)
{
    if (progress->shown) {
        fputs("\r\x1b[K", stderr);
        (void)fflush(stderr);
        progress->shown = false;
    }
}
