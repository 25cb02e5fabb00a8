/*
 * wasi_host_fs.c - the host's file system: operations on names in an open directory.
 *
 * Every call here gets one name and does not follow a link of that name (see wasi_vfs.h). Opening
 * never blocks and never makes a terminal the controlling one: a guest may find pipes and devices
 * in a directory that it was granted.
 */
#include "wasi/wasi_host.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "wasi/wasi_errno.h"

#ifndef O_PATH
#define O_PATH O_RDONLY
#endif

enum {
    WALK_FLAGS = O_PATH | O_DIRECTORY | O_CLOEXEC,
    OPEN_FLAGS = O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
    CREATE_MODE = 0666, /* cut by the umask of the process */
    CREATE_DIR_MODE = 0777
};

static struct iso_wasi_host_fs *host_fs(struct iso_vfs *fs)
{
    return (struct iso_wasi_host_fs *)(void *)fs;
}

static void host_destroy(struct iso_vfs *fs)
{
    struct iso_wasi_host_fs *host = host_fs(fs);
    (void)close(host->root);
    iso_alloc_free(host->alloc, host, sizeof *host);
}

static enum iso_wasi_errno host_root(struct iso_vfs *fs, union iso_vfs_node *out)
{
    int fd = fcntl(host_fs(fs)->root, F_DUPFD_CLOEXEC, 0);
    if (fd < 0) {
        return iso_wasi_host_errno();
    }
    out->fd = fd;
    return WASI_OK;
}

static enum iso_wasi_errno host_walk(struct iso_vfs *fs, union iso_vfs_node dir, const char *name,
                                     union iso_vfs_node *out)
{
    (void)fs;
    int fd = openat(dir.fd, name, WALK_FLAGS | O_NOFOLLOW);
    if (fd < 0) {
        return iso_wasi_host_errno();
    }
    out->fd = fd;
    return WASI_OK;
}

/* openat2 with its answers in our terms; switched off for good where the system lacks it. */
static enum iso_wasi_errno beneath(struct iso_vfs *fs, int dir, const char *path, int flags,
                                   unsigned mode, union iso_vfs_node *out)
{
    if (!host_fs(fs)->openat2) {
        return WASI_ENOSYS;
    }
    int fd = iso_wasi_host_openat2(dir, path, flags, mode);
    if (fd >= 0) {
        out->fd = fd;
        return WASI_OK;
    }
    return errno == EXDEV ? WASI_ENOTCAPABLE : iso_wasi_host_errno();
}

static enum iso_wasi_errno host_walk_path(struct iso_vfs *fs, union iso_vfs_node dir,
                                          const char *path, union iso_vfs_node *out)
{
    return beneath(fs, dir.fd, path, WALK_FLAGS, 0, out);
}

static int open_flags(const struct iso_vfs_open *how, bool write)
{
    int flags = OPEN_FLAGS;
    if (write || how->truncate) {
        flags |= how->read ? O_RDWR : O_WRONLY;
    }
    flags |= how->create ? O_CREAT : 0;
    flags |= how->exclusive ? O_EXCL : 0;
    flags |= how->truncate ? O_TRUNC : 0;
    flags |= how->directory ? O_DIRECTORY : 0;
    flags |= how->append ? O_APPEND : 0;
    return flags;
}

/* Whether an attempt to open for writing failed because of the writing. */
static bool write_refused(enum iso_wasi_errno err)
{
    return err == WASI_EACCES || err == WASI_EPERM || err == WASI_EROFS || err == WASI_EISDIR ||
           err == WASI_ETXTBSY;
}

static enum iso_wasi_errno host_open_path(struct iso_vfs *fs, union iso_vfs_node dir,
                                          const char *path, bool follow, struct iso_vfs_open *how,
                                          union iso_vfs_node *out)
{
    int extra = follow ? 0 : O_NOFOLLOW;
    unsigned mode = how->create ? CREATE_MODE : 0;
    enum iso_wasi_errno err =
        beneath(fs, dir.fd, path, open_flags(how, how->write) | extra, mode, out);
    if (how->write && how->write_optional && write_refused(err)) {
        how->write = false;
        err = beneath(fs, dir.fd, path, open_flags(how, false) | extra, mode, out);
    }
    return err;
}

static enum iso_wasi_errno open_name(int dir, const char *name, int flags, union iso_vfs_node *out)
{
    int fd = openat(dir, name, flags | O_NOFOLLOW, CREATE_MODE);
    if (fd < 0) {
        return iso_wasi_host_errno();
    }
    out->fd = fd;
    return WASI_OK;
}

static enum iso_wasi_errno host_open(struct iso_vfs *fs, union iso_vfs_node dir, const char *name,
                                     struct iso_vfs_open *how, union iso_vfs_node *out)
{
    (void)fs;
    enum iso_wasi_errno err = open_name(dir.fd, name, open_flags(how, how->write), out);
    if (how->write && how->write_optional && write_refused(err)) {
        how->write = false;
        err = open_name(dir.fd, name, open_flags(how, false), out);
    }
    return err;
}

