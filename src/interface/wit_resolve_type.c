/*
 * wit_resolve_type.c - types of the model from those of the tree. Names may be used before they are
 * declared, so a declaration is resolved when it is first met.
 */
#include "interface/wit_syntax.h"

/* Resolving calls itself once per type in a type and per name that stands for a name. */
enum { RECURSION_MAX = 2 * ISO_WIT_MAX_DEPTH };

static enum iso_err too_deep(const struct iso_wit_context *context, struct iso_wit_at at)
{
    return iso_wit_fail(context, at, ISO_E_LIMIT, "types are nested more than %u deep",
                        ISO_V_MAX_DEPTH);
}

/* Words of other languages. */
static const char *familiar_name(struct iso_str word)
{
    static const char *const words[][2] = {
        {"i8", "s8"},          {"i16", "s16"},    {"i32", "s32"},      {"i64", "s64"},
        {"int", "s32"},        {"uint", "u32"},   {"long", "s64"},     {"byte", "u8"},
        {"float", "f32"},      {"double", "f64"}, {"boolean", "bool"}, {"str", "string"},
        {"bytes", "list<u8>"}, {"usize", "u32"},  {"array", "list"},   {"vec", "list"},
        {"struct", "record"}};
    for (size_t i = 0; i < ISO_COUNT_OF(words); i++) {
        if (iso_str_equal_z(word, words[i][0])) {
            return words[i][1];
        }
    }
    return NULL;
}

static enum iso_err unknown_type(const struct iso_wit_context *context,
                                 const struct iso_wit_ast_body *body,
                                 const struct iso_wit_ast_type *type)
{
    static const char *const built_in[] = {"bool",   "s8",   "u8",    "s16",    "u16",   "s32",
                                           "u32",    "s64",  "u64",   "f32",    "f64",   "char",
                                           "string", "list", "tuple", "option", "result"};
    struct iso_nearest nearest = {.word = type->name};
    const char *familiar = familiar_name(type->name);
    char hint[96];
    if (familiar != NULL) {
        return iso_wit_fail(context, type->at, ISO_E_INVALID,
                            "there is no type '%.*s'; in WIT it is '%s'", ISO_WIT_SHOW(type->name),
                            familiar);
    }
    for (const struct iso_wit_ast_decl *d = body->decls; d != NULL; d = d->next) {
        iso_nearest_try(&nearest, d->id.text);
    }
    for (const struct iso_wit_ast_use *u = body->uses; u != NULL; u = u->next) {
        iso_nearest_try(&nearest, u->as.text);
    }
    for (size_t i = 0; i < ISO_COUNT_OF(built_in); i++) {
        iso_nearest_try(&nearest, iso_str_from_z(built_in[i]));
    }
    return iso_wit_fail(context, type->at, ISO_E_INVALID, "there is no type '%.*s' here%s",
                        ISO_WIT_SHOW(type->name), iso_nearest_text(&nearest, hint, sizeof hint));
}

/* Layout and limits; a failure gets the place. */
static enum iso_err finish(struct iso_wit_context *context, struct iso_vtype *type, uint32_t depth,
                           struct iso_wit_at at)
{
    if (depth > ISO_V_MAX_DEPTH) {
        return too_deep(context, at);
    }
    struct iso_report report;
    iso_report_init(&report);
    enum iso_err err = iso_vtype_finish(type, &report);
    if (err != ISO_OK && err != ISO_E_NOMEM) {
        return iso_wit_fail(context, at, err, "%s", iso_report_text(&report, err));
    }
    return err;
}

