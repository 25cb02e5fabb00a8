/* planner_cases_test.c - the cases of planner_cases.txt: which device is chosen for each component,
 * and what is said about it. That file says how it is written. */
#include "base/test.h"
#include "orchestrator/planner.h"

#include <stdio.h>
#include <stdlib.h>

extern const unsigned char planner_cases[];
extern const size_t planner_cases_len;

enum { things_max = 16, list_max = 8, expected_max = 24, text_max = 1024 };

enum expected_kind { on_device, not_device, no_plan, overload, moves };

/* A line that says what the plan must be. */
struct expected {
    enum expected_kind kind;
    struct iso_str component, device;
    bool hard;
    struct iso_str text; /* that the explanation must contain */
    size_t count;        /* moves */
    size_t line;
};

struct labels {
    struct iso_plan_label items[list_max];
};
struct texts {
    struct iso_str items[list_max];
};
struct offers {
    struct iso_plan_offer items[list_max];
    struct texts names[list_max];
};
struct imports {
    struct iso_plan_import items[list_max];
    struct texts names[list_max];
};
struct rules {
    struct iso_plan_rule items[list_max];
};

struct example {
    struct iso_str name, because;
    size_t line;
    struct iso_plan_input input;
    struct iso_plan_device devices[things_max];
    struct labels labels[things_max];
    struct texts device_features[things_max];
    struct offers offers[things_max];
    struct iso_plan_component components[things_max];
    struct texts features[things_max];
    struct imports imports[things_max];
    struct rules rules[things_max];
    struct iso_plan_edge edges[things_max * 2];
    struct iso_plan_path paths[things_max];
    struct expected expected[expected_max];
    size_t expected_count;
};

/* ---- Reading -------------------------------------------------------------------------------- */

static size_t line_number;

static void bad(struct iso_str word)
{
    TEST_FAIL("planner_cases.txt:%zu: what is '%.*s'?", line_number, (int)word.len, word.ptr);
}

static struct iso_str cut(struct iso_str *rest, char at)
{
    size_t len = 0;
    while (len < rest->len && rest->ptr[len] != at) {
        len++;
    }
    const struct iso_str part = iso_str_from(rest->ptr, len);
    const size_t skip = len < rest->len ? len + 1 : len;
    *rest = iso_str_from(rest->ptr + skip, rest->len - skip);
    return part;
}

static struct iso_str word_next(struct iso_str *rest)
{
    while (rest->len != 0 && rest->ptr[0] == ' ') {
        *rest = iso_str_from(rest->ptr + 1, rest->len - 1);
    }
    return cut(rest, ' ');
}

static double number_of(struct iso_str text)
{
    char copy[64];
    char *end = NULL;
    (void)iso_format(copy, sizeof copy, "%.*s", (int)text.len, text.ptr);
    const double value = strtod(copy, &end);
    if (text.len == 0 || *end != '\0') {
        bad(text);
    }
    return value;
}

static uint64_t mebibytes(struct iso_str text)
{
    return (uint64_t)(number_of(text) * 1024 * 1024);
}

static size_t component_index(const struct example *example, struct iso_str name)
{
    for (size_t i = 0; i < example->input.component_count; i++) {
        if (iso_str_equal(example->components[i].name, name)) {
            return i;
        }
    }
    bad(name);
    return 0;
}

static size_t device_index(const struct example *example, struct iso_str name)
{
    for (size_t i = 0; i < example->input.device_count; i++) {
        if (iso_str_equal(example->devices[i].name, name)) {
            return i;
        }
    }
    bad(name);
    return 0;
}

static enum iso_plan_device_state state_of(struct iso_str text)
{
    static const char *const names[] = {"available", "suspect", "lost", "draining"};
    unsigned state = 0;
    while (state < ISO_COUNT_OF(names) && !iso_str_equal_z(text, names[state])) {
        state++;
    }
    if (state == ISO_COUNT_OF(names)) {
        bad(text);
    }
    return (enum iso_plan_device_state)state;
}

/* "camera#door,hall" or "camera". */
static size_t names_read(struct iso_str text, struct iso_str *interface, struct texts *names)
{
    size_t count = 0;
    *interface = cut(&text, '#');
    while (text.len != 0) {
        CHECK(count < list_max);
        names->items[count++] = cut(&text, ',');
    }
    return count;
}

