/*
 * wasi_guest_test_support.h - a guest without an engine: memory, and calls of imports by name.
 *
 * The four functions of engine.h that src/wasi calls are defined by wasi_guest_test_support.c, so
 * tests of the imports need no module and no interpreter. Every test runs on each file system:
 *
 *     TEST(something)
 *     {
 *         FOR_EACH_FS(g) {
 *             CHECK_EQ_U64(g_mkdir(g, 3, "dir"), WASI_OK);
 *         }
 *     }
 */
#ifndef ISO_WASI_GUEST_TEST_SUPPORT_H
#define ISO_WASI_GUEST_TEST_SUPPORT_H

#include "base/test.h"
#include "wasi/wasi.h"
#include "wasi/wasi_errno.h"
#include "wasi/wasi_types.h"

enum { GUEST_MEMORY = 1 << 20, GUEST_HEAP = 1 << 16 };
#define G_PENDING UINT64_C(0x10000)
#define G_TRAP UINT64_C(0x10001)
#define G_ALL WASI_RIGHTS_ALL

enum guest_fs { GUEST_OPENAT2, GUEST_STEPS, GUEST_MEMFS, GUEST_FS_COUNT };

struct guest {
    enum guest_fs fs;
    struct iso_alloc_test memory;
    char dir[64]; /* the host directory that is preopened as descriptor 3; empty: none */
    struct iso_wasi_memfs *memfs;
    struct iso_wasi_config config;
    struct iso_wasi_preopen preopens[4];
    struct iso_wasi *wasi;
    uint8_t bytes[GUEST_MEMORY];
    uint32_t heap; /* next free address for guest_put */
    /* Of the call that is pending; the same values are passed when it is issued again. */
    uint64_t deadline;
    bool reissued;
    char trap[128];
    uint32_t exit_status;
};

/* A guest with descriptor 3, "/", on a fresh directory of the given kind. One at a time. */
struct guest *guest_start(enum guest_fs fs);
/* The same with guest->config as the test left it after guest_prepare. */
struct guest *guest_prepare(enum guest_fs fs);
void guest_create(struct guest *g);
/* Everything goes; fails the test when memory leaked. */
void guest_stop(struct guest *g);

#define FOR_EACH_FS(g)                                                                             \
    for (int fs_ = 0; fs_ < GUEST_FS_COUNT; fs_++)                                                 \
        for (struct guest *g = guest_start((enum guest_fs)fs_); g != NULL; guest_stop(g), g = NULL)

/* Call an import; the answer is an error code, G_PENDING or G_TRAP. */
uint64_t guest_call(struct guest *g, const char *name, const uint64_t *args, size_t count);
#define CALL(g, name, ...)                                                                         \
    guest_call(g, name, (const uint64_t[]){__VA_ARGS__},                                           \
               sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))
/* The same in module wasi_unstable. */
uint64_t guest_call_p0(struct guest *g, const char *name, const uint64_t *args, size_t count);
#define CALL_P0(g, name, ...)                                                                      \
    guest_call_p0(g, name, (const uint64_t[]){__VA_ARGS__},                                        \
                  sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

/* Put bytes on the guest's heap; guest_reset_heap empties it. Returns the address. */
uint32_t guest_put(struct guest *g, const void *bytes, size_t len);
uint32_t guest_put_str(struct guest *g, const char *text);
void guest_reset_heap(struct guest *g);
uint32_t guest_u32(const struct guest *g, uint32_t addr);
uint64_t guest_u64(const struct guest *g, uint32_t addr);

/* Imports with C arguments. Paths as text; those that open give the descriptor. */
uint64_t g_open(struct guest *g, uint32_t dir, const char *path, uint32_t lookup, uint32_t oflags,
                uint64_t base, uint64_t inheriting, uint32_t fdflags, uint32_t *fd);
/* All rights that the directory passes on, links followed. */
uint32_t g_must_open(struct guest *g, uint32_t dir, const char *path, uint32_t oflags,
                     uint64_t base);
uint64_t g_close(struct guest *g, uint32_t fd);
uint64_t g_write(struct guest *g, uint32_t fd, const char *text, uint32_t *done);
/* Reads at most cap bytes into out, which is terminated. */
uint64_t g_read(struct guest *g, uint32_t fd, char *out, uint32_t cap, uint32_t *done);
uint64_t g_seek(struct guest *g, uint32_t fd, int64_t delta, uint32_t whence, uint64_t *at);
uint64_t g_mkdir(struct guest *g, uint32_t dir, const char *path);
uint64_t g_rmdir(struct guest *g, uint32_t dir, const char *path);
uint64_t g_unlink(struct guest *g, uint32_t dir, const char *path);
uint64_t g_symlink(struct guest *g, const char *target, uint32_t dir, const char *path);
uint64_t g_readlink(struct guest *g, uint32_t dir, const char *path, char *out, uint32_t cap,
                    uint32_t *len);
uint64_t g_link(struct guest *g, uint32_t dir, uint32_t lookup, const char *from, uint32_t to_dir,
                const char *to);
uint64_t g_rename(struct guest *g, uint32_t dir, const char *from, uint32_t to_dir, const char *to);
struct g_stat {
    uint64_t dev, ino, nlink, size, atim, mtim, ctim;
    uint8_t filetype;
};
uint64_t g_stat_path(struct guest *g, uint32_t dir, uint32_t lookup, const char *path,
                     struct g_stat *out);
uint64_t g_stat_fd(struct guest *g, uint32_t fd, struct g_stat *out);
struct g_fdstat {
    uint8_t filetype;
    uint16_t flags;
    uint64_t base, inheriting;
};
uint64_t g_fdstat(struct guest *g, uint32_t fd, struct g_fdstat *out);
/* Make a file with contents; fails the test if it cannot. */
void g_file(struct guest *g, uint32_t dir, const char *path, const char *text);
/* Check what a file holds. */
void g_check_file(struct guest *g, uint32_t dir, const char *path, const char *text);

/* Errors are compared by name, so that a failure can be read. */
void g_check_errno(const char *file, int line, const char *text, uint64_t actual,
                   enum iso_wasi_errno expected);
#define CHECK_WASI(expression, expected)                                                           \
    g_check_errno(__FILE__, __LINE__, #expression, (expression), (expected))

#endif
