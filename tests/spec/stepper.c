/* Step mode: the store stops at every safepoint, is saved, restored into a new store, destroyed,
 * and the call goes on in the new one. After STEPS_ALL stops in one call only every SAMPLE-th is
 * taken, and after more than SAMPLES_DENSE of those the distance doubles, so that a run of a
 * million safepoints stays affordable. */
#include "stepper.h"

#include "modules.h"
#include "spectest.h"

#include <string.h>

enum { SAMPLE = 997, SAMPLES_DENSE = 20 };

static enum iso_err store_create(struct stepper *stepper, struct iso_store **out)
{
    /* Recursion that only ends with the stack is carried over whole each time: less of it will do.
     */
    const struct iso_store_config config = {.stack_max_bytes =
                                                stepper->options->step ? 1u << 20 : 0u};
    struct iso_store *store = NULL;
    enum iso_err err = iso_store_create(stepper->engine, &config, &store);

    if (err == ISO_OK) {
        err = spectest_define(store);
    }
    if (err != ISO_OK) {
        iso_store_destroy(store);
        return err;
    }
    iso_store_step(store, stepper->options->step);
    *out = store;
    return ISO_OK;
}

enum iso_err stepper_init(struct stepper *stepper)
{
    return store_create(stepper, &stepper->store);
}

void stepper_fini(struct stepper *stepper)
{
    iso_store_destroy(stepper->store);
    stepper->store = NULL;
}

static bool give_up(struct stepper *stepper, const char *what, enum iso_err err,
                    const struct iso_report *report)
{
    stepper->broken = true;
    (void)iso_format(stepper->why, sizeof stepper->why, "%s: %s: %s", what, iso_err_name(err),
                     iso_report_text(report, err));
    return false;
}

/* Checks that the restored store gave back as many instances as there were. */
static bool adopt_instances(struct stepper *stepper, struct iso_instance **instances)
{
    for (uint32_t i = 0; i < stepper->instance_count; i++) {
        if (instances[i] == NULL) {
            stepper->broken = true;
            (void)iso_format(stepper->why, sizeof stepper->why,
                             "restore gave back %u instances of %u", i, stepper->instance_count);
            return false;
        }
        stepper->instances[i] = stepper->lost[i] ? NULL : instances[i];
    }
    return true;
}

static bool restore(struct stepper *stepper, struct iso_bytes snapshot)
{
    struct iso_instance **instances = stepper->restored;
    struct iso_report report;
    struct iso_store *store = NULL;
    size_t module_count =
        spec_modules_list(stepper->modules, stepper->module_list, STEPPER_INSTANCES_MAX);
    enum iso_run_state before = iso_store_state(stepper->store);
    uint64_t fuel_used = iso_store_fuel_used(stepper->store);
    enum iso_err err = store_create(stepper, &store);

    iso_report_init(&report);
    memset(instances, 0, sizeof stepper->restored);
    if (err == ISO_OK) {
        err = iso_snapshot_restore(store, snapshot, stepper->module_list, module_count, NULL, 0,
                                   instances, STEPPER_INSTANCES_MAX, &report);
    }
    if (err != ISO_OK) {
        iso_store_destroy(store);
        return give_up(stepper, "restore", err, &report);
    }
    iso_store_step(store, true);
    iso_store_destroy(stepper->store);
    stepper->store = store;
    stepper->tally->restores++;
    enum iso_run_state after = iso_store_state(store);
    if ((before == ISO_RUN_INTERRUPTED) !=
        (after == ISO_RUN_INTERRUPTED || after == ISO_RUN_READY)) {
        return give_up(stepper, "state after the restore", ISO_E_STATE, NULL);
    }
    if (fuel_used != iso_store_fuel_used(store)) {
        return give_up(stepper, "fuel counter after the restore", ISO_E_STATE, NULL);
    }
    return adopt_instances(stepper, instances);
}

bool stepper_carry_over(struct stepper *stepper)
{
    struct iso_buf snapshot;
    struct iso_report report;
    bool done = true;

    if (stepper->broken || !stepper->options->step) {
        return !stepper->broken;
    }
    iso_report_init(&report);
    iso_buf_init(&snapshot, iso_alloc_libc(), SIZE_MAX);
    enum iso_err err = iso_snapshot_save(stepper->store, NULL, 0, &snapshot, &report);
    if (err == ISO_E_REFUSED && strstr(report.text, "externref") != NULL) {
        stepper->tally->externrefs++;
    } else if (err != ISO_OK) {
        done = give_up(stepper, "save", err, &report);
    } else {
        done = restore(stepper, iso_buf_view(&snapshot));
    }
    iso_buf_fini(&snapshot);
    return done;
}

/* Runs the call that was started until it is over. */
static enum iso_err run_to_end(struct stepper *stepper)
{
    uint64_t stops = 0;
    uint64_t distance = SAMPLE;
    uint64_t next = stepper->options->all + SAMPLE;
    unsigned samples = 0;

    for (;;) {
        enum iso_run_state state = iso_run(stepper->store);
        if (state != ISO_RUN_INTERRUPTED) {
            stepper->tally->safepoints += stops;
            return state == ISO_RUN_DONE      ? ISO_OK
                   : state == ISO_RUN_TRAPPED ? ISO_E_TRAP
                                              : ISO_E_STATE;
        }
        stops++;
        if (stops > stepper->options->all) {
            if (stops < next) {
                continue;
            }
            distance = ++samples > SAMPLES_DENSE ? 2 * distance : distance;
            next = stops + distance;
        }
        if (!stepper_carry_over(stepper)) {
            return ISO_E_STATE;
        }
    }
}

enum iso_err stepper_instantiate(struct stepper *stepper, struct iso_module *module,
                                 uint32_t *index, struct iso_report *report)
{
    struct iso_instance *instance = NULL;
    uint32_t number = stepper->instance_count;

    if (stepper->broken) {
        return iso_fail(report, ISO_E_STATE, "%s", stepper->why);
    }
    if (number == STEPPER_INSTANCES_MAX) {
        return iso_fail(report, ISO_E_LIMIT, "the runner keeps at most %d instances",
                        STEPPER_INSTANCES_MAX);
    }
    enum iso_err err = iso_instance_create(stepper->store, module, &instance, report);
    if (err != ISO_OK && err != ISO_E_TRAP && err != ISO_E_PENDING) {
        return err;
    }
    stepper->instances[number] = instance;
    stepper->instance_count++;
    stepper->lost[number] = err == ISO_E_TRAP;
    if (err == ISO_E_PENDING) {
        err = stepper_carry_over(stepper) ? run_to_end(stepper) : ISO_E_STATE;
        if (err == ISO_E_TRAP) {
            stepper->lost[number] = true;
            stepper->instances[number] = NULL;
        } else if (err == ISO_E_STATE) {
            return iso_fail(report, err, "%s", stepper->why);
        }
    }
    if (err == ISO_OK) {
        *index = number;
    }
    return err;
}

enum iso_err stepper_call(struct stepper *stepper, struct iso_func *func,
                          const union iso_slot *args, union iso_slot *results)
{
    const struct iso_func_type *type = iso_func_type(func);
    uint32_t result_slots = type->result_slots;
    enum iso_err err = stepper->broken ? ISO_E_STATE : iso_start(stepper->store, func, args);

    if (err == ISO_OK) {
        err = run_to_end(stepper);
    }
    if (err == ISO_OK && result_slots > 0) {
        memcpy(results, iso_results(stepper->store), result_slots * sizeof *results);
    }
    if (err == ISO_E_STATE) {
        iso_drop(stepper->store);
    }
    return err;
}
