/* module.c - the module object and what it tells about itself. */
#include "engine/code.h"

/* ---- Life ---------------------------------------------------------------------------------- */

static enum iso_err fill_module(struct iso_module *module, struct iso_report *report)
{
    enum iso_err err = iso_module_decode(module, report);
    if (err == ISO_OK) {
        err = iso_validate_funcs(module, report);
    }
    if (err == ISO_OK && module->engine->translation == ISO_TRANSLATE_EAGER) {
        err = iso_module_translate(module, NULL, report);
    }
    return err;
}

enum iso_err iso_module_create(struct iso_engine *engine, const uint8_t *bytes, size_t len,
                               struct iso_module **out, struct iso_report *report)
{
    static const uint8_t nothing[1];
    if (len > ISO_MAX_MODULE_BYTES) {
        return iso_fail(report, ISO_E_LIMIT, "a module of %zu bytes; at most %u are supported", len,
                        ISO_MAX_MODULE_BYTES);
    }
    struct iso_module *module = iso_alloc_new(&engine->alloc, sizeof *module);
    if (module == NULL) {
        return ISO_E_NOMEM;
    }
    module->engine = engine;
    module->bytes = iso_bytes_from(bytes != NULL ? bytes : nothing, len);
    iso_arena_init(&module->arena, &engine->alloc, 0, SIZE_MAX);
    enum iso_err err = fill_module(module, report);
    if (err != ISO_OK) {
        iso_module_destroy(module);
        return err;
    }
    *out = module;
    return ISO_OK;
}

void iso_module_destroy(struct iso_module *module)
{
    if (module == NULL) {
        return;
    }
    const struct iso_alloc *alloc = &module->engine->alloc;
    iso_code_free(module);
    iso_arena_fini(&module->arena);
    iso_alloc_free(alloc, module, sizeof *module);
}

/* ---- Identity ------------------------------------------------------------------------------ */

void iso_module_digest(struct iso_module *module, uint8_t digest[32])
{
    if (!atomic_load_explicit(&module->has_digest, memory_order_acquire)) {
        uint8_t fresh[ISO_SHA256_SIZE];
        iso_sha256(module->bytes.ptr, module->bytes.len, fresh);
        iso_engine_lock(module->engine);
        if (!atomic_load_explicit(&module->has_digest, memory_order_relaxed)) {
            memcpy(module->digest, fresh, sizeof fresh);
            atomic_store_explicit(&module->has_digest, true, memory_order_release);
        }
        iso_engine_unlock(module->engine);
    }
    memcpy(digest, module->digest, ISO_SHA256_SIZE);
}

struct iso_bytes iso_module_bytes(const struct iso_module *module)
{
    return module->bytes;
}

/* ---- Contents ------------------------------------------------------------------------------ */

static struct iso_extern_type describe(const struct iso_module *module, enum iso_extern_kind kind,
                                       uint32_t index)
{
    struct iso_extern_type type = {.kind = kind};
    switch (kind) {
    case ISO_EXTERN_FUNC:
        type.func = &module->funcs[index].type->type;
        break;
    case ISO_EXTERN_TABLE:
        type.limits = module->tables[index].limits;
        type.value = (enum iso_type)module->tables[index].type;
        break;
    case ISO_EXTERN_MEMORY:
        type.limits = module->memories[index];
        break;
    case ISO_EXTERN_GLOBAL:
        type.value = (enum iso_type)module->globals[index].type;
        type.is_mutable = module->globals[index].is_mutable;
        break;
    }
    return type;
}

uint32_t iso_module_import_count(const struct iso_module *module)
{
    return module->import_count;
}

void iso_module_import(const struct iso_module *module, uint32_t index, struct iso_import_desc *out)
{
    ISO_ASSERT(index < module->import_count);
    const struct iso_import *import = &module->imports[index];
    out->module = import->module;
    out->name = import->name;
    out->type = describe(module, (enum iso_extern_kind)import->kind, import->index);
}

uint32_t iso_module_export_count(const struct iso_module *module)
{
    return module->export_count;
}

void iso_module_export(const struct iso_module *module, uint32_t index, struct iso_export_desc *out)
{
    ISO_ASSERT(index < module->export_count);
    const struct iso_export *export = &module->exports[index];
    out->name = export->name;
    out->type = describe(module, (enum iso_extern_kind) export->kind, export->index);
    out->index = export->index;
}

uint32_t iso_module_section_count(const struct iso_module *module)
{
    return module->section_count;
}

void iso_module_section(const struct iso_module *module, uint32_t index,
                        struct iso_section_desc *out)
{
    ISO_ASSERT(index < module->section_count);
    const struct iso_section *section = &module->sections[index];
    *out = (struct iso_section_desc){
        .id = section->id, .name = section->name, .offset = section->offset, .size = section->size};
}

uint32_t iso_module_func_count(const struct iso_module *module)
{
    return module->func_count;
}

uint32_t iso_module_table_count(const struct iso_module *module)
{
    return module->table_count;
}

uint32_t iso_module_memory_count(const struct iso_module *module)
{
    return module->memory_count;
}

uint32_t iso_module_global_count(const struct iso_module *module)
{
    return module->global_count;
}

uint32_t iso_module_data_count(const struct iso_module *module)
{
    return module->data_count;
}

uint32_t iso_module_elem_count(const struct iso_module *module)
{
    return module->elem_count;
}

const struct iso_func_type *iso_module_func_type(const struct iso_module *module, uint32_t index)
{
    ISO_ASSERT(index < module->func_count);
    return &module->funcs[index].type->type;
}

bool iso_module_memory_limits(const struct iso_module *module, struct iso_limits *out)
{
    if (module->memory_count == 0) {
        return false;
    }
    *out = module->memories[0];
    return true;
}
