/* component.c - components: their making from a definition, and what may be asked of them. */
#include "supervisor/core_state.h"

/* ---- Copying the definition ------------------------------------------------------------------ */

static bool copy_str(struct iso_arena *arena, struct iso_str from, struct iso_str *to)
{
    *to = (struct iso_str){.ptr = iso_arena_copy_str(arena, from), .len = from.len};
    return to->ptr != NULL;
}

static int compare_keys(const struct iso_sv_pair *a, const struct iso_sv_pair *b)
{
    size_t len = a->key.len < b->key.len ? a->key.len : b->key.len;
    int side = len != 0 ? memcmp(a->key.ptr, b->key.ptr, len) : 0;
    return side != 0 ? side : (a->key.len > b->key.len) - (a->key.len < b->key.len);
}

/* In the order of the keys; there are few. */
static bool copy_pairs(struct iso_arena *arena, const struct iso_sv_pair *from, size_t count,
                       const struct iso_sv_pair **to)
{
    struct iso_sv_pair *copy = iso_arena_array(arena, count, sizeof *copy);
    for (size_t i = 0; i < count && copy != NULL; i++) {
        size_t at = i;
        struct iso_sv_pair pair;
        if (!copy_str(arena, from[i].key, &pair.key) ||
            !copy_str(arena, from[i].value, &pair.value)) {
            return false;
        }
        while (at > 0 && compare_keys(&copy[at - 1], &pair) > 0) {
            copy[at] = copy[at - 1];
            at--;
        }
        copy[at] = pair;
    }
    *to = copy;
    return copy != NULL;
}

static bool copy_strs(struct iso_arena *arena, const struct iso_str *from, size_t count,
                      const struct iso_str **to)
{
    struct iso_str *copy = iso_arena_array(arena, count, sizeof *copy);
    for (size_t i = 0; i < count && copy != NULL; i++) {
        if (!copy_str(arena, from[i], &copy[i])) {
            return false;
        }
    }
    *to = copy;
    return copy != NULL;
}

static bool copy_dirs(struct iso_arena *arena, const struct iso_sv_component_def *from,
                      struct iso_sv_component_def *to)
{
    struct iso_sv_dir_grant *dirs = iso_arena_array(arena, from->dir_count, sizeof *dirs);
    for (size_t i = 0; i < from->dir_count && dirs != NULL; i++) {
        dirs[i].writable = from->dirs[i].writable;
        if (!copy_str(arena, from->dirs[i].guest_path, &dirs[i].guest_path) ||
            !copy_str(arena, from->dirs[i].host_path, &dirs[i].host_path)) {
            return false;
        }
    }
    to->dirs = dirs;
    return dirs != NULL;
}

static bool copy_devices(struct iso_arena *arena, const struct iso_sv_component_def *from,
                         struct iso_sv_component_def *to)
{
    struct iso_sv_device_grant *devices =
        iso_arena_array(arena, from->device_count, sizeof *devices);
    for (size_t i = 0; i < from->device_count && devices != NULL; i++) {
        devices[i].name_count = from->devices[i].name_count;
        if (!copy_str(arena, from->devices[i].interface, &devices[i].interface) ||
            !copy_strs(arena, from->devices[i].names, from->devices[i].name_count,
                       &devices[i].names)) {
            return false;
        }
    }
    to->devices = devices;
    return devices != NULL;
}

static bool copy_def(struct iso_sv_component *component, const struct iso_sv_component_def *from)
{
    struct iso_arena *arena = &component->arena;
    struct iso_sv_component_def *to = &component->def;
    *to = *from;
    to->links = NULL;
    to->link_count = 0;
    if (from->storage_path != NULL) {
        to->storage_path = iso_arena_copy_str(arena, iso_str_from_z(from->storage_path));
        if (to->storage_path == NULL) {
            return false;
        }
    }
    return copy_str(arena, from->app, &component->app) &&
           copy_str(arena, from->name, &component->name) &&
           copy_pairs(arena, from->config, from->config_count, &to->config) &&
           copy_pairs(arena, from->env, from->env_count, &to->env) &&
           copy_strs(arena, from->args, from->arg_count, &to->args) && copy_dirs(arena, from, to) &&
           copy_devices(arena, from, to);
}

static enum iso_err check_name(struct iso_str name, const char *what, struct iso_report *report)
{
    if (name.len == 0 || name.len > ISO_SV_NAME_BYTES) {
        return iso_fail(report, ISO_E_ARGUMENT, "the name of the %s must have 1 to %u bytes", what,
                        ISO_SV_NAME_BYTES);
    }
    return ISO_OK;
}

