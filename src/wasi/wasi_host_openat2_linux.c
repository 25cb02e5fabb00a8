/*
 * wasi_host_openat2_linux.c - openat2(2) (Linux 5.6), for which the C library has no wrapper.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "wasi/wasi_host.h"

#ifndef SYS_openat2
#define SYS_openat2                                                                                \
    437 /* the same on every architecture but alpha and mips, whose headers have it */
#endif

enum { RESOLVE_NO_MAGICLINKS_BIT = 0x02, RESOLVE_BENEATH_BIT = 0x08 };

/* The kernel's struct open_how. */
struct how {
    uint64_t flags;
    uint64_t mode;
    uint64_t resolve;
};

int iso_wasi_host_openat2(int dir, const char *path, int flags, unsigned mode)
{
    struct how how = {.flags = (uint64_t)(unsigned)flags,
                      .mode = mode,
                      .resolve = RESOLVE_BENEATH_BIT | RESOLVE_NO_MAGICLINKS_BIT};
    /* EAGAIN: something on the way was renamed meanwhile, so ".." could not be judged. */
    for (int tries = 0; tries < 16; tries++) {
        long fd = syscall(SYS_openat2, dir, path, &how, sizeof how);
        if (fd >= 0) {
            return (int)fd;
        }
        if (errno != EAGAIN && errno != EINTR) {
            return -1;
        }
    }
    errno = ENOSYS;
    return -1;
}

bool iso_wasi_host_path_of(int fd, char *out, size_t cap)
{
    char link[64];
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, out, cap);
    if (len <= 0 || (size_t)len >= cap || out[0] != '/') {
        return false;
    }
    out[len] = '\0';
    return true;
}