static uint32_t deeper(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* ---- Types where they are used --- */

static enum iso_err resolve_items(struct iso_wit_context *context, struct iso_wit_ast_body *body,
                                  const struct iso_wit_ast_type *type, struct iso_vtype *out,
                                  uint32_t *depth)
{
    struct iso_vmember *members =
        iso_arena_array(&context->wit->arena, type->count, sizeof *members);
    if (members == NULL) {
        return iso_wit_no_memory(context, &context->wit->arena);
    }
    enum iso_err err = ISO_OK;
    uint32_t count = 0;
    for (const struct iso_wit_ast_type *item = type->first; item != NULL && err == ISO_OK;
         item = item->next) {
        uint32_t item_depth = 0;
        err = iso_wit_resolve_type(context, body, item, &members[count++].type, &item_depth);
        *depth = deeper(*depth, item_depth);
    }
    out->members = members;
    out->member_count = count;
    return err;
}

static enum iso_err resolve_result(struct iso_wit_context *context, struct iso_wit_ast_body *body,
                                   const struct iso_wit_ast_type *type, struct iso_vtype *out,
                                   uint32_t *depth)
{
    struct iso_vmember *members = iso_arena_array(&context->wit->arena, 2, sizeof *members);
    if (members == NULL) {
        return iso_wit_no_memory(context, &context->wit->arena);
    }
    const struct iso_wit_ast_type *const parts[2] = {type->first, type->error};
    enum iso_err err = ISO_OK;
    for (size_t i = 0; i < 2 && err == ISO_OK; i++) {
        uint32_t part_depth = 0;
        if (parts[i] != NULL) {
            err = iso_wit_resolve_type(context, body, parts[i], &members[i].type, &part_depth);
        }
        *depth = deeper(*depth, part_depth);
    }
    out->members = members;
    out->member_count = 2;
    return err;
}

static enum iso_err resolve_anonymous(struct iso_wit_context *context,
                                      struct iso_wit_ast_body *body,
                                      const struct iso_wit_ast_type *type,
                                      const struct iso_vtype **out, uint32_t *depth)
{
    if (type->kind <= ISO_V_STRING) {
        *out = iso_vtype_primitive(type->kind);
        *depth = 1;
        return ISO_OK;
    }
    struct iso_vtype *made = iso_arena_alloc(&context->wit->arena, sizeof *made);
    if (made == NULL) {
        return iso_wit_no_memory(context, &context->wit->arena);
    }
    made->kind = type->kind;
    uint32_t inner = 0;
    enum iso_err err;
    if (type->kind == ISO_V_TUPLE) {
        err = resolve_items(context, body, type, made, &inner);
    } else if (type->kind == ISO_V_RESULT) {
        err = resolve_result(context, body, type, made, &inner);
    } else {
        err = iso_wit_resolve_type(context, body, type->first, &made->element, &inner);
    }
    if (err == ISO_OK) {
        err = finish(context, made, inner + 1, type->at);
    }
    if (err == ISO_OK) {
        *out = made;
        *depth = inner + 1;
    }
    return err;
}

/* ---- Declared types --- */

static enum iso_err resolve_members(struct iso_wit_context *context, struct iso_wit_ast_body *body,
                                    const struct iso_wit_ast_decl *decl, struct iso_vtype *out,
                                    uint32_t *depth)
{
    struct iso_vmember *members =
        iso_arena_array(&context->wit->arena, decl->member_count, sizeof *members);
    if (members == NULL) {
        return iso_wit_no_memory(context, &context->wit->arena);
    }
    enum iso_err err = ISO_OK;
    uint32_t count = 0;
    for (const struct iso_wit_ast_member *m = decl->members; m != NULL && err == ISO_OK;
         m = m->next) {
        struct iso_vmember *member = &members[count++];
        uint32_t member_depth = 0;
        member->doc = m->doc;
        err = iso_wit_keep(context, m->id.text, &member->name);
        if (err == ISO_OK && m->type != NULL) {
            err = iso_wit_resolve_type(context, body, m->type, &member->type, &member_depth);
        }
        *depth = deeper(*depth, member_depth);
    }
    out->members = members;
    out->member_count = count;
    return err;
}

static enum iso_err make_declared(struct iso_wit_context *context, struct iso_wit_ast_body *body,
                                  struct iso_wit_ast_decl *decl, struct iso_vtype *made)
{
    if (decl->target != NULL) {
        const struct iso_vtype *target;
        enum iso_err err = iso_wit_resolve_type(context, body, decl->target, &target, &decl->depth);
        if (err == ISO_OK) {
            *made = *target;
            made->alias = target->name.len != 0 ? target : NULL;
        }
        return err;
    }
    made->kind = decl->kind;
    uint32_t inner = 0;
    enum iso_err err = resolve_members(context, body, decl, made, &inner);
    decl->depth = inner + 1;
    return err != ISO_OK ? err : finish(context, made, decl->depth, decl->id.at);
}

static enum iso_err resolve_decl(struct iso_wit_context *context, struct iso_wit_ast_body *body,
                                 struct iso_wit_ast_decl *decl, struct iso_wit_at at)
{
    if (decl->state == ISO_WIT_DONE) {
        return ISO_OK;
    }
    if (decl->state == ISO_WIT_ACTIVE) {
        return iso_wit_fail(context, at, ISO_E_INVALID,
                            "type '%.*s' contains itself; a type can only contain types that are "
                            "complete without it",
                            ISO_WIT_SHOW(decl->id.text));
    }
    struct iso_vtype *made = iso_arena_alloc(&context->wit->arena, sizeof *made);
    if (made == NULL) {
        return iso_wit_no_memory(context, &context->wit->arena);
    }
    decl->state = ISO_WIT_ACTIVE;
    enum iso_err err = make_declared(context, body, decl, made);
    if (err == ISO_OK) {
        made->doc = decl->doc;
        made->owner = body->owner;
        err = iso_wit_keep(context, decl->id.text, &made->name);
    }
    decl->type = made;
    decl->state = ISO_WIT_DONE;
    return err;
}

static struct iso_wit_ast_decl *find_decl(const struct iso_wit_ast_body *body, struct iso_str name)
{
    struct iso_wit_ast_decl *decl = body->decls;
    while (decl != NULL && !iso_str_equal(decl->id.text, name)) {
        decl = decl->next;
    }
    return decl;
}

static struct iso_wit_ast_use *find_use(const struct iso_wit_ast_body *body, struct iso_str name)
{
    struct iso_wit_ast_use *use = body->uses;
    while (use != NULL && !iso_str_equal(use->as.text, name)) {
        use = use->next;
    }
    return use;
}

static enum iso_err resolve_type(struct iso_wit_context *context, struct iso_wit_ast_body *body,
                                 const struct iso_wit_ast_type *type, const struct iso_vtype **out,
                                 uint32_t *depth)
{
    if (!type->is_name) {
        return resolve_anonymous(context, body, type, out, depth);
    }
    struct iso_wit_ast_decl *decl = find_decl(body, type->name);
    if (decl != NULL) {
        enum iso_err err = resolve_decl(context, body, decl, type->at);
        if (err == ISO_OK) {
            *out = decl->type;
            *depth = decl->depth;
        }
        return err;
    }
    struct iso_wit_ast_use *use = find_use(body, type->name);
    if (use != NULL) {
        /* Uses are resolved before declarations. */
        *out = use->type;
        *depth = use->depth;
        return ISO_OK;
    }
    /* As f32 and f64 were written before 2024. */
    if (iso_str_equal_z(type->name, "float32") || iso_str_equal_z(type->name, "float64")) {
        *out = iso_vtype_primitive(type->name.ptr[5] == '3' ? ISO_V_F32 : ISO_V_F64);
        *depth = 1;
        return ISO_OK;
    }
    return unknown_type(context, body, type);
}

enum iso_err iso_wit_resolve_type(struct iso_wit_context *context, struct iso_wit_ast_body *body,
                                  const struct iso_wit_ast_type *type, const struct iso_vtype **out,
                                  uint32_t *depth)
{
    if (context->depth == RECURSION_MAX) {
        return too_deep(context, type->at);
    }
    context->depth++;
    enum iso_err err = resolve_type(context, body, type, out, depth);
    context->depth--;
    return err;
}

/* ---- Used types, and whole scopes --- */

static enum iso_err not_a_type(const struct iso_wit_context *context,
                               const struct iso_wit_ast_use *use)
{
    const struct iso_wit_ast_interface *target = use->target;
    struct iso_nearest nearest = {.word = use->from.text};
    char hint[96];
    for (const struct iso_wit_ast_func *f = target->funcs; f != NULL; f = f->next) {
        if (iso_str_equal(f->id.text, use->from.text)) {
            return iso_wit_fail(context, use->from.at, ISO_E_INVALID,
                                "'%.*s' is a function; only types can be used",
                                ISO_WIT_SHOW(use->from.text));
        }
    }
    for (const struct iso_wit_ast_decl *d = target->body.decls; d != NULL; d = d->next) {
        iso_nearest_try(&nearest, d->id.text);
    }
    for (const struct iso_wit_ast_use *u = target->body.uses; u != NULL; u = u->next) {
        iso_nearest_try(&nearest, u->as.text);
    }
    return iso_wit_fail(context, use->from.at, ISO_E_INVALID,
                        "there is no type '%.*s' in interface '%.*s'%s",
                        ISO_WIT_SHOW(use->from.text), ISO_WIT_SHOW(target->id.text),
                        iso_nearest_text(&nearest, hint, sizeof hint));
}

static enum iso_err resolve_use(struct iso_wit_context *context,
                                const struct iso_wit_ast_body *body, struct iso_wit_ast_use *use)
{
    enum iso_err err = iso_wit_find_interface(context, body->file, use->path, &use->target);
    if (err != ISO_OK) {
        return err;
    }
    if (use->target->state == ISO_WIT_ACTIVE) {
        return iso_wit_fail(context, use->path->name.at, ISO_E_INVALID,
                            "interface '%.*s' uses itself, perhaps by way of others",
                            ISO_WIT_SHOW(use->target->id.text));
    }
    if (context->depth == ISO_WIT_MAX_DEPTH) {
        return iso_wit_fail(context, use->path->name.at, ISO_E_LIMIT,
                            "more than %u interfaces use each other in a row", ISO_WIT_MAX_DEPTH);
    }
    context->depth++;
    err = iso_wit_resolve_interface(context, use->target);
    context->depth--;
    if (err != ISO_OK) {
        return err;
    }
    const struct iso_wit_ast_decl *decl = find_decl(&use->target->body, use->from.text);
    const struct iso_wit_ast_use *other = find_use(&use->target->body, use->from.text);
    if (decl == NULL && other == NULL) {
        return not_a_type(context, use);
    }
    use->type = decl != NULL ? decl->type : other->type;
    use->depth = decl != NULL ? decl->depth : other->depth;
    return ISO_OK;
}

static enum iso_err check_type_names(const struct iso_wit_context *context,
                                     const struct iso_wit_ast_body *body)
{
    for (const struct iso_wit_ast_decl *d = body->decls; d != NULL; d = d->next) {
        for (const struct iso_wit_ast_decl *o = body->decls; o != d; o = o->next) {
            if (iso_wit_same_name(o->id.text, d->id.text)) {
                return iso_wit_fail(context, d->id.at, ISO_E_INVALID,
                                    "a type '%.*s' is there already", ISO_WIT_SHOW(d->id.text));
            }
        }
    }
    for (const struct iso_wit_ast_use *u = body->uses; u != NULL; u = u->next) {
        bool taken = false;
        for (const struct iso_wit_ast_decl *d = body->decls; d != NULL; d = d->next) {
            taken = taken || iso_wit_same_name(d->id.text, u->as.text);
        }
        for (const struct iso_wit_ast_use *o = body->uses; o != u; o = o->next) {
            taken = taken || iso_wit_same_name(o->as.text, u->as.text);
        }
        if (taken) {
            return iso_wit_fail(context, u->as.at, ISO_E_INVALID,
                                "a type '%.*s' is there already; rename this one with 'as'",
                                ISO_WIT_SHOW(u->as.text));
        }
    }
    return ISO_OK;
}

enum iso_err iso_wit_resolve_decls(struct iso_wit_context *context, struct iso_wit_ast_body *body,
                                   const struct iso_vtype *const **types, uint32_t *count)
{
    enum iso_err err = check_type_names(context, body);
    for (struct iso_wit_ast_use *u = body->uses; u != NULL && err == ISO_OK; u = u->next) {
        err = resolve_use(context, body, u);
    }
    if (err != ISO_OK) {
        return err;
    }
    const struct iso_vtype **list =
        iso_arena_array(&context->wit->arena, body->decl_count, sizeof(const struct iso_vtype *));
    if (list == NULL) {
        return iso_wit_no_memory(context, &context->wit->arena);
    }
    uint32_t made = 0;
    for (struct iso_wit_ast_decl *d = body->decls; d != NULL && err == ISO_OK; d = d->next) {
        err = resolve_decl(context, body, d, d->id.at);
        list[made++] = d->type;
    }
    if (err == ISO_OK) {
        *types = list;
        *count = made;
    }
    return err;
}

enum iso_err iso_wit_resolve_func(struct iso_wit_context *context, struct iso_wit_ast_body *body,
                                  const struct iso_wit_ast_func *func, struct iso_wit_func *out)
{
    struct iso_wit_param *params =
        iso_arena_array(&context->wit->arena, func->param_count, sizeof *params);
    if (params == NULL) {
        return iso_wit_no_memory(context, &context->wit->arena);
    }
    uint32_t count = 0, depth;
    out->doc = func->doc;
    enum iso_err err = iso_wit_keep(context, func->id.text, &out->name);
    for (const struct iso_wit_ast_member *m = func->params; m != NULL && err == ISO_OK;
         m = m->next) {
        struct iso_wit_param *param = &params[count++];
        err = iso_wit_keep(context, m->id.text, &param->name);
        if (err == ISO_OK) {
            err = iso_wit_resolve_type(context, body, m->type, &param->type, &depth);
        }
    }
    if (err == ISO_OK && func->result != NULL) {
        err = iso_wit_resolve_type(context, body, func->result, &out->result, &depth);
    }
    out->params = params;
    out->param_count = count;
    return err;
}
