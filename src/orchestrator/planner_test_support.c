/* planner_test_support.c - random sites. Strings are static or in the site's arena. */
#include "orchestrator/planner_test_support.h"

#include <math.h>

uint64_t iso_plan_random_next(struct iso_plan_random *random)
{
    random->state ^= random->state >> 12;
    random->state ^= random->state << 25;
    random->state ^= random->state >> 27;
    return random->state * UINT64_C(2685821657736338717);
}

size_t iso_plan_random_below(struct iso_plan_random *random, size_t below)
{
    return (size_t)((iso_plan_random_next(random) >> 16) % below);
}

bool iso_plan_random_chance(struct iso_plan_random *random, unsigned percent)
{
    return iso_plan_random_below(random, 100) < percent;
}

double iso_plan_random_between(struct iso_plan_random *random, double low, double high)
{
    const double part = (double)(iso_plan_random_next(random) >> 11) / 9007199254740992.0;
    return low * pow(high / low, part);
}

/* ---- Pieces --------------------------------------------------------------------------------- */

static const struct iso_str simd = {"simd128", 7};
static const struct iso_str camera = {"camera", 6};
static const struct iso_str room = {"room", 4};
static const struct iso_str doors[] = {{"door", 4}, {"hall", 4}};
static const struct iso_str rooms[] = {{"lobby", 5}, {"den", 3}, {"attic", 5}};
static const struct iso_str room_rules[] = {
    {"room=lobby", 10}, {"room=den", 8}, {"room=attic", 10}, {"room", 4}};

static void *take(struct iso_arena *arena, size_t count, size_t size)
{
    void *array = iso_arena_array(arena, count, size);
    ISO_ASSERT(array != NULL);
    return array;
}

static struct iso_str name_make(struct iso_arena *arena, const char *prefix, uint64_t number)
{
    char text[32];
    const size_t len = iso_format(text, sizeof text, "%s%llu", prefix, (unsigned long long)number);
    char *copy = iso_arena_copy_str(arena, iso_str_from(text, len));
    ISO_ASSERT(copy != NULL);
    return iso_str_from(copy, len);
}

static void device_make(struct iso_plan_device *device, struct iso_arena *arena, size_t index,
                        const struct iso_plan_site_options *options, struct iso_plan_random *random)
{
    /* Names in another order than indices. */
    device->name = name_make(arena, "d", (index * 7919 + 13) % 10007);
    device->id = name_make(arena, "id-", index);
    device->state = iso_plan_random_chance(random, options->trouble_percent)
                        ? (enum iso_plan_device_state)(1 + iso_plan_random_below(random, 3))
                        : ISO_PLAN_AVAILABLE;
    device->cores = (unsigned)(1 + iso_plan_random_below(random, 4));
    device->speed = iso_plan_random_chance(random, 10)
                        ? 0
                        : round(iso_plan_random_between(random, 20, 600)) * device->cores;
    device->load =
        iso_plan_random_chance(random, 50) ? 0 : iso_plan_random_between(random, 0.01, 0.95);
    device->memory_free_bytes =
        (uint64_t)iso_plan_random_between(random, options->memory_low, options->memory_high);
    if (iso_plan_random_chance(random, 70)) {
        device->features = &simd;
        device->feature_count = 1;
    }
    if (iso_plan_random_chance(random, 30)) {
        struct iso_plan_offer *offer = take(arena, 1, sizeof *offer);
        const size_t first = iso_plan_random_below(random, 2);
        *offer = (struct iso_plan_offer){camera, &doors[first],
                                         1 + iso_plan_random_below(random, 2 - first)};
        device->offers = offer;
        device->offer_count = 1;
    }
    if (iso_plan_random_chance(random, 75)) {
        struct iso_plan_label *label = take(arena, 1, sizeof *label);
        *label = (struct iso_plan_label){room, rooms[iso_plan_random_below(random, 3)]};
        device->labels = label;
        device->label_count = 1;
    }
    if (iso_plan_random_chance(random, 70)) {
        device->latency_us = round(iso_plan_random_between(random, 50, 10000));
        device->bytes_per_s = round(iso_plan_random_between(random, 1e5, 1e8));
    }
}

