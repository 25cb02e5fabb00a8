/*
 * speed.c - the figure "speed" of the device, by which orchestrators decide what runs where: taken
 * at the start in a few short spells, of which the best counts, and once more when nothing of ours
 * runs. What disturbs a spell makes it slower, never faster.
 */
#include "supervisor/daemon.h"

enum {
    SPELLS = 8,        /* of some 5 ms each, at the start, and again later */
    LATER_MS = 10000,  /* after the start, when that and what else begins has settled */
    EACH_MS = 1000,    /* between two spells, which the loop waits for */
    ATTEMPTS_MAX = 600 /* a device that is never idle keeps the figure of its start */
};

static uint64_t work_done(const struct iso_supervisor *sv)
{
    struct iso_sv_core_stats stats;
    iso_sv_core_stats_get(sv->core, &stats);
    return stats.fuel_total + stats.calls_total;
}

static void on_time(uv_timer_t *timer)
{
    struct iso_supervisor *sv = timer->data;
    const uint64_t done = work_done(sv);
    const bool idle = done == sv->speed_work;
    sv->speed_work = done;
    if (idle) {
        const double again = iso_sv_core_speed(sv->core, 1);
        sv->speed_best = again > sv->speed_best ? again : sv->speed_best;
        sv->speed_spells++;
    }
    if (sv->speed_spells < SPELLS && ++sv->speed_attempts < ATTEMPTS_MAX) {
        return;
    }
    (void)uv_timer_stop(timer);
    if (sv->speed_best > sv->speed) {
        /* Worth reading anew, unless it is the same but for noise. */
        sv->revision += sv->speed_best > sv->speed * 1.02 ? 1 : 0;
        sv->speed = sv->speed_best;
    }
}

void iso_sv_speed_begin(struct iso_supervisor *sv)
{
    sv->speed = iso_sv_core_speed(sv->core, SPELLS);
    sv->speed_timer.data = sv;
    (void)uv_timer_start(&sv->speed_timer, on_time, LATER_MS, EACH_MS);
}
