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

static void on_mistaken(void *ctx, enum iso_err err, const struct iso_report *report,
                        const struct iso_or_mistakes *mistakes, struct iso_str json)
{
    (void)report;
    (void)json;
    CHECK_ERR(err, ISO_E_NOT_FOUND);
    CHECK(mistakes->errors == 1 && mistakes->items[0].line == 2 && mistakes->items[0].column == 24);
    CHECK(iso_str_equal_z(mistakes->items[0].text, "component 'other': there is no such package"));
    CHECK(iso_str_equal_z(mistakes->items[0].pointer, "/components/other/package"));
    *(bool *)ctx = true;
}

/* A package that there is not is told with its place in the manifest; of a change, too. */
TEST(what_there_is_not_has_a_place)
{
    static const char manifest[] = "{\"app\": \"one\", \"components\": {\n"
                                   "  \"other\": {\"package\": \"file:worker\"}}}";
    struct sim sim;
    bool told = false;
    started(&sim);
    sim.packages_gone = true;
    const struct iso_or_deploy deploy = {.manifest = iso_str_from_z(manifest)};
    CHECK_OK(iso_or_deployer_plan(sim.deployer, &deploy, true, on_mistaken, &told));
    sim_run(&sim, 1000);
    CHECK(told);
    (void)sim_deploy(&sim, manifest);
    CHECK(sim_until(&sim, "one", "failed", 20000));
    json_t *status = sim_status(&sim, "one");
    CHECK_CONTAINS(json_string_value(json_object_get(status, "reason")),
                   "line 2, column 24: component 'other': there is no such package");
    json_decref(status);
    sim_fini(&sim);
}

/* Nobody waits for a plan any more: it is told that it is over, and holds nothing. */
TEST(a_plan_that_nobody_waits_for_ends)
{
    struct sim sim;
    enum iso_err planned = ISO_OK;
    started(&sim);
    const struct iso_or_deploy deploy = {.manifest = iso_str_from_z(APP("two", "file:worker", ""))};
    sim.packages_room = 0;
    CHECK_OK(iso_or_deployer_plan(sim.deployer, &deploy, false, on_planned, &planned));
    sim_run(&sim, 1000);
    CHECK_OK(planned); /* not told yet */
    CHECK(sim.deployer->trials != NULL);
    iso_or_deployer_plan_stop(sim.deployer, &planned);
    CHECK_ERR(planned, ISO_E_STATE);
    CHECK(sim.deployer->trials == NULL);
    iso_or_deployer_plan_stop(sim.deployer, &planned);
    sim_fini(&sim);
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
    CHECK_OK(iso_or_deployer_plan(sim.deployer, &deploy, false, on_planned, &planned));
    CHECK(sim_until(&sim, "one", "running", 10000));
    sim_run(&sim, 45000);
    CHECK_ERR(planned, ISO_E_STATE); /* not told yet */
    sim_run(&sim, 20000);
    CHECK_ERR(planned, ISO_E_IO);
    CHECK_OK(iso_or_deployer_plan(sim.deployer, &deploy, false, on_planned, &planned));
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

static enum iso_err try_deploy(struct sim *sim, const char *manifest, struct iso_report *report)
{
    struct iso_or_mistakes mistakes;
    uint64_t generation = 0;
    iso_or_mistakes_init(&mistakes, iso_alloc_libc());
    iso_report_init(report);
    const struct iso_or_deploy deploy = {.manifest = iso_str_from_z(manifest)};
    enum iso_err err =
        iso_or_deployer_deploy(sim->deployer, &deploy, &generation, &mistakes, report);
    iso_or_mistakes_fini(&mistakes);
    return err;
}

/* With as many names as there may be, a new one takes the place of one that was removed, or that
 * never ran; what is in use is not forgotten, and numbers go on. */
TEST(applications_that_are_over_make_room)
{
    struct sim sim;
    struct iso_report report;
    uint64_t generation = 0;
    const struct iso_str old = iso_str_from_z("old");
    started(&sim);
    (void)sim_deploy(&sim, APP("old", "file:worker", ""));
    (void)sim_deploy(&sim, APP("used", "file:worker", ""));
    CHECK(sim_until(&sim, "old", "running", 20000));
    CHECK(sim_until(&sim, "used", "running", 20000));
    CHECK_OK(iso_or_deployer_remove(sim.deployer, old, &generation, NULL));
    CHECK(sim_until(&sim, "old", "removed", 20000));
    sim.packages_room = 0; /* all that come now wait */
    for (unsigned i = 2; i < ISO_OR_APPS_MAX; i++) {
        char manifest[256];
        (void)iso_format(manifest, sizeof manifest, APP("app%u", "file:missing", ""), i);
        (void)sim_deploy(&sim, manifest);
    }
    CHECK(iso_or_app_find(sim.deployer, old) != NULL);
    CHECK_OK(try_deploy(&sim, APP("new", "file:missing", ""), &report));
    CHECK(iso_or_app_find(sim.deployer, old) == NULL);
    CHECK_EQ_U64(count(&sim, "SELECT count(*) FROM generations WHERE app = 'old'"), 0);
    CHECK_EQ_U64(count(&sim, "SELECT count(*) FROM progress WHERE app = 'old'"), 0);
    CHECK_ERR(try_deploy(&sim, APP("old", "file:worker", ""), &report), ISO_E_LIMIT);
    CHECK_CONTAINS(report.text, "1024 is the most");
    sim.packages_room = 256; /* they fail */
    sim_run(&sim, 5000);
    CHECK_STR(sim_state(&sim, "new"), "failed");
    CHECK_EQ_U64(sim_deploy(&sim, APP("old", "file:worker", "")), 3);
    CHECK(sim_until(&sim, "old", "running", 20000));
    CHECK_EQ_U64(sim.deployer->app_count, ISO_OR_APPS_MAX);
    sim_kill(&sim);
    sim_start(&sim);
    CHECK_EQ_U64(sim.deployer->app_count, ISO_OR_APPS_MAX);
    sim_run(&sim, 10000);
    CHECK_STR(sim_state(&sim, "used"), "running");
    CHECK_EQ_U64(sim_runs(&sim, "old", "worker"), 0);
    sim_fini(&sim);
}
