/*
 * wasi_wait.c - what a pending call waits for, and waiting for it.
 */
#include <errno.h>
#include <poll.h>
#include <time.h>

#include "wasi/wasi_errno.h"
#include "wasi/wasi_internal.h"

#define NS_PER_S INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)

void iso_wasi_waits_clear(struct iso_wasi *wasi)
{
    wasi->waits.count = 0;
    wasi->waits.callbacks = false;
    wasi->waits.monotonic = UINT64_MAX;
    wasi->waits.realtime = UINT64_MAX;
}

bool iso_wasi_waits_add(struct iso_wasi *wasi, int fd, short events)
{
    struct iso_wasi_waits *waits = &wasi->waits;
    if (waits->count == waits->cap) {
        size_t cap = waits->cap == 0 ? 8 : waits->cap * 2;
        struct pollfd *fds =
            iso_alloc_resize(wasi->alloc, waits->fds, waits->cap * sizeof *fds, cap * sizeof *fds);
        if (fds == NULL) {
            waits->callbacks = true; /* without a place to note it: ask again and again */
            return false;
        }
        waits->fds = fds;
        waits->cap = cap;
    }
    waits->fds[waits->count++] = (struct pollfd){.fd = fd, .events = events};
    return true;
}

void iso_wasi_waits_desc(struct iso_wasi *wasi, const struct iso_wasi_desc *desc, short events)
{
    int fd = iso_wasi_desc_host_fd(wasi, desc);
    if (fd >= 0) {
        (void)iso_wasi_waits_add(wasi, fd, events);
    } else {
        wasi->waits.callbacks = true;
    }
}

/* Nanoseconds until `until` on a clock; INT64_MAX when it is never. */
static int64_t time_left(const struct iso_wasi *wasi, uint32_t clock, uint64_t until)
{
    uint64_t now;
    if (until == UINT64_MAX || iso_wasi_clock_now(wasi, clock, &now) != WASI_OK) {
        return INT64_MAX;
    }
    if (now >= until) {
        return 0;
    }
    return until - now > INT64_MAX ? INT64_MAX : (int64_t)(until - now);
}

static int64_t timeout_of(const struct iso_wasi *wasi)
{
    const struct iso_wasi_waits *waits = &wasi->waits;
    int64_t left = time_left(wasi, WASI_CLOCK_MONOTONIC, waits->monotonic);
    int64_t real = time_left(wasi, WASI_CLOCK_REALTIME, waits->realtime);
    left = real < left ? real : left;
    if (waits->callbacks && left > NS_PER_MS) {
        left = NS_PER_MS;
    }
    return left;
}

static bool waits_for_nothing(const struct iso_wasi_waits *waits)
{
    return waits->count == 0 && !waits->callbacks && waits->monotonic == UINT64_MAX &&
           waits->realtime == UINT64_MAX;
}

enum iso_err iso_wasi_wait(struct iso_wasi *wasi, int64_t max_ms)
{
    struct iso_wasi_waits *waits = &wasi->waits;
    if (waits_for_nothing(waits)) {
        return ISO_OK;
    }
    int64_t left = timeout_of(wasi);
    if (max_ms >= 0 && max_ms < left / NS_PER_MS) {
        left = max_ms * NS_PER_MS;
    }
    struct timespec ts = {.tv_sec = (time_t)(left / NS_PER_S), .tv_nsec = (long)(left % NS_PER_S)};
    int code = ppoll(waits->fds, (nfds_t)waits->count, left == INT64_MAX ? NULL : &ts, NULL);
    return code < 0 && errno != EINTR && errno != EAGAIN ? ISO_E_IO : ISO_OK;
}

void iso_wasi_waiting(const struct iso_wasi *wasi, struct iso_wasi_waiter *out, size_t cap,
                      size_t *count, int64_t *timeout_ns)
{
    const struct iso_wasi_waits *waits = &wasi->waits;
    for (size_t i = 0; i < waits->count && i < cap; i++) {
        out[i].fd = waits->fds[i].fd;
        out[i].events = waits->fds[i].events;
    }
    *count = waits->count;
    *timeout_ns = waits_for_nothing(waits) ? 0 : timeout_of(wasi);
}
