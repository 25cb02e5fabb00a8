/* decode_externs.c - imports and exports (spec 5.5.5, 5.5.10). */
#include "engine/decode.h"
#include "engine/sort.h"

/* ---- Imports ------------------------------------------------------------------------------- */

/* One import; of the last three, the one that import.kind names. */
struct import_entry {
    struct iso_import import;
    const struct iso_interned_type *func;
    struct iso_module_table table;
    struct iso_limits memory;
    struct iso_module_global global;
};

static enum iso_err read_import_type(struct iso_decoder *d, struct import_entry *entry)
{
    const uint8_t *at = d->reader.pos;
    enum iso_err err = iso_read_u8(&d->reader, &entry->import.kind);
    if (err != ISO_OK) {
        return err;
    }
    switch (entry->import.kind) {
    case ISO_EXTERN_FUNC:
        return iso_decode_type_use(d, &entry->func);
    case ISO_EXTERN_TABLE:
        return iso_decode_table_type(d, &entry->table);
    case ISO_EXTERN_MEMORY:
        return iso_decode_memory_type(d, &entry->memory);
    case ISO_EXTERN_GLOBAL:
        return iso_decode_global_type(d, &entry->global);
    default:
        return ISO_DECODE_FAIL(d, ISO_E_MALFORMED, at, "malformed import kind 0x%02x",
                               entry->import.kind);
    }
}

static enum iso_err read_import(struct iso_decoder *d, struct import_entry *entry)
{
    enum iso_err err = iso_read_name(&d->reader, &entry->import.module);
    if (err == ISO_OK) {
        err = iso_read_name(&d->reader, &entry->import.name);
    }
    if (err == ISO_OK) {
        err = read_import_type(d, entry);
    }
    return err;
}

static enum iso_err read_import_count(struct iso_decoder *d, uint32_t *count)
{
    enum { MIN_BYTES = 4 };
    return iso_read_count(&d->reader, MIN_BYTES, ISO_MAX_IMPORTS, "imports", count);
}

enum iso_err iso_decode_imports_count(struct iso_decoder *d)
{
    struct iso_module *module = d->module;
    uint32_t count = 0;
    enum iso_err err = read_import_count(d, &count);
    uint32_t of_kind[ISO_EXTERN_GLOBAL + 1] = {0};
    for (uint32_t i = 0; err == ISO_OK && i < count; i++) {
        struct import_entry entry = {.func = NULL};
        err = read_import(d, &entry);
        if (err == ISO_OK) {
            of_kind[entry.import.kind]++;
        }
    }
    if (err == ISO_OK) {
        module->import_count = count;
        module->func_import_count = of_kind[ISO_EXTERN_FUNC];
        module->table_import_count = of_kind[ISO_EXTERN_TABLE];
        module->memory_import_count = of_kind[ISO_EXTERN_MEMORY];
        module->global_import_count = of_kind[ISO_EXTERN_GLOBAL];
    }
    return err;
}

static void store_import(struct iso_module *module, struct import_entry *entry,
                         uint32_t next[ISO_EXTERN_GLOBAL + 1])
{
    uint32_t index = next[entry->import.kind]++;
    entry->import.index = index;
    switch (entry->import.kind) {
    case ISO_EXTERN_FUNC:
        module->funcs[index].type = entry->func;
        break;
    case ISO_EXTERN_TABLE:
        module->tables[index] = entry->table;
        break;
    case ISO_EXTERN_MEMORY:
        module->memories[index] = entry->memory;
        break;
    default:
        module->globals[index] = entry->global;
        break;
    }
}

enum iso_err iso_decode_imports(struct iso_decoder *d)
{
    struct iso_module *module = d->module;
    uint32_t count = 0;
    enum iso_err err = read_import_count(d, &count);
    if (err != ISO_OK) {
        return err;
    }
    module->imports = ISO_DECODE_ARRAY(d, count, struct iso_import);
    if (module->imports == NULL) {
        return ISO_E_NOMEM;
    }
    uint32_t next[ISO_EXTERN_GLOBAL + 1] = {0};
    for (uint32_t i = 0; i < count; i++) {
        struct import_entry entry = {.func = NULL};
        err = read_import(d, &entry);
        if (err != ISO_OK) {
            return err;
        }
        store_import(module, &entry, next);
        module->imports[i] = entry.import;
    }
    return ISO_OK;
}

/* ---- Exports ------------------------------------------------------------------------------- */

