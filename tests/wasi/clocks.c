/* Clocks, sleeping, and waiting for descriptors. */
#include "guest.h"

static struct subscription subs[4];
static struct event events[4];

static uint64_t now(uint32_t id)
{
    uint64_t ns = 0;
    OK(clock_time_get(id, 1, &ns));
    return ns;
}

static void sub_clock(uint32_t index, uint32_t id, uint64_t timeout, uint16_t flags)
{
    subs[index].userdata = 100 + index;
    subs[index].type = WASI_EVENT_CLOCK;
    subs[index].u.clock.id = id;
    subs[index].u.clock.timeout = timeout;
    subs[index].u.clock.precision = 0;
    subs[index].u.clock.flags = flags;
}

static void sub_fd(uint32_t index, uint8_t type, uint32_t fd)
{
    subs[index].userdata = 100 + index;
    subs[index].type = type;
    subs[index].u.fd = fd;
}

static uint32_t wait_for(uint32_t count)
{
    uint32_t done = 0;
    OK(poll_oneoff(subs, events, count, &done));
    IS(done > 0 && done <= count, true);
    return done;
}

static void tell(void)
{
    uint64_t ns = 0;
    uint64_t last = now(WASI_CLOCK_MONOTONIC);
    for (uint32_t i = 0; i < 100; i++) {
        uint64_t next = now(WASI_CLOCK_MONOTONIC);
        IS(next >= last, true);
        last = next;
    }
    IS(now(WASI_CLOCK_REALTIME) > UINT64_C(1600000000000000000), true);
    OK(clock_res_get(WASI_CLOCK_MONOTONIC, &ns));
    IS(ns > 0, true);
    OK(clock_res_get(WASI_CLOCK_REALTIME, &ns));
    IS(clock_time_get(77, 0, &ns), WASI_EINVAL);
    IS(clock_time_get(0, 0, (uint64_t *)0xfffffffc), WASI_EFAULT);
}

static void sleep_a_little(uint32_t id, uint16_t flags)
{
    uint64_t before = now(WASI_CLOCK_MONOTONIC);
    uint64_t timeout = 3000000;
    sub_clock(0, id, (flags & WASI_SUBCLOCK_ABSTIME) != 0 ? now(id) + timeout : timeout, flags);
    IS(wait_for(1), 1);
    IS(events[0].userdata, 100);
    IS(events[0].error, WASI_OK);
    IS(events[0].type, WASI_EVENT_CLOCK);
    if (id == WASI_CLOCK_MONOTONIC || (flags & WASI_SUBCLOCK_ABSTIME) == 0) {
        IS(now(WASI_CLOCK_MONOTONIC) - before >= timeout, true);
    }
}

static void wait_for_descriptors(void)
{
    uint32_t done = 0;
    IS(poll_oneoff(subs, events, 0, &done), WASI_EINVAL);
    make_file("file", "12345");
    uint32_t fd = must_open(ROOT, "file", 0, ALL);
    sub_fd(0, WASI_EVENT_FD_READ, fd);
    sub_fd(1, WASI_EVENT_FD_WRITE, fd);
    sub_fd(2, WASI_EVENT_FD_READ, 99);
    sub_clock(3, WASI_CLOCK_MONOTONIC, UINT64_C(3600000000000), 0);
    IS(wait_for(4), 3);
    IS(events[0].nbytes, 5);
    IS(events[1].type, WASI_EVENT_FD_WRITE);
    IS(events[2].error, WASI_EBADF);
    OK(fd_close(fd));
    OK(unlink_file(ROOT, "file"));
}

void run(void)
{
    tell();
    sleep_a_little(WASI_CLOCK_MONOTONIC, 0);
    sleep_a_little(WASI_CLOCK_REALTIME, 0);
    sleep_a_little(WASI_CLOCK_MONOTONIC, WASI_SUBCLOCK_ABSTIME);
    sleep_a_little(WASI_CLOCK_REALTIME, WASI_SUBCLOCK_ABSTIME);
    wait_for_descriptors();
}
