/*
 * From a checked generation to its placement: what the planner is told of devices and components,
 * and what follows from its answer: epochs, moves, documents, devices that are left.
 */
#include "orchestrator/deployer_plan.h"

#include "orchestrator/deployer_address.h"

#include <sodium.h>
#include <stdlib.h>

enum { ARENA_MAX = 64 << 20 };

/* ---- Devices -----------------------------------------------------------------------------------
 */

static const json_t *member(const json_t *object, const char *name)
{
    return json_object_get(object, name);
}

static struct iso_str text_of(const json_t *value)
{
    return json_is_string(value) ? iso_str_from(json_string_value(value), json_string_length(value))
                                 : iso_str_from(NULL, 0);
}

static void *take(struct iso_or_planning *planning, size_t count, size_t size)
{
    void *array = iso_arena_array(&planning->arena, count, size);
    planning->short_of_memory = planning->short_of_memory || array == NULL;
    return array;
}

static void add_labels(struct iso_or_planning *planning, struct iso_plan_device *out,
                       const json_t *labels)
{
    struct iso_plan_label *array = take(planning, json_object_size(labels), sizeof *array);
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)labels, key, value)
    {
        if (array != NULL && json_is_string(value)) {
            array[out->label_count++] =
                (struct iso_plan_label){iso_str_from_z(key), text_of(value)};
        }
    }
    out->labels = array;
}

static void add_features(struct iso_or_planning *planning, struct iso_plan_device *out,
                         const json_t *features)
{
    struct iso_str *array = take(planning, json_array_size(features), sizeof *array);
    for (size_t i = 0; array != NULL && i < json_array_size(features); i++) {
        array[out->feature_count++] = text_of(json_array_get(features, i));
    }
    out->features = array;
}

static void add_offers(struct iso_or_planning *planning, struct iso_plan_device *out,
                       const json_t *interfaces)
{
    struct iso_plan_offer *array = take(planning, json_object_size(interfaces), sizeof *array);
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)interfaces, name, value)
    {
        struct iso_str *names = take(planning, json_array_size(value), sizeof *names);
        size_t count = 0;
        for (size_t i = 0; names != NULL && i < json_array_size(value); i++) {
            names[count++] = text_of(member(json_array_get(value, i), "name"));
        }
        if (array != NULL && names != NULL) {
            array[out->offer_count++] = (struct iso_plan_offer){iso_str_from_z(name), names, count};
        }
    }
    out->offers = array;
}

static enum iso_plan_device_state state_of(const struct iso_or_planning *planning,
                                           const struct iso_or_device *device)
{
    const struct iso_or_app *app = planning->app;
    uint64_t avoided =
        (uint64_t)json_integer_value(member(app->avoid, device->id)); /* until when */
    if (device->state == ISO_OR_LOST || device->state == ISO_OR_REFUSES) {
        return ISO_PLAN_LOST;
    }
    if (device->drained) {
        return ISO_PLAN_DRAINING;
    }
    return device->state != ISO_OR_UP || device->description == NULL ||
                   avoided > iso_or_now(app->deployer)
               ? ISO_PLAN_SUSPECT
               : ISO_PLAN_AVAILABLE;
}

static bool add_device(void *arg, const struct iso_or_device *device)
{
    struct iso_or_planning *planning = arg;
    if (planning->device_count >= planning->device_cap) {
        planning->device_count++; /* only counted */
        return true;
    }
    struct iso_plan_device *out = &planning->devices[planning->device_count++];
    const json_t *description = device->description;
    *out = (struct iso_plan_device){
        .id = iso_str_from_z(device->id),
        .name = iso_str_from_z(device->name),
        .state = state_of(planning, device),
        .speed = json_number_value(member(description, "speed")),
        .cores = (unsigned)json_integer_value(member(description, "cores")),
        .load = device->load,
        .memory_free_bytes =
            (uint64_t)json_integer_value(member(member(description, "memory"), "free-bytes")),
        .latency_us = (double)device->latency_us / 2,
    };
    out->speed *= out->cores != 0 ? out->cores : 1; /* of all of them */
    add_labels(planning, out, device->labels);
    add_features(planning, out, member(member(description, "engine"), "features"));
    add_offers(planning, out, member(description, "interfaces"));
    return true;
}

