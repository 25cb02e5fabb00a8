/* Sizes, durations and counts: what is accepted, and that refusals say what would be right. */
#include "base/test.h"
#include "platform/platform.h"

static struct iso_report report;

static uint64_t size_of(const char *text)
{
    uint64_t value = 0;
    iso_report_init(&report);
    CHECK_OK(iso_parse_size(text, &value, &report));
    return value;
}

static void refuse_size(const char *text, enum iso_err err, const char *part)
{
    uint64_t value = 77;
    iso_report_init(&report);
    CHECK_ERR(iso_parse_size(text, &value, &report), err);
    CHECK_CONTAINS(report.text, part);
    CHECK_EQ_U64(value, 77);
}

static uint64_t duration_of(const char *text)
{
    uint64_t value = 0;
    iso_report_init(&report);
    CHECK_OK(iso_parse_duration(text, &value, &report));
    return value;
}

static void refuse_duration(const char *text, enum iso_err err, const char *part)
{
    uint64_t value = 77;
    iso_report_init(&report);
    CHECK_ERR(iso_parse_duration(text, &value, &report), err);
    CHECK_CONTAINS(report.text, part);
    CHECK_EQ_U64(value, 77);
}

TEST(sizes_with_and_without_units)
{
    CHECK_EQ_U64(size_of("0"), 0);
    CHECK_EQ_U64(size_of("4096"), 4096);
    CHECK_EQ_U64(size_of("12B"), 12);
    CHECK_EQ_U64(size_of("64KiB"), 65536);
    CHECK_EQ_U64(size_of("64kib"), 65536);
    CHECK_EQ_U64(size_of("64K"), 65536);
    CHECK_EQ_U64(size_of("64kB"), 64000);
    CHECK_EQ_U64(size_of("3MiB"), 3145728);
    CHECK_EQ_U64(size_of("3MB"), 3000000);
    CHECK_EQ_U64(size_of("4GiB"), UINT64_C(4294967296));
    CHECK_EQ_U64(size_of("2TB"), UINT64_C(2000000000000));
    CHECK_EQ_U64(size_of("18446744073709551615"), UINT64_MAX);
}

TEST(sizes_that_are_none)
{
    refuse_size("", ISO_E_ARGUMENT, "not a size");
    refuse_size("lots", ISO_E_ARGUMENT, "such as 64MiB");
    refuse_size("-1", ISO_E_ARGUMENT, "not a size");
    refuse_size(" 1", ISO_E_ARGUMENT, "not a size");
    refuse_size("1.5MiB", ISO_E_ARGUMENT, "smaller unit");
    refuse_size("64 MiB", ISO_E_ARGUMENT, "no unit of size");
    refuse_size("64MiBs", ISO_E_ARGUMENT, "'MiBs'");
    refuse_size("18446744073709551616", ISO_E_LIMIT, "too large");
    refuse_size("16777216TiB", ISO_E_LIMIT, "too large");
}

TEST(a_limit_of_0_is_refused)
{
    uint64_t bytes = 7;
    iso_report_init(&report);
    CHECK_ERR(iso_parse_limit("0MiB", &bytes, &report), ISO_E_ARGUMENT);
    CHECK_STR(report.text, "nothing fits into 0 bytes; leave it out for the default");
    CHECK_EQ_U64(bytes, 7);
    CHECK_ERR(iso_parse_limit("x", &bytes, NULL), ISO_E_ARGUMENT);
    CHECK_OK(iso_parse_limit("8MiB", &bytes, NULL));
    CHECK_EQ_U64(bytes, 8u << 20);
}

TEST(durations)
{
    CHECK_EQ_U64(duration_of("0s"), 0);
    CHECK_EQ_U64(duration_of("100ns"), 100);
    CHECK_EQ_U64(duration_of("10us"), 10000);
    CHECK_EQ_U64(duration_of("500ms"), 500000000);
    CHECK_EQ_U64(duration_of("2s"), 2000000000);
    CHECK_EQ_U64(duration_of("1.5s"), 1500000000);
    CHECK_EQ_U64(duration_of("0.000000001s"), 1);
    CHECK_EQ_U64(duration_of("0.25ms"), 250000);
    CHECK_EQ_U64(duration_of("0.9ns"), 0);
    CHECK_EQ_U64(duration_of("5m"), UINT64_C(300000000000));
    CHECK_EQ_U64(duration_of("5min"), UINT64_C(300000000000));
    CHECK_EQ_U64(duration_of("1h"), UINT64_C(3600000000000));
    CHECK_EQ_U64(duration_of("0.5D"), UINT64_C(43200000000000));
    CHECK_EQ_U64(duration_of("9223372036854775807ns"), INT64_MAX);
}