static enum iso_wasi_errno host_readlink(struct iso_vfs *fs, union iso_vfs_node dir,
                                         const char *name, char *out, size_t cap, size_t *len)
{
    (void)fs;
    char target[ISO_VFS_PATH_MAX];
    ssize_t n = readlinkat(dir.fd, name, target, sizeof target);
    if (n < 0) {
        return iso_wasi_host_errno();
    }
    *len = (size_t)n;
    iso_memory_copy(out, target, *len < cap ? *len : cap);
    return WASI_OK;
}

static enum iso_wasi_errno host_stat(struct iso_vfs *fs, union iso_vfs_node dir, const char *name,
                                     struct iso_vfs_stat *out)
{
    (void)fs;
    struct stat st;
    if (fstatat(dir.fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        return iso_wasi_host_errno();
    }
    iso_wasi_host_stat_from(&st, out);
    return WASI_OK;
}

static enum iso_wasi_errno host_set_times(struct iso_vfs *fs, union iso_vfs_node dir,
                                          const char *name, const struct iso_vfs_times *times)
{
    (void)fs;
    struct timespec ts[2];
    enum iso_wasi_errno err = iso_wasi_host_times_to(times, ts);
    if (err != WASI_OK) {
        return err;
    }
    return utimensat(dir.fd, name, ts, AT_SYMLINK_NOFOLLOW) == 0 ? WASI_OK : iso_wasi_host_errno();
}

static enum iso_wasi_errno host_mkdir(struct iso_vfs *fs, union iso_vfs_node dir, const char *name)
{
    (void)fs;
    return mkdirat(dir.fd, name, CREATE_DIR_MODE) == 0 ? WASI_OK : iso_wasi_host_errno();
}

static enum iso_wasi_errno host_rmdir(struct iso_vfs *fs, union iso_vfs_node dir, const char *name)
{
    (void)fs;
    return unlinkat(dir.fd, name, AT_REMOVEDIR) == 0 ? WASI_OK : iso_wasi_host_errno();
}

static enum iso_wasi_errno host_unlink(struct iso_vfs *fs, union iso_vfs_node dir, const char *name)
{
    if (unlinkat(dir.fd, name, 0) == 0) {
        return WASI_OK;
    }
    enum iso_wasi_errno err = iso_wasi_host_errno();
    struct iso_vfs_stat st;
    /* POSIX lets systems answer EPERM for a directory. */
    if (err == WASI_EPERM && host_stat(fs, dir, name, &st) == WASI_OK &&
        st.filetype == WASI_FILETYPE_DIRECTORY) {
        err = WASI_EISDIR;
    }
    return err;
}

static enum iso_wasi_errno host_symlink(struct iso_vfs *fs, const char *target,
                                        union iso_vfs_node dir, const char *name)
{
    (void)fs;
    return symlinkat(target, dir.fd, name) == 0 ? WASI_OK : iso_wasi_host_errno();
}

static enum iso_wasi_errno host_link(struct iso_vfs *fs, union iso_vfs_node from_dir,
                                     const char *from, union iso_vfs_node to_dir, const char *to)
{
    (void)fs;
    return linkat(from_dir.fd, from, to_dir.fd, to, 0) == 0 ? WASI_OK : iso_wasi_host_errno();
}

static enum iso_wasi_errno host_rename(struct iso_vfs *fs, union iso_vfs_node from_dir,
                                       const char *from, union iso_vfs_node to_dir, const char *to)
{
    (void)fs;
    if (renameat(from_dir.fd, from, to_dir.fd, to) == 0) {
        return WASI_OK;
    }
    /* POSIX lets a system say EEXIST for a directory that is not empty. */
    enum iso_wasi_errno err = iso_wasi_host_errno();
    return err == WASI_EEXIST ? WASI_ENOTEMPTY : err;
}

static enum iso_wasi_errno list_entries(struct iso_vfs *fs, DIR *stream, union iso_vfs_node dir,
                                        iso_vfs_entry_fn fn, void *ctx)
{
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(stream);
        if (entry == NULL) {
            return errno == 0 ? WASI_OK : iso_wasi_host_errno();
        }
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        struct iso_vfs_stat st;
        enum iso_wasi_errno err = host_stat(fs, dir, entry->d_name, &st);
        if (err == WASI_ENOENT) {
            continue; /* gone meanwhile */
        }
        if (err != WASI_OK) {
            st.ino = (uint64_t)entry->d_ino;
            st.filetype = WASI_FILETYPE_UNKNOWN;
        }
        struct iso_vfs_entry out = {.name = entry->d_name, .ino = st.ino, .filetype = st.filetype};
        err = fn(ctx, &out);
        if (err != WASI_OK) {
            return err;
        }
    }
}

