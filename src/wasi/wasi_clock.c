/*
 * wasi_clock.c - the four clocks of preview 1.
 *
 * All but the realtime clock count from a base of the guest's own, so that a program that goes on
 * in another process or on another machine never sees them run backwards. The monotonic clock
 * starts at one second: zero stays free to mean "no time".
 */
#include <time.h>

#include "wasi/wasi_errno.h"
#include "wasi/wasi_internal.h"

#define NS_PER_S UINT64_C(1000000000)

static clockid_t host_clock(uint32_t id)
{
    static const clockid_t ids[WASI_CLOCK_COUNT] = {
        [WASI_CLOCK_REALTIME] = CLOCK_REALTIME,
        [WASI_CLOCK_MONOTONIC] = CLOCK_MONOTONIC,
        [WASI_CLOCK_PROCESS_CPUTIME] = CLOCK_PROCESS_CPUTIME_ID,
        [WASI_CLOCK_THREAD_CPUTIME] = CLOCK_THREAD_CPUTIME_ID,
    };
    return ids[id];
}

/* The host's time, or the embedder's. */
static uint64_t raw_now(const struct iso_wasi *wasi, uint32_t id)
{
    if (id == WASI_CLOCK_REALTIME && wasi->realtime != NULL) {
        return wasi->realtime(wasi->clock_ctx);
    }
    if (id == WASI_CLOCK_MONOTONIC && wasi->monotonic != NULL) {
        return wasi->monotonic(wasi->clock_ctx);
    }
    struct timespec ts;
    if (clock_gettime(host_clock(id), &ts) != 0 || ts.tv_sec < 0) {
        return 0;
    }
    return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

enum iso_wasi_errno iso_wasi_clock_now(const struct iso_wasi *wasi, uint32_t id, uint64_t *out)
{
    if (id >= WASI_CLOCK_COUNT) {
        return WASI_EINVAL;
    }
    uint64_t now = raw_now(wasi, id);
    if (id != WASI_CLOCK_REALTIME) {
        uint64_t start = wasi->clock_start[id];
        /* The thread's clock may be that of another thread than before. */
        now = wasi->clock_base[id] + (now > start ? now - start : 0);
    }
    *out = now;
    return WASI_OK;
}

enum iso_wasi_errno iso_wasi_clock_resolution(const struct iso_wasi *wasi, uint32_t id,
                                              uint64_t *out)
{
    (void)wasi;
    struct timespec ts;
    if (id >= WASI_CLOCK_COUNT) {
        return WASI_EINVAL;
    }
    if (clock_getres(host_clock(id), &ts) != 0) {
        return WASI_ENOTSUP;
    }
    uint64_t ns = (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
    *out = ns == 0 ? 1 : ns;
    return WASI_OK;
}

void iso_wasi_clock_set_base(struct iso_wasi *wasi, uint32_t id, uint64_t base)
{
    wasi->clock_base[id] = base;
    wasi->clock_start[id] = raw_now(wasi, id);
}

uint64_t iso_wasi_clock_realtime(void *ctx)
{
    return raw_now(ctx, WASI_CLOCK_REALTIME);
}
