/* discovery_mdns.c - devices that announce themselves on the local network: _isomer._tcp, and
 * _wot._tcp, where a Thing that is no device of ours is looked at and left. */
#include "base/format.h"
#include "orchestrator/devices_state.h"

enum { ADDRESSES_PER_PEER = 3 };

/* Not where an announcement has no business to send us: this machine, nowhere, everybody. */
static bool is_fit(const struct iso_mdns_address *address)
{
    static const uint8_t zeros[16] = {0};
    if (address->family == 4) {
        return address->bytes[0] != 0 && address->bytes[0] != 127 && address->bytes[0] < 224;
    }
    return memcmp(address->bytes, zeros, 15) != 0 && address->bytes[0] != 0xff;
}

static bool is_of(const struct iso_or_sighting *sighting, const struct iso_mdns_peer *peer)
{
    return !sighting->gone && sighting->found == ISO_OR_FOUND_MDNS &&
           sighting->interface == peer->interface &&
           sighting->wot == (strcmp(peer->type, "_wot._tcp") == 0) &&
           strcmp(sighting->instance, peer->instance) == 0;
}

/* Forgets what this instance announced and was not said again since. */
static void forget_older(struct iso_or_devices *devices, const struct iso_mdns_peer *peer,
                         uint64_t turn)
{
    struct iso_or_sighting *next;
    for (struct iso_or_sighting *at = devices->sightings; at != NULL; at = next) {
        next = at->next;
        if (is_of(at, peer) && at->turn < turn) {
            iso_or_sighting_drop(devices, at);
        }
    }
}

static void sight(struct iso_or_devices *devices, const struct iso_mdns_peer *peer,
                  const struct iso_mdns_address *address, uint64_t turn)
{
    char host[ISO_MDNS_ADDRESS_TEXT_MAX], base[ISO_OR_URL_SIZE];
    iso_mdns_address_text(address, host);
    iso_or_place_of(host, peer->port, base);
    /* While devices of one host name have not yet settled who keeps it, an address may be announced
     * as that of several: each has a sighting of its own, so that nobody's goes with another's. */
    struct iso_or_sighting *sighting =
        iso_or_sighting_get(devices, ISO_OR_FOUND_MDNS, peer->instance, base);
    if (sighting == NULL) {
        return;
    }
    /* The same address under both types is one sighting: of _isomer._tcp, which devices have. */
    const bool wot = strcmp(peer->type, "_wot._tcp") == 0;
    if (sighting->turn == 0 || !wot) {
        sighting->wot = wot;
        sighting->interface = peer->interface;
    }
    const uint64_t now_ms = iso_or_now_ms(devices);
    if (sighting->turn == 0 || sighting->look_ms > now_ms + ISO_OR_LOOK_RETRY_MS) {
        sighting->look_ms = sighting->turn == 0 ? now_ms : now_ms + ISO_OR_LOOK_RETRY_MS;
    }
    sighting->turn = turn;
    sighting->seen_ms = now_ms;
    sighting->seen_wall_ms = iso_or_wall_ms();
}

static void on_peer(void *ctx, const struct iso_mdns_peer *peer)
{
    struct iso_or_devices *devices = ctx;
    const uint64_t turn = ++devices->turn;
    size_t taken = 0;
    if (devices->closing) {
        return;
    }
    for (size_t i = 0; peer->change != ISO_MDNS_LOST && i < peer->address_count; i++) {
        if (taken < ADDRESSES_PER_PEER && is_fit(&peer->addresses[i])) {
            sight(devices, peer, &peer->addresses[i], turn);
            taken++;
        }
    }
    forget_older(devices, peer, turn);
    iso_or_sweep_at(devices, iso_or_now_ms(devices));
}

enum iso_err iso_or_mdns_open(struct iso_or_devices *devices,
                              const struct iso_or_devices_config *config, struct iso_report *report)
{
    static const char *const types[] = {"_isomer._tcp", "_wot._tcp"};
    const struct iso_mdns_uv_config mdns = {.interfaces = config->interfaces,
                                            .interface_count = config->interface_count};
    enum iso_err err = iso_mdns_uv_create(devices->loop, &mdns, &devices->mdns, report);
    for (size_t i = 0; i < ISO_COUNT_OF(types) && err == ISO_OK; i++) {
        err = iso_mdns_uv_browse(devices->mdns, types[i], NULL, on_peer, devices, report);
    }
    return err;
}
