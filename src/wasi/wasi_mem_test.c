/* The in-memory file system by itself: its limit, its interface for embedders, and what happens
 * when memory runs out. */
#include "wasi/wasi_guest_test_support.h"
#include "wasi/wasi_mem.h"

#include <stdlib.h>

TEST(embedders_fill_and_read_it)
{
    struct iso_alloc_test memory;
    struct iso_wasi_memfs *fs;
    struct iso_buf buf;
    iso_alloc_test_init(&memory);
    CHECK_OK(iso_wasi_memfs_create(&memory.alloc, 100000, &fs));
    iso_buf_init(&buf, &memory.alloc, SIZE_MAX);
    CHECK_OK(iso_wasi_memfs_mkdir(fs, "dir"));
    CHECK_ERR(iso_wasi_memfs_mkdir(fs, "dir"), ISO_E_EXISTS);
    CHECK_ERR(iso_wasi_memfs_mkdir(fs, "none/dir"), ISO_E_NOT_FOUND);
    CHECK_OK(iso_wasi_memfs_write(fs, "dir/file", iso_bytes_from("first contents", 14)));
    CHECK_OK(iso_wasi_memfs_write(fs, "dir/file", iso_bytes_from("second", 6)));
    CHECK_OK(iso_wasi_memfs_read(fs, "dir/file", &buf));
    CHECK_EQ_U64(buf.len, 6);
    CHECK_MEM(buf.ptr, "second", 6);
    CHECK_OK(iso_wasi_memfs_write(fs, "empty", iso_bytes_from(NULL, 0)));
    CHECK_OK(iso_wasi_memfs_read(fs, "empty", &buf));
    CHECK_EQ_U64(buf.len, 6);
    CHECK_ERR(iso_wasi_memfs_read(fs, "none", &buf), ISO_E_NOT_FOUND);
    CHECK_ERR(iso_wasi_memfs_read(fs, "dir", &buf), ISO_E_ARGUMENT);
    CHECK_ERR(iso_wasi_memfs_read(fs, "/dir/file", &buf), ISO_E_ARGUMENT);
    CHECK_ERR(iso_wasi_memfs_write(fs, "dir", iso_bytes_from("x", 1)), ISO_E_ARGUMENT);
    iso_buf_fini(&buf);
    iso_wasi_memfs_destroy(fs);
    iso_wasi_memfs_destroy(NULL);
    CHECK_EQ_U64(memory.live_bytes, 0);
}

TEST(it_holds_no_more_than_it_may)
{
    struct iso_alloc_test memory;
    struct iso_wasi_memfs *fs;
    static uint8_t bytes[70000];
    iso_alloc_test_init(&memory);
    CHECK_OK(iso_wasi_memfs_create(&memory.alloc, 60000, &fs));
    CHECK_ERR(iso_wasi_memfs_write(fs, "big", iso_bytes_from(bytes, sizeof bytes)), ISO_E_LIMIT);
    CHECK(iso_wasi_memfs_used(fs) <= 60000);
    CHECK_OK(iso_wasi_memfs_write(fs, "big", iso_bytes_from(bytes, 40000)));
    CHECK_ERR(iso_wasi_memfs_write(fs, "other", iso_bytes_from(bytes, 30000)), ISO_E_LIMIT);
    CHECK_OK(iso_wasi_memfs_write(fs, "big", iso_bytes_from(bytes, 10)));
    CHECK_OK(iso_wasi_memfs_write(fs, "other", iso_bytes_from(bytes, 30000)));
    /* Names count too. */
    char name[16];
    enum iso_err err = ISO_OK;
    int files = 0;
    for (; err == ISO_OK && files < 1000; files++) {
        (void)iso_format(name, sizeof name, "file%d", files);
        err = iso_wasi_memfs_write(fs, name, iso_bytes_from(NULL, 0));
    }
    CHECK_ERR(err, ISO_E_LIMIT);
    CHECK(files > 10 && files < 300);
    iso_wasi_memfs_destroy(fs);
    CHECK_EQ_U64(memory.live_bytes, 0);
}

TEST(guests_get_enospc_and_partial_writes)
{
    struct guest *g = guest_start(GUEST_MEMFS);
    uint32_t iov = 2049;
    uint64_t total = 0;
    uint32_t fd = g_must_open(g, 3, "file", WASI_OFLAG_CREAT, G_ALL);
    uint64_t err = WASI_OK;
    for (int i = 0; i < 100 && err == WASI_OK; i++) {
        iso_store_u32le(g->bytes + iov, GUEST_HEAP);
        iso_store_u32le(g->bytes + iov + 4, 100000);
        err = CALL(g, "fd_write", fd, iov, 1, 1025);
        total += err == WASI_OK ? guest_u32(g, 1025) : 0;
    }
    CHECK_WASI(err, WASI_ENOSPC);
    CHECK(total > 900000 && total < (1 << 20));
    struct g_stat st;
    CHECK_WASI(g_stat_fd(g, fd, &st), WASI_OK);
    CHECK_EQ_U64(st.size, total);
    CHECK_WASI(CALL(g, "fd_allocate", fd, 0, 1 << 21), WASI_ENOSPC);
    CHECK_WASI(g_mkdir(g, 3, "dir"), WASI_OK);
    CHECK_WASI(CALL(g, "fd_filestat_set_size", fd, 0), WASI_OK);
    CHECK(iso_wasi_memfs_used(g->memfs) < 2000);
    guest_stop(g);
}

