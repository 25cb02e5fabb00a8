/*
 * host.h - the seam between the core and the device interfaces (WIT package isomer:device).
 *
 * A device interface is a table of typed host functions. Each runs on a worker or on the loop
 * thread, wherever the instance runs; it must not block. A function that has to wait, or that
 * touches what belongs to the loop, answers through an *operation*:
 *
 *     static enum iso_host_result take_frame(struct iso_sv_guest *guest, ...)
 *     {
 *         struct iso_sv_op *op = iso_sv_guest_op(guest);
 *         if (op == NULL) {                         // first issue, or again after a restore
 *             struct frame_op *frame = ...;         // allocated, first member struct iso_sv_op
 *             return iso_sv_guest_wait(guest, &frame->op);
 *         }                                         // issued again: the operation has finished
 *         ... *result from op, copied into arena ...
 *         iso_sv_guest_op_done(guest);              // destroys it
 *         return ISO_HOST_DONE;
 *     }
 *
 * op->start runs on the loop thread once the instance is suspended; whoever finishes the operation
 * calls iso_sv_op_finish there. When the call is given up before (deadline, stop), op->cancel runs
 * on the loop thread instead of any further finish; destroy comes last, on any thread. While an
 * operation is under way a snapshot may be taken: then the function is issued again, with the same
 * arguments, on the other device, so each must be fit for being repeated.
 */
#ifndef ISO_SUPERVISOR_HOST_H
#define ISO_SUPERVISOR_HOST_H

#include "supervisor/core.h"

struct iso_sv_guest; /* the running instance as host functions see it */

struct iso_sv_op {
    void (*start)(struct iso_sv_op *op);   /* loop thread */
    void (*cancel)(struct iso_sv_op *op);  /* loop thread; may be NULL; not after finish */
    void (*destroy)(struct iso_sv_op *op); /* any thread */
    struct iso_sv_op_state *state;         /* the core's */
};

/* The operation of the call that is being issued, finished; NULL when there is none. */
struct iso_sv_op *iso_sv_guest_op(struct iso_sv_guest *guest);
/* Suspend the instance until the operation has finished: return what this returns. op: taken. */
ISO_MUST_CHECK enum iso_host_result iso_sv_guest_wait(struct iso_sv_guest *guest,
                                                      struct iso_sv_op *op);
/* Destroy the finished operation. */
void iso_sv_guest_op_done(struct iso_sv_guest *guest);
/* Suspend the instance until uv_hrtime() is at least at_ns: the function is then issued again. */
ISO_MUST_CHECK enum iso_host_result iso_sv_guest_sleep(struct iso_sv_guest *guest, uint64_t at_ns);
/* Loop thread: the instance goes on. */
void iso_sv_op_finish(struct iso_sv_op *op);

/* The component: what of core.h is said to be constant may be asked from here on any thread. */
struct iso_sv_component *iso_sv_guest_component(const struct iso_sv_guest *guest);
/* Whether the component was granted `name` of an interface ("camera", "default"). A refusal is
 * counted and logged. */
bool iso_sv_guest_granted(struct iso_sv_guest *guest, const char *interface, struct iso_str name);
/* The same as a mere question, for lists: nothing is counted or logged. */
bool iso_sv_guest_may(const struct iso_sv_guest *guest, const char *interface, struct iso_str name);
/* Value of a configuration key; false when it was not given. Index form for all, in key order. */
bool iso_sv_guest_config(const struct iso_sv_guest *guest, struct iso_str key, struct iso_str *out);
size_t iso_sv_guest_config_count(const struct iso_sv_guest *guest);
const struct iso_sv_pair *iso_sv_guest_config_at(const struct iso_sv_guest *guest, size_t index);
/* Log within the component's rate; emit an event (payload must be JSON: else false). */
void iso_sv_guest_log(struct iso_sv_guest *guest, enum iso_log_level level, struct iso_str line);
bool iso_sv_guest_emit(struct iso_sv_guest *guest, struct iso_str name, struct iso_str payload);
/* Directory and quota of the component's storage; NULL without one. */
const char *iso_sv_guest_storage_path(const struct iso_sv_guest *guest);
uint64_t iso_sv_guest_storage_max(const struct iso_sv_guest *guest);

/* A function of a device interface. ctx: of its interface. args, arena, result: as iso_typed_fn. */
typedef enum iso_host_result (*iso_sv_host_fn)(void *ctx, struct iso_sv_guest *guest,
                                               struct iso_host_call *call,
                                               const struct iso_value *args,
                                               struct iso_arena *arena, struct iso_value *result);

struct iso_sv_host_func {
    const char *name; /* "take-frame" */
    iso_sv_host_fn fn;
    enum iso_host_policy policy;
};

struct iso_sv_host_interface {
    const char *name; /* "camera" */
    const struct iso_sv_host_func *funcs;
    size_t func_count;
    void *ctx;
    /* Told when a component that was granted the interface is destroyed, to release what it holds
     * (streams, lines). Loop thread; may be NULL. */
    void (*component_gone)(void *ctx, struct iso_sv_component *component);
    /* Whether the device has anything of it at present (a camera configured, a sensor found), for
     * the device's description. NULL: always. */
    bool (*available)(void *ctx);
};

/* The types of the functions come from the WIT package isomer:device, compiled in. */
struct iso_sv_host_set {
    const struct iso_wit *wit; /* the package, parsed */
    const struct iso_sv_host_interface *interfaces;
    size_t count;
    /* A component's storage as bytes and back, for component snapshots: iso_sv_storage_export and
     * iso_sv_storage_import. NULL: there is no storage to move. */
    enum iso_err (*storage_save)(const char *path, struct iso_buf *out, struct iso_report *report);
    enum iso_err (*storage_load)(const char *path, struct iso_bytes bytes, uint64_t max,
                                 struct iso_report *report);
};

#endif
