/* Bindings for guests: which generator makes them. */
#include "interface/gen_c.h"

enum iso_err iso_gen_bindings(const struct iso_alloc *alloc, const struct iso_wit_world *world,
                              enum iso_gen_language language, iso_gen_file_fn file, void *ctx,
                              struct iso_report *report)
{
    switch (language) {
    case ISO_GEN_C:
        return gen_bindings_c(alloc, world, file, ctx, report);
    case ISO_GEN_RUST:
        return gen_bindings_rust(alloc, world, file, ctx, report);
    case ISO_GEN_ASSEMBLYSCRIPT:
        return gen_bindings_as(alloc, world, file, ctx, report);
    default:
        return iso_fail(report, ISO_E_ARGUMENT,
                        "there are bindings for c, rust and assemblyscript");
    }
}
