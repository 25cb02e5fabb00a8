/*
 * wit_parse_type.c - types, where they are used and where they are declared (WIT.md, "Types",
 * "Items: type").
 */
#include "interface/wit_syntax.h"

enum iso_err iso_wit_expected(const struct iso_wit_context *context, const char *what)
{
    const struct iso_wit_token *token = &context->token;
    if (token->kind == ISO_WIT_TOKEN_END) {
        return iso_wit_fail(context, token->at, ISO_E_MALFORMED,
                            "expected %s, found the end of the text", what);
    }
    const char *kind = token->kind == ISO_WIT_TOKEN_KEYWORD ? "the keyword " : "";
    return iso_wit_fail(context, token->at, ISO_E_MALFORMED, "expected %s, found %s'%.*s'", what,
                        kind, ISO_WIT_SHOW(token->text));
}

bool iso_wit_at_keyword(const struct iso_wit_context *context, const char *word)
{
    return context->token.kind == ISO_WIT_TOKEN_KEYWORD &&
           iso_str_equal_z(context->token.text, word);
}

enum iso_err iso_wit_expect(struct iso_wit_context *context, int kind, const char *what)
{
    return context->token.kind == kind ? iso_wit_lex_next(context)
                                       : iso_wit_expected(context, what);
}

enum iso_err iso_wit_expect_id(struct iso_wit_context *context, const char *what,
                               struct iso_wit_id *out)
{
    const struct iso_wit_token *token = &context->token;
    if (token->kind == ISO_WIT_TOKEN_KEYWORD) {
        return iso_wit_fail(context, token->at, ISO_E_MALFORMED,
                            "expected %s, found the keyword '%.*s'; as a name it is written "
                            "'%%%.*s'",
                            what, ISO_WIT_SHOW(token->text), ISO_WIT_SHOW(token->text));
    }
    if (token->kind != ISO_WIT_TOKEN_ID) {
        return iso_wit_expected(context, what);
    }
    *out = (struct iso_wit_id){.text = token->text, .at = token->at};
    return iso_wit_lex_next(context);
}

void iso_wit_note_unsupported(struct iso_wit_context *context, struct iso_wit_at at,
                              const char *what)
{
    if (context->unsupported == NULL) {
        context->unsupported = what;
        context->unsupported_at = at;
    }
}

static bool at_list_end(const struct iso_wit_context *context, int close)
{
    return context->token.kind == close;
}

/* After an item of a list: a comma, or the end. */
static enum iso_err list_next(struct iso_wit_context *context, int close, const char *what)
{
    if (context->token.kind == ',') {
        return iso_wit_lex_next(context);
    }
    return at_list_end(context, close) ? ISO_OK : iso_wit_expected(context, what);
}

static enum iso_err too_many(const struct iso_wit_context *context, const char *what)
{
    return iso_wit_fail(context, context->token.at, ISO_E_LIMIT, "at most %u %s are supported",
                        ISO_WIT_MAX_MEMBERS, what);
}

static enum iso_err parse_tuple(struct iso_wit_context *context, struct iso_wit_ast_type *type)
{
    struct iso_wit_ast_type **end = &type->first;
    enum iso_err err = iso_wit_expect(context, '<', "'<' and the items of the tuple");
    while (err == ISO_OK && !at_list_end(context, '>')) {
        if (type->count == ISO_WIT_MAX_MEMBERS) {
            return too_many(context, "items of a tuple");
        }
        err = iso_wit_parse_type(context, end);
        if (err == ISO_OK) {
            end = &(*end)->next;
            type->count++;
            err = list_next(context, '>', "',' or '>'");
        }
    }
    if (err == ISO_OK && type->count == 0) {
        return iso_wit_fail(context, type->at, ISO_E_INVALID, "a tuple needs at least one item");
    }
    return err != ISO_OK ? err : iso_wit_expect(context, '>', "'>'");
}