static void offer_read(struct iso_plan_device *device, struct offers *offers, struct iso_str value)
{
    CHECK(device->offer_count < list_max);
    struct texts *names = &offers->names[device->offer_count];
    struct iso_plan_offer *offer = &offers->items[device->offer_count++];
    offer->name_count = names_read(value, &offer->interface, names);
    offer->names = names->items;
    device->offers = offers->items;
}

static void device_read(struct example *example, struct iso_str rest)
{
    const size_t index = example->input.device_count++;
    CHECK(index < things_max);
    struct iso_plan_device *device = &example->devices[index];
    device->name = word_next(&rest);
    device->id = device->name;
    device->memory_free_bytes = UINT64_C(1) << 30;
    device->speed = 100;
    for (struct iso_str word = word_next(&rest); word.len != 0; word = word_next(&rest)) {
        struct iso_str value = word;
        const struct iso_str key = cut(&value, '=');
        if (iso_str_equal_z(key, "id")) {
            device->id = value;
        } else if (iso_str_equal_z(key, "speed")) {
            device->speed = number_of(value);
        } else if (iso_str_equal_z(key, "cores")) {
            device->cores = (unsigned)number_of(value);
        } else if (iso_str_equal_z(key, "load")) {
            device->load = number_of(value);
        } else if (iso_str_equal_z(key, "memory")) {
            device->memory_free_bytes = mebibytes(value);
        } else if (iso_str_equal_z(key, "state")) {
            device->state = state_of(value);
        } else if (iso_str_equal_z(key, "latency")) {
            device->latency_us = number_of(value);
        } else if (iso_str_equal_z(key, "bandwidth")) {
            device->bytes_per_s = number_of(value);
        } else if (iso_str_equal_z(key, "label")) {
            struct iso_plan_label *label = &example->labels[index].items[device->label_count++];
            label->key = cut(&value, '=');
            label->value = value;
            device->labels = example->labels[index].items;
        } else if (iso_str_equal_z(key, "feature")) {
            example->device_features[index].items[device->feature_count++] = value;
            device->features = example->device_features[index].items;
        } else if (iso_str_equal_z(key, "offer")) {
            offer_read(device, &example->offers[index], value);
        } else {
            bad(word);
        }
    }
}

static void rule_read(struct example *example, size_t index, enum iso_plan_rule_kind kind,
                      struct iso_str value)
{
    struct iso_plan_component *component = &example->components[index];
    CHECK(component->rule_count < list_max);
    example->rules[index].items[component->rule_count++] = (struct iso_plan_rule){kind, value};
    component->rules = example->rules[index].items;
}

static void import_read(struct iso_plan_component *component, struct imports *imports,
                        struct iso_str value)
{
    CHECK(component->import_count < list_max);
    struct texts *names = &imports->names[component->import_count];
    struct iso_plan_import *import = &imports->items[component->import_count++];
    import->name_count = names_read(value, &import->interface, names);
    import->names = names->items;
    component->imports = imports->items;
}

/* Members that stand in lists; false: it is none of them. */
static bool constraint_read(struct example *example, size_t index, struct iso_str key,
                            struct iso_str value)
{
    static const char *const kinds[] = {"label", "pin", "with", "apart"};
    struct iso_plan_component *component = &example->components[index];
    for (unsigned kind = 0; kind < ISO_COUNT_OF(kinds); kind++) {
        if (iso_str_equal_z(key, kinds[kind])) {
            rule_read(example, index, (enum iso_plan_rule_kind)kind, value);
            return true;
        }
    }
    if (iso_str_equal_z(key, "feature")) {
        example->features[index].items[component->feature_count++] = value;
        component->features = example->features[index].items;
        return true;
    }
    if (iso_str_equal_z(key, "import")) {
        import_read(component, &example->imports[index], value);
        return true;
    }
    return false;
}

static void edge_add(struct example *example, size_t from, size_t to, double calls, double bytes)
{
    CHECK(example->input.edge_count < ISO_COUNT_OF(example->edges));
    example->edges[example->input.edge_count++] = (struct iso_plan_edge){from, to, calls, bytes};
}

