/* Flows of a manifest: docs/manifest.md, "Flows". */
#include "orchestrator/manifest_read.h"

enum { STEPS_MAX = 32, FUNCTION_MAX = 256, KEY_MAX = 256, WINDOW_MAX = 1024 };
#define EVERY_MIN UINT64_C(1000000)
#define EVERY_MAX (UINT64_C(24) * 3600 * 1000000000)

/* ---- What starts a flow ---------------------------------------------------------------------- */

static void read_event(struct iso_or_reader *reader, const struct iso_or_at *at,
                       struct iso_or_flow *flow)
{
    static const char what[] = "an event, \"component.name\"";
    struct iso_str text, component, name;
    char shown[ISO_QUOTE_SIZE];
    flow->trigger = ISO_OR_EVENT;
    if (!iso_or_string(reader, at, what, 1, 2 * ISO_NAME_MAX + 1, &text)) {
        return;
    }
    if (!iso_or_split(text, &component, &name) || component.len == 0 || !iso_name_check(name)) {
        iso_or_wrong(reader, at, "found %s; expected %s, of two names", iso_quote(shown, text),
                     what);
        return;
    }
    flow->event_component = iso_or_component_named(reader, at, component);
    flow->event_name = name;
}

static void read_on(struct iso_or_reader *reader, const struct iso_or_at *at,
                    struct iso_or_flow *flow)
{
    static const char *const names[] = {"every", "call", "event"};
    char found[96];
    flow->event_component = UINT32_MAX;
    flow->trigger = ISO_OR_CALL; /* whatever else is wrong: `$input` is not */
    if (at->json == NULL || !iso_or_object(reader, at, names, ISO_COUNT_OF(names), 0)) {
        return;
    }
    struct iso_or_at every = iso_or_member(at, "every");
    struct iso_or_at call = iso_or_member(at, "call");
    struct iso_or_at event = iso_or_member(at, "event");
    size_t count = (size_t)(every.json != NULL) + (call.json != NULL) + (event.json != NULL);
    if (count != 1) {
        if (count == json_object_size(at->json)) {
            iso_or_wrong(reader, at,
                         "found %zu triggers; expected one of {\"every\": \"100ms\"}, {\"call\": "
                         "true} and {\"event\": \"component.name\"}",
                         count);
        }
        return;
    }
    flow->on = at->json;
    if (every.json != NULL) {
        flow->trigger = ISO_OR_EVERY;
        (void)iso_or_duration(reader, &every, EVERY_MIN, EVERY_MAX, &flow->every_ns);
    } else if (event.json != NULL) {
        read_event(reader, &event, flow);
    } else if (!json_is_true(call.json)) {
        iso_or_wrong(reader, &call, "found %s; expected true", iso_or_found(call.json, found));
    }
}

/* ---- References ------------------------------------------------------------------------------ */

bool iso_or_is_reference(struct iso_str text)
{
    return text.len > 0 && text.ptr[0] == '$' && (text.len == 1 || text.ptr[1] != '$');
}

uint32_t iso_or_step_named(const struct iso_or_flow *flow, size_t step, struct iso_str name)
{
    for (uint32_t i = 0; i < step; i++) {
        if (iso_str_equal(flow->steps[i].as, name)) {
            return i;
        }
    }
    return UINT32_MAX;
}

static bool has_empty_part(struct iso_str text)
{
    size_t len = 0;
    for (size_t i = 1; i < text.len; i++) {
        if (text.ptr[i] == '.' && len == 0) {
            return true;
        }
        len = text.ptr[i] == '.' ? 0 : len + 1;
    }
    return len == 0;
}

