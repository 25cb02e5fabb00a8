/* What a command is doing while it takes time, on standard error: one line that changes on a
 * terminal, else a line for each new thing. */
#ifndef ISO_CLI_CLIENT_PROGRESS_H
#define ISO_CLI_CLIENT_PROGRESS_H

#include "base/base.h"

struct iso_cli_progress {
    bool quiet, terminal;
    bool shown;     /* a line stands there */
    char last[400]; /* as printed */
};

void iso_cli_progress_init(struct iso_cli_progress *progress, bool quiet);
/* How it stands now: replaces the line of a terminal; not shown elsewhere. */
void iso_cli_progress_now(struct iso_cli_progress *progress, const char *format, ...)
    ISO_PRINTF(2, 3);
/* A step: the same on a terminal; a line elsewhere, unless it is the same as the last. */
void iso_cli_progress_step(struct iso_cli_progress *progress, const char *format, ...)
    ISO_PRINTF(2, 3);
/* Takes the line away, so that something else can be printed. */
void iso_cli_progress_clear(struct iso_cli_progress *progress);

#endif
