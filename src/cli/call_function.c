/* Calling a function through its binding, and what becomes of its result. */
#include "cli/call.h"

#include "cli/message.h"
#include "cli/status.h"

/* What a result may cost. */
#define RESULT_MAX_BYTES ((size_t)1 << 30)

/* ---- Results ------------------------------------------------------------------------------- */

static bool is_bytes(const struct iso_vtype *type)
{
    return type->kind == ISO_V_LIST && type->element->kind == ISO_V_U8;
}

static int encode(const struct iso_vtype *type, const struct iso_value *value, struct iso_buf *out)
{
    enum iso_err err = iso_json_encode(type, value, out);
    if (err != ISO_OK) {
        iso_cli_error("cannot write the result as JSON: %s", iso_err_text(err));
    }
    return iso_cli_status_from(err);
}

/* The function answered with an error: what it says is the message. */
static int print_error(const struct iso_cli_call *call, const struct iso_vtype *type,
                       const struct iso_value *value)
{
    struct iso_buf text;
    int status = ISO_CLI_OK;
    iso_buf_init(&text, iso_alloc_libc(), SIZE_MAX);
    if (type != NULL) {
        status = encode(type, value, &text);
    }
    if (status == ISO_CLI_OK) {
        char subject[512];
        (void)iso_format(subject, sizeof subject, "%s answered with an error", call->function_name);
        iso_cli_error_text(subject, iso_str_from((const char *)text.ptr, text.len));
        status = ISO_CLI_ANSWERED_ERROR;
    }
    iso_buf_fini(&text);
    return status;
}

int iso_cli_call_print(const struct iso_cli_call *call, const struct iso_vtype *type,
                       const struct iso_value *value)
{
    const struct iso_value *inner = value;
    if (type != NULL && type->kind == ISO_V_RESULT) {
        const struct iso_vtype *payload = iso_vtype_case_payload(type, value->choice.index);
        if (value->choice.index == 1) {
            return print_error(call, payload, value->choice.payload);
        }
        type = payload;
        inner = value->choice.payload;
    }
    if (type == NULL) {
        return ISO_CLI_OK;
    }
    if (call->out_path != NULL && type->kind == ISO_V_OPTION && is_bytes(type->element) &&
        inner->choice.index == 1) {
        type = type->element;
        inner = inner->choice.payload;
    }
    if (call->out_path != NULL && is_bytes(type)) {
        return iso_cli_file_save(call->out_path, inner->bytes);
    }
    struct iso_buf text;
    iso_buf_init(&text, iso_alloc_libc(), SIZE_MAX);
    int status = encode(type, inner, &text);
    if (status == ISO_CLI_OK && iso_buf_append_u8(&text, '\n') != ISO_OK) {
        iso_cli_error("out of memory");
        status = ISO_CLI_SYSTEM;
    }
    if (status == ISO_CLI_OK) {
        status =
            iso_cli_file_save(call->out_path != NULL ? call->out_path : "-", iso_buf_view(&text));
    }
    iso_buf_fini(&text);
    return status;
}

/* ---- The call ------------------------------------------------------------------------------ */

/* Instantiate and initialise; what the module prints is not the result. */
static int prepare(struct iso_cli_call *call)
{
    struct iso_cli_session *session = call->session;
    const char *args[] = {call->path};
    session->stdio[1].fd = 2;
    int status = iso_cli_session_make_store(session);
    if (status == ISO_CLI_OK && iso_cli_uses_wasi(session->modules[0].module)) {
        status = iso_cli_session_make_wasi(session, args, 1);
    }
    if (status == ISO_CLI_OK) {
        status = iso_cli_session_instantiate(session, call->path);
    }
    if (status == ISO_CLI_OK && iso_store_state(session->store) != ISO_RUN_IDLE &&
        iso_store_state(session->store) != ISO_RUN_DONE) {
        status = iso_cli_drive(session);
        status = status == ISO_CLI_DRIVE_DONE ? ISO_CLI_OK : status;
    }
    if (status != ISO_CLI_OK) {
        return status;
    }
    struct iso_func *initialize = iso_instance_export_func(session->instance, "_initialize");
    if (initialize == NULL || iso_func_type(initialize)->param_count != 0) {
        return ISO_CLI_OK;
    }
    enum iso_err err = iso_start(session->store, initialize, NULL);
    if (err != ISO_OK) {
        iso_cli_error("cannot initialise the module: %s", iso_start_text(session->store, err));
        return iso_cli_start_status(session->store, err);
    }
    status = iso_cli_drive(session);
    return status == ISO_CLI_DRIVE_DONE ? ISO_CLI_OK : status;
}