static void add_devices(struct iso_or_planning *planning)
{
    const struct iso_or_fleet *fleet = &planning->app->deployer->config.fleet;
    fleet->each(fleet->ctx, add_device, planning);
    planning->device_cap = planning->device_count;
    planning->device_count = 0;
    planning->devices = take(planning, planning->device_cap, sizeof *planning->devices);
    if (planning->devices != NULL) {
        fleet->each(fleet->ctx, add_device, planning);
    }
    planning->input.devices = planning->devices;
    planning->input.device_count = planning->devices != NULL ? planning->device_cap : 0;
}

static size_t device_index(const struct iso_or_planning *planning, const char *id)
{
    for (size_t i = 0; id != NULL && i < planning->input.device_count; i++) {
        if (iso_str_equal_z(planning->devices[i].id, id)) {
            return i;
        }
    }
    return ISO_PLAN_NONE;
}

/* ---- Components --------------------------------------------------------------------------------
 */

/* Where a component is now, and under which epoch: by the current generation, or, when it has left
 * there and a device was seen with a later one, there. */
static const char *present_device(const struct iso_or_planning *planning, const char *name,
                                  uint64_t *epoch)
{
    const char *device = iso_or_generation_device(planning->current, name), *seen = NULL;
    *epoch = iso_or_generation_epoch(planning->current, name);
    uint64_t seen_epoch = iso_or_app_sighted(planning->app, name, &seen);
    if (seen_epoch > *epoch && device_index(planning, seen) != ISO_PLAN_NONE &&
        iso_or_app_moved_away(planning->app, name, seen)) {
        *epoch = seen_epoch;
        device = seen;
    }
    return device;
}

static bool restarts(const struct iso_or_planning *planning,
                     const struct iso_or_component *component, const char *name, const char *device)
{
    return member(planning->app->lost_state, name) != NULL ||
           iso_or_device_of(planning->app->deployer, device) == NULL ||
           component->on_loss == ISO_OR_RESTART;
}

static void add_rules(struct iso_or_planning *planning, const struct iso_or_component *component,
                      struct iso_plan_component *out, struct iso_str pin)
{
    size_t most = component->place.label_count + component->place.with_count +
                  component->place.apart_count + 1;
    struct iso_plan_rule *rules = take(planning, most, sizeof *rules);
    size_t count = 0;
    if (rules == NULL) {
        return;
    }
    struct iso_str device = pin.len != 0 ? pin : component->place.device;
    for (size_t i = 0; pin.len != 0 && i < planning->device_count; i++) {
        if (iso_str_equal(planning->devices[i].id, pin)) {
            device = planning->devices[i].name; /* as people know it */
        }
    }
    if (device.len != 0) {
        rules[count++] = (struct iso_plan_rule){ISO_PLAN_DEVICE, device};
    }
    for (size_t i = 0; i < component->place.label_count; i++) {
        const struct iso_or_label *label = &component->place.labels[i];
        char text[2 * 256];
        size_t len = iso_format(text, sizeof text, "%.*s%s%.*s", (int)label->name.len,
                                label->name.ptr, label->value.ptr != NULL ? "=" : "",
                                (int)label->value.len, label->value.ptr);
        char *copy = iso_arena_copy_str(&planning->arena, iso_str_from(text, len));
        rules[count++] = (struct iso_plan_rule){ISO_PLAN_LABEL, iso_str_from_z(copy)};
    }
    const struct iso_or_component *all = planning->gen->manifest->components;
    for (size_t i = 0; i < component->place.with_count; i++) {
        rules[count++] = (struct iso_plan_rule){ISO_PLAN_WITH, all[component->place.with[i]].name};
    }
    for (size_t i = 0; i < component->place.apart_count; i++) {
        rules[count++] =
            (struct iso_plan_rule){ISO_PLAN_APART, all[component->place.apart[i]].name};
    }
    out->rules = rules;
    out->rule_count = count;
}

