/* isomer resume: a program from where a snapshot left it. */
#include "cli/commands.h"
#include "cli/message.h"
#include "cli/session.h"
#include "cli/status.h"
#include "cli/watch.h"

#include <stdio.h>
#include <stdlib.h>

enum { OPTION_MODULE = ISO_CLI_OPTION_OWN };

static const struct iso_cli_option own_options[] = {
    {OPTION_MODULE, "module", "FILE", true,
     "a module of the snapshot (default: the file from which\n"
     "it was run); it is recognised by its digest"},
};

static const struct iso_cli_option_group own_group = {"What to continue", own_options,
                                                      ISO_COUNT_OF(own_options)};
static const struct iso_cli_option_group *const groups[] = {
    &own_group, &iso_cli_group_grants, &iso_cli_group_limits, &iso_cli_group_snapshots};

/* The snapshot, and what it needs. */
struct source {
    const char *path;
    struct iso_file file;
    const char *module_paths[ISO_CLI_MODULES_MAX];
    size_t module_path_count;
    uint8_t digests[ISO_CLI_MODULES_MAX][ISO_SHA256_SIZE];
    uint32_t digest_count;
    bool has_record;
    bool has_wasi;
};

/* Read the command line: options and the one FILE in any order. Returns ISO_CLI_OK, a status, or
 * the answer of the parser. */
static int read_args(struct iso_cli_session *session, struct iso_cli_args *args,
                     struct source *source)
{
    for (;;) {
        int id = iso_cli_args_next(args);
        int status = ISO_CLI_OK;
        if (id == ISO_CLI_ARGS_END) {
            break;
        }
        if (id == ISO_CLI_ARGS_OPERAND && source->path != NULL) {
            return iso_cli_usage_error(session->command,
                                       "'%s' is one too many: the program keeps the arguments with "
                                       "which it was started",
                                       args->value);
        }
        if (id == ISO_CLI_ARGS_OPERAND) {
            source->path = args->value;
        } else if (id < 0) {
            return id;
        } else if (id == OPTION_MODULE) {
            if (source->module_path_count == ISO_CLI_MODULES_MAX) {
                return iso_cli_usage_error(session->command, "--module is given too often");
            }
            source->module_paths[source->module_path_count++] = args->value;
        } else {
            status = iso_cli_settings_take(&session->settings, session->command, id, args->value);
        }
        if (status != ISO_CLI_OK) {
            return status;
        }
    }
    if (source->path == NULL) {
        return iso_cli_usage_error(session->command, "there is no FILE to continue");
    }
    return iso_cli_settings_check(&session->settings, session->command);
}

static int fail_snapshot(const struct source *source, const struct iso_report *report,
                         enum iso_err err)
{
    char subject[512];
    (void)iso_format(subject, sizeof subject, "cannot continue '%s'", source->path);
    iso_cli_error_report(subject, report, err);
    return err == ISO_E_NOMEM   ? ISO_CLI_SYSTEM
           : err == ISO_E_LIMIT ? ISO_CLI_LIMIT
                                : ISO_CLI_SNAPSHOT_REFUSED;
}

/* Read the snapshot: its modules and the sections that say how to go on. */
static int read_snapshot(struct iso_cli_session *session, struct source *source)
{
    struct iso_report report;
    struct iso_bytes section;
    iso_report_init(&report);
    int status = iso_cli_file_load(source->path, &source->file);
    if (status != ISO_CLI_OK) {
        return status;
    }
    struct iso_bytes bytes = source->file.bytes;
    enum iso_cli_file_kind kind = iso_cli_file_kind(bytes);
    if (kind == ISO_CLI_FILE_MODULE) {
        iso_cli_error("'%s' is a module, not a snapshot", source->path);
        iso_cli_hint("run it with: isomer run '%s'", source->path);
        return ISO_CLI_SNAPSHOT_REFUSED;
    }
    if (kind == ISO_CLI_FILE_EMPTY) {
        iso_cli_error("'%s' is not a snapshot: the file is empty", source->path);
        return ISO_CLI_SNAPSHOT_REFUSED;
    }
    /* First of all: what was damaged on the way would lead to strange advice. */
    enum iso_err err = iso_snapshot_check(bytes, &report);
    if (err == ISO_OK) {
        err = iso_snapshot_modules(bytes, source->digests, ISO_CLI_MODULES_MAX,
                                   &source->digest_count, &report);
    }
    if (err == ISO_OK && source->digest_count > ISO_CLI_MODULES_MAX) {
        err = iso_fail(&report, ISO_E_SNAPSHOT, "it has %u modules; at most %d are possible",
                       (unsigned)source->digest_count, ISO_CLI_MODULES_MAX);
    }
    if (err != ISO_OK) {
        return fail_snapshot(source, &report, err);
    }
    source->has_record = iso_snapshot_section_bytes(bytes, "cli", &section, NULL) == ISO_OK;
    if (source->has_record) {
        err = iso_cli_record_load(&session->record, section, &report);
    }
    source->has_wasi = iso_snapshot_section_bytes(bytes, "wasi", &section, NULL) == ISO_OK;
    return err == ISO_OK ? ISO_CLI_OK : fail_snapshot(source, &report, err);
}

