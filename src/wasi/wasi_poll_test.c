/* poll_oneoff, and calls that suspend: reading and writing of pipes. Time is the test's own. */
#include "wasi/wasi_guest_test_support.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OUT = 1025, IOV = 2049, DATA = 4097, SUBS = 20001, EVENTS = 30001 };
#define MS UINT64_C(1000000)

static uint64_t now_ns;

static uint64_t test_clock(void *ctx)
{
    (void)ctx;
    return now_ns;
}

/* A guest whose standard streams are pipes; the test holds the other ends. */
struct pipes {
    int to_stdin;
    int from_stdout;
    int fds[4];
};

static struct guest *guest_with_pipes(struct pipes *p)
{
    struct guest *g = guest_prepare(GUEST_MEMFS);
    CHECK(pipe(p->fds) == 0);
    CHECK(pipe(p->fds + 2) == 0);
    p->to_stdin = p->fds[1];
    p->from_stdout = p->fds[2];
    g->config.stdio[0] = (struct iso_wasi_stream){.kind = ISO_WASI_STREAM_FD, .fd = p->fds[0]};
    g->config.stdio[1] = (struct iso_wasi_stream){.kind = ISO_WASI_STREAM_FD, .fd = p->fds[3]};
    g->config.monotonic = test_clock;
    g->config.realtime = test_clock;
    now_ns = 1000 * MS;
    guest_create(g);
    return g;
}

static void close_pipes(struct guest *g, struct pipes *p)
{
    guest_stop(g);
    for (int i = 0; i < 4; i++) {
        (void)close(p->fds[i]);
    }
}

static void put_sub(struct guest *g, uint32_t index, uint64_t userdata, uint8_t type)
{
    uint8_t *sub = g->bytes + SUBS + index * WASI_SIZE_SUBSCRIPTION;
    memset(sub, 0xee, WASI_SIZE_SUBSCRIPTION); /* padding holds anything */
    iso_store_u64le(sub, userdata);
    sub[8] = type;
}

static void sub_clock(struct guest *g, uint32_t index, uint64_t userdata, uint32_t clock,
                      uint64_t timeout, uint16_t flags)
{
    uint8_t *sub = g->bytes + SUBS + index * WASI_SIZE_SUBSCRIPTION;
    put_sub(g, index, userdata, WASI_EVENT_CLOCK);
    iso_store_u32le(sub + 16, clock);
    iso_store_u64le(sub + 24, timeout);
    iso_store_u64le(sub + 32, 0);
    iso_store_u16le(sub + 40, flags);
}

static void sub_fd(struct guest *g, uint32_t index, uint64_t userdata, uint8_t type, uint32_t fd)
{
    put_sub(g, index, userdata, type);
    iso_store_u32le(g->bytes + SUBS + index * WASI_SIZE_SUBSCRIPTION + 16, fd);
}

struct event {
    uint64_t userdata, nbytes;
    uint16_t error, flags;
    uint8_t type;
};

/* Issue the call; the number of events, or -1 when it is pending. */
static int poll_now(struct guest *g, uint32_t subs, struct event *events)
{
    uint64_t err = CALL(g, "poll_oneoff", SUBS, EVENTS, subs, OUT);
    if (err == G_PENDING) {
        return -1;
    }
    CHECK_WASI(err, WASI_OK);
    uint32_t count = guest_u32(g, OUT);
    CHECK(count > 0 && count <= subs);
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *e = g->bytes + EVENTS + i * WASI_SIZE_EVENT;
        events[i] = (struct event){.userdata = iso_load_u64le(e),
                                   .error = iso_load_u16le(e + 8),
                                   .type = e[10],
                                   .nbytes = iso_load_u64le(e + 16),
                                   .flags = iso_load_u16le(e + 24)};
    }
    return (int)count;
}

