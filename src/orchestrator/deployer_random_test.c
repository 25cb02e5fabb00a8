/* Thousands of runs with faults at random: lost requests and answers, errors, slowness, devices
 * that go off and on, partitions, an orchestrator that is killed at any point, changes of three
 * applications meanwhile. What must always hold is looked at after each thing that a device does;
 * when the faults have ended, everything is as it should be without help. */
#include "orchestrator/deployer_test_support.h"

#include <stdio.h>
#include <stdlib.h>

enum { RUNS = 1500, ACTIONS = 12 };

static const char *const apps[SIM_APPS] = {"alpha", "beta", "gamma"};

static const char *place(struct sim *sim, char out[64])
{
    uint32_t at = sim_below(sim, (uint32_t)sim->device_count + 2);
    out[0] = '\0';
    if (at < sim->device_count) {
        (void)iso_format(out, 64, ", \"place\": {\"device\": \"name%u\"}", at);
    }
    return out;
}

/* What people remove, an application or a component of it, is gone for them, also from a device
 * that is away: put again elsewhere, it may run twice until that device is back. */
static void removing(struct sim *sim)
{
    for (size_t i = 0; i < sim->device_count; i++) {
        const struct sim_device *device = &sim->devices[i];
        sim->two_allowed = sim->two_allowed || !device->alive || !device->connected;
    }
}

static void deploy(struct sim *sim, const char *app)
{
    char text[1024], a[64], b[64], c[64];
    bool two = sim_below(sim, 2) != 0;
    if (!two) {
        removing(sim);
    }
    const char *counter = sim_below(sim, 4) != 0 ? "counter" : "counter2";
    const char *loss =
        sim->two_allowed && sim_below(sim, 2) != 0 ? ", \"on-loss\": \"restart\"" : "";
    (void)iso_format(text, sizeof text,
                     "{\"app\": \"%s\", \"components\": {\"greeter\": {\"package\": "
                     "\"file:greeter\"%s}, \"counter\": {\"package\": \"file:%s\", \"mode\": "
                     "\"service\"%s%s}%s%s%s}, \"drain\": \"%us\"}",
                     app, place(sim, a), counter, loss, place(sim, b),
                     two ? ", \"other\": {\"package\": \"file:worker\", \"mode\": \"service\"" : "",
                     two ? place(sim, c) : "", two ? "}" : "", sim_below(sim, 5));
    (void)sim_deploy(sim, text);
}

static void change(struct sim *sim)
{
    const char *app = apps[sim_below(sim, SIM_APPS)];
    struct iso_str name = iso_str_from_z(app);
    uint64_t generation = 0;
    char device[16];
    (void)iso_format(device, sizeof device, "name%u", sim_below(sim, (uint32_t)sim->device_count));
    struct iso_str to = iso_str_from_z(sim_below(sim, 4) != 0 ? device : "");
    enum iso_err err = ISO_OK;
    switch (sim_below(sim, 8)) {
    case 0:
        removing(sim);
        err = iso_or_deployer_remove(sim->deployer, name, &generation, NULL);
        break;
    case 1:
        err = iso_or_deployer_rollback(sim->deployer, name, 0, &generation, NULL);
        break;
    case 2:
    case 3:
    case 4:
        err = iso_or_deployer_move(sim->deployer, name, iso_str_from_z("counter"), to, &generation,
                                   NULL);
        break;
    default:
        deploy(sim, app);
        break;
    }
    CHECK(err == ISO_OK || err == ISO_E_NOT_FOUND || err == ISO_E_STATE || sim->dead);
}

static void disturb(struct sim *sim)
{
    size_t device = sim_below(sim, (uint32_t)sim->device_count);
    switch (sim_below(sim, 6)) {
    case 0:
        sim_power(sim, device, !sim->devices[device].alive);
        break;
    case 1:
        sim_link(sim, device, !sim->devices[device].connected);
        break;
    case 2:
        sim->devices[device].model.full = !sim->devices[device].model.full;
        break;
    case 3:
        sim->kill_at = sim->points + 1 + sim_below(sim, 40);
        break;
    default:
        change(sim);
        break;
    }
}

static void heal(struct sim *sim)
{
    sim->lost_before = sim->lost_after = sim->errors = sim->slow = 0;
    sim->kill_at = 0;
    for (size_t i = 0; i < sim->device_count; i++) {
        sim_power(sim, i, true);
        sim_link(sim, i, true);
        sim->devices[i].model.full = false;
    }
}

static void run(uint64_t seed)
{
    struct sim sim;
    static const uint32_t pauses[] = {5, 20, 100, 1000, 7000, 30000};
    sim_init(&sim, 2 + seed % 4, seed);
    sim.two_allowed = seed % 3 == 0;
    sim.lost_before = sim_below(&sim, 3) * 40;
    sim.lost_after = sim_below(&sim, 3) * 40;
    sim.errors = sim_below(&sim, 3) * 30;
    sim.slow = sim_below(&sim, 3) * 30;
    sim_start(&sim);
    change(&sim);
    for (unsigned i = 0; i < ACTIONS; i++) {
        sim_run(&sim, 1 + sim_below(&sim, pauses[sim_below(&sim, ISO_COUNT_OF(pauses))]));
        (void)sim_revive(&sim);
        disturb(&sim);
    }
    sim_run(&sim, 1 + sim_below(&sim, 20000));
    (void)sim_revive(&sim);
    heal(&sim);
    for (unsigned i = 0; i < 40 && !sim_settled(&sim); i++) {
        sim_run(&sim, 15000);
    }
    sim_run(&sim, 90000); /* what came after its own abort expires */
    sim_check_settled(&sim);
    CHECK(sim_settled(&sim));
    sim_fini(&sim);
}

TEST(faults_at_random)
{
    const char *only = getenv("ISOMER_SIM_SEED");
    uint64_t seed = only != NULL ? strtoull(only, NULL, 10) : 1;
    uint64_t end = only != NULL ? seed + 1 : RUNS;
    for (; seed < end; seed++) {
        printf("\rseed %llu: ", (unsigned long long)seed);
        run(seed);
    }
}
