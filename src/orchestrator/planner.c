/* planner.c - the searches in their order, and what a plan answers about itself.
 *
 * First without overload: the heuristic, then the exact search, which starts from its result. Only
 * when that finds nothing is overload allowed, at a price. When there is nothing at all, the
 * conflict is looked for. */
#include "orchestrator/planner_state.h"

const struct iso_plan_options iso_plan_options_default = {
    .exact_steps = 4000000, .improve_steps = 20000000, .horizon_s = 60, .hysteresis = 0.1};

void iso_plan_search_offer(struct iso_plan_search *search)
{
    const struct iso_plan_state *state = &search->state;
    for (size_t u = 0; u < state->model->unit_count; u++) {
        if (state->place[u] == ISO_PLAN_NONE) {
            return;
        }
    }
    const double cost = iso_plan_state_cost(state);
    if (cost < search->best_cost) {
        search->best_cost = cost;
        for (size_t u = 0; u < state->model->unit_count; u++) {
            search->best[u] = state->place[u];
        }
    }
}

/* ---- Searching ------------------------------------------------------------------------------ */

static bool has_candidates(const struct iso_plan_model *model)
{
    for (size_t u = 0; u < model->unit_count; u++) {
        if (model->units[u].cand_count == 0) {
            return false;
        }
    }
    return true;
}

/* Memory alone may leave so few placements that no rule of construction finds one. */
static enum iso_err last_resort(struct iso_plan_search *search)
{
    const struct iso_plan_model *model = search->state.model;
    bool *use = iso_arena_array(search->arena, model->unit_count, sizeof *use);
    if (use == NULL) {
        return ISO_E_NOMEM;
    }
    for (size_t u = 0; u < model->unit_count; u++) {
        use[u] = true;
    }
    if (iso_plan_possible(search, use, model->options.improve_steps) == ISO_PLAN_YES) {
        iso_plan_search_offer(search);
        search->steps_end = search->state.steps + model->options.improve_steps;
        iso_plan_improve(search);
        iso_plan_search_offer(search);
    }
    return ISO_OK;
}

static enum iso_err search_once(struct iso_plan_search *search, bool strict, bool *complete)
{
    const struct iso_plan_options *options = &search->state.model->options;
    search->state.strict = strict;
    search->steps_end = search->state.steps + options->improve_steps;
    enum iso_err err = iso_plan_greedy(search);
    if (err == ISO_OK && !strict && isinf(search->best_cost)) {
        err = last_resort(search);
    }
    if (err == ISO_OK && !isinf(search->best_cost)) {
        iso_plan_refine(search);
    }
    if (err == ISO_OK) {
        search->steps_end = search->state.steps + options->exact_steps;
        err = iso_plan_exact(search, complete);
    }
    return err;
}

static enum iso_err search_all(struct iso_plan *plan)
{
    struct iso_plan_search *search = &plan->search;
    bool strict_complete = false, complete = false;
    if (!has_candidates(&plan->model)) {
        plan->outcome.proven = true;
        return ISO_OK;
    }
    enum iso_err err = search_once(search, true, &strict_complete);
    if (err == ISO_OK && !isinf(search->best_cost)) {
        plan->outcome.proven = strict_complete;
        return ISO_OK;
    }
    if (err == ISO_OK) {
        err = search_once(search, false, &complete);
        plan->outcome.proven = strict_complete && complete;
    }
    return err;
}

/* The state becomes the best placement. */
static void adopt(struct iso_plan *plan)
{
    struct iso_plan_state *state = &plan->search.state;
    struct iso_plan_outcome *outcome = &plan->outcome;
    iso_plan_state_clear(state);
    state->strict = false;
    for (size_t u = 0; u < plan->model.unit_count; u++) {
        iso_plan_put(state, u, plan->search.best[u]);
    }
    outcome->feasible = true;
    outcome->overloaded = iso_plan_state_terms(state, &outcome->cost);
    for (size_t d = 0; d < plan->model.dev_count; d++) {
        outcome->devices += state->sums[d].count != 0 ? 1 : 0;
    }
    for (size_t c = 0; c < plan->model.comp_count; c++) {
        const struct iso_plan_comp *comp = &plan->model.comps[c];
        outcome->moves += comp->in->current != ISO_PLAN_NONE &&
                                  plan->model.dev_of[comp->in->current] != state->place[comp->unit]
                              ? 1
                              : 0;
    }
}

static enum iso_err search_make(struct iso_plan *plan)
{
    struct iso_plan_search *search = &plan->search;
    const size_t units = plan->model.unit_count;
    search->arena = &plan->arena;
    search->state.model = &plan->model;
    search->best_cost = INFINITY;
    search->best = iso_arena_array(&plan->arena, units, sizeof *search->best);
    search->order = iso_arena_array(&plan->arena, units, sizeof *search->order);
    search->set = iso_arena_array(&plan->arena, units, sizeof *search->set);
    search->start = iso_arena_array(&plan->arena, units, sizeof *search->start);
    search->floors = iso_arena_array(&plan->arena, units, sizeof *search->floors);
    search->pull = iso_arena_array(&plan->arena, units, sizeof *search->pull);
    search->set_fixed =
        iso_arena_array(&plan->arena, plan->model.dev_count, sizeof *search->set_fixed);
    if (search->set_fixed == NULL || search->pull == NULL || search->best == NULL ||
        search->order == NULL || search->set == NULL || search->start == NULL ||
        search->floors == NULL) {
        return ISO_E_NOMEM;
    }
    const enum iso_err err = iso_plan_part_make(search);
    return err != ISO_OK ? err : iso_plan_state_make(&search->state, &plan->model, &plan->arena);
}

