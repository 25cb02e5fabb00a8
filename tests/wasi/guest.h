/*
 * guest.h - what the guest programs of this folder stand on: the imports of WASI preview 1 as they
 * are, without a C library, and checks.
 *
 * Each program is one theme; it ends with status 0 when all is well, else it prints the line that
 * failed and ends with 1. The runner (runner.c) gives each of them the same world: arguments
 * "guest" "first" "second one", environment "KEY=value" "EMPTY=", an empty directory "/" as
 * descriptor 3, the same directory read-only as "/ro", descriptor 4, standard input "input\n" and
 * then its end. Programs clean up after themselves: the runner runs them again.
 */
#ifndef ISO_TESTS_WASI_GUEST_H
#define ISO_TESTS_WASI_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wasi/wasi_types.h"

#define IMPORT(name) __attribute__((import_module("wasi_snapshot_preview1"), import_name(#name)))

typedef uint32_t err;

struct iov {
    const void *base;
    uint32_t len;
};

struct fdstat {
    uint8_t filetype;
    uint16_t flags;
    uint64_t base;
    uint64_t inheriting;
};

struct filestat {
    uint64_t dev;
    uint64_t ino;
    uint8_t filetype;
    uint64_t nlink;
    uint64_t size;
    uint64_t atim;
    uint64_t mtim;
    uint64_t ctim;
};

struct prestat {
    uint8_t tag;
    uint32_t name_len;
};

struct dirent {
    uint64_t next;
    uint64_t ino;
    uint32_t name_len;
    uint8_t type;
};

struct subscription {
    uint64_t userdata;
    uint8_t type;
    union {
        struct {
            uint32_t id;
            uint64_t timeout;
            uint64_t precision;
            uint16_t flags;
        } clock;
        uint32_t fd;
    } u;
};

struct event {
    uint64_t userdata;
    uint16_t error;
    uint8_t type;
    uint64_t nbytes;
    uint16_t flags;
};

IMPORT(args_get) err args_get(char **argv, char *bytes);
IMPORT(args_sizes_get) err args_sizes_get(uint32_t *count, uint32_t *size);
IMPORT(environ_get) err environ_get(char **env, char *bytes);
IMPORT(environ_sizes_get) err environ_sizes_get(uint32_t *count, uint32_t *size);
IMPORT(clock_res_get) err clock_res_get(uint32_t id, uint64_t *ns);
IMPORT(clock_time_get) err clock_time_get(uint32_t id, uint64_t precision, uint64_t *ns);
IMPORT(fd_advise) err fd_advise(uint32_t fd, uint64_t offset, uint64_t len, uint32_t advice);
IMPORT(fd_allocate) err fd_allocate(uint32_t fd, uint64_t offset, uint64_t len);
IMPORT(fd_close) err fd_close(uint32_t fd);
IMPORT(fd_datasync) err fd_datasync(uint32_t fd);
IMPORT(fd_fdstat_get) err fd_fdstat_get(uint32_t fd, struct fdstat *out);
IMPORT(fd_fdstat_set_flags) err fd_fdstat_set_flags(uint32_t fd, uint32_t flags);
IMPORT(fd_fdstat_set_rights) err fd_fdstat_set_rights(uint32_t fd, uint64_t base, uint64_t inh);
IMPORT(fd_filestat_get) err fd_filestat_get(uint32_t fd, struct filestat *out);
IMPORT(fd_filestat_set_size) err fd_filestat_set_size(uint32_t fd, uint64_t size);
IMPORT(fd_filestat_set_times)
err fd_filestat_set_times(uint32_t fd, uint64_t atim, uint64_t mtim, uint32_t flags);
IMPORT(fd_pread)
err fd_pread(uint32_t fd, const struct iov *iov, uint32_t count, uint64_t offset, uint32_t *done);
IMPORT(fd_prestat_get) err fd_prestat_get(uint32_t fd, struct prestat *out);
IMPORT(fd_prestat_dir_name) err fd_prestat_dir_name(uint32_t fd, char *out, uint32_t cap);
IMPORT(fd_pwrite)
err fd_pwrite(uint32_t fd, const struct iov *iov, uint32_t count, uint64_t offset, uint32_t *done);
IMPORT(fd_read) err fd_read(uint32_t fd, const struct iov *iov, uint32_t count, uint32_t *done);
IMPORT(fd_readdir)
err fd_readdir(uint32_t fd, void *out, uint32_t cap, uint64_t cookie, uint32_t *used);
IMPORT(fd_renumber) err fd_renumber(uint32_t from, uint32_t to);
IMPORT(fd_seek) err fd_seek(uint32_t fd, int64_t delta, uint32_t whence, uint64_t *at);
IMPORT(fd_sync) err fd_sync(uint32_t fd);
IMPORT(fd_tell) err fd_tell(uint32_t fd, uint64_t *at);
IMPORT(fd_write) err fd_write(uint32_t fd, const struct iov *iov, uint32_t count, uint32_t *done);
IMPORT(path_create_directory)
err path_create_directory(uint32_t fd, const char *path, uint32_t len);
IMPORT(path_filestat_get)
err path_filestat_get(uint32_t fd, uint32_t lookup, const char *path, uint32_t len,
                      struct filestat *out);
