/*
 * flow_args.h - the parameters of a flow's step: the template of the deployment document (`with`)
 * against the types of the function, and a list of parts from which the parameters of each run are
 * put together as CBOR, without looking at types any more.
 *
 *     {"frame": "$f", "width": 640}   ->   A2 65 frame [step 0] 65 width 19 0280
 *
 * What has no reference in it is encoded once, by its type (so base64 text becomes bytes where the
 * parameter is list<u8>). What fits no type is refused here, with the JSON pointer of its place.
 */
#ifndef ISO_SUPERVISOR_FLOW_ARGS_H
#define ISO_SUPERVISOR_FLOW_ARGS_H

#include "codec/codec.h"
#include "supervisor/document.h"
#include "supervisor/flow.h"

struct iso_sv_flow_args;

struct iso_sv_flow_args_def {
    const struct iso_alloc *alloc;          /* kept */
    const struct iso_sv_document *document; /* kept */
    uint32_t flow, step;
    const struct iso_wit_func *func; /* of the step; borrowed */
    /* The results of the steps before, step_count of them; NULL: it has none, when known says so.
     */
    const struct iso_vtype *const *results; /* borrowed */
    const bool *known;                      /* borrowed */
};

/* Errors: INVALID (with the pointer), LIMIT, NOMEM. */
ISO_MUST_CHECK enum iso_err iso_sv_flow_args_create(const struct iso_sv_flow_args_def *def,
                                                    struct iso_sv_flow_args **out,
                                                    struct iso_report *report);
void iso_sv_flow_args_destroy(struct iso_sv_flow_args *args); /* NULL is fine */

/* The parameters of a run: a map. slots: step_count + 1. Errors: ARGUMENT (a result has no such
 * field: the report says which, and for which parameter), those of iso_buf. */
ISO_MUST_CHECK enum iso_err iso_sv_flow_args_build(const struct iso_sv_flow_args *args,
                                                   const struct iso_sv_slot *slots,
                                                   struct iso_buf *out, struct iso_report *report);

#endif
