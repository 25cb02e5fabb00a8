/* planner_conflict_words.c - why there is no plan, in words. */
#include "orchestrator/planner_state.h"

static struct iso_str component_name(const struct iso_plan *plan, size_t component)
{
    return plan->model.input->components[component].name;
}

/* ---- Devices by reason ---------------------------------------------------------------------- */

size_t iso_plan_groups_fill(const struct iso_plan *plan, size_t component,
                            struct iso_plan_group *groups, size_t *group_count)
{
    const struct iso_plan_model *model = &plan->model;
    size_t count = 0, others = 0;
    for (size_t d = 0; d < model->dev_count; d++) {
        struct iso_plan_alternative why;
        size_t g = 0;
        iso_plan_alternative(plan, component, model->devs[d].index, &why);
        if (why.why == ISO_PLAN_CHOSEN || why.why == ISO_PLAN_COSTS_MORE) {
            continue;
        }
        while (g < count && !iso_plan_same_reason(&groups[g].why, &why)) {
            g++;
        }
        if (g == ISO_PLAN_GROUPS_MAX) {
            others++;
            continue;
        }
        if (g == count) {
            groups[count++] = (struct iso_plan_group){.why = why};
        }
        if (groups[g].count < ISO_PLAN_GROUP_NAMES) {
            groups[g].devices[groups[g].count] = model->devs[d].index;
        }
        groups[g].count++;
    }
    *group_count = count;
    return others;
}

/* ---- Why no plan ---------------------------------------------------------------------------- */

static void say_list(struct iso_plan_words *words, const struct iso_plan *plan,
                     const struct iso_plan_conflict *conflict)
{
    for (size_t i = 0; i < conflict->component_count; i++) {
        iso_plan_say(words, i == 0 ? "" : i + 1 == conflict->component_count ? " and " : ", ");
        iso_plan_say_name(words, component_name(plan, conflict->components[i]));
    }
}

/* The devices that any of them could be on, with their memory. */
static void say_devices(struct iso_plan_words *words, const struct iso_plan *plan,
                        const struct iso_plan_conflict *conflict)
{
    const struct iso_plan_model *model = &plan->model;
    size_t said = 0, more = 0;
    for (size_t d = 0; d < model->dev_count; d++) {
        bool any = false;
        for (size_t i = 0; i < conflict->component_count && !any; i++) {
            const size_t unit = model->comps[model->comp_of[conflict->components[i]]].unit;
            any = !isinf(model->fixed[unit * model->dev_count + d]);
        }
        if (any && said < 8) {
            iso_plan_say(words, said++ == 0 ? "" : ", ");
            iso_plan_say(words, "%.*s (", (int)model->devs[d].in->name.len,
                         model->devs[d].in->name.ptr);
            iso_plan_say_bytes(words, model->devs[d].free);
            iso_plan_say(words, " free)");
        } else {
            more += any ? 1 : 0;
        }
    }
    if (more != 0) {
        iso_plan_say(words, " and %zu more", more);
    }
}

static void say_joint(struct iso_plan_words *words, const struct iso_plan *plan)
{
    const struct iso_plan_model *model = &plan->model;
    const struct iso_plan_conflict *conflict = &plan->conflict;
    const size_t first = model->comp_of[conflict->components[0]];
    const struct iso_plan_unit *unit = &model->units[model->comps[first].unit];
    uint64_t memory = 0;
    bool apart = false;
    say_list(words, plan, conflict);
    if (unit->clash[0] != ISO_PLAN_NONE) {
        iso_plan_say(words, " must be together and apart: one of the rules 'with' and "
                            "'apart' has to go");
        return;
    }
    for (size_t i = 0; i < conflict->component_count; i++) {
        const struct iso_plan_comp *comp = &model->comps[model->comp_of[conflict->components[i]]];
        memory = iso_plan_memory_add(memory, comp->memory);
        apart = apart || model->units[comp->unit].apart_count != 0;
    }
    if (unit->cand_count == 0) {
        iso_plan_say(words,
                     " must be on one device, and none suits all of them: together they need ");
        iso_plan_say_bytes(words, memory);
        return;
    }
    iso_plan_say(words, " can be placed each by itself, but not at once: they need ");
    iso_plan_say_bytes(words, memory);
    iso_plan_say(words, apart ? ", must be apart, and can only be on " : " and can only be on ");
    say_devices(words, plan, conflict);
}

/* "lacks the label room=moon (den, hall); is lost (pi)" */
static void say_excluded(struct iso_plan_words *words, const struct iso_plan *plan,
                         size_t component)
{
    struct iso_plan_group groups[ISO_PLAN_GROUPS_MAX];
    size_t count = 0;
    (void)iso_plan_groups_fill(plan, component, groups, &count);
    for (size_t g = 0; g < count; g++) {
        const struct iso_plan_group *group = &groups[g];
        iso_plan_say(words, g == 0 ? "" : "; ");
        iso_plan_say_alternative(words, plan, component,
                                 group->count == 1 ? group->devices[0] : ISO_PLAN_NONE,
                                 &group->why);
        for (size_t i = 0; i < group->count && i < ISO_PLAN_GROUP_NAMES; i++) {
            const struct iso_str name = plan->model.input->devices[group->devices[i]].name;
            iso_plan_say(words, "%s%.*s", i == 0 ? " (" : ", ", (int)name.len, name.ptr);
        }
        if (group->count > ISO_PLAN_GROUP_NAMES) {
            iso_plan_say(words, " and %zu more", group->count - ISO_PLAN_GROUP_NAMES);
        }
        iso_plan_say(words, ")");
    }
}

static void say_no_candidate(struct iso_plan_words *words, const struct iso_plan *plan)
{
    const struct iso_plan_conflict *conflict = &plan->conflict;
    iso_plan_say(words, "no device can take ");
    say_list(words, plan, conflict);
    for (size_t i = 0; i < conflict->component_count; i++) {
        iso_plan_say(words, i == 0 ? ": " : "; ");
        if (conflict->component_count > 1) {
            iso_plan_say_name(words, component_name(plan, conflict->components[i]));
            iso_plan_say(words, ": ");
        }
        say_excluded(words, plan, conflict->components[i]);
    }
}

size_t iso_plan_conflict_text(const struct iso_plan *plan, char *out, size_t cap)
{
    struct iso_plan_words words = iso_plan_words_begin(out, cap);
    switch (plan->conflict.kind) {
    case ISO_PLAN_FEASIBLE:
        break;
    case ISO_PLAN_NO_DEVICES:
        iso_plan_say(&words, "there are no devices");
        break;
    case ISO_PLAN_NO_CANDIDATE:
        say_no_candidate(&words, plan);
        break;
    case ISO_PLAN_JOINT:
        say_joint(&words, plan);
        break;
    case ISO_PLAN_NOT_FOUND:
        iso_plan_say(&words, "no placement was found, and it is not certain that there is none; "
                             "fewer constraints or more memory would help");
        break;
    }
    return words.len;
}
