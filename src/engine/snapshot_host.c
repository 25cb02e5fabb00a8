/*
 * snapshot_host.c - what a store has from its host (docs/snapshot.md, section "host").
 *
 * A host function is known by its import name, its type and, where the host defined a name more
 * than once, by which of them it is. Memories, tables and globals of the host are known by their
 * order; their contents are part of the state.
 */
#include "engine/link_text.h"
#include "engine/snapshot.h"

/* ---- Saving --------------------------------------------------------------------------------- */

static bool has_name(const struct iso_func *func, struct iso_str module, struct iso_str name)
{
    return iso_str_equal(func->host->name, name) && iso_str_equal(func->host->module, module);
}

/* How many functions of the same name were defined before. */
static uint32_t ordinal_of(const struct iso_store *store, const struct iso_func *func)
{
    uint32_t ordinal = 0;
    for (uint32_t i = 0; i < func->func_index; i++) {
        ordinal += has_name(store->host_funcs[i], func->host->module, func->host->name);
    }
    return ordinal;
}

static void save_types(struct iso_snap_writer *writer, const uint8_t *types, uint32_t count)
{
    iso_snap_put_number(writer, count);
    iso_snap_put_raw(writer, types, count);
}

static void save_limits(struct iso_snap_writer *writer, const struct iso_limits *limits)
{
    iso_snap_put_u8(writer, limits->has_max);
    if (limits->has_max) {
        iso_snap_put_number(writer, limits->max);
    }
}

static void save_funcs(struct iso_snap_writer *writer)
{
    iso_snap_put_number(writer, writer->host_count);
    for (uint32_t i = 0; i < writer->host_count; i++) {
        const struct iso_func *func = writer->hosts[i];
        const struct iso_func_type *type = &func->host->type->type;
        iso_snap_put_str(writer, func->host->module);
        iso_snap_put_str(writer, func->host->name);
        iso_snap_put_number(writer, ordinal_of(writer->store, func));
        save_types(writer, type->params, type->param_count);
        save_types(writer, type->results, type->result_count);
    }
}

void iso_snap_save_host(struct iso_snap_writer *writer)
{
    const struct iso_store *store = writer->store;
    const struct iso_snap_objects *objects = &writer->objects;
    size_t begin = iso_snap_put_begin(writer, ISO_SNAP_HOST);
    save_funcs(writer);
    iso_snap_put_number(writer, objects->host_table_count);
    for (uint32_t i = 0; i < objects->host_table_count; i++) {
        iso_snap_put_u8(writer, objects->tables[i]->type);
        save_limits(writer, &objects->tables[i]->limits);
        iso_snap_put_number(writer, objects->tables[i]->size);
    }
    iso_snap_put_number(writer, objects->host_memory_count);
    for (uint32_t i = 0; i < objects->host_memory_count; i++) {
        save_limits(writer, &objects->memories[i]->limits);
        iso_snap_put_number(writer, objects->memories[i]->size / ISO_PAGE_BYTES);
    }
    iso_snap_put_number(writer, store->global_count);
    for (uint32_t i = 0; i < store->global_count; i++) {
        iso_snap_put_u8(writer, store->globals[i]->type);
        iso_snap_put_u8(writer, store->globals[i]->is_mutable);
    }
    iso_snap_put_end(writer, begin);
}

/* ---- Loading -------------------------------------------------------------------------------- */

static struct iso_func *find_func(const struct iso_store *store, struct iso_str module,
                                  struct iso_str name, uint32_t ordinal)
{
    for (uint32_t i = 0; i < store->host_func_count; i++) {
        if (has_name(store->host_funcs[i], module, name) && ordinal-- == 0) {
            return store->host_funcs[i];
        }
    }
    return NULL;
}

static bool types_equal(const uint8_t *a, uint32_t a_count, const uint8_t *b, uint32_t b_count)
{
    return a_count == b_count && iso_memory_equal(a, b, a_count);
}

static enum iso_err load_func(struct iso_snap_reader *reader, struct iso_func **out)
{
    const uint8_t *begin = reader->pos;
    struct iso_str module = iso_snap_get_str(reader, "a host function's module name");
    struct iso_str name = iso_snap_get_str(reader, "a host function's name");
    uint32_t ordinal = iso_snap_get_u32(reader, UINT32_MAX, "a host function's ordinal");
    uint32_t param_count = iso_snap_get_count(reader, 1, ISO_MAX_PARAMS, "a parameter count");
    const uint8_t *params = iso_snap_get_raw(reader, param_count, "the parameters' types");
    uint32_t result_count = iso_snap_get_count(reader, 1, ISO_MAX_RESULTS, "a result count");
    const uint8_t *results = iso_snap_get_raw(reader, result_count, "the results' types");
    if (reader->err != ISO_OK) {
        return reader->err;
    }
    reader->mark = begin;
    char path[ISO_LINK_PATH_BYTES];
    struct iso_func *func = find_func(reader->store, module, name, ordinal);
    if (func == NULL) {
        iso_link_path_text(module, name, path);
        return iso_snap_fail_as(reader, ISO_E_LINK,
                                "it uses the host function %s%s, which is not "
                                "defined here",
                                path, ordinal != 0 ? " (as defined again)" : "");
    }
    const struct iso_func_type *type = &func->host->type->type;
    if (!types_equal(params, param_count, type->params, type->param_count) ||
        !types_equal(results, result_count, type->results, type->result_count)) {
        struct iso_extern_type extern_type = {.kind = ISO_EXTERN_FUNC, .func = type};
        char text[ISO_LINK_TYPE_BYTES];
        iso_link_path_text(module, name, path);
        iso_link_type_text(&extern_type, text);
        return iso_snap_fail_as(reader, ISO_E_LINK,
                                "it uses the host function %s with another type; here it is a %s",
                                path, text);
    }
    *out = func;
    return ISO_OK;
}

