/* Each fault of a device, of the network, of the store, by itself: what is told, what happens, and
 * that the wanted state is reached without help when the fault has ended. */
#include "orchestrator/deployer_test_support.h"

#include <stdio.h>

#include "orchestrator/store_internal.h"

#define APP(name, at, more)                                                                        \
    "{\"app\": \"" name "\", \"components\": {\"worker\": {\"package\": \"file:worker\"" at more   \
    "}}}"
#define AT(name) ", \"place\": {\"device\": \"" name "\"}"
#define SERVICE ", \"mode\": \"service\""
#define RESTARTS ", \"mode\": \"service\", \"on-loss\": \"restart\""

static void started(struct sim *sim, size_t devices)
{
    sim_init(sim, devices, 1);
    sim_start(sim);
    sim_run(sim, 600);
}

static void reason(struct sim *sim, const char *app, const char *words)
{
    json_t *status = sim_status(sim, app);
    CHECK_CONTAINS(json_string_value(json_object_get(status, "reason")), words);
    json_decref(status);
}

static uint64_t move(struct sim *sim, const char *app, const char *component, const char *to)
{
    uint64_t generation = 0;
    CHECK_OK(iso_or_deployer_move(sim->deployer, iso_str_from_z(app), iso_str_from_z(component),
                                  iso_str_from_z(to), &generation, NULL));
    return generation;
}

static void settle(struct sim *sim)
{
    sim_run(sim, 90000);
    sim_check_settled(sim);
    CHECK(sim_settled(sim));
}

/* ---- Before the decision -----------------------------------------------------------------------
 */

/* A device that answers nonsense, or nothing: another one is taken; when there is none, it fails
 * and says why, and nothing is left behind. */
static void bad_device(void (*make_bad)(struct sim_device *device), const char *words)
{
    struct sim sim;
    started(&sim, 2);
    make_bad(&sim.devices[0]);
    (void)sim_deploy(&sim, APP("free", "", ""));
    (void)sim_deploy(&sim, APP("bound", AT("name0"), ""));
    CHECK(sim_until(&sim, "free", "running", 60000));
    CHECK_EQ_U64(sim_runs(&sim, "free", "worker"), 1);
    CHECK(sim_until(&sim, "bound", "failed", 200000));
    reason(&sim, "bound", words);
    sim.devices[0].status = 0;
    sim.devices[0].garbage = false;
    sim.devices[0].silent = false;
    sim.devices[0].model.full = false;
    sim_run(&sim, 60000);
    (void)sim_deploy(&sim, APP("bound", AT("name0"), ", \"config\": {\"a\": \"b\"}"));
    CHECK(sim_until(&sim, "bound", "running", 20000));
    settle(&sim);
    sim_fini(&sim);
}

static void with_404(struct sim_device *device)
{
    device->status = 404;
}

static void with_500(struct sim_device *device)
{
    device->status = 500;
}

static void with_garbage(struct sim_device *device)
{
    device->garbage = true;
}

static void silently(struct sim_device *device)
{
    device->silent = true;
}

static void with_full_disk(struct sim_device *device)
{
    device->model.full = true;
}

TEST(a_device_that_answers_404)
{
    bad_device(with_404, "404");
}

TEST(a_device_that_answers_500)
{
    bad_device(with_500, "500");
}

TEST(a_device_that_answers_garbage)
{
    bad_device(with_garbage, "no answer");
}

TEST(a_device_that_never_answers)
{
    bad_device(silently, "name0");
}

TEST(a_device_whose_disk_is_full)
{
    bad_device(with_full_disk, "507");
}

TEST(a_slow_device_is_waited_for)
{
    struct sim sim;
    started(&sim, 2);
    sim.devices[0].slow_ms = 3000;
    (void)sim_deploy(&sim, APP("one", AT("name0"), ""));
    CHECK(sim_until(&sim, "one", "running", 60000));
    CHECK_EQ_U64(sim.failed, 0);
    settle(&sim);
    sim_fini(&sim);
}

TEST(a_package_that_is_not_there_fails)
{
    struct sim sim;
    started(&sim, 1);
    (void)sim_deploy(&sim, "{\"app\": \"one\", \"components\": {\"a\": {\"package\": "
                           "\"file:missing\"}}}");
    CHECK(sim_until(&sim, "one", "failed", 20000));
    reason(&sim, "one", "component 'a': there is no such package");
    sim_fini(&sim);
}

