/*
 * The types and functions of a world, for the generators. Core names and signatures: Component
 * Model, CanonicalABI.md, "Flattening" and "Despecialization".
 */
#include "interface/gen_model.h"

#define MODEL_MAX_TYPES 100000u
#define MODEL_ARENA_MAX ((size_t)256 << 20)

/* ---- Layout -------------------------------------------------------------------------------- */

uint32_t gen_align_up(uint32_t at, uint32_t align)
{
    return (at + align - 1) / align * align;
}

uint32_t gen_member_offset(const struct iso_vtype *type, uint32_t index)
{
    uint32_t at = 0;
    for (uint32_t i = 0;; i++) {
        at = gen_align_up(at, type->members[i].type->align);
        if (i == index) {
            return at;
        }
        at += type->members[i].type->size;
    }
}

uint32_t gen_flags_size(const struct iso_vtype *type)
{
    uint32_t count = type->member_count;
    return count <= 8 ? 1 : count <= 16 ? 2 : 4;
}

/* Appends the core types; the caller knows from type->flat that they fit. */
static void flatten(const struct iso_vtype *type, char *flat, uint32_t *count)
{
    static const char letters[] = {
        [ISO_VFLAT_I32] = 'i', [ISO_VFLAT_I64] = 'I', [ISO_VFLAT_F32] = 'f', [ISO_VFLAT_F64] = 'F'};
    enum iso_vflat own[GEN_MAX_FLAT];
    uint32_t own_count = iso_vtype_flatten(type, own, GEN_MAX_FLAT);
    for (uint32_t i = 0; i < own_count; i++) {
        flat[(*count)++] = letters[own[i]];
    }
}

static void set_signature(struct gen_func *f)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < f->func->param_count && count <= GEN_MAX_FLAT; i++) {
        count += f->func->params[i].type->flat;
    }
    f->params_in_memory = count > GEN_MAX_FLAT;
    if (f->params_in_memory) {
        f->flat[0] = 'i';
        f->flat_count = 1;
    } else {
        for (uint32_t i = 0; i < f->func->param_count; i++) {
            flatten(f->func->params[i].type, f->flat, &f->flat_count);
        }
    }
    const struct iso_vtype *result = f->func->result;
    if (result == NULL || result->flat == 0) {
        return;
    }
    f->result_in_memory = result->flat > 1;
    if (!f->result_in_memory) {
        uint32_t one = 0;
        char flat[GEN_MAX_FLAT];
        flatten(result, flat, &one);
        f->result_flat = flat[0];
    } else if (!f->imported) {
        f->result_flat = 'i';
    }
}

/* ---- Types --------------------------------------------------------------------------------- */

static bool is_nominal(const struct gen_model *model, const struct iso_vtype *type)
{
    switch (type->kind) {
    case ISO_V_RECORD:
    case ISO_V_VARIANT:
    case ISO_V_ENUM:
    case ISO_V_FLAGS:
        return true;
    case ISO_V_LIST:
    case ISO_V_TUPLE:
    case ISO_V_OPTION:
    case ISO_V_RESULT:
        return model->aliases && type->name.len != 0;
    default:
        return false;
    }
}

static void pointer_key(char key[40], const struct iso_vtype *type)
{
    (void)iso_format(key, 40, "p%p", (const void *)type);
}

/* Equal keys: one type. Nominal ones by owner and name; others by kind and the ids of parts. */
static char *make_key(struct gen_model *model, const struct iso_vtype *type, bool nominal,
                      const uint32_t *parts, uint32_t part_count)
{
    if (nominal) {
        char owner[40];
        (void)iso_format(owner, sizeof owner, "n%p/", (const void *)type->owner);
        char *name = iso_arena_copy_str(&model->arena, type->name);
        return name != NULL ? gen_join(&model->arena, owner, name, NULL) : NULL;
    }
    size_t cap = 16 + (size_t)part_count * 12;
    char *key = iso_arena_alloc(&model->arena, cap);
    if (key == NULL) {
        return NULL;
    }
    size_t at = iso_format(key, cap, "s%d", (int)type->kind);
    for (uint32_t i = 0; i < part_count; i++) {
        at += iso_format(key + at, cap - at, ",%lx", (unsigned long)parts[i]);
    }
    return key;
}

