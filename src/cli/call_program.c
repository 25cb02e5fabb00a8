/* run(args, env, stdin) -> outcome: a whole program as a function. */
#include "cli/call.h"

#include "cli/message.h"
#include "cli/status.h"

/* What a program may print when its output is kept in memory. */
#define OUTPUT_MAX_BYTES ((size_t)1 << 30)

enum { PARAM_ARGS, PARAM_ENV, PARAM_STDIN };

static const char *copy_text(struct iso_arena *arena, struct iso_str text)
{
    /* Programs get zero-terminated texts: what is behind a zero byte would be lost. */
    return text.len == 0 || memchr(text.ptr, 0, text.len) == NULL ? iso_arena_copy_str(arena, text)
                                                                  : NULL;
}

static int bad_text(const char *what, uint32_t index)
{
    iso_cli_error("%s[%u]: expected a string without zero bytes", what, (unsigned)index);
    return ISO_CLI_USAGE;
}

/* "K=V" for the program, in addition to --env. */
static int add_env(struct iso_cli_session *session, struct iso_arena *arena,
                   const struct iso_value *list)
{
    struct iso_cli_settings *settings = &session->settings;
    for (uint32_t i = 0; i < list->list.count; i++) {
        const struct iso_value *pair = list->list.items[i].list.items;
        struct iso_str key = pair[0].string, value = pair[1].string;
        if (key.len == 0 || memchr(key.ptr, '=', key.len) != NULL) {
            iso_cli_error("env[%u]: expected a name without '=', and a value", (unsigned)i);
            return ISO_CLI_USAGE;
        }
        char *text = iso_arena_alloc(arena, key.len + value.len + 2);
        if (text == NULL || settings->env_count == ISO_CLI_ENV_MAX) {
            iso_cli_error("env: there are too many variables");
            return ISO_CLI_USAGE;
        }
        memcpy(text, key.ptr, key.len);
        text[key.len] = '=';
        iso_memory_copy(text + key.len + 1, value.ptr, value.len);
        if (strlen(text) != key.len + value.len + 1) {
            return bad_text("env", i);
        }
        settings->env[settings->env_count++] = text;
    }
    return ISO_CLI_OK;
}

/* The arguments and streams of the program; then everything is ready to run. */
static int prepare(struct iso_cli_call *call, struct iso_cli_arguments *arguments,
                   struct iso_buf outputs[2])
{
    struct iso_cli_session *session = call->session;
    const struct iso_value *given = arguments->values;
    uint32_t count = given[PARAM_ARGS].list.count;
    const char **args = iso_arena_array(&arguments->arena, count + 1u, sizeof *args);
    if (args == NULL) {
        iso_cli_error("out of memory");
        return ISO_CLI_SYSTEM;
    }
    args[0] = call->path;
    for (uint32_t i = 0; i < count; i++) {
        args[i + 1] = copy_text(&arguments->arena, given[PARAM_ARGS].list.items[i].string);
        if (args[i + 1] == NULL) {
            return bad_text("args", i);
        }
    }
    int status = add_env(session, &arguments->arena, &given[PARAM_ENV]);
    session->stdio[0] =
        (struct iso_wasi_stream){.kind = ISO_WASI_STREAM_BUFFER, .input = given[PARAM_STDIN].bytes};
    for (int i = 0; i < 2; i++) {
        session->stdio[i + 1] =
            (struct iso_wasi_stream){.kind = ISO_WASI_STREAM_BUFFER, .output = &outputs[i]};
    }
    status = status == ISO_CLI_OK ? iso_cli_session_make_store(session) : status;
    if (status == ISO_CLI_OK && iso_cli_uses_wasi(session->modules[0].module)) {
        status = iso_cli_session_make_wasi(session, args, count + 1u);
    }
    return status == ISO_CLI_OK ? iso_cli_session_instantiate(session, call->path) : status;
}

static int print_outcome(const struct iso_cli_call *call, const struct iso_buf outputs[2],
                         uint32_t exit_status)
{
    const struct iso_vtype *type = call->function.func->result;
    struct iso_value fields[3], outcome;
    memset(fields, 0, sizeof fields);
    memset(&outcome, 0, sizeof outcome);
    ISO_ASSERT(type != NULL && type->member_count == ISO_COUNT_OF(fields));
    fields[0].bytes = iso_buf_view(&outputs[0]);
    fields[1].bytes = iso_buf_view(&outputs[1]);
    fields[2].u = exit_status;
    outcome.list.items = fields;
    outcome.list.count = ISO_COUNT_OF(fields);
    return iso_cli_call_print(call, type, &outcome);
}

/* Run to the end; how the program ended is part of the outcome, unless it trapped or was stopped.
 */
static int run_program(struct iso_cli_call *call, struct iso_cli_arguments *arguments,
                       struct iso_buf outputs[2])
{
    struct iso_cli_session *session = call->session;
    uint32_t exit_status = 0;
    int status = prepare(call, arguments, outputs);
    if (status != ISO_CLI_OK) {
        return status;
    }
    status = iso_cli_session_run(session);
    const struct iso_trap *trap = iso_store_trap(session->store);
    bool exited = iso_store_state(session->store) == ISO_RUN_TRAPPED && trap->kind == ISO_TRAP_EXIT;
    if (exited) {
        exit_status = trap->exit_status;
    } else if (status != ISO_CLI_OK) {
        /* There is no outcome; what it said may tell why. */
        (void)fwrite(outputs[1].ptr, 1, outputs[1].len, stderr);
        return status;
    }
    return print_outcome(call, outputs, exit_status);
}

int iso_cli_call_program(struct iso_cli_call *call)
{
    static struct iso_cli_arguments arguments; /* large */
    struct iso_buf outputs[2];
    for (int i = 0; i < 2; i++) {
        iso_buf_init(&outputs[i], iso_alloc_libc(), OUTPUT_MAX_BYTES);
    }
    int status = iso_cli_arguments_read_program(call->session->command, call->function.func,
                                                call->texts, call->text_count, &arguments);
    if (status == ISO_CLI_OK) {
        status = run_program(call, &arguments, outputs);
    }
    iso_cli_arguments_fini(&arguments);
    for (int i = 0; i < 2; i++) {
        iso_buf_fini(&outputs[i]);
    }
    return status;
}
