/* Paths: what each path_* import answers to the paths that programs and attackers come up with, on
 * every file system alike. */
#include "wasi/wasi_guest_test_support.h"

#include <stdlib.h>

enum { FOLLOW = WASI_LOOKUP_SYMLINK_FOLLOW, DIRECTORY = WASI_OFLAG_DIRECTORY };

static uint64_t try_open(struct guest *g, const char *path, uint32_t lookup, uint32_t oflags)
{
    uint32_t fd;
    uint64_t err = g_open(g, 3, path, lookup, oflags, 0, 0, 0, &fd);
    if (err == WASI_OK) {
        CHECK_WASI(g_close(g, fd), WASI_OK);
    }
    return err;
}

TEST(path_open_resolves_dots_and_refuses_what_leads_out)
{
    FOR_EACH_FS(g)
    {
        CHECK_WASI(g_mkdir(g, 3, "dir"), WASI_OK);
        CHECK_WASI(g_mkdir(g, 3, "dir/nested"), WASI_OK);
        g_file(g, 3, "dir/nested/file", "x");
        static const struct {
            const char *path;
            enum iso_wasi_errno expected;
        } cases[] = {
            {"dir/nested/file", WASI_OK},
            {"dir/.//nested/../../dir/nested/../nested///./file", WASI_OK},
            {".", WASI_OK},
            {"./", WASI_OK},
            {"dir/..", WASI_OK},
            {"dir/nested/../..", WASI_OK},
            {"dir/nested/", WASI_OK},
            {"dir/nested///", WASI_OK},
            {"", WASI_ENOENT},
            {"/", WASI_ENOTCAPABLE},
            {"/dir/nested/file", WASI_ENOTCAPABLE},
            {"..", WASI_ENOTCAPABLE},
            {"../", WASI_ENOTCAPABLE},
            {"dir/../..", WASI_ENOTCAPABLE},
            {"dir/nested/../../../dir/nested/file", WASI_ENOTCAPABLE},
            {"dir/nested/file/", WASI_ENOTDIR},
            {"dir/nested/file///", WASI_ENOTDIR},
            {"dir/nested/file/.", WASI_ENOTDIR},
            {"dir/nested/file/..", WASI_ENOTDIR},
            {"dir/nested/file/more", WASI_ENOTDIR},
            {"none", WASI_ENOENT},
            {"none/file", WASI_ENOENT},
            {"none/../dir", WASI_ENOENT},
            {"dir/none", WASI_ENOENT},
        };
        for (size_t i = 0; i < ISO_COUNT_OF(cases); i++) {
            uint64_t err = try_open(g, cases[i].path, 0, 0);
            if (err != cases[i].expected) {
                TEST_FAIL("%s on file system %d: %s", cases[i].path, g->fs,
                          iso_wasi_errno_name((enum iso_wasi_errno)err));
            }
        }
    }
}

TEST(paths_with_nul_or_bad_utf8_or_too_long_are_refused)
{
    FOR_EACH_FS(g)
    {
        static char long_name[300];
        static char long_path[5000];
        memset(long_name, 'a', 256);
        long_name[256] = '\0';
        for (size_t i = 0; i + 1 < sizeof long_path; i++) {
            long_path[i] = i % 2 == 0 ? '.' : '/';
        }
        uint32_t addr = guest_put(g, "file\0", 5);
        CHECK_WASI(CALL(g, "path_open", 3, 0, addr, 5, 1, 0, 0, 0, 8), WASI_EINVAL);
        CHECK_WASI(g_mkdir(g, 3, "bad\xff"), WASI_EILSEQ);
        CHECK_WASI(g_mkdir(g, 3, "over\xc0\xaf"), WASI_EILSEQ);
        CHECK_WASI(g_mkdir(g, 3, "surrogate\xed\xa0\x80"), WASI_EILSEQ);
        CHECK_WASI(g_mkdir(g, 3, "gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80"), WASI_OK);
        CHECK_WASI(try_open(g, "gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80", 0, DIRECTORY), WASI_OK);
        CHECK_WASI(g_mkdir(g, 3, long_name), WASI_ENAMETOOLONG);
        CHECK_WASI(try_open(g, long_name, 0, 0), WASI_ENAMETOOLONG);
        CHECK_WASI(try_open(g, long_path, 0, 0), WASI_ENAMETOOLONG);
        long_name[255] = '\0';
        CHECK_WASI(g_mkdir(g, 3, long_name), WASI_OK);
        /* A path that is not in memory. */
        CHECK_WASI(CALL(g, "path_open", 3, 0, GUEST_MEMORY - 2, 3, 0, 0, 0, 0, 8), WASI_EFAULT);
        CHECK_WASI(CALL(g, "path_open", 3, 0, 0xffffffff, 0xffffffff, 0, 0, 0, 0, 8), WASI_EFAULT);
    }
}

