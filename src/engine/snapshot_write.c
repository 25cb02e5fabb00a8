/*
 * snapshot_write.c - writing the values of the snapshot format (docs/snapshot.md, "Values"), and
 * the places of a store's objects.
 */
#include "engine/snapshot.h"

const uint8_t iso_snap_magic[ISO_SNAP_MAGIC_BYTES] = {0x7f, 'I', 'S', 'O', 'S', 'N', 'A', 'P'};

const char iso_snap_tags[ISO_SNAP_SECTIONS][5] = {"mods", "inst", "name", "glob", "drop", "tabl",
                                                  "mems", "call", "host", "user", "sum "};

/* ---- Places of objects ---------------------------------------------------------------------- */

static enum iso_err allocate(struct iso_store *store, struct iso_arena *arena,
                             struct iso_snap_objects *objects)
{
    objects->memories = iso_arena_array(arena, store->memory_count, sizeof(struct iso_memory *));
    objects->memory_places =
        iso_arena_array(arena, store->memory_count, sizeof *objects->memory_places);
    objects->tables = iso_arena_array(arena, store->table_count, sizeof(struct iso_table *));
    objects->table_places =
        iso_arena_array(arena, store->table_count, sizeof *objects->table_places);
    return objects->memories != NULL && objects->memory_places != NULL && objects->tables != NULL &&
                   objects->table_places != NULL
               ? ISO_OK
               : ISO_E_NOMEM;
}

/* Those that instances own; what is left (owner 0) is the host's. */
static void place_owned(const struct iso_store *store, struct iso_snap_objects *objects)
{
    for (uint32_t i = 0; i < store->instance_count; i++) {
        const struct iso_instance *instance = store->instances[i];
        const struct iso_module *module = instance->module;
        for (uint32_t k = module->memory_import_count; k < module->memory_count; k++) {
            objects->memory_places[instance->memories[k]->index] =
                (struct iso_snap_place){.owner = i + ISO_SNAP_FIRST_INSTANCE, .index = k};
        }
        for (uint32_t k = module->table_import_count; k < module->table_count; k++) {
            objects->table_places[instance->tables[k]->index] =
                (struct iso_snap_place){.owner = i + ISO_SNAP_FIRST_INSTANCE, .index = k};
        }
    }
}

static void place_host(const struct iso_store *store, struct iso_snap_objects *objects)
{
    for (uint32_t i = 0; i < store->memory_count; i++) {
        struct iso_snap_place *place = &objects->memory_places[i];
        if (place->owner == 0) {
            *place = (struct iso_snap_place){ISO_SNAP_HOST_OWNER, objects->host_memory_count};
            objects->memories[objects->host_memory_count++] = store->memories[i];
        }
    }
    for (uint32_t i = 0; i < store->table_count; i++) {
        struct iso_snap_place *place = &objects->table_places[i];
        if (place->owner == 0) {
            *place = (struct iso_snap_place){ISO_SNAP_HOST_OWNER, objects->host_table_count};
            objects->tables[objects->host_table_count++] = store->tables[i];
        }
    }
}

enum iso_err iso_snap_objects_collect(struct iso_store *store, struct iso_arena *arena,
                                      struct iso_snap_objects *out)
{
    struct iso_snap_objects objects = {0};
    enum iso_err err = allocate(store, arena, &objects);
    if (err != ISO_OK) {
        return err;
    }
    place_owned(store, &objects);
    place_host(store, &objects);
    uint32_t memories = objects.host_memory_count, tables = objects.host_table_count;
    for (uint32_t i = 0; i < store->instance_count; i++) {
        const struct iso_instance *instance = store->instances[i];
        const struct iso_module *module = instance->module;
        for (uint32_t k = module->memory_import_count; k < module->memory_count; k++) {
            objects.memories[memories++] = instance->memories[k];
        }
        for (uint32_t k = module->table_import_count; k < module->table_count; k++) {
            objects.tables[tables++] = instance->tables[k];
        }
    }
    *out = objects;
    return ISO_OK;
}

