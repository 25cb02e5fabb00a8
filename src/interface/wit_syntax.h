/*
 * wit_syntax.h - the syntax tree of WIT texts, the lexer, and the context of one parse. Internal to
 * src/interface.
 *
 * A parse runs in three steps: all texts are read into the tree (wit_parse*.c), which lives in the
 * scratch arena; names are looked up and the model is built in the arena of the result
 * (wit_resolve*.c); the scratch arena goes. Text views in the tree point into the sources.
 */
#ifndef ISO_INTERFACE_WIT_SYNTAX_H
#define ISO_INTERFACE_WIT_SYNTAX_H

#include "interface/interface.h"
#include "interface/wit_limits.h"

/* A place in a text. */
struct iso_wit_at {
    uint32_t source; /* index */
    uint32_t offset; /* in bytes */
};

struct iso_wit_id {
    struct iso_str text; /* without % */
    struct iso_wit_at at;
};

/* "types" or "wasi:clocks/types@1.0.0" */
struct iso_wit_path {
    struct iso_wit_id ns; /* empty: the short form */
    struct iso_wit_id package;
    struct iso_wit_id name;
    struct iso_str version;
};

/* A type as it is written where it is used. */
struct iso_wit_ast_type {
    struct iso_wit_at at;
    bool is_name; /* else kind */
    enum iso_vkind kind;
    struct iso_str name;
    struct iso_wit_ast_type *first; /* list, option: element; tuple: items; result: ok or NULL */
    struct iso_wit_ast_type *error; /* result: error or NULL */
    struct iso_wit_ast_type *next;  /* tuple items */
    uint32_t count;                 /* of tuple items */
};

/* A field, case, flag or parameter. */
struct iso_wit_ast_member {
    struct iso_wit_id id;
    struct iso_str doc;
    struct iso_wit_ast_type *type; /* or NULL */
    struct iso_wit_ast_member *next;
};

enum iso_wit_state { ISO_WIT_NEW, ISO_WIT_ACTIVE, ISO_WIT_DONE };

/* A declaration of a type. */
struct iso_wit_ast_decl {
    struct iso_wit_id id;
    struct iso_str doc;
    struct iso_wit_ast_type *target; /* of `type x = target`; else NULL */
    enum iso_vkind kind;             /* record, variant, enum, flags */
    struct iso_wit_ast_member *members;
    uint32_t member_count;
    struct iso_wit_ast_decl *next;
    enum iso_wit_state state;
    const struct iso_vtype *type; /* when done */
    uint32_t depth;
};

/* One name of a `use`. */
struct iso_wit_ast_use {
    const struct iso_wit_path *path;
    struct iso_wit_id from;
    struct iso_wit_id as; /* the same when not renamed */
    struct iso_wit_ast_use *next;
    struct iso_wit_ast_interface *target; /* of the path, once it was looked up */
    enum iso_wit_state state;
    const struct iso_vtype *type;
    uint32_t depth;
};

struct iso_wit_ast_func {
    struct iso_wit_id id;
    struct iso_str doc;
    struct iso_wit_ast_member *params;
    uint32_t param_count;
    struct iso_wit_ast_type *result; /* or NULL */
    struct iso_wit_ast_func *next;
};

/* What an interface and a world have in common: a scope of types. */
struct iso_wit_ast_body {
    const struct iso_wit_file *file;
    const struct iso_wit_interface *owner; /* of its types; NULL in a world */
    struct iso_wit_ast_decl *decls;
    struct iso_wit_ast_use *uses;
    uint32_t decl_count;
    uint32_t use_count;
};

struct iso_wit_ast_interface {
    struct iso_wit_id id;
    struct iso_str doc;
    struct iso_wit_ast_package *package; /* NULL: inline in a world */
    struct iso_wit_ast_body body;
    struct iso_wit_ast_func *funcs;
    uint32_t func_count;
    struct iso_wit_ast_interface *next;
    enum iso_wit_state state;
    struct iso_wit_interface *out;
};

enum iso_wit_item_form {
    ISO_WIT_ITEM_FUNC,   /* name: func() */
    ISO_WIT_ITEM_INLINE, /* name: interface { } */
    ISO_WIT_ITEM_PATH,   /* path */
    ISO_WIT_ITEM_LABEL,  /* name: path */
    ISO_WIT_ITEM_INCLUDE
};

struct iso_wit_ast_rename {
    struct iso_wit_id from;
    struct iso_wit_id to;
    bool used;
    struct iso_wit_ast_rename *next;
};

struct iso_wit_ast_item {
    enum iso_wit_item_form form;
    bool is_export;
    struct iso_wit_id id;
    struct iso_wit_ast_func *func;
    struct iso_wit_ast_interface *interface;
    struct iso_wit_path *path;
    struct iso_wit_ast_rename *renames; /* of an include */
    struct iso_wit_ast_item *next;
};

