/* The commands of the program: one file each, one table in main.c. */
#ifndef ISO_CLI_COMMANDS_H
#define ISO_CLI_COMMANDS_H

#include "cli/args.h"

extern const struct iso_cli_command iso_cli_command_run;
extern const struct iso_cli_command iso_cli_command_resume;
extern const struct iso_cli_command iso_cli_command_inspect;
extern const struct iso_cli_command iso_cli_command_call;
extern const struct iso_cli_command iso_cli_command_pack;
extern const struct iso_cli_command iso_cli_command_bindgen;
extern const struct iso_cli_command iso_cli_command_new;
extern const struct iso_cli_command iso_cli_command_version;
extern const struct iso_cli_command iso_cli_command_help_topic;
extern const struct iso_cli_command iso_cli_command_supervisor;
extern const struct iso_cli_command iso_cli_command_orchestrator; /* isomer-orchestrator */

/* All of them, in the order of the help; ends with NULL. */
extern const struct iso_cli_command *const iso_cli_commands[];

/* The overview: what `isomer help` prints. */
void iso_cli_overview(FILE *out);

/* An error about a command that does not exist, with a suggestion. Returns ISO_CLI_USAGE. */
int iso_cli_unknown_command(const char *name);

#endif