struct iso_snap_place iso_snap_global_place(const struct iso_store *store,
                                            const struct iso_global *global)
{
    if (global->index < store->global_count && store->globals[global->index] == global) {
        return (struct iso_snap_place){ISO_SNAP_HOST_OWNER, global->index};
    }
    for (uint32_t i = 0; i < store->instance_count; i++) {
        const struct iso_instance *instance = store->instances[i];
        const struct iso_module *module = instance->module;
        uint32_t own_count = module->global_count - module->global_import_count;
        uintptr_t offset = (uintptr_t)global - (uintptr_t)instance->own_globals;
        if ((uintptr_t)global >= (uintptr_t)instance->own_globals &&
            offset < own_count * sizeof *global) {
            uint32_t own = (uint32_t)(offset / sizeof *global);
            return (struct iso_snap_place){i + ISO_SNAP_FIRST_INSTANCE,
                                           module->global_import_count + own};
        }
    }
    ISO_ASSERT(false && "a global belongs to the host or to an instance");
    return (struct iso_snap_place){0, 0};
}

/* ---- The writer ----------------------------------------------------------------------------- */

enum iso_err iso_snap_writer_init(struct iso_snap_writer *writer, struct iso_store *store,
                                  struct iso_buf *out, struct iso_report *report)
{
    *writer =
        (struct iso_snap_writer){.store = store, .out = out, .start = out->len, .report = report};
    iso_arena_init(&writer->arena, &store->alloc, 0, SIZE_MAX);
    writer->hosts =
        iso_arena_array(&writer->arena, store->host_func_count, sizeof(struct iso_func *));
    writer->host_numbers =
        iso_arena_array(&writer->arena, store->host_func_count, sizeof *writer->host_numbers);
    enum iso_err err = writer->hosts != NULL && writer->host_numbers != NULL ? ISO_OK : ISO_E_NOMEM;
    if (err == ISO_OK) {
        err = iso_snap_objects_collect(store, &writer->arena, &writer->objects);
    }
    if (err != ISO_OK) {
        iso_snap_writer_fini(writer);
    }
    return err;
}

void iso_snap_writer_fini(struct iso_snap_writer *writer)
{
    iso_arena_fini(&writer->arena);
}

static void keep_err(struct iso_snap_writer *writer, enum iso_err err)
{
    if (writer->err == ISO_OK && err != ISO_OK) {
        writer->err = err;
        if (err == ISO_E_LIMIT) {
            iso_report_set(writer->report,
                           "the snapshot is larger than %llu bytes, for which "
                           "there is room",
                           (unsigned long long)writer->out->max);
        }
    }
}

void iso_snap_put_raw(struct iso_snap_writer *writer, const void *data, size_t len)
{
    if (writer->err == ISO_OK) {
        keep_err(writer, iso_buf_append(writer->out, data, len));
    }
}

void iso_snap_put_u8(struct iso_snap_writer *writer, uint8_t value)
{
    iso_snap_put_raw(writer, &value, 1);
}

