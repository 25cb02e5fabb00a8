/*
 * wasi_vfs.h - the seam of file systems: what a file system must supply, and on top of it the
 * operations on whole paths.
 *
 * A file system only ever sees one name at a time, inside a directory that is open already. Names
 * are 1 to 255 bytes without '/' and NUL, never "..", and "." only where that is said. None of its
 * functions follows a symbolic link. Whole paths are taken apart by the functions at the end of
 * this file, which keep the guest beneath the directory that it named, whatever others do to the
 * directories meanwhile: every step is made from an open directory, nothing is looked up twice.
 *
 * Downsides: a path of n components costs n steps where the file system has no walk_path; times of
 * symbolic links' targets cost one more look than a path-based call would.
 */
#ifndef ISO_WASI_VFS_H
#define ISO_WASI_VFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "wasi/wasi_types.h"

enum {
    ISO_VFS_NAME_MAX = 255,   /* bytes of one name */
    ISO_VFS_PATH_MAX = 4096,  /* bytes of a path, also after links were expanded */
    ISO_VFS_SYMLINKS_MAX = 40 /* expansions during one resolution */
};

/* An open file or directory, as the file system knows it. */
union iso_vfs_node {
    int fd;
    void *ptr;
};

struct iso_vfs_stat {
    uint64_t dev;
    uint64_t ino;
    uint64_t nlink;
    uint64_t size;
    uint64_t atim; /* nanoseconds since 1970; times before are 0 */
    uint64_t mtim;
    uint64_t ctim;
    enum iso_wasi_filetype filetype;
};

/* flags: WASI_FST_*; the times in nanoseconds. */
struct iso_vfs_times {
    uint64_t atim;
    uint64_t mtim;
    uint16_t flags;
};

/* How to open a file. */
struct iso_vfs_open {
    bool read;
    bool write;
    /* Open for writing if possible, else for reading only; the answer stands in `write`. */
    bool write_optional;
    bool create;
    bool exclusive;
    bool truncate;
    bool directory; /* fail with ENOTDIR unless it is one */
    bool append;    /* a hint: ISO_VFS_APPEND at each write says it again */
};

/* The layout of struct iovec, which the host file system relies on and checks. */
struct iso_vfs_iovec {
    void *base;
    size_t len;
};

struct iso_vfs_entry {
    const char *name; /* NUL-terminated */
    uint64_t ino;
    enum iso_wasi_filetype filetype;
};

/* Takes one directory entry; an error ends the listing. */
typedef enum iso_wasi_errno (*iso_vfs_entry_fn)(void *ctx, const struct iso_vfs_entry *entry);

struct iso_vfs;

struct iso_vfs_ops {
    /* Release the file system. */
    void (*destroy)(struct iso_vfs *fs);
    /* A node for the root directory; close it like any other. */
    enum iso_wasi_errno (*root)(struct iso_vfs *fs, union iso_vfs_node *out);
    void (*close)(struct iso_vfs *fs, union iso_vfs_node node);

    /* Step into a subdirectory, only to go on from there. ENOTDIR or ELOOP when it is a symlink. */
    enum iso_wasi_errno (*walk)(struct iso_vfs *fs, union iso_vfs_node dir, const char *name,
                                union iso_vfs_node *out);
    /* The same for a whole path, links followed but never beyond dir (ENOTCAPABLE). May be NULL
     * or answer ENOSYS: then steps are made with walk. */
    enum iso_wasi_errno (*walk_path)(struct iso_vfs *fs, union iso_vfs_node dir, const char *path,
                                     union iso_vfs_node *out);
    /* open for a whole path, likewise; a link at its end is followed when follow is set, and is
     * ELOOP or ENOTDIR otherwise. */
    enum iso_wasi_errno (*open_path)(struct iso_vfs *fs, union iso_vfs_node dir, const char *path,
                                     bool follow, struct iso_vfs_open *how,
                                     union iso_vfs_node *out);

    /* Open name, which may be "."; ELOOP when it is a symlink. */
    enum iso_wasi_errno (*open)(struct iso_vfs *fs, union iso_vfs_node dir, const char *name,
                                struct iso_vfs_open *how, union iso_vfs_node *out);
    /* The target of a link; EINVAL when it is none; *len is the full length, cut to cap. */
    enum iso_wasi_errno (*readlink)(struct iso_vfs *fs, union iso_vfs_node dir, const char *name,
                                    char *out, size_t cap, size_t *len);
    /* stat, set_times: name may be ".". */
    enum iso_wasi_errno (*stat)(struct iso_vfs *fs, union iso_vfs_node dir, const char *name,
                                struct iso_vfs_stat *out);
    enum iso_wasi_errno (*set_times)(struct iso_vfs *fs, union iso_vfs_node dir, const char *name,
                                     const struct iso_vfs_times *times);
    enum iso_wasi_errno (*mkdir)(struct iso_vfs *fs, union iso_vfs_node dir, const char *name);
    enum iso_wasi_errno (*rmdir)(struct iso_vfs *fs, union iso_vfs_node dir, const char *name);
    enum iso_wasi_errno (*unlink)(struct iso_vfs *fs, union iso_vfs_node dir, const char *name);
    enum iso_wasi_errno (*symlink)(struct iso_vfs *fs, const char *target, union iso_vfs_node dir,
                                   const char *name);
    enum iso_wasi_errno (*link)(struct iso_vfs *fs, union iso_vfs_node from_dir, const char *from,
                                union iso_vfs_node to_dir, const char *to);
    enum iso_wasi_errno (*rename)(struct iso_vfs *fs, union iso_vfs_node from_dir, const char *from,
                                  union iso_vfs_node to_dir, const char *to);
    /* Every entry but "." and "..", in any order. */
    enum iso_wasi_errno (*list)(struct iso_vfs *fs, union iso_vfs_node dir, iso_vfs_entry_fn fn,
                                void *ctx);

