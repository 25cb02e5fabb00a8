/* Paths that are interesting: dots, slashes, NULs, links, and whatever leads out. */
#include "guest.h"

static void dots_and_slashes(void)
{
    OK(make_dir(ROOT, "dir"));
    OK(make_dir(ROOT, "dir/nested"));
    make_file("dir/nested/file", "x");
    OK(try_open("dir/.//nested/../../dir/nested/../nested///./file", 0, 0));
    OK(try_open("dir/nested/", 0, 0));
    OK(try_open("dir/nested///", 0, 0));
    OK(try_open(".", 0, 0));
    IS(try_open("", 0, 0), WASI_ENOENT);
    IS(try_open("/dir/nested/file", 0, 0), WASI_ENOTCAPABLE);
    IS(try_open("dir/nested/../../../dir/nested/file", 0, 0), WASI_ENOTCAPABLE);
    IS(try_open("..", 0, 0), WASI_ENOTCAPABLE);
    IS(try_open("dir/nested/file/", 0, 0), WASI_ENOTDIR);
    IS(try_open("dir/nested/file///", 0, 0), WASI_ENOTDIR);
    IS(try_open("dir/nested/file/..", 0, 0), WASI_ENOTDIR);
    uint32_t fd;
    IS(path_open(ROOT, 0, "dir/nested/file\0", 16, 0, 0, 0, 0, &fd), WASI_EINVAL);
    IS(make_dir(ROOT, "bad\xff"), WASI_EILSEQ);
    IS(path_open(ROOT, 0, (const char *)0xfffffff0, 32, 0, 0, 0, 0, &fd), WASI_EFAULT);
    OK(unlink_file(ROOT, "dir/nested/file"));
    OK(remove_dir(ROOT, "dir/nested"));
    OK(remove_dir(ROOT, "dir"));
}

static void links(void)
{
    char text[16] = {0};
    uint32_t used;
    OK(make_dir(ROOT, "target"));
    OK(symlink_to("target", "link"));
    IS(try_open("link", 0, WASI_OFLAG_DIRECTORY), WASI_ENOTDIR);
    IS(try_open("link", 0, 0), WASI_ELOOP);
    OK(try_open("link", FOLLOW, WASI_OFLAG_DIRECTORY));
    OK(try_open("link/", 0, 0));
    OK(path_readlink(ROOT, "link", 4, text, 10, &used));
    IS(used, 6);
    IS(same(text, "target\0\0\0\0", 10), true);
    OK(path_readlink(ROOT, "link", 4, text, 3, &used));
    IS(used, 3);
    OK(unlink_file(ROOT, "link"));
    OK(remove_dir(ROOT, "target"));

    make_file("target", "");
    OK(symlink_to("target", "link"));
    IS(try_open("link", FOLLOW, WASI_OFLAG_DIRECTORY), WASI_ENOTDIR);
    OK(try_open("link", FOLLOW, 0));
    OK(unlink_file(ROOT, "link"));
    OK(unlink_file(ROOT, "target"));

    OK(symlink_to("nowhere", "dangling"));
    IS(try_open("dangling", 0, 0), WASI_ELOOP);
    IS(try_open("dangling", FOLLOW, 0), WASI_ENOENT);
    OK(unlink_file(ROOT, "dangling"));
    OK(symlink_to("loop", "loop"));
    IS(try_open("loop", 0, 0), WASI_ELOOP);
    IS(try_open("loop", FOLLOW, 0), WASI_ELOOP);
    OK(unlink_file(ROOT, "loop"));
    IS(symlink_to("/", "root"), WASI_ENOTCAPABLE);
    OK(symlink_to("../..", "out"));
    IS(try_open("out", FOLLOW, 0), WASI_ENOTCAPABLE);
    IS(try_open("out/etc/passwd", FOLLOW, 0), WASI_ENOTCAPABLE);
    OK(unlink_file(ROOT, "out"));
}

static void trailing_slashes(void)
{
    OK(make_dir(ROOT, "dir"));
    IS(unlink_file(ROOT, "dir"), WASI_EISDIR);
    IS(unlink_file(ROOT, "dir/"), WASI_EISDIR);
    OK(remove_dir(ROOT, "dir/"));
    make_file("file", "");
    IS(unlink_file(ROOT, "file/"), WASI_ENOTDIR);
    IS(remove_dir(ROOT, "file"), WASI_ENOTDIR);
    IS(remove_dir(ROOT, "file/"), WASI_ENOTDIR);
    IS(symlink_to("source", "target/"), WASI_ENOENT);
    IS(symlink_to("source", "file"), WASI_EEXIST);
    IS(link_to(0, "file", "link/"), WASI_ENOENT);
    OK(make_dir(ROOT, "source"));
    OK(rename_to("source/", "target"));
    OK(rename_to("target", "source/"));
    OK(rename_to("source/", "target/"));
    IS(symlink_to("source", "target/"), WASI_EEXIST);
    OK(remove_dir(ROOT, "target"));
    OK(unlink_file(ROOT, "file"));
}

static void renames(void)
{
    OK(make_dir(ROOT, "source"));
    OK(make_dir(ROOT, "target"));
    OK(rename_to("source", "target"));
    OK(make_dir(ROOT, "source"));
    make_file("target/file", "");
    IS(rename_to("source", "target"), WASI_ENOTEMPTY);
    IS(rename_to("source", "target/file"), WASI_ENOTDIR);
    IS(rename_to("target/file", "source"), WASI_EISDIR);
    IS(rename_to("target", "target/inside"), WASI_EINVAL);
    OK(rename_to("target/file", "file"));
    make_file("other", "contents");
    OK(rename_to("other", "file"));
    check_file("file", "contents");
    IS(rename_to("other", "file"), WASI_ENOENT);
    OK(unlink_file(ROOT, "file"));
    OK(remove_dir(ROOT, "target"));
    OK(remove_dir(ROOT, "source"));
}

static void hard_links(void)
{
    struct filestat a;
    struct filestat b;
    make_file("file", "shared");
    OK(link_to(0, "file", "link"));
    OK(stat_path(0, "file", &a));
    OK(stat_path(0, "link", &b));
    IS(a.ino, b.ino);
    IS(b.nlink, 2);
    IS(link_to(0, "file", "link"), WASI_EEXIST);
    OK(make_dir(ROOT, "dir"));
    IS(link_to(0, "dir", "other"), WASI_EPERM);
    OK(remove_dir(ROOT, "dir"));
    OK(unlink_file(ROOT, "file"));
    check_file("link", "shared");
    OK(unlink_file(ROOT, "link"));
}

void run(void)
{
    dots_and_slashes();
    links();
    trailing_slashes();
    renames();
    hard_links();
}