TEST(a_failure_leaves_the_generation_before_untouched)
{
    struct sim sim;
    started(&sim, 2);
    (void)sim_deploy(&sim, APP("one", AT("name0"), SERVICE));
    CHECK(sim_until(&sim, "one", "running", 20000));
    sim.devices[1].status = 500;
    (void)move(&sim, "one", "worker", "name1");
    sim_run(&sim, 200000);
    CHECK_EQ_U64(sim.failed, 1);
    CHECK_EQ_U64(sim_runs(&sim, "one", "worker"), 0);
    reason(&sim, "one", "500");
    sim.devices[1].status = 0;
    settle(&sim);
    sim_fini(&sim);
}

/* ---- Loss --------------------------------------------------------------------------------------
 */

TEST(what_restarts_runs_again_within_ten_seconds)
{
    struct sim sim;
    started(&sim, 3);
    (void)sim_deploy(&sim, APP("one", "", ""));
    CHECK(sim_until(&sim, "one", "running", 20000));
    size_t at = sim_runs(&sim, "one", "worker");
    sim_power(&sim, at, false);
    sim_run(&sim, 10000);
    size_t now = sim_runs(&sim, "one", "worker");
    CHECK(now != SIZE_MAX && now != at);
    CHECK_STR(sim_state(&sim, "one"), "running");
    /* It comes back with the old generation, and has to give it up. */
    sim_power(&sim, at, true);
    settle(&sim);
    CHECK_EQ_U64(sim_runs(&sim, "one", "worker"), now);
    sim_fini(&sim);
}

TEST(what_waits_stays)
{
    struct sim sim;
    started(&sim, 3);
    (void)sim_deploy(&sim, APP("one", "", SERVICE));
    CHECK(sim_until(&sim, "one", "running", 20000));
    size_t at = sim_runs(&sim, "one", "worker");
    sim_power(&sim, at, false);
    sim_run(&sim, 60000);
    CHECK_EQ_U64(sim_runs(&sim, "one", "worker"), SIZE_MAX);
    CHECK_STR(sim_state(&sim, "one"), "degraded");
    reason(&sim, "one", "worker waits for the device");
    sim_power(&sim, at, true);
    settle(&sim);
    CHECK_STR(sim_state(&sim, "one"), "running");
    CHECK_EQ_U64(sim_runs(&sim, "one", "worker"), at);
    CHECK_CONTAINS(sim.events_told, "degraded recovered");
    sim_fini(&sim);
}

TEST(no_device_fits_until_one_comes)
{
    struct sim sim;
    started(&sim, 2);
    sim_power(&sim, 1, false);
    sim_run(&sim, 8000);
    (void)sim_deploy(&sim, APP("one", "", ""));
    CHECK(sim_until(&sim, "one", "running", 20000));
    sim_power(&sim, 0, false);
    sim_run(&sim, 60000);
    CHECK_STR(sim_state(&sim, "one"), "degraded");
    sim_power(&sim, 1, true);
    CHECK(sim_until(&sim, "one", "running", 5000));
    CHECK_EQ_U64(sim_runs(&sim, "one", "worker"), 1);
    sim_power(&sim, 0, true);
    settle(&sim);
    sim_fini(&sim);
}

TEST(a_device_that_was_forgotten_is_planned_around)
{
    struct sim sim;
    started(&sim, 2);
    (void)sim_deploy(&sim, APP("one", "", SERVICE));
    CHECK(sim_until(&sim, "one", "running", 20000));
    size_t at = sim_runs(&sim, "one", "worker");
    sim_power(&sim, at, false);
    sim_run(&sim, 20000);
    sim.devices[at].paired = false;
    iso_or_deployer_device_changed(sim.deployer, &sim.devices[at].seen, true);
    settle(&sim);
    CHECK_EQ_U64(sim_runs(&sim, "one", "worker"), 1 - at);
    sim_fini(&sim);
}

/* A partition: both copies of a component that restarts run, until it ends. */
TEST(a_partition_ends)
{
    struct sim sim;
    started(&sim, 3);
    sim.two_allowed = true;
    (void)sim_deploy(&sim, APP("one", "", RESTARTS));
    CHECK(sim_until(&sim, "one", "running", 20000));
    size_t at = sim_runs(&sim, "one", "worker");
    sim_link(&sim, at, false);
    sim_run(&sim, 12000);
    CHECK_EQ_U64(sim_runs(&sim, "one", "worker"), SIZE_MAX);
    sim_link(&sim, at, true);
    sim_run(&sim, 3000);
    CHECK(sim_runs(&sim, "one", "worker") != at && sim_runs(&sim, "one", "worker") != SIZE_MAX);
    settle(&sim);
    sim_fini(&sim);
}

