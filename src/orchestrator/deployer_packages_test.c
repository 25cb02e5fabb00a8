/* Packages of generations: when their bytes are needed again, cannot be had for a while, or are
 * many; and what is kept of generations and applications that are over. */
#include "orchestrator/deployer_test_support.h"

#include "orchestrator/store_internal.h"

#define APP(name, package, more)                                                                   \
    "{\"app\": \"" name "\", \"components\": {\"worker\": {\"package\": \"" package                \
    "\", \"place\": {\"device\": \"name0\"}" more "}}}"

static void started(struct sim *sim)
{
    sim_init(sim, 2, 1);
    sim_start(sim);
    sim_run(sim, 600);
}

static uint64_t count(const struct sim *sim, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    CHECK(sqlite3_prepare_v2(sim->store->db, sql, -1, &statement, NULL) == SQLITE_OK);
    CHECK(sqlite3_step(statement) == SQLITE_ROW);
    const sqlite3_int64 value = sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement);
    return (uint64_t)value;
}

/* Both ends start again without the bytes; they come later. It says what is missing, asks again by
 * itself, and holds no package afterwards. */
TEST(a_module_that_is_needed_again_after_the_decision)
{
    struct sim sim;
    started(&sim);
    (void)sim_deploy(&sim, APP("one", "file:worker", ""));
    CHECK(sim_until(&sim, "one", "running", 20000));
    sim_kill(&sim);
    model_fini(&sim.devices[0].model); /* its disk was erased */
    model_init(&sim.devices[0].model);
    sim_power(&sim, 0, false);
    sim_power(&sim, 0, true);
    sim.packages_gone = true;
    sim_start(&sim);
    sim_run(&sim, 30000);
    CHECK_STR(sim_state(&sim, "one"), "waiting");
    json_t *status = sim_status(&sim, "one");
    CHECK_CONTAINS(json_string_value(json_object_get(status, "reason")),
                   "component 'worker': there is no such package");
    json_decref(status);
    sim.packages_gone = false;
    CHECK(sim_until(&sim, "one", "running", 70000));
    CHECK_EQ_U64(sim_runs(&sim, "one", "worker"), 0);
    const struct iso_or_app *app = iso_or_app_find(sim.deployer, iso_str_from_z("one"));
    CHECK(app->current->tickets == NULL);
    sim_fini(&sim);
}

/* The needs of a module are known to every attempt to plan, also when the first one could not be
 * recorded. */
TEST(a_plan_that_could_not_be_recorded_is_made_again_with_all_it_needs)
{
    struct sim sim;
    started(&sim);
    (void)sim_deploy(&sim, APP("one", "file:worker", ""));
    CHECK(sim_until(&sim, "one", "running", 20000));
    const struct iso_or_app *app = iso_or_app_find(sim.deployer, iso_str_from_z("one"));
    (void)sim_deploy(&sim, APP("one", "file:worker", ", \"config\": {\"a\": \"b\"}"));
    for (unsigned i = 0; i < 1000 && app->change->state != ISO_OR_PLANNING; i++) {
        sim_run(&sim, 1);
    }
    CHECK_EQ_U64(app->change->state, ISO_OR_PLANNING);
    sim.full = true;
    sim_run(&sim, 2500);
    CHECK_EQ_U64(app->change->state, ISO_OR_PLANNING);
    CHECK(app->change->tickets != NULL);
    sim.full = false;
    CHECK(sim_until(&sim, "one", "running", 20000));
    CHECK(app->current->tickets == NULL);
    sim_fini(&sim);
}

TEST(changes_that_fail_or_are_superseded_are_forgotten_too)
{
    struct sim sim;
    started(&sim);
    (void)sim_deploy(&sim, APP("one", "file:worker", ""));
    CHECK(sim_until(&sim, "one", "running", 20000));
    for (unsigned i = 0; i < 70; i++) {
        (void)sim_deploy(&sim, APP("one", "file:missing", ""));
        sim_run(&sim, 1000);
        (void)sim_deploy(&sim, APP("one", "file:missing", ", \"config\": {\"a\": \"1\"}"));
        (void)sim_deploy(&sim, APP("one", "file:missing", ", \"config\": {\"a\": \"2\"}"));
        sim_run(&sim, 1000);
    }
    CHECK(count(&sim, "SELECT count(*) FROM generations") <= ISO_OR_GENERATIONS_KEPT + 2);
    CHECK(count(&sim, "SELECT count(*) FROM progress") <= ISO_OR_GENERATIONS_KEPT + 2);
    CHECK_EQ_U64(count(&sim, "SELECT count(*) FROM generations WHERE number = 1"), 1);
    sim_kill(&sim);
    sim_start(&sim);
    sim_run(&sim, 10000);
    CHECK_EQ_U64(sim_runs(&sim, "one", "worker"), 0); /* what runs is remembered */
    CHECK_EQ_U64(sim_deploy(&sim, APP("one", "file:worker", ", \"config\": {\"a\": \"3\"}")), 212);
    sim_fini(&sim);
}

static void on_planned(void *ctx, enum iso_err err, const struct iso_report *report,
                       const struct iso_or_mistakes *mistakes, struct iso_str json)
{
    enum iso_err *out = ctx;
    (void)report;
    (void)mistakes;
    (void)json;
    *out = err;
}

/* Without room for packages a change waits, as long as it takes; a plan for people only for a
 * time, and it leaves room to changes. */
TEST(too_many_packages_are_waited_for)
{
    struct sim sim;
    started(&sim);
    enum iso_err planned = ISO_E_STATE;
    const struct iso_or_deploy deploy = {.manifest = iso_str_from_z(APP("two", "file:worker", ""))};
    sim.packages_room = 0;
    (void)sim_deploy(&sim, APP("one", "file:worker", ""));
    sim_run(&sim, 100000);
    CHECK_STR(sim_state(&sim, "one"), "deploying");
    sim.packages_room = 1;
    iso_or_deployer_plan(sim.deployer, &deploy, false, on_planned, &planned);
    CHECK(sim_until(&sim, "one", "running", 10000));
    sim_run(&sim, 45000);
    CHECK_ERR(planned, ISO_E_STATE); /* not told yet */
    sim_run(&sim, 20000);
    CHECK_ERR(planned, ISO_E_IO);
    iso_or_deployer_plan(sim.deployer, &deploy, false, on_planned, &planned);
    sim_run(&sim, 1000);
    sim.packages_room = 256;
    sim_run(&sim, 1000);
    CHECK_OK(planned);
    /* One that waits can be given up. */
    sim.packages_room = 0;
    (void)sim_deploy(&sim, APP("one", "file:worker", ", \"config\": {\"a\": \"b\"}"));
    sim_run(&sim, 1000);
    (void)sim_deploy(&sim, APP("one", "file:worker", ", \"config\": {\"a\": \"c\"}"));
    sim_run(&sim, 1000);
    sim_kill(&sim);
    sim_start(&sim);
    sim.packages_room = 1;
    CHECK(sim_until(&sim, "one", "running", 20000));
    sim_fini(&sim);
}