static enum iso_err load_funcs(struct iso_snap_reader *reader, struct iso_arena *arena)
{
    uint32_t count = iso_snap_get_count(reader, 5, UINT32_MAX, "the number of host functions");
    reader->hosts = iso_arena_array(arena, count, sizeof(struct iso_func *));
    if (reader->hosts == NULL) {
        return ISO_E_NOMEM;
    }
    for (uint32_t i = 0; i < count; i++) {
        enum iso_err err = load_func(reader, &reader->hosts[i]);
        if (err != ISO_OK) {
            return err;
        }
    }
    reader->host_count = count;
    return reader->err;
}

static bool get_flag(struct iso_snap_reader *reader, const char *what)
{
    uint8_t flag = iso_snap_get_u8(reader, what);
    if (flag > 1) {
        (void)iso_snap_fail(reader, "%s is %u, it should be 0 or 1", what, flag);
    }
    return flag == 1;
}

static enum iso_err check_limits(struct iso_snap_reader *reader, const struct iso_limits *limits,
                                 const char *what, uint32_t index)
{
    bool has_max = get_flag(reader, "the flag of a maximum");
    uint32_t max = has_max ? iso_snap_get_u32(reader, UINT32_MAX, "a maximum") : 0;
    if (reader->err == ISO_OK && (has_max != limits->has_max || (has_max && max != limits->max))) {
        return iso_snap_fail_as(reader, ISO_E_LINK, "%s %lu of the host has another maximum here",
                                what, (unsigned long)index);
    }
    return reader->err;
}

/* How many objects of a kind the snapshot has from its host, of which the store has `present`. */
static uint32_t get_host_count(struct iso_snap_reader *reader, uint32_t present, const char *what)
{
    uint32_t count = iso_snap_get_count(reader, 2, UINT32_MAX, what);
    if (reader->err == ISO_OK && count > present) {
        (void)iso_snap_fail_as(reader, ISO_E_LINK, "%s is %lu, here the host defined %lu", what,
                               (unsigned long)count, (unsigned long)present);
        return 0;
    }
    return count;
}

static enum iso_err load_tables(struct iso_snap_reader *reader)
{
    struct iso_store *store = reader->store;
    uint32_t count = get_host_count(reader, store->table_count, "the number of tables of the host");
    for (uint32_t i = 0; i < count; i++) {
        struct iso_table *table = store->tables[i];
        uint8_t type = iso_snap_get_u8(reader, "a table's type");
        if (reader->err == ISO_OK && type != table->type) {
            return iso_snap_fail_as(reader, ISO_E_LINK,
                                    "table %lu of the host has another type here",
                                    (unsigned long)i);
        }
        enum iso_err err = check_limits(reader, &table->limits, "table", i);
        if (err == ISO_OK) {
            err = iso_snap_load_table_size(reader, table);
        }
        if (err != ISO_OK) {
            return err;
        }
    }
    reader->host_counts.tables = count;
    return reader->err;
}

static enum iso_err load_memories(struct iso_snap_reader *reader)
{
    struct iso_store *store = reader->store;
    uint32_t count =
        get_host_count(reader, store->memory_count, "the number of memories of the host");
    for (uint32_t i = 0; i < count; i++) {
        enum iso_err err = check_limits(reader, &store->memories[i]->limits, "memory", i);
        if (err == ISO_OK) {
            err = iso_snap_load_memory_size(reader, store->memories[i]);
        }
        if (err != ISO_OK) {
            return err;
        }
    }
    reader->host_counts.memories = count;
    return reader->err;
}

static enum iso_err load_globals(struct iso_snap_reader *reader)
{
    struct iso_store *store = reader->store;
    uint32_t count =
        get_host_count(reader, store->global_count, "the number of globals of the host");
    for (uint32_t i = 0; i < count; i++) {
        uint8_t type = iso_snap_get_u8(reader, "a global's type");
        bool is_mutable = get_flag(reader, "a global's mutability");
        if (reader->err == ISO_OK &&
            (type != store->globals[i]->type || is_mutable != store->globals[i]->is_mutable)) {
            return iso_snap_fail_as(reader, ISO_E_LINK,
                                    "global %lu of the host has another type here",
                                    (unsigned long)i);
        }
    }
    reader->host_counts.globals = count;
    return reader->err;
}

enum iso_err iso_snap_load_host(struct iso_snap_reader *reader, struct iso_arena *arena)
{
    iso_snap_enter(reader, ISO_SNAP_HOST);
    enum iso_err err = load_funcs(reader, arena);
    if (err == ISO_OK) {
        err = load_tables(reader);
    }
    if (err == ISO_OK) {
        err = load_memories(reader);
    }
    if (err == ISO_OK) {
        err = load_globals(reader);
    }
    return err != ISO_OK ? err : iso_snap_leave(reader);
}
