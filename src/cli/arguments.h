/* The arguments of `isomer call`, from the command line to typed values. */
#ifndef ISO_CLI_ARGUMENTS_H
#define ISO_CLI_ARGUMENTS_H

#include "cli/args.h"
#include "interface/interface.h"
#include "platform/platform.h"

enum { ISO_CLI_CALL_ARGS_MAX = 256 };

struct iso_cli_arguments {
    const struct iso_cli_command *command;
    const struct iso_wit_func *func;
    struct iso_arena arena;                       /* of the values */
    struct iso_file files[ISO_CLI_CALL_ARGS_MAX]; /* what @FILE named; values point into them */
    size_t file_count;
    struct iso_value *values; /* one per parameter */
};

/*
 * Read the arguments of a call of func: one JSON object or array, NAME=VALUE, NAME=@FILE, or one
 * @FILE or "-" (standard input), which is the parameter where there is one of type list<u8> alone,
 * else JSON. Returns ISO_CLI_OK, or the exit status after a message with the argument's path and
 * what was expected. Release with iso_cli_arguments_fini, also after failure. The texts stay
 * borrowed.
 */
int iso_cli_arguments_read(const struct iso_cli_command *command, const struct iso_wit_func *func,
                           char *const *texts, size_t count, struct iso_cli_arguments *out);
/* The same of a program's run(args, env, stdin): each parameter may be left out, and is empty then.
 */
int iso_cli_arguments_read_program(const struct iso_cli_command *command,
                                   const struct iso_wit_func *func, char *const *texts,
                                   size_t count, struct iso_cli_arguments *out);
void iso_cli_arguments_fini(struct iso_cli_arguments *arguments);

#endif
