/* The notes of running daemons, read (note.h). */
#ifndef ISO_CLI_CLIENT_NOTE_H
#define ISO_CLI_CLIENT_NOTE_H

#include <jansson.h>
#include <stdbool.h>

/* What runs on this machine: an array of {"kind", "name", "url", "state", "pid"}, of that kind (of
 * a device with "https" and "pin"), in the order of names; stale notes are removed and left out.
 * The caller's reference. */
json_t *iso_cli_notes_read(const char *kind);

/* What an orchestrator is told of a device that it is to have: how it is reached, by its
 * certificate if it has one, for over plain HTTP whoever takes its port later may pretend to be it;
 * its token; its name (NULL: its own). The caller's reference. */
json_t *iso_cli_note_device(const json_t *note, const char *token, const char *name);

/* The note of that name, or whose URL is `name`; NULL. Borrowed from notes. */
const json_t *iso_cli_notes_find(const json_t *notes, const char *name);

/* Whether several have that name: then which, as an error, and that `option` is to say it. */
bool iso_cli_notes_ambiguous(const json_t *notes, const char *name, const char *option);

/* The names with commas between, for messages. */
void iso_cli_notes_names(const json_t *notes, char *out, size_t cap);

#endif
