/*
 * snapshot_link.c - which modules, instances and names a store consists of
 * (docs/snapshot.md, sections "mods", "inst" and "name").
 *
 * A restored instance is not instantiated: its imports are bound to the very objects that the
 * snapshot names, no segment is applied and no start function runs.
 */
#include "engine/snapshot.h"

/* ---- Modules -------------------------------------------------------------------------------- */

/* Number of an instance's module: modules count in the order of their first instances. */
static bool is_first_of_module(const struct iso_store *store, uint32_t instance)
{
    for (uint32_t i = 0; i < instance; i++) {
        if (store->instances[i]->module == store->instances[instance]->module) {
            return false;
        }
    }
    return true;
}

void iso_snap_save_mods(struct iso_snap_writer *writer)
{
    const struct iso_store *store = writer->store;
    size_t begin = iso_snap_put_begin(writer, ISO_SNAP_MODS);
    uint32_t count = 0;
    for (uint32_t i = 0; i < store->instance_count; i++) {
        count += is_first_of_module(store, i);
    }
    iso_snap_put_number(writer, count);
    for (uint32_t i = 0; i < store->instance_count; i++) {
        if (is_first_of_module(store, i)) {
            uint8_t digest[ISO_SHA256_SIZE];
            iso_module_digest(store->instances[i]->module, digest);
            iso_snap_put_raw(writer, digest, sizeof digest);
        }
    }
    iso_snap_put_end(writer, begin);
}

static struct iso_module *find_module(const uint8_t *digest, struct iso_module *const *modules,
                                      size_t module_count)
{
    for (size_t i = 0; i < module_count; i++) {
        uint8_t found[ISO_SHA256_SIZE];
        iso_module_digest(modules[i], found);
        if (memcmp(found, digest, sizeof found) == 0) {
            return modules[i];
        }
    }
    return NULL;
}

/* The modules of the snapshot, in its order, out of those that the embedder gives. */
static enum iso_err load_mods(struct iso_snap_reader *reader, struct iso_arena *arena,
                              struct iso_module *const *given, size_t given_count,
                              struct iso_module ***out, uint32_t *out_count)
{
    iso_snap_enter(reader, ISO_SNAP_MODS);
    uint32_t count =
        iso_snap_get_count(reader, ISO_SHA256_SIZE, UINT32_MAX, "the number of modules");
    struct iso_module **modules = iso_arena_array(arena, count, sizeof(struct iso_module *));
    if (modules == NULL) {
        return ISO_E_NOMEM;
    }
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *digest = iso_snap_get_raw(reader, ISO_SHA256_SIZE, "a module's digest");
        modules[i] = digest != NULL ? find_module(digest, given, given_count) : NULL;
        if (digest != NULL && modules[i] == NULL) {
            char text[2 * ISO_SHA256_SIZE + 1];
            iso_hex_encode(digest, ISO_SHA256_SIZE, text);
            return iso_snap_fail_as(reader, ISO_E_LINK,
                                    "it needs the module %s, which was not "
                                    "given",
                                    text);
        }
        if (modules[i] != NULL && modules[i]->engine != reader->store->engine) {
            return iso_snap_fail_as(reader, ISO_E_LINK, "module %lu belongs to another engine",
                                    (unsigned long)i);
        }
    }
    *out = modules;
    *out_count = count;
    return iso_snap_leave(reader);
}

/* ---- Instances ------------------------------------------------------------------------------ */

static uint32_t memory_pages(const struct iso_memory *memory)
{
    return (uint32_t)(memory->size / ISO_PAGE_BYTES);
}

static void save_import(struct iso_snap_writer *writer, const struct iso_instance *instance,
                        const struct iso_import *import)
{
    const struct iso_snap_objects *objects = &writer->objects;
    switch ((enum iso_extern_kind)import->kind) {
    case ISO_EXTERN_FUNC:
        iso_snap_put_func(writer, instance->imported_funcs[import->index]);
        break;
    case ISO_EXTERN_TABLE:
        iso_snap_put_place(writer, objects->table_places[instance->tables[import->index]->index]);
        break;
    case ISO_EXTERN_MEMORY:
        iso_snap_put_place(writer,
                           objects->memory_places[instance->memories[import->index]->index]);
        break;
    case ISO_EXTERN_GLOBAL:
        iso_snap_put_place(writer,
                           iso_snap_global_place(writer->store, instance->globals[import->index]));
        break;
    }
}