/* ---- Modules ----------------------------------------------------------------------------- */

static const struct iso_cli_module *find_module(const struct iso_cli_session *session,
                                                const uint8_t digest[ISO_SHA256_SIZE])
{
    for (size_t i = 0; i < session->module_count; i++) {
        uint8_t have[ISO_SHA256_SIZE];
        iso_module_digest(session->modules[i].module, have);
        if (memcmp(have, digest, sizeof have) == 0) {
            return &session->modules[i];
        }
    }
    return NULL;
}

static bool is_needed(const struct source *source, struct iso_bytes bytes)
{
    uint8_t digest[ISO_SHA256_SIZE];
    iso_sha256(bytes.ptr, bytes.len, digest);
    for (uint32_t i = 0; i < source->digest_count; i++) {
        if (memcmp(digest, source->digests[i], sizeof digest) == 0) {
            return true;
        }
    }
    return false;
}

/* Load one file if it is a module of the snapshot. *used says whether it was. */
static int try_module(struct iso_cli_session *session, const struct source *source,
                      const char *path, bool *used)
{
    struct iso_file file;
    *used = false;
    int status = iso_cli_file_load(path, &file);
    if (status != ISO_CLI_OK) {
        return status;
    }
    if (!is_needed(source, file.bytes)) {
        iso_file_fini(&file);
        return ISO_CLI_OK;
    }
    *used = true;
    status =
        iso_cli_module_take(session->engine, path, &file, &session->modules[session->module_count]);
    session->module_count++;
    return status == ISO_CLI_OK ? iso_cli_session_check_module(session, path) : status;
}

static int fail_missing(const struct source *source, const uint8_t *digest, const char *recorded,
                        bool recorded_changed)
{
    char hex[2 * ISO_SHA256_SIZE + 1];
    iso_hex_encode(digest, ISO_SHA256_SIZE, hex);
    if (recorded_changed) {
        iso_cli_error("cannot continue '%s': its module '%s' has changed since; the digest that it "
                      "needs is %s",
                      source->path, recorded, hex);
    } else {
        iso_cli_error("cannot continue '%s': the module with digest %s is missing", source->path,
                      hex);
    }
    iso_cli_hint("give the file with: isomer resume --module FILE %s", source->path);
    return ISO_CLI_SNAPSHOT_REFUSED;
}

/* The modules given with --module. */
static int load_given(struct iso_cli_session *session, const struct source *source)
{
    for (size_t i = 0; i < source->module_path_count; i++) {
        bool used;
        int status = try_module(session, source, source->module_paths[i], &used);
        if (status != ISO_CLI_OK) {
            return status;
        }
        if (!used) {
            iso_cli_error("--module: '%s' is not a module of '%s': its digest differs",
                          source->module_paths[i], source->path);
            return ISO_CLI_SNAPSHOT_REFUSED;
        }
    }
    return ISO_CLI_OK;
}

static bool has_all(const struct iso_cli_session *session, const struct source *source)
{
    return session->module_count >= source->digest_count || source->digest_count == 0;
}

/* Find every module of the snapshot: among --module, then where it was run from. */
static int load_modules(struct iso_cli_session *session, const struct source *source)
{
    char recorded[4096] = "";
    bool is_changed = false;
    int status = load_given(session, source);
    struct iso_str path = session->record.module_path;
    /* The path is as trustworthy as the snapshot, so only a plain file is opened. */
    if (status == ISO_CLI_OK && !has_all(session, source) && path.len < sizeof recorded) {
        (void)iso_format(recorded, sizeof recorded, "%.*s", (int)path.len, path.ptr);
        if (path.len != 0 && iso_path_is_file(recorded)) {
            bool used = false;
            status = try_module(session, source, recorded, &used);
            is_changed = !used;
        }
    }
    for (uint32_t i = 0; i < source->digest_count && status == ISO_CLI_OK; i++) {
        if (find_module(session, source->digests[i]) == NULL) {
            status = fail_missing(source, source->digests[i], recorded, is_changed);
        }
    }
    return status;
}

/* ---- Restoring --------------------------------------------------------------------------- */

static bool needs_wasi(const struct iso_cli_session *session, const struct source *source)
{
    bool needs = source->has_wasi;
    for (size_t i = 0; i < session->module_count; i++) {
        needs = needs || iso_cli_uses_wasi(session->modules[i].module);
    }
    return needs;
}

