/* Open files and directories: reading, writing, positions, sizes, times, rights, listings and
 * descriptor numbers, on every file system alike. */
#include "wasi/wasi_guest_test_support.h"

#include <stdlib.h>

enum { OUT = 1025, IOV = 2049, DATA = 4097 };
#define READ WASI_RIGHT_FD_READ
#define WRITE WASI_RIGHT_FD_WRITE
#define DIR_RIGHTS (G_ALL & ~(READ | WRITE))

TEST(seek_and_tell_follow_reads_and_writes)
{
    FOR_EACH_FS(g)
    {
        uint32_t done;
        uint64_t at;
        char text[16];
        uint32_t fd = g_must_open(g, 3, "file", WASI_OFLAG_CREAT, G_ALL);
        CHECK_WASI(CALL(g, "fd_tell", fd, OUT), WASI_OK);
        CHECK_EQ_U64(guest_u64(g, OUT), 0);
        CHECK_WASI(g_write(g, fd, "0123456789", &done), WASI_OK);
        CHECK_WASI(CALL(g, "fd_tell", fd, OUT), WASI_OK);
        CHECK_EQ_U64(guest_u64(g, OUT), 10);
        CHECK_WASI(g_seek(g, fd, -5, WASI_WHENCE_CUR, &at), WASI_OK);
        CHECK_EQ_U64(at, 5);
        CHECK_WASI(g_read(g, fd, text, 2, &done), WASI_OK);
        CHECK_STR(text, "56");
        CHECK_WASI(g_seek(g, fd, -1, WASI_WHENCE_END, &at), WASI_OK);
        CHECK_WASI(g_read(g, fd, text, 10, &done), WASI_OK);
        CHECK_STR(text, "9");
        CHECK_WASI(g_read(g, fd, text, 10, &done), WASI_OK);
        CHECK_EQ_U64(done, 0);
        CHECK_WASI(g_seek(g, fd, 1000, WASI_WHENCE_CUR, &at), WASI_OK);
        CHECK_EQ_U64(at, 1010);
        CHECK_WASI(g_seek(g, fd, -2000, WASI_WHENCE_CUR, &at), WASI_EINVAL);
        CHECK_WASI(g_seek(g, fd, INT64_MIN, WASI_WHENCE_CUR, &at), WASI_EINVAL);
        CHECK_WASI(g_seek(g, fd, INT64_MAX, WASI_WHENCE_CUR, &at), WASI_EOVERFLOW);
        CHECK_WASI(g_seek(g, fd, INT64_MAX, WASI_WHENCE_SET, &at), WASI_OK);
        CHECK_WASI(g_seek(g, fd, 0, 3, &at), WASI_EINVAL);
        CHECK_WASI(g_read(g, fd, text, 10, &done), WASI_OK);
        CHECK_EQ_U64(done, 0);
        CHECK_WASI(g_write(g, fd, "x", &done), WASI_EFBIG);
        CHECK_WASI(g_seek(g, fd, 0, WASI_WHENCE_SET, &at), WASI_OK);
        CHECK_WASI(g_read(g, fd, text, 10, &done), WASI_OK);
        CHECK_STR(text, "0123456789");
    }
}

TEST(holes_read_as_zeros)
{
    FOR_EACH_FS(g)
    {
        uint32_t done;
        uint64_t at;
        char text[16];
        uint32_t fd = g_must_open(g, 3, "file", WASI_OFLAG_CREAT, G_ALL);
        CHECK_WASI(g_seek(g, fd, 10000, WASI_WHENCE_SET, &at), WASI_OK);
        CHECK_WASI(g_write(g, fd, "end", &done), WASI_OK);
        CHECK_WASI(g_seek(g, fd, 9998, WASI_WHENCE_SET, &at), WASI_OK);
        CHECK_WASI(g_read(g, fd, text, 10, &done), WASI_OK);
        CHECK_EQ_U64(done, 5);
        CHECK_MEM(text, "\0\0end", 5);
        /* What was cut off does not come back. */
        CHECK_WASI(CALL(g, "fd_filestat_set_size", fd, 10001), WASI_OK);
        CHECK_WASI(CALL(g, "fd_filestat_set_size", fd, 20000), WASI_OK);
        CHECK_WASI(g_seek(g, fd, 10000, WASI_WHENCE_SET, &at), WASI_OK);
        CHECK_WASI(g_read(g, fd, text, 4, &done), WASI_OK);
        CHECK_MEM(text, "e\0\0\0", 4);
        struct g_stat st;
        CHECK_WASI(g_stat_fd(g, fd, &st), WASI_OK);
        CHECK_EQ_U64(st.size, 20000);
    }
}

static void put_iov(struct guest *g, uint32_t index, uint32_t addr, uint32_t len)
{
    iso_store_u32le(g->bytes + IOV + index * 8, addr);
    iso_store_u32le(g->bytes + IOV + index * 8 + 4, len);
}