void iso_snap_save_inst(struct iso_snap_writer *writer)
{
    const struct iso_store *store = writer->store;
    size_t begin = iso_snap_put_begin(writer, ISO_SNAP_INST);
    iso_snap_put_number(writer, store->instance_count);
    uint32_t module_count = 0;
    uint32_t *numbers = iso_arena_array(&writer->arena, store->instance_count, sizeof *numbers);
    if (numbers == NULL) {
        writer->err = ISO_E_NOMEM;
        return;
    }
    for (uint32_t i = 0; i < store->instance_count; i++) {
        const struct iso_instance *instance = store->instances[i];
        const struct iso_module *module = instance->module;
        uint32_t first = 0;
        while (store->instances[first]->module != module) {
            first++;
        }
        numbers[i] = first == i ? module_count++ : numbers[first];
        iso_snap_put_number(writer, numbers[i]);
        for (uint32_t k = 0; k < module->import_count; k++) {
            save_import(writer, instance, &module->imports[k]);
        }
        for (uint32_t k = module->table_import_count; k < module->table_count; k++) {
            iso_snap_put_number(writer, instance->tables[k]->size);
        }
        for (uint32_t k = module->memory_import_count; k < module->memory_count; k++) {
            iso_snap_put_number(writer, memory_pages(instance->memories[k]));
        }
    }
    iso_snap_put_end(writer, begin);
}

enum iso_err iso_snap_load_memory_size(struct iso_snap_reader *reader, struct iso_memory *memory)
{
    uint32_t pages = iso_snap_get_u32(reader, ISO_MAX_MEMORY_PAGES, "the size of a memory");
    uint32_t present = memory_pages(memory);
    if (reader->err != ISO_OK) {
        return reader->err;
    }
    if (pages < present || (memory->limits.has_max && pages > memory->limits.max)) {
        return iso_snap_fail(reader, "a memory has %lu pages, which its type does not allow",
                             (unsigned long)pages);
    }
    if (iso_memory_grow(memory, pages - present) == UINT32_MAX) {
        return iso_snap_fail_as(reader, ISO_E_LIMIT,
                                "a memory needs %lu pages of 64 KiB, for which this store or this "
                                "host has no room: raise the memory limit",
                                (unsigned long)pages);
    }
    return ISO_OK;
}

enum iso_err iso_snap_load_table_size(struct iso_snap_reader *reader, struct iso_table *table)
{
    uint32_t size = iso_snap_get_u32(reader, ISO_MAX_TABLE_ELEMS, "the size of a table");
    if (reader->err != ISO_OK) {
        return reader->err;
    }
    if (size < table->size || (table->limits.has_max && size > table->limits.max)) {
        return iso_snap_fail(reader, "a table has %lu elements, which its type does not allow",
                             (unsigned long)size);
    }
    if (iso_table_grow(table, size - table->size, 0) == UINT32_MAX) {
        return iso_snap_fail_as(reader, ISO_E_LIMIT,
                                "a table needs %lu elements, for which this store or this host "
                                "has no room: raise the limit of table elements",
                                (unsigned long)size);
    }
    return ISO_OK;
}

static void *host_object(struct iso_snap_reader *reader, enum iso_extern_kind kind, uint32_t index)
{
    struct iso_store *store = reader->store;
    const struct iso_snap_host_counts *host = &reader->host_counts;
    if (kind == ISO_EXTERN_TABLE && index < host->tables) {
        return store->tables[index];
    }
    if (kind == ISO_EXTERN_MEMORY && index < host->memories) {
        return store->memories[index];
    }
    return kind == ISO_EXTERN_GLOBAL && index < host->globals ? store->globals[index] : NULL;
}

/* An object that the instance owns, not one that it imports. */
static void *own_object(struct iso_instance *instance, enum iso_extern_kind kind, uint32_t index)
{
    const struct iso_module *module = instance->module;
    if (kind == ISO_EXTERN_TABLE && index >= module->table_import_count &&
        index < module->table_count) {
        return instance->tables[index];
    }
    if (kind == ISO_EXTERN_MEMORY && index >= module->memory_import_count &&
        index < module->memory_count) {
        return instance->memories[index];
    }
    return kind == ISO_EXTERN_GLOBAL && index >= module->global_import_count &&
                   index < module->global_count
               ? instance->globals[index]
               : NULL;
}

