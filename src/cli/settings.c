/* The options that run and resume share. */
#include "cli/settings.h"

#include "cli/message.h"
#include "cli/status.h"
#include "platform/platform.h"

#include <stdlib.h>
#include <unistd.h>

/* Smaller stacks are refused by the engine, in fewer words. */
enum { STACK_MIN_BYTES = 1024 };

static const struct iso_cli_option grant_options[] = {
    {ISO_CLI_SETTING_DIR, "dir", "HOST[::GUEST][:ro]", true,
     "give the program a directory, under the name GUEST\n"
     "(else HOST); with :ro it cannot write there"},
    {ISO_CLI_SETTING_ENV, "env", "K=V", true,
     "set an environment variable; with K alone, pass on\n"
     "the one that isomer has"},
    {ISO_CLI_SETTING_LISTEN, "listen", "ADDR:PORT", true,
     "give the program a listening TCP socket; the address\n"
     "is numeric, such as 127.0.0.1:8080 or [::1]:8080"},
};

static const struct iso_cli_option limit_options[] = {
    {ISO_CLI_SETTING_MEMORY, "memory", "SIZE", false,
     "most memory that the program may have, such as 64MiB\n"
     "(default: the 4 GiB of its address space)"},
    {ISO_CLI_SETTING_STACK, "stack", "SIZE", false, "most call stack (default: 8MiB)"},
    {ISO_CLI_SETTING_CODE_MEMORY, "code-memory", "SIZE", false,
     "most memory for translated code, which is made again\n"
     "when it is needed (default: no limit)"},
    {ISO_CLI_SETTING_FUEL, "fuel", "N", false,
     "stop after N units of fuel, about as many WebAssembly\n"
     "instructions; the count is the same on every machine"},
    {ISO_CLI_SETTING_TIMEOUT, "timeout", "D", false, "stop after a time, such as 500ms, 2s, 1h"},
};

static const struct iso_cli_option snapshot_options[] = {
    {ISO_CLI_SETTING_SNAPSHOT, "snapshot", "FILE", false,
     "on SIGUSR1 write the state of the program to FILE\n"
     "and stop; 'isomer resume FILE' continues it"},
    {ISO_CLI_SETTING_SNAPSHOT_AT_FUEL, "snapshot-at-fuel", "N", false,
     "do so after N units of fuel (needs --snapshot)"},
};

const struct iso_cli_option_group iso_cli_group_grants = {
    "What the program may use (nothing by default but the standard streams)", grant_options,
    ISO_COUNT_OF(grant_options)};
const struct iso_cli_option_group iso_cli_group_limits = {"Limits", limit_options,
                                                          ISO_COUNT_OF(limit_options)};
const struct iso_cli_option_group iso_cli_group_snapshots = {"Snapshots", snapshot_options,
                                                             ISO_COUNT_OF(snapshot_options)};

void iso_cli_settings_init(struct iso_cli_settings *settings)
{
    memset(settings, 0, sizeof *settings);
    settings->fuel = UINT64_MAX;
    settings->snapshot_at_fuel = UINT64_MAX;
}

void iso_cli_settings_fini(struct iso_cli_settings *settings)
{
    for (size_t i = 0; i < settings->dir_count; i++) {
        free(settings->dirs[i].host);
        free(settings->dirs[i].guest);
    }
    for (size_t i = 0; i < settings->listen_count; i++) {
        if (settings->listens[i].fd >= 0) {
            (void)close(settings->listens[i].fd);
        }
    }
    iso_cli_settings_init(settings);
}

static char *copy_text(const char *text, size_t len)
{
    char *copy = malloc(len + 1);
    if (copy != NULL) {
        memcpy(copy, text, len);
        copy[len] = '\0';
    }
    return copy;
}

/* `:RO`, `:wr`, `::ro`, ...: meant as `:ro` or `:rw`, of which a name of the program's is not made
 * silently. The length of what stands before it; 0 when the text does not end like that. */
static size_t meant_mode(const char *text, const char **mode)
{
    const char *colon = strrchr(text, ':');
    size_t len = colon != NULL ? strspn(colon + 1, "rwoRWO") : 0;
    if (len == 0 || len > 2 || colon[1 + len] != '\0') {
        return 0;
    }
    *mode = strpbrk(colon, "wW") != NULL ? "rw" : "ro";
    size_t before = (size_t)(colon - text);
    if (before == 0 || text[before - 1] != ':') {
        return strcmp(colon + 1, *mode) == 0 ? 0 : before;
    }
    /* `data:::ro` has no name. */
    return before >= 2 && text[before - 2] == ':' ? 0 : before - 1;
}

