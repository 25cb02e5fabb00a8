/* instance.c - instances: their stores, made from the module or the component's image. */
#include "supervisor/core_state.h"

/* ---- Life ------------------------------------------------------------------------------------ */

struct iso_sv_instance *iso_sv_instance_new(struct iso_sv_component *component)
{
    struct iso_sv_core *core = component->core;
    struct iso_sv_instance *instance = iso_alloc_new(&core->alloc, sizeof *instance);
    if (instance == NULL) {
        return NULL;
    }
    instance->component = component;
    iso_sv_instance_init_waits(instance);
    iso_sv_list_append(&component->instances, &instance->node);
    atomic_fetch_add_explicit(&core->instances, 1, memory_order_relaxed);
    component->stats.instances++;
    return instance;
}

/* Under the component's lock. */
void iso_sv_instance_unlist(struct iso_sv_instance *instance)
{
    struct iso_sv_component *component = instance->component;
    iso_sv_list_remove(&instance->node);
    if (instance->idle.next != NULL) {
        iso_sv_list_remove(&instance->idle);
        component->idle_count--;
    }
    component->stats.instances--;
}

void iso_sv_instance_free(struct iso_sv_instance *instance)
{
    struct iso_sv_core *core = instance->component->core;
    iso_sv_instance_reset(instance);
    if (instance->sub != NULL) {
        iso_sv_call_unref(instance->sub);
    }
    atomic_fetch_sub_explicit(&core->instances, 1, memory_order_relaxed);
    iso_alloc_free(&core->alloc, instance, sizeof *instance);
}

void iso_sv_instance_reset(struct iso_sv_instance *instance)
{
    struct iso_sv_component *component = instance->component;
    const struct iso_alloc *alloc = &component->core->alloc;
    uint32_t count = component->program->func_count;
    for (uint32_t i = 0; instance->bindings != NULL && i < count; i++) {
        iso_binding_destroy(instance->bindings[i]);
    }
    iso_alloc_free(alloc, instance->bindings, count * sizeof(void *));
    instance->bindings = NULL;
    instance->binding = NULL;
    struct iso_store *store = instance->store;
    uv_mutex_lock(&component->lock);
    instance->store = NULL;
    iso_sv_instance_count_memory(instance, 0);
    uv_mutex_unlock(&component->lock);
    iso_store_destroy(store);
    iso_sv_wasi_free(instance);
    instance->instance = NULL;
    instance->phase = ISO_SV_PHASE_NEW;
    instance->broken = false;
}

bool iso_sv_instance_recycle(struct iso_sv_instance *instance)
{
    const struct iso_sv_component *component = instance->component;
    return component->image != NULL && instance->wasi == NULL &&
           instance->phase == ISO_SV_PHASE_READY &&
           iso_image_reset(component->image, instance->instance) == ISO_OK;
}

/* Under the component's lock. */
void iso_sv_instance_count_memory(struct iso_sv_instance *instance, uint64_t bytes)
{
    struct iso_sv_component_stats *stats = &instance->component->stats;
    stats->memory_bytes += bytes - instance->memory_bytes;
    atomic_fetch_add_explicit(&instance->component->core->memory_bytes,
                              bytes - instance->memory_bytes, memory_order_relaxed);
    if (stats->memory_bytes > stats->memory_peak_bytes) {
        stats->memory_peak_bytes = stats->memory_bytes;
    }
    instance->memory_bytes = bytes;
}

/* ---- Making ---------------------------------------------------------------------------------- */

static enum iso_err make_store(struct iso_sv_instance *instance)
{
    struct iso_sv_component *component = instance->component;
    uint64_t elems = component->limits.memory_bytes / 16;
    const struct iso_store_config config = {.memory_max_bytes = component->limits.memory_bytes,
                                            .stack_max_bytes = ISO_SV_STACK_BYTES,
                                            .table_max_elems =
                                                elems < 10000000 ? (uint32_t)elems + 1 : 0,
                                            .user = instance};
    struct iso_store *store = NULL;
    enum iso_err err = iso_store_create(component->core->engine, &config, &store);
    if (err == ISO_OK) {
        uv_mutex_lock(&component->lock);
        instance->store = store;
        uv_mutex_unlock(&component->lock);
    }
    return err;
}

enum iso_err iso_sv_instance_not_started(struct iso_sv_instance *instance, enum iso_err err)
{
    if (err == ISO_E_LIMIT) {
        iso_report_set(&instance->call->report, "%s", iso_start_text(instance->store, err));
    }
    return err;
}

/* The start function has run: `_initialize`, or ready. */
enum iso_err iso_sv_instance_started(struct iso_sv_instance *instance)
{
    const struct iso_sv_program *program = instance->component->program;
    instance->phase = ISO_SV_PHASE_READY;
    if (!program->has_initialize || program->is_command) {
        return ISO_OK;
    }
    struct iso_func *initialize = iso_instance_export_func(instance->instance, "_initialize");
    enum iso_err err = iso_start(instance->store, initialize, NULL);
    if (err != ISO_OK) {
        return iso_sv_instance_not_started(instance, err);
    }
    instance->phase = ISO_SV_PHASE_INITIALIZING;
    return ISO_OK;
}

enum iso_err iso_sv_instance_make_empty(struct iso_sv_instance *instance, struct iso_report *report)
{
    enum iso_err err = make_store(instance);
    if (err == ISO_OK && instance->component->program->uses_wasi && !instance->template) {
        err = iso_sv_wasi_make(instance, report);
    }
    return err == ISO_OK ? iso_sv_instance_define(instance, report) : err;
}

enum iso_err iso_sv_instance_make(struct iso_sv_instance *instance, struct iso_report *report)
{
    struct iso_sv_component *component = instance->component;
    enum iso_err err = iso_sv_instance_make_empty(instance, report);
    if (err != ISO_OK) {
        return err;
    }
    iso_sv_instance_fuel(instance);
    if (component->image != NULL) {
        err = iso_image_instantiate(component->image, instance->store, &instance->instance, report);
        instance->phase = err == ISO_OK ? ISO_SV_PHASE_READY : ISO_SV_PHASE_NEW;
        return err;
    }
    iso_sv_pace_enter(instance->thread, instance->store);
    err = iso_instance_create(instance->store, component->program->module, &instance->instance,
                              report);
    iso_sv_pace_leave(instance->thread);
    if (err == ISO_E_PENDING) {
        instance->phase = ISO_SV_PHASE_STARTING;
        return ISO_E_PENDING;
    }
    return err == ISO_OK ? iso_sv_instance_started(instance) : err;
}

/* The image of a component, from its template once that is ready. Without one, every call
 * initialises the module itself; that is slower, and the same otherwise. */
void iso_sv_instance_take_image(struct iso_sv_instance *instance)
{
    struct iso_sv_component *component = instance->component;
    struct iso_image *image = NULL;
    if (iso_image_create(instance->instance, &image, NULL) == ISO_OK) {
        uv_mutex_lock(&component->lock);
        component->image = image;
        uv_mutex_unlock(&component->lock);
    }
}
