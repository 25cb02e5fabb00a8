/* The states of a device over time: what each sequence of heartbeats makes of it, written out; then
 * every sequence of events up to a depth, with what must never be. */
#include "orchestrator/health.h"

#include "base/test.h"

enum { BEAT = ISO_OR_HEALTH_BEAT, READ = ISO_OR_HEALTH_READ, TELL = ISO_OR_HEALTH_TELL };

static struct iso_or_health fresh(uint64_t now_ms)
{
    struct iso_or_health health;
    iso_or_health_init(&health, now_ms, 0);
    return health;
}

/* A device that is up at 1000, with its next heartbeat due at 3000. */
static struct iso_or_health up(void)
{
    struct iso_or_health health = fresh(1000);
    CHECK_EQ_U64(iso_or_health_tick(&health, 1000), BEAT);
    CHECK_EQ_U64(iso_or_health_answer(&health, 1000, 7, 1), READ);
    CHECK_EQ_U64(iso_or_health_described(&health, 1000, true), TELL);
    CHECK(health.state == ISO_OR_UP);
    return health;
}

TEST(a_device_is_up_when_it_was_described_not_when_it_answers)
{
    struct iso_or_health health = fresh(1000);
    CHECK(health.state == ISO_OR_KNOWN);
    CHECK_EQ_U64(iso_or_health_tick(&health, 1000), BEAT);
    CHECK_EQ_U64(iso_or_health_answer(&health, 1005, 7, 1), READ);
    CHECK(health.state == ISO_OR_KNOWN);
    CHECK_EQ_U64(iso_or_health_described(&health, 1010, true), TELL);
    CHECK(health.state == ISO_OR_UP);
    CHECK_EQ_U64(iso_or_health_due(&health), 3000);
}

TEST(a_description_that_cannot_be_read_is_tried_again_with_the_next_heartbeat)
{
    struct iso_or_health health = fresh(1000);
    CHECK_EQ_U64(iso_or_health_tick(&health, 1000), BEAT);
    CHECK_EQ_U64(iso_or_health_answer(&health, 1000, 7, 1), READ);
    CHECK_EQ_U64(iso_or_health_described(&health, 1100, false), 0);
    CHECK(health.state == ISO_OR_KNOWN);
    CHECK_EQ_U64(iso_or_health_tick(&health, 3000), BEAT);
    CHECK_EQ_U64(iso_or_health_answer(&health, 3001, 7, 1), 0);
    CHECK_EQ_U64(iso_or_health_due(&health), 3100);
    CHECK_EQ_U64(iso_or_health_tick(&health, 3100), READ);
    CHECK_EQ_U64(iso_or_health_described(&health, 3101, true), TELL);
    CHECK(health.state == ISO_OR_UP);
}

TEST(two_missed_make_it_suspect_and_six_seconds_lost)
{
    struct iso_or_health health = up();
    CHECK_EQ_U64(iso_or_health_tick(&health, 3000), BEAT);
    CHECK_EQ_U64(iso_or_health_miss(&health, 3000), 0);
    CHECK_EQ_U64(iso_or_health_tick(&health, 5000), BEAT);
    CHECK_EQ_U64(iso_or_health_miss(&health, 5000), TELL);
    CHECK(health.state == ISO_OR_SUSPECT);
    CHECK_EQ_U64(iso_or_health_due(&health), 7000);
    CHECK_EQ_U64(iso_or_health_tick(&health, 6999), 0);
    CHECK_EQ_U64(iso_or_health_tick(&health, 7000), TELL | BEAT);
    CHECK(health.state == ISO_OR_LOST);
    /* Once: nothing more is told while it stays away. */
    CHECK_EQ_U64(iso_or_health_miss(&health, 8500), 0);
    CHECK_EQ_U64(iso_or_health_tick(&health, 9000), BEAT);
    CHECK_EQ_U64(iso_or_health_miss(&health, 10500), 0);
}