enum iso_err iso_cli_dir_parse(const char *text, char **host, char **guest, bool *read_only,
                               struct iso_report *report)
{
    size_t len = strlen(text);
    const char *mode = NULL;
    size_t before_mode = meant_mode(text, &mode);
    if (before_mode != 0) {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "'%s' ends in neither :ro nor :rw; did you mean "
                        "%.*s:%s?",
                        text, (int)before_mode, text, mode);
    }
    bool is_read_only = len >= 3 && strcmp(text + len - 3, ":ro") == 0;
    if (is_read_only) {
        len -= 3;
    } else if (len >= 3 && strcmp(text + len - 3, ":rw") == 0) {
        len -= 3; /* the default, for those who like to say it */
    }
    const char *colons = strstr(text, "::");
    bool has_guest = colons != NULL && colons + 2 <= text + len;
    size_t host_len = has_guest ? (size_t)(colons - text) : len;
    const char *guest_text = has_guest ? colons + 2 : text;
    size_t guest_len = has_guest ? len - host_len - 2 : host_len;
    if (host_len == 0 || guest_len == 0) {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "'%s' has no directory %s; write HOST::GUEST, such as ./data::/data", text,
                        host_len == 0 ? "before the colons" : "after the colons");
    }
    char *host_copy = copy_text(text, host_len);
    char *guest_copy = copy_text(guest_text, guest_len);
    if (host_copy == NULL || guest_copy == NULL) {
        free(host_copy);
        free(guest_copy);
        return iso_fail(report, ISO_E_NOMEM, "out of memory");
    }
    *host = host_copy;
    *guest = guest_copy;
    *read_only = is_read_only;
    return ISO_OK;
}

static int too_many(const struct iso_cli_command *command, const char *option, unsigned max)
{
    return iso_cli_usage_error(command, "--%s is given more than %u times", option, max);
}

/* A directory that cannot be opened; the commonest slip is one colon, as other programs have it. */
static int fail_dir(const char *text, const char *host, const struct iso_report *report,
                    enum iso_err err)
{
    iso_cli_error_report("--dir", report, err);
    const char *colon = strchr(host, ':');
    if (err == ISO_E_NOT_FOUND && colon != NULL && colon != host && strstr(text, "::") == NULL) {
        iso_cli_hint("host and guest are separated by two colons; did you mean --dir %.*s::%s?",
                     (int)(colon - host), host, text + (colon - host) + 1);
    }
    return err == ISO_E_NOMEM ? ISO_CLI_SYSTEM : ISO_CLI_UNREADABLE;
}

static int take_dir(struct iso_cli_settings *settings, const struct iso_cli_command *command,
                    const char *value)
{
    struct iso_report report;
    iso_report_init(&report);
    if (settings->dir_count == ISO_CLI_GRANTS_MAX) {
        return too_many(command, "dir", ISO_CLI_GRANTS_MAX);
    }
    struct iso_cli_dir *dir = &settings->dirs[settings->dir_count];
    enum iso_err err = iso_cli_dir_parse(value, &dir->host, &dir->guest, &dir->read_only, &report);
    if (err != ISO_OK) {
        return iso_cli_usage_error(command, "--dir: %s", iso_report_text(&report, err));
    }
    dir->text = value;
    settings->dir_count++;
    for (size_t i = 0; i + 1 < settings->dir_count; i++) {
        if (strcmp(settings->dirs[i].guest, dir->guest) == 0) {
            return iso_cli_usage_error(command,
                                       "--dir: '%s' and '%s' have the same name '%s' for "
                                       "the program",
                                       settings->dirs[i].text, value, dir->guest);
        }
    }
    err = iso_dir_check(dir->host, &report);
    return err == ISO_OK ? ISO_CLI_OK : fail_dir(value, dir->host, &report, err);
}

static int take_env(struct iso_cli_settings *settings, const struct iso_cli_command *command,
                    const char *value)
{
    if (settings->env_count == ISO_CLI_ENV_MAX) {
        return too_many(command, "env", ISO_CLI_ENV_MAX);
    }
    if (value[0] == '=' || value[0] == '\0') {
        return iso_cli_usage_error(command, "--env: '%s' has no name; write NAME=VALUE", value);
    }
    if (strchr(value, '=') == NULL) {
        /* getenv gives the part after the "="; the environment has the whole. */
        char *inherited = getenv(value);
        if (inherited == NULL) {
            return iso_cli_usage_error(command,
                                       "--env: there is no environment variable '%s' to pass on; "
                                       "write %s=VALUE to set it",
                                       value, value);
        }
        value = inherited - strlen(value) - 1;
    }
    settings->env[settings->env_count++] = value;
    return ISO_CLI_OK;
}

static int take_listen(struct iso_cli_settings *settings, const struct iso_cli_command *command,
                       const char *value)
{
    struct iso_report report;
    iso_report_init(&report);
    if (settings->listen_count == ISO_CLI_GRANTS_MAX) {
        return too_many(command, "listen", ISO_CLI_GRANTS_MAX);
    }
    int fd;
    enum iso_err err = iso_socket_listen(value, &fd, NULL, &report);
    if (err == ISO_E_ARGUMENT) {
        return iso_cli_usage_error(command, "--listen: %s", report.text);
    }
    if (err != ISO_OK) {
        iso_cli_error_report("--listen", &report, err);
        return ISO_CLI_IO;
    }
    settings->listens[settings->listen_count++] = (struct iso_cli_listen){.text = value, .fd = fd};
    return ISO_CLI_OK;
}

