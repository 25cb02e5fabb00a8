/* core.c - the core: what all components share, from its start to its end. */
#include "supervisor/core_state.h"

#include "platform/platform.h"

/* ---- Defaults -------------------------------------------------------------------------------- */

static void take_config(struct iso_sv_core *core, const struct iso_sv_core_config *config)
{
    unsigned processors = uv_available_parallelism();
    core->loop = config->loop;
    core->hosts = config->hosts;
    core->watch = config->watch;
    core->instances_max =
        config->instances_max != 0 ? config->instances_max : ISO_SV_CORE_INSTANCES;
    core->worker_count = config->workers != 0 ? config->workers : processors;
    if (core->worker_count > ISO_SV_WORKERS_MAX) {
        core->worker_count = ISO_SV_WORKERS_MAX;
    }
    core->cpu_percent =
        config->cpu_percent != 0 && config->cpu_percent < 100 ? config->cpu_percent : 100;
    core->share.limited = core->cpu_percent < 100;
    core->share.per_ns = processors * core->cpu_percent / 100.0;
    /* Enough for a slice, so that a small share means few slices, not none. */
    core->share.max = 1e7 * core->share.per_ns + 2e6;
    core->share.tokens = core->share.max;
    core->share.filled_ns = uv_hrtime();
}

/* ---- Handles of the loop --------------------------------------------------------------------- */

static void on_async(uv_async_t *async)
{
    struct iso_sv_core *core = async->data;
    iso_sv_notes_run(core);
    iso_sv_timers_run(core);
}

static void free_core(struct iso_sv_core *core)
{
    struct iso_alloc alloc = core->alloc;
    iso_alloc_free(&alloc, core->components, core->component_capacity * sizeof(void *));
    iso_alloc_free(&alloc, core->timers, core->timer_capacity * sizeof(void *));
    iso_engine_destroy(core->engine);
    uv_cond_destroy(&core->pacer.wake);
    uv_mutex_destroy(&core->pacer.lock);
    uv_mutex_destroy(&core->loop_thread.lock);
    uv_cond_destroy(&core->wake);
    uv_mutex_destroy(&core->lock);
    iso_alloc_free(&alloc, core, sizeof *core);
}

static void on_close(uv_handle_t *handle)
{
    struct iso_sv_core *core = handle->data;
    core->handles--;
    if (core->handles == 0) {
        free_core(core);
    }
}

static void close_handles(struct iso_sv_core *core)
{
    uv_close((uv_handle_t *)&core->async, on_close);
    uv_close((uv_handle_t *)&core->timer, on_close);
}

static enum iso_err open_handles(struct iso_sv_core *core)
{
    if (uv_async_init(core->loop, &core->async, on_async) != 0) {
        return ISO_E_IO;
    }
    if (uv_timer_init(core->loop, &core->timer) != 0) {
        return ISO_E_IO; /* never: it allocates nothing */
    }
    core->handles = 2;
    core->async.data = core;
    core->timer.data = core;
    return ISO_OK;
}

/* ---- Life ------------------------------------------------------------------------------------ */

static bool init_locks(struct iso_sv_core *core)
{
    if (uv_mutex_init(&core->lock) != 0) {
        return false;
    }
    if (uv_mutex_init(&core->loop_thread.lock) != 0) {
        uv_mutex_destroy(&core->lock);
        return false;
    }
    if (uv_mutex_init(&core->pacer.lock) != 0) {
        uv_mutex_destroy(&core->loop_thread.lock);
        uv_mutex_destroy(&core->lock);
        return false;
    }
    if (uv_cond_init(&core->wake) != 0) {
        uv_mutex_destroy(&core->pacer.lock);
        uv_mutex_destroy(&core->loop_thread.lock);
        uv_mutex_destroy(&core->lock);
        return false;
    }
    if (uv_cond_init(&core->pacer.wake) != 0) {
        uv_cond_destroy(&core->wake);
        uv_mutex_destroy(&core->pacer.lock);
        uv_mutex_destroy(&core->loop_thread.lock);
        uv_mutex_destroy(&core->lock);
        return false;
    }
    return true;
}

static enum iso_err start(struct iso_sv_core *core, uint64_t code_max_bytes,
                          struct iso_report *report)
{
    const struct iso_engine_config config = {
        .alloc = &core->alloc, .platform = iso_platform_posix(), .code_max_bytes = code_max_bytes};
    enum iso_err err = iso_engine_create(&config, &core->engine);
    if (err == ISO_OK) {
        err = open_handles(core);
    }
    if (err == ISO_OK) {
        err = iso_sv_workers_start(core, report);
    }
    if (err == ISO_OK) {
        err = iso_sv_pacer_start(core);
    }
    return err;
}

enum iso_err iso_sv_core_create(const struct iso_sv_core_config *config, struct iso_sv_core **out,
                                struct iso_report *report)
{
    const struct iso_alloc *alloc = config->alloc != NULL ? config->alloc : iso_alloc_libc();
    struct iso_sv_core *core = iso_alloc_new(alloc, sizeof *core);
    if (core == NULL) {
        return ISO_E_NOMEM;
    }
    core->alloc = *alloc;
    if (!init_locks(core)) {
        iso_alloc_free(alloc, core, sizeof *core);
        return ISO_E_NOMEM;
    }
    take_config(core, config);
    iso_sv_list_init(&core->notes);
    iso_sv_list_init(&core->fresh);
    iso_sv_list_init(&core->others);
    core->loop_thread.core = core;
    core->loop_thread.is_loop = true;
    core->timer_wake_ns = UINT64_MAX;
    core->next_id = 1;
    enum iso_err err = start(core, config->code_max_bytes, report);
    if (err != ISO_OK) {
        iso_sv_pacer_stop(core);
        iso_sv_workers_stop(core);
        if (core->handles != 0) {
            close_handles(core);
        } else {
            free_core(core);
        }
        return iso_fail(report, err, "the core of the supervisor cannot be started: %s",
                        iso_err_text(err));
    }
    *out = core;
    return ISO_OK;
}

void iso_sv_core_destroy(struct iso_sv_core *core)
{
    if (core == NULL) {
        return;
    }
    ISO_ASSERT(core->component_count == 0);
    iso_sv_pacer_stop(core);
    iso_sv_workers_stop(core);
    iso_sv_notes_run(core);
    close_handles(core);
}

/* ---- Figures --------------------------------------------------------------------------------- */

void iso_sv_core_stats_get(const struct iso_sv_core *core, struct iso_sv_core_stats *out)
{
    struct iso_sv_core *c = (struct iso_sv_core *)(uintptr_t)core; /* C11's loads want no const */
    *out = (struct iso_sv_core_stats){
        .workers = core->worker_count,
        .instances = atomic_load(&c->instances),
        .waiting = atomic_load(&c->waiting),
        .memory_bytes = atomic_load(&c->memory_bytes),
        .calls_total = atomic_load(&c->calls_total),
        .inline_total = atomic_load(&c->inline_total),
        .fuel_total = atomic_load(&c->fuel_total),
        .cpu_ns = atomic_load(&c->cpu_ns),
        .throttled_ns = atomic_load(&c->throttled_ns),
    };
}

struct iso_sv_component *iso_sv_component_by_id(struct iso_sv_core *core, uint64_t id)
{
    uint32_t low = 0, high = core->component_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        struct iso_sv_component *component = core->components[middle];
        if (component->id == id) {
            return component;
        }
        if (component->id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}
