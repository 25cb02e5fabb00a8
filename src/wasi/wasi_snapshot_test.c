/* The snapshot section: a world goes on in another one, within what is granted there; what cannot
 * go on is refused by name; hostile bytes do no harm. */
#include "wasi/wasi_guest_test_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wasi/wasi_mem.h"

enum { OUT = 1025, IOV = 2049, DATA = 4097, SUBS = 20001, EVENTS = 30001 };
#define MS UINT64_C(1000000)
#define DIR_RIGHTS (G_ALL & ~(WASI_RIGHT_FD_READ | WASI_RIGHT_FD_WRITE))

static uint64_t now_ns;

static uint64_t test_clock(void *ctx)
{
    (void)ctx;
    return now_ns;
}

static enum iso_err save(struct guest *g, struct iso_buf *out, struct iso_report *report)
{
    struct iso_snapshot_section section = iso_wasi_section(g->wasi);
    CHECK_STR(section.name, "wasi");
    iso_buf_init(out, &g->memory.alloc, SIZE_MAX);
    iso_report_init(report);
    return section.save(section.ctx, out, report);
}

/* Replace the guest's world, and its memfs, by new ones of the same configuration. */
static void another_world(struct guest *g)
{
    iso_wasi_destroy(g->wasi);
    g->wasi = NULL;
    if (g->memfs != NULL) {
        iso_wasi_memfs_destroy(g->memfs);
        CHECK_OK(iso_wasi_memfs_create(&g->memory.alloc, 1 << 20, &g->memfs));
        g->preopens[0].memfs = g->memfs;
    }
    guest_create(g);
}

static enum iso_err load(struct guest *g, struct iso_bytes bytes, struct iso_report *report)
{
    struct iso_snapshot_section section = iso_wasi_section(g->wasi);
    iso_report_init(report);
    return section.load(section.ctx, bytes, report);
}

static void move(struct guest *g)
{
    struct iso_buf buf;
    struct iso_report report;
    enum iso_err err = save(g, &buf, &report);
    if (err == ISO_OK) {
        another_world(g);
        err = load(g, iso_buf_view(&buf), &report);
    }
    if (err != ISO_OK) {
        TEST_FAIL("%s (file system %d)", iso_report_text(&report, err), g->fs);
    }
    iso_buf_fini(&buf);
}

TEST(descriptors_go_on_where_they_were)
{
    FOR_EACH_FS(g)
    {
        uint32_t done;
        uint64_t at;
        char text[32];
        struct g_fdstat before;
        struct g_fdstat after;
        CHECK_WASI(g_mkdir(g, 3, "dir"), WASI_OK);
        g_file(g, 3, "dir/input", "0123456789");
        uint32_t dir = g_must_open(g, 3, "dir", WASI_OFLAG_DIRECTORY, DIR_RIGHTS);
        uint32_t in = g_must_open(g, dir, "./input", 0, WASI_RIGHT_FD_READ | WASI_RIGHT_FD_SEEK);
        CHECK_WASI(g_read(g, in, text, 4, &done), WASI_OK);
        uint32_t log;
        CHECK_WASI(g_open(g, dir, "log", 0, WASI_OFLAG_CREAT, G_ALL, 0, WASI_FDFLAG_APPEND, &log),
                   WASI_OK);
        CHECK_WASI(g_write(g, log, "one ", &done), WASI_OK);
        CHECK_WASI(g_seek(g, log, 0, WASI_WHENCE_SET, &at), WASI_OK);
        CHECK_WASI(CALL(g, "fd_renumber", 1, 0), WASI_OK);
        CHECK_WASI(g_fdstat(g, log, &before), WASI_OK);
        move(g);
        CHECK_WASI(g_read(g, in, text, 3, &done), WASI_OK);
        CHECK_STR(text, "456");
        CHECK_WASI(g_write(g, in, "x", &done), WASI_EBADF);
        CHECK_WASI(g_fdstat(g, log, &after), WASI_OK);
        CHECK_EQ_U64(after.base, before.base);
        CHECK_EQ_U64(after.flags, before.flags);
        CHECK_WASI(g_write(g, log, "two", &done), WASI_OK);
        g_check_file(g, dir, "log", "one two");
        CHECK_WASI(g_close(g, 1), WASI_EBADF);
        CHECK_WASI(g_close(g, 0), WASI_OK);
        CHECK_WASI(CALL(g, "fd_prestat_get", 3, OUT), WASI_OK);
        CHECK_WASI(g_mkdir(g, dir, "made"), WASI_OK);
        CHECK_WASI(g_rmdir(g, 3, "dir/made"), WASI_OK);
        /* And once more, from the world that was restored. */
        move(g);
        CHECK_WASI(g_read(g, in, text, 30, &done), WASI_OK);
        CHECK_STR(text, "789");
    }
}

