/* instance_poll.c - waiting for what a WASI call waits for: descriptors and times, by the loop. */
#include <poll.h>

#include "supervisor/core_state.h"

struct iso_sv_poll {
    struct iso_alloc alloc; /* the core's, by value: its handles may be closed before these */
    struct iso_sv_instance *instance; /* NULL: it does not wait any more */
    uint32_t count;                   /* handles to be closed */
    uv_poll_t handles[];
};

static void on_close(uv_handle_t *handle)
{
    struct iso_sv_poll *poll = handle->data;
    poll->count--;
    if (poll->count == 0) {
        struct iso_alloc alloc = poll->alloc;
        iso_alloc_free(&alloc, poll, sizeof *poll + ISO_SV_WAIT_FDS * sizeof poll->handles[0]);
    }
}

static void on_event(uv_poll_t *handle, int status, int events)
{
    struct iso_sv_poll *poll = handle->data;
    struct iso_sv_instance *instance = poll->instance;
    (void)status; /* an error ends the wait, too: the call that is issued again will find it */
    (void)events;
    if (instance != NULL) {
        iso_sv_poll_end(instance);
        iso_sv_timer_clear(instance->component->core, &instance->timer);
        iso_sv_instance_wake(instance);
    }
}

void iso_sv_poll_end(struct iso_sv_instance *instance)
{
    struct iso_sv_poll *poll = instance->poll;
    instance->poll = NULL;
    if (poll == NULL) {
        return;
    }
    uint32_t count = poll->count;
    poll->instance = NULL;
    for (uint32_t i = 0; i < count; i++) {
        uv_close((uv_handle_t *)&poll->handles[i], on_close);
    }
}

/* Each descriptor once, for all that is wanted of it. */
static size_t merge(struct iso_wasi_waiter *waiters, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        size_t at = 0;
        while (at < kept && waiters[at].fd != waiters[i].fd) {
            at++;
        }
        if (at < kept) {
            waiters[at].events = (short)(waiters[at].events | waiters[i].events);
        } else {
            waiters[kept++] = waiters[i];
        }
    }
    return kept;
}

/* False: some of them cannot be waited for. */
static bool watch(struct iso_sv_instance *instance, const struct iso_wasi_waiter *waiters,
                  size_t count)
{
    struct iso_sv_core *core = instance->component->core;
    struct iso_sv_poll *poll =
        iso_alloc_new(&core->alloc, sizeof *poll + ISO_SV_WAIT_FDS * sizeof poll->handles[0]);
    bool all = true;
    if (poll == NULL) {
        return false;
    }
    poll->alloc = core->alloc;
    poll->instance = instance;
    for (size_t i = 0; i < count; i++) {
        uv_poll_t *handle = &poll->handles[poll->count];
        int events = ((waiters[i].events & POLLIN) != 0 ? UV_READABLE : 0) |
                     ((waiters[i].events & POLLOUT) != 0 ? UV_WRITABLE : 0);
        if (uv_poll_init(core->loop, handle, waiters[i].fd) != 0) {
            all = false;
            continue;
        }
        poll->count++;
        handle->data = poll;
        all = uv_poll_start(handle, events, on_event) == 0 && all;
    }
    if (poll->count == 0) {
        iso_alloc_free(&core->alloc, poll,
                       sizeof *poll + ISO_SV_WAIT_FDS * sizeof poll->handles[0]);
    } else {
        instance->poll = poll;
    }
    return all;
}

void iso_sv_poll_begin(struct iso_sv_instance *instance)
{
    struct iso_wasi_waiter waiters[ISO_SV_WAIT_FDS];
    size_t count = 0;
    int64_t timeout_ns = 0;
    if (instance->wasi == NULL) {
        iso_sv_instance_wake(instance);
        return;
    }
    iso_wasi_waiting(instance->wasi, waiters, ISO_COUNT_OF(waiters), &count, &timeout_ns);
    uint64_t wait = timeout_ns > 0 ? (uint64_t)timeout_ns : 0;
    bool all = count <= ISO_COUNT_OF(waiters);
    count = merge(waiters, all ? count : ISO_COUNT_OF(waiters));
    if (count != 0) {
        all = watch(instance, waiters, count) && all;
    }
    if (!all && wait > ISO_SV_WAIT_RECHECK_NS) {
        wait = ISO_SV_WAIT_RECHECK_NS;
    }
    if (wait < INT64_MAX &&
        !iso_sv_timer_set(instance->component->core, &instance->timer, uv_hrtime() + wait)) {
        iso_sv_poll_end(instance);
        iso_sv_instance_wake(instance);
    }
}