static enum iso_err plan_make(struct iso_plan *plan, struct iso_report *report)
{
    enum iso_err err = iso_plan_model_make(&plan->model, &plan->arena, report);
    if (err == ISO_OK) {
        err = search_make(plan);
    }
    if (err == ISO_OK) {
        err = search_all(plan);
    }
    if (err != ISO_OK) {
        return err;
    }
    if (!isinf(plan->search.best_cost)) {
        adopt(plan);
    } else {
        err = iso_plan_conflict_find(&plan->search, &plan->conflict);
        plan->outcome.proven = plan->conflict.kind != ISO_PLAN_NOT_FOUND;
        iso_plan_state_clear(&plan->search.state);
    }
    plan->outcome.steps = plan->search.state.steps;
    return err;
}

enum iso_err iso_plan_create(const struct iso_alloc *alloc, const struct iso_plan_input *input,
                             const struct iso_plan_options *options, struct iso_plan **out,
                             struct iso_report *report)
{
    struct iso_plan *plan = iso_alloc_new(alloc, sizeof *plan);
    if (plan == NULL) {
        return ISO_E_NOMEM;
    }
    plan->alloc = alloc;
    plan->model.input = input;
    plan->model.options = options != NULL ? *options : iso_plan_options_default;
    plan->model.options.horizon_s = fmax(plan->model.options.horizon_s, 1);
    plan->model.options.hysteresis = fmax(plan->model.options.hysteresis, 0);
    iso_arena_init(&plan->arena, alloc, 1u << 16, SIZE_MAX);
    const enum iso_err err = plan_make(plan, report);
    if (err != ISO_OK) {
        iso_plan_destroy(plan);
        return err;
    }
    *out = plan;
    return ISO_OK;
}

void iso_plan_destroy(struct iso_plan *plan)
{
    if (plan != NULL) {
        const struct iso_alloc *alloc = plan->alloc;
        iso_arena_fini(&plan->arena);
        iso_alloc_free(alloc, plan, sizeof *plan);
    }
}

/* ---- Answers -------------------------------------------------------------------------------- */

const struct iso_plan_outcome *iso_plan_outcome(const struct iso_plan *plan)
{
    return &plan->outcome;
}

const struct iso_plan_conflict *iso_plan_conflict(const struct iso_plan *plan)
{
    return &plan->conflict;
}

size_t iso_plan_device(const struct iso_plan *plan, size_t component)
{
    ISO_ASSERT(component < plan->model.comp_count);
    const size_t unit = plan->model.comps[plan->model.comp_of[component]].unit;
    const size_t dev = plan->search.state.place[unit];
    return dev != ISO_PLAN_NONE ? plan->model.devs[dev].index : ISO_PLAN_NONE;
}

/* Puts every unit where `devices` says, as far as constraints allow. Returns the component at
 * fault, or ISO_PLAN_NONE. */
static size_t place_given(const struct iso_plan_model *model, struct iso_plan_state *state,
                          const size_t *devices)
{
    for (size_t u = 0; u < model->unit_count; u++) {
        const struct iso_plan_unit *unit = &model->units[u];
        const size_t first = model->comps[model->members[unit->first]].index;
        for (size_t i = 0; i < unit->count; i++) {
            const size_t index = model->comps[model->members[unit->first + i]].index;
            if (devices[index] >= model->dev_count || devices[index] != devices[first]) {
                return index;
            }
        }
        const size_t dev = model->dev_of[devices[first]];
        if (isinf(iso_plan_marginal(state, u, dev))) {
            return first;
        }
        iso_plan_put(state, u, dev);
    }
    return ISO_PLAN_NONE;
}

bool iso_plan_evaluate(const struct iso_plan *plan, const size_t *devices,
                       struct iso_plan_cost *cost, bool *overloaded, size_t *component)
{
    const struct iso_plan_model *model = &plan->model;
    const struct iso_plan_state *own = &plan->search.state;
    struct iso_plan_state state = *own;
    /* The plan's arrays are borrowed: emptied, used, and filled again. */
    iso_plan_state_clear(&state);
    const size_t fault = place_given(model, &state, devices);
    if (fault == ISO_PLAN_NONE) {
        struct iso_plan_cost sum = {0};
        const bool over = iso_plan_state_terms(&state, &sum);
        *cost = sum;
        if (overloaded != NULL) {
            *overloaded = over;
        }
    } else if (component != NULL) {
        *component = fault;
    }
    iso_plan_state_clear(&state);
    for (size_t u = 0; u < model->unit_count && plan->outcome.feasible; u++) {
        iso_plan_put(&state, u, plan->search.best[u]);
    }
    return fault == ISO_PLAN_NONE;
}
