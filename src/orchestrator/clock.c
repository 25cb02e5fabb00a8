/* clock.c - one timer of the loop for all that waits, in the order of their moments. There are few
 * of them at a time (some per application under way), so a sorted list is enough. */
#include "orchestrator/clock.h"

#include <time.h>

struct alarm {
    struct alarm *next;
    uint64_t id, at_ms;
    void (*fire)(void *arg);
    void *arg;
};

struct iso_or_uv_clock {
    const struct iso_alloc *alloc;
    uv_timer_t timer; /* its closing frees the clock */
    struct alarm *first;
    uint64_t next_id;
    void (*closed)(void *ctx);
    void *closed_ctx;
};

static uint64_t now_ms(void *ctx)
{
    (void)ctx;
    return uv_hrtime() / 1000000u;
}

static uint64_t wall_ms(void *ctx)
{
    struct timespec now;
    (void)ctx;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

static void on_timer(uv_timer_t *timer);

static void arm(struct iso_or_uv_clock *clock)
{
    if (clock->first == NULL) {
        (void)uv_timer_stop(&clock->timer);
        return;
    }
    const uint64_t now = now_ms(NULL);
    uv_update_time(clock->timer.loop);
    (void)uv_timer_start(&clock->timer, on_timer,
                         clock->first->at_ms > now ? clock->first->at_ms - now : 0, 0);
}

static void on_timer(uv_timer_t *timer)
{
    struct iso_or_uv_clock *clock = timer->data;
    /* What is due now, and not what that starts: else a chain of zero delays would hold the loop.
     */
    const uint64_t now = now_ms(NULL), last_id = clock->next_id;
    while (clock->first != NULL && clock->first->at_ms <= now && clock->first->id < last_id) {
        struct alarm *alarm = clock->first;
        clock->first = alarm->next;
        void (*fire)(void *arg) = alarm->fire;
        void *arg = alarm->arg;
        iso_alloc_free(clock->alloc, alarm, sizeof *alarm);
        fire(arg);
    }
    arm(clock);
}

static uint64_t after(void *ctx, uint32_t delay_ms, void (*fire)(void *arg), void *arg)
{
    struct iso_or_uv_clock *clock = ctx;
    struct alarm *alarm = iso_alloc_new(clock->alloc, sizeof *alarm);
    if (alarm == NULL) {
        return 0;
    }
    *alarm = (struct alarm){
        .id = clock->next_id++, .at_ms = now_ms(NULL) + delay_ms, .fire = fire, .arg = arg};
    struct alarm **at = &clock->first;
    while (*at != NULL && (*at)->at_ms <= alarm->at_ms) {
        at = &(*at)->next;
    }
    alarm->next = *at;
    *at = alarm;
    arm(clock);
    return alarm->id;
}

static void stop(void *ctx, uint64_t id)
{
    struct iso_or_uv_clock *clock = ctx;
    for (struct alarm **at = &clock->first; *at != NULL; at = &(*at)->next) {
        if ((*at)->id == id) {
            struct alarm *alarm = *at;
            *at = alarm->next;
            iso_alloc_free(clock->alloc, alarm, sizeof *alarm);
            return;
        }
    }
}

enum iso_err iso_or_uv_clock_create(uv_loop_t *loop, const struct iso_alloc *alloc,
                                    struct iso_or_uv_clock **out)
{
    struct iso_or_uv_clock *clock = iso_alloc_new(alloc, sizeof *clock);
    if (clock == NULL) {
        return ISO_E_NOMEM;
    }
    clock->alloc = alloc;
    clock->next_id = 1;
    (void)uv_timer_init(loop, &clock->timer);
    clock->timer.data = clock;
    *out = clock;
    return ISO_OK;
}

static void on_closed(uv_handle_t *handle)
{
    struct iso_or_uv_clock *clock = handle->data;
    void (*closed)(void *ctx) = clock->closed;
    void *ctx = clock->closed_ctx;
    iso_alloc_free(clock->alloc, clock, sizeof *clock);
    if (closed != NULL) {
        closed(ctx);
    }
}

void iso_or_uv_clock_close(struct iso_or_uv_clock *clock, void (*done)(void *ctx), void *ctx)
{
    while (clock->first != NULL) {
        stop(clock, clock->first->id);
    }
    clock->closed = done;
    clock->closed_ctx = ctx;
    uv_close((uv_handle_t *)&clock->timer, on_closed);
}

struct iso_or_clock iso_or_uv_clock(struct iso_or_uv_clock *clock)
{
    return (struct iso_or_clock){
        .ctx = clock, .now_ms = now_ms, .wall_ms = wall_ms, .after = after, .stop = stop};
}
