/* planner_why.c - why a component is where it is, and not elsewhere. Costs of other places are
 * those with everything else left where it is. */
#include "orchestrator/planner_state.h"

/* ---- Not elsewhere -------------------------------------------------------------------------- */

static struct iso_str name_of(const struct iso_plan_model *model, size_t comp)
{
    return model->comps[comp].in->name;
}

/* Names `comp` as what is in the way. */
static void blame(const struct iso_plan_model *model, struct iso_plan_alternative *out,
                  enum iso_plan_why_not why, size_t comp)
{
    out->why = why;
    out->hard = true;
    out->component = model->comps[comp].index;
    out->needed = name_of(model, comp);
}

/* What keeps the components that must be with this one from the device. */
static bool partners_fit(const struct iso_plan_model *model, size_t comp, size_t dev,
                         struct iso_plan_alternative *out)
{
    const struct iso_plan_unit *unit = &model->units[model->comps[comp].unit];
    const uint64_t free = model->devs[dev].free;
    size_t other = ISO_PLAN_NONE;
    for (size_t i = 0; i < unit->count; i++) {
        const size_t member = model->members[unit->first + i];
        if (member == comp) {
            continue;
        }
        other = member;
        if (!iso_plan_fit(model, member, dev, NULL)) {
            blame(model, out, ISO_PLAN_PARTNER, member);
            return false;
        }
    }
    if (unit->clash[0] != ISO_PLAN_NONE) {
        blame(model, out, ISO_PLAN_NOT_BESIDE, unit->clash[unit->clash[0] == comp ? 1 : 0]);
        return false;
    }
    if (other != ISO_PLAN_NONE && unit->memory > free) {
        blame(model, out, ISO_PLAN_MEMORY_SHORT, other);
        out->needed_bytes = unit->memory;
        out->found_bytes = free;
        return false;
    }
    return true;
}

static bool rule_names(const struct iso_plan_model *model, size_t comp, size_t other)
{
    const struct iso_plan_component *in = model->comps[comp].in;
    for (size_t i = 0; i < in->rule_count; i++) {
        if (in->rules[i].kind == ISO_PLAN_APART &&
            iso_str_equal(in->rules[i].text, name_of(model, other))) {
            return true;
        }
    }
    return false;
}

/* The component on the device that must not be beside one of the unit. */
static size_t enemy_on(const struct iso_plan *plan, const struct iso_plan_unit *unit, size_t dev)
{
    const struct iso_plan_model *model = &plan->model;
    for (size_t i = 0; i < unit->apart_count; i++) {
        const size_t other_index = model->aparts[unit->apart_first + i];
        const struct iso_plan_unit *other = &model->units[other_index];
        if (plan->search.state.place[other_index] != dev) {
            continue;
        }
        for (size_t k = 0; k < unit->count * other->count; k++) {
            const size_t mine = model->members[unit->first + k % unit->count];
            const size_t theirs = model->members[other->first + k / unit->count];
            if (rule_names(model, mine, theirs) || rule_names(model, theirs, mine)) {
                return theirs;
            }
        }
    }
    return ISO_PLAN_NONE;
}

static enum iso_plan_term dominant_of(const struct iso_plan_cost *cost)
{
    unsigned best = 0;
    if (cost->terms[ISO_PLAN_OVERLOAD] > 0) {
        return ISO_PLAN_OVERLOAD;
    }
    for (unsigned term = 1; term < ISO_PLAN_TERMS; term++) {
        best = cost->terms[term] > cost->terms[best] ? term : best;
    }
    return (enum iso_plan_term)best;
}

/* The unit's place is taken away and given back; nothing of the plan is different afterwards. */
static void compare(const struct iso_plan *plan, size_t unit, size_t dev,
                    struct iso_plan_alternative *out)
{
    struct iso_plan_state state = plan->search.state;
    const size_t here = state.place[unit];
    const struct iso_plan_sum sum = state.sums[here];
    struct iso_plan_cost there_cost = {0}, here_cost = {0};
    iso_plan_take(&state, unit);
    const double used_there = iso_plan_utilisation(&state, dev);
    const double used_here = iso_plan_utilisation(&state, here);
    out->overloaded = iso_plan_marginal_terms(&state, unit, dev, &there_cost);
    (void)iso_plan_marginal_terms(&state, unit, here, &here_cost);
    state.place[unit] = here;
    state.sums[here] = sum;
    for (unsigned term = 0; term < ISO_PLAN_TERMS; term++) {
        iso_plan_cost_add(&out->extra, term, there_cost.terms[term] - here_cost.terms[term]);
    }
    out->dominant = dominant_of(&out->extra);
    /* Calls wait longer on a slow device because it is slow, unless it was much busier before. */
    if (out->dominant == ISO_PLAN_QUEUE && out->extra.terms[ISO_PLAN_EXECUTION] > 0 &&
        used_there <= used_here + 0.05) {
        out->dominant = ISO_PLAN_EXECUTION;
    }
}