/* ---- After the decision ------------------------------------------------------------------------
 */

TEST(a_device_that_does_not_confirm_keeps_it_from_being_told)
{
    struct sim sim;
    started(&sim, 2);
    (void)sim_deploy(&sim,
                     "{\"app\": \"one\", \"components\": {\"a\": {\"package\": \"file:worker\"" AT(
                         "name0") "}, \"b\": {\"package\": \"file:camera\"" AT("name1") "}}}");
    struct iso_or_app *app = iso_or_app_find(sim.deployer, iso_str_from_z("one"));
    while (app->current == NULL) {
        sim_run(&sim, 1);
    }
    sim.devices[1].status = 500;
    sim_run(&sim, 20000);
    CHECK_EQ_U64(sim.deployed, 0);
    CHECK_STR(sim_state(&sim, "one"), "waiting");
    reason(&sim, "one", "name1");
    sim.devices[1].status = 0;
    CHECK(sim_until(&sim, "one", "running", 10000));
    CHECK_EQ_U64(sim.deployed, 1);
    settle(&sim);
    sim_fini(&sim);
}

/* One application whose device is stuck; another one goes its way. */
TEST(no_application_holds_another)
{
    struct sim sim;
    started(&sim, 2);
    sim.devices[0].slow_ms = 4000;
    (void)sim_deploy(&sim, APP("stuck", AT("name0"), ""));
    sim_run(&sim, 1000);
    sim.devices[0].silent = true;
    (void)sim_deploy(&sim, APP("free", AT("name1"), ""));
    CHECK(sim_until(&sim, "free", "running", 2000));
    CHECK_STR(sim_state(&sim, "stuck"), "deploying");
    sim.devices[0].silent = false;
    sim.devices[0].slow_ms = 0;
    sim_run(&sim, 200000);
    sim_check_settled(&sim);
    sim_fini(&sim);
}

TEST(a_target_that_dies_after_the_decision)
{
    struct sim sim;
    started(&sim, 3);
    (void)sim_deploy(&sim, APP("one", AT("name0"), RESTARTS));
    CHECK(sim_until(&sim, "one", "running", 20000));
    sim_run(&sim, 20000);
    uint64_t number = sim_deploy(&sim, APP("one", ", \"place\": {\"label\": \"x\"}", RESTARTS));
    sim_run(&sim, 2000);
    CHECK(number == 2 && sim.failed == 1); /* nothing has the label */
    number = sim_deploy(&sim, APP("one", AT("name1"), RESTARTS));
    struct iso_or_app *app = iso_or_app_find(sim.deployer, iso_str_from_z("one"));
    while (app->current->number != number) {
        sim_run(&sim, 1);
    }
    sim_power(&sim, 1, false);
    sim_run(&sim, 30000);
    /* It is bound to that device: it waits for it, and does not go back. */
    CHECK_STR(sim_state(&sim, "one"), "degraded");
    sim_power(&sim, 1, true);
    settle(&sim);
    CHECK_EQ_U64(sim_runs(&sim, "one", "worker"), 1);
    sim_fini(&sim);
}

/* The target loses what was sent ahead of a state: it is sent again, and then the state. */
TEST(a_target_that_forgets_what_came_ahead)
{
    struct sim sim;
    started(&sim, 3);
    (void)sim_deploy(&sim, APP("one", AT("name0"), SERVICE));
    CHECK(sim_until(&sim, "one", "running", 20000));
    (void)move(&sim, "one", "worker", "name1");
    while (model_app(&sim.devices[1].model, "one") == NULL ||
           json_object_size(model_app(&sim.devices[1].model, "one")->ahead) == 0) {
        sim_run(&sim, 1);
    }
    model_restart(&sim.devices[1].model);
    CHECK_EQ_U64(sim_runs(&sim, "one", "worker"), 0);
    CHECK(sim_until(&sim, "one", "running", 20000));
    settle(&sim);
    CHECK_EQ_U64(sim_runs(&sim, "one", "worker"), 1);
    CHECK_EQ_U64(sim.moved, 1);
    CHECK_EQ_U64((uint64_t)sim.devices[0].model.sent_ahead, 1); /* the second time as it was */
    sim_fini(&sim);
}

