/* planner_test.c - the planner as a whole: nothing depends on the order of the input, constraints
 * hold on large sites, explanations agree with costs, wrong input is refused by name, and memory
 * may end anywhere. */
#include "base/test.h"
#include "orchestrator/planner_test_support.h"

#include <jansson.h>
#include <math.h>

enum { components_max = 64 };

static const struct iso_plan_site_options middle = {.devices = 12,
                                                    .components = 10,
                                                    .trouble_percent = 10,
                                                    .constraint_percent = 6,
                                                    .running_percent = 40,
                                                    .memory_low = 32 << 20,
                                                    .memory_high = 256 << 20,
                                                    .work_low = 1e4,
                                                    .work_high = 2e7};

static const struct iso_plan_site_options large = {.devices = 120,
                                                   .components = 48,
                                                   .trouble_percent = 10,
                                                   .constraint_percent = 4,
                                                   .running_percent = 40,
                                                   .memory_low = 32 << 20,
                                                   .memory_high = 256 << 20,
                                                   .work_low = 1e4,
                                                   .work_high = 2e7};

/* Large sites with less effort than usual, so that tests are quick with sanitizers too. */
static const struct iso_plan_options brief = {
    .exact_steps = 20000, .improve_steps = 400000, .horizon_s = 60, .hysteresis = 0.1};

static struct iso_plan *plan_make(const struct iso_plan_input *input,
                                  const struct iso_plan_options *options)
{
    struct iso_plan *plan = NULL;
    CHECK_OK(iso_plan_create(iso_alloc_libc(), input, options, &plan, NULL));
    return plan;
}

static void places_get(const struct iso_plan *plan, size_t count, size_t *place)
{
    CHECK(count <= components_max);
    for (size_t c = 0; c < count; c++) {
        place[c] = iso_plan_device(plan, c);
    }
}

/* ---- Order ---------------------------------------------------------------------------------- */

/* Lines and JSON, which name everything. */
static void all_said(const struct iso_plan *plan, struct iso_buf *out)
{
    struct iso_json json;
    CHECK_OK(iso_plan_explain(plan, 4, out));
    iso_json_init_buf(&json, out, 1);
    iso_json_object_begin(&json);
    iso_plan_explain_json(plan, 4, &json);
    iso_json_object_end(&json);
    CHECK_OK(iso_json_finish(&json));
}

static void order_check(const struct iso_plan_site_options *size,
                        const struct iso_plan_options *options, uint64_t seed)
{
    struct iso_plan_site site, other;
    struct iso_buf said, other_said;
    iso_buf_init(&said, iso_alloc_libc(), SIZE_MAX);
    iso_buf_init(&other_said, iso_alloc_libc(), SIZE_MAX);
    iso_plan_site_make(&site, size, seed);
    struct iso_plan *plan = plan_make(&site.input, options);
    all_said(plan, &said);
    for (uint64_t order = 1; order <= 3; order++) {
        iso_plan_site_shuffle(&other, &site, seed * 10 + order);
        struct iso_plan *other_plan = plan_make(&other.input, options);
        other_said.len = 0;
        all_said(other_plan, &other_said);
        if (!iso_bytes_equal(iso_buf_view(&said), iso_buf_view(&other_said))) {
            TEST_FAIL("site %llu in another order gives another plan:\n%.*s\n-- and\n%.*s",
                      (unsigned long long)seed, (int)said.len, (const char *)said.ptr,
                      (int)other_said.len, (const char *)other_said.ptr);
        }
        iso_plan_destroy(other_plan);
        iso_plan_site_fini(&other);
    }
    iso_plan_destroy(plan);
    iso_plan_site_fini(&site);
    iso_buf_fini(&said);
    iso_buf_fini(&other_said);
}

TEST(the_order_of_the_input_changes_nothing)
{
    for (uint64_t seed = 1; seed <= 40; seed++) {
        order_check(&middle, NULL, seed);
    }
    for (uint64_t seed = 1; seed <= 4; seed++) {
        order_check(&large, &brief, seed);
    }
}

/* ---- Constraints ---------------------------------------------------------------------------- */

