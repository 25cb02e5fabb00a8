/*
 * component_plan.c - what a component's imports come from: WASI, device interfaces, links.
 *
 * Decided once, when the component is made; instances then only define what their module really
 * imports. Everything that is missing is said at once, with what would supply it.
 */
#include "supervisor/core_state.h"

/* ---- What is missing ------------------------------------------------------------------------- */

struct missing {
    char text[400];
    size_t len;
    uint32_t count;
};

static void miss(struct missing *missing, const char *format, struct iso_str a, struct iso_str b)
{
    char one[200];
    size_t len = iso_format(one, sizeof one, format, (int)(a.len < 60 ? a.len : 60), a.ptr,
                            (int)(b.len < 60 ? b.len : 60), b.ptr);
    len = len < sizeof one ? len : sizeof one - 1;
    missing->count++;
    if (missing->len + len + 3 < sizeof missing->text) {
        if (missing->len != 0) {
            memcpy(missing->text + missing->len, "; ", 2);
            missing->len += 2;
        }
        memcpy(missing->text + missing->len, one, len + 1);
        missing->len += len;
    }
}

/* ---- Device interfaces ----------------------------------------------------------------------- */

/* These concern nothing but the component itself. */
static bool needs_no_grant(struct iso_str name)
{
    static const char *const own[] = {"log", "clock", "config", "events", "storage", "types"};
    for (size_t i = 0; i < ISO_COUNT_OF(own); i++) {
        if (iso_str_equal_z(name, own[i])) {
            return true;
        }
    }
    return false;
}

static bool is_granted(const struct iso_sv_component *component, struct iso_str name)
{
    for (size_t i = 0; i < component->def.device_count; i++) {
        if (iso_str_equal(component->def.devices[i].interface, name)) {
            return true;
        }
    }
    return false;
}

static const struct iso_wit_func *
offered_func(const struct iso_wit *wit, const struct iso_wit_interface *wanted, struct iso_str name)
{
    for (uint32_t i = 0; wit != NULL && i < wit->interface_count; i++) {
        const struct iso_wit_interface *interface = wit->interfaces[i];
        for (uint32_t k = 0;
             iso_wit_interface_serves(wanted, interface) && k < interface->func_count; k++) {
            if (iso_str_equal(interface->funcs[k].name, name)) {
                return &interface->funcs[k];
            }
        }
    }
    return NULL;
}

static void find_host(struct iso_sv_import *import, const struct iso_sv_host_set *hosts)
{
    for (size_t i = 0; hosts != NULL && i < hosts->count; i++) {
        const struct iso_sv_host_interface *host = &hosts->interfaces[i];
        for (size_t k = 0; k < host->func_count; k++) {
            if (iso_str_equal_z(import->interface->name, host->name) &&
                iso_str_equal_z(import->func->name, host->funcs[k].name)) {
                import->host = host;
                import->host_func = &host->funcs[k];
            }
        }
    }
}

static void plan_device(struct iso_sv_import *import, struct missing *missing)
{
    const struct iso_sv_component *component = import->component;
    const struct iso_sv_host_set *hosts = component->core->hosts;
    struct iso_str name = import->interface->name;
    import->kind = ISO_SV_IMPORT_HOST;
    find_host(import, hosts);
    const struct iso_wit_func *offered =
        hosts != NULL ? offered_func(hosts->wit, import->interface, import->func->name) : NULL;
    if (import->host == NULL || offered == NULL) {
        miss(missing, "isomer:device/%.*s: this device does not offer %.*s", name,
             import->func->name);
    } else if (!iso_wit_func_equal(import->func, offered)) {
        miss(missing, "isomer:device/%.*s: %.*s has another type on this device", name,
             import->func->name);
    } else if (!needs_no_grant(name) && !is_granted(component, name)) {
        miss(missing, "isomer:device/%.*s needs the grant \"%.*s\"", name, name);
    } else if (iso_str_equal_z(name, "storage") && component->def.storage_path == NULL) {
        miss(missing, "isomer:device/%.*s needs the grant \"%.*s\" with a directory", name, name);
    }
    import->is_log = iso_str_equal_z(name, "log");
}

/* ---- Links ----------------------------------------------------------------------------------- */

static const struct iso_sv_link *find_link(const struct iso_sv_component_def *def,
                                           struct iso_str name)
{
    for (size_t i = 0; i < def->link_count; i++) {
        if (iso_str_equal(def->links[i].interface, name)) {
            return &def->links[i];
        }
    }
    return NULL;
}

static struct iso_sv_import_link *link_of(struct iso_sv_component *component, struct iso_str name)
{
    for (uint32_t i = 0; i < component->link_count; i++) {
        if (iso_str_equal(component->links[i].name, name)) {
            return &component->links[i];
        }
    }
    return NULL;
}

static void plan_link(struct iso_sv_import *import, const struct iso_sv_component_def *def,
                      struct missing *missing)
{
    struct iso_sv_component *component = import->component;
    const struct iso_sv_link *link = find_link(def, import->desc.module);
    import->kind = ISO_SV_IMPORT_LINK;
    if (link == NULL || (link->local == NULL && link->remote == NULL)) {
        miss(missing, "%.*s needs a link \"%.*s\"", import->desc.module, import->desc.module);
        return;
    }
    import->link = link_of(component, import->desc.module);
    if (import->link == NULL) {
        import->link = &component->links[component->link_count++];
        *import->link = (struct iso_sv_import_link){
            .name = import->desc.module, .interface = import->interface, .link = *link};
        if (link->local != NULL) {
            iso_sv_component_ref(link->local);
        }
    }
}