static void add_imports(struct iso_or_planning *planning, const struct iso_or_component *component,
                        struct iso_plan_component *out)
{
    struct iso_plan_import *imports =
        take(planning, json_object_size(component->devices), sizeof *imports);
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)component->devices, name, value)
    {
        struct iso_str *names = take(planning, json_array_size(value), sizeof *names);
        size_t count = 0;
        for (size_t i = 0; names != NULL && i < json_array_size(value); i++) {
            names[count++] = text_of(json_array_get(value, i));
        }
        if (imports != NULL && names != NULL) {
            imports[out->import_count++] =
                (struct iso_plan_import){iso_str_from_z(name), names, count};
        }
    }
    out->imports = imports;
}

static void add_needs(struct iso_or_planning *planning, const struct iso_description *description,
                      struct iso_plan_component *out)
{
    if (description == NULL) {
        return;
    }
    struct iso_str *features = take(planning, description->feature_count, sizeof *features);
    for (size_t i = 0; features != NULL && i < description->feature_count; i++) {
        features[i] = iso_str_from_z(description->features[i]);
        out->feature_count = i + 1;
    }
    out->features = features;
    out->memory_bytes = description->memory_min_bytes;
}

/* Changes that concern one component, or what was lost, leave the others where they are. */
static bool only_what_must(const struct iso_or_generation *gen)
{
    return !gen->all_may_move &&
           (strcmp(gen->cause, "move") == 0 || strcmp(gen->cause, "loss") == 0 ||
            strcmp(gen->cause, "repair") == 0 || strcmp(gen->cause, "drain") == 0);
}

static void add_component(struct iso_or_planning *planning, size_t i)
{
    const struct iso_or_component *component = &planning->gen->manifest->components[i];
    struct iso_plan_component *out = &planning->components[i];
    char *name = iso_arena_copy_str(&planning->arena, component->name);
    uint64_t epoch = 0;
    if (name == NULL) {
        planning->short_of_memory = true;
        return;
    }
    const char *device = present_device(planning, name, &epoch);
    size_t at = device_index(planning, device);
    bool lost = device != NULL && iso_or_device_gone(planning->app->deployer, device);
    bool leaves = device != NULL && (lost || member(planning->app->lost_state, name) != NULL) &&
                  restarts(planning, component, name, device);
    struct iso_str pin = text_of(member(planning->gen->pins, name));
    if (leaves && iso_str_equal_z(pin, device)) {
        pin = iso_str_from(NULL, 0); /* moved there by hand, before it was lost */
    }
    bool free_now = member(planning->gen->pins, name) != NULL; /* "": wherever it is best */
    out->pin = pin.len != 0 ? ISO_PLAN_BY_HAND : ISO_PLAN_BY_MANIFEST;
    bool recorded = iso_or_generation_device(planning->current, name) == device;
    if (pin.len == 0 && component->place.device.len == 0 && recorded && !free_now && !leaves &&
        !lost && only_what_must(planning->gen) && at != ISO_PLAN_NONE &&
        planning->devices[at].state != ISO_PLAN_DRAINING) {
        pin = planning->devices[at].id;
        out->pin = ISO_PLAN_BY_CHANGE;
    }
    out->name = component->name;
    out->service = component->service;
    out->memory_limit_bytes = component->memory_bytes;
    out->current = leaves ? ISO_PLAN_NONE : at;
    out->stays = lost && !leaves && at != ISO_PLAN_NONE;
    add_rules(planning, component, out, pin);
    add_imports(planning, component, out);
    add_needs(planning,
              planning->gen->tickets != NULL ? planning->gen->tickets[i].copy.description : NULL,
              out);
    iso_or_measure(planning, name, out);
}

