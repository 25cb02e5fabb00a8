/*
 * module.h - a decoded and validated module. Internal to src/engine.
 *
 * The arrays follow the index spaces of the specification (2.5.1): imports first, then the
 * module's own. Everything points into the module's bytes where it can; arrays live in the arena.
 * Immutable after iso_module_create, except the code pointers (see code.h) and the digest.
 */
#ifndef ISO_ENGINE_MODULE_H
#define ISO_ENGINE_MODULE_H

#include <stdatomic.h>

#include "engine/engine.h"
#include "engine/limits.h"

struct iso_code;

/* Function types are interned per engine: equal types have equal ids, so that call_indirect
 * compares numbers. */
struct iso_interned_type {
    struct iso_func_type type;
    uint32_t id;
};

/* A constant expression (spec 3.3.10), decoded: those of Wasm 2.0 are a single instruction. */
enum iso_const_kind {
    ISO_CONST_VALUE,      /* value holds it (v128: both slots) */
    ISO_CONST_GLOBAL_GET, /* index: an imported, immutable global */
    ISO_CONST_REF_NULL,
    ISO_CONST_REF_FUNC /* index: a function */
};

struct iso_const_expr {
    enum iso_const_kind kind;
    uint8_t type; /* enum iso_type of the result */
    uint32_t index;
    union iso_slot value[2];
};

struct iso_import {
    struct iso_str module;
    struct iso_str name;
    uint8_t kind;   /* enum iso_extern_kind */
    uint32_t index; /* in its index space */
};

struct iso_export {
    struct iso_str name;
    uint8_t kind;
    uint32_t index;
};

struct iso_module_func {
    const struct iso_interned_type *type;
    /* Body, in bytes from the module's start: [body, end) begins at the local declarations and
     * includes the final `end`. 0 for imports. */
    uint32_t body;
    uint32_t body_end;
    uint32_t local_count; /* parameters and declared locals; set by validation */
    uint32_t local_slots; /* the same in slots */
    uint32_t max_depth;   /* most operands on the stack at any point, in slots; set by validation */
    bool is_declared; /* occurs outside of function bodies (exports, element segments, ...): then
                         ref.func may name it (C.refs of spec 3.1.1) */
};

struct iso_module_table {
    struct iso_limits limits;
    uint8_t type; /* ISO_TYPE_FUNCREF or ISO_TYPE_EXTERNREF */
};

struct iso_module_global {
    uint8_t type;
    bool is_mutable;
    struct iso_const_expr init; /* not for imports */
};

enum iso_segment_mode { ISO_SEGMENT_ACTIVE, ISO_SEGMENT_PASSIVE, ISO_SEGMENT_DECLARATIVE };

struct iso_data_segment {
    uint8_t mode; /* active or passive */
    uint32_t memory;
    struct iso_const_expr offset; /* active */
    struct iso_bytes bytes;
};

struct iso_elem_segment {
    uint8_t mode;
    uint8_t type; /* element type */
    uint32_t table;
    struct iso_const_expr offset; /* active */
    uint32_t count;
    const struct iso_const_expr *exprs; /* count of them, or NULL: then funcs */
    const uint32_t *funcs;              /* count function indices */
};

struct iso_section {
    uint8_t id;
    struct iso_str name;
    uint32_t offset;
    uint32_t size;
};

struct iso_name {
    uint32_t index;
    struct iso_str name;
};

struct iso_module {
    struct iso_engine *engine;
    struct iso_bytes bytes;
    struct iso_arena arena;

    uint32_t type_count;
    const struct iso_interned_type **types;

    uint32_t import_count;
    struct iso_import *imports;
    uint32_t export_count;
    struct iso_export *exports;

    uint32_t func_count, func_import_count;
    struct iso_module_func *funcs;
    uint32_t table_count, table_import_count;
    struct iso_module_table *tables;
    uint32_t memory_count, memory_import_count;
    struct iso_limits *memories;
    uint32_t global_count, global_import_count;
    struct iso_module_global *globals;