static enum iso_err check_def(const struct iso_sv_component_def *def, struct iso_report *report)
{
    enum iso_err err = check_name(def->app, "application", report);
    if (err == ISO_OK) {
        err = check_name(def->name, "component", report);
    }
    if (err == ISO_OK &&
        (def->config_count > ISO_SV_DEF_ITEMS || def->env_count > ISO_SV_DEF_ITEMS ||
         def->arg_count > ISO_SV_DEF_ITEMS || def->dir_count > ISO_SV_DEF_ITEMS ||
         def->device_count > ISO_SV_DEF_ITEMS || def->link_count > ISO_SV_DEF_ITEMS)) {
        return iso_fail(report, ISO_E_LIMIT,
                        "component %.*s has more than %u values of one kind (configuration, "
                        "environment, arguments, directories, devices or links)",
                        (int)def->name.len, def->name.ptr, ISO_SV_DEF_ITEMS);
    }
    if (err == ISO_OK && def->mode == ISO_SV_SERVICE && def->program->is_command) {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "component %.*s is a command: it runs from its beginning to its end, in "
                        "mode function",
                        (int)def->name.len, def->name.ptr);
    }
    return err;
}

static void take_limits(struct iso_sv_limits *to, const struct iso_sv_limits *from)
{
    *to = *from;
    to->memory_bytes = from->memory_bytes != 0 ? from->memory_bytes : ISO_SV_MEMORY_BYTES;
    to->fuel = from->fuel != 0 ? from->fuel : ISO_FUEL_UNLIMITED;
    to->time_ns = from->time_ns != 0 ? from->time_ns : ISO_SV_TIME_NS;
    to->queue = from->queue != 0 ? from->queue : ISO_SV_QUEUE;
    to->instances = from->instances != 0 ? from->instances : ISO_SV_INSTANCES;
    to->files = from->files != 0 ? from->files : ISO_SV_FILES;
    to->log_lines_per_s =
        from->log_lines_per_s != 0 ? from->log_lines_per_s : ISO_SV_LOG_LINES_PER_S;
    to->storage_bytes = from->storage_bytes != 0 ? from->storage_bytes : ISO_SV_STORAGE_BYTES;
    to->result_bytes = from->result_bytes != 0 ? from->result_bytes : ISO_SV_RESULT_BYTES;
}

/* ---- Life ------------------------------------------------------------------------------------ */

void iso_sv_component_ref(struct iso_sv_component *component)
{
    (void)atomic_fetch_add_explicit(&component->refs, 1, memory_order_relaxed);
}