static double measured_bytes(const struct iso_or_planning *planning,
                             const struct iso_or_component *component,
                             const struct iso_or_link *link)
{
    const json_t *figures =
        json_object_getn(planning->app->figures, component->name.ptr, component->name.len);
    return json_number_value(json_object_getn(member(figures, "bytes-per-call"),
                                              link->interface.ptr, link->interface.len));
}

static void add_edges(struct iso_or_planning *planning)
{
    const struct iso_or_manifest *manifest = planning->gen->manifest;
    size_t most = 0;
    for (size_t i = 0; i < manifest->component_count; i++) {
        most += manifest->components[i].link_count;
    }
    for (size_t i = 0; i < manifest->flow_count; i++) {
        most += manifest->flows[i].step_count;
    }
    struct iso_plan_edge *edges = take(planning, most, sizeof *edges);
    size_t count = 0;
    for (size_t i = 0; edges != NULL && i < manifest->component_count; i++) {
        for (size_t k = 0; k < manifest->components[i].link_count; k++) {
            const struct iso_or_link *link = &manifest->components[i].links[k];
            edges[count++] = (struct iso_plan_edge){
                .from = i,
                .to = link->target,
                .bytes_per_call = measured_bytes(planning, &manifest->components[i], link)};
        }
    }
    for (size_t i = 0; edges != NULL && i < manifest->flow_count; i++) {
        const struct iso_or_flow *flow = &manifest->flows[i];
        size_t from = flow->trigger == ISO_OR_EVENT ? flow->event_component : ISO_PLAN_NONE;
        double rate =
            flow->trigger == ISO_OR_EVERY && flow->every_ns != 0 ? 1e9 / (double)flow->every_ns : 0;
        for (size_t k = 0; k < flow->step_count; k++) {
            edges[count++] = (struct iso_plan_edge){
                .from = from, .to = flow->steps[k].component, .calls_per_s = rate};
            from = flow->steps[k].component;
        }
    }
    planning->input.edges = edges;
    planning->input.edge_count = edges != NULL ? count : 0;
}

/* What can run nowhere but on a device that is being drained stays there. True: plan again. */
static bool leave_what_cannot_go(struct iso_or_planning *planning)
{
    const struct iso_plan_conflict *conflict = iso_plan_conflict(planning->plan);
    bool changed = false;
    for (size_t i = 0; i < conflict->component_count; i++) {
        struct iso_plan_component *component = &planning->components[conflict->components[i]];
        bool drained = component->current != ISO_PLAN_NONE &&
                       planning->devices[component->current].state == ISO_PLAN_DRAINING;
        changed = changed || (drained && !component->stays);
        component->stays = component->stays || drained;
    }
    return changed;
}

enum iso_err iso_or_planning_make(struct iso_or_planning *planning, struct iso_or_generation *gen,
                                  const struct iso_or_generation *current,
                                  struct iso_report *report)
{
    *planning = (struct iso_or_planning){.gen = gen, .app = gen->app, .current = current};
    iso_arena_init(&planning->arena, gen->app->deployer->config.alloc, 0, ARENA_MAX);
    add_devices(planning);
    planning->components =
        take(planning, gen->manifest->component_count, sizeof *planning->components);
    for (size_t i = 0; planning->components != NULL && i < gen->manifest->component_count; i++) {
        add_component(planning, i);
    }
    planning->input.components = planning->components;
    planning->input.component_count = gen->manifest->component_count;
    add_edges(planning);
    if (planning->short_of_memory) {
        return iso_fail(report, ISO_E_NOMEM, "not enough memory");
    }
    enum iso_err err = ISO_OK;
    do {
        iso_plan_destroy(planning->plan);
        planning->plan = NULL;
        err = iso_plan_create(gen->app->deployer->config.alloc, &planning->input, NULL,
                              &planning->plan, report);
    } while (err == ISO_OK && leave_what_cannot_go(planning));
    return err;
}

