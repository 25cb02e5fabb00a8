/* The orchestrator is killed after each request that it sends and each transaction that it commits,
 * one point after the other, during a deployment, a move, an exchange of places, a removal: another
 * one with the same store brings it to its end, and nothing that must always hold is broken. */
#include "orchestrator/deployer_test_support.h"

#include <stdio.h>

#define TWO(counter_members)                                                                       \
    "{\"app\": \"one\", \"components\": {\"greeter\": {\"package\": \"file:greeter\", "            \
    "\"place\": {\"device\": \"name0\"}}, \"counter\": {\"package\": \"file:counter\", "           \
    "\"mode\": \"service\"" counter_members "}}}"
#define AT(name) ", \"place\": {\"device\": \"" name "\"}"

struct story {
    const char *before; /* deployed first; NULL: nothing */
    const char *after;  /* deployed while it is killed; NULL: removed */
    const char *last;   /* after that, while the other is under way; NULL: nothing */
};

static void set_value(struct sim *sim, const char *component, int64_t value)
{
    size_t at = sim_runs(sim, "one", component);
    struct model_app *app = at != SIZE_MAX ? model_app(&sim->devices[at].model, "one") : NULL;
    for (size_t i = 0; app != NULL && i < app->component_count; i++) {
        if (strcmp(app->components[i].name, component) == 0) {
            app->components[i].value = value;
        }
    }
}

static int64_t value_of(struct sim *sim, const char *component)
{
    size_t at = sim_runs(sim, "one", component);
    return at == SIZE_MAX ? -1 : model_component(&sim->devices[at].model, "one", component)->value;
}

static bool exists(struct sim *sim, const char *component)
{
    const struct iso_or_app *app = iso_or_app_find(sim->deployer, iso_str_from_z("one"));
    return app != NULL && iso_or_generation_device(app->current, component) != NULL;
}

/* True: it was killed at that point. */
static bool killed_at(const struct story *story, uint64_t at, uint64_t seed)
{
    struct sim sim;
    sim_init(&sim, 3, seed);
    sim_start(&sim);
    if (story->before != NULL) {
        (void)sim_deploy(&sim, story->before);
        CHECK(sim_until(&sim, "one", "running", 10000));
        set_value(&sim, "counter", 41);
        set_value(&sim, "other", 42);
        sim_run(&sim, 30000);
    }
    sim.points = 0;
    sim.kill_at = at;
    uint64_t generation = 0;
    if (story->after != NULL) {
        generation = sim_deploy(&sim, story->after);
    } else {
        CHECK_OK(iso_or_deployer_remove(sim.deployer, iso_str_from_z("one"), &generation, NULL));
    }
    if (story->last != NULL && !sim.dead) {
        sim_run(&sim, 30);
        generation = sim.dead ? generation : sim_deploy(&sim, story->last);
    }
    sim_run(&sim, 120000);
    bool killed = sim_revive(&sim);
    sim.kill_at = 0;
    sim_run(&sim, 120000);
    sim_check_settled(&sim);
    CHECK(sim_settled(&sim));
    const struct iso_or_app *app = iso_or_app_find(sim.deployer, iso_str_from_z("one"));
    CHECK(app != NULL && app->current != NULL && app->current->number >= generation);
    CHECK(app->current->state == ISO_OR_COMMITTED);
    if (story->before != NULL && story->after != NULL) {
        CHECK_EQ_I64(value_of(&sim, "counter"), 41);
        CHECK(!exists(&sim, "other") || value_of(&sim, "other") == 42);
    }
    sim_fini(&sim);
    return killed;
}

static void everywhere(const struct story *story)
{
    uint64_t at = 1;
    while (killed_at(story, at, at)) {
        at++;
    }
    CHECK(at > 6);
    printf("      killed at %u points\n", (unsigned)(at - 1));
}

TEST(while_it_deploys)
{
    const struct story story = {.after = TWO(AT("name1"))};
    everywhere(&story);
}

TEST(while_it_moves_a_service)
{
    const struct story story = {.before = TWO(AT("name1")), .after = TWO(AT("name2"))};
    everywhere(&story);
}

TEST(while_a_service_leaves_its_device_for_another_that_is_used)
{
    const struct story story = {.before = TWO(AT("name1")), .after = TWO(AT("name0"))};
    everywhere(&story);
}

#define CHANGING(first, second)                                                                    \
    "{\"app\": \"one\", \"components\": {\"other\": {\"package\": \"file:worker\", \"mode\": "     \
    "\"service\"" AT(first) "}, \"counter\": {\"package\": \"file:counter\", \"mode\": "           \
                            "\"service\"" AT(second) "}}}"

TEST(while_two_services_change_places)
{
    const struct story story = {.before = CHANGING("name1", "name2"),
                                .after = CHANGING("name2", "name1")};
    everywhere(&story);
}

TEST(while_it_removes)
{
    const struct story story = {.before = TWO(AT("name1"))};
    everywhere(&story);
}

TEST(while_a_later_change_supersedes_a_move)
{
    const struct story story = {
        .before = TWO(AT("name1")), .after = TWO(AT("name2")), .last = TWO(AT("name0"))};
    everywhere(&story);
}
