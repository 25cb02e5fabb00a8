/* The store of a process that is killed (SIGKILL): what was not committed has not happened, what a
 * function has returned is there. */
#include "orchestrator/store.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/test.h"
#include "orchestrator/store_test_support.h"

#define STR(text) iso_str_from_z(text)

/* A child that works on the store and tells of each step with a number, until it is killed. */
struct worker {
    pid_t pid;
    int pipe;
};

static struct worker work(void (*run)(struct iso_or_store *store, int pipe))
{
    int ends[2];
    CHECK(pipe(ends) == 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        struct iso_or_store *store = NULL;
        (void)close(ends[0]);
        if (iso_or_store_open(store_test_path, &store, NULL) != ISO_OK) {
            _exit(1);
        }
        run(store, ends[1]);
        _exit(2);
    }
    (void)close(ends[1]);
    return (struct worker){pid, ends[0]};
}

static void tell(int pipe, uint64_t number)
{
    if (write(pipe, &number, sizeof number) != (ssize_t)sizeof number) {
        _exit(3);
    }
}

static uint64_t hear(struct worker worker)
{
    uint64_t number = 0;
    CHECK(read(worker.pipe, &number, sizeof number) == (ssize_t)sizeof number);
    return number;
}

/* Kills it; returns the last number that it told. */
static uint64_t end(struct worker worker, uint64_t last)
{
    CHECK(kill(worker.pid, SIGKILL) == 0);
    uint64_t number = 0;
    while (read(worker.pipe, &number, sizeof number) == (ssize_t)sizeof number) {
        last = number;
    }
    (void)close(worker.pipe);
    int status = 0;
    CHECK(waitpid(worker.pid, &status, 0) == worker.pid);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    return last;
}

static void begins(struct iso_or_store *store, int pipe)
{
    if (iso_or_store_set(store, "a", STR("before"), NULL) != ISO_OK ||
        iso_or_store_begin(store, NULL) != ISO_OK ||
        iso_or_store_set(store, "a", STR("within"), NULL) != ISO_OK) {
        _exit(4);
    }
    tell(pipe, 1);
    (void)pause();
}

static void commits(struct iso_or_store *store, int pipe)
{
    if (iso_or_store_begin(store, NULL) != ISO_OK ||
        iso_or_store_set(store, "a", STR("committed"), NULL) != ISO_OK ||
        iso_or_store_commit(store, NULL) != ISO_OK) {
        _exit(4);
    }
    tell(pipe, 1);
    (void)pause();
}

static void check_setting(const char *expected)
{
    struct iso_or_store *store = NULL;
    struct iso_buf out;
    iso_buf_init(&out, iso_alloc_libc(), 100);
    CHECK_OK(iso_or_store_open(store_test_path, &store, NULL));
    CHECK_OK(iso_or_store_get(store, "a", &out, NULL));
    CHECK_OK(iso_buf_append_u8(&out, 0));
    CHECK_STR((const char *)out.ptr, expected);
    iso_buf_fini(&out);
    iso_or_store_close(store);
}

TEST(killed_between_begin_and_commit)
{
    store_test_make_dir();
    struct worker worker = work(begins);
    (void)hear(worker);
    (void)end(worker, 1);
    check_setting("before");
    store_test_drop_dir();
}

TEST(killed_after_commit)
{
    store_test_make_dir();
    struct worker worker = work(commits);
    (void)hear(worker);
    (void)end(worker, 1);
    check_setting("committed");
    store_test_drop_dir();
}

/* Takes epochs as fast as it can, and tells of each. */
static void takes_epochs(struct iso_or_store *store, int pipe)
{
    for (;;) {
        uint64_t epoch = 0;
        if (iso_or_store_epoch_next(store, STR("app"), STR("c"), 0, &epoch, NULL) != ISO_OK) {
            _exit(4);
        }
        tell(pipe, epoch);
    }
}

TEST(an_epoch_that_was_seen_is_never_given_again)
{
    store_test_make_dir();
    uint64_t last = 0;
    for (unsigned round = 0; round < 20; round++) {
        struct worker worker = work(takes_epochs);
        uint64_t told = 0;
        for (unsigned i = 0; i <= round; i++) {
            told = hear(worker);
            CHECK(told > last);
            last = told;
        }
        last = end(worker, last);
    }
    struct iso_or_store *store = NULL;
    uint64_t next = 0;
    CHECK_OK(iso_or_store_open(store_test_path, &store, NULL));
    CHECK_OK(iso_or_store_epoch_next(store, STR("app"), STR("c"), 0, &next, NULL));
    CHECK(next > last);
    iso_or_store_close(store);
    store_test_drop_dir();
}