TEST(what_is_chosen_satisfies_all_constraints)
{
    size_t feasible = 0;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct iso_plan_site site;
        size_t place[components_max];
        iso_plan_site_make(&site, seed <= 10 ? &large : &middle, seed);
        struct iso_plan *plan = plan_make(&site.input, &brief);
        places_get(plan, site.input.component_count, place);
        if (iso_plan_outcome(plan)->feasible) {
            CHECK(iso_plan_site_allows(&site.input, place));
            feasible++;
        } else {
            CHECK(place[0] == ISO_PLAN_NONE);
            CHECK(iso_plan_conflict(plan)->kind != ISO_PLAN_FEASIBLE);
        }
        iso_plan_destroy(plan);
        iso_plan_site_fini(&site);
    }
    CHECK(feasible >= 10);
}

/* ---- Explanations --------------------------------------------------------------------------- */

static bool bound_to_others(const struct iso_plan_input *input, size_t component)
{
    for (size_t c = 0; c < input->component_count; c++) {
        for (size_t r = 0; r < input->components[c].rule_count; r++) {
            const struct iso_plan_rule *rule = &input->components[c].rules[r];
            if (rule->kind == ISO_PLAN_WITH &&
                (c == component || iso_plan_site_find(input, rule->text) == component)) {
                return true;
            }
        }
    }
    return false;
}

/* What an alternative says is what the placement with that one change costs. */
static void alternative_check(const struct iso_plan *plan, const struct iso_plan_input *input,
                              size_t *place, size_t component, size_t device)
{
    struct iso_plan_alternative why;
    struct iso_plan_cost cost;
    bool overloaded = false;
    iso_plan_alternative(plan, component, device, &why);
    CHECK((why.why == ISO_PLAN_CHOSEN) == (place[component] == device));
    if (bound_to_others(input, component)) {
        return; /* several would have to be moved */
    }
    const size_t here = place[component];
    place[component] = device;
    const bool allowed = iso_plan_evaluate(plan, place, &cost, &overloaded, NULL);
    CHECK(allowed == iso_plan_site_allows(input, place));
    place[component] = here;
    CHECK(allowed != why.hard);
    if (allowed) {
        const double extra = cost.total - iso_plan_outcome(plan)->cost.total;
        CHECK(fabs(extra - why.extra.total) < 1e-9 * (1 + fabs(cost.total)));
        /* Nothing that costs less was left out, unless it overloads something. */
        CHECK(extra > -1e-6 || (overloaded && !iso_plan_outcome(plan)->overloaded));
        CHECK(why.overloaded == overloaded || !why.overloaded);
    }
}

TEST(reasons_against_other_devices_agree_with_costs)
{
    size_t looked_at = 0;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct iso_plan_site site;
        size_t place[components_max];
        iso_plan_site_make(&site, &middle, seed);
        struct iso_plan *plan = plan_make(&site.input, NULL);
        places_get(plan, site.input.component_count, place);
        for (size_t c = 0; c < site.input.component_count; c++) {
            for (size_t d = 0; d < site.input.device_count && iso_plan_outcome(plan)->feasible;
                 d++) {
                alternative_check(plan, &site.input, place, c, d);
                looked_at++;
            }
        }
        iso_plan_destroy(plan);
        iso_plan_site_fini(&site);
    }
    CHECK(looked_at > 1000);
}

TEST(evaluating_leaves_the_plan_as_it_is_and_names_who_is_at_fault)
{
    struct iso_plan_device devices[2] = {{.id = {"1", 1}, .name = {"a", 1}, .speed = 10},
                                         {.id = {"2", 1}, .name = {"b", 1}, .speed = 100}};
    struct iso_plan_component components[2] = {
        {.name = {"x", 1}, .current = ISO_PLAN_NONE, .memory_bytes = 10},
        {.name = {"y", 1}, .current = ISO_PLAN_NONE, .memory_bytes = 10}};
    const struct iso_plan_input input = {
        .devices = devices, .device_count = 2, .components = components, .component_count = 2};
    struct iso_plan_cost cost = {.total = -1};
    size_t fault = ISO_PLAN_NONE;
    devices[0].memory_free_bytes = 100;
    devices[1].memory_free_bytes = 15;
    struct iso_plan *plan = plan_make(&input, NULL);
    CHECK_EQ_U64(iso_plan_device(plan, 0), 1);
    CHECK_EQ_U64(iso_plan_device(plan, 1), 0);
    CHECK(!iso_plan_evaluate(plan, (const size_t[]){1, 1}, &cost, NULL, &fault));
    CHECK_EQ_U64(fault, 1);
    CHECK(cost.total < 0);
    CHECK(!iso_plan_evaluate(plan, (const size_t[]){7, 1}, &cost, NULL, &fault));
    CHECK_EQ_U64(fault, 0);
    CHECK(iso_plan_evaluate(plan, (const size_t[]){0, 0}, &cost, NULL, NULL));
    CHECK(cost.total > iso_plan_outcome(plan)->cost.total);
    CHECK(iso_plan_evaluate(plan, (const size_t[]){1, 0}, &cost, NULL, NULL));
    CHECK_EQ_F64(cost.total, iso_plan_outcome(plan)->cost.total);
    CHECK_EQ_U64(iso_plan_device(plan, 0), 1);
    iso_plan_destroy(plan);
}