TEST(clocks_are_waited_for_until_they_are_due)
{
    struct pipes p;
    struct event events[4];
    struct guest *g = guest_with_pipes(&p);
    struct iso_wasi_waiter waiter[4];
    size_t count;
    int64_t timeout;
    sub_clock(g, 0, 11, WASI_CLOCK_MONOTONIC, 50 * MS, 0);
    sub_clock(g, 1, 22, WASI_CLOCK_REALTIME, 20 * MS, 0);
    CHECK_EQ_I64(poll_now(g, 2, events), -1);
    iso_wasi_waiting(g->wasi, waiter, 4, &count, &timeout);
    CHECK_EQ_U64(count, 0);
    CHECK_EQ_I64(timeout, 20 * MS);
    now_ns += 19 * MS;
    CHECK_EQ_I64(poll_now(g, 2, events), -1);
    iso_wasi_waiting(g->wasi, waiter, 4, &count, &timeout);
    CHECK_EQ_I64(timeout, 1 * MS);
    now_ns += 1 * MS;
    CHECK_EQ_I64(poll_now(g, 2, events), 1);
    CHECK_EQ_U64(events[0].userdata, 22);
    CHECK_EQ_U64(events[0].type, WASI_EVENT_CLOCK);
    CHECK_EQ_U64(events[0].error, 0);
    /* A new call counts from its own beginning. */
    CHECK_EQ_I64(poll_now(g, 1, events), -1);
    now_ns += 60 * MS;
    CHECK_EQ_I64(poll_now(g, 1, events), 1);
    CHECK_EQ_U64(events[0].userdata, 11);
    close_pipes(g, &p);
}

TEST(absolute_times_and_bad_clocks)
{
    struct pipes p;
    struct event events[4];
    struct guest *g = guest_with_pipes(&p);
    sub_clock(g, 0, 1, WASI_CLOCK_REALTIME, now_ns + 5 * MS, WASI_SUBCLOCK_ABSTIME);
    CHECK_EQ_I64(poll_now(g, 1, events), -1);
    now_ns += 5 * MS;
    CHECK_EQ_I64(poll_now(g, 1, events), 1);
    sub_clock(g, 0, 1, WASI_CLOCK_MONOTONIC, 1, WASI_SUBCLOCK_ABSTIME); /* long ago */
    sub_clock(g, 1, 2, WASI_CLOCK_MONOTONIC, UINT64_MAX, 0);
    sub_clock(g, 2, 3, 99, 5, 0);
    sub_clock(g, 3, 4, WASI_CLOCK_PROCESS_CPUTIME, 5, 0);
    CHECK_EQ_I64(poll_now(g, 4, events), 3);
    CHECK_EQ_U64(events[0].error, WASI_OK);
    CHECK_EQ_U64(events[1].userdata, 3);
    CHECK_EQ_U64(events[1].error, WASI_EINVAL);
    CHECK_EQ_U64(events[2].error, WASI_ENOTSUP);
    CHECK_WASI(CALL(g, "poll_oneoff", SUBS, EVENTS, 0, OUT), WASI_EINVAL);
    CHECK_WASI(CALL(g, "poll_oneoff", SUBS, EVENTS, 8193, OUT), WASI_EINVAL);
    CHECK_WASI(CALL(g, "poll_oneoff", GUEST_MEMORY - 47, EVENTS, 1, OUT), WASI_EFAULT);
    CHECK_WASI(CALL(g, "poll_oneoff", SUBS, GUEST_MEMORY - 31, 1, OUT), WASI_EFAULT);
    put_sub(g, 0, 0, 3);
    CHECK_WASI(CALL(g, "poll_oneoff", SUBS, EVENTS, 1, OUT), WASI_EINVAL);
    close_pipes(g, &p);
}