static enum iso_err take_timeout(struct iso_cli_settings *settings, const char *value,
                                 struct iso_report *report)
{
    uint64_t ns = 0;
    if (strcmp(value, "0") != 0) { /* whose unit is not what is wrong with it */
        const enum iso_err err = iso_parse_duration(value, &ns, report);
        if (err != ISO_OK) {
            return err;
        }
    }
    if (ns == 0) {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "the time is over before it begins; without --timeout it has no end");
    }
    settings->timeout_text = value;
    settings->timeout_ns = ns;
    return ISO_OK;
}

static enum iso_err take_stack(struct iso_cli_settings *settings, const char *value,
                               struct iso_report *report)
{
    uint64_t bytes = 0;
    enum iso_err err = iso_parse_size(value, &bytes, report);
    if (err != ISO_OK) {
        return err;
    }
    if (bytes > UINT32_MAX) {
        return iso_fail(report, ISO_E_LIMIT, "'%s' is too large; a stack has less than 4GiB",
                        value);
    }
    if (bytes < STACK_MIN_BYTES) {
        return iso_fail(report, ISO_E_ARGUMENT, "'%s' is too small; a stack has at least 1KiB",
                        value);
    }
    settings->stack_max_bytes = (uint32_t)bytes;
    return ISO_OK;
}

/* The options whose value is a quantity. */
static enum iso_err take_quantity(struct iso_cli_settings *settings, int id, const char *value,
                                  struct iso_report *report)
{
    enum iso_err err;
    switch (id) {
    case ISO_CLI_SETTING_MEMORY:
        err = iso_parse_size(value, &settings->memory_max_bytes, report);
        if (err == ISO_OK && settings->memory_max_bytes == 0) {
            return iso_fail(report, ISO_E_ARGUMENT,
                            "0 bytes are too few; memory comes in pages of 64KiB");
        }
        return err;
    case ISO_CLI_SETTING_STACK:
        return take_stack(settings, value, report);
    case ISO_CLI_SETTING_CODE_MEMORY:
        return iso_parse_limit(value, &settings->code_max_bytes, report);
    case ISO_CLI_SETTING_FUEL:
        return iso_parse_count(value, UINT64_MAX - 1, &settings->fuel, report);
    case ISO_CLI_SETTING_TIMEOUT:
        return take_timeout(settings, value, report);
    case ISO_CLI_SETTING_SNAPSHOT_AT_FUEL:
        return iso_parse_count(value, UINT64_MAX - 1, &settings->snapshot_at_fuel, report);
    default:
        return iso_fail(report, ISO_E_STATE, "option %d is not handled", id);
    }
}

static const char *setting_name(int id)
{
    static const char *const names[] = {
        [ISO_CLI_SETTING_MEMORY] = "memory",
        [ISO_CLI_SETTING_STACK] = "stack",
        [ISO_CLI_SETTING_CODE_MEMORY] = "code-memory",
        [ISO_CLI_SETTING_FUEL] = "fuel",
        [ISO_CLI_SETTING_TIMEOUT] = "timeout",
        [ISO_CLI_SETTING_SNAPSHOT_AT_FUEL] = "snapshot-at-fuel",
    };
    return names[id];
}

int iso_cli_settings_take(struct iso_cli_settings *settings, const struct iso_cli_command *command,
                          int id, const char *value)
{
    struct iso_report report;
    switch (id) {
    case ISO_CLI_SETTING_DIR:
        return take_dir(settings, command, value);
    case ISO_CLI_SETTING_ENV:
        return take_env(settings, command, value);
    case ISO_CLI_SETTING_LISTEN:
        return take_listen(settings, command, value);
    case ISO_CLI_SETTING_SNAPSHOT:
        if (value[0] == '\0') {
            return iso_cli_usage_error(command, "--snapshot: the file has no name");
        }
        settings->snapshot_path = value;
        return ISO_CLI_OK;
    default:
        break;
    }
    iso_report_init(&report);
    enum iso_err err = take_quantity(settings, id, value, &report);
    if (err != ISO_OK) {
        return iso_cli_usage_error(command, "--%s: %s", setting_name(id),
                                   iso_report_text(&report, err));
    }
    return ISO_CLI_OK;
}

int iso_cli_settings_check(const struct iso_cli_settings *settings,
                           const struct iso_cli_command *command)
{
    struct iso_report report;
    iso_report_init(&report);
    if (settings->snapshot_path != NULL) {
        enum iso_err err = iso_file_write_check(settings->snapshot_path, &report);
        if (err != ISO_OK) {
            iso_cli_error_report("--snapshot", &report, err);
            return err == ISO_E_NOMEM ? ISO_CLI_SYSTEM : ISO_CLI_IO;
        }
    }
    if (settings->snapshot_at_fuel != UINT64_MAX && settings->snapshot_path == NULL) {
        return iso_cli_usage_error(command, "--snapshot-at-fuel needs --snapshot FILE to say where "
                                            "the snapshot goes");
    }
    return ISO_CLI_OK;
}