/* text: "$name.field.field". */
static void check_reference(struct iso_or_reader *reader, const struct iso_or_at *at,
                            const struct iso_or_flow *flow, size_t step, struct iso_str text)
{
    struct iso_str name, fields;
    char shown[ISO_QUOTE_SIZE];
    if (has_empty_part(text)) {
        iso_or_wrong(reader, at,
                     "found %s; expected a reference, '$name' or '$name.field' (a text that begins "
                     "with '$' is written with '$$')",
                     iso_quote(shown, text));
        return;
    }
    (void)iso_or_split(iso_str_from(text.ptr + 1, text.len - 1), &name, &fields);
    if (iso_str_equal_z(name, "input")) {
        if (flow->trigger == ISO_OR_EVERY) {
            iso_or_wrong(reader, at,
                         "found '$input'; expected the result of a step: a flow that a "
                         "timer starts has no input");
        }
        return;
    }
    if (iso_or_step_named(flow, step, name) != UINT32_MAX) {
        return;
    }
    struct iso_or_words words;
    iso_or_words_init(&words, reader, name);
    for (size_t i = 0; i < step; i++) {
        if (flow->steps[i].as.len != 0) {
            iso_or_words_add(&words, flow->steps[i].as);
        }
    }
    for (size_t i = step; i < flow->step_count; i++) {
        if (iso_str_equal(flow->steps[i].as, name)) {
            iso_or_wrong_part(reader, at, name,
                              "found '$%.*s', the result of step %zu, which comes later; expected "
                              "that of an earlier one",
                              (int)name.len, name.ptr, i);
            return;
        }
    }
    iso_or_wrong_part(
        reader, at, name,
        "found %s, which no step before this one is called ('as'); "
        "%s",
        iso_quote(shown, name),
        iso_or_words_hint(&words, "expected the name of one ('$$' is a literal '$')"));
}

/* References in a value, and names of members; types come later. */
static void check_value(struct iso_or_reader *reader, const struct iso_or_at *at,
                        const struct iso_or_flow *flow, size_t step)
{
    if (json_is_object(at->json)) {
        for (struct iso_or_at it = iso_or_first(at); it.key != NULL; it = iso_or_next(&it)) {
            (void)iso_or_key_text(reader, &it, KEY_MAX);
            check_value(reader, &it, flow, step);
        }
    } else if (json_is_array(at->json)) {
        for (size_t i = 0; i < json_array_size(at->json); i++) {
            struct iso_or_at element = iso_or_element(at, i);
            check_value(reader, &element, flow, step);
        }
    } else if (json_is_string(at->json) && iso_or_is_reference(iso_or_view(at->json))) {
        check_reference(reader, at, flow, step, iso_or_view(at->json));
    }
}

/* ---- Steps ----------------------------------------------------------------------------------- */

static void read_as(struct iso_or_reader *reader, const struct iso_or_at *at,
                    const struct iso_or_flow *flow, size_t index, struct iso_str *out)
{
    struct iso_str name = {.len = 0};
    if (!iso_or_name(reader, at, &name)) {
        *out = name; /* so that references to it are not wrong, too */
        return;
    }
    uint32_t same = iso_or_step_named(flow, index, name);
    if (iso_str_equal_z(name, "input")) {
        iso_or_wrong(reader, at, "found 'input', which is the run's input; expected another name");
    } else if (same != UINT32_MAX) {
        iso_or_wrong(reader, at,
                     "found '%.*s', as step %u is called already; expected another name",
                     (int)name.len, name.ptr, same);
    }
    *out = name;
}

static bool is_function(struct iso_str text)
{
    size_t dots = 0, start = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '.') {
            dots += i > start ? 1 : 2;
            start = i + 1;
        } else if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '-' || c == '_')) {
            return false;
        }
    }
    return text.len > start && dots <= 1;
}

static void read_call(struct iso_or_reader *reader, const struct iso_or_at *at,
                      struct iso_or_step *step)
{
    static const char what[] = "a function, \"component.function\"";
    struct iso_str text, component, function;
    char shown[ISO_QUOTE_SIZE];
    if (at->json == NULL ||
        !iso_or_string(reader, at, what, 1, ISO_NAME_MAX + 1 + FUNCTION_MAX, &text)) {
        return;
    }
    if (!iso_or_split(text, &component, &function) || component.len == 0 ||
        !is_function(function)) {
        iso_or_wrong(reader, at, "found %s; expected %s or \"component.interface.function\"",
                     iso_quote(shown, text), what);
        return;
    }
    if (function.len > FUNCTION_MAX) {
        iso_or_wrong_part(reader, at, function,
                          "found %zu bytes; expected a function of at most %d", function.len,
                          FUNCTION_MAX);
        return;
    }
    step->component = iso_or_component_named(reader, at, component);
    step->function = function;
}

