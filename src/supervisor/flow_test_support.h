/* flow_test_support.h - devices with one flow, and a network between them that loses, doubles and
 * exchanges messages, under a clock of its own. */
#ifndef ISO_SUPERVISOR_FLOW_TEST_SUPPORT_H
#define ISO_SUPERVISOR_FLOW_TEST_SUPPORT_H

#include "supervisor/flow.h"

enum { SIM_DEVICES = 3, SIM_STEPS = 8, SIM_LOG = 20000 };
#define SIM_MS UINT64_C(1000000)

struct sim_event;

/* Chances are in thousandths. */
struct sim_network {
    unsigned lose_request, lose_answer, twice;
    uint64_t delay_min_ns, delay_max_ns;
    uint64_t timeout_ns; /* after which a sender knows that it does not know */
    bool down;
};

/* What a step does, and what it did. */
struct sim_step {
    unsigned device;
    uint64_t takes_ns;
    const char *fails;     /* each, with this text; NULL: none */
    unsigned busy;         /* chance that the component's queue is full */
    uint32_t result_bytes; /* of a byte string beside the number; 0: none */
    uint32_t count;
    uint64_t values[SIM_LOG]; /* that it was given, in order */
};

struct sim_waiter {
    uint64_t id;
    unsigned ended;
    enum iso_sv_flow_end end;
    uint64_t value;
    char text[ISO_SV_FLOW_TEXT];
};

struct sim {
    uint64_t now_ns;
    uint64_t random;
    struct sim_network network;
    uint32_t step_count;
    struct sim_step steps[SIM_STEPS];
    enum iso_sv_flow_overload overload;
    uint32_t window;
    uint64_t run_ns;
    uint64_t every_ns;
    bool wants_result;
    unsigned source; /* the device where the runs begin */
    uint64_t generations;
    uint64_t produced; /* values by step 0 */
    struct iso_sv_flow *flows[SIM_DEVICES];
    uint64_t incarnation[SIM_DEVICES];
    struct sim_device {
        struct sim *sim;
        unsigned index;
    } devices[SIM_DEVICES];
    struct sim_event **events; /* a heap by time, then number */
    uint32_t event_count, event_capacity;
    uint64_t next_event;
    struct sim_waiter waiters[64];
    uint64_t refused;
    unsigned turns; /* to failing, and back */
};

/* Three devices; steps[] has devices and times. Fill in the rest, then sim_start. */
void sim_init(struct sim *sim, uint32_t step_count, uint64_t seed);
void sim_start(struct sim *sim);
void sim_run_until(struct sim *sim, uint64_t at_ns);
/* The device loses all it had. */
void sim_restart(struct sim *sim, unsigned device);
void sim_fini(struct sim *sim);
uint64_t sim_random(struct sim *sim);
/* With an input of one number. */
bool sim_offer(struct sim *sim, uint64_t value, uint64_t waiter);
const struct iso_sv_flow_stats *sim_stats(struct sim *sim);
/* No step was given a value twice, or one after a greater one. */
bool sim_in_order(const struct sim *sim);

#endif
