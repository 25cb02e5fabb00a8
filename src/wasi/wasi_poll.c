/*
 * wasi_poll.c - poll_oneoff: waiting for clocks and descriptors.
 *
 * The first issue notes the monotonic time at which it began in call->deadline, and relative
 * timeouts count from there: through repeated issues, and (the policy is "deadline") on another
 * machine. Everything else is looked at anew each time.
 */
#include <errno.h>
#include <poll.h>
#include <sys/ioctl.h>

#include "wasi/wasi_abi.h"
#include "wasi/wasi_errno.h"

/* Where the fields of a subscription stand. */
struct layout {
    uint32_t size;
    uint32_t clock_id;
    uint32_t timeout;
    uint32_t flags;
    uint32_t fd;
};

static const struct layout layout_p1 = {
    .size = WASI_SIZE_SUBSCRIPTION, .clock_id = 16, .timeout = 24, .flags = 40, .fd = 16};
/* Preview 0 has an identifier of the clock before its id. */
static const struct layout layout_p0 = {
    .size = WASI_SIZE_SUBSCRIPTION_P0, .clock_id = 24, .timeout = 32, .flags = 48, .fd = 16};

/* One call. */
struct poll_call {
    struct iso_wasi *wasi;
    const struct layout *layout;
    const uint8_t *subs;
    uint32_t count;
    uint64_t start;  /* monotonic time of the first issue */
    uint8_t *events; /* next to be written */
    uint32_t event_count;
    struct pollfd *fds; /* one per subscription; fd -1: not a host descriptor */
};

struct event {
    enum iso_wasi_errno error;
    uint64_t nbytes;
    uint16_t flags;
};

static const uint8_t *sub_at(const struct poll_call *p, uint32_t index)
{
    return p->subs + (size_t)index * p->layout->size;
}

static void put_event(struct poll_call *p, const uint8_t *sub, const struct event *event)
{
    uint8_t *to = p->events + (size_t)p->event_count * WASI_SIZE_EVENT;
    uint8_t copy[WASI_SIZE_EVENT] = {0};
    memcpy(copy, sub, 8); /* userdata */
    iso_store_u16le(copy + 8, (uint16_t)event->error);
    copy[10] = sub[8]; /* type */
    iso_store_u64le(copy + 16, event->nbytes);
    iso_store_u16le(copy + 24, event->flags);
    memcpy(to, copy, sizeof copy);
    p->event_count++;
}

/* The time at which a clock subscription is due, on *clock. */
static enum iso_wasi_errno due(const struct poll_call *p, const uint8_t *sub, uint32_t *clock,
                               uint64_t *time)
{
    uint32_t id = iso_load_u32le(sub + p->layout->clock_id);
    uint64_t timeout = iso_load_u64le(sub + p->layout->timeout);
    uint16_t flags = iso_load_u16le(sub + p->layout->flags);
    if (id >= WASI_CLOCK_COUNT || (flags & ~(unsigned)WASI_SUBCLOCK_ABSTIME) != 0) {
        return WASI_EINVAL;
    }
    if (id != WASI_CLOCK_REALTIME && id != WASI_CLOCK_MONOTONIC) {
        return WASI_ENOTSUP; /* time that passes only while the program runs */
    }
    if ((flags & WASI_SUBCLOCK_ABSTIME) != 0) {
        *clock = id;
        *time = timeout;
    } else {
        *clock = WASI_CLOCK_MONOTONIC;
        *time = timeout > UINT64_MAX - p->start ? UINT64_MAX : p->start + timeout;
    }
    return WASI_OK;
}

/* Note an event if the clock has reached its time; else that it is waited for. */
static void check_clock(struct poll_call *p, const uint8_t *sub)
{
    uint32_t clock = 0;
    uint64_t time = 0;
    uint64_t now = 0;
    struct event event = {.error = due(p, sub, &clock, &time)};
    if (event.error == WASI_OK) {
        event.error = iso_wasi_clock_now(p->wasi, clock, &now);
    }
    if (event.error != WASI_OK || now >= time) {
        put_event(p, sub, &event);
        return;
    }
    struct iso_wasi_waits *waits = &p->wasi->waits;
    uint64_t *until = clock == WASI_CLOCK_REALTIME ? &waits->realtime : &waits->monotonic;
    if (time < *until) {
        *until = time;
    }
}

/* Bytes that a read would find without waiting. */
static uint64_t readable(struct iso_wasi *wasi, const struct iso_wasi_desc *desc)
{
    int fd = iso_wasi_desc_host_fd(wasi, desc);
    int bytes = 0;
    if (desc->kind == ISO_WASI_FILE) {
        struct iso_vfs *fs = iso_wasi_desc_fs(wasi, desc);
        struct iso_vfs_stat st;
        if (fs->ops->node_stat(fs, desc->node, &st) != WASI_OK || st.size < desc->offset) {
            return 0;
        }
        return st.size - desc->offset;
    }
    if (fd >= 0) {
        return ioctl(fd, FIONREAD, &bytes) == 0 && bytes > 0 ? (uint64_t)bytes : 0;
    }
    const struct iso_wasi_stream *stream = &wasi->stdio[desc->source];
    if (stream->kind == ISO_WASI_STREAM_BUFFER && desc->offset < stream->input.len) {
        return stream->input.len - desc->offset;
    }
    return 0;
}

/* Find the descriptor of a subscription; an event when it cannot be waited for or always is ready.
 */
