/*
 * wasi_host.h - the file system of the host (POSIX), beneath one directory.
 *
 * Needed of the system: the *at() calls of POSIX.1-2008, preadv and pwritev. Where there is no
 * openat2 (before Linux 5.6, other systems, emulators) paths are resolved in steps.
 */
#ifndef ISO_WASI_HOST_H
#define ISO_WASI_HOST_H

#include <time.h>

#include "wasi/wasi_vfs.h"

struct iso_wasi_host_fs {
    struct iso_vfs vfs;
    const struct iso_alloc *alloc;
    int root;     /* open directory, owned */
    bool openat2; /* use it */
};

/* Open the directory at path (of the process, not of a guest) as the root. alloc: kept. Destroyed
 * through vfs.ops->destroy. Errors: NOT_FOUND, ACCESS, IO, NOMEM; the report has the path. */
ISO_MUST_CHECK enum iso_err iso_wasi_host_fs_create(const struct iso_alloc *alloc, const char *path,
                                                    bool no_openat2, struct iso_vfs **out,
                                                    struct iso_report *report);

/* What a host descriptor is, in WASI's terms, and whether seeking works there. */
enum iso_wasi_filetype iso_wasi_host_filetype(int fd);

/* wasi_host_node.c: the operations on open nodes. */
enum iso_wasi_errno iso_wasi_host_errno(void);
void iso_wasi_host_close(struct iso_vfs *fs, union iso_vfs_node node);
enum iso_wasi_errno iso_wasi_host_node_stat(struct iso_vfs *fs, union iso_vfs_node node,
                                            struct iso_vfs_stat *out);
enum iso_wasi_errno iso_wasi_host_node_set_times(struct iso_vfs *fs, union iso_vfs_node node,
                                                 const struct iso_vfs_times *times);
enum iso_wasi_errno iso_wasi_host_node_set_size(struct iso_vfs *fs, union iso_vfs_node node,
                                                uint64_t size);
enum iso_wasi_errno iso_wasi_host_node_allocate(struct iso_vfs *fs, union iso_vfs_node node,
                                                uint64_t offset, uint64_t len);
enum iso_wasi_errno iso_wasi_host_node_advise(struct iso_vfs *fs, union iso_vfs_node node,
                                              uint64_t offset, uint64_t len, uint32_t advice);
enum iso_wasi_errno iso_wasi_host_node_sync(struct iso_vfs *fs, union iso_vfs_node node,
                                            bool data_only);
enum iso_wasi_errno iso_wasi_host_node_set_append(struct iso_vfs *fs, union iso_vfs_node node,
                                                  bool append);
enum iso_wasi_errno iso_wasi_host_node_read(struct iso_vfs *fs, union iso_vfs_node node,
                                            const struct iso_vfs_iovec *iov, size_t count,
                                            uint64_t offset, size_t *done);
enum iso_wasi_errno iso_wasi_host_node_write(struct iso_vfs *fs, union iso_vfs_node node,
                                             const struct iso_vfs_iovec *iov, size_t count,
                                             uint64_t offset, bool append, size_t *done,
                                             uint64_t *end);

struct stat;
/* Conversions between the host's structures and ours. */
void iso_wasi_host_stat_from(const struct stat *st, struct iso_vfs_stat *out);
enum iso_wasi_errno iso_wasi_host_times_to(const struct iso_vfs_times *times,
                                           struct timespec out[2]);

/*
 * wasi_host_openat2_linux.c or wasi_host_openat2_none.c: open path beneath dir with the kernel's
 * help (RESOLVE_BENEATH). Returns the descriptor, or -1 with errno: ENOSYS when it cannot be done
 * here, EXDEV when the path leads out of dir.
 */
int iso_wasi_host_openat2(int dir, const char *path, int flags, unsigned mode);
/* Where an open descriptor is now, as an absolute path. False when the system does not tell. */
bool iso_wasi_host_path_of(int fd, char *out, size_t cap);

#endif