static void json_check(const struct iso_plan *plan, size_t devices_max)
{
    struct iso_buf buf;
    struct iso_json json;
    iso_buf_init(&buf, iso_alloc_libc(), SIZE_MAX);
    iso_json_init_buf(&json, &buf, 0);
    iso_json_object_begin(&json);
    iso_plan_explain_json(plan, devices_max, &json);
    iso_json_object_end(&json);
    CHECK_OK(iso_json_finish(&json));
    json_t *root = json_loadb((const char *)buf.ptr, buf.len, JSON_REJECT_DUPLICATES, NULL);
    CHECK(root != NULL);
    const bool feasible = iso_plan_outcome(plan)->feasible;
    CHECK(json_is_true(json_object_get(root, "feasible")) == feasible);
    CHECK(json_is_null(json_object_get(root, "conflict")) == feasible);
    const json_t *components = json_object_get(root, "components");
    for (size_t i = 0; i < json_array_size(components); i++) {
        const json_t *component = json_array_get(components, i);
        const json_t *others = json_object_get(component, "not");
        const json_t *more = json_object_get(component, "not-more");
        CHECK(json_array_size(others) <= devices_max);
        CHECK_EQ_U64(json_array_size(others) + (uint64_t)json_integer_value(more),
                     (uint64_t)middle.devices - (feasible ? 1 : 0));
        CHECK(!feasible || json_array_size(json_object_get(component, "why")) > 0);
        for (size_t k = 0; k < json_array_size(others); k++) {
            const char *why = json_string_value(json_object_get(json_array_get(others, k), "why"));
            CHECK(why != NULL && why[0] != '\0');
        }
    }
    json_decref(root);
    iso_buf_fini(&buf);
}

TEST(every_component_has_reasons_and_every_other_device_has_one_against_it)
{
    size_t feasible = 0;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct iso_plan_site site;
        iso_plan_site_make(&site, &middle, seed);
        struct iso_plan *plan = plan_make(&site.input, NULL);
        json_check(plan, 3);
        json_check(plan, 64);
        feasible += iso_plan_outcome(plan)->feasible ? 1 : 0;
        iso_plan_destroy(plan);
        iso_plan_site_fini(&site);
    }
    CHECK(feasible >= 10 && feasible < 40);
}

TEST(a_buffer_that_is_too_small_is_left_as_it_was)
{
    struct iso_plan_site site;
    struct iso_buf buf;
    iso_plan_site_make(&site, &middle, 1);
    struct iso_plan *plan = plan_make(&site.input, NULL);
    iso_buf_init(&buf, iso_alloc_libc(), 100);
    CHECK_OK(iso_buf_append(&buf, "abc", 3));
    CHECK_ERR(iso_plan_explain(plan, 3, &buf), ISO_E_LIMIT);
    CHECK_EQ_U64(buf.len, 3);
    iso_buf_fini(&buf);
    iso_plan_destroy(plan);
    iso_plan_site_fini(&site);
}

/* ---- Bounds --------------------------------------------------------------------------------- */

TEST(effort_is_bounded)
{
    struct iso_plan_options options = brief;
    struct iso_plan_site site;
    options.improve_steps = 1;
    options.exact_steps = 1;
    iso_plan_site_make(&site, &large, 3);
    struct iso_plan *plan = plan_make(&site.input, &options);
    /* The constructions alone. */
    CHECK(iso_plan_outcome(plan)->steps < 2000000);
    CHECK(iso_plan_outcome(plan)->feasible);
    CHECK(!iso_plan_outcome(plan)->proven);
    iso_plan_destroy(plan);
    iso_plan_site_fini(&site);
}

/* Twelve components that each fill a device, on as many devices as there are or one less: 12!
 * placements, of which one needs to be looked at, since all devices are alike. */
