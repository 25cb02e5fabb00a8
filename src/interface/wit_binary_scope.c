/*
 * wit_binary_scope.c - instance types and component types: their declarations, in order (Binary.md,
 * "Type Definitions", "Alias Definitions").
 */
#include "interface/wit_binary.h"
#include "interface/wit_syntax.h"

enum { SCOPE_DEPTH_MAX = 8 };

/* ---- Named types --- */

/* An exported or imported type. One that belongs to another interface is only used here; else it
 * gets its name, or another name. */
static enum iso_err name_type(struct iso_wit_decoder *decoder, struct iso_wit_scope *scope,
                              struct iso_str name, struct iso_wit_entity *entity)
{
    if (entity->kind != ISO_WIT_ENTITY_VALUE) {
        return iso_wit_bad(&decoder->reader, ISO_E_UNSUPPORTED,
                           "'%.*s' is a type of another kind than of values", ISO_WIT_SHOW(name));
    }
    const struct iso_wit_interface *owner =
        scope->instance != NULL ? scope->instance->interface : NULL;
    const struct iso_vtype *value = entity->value;
    bool used = value->name.len != 0 && value->owner != owner;
    if (!used) {
        struct iso_vtype *named = iso_arena_alloc(decoder->arena, sizeof *named);
        if (named == NULL) {
            return ISO_E_NOMEM;
        }
        *named = *value;
        named->name = name;
        named->owner = owner;
        named->alias = value->name.len != 0 ? value : NULL;
        entity->value = named;
    }
    struct iso_wit_named_type *type = iso_arena_alloc(decoder->arena, sizeof *type);
    if (type == NULL) {
        return ISO_E_NOMEM;
    }
    type->name = name;
    type->entity = *entity;
    if (scope->instance != NULL) {
        *scope->instance->types_end = type;
        scope->instance->types_end = &type->next;
        scope->instance->own_count += used ? 0 : 1;
    } else if (!used) {
        *scope->component->types_end = type;
        scope->component->types_end = &type->next;
        scope->component->type_count++;
    }
    return ISO_OK;
}

/* (eq i) or (sub resource) */
static enum iso_err read_type_bound(struct iso_wit_decoder *decoder, struct iso_wit_scope *scope,
                                    const struct iso_wit_extern_name *name)
{
    uint8_t form;
    struct iso_wit_entity entity = {.kind = ISO_WIT_ENTITY_RESOURCE};
    enum iso_err err = iso_wit_read_u8(&decoder->reader, &form);
    if (err == ISO_OK && form > 1) {
        return iso_wit_bad(&decoder->reader, ISO_E_MALFORMED, "a type bound of form %u",
                           (unsigned)form);
    }
    if (err == ISO_OK && form == 0) {
        err = iso_wit_scope_get(decoder, scope, &entity);
    }
    if (err == ISO_OK && entity.kind == ISO_WIT_ENTITY_RESOURCE) {
        if (scope->instance == NULL) {
            return iso_wit_bad(&decoder->reader, ISO_E_UNSUPPORTED,
                               "'%.*s' is a resource; resources are not supported",
                               ISO_WIT_SHOW(name->text));
        }
        /* Reported with the name of the interface, which comes later. */
        if (scope->instance->refused.len == 0) {
            scope->instance->refused = name->name;
        }
    } else if (err == ISO_OK) {
        err = name_type(decoder, scope, name->name, &entity);
    }
    return err != ISO_OK ? err : iso_wit_scope_add(decoder, scope, &entity);
}

/* ---- Functions, instances, components --- */

static enum iso_err add_item(struct iso_wit_decoder *decoder, struct iso_wit_component *component,
                             const struct iso_wit_item *item, bool is_export)
{
    uint32_t *count = is_export ? &component->export_count : &component->import_count;
    struct iso_wit_decoded_item *decoded = iso_arena_alloc(decoder->arena, sizeof *decoded);
    if (decoded == NULL) {
        return ISO_E_NOMEM;
    }
    if (*count == ISO_WIT_MAX_ITEMS) {
        return iso_wit_bad(&decoder->reader, ISO_E_LIMIT, "more than %u imports or exports",
                           ISO_WIT_MAX_ITEMS);
    }
    decoded->item = *item;
    decoded->is_export = is_export;
    *component->items_end = decoded;
    component->items_end = &decoded->next;
    ++*count;
    return ISO_OK;
}