static enum iso_err find_callee(const struct iso_sv_import *import,
                                const struct iso_sv_component *target, uint32_t *callee,
                                struct iso_report *report)
{
    const struct iso_sv_program *program = target->program;
    const struct iso_wit_func *wanted = import->func;
    for (uint32_t i = 0; i < program->func_count; i++) {
        const struct iso_sv_func *func = &program->funcs[i];
        bool same = import->interface == NULL
                        ? func->interface == NULL
                        : func->interface != NULL &&
                              iso_wit_interface_serves(import->interface, func->interface);
        if (!same || !iso_str_equal(func->func->name, wanted->name)) {
            continue;
        }
        if (!iso_wit_func_equal(wanted, func->func)) {
            return iso_fail(report, ISO_E_LINK,
                            "link \"%.*s\": %.*s has another type in %s than its caller expects",
                            (int)import->desc.module.len, import->desc.module.ptr,
                            (int)wanted->name.len, wanted->name.ptr, target->full_name);
        }
        *callee = i;
        return ISO_OK;
    }
    return iso_fail(report, ISO_E_LINK, "link \"%.*s\": %s does not export %.*s",
                    (int)import->desc.module.len, import->desc.module.ptr, target->full_name,
                    (int)wanted->name.len, wanted->name.ptr);
}

enum iso_err iso_sv_component_bind(struct iso_sv_component *component,
                                   const struct iso_sv_import_link *import_link,
                                   const struct iso_sv_component *target, uint32_t *callees,
                                   struct iso_report *report)
{
    for (uint32_t i = 0; i < component->import_count; i++) {
        if (component->imports[i].link == import_link) {
            enum iso_err err = find_callee(&component->imports[i], target, &callees[i], report);
            if (err != ISO_OK) {
                return err;
            }
        }
    }
    return ISO_OK;
}

enum iso_err iso_sv_params_type(const struct iso_wit_func *func, struct iso_arena *arena,
                                const struct iso_vtype **out)
{
    struct iso_vtype *type = iso_arena_alloc(arena, sizeof *type);
    struct iso_vmember *members = iso_arena_array(arena, func->param_count, sizeof *members);
    if (type == NULL || members == NULL) {
        return ISO_E_NOMEM;
    }
    for (uint32_t i = 0; i < func->param_count; i++) {
        members[i].type = func->params[i].type;
    }
    type->kind = ISO_V_TUPLE;
    type->members = members;
    type->member_count = func->param_count;
    enum iso_err err = iso_vtype_finish(type, NULL);
    if (err == ISO_OK) {
        *out = type;
    }
    return err;
}

static enum iso_err bind_all(struct iso_sv_component *component, struct iso_report *report)
{
    for (uint32_t i = 0; i < component->import_count; i++) {
        struct iso_sv_import *import = &component->imports[i];
        enum iso_err err = ISO_OK;
        if (import->link != NULL && import->func->param_count != 0) {
            err = iso_sv_params_type(import->func, &component->arena, &import->params);
        }
        if (err != ISO_OK) {
            return err;
        }
        if (import->link != NULL && import->link->link.local != NULL) {
            err = find_callee(import, import->link->link.local, &import->callee, report);
            if (err != ISO_OK) {
                return err;
            }
        }
    }
    return ISO_OK;
}

/* ---- The plan -------------------------------------------------------------------------------- */

static void plan_one(struct iso_sv_import *import, const struct iso_sv_component_def *def,
                     struct missing *missing)
{
    const struct iso_wit_world *world = import->component->program->interface.world;
    const struct iso_import_desc *desc = &import->desc;
    if (iso_import_is_wasi(desc->module)) {
        import->kind = ISO_SV_IMPORT_WASI;
    } else if (!iso_world_import_find(world, desc, &import->interface, &import->func)) {
        miss(missing, "\"%.*s\".\"%.*s\" is nothing that a device or a link supplies", desc->module,
             desc->name);
    } else if (iso_interface_is_device(import->interface)) {
        plan_device(import, missing);
    } else {
        plan_link(import, def, missing);
    }
}

/* A grant of what there is not is a mistake of whoever wrote it. */
static enum iso_err check_grants(const struct iso_sv_component *component,
                                 struct iso_report *report)
{
    const struct iso_sv_host_set *hosts = component->core->hosts;
    for (size_t i = 0; i < component->def.device_count; i++) {
        const struct iso_str name = component->def.devices[i].interface;
        bool known = false;
        for (size_t k = 0; hosts != NULL && k < hosts->count; k++) {
            known = known || iso_str_equal_z(name, hosts->interfaces[k].name);
        }
        if (!known) {
            return iso_fail(report, ISO_E_LINK,
                            "a grant of \"%.*s\", which is no interface of isomer:device here",
                            (int)name.len, name.ptr);
        }
    }
    return ISO_OK;
}

enum iso_err iso_sv_component_plan(struct iso_sv_component *component,
                                   const struct iso_sv_component_def *def,
                                   struct iso_report *report)
{
    const struct iso_module *module = component->program->module;
    uint32_t count = iso_module_import_count(module);
    struct missing missing = {.len = 0};
    component->imports = iso_arena_array(&component->arena, count, sizeof *component->imports);
    component->links = iso_arena_array(&component->arena, count, sizeof *component->links);
    if (component->imports == NULL || component->links == NULL) {
        return ISO_E_NOMEM;
    }
    component->import_count = count;
    for (uint32_t i = 0; i < count; i++) {
        component->imports[i].component = component;
        iso_module_import(module, i, &component->imports[i].desc);
        plan_one(&component->imports[i], def, &missing);
    }
    if (missing.count != 0) {
        return iso_fail(report, ISO_E_LINK, "%s: %u imports are not satisfied: %s",
                        component->full_name, (unsigned)missing.count, missing.text);
    }
    const enum iso_err err = check_grants(component, report);
    return err != ISO_OK ? err : bind_all(component, report);
}