static enum iso_err parse_list(struct iso_wit_context *context, struct iso_wit_ast_type *type)
{
    enum iso_err err = iso_wit_expect(context, '<', "'<' and the type of the elements");
    if (err == ISO_OK) {
        err = iso_wit_parse_type(context, &type->first);
    }
    if (err == ISO_OK && context->token.kind == ',') {
        iso_wit_note_unsupported(context, type->at, "lists of fixed length");
        err = iso_wit_lex_next(context);
        if (err == ISO_OK) {
            err = iso_wit_expect(context, ISO_WIT_TOKEN_INTEGER, "the length of the list");
        }
    }
    return err != ISO_OK ? err : iso_wit_expect(context, '>', "'>'");
}

static enum iso_err parse_option(struct iso_wit_context *context, struct iso_wit_ast_type *type)
{
    enum iso_err err = iso_wit_expect(context, '<', "'<' and the type of the value");
    if (err == ISO_OK) {
        err = iso_wit_parse_type(context, &type->first);
    }
    return err != ISO_OK ? err : iso_wit_expect(context, '>', "'>'");
}

/* result, result<ok>, result<ok, error>, result<_, error> */
static enum iso_err parse_result(struct iso_wit_context *context, struct iso_wit_ast_type *type)
{
    if (context->token.kind != '<') {
        return ISO_OK;
    }
    enum iso_err err = iso_wit_lex_next(context);
    if (err == ISO_OK && context->token.kind == '_') {
        err = iso_wit_lex_next(context);
        if (err == ISO_OK && context->token.kind != ',') {
            return iso_wit_expected(context, "',' and the type of the error");
        }
    } else if (err == ISO_OK) {
        err = iso_wit_parse_type(context, &type->first);
    }
    if (err == ISO_OK && context->token.kind == ',') {
        err = iso_wit_lex_next(context);
        if (err == ISO_OK) {
            err = iso_wit_parse_type(context, &type->error);
        }
    }
    return err != ISO_OK ? err : iso_wit_expect(context, '>', "',' or '>'");
}

/* own<x>, borrow<x>, stream, stream<x>, future, future<x>, map<k, v>, error-context */
static enum iso_err parse_refused(struct iso_wit_context *context, struct iso_wit_ast_type *type)
{
    static const struct {
        const char *word;
        const char *feature;
        unsigned types; /* in <> */
        bool optional;
    } forms[] = {{"own", "resources", 1, false},
                 {"borrow", "resources", 1, false},
                 {"stream", "streams", 1, true},
                 {"future", "futures", 1, true},
                 {"map", "maps (use list<tuple<K, V>>)", 2, false},
                 {"error-context", "error contexts", 0, true}};
    for (size_t i = 0; i < ISO_COUNT_OF(forms); i++) {
        if (!iso_wit_at_keyword(context, forms[i].word)) {
            continue;
        }
        iso_wit_note_unsupported(context, context->token.at, forms[i].feature);
        enum iso_err err = iso_wit_lex_next(context);
        if (err != ISO_OK || forms[i].types == 0 ||
            (forms[i].optional && context->token.kind != '<')) {
            return err;
        }
        err = iso_wit_expect(context, '<', "'<' and a type");
        for (unsigned k = 0; k < forms[i].types && err == ISO_OK; k++) {
            if (k > 0) {
                err = iso_wit_expect(context, ',', "','");
            }
            if (err == ISO_OK) {
                err = iso_wit_parse_type(context, &type->first);
            }
        }
        return err != ISO_OK ? err : iso_wit_expect(context, '>', "'>'");
    }
    return iso_wit_expected(context, "a type");
}