void iso_sv_component_unref(struct iso_sv_component *component)
{
    if (component == NULL ||
        atomic_fetch_sub_explicit(&component->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    struct iso_alloc alloc = component->core->alloc;
    iso_sv_program_unref(component->program);
    iso_arena_fini(&component->arena);
    uv_mutex_destroy(&component->lock);
    iso_alloc_free(&alloc, component, sizeof *component);
}

void iso_sv_component_drop_links(struct iso_sv_component *component)
{
    for (uint32_t i = 0; i < component->link_count; i++) {
        iso_sv_component_unref(component->links[i].link.local);
    }
    component->link_count = 0;
}

static bool register_component(struct iso_sv_core *core, struct iso_sv_component *component)
{
    if (core->component_count == core->component_capacity) {
        uint32_t capacity = core->component_capacity != 0 ? 2 * core->component_capacity : 16;
        struct iso_sv_component **grown =
            iso_alloc_resize(&core->alloc, core->components,
                             core->component_capacity * sizeof(void *), capacity * sizeof(void *));
        if (grown == NULL) {
            return false;
        }
        core->components = grown;
        core->component_capacity = capacity;
    }
    component->id = core->next_id++;
    core->components[core->component_count++] = component;
    return true;
}

void iso_sv_component_unregister(struct iso_sv_component *component)
{
    struct iso_sv_core *core = component->core;
    uint32_t at = 0;
    while (at < core->component_count && core->components[at] != component) {
        at++;
    }
    ISO_ASSERT(at < core->component_count);
    core->component_count--;
    memmove(&core->components[at], &core->components[at + 1],
            (core->component_count - at) * sizeof(void *));
}

/* Calls through links are numbered from anywhere: a component that was made anew under the same
 * name must not be answered with what callees remember of the one before. */
static uint64_t first_sequence(void)
{
    uint64_t random = 0;
    if (uv_random(NULL, NULL, &random, sizeof random, 0, NULL) != 0) {
        random = uv_hrtime() * UINT64_C(0x9e3779b97f4a7c15);
    }
    return random >> 12;
}

/* The structure with nothing in it; NULL when memory is short. */
static struct iso_sv_component *component_new(struct iso_sv_core *core,
                                              const struct iso_sv_component_def *def)
{
    struct iso_sv_component *component = iso_alloc_new(&core->alloc, sizeof *component);
    if (component == NULL) {
        return NULL;
    }
    if (uv_mutex_init(&component->lock) != 0) {
        iso_alloc_free(&core->alloc, component, sizeof *component);
        return NULL;
    }
    atomic_init(&component->refs, 1);
    atomic_init(&component->epoch, def->epoch);
    atomic_init(&component->sequence, first_sequence());
    component->core = core;
    component->program = iso_sv_program_ref(def->program);
    component->mode = def->mode;
    component->state = ISO_SV_PREPARED;
    iso_arena_init(&component->arena, &core->alloc, 1024, SIZE_MAX);
    iso_sv_list_init(&component->queue);
    iso_sv_list_init(&component->instances);
    iso_sv_list_init(&component->idle);
    take_limits(&component->limits, &def->limits);
    component->log_tokens = component->limits.log_lines_per_s;
    component->log_filled_ns = uv_hrtime();
    iso_sv_component_init_notes(component);
    return component;
}

static enum iso_err fill(struct iso_sv_component *component, const struct iso_sv_component_def *def,
                         struct iso_report *report)
{
    uint32_t funcs = component->program->func_count;
    if (!copy_def(component, def)) {
        return ISO_E_NOMEM;
    }
    (void)iso_format(component->full_name, sizeof component->full_name, "%s/%s", component->app.ptr,
                     component->name.ptr);
    component->func_states =
        iso_arena_array(&component->arena, funcs, sizeof *component->func_states);
    if (component->func_states == NULL) {
        return ISO_E_NOMEM;
    }
    enum iso_err err = iso_sv_component_plan(component, def, report);
    if (err != ISO_OK) {
        return err;
    }
    component->setup = iso_sv_call_create(component->core);
    if (component->setup == NULL) {
        return ISO_E_NOMEM;
    }
    component->setup->state->kind = ISO_SV_CALL_SETUP;
    return register_component(component->core, component) ? ISO_OK : ISO_E_NOMEM;
}

enum iso_err iso_sv_component_create(struct iso_sv_core *core,
                                     const struct iso_sv_component_def *def, iso_sv_ready_fn ready,
                                     void *ctx, struct iso_sv_component **out,
                                     struct iso_report *report)
{
    enum iso_err err = check_def(def, report);
    if (err != ISO_OK) {
        return err;
    }
    struct iso_sv_component *component = component_new(core, def);
    if (component == NULL) {
        return ISO_E_NOMEM;
    }
    component->ready = ready;
    component->ready_ctx = ctx;
    err = fill(component, def, report);
    if (err != ISO_OK) {
        iso_sv_component_drop_links(component);
        if (component->setup != NULL) {
            iso_sv_call_unref(component->setup);
        }
        iso_sv_component_unref(component);
        return err;
    }
    *out = component;
    iso_sv_component_setup(component);
    return ISO_OK;
}

/* ---- Questions ------------------------------------------------------------------------------- */

struct iso_str iso_sv_component_app(const struct iso_sv_component *component)
{
    return component->app;
}

struct iso_str iso_sv_component_name(const struct iso_sv_component *component)
{
    return component->name;
}

uint64_t iso_sv_component_epoch(const struct iso_sv_component *component)
{
    return atomic_load(&((struct iso_sv_component *)(uintptr_t)component)->epoch);
}

void iso_sv_component_set_epoch(struct iso_sv_component *component, uint64_t epoch)
{
    atomic_store(&component->epoch, epoch);
}

uint64_t iso_sv_component_id(const struct iso_sv_component *component)
{
    return component->id;
}

struct iso_sv_program *iso_sv_component_program(const struct iso_sv_component *component)
{
    return component->program;
}

enum iso_sv_mode iso_sv_component_mode(const struct iso_sv_component *component)
{
    return component->mode;
}

enum iso_sv_state iso_sv_component_state(const struct iso_sv_component *component)
{
    struct iso_sv_component *c = (struct iso_sv_component *)(uintptr_t)component;
    uv_mutex_lock(&c->lock);
    enum iso_sv_state state = c->state;
    uv_mutex_unlock(&c->lock);
    return state;
}

const char *iso_sv_state_name(enum iso_sv_state state)
{
    static const char *const names[] = {"prepared", "running", "draining", "freezing",
                                        "frozen",   "failed",  "stopped"};
    return (size_t)state < ISO_COUNT_OF(names) ? names[state] : "unknown";
}

enum iso_err iso_sv_component_relink(struct iso_sv_component *component,
                                     const struct iso_sv_link *link)
{
    struct iso_sv_import_link *found = NULL;
    for (uint32_t i = 0; i < component->link_count; i++) {
        if (iso_str_equal(component->links[i].name, link->interface)) {
            found = &component->links[i];
        }
    }
    if (found == NULL) {
        return ISO_E_NOT_FOUND;
    }
    const struct iso_alloc *alloc = &component->core->alloc;
    uint32_t *callees = iso_alloc_array(alloc, component->import_count, sizeof *callees);
    if (callees == NULL) {
        return ISO_E_NOMEM;
    }
    enum iso_err err = link->local != NULL
                           ? iso_sv_component_bind(component, found, link->local, callees, NULL)
                           : ISO_OK;
    struct iso_sv_component *before = NULL;
    if (err == ISO_OK) {
        if (link->local != NULL) {
            iso_sv_component_ref(link->local);
        }
        uv_mutex_lock(&component->lock);
        before = found->link.local;
        found->link = *link;
        for (uint32_t i = 0; i < component->import_count; i++) {
            if (component->imports[i].link == found) {
                component->imports[i].callee = callees[i];
            }
        }
        uv_mutex_unlock(&component->lock);
    }
    iso_sv_component_unref(before);
    iso_alloc_free(alloc, callees, component->import_count * sizeof *callees);
    return err;
}