static void rules_make(struct iso_plan_site *site, struct iso_plan_component *component,
                       size_t index, const struct iso_plan_site_options *options,
                       struct iso_plan_random *random)
{
    struct iso_plan_rule *rules = take(&site->arena, 4, sizeof *rules);
    const unsigned percent = options->constraint_percent;
    const struct iso_plan_input *input = &site->input;
    size_t count = 0;
    if (iso_plan_random_chance(random, percent)) {
        rules[count++] =
            (struct iso_plan_rule){ISO_PLAN_LABEL, room_rules[iso_plan_random_below(random, 4)]};
    }
    if (iso_plan_random_chance(random, percent / 3)) {
        const size_t device = iso_plan_random_below(random, input->device_count);
        rules[count++] = (struct iso_plan_rule){ISO_PLAN_DEVICE, input->devices[device].name};
    }
    for (unsigned i = 0; i < 2; i++) {
        const size_t other = iso_plan_random_below(random, input->component_count);
        if (other != index && iso_plan_random_chance(random, percent)) {
            rules[count++] = (struct iso_plan_rule){i == 0 ? ISO_PLAN_WITH : ISO_PLAN_APART,
                                                    input->components[other].name};
        }
    }
    component->rules = rules;
    component->rule_count = count;
}

static void component_make(struct iso_plan_site *site, struct iso_plan_component *component,
                           size_t index, const struct iso_plan_site_options *options,
                           struct iso_plan_random *random)
{
    component->service = iso_plan_random_chance(random, 40);
    component->memory_bytes =
        (uint64_t)iso_plan_random_between(random, 1 << 20, options->memory_high / 3);
    component->memory_limit_bytes =
        component->memory_bytes * (1 + iso_plan_random_below(random, 3));
    component->fuel_per_call =
        iso_plan_random_chance(random, 15)
            ? 0
            : round(iso_plan_random_between(random, options->work_low, options->work_high));
    component->current = ISO_PLAN_NONE;
    if (iso_plan_random_chance(random, options->running_percent)) {
        component->current = iso_plan_random_below(random, site->input.device_count);
        component->state_bytes = (uint64_t)iso_plan_random_between(random, 1e3, 1e8);
        component->stays = iso_plan_random_chance(random, options->constraint_percent);
    }
    if (iso_plan_random_chance(random, options->constraint_percent)) {
        component->features = &simd;
        component->feature_count = 1;
    }
    if (iso_plan_random_chance(random, options->constraint_percent)) {
        struct iso_plan_import *import = take(&site->arena, 1, sizeof *import);
        *import = (struct iso_plan_import){camera, &doors[iso_plan_random_below(random, 2)],
                                           iso_plan_random_below(random, 2)};
        component->imports = import;
        component->import_count = 1;
    }
    rules_make(site, component, index, options, random);
}

/* Flows of up to six components, and a few links between any. */
static void edges_make(struct iso_plan_site *site, struct iso_plan_random *random)
{
    struct iso_plan_input *input = &site->input;
    const size_t count = input->component_count;
    struct iso_plan_edge *edges = take(&site->arena, 2 * count, sizeof *edges);
    size_t used = 0;
    double rate = 1, bytes = 1000;
    for (size_t i = 0; i < count; i++) {
        if (i % 6 == 0) {
            rate = round(iso_plan_random_between(random, 1, 40));
            bytes = round(iso_plan_random_between(random, 100, 3e5));
        }
        edges[used++] = (struct iso_plan_edge){i % 6 == 0 ? ISO_PLAN_NONE : i - 1, i, rate,
                                               iso_plan_random_chance(random, 10) ? 0 : bytes};
        if (iso_plan_random_chance(random, 30)) {
            edges[used++] = (struct iso_plan_edge){i, iso_plan_random_below(random, count),
                                                   iso_plan_random_between(random, 0.1, 50),
                                                   iso_plan_random_between(random, 50, 5e4)};
        }
    }
    input->edges = edges;
    input->edge_count = used;
}

static void paths_make(struct iso_plan_site *site, struct iso_plan_random *random)
{
    struct iso_plan_input *input = &site->input;
    struct iso_plan_path *paths = take(&site->arena, input->device_count, sizeof *paths);
    size_t used = 0;
    for (size_t i = 0; i + 1 < input->device_count; i++) {
        if (iso_plan_random_chance(random, 30)) {
            const size_t other = i + 1 + iso_plan_random_below(random, input->device_count - i - 1);
            paths[used++] = (struct iso_plan_path){
                i, other,
                iso_plan_random_chance(random, 20) ? 0 : iso_plan_random_between(random, 30, 2e4),
                iso_plan_random_chance(random, 20) ? 0 : iso_plan_random_between(random, 5e4, 1e8)};
        }
    }
    input->paths = paths;
    input->path_count = used;
}

