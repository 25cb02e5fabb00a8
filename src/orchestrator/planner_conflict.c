/* planner_conflict.c - can it be done at all, and if not, what is in the way?
 *
 * Only memory and `apart` join the places of units, so this search looks at nothing else. A
 * conflict is made minimal by leaving out one unit after the other for as long as it remains. */
#include "orchestrator/planner_state.h"

#include <stdlib.h>

struct attempt {
    struct iso_plan_state *state;
    const bool *use;
    uint64_t steps_end;
};

/* Both empty with the same memory, and every unit in use can be on both or on neither. */
static bool interchangeable(const struct attempt *attempt, size_t a, size_t b)
{
    const struct iso_plan_model *model = attempt->state->model;
    if (attempt->state->sums[a].count + attempt->state->sums[b].count != 0 ||
        model->devs[a].free != model->devs[b].free) {
        return false;
    }
    for (size_t u = 0; u < model->unit_count; u++) {
        const double *fixed = &model->fixed[u * model->dev_count];
        if (attempt->use[u] && isinf(fixed[a]) != isinf(fixed[b])) {
            return false;
        }
    }
    return true;
}

static size_t places_count(const struct attempt *attempt, size_t unit_index)
{
    const struct iso_plan_unit *unit = &attempt->state->model->units[unit_index];
    size_t count = 0;
    for (size_t i = 0; i < unit->cand_count; i++) {
        const size_t dev = attempt->state->model->cands[unit->cand_first + i];
        count += isinf(iso_plan_marginal(attempt->state, unit_index, dev)) ? 0 : 1;
    }
    return count;
}

/* The unit with the fewest places left, of equals the one with most memory. */
static size_t unit_next(const struct attempt *attempt, size_t *places)
{
    const struct iso_plan_model *model = attempt->state->model;
    size_t best = ISO_PLAN_NONE;
    for (size_t u = 0; u < model->unit_count; u++) {
        if (!attempt->use[u] || attempt->state->place[u] != ISO_PLAN_NONE) {
            continue;
        }
        const size_t count = places_count(attempt, u);
        if (best == ISO_PLAN_NONE || count < *places ||
            (count == *places && model->units[u].memory > model->units[best].memory)) {
            best = u;
            *places = count;
        }
    }
    return best;
}

/* As deep as there are units. */
static enum iso_plan_answer attempt_rest(struct attempt *attempt)
{
    struct iso_plan_state *state = attempt->state;
    const struct iso_plan_model *model = state->model;
    size_t places = 0;
    const size_t u = unit_next(attempt, &places);
    if (u == ISO_PLAN_NONE) {
        return ISO_PLAN_YES;
    }
    if (places == 0) {
        return ISO_PLAN_NO;
    }
    const struct iso_plan_unit *unit = &model->units[u];
    size_t empty[8], empty_count = 0; /* tried ones that are not alike */
    for (size_t i = 0; i < unit->cand_count; i++) {
        const size_t dev = model->cands[unit->cand_first + i];
        bool tried = false;
        if (state->steps >= attempt->steps_end) {
            return ISO_PLAN_UNKNOWN;
        }
        for (size_t k = 0; k < empty_count && !tried; k++) {
            tried = interchangeable(attempt, empty[k], dev);
        }
        if (tried || isinf(iso_plan_marginal(state, u, dev))) {
            continue;
        }
        if (state->sums[dev].count == 0 && empty_count < ISO_COUNT_OF(empty)) {
            empty[empty_count++] = dev;
        }
        iso_plan_put(state, u, dev);
        const enum iso_plan_answer answer = attempt_rest(attempt);
        if (answer != ISO_PLAN_NO) {
            return answer;
        }
        iso_plan_take(state, u);
    }
    return ISO_PLAN_NO;
}

enum iso_plan_answer iso_plan_possible(struct iso_plan_search *search, const bool *use,
                                       uint64_t effort)
{
    struct attempt attempt = {&search->state, use, search->state.steps + effort};
    iso_plan_state_clear(&search->state);
    return attempt_rest(&attempt);
}

/* ---- What is in the way --------------------------------------------------------------------- */

