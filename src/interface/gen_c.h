/* gen_c.h - bindings for guests in C: what gen_c.c (header) and gen_c_glue.c (source) share. */
#ifndef ISO_INTERFACE_GEN_C_H
#define ISO_INTERFACE_GEN_C_H

#include "interface/gen_model.h"

struct gen_c {
    struct gen_model model;
    struct gen_out out;
    struct gen_names names; /* every file-scope identifier */
    char *prefix;           /* the world's name in snake_case */
    char *guard;
};

/* "uint32_t", "struct scaler_image": how a value of the type is declared. */
void gen_c_put_type(struct gen_c *gen, uint32_t id);
/* Name of a field, case or parameter, escaped where C has a meaning for it. NULL: no memory. */
char *gen_c_member(struct gen_c *gen, struct iso_str name);
/* "struct ..." or not: records, lists, ... but not numbers, enums and small flags. */
bool gen_c_is_struct(const struct iso_vtype *type);
/* The unsigned type that holds `bytes`. */
const char *gen_c_unsigned(uint32_t bytes);
/* The declaration of the function that people implement or call, without a semicolon. */
void gen_c_put_signature(struct gen_c *gen, const struct gen_func *f);

/* The functions TYPE_free, lift_TYPE_ and lower_TYPE_ of a struct. */
void gen_c_put_free(struct gen_c *gen, const struct gen_type *entry);
void gen_c_put_lift_function(struct gen_c *gen, const struct gen_type *entry);
void gen_c_put_lower_function(struct gen_c *gen, const struct gen_type *entry);
/* An expression: the value of a type that begins at flat[at]. */
void gen_c_put_lift(struct gen_c *gen, uint32_t id, const char *flat, uint32_t at);
/* A statement: stores the value `from` at flat[at] and after. */
void gen_c_put_lower(struct gen_c *gen, uint32_t id, const char *from, const char *flat,
                     uint32_t at);

/* The contents of WORLD.c. */
void gen_c_glue(struct gen_c *gen);

/* The three generators behind iso_gen_bindings. */
enum iso_err gen_bindings_c(const struct iso_alloc *alloc, const struct iso_wit_world *world,
                            iso_gen_file_fn file, void *ctx, struct iso_report *report);
enum iso_err gen_bindings_rust(const struct iso_alloc *alloc, const struct iso_wit_world *world,
                               iso_gen_file_fn file, void *ctx, struct iso_report *report);
enum iso_err gen_bindings_as(const struct iso_alloc *alloc, const struct iso_wit_world *world,
                             iso_gen_file_fn file, void *ctx, struct iso_report *report);

#endif
