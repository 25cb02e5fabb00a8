/* log.c - lines on standard error, as text, as JSON, or with the journal's priorities
 * (sd-daemon(3)). */
#include "supervisor/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char *const level_names[] = {"debug", "info", "warning", "error"};
static const int priorities[] = {7, 6, 4, 3}; /* syslog(3) */

const char *iso_sv_log_level_name(enum iso_sv_log_level level)
{
    return level_names[level];
}

void iso_sv_log_init(struct iso_sv_log *log, bool json, unsigned level)
{
    *log = (struct iso_sv_log){.json = json, .level = level};
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat st;
    char present[64];
    if (stream != NULL && fstat(STDERR_FILENO, &st) == 0) {
        (void)snprintf(present, sizeof present, "%ju:%ju", (uintmax_t)st.st_dev,
                       (uintmax_t)st.st_ino);
        log->journal = strcmp(stream, present) == 0;
    }
}

uint64_t iso_sv_now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void iso_sv_time_text(uint64_t ns, char out[32])
{
    const time_t seconds = (time_t)(ns / 1000000000u);
    struct tm utc;
    char date[24] = "";
    if (gmtime_r(&seconds, &utc) != NULL) {
        (void)strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &utc);
    }
    (void)snprintf(out, 32, "%s.%03uZ", date, (unsigned)(ns / 1000000u % 1000u));
}

static void write_json(enum iso_sv_log_level level, const char *time, const char *subject,
                       const char *message)
{
    struct iso_buf buf;
    struct iso_json json;
    iso_buf_init(&buf, iso_alloc_libc(), 16384);
    iso_json_init_buf(&json, &buf, 0);
    iso_json_object_begin(&json);
    iso_json_key(&json, "time");
    iso_json_z(&json, time);
    iso_json_key(&json, "level");
    iso_json_z(&json, level_names[level]);
    iso_json_key(&json, "subject");
    iso_json_z(&json, subject);
    iso_json_key(&json, "message");
    iso_json_z(&json, message);
    iso_json_object_end(&json);
    if (iso_json_finish(&json) == ISO_OK && iso_buf_append_u8(&buf, '\n') == ISO_OK) {
        (void)fwrite(buf.ptr, 1, buf.len, stderr);
    }
    iso_buf_fini(&buf);
}

void iso_sv_log_write(const struct iso_sv_log *log, enum iso_sv_log_level level,
                      const char *subject, const char *format, ...)
{
    if (level < log->level) {
        return;
    }
    char message[2048];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args);
    va_end(args);
    for (char *c = message; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            *c = *c == '\n' ? '|' : ' ';
        }
    }
    char time[32];
    iso_sv_time_text(iso_sv_now_ns(), time);
    if (log->json) {
        write_json(level, time, subject, message);
    } else if (log->journal) {
        (void)fprintf(stderr, "<%d>%s: %s\n", priorities[level], subject, message);
    } else {
        (void)fprintf(stderr, "%s %-7s %s: %s\n", time, level_names[level], subject, message);
    }
}
