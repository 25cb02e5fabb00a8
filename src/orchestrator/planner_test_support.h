/* planner_test_support.h - sites for the planner's tests and bench: devices, components, traffic.
 */
#ifndef ISO_ORCHESTRATOR_PLANNER_TEST_SUPPORT_H
#define ISO_ORCHESTRATOR_PLANNER_TEST_SUPPORT_H

#include "orchestrator/planner.h"

/* A generator of numbers that is the same everywhere (xorshift64*). The state must not be 0. */
struct iso_plan_random {
    uint64_t state;
};

uint64_t iso_plan_random_next(struct iso_plan_random *random);
/* 0 .. below - 1. */
size_t iso_plan_random_below(struct iso_plan_random *random, size_t below);
bool iso_plan_random_chance(struct iso_plan_random *random, unsigned percent);
/* Between low and high (both > 0), as often in each order of magnitude. */
double iso_plan_random_between(struct iso_plan_random *random, double low, double high);

/* What a random site is like. */
struct iso_plan_site_options {
    size_t devices, components;
    unsigned trouble_percent;       /* devices that are suspect, lost or draining */
    unsigned constraint_percent;    /* components with each kind of constraint */
    unsigned running_percent;       /* components that run somewhere already */
    double memory_low, memory_high; /* bytes free on a device */
    double work_low, work_high;     /* fuel per call */
};

struct iso_plan_site {
    struct iso_plan_input input; /* points into the arena */
    struct iso_arena arena;
};

/* Fills a site; fails the test when memory is short. iso_plan_site_fini releases it. */
void iso_plan_site_make(struct iso_plan_site *site, const struct iso_plan_site_options *options,
                        uint64_t seed);
void iso_plan_site_fini(struct iso_plan_site *site);

/* The same site with devices, components, edges and paths in another order. Strings stay those of
 * `from`. */
void iso_plan_site_shuffle(struct iso_plan_site *site, const struct iso_plan_site *from,
                           uint64_t seed);

/* Hard constraints of such a site, written down once more: of a component by itself on a device,
 * and of a whole placement (a device per component). */
bool iso_plan_site_allows_alone(const struct iso_plan_input *in, size_t component, size_t index);
bool iso_plan_site_allows(const struct iso_plan_input *in, const size_t *place);
/* Memory of a device for the application: free now, or taken by what the application has there. */
uint64_t iso_plan_site_memory(const struct iso_plan_input *in, size_t device);
/* Index of the component of that name, which must be there. */
size_t iso_plan_site_find(const struct iso_plan_input *in, struct iso_str name);

#endif
