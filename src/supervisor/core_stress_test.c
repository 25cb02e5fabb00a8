/* Many components, callers and owners that do everything in random order: every call ends once, and
 * nothing is left. Allocations that fail anywhere. */
#include "supervisor/core_test_support.h"

enum { PARTS = 12, CALLS = 600 };

struct stress {
    struct rig *rig;
    uint32_t random;
    struct iso_sv_component *parts[PARTS]; /* NULL: gone, or going */
    unsigned going, frozen_wanted, frozen_told;
    struct iso_sv_call *calls[CALLS];
    unsigned begun, outcomes[ISO_SV_OUTCOME_COUNT];
};

static uint32_t below(struct stress *s, uint32_t n)
{
    s->random = s->random * 1664525 + 1013904223;
    return (s->random >> 8) % n;
}

static void stress_gone(void *ctx, struct iso_sv_component *component)
{
    struct stress *s = ctx;
    iso_sv_component_destroy(component);
    s->going--;
}

/* Told of the end of a freeze, however that was: it goes on. */
static void stress_frozen(void *ctx, struct iso_sv_component *component, enum iso_err err,
                          const struct iso_report *report)
{
    struct stress *s = ctx;
    (void)report;
    s->frozen_told++;
    if (err == ISO_OK) {
        iso_sv_component_thaw(component);
    }
}

/* Callers link to the parts before them. */
static void make_part(struct stress *s, uint32_t at)
{
    static const enum rig_guest guests[] = {RIG_UNIT, RIG_CALLER, RIG_WAITER};
    enum rig_guest guest = guests[at % 3];
    struct iso_sv_component_def def =
        rig_def(s->rig, guest, (at & 1) != 0 ? ISO_SV_SERVICE : ISO_SV_FUNCTION);
    struct iso_sv_link link;
    char name[16];
    (void)iso_format(name, sizeof name, "p%u", (unsigned)at);
    def.name = iso_str_from_z(name);
    def.limits.time_ns = UINT64_C(300000000);
    def.limits.queue = 8;
    def.limits.instances = 4;
    if (guest == RIG_CALLER) {
        if (s->parts[at - 1] == NULL) {
            return;
        }
        link = rig_link(s->parts[at - 1]);
        def.links = &link;
        def.link_count = 1;
    }
    s->parts[at] = rig_run(s->rig, &def);
}

static void begin_call(struct stress *s, uint32_t at)
{
    static const char *const unit[][2] = {{"add", "[1, 2]"}, {"work", "[200000]"},   {"crash", ""},
                                          {"spin", ""},      {"echo", "[\"aGV5\"]"}, {"bump", ""}};
    static const char *const waiter[][2] = {{"ask", "[1]"}, {"nap", "[2000000]"}, {"say", "[3]"}};
    uint32_t kind = at % 3;
    const char *const *call = kind == 2 ? waiter[below(s, 3)] : unit[below(s, 6)];
    if (kind == 1 && strcmp(call[0], "spin") == 0) {
        call = unit[1];
    }
    if (s->begun < CALLS) {
        s->calls[s->begun++] = rig_begin(s->rig, s->parts[at], call[0], call[1]);
    }
}

static void one_step(struct stress *s)
{
    uint32_t at = below(s, PARTS), what = below(s, 100);
    struct iso_sv_component *part = s->parts[at];
    if (part == NULL) {
        if (what < 50) {
            make_part(s, at);
        }
    } else if (what < 80) {
        begin_call(s, at);
    } else if (what < 84) {
        s->parts[at] = NULL;
        s->going++;
        iso_sv_component_stop(part, what < 82 ? 0 : 5000000, stress_gone, s);
    } else if (what < 90 && iso_sv_component_state(part) == ISO_SV_RUNNING) {
        s->frozen_wanted++;
        iso_sv_component_freeze(part, stress_frozen, s);
    } else if (what < 95 && s->rig->open_count != 0) {
        rig_answer(s->rig);
    } else {
        (void)uv_run(&s->rig->loop, UV_RUN_NOWAIT);
    }
}

TEST(everything_in_random_order)
{
    for (uint32_t seed = 1; seed <= 6; seed++) {
        struct rig *rig = rig_start(NULL);
        static struct stress s;
        memset(&s, 0, sizeof s);
        s.rig = rig;
        s.random = seed;
        for (uint32_t i = 0; i < PARTS; i++) {
            make_part(&s, i);
        }
        while (s.begun < CALLS) {
            one_step(&s);
        }
        for (unsigned i = 0; i < s.begun; i++) {
            RIG_UNTIL(rig, rig_has_ended(s.calls[i]));
            s.outcomes[s.calls[i]->outcome]++;
            rig_end(s.calls[i]);
        }
        CHECK_EQ_U64(rig->ended, CALLS);
        CHECK(s.outcomes[ISO_SV_DONE] > 50 && s.outcomes[ISO_SV_TRAP] > 0);
        for (uint32_t i = PARTS; i-- > 0;) {
            if (s.parts[i] != NULL) {
                s.going++;
                iso_sv_component_stop(s.parts[i], 0, stress_gone, &s);
            }
        }
        RIG_UNTIL(rig, s.going == 0);
        CHECK(s.frozen_told <= s.frozen_wanted);
        rig_stop(rig);
    }
}

/* ---- Memory that is short -------------------------------------------------------------------- */

/* All that can be done with two components; whatever fails, every call ends. */
static void short_of_memory(struct rig *rig)
{
    struct iso_sv_component *parts[2] = {NULL, NULL};
    for (int i = 0; i < 2; i++) {
        struct iso_sv_component_def def = rig_def(rig, i == 0 ? RIG_UNIT : RIG_CALLER, i == 0);
        struct iso_sv_link link;
        if (i == 1) {
            link = rig_link(parts[0]);
            def.name = iso_str_from_z("caller");
            def.links = &link;
            def.link_count = 1;
        }
        parts[i] = rig_try(rig, &def);
        if (parts[i] == NULL) {
            break;
        }
        iso_sv_component_start(parts[i]);
    }
    static const char *const calls[][2] = {
        {"add", "[1, 2]"}, {"echo", "[\"aGVsbG8=\"]"}, {"crash", ""}, {"work", "[300000]"}};
    for (size_t i = 0; i < 2 * ISO_COUNT_OF(calls); i++) {
        struct iso_sv_component *part = parts[i % 2];
        struct iso_sv_call *call = part != NULL ? iso_sv_call_create(rig->core) : NULL;
        if (call == NULL) {
            continue;
        }
        const char *body = calls[i / 2][1];
        if (iso_sv_call_set_body(call, iso_bytes_from(body, strlen(body))) != ISO_OK) {
            iso_sv_call_destroy(call);
            continue;
        }
        rig_mark(rig, call);
        rig_send(rig, call, part, calls[i / 2][0]);
        RIG_UNTIL(rig, rig_has_ended(call));
        CHECK(call->outcome == ISO_SV_DONE || call->report.text[0] != '\0');
        rig_end(call);
    }
    for (int i = 1; i >= 0; i--) {
        if (parts[i] != NULL) {
            rig_remove(rig, parts[i]);
        }
    }
}

TEST(each_allocation_may_fail)
{
    struct rig *rig = rig_start(NULL);
    (void)rig_program(rig, RIG_UNIT);
    (void)rig_program(rig, RIG_CALLER);
    bool failed = true;
    for (uint64_t n = 1; failed; n++) {
        rig_fail(n);
        short_of_memory(rig);
        failed = rig_fail(0);
    }
    short_of_memory(rig);
    rig_stop(rig);
}
