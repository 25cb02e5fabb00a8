/* Setting a program up, and its phases from the start function to the end. */
#include "cli/session.h"

#include "cli/invoke.h"
#include "cli/message.h"
#include "cli/status.h"
#include "cli/watch.h"

#include <inttypes.h>
#include <stdlib.h>

void iso_cli_session_init(struct iso_cli_session *session, const struct iso_cli_command *command)
{
    session->command = command;
    session->module_count = 0;
    session->engine = NULL;
    session->store = NULL;
    session->wasi = NULL;
    session->instance = NULL;
    session->module_path = NULL;
    session->fuel_start = 0;
    session->snapshot_at_fuel_done = false;
    for (int fd = 0; fd < 3; fd++) {
        session->stdio[fd] = (struct iso_wasi_stream){.kind = ISO_WASI_STREAM_FD, .fd = fd};
    }
    iso_cli_settings_init(&session->settings);
    iso_cli_record_init(&session->record);
}

void iso_cli_session_fini(struct iso_cli_session *session)
{
    iso_cli_watch_store(NULL);
    iso_store_destroy(session->store);
    iso_wasi_destroy(session->wasi);
    for (size_t i = 0; i < session->module_count; i++) {
        iso_cli_module_fini(&session->modules[i]);
    }
    iso_engine_destroy(session->engine);
    iso_cli_settings_fini(&session->settings);
    free(session->module_path);
}

int iso_cli_session_begin(struct iso_cli_session *session)
{
    const struct iso_cli_settings *settings = &session->settings;
    struct iso_engine_config config = {.platform = iso_platform_posix(),
                                       .code_max_bytes = settings->code_max_bytes};
    enum iso_err err = iso_engine_create(&config, &session->engine);
    if (err != ISO_OK) {
        iso_cli_error("cannot make an engine: %s", iso_err_text(err));
        return iso_cli_status_from(err);
    }
    struct iso_report report;
    iso_report_init(&report);
    err = iso_cli_watch_begin(settings->snapshot_path != NULL, settings->timeout_ns, &report);
    if (err != ISO_OK) {
        iso_cli_error("%s", iso_report_text(&report, err));
        return ISO_CLI_SYSTEM;
    }
    return ISO_CLI_OK;
}

int iso_cli_session_check_module(const struct iso_cli_session *session, const char *module_path)
{
    const char *snapshot_path = session->settings.snapshot_path;
    if (snapshot_path == NULL) {
        return ISO_CLI_OK;
    }
    char *module = iso_path_absolute(module_path), *snapshot = iso_path_absolute(snapshot_path);
    bool same = module != NULL && snapshot != NULL && strcmp(module, snapshot) == 0;
    free(module);
    free(snapshot);
    if (same) {
        return iso_cli_usage_error(session->command,
                                   "--snapshot: '%s' is the module itself, which would be replaced "
                                   "by the snapshot",
                                   snapshot_path);
    }
    return ISO_CLI_OK;
}

int iso_cli_session_make_store(struct iso_cli_session *session)
{
    const struct iso_cli_settings *settings = &session->settings;
    struct iso_store_config config = {
        .memory_max_bytes = settings->memory_max_bytes,
        .stack_max_bytes = settings->stack_max_bytes,
        .user = session,
    };
    enum iso_err err = iso_store_create(session->engine, &config, &session->store);
    if (err != ISO_OK) {
        iso_cli_error("cannot make a store: %s", iso_err_text(err));
        return iso_cli_status_from(err);
    }
    iso_cli_drive_set_fuel(session);
    iso_cli_watch_store(session->store);
    return ISO_CLI_OK;
}

bool iso_cli_uses_wasi(const struct iso_module *module)
{
    uint32_t count = iso_module_import_count(module);
    for (uint32_t i = 0; i < count; i++) {
        struct iso_import_desc desc;
        iso_module_import(module, i, &desc);
        if (desc.module.len >= 5 && memcmp(desc.module.ptr, "wasi_", 5) == 0) {
            return true;
        }
    }
    return false;
}

int iso_cli_session_make_wasi(struct iso_cli_session *session, const char *const *args,
                              size_t arg_count)
{
    const struct iso_cli_settings *settings = &session->settings;
    struct iso_wasi_preopen preopens[ISO_CLI_GRANTS_MAX];
    struct iso_wasi_socket sockets[ISO_CLI_GRANTS_MAX];
    struct iso_report report;
    iso_report_init(&report);
    for (size_t i = 0; i < settings->dir_count; i++) {
        const struct iso_cli_dir *dir = &settings->dirs[i];
        preopens[i] = (struct iso_wasi_preopen){
            .guest_path = dir->guest, .host_path = dir->host, .read_only = dir->read_only};
    }
    for (size_t i = 0; i < settings->listen_count; i++) {
        sockets[i] = (struct iso_wasi_socket){.fd = settings->listens[i].fd,
                                              .name = settings->listens[i].text};
    }
    struct iso_wasi_config config = {.args = args,
                                     .arg_count = arg_count,
                                     .env = settings->env,
                                     .env_count = settings->env_count,
                                     .preopens = preopens,
                                     .preopen_count = settings->dir_count,
                                     .sockets = sockets,
                                     .socket_count = settings->listen_count};
    for (int fd = 0; fd < 3; fd++) {
        config.stdio[fd] = session->stdio[fd];
    }
    enum iso_err err = iso_wasi_create(iso_alloc_libc(), &config, &session->wasi, &report);
    if (err == ISO_OK) {
        err = iso_wasi_define(session->wasi, session->store);
    }
    if (err != ISO_OK) {
        iso_cli_error_report("cannot set up WASI", &report, err);
    }
    return iso_cli_status_from(err);
}