struct iso_wit_ast_world {
    struct iso_wit_id id;
    struct iso_str doc;
    struct iso_wit_ast_package *package;
    struct iso_wit_ast_body body;
    struct iso_wit_ast_item *items;
    uint32_t item_count;
    struct iso_wit_ast_world *next;
    enum iso_wit_state state;
    struct iso_wit_world *out;
};

struct iso_wit_ast_package {
    struct iso_wit_id ns;
    struct iso_wit_id name;
    struct iso_str version;
    struct iso_str doc;
    struct iso_wit_ast_interface *interfaces;
    struct iso_wit_ast_world *worlds;
    uint32_t top_count;
    struct iso_wit_ast_package *next;
    struct iso_wit_package *out;
};

/* `use path as id;` at the top level */
struct iso_wit_ast_top_use {
    struct iso_wit_id as;
    struct iso_wit_path *path;
    struct iso_wit_ast_top_use *next;
};

/* The scope of one source, or of one nested package: what its top-level `use` names. */
struct iso_wit_file {
    struct iso_wit_ast_package *package;
    struct iso_wit_ast_top_use *uses;
    uint32_t use_count;
    struct iso_wit_file *next;
};

enum iso_wit_token_kind {
    /* Single characters are their own kind. */
    ISO_WIT_TOKEN_END = 256,
    ISO_WIT_TOKEN_ARROW,
    ISO_WIT_TOKEN_ID,
    ISO_WIT_TOKEN_KEYWORD,
    ISO_WIT_TOKEN_INTEGER,
    ISO_WIT_TOKEN_STRING
};

struct iso_wit_token {
    int kind;
    struct iso_str text; /* of an id without % */
    struct iso_wit_at at;
    uint32_t blank_from; /* where the blanks and comments before it begin */
};

struct iso_wit_context {
    struct iso_arena scratch; /* the tree */
    struct iso_wit *wit;      /* what is built */
    const struct iso_wit_source *sources;
    size_t source_count;
    struct iso_report *report;
    /* The lexer. */
    uint32_t source;
    uint32_t pos;
    struct iso_wit_token token; /* the next one */
    /* The parser. */
    struct iso_wit_file *file;
    uint32_t depth;
    struct iso_wit_at unsupported_at;
    const char *unsupported; /* the first unsupported feature; NULL: none */
    struct iso_wit_ast_package *packages;
    struct iso_wit_file *files;
    struct iso_wit_ast_package *main_package;
    uint32_t package_count;
};

/* For "%.*s": names in messages are cut. */
#define ISO_WIT_SHOW(str) (int)((str).len < 60 ? (str).len : 60), ((str).len != 0 ? (str).ptr : "")

/* ---- wit_message.c --- */

/* "name:line:column: message", the line, a caret; returns err. */
ISO_MUST_CHECK enum iso_err iso_wit_fail(const struct iso_wit_context *context,
                                         struct iso_wit_at at, enum iso_err err, const char *format,
                                         ...) ISO_PRINTF(4, 5);
/* ISO_E_LIMIT when the arena has reached its maximum, else ISO_E_NOMEM. */
ISO_MUST_CHECK enum iso_err iso_wit_no_memory(const struct iso_wit_context *context,
                                              const struct iso_arena *arena);

/* ---- wit_lex.c --- */

bool iso_wit_is_keyword(struct iso_str word);
/* Words of letters of one case and digits, joined by single hyphens, the first beginning with a
 * letter. */
bool iso_wit_is_name(struct iso_str name);
/* Semantic versioning 2.0.0. */
bool iso_wit_is_version(struct iso_str version);

/* UTF-8 and the characters that WIT forbids. */
ISO_MUST_CHECK enum iso_err iso_wit_check_text(const struct iso_wit_context *context,
                                               uint32_t source);
/* Begin with a source and read its first token. */
ISO_MUST_CHECK enum iso_err iso_wit_lex_begin(struct iso_wit_context *context, uint32_t source);
/* Read the next token into context->token. */
ISO_MUST_CHECK enum iso_err iso_wit_lex_next(struct iso_wit_context *context);
/* The token before was '@' or '=': read a version, which starts at token's place, and the token
 * after it. */
ISO_MUST_CHECK enum iso_err iso_wit_lex_version(struct iso_wit_context *context,
                                                struct iso_str *out);

/* ---- wit_doc.c --- */

/* The doc comments among the blanks before the next token, as text in the result's arena. */
ISO_MUST_CHECK enum iso_err iso_wit_take_doc(struct iso_wit_context *context, struct iso_str *out);

/* ---- wit_parse*.c --- */

ISO_MUST_CHECK enum iso_err iso_wit_parse_sources(struct iso_wit_context *context);