static enum iso_err read_func(struct iso_wit_decoder *decoder, struct iso_wit_scope *scope,
                              const struct iso_wit_extern_name *name, bool is_export)
{
    struct iso_wit_entity entity;
    enum iso_err err = iso_wit_scope_get(decoder, scope, &entity);
    if (err == ISO_OK && (entity.kind != ISO_WIT_ENTITY_FUNC || name->ns.len != 0)) {
        return iso_wit_bad(&decoder->reader, ISO_E_INVALID, "'%.*s' is not a function",
                           ISO_WIT_SHOW(name->text));
    }
    if (err != ISO_OK) {
        return err;
    }
    struct iso_wit_named_func *named = iso_arena_alloc(decoder->arena, sizeof *named);
    if (named == NULL) {
        return ISO_E_NOMEM;
    }
    named->func = *entity.func;
    named->func.name = name->name;
    if (scope->instance == NULL) {
        struct iso_wit_item item = {.name = name->name, .func = &named->func};
        return add_item(decoder, scope->component, &item, is_export);
    }
    if (scope->instance->func_count == ISO_WIT_MAX_ITEMS) {
        return iso_wit_bad(&decoder->reader, ISO_E_LIMIT, "more than %u functions",
                           ISO_WIT_MAX_ITEMS);
    }
    *scope->instance->funcs_end = named;
    scope->instance->funcs_end = &named->next;
    scope->instance->func_count++;
    return ISO_OK;
}

static enum iso_err add_instance(struct iso_wit_decoder *decoder, struct iso_wit_scope *scope,
                                 struct iso_wit_instance *instance)
{
    if (scope->instance_count == scope->instance_room) {
        uint32_t room = scope->instance_room == 0 ? 16 : scope->instance_room * 2;
        struct iso_wit_instance **grown = iso_arena_array(decoder->arena, room, sizeof(*grown));
        if (grown == NULL) {
            return ISO_E_NOMEM;
        }
        iso_memory_copy(grown, scope->instances, scope->instance_count * sizeof(*grown));
        scope->instances = grown;
        scope->instance_room = room;
    }
    scope->instances[scope->instance_count++] = instance;
    return ISO_OK;
}

static enum iso_err read_instance(struct iso_wit_decoder *decoder, struct iso_wit_scope *scope,
                                  const struct iso_wit_extern_name *name, bool is_export)
{
    struct iso_wit_entity entity;
    enum iso_err err = iso_wit_scope_get(decoder, scope, &entity);
    if (err == ISO_OK && (entity.kind != ISO_WIT_ENTITY_INSTANCE || scope->component == NULL)) {
        return iso_wit_bad(&decoder->reader, ISO_E_INVALID, "'%.*s' is not an interface",
                           ISO_WIT_SHOW(name->text));
    }
    struct iso_wit_item item = {.func = NULL};
    if (err == ISO_OK) {
        err = iso_wit_decode_interface(decoder, name, entity.instance, &item.interface);
    }
    if (err == ISO_OK && name->ns.len == 0) {
        item.name = name->name;
    }
    if (err == ISO_OK) {
        err = add_item(decoder, scope->component, &item, is_export);
    }
    return err != ISO_OK ? err : add_instance(decoder, scope, entity.instance);
}

static enum iso_err read_component(struct iso_wit_decoder *decoder, struct iso_wit_scope *scope,
                                   const struct iso_wit_extern_name *name, bool is_export)
{
    struct iso_wit_entity entity;
    enum iso_err err = iso_wit_scope_get(decoder, scope, &entity);
    if (err == ISO_OK && (entity.kind != ISO_WIT_ENTITY_COMPONENT || scope->component == NULL ||
                          !is_export || name->ns.len == 0)) {
        return iso_wit_bad(&decoder->reader, ISO_E_INVALID, "'%.*s' is not a world",
                           ISO_WIT_SHOW(name->text));
    }
    if (err == ISO_OK) {
        scope->component->inner = entity.component;
        scope->component->inner_name = name->text;
    }
    return err;
}

