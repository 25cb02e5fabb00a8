/* Devices that say what cannot be, or have what another orchestrator put there: nothing of ours is
 * lost, people are told, nothing runs twice. */
#include "orchestrator/deployer_test_support.h"

#include <inttypes.h>
#include <stdlib.h>

#define ONE(more)                                                                                  \
    "{\"app\": \"one\", \"components\": {\"worker\": {\"package\": \"file:worker\"" more "}}}"
#define AT(name) ", \"place\": {\"device\": \"" name "\"}"
#define SERVICE ", \"mode\": \"service\""

static void started(struct sim *sim, size_t devices)
{
    sim_init(sim, devices, 1);
    sim_start(sim);
    sim_run(sim, 600);
}

static void settle(struct sim *sim)
{
    sim_run(sim, 90000);
    sim_check_settled(sim);
    CHECK(sim_settled(sim));
}

static void deployed_at_0(struct sim *sim, const char *manifest)
{
    (void)sim_deploy(sim, manifest);
    CHECK(sim_until(sim, "one", "running", 20000));
    CHECK_EQ_U64(sim_runs(sim, "one", "worker"), 0);
    model_app(&sim->devices[0].model, "one")->components[0].value = 41;
    sim_run(sim, 20000);
}

static int64_t counted(struct sim *sim, size_t device)
{
    return model_component(&sim->devices[device].model, "one", "worker")->value;
}

static void ask(struct sim_device *device, const char *verb, uint64_t generation, json_t *body)
{
    char path[96], *text = json_dumps(body, JSON_COMPACT);
    (void)iso_format(path, sizeof path, "/v1/deployments/one/%" PRIu64 "/%s", generation, verb);
    CHECK(text != NULL);
    struct model_answer answer = model_request(&device->model, "POST", path, text, strlen(text));
    CHECK(answer.status < 300);
    free(answer.body);
    free(text);
}

/* What another orchestrator, with an application of the same name, put there. */
static void put_foreign(struct sim *sim, size_t device, uint64_t generation, uint64_t epoch)
{
    struct sim_device *at = &sim->devices[device];
    char digest[ISO_OR_DIGEST_SIZE];
    (void)iso_format(digest, sizeof digest, "sha256:%064x", 4);
    json_t *document = json_pack("{s:s, s:I, s:{s:{s:s, s:I, s:s}}}", "app", "one", "generation",
                                 (json_int_t)generation, "components", "worker", "module", digest,
                                 "epoch", (json_int_t)epoch, "mode", "service");
    CHECK(document != NULL);
    sim->foreign = sim->two_allowed = true;
    (void)json_object_set_new(at->model.modules, digest, json_true());
    ask(at, "prepare", generation, document);
    ask(at, "commit", generation, document);
    json_decref(document);
    at->seen.revision++;
}

static void taken_over(uint64_t generation, uint64_t epoch)
{
    struct sim sim;
    started(&sim, 3);
    deployed_at_0(&sim, ONE(AT("name0") SERVICE));
    put_foreign(&sim, 1, generation, epoch);
    settle(&sim);
    CHECK_EQ_U64(sim_runs(&sim, "one", "worker"), 0);
    CHECK_EQ_I64(counted(&sim, 0), 41);
    CHECK(model_app(&sim.devices[1].model, "one")->committed == NULL); /* no second copy */
    CHECK_CONTAINS(sim.events_told, "cleared ");
    /* It can go there, with its count. */
    uint64_t number = 0;
    CHECK_OK(iso_or_deployer_move(sim.deployer, iso_str_from_z("one"), iso_str_from_z("worker"),
                                  iso_str_from_z("name1"), &number, NULL));
    settle(&sim);
    CHECK_EQ_U64(sim_runs(&sim, "one", "worker"), 1);
    CHECK_EQ_I64(counted(&sim, 1), 41);
    sim_fini(&sim);
}

TEST(a_device_of_another_orchestrator_with_a_later_epoch)
{
    taken_over(3, 2);
    taken_over(90, 90);
}

TEST(a_device_of_another_orchestrator_with_the_same_epoch)
{
    taken_over(3, 1);
}

TEST(a_later_epoch_while_the_place_is_away)
{
    struct sim sim;
    started(&sim, 3);
    deployed_at_0(&sim, ONE(SERVICE));
    sim_link(&sim, 0, false);
    sim_run(&sim, 20000);
    put_foreign(&sim, 1, 7, 5);
    sim_run(&sim, 30000);
    sim_link(&sim, 0, true);
    settle(&sim);
    CHECK_EQ_U64(sim_runs(&sim, "one", "worker"), 0);
    CHECK_EQ_I64(counted(&sim, 0), 41);
    sim_fini(&sim);
}

/* The old copy is there until the new one runs, whatever makes people look. */
TEST(the_old_copy_stays_until_the_new_one_is_confirmed)
{
    struct sim sim;
    started(&sim, 2);
    deployed_at_0(&sim, ONE(AT("name0")));
    sim.devices[1].no_commit = true;
    (void)sim_deploy(&sim, ONE(AT("name1")));
    sim_run(&sim, 20000);
    CHECK_STR(sim_state(&sim, "one"), "waiting");
    for (unsigned i = 0; i < 3; i++) {
        sim.devices[0].seen.revision++;
        sim_run(&sim, 30000);
        CHECK_EQ_U64(sim_runs(&sim, "one", "worker"), 0);
    }
    sim_kill(&sim);
    sim_start(&sim);
    sim_run(&sim, 20000);
    CHECK_EQ_U64(sim_runs(&sim, "one", "worker"), 0);
    sim.devices[1].no_commit = false;
    CHECK(sim_until(&sim, "one", "running", 20000));
    settle(&sim);
    CHECK_EQ_U64(sim_runs(&sim, "one", "worker"), 1);
    sim_fini(&sim);
}

