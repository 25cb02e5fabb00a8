/* Versions: the grammar, the order of precedence of the specification's examples, compatibility. */
#include "base/test.h"
#include "codec/semver.h"

static struct iso_semver parse(const char *text)
{
    struct iso_semver version;
    struct iso_report report;
    iso_report_init(&report);
    if (iso_semver_parse(iso_str_from_z(text), &version, &report) != ISO_OK) {
        TEST_FAIL("%s: %s", text, report.text);
    }
    return version;
}

TEST(versions_are_taken_apart)
{
    struct iso_semver v = parse("1.20.300-rc.1.x-y+build.007");
    CHECK_EQ_U64(v.major, 1);
    CHECK_EQ_U64(v.minor, 20);
    CHECK_EQ_U64(v.patch, 300);
    CHECK(iso_str_equal_z(v.pre, "rc.1.x-y"));
    CHECK(iso_str_equal_z(v.build, "build.007"));
    v = parse("0.0.18446744073709551615+0-0");
    CHECK_EQ_U64(v.patch, UINT64_MAX);
    CHECK(v.pre.len == 0 && iso_str_equal_z(v.build, "0-0"));
    (void)parse("1.0.0-0A.is.legal");
    (void)parse("1.0.0--");
}

TEST(what_is_no_version_is_refused_with_its_place)
{
    static const struct {
        const char *text;
        enum iso_err err;
        const char *message;
    } rows[] = {
        {"", ISO_E_MALFORMED, "expected a number at character 1"},
        {"1", ISO_E_MALFORMED, "expected a dot at character 2"},
        {"1.2", ISO_E_MALFORMED, "expected a dot at character 4"},
        {"v1.2.3", ISO_E_MALFORMED, "expected a number at character 1"},
        {"1.02.3", ISO_E_MALFORMED, "expected a number without leading zeros at character 3"},
        {"1.2.3 ", ISO_E_MALFORMED, "expected the end at character 6"},
        {"1.2.3.4", ISO_E_MALFORMED, "expected the end at character 6"},
        {"1.2.3-", ISO_E_MALFORMED, "expected letters, digits or hyphens at character 7"},
        {"1.2.3-a..b", ISO_E_MALFORMED, "expected letters, digits or hyphens at character 9"},
        {"1.2.3-01", ISO_E_MALFORMED, "expected a number without leading zeros at character 7"},
        {"1.2.3+", ISO_E_MALFORMED, "expected letters, digits or hyphens at character 7"},
        {"1.-2.3", ISO_E_MALFORMED, "expected a number at character 3"},
        {"1.2.18446744073709551616", ISO_E_LIMIT, "the number at character 5 is too large"}};
    for (size_t i = 0; i < ISO_COUNT_OF(rows); i++) {
        struct iso_semver version = {.major = 77};
        struct iso_report report;
        iso_report_init(&report);
        CHECK_ERR(iso_semver_parse(iso_str_from_z(rows[i].text), &version, &report), rows[i].err);
        CHECK_CONTAINS(report.text, rows[i].message);
        CHECK_EQ_U64(version.major, 77);
    }
}

TEST(versions_have_an_order)
{
    static const char *const rising[] = {
        "0.0.1",       "0.9.9",         "1.0.0-1",
        "1.0.0-2",     "1.0.0-10",      "1.0.0-99999999999999999999",
        "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta",
        "1.0.0-beta",  "1.0.0-beta.2",  "1.0.0-beta.11",
        "1.0.0-rc.1",  "1.0.0",         "1.0.1",
        "1.10.0",      "2.0.0"};
    for (size_t i = 0; i < ISO_COUNT_OF(rising); i++) {
        for (size_t k = 0; k < ISO_COUNT_OF(rising); k++) {
            struct iso_semver a = parse(rising[i]), b = parse(rising[k]);
            int order = iso_semver_compare(&a, &b);
            if ((order > 0) != (i > k) || (order < 0) != (i < k)) {
                TEST_FAIL("%s and %s: %d", rising[i], rising[k], order);
            }
        }
    }
    struct iso_semver a = parse("1.0.0+a"), b = parse("1.0.0+b");
    CHECK_EQ_I64(iso_semver_compare(&a, &b), 0);
}

TEST(compatible_versions_share_the_first_number_that_counts)
{
    static const struct {
        const char *wanted, *offered;
        bool compatible;
    } rows[] = {{"1.2.0", "1.2.0", true},       {"1.2.0", "1.4.7", true},
                {"1.2.0", "1.1.9", false},      {"1.2.0", "2.0.0", false},
                {"0.2.1", "0.2.5", true},       {"0.2.1", "0.3.0", false},
                {"0.2.1", "1.0.0", false},      {"0.0.3", "0.0.3", true},
                {"0.0.3", "0.0.4", false},      {"0.0.3", "0.1.0", false},
                {"1.0.0", "1.1.0-rc.1", false}, {"1.0.0-rc.1", "1.0.0-rc.2", true},
                {"1.0.0-rc.1", "1.0.0", true},  {"1.0.0-rc.1", "1.0.1-rc.1", false},
                {"1.0.0", "1.0.0-rc.1", false}, {"1.0.0+a", "1.0.0+b", true}};
    for (size_t i = 0; i < ISO_COUNT_OF(rows); i++) {
        struct iso_semver wanted = parse(rows[i].wanted), offered = parse(rows[i].offered);
        if (iso_semver_compatible(&wanted, &offered) != rows[i].compatible) {
            TEST_FAIL("%s for %s", rows[i].offered, rows[i].wanted);
        }
    }
}
