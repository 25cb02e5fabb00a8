/* planner_json.c - a plan as JSON: docs/orchestrator-api.md, "Plans". */
#include "orchestrator/planner_state.h"

#include "base/json_member.h"

enum { text_max = 512 };

static void put_device(struct iso_json *json, const struct iso_plan *plan, size_t device)
{
    iso_json_put_string(json, "device", plan->model.input->devices[device].id);
    iso_json_put_string(json, "device-name", plan->model.input->devices[device].name);
}

static void put_cost(struct iso_json *json, const char *key, const struct iso_plan_cost *cost)
{
    iso_json_put_object_begin(json, key);
    iso_json_put_f64(json, "total", cost->total);
    iso_json_put_object_begin(json, "terms");
    for (unsigned term = 0; term < ISO_PLAN_TERMS; term++) {
        iso_json_put_f64(json, iso_plan_term_name(term), cost->terms[term]);
    }
    iso_json_object_end(json);
    iso_json_object_end(json);
}

/* ---- Components ----------------------------------------------------------------------------- */

static void put_reasons(struct iso_json *json, const struct iso_plan *plan, size_t component)
{
    struct iso_plan_reason reasons[ISO_PLAN_MAX_REASONS];
    char text[text_max];
    const size_t count = iso_plan_reasons(plan, component, reasons);
    iso_json_put_array_begin(json, "why");
    for (size_t i = 0; i < count; i++) {
        (void)iso_plan_reason_text(plan, component, &reasons[i], text, sizeof text);
        iso_json_z(json, text);
    }
    iso_json_array_end(json);
    iso_json_put_array_begin(json, "reasons");
    for (size_t i = 0; i < count; i++) {
        iso_json_z(json, iso_plan_reason_name(reasons[i].kind));
    }
    iso_json_array_end(json);
}

static void put_hard(struct iso_json *json, const struct iso_plan_alternative *why)
{
    if (why->interface.len != 0) {
        iso_json_put_string(json, "interface", why->interface);
    }
    if (why->needed.len != 0) {
        iso_json_put_string(json, "needed", why->needed);
    }
    if (why->found.len != 0) {
        iso_json_put_string(json, "found", why->found);
    }
    if (why->needed_bytes != 0) {
        iso_json_put_u64(json, "needed-bytes", why->needed_bytes);
        iso_json_put_u64(json, "found-bytes", why->found_bytes);
    }
}

static void put_alternative(struct iso_json *json, const struct iso_plan *plan, size_t component,
                            size_t device)
{
    struct iso_plan_alternative why;
    char text[text_max];
    iso_plan_alternative(plan, component, device, &why);
    (void)iso_plan_alternative_text(plan, component, device, text, sizeof text);
    iso_json_object_begin(json);
    put_device(json, plan, device);
    iso_json_put_bool(json, "hard", why.hard);
    iso_json_put_z(json, "why", text);
    iso_json_put_z(json, "reason", iso_plan_why_not_name(why.why));
    if (why.hard) {
        put_hard(json, &why);
    } else if (why.why == ISO_PLAN_COSTS_MORE) {
        iso_json_put_z(json, "dominant", iso_plan_term_name(why.dominant));
        iso_json_put_bool(json, "overloaded", why.overloaded);
        put_cost(json, "extra", &why.extra);
    }
    iso_json_object_end(json);
}

/* The cheapest first, then those that are excluded, by name. */
static void put_others(struct iso_json *json, const struct iso_plan *plan, size_t component,
                       size_t devices_max)
{
    const struct iso_plan_model *model = &plan->model;
    struct iso_plan_soft soft[ISO_PLAN_MAX_SHOWN];
    const size_t max = devices_max < ISO_PLAN_MAX_SHOWN ? devices_max : ISO_PLAN_MAX_SHOWN;
    const size_t total = iso_plan_softest(plan, component, max, soft);
    size_t shown = total < max ? total : max, more = total - shown;
    iso_json_put_array_begin(json, "not");
    for (size_t i = 0; i < shown; i++) {
        put_alternative(json, plan, component, soft[i].device);
    }
    for (size_t d = 0; d < model->dev_count; d++) {
        struct iso_plan_alternative why;
        iso_plan_alternative(plan, component, model->devs[d].index, &why);
        if (why.why == ISO_PLAN_CHOSEN || why.why == ISO_PLAN_COSTS_MORE) {
            continue;
        }
        if (shown < max) {
            put_alternative(json, plan, component, model->devs[d].index);
            shown++;
        } else {
            more++;
        }
    }
    iso_json_array_end(json);
    iso_json_put_u64(json, "not-more", more);
}