static enum iso_err read_extern(struct iso_wit_decoder *decoder, struct iso_wit_scope *scope,
                                bool is_export)
{
    struct iso_wit_extern_name name;
    uint8_t kind;
    enum iso_err err = iso_wit_decode_name(decoder, &name);
    if (err == ISO_OK) {
        err = iso_wit_read_u8(&decoder->reader, &kind);
    }
    if (err != ISO_OK) {
        return err;
    }
    switch (kind) {
    case 1:
        return read_func(decoder, scope, &name, is_export);
    case 3:
        return read_type_bound(decoder, scope, &name);
    case 4:
        return read_component(decoder, scope, &name, is_export);
    case 5:
        return read_instance(decoder, scope, &name, is_export);
    default:
        return iso_wit_bad(&decoder->reader, ISO_E_UNSUPPORTED,
                           "'%.*s' is of a kind (%u) that WIT does not have",
                           ISO_WIT_SHOW(name.text), (unsigned)kind);
    }
}

/* ---- Aliases --- */

static enum iso_err alias_export(struct iso_wit_decoder *decoder, struct iso_wit_scope *scope)
{
    uint32_t index;
    struct iso_str name;
    enum iso_err err = iso_wit_read_u32(&decoder->reader, &index);
    if (err == ISO_OK) {
        err = iso_wit_read_text(&decoder->reader, &name);
    }
    if (err == ISO_OK && index >= scope->instance_count) {
        return iso_wit_bad(&decoder->reader, ISO_E_INVALID, "instance %u where there are %u",
                           (unsigned)index, (unsigned)scope->instance_count);
    }
    if (err != ISO_OK) {
        return err;
    }
    const struct iso_wit_named_type *type = scope->instances[index]->types;
    while (type != NULL && !iso_str_equal(type->name, name)) {
        type = type->next;
    }
    if (type == NULL) {
        return iso_wit_bad(&decoder->reader, ISO_E_INVALID, "no type '%.*s' in the interface",
                           ISO_WIT_SHOW(name));
    }
    return iso_wit_scope_add(decoder, scope, &type->entity);
}

static enum iso_err alias_outer(struct iso_wit_decoder *decoder, struct iso_wit_scope *scope)
{
    uint32_t levels;
    enum iso_err err = iso_wit_read_u32(&decoder->reader, &levels);
    const struct iso_wit_scope *from = scope;
    for (uint32_t i = 0; err == ISO_OK && i < levels && from != NULL; i++) {
        from = from->parent;
    }
    if (err == ISO_OK && from == NULL) {
        return iso_wit_bad(&decoder->reader, ISO_E_INVALID, "an alias %u levels up",
                           (unsigned)levels);
    }
    struct iso_wit_entity entity;
    if (err == ISO_OK) {
        err = iso_wit_scope_get(decoder, from, &entity);
    }
    return err != ISO_OK ? err : iso_wit_scope_add(decoder, scope, &entity);
}

static enum iso_err read_alias(struct iso_wit_decoder *decoder, struct iso_wit_scope *scope)
{
    uint8_t sort, form;
    enum iso_err err = iso_wit_read_u8(&decoder->reader, &sort);
    if (err == ISO_OK) {
        err = iso_wit_read_u8(&decoder->reader, &form);
    }
    if (err == ISO_OK && (sort != 3 || (form != 0 && form != 2))) {
        return iso_wit_bad(&decoder->reader, ISO_E_UNSUPPORTED,
                           "an alias of sort %u, form %u; only types are expected", (unsigned)sort,
                           (unsigned)form);
    }
    if (err != ISO_OK) {
        return err;
    }
    return form == 0 ? alias_export(decoder, scope) : alias_outer(decoder, scope);
}

/* ---- Whole scopes --- */

