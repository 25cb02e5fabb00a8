/* wasi_guest_test_support.c - see the header. */
#include "wasi/wasi_guest_test_support.h"

#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- The engine's side ------------------------------------------------------------------- */

enum { FUNCS_MAX = 128 };

struct iso_store {
    struct guest *guest;
    struct iso_host_func funcs[FUNCS_MAX];
    size_t count;
};

static struct iso_store the_store;
static struct guest the_guest;

enum iso_err iso_store_define_func(struct iso_store *store, const struct iso_host_func *def)
{
    if (store->count == FUNCS_MAX) {
        return ISO_E_NOMEM;
    }
    store->funcs[store->count++] = *def;
    return ISO_OK;
}

/* There are no modules here: everything is defined. */
uint32_t iso_module_import_count(const struct iso_module *module)
{
    (void)module;
    return 0;
}

void iso_module_import(const struct iso_module *module, uint32_t index, struct iso_import_desc *out)
{
    (void)module, (void)index;
    *out = (struct iso_import_desc){.module = {NULL, 0}};
}

void *iso_host_memory(const struct iso_host_call *call, uint32_t addr, uint32_t len)
{
    struct guest *g = call->store->guest;
    return addr > GUEST_MEMORY || len > GUEST_MEMORY - addr ? NULL : g->bytes + addr;
}

void iso_host_trap(struct iso_host_call *call, const char *fmt, ...)
{
    struct guest *g = call->store->guest;
    va_list args;
    va_start(args, fmt);
    (void)iso_format_v(g->trap, sizeof g->trap, fmt, args);
    va_end(args);
}

void iso_host_exit(struct iso_host_call *call, uint32_t status)
{
    call->store->guest->exit_status = status;
}

static const struct iso_host_func *find_func(const char *module, const char *name)
{
    for (size_t i = 0; i < the_store.count; i++) {
        if (strcmp(the_store.funcs[i].module, module) == 0 &&
            strcmp(the_store.funcs[i].name, name) == 0) {
            return &the_store.funcs[i];
        }
    }
    TEST_FAIL("no import %s.%s", module, name);
}

static uint64_t call_import(struct guest *g, const char *module, const char *name,
                            const uint64_t *args, size_t count)
{
    const struct iso_host_func *func = find_func(module, name);
    union iso_slot slots[16];
    if (strlen(func->params) != count) {
        TEST_FAIL("%s has %zu parameters, not %zu", name, strlen(func->params), count);
    }
    for (size_t i = 0; i < count; i++) {
        /* Upper halves of 32-bit slots are undefined: make them wrong. */
        slots[i].u64 = UINT64_C(0xdeadbeefdeadbeef);
        if (func->params[i] == 'I') {
            slots[i].u64 = args[i];
        } else {
            slots[i].u32 = (uint32_t)args[i];
        }
    }
    struct iso_host_call call = {.store = &the_store,
                                 .ctx = func->ctx,
                                 .args = slots,
                                 .results = slots,
                                 .deadline = g->deadline,
                                 .reissued = g->reissued};
    enum iso_host_result result = func->fn(&call);
    g->reissued = result == ISO_HOST_PENDING;
    g->deadline = g->reissued ? call.deadline : 0;
    if (result == ISO_HOST_PENDING) {
        return G_PENDING;
    }
    return result == ISO_HOST_TRAP ? G_TRAP : slots[0].u32;
}

uint64_t guest_call(struct guest *g, const char *name, const uint64_t *args, size_t count)
{
    return call_import(g, "wasi_snapshot_preview1", name, args, count);
}

uint64_t guest_call_p0(struct guest *g, const char *name, const uint64_t *args, size_t count)
{
    return call_import(g, "wasi_unstable", name, args, count);
}

/* ---- Starting and stopping ---------------------------------------------------------------- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

struct guest *guest_prepare(enum guest_fs fs)
{
    struct guest *g = &the_guest;
    memset(g, 0, sizeof *g);
    memset(&the_store, 0, sizeof the_store);
    g->fs = fs;
    g->heap = GUEST_HEAP;
    iso_alloc_test_init(&g->memory);
    if (fs == GUEST_MEMFS) {
        CHECK_OK(iso_wasi_memfs_create(&g->memory.alloc, 1 << 20, &g->memfs));
        g->preopens[0] = (struct iso_wasi_preopen){.guest_path = "/", .memfs = g->memfs};
    } else {
        (void)iso_format(g->dir, sizeof g->dir, "/tmp/iso_wasi_test_XXXXXX");
        CHECK(mkdtemp(g->dir) != NULL);
        g->preopens[0] = (struct iso_wasi_preopen){.guest_path = "/", .host_path = g->dir};
    }
    g->config.preopens = g->preopens;
    g->config.preopen_count = 1;
    g->config.no_openat2 = fs == GUEST_STEPS;
    return g;
}

void guest_create(struct guest *g)
{
    struct iso_report report;
    iso_report_init(&report);
    enum iso_err err = iso_wasi_create(&g->memory.alloc, &g->config, &g->wasi, &report);
    if (err != ISO_OK) {
        TEST_FAIL("iso_wasi_create: %s", iso_report_text(&report, err));
    }
    the_store.guest = g;
    the_store.count = 0;
    CHECK_OK(iso_wasi_define(g->wasi, &the_store));
}

struct guest *guest_start(enum guest_fs fs)
{
    struct guest *g = guest_prepare(fs);
    guest_create(g);
    return g;
}

void guest_stop(struct guest *g)
{
    iso_wasi_destroy(g->wasi);
    iso_wasi_memfs_destroy(g->memfs);
    if (g->dir[0] != '\0') {
        (void)nftw(g->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    }
    CHECK_EQ_U64(g->memory.live_bytes, 0);
    CHECK_EQ_U64(g->memory.live_blocks, 0);
}

/* ---- Guest memory ------------------------------------------------------------------------- */

