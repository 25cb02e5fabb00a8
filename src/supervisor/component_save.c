/* component_save.c - the state of a frozen component as bytes. */
#include "supervisor/core_state.h"

enum iso_err iso_sv_component_save(struct iso_sv_component *component, struct iso_buf *out,
                                   struct iso_report *report)
{
    (void)out;
    return iso_fail(report, ISO_E_UNSUPPORTED, "%s cannot be moved yet", component->full_name);
}

enum iso_err iso_sv_component_load(struct iso_sv_component *component, struct iso_bytes bytes,
                                   iso_sv_adopt_fn adopt, void *ctx, struct iso_report *report)
{
    (void)bytes;
    (void)adopt;
    (void)ctx;
    return iso_fail(report, ISO_E_UNSUPPORTED, "%s cannot be moved yet", component->full_name);
}