static enum iso_err check_index(struct iso_decoder *d, const uint8_t *at, enum iso_extern_kind kind,
                                uint32_t index)
{
    const struct iso_module *module = d->module;
    const uint32_t counts[] = {module->func_count, module->table_count, module->memory_count,
                               module->global_count};
    if (index >= counts[kind]) {
        return ISO_DECODE_FAIL(d, ISO_E_INVALID, at, "unknown %s %u: the module has %u",
                               iso_extern_kind_name(kind), (unsigned)index, (unsigned)counts[kind]);
    }
    return ISO_OK;
}

enum iso_err iso_decode_func_index(struct iso_decoder *d, uint32_t *out)
{
    const uint8_t *at = d->reader.pos;
    uint32_t index = 0;
    enum iso_err err = iso_read_u32(&d->reader, &index);
    if (err == ISO_OK) {
        err = check_index(d, at, ISO_EXTERN_FUNC, index);
    }
    if (err == ISO_OK) {
        *out = index;
    }
    return err;
}

static enum iso_err read_export(struct iso_decoder *d, struct iso_export *export)
{
    enum iso_err err = iso_read_name(&d->reader, &export->name);
    const uint8_t *at = d->reader.pos;
    if (err == ISO_OK) {
        err = iso_read_u8(&d->reader, &export->kind);
    }
    if (err == ISO_OK && export->kind > ISO_EXTERN_GLOBAL) {
        err = ISO_DECODE_FAIL(d, ISO_E_MALFORMED, at, "malformed export kind 0x%02x", export->kind);
    }
    at = d->reader.pos;
    if (err == ISO_OK) {
        err = iso_read_u32(&d->reader, &export->index);
    }
    if (err == ISO_OK) {
        err = check_index(d, at, (enum iso_extern_kind) export->kind, export->index);
    }
    if (err == ISO_OK && export->kind == ISO_EXTERN_FUNC) {
        d->module->funcs[export->index].is_declared = true;
    }
    return err;
}

/* By length first: it decides most comparisons without reading the names. */
static int compare_exports(const void *ctx, uint32_t a, uint32_t b)
{
    const struct iso_export *exports = ctx;
    struct iso_str x = exports[a].name, y = exports[b].name;
    if (x.len != y.len) {
        return x.len < y.len ? -1 : 1;
    }
    return x.len != 0 ? memcmp(x.ptr, y.ptr, x.len) : 0;
}

/* Sorted rather than hashed: there are few, and names cannot be chosen to make it slow. */
static enum iso_err check_names_unique(struct iso_decoder *d)
{
    struct iso_module *module = d->module;
    const struct iso_alloc *alloc = &module->engine->alloc;
    uint32_t count = module->export_count;
    uint32_t *order = iso_alloc_array(alloc, count, sizeof *order);
    if (order == NULL) {
        return ISO_E_NOMEM;
    }
    for (uint32_t i = 0; i < count; i++) {
        order[i] = i;
    }
    iso_sort_u32(order, count, compare_exports, module->exports);
    enum iso_err err = ISO_OK;
    for (uint32_t i = 1; i < count && err == ISO_OK; i++) {
        if (compare_exports(module->exports, order[i - 1], order[i]) == 0) {
            struct iso_str name = module->exports[order[i]].name;
            const uint8_t *at = name.len != 0 ? (const uint8_t *)name.ptr : d->reader.end;
            char text[200];
            err = ISO_DECODE_FAIL(d, ISO_E_INVALID, at, "duplicate export name \"%s\"",
                                  iso_name_text(name, text, sizeof text));
        }
    }
    iso_alloc_free(alloc, order, count * sizeof *order);
    return err;
}

enum iso_err iso_decode_exports(struct iso_decoder *d)
{
    enum { MIN_BYTES = 3 };
    struct iso_module *module = d->module;
    uint32_t count = 0;
    enum iso_err err = iso_read_count(&d->reader, MIN_BYTES, ISO_MAX_EXPORTS, "exports", &count);
    if (err != ISO_OK) {
        return err;
    }
    module->exports = ISO_DECODE_ARRAY(d, count, struct iso_export);
    if (module->exports == NULL) {
        return ISO_E_NOMEM;
    }
    for (uint32_t i = 0; i < count && err == ISO_OK; i++) {
        err = read_export(d, &module->exports[i]);
    }
    module->export_count = count;
    return err == ISO_OK ? check_names_unique(d) : err;
}
