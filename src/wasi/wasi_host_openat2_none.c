/* wasi_host_openat2_none.c - for systems without openat2: paths are resolved in steps. */
#include <errno.h>

#include "wasi/wasi_host.h"

int iso_wasi_host_openat2(int dir, const char *path, int flags, unsigned mode)
{
    (void)dir;
    (void)path;
    (void)flags;
    (void)mode;
    errno = ENOSYS;
    return -1;
}

bool iso_wasi_host_path_of(int fd, char *out, size_t cap)
{
    (void)fd;
    (void)out;
    (void)cap;
    return false;
}
