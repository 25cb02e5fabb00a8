/*
 * link.c - what imports mean: the store's names, and the matching of external types
 * (spec 3.4 "Matching", 4.5.4 "Instantiation" steps 1-4).
 *
 * Names are looked up in an array of indices sorted by name. New definitions wait behind it until
 * the next look-up sorts and merges them, the later of equal names winning: n definitions and m
 * look-ups cost O((n + m) log n), whatever the names are.
 */
#include "engine/link_text.h"
#include "engine/sort.h"
#include "engine/store.h"

/* ---- Names --------------------------------------------------------------------------------- */

static int compare_str(struct iso_str a, struct iso_str b)
{
    if (a.len != b.len) {
        return a.len < b.len ? -1 : 1;
    }
    return a.len != 0 ? memcmp(a.ptr, b.ptr, a.len) : 0;
}

static int compare_names(const struct iso_definition *definition, struct iso_str module,
                         struct iso_str name)
{
    int side = compare_str(definition->name, name);
    return side != 0 ? side : compare_str(definition->module, module);
}

/* By name, then by age. */
static int compare_definitions(const void *ctx, uint32_t a, uint32_t b)
{
    const struct iso_definition *definitions = ctx;
    int side = compare_names(&definitions[a], definitions[b].module, definitions[b].name);
    return side != 0 ? side : (a > b) - (a < b);
}

static bool same_name(const struct iso_definition *definitions, uint32_t a, uint32_t b)
{
    return compare_names(&definitions[a], definitions[b].module, definitions[b].name) == 0;
}

/* Sort `count` fresh indices and keep the newest of each name; returns how many are left. */
static uint32_t sort_fresh(const struct iso_definition *definitions, uint32_t *fresh,
                           uint32_t count)
{
    iso_sort_u32(fresh, count, compare_definitions, definitions);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (kept > 0 && same_name(definitions, fresh[kept - 1], fresh[i])) {
            kept--;
        }
        fresh[kept++] = fresh[i];
    }
    return kept;
}

/*
 * Merge the fresh definitions into the ordered ones, from the back, in place: the ordered part has
 * room for all, since it is half of an array of twice the capacity of definitions.
 */
static void order_definitions(struct iso_store *store)
{
    const struct iso_definition *definitions = store->definitions;
    uint32_t *ordered = store->definition_order;
    uint32_t *fresh = ordered + store->definition_capacity;
    uint32_t fresh_count = sort_fresh(definitions, fresh, store->definition_fresh);
    uint32_t end = store->definition_capacity; /* the merged ones are [end, capacity) */
    uint32_t i = store->definition_ordered, j = fresh_count;
    while (i > 0 || j > 0) {
        if (j == 0) {
            ordered[--end] = ordered[--i];
        } else if (i == 0) {
            ordered[--end] = fresh[--j];
        } else {
            const struct iso_definition *older = &definitions[ordered[i - 1]];
            int side = compare_names(older, definitions[fresh[j - 1]].module,
                                     definitions[fresh[j - 1]].name);
            if (side == 0) {
                i--; /* replaced */
            } else if (side > 0) {
                ordered[--end] = ordered[--i];
            } else {
                ordered[--end] = fresh[--j];
            }
        }
    }
    store->definition_ordered = store->definition_capacity - end;
    memmove(ordered, ordered + end, store->definition_ordered * sizeof *ordered);
    store->definition_fresh = 0;
}

