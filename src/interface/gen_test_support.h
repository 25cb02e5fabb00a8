/* gen_test_support.h - interfaces built by hand, for the tests of the generators. */
#ifndef ISO_INTERFACE_GEN_TEST_SUPPORT_H
#define ISO_INTERFACE_GEN_TEST_SUPPORT_H

#include "interface/interface.h"

/* Everything is in the arena; a failure to get memory fails the test. */
struct gen_build {
    struct iso_arena arena;
};

void gen_build_init(struct gen_build *build);
void gen_build_fini(struct gen_build *build);

const struct iso_vtype *gen_build_list(struct gen_build *build, const struct iso_vtype *element);
const struct iso_vtype *gen_build_option(struct gen_build *build, const struct iso_vtype *element);
const struct iso_vtype *gen_build_result(struct gen_build *build, const struct iso_vtype *ok,
                                         const struct iso_vtype *error);
/* Members end with one whose name is NULL (for a tuple: whose type is NULL). */
struct gen_build_member {
    const char *name;
    const struct iso_vtype *type;
};
/* record, variant, enum, flags (name NULL: anonymous) or tuple. */
const struct iso_vtype *gen_build_compound(struct gen_build *build, enum iso_vkind kind,
                                           const char *name, const char *doc,
                                           const struct iso_wit_interface *owner,
                                           const struct gen_build_member *members);
struct iso_wit_func *gen_build_func(struct gen_build *build, struct iso_wit_func *func,
                                    const char *name, const char *doc,
                                    const struct gen_build_member *params,
                                    const struct iso_vtype *result);

/*
 * A world "gadget" of package demo:gadget@1.2.0: exports the interface "things" with every kind of
 * type, a function of the same name as one of things, and imports "host" and the function "note".
 */
const struct iso_wit_world *gen_build_gadget(struct gen_build *build);

#endif