TEST(pread_and_pwrite_leave_the_position)
{
    FOR_EACH_FS(g)
    {
        uint32_t fd = g_must_open(g, 3, "file", WASI_OFLAG_CREAT, G_ALL);
        memcpy(g->bytes + DATA, "abcdef", 6);
        put_iov(g, 0, DATA, 2);
        put_iov(g, 1, DATA, 0);
        put_iov(g, 2, DATA + 2, 4);
        CHECK_WASI(CALL(g, "fd_pwrite", fd, IOV, 3, 4, OUT), WASI_OK);
        CHECK_EQ_U64(guest_u32(g, OUT), 6);
        CHECK_WASI(CALL(g, "fd_tell", fd, OUT), WASI_OK);
        CHECK_EQ_U64(guest_u64(g, OUT), 0);
        memset(g->bytes + DATA, 0xee, 16);
        put_iov(g, 0, DATA, 3);
        put_iov(g, 1, DATA + 8, 100);
        CHECK_WASI(CALL(g, "fd_pread", fd, IOV, 2, 5, OUT), WASI_OK);
        CHECK_EQ_U64(guest_u32(g, OUT), 5);
        CHECK_MEM(g->bytes + DATA, "bcd\xee", 4);
        CHECK_MEM(g->bytes + DATA + 8, "ef\xee", 3);
        CHECK_WASI(CALL(g, "fd_pread", fd, IOV, 2, UINT64_MAX, OUT), WASI_EINVAL);
        CHECK_WASI(CALL(g, "fd_pwrite", fd, IOV, 2, UINT64_MAX, OUT), WASI_EINVAL);
        CHECK_WASI(CALL(g, "fd_pread", fd, IOV, 0, 0, OUT), WASI_OK);
        CHECK_EQ_U64(guest_u32(g, OUT), 0);
    }
}

TEST(append_goes_to_the_end_until_it_is_switched_off)
{
    FOR_EACH_FS(g)
    {
        uint32_t fd;
        uint32_t done;
        uint64_t at;
        struct g_fdstat st;
        CHECK_WASI(g_open(g, 3, "file", 0, WASI_OFLAG_CREAT, G_ALL, 0,
                          WASI_FDFLAG_APPEND | WASI_FDFLAG_SYNC, &fd),
                   WASI_OK);
        CHECK_WASI(g_fdstat(g, fd, &st), WASI_OK);
        CHECK_EQ_U64(st.flags, WASI_FDFLAG_APPEND | WASI_FDFLAG_SYNC);
        CHECK_WASI(g_write(g, fd, "one", &done), WASI_OK);
        CHECK_WASI(g_seek(g, fd, 0, WASI_WHENCE_SET, &at), WASI_OK);
        CHECK_WASI(g_write(g, fd, "two", &done), WASI_OK);
        CHECK_WASI(g_seek(g, fd, 0, WASI_WHENCE_CUR, &at), WASI_OK);
        CHECK_EQ_U64(at, 6);
        CHECK_WASI(CALL(g, "fd_fdstat_set_flags", fd, 0), WASI_OK);
        CHECK_WASI(g_seek(g, fd, 0, WASI_WHENCE_SET, &at), WASI_OK);
        CHECK_WASI(g_write(g, fd, "ONE", &done), WASI_OK);
        g_check_file(g, 3, "file", "ONEtwo");
        CHECK_WASI(CALL(g, "fd_fdstat_set_flags", fd, WASI_FDFLAG_APPEND), WASI_OK);
        CHECK_WASI(g_write(g, fd, "!", &done), WASI_OK);
        g_check_file(g, 3, "file", "ONEtwo!");
        CHECK_WASI(CALL(g, "fd_fdstat_set_flags", fd, 32), WASI_EINVAL);
    }
}

TEST(truncation_and_allocation_change_the_size)
{
    FOR_EACH_FS(g)
    {
        struct g_stat st;
        uint32_t fd = g_must_open(g, 3, "file", WASI_OFLAG_CREAT, G_ALL);
        CHECK_WASI(CALL(g, "fd_allocate", fd, 0, 100), WASI_OK);
        CHECK_WASI(CALL(g, "fd_allocate", fd, 10, 10), WASI_OK);
        CHECK_WASI(g_stat_fd(g, fd, &st), WASI_OK);
        CHECK_EQ_U64(st.size, 100);
        CHECK_WASI(CALL(g, "fd_allocate", fd, 90, 20), WASI_OK);
        CHECK_WASI(g_stat_fd(g, fd, &st), WASI_OK);
        CHECK_EQ_U64(st.size, 110);
        CHECK_WASI(CALL(g, "fd_allocate", fd, 0, 0), WASI_EINVAL);
        CHECK_WASI(CALL(g, "fd_allocate", fd, UINT64_MAX, 2), WASI_EFBIG);
        CHECK_WASI(CALL(g, "fd_filestat_set_size", fd, UINT64_MAX), WASI_EFBIG);
        CHECK_WASI(CALL(g, "fd_advise", fd, 10, 50, 0), WASI_OK);
        CHECK_WASI(CALL(g, "fd_advise", fd, 10, 50, 6), WASI_EINVAL);
        CHECK_WASI(CALL(g, "fd_sync", fd), WASI_OK);
        CHECK_WASI(CALL(g, "fd_datasync", fd), WASI_OK);
        /* TRUNC works without any right on the file itself. */
        uint32_t other;
        CHECK_WASI(g_open(g, 3, "file", 0, WASI_OFLAG_TRUNC, 0, 0, 0, &other), WASI_OK);
        CHECK_WASI(g_stat_fd(g, fd, &st), WASI_OK);
        CHECK_EQ_U64(st.size, 0);
    }
}