/* With sorted indices. */
static void alternative(const struct iso_plan *plan, size_t comp, size_t dev,
                        struct iso_plan_alternative *out)
{
    const struct iso_plan_model *model = &plan->model;
    const size_t unit_index = model->comps[comp].unit;
    const struct iso_plan_unit *unit = &model->units[unit_index];
    const struct iso_plan_sum *sum = &plan->search.state.sums[dev];
    const uint64_t free = model->devs[dev].free;
    if (plan->search.state.place[unit_index] == dev) {
        *out = (struct iso_plan_alternative){.component = ISO_PLAN_NONE};
        return;
    }
    if (!iso_plan_fit(model, comp, dev, out) || !partners_fit(model, comp, dev, out)) {
        return;
    }
    if (!plan->outcome.feasible) {
        out->why = ISO_PLAN_NO_PLAN;
        out->hard = true;
        return;
    }
    compare(plan, unit_index, dev, out);
    const size_t enemy = enemy_on(plan, unit, dev);
    if (enemy != ISO_PLAN_NONE) {
        blame(model, out, ISO_PLAN_NOT_BESIDE, enemy);
    } else if (iso_plan_memory_add(sum->memory, unit->memory) > free) {
        out->why = ISO_PLAN_MEMORY_TAKEN;
        out->hard = true;
        out->needed_bytes = unit->memory;
        out->found_bytes = free - sum->memory;
        /* It cannot be there, so what limits would cost there says nothing. */
        iso_plan_cost_add(&out->extra, ISO_PLAN_MEMORY, -out->extra.terms[ISO_PLAN_MEMORY]);
        out->dominant = dominant_of(&out->extra);
    }
}

void iso_plan_alternative(const struct iso_plan *plan, size_t component, size_t device,
                          struct iso_plan_alternative *out)
{
    const struct iso_plan_model *model = &plan->model;
    ISO_ASSERT(component < model->comp_count && device < model->dev_count);
    alternative(plan, model->comp_of[component], model->dev_of[device], out);
}

/* ---- There ---------------------------------------------------------------------------------- */

struct reasons {
    const struct iso_plan *plan;
    size_t comp, unit, dev; /* sorted */
    struct iso_plan_reason *out;
    size_t count;
};

static struct iso_plan_reason *reason_add(struct reasons *reasons, enum iso_plan_reason_kind kind,
                                          size_t dev)
{
    const struct iso_plan_model *model = &reasons->plan->model;
    if (reasons->count == ISO_PLAN_MAX_REASONS) {
        reasons->count--; /* the last gives way to what is said in any case */
    }
    struct iso_plan_reason *reason = &reasons->out[reasons->count++];
    *reason = (struct iso_plan_reason){.kind = kind,
                                       .device = dev != ISO_PLAN_NONE ? model->devs[dev].index
                                                                      : ISO_PLAN_NONE,
                                       .component = ISO_PLAN_NONE};
    return reason;
}

/* What a look at every device finds. */
struct looks {
    size_t soft; /* devices that would do as well */
    size_t next; /* the cheapest of them */
    struct iso_plan_alternative next_why;
    size_t barred; /* the cheapest that only the others keep it from */
    struct iso_plan_alternative barred_why;
    size_t tempting; /* where it would go if moving were free */
    double temptation;
    size_t hard[ISO_PLAN_NO_PLAN + 1]; /* how many for each reason */
};

static void look_at(const struct iso_plan *plan, size_t comp, size_t dev, struct looks *looks)
{
    struct iso_plan_alternative why;
    alternative(plan, comp, dev, &why);
    looks->hard[why.why] += why.hard ? 1 : 0;
    if (why.why == ISO_PLAN_COSTS_MORE) {
        const double free = why.extra.total - why.extra.terms[ISO_PLAN_MOVING];
        looks->soft++;
        if (looks->next == ISO_PLAN_NONE || why.extra.total < looks->next_why.extra.total) {
            looks->next = dev;
            looks->next_why = why;
        }
        if (free < looks->temptation) {
            looks->temptation = free;
            looks->tempting = dev;
        }
    } else if ((why.why == ISO_PLAN_NOT_BESIDE || why.why == ISO_PLAN_MEMORY_TAKEN) &&
               (looks->barred == ISO_PLAN_NONE ||
                why.extra.total < looks->barred_why.extra.total)) {
        looks->barred = dev;
        looks->barred_why = why;
    }
}

