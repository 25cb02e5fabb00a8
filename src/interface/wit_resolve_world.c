/*
 * wit_resolve_world.c - imports, exports and includes of worlds (WIT.md, "WIT Worlds", "Union of
 * Worlds with `include`").
 *
 * Interfaces that are only needed for the types of others are not added as imports: without
 * resources a type has no identity that an import would give it, and core modules do not import
 * types.
 */
#include "interface/wit_syntax.h"

/* An import or export as resolved, in a list until all are known. */
struct entry {
    struct iso_wit_item item;
    struct entry *next;
};

struct entries {
    struct entry *first;
    struct entry **end;
    uint32_t count;
};

/* A world while it is resolved. */
struct building {
    struct iso_wit_context *context;
    struct iso_wit_ast_world *world;
    struct entries imports;
    struct entries exports;
    const struct iso_vtype **types;
    uint32_t type_count;
};

static enum iso_err add_entry(struct building *building, struct entries *entries,
                              const struct iso_wit_item *item, struct iso_wit_at at, bool included)
{
    struct iso_wit_context *context = building->context;
    const char *what = entries == &building->exports ? "exported" : "imported";
    const char *advice = included ? "; rename one as in 'include w with { a as b }'" : "";
    for (const struct entry *e = entries->first; e != NULL; e = e->next) {
        if (item->name.len != 0 && iso_wit_same_name(e->item.name, item->name)) {
            return iso_wit_fail(context, at, ISO_E_INVALID, "'%.*s' is %s already%s",
                                ISO_WIT_SHOW(item->name), what, advice);
        }
        if (item->name.len == 0 && e->item.interface == item->interface) {
            return included
                       ? ISO_OK
                       : iso_wit_fail(context, at, ISO_E_INVALID, "interface '%.*s' is %s already",
                                      ISO_WIT_SHOW(item->interface->name), what);
        }
    }
    for (uint32_t i = 0; i < building->type_count && entries == &building->imports; i++) {
        if (iso_wit_same_name(building->types[i]->name, item->name)) {
            return iso_wit_fail(context, at, ISO_E_INVALID,
                                "'%.*s' is the name of a type of this world",
                                ISO_WIT_SHOW(item->name));
        }
    }
    if (entries->count == ISO_WIT_MAX_ITEMS) {
        return iso_wit_fail(context, at, ISO_E_LIMIT,
                            "at most %u imports and exports are supported", ISO_WIT_MAX_ITEMS);
    }
    struct entry *entry = iso_arena_alloc(&context->scratch, sizeof *entry);
    if (entry == NULL) {
        return iso_wit_no_memory(context, &context->scratch);
    }
    entry->item = *item;
    *entries->end = entry;
    entries->end = &entry->next;
    entries->count++;
    return ISO_OK;
}

/* An interface with another name, in no package: what `name: path` is to a core module. Its types
 * stay those of the original. */
static enum iso_err copy_interface(struct iso_wit_context *context,
                                   const struct iso_wit_interface *from, struct iso_str name,
                                   bool with_types, const struct iso_wit_interface **out)
{
    struct iso_wit_interface *copy = iso_arena_alloc(&context->wit->arena, sizeof *copy);
    if (copy == NULL) {
        return iso_wit_no_memory(context, &context->wit->arena);
    }
    *copy = *from;
    copy->package = NULL;
    copy->name = name;
    if (!with_types) {
        copy->types = NULL;
        copy->type_count = 0;
    }
    *out = copy;
    return ISO_OK;
}