TEST(times_of_open_files)
{
    FOR_EACH_FS(g)
    {
        struct g_stat old;
        struct g_stat st;
        uint32_t fd = g_must_open(g, 3, "file", WASI_OFLAG_CREAT, G_ALL);
        CHECK_WASI(g_stat_fd(g, fd, &old), WASI_OK);
        CHECK_WASI(CALL(g, "fd_filestat_set_times", fd, 5, old.mtim - 100, WASI_FST_MTIM), WASI_OK);
        CHECK_WASI(g_stat_fd(g, fd, &st), WASI_OK);
        CHECK_EQ_U64(st.mtim, old.mtim - 100);
        CHECK_EQ_U64(st.atim, old.atim);
        /* In 2040, which takes more than 31 bits of seconds. */
        const uint64_t later = UINT64_C(2208988800000000000);
        CHECK_WASI(CALL(g, "fd_filestat_set_times", fd, 5, later, WASI_FST_MTIM), WASI_OK);
        CHECK_WASI(g_stat_fd(g, fd, &st), WASI_OK);
        CHECK_EQ_U64(st.mtim, later);
        CHECK_WASI(CALL(g, "fd_filestat_set_times", fd, 1, 2, WASI_FST_MTIM | WASI_FST_MTIM_NOW),
                   WASI_EINVAL);
        CHECK_WASI(CALL(g, "fd_filestat_set_times", fd, 1, 2, WASI_FST_ATIM | WASI_FST_ATIM_NOW),
                   WASI_EINVAL);
    }
}

TEST(rights_decide_what_a_file_can_do)
{
    FOR_EACH_FS(g)
    {
        struct g_fdstat st;
        uint32_t done;
        uint64_t at;
        char text[8];
        g_file(g, 3, "file", "x");
        uint32_t reader = g_must_open(g, 3, "file", 0, READ);
        CHECK_WASI(g_fdstat(g, reader, &st), WASI_OK);
        CHECK_EQ_U64(st.base, READ);
        CHECK_EQ_U64(st.inheriting, 0);
        CHECK_WASI(g_write(g, reader, "y", &done), WASI_EBADF);
        CHECK_WASI(g_write(g, reader, "", &done), WASI_EBADF);
        CHECK_WASI(g_seek(g, reader, 1, WASI_WHENCE_SET, &at), WASI_ENOTCAPABLE);
        CHECK_WASI(CALL(g, "fd_tell", reader, OUT), WASI_ENOTCAPABLE);
        CHECK_WASI(CALL(g, "fd_filestat_get", reader, OUT), WASI_ENOTCAPABLE);
        CHECK_WASI(CALL(g, "fd_filestat_set_size", reader, 0), WASI_ENOTCAPABLE);
        CHECK_WASI(CALL(g, "fd_filestat_set_times", reader, 0, 0, 0), WASI_ENOTCAPABLE);
        CHECK_WASI(CALL(g, "fd_allocate", reader, 0, 1), WASI_ENOTCAPABLE);
        CHECK_WASI(CALL(g, "fd_advise", reader, 0, 1, 0), WASI_ENOTCAPABLE);
        CHECK_WASI(CALL(g, "fd_sync", reader), WASI_ENOTCAPABLE);
        CHECK_WASI(CALL(g, "fd_datasync", reader), WASI_ENOTCAPABLE);
        CHECK_WASI(CALL(g, "fd_fdstat_set_flags", reader, 0), WASI_ENOTCAPABLE);
        uint32_t writer = g_must_open(g, 3, "file", 0, WRITE | WASI_RIGHT_FD_TELL);
        CHECK_WASI(g_read(g, writer, text, 1, &done), WASI_EBADF);
        CHECK_WASI(g_seek(g, writer, 0, WASI_WHENCE_CUR, &at), WASI_OK);
        CHECK_WASI(CALL(g, "fd_fdstat_set_rights", writer, WRITE | READ, 0), WASI_ENOTCAPABLE);
        CHECK_WASI(CALL(g, "fd_fdstat_set_rights", writer, WRITE, 1), WASI_ENOTCAPABLE);
        CHECK_WASI(CALL(g, "fd_fdstat_set_rights", writer, 0, 0), WASI_OK);
        CHECK_WASI(g_write(g, writer, "y", &done), WASI_EBADF);
        uint32_t nothing = g_must_open(g, 3, "file", 0, 0);
        CHECK_WASI(g_read(g, nothing, text, 1, &done), WASI_EBADF);
    }
}

