/*
 * gen_model.h - what the generators know of a world: its types, each once and in an order in which
 * parts come first, and its functions with their core names and core signatures (Component Model,
 * CanonicalABI.md, "Flattening"). Not part of the public header.
 */
#ifndef ISO_INTERFACE_GEN_MODEL_H
#define ISO_INTERFACE_GEN_MODEL_H

#include "interface/gen_out.h"
#include "interface/interface.h"

#define GEN_MAX_FLAT 16u /* parameters as core values; more go through memory */
#define GEN_MAX_FILE ((size_t)64 << 20)

/* One type of the world; others refer to it by its index (id). */
struct gen_type {
    const struct iso_vtype *type;
    const uint32_t *parts; /* ids: of members, or of the element; GEN_NONE without a type */
    uint32_t part_count;
    bool nominal;  /* it has a name of its own: declared, not just written where it is used */
    bool pointers; /* strings or lists in it */
    bool lift;     /* taken apart from (and put into) core values somewhere */
    bool lower;
    char *name; /* in the generated language; set by the generator */
};

struct gen_func {
    const struct iso_wit_interface *interface; /* NULL: of the world */
    struct iso_str interface_name;             /* empty: of the world */
    const struct iso_wit_func *func;
    bool imported;
    char *module;           /* import: "ns:pkg/iface@ver", "$root"; export: NULL */
    char *core;             /* import: "func"; export: "ns:pkg/iface@ver#func" */
    const uint32_t *params; /* type ids */
    uint32_t result;        /* type id or GEN_NONE */
    /* Core types: 'i' i32, 'I' i64, 'f' f32, 'F' f64. An import whose result goes through memory
     * takes the address as one more parameter, which is not counted here. */
    char flat[GEN_MAX_FLAT];
    uint32_t flat_count; /* 1 when through memory */
    bool params_in_memory;
    bool result_in_memory;
    char result_flat; /* one core value, or 0 */
    char *name;       /* in the generated language; set by the generator */
    char *path;       /* name in addresses; unique among the exports */
};

struct gen_model {
    struct iso_arena arena;
    const struct iso_wit_world *world;
    struct gen_type *types;
    uint32_t type_count;
    uint32_t type_cap;
    struct gen_func *funcs; /* imports first */
    uint32_t func_count;
    bool aliases; /* named lists, options, ... are nominal too */
    struct gen_names ids;
};

/* Collect. To be released with gen_model_fini also after failure. Errors: ISO_E_NOMEM, ISO_E_LIMIT.
 */
ISO_MUST_CHECK enum iso_err gen_model_init(struct gen_model *model, const struct iso_alloc *alloc,
                                           const struct iso_wit_world *world, bool aliases);
void gen_model_fini(struct gen_model *model);
/* `err`; or ISO_E_NOMEM when the model's memory was short for anything, though somebody went on
 * without it: what was written then may have other names. To be asked before anything is handed
 * out. */
ISO_MUST_CHECK enum iso_err gen_model_whole(const struct gen_model *model, enum iso_err err);

/* The id of a type that the model has. */
uint32_t gen_model_id(const struct gen_model *model, const struct iso_vtype *type);

/* "ns:pkg/iface@ver" or, of an interface in a world, its name. NULL when memory is short. */
char *gen_interface_id(struct iso_arena *arena, const struct iso_wit_interface *interface);

uint32_t gen_align_up(uint32_t at, uint32_t align);
/* Where member `index` of a record or tuple stands. */
uint32_t gen_member_offset(const struct iso_vtype *type, uint32_t index);
/* Bytes of at most 32 flags: 1, 2, 4. */
uint32_t gen_flags_size(const struct iso_vtype *type);

#endif