static enum iso_err parse_keyword_type(struct iso_wit_context *context,
                                       struct iso_wit_ast_type *type)
{
    static const struct {
        const char *word;
        enum iso_vkind kind;
        enum iso_err (*parse)(struct iso_wit_context *, struct iso_wit_ast_type *);
    } words[] = {{"bool", ISO_V_BOOL, NULL},
                 {"s8", ISO_V_S8, NULL},
                 {"u8", ISO_V_U8, NULL},
                 {"s16", ISO_V_S16, NULL},
                 {"u16", ISO_V_U16, NULL},
                 {"s32", ISO_V_S32, NULL},
                 {"u32", ISO_V_U32, NULL},
                 {"s64", ISO_V_S64, NULL},
                 {"u64", ISO_V_U64, NULL},
                 {"f32", ISO_V_F32, NULL},
                 {"f64", ISO_V_F64, NULL},
                 {"char", ISO_V_CHAR, NULL},
                 {"string", ISO_V_STRING, NULL},
                 {"list", ISO_V_LIST, parse_list},
                 {"tuple", ISO_V_TUPLE, parse_tuple},
                 {"option", ISO_V_OPTION, parse_option},
                 {"result", ISO_V_RESULT, parse_result}};
    for (size_t i = 0; i < ISO_COUNT_OF(words); i++) {
        if (iso_wit_at_keyword(context, words[i].word)) {
            type->kind = words[i].kind;
            enum iso_err err = iso_wit_lex_next(context);
            return err != ISO_OK || words[i].parse == NULL ? err : words[i].parse(context, type);
        }
    }
    return parse_refused(context, type);
}

enum iso_err iso_wit_parse_type(struct iso_wit_context *context, struct iso_wit_ast_type **out)
{
    struct iso_wit_ast_type *type = iso_arena_alloc(&context->scratch, sizeof *type);
    if (type == NULL) {
        return iso_wit_no_memory(context, &context->scratch);
    }
    type->at = context->token.at;
    if (context->depth == ISO_WIT_MAX_DEPTH) {
        return iso_wit_fail(context, type->at, ISO_E_LIMIT, "types are nested more than %u deep",
                            ISO_WIT_MAX_DEPTH);
    }
    enum iso_err err;
    if (context->token.kind == ISO_WIT_TOKEN_ID) {
        type->is_name = true;
        type->name = context->token.text;
        err = iso_wit_lex_next(context);
    } else {
        context->depth++;
        err = parse_keyword_type(context, type);
        context->depth--;
    }
    if (err == ISO_OK) {
        *out = type;
    }
    return err;
}

/* ---- Members, parameters and functions --- */

enum member_form { NAME_ONLY, NAME_AND_TYPE, NAME_AND_PAYLOAD };

static enum iso_err parse_member(struct iso_wit_context *context, enum member_form form,
                                 const char *what, struct iso_wit_ast_member *member)
{
    enum iso_err err = iso_wit_take_doc(context, &member->doc);
    if (err == ISO_OK && context->token.kind == '@') {
        return iso_wit_fail(context, context->token.at, ISO_E_MALFORMED,
                            "annotations stand before items, not before a part of one");
    }
    if (err == ISO_OK) {
        err = iso_wit_expect_id(context, what, &member->id);
    }
    if (err == ISO_OK && form == NAME_AND_TYPE) {
        err = iso_wit_expect(context, ':', "':' and a type");
        if (err == ISO_OK) {
            err = iso_wit_parse_type(context, &member->type);
        }
    } else if (err == ISO_OK && form == NAME_AND_PAYLOAD && context->token.kind == '(') {
        err = iso_wit_lex_next(context);
        if (err == ISO_OK) {
            err = iso_wit_parse_type(context, &member->type);
        }
        if (err == ISO_OK) {
            err = iso_wit_expect(context, ')', "')'");
        }
    }
    return err;
}

static enum iso_err check_member_name(const struct iso_wit_context *context,
                                      const struct iso_wit_ast_member *first,
                                      const struct iso_wit_ast_member *last, const char *what)
{
    for (const struct iso_wit_ast_member *m = first; m != last; m = m->next) {
        if (iso_wit_same_name(m->id.text, last->id.text)) {
            return iso_wit_fail(context, last->id.at, ISO_E_INVALID, "%s '%.*s' is there already",
                                what, ISO_WIT_SHOW(last->id.text));
        }
    }
    return ISO_OK;
}

