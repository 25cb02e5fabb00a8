/* planner_words.c - reasons of the planner in words. */
#include "orchestrator/planner_state.h"

/* ---- Pieces --------------------------------------------------------------------------------- */

void iso_plan_say(struct iso_plan_words *words, const char *format, ...)
{
    va_list args;
    if (words->len + 1 >= words->cap) {
        return;
    }
    va_start(args, format);
    words->len += iso_format_v(words->out + words->len, words->cap - words->len, format, args);
    va_end(args);
}

struct iso_plan_words iso_plan_words_begin(char *out, size_t cap)
{
    out[0] = '\0';
    return (struct iso_plan_words){out, cap, 0};
}

void iso_plan_say_bytes(struct iso_plan_words *words, uint64_t bytes)
{
    if (bytes < 1024 * 1024) {
        iso_plan_say(words, "%.1f KiB", (double)bytes / 1024);
    } else {
        iso_plan_say(words, "%.1f MiB", (double)bytes / (1024 * 1024));
    }
}

void iso_plan_say_cost(struct iso_plan_words *words, double cost)
{
    const double ms = cost * 1000;
    iso_plan_say(words, fabs(ms) < 9.95 ? "%.2g ms/s" : "%.0f ms/s", ms);
}

static struct iso_str device_name(const struct iso_plan *plan, size_t device)
{
    return plan->model.input->devices[device].name;
}

static struct iso_str component_name(const struct iso_plan *plan, size_t component)
{
    return plan->model.input->components[component].name;
}

void iso_plan_say_name(struct iso_plan_words *words, struct iso_str name)
{
    iso_plan_say(words, "'%.*s'", (int)name.len, name.ptr);
}

/* Million fuel a second that one core does. */
static void say_speed(struct iso_plan_words *words, const struct iso_plan *plan, size_t device)
{
    const double speed = plan->model.devs[plan->model.dev_of[device]].core_speed / 1e6;
    iso_plan_say(words, speed < 100 ? "%.3g" : "%.0f", speed);
    if (plan->model.input->devices[device].speed <= 0) {
        iso_plan_say(words, " (assumed)");
    }
}

static double percent_used(const struct iso_plan *plan, size_t device)
{
    return 100 * iso_plan_utilisation(&plan->search.state, plan->model.dev_of[device]);
}

/* The same when the component's unit is there as well. */
static double percent_with(const struct iso_plan *plan, size_t device, size_t component)
{
    const struct iso_plan_model *model = &plan->model;
    const struct iso_plan_unit *unit = &model->units[model->comps[model->comp_of[component]].unit];
    return percent_used(plan, device) + 100 * unit->work / model->devs[model->dev_of[device]].speed;
}

/* ---- Why not there -------------------------------------------------------------------------- */

static void say_overload(struct iso_plan_words *words, const struct iso_plan *plan,
                         size_t component, size_t device)
{
    const struct iso_plan_model *model = &plan->model;
    const struct iso_plan_unit *unit = &model->units[model->comps[model->comp_of[component]].unit];
    const double used = percent_with(plan, device, component);
    const double core = unit->service_work / model->devs[model->dev_of[device]].core_speed;
    if (used > 100) {
        iso_plan_say(words, "would be overloaded: %.0f %% of its processors", used);
    } else if (core > 1) {
        iso_plan_say(words, "would be overloaded: a service uses one core, and would need %.1f",
                     core);
    } else {
        iso_plan_say(words, "the network would be overloaded");
    }
}

static void say_soft(struct iso_plan_words *words, const struct iso_plan *plan, size_t component,
                     size_t device, const struct iso_plan_alternative *why)
{
    const size_t here = iso_plan_device(plan, component);
    if (fabs(why->extra.total) < 1e-7) {
        iso_plan_say(words, "as good; the first by name was taken");
        return;
    }
    switch (why->dominant) {
    case ISO_PLAN_EXECUTION:
        iso_plan_say(words, "slower: ");
        say_speed(words, plan, device);
        iso_plan_say(words, " M fuel/s a core, there ");
        say_speed(words, plan, here);
        break;
    case ISO_PLAN_QUEUE:
        iso_plan_say(words, "busier: calls would wait, %.0f %% of its processors would be used",
                     percent_with(plan, device, component));
        break;
    case ISO_PLAN_LATENCY:
        iso_plan_say(words, "farther from what it talks to: remote calls take longer");
        break;
    case ISO_PLAN_TRANSFER:
        iso_plan_say(words, "farther from what it talks to: more bytes over slower ways");
        break;
    case ISO_PLAN_MEMORY:
        iso_plan_say(words, "fuller: limits of memory beyond what is free");
        break;
    case ISO_PLAN_MOVING:
        iso_plan_say(words, "moving there does not pay");
        break;
    default:
        say_overload(words, plan, component, device);
        return; /* its price says nothing */
    }
    iso_plan_say(words, "; costs ");
    iso_plan_say_cost(words, why->extra.total);
    iso_plan_say(words, " more");
}

