/* planner_fit.c - hard constraints of a component by itself, in the order in which they are told.
 */
#include "orchestrator/planner_state.h"

#include "codec/codec.h"

static struct iso_str base_name(struct iso_str interface, struct iso_str *version)
{
    const char *at = interface.len != 0 ? memchr(interface.ptr, '@', interface.len) : NULL;
    *version = iso_str_from(NULL, 0);
    if (at == NULL) {
        return interface;
    }
    const size_t len = (size_t)(at - interface.ptr);
    *version = iso_str_from(at + 1, interface.len - len - 1);
    return iso_str_from(interface.ptr, len);
}

/* "a:b/c@1.2.0" offered serves "a:b/c@1.1.0"; a side without a version serves any. */
static bool interface_serves(struct iso_str offered, struct iso_str wanted)
{
    struct iso_str offered_text, wanted_text;
    struct iso_semver offered_version, wanted_version;
    if (iso_str_equal(offered, wanted)) {
        return true;
    }
    if (!iso_str_equal(base_name(offered, &offered_text), base_name(wanted, &wanted_text))) {
        return false;
    }
    if (offered_text.len == 0 || wanted_text.len == 0) {
        return true;
    }
    return iso_semver_parse(offered_text, &offered_version, NULL) == ISO_OK &&
           iso_semver_parse(wanted_text, &wanted_version, NULL) == ISO_OK &&
           iso_semver_compatible(&wanted_version, &offered_version);
}

static bool contains(const struct iso_str *list, size_t count, struct iso_str text)
{
    for (size_t i = 0; i < count; i++) {
        if (iso_str_equal(list[i], text)) {
            return true;
        }
    }
    return false;
}

static void fail(struct iso_plan_alternative *out, enum iso_plan_why_not why, struct iso_str needed,
                 struct iso_str found)
{
    out->why = why;
    out->hard = true;
    out->needed = needed;
    out->found = found;
}

static bool state_fits(const struct iso_plan_comp *comp, size_t dev_index,
                       enum iso_plan_device_state state, struct iso_plan_alternative *out)
{
    const struct iso_str none = iso_str_from(NULL, 0);
    switch (state) {
    case ISO_PLAN_AVAILABLE:
        return true;
    case ISO_PLAN_SUSPECT:
        if (comp->current == dev_index) {
            return true;
        }
        fail(out, ISO_PLAN_IS_SUSPECT, none, none);
        return false;
    case ISO_PLAN_DRAINING:
        fail(out, ISO_PLAN_IS_DRAINING, none, none);
        return false;
    default:
        fail(out, ISO_PLAN_IS_LOST, none, none);
        return false;
    }
}

static bool pins_fit(const struct iso_plan_component *component,
                     const struct iso_plan_device *device, struct iso_plan_alternative *out)
{
    const struct iso_str *wanted = NULL;
    for (size_t i = 0; i < component->rule_count; i++) {
        const struct iso_plan_rule *rule = &component->rules[i];
        if (rule->kind != ISO_PLAN_DEVICE) {
            continue;
        }
        if (iso_str_equal(rule->text, device->name) || iso_str_equal(rule->text, device->id)) {
            return true;
        }
        wanted = wanted != NULL ? wanted : &rule->text;
    }
    if (wanted == NULL) {
        return true;
    }
    fail(out, ISO_PLAN_PINNED_ELSEWHERE, *wanted, device->name);
    return false;
}

static bool label_fits(const struct iso_plan_device *device, struct iso_str text,
                       struct iso_plan_alternative *out)
{
    const char *equals = text.len != 0 ? memchr(text.ptr, '=', text.len) : NULL;
    const size_t key_len = equals != NULL ? (size_t)(equals - text.ptr) : text.len;
    const struct iso_str key = iso_str_from(text.ptr, key_len);
    struct iso_str found = iso_str_from(NULL, 0);
    for (size_t i = 0; i < device->label_count; i++) {
        const struct iso_plan_label *label = &device->labels[i];
        if (!iso_str_equal(label->key, key)) {
            continue;
        }
        if (equals == NULL ||
            iso_str_equal(label->value, iso_str_from(equals + 1, text.len - key_len - 1))) {
            return true;
        }
        found = label->value;
    }
    fail(out, ISO_PLAN_LABEL_MISSING, text, found);
    return false;
}