    bool has_start;
    uint32_t start;
    uint32_t elem_count;
    struct iso_elem_segment *elems;
    bool has_data_count;
    uint32_t data_count;
    struct iso_data_segment *datas;

    uint32_t section_count;
    struct iso_section *sections;

    /* Function names of the name section, sorted by index; parsed at the first need, under the
     * engine's lock. A malformed name section is ignored, as the specification wants. */
    _Atomic bool names_parsed;
    uint32_t func_name_count;
    struct iso_name *func_names;
    struct iso_str name;

    /* Indices of exports, sorted by name; made at the first look-up, under the engine's lock, in
     * the arena. See exports.c. */
    uint32_t *_Atomic export_order;

    _Atomic bool has_digest;
    uint8_t digest[32];

    /* Translated code by function index (NULL: not yet or not any more, and for imports); published
     * with release order under the engine's lock. The interpreter reads it by iso_code_at, which
     * says why that is enough; whoever else does takes the lock or acquire order. */
    struct iso_code *_Atomic *code;
    /* All under the lock. */
    uint64_t code_bytes; /* of all translated code */
    uint32_t code_count; /* translated functions */
    /* The same sorted by address, for iso_code_find; made when it is asked for. */
    uint32_t *code_by_address; /* function indices */
    uint32_t code_sorted;      /* how many the index has */
    bool code_changed;         /* since it was made */
};

struct iso_engine {
    struct iso_alloc alloc;
    struct iso_platform platform;
    bool has_platform;
    enum iso_translation translation;
    /* Code memory (code.c); the limit is 0 when there is none. All but the limit under the lock. */
    uint64_t code_max_bytes;
    uint64_t code_bytes;                        /* of all modules */
    struct iso_code *code_oldest, *code_newest; /* those that no instance holds */
    uint32_t code_wanted; /* counts how often a store was short of it because of others */
    uint32_t store_count;
    /* Interned function types: a hash table with open addressing; see types.c. */
    struct iso_interned_type **types;
    uint32_t type_count;
    uint32_t type_capacity;
};

/* engine.c */
void iso_engine_lock(struct iso_engine *engine);
void iso_engine_unlock(struct iso_engine *engine);

/* types.c: the type that a letter of a host function's definition names; false: none. */
bool iso_type_from_letter(char letter, uint8_t *out);
/* types.c: intern a type (arrays borrowed, copied); the result lives as long as the engine. Takes
 * the lock. */
ISO_MUST_CHECK enum iso_err iso_types_intern(struct iso_engine *engine, const uint8_t *params,
                                             uint32_t param_count, const uint8_t *results,
                                             uint32_t result_count,
                                             const struct iso_interned_type **out);
/* Releases the registry. */
void iso_types_fini(struct iso_engine *engine);
static inline uint32_t iso_type_slots(uint8_t type)
{
    return type == ISO_TYPE_V128 ? 2u : 1u;
}

/* decode.c: fills the module from its bytes; validates everything but function bodies (their
 * bytes are delimited; iso_validate_func checks them). */
ISO_MUST_CHECK enum iso_err iso_module_decode(struct iso_module *module, struct iso_report *report);
/* validate.c: one function's body, complete (spec 3.3 and appendix "Validation Algorithm");
 * sets local_count, local_slots, max_depth. */
ISO_MUST_CHECK enum iso_err iso_validate_func(struct iso_module *module, uint32_t func_index,
                                              struct iso_report *report);
/* The same for all functions of the module, with shared scratch memory. */
ISO_MUST_CHECK enum iso_err iso_validate_funcs(struct iso_module *module,
                                               struct iso_report *report);

/* names.c: parse the name section if that has not been done. Takes the lock. When there is no
 * memory for it, nothing is parsed and the next call tries again. */
void iso_module_parse_names(struct iso_module *module);
/* A name from a module as zero-terminated text for messages: cut to `cap` bytes, and with '?' for
 * control characters. Returns out. */
const char *iso_name_text(struct iso_str name, char *out, size_t cap);

#endif
