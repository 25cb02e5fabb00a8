/* Flows against the functions of their components: docs/manifest.md, "Flows". */
#include "orchestrator/check.h"

enum { STEPS_MAX = 32 };

/* ---- Functions ------------------------------------------------------------------------------- */

static struct iso_str space_of(const struct iso_wit_item *item)
{
    return item->interface != NULL ? item->interface->name : (struct iso_str){.len = 0};
}

/* Functions of that name that a world exports, of one interface (ptr NULL: of all): how many, and
 * the first. */
static uint32_t count_funcs(const struct iso_wit_world *world, struct iso_str space,
                            struct iso_str name, const struct iso_wit_item **item,
                            const struct iso_wit_func **func)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < world->export_count; i++) {
        const struct iso_wit_item *export = &world->exports[i];
        uint32_t all = export->interface != NULL ? export->interface->func_count : 1;
        for (uint32_t k = 0; k < all; k++) {
            const struct iso_wit_func *one =
                export->interface != NULL ? &export->interface->funcs[k] : export->func;
            if (!iso_str_equal(one->name, name) ||
                (space.ptr != NULL && !iso_str_equal(space_of(export), space))) {
                continue;
            }
            if (count++ == 0) {
                *item = export;
                *func = one;
            }
        }
    }
    return count;
}

/* Names of the functions of a world, as they are called; of an interface only (ptr NULL: all). */
static void list_funcs(const struct iso_wit_world *world, struct iso_or_words *words)
{
    const struct iso_wit_item *item = NULL;
    const struct iso_wit_func *func = NULL;
    for (uint32_t i = 0; i < world->export_count; i++) {
        const struct iso_wit_item *export = &world->exports[i];
        uint32_t all = export->interface != NULL ? export->interface->func_count : 1;
        for (uint32_t k = 0; k < all; k++) {
            const struct iso_str name =
                export->interface != NULL ? export->interface->funcs[k].name : export->func->name;
            char path[200];
            const struct iso_str space = space_of(export);
            /* Counting is for those that can still be shown. */
            bool alone = words->idle || words->len + 8 >= sizeof words->all ||
                         count_funcs(world, (struct iso_str){.ptr = NULL}, name, &item, &func) < 2;
            (void)iso_format(path, sizeof path, "%.*s%s%.*s", alone ? 0 : (int)space.len,
                             space.len != 0 ? space.ptr : "", alone || space.len == 0 ? "" : ".",
                             (int)name.len, name.ptr);
            iso_or_words_add(words, alone ? name : iso_str_from_z(path));
            if (words->nearest.best.ptr == path) {
                words->nearest.best = name; /* the path is gone soon */
            }
        }
    }
}

static void tell_unknown(struct iso_or_check *check, const struct iso_or_at *call,
                         const struct iso_or_step *step, const struct iso_wit_world *world)
{
    const struct iso_str component = check->manifest->components[step->component].name;
    struct iso_or_words words;
    char shown[ISO_QUOTE_SIZE];
    iso_or_words_init(&words, &check->reader, step->function);
    list_funcs(world, &words);
    iso_or_wrong_part(
        &check->reader, call, step->function, "found %s, which '%.*s' does not export; %s",
        iso_quote(shown, step->function), (int)component.len, component.ptr,
        iso_or_words_hint(&words, "expected a function that it exports: it has none"));
}

/* The function that a step calls; NULL after a mistake. Sets step->function as devices name it:
 * with the interface only where several export a function of that name. */
