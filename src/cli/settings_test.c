/* Options that run and resume share: their values, and what is wrong with wrong ones. */
#include "cli/settings.h"

#include "base/test.h"
#include "cli/status.h"

#include <stdlib.h>

static const struct iso_cli_option_group *const groups[] = {
    &iso_cli_group_grants, &iso_cli_group_limits, &iso_cli_group_snapshots};
static const struct iso_cli_command command = {
    .name = "test", .summary = "", .synopsis = "", .groups = groups, .group_count = 3};
static struct iso_cli_settings settings;

static void check_dir(const char *text, const char *host, const char *guest, bool read_only)
{
    char *host_out, *guest_out;
    bool read_only_out;
    CHECK_OK(iso_cli_dir_parse(text, &host_out, &guest_out, &read_only_out, NULL));
    CHECK_STR(host_out, host);
    CHECK_STR(guest_out, guest);
    CHECK(read_only_out == read_only);
    free(host_out);
    free(guest_out);
}

static void refuse_dir(const char *text, const char *part)
{
    char *host = NULL, *guest = NULL;
    bool read_only;
    struct iso_report report;
    iso_report_init(&report);
    CHECK_ERR(iso_cli_dir_parse(text, &host, &guest, &read_only, &report), ISO_E_ARGUMENT);
    CHECK_CONTAINS(report.text, part);
    CHECK(host == NULL && guest == NULL);
}

static int take(int id, const char *value)
{
    return iso_cli_settings_take(&settings, &command, id, value);
}

TEST(directories)
{
    check_dir("data", "data", "data", false);
    check_dir(".", ".", ".", false);
    check_dir("data:ro", "data", "data", true);
    check_dir("data:rw", "data", "data", false);
    check_dir("data::/data", "data", "/data", false);
    check_dir("data::/data:rw", "data", "/data", false);
    check_dir("data::/data:row", "data", "/data:row", false);
    check_dir("data::/data:r/", "data", "/data:r/", false);
    check_dir("data::/data:ro", "data", "/data", true);
    check_dir("a:b::c:d", "a:b", "c:d", false);
    check_dir("data::/:ro", "data", "/", true);
    check_dir("data::ro:rw", "data", "ro", false);

    refuse_dir("", "before the colons");
    refuse_dir("::/data", "before the colons");
    refuse_dir(":ro", "before the colons");
    refuse_dir("data::", "after the colons");
    refuse_dir("data:::ro", "after the colons");

    /* Not a name that nobody would want. */
    refuse_dir("data::/data:RO", "did you mean data::/data:ro?");
    refuse_dir("data::/data:Rw", "did you mean data::/data:rw?");
    refuse_dir("data::/data:wr", "did you mean data::/data:rw?");
    refuse_dir("data::/data:r", "did you mean data::/data:ro?");
    refuse_dir("data::/data:w", "did you mean data::/data:rw?");
    refuse_dir("data:r", "did you mean data:ro?");
    refuse_dir("data::ro", "did you mean data:ro?");
    refuse_dir("data::/data::ro", "did you mean data::/data:ro?");
}

TEST(quantities)
{
    iso_cli_settings_init(&settings);
    CHECK_EQ_U64(settings.fuel, UINT64_MAX);
    CHECK_EQ_I64(take(ISO_CLI_SETTING_MEMORY, "64MiB"), ISO_CLI_OK);
    CHECK_EQ_I64(take(ISO_CLI_SETTING_STACK, "1MiB"), ISO_CLI_OK);
    CHECK_EQ_I64(take(ISO_CLI_SETTING_CODE_MEMORY, "64KiB"), ISO_CLI_OK);
    CHECK_EQ_U64(settings.code_max_bytes, 65536);
    CHECK_EQ_I64(take(ISO_CLI_SETTING_FUEL, "1_000"), ISO_CLI_OK);
    CHECK_EQ_I64(take(ISO_CLI_SETTING_TIMEOUT, "1.5s"), ISO_CLI_OK);
    CHECK_EQ_U64(settings.memory_max_bytes, 67108864);
    CHECK_EQ_U64(settings.stack_max_bytes, 1048576);
    CHECK_EQ_U64(settings.fuel, 1000);
    CHECK_EQ_U64(settings.timeout_ns, 1500000000);
    iso_cli_settings_fini(&settings);
}