/* Helpers among them. "expected WHAT, found ..." */
ISO_MUST_CHECK enum iso_err iso_wit_expected(const struct iso_wit_context *context,
                                             const char *what);
bool iso_wit_at_keyword(const struct iso_wit_context *context, const char *word);
ISO_MUST_CHECK enum iso_err iso_wit_expect(struct iso_wit_context *context, int kind,
                                           const char *what);
ISO_MUST_CHECK enum iso_err iso_wit_expect_id(struct iso_wit_context *context, const char *what,
                                              struct iso_wit_id *out);
/* Notes a feature that is refused at the end, when the whole text is known to be well-formed. */
void iso_wit_note_unsupported(struct iso_wit_context *context, struct iso_wit_at at,
                              const char *what);
ISO_MUST_CHECK enum iso_err iso_wit_parse_type(struct iso_wit_context *context,
                                               struct iso_wit_ast_type **out);
/* @since(...) and so on, ignored. */
ISO_MUST_CHECK enum iso_err iso_wit_parse_gates(struct iso_wit_context *context);
/* Docs and annotations before an item. */
ISO_MUST_CHECK enum iso_err iso_wit_parse_before(struct iso_wit_context *context,
                                                 struct iso_str *doc);
/* Whether a declaration of a type is next; if so, it is read into the body. */
ISO_MUST_CHECK enum iso_err iso_wit_parse_decl(struct iso_wit_context *context, struct iso_str doc,
                                               struct iso_wit_ast_body *body, bool *found);
/* From `func` or `async` to the end of the type, without the semicolon. */
ISO_MUST_CHECK enum iso_err iso_wit_parse_func(struct iso_wit_context *context,
                                               struct iso_wit_ast_func *func);
ISO_MUST_CHECK enum iso_err iso_wit_parse_path(struct iso_wit_context *context,
                                               struct iso_wit_path *path);
/* The path of which `first` has been read already. */
ISO_MUST_CHECK enum iso_err iso_wit_parse_path_rest(struct iso_wit_context *context,
                                                    struct iso_wit_id first,
                                                    struct iso_wit_path *path);
/* After `use`, in an interface or a world. */
ISO_MUST_CHECK enum iso_err iso_wit_parse_use(struct iso_wit_context *context,
                                              struct iso_wit_ast_body *body);
/* '{' items '}' */
ISO_MUST_CHECK enum iso_err iso_wit_parse_interface_body(struct iso_wit_context *context,
                                                         struct iso_wit_ast_interface *interface);
ISO_MUST_CHECK enum iso_err iso_wit_parse_world_body(struct iso_wit_context *context,
                                                     struct iso_wit_ast_world *world);

/* ---- wit_resolve*.c --- */

ISO_MUST_CHECK enum iso_err iso_wit_resolve(struct iso_wit_context *context);

/* Helpers among them. A copy in the result's arena. */
ISO_MUST_CHECK enum iso_err iso_wit_keep(struct iso_wit_context *context, struct iso_str text,
                                         struct iso_str *out);
/* Exactly one of the two when found; what: "interface" or "world" that is looked for. */
ISO_MUST_CHECK enum iso_err iso_wit_find_interface(struct iso_wit_context *context,
                                                   const struct iso_wit_file *file,
                                                   const struct iso_wit_path *path,
                                                   struct iso_wit_ast_interface **out);
ISO_MUST_CHECK enum iso_err iso_wit_find_world(struct iso_wit_context *context,
                                               const struct iso_wit_file *file,
                                               const struct iso_wit_path *path,
                                               struct iso_wit_ast_world **out);
/* Names of different letters only by case are the same. */
bool iso_wit_same_name(struct iso_str a, struct iso_str b);
ISO_MUST_CHECK enum iso_err iso_wit_resolve_type(struct iso_wit_context *context,
                                                 struct iso_wit_ast_body *body,
                                                 const struct iso_wit_ast_type *type,
                                                 const struct iso_vtype **out, uint32_t *depth);
/* All declarations of a scope, in order. */
ISO_MUST_CHECK enum iso_err iso_wit_resolve_decls(struct iso_wit_context *context,
                                                  struct iso_wit_ast_body *body,
                                                  const struct iso_vtype *const **types,
                                                  uint32_t *count);
ISO_MUST_CHECK enum iso_err iso_wit_resolve_func(struct iso_wit_context *context,
                                                 struct iso_wit_ast_body *body,
                                                 const struct iso_wit_ast_func *func,
                                                 struct iso_wit_func *out);
ISO_MUST_CHECK enum iso_err iso_wit_resolve_interface(struct iso_wit_context *context,
                                                      struct iso_wit_ast_interface *interface);
ISO_MUST_CHECK enum iso_err iso_wit_resolve_world(struct iso_wit_context *context,
                                                  struct iso_wit_ast_world *world);

#endif
