/* planner_greedy.c - first placements by several rules, the best of them improved.
 *
 * Starts: units with few candidates first; along the heaviest traffic; what runs already, left
 * where it is; the unit first that would lose most by waiting; and, for single devices, all that
 * can be there gathered there. */
#include "orchestrator/planner_state.h"

#include <stdlib.h>

enum {
    start_few,     /* few candidates first */
    start_traffic, /* along the traffic */
    start_current, /* what runs stays */
    start_regret,  /* who loses most by waiting */
    start_gather,  /* and further: on one device */
    gather_max = 16,
    improved_max = 4,
    retries_max = 8,
};

/* Placing by regret looks at everything once per unit. */
static const uint64_t regret_max = 400000;

/* ---- Orders --------------------------------------------------------------------------------- */

static bool before(const struct iso_plan_model *model, size_t a, size_t b)
{
    const struct iso_plan_unit *x = &model->units[a], *y = &model->units[b];
    if (x->cand_count != y->cand_count) {
        return x->cand_count < y->cand_count;
    }
    if (x->work < y->work || x->work > y->work) {
        return x->work > y->work;
    }
    return x->memory != y->memory ? x->memory > y->memory : a < b;
}

static void order_few(struct iso_plan_search *search)
{
    const struct iso_plan_model *model = search->state.model;
    for (size_t i = 0; i < model->unit_count; i++) {
        size_t at = i;
        for (; at > 0 && before(model, i, search->order[at - 1]); at--) {
            search->order[at] = search->order[at - 1];
        }
        search->order[at] = i;
    }
}

/* From order_few: after each unit come those with most traffic to what is in the order already. */
static void order_traffic(struct iso_plan_search *search)
{
    const struct iso_plan_model *model = search->state.model;
    order_few(search);
    for (size_t u = 0; u < model->unit_count; u++) {
        search->pull[u] = 0;
    }
    for (size_t done = 0; done < model->unit_count; done++) {
        size_t best = done;
        for (size_t i = done + 1; i < model->unit_count; i++) {
            best = search->pull[search->order[i]] > search->pull[search->order[best]] ? i : best;
        }
        const size_t chosen = search->order[best];
        for (size_t i = best; i > done; i--) {
            search->order[i] = search->order[i - 1];
        }
        search->order[done] = chosen;
        const struct iso_plan_unit *unit = &model->units[chosen];
        for (size_t i = 0; i < unit->near_count; i++) {
            const struct iso_plan_near *near = &model->nears[unit->near_first + i];
            search->pull[near->unit] += iso_plan_near_weight(near);
        }
    }
}

/* ---- Placing -------------------------------------------------------------------------------- */

static size_t cheapest(struct iso_plan_search *search, size_t unit_index, double *cost,
                       double *second)
{
    const struct iso_plan_model *model = search->state.model;
    const struct iso_plan_unit *unit = &model->units[unit_index];
    size_t best = ISO_PLAN_NONE;
    *cost = INFINITY;
    *second = INFINITY;
    for (size_t i = 0; i < unit->cand_count; i++) {
        const size_t dev = model->cands[unit->cand_first + i];
        const double marginal = iso_plan_marginal(&search->state, unit_index, dev);
        if (marginal < *cost) {
            *second = *cost;
            *cost = marginal;
            best = dev;
        } else if (marginal < *second) {
            *second = marginal;
        }
    }
    return best;
}

/* Makes room for a unit that fits nowhere: another one moves away. */
static bool squeeze_in(struct iso_plan_search *search, size_t unit_index)
{
    struct iso_plan_state *state = &search->state;
    const struct iso_plan_model *model = state->model;
    for (size_t other = 0; other < model->unit_count; other++) {
        const size_t dev = state->place[other];
        double cost, second;
        if (dev == ISO_PLAN_NONE || isinf(model->fixed[unit_index * model->dev_count + dev])) {
            continue;
        }
        iso_plan_take(state, other);
        if (!isinf(iso_plan_marginal(state, unit_index, dev))) {
            iso_plan_put(state, unit_index, dev);
            const size_t to = cheapest(search, other, &cost, &second);
            if (to != ISO_PLAN_NONE) {
                iso_plan_put(state, other, to);
                return true;
            }
            iso_plan_take(state, unit_index);
        }
        iso_plan_put(state, other, dev);
    }
    return false;
}

/* Returns the position in the order of the unit that found no place; unit_count: all did. */
static size_t place_in_order(struct iso_plan_search *search)
{
    const struct iso_plan_model *model = search->state.model;
    for (size_t i = 0; i < model->unit_count; i++) {
        double cost, second;
        const size_t unit = search->order[i];
        if (search->state.place[unit] != ISO_PLAN_NONE) {
            continue;
        }
        const size_t dev = cheapest(search, unit, &cost, &second);
        if (dev != ISO_PLAN_NONE) {
            iso_plan_put(&search->state, unit, dev);
        } else if (!squeeze_in(search, unit)) {
            return i;
        }
    }
    return model->unit_count;
}

static bool place_by_regret(struct iso_plan_search *search)
{
    const struct iso_plan_model *model = search->state.model;
    for (size_t done = 0; done < model->unit_count; done++) {
        size_t chosen = ISO_PLAN_NONE, chosen_dev = ISO_PLAN_NONE;
        double most = -1;
        for (size_t i = 0; i < model->unit_count; i++) {
            double cost, second;
            const size_t unit = search->order[i];
            if (search->state.place[unit] != ISO_PLAN_NONE) {
                continue;
            }
            const size_t dev = cheapest(search, unit, &cost, &second);
            if (dev == ISO_PLAN_NONE) {
                if (!squeeze_in(search, unit)) {
                    return false;
                }
                chosen = ISO_PLAN_NONE;
                break;
            }
            if (second - cost > most) {
                most = second - cost;
                chosen = unit;
                chosen_dev = dev;
            }
        }
        if (chosen != ISO_PLAN_NONE) {
            iso_plan_put(&search->state, chosen, chosen_dev);
        }
    }
    return true;
}