TEST(arguments_and_environment_come_with_the_snapshot)
{
    static const char *const args[] = {"old", "arg"};
    static const char *const others[] = {"new"};
    struct guest *g = guest_prepare(GUEST_STEPS);
    struct iso_buf buf;
    struct iso_report report;
    g->config.args = args;
    g->config.arg_count = 2;
    guest_create(g);
    CHECK_OK(save(g, &buf, &report));
    g->config.args = others;
    g->config.arg_count = 1;
    another_world(g);
    CHECK_OK(load(g, iso_buf_view(&buf), &report));
    CHECK_WASI(CALL(g, "args_sizes_get", OUT, OUT + 4), WASI_OK);
    CHECK_EQ_U64(guest_u32(g, OUT), 2);
    CHECK_WASI(CALL(g, "args_get", OUT, DATA), WASI_OK);
    CHECK_MEM(g->bytes + DATA, "old\0arg", 8);
    iso_buf_fini(&buf);
    guest_stop(g);
}

TEST(time_never_runs_backwards_and_sleeping_goes_on)
{
    struct guest *g = guest_prepare(GUEST_MEMFS);
    g->config.monotonic = test_clock;
    g->config.realtime = test_clock;
    now_ns = 7000000 * MS;
    guest_create(g);
    now_ns += 500 * MS;
    uint8_t *sub = g->bytes + SUBS;
    memset(sub, 0, 48);
    iso_store_u32le(sub + 16, WASI_CLOCK_MONOTONIC);
    iso_store_u64le(sub + 24, 100 * MS);
    CHECK_EQ_U64(CALL(g, "poll_oneoff", SUBS, EVENTS, 1, OUT), G_PENDING);
    now_ns += 60 * MS;
    uint64_t deadline = g->deadline;
    CHECK_WASI(CALL(g, "clock_time_get", WASI_CLOCK_MONOTONIC, 0, OUT), WASI_OK);
    uint64_t before = guest_u64(g, OUT);
    struct iso_buf buf;
    struct iso_report report;
    CHECK_OK(save(g, &buf, &report));
    now_ns = 5 * MS; /* a machine that was started just now */
    another_world(g);
    now_ns += 3000 * MS;
    CHECK_OK(load(g, iso_buf_view(&buf), &report));
    CHECK_WASI(CALL(g, "clock_time_get", WASI_CLOCK_MONOTONIC, 0, OUT), WASI_OK);
    CHECK_EQ_U64(guest_u64(g, OUT), before);
    CHECK_OK(iso_wasi_wait(g->wasi, -1)); /* knows of nothing yet: returns */
    g->deadline = deadline;
    g->reissued = true;
    now_ns += 39 * MS;
    CHECK_EQ_U64(CALL(g, "poll_oneoff", SUBS, EVENTS, 1, OUT), G_PENDING);
    now_ns += 1 * MS;
    CHECK_WASI(CALL(g, "poll_oneoff", SUBS, EVENTS, 1, OUT), WASI_OK);
    iso_buf_fini(&buf);
    guest_stop(g);
}

TEST(renamed_files_are_found)
{
    FOR_EACH_FS(g)
    {
        char text[16];
        uint32_t done;
        CHECK_WASI(g_mkdir(g, 3, "a"), WASI_OK);
        CHECK_WASI(g_mkdir(g, 3, "a/b"), WASI_OK);
        g_file(g, 3, "a/b/file", "found");
        uint32_t fd = g_must_open(g, 3, "a/b/file", 0, G_ALL);
        uint32_t dir = g_must_open(g, 3, "a/b", WASI_OFLAG_DIRECTORY, DIR_RIGHTS);
        CHECK_WASI(g_rename(g, 3, "a/b/file", 3, "a/b/other"), WASI_OK);
        CHECK_WASI(g_rename(g, 3, "a/", 3, "z"), WASI_OK);
        /* Somebody else takes the old names. */
        CHECK_WASI(g_mkdir(g, 3, "a"), WASI_OK);
        CHECK_WASI(g_mkdir(g, 3, "a/b"), WASI_OK);
        g_file(g, 3, "a/b/file", "wrong");
        move(g);
        CHECK_WASI(g_read(g, fd, text, 10, &done), WASI_OK);
        CHECK_STR(text, "found");
        g_check_file(g, dir, "other", "found");
    }
}

