/*
 * gen_schema.h - JSON Schemas of types, exactly of the JSON mapping in codec/codec.h, in the two
 * dialects that descriptions need. Not part of the public header.
 */
#ifndef ISO_INTERFACE_GEN_SCHEMA_H
#define ISO_INTERFACE_GEN_SCHEMA_H

#include "interface/gen_model.h"

struct gen_schema {
    struct iso_json *json;
    const struct iso_alloc *alloc; /* of what is needed meanwhile */
    /* With a model: JSON Schema 2020-12, named types are references to #/components/schemas (their
     * names stand in the model's types). Without: data schemas of Thing Description 1.1, everything
     * written where it is used. */
    const struct gen_model *model;
};

/* One schema object. Types nested deeper than the JSON writer goes end in a schema that allows
 * anything and says so. doc: description of the place where it stands, or empty: the type's own. */
void gen_schema_put(struct gen_schema *schema, const struct iso_vtype *type, struct iso_str doc);
/* The same, but written out even when the type has a name: what the reference refers to. */
void gen_schema_put_definition(struct gen_schema *schema, const struct iso_vtype *type);
/* Only the members of its object, into one that the caller has begun. */
void gen_schema_put_members(struct gen_schema *schema, const struct iso_vtype *type,
                            struct iso_str doc);
/* The object of a function's parameters. */
void gen_schema_put_params(struct gen_schema *schema, const struct iso_wit_func *func);

/* Whether an example of the type is small enough to be shown. */
bool gen_example_fits(const struct iso_vtype *type);
/* A value of the type in its JSON form; of a function's parameters. */
void gen_example_put(struct iso_json *json, const struct iso_vtype *type);
void gen_example_put_params(struct iso_json *json, const struct iso_wit_func *func);

/* list<u8>. */
bool gen_is_bytes(const struct iso_vtype *type);
/* What a call answers when it succeeds and when it fails: a result's two sides, else the type.
 * NULL: nothing. */
const struct iso_vtype *gen_success(const struct iso_wit_func *func);
const struct iso_vtype *gen_failure(const struct iso_wit_func *func);
/* Whether the function answers err results at all, with or without a value. */
bool gen_can_fail(const struct iso_wit_func *func);
/* "x" of a function get-x without parameters that answers something, else empty. */
struct iso_str gen_property_of(const struct gen_func *f, struct iso_arena *arena);

/* Title, version and description of what is described; never empty but for the description. */
struct iso_str gen_title(const struct iso_wit_world *world, const struct iso_gen_place *place);
struct iso_str gen_version(const struct iso_wit_world *world, const struct iso_gen_place *place);
struct iso_str gen_description(const struct iso_wit_world *world,
                               const struct iso_gen_place *place);

#endif
