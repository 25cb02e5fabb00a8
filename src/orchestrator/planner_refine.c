/* planner_refine.c - the best placement made better a few units at a time: those that talk to each
 * other, those that share a device, and those that want the same device are taken away and placed
 * anew by the exact search, while all others stay. */
#include "orchestrator/planner_state.h"

/* Of one such search; so that many sets get their turn. */
static const uint64_t part_steps = 40000;

struct set {
    size_t units[ISO_PLAN_PART_MAX];
    size_t count;
};

static void set_add(struct set *set, size_t unit)
{
    for (size_t i = 0; i < set->count; i++) {
        if (set->units[i] == unit) {
            return;
        }
    }
    if (set->count < ISO_PLAN_PART_MAX) {
        set->units[set->count++] = unit;
    }
}

/* A unit and what it talks to, directly or by way of others. */
static void set_talking(const struct iso_plan_state *state, size_t unit_index, struct set *set)
{
    set_add(set, unit_index);
    for (size_t done = 0; done < set->count; done++) {
        const struct iso_plan_unit *unit = &state->model->units[set->units[done]];
        for (size_t i = 0; i < unit->near_count; i++) {
            set_add(set, state->model->nears[unit->near_first + i].unit);
        }
    }
}

/* A unit and others on its device, beginning with those behind it. */
static void set_sharing(const struct iso_plan_state *state, size_t unit_index, struct set *set)
{
    const size_t units = state->model->unit_count;
    for (size_t i = 0; i < units; i++) {
        const size_t other = (unit_index + i) % units;
        if (state->place[other] == state->place[unit_index]) {
            set_add(set, other);
        }
    }
}

/* A unit, and what is on the device that would be its own choice if it were alone. */
static void set_wanting(const struct iso_plan_state *state, size_t unit_index, struct set *set)
{
    const struct iso_plan_model *model = state->model;
    const double *fixed = &model->fixed[unit_index * model->dev_count];
    const struct iso_plan_unit *unit = &model->units[unit_index];
    size_t best = state->place[unit_index];
    for (size_t i = 0; i < unit->cand_count; i++) {
        const size_t dev = model->cands[unit->cand_first + i];
        best = fixed[dev] < fixed[best] ? dev : best;
    }
    set_add(set, unit_index);
    for (size_t other = 0; other < model->unit_count; other++) {
        if (state->place[other] == best) {
            set_add(set, other);
        }
    }
}

static bool refine_around(struct iso_plan_search *search, size_t unit)
{
    static void (*const fill[])(const struct iso_plan_state *, size_t,
                                struct set *) = {set_talking, set_sharing, set_wanting};
    bool any = false;
    for (size_t i = 0; i < ISO_COUNT_OF(fill); i++) {
        struct set set = {.count = 0};
        fill[i](&search->state, unit, &set);
        if (set.count > 1 && search->state.steps < search->steps_end) {
            any = iso_plan_part(search, set.units, set.count, part_steps) || any;
        }
    }
    return any;
}

void iso_plan_refine(struct iso_plan_search *search)
{
    const size_t units = search->state.model->unit_count;
    bool any = true;
    iso_plan_state_clear(&search->state);
    for (size_t u = 0; u < units; u++) {
        iso_plan_put(&search->state, u, search->best[u]);
    }
    while (any && search->state.steps < search->steps_end) {
        any = false;
        for (size_t u = 0; u < units; u++) {
            any = refine_around(search, u) || any;
        }
    }
}
