/* discovery_look.c - looking who answers at an address: its Thing Description, read without any
 * credential, at most ISO_OR_LOOK_BYTES, from that address only (no redirects). A device's id is
 * made of its key, so over TLS the handshake proves whose it is. */
#include "base/format.h"
#include "orchestrator/devices_state.h"

enum { LOOK_CONNECT_MS = 3000, LOOK_MS = 6000 };

static const char urn[] = "urn:isomer:";

enum iso_err iso_or_thing_id(const json_t *thing, const struct iso_http_client_answer *answer,
                             const char **id, struct iso_report *report)
{
    char proven[ISO_STATE_ID_SIZE];
    const char *text = json_string_value(json_object_get(thing, "id"));
    if (text == NULL || strncmp(text, urn, sizeof urn - 1) != 0 ||
        strlen(text) != sizeof urn - 1 + ISO_OR_ID_SIZE - 1) {
        return iso_fail(report, ISO_E_MALFORMED, "what answers there is no supervisor of Isomer");
    }
    text += sizeof urn - 1;
    if (answer->has_pin) {
        iso_state_id(answer->pin, proven);
        if (strcmp(text, proven) != 0) {
            return iso_fail(report, ISO_E_ACCESS,
                            "what answers there says that it is %.26s, and has the key of %s", text,
                            proven);
        }
    }
    *id = text;
    return ISO_OK;
}

/* id, name and owner of a Thing Description of ours. */
static ISO_MUST_CHECK enum iso_err read_thing(struct iso_or_sighting *sighting,
                                              const struct iso_http_client_answer *answer,
                                              struct iso_report *report)
{
    const char *id = "";
    json_t *thing = iso_or_ask_object(answer);
    const enum iso_err err = iso_or_thing_id(thing, answer, &id, report);
    if (err == ISO_OK) {
        json_t *owner = json_object_get(thing, "owner");
        sighting->target.has_pin = answer->has_pin;
        memcpy(sighting->target.pin, answer->pin, sizeof sighting->target.pin);
        (void)iso_format(sighting->id, sizeof sighting->id, "%s", id);
        iso_or_name_clean(iso_str_from_z(json_string_value(json_object_get(thing, "title"))),
                          sighting->id, sighting->name);
        json_decref(sighting->owner);
        sighting->owner = json_is_object(owner) ? json_incref(owner) : NULL;
    }
    json_decref(thing);
    return err;
}

static ISO_MUST_CHECK enum iso_err read_answer(struct iso_or_sighting *sighting,
                                               const struct iso_http_client_answer *answer,
                                               struct iso_report *report)
{
    char text[ISO_OR_REASON_SIZE];
    if (iso_or_ask_answered(answer) && answer->status == 200) {
        return read_thing(sighting, answer, report);
    }
    iso_or_ask_text(answer, text, sizeof text);
    return iso_fail(report, iso_or_ask_answered(answer) ? ISO_E_MALFORMED : ISO_E_IO,
                    "%s does not answer as a device: %s", sighting->target.base, text);
}

/* A device that is known, at an address that is not: it is the one with that key. */
static void is_known(struct iso_or_entry *entry, struct iso_or_sighting *sighting)
{
    sighting->look_ms = UINT64_MAX; /* from now on there are heartbeats */
    if (sighting->target.has_pin && entry->target.has_pin &&
        memcmp(sighting->target.pin, entry->target.pin, sizeof entry->target.pin) == 0) {
        for (size_t i = 0; i < entry->address_count; i++) {
            if (strcmp(entry->addresses[i], sighting->target.base) == 0) {
                return; /* heartbeats choose among those */
            }
        }
        (void)iso_or_entry_prefer(entry, sighting->target.base);
        iso_or_entry_keep_quietly(entry);
        iso_or_entry_tell(entry, false);
    }
}

static void was_identified(struct iso_or_devices *devices, struct iso_or_sighting *sighting,
                           bool before)
{
    struct iso_or_entry *entry = iso_or_entry_find(devices, iso_str_from_z(sighting->id));
    if (entry != NULL) {
        is_known(entry, sighting);
    } else if (!before && devices->config.event != NULL) {
        devices->config.event(devices->config.ctx, "device-found", sighting->name,
                              sighting->target.base);
    }
}

static bool is_told(const struct iso_or_devices *devices, const char *id)
{
    const struct iso_or_sighting *at = devices->sightings;
    while (at != NULL && (!at->known || strcmp(at->id, id) != 0)) {
        at = at->next;
    }
    return at != NULL;
}

static void on_look(void *ctx, uint64_t id, const struct iso_http_client_answer *answer)
{
    struct iso_or_sighting *sighting = ctx;
    struct iso_or_devices *devices = sighting->devices;
    struct iso_or_op *op = sighting->op;
    struct iso_report report;
    (void)id;
    sighting->http_id = 0;
    sighting->op = NULL;
    devices->looks--;
    iso_or_asked(devices);
    iso_report_init(&report);
    const enum iso_err err = read_answer(sighting, answer, &report);
    const uint64_t now_ms = iso_or_now_ms(devices);
    sighting->look_ms = now_ms + (err == ISO_OK ? ISO_OR_LOOK_MS : ISO_OR_LOOK_RETRY_MS);
    if (!devices->closing && !sighting->gone && err == ISO_OK) {
        /* Told once, by whatever address it is seen first. */
        const bool before = is_told(devices, sighting->id);
        sighting->known = true;
        was_identified(devices, sighting, before);
    } else if (err != ISO_OK && err != ISO_E_IO) {
        sighting->id[0] = '\0'; /* somebody else is there now */
    }
    if (op != NULL) {
        iso_or_op_looked(op, err, &report, sighting);
    }
    if (sighting->gone || (err != ISO_OK && sighting->found == ISO_OR_FOUND_ADDRESS)) {
        iso_or_sighting_drop(devices, sighting);
    }
    iso_or_sweep_at(devices, now_ms);
}

void iso_or_look(struct iso_or_devices *devices, struct iso_or_sighting *sighting)
{
    const struct iso_or_ask ask = {.target = &sighting->target,
                                   .path = "/.well-known/wot",
                                   .anybody = true,
                                   .max_bytes = ISO_OR_LOOK_BYTES,
                                   .timeout_ms = LOOK_MS,
                                   .connect_ms = LOOK_CONNECT_MS,
                                   .ctx = sighting,
                                   .done = on_look};
    sighting->devices = devices;
    if (iso_or_ask(devices, &ask, &sighting->http_id, NULL) == ISO_OK) {
        devices->looks++;
    } else {
        sighting->http_id = 0;
        sighting->look_ms = iso_or_now_ms(devices) + ISO_OR_LOOK_RETRY_MS;
    }
}