static void check_fd(struct poll_call *p, uint32_t index)
{
    const uint8_t *sub = sub_at(p, index);
    bool reads = sub[8] == WASI_EVENT_FD_READ;
    const struct iso_wasi_desc *desc =
        iso_wasi_desc_get(p->wasi, iso_load_u32le(sub + p->layout->fd));
    struct event event = {.error = WASI_OK};
    if (desc == NULL) {
        event.error = WASI_EBADF;
    } else if ((desc->rights_base & WASI_RIGHT_POLL_FD_READWRITE) == 0) {
        event.error = desc->kind == ISO_WASI_DIR ? WASI_EBADF : WASI_ENOTCAPABLE;
    } else if (desc->kind != ISO_WASI_FILE && iso_wasi_desc_host_fd(p->wasi, desc) >= 0) {
        p->fds[index].fd = iso_wasi_desc_host_fd(p->wasi, desc);
        p->fds[index].events = reads ? POLLIN : POLLOUT;
        return;
    } else if (reads) {
        event.nbytes = readable(p->wasi, desc);
    }
    put_event(p, sub, &event);
}

/* Ask the system about all descriptors at once. */
static enum iso_wasi_errno check_host_fds(struct poll_call *p)
{
    if (poll(p->fds, (nfds_t)p->count, 0) < 0) {
        /* Interrupted: as if nothing was ready. Otherwise more than the process may wait for. */
        return errno == EINTR ? WASI_OK : iso_wasi_errno_from_host(errno);
    }
    for (uint32_t i = 0; i < p->count; i++) {
        short got = p->fds[i].fd < 0 ? 0 : p->fds[i].revents;
        if (got == 0) {
            continue;
        }
        const uint8_t *sub = sub_at(p, i);
        struct event event = {.error = (got & POLLNVAL) != 0 ? WASI_EBADF : WASI_OK};
        const struct iso_wasi_desc *desc =
            iso_wasi_desc_get(p->wasi, iso_load_u32le(sub + p->layout->fd));
        if (event.error == WASI_OK && sub[8] == WASI_EVENT_FD_READ) {
            event.nbytes = readable(p->wasi, desc);
        }
        if ((got & (POLLHUP | POLLERR)) != 0) {
            event.flags = WASI_EVENTRW_HANGUP;
        }
        put_event(p, sub, &event);
    }
    return WASI_OK;
}

static enum iso_wasi_errno run_poll(struct poll_call *p)
{
    bool host_fds = false;
    for (uint32_t i = 0; i < p->count; i++) {
        p->fds[i] = (struct pollfd){.fd = -1};
        switch (sub_at(p, i)[8]) {
        case WASI_EVENT_CLOCK:
            check_clock(p, sub_at(p, i));
            break;
        case WASI_EVENT_FD_READ:
        case WASI_EVENT_FD_WRITE:
            check_fd(p, i);
            host_fds = host_fds || p->fds[i].fd >= 0;
            break;
        default:
            return WASI_EINVAL;
        }
    }
    if (host_fds) {
        enum iso_wasi_errno err = check_host_fds(p);
        if (err != WASI_OK) {
            return err;
        }
    }
    if (p->event_count > 0) {
        iso_wasi_waits_clear(p->wasi);
        return WASI_OK;
    }
    for (uint32_t i = 0; i < p->count; i++) {
        if (p->fds[i].fd >= 0) {
            (void)iso_wasi_waits_add(p->wasi, p->fds[i].fd, p->fds[i].events);
        }
    }
    return WASI_ANSWER_PENDING;
}

/* Arguments: subscriptions, events, count, number of events. */
static enum iso_wasi_errno poll_oneoff(struct iso_host_call *call, const struct layout *layout)
{
    struct poll_call p = {.wasi = iso_wasi_abi_self(call), .layout = layout};
    p.count = iso_wasi_abi_u32(call, 2);
    iso_wasi_waits_clear(p.wasi);
    if (p.count == 0 || p.count > ISO_WASI_SUBSCRIPTIONS_MAX) {
        return WASI_EINVAL;
    }
    p.subs = iso_wasi_abi_memory(call, 0, p.count * layout->size);
    p.events = iso_wasi_abi_memory(call, 1, p.count * WASI_SIZE_EVENT);
    uint8_t *result = iso_wasi_abi_memory(call, 3, 4);
    if (p.subs == NULL || p.events == NULL || result == NULL) {
        return WASI_EFAULT;
    }
    if (call->deadline == 0) {
        enum iso_wasi_errno err = iso_wasi_clock_now(p.wasi, WASI_CLOCK_MONOTONIC, &call->deadline);
        if (err != WASI_OK) {
            return err;
        }
    }
    p.start = call->deadline;
    /* Events may be written over subscriptions that overlap them: look at a copy. */
    size_t subs_size = (size_t)p.count * layout->size;
    uint8_t *subs = iso_alloc_new(p.wasi->alloc, subs_size);
    p.fds = iso_alloc_array(p.wasi->alloc, p.count, sizeof *p.fds);
    enum iso_wasi_errno err = WASI_ENOMEM;
    if (subs != NULL && p.fds != NULL) {
        memcpy(subs, p.subs, subs_size);
        p.subs = subs;
        err = run_poll(&p);
    }
    iso_alloc_free(p.wasi->alloc, subs, subs_size);
    iso_alloc_free(p.wasi->alloc, p.fds, p.count * sizeof *p.fds);
    if (err == WASI_OK) {
        iso_store_u32le(result, p.event_count);
    }
    return err;
}

enum iso_wasi_errno iso_wasi_abi_poll_oneoff(struct iso_host_call *call)
{
    return poll_oneoff(call, &layout_p1);
}

enum iso_wasi_errno iso_wasi_abi_poll_oneoff_p0(struct iso_host_call *call)
{
    return poll_oneoff(call, &layout_p0);
}