TEST(descriptors_are_ready_or_waited_for)
{
    struct pipes p;
    struct event events[4];
    struct iso_wasi_waiter waiter[4];
    size_t count;
    int64_t timeout;
    struct guest *g = guest_with_pipes(&p);
    sub_fd(g, 0, 1, WASI_EVENT_FD_READ, 0);
    CHECK_EQ_I64(poll_now(g, 1, events), -1);
    iso_wasi_waiting(g->wasi, waiter, 4, &count, &timeout);
    CHECK_EQ_U64(count, 1);
    CHECK_EQ_I64(waiter[0].fd, p.fds[0]);
    CHECK_EQ_I64(waiter[0].events, POLLIN);
    CHECK_EQ_I64(timeout, INT64_MAX);
    CHECK_OK(iso_wasi_wait(g->wasi, 0));
    CHECK(write(p.to_stdin, "abc", 3) == 3);
    CHECK_OK(iso_wasi_wait(g->wasi, -1));
    CHECK_EQ_I64(poll_now(g, 1, events), 1);
    CHECK_EQ_U64(events[0].type, WASI_EVENT_FD_READ);
    CHECK_EQ_U64(events[0].nbytes, 3);
    /* Both a clock and descriptors: what is ready wins. */
    sub_clock(g, 1, 2, WASI_CLOCK_MONOTONIC, 1000 * MS, 0);
    sub_fd(g, 2, 3, WASI_EVENT_FD_WRITE, 1);
    CHECK_EQ_I64(poll_now(g, 3, events), 2);
    CHECK_EQ_U64(events[0].userdata, 1);
    CHECK_EQ_U64(events[1].userdata, 3);
    CHECK_EQ_U64(events[1].type, WASI_EVENT_FD_WRITE);
    /* The end of a pipe. */
    char byte[4];
    uint32_t done;
    CHECK_WASI(g_read(g, 0, byte, 3, &done), WASI_OK);
    CHECK(close(p.to_stdin) == 0);
    p.fds[1] = dup(p.fds[0]);
    CHECK_EQ_I64(poll_now(g, 1, events), 1);
    CHECK_EQ_U64(events[0].flags, WASI_EVENTRW_HANGUP);
    CHECK_WASI(g_read(g, 0, byte, 3, &done), WASI_OK);
    CHECK_EQ_U64(done, 0);
    close_pipes(g, &p);
}

TEST(files_are_always_ready_and_bad_descriptors_are_events)
{
    struct pipes p;
    struct event events[4];
    struct guest *g = guest_with_pipes(&p);
    g_file(g, 3, "file", "12345");
    uint32_t file = g_must_open(g, 3, "file", 0, G_ALL);
    uint32_t no_right = g_must_open(g, 3, "file", 0, WASI_RIGHT_FD_READ);
    sub_fd(g, 0, 1, WASI_EVENT_FD_READ, file);
    sub_fd(g, 1, 2, WASI_EVENT_FD_WRITE, file);
    sub_fd(g, 2, 3, WASI_EVENT_FD_READ, 77);
    sub_fd(g, 3, 4, WASI_EVENT_FD_READ, no_right);
    CHECK_EQ_I64(poll_now(g, 4, events), 4);
    CHECK_EQ_U64(events[0].nbytes, 5);
    CHECK_EQ_U64(events[1].error, WASI_OK);
    CHECK_EQ_U64(events[2].error, WASI_EBADF);
    CHECK_EQ_U64(events[3].error, WASI_ENOTCAPABLE);
    /* Events may overwrite the subscriptions. */
    sub_fd(g, 0, 5, WASI_EVENT_FD_READ, file);
    sub_fd(g, 1, 6, WASI_EVENT_FD_READ, file);
    CHECK_WASI(CALL(g, "poll_oneoff", SUBS, SUBS, 2, OUT), WASI_OK);
    CHECK_EQ_U64(guest_u32(g, OUT), 2);
    CHECK_EQ_U64(guest_u64(g, SUBS), 5);
    CHECK_EQ_U64(guest_u64(g, SUBS + 32), 6);
    close_pipes(g, &p);
}

TEST(subscriptions_of_preview_0_are_larger)
{
    struct pipes p;
    struct guest *g = guest_with_pipes(&p);
    uint8_t *sub = g->bytes + SUBS;
    memset(sub, 0xee, 112);
    iso_store_u64le(sub, 7);
    sub[8] = WASI_EVENT_CLOCK;
    iso_store_u32le(sub + 24, WASI_CLOCK_MONOTONIC);
    iso_store_u64le(sub + 32, 30 * MS);
    iso_store_u16le(sub + 48, 0);
    iso_store_u64le(sub + 56, 8);
    sub[56 + 8] = WASI_EVENT_FD_READ;
    iso_store_u32le(sub + 56 + 16, 0);
    CHECK_EQ_U64(CALL_P0(g, "poll_oneoff", SUBS, EVENTS, 2, OUT), G_PENDING);
    now_ns += 30 * MS;
    CHECK_WASI(CALL_P0(g, "poll_oneoff", SUBS, EVENTS, 2, OUT), WASI_OK);
    CHECK_EQ_U64(guest_u32(g, OUT), 1);
    CHECK_EQ_U64(guest_u64(g, EVENTS), 7);
    close_pipes(g, &p);
}

