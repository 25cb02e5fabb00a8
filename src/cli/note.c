/* Notes of running daemons: writing and removing them. */
#include "cli/note.h"

#include "base/format.h"
#include "base/json_member.h"
#include "platform/platform.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

bool iso_cli_note_dir(char out[ISO_CLI_NOTE_PATH_SIZE])
{
    const char *own = getenv("ISOMER_RUNTIME_DIR");
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    const char *home = getenv("HOME");
    if (own != NULL && own[0] == '/') {
        return iso_format(out, ISO_CLI_NOTE_PATH_SIZE, "%s", own) < ISO_CLI_NOTE_PATH_SIZE;
    }
    if (geteuid() == 0) {
        (void)iso_format(out, ISO_CLI_NOTE_PATH_SIZE, "/run/isomer");
        return true;
    }
    if (runtime != NULL && runtime[0] == '/') {
        return iso_format(out, ISO_CLI_NOTE_PATH_SIZE, "%s/isomer", runtime) <
               ISO_CLI_NOTE_PATH_SIZE;
    }
    return home != NULL && home[0] == '/' &&
           iso_format(out, ISO_CLI_NOTE_PATH_SIZE, "%s/.local/state/isomer-run", home) <
               ISO_CLI_NOTE_PATH_SIZE;
}

/* mkdir -p, the last one for its owner only. */
static void make_dir(const char *path)
{
    char part[ISO_CLI_NOTE_PATH_SIZE];
    for (const char *at = path + 1; *at != '\0'; at++) {
        if (*at == '/') {
            (void)iso_format(part, sizeof part, "%.*s", (int)(at - path), path);
            (void)mkdir(part, 0755);
        }
    }
    (void)mkdir(path, 0700); /* what is not there is found out by opening */
}

static bool path_of(const char *kind, const char *end, char out[ISO_CLI_NOTE_PATH_SIZE])
{
    char dir[ISO_CLI_NOTE_PATH_SIZE];
    return iso_cli_note_dir(dir) && iso_format(out, ISO_CLI_NOTE_PATH_SIZE, "%s/%s-%ld.json%s", dir,
                                               kind, (long)getpid(), end) < ISO_CLI_NOTE_PATH_SIZE;
}

static enum iso_err text_of(const struct iso_cli_note *note, struct iso_buf *out)
{
    struct iso_json json;
    char *state = iso_path_absolute(note->state);
    iso_json_init_buf(&json, out, 0);
    iso_json_object_begin(&json);
    iso_json_put_z(&json, "kind", note->kind);
    iso_json_put_z(&json, "name", note->name);
    iso_json_put_z(&json, "url", note->url);
    iso_json_put_z(&json, "state", state != NULL ? state : note->state);
    if (note->https != NULL) {
        iso_json_put_z(&json, "https", note->https);
        iso_json_put_z(&json, "pin", note->pin);
    }
    iso_json_put_i64(&json, "pid", getpid());
    iso_json_object_end(&json);
    free(state);
    return iso_json_finish(&json);
}

/* The file has its lock and its text before it has its name. */
static enum iso_err write_locked(const char *path, const char *temporary, struct iso_bytes text,
                                 int *lock)
{
    const int fd = open(temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return iso_errno_err(errno);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0 || write(fd, text.ptr, text.len) != (ssize_t)text.len ||
        rename(temporary, path) != 0) {
        const enum iso_err err = iso_errno_err(errno);
        (void)unlink(temporary);
        (void)close(fd);
        return err != ISO_OK ? err : ISO_E_IO;
    }
    *lock = fd;
    return ISO_OK;
}

enum iso_err iso_cli_note_leave(const struct iso_cli_note *note, int *lock,
                                struct iso_report *report)
{
    char dir[ISO_CLI_NOTE_PATH_SIZE], path[ISO_CLI_NOTE_PATH_SIZE],
        temporary[ISO_CLI_NOTE_PATH_SIZE];
    struct iso_buf text;
    if (!iso_cli_note_dir(dir) || !path_of(note->kind, "", path) ||
        !path_of(note->kind, ".new", temporary)) {
        return iso_fail(report, ISO_E_NOT_FOUND, "no home directory to leave a note in");
    }
    make_dir(dir);
    iso_buf_init(&text, iso_alloc_libc(), 16u << 10);
    enum iso_err err = text_of(note, &text);
    err = err == ISO_OK ? write_locked(path, temporary, iso_buf_view(&text), lock) : err;
    iso_buf_fini(&text);
    return err == ISO_OK ? ISO_OK : iso_fail(report, err, "%s: %s", path, iso_err_text(err));
}

void iso_cli_note_remove(const char *kind, int lock)
{
    char path[ISO_CLI_NOTE_PATH_SIZE];
    if (lock >= 0) {
        if (path_of(kind, "", path)) {
            (void)unlink(path);
        }
        (void)close(lock);
    }
}