TEST(files_that_others_moved_are_found_where_the_system_tells)
{
    struct guest *g = guest_start(GUEST_OPENAT2);
    char from[96];
    char to[96];
    char text[16];
    uint32_t done;
    if (access("/proc/self/fd", R_OK) != 0) {
        guest_stop(g);
        TEST_SKIP("no /proc");
    }
    g_file(g, 3, "file", "found");
    uint32_t fd = g_must_open(g, 3, "file", 0, G_ALL);
    (void)iso_format(from, sizeof from, "%s/file", g->dir);
    (void)iso_format(to, sizeof to, "%s/elsewhere", g->dir);
    CHECK(rename(from, to) == 0);
    move(g);
    CHECK_WASI(g_read(g, fd, text, 10, &done), WASI_OK);
    CHECK_STR(text, "found");
    guest_stop(g);
}

/* Saving must fail, and the message must say all of these. */
static void check_refused(struct guest *g, const char *const *parts, size_t count)
{
    struct iso_buf buf;
    struct iso_report report;
    CHECK_ERR(save(g, &buf, &report), ISO_E_REFUSED);
    for (size_t i = 0; i < count; i++) {
        CHECK_CONTAINS(report.text, parts[i]);
    }
    iso_buf_fini(&buf);
}

TEST(removed_files_are_refused_on_the_host_and_kept_in_memory)
{
    FOR_EACH_FS(g)
    {
        char text[16];
        uint32_t done;
        g_file(g, 3, "file", "gone");
        uint32_t fd = g_must_open(g, 3, "file", 0, G_ALL);
        CHECK_WASI(g_unlink(g, 3, "file"), WASI_OK);
        if (g->fs == GUEST_MEMFS) {
            move(g);
            CHECK_WASI(g_read(g, fd, text, 10, &done), WASI_OK);
            CHECK_STR(text, "gone");
            CHECK_WASI(g_close(g, fd), WASI_OK);
        } else {
            const char *const parts[] = {"descriptor 4", "/file", "removed"};
            check_refused(g, parts, 3);
            CHECK_WASI(g_read(g, fd, text, 10, &done), WASI_OK); /* and goes on here */
        }
    }
}

TEST(what_is_not_granted_any_more_is_refused_by_name)
{
    FOR_EACH_FS(g)
    {
        struct iso_buf buf;
        struct iso_report report;
        CHECK_OK(save(g, &buf, &report));
        g->preopens[0].guest_path = "/other";
        another_world(g);
        CHECK_ERR(load(g, iso_buf_view(&buf), &report), ISO_E_REFUSED);
        CHECK_CONTAINS(report.text, " /, which is not granted now");
        iso_buf_fini(&buf);
    }
}

TEST(files_that_are_gone_at_the_restore_are_refused_by_name)
{
    for (int fs = GUEST_OPENAT2; fs <= GUEST_STEPS; fs++) {
        struct guest *g = guest_start((enum guest_fs)fs);
        struct iso_buf buf;
        struct iso_report report;
        g_file(g, 3, "file", "x");
        (void)g_must_open(g, 3, "file", 0, G_ALL);
        CHECK_OK(save(g, &buf, &report));
        CHECK_WASI(g_unlink(g, 3, "file"), WASI_OK);
        another_world(g);
        CHECK_ERR(load(g, iso_buf_view(&buf), &report), ISO_E_REFUSED);
        CHECK_STR(report.text, "descriptor 4 (/file) cannot be opened again: it is not there now");
        another_world(g);
        CHECK_WASI(g_mkdir(g, 3, "file"), WASI_OK);
        CHECK_ERR(load(g, iso_buf_view(&buf), &report), ISO_E_REFUSED);
        CHECK_CONTAINS(report.text, "/file");
        iso_buf_fini(&buf);
        guest_stop(g);
    }
}

