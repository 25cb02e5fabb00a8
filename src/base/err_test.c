/* Error codes and reports. */
#include "base/test.h"

TEST(error_codes_have_names_and_texts)
{
    CHECK_STR(iso_err_name(ISO_OK), "ISO_OK");
    CHECK_STR(iso_err_name(ISO_E_NOMEM), "ISO_E_NOMEM");
    CHECK_STR(iso_err_text(ISO_E_NOMEM), "out of memory");
    CHECK_STR(iso_err_name(ISO_E_PENDING), "ISO_E_PENDING");
    CHECK_EQ_U64(ISO_OK, 0);
}

TEST(error_code_outside_the_table_is_named_as_unknown)
{
    CHECK_STR(iso_err_name((enum iso_err)999), "ISO_E_?");
    CHECK_STR(iso_err_text((enum iso_err)999), "unknown error");
    CHECK_STR(iso_err_name((enum iso_err)(ISO_E_PENDING + 1)), "ISO_E_?");
}

TEST(report_keeps_the_first_message)
{
    struct iso_report report;
    iso_report_init(&report);
    CHECK(!report.set);
    CHECK_STR(iso_report_text(&report, ISO_E_IO), "input or output failed");
    CHECK_ERR(iso_fail_at(&report, ISO_E_MALFORMED, 42, "bad %s", "magic"), ISO_E_MALFORMED);
    CHECK_ERR(iso_fail(&report, ISO_E_LIMIT, "later"), ISO_E_LIMIT);
    iso_report_set(&report, "later");
    iso_report_set_at(&report, 7, "later");
    CHECK(report.set);
    CHECK(report.has_offset);
    CHECK_EQ_U64(report.offset, 42);
    CHECK_STR(iso_report_text(&report, ISO_E_LIMIT), "bad magic");
}

TEST(report_without_an_offset_says_so)
{
    struct iso_report report;
    iso_report_init(&report);
    iso_report_set(&report, "no room");
    iso_report_set_at(&report, 7, "later");
    CHECK(!report.has_offset);
    CHECK_STR(report.text, "no room");
}

TEST(report_takes_a_message_again_after_init)
{
    struct iso_report report;
    iso_report_init(&report);
    iso_report_set_at(&report, 1, "first");
    iso_report_init(&report);
    iso_report_set(&report, "second");
    CHECK_STR(report.text, "second");
    CHECK(!report.has_offset);
}

TEST(report_may_be_null)
{
    iso_report_init(NULL);
    iso_report_set(NULL, "nothing");
    iso_report_set_at(NULL, 1, "nothing");
    CHECK_ERR(iso_fail(NULL, ISO_E_IO, "nothing"), ISO_E_IO);
    CHECK_ERR(iso_fail_at(NULL, ISO_E_IO, 1, "nothing"), ISO_E_IO);
    CHECK_STR(iso_report_text(NULL, ISO_E_EXISTS), "exists already");
}

TEST(report_cuts_long_messages_between_characters)
{
    struct iso_report report;
    char text[1024];
    for (size_t lead = 0; lead < 4; lead++) {
        memset(text, 'x', lead);
        size_t len = lead;
        while (len + 4 < sizeof text) {
            memcpy(text + len, "\xf0\x9f\x8c\x8d", 4);
            len += 4;
        }
        text[len] = '\0';
        iso_report_init(&report);
        iso_report_set(&report, "%s", text);
        size_t cut = strlen(report.text);
        CHECK(cut >= sizeof report.text - 4 && cut < sizeof report.text);
        CHECK(iso_utf8_valid(report.text, cut));
    }
}

TEST(formatted_doubles_read_back_and_are_short)
{
    char text[32];
    CHECK_EQ_U64(iso_format_f64(text, 0.1), 3);
    CHECK_STR(text, "0.1");
    iso_format_f64(text, 1.0 / 3.0);
    CHECK_STR(text, "0.3333333333333333");
    iso_format_f64(text, 5e-324);
    CHECK_STR(text, "4.94065645841247e-324");
    iso_format_f64(text, -1.7976931348623157e308);
    CHECK_STR(text, "-1.7976931348623157e+308");
    iso_format_f64(text, -0.0);
    CHECK_STR(text, "-0");
}
