/* The beginning of a module; shared by `new` and `new app`. */
#ifndef ISO_CLI_NEW_H
#define ISO_CLI_NEW_H

#include "cli/args.h"
#include "interface/interface.h"

/* Read the operands LANGUAGE NAME. Returns -1: go on; otherwise the exit status, after a message or
 * the help. */
int iso_cli_new_read(const struct iso_cli_command *command, int argc, char **argv,
                     enum iso_gen_language *language, const char **name);

/* Make the folder NAME with the files of a module and a README.md that tells of it; or, of an
 * application, app.json instead of that. Returns ISO_CLI_OK, or the exit status after a message. */
int iso_cli_new_make(const struct iso_cli_command *command, enum iso_gen_language language,
                     const char *name, bool is_app);

/* The command below `new`. */
extern const struct iso_cli_command iso_cli_new_app;

#endif