TEST(symlinks_are_followed_or_refused_as_asked)
{
    FOR_EACH_FS(g)
    {
        CHECK_WASI(g_mkdir(g, 3, "dir"), WASI_OK);
        g_file(g, 3, "dir/file", "contents");
        CHECK_WASI(g_symlink(g, "dir", 3, "to_dir"), WASI_OK);
        CHECK_WASI(g_symlink(g, "dir/file", 3, "to_file"), WASI_OK);
        CHECK_WASI(g_symlink(g, "nowhere", 3, "dangling"), WASI_OK);
        CHECK_WASI(g_symlink(g, "loop", 3, "loop"), WASI_OK);
        CHECK_WASI(g_symlink(g, "../dir/file", 3, "dir/up_and_back"), WASI_OK);
        CHECK_WASI(try_open(g, "to_dir", 0, 0), WASI_ELOOP);
        CHECK_WASI(try_open(g, "to_dir", 0, DIRECTORY), WASI_ENOTDIR);
        CHECK_WASI(try_open(g, "to_dir", FOLLOW, DIRECTORY), WASI_OK);
        CHECK_WASI(try_open(g, "to_dir/", 0, 0), WASI_OK);
        CHECK_WASI(try_open(g, "to_file", 0, 0), WASI_ELOOP);
        CHECK_WASI(try_open(g, "to_file", FOLLOW, 0), WASI_OK);
        CHECK_WASI(try_open(g, "to_file", FOLLOW, DIRECTORY), WASI_ENOTDIR);
        CHECK_WASI(try_open(g, "to_file/", FOLLOW, 0), WASI_ENOTDIR);
        CHECK_WASI(try_open(g, "to_dir/file", 0, 0), WASI_OK);
        CHECK_WASI(try_open(g, "to_dir/up_and_back", FOLLOW, 0), WASI_OK);
        CHECK_WASI(try_open(g, "dangling", 0, 0), WASI_ELOOP);
        CHECK_WASI(try_open(g, "dangling", 0, DIRECTORY), WASI_ENOTDIR);
        CHECK_WASI(try_open(g, "dangling", FOLLOW, 0), WASI_ENOENT);
        CHECK_WASI(try_open(g, "loop", 0, 0), WASI_ELOOP);
        CHECK_WASI(try_open(g, "loop", FOLLOW, 0), WASI_ELOOP);
        CHECK_WASI(try_open(g, "loop/file", FOLLOW, 0), WASI_ELOOP);
        g_check_file(g, 3, "to_dir/up_and_back", "contents");
        /* Creating through a link makes the target; exclusively, the link is in the way. */
        uint32_t oflags = WASI_OFLAG_CREAT | WASI_OFLAG_EXCL;
        CHECK_WASI(try_open(g, "dangling", FOLLOW, oflags), WASI_EEXIST);
        CHECK_WASI(try_open(g, "dangling", FOLLOW, WASI_OFLAG_CREAT), WASI_OK);
        CHECK_WASI(try_open(g, "nowhere", 0, 0), WASI_OK);
    }
}