/* ---- Numbers -----------------------------------------------------------------------------------
 */

static void copy_store(struct iso_or_store *from, struct iso_or_store *to)
{
    sqlite3_backup *backup = sqlite3_backup_init(to->db, "main", from->db, "main");
    CHECK(backup != NULL);
    CHECK(sqlite3_backup_step(backup, -1) == SQLITE_DONE);
    CHECK(sqlite3_backup_finish(backup) == SQLITE_OK);
}

/* The store is lost, and an old copy of it is taken: devices know later numbers; everything goes
 * on above them, and services keep their state. */
TEST(a_store_from_a_backup)
{
    struct sim sim;
    started(&sim, 3);
    (void)sim_deploy(&sim, APP("one", AT("name0"), SERVICE));
    CHECK(sim_until(&sim, "one", "running", 20000));
    struct iso_or_store *old = NULL;
    CHECK_OK(iso_or_store_open(":memory:", &old, NULL));
    copy_store(sim.store, old);
    (void)sim_deploy(&sim, APP("one", "", SERVICE));
    sim_run(&sim, 20000);
    (void)move(&sim, "one", "worker", "name1");
    sim_run(&sim, 20000);
    (void)move(&sim, "one", "worker", "name2");
    settle(&sim);
    struct model_app *there = model_app(&sim.devices[2].model, "one");
    there->components[0].value = 77;
    sim_kill(&sim);
    iso_or_store_close(sim.store);
    sim.store = old;
    sim_start(&sim);
    settle(&sim);
    size_t at = sim_runs(&sim, "one", "worker");
    CHECK(at == 0); /* as the old store wants it */
    CHECK_EQ_I64(model_component(&sim.devices[at].model, "one", "worker")->value, 77);
    sim_fini(&sim);
}

TEST(a_number_that_a_device_knows_is_passed)
{
    struct sim sim;
    started(&sim, 1);
    (void)sim_deploy(&sim, APP("one", "", ""));
    CHECK(sim_until(&sim, "one", "running", 20000));
    struct model_app *there = model_app(&sim.devices[0].model, "one");
    there->seen = 40;
    (void)json_object_set_new(there->committed, "generation", json_integer(40));
    sim.devices[0].seen.revision++;
    settle(&sim);
    CHECK(there->seen == 41);
    /* An epoch that it remembers of what was removed. */
    (void)json_object_set_new(there->epochs, "worker", json_integer(9));
    (void)sim_deploy(&sim, APP("one", "", ", \"config\": {\"a\": \"b\"}"));
    settle(&sim);
    CHECK_EQ_U64(model_component(&sim.devices[0].model, "one", "worker")->epoch, 10);
    sim_fini(&sim);
}

/* ---- The store ---------------------------------------------------------------------------------
 */

TEST(a_full_disk_of_the_orchestrator)
{
    struct sim sim;
    started(&sim, 2);
    (void)sim_deploy(&sim, APP("one", AT("name0"), SERVICE));
    CHECK(sim_until(&sim, "one", "running", 20000));
    (void)sim_deploy(&sim, APP("one", AT("name1"), SERVICE));
    sim.full = true;
    sim_run(&sim, 60000);
    CHECK_EQ_U64(sim_runs(&sim, "one", "worker"), 0);
    struct iso_or_mistakes mistakes;
    uint64_t generation = 0;
    iso_or_mistakes_init(&mistakes, iso_alloc_libc());
    const struct iso_or_deploy deploy = {.manifest = iso_str_from_z(APP("two", "", ""))};
    CHECK_ERR(iso_or_deployer_deploy(sim.deployer, &deploy, &generation, &mistakes, NULL),
              ISO_E_IO);
    CHECK_STR(sim_state(&sim, "two"), "none");
    iso_or_mistakes_fini(&mistakes);
    sim.full = false;
    settle(&sim);
    CHECK_EQ_U64(sim_runs(&sim, "one", "worker"), 1);
    sim_fini(&sim);
}

/* ---- Changes of changes ------------------------------------------------------------------------
 */

