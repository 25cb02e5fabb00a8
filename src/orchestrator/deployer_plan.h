/* deployer_plan.h - the planner asked for a generation, or for people who only want to know. */
#ifndef ISO_ORCHESTRATOR_DEPLOYER_PLAN_H
#define ISO_ORCHESTRATOR_DEPLOYER_PLAN_H

#include "orchestrator/deployer_state.h"

struct iso_or_planning {
    struct iso_or_generation *gen;           /* resolved and checked */
    const struct iso_or_app *app;            /* gen's */
    const struct iso_or_generation *current; /* or NULL */
    struct iso_arena arena;
    struct iso_plan_device *devices;
    size_t device_count, device_cap;
    struct iso_plan_component *components;
    struct iso_plan_input input;
    struct iso_plan *plan;
    bool short_of_memory;
};

/* fini also after failure. Errors: those of iso_plan_create. */
ISO_MUST_CHECK enum iso_err iso_or_planning_make(struct iso_or_planning *planning,
                                                 struct iso_or_generation *gen,
                                                 const struct iso_or_generation *current,
                                                 struct iso_report *report);
void iso_or_planning_fini(struct iso_or_planning *planning);
/* The explanation (docs/orchestrator-api.md, "Plans"); with the application's name. NULL: memory.
 */
json_t *iso_or_plan_json(const struct iso_or_planning *planning, bool named);
/* What has been measured of a component. */
void iso_or_measure(struct iso_or_planning *planning, const char *name,
                    struct iso_plan_component *out);

#endif