void iso_or_planning_fini(struct iso_or_planning *planning)
{
    iso_plan_destroy(planning->plan);
    iso_arena_fini(&planning->arena);
}

void iso_or_measure(struct iso_or_planning *planning, const char *name,
                    struct iso_plan_component *out)
{
    const json_t *figures = member(planning->app->figures, name);
    out->fuel_per_call = json_number_value(member(figures, "fuel-per-call"));
}

/* ---- Placement ---------------------------------------------------------------------------------
 */

static const json_t *resolved_of(const struct iso_or_generation *gen, const char *name)
{
    return member(gen != NULL ? gen->resolved : NULL, name);
}

/* The state of the copy there fits the new one. */
static bool state_fits(const struct iso_or_planning *planning, const char *name)
{
    const json_t *before = resolved_of(planning->current, name);
    const json_t *after = resolved_of(planning->gen, name);
    return before != NULL && json_equal(member(before, "digest"), member(after, "digest")) &&
           json_equal(member(before, "wit"), member(after, "wit"));
}

/* A service stops before another copy begins. So does a command, if what runs of it can go on at
 * the new place; other functions' calls end where they are. */
static bool stops_first(const struct iso_or_planning *planning, const char *name)
{
    const struct iso_or_manifest *manifest =
        planning->current != NULL ? planning->current->manifest : NULL;
    uint32_t i =
        manifest != NULL ? iso_or_manifest_component(manifest, iso_str_from_z(name)) : UINT32_MAX;
    return i != UINT32_MAX &&
           (manifest->components[i].service ||
            (json_is_true(member(resolved_of(planning->current, name), "command")) &&
             state_fits(planning, name)));
}

static enum iso_err new_epoch(struct iso_or_planning *planning, const char *name, uint64_t present,
                              uint64_t *out, struct iso_report *report)
{
    uint64_t floor = (uint64_t)json_integer_value(member(planning->app->floors, name));
    uint64_t least = floor > present + 1 ? floor : present + 1;
    const char *device = NULL;
    uint64_t seen = iso_or_app_sighted(planning->app, name, &device);
    least = seen >= least ? seen + 1 : least; /* whether it is believed or not */
    return iso_or_store_epoch_next(planning->app->deployer->config.store,
                                   iso_str_from_z(planning->app->name), iso_str_from_z(name), least,
                                   out, report);
}

/* One component: where, under which epoch, and from where. */
static enum iso_err place(struct iso_or_planning *planning, size_t i, struct iso_or_placed *out,
                          json_t *moves, struct iso_report *report)
{
    const struct iso_or_component *component = &planning->gen->manifest->components[i];
    const struct iso_or_deployer *deployer = planning->app->deployer;
    char name[ISO_OR_APP_SIZE];
    (void)iso_format(name, sizeof name, "%.*s", (int)component->name.len, component->name.ptr);
    uint64_t present = 0;
    const char *before = present_device(planning, name, &present);
    uint64_t floor = (uint64_t)json_integer_value(member(planning->app->floors, name));
    bool anew = member(planning->app->lost_state, name) != NULL;
    const struct iso_plan_device *device = &planning->devices[iso_plan_device(planning->plan, i)];
    const json_t *resolved = resolved_of(planning->gen, name);
    *out = (struct iso_or_placed){.device = device->id,
                                  .epoch = present,
                                  .digest = text_of(member(resolved, "digest")),
                                  .wit = text_of(member(resolved, "wit"))};
    if (before != NULL && iso_str_equal_z(device->id, before) && present >= floor && !anew) {
        return ISO_OK;
    }
    enum iso_err err = new_epoch(planning, name, present, &out->epoch, report);
    bool elsewhere = before != NULL && !iso_str_equal_z(device->id, before);
    if (err != ISO_OK || !elsewhere || anew || iso_or_device_gone(deployer, before) ||
        !stops_first(planning, name)) {
        return err;
    }
    out->from = iso_str_from_z(before);
    bool command = json_is_true(member(resolved, "command"));
    out->state = (component->service || command) && state_fits(planning, name);
    json_t *move = json_pack("{s:s, s:s, s:s%, s:I, s:I, s:b}", "component", name, "from", before,
                             "to", device->id.ptr, device->id.len, "before", (json_int_t)present,
                             "after", (json_int_t)out->epoch, "state", out->state);
    return json_array_append_new(moves, move) == 0
               ? ISO_OK
               : iso_fail(report, ISO_E_NOMEM, "not enough memory");
}

