/* What concerns several parts of a deployment document: names that must exist, keys that must be
 * there for the ways that flows take, circles of links. docs/deployment.md, "Consistency". */
#include "supervisor/document_json.h"

/* A place for messages, made of names that have been read: "/flows/video/steps/3". */
struct place {
    struct iso_sv_doc_at at[5];
    size_t depth;
};

static struct place place_of(const char *first)
{
    struct place place = {.depth = 2};
    place.at[1].key = first;
    return place;
}

static void place_add(struct place *place, const char *key, size_t index)
{
    place->at[place->depth].key = key;
    place->at[place->depth].index = index;
    place->depth++;
}

static const struct iso_sv_doc_at *place_at(struct place *place)
{
    for (size_t i = 1; i < place->depth; i++) {
        place->at[i].up = &place->at[i - 1];
    }
    return &place->at[place->depth - 1];
}

/* ---- Components that are named ------------------------------------------------------------------
 */

static enum iso_err find_component(struct iso_sv_doc_reader *reader, struct place *place,
                                   struct iso_str name, uint32_t *out)
{
    const struct iso_sv_document *document = reader->document;
    uint32_t found = iso_sv_document_component(document, name);
    if (found != ISO_SV_HERE) {
        *out = found;
        return ISO_OK;
    }
    struct iso_nearest nearest = {.word = name};
    for (size_t i = 0; i < document->component_count; i++) {
        iso_nearest_try(&nearest, document->components[i].name);
    }
    char hint[64];
    return iso_sv_doc_fail(reader, place_at(place), ISO_E_INVALID,
                           "there is no component '%.*s' on this device (/components)%s",
                           (int)name.len, name.ptr, iso_nearest_text(&nearest, hint, sizeof hint));
}

static enum iso_err check_link(struct iso_sv_doc_reader *reader,
                               const struct iso_sv_doc_component *component,
                               struct iso_sv_doc_link *link)
{
    struct place place = place_of("components");
    place_add(&place, component->name.ptr, 0);
    place_add(&place, "links", 0);
    place_add(&place, link->interface.ptr, 0);
    if (link->peer == ISO_SV_HERE) {
        return find_component(reader, &place, link->component, &link->local);
    }
    const struct iso_sv_doc_peer *peer = &reader->document->peers[link->peer];
    if (peer->address_count == 0) {
        return iso_sv_doc_fail(reader, place_at(&place), ISO_E_INVALID,
                               "the peer '%s' has no 'connect', so that this link cannot reach it",
                               peer->name.ptr);
    }
    return ISO_OK;
}

static enum iso_err check_links(struct iso_sv_doc_reader *reader)
{
    const struct iso_sv_document *document = reader->document;
    for (size_t i = 0; i < document->component_count; i++) {
        const struct iso_sv_doc_component *component = &document->components[i];
        for (size_t k = 0; k < component->link_count; k++) {
            struct iso_sv_doc_link *link =
                (struct iso_sv_doc_link *)(uintptr_t)&component->links[k];
            enum iso_err err = check_link(reader, component, link);
            if (err != ISO_OK) {
                return err;
            }
        }
    }
    return ISO_OK;
}

/* Links within the device must not go in a circle: a component that waits for itself never ends.
 * Takes away, again and again, a component whose local targets have all been taken. */
static enum iso_err check_circles(struct iso_sv_doc_reader *reader)
{
    const struct iso_sv_document *document = reader->document;
    bool taken[ISO_SV_DOC_COMPONENTS_MAX] = {false};
    bool progress = true;
    while (progress) {
        progress = false;
        for (size_t i = 0; i < document->component_count; i++) {
            const struct iso_sv_doc_component *component = &document->components[i];
            bool ready = !taken[i];
            for (size_t k = 0; k < component->link_count && ready; k++) {
                uint32_t local = component->links[k].local;
                ready = local == ISO_SV_HERE || taken[local];
            }
            taken[i] = taken[i] || ready;
            progress = progress || ready;
        }
    }
    for (size_t i = 0; i < document->component_count; i++) {
        if (!taken[i]) {
            struct place place = place_of("components");
            place_add(&place, document->components[i].name.ptr, 0);
            place_add(&place, "links", 0);
            return iso_sv_doc_fail(reader, place_at(&place), ISO_E_INVALID,
                                   "these links lead back to the component itself, which would "
                                   "wait for itself; break the circle");
        }
    }
    return ISO_OK;
}

/* ---- Peers --------------------------------------------------------------------------------------
 */

static enum iso_err check_peers(struct iso_sv_doc_reader *reader)
{
    const struct iso_sv_document *document = reader->document;
    for (size_t i = 0; i < document->peer_count; i++) {
        const struct iso_sv_doc_peer *peer = &document->peers[i];
        struct place place = place_of("peers");
        place_add(&place, peer->name.ptr, 0);
        for (size_t k = 0; k < i; k++) {
            const struct iso_sv_doc_peer *other = &document->peers[k];
            if (iso_str_equal(other->device, peer->device)) {
                place_add(&place, "device", 0);
                return iso_sv_doc_fail(reader, place_at(&place), ISO_E_INVALID,
                                       "the peer '%s' is the same device; one entry is enough",
                                       other->name.ptr);
            }
            if (peer->accept.identity.len != 0 &&
                iso_str_equal(other->accept.identity, peer->accept.identity)) {
                place_add(&place, "accept", 0);
                place_add(&place, "identity", 0);
                return iso_sv_doc_fail(reader, place_at(&place), ISO_E_INVALID,
                                       "the peer '%s' has the same identity; each needs its own",
                                       other->name.ptr);
            }
        }
        if (peer->address_count > 0 && peer->accept.identity.len != 0 &&
            memcmp(peer->connect.key, peer->accept.key, ISO_SV_DOC_KEY_BYTES) == 0) {
            place_add(&place, "accept", 0);
            place_add(&place, "key", 0);
            return iso_sv_doc_fail(reader, place_at(&place), ISO_E_INVALID,
                                   "the same key as for 'connect'; each direction needs its own");
        }
    }
    return ISO_OK;
}

