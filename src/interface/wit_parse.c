/*
 * wit_parse.c - packages, `use`, interfaces and worlds (WIT.md, from "Top-level items" on).
 */
#include "interface/wit_syntax.h"

static enum iso_err parse_gate(struct iso_wit_context *context)
{
    static const struct {
        const char *word;
        const char *field;
    } gates[] = {{"since", "version"}, {"deprecated", "version"}, {"unstable", "feature"}};
    struct iso_wit_id word, field;
    enum iso_err err = iso_wit_expect_id(context, "an annotation, such as since", &word);
    if (err == ISO_OK && iso_str_equal_z(word.text, "external-id")) {
        err = iso_wit_expect(context, '(', "'('");
        if (err == ISO_OK) {
            err = iso_wit_expect(context, ISO_WIT_TOKEN_STRING, "a string");
        }
        return err != ISO_OK ? err : iso_wit_expect(context, ')', "')'");
    }
    size_t i = 0;
    while (err == ISO_OK && i < ISO_COUNT_OF(gates) && !iso_str_equal_z(word.text, gates[i].word)) {
        i++;
    }
    if (err == ISO_OK && i == ISO_COUNT_OF(gates)) {
        return iso_wit_fail(context, word.at, ISO_E_MALFORMED,
                            "'@%.*s' is unknown; annotations are @since, @unstable, @deprecated "
                            "and @external-id",
                            ISO_WIT_SHOW(word.text));
    }
    if (err == ISO_OK) {
        err = iso_wit_expect(context, '(', "'('");
    }
    if (err == ISO_OK) {
        err = iso_wit_expect_id(context, gates[i].field, &field);
    }
    if (err == ISO_OK && !iso_str_equal_z(field.text, gates[i].field)) {
        return iso_wit_fail(context, field.at, ISO_E_MALFORMED, "expected '%s = ...' in '@%s'",
                            gates[i].field, gates[i].word);
    }
    if (err == ISO_OK) {
        if (context->token.kind != '=') {
            return iso_wit_expected(context, "'='");
        }
        struct iso_str version;
        bool is_version = gates[i].field[0] == 'v';
        err = iso_wit_lex_next(context);
        if (err == ISO_OK) {
            err = is_version ? iso_wit_lex_version(context, &version)
                             : iso_wit_expect_id(context, "the name of a feature", &field);
        }
    }
    return err != ISO_OK ? err : iso_wit_expect(context, ')', "')'");
}

enum iso_err iso_wit_parse_gates(struct iso_wit_context *context)
{
    enum iso_err err = ISO_OK;
    while (err == ISO_OK && context->token.kind == '@') {
        err = iso_wit_lex_next(context);
        if (err == ISO_OK) {
            err = parse_gate(context);
        }
    }
    return err;
}

enum iso_err iso_wit_parse_before(struct iso_wit_context *context, struct iso_str *doc)
{
    *doc = iso_str_from(NULL, 0);
    enum iso_err err = iso_wit_take_doc(context, doc);
    return err != ISO_OK ? err : iso_wit_parse_gates(context);
}

/* ---- Paths and `use` --- */

enum iso_err iso_wit_parse_path_rest(struct iso_wit_context *context, struct iso_wit_id first,
                                     struct iso_wit_path *path)
{
    *path = (struct iso_wit_path){.name = first};
    if (context->token.kind != ':') {
        return ISO_OK;
    }
    path->ns = first;
    enum iso_err err = iso_wit_lex_next(context);
    if (err == ISO_OK) {
        err = iso_wit_expect_id(context, "the name of a package", &path->package);
    }
    if (err == ISO_OK && context->token.kind == ':') {
        return iso_wit_fail(context, context->token.at, ISO_E_UNSUPPORTED,
                            "nested namespaces are not supported");
    }
    if (err == ISO_OK && context->token.kind != '/') {
        return iso_wit_expected(context, "'/' and a name in that package");
    }
    if (err == ISO_OK) {
        err = iso_wit_lex_next(context);
    }
    if (err == ISO_OK) {
        err = iso_wit_expect_id(context, "a name in that package", &path->name);
    }
    if (err == ISO_OK && context->token.kind == '/') {
        return iso_wit_fail(context, context->token.at, ISO_E_UNSUPPORTED,
                            "nested packages in paths are not supported");
    }
    if (err == ISO_OK && context->token.kind == '@') {
        err = iso_wit_lex_next(context);
        if (err == ISO_OK) {
            err = iso_wit_lex_version(context, &path->version);
        }
    }
    return err;
}