int iso_cli_session_instantiate(struct iso_cli_session *session, const char *path)
{
    struct iso_report report;
    iso_report_init(&report);
    session->record.phase = ISO_CLI_PHASE_START;
    enum iso_err err = iso_instance_create(session->store, session->modules[0].module,
                                           &session->instance, &report);
    if (err == ISO_OK || err == ISO_E_PENDING) {
        return ISO_CLI_OK;
    }
    if (err == ISO_E_TRAP && iso_store_trap(session->store)->kind != ISO_TRAP_NONE) {
        return iso_cli_trap_status(session->store);
    }
    char subject[512];
    (void)iso_format(subject, sizeof subject, "cannot run '%s'", path);
    iso_cli_error_report(subject, &report, err);
    if (err == ISO_E_LINK) {
        iso_cli_hint("'isomer inspect %s' lists its imports; isomer offers WASI preview 1", path);
    } else if (err == ISO_E_LIMIT && session->settings.memory_max_bytes != 0 &&
               iso_store_trap(session->store)->kind == ISO_TRAP_NONE) {
        iso_cli_hint("--memory SIZE sets how much memory it may have");
    }
    return iso_cli_start_status(session->store, err);
}

/* ---- Phases ------------------------------------------------------------------------------ */

/* The function of the main phase; NULL when there is none, with *name for messages. */
static struct iso_func *main_func(struct iso_cli_session *session, char *name, size_t cap)
{
    struct iso_str invoke = session->record.invoke;
    (void)iso_format(name, cap, "%.*s", invoke.len != 0 ? (int)invoke.len : 6,
                     invoke.len != 0 ? invoke.ptr : "_start");
    return iso_instance_export_func(session->instance, name);
}

static int start_func(struct iso_cli_session *session, struct iso_func *func,
                      const union iso_slot *slots)
{
    ISO_ASSERT(slots != NULL || iso_func_type(func)->param_slots == 0);
    enum iso_err err = iso_start(session->store, func, slots);
    if (err != ISO_OK) {
        iso_cli_error("cannot call the program: %s", iso_start_text(session->store, err));
    }
    return iso_cli_start_status(session->store, err);
}

/* Begin the main phase: the arguments of --invoke, or none. */
static int start_main(struct iso_cli_session *session)
{
    char name[1024];
    struct iso_func *func = main_func(session, name, sizeof name);
    if (func == NULL) {
        iso_cli_error("the program has no function '%s' any more", name);
        return ISO_CLI_INVALID;
    }
    const struct iso_func_type *type = iso_func_type(func);
    union iso_slot *slots = calloc(type->param_slots + 1u, sizeof *slots);
    if (slots == NULL) {
        iso_cli_error("out of memory");
        return ISO_CLI_SYSTEM;
    }
    int status = iso_cli_invoke_parse(session->command, &session->record, name, type, slots);
    if (status == ISO_CLI_OK) {
        status = start_func(session, func, slots);
    }
    free(slots);
    return status;
}

static int print_results(struct iso_cli_session *session)
{
    char name[1024];
    struct iso_func *func = main_func(session, name, sizeof name);
    if (func == NULL || session->record.invoke.len == 0) {
        return ISO_CLI_OK;
    }
    return iso_cli_invoke_print(iso_func_type(func), iso_results(session->store));
}

/* Begin what comes after the present phase; the store is idle then. ISO_CLI_DRIVE_DONE: go on. */
static int next_phase(struct iso_cli_session *session)
{
    struct iso_cli_record *record = &session->record;
    int status;
    if (record->phase == ISO_CLI_PHASE_START) {
        struct iso_func *initialize = iso_instance_export_func(session->instance, "_initialize");
        bool wanted = record->invoke.len != 0 && !iso_str_equal_z(record->invoke, "_initialize");
        if (initialize != NULL && wanted && iso_func_type(initialize)->param_count == 0) {
            record->phase = ISO_CLI_PHASE_INITIALIZE;
            status = start_func(session, initialize, NULL);
            return status == ISO_CLI_OK ? ISO_CLI_DRIVE_DONE : status;
        }
        if (record->invoke.len == 0 &&
            iso_instance_export_func(session->instance, "_start") == NULL) {
            return ISO_CLI_OK; /* the start function was the program */
        }
    }
    record->phase = ISO_CLI_PHASE_MAIN;
    status = start_main(session);
    return status == ISO_CLI_OK ? ISO_CLI_DRIVE_DONE : status;
}

/* A snapshot was asked for, but the program ended before. */
static void note_no_snapshot(const struct iso_cli_session *session)
{
    if (session->settings.snapshot_at_fuel != UINT64_MAX && !session->snapshot_at_fuel_done) {
        iso_cli_note("no snapshot was written: the program ended after %" PRIu64
                     " units of fuel, before --snapshot-at-fuel %" PRIu64,
                     iso_store_fuel_used(session->store) - session->fuel_start,
                     session->settings.snapshot_at_fuel);
    }
}

int iso_cli_session_run(struct iso_cli_session *session)
{
    int status = ISO_CLI_DRIVE_DONE;
    if (iso_store_state(session->store) == ISO_RUN_IDLE ||
        iso_store_state(session->store) == ISO_RUN_DONE) {
        status = next_phase(session);
    }
    while (status == ISO_CLI_DRIVE_DONE) {
        status = iso_cli_drive(session);
        if (status == ISO_CLI_DRIVE_DONE) {
            bool is_last = session->record.phase == ISO_CLI_PHASE_MAIN;
            status = is_last ? print_results(session) : next_phase(session);
        }
    }
    if (status != ISO_CLI_SNAPSHOT_WRITTEN && status != ISO_CLI_USAGE) {
        note_no_snapshot(session);
    }
    return status;
}