/* Sources of the generation before that have not been told yet: so that they can be told by the
 * documents of this one. */
static enum iso_err carry_over(struct iso_or_planning *planning, struct iso_or_placed *placed,
                               json_t *moves, struct iso_report *report)
{
    const struct iso_or_generation *current = planning->current;
    const struct iso_or_manifest *manifest = planning->gen->manifest;
    for (size_t i = 0; current != NULL && i < current->move_count; i++) {
        const struct iso_or_move *move = &current->moves[i];
        uint32_t k = iso_or_manifest_component(manifest, iso_str_from_z(move->component));
        if (move->released || k == UINT32_MAX || placed[k].from.len != 0 ||
            iso_str_equal_z(placed[k].device, move->from) ||
            iso_or_device_of(planning->app->deployer, move->from) == NULL) {
            continue;
        }
        placed[k].from = iso_str_from_z(move->from);
        json_t *late = json_pack("{s:s, s:s, s:s%, s:I, s:I, s:b, s:s}", "component",
                                 move->component, "from", move->from, "to", placed[k].device.ptr,
                                 placed[k].device.len, "before", (json_int_t)move->before, "after",
                                 (json_int_t)placed[k].epoch, "state", 0, "step", "late");
        if (json_array_append_new(moves, late) != 0) {
            return iso_fail(report, ISO_E_NOMEM, "not enough memory");
        }
    }
    return ISO_OK;
}

/* ---- Documents ---------------------------------------------------------------------------------
 */

static enum iso_err addresses(void *ctx, struct iso_str from, struct iso_str to, json_t *out,
                              struct iso_report *report)
{
    const struct iso_or_planning *planning = ctx;
    const struct iso_or_fleet *fleet = &planning->app->deployer->config.fleet;
    const struct iso_or_device *here = fleet->find(fleet->ctx, from);
    const struct iso_or_device *there = fleet->find(fleet->ctx, to);
    if (here == NULL || there == NULL) {
        return iso_fail(report, ISO_E_NOT_FOUND, "a device was removed while it was planned for");
    }
    return iso_or_link_addresses(here, there, out, report);
}

/* New keys for a direction that had none. The identity is unique among all that a device accepts:
 * 80 random bits. */
static enum iso_err make_pair(struct iso_or_planning *planning, struct iso_or_pair_row *row,
                              char identity[ISO_OR_IDENTITY_SIZE], struct iso_report *report)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
    char text[17] = "";
    randombytes_buf(row->key, sizeof row->key);
    for (size_t i = 0; i < 16; i++) {
        text[i] = letters[randombytes_uniform(32)];
    }
    (void)iso_format(identity, ISO_OR_IDENTITY_SIZE, "%s.%s", planning->app->name, text);
    row->identity = iso_str_from_z(identity);
    return iso_or_store_pair_put(planning->app->deployer->config.store, row, report);
}