enum iso_err iso_wit_parse_path(struct iso_wit_context *context, struct iso_wit_path *path)
{
    struct iso_wit_id first;
    enum iso_err err = iso_wit_expect_id(context, "the name of an interface or world", &first);
    return err != ISO_OK ? err : iso_wit_parse_path_rest(context, first, path);
}

/* [ 'as' id ] */
static enum iso_err parse_as(struct iso_wit_context *context, struct iso_wit_id *as)
{
    if (!iso_wit_at_keyword(context, "as")) {
        return ISO_OK;
    }
    enum iso_err err = iso_wit_lex_next(context);
    return err != ISO_OK ? err : iso_wit_expect_id(context, "the new name", as);
}

static enum iso_err parse_use_name(struct iso_wit_context *context, const struct iso_wit_path *path,
                                   struct iso_wit_ast_body *body)
{
    struct iso_wit_ast_use *use = iso_arena_alloc(&context->scratch, sizeof *use);
    if (use == NULL) {
        return iso_wit_no_memory(context, &context->scratch);
    }
    if (body->use_count == ISO_WIT_MAX_ITEMS) {
        return iso_wit_fail(context, context->token.at, ISO_E_LIMIT,
                            "at most %u names of 'use' are supported here", ISO_WIT_MAX_ITEMS);
    }
    use->path = path;
    enum iso_err err = iso_wit_expect_id(context, "the name of a type", &use->from);
    if (err != ISO_OK) {
        return err;
    }
    use->as = use->from;
    err = parse_as(context, &use->as);
    if (err != ISO_OK) {
        return err;
    }
    struct iso_wit_ast_use **end = &body->uses;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = use;
    body->use_count++;
    if (context->token.kind == ',') {
        return iso_wit_lex_next(context);
    }
    return context->token.kind == '}' ? ISO_OK : iso_wit_expected(context, "',' or '}'");
}

enum iso_err iso_wit_parse_use(struct iso_wit_context *context, struct iso_wit_ast_body *body)
{
    struct iso_wit_path *path = iso_arena_alloc(&context->scratch, sizeof *path);
    if (path == NULL) {
        return iso_wit_no_memory(context, &context->scratch);
    }
    enum iso_err err = iso_wit_lex_next(context);
    if (err == ISO_OK) {
        err = iso_wit_parse_path(context, path);
    }
    if (err == ISO_OK) {
        err = iso_wit_expect(context, '.', "'.' and the types, as in 'use types.{point};'");
    }
    if (err == ISO_OK) {
        err = iso_wit_expect(context, '{', "'{' and the types, as in 'use types.{point};'");
    }
    while (err == ISO_OK && context->token.kind != '}') {
        err = parse_use_name(context, path, body);
    }
    if (err == ISO_OK) {
        err = iso_wit_lex_next(context);
    }
    return err != ISO_OK ? err : iso_wit_expect(context, ';', "';'");
}

