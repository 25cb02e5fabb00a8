/* Standard streams: reading to the end, types, moving them to other numbers. */
#include "guest.h"

void run(void)
{
    char text[32];
    struct fdstat st;
    struct filestat stat;
    uint64_t at;
    uint32_t have = 0;
    uint32_t n;
    while ((n = read_bytes(0, text + have, sizeof text - have)) > 0) {
        have += n;
    }
    IS(have, 6);
    IS(same(text, "input\n", 6), true);
    for (uint32_t fd = 0; fd < 3; fd++) {
        OK(fd_fdstat_get(fd, &st));
        IS(st.filetype != WASI_FILETYPE_DIRECTORY, true);
        OK(fd_filestat_get(fd, &stat));
        IS(stat.size, 0);
        IS(stat.mtim, 0);
    }
    IS(fd_seek(0, 0, WASI_WHENCE_CUR, &at), WASI_ESPIPE);
    write_text(1, "output\n");
    make_file("file", "");
    uint32_t to = must_open(ROOT, "file", 0, 0);
    OK(fd_renumber(1, to));
    IS(fd_fdstat_get(1, &st), WASI_EBADF);
    write_text(to, "moved\n");
    IS(must_open(ROOT, "file", 0, 0), 1);
    OK(fd_close(to));
    IS(fd_close(to), WASI_EBADF);
    OK(unlink_file(ROOT, "file"));
}
