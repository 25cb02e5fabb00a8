/* Notes that running daemons leave for this machine's people, so that commands find them by name
 * and without addresses (docs/supervisor.md, "Found without addresses"). */
#ifndef ISO_CLI_NOTE_H
#define ISO_CLI_NOTE_H

#include "base/base.h"

enum { ISO_CLI_NOTE_PATH_SIZE = 1100 };

/*
 * The directory of the notes: the variable ISOMER_RUNTIME_DIR; else /run/isomer for root, else
 * $XDG_RUNTIME_DIR/isomer, else ~/.local/state/isomer-run. false when there is none (no home).
 */
bool iso_cli_note_dir(char out[ISO_CLI_NOTE_PATH_SIZE]);

struct iso_cli_note {
    const char *kind; /* "supervisor", "orchestrator" */
    const char *name; /* of the device, or of the orchestrator */
    const char *url;  /* where it is reached from this machine; an orchestrator's local.json says */
    const char *state; /* its state directory, where the file `token` is */
    const char *https; /* of a device, from this machine; NULL: none */
    const char *pin;   /* of its certificate; with https */
};

/*
 * Leave a note: DIR/KIND-PID.json, mode 0600, in a directory of mode 0700. It is locked (flock(2))
 * as long as the process lives, however it ends: an unlocked note is stale. *lock gets a descriptor
 * to keep open. Blocks. Errors: NOT_FOUND (no directory), ACCESS, IO: a daemon runs without it.
 */
ISO_MUST_CHECK enum iso_err iso_cli_note_leave(const struct iso_cli_note *note, int *lock,
                                               struct iso_report *report);
/* At the end: removes it. kind: as there; lock: closed; -1 is fine. */
void iso_cli_note_remove(const char *kind, int lock);

#endif