static void component_read(struct example *example, struct iso_str rest)
{
    const size_t index = example->input.component_count++;
    CHECK(index < things_max);
    struct iso_plan_component *component = &example->components[index];
    component->name = word_next(&rest);
    component->current = ISO_PLAN_NONE;
    for (struct iso_str word = word_next(&rest); word.len != 0; word = word_next(&rest)) {
        struct iso_str value = word;
        const struct iso_str key = cut(&value, '=');
        if (iso_str_equal_z(key, "work")) {
            component->fuel_per_call = number_of(value) * 1e6;
        } else if (iso_str_equal_z(key, "rate")) {
            edge_add(example, ISO_PLAN_NONE, index, number_of(value), 0);
        } else if (iso_str_equal_z(key, "memory")) {
            component->memory_bytes = mebibytes(value);
        } else if (iso_str_equal_z(key, "limit")) {
            component->memory_limit_bytes = mebibytes(value);
        } else if (iso_str_equal_z(key, "state")) {
            component->state_bytes = mebibytes(value);
        } else if (iso_str_equal_z(key, "on")) {
            component->current = device_index(example, value);
        } else if (iso_str_equal_z(key, "service")) {
            component->service = true;
        } else if (iso_str_equal_z(key, "stays")) {
            component->stays = true;
        } else if (!constraint_read(example, index, key, value)) {
            bad(word);
        }
    }
}

static void path_read(struct example *example, struct iso_str rest)
{
    CHECK(example->input.path_count < things_max);
    struct iso_plan_path *path = &example->paths[example->input.path_count++];
    path->a = device_index(example, word_next(&rest));
    path->b = device_index(example, word_next(&rest));
    path->latency_us = number_of(word_next(&rest));
    path->bytes_per_s = number_of(word_next(&rest));
}

/* What is between quotation marks. */
static struct iso_str quoted(struct iso_str rest)
{
    (void)cut(&rest, '"');
    return cut(&rest, '"');
}

static void expected_read(struct example *example, enum expected_kind kind, struct iso_str rest)
{
    CHECK(example->expected_count < expected_max);
    struct expected *expected = &example->expected[example->expected_count++];
    expected->kind = kind;
    expected->line = line_number;
    expected->text = quoted(rest);
    if (kind == on_device || kind == not_device) {
        expected->component = word_next(&rest);
        expected->device = word_next(&rest);
        expected->hard = kind == not_device && iso_str_equal_z(word_next(&rest), "hard");
    } else if (kind == moves) {
        expected->count = (size_t)number_of(word_next(&rest));
    }
}

static void edge_read(struct example *example, struct iso_str rest)
{
    const size_t from = component_index(example, word_next(&rest));
    const size_t to = component_index(example, word_next(&rest));
    const double calls = number_of(word_next(&rest));
    edge_add(example, from, to, calls, number_of(word_next(&rest)));
}

static void line_read(struct example *example, struct iso_str line)
{
    static const char *const kinds[] = {"on", "not", "none", "overload", "moves"};
    struct iso_str rest = line;
    const struct iso_str word = word_next(&rest);
    for (unsigned kind = 0; kind < ISO_COUNT_OF(kinds); kind++) {
        if (iso_str_equal_z(word, kinds[kind])) {
            expected_read(example, (enum expected_kind)kind, rest);
            return;
        }
    }
    if (iso_str_equal_z(word, "because")) {
        example->because = rest;
    } else if (iso_str_equal_z(word, "device")) {
        device_read(example, rest);
    } else if (iso_str_equal_z(word, "component")) {
        component_read(example, rest);
    } else if (iso_str_equal_z(word, "edge")) {
        edge_read(example, rest);
    } else if (iso_str_equal_z(word, "path")) {
        path_read(example, rest);
    } else {
        bad(word);
    }
}

/* ---- Checking ------------------------------------------------------------------------------- */

static void contains(const struct expected *expected, const char *text)
{
    char part[text_max];
    (void)iso_format(part, sizeof part, "%.*s", (int)expected->text.len, expected->text.ptr);
    if (strstr(text, part) == NULL) {
        TEST_FAIL("planner_cases.txt:%zu: expected \"%s\" in \"%s\"", expected->line, part, text);
    }
}

static void reasons_text(const struct iso_plan *plan, size_t component, char *out, size_t cap)
{
    struct iso_plan_reason reasons[ISO_PLAN_MAX_REASONS];
    const size_t count = iso_plan_reasons(plan, component, reasons);
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        char text[text_max];
        (void)iso_plan_reason_text(plan, component, &reasons[i], text, sizeof text);
        len += iso_format(out + len, cap - len, "%s. ", text);
    }
}

