/*
 * wit_parse_body.c - what stands between the braces of an interface and of a world.
 */
#include "interface/wit_syntax.h"

/* Adds what is no use and no type to the owner of a body: an interface or a world. */
typedef enum iso_err add_fn(struct iso_wit_context *context, void *owner, struct iso_str doc);

static enum iso_err parse_body(struct iso_wit_context *context, struct iso_wit_ast_body *body,
                               add_fn *add, void *owner)
{
    enum iso_err err = iso_wit_expect(context, '{', "'{'");
    while (err == ISO_OK && context->token.kind != '}') {
        struct iso_str doc;
        bool found = false;
        err = iso_wit_parse_before(context, &doc);
        if (err == ISO_OK && iso_wit_at_keyword(context, "use")) {
            err = iso_wit_parse_use(context, body);
            continue;
        }
        if (err == ISO_OK) {
            err = iso_wit_parse_decl(context, doc, body, &found);
        }
        if (err == ISO_OK && !found) {
            err = add(context, owner, doc);
        }
    }
    return err != ISO_OK ? err : iso_wit_lex_next(context);
}

static enum iso_err add_func(struct iso_wit_context *context, void *owner, struct iso_str doc)
{
    struct iso_wit_ast_interface *interface = owner;
    struct iso_wit_ast_func *func = iso_arena_alloc(&context->scratch, sizeof *func);
    if (func == NULL) {
        return iso_wit_no_memory(context, &context->scratch);
    }
    if (interface->func_count == ISO_WIT_MAX_ITEMS) {
        return iso_wit_fail(context, context->token.at, ISO_E_LIMIT,
                            "at most %u functions of an interface are supported",
                            ISO_WIT_MAX_ITEMS);
    }
    func->doc = doc;
    enum iso_err err = iso_wit_expect_id(context, "a function, a type, 'use' or '}'", &func->id);
    if (err == ISO_OK) {
        err = iso_wit_expect(context, ':', "':' and 'func'");
    }
    if (err == ISO_OK) {
        err = iso_wit_parse_func(context, func);
    }
    if (err == ISO_OK) {
        err = iso_wit_expect(context, ';', "';'");
    }
    if (err == ISO_OK) {
        struct iso_wit_ast_func **end = &interface->funcs;
        while (*end != NULL) {
            end = &(*end)->next;
        }
        *end = func;
        interface->func_count++;
    }
    return err;
}

enum iso_err iso_wit_parse_interface_body(struct iso_wit_context *context,
                                          struct iso_wit_ast_interface *interface)
{
    return parse_body(context, &interface->body, add_func, interface);
}

/* ---- Worlds --- */

static enum iso_err parse_inline(struct iso_wit_context *context, struct iso_str doc,
                                 struct iso_wit_ast_item *item)
{
    struct iso_wit_ast_interface *interface = iso_arena_alloc(&context->scratch, sizeof *interface);
    if (interface == NULL) {
        return iso_wit_no_memory(context, &context->scratch);
    }
    interface->id = item->id;
    interface->doc = doc;
    interface->body.file = context->file;
    item->form = ISO_WIT_ITEM_INLINE;
    item->interface = interface;
    enum iso_err err = iso_wit_lex_next(context);
    return err != ISO_OK ? err : iso_wit_parse_interface_body(context, interface);
}

static enum iso_err parse_item_func(struct iso_wit_context *context, struct iso_str doc,
                                    struct iso_wit_ast_item *item)
{
    struct iso_wit_ast_func *func = iso_arena_alloc(&context->scratch, sizeof *func);
    if (func == NULL) {
        return iso_wit_no_memory(context, &context->scratch);
    }
    func->id = item->id;
    func->doc = doc;
    item->form = ISO_WIT_ITEM_FUNC;
    item->func = func;
    enum iso_err err = iso_wit_parse_func(context, func);
    return err != ISO_OK ? err : iso_wit_expect(context, ';', "';'");
}

/* After `name :`, where `joined` says that nothing stood between them and what follows: then it is
 * a path such as wasi:clocks/types. */
static enum iso_err parse_item_named(struct iso_wit_context *context, struct iso_str doc,
                                     struct iso_wit_ast_item *item)
{
    if (iso_wit_at_keyword(context, "func") || iso_wit_at_keyword(context, "async")) {
        return parse_item_func(context, doc, item);
    }
    if (iso_wit_at_keyword(context, "interface")) {
        return parse_inline(context, doc, item);
    }
    item->form = ISO_WIT_ITEM_LABEL;
    if (context->token.kind == ISO_WIT_TOKEN_KEYWORD) {
        return iso_wit_expected(context, "'func', 'interface' or the name of an interface");
    }
    enum iso_err err = iso_wit_parse_path(context, item->path);
    return err != ISO_OK ? err : iso_wit_expect(context, ';', "';'");
}

/* The item's first name is read, a colon is next. Decides between `ns:pkg/iface` and `name: ...`.
 */
static enum iso_err parse_item_colon(struct iso_wit_context *context, struct iso_str doc,
                                     struct iso_wit_ast_item *item)
{
    struct iso_wit_token colon = context->token;
    uint32_t after_colon = context->pos;
    enum iso_err err = iso_wit_lex_next(context);
    if (err != ISO_OK) {
        return err;
    }
    bool joined = context->token.kind == ISO_WIT_TOKEN_ID &&
                  context->token.at.offset == colon.at.offset + 1 &&
                  colon.at.offset == colon.blank_from;
    if (!joined) {
        return parse_item_named(context, doc, item);
    }
    context->token = colon;
    context->pos = after_colon;
    item->form = ISO_WIT_ITEM_PATH;
    err = iso_wit_parse_path_rest(context, item->id, item->path);
    return err != ISO_OK ? err : iso_wit_expect(context, ';', "';'");
}

