/*
 * One program being run by `isomer run` or `isomer resume`: engine, modules, store, WASI, and the
 * loop that carries it to its end through waits, limits, signals and snapshots.
 */
#ifndef ISO_CLI_SESSION_H
#define ISO_CLI_SESSION_H

#include "cli/load.h"
#include "cli/record.h"
#include "cli/settings.h"
#include "engine/engine.h"
#include "wasi/wasi.h"

enum { ISO_CLI_MODULES_MAX = 64 };

struct iso_cli_session {
    const struct iso_cli_command *command;
    struct iso_cli_settings settings;
    struct iso_cli_record record; /* phase, function and its arguments */
    struct iso_engine *engine;
    struct iso_cli_module modules[ISO_CLI_MODULES_MAX];
    size_t module_count;
    struct iso_store *store;
    struct iso_wasi *wasi; /* NULL when the program does not use it */
    struct iso_instance *instance;
    struct iso_wasi_stream stdio[3]; /* the program's; at first those of the process */
    char *module_path;               /* owned; what record.module_path refers to when we made it */
    uint64_t fuel_start;             /* fuel used before this command */
    bool snapshot_at_fuel_done;      /* tried: it is not tried twice */
};

/* Zeroes everything. */
void iso_cli_session_init(struct iso_cli_session *session, const struct iso_cli_command *command);
void iso_cli_session_fini(struct iso_cli_session *session);

/* When the settings are known, before modules are loaded: make the engine, and watch signals and
 * time from now on (loading takes a while for large modules; what happens meanwhile is heeded when
 * the store is there). Returns ISO_CLI_OK, or the exit status after a message. */
int iso_cli_session_begin(struct iso_cli_session *session);

/* Refuse a --snapshot that would replace the file of a module, without which no snapshot can be
 * continued. Returns ISO_CLI_OK, or the exit status after a message. */
int iso_cli_session_check_module(const struct iso_cli_session *session, const char *module_path);

/* Make the store with the limits of the settings, and set the fuel. */
int iso_cli_session_make_store(struct iso_cli_session *session);

/* Whether a module imports anything of WASI. */
bool iso_cli_uses_wasi(const struct iso_module *module);
/* Make the program's world from the grants and define WASI in the store. args may be NULL. */
int iso_cli_session_make_wasi(struct iso_cli_session *session, const char *const *args,
                              size_t arg_count);

/* Instantiate modules[0]: the start function runs, and may be suspended afterwards. path: for
 * messages. */
int iso_cli_session_instantiate(struct iso_cli_session *session, const char *path);

/*
 * Carry the program from its present phase to its end. The store is idle, or suspended inside the
 * phase. Returns the exit status.
 */
int iso_cli_session_run(struct iso_cli_session *session);

/* ---- drive.c: one call --------------------------------------------------------------------- */

enum { ISO_CLI_DRIVE_DONE = -1 };

/* Run the call that is under way. Returns ISO_CLI_DRIVE_DONE when it returned, else the exit status
 * with which the command ends (the program ended, trapped, was stopped). */
int iso_cli_drive(struct iso_cli_session *session);

/* For those who run the store themselves: see to what keeps the call under way from going on, after
 * it was suspended or before it begins. Returns as above. */
int iso_cli_drive_settle(struct iso_cli_session *session);

/* Give the store the fuel until the next of --fuel and --snapshot-at-fuel. */
void iso_cli_drive_set_fuel(struct iso_cli_session *session);

/* Print the trap of the store with its backtrace, or handle proc_exit. Returns the exit status. */
int iso_cli_trap_status(const struct iso_store *store);
/* The exit status of what has not begun. Of one that met a limit, by which option there is more. */
int iso_cli_start_status(const struct iso_store *store, enum iso_err err);

/* ---- snapshot.c ---------------------------------------------------------------------------- */

/* Write a snapshot to --snapshot. True when it stands in the file; else a message was printed and
 * the program is as before. */
bool iso_cli_snapshot_write(struct iso_cli_session *session);

/* The section "cli" for a restore. The record must have been loaded before. */
struct iso_snapshot_section iso_cli_snapshot_section(struct iso_cli_session *session);

#endif
