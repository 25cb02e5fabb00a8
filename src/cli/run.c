/* isomer run: a program from its beginning. */
#include "cli/commands.h"
#include "cli/invoke.h"
#include "cli/message.h"
#include "cli/session.h"
#include "cli/status.h"
#include "cli/watch.h"

enum { OPTION_INVOKE = ISO_CLI_OPTION_OWN };

static const struct iso_cli_option own_options[] = {
    {OPTION_INVOKE, "invoke", "FUNC", false,
     "call this exported function instead of _start; ARGS\n"
     "are its arguments, its results are printed"},
};

static const struct iso_cli_option_group own_group = {"What to run", own_options,
                                                      ISO_COUNT_OF(own_options)};
static const struct iso_cli_option_group *const groups[] = {
    &own_group, &iso_cli_group_grants, &iso_cli_group_limits, &iso_cli_group_snapshots};

/* FILE and everything after it, once the options are read. */
struct operands {
    const char *path;
    char **args; /* args[0] is path */
    int count;
};

/* Read the command line. Returns ISO_CLI_OK with an operand, or the answer of the parser. */
static int read_args(struct iso_cli_session *session, struct iso_cli_args *args,
                     struct operands *operands)
{
    for (;;) {
        int id = iso_cli_args_next(args);
        int status = ISO_CLI_OK;
        if (id == ISO_CLI_ARGS_OPERAND) {
            /* What follows FILE belongs to the program, dashes or not. */
            *operands = (struct operands){.path = args->value,
                                          .args = args->argv + args->index - 1,
                                          .count = args->argc - args->index + 1};
            return iso_cli_settings_check(&session->settings, session->command);
        }
        if (id == ISO_CLI_ARGS_END) {
            return iso_cli_usage_error(session->command, "there is no FILE to run");
        }
        if (id < 0) {
            return id;
        }
        if (id == OPTION_INVOKE) {
            session->record.invoke = iso_str_from_z(args->value);
            if (args->value[0] == '\0') {
                status =
                    iso_cli_usage_error(session->command, "--invoke: the function has no name");
            }
        } else {
            status = iso_cli_settings_take(&session->settings, session->command, id, args->value);
        }
        if (status != ISO_CLI_OK) {
            return status;
        }
    }
}

/* The arguments of --invoke are kept as text: a snapshot taken before the call needs them. */
static int keep_invoke_args(struct iso_cli_session *session, const struct operands *operands)
{
    struct iso_cli_record *record = &session->record;
    if (record->invoke.len == 0) {
        return ISO_CLI_OK;
    }
    if (operands->count - 1 > ISO_CLI_RECORD_ARGS_MAX) {
        return iso_cli_usage_error(session->command,
                                   "--invoke: no function takes so many arguments");
    }
    for (int i = 1; i < operands->count; i++) {
        record->args[record->arg_count++] = iso_str_from_z(operands->args[i]);
    }
    return ISO_CLI_OK;
}

static int run_file(struct iso_cli_session *session, const struct operands *operands)
{
    int status = iso_cli_session_check_module(session, operands->path);
    if (status == ISO_CLI_OK) {
        status = iso_cli_session_begin(session);
    }
    if (status == ISO_CLI_OK) {
        session->module_count = 1;
        status = iso_cli_module_load(session->engine, operands->path, &session->modules[0]);
    }
    if (status == ISO_CLI_OK) {
        status = iso_cli_invoke_check(session->command, session->modules[0].module,
                                      &session->record, operands->path);
    }
    if (status == ISO_CLI_OK) {
        status = iso_cli_session_make_store(session);
    }
    if (status == ISO_CLI_OK && iso_cli_uses_wasi(session->modules[0].module)) {
        status = iso_cli_session_make_wasi(session, (const char *const *)operands->args,
                                           (size_t)operands->count);
    }
    if (status == ISO_CLI_OK && session->settings.snapshot_path != NULL) {
        session->module_path = iso_path_absolute(operands->path);
        session->record.module_path = iso_str_from_z(session->module_path);
    }
    if (status == ISO_CLI_OK) {
        status = iso_cli_session_instantiate(session, operands->path);
    }
    return status == ISO_CLI_OK ? iso_cli_session_run(session) : status;
}

static int run(const struct iso_cli_command *command, int argc, char **argv)
{
    /* Static: with its tables it is too large for a small stack. */
    static struct iso_cli_session session;
    struct iso_cli_args args;
    struct operands operands = {.path = NULL};
    iso_cli_args_init(&args, command, argc, argv);
    iso_cli_session_init(&session, command);
    int status = read_args(&session, &args, &operands);
    if (status < 0) {
        status = iso_cli_args_status(status);
    } else if (status == ISO_CLI_OK && operands.path != NULL) {
        status = keep_invoke_args(&session, &operands);
        status = status == ISO_CLI_OK ? run_file(&session, &operands) : status;
    }
    iso_cli_session_fini(&session);
    return status;
}

const struct iso_cli_command iso_cli_command_run = {
    .name = "run",
    .summary = "run a WebAssembly program",
    .synopsis = "[OPTIONS...] FILE [ARGS...]",
    .description =
        "Runs the function _start of a WebAssembly module: any program made for WASI preview 1,\n"
        "and modules that need nothing. What comes after FILE belongs to the program. It may use "
        "its\n"
        "standard streams and what the options grant, nothing else.",
    .examples =
        "  isomer run hello.wasm\n"
        "  isomer run --dir ./data::/data:ro --env LANG count.wasm --verbose /data/words.txt\n"
        "  isomer run --invoke add sum.wasm 2 0x28\n"
        "  isomer run --memory 64MiB --timeout 2s --fuel 1_000_000_000 untrusted.wasm\n"
        "  isomer run --listen 127.0.0.1:8080 server.wasm\n"
        "  isomer run --snapshot work.snap long.wasm    # then, elsewhere: kill -USR1 PID\n"
        "  isomer resume work.snap\n",
    .groups = groups,
    .group_count = ISO_COUNT_OF(groups),
    .run = run,
};
