/*
 * wit_resolve.c - from the syntax tree to the model: packages, interfaces, and the names of both
 * (WIT.md, "Name resolution", "WIT Packages and `use`").
 */
#include "interface/wit_syntax.h"

enum iso_err iso_wit_keep(struct iso_wit_context *context, struct iso_str text, struct iso_str *out)
{
    struct iso_str copy = {.ptr = "", .len = 0};
    if (text.len != 0) {
        copy.ptr = iso_arena_copy_str(&context->wit->arena, text);
        copy.len = text.len;
        if (copy.ptr == NULL) {
            return iso_wit_no_memory(context, &context->wit->arena);
        }
    }
    *out = copy;
    return ISO_OK;
}

bool iso_wit_same_name(struct iso_str a, struct iso_str b)
{
    if (a.len != b.len) {
        return false;
    }
    for (size_t i = 0; i < a.len; i++) {
        /* Names are letters, digits and hyphens: this bit is the case of a letter. */
        if ((a.ptr[i] | 0x20) != (b.ptr[i] | 0x20)) {
            return false;
        }
    }
    return true;
}

/* ---- Finding interfaces and worlds --- */

struct found {
    struct iso_wit_ast_interface *interface;
    struct iso_wit_ast_world *world;
};

static struct found find_in_package(const struct iso_wit_ast_package *package, struct iso_str name)
{
    struct found found = {NULL, NULL};
    for (struct iso_wit_ast_interface *i = package->interfaces; i != NULL; i = i->next) {
        if (iso_str_equal(i->id.text, name)) {
            found.interface = i;
        }
    }
    for (struct iso_wit_ast_world *w = package->worlds; w != NULL; w = w->next) {
        if (iso_str_equal(w->id.text, name)) {
            found.world = w;
        }
    }
    return found;
}

static void try_names(const struct iso_wit_ast_package *package, bool want_world,
                      struct iso_nearest *nearest)
{
    for (const struct iso_wit_ast_interface *i = package->interfaces; i != NULL && !want_world;
         i = i->next) {
        iso_nearest_try(nearest, i->id.text);
    }
    for (const struct iso_wit_ast_world *w = package->worlds; w != NULL && want_world;
         w = w->next) {
        iso_nearest_try(nearest, w->id.text);
    }
}

/* The package of a full path is not among the texts: say which versions are. */
static enum iso_err unknown_package(const struct iso_wit_context *context,
                                    const struct iso_wit_path *path)
{
    struct iso_nearest nearest = {.word = path->package.text};
    for (const struct iso_wit_ast_package *p = context->packages; p != NULL; p = p->next) {
        if (!iso_str_equal(p->ns.text, path->ns.text)) {
            continue;
        }
        if (iso_str_equal(p->name.text, path->package.text)) {
            const char *at = p->version.len != 0 ? "@" : "";
            return iso_wit_fail(context, path->ns.at, ISO_E_INVALID,
                                "package '%.*s:%.*s' is here as '%.*s:%.*s%s%.*s', which is "
                                "another version",
                                ISO_WIT_SHOW(path->ns.text), ISO_WIT_SHOW(path->package.text),
                                ISO_WIT_SHOW(p->ns.text), ISO_WIT_SHOW(p->name.text), at,
                                ISO_WIT_SHOW(p->version));
        }
        iso_nearest_try(&nearest, p->name.text);
    }
    char hint[96];
    return iso_wit_fail(context, path->ns.at, ISO_E_INVALID,
                        "package '%.*s:%.*s' is not among the texts%s", ISO_WIT_SHOW(path->ns.text),
                        ISO_WIT_SHOW(path->package.text),
                        iso_nearest_text(&nearest, hint, sizeof hint));
}

