/* health_beat.c - asking for heartbeats and descriptions over HTTP, and what the answers mean. */
#include "base/format.h"
#include "orchestrator/devices_state.h"

#include <stdlib.h>

enum { BEAT_BYTES = 16 << 10, LATENCY_SHARE = 8 };

static void set_reason(struct iso_or_entry *entry, const char *format, const char *detail)
{
    (void)iso_format(entry->device.reason, sizeof entry->device.reason, format, detail);
}

/* The state as health has it, said where it is another than before. */
static void apply(struct iso_or_entry *entry, unsigned wants)
{
    static const char *const events[] = {NULL, "device-back", "device-suspect", "device-lost",
                                         "device-refuses"};
    const enum iso_or_device_state before = entry->device.state, now = entry->health.state;
    entry->device.state = now;
    entry->device.boot = entry->health.boot;
    entry->device.revision = entry->health.revision;
    if (now != before) {
        if (now == ISO_OR_UP || now == ISO_OR_KNOWN) {
            entry->device.reason[0] = '\0';
        }
        if (events[now] != NULL && !(before == ISO_OR_KNOWN && now == ISO_OR_UP)) {
            iso_or_entry_event(entry, events[now], entry->device.reason);
        }
    }
    if ((wants & ISO_OR_HEALTH_TELL) != 0) {
        iso_or_entry_tell(entry, false);
    }
}

/* ---- Description --------------------------------------------------------------------------------
 */

static void on_description(void *ctx, uint64_t id, const struct iso_http_client_answer *answer)
{
    struct iso_or_entry *entry = ctx;
    struct iso_report report;
    bool news = false;
    (void)id;
    entry->read_http = 0;
    iso_or_asked(entry->devices);
    if (entry->gone || entry->devices->closing) {
        iso_or_entry_release(entry);
        return;
    }
    char text[ISO_OR_REASON_SIZE];
    enum iso_err err = ISO_E_IO;
    iso_report_init(&report);
    if (iso_or_ask_answered(answer) && answer->status == 200) {
        err = iso_or_entry_describe(entry, iso_buf_view(answer->body), &news, &report);
        (void)iso_format(text, sizeof text, "%s", iso_report_text(&report, err));
    } else {
        iso_or_ask_text(answer, text, sizeof text);
    }
    if (err != ISO_OK) {
        set_reason(entry, "its description cannot be read: %s", text);
    } else if (news) {
        iso_or_entry_keep_quietly(entry);
    }
    iso_or_entry_act(entry, iso_or_health_described(&entry->health, iso_or_now_ms(entry->devices),
                                                    err == ISO_OK));
    iso_or_entry_release(entry);
}

/* ---- Heartbeats ---------------------------------------------------------------------------------
 */

struct heartbeat {
    uint64_t boot, revision;
    char owner[ISO_OR_ID_SIZE];        /* empty: nobody */
    char owner_name[ISO_OR_NAME_SIZE]; /* for people; its id when it says none */
    bool other;                        /* it is another device's */
};

/* docs/api.md, "The sign of life". jansson's tree of it costs about a hundredth of the request that
 * brings it, so there is no reader of our own. */
static bool read_beat(struct iso_or_entry *entry, const struct iso_http_client_answer *answer,
                      struct heartbeat *out)
{
    json_t *beat = iso_or_ask_object(answer);
    const char *boot = json_string_value(json_object_get(beat, "boot"));
    const json_t *revision = json_object_get(beat, "revision");
    const json_t *load = json_object_get(beat, "load");
    const json_t *free_bytes = json_object_get(json_object_get(beat, "memory"), "free-bytes");
    const char *owner = json_string_value(json_object_get(beat, "owner"));
    const char *id = json_string_value(json_object_get(beat, "id"));
    char *end = NULL;
    out->boot = boot != NULL ? strtoull(boot, &end, 16) : 0;
    const bool good = boot != NULL && end != boot && *end == '\0' && json_is_integer(revision);
    if (good) {
        out->revision = (uint64_t)json_integer_value(revision);
        entry->device.load = json_is_number(load) ? json_number_value(load) : 0;
        entry->free_bytes = (uint64_t)json_integer_value(free_bytes);
    }
    const char *name = json_string_value(json_object_get(beat, "owner-name"));
    (void)iso_format(out->owner, sizeof out->owner, "%s", owner != NULL ? owner : "");
    (void)iso_format(out->owner_name, sizeof out->owner_name, "%s",
                     name != NULL ? name : out->owner);
    out->other = id != NULL && strcmp(id, entry->device.id) != 0;
    json_decref(beat);
    return good;
}

static unsigned on_answered(struct iso_or_entry *entry, const struct iso_http_client_answer *answer)
{
    const uint64_t now_ms = iso_or_now_ms(entry->devices);
    const uint64_t latency_us = entry->device.latency_us;
    struct heartbeat beat = {.other = false};
    if (!read_beat(entry, answer, &beat) || beat.other) {
        /* The latter without TLS only, where another one may have taken its port. */
        set_reason(entry, "%s",
                   beat.other ? "another device answers at its address"
                              : "what it answers is no heartbeat");
        return iso_or_health_miss(&entry->health, now_ms);
    }
    entry->device.latency_us =
        latency_us == 0 ? answer->took_us
                        : (latency_us * (LATENCY_SHARE - 1) + answer->took_us) / LATENCY_SHARE;
    if (strcmp(beat.owner, entry->devices->id) != 0) {
        set_reason(entry, "it belongs to %s; add it again, or forget it",
                   beat.owner[0] != '\0' ? beat.owner_name : "nobody any more");
        return iso_or_health_refuse(&entry->health, now_ms);
    }
    return iso_or_health_answer(&entry->health, now_ms, beat.boot, beat.revision);
}