TEST(reading_an_empty_pipe_suspends)
{
    struct pipes p;
    char text[16];
    uint32_t done;
    struct guest *g = guest_with_pipes(&p);
    CHECK_EQ_U64(g_read(g, 0, text, 10, &done), G_PENDING);
    CHECK_EQ_U64(g_read(g, 0, text, 10, &done), G_PENDING);
    CHECK(write(p.to_stdin, "hello", 5) == 5);
    CHECK_OK(iso_wasi_wait(g->wasi, -1));
    CHECK_WASI(g_read(g, 0, text, 10, &done), WASI_OK);
    CHECK_STR(text, "hello");
    CHECK_WASI(CALL(g, "fd_fdstat_set_flags", 0, WASI_FDFLAG_NONBLOCK), WASI_OK);
    CHECK_WASI(g_read(g, 0, text, 10, &done), WASI_EAGAIN);
    /* The host's descriptor stays as it was. */
    CHECK_EQ_I64(fcntl(p.fds[0], F_GETFL) & O_NONBLOCK, 0);
    close_pipes(g, &p);
}

TEST(writing_more_than_a_pipe_holds_suspends_and_goes_on_where_it_was)
{
    enum { TOTAL = 300000 };
    struct pipes p;
    struct guest *g = guest_with_pipes(&p);
    static uint8_t got[TOTAL];
    size_t have = 0;
    int issues = 0;
    for (uint32_t i = 0; i < TOTAL; i++) {
        g->bytes[GUEST_HEAP + i] = (uint8_t)(i * 7 + i / 251);
    }
    for (uint32_t i = 0; i < 3; i++) {
        iso_store_u32le(g->bytes + IOV + i * 8, GUEST_HEAP + i * (TOTAL / 3));
        iso_store_u32le(g->bytes + IOV + i * 8 + 4, TOTAL / 3);
    }
    uint64_t err;
    while ((err = CALL(g, "fd_write", 1, IOV, 3, OUT)) == G_PENDING) {
        ssize_t n = read(p.from_stdout, got + have, 50000);
        CHECK(n > 0);
        have += (size_t)n;
        CHECK(++issues < 1000);
        CHECK_OK(iso_wasi_wait(g->wasi, -1));
    }
    CHECK_WASI(err, WASI_OK);
    CHECK_EQ_U64(guest_u32(g, OUT), TOTAL);
    CHECK(issues > 1);
    while (have < TOTAL) {
        ssize_t n = read(p.from_stdout, got + have, TOTAL - have);
        CHECK(n > 0);
        have += (size_t)n;
    }
    CHECK_MEM(got, g->bytes + GUEST_HEAP, TOTAL);
    /* Without waiting: what fits. */
    CHECK_WASI(CALL(g, "fd_fdstat_set_flags", 1, WASI_FDFLAG_NONBLOCK), WASI_OK);
    CHECK_WASI(CALL(g, "fd_write", 1, IOV, 3, OUT), WASI_OK);
    CHECK(guest_u32(g, OUT) > 0 && guest_u32(g, OUT) < TOTAL);
    CHECK_WASI(CALL(g, "fd_write", 1, IOV, 3, OUT), WASI_EAGAIN);
    close_pipes(g, &p);
}

TEST(pipes_are_no_files)
{
    struct pipes p;
    struct guest *g = guest_with_pipes(&p);
    struct g_fdstat fdstat;
    struct g_stat st;
    uint64_t at;
    CHECK_WASI(g_fdstat(g, 0, &fdstat), WASI_OK);
    CHECK_EQ_U64(fdstat.filetype, WASI_FILETYPE_UNKNOWN);
    CHECK_WASI(g_stat_fd(g, 0, &st), WASI_OK);
    CHECK_EQ_U64(st.size, 0);
    CHECK_EQ_U64(st.mtim, 0);
    CHECK_WASI(g_seek(g, 0, 0, WASI_WHENCE_CUR, &at), WASI_ESPIPE);
    CHECK_WASI(CALL(g, "fd_tell", 0, OUT), WASI_ESPIPE);
    iso_store_u32le(g->bytes + IOV, DATA);
    iso_store_u32le(g->bytes + IOV + 4, 1);
    CHECK_WASI(CALL(g, "fd_pread", 0, IOV, 1, 0, OUT), WASI_ESPIPE);
    CHECK_WASI(CALL(g, "fd_allocate", 0, 0, 1), WASI_ESPIPE);
    CHECK_WASI(CALL(g, "fd_readdir", 0, DATA, 10, 0, OUT), WASI_ENOTDIR);
    CHECK_WASI(CALL(g, "sock_shutdown", 1, 1), WASI_ENOTSOCK);
    close_pipes(g, &p);
}

