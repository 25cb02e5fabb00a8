/* The function of --invoke: found before anything runs, called with arguments from the command
 * line. */
#ifndef ISO_CLI_INVOKE_H
#define ISO_CLI_INVOKE_H

#include "cli/args.h"
#include "cli/record.h"
#include "engine/engine.h"

/*
 * Whether the module has what is to be run, and the arguments fit its type: the function of
 * record->invoke, or _start, or else a start function. Returns ISO_CLI_OK, or the exit status after
 * a message that names what there is.
 */
int iso_cli_invoke_check(const struct iso_cli_command *command, const struct iso_module *module,
                         const struct iso_cli_record *record, const char *path);

/* The arguments of the record as values; slots has room for type->param_slots. Returns as above. */
int iso_cli_invoke_parse(const struct iso_cli_command *command, const struct iso_cli_record *record,
                         const char *name, const struct iso_func_type *type, union iso_slot *slots);

/* Print results on standard output, one per line. Returns the exit status. */
int iso_cli_invoke_print(const struct iso_func_type *type, const union iso_slot *results);

#endif
