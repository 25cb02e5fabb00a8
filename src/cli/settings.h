/* What run and resume have in common on their command lines: grants, limits, snapshots. */
#ifndef ISO_CLI_SETTINGS_H
#define ISO_CLI_SETTINGS_H

#include "base/base.h"
#include "cli/args.h"

/* Identifiers of the options in the groups below; commands number their own from
 * ISO_CLI_OPTION_OWN. */
enum iso_cli_setting {
    ISO_CLI_SETTING_DIR,
    ISO_CLI_SETTING_ENV,
    ISO_CLI_SETTING_LISTEN,
    ISO_CLI_SETTING_MEMORY,
    ISO_CLI_SETTING_STACK,
    ISO_CLI_SETTING_CODE_MEMORY,
    ISO_CLI_SETTING_FUEL,
    ISO_CLI_SETTING_TIMEOUT,
    ISO_CLI_SETTING_SNAPSHOT,
    ISO_CLI_SETTING_SNAPSHOT_AT_FUEL,
    ISO_CLI_OPTION_OWN
};

/* Groups for struct iso_cli_command. */
extern const struct iso_cli_option_group iso_cli_group_grants;
extern const struct iso_cli_option_group iso_cli_group_limits;
extern const struct iso_cli_option_group iso_cli_group_snapshots;

enum { ISO_CLI_GRANTS_MAX = 64, ISO_CLI_ENV_MAX = 1024 };

/* A directory of --dir. */
struct iso_cli_dir {
    const char *text; /* as given */
    char *host;       /* owned */
    char *guest;      /* owned */
    bool read_only;
};

/* A socket of --listen. */
struct iso_cli_listen {
    const char *text; /* as given */
    int fd;
};

struct iso_cli_settings {
    struct iso_cli_dir dirs[ISO_CLI_GRANTS_MAX];
    size_t dir_count;
    struct iso_cli_listen listens[ISO_CLI_GRANTS_MAX];
    size_t listen_count;
    const char *env[ISO_CLI_ENV_MAX]; /* "K=V" */
    size_t env_count;
    uint64_t memory_max_bytes; /* 0: the engine's default */
    uint32_t stack_max_bytes;  /* 0: likewise */
    uint64_t code_max_bytes;   /* of translated code; 0: no limit */
    uint64_t fuel;             /* UINT64_MAX: unlimited */
    uint64_t timeout_ns;       /* 0: none */
    const char *timeout_text;  /* as given */
    const char *snapshot_path; /* NULL: none is written */
    uint64_t snapshot_at_fuel; /* UINT64_MAX: not by fuel */
};

void iso_cli_settings_init(struct iso_cli_settings *settings);
/* Closes the listening sockets that are still its own. */
void iso_cli_settings_fini(struct iso_cli_settings *settings);

/*
 * Take one option; id is an enum iso_cli_setting. value: kept. Directories are looked at and
 * sockets opened now, so that a mistake shows before anything runs. Returns ISO_CLI_OK, or the exit
 * status after a message.
 */
int iso_cli_settings_take(struct iso_cli_settings *settings, const struct iso_cli_command *command,
                          int id, const char *value);

/* Whether the options fit together; called after the last one. Returns as above. */
int iso_cli_settings_check(const struct iso_cli_settings *settings,
                           const struct iso_cli_command *command);

/*
 * The parts of HOST[::GUEST][:ro]. *host and *guest are released with free(). ISO_E_ARGUMENT with
 * the reason, NOMEM.
 */
ISO_MUST_CHECK enum iso_err iso_cli_dir_parse(const char *text, char **host, char **guest,
                                              bool *read_only, struct iso_report *report);

#endif