static void place_start(struct iso_plan_search *search)
{
    for (size_t i = 0; i < search->state.model->unit_count; i++) {
        const size_t unit = search->order[i], dev = search->start[unit];
        if (dev != ISO_PLAN_NONE && !isinf(iso_plan_marginal(&search->state, unit, dev))) {
            iso_plan_put(&search->state, unit, dev);
        }
    }
}

/* ---- Starts --------------------------------------------------------------------------------- */

/* Where the first member with a place runs. */
static size_t unit_current(const struct iso_plan_model *model, const struct iso_plan_unit *unit)
{
    for (size_t i = 0; i < unit->count; i++) {
        const size_t current = model->comps[model->members[unit->first + i]].current;
        if (current != ISO_PLAN_NONE) {
            return current;
        }
    }
    return ISO_PLAN_NONE;
}

static void start_fill(struct iso_plan_search *search, unsigned start, size_t gather)
{
    const struct iso_plan_model *model = search->state.model;
    for (size_t u = 0; u < model->unit_count; u++) {
        search->start[u] = start == start_current  ? unit_current(model, &model->units[u])
                           : start >= start_gather ? gather
                                                   : ISO_PLAN_NONE;
    }
}

/* A complete placement, or none (false). */
static bool construct(struct iso_plan_search *search, unsigned start, size_t gather)
{
    const struct iso_plan_model *model = search->state.model;
    if (start == start_few || start == start_regret) {
        order_few(search);
    } else {
        order_traffic(search);
    }
    start_fill(search, start, gather);
    for (unsigned retry = 0; retry < retries_max; retry++) {
        iso_plan_state_clear(&search->state);
        place_start(search);
        if (start == start_regret) {
            return place_by_regret(search);
        }
        size_t stuck = place_in_order(search);
        if (stuck == model->unit_count) {
            return true;
        }
        /* The one that found no place comes first the next time. */
        const size_t unit = search->order[stuck];
        for (; stuck > 0; stuck--) {
            search->order[stuck] = search->order[stuck - 1];
        }
        search->order[0] = unit;
        search->start[unit] = ISO_PLAN_NONE;
    }
    return false;
}

struct gather {
    size_t dev, units;
    double speed;
};

static int gather_compare(const void *left, const void *right)
{
    const struct gather *a = left, *b = right;
    if (a->units != b->units) {
        return a->units > b->units ? -1 : 1;
    }
    if (a->speed < b->speed || a->speed > b->speed) {
        return a->speed > b->speed ? -1 : 1;
    }
    return (a->dev > b->dev) - (a->dev < b->dev);
}

static void gathers_fill(const struct iso_plan_model *model, struct gather *gathers)
{
    for (size_t d = 0; d < model->dev_count; d++) {
        const struct iso_plan_dev *dev = &model->devs[d];
        gathers[d] = (struct gather){.dev = d, .speed = dev->core_speed * (1 - dev->load)};
        for (size_t u = 0; u < model->unit_count; u++) {
            gathers[d].units += isinf(model->fixed[u * model->dev_count + d]) ? 0 : 1;
        }
    }
    qsort(gathers, model->dev_count, sizeof *gathers, gather_compare);
}

struct begun {
    unsigned start;
    size_t gather;
    double cost;
};

static int begun_compare(const void *left, const void *right)
{
    const struct begun *a = left, *b = right;
    if (a->cost < b->cost || a->cost > b->cost) {
        return a->cost < b->cost ? -1 : 1;
    }
    return a->start != b->start ? (a->start < b->start ? -1 : 1) : 0;
}

enum iso_err iso_plan_greedy(struct iso_plan_search *search)
{
    const struct iso_plan_model *model = search->state.model;
    struct begun begun[start_gather + gather_max];
    struct gather *gathers = iso_arena_array(search->arena, model->dev_count, sizeof *gathers);
    if (gathers == NULL) {
        return ISO_E_NOMEM;
    }
    gathers_fill(model, gathers);
    const size_t gather_count = model->dev_count < gather_max ? model->dev_count : gather_max;
    const size_t starts = start_gather + gather_count;
    const uint64_t looks =
        (uint64_t)model->unit_count * model->unit_count * (uint64_t)model->dev_count;
    size_t count = 0;
    for (unsigned i = 0; i < starts; i++) {
        if ((i == start_regret && looks > regret_max) ||
            (i > start_few && search->state.steps >= search->steps_end)) {
            continue;
        }
        begun[count].start = i;
        begun[count].gather = i >= start_gather ? gathers[i - start_gather].dev : ISO_PLAN_NONE;
        if (construct(search, i, begun[count].gather)) {
            iso_plan_search_offer(search);
            begun[count++].cost = iso_plan_state_cost(&search->state);
        }
    }
    qsort(begun, count, sizeof *begun, begun_compare);
    for (size_t i = 0; i < count && i < improved_max; i++) {
        (void)construct(search, begun[i].start, begun[i].gather);
        iso_plan_improve(search);
        iso_plan_search_offer(search);
    }
    return ISO_OK;
}
