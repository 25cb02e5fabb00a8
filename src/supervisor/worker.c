/*
 * worker.c - the threads that run Wasm code, the two queues that they take slices from, and the
 * share of the processors that they may use.
 */
#include <time.h>

#include "supervisor/core_state.h"

enum { STACK_BYTES = 2 << 20 };

/* ---- The share ------------------------------------------------------------------------------- */

static void share_fill(struct iso_sv_share *share, uint64_t now)
{
    double filled = share->tokens + (double)(now - share->filled_ns) * share->per_ns;
    share->tokens = filled < share->max ? filled : share->max;
    share->filled_ns = now;
}

/* Nanoseconds until Wasm code may run; 0: now. core->lock is held. */
static uint64_t share_wait(struct iso_sv_core *core)
{
    struct iso_sv_share *share = &core->share;
    if (!share->limited) {
        return 0;
    }
    share_fill(share, uv_hrtime());
    return share->tokens > 0 ? 0 : (uint64_t)(-share->tokens / share->per_ns) + 1;
}

bool iso_sv_share_left(struct iso_sv_core *core)
{
    if (!core->share.limited) {
        return true;
    }
    uv_mutex_lock(&core->lock);
    bool left = share_wait(core) == 0;
    uv_mutex_unlock(&core->lock);
    return left;
}

/* What the clock of a limited share counts: this thread's processor time. Otherwise nobody needs
 * it so exactly, and the system is not asked. */
static uint64_t used_clock(const struct iso_sv_core *core)
{
    struct timespec time;
    if (!core->share.limited || clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) != 0) {
        return uv_hrtime();
    }
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* ---- Slices ---------------------------------------------------------------------------------- */

void iso_sv_slice_begin(struct iso_sv_thread *thread, uint64_t fuel)
{
    thread->fuel_left = fuel;
    thread->wasm_ns = 0;
    thread->used_start_ns = used_clock(thread->core);
    iso_sv_pace_begin(thread);
}

void iso_sv_slice_end(struct iso_sv_thread *thread)
{
    struct iso_sv_core *core = thread->core;
    iso_sv_pace_end(thread);
    uint64_t used = used_clock(core) - thread->used_start_ns;
    atomic_fetch_add_explicit(&core->cpu_ns, used, memory_order_relaxed);
    if (core->share.limited) {
        uv_mutex_lock(&core->lock);
        share_fill(&core->share, uv_hrtime());
        core->share.tokens -= (double)used;
        uv_mutex_unlock(&core->lock);
    }
}

/* ---- Queues ---------------------------------------------------------------------------------- */

void iso_sv_run_push(struct iso_sv_core *core, struct iso_sv_instance *instance, bool fresh)
{
    uv_mutex_lock(&core->lock);
    iso_sv_list_append(fresh ? &core->fresh : &core->others, &instance->run_node);
    bool signal = core->idle_workers != 0;
    uv_mutex_unlock(&core->lock);
    if (signal) {
        uv_cond_signal(&core->wake);
    }
}

/* Those that have had no slice yet come first, but not for ever. */
static struct iso_sv_instance *pop(struct iso_sv_core *core)
{
    bool fresh = !iso_sv_list_empty(&core->fresh) &&
                 (iso_sv_list_empty(&core->others) || core->fresh_in_a_row < ISO_SV_FRESH_IN_A_ROW);
    struct iso_sv_node *node = iso_sv_list_pop(fresh ? &core->fresh : &core->others);
    core->fresh_in_a_row = fresh ? core->fresh_in_a_row + 1 : 0;
    return node != NULL ? ISO_SV_OWNER(node, struct iso_sv_instance, run_node) : NULL;
}

static bool has_work(const struct iso_sv_core *core)
{
    return !iso_sv_list_empty(&core->fresh) || !iso_sv_list_empty(&core->others);
}

/* The next instance; NULL: stop. */
static struct iso_sv_instance *take(struct iso_sv_core *core)
{
    struct iso_sv_instance *instance = NULL;
    uv_mutex_lock(&core->lock);
    while (!core->stop && instance == NULL) {
        uint64_t wait = has_work(core) ? share_wait(core) : 0;
        if (!has_work(core)) {
            core->idle_workers++;
            uv_cond_wait(&core->wake, &core->lock);
            core->idle_workers--;
        } else if (wait != 0) {
            uint64_t since = uv_hrtime();
            (void)uv_cond_timedwait(&core->wake, &core->lock, wait);
            atomic_fetch_add_explicit(&core->throttled_ns, uv_hrtime() - since,
                                      memory_order_relaxed);
        } else {
            instance = pop(core);
        }
    }
    uv_mutex_unlock(&core->lock);
    return instance;
}

static void work(void *arg)
{
    struct iso_sv_thread *thread = arg;
    struct iso_sv_instance *instance;
    while ((instance = take(thread->core)) != NULL) {
        if (iso_sv_instance_take(instance)) {
            iso_sv_slice_begin(thread, ISO_SV_SLICE_FUEL);
            (void)iso_sv_instance_run(thread, instance);
            iso_sv_slice_end(thread);
        }
    }
}

/* ---- Life ------------------------------------------------------------------------------------ */

static bool start_one(struct iso_sv_core *core, struct iso_sv_thread *thread)
{
    const uv_thread_options_t options = {.flags = UV_THREAD_HAS_STACK_SIZE,
                                         .stack_size = STACK_BYTES};
    thread->core = core;
    if (uv_mutex_init(&thread->lock) != 0) {
        return false;
    }
    if (uv_thread_create_ex(&thread->id, &options, work, thread) != 0) {
        uv_mutex_destroy(&thread->lock);
        return false;
    }
    thread->started = true;
    return true;
}

enum iso_err iso_sv_workers_start(struct iso_sv_core *core, struct iso_report *report)
{
    core->workers = iso_alloc_array(&core->alloc, core->worker_count, sizeof *core->workers);
    if (core->workers == NULL) {
        return ISO_E_NOMEM;
    }
    for (uint32_t i = 0; i < core->worker_count; i++) {
        if (!start_one(core, &core->workers[i])) {
            return iso_fail(report, ISO_E_IO, "worker %u cannot be started", (unsigned)i);
        }
    }
    return ISO_OK;
}

void iso_sv_workers_stop(struct iso_sv_core *core)
{
    if (core->workers == NULL) {
        return;
    }
    uv_mutex_lock(&core->lock);
    core->stop = true;
    uv_mutex_unlock(&core->lock);
    uv_cond_broadcast(&core->wake);
    for (uint32_t i = 0; i < core->worker_count; i++) {
        if (core->workers[i].started) {
            (void)uv_thread_join(&core->workers[i].id);
            uv_mutex_destroy(&core->workers[i].lock);
        }
    }
    iso_alloc_free(&core->alloc, core->workers, core->worker_count * sizeof *core->workers);
    core->workers = NULL;
}
