/* planner_improve.c - a placement made better by small changes, until none helps:
 *
 *     move    a unit to another device
 *     swap    two units change places
 *     pair    two that talk to each other go to one device
 *     cluster several that talk to each other go to one device
 *     chain   a unit takes the place of another, which goes elsewhere
 *
 * Each change that is kept makes the cost smaller by more than rounding can, so this ends; a budget
 * of steps bounds it besides. */
#include "orchestrator/planner_state.h"

static bool spent(const struct iso_plan_search *search)
{
    return search->state.steps >= search->steps_end;
}

/* Is `now` really smaller? */
static bool smaller(double now, double then)
{
    return now < then - 1e-12 * (1 + fabs(then));
}

static bool can(const struct iso_plan_model *model, size_t unit, size_t dev)
{
    return !isinf(model->fixed[unit * model->dev_count + dev]);
}

/* Puts units without places one after the other; what that adds. INFINITY, and none is put, when
 * one of them is not allowed there. */
static double put_all(struct iso_plan_state *state, const size_t *units, const size_t *devs,
                      size_t count)
{
    double cost = 0;
    for (size_t i = 0; i < count; i++) {
        const double marginal = iso_plan_marginal(state, units[i], devs[i]);
        if (isinf(marginal)) {
            while (i > 0) {
                iso_plan_take(state, units[--i]);
            }
            return INFINITY;
        }
        iso_plan_put(state, units[i], devs[i]);
        cost += marginal;
    }
    return cost;
}

static void take_all(struct iso_plan_state *state, const size_t *units, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        iso_plan_take(state, units[i]);
    }
}

/* Puts without asking: back to where they were. */
static void put_back(struct iso_plan_state *state, const size_t *units, const size_t *devs,
                     size_t count)
{
    for (size_t i = 0; i < count; i++) {
        iso_plan_put(state, units[i], devs[i]);
    }
}

/* The units, now on `from`, go to `to` if that is cheaper. */
static bool change(struct iso_plan_state *state, const size_t *units, const size_t *from,
                   const size_t *to, size_t count)
{
    take_all(state, units, count);
    const double then = put_all(state, units, from, count);
    if (!isinf(then)) {
        take_all(state, units, count);
    }
    const double now = put_all(state, units, to, count);
    if (!isinf(now) && smaller(now, then)) {
        return true;
    }
    if (!isinf(now)) {
        take_all(state, units, count);
    }
    put_back(state, units, from, count);
    return false;
}

static bool move_one(struct iso_plan_search *search, size_t unit_index)
{
    struct iso_plan_state *state = &search->state;
    const struct iso_plan_unit *unit = &state->model->units[unit_index];
    const size_t from = state->place[unit_index];
    size_t best = from;
    iso_plan_take(state, unit_index);
    const double then = iso_plan_marginal(state, unit_index, from);
    double least = then;
    for (size_t i = 0; i < unit->cand_count; i++) {
        const size_t dev = state->model->cands[unit->cand_first + i];
        const double marginal = dev != from ? iso_plan_marginal(state, unit_index, dev) : INFINITY;
        if (smaller(marginal, least)) {
            least = marginal;
            best = dev;
        }
    }
    iso_plan_put(state, unit_index, best);
    return best != from;
}

static bool swap_with_later(struct iso_plan_search *search, size_t a)
{
    struct iso_plan_state *state = &search->state;
    for (size_t b = a + 1; b < state->model->unit_count && !spent(search); b++) {
        const size_t units[2] = {a, b};
        const size_t from[2] = {state->place[a], state->place[b]};
        const size_t to[2] = {from[1], from[0]};
        if (from[0] != from[1] && can(state->model, a, from[1]) && can(state->model, b, from[0]) &&
            change(state, units, from, to, 2)) {
            return true;
        }
    }
    return false;
}

static bool pair_up(struct iso_plan_search *search, size_t a)
{
    struct iso_plan_state *state = &search->state;
    const struct iso_plan_model *model = state->model;
    const struct iso_plan_unit *unit = &model->units[a];
    bool any = false;
    for (size_t i = 0; i < unit->near_count; i++) {
        const size_t b = model->nears[unit->near_first + i].unit;
        for (size_t c = 0; c < unit->cand_count && b > a && !spent(search); c++) {
            const size_t dev = model->cands[unit->cand_first + c];
            const size_t units[2] = {a, b};
            const size_t from[2] = {state->place[a], state->place[b]};
            const size_t to[2] = {dev, dev};
            if (can(model, b, dev) && (from[0] != dev || from[1] != dev)) {
                any = change(state, units, from, to, 2) || any;
            }
        }
    }
    return any;
}

/* Those of the set that can be on `dev` go there, the others stay. */
static void set_target(const struct iso_plan_search *search, size_t count, size_t dev)
{
    for (size_t i = 0; i < count; i++) {
        const bool goes = can(search->state.model, search->set[i], dev);
        search->order[i] = goes ? dev : search->start[i];
    }
}

