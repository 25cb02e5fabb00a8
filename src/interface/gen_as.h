/* gen_as.h - bindings for guests in AssemblyScript: what gen_as*.c share. */
#ifndef ISO_INTERFACE_GEN_AS_H
#define ISO_INTERFACE_GEN_AS_H

#include "interface/gen_model.h"

struct gen_as {
    struct gen_model model;
    struct gen_out out;
    struct gen_names names; /* of the file, and what the generated code means by builtin names */
};

/* Fixed functions. */
void gen_as_support(struct gen_out *out);
/* Classes of all types and the functions that load, store, lift and lower them. */
void gen_as_types(struct gen_as *gen);
/* Names of all types. Errors: NOMEM. */
ISO_MUST_CHECK enum iso_err gen_as_name_types(struct gen_as *gen);
/* "Array<Point>": how a value of the type is declared. */
void gen_as_put_type(struct gen_as *gen, uint32_t id);
/* A camelCase name, escaped where AssemblyScript or the generated code has a meaning for it. */
char *gen_as_ident(struct gen_as *gen, struct iso_str name);

/* Expressions and statements for a value at an address (text of an expression). */
void gen_as_put_load(struct gen_as *gen, uint32_t id, const char *at, uint32_t offset);
void gen_as_put_store(struct gen_as *gen, uint32_t id, const char *value, const char *at,
                      uint32_t offset);
/* The same for core values, an array of u64 at an address; index counts values. */
void gen_as_put_lift(struct gen_as *gen, uint32_t id, const char *flat, uint32_t index);
void gen_as_put_lower(struct gen_as *gen, uint32_t id, const char *value, const char *flat,
                      uint32_t index);

#endif
