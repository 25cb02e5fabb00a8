/* neighbours.c - the other devices on the network, as they announce themselves (mDNS,
 * _isomer._tcp). What they say is unverified: it is shown to people, and nothing is done with it.
 */
#include "supervisor/daemon.h"

#include "base/format.h"
#include "base/json_member.h"

enum { NEIGHBOURS_MAX = 256 };

static void forget(struct iso_supervisor *sv, const struct iso_mdns_peer *peer)
{
    for (struct iso_sv_neighbour **at = &sv->neighbours; *at != NULL; at = &(*at)->next) {
        struct iso_sv_neighbour *neighbour = *at;
        if (neighbour->interface == peer->interface &&
            strcmp(neighbour->instance, peer->instance) == 0) {
            *at = neighbour->next;
            sv->neighbour_count--;
            iso_alloc_free(sv->alloc, neighbour, sizeof *neighbour);
            return;
        }
    }
}

static void remember(struct iso_supervisor *sv, const struct iso_mdns_peer *peer)
{
    struct iso_bytes id;
    if (sv->neighbour_count == NEIGHBOURS_MAX) {
        return;
    }
    struct iso_sv_neighbour *neighbour = iso_alloc_new(sv->alloc, sizeof *neighbour);
    if (neighbour == NULL) {
        return;
    }
    neighbour->interface = peer->interface;
    neighbour->port = peer->port;
    (void)iso_format(neighbour->instance, sizeof neighbour->instance, "%s", peer->instance);
    (void)iso_format(neighbour->host, sizeof neighbour->host, "%s", peer->host);
    if (iso_mdns_txt_find(peer->txt, "id", &id) && id.len < sizeof neighbour->id) {
        memcpy(neighbour->id, id.ptr, id.len);
    }
    if (peer->address_count != 0) {
        iso_mdns_address_text(&peer->addresses[0], neighbour->address);
    }
    neighbour->next = sv->neighbours;
    sv->neighbours = neighbour;
    sv->neighbour_count++;
}

static void on_peer(void *ctx, const struct iso_mdns_peer *peer)
{
    struct iso_supervisor *sv = ctx;
    forget(sv, peer);
    if (peer->change != ISO_MDNS_LOST) {
        remember(sv, peer);
    }
    if (peer->change != ISO_MDNS_CHANGED) {
        iso_sv_event(sv, peer->change == ISO_MDNS_FOUND ? "neighbour-found" : "neighbour-lost",
                     (struct iso_str){NULL, 0}, (struct iso_str){NULL, 0}, peer->instance);
    }
}

enum iso_err iso_sv_neighbours_begin(struct iso_supervisor *sv, struct iso_report *report)
{
    return iso_mdns_uv_browse(sv->mdns, "_isomer._tcp", NULL, on_peer, sv, report);
}

void iso_sv_neighbours_write(const struct iso_supervisor *sv, struct iso_json *json)
{
    iso_json_array_begin(json);
    for (const struct iso_sv_neighbour *at = sv->neighbours; at != NULL; at = at->next) {
        const struct {
            const char *key, *value;
        } texts[] = {
            {"name", at->instance}, {"id", at->id}, {"host", at->host}, {"address", at->address}};
        iso_json_object_begin(json);
        for (size_t i = 0; i < ISO_COUNT_OF(texts); i++) {
            iso_json_put_z(json, texts[i].key, texts[i].value);
        }
        iso_json_put_u64(json, "port", at->port);
        iso_json_object_end(json);
    }
    iso_json_array_end(json);
}

void iso_sv_neighbours_end(struct iso_supervisor *sv)
{
    while (sv->neighbours != NULL) {
        struct iso_sv_neighbour *neighbour = sv->neighbours;
        sv->neighbours = neighbour->next;
        iso_alloc_free(sv->alloc, neighbour, sizeof *neighbour);
    }
    sv->neighbour_count = 0;
}
