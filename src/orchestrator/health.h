/*
 * health.h - whether a device is well, as its heartbeats say: a state machine over time, without
 * sockets and clocks. Times are monotonic milliseconds. What each function returns is what the
 * caller is to do now: ISO_OR_HEALTH_... or-ed.
 *
 * Invariants: at most one heartbeat and one reading of the description under way; a device becomes
 * UP from KNOWN, LOST or REFUSES, or when it started anew while SUSPECT, only with a description
 * read since its first answer; it becomes LOST only when it has been asked in vain, however late we
 * are.
 */
#ifndef ISO_ORCHESTRATOR_HEALTH_H
#define ISO_ORCHESTRATOR_HEALTH_H

#include "orchestrator/devices.h"

enum {
    ISO_OR_HEALTH_BEAT = 1, /* ask for a heartbeat: answer, miss or refuse is to follow */
    ISO_OR_HEALTH_READ = 2, /* read the description: described is to follow */
    ISO_OR_HEALTH_TELL = 4, /* the state, the boot or the revision has changed, or was read anew */
};

struct iso_or_health {
    enum iso_or_device_state state;
    uint64_t boot, revision; /* of the last heartbeat */
    uint64_t answered_ms;    /* the last answer; before the first: the beginning */
    uint64_t beat_ms;        /* the next heartbeat is due */
    uint64_t read_ms;        /* the description is not read before */
    uint64_t refresh_ms;     /* ... and is read then, whatever happens */
    uint32_t missed;         /* heartbeats in a row */
    bool heard;              /* boot and revision are known */
    bool beating, reading;   /* under way */
    bool stale;              /* the description may have changed since it was read */
    bool returning;          /* SUSPECT, and has started anew: read first */
};

/* phase_ms: when the first heartbeat is due, from now; spreads devices over the period. */
void iso_or_health_init(struct iso_or_health *health, uint64_t now_ms, uint32_t phase_ms);
/* When tick is to be called at the latest; changes with every call. */
uint64_t iso_or_health_due(const struct iso_or_health *health);
unsigned iso_or_health_tick(struct iso_or_health *health, uint64_t now_ms);

/* A heartbeat was answered. */
unsigned iso_or_health_answer(struct iso_or_health *health, uint64_t now_ms, uint64_t boot,
                              uint64_t revision);
/* A heartbeat was not answered, or not with one. */
unsigned iso_or_health_miss(struct iso_or_health *health, uint64_t now_ms);
/* The device answers, but not us. */
unsigned iso_or_health_refuse(struct iso_or_health *health, uint64_t now_ms);
/* It has answered something else than a heartbeat. */
unsigned iso_or_health_heard(struct iso_or_health *health, uint64_t now_ms);
/* The description was read, or could not be. */
unsigned iso_or_health_described(struct iso_or_health *health, uint64_t now_ms, bool read);

#endif
