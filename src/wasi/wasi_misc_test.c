/* Arguments, environment, clocks, random numbers, the end of the program, and what creating a world
 * refuses. */
#include "wasi/wasi_guest_test_support.h"

enum { OUT = 1025, DATA = 4097 };

static uint64_t fake_now = 5000;

static uint64_t fake_clock(void *ctx)
{
    (void)ctx;
    return fake_now;
}

static struct guest *guest_with_strings(void)
{
    static const char *const args[] = {"prog", "first", "the \"second\" arg", ""};
    static const char *const env[] = {"A=b", "LINES=new\nline"};
    struct guest *g = guest_prepare(GUEST_MEMFS);
    g->config.args = args;
    g->config.arg_count = 4;
    g->config.env = env;
    g->config.env_count = 2;
    return g;
}

TEST(arguments_and_environment_arrive)
{
    struct guest *g = guest_with_strings();
    guest_create(g);
    CHECK_WASI(CALL(g, "args_sizes_get", OUT, OUT + 4), WASI_OK);
    CHECK_EQ_U64(guest_u32(g, OUT), 4);
    CHECK_EQ_U64(guest_u32(g, OUT + 4), 5 + 6 + 17 + 1);
    CHECK_WASI(CALL(g, "args_get", OUT, DATA), WASI_OK);
    CHECK_EQ_U64(guest_u32(g, OUT), DATA);
    CHECK_STR((const char *)g->bytes + guest_u32(g, OUT + 4), "first");
    CHECK_STR((const char *)g->bytes + guest_u32(g, OUT + 8), "the \"second\" arg");
    CHECK_STR((const char *)g->bytes + guest_u32(g, OUT + 12), "");
    CHECK_WASI(CALL(g, "environ_sizes_get", OUT, OUT + 4), WASI_OK);
    CHECK_EQ_U64(guest_u32(g, OUT), 2);
    CHECK_WASI(CALL(g, "environ_get", OUT, DATA), WASI_OK);
    CHECK_STR((const char *)g->bytes + guest_u32(g, OUT), "A=b");
    CHECK_STR((const char *)g->bytes + guest_u32(g, OUT + 4), "LINES=new\nline");
    CHECK_WASI(CALL(g, "args_get", GUEST_MEMORY - 15, DATA), WASI_EFAULT);
    CHECK_WASI(CALL(g, "args_get", OUT, GUEST_MEMORY - 10), WASI_EFAULT);
    CHECK_WASI(CALL(g, "args_sizes_get", GUEST_MEMORY - 3, OUT), WASI_EFAULT);
    CHECK_WASI(CALL(g, "environ_sizes_get", OUT, GUEST_MEMORY - 3), WASI_EFAULT);
    guest_stop(g);
}

TEST(no_arguments_are_fine)
{
    struct guest *g = guest_start(GUEST_MEMFS);
    CHECK_WASI(CALL(g, "args_sizes_get", OUT, OUT + 4), WASI_OK);
    CHECK_EQ_U64(guest_u64(g, OUT), 0);
    CHECK_WASI(CALL(g, "args_get", OUT, DATA), WASI_OK);
    CHECK_WASI(CALL(g, "environ_get", GUEST_MEMORY, GUEST_MEMORY), WASI_OK);
    guest_stop(g);
}

TEST(clocks_tell_the_time)
{
    struct guest *g = guest_start(GUEST_MEMFS);
    uint64_t last = 0;
    for (uint64_t i = 0; i < 100; i++) {
        CHECK_WASI(CALL(g, "clock_time_get", WASI_CLOCK_MONOTONIC, i, OUT), WASI_OK);
        CHECK(guest_u64(g, OUT) >= last);
        last = guest_u64(g, OUT);
        CHECK(last > 0);
    }
    CHECK_WASI(CALL(g, "clock_time_get", WASI_CLOCK_REALTIME, 0, OUT), WASI_OK);
    CHECK(guest_u64(g, OUT) > UINT64_C(1600000000000000000));
    for (uint32_t id = 0; id < WASI_CLOCK_COUNT; id++) {
        CHECK_WASI(CALL(g, "clock_res_get", id, OUT), WASI_OK);
        CHECK(guest_u64(g, OUT) > 0);
        CHECK_WASI(CALL(g, "clock_time_get", id, 0, OUT), WASI_OK);
    }
    CHECK_WASI(CALL(g, "clock_time_get", 4, 0, OUT), WASI_EINVAL);
    CHECK_WASI(CALL(g, "clock_res_get", 4, OUT), WASI_EINVAL);
    CHECK_WASI(CALL(g, "clock_time_get", 0, 0, GUEST_MEMORY - 7), WASI_EFAULT);
    CHECK_WASI(CALL(g, "clock_res_get", 0, GUEST_MEMORY - 7), WASI_EFAULT);
    guest_stop(g);
}

TEST(clocks_can_be_the_embedders)
{
    struct guest *g = guest_prepare(GUEST_MEMFS);
    g->config.realtime = fake_clock;
    g->config.monotonic = fake_clock;
    fake_now = 5000;
    guest_create(g);
    CHECK_WASI(CALL(g, "clock_time_get", WASI_CLOCK_REALTIME, 0, OUT), WASI_OK);
    CHECK_EQ_U64(guest_u64(g, OUT), 5000);
    CHECK_WASI(CALL(g, "clock_time_get", WASI_CLOCK_MONOTONIC, 0, OUT), WASI_OK);
    uint64_t start = guest_u64(g, OUT);
    fake_now += 123;
    CHECK_WASI(CALL(g, "clock_time_get", WASI_CLOCK_MONOTONIC, 0, OUT), WASI_OK);
    CHECK_EQ_U64(guest_u64(g, OUT), start + 123);
    guest_stop(g);
}