/* It answers, and it is the device, but not with a heartbeat. */
static unsigned on_refused(struct iso_or_entry *entry, const struct iso_http_client_answer *answer)
{
    const uint64_t now_ms = iso_or_now_ms(entry->devices);
    char text[ISO_OR_REASON_SIZE];
    iso_or_ask_text(answer, text, sizeof text);
    switch (answer->status) {
    case 401:
        set_reason(entry, "it does not know our token any more: pair with it again (%s)", text);
        break;
    case 403:
    case 409:
        set_reason(entry, "%s", text);
        break;
    case 404:
    case 405:
        set_reason(entry, "%s", "its supervisor is too old: it has no /v1/heartbeat");
        break;
    default:
        set_reason(entry, "its heartbeat fails: %s", text);
        return iso_or_health_miss(&entry->health, now_ms);
    }
    return iso_or_health_refuse(&entry->health, now_ms);
}

static bool beat(struct iso_or_entry *entry);

/* It did not answer there: whether it is asked at its next address, within the same heartbeat. So
 * one whose first address is gone is not suspect for that. */
static bool try_next(struct iso_or_entry *entry)
{
    entry->address_next = (entry->address_next + 1) % entry->address_count;
    return ++entry->beat_tried < entry->address_count && beat(entry);
}

static void on_beat(void *ctx, uint64_t id, const struct iso_http_client_answer *answer)
{
    struct iso_or_entry *entry = ctx;
    unsigned wants;
    (void)id;
    entry->beat_http = 0;
    iso_or_asked(entry->devices);
    if (entry->gone || entry->devices->closing) {
        iso_or_entry_release(entry);
        return;
    }
    if (!iso_or_ask_answered(answer) && try_next(entry)) {
        iso_or_entry_release(entry);
        return;
    }
    if (iso_or_ask_answered(answer)) {
        entry->device.seen_ms = iso_or_wall_ms();
        if (iso_or_entry_prefer(entry, entry->target.base)) {
            iso_or_entry_keep_quietly(entry);
        }
        entry->address_next = 0;
        wants = answer->status == 200 ? on_answered(entry, answer) : on_refused(entry, answer);
    } else {
        char text[ISO_OR_REASON_SIZE];
        iso_or_ask_text(answer, text, sizeof text);
        set_reason(entry, "does not answer: %s", text);
        wants = iso_or_health_miss(&entry->health, iso_or_now_ms(entry->devices));
    }
    iso_or_entry_act(entry, wants);
    iso_or_entry_release(entry);
}

/* ---- Doing what health wants --------------------------------------------------------------------
 */

/* Asks at the next address, in what is left of the time; false: not. */
static bool beat(struct iso_or_entry *entry)
{
    const uint64_t spent_ms = uv_now(entry->devices->loop) - entry->beat_began_ms;
    const uint32_t left_ms = spent_ms < ISO_OR_HEARTBEAT_TIMEOUT_MS
                                 ? (uint32_t)(ISO_OR_HEARTBEAT_TIMEOUT_MS - spent_ms)
                                 : 0;
    const struct iso_or_ask ask = {.target = &entry->target,
                                   .path = "/v1/heartbeat",
                                   .max_bytes = BEAT_BYTES,
                                   .timeout_ms = left_ms,
                                   .connect_ms = left_ms,
                                   .ctx = entry,
                                   .done = on_beat};
    struct iso_report report;
    iso_report_init(&report);
    memcpy(entry->target.base, entry->addresses[entry->address_next % entry->address_count],
           sizeof entry->target.base);
    if (left_ms == 0 || iso_or_ask(entry->devices, &ask, &entry->beat_http, &report) != ISO_OK) {
        return false;
    }
    entry->busy++;
    return true;
}

static void begin_beat(struct iso_or_entry *entry)
{
    entry->beat_began_ms = uv_now(entry->devices->loop);
    entry->beat_tried = 0;
    if (!beat(entry)) {
        /* On our side: no word about the device; it is asked again in its turn. */
        entry->health.beating = false;
    }
}

static void read_description(struct iso_or_entry *entry)
{
    const struct iso_or_ask ask = {.target = &entry->target,
                                   .path = "/v1/device",
                                   .max_bytes = ISO_OR_DESCRIPTION_BYTES,
                                   .timeout_ms = ISO_OR_ASK_MS,
                                   .connect_ms = ISO_OR_HEARTBEAT_TIMEOUT_MS,
                                   .ctx = entry,
                                   .done = on_description};
    struct iso_report report;
    iso_report_init(&report);
    const enum iso_err err = iso_or_ask(entry->devices, &ask, &entry->read_http, &report);
    if (err == ISO_OK) {
        entry->busy++;
    } else {
        (void)iso_or_health_described(&entry->health, iso_or_now_ms(entry->devices), false);
    }
}

void iso_or_entry_act(struct iso_or_entry *entry, unsigned wants)
{
    apply(entry, wants);
    if ((wants & ISO_OR_HEALTH_BEAT) != 0) {
        begin_beat(entry);
    }
    if ((wants & ISO_OR_HEALTH_READ) != 0) {
        read_description(entry);
    }
    iso_or_sweep_at(entry->devices, iso_or_health_due(&entry->health));
}

void iso_or_entry_tick(struct iso_or_entry *entry, uint64_t now_ms)
{
    iso_or_entry_act(entry, iso_or_health_tick(&entry->health, now_ms));
    if (now_ms >= iso_or_works_due(entry)) {
        iso_or_works_pump(entry);
    }
}