static enum iso_err resolve_item(struct building *building, struct iso_wit_ast_item *ast)
{
    struct iso_wit_context *context = building->context;
    struct iso_wit_item item = {.interface = NULL};
    struct iso_wit_ast_interface *interface = ast->interface;
    struct iso_wit_func *func = NULL;
    enum iso_err err = ISO_OK;
    if (ast->form != ISO_WIT_ITEM_PATH) {
        err = iso_wit_keep(context, ast->id.text, &item.name);
    }
    if (err == ISO_OK && (ast->form == ISO_WIT_ITEM_PATH || ast->form == ISO_WIT_ITEM_LABEL)) {
        err = iso_wit_find_interface(context, building->world->body.file, ast->path, &interface);
    }
    if (err == ISO_OK && ast->form == ISO_WIT_ITEM_FUNC) {
        func = iso_arena_alloc(&context->wit->arena, sizeof *func);
        err = func == NULL ? iso_wit_no_memory(context, &context->wit->arena)
                           : iso_wit_resolve_func(context, &building->world->body, ast->func, func);
    } else if (err == ISO_OK) {
        err = iso_wit_resolve_interface(context, interface);
    }
    if (err != ISO_OK) {
        return err;
    }
    item.func = func;
    item.interface = interface != NULL ? interface->out : NULL;
    if (ast->form == ISO_WIT_ITEM_LABEL) {
        err = copy_interface(context, interface->out, item.name, false, &item.interface);
    }
    struct entries *entries = ast->is_export ? &building->exports : &building->imports;
    return err != ISO_OK ? err : add_entry(building, entries, &item, ast->id.at, false);
}

/* ---- include --- */

static enum iso_err rename_item(struct iso_wit_context *context, struct iso_wit_ast_rename *renames,
                                struct iso_wit_item *item)
{
    for (struct iso_wit_ast_rename *r = renames; r != NULL; r = r->next) {
        if (item->name.len == 0 || !iso_str_equal(item->name, r->from.text)) {
            continue;
        }
        r->used = true;
        enum iso_err err = iso_wit_keep(context, r->to.text, &item->name);
        if (err != ISO_OK || item->interface != NULL) {
            return err != ISO_OK ? err
                                 : copy_interface(context, item->interface, item->name, true,
                                                  &item->interface);
        }
        struct iso_wit_func *func = iso_arena_alloc(&context->wit->arena, sizeof *func);
        if (func == NULL) {
            return iso_wit_no_memory(context, &context->wit->arena);
        }
        *func = *item->func;
        func->name = item->name;
        item->func = func;
        return ISO_OK;
    }
    return ISO_OK;
}

static enum iso_err include_items(struct building *building, struct iso_wit_ast_item *include,
                                  struct entries *entries, const struct iso_wit_item *items,
                                  uint32_t count)
{
    enum iso_err err = ISO_OK;
    for (uint32_t i = 0; i < count && err == ISO_OK; i++) {
        struct iso_wit_item item = items[i];
        err = rename_item(building->context, include->renames, &item);
        if (err == ISO_OK) {
            err = add_entry(building, entries, &item, include->id.at, true);
        }
    }
    return err;
}

static enum iso_err include_types(struct building *building, const struct iso_wit_world *from,
                                  struct iso_wit_at at)
{
    if (from->type_count == 0) {
        return ISO_OK;
    }
    const struct iso_vtype **types =
        iso_arena_array(&building->context->wit->arena,
                        (size_t)building->type_count + from->type_count, sizeof *types);
    if (types == NULL) {
        return iso_wit_no_memory(building->context, &building->context->wit->arena);
    }
    uint32_t count = building->type_count;
    iso_memory_copy(types, building->types, count * sizeof *types);
    for (uint32_t i = 0; i < from->type_count; i++) {
        bool known = false;
        for (uint32_t k = 0; k < count; k++) {
            known = known || types[k] == from->types[i];
            if (!known && iso_wit_same_name(types[k]->name, from->types[i]->name)) {
                return iso_wit_fail(building->context, at, ISO_E_INVALID,
                                    "both this world and the included one have a type '%.*s'",
                                    ISO_WIT_SHOW(types[k]->name));
            }
        }
        if (!known) {
            types[count++] = from->types[i];
        }
    }
    if (count > ISO_WIT_MAX_ITEMS) {
        return iso_wit_fail(building->context, at, ISO_E_LIMIT,
                            "at most %u types are supported here", ISO_WIT_MAX_ITEMS);
    }
    building->types = types;
    building->type_count = count;
    return ISO_OK;
}

