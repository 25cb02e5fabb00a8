/* A store that can be replaced by its own restored snapshot at any time, with everything in it
 * known by the order of creation. */
#ifndef TESTS_SPEC_STEPPER_H
#define TESTS_SPEC_STEPPER_H

#include "session.h"

enum { STEPPER_INSTANCES_MAX = 512 };

struct stepper {
    struct iso_engine *engine;
    struct spec_modules *modules;
    const struct spec_options *options;
    struct spec_tally *tally;
    struct iso_store *store;
    /* By order of creation; NULL where instantiation trapped, which leaves an instance behind. */
    struct iso_instance *instances[STEPPER_INSTANCES_MAX];
    bool lost[STEPPER_INSTANCES_MAX]; /* instantiation trapped */
    uint32_t instance_count;
    /* Working space of a restore: on the heap, since native stacks may be small. */
    struct iso_instance *restored[STEPPER_INSTANCES_MAX];
    struct iso_module *module_list[STEPPER_INSTANCES_MAX];
    bool broken; /* a snapshot could not be restored: `why` says why; nothing works from then on */
    char why[640];
};

/* A fresh store with spectest. The engine, modules, options and tally (set by the caller) are kept.
 */
ISO_MUST_CHECK enum iso_err stepper_init(struct stepper *stepper);
void stepper_fini(struct stepper *stepper);

/* Instantiates and runs the start function to its end. *index gets the instance's number. Errors:
 * as iso_instance_create; STATE when broken. */
ISO_MUST_CHECK enum iso_err stepper_instantiate(struct stepper *stepper, struct iso_module *module,
                                                uint32_t *index, struct iso_report *report);

/* Calls a function to its end. Results are copied. Errors: ISO_E_TRAP and those of iso_start. */
ISO_MUST_CHECK enum iso_err stepper_call(struct stepper *stepper, struct iso_func *func,
                                         const union iso_slot *args, union iso_slot *results);

/* Replaces the store by its restored snapshot; in step mode only. False: broken. */
bool stepper_carry_over(struct stepper *stepper);

#endif