static void say_memory(struct iso_plan_words *words, const struct iso_plan *plan, bool found,
                       const struct iso_plan_alternative *why)
{
    iso_plan_say(words, "too little memory: ");
    iso_plan_say_bytes(words, why->needed_bytes);
    iso_plan_say(words, " needed");
    if (why->component != ISO_PLAN_NONE) {
        iso_plan_say(words, " together with ");
        iso_plan_say_name(words, component_name(plan, why->component));
    }
    if (found) {
        iso_plan_say(words, ", ");
        iso_plan_say_bytes(words, why->found_bytes);
        iso_plan_say(words,
                     why->why == ISO_PLAN_MEMORY_TAKEN ? " left beside the others" : " free");
    }
}

static void say_found(struct iso_plan_words *words, bool found, const char *before,
                      struct iso_str text)
{
    if (found && text.len != 0) {
        iso_plan_say(words, " (%s%.*s)", before, (int)text.len, text.ptr);
    }
}

static void say_partner(struct iso_plan_words *words, const struct iso_plan *plan, size_t device,
                        const struct iso_plan_alternative *why)
{
    iso_plan_say_name(words, why->needed);
    iso_plan_say(words, " must be with it and cannot be there");
    if (device != ISO_PLAN_NONE) {
        const struct iso_plan_model *model = &plan->model;
        struct iso_plan_alternative partner;
        if (!iso_plan_fit(model, model->comp_of[why->component], model->dev_of[device], &partner)) {
            iso_plan_say(words, ": ");
            iso_plan_say_alternative(words, plan, why->component, device, &partner);
        }
    }
}

static void say_import(struct iso_plan_words *words, bool found,
                       const struct iso_plan_alternative *why)
{
    if (why->why == ISO_PLAN_INTERFACE_MISSING) {
        iso_plan_say(words, "offers no %.*s", (int)why->needed.len, why->needed.ptr);
        say_found(words, found, "offers ", why->found);
        return;
    }
    iso_plan_say(words, "offers %.*s, but not '%.*s'", (int)why->interface.len, why->interface.ptr,
                 (int)why->needed.len, why->needed.ptr);
    say_found(words, found, "it has ", why->found);
}

static void say_label(struct iso_plan_words *words, bool found,
                      const struct iso_plan_alternative *why)
{
    iso_plan_say(words, "lacks the label %.*s", (int)why->needed.len, why->needed.ptr);
    say_found(words, found, "has ", why->found);
}

static void say_state(struct iso_plan_words *words, enum iso_plan_why_not why)
{
    iso_plan_say(words, why == ISO_PLAN_IS_LOST      ? "is lost"
                        : why == ISO_PLAN_IS_SUSPECT ? "does not answer; it gets nothing new"
                                                     : "is being drained");
}

/* elsewhere: the device where it must be; empty: this one. */
static void say_pinned(struct iso_plan_words *words, enum iso_plan_pin pin,
                       struct iso_str elsewhere)
{
    if (elsewhere.len == 0) {
        iso_plan_say(words, pin == ISO_PLAN_BY_HAND     ? "it was moved here by hand"
                            : pin == ISO_PLAN_BY_CHANGE ? "it stays where it is: the change is "
                                                          "about something else"
                                                        : "the manifest asks for this device");
        return;
    }
    iso_plan_say(words,
                 pin == ISO_PLAN_BY_HAND     ? "it was moved by hand to '%.*s'"
                 : pin == ISO_PLAN_BY_CHANGE ? "it stays on '%.*s'"
                                             : "the manifest asks for the device '%.*s'",
                 (int)elsewhere.len, elsewhere.ptr);
}

void iso_plan_say_alternative(struct iso_plan_words *words, const struct iso_plan *plan,
                              size_t component, size_t device,
                              const struct iso_plan_alternative *why)
{
    const bool found = device != ISO_PLAN_NONE;
    switch (why->why) {
    case ISO_PLAN_CHOSEN:
        iso_plan_say(words, "chosen");
        break;
    case ISO_PLAN_COSTS_MORE:
        say_soft(words, plan, component, device, why);
        break;
    case ISO_PLAN_STAYS_ELSEWHERE:
        iso_plan_say(words, "it is to stay on '%.*s'", (int)why->needed.len, why->needed.ptr);
        break;
    case ISO_PLAN_PINNED_ELSEWHERE:
        say_pinned(words, plan->model.input->components[component].pin, why->needed);
        break;
    case ISO_PLAN_LABEL_MISSING:
        say_label(words, found, why);
        break;
    case ISO_PLAN_FEATURE_MISSING:
        iso_plan_say(words, "its engine lacks %.*s", (int)why->needed.len, why->needed.ptr);
        break;
    case ISO_PLAN_INTERFACE_MISSING:
    case ISO_PLAN_NAME_MISSING:
        say_import(words, found, why);
        break;
    case ISO_PLAN_MEMORY_SHORT:
    case ISO_PLAN_MEMORY_TAKEN:
        say_memory(words, plan, found, why);
        break;
    case ISO_PLAN_PARTNER:
        say_partner(words, plan, device, why);
        break;
    case ISO_PLAN_NOT_BESIDE:
        iso_plan_say(words, "it must be apart from '%.*s'%s", (int)why->needed.len, why->needed.ptr,
                     plan->outcome.feasible ? ", which is there" : "");
        break;
    case ISO_PLAN_NO_PLAN:
        iso_plan_say(words, "possible by itself");
        break;
    default:
        say_state(words, why->why);
    }
}

