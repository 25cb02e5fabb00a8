/*
 * instance.c - instances (spec 4.2.5) and their making (4.5.4, "Instantiation").
 *
 * An instance is one block: the structure and, behind it, the arrays of its index spaces. Only its
 * functions stand apart: there may be very many, of which few are ever referred to, so that their
 * array is filled at first use and, when large, not even touched before.
 */
#include "engine/block.h"
#include "engine/code.h"
#include "engine/image.h"
#include "engine/run.h"

/* ---- Storage ------------------------------------------------------------------------------- */

/* Offset in bytes of each array from the start of the block. */
struct layout {
    size_t imported_funcs, tables, memories, globals, own_globals, dropped_data, dropped_elem, end;
};

static size_t take(size_t *end, size_t count, size_t elem_size)
{
    const size_t align =
        _Alignof(union iso_slot) > sizeof(void *) ? _Alignof(union iso_slot) : sizeof(void *);
    size_t offset = *end;
    *end = (offset + count * elem_size + align - 1) / align * align;
    return offset;
}

/* The counts are bounded by limits.h: with 32 bits the sum is far below SIZE_MAX. */
static struct layout layout_of(const struct iso_module *module)
{
    struct layout layout;
    size_t end = 0;
    (void)take(&end, 1, sizeof(struct iso_instance));
    layout.imported_funcs = take(&end, module->func_import_count, sizeof(struct iso_func *));
    layout.tables = take(&end, module->table_count, sizeof(struct iso_table *));
    layout.memories = take(&end, module->memory_count, sizeof(struct iso_memory *));
    layout.globals = take(&end, module->global_count, sizeof(struct iso_global *));
    layout.own_globals =
        take(&end, module->global_count - module->global_import_count, sizeof(struct iso_global));
    layout.dropped_data = take(&end, (module->data_count + 7) / 8, 1);
    layout.dropped_elem = take(&end, (module->elem_count + 7) / 8, 1);
    layout.end = end;
    return layout;
}

/* Without a limit on code memory, code is there for ever once it is made, for all to use. */
static bool make_code_table(struct iso_instance *instance)
{
    struct iso_engine *engine = instance->module->engine;
    instance->code = instance->module->code;
    if (engine->code_max_bytes == 0) {
        return true;
    }
    size_t table = instance->module->func_count * sizeof(struct iso_code *);
    size_t bytes = table + (instance->module->func_count + 7) / 8 + 1;
    uint8_t *block = iso_block_create(engine, bytes, &instance->code_reserved);
    if (block == NULL) {
        return false;
    }
    instance->code = (struct iso_code * _Atomic *)(void *)block;
    instance->code_live = block + table;
    instance->code_bytes = bytes;
    return true;
}

struct iso_instance *iso_instance_new(struct iso_store *store, struct iso_module *module)
{
    struct layout layout = layout_of(module);
    uint8_t *block = iso_alloc_new(&store->alloc, layout.end);
    if (block == NULL) {
        return NULL;
    }
    struct iso_instance *instance = (struct iso_instance *)(void *)block;
    instance->store = store;
    instance->module = module;
    instance->block_bytes = layout.end;
    instance->imported_funcs = (void *)(block + layout.imported_funcs);
    instance->tables = (void *)(block + layout.tables);
    instance->memories = (void *)(block + layout.memories);
    instance->globals = (void *)(block + layout.globals);
    instance->own_globals = (void *)(block + layout.own_globals);
    instance->dropped_data = block + layout.dropped_data;
    instance->dropped_elem = block + layout.dropped_elem;
    instance->funcs_bytes =
        (module->func_count - module->func_import_count) * sizeof(struct iso_func);
    instance->funcs =
        iso_block_create(store->engine, instance->funcs_bytes, &instance->funcs_reserved);
    if (instance->funcs == NULL) {
        iso_alloc_free(&store->alloc, instance, layout.end);
        return NULL;
    }
    if (!make_code_table(instance)) {
        iso_instance_free_block(store->engine, instance);
        return NULL;
    }
    return instance;
}

