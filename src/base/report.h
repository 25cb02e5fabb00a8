/* Text for people about one failure, beside the error code.
 *
 * Whoever detects the failure knows best what it was, so the first message wins; callers further up
 * may set theirs without asking. A message says what is wrong, where, and what would be right. A
 * NULL report is allowed everywhere: then nothing is written and nothing is formatted. */
#ifndef ISO_BASE_REPORT_H
#define ISO_BASE_REPORT_H

#include "base/err.h"
#include "base/macros.h"

#include <stdbool.h>
#include <stdint.h>

struct iso_report {
    char text[512];  /* zero-terminated, one line without a full stop; cut when longer */
    uint64_t offset; /* byte offset in the input, when has_offset */
    bool has_offset;
    bool set;
};

/* Empties the report so that it takes the next message. NULL is allowed. */
void iso_report_init(struct iso_report *report);

/* Sets the message unless one is set. */
void iso_report_set(struct iso_report *report, const char *format, ...) ISO_PRINTF(2, 3);
void iso_report_set_at(struct iso_report *report, uint64_t byte_offset, const char *format, ...)
    ISO_PRINTF(3, 4);

/* The same and returns `err`, for `return iso_fail(report, ISO_E_..., "...")`. */
ISO_MUST_CHECK enum iso_err iso_fail(struct iso_report *report, enum iso_err err,
                                     const char *format, ...) ISO_PRINTF(3, 4);
ISO_MUST_CHECK enum iso_err iso_fail_at(struct iso_report *report, enum iso_err err,
                                        uint64_t byte_offset, const char *format, ...)
    ISO_PRINTF(4, 5);

/* The message; without one, the general text of `err`. Borrowed from the report or static. */
const char *iso_report_text(const struct iso_report *report, enum iso_err err);

#endif
