/* Directories: listings and their cookies, what they cannot do, descriptors and preopens. */
#include "guest.h"

static uint8_t buffer[4096];

/* Counts entries through a buffer of `cap` bytes; names are checked to be in order. */
static uint32_t count_entries(uint32_t dir, uint32_t cap)
{
    uint64_t cookie = 0;
    uint32_t count = 0;
    for (;;) {
        uint32_t used;
        uint32_t at = 0;
        OK(fd_readdir(dir, buffer, cap, cookie, &used));
        IS(used <= cap, true);
        while (used - at >= WASI_SIZE_DIRENT) {
            struct dirent entry;
            __builtin_memcpy(&entry, buffer + at, sizeof entry);
            if (used - at - WASI_SIZE_DIRENT < entry.name_len) {
                break;
            }
            IS(entry.next, cookie + 1);
            cookie = entry.next;
            at += WASI_SIZE_DIRENT + entry.name_len;
            count++;
        }
        if (used < cap) {
            return count;
        }
        IS(at > 0, true);
    }
}

static void name_of(uint32_t number, char name[8])
{
    name[0] = 'f';
    name[1] = (char)('0' + number / 10);
    name[2] = (char)('0' + number % 10);
    name[3] = '\0';
}

static void listings(void)
{
    char name[8];
    struct filestat st;
    struct dirent first;
    uint32_t used;
    OK(make_dir(ROOT, "dir"));
    uint32_t dir = must_open(ROOT, "dir", WASI_OFLAG_DIRECTORY, DIR_RIGHTS);
    IS(count_entries(dir, 256), 2);
    OK(fd_filestat_get(dir, &st));
    OK(fd_readdir(dir, buffer, sizeof buffer, 0, &used));
    __builtin_memcpy(&first, buffer, sizeof first);
    IS(first.ino, st.ino);
    IS(first.type, WASI_FILETYPE_DIRECTORY);
    IS(first.name_len, 1);
    for (uint32_t i = 0; i < 40; i++) {
        uint32_t fd;
        name_of(i, name);
        OK(open_at(dir, 0, name, WASI_OFLAG_CREAT, 0, 0, 0, &fd));
        OK(fd_close(fd));
    }
    IS(count_entries(dir, 4096), 42);
    IS(count_entries(dir, 100), 42);
    IS(count_entries(dir, 27), 42);
    /* The same entries again from any cookie. */
    OK(fd_readdir(dir, buffer, 300, 41, &used));
    IS(used, WASI_SIZE_DIRENT + 3);
    IS(same(buffer + WASI_SIZE_DIRENT, "f39", 3), true);
    OK(fd_readdir(dir, buffer, 300, 1000, &used));
    IS(used, 0);
    for (uint32_t i = 0; i < 40; i++) {
        name_of(i, name);
        OK(unlink_file(dir, name));
    }
    IS(count_entries(dir, 256), 2);
    OK(fd_close(dir));
    OK(remove_dir(ROOT, "dir"));
}

static void no_files(void)
{
    uint32_t done;
    uint64_t at;
    uint32_t fd;
    struct iov iov = {buffer, 8};
    uint32_t dir = must_open(ROOT, ".", WASI_OFLAG_DIRECTORY, DIR_RIGHTS | WASI_RIGHT_FD_READ);
    IS(fd_read(dir, &iov, 1, &done), WASI_EBADF);
    IS(fd_write(dir, &iov, 1, &done), WASI_EBADF);
    IS(fd_pread(dir, &iov, 1, 0, &done), WASI_EBADF);
    IS(fd_pwrite(dir, &iov, 1, 0, &done), WASI_EBADF);
    IS(fd_seek(dir, 0, WASI_WHENCE_CUR, &at), WASI_EBADF);
    IS(fd_tell(dir, &at), WASI_EBADF);
    IS(fd_allocate(dir, 0, 1), WASI_EBADF);
    IS(fd_filestat_set_size(dir, 0), WASI_EBADF);
    IS(open_at(ROOT, 0, ".", WASI_OFLAG_DIRECTORY, WASI_RIGHT_FD_READ | WASI_RIGHT_FD_WRITE, 0, 0,
               &fd),
       WASI_EISDIR);
    OK(fd_close(dir));
    make_file("file", "");
    uint32_t file = must_open(ROOT, "file", 0, ALL);
    IS(open_at(file, 0, "x", WASI_OFLAG_CREAT, 0, 0, 0, &fd), WASI_ENOTDIR);
    IS(fd_readdir(file, buffer, 100, 0, &done), WASI_ENOTDIR);
    OK(fd_close(file));
    OK(unlink_file(ROOT, "file"));
    OK(make_dir(ROOT, "dir"));
    OK(make_dir(ROOT, "dir/sub"));
    IS(remove_dir(ROOT, "dir"), WASI_ENOTEMPTY);
    IS(make_dir(ROOT, "dir"), WASI_EEXIST);
    OK(remove_dir(ROOT, "dir/sub"));
    OK(remove_dir(ROOT, "dir"));
    IS(remove_dir(ROOT, "dir"), WASI_ENOENT);
}

static void preopens(void)
{
    struct prestat prestat;
    struct filestat a;
    struct filestat b;
    char name[8] = {0};
    OK(fd_prestat_get(ROOT, &prestat));
    IS(prestat.tag, 0);
    IS(prestat.name_len, 1);
    IS(fd_prestat_dir_name(ROOT, name, 0), WASI_ENAMETOOLONG);
    OK(fd_prestat_dir_name(ROOT, name, 1));
    IS(name[0], '/');
    OK(fd_prestat_get(READ_ONLY, &prestat));
    IS(prestat.name_len, 3);
    IS(fd_prestat_get(5, &prestat), WASI_EBADF);
    IS(fd_prestat_get(0, &prestat), WASI_EBADF);
    /* Renumbering moves a descriptor onto another one. */
    make_file("a", "from a");
    make_file("b", "from b");
    uint32_t fd_a = must_open(ROOT, "a", 0, ALL);
    uint32_t fd_b = must_open(ROOT, "b", 0, ALL);
    OK(fd_filestat_get(fd_a, &a));
    OK(fd_renumber(fd_a, fd_b));
    OK(fd_filestat_get(fd_b, &b));
    IS(a.ino, b.ino);
    IS(fd_close(fd_a), WASI_EBADF);
    IS(fd_renumber(fd_b, fd_a), WASI_EBADF);
    OK(fd_close(fd_b));
    OK(unlink_file(ROOT, "a"));
    OK(unlink_file(ROOT, "b"));
    /* A descriptor may take a preopen's place. */
    uint32_t dir = must_open(ROOT, ".", WASI_OFLAG_DIRECTORY, DIR_RIGHTS);
    OK(fd_filestat_get(dir, &a));
    OK(fd_renumber(dir, READ_ONLY));
    OK(fd_filestat_get(READ_ONLY, &b));
    IS(a.ino, b.ino);
    IS(fd_prestat_get(READ_ONLY, &prestat), WASI_EBADF);
    OK(fd_close(READ_ONLY));
}

void run(void)
{
    listings();
    no_files();
    preopens();
}