static enum iso_err new_item(struct iso_wit_context *context, struct iso_wit_ast_item **out)
{
    struct iso_wit_ast_item *item = iso_arena_alloc(&context->scratch, sizeof *item);
    struct iso_wit_path *path = iso_arena_alloc(&context->scratch, sizeof *path);
    if (item == NULL || path == NULL) {
        return iso_wit_no_memory(context, &context->scratch);
    }
    item->path = path;
    *out = item;
    return ISO_OK;
}

/* After 'import' or 'export'. */
static enum iso_err parse_item(struct iso_wit_context *context, struct iso_str doc,
                               struct iso_wit_ast_item *item)
{
    enum iso_err err = iso_wit_expect_id(context, "the name of a function or interface", &item->id);
    if (err != ISO_OK) {
        return err;
    }
    if (context->token.kind == ':') {
        return parse_item_colon(context, doc, item);
    }
    item->form = ISO_WIT_ITEM_PATH;
    *item->path = (struct iso_wit_path){.name = item->id};
    return iso_wit_expect(context, ';', "':' or ';'");
}

static enum iso_err parse_rename(struct iso_wit_context *context, struct iso_wit_ast_rename **end)
{
    struct iso_wit_ast_rename *rename = iso_arena_alloc(&context->scratch, sizeof *rename);
    if (rename == NULL) {
        return iso_wit_no_memory(context, &context->scratch);
    }
    enum iso_err err = iso_wit_expect_id(context, "a name to be changed", &rename->from);
    if (err == ISO_OK && !iso_wit_at_keyword(context, "as")) {
        return iso_wit_expected(context, "'as' and the new name");
    }
    if (err == ISO_OK) {
        err = iso_wit_lex_next(context);
    }
    if (err == ISO_OK) {
        err = iso_wit_expect_id(context, "the new name", &rename->to);
    }
    if (err != ISO_OK) {
        return err;
    }
    *end = rename;
    if (context->token.kind == ',') {
        return iso_wit_lex_next(context);
    }
    return context->token.kind == '}' ? ISO_OK : iso_wit_expected(context, "',' or '}'");
}

/* After 'include': path ';' or path 'with' '{' a as b, ... '}' */
static enum iso_err parse_include(struct iso_wit_context *context, struct iso_wit_ast_item *item)
{
    item->form = ISO_WIT_ITEM_INCLUDE;
    item->id.at = context->token.at;
    enum iso_err err = iso_wit_parse_path(context, item->path);
    if (err != ISO_OK || !iso_wit_at_keyword(context, "with")) {
        return err != ISO_OK ? err : iso_wit_expect(context, ';', "'with' or ';'");
    }
    err = iso_wit_lex_next(context);
    if (err == ISO_OK) {
        err = iso_wit_expect(context, '{', "'{'");
    }
    struct iso_wit_ast_rename **end = &item->renames;
    for (uint32_t i = 0; err == ISO_OK && context->token.kind != '}'; i++) {
        if (i == ISO_WIT_MAX_ITEMS) {
            return iso_wit_fail(context, context->token.at, ISO_E_LIMIT,
                                "at most %u renamings are supported", ISO_WIT_MAX_ITEMS);
        }
        err = parse_rename(context, end);
        if (err == ISO_OK) {
            end = &(*end)->next;
        }
    }
    if (err == ISO_OK) {
        err = iso_wit_lex_next(context);
    }
    /* A semicolon is not asked for after the brace, but people write it. */
    return err == ISO_OK && context->token.kind == ';' ? iso_wit_lex_next(context) : err;
}

/* import, export or include */
static enum iso_err add_item(struct iso_wit_context *context, void *owner, struct iso_str doc)
{
    struct iso_wit_ast_world *world = owner;
    struct iso_wit_ast_item *item = NULL;
    enum iso_err err = new_item(context, &item);
    if (err != ISO_OK) {
        return err;
    }
    if (world->item_count == ISO_WIT_MAX_ITEMS) {
        return iso_wit_fail(context, context->token.at, ISO_E_LIMIT,
                            "at most %u imports and exports are supported", ISO_WIT_MAX_ITEMS);
    }
    bool is_include = iso_wit_at_keyword(context, "include");
    item->is_export = iso_wit_at_keyword(context, "export");
    if (!is_include && !item->is_export && !iso_wit_at_keyword(context, "import")) {
        return iso_wit_expected(context, "'import', 'export', 'include', 'use', a type or '}'");
    }
    err = iso_wit_lex_next(context);
    if (err == ISO_OK) {
        err = is_include ? parse_include(context, item) : parse_item(context, doc, item);
    }
    if (err == ISO_OK) {
        struct iso_wit_ast_item **end = &world->items;
        while (*end != NULL) {
            end = &(*end)->next;
        }
        *end = item;
        world->item_count++;
    }
    return err;
}

enum iso_err iso_wit_parse_world_body(struct iso_wit_context *context,
                                      struct iso_wit_ast_world *world)
{
    return parse_body(context, &world->body, add_item, world);
}
