/*
 * pace.c - the pacer: a thread that ends slices which take too long.
 *
 * Fuel bounds how many instructions a slice has, not how long it takes: a host function with large
 * arguments or a memory.fill of the whole memory costs little fuel and much time. While slices
 * run, the pacer looks every few milliseconds how old they are and interrupts those that are too
 * old at their next safepoint. While none run it sleeps, and costs nothing.
 */
#include "supervisor/core_state.h"

/* ---- Seen from the threads ------------------------------------------------------------------- */

void iso_sv_pace_begin(struct iso_sv_thread *thread)
{
    struct iso_sv_pacer *pacer = &thread->core->pacer;
    uv_mutex_lock(&thread->lock);
    thread->slice_start_ns = uv_hrtime();
    uv_mutex_unlock(&thread->lock);
    atomic_fetch_add(&pacer->slices, 1);
    if (atomic_load(&pacer->asleep)) {
        uv_mutex_lock(&pacer->lock);
        uv_cond_signal(&pacer->wake);
        uv_mutex_unlock(&pacer->lock);
    }
}

void iso_sv_pace_end(struct iso_sv_thread *thread)
{
    uv_mutex_lock(&thread->lock);
    ISO_ASSERT(thread->store_count == 0);
    thread->slice_start_ns = 0;
    uv_mutex_unlock(&thread->lock);
}

void iso_sv_pace_enter(struct iso_sv_thread *thread, struct iso_store *store)
{
    uv_mutex_lock(&thread->lock);
    ISO_ASSERT(thread->store_count < ISO_COUNT_OF(thread->stores));
    thread->stores[thread->store_count++] = store;
    uv_mutex_unlock(&thread->lock);
}

void iso_sv_pace_leave(struct iso_sv_thread *thread)
{
    uv_mutex_lock(&thread->lock);
    thread->store_count--;
    uv_mutex_unlock(&thread->lock);
}

/* ---- The thread ------------------------------------------------------------------------------ */

/* True: the thread is in a slice. */
static bool look_at(struct iso_sv_thread *thread, uint64_t now)
{
    uint64_t most = thread->is_loop ? ISO_SV_PACE_INLINE_NS : ISO_SV_PACE_NS;
    uv_mutex_lock(&thread->lock);
    uint64_t start = thread->slice_start_ns;
    if (start != 0 && now > start && now - start > most) {
        /* Those further out stop, too, as soon as the innermost has. */
        for (uint32_t i = 0; i < thread->store_count; i++) {
            iso_store_interrupt(thread->stores[i]);
        }
    }
    uv_mutex_unlock(&thread->lock);
    return start != 0;
}

static bool look_at_all(struct iso_sv_core *core)
{
    uint64_t now = uv_hrtime();
    bool busy = look_at(&core->loop_thread, now);
    for (uint32_t i = 0; i < core->worker_count; i++) {
        busy = look_at(&core->workers[i], now) || busy;
    }
    return busy;
}

/* Until slices run again. */
static void doze(struct iso_sv_pacer *pacer, unsigned long long slices)
{
    atomic_store(&pacer->asleep, true);
    while (!pacer->stop && atomic_load(&pacer->slices) == slices) {
        uv_cond_wait(&pacer->wake, &pacer->lock);
    }
    atomic_store(&pacer->asleep, false);
}

static void pace(void *arg)
{
    struct iso_sv_core *core = arg;
    struct iso_sv_pacer *pacer = &core->pacer;
    uv_mutex_lock(&pacer->lock);
    while (!pacer->stop) {
        unsigned long long slices = atomic_load(&pacer->slices);
        (void)uv_cond_timedwait(&pacer->wake, &pacer->lock, ISO_SV_PACE_EVERY_NS);
        if (!pacer->stop && !look_at_all(core) && atomic_load(&pacer->slices) == slices) {
            doze(pacer, slices);
        }
    }
    uv_mutex_unlock(&pacer->lock);
}

enum iso_err iso_sv_pacer_start(struct iso_sv_core *core)
{
    if (uv_thread_create(&core->pacer.id, pace, core) != 0) {
        return ISO_E_IO;
    }
    core->pacer.started = true;
    return ISO_OK;
}

void iso_sv_pacer_stop(struct iso_sv_core *core)
{
    if (!core->pacer.started) {
        return;
    }
    uv_mutex_lock(&core->pacer.lock);
    core->pacer.stop = true;
    uv_cond_signal(&core->pacer.wake);
    uv_mutex_unlock(&core->pacer.lock);
    (void)uv_thread_join(&core->pacer.id);
    core->pacer.started = false;
}
