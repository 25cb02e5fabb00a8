/*
 * types.c - value types and function types (spec 2.3).
 *
 * Function types are interned per engine, so that equal types are one object with one id, and
 * call_indirect and linking compare numbers. The registry is a hash table with open addressing and
 * linear probing; types are never removed before the engine goes. The hash starts from the
 * engine's address, so that a module cannot be written whose types all collide.
 */
#include "engine/module.h"

enum { FIRST_CAPACITY = 64 };

const char *iso_type_name(enum iso_type type)
{
    switch (type) {
    case ISO_TYPE_I32:
        return "i32";
    case ISO_TYPE_I64:
        return "i64";
    case ISO_TYPE_F32:
        return "f32";
    case ISO_TYPE_F64:
        return "f64";
    case ISO_TYPE_V128:
        return "v128";
    case ISO_TYPE_FUNCREF:
        return "funcref";
    case ISO_TYPE_EXTERNREF:
        return "externref";
    }
    return "?";
}

static const char letters[] = "iIfFvre";
static const uint8_t letter_types[] = {ISO_TYPE_I32,      ISO_TYPE_I64,  ISO_TYPE_F32,
                                       ISO_TYPE_F64,      ISO_TYPE_V128, ISO_TYPE_FUNCREF,
                                       ISO_TYPE_EXTERNREF};

bool iso_type_from_letter(char letter, uint8_t *out)
{
    const char *found = letter != '\0' ? strchr(letters, letter) : NULL;
    if (found != NULL) {
        *out = letter_types[found - letters];
    }
    return found != NULL;
}

void iso_type_letters(const uint8_t *types, uint32_t count, char *out)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = 0;
        while (letter_types[at] != types[i]) {
            at++;
        }
        out[i] = letters[at];
    }
    out[count] = '\0';
}

const char *iso_extern_kind_name(enum iso_extern_kind kind)
{
    switch (kind) {
    case ISO_EXTERN_FUNC:
        return "function";
    case ISO_EXTERN_TABLE:
        return "table";
    case ISO_EXTERN_MEMORY:
        return "memory";
    case ISO_EXTERN_GLOBAL:
        return "global";
    }
    return "?";
}

static uint64_t hash_bytes(uint64_t hash, const uint8_t *bytes, uint32_t count)
{
    hash ^= count;
    for (uint32_t i = 0; i < count; i++) {
        hash = (hash ^ bytes[i]) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 29;
    }
    return hash * UINT64_C(0xd6e8feb86659fd93);
}

static uint32_t hash_type(const struct iso_engine *engine, const struct iso_func_type *type)
{
    uint64_t hash = (uint64_t)(uintptr_t)engine;
    hash = hash_bytes(hash * UINT64_C(0xff51afd7ed558ccd), type->params, type->param_count);
    hash = hash_bytes(hash ^ hash >> 31, type->results, type->result_count);
    return (uint32_t)(hash >> 32);
}

static bool types_equal(const struct iso_func_type *a, const struct iso_func_type *b)
{
    return a->param_count == b->param_count && a->result_count == b->result_count &&
           iso_memory_equal(a->params, b->params, a->param_count) &&
           iso_memory_equal(a->results, b->results, a->result_count);
}

/* The place of the type, or the free one where it belongs. There is always a free one. */
static struct iso_interned_type **find_place(struct iso_engine *engine,
                                             const struct iso_func_type *type)
{
    uint32_t mask = engine->type_capacity - 1;
    uint32_t at = hash_type(engine, type) & mask;
    while (engine->types[at] != NULL && !types_equal(&engine->types[at]->type, type)) {
        at = (at + 1) & mask;
    }
    return &engine->types[at];
}

/* Keeps at least a quarter of the table free. */
static bool make_room(struct iso_engine *engine)
{
    uint32_t old_capacity = engine->type_capacity;
    if (engine->type_count < old_capacity / 4 * 3) {
        return true;
    }
    if (old_capacity > UINT32_MAX / 2) {
        return false;
    }
    uint32_t capacity = old_capacity != 0 ? old_capacity * 2 : FIRST_CAPACITY;
    struct iso_interned_type **table =
        iso_alloc_array(&engine->alloc, capacity, sizeof(struct iso_interned_type *));
    if (table == NULL) {
        return false;
    }
    struct iso_interned_type **old = engine->types;
    engine->types = table;
    engine->type_capacity = capacity;
    for (uint32_t i = 0; i < old_capacity; i++) {
        if (old[i] != NULL) {
            *find_place(engine, &old[i]->type) = old[i];
        }
    }
    iso_alloc_free(&engine->alloc, old, old_capacity * sizeof(struct iso_interned_type *));
    return true;
}

static size_t block_size(const struct iso_func_type *type)
{
    return sizeof(struct iso_interned_type) + type->param_count + type->result_count;
}

static uint32_t count_slots(const uint8_t *types, uint32_t count)
{
    uint32_t slots = 0;
    for (uint32_t i = 0; i < count; i++) {
        slots += iso_type_slots(types[i]);
    }
    return slots;
}

/* The object and its two arrays in one block. */
static struct iso_interned_type *copy_type(struct iso_engine *engine,
                                           const struct iso_func_type *type)
{
    struct iso_interned_type *copy = iso_alloc_new(&engine->alloc, block_size(type));
    if (copy == NULL) {
        return NULL;
    }
    uint8_t *arrays = (uint8_t *)(copy + 1);
    iso_memory_copy(arrays, type->params, type->param_count);
    iso_memory_copy(arrays + type->param_count, type->results, type->result_count);
    copy->type = *type;
    copy->type.params = arrays;
    copy->type.results = arrays + type->param_count;
    copy->type.param_slots = count_slots(type->params, type->param_count);
    copy->type.result_slots = count_slots(type->results, type->result_count);
    copy->id = engine->type_count;
    return copy;
}

static enum iso_err intern_locked(struct iso_engine *engine, const struct iso_func_type *type,
                                  const struct iso_interned_type **out)
{
    if (!make_room(engine)) {
        return ISO_E_NOMEM;
    }
    struct iso_interned_type **place = find_place(engine, type);
    if (*place == NULL) {
        struct iso_interned_type *copy = copy_type(engine, type);
        if (copy == NULL) {
            return ISO_E_NOMEM;
        }
        *place = copy;
        engine->type_count++;
    }
    *out = *place;
    return ISO_OK;
}

enum iso_err iso_types_intern(struct iso_engine *engine, const uint8_t *params,
                              uint32_t param_count, const uint8_t *results, uint32_t result_count,
                              const struct iso_interned_type **out)
{
    const struct iso_func_type type = {.params = params,
                                       .results = results,
                                       .param_count = param_count,
                                       .result_count = result_count};
    iso_engine_lock(engine);
    enum iso_err err = intern_locked(engine, &type, out);
    iso_engine_unlock(engine);
    return err;
}

void iso_types_fini(struct iso_engine *engine)
{
    for (uint32_t i = 0; i < engine->type_capacity; i++) {
        if (engine->types[i] != NULL) {
            iso_alloc_free(&engine->alloc, engine->types[i], block_size(&engine->types[i]->type));
        }
    }
    iso_alloc_free(&engine->alloc, engine->types,
                   engine->type_capacity * sizeof(struct iso_interned_type *));
}
