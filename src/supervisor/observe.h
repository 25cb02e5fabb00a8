/*
 * observe.h - watching a property of a component: a function get-x without parameters.
 *
 * The property is read when the first observer comes, after calls that may have changed it (those
 * of a service that succeeded), and otherwise once a second; observers are told when its value has
 * another text than before, and of its failure. All observers of one property share the reading.
 * Loop thread.
 */
#ifndef ISO_SUPERVISOR_OBSERVE_H
#define ISO_SUPERVISOR_OBSERVE_H

#include "supervisor/call.h"

struct iso_sv_observers; /* all of one supervisor */

struct iso_sv_observer {
    /* Its value, as JSON and as CBOR (borrowed for the call); or failure: outcome is not DONE and
     * the values are empty. gone: the component has been removed; nothing more comes. */
    void (*value)(void *ctx, enum iso_sv_outcome outcome, struct iso_bytes json,
                  struct iso_bytes cbor, bool gone);
    void *ctx;
    /* Kept by the observers. */
    struct iso_sv_observer *next, **link;
    struct iso_sv_observed *observed;
    bool told; /* has had a value */
};

ISO_MUST_CHECK enum iso_err iso_sv_observers_create(uv_loop_t *loop, struct iso_sv_core *core,
                                                    struct iso_sv_observers **out);
/* Without observers left. Closes its timer: the loop must run once more. NULL is fine. */
void iso_sv_observers_destroy(struct iso_sv_observers *observers);

/* Start: the present value comes first, not before this returns. find is asked each time for the
 * component of that name, since generations change. Errors: NOMEM, LIMIT. */
ISO_MUST_CHECK enum iso_err iso_sv_observe(struct iso_sv_observers *observers, struct iso_str app,
                                           struct iso_str component, struct iso_str path,
                                           struct iso_sv_observer *observer);
/* End; fine when it has ended. Also from within value. */
void iso_sv_unobserve(struct iso_sv_observer *observer);

/* For the watch of core.h: a component's state changed; a component of that name came or went. */
void iso_sv_observers_changed(struct iso_sv_observers *observers,
                              struct iso_sv_component *component);
void iso_sv_observers_refresh(struct iso_sv_observers *observers);
/* How the observers find the component of a name; NULL when there is none. Set once. */
void iso_sv_observers_set_find(struct iso_sv_observers *observers,
                               struct iso_sv_component *(*find)(void *ctx, struct iso_str app,
                                                                struct iso_str component),
                               void *ctx);

#endif