static enum iso_err parse_top_use(struct iso_wit_context *context)
{
    struct iso_wit_file *file = context->file;
    struct iso_wit_ast_top_use *use = iso_arena_alloc(&context->scratch, sizeof *use);
    struct iso_wit_path *path = iso_arena_alloc(&context->scratch, sizeof *path);
    if (use == NULL || path == NULL) {
        return iso_wit_no_memory(context, &context->scratch);
    }
    if (file->use_count == ISO_WIT_MAX_TOP) {
        return iso_wit_fail(context, context->token.at, ISO_E_LIMIT,
                            "at most %u uses are supported here", ISO_WIT_MAX_TOP);
    }
    enum iso_err err = iso_wit_lex_next(context);
    if (err == ISO_OK) {
        err = iso_wit_parse_path(context, path);
    }
    if (err == ISO_OK) {
        use->path = path;
        use->as = path->name;
        err = parse_as(context, &use->as);
    }
    if (err == ISO_OK) {
        err = iso_wit_expect(context, ';', "';'");
    }
    for (struct iso_wit_ast_top_use *u = file->uses; u != NULL && err == ISO_OK; u = u->next) {
        if (iso_wit_same_name(u->as.text, use->as.text)) {
            return iso_wit_fail(context, use->as.at, ISO_E_INVALID,
                                "'%.*s' is used already; rename one with 'as'",
                                ISO_WIT_SHOW(use->as.text));
        }
    }
    if (err == ISO_OK) {
        use->next = file->uses;
        file->uses = use;
        file->use_count++;
    }
    return err;
}

/* ---- Interfaces and worlds at the top --- */

static enum iso_err check_top_name(const struct iso_wit_context *context, struct iso_wit_id id)
{
    struct iso_wit_ast_package *package = context->file->package;
    if (package->top_count == ISO_WIT_MAX_TOP) {
        return iso_wit_fail(context, id.at, ISO_E_LIMIT,
                            "at most %u interfaces and worlds of a package are supported",
                            ISO_WIT_MAX_TOP);
    }
    bool taken = false;
    for (const struct iso_wit_ast_interface *i = package->interfaces; i != NULL; i = i->next) {
        taken = taken || iso_wit_same_name(i->id.text, id.text);
    }
    for (const struct iso_wit_ast_world *w = package->worlds; w != NULL; w = w->next) {
        taken = taken || iso_wit_same_name(w->id.text, id.text);
    }
    if (taken) {
        return iso_wit_fail(context, id.at, ISO_E_INVALID,
                            "an interface or world '%.*s' is there already", ISO_WIT_SHOW(id.text));
    }
    package->top_count++;
    return ISO_OK;
}

static enum iso_err parse_interface(struct iso_wit_context *context, struct iso_str doc)
{
    struct iso_wit_ast_interface *interface = iso_arena_alloc(&context->scratch, sizeof *interface);
    if (interface == NULL) {
        return iso_wit_no_memory(context, &context->scratch);
    }
    interface->doc = doc;
    interface->package = context->file->package;
    interface->body.file = context->file;
    enum iso_err err = iso_wit_lex_next(context);
    if (err == ISO_OK) {
        err = iso_wit_expect_id(context, "the name of the interface", &interface->id);
    }
    if (err == ISO_OK) {
        err = check_top_name(context, interface->id);
    }
    if (err == ISO_OK) {
        err = iso_wit_parse_interface_body(context, interface);
    }
    if (err == ISO_OK) {
        struct iso_wit_ast_interface **end = &interface->package->interfaces;
        while (*end != NULL) {
            end = &(*end)->next;
        }
        *end = interface;
    }
    return err;
}

static enum iso_err parse_world(struct iso_wit_context *context, struct iso_str doc)
{
    struct iso_wit_ast_world *world = iso_arena_alloc(&context->scratch, sizeof *world);
    if (world == NULL) {
        return iso_wit_no_memory(context, &context->scratch);
    }
    world->doc = doc;
    world->package = context->file->package;
    world->body.file = context->file;
    enum iso_err err = iso_wit_lex_next(context);
    if (err == ISO_OK) {
        err = iso_wit_expect_id(context, "the name of the world", &world->id);
    }
    if (err == ISO_OK) {
        err = check_top_name(context, world->id);
    }
    if (err == ISO_OK) {
        err = iso_wit_parse_world_body(context, world);
    }
    if (err == ISO_OK) {
        struct iso_wit_ast_world **end = &world->package->worlds;
        while (*end != NULL) {
            end = &(*end)->next;
        }
        *end = world;
    }
    return err;
}

/* ---- Packages --- */