uint32_t guest_put(struct guest *g, const void *bytes, size_t len)
{
    uint32_t addr = g->heap;
    CHECK(len <= GUEST_MEMORY - addr);
    iso_memory_copy(g->bytes + addr, bytes, len);
    g->heap += (uint32_t)len;
    return addr;
}

uint32_t guest_put_str(struct guest *g, const char *text)
{
    return guest_put(g, text, strlen(text));
}

void guest_reset_heap(struct guest *g)
{
    g->heap = GUEST_HEAP;
}

uint32_t guest_u32(const struct guest *g, uint32_t addr)
{
    return iso_load_u32le(g->bytes + addr);
}

uint64_t guest_u64(const struct guest *g, uint32_t addr)
{
    return iso_load_u64le(g->bytes + addr);
}

/* ---- Imports with C arguments --------------------------------------------------------------- */

/* Results of the wrappers go to the beginning of memory, at an odd address on purpose. */
enum { OUT = 1025, IOV = 2049, DATA = 4097 };

uint64_t g_open(struct guest *g, uint32_t dir, const char *path, uint32_t lookup, uint32_t oflags,
                uint64_t base, uint64_t inheriting, uint32_t fdflags, uint32_t *fd)
{
    guest_reset_heap(g);
    uint64_t err = CALL(g, "path_open", dir, lookup, guest_put_str(g, path), strlen(path), oflags,
                        base, inheriting, fdflags, OUT);
    if (err == WASI_OK) {
        *fd = guest_u32(g, OUT);
    }
    return err;
}

uint32_t g_must_open(struct guest *g, uint32_t dir, const char *path, uint32_t oflags,
                     uint64_t base)
{
    uint32_t fd = 0;
    uint64_t err = g_open(g, dir, path, WASI_LOOKUP_SYMLINK_FOLLOW, oflags, base, G_ALL, 0, &fd);
    if (err != WASI_OK) {
        TEST_FAIL("opening %s: %s", path, iso_wasi_errno_name((enum iso_wasi_errno)err));
    }
    return fd;
}

uint64_t g_close(struct guest *g, uint32_t fd)
{
    return CALL(g, "fd_close", fd);
}

uint64_t g_write(struct guest *g, uint32_t fd, const char *text, uint32_t *done)
{
    size_t len = strlen(text);
    guest_reset_heap(g);
    iso_store_u32le(g->bytes + IOV, guest_put_str(g, text));
    iso_store_u32le(g->bytes + IOV + 4, (uint32_t)len);
    uint64_t err = CALL(g, "fd_write", fd, IOV, 1, OUT);
    *done = err == WASI_OK ? guest_u32(g, OUT) : 0;
    return err;
}

uint64_t g_read(struct guest *g, uint32_t fd, char *out, uint32_t cap, uint32_t *done)
{
    iso_store_u32le(g->bytes + IOV, DATA);
    iso_store_u32le(g->bytes + IOV + 4, cap);
    uint64_t err = CALL(g, "fd_read", fd, IOV, 1, OUT);
    *done = err == WASI_OK ? guest_u32(g, OUT) : 0;
    memcpy(out, g->bytes + DATA, *done);
    out[*done] = '\0';
    return err;
}

uint64_t g_seek(struct guest *g, uint32_t fd, int64_t delta, uint32_t whence, uint64_t *at)
{
    uint64_t err = CALL(g, "fd_seek", fd, (uint64_t)delta, whence, OUT);
    if (err == WASI_OK) {
        *at = guest_u64(g, OUT);
    }
    return err;
}

static uint64_t call_path(struct guest *g, const char *name, uint32_t dir, const char *path)
{
    guest_reset_heap(g);
    return CALL(g, name, dir, guest_put_str(g, path), strlen(path));
}

uint64_t g_mkdir(struct guest *g, uint32_t dir, const char *path)
{
    return call_path(g, "path_create_directory", dir, path);
}