TEST(a_later_change_takes_the_place_of_an_earlier_one)
{
    struct sim sim;
    started(&sim, 3);
    (void)sim_deploy(&sim, APP("one", AT("name0"), SERVICE));
    CHECK(sim_until(&sim, "one", "running", 20000));
    sim.devices[1].slow_ms = 2000;
    CHECK_EQ_U64(sim_deploy(&sim, APP("one", AT("name1"), SERVICE)), 2);
    sim_run(&sim, 3000);
    CHECK_EQ_U64(sim_deploy(&sim, APP("one", AT("name2"), SERVICE)), 3);
    CHECK(sim_until(&sim, "one", "running", 30000));
    CHECK_EQ_U64(sim_runs(&sim, "one", "worker"), 2);
    CHECK_CONTAINS(sim.events_told, "superseded");
    sim.devices[1].slow_ms = 0;
    settle(&sim);
    sim_fini(&sim);
}

TEST(rolls_back_and_removes)
{
    struct sim sim;
    uint64_t generation = 0;
    started(&sim, 2);
    struct iso_str one = iso_str_from_z("one");
    (void)sim_deploy(&sim, APP("one", AT("name0"), ""));
    sim_run(&sim, 20000);
    (void)sim_deploy(&sim, APP("one", AT("name1"), ""));
    sim_run(&sim, 20000);
    CHECK_EQ_U64(sim_runs(&sim, "one", "worker"), 1);
    CHECK_OK(iso_or_deployer_rollback(sim.deployer, one, 0, &generation, NULL));
    CHECK_EQ_U64(generation, 3);
    settle(&sim);
    CHECK_EQ_U64(sim_runs(&sim, "one", "worker"), 0);
    CHECK_ERR(iso_or_deployer_rollback(sim.deployer, one, 99, &generation, NULL), ISO_E_NOT_FOUND);
    /* Removed while a device is away: it is told when it comes back, and not before is it said. */
    sim_power(&sim, 0, false);
    sim_run(&sim, 1000);
    CHECK_OK(iso_or_deployer_remove(sim.deployer, one, &generation, NULL));
    sim_run(&sim, 60000);
    CHECK_EQ_U64(sim.removed, 0);
    sim_power(&sim, 0, true);
    settle(&sim);
    CHECK_EQ_U64(sim.removed, 1);
    CHECK(model_app(&sim.devices[0].model, "one")->committed == NULL);
    CHECK_STR(sim_state(&sim, "one"), "removed");
    /* And again, above all numbers. */
    (void)sim_deploy(&sim, APP("one", "", ""));
    settle(&sim);
    CHECK_STR(sim_state(&sim, "one"), "running");
    sim_fini(&sim);
}

TEST(a_move_is_refused_with_its_reason)
{
    struct sim sim;
    uint64_t generation = 0;
    struct iso_report report;
    started(&sim, 2);
    struct iso_str one = iso_str_from_z("one"), worker = iso_str_from_z("worker");
    CHECK_ERR(
        iso_or_deployer_move(sim.deployer, one, worker, iso_str_from_z("name1"), &generation, NULL),
        ISO_E_NOT_FOUND);
    (void)sim_deploy(&sim, APP("one", "", ""));
    sim_run(&sim, 20000);
    CHECK_ERR(iso_or_deployer_move(sim.deployer, one, worker, iso_str_from_z("nobody"), &generation,
                                   NULL),
              ISO_E_NOT_FOUND);
    CHECK_ERR(iso_or_deployer_move(sim.deployer, one, iso_str_from_z("x"), iso_str_from_z("name1"),
                                   &generation, NULL),
              ISO_E_NOT_FOUND);
    sim_power(&sim, 1, false);
    sim_run(&sim, 20000);
    iso_report_init(&report);
    CHECK_ERR(iso_or_deployer_move(sim.deployer, one, worker, iso_str_from_z("name1"), &generation,
                                   &report),
              ISO_E_STATE);
    CHECK_STR(report.text, "the device name1 is lost");
    sim_fini(&sim);
}

/* ---- Draining, figures, plans ------------------------------------------------------------------
 */

TEST(a_drained_device_is_emptied)
{
    struct sim sim;
    started(&sim, 2);
    (void)sim_deploy(&sim, APP("free", "", SERVICE));
    (void)sim_deploy(&sim, APP("bound", AT("name0"), SERVICE));
    sim_run(&sim, 20000);
    CHECK_EQ_U64(sim_runs(&sim, "free", "worker"), 0);
    sim.devices[0].seen.drained = true;
    iso_or_deployer_device_changed(sim.deployer, &sim.devices[0].seen, false);
    settle(&sim);
    CHECK_EQ_U64(sim_runs(&sim, "free", "worker"), 1);
    CHECK_EQ_U64(sim_runs(&sim, "bound", "worker"), 0); /* it can be nowhere else */
    CHECK_STR(sim_state(&sim, "bound"), "running");
    struct iso_or_app *app = iso_or_app_find(sim.deployer, iso_str_from_z("bound"));
    CHECK(app->last <= 2); /* it was tried once */
    sim_fini(&sim);
}

