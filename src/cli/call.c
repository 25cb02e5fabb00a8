/* isomer call: one function of a module, with typed values. */
#include "cli/call.h"

#include "cli/commands.h"
#include "cli/message.h"
#include "cli/status.h"

enum { OPTION_OUT = ISO_CLI_OPTION_OWN, OPTION_WIT, OPTION_ABI };

static const struct iso_cli_option own_options[] = {
    {OPTION_OUT, "o", "FILE", false,
     "write the result there: bytes (list<u8>) as they are,\n"
     "anything else as JSON; - is standard output"},
    {OPTION_WIT, "wit", "FILE", false,
     "the module's interface (default: MODULE.wit beside it,\n"
     "else what the module brings)"},
    {OPTION_ABI, "abi", "ABI", false,
     "its calling convention: canonical, wasm-bindgen or\n"
     "derived (default: what the module says)"},
};
static const struct iso_cli_option_group own_group = {"What to call", own_options,
                                                      ISO_COUNT_OF(own_options)};
static const struct iso_cli_option_group *const groups[] = {&own_group, &iso_cli_group_grants,
                                                            &iso_cli_group_limits};

/* Read the command line. Returns ISO_CLI_OK, or the answer of the parser. */
static int read_args(struct iso_cli_call *call, struct iso_cli_args *args)
{
    struct iso_cli_session *session = call->session;
    for (;;) {
        int id = iso_cli_args_next(args);
        int status = ISO_CLI_OK;
        if (id == ISO_CLI_ARGS_END) {
            break;
        }
        if (id == ISO_CLI_ARGS_OPERAND && call->path == NULL) {
            call->path = args->value;
        } else if (id == ISO_CLI_ARGS_OPERAND && call->function_name == NULL) {
            call->function_name = args->value;
        } else if (id == ISO_CLI_ARGS_OPERAND && call->text_count < ISO_CLI_CALL_ARGS_MAX) {
            call->texts[call->text_count++] = args->value;
        } else if (id == ISO_CLI_ARGS_OPERAND) {
            return iso_cli_usage_error(session->command, "there are more than %d arguments",
                                       (int)ISO_CLI_CALL_ARGS_MAX);
        } else if (id < 0) {
            return id;
        } else if (id == OPTION_OUT) {
            call->out_path = args->value;
        } else if (id == OPTION_WIT) {
            call->wit_path = args->value;
        } else if (id == OPTION_ABI) {
            call->abi = args->value;
        } else {
            status = iso_cli_settings_take(&session->settings, session->command, id, args->value);
        }
        if (status != ISO_CLI_OK) {
            return status;
        }
    }
    if (call->path == NULL) {
        return iso_cli_usage_error(session->command, "there is no FILE");
    }
    if (call->abi != NULL && !iso_cli_abi_known(call->abi)) {
        return iso_cli_usage_error(session->command,
                                   "--abi: '%s' is not known; there are canonical, wasm-bindgen "
                                   "and derived",
                                   call->abi);
    }
    return ISO_CLI_OK;
}

bool iso_cli_abi_known(const char *abi)
{
    return strcmp(abi, "canonical") == 0 || strcmp(abi, "wasm-bindgen") == 0 ||
           strcmp(abi, "derived") == 0;
}

static int call_file(struct iso_cli_call *call)
{
    struct iso_cli_session *session = call->session;
    int status = iso_cli_session_begin(session);
    if (status == ISO_CLI_OK) {
        session->module_count = 1;
        status = iso_cli_module_load(session->engine, call->path, &session->modules[0]);
    }
    if (status != ISO_CLI_OK) {
        return status;
    }
    struct iso_cli_interface interface;
    status =
        iso_cli_interface_find(session->modules[0].module, call->path, call->wit_path, &interface);
    if (status == ISO_CLI_OK) {
        call->found = &interface.found;
        status = iso_cli_function_find(call->found->world, call->function_name, &call->function);
    }
    if (status == ISO_CLI_OK) {
        status = call->found->origin == ISO_ORIGIN_COMMAND ? iso_cli_call_program(call)
                                                           : iso_cli_call_function(call);
    }
    iso_cli_interface_fini(&interface);
    return status;
}

static int run(const struct iso_cli_command *command, int argc, char **argv)
{
    /* Static: they are too large for a small stack. */
    static struct iso_cli_session session;
    static struct iso_cli_call call;
    struct iso_cli_args args;
    iso_cli_args_init(&args, command, argc, argv);
    iso_cli_session_init(&session, command);
    call.session = &session;
    int status = read_args(&call, &args);
    status = status < 0 ? iso_cli_args_status(status)
                        : (status == ISO_CLI_OK && call.path != NULL ? call_file(&call) : status);
    iso_cli_session_fini(&session);
    return status;
}

const struct iso_cli_command iso_cli_command_call = {
    .name = "call",
    .summary = "call a function of a module with typed values",
    .synopsis = "[OPTIONS...] FILE FUNCTION [ARGS | NAME=VALUE...]",
    .description =
        "Calls a function that the module's interface describes, and prints its result as JSON.\n"
        "APP/COMPONENT instead of FILE calls a component, wherever it runs: then the options are\n"
        "--orchestrator, --device, --token, --pin and -o only.\n"
        "FUNCTION is a name, with its interface where several have it: math#add. Arguments are\n"
        "  {\"a\": 2, \"b\": 40} or [2, 40]   all of them, as JSON\n"
        "  NAME=VALUE                     strings and cases without quotes, bytes in base64,\n"
        "                                 anything else as JSON\n"
        "  NAME=@FILE                     the contents of a file (not for strings)\n"
        "  @FILE or -                     a file or standard input: the only parameter if that is\n"
        "                                 list<u8>, else all of them as JSON\n"
        "What is optional may be left out. Where the function answers with an error, it is "
        "printed\n"
        "as a message, and the status is 121. What the module prints goes to standard error.\n"
        "A program with _start has one function: run(args, env, stdin).",
    .examples = "  isomer call sum.wasm add a=2 b=40\n"
                "  isomer call sum.wasm add '{\"a\": 2, \"b\": 40}'\n"
                "  isomer call scaler.wasm resize image=@in.rgba width=64 height=64 -o out.rgba\n"
                "  isomer call --timeout 2s --memory 64MiB text.wasm count - < words.txt\n"
                "  isomer call hello.wasm run '{\"args\": [\"you\"]}'\n",
    .groups = groups,
    .group_count = ISO_COUNT_OF(groups),
    .run = run,
};
