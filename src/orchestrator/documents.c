/*
 * Deployment documents: docs/deployment.md. Which device needs a way to which other one is found
 * first (links, steps of flows, outcomes, events, relays of moves); then each document is written.
 */
#include "orchestrator/documents.h"

#include <stdlib.h>

#include "codec/codec.h"

/* Every component on a device of its own, and each of them leaving another one. */
enum { HOSTS_MAX = 2 * ISO_OR_COMPONENTS_MAX };

/* From one device to another. */
struct way {
    bool connect;   /* calls or messages go there */
    bool mentioned; /* a flow here names a step there */
    uint64_t calls; /* components there that may be called: a bit each */
};

struct maker {
    const struct iso_or_documents_input *input;
    struct iso_str hosts[HOSTS_MAX];
    size_t host_count;
    size_t at[ISO_OR_COMPONENTS_MAX]; /* the host of each component */
    struct way ways[HOSTS_MAX][HOSTS_MAX];
    bool short_of_memory; /* a value could not be made; told at the end */
};

/* ---- Ways --------------------------------------------------------------------------------------
 */

static size_t host_of(struct maker *maker, struct iso_str device)
{
    for (size_t i = 0; i < maker->host_count; i++) {
        if (iso_str_equal(maker->hosts[i], device)) {
            return i;
        }
    }
    maker->hosts[maker->host_count] = device;
    return maker->host_count++;
}

static void add_way(struct maker *maker, size_t from, size_t to)
{
    if (from != to) {
        maker->ways[from][to].connect = true;
    }
}

static void add_flow(struct maker *maker, const struct iso_or_flow *flow)
{
    size_t first = maker->at[flow->steps[0].component];
    size_t part[ISO_OR_COMPONENTS_MAX + 1];
    size_t count = 0;
    if (flow->trigger == ISO_OR_EVENT) {
        part[count++] = maker->at[flow->event_component];
        add_way(maker, part[0], first);
    }
    for (size_t i = 0; i < flow->step_count && count < ISO_COUNT_OF(part); i++) {
        part[count] = maker->at[flow->steps[i].component];
        add_way(maker, part[count], first); /* outcomes */
        if (i > 0) {
            add_way(maker, maker->at[flow->steps[i - 1].component], part[count]);
        }
        count++;
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < count; k++) {
            maker->ways[part[i]][part[k]].mentioned = true;
        }
    }
}

static void find_ways(struct maker *maker)
{
    const struct iso_or_manifest *manifest = maker->input->manifest;
    for (size_t i = 0; i < manifest->component_count; i++) {
        maker->at[i] = host_of(maker, maker->input->placed[i].device);
    }
    for (size_t i = 0; i < manifest->component_count; i++) {
        const struct iso_or_placed *placed = &maker->input->placed[i];
        const struct iso_or_component *component = &manifest->components[i];
        for (size_t k = 0; k < component->link_count; k++) {
            uint32_t target = component->links[k].target;
            size_t there = maker->at[target];
            if (there != maker->at[i]) {
                add_way(maker, maker->at[i], there);
                maker->ways[maker->at[i]][there].calls |= UINT64_C(1) << target;
            }
        }
        if (placed->from.len != 0) { /* calls in flight are relayed */
            size_t source = host_of(maker, placed->from);
            add_way(maker, source, maker->at[i]);
            if (source != maker->at[i]) {
                maker->ways[source][maker->at[i]].calls |= UINT64_C(1) << i;
            }
        }
    }
    for (size_t i = 0; i < manifest->flow_count; i++) {
        add_flow(maker, &manifest->flows[i]);
    }
}

/* ---- Values ------------------------------------------------------------------------------------
 */

/* Adds a value (taken; NULL: memory was short) to an object. */
static void set(struct maker *maker, json_t *object, const char *name, json_t *value)
{
    if (value == NULL || json_object_set_new(object, name, value) != 0) {
        maker->short_of_memory = true;
    }
}