static void read_step(struct iso_or_reader *reader, const struct iso_or_at *at,
                      const struct iso_or_flow *flow, struct iso_or_step *step, size_t index)
{
    static const char *const names[] = {"call", "as", "with"};
    step->component = UINT32_MAX;
    if (!iso_or_object(reader, at, names, ISO_COUNT_OF(names), 1)) {
        return;
    }
    struct iso_or_at call = iso_or_member(at, "call");
    struct iso_or_at as = iso_or_member(at, "as");
    struct iso_or_at with = iso_or_member(at, "with");
    read_call(reader, &call, step);
    if (as.json != NULL) {
        read_as(reader, &as, flow, index, &step->as);
    }
    if (with.json != NULL && iso_or_map(reader, &with, 0, ISO_OR_MEMBERS_MAX, "parameters")) {
        step->with = with.json;
    }
}

static void read_steps(struct iso_or_reader *reader, const struct iso_or_at *at,
                       struct iso_or_flow *flow)
{
    if (at->json == NULL || !iso_or_array(reader, at, 1, STEPS_MAX, "steps")) {
        return;
    }
    size_t count = json_array_size(at->json);
    struct iso_or_step *steps = iso_or_new(reader, count, sizeof *steps);
    if (steps == NULL) {
        return;
    }
    flow->steps = steps;
    flow->step_count = count;
    for (size_t i = 0; i < count; i++) {
        struct iso_or_at step = iso_or_element(at, i);
        read_step(reader, &step, flow, &steps[i], i);
    }
    /* Now that all have their names. */
    for (size_t i = 0; i < count; i++) {
        struct iso_or_at step = iso_or_element(at, i);
        struct iso_or_at with = iso_or_member(&step, "with");
        if (steps[i].with != NULL) {
            check_value(reader, &with, flow, i);
        }
    }
}

/* ---- Flows ----------------------------------------------------------------------------------- */

static void read_flow(struct iso_or_reader *reader, const struct iso_or_at *at,
                      struct iso_or_flow *flow)
{
    static const char *const names[] = {"on", "steps", "overload", "window"};
    static const char *const policies[] = {"wait", "drop-oldest", "drop-newest"};
    size_t policy = 0;
    uint64_t window = 0;
    flow->name = iso_str_from_z(at->key);
    flow->event_component = UINT32_MAX;
    (void)iso_or_key_name(reader, at);
    if (iso_or_object(reader, at, names, ISO_COUNT_OF(names), 2)) {
        struct iso_or_at on = iso_or_member(at, "on");
        struct iso_or_at steps = iso_or_member(at, "steps");
        struct iso_or_at overload = iso_or_member(at, "overload");
        struct iso_or_at messages = iso_or_member(at, "window");
        read_on(reader, &on, flow);
        if (overload.json != NULL) {
            (void)iso_or_choice(reader, &overload, policies, ISO_COUNT_OF(policies), &policy);
        }
        if (messages.json != NULL) {
            (void)iso_or_u64(reader, &messages, 1, WINDOW_MAX, &window);
        }
        read_steps(reader, &steps, flow);
    }
    flow->overload = iso_str_from_z(policies[policy]);
    flow->window = (uint32_t)window;
}

void iso_or_read_flows(struct iso_or_reader *reader, const struct iso_or_at *at)
{
    struct iso_or_manifest *manifest = reader->manifest;
    if (!iso_or_map(reader, at, 0, ISO_OR_FLOWS_MAX, "flows")) {
        return;
    }
    struct iso_or_flow *flows = iso_or_new(reader, json_object_size(at->json), sizeof *flows);
    manifest->flows = flows;
    if (flows == NULL) {
        return;
    }
    for (struct iso_or_at it = iso_or_first(at); it.key != NULL; it = iso_or_next(&it)) {
        read_flow(reader, &it, &flows[manifest->flow_count++]);
    }
}
