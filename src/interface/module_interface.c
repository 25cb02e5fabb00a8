/*
 * module_interface.c - where a module's interface comes from, first that applies: WIT text beside
 * it; the custom section "isomer:wit"; `component-type*` sections; that it is a command; its
 * exports.
 */
#include "interface/module_sections.h"
#include "interface/wit_binary.h"

static struct iso_bytes section_bytes(const struct iso_module *module,
                                      const struct iso_section_desc *section)
{
    return iso_bytes_from(iso_module_bytes(module).ptr + section->offset, (size_t)section->size);
}

/* The last custom section of that name: tools append. */
static bool find_section(const struct iso_module *module, const char *name, struct iso_bytes *out)
{
    bool found = false;
    for (uint32_t i = 0; i < iso_module_section_count(module); i++) {
        struct iso_section_desc section;
        iso_module_section(module, i, &section);
        if (section.id == 0 && iso_str_equal_z(section.name, name)) {
            *out = section_bytes(module, &section);
            found = true;
        }
    }
    return found;
}

/* All sections whose name begins with component-type: each part of a program brings its own. */
static enum iso_err find_component_types(const struct iso_module *module, struct iso_bytes *out,
                                         size_t *count, struct iso_report *report)
{
    size_t prefix = sizeof ISO_SECTION_COMPONENT_TYPE - 1;
    *count = 0;
    for (uint32_t i = 0; i < iso_module_section_count(module); i++) {
        struct iso_section_desc section;
        iso_module_section(module, i, &section);
        if (section.id != 0 || section.name.len < prefix ||
            memcmp(section.name.ptr, ISO_SECTION_COMPONENT_TYPE, prefix) != 0) {
            continue;
        }
        if (*count == ISO_WIT_MAX_SECTIONS) {
            return iso_fail(report, ISO_E_LIMIT,
                            "more than %u '" ISO_SECTION_COMPONENT_TYPE "' sections",
                            ISO_WIT_MAX_SECTIONS);
        }
        out[(*count)++] = section_bytes(module, &section);
    }
    return ISO_OK;
}

static enum iso_err find_wit(const struct iso_alloc *alloc, const struct iso_module *module,
                             const struct iso_wit_source *beside, struct iso_module_interface *out,
                             struct iso_report *report)
{
    struct iso_bytes section, types[ISO_WIT_MAX_SECTIONS];
    size_t type_count;
    if (beside != NULL && beside->text.ptr != NULL) {
        out->origin = ISO_ORIGIN_BESIDE;
        return iso_wit_parse(alloc, beside, 1, &out->wit, report);
    }
    if (find_section(module, ISO_SECTION_WIT, &section)) {
        const struct iso_wit_source source = {.name = ISO_SECTION_WIT, .text = section};
        out->origin = ISO_ORIGIN_EMBEDDED;
        return iso_wit_parse(alloc, &source, 1, &out->wit, report);
    }
    enum iso_err err = find_component_types(module, types, &type_count, report);
    if (err != ISO_OK) {
        return err;
    }
    if (type_count > 0) {
        out->origin = ISO_ORIGIN_COMPONENT;
        return iso_wit_decode_all(alloc, types, type_count, &out->wit, report);
    }
    if (iso_module_is_command(module)) {
        out->origin = ISO_ORIGIN_COMMAND;
        return iso_module_derive_command(alloc, &out->wit, report);
    }
    out->origin = ISO_ORIGIN_DERIVED;
    return iso_module_derive(alloc, module, &out->wit, report);
}

/* The first world of the main package. */
static enum iso_err choose_world(struct iso_module_interface *out, struct iso_report *report)
{
    const struct iso_wit *wit = &out->wit;
    if (wit->world_count == 0 || wit->worlds[0]->package != wit->package) {
        return iso_fail(report, ISO_E_INVALID,
                        "package '%.*s:%.*s' has no world; add one that says what the module "
                        "exports, as in 'world module { export my-interface; }'",
                        (int)wit->package->ns.len, wit->package->ns.ptr,
                        (int)wit->package->name.len, wit->package->name.ptr);
    }
    out->world = wit->worlds[0];
    return ISO_OK;
}

enum iso_err iso_module_interface_find(const struct iso_alloc *alloc,
                                       const struct iso_module *module,
                                       const struct iso_wit_source *beside,
                                       struct iso_module_interface *out, struct iso_report *report)
{
    *out = (struct iso_module_interface){.world = NULL};
    iso_arena_init(&out->wit.arena, alloc, 0, ISO_WIT_MAX_MEMORY);
    enum iso_err err = find_wit(alloc, module, beside, out, report);
    if (err == ISO_OK) {
        err = choose_world(out, report);
    }
    struct iso_bytes info;
    if (err == ISO_OK && find_section(module, ISO_SECTION_PACKAGE, &info)) {
        err = iso_package_info_read(info, &out->wit.arena, &out->info, report);
    }
    if (err == ISO_OK && out->origin == ISO_ORIGIN_DERIVED && out->info.abi.len == 0) {
        out->info.abi = iso_str_from_z("derived");
    }
    return err;
}

void iso_module_interface_fini(struct iso_module_interface *interface)
{
    iso_wit_fini(&interface->wit);
    interface->world = NULL;
}

/* ---- Imports --------------------------------------------------------------------------------- */

bool iso_world_import_find(const struct iso_wit_world *world, const struct iso_import_desc *import,
                           const struct iso_wit_interface **interface,
                           const struct iso_wit_func **func)
{
    const bool root = iso_str_equal_z(import->module, "$root");
    char name[512];
    for (uint32_t i = 0; i < world->import_count; i++) {
        const struct iso_wit_item *item = &world->imports[i];
        if (item->interface == NULL) {
            if (root && iso_str_equal(import->name, item->func->name)) {
                *interface = NULL;
                *func = item->func;
                return true;
            }
            continue;
        }
        iso_abi_import_module(item->interface, name, sizeof name);
        const struct iso_wit_func *found = iso_str_equal_z(import->module, name)
                                               ? iso_wit_func_find(item->interface, import->name)
                                               : NULL;
        if (found != NULL) {
            *interface = item->interface;
            *func = found;
            return true;
        }
    }
    return false;
}

bool iso_interface_is_device(const struct iso_wit_interface *interface)
{
    return interface != NULL && interface->package != NULL &&
           iso_str_equal_z(interface->package->ns, "isomer") &&
           iso_str_equal_z(interface->package->name, "device");
}

bool iso_import_is_wasi(struct iso_str module)
{
    return iso_str_equal_z(module, "wasi_snapshot_preview1") ||
           iso_str_equal_z(module, "wasi_unstable");
}