static const struct iso_wit_func *find_func(struct iso_or_check *check,
                                            const struct iso_or_at *call, struct iso_or_step *step,
                                            const struct iso_wit_world *world)
{
    static const struct iso_str any = {.ptr = NULL};
    struct iso_str space = any, name = step->function;
    const struct iso_wit_item *item = NULL, *other = NULL;
    const struct iso_wit_func *func = NULL, *ignored = NULL;
    if (memchr(step->function.ptr, '.', step->function.len) != NULL) {
        (void)iso_or_split(step->function, &space, &name);
    }
    uint32_t count = count_funcs(world, space, name, &item, &func);
    uint32_t all = count_funcs(world, any, name, &other, &ignored);
    if (space.ptr == NULL && count > 1) {
        /* A plain function of the world has the name for itself. */
        static const struct iso_str none = {.ptr = "", .len = 0};
        if (count_funcs(world, none, name, &item, &func) == 0) {
            iso_or_wrong_part(
                &check->reader, call, step->function,
                "found '%.*s', which %u interfaces export; expected one of them before "
                "it, as in '%.*s.%.*s'",
                (int)name.len, name.ptr, count, (int)item->interface->name.len,
                item->interface->name.ptr, (int)name.len, name.ptr);
            return NULL;
        }
        count = 1;
    }
    if (count == 0) {
        tell_unknown(check, call, step, world);
        return NULL;
    }
    if (count > 1) {
        iso_or_wrong_part(&check->reader, call, step->function,
                          "found '%.*s' in %u interfaces of one name; expected a function whose "
                          "interface can be told",
                          (int)step->function.len, step->function.ptr, count);
        return NULL;
    }
    if (space.ptr != NULL && all == 1) {
        step->function = name;
    }
    return func;
}

/* ---- Events ---------------------------------------------------------------------------------- */

static void check_event(struct iso_or_check *check, const struct iso_or_at *at,
                        const struct iso_or_flow *flow)
{
    struct iso_or_at on = iso_or_member(at, "on");
    struct iso_or_at event = iso_or_member(&on, "event");
    if (flow->trigger != ISO_OR_EVENT || flow->event_component == UINT32_MAX ||
        check->facts[flow->event_component].interface == NULL) {
        return;
    }
    const struct iso_or_imports *imports = &check->imports[flow->event_component];
    for (uint32_t i = 0; i < imports->count; i++) {
        if (imports->items[i].device &&
            iso_str_equal_z(imports->items[i].interface->name, "events")) {
            return;
        }
    }
    const struct iso_str name = check->manifest->components[flow->event_component].name;
    iso_or_wrong(
        &check->reader, &event,
        "found an event of '%.*s', whose module never emits one; expected a component that "
        "imports isomer:device/events",
        (int)name.len, name.ptr);
}

/* ---- Steps ----------------------------------------------------------------------------------- */

static void check_flow(struct iso_or_check *check, const struct iso_or_at *at,
                       const struct iso_or_flow *flow)
{
    const struct iso_vtype *results[STEPS_MAX] = {NULL};
    bool known[STEPS_MAX] = {false};
    struct iso_or_at steps = iso_or_member(at, "steps");
    check_event(check, at, flow);
    for (size_t i = 0; i < flow->step_count && !check->reader.nomem; i++) {
        struct iso_or_step *step = (struct iso_or_step *)(uintptr_t)&flow->steps[i];
        struct iso_or_at here = iso_or_element(&steps, i);
        struct iso_or_at call = iso_or_member(&here, "call");
        if (step->component == UINT32_MAX || step->function.len == 0 ||
            check->facts[step->component].interface == NULL) {
            continue; /* has been said, or is not known */
        }
        const struct iso_wit_func *func =
            find_func(check, &call, step, check->facts[step->component].interface->world);
        if (func == NULL) {
            continue;
        }
        const struct iso_or_step_types types = {.check = check,
                                                .flow = flow,
                                                .step = i,
                                                .func = func,
                                                .results = results,
                                                .known = known};
        iso_or_check_step(&types, &here);
        results[i] = func->result;
        known[i] = true;
    }
}

void iso_or_check_flows(struct iso_or_check *check)
{
    struct iso_or_at flows = iso_or_member(&check->root, "flows");
    size_t index = 0;
    if (check->manifest->flow_count == 0) {
        return;
    }
    for (struct iso_or_at it = iso_or_first(&flows); it.key != NULL; it = iso_or_next(&it)) {
        check_flow(check, &it, &check->manifest->flows[index++]);
    }
}
