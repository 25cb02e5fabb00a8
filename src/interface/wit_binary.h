/*
 * wit_binary.h - decoding worlds that are encoded as types of a component (Component Model,
 * Binary.md). Internal to src/interface.
 *
 * What a `component-type*` section holds is decoded into the model as it is written there: each
 * import and each export of an interface has its own copy. It is then printed as WIT text and
 * parsed, so that all that text must obey holds for sections too, and so that each interface is
 * there once.
 */
#ifndef ISO_INTERFACE_WIT_BINARY_H
#define ISO_INTERFACE_WIT_BINARY_H

#include "interface/interface.h"
#include "interface/wit_limits.h"

/* ---- Reading (wit_binary_read.c) --- */

struct iso_wit_reader {
    const uint8_t *pos;
    const uint8_t *end;
    const uint8_t *start; /* offsets in messages count from here */
    struct iso_report *report;
};

ISO_MUST_CHECK enum iso_err iso_wit_bad(const struct iso_wit_reader *reader, enum iso_err err,
                                        const char *format, ...) ISO_PRINTF(3, 4);
ISO_MUST_CHECK enum iso_err iso_wit_read_u8(struct iso_wit_reader *reader, uint8_t *out);
ISO_MUST_CHECK enum iso_err iso_wit_read_u32(struct iso_wit_reader *reader, uint32_t *out);
/* A length and that much UTF-8, which stays where it is. */
ISO_MUST_CHECK enum iso_err iso_wit_read_text(struct iso_wit_reader *reader, struct iso_str *out);
/* The length of a vector of elements of at least one byte each, at most max. */
ISO_MUST_CHECK enum iso_err iso_wit_read_count(struct iso_wit_reader *reader, uint32_t max,
                                               const char *what, uint32_t *out);

/* ---- What is decoded --- */

enum iso_wit_entity_kind {
    ISO_WIT_ENTITY_VALUE,
    ISO_WIT_ENTITY_FUNC,
    ISO_WIT_ENTITY_INSTANCE,
    ISO_WIT_ENTITY_COMPONENT,
    ISO_WIT_ENTITY_RESOURCE
};

/* A type of any kind. */
struct iso_wit_entity {
    enum iso_wit_entity_kind kind;
    const struct iso_vtype *value;
    const struct iso_wit_func *func;
    struct iso_wit_instance *instance;
    struct iso_wit_component *component;
};

struct iso_wit_named_type {
    struct iso_str name;
    struct iso_wit_entity entity;
    struct iso_wit_named_type *next;
};

struct iso_wit_named_func {
    struct iso_wit_func func;
    struct iso_wit_named_func *next;
};

/* An instance type: an interface. */
struct iso_wit_instance {
    struct iso_wit_interface *interface; /* its name is set when it is imported or exported */
    struct iso_wit_named_type *types;    /* exported ones */
    struct iso_wit_named_type **types_end;
    struct iso_wit_named_func *funcs;
    struct iso_wit_named_func **funcs_end;
    uint32_t func_count;
    uint32_t own_count;     /* of types that are declared here */
    struct iso_str refused; /* the first resource; empty: none */
};

struct iso_wit_decoded_item {
    struct iso_wit_item item;
    bool is_export;
    struct iso_wit_decoded_item *next;
};

/* A component type: a world, or what wraps one. */
struct iso_wit_component {
    struct iso_wit_named_type *types; /* declared in the world */
    struct iso_wit_named_type **types_end;
    struct iso_wit_decoded_item *items;
    struct iso_wit_decoded_item **items_end;
    uint32_t import_count;
    uint32_t export_count;
    uint32_t type_count;
    /* The component type that it exports, last: the world in its wrapper. */
    struct iso_str inner_name;
    struct iso_wit_component *inner;
};

/* An index space of types and one of instances. */
struct iso_wit_scope {
    struct iso_wit_scope *parent;
    struct iso_wit_instance *instance;   /* whose declarations these are, or */
    struct iso_wit_component *component; /* or neither: the outermost */
    struct iso_wit_entity *entities;
    uint32_t entity_count;
    uint32_t entity_room;
    struct iso_wit_instance **instances;
    uint32_t instance_count;
    uint32_t instance_room;
    uint32_t depth;
};

struct iso_wit_decoder {
    struct iso_arena *arena;
    struct iso_wit_reader reader;
    /* All that were named, in order. */
    const struct iso_wit_package **packages;
    uint32_t package_count;
    const struct iso_wit_interface **interfaces;
    uint32_t interface_count;
};

/* A name as externs have it. */
struct iso_wit_extern_name {
    struct iso_str text;
    struct iso_str ns; /* empty: a plain name */
    struct iso_str package;
    struct iso_str name;
    struct iso_str version;
};

/* ---- wit_binary_name.c --- */

ISO_MUST_CHECK enum iso_err iso_wit_decode_name(struct iso_wit_decoder *decoder,
                                                struct iso_wit_extern_name *out);
ISO_MUST_CHECK enum iso_err iso_wit_decode_label(struct iso_wit_decoder *decoder,
                                                 struct iso_str *out);
ISO_MUST_CHECK enum iso_err iso_wit_decode_package(struct iso_wit_decoder *decoder,
                                                   const struct iso_wit_extern_name *name,
                                                   const struct iso_wit_package **out);
/* Make the interface of an instance type known by its name. */
ISO_MUST_CHECK enum iso_err iso_wit_decode_interface(struct iso_wit_decoder *decoder,
                                                     const struct iso_wit_extern_name *name,
                                                     const struct iso_wit_instance *instance,
                                                     const struct iso_wit_interface **out);

/* ---- wit_binary_type.c --- */

ISO_MUST_CHECK enum iso_err iso_wit_scope_add(struct iso_wit_decoder *decoder,
                                              struct iso_wit_scope *scope,
                                              const struct iso_wit_entity *entity);
ISO_MUST_CHECK enum iso_err iso_wit_scope_get(struct iso_wit_decoder *decoder,
                                              const struct iso_wit_scope *scope,
                                              struct iso_wit_entity *out);
/* A type definition, added to the scope. */
ISO_MUST_CHECK enum iso_err iso_wit_decode_deftype(struct iso_wit_decoder *decoder,
                                                   struct iso_wit_scope *scope);

/* ---- wit_binary_scope.c --- */

ISO_MUST_CHECK enum iso_err iso_wit_decode_instance_type(struct iso_wit_decoder *decoder,
                                                         struct iso_wit_scope *parent,
                                                         struct iso_wit_instance **out);
ISO_MUST_CHECK enum iso_err iso_wit_decode_component_type(struct iso_wit_decoder *decoder,
                                                          struct iso_wit_scope *parent,
                                                          struct iso_wit_component **out);

/* ---- wit_binary.c --- */

/* The world that several sections describe together. out as in iso_wit_decode. */
ISO_MUST_CHECK enum iso_err iso_wit_decode_all(const struct iso_alloc *alloc,
                                               const struct iso_bytes *sections, size_t count,
                                               struct iso_wit *out, struct iso_report *report);

#endif
