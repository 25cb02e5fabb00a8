/* Reports: the first message wins. */
#include "base/report.h"

#include "base/format.h"

#include <stddef.h>

void iso_report_init(struct iso_report *report)
{
    if (report != NULL) {
        report->text[0] = '\0';
        report->offset = 0;
        report->has_offset = false;
        report->set = false;
    }
}

static bool takes_message(const struct iso_report *report)
{
    return report != NULL && !report->set;
}

static void set_v(struct iso_report *report, const char *format, va_list args) ISO_PRINTF(2, 0);

static void set_v(struct iso_report *report, const char *format, va_list args)
{
    (void)iso_format_v(report->text, sizeof report->text, format, args);
    report->set = true;
}

static void set_offset(struct iso_report *report, uint64_t byte_offset)
{
    report->offset = byte_offset;
    report->has_offset = true;
}

void iso_report_set(struct iso_report *report, const char *format, ...)
{
    if (!takes_message(report)) {
        return;
    }
    va_list args;
    va_start(args, format);
    set_v(report, format, args);
    va_end(args);
}

void iso_report_set_at(struct iso_report *report, uint64_t byte_offset, const char *format, ...)
{
    if (!takes_message(report)) {
        return;
    }
    va_list args;
    va_start(args, format);
    set_v(report, format, args);
    va_end(args);
    set_offset(report, byte_offset);
}

enum iso_err iso_fail(struct iso_report *report, enum iso_err err, const char *format, ...)
{
    if (takes_message(report)) {
        va_list args;
        va_start(args, format);
        set_v(report, format, args);
        va_end(args);
    }
    return err;
}

enum iso_err iso_fail_at(struct iso_report *report, enum iso_err err, uint64_t byte_offset,
                         const char *format, ...)
{
    if (takes_message(report)) {
        va_list args;
        va_start(args, format);
        set_v(report, format, args);
        va_end(args);
        set_offset(report, byte_offset);
    }
    return err;
}

const char *iso_report_text(const struct iso_report *report, enum iso_err err)
{
    return report != NULL && report->set ? report->text : iso_err_text(err);
}