/* When a grant is missing: which ones there were. */
static void hint_grants(const struct iso_cli_session *session)
{
    char text[2048] = "";
    size_t len = 0;
    for (size_t i = 0; i < session->record.grant_count; i++) {
        len += iso_format(text + len, sizeof text - len, " %.*s",
                          (int)session->record.grants[i].len, session->record.grants[i].ptr);
    }
    if (len != 0) {
        iso_cli_hint("the snapshot was taken with:%s", text);
    }
}

/* When a limit is too low: which option raises it. Some limits cannot be raised. */
static void hint_limit(const struct iso_report *report)
{
    if (strstr(report->text, "raise the memory limit") != NULL) {
        iso_cli_hint("--memory SIZE sets how much it may have");
    } else if (strstr(report->text, "stack") != NULL) {
        iso_cli_hint("--stack SIZE sets how much it may have");
    }
}

static int restore(struct iso_cli_session *session, const struct source *source)
{
    struct iso_snapshot_section sections[2];
    struct iso_module *modules[ISO_CLI_MODULES_MAX];
    struct iso_instance *instances[ISO_CLI_MODULES_MAX] = {NULL};
    struct iso_report report;
    size_t count = 0;
    iso_report_init(&report);
    for (size_t i = 0; i < session->module_count; i++) {
        modules[i] = session->modules[i].module;
    }
    sections[count++] = iso_cli_snapshot_section(session);
    if (session->wasi != NULL) {
        sections[count] = iso_wasi_section(session->wasi);
        sections[count++].optional = !source->has_wasi;
    }
    enum iso_err err =
        iso_snapshot_restore(session->store, source->file.bytes, modules, session->module_count,
                             sections, count, instances, ISO_COUNT_OF(instances), &report);
    if (err != ISO_OK) {
        int status = fail_snapshot(source, &report, err);
        if (err == ISO_E_REFUSED || err == ISO_E_NOT_FOUND || err == ISO_E_ACCESS) {
            hint_grants(session);
        } else if (err == ISO_E_LIMIT) {
            hint_limit(&report);
        }
        return status;
    }
    if (instances[0] == NULL) {
        iso_cli_error("cannot continue '%s': it has no instance", source->path);
        return ISO_CLI_SNAPSHOT_REFUSED;
    }
    session->instance = instances[0];
    session->fuel_start = iso_store_fuel_used(session->store);
    iso_cli_drive_set_fuel(session);
    return ISO_CLI_OK;
}

/* The path of the module for a further snapshot: where it was found this time. */
static void update_record(struct iso_cli_session *session, const struct source *source)
{
    if (source->module_path_count != 0) {
        session->module_path = iso_path_absolute(source->module_paths[0]);
        session->record.module_path = iso_str_from_z(session->module_path);
    }
}

static int resume_file(struct iso_cli_session *session, struct source *source)
{
    int status = iso_cli_session_begin(session);
    if (status == ISO_CLI_OK) {
        status = read_snapshot(session, source);
    }
    if (status == ISO_CLI_OK) {
        status = load_modules(session, source);
    }
    if (status == ISO_CLI_OK) {
        status = iso_cli_session_make_store(session);
    }
    if (status == ISO_CLI_OK && needs_wasi(session, source)) {
        status = iso_cli_session_make_wasi(session, NULL, 0);
    }
    if (status == ISO_CLI_OK) {
        status = restore(session, source);
    }
    if (status == ISO_CLI_OK) {
        update_record(session, source);
        status = iso_cli_session_run(session);
    }
    return status;
}

static int run(const struct iso_cli_command *command, int argc, char **argv)
{
    static struct iso_cli_session session;
    static struct source source;
    struct iso_cli_args args;
    iso_cli_args_init(&args, command, argc, argv);
    iso_cli_session_init(&session, command);
    int status = read_args(&session, &args, &source);
    if (status < 0) {
        status = iso_cli_args_status(status);
    } else if (status == ISO_CLI_OK) {
        status = resume_file(&session, &source);
    }
    iso_cli_session_fini(&session);
    iso_file_fini(&source.file);
    return status;
}

const struct iso_cli_command iso_cli_command_resume = {
    .name = "resume",
    .summary = "continue a program from a snapshot",
    .synopsis = "[OPTIONS...] FILE",
    .description =
        "Continues the program in FILE, written by 'isomer run --snapshot', where it was stopped: "
        "on\n"
        "this machine or another, of whatever processor. The program keeps its arguments and its\n"
        "environment (--env is accepted, so that the options of 'isomer run' can be repeated, and\n"
        "changes nothing); directories and sockets must be granted again. FILE stays as it is, so "
        "a\n"
        "snapshot can be continued any number of times.",
    .examples = "  isomer resume work.snap\n"
                "  isomer resume --dir ./data::/data work.snap\n"
                "  isomer resume --module copies/long.wasm work.snap\n"
                "  isomer resume --snapshot work.snap work.snap   # may be stopped again\n",
    .groups = groups,
    .group_count = ISO_COUNT_OF(groups),
    .run = run,
};