void iso_instance_free_block(struct iso_engine *engine, struct iso_instance *instance)
{
    iso_block_destroy(engine, instance->funcs, instance->funcs_bytes, instance->funcs_reserved);
    if (instance->code_bytes != 0) {
        iso_block_destroy(engine, instance->code, instance->code_bytes, instance->code_reserved);
    }
    iso_alloc_free(&engine->alloc, instance, instance->block_bytes);
}

void iso_instance_free(struct iso_instance *instance)
{
    if (instance == NULL) {
        return;
    }
    struct iso_engine *engine = instance->store->engine;
    struct iso_image *image = instance->image;
    iso_code_forget(instance);
    if (image == NULL || !iso_image_keep(image, instance)) {
        iso_instance_free_block(engine, instance);
    }
    if (image != NULL) {
        iso_image_release(image);
    }
}

enum iso_err iso_instance_reserve(struct iso_store *store)
{
    struct iso_instance **instances =
        iso_store_array_grow(store, store->instances, store->instance_count,
                             &store->instance_capacity, sizeof(struct iso_instance *));
    if (instances == NULL) {
        return ISO_E_NOMEM;
    }
    store->instances = instances;
    return ISO_OK;
}

void iso_instance_publish(struct iso_instance *instance)
{
    struct iso_store *store = instance->store;
    ISO_ASSERT(store->instance_count < store->instance_capacity);
    instance->index = store->instance_count;
    store->instances[store->instance_count++] = instance;
}

/* ---- Instantiation ------------------------------------------------------------------------- */

/* The module's own tables and memories (4.5.3.2, 4.5.3.3). */
enum iso_err iso_instance_create_objects(struct iso_instance *instance, struct iso_report *report)
{
    struct iso_store *store = instance->store;
    const struct iso_module *module = instance->module;
    for (uint32_t i = module->table_import_count; i < module->table_count; i++) {
        enum iso_err err = iso_table_create(
            store, module->tables[i].type, &module->tables[i].limits, &instance->tables[i], report);
        if (err != ISO_OK) {
            return err;
        }
    }
    for (uint32_t i = module->memory_import_count; i < module->memory_count; i++) {
        enum iso_err err =
            iso_memory_create(store, &module->memories[i], &instance->memories[i], report);
        if (err != ISO_OK) {
            return err;
        }
    }
    return ISO_OK;
}

void iso_instance_init_globals(struct iso_instance *instance)
{
    const struct iso_module *module = instance->module;
    for (uint32_t i = module->global_import_count; i < module->global_count; i++) {
        struct iso_global *global = &instance->own_globals[i - module->global_import_count];
        global->type = module->globals[i].type;
        global->is_mutable = module->globals[i].is_mutable;
        global->index = i;
        instance->globals[i] = global;
        iso_const_eval(instance, &module->globals[i].init, global->value);
    }
}

static enum iso_err fail_trap(struct iso_store *store, enum iso_trap_kind kind,
                              struct iso_report *report, const char *what, uint32_t segment,
                              uint32_t offset, uint64_t len, uint64_t size)
{
    struct iso_trap *trap = iso_trap_begin(store, kind);
    (void)iso_format(trap->message, sizeof trap->message, "%s", iso_trap_text(kind));
    return iso_fail(report, ISO_E_TRAP,
                    "%s: %s segment %lu wants to be at %lu..%llu, the size is %llu",
                    iso_trap_text(kind), what, (unsigned long)segment, (unsigned long)offset,
                    (unsigned long long)offset + len, (unsigned long long)size);
}

