/* What modules import: from WASI, from the device (which makes grants), from other components. */
#include "orchestrator/check.h"

enum { IMPORTS_MAX = 10000 }; /* of a module */

/* ---- A component's imports ------------------------------------------------------------------- */

static struct iso_or_import *find(struct iso_or_imports *imports, struct iso_str module)
{
    for (uint32_t i = 0; i < imports->count; i++) {
        if (iso_str_equal(imports->items[i].module, module)) {
            return &imports->items[i];
        }
    }
    return NULL;
}

/* interface: NULL for plain functions. NULL: memory is short. */
static struct iso_or_import *add(struct iso_or_check *check, struct iso_or_imports *imports,
                                 const struct iso_wit_interface *interface, struct iso_str module,
                                 uint32_t func_max)
{
    struct iso_or_import *import = &imports->items[imports->count];
    const char *name = iso_arena_copy_str(&check->manifest->arena, module);
    const struct iso_wit_func **funcs = iso_or_new(&check->reader, func_max, sizeof *funcs);
    if (name == NULL || funcs == NULL) {
        check->reader.nomem = true;
        return NULL;
    }
    *import = (struct iso_or_import){.module = iso_str_from(name, module.len),
                                     .interface = interface,
                                     .funcs = funcs,
                                     .device = iso_interface_is_device(interface)};
    imports->count++;
    return import;
}

static void add_func(struct iso_or_import *import, const struct iso_wit_func *func)
{
    for (uint32_t i = 0; i < import->func_count; i++) {
        if (import->funcs[i] == func) {
            return;
        }
    }
    import->funcs[import->func_count++] = func;
}

/* One import of the module. */
static void take(struct iso_or_check *check, uint32_t component, const struct iso_import_desc *desc)
{
    struct iso_or_imports *imports = &check->imports[component];
    const struct iso_wit_world *world = check->facts[component].interface->world;
    const struct iso_wit_interface *interface = NULL;
    const struct iso_wit_func *func = NULL;
    struct iso_or_import *import = find(imports, desc->module);
    if (iso_import_is_wasi(desc->module) || (import != NULL && import->nobody)) {
        return;
    }
    bool is_func = desc->type.kind == ISO_EXTERN_FUNC;
    if (is_func && import != NULL && import->interface != NULL &&
        (func = iso_wit_func_find(import->interface, desc->name)) != NULL) {
        add_func(import, func); /* as most are: quickly */
        return;
    }
    if (is_func && iso_world_import_find(world, desc, &interface, &func)) {
        uint32_t max = interface != NULL ? interface->func_count : world->import_count;
        import = import != NULL ? import : add(check, imports, interface, desc->module, max);
        if (import != NULL) {
            add_func(import, func);
        }
        return;
    }
    struct iso_or_at at = iso_or_component_at(check, component);
    char shown[ISO_QUOTE_SIZE], name[ISO_QUOTE_SIZE];
    iso_or_wrong_key(&check->reader, &at, "found that its module imports %s %s of %s; expected %s",
                     is_func ? "the function" : iso_extern_kind_name(desc->type.kind),
                     iso_quote(name, desc->name), iso_quote(shown, desc->module),
                     is_func ? "functions of WASI, of isomer:device, or of an interface that its "
                               "WIT imports"
                             : "functions only");
    if (import == NULL) {
        import = add(check, imports, NULL, desc->module, 0);
    }
    if (import != NULL) {
        import->nobody = true; /* once is enough */
    }
}

static void tell_many(struct iso_or_check *check, uint32_t component, uint32_t count)
{
    struct iso_or_at at = iso_or_component_at(check, component);
    iso_or_wrong_key(&check->reader, &at, "found a module with %u imports; expected at most %d",
                     count, IMPORTS_MAX);
}

/* Without the module: all that its world imports. */
static void take_world(struct iso_or_check *check, uint32_t component)
{
    struct iso_or_imports *imports = &check->imports[component];
    const struct iso_wit_world *world = check->facts[component].interface->world;
    char name[512];
    for (uint32_t i = 0; i < world->import_count && !check->reader.nomem; i++) {
        const struct iso_wit_item *item = &world->imports[i];
        const bool plain = item->interface == NULL;
        if (!plain && item->interface->func_count == 0) {
            continue; /* types only */
        }
        (void)iso_format(name, sizeof name, "$root");
        if (!plain) {
            iso_abi_import_module(item->interface, name, sizeof name);
        }
        struct iso_or_import *import = find(imports, iso_str_from_z(name));
        import = import != NULL ? import
                                : add(check, imports, item->interface, iso_str_from_z(name),
                                      plain ? world->import_count : item->interface->func_count);
        for (uint32_t k = 0; import != NULL && !plain && k < item->interface->func_count; k++) {
            add_func(import, &item->interface->funcs[k]);
        }
        if (import != NULL && plain) {
            add_func(import, item->func);
        }
    }
}