void iso_plan_site_make(struct iso_plan_site *site, const struct iso_plan_site_options *options,
                        uint64_t seed)
{
    struct iso_plan_random random = {seed * 2 + 1};
    for (unsigned i = 0; i < 8; i++) {
        (void)iso_plan_random_next(&random);
    }
    *site = (struct iso_plan_site){0};
    iso_arena_init(&site->arena, iso_alloc_libc(), 1u << 16, SIZE_MAX);
    struct iso_plan_device *devices = take(&site->arena, options->devices, sizeof *devices);
    struct iso_plan_component *components =
        take(&site->arena, options->components, sizeof *components);
    site->input.devices = devices;
    site->input.device_count = options->devices;
    site->input.components = components;
    site->input.component_count = options->components;
    for (size_t i = 0; i < options->devices; i++) {
        device_make(&devices[i], &site->arena, i, options, &random);
        if (i > 0 && iso_plan_random_chance(&random, 25)) {
            /* A twin of the one before. */
            const struct iso_str name = devices[i].name, id = devices[i].id;
            devices[i] = devices[i - 1];
            devices[i].name = name;
            devices[i].id = id;
        }
    }
    for (size_t i = 0; i < options->components; i++) {
        components[i].name = name_make(&site->arena, "c", (i * 6007 + 5) % 10007);
    }
    for (size_t i = 0; i < options->components; i++) {
        component_make(site, &components[i], i, options, &random);
    }
    edges_make(site, &random);
    paths_make(site, &random);
}

void iso_plan_site_fini(struct iso_plan_site *site)
{
    iso_arena_fini(&site->arena);
}

/* ---- Another order -------------------------------------------------------------------------- */

/* new_of[old] is where an element goes. */
static size_t *shuffled(struct iso_arena *arena, size_t count, struct iso_plan_random *random)
{
    size_t *new_of = take(arena, count, sizeof *new_of);
    for (size_t i = 0; i < count; i++) {
        const size_t at = iso_plan_random_below(random, i + 1);
        new_of[i] = new_of[at];
        new_of[at] = i;
    }
    return new_of;
}

static size_t mapped(const size_t *new_of, size_t old)
{
    return old == ISO_PLAN_NONE ? ISO_PLAN_NONE : new_of[old];
}

void iso_plan_site_shuffle(struct iso_plan_site *site, const struct iso_plan_site *from,
                           uint64_t seed)
{
    struct iso_plan_random random = {seed * 2 + 1};
    const struct iso_plan_input *in = &from->input;
    struct iso_arena *arena = &site->arena;
    iso_arena_init(arena, iso_alloc_libc(), 1u << 16, SIZE_MAX);
    struct iso_plan_device *devices = take(arena, in->device_count, sizeof *devices);
    struct iso_plan_component *components = take(arena, in->component_count, sizeof *components);
    struct iso_plan_edge *edges = take(arena, in->edge_count, sizeof *edges);
    struct iso_plan_path *paths = take(arena, in->path_count, sizeof *paths);
    const size_t *device_to = shuffled(arena, in->device_count, &random);
    const size_t *component_to = shuffled(arena, in->component_count, &random);
    const size_t *edge_to = shuffled(arena, in->edge_count, &random);
    const size_t *path_to = shuffled(arena, in->path_count, &random);
    for (size_t i = 0; i < in->device_count; i++) {
        devices[device_to[i]] = in->devices[i];
    }
    for (size_t i = 0; i < in->component_count; i++) {
        struct iso_plan_component *component = &components[component_to[i]];
        *component = in->components[i];
        component->current = mapped(device_to, component->current);
    }
    for (size_t i = 0; i < in->edge_count; i++) {
        struct iso_plan_edge *edge = &edges[edge_to[i]];
        *edge = in->edges[i];
        edge->from = mapped(component_to, edge->from);
        edge->to = mapped(component_to, edge->to);
    }
    for (size_t i = 0; i < in->path_count; i++) {
        struct iso_plan_path *path = &paths[path_to[i]];
        *path = in->paths[i];
        /* A path has no direction. */
        const bool turn = iso_plan_random_chance(&random, 50);
        const size_t a = mapped(device_to, path->a), b = mapped(device_to, path->b);
        path->a = turn ? b : a;
        path->b = turn ? a : b;
    }
    site->input =
        (struct iso_plan_input){devices, in->device_count, components, in->component_count,
                                edges,   in->edge_count,   paths,      in->path_count};
}