TEST(symlinks_cannot_lead_out)
{
    FOR_EACH_FS(g)
    {
        CHECK_WASI(g_mkdir(g, 3, "dir"), WASI_OK);
        CHECK_WASI(g_symlink(g, "/", 3, "root"), WASI_ENOTCAPABLE);
        CHECK_WASI(g_symlink(g, "/etc/passwd", 3, "passwd"), WASI_ENOTCAPABLE);
        CHECK_WASI(g_symlink(g, "../..", 3, "out"), WASI_OK);
        CHECK_WASI(g_symlink(g, "dir/../../../etc", 3, "out2"), WASI_OK);
        CHECK_WASI(g_symlink(g, "..", 3, "dir/up"), WASI_OK);
        CHECK_WASI(try_open(g, "out", FOLLOW, 0), WASI_ENOTCAPABLE);
        CHECK_WASI(try_open(g, "out/etc/passwd", FOLLOW, 0), WASI_ENOTCAPABLE);
        CHECK_WASI(try_open(g, "out2/passwd", FOLLOW, 0), WASI_ENOTCAPABLE);
        CHECK_WASI(try_open(g, "dir/up/dir", FOLLOW, 0), WASI_OK);
        CHECK_WASI(try_open(g, "dir/up/..", FOLLOW, 0), WASI_ENOTCAPABLE);
        CHECK_WASI(g_mkdir(g, 3, "out/made"), WASI_ENOTCAPABLE);
        CHECK_WASI(g_rename(g, 3, "dir", 3, "out/moved"), WASI_ENOTCAPABLE);
        CHECK_WASI(g_link(g, 3, FOLLOW, "out2/passwd", 3, "link"), WASI_ENOTCAPABLE);
        struct g_stat st;
        CHECK_WASI(g_stat_path(g, 3, FOLLOW, "out", &st), WASI_ENOTCAPABLE);
        CHECK_WASI(g_stat_path(g, 3, 0, "out", &st), WASI_OK);
        CHECK_EQ_U64(st.filetype, WASI_FILETYPE_SYMBOLIC_LINK);
        /* A directory that was opened is a root of its own: ".." stops there. */
        uint32_t dir = g_must_open(g, 3, "dir", DIRECTORY, G_ALL & ~WASI_RIGHT_FD_WRITE);
        uint32_t fd;
        CHECK_WASI(g_open(g, dir, "..", 0, 0, 0, 0, 0, &fd), WASI_ENOTCAPABLE);
        CHECK_WASI(g_open(g, dir, "up", FOLLOW, 0, 0, 0, 0, &fd), WASI_ENOTCAPABLE);
        CHECK_WASI(g_open(g, dir, "up/dir", 0, 0, 0, 0, 0, &fd), WASI_ENOTCAPABLE);
    }
}

TEST(many_symlinks_in_a_row_end)
{
    FOR_EACH_FS(g)
    {
        char name[8];
        char target[8];
        g_file(g, 3, "l0", "end");
        for (int i = 1; i <= 45; i++) {
            (void)iso_format(target, sizeof target, "l%d", i - 1);
            (void)iso_format(name, sizeof name, "l%d", i);
            CHECK_WASI(g_symlink(g, target, 3, name), WASI_OK);
        }
        CHECK_WASI(try_open(g, "l30", FOLLOW, 0), WASI_OK);
        CHECK_WASI(try_open(g, "l45", FOLLOW, 0), WASI_ELOOP);
        struct g_stat st;
        CHECK_WASI(g_stat_path(g, 3, FOLLOW, "l40", &st), WASI_OK);
        CHECK_EQ_U64(st.size, 3);
        CHECK_WASI(g_stat_path(g, 3, FOLLOW, "l41", &st), WASI_ELOOP);
    }
}

