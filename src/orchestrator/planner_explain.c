/* planner_explain.c - a plan as lines for people. */
#include "orchestrator/planner_state.h"

enum { text_max = 512 };

struct lines {
    struct iso_buf *out;
    enum iso_err err; /* the first; then nothing more is appended */
};

static void put(struct lines *lines, const char *format, ...) ISO_PRINTF(2, 3);

static void put(struct lines *lines, const char *format, ...)
{
    char text[text_max];
    va_list args;
    va_start(args, format);
    const size_t len = iso_format_v(text, sizeof text, format, args);
    va_end(args);
    if (lines->err == ISO_OK) {
        lines->err = iso_buf_append(lines->out, text, len);
    }
}

static void put_str(struct lines *lines, struct iso_str text)
{
    if (lines->err == ISO_OK) {
        lines->err = iso_buf_append(lines->out, text.ptr, text.len);
    }
}

/* ---- Devices not chosen --------------------------------------------------------------------- */

size_t iso_plan_softest(const struct iso_plan *plan, size_t component, size_t max,
                        struct iso_plan_soft *best)
{
    const struct iso_plan_model *model = &plan->model;
    size_t total = 0, kept = 0;
    for (size_t d = 0; d < model->dev_count; d++) {
        struct iso_plan_soft soft = {.device = model->devs[d].index};
        iso_plan_alternative(plan, component, soft.device, &soft.why);
        if (soft.why.why != ISO_PLAN_COSTS_MORE) {
            continue;
        }
        total++;
        size_t at = kept;
        for (; at > 0 && soft.why.extra.total < best[at - 1].why.extra.total; at--) {
            if (at < max) {
                best[at] = best[at - 1];
            }
        }
        if (at < max) {
            best[at] = soft;
            kept += kept < max ? 1 : 0;
        }
    }
    return total;
}

static void put_group(struct lines *lines, const struct iso_plan *plan, size_t component,
                      const struct iso_plan_group *group)
{
    char text[text_max] = "";
    struct iso_plan_words words = {text, sizeof text, 0};
    const size_t shown = group->count < ISO_PLAN_GROUP_NAMES ? group->count : ISO_PLAN_GROUP_NAMES;
    put(lines, "    not ");
    for (size_t i = 0; i < shown; i++) {
        put(lines, i == 0 ? "" : ", ");
        put_str(lines, plan->model.input->devices[group->devices[i]].name);
    }
    if (group->count > shown) {
        put(lines, " and %zu more", group->count - shown);
    }
    iso_plan_say_alternative(&words, plan, component,
                             group->count == 1 ? group->devices[0] : ISO_PLAN_NONE, &group->why);
    put(lines, ": %s\n", text);
}

static void put_others(struct lines *lines, const struct iso_plan *plan, size_t component,
                       size_t devices_max)
{
    struct iso_plan_soft soft[ISO_PLAN_MAX_SHOWN];
    struct iso_plan_group groups[ISO_PLAN_GROUPS_MAX];
    char text[text_max];
    size_t group_count = 0;
    const size_t max = devices_max < ISO_PLAN_MAX_SHOWN ? devices_max : ISO_PLAN_MAX_SHOWN;
    const size_t total = iso_plan_softest(plan, component, max, soft);
    const size_t shown = total < max ? total : max;
    for (size_t i = 0; i < shown; i++) {
        const struct iso_str name = plan->model.input->devices[soft[i].device].name;
        (void)iso_plan_alternative_text(plan, component, soft[i].device, text, sizeof text);
        put(lines, "    not %.*s: %s\n", (int)name.len, name.ptr, text);
    }
    if (total > shown) {
        put(lines, "    not %zu more, which cost %s\n", total - shown,
            shown != 0 ? "as much or more" : "more");
    }
    const size_t ungrouped = iso_plan_groups_fill(plan, component, groups, &group_count);
    for (size_t g = 0; g < group_count; g++) {
        put_group(lines, plan, component, &groups[g]);
    }
    if (ungrouped != 0) {
        put(lines, "    not %zu more, for further reasons\n", ungrouped);
    }
}

/* ---- The choice ----------------------------------------------------------------------------- */

