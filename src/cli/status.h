/* Exit statuses of the program; documented in docs/cli.md and by `isomer help exit`. */
#ifndef ISO_CLI_STATUS_H
#define ISO_CLI_STATUS_H

#include "base/base.h"

#include <stdio.h>

enum iso_cli_status {
#define ISO_CLI_STATUS(name, number, meaning) name = number,
#include "cli/status.def"
#undef ISO_CLI_STATUS
};

/* The status for an error of the engine or the platform, by its general kind. */
int iso_cli_status_from(enum iso_err err);

/* The status that the system can carry for what a program gave to proc_exit: above 255 becomes 255,
 * so that no failure looks like another status or like success. */
int iso_cli_status_of_program(uint32_t status);

/* The table, for people. */
void iso_cli_status_print(FILE *out);

#endif