static int failed(const struct iso_cli_call *call, const struct iso_report *report,
                  enum iso_err err)
{
    const struct iso_store *store = call->session->store;
    if (err == ISO_E_TRAP) {
        if (iso_store_trap(store)->kind != ISO_TRAP_NONE) {
            return iso_cli_trap_status(store);
        }
        iso_cli_error_as("trap", "%s", iso_report_text(report, err));
        return ISO_CLI_TRAP;
    }
    iso_cli_error("cannot call %s: %s", call->function_name, iso_report_text(report, err));
    return iso_cli_start_status(store, err);
}

/* Carry the call through waits, limits and signals. */
static int drive(const struct iso_cli_call *call, struct iso_binding *binding,
                 const struct iso_value *args, struct iso_arena *arena, struct iso_value *result)
{
    struct iso_report report;
    iso_report_init(&report);
    enum iso_err err = iso_binding_call(binding, args, arena, result, &report);
    while (err == ISO_E_PENDING) {
        int status = iso_cli_drive_settle(call->session);
        if (status != ISO_CLI_DRIVE_DONE) {
            iso_binding_drop(binding);
            return status;
        }
        err = iso_binding_continue(binding, arena, result, &report);
    }
    return err == ISO_OK ? ISO_CLI_OK : failed(call, &report, err);
}

static int call_bound(const struct iso_cli_call *call, struct iso_binding *binding,
                      const struct iso_value *args)
{
    const struct iso_wit_func *func = call->function.func;
    struct iso_arena arena;
    struct iso_value result;
    memset(&result, 0, sizeof result);
    iso_arena_init(&arena, iso_alloc_libc(), 0, RESULT_MAX_BYTES);
    int status = drive(call, binding, args, &arena, &result);
    if (status == ISO_CLI_OK) {
        status = iso_cli_call_print(call, func->result, &result);
    }
    iso_arena_fini(&arena);
    return status;
}

static int bind_and_call(struct iso_cli_call *call, const struct iso_value *args)
{
    struct iso_binding *binding = NULL;
    struct iso_report report;
    iso_report_init(&report);
    struct iso_str abi = call->abi != NULL ? iso_str_from_z(call->abi) : call->found->info.abi;
    enum iso_err err = iso_binding_create(call->session->instance, abi, call->function.interface,
                                          call->function.func, &binding, &report);
    if (err != ISO_OK) {
        iso_cli_error("'%s' does not fit its interface: %s", call->path,
                      iso_report_text(&report, err));
        return err == ISO_E_NOMEM ? ISO_CLI_SYSTEM : ISO_CLI_INVALID;
    }
    int status = call_bound(call, binding, args);
    iso_binding_destroy(binding);
    return status;
}

int iso_cli_call_function(struct iso_cli_call *call)
{
    static struct iso_cli_arguments arguments; /* large */
    /* Arguments first: a mistake shows before anything of the module runs. */
    int status = iso_cli_arguments_read(call->session->command, call->function.func, call->texts,
                                        call->text_count, &arguments);
    if (status == ISO_CLI_OK) {
        status = prepare(call);
    }
    if (status == ISO_CLI_OK) {
        status = bind_and_call(call, arguments.values);
    }
    iso_cli_arguments_fini(&arguments);
    return status;
}
