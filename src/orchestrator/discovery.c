/* discovery.c - what was found and by what way, until it is a device: sightings, and the candidates
 * that they come to. Nothing that anybody says is believed: what counts is who answers (see
 * discovery_look.c). */
#include "base/format.h"
#include "base/json_member.h"
#include "daemon/member.h"
#include "orchestrator/devices_state.h"

#include <stdlib.h>

static const char *const found_names[] = {"mdns", "register", "address"};

struct iso_or_sighting *iso_or_sighting_get(struct iso_or_devices *devices, enum iso_or_found found,
                                            const char *instance, const char *base)
{
    for (struct iso_or_sighting *at = devices->sightings; at != NULL; at = at->next) {
        if (!at->gone && at->found == found && strcmp(at->instance, instance) == 0 &&
            strcmp(at->target.base, base) == 0) {
            return at;
        }
    }
    if (devices->sighting_count == ISO_OR_CANDIDATES_MAX) {
        return NULL;
    }
    struct iso_or_sighting *sighting = iso_alloc_new(devices->alloc, sizeof *sighting);
    if (sighting == NULL) {
        return NULL;
    }
    sighting->found = found;
    (void)iso_format(sighting->instance, sizeof sighting->instance, "%s", instance);
    (void)iso_format(sighting->target.base, sizeof sighting->target.base, "%s", base);
    sighting->next = devices->sightings;
    devices->sightings = sighting;
    devices->sighting_count++;
    return sighting;
}

static void free_sighting(struct iso_or_devices *devices, struct iso_or_sighting *sighting)
{
    struct iso_or_sighting **at = &devices->sightings;
    while (*at != sighting) {
        at = &(*at)->next;
    }
    *at = sighting->next;
    devices->sighting_count--;
    json_decref(sighting->owner);
    iso_alloc_free(devices->alloc, sighting, sizeof *sighting);
}

void iso_or_sighting_drop(struct iso_or_devices *devices, struct iso_or_sighting *sighting)
{
    if (sighting->http_id == 0) {
        free_sighting(devices, sighting);
        return;
    }
    sighting->gone = true; /* freed with the end of its look */
    iso_http_client_cancel(devices->http, sighting->http_id);
}

void iso_or_discovery_stop(struct iso_or_devices *devices)
{
    for (struct iso_or_sighting *at = devices->sightings; at != NULL; at = at->next) {
        if (at->http_id != 0) {
            iso_http_client_cancel(devices->http, at->http_id);
        }
    }
}

void iso_or_discovery_free(struct iso_or_devices *devices)
{
    while (devices->sightings != NULL) {
        free_sighting(devices, devices->sightings);
    }
}

/* ---- Candidates ---------------------------------------------------------------------------------
 */

static bool is_candidate(const struct iso_or_devices *devices,
                         const struct iso_or_sighting *sighting)
{
    return !sighting->gone && sighting->id[0] != '\0' &&
           iso_or_entry_find(devices, iso_str_from_z(sighting->id)) == NULL;
}

static struct iso_or_sighting *find_candidate(const struct iso_or_devices *devices,
                                              struct iso_str text, bool by_name, size_t *others)
{
    struct iso_or_sighting *best = NULL;
    *others = 0;
    for (struct iso_or_sighting *at = devices->sightings; at != NULL; at = at->next) {
        if (!is_candidate(devices, at) || !iso_str_equal_z(text, by_name ? at->name : at->id)) {
            continue;
        }
        *others += best != NULL && strcmp(best->id, at->id) != 0 ? 1 : 0;
        best = best == NULL || at->seen_ms > best->seen_ms ? at : best;
    }
    return best;
}

struct iso_or_sighting *iso_or_candidate_find(const struct iso_or_devices *devices,
                                              struct iso_str id_or_name, size_t *others)
{
    /* Names are what anybody calls himself; ids are proven. */
    struct iso_or_sighting *found = find_candidate(devices, id_or_name, false, others);
    return found != NULL ? found : find_candidate(devices, id_or_name, true, others);
}

static void write_candidate(const struct iso_or_sighting *sighting, struct iso_json *json)
{
    const char *const texts[][2] = {{"id", sighting->id},
                                    {"name", sighting->name},
                                    {"address", sighting->target.base},
                                    {"found", found_names[sighting->found]}};
    iso_json_object_begin(json);
    for (size_t i = 0; i < ISO_COUNT_OF(texts); i++) {
        iso_json_put_z(json, texts[i][0], texts[i][1]);
    }
    iso_member_time(json, "seen", sighting->seen_wall_ms * 1000000u);
    iso_member_value(json, "owner", sighting->owner);
    iso_json_object_end(json);
}

