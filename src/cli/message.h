/* What the program says on standard error. One place decides about colour and makes text from files
 * harmless to terminals. */
#ifndef ISO_CLI_MESSAGE_H
#define ISO_CLI_MESSAGE_H

#include "base/base.h"

#include <stdio.h>

/* "isomer: error: ..." in one line, without a full stop. */
void iso_cli_error(const char *format, ...) ISO_PRINTF(1, 2);
/* The same with a text of any length after a subject and a colon; only the subject without one. */
void iso_cli_error_text(const char *subject, struct iso_str text);
/* "isomer: ...": for what is not an error, such as a snapshot that was written. */
void iso_cli_note(const char *format, ...) ISO_PRINTF(1, 2);
/* "  hint: ...": what to do about the message before. */
void iso_cli_hint(const char *format, ...) ISO_PRINTF(1, 2);

/* "isomer: error: <subject>: <report>", with "(at byte 0x...)" when the report has an offset. */
void iso_cli_error_report(const char *subject, const struct iso_report *report, enum iso_err err);

/* The report's lines: the first as "isomer: error: ...", the others (source text and caret) below.
 */
void iso_cli_error_lines(const struct iso_report *report, enum iso_err err);

/* A heading like "isomer: trap: ..." with a label of one's own, and a plain line after it. */
void iso_cli_error_as(const char *label, const char *format, ...) ISO_PRINTF(2, 3);
void iso_cli_detail(const char *format, ...) ISO_PRINTF(1, 2);

/*
 * Write text that came from a file: control characters and bytes that are no UTF-8 as \xNN, so that
 * a name in a module cannot drive the terminal.
 */
void iso_cli_print_str(FILE *out, struct iso_str text);

/* Flush standard output; ISO_CLI_IO with a message when something could not be written, else
 * status. */
int iso_cli_finish_output(int status);

#endif