static enum iso_err init_tables(struct iso_instance *instance, struct iso_report *report)
{
    const struct iso_module *module = instance->module;
    for (uint32_t i = 0; i < module->elem_count; i++) {
        const struct iso_elem_segment *segment = &module->elems[i];
        if (segment->mode == ISO_SEGMENT_ACTIVE) {
            union iso_slot offset[2];
            iso_const_eval(instance, &segment->offset, offset);
            if (!iso_table_init(instance, segment->table, i, offset[0].u32, 0, segment->count)) {
                return fail_trap(instance->store, ISO_TRAP_TABLE, report, "element", i,
                                 offset[0].u32, segment->count,
                                 instance->tables[segment->table]->size);
            }
        }
        if (segment->mode != ISO_SEGMENT_PASSIVE) {
            iso_elem_drop(instance, i);
        }
    }
    return ISO_OK;
}

static enum iso_err init_memories(struct iso_instance *instance, struct iso_report *report)
{
    const struct iso_module *module = instance->module;
    for (uint32_t i = 0; i < module->data_count; i++) {
        const struct iso_data_segment *segment = &module->datas[i];
        if (segment->mode != ISO_SEGMENT_ACTIVE) {
            continue;
        }
        union iso_slot offset[2];
        iso_const_eval(instance, &segment->offset, offset);
        uint32_t len = (uint32_t)segment->bytes.len;
        if (!iso_memory_init(instance, segment->memory, i, offset[0].u32, 0, len)) {
            return fail_trap(instance->store, ISO_TRAP_MEMORY, report, "data", i, offset[0].u32,
                             len, instance->memories[segment->memory]->size);
        }
        iso_data_drop(instance, i);
    }
    return ISO_OK;
}

static enum iso_err run_start(struct iso_instance *instance, struct iso_report *report)
{
    struct iso_store *store = instance->store;
    struct iso_func *start = iso_instance_func(instance, instance->module->start);
    enum iso_err err = iso_start(store, start, NULL);
    if (err != ISO_OK) {
        return iso_fail(report, err, "start function: %s", iso_start_text(store, err));
    }
    switch (iso_run(store)) {
    case ISO_RUN_DONE:
        return ISO_OK;
    case ISO_RUN_TRAPPED:
        return iso_fail(report, ISO_E_TRAP, "start function: %s", store->last_trap.message);
    default:
        return iso_fail(report, ISO_E_PENDING, "the start function is suspended");
    }
}

/* Whether a call is suspended, so that a start function could not be called. */
static bool is_suspended(const struct iso_store *store)
{
    return store->nesting == 0 && store->state != ISO_RUN_IDLE && store->state != ISO_RUN_DONE &&
           store->state != ISO_RUN_TRAPPED;
}

/* An instance with everything but segments, in the store; nothing is left of a failed one. */
static enum iso_err create_instance(struct iso_store *store, struct iso_module *module,
                                    struct iso_instance **out, struct iso_report *report)
{
    enum iso_err err = iso_instance_reserve(store);
    if (err != ISO_OK) {
        return err;
    }
    struct iso_instance *instance = iso_instance_new(store, module);
    if (instance == NULL) {
        return ISO_E_NOMEM;
    }
    uint32_t table_count = store->table_count, memory_count = store->memory_count;
    err = iso_instance_link(instance, report);
    if (err == ISO_OK) {
        err = iso_instance_create_objects(instance, report);
    }
    if (err != ISO_OK) {
        iso_store_tables_trim(store, table_count);
        iso_store_memories_trim(store, memory_count);
        iso_instance_free(instance);
        return err;
    }
    iso_instance_init_globals(instance);
    iso_instance_publish(instance);
    *out = instance;
    return ISO_OK;
}

enum iso_err iso_instance_create(struct iso_store *store, struct iso_module *module,
                                 struct iso_instance **out, struct iso_report *report)
{
    if (store->engine != module->engine) {
        return iso_fail(report, ISO_E_ARGUMENT, "the module belongs to another engine");
    }
    if (module->has_start && is_suspended(store)) {
        return iso_fail(report, ISO_E_STATE,
                        "the module has a start function, and a call is under way in the store");
    }
    struct iso_instance *instance = NULL;
    enum iso_err err = create_instance(store, module, &instance, report);
    if (err != ISO_OK) {
        return err;
    }
    err = init_tables(instance, report);
    if (err == ISO_OK) {
        err = init_memories(instance, report);
    }
    if (err == ISO_OK && module->has_start) {
        err = run_start(instance, report);
    }
    if (err == ISO_OK || err == ISO_E_PENDING) {
        *out = instance;
    }
    return err;
}

