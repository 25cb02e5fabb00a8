/*
 * wasi_internal.h - the state of one guest's world, and the parts of src/wasi among themselves.
 *
 *   wasi_abi_*.c    one function per import: checks guest memory and rights, calls the parts below
 *   wasi_desc.c     descriptor table, rights, paths that descriptors were opened by
 *   wasi_stream.c   standard streams, pipes and devices
 *   wasi_sock.c     sockets
 *   wasi_clock.c    clocks
 *   wasi_wait.c     what a pending call waits for
 *   wasi_listing.c  directory listings for fd_readdir
 *   wasi_vfs*.c, wasi_host_*.c, wasi_mem_*.c   file systems
 *   wasi_snapshot.c, wasi_restore.c            the snapshot section
 */
#ifndef ISO_WASI_INTERNAL_H
#define ISO_WASI_INTERNAL_H

#include "wasi/wasi.h"
#include "wasi/wasi_mem.h"
#include "wasi/wasi_types.h"
#include "wasi/wasi_vfs.h"

enum {
    ISO_WASI_OPEN_DEFAULT = 1024,
    ISO_WASI_OPEN_MAX = 65536,
    ISO_WASI_STRINGS_MAX = 1 << 24, /* bytes of all arguments, or of the whole environment */
    ISO_WASI_STRING_COUNT_MAX = 1 << 20,
    ISO_WASI_PREOPENS_MAX = 1024,
    ISO_WASI_IOVS_MAX = 1024, /* of one call, as IOV_MAX of Linux */
    ISO_WASI_SUBSCRIPTIONS_MAX = 8192,
    ISO_WASI_LISTING_MAX = 1 << 26 /* bytes of names in one directory */
};

/* What a descriptor stands for. */
enum iso_wasi_kind {
    ISO_WASI_FREE,
    ISO_WASI_STDIO, /* one of config.stdio: source is its index */
    ISO_WASI_PIPE,  /* a pipe or device that path_open found: node.fd, owned, non-blocking */
    ISO_WASI_FILE,  /* a regular file */
    ISO_WASI_DIR,
    ISO_WASI_SOCKET,  /* connected or datagram: node.fd */
    ISO_WASI_LISTENER /* listening: node.fd */
};

#define ISO_WASI_NO_SOURCE UINT32_MAX

struct iso_wasi_listing;

struct iso_wasi_desc {
    enum iso_wasi_kind kind;
    enum iso_wasi_filetype filetype;
    uint16_t flags; /* WASI_FDFLAG_* */
    bool preopen;   /* fd_prestat_get knows it */
    bool owned;     /* sockets: close the host's descriptor */
    uint32_t
        source; /* STDIO: stream; PIPE, FILE, DIR: grant; sockets: config socket or NO_SOURCE */
    uint64_t rights_base;
    uint64_t rights_inheriting;
    union iso_vfs_node node;
    uint64_t offset;                  /* FILE; STDIO with a buffer: bytes read */
    char *path;                       /* below the grant's root, "." is the root; NULL: not known */
    struct iso_wasi_listing *listing; /* DIR: of the last fd_readdir from the start */
};

/* A directory that was granted: a preopen of the configuration. */
struct iso_wasi_grant {
    char *guest_path;
    struct iso_vfs *fs; /* owned unless memfs */
    struct iso_wasi_memfs *memfs;
    bool read_only;
};

struct iso_wasi_granted_socket {
    char *name; /* NULL: none */
    int fd;
};

/* Strings one after the other, each with its NUL. */
struct iso_wasi_strings {
    char *bytes;
    size_t size;
    uint32_t count;
};

struct pollfd;

/* What the pending call waits for. Empty unless a call answered ISO_HOST_PENDING last. */
struct iso_wasi_waits {
    struct pollfd *fds;
    size_t count;
    size_t cap;
    bool callbacks;     /* streams that must be asked again */
    uint64_t monotonic; /* guest's monotonic time to go on at; UINT64_MAX: none */
    uint64_t realtime;  /* likewise */
};

struct iso_wasi {
    const struct iso_alloc *alloc;
    struct iso_wasi_strings args;
    struct iso_wasi_strings env;
    struct iso_wasi_grant *grants;
    size_t grant_count;
    size_t grant_cap;
    struct iso_wasi_granted_socket *sockets;
    size_t socket_count;
    size_t socket_cap;
    struct iso_wasi_stream stdio[3];