static void on_check(const struct example *example, const struct iso_plan *plan,
                     const struct expected *expected)
{
    char text[text_max * 2];
    const size_t component = component_index(example, expected->component);
    const size_t device = iso_plan_device(plan, component);
    const struct iso_str found =
        device != ISO_PLAN_NONE ? example->devices[device].name : iso_str_from_z("nowhere");
    if (!iso_str_equal(found, expected->device)) {
        (void)iso_plan_conflict_text(plan, text, sizeof text);
        TEST_FAIL("planner_cases.txt:%zu: %.*s is on %.*s %s", expected->line,
                  (int)expected->component.len, expected->component.ptr, (int)found.len, found.ptr,
                  text);
    }
    reasons_text(plan, component, text, sizeof text);
    contains(expected, text);
}

static void not_check(const struct example *example, const struct iso_plan *plan,
                      const struct expected *expected)
{
    char text[text_max];
    struct iso_plan_alternative why;
    const size_t component = component_index(example, expected->component);
    const size_t device = device_index(example, expected->device);
    iso_plan_alternative(plan, component, device, &why);
    (void)iso_plan_alternative_text(plan, component, device, text, sizeof text);
    contains(expected, text);
    if (why.hard != expected->hard || why.why == ISO_PLAN_CHOSEN) {
        TEST_FAIL("planner_cases.txt:%zu: hard is %d (%s)", expected->line, why.hard, text);
    }
}

static bool expects(const struct example *example, enum expected_kind kind)
{
    for (size_t i = 0; i < example->expected_count; i++) {
        if (example->expected[i].kind == kind) {
            return true;
        }
    }
    return false;
}

static void expected_check(const struct example *example, const struct iso_plan *plan,
                           const struct expected *expected)
{
    char text[text_max];
    switch (expected->kind) {
    case on_device:
        on_check(example, plan, expected);
        break;
    case not_device:
        not_check(example, plan, expected);
        break;
    case no_plan:
        (void)iso_plan_conflict_text(plan, text, sizeof text);
        contains(expected, text);
        break;
    case moves:
        CHECK_EQ_U64(iso_plan_outcome(plan)->moves, expected->count);
        break;
    case overload:
        break;
    }
}

static void example_run(struct example *example)
{
    struct iso_plan *plan = NULL;
    struct iso_report report;
    struct iso_buf buf;
    iso_report_init(&report);
    example->input.devices = example->devices;
    example->input.components = example->components;
    example->input.edges = example->edges;
    example->input.paths = example->paths;
    if (iso_plan_create(iso_alloc_libc(), &example->input, NULL, &plan, &report) != ISO_OK) {
        TEST_FAIL("planner_cases.txt:%zu: %s", example->line, report.text);
    }
    if (getenv("PLANNER_SHOW") != NULL) {
        iso_buf_init(&buf, iso_alloc_libc(), SIZE_MAX);
        CHECK_OK(iso_plan_explain(plan, 5, &buf));
        printf("\n== %.*s\n%.*s", (int)example->name.len, example->name.ptr, (int)buf.len,
               (const char *)buf.ptr);
        iso_buf_fini(&buf);
    }
    const struct iso_plan_outcome *outcome = iso_plan_outcome(plan);
    for (size_t i = 0; i < example->expected_count; i++) {
        expected_check(example, plan, &example->expected[i]);
    }
    if (outcome->feasible == expects(example, no_plan) ||
        outcome->overloaded != expects(example, overload)) {
        TEST_FAIL("planner_cases.txt:%zu: feasible is %d, overloaded is %d", example->line,
                  outcome->feasible, outcome->overloaded);
    }
    CHECK(outcome->proven);
    iso_plan_destroy(plan);
}

/* Each case must say why, and must expect a choice (or none) with its explanation. */
static void example_end(struct example *example, size_t *count)
{
    if (example->name.len == 0) {
        return;
    }
    if (example->because.len == 0 || example->expected_count == 0) {
        TEST_FAIL("planner_cases.txt:%zu: no reason, or nothing is expected", example->line);
    }
    example_run(example);
    (*count)++;
}

TEST(written_cases_are_planned_and_explained_as_they_say)
{
    static struct example example;
    struct iso_str rest = iso_str_from((const char *)planner_cases, planner_cases_len);
    size_t count = 0;
    line_number = 0;
    example = (struct example){0};
    while (rest.len != 0) {
        struct iso_str line = cut(&rest, '\n');
        line_number++;
        if (line.len == 0 || line.ptr[0] == '#') {
            continue;
        }
        struct iso_str words = line;
        if (iso_str_equal_z(word_next(&words), "case")) {
            example_end(&example, &count);
            example = (struct example){.name = words, .line = line_number};
        } else {
            line_read(&example, line);
        }
    }
    example_end(&example, &count);
    printf("    %zu cases\n", count);
    CHECK(count >= 40);
}