uint64_t g_rmdir(struct guest *g, uint32_t dir, const char *path)
{
    return call_path(g, "path_remove_directory", dir, path);
}

uint64_t g_unlink(struct guest *g, uint32_t dir, const char *path)
{
    return call_path(g, "path_unlink_file", dir, path);
}

uint64_t g_symlink(struct guest *g, const char *target, uint32_t dir, const char *path)
{
    guest_reset_heap(g);
    return CALL(g, "path_symlink", guest_put_str(g, target), strlen(target), dir,
                guest_put_str(g, path), strlen(path));
}

uint64_t g_readlink(struct guest *g, uint32_t dir, const char *path, char *out, uint32_t cap,
                    uint32_t *len)
{
    guest_reset_heap(g);
    uint64_t err =
        CALL(g, "path_readlink", dir, guest_put_str(g, path), strlen(path), DATA, cap, OUT);
    *len = err == WASI_OK ? guest_u32(g, OUT) : 0;
    memcpy(out, g->bytes + DATA, *len);
    out[*len] = '\0';
    return err;
}

uint64_t g_link(struct guest *g, uint32_t dir, uint32_t lookup, const char *from, uint32_t to_dir,
                const char *to)
{
    guest_reset_heap(g);
    return CALL(g, "path_link", dir, lookup, guest_put_str(g, from), strlen(from), to_dir,
                guest_put_str(g, to), strlen(to));
}

uint64_t g_rename(struct guest *g, uint32_t dir, const char *from, uint32_t to_dir, const char *to)
{
    guest_reset_heap(g);
    return CALL(g, "path_rename", dir, guest_put_str(g, from), strlen(from), to_dir,
                guest_put_str(g, to), strlen(to));
}

static uint64_t take_stat(const struct guest *g, uint64_t err, struct g_stat *out)
{
    memset(out, 0, sizeof *out);
    if (err == WASI_OK) {
        out->dev = guest_u64(g, OUT);
        out->ino = guest_u64(g, OUT + 8);
        out->filetype = g->bytes[OUT + 16];
        out->nlink = guest_u64(g, OUT + 24);
        out->size = guest_u64(g, OUT + 32);
        out->atim = guest_u64(g, OUT + 40);
        out->mtim = guest_u64(g, OUT + 48);
        out->ctim = guest_u64(g, OUT + 56);
    }
    return err;
}

uint64_t g_stat_path(struct guest *g, uint32_t dir, uint32_t lookup, const char *path,
                     struct g_stat *out)
{
    guest_reset_heap(g);
    uint64_t err =
        CALL(g, "path_filestat_get", dir, lookup, guest_put_str(g, path), strlen(path), OUT);
    return take_stat(g, err, out);
}

uint64_t g_stat_fd(struct guest *g, uint32_t fd, struct g_stat *out)
{
    return take_stat(g, CALL(g, "fd_filestat_get", fd, OUT), out);
}

uint64_t g_fdstat(struct guest *g, uint32_t fd, struct g_fdstat *out)
{
    uint64_t err = CALL(g, "fd_fdstat_get", fd, OUT);
    memset(out, 0, sizeof *out);
    if (err == WASI_OK) {
        out->filetype = g->bytes[OUT];
        out->flags = iso_load_u16le(g->bytes + OUT + 2);
        out->base = guest_u64(g, OUT + 8);
        out->inheriting = guest_u64(g, OUT + 16);
    }
    return err;
}

void g_file(struct guest *g, uint32_t dir, const char *path, const char *text)
{
    uint32_t done;
    uint32_t fd =
        g_must_open(g, dir, path, WASI_OFLAG_CREAT | WASI_OFLAG_TRUNC, WASI_RIGHT_FD_WRITE);
    CHECK_WASI(g_write(g, fd, text, &done), WASI_OK);
    CHECK_EQ_U64(done, strlen(text));
    CHECK_WASI(g_close(g, fd), WASI_OK);
}

void g_check_file(struct guest *g, uint32_t dir, const char *path, const char *text)
{
    char got[512];
    uint32_t done;
    uint32_t fd = g_must_open(g, dir, path, 0, WASI_RIGHT_FD_READ);
    CHECK_WASI(g_read(g, fd, got, sizeof got - 1, &done), WASI_OK);
    CHECK_STR(got, text);
    CHECK_WASI(g_close(g, fd), WASI_OK);
}

void g_check_errno(const char *file, int line, const char *text, uint64_t actual,
                   enum iso_wasi_errno expected)
{
    if (actual != (uint64_t)expected) {
        static const char *const fs_names[] = {"openat2", "steps", "memory"};
        const char *name = actual == G_PENDING ? "pending"
                           : actual == G_TRAP  ? "trap"
                                               : iso_wasi_errno_name((enum iso_wasi_errno)actual);
        iso_test_fail(file, line, "%s is %s, not %s (file system: %s)", text, name,
                      iso_wasi_errno_name(expected), fs_names[the_guest.fs]);
    }
}