TEST(readlink_gives_as_much_as_fits)
{
    FOR_EACH_FS(g)
    {
        char text[32];
        uint32_t len;
        CHECK_WASI(g_symlink(g, "target", 3, "link"), WASI_OK);
        g_file(g, 3, "file", "");
        CHECK_WASI(g_readlink(g, 3, "link", text, 10, &len), WASI_OK);
        CHECK_STR(text, "target");
        CHECK_WASI(g_readlink(g, 3, "link", text, 4, &len), WASI_OK);
        CHECK_STR(text, "targ");
        CHECK_WASI(g_readlink(g, 3, "link", text, 0, &len), WASI_OK);
        CHECK_EQ_U64(len, 0);
        CHECK_WASI(g_readlink(g, 3, "file", text, 10, &len), WASI_EINVAL);
        CHECK_WASI(g_readlink(g, 3, "none", text, 10, &len), WASI_ENOENT);
        CHECK_WASI(g_readlink(g, 3, ".", text, 10, &len), WASI_EINVAL);
        CHECK_WASI(g_readlink(g, 3, "file/", text, 10, &len), WASI_ENOTDIR);
    }
}

TEST(unlink_and_remove_directory_know_what_they_remove)
{
    FOR_EACH_FS(g)
    {
        CHECK_WASI(g_mkdir(g, 3, "dir"), WASI_OK);
        CHECK_WASI(g_mkdir(g, 3, "dir/sub"), WASI_OK);
        g_file(g, 3, "file", "");
        CHECK_WASI(g_symlink(g, "dir", 3, "link"), WASI_OK);
        CHECK_WASI(g_unlink(g, 3, "dir"), WASI_EISDIR);
        CHECK_WASI(g_unlink(g, 3, "dir/"), WASI_EISDIR);
        CHECK_WASI(g_unlink(g, 3, "."), WASI_EISDIR);
        CHECK_WASI(g_unlink(g, 3, "file/"), WASI_ENOTDIR);
        CHECK_WASI(g_unlink(g, 3, "link/"), WASI_ENOTDIR);
        CHECK_WASI(g_unlink(g, 3, "none"), WASI_ENOENT);
        CHECK_WASI(g_unlink(g, 3, "none/"), WASI_ENOENT);
        CHECK_WASI(g_rmdir(g, 3, "file"), WASI_ENOTDIR);
        CHECK_WASI(g_rmdir(g, 3, "file/"), WASI_ENOTDIR);
        CHECK_WASI(g_rmdir(g, 3, "link"), WASI_ENOTDIR);
        CHECK_WASI(g_rmdir(g, 3, "link/"), WASI_ENOTDIR);
        CHECK_WASI(g_rmdir(g, 3, "dir"), WASI_ENOTEMPTY);
        CHECK_WASI(g_rmdir(g, 3, "."), WASI_EINVAL);
        CHECK_WASI(g_rmdir(g, 3, "dir/sub/.."), WASI_EINVAL);
        CHECK_WASI(g_rmdir(g, 3, "none"), WASI_ENOENT);
        CHECK_WASI(g_rmdir(g, 3, "dir/sub/"), WASI_OK);
        CHECK_WASI(g_rmdir(g, 3, "dir"), WASI_OK);
        CHECK_WASI(g_unlink(g, 3, "link"), WASI_OK);
        CHECK_WASI(g_unlink(g, 3, "file"), WASI_OK);
        CHECK_WASI(try_open(g, "file", 0, 0), WASI_ENOENT);
    }
}

