/*
 * snapshot_maps.c - frame maps by safepoint.
 *
 * A map is found by translating its function again. Recursion makes many frames with the same
 * safepoint, so each is found once. What is translated and what the maps take is bounded: a hostile
 * stack may have very many different safepoints in a very large function.
 */
#include "engine/snapshot.h"

void iso_snap_maps_init(struct iso_snap_maps *maps, const struct iso_alloc *alloc)
{
    *maps = (struct iso_snap_maps){.alloc = alloc};
    iso_arena_init(&maps->arena, alloc, 0, ISO_SNAP_MAX_MAP_BYTES);
}

void iso_snap_maps_fini(struct iso_snap_maps *maps)
{
    iso_alloc_free(maps->alloc, maps->slots, maps->capacity * sizeof(struct iso_snap_map *));
    iso_arena_fini(&maps->arena);
}

static bool query_equal(const struct iso_frame_query *a, const struct iso_frame_query *b)
{
    if (a->by_cell != b->by_cell) {
        return false;
    }
    return a->by_cell ? a->cell == b->cell : a->kind == b->kind && a->offset == b->offset;
}

static uint32_t hash_of(const struct iso_module *module, uint32_t func_index,
                        const struct iso_frame_query *query)
{
    uint32_t hash = (uint32_t)((uintptr_t)module >> 4);
    hash = (hash ^ func_index) * 0x9e3779b1u;
    hash ^= query->by_cell ? query->cell << 2 : query->offset << 2 | (uint32_t)query->kind;
    hash *= 0x85ebca6bu;
    return hash ^ hash >> 15;
}

/* The slot in which the safepoint is or should be. */
static struct iso_snap_map **find_slot(struct iso_snap_map **slots, uint32_t capacity,
                                       const struct iso_module *module, uint32_t func_index,
                                       const struct iso_frame_query *query)
{
    uint32_t at = hash_of(module, func_index, query) & (capacity - 1);
    while (slots[at] != NULL &&
           (slots[at]->module != module || slots[at]->func_index != func_index ||
            !query_equal(&slots[at]->query, query))) {
        at = (at + 1) & (capacity - 1);
    }
    return &slots[at];
}

/* At most three quarters are used. */
static enum iso_err make_room(struct iso_snap_maps *maps)
{
    if (maps->capacity != 0 && maps->count < maps->capacity / 4 * 3) {
        return ISO_OK;
    }
    uint32_t capacity = maps->capacity != 0 ? 2 * maps->capacity : 16;
    struct iso_snap_map **slots =
        iso_alloc_array(maps->alloc, capacity, sizeof(struct iso_snap_map *));
    if (slots == NULL) {
        return ISO_E_NOMEM;
    }
    for (uint32_t i = 0; i < maps->capacity; i++) {
        struct iso_snap_map *map = maps->slots[i];
        if (map != NULL) {
            *find_slot(slots, capacity, map->module, map->func_index, &map->query) = map;
        }
    }
    iso_alloc_free(maps->alloc, maps->slots, maps->capacity * sizeof(struct iso_snap_map *));
    maps->slots = slots;
    maps->capacity = capacity;
    return ISO_OK;
}

static enum iso_err make_map(struct iso_snap_maps *maps, struct iso_instance *instance,
                             uint32_t func_index, const struct iso_frame_query *query,
                             struct iso_snap_map **out)
{
    struct iso_module *module = instance->module;
    const struct iso_module_func *func = &module->funcs[func_index];
    maps->code_bytes += func->body_end - func->body;
    if (maps->code_bytes > ISO_SNAP_MAX_CODE_BYTES) {
        return ISO_E_LIMIT;
    }
    struct iso_snap_map *map = iso_arena_alloc(&maps->arena, sizeof *map);
    if (map == NULL) {
        return ISO_E_NOMEM;
    }
    map->module = module;
    map->func_index = func_index;
    map->query = *query;
    enum iso_err err = iso_code_get(instance, func_index, &map->code);
    if (err == ISO_OK) {
        err = iso_frame_map_find(module, func_index, query, &maps->arena, &map->map);
    }
    if (err == ISO_OK) {
        *out = map;
    }
    return err;
}

enum iso_err iso_snap_maps_find(struct iso_snap_maps *maps, struct iso_instance *instance,
                                uint32_t func_index, const struct iso_frame_query *query,
                                const struct iso_snap_map **out)
{
    struct iso_module *module = instance->module;
    enum iso_err err = make_room(maps);
    if (err != ISO_OK) {
        return err;
    }
    struct iso_snap_map **slot = find_slot(maps->slots, maps->capacity, module, func_index, query);
    if (*slot == NULL) {
        err = make_map(maps, instance, func_index, query, slot);
        if (err != ISO_OK) {
            return err;
        }
        maps->count++;
    }
    *out = *slot;
    return ISO_OK;
}

bool iso_snap_is_local_slot(const struct iso_code *code, uint32_t slot)
{
    return slot < code->header || (slot >= code->locals && slot < code->locals + code->local_slots);
}