static enum iso_err grow_types(struct gen_model *model)
{
    if (model->type_count < model->type_cap) {
        return ISO_OK;
    }
    if (model->type_count >= MODEL_MAX_TYPES) {
        return ISO_E_LIMIT;
    }
    uint32_t cap = model->type_cap == 0 ? 64 : model->type_cap * 2;
    struct gen_type *types = iso_arena_array(&model->arena, cap, sizeof *types);
    if (types == NULL) {
        return ISO_E_NOMEM;
    }
    iso_memory_copy(types, model->types, model->type_count * sizeof *types);
    model->types = types;
    model->type_cap = cap;
    return ISO_OK;
}

static enum iso_err add_type(struct gen_model *model, const struct iso_vtype *type, uint32_t *out);

static enum iso_err add_parts(struct gen_model *model, const struct iso_vtype *type,
                              uint32_t **parts, uint32_t *count)
{
    bool element = type->kind == ISO_V_LIST || type->kind == ISO_V_OPTION;
    *count = element ? 1 : type->member_count;
    *parts = iso_arena_array(&model->arena, *count, sizeof **parts);
    if (*parts == NULL) {
        return ISO_E_NOMEM;
    }
    for (uint32_t i = 0; i < *count; i++) {
        const struct iso_vtype *part = element ? type->element : type->members[i].type;
        (*parts)[i] = GEN_NONE;
        enum iso_err err = part != NULL ? add_type(model, part, &(*parts)[i]) : ISO_OK;
        if (err != ISO_OK) {
            return err;
        }
    }
    return ISO_OK;
}

/* Remembers the id also under the type's address: a type that is used in many places is walked
 * once. */
static enum iso_err remember(struct gen_model *model, const struct iso_vtype *type, uint32_t id)
{
    char key[40];
    pointer_key(key, type);
    if (gen_names_get(&model->ids, key) != GEN_NONE) {
        return ISO_OK;
    }
    char *kept = gen_join(&model->arena, key, NULL);
    return kept != NULL && gen_names_put(&model->ids, kept, id) ? ISO_OK : ISO_E_NOMEM;
}

static enum iso_err add_type(struct gen_model *model, const struct iso_vtype *type, uint32_t *out)
{
    char pointer[40];
    while (type->alias != NULL && !(model->aliases && type->name.len != 0)) {
        type = type->alias;
    }
    pointer_key(pointer, type);
    *out = gen_names_get(&model->ids, pointer);
    if (*out != GEN_NONE) {
        return ISO_OK;
    }
    bool nominal = is_nominal(model, type);
    struct gen_type entry = {.type = type, .nominal = nominal};
    uint32_t *parts = NULL;
    enum iso_err err = add_parts(model, type, &parts, &entry.part_count);
    if (err != ISO_OK) {
        return err;
    }
    entry.parts = parts;
    char *key = make_key(model, type, nominal, parts, entry.part_count);
    if (key == NULL) {
        return ISO_E_NOMEM;
    }
    *out = gen_names_get(&model->ids, key);
    if (*out != GEN_NONE) {
        return remember(model, type, *out);
    }
    err = grow_types(model);
    if (err != ISO_OK) {
        return err;
    }
    entry.pointers = type->kind == ISO_V_STRING || type->kind == ISO_V_LIST;
    for (uint32_t i = 0; i < entry.part_count; i++) {
        entry.pointers |= parts[i] != GEN_NONE && model->types[parts[i]].pointers;
    }
    *out = model->type_count;
    model->types[model->type_count++] = entry;
    if (!gen_names_put(&model->ids, key, *out)) {
        return ISO_E_NOMEM;
    }
    return remember(model, type, *out);
}

