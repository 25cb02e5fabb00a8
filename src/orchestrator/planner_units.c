/* planner_units.c - components that must be together become units: their candidates, neighbours,
 * and what they cost on each device whatever the others do. */
#include "orchestrator/planner_state.h"

#include <stdlib.h>

/* ---- Union of what must be together --------------------------------------------------------- */

static size_t root_of(size_t *parent, size_t comp)
{
    while (parent[comp] != comp) {
        parent[comp] = parent[parent[comp]];
        comp = parent[comp];
    }
    return comp;
}

static void join_all(const struct iso_plan_model *model, size_t *parent)
{
    for (size_t i = 0; i < model->comp_count; i++) {
        parent[i] = i;
    }
    for (size_t i = 0; i < model->comp_count; i++) {
        const struct iso_plan_component *in = model->comps[i].in;
        for (size_t r = 0; r < in->rule_count; r++) {
            if (in->rules[r].kind != ISO_PLAN_WITH) {
                continue;
            }
            const size_t a = root_of(parent, i);
            const size_t b = root_of(parent, iso_plan_comp_find(model, in->rules[r].text));
            /* The first by name is the root, so that units are in the order of their names. */
            parent[a > b ? a : b] = a > b ? b : a;
        }
    }
}

static void unit_add(struct iso_plan_unit *unit, const struct iso_plan_comp *comp)
{
    unit->count++;
    unit->work += comp->work;
    unit->memory = iso_plan_memory_add(unit->memory, comp->memory);
    unit->limit += (double)comp->limit;
    if (comp->in->service) {
        unit->service_work = fmax(unit->service_work, comp->work);
    }
}

static enum iso_err units_fill(struct iso_plan_model *model, struct iso_arena *arena)
{
    size_t *parent = iso_arena_array(arena, model->comp_count, sizeof *parent);
    model->units = iso_arena_array(arena, model->comp_count, sizeof *model->units);
    model->members = iso_arena_array(arena, model->comp_count, sizeof *model->members);
    if (parent == NULL || model->units == NULL || model->members == NULL) {
        return ISO_E_NOMEM;
    }
    join_all(model, parent);
    for (size_t i = 0; i < model->comp_count; i++) {
        const size_t root = root_of(parent, i);
        if (root == i) {
            model->comps[i].unit = model->unit_count++;
            model->units[model->comps[i].unit].clash[0] = ISO_PLAN_NONE;
        } else {
            model->comps[i].unit = model->comps[root].unit;
        }
        unit_add(&model->units[model->comps[i].unit], &model->comps[i]);
    }
    size_t first = 0;
    for (size_t u = 0; u < model->unit_count; u++) {
        model->units[u].first = first;
        first += model->units[u].count;
        model->units[u].count = 0;
    }
    for (size_t i = 0; i < model->comp_count; i++) {
        struct iso_plan_unit *unit = &model->units[model->comps[i].unit];
        model->members[unit->first + unit->count++] = i;
    }
    return ISO_OK;
}

/* ---- Apart ---------------------------------------------------------------------------------- */

struct pair {
    size_t a, b;
    double calls, bytes;
};

static int pair_compare(const void *left, const void *right)
{
    const struct pair *x = left, *y = right;
    if (x->a != y->a) {
        return x->a < y->a ? -1 : 1;
    }
    if (x->b != y->b) {
        return x->b < y->b ? -1 : 1;
    }
    if (x->calls < y->calls || x->calls > y->calls) {
        return x->calls < y->calls ? -1 : 1;
    }
    return (x->bytes > y->bytes) - (x->bytes < y->bytes);
}

static size_t pairs_add(struct pair *pairs, size_t used, size_t a, size_t b, double calls,
                        double bytes)
{
    pairs[used++] = (struct pair){a, b, calls, bytes};
    pairs[used++] = (struct pair){b, a, calls, bytes};
    return used;
}

/* Sorts, and adds up those of the same two. Returns how many are left. */
static size_t pairs_merge(struct pair *pairs, size_t count)
{
    size_t used = 0;
    qsort(pairs, count, sizeof *pairs, pair_compare);
    for (size_t i = 0; i < count; i++) {
        if (used > 0 && pairs[used - 1].a == pairs[i].a && pairs[used - 1].b == pairs[i].b) {
            pairs[used - 1].calls += pairs[i].calls;
            pairs[used - 1].bytes += pairs[i].bytes;
        } else {
            pairs[used++] = pairs[i];
        }
    }
    return used;
}

static enum iso_err aparts_make(struct iso_plan_model *model, struct iso_arena *arena)
{
    size_t rules = 0, used = 0;
    for (size_t i = 0; i < model->comp_count; i++) {
        rules += model->comps[i].in->rule_count;
    }
    struct pair *pairs = iso_arena_array(arena, 2 * rules, sizeof *pairs);
    model->aparts = iso_arena_array(arena, 2 * rules, sizeof *model->aparts);
    if (pairs == NULL || model->aparts == NULL) {
        return ISO_E_NOMEM;
    }
    for (size_t i = 0; i < model->comp_count; i++) {
        const struct iso_plan_component *in = model->comps[i].in;
        for (size_t r = 0; r < in->rule_count; r++) {
            if (in->rules[r].kind != ISO_PLAN_APART) {
                continue;
            }
            const size_t other = iso_plan_comp_find(model, in->rules[r].text);
            const size_t a = model->comps[i].unit, b = model->comps[other].unit;
            if (a != b) {
                used = pairs_add(pairs, used, a, b, 0, 0);
            } else if (model->units[a].clash[0] == ISO_PLAN_NONE) {
                model->units[a].clash[0] = i < other ? i : other;
                model->units[a].clash[1] = i < other ? other : i;
            }
        }
    }
    used = pairs_merge(pairs, used);
    for (size_t i = 0; i < used; i++) {
        struct iso_plan_unit *unit = &model->units[pairs[i].a];
        unit->apart_first = unit->apart_count == 0 ? i : unit->apart_first;
        unit->apart_count++;
        model->aparts[i] = pairs[i].b;
    }
    return ISO_OK;
}

