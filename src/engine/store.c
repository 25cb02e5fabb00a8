/*
 * store.c - stores (spec 4.2.3): creation, limits, and what the host defines for import.
 *
 * Everything in a store has a stable address and goes with it. Small things that are never given
 * back before (names, host functions, host globals) live in its arena.
 */
#include "engine/store.h"
#include "engine/block.h"

enum { DEFAULT_STACK_BYTES = 8 << 20, MIN_STACK_BYTES = 1 << 10 };

enum iso_err iso_store_create(struct iso_engine *engine, const struct iso_store_config *config,
                              struct iso_store **out)
{
    struct iso_store *store = iso_alloc_new(&engine->alloc, sizeof *store);
    if (store == NULL) {
        return ISO_E_NOMEM;
    }
    store->engine = engine;
    store->alloc = engine->alloc;
    if (config != NULL) {
        store->config = *config;
    }
    if (store->config.memory_max_bytes == 0) {
        store->config.memory_max_bytes = (uint64_t)ISO_MAX_MEMORY_PAGES * ISO_PAGE_BYTES;
    }
    if (store->config.table_max_elems == 0) {
        store->config.table_max_elems = ISO_MAX_TABLE_ELEMS;
    }
    if (store->config.stack_max_bytes == 0) {
        store->config.stack_max_bytes = DEFAULT_STACK_BYTES;
    }
    iso_arena_init(&store->arena, &store->alloc, 0, SIZE_MAX);
    enum iso_err err = ISO_E_ARGUMENT;
    size_t slots = store->config.stack_max_bytes / sizeof(union iso_slot);
    if (store->config.stack_max_bytes >= MIN_STACK_BYTES) {
        store->stack_bytes = slots * sizeof(union iso_slot);
        store->stack = iso_block_create_dirty(engine, store->stack_bytes, &store->stack_reserved);
        err = store->stack != NULL ? ISO_OK : ISO_E_NOMEM;
    }
    if (err != ISO_OK) {
        iso_alloc_free(&engine->alloc, store, sizeof *store);
        return err;
    }
    store->exec.stack_end = store->stack + slots;
    iso_engine_lock(engine);
    engine->store_count++;
    iso_engine_unlock(engine);
    *out = store;
    return ISO_OK;
}

static void free_array(struct iso_store *store, void *array, uint32_t capacity, size_t elem_size)
{
    iso_alloc_free(&store->alloc, array, capacity * elem_size);
}

void iso_store_destroy(struct iso_store *store)
{
    if (store == NULL) {
        return;
    }
    ISO_ASSERT(store->nesting == 0);
    for (uint32_t i = 0; i < store->instance_count; i++) {
        iso_instance_free(store->instances[i]);
    }
    iso_engine_lock(store->engine);
    store->engine->store_count--;
    iso_engine_unlock(store->engine);
    iso_store_memories_trim(store, 0);
    iso_store_tables_trim(store, 0);
    free_array(store, store->instances, store->instance_capacity, sizeof(struct iso_instance *));
    free_array(store, store->memories, store->memory_capacity, sizeof(struct iso_memory *));
    free_array(store, store->tables, store->table_capacity, sizeof(struct iso_table *));
    free_array(store, store->globals, store->global_capacity, sizeof(struct iso_global *));
    free_array(store, store->host_funcs, store->host_func_capacity, sizeof(struct iso_func *));
    free_array(store, store->definition_order, 2 * store->definition_capacity, sizeof(uint32_t));
    free_array(store, store->definitions, store->definition_capacity,
               sizeof(struct iso_definition));
    iso_arena_fini(&store->arena);
    iso_block_destroy(store->engine, store->stack, store->stack_bytes, store->stack_reserved);
    struct iso_alloc alloc = store->alloc;
    iso_alloc_free(&alloc, store, sizeof *store);
}

void *iso_store_user(const struct iso_store *store)
{
    return store->config.user;
}

struct iso_arena *iso_store_arena(struct iso_store *store)
{
    return &store->arena;
}

struct iso_engine *iso_store_engine(const struct iso_store *store)
{
    return store->engine;
}