/* A reference to an object of a kind; those of instances that are not made yet are refused. */
static void *get_object(struct iso_snap_reader *reader, enum iso_extern_kind kind)
{
    const char *what = iso_extern_kind_name(kind);
    if (kind == ISO_EXTERN_FUNC) {
        struct iso_func *func = iso_snap_get_func(reader, what);
        if (func == NULL) {
            (void)iso_snap_fail(reader, "a function is missing");
        }
        return func;
    }
    uint32_t max = reader->store->instance_count + ISO_SNAP_FIRST_INSTANCE - 1;
    uint32_t owner = iso_snap_get_u32(reader, max, what);
    const uint8_t *begin = reader->mark;
    uint32_t index = iso_snap_get_u32(reader, UINT32_MAX, what);
    if (reader->err != ISO_OK) {
        return NULL;
    }
    void *object = NULL;
    if (owner == ISO_SNAP_HOST_OWNER) {
        object = host_object(reader, kind, index);
    } else if (owner >= ISO_SNAP_FIRST_INSTANCE) {
        object = own_object(reader->store->instances[owner - ISO_SNAP_FIRST_INSTANCE], kind, index);
    }
    if (object == NULL) {
        reader->mark = begin;
        (void)iso_snap_fail(reader, "there is no %s %lu of owner %lu", what, (unsigned long)index,
                            (unsigned long)owner);
    }
    return object;
}

static enum iso_err load_imports(struct iso_snap_reader *reader, struct iso_instance *instance)
{
    const struct iso_module *module = instance->module;
    for (uint32_t i = 0; i < module->import_count; i++) {
        const struct iso_import *import = &module->imports[i];
        struct iso_definition definition = {.module = import->module,
                                            .name = import->name,
                                            .kind = import->kind,
                                            .object = get_object(reader, import->kind)};
        if (definition.object == NULL) {
            return reader->err;
        }
        struct iso_report report;
        iso_report_init(&report);
        enum iso_err err = iso_instance_bind(instance, i, &definition, &report);
        if (err != ISO_OK) {
            return iso_snap_fail(reader, "%s", iso_report_text(&report, err));
        }
    }
    return ISO_OK;
}

static enum iso_err load_objects(struct iso_snap_reader *reader, struct iso_instance *instance)
{
    const struct iso_module *module = instance->module;
    enum iso_err err = iso_instance_create_objects(instance, reader->report);
    for (uint32_t i = module->table_import_count; err == ISO_OK && i < module->table_count; i++) {
        err = iso_snap_load_table_size(reader, instance->tables[i]);
    }
    for (uint32_t i = module->memory_import_count; err == ISO_OK && i < module->memory_count; i++) {
        err = iso_snap_load_memory_size(reader, instance->memories[i]);
    }
    return err;
}

static enum iso_err load_instance(struct iso_snap_reader *reader, struct iso_module *module)
{
    enum iso_err err = iso_instance_reserve(reader->store);
    if (err != ISO_OK) {
        return err;
    }
    struct iso_instance *instance = iso_instance_new(reader->store, module);
    if (instance == NULL) {
        return ISO_E_NOMEM;
    }
    err = load_imports(reader, instance);
    if (err == ISO_OK) {
        err = load_objects(reader, instance);
    }
    if (err != ISO_OK) {
        iso_instance_free(instance);
        return err;
    }
    iso_instance_init_globals(instance);
    iso_instance_publish(instance);
    return ISO_OK;
}

/*
 * An instance may take one byte in the snapshot, and as much memory as its module has functions and
 * globals. So those after the first of a module are counted.
 */
static enum iso_err count_instance(struct iso_snap_reader *reader, uint64_t *bytes)
{
    const struct iso_store *store = reader->store;
    const struct iso_instance *instance = store->instances[store->instance_count - 1];
    *bytes += (uint64_t)instance->block_bytes + instance->funcs_bytes;
    if (*bytes > ISO_SNAP_MAX_INSTANCE_BYTES) {
        return iso_snap_fail_as(reader, ISO_E_LIMIT,
                                "its instances need more than %lu MiB besides their memories and "
                                "tables",
                                (unsigned long)ISO_SNAP_MAX_INSTANCE_BYTES >> 20);
    }
    return ISO_OK;
}