TEST(narrower_grants_cut_rights_and_refuse_writers)
{
    FOR_EACH_FS(g)
    {
        struct iso_buf buf;
        struct iso_report report;
        struct g_fdstat st;
        uint32_t fd;
        g_file(g, 3, "file", "x");
        uint32_t reader = g_must_open(g, 3, "file", 0, G_ALL & ~WASI_RIGHT_FD_WRITE);
        CHECK_OK(save(g, &buf, &report));
        g->preopens[0].read_only = true;
        another_world(g);
        CHECK_OK(load(g, iso_buf_view(&buf), &report));
        iso_buf_fini(&buf);
        CHECK_WASI(g_fdstat(g, reader, &st), WASI_OK);
        CHECK_EQ_U64(st.base & WASI_RIGHTS_WRITING, 0);
        CHECK((st.base & WASI_RIGHT_FD_READ) != 0);
        CHECK_WASI(g_fdstat(g, 3, &st), WASI_OK);
        CHECK_EQ_U64(st.base & WASI_RIGHTS_WRITING, 0);
        CHECK_EQ_U64(st.inheriting & WASI_RIGHTS_WRITING, 0);
        CHECK_WASI(g_open(g, 3, "new", 0, WASI_OFLAG_CREAT, 0, 0, 0, &fd), WASI_ENOTCAPABLE);

        g->preopens[0].read_only = false;
        another_world(g);
        g_file(g, 3, "file", "x");
        (void)g_must_open(g, 3, "file", 0, WASI_RIGHT_FD_WRITE);
        CHECK_OK(save(g, &buf, &report));
        g->preopens[0].read_only = true;
        another_world(g);
        CHECK_ERR(load(g, iso_buf_view(&buf), &report), ISO_E_REFUSED);
        CHECK_CONTAINS(report.text, "read-only now");
        iso_buf_fini(&buf);
    }
}