static void put_component(struct lines *lines, const struct iso_plan *plan, size_t component,
                          size_t devices_max)
{
    struct iso_plan_reason reasons[ISO_PLAN_MAX_REASONS];
    char text[text_max];
    const size_t device = iso_plan_device(plan, component);
    put_str(lines, plan->model.input->components[component].name);
    if (device != ISO_PLAN_NONE) {
        put(lines, " on ");
        put_str(lines, plan->model.input->devices[device].name);
    }
    put(lines, "\n");
    const size_t count = iso_plan_reasons(plan, component, reasons);
    for (size_t i = 0; i < count; i++) {
        (void)iso_plan_reason_text(plan, component, &reasons[i], text, sizeof text);
        put(lines, "    %s\n", text);
    }
    put_others(lines, plan, component, devices_max);
}

static void put_head(struct lines *lines, const struct iso_plan *plan)
{
    const struct iso_plan_outcome *outcome = &plan->outcome;
    char text[text_max] = "";
    struct iso_plan_words words = {text, sizeof text, 0};
    for (unsigned term = 0; term < ISO_PLAN_OVERLOAD; term++) {
        if (outcome->cost.terms[term] > 0) {
            iso_plan_say(&words, "%s%s ", words.len == 0 ? " (" : ", ", iso_plan_term_name(term));
            iso_plan_say_cost(&words, outcome->cost.terms[term]);
        }
    }
    iso_plan_say(&words, words.len == 0 ? "" : ")");
    char total[64] = "";
    struct iso_plan_words total_words = {total, sizeof total, 0};
    iso_plan_say_cost(&total_words, outcome->cost.total);
    put(lines, "%zu component%s on %zu device%s, %zu to move; %s\n", plan->model.comp_count,
        plan->model.comp_count == 1 ? "" : "s", outcome->devices, outcome->devices == 1 ? "" : "s",
        outcome->moves,
        outcome->proven ? "there is no better placement" : "the best placement that was found");
    put(lines, "cost: %s of work and waiting%s\n", total, text);
    if (outcome->overloaded) {
        put(lines,
            "overloaded: something cannot do all that is asked of it, wherever it is placed\n");
    }
}

static void put_devices(struct lines *lines, const struct iso_plan *plan)
{
    const struct iso_plan_model *model = &plan->model;
    put(lines, "devices used\n");
    for (size_t d = 0; d < model->dev_count; d++) {
        char text[text_max] = "";
        struct iso_plan_words words = {text, sizeof text, 0};
        const struct iso_plan_sum *sum = &plan->search.state.sums[d];
        if (sum->count == 0) {
            continue;
        }
        iso_plan_say_bytes(&words, sum->memory);
        iso_plan_say(&words, " of ");
        iso_plan_say_bytes(&words, model->devs[d].free);
        put(lines, "    %.*s: %.0f %% of its processors, %s of memory\n",
            (int)model->devs[d].in->name.len, model->devs[d].in->name.ptr,
            100 * iso_plan_utilisation(&plan->search.state, d), text);
    }
}

static void put_conflict(struct lines *lines, const struct iso_plan *plan, size_t devices_max)
{
    char text[text_max];
    (void)iso_plan_conflict_text(plan, text, sizeof text);
    put(lines, "no plan: %s\n", text);
    for (size_t i = 0; i < plan->conflict.component_count; i++) {
        put_component(lines, plan, plan->conflict.components[i], devices_max);
    }
}

enum iso_err iso_plan_explain(const struct iso_plan *plan, size_t devices_max, struct iso_buf *out)
{
    struct lines lines = {out, ISO_OK};
    const size_t before = out->len;
    if (plan->outcome.feasible) {
        put_head(&lines, plan);
        for (size_t c = 0; c < plan->model.comp_count && lines.err == ISO_OK; c++) {
            put_component(&lines, plan, plan->model.comps[c].index, devices_max);
        }
        put_devices(&lines, plan);
    } else {
        put_conflict(&lines, plan, devices_max);
    }
    if (lines.err != ISO_OK) {
        out->len = before;
    }
    return lines.err;
}