static void find_imports(struct iso_or_check *check, uint32_t component)
{
    const struct iso_or_module_facts *facts = &check->facts[component];
    if (facts->interface == NULL) {
        return;
    }
    uint32_t count = facts->module != NULL ? iso_module_import_count(facts->module)
                                           : facts->interface->world->import_count;
    if (count > IMPORTS_MAX) {
        tell_many(check, component, count);
        return;
    }
    check->imports[component].items =
        iso_or_new(&check->reader, count, sizeof *check->imports[component].items);
    if (check->imports[component].items == NULL) {
        return;
    }
    if (facts->module == NULL) {
        take_world(check, component);
        return;
    }
    for (uint32_t i = 0; i < count && !check->reader.nomem; i++) {
        struct iso_import_desc desc;
        iso_module_import(facts->module, i, &desc);
        take(check, component, &desc);
    }
}

/* ---- Grants ---------------------------------------------------------------------------------- */

/* A grant of what is not imported is a slip, and another interface would be granted as a whole. */
static void check_grants(struct iso_or_check *check, uint32_t component)
{
    const struct iso_or_imports *imports = &check->imports[component];
    struct iso_or_at at = iso_or_component_at(check, component);
    struct iso_or_at grants = iso_or_member(&at, "grants");
    struct iso_or_at devices = iso_or_member(&grants, "devices");
    if (check->manifest->components[component].devices == NULL) {
        return;
    }
    for (struct iso_or_at it = iso_or_first(&devices); it.key != NULL; it = iso_or_next(&it)) {
        struct iso_or_words words;
        bool known = false;
        iso_or_words_init(&words, &check->reader, iso_str_from_z(it.key));
        for (uint32_t i = 0; i < imports->count && !known; i++) {
            if (imports->items[i].device) {
                known = iso_str_equal_z(imports->items[i].interface->name, it.key);
                iso_or_words_add(&words, imports->items[i].interface->name);
            }
        }
        if (!known) {
            char shown[ISO_QUOTE_SIZE];
            iso_or_wrong_key(&check->reader, &it,
                             "found a grant of %s, which the module does not import; %s",
                             iso_quote(shown, iso_str_from_z(it.key)),
                             iso_or_words_hint(&words, "expected none: it imports no interface of "
                                                       "isomer:device"));
        }
    }
}

/* What was written, and for what is imported besides, all of it. */
static void make_grants(struct iso_or_check *check, uint32_t component)
{
    const struct iso_or_imports *imports = &check->imports[component];
    struct iso_or_component *of = &check->manifest->components[component];
    json_t *made =
        of->devices != NULL ? json_copy((json_t *)(uintptr_t)of->devices) : json_object();
    bool fine = made != NULL;
    for (uint32_t i = 0; i < imports->count && fine; i++) {
        const struct iso_or_import *import = &imports->items[i];
        const struct iso_str name =
            import->device ? import->interface->name : (struct iso_str){.len = 0};
        if (import->device && json_object_getn(made, name.ptr, name.len) == NULL) {
            fine = json_object_setn_new(made, name.ptr, name.len, json_true()) == 0;
        }
    }
    /* Takes the object over, also when it fails. */
    fine = made != NULL && json_array_append_new(check->manifest->made, made) == 0 && fine;
    if (!fine) {
        check->reader.nomem = true;
    } else if (json_object_size(made) != 0) {
        of->devices = made;
    }
}

/* ---- Memory and mode
 * ---------------------------------------------------------------------------------- */

static void check_memory(struct iso_or_check *check, uint32_t component)
{
    const struct iso_or_component *of = &check->manifest->components[component];
    const struct iso_module *module = check->facts[component].module;
    struct iso_limits pages;
    if (module == NULL || !iso_module_memory_limits(module, &pages) ||
        (uint64_t)pages.min * 65536 <= of->memory_bytes) {
        return;
    }
    struct iso_or_at at = iso_or_component_at(check, component);
    struct iso_or_at limits = iso_or_member(&at, "limits");
    struct iso_or_at memory = iso_or_member(&limits, "memory");
    char limit[32], needed[32];
    (void)iso_format_size(limit, of->memory_bytes);
    (void)iso_format_size(needed, (uint64_t)pages.min * 65536);
    if (memory.json != NULL) {
        iso_or_wrong(&check->reader, &memory,
                     "found a limit of %s; expected at least %s, with which the module begins",
                     limit, needed);
    } else {
        iso_or_wrong_key(&check->reader, &at,
                         "found a module that begins with %s of memory; expected a limit of at "
                         "least that, as in \"limits\": {\"memory\": ...} (%s unless said)",
                         needed, limit);
    }
}

static void check_mode(struct iso_or_check *check, uint32_t component)
{
    const struct iso_or_component *of = &check->manifest->components[component];
    struct iso_or_at at = iso_or_component_at(check, component);
    struct iso_or_at mode = iso_or_member(&at, "mode");
    if (of->service && check->facts[component].interface->origin == ISO_ORIGIN_COMMAND) {
        iso_or_wrong(&check->reader, &mode,
                     "found \"service\" for a command, which begins anew with each call; expected "
                     "\"function\"");
    }
}

void iso_or_check_imports(struct iso_or_check *check)
{
    for (uint32_t i = 0; i < check->manifest->component_count && !check->reader.nomem; i++) {
        find_imports(check, i);
        if (check->facts[i].interface == NULL || check->reader.nomem) {
            continue;
        }
        check_grants(check, i);
        make_grants(check, i);
        check_memory(check, i);
        check_mode(check, i);
    }
}