IMPORT(path_filestat_set_times)
err path_filestat_set_times(uint32_t fd, uint32_t lookup, const char *path, uint32_t len,
                            uint64_t atim, uint64_t mtim, uint32_t flags);
IMPORT(path_link)
err path_link(uint32_t fd, uint32_t lookup, const char *from, uint32_t from_len, uint32_t to_fd,
              const char *to, uint32_t to_len);
IMPORT(path_open)
err path_open(uint32_t fd, uint32_t lookup, const char *path, uint32_t len, uint32_t oflags,
              uint64_t base, uint64_t inheriting, uint32_t fdflags, uint32_t *out);
IMPORT(path_readlink)
err path_readlink(uint32_t fd, const char *path, uint32_t len, char *out, uint32_t cap,
                  uint32_t *used);
IMPORT(path_remove_directory)
err path_remove_directory(uint32_t fd, const char *path, uint32_t len);
IMPORT(path_rename)
err path_rename(uint32_t fd, const char *from, uint32_t from_len, uint32_t to_fd, const char *to,
                uint32_t to_len);
IMPORT(path_symlink)
err path_symlink(const char *target, uint32_t target_len, uint32_t fd, const char *path,
                 uint32_t len);
IMPORT(path_unlink_file) err path_unlink_file(uint32_t fd, const char *path, uint32_t len);
IMPORT(poll_oneoff)
err poll_oneoff(const struct subscription *subs, struct event *events, uint32_t count,
                uint32_t *done);
IMPORT(proc_exit) _Noreturn void proc_exit(uint32_t status);
IMPORT(proc_raise) err proc_raise(uint32_t signal);
IMPORT(sched_yield) err sched_yield(void);
IMPORT(random_get) err random_get(void *out, uint32_t len);
IMPORT(sock_accept) err sock_accept(uint32_t fd, uint32_t flags, uint32_t *out);
IMPORT(sock_recv)
err sock_recv(uint32_t fd, const struct iov *iov, uint32_t count, uint32_t flags, uint32_t *done,
              uint16_t *out_flags);
IMPORT(sock_send)
err sock_send(uint32_t fd, const struct iov *iov, uint32_t count, uint32_t flags, uint32_t *done);
IMPORT(sock_shutdown) err sock_shutdown(uint32_t fd, uint32_t how);

enum { ROOT = 3, READ_ONLY = 4, FOLLOW = WASI_LOOKUP_SYMLINK_FOLLOW };
#define ALL WASI_RIGHTS_ALL
#define DIR_RIGHTS (ALL & ~(WASI_RIGHT_FD_READ | WASI_RIGHT_FD_WRITE))

/* ---- A little of a C library --------------------------------------------------------------- */

static inline uint32_t length(const char *text)
{
    uint32_t len = 0;
    while (text[len] != '\0') {
        len++;
    }
    return len;
}

static inline bool same(const void *a, const void *b, uint32_t len)
{
    const uint8_t *x = a;
    const uint8_t *y = b;
    for (uint32_t i = 0; i < len; i++) {
        if (x[i] != y[i]) {
            return false;
        }
    }
    return true;
}

static inline void print(const char *text)
{
    struct iov iov = {text, length(text)};
    uint32_t done;
    (void)fd_write(2, &iov, 1, &done);
}