TEST(devices_that_are_alike_are_not_tried_one_by_one)
{
    enum { count = 12 };
    static const char names[] = "abcdefghijkl";
    struct iso_plan_device devices[count] = {{.cores = 1}};
    struct iso_plan_component components[count] = {{.service = false}};
    for (size_t i = 0; i < count; i++) {
        devices[i].name = devices[i].id = components[i].name = iso_str_from(&names[i], 1);
        devices[i].memory_free_bytes = 100;
        components[i].memory_bytes = 60;
        components[i].current = ISO_PLAN_NONE;
    }
    for (size_t missing = 0; missing < 2; missing++) {
        const struct iso_plan_input input = {.devices = devices,
                                             .device_count = count - missing,
                                             .components = components,
                                             .component_count = count};
        struct iso_plan *plan = plan_make(&input, NULL);
        CHECK(iso_plan_outcome(plan)->feasible == (missing == 0));
        CHECK(iso_plan_outcome(plan)->proven);
        CHECK(iso_plan_outcome(plan)->steps < 1000000);
        CHECK_EQ_U64(iso_plan_conflict(plan)->component_count, missing == 0 ? 0 : count);
        iso_plan_destroy(plan);
    }
}

TEST(an_application_without_components_is_planned)
{
    const struct iso_plan_input input = {0};
    struct iso_plan *plan = plan_make(&input, NULL);
    CHECK(iso_plan_outcome(plan)->feasible);
    CHECK(iso_plan_outcome(plan)->proven);
    iso_plan_destroy(plan);
    iso_plan_destroy(NULL);
}

TEST(memory_may_end_anywhere)
{
    struct iso_plan_site sites[2];
    const struct iso_plan_site_options small = {.devices = 3,
                                                .components = 4,
                                                .memory_low = 8 << 20,
                                                .memory_high = 64 << 20,
                                                .work_low = 1e4,
                                                .work_high = 1e6};
    struct iso_plan_device device = {.id = {"1", 1}, .name = {"a", 1}};
    iso_plan_site_make(&sites[0], &small, 5);
    sites[1] = sites[0];
    /* Without room for anything: the conflict is looked for. */
    sites[1].input.devices = &device;
    sites[1].input.device_count = 1;
    sites[1].input.path_count = 0;
    for (unsigned i = 0; i < 2; i++) {
        struct iso_alloc_test memory;
        iso_alloc_test_init(&memory);
        for (uint64_t n = 1;; n++) {
            struct iso_plan *plan = NULL;
            struct iso_buf buf;
            iso_alloc_test_restart(&memory, n);
            iso_buf_init(&buf, &memory.alloc, SIZE_MAX);
            enum iso_err err = iso_plan_create(&memory.alloc, &sites[i].input, NULL, &plan, NULL);
            if (err == ISO_OK) {
                CHECK(iso_plan_outcome(plan)->feasible == (i == 0));
                err = iso_plan_explain(plan, 3, &buf);
            }
            iso_buf_fini(&buf);
            iso_plan_destroy(plan);
            CHECK_EQ_U64(memory.live_bytes, 0);
            if (!memory.failed) {
                CHECK_OK(err);
                CHECK(n > 3);
                break;
            }
            CHECK_ERR(err, ISO_E_NOMEM);
        }
    }
    iso_plan_site_fini(&sites[0]);
}

/* ---- Refusals ------------------------------------------------------------------------------- */

/* An input that is right, to be made wrong in one place. */
struct draft {
    struct iso_plan_device devices[2];
    struct iso_plan_component components[2];
    struct iso_plan_rule rule;
    struct iso_plan_edge edge;
    struct iso_plan_path path;
    struct iso_plan_input input;
};

static void draft_make(struct draft *draft)
{
    *draft = (struct draft){
        .devices = {{.id = {"1", 1}, .name = {"den", 3}, .memory_free_bytes = 1 << 30},
                    {.id = {"2", 1}, .name = {"hall", 4}, .memory_free_bytes = 1 << 30}},
        .components = {{.name = {"camera", 6}, .current = ISO_PLAN_NONE},
                       {.name = {"scaler", 6}, .current = ISO_PLAN_NONE, .rule_count = 1}},
        .rule = {ISO_PLAN_WITH, {"camera", 6}},
        .edge = {0, 1, 10, 1000},
        .path = {0, 1, 500, 1e6}};
    draft->components[1].rules = &draft->rule;
    draft->input = (struct iso_plan_input){draft->devices, 2, draft->components, 2,
                                           &draft->edge,   1, &draft->path,      1};
}