TEST(quantities_that_cannot_be)
{
    iso_cli_settings_init(&settings);
    CHECK_EQ_I64(take(ISO_CLI_SETTING_MEMORY, "much"), ISO_CLI_USAGE);
    CHECK_EQ_I64(take(ISO_CLI_SETTING_MEMORY, "0"), ISO_CLI_USAGE);
    CHECK_EQ_I64(take(ISO_CLI_SETTING_STACK, "0"), ISO_CLI_USAGE);
    CHECK_EQ_I64(take(ISO_CLI_SETTING_CODE_MEMORY, "0"), ISO_CLI_USAGE);
    CHECK_EQ_I64(take(ISO_CLI_SETTING_STACK, "1023"), ISO_CLI_USAGE);
    CHECK_EQ_I64(take(ISO_CLI_SETTING_STACK, "4GiB"), ISO_CLI_USAGE);
    CHECK_EQ_I64(take(ISO_CLI_SETTING_FUEL, "-1"), ISO_CLI_USAGE);
    CHECK_EQ_I64(take(ISO_CLI_SETTING_FUEL, "18446744073709551615"), ISO_CLI_USAGE);
    CHECK_EQ_I64(take(ISO_CLI_SETTING_TIMEOUT, "0s"), ISO_CLI_USAGE);
    CHECK_EQ_I64(take(ISO_CLI_SETTING_TIMEOUT, "5"), ISO_CLI_USAGE);
    CHECK_EQ_I64(take(ISO_CLI_SETTING_SNAPSHOT, ""), ISO_CLI_USAGE);
    iso_cli_settings_fini(&settings);
}

TEST(environment)
{
    iso_cli_settings_init(&settings);
    CHECK(setenv("ISO_TEST_VARIABLE", "a=b", 1) == 0);
    CHECK(unsetenv("ISO_TEST_MISSING") == 0);
    CHECK_EQ_I64(take(ISO_CLI_SETTING_ENV, "K=V=W"), ISO_CLI_OK);
    CHECK_EQ_I64(take(ISO_CLI_SETTING_ENV, "EMPTY="), ISO_CLI_OK);
    CHECK_EQ_I64(take(ISO_CLI_SETTING_ENV, "ISO_TEST_VARIABLE"), ISO_CLI_OK);
    CHECK_EQ_U64(settings.env_count, 3);
    CHECK_STR(settings.env[0], "K=V=W");
    CHECK_STR(settings.env[2], "ISO_TEST_VARIABLE=a=b");
    CHECK_EQ_I64(take(ISO_CLI_SETTING_ENV, "ISO_TEST_MISSING"), ISO_CLI_USAGE);
    CHECK_EQ_I64(take(ISO_CLI_SETTING_ENV, "=V"), ISO_CLI_USAGE);
    CHECK_EQ_I64(take(ISO_CLI_SETTING_ENV, ""), ISO_CLI_USAGE);
    CHECK_EQ_U64(settings.env_count, 3);
    iso_cli_settings_fini(&settings);
}

TEST(grants_are_looked_at)
{
    iso_cli_settings_init(&settings);
    CHECK_EQ_I64(take(ISO_CLI_SETTING_DIR, "/::/root"), ISO_CLI_OK);
    CHECK_EQ_I64(take(ISO_CLI_SETTING_DIR, "/::/root"), ISO_CLI_USAGE); /* the same name */
    CHECK_EQ_I64(take(ISO_CLI_SETTING_DIR, "/no/such/directory"), ISO_CLI_UNREADABLE);
    CHECK_EQ_I64(take(ISO_CLI_SETTING_LISTEN, "127.0.0.1:0"), ISO_CLI_OK);
    CHECK_EQ_I64(take(ISO_CLI_SETTING_LISTEN, "everywhere"), ISO_CLI_USAGE);
    CHECK_EQ_U64(settings.listen_count, 1);
    iso_cli_settings_fini(&settings);
}

TEST(no_more_grants_than_there_is_room_for)
{
    iso_cli_settings_init(&settings);
    for (unsigned i = 0; i < ISO_CLI_ENV_MAX; i++) {
        CHECK_EQ_I64(take(ISO_CLI_SETTING_ENV, "K=V"), ISO_CLI_OK);
    }
    CHECK_EQ_I64(take(ISO_CLI_SETTING_ENV, "K=V"), ISO_CLI_USAGE);
    for (unsigned i = 0; i < ISO_CLI_GRANTS_MAX; i++) {
        char text[32];
        (void)iso_format(text, sizeof text, "/::/%u", i);
        CHECK_EQ_I64(take(ISO_CLI_SETTING_DIR, text), ISO_CLI_OK);
    }
    CHECK_EQ_I64(take(ISO_CLI_SETTING_DIR, "/::/more"), ISO_CLI_USAGE);
    iso_cli_settings_fini(&settings);
}

TEST(a_mark_needs_a_file)
{
    iso_cli_settings_init(&settings);
    CHECK_EQ_I64(iso_cli_settings_check(&settings, &command), ISO_CLI_OK);
    CHECK_EQ_I64(take(ISO_CLI_SETTING_SNAPSHOT_AT_FUEL, "100"), ISO_CLI_OK);
    CHECK_EQ_I64(iso_cli_settings_check(&settings, &command), ISO_CLI_USAGE);
    CHECK_EQ_I64(take(ISO_CLI_SETTING_SNAPSHOT, "file"), ISO_CLI_OK);
    CHECK_EQ_I64(iso_cli_settings_check(&settings, &command), ISO_CLI_OK);
    iso_cli_settings_fini(&settings);
}
