/* planner_exact.c - branch and bound over all placements, or over those of a few units while the
 * others stay.
 *
 * Lower bound of a partial placement: its cost, and for every unit without a place the least that
 * it adds now. Later it can only add more (planner_cost.c says why). The unit that has fewest
 * devices left, or loses most when it does not get its best one, is placed next. Of devices that
 * are alike in every respect and still empty only the first is tried. */
#include "orchestrator/planner_state.h"

#include <stdlib.h>

/* Larger problems are hopeless, and lists for each depth would be large. */
static const size_t cells_max = 20000;

struct choice {
    size_t dev;
    double cost;
};

struct exact {
    struct iso_plan_search *search;
    struct choice *choices; /* [depth - base][device] */
    size_t base;            /* so many units are placed and stay */
    bool stopped;
};

static int choice_compare(const void *left, const void *right)
{
    const struct choice *a = left, *b = right;
    if (a->cost < b->cost || a->cost > b->cost) {
        return a->cost < b->cost ? -1 : 1;
    }
    return (a->dev > b->dev) - (a->dev < b->dev);
}

static size_t choices_fill(struct iso_plan_state *state, size_t unit_index, struct choice *choices)
{
    const struct iso_plan_unit *unit = &state->model->units[unit_index];
    size_t count = 0;
    for (size_t i = 0; i < unit->cand_count; i++) {
        const size_t dev = state->model->cands[unit->cand_first + i];
        const double cost = iso_plan_marginal(state, unit_index, dev);
        if (!isinf(cost)) {
            choices[count++] = (struct choice){dev, cost};
        }
    }
    return count;
}

/* What the next unit is, and the bound for all that have no place. */
struct next {
    size_t unit, count;
    double least, regret;
    double bound;
};

/* False when some unit has no device left. */
static bool next_find(struct exact *exact, struct choice *choices, struct next *next)
{
    struct iso_plan_state *state = &exact->search->state;
    *next = (struct next){.unit = ISO_PLAN_NONE};
    for (size_t u = 0; u < state->model->unit_count; u++) {
        if (state->place[u] != ISO_PLAN_NONE) {
            continue;
        }
        const size_t count = choices_fill(state, u, choices);
        if (count == 0) {
            return false;
        }
        double least = INFINITY, second = INFINITY;
        for (size_t i = 0; i < count; i++) {
            if (choices[i].cost < least) {
                second = least;
                least = choices[i].cost;
            } else {
                second = fmin(second, choices[i].cost);
            }
        }
        next->bound += least;
        if (next->unit == ISO_PLAN_NONE || second - least > next->regret) {
            next->unit = u;
            next->count = count;
            next->least = least;
            next->regret = second - least;
        }
    }
    return true;
}

static bool equal(double a, double b)
{
    return fabs(a - b) <= 1e-13 * (1 + fabs(a));
}

/* Both empty, and whatever comes to the one could as well come to the other. */
static bool alike(const struct iso_plan_state *state, size_t a, size_t b)
{
    const struct iso_plan_model *model = state->model;
    const struct iso_plan_dev *x = &model->devs[a], *y = &model->devs[b];
    if (state->sums[a].count + state->sums[b].count + x->path_count + y->path_count != 0 ||
        !equal(x->core_speed, y->core_speed) || !equal(x->cores, y->cores) ||
        !equal(x->load, y->load) || !equal(x->latency_s, y->latency_s) ||
        !equal(x->bandwidth, y->bandwidth) || x->free != y->free) {
        return false;
    }
    const double tie = ISO_PLAN_TIE * ((double)a - (double)b);
    for (size_t u = 0; u < model->unit_count; u++) {
        const double *fixed = &model->fixed[u * model->dev_count];
        if (isinf(fixed[a]) != isinf(fixed[b]) ||
            (!isinf(fixed[a]) && !equal(fixed[a], fixed[b] + tie))) {
            return false;
        }
    }
    return true;
}

static bool like_an_earlier(const struct iso_plan_state *state, const struct choice *choices,
                            size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (alike(state, choices[i].dev, choices[index].dev)) {
            return true;
        }
    }
    return false;
}

/* Better by less than rounding is not better. */
static double to_beat(const struct iso_plan_search *search)
{
    return isinf(search->best_cost) ? INFINITY
                                    : search->best_cost - 1e-12 * (1 + search->best_cost);
}

/* Recursion is at most as deep as there are units. */
static void branch(struct exact *exact, size_t depth, double cost)
{
    struct iso_plan_search *search = exact->search;
    struct iso_plan_state *state = &search->state;
    struct choice *choices = &exact->choices[(depth - exact->base) * state->model->dev_count];
    struct next next;
    if (depth == state->model->unit_count) {
        iso_plan_search_offer(search);
        return;
    }
    if (state->steps >= search->steps_end) {
        exact->stopped = true;
        return;
    }
    if (!next_find(exact, choices, &next) || cost + next.bound >= to_beat(search)) {
        return;
    }
    const size_t count = choices_fill(state, next.unit, choices);
    qsort(choices, count, sizeof *choices, choice_compare);
    for (size_t i = 0; i < count && !exact->stopped; i++) {
        const struct choice *choice = &choices[i];
        if (cost + next.bound - next.least + choice->cost >= to_beat(search)) {
            break;
        }
        if (like_an_earlier(state, choices, i)) {
            continue;
        }
        /* The sums as they were, not as subtraction would leave them. */
        const struct iso_plan_sum sum = state->sums[choice->dev];
        iso_plan_put(state, next.unit, choice->dev);
        branch(exact, depth + 1, cost + choice->cost);
        state->place[next.unit] = ISO_PLAN_NONE;
        state->sums[choice->dev] = sum;
    }
}

enum iso_err iso_plan_exact(struct iso_plan_search *search, bool *complete)
{
    const struct iso_plan_model *model = search->state.model;
    const size_t cells = model->unit_count * model->dev_count;
    struct exact exact = {.search = search};
    *complete = false;
    if (cells > cells_max || search->state.steps >= search->steps_end) {
        return ISO_OK;
    }
    exact.choices = iso_arena_array(search->arena, cells, sizeof *exact.choices);
    if (exact.choices == NULL) {
        return ISO_E_NOMEM;
    }
    iso_plan_state_clear(&search->state);
    branch(&exact, 0, 0);
    *complete = !exact.stopped;
    return ISO_OK;
}

enum iso_err iso_plan_part_make(struct iso_plan_search *search)
{
    const struct iso_plan_model *model = search->state.model;
    search->part_choices = iso_arena_array(
        search->arena, (ISO_PLAN_PART_MAX + 1) * model->dev_count, sizeof(struct choice));
    return search->part_choices != NULL ? ISO_OK : ISO_E_NOMEM;
}

bool iso_plan_part(struct iso_plan_search *search, const size_t *units, size_t count,
                   uint64_t steps)
{
    struct iso_plan_state *state = &search->state;
    const uint64_t steps_end = search->steps_end;
    const double before = search->best_cost;
    struct exact exact = {.search = search,
                          .choices = search->part_choices,
                          .base = state->model->unit_count - count};
    for (size_t i = 0; i < count; i++) {
        iso_plan_take(state, units[i]);
    }
    search->steps_end = state->steps + steps < steps_end ? state->steps + steps : steps_end;
    branch(&exact, exact.base, iso_plan_state_cost(state));
    search->steps_end = steps_end;
    for (size_t i = 0; i < count; i++) {
        iso_plan_put(state, units[i], search->best[units[i]]);
    }
    return search->best_cost < before;
}
