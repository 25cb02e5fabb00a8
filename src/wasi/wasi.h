/*
 * wasi.h - WASI preview 1 for programs that run in the engine: the one public header of src/wasi.
 *
 * Implements wasi_snapshot_preview1 completely, and under the name `wasi_unstable` its predecessor
 * preview 0 (docs/wasi.md says how they differ). A struct iso_wasi is the world of one program:
 * its arguments, environment, clocks, descriptors and the directories that it was granted. Nothing
 * is granted by default.
 *
 *     struct iso_wasi_preopen dirs[] = {{.guest_path = "/", .host_path = "/srv/data"}};
 *     struct iso_wasi_config config = {
 *         .args = args, .arg_count = 2,
 *         .preopens = dirs, .preopen_count = 1,
 *         .stdio = {{.kind = ISO_WASI_STREAM_FD, .fd = 0}, {.kind = ISO_WASI_STREAM_FD, .fd = 1},
 *                   {.kind = ISO_WASI_STREAM_FD, .fd = 2}}};
 *     iso_wasi_create(iso_alloc_libc(), &config, &wasi, &report);
 *     iso_wasi_define(wasi, store);
 *     ... iso_instance_create, iso_start(store, iso_instance_export_func(instance, "_start"), NULL)
 *     while (iso_run(store) == ISO_RUN_PENDING) {
 *         iso_wasi_wait(wasi, -1);
 *     }
 *
 * Calls that would block (reading from a pipe or socket, poll_oneoff, ...) suspend the store:
 * iso_run answers ISO_RUN_PENDING, iso_wasi_wait blocks the caller until the call may be able to go
 * on, and the next iso_run issues it again. No thread waits meanwhile unless iso_wasi_wait is used.
 *
 * Writing to a pipe whose reader is gone raises SIGPIPE in the process, as for any C program: an
 * embedder that does not want that ignores the signal; the guest then gets EPIPE.
 *
 * One struct iso_wasi belongs to one store and, like it, to one thread at a time.
 */
#ifndef ISO_WASI_WASI_H
#define ISO_WASI_WASI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "engine/engine.h"

/* ---- In-memory file systems -------------------------------------------------------------- */

struct iso_wasi_memfs;

/*
 * An empty file system in memory. max_bytes bounds what it holds: contents in pages of 4 KiB and
 * about 200 bytes for each file or directory; beyond it guests get ENOSPC. alloc: kept.
 * Errors: ISO_E_NOMEM.
 */
ISO_MUST_CHECK enum iso_err iso_wasi_memfs_create(const struct iso_alloc *alloc, uint64_t max_bytes,
                                                  struct iso_wasi_memfs **out);
/* Every struct iso_wasi that was given it must have been destroyed. NULL is fine. */
void iso_wasi_memfs_destroy(struct iso_wasi_memfs *fs);

/*
 * Fill and read a file system from outside. Paths are relative to its root ("dir/file"); parents
 * must exist. write replaces a file's contents or creates it. read appends the contents to out.
 * Errors: NOT_FOUND, EXISTS, ARGUMENT (not such a path, not a file), LIMIT (size), NOMEM.
 */
ISO_MUST_CHECK enum iso_err iso_wasi_memfs_mkdir(struct iso_wasi_memfs *fs, const char *path);
ISO_MUST_CHECK enum iso_err iso_wasi_memfs_write(struct iso_wasi_memfs *fs, const char *path,
                                                 struct iso_bytes contents);
ISO_MUST_CHECK enum iso_err iso_wasi_memfs_read(struct iso_wasi_memfs *fs, const char *path,
                                                struct iso_buf *out);
/* What it holds now, in the measure of max_bytes. */
uint64_t iso_wasi_memfs_used(const struct iso_wasi_memfs *fs);

/* ---- Configuration ----------------------------------------------------------------------- */

/* A directory that the guest finds open when it starts. Exactly one of host_path and memfs. */
struct iso_wasi_preopen {
    const char *guest_path;       /* what the guest calls it, UTF-8, for instance "/" */
    const char *host_path;        /* an existing directory */
    struct iso_wasi_memfs *memfs; /* kept, not destroyed */
    bool read_only;               /* the descriptor has no right to change anything */
};

/* A socket that the guest finds open when it starts: after the preopened directories. */
struct iso_wasi_socket {
    int fd;           /* listening or connected; kept and switched to non-blocking, never closed */
    const char *name; /* by which a snapshot finds it again; NULL: the snapshot is refused */
};

enum iso_wasi_stream_kind {
    ISO_WASI_STREAM_NULL,   /* reads end at once, writes vanish */
    ISO_WASI_STREAM_FD,     /* a host descriptor */
    ISO_WASI_STREAM_BUFFER, /* bytes in memory */
    ISO_WASI_STREAM_CALLBACK
};

/* What a stream callback answers. */
enum iso_wasi_io {
    ISO_WASI_IO_OK,    /* *done bytes went; for a read, 0 is the end of the stream */
    ISO_WASI_IO_BLOCK, /* nothing now: ask again later */
    ISO_WASI_IO_ERROR  /* the guest gets EIO */
};