TEST(durations_that_are_none)
{
    refuse_duration("", ISO_E_ARGUMENT, "not a duration");
    refuse_duration("soon", ISO_E_ARGUMENT, "such as 500ms");
    refuse_duration("-2s", ISO_E_ARGUMENT, "not a duration");
    refuse_duration("2", ISO_E_ARGUMENT, "did you mean 2s or 2ms?");
    refuse_duration("1.s", ISO_E_ARGUMENT, "not a duration");
    refuse_duration("1.1234567890s", ISO_E_ARGUMENT, "not a duration");
    refuse_duration("2 s", ISO_E_ARGUMENT, "no unit of time");
    refuse_duration("2weeks", ISO_E_ARGUMENT, "'weeks'");
    refuse_duration("9223372036854775808ns", ISO_E_LIMIT, "too long");
    refuse_duration("99999999999999999999999s", ISO_E_LIMIT, "too long");
    refuse_duration("9223372036.9s", ISO_E_LIMIT, "too long");
}

TEST(counts)
{
    uint64_t value = 0;
    CHECK_OK(iso_parse_count("0", 10, &value, NULL));
    CHECK_EQ_U64(value, 0);
    CHECK_OK(iso_parse_count("1_000_000", UINT64_MAX, &value, NULL));
    CHECK_EQ_U64(value, 1000000);
    CHECK_OK(iso_parse_count("0xFf", 255, &value, NULL));
    CHECK_EQ_U64(value, 255);
    CHECK_OK(iso_parse_count("18446744073709551615", UINT64_MAX, &value, NULL));
    CHECK_EQ_U64(value, UINT64_MAX);

    CHECK_ERR(iso_parse_count("", 10, &value, NULL), ISO_E_ARGUMENT);
    CHECK_ERR(iso_parse_count("0x", 10, &value, NULL), ISO_E_ARGUMENT);
    CHECK_ERR(iso_parse_count("-1", 10, &value, NULL), ISO_E_ARGUMENT);
    CHECK_ERR(iso_parse_count("1e6", 10, &value, NULL), ISO_E_ARGUMENT);
    CHECK_ERR(iso_parse_count("1__0", 100, &value, NULL), ISO_E_ARGUMENT);
    CHECK_ERR(iso_parse_count("1_", 100, &value, NULL), ISO_E_ARGUMENT);
    CHECK_ERR(iso_parse_count("11", 10, &value, NULL), ISO_E_LIMIT);
    CHECK_ERR(iso_parse_count("18446744073709551616", UINT64_MAX, &value, NULL), ISO_E_LIMIT);
    CHECK_EQ_U64(value, UINT64_MAX);
}

static void check_size_text(uint64_t bytes, const char *expected)
{
    char text[32];
    CHECK_EQ_U64(iso_format_size(text, bytes), strlen(expected));
    CHECK_STR(text, expected);
}

TEST(sizes_as_text)
{
    check_size_text(0, "0 B");
    check_size_text(1023, "1023 B");
    check_size_text(1024, "1 KiB");
    check_size_text(1536, "1.5 KiB");
    check_size_text(UINT64_C(4294967296), "4 GiB");
    check_size_text(UINT64_MAX, "15.9 EiB");
}

TEST(durations_as_text)
{
    static const struct {
        uint64_t ns;
        const char *text;
    } table[] = {{0, "0s"},
                 {1, "1ns"},
                 {UINT64_C(1500), "1500ns"},
                 {UINT64_C(100000000), "100ms"},
                 {UINT64_C(90000000000), "90s"},
                 {UINT64_C(86400000000000), "24h"}};
    for (size_t i = 0; i < ISO_COUNT_OF(table); i++) {
        char text[32];
        CHECK_EQ_U64(iso_format_duration(text, table[i].ns), strlen(table[i].text));
        CHECK_STR(text, table[i].text);
    }
}