TEST(rights_of_directories_are_inherited)
{
    FOR_EACH_FS(g)
    {
        uint32_t fd;
        uint32_t dir;
        struct g_fdstat st;
        CHECK_WASI(g_mkdir(g, 3, "dir"), WASI_OK);
        CHECK_WASI(g_open(g, 3, "dir", 0, WASI_OFLAG_DIRECTORY,
                          WASI_RIGHT_PATH_OPEN | WASI_RIGHT_PATH_CREATE_FILE | READ, READ, 0, &dir),
                   WASI_OK);
        CHECK_WASI(g_fdstat(g, dir, &st), WASI_OK);
        CHECK_EQ_U64(st.filetype, WASI_FILETYPE_DIRECTORY);
        CHECK_EQ_U64(st.base, WASI_RIGHT_PATH_OPEN | WASI_RIGHT_PATH_CREATE_FILE);
        CHECK_EQ_U64(st.inheriting, READ);
        CHECK_WASI(g_open(g, dir, "f", 0, WASI_OFLAG_CREAT, WRITE, 0, 0, &fd), WASI_ENOTCAPABLE);
        CHECK_WASI(g_open(g, dir, "f", 0, WASI_OFLAG_CREAT, READ | WASI_RIGHT_FD_SEEK, 0, 0, &fd),
                   WASI_OK);
        CHECK_WASI(g_fdstat(g, fd, &st), WASI_OK);
        CHECK_EQ_U64(st.base, READ);
        CHECK_WASI(g_open(g, dir, "f", 0, WASI_OFLAG_TRUNC, 0, 0, 0, &fd), WASI_ENOTCAPABLE);
        CHECK_WASI(g_mkdir(g, dir, "d"), WASI_ENOTCAPABLE);
        CHECK_WASI(g_unlink(g, dir, "f"), WASI_ENOTCAPABLE);
        CHECK_WASI(g_rmdir(g, dir, "d"), WASI_ENOTCAPABLE);
        CHECK_WASI(g_symlink(g, "x", dir, "l"), WASI_ENOTCAPABLE);
        CHECK_WASI(g_rename(g, dir, "f", 3, "g"), WASI_ENOTCAPABLE);
        CHECK_WASI(g_rename(g, 3, "dir", dir, "g"), WASI_ENOTCAPABLE);
        CHECK_WASI(g_link(g, dir, 0, "f", 3, "g"), WASI_ENOTCAPABLE);
        CHECK_WASI(g_link(g, 3, 0, "dir/f", dir, "g"), WASI_ENOTCAPABLE);
        struct g_stat stat;
        CHECK_WASI(g_stat_path(g, dir, 0, "f", &stat), WASI_ENOTCAPABLE);
        CHECK_WASI(CALL(g, "fd_readdir", dir, DATA, 100, 0, OUT), WASI_ENOTCAPABLE);
        CHECK_WASI(CALL(g, "fd_fdstat_set_rights", dir, 0, READ), WASI_OK);
        CHECK_WASI(g_open(g, dir, "f", 0, 0, READ, 0, 0, &fd), WASI_ENOTCAPABLE);
    }
}

TEST(directories_are_no_files)
{
    FOR_EACH_FS(g)
    {
        uint32_t done;
        uint64_t at;
        uint32_t fd;
        struct g_fdstat st;
        char text[8];
        CHECK_WASI(g_read(g, 3, text, 1, &done), WASI_EBADF);
        CHECK_WASI(g_write(g, 3, "x", &done), WASI_EBADF);
        put_iov(g, 0, DATA, 8);
        CHECK_WASI(CALL(g, "fd_pread", 3, IOV, 1, 0, OUT), WASI_EBADF);
        CHECK_WASI(CALL(g, "fd_pwrite", 3, IOV, 1, 0, OUT), WASI_EBADF);
        CHECK_WASI(g_seek(g, 3, 0, WASI_WHENCE_CUR, &at), WASI_EBADF);
        CHECK_WASI(CALL(g, "fd_tell", 3, OUT), WASI_EBADF);
        CHECK_WASI(CALL(g, "fd_allocate", 3, 0, 1), WASI_EBADF);
        CHECK_WASI(CALL(g, "fd_advise", 3, 0, 0, 4), WASI_EBADF);
        CHECK_WASI(CALL(g, "fd_filestat_set_size", 3, 0), WASI_EBADF);
        CHECK_WASI(CALL(g, "fd_fdstat_set_flags", 3, 4), WASI_EBADF);
        CHECK_WASI(CALL(g, "fd_sync", 3), WASI_OK);
        CHECK_WASI(g_open(g, 3, ".", 0, WASI_OFLAG_DIRECTORY, READ | WRITE, 0, 0, &fd),
                   WASI_EISDIR);
        CHECK_WASI(g_open(g, 3, ".", 0, 0, WRITE, 0, 0, &fd), WASI_EISDIR);
        CHECK_WASI(g_open(g, 3, ".", 0, WASI_OFLAG_DIRECTORY, READ, 0, 0, &fd), WASI_OK);
        CHECK_WASI(g_open(g, 3, ".", 0, 0, 0, 0, WASI_FDFLAG_NONBLOCK, &fd), WASI_OK);
        CHECK_WASI(g_fdstat(g, 3, &st), WASI_OK);
        CHECK_EQ_U64(st.base & (READ | WRITE | WASI_RIGHT_FD_SEEK), 0);
        CHECK_EQ_U64(st.base & WASI_RIGHT_FD_FILESTAT_SET_SIZE, 0);
        /* The very rights that it has can be asked for. */
        CHECK_WASI(g_open(g, 3, ".", 0, 0, st.base, st.inheriting, 0, &fd), WASI_OK);
        /* And a file is no directory. */
        g_file(g, 3, "file", "");
        uint32_t file = g_must_open(g, 3, "file", 0, G_ALL);
        CHECK_WASI(g_open(g, file, "x", 0, WASI_OFLAG_CREAT, 0, 0, 0, &fd), WASI_ENOTDIR);
        CHECK_WASI(g_mkdir(g, file, "x"), WASI_ENOTDIR);
        CHECK_WASI(CALL(g, "fd_readdir", file, DATA, 100, 0, OUT), WASI_ENOTDIR);
        CHECK_WASI(g_mkdir(g, 99, "x"), WASI_EBADF);
    }
}