/* The set goes to whichever device is cheapest for it. */
static bool move_set(struct iso_plan_search *search, size_t count)
{
    struct iso_plan_state *state = &search->state;
    const struct iso_plan_model *model = state->model;
    const struct iso_plan_unit *unit = &model->units[search->set[0]];
    size_t *const old = search->start;
    size_t best = ISO_PLAN_NONE;
    for (size_t i = 0; i < count; i++) {
        old[i] = state->place[search->set[i]];
    }
    take_all(state, search->set, count);
    const double then = put_all(state, search->set, old, count);
    if (!isinf(then)) {
        take_all(state, search->set, count);
    }
    double least = then;
    for (size_t c = 0; c < unit->cand_count && !spent(search); c++) {
        const size_t dev = model->cands[unit->cand_first + c];
        /* The sums leave out most devices without a closer look. */
        if (!smaller(search->set_fixed[dev], least)) {
            continue;
        }
        set_target(search, count, dev);
        const double now = put_all(state, search->set, search->order, count);
        if (!isinf(now)) {
            take_all(state, search->set, count);
        }
        if (smaller(now, least)) {
            least = now;
            best = dev;
        }
    }
    if (best != ISO_PLAN_NONE) {
        set_target(search, count, best);
    }
    put_back(state, search->set, best != ISO_PLAN_NONE ? search->order : old, count);
    return best != ISO_PLAN_NONE;
}

/* `unit` joins the set: its traffic pulls others, and its cost on each device adds to theirs. */
static void set_grow(struct iso_plan_search *search, size_t count, size_t unit_index)
{
    const struct iso_plan_model *model = search->state.model;
    const struct iso_plan_unit *unit = &model->units[unit_index];
    for (size_t i = 0; i < unit->near_count; i++) {
        const struct iso_plan_near *near = &model->nears[unit->near_first + i];
        search->pull[near->unit] += iso_plan_near_weight(near);
    }
    search->pull[unit_index] = -INFINITY;
    search->set[count] = unit_index;
    for (size_t d = 0; d < model->dev_count; d++) {
        const double fixed = model->fixed[unit_index * model->dev_count + d];
        search->set_fixed[d] = (count == 0 ? 0 : search->set_fixed[d]) + (isinf(fixed) ? 0 : fixed);
    }
    search->state.steps += model->dev_count / 16;
}

/* The set grows from a unit along the heaviest traffic; whenever what comes next is joined less
 * tightly than what came last, the set is a cluster and is moved. */
static bool move_cluster(struct iso_plan_search *search, size_t first)
{
    const size_t units = search->state.model->unit_count;
    double last = 0;
    for (size_t u = 0; u < units; u++) {
        search->pull[u] = 0;
    }
    set_grow(search, 0, first);
    for (size_t count = 1; count <= units && !spent(search); count++) {
        size_t next = 0;
        for (size_t u = 1; u < units; u++) {
            next = search->pull[u] > search->pull[next] ? u : next;
        }
        const double pull = search->pull[next];
        if (count > 1 && (pull <= 0 || pull < last * 0.999) && move_set(search, count)) {
            return true;
        }
        if (pull <= 0) {
            break;
        }
        last = pull;
        set_grow(search, count, next);
    }
    return false;
}

/* a takes b's place; b, which has none now, goes wherever it is cheapest. */
static bool chain_end(struct iso_plan_search *search, size_t a, size_t b, size_t dev, double then)
{
    struct iso_plan_state *state = &search->state;
    const struct iso_plan_unit *unit = &state->model->units[b];
    const double first = iso_plan_marginal(state, a, dev);
    if (isinf(first) || !smaller(first + search->floors[b], then)) {
        return false;
    }
    iso_plan_put(state, a, dev);
    size_t best = ISO_PLAN_NONE;
    double least = then;
    for (size_t c = 0; c < unit->cand_count; c++) {
        const size_t to = state->model->cands[unit->cand_first + c];
        const double now = first + iso_plan_marginal(state, b, to);
        if (to != dev && smaller(now, least)) {
            least = now;
            best = to;
        }
    }
    if (best != ISO_PLAN_NONE) {
        iso_plan_put(state, b, best);
        return true;
    }
    iso_plan_take(state, a);
    return false;
}

static bool chain_from(struct iso_plan_search *search, size_t a)
{
    struct iso_plan_state *state = &search->state;
    for (size_t b = 0; b < state->model->unit_count && !spent(search); b++) {
        const size_t units[2] = {a, b};
        const size_t from[2] = {state->place[a], state->place[b]};
        if (a == b || from[0] == from[1] || !can(state->model, a, from[1])) {
            continue;
        }
        take_all(state, units, 2);
        const double then = put_all(state, units, from, 2);
        if (!isinf(then)) {
            take_all(state, units, 2);
        }
        if (chain_end(search, a, b, from[1], then)) {
            return true;
        }
        put_back(state, units, from, 2);
    }
    return false;
}

/* No unit ever costs less than this. */
static void floors_fill(struct iso_plan_search *search)
{
    const struct iso_plan_model *model = search->state.model;
    for (size_t u = 0; u < model->unit_count; u++) {
        search->floors[u] = INFINITY;
        for (size_t d = 0; d < model->dev_count; d++) {
            search->floors[u] = fmin(search->floors[u], model->fixed[u * model->dev_count + d]);
        }
    }
}

void iso_plan_improve(struct iso_plan_search *search)
{
    static bool (*const changes[])(struct iso_plan_search *, size_t) = {
        move_one, move_cluster, pair_up, swap_with_later, chain_from};
    const size_t units = search->state.model->unit_count;
    floors_fill(search);
    /* The cheap changes first; after any that helped, from the first again. */
    for (size_t kind = 0; kind < ISO_COUNT_OF(changes) && !spent(search); kind++) {
        bool any = false;
        for (size_t u = 0; u < units && !spent(search); u++) {
            any = changes[kind](search, u) || any;
        }
        if (any) {
            kind = SIZE_MAX; /* 0 after the increment */
        }
    }
}