TEST(new_names_with_trailing_slashes)
{
    FOR_EACH_FS(g)
    {
        g_file(g, 3, "file", "");
        CHECK_WASI(g_mkdir(g, 3, "dir/"), WASI_OK);
        CHECK_WASI(g_mkdir(g, 3, "dir"), WASI_EEXIST);
        CHECK_WASI(g_mkdir(g, 3, "dir/"), WASI_EEXIST);
        CHECK_WASI(g_mkdir(g, 3, "file"), WASI_EEXIST);
        CHECK_WASI(g_mkdir(g, 3, "."), WASI_EEXIST);
        CHECK_WASI(g_symlink(g, "source", 3, "target/"), WASI_ENOENT);
        CHECK_WASI(g_symlink(g, "source", 3, "dir/"), WASI_EEXIST);
        CHECK_WASI(g_symlink(g, "source", 3, "dir"), WASI_EEXIST);
        CHECK_WASI(g_symlink(g, "source", 3, "file/"), WASI_ENOTDIR);
        CHECK_WASI(g_symlink(g, "source", 3, "file"), WASI_EEXIST);
        CHECK_WASI(g_symlink(g, "", 3, "empty"), WASI_ENOENT);
        CHECK_WASI(g_link(g, 3, 0, "file", 3, "link/"), WASI_ENOENT);
        CHECK_WASI(try_open(g, "new/", 0, WASI_OFLAG_CREAT), WASI_EISDIR);
        CHECK_WASI(try_open(g, "file/", 0, WASI_OFLAG_CREAT), WASI_EISDIR);
        CHECK_WASI(try_open(g, "dir", 0, WASI_OFLAG_CREAT), WASI_EISDIR);
        CHECK_WASI(try_open(g, "file", 0, WASI_OFLAG_CREAT | WASI_OFLAG_EXCL), WASI_EEXIST);
        CHECK_WASI(try_open(g, "new", 0, WASI_OFLAG_CREAT | DIRECTORY), WASI_EINVAL);
    }
}

TEST(hard_links_share_a_file)
{
    FOR_EACH_FS(g)
    {
        struct g_stat a;
        struct g_stat b;
        g_file(g, 3, "file", "one");
        CHECK_WASI(g_mkdir(g, 3, "dir"), WASI_OK);
        CHECK_WASI(g_link(g, 3, 0, "file", 3, "dir/link"), WASI_OK);
        CHECK_WASI(g_stat_path(g, 3, 0, "file", &a), WASI_OK);
        CHECK_WASI(g_stat_path(g, 3, 0, "dir/link", &b), WASI_OK);
        CHECK_EQ_U64(a.ino, b.ino);
        CHECK_EQ_U64(a.dev, b.dev);
        CHECK_EQ_U64(b.nlink, 2);
        g_file(g, 3, "dir/link", "two");
        g_check_file(g, 3, "file", "two");
        CHECK_WASI(g_link(g, 3, 0, "file", 3, "dir/link"), WASI_EEXIST);
        CHECK_WASI(g_link(g, 3, 0, "file", 3, "file"), WASI_EEXIST);
        CHECK_WASI(g_link(g, 3, 0, "file", 3, "dir"), WASI_EEXIST);
        CHECK_WASI(g_link(g, 3, 0, "dir", 3, "dirlink"), WASI_EPERM);
        CHECK_WASI(g_link(g, 3, 0, ".", 3, "dirlink"), WASI_EPERM);
        CHECK_WASI(g_link(g, 3, 0, "none", 3, "x"), WASI_ENOENT);
        CHECK_WASI(g_unlink(g, 3, "file"), WASI_OK);
        g_check_file(g, 3, "dir/link", "two");
    }
}

TEST(links_to_symlinks)
{
    FOR_EACH_FS(g)
    {
        struct g_stat st;
        g_file(g, 3, "file", "one");
        CHECK_WASI(g_symlink(g, "file", 3, "symlink"), WASI_OK);
        CHECK_WASI(g_link(g, 3, 0, "symlink", 3, "link"), WASI_OK);
        CHECK_WASI(g_stat_path(g, 3, 0, "link", &st), WASI_OK);
        CHECK_EQ_U64(st.filetype, WASI_FILETYPE_SYMBOLIC_LINK);
        CHECK_WASI(g_link(g, 3, FOLLOW, "symlink", 3, "hard"), WASI_OK);
        CHECK_WASI(g_stat_path(g, 3, 0, "hard", &st), WASI_OK);
        CHECK_EQ_U64(st.filetype, WASI_FILETYPE_REGULAR_FILE);
        CHECK_WASI(g_symlink(g, "loop", 3, "loop"), WASI_OK);
        CHECK_WASI(g_link(g, 3, 0, "loop", 3, "loop2"), WASI_OK);
        CHECK_WASI(g_symlink(g, "target", 3, "dangling"), WASI_OK);
        CHECK_WASI(g_link(g, 3, 0, "file", 3, "dangling"), WASI_EEXIST);
        CHECK_WASI(g_link(g, 3, FOLLOW, "dangling", 3, "x"), WASI_ENOENT);
    }
}

