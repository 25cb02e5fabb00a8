/*
 * exports.c - exports by name (spec 2.5.10: names are unique within a module).
 *
 * The index is made at the first look-up and kept in the module's arena. When there is no memory
 * for it, look-ups are linear: slower, never wrong.
 */
#include "engine/sort.h"
#include "engine/store.h"

/* By length first: it decides most comparisons without reading the names. */
static int compare_names(struct iso_str a, struct iso_str b)
{
    if (a.len != b.len) {
        return a.len < b.len ? -1 : 1;
    }
    return a.len != 0 ? memcmp(a.ptr, b.ptr, a.len) : 0;
}

static int compare_exports(const void *ctx, uint32_t a, uint32_t b)
{
    const struct iso_export *exports = ctx;
    return compare_names(exports[a].name, exports[b].name);
}

static const uint32_t *export_order(struct iso_module *module)
{
    uint32_t *order = atomic_load_explicit(&module->export_order, memory_order_acquire);
    if (order != NULL) {
        return order;
    }
    iso_engine_lock(module->engine);
    order = atomic_load_explicit(&module->export_order, memory_order_relaxed);
    if (order == NULL) {
        order = iso_arena_array(&module->arena, module->export_count, sizeof *order);
        if (order != NULL) {
            for (uint32_t i = 0; i < module->export_count; i++) {
                order[i] = i;
            }
            iso_sort_u32(order, module->export_count, compare_exports, module->exports);
            atomic_store_explicit(&module->export_order, order, memory_order_release);
        }
    }
    iso_engine_unlock(module->engine);
    return order;
}

static const struct iso_export *find_linear(const struct iso_module *module, struct iso_str name)
{
    for (uint32_t i = 0; i < module->export_count; i++) {
        if (iso_str_equal(module->exports[i].name, name)) {
            return &module->exports[i];
        }
    }
    return NULL;
}

const struct iso_export *iso_module_export_find(struct iso_module *module, struct iso_str name)
{
    enum { WORTH_AN_INDEX = 8 };
    if (module->export_count < WORTH_AN_INDEX) {
        return find_linear(module, name);
    }
    const uint32_t *order = export_order(module);
    if (order == NULL) {
        return find_linear(module, name);
    }
    uint32_t low = 0, high = module->export_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct iso_export *export = &module->exports[order[middle]];
        int side = compare_names(name, export->name);
        if (side == 0) {
            return export;
        }
        if (side < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return NULL;
}

struct iso_func *iso_instance_export_func_at(struct iso_instance *instance, uint32_t index)
{
    const struct iso_module *module = instance->module;
    if (index >= module->export_count || module->exports[index].kind != ISO_EXTERN_FUNC) {
        return NULL;
    }
    return iso_instance_func(instance, module->exports[index].index);
}