TEST(suspect_is_up_again_with_an_answer_and_read_first_when_it_started_anew)
{
    for (unsigned restarted = 0; restarted < 2; restarted++) {
        struct iso_or_health health = up();
        (void)iso_or_health_tick(&health, 3000);
        (void)iso_or_health_miss(&health, 3000);
        (void)iso_or_health_tick(&health, 5000);
        CHECK_EQ_U64(iso_or_health_miss(&health, 5000), TELL);
        if (restarted == 0) {
            CHECK_EQ_U64(iso_or_health_answer(&health, 5500, 7, 1), TELL);
            CHECK(health.state == ISO_OR_UP);
        } else {
            CHECK_EQ_U64(iso_or_health_answer(&health, 6500, 8, 1), READ);
            CHECK(health.state == ISO_OR_SUSPECT);
            CHECK_EQ_U64(iso_or_health_described(&health, 6600, true), TELL);
            CHECK(health.state == ISO_OR_UP);
            CHECK_EQ_U64(health.boot, 8);
        }
    }
}

TEST(one_that_was_lost_is_read_before_it_is_up)
{
    struct iso_or_health health = up();
    for (uint64_t t = 3000; t <= 7000; t += 2000) {
        (void)iso_or_health_tick(&health, t);
        (void)iso_or_health_miss(&health, t);
    }
    CHECK(health.state == ISO_OR_LOST);
    CHECK_EQ_U64(iso_or_health_tick(&health, 9000), BEAT);
    CHECK_EQ_U64(iso_or_health_answer(&health, 9001, 7, 1), READ);
    CHECK(health.state == ISO_OR_LOST);
    CHECK_EQ_U64(iso_or_health_described(&health, 9100, true), TELL);
    CHECK(health.state == ISO_OR_UP);
}

TEST(one_that_answered_while_it_was_read_and_then_went_is_not_up)
{
    struct iso_or_health health = fresh(1000);
    (void)iso_or_health_tick(&health, 1000);
    CHECK_EQ_U64(iso_or_health_answer(&health, 1000, 7, 1), READ);
    (void)iso_or_health_tick(&health, 3000);
    (void)iso_or_health_miss(&health, 3000);
    (void)iso_or_health_described(&health, 3100, true);
    CHECK(health.state == ISO_OR_KNOWN);
    (void)iso_or_health_tick(&health, 5000);
    CHECK_EQ_U64(iso_or_health_answer(&health, 5000, 7, 1), 0);
    /* Read once more, for what it said belongs to the time before. */
    CHECK_EQ_U64(iso_or_health_due(&health), 7000);
}

TEST(a_new_revision_is_told_at_once_and_read_at_most_every_five_seconds)
{
    struct iso_or_health health = up();
    CHECK_EQ_U64(iso_or_health_tick(&health, 3000), BEAT);
    CHECK_EQ_U64(iso_or_health_answer(&health, 3000, 7, 2), TELL);
    CHECK_EQ_U64(iso_or_health_tick(&health, 5000), BEAT);
    CHECK_EQ_U64(iso_or_health_answer(&health, 5000, 7, 3), TELL);
    CHECK_EQ_U64(iso_or_health_due(&health), 6000);
    CHECK_EQ_U64(iso_or_health_tick(&health, 6000), READ);
    /* What changes while it is read makes it stale again. */
    CHECK_EQ_U64(iso_or_health_tick(&health, 7000), BEAT);
    CHECK_EQ_U64(iso_or_health_answer(&health, 7000, 7, 4), TELL);
    CHECK_EQ_U64(iso_or_health_described(&health, 7100, true), TELL);
    CHECK_EQ_U64(iso_or_health_tick(&health, 9000), BEAT);
    CHECK_EQ_U64(iso_or_health_answer(&health, 9000, 7, 4), 0);
    CHECK_EQ_U64(iso_or_health_tick(&health, 11000), BEAT);
    CHECK_EQ_U64(iso_or_health_answer(&health, 11000, 7, 4), 0);
    CHECK_EQ_U64(iso_or_health_tick(&health, 12100), READ);
}

