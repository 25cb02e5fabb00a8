/* All of some bytes through a file descriptor, however many pieces the system makes of it. */
#include "platform/platform.h"

#include <errno.h>
#include <unistd.h>

int iso_fd_read(int fd, uint8_t *to, size_t len)
{
    while (len > 0) {
        ssize_t got = read(fd, to, len);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return got < 0 ? errno : ENODATA;
        }
        to += got;
        len -= (size_t)got;
    }
    return 0;
}

int iso_fd_write(int fd, struct iso_bytes bytes)
{
    while (bytes.len > 0) {
        ssize_t wrote = write(fd, bytes.ptr, bytes.len);
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        if (wrote <= 0) {
            return wrote < 0 ? errno : EIO;
        }
        bytes.ptr += wrote;
        bytes.len -= (size_t)wrote;
    }
    return 0;
}