/* When the others keep it from every other device, it is compared with the cheapest of these. */
static void look_at_barred(struct looks *looks)
{
    if (looks->soft == 0 && looks->barred != ISO_PLAN_NONE &&
        looks->barred_why.extra.total > 1e-7) {
        looks->soft = 1;
        looks->next = looks->barred;
        looks->next_why = looks->barred_why;
    }
}

static void look_around(const struct iso_plan *plan, size_t comp, struct looks *looks)
{
    const size_t here = plan->search.state.place[plan->model.comps[comp].unit];
    *looks = (struct looks){.next = ISO_PLAN_NONE,
                            .barred = ISO_PLAN_NONE,
                            .tempting = ISO_PLAN_NONE,
                            .temptation = -1e-7};
    for (size_t d = 0; d < plan->model.dev_count; d++) {
        if (d != here) {
            look_at(plan, comp, d, looks);
        }
    }
    look_at_barred(looks);
}

/* The neighbour whose traffic would grow most on the other device. */
static size_t nearest_of(const struct reasons *reasons, size_t other_dev)
{
    const struct iso_plan_model *model = &reasons->plan->model;
    const size_t *place = reasons->plan->search.state.place;
    size_t best = ISO_PLAN_NONE;
    double most = 0;
    for (size_t i = 0; i < model->flow_count; i++) {
        const struct iso_plan_flow *flow = &model->flows[i];
        if (flow->from == ISO_PLAN_NONE) {
            continue;
        }
        const bool from_mine = model->comps[flow->from].unit == reasons->unit;
        const bool to_mine = model->comps[flow->to].unit == reasons->unit;
        if (from_mine == to_mine) {
            continue;
        }
        const size_t other = from_mine ? flow->to : flow->from;
        const size_t at = place[model->comps[other].unit];
        struct iso_plan_cost here = {0}, there = {0};
        (void)iso_plan_traffic_terms(model, flow->calls, flow->bytes, reasons->dev, at, &here);
        (void)iso_plan_traffic_terms(model, flow->calls, flow->bytes, other_dev, at, &there);
        if (there.total - here.total > most) {
            most = there.total - here.total;
            best = other;
        }
    }
    return best;
}

static void add_against_next(struct reasons *reasons, const struct looks *looks)
{
    static const enum iso_plan_reason_kind kinds[ISO_PLAN_TERMS] = {
        [ISO_PLAN_EXECUTION] = ISO_PLAN_WHY_FAST,  [ISO_PLAN_QUEUE] = ISO_PLAN_WHY_IDLE,
        [ISO_PLAN_LATENCY] = ISO_PLAN_WHY_NEAR,    [ISO_PLAN_TRANSFER] = ISO_PLAN_WHY_NEAR,
        [ISO_PLAN_MEMORY] = ISO_PLAN_WHY_SPACIOUS, [ISO_PLAN_MOVING] = ISO_PLAN_WHY_STAYS,
        [ISO_PLAN_OVERLOAD] = ISO_PLAN_WHY_IDLE};
    const struct iso_plan_model *model = &reasons->plan->model;
    const struct iso_plan_cost *extra = &looks->next_why.extra;
    enum iso_plan_reason_kind kind = kinds[looks->next_why.dominant];
    size_t near = ISO_PLAN_NONE;
    if (fabs(extra->total) < 1e-7) {
        kind = ISO_PLAN_WHY_TIE;
    } else if (kind == ISO_PLAN_WHY_NEAR || looks->next_why.dominant == ISO_PLAN_OVERLOAD) {
        near = nearest_of(reasons, looks->next);
        /* Is it a path that would be overloaded, or the device? */
        kind = near != ISO_PLAN_NONE &&
                       (kind == ISO_PLAN_WHY_NEAR || extra->terms[ISO_PLAN_QUEUE] <= 0)
                   ? ISO_PLAN_WHY_NEAR
                   : kind;
    }
    struct iso_plan_reason *reason = reason_add(reasons, kind, looks->next);
    reason->value = extra->total;
    reason->constraint = looks->next_why.why;
    if (kind == ISO_PLAN_WHY_NEAR && near != ISO_PLAN_NONE) {
        reason->component = model->comps[near].index;
    }
}

static void add_only(struct reasons *reasons, const struct looks *looks)
{
    unsigned most = ISO_PLAN_IS_LOST;
    for (unsigned why = ISO_PLAN_IS_LOST; why <= ISO_PLAN_NO_PLAN; why++) {
        most = looks->hard[why] > looks->hard[most] ? why : most;
    }
    reason_add(reasons, ISO_PLAN_WHY_ONLY, ISO_PLAN_NONE)->constraint = (enum iso_plan_why_not)most;
}