/* Reads a directory with a buffer of `cap` bytes; names go to out, separated by spaces. */
static unsigned list(struct guest *g, uint32_t dir, uint32_t cap, char *out, size_t out_cap)
{
    uint64_t cookie = 0;
    unsigned count = 0;
    size_t len = 0;
    out[0] = '\0';
    for (;;) {
        CHECK_WASI(CALL(g, "fd_readdir", dir, DATA, cap, cookie, OUT), WASI_OK);
        uint32_t used = guest_u32(g, OUT);
        CHECK(used <= cap);
        uint32_t at = 0;
        while (used - at >= WASI_SIZE_DIRENT) {
            uint32_t name_len = guest_u32(g, DATA + at + 16);
            if (used - at - WASI_SIZE_DIRENT < name_len) {
                break;
            }
            cookie = guest_u64(g, DATA + at);
            len += iso_format(out + len, out_cap - len, "%s%.*s", count == 0 ? "" : " ",
                              (int)name_len, (const char *)g->bytes + DATA + at + WASI_SIZE_DIRENT);
            at += WASI_SIZE_DIRENT + name_len;
            count++;
        }
        if (used < cap) {
            return count;
        }
        CHECK(at > 0);
    }
}

TEST(listings_resume_at_any_cookie)
{
    FOR_EACH_FS(g)
    {
        char names[2000];
        struct g_stat st;
        CHECK_WASI(g_mkdir(g, 3, "dir"), WASI_OK);
        uint32_t dir = g_must_open(g, 3, "dir", WASI_OFLAG_DIRECTORY, DIR_RIGHTS);
        CHECK_EQ_U64(list(g, dir, 256, names, sizeof names), 2);
        CHECK_STR(names, ". ..");
        CHECK_WASI(g_stat_fd(g, dir, &st), WASI_OK);
        CHECK_EQ_U64(guest_u64(g, DATA + 8), st.ino);
        CHECK_EQ_U64(g->bytes[DATA + 20], WASI_FILETYPE_DIRECTORY);
        g_file(g, dir, "file", "");
        CHECK_WASI(g_mkdir(g, dir, "a_dir"), WASI_OK);
        CHECK_WASI(g_symlink(g, "x", dir, "link"), WASI_OK);
        CHECK_EQ_U64(list(g, dir, 256, names, sizeof names), 5);
        CHECK_STR(names, ". .. a_dir file link");
        for (uint32_t cap = WASI_SIZE_DIRENT + 5; cap < 200; cap += 7) {
            CHECK_EQ_U64(list(g, dir, cap, names, sizeof names), 5);
            CHECK_STR(names, ". .. a_dir file link");
        }
        /* From a cookie, without having read what is before it. */
        CHECK_WASI(CALL(g, "fd_readdir", dir, DATA, 256, 3, OUT), WASI_OK);
        CHECK_EQ_U64(guest_u64(g, DATA), 4);
        CHECK_EQ_U64(g->bytes[DATA + 20], WASI_FILETYPE_REGULAR_FILE);
        CHECK_MEM(g->bytes + DATA + 24, "file", 4);
        CHECK_WASI(CALL(g, "fd_readdir", dir, DATA, 256, 99, OUT), WASI_OK);
        CHECK_EQ_U64(guest_u32(g, OUT), 0);
        CHECK_WASI(CALL(g, "fd_readdir", dir, DATA, 256, UINT64_MAX, OUT), WASI_OK);
        CHECK_EQ_U64(guest_u32(g, OUT), 0);
        CHECK_WASI(CALL(g, "fd_readdir", dir, DATA, 0, 0, OUT), WASI_OK);
        CHECK_EQ_U64(guest_u32(g, OUT), 0);
    }
}