static enum iso_err find(const struct iso_wit_context *context, const struct iso_wit_file *file,
                         const struct iso_wit_path *path, bool want_world, struct found *out)
{
    const struct iso_wit_ast_package *package = file->package;
    if (path->ns.text.len == 0) {
        for (const struct iso_wit_ast_top_use *u = file->uses; u != NULL; u = u->next) {
            /* A use of a short name looks into the package only: it may have its own name. */
            if (u->path != path && iso_str_equal(u->as.text, path->name.text)) {
                if (u->path->ns.text.len != 0) {
                    return find(context, file, u->path, want_world, out);
                }
                *out = find_in_package(package, u->path->name.text);
                if (out->interface != NULL || out->world != NULL) {
                    return ISO_OK;
                }
            }
        }
    } else {
        package = context->packages;
        while (package != NULL && !(iso_str_equal(package->ns.text, path->ns.text) &&
                                    iso_str_equal(package->name.text, path->package.text) &&
                                    iso_str_equal(package->version, path->version))) {
            package = package->next;
        }
        if (package == NULL) {
            return unknown_package(context, path);
        }
    }
    *out = find_in_package(package, path->name.text);
    if (out->interface != NULL || out->world != NULL) {
        return ISO_OK;
    }
    struct iso_nearest nearest = {.word = path->name.text};
    char hint[96];
    try_names(package, want_world, &nearest);
    for (const struct iso_wit_ast_top_use *u = file->uses; u != NULL; u = u->next) {
        if (path->ns.text.len == 0 && u->path != path) {
            iso_nearest_try(&nearest, u->as.text);
        }
    }
    return iso_wit_fail(context, path->name.at, ISO_E_INVALID,
                        "there is no %s '%.*s' in package '%.*s:%.*s'%s",
                        want_world ? "world" : "interface", ISO_WIT_SHOW(path->name.text),
                        ISO_WIT_SHOW(package->ns.text), ISO_WIT_SHOW(package->name.text),
                        iso_nearest_text(&nearest, hint, sizeof hint));
}

enum iso_err iso_wit_find_interface(struct iso_wit_context *context,
                                    const struct iso_wit_file *file,
                                    const struct iso_wit_path *path,
                                    struct iso_wit_ast_interface **out)
{
    struct found found;
    enum iso_err err = find(context, file, path, false, &found);
    if (err == ISO_OK && found.interface == NULL) {
        return iso_wit_fail(context, path->name.at, ISO_E_INVALID,
                            "'%.*s' is a world; an interface is wanted here",
                            ISO_WIT_SHOW(path->name.text));
    }
    if (err == ISO_OK) {
        *out = found.interface;
    }
    return err;
}

enum iso_err iso_wit_find_world(struct iso_wit_context *context, const struct iso_wit_file *file,
                                const struct iso_wit_path *path, struct iso_wit_ast_world **out)
{
    struct found found;
    enum iso_err err = find(context, file, path, true, &found);
    if (err == ISO_OK && found.world == NULL) {
        return iso_wit_fail(context, path->name.at, ISO_E_INVALID,
                            "'%.*s' is an interface; only worlds can be included",
                            ISO_WIT_SHOW(path->name.text));
    }
    if (err == ISO_OK) {
        *out = found.world;
    }
    return err;
}

/* ---- Interfaces --- */

static enum iso_err name_taken(const struct iso_wit_context *context, const struct iso_wit_id *id,
                               const struct iso_wit_id *other)
{
    if (id == other || !iso_wit_same_name(id->text, other->text)) {
        return ISO_OK;
    }
    return iso_wit_fail(context, id->at, ISO_E_INVALID, "the name '%.*s' is taken already",
                        ISO_WIT_SHOW(id->text));
}

/* Types, used types and functions share one space of names. */
static enum iso_err check_names(const struct iso_wit_context *context,
                                const struct iso_wit_ast_interface *interface)
{
    const struct iso_wit_ast_body *body = &interface->body;
    enum iso_err err = ISO_OK;
    for (const struct iso_wit_ast_func *f = interface->funcs; f != NULL; f = f->next) {
        for (const struct iso_wit_ast_func *o = interface->funcs; o != f && err == ISO_OK;
             o = o->next) {
            err = name_taken(context, &f->id, &o->id);
        }
        for (const struct iso_wit_ast_decl *d = body->decls; d != NULL && err == ISO_OK;
             d = d->next) {
            err = name_taken(context, &f->id, &d->id);
        }
        for (const struct iso_wit_ast_use *u = body->uses; u != NULL && err == ISO_OK;
             u = u->next) {
            err = name_taken(context, &f->id, &u->as);
        }
        if (err != ISO_OK) {
            return err;
        }
    }
    return err;
}

