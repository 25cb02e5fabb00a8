/* health_beat.c - asking for heartbeats and descriptions over HTTP, and what the answers mean. Over
 * plain HTTP (on loopback) any process may have taken the device's port since: there every
 * heartbeat begins with the question who answers, without our token (/.well-known/wot). */
#include "base/format.h"
#include "orchestrator/devices_state.h"

#include <stdlib.h>

enum { BEAT_BYTES = 16 << 10, LATENCY_SHARE = 8 };

static const char another_device[] = "another device answers at its address";

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
        set_reason(entry, "%s", beat.other ? another_device : "what it answers is no heartbeat");
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
    if (entry->health.state == ISO_OR_UP && entry->health.missed != 0) {
        entry->device.reason[0] = '\0'; /* it answers again, before anybody has doubted it */
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
static bool ask_beat(struct iso_or_entry *entry);

/* It did not answer there: whether it is asked at its next address, within the same heartbeat. So
 * one whose first address is gone is not suspect for that. */
static bool try_next(struct iso_or_entry *entry)
{
    entry->address_next = (entry->address_next + 1) % entry->address_count;
    return ++entry->beat_tried < entry->address_count && beat(entry);
}

/* An answer has come; false: nobody wants it any more, and the entry may be gone. */
static bool goes_on_with(struct iso_or_entry *entry)
{
    entry->beat_http = 0;
    iso_or_asked(entry->devices);
    if (entry->gone || entry->devices->closing) {
        iso_or_entry_release(entry);
        return false;
    }
    return true;
}

static void on_beat(void *ctx, uint64_t id, const struct iso_http_client_answer *answer)
{
    struct iso_or_entry *entry = ctx;
    unsigned wants;
    (void)id;
    if (!goes_on_with(entry)) {
        return;
    }
    iso_or_entry_doubt(entry, entry->target.base, answer);
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

enum who { WHO_DEVICE, WHO_OTHER, WHO_NONE };

/* Who has answered with a Thing Description; the reason, if it is not the device. */
static enum who read_who(struct iso_or_entry *entry, const struct iso_http_client_answer *answer)
{
    char text[ISO_OR_REASON_SIZE];
    const char *id = "";
    const bool answered = iso_or_ask_answered(answer);
    json_t *thing = answered && answer->status == 200 ? iso_or_ask_object(answer) : NULL;
    enum who who = WHO_NONE;
    if (iso_or_thing_id(thing, answer, &id, NULL) == ISO_OK) {
        who = strcmp(id, entry->device.id) == 0 ? WHO_DEVICE : WHO_OTHER;
    }
    json_decref(thing);
    iso_or_ask_text(answer, text, sizeof text);
    if (who == WHO_OTHER) {
        set_reason(entry, "%s", another_device);
    } else if (who == WHO_NONE) {
        set_reason(entry,
                   answered ? "what answers at its address is no supervisor (%s)"
                            : "does not answer: %s",
                   text);
    }
    return who;
}

/* Over plain HTTP: only the device itself is shown our token, and asked for a heartbeat. */
static void on_who(void *ctx, uint64_t id, const struct iso_http_client_answer *answer)
{
    struct iso_or_entry *entry = ctx;
    const char *base = entry->target.base;
    bool goes_on;
    (void)id;
    if (!goes_on_with(entry)) {
        return;
    }
    const enum who who = read_who(entry, answer);
    iso_or_entry_doubt(entry, base, answer);
    if (who == WHO_DEVICE) {
        memcpy(entry->sure, base, sizeof entry->sure);
        goes_on = ask_beat(entry);
    } else {
        if (iso_or_ask_answered(answer) && strcmp(entry->sure, base) == 0) {
            entry->sure[0] = '\0';
        }
        if (who == WHO_OTHER && iso_or_entry_drop_address(entry, base)) {
            iso_or_entry_keep_quietly(entry);
            goes_on = entry->beat_tried < entry->address_count && beat(entry);
        } else {
            goes_on = try_next(entry);
        }
    }
    if (!goes_on) {
        iso_or_entry_act(entry, iso_or_health_miss(&entry->health, iso_or_now_ms(entry->devices)));
    }
    iso_or_entry_release(entry);
}

/* ---- Doing what health wants --------------------------------------------------------------------
 */

/* Asks at the target for the heartbeat, or who it is, in what is left of the time; false: not. */
static bool ask_in_time(struct iso_or_entry *entry, bool who)
{
    const uint64_t spent_ms = uv_now(entry->devices->loop) - entry->beat_began_ms;
    const uint32_t left_ms = spent_ms < ISO_OR_HEARTBEAT_TIMEOUT_MS
                                 ? (uint32_t)(ISO_OR_HEARTBEAT_TIMEOUT_MS - spent_ms)
                                 : 0;
    const struct iso_or_ask ask = {.target = &entry->target,
                                   .path = who ? "/.well-known/wot" : "/v1/heartbeat",
                                   .anybody = who,
                                   .max_bytes = who ? ISO_OR_LOOK_BYTES : BEAT_BYTES,
                                   .timeout_ms = left_ms,
                                   .connect_ms = left_ms,
                                   .ctx = entry,
                                   .done = who ? on_who : on_beat};
    struct iso_report report;
    iso_report_init(&report);
    if (left_ms == 0 || iso_or_ask(entry->devices, &ask, &entry->beat_http, &report) != ISO_OK) {
        return false;
    }
    entry->busy++;
    return true;
}

static bool ask_beat(struct iso_or_entry *entry)
{
    return ask_in_time(entry, false);
}

/* Asks at the next address; false: not. */
static bool beat(struct iso_or_entry *entry)
{
    memcpy(entry->target.base, entry->addresses[entry->address_next % entry->address_count],
           sizeof entry->target.base);
    return ask_in_time(entry, !iso_or_is_https(entry->target.base));
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
    const enum iso_err err = iso_or_entry_trusts(entry, entry->target.base)
                                 ? iso_or_ask(entry->devices, &ask, &entry->read_http, &report)
                                 : ISO_E_ACCESS;
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