static enum iso_err pair(void *ctx, struct iso_str from, struct iso_str to,
                         char identity[ISO_OR_IDENTITY_SIZE], uint8_t key[ISO_OR_PAIR_KEY_SIZE],
                         struct iso_report *report)
{
    struct iso_or_planning *planning = ctx;
    struct iso_or_pair_row row = {
        .app = iso_str_from_z(planning->app->name), .from = from, .to = to};
    struct iso_buf name;
    iso_buf_init(&name, planning->app->deployer->config.alloc, ISO_OR_IDENTITY_SIZE - 1);
    enum iso_err err = iso_or_store_pair(planning->app->deployer->config.store, row.app, from, to,
                                         &name, row.key, NULL);
    if (err == ISO_E_NOT_FOUND) {
        err = make_pair(planning, &row, identity, report);
    } else if (err == ISO_OK) {
        (void)iso_format(identity, ISO_OR_IDENTITY_SIZE, "%.*s", (int)name.len,
                         (const char *)name.ptr);
    } else {
        iso_report_set(report, "the keys of a pair cannot be read");
    }
    memcpy(key, row.key, sizeof row.key);
    sodium_memzero(row.key, sizeof row.key);
    iso_buf_fini(&name);
    return err;
}

/* ---- The whole ---------------------------------------------------------------------------------
 */

static json_t *placement_of(const struct iso_or_planning *planning,
                            const struct iso_or_placed *placed)
{
    const struct iso_or_manifest *manifest = planning->gen->manifest;
    json_t *components = json_object();
    for (size_t i = 0; i < manifest->component_count; i++) {
        const struct iso_or_component *component = &manifest->components[i];
        json_t *item =
            json_pack("{s:s%, s:I, s:b, s:b}", "device", placed[i].device.ptr, placed[i].device.len,
                      "epoch", (json_int_t)placed[i].epoch, "service", component->service,
                      "restart", component->on_loss == ISO_OR_RESTART);
        if (json_object_setn_new(components, component->name.ptr, component->name.len, item) != 0) {
            json_decref(components);
            return NULL;
        }
    }
    return json_pack("{s:o, s:o?}", "components", components, "plan",
                     iso_or_plan_json(planning, false));
}

/* Devices that must be told to delete it: those of the generation before, and those that it had to
 * tell; and sources of moves on which nothing is left, after a while. */
static json_t *left_of(const struct iso_or_generation *gen, const struct iso_or_generation *current)
{
    json_t *left = json_object();
    const char *id;
    json_t *value;
    for (size_t i = 0; current != NULL && i < current->part_count; i++) {
        const struct iso_or_part *part = &current->parts[i];
        bool told = part->goal == ISO_OR_GOAL_DELETE && part->done;
        if (!told && member(gen->documents, part->device) == NULL) {
            (void)json_object_set_new(left, part->device, json_false());
        }
    }
    json_object_foreach(gen->documents, id, value)
    {
        if (json_object_size(member(value, "components")) == 0) {
            (void)json_object_set_new(left, id, json_true());
        }
    }
    return left;
}

static json_t *devices_of(const struct iso_or_generation *gen)
{
    json_t *devices = json_object();
    const char *id;
    json_t *value;
    json_object_foreach(gen->documents, id, value)
    {
        const struct iso_or_device *device = iso_or_device_of(gen->app->deployer, id);
        bool there =
            device != NULL && (device->state == ISO_OR_UP || device->state == ISO_OR_SUSPECT);
        (void)json_object_set_new(devices, id, json_string(there ? "" : "absent"));
    }
    return devices;
}