static bool has_rule(const struct iso_plan_component *in, enum iso_plan_rule_kind kind)
{
    for (size_t i = 0; i < in->rule_count; i++) {
        if (in->rules[i].kind == kind) {
            return true;
        }
    }
    return false;
}

/* Of those that must be together, the one that can be in fewest places decides. */
static size_t leader_of(const struct iso_plan_model *model, size_t comp)
{
    const struct iso_plan_unit *unit = &model->units[model->comps[comp].unit];
    size_t best = ISO_PLAN_NONE, fewest = 0;
    for (size_t i = 0; i < unit->count; i++) {
        const size_t member = model->members[unit->first + i];
        size_t places = 0;
        for (size_t d = 0; d < model->dev_count; d++) {
            places += iso_plan_fit(model, member, d, NULL) ? 1 : 0;
        }
        if (best == ISO_PLAN_NONE || places < fewest || (places == fewest && member == comp)) {
            best = member;
            fewest = places;
        }
    }
    return best;
}

static void add_main(struct reasons *reasons, const struct looks *looks)
{
    const struct iso_plan_model *model = &reasons->plan->model;
    const struct iso_plan_comp *comp = &model->comps[reasons->comp];
    const size_t leader = leader_of(model, reasons->comp);
    if (comp->in->stays) {
        (void)reason_add(reasons, ISO_PLAN_WHY_STAYS, ISO_PLAN_NONE);
        return;
    }
    if (has_rule(comp->in, ISO_PLAN_DEVICE)) {
        (void)reason_add(reasons, ISO_PLAN_WHY_PINNED, ISO_PLAN_NONE);
        return;
    }
    if (leader != reasons->comp) {
        reason_add(reasons, ISO_PLAN_WHY_WITH, ISO_PLAN_NONE)->component =
            model->comps[leader].index;
    }
    if (looks->barred != ISO_PLAN_NONE && looks->barred_why.extra.total < -1e-7) {
        const bool apart = looks->barred_why.why == ISO_PLAN_NOT_BESIDE;
        struct iso_plan_reason *reason =
            reason_add(reasons, apart ? ISO_PLAN_WHY_APART : ISO_PLAN_WHY_ROOM, looks->barred);
        reason->component = looks->barred_why.component;
        reason->value = looks->barred_why.extra.total;
    }
    if (looks->tempting != ISO_PLAN_NONE && comp->current == reasons->dev) {
        reason_add(reasons, ISO_PLAN_WHY_STAYS, looks->tempting)->value = looks->temptation;
    } else if (looks->soft == 0) {
        add_only(reasons, looks);
    } else {
        add_against_next(reasons, looks);
    }
}

static void add_moved(struct reasons *reasons)
{
    const struct iso_plan_model *model = &reasons->plan->model;
    const struct iso_plan_comp *comp = &model->comps[reasons->comp];
    if (comp->in->current == ISO_PLAN_NONE || model->dev_of[comp->in->current] == reasons->dev) {
        return;
    }
    struct iso_plan_alternative why;
    const size_t from = model->dev_of[comp->in->current];
    alternative(reasons->plan, reasons->comp, from, &why);
    struct iso_plan_reason *reason = reason_add(reasons, ISO_PLAN_WHY_MOVED, from);
    reason->constraint = why.why;
    reason->value = why.extra.total;
}

size_t iso_plan_reasons(const struct iso_plan *plan, size_t component,
                        struct iso_plan_reason out[ISO_PLAN_MAX_REASONS])
{
    const struct iso_plan_model *model = &plan->model;
    ISO_ASSERT(component < model->comp_count);
    if (!plan->outcome.feasible) {
        return 0;
    }
    const size_t comp = model->comp_of[component], unit = model->comps[comp].unit;
    struct reasons reasons = {plan, comp, unit, plan->search.state.place[unit], out, 0};
    struct looks looks;
    look_around(plan, comp, &looks);
    add_main(&reasons, &looks);
    if (model->comps[comp].in->fuel_per_call <= 0 && looks.soft != 0) {
        (void)reason_add(&reasons, ISO_PLAN_WHY_ASSUMED, ISO_PLAN_NONE);
    }
    if (iso_plan_utilisation(&plan->search.state, reasons.dev) > 1 + ISO_PLAN_TOLERANCE) {
        (void)reason_add(&reasons, ISO_PLAN_WHY_OVERLOAD, ISO_PLAN_NONE);
    }
    add_moved(&reasons);
    return reasons.count;
}