static enum iso_err nears_make(struct iso_plan_model *model, struct iso_arena *arena)
{
    size_t used = 0;
    struct pair *pairs = iso_arena_array(arena, 2 * model->flow_count, sizeof *pairs);
    model->nears = iso_arena_array(arena, 2 * model->flow_count, sizeof *model->nears);
    if (pairs == NULL || model->nears == NULL) {
        return ISO_E_NOMEM;
    }
    for (size_t i = 0; i < model->flow_count; i++) {
        const struct iso_plan_flow *flow = &model->flows[i];
        if (flow->from == ISO_PLAN_NONE) {
            continue;
        }
        const size_t a = model->comps[flow->from].unit, b = model->comps[flow->to].unit;
        if (a != b) {
            used = pairs_add(pairs, used, a, b, flow->calls, flow->bytes);
        }
    }
    used = pairs_merge(pairs, used);
    for (size_t i = 0; i < used; i++) {
        struct iso_plan_unit *unit = &model->units[pairs[i].a];
        unit->near_first = unit->near_count == 0 ? i : unit->near_first;
        unit->near_count++;
        model->nears[i] = (struct iso_plan_near){pairs[i].b, pairs[i].calls, pairs[i].bytes};
    }
    return ISO_OK;
}

/* ---- Candidates ----------------------------------------------------------------------------- */

/* What leaving costs beside the transfer: a share of what the component costs where it is, so that
 * small gains move nothing. */
static void stay_make(struct iso_plan_model *model)
{
    for (size_t i = 0; i < model->comp_count; i++) {
        struct iso_plan_comp *comp = &model->comps[i];
        if (comp->current != ISO_PLAN_NONE && iso_plan_fit(model, i, comp->current, NULL)) {
            comp->stay = comp->work / model->devs[comp->current].core_speed;
        }
    }
    for (size_t i = 0; i < model->flow_count; i++) {
        const struct iso_plan_flow *flow = &model->flows[i];
        struct iso_plan_comp *to = &model->comps[flow->to];
        struct iso_plan_comp *from = flow->from != ISO_PLAN_NONE ? &model->comps[flow->from] : NULL;
        if (from == NULL || from->current == ISO_PLAN_NONE || to->current == ISO_PLAN_NONE) {
            continue;
        }
        struct iso_plan_cost cost = {0};
        (void)iso_plan_traffic_terms(model, flow->calls, flow->bytes, from->current, to->current,
                                     &cost);
        const double half = (cost.terms[ISO_PLAN_LATENCY] + cost.terms[ISO_PLAN_TRANSFER]) / 2;
        from->stay += from->stay > 0 ? half : 0;
        to->stay += to->stay > 0 ? half : 0;
    }
    for (size_t i = 0; i < model->comp_count; i++) {
        model->comps[i].stay *= model->options.hysteresis;
    }
}

static bool unit_fits(const struct iso_plan_model *model, const struct iso_plan_unit *unit,
                      size_t dev)
{
    for (size_t i = 0; i < unit->count; i++) {
        if (!iso_plan_fit(model, model->members[unit->first + i], dev, NULL)) {
            return false;
        }
    }
    return unit->clash[0] == ISO_PLAN_NONE && unit->memory <= model->devs[dev].free;
}

static enum iso_err candidates_make(struct iso_plan_model *model, struct iso_arena *arena)
{
    const size_t cells = model->unit_count * model->dev_count;
    model->fixed = iso_arena_array(arena, cells, sizeof *model->fixed);
    model->cands = iso_arena_array(arena, cells, sizeof *model->cands);
    if (model->fixed == NULL || model->cands == NULL) {
        return ISO_E_NOMEM;
    }
    size_t used = 0;
    for (size_t u = 0; u < model->unit_count; u++) {
        struct iso_plan_unit *unit = &model->units[u];
        unit->cand_first = used;
        for (size_t d = 0; d < model->dev_count; d++) {
            double *fixed = &model->fixed[u * model->dev_count + d];
            *fixed = INFINITY;
            if (unit_fits(model, unit, d)) {
                struct iso_plan_cost cost = {0};
                (void)iso_plan_fixed_terms(model, unit, d, &cost);
                *fixed = cost.total + ISO_PLAN_TIE * (double)d;
                model->cands[used++] = d;
                unit->cand_count++;
            }
        }
    }
    return ISO_OK;
}

enum iso_err iso_plan_units_make(struct iso_plan_model *model, struct iso_arena *arena)
{
    enum iso_err err = units_fill(model, arena);
    if (err == ISO_OK) {
        err = aparts_make(model, arena);
    }
    if (err == ISO_OK) {
        err = nears_make(model, arena);
    }
    if (err == ISO_OK) {
        stay_make(model);
        err = candidates_make(model, arena);
    }
    return err;
}
