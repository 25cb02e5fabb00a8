/* The notes of running daemons: finding them, and telling stale ones. */
#include "cli/client_note.h"

#include "base/format.h"
#include "cli/client.h"
#include "cli/message.h"
#include "cli/note.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NOTE_MAX_BYTES = 16 << 10, NOTES_MAX = 256 };

/* A note whose writer is gone has no lock any more: it is removed. */
static bool is_stale(int fd)
{
    return flock(fd, LOCK_SH | LOCK_NB) == 0;
}

static json_t *read_note(int dir, const char *file, const char *kind)
{
    char text[NOTE_MAX_BYTES];
    struct stat facts;
    json_t *note = NULL;
    const int fd = openat(dir, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) {
        return NULL;
    }
    /* Only what its owner alone may write is believed. */
    if (fstat(fd, &facts) == 0 && facts.st_uid == geteuid() && (facts.st_mode & 022) == 0) {
        if (is_stale(fd)) {
            (void)unlinkat(dir, file, 0);
        } else {
            const ssize_t len = read(fd, text, sizeof text);
            note = len > 0 ? json_loadb(text, (size_t)len, 0, NULL) : NULL;
        }
    }
    (void)close(fd);
    if (strcmp(iso_cli_json_text(note, "kind"), kind) != 0) {
        json_decref(note);
        return NULL;
    }
    return note;
}

static void insert_sorted(json_t *notes, json_t *note)
{
    size_t at = 0;
    while (at < json_array_size(notes) &&
           strcmp(iso_cli_json_text(json_array_get(notes, at), "name"),
                  iso_cli_json_text(note, "name")) <= 0) {
        at++;
    }
    (void)json_array_insert_new(notes, at, note);
}

json_t *iso_cli_notes_read(const char *kind)
{
    char path[ISO_CLI_NOTE_PATH_SIZE];
    json_t *notes = json_array();
    DIR *dir = iso_cli_note_dir(path) ? opendir(path) : NULL;
    if (dir == NULL) {
        return notes;
    }
    for (const struct dirent *entry = readdir(dir);
         entry != NULL && json_array_size(notes) < NOTES_MAX; entry = readdir(dir)) {
        const size_t len = strlen(entry->d_name);
        if (len > 5 && strcmp(entry->d_name + len - 5, ".json") == 0) {
            json_t *note = read_note(dirfd(dir), entry->d_name, kind);
            if (note != NULL) {
                insert_sorted(notes, note);
            }
        }
    }
    (void)closedir(dir);
    return notes;
}

const json_t *iso_cli_notes_find(const json_t *notes, const char *name)
{
    size_t i;
    json_t *note;
    json_array_foreach((json_t *)(uintptr_t)notes, i, note)
    {
        if (strcmp(iso_cli_json_text(note, "name"), name) == 0 ||
            strcmp(iso_cli_json_text(note, "url"), name) == 0) {
            return note;
        }
    }
    return NULL;
}

bool iso_cli_notes_ambiguous(const json_t *notes, const char *name, const char *option)
{
    const json_t *first = iso_cli_notes_find(notes, name);
    size_t i, count = 0;
    json_t *note;
    json_array_foreach((json_t *)(uintptr_t)notes, i, note)
    {
        if (strcmp(iso_cli_json_text(note, "name"), name) == 0) {
            count++;
        }
    }
    if (count < 2) {
        return false;
    }
    iso_cli_error("%zu of this machine are called %s", count, name);
    json_array_foreach((json_t *)(uintptr_t)notes, i, note)
    {
        if (strcmp(iso_cli_json_text(note, "name"), name) == 0) {
            iso_cli_detail("%s, with its state in %s", iso_cli_json_text(note, "url"),
                           iso_cli_json_text(note, "state"));
        }
    }
    iso_cli_hint("say which by its address: %s %s", option, iso_cli_json_text(first, "url"));
    return true;
}

void iso_cli_notes_names(const json_t *notes, char *out, size_t cap)
{
    size_t i, len = 0;
    json_t *note;
    out[0] = '\0';
    json_array_foreach((json_t *)(uintptr_t)notes, i, note)
    {
        if (len < cap) {
            len += iso_format(out + len, cap - len, "%s%s", i != 0 ? ", " : "",
                              iso_cli_json_text(note, "name"));
        }
    }
}

json_t *iso_cli_note_device(const json_t *note, const char *token, const char *name)
{
    const char *https = iso_cli_json_text(note, "https");
    json_t *body =
        json_pack("{s:s, s:s}", "address",
                  https[0] != '\0' ? https : iso_cli_json_text(note, "url"), "token", token);
    if (https[0] != '\0') {
        (void)json_object_set(body, "pin", json_object_get(note, "pin"));
    }
    if (name != NULL) {
        (void)json_object_set_new(body, "name", json_string(name));
    }
    return body;
}
