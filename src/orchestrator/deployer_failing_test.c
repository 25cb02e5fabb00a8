/* An application whose components are all up and whose flow fails is not said to be running. */
#include "orchestrator/deployer_test_support.h"

#define APP "{\"app\": \"one\", \"components\": {\"worker\": {\"package\": \"file:worker\"}}}"

static void note(struct sim *sim, size_t device, const char *error)
{
    model_app(&sim->devices[device].model, "one")->failing = error;
    sim->devices[device].seen.revision++; /* as its heartbeat says */
    iso_or_deployer_device_changed(sim->deployer, &sim->devices[device].seen, false);
    sim_run(sim, 5000);
}

TEST(a_flow_that_fails_is_the_state_of_its_application)
{
    struct sim sim;
    sim_init(&sim, 1, 1);
    sim_start(&sim);
    sim_run(&sim, 600);
    (void)sim_deploy(&sim, APP);
    CHECK(sim_until(&sim, "one", "running", 20000));
    sim_run(&sim, 5000);
    note(&sim, 0, "step 0: trap: unreachable");
    json_t *status = sim_status(&sim, "one");
    const json_t *failing = json_array_get(json_object_get(status, "failing"), 0);
    CHECK_STR(json_string_value(json_object_get(status, "state")), "failing");
    CHECK_STR(json_string_value(json_object_get(status, "reason")),
              "the flow tick fails since 2026-01-01T00:00:00Z: step 0: trap: unreachable");
    CHECK_STR(json_string_value(json_object_get(failing, "flow")), "tick");
    CHECK_STR(json_string_value(json_object_get(failing, "error")), "step 0: trap: unreachable");
    CHECK_STR(json_string_value(json_object_get(failing, "device")), sim.devices[0].id);
    const json_int_t revision = json_integer_value(json_object_get(status, "revision"));
    json_decref(status);
    /* Another error is told to those who wait for a revision, and is no event. */
    note(&sim, 0, "step 1: error: 5");
    status = sim_status(&sim, "one");
    CHECK(json_integer_value(json_object_get(status, "revision")) > revision);
    json_decref(status);
    note(&sim, 0, NULL);
    CHECK_STR(sim_state(&sim, "one"), "running");
    CHECK_STR(sim.events_told, "accepted deployed failing recovered ");
    sim_fini(&sim);
}

/* What a device says of a generation that another one has followed is no longer so. */
TEST(the_next_generation_begins_without_a_failure)
{
    struct sim sim;
    sim_init(&sim, 2, 1);
    sim_start(&sim);
    sim_run(&sim, 600);
    (void)sim_deploy(&sim, APP);
    CHECK(sim_until(&sim, "one", "running", 20000));
    const size_t at = sim_runs(&sim, "one", "worker");
    note(&sim, at, "step 0: trap");
    CHECK_STR(sim_state(&sim, "one"), "failing");
    sim_power(&sim, at, false); /* it restarts on the other, and nobody asks this one again */
    CHECK(sim_until(&sim, "one", "running", 30000));
    CHECK(sim_runs(&sim, "one", "worker") != at);
    json_t *status = sim_status(&sim, "one");
    CHECK_EQ_U64(json_array_size(json_object_get(status, "failing")), 0);
    json_decref(status);
    sim_fini(&sim);
}