static enum iso_err parse_members(struct iso_wit_context *context, enum member_form form, int close,
                                  const char *what, const char *next_what,
                                  struct iso_wit_ast_member **list, uint32_t *count)
{
    struct iso_wit_ast_member **end = list;
    enum iso_err err = ISO_OK;
    while (err == ISO_OK && !at_list_end(context, close)) {
        if (*count == ISO_WIT_MAX_MEMBERS) {
            return too_many(context, "parts of this");
        }
        struct iso_wit_ast_member *member = iso_arena_alloc(&context->scratch, sizeof *member);
        if (member == NULL) {
            return iso_wit_no_memory(context, &context->scratch);
        }
        err = parse_member(context, form, what, member);
        if (err == ISO_OK) {
            *end = member;
            end = &member->next;
            ++*count;
            /* The article before a name is none of the sentence here. */
            err = check_member_name(context, *list, member,
                                    strchr(what, ' ') != NULL ? strchr(what, ' ') + 1 : what);
        }
        if (err == ISO_OK) {
            err = list_next(context, close, next_what);
        }
    }
    return err != ISO_OK ? err : iso_wit_lex_next(context);
}

enum iso_err iso_wit_parse_func(struct iso_wit_context *context, struct iso_wit_ast_func *func)
{
    enum iso_err err = ISO_OK;
    if (iso_wit_at_keyword(context, "async")) {
        iso_wit_note_unsupported(context, context->token.at, "async functions");
        err = iso_wit_lex_next(context);
    }
    if (err == ISO_OK && !iso_wit_at_keyword(context, "func")) {
        return iso_wit_expected(context, "'func'");
    }
    if (err == ISO_OK) {
        err = iso_wit_lex_next(context);
    }
    if (err == ISO_OK) {
        err = iso_wit_expect(context, '(', "'(' and the parameters");
    }
    if (err == ISO_OK) {
        err = parse_members(context, NAME_AND_TYPE, ')', "a parameter", "',' or ')'", &func->params,
                            &func->param_count);
    }
    if (err != ISO_OK || context->token.kind != ISO_WIT_TOKEN_ARROW) {
        return err;
    }
    err = iso_wit_lex_next(context);
    if (err == ISO_OK && context->token.kind == '(') {
        return iso_wit_fail(context, context->token.at, ISO_E_MALFORMED,
                            "a function has one result and no names for it; several are a tuple "
                            "or a record");
    }
    return err != ISO_OK ? err : iso_wit_parse_type(context, &func->result);
}

/* ---- Declarations --- */

static enum iso_err parse_alias(struct iso_wit_context *context, struct iso_wit_ast_decl *decl)
{
    enum iso_err err = iso_wit_expect(context, '=', "'=' and a type");
    if (err == ISO_OK) {
        err = iso_wit_parse_type(context, &decl->target);
    }
    return err != ISO_OK ? err : iso_wit_expect(context, ';', "';'");
}

static enum iso_err parse_composite(struct iso_wit_context *context, struct iso_wit_ast_decl *decl)
{
    static const struct {
        enum iso_vkind kind;
        enum member_form form;
        const char *what;
        const char *empty;
    } kinds[] = {{ISO_V_RECORD, NAME_AND_TYPE, "a field", "a record needs at least one field"},
                 {ISO_V_VARIANT, NAME_AND_PAYLOAD, "a case", "a variant needs at least one case"},
                 {ISO_V_ENUM, NAME_ONLY, "a case", "an enum needs at least one case"},
                 {ISO_V_FLAGS, NAME_ONLY, "a flag", "flags need at least one flag"}};
    size_t i = 0;
    while (kinds[i].kind != decl->kind) {
        i++;
    }
    enum iso_err err = iso_wit_expect(context, '{', "'{'");
    if (err == ISO_OK) {
        err = parse_members(context, kinds[i].form, '}', kinds[i].what, "',' or '}'",
                            &decl->members, &decl->member_count);
    }
    if (err == ISO_OK && decl->member_count == 0) {
        return iso_wit_fail(context, decl->id.at, ISO_E_INVALID, "%s", kinds[i].empty);
    }
    return err;
}