    struct iso_wasi_desc *descs;
    uint32_t desc_cap;
    uint32_t desc_max;
    uint32_t lowest_free; /* no free descriptor is below it */

    uint64_t (*realtime)(void *ctx);
    uint64_t (*monotonic)(void *ctx);
    void *clock_ctx;
    /* Guest's time = base + (host's now - start), so that it goes on after a restore. */
    uint64_t clock_base[WASI_CLOCK_COUNT];
    uint64_t clock_start[WASI_CLOCK_COUNT];

    bool (*random)(void *ctx, void *bytes, size_t len);
    void *random_ctx;

    struct iso_wasi_waits waits;
    bool exited;
    uint32_t exit_status;
};

/* ---- wasi_desc.c ------------------------------------------------------------------------- */

/* The descriptor, or NULL when it is not open. Valid until a descriptor is added. */
struct iso_wasi_desc *iso_wasi_desc_get(struct iso_wasi *wasi, uint32_t fd);
/* Put a descriptor at the lowest free number. desc is taken on success. */
enum iso_wasi_errno iso_wasi_desc_add(struct iso_wasi *wasi, const struct iso_wasi_desc *desc,
                                      uint32_t *fd);
/* The same at a given number, which must be free and below the maximum. */
enum iso_wasi_errno iso_wasi_desc_put(struct iso_wasi *wasi, const struct iso_wasi_desc *desc,
                                      uint32_t fd);
void iso_wasi_desc_close(struct iso_wasi *wasi, uint32_t fd);
enum iso_wasi_errno iso_wasi_desc_renumber(struct iso_wasi *wasi, uint32_t from, uint32_t to);
void iso_wasi_desc_close_all(struct iso_wasi *wasi);
/* Release what a descriptor that is in no table holds. */
void iso_wasi_desc_fini(struct iso_wasi *wasi, struct iso_wasi_desc *desc);
/* The file system of a FILE or DIR. */
struct iso_vfs *iso_wasi_desc_fs(const struct iso_wasi *wasi, const struct iso_wasi_desc *desc);
/* Set kind, type and rights of a descriptor for an open node that came from `grant`. wanted_*:
 * rights asked for; they are cut to what the type can have. */
enum iso_wasi_errno iso_wasi_desc_from_node(struct iso_wasi *wasi, uint32_t grant,
                                            union iso_vfs_node node, uint64_t wanted_base,
                                            uint64_t wanted_inheriting, struct iso_wasi_desc *out);

/* dir + "/" + path without "." and empty components; NULL: dir is NULL, too long, no memory. */
char *iso_wasi_path_join(struct iso_wasi *wasi, const char *dir, struct iso_str path);
void iso_wasi_path_free(struct iso_wasi *wasi, char *path);
/* After a rename within a grant: descriptors beneath the old path follow. Paths as joined. */
void iso_wasi_paths_renamed(struct iso_wasi *wasi, uint32_t from_grant, const char *from,
                            uint32_t to_grant, const char *to);

/* ---- wasi_create.c ----------------------------------------------------------------------- */

/* Set up the descriptor of a standard stream or a granted socket as it is at the start. */
void iso_wasi_stdio_desc(const struct iso_wasi *wasi, uint32_t index, struct iso_wasi_desc *out);
void iso_wasi_socket_desc(const struct iso_wasi *wasi, uint32_t index, struct iso_wasi_desc *out);
/* Replace arguments or environment; bytes are copied. */
enum iso_err iso_wasi_strings_set(struct iso_wasi *wasi, struct iso_wasi_strings *strings,
                                  const char *bytes, size_t size, uint32_t count);

/* ---- wasi_stream.c ----------------------------------------------------------------------- */

/* STDIO and PIPE. EAGAIN: nothing now. *done 0 from a read is the end. A write may be partial. */
enum iso_wasi_errno iso_wasi_stream_read(struct iso_wasi *wasi, struct iso_wasi_desc *desc,
                                         const struct iso_vfs_iovec *iov, size_t count,
                                         size_t *done);
enum iso_wasi_errno iso_wasi_stream_write(struct iso_wasi *wasi, struct iso_wasi_desc *desc,
                                          const struct iso_vfs_iovec *iov, size_t count,
                                          size_t *done);
/* STDIO that is a redirected file: at a position, which does not move. */
enum iso_wasi_errno iso_wasi_stream_pread(struct iso_wasi *wasi, const struct iso_wasi_desc *desc,
                                          const struct iso_vfs_iovec *iov, size_t count,
                                          uint64_t offset, size_t *done);