uint64_t iso_store_memory_bytes(const struct iso_store *store)
{
    return store->memory_bytes;
}

void *iso_store_array_grow(struct iso_store *store, void *array, uint32_t count, uint32_t *capacity,
                           size_t elem_size)
{
    if (count < *capacity) {
        return array;
    }
    if (*capacity > UINT32_MAX / 4 || 2 * (size_t)*capacity > SIZE_MAX / 2 / elem_size) {
        return NULL;
    }
    uint32_t wanted = *capacity != 0 ? 2 * *capacity : 4;
    void *grown = iso_alloc_resize(&store->alloc, array, *capacity * elem_size, wanted * elem_size);
    if (grown != NULL) {
        *capacity = wanted;
    }
    return grown;
}

/* ---- Definitions of the host --------------------------------------------------------------- */

/* The types that a text such as "iIr" names, in the store's arena. */
static enum iso_err parse_types(struct iso_store *store, const char *text, uint8_t **types,
                                uint32_t *count, uint32_t max)
{
    size_t len = text != NULL ? strlen(text) : 0;
    if (len > max) {
        return ISO_E_ARGUMENT;
    }
    uint8_t *array = iso_arena_alloc(&store->arena, len);
    if (array == NULL) {
        return ISO_E_NOMEM;
    }
    for (size_t i = 0; i < len; i++) {
        if (!iso_type_from_letter(text[i], &array[i])) {
            return ISO_E_ARGUMENT;
        }
    }
    *types = array;
    *count = (uint32_t)len;
    return ISO_OK;
}

static enum iso_err parse_type(struct iso_store *store, const struct iso_host_func *def,
                               const struct iso_interned_type **out)
{
    uint8_t *params = NULL, *results = NULL;
    uint32_t param_count = 0, result_count = 0;
    enum iso_err err = parse_types(store, def->params, &params, &param_count, ISO_MAX_PARAMS);
    if (err == ISO_OK) {
        err = parse_types(store, def->results, &results, &result_count, ISO_MAX_RESULTS);
    }
    if (err != ISO_OK) {
        return err;
    }
    return iso_types_intern(store->engine, params, param_count, results, result_count, out);
}

enum iso_err iso_store_define_func(struct iso_store *store, const struct iso_host_func *def)
{
    if (def->module == NULL || def->name == NULL || def->fn == NULL) {
        return ISO_E_ARGUMENT;
    }
    const struct iso_interned_type *type = NULL;
    enum iso_err err = parse_type(store, def, &type);
    if (err != ISO_OK) {
        return err;
    }
    struct iso_host_binding *binding = iso_arena_alloc(&store->arena, sizeof *binding);
    struct iso_func *func = iso_arena_alloc(&store->arena, sizeof *func);
    const char *module = iso_arena_copy_str(&store->arena, iso_str_from_z(def->module));
    const char *name = iso_arena_copy_str(&store->arena, iso_str_from_z(def->name));
    struct iso_func **funcs =
        iso_store_array_grow(store, store->host_funcs, store->host_func_count,
                             &store->host_func_capacity, sizeof(struct iso_func *));
    if (funcs == NULL) {
        return ISO_E_NOMEM;
    }
    store->host_funcs = funcs;
    if (binding == NULL || func == NULL || module == NULL || name == NULL) {
        return ISO_E_NOMEM;
    }
    *binding = (struct iso_host_binding){.module = iso_str_from_z(module),
                                         .name = iso_str_from_z(name),
                                         .type = type,
                                         .fn = def->fn,
                                         .ctx = def->ctx,
                                         .policy = def->policy};
    *func = (struct iso_func){
        .host = binding, .type_id = type->id, .func_index = store->host_func_count};
    err = iso_store_definition_add(store, binding->module, binding->name, ISO_EXTERN_FUNC, func);
    if (err == ISO_OK) {
        funcs[store->host_func_count++] = func;
    }
    return err;
}

static bool is_type(enum iso_type type)
{
    return (type >= ISO_TYPE_V128 && type <= ISO_TYPE_I32) || type == ISO_TYPE_FUNCREF ||
           type == ISO_TYPE_EXTERNREF;
}