static inline void print_number(uint64_t value)
{
    char digits[21];
    uint32_t at = sizeof digits - 1;
    digits[at] = '\0';
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    print(digits + at);
}

_Noreturn static inline void fail(const char *file, uint32_t line, const char *what, uint64_t got,
                                  uint64_t expected)
{
    print(file);
    print(":");
    print_number(line);
    print(": ");
    print(what);
    print(" is ");
    print_number(got);
    print(", not ");
    print_number(expected);
    print("\n");
    proc_exit(1);
}

/* Every check compares numbers; error codes are WASI_*. */
#define IS(expression, expected)                                                                   \
    do {                                                                                           \
        uint64_t got_ = (uint64_t)(expression);                                                    \
        uint64_t expected_ = (uint64_t)(expected);                                                 \
        if (got_ != expected_) {                                                                   \
            fail(__FILE__, __LINE__, #expression, got_, expected_);                                \
        }                                                                                          \
    } while (0)
#define OK(expression) IS(expression, WASI_OK)

/* ---- Imports with paths as text ------------------------------------------------------------- */

static inline err open_at(uint32_t fd, uint32_t lookup, const char *path, uint32_t oflags,
                          uint64_t base, uint64_t inheriting, uint32_t fdflags, uint32_t *out)
{
    return path_open(fd, lookup, path, length(path), oflags, base, inheriting, fdflags, out);
}

/* Open and close again. */
static inline err try_open(const char *path, uint32_t lookup, uint32_t oflags)
{
    uint32_t fd;
    err code = open_at(ROOT, lookup, path, oflags, 0, 0, 0, &fd);
    return code == WASI_OK ? fd_close(fd) : code;
}

static inline uint32_t must_open(uint32_t dir, const char *path, uint32_t oflags, uint64_t base)
{
    uint32_t fd = 0;
    OK(open_at(dir, FOLLOW, path, oflags, base, ALL, 0, &fd));
    return fd;
}

static inline err make_dir(uint32_t fd, const char *path)
{
    return path_create_directory(fd, path, length(path));
}

static inline err remove_dir(uint32_t fd, const char *path)
{
    return path_remove_directory(fd, path, length(path));
}

static inline err unlink_file(uint32_t fd, const char *path)
{
    return path_unlink_file(fd, path, length(path));
}

static inline err rename_to(const char *from, const char *to)
{
    return path_rename(ROOT, from, length(from), ROOT, to, length(to));
}

static inline err link_to(uint32_t lookup, const char *from, const char *to)
{
    return path_link(ROOT, lookup, from, length(from), ROOT, to, length(to));
}

static inline err symlink_to(const char *target, const char *path)
{
    return path_symlink(target, length(target), ROOT, path, length(path));
}

static inline err stat_path(uint32_t lookup, const char *path, struct filestat *out)
{
    return path_filestat_get(ROOT, lookup, path, length(path), out);
}

static inline uint32_t write_text(uint32_t fd, const char *text)
{
    struct iov iov = {text, length(text)};
    uint32_t done = 0;
    OK(fd_write(fd, &iov, 1, &done));
    return done;
}

static inline uint32_t read_bytes(uint32_t fd, void *out, uint32_t cap)
{
    struct iov iov = {out, cap};
    uint32_t done = 0;
    OK(fd_read(fd, &iov, 1, &done));
    return done;
}

static inline uint64_t seek_to(uint32_t fd, int64_t delta, uint32_t whence)
{
    uint64_t at = 0;
    OK(fd_seek(fd, delta, whence, &at));
    return at;
}

static inline void make_file(const char *path, const char *text)
{
    uint32_t fd = must_open(ROOT, path, WASI_OFLAG_CREAT | WASI_OFLAG_TRUNC, WASI_RIGHT_FD_WRITE);
    IS(write_text(fd, text), length(text));
    OK(fd_close(fd));
}

static inline void check_file(const char *path, const char *text)
{
    char got[256];
    uint32_t fd = must_open(ROOT, path, 0, WASI_RIGHT_FD_READ);
    IS(read_bytes(fd, got, sizeof got), length(text));
    IS(same(got, text, length(text)), true);
    OK(fd_close(fd));
}

/* The program. */
void run(void);
void _start(void);
void _start(void)
{
    run();
}

#endif