/* One that waits for a confirmation, or has nothing to do, does not wake up for nothing. */
TEST(waiting_costs_nothing)
{
    struct sim sim;
    started(&sim, 2);
    deployed_at_0(&sim, ONE(AT("name0")));
    sim.devices[1].no_commit = true;
    (void)sim_deploy(&sim, ONE(AT("name1")));
    sim_run(&sim, 30000);
    uint64_t before = sim.seq;
    sim_run(&sim, 30000);
    CHECK(sim.seq - before < 200);
    sim.devices[1].no_commit = false;
    settle(&sim);
    before = sim.seq;
    sim_run(&sim, 30000);
    CHECK(sim.seq - before < 100);
    sim_fini(&sim);
}

/* A device that says again and again that it has what it said was deleted is not asked once a
 * second for ever; what it has after a restart is looked at at once. */
TEST(what_is_never_deleted_is_asked_for_less_and_less_often)
{
    struct sim sim;
    started(&sim, 2);
    deployed_at_0(&sim, ONE(AT("name0")));
    struct model_device *device = &sim.devices[0].model;
    uint64_t generation = 0;
    device->keeps = true;
    CHECK_OK(iso_or_deployer_remove(sim.deployer, iso_str_from_z("one"), &generation, NULL));
    sim_run(&sim, 20000);
    sim.devices[0].seen.revision++;
    sim_run(&sim, 580000);
    CHECK(device->deletes > 8 && device->deletes < 40);
    device->keeps = false;
    sim_run(&sim, 70000);
    CHECK(model_component(device, "one", "worker") == NULL);
    sim_fini(&sim);
}

/* The same of a device that a component was moved away from. */
TEST(what_a_move_left_behind_is_deleted_in_the_end)
{
    struct sim sim;
    started(&sim, 2);
    deployed_at_0(&sim, ONE(SERVICE));
    struct model_device *device = &sim.devices[0].model;
    uint64_t generation = 0;
    device->keeps = true;
    CHECK_OK(iso_or_deployer_move(sim.deployer, iso_str_from_z("one"), iso_str_from_z("worker"),
                                  iso_str_from_z("name1"), &generation, NULL));
    sim_run(&sim, 600000);
    CHECK(device->deletes > 8 && device->deletes < 40);
    CHECK(model_app(device, "one")->committed != NULL);
    device->keeps = false;
    sim_run(&sim, 70000);
    CHECK(model_app(device, "one") == NULL || model_app(device, "one")->committed == NULL);
    CHECK_STR(sim.events_told, "accepted deployed accepted moved deployed ");
    sim_fini(&sim);
}

static void absurd(uint64_t seen, uint64_t epoch)
{
    struct sim sim;
    started(&sim, 2);
    deployed_at_0(&sim, ONE(AT("name0") SERVICE));
    struct model_app *there = model_app(&sim.devices[0].model, "one");
    json_t *component = json_object_get(json_object_get(there->committed, "components"), "worker");
    uint64_t right_seen = there->seen;
    there->seen = seen != 0 ? seen : there->seen;
    if (epoch != 0) {
        (void)json_object_set_new(component, "epoch", json_integer((json_int_t)epoch));
    }
    sim.devices[0].seen.revision++;
    sim_run(&sim, 30000);
    CHECK_CONTAINS(sim.events_told, "disbelieved ");
    CHECK(strstr(strstr(sim.events_told, "disbelieved ") + 1, "disbelieved ") == NULL);
    struct iso_or_app *app = iso_or_app_find(sim.deployer, iso_str_from_z("one"));
    CHECK_EQ_U64(app->last, 1);
    /* What is asked for fails there, and says why. */
    (void)sim_deploy(&sim, ONE(AT("name0") SERVICE ", \"config\": {\"a\": \"b\"}"));
    sim_run(&sim, 200000);
    CHECK(app->last < 20);
    there->seen = right_seen;
    if (epoch != 0) {
        (void)json_object_set_new(component, "epoch", json_integer(1));
    }
    sim.devices[0].seen.revision++;
    sim_run(&sim, 60000);
    (void)sim_deploy(&sim, ONE(AT("name0") SERVICE ", \"config\": {\"a\": \"c\"}"));
    settle(&sim);
    CHECK_STR(sim_state(&sim, "one"), "running");
    CHECK(app->last < 30);
    CHECK(model_component(&sim.devices[0].model, "one", "worker")->epoch < 10);
    sim_fini(&sim);
}

TEST(numbers_that_cannot_be_are_not_believed)
{
    absurd((UINT64_C(1) << 53) - 1, 0);
    absurd(INT64_MAX, 0);
    absurd((uint64_t)INT64_MIN, 0);
    absurd(0, INT64_MAX);
    absurd(UINT64_C(1) << 40, 0);
}

TEST(a_remembered_epoch_that_cannot_be)
{
    struct sim sim;
    started(&sim, 2);
    deployed_at_0(&sim, ONE(AT("name0") SERVICE));
    struct model_app *there = model_app(&sim.devices[0].model, "one");
    (void)json_object_set_new(there->epochs, "worker", json_integer(INT64_MAX));
    (void)sim_deploy(&sim, ONE(AT("name0") SERVICE ", \"config\": {\"a\": \"b\"}"));
    CHECK(sim_until(&sim, "one", "running", 1000) || sim.failed != 0 ||
          sim_until(&sim, "one", "running", 200000));
    struct iso_or_app *app = iso_or_app_find(sim.deployer, iso_str_from_z("one"));
    CHECK(app->last < 20);
    CHECK_EQ_U64(iso_or_generation_epoch(app->current, "worker"), 1);
    sim_fini(&sim);
}