static enum iso_err make_interface(struct iso_wit_context *context,
                                   struct iso_wit_ast_interface *interface)
{
    struct iso_wit_interface *out = iso_arena_alloc(&context->wit->arena, sizeof *out);
    if (out == NULL) {
        return iso_wit_no_memory(context, &context->wit->arena);
    }
    out->package = interface->package != NULL ? interface->package->out : NULL;
    out->doc = interface->doc;
    interface->out = out;
    interface->body.owner = out;
    return iso_wit_keep(context, interface->id.text, &out->name);
}

enum iso_err iso_wit_resolve_interface(struct iso_wit_context *context,
                                       struct iso_wit_ast_interface *interface)
{
    if (interface->state == ISO_WIT_DONE) {
        return ISO_OK;
    }
    interface->state = ISO_WIT_ACTIVE;
    enum iso_err err = ISO_OK;
    if (interface->out == NULL) {
        err = make_interface(context, interface);
    }
    struct iso_wit_interface *out = interface->out;
    if (err == ISO_OK) {
        err = check_names(context, interface);
    }
    if (err == ISO_OK) {
        err = iso_wit_resolve_decls(context, &interface->body, &out->types, &out->type_count);
    }
    struct iso_wit_func *funcs = NULL;
    if (err == ISO_OK) {
        funcs = iso_arena_array(&context->wit->arena, interface->func_count, sizeof *funcs);
        err = funcs == NULL ? iso_wit_no_memory(context, &context->wit->arena) : ISO_OK;
    }
    uint32_t count = 0;
    for (const struct iso_wit_ast_func *f = interface->funcs; f != NULL && err == ISO_OK;
         f = f->next) {
        err = iso_wit_resolve_func(context, &interface->body, f, &funcs[count++]);
    }
    if (err == ISO_OK) {
        out->funcs = funcs;
        out->func_count = count;
        interface->state = ISO_WIT_DONE;
    }
    return err;
}

/* ---- Everything --- */

static enum iso_err make_package(struct iso_wit_context *context,
                                 struct iso_wit_ast_package *package)
{
    struct iso_wit_package *out = iso_arena_alloc(&context->wit->arena, sizeof *out);
    if (out == NULL) {
        return iso_wit_no_memory(context, &context->wit->arena);
    }
    package->out = out;
    out->doc = package->doc;
    enum iso_err err = iso_wit_keep(context, package->ns.text, &out->ns);
    if (err == ISO_OK) {
        err = iso_wit_keep(context, package->name.text, &out->name);
    }
    if (err == ISO_OK) {
        err = iso_wit_keep(context, package->version, &out->version);
    }
    for (struct iso_wit_ast_interface *i = package->interfaces; i != NULL && err == ISO_OK;
         i = i->next) {
        err = make_interface(context, i);
    }
    return err;
}

static enum iso_err resolve_package(struct iso_wit_context *context,
                                    struct iso_wit_ast_package *package,
                                    const struct iso_wit_interface **interfaces,
                                    const struct iso_wit_world **worlds)
{
    enum iso_err err = ISO_OK;
    struct iso_wit *wit = context->wit;
    for (struct iso_wit_ast_interface *i = package->interfaces; i != NULL && err == ISO_OK;
         i = i->next) {
        err = iso_wit_resolve_interface(context, i);
        interfaces[wit->interface_count++] = i->out;
    }
    for (struct iso_wit_ast_world *w = package->worlds; w != NULL && err == ISO_OK; w = w->next) {
        err = iso_wit_resolve_world(context, w);
        worlds[wit->world_count++] = w->out;
    }
    return err;
}