void iso_snap_put_number(struct iso_snap_writer *writer, uint64_t value)
{
    uint8_t bytes[10];
    size_t len = 0;
    while (value >= 0x80) {
        bytes[len++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    bytes[len++] = (uint8_t)value;
    iso_snap_put_raw(writer, bytes, len);
}

void iso_snap_put_u32(struct iso_snap_writer *writer, uint32_t value)
{
    uint8_t bytes[4];
    iso_store_u32le(bytes, value);
    iso_snap_put_raw(writer, bytes, sizeof bytes);
}

void iso_snap_put_u64(struct iso_snap_writer *writer, uint64_t value)
{
    uint8_t bytes[8];
    iso_store_u64le(bytes, value);
    iso_snap_put_raw(writer, bytes, sizeof bytes);
}

void iso_snap_put_str(struct iso_snap_writer *writer, struct iso_str text)
{
    if (writer->err == ISO_OK &&
        (text.len > ISO_MAX_STRING_BYTES || !iso_utf8_valid(text.ptr, text.len))) {
        writer->err = iso_fail(writer->report, ISO_E_REFUSED,
                               "a name that the host defined is not UTF-8, or longer than %u bytes",
                               ISO_MAX_STRING_BYTES);
    }
    iso_snap_put_number(writer, text.len);
    iso_snap_put_raw(writer, text.ptr, text.len);
}

void iso_snap_put_place(struct iso_snap_writer *writer, struct iso_snap_place place)
{
    iso_snap_put_number(writer, place.owner);
    iso_snap_put_number(writer, place.index);
}

static uint32_t host_number(struct iso_snap_writer *writer, const struct iso_func *func)
{
    uint32_t *number = &writer->host_numbers[func->func_index];
    if (*number == 0) {
        writer->hosts[writer->host_count++] = writer->store->host_funcs[func->func_index];
        *number = writer->host_count;
    }
    return *number - 1;
}

void iso_snap_put_func(struct iso_snap_writer *writer, const struct iso_func *func)
{
    if (func == NULL) {
        iso_snap_put_number(writer, ISO_SNAP_NULL);
    } else if (func->instance != NULL) {
        iso_snap_put_place(writer,
                           (struct iso_snap_place){func->instance->index + ISO_SNAP_FIRST_INSTANCE,
                                                   func->func_index});
    } else {
        iso_snap_put_place(writer,
                           (struct iso_snap_place){ISO_SNAP_HOST_OWNER, host_number(writer, func)});
    }
}

static void put_externref(struct iso_snap_writer *writer, uint64_t ref)
{
    if (ref != 0 && writer->err == ISO_OK) {
        writer->err = ISO_E_REFUSED;
        const char *what = writer->what != NULL ? writer->what : "value";
        if (writer->what_owner >= ISO_SNAP_FIRST_INSTANCE) {
            iso_report_set(writer->report,
                           "%s %lu of instance %lu holds an externref, which means nothing "
                           "outside this process",
                           what, (unsigned long)writer->what_index,
                           (unsigned long)(writer->what_owner - ISO_SNAP_FIRST_INSTANCE));
        } else {
            iso_report_set(writer->report,
                           "%s %lu holds an externref, which means nothing outside this process",
                           what, (unsigned long)writer->what_index);
        }
    }
    iso_snap_put_number(writer, ISO_SNAP_NULL);
}

/* All NaNs are one when the hash wants it so. */
static uint32_t f32_bits(const struct iso_snap_writer *writer, uint32_t bits)
{
    bool is_nan = (bits & 0x7fffffffu) > 0x7f800000u;
    return is_nan && writer->canonical_nans ? 0x7fc00000u : bits;
}

static uint64_t f64_bits(const struct iso_snap_writer *writer, uint64_t bits)
{
    bool is_nan = (bits & UINT64_C(0x7fffffffffffffff)) > UINT64_C(0x7ff0000000000000);
    return is_nan && writer->canonical_nans ? UINT64_C(0x7ff8000000000000) : bits;
}

void iso_snap_put_value(struct iso_snap_writer *writer, uint8_t type, const union iso_slot *value)
{
    switch ((enum iso_type)type) {
    case ISO_TYPE_I32:
        iso_snap_put_u32(writer, value->u32);
        break;
    case ISO_TYPE_F32:
        iso_snap_put_u32(writer, f32_bits(writer, value->u32));
        break;
    case ISO_TYPE_I64:
        iso_snap_put_u64(writer, value->u64);
        break;
    case ISO_TYPE_F64:
        iso_snap_put_u64(writer, f64_bits(writer, value->u64));
        break;
    case ISO_TYPE_V128:
        iso_snap_put_raw(writer, value[0].bytes, 8);
        iso_snap_put_raw(writer, value[1].bytes, 8);
        break;
    case ISO_TYPE_FUNCREF:
        iso_snap_put_func(writer, (const struct iso_func *)(uintptr_t)value->ref);
        break;
    case ISO_TYPE_EXTERNREF:
        put_externref(writer, value->ref);
        break;
    }
}

void iso_snap_put_values(struct iso_snap_writer *writer, const uint8_t *types, uint32_t count,
                         const union iso_slot *values)
{
    for (uint32_t i = 0; i < count; i++) {
        writer->what_index = i;
        iso_snap_put_value(writer, types[i], values);
        values += iso_type_slots(types[i]);
    }
}

/* ---- Sections ------------------------------------------------------------------------------- */

size_t iso_snap_put_begin(struct iso_snap_writer *writer, enum iso_snap_section section)
{
    iso_snap_put_raw(writer, iso_snap_tags[section], 4);
    iso_snap_put_u64(writer, 0);
    return writer->out->len;
}

void iso_snap_put_end(struct iso_snap_writer *writer, size_t begin)
{
    if (writer->err == ISO_OK) {
        iso_store_u64le(writer->out->ptr + begin - 8, writer->out->len - begin);
    }
}
