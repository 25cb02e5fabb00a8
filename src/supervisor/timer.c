/*
 * timer.c - many timers behind one of the loop's: a binary heap under the core's lock, set from any
 * thread, fired on the loop thread.
 */
#include "supervisor/core_state.h"

static void put(struct iso_sv_core *core, uint32_t place, struct iso_sv_timer *timer)
{
    core->timers[place] = timer;
    timer->place = place;
}

static void sift_up(struct iso_sv_core *core, uint32_t place)
{
    struct iso_sv_timer *timer = core->timers[place];
    while (place > 1 && core->timers[place / 2]->at_ns > timer->at_ns) {
        put(core, place, core->timers[place / 2]);
        place /= 2;
    }
    put(core, place, timer);
}

static void sift_down(struct iso_sv_core *core, uint32_t place)
{
    struct iso_sv_timer *timer = core->timers[place];
    for (;;) {
        uint32_t child = 2 * place;
        if (child > core->timer_count) {
            break;
        }
        if (child < core->timer_count &&
            core->timers[child + 1]->at_ns < core->timers[child]->at_ns) {
            child++;
        }
        if (core->timers[child]->at_ns >= timer->at_ns) {
            break;
        }
        put(core, place, core->timers[child]);
        place = child;
    }
    put(core, place, timer);
}

static void take_out(struct iso_sv_core *core, struct iso_sv_timer *timer)
{
    uint32_t place = timer->place;
    struct iso_sv_timer *last = core->timers[core->timer_count--];
    timer->place = 0;
    if (last != timer) {
        put(core, place, last);
        sift_up(core, place);
        sift_down(core, last->place);
    }
}

static bool reserve(struct iso_sv_core *core)
{
    if (core->timer_count + 1 < core->timer_capacity) {
        return true;
    }
    uint32_t capacity = core->timer_capacity != 0 ? 2 * core->timer_capacity : 64;
    struct iso_sv_timer **timers =
        iso_alloc_resize(&core->alloc, core->timers, core->timer_capacity * sizeof(void *),
                         (size_t)capacity * sizeof(void *));
    if (timers == NULL) {
        return false;
    }
    core->timers = timers;
    core->timer_capacity = capacity;
    return true;
}

bool iso_sv_timer_set(struct iso_sv_core *core, struct iso_sv_timer *timer, uint64_t at_ns)
{
    bool send = false;
    uv_mutex_lock(&core->lock);
    if (timer->place != 0) {
        take_out(core, timer);
    }
    bool room = reserve(core);
    if (room) {
        timer->at_ns = at_ns;
        core->timers[++core->timer_count] = timer;
        sift_up(core, core->timer_count);
        /* The loop's own timer is set when it next looks. */
        send = at_ns < core->timer_wake_ns && !core->notified;
        core->notified = core->notified || send;
    }
    uv_mutex_unlock(&core->lock);
    if (send) {
        (void)uv_async_send(&core->async);
    }
    return room;
}

void iso_sv_timer_clear(struct iso_sv_core *core, struct iso_sv_timer *timer)
{
    uv_mutex_lock(&core->lock);
    if (timer->place != 0) {
        take_out(core, timer);
    }
    uv_mutex_unlock(&core->lock);
}

/* Rounded up: a timer that fires too early would be set again at once. */
static uint64_t milliseconds_until(uint64_t at_ns, uint64_t now)
{
    return at_ns > now ? (at_ns - now + 999999) / 1000000 : 0;
}

static void on_timer(uv_timer_t *timer)
{
    struct iso_sv_core *core = timer->data;
    iso_sv_timers_run(core);
}

void iso_sv_timers_run(struct iso_sv_core *core)
{
    uint64_t now = uv_hrtime();
    uv_mutex_lock(&core->lock);
    while (core->timer_count != 0 && core->timers[1]->at_ns <= now) {
        struct iso_sv_timer *timer = core->timers[1];
        take_out(core, timer);
        if (timer->pin != NULL) {
            timer->pin(timer);
        }
        uv_mutex_unlock(&core->lock);
        timer->fire(timer);
        uv_mutex_lock(&core->lock);
    }
    uint64_t next = core->timer_count != 0 ? core->timers[1]->at_ns : UINT64_MAX;
    bool changed = next != core->timer_wake_ns;
    core->timer_wake_ns = next;
    uv_mutex_unlock(&core->lock);
    if (next == UINT64_MAX) {
        (void)uv_timer_stop(&core->timer);
    } else if (changed || !uv_is_active((const uv_handle_t *)&core->timer)) {
        uv_update_time(core->loop);
        (void)uv_timer_start(&core->timer, on_timer, milliseconds_until(next, uv_hrtime()), 0);
    }
}