TEST(a_description_is_read_again_after_ten_minutes)
{
    struct iso_or_health health = up();
    unsigned reads = 0;
    uint64_t read_ms = 0;
    for (uint64_t t = 3000; t < 1300000; t += 2000) {
        unsigned wants = iso_or_health_tick(&health, t);
        CHECK((wants & BEAT) != 0);
        wants |= iso_or_health_answer(&health, t, 7, 1);
        if ((wants & READ) != 0) {
            reads++;
            read_ms = read_ms != 0 ? read_ms : t;
            (void)iso_or_health_described(&health, t, true);
        }
    }
    CHECK_EQ_U64(reads, 2);
    CHECK_EQ_U64(read_ms, 601000);
}

TEST(one_that_refuses_comes_back_by_way_of_its_description)
{
    struct iso_or_health health = up();
    (void)iso_or_health_tick(&health, 3000);
    CHECK_EQ_U64(iso_or_health_refuse(&health, 3000), TELL);
    CHECK(health.state == ISO_OR_REFUSES);
    (void)iso_or_health_tick(&health, 5000);
    CHECK_EQ_U64(iso_or_health_refuse(&health, 5000), 0); /* told once */
    (void)iso_or_health_tick(&health, 7000);
    CHECK_EQ_U64(iso_or_health_answer(&health, 7000, 7, 1), TELL | READ);
    CHECK(health.state == ISO_OR_KNOWN);
    CHECK_EQ_U64(iso_or_health_described(&health, 7010, true), TELL);
    CHECK(health.state == ISO_OR_UP);
}

TEST(one_that_refuses_and_then_is_silent_is_lost)
{
    struct iso_or_health health = up();
    (void)iso_or_health_tick(&health, 3000);
    (void)iso_or_health_refuse(&health, 3000);
    unsigned told = 0;
    for (uint64_t t = 5000; t <= 9000; t += 2000) {
        told |= iso_or_health_tick(&health, t) & TELL;
        (void)iso_or_health_miss(&health, t);
    }
    CHECK(health.state == ISO_OR_LOST && told != 0);
}

TEST(after_the_start_devices_have_twenty_seconds)
{
    struct iso_or_health health = fresh(1000);
    uint64_t t = 1000;
    for (; t < 21000; t += 2000) {
        CHECK_EQ_U64(iso_or_health_tick(&health, t), BEAT);
        (void)iso_or_health_miss(&health, t);
        CHECK(health.state == ISO_OR_KNOWN);
    }
    CHECK_EQ_U64(iso_or_health_tick(&health, 21000), TELL | BEAT);
    CHECK(health.state == ISO_OR_LOST);
}

TEST(what_we_did_not_ask_for_in_time_is_not_held_against_it)
{
    /* We stood still for a minute, with a heartbeat under way. */
    struct iso_or_health health = up();
    CHECK_EQ_U64(iso_or_health_tick(&health, 3000), BEAT);
    CHECK_EQ_U64(iso_or_health_tick(&health, 63000), 0);
    CHECK_EQ_U64(iso_or_health_miss(&health, 63000), 0);
    CHECK(health.state == ISO_OR_UP);
    CHECK_EQ_U64(iso_or_health_due(&health), 65000);
    CHECK_EQ_U64(iso_or_health_tick(&health, 65000), BEAT);
    CHECK_EQ_U64(iso_or_health_answer(&health, 65001, 7, 1) & TELL, 0);
    CHECK(health.state == ISO_OR_UP);
}

TEST(other_answers_keep_it_from_being_suspect)
{
    struct iso_or_health health = up();
    (void)iso_or_health_tick(&health, 3000);
    (void)iso_or_health_miss(&health, 3000);
    CHECK_EQ_U64(iso_or_health_heard(&health, 4000), 0);
    (void)iso_or_health_tick(&health, 5000);
    CHECK_EQ_U64(iso_or_health_miss(&health, 5000), 0);
    CHECK(health.state == ISO_OR_UP);
    (void)iso_or_health_tick(&health, 7000);
    CHECK_EQ_U64(iso_or_health_miss(&health, 7000), TELL);
    CHECK_EQ_U64(iso_or_health_heard(&health, 7500), TELL);
    CHECK(health.state == ISO_OR_UP);
}