static enum iso_err settle(struct iso_or_planning *planning, json_t **progress,
                           struct iso_report *report)
{
    struct iso_or_generation *gen = planning->gen;
    struct iso_or_placed placed[ISO_OR_COMPONENTS_MAX];
    json_t *moves = json_array();
    enum iso_err err = ISO_OK;
    for (size_t i = 0; err == ISO_OK && i < gen->manifest->component_count; i++) {
        err = place(planning, i, &placed[i], moves, report);
    }
    if (err == ISO_OK) {
        err = carry_over(planning, placed, moves, report);
    }
    const struct iso_or_documents_input input = {.manifest = gen->manifest,
                                                 .generation = gen->number,
                                                 .placed = placed,
                                                 .addresses = addresses,
                                                 .pair = pair,
                                                 .ctx = planning};
    if (err == ISO_OK) {
        err = iso_or_documents_make(&input, &gen->documents, report);
    }
    if (err != ISO_OK) {
        json_decref(moves);
        return err;
    }
    gen->placement = placement_of(planning, placed);
    *progress = json_pack("{s:o, s:o, s:o}", "devices", devices_of(gen), "moves", moves, "left",
                          left_of(gen, planning->current));
    return gen->placement != NULL && *progress != NULL
               ? ISO_OK
               : iso_fail(report, ISO_E_NOMEM, "not enough memory");
}

/* There is no place: asks for less. A device that gave trouble is better than none, and so is
 * moving others out of the way. False: there is nothing left to give up. */
static bool loosen(struct iso_or_generation *gen)
{
    if (json_object_size(gen->app->avoid) != 0) {
        (void)json_object_clear(gen->app->avoid);
        return true;
    }
    if (only_what_must(gen)) {
        gen->all_may_move = true;
        return true;
    }
    return false;
}

enum iso_err iso_or_plan_generation(struct iso_or_generation *gen, json_t **progress,
                                    struct iso_report *report)
{
    struct iso_or_planning planning;
    gen->all_may_move = false;
    enum iso_err err = iso_or_planning_make(&planning, gen, gen->app->current, report);
    while (err == ISO_OK && !iso_plan_outcome(planning.plan)->feasible && loosen(gen)) {
        iso_or_planning_fini(&planning);
        err = iso_or_planning_make(&planning, gen, gen->app->current, report);
    }
    if (err == ISO_OK && !iso_plan_outcome(planning.plan)->feasible) {
        char text[ISO_OR_REASON_SIZE];
        (void)iso_plan_conflict_text(planning.plan, text, sizeof text);
        err = iso_fail(report, ISO_E_INVALID, "%s", text);
    }
    if (err == ISO_OK && strcmp(gen->cause, "drain") == 0 &&
        iso_plan_outcome(planning.plan)->moves == 0) {
        err = iso_fail(report, ISO_E_INVALID, "nothing can be moved away");
    }
    if (err == ISO_E_INVALID && planning.plan != NULL) {
        json_decref(gen->refused);
        gen->refused = json_pack("{s:o?}", "plan", iso_or_plan_json(&planning, false));
    }
    if (err == ISO_OK) {
        err = settle(&planning, progress, report);
    }
    iso_or_planning_fini(&planning);
    return err;
}

enum iso_err iso_or_plan_removal(struct iso_or_generation *gen, json_t **progress)
{
    *progress = json_pack("{s:o}", "left", left_of(gen, gen->app->current));
    return *progress != NULL ? ISO_OK : ISO_E_NOMEM;
}

static bool wanted_pair(void *ctx, struct iso_str from, struct iso_str to)
{
    const struct iso_or_generation *gen = ctx;
    char id[ISO_OR_ID_SIZE], other[ISO_OR_ID_SIZE];
    (void)iso_format(id, sizeof id, "%.*s", (int)from.len, from.ptr);
    (void)iso_format(other, sizeof other, "%.*s", (int)to.len, to.ptr);
    return iso_or_document_peer(member(gen->documents, id), other) != NULL;
}

enum iso_err iso_or_plan_drop_pairs(const struct iso_or_generation *gen)
{
    return iso_or_store_pairs_drop(gen->app->deployer->config.store, iso_str_from_z(gen->app->name),
                                   wanted_pair, (void *)(uintptr_t)gen, NULL);
}