    /* Of open nodes. */
    enum iso_wasi_errno (*node_stat)(struct iso_vfs *fs, union iso_vfs_node node,
                                     struct iso_vfs_stat *out);
    enum iso_wasi_errno (*node_set_times)(struct iso_vfs *fs, union iso_vfs_node node,
                                          const struct iso_vfs_times *times);
    enum iso_wasi_errno (*node_set_size)(struct iso_vfs *fs, union iso_vfs_node node,
                                         uint64_t size);
    /* Make room for [offset, offset+len) and make the file at least that long. */
    enum iso_wasi_errno (*node_allocate)(struct iso_vfs *fs, union iso_vfs_node node,
                                         uint64_t offset, uint64_t len);
    /* advice: 0 to 5 as in the ABI. */
    enum iso_wasi_errno (*node_advise)(struct iso_vfs *fs, union iso_vfs_node node, uint64_t offset,
                                       uint64_t len, uint32_t advice);
    enum iso_wasi_errno (*node_sync)(struct iso_vfs *fs, union iso_vfs_node node, bool data_only);
    /* Whether writes go to the end, whatever offset they state. */
    enum iso_wasi_errno (*node_set_append)(struct iso_vfs *fs, union iso_vfs_node node,
                                           bool append);
    /* Regular files; they never wait. Fewer bytes than asked for: the end, or a full disk. */
    enum iso_wasi_errno (*node_read)(struct iso_vfs *fs, union iso_vfs_node node,
                                     const struct iso_vfs_iovec *iov, size_t count, uint64_t offset,
                                     size_t *done);
    /* append: to the end; *end then gets the offset after what was written. */
    enum iso_wasi_errno (*node_write)(struct iso_vfs *fs, union iso_vfs_node node,
                                      const struct iso_vfs_iovec *iov, size_t count,
                                      uint64_t offset, bool append, size_t *done, uint64_t *end);

    /*
     * For snapshots: how to find the node again. Either a path beneath the root (hint is the path
     * it was opened by, already checked for length; ENOENT when it has none any more) or, when
     * by_id is set, an id that open_id takes.
     */
    enum iso_wasi_errno (*locate)(struct iso_vfs *fs, union iso_vfs_node node, const char *hint,
                                  char *path, size_t cap);
    bool by_id;
    uint64_t (*node_id)(struct iso_vfs *fs, union iso_vfs_node node);
    enum iso_wasi_errno (*open_id)(struct iso_vfs *fs, uint64_t id, union iso_vfs_node *out);
};

/* The beginning of every file system. */
struct iso_vfs {
    const struct iso_vfs_ops *ops;
};

/* ---- Operations on paths ----------------------------------------------------------------- */

/*
 * path: not NUL-terminated, as the guest gave it. Errors beside those of the file system:
 * ENOTCAPABLE (absolute, or leads out of dir), ENOENT (empty), EINVAL (has a NUL), EILSEQ (not
 * UTF-8), ENAMETOOLONG, ELOOP. A trailing slash asks for a directory and follows a link there.
 */
struct iso_vfs_path {
    struct iso_vfs *fs;
    union iso_vfs_node dir;
    struct iso_str path;
};

/* The checks above that need no look at files; NUL-terminates a copy. */
enum iso_wasi_errno iso_vfs_path_check(struct iso_str path, char copy[ISO_VFS_PATH_MAX]);

enum iso_wasi_errno iso_vfs_open(const struct iso_vfs_path *at, bool follow,
                                 struct iso_vfs_open *how, union iso_vfs_node *out);
enum iso_wasi_errno iso_vfs_stat(const struct iso_vfs_path *at, bool follow,
                                 struct iso_vfs_stat *out);
enum iso_wasi_errno iso_vfs_set_times(const struct iso_vfs_path *at, bool follow,
                                      const struct iso_vfs_times *times);
enum iso_wasi_errno iso_vfs_readlink(const struct iso_vfs_path *at, char *out, size_t cap,
                                     size_t *len);
enum iso_wasi_errno iso_vfs_mkdir(const struct iso_vfs_path *at);
enum iso_wasi_errno iso_vfs_rmdir(const struct iso_vfs_path *at);
enum iso_wasi_errno iso_vfs_unlink(const struct iso_vfs_path *at);
/* The target must be a relative path (ENOTCAPABLE); it need not lead anywhere. */
enum iso_wasi_errno iso_vfs_symlink(struct iso_str target, const struct iso_vfs_path *at);
enum iso_wasi_errno iso_vfs_link(const struct iso_vfs_path *from, bool follow,
                                 const struct iso_vfs_path *to);
enum iso_wasi_errno iso_vfs_rename(const struct iso_vfs_path *from, const struct iso_vfs_path *to);

#endif
