/* planner_input.c - is the input of the planner consistent? Names what is not, and where. */
#include "orchestrator/planner_state.h"

/* Numbers beyond this are no measurements, and products of them would leave the range. */
static const double number_max = 1e15;

static enum iso_err number_check(double value, const char *what, struct iso_str of,
                                 struct iso_report *report)
{
    if (isfinite(value) && value >= 0 && value <= number_max) {
        return ISO_OK;
    }
    return iso_fail(report, ISO_E_INVALID, "'%.*s': %s is %g; it must be a number from 0 to %g",
                    (int)of.len, of.ptr, what, value, number_max);
}

static enum iso_err count_check(size_t count, size_t max, const char *what,
                                struct iso_report *report)
{
    if (count <= max) {
        return ISO_OK;
    }
    return iso_fail(report, ISO_E_LIMIT, "%zu %s; a plan can have at most %zu", count, what, max);
}

static enum iso_err device_check(const struct iso_plan_device *device, struct iso_report *report)
{
    enum iso_err err = number_check(device->speed, "speed", device->name, report);
    if (err == ISO_OK) {
        err = number_check(device->load, "load", device->name, report);
    }
    if (err == ISO_OK) {
        err = number_check(device->latency_us, "latency", device->name, report);
    }
    if (err == ISO_OK) {
        err = number_check(device->bytes_per_s, "bandwidth", device->name, report);
    }
    if (err == ISO_OK && device->id.len == 0) {
        err = iso_fail(report, ISO_E_INVALID, "device '%.*s' has no id", (int)device->name.len,
                       device->name.ptr);
    }
    return err;
}

static enum iso_err component_check(const struct iso_plan_input *input,
                                    const struct iso_plan_component *component,
                                    struct iso_report *report)
{
    const struct iso_str name = component->name;
    enum iso_err err = number_check(component->fuel_per_call, "fuel per call", name, report);
    const size_t counts[] = {component->rule_count, component->import_count,
                             component->feature_count};
    for (size_t i = 0; i < ISO_COUNT_OF(counts) && err == ISO_OK; i++) {
        err = count_check(counts[i], ISO_PLAN_MAX_RULES, "rules, imports or features", report);
    }
    if (err == ISO_OK && name.len == 0) {
        err = iso_fail(report, ISO_E_INVALID, "component %zu has no name",
                       (size_t)(component - input->components));
    }
    if (err == ISO_OK && component->current != ISO_PLAN_NONE &&
        component->current >= input->device_count) {
        err = iso_fail(report, ISO_E_INVALID,
                       "component '%.*s' runs on device %zu; there are %zu devices", (int)name.len,
                       name.ptr, component->current, input->device_count);
    }
    if (err == ISO_OK && component->stays && component->current == ISO_PLAN_NONE) {
        err = iso_fail(report, ISO_E_INVALID,
                       "component '%.*s' is to stay where it is, but runs nowhere", (int)name.len,
                       name.ptr);
    }
    return err;
}

static enum iso_err edge_check(const struct iso_plan_input *input, size_t index,
                               struct iso_report *report)
{
    const struct iso_plan_edge *edge = &input->edges[index];
    if (edge->to >= input->component_count ||
        (edge->from != ISO_PLAN_NONE && edge->from >= input->component_count)) {
        return iso_fail(report, ISO_E_INVALID,
                        "edge %zu names a component that is not there; there are %zu", index,
                        input->component_count);
    }
    const struct iso_str name = input->components[edge->to].name;
    enum iso_err err = number_check(edge->calls_per_s, "calls per second", name, report);
    return err != ISO_OK ? err : number_check(edge->bytes_per_call, "bytes per call", name, report);
}

static enum iso_err path_check(const struct iso_plan_input *input, size_t index,
                               struct iso_report *report)
{
    const struct iso_plan_path *path = &input->paths[index];
    if (path->a >= input->device_count || path->b >= input->device_count || path->a == path->b) {
        return iso_fail(report, ISO_E_INVALID,
                        "path %zu must join two different devices out of %zu", index,
                        input->device_count);
    }
    const struct iso_str name = input->devices[path->a].name;
    enum iso_err err = number_check(path->latency_us, "latency of a path", name, report);
    return err != ISO_OK ? err
                         : number_check(path->bytes_per_s, "bandwidth of a path", name, report);
}

static enum iso_err counts_check(const struct iso_plan_input *input, struct iso_report *report)
{
    enum iso_err err = count_check(input->device_count, ISO_PLAN_MAX_DEVICES, "devices", report);
    if (err == ISO_OK) {
        err = count_check(input->component_count, ISO_PLAN_MAX_COMPONENTS, "components", report);
    }
    if (err == ISO_OK) {
        err = count_check(input->edge_count, ISO_PLAN_MAX_EDGES, "edges", report);
    }
    return err != ISO_OK ? err
                         : count_check(input->path_count, ISO_PLAN_MAX_PATHS, "paths", report);
}

enum iso_err iso_plan_input_check(const struct iso_plan_input *input, struct iso_report *report)
{
    enum iso_err err = counts_check(input, report);
    for (size_t i = 0; i < input->device_count && err == ISO_OK; i++) {
        err = device_check(&input->devices[i], report);
    }
    for (size_t i = 0; i < input->component_count && err == ISO_OK; i++) {
        err = component_check(input, &input->components[i], report);
    }
    for (size_t i = 0; i < input->edge_count && err == ISO_OK; i++) {
        err = edge_check(input, i, report);
    }
    for (size_t i = 0; i < input->path_count && err == ISO_OK; i++) {
        err = path_check(input, i, report);
    }
    return err;
}
