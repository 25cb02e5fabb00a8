/* The deployer over a fleet that is played: each state of a generation, each fault by itself. */
#include "orchestrator/deployer_test_support.h"

#include <stdio.h>
#include <stdlib.h>

#define TWO(counter_members, more)                                                                 \
    "{\"app\": \"one\", \"components\": {\"greeter\": {\"package\": \"file:greeter\", "            \
    "\"place\": {\"device\": \"name0\"}}, \"counter\": {\"package\": \"file:counter\", "           \
    "\"mode\": \"service\"" counter_members "}}" more "}"
#define AT(name) ", \"place\": {\"device\": \"" name "\"}"

static void count(struct sim *sim, size_t device, int64_t value)
{
    struct model_app *app = model_app(&sim->devices[device].model, "one");
    CHECK(app != NULL);
    for (size_t i = 0; i < app->component_count; i++) {
        if (strcmp(app->components[i].name, "counter") == 0) {
            app->components[i].value = value;
        }
    }
}

static int64_t counted(struct sim *sim)
{
    size_t at = sim_runs(sim, "one", "counter");
    CHECK(at != SIZE_MAX);
    return model_component(&sim->devices[at].model, "one", "counter")->value;
}

static void started(struct sim *sim, size_t devices)
{
    sim_init(sim, devices, 1);
    sim_start(sim);
}

static void settle(struct sim *sim)
{
    sim_run(sim, 60000);
    sim_check_settled(sim);
}

TEST(deploys_on_two_devices)
{
    struct sim sim;
    started(&sim, 3);
    CHECK_EQ_U64(sim_deploy(&sim, TWO(AT("name1"), "")), 1);
    CHECK(sim_until(&sim, "one", "running", 5000));
    CHECK_EQ_U64(sim_runs(&sim, "one", "greeter"), 0);
    CHECK_EQ_U64(sim_runs(&sim, "one", "counter"), 1);
    settle(&sim);
    CHECK_STR(sim.events_told, "accepted deployed ");
    /* The same again changes nothing. */
    CHECK_EQ_U64(sim_deploy(&sim, TWO(AT("name1"), "")), 1);
    sim_fini(&sim);
}

TEST(moves_a_service_with_its_state)
{
    struct sim sim;
    uint64_t generation = 0;
    started(&sim, 3);
    (void)sim_deploy(&sim, TWO("", ""));
    CHECK(sim_until(&sim, "one", "running", 5000));
    size_t from = sim_runs(&sim, "one", "counter");
    count(&sim, from, 7);
    CHECK_OK(iso_or_deployer_move(sim.deployer, iso_str_from_z("one"), iso_str_from_z("counter"),
                                  iso_str_from_z("name2"), &generation, NULL));
    CHECK_EQ_U64(generation, 2);
    CHECK(sim_until(&sim, "one", "deploying", 100));
    CHECK(sim_until(&sim, "one", "running", 5000));
    CHECK_EQ_U64(sim_runs(&sim, "one", "counter"), 2);
    CHECK_EQ_U64((uint64_t)counted(&sim), 7);
    CHECK_EQ_U64(sim.moved, 1);
    CHECK_EQ_U64((uint64_t)sim.devices[from].model.sent_ahead, 1);
    settle(&sim);
    /* It stays there when the same is deployed with another detail. */
    (void)sim_deploy(&sim, TWO("", ", \"drain\": \"1s\""));
    settle(&sim);
    CHECK_EQ_U64(sim_runs(&sim, "one", "counter"), 2);
    CHECK_EQ_U64((uint64_t)counted(&sim), 7);
    sim_fini(&sim);
}

/* The device that a component has left, which has deleted everything of the application, is as
 * wanted; also for an orchestrator that does not know whether it has told it to. */
TEST(what_was_left_is_no_reason_for_a_repair)
{
    struct sim sim;
    uint64_t generation = 0;
    started(&sim, 3);
    (void)sim_deploy(&sim, "{\"app\": \"one\", \"components\": {\"counter\": {\"package\": "
                           "\"file:counter\", \"mode\": \"service\"}}}");
    CHECK(sim_until(&sim, "one", "running", 5000));
    size_t from = sim_runs(&sim, "one", "counter");
    count(&sim, from, 7);
    CHECK_OK(iso_or_deployer_move(sim.deployer, iso_str_from_z("one"), iso_str_from_z("counter"),
                                  iso_str_from_z(from == 2 ? "name1" : "name2"), &generation,
                                  NULL));
    settle(&sim);
    CHECK_STR(sim.events_told, "accepted deployed accepted moved deployed ");
    CHECK(model_app(&sim.devices[from].model, "one") == NULL ||
          model_app(&sim.devices[from].model, "one")->committed == NULL);
    for (unsigned times = 0; times < 2; times++) {
        sim_kill(&sim);
        sim_start(&sim);
        settle(&sim);
        sim_power(&sim, from, false);
        sim_run(&sim, 120000);
        sim_power(&sim, from, true);
        settle(&sim);
        CHECK_STR(sim.events_told, "accepted deployed accepted moved deployed ");
    }
    CHECK_EQ_U64((uint64_t)counted(&sim), 7);
    sim_fini(&sim);
}

/* A command's runs under way go along; of any other function, a new copy begins. */
TEST(moves_what_a_command_computes)
{
    static const char alone[] =
        "{\"app\": \"one\", \"components\": {\"counter\": {\"package\": \"file:counter\"}}}";
    for (unsigned command = 0; command < 2; command++) {
        struct sim sim;
        uint64_t generation = 0;
        sim_init(&sim, 3, 1);
        sim.modules[1].interface.origin = command != 0 ? ISO_ORIGIN_COMMAND : ISO_ORIGIN_EMBEDDED;
        sim_start(&sim);
        (void)sim_deploy(&sim, alone);
        CHECK(sim_until(&sim, "one", "running", 5000));
        count(&sim, sim_runs(&sim, "one", "counter"), 7);
        const char *to = sim_runs(&sim, "one", "counter") == 2 ? "name1" : "name2";
        CHECK_OK(iso_or_deployer_move(sim.deployer, iso_str_from_z("one"),
                                      iso_str_from_z("counter"), iso_str_from_z(to), &generation,
                                      NULL));
        CHECK(sim_until(&sim, "one", "deploying", 100));
        CHECK(sim_until(&sim, "one", "running", 5000));
        settle(&sim); /* the old copy of a function runs beside the new one for a while */
        CHECK_EQ_U64((uint64_t)counted(&sim), command != 0 ? 7 : 0);
        CHECK_EQ_U64(sim.moved, command);
        sim_fini(&sim);
    }
}