TEST(plans_know_what_was_measured)
{
    struct sim sim;
    started(&sim, 1);
    sim.devices[0].model.fuel_per_call = 123;
    (void)sim_deploy(&sim, APP("one", "", ""));
    sim_run(&sim, 20000);
    (void)sim_deploy(&sim, APP("one", "", ", \"config\": {\"a\": \"b\"}"));
    settle(&sim);
    struct iso_or_app *app = iso_or_app_find(sim.deployer, iso_str_from_z("one"));
    const json_t *figures = json_object_get(app->figures, "worker");
    CHECK(json_number_value(json_object_get(figures, "fuel-per-call")) == 123);
    sim_fini(&sim);
}

struct planned {
    unsigned count;
    enum iso_err err;
    size_t mistakes;
    char json[2048], text[256];
};

static void on_planned(void *ctx, enum iso_err err, const struct iso_report *report,
                       const struct iso_or_mistakes *mistakes, struct iso_str json)
{
    struct planned *planned = ctx;
    planned->count++;
    planned->err = err;
    planned->mistakes = mistakes->errors;
    (void)iso_format(planned->json, sizeof planned->json, "%.*s", (int)json.len, json.ptr);
    (void)iso_format(planned->text, sizeof planned->text, "%s", report->text);
}

static void plan(struct sim *sim, const char *manifest, bool check_only, struct planned *out)
{
    const struct iso_or_deploy deploy = {.manifest = iso_str_from_z(manifest)};
    *out = (struct planned){.count = 0};
    CHECK_OK(iso_or_deployer_plan(sim->deployer, &deploy, check_only, on_planned, out));
    CHECK_EQ_U64(out->count, 0); /* never before the call returns */
    sim_run(sim, 1000);
    CHECK_EQ_U64(out->count, 1);
}

TEST(a_plan_changes_nothing)
{
    struct sim sim;
    struct planned planned;
    started(&sim, 2);
    plan(&sim, APP("one", "", ""), false, &planned);
    CHECK_OK(planned.err);
    CHECK_CONTAINS(planned.json, "\"device\":\"dev0\"");
    plan(&sim, APP("one", AT("nobody"), ""), false, &planned);
    CHECK_OK(planned.err); /* a plan that cannot be made is an answer, too */
    CHECK_CONTAINS(planned.json, "\"feasible\":false");
    plan(&sim, "{\"app\": 7}", true, &planned);
    CHECK_ERR(planned.err, ISO_E_INVALID);
    CHECK(planned.mistakes != 0);
    plan(&sim, "{\"app\": \"one\", \"components\": {\"a\": {\"package\": \"file:missing\"}}}", true,
         &planned);
    CHECK_ERR(planned.err, ISO_E_NOT_FOUND);
    CHECK_CONTAINS(planned.text, "there is no such package");
    CHECK_STR(sim_state(&sim, "one"), "none");
    CHECK_STR(sim.events_told, "");
    /* One that is asked for is answered also when all ends. */
    const struct iso_or_deploy deploy = {.manifest = iso_str_from_z(APP("one", "", ""))};
    planned = (struct planned){.count = 0};
    CHECK_OK(iso_or_deployer_plan(sim.deployer, &deploy, false, on_planned, &planned));
    sim_kill(&sim);
    CHECK_EQ_U64(planned.count, 1);
    CHECK_ERR(planned.err, ISO_E_STATE);
    sim_start(&sim);
    sim_fini(&sim);
}

TEST(a_device_that_refuses_is_as_good_as_lost)
{
    struct sim sim;
    started(&sim, 2);
    sim.devices[0].refuses = true;
    sim_run(&sim, 2000);
    (void)sim_deploy(&sim, APP("one", "", ""));
    (void)sim_deploy(&sim, APP("two", AT("name0"), ""));
    sim_run(&sim, 10000);
    CHECK_EQ_U64(sim_runs(&sim, "one", "worker"), 1);
    CHECK_STR(sim_state(&sim, "two"), "failed");
    sim.devices[0].refuses = false;
    settle(&sim);
    sim_fini(&sim);
}
