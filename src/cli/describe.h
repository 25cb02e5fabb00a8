/* The tables of commands as JSON: what manual pages, completion and other programs are made from.
 */
#ifndef ISO_CLI_DESCRIBE_H
#define ISO_CLI_DESCRIBE_H

#include "cli/args.h"

/*
 * The answer to --help=json, on standard output: {"version", "commands": [{"name", "summary",
 * "synopsis", "description", "groups": [{"title", "options": [{"name", "value", "repeats",
 * "help"}]}], "examples", "subcommands": [as commands, named in full]}], "programs": [{"command",
 * "program", "summary"}], "exit-statuses":
 * [{"status", "meaning"}]}. "programs" says which commands other programs carry; those answer for
 * themselves. Texts are those of the tables, missing ones null. Returns the exit status.
 */
int iso_cli_describe(const struct iso_cli_command *const *commands, size_t count);

#endif
