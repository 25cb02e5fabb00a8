/* gen_as.h - bindings for guests in AssemblyScript: what gen_as*.c share. */
#ifndef ISO_INTERFACE_GEN_AS_H
#define ISO_INTERFACE_GEN_AS_H

#include "interface/gen_model.h"

struct gen_as {
    struct gen_model model;
    struct gen_out out;
    struct gen_names names; /* of the file, and what the generated code means by builtin names */
};

/* Classes of all types; the functions that load, store, lift and lower them. */
void gen_as_types(struct gen_as *gen);
void gen_as_values(struct gen_as *gen);
/* Names of all types. Errors: NOMEM. */
ISO_MUST_CHECK enum iso_err gen_as_name_types(struct gen_as *gen);
/* "Array<Point>": how a value of the type is declared. */
void gen_as_put_type(struct gen_as *gen, uint32_t id);
/* A camelCase name, escaped where AssemblyScript or the generated code has a meaning for it. */
char *gen_as_ident(struct gen_as *gen, struct iso_str name);

/* "u8" of a primitive type; "Uint8Array" of a list of numbers, or NULL. */
const char *gen_as_primitive(enum iso_vkind kind);
const char *gen_as_typed_array(enum iso_vkind kind);
/* Neither a number nor an enum. */
bool gen_as_is_object(const struct iso_vtype *type);
/* The field of a member or of a case's payload. */
char *gen_as_field(struct gen_as *gen, const struct gen_type *entry, uint32_t index);
/* The type of a case's payload, by the index of the case. */
uint32_t gen_as_case_part(const struct gen_type *entry, uint32_t index);

/* Expressions and statements for a value at an address (text of an expression). */
void gen_as_put_load(struct gen_as *gen, uint32_t id, const char *at, uint32_t offset);
void gen_as_put_store(struct gen_as *gen, uint32_t id, const char *value, const char *at,
                      uint32_t offset);
/* The same for core values, an array of u64 at an address; index counts values. */
void gen_as_put_lift(struct gen_as *gen, uint32_t id, const char *flat, uint32_t index);
void gen_as_put_lower(struct gen_as *gen, uint32_t id, const char *value, const char *flat,
                      uint32_t index);

#endif