static void add(struct maker *maker, json_t *array, json_t *value)
{
    if (value == NULL || json_array_append_new(array, value) != 0) {
        maker->short_of_memory = true;
    }
}

static void set_named(struct maker *maker, json_t *object, struct iso_str name, json_t *value)
{
    if (value == NULL || json_object_setn_new(object, name.ptr, name.len, value) != 0) {
        maker->short_of_memory = true;
    }
}

static json_t *text(struct iso_str value)
{
    return json_stringn(value.ptr != NULL ? value.ptr : "", value.len);
}

static json_t *number(uint64_t value)
{
    return json_integer((json_int_t)value);
}

/* A member as it was written. */
static void keep(struct maker *maker, json_t *object, const char *name, const json_t *value)
{
    if (value != NULL) {
        set(maker, object, name, json_deep_copy(value));
    }
}

static const char *peer_name(char out[16], size_t host)
{
    (void)iso_format(out, 16, "d%zu", host + 1);
    return out;
}

/* ---- Components --------------------------------------------------------------------------------
 */

static json_t *links(struct maker *maker, size_t host, const struct iso_or_component *component)
{
    json_t *object = json_object();
    for (size_t i = 0; i < component->link_count; i++) {
        const struct iso_or_link *link = &component->links[i];
        json_t *target = json_object();
        size_t there = maker->at[link->target];
        char name[16];
        if (there != host) {
            set(maker, target, "peer", json_string(peer_name(name, there)));
            set(maker, target, "epoch", number(maker->input->placed[link->target].epoch));
        }
        set(maker, target, "component",
            text(maker->input->manifest->components[link->target].name));
        set_named(maker, object, link->interface, target);
    }
    return object;
}

static json_t *component_of(struct maker *maker, size_t host, size_t i)
{
    const struct iso_or_component *component = &maker->input->manifest->components[i];
    const struct iso_or_placed *placed = &maker->input->placed[i];
    json_t *object = json_object();
    set(maker, object, "module", text(placed->digest));
    set(maker, object, "epoch", number(placed->epoch));
    if (component->service) {
        set(maker, object, "mode", json_string("service"));
    }
    if (placed->wit.len != 0) {
        set(maker, object, "wit", text(placed->wit));
    }
    if (component->abi.len != 0) {
        set(maker, object, "abi", text(component->abi));
    }
    keep(maker, object, "config", component->config);
    keep(maker, object, "args", component->args);
    keep(maker, object, "env", component->env);
    keep(maker, object, "limits", component->limits);
    json_t *grants = json_object();
    keep(maker, grants, "devices", component->devices);
    keep(maker, grants, "dirs", component->dirs);
    set(maker, object, "grants", grants);
    if (component->link_count != 0) {
        set(maker, object, "links", links(maker, host, component));
    }
    if (placed->state) {
        set(maker, object, "from", json_pack("{s:b}", "snapshot", 1));
    }
    return object;
}

/* ---- Peers -------------------------------------------------------------------------------------
 */

static enum iso_err credentials(struct maker *maker, size_t from, size_t to, json_t *object,
                                struct iso_report *report)
{
    char identity[ISO_OR_IDENTITY_SIZE];
    uint8_t key[ISO_OR_PAIR_KEY_SIZE];
    char encoded[48];
    enum iso_err err = maker->input->pair(maker->input->ctx, maker->hosts[from], maker->hosts[to],
                                          identity, key, report);
    if (err == ISO_OK) {
        set(maker, object, "identity", json_string(identity));
        iso_base64_encode(key, sizeof key, encoded);
        set(maker, object, "key", json_stringn(encoded, iso_base64_encoded_size(sizeof key)));
    }
    return err;
}

static json_t *calls_of(struct maker *maker, uint64_t calls)
{
    json_t *array = json_array();
    for (size_t i = 0; i < maker->input->manifest->component_count; i++) {
        if ((calls >> i & 1) != 0) {
            add(maker, array, text(maker->input->manifest->components[i].name));
        }
    }
    return array;
}