/* Is there a device for all of these components of one unit together? */
static bool together(const struct iso_plan_model *model, const size_t *comps, size_t count)
{
    for (size_t d = 0; d < model->dev_count; d++) {
        uint64_t memory = 0;
        bool fits = true;
        for (size_t i = 0; i < count && fits; i++) {
            fits = iso_plan_fit(model, comps[i], d, NULL);
            memory = iso_plan_memory_add(memory, model->comps[comps[i]].memory);
        }
        if (fits && memory <= model->devs[d].free) {
            return true;
        }
    }
    return false;
}

static void leave_out(size_t *list, size_t count, size_t at)
{
    for (size_t i = at; i + 1 < count; i++) {
        list[i] = list[i + 1];
    }
}

/* Members of a unit that no device has room for together: as few as possible. */
static size_t members_minimal(const struct iso_plan_model *model, const struct iso_plan_unit *unit,
                              size_t *list, size_t *scratch)
{
    size_t count = unit->count;
    if (unit->clash[0] != ISO_PLAN_NONE) {
        list[0] = unit->clash[0];
        list[1] = unit->clash[1];
        return 2;
    }
    for (size_t i = 0; i < count; i++) {
        list[i] = model->members[unit->first + i];
    }
    for (size_t i = count; i-- > 0;) {
        for (size_t k = 0; k < count; k++) {
            scratch[k] = list[k];
        }
        leave_out(scratch, count, i);
        if (count > 1 && !together(model, scratch, count - 1)) {
            leave_out(list, count, i);
            count--;
        }
    }
    return count;
}

static size_t unplaceable(const struct iso_plan_model *model, size_t *list)
{
    size_t count = 0;
    for (size_t c = 0; c < model->comp_count; c++) {
        bool fits = false;
        for (size_t d = 0; d < model->dev_count && !fits; d++) {
            fits = iso_plan_fit(model, c, d, NULL);
        }
        if (!fits) {
            list[count++] = c;
        }
    }
    return count;
}

/* Units that cannot be placed together, made as few as possible. False: could not be decided. */
static bool units_minimal(struct iso_plan_search *search, bool *use)
{
    const size_t units = search->state.model->unit_count;
    const uint64_t effort = search->state.model->options.improve_steps;
    for (size_t u = 0; u < units; u++) {
        use[u] = true;
    }
    search->state.strict = false;
    if (iso_plan_possible(search, use, effort) != ISO_PLAN_NO) {
        return false;
    }
    for (size_t u = units; u-- > 0;) {
        use[u] = false;
        if (iso_plan_possible(search, use, effort / (units + 1)) != ISO_PLAN_NO) {
            use[u] = true;
        }
    }
    return true;
}

static void to_input(const struct iso_plan_model *model, size_t *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        list[i] = model->comps[list[i]].index;
    }
}

/* Fills `list`, which has room for all components, and returns the kind. */
static enum iso_plan_conflict_kind conflict_list(struct iso_plan_search *search, size_t *list,
                                                 size_t *scratch, bool *use, size_t *count)
{
    const struct iso_plan_model *model = search->state.model;
    if (model->dev_count == 0) {
        return ISO_PLAN_NO_DEVICES;
    }
    *count = unplaceable(model, list);
    if (*count != 0) {
        return ISO_PLAN_NO_CANDIDATE;
    }
    for (size_t u = 0; u < model->unit_count; u++) {
        if (model->units[u].cand_count == 0) {
            *count = members_minimal(model, &model->units[u], list, scratch);
            return ISO_PLAN_JOINT;
        }
    }
    if (!units_minimal(search, use)) {
        return ISO_PLAN_NOT_FOUND;
    }
    for (size_t c = 0; c < model->comp_count; c++) {
        if (use[model->comps[c].unit]) {
            list[(*count)++] = c;
        }
    }
    return ISO_PLAN_JOINT;
}

enum iso_err iso_plan_conflict_find(struct iso_plan_search *search, struct iso_plan_conflict *out)
{
    const struct iso_plan_model *model = search->state.model;
    size_t *list = iso_arena_array(search->arena, model->comp_count, sizeof *list);
    size_t *scratch = iso_arena_array(search->arena, model->comp_count, sizeof *scratch);
    bool *use = iso_arena_array(search->arena, model->unit_count, sizeof *use);
    size_t count = 0;
    if (list == NULL || scratch == NULL || use == NULL) {
        return ISO_E_NOMEM;
    }
    out->kind = conflict_list(search, list, scratch, use, &count);
    to_input(model, list, count);
    out->components = list;
    out->component_count = count;
    return ISO_OK;
}