const struct iso_definition *iso_store_definition_find(struct iso_store *store,
                                                       struct iso_str module, struct iso_str name)
{
    if (store->definition_fresh != 0) {
        order_definitions(store);
    }
    uint32_t low = 0, high = store->definition_ordered;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct iso_definition *definition =
            &store->definitions[store->definition_order[middle]];
        int side = compare_names(definition, module, name);
        if (side == 0) {
            return definition;
        }
        if (side < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

/* Room for one more definition and its place in the order. */
static enum iso_err reserve_definition(struct iso_store *store)
{
    uint32_t old_capacity = store->definition_capacity;
    if (store->definition_count < old_capacity) {
        return ISO_OK;
    }
    if (old_capacity > UINT32_MAX / 8) {
        return ISO_E_NOMEM;
    }
    uint32_t capacity = old_capacity != 0 ? 2 * old_capacity : 16;
    uint32_t *order = iso_alloc_array(&store->alloc, 2 * (size_t)capacity, sizeof *order);
    if (order == NULL) {
        return ISO_E_NOMEM;
    }
    struct iso_definition *definitions =
        iso_alloc_resize(&store->alloc, store->definitions, old_capacity * sizeof *definitions,
                         capacity * sizeof *definitions);
    if (definitions == NULL) {
        iso_alloc_free(&store->alloc, order, 2 * (size_t)capacity * sizeof *order);
        return ISO_E_NOMEM;
    }
    store->definitions = definitions;
    store->definition_capacity = capacity;
    if (old_capacity != 0) {
        memcpy(order, store->definition_order, store->definition_ordered * sizeof *order);
        memcpy(order + capacity, store->definition_order + old_capacity,
               store->definition_fresh * sizeof *order);
        iso_alloc_free(&store->alloc, store->definition_order,
                       2 * (size_t)old_capacity * sizeof *order);
    }
    store->definition_order = order;
    return ISO_OK;
}

enum iso_err iso_store_definition_add(struct iso_store *store, struct iso_str module,
                                      struct iso_str name, enum iso_extern_kind kind, void *object)
{
    enum iso_err err = reserve_definition(store);
    if (err != ISO_OK) {
        return err;
    }
    const char *module_copy = iso_arena_copy_str(&store->arena, module);
    const char *name_copy = iso_arena_copy_str(&store->arena, name);
    if (module_copy == NULL || name_copy == NULL) {
        return ISO_E_NOMEM;
    }
    store->definition_order[store->definition_capacity + store->definition_fresh++] =
        store->definition_count;
    store->definitions[store->definition_count++] =
        (struct iso_definition){.module = iso_str_from(module_copy, module.len),
                                .name = iso_str_from(name_copy, name.len),
                                .kind = (uint8_t)kind,
                                .object = object};
    return ISO_OK;
}

/* ---- Matching ------------------------------------------------------------------------------ */

/* Limits match (spec 3.4.1) when the object has at least the minimum and can never pass the
 * maximum. `actual.min` is the present size. */
static bool limits_match(const struct iso_limits *actual, const struct iso_limits *wanted)
{
    return actual->min >= wanted->min &&
           (!wanted->has_max || (actual->has_max && actual->max <= wanted->max));
}

/* The type of a definition as the specification wants it: sizes are those of now. */
static struct iso_extern_type type_of(const struct iso_definition *definition)
{
    struct iso_extern_type type = {.kind = (enum iso_extern_kind)definition->kind};
    switch (type.kind) {
    case ISO_EXTERN_FUNC:
        type.func = iso_func_type(definition->object);
        break;
    case ISO_EXTERN_TABLE: {
        const struct iso_table *table = definition->object;
        type.limits = table->limits;
        type.limits.min = table->size;
        type.value = (enum iso_type)table->type;
        break;
    }
    case ISO_EXTERN_MEMORY: {
        const struct iso_memory *memory = definition->object;
        type.limits = memory->limits;
        type.limits.min = (uint32_t)(memory->size / ISO_PAGE_BYTES);
        break;
    }
    case ISO_EXTERN_GLOBAL: {
        const struct iso_global *global = definition->object;
        type.value = (enum iso_type)global->type;
        type.is_mutable = global->is_mutable;
        break;
    }
    }
    return type;
}

/* Whether an object of type `actual` may be imported as `wanted` (spec 3.4). */
static bool type_matches(const struct iso_definition *definition,
                         const struct iso_extern_type *wanted, uint32_t wanted_func_id)
{
    struct iso_extern_type actual = type_of(definition);
    if (actual.kind != wanted->kind) {
        return false;
    }
    switch (actual.kind) {
    case ISO_EXTERN_FUNC: {
        const struct iso_func *func = definition->object;
        return func->type_id == wanted_func_id;
    }
    case ISO_EXTERN_TABLE:
        return actual.value == wanted->value && limits_match(&actual.limits, &wanted->limits);
    case ISO_EXTERN_MEMORY:
        return limits_match(&actual.limits, &wanted->limits);
    case ISO_EXTERN_GLOBAL:
        return actual.value == wanted->value && actual.is_mutable == wanted->is_mutable;
    }
    return false;
}

/* ---- Resolution ---------------------------------------------------------------------------- */

static struct iso_extern_type wanted_type(const struct iso_module *module,
                                          const struct iso_import *import, uint32_t *func_id)
{
    struct iso_extern_type type = {.kind = (enum iso_extern_kind)import->kind};
    *func_id = 0;
    switch (type.kind) {
    case ISO_EXTERN_FUNC:
        type.func = &module->funcs[import->index].type->type;
        *func_id = module->funcs[import->index].type->id;
        break;
    case ISO_EXTERN_TABLE:
        type.limits = module->tables[import->index].limits;
        type.value = (enum iso_type)module->tables[import->index].type;
        break;
    case ISO_EXTERN_MEMORY:
        type.limits = module->memories[import->index];
        break;
    case ISO_EXTERN_GLOBAL:
        type.value = (enum iso_type)module->globals[import->index].type;
        type.is_mutable = module->globals[import->index].is_mutable;
        break;
    }
    return type;
}

static enum iso_err fail_unknown(const struct iso_import *import,
                                 const struct iso_extern_type *wanted, struct iso_report *report)
{
    char path[ISO_LINK_PATH_BYTES], text[ISO_LINK_TYPE_BYTES];
    iso_link_path_text(import->module, import->name, path);
    iso_link_type_text(wanted, text);
    return iso_fail(report, ISO_E_LINK, "unknown import: %s is not defined; it should be a %s",
                    path, text);
}

static enum iso_err fail_type(const struct iso_definition *definition,
                              const struct iso_extern_type *wanted, struct iso_report *report)
{
    char path[ISO_LINK_PATH_BYTES], needs[ISO_LINK_TYPE_BYTES], is[ISO_LINK_TYPE_BYTES];
    struct iso_extern_type actual = type_of(definition);
    iso_link_path_text(definition->module, definition->name, path);
    iso_link_type_text(wanted, needs);
    iso_link_type_text(&actual, is);
    return iso_fail(report, ISO_E_LINK, "incompatible import type: %s needs a %s, is a %s", path,
                    needs, is);
}

static void bind(struct iso_instance *instance, const struct iso_import *import, void *object)
{
    switch ((enum iso_extern_kind)import->kind) {
    case ISO_EXTERN_FUNC:
        instance->imported_funcs[import->index] = object;
        break;
    case ISO_EXTERN_TABLE:
        instance->tables[import->index] = object;
        break;
    case ISO_EXTERN_MEMORY:
        instance->memories[import->index] = object;
        break;
    case ISO_EXTERN_GLOBAL:
        instance->globals[import->index] = object;
        break;
    }
}

enum iso_err iso_instance_bind(struct iso_instance *instance, uint32_t import_index,
                               const struct iso_definition *definition, struct iso_report *report)
{
    const struct iso_module *module = instance->module;
    const struct iso_import *import = &module->imports[import_index];
    uint32_t func_id;
    struct iso_extern_type wanted = wanted_type(module, import, &func_id);
    if (definition == NULL) {
        return fail_unknown(import, &wanted, report);
    }
    if (!type_matches(definition, &wanted, func_id)) {
        return fail_type(definition, &wanted, report);
    }
    bind(instance, import, definition->object);
    return ISO_OK;
}

enum iso_err iso_instance_link(struct iso_instance *instance, struct iso_report *report)
{
    const struct iso_module *module = instance->module;
    for (uint32_t i = 0; i < module->import_count; i++) {
        const struct iso_import *import = &module->imports[i];
        const struct iso_definition *definition =
            iso_store_definition_find(instance->store, import->module, import->name);
        enum iso_err err = iso_instance_bind(instance, i, definition, report);
        if (err != ISO_OK) {
            return err;
        }
    }
    return ISO_OK;
}