TEST(rename_replaces_what_may_be_replaced)
{
    FOR_EACH_FS(g)
    {
        CHECK_WASI(g_mkdir(g, 3, "source"), WASI_OK);
        CHECK_WASI(g_rename(g, 3, "source", 3, "target"), WASI_OK);
        CHECK_WASI(try_open(g, "source", 0, DIRECTORY), WASI_ENOENT);
        CHECK_WASI(try_open(g, "target", 0, DIRECTORY), WASI_OK);
        CHECK_WASI(g_mkdir(g, 3, "source"), WASI_OK);
        CHECK_WASI(g_rename(g, 3, "source", 3, "target"), WASI_OK);
        CHECK_WASI(g_mkdir(g, 3, "source"), WASI_OK);
        g_file(g, 3, "target/file", "");
        CHECK_WASI(g_rename(g, 3, "source", 3, "target"), WASI_ENOTEMPTY);
        CHECK_WASI(g_rename(g, 3, "source", 3, "target/file"), WASI_ENOTDIR);
        CHECK_WASI(g_rename(g, 3, "target/file", 3, "source"), WASI_EISDIR);
        g_file(g, 3, "a", "from a");
        g_file(g, 3, "b", "from b");
        CHECK_WASI(g_rename(g, 3, "a", 3, "b"), WASI_OK);
        g_check_file(g, 3, "b", "from a");
        CHECK_WASI(try_open(g, "a", 0, 0), WASI_ENOENT);
        CHECK_WASI(g_rename(g, 3, "b", 3, "b"), WASI_OK);
        CHECK_WASI(g_rename(g, 3, "none", 3, "b"), WASI_ENOENT);
        CHECK_WASI(g_rename(g, 3, "target", 3, "target/inside"), WASI_EINVAL);
        CHECK_WASI(g_rename(g, 3, ".", 3, "x"), WASI_EBUSY);
        CHECK_WASI(g_rename(g, 3, "b", 3, "."), WASI_EBUSY);
        /* Two names of one file: nothing happens. */
        CHECK_WASI(g_link(g, 3, 0, "b", 3, "c"), WASI_OK);
        CHECK_WASI(g_rename(g, 3, "b", 3, "c"), WASI_OK);
        CHECK_WASI(try_open(g, "b", 0, 0), WASI_OK);
        /* Links are renamed themselves. */
        CHECK_WASI(g_symlink(g, "nowhere", 3, "l"), WASI_OK);
        CHECK_WASI(g_rename(g, 3, "l", 3, "m"), WASI_OK);
        CHECK_WASI(try_open(g, "m", 0, 0), WASI_ELOOP);
    }
}

TEST(rename_with_trailing_slashes)
{
    FOR_EACH_FS(g)
    {
        CHECK_WASI(g_mkdir(g, 3, "source"), WASI_OK);
        CHECK_WASI(g_rename(g, 3, "source/", 3, "target"), WASI_OK);
        CHECK_WASI(g_rename(g, 3, "target", 3, "source/"), WASI_OK);
        CHECK_WASI(g_rename(g, 3, "source/", 3, "target/"), WASI_OK);
        g_file(g, 3, "file", "");
        CHECK_WASI(g_rename(g, 3, "file/", 3, "x"), WASI_ENOTDIR);
        CHECK_WASI(g_rename(g, 3, "file", 3, "x/"), WASI_ENOTDIR);
        CHECK_WASI(g_rename(g, 3, "none/", 3, "x"), WASI_ENOENT);
        CHECK_WASI(g_rename(g, 3, "file", 3, "target/"), WASI_ENOTDIR);
    }
}