/* One of the guest's standard streams. */
struct iso_wasi_stream {
    enum iso_wasi_stream_kind kind;
    /* FD: kept, never closed, its flags never changed, so it may be shared with other processes. */
    int fd;
    /* BUFFER: input for stdin (kept); output is appended to *output (kept; when it is full, the
     * guest gets ENOSPC). */
    struct iso_bytes input;
    struct iso_buf *output;
    /* CALLBACK: must not block; len > 0; both directions optional. */
    enum iso_wasi_io (*read)(void *ctx, void *bytes, size_t len, size_t *done);
    enum iso_wasi_io (*write)(void *ctx, const void *bytes, size_t len, size_t *done);
    void *ctx;
    bool is_terminal; /* BUFFER and CALLBACK: whether isatty() says so */
};

/* Zero means the default that is stated. All strings are borrowed (copied). */
struct iso_wasi_config {
    const char *const *args; /* args[0] is the program's name */
    size_t arg_count;
    const char *const *env; /* "KEY=VALUE" each */
    size_t env_count;
    const struct iso_wasi_preopen *preopens; /* descriptors 3, 4, ... in this order */
    size_t preopen_count;
    const struct iso_wasi_socket *sockets;
    size_t socket_count;
    struct iso_wasi_stream stdio[3]; /* default: ISO_WASI_STREAM_NULL */
    uint32_t max_open;               /* descriptors at a time; default 1024, at most 65536 */
    /* Nanoseconds; default: the system's clocks. realtime counts from 1970, monotonic from
     * anywhere but never backwards. */
    uint64_t (*realtime)(void *ctx);
    uint64_t (*monotonic)(void *ctx);
    void *clock_ctx;
    /* Fill with random bytes; false when there are none. Default: the system's generator. */
    bool (*random)(void *ctx, void *bytes, size_t len);
    void *random_ctx;
    /* Resolve paths component by component even where the kernel could do it (openat2); for tests.
     */
    bool no_openat2;
};

/* ---- A guest's world --------------------------------------------------------------------- */

struct iso_wasi;

/*
 * Errors: ISO_E_ARGUMENT (the report says which member), ISO_E_NOT_FOUND or ISO_E_ACCESS (a
 * host_path cannot be opened), ISO_E_LIMIT, ISO_E_NOMEM. alloc: kept.
 */
ISO_MUST_CHECK enum iso_err iso_wasi_create(const struct iso_alloc *alloc,
                                            const struct iso_wasi_config *config,
                                            struct iso_wasi **out, struct iso_report *report);
/* The store that it was defined in must not run any more. NULL is fine. */
void iso_wasi_destroy(struct iso_wasi *wasi);

/*
 * Define all functions in a store, as modules wasi_snapshot_preview1 and wasi_unstable. wasi is
 * kept by the store. Errors: those of iso_store_define_func.
 */
ISO_MUST_CHECK enum iso_err iso_wasi_define(struct iso_wasi *wasi, struct iso_store *store);
/* The same with only what a module imports, for stores that are made often. */
ISO_MUST_CHECK enum iso_err iso_wasi_define_for(struct iso_wasi *wasi, struct iso_store *store,
                                                const struct iso_module *module);

/*
 * Block until what the pending call waits for may have happened, at most max_ms milliseconds
 * (negative: as long as it takes). Returns early on a signal, and at once when nothing is known to
 * be pending, as after a restore: the caller loops over iso_run anyway. Streams with callbacks
 * are asked again every millisecond. Errors: ISO_E_IO (the system refuses to wait).
 */
ISO_MUST_CHECK enum iso_err iso_wasi_wait(struct iso_wasi *wasi, int64_t max_ms);

/*
 * For event loops of one's own instead of iso_wasi_wait: the host descriptors that the pending call
 * waits for and the time. At most cap are written; *count gets how many there are. events has
 * POLLIN and POLLOUT of <poll.h>. *timeout_ns: until the call can go on for the time alone;
 * INT64_MAX when no time limits it.
 */
struct iso_wasi_waiter {
    int fd;
    short events;
};
void iso_wasi_waiting(const struct iso_wasi *wasi, struct iso_wasi_waiter *out, size_t cap,
                      size_t *count, int64_t *timeout_ns);

/* Whether the program called proc_exit; its status. (The run ended with ISO_TRAP_EXIT then.) */
bool iso_wasi_exited(const struct iso_wasi *wasi, uint32_t *status);

/*
 * The section "wasi" for iso_snapshot_save and iso_snapshot_restore; its bytes are described in
 * docs/wasi.md. wasi is kept.
 *
 * Saving is refused (ISO_E_REFUSED, the report names descriptor and path) when a descriptor could
 * not be opened again: a file that was removed, an unnamed or connected socket, a pipe or device
 * that is not a standard stream.
 *
 * Restoring goes into a struct iso_wasi that was made with what is granted now. Arguments,
 * environment and clocks continue from the snapshot; every descriptor is opened again beneath the
 * grant of the same guest path, its rights cut to the grant. ISO_E_REFUSED, with the guest path,
 * when a path is gone, is not granted, or is granted read-only while a descriptor may write;
 * ISO_E_SNAPSHOT when the bytes are damaged. In-memory file systems are saved with their contents
 * and restored into the memfs that is granted under the same guest path, replacing what it holds.
 */
struct iso_snapshot_section iso_wasi_section(struct iso_wasi *wasi);

#endif