static enum iso_err read_declarations(struct iso_wit_decoder *decoder, struct iso_wit_scope *scope)
{
    uint32_t count;
    enum iso_err err =
        iso_wit_read_count(&decoder->reader, ISO_WIT_MAX_INDICES * 2, "declarations", &count);
    for (uint32_t i = 0; i < count && err == ISO_OK; i++) {
        uint8_t kind;
        err = iso_wit_read_u8(&decoder->reader, &kind);
        if (err != ISO_OK) {
            return err;
        }
        if (kind == 1) {
            err = iso_wit_decode_deftype(decoder, scope);
        } else if (kind == 2) {
            err = read_alias(decoder, scope);
        } else if (kind == 4 || (kind == 3 && scope->component != NULL)) {
            err = read_extern(decoder, scope, kind == 4);
        } else {
            err = iso_wit_bad(&decoder->reader, ISO_E_UNSUPPORTED, "a declaration of kind %u",
                              (unsigned)kind);
        }
    }
    return err;
}

static enum iso_err check_depth(struct iso_wit_decoder *decoder, const struct iso_wit_scope *parent)
{
    return parent->depth < SCOPE_DEPTH_MAX
               ? ISO_OK
               : iso_wit_bad(&decoder->reader, ISO_E_LIMIT, "types of components nested too deep");
}

/* The model's arrays from the lists. */
static enum iso_err finish_instance(struct iso_wit_decoder *decoder,
                                    struct iso_wit_instance *instance)
{
    struct iso_wit_interface *interface = instance->interface;
    const struct iso_vtype **types =
        iso_arena_array(decoder->arena, instance->own_count, sizeof(const struct iso_vtype *));
    struct iso_wit_func *funcs =
        iso_arena_array(decoder->arena, instance->func_count, sizeof *funcs);
    if (types == NULL || funcs == NULL) {
        return ISO_E_NOMEM;
    }
    for (const struct iso_wit_named_type *t = instance->types; t != NULL; t = t->next) {
        if (t->entity.value->owner == interface) {
            types[interface->type_count++] = t->entity.value;
        }
    }
    for (const struct iso_wit_named_func *f = instance->funcs; f != NULL; f = f->next) {
        funcs[interface->func_count++] = f->func;
    }
    interface->types = types;
    interface->funcs = funcs;
    return ISO_OK;
}

enum iso_err iso_wit_decode_instance_type(struct iso_wit_decoder *decoder,
                                          struct iso_wit_scope *parent,
                                          struct iso_wit_instance **out)
{
    enum iso_err err = check_depth(decoder, parent);
    struct iso_wit_instance *instance = iso_arena_alloc(decoder->arena, sizeof *instance);
    struct iso_wit_interface *interface = iso_arena_alloc(decoder->arena, sizeof *interface);
    if (instance == NULL || interface == NULL) {
        return ISO_E_NOMEM;
    }
    instance->interface = interface;
    instance->types_end = &instance->types;
    instance->funcs_end = &instance->funcs;
    struct iso_wit_scope scope = {
        .parent = parent, .instance = instance, .depth = parent->depth + 1};
    if (err == ISO_OK) {
        err = read_declarations(decoder, &scope);
    }
    if (err == ISO_OK) {
        err = finish_instance(decoder, instance);
    }
    if (err == ISO_OK) {
        *out = instance;
    }
    return err;
}

enum iso_err iso_wit_decode_component_type(struct iso_wit_decoder *decoder,
                                           struct iso_wit_scope *parent,
                                           struct iso_wit_component **out)
{
    enum iso_err err = check_depth(decoder, parent);
    struct iso_wit_component *component = iso_arena_alloc(decoder->arena, sizeof *component);
    if (component == NULL) {
        return ISO_E_NOMEM;
    }
    component->types_end = &component->types;
    component->items_end = &component->items;
    struct iso_wit_scope scope = {
        .parent = parent, .component = component, .depth = parent->depth + 1};
    if (err == ISO_OK) {
        err = read_declarations(decoder, &scope);
    }
    if (err == ISO_OK) {
        *out = component;
    }
    return err;
}