/* Finds or makes the package of a declaration. */
static enum iso_err enter_package(struct iso_wit_context *context, struct iso_wit_id ns,
                                  struct iso_wit_id name, struct iso_str version,
                                  struct iso_str doc, struct iso_wit_ast_package **out)
{
    struct iso_wit_ast_package **end = &context->packages;
    for (; *end != NULL; end = &(*end)->next) {
        if (iso_str_equal((*end)->ns.text, ns.text) &&
            iso_str_equal((*end)->name.text, name.text) &&
            iso_str_equal((*end)->version, version)) {
            (*end)->doc = (*end)->doc.len != 0 ? (*end)->doc : doc;
            *out = *end;
            return ISO_OK;
        }
    }
    if (context->package_count == ISO_WIT_MAX_PACKAGES) {
        return iso_wit_fail(context, ns.at, ISO_E_LIMIT, "at most %u packages are supported",
                            ISO_WIT_MAX_PACKAGES);
    }
    struct iso_wit_ast_package *package = iso_arena_alloc(&context->scratch, sizeof *package);
    if (package == NULL) {
        return iso_wit_no_memory(context, &context->scratch);
    }
    *package = (struct iso_wit_ast_package){.ns = ns, .name = name, .version = version, .doc = doc};
    *end = package;
    context->package_count++;
    *out = package;
    return ISO_OK;
}

/* 'package' ns ':' name [ '@' version ] */
static enum iso_err parse_package_name(struct iso_wit_context *context, struct iso_str doc,
                                       struct iso_wit_ast_package **out)
{
    struct iso_wit_id ns, name;
    struct iso_str version = {.len = 0};
    enum iso_err err = iso_wit_lex_next(context);
    if (err == ISO_OK) {
        err = iso_wit_expect_id(context, "the namespace of the package, as in 'acme:scaler'", &ns);
    }
    if (err == ISO_OK) {
        err = iso_wit_expect(context, ':', "':' and the name of the package, as in 'acme:scaler'");
    }
    if (err == ISO_OK) {
        err = iso_wit_expect_id(context, "the name of the package", &name);
    }
    if (err == ISO_OK && (context->token.kind == ':' || context->token.kind == '/')) {
        return iso_wit_fail(context, context->token.at, ISO_E_UNSUPPORTED,
                            "nested namespaces and packages in names are not supported");
    }
    if (err == ISO_OK && context->token.kind == '@') {
        err = iso_wit_lex_next(context);
        if (err == ISO_OK) {
            err = iso_wit_lex_version(context, &version);
        }
    }
    return err != ISO_OK ? err : enter_package(context, ns, name, version, doc, out);
}

static enum iso_err add_file(struct iso_wit_context *context, struct iso_wit_ast_package *package,
                             struct iso_wit_file **out)
{
    struct iso_wit_file *file = iso_arena_alloc(&context->scratch, sizeof *file);
    if (file == NULL) {
        return iso_wit_no_memory(context, &context->scratch);
    }
    file->package = package;
    file->next = context->files;
    context->files = file;
    *out = file;
    return ISO_OK;
}

/* interface, world or use */
static enum iso_err parse_top_item(struct iso_wit_context *context, struct iso_str doc,
                                   const char *expected)
{
    if (iso_wit_at_keyword(context, "interface")) {
        return parse_interface(context, doc);
    }
    if (iso_wit_at_keyword(context, "world")) {
        return parse_world(context, doc);
    }
    if (iso_wit_at_keyword(context, "use")) {
        return parse_top_use(context);
    }
    return iso_wit_expected(context, expected);
}

