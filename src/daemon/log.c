/* log.c - lines on standard error, as text, as JSON, or with the journal's priorities
 * (sd-daemon(3)). */
#include "daemon/log.h"

#include "base/json_member.h"
#include "daemon/clock.h"

#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* At most PIPE_BUF, which a writable pipe takes whole. */
enum { LINE_CAP = 4096 };

static const char *const level_names[] = {"debug", "info", "warning", "error"};
static const int priorities[] = {7, 6, 4, 3}; /* syslog(3) */

const char *iso_log_level_name(enum iso_log_level level)
{
    return level_names[level];
}

void iso_log_init(struct iso_log *log, bool json, unsigned level)
{
    *log = (struct iso_log){.json = json, .level = level};
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat st;
    char present[64];
    if (stream != NULL && fstat(STDERR_FILENO, &st) == 0) {
        (void)snprintf(present, sizeof present, "%ju:%ju", (uintmax_t)st.st_dev,
                       (uintmax_t)st.st_ino);
        log->journal = strcmp(stream, present) == 0;
    }
}

enum iso_err iso_log_level_parse(const char *text, unsigned *out, struct iso_report *report)
{
    for (unsigned level = ISO_LOG_DEBUG; level <= ISO_LOG_ERROR; level++) {
        if (strcmp(text, level_names[level]) == 0) {
            *out = level;
            return ISO_OK;
        }
    }
    return iso_fail(report, ISO_E_ARGUMENT,
                    "\"%s\" is no log level; write debug, info, warning or error", text);
}

static size_t format_json(char *out, size_t cap, enum iso_log_level level, const char *time,
                          const char *subject, const char *message)
{
    struct iso_buf buf;
    struct iso_json json;
    size_t len = 0;
    iso_buf_init(&buf, iso_alloc_libc(), cap);
    iso_json_init_buf(&json, &buf, 0);
    iso_json_object_begin(&json);
    iso_json_put_z(&json, "time", time);
    iso_json_put_z(&json, "level", level_names[level]);
    iso_json_put_z(&json, "subject", subject);
    iso_json_put_z(&json, "message", message);
    iso_json_object_end(&json);
    if (iso_json_finish(&json) == ISO_OK && iso_buf_append_u8(&buf, '\n') == ISO_OK) {
        memcpy(out, buf.ptr, buf.len);
        len = buf.len;
    }
    iso_buf_fini(&buf);
    return len;
}

/* Whoever reads the log may stop reading: then lines are dropped and counted, and nothing waits. A
 * pipe that is writable takes PIPE_BUF bytes at once. */
static void put_line(const char *line, size_t len)
{
    static atomic_uint dropped;
    struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
    if (poll(&out, 1, 0) != 1 || (out.revents & POLLOUT) == 0) {
        (void)atomic_fetch_add(&dropped, 1);
        return;
    }
    const unsigned lost = atomic_exchange(&dropped, 0);
    if (lost != 0) {
        char text[64];
        const int count = snprintf(text, sizeof text, "(%u lines of the log were lost)\n", lost);
        if (write(STDERR_FILENO, text, (size_t)count) < 0 || poll(&out, 1, 0) != 1) {
            return;
        }
    }
    if (write(STDERR_FILENO, line, len) < 0) {
        (void)atomic_fetch_add(&dropped, 1);
    }
}

/* What could drive a terminal or turn its text around becomes a blank: controls of ASCII, those of
 * Latin 1 (C2 80 to C2 9F), and marks of direction (E2 80 AA to AE, E2 81 A6 to A9). */
static void make_harmless(char *text)
{
    for (unsigned char *c = (unsigned char *)text; *c != '\0'; c++) {
        if (*c < 0x20 || *c == 0x7f) {
            *c = *c == '\n' ? '|' : ' ';
        } else if (c[0] == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f) {
            c[0] = c[1] = ' ';
        } else if (c[0] == 0xe2 && ((c[1] == 0x80 && c[2] >= 0xaa && c[2] <= 0xae) ||
                                    (c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9))) {
            c[0] = c[1] = c[2] = ' ';
        }
    }
}

void iso_log_write(const struct iso_log *log, enum iso_log_level level, const char *subject,
                   const char *format, ...)
{
    if (level < log->level) {
        return;
    }
    char message[1900];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args);
    va_end(args);
    make_harmless(message);
    char time[32], line[LINE_CAP];
    size_t len;
    iso_clock_text(iso_clock_now_ns(), time);
    if (log->json) {
        len = format_json(line, sizeof line, level, time, subject, message);
    } else if (log->journal) {
        len = (size_t)snprintf(line, sizeof line, "<%d>%s: %s\n", priorities[level], subject,
                               message);
    } else {
        len = (size_t)snprintf(line, sizeof line, "%s %-7s %s: %s\n", time, level_names[level],
                               subject, message);
    }
    put_line(line, len < sizeof line ? len : sizeof line - 1);
}
