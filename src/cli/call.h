/* The parts of `isomer call`. */
#ifndef ISO_CLI_CALL_H
#define ISO_CLI_CALL_H

#include "cli/arguments.h"
#include "cli/interface.h"
#include "cli/session.h"

struct iso_cli_call {
    struct iso_cli_session *session;
    const char *path, *function_name;
    char *texts[ISO_CLI_CALL_ARGS_MAX]; /* the arguments as given */
    size_t text_count;
    const char *out_path; /* NULL: standard output, JSON only */
    const char *wit_path; /* NULL: see iso_cli_interface_find */
    const char *abi;      /* NULL: the module's */
    const struct iso_module_interface *found;
    struct iso_cli_function function;
};

bool iso_cli_abi_known(const char *abi);

/* Make the call, print the result. Return the exit status. */
int iso_cli_call_function(struct iso_cli_call *call);
/* The same for run(args, env, stdin) of a module with _start. */
int iso_cli_call_program(struct iso_cli_call *call);

/* Print a result, or write it to -o. type NULL: there is none. Returns the exit status. */
int iso_cli_call_print(const struct iso_cli_call *call, const struct iso_vtype *type,
                       const struct iso_value *value);

#endif