enum iso_err iso_snap_load_inst(struct iso_snap_reader *reader, struct iso_arena *arena,
                                struct iso_module *const *given, size_t given_count)
{
    struct iso_module **modules = NULL;
    uint32_t module_count = 0;
    enum iso_err err = load_mods(reader, arena, given, given_count, &modules, &module_count);
    if (err != ISO_OK) {
        return err;
    }
    iso_snap_enter(reader, ISO_SNAP_INST);
    uint32_t count = iso_snap_get_count(reader, 1, UINT32_MAX / 2, "the number of instances");
    uint64_t bytes = 0;
    uint32_t used = 0; /* modules so far: their order is that of their first instances */
    for (uint32_t i = 0; i < count; i++) {
        uint32_t number = iso_snap_get_u32(reader, UINT32_MAX, "an instance's module");
        if (reader->err != ISO_OK) {
            return reader->err;
        }
        if (number > used || number >= module_count) {
            return iso_snap_fail(reader,
                                 "instance %lu is of module %lu, where at most %lu is "
                                 "possible",
                                 (unsigned long)i, (unsigned long)number, (unsigned long)used);
        }
        bool is_first = number == used;
        used += is_first;
        err = load_instance(reader, modules[number]);
        if (err == ISO_OK && !is_first) {
            err = count_instance(reader, &bytes);
        }
        if (err != ISO_OK) {
            return err;
        }
    }
    if (reader->err == ISO_OK && used != module_count) {
        return iso_snap_fail(reader, "it lists %lu modules, of which %lu are used",
                             (unsigned long)module_count, (unsigned long)used);
    }
    return iso_snap_leave(reader);
}

/* ---- Names ---------------------------------------------------------------------------------- */

/* Host functions under their own names are defined again by the embedder; all others names that are
 * in force are part of the state. */
static bool is_saved(struct iso_store *store, const struct iso_definition *definition)
{
    if (definition->kind == ISO_EXTERN_FUNC) {
        const struct iso_func *func = definition->object;
        if (func->host != NULL && iso_str_equal(func->host->module, definition->module) &&
            iso_str_equal(func->host->name, definition->name)) {
            return false;
        }
    }
    return iso_store_definition_find(store, definition->module, definition->name) == definition;
}

static void save_object(struct iso_snap_writer *writer, const struct iso_definition *definition)
{
    const struct iso_snap_objects *objects = &writer->objects;
    switch ((enum iso_extern_kind)definition->kind) {
    case ISO_EXTERN_FUNC:
        iso_snap_put_func(writer, definition->object);
        break;
    case ISO_EXTERN_TABLE: {
        const struct iso_table *table = definition->object;
        iso_snap_put_place(writer, objects->table_places[table->index]);
        break;
    }
    case ISO_EXTERN_MEMORY: {
        const struct iso_memory *memory = definition->object;
        iso_snap_put_place(writer, objects->memory_places[memory->index]);
        break;
    }
    case ISO_EXTERN_GLOBAL:
        iso_snap_put_place(writer, iso_snap_global_place(writer->store, definition->object));
        break;
    }
}

void iso_snap_save_name(struct iso_snap_writer *writer)
{
    struct iso_store *store = writer->store;
    size_t begin = iso_snap_put_begin(writer, ISO_SNAP_NAME);
    uint32_t count = 0;
    for (uint32_t i = 0; i < store->definition_count; i++) {
        count += is_saved(store, &store->definitions[i]);
    }
    iso_snap_put_number(writer, count);
    for (uint32_t i = 0; i < store->definition_count; i++) {
        const struct iso_definition *definition = &store->definitions[i];
        if (is_saved(store, definition)) {
            iso_snap_put_str(writer, definition->module);
            iso_snap_put_str(writer, definition->name);
            iso_snap_put_u8(writer, definition->kind);
            save_object(writer, definition);
        }
    }
    iso_snap_put_end(writer, begin);
}

enum iso_err iso_snap_load_name(struct iso_snap_reader *reader)
{
    iso_snap_enter(reader, ISO_SNAP_NAME);
    uint32_t count = iso_snap_get_count(reader, 5, UINT32_MAX, "the number of names");
    for (uint32_t i = 0; i < count; i++) {
        struct iso_str module = iso_snap_get_str(reader, "a name's module");
        struct iso_str name = iso_snap_get_str(reader, "a name");
        uint8_t kind = iso_snap_get_u8(reader, "a name's kind");
        if (kind > ISO_EXTERN_GLOBAL) {
            return iso_snap_fail(reader, "a name's kind is %u, the kinds are 0 to 3", kind);
        }
        void *object = reader->err == ISO_OK ? get_object(reader, kind) : NULL;
        if (object == NULL) {
            return reader->err;
        }
        enum iso_err err = iso_store_definition_add(reader->store, module, name, kind, object);
        if (err != ISO_OK) {
            return err;
        }
    }
    return iso_snap_leave(reader);
}