static bool fake_random(void *ctx, void *bytes, size_t len)
{
    memset(bytes, 0x5a, len);
    return *(bool *)ctx;
}

TEST(random_numbers_fill_the_buffer)
{
    struct guest *g = guest_start(GUEST_MEMFS);
    unsigned zeros = 0;
    CHECK_WASI(CALL(g, "random_get", DATA, 100000), WASI_OK);
    for (uint32_t i = 0; i < 100000; i++) {
        zeros += g->bytes[DATA + i] == 0 ? 1 : 0;
    }
    CHECK(zeros > 100 && zeros < 1000); /* 391 expected */
    CHECK_WASI(CALL(g, "random_get", DATA, 0), WASI_OK);
    CHECK_WASI(CALL(g, "random_get", GUEST_MEMORY - 1, 2), WASI_EFAULT);
    guest_stop(g);

    bool works = true;
    g = guest_prepare(GUEST_MEMFS);
    g->config.random = fake_random;
    g->config.random_ctx = &works;
    guest_create(g);
    CHECK_WASI(CALL(g, "random_get", DATA, 3), WASI_OK);
    CHECK_MEM(g->bytes + DATA, "ZZZ\0", 4);
    works = false;
    CHECK_WASI(CALL(g, "random_get", DATA, 3), WASI_EIO);
    guest_stop(g);
}

TEST(programs_end_and_raise_signals)
{
    struct guest *g = guest_start(GUEST_MEMFS);
    uint32_t status = 7;
    CHECK(!iso_wasi_exited(g->wasi, &status));
    CHECK_EQ_U64(status, 7);
    CHECK_WASI(CALL(g, "sched_yield"), WASI_OK);
    CHECK_EQ_U64(CALL(g, "proc_exit", 33), G_TRAP);
    CHECK_EQ_U64(g->exit_status, 33);
    CHECK(iso_wasi_exited(g->wasi, &status));
    CHECK_EQ_U64(status, 33);
    CHECK_WASI(CALL(g, "proc_raise", 0), WASI_OK);
    CHECK_WASI(CALL(g, "proc_raise", 16), WASI_OK);
    CHECK_WASI(CALL(g, "proc_raise", 18), WASI_ENOTSUP);
    CHECK_WASI(CALL(g, "proc_raise", 31), WASI_EINVAL);
    CHECK_EQ_U64(CALL(g, "proc_raise", 6), G_TRAP);
    CHECK_STR(g->trap, "the program raised SIGABRT");
    guest_stop(g);
}

static enum iso_err create(const struct iso_wasi_config *config, struct iso_report *report)
{
    struct iso_wasi *wasi = NULL;
    iso_report_init(report);
    enum iso_err err = iso_wasi_create(iso_alloc_libc(), config, &wasi, report);
    CHECK((err == ISO_OK) == (wasi != NULL));
    iso_wasi_destroy(wasi);
    return err;
}

TEST(creation_says_what_is_wrong)
{
    struct iso_report report;
    struct iso_wasi_preopen dir = {.guest_path = "/", .host_path = "/nowhere/at all"};
    struct iso_wasi_config config = {.preopens = &dir, .preopen_count = 1};
    CHECK_ERR(create(&config, &report), ISO_E_NOT_FOUND);
    CHECK_CONTAINS(report.text, "/nowhere/at all");
    dir.host_path = "/dev/null";
    CHECK_ERR(create(&config, &report), ISO_E_IO);
    CHECK_CONTAINS(report.text, "ENOTDIR");
    dir.host_path = NULL;
    CHECK_ERR(create(&config, &report), ISO_E_ARGUMENT);
    dir.host_path = "/";
    dir.guest_path = "\xff";
    CHECK_ERR(create(&config, &report), ISO_E_ARGUMENT);
    dir.guest_path = "/";
    CHECK_OK(create(&config, &report));
    config.max_open = 1 << 20;
    CHECK_ERR(create(&config, &report), ISO_E_LIMIT);
    config.max_open = 3;
    CHECK_ERR(create(&config, &report), ISO_E_LIMIT);
    config.max_open = 0;
    struct iso_wasi_socket socket = {.fd = -1};
    config.sockets = &socket;
    config.socket_count = 1;
    CHECK_ERR(create(&config, &report), ISO_E_ARGUMENT);
    CHECK_CONTAINS(report.text, "not a socket");
}

TEST(creation_survives_every_failing_allocation)
{
    static const char *const args[] = {"prog", "arg"};
    struct iso_alloc_test memory;
    iso_alloc_test_init(&memory);
    struct iso_wasi_preopen dirs[] = {{.guest_path = "/", .host_path = "/"},
                                      {.guest_path = "/tmp", .host_path = "/tmp"}};
    struct iso_wasi_config config = {.args = args,
                                     .arg_count = 2,
                                     .env = args,
                                     .env_count = 2,
                                     .preopens = dirs,
                                     .preopen_count = 2};
    bool failed = true;
    for (uint64_t nth = 1; failed; nth++) {
        struct iso_wasi *wasi = NULL;
        iso_alloc_test_restart(&memory, nth);
        enum iso_err err = iso_wasi_create(&memory.alloc, &config, &wasi, NULL);
        failed = memory.failed;
        CHECK_ERR(err, failed ? ISO_E_NOMEM : ISO_OK);
        iso_wasi_destroy(wasi);
        CHECK_EQ_U64(memory.live_bytes, 0);
    }
}