/* ---- Parts of an instance ------------------------------------------------------------------ */

struct iso_func *iso_instance_func(struct iso_instance *instance, uint32_t index)
{
    const struct iso_module *module = instance->module;
    if (index < module->func_import_count) {
        return instance->imported_funcs[index];
    }
    struct iso_func *func = &instance->funcs[index - module->func_import_count];
    if (func->instance == NULL) {
        func->type_id = module->funcs[index].type->id;
        func->func_index = index;
        func->instance = instance;
    }
    return func;
}

void iso_const_eval(struct iso_instance *instance, const struct iso_const_expr *expr,
                    union iso_slot *out)
{
    switch (expr->kind) {
    case ISO_CONST_VALUE:
        memcpy(out, expr->value, iso_type_slots(expr->type) * sizeof *out);
        break;
    case ISO_CONST_GLOBAL_GET:
        memcpy(out, instance->globals[expr->index]->value,
               iso_type_slots(expr->type) * sizeof *out);
        break;
    case ISO_CONST_REF_NULL:
        out->ref = 0;
        break;
    case ISO_CONST_REF_FUNC:
        out->ref = (uintptr_t)iso_instance_func(instance, expr->index);
        break;
    }
}

struct iso_module *iso_instance_module(const struct iso_instance *instance)
{
    return instance->module;
}

struct iso_store *iso_instance_store(const struct iso_instance *instance)
{
    return instance->store;
}

const struct iso_func_type *iso_func_type(const struct iso_func *func)
{
    if (func->host != NULL) {
        return &func->host->type->type;
    }
    return &func->instance->module->funcs[func->func_index].type->type;
}

static const struct iso_export *find_export(struct iso_instance *instance, const char *name,
                                            enum iso_extern_kind kind)
{
    const struct iso_export *export =
        iso_module_export_find(instance->module, iso_str_from_z(name));
    return export != NULL && export->kind == kind ? export : NULL;
}

struct iso_func *iso_instance_export_func(struct iso_instance *instance, const char *name)
{
    const struct iso_export *export = find_export(instance, name, ISO_EXTERN_FUNC);
    return export != NULL ? iso_instance_func(instance, export->index) : NULL;
}

enum iso_err iso_instance_global_get(struct iso_instance *instance, const char *name,
                                     enum iso_type *type, union iso_slot *value)
{
    const struct iso_export *export = find_export(instance, name, ISO_EXTERN_GLOBAL);
    if (export == NULL) {
        return ISO_E_NOT_FOUND;
    }
    const struct iso_global *global = instance->globals[export->index];
    if (type != NULL) {
        *type = (enum iso_type)global->type;
    }
    memcpy(value, global->value, iso_type_slots(global->type) * sizeof *value);
    return ISO_OK;
}

enum iso_err iso_instance_global_set(struct iso_instance *instance, const char *name,
                                     const union iso_slot *value)
{
    const struct iso_export *export = find_export(instance, name, ISO_EXTERN_GLOBAL);
    if (export == NULL) {
        return ISO_E_NOT_FOUND;
    }
    struct iso_global *global = instance->globals[export->index];
    if (!global->is_mutable) {
        return ISO_E_ARGUMENT;
    }
    memcpy(global->value, value, iso_type_slots(global->type) * sizeof *value);
    return ISO_OK;
}

uint8_t *iso_instance_memory(struct iso_instance *instance, uint64_t *size_bytes)
{
    if (instance->module->memory_count == 0) {
        *size_bytes = 0;
        return NULL;
    }
    *size_bytes = instance->memories[0]->size;
    return instance->memories[0]->base;
}