enum iso_wasi_errno iso_wasi_stream_pwrite(struct iso_wasi *wasi, const struct iso_wasi_desc *desc,
                                           const struct iso_vfs_iovec *iov, size_t count,
                                           uint64_t offset, size_t *done);
enum iso_wasi_errno iso_wasi_stream_seek(struct iso_wasi *wasi, struct iso_wasi_desc *desc,
                                         int64_t offset, enum iso_wasi_whence whence,
                                         uint64_t *out);
enum iso_wasi_errno iso_wasi_stream_stat(struct iso_wasi *wasi, const struct iso_wasi_desc *desc,
                                         struct iso_vfs_stat *out);
enum iso_wasi_errno iso_wasi_stream_sync(struct iso_wasi *wasi, const struct iso_wasi_desc *desc,
                                         bool data_only);
/* The host descriptor behind it, or -1. */
int iso_wasi_desc_host_fd(const struct iso_wasi *wasi, const struct iso_wasi_desc *desc);

/* ---- wasi_sock.c ------------------------------------------------------------------------- */

enum iso_wasi_errno iso_wasi_socket_prepare(int fd, bool *listening,
                                            enum iso_wasi_filetype *filetype);
enum iso_wasi_errno iso_wasi_socket_accept(int fd, int *out, enum iso_wasi_filetype *filetype);
/* flags: WASI_RECV_PEEK. *truncated: a datagram did not fit. */
enum iso_wasi_errno iso_wasi_socket_recv(int fd, const struct iso_vfs_iovec *iov, size_t count,
                                         uint32_t flags, size_t *done, bool *truncated);
enum iso_wasi_errno iso_wasi_socket_send(int fd, const struct iso_vfs_iovec *iov, size_t count,
                                         size_t *done);
enum iso_wasi_errno iso_wasi_socket_shutdown(int fd, uint32_t how);
void iso_wasi_socket_close(int fd);

/* ---- wasi_clock.c ------------------------------------------------------------------------ */

/* EINVAL for a clock that does not exist. */
enum iso_wasi_errno iso_wasi_clock_now(const struct iso_wasi *wasi, uint32_t id, uint64_t *out);
enum iso_wasi_errno iso_wasi_clock_resolution(const struct iso_wasi *wasi, uint32_t id,
                                              uint64_t *out);
/* Go on from `base` now. */
void iso_wasi_clock_set_base(struct iso_wasi *wasi, uint32_t id, uint64_t base);
/* For in-memory file systems; ctx is the iso_wasi. */
uint64_t iso_wasi_clock_realtime(void *ctx);

/* ---- wasi_wait.c ------------------------------------------------------------------------- */

void iso_wasi_waits_clear(struct iso_wasi *wasi);
/* events: POLLIN, POLLOUT. False without memory: then nothing is waited for. */
bool iso_wasi_waits_add(struct iso_wasi *wasi, int fd, short events);
/* Wait for a descriptor: its host descriptor, or its callbacks. */
void iso_wasi_waits_desc(struct iso_wasi *wasi, const struct iso_wasi_desc *desc, short events);

/* ---- wasi_listing.c ---------------------------------------------------------------------- */

struct iso_wasi_dirent {
    struct iso_str name;
    uint64_t ino;
    enum iso_wasi_filetype filetype;
};
/* Read a directory: "." and "..", then the names in byte order. */
enum iso_wasi_errno iso_wasi_listing_create(struct iso_wasi *wasi, const struct iso_wasi_desc *dir,
                                            struct iso_wasi_listing **out);
void iso_wasi_listing_destroy(struct iso_wasi *wasi, struct iso_wasi_listing *listing);
uint64_t iso_wasi_listing_count(const struct iso_wasi_listing *listing);
/* index is below the count. */
struct iso_wasi_dirent iso_wasi_listing_at(const struct iso_wasi_listing *listing, uint64_t index);

/* ---- wasi_snapshot.c, wasi_restore.c ------------------------------------------------------ */

enum { ISO_WASI_SNAPSHOT_VERSION = 1 };
/* How a path of the guest looks to people: the grant's guest path and the rest. */
void iso_wasi_display_path(char *out, size_t cap, const char *guest_path, const char *path);
enum iso_err iso_wasi_save(void *ctx, struct iso_buf *out, struct iso_report *report);
enum iso_err iso_wasi_load(void *ctx, struct iso_bytes bytes, struct iso_report *report);

#endif