static enum iso_wasi_errno host_list(struct iso_vfs *fs, union iso_vfs_node dir,
                                     iso_vfs_entry_fn fn, void *ctx)
{
    /* A descriptor of its own: the position of dir belongs to nobody then. */
    int fd = openat(dir.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return iso_wasi_host_errno();
    }
    DIR *stream = fdopendir(fd);
    if (stream == NULL) {
        enum iso_wasi_errno err = iso_wasi_host_errno();
        (void)close(fd);
        return err;
    }
    enum iso_wasi_errno err = list_entries(fs, stream, dir, fn, ctx);
    (void)closedir(stream);
    return err;
}

/* Whether path, beneath the root, is the node. */
static bool leads_to(struct iso_vfs *fs, const char *path, const struct iso_vfs_stat *node)
{
    struct iso_vfs_path at = {
        .fs = fs, .dir = {.fd = host_fs(fs)->root}, .path = iso_str_from_z(path)};
    struct iso_vfs_stat st;
    return iso_vfs_stat(&at, true, &st) == WASI_OK && st.dev == node->dev && st.ino == node->ino;
}

static enum iso_wasi_errno host_locate(struct iso_vfs *fs, union iso_vfs_node node,
                                       const char *hint, char *path, size_t cap)
{
    struct iso_vfs_stat st;
    enum iso_wasi_errno err = iso_wasi_host_node_stat(fs, node, &st);
    if (err != WASI_OK) {
        return err;
    }
    size_t len = strlen(hint);
    if (len > 0 && len < cap && leads_to(fs, hint, &st)) {
        memcpy(path, hint, len + 1);
        return WASI_OK;
    }
    /* Renamed by somebody else? The system may know. */
    char root[ISO_VFS_PATH_MAX];
    char found[ISO_VFS_PATH_MAX];
    if (!iso_wasi_host_path_of(host_fs(fs)->root, root, sizeof root) ||
        !iso_wasi_host_path_of(node.fd, found, sizeof found)) {
        return WASI_ENOENT;
    }
    size_t root_len = strcmp(root, "/") == 0 ? 0 : strlen(root);
    if (strncmp(root, found, root_len) != 0 || found[root_len] != '/') {
        return WASI_ENOENT;
    }
    const char *relative = found + root_len + 1;
    len = strlen(relative);
    if (len == 0 || len >= cap || !leads_to(fs, relative, &st)) {
        return WASI_ENOENT;
    }
    memcpy(path, relative, len + 1);
    return WASI_OK;
}

static const struct iso_vfs_ops host_ops = {
    .destroy = host_destroy,
    .root = host_root,
    .close = iso_wasi_host_close,
    .walk = host_walk,
    .walk_path = host_walk_path,
    .open_path = host_open_path,
    .open = host_open,
    .readlink = host_readlink,
    .stat = host_stat,
    .set_times = host_set_times,
    .mkdir = host_mkdir,
    .rmdir = host_rmdir,
    .unlink = host_unlink,
    .symlink = host_symlink,
    .link = host_link,
    .rename = host_rename,
    .list = host_list,
    .node_stat = iso_wasi_host_node_stat,
    .node_set_times = iso_wasi_host_node_set_times,
    .node_set_size = iso_wasi_host_node_set_size,
    .node_allocate = iso_wasi_host_node_allocate,
    .node_advise = iso_wasi_host_node_advise,
    .node_sync = iso_wasi_host_node_sync,
    .node_set_append = iso_wasi_host_node_set_append,
    .node_read = iso_wasi_host_node_read,
    .node_write = iso_wasi_host_node_write,
    .locate = host_locate,
};

/* Whether openat2 works here: old kernels and emulators lack it, some sandboxes forbid it. */
static bool openat2_works(int root)
{
    int fd = iso_wasi_host_openat2(root, ".", WALK_FLAGS, 0);
    if (fd < 0) {
        return false;
    }
    (void)close(fd);
    return true;
}

enum iso_err iso_wasi_host_fs_create(const struct iso_alloc *alloc, const char *path,
                                     bool no_openat2, struct iso_vfs **out,
                                     struct iso_report *report)
{
    int root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0) {
        int code = errno;
        enum iso_err err = code == ENOENT                    ? ISO_E_NOT_FOUND
                           : code == EACCES || code == EPERM ? ISO_E_ACCESS
                                                             : ISO_E_IO;
        return iso_fail(report, err, "cannot open the directory %s: %s", path,
                        iso_wasi_errno_name(iso_wasi_errno_from_host(code)));
    }
    struct iso_wasi_host_fs *host = iso_alloc_new(alloc, sizeof *host);
    if (host == NULL) {
        (void)close(root);
        return ISO_E_NOMEM;
    }
    host->vfs.ops = &host_ops;
    host->alloc = alloc;
    host->root = root;
    host->openat2 = !no_openat2 && openat2_works(root);
    *out = &host->vfs;
    return ISO_OK;
}
