/* planner_cost.c - what placements cost, in seconds per second. docs/internals/planner.md has the
 * formulas with their reasons.
 *
 * What a device's sum of units costs is convex and grows with every unit. So the cheapest marginal
 * of each unit that is not placed yet, added up, is a lower bound for them all: the exact search
 * rests on that. */
#include "orchestrator/planner_state.h"

uint64_t iso_plan_memory_add(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

void iso_plan_cost_add(struct iso_plan_cost *cost, enum iso_plan_term term, double value)
{
    cost->terms[term] += value;
    cost->total += value;
}

/* How many times its own length a call waits when this share of one processor is used: the mean of
 * an M/M/1 queue; beyond 0.95 its tangent, since it has to stay finite. */
static double waiting(double used)
{
    const double knee = 0.95;
    if (used <= knee) {
        return used / (1 - used);
    }
    return knee / (1 - knee) + (used - knee) / ((1 - knee) * (1 - knee));
}

static double excess(double used)
{
    return used > 1 + ISO_PLAN_TOLERANCE ? used - 1 : 0;
}

/* ---- One device ----------------------------------------------------------------------------- */

static double dev_used(const struct iso_plan_dev *dev, double work)
{
    return dev->load + work / dev->speed;
}

struct sum_parts {
    double queue, memory, over;
};

static struct sum_parts sum_parts(const struct iso_plan_dev *dev, double work, double limit)
{
    struct sum_parts parts = {0, 0, 0};
    if (work > 0) {
        const double used = dev_used(dev, work);
        parts.queue = work / dev->core_speed * waiting(used) / dev->cores;
        parts.over = excess(used);
    }
    if (limit > dev->memory) {
        parts.memory = ISO_PLAN_MEMORY_PRICE * (limit - dev->memory) / dev->memory;
    }
    return parts;
}

static double sum_cost(const struct iso_plan_dev *dev, double work, double limit)
{
    const struct sum_parts parts = sum_parts(dev, work, limit);
    return parts.queue + parts.memory + ISO_PLAN_OVERLOAD_PRICE * parts.over;
}

static bool sum_terms(const struct iso_plan_dev *dev, double work, double limit,
                      struct iso_plan_cost *cost)
{
    const struct sum_parts parts = sum_parts(dev, work, limit);
    iso_plan_cost_add(cost, ISO_PLAN_QUEUE, parts.queue);
    iso_plan_cost_add(cost, ISO_PLAN_MEMORY, parts.memory);
    iso_plan_cost_add(cost, ISO_PLAN_OVERLOAD, ISO_PLAN_OVERLOAD_PRICE * parts.over);
    return parts.over > 0;
}

/* ---- One unit on one device ----------------------------------------------------------------- */

static double moving(const struct iso_plan_model *model, const struct iso_plan_comp *comp,
                     size_t dev)
{
    if (comp->current == ISO_PLAN_NONE || comp->current == dev) {
        return 0;
    }
    double seconds = ISO_PLAN_MOVE_S;
    if (comp->in->service) {
        double latency_s, bandwidth;
        const uint64_t state =
            comp->in->state_bytes != 0 ? comp->in->state_bytes : ISO_PLAN_DEFAULT_STATE;
        iso_plan_way_between(model, comp->current, dev, &latency_s, &bandwidth);
        seconds += (double)state / bandwidth;
    }
    return seconds / model->options.horizon_s + comp->stay;
}

bool iso_plan_fixed_terms(const struct iso_plan_model *model, const struct iso_plan_unit *unit,
                          size_t dev_index, struct iso_plan_cost *cost)
{
    const struct iso_plan_dev *dev = &model->devs[dev_index];
    bool over = false;
    for (size_t i = 0; i < unit->count; i++) {
        const struct iso_plan_comp *comp = &model->comps[model->members[unit->first + i]];
        const double execution = comp->work / dev->core_speed;
        iso_plan_cost_add(cost, ISO_PLAN_EXECUTION, execution);
        iso_plan_cost_add(cost, ISO_PLAN_MOVING, moving(model, comp, dev_index));
        if (comp->in->service && dev->cores > 1) {
            /* Other cores are no help to a service; the device's own term has the rest. */
            iso_plan_cost_add(cost, ISO_PLAN_QUEUE,
                              execution * waiting(execution) * (1 - 1 / dev->cores));
            iso_plan_cost_add(cost, ISO_PLAN_OVERLOAD, ISO_PLAN_OVERLOAD_PRICE * excess(execution));
            over = over || excess(execution) > 0;
        }
    }
    return over;
}

/* ---- Between devices ------------------------------------------------------------------------ */

static const struct iso_plan_way *way_find(const struct iso_plan_model *model, size_t a, size_t b)
{
    const struct iso_plan_dev *dev = &model->devs[a];
    size_t low = dev->path_first, high = low + dev->path_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const struct iso_plan_way *way = &model->ways[middle];
        if (way->to == b) {
            return way;
        }
        if (way->to < b) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

void iso_plan_way_between(const struct iso_plan_model *model, size_t a, size_t b, double *latency_s,
                          double *bandwidth)
{
    const struct iso_plan_dev *x = &model->devs[a], *y = &model->devs[b];
    const struct iso_plan_way *way = way_find(model, a, b);
    *latency_s = way != NULL && way->latency_s > 0 ? way->latency_s : x->latency_s + y->latency_s;
    *bandwidth = way != NULL && way->bandwidth > 0 ? fmax(way->bandwidth, 1)
                                                   : fmin(x->bandwidth, y->bandwidth);
}

struct traffic_parts {
    double latency, transfer, over;
};

static struct traffic_parts traffic_parts(const struct iso_plan_model *model, double calls,
                                          double bytes, size_t a, size_t b)
{
    double latency_s, bandwidth;
    iso_plan_way_between(model, a, b, &latency_s, &bandwidth);
    const double transfer = bytes / bandwidth;
    return (struct traffic_parts){calls * latency_s, transfer, excess(transfer)};
}

bool iso_plan_traffic_terms(const struct iso_plan_model *model, double calls, double bytes,
                            size_t a, size_t b, struct iso_plan_cost *cost)
{
    if (a == b) {
        return false;
    }
    const struct traffic_parts parts = traffic_parts(model, calls, bytes, a, b);
    iso_plan_cost_add(cost, ISO_PLAN_LATENCY, parts.latency);
    iso_plan_cost_add(cost, ISO_PLAN_TRANSFER, parts.transfer);
    iso_plan_cost_add(cost, ISO_PLAN_OVERLOAD, ISO_PLAN_OVERLOAD_PRICE * parts.over);
    return parts.over > 0;
}

double iso_plan_near_weight(const struct iso_plan_near *near)
{
    return near->calls * (ISO_PLAN_DEFAULT_LATENCY_US / 1e6) +
           near->bytes / ISO_PLAN_DEFAULT_BANDWIDTH;
}

/* ---- Placements ----------------------------------------------------------------------------- */

enum iso_err iso_plan_state_make(struct iso_plan_state *state, const struct iso_plan_model *model,
                                 struct iso_arena *arena)
{
    state->model = model;
    state->place = iso_arena_array(arena, model->unit_count, sizeof *state->place);
    state->sums = iso_arena_array(arena, model->dev_count, sizeof *state->sums);
    if (state->place == NULL || state->sums == NULL) {
        return ISO_E_NOMEM;
    }
    iso_plan_state_clear(state);
    return ISO_OK;
}

void iso_plan_state_clear(struct iso_plan_state *state)
{
    for (size_t u = 0; u < state->model->unit_count; u++) {
        state->place[u] = ISO_PLAN_NONE;
    }
    for (size_t d = 0; d < state->model->dev_count; d++) {
        state->sums[d] = (struct iso_plan_sum){0};
    }
}

static bool allowed(const struct iso_plan_state *state, const struct iso_plan_unit *unit,
                    size_t dev_index)
{
    const struct iso_plan_model *model = state->model;
    const struct iso_plan_dev *dev = &model->devs[dev_index];
    const struct iso_plan_sum *sum = &state->sums[dev_index];
    if (iso_plan_memory_add(sum->memory, unit->memory) > dev->free) {
        return false;
    }
    for (size_t i = 0; i < unit->apart_count && sum->count != 0; i++) {
        if (state->place[model->aparts[unit->apart_first + i]] == dev_index) {
            return false;
        }
    }
    return !state->strict || (excess(dev_used(dev, sum->work + unit->work)) <= 0 &&
                              excess(unit->service_work / dev->core_speed) <= 0);
}

double iso_plan_marginal(struct iso_plan_state *state, size_t unit_index, size_t dev_index)
{
    const struct iso_plan_model *model = state->model;
    const struct iso_plan_unit *unit = &model->units[unit_index];
    const struct iso_plan_sum *sum = &state->sums[dev_index];
    const double fixed = model->fixed[unit_index * model->dev_count + dev_index];
    state->steps++;
    if (isinf(fixed) || !allowed(state, unit, dev_index)) {
        return INFINITY;
    }
    double cost =
        fixed - sum->cost +
        sum_cost(&model->devs[dev_index], sum->work + unit->work, sum->limit + unit->limit);
    for (size_t i = 0; i < unit->near_count; i++) {
        const struct iso_plan_near *near = &model->nears[unit->near_first + i];
        const size_t other = state->place[near->unit];
        if (other == ISO_PLAN_NONE || other == dev_index) {
            continue;
        }
        const struct traffic_parts traffic =
            traffic_parts(model, near->calls, near->bytes, dev_index, other);
        if (traffic.over > 0 && state->strict) {
            return INFINITY;
        }
        cost += traffic.latency + traffic.transfer + ISO_PLAN_OVERLOAD_PRICE * traffic.over;
    }
    return cost;
}

void iso_plan_put(struct iso_plan_state *state, size_t unit_index, size_t dev_index)
{
    const struct iso_plan_unit *unit = &state->model->units[unit_index];
    struct iso_plan_sum *sum = &state->sums[dev_index];
    state->place[unit_index] = dev_index;
    sum->count++;
    sum->work += unit->work;
    sum->limit += unit->limit;
    sum->memory = iso_plan_memory_add(sum->memory, unit->memory);
    sum->cost = sum_cost(&state->model->devs[dev_index], sum->work, sum->limit);
}

void iso_plan_take(struct iso_plan_state *state, size_t unit_index)
{
    const struct iso_plan_unit *unit = &state->model->units[unit_index];
    const size_t dev_index = state->place[unit_index];
    struct iso_plan_sum *sum = &state->sums[dev_index];
    state->place[unit_index] = ISO_PLAN_NONE;
    sum->count--;
    if (sum->count == 0) {
        *sum = (struct iso_plan_sum){0};
        return;
    }
    sum->work -= unit->work;
    sum->limit -= unit->limit;
    sum->memory -= unit->memory; /* what was put fitted, so nothing was saturated */
    sum->cost = sum_cost(&state->model->devs[dev_index], sum->work, sum->limit);
}

/* ---- Whole placements ----------------------------------------------------------------------- */

bool iso_plan_marginal_terms(const struct iso_plan_state *state, size_t unit_index,
                             size_t dev_index, struct iso_plan_cost *cost)
{
    const struct iso_plan_model *model = state->model;
    const struct iso_plan_unit *unit = &model->units[unit_index];
    const struct iso_plan_sum *sum = &state->sums[dev_index];
    const struct iso_plan_dev *dev = &model->devs[dev_index];
    struct iso_plan_cost before = {0};
    bool over = iso_plan_fixed_terms(model, unit, dev_index, cost);
    over = sum_terms(dev, sum->work + unit->work, sum->limit + unit->limit, cost) || over;
    (void)sum_terms(dev, sum->work, sum->limit, &before);
    for (unsigned term = 0; term < ISO_PLAN_TERMS; term++) {
        iso_plan_cost_add(cost, term, -before.terms[term]);
    }
    for (size_t i = 0; i < unit->near_count; i++) {
        const struct iso_plan_near *near = &model->nears[unit->near_first + i];
        const size_t other = state->place[near->unit];
        if (other != ISO_PLAN_NONE) {
            over =
                iso_plan_traffic_terms(model, near->calls, near->bytes, dev_index, other, cost) ||
                over;
        }
    }
    return over;
}

bool iso_plan_state_terms(const struct iso_plan_state *state, struct iso_plan_cost *cost)
{
    const struct iso_plan_model *model = state->model;
    bool over = false;
    for (size_t u = 0; u < model->unit_count; u++) {
        const struct iso_plan_unit *unit = &model->units[u];
        const size_t dev = state->place[u];
        if (dev == ISO_PLAN_NONE) {
            continue;
        }
        over = iso_plan_fixed_terms(model, unit, dev, cost) || over;
        for (size_t i = 0; i < unit->near_count; i++) {
            const struct iso_plan_near *near = &model->nears[unit->near_first + i];
            const size_t other = state->place[near->unit];
            if (near->unit > u && other != ISO_PLAN_NONE) {
                over = iso_plan_traffic_terms(model, near->calls, near->bytes, dev, other, cost) ||
                       over;
            }
        }
    }
    for (size_t d = 0; d < model->dev_count; d++) {
        const struct iso_plan_sum *sum = &state->sums[d];
        over = sum_terms(&model->devs[d], sum->work, sum->limit, cost) || over;
    }
    return over;
}

double iso_plan_state_cost(const struct iso_plan_state *state)
{
    struct iso_plan_cost cost = {0};
    double ties = 0;
    (void)iso_plan_state_terms(state, &cost);
    for (size_t u = 0; u < state->model->unit_count; u++) {
        ties += state->place[u] != ISO_PLAN_NONE ? ISO_PLAN_TIE * (double)state->place[u] : 0;
    }
    return cost.total + ties;
}

double iso_plan_utilisation(const struct iso_plan_state *state, size_t dev)
{
    return dev_used(&state->model->devs[dev], state->sums[dev].work);
}
