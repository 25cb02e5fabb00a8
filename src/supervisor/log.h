/* log.h - the supervisor's own log: lines with a subject and key=value pairs, on standard error. */
#ifndef ISO_SUPERVISOR_LOG_H
#define ISO_SUPERVISOR_LOG_H

#include "supervisor/core.h"

struct iso_sv_log {
    bool json;      /* each line an object {"time", "level", "subject", "message"} */
    bool journal;   /* standard error goes to the journal: lines begin with "<N>", without a time */
    unsigned level; /* the least that is written */
};

/* "debug", "info", "warning", "error" */
const char *iso_sv_log_level_name(enum iso_sv_log_level level);

/* Looks whether standard error goes to systemd's journal (JOURNAL_STREAM, systemd.exec(5)). */
void iso_sv_log_init(struct iso_sv_log *log, bool json, unsigned level);
/* One line. subject: "http", "deployment app=x", ... Control characters are escaped. Any thread. */
void iso_sv_log_write(const struct iso_sv_log *log, enum iso_sv_log_level level,
                      const char *subject, const char *format, ...) ISO_PRINTF(4, 5);

/* Now, in nanoseconds since 1970, and as "2026-01-31T12:00:00.000Z". */
uint64_t iso_sv_now_ns(void);
void iso_sv_time_text(uint64_t ns, char out[32]);

#endif