enum iso_err iso_store_define_global(struct iso_store *store, const char *module, const char *name,
                                     enum iso_type type, bool is_mutable,
                                     const union iso_slot *value)
{
    if (module == NULL || name == NULL || value == NULL || !is_type(type)) {
        return ISO_E_ARGUMENT;
    }
    struct iso_global *global = iso_arena_alloc(&store->arena, sizeof *global);
    struct iso_global **globals =
        iso_store_array_grow(store, store->globals, store->global_count, &store->global_capacity,
                             sizeof(struct iso_global *));
    if (globals == NULL) {
        return ISO_E_NOMEM;
    }
    store->globals = globals;
    if (global == NULL) {
        return ISO_E_NOMEM;
    }
    memcpy(global->value, value, iso_type_slots((uint8_t)type) * sizeof *value);
    global->type = (uint8_t)type;
    global->is_mutable = is_mutable;
    global->index = store->global_count;
    enum iso_err err = iso_store_definition_add(store, iso_str_from_z(module), iso_str_from_z(name),
                                                ISO_EXTERN_GLOBAL, global);
    if (err == ISO_OK) {
        globals[store->global_count++] = global;
    }
    return err;
}

enum iso_err iso_store_define_memory(struct iso_store *store, const char *module, const char *name,
                                     const struct iso_limits *limits)
{
    if (module == NULL || name == NULL || limits->min > ISO_MAX_MEMORY_PAGES ||
        (limits->has_max && (limits->max < limits->min || limits->max > ISO_MAX_MEMORY_PAGES))) {
        return ISO_E_ARGUMENT;
    }
    uint32_t keep = store->memory_count;
    struct iso_memory *memory = NULL;
    enum iso_err err = iso_memory_create(store, limits, &memory, NULL);
    if (err == ISO_OK) {
        err = iso_store_definition_add(store, iso_str_from_z(module), iso_str_from_z(name),
                                       ISO_EXTERN_MEMORY, memory);
    }
    if (err != ISO_OK) {
        iso_store_memories_trim(store, keep);
    }
    return err;
}

enum iso_err iso_store_define_table(struct iso_store *store, const char *module, const char *name,
                                    enum iso_type type, const struct iso_limits *limits)
{
    if (module == NULL || name == NULL || (limits->has_max && limits->max < limits->min) ||
        (type != ISO_TYPE_FUNCREF && type != ISO_TYPE_EXTERNREF)) {
        return ISO_E_ARGUMENT;
    }
    uint32_t keep = store->table_count;
    struct iso_table *table = NULL;
    enum iso_err err = iso_table_create(store, (uint8_t)type, limits, &table, NULL);
    if (err == ISO_OK) {
        err = iso_store_definition_add(store, iso_str_from_z(module), iso_str_from_z(name),
                                       ISO_EXTERN_TABLE, table);
    }
    if (err != ISO_OK) {
        iso_store_tables_trim(store, keep);
    }
    return err;
}

static void *exported_object(struct iso_instance *instance, const struct iso_export *export)
{
    switch ((enum iso_extern_kind) export->kind) {
    case ISO_EXTERN_FUNC:
        return iso_instance_func(instance, export->index);
    case ISO_EXTERN_TABLE:
        return instance->tables[export->index];
    case ISO_EXTERN_MEMORY:
        return instance->memories[export->index];
    case ISO_EXTERN_GLOBAL:
        return instance->globals[export->index];
    }
    return NULL;
}

enum iso_err iso_store_define_instance(struct iso_store *store, const char *module,
                                       struct iso_instance *instance)
{
    if (module == NULL || instance->store != store) {
        return ISO_E_ARGUMENT;
    }
    const struct iso_module *code = instance->module;
    for (uint32_t i = 0; i < code->export_count; i++) {
        const struct iso_export *export = &code->exports[i];
        enum iso_err err = iso_store_definition_add(store, iso_str_from_z(module), export->name,
                                                    (enum iso_extern_kind) export->kind,
                                                    exported_object(instance, export));
        if (err != ISO_OK) {
            return err;
        }
    }
    return ISO_OK;
}