/* ---- What is allowed ------------------------------------------------------------------------ */

size_t iso_plan_site_find(const struct iso_plan_input *in, struct iso_str name)
{
    size_t i = 0;
    while (!iso_str_equal(in->components[i].name, name)) {
        i++;
    }
    return i;
}

static bool room_fits(const struct iso_plan_device *device, struct iso_str rule)
{
    char text[32];
    if (device->label_count == 0) {
        return false;
    }
    const size_t len = iso_format(text, sizeof text, "room=%.*s", (int)device->labels[0].value.len,
                                  device->labels[0].value.ptr);
    return rule.len == 4 || iso_str_equal(rule, iso_str_from(text, len));
}

uint64_t iso_plan_site_memory(const struct iso_plan_input *in, size_t device)
{
    uint64_t memory = in->devices[device].memory_free_bytes;
    for (size_t c = 0; c < in->component_count; c++) {
        const struct iso_plan_component *component = &in->components[c];
        if (component->current == device && !component->stays &&
            in->devices[device].state != ISO_PLAN_LOST) {
            memory += component->memory_bytes;
        }
    }
    return memory;
}

/* The sites' only interface is `camera`, their only feature SIMD, their only label `room`. */
bool iso_plan_site_allows_alone(const struct iso_plan_input *in, size_t component, size_t index)
{
    const struct iso_plan_component *c = &in->components[component];
    const struct iso_plan_device *device = &in->devices[index];
    if (c->stays) {
        return c->current == index;
    }
    bool pinned = false, pin_met = false, labels_met = true;
    for (size_t i = 0; i < c->rule_count; i++) {
        const struct iso_plan_rule *rule = &c->rules[i];
        if (rule->kind == ISO_PLAN_DEVICE) {
            pinned = true;
            pin_met = pin_met || iso_str_equal(rule->text, device->name);
        } else if (rule->kind == ISO_PLAN_LABEL) {
            labels_met = labels_met && room_fits(device, rule->text);
        }
    }
    bool imports_met = c->import_count == 0 || device->offer_count != 0;
    for (size_t i = 0; imports_met && c->import_count != 0 && i < c->imports[0].name_count; i++) {
        bool found = false;
        for (size_t k = 0; k < device->offers[0].name_count; k++) {
            found = found || iso_str_equal(device->offers[0].names[k], c->imports[0].names[i]);
        }
        imports_met = imports_met && found;
    }
    const bool there = c->current == index;
    return (device->state == ISO_PLAN_AVAILABLE || (device->state == ISO_PLAN_SUSPECT && there)) &&
           (!pinned || pin_met) && labels_met && c->feature_count <= device->feature_count &&
           imports_met && c->memory_bytes <= iso_plan_site_memory(in, index);
}

/* Bytes that the components on a device need. */
static uint64_t memory_on(const struct iso_plan_input *in, const size_t *place, size_t device)
{
    uint64_t memory = 0;
    for (size_t c = 0; c < in->component_count; c++) {
        memory +=
            place[c] == device && !in->components[c].stays ? in->components[c].memory_bytes : 0;
    }
    return memory;
}

bool iso_plan_site_allows(const struct iso_plan_input *in, const size_t *place)
{
    for (size_t c = 0; c < in->component_count; c++) {
        const struct iso_plan_component *component = &in->components[c];
        if (!iso_plan_site_allows_alone(in, c, place[c]) ||
            memory_on(in, place, place[c]) > iso_plan_site_memory(in, place[c])) {
            return false;
        }
        for (size_t i = 0; i < component->rule_count; i++) {
            const struct iso_plan_rule *rule = &component->rules[i];
            if (rule->kind == ISO_PLAN_WITH || rule->kind == ISO_PLAN_APART) {
                const bool same = place[iso_plan_site_find(in, rule->text)] == place[c];
                if (same != (rule->kind == ISO_PLAN_WITH)) {
                    return false;
                }
            }
        }
    }
    return true;
}
