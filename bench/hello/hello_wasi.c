/*
 * hello_wasi.c - hello world as a WASI preview 1 command, without a C library: one fd_write, so
 * that the measurement shows the engine's start and not the guest's.
 */
#include <stdint.h>

struct iovec {
    const char *text;
    uint32_t size;
};

__attribute__((import_module("wasi_snapshot_preview1"), import_name("fd_write"))) int32_t
fd_write(int32_t fd, const struct iovec *vectors, uint32_t count, uint32_t *written);

void start(void);

__attribute__((export_name("_start"))) void start(void)
{
    static const struct iovec line = {"hello, world\n", 13};
    uint32_t written;

    (void)fd_write(1, &line, 1, &written);
}
