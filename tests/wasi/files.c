/* Files: positions, appending, sizes, times, scattered buffers, files that were removed. */
#include "guest.h"

static void positions(void)
{
    uint64_t at = 0;
    char text[128];
    uint32_t fd = must_open(ROOT, "file", WASI_OFLAG_CREAT, ALL);
    OK(fd_tell(fd, &at));
    IS(at, 0);
    IS(write_text(fd, "0123456789"), 10);
    OK(fd_tell(fd, &at));
    IS(at, 10);
    IS(seek_to(fd, -5, WASI_WHENCE_CUR), 5);
    IS(read_bytes(fd, text, 2), 2);
    IS(same(text, "56", 2), true);
    IS(seek_to(fd, 0, WASI_WHENCE_SET), 0);
    IS(seek_to(fd, 1000, WASI_WHENCE_CUR), 1000);
    IS(fd_seek(fd, -2000, WASI_WHENCE_CUR, &at), WASI_EINVAL);
    IS(fd_seek(fd, 0, 7, &at), WASI_EINVAL);
    IS(read_bytes(fd, text, 10), 0);
    IS(seek_to(fd, -1, WASI_WHENCE_END), 9);
    OK(fd_close(fd));
    IS(fd_close(fd), WASI_EBADF);
    OK(unlink_file(ROOT, "file"));
}

static void scattered(void)
{
    char a[4] = {0};
    char b[8] = {0};
    uint32_t done;
    uint32_t fd = must_open(ROOT, "file", WASI_OFLAG_CREAT, ALL);
    struct iov out[3] = {{"ab", 2}, {NULL, 0}, {"cdef", 4}};
    struct iov in[2] = {{a, 3}, {b, 8}};
    OK(fd_pwrite(fd, out, 3, 4, &done));
    IS(done, 6);
    OK(fd_pread(fd, in, 2, 5, &done));
    IS(done, 5);
    IS(same(a, "bcd", 3), true);
    IS(same(b, "ef\0", 3), true);
    uint64_t at = 1;
    OK(fd_tell(fd, &at));
    IS(at, 0);
    struct iov bad = {(void *)0xfffffff0, 100};
    IS(fd_write(fd, &bad, 1, &done), WASI_EFAULT);
    IS(fd_read(fd, &bad, 1, &done), WASI_EFAULT);
    IS(fd_write(fd, out, 5000, &done), WASI_EINVAL);
    IS(fd_write(99, out, 1, &done), WASI_EBADF);
    OK(fd_close(fd));
    OK(unlink_file(ROOT, "file"));
}

static void appending(void)
{
    uint32_t fd;
    struct fdstat st;
    OK(open_at(ROOT, 0, "file", WASI_OFLAG_CREAT, ALL, 0, WASI_FDFLAG_APPEND | WASI_FDFLAG_SYNC,
               &fd));
    OK(fd_fdstat_get(fd, &st));
    IS(st.flags, WASI_FDFLAG_APPEND | WASI_FDFLAG_SYNC);
    IS(st.filetype, WASI_FILETYPE_REGULAR_FILE);
    write_text(fd, "one");
    seek_to(fd, 0, WASI_WHENCE_SET);
    write_text(fd, "two");
    IS(seek_to(fd, 0, WASI_WHENCE_CUR), 6);
    OK(fd_fdstat_set_flags(fd, 0));
    seek_to(fd, 0, WASI_WHENCE_SET);
    write_text(fd, "ONE");
    OK(fd_close(fd));
    check_file("file", "ONEtwo");
    OK(unlink_file(ROOT, "file"));
}

static void sizes_and_times(void)
{
    struct filestat st;
    uint32_t fd = must_open(ROOT, "file", WASI_OFLAG_CREAT, ALL);
    OK(fd_allocate(fd, 0, 100));
    OK(fd_filestat_get(fd, &st));
    IS(st.size, 100);
    OK(fd_allocate(fd, 10, 10));
    OK(fd_filestat_set_size(fd, 50));
    OK(fd_filestat_get(fd, &st));
    IS(st.size, 50);
    OK(fd_advise(fd, 0, 50, 1));
    IS(fd_advise(fd, 0, 50, 9), WASI_EINVAL);
    OK(fd_sync(fd));
    OK(fd_datasync(fd));
    uint64_t old_atim = st.atim;
    OK(fd_filestat_set_times(fd, 1, st.mtim - 100, WASI_FST_MTIM));
    uint64_t mtim = st.mtim - 100;
    OK(fd_filestat_get(fd, &st));
    IS(st.mtim, mtim);
    IS(st.atim, old_atim);
    IS(fd_filestat_set_times(fd, 1, 2, WASI_FST_MTIM | WASI_FST_MTIM_NOW), WASI_EINVAL);
    OK(path_filestat_set_times(ROOT, 0, "file", 4, 12345, 67890, WASI_FST_ATIM | WASI_FST_MTIM));
    OK(stat_path(0, "file", &st));
    IS(st.atim, 12345);
    IS(st.mtim, 67890);
    uint32_t other;
    OK(open_at(ROOT, 0, "file", WASI_OFLAG_TRUNC, 0, 0, 0, &other));
    OK(fd_filestat_get(fd, &st));
    IS(st.size, 0);
    OK(fd_close(other));
    OK(fd_close(fd));
    OK(unlink_file(ROOT, "file"));
}

/* Contents that are large, to cross pages, and to give snapshots something to stop in. */
static void large(void)
{
    static uint8_t block[10007];
    uint32_t fd = must_open(ROOT, "large", WASI_OFLAG_CREAT, ALL);
    for (uint32_t round = 0; round < 8; round++) {
        for (uint32_t i = 0; i < sizeof block; i++) {
            block[i] = (uint8_t)(i * 31 + round);
        }
        struct iov iov = {block, sizeof block};
        uint32_t done;
        OK(fd_write(fd, &iov, 1, &done));
        IS(done, sizeof block);
    }
    IS(seek_to(fd, 0, WASI_WHENCE_SET), 0);
    for (uint32_t round = 0; round < 8; round++) {
        uint32_t wrong = 0;
        IS(read_bytes(fd, block, sizeof block), sizeof block);
        for (uint32_t i = 0; i < sizeof block; i++) {
            wrong += block[i] != (uint8_t)(i * 31 + round) ? 1 : 0;
        }
        IS(wrong, 0);
    }
    IS(read_bytes(fd, block, 1), 0);
    OK(fd_close(fd));
    OK(unlink_file(ROOT, "large"));
}

void run(void)
{
    positions();
    scattered();
    appending();
    sizes_and_times();
    large();
}