/* Methods are read and forgotten. */
static enum iso_err parse_resource_item(struct iso_wit_context *context)
{
    struct iso_str doc;
    struct iso_wit_id id;
    struct iso_wit_ast_func func = {.param_count = 0};
    enum iso_err err = iso_wit_parse_before(context, &doc);
    if (err == ISO_OK && iso_wit_at_keyword(context, "constructor")) {
        err = iso_wit_lex_next(context);
        if (err == ISO_OK) {
            err = iso_wit_expect(context, '(', "'(' and the parameters");
        }
        if (err == ISO_OK) {
            err = parse_members(context, NAME_AND_TYPE, ')', "a parameter", "',' or ')'",
                                &func.params, &func.param_count);
        }
        if (err == ISO_OK && context->token.kind == ISO_WIT_TOKEN_ARROW) {
            err = iso_wit_lex_next(context);
            if (err == ISO_OK) {
                err = iso_wit_parse_type(context, &func.result);
            }
        }
        return err != ISO_OK ? err : iso_wit_expect(context, ';', "';'");
    }
    if (err == ISO_OK) {
        err = iso_wit_expect_id(context, "a method, 'constructor' or '}'", &id);
    }
    if (err == ISO_OK) {
        err = iso_wit_expect(context, ':', "':' and a function");
    }
    if (err == ISO_OK && iso_wit_at_keyword(context, "static")) {
        err = iso_wit_lex_next(context);
    }
    if (err == ISO_OK) {
        err = iso_wit_parse_func(context, &func);
    }
    return err != ISO_OK ? err : iso_wit_expect(context, ';', "';'");
}

static enum iso_err parse_resource(struct iso_wit_context *context, struct iso_wit_ast_decl *decl)
{
    iso_wit_note_unsupported(context, decl->id.at, "resources");
    if (context->token.kind == ';') {
        return iso_wit_lex_next(context);
    }
    enum iso_err err = iso_wit_expect(context, '{', "';' or '{'");
    while (err == ISO_OK && context->token.kind != '}') {
        err = parse_resource_item(context);
    }
    return err != ISO_OK ? err : iso_wit_lex_next(context);
}

enum iso_err iso_wit_parse_decl(struct iso_wit_context *context, struct iso_str doc,
                                struct iso_wit_ast_body *body, bool *found)
{
    static const struct {
        const char *word;
        enum iso_vkind kind;
        enum iso_err (*parse)(struct iso_wit_context *, struct iso_wit_ast_decl *);
    } forms[] = {
        {"type", ISO_V_BOOL, parse_alias},           {"record", ISO_V_RECORD, parse_composite},
        {"variant", ISO_V_VARIANT, parse_composite}, {"enum", ISO_V_ENUM, parse_composite},
        {"flags", ISO_V_FLAGS, parse_composite},     {"resource", ISO_V_BOOL, parse_resource}};
    size_t i = 0;
    while (i < ISO_COUNT_OF(forms) && !iso_wit_at_keyword(context, forms[i].word)) {
        i++;
    }
    if (i == ISO_COUNT_OF(forms)) {
        *found = false;
        return ISO_OK;
    }
    if (body->decl_count == ISO_WIT_MAX_ITEMS) {
        return iso_wit_fail(context, context->token.at, ISO_E_LIMIT,
                            "at most %u types are supported here", ISO_WIT_MAX_ITEMS);
    }
    struct iso_wit_ast_decl *decl = iso_arena_alloc(&context->scratch, sizeof *decl);
    if (decl == NULL) {
        return iso_wit_no_memory(context, &context->scratch);
    }
    *decl = (struct iso_wit_ast_decl){.doc = doc, .kind = forms[i].kind};
    enum iso_err err = iso_wit_lex_next(context);
    if (err == ISO_OK) {
        err = iso_wit_expect_id(context, "the name of the type", &decl->id);
    }
    if (err == ISO_OK) {
        err = forms[i].parse(context, decl);
    }
    if (err != ISO_OK) {
        return err;
    }
    struct iso_wit_ast_decl **end = &body->decls;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = decl;
    body->decl_count++;
    *found = true;
    return ISO_OK;
}