/* ---- Every sequence -----------------------------------------------------------------------------
 */

enum { DEPTH = 10, EVENTS = 9 };

/* What is known of a device besides its state, to judge that by. */
struct history {
    uint64_t now_ms, answered_ms;
    unsigned misses;       /* in a row */
    bool beating, reading; /* as the caller sees it */
    bool read_since;       /* a description was read since it was away */
};

static uint64_t checked;

static void judge(enum iso_or_device_state before, const struct iso_or_health *health,
                  unsigned wants, struct history *history, unsigned event)
{
    const enum iso_or_device_state after = health->state;
    CHECK((wants & BEAT) == 0 || !history->beating); /* one at a time */
    CHECK((wants & READ) == 0 || !history->reading);
    CHECK(after == before || (wants & TELL) != 0); /* no change in silence */
    if (after == ISO_OR_LOST && before != ISO_OR_LOST) {
        CHECK(history->misses >= ISO_OR_SUSPECT_AFTER_MISSED);
        CHECK(history->now_ms - history->answered_ms >= ISO_OR_LOST_AFTER_MS);
    }
    if (after == ISO_OR_SUSPECT && before != ISO_OR_SUSPECT) {
        CHECK(before == ISO_OR_UP && history->misses >= ISO_OR_SUSPECT_AFTER_MISSED);
    }
    if (after == ISO_OR_UP && before != ISO_OR_UP && before != ISO_OR_SUSPECT) {
        CHECK(event == 7); /* only with its description */
    }
    if (after == ISO_OR_REFUSES && before != ISO_OR_REFUSES) {
        CHECK(event == 6);
    }
    CHECK((wants & READ) == 0 || history->misses == 0); /* only who answers is read */
    history->beating = history->beating || (wants & BEAT) != 0;
    history->reading = history->reading || (wants & READ) != 0;
    /* After a tick nothing is overdue. */
    CHECK(event > 2 || iso_or_health_due(health) > history->now_ms);
    checked++;
}

/* False: this event cannot come now. */
static bool happen(unsigned event, struct iso_or_health *health, struct history *history,
                   unsigned *wants)
{
    static const uint64_t steps_ms[] = {500, 2000, 7000};
    switch (event) {
    case 0:
    case 1:
    case 2:
        history->now_ms += steps_ms[event];
        *wants = iso_or_health_tick(health, history->now_ms);
        return true;
    case 3:
    case 4:
        if (!history->beating) {
            return false;
        }
        history->beating = false;
        history->answered_ms = history->now_ms;
        history->misses = 0;
        /* The same as ever, or started anew. */
        *wants =
            iso_or_health_answer(health, history->now_ms,
                                 event == 3 ? health->boot : health->boot + 1, health->revision);
        return true;
    case 5:
    case 6:
        if (!history->beating) {
            return false;
        }
        history->beating = false;
        if (event == 5) {
            history->misses++;
            *wants = iso_or_health_miss(health, history->now_ms);
        } else {
            history->answered_ms = history->now_ms;
            history->misses = 0;
            *wants = iso_or_health_refuse(health, history->now_ms);
        }
        return true;
    default:
        if (!history->reading) {
            return false;
        }
        history->reading = false;
        *wants = iso_or_health_described(health, history->now_ms, event == 7);
        return true;
    }
}

static void explore(struct iso_or_health health, struct history history, unsigned depth)
{
    for (unsigned event = 0; event < EVENTS; event++) {
        struct iso_or_health next = health;
        struct history after = history;
        unsigned wants = 0;
        if (happen(event, &next, &after, &wants)) {
            judge(health.state, &next, wants, &after, event);
            if (depth > 1) {
                explore(next, after, depth - 1);
            }
        }
    }
}

TEST(no_sequence_of_events_breaks_the_rules)
{
    const struct history none = {.now_ms = 1000, .answered_ms = 1000};
    explore(fresh(1000), none, DEPTH);
    explore(up(), none, DEPTH);
    CHECK(checked > 100000);
}