void iso_or_devices_write_candidates(const struct iso_or_devices *devices, struct iso_json *json)
{
    size_t others;
    iso_json_array_begin(json);
    for (const struct iso_or_sighting *at = devices->sightings; at != NULL; at = at->next) {
        if (is_candidate(devices, at) &&
            iso_or_candidate_find(devices, iso_str_from_z(at->id), &others) == at) {
            write_candidate(at, json);
        }
    }
    iso_json_array_end(json);
}

bool iso_or_devices_write_candidate(const struct iso_or_devices *devices, const char *id,
                                    struct iso_json *json)
{
    size_t others;
    const struct iso_or_sighting *found =
        find_candidate(devices, iso_str_from_z(id), false, &others);
    if (found != NULL) {
        write_candidate(found, json);
    }
    return found != NULL;
}

/* ---- Time ---------------------------------------------------------------------------------------
 */

uint64_t iso_or_discovery_tick(struct iso_or_devices *devices, uint64_t now_ms)
{
    uint64_t due_ms = UINT64_MAX;
    struct iso_or_sighting *next;
    for (struct iso_or_sighting *at = devices->sightings; at != NULL; at = next) {
        next = at->next;
        if (at->gone || at->http_id != 0) {
            continue;
        }
        const uint64_t end_ms =
            at->found == ISO_OR_FOUND_REGISTER ? at->seen_ms + ISO_OR_REGISTERED_MS : UINT64_MAX;
        if (now_ms >= end_ms) {
            free_sighting(devices, at);
            continue;
        }
        if (now_ms >= at->look_ms && devices->looks < ISO_OR_LOOKS) {
            iso_or_look(devices, at);
            continue;
        }
        /* Those that wait for their turn are asked when a look ends. */
        if (at->look_ms > now_ms && at->look_ms < due_ms) {
            due_ms = at->look_ms;
        }
        due_ms = end_ms < due_ms ? end_ms : due_ms;
    }
    return due_ms;
}

/* ---- Registration -------------------------------------------------------------------------------
 */

/* The oldest registration of this peer when it has as many as it may; NULL. */
static struct iso_or_sighting *surplus_of(struct iso_or_devices *devices, const char *peer)
{
    struct iso_or_sighting *oldest = NULL;
    unsigned count = 0;
    for (struct iso_or_sighting *at = devices->sightings; at != NULL; at = at->next) {
        if (!at->gone && at->found == ISO_OR_FOUND_REGISTER && strcmp(at->peer, peer) == 0) {
            count++;
            oldest = oldest == NULL || at->seen_ms < oldest->seen_ms ? at : oldest;
        }
    }
    return count > ISO_OR_REGISTERED_PER_PEER ? oldest : NULL;
}

enum iso_err iso_or_devices_registered(struct iso_or_devices *devices, struct iso_str id,
                                       struct iso_str name, const char *peer, uint16_t https_port,
                                       struct iso_report *report)
{
    char base[ISO_OR_URL_SIZE];
    const uint64_t now_ms = iso_or_now_ms(devices);
    (void)name; /* who answers there says it himself */
    if (id.len != ISO_OR_ID_SIZE - 1 || https_port == 0) {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "a device registers with its id of %d characters and its port of HTTPS",
                        ISO_OR_ID_SIZE - 1);
    }
    iso_or_place_of(peer, https_port, base);
    const struct iso_or_entry *entry = iso_or_entry_find(devices, id);
    if (entry != NULL && strcmp(entry->device.address, base) == 0) {
        return ISO_OK; /* nothing new */
    }
    struct iso_or_sighting *sighting =
        iso_or_sighting_get(devices, ISO_OR_FOUND_REGISTER, "", base);
    if (sighting == NULL) {
        return iso_fail(report, ISO_E_LIMIT, "too many candidates: at most %d",
                        ISO_OR_CANDIDATES_MAX);
    }
    if (sighting->seen_ms == 0) {
        (void)iso_format(sighting->peer, sizeof sighting->peer, "%s", peer);
        sighting->look_ms = now_ms;
    } else if (sighting->look_ms > now_ms + ISO_OR_LOOK_RETRY_MS) {
        sighting->look_ms = now_ms + ISO_OR_LOOK_RETRY_MS;
    }
    sighting->seen_ms = now_ms;
    sighting->seen_wall_ms = iso_or_wall_ms();
    struct iso_or_sighting *surplus = surplus_of(devices, peer);
    if (surplus != NULL) {
        iso_or_sighting_drop(devices, surplus);
    }
    iso_or_sweep_at(devices, now_ms);
    return ISO_OK;
}