/* A stream of callbacks that has something at every other call. */
struct script {
    unsigned calls;
    size_t written;
};

static enum iso_wasi_io script_read(void *ctx, void *bytes, size_t len, size_t *done)
{
    struct script *s = ctx;
    if (s->calls++ % 2 == 0) {
        return ISO_WASI_IO_BLOCK;
    }
    *done = len < 2 ? len : 2;
    memset(bytes, 'r', *done);
    return s->calls > 5 ? ISO_WASI_IO_ERROR : ISO_WASI_IO_OK;
}

static enum iso_wasi_io script_write(void *ctx, const void *bytes, size_t len, size_t *done)
{
    struct script *s = ctx;
    (void)bytes;
    if (s->calls++ % 2 == 0) {
        return ISO_WASI_IO_BLOCK;
    }
    *done = len < 3 ? len : 3;
    s->written += *done;
    return ISO_WASI_IO_OK;
}

TEST(streams_can_be_memory_or_callbacks)
{
    struct guest *g = guest_prepare(GUEST_MEMFS);
    struct iso_buf output;
    struct script script = {0, 0};
    struct g_fdstat st;
    char text[16];
    uint32_t done;
    iso_buf_init(&output, &g->memory.alloc, 8);
    g->config.stdio[0] = (struct iso_wasi_stream){.kind = ISO_WASI_STREAM_BUFFER,
                                                  .input = iso_bytes_from("abcdef", 6)};
    g->config.stdio[1] =
        (struct iso_wasi_stream){.kind = ISO_WASI_STREAM_BUFFER, .output = &output};
    g->config.stdio[2] = (struct iso_wasi_stream){.kind = ISO_WASI_STREAM_CALLBACK,
                                                  .read = script_read,
                                                  .write = script_write,
                                                  .ctx = &script,
                                                  .is_terminal = true};
    guest_create(g);
    CHECK_WASI(g_read(g, 0, text, 4, &done), WASI_OK);
    CHECK_STR(text, "abcd");
    CHECK_WASI(g_read(g, 0, text, 4, &done), WASI_OK);
    CHECK_STR(text, "ef");
    CHECK_WASI(g_read(g, 0, text, 4, &done), WASI_OK);
    CHECK_EQ_U64(done, 0);
    CHECK_WASI(g_write(g, 1, "12345", &done), WASI_OK);
    CHECK_WASI(g_write(g, 1, "67890", &done), WASI_ENOSPC);
    CHECK_MEM(output.ptr, "12345", 5);
    CHECK_EQ_U64(g_read(g, 2, text, 4, &done), G_PENDING);
    CHECK_OK(iso_wasi_wait(g->wasi, 0));
    CHECK_WASI(g_read(g, 2, text, 4, &done), WASI_OK);
    CHECK_STR(text, "rr");
    /* "1234567" goes in three parts, with a pause before each. */
    CHECK_EQ_U64(g_write(g, 2, "1234567", &done), G_PENDING);
    CHECK_EQ_U64(g_write(g, 2, "1234567", &done), G_PENDING);
    CHECK_EQ_U64(g_write(g, 2, "1234567", &done), G_PENDING);
    CHECK_WASI(g_write(g, 2, "1234567", &done), WASI_OK);
    CHECK_EQ_U64(done, 7);
    CHECK_EQ_U64(script.written, 7);
    script.calls = 5;
    CHECK_WASI(g_read(g, 2, text, 4, &done), WASI_EIO);
    CHECK_WASI(g_fdstat(g, 2, &st), WASI_OK);
    CHECK_EQ_U64(st.filetype, WASI_FILETYPE_CHARACTER_DEVICE);
    CHECK_EQ_U64(st.base & (WASI_RIGHT_FD_SEEK | WASI_RIGHT_FD_TELL), 0);
    iso_buf_fini(&output);
    guest_stop(g);
}

