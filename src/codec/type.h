/*
 * type.h - the type model of interfaces: the value types of WIT
 * (https://component-model.bytecodealliance.org, "WIT"), functions, interfaces and worlds.
 * Whatever needs to know an interface (calls, JSON, CBOR, descriptions, bindings) works from this.
 *
 * The objects live in the arena of the struct iso_wit that owns them, are immutable once it is
 * complete, and point to each other freely. Types are compared by structure (iso_vtype_equal).
 */
#ifndef ISO_CODEC_TYPE_H
#define ISO_CODEC_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"

enum iso_vkind {
    ISO_V_BOOL,
    ISO_V_S8,
    ISO_V_U8,
    ISO_V_S16,
    ISO_V_U16,
    ISO_V_S32,
    ISO_V_U32,
    ISO_V_S64,
    ISO_V_U64,
    ISO_V_F32,
    ISO_V_F64,
    ISO_V_CHAR,
    ISO_V_STRING,
    ISO_V_LIST,    /* element */
    ISO_V_TUPLE,   /* members, without names */
    ISO_V_RECORD,  /* members */
    ISO_V_OPTION,  /* element; cases 0 none, 1 some */
    ISO_V_RESULT,  /* members[0] ok, members[1] error; either type may be NULL */
    ISO_V_VARIANT, /* members; type NULL: a case without payload */
    ISO_V_ENUM,    /* members, types NULL */
    ISO_V_FLAGS    /* members, types NULL; at least 1 */
};

#define ISO_V_KIND_COUNT (ISO_V_FLAGS + 1)

/* "bool", "s8", ..., "list", "record", ... */
const char *iso_vkind_name(enum iso_vkind kind);

/* A field, case, flag or tuple item. */
struct iso_vmember {
    struct iso_str name;          /* kebab-case as in WIT; tuple items and ok/error have none */
    struct iso_str doc;           /* of the doc comment, without slashes; may be empty */
    const struct iso_vtype *type; /* NULL where there is none */
};

struct iso_vtype {
    enum iso_vkind kind;
    struct iso_str name; /* of a named type ("point"); empty for anonymous ones */
    struct iso_str doc;
    const struct iso_wit_interface *owner; /* declared there; NULL: anonymous, or in a world */
    /* `type p2 = point`: point, from which kind and parts are taken over. NULL: no other name. */
    const struct iso_vtype *alias;
    const struct iso_vtype *element; /* list, option */
    const struct iso_vmember *members;
    uint32_t member_count;
    /* Canonical ABI layout on 32-bit memory, set by iso_vtype_finish: bytes, alignment (1, 2, 4,
     * 8), number of flattened core values (0 to ISO_V_FLAT_MANY: more than any limit). */
    uint32_t size;
    uint32_t align;
    uint32_t flat;
    /* Also set by iso_vtype_finish, to bound what walks over a type: levels, this one included, and
     * parts (types and members) when written out in full. */
    uint32_t depth;
    uint32_t parts;
};

#define ISO_V_FLAT_MANY 1000u
#define ISO_V_MAX_DEPTH 100u    /* of types in types */
#define ISO_V_MAX_MEMBERS 1000u /* of one type, as other tools for components have it */
#define ISO_V_MAX_PARTS 100000u /* of a type written out in full */

/* The type of a built-in kind (bool ... string). Static. */
const struct iso_vtype *iso_vtype_primitive(enum iso_vkind kind);
/* Check limits and set the layout of a type whose parts are finished. Errors: ISO_E_LIMIT;
 * ISO_E_INVALID for a tuple, record, variant, enum or flags without members. */
ISO_MUST_CHECK enum iso_err iso_vtype_finish(struct iso_vtype *type, struct iso_report *report);
/* Structural equality: kinds, member names, element types; not docs, names of types or owners. */
bool iso_vtype_equal(const struct iso_vtype *a, const struct iso_vtype *b);
/* "list<option<u8>>", "list<point>", "record point"... : WIT text of a type as used,
 * NUL-terminated, cut to cap (at least 4). Only the outermost one has the word "record", "variant",
 * "enum" or "flags" before its name; one without a name is written out. */
void iso_vtype_text(const struct iso_vtype *type, char *out, size_t cap);