uint32_t gen_model_id(const struct gen_model *model, const struct iso_vtype *type)
{
    char key[40];
    while (type->alias != NULL && !(model->aliases && type->name.len != 0)) {
        type = type->alias;
    }
    pointer_key(key, type);
    uint32_t id = gen_names_get(&model->ids, key);
    ISO_ASSERT(id != GEN_NONE);
    return id;
}

static void mark(struct gen_model *model, uint32_t id, bool lift, bool lower)
{
    struct gen_type *entry = &model->types[id];
    if ((entry->lift || !lift) && (entry->lower || !lower)) {
        return;
    }
    entry->lift |= lift;
    entry->lower |= lower;
    if (entry->type->kind == ISO_V_LIST) {
        return; /* elements stand in memory */
    }
    for (uint32_t i = 0; i < entry->part_count; i++) {
        if (entry->parts[i] != GEN_NONE) {
            mark(model, entry->parts[i], lift, lower);
        }
    }
}

/* ---- Functions ----------------------------------------------------------------------------- */

static char *copy(struct iso_arena *arena, struct iso_str text)
{
    return iso_arena_copy_str(arena, text);
}

char *gen_interface_id(struct iso_arena *arena, const struct iso_wit_interface *interface)
{
    char *name = copy(arena, interface->name);
    const struct iso_wit_package *package = interface->package;
    if (package == NULL || name == NULL) {
        return name;
    }
    char *ns = copy(arena, package->ns);
    char *pkg = copy(arena, package->name);
    char *version = copy(arena, package->version);
    if (ns == NULL || pkg == NULL || version == NULL) {
        return NULL;
    }
    return gen_join(arena, ns, ":", pkg, "/", name, version[0] != '\0' ? "@" : "", version, NULL);
}

static enum iso_err set_core_names(struct gen_model *model, struct gen_func *f)
{
    struct iso_arena *arena = &model->arena;
    char *func = copy(arena, f->func->name);
    char *module = NULL;
    if (f->interface != NULL) {
        bool inlined = f->interface->package == NULL;
        module = inlined ? copy(arena, f->interface_name) : gen_interface_id(arena, f->interface);
    } else {
        module = gen_join(arena, "$root", NULL);
    }
    if (func == NULL || module == NULL) {
        return ISO_E_NOMEM;
    }
    if (!f->imported && f->func->core_name.len != 0) {
        f->core = copy(arena, f->func->core_name);
        return f->core != NULL ? ISO_OK : ISO_E_NOMEM;
    }
    if (f->imported) {
        f->module = module;
        f->core = func;
    } else {
        f->core = f->interface != NULL ? gen_join(arena, module, "#", func, NULL) : func;
    }
    return f->core != NULL ? ISO_OK : ISO_E_NOMEM;
}

static enum iso_err add_func(struct gen_model *model, const struct iso_wit_item *item,
                             const struct iso_wit_func *func, bool imported)
{
    struct gen_func *f = &model->funcs[model->func_count];
    *f = (struct gen_func){
        .func = func, .imported = imported, .interface = item->interface, .result = GEN_NONE};
    if (item->interface != NULL) {
        f->interface_name = item->name.len != 0 ? item->name : item->interface->name;
    }
    uint32_t *params = iso_arena_array(&model->arena, func->param_count, sizeof *params);
    if (params == NULL) {
        return ISO_E_NOMEM;
    }
    f->params = params;
    enum iso_err err = ISO_OK;
    for (uint32_t i = 0; i < func->param_count && err == ISO_OK; i++) {
        err = add_type(model, func->params[i].type, &params[i]);
    }
    if (err == ISO_OK && func->result != NULL) {
        err = add_type(model, func->result, &f->result);
    }
    if (err == ISO_OK) {
        err = set_core_names(model, f);
    }
    if (err != ISO_OK) {
        return err;
    }
    set_signature(f);
    for (uint32_t i = 0; i < func->param_count && !f->params_in_memory; i++) {
        mark(model, params[i], !imported, imported);
    }
    if (func->result != NULL && !f->result_in_memory) {
        mark(model, f->result, imported, !imported);
    }
    model->func_count++;
    return ISO_OK;
}