static enum iso_err include(struct building *building, struct iso_wit_ast_item *item)
{
    struct iso_wit_context *context = building->context;
    struct iso_wit_ast_world *from;
    enum iso_err err = iso_wit_find_world(context, building->world->body.file, item->path, &from);
    if (err != ISO_OK) {
        return err;
    }
    if (from->state == ISO_WIT_ACTIVE) {
        return iso_wit_fail(context, item->path->name.at, ISO_E_INVALID,
                            "world '%.*s' includes itself, perhaps by way of others",
                            ISO_WIT_SHOW(from->id.text));
    }
    if (context->depth == ISO_WIT_MAX_DEPTH) {
        return iso_wit_fail(context, item->path->name.at, ISO_E_LIMIT,
                            "more than %u worlds include each other in a row", ISO_WIT_MAX_DEPTH);
    }
    context->depth++;
    err = iso_wit_resolve_world(context, from);
    context->depth--;
    if (err == ISO_OK) {
        err = include_types(building, from->out, item->id.at);
    }
    if (err == ISO_OK) {
        err = include_items(building, item, &building->imports, from->out->imports,
                            from->out->import_count);
    }
    if (err == ISO_OK) {
        err = include_items(building, item, &building->exports, from->out->exports,
                            from->out->export_count);
    }
    for (const struct iso_wit_ast_rename *r = item->renames; r != NULL && err == ISO_OK;
         r = r->next) {
        if (!r->used) {
            err = iso_wit_fail(context, r->from.at, ISO_E_INVALID,
                               "world '%.*s' imports and exports nothing that is plainly named "
                               "'%.*s'",
                               ISO_WIT_SHOW(from->id.text), ISO_WIT_SHOW(r->from.text));
        }
    }
    return err;
}

/* ---- Worlds --- */

static enum iso_err entries_array(struct iso_wit_context *context, const struct entries *entries,
                                  const struct iso_wit_item **out, uint32_t *count)
{
    struct iso_wit_item *items =
        iso_arena_array(&context->wit->arena, entries->count, sizeof *items);
    if (items == NULL) {
        return iso_wit_no_memory(context, &context->wit->arena);
    }
    uint32_t i = 0;
    for (const struct entry *e = entries->first; e != NULL; e = e->next) {
        items[i++] = e->item;
    }
    *out = items;
    *count = i;
    return ISO_OK;
}

static enum iso_err resolve_items(struct building *building)
{
    enum iso_err err = ISO_OK;
    for (struct iso_wit_ast_item *i = building->world->items; i != NULL && err == ISO_OK;
         i = i->next) {
        err = i->form == ISO_WIT_ITEM_INCLUDE ? include(building, i) : resolve_item(building, i);
    }
    return err;
}

enum iso_err iso_wit_resolve_world(struct iso_wit_context *context, struct iso_wit_ast_world *world)
{
    if (world->state == ISO_WIT_DONE) {
        return ISO_OK;
    }
    struct iso_wit_world *out = iso_arena_alloc(&context->wit->arena, sizeof *out);
    if (out == NULL) {
        return iso_wit_no_memory(context, &context->wit->arena);
    }
    world->state = ISO_WIT_ACTIVE;
    world->out = out;
    out->package = world->package->out;
    out->doc = world->doc;
    struct building building = {.context = context, .world = world};
    building.imports.end = &building.imports.first;
    building.exports.end = &building.exports.first;
    const struct iso_vtype *const *types = NULL;
    enum iso_err err = iso_wit_keep(context, world->id.text, &out->name);
    if (err == ISO_OK) {
        err = iso_wit_resolve_decls(context, &world->body, &types, &building.type_count);
    }
    if (err == ISO_OK) {
        /* The array was made for this world and is changed by nobody else. */
        const struct iso_vtype **own = iso_arena_array(&context->wit->arena, building.type_count,
                                                       sizeof(const struct iso_vtype *));
        err = own == NULL ? iso_wit_no_memory(context, &context->wit->arena) : ISO_OK;
        if (err == ISO_OK) {
            iso_memory_copy(own, types, building.type_count * sizeof *own);
            building.types = own;
        }
    }
    if (err == ISO_OK) {
        err = resolve_items(&building);
    }
    if (err == ISO_OK) {
        err = entries_array(context, &building.imports, &out->imports, &out->import_count);
    }
    if (err == ISO_OK) {
        err = entries_array(context, &building.exports, &out->exports, &out->export_count);
    }
    if (err == ISO_OK) {
        out->types = building.types;
        out->type_count = building.type_count;
        world->state = ISO_WIT_DONE;
    }
    return err;
}