/* ---- Flows --------------------------------------------------------------------------------------
 */

static enum iso_err need_way(struct iso_sv_doc_reader *reader, struct place *place, uint32_t peer,
                             bool out, const char *why)
{
    const struct iso_sv_doc_peer *p = &reader->document->peers[peer];
    bool there = out ? p->address_count > 0 : p->accept.identity.len != 0;
    if (there) {
        return ISO_OK;
    }
    return iso_sv_doc_fail(reader, place_at(place), ISO_E_INVALID, "the peer '%s' needs '%s': %s",
                           p->name.ptr, out ? "connect" : "accept", why);
}

/* A message from `from` to `to` (peers or here): when one end is here, the way must exist. */
static enum iso_err check_hop(struct iso_sv_doc_reader *reader, struct place *place, uint32_t from,
                              uint32_t to, const char *out_why, const char *in_why)
{
    if (from == ISO_SV_HERE && to != ISO_SV_HERE) {
        return need_way(reader, place, to, true, out_why);
    }
    if (from != ISO_SV_HERE && to == ISO_SV_HERE) {
        return need_way(reader, place, from, false, in_why);
    }
    return ISO_OK;
}

static enum iso_err check_ways(struct iso_sv_doc_reader *reader, struct place *place,
                               const struct iso_sv_doc_flow *flow, size_t i)
{
    uint32_t here = flow->steps[i].peer, first = flow->steps[0].peer;
    enum iso_err err = ISO_OK;
    if (i > 0) {
        err = check_hop(reader, place, flow->steps[i - 1].peer, here,
                        "results go there for this step", "results come from there for this step");
    } else if (flow->trigger == ISO_SV_ON_EVENT) {
        err = check_hop(reader, place, flow->event_peer, here, "events go there for this step",
                        "events come from there for this step");
    }
    if (err == ISO_OK) {
        err = check_hop(reader, place, here, first, "outcomes of runs go there",
                        "outcomes of runs come from there");
    }
    return err;
}

static enum iso_err check_step(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_flow *flow,
                               size_t i)
{
    struct iso_sv_doc_step *step = (struct iso_sv_doc_step *)(uintptr_t)&flow->steps[i];
    struct place place = place_of("flows");
    place_add(&place, flow->name.ptr, 0);
    place_add(&place, "steps", 0);
    place_add(&place, NULL, i);
    if (step->peer == ISO_SV_HERE) {
        enum iso_err err = find_component(reader, &place, step->component, &step->local);
        if (err != ISO_OK) {
            return err;
        }
        const struct iso_sv_doc_component *component = &reader->document->components[step->local];
        if (step->epoch != component->epoch) {
            return iso_sv_doc_fail(reader, place_at(&place), ISO_E_INVALID,
                                   "epoch %llu, but the component '%s' here has epoch %llu",
                                   (unsigned long long)step->epoch, component->name.ptr,
                                   (unsigned long long)component->epoch);
        }
    }
    return check_ways(reader, &place, flow, i);
}

static enum iso_err check_flow(struct iso_sv_doc_reader *reader, struct iso_sv_doc_flow *flow)
{
    struct place place = place_of("flows");
    place_add(&place, flow->name.ptr, 0);
    bool here = false;
    if (flow->trigger == ISO_SV_ON_EVENT && flow->event_peer == ISO_SV_HERE) {
        struct place on = place;
        place_add(&on, "on", 0);
        enum iso_err err = find_component(reader, &on, flow->event_component, &flow->event_local);
        if (err != ISO_OK) {
            return err;
        }
        here = true;
    }
    for (size_t i = 0; i < flow->step_count; i++) {
        enum iso_err err = check_step(reader, flow, i);
        if (err != ISO_OK) {
            return err;
        }
        here = here || flow->steps[i].peer == ISO_SV_HERE;
    }
    if (!here) {
        return iso_sv_doc_fail(reader, place_at(&place), ISO_E_INVALID,
                               "nothing of this flow is on this device; leave it out");
    }
    return ISO_OK;
}

enum iso_err iso_sv_doc_check(struct iso_sv_doc_reader *reader)
{
    const struct iso_sv_document *document = reader->document;
    enum iso_err err = check_peers(reader);
    if (err == ISO_OK) {
        err = check_links(reader);
    }
    if (err == ISO_OK) {
        err = check_circles(reader);
    }
    for (size_t i = 0; i < document->flow_count && err == ISO_OK; i++) {
        err = check_flow(reader, (struct iso_sv_doc_flow *)(uintptr_t)&document->flows[i]);
    }
    return err;
}