static bool labels_fit(const struct iso_plan_component *component,
                       const struct iso_plan_device *device, struct iso_plan_alternative *out)
{
    for (size_t i = 0; i < component->rule_count; i++) {
        const struct iso_plan_rule *rule = &component->rules[i];
        if (rule->kind == ISO_PLAN_LABEL && !label_fits(device, rule->text, out)) {
            return false;
        }
    }
    return true;
}

static bool features_fit(const struct iso_plan_component *component,
                         const struct iso_plan_device *device, struct iso_plan_alternative *out)
{
    for (size_t i = 0; i < component->feature_count; i++) {
        if (!contains(device->features, device->feature_count, component->features[i])) {
            fail(out, ISO_PLAN_FEATURE_MISSING, component->features[i], iso_str_from(NULL, 0));
            return false;
        }
    }
    return true;
}

static bool import_fits(const struct iso_plan_import *import, const struct iso_plan_device *device,
                        struct iso_plan_alternative *out)
{
    const struct iso_plan_offer *offer = NULL;
    struct iso_str other = iso_str_from(NULL, 0); /* offered in a version that does not do */
    for (size_t i = 0; i < device->offer_count && offer == NULL; i++) {
        struct iso_str version;
        const struct iso_str offered = device->offers[i].interface;
        if (interface_serves(offered, import->interface)) {
            offer = &device->offers[i];
        } else if (iso_str_equal(base_name(offered, &version),
                                 base_name(import->interface, &version))) {
            other = offered;
        }
    }
    if (offer == NULL) {
        fail(out, ISO_PLAN_INTERFACE_MISSING, import->interface, other);
        return false;
    }
    for (size_t i = 0; i < import->name_count; i++) {
        const struct iso_str name = import->names[i];
        const bool any = iso_str_equal_z(name, "default") && offer->name_count != 0;
        if (!any && !contains(offer->names, offer->name_count, name)) {
            fail(out, ISO_PLAN_NAME_MISSING, name,
                 offer->name_count != 0 ? offer->names[0] : iso_str_from(NULL, 0));
            out->interface = import->interface;
            return false;
        }
    }
    return true;
}

static bool imports_fit(const struct iso_plan_component *component,
                        const struct iso_plan_device *device, struct iso_plan_alternative *out)
{
    for (size_t i = 0; i < component->import_count; i++) {
        if (!import_fits(&component->imports[i], device, out)) {
            return false;
        }
    }
    return true;
}

bool iso_plan_fit(const struct iso_plan_model *model, size_t comp_index, size_t dev_index,
                  struct iso_plan_alternative *out)
{
    const struct iso_plan_comp *comp = &model->comps[comp_index];
    const struct iso_plan_device *device = model->devs[dev_index].in;
    struct iso_plan_alternative unused;
    out = out != NULL ? out : &unused;
    *out = (struct iso_plan_alternative){.why = ISO_PLAN_COSTS_MORE, .component = ISO_PLAN_NONE};
    if (comp->in->stays) {
        if (comp->current != dev_index) {
            fail(out, ISO_PLAN_STAYS_ELSEWHERE, model->devs[comp->current].in->name,
                 iso_str_from(NULL, 0));
        }
        return comp->current == dev_index;
    }
    if (!state_fits(comp, dev_index, device->state, out) || !pins_fit(comp->in, device, out) ||
        !labels_fit(comp->in, device, out) || !features_fit(comp->in, device, out) ||
        !imports_fit(comp->in, device, out)) {
        return false;
    }
    if (comp->memory > model->devs[dev_index].free) {
        fail(out, ISO_PLAN_MEMORY_SHORT, iso_str_from(NULL, 0), iso_str_from(NULL, 0));
        out->needed_bytes = comp->memory;
        out->found_bytes = model->devs[dev_index].free;
        return false;
    }
    return true;
}
