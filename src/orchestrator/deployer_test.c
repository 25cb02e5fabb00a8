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

#define LONE                                                                                       \
    "{\"app\": \"one\", \"components\": {\"counter\": {\"package\": \"file:counter\", \"mode\": "  \
    "\"service\"}}}"
#define MOVED "accepted deployed accepted moved deployed "

static void move_to(struct sim *sim, size_t device)
{
    uint64_t generation = 0;
    struct iso_str name = iso_str_from_z(sim->devices[device].seen.name);
    CHECK_OK(iso_or_deployer_move(sim->deployer, iso_str_from_z("one"), iso_str_from_z("counter"),
                                  name, &generation, NULL));
}

/* A lone service that has counted to 7 is moved, and so long passes. Where it was; *to: where it
 * is. */
static size_t moved_away(struct sim *sim, uint64_t wait_ms, size_t *to)
{
    started(sim, 3);
    (void)sim_deploy(sim, LONE);
    CHECK(sim_until(sim, "one", "running", 5000));
    size_t from = sim_runs(sim, "one", "counter");
    *to = from == 2 ? 1 : 2;
    count(sim, from, 7);
    move_to(sim, *to);
    sim_run(sim, wait_ms);
    return from;
}

/* The device that a component has left, which has deleted everything of the application, is as
 * wanted; also for an orchestrator that does not know whether it has told it to. */
TEST(what_was_left_is_no_reason_for_a_repair)
{
    struct sim sim;
    size_t to = 0, from = moved_away(&sim, 60000, &to);
    sim_check_settled(&sim);
    CHECK_STR(sim.events_told, MOVED);
    for (unsigned times = 0; times < 2; times++) {
        sim_kill(&sim);
        sim_start(&sim);
        settle(&sim);
        sim_power(&sim, from, false);
        sim_run(&sim, 120000);
        sim_power(&sim, from, true);
        settle(&sim);
        CHECK_STR(sim.events_told, MOVED);
    }
    /* Nor when it is looked at while the other one is in doubt. */
    struct iso_or_app *app = iso_or_app_find(sim.deployer, iso_str_from_z("one"));
    sim.devices[to].slow_ms = 3000;
    iso_or_part_doubt(iso_or_generation_part(app->current, sim.devices[to].id));
    iso_or_app_poke(app);
    sim.devices[from].seen.revision++;
    settle(&sim);
    CHECK_STR(sim.events_told, MOVED);
    CHECK_EQ_U64((uint64_t)counted(&sim), 7);
    sim_fini(&sim);
}

/* However slow the two devices are: what is prepared again on the first is not deleted. */
TEST(moves_back_to_where_it_was)
{
    for (uint32_t slow_ms = 0; slow_ms < 3000; slow_ms += 190) {
        for (unsigned slow_source = 0; slow_source < 2; slow_source++) {
            struct sim sim;
            size_t to = 0, from = moved_away(&sim, 60000 + slow_ms % 100, &to);
            unsigned deletes = sim.devices[from].model.deletes;
            sim.devices[slow_source != 0 ? to : from].slow_ms = slow_ms;
            move_to(&sim, from);
            settle(&sim);
            CHECK_EQ_U64(sim_runs(&sim, "one", "counter"), from);
            CHECK_EQ_U64((uint64_t)counted(&sim), 7);
            CHECK_EQ_U64(sim.devices[from].model.deletes, deletes);
            CHECK_STR(sim.events_told, MOVED "accepted moved deployed ");
            sim_fini(&sim);
        }
    }
}

/* It moves back so long after it was moved; `slow` of 1,000 requests arrive when they like to. */
static void move_back_after(uint64_t wait_ms, unsigned slow, unsigned seed)
{
    struct sim sim;
    size_t to = 0, from = moved_away(&sim, wait_ms - 20, &to);
    sim.random += seed;
    sim.slow = slow;
    sim_run(&sim, 20);
    move_to(&sim, from);
    sim_run(&sim, 60000);
    sim.slow = 0;
    settle(&sim);
    CHECK_EQ_U64(sim_runs(&sim, "one", "counter"), from);
    CHECK_EQ_U64((uint64_t)counted(&sim), 7);
    CHECK_STR(sim.events_told, MOVED "accepted moved deployed ");
    sim_fini(&sim);
}

/* The same while the first device is being told to delete, or about to be. */
TEST(moves_back_as_the_drain_ends)
{
    for (uint64_t wait_ms = 9960; wait_ms < 10200; wait_ms += 2) {
        move_back_after(wait_ms, 0, 0);
    }
    for (unsigned seed = 0; seed < 60; seed++) {
        for (uint64_t wait_ms = 10030; wait_ms < 10060; wait_ms += 4) {
            move_back_after(wait_ms, 500, seed * 7919);
        }
    }
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