TEST(sockets_need_a_name)
{
    int pair[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    struct guest *g = guest_prepare(GUEST_MEMFS);
    struct iso_wasi_socket socket = {.fd = pair[0]};
    struct iso_buf buf;
    struct iso_report report;
    uint32_t done;
    g->config.sockets = &socket;
    g->config.socket_count = 1;
    guest_create(g);
    const char *const parts[] = {"descriptor 4", "socket", "without a name"};
    check_refused(g, parts, 3);
    socket.name = "uplink";
    another_world(g);
    CHECK_OK(save(g, &buf, &report));
    CHECK_WASI(CALL(g, "fd_renumber", 4, 0), WASI_OK);
    move(g);
    CHECK_WASI(g_write(g, 0, "x", &done), WASI_OK);
    socket.name = "downlink";
    another_world(g);
    CHECK_ERR(load(g, iso_buf_view(&buf), &report), ISO_E_REFUSED);
    CHECK_CONTAINS(report.text, "socket uplink");
    iso_buf_fini(&buf);
    guest_stop(g);
    (void)close(pair[0]);
    (void)close(pair[1]);
}

/* A file system with something of everything, and descriptors on it. */
static void furnish(struct guest *g)
{
    CHECK_WASI(g_mkdir(g, 3, "dir"), WASI_OK);
    CHECK_WASI(g_mkdir(g, 3, "dir/empty"), WASI_OK);
    g_file(g, 3, "dir/file", "some contents");
    CHECK_WASI(g_link(g, 3, 0, "dir/file", 3, "link"), WASI_OK);
    CHECK_WASI(g_symlink(g, "dir/file", 3, "symlink"), WASI_OK);
    g_file(g, 3, "sparse", "");
    uint32_t fd = g_must_open(g, 3, "sparse", 0, G_ALL);
    uint64_t at;
    uint32_t done;
    CHECK_WASI(g_seek(g, fd, 50000, WASI_WHENCE_SET, &at), WASI_OK);
    CHECK_WASI(g_write(g, fd, "end", &done), WASI_OK);
    (void)g_must_open(g, 3, "dir", WASI_OFLAG_DIRECTORY, DIR_RIGHTS);
    (void)g_must_open(g, 3, "dir/file", 0, WASI_RIGHT_FD_READ);
}

TEST(memory_is_saved_with_all_it_holds)
{
    struct guest *g = guest_start(GUEST_MEMFS);
    struct g_stat a;
    struct g_stat b;
    furnish(g);
    CHECK_WASI(g_stat_path(g, 3, 0, "dir/file", &a), WASI_OK);
    uint64_t used = iso_wasi_memfs_used(g->memfs);
    move(g);
    CHECK(iso_wasi_memfs_used(g->memfs) <= used);
    CHECK_WASI(g_stat_path(g, 3, 0, "link", &b), WASI_OK);
    CHECK_EQ_U64(b.ino, a.ino);
    CHECK_EQ_U64(b.nlink, 2);
    CHECK_EQ_U64(b.mtim, a.mtim);
    CHECK_EQ_U64(b.size, 13);
    g_check_file(g, 3, "symlink", "some contents");
    CHECK_WASI(g_stat_path(g, 3, 0, "sparse", &b), WASI_OK);
    CHECK_EQ_U64(b.size, 50003);
    CHECK_WASI(g_rmdir(g, 3, "dir/empty"), WASI_OK);
    /* New files do not get old numbers. */
    g_file(g, 3, "new", "");
    CHECK_WASI(g_stat_path(g, 3, 0, "new", &b), WASI_OK);
    CHECK(b.ino > a.ino);
    guest_stop(g);
}

TEST(memory_that_does_not_fit_is_refused)
{
    struct guest *g = guest_start(GUEST_MEMFS);
    struct iso_buf buf;
    struct iso_report report;
    furnish(g);
    CHECK_OK(save(g, &buf, &report));
    another_world(g);
    g->memfs->max_bytes = 2000;
    CHECK_ERR(load(g, iso_buf_view(&buf), &report), ISO_E_LIMIT);
    CHECK_CONTAINS(report.text, "2000 bytes");
    iso_buf_fini(&buf);
    guest_stop(g);
}

TEST(damaged_bytes_do_no_harm)
{
    FOR_EACH_FS(g)
    {
        struct iso_buf buf;
        struct iso_report report;
        furnish(g);
        CHECK_OK(save(g, &buf, &report));
        uint8_t *copy = malloc(buf.len);
        CHECK(copy != NULL);
        unsigned accepted = 0;
        for (size_t len = 0; len < buf.len; len += len < 400 ? 1 : 37) {
            memcpy(copy, buf.ptr, len);
            another_world(g);
            CHECK(load(g, iso_bytes_from(copy, len), &report) != ISO_OK);
            CHECK(report.set);
        }
        static const uint8_t flips[] = {0x01, 0x80, 0xff};
        for (size_t at = 0; at < buf.len; at += at < 600 ? 1 : 61) {
            memcpy(copy, buf.ptr, buf.len);
            copy[at] ^= flips[at % sizeof flips];
            another_world(g);
            if (load(g, iso_bytes_from(copy, buf.len), &report) == ISO_OK) {
                accepted++; /* a time, a right, a letter: then everything works */
                uint32_t fd;
                (void)g_open(g, 3, "dir", 0, 0, 0, 0, 0, &fd);
                (void)CALL(g, "fd_readdir", 3, DATA, 500, 0, OUT);
            }
        }
        CHECK(accepted > 0);
        free(copy);
        iso_buf_fini(&buf);
    }
}

TEST(saving_and_loading_survive_every_failing_allocation)
{
    FOR_EACH_FS(g)
    {
        struct iso_buf buf;
        struct iso_buf again;
        struct iso_report report;
        furnish(g);
        CHECK_OK(save(g, &buf, &report));
        for (uint64_t nth = 1;; nth++) {
            g->memory.fail_at = g->memory.requests + nth;
            g->memory.failed = false;
            enum iso_err err = save(g, &again, &report);
            g->memory.fail_at = 0;
            iso_buf_fini(&again);
            if (!g->memory.failed) {
                CHECK_OK(err);
                break;
            }
            CHECK_ERR(err, ISO_E_NOMEM);
        }
        for (uint64_t nth = 1;; nth++) {
            another_world(g);
            g->memory.fail_at = g->memory.requests + nth;
            g->memory.failed = false;
            enum iso_err err = load(g, iso_buf_view(&buf), &report);
            g->memory.fail_at = 0;
            if (!g->memory.failed) {
                CHECK_OK(err);
                break;
            }
        }
        iso_buf_fini(&buf);
    }
}