static void refused(struct draft *draft, enum iso_err expected, const char *part)
{
    struct iso_report report;
    struct iso_plan *plan = NULL;
    iso_report_init(&report);
    const enum iso_err err = iso_plan_create(iso_alloc_libc(), &draft->input, NULL, &plan, &report);
    CHECK_ERR(err, expected);
    CHECK(plan == NULL);
    CHECK_CONTAINS(report.text, part);
    draft_make(draft);
}

TEST(input_that_contradicts_itself_is_refused_by_name)
{
    struct draft draft;
    draft_make(&draft);
    struct iso_plan *plan = plan_make(&draft.input, NULL);
    CHECK(iso_plan_outcome(plan)->feasible);
    iso_plan_destroy(plan);

    draft.devices[0].speed = NAN;
    refused(&draft, ISO_E_INVALID, "'den': speed is nan; it must be a number from 0 to");
    draft.devices[1].load = -0.5;
    refused(&draft, ISO_E_INVALID, "'hall': load is -0.5");
    draft.devices[1].latency_us = INFINITY;
    refused(&draft, ISO_E_INVALID, "'hall': latency is inf");
    draft.devices[1].bytes_per_s = 1e30;
    refused(&draft, ISO_E_INVALID, "'hall': bandwidth is 1e+30");
    draft.devices[1].id = iso_str_from_z("1");
    refused(&draft, ISO_E_INVALID, "two devices have the id '1'");
    draft.devices[1].id = iso_str_from_z("");
    refused(&draft, ISO_E_INVALID, "device 'hall' has no id");
    draft.components[1].fuel_per_call = -1;
    refused(&draft, ISO_E_INVALID, "'scaler': fuel per call is -1");
    draft.components[1].name = iso_str_from_z("camera");
    refused(&draft, ISO_E_INVALID, "two components are called 'camera'");
    draft.components[0].name = iso_str_from_z("");
    refused(&draft, ISO_E_INVALID, "component 0 has no name");
    draft.components[0].current = 2;
    refused(&draft, ISO_E_INVALID, "component 'camera' runs on device 2; there are 2 devices");
    draft.components[0].stays = true;
    refused(&draft, ISO_E_INVALID, "component 'camera' is to stay where it is, but runs nowhere");
    draft.rule.text = iso_str_from_z("camra");
    refused(&draft, ISO_E_INVALID,
            "'scaler' is to be with 'camra', which is no component; did you mean 'camera'?");
    draft.rule = (struct iso_plan_rule){ISO_PLAN_APART, {"x", 1}};
    refused(&draft, ISO_E_INVALID, "'scaler' is to be apart from 'x', which is no component");
    draft.rule = (struct iso_plan_rule){ISO_PLAN_APART, {"scaler", 6}};
    refused(&draft, ISO_E_INVALID, "component 'scaler' is to be apart from itself");
    draft.edge.to = 2;
    refused(&draft, ISO_E_INVALID, "edge 0 names a component that is not there; there are 2");
    draft.edge.from = 9;
    refused(&draft, ISO_E_INVALID, "edge 0 names a component that is not there; there are 2");
    draft.edge.calls_per_s = NAN;
    refused(&draft, ISO_E_INVALID, "'scaler': calls per second is nan");
    draft.edge.bytes_per_call = -3;
    refused(&draft, ISO_E_INVALID, "'scaler': bytes per call is -3");
    draft.path.b = 0;
    refused(&draft, ISO_E_INVALID, "path 0 must join two different devices out of 2");
    draft.path.latency_us = -1;
    refused(&draft, ISO_E_INVALID, "'den': latency of a path is -1");
}

TEST(what_is_too_much_is_refused)
{
    struct draft draft;
    draft_make(&draft);
    draft.input.device_count = ISO_PLAN_MAX_DEVICES + 1;
    refused(&draft, ISO_E_LIMIT, "5001 devices; a plan can have at most 5000");
    draft.input.component_count = ISO_PLAN_MAX_COMPONENTS + 1;
    refused(&draft, ISO_E_LIMIT, "501 components");
    draft.input.edge_count = ISO_PLAN_MAX_EDGES + 1;
    refused(&draft, ISO_E_LIMIT, "20001 edges");
    draft.input.path_count = ISO_PLAN_MAX_PATHS + 1;
    refused(&draft, ISO_E_LIMIT, "1000001 paths");
    draft.components[1].rule_count = ISO_PLAN_MAX_RULES + 1;
    refused(&draft, ISO_E_LIMIT, "257 rules, imports or features; a plan can have at most 256");
}
