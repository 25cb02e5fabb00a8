/* health.c - the states of a device; see health.h, and the picture in devices.h. */
#include "orchestrator/health.h"

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Whether the description has to be read before the device counts as up. */
static bool is_away(const struct iso_or_health *health)
{
    return health->state == ISO_OR_KNOWN || health->state == ISO_OR_LOST ||
           health->state == ISO_OR_REFUSES || health->returning;
}

static bool is_answering(const struct iso_or_health *health)
{
    return health->heard && health->missed == 0 && health->state != ISO_OR_REFUSES;
}

static uint64_t lost_ms(const struct iso_or_health *health)
{
    return health->answered_ms + (health->state == ISO_OR_KNOWN && !health->heard
                                      ? ISO_OR_KNOWN_MS
                                      : ISO_OR_LOST_AFTER_MS);
}

static bool may_be_lost(const struct iso_or_health *health)
{
    return health->state != ISO_OR_LOST && health->missed >= ISO_OR_SUSPECT_AFTER_MISSED;
}

static unsigned set_state(struct iso_or_health *health, enum iso_or_device_state state)
{
    if (health->state == state) {
        return 0;
    }
    health->state = state;
    if (state != ISO_OR_SUSPECT) {
        health->returning = false;
    }
    if (state == ISO_OR_LOST || state == ISO_OR_REFUSES) {
        health->read_ms = 0; /* at once when it comes back */
    }
    return ISO_OR_HEALTH_TELL;
}

/* When the description is to be read next; UINT64_MAX: not before something else happens. */
static uint64_t next_read_ms(const struct iso_or_health *health)
{
    if (health->reading || !is_answering(health)) {
        return UINT64_MAX;
    }
    return is_away(health) || health->stale ? health->read_ms : health->refresh_ms;
}

static unsigned want_read(struct iso_or_health *health, uint64_t now_ms)
{
    if (now_ms < next_read_ms(health)) {
        return 0;
    }
    health->reading = true;
    health->stale = false; /* what changes from now on makes it stale again */
    return ISO_OR_HEALTH_READ;
}

void iso_or_health_init(struct iso_or_health *health, uint64_t now_ms, uint32_t phase_ms)
{
    *health = (struct iso_or_health){
        .state = ISO_OR_KNOWN, .answered_ms = now_ms, .beat_ms = now_ms + phase_ms};
}

uint64_t iso_or_health_due(const struct iso_or_health *health)
{
    uint64_t due = least(health->beat_ms, next_read_ms(health));
    return may_be_lost(health) ? least(due, lost_ms(health)) : due;
}

unsigned iso_or_health_tick(struct iso_or_health *health, uint64_t now_ms)
{
    unsigned wants = 0;
    if (may_be_lost(health) && now_ms >= lost_ms(health)) {
        wants |= set_state(health, ISO_OR_LOST);
    }
    if (now_ms >= health->beat_ms) {
        /* In step with its phase, unless we are late by more than a period. */
        const uint64_t next_ms = health->beat_ms + ISO_OR_HEARTBEAT_MS;
        health->beat_ms = next_ms > now_ms ? next_ms : now_ms + ISO_OR_HEARTBEAT_MS;
        if (!health->beating) {
            health->beating = true;
            wants |= ISO_OR_HEALTH_BEAT;
        }
    }
    return wants | want_read(health, now_ms);
}

unsigned iso_or_health_answer(struct iso_or_health *health, uint64_t now_ms, uint64_t boot,
                              uint64_t revision)
{
    const bool restarted = health->heard && boot != health->boot;
    const bool changed = restarted || !health->heard || revision != health->revision;
    unsigned wants = 0;
    health->beating = false;
    health->answered_ms = now_ms;
    health->missed = 0;
    health->heard = true;
    health->boot = boot;
    health->revision = revision;
    health->stale = health->stale || changed;
    if (health->state == ISO_OR_REFUSES) {
        /* Not refused any more; up when it has been read. */
        wants |= set_state(health, ISO_OR_KNOWN);
    } else if (health->state == ISO_OR_SUSPECT) {
        health->returning = health->returning || restarted;
        wants |= health->returning ? 0 : set_state(health, ISO_OR_UP);
    }
    if (health->state == ISO_OR_UP && changed) {
        wants |= ISO_OR_HEALTH_TELL;
    }
    return wants | want_read(health, now_ms);
}

unsigned iso_or_health_miss(struct iso_or_health *health, uint64_t now_ms)
{
    (void)now_ms;
    health->beating = false;
    health->missed += health->missed < UINT32_MAX ? 1 : 0;
    return health->state == ISO_OR_UP && health->missed >= ISO_OR_SUSPECT_AFTER_MISSED
               ? set_state(health, ISO_OR_SUSPECT)
               : 0;
}

unsigned iso_or_health_refuse(struct iso_or_health *health, uint64_t now_ms)
{
    health->beating = false;
    health->answered_ms = now_ms;
    health->missed = 0;
    return set_state(health, ISO_OR_REFUSES);
}

unsigned iso_or_health_heard(struct iso_or_health *health, uint64_t now_ms)
{
    if (health->state != ISO_OR_UP && health->state != ISO_OR_SUSPECT) {
        return 0; /* the next heartbeat says more */
    }
    health->answered_ms = now_ms;
    health->missed = 0;
    return health->returning ? 0 : set_state(health, ISO_OR_UP);
}

unsigned iso_or_health_described(struct iso_or_health *health, uint64_t now_ms, bool read)
{
    health->reading = false;
    if (!read) {
        health->stale = true;
        health->read_ms = now_ms + ISO_OR_HEARTBEAT_MS;
        return 0;
    }
    health->read_ms = now_ms + ISO_OR_DESCRIBE_MIN_MS;
    health->refresh_ms = now_ms + ISO_OR_DESCRIBE_MS;
    if (is_away(health) && is_answering(health)) {
        health->returning = false;
        (void)set_state(health, ISO_OR_UP);
    }
    return ISO_OR_HEALTH_TELL;
}
