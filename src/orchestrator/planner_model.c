/* planner_model.c - the input in canonical order, with defaults for what is not known. */
#include "orchestrator/planner_state.h"

#include <stdlib.h>

int iso_plan_str_compare(struct iso_str a, struct iso_str b)
{
    const size_t len = a.len < b.len ? a.len : b.len;
    const int order = len != 0 ? memcmp(a.ptr, b.ptr, len) : 0;
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int number_compare(double a, double b)
{
    return (a > b) - (a < b);
}

static int index_compare(size_t a, size_t b)
{
    return (a > b) - (a < b);
}

/* ---- Devices -------------------------------------------------------------------------------- */

static int dev_compare(const void *left, const void *right)
{
    const struct iso_plan_dev *a = left, *b = right;
    const int order = iso_plan_str_compare(a->in->name, b->in->name);
    return order != 0 ? order : iso_plan_str_compare(a->in->id, b->in->id);
}

static int id_compare(const void *left, const void *right)
{
    return iso_plan_str_compare(*(const struct iso_str *)left, *(const struct iso_str *)right);
}

static enum iso_err ids_check(const struct iso_plan_input *input, struct iso_arena *arena,
                              struct iso_report *report)
{
    struct iso_str *ids = iso_arena_array(arena, input->device_count, sizeof *ids);
    if (ids == NULL) {
        return ISO_E_NOMEM;
    }
    for (size_t i = 0; i < input->device_count; i++) {
        ids[i] = input->devices[i].id;
    }
    qsort(ids, input->device_count, sizeof *ids, id_compare);
    for (size_t i = 1; i < input->device_count; i++) {
        if (iso_str_equal(ids[i - 1], ids[i])) {
            return iso_fail(report, ISO_E_INVALID, "two devices have the id '%.*s'",
                            (int)ids[i].len, ids[i].ptr);
        }
    }
    return ISO_OK;
}

/* Nobody knows how fast it is: not faster than the slowest that is known. */
static double speed_assumed(const struct iso_plan_input *input)
{
    double speed = ISO_PLAN_DEFAULT_SPEED;
    for (size_t i = 0; i < input->device_count; i++) {
        const struct iso_plan_device *device = &input->devices[i];
        if (device->speed > 0) {
            speed = fmin(speed, device->speed);
        }
    }
    return speed;
}

static void dev_make(struct iso_plan_dev *dev, double assumed)
{
    const struct iso_plan_device *in = dev->in;
    const double speed = in->speed > 0 ? in->speed : assumed;
    dev->cores = in->cores != 0 ? (double)in->cores : 1;
    dev->speed = fmax(speed * 1e6, 1);
    dev->core_speed = dev->speed / dev->cores;
    dev->load = in->load;
    dev->free = in->memory_free_bytes;
    dev->latency_s = (in->latency_us > 0 ? in->latency_us : ISO_PLAN_DEFAULT_LATENCY_US / 2) / 1e6;
    dev->bandwidth = in->bytes_per_s > 0 ? fmax(in->bytes_per_s, 1) : ISO_PLAN_DEFAULT_BANDWIDTH;
}

static enum iso_err devs_make(struct iso_plan_model *model, struct iso_arena *arena,
                              struct iso_report *report)
{
    const struct iso_plan_input *input = model->input;
    model->dev_count = input->device_count;
    model->devs = iso_arena_array(arena, model->dev_count, sizeof *model->devs);
    model->dev_of = iso_arena_array(arena, model->dev_count, sizeof *model->dev_of);
    if (model->devs == NULL || model->dev_of == NULL) {
        return ISO_E_NOMEM;
    }
    const double assumed = speed_assumed(input);
    for (size_t i = 0; i < model->dev_count; i++) {
        model->devs[i].in = &input->devices[i];
        model->devs[i].index = i;
        dev_make(&model->devs[i], assumed);
    }
    qsort(model->devs, model->dev_count, sizeof *model->devs, dev_compare);
    for (size_t i = 0; i < model->dev_count; i++) {
        model->dev_of[model->devs[i].index] = i;
    }
    return ids_check(input, arena, report);
}

/* ---- Ways ----------------------------------------------------------------------------------- */

static int way_compare(const void *left, const void *right)
{
    const struct iso_plan_way *a = left, *b = right;
    const int order = index_compare(a->from, b->from);
    return order != 0 ? order : index_compare(a->to, b->to);
}

static void way_join(struct iso_plan_way *way, const struct iso_plan_way *other)
{
    way->latency_s = fmax(way->latency_s, other->latency_s);
    if (way->bandwidth <= 0) {
        way->bandwidth = other->bandwidth;
    } else if (other->bandwidth > 0) {
        way->bandwidth = fmin(way->bandwidth, other->bandwidth);
    }
}

/* Each path stands in the rows of both its devices. */
static enum iso_err ways_make(struct iso_plan_model *model, struct iso_arena *arena)
{
    const struct iso_plan_input *input = model->input;
    const size_t total = 2 * input->path_count;
    model->ways = iso_arena_array(arena, total, sizeof *model->ways);
    if (model->ways == NULL) {
        return ISO_E_NOMEM;
    }
    for (size_t i = 0; i < total; i++) {
        const struct iso_plan_path *path = &input->paths[i / 2];
        const size_t a = model->dev_of[path->a], b = model->dev_of[path->b];
        model->ways[i] = (struct iso_plan_way){.from = i % 2 == 0 ? a : b,
                                               .to = i % 2 == 0 ? b : a,
                                               .latency_s = path->latency_us / 1e6,
                                               .bandwidth = path->bytes_per_s};
    }
    qsort(model->ways, total, sizeof *model->ways, way_compare);
    size_t used = 0;
    for (size_t i = 0; i < total; i++) {
        if (used > 0 && way_compare(&model->ways[used - 1], &model->ways[i]) == 0) {
            way_join(&model->ways[used - 1], &model->ways[i]);
            continue;
        }
        model->ways[used] = model->ways[i];
        struct iso_plan_dev *dev = &model->devs[model->ways[used].from];
        dev->path_first = dev->path_count == 0 ? used : dev->path_first;
        dev->path_count++;
        used++;
    }
    return ISO_OK;
}

/* ---- Components ----------------------------------------------------------------------------- */

static int comp_compare(const void *left, const void *right)
{
    const struct iso_plan_comp *a = left, *b = right;
    return iso_plan_str_compare(a->in->name, b->in->name);
}

size_t iso_plan_comp_find(const struct iso_plan_model *model, struct iso_str name)
{
    size_t low = 0, high = model->comp_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = iso_plan_str_compare(model->comps[middle].in->name, name);
        if (order == 0) {
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return ISO_PLAN_NONE;
}

static enum iso_err rules_check(const struct iso_plan_model *model,
                                const struct iso_plan_component *in, struct iso_report *report)
{
    for (size_t i = 0; i < in->rule_count; i++) {
        const struct iso_plan_rule *rule = &in->rules[i];
        const char *word = rule->kind == ISO_PLAN_WITH ? "with" : "apart from";
        if (rule->kind != ISO_PLAN_WITH && rule->kind != ISO_PLAN_APART) {
            continue;
        }
        const size_t other = iso_plan_comp_find(model, rule->text);
        if (other == ISO_PLAN_NONE) {
            char hint[96];
            struct iso_nearest nearest = {.word = rule->text};
            for (size_t j = 0; j < model->comp_count; j++) {
                iso_nearest_try(&nearest, model->comps[j].in->name);
            }
            return iso_fail(report, ISO_E_INVALID,
                            "component '%.*s' is to be %s '%.*s', which is no component%s",
                            (int)in->name.len, in->name.ptr, word, (int)rule->text.len,
                            rule->text.ptr, iso_nearest_text(&nearest, hint, sizeof hint));
        }
        if (rule->kind == ISO_PLAN_APART && model->comps[other].in == in) {
            return iso_fail(report, ISO_E_INVALID,
                            "component '%.*s' is to be apart from itself; name another component",
                            (int)in->name.len, in->name.ptr);
        }
    }
    return ISO_OK;
}

static void comp_make(const struct iso_plan_model *model, struct iso_plan_comp *comp)
{
    const struct iso_plan_component *in = comp->in;
    comp->memory = in->memory_bytes != 0 ? in->memory_bytes : ISO_PLAN_DEFAULT_MEMORY;
    comp->limit = in->memory_limit_bytes > comp->memory ? in->memory_limit_bytes : comp->memory;
    comp->current = ISO_PLAN_NONE;
    if (in->current != ISO_PLAN_NONE &&
        (in->stays || model->input->devices[in->current].state != ISO_PLAN_LOST)) {
        comp->current = model->dev_of[in->current];
    }
    if (in->stays) {
        comp->memory = 0; /* it has what it needs */
    }
}

static enum iso_err comps_make(struct iso_plan_model *model, struct iso_arena *arena,
                               struct iso_report *report)
{
    const struct iso_plan_input *input = model->input;
    model->comp_count = input->component_count;
    model->comps = iso_arena_array(arena, model->comp_count, sizeof *model->comps);
    model->comp_of = iso_arena_array(arena, model->comp_count, sizeof *model->comp_of);
    if (model->comps == NULL || model->comp_of == NULL) {
        return ISO_E_NOMEM;
    }
    for (size_t i = 0; i < model->comp_count; i++) {
        model->comps[i].in = &input->components[i];
        model->comps[i].index = i;
        comp_make(model, &model->comps[i]);
    }
    qsort(model->comps, model->comp_count, sizeof *model->comps, comp_compare);
    for (size_t i = 0; i < model->comp_count; i++) {
        const struct iso_str name = model->comps[i].in->name;
        if (i > 0 && iso_str_equal(name, model->comps[i - 1].in->name)) {
            return iso_fail(report, ISO_E_INVALID, "two components are called '%.*s'",
                            (int)name.len, name.ptr);
        }
        model->comp_of[model->comps[i].index] = i;
    }
    for (size_t i = 0; i < model->comp_count; i++) {
        const enum iso_err err = rules_check(model, model->comps[i].in, report);
        if (err != ISO_OK) {
            return err;
        }
    }
    return ISO_OK;
}

/* ---- Traffic -------------------------------------------------------------------------------- */

static int flow_compare(const void *left, const void *right)
{
    const struct iso_plan_flow *a = left, *b = right;
    const int orders[] = {index_compare(a->to, b->to), index_compare(a->from, b->from),
                          number_compare(a->calls, b->calls), number_compare(a->bytes, b->bytes)};
    for (size_t i = 0; i < ISO_COUNT_OF(orders); i++) {
        if (orders[i] != 0) {
            return orders[i];
        }
    }
    return 0;
}

/* It waits for its device to come back, and does nothing meanwhile. */
static bool is_away(const struct iso_plan_model *model, const struct iso_plan_comp *comp)
{
    return comp->in->stays && model->devs[comp->current].in->state == ISO_PLAN_LOST;
}

/* Sorted before anything is added up: sums of doubles depend on the order. */
static enum iso_err flows_make(struct iso_plan_model *model, struct iso_arena *arena)
{
    const struct iso_plan_input *input = model->input;
    model->flow_count = input->edge_count;
    model->flows = iso_arena_array(arena, model->flow_count, sizeof *model->flows);
    if (model->flows == NULL) {
        return ISO_E_NOMEM;
    }
    for (size_t i = 0; i < model->flow_count; i++) {
        const struct iso_plan_edge *edge = &input->edges[i];
        const double calls = edge->calls_per_s > 0 ? edge->calls_per_s : ISO_PLAN_DEFAULT_RATE;
        const double bytes =
            edge->bytes_per_call > 0 ? edge->bytes_per_call : ISO_PLAN_DEFAULT_BYTES;
        model->flows[i] = (struct iso_plan_flow){
            .from = edge->from == ISO_PLAN_NONE ? ISO_PLAN_NONE : model->comp_of[edge->from],
            .to = model->comp_of[edge->to],
            .calls = calls,
            .bytes = calls * bytes};
    }
    qsort(model->flows, model->flow_count, sizeof *model->flows, flow_compare);
    for (size_t i = 0; i < model->flow_count; i++) {
        model->comps[model->flows[i].to].rate += model->flows[i].calls;
    }
    for (size_t i = 0; i < model->comp_count; i++) {
        struct iso_plan_comp *comp = &model->comps[i];
        const double fuel =
            comp->in->fuel_per_call > 0 ? comp->in->fuel_per_call : ISO_PLAN_DEFAULT_FUEL;
        comp->rate = comp->rate > 0 ? comp->rate : ISO_PLAN_DEFAULT_RATE;
        comp->work = is_away(model, comp) ? 0 : comp->rate * fuel;
    }
    return ISO_OK;
}

/* What devices say of themselves includes what this application does there now. */
static void own_share_take_off(struct iso_plan_model *model)
{
    for (size_t i = 0; i < model->comp_count; i++) {
        const struct iso_plan_comp *comp = &model->comps[i];
        if (comp->current != ISO_PLAN_NONE) {
            struct iso_plan_dev *dev = &model->devs[comp->current];
            dev->load = fmax(dev->load - comp->work / dev->speed, 0);
            dev->free = iso_plan_memory_add(dev->free, comp->memory);
        }
    }
    for (size_t d = 0; d < model->dev_count; d++) {
        struct iso_plan_dev *dev = &model->devs[d];
        dev->load = fmin(dev->load, ISO_PLAN_MAX_LOAD);
        dev->memory = fmax((double)dev->free, 1);
    }
}

enum iso_err iso_plan_model_make(struct iso_plan_model *model, struct iso_arena *arena,
                                 struct iso_report *report)
{
    enum iso_err err = iso_plan_input_check(model->input, report);
    if (err == ISO_OK) {
        err = devs_make(model, arena, report);
    }
    if (err == ISO_OK) {
        err = ways_make(model, arena);
    }
    if (err == ISO_OK) {
        err = comps_make(model, arena, report);
    }
    if (err == ISO_OK) {
        err = flows_make(model, arena);
    }
    if (err != ISO_OK) {
        return err;
    }
    own_share_take_off(model);
    return iso_plan_units_make(model, arena);
}