size_t iso_plan_alternative_text(const struct iso_plan *plan, size_t component, size_t device,
                                 char *out, size_t cap)
{
    struct iso_plan_words words = iso_plan_words_begin(out, cap);
    struct iso_plan_alternative why;
    iso_plan_alternative(plan, component, device, &why);
    iso_plan_say_alternative(&words, plan, component, device, &why);
    return words.len;
}

bool iso_plan_same_reason(const struct iso_plan_alternative *a,
                          const struct iso_plan_alternative *b)
{
    return a->why == b->why && a->component == b->component && iso_str_equal(a->needed, b->needed);
}

/* ---- Why there ------------------------------------------------------------------------------ */

/* How many devices the reason's constraint excludes in the same way as the first of them, which is
 * the example for its words. */
static size_t excluded_alike(const struct iso_plan *plan, size_t component,
                             enum iso_plan_why_not kind, struct iso_plan_alternative *example)
{
    size_t count = 0;
    for (size_t d = 0; d < plan->model.dev_count; d++) {
        struct iso_plan_alternative why;
        iso_plan_alternative(plan, component, d, &why);
        if (why.why == kind && count == 0) {
            *example = why;
        }
        count += why.why == kind && iso_plan_same_reason(&why, example) ? 1 : 0;
    }
    return count;
}

static void say_only(struct iso_plan_words *words, const struct iso_plan *plan, size_t component,
                     const struct iso_plan_reason *reason)
{
    const size_t others = plan->model.dev_count - 1;
    struct iso_plan_alternative why;
    const size_t alike = excluded_alike(plan, component, reason->constraint, &why);
    if (alike == 0) {
        iso_plan_say(words, "the only device there is");
        return;
    }
    if (alike < others) {
        iso_plan_say(words, "no other device can take it; %zu of %zu: ", alike, others);
        iso_plan_say_alternative(words, plan, component, ISO_PLAN_NONE, &why);
        return;
    }
    switch (reason->constraint) {
    case ISO_PLAN_INTERFACE_MISSING:
        iso_plan_say(words, "the only device that offers %.*s", (int)why.needed.len,
                     why.needed.ptr);
        break;
    case ISO_PLAN_NAME_MISSING:
        iso_plan_say(words, "the only device with the %.*s '%.*s'", (int)why.interface.len,
                     why.interface.ptr, (int)why.needed.len, why.needed.ptr);
        break;
    case ISO_PLAN_LABEL_MISSING:
        iso_plan_say(words, "the only device with the label %.*s", (int)why.needed.len,
                     why.needed.ptr);
        break;
    case ISO_PLAN_FEATURE_MISSING:
        iso_plan_say(words, "the only device whose engine has %.*s", (int)why.needed.len,
                     why.needed.ptr);
        break;
    case ISO_PLAN_MEMORY_SHORT:
        iso_plan_say(words, "the only device with ");
        iso_plan_say_bytes(words, why.needed_bytes);
        iso_plan_say(words, " of memory free");
        break;
    default:
        iso_plan_say(words, "no other device can take it: ");
        iso_plan_say_alternative(words, plan, component, ISO_PLAN_NONE, &why);
    }
}

static void say_moved(struct iso_plan_words *words, const struct iso_plan *plan, size_t component,
                      const struct iso_plan_reason *reason)
{
    struct iso_plan_alternative why;
    iso_plan_say_name(words, device_name(plan, reason->device));
    if (reason->constraint == ISO_PLAN_COSTS_MORE) {
        iso_plan_say(words, ", where it runs, costs ");
        iso_plan_say_cost(words, reason->value);
        iso_plan_say(words, " more, moving included");
        return;
    }
    iso_plan_alternative(plan, component, reason->device, &why);
    iso_plan_say(words, ", where it runs, cannot keep it: ");
    iso_plan_say_alternative(words, plan, component, reason->device, &why);
}

