/* gen_rust.h - bindings for guests in Rust: what gen_rust*.c share. */
#ifndef ISO_INTERFACE_GEN_RUST_H
#define ISO_INTERFACE_GEN_RUST_H

#include "interface/gen_model.h"

struct gen_rust {
    struct gen_model model;
    struct gen_out out;
    struct gen_names types; /* types, traits and modules of the file */
    char *file;             /* the world's name in snake_case: the module */
    bool long_tuples;       /* tuples that have no Debug and no PartialEq */
};

/* Declarations and abi::Value of all types. */
void gen_rust_types(struct gen_rust *gen);
/* "Vec<Point>": how a value of the type is declared. GEN_NONE: "()". */
void gen_rust_put_type(struct gen_rust *gen, uint32_t id);
/* A snake_case name, escaped where Rust has a meaning for it. NULL: no memory. */
char *gen_rust_ident(struct gen_rust *gen, struct iso_str name);

#endif