TEST(removing_files_while_listing_skips_none)
{
    FOR_EACH_FS(g)
    {
        char name[16];
        CHECK_WASI(g_mkdir(g, 3, "dir"), WASI_OK);
        uint32_t dir = g_must_open(g, 3, "dir", WASI_OFLAG_DIRECTORY, DIR_RIGHTS | READ | 0);
        for (int i = 0; i < 100; i++) {
            (void)iso_format(name, sizeof name, "file.%d", i);
            g_file(g, 3, "x", "");
            CHECK_WASI(g_rename(g, 3, "x", dir, name), WASI_OK);
        }
        uint64_t cookie = 0;
        int removed = 0;
        for (uint32_t used = 128; used == 128;) {
            CHECK_WASI(CALL(g, "fd_readdir", dir, DATA, 128, cookie, OUT), WASI_OK);
            used = guest_u32(g, OUT);
            uint8_t copy[128];
            memcpy(copy, g->bytes + DATA, sizeof copy);
            for (uint32_t at = 0; used - at >= WASI_SIZE_DIRENT;) {
                uint32_t len = iso_load_u32le(copy + at + 16);
                if (used - at - WASI_SIZE_DIRENT < len) {
                    break;
                }
                cookie = iso_load_u64le(copy + at);
                (void)iso_format(name, sizeof name, "%.*s", (int)len,
                                 (const char *)copy + at + WASI_SIZE_DIRENT);
                if (name[0] != '.') {
                    CHECK_WASI(g_unlink(g, dir, name), WASI_OK);
                    removed++;
                }
                at += WASI_SIZE_DIRENT + len;
            }
        }
        CHECK_EQ_I64(removed, 100);
        CHECK_WASI(g_rmdir(g, 3, "dir"), WASI_OK);
    }
}

TEST(descriptors_are_the_lowest_free_and_can_be_renumbered)
{
    FOR_EACH_FS(g)
    {
        struct g_stat a;
        struct g_stat b;
        uint32_t done;
        g_file(g, 3, "a", "from a");
        g_file(g, 3, "b", "from b");
        uint32_t fd_a = g_must_open(g, 3, "a", 0, G_ALL);
        uint32_t fd_b = g_must_open(g, 3, "b", 0, G_ALL);
        CHECK_EQ_U64(fd_a, 4);
        CHECK_EQ_U64(fd_b, 5);
        CHECK_WASI(g_stat_fd(g, fd_a, &a), WASI_OK);
        CHECK_WASI(CALL(g, "fd_renumber", fd_a, fd_b), WASI_OK);
        CHECK_WASI(g_stat_fd(g, fd_b, &b), WASI_OK);
        CHECK_EQ_U64(a.ino, b.ino);
        CHECK_WASI(g_close(g, fd_a), WASI_EBADF);
        CHECK_WASI(CALL(g, "fd_renumber", fd_b, fd_a), WASI_EBADF);
        CHECK_WASI(CALL(g, "fd_renumber", fd_a, fd_b), WASI_EBADF);
        CHECK_WASI(CALL(g, "fd_renumber", fd_b, fd_b), WASI_OK);
        CHECK_WASI(CALL(g, "fd_renumber", fd_b, 4000000000), WASI_EBADF);
        CHECK_EQ_U64(g_must_open(g, 3, "a", 0, 0), 4);
        /* Standard streams and preopens are descriptors like others. */
        CHECK_WASI(CALL(g, "fd_renumber", 1, 4), WASI_OK);
        CHECK_WASI(g_write(g, 4, "x", &done), WASI_OK);
        CHECK_WASI(g_close(g, 1), WASI_EBADF);
        uint32_t dir = g_must_open(g, 3, ".", WASI_OFLAG_DIRECTORY, DIR_RIGHTS);
        CHECK_EQ_U64(dir, 1);
        CHECK_WASI(CALL(g, "fd_prestat_get", 3, OUT), WASI_OK);
        CHECK_WASI(CALL(g, "fd_renumber", dir, 3), WASI_OK);
        CHECK_WASI(CALL(g, "fd_prestat_get", 3, OUT), WASI_EBADF);
        g_check_file(g, 3, "a", "from a");
        CHECK_WASI(g_close(g, 3), WASI_OK);
        CHECK_WASI(g_close(g, 3), WASI_EBADF);
    }
}

TEST(open_files_are_limited)
{
    for (int fs = 0; fs < GUEST_FS_COUNT; fs++) {
        struct guest *g = guest_prepare((enum guest_fs)fs);
        uint32_t fd;
        g->config.max_open = 6;
        guest_create(g);
        g_file(g, 3, "a", "");
        CHECK_EQ_U64(g_must_open(g, 3, "a", 0, 0), 4);
        CHECK_EQ_U64(g_must_open(g, 3, "a", 0, 0), 5);
        CHECK_WASI(g_open(g, 3, "a", 0, 0, 0, 0, 0, &fd), WASI_EMFILE);
        CHECK_WASI(g_close(g, 4), WASI_OK);
        CHECK_EQ_U64(g_must_open(g, 3, "a", 0, 0), 4);
        guest_stop(g);
    }
}

