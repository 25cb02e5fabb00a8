/* Preview 0 (wasi_unstable): its order of whence, its smaller filestat, its larger subscription. */
#define IMPORT0(name) __attribute__((import_module("wasi_unstable"), import_name(#name)))

#include "guest.h"

struct filestat0 {
    uint64_t dev;
    uint64_t ino;
    uint8_t filetype;
    uint32_t nlink;
    uint64_t size;
    uint64_t atim;
    uint64_t mtim;
    uint64_t ctim;
};

struct subscription0 {
    uint64_t userdata;
    uint8_t type;
    uint64_t identifier;
    uint32_t id;
    uint64_t timeout;
    uint64_t precision;
    uint16_t flags;
};

IMPORT0(fd_seek) err fd_seek_0(uint32_t fd, int64_t delta, uint32_t whence, uint64_t *at);
IMPORT0(fd_filestat_get) err fd_filestat_get_0(uint32_t fd, struct filestat0 *out);
IMPORT0(path_filestat_get)
err path_filestat_get_0(uint32_t fd, uint32_t lookup, const char *path, uint32_t len,
                        struct filestat0 *out);
IMPORT0(poll_oneoff)
err poll_oneoff_0(const struct subscription0 *subs, struct event *events, uint32_t count,
                  uint32_t *done);
IMPORT0(fd_write) err fd_write_0(uint32_t fd, const struct iov *iov, uint32_t n, uint32_t *done);

void run(void)
{
    uint64_t at = 0;
    uint32_t done = 0;
    struct filestat0 st[2];
    struct iov iov = {"0123456789", 10};
    uint32_t fd = must_open(ROOT, "file", WASI_OFLAG_CREAT, ALL);
    OK(fd_write_0(fd, &iov, 1, &done));
    OK(fd_seek_0(fd, -4, 0, &at));
    IS(at, 6);
    OK(fd_seek_0(fd, -1, 1, &at));
    IS(at, 9);
    OK(fd_seek_0(fd, 2, 2, &at));
    IS(at, 2);
    st[1].dev = 4711;
    OK(fd_filestat_get_0(fd, st));
    IS(st[0].size, 10);
    IS(st[0].nlink, 1);
    IS(st[1].dev, 4711);
    OK(path_filestat_get_0(ROOT, 0, "file", 4, st));
    IS(st[0].filetype, WASI_FILETYPE_REGULAR_FILE);
    IS(st[0].size, 10);
    struct subscription0 sub = {
        .userdata = 5, .type = WASI_EVENT_CLOCK, .id = WASI_CLOCK_MONOTONIC, .timeout = 1000000};
    struct event event;
    OK(poll_oneoff_0(&sub, &event, 1, &done));
    IS(done, 1);
    IS(event.userdata, 5);
    OK(fd_close(fd));
    OK(unlink_file(ROOT, "file"));
}