static void put_component(struct iso_json *json, const struct iso_plan *plan, size_t component,
                          size_t devices_max)
{
    const size_t device = iso_plan_device(plan, component);
    iso_json_object_begin(json);
    iso_json_put_string(json, "name", plan->model.input->components[component].name);
    if (device != ISO_PLAN_NONE) {
        put_device(json, plan, device);
    } else {
        iso_json_put_z(json, "device", NULL);
    }
    put_reasons(json, plan, component);
    put_others(json, plan, component, devices_max);
    iso_json_object_end(json);
}

/* ---- The whole ------------------------------------------------------------------------------ */

static void put_changes(struct iso_json *json, const struct iso_plan *plan)
{
    const struct iso_plan_model *model = &plan->model;
    iso_json_put_array_begin(json, "changes");
    for (size_t c = 0; c < model->comp_count && plan->outcome.feasible; c++) {
        const struct iso_plan_component *in = model->comps[c].in;
        const size_t to = iso_plan_device(plan, model->comps[c].index);
        if (in->current == to) {
            continue;
        }
        iso_json_object_begin(json);
        iso_json_put_string(json, "component", in->name);
        if (in->current != ISO_PLAN_NONE) {
            iso_json_put_string(json, "from", model->input->devices[in->current].id);
        } else {
            iso_json_put_z(json, "from", NULL);
        }
        iso_json_put_string(json, "to", model->input->devices[to].id);
        iso_json_object_end(json);
    }
    iso_json_array_end(json);
}

static void put_used(struct iso_json *json, const struct iso_plan *plan)
{
    const struct iso_plan_model *model = &plan->model;
    iso_json_put_array_begin(json, "devices");
    for (size_t d = 0; d < model->dev_count; d++) {
        const struct iso_plan_sum *sum = &plan->search.state.sums[d];
        if (sum->count == 0) {
            continue;
        }
        iso_json_object_begin(json);
        put_device(json, plan, model->devs[d].index);
        iso_json_put_f64(json, "used", iso_plan_utilisation(&plan->search.state, d));
        iso_json_put_u64(json, "memory-bytes", sum->memory);
        iso_json_put_u64(json, "memory-free-bytes", model->devs[d].free);
        iso_json_object_end(json);
    }
    iso_json_array_end(json);
}

static void put_conflict(struct iso_json *json, const struct iso_plan *plan)
{
    const struct iso_plan_conflict *conflict = &plan->conflict;
    char text[text_max];
    iso_json_key(json, "conflict");
    if (plan->outcome.feasible) {
        iso_json_null(json);
        return;
    }
    (void)iso_plan_conflict_text(plan, text, sizeof text);
    iso_json_object_begin(json);
    iso_json_put_z(json, "kind", iso_plan_conflict_name(conflict->kind));
    iso_json_put_z(json, "why", text);
    iso_json_put_array_begin(json, "components");
    for (size_t i = 0; i < conflict->component_count; i++) {
        iso_json_string(json, plan->model.input->components[conflict->components[i]].name);
    }
    iso_json_array_end(json);
    iso_json_object_end(json);
}

void iso_plan_explain_json(const struct iso_plan *plan, size_t devices_max, struct iso_json *json)
{
    iso_json_put_bool(json, "feasible", plan->outcome.feasible);
    iso_json_put_bool(json, "proven", plan->outcome.proven);
    iso_json_put_bool(json, "overloaded", plan->outcome.overloaded);
    put_cost(json, "cost", &plan->outcome.cost);
    iso_json_put_array_begin(json, "components");
    for (size_t c = 0; c < plan->model.comp_count; c++) {
        put_component(json, plan, plan->model.comps[c].index, devices_max);
    }
    iso_json_array_end(json);
    put_changes(json, plan);
    put_used(json, plan);
    put_conflict(json, plan);
}