/* A value under construction belongs to its maker until it is complete: what is given to an object
 * when memory is short is gone. */
static enum iso_err connect_of(struct maker *maker, size_t host, size_t other, json_t *connect,
                               struct iso_report *report)
{
    json_t *addresses = json_array();
    enum iso_err err = maker->input->addresses(maker->input->ctx, maker->hosts[host],
                                               maker->hosts[other], addresses, report);
    set(maker, connect, "addresses", addresses);
    return err == ISO_OK ? credentials(maker, host, other, connect, report) : err;
}

static enum iso_err peer_of(struct maker *maker, size_t host, size_t other, json_t *peer,
                            struct iso_report *report)
{
    const struct way *out = &maker->ways[host][other], *in = &maker->ways[other][host];
    enum iso_err err = ISO_OK;
    set(maker, peer, "device", text(maker->hosts[other]));
    if (out->connect) {
        json_t *connect = json_object();
        err = connect_of(maker, host, other, connect, report);
        set(maker, peer, "connect", connect);
    }
    if (err == ISO_OK && in->connect) {
        json_t *accept = json_object();
        err = credentials(maker, other, host, accept, report);
        if (in->calls != 0) {
            set(maker, accept, "calls", calls_of(maker, in->calls));
        }
        set(maker, peer, "accept", accept);
    }
    return err;
}

static enum iso_err peers_of(struct maker *maker, size_t host, json_t *peers,
                             struct iso_report *report)
{
    for (size_t i = 0; i < maker->host_count; i++) {
        const struct way *out = &maker->ways[host][i], *in = &maker->ways[i][host];
        if (i == host || !(out->connect || in->connect || out->mentioned)) {
            continue;
        }
        char name[16];
        json_t *peer = json_object();
        enum iso_err err = peer_of(maker, host, i, peer, report);
        set(maker, peers, peer_name(name, i), peer);
        if (err != ISO_OK) {
            return err;
        }
    }
    if (json_object_size(peers) > ISO_OR_PEERS_MAX) {
        return iso_fail(report, ISO_E_LIMIT,
                        "a device would have to talk to %zu others, and %d is the most",
                        json_object_size(peers), ISO_OR_PEERS_MAX);
    }
    return ISO_OK;
}

/* ---- Flows -------------------------------------------------------------------------------------
 */

static void set_place(struct maker *maker, json_t *object, size_t host, size_t there)
{
    char name[16];
    if (there != host) {
        set(maker, object, "at", json_string(peer_name(name, there)));
    }
}

static json_t *step_of(struct maker *maker, size_t host, const struct iso_or_step *step)
{
    json_t *object = json_object();
    if (step->as.len != 0) {
        set(maker, object, "as", text(step->as));
    }
    set(maker, object, "component", text(maker->input->manifest->components[step->component].name));
    set(maker, object, "call", text(step->function));
    set(maker, object, "epoch", number(maker->input->placed[step->component].epoch));
    set_place(maker, object, host, maker->at[step->component]);
    keep(maker, object, "with", step->with);
    return object;
}

static bool flow_is_here(const struct maker *maker, size_t host, const struct iso_or_flow *flow)
{
    bool here = flow->trigger == ISO_OR_EVENT && maker->at[flow->event_component] == host;
    for (size_t i = 0; i < flow->step_count; i++) {
        here = here || maker->at[flow->steps[i].component] == host;
    }
    return here;
}

static json_t *flow_of(struct maker *maker, size_t host, const struct iso_or_flow *flow)
{
    json_t *object = json_object(), *steps = json_array();
    json_t *on = json_deep_copy(flow->on);
    if (on != NULL && flow->trigger == ISO_OR_EVENT) {
        set_place(maker, on, host, maker->at[flow->event_component]);
    }
    set(maker, object, "on", on);
    if (flow->overload.len != 0) {
        set(maker, object, "overload", text(flow->overload));
    }
    if (flow->window != 0) {
        set(maker, object, "window", number(flow->window));
    }
    for (size_t i = 0; i < flow->step_count; i++) {
        add(maker, steps, step_of(maker, host, &flow->steps[i]));
    }
    set(maker, object, "steps", steps);
    return object;
}