TEST(redirected_files_can_be_sought_and_devices_are_no_terminals)
{
    char path[] = "/tmp/iso_wasi_test_XXXXXX";
    int file = mkstemp(path);
    int null = open("/dev/null", O_RDWR);
    CHECK(file >= 0 && null >= 0);
    CHECK(write(file, "0123456789", 10) == 10);
    CHECK(lseek(file, 2, SEEK_SET) == 2);
    struct guest *g = guest_prepare(GUEST_MEMFS);
    struct g_fdstat st;
    struct g_stat stat;
    uint64_t at;
    uint32_t done;
    char text[8];
    g->config.stdio[0] = (struct iso_wasi_stream){.kind = ISO_WASI_STREAM_FD, .fd = file};
    g->config.stdio[1] = (struct iso_wasi_stream){.kind = ISO_WASI_STREAM_FD, .fd = null};
    guest_create(g);
    CHECK_WASI(g_read(g, 0, text, 3, &done), WASI_OK);
    CHECK_STR(text, "234"); /* the position is the one that others gave it */
    CHECK_WASI(g_seek(g, 0, -1, WASI_WHENCE_END, &at), WASI_OK);
    CHECK_EQ_U64(at, 9);
    CHECK_EQ_I64(lseek(file, 0, SEEK_CUR), 9);
    iso_store_u32le(g->bytes + IOV, DATA);
    iso_store_u32le(g->bytes + IOV + 4, 2);
    CHECK_WASI(CALL(g, "fd_pread", 0, IOV, 1, 4, OUT), WASI_OK);
    CHECK_MEM(g->bytes + DATA, "45", 2);
    CHECK_WASI(CALL(g, "fd_pwrite", 0, IOV, 1, 0, OUT), WASI_OK);
    CHECK_EQ_I64(lseek(file, 0, SEEK_CUR), 9);
    CHECK_WASI(CALL(g, "fd_pread", 0, IOV, 1, 0, OUT), WASI_OK);
    CHECK_MEM(g->bytes + DATA, "45", 2);
    CHECK_WASI(g_stat_fd(g, 0, &stat), WASI_OK);
    CHECK_EQ_U64(stat.size, 10);
    CHECK_EQ_U64(stat.filetype, WASI_FILETYPE_REGULAR_FILE);
    CHECK_WASI(g_fdstat(g, 1, &st), WASI_OK);
    CHECK_EQ_U64(st.filetype, WASI_FILETYPE_CHARACTER_DEVICE);
    CHECK((st.base & WASI_RIGHT_FD_SEEK) != 0);
    CHECK_WASI(g_write(g, 1, "gone", &done), WASI_OK);
    CHECK_WASI(CALL(g, "fd_sync", 1), WASI_OK);
    guest_stop(g);
    (void)unlink(path);
    (void)close(file);
    (void)close(null);
}

TEST(pipes_in_a_directory_do_not_block_the_host)
{
    for (int fs = GUEST_OPENAT2; fs <= GUEST_STEPS; fs++) {
        struct guest *g = guest_start((enum guest_fs)fs);
        char path[96];
        char text[8];
        uint32_t fd;
        uint32_t done;
        (void)iso_format(path, sizeof path, "%s/fifo", g->dir);
        CHECK(mkfifo(path, 0600) == 0);
        CHECK_WASI(g_open(g, 3, "fifo", 0, 0, WASI_RIGHT_FD_WRITE, 0, 0, &fd), WASI_ENXIO);
        CHECK_WASI(g_open(g, 3, "fifo", 0, 0, G_ALL & ~WASI_RIGHT_FD_WRITE, 0, 0, &fd), WASI_OK);
        int writer = open(path, O_WRONLY | O_NONBLOCK);
        CHECK(writer >= 0);
        CHECK_EQ_U64(g_read(g, fd, text, 4, &done), G_PENDING);
        CHECK(write(writer, "x", 1) == 1);
        CHECK_WASI(g_read(g, fd, text, 4, &done), WASI_OK);
        CHECK_STR(text, "x");
        CHECK_WASI(g_close(g, fd), WASI_OK);
        (void)close(writer);
        guest_stop(g);
    }
}
