/* directory.c - directories and what is in them (POSIX.1-2008). */
#include "platform/platform.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

bool iso_path_join(char out[ISO_PATH_MAX], const char *dir, const char *name)
{
    size_t a = strlen(dir), b = strlen(name);
    if (a + 1 + b + 1 > ISO_PATH_MAX) {
        return false;
    }
    memcpy(out, dir, a);
    out[a] = '/';
    memcpy(out + a + 1, name, b + 1);
    return true;
}

bool iso_path_beside(char out[ISO_PATH_MAX], const char *file, const char *name)
{
    const size_t len = strlen(name);
    if (name[0] == '/') {
        memcpy(out, name, len < ISO_PATH_MAX ? len + 1 : 0);
        return len < ISO_PATH_MAX;
    }
    char *folder = iso_path_absolute(file);
    if (folder == NULL) {
        return false;
    }
    *strrchr(folder, '/') = '\0';
    const bool fits = iso_path_join(out, folder, name);
    free(folder);
    return fits;
}

/* The folders above, as for anybody's first start. What goes wrong here shows in what follows. */
static void make_parents(const char *path)
{
    char parent[ISO_PATH_MAX];
    const size_t len = strlen(path);
    if (len >= sizeof parent) {
        return;
    }
    memcpy(parent, path, len + 1);
    for (char *at = parent + 1; len != 0 && *at != '\0'; at++) {
        if (*at == '/') {
            *at = '\0';
            (void)mkdir(parent, 0700);
            *at = '/';
        }
    }
}

enum iso_err iso_dir_make(const char *path, struct iso_report *report)
{
    make_parents(path);
    if (mkdir(path, 0700) == 0 || errno == EEXIST) {
        return iso_dir_check(path, report);
    }
    return iso_fail(report, iso_errno_err(errno), "cannot make the directory '%s': %s", path,
                    iso_errno_text(errno));
}

void iso_dir_sync(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        (void)close(fd);
    }
}

void iso_dir_each(const char *path, void (*visit)(void *ctx, const char *path, const char *name),
                  void *ctx)
{
    DIR *dir = opendir(path);
    if (dir == NULL) {
        return;
    }
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        char full[ISO_PATH_MAX];
        bool self = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
        if (!self && iso_path_join(full, path, entry->d_name)) {
            visit(ctx, full, entry->d_name);
        }
    }
    (void)closedir(dir);
}

enum iso_err iso_file_remove(const char *dir, const char *name, struct iso_report *report)
{
    char path[ISO_PATH_MAX];
    if (!iso_path_join(path, dir, name)) {
        return iso_fail(report, ISO_E_ARGUMENT, "the path of '%s' is too long", name);
    }
    if (unlink(path) != 0 && errno != ENOENT) {
        return iso_fail(report, iso_errno_err(errno), "cannot remove '%s': %s", path,
                        iso_errno_text(errno));
    }
    iso_dir_sync(dir);
    return ISO_OK;
}

/* ---- Trees -------------------------------------------------------------------------------------
 */

static void remove_entry(void *ctx, const char *path, const char *name)
{
    unsigned depth = *(unsigned *)ctx;
    struct stat st;
    (void)name;
    if (lstat(path, &st) != 0) {
        return;
    }
    if (!S_ISDIR(st.st_mode)) {
        (void)unlink(path);
        return;
    }
    if (depth > 0) {
        unsigned below = depth - 1;
        iso_dir_each(path, remove_entry, &below);
    }
    (void)rmdir(path);
}

void iso_tree_remove(const char *path)
{
    unsigned depth = 8;
    remove_entry(&depth, path, "");
}
