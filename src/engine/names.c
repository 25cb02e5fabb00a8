/*
 * names.c - the name section (spec appendix "Custom Sections"): names of the module and of its
 * functions, for people.
 *
 * It is read when somebody asks for a name first; runs that need none pay nothing. A section that
 * breaks its format in any way is ignored as a whole.
 */
#include "engine/decode.h"

enum { SUBSECTION_MODULE = 0, SUBSECTION_FUNCTIONS = 1 };

const char *iso_name_text(struct iso_str name, char *out, size_t cap)
{
    size_t len = 0;
    for (size_t at = 0; at < name.len;) {
        size_t size = iso_utf8_char_size(name.ptr + at, name.len - at);
        size = size != 0 ? size : 1;
        if (len + size >= cap) {
            break;
        }
        uint8_t first = (uint8_t)name.ptr[at];
        if (first < 0x20 || first == 0x7f) {
            out[len] = '?';
        } else {
            memcpy(out + len, name.ptr + at, size);
        }
        len += size;
        at += size;
    }
    out[len] = '\0';
    return out;
}

/* What the section says, before the module takes it over. */
struct names {
    struct iso_str module;
    struct iso_name *funcs;
    uint32_t func_count;
};

/* Pairs of index and name, with indices that increase. */
static enum iso_err read_func_names(struct iso_module *module, struct iso_reader *reader,
                                    struct names *names)
{
    enum { MIN_BYTES = 2 };
    uint32_t count = 0;
    enum iso_err err = iso_read_count(reader, MIN_BYTES, UINT32_MAX, "names", &count);
    if (err != ISO_OK) {
        return err;
    }
    names->funcs = iso_arena_array(&module->arena, count, sizeof *names->funcs);
    if (names->funcs == NULL) {
        return ISO_E_NOMEM;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct iso_name *entry = &names->funcs[i];
        err = iso_read_u32(reader, &entry->index);
        if (err == ISO_OK) {
            err = iso_read_name(reader, &entry->name);
        }
        if (err != ISO_OK) {
            return err;
        }
        if (i != 0 && entry->index <= names->funcs[i - 1].index) {
            return ISO_E_MALFORMED;
        }
    }
    names->func_count = count;
    return ISO_OK;
}

/* One subsection; those of later proposals are passed over. They come in order, each once. */
static enum iso_err read_subsection(struct iso_module *module, struct iso_reader *section,
                                    int *last_id, struct names *names)
{
    uint8_t id = 0;
    uint32_t size = 0;
    struct iso_reader reader = *section;
    enum iso_err err = iso_read_u8(section, &id);
    if (err == ISO_OK) {
        err = iso_read_u32(section, &size);
    }
    if (err == ISO_OK) {
        err = iso_read_bytes(section, size, &reader.pos);
    }
    if (err != ISO_OK) {
        return err;
    }
    reader.end = section->pos;
    if (id <= *last_id) {
        return ISO_E_MALFORMED;
    }
    *last_id = id;
    if (id == SUBSECTION_MODULE) {
        err = iso_read_name(&reader, &names->module);
    } else if (id == SUBSECTION_FUNCTIONS) {
        err = read_func_names(module, &reader, names);
    } else {
        return ISO_OK;
    }
    return err == ISO_OK && iso_reader_left(&reader) != 0 ? ISO_E_MALFORMED : err;
}

static enum iso_err read_names(struct iso_module *module, const struct iso_section *section)
{
    const uint8_t *contents = module->bytes.ptr + section->offset;
    struct iso_reader reader = {contents, contents + section->size, module->bytes.ptr, NULL};
    struct names names = {.func_count = 0};
    int last_id = -1;
    while (iso_reader_left(&reader) != 0) {
        enum iso_err err = read_subsection(module, &reader, &last_id, &names);
        if (err != ISO_OK) {
            return err;
        }
    }
    module->name = names.module;
    module->func_names = names.funcs;
    module->func_name_count = names.func_count;
    return ISO_OK;
}

static void parse_locked(struct iso_module *module)
{
    for (uint32_t i = 0; i < module->section_count; i++) {
        const struct iso_section *section = &module->sections[i];
        if (section->id == ISO_SECTION_CUSTOM && iso_str_equal_z(section->name, "name")) {
            if (read_names(module, section) == ISO_E_NOMEM) {
                return;
            }
            break;
        }
    }
    atomic_store_explicit(&module->names_parsed, true, memory_order_release);
}

void iso_module_parse_names(struct iso_module *module)
{
    if (atomic_load_explicit(&module->names_parsed, memory_order_acquire)) {
        return;
    }
    iso_engine_lock(module->engine);
    if (!atomic_load_explicit(&module->names_parsed, memory_order_relaxed)) {
        parse_locked(module);
    }
    iso_engine_unlock(module->engine);
}

/* Makes sure that names are there, as far as memory allows. The public functions promise not to
 * change the module; this is the cache behind that promise, guarded by the lock. */
static bool names_ready(const struct iso_module *module)
{
    iso_module_parse_names((struct iso_module *)(uintptr_t)module);
    return atomic_load_explicit(&module->names_parsed, memory_order_acquire);
}

struct iso_str iso_module_name(const struct iso_module *module)
{
    return names_ready(module) ? module->name : iso_str_from(NULL, 0);
}

static const struct iso_name *find_name(const struct iso_module *module, uint32_t index)
{
    uint32_t low = 0, high = module->func_name_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct iso_name *entry = &module->func_names[middle];
        if (entry->index == index) {
            return entry;
        }
        if (entry->index < index) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

struct iso_str iso_module_func_name(const struct iso_module *module, uint32_t index)
{
    const struct iso_name *entry = names_ready(module) ? find_name(module, index) : NULL;
    if (entry != NULL && entry->name.len != 0) {
        return entry->name;
    }
    for (uint32_t i = 0; i < module->export_count; i++) {
        const struct iso_export *export = &module->exports[i];
        if (export->kind == ISO_EXTERN_FUNC && export->index == index) {
            return export->name;
        }
    }
    for (uint32_t i = 0; index < module->func_import_count && i < module->import_count; i++) {
        const struct iso_import *import = &module->imports[i];
        if (import->kind == ISO_EXTERN_FUNC && import->index == index) {
            return import->name;
        }
    }
    return iso_str_from(NULL, 0);
}