TEST(files_that_were_removed_stay_open)
{
    FOR_EACH_FS(g)
    {
        uint32_t done;
        uint64_t at;
        char text[8];
        uint32_t fd = g_must_open(g, 3, "file", WASI_OFLAG_CREAT, G_ALL);
        CHECK_WASI(g_write(g, fd, "still", &done), WASI_OK);
        CHECK_WASI(g_unlink(g, 3, "file"), WASI_OK);
        g_file(g, 3, "file", "new");
        CHECK_WASI(g_seek(g, fd, 0, WASI_WHENCE_SET, &at), WASI_OK);
        CHECK_WASI(g_read(g, fd, text, 7, &done), WASI_OK);
        CHECK_STR(text, "still");
        CHECK_WASI(g_mkdir(g, 3, "dir"), WASI_OK);
        uint32_t dir = g_must_open(g, 3, "dir", WASI_OFLAG_DIRECTORY, DIR_RIGHTS);
        CHECK_WASI(g_rmdir(g, 3, "dir"), WASI_OK);
        CHECK_WASI(g_mkdir(g, dir, "sub"), WASI_ENOENT);
        uint32_t none;
        CHECK_WASI(g_open(g, dir, "f", 0, WASI_OFLAG_CREAT, 0, 0, 0, &none), WASI_ENOENT);
        CHECK_WASI(g_rename(g, 3, "file", dir, "f"), WASI_ENOENT);
    }
}

TEST(read_only_grants_change_nothing)
{
    for (int fs = 0; fs < GUEST_FS_COUNT; fs++) {
        struct guest *g = guest_prepare((enum guest_fs)fs);
        uint32_t fd;
        struct g_fdstat st;
        g->preopens[1] = g->preopens[0];
        g->preopens[1].guest_path = "/ro";
        g->preopens[1].read_only = true;
        g->config.preopen_count = 2;
        guest_create(g);
        g_file(g, 3, "file", "kept");
        CHECK_WASI(g_mkdir(g, 3, "dir"), WASI_OK);
        g_check_file(g, 4, "file", "kept");
        CHECK_WASI(g_open(g, 4, "file", 0, 0, WRITE, 0, 0, &fd), WASI_ENOTCAPABLE);
        CHECK_WASI(g_open(g, 4, "file", 0, WASI_OFLAG_TRUNC, READ, 0, 0, &fd), WASI_ENOTCAPABLE);
        CHECK_WASI(g_open(g, 4, "new", 0, WASI_OFLAG_CREAT, 0, 0, 0, &fd), WASI_ENOTCAPABLE);
        CHECK_WASI(g_open(g, 4, "file", 0, 0, G_ALL & ~WRITE, G_ALL, 0, &fd), WASI_OK);
        CHECK_WASI(g_fdstat(g, fd, &st), WASI_OK);
        CHECK_EQ_U64(st.base & WASI_RIGHTS_WRITING, 0);
        CHECK((st.base & READ) != 0);
        CHECK_WASI(g_mkdir(g, 4, "d"), WASI_ENOTCAPABLE);
        CHECK_WASI(g_unlink(g, 4, "file"), WASI_ENOTCAPABLE);
        CHECK_WASI(g_rmdir(g, 4, "dir"), WASI_ENOTCAPABLE);
        CHECK_WASI(g_symlink(g, "x", 4, "l"), WASI_ENOTCAPABLE);
        CHECK_WASI(g_rename(g, 4, "file", 3, "g"), WASI_ENOTCAPABLE);
        CHECK_WASI(g_link(g, 4, 0, "file", 3, "alias"), WASI_ENOTCAPABLE);
        /* Nor through a directory that was opened from it. */
        CHECK_WASI(g_open(g, 4, "dir", 0, WASI_OFLAG_DIRECTORY, DIR_RIGHTS, G_ALL, 0, &fd),
                   WASI_OK);
        uint32_t file;
        CHECK_WASI(g_open(g, fd, "f", 0, WASI_OFLAG_CREAT, WRITE, 0, 0, &file), WASI_ENOTCAPABLE);
        CHECK_WASI(g_mkdir(g, fd, "d"), WASI_ENOTCAPABLE);
        guest_stop(g);
    }
}