/* ---- What may stand for what (type_fit.c) ---- */

/* The type of a record's field; NULL: no record, or no such field. */
const struct iso_vtype *iso_vtype_field(const struct iso_vtype *type, struct iso_str name);
/* Whether every value of type `from` may be given where `to` is wanted: equal types, numbers that
 * become wider, and for an option its element. */
bool iso_vtype_fits(const struct iso_vtype *from, const struct iso_vtype *to);
/* What the steps after a call see of its result (NULL: none): of a `result`, the good case. */
const struct iso_vtype *iso_vtype_success(const struct iso_vtype *result);

/* A core value of the canonical ABI's flat form. */
enum iso_vflat { ISO_VFLAT_I32, ISO_VFLAT_I64, ISO_VFLAT_F32, ISO_VFLAT_F64 };

/* The core values that a finished type flattens to, those of a variant's payloads joined (`join` in
 * the specification). Writes up to `cap` of them and returns type->flat. */
uint32_t iso_vtype_flatten(const struct iso_vtype *type, enum iso_vflat *out, uint32_t cap);
/* Bytes of the discriminant of a type with that many cases: 1, 2 or 4. */
uint32_t iso_vtype_discriminant_size(uint32_t case_count);
/* Cases of an option, result, variant or enum; the payload's type of one, NULL when it has none. */
uint32_t iso_vtype_case_count(const struct iso_vtype *type);
const struct iso_vtype *iso_vtype_case_payload(const struct iso_vtype *type, uint32_t index);
/* Where the payload of a finished option, result or variant begins in memory: bytes. */
uint32_t iso_vtype_payload_offset(const struct iso_vtype *type);
/* Words of 32 flags. */
uint32_t iso_vtype_flag_words(const struct iso_vtype *type);

struct iso_wit_param {
    struct iso_str name;
    const struct iso_vtype *type;
};

struct iso_wit_func {
    struct iso_str name;
    struct iso_str doc;
    const struct iso_wit_param *params;
    uint32_t param_count;
    const struct iso_vtype *result; /* NULL: none */
    /* The core export where it does not follow from the names (derived interfaces); else empty. */
    struct iso_str core_name;
};

/* "ns:name" and version ("1.2.0", or empty). */
struct iso_wit_package {
    struct iso_str ns;
    struct iso_str name;
    struct iso_str version;
    struct iso_str doc;
};

struct iso_wit_interface {
    const struct iso_wit_package *package; /* NULL only for interfaces written inside a world */
    struct iso_str name;
    struct iso_str doc;
    const struct iso_vtype *const *types; /* the named ones, in order */
    uint32_t type_count;
    const struct iso_wit_func *funcs;
    uint32_t func_count;
};

/* What a world imports or exports: an interface or a plain function. */
struct iso_wit_item {
    struct iso_str name; /* of a function, or of an interface written inline; else empty */
    const struct iso_wit_interface *interface; /* or NULL: func */
    const struct iso_wit_func *func;
};

struct iso_wit_world {
    const struct iso_wit_package *package;
    struct iso_str name;
    struct iso_str doc;
    const struct iso_vtype *const *types; /* declared in the world itself: their owner is NULL */
    uint32_t type_count;
    const struct iso_wit_item *imports;
    uint32_t import_count;
    const struct iso_wit_item *exports;
    uint32_t export_count;
};

/* The function of that name; NULL. */
const struct iso_wit_func *iso_wit_func_find(const struct iso_wit_interface *interface,
                                             struct iso_str name);
/* Equal types of parameters (in order; their names do not matter) and result. */
bool iso_wit_func_equal(const struct iso_wit_func *a, const struct iso_wit_func *b);
/* Whether an exported interface may stand in for an imported one as far as their names go: the same
 * name and package, and a version that serves (iso_semver_compatible; none: any). */
bool iso_wit_interface_serves(const struct iso_wit_interface *wanted,
                              const struct iso_wit_interface *offered);

/* A resolved set of packages. */
struct iso_wit {
    struct iso_arena arena;
    const struct iso_wit_package *package; /* the main one */
    const struct iso_wit_interface *const *interfaces;
    uint32_t interface_count;
    const struct iso_wit_world *const *worlds;
    uint32_t world_count;
};

#endif