/* 'package' name '{' items '}', at the brace */
static enum iso_err parse_nested_package(struct iso_wit_context *context,
                                         struct iso_wit_ast_package *package, struct iso_wit_at at)
{
    struct iso_wit_file *outer = context->file;
    if (package == context->main_package) {
        return iso_wit_fail(context, at, ISO_E_INVALID,
                            "this package is the main one of these texts already");
    }
    enum iso_err err = add_file(context, package, &context->file);
    if (err == ISO_OK) {
        err = iso_wit_expect(context, '{', "'{'");
    }
    while (err == ISO_OK && context->token.kind != '}') {
        struct iso_str doc;
        err = iso_wit_parse_before(context, &doc);
        if (err == ISO_OK) {
            err = parse_top_item(context, doc, "'interface', 'world', 'use' or '}'");
        }
    }
    context->file = outer;
    return err != ISO_OK ? err : iso_wit_lex_next(context);
}

/* A `package` line: the header of this text, or a nested package. */
static enum iso_err parse_package(struct iso_wit_context *context, struct iso_str doc, bool first)
{
    struct iso_wit_ast_package *package;
    struct iso_wit_at at = context->token.at;
    enum iso_err err = parse_package_name(context, doc, &package);
    if (err != ISO_OK) {
        return err;
    }
    if (context->token.kind == '{') {
        return parse_nested_package(context, package, at);
    }
    if (context->token.kind != ';') {
        return iso_wit_expected(context, "';' or '{'");
    }
    if (!first) {
        return iso_wit_fail(context, at, ISO_E_MALFORMED,
                            "'package ...;' stands at the top of a text; further packages have "
                            "their items in '{ }'");
    }
    context->file->package = package;
    return iso_wit_lex_next(context);
}

static enum iso_err missing_package(const struct iso_wit_context *context, struct iso_wit_at at)
{
    return iso_wit_fail(context, at, ISO_E_INVALID,
                        "the text must begin with the name of its package, as in 'package "
                        "acme:scaler@1.0.0;'");
}

static enum iso_err parse_source(struct iso_wit_context *context, uint32_t source)
{
    enum iso_err err = iso_wit_check_text(context, source);
    if (err == ISO_OK) {
        /* Texts without a header belong to the main package. */
        err = add_file(context, context->main_package, &context->file);
    }
    if (err == ISO_OK) {
        err = iso_wit_lex_begin(context, source);
    }
    bool first = true;
    while (err == ISO_OK && context->token.kind != ISO_WIT_TOKEN_END) {
        struct iso_str doc;
        err = iso_wit_parse_before(context, &doc);
        if (err == ISO_OK && iso_wit_at_keyword(context, "package")) {
            err = parse_package(context, doc, first);
        } else if (err == ISO_OK && context->file->package == NULL) {
            return missing_package(context, context->token.at);
        } else if (err == ISO_OK) {
            err = parse_top_item(context, doc, "'interface', 'world', 'use' or 'package'");
        }
        first = false;
    }
    return err;
}

/* The first header of all texts names the main package. */
static enum iso_err find_main(struct iso_wit_context *context)
{
    enum iso_err err = ISO_OK;
    for (uint32_t i = 0;
         i < context->source_count && err == ISO_OK && context->main_package == NULL; i++) {
        struct iso_str doc;
        struct iso_wit_ast_package *package;
        err = iso_wit_check_text(context, i);
        if (err == ISO_OK) {
            err = iso_wit_lex_begin(context, i);
        }
        if (err == ISO_OK) {
            err = iso_wit_parse_before(context, &doc);
        }
        if (err == ISO_OK && iso_wit_at_keyword(context, "package")) {
            err = parse_package_name(context, doc, &package);
            if (err == ISO_OK && context->token.kind == ';') {
                context->main_package = package;
            }
        }
    }
    return err;
}

enum iso_err iso_wit_parse_sources(struct iso_wit_context *context)
{
    enum iso_err err = find_main(context);
    for (uint32_t i = 0; i < context->source_count && err == ISO_OK; i++) {
        err = parse_source(context, i);
    }
    if (err == ISO_OK && context->main_package == NULL) {
        return missing_package(context, (struct iso_wit_at){.source = 0});
    }
    if (err == ISO_OK && context->unsupported != NULL) {
        return iso_wit_fail(context, context->unsupported_at, ISO_E_UNSUPPORTED,
                            "%s are not supported", context->unsupported);
    }
    return err;
}