TEST(buffers_are_checked_before_anything_is_read_or_written)
{
    FOR_EACH_FS(g)
    {
        uint32_t fd = g_must_open(g, 3, "file", WASI_OFLAG_CREAT, G_ALL);
        struct g_stat st;
        put_iov(g, 0, DATA, 4);
        put_iov(g, 1, GUEST_MEMORY - 3, 4);
        CHECK_WASI(CALL(g, "fd_write", fd, IOV, 2, OUT), WASI_EFAULT);
        CHECK_WASI(CALL(g, "fd_write", fd, IOV, 1, GUEST_MEMORY - 3), WASI_EFAULT);
        CHECK_WASI(CALL(g, "fd_write", fd, GUEST_MEMORY - 7, 1, OUT), WASI_EFAULT);
        CHECK_WASI(CALL(g, "fd_write", fd, IOV, 1025, OUT), WASI_EINVAL);
        CHECK_WASI(CALL(g, "fd_write", fd, IOV, 0xffffffff, OUT), WASI_EINVAL);
        CHECK_WASI(CALL(g, "fd_read", fd, IOV, 2, OUT), WASI_EFAULT);
        CHECK_WASI(CALL(g, "fd_pread", fd, IOV, 2, 0, OUT), WASI_EFAULT);
        CHECK_WASI(CALL(g, "fd_pwrite", fd, IOV, 2, 0, OUT), WASI_EFAULT);
        CHECK_WASI(CALL(g, "fd_write", 77, IOV, 2, OUT), WASI_EBADF);
        CHECK_WASI(g_stat_fd(g, fd, &st), WASI_OK);
        CHECK_EQ_U64(st.size, 0);
        CHECK_WASI(CALL(g, "path_open", 3, 0, DATA, 0, 0, 0, 0, 0, GUEST_MEMORY), WASI_EFAULT);
        CHECK_WASI(CALL(g, "fd_readdir", 3, GUEST_MEMORY - 5, 6, 0, OUT), WASI_EFAULT);
        CHECK_WASI(CALL(g, "fd_filestat_get", fd, GUEST_MEMORY - 63), WASI_EFAULT);
        CHECK_WASI(CALL(g, "fd_fdstat_get", fd, GUEST_MEMORY - 23), WASI_EFAULT);
        CHECK_WASI(CALL(g, "fd_prestat_get", 3, GUEST_MEMORY - 7), WASI_EFAULT);
        CHECK_WASI(CALL(g, "fd_prestat_dir_name", 3, GUEST_MEMORY, 1), WASI_EFAULT);
        CHECK_WASI(CALL(g, "fd_seek", fd, 0, 0, GUEST_MEMORY - 7), WASI_EFAULT);
        CHECK_WASI(CALL(g, "fd_tell", fd, GUEST_MEMORY - 7), WASI_EFAULT);
    }
}

TEST(preopens_say_their_names)
{
    FOR_EACH_FS(g)
    {
        CHECK_WASI(CALL(g, "fd_prestat_get", 3, OUT), WASI_OK);
        CHECK_EQ_U64(g->bytes[OUT], 0);
        CHECK_EQ_U64(guest_u32(g, OUT + 4), 1);
        CHECK_WASI(CALL(g, "fd_prestat_dir_name", 3, DATA, 0), WASI_ENAMETOOLONG);
        g->bytes[DATA + 1] = 'x';
        CHECK_WASI(CALL(g, "fd_prestat_dir_name", 3, DATA, 2), WASI_OK);
        CHECK_MEM(g->bytes + DATA, "/x", 2);
        CHECK_WASI(CALL(g, "fd_prestat_get", 0, OUT), WASI_EBADF);
        CHECK_WASI(CALL(g, "fd_prestat_get", 4, OUT), WASI_EBADF);
        CHECK_WASI(CALL(g, "fd_prestat_dir_name", 4, DATA, 2), WASI_EBADF);
    }
}

TEST(preview_0_has_its_own_numbers)
{
    FOR_EACH_FS(g)
    {
        uint32_t done;
        uint32_t fd = g_must_open(g, 3, "file", WASI_OFLAG_CREAT, G_ALL);
        CHECK_WASI(g_write(g, fd, "0123456789", &done), WASI_OK);
        CHECK_WASI(CALL_P0(g, "fd_seek", fd, (uint64_t)-4, 0, OUT), WASI_OK); /* CUR */
        CHECK_EQ_U64(guest_u64(g, OUT), 6);
        CHECK_WASI(CALL_P0(g, "fd_seek", fd, (uint64_t)-1, 1, OUT), WASI_OK); /* END */
        CHECK_EQ_U64(guest_u64(g, OUT), 9);
        CHECK_WASI(CALL_P0(g, "fd_seek", fd, 3, 2, OUT), WASI_OK); /* SET */
        CHECK_EQ_U64(guest_u64(g, OUT), 3);
        CHECK_WASI(CALL_P0(g, "fd_seek", fd, 3, 3, OUT), WASI_EINVAL);
        memset(g->bytes + OUT, 0xee, 64);
        CHECK_WASI(CALL_P0(g, "fd_filestat_get", fd, OUT), WASI_OK);
        CHECK_EQ_U64(guest_u32(g, OUT + 20), 1);  /* links */
        CHECK_EQ_U64(guest_u64(g, OUT + 24), 10); /* size */
        CHECK_EQ_U64(g->bytes[OUT + 56], 0xee);   /* 56 bytes and no more */
        guest_reset_heap(g);
        uint32_t path = guest_put_str(g, "file");
        memset(g->bytes + OUT, 0xee, 64);
        CHECK_WASI(CALL_P0(g, "path_filestat_get", 3, 0, path, 4, OUT), WASI_OK);
        CHECK_EQ_U64(guest_u64(g, OUT + 24), 10);
        CHECK_EQ_U64(g->bytes[OUT + 56], 0xee);
        CHECK_EQ_U64(g->bytes[OUT + 16], WASI_FILETYPE_REGULAR_FILE);
    }
}