/* The device that it is compared with: of those where it could be the one that costs least, which
 * need not be the second in what the reason is about; where it could be nowhere else, one that the
 * other components keep it from. */
static void say_next(struct iso_plan_words *words, const struct iso_plan *plan,
                     const struct iso_plan_reason *reason)
{
    iso_plan_say_name(words, device_name(plan, reason->device));
    iso_plan_say(words, reason->constraint == ISO_PLAN_COSTS_MORE
                            ? ", the next cheapest"
                            : ", which the others keep it from");
}

static void say_near(struct iso_plan_words *words, const struct iso_plan *plan, size_t component,
                     const struct iso_plan_reason *reason)
{
    const size_t neighbour = reason->component;
    if (neighbour == ISO_PLAN_NONE) {
        iso_plan_say(words, "near what it talks to");
    } else {
        const bool same = iso_plan_device(plan, neighbour) == iso_plan_device(plan, component);
        iso_plan_say(words, same ? "on the device of " : "near ");
        iso_plan_say_name(words, component_name(plan, neighbour));
        iso_plan_say(words, ", which it talks to");
    }
    iso_plan_say(words, "; ");
    say_next(words, plan, reason);
    iso_plan_say(words, ", costs ");
    iso_plan_say_cost(words, reason->value);
    iso_plan_say(words, " more");
}

/* Reasons that compare with the device `next`. */
static void say_compared(struct iso_plan_words *words, const struct iso_plan *plan,
                         size_t component, const struct iso_plan_reason *reason)
{
    const struct iso_str next = device_name(plan, reason->device);
    const size_t here = iso_plan_device(plan, component);
    switch (reason->kind) {
    case ISO_PLAN_WHY_FAST:
        iso_plan_say(words, "faster than ");
        say_next(words, plan, reason);
        iso_plan_say(words, ": ");
        say_speed(words, plan, here);
        iso_plan_say(words, " against ");
        say_speed(words, plan, reason->device);
        iso_plan_say(words, " M fuel/s a core");
        break;
    case ISO_PLAN_WHY_IDLE:
        say_next(words, plan, reason);
        iso_plan_say(words,
                     ", would be busier: %.0f %% of its processors would be used, here %.0f %%",
                     percent_with(plan, reason->device, component), percent_used(plan, here));
        break;
    case ISO_PLAN_WHY_STAYS:
        iso_plan_say(words, "it runs there already; moving to '%.*s' would cost more than it gains",
                     (int)next.len, next.ptr);
        break;
    case ISO_PLAN_WHY_SPACIOUS:
        iso_plan_say(words, "more room for its limit of memory than on '%.*s'", (int)next.len,
                     next.ptr);
        break;
    case ISO_PLAN_WHY_APART:
        iso_plan_say(words, "'%.*s' is cheaper, but it must be apart from ", (int)next.len,
                     next.ptr);
        iso_plan_say_name(words, component_name(plan, reason->component));
        iso_plan_say(words, ", which is there");
        break;
    case ISO_PLAN_WHY_ROOM:
        iso_plan_say(words, "'%.*s' is cheaper, but others take its memory", (int)next.len,
                     next.ptr);
        break;
    default:
        iso_plan_say(words, "as good as '%.*s'; the first by name", (int)next.len, next.ptr);
    }
}

size_t iso_plan_reason_text(const struct iso_plan *plan, size_t component,
                            const struct iso_plan_reason *reason, char *out, size_t cap)
{
    struct iso_plan_words words = iso_plan_words_begin(out, cap);
    switch (reason->kind) {
    case ISO_PLAN_WHY_PINNED:
        say_pinned(&words, plan->model.input->components[component].pin, (struct iso_str){NULL, 0});
        break;
    case ISO_PLAN_WHY_ONLY:
        say_only(&words, plan, component, reason);
        break;
    case ISO_PLAN_WHY_WITH:
        iso_plan_say(&words, "must be with ");
        iso_plan_say_name(&words, component_name(plan, reason->component));
        break;
    case ISO_PLAN_WHY_NEAR:
        say_near(&words, plan, component, reason);
        break;
    case ISO_PLAN_WHY_MOVED:
        say_moved(&words, plan, component, reason);
        break;
    case ISO_PLAN_WHY_ASSUMED:
        iso_plan_say(&words, "its work has not been measured: %.3g M fuel a call is assumed",
                     ISO_PLAN_DEFAULT_FUEL / 1e6);
        break;
    case ISO_PLAN_WHY_OVERLOAD:
        iso_plan_say(&words,
                     "the device is overloaded: %.0f %% of its processors; nothing better "
                     "was found",
                     percent_used(plan, iso_plan_device(plan, component)));
        break;
    default:
        if (reason->device == ISO_PLAN_NONE) {
            iso_plan_say(&words, "it is to stay where it is");
        } else {
            say_compared(&words, plan, component, reason);
        }
    }
    return words.len;
}