/* Every `use` at the top must lead somewhere, also when nobody uses it. */
static enum iso_err check_top_uses(const struct iso_wit_context *context)
{
    enum iso_err err = ISO_OK;
    for (const struct iso_wit_file *file = context->files; file != NULL; file = file->next) {
        for (const struct iso_wit_ast_top_use *u = file->uses; u != NULL && err == ISO_OK;
             u = u->next) {
            struct found found;
            err = find(context, file, u->path, false, &found);
            if (err == ISO_OK && u->path->ns.text.len != 0) {
                found = find_in_package(file->package, u->as.text);
                if (found.interface != NULL || found.world != NULL) {
                    err = iso_wit_fail(context, u->as.at, ISO_E_INVALID,
                                       "'%.*s' is declared in this package; rename the used one "
                                       "with 'as'",
                                       ISO_WIT_SHOW(u->as.text));
                }
            }
        }
    }
    return err;
}

enum iso_err iso_wit_resolve(struct iso_wit_context *context)
{
    struct iso_wit *wit = context->wit;
    size_t total = 0;
    enum iso_err err = check_top_uses(context);
    for (struct iso_wit_ast_package *p = context->packages; p != NULL && err == ISO_OK;
         p = p->next) {
        err = make_package(context, p);
        total += p->top_count;
    }
    if (err != ISO_OK) {
        return err;
    }
    const struct iso_wit_interface **interfaces =
        iso_arena_array(&wit->arena, total, sizeof(const struct iso_wit_interface *));
    const struct iso_wit_world **worlds =
        iso_arena_array(&wit->arena, total, sizeof(const struct iso_wit_world *));
    if (interfaces == NULL || worlds == NULL) {
        return iso_wit_no_memory(context, &wit->arena);
    }
    wit->package = context->main_package->out;
    wit->interfaces = interfaces;
    wit->worlds = worlds;
    err = resolve_package(context, context->main_package, interfaces, worlds);
    for (struct iso_wit_ast_package *p = context->packages; p != NULL && err == ISO_OK;
         p = p->next) {
        if (p != context->main_package) {
            err = resolve_package(context, p, interfaces, worlds);
        }
    }
    return err;
}

/* ---- The public functions --- */

static enum iso_err check_sources(const struct iso_wit_context *context)
{
    size_t total = 0;
    if (context->source_count == 0) {
        return iso_fail(context->report, ISO_E_ARGUMENT, "no WIT text was given");
    }
    if (context->source_count > ISO_WIT_MAX_SOURCES) {
        return iso_fail(context->report, ISO_E_LIMIT, "%zu WIT texts; at most %u are supported",
                        context->source_count, ISO_WIT_MAX_SOURCES);
    }
    for (size_t i = 0; i < context->source_count; i++) {
        size_t len = context->sources[i].text.len;
        if (len > ISO_WIT_MAX_BYTES - total) {
            return iso_fail(context->report, ISO_E_LIMIT, "more than %u KiB of WIT text",
                            ISO_WIT_MAX_BYTES >> 10);
        }
        total += len;
    }
    return ISO_OK;
}

enum iso_err iso_wit_parse(const struct iso_alloc *alloc, const struct iso_wit_source *sources,
                           size_t count, struct iso_wit *out, struct iso_report *report)
{
    *out = (struct iso_wit){.package = NULL};
    iso_arena_init(&out->arena, alloc, 0, ISO_WIT_MAX_MEMORY);
    struct iso_wit_context context = {
        .wit = out, .sources = sources, .source_count = count, .report = report};
    iso_arena_init(&context.scratch, alloc, 0, ISO_WIT_MAX_MEMORY);
    enum iso_err err = check_sources(&context);
    if (err == ISO_OK) {
        err = iso_wit_parse_sources(&context);
    }
    if (err == ISO_OK) {
        err = iso_wit_resolve(&context);
    }
    iso_arena_fini(&context.scratch);
    return err;
}

void iso_wit_fini(struct iso_wit *wit)
{
    iso_arena_fini(&wit->arena);
    wit->package = NULL;
    wit->interfaces = NULL;
    wit->worlds = NULL;
    wit->interface_count = 0;
    wit->world_count = 0;
}