TEST(stat_of_paths)
{
    FOR_EACH_FS(g)
    {
        struct g_stat st;
        CHECK_WASI(g_mkdir(g, 3, "dir"), WASI_OK);
        g_file(g, 3, "dir/file", "12345");
        CHECK_WASI(g_symlink(g, "dir/file", 3, "link"), WASI_OK);
        CHECK_WASI(g_stat_path(g, 3, 0, "dir", &st), WASI_OK);
        CHECK_EQ_U64(st.filetype, WASI_FILETYPE_DIRECTORY);
        CHECK_WASI(g_stat_path(g, 3, 0, ".", &st), WASI_OK);
        CHECK_EQ_U64(st.filetype, WASI_FILETYPE_DIRECTORY);
        CHECK_WASI(g_stat_path(g, 3, 0, "dir/file", &st), WASI_OK);
        CHECK_EQ_U64(st.filetype, WASI_FILETYPE_REGULAR_FILE);
        CHECK_EQ_U64(st.size, 5);
        CHECK_EQ_U64(st.nlink, 1);
        CHECK(st.mtim > UINT64_C(1500000000000000000));
        CHECK_WASI(g_stat_path(g, 3, FOLLOW, "link", &st), WASI_OK);
        CHECK_EQ_U64(st.size, 5);
        CHECK_WASI(g_stat_path(g, 3, 0, "dir/file/", &st), WASI_ENOTDIR);
        CHECK_WASI(g_stat_path(g, 3, 0, "dir/", &st), WASI_OK);
        CHECK_WASI(g_stat_path(g, 3, 0, "none", &st), WASI_ENOENT);
        CHECK_WASI(g_stat_path(g, 3, 2, "dir", &st), WASI_EINVAL);
    }
}

TEST(times_are_set_on_links_or_through_them)
{
    FOR_EACH_FS(g)
    {
        struct g_stat file;
        struct g_stat link;
        g_file(g, 3, "file", "");
        CHECK_WASI(g_symlink(g, "file", 3, "link"), WASI_OK);
        guest_reset_heap(g);
        uint32_t name = guest_put_str(g, "link");
        CHECK_WASI(CALL(g, "path_filestat_set_times", 3, 0, name, 4, 7, 1000000001, WASI_FST_MTIM),
                   WASI_OK);
        CHECK_WASI(g_stat_path(g, 3, 0, "link", &link), WASI_OK);
        CHECK_EQ_U64(link.mtim, 1000000001);
        CHECK_WASI(g_stat_path(g, 3, 0, "file", &file), WASI_OK);
        CHECK(file.mtim != 1000000001);
        guest_reset_heap(g);
        name = guest_put_str(g, "link");
        CHECK_WASI(CALL(g, "path_filestat_set_times", 3, FOLLOW, name, 4, 123456789, 2000000002,
                        WASI_FST_ATIM | WASI_FST_MTIM),
                   WASI_OK);
        CHECK_WASI(g_stat_path(g, 3, 0, "file", &file), WASI_OK);
        CHECK_EQ_U64(file.atim, 123456789);
        CHECK_EQ_U64(file.mtim, 2000000002);
        static const uint32_t bad[] = {WASI_FST_ATIM | WASI_FST_ATIM_NOW,
                                       WASI_FST_MTIM | WASI_FST_MTIM_NOW, 16};
        for (size_t i = 0; i < ISO_COUNT_OF(bad); i++) {
            CHECK_WASI(CALL(g, "path_filestat_set_times", 3, 0, name, 4, 1, 1, bad[i]),
                       WASI_EINVAL);
        }
        CHECK_WASI(CALL(g, "path_filestat_set_times", 3, FOLLOW, name, 4, 1, 1, WASI_FST_MTIM_NOW),
                   WASI_OK);
        CHECK_WASI(g_stat_path(g, 3, 0, "file", &file), WASI_OK);
        CHECK(file.mtim > UINT64_C(1500000000000000000));
    }
}