/* ---- Documents ---------------------------------------------------------------------------------
 */

static json_t *components_of(struct maker *maker, size_t host)
{
    const struct iso_or_manifest *manifest = maker->input->manifest;
    json_t *components = json_object();
    for (size_t i = 0; i < manifest->component_count; i++) {
        if (maker->at[i] == host) {
            set_named(maker, components, manifest->components[i].name,
                      component_of(maker, host, i));
        }
    }
    return components;
}

static json_t *flows_of(struct maker *maker, size_t host)
{
    const struct iso_or_manifest *manifest = maker->input->manifest;
    json_t *flows = json_object();
    for (size_t i = 0; i < manifest->flow_count; i++) {
        if (flow_is_here(maker, host, &manifest->flows[i])) {
            set_named(maker, flows, manifest->flows[i].name,
                      flow_of(maker, host, &manifest->flows[i]));
        }
    }
    return flows;
}

static enum iso_err fill_document(struct maker *maker, size_t host, json_t *document,
                                  struct iso_report *report)
{
    const struct iso_or_manifest *manifest = maker->input->manifest;
    json_t *peers = json_object();
    enum iso_err err = peers_of(maker, host, peers, report);
    set(maker, document, "isomer", number(1));
    set(maker, document, "app", text(manifest->app));
    set(maker, document, "generation", number(maker->input->generation));
    if (manifest->drain_ns != UINT64_MAX) {
        char drain[32];
        (void)iso_format(drain, sizeof drain, "%lluns", (unsigned long long)manifest->drain_ns);
        set(maker, document, "drain", json_string(drain));
    }
    set(maker, document, "components", components_of(maker, host));
    set(maker, document, "peers", peers);
    set(maker, document, "flows", flows_of(maker, host));
    size_t size = err == ISO_OK ? json_dumpb(document, NULL, 0, JSON_COMPACT) : 0;
    if (size > ISO_OR_DOCUMENT_BYTES_MAX) {
        err = iso_fail(report, ISO_E_LIMIT,
                       "the document for a device would have %zu bytes, and %d is the most", size,
                       ISO_OR_DOCUMENT_BYTES_MAX);
    }
    return err;
}

enum iso_err iso_or_documents_make(const struct iso_or_documents_input *input, json_t **out,
                                   struct iso_report *report)
{
    ISO_ASSERT(input->manifest->component_count <= ISO_OR_COMPONENTS_MAX);
    struct maker *maker = iso_alloc_new(iso_alloc_libc(), sizeof *maker);
    json_t *documents = json_object();
    enum iso_err err = maker == NULL || documents == NULL ? ISO_E_NOMEM : ISO_OK;
    if (err == ISO_OK) {
        maker->input = input;
        find_ways(maker);
    }
    for (size_t i = 0; err == ISO_OK && i < maker->host_count; i++) {
        json_t *document = json_object();
        err = fill_document(maker, i, document, report);
        set_named(maker, documents, maker->hosts[i], document);
    }
    if (err == ISO_OK && maker->short_of_memory) {
        err = ISO_E_NOMEM;
    }
    iso_alloc_free(iso_alloc_libc(), maker, sizeof *maker);
    if (err != ISO_OK) {
        json_decref(documents);
        iso_report_set(report, "not enough memory");
        return err;
    }
    *out = documents;
    return ISO_OK;
}

const char *iso_or_document_peer(const json_t *document, const char *device)
{
    const char *name;
    json_t *peer;
    json_object_foreach(json_object_get(document, "peers"), name, peer)
    {
        const char *id = json_string_value(json_object_get(peer, "device"));
        if (id != NULL && strcmp(id, device) == 0) {
            return name;
        }
    }
    return NULL;
}