static enum iso_err add_items(struct gen_model *model, const struct iso_wit_item *items,
                              uint32_t count, bool imported)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct iso_wit_interface *interface = items[i].interface;
        uint32_t funcs = interface != NULL ? interface->func_count : 1;
        for (uint32_t j = 0; j < funcs; j++) {
            const struct iso_wit_func *func =
                interface != NULL ? &interface->funcs[j] : items[i].func;
            enum iso_err err = add_func(model, &items[i], func, imported);
            if (err != ISO_OK) {
                return err;
            }
        }
        /* Types that no function uses are the interface's all the same. */
        for (uint32_t j = 0; interface != NULL && j < interface->type_count; j++) {
            uint32_t id = 0;
            enum iso_err err = add_type(model, interface->types[j], &id);
            if (err != ISO_OK) {
                return err;
            }
        }
    }
    return ISO_OK;
}

static size_t count_funcs(const struct iso_wit_item *items, uint32_t count)
{
    size_t funcs = 0;
    for (uint32_t i = 0; i < count; i++) {
        funcs += items[i].interface != NULL ? items[i].interface->func_count : 1;
    }
    return funcs;
}

/* "resize"; "scaler.resize" where two exports are called resize; at last the core name. */
static enum iso_err set_paths(struct gen_model *model)
{
    struct gen_names seen;
    struct gen_names paths;
    gen_names_init(&seen, &model->arena);
    gen_names_init(&paths, &model->arena);
    for (uint32_t i = 0; i < model->func_count; i++) {
        struct gen_func *f = &model->funcs[i];
        char *name = copy(&model->arena, f->func->name);
        if (name == NULL) {
            return ISO_E_NOMEM;
        }
        if (!f->imported && !gen_names_take(&seen, name)) {
            uint32_t times = gen_names_get(&paths, name);
            if (times == GEN_NONE && !gen_names_put(&paths, name, 1)) {
                return ISO_E_NOMEM;
            }
        }
        f->path = name;
    }
    struct gen_names taken;
    gen_names_init(&taken, &model->arena);
    for (uint32_t i = 0; i < model->func_count; i++) {
        struct gen_func *f = &model->funcs[i];
        if (f->imported) {
            continue;
        }
        if (f->interface != NULL && gen_names_get(&paths, f->path) != GEN_NONE) {
            char *interface = copy(&model->arena, f->interface_name);
            f->path =
                interface != NULL ? gen_join(&model->arena, interface, ".", f->path, NULL) : NULL;
        }
        if (f->path == NULL) {
            return ISO_E_NOMEM;
        }
        if (!gen_names_take(&taken, f->path)) {
            f->path = f->core;
        }
    }
    return ISO_OK;
}

enum iso_err gen_model_init(struct gen_model *model, const struct iso_alloc *alloc,
                            const struct iso_wit_world *world, bool aliases)
{
    *model = (struct gen_model){.world = world, .aliases = aliases};
    iso_arena_init(&model->arena, alloc, 16384, MODEL_ARENA_MAX);
    gen_names_init(&model->ids, &model->arena);
    size_t funcs = count_funcs(world->imports, world->import_count) +
                   count_funcs(world->exports, world->export_count);
    model->funcs = iso_arena_array(&model->arena, funcs, sizeof *model->funcs);
    if (model->funcs == NULL) {
        return ISO_E_NOMEM;
    }
    enum iso_err err = add_items(model, world->imports, world->import_count, true);
    if (err == ISO_OK) {
        err = add_items(model, world->exports, world->export_count, false);
    }
    return err == ISO_OK ? set_paths(model) : err;
}

enum iso_err gen_model_whole(const struct gen_model *model, enum iso_err err)
{
    return err == ISO_OK && model->arena.failed ? ISO_E_NOMEM : err;
}

void gen_model_fini(struct gen_model *model)
{
    iso_arena_fini(&model->arena);
}