TEST(everything_that_was_used_is_given_back)
{
    struct guest *g = guest_start(GUEST_MEMFS);
    uint64_t used = iso_wasi_memfs_used(g->memfs);
    for (int i = 0; i < 3; i++) {
        CHECK_WASI(g_mkdir(g, 3, "a"), WASI_OK);
        CHECK_WASI(g_mkdir(g, 3, "a/b"), WASI_OK);
        g_file(g, 3, "a/b/file", "contents");
        CHECK_WASI(g_symlink(g, "b/file", 3, "a/symlink"), WASI_OK);
        CHECK_WASI(g_link(g, 3, 0, "a/b/file", 3, "a/hard"), WASI_OK);
        CHECK_WASI(g_rename(g, 3, "a/hard", 3, "a/symlink"), WASI_OK);
        uint32_t fd = g_must_open(g, 3, "a/b/file", 0, G_ALL);
        CHECK_WASI(g_unlink(g, 3, "a/b/file"), WASI_OK);
        CHECK_WASI(g_unlink(g, 3, "a/symlink"), WASI_OK);
        CHECK_WASI(g_rmdir(g, 3, "a/b"), WASI_OK);
        CHECK_WASI(g_rmdir(g, 3, "a"), WASI_OK);
        CHECK_WASI(g_close(g, fd), WASI_OK);
        CHECK_EQ_U64(iso_wasi_memfs_used(g->memfs), used);
    }
    guest_stop(g);
}

TEST(directories_cannot_be_nested_without_end)
{
    struct guest *g = guest_start(GUEST_MEMFS);
    uint32_t dir = 3;
    uint64_t err = WASI_OK;
    int depth = 0;
    for (; depth < 2000; depth++) {
        err = g_mkdir(g, dir, "d");
        if (err != WASI_OK) {
            break;
        }
        uint32_t next = g_must_open(g, dir, "d", WASI_OFLAG_DIRECTORY, G_ALL & ~UINT64_C(0x42));
        if (dir != 3) {
            CHECK_WASI(g_close(g, dir), WASI_OK);
        }
        dir = next;
    }
    CHECK_WASI(err, WASI_EMLINK);
    CHECK_EQ_I64(depth, ISO_WASI_MEM_DEPTH_MAX);
    /* Nor by moving one deep directory into another. */
    CHECK_WASI(g_mkdir(g, 3, "x"), WASI_OK);
    CHECK_WASI(g_mkdir(g, 3, "x/y"), WASI_OK);
    CHECK_WASI(g_rename(g, 3, "d", 3, "x/y/d"), WASI_EMLINK);
    CHECK_WASI(g_rename(g, 3, "d", 3, "e"), WASI_OK);
    guest_stop(g);
}

/* One pass over most operations, whatever they answer. */
static void use_everything(struct guest *g)
{
    uint32_t fd = 0;
    uint32_t done;
    (void)g_mkdir(g, 3, "dir");
    (void)g_symlink(g, "dir/file", 3, "symlink");
    if (g_open(g, 3, "dir/file", 0, WASI_OFLAG_CREAT, G_ALL, 0, 0, &fd) == WASI_OK) {
        (void)g_write(g, fd, "text", &done);
        (void)CALL(g, "fd_allocate", fd, 5000, 5000);
        (void)g_close(g, fd);
    }
    (void)g_link(g, 3, 0, "dir/file", 3, "hard");
    (void)g_rename(g, 3, "hard", 3, "dir/other");
    (void)CALL(g, "fd_readdir", 3, 4097, 500, 0, 1025);
    (void)g_unlink(g, 3, "dir/other");
    (void)g_unlink(g, 3, "dir/file");
    (void)g_unlink(g, 3, "symlink");
    (void)g_rmdir(g, 3, "dir");
}

TEST(failing_allocations_leave_a_working_file_system)
{
    struct guest *g = guest_start(GUEST_MEMFS);
    bool failed = true;
    uint64_t used = iso_wasi_memfs_used(g->memfs);
    use_everything(g);
    CHECK_EQ_U64(iso_wasi_memfs_used(g->memfs), used);
    for (uint64_t nth = 1; failed; nth++) {
        g->memory.fail_at = g->memory.requests + nth;
        g->memory.failed = false;
        use_everything(g);
        failed = g->memory.failed;
        g->memory.fail_at = 0;
        use_everything(g);
        CHECK_EQ_U64(iso_wasi_memfs_used(g->memfs), used);
    }
    guest_stop(g);
}
