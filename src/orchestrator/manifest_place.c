/* Where components may run: docs/manifest.md, "Place". */
#include "orchestrator/manifest_read.h"

enum { LABEL_MAX = 256 };

/* A string, or an array of strings: their number; 0 after a mistake. */
static size_t count_of(struct iso_or_reader *reader, const struct iso_or_at *at, size_t max,
                       const char *what)
{
    if (at->json == NULL) {
        return 0;
    }
    if (!json_is_array(at->json)) {
        return 1;
    }
    return iso_or_array(reader, at, 1, max, what) ? json_array_size(at->json) : 0;
}

static struct iso_or_at one_of(const struct iso_or_at *at, size_t index)
{
    return json_is_array(at->json) ? iso_or_element(at, index) : *at;
}

/* ---- Labels ---------------------------------------------------------------------------------- */

static bool read_label(struct iso_or_reader *reader, const struct iso_or_at *at,
                       struct iso_or_label *out)
{
    static const char what[] = "a label, such as \"room=lobby\", or \"room\" for any value";
    struct iso_str text;
    char shown[ISO_QUOTE_SIZE];
    if (!iso_or_string(reader, at, what, 1, LABEL_MAX, &text)) {
        return false;
    }
    const char *equals = memchr(text.ptr, '=', text.len);
    size_t len = equals != NULL ? (size_t)(equals - text.ptr) : text.len;
    if (!iso_label_key_check(iso_str_from(text.ptr, len))) {
        iso_or_wrong(reader, at, "found %s; expected %s (before the =: " ISO_LABEL_KEY_RULE ")",
                     iso_quote(shown, text), what);
        return false;
    }
    out->name = iso_str_from(text.ptr, len);
    out->value = equals != NULL ? iso_str_from(equals + 1, text.len - len - 1)
                                : (struct iso_str){.ptr = NULL};
    return true;
}

static void read_labels(struct iso_or_reader *reader, const struct iso_or_at *at,
                        struct iso_or_component *component)
{
    size_t count = count_of(reader, at, ISO_OR_LABELS_MAX, "labels");
    struct iso_or_label *labels = count != 0 ? iso_or_new(reader, count, sizeof *labels) : NULL;
    component->place.labels = labels;
    for (size_t i = 0; labels != NULL && i < count; i++) {
        struct iso_or_at label = one_of(at, i);
        component->place.label_count +=
            read_label(reader, &label, &labels[component->place.label_count]) ? 1 : 0;
    }
}

/* ---- Other components ------------------------------------------------------------------------ */

static size_t read_others(struct iso_or_reader *reader, const struct iso_or_at *at,
                          const struct iso_or_component *component, const uint32_t **out)
{
    size_t count = count_of(reader, at, ISO_OR_COMPONENTS_MAX, "components"), known = 0;
    uint32_t *others = count != 0 ? iso_or_new(reader, count, sizeof *others) : NULL;
    struct iso_str name;
    for (size_t i = 0; others != NULL && i < count; i++) {
        struct iso_or_at other = one_of(at, i);
        if (!iso_or_string(reader, &other, "the name of a component", 1, ISO_OR_TEXT_MAX, &name)) {
            continue;
        }
        uint32_t index = iso_or_component_named(reader, &other, name);
        if (index != UINT32_MAX && &reader->manifest->components[index] == component) {
            iso_or_wrong(reader, &other, "found the component itself; expected another one");
        } else if (index != UINT32_MAX) {
            others[known++] = index;
        }
    }
    *out = others;
    return known;
}

void iso_or_read_place(struct iso_or_reader *reader, const struct iso_or_at *at,
                       struct iso_or_component *component)
{
    static const char *const names[] = {"label", "device", "with", "apart"};
    if (at->json == NULL || !iso_or_object(reader, at, names, ISO_COUNT_OF(names), 0)) {
        return;
    }
    struct iso_or_at label = iso_or_member(at, "label");
    struct iso_or_at device = iso_or_member(at, "device");
    struct iso_or_at with = iso_or_member(at, "with");
    struct iso_or_at apart = iso_or_member(at, "apart");
    read_labels(reader, &label, component);
    if (device.json != NULL) {
        (void)iso_or_string(reader, &device, "the name or id of a device", 1, ISO_OR_NAME_SIZE - 1,
                            &component->place.device);
    }
    component->place.with_count = read_others(reader, &with, component, &component->place.with);
    component->place.apart_count = read_others(reader, &apart, component, &component->place.apart);
}

/* ---- What they say together ------------------------------------------------------------------ */

/* The first component of those that must be together. */
static uint32_t first_of(const uint32_t *group, uint32_t index)
{
    while (group[index] != index) {
        index = group[index];
    }
    return index;
}

static void check_apart(struct iso_or_reader *reader, const struct iso_or_at *at,
                        const uint32_t *group, uint32_t index)
{
    const struct iso_or_manifest *manifest = reader->manifest;
    const struct iso_or_component *component = &manifest->components[index];
    struct iso_or_at place = iso_or_member(at, "place");
    struct iso_or_at apart = iso_or_member(&place, "apart");
    for (size_t i = 0; i < component->place.apart_count; i++) {
        uint32_t other = component->place.apart[i];
        if (first_of(group, other) == first_of(group, index)) {
            iso_or_wrong(reader, &apart,
                         "found that '%.*s' must not be on the device of '%.*s'; expected no "
                         "'with' that puts them there",
                         (int)component->name.len, component->name.ptr,
                         (int)manifest->components[other].name.len,
                         manifest->components[other].name.ptr);
        }
    }
}

static void check_device(struct iso_or_reader *reader, const struct iso_or_at *at,
                         const uint32_t *group, uint32_t index)
{
    const struct iso_or_manifest *manifest = reader->manifest;
    const struct iso_str device = manifest->components[index].place.device;
    for (uint32_t i = 0; i < index && device.len != 0; i++) {
        const struct iso_or_component *other = &manifest->components[i];
        if (first_of(group, i) != first_of(group, index) || other->place.device.len == 0 ||
            iso_str_equal(other->place.device, device)) {
            continue;
        }
        struct iso_or_at place = iso_or_member(at, "place");
        struct iso_or_at member = iso_or_member(&place, "device");
        char shown[ISO_QUOTE_SIZE], wanted[ISO_QUOTE_SIZE];
        iso_or_wrong(reader, &member,
                     "found the device %s; expected %s, where '%.*s' is, with "
                     "which it has to be ('with')",
                     iso_quote(shown, device), iso_quote(wanted, other->place.device),
                     (int)other->name.len, other->name.ptr);
        return;
    }
}

void iso_or_check_places(struct iso_or_reader *reader, const struct iso_or_at *components)
{
    const struct iso_or_manifest *manifest = reader->manifest;
    uint32_t group[ISO_OR_COMPONENTS_MAX], index = 0;
    for (uint32_t i = 0; i < manifest->component_count; i++) {
        group[i] = i;
    }
    for (uint32_t i = 0; i < manifest->component_count; i++) {
        for (size_t k = 0; k < manifest->components[i].place.with_count; k++) {
            uint32_t a = first_of(group, i);
            uint32_t b = first_of(group, manifest->components[i].place.with[k]);
            group[a > b ? a : b] = a < b ? a : b;
        }
    }
    for (struct iso_or_at it = iso_or_first(components); it.key != NULL; it = iso_or_next(&it)) {
        check_apart(reader, &it, group, index);
        check_device(reader, &it, group, index);
        index++;
    }
}
