/* log.h - a daemon's own log: lines with a subject and key=value pairs, on standard error. */
#ifndef ISO_DAEMON_LOG_H
#define ISO_DAEMON_LOG_H

#include "base/base.h"

enum iso_log_level { ISO_LOG_DEBUG, ISO_LOG_INFO, ISO_LOG_WARNING, ISO_LOG_ERROR };

struct iso_log {
    bool json;      /* each line an object {"time", "level", "subject", "message"} */
    bool journal;   /* standard error goes to the journal: lines begin with "<N>", without a time */
    unsigned level; /* the least that is written */
};

/* "debug", "info", "warning", "error" */
const char *iso_log_level_name(enum iso_log_level level);
/* The level of such a name, for flags and files. Errors: ARGUMENT. */
ISO_MUST_CHECK enum iso_err iso_log_level_parse(const char *text, unsigned *out,
                                                struct iso_report *report);

/* Looks whether standard error goes to systemd's journal (JOURNAL_STREAM, systemd.exec(5)). */
void iso_log_init(struct iso_log *log, bool json, unsigned level);
/* One line. subject: "http", "deployment app=x", ... Control characters are escaped. Any thread. */
void iso_log_write(const struct iso_log *log, enum iso_log_level level, const char *subject,
                   const char *format, ...) ISO_PRINTF(4, 5);

#endif
