/* Rights: they decide, are inherited, and only ever shrink. */
#include "guest.h"

static void of_files(void)
{
    char text[4];
    struct fdstat st;
    struct filestat stat;
    struct iov iov = {text, 1};
    uint32_t done;
    uint64_t at;
    make_file("file", "x");
    uint32_t reader = must_open(ROOT, "file", 0, WASI_RIGHT_FD_READ);
    OK(fd_fdstat_get(reader, &st));
    IS(st.base, WASI_RIGHT_FD_READ);
    IS(fd_write(reader, &iov, 1, &done), WASI_EBADF);
    IS(fd_seek(reader, 1, WASI_WHENCE_SET, &at), WASI_ENOTCAPABLE);
    IS(fd_filestat_get(reader, &stat), WASI_ENOTCAPABLE);
    IS(fd_filestat_set_size(reader, 0), WASI_ENOTCAPABLE);
    uint32_t writer = must_open(ROOT, "file", 0, WASI_RIGHT_FD_WRITE);
    IS(fd_read(writer, &iov, 1, &done), WASI_EBADF);
    IS(fd_fdstat_set_rights(writer, WASI_RIGHT_FD_WRITE | WASI_RIGHT_FD_READ, 0), WASI_ENOTCAPABLE);
    OK(fd_fdstat_set_rights(writer, 0, 0));
    IS(fd_write(writer, &iov, 1, &done), WASI_EBADF);
    OK(fd_close(reader));
    OK(fd_close(writer));
    OK(unlink_file(ROOT, "file"));
}

static void of_directories(void)
{
    uint32_t dir;
    uint32_t fd;
    struct fdstat st;
    OK(make_dir(ROOT, "dir"));
    OK(open_at(ROOT, 0, "dir", WASI_OFLAG_DIRECTORY,
               DIR_RIGHTS | WASI_RIGHT_FD_SEEK | WASI_RIGHT_FD_READ,
               WASI_RIGHT_FD_READ | WASI_RIGHT_FD_WRITE, 0, &dir));
    OK(fd_fdstat_get(dir, &st));
    IS(st.filetype, WASI_FILETYPE_DIRECTORY);
    IS(st.base & (WASI_RIGHT_FD_SEEK | WASI_RIGHT_FD_READ | WASI_RIGHT_FD_FILESTAT_SET_SIZE), 0);
    OK(open_at(dir, 0, "file", WASI_OFLAG_CREAT, ALL, 0, 0, &fd));
    OK(fd_fdstat_get(fd, &st));
    IS(st.base, WASI_RIGHT_FD_READ | WASI_RIGHT_FD_WRITE);
    OK(fd_close(fd));
    OK(open_at(dir, 0, "file", WASI_OFLAG_TRUNC, 0, 0, 0, &fd));
    OK(fd_close(fd));
    OK(fd_fdstat_get(dir, &st));
    OK(fd_fdstat_set_rights(dir, st.base & ~WASI_RIGHT_PATH_FILESTAT_SET_SIZE, WASI_RIGHT_FD_READ));
    IS(open_at(dir, 0, "file", WASI_OFLAG_TRUNC, 0, 0, 0, &fd), WASI_ENOTCAPABLE);
    IS(open_at(dir, 0, "file", 0, WASI_RIGHT_FD_WRITE, 0, 0, &fd), WASI_ENOTCAPABLE);
    OK(fd_fdstat_set_rights(dir, WASI_RIGHT_PATH_OPEN, 0));
    IS(open_at(dir, 0, "new", WASI_OFLAG_CREAT, 0, 0, 0, &fd), WASI_ENOTCAPABLE);
    IS(unlink_file(dir, "file"), WASI_ENOTCAPABLE);
    IS(make_dir(dir, "sub"), WASI_ENOTCAPABLE);
    OK(fd_close(dir));
    OK(unlink_file(ROOT, "dir/file"));
    OK(remove_dir(ROOT, "dir"));
}

static void read_only(void)
{
    uint32_t fd;
    make_file("file", "kept");
    IS(open_at(READ_ONLY, 0, "file", 0, WASI_RIGHT_FD_WRITE, 0, 0, &fd), WASI_ENOTCAPABLE);
    IS(open_at(READ_ONLY, 0, "file", WASI_OFLAG_TRUNC, 0, 0, 0, &fd), WASI_ENOTCAPABLE);
    IS(open_at(READ_ONLY, 0, "new", WASI_OFLAG_CREAT, 0, 0, 0, &fd), WASI_ENOTCAPABLE);
    IS(unlink_file(READ_ONLY, "file"), WASI_ENOTCAPABLE);
    IS(make_dir(READ_ONLY, "dir"), WASI_ENOTCAPABLE);
    IS(path_link(READ_ONLY, 0, "file", 4, ROOT, "alias", 5), WASI_ENOTCAPABLE);
    IS(path_rename(READ_ONLY, "file", 4, ROOT, "moved", 5), WASI_ENOTCAPABLE);
    OK(open_at(READ_ONLY, 0, "file", 0, WASI_RIGHT_FD_READ, 0, 0, &fd));
    OK(fd_close(fd));
    check_file("file", "kept");
    OK(unlink_file(ROOT, "file"));
}

void run(void)
{
    of_files();
    of_directories();
    read_only();
}
