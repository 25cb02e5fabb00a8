/* core_test_support.h - a core with its loop, guests and a device, for the tests of the core. */
#ifndef ISO_SUPERVISOR_CORE_TEST_SUPPORT_H
#define ISO_SUPERVISOR_CORE_TEST_SUPPORT_H

#include "base/test.h"
#include "supervisor/call.h"
#include "supervisor/host.h"
#include "supervisor/limits.h"

/* The programs of core_test_guests/. */
enum rig_guest {
    RIG_UNIT,
    RIG_CALLER,
    RIG_WAITER,
    RIG_EARLY,
    RIG_BROKEN,
    RIG_FLAKY,
    RIG_COMMAND,
    RIG_REACTOR,
    RIG_READER,
    RIG_GUEST_COUNT
};

enum { RIG_ASKED_MAX = 20000 };

struct rig {
    uv_loop_t loop;
    struct iso_sv_core *core;
    struct iso_sv_program *programs[RIG_GUEST_COUNT];
    struct iso_wit wit; /* of the device */
    struct iso_sv_host_interface interfaces[4];
    struct iso_sv_host_set hosts;
    /* isomer:device/probe: `ask` waits until the test answers, unless: */
    bool answer_now; /* it answers at once, with the argument plus one */
    uint32_t answer; /* added to the argument */
    uint32_t asked;  /* operations that began */
    uint32_t cancelled;
    uint32_t destroyed;
    struct probe_op *open[RIG_ASKED_MAX]; /* those that wait */
    uint32_t open_count;
    /* What the core told. */
    char log[4096];
    unsigned lines, events, changes, states;
    struct iso_report report;
    enum iso_err ready_err;
    unsigned ready, gone, frozen;
    unsigned ended;
};

/* config: workers and so on; may be NULL. One at a time. */
struct rig *rig_start(const struct iso_sv_core_config *config);
/* Everything has been destroyed; fails when memory is leaked. */
void rig_stop(struct rig *rig);

/* The core's allocator; counts, fails where told, any thread. */
const struct iso_alloc *rig_alloc(void);

/* The bytes of a guest. */
struct iso_bytes rig_bytes(enum rig_guest guest);
/* A copy from the core's allocator. */
uint8_t *rig_copy(struct iso_bytes bytes);
const char *rig_wit(enum rig_guest guest);
struct iso_sv_program *rig_program(struct rig *rig, enum rig_guest guest);

/* Turn the loop until a condition holds; fails after 60 s. */
#define RIG_UNTIL(rig, cond)                                                                       \
    for (uint64_t start_ = uv_hrtime(); !(cond);) {                                                \
        rig_turn(rig, start_, #cond);                                                              \
    }
void rig_turn(struct rig *rig, uint64_t start_ns, const char *what);
/* Turn the loop for so long. */
void rig_turn_for(struct rig *rig, uint64_t ms);
/* Callbacks that count in rig->gone and rig->frozen. */
void rig_gone(void *ctx, struct iso_sv_component *component);
void rig_frozen(void *ctx, struct iso_sv_component *component, enum iso_err err,
                const struct iso_report *report);

/* A definition with defaults to change, the component made of it (which must become ready), and
 * running. */
struct iso_sv_component_def rig_def(struct rig *rig, enum rig_guest guest, enum iso_sv_mode mode);
struct iso_sv_component *rig_prepare(struct rig *rig, const struct iso_sv_component_def *def);
struct iso_sv_component *rig_component(struct rig *rig, enum rig_guest guest,
                                       enum iso_sv_mode mode);
struct iso_sv_component *rig_run(struct rig *rig, const struct iso_sv_component_def *def);
/* Stop at once, and destroy. */
void rig_remove(struct rig *rig, struct iso_sv_component *component);
/* The link "test:unit/calc@1.0.0" to a component. */
struct iso_sv_link rig_link(struct iso_sv_component *to);

/* Begin a call with JSON in and out. rig->ended counts those that have ended; it is destroyed with
 * rig_end. It is marked by ctx: NULL until it has ended. */
struct iso_sv_call *rig_begin(struct rig *rig, struct iso_sv_component *component,
                              const char *function, const char *body);
/* The two halves of it: a call to fill in, and its start. */
struct iso_sv_call *rig_open(struct rig *rig);
void rig_send(struct rig *rig, struct iso_sv_call *call, struct iso_sv_component *component,
              const char *function);
bool rig_has_ended(const struct iso_sv_call *call);
void rig_end(struct iso_sv_call *call);
/* Call and wait; "OUTCOME TEXT": the reply, or the report. Valid until the next one. */
const char *rig_text(const struct iso_sv_call *call);
const char *rig_call(struct rig *rig, struct iso_sv_component *component, const char *function,
                     const char *body);

/* Make an own call one that rig_has_ended knows. */
void rig_mark(struct rig *rig, struct iso_sv_call *call);
/* As rig_prepare, where anything may fail: NULL when there is no component; it may not be ready. */
struct iso_sv_component *rig_try(struct rig *rig, const struct iso_sv_component_def *def);
/* The n-th allocation from now on fails (0: none); true: one has failed since the last time. */
bool rig_fail(uint64_t n);

/* Answer the oldest that waits at the probe. */
void rig_answer(struct rig *rig);
struct iso_sv_component_stats rig_stats(const struct iso_sv_component *component);

#endif
