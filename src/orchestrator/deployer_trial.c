/* Plans for people: resolved, checked and planned like a generation, and then forgotten. And what
 * of a plan is shown. */
#include "orchestrator/deployer_plan.h"

#include "base/json_member.h"

enum {
    SHOWN = 8,
    TEXT_MAX = 4 << 20,
    PACKAGES_MS = 60000 /* for packages; whoever asked may have gone long ago */
};

struct iso_or_trial {
    struct iso_or_trial *next;
    struct iso_or_app app; /* not one of the deployer's: only its name */
    struct iso_or_generation *gen;
    bool check_only, fired;
    uint64_t timer;
    enum iso_err err;
    struct iso_report report;
    struct iso_or_mistakes mistakes;
    void (*done)(void *ctx, enum iso_err err, const struct iso_report *report,
                 const struct iso_or_mistakes *mistakes, struct iso_str json);
    void *ctx;
};

json_t *iso_or_plan_json(const struct iso_or_planning *planning, bool named)
{
    struct iso_buf buf;
    struct iso_json json;
    iso_buf_init(&buf, planning->app->deployer->config.alloc, TEXT_MAX);
    iso_json_init_buf(&json, &buf, 0);
    iso_json_object_begin(&json);
    if (named) {
        iso_json_put_z(&json, "app", planning->app->name);
    }
    iso_plan_explain_json(planning->plan, SHOWN, &json);
    iso_json_object_end(&json);
    json_t *value = iso_json_finish(&json) == ISO_OK
                        ? json_loadb((const char *)buf.ptr, buf.len, 0, NULL)
                        : NULL;
    iso_buf_fini(&buf);
    return value;
}

static void destroy(struct iso_or_trial *trial)
{
    struct iso_or_deployer *deployer = trial->app.deployer;
    for (struct iso_or_trial **at = &deployer->trials; *at != NULL; at = &(*at)->next) {
        if (*at == trial) {
            *at = trial->next;
            break;
        }
    }
    if (trial->timer != 0) {
        deployer->config.clock.stop(deployer->config.clock.ctx, trial->timer);
    }
    iso_or_generation_destroy(trial->gen);
    iso_or_mistakes_fini(&trial->mistakes);
    json_decref(trial->app.floors);
    json_decref(trial->app.sightings);
    json_decref(trial->app.avoid);
    json_decref(trial->app.lost_state);
    json_decref(trial->app.figures);
    iso_alloc_free(deployer->config.alloc, trial, sizeof *trial);
}

static void answer(struct iso_or_trial *trial, struct iso_str json)
{
    trial->done(trial->ctx, trial->err, &trial->report, &trial->mistakes, json);
    destroy(trial);
}

static void answer_plan(struct iso_or_trial *trial)
{
    struct iso_or_planning planning;
    const struct iso_or_app *app =
        iso_or_app_find(trial->app.deployer, iso_str_from_z(trial->app.name));
    struct iso_buf buf;
    struct iso_json json;
    iso_buf_init(&buf, trial->app.deployer->config.alloc, TEXT_MAX);
    if (app != NULL) {
        (void)json_object_update(trial->app.figures, app->figures);
    }
    trial->err = iso_or_planning_make(&planning, trial->gen, app != NULL ? app->current : NULL,
                                      &trial->report);
    if (trial->err == ISO_OK) {
        iso_json_init_buf(&json, &buf, 0);
        iso_json_object_begin(&json);
        iso_json_put_z(&json, "app", trial->app.name);
        iso_plan_explain_json(planning.plan, SHOWN, &json);
        iso_json_object_end(&json);
        trial->err = iso_json_finish(&json);
    }
    iso_or_planning_fini(&planning);
    answer(trial, iso_str_from((const char *)buf.ptr, trial->err == ISO_OK ? buf.len : 0));
    iso_buf_fini(&buf);
}

static void checked(struct iso_or_trial *trial)
{
    if (trial->err == ISO_OK && trial->gen->resolve_err != ISO_OK) {
        trial->err =
            iso_fail(&trial->report, trial->gen->resolve_err, "%s", trial->gen->resolve_error);
    }
    if (trial->err == ISO_OK && !trial->check_only) {
        answer_plan(trial);
    } else {
        answer(trial, iso_str_from_z(trial->err == ISO_OK ? "{}" : ""));
    }
}

static void look(struct iso_or_generation *gen)
{
    struct iso_or_trial *trial =
        (struct iso_or_trial *)((char *)gen->app - offsetof(struct iso_or_trial, app));
    if (!trial->fired && iso_or_resolve_finished(gen)) {
        trial->fired = true;
        trial->err = iso_or_resolve_check(gen, &trial->mistakes, &trial->report);
        checked(trial);
    }
}

static void expired(void *arg)
{
    struct iso_or_trial *trial = arg;
    trial->timer = 0;
    trial->err = iso_fail(&trial->report, ISO_E_IO, "its packages did not come within %d s",
                          PACKAGES_MS / 1000);
    answer(trial, iso_str_from(NULL, 0));
}

static void late(void *arg)
{
    struct iso_or_trial *trial = arg;
    const struct iso_or_clock *clock = &trial->app.deployer->config.clock;
    trial->timer = 0;
    if (trial->err != ISO_OK) {
        answer(trial, iso_str_from(NULL, 0));
    } else {
        trial->timer = clock->after(clock->ctx, PACKAGES_MS, expired, trial);
        iso_or_resolve_start(trial->gen);
        look(trial->gen); /* all of it may have failed at once */
    }
}

static enum iso_err begin(struct iso_or_trial *trial, const struct iso_or_deploy *deploy)
{
    struct iso_or_manifest *manifest = NULL;
    const struct iso_alloc *alloc = trial->app.deployer->config.alloc;
    enum iso_err err = iso_or_manifest_parse(alloc, deploy->manifest, &manifest, &trial->mistakes);
    if (err == ISO_OK) {
        (void)iso_format(trial->app.name, sizeof trial->app.name, "%.*s", (int)manifest->app.len,
                         manifest->app.ptr);
    }
    iso_or_manifest_destroy(manifest);
    trial->gen = err == ISO_OK ? iso_or_generation_create(&trial->app) : NULL;
    if (err != ISO_OK || trial->gen == NULL) {
        return err != ISO_OK ? err : ISO_E_NOMEM;
    }
    trial->gen->poke = look;
    trial->gen->trial = true;
    if (deploy->files != NULL) {
        json_decref(trial->gen->files);
        trial->gen->files = json_deep_copy(deploy->files);
    }
    const struct iso_or_app *app =
        iso_or_app_find(trial->app.deployer, iso_str_from_z(trial->app.name));
    if (app != NULL && app->current != NULL) {
        (void)json_object_update(trial->gen->pins, app->current->pins);
    }
    return trial->gen->files != NULL && iso_or_generation_set_text(trial->gen, deploy->manifest)
               ? ISO_OK
               : ISO_E_NOMEM;
}

enum iso_err
iso_or_deployer_plan(struct iso_or_deployer *deployer, const struct iso_or_deploy *deploy,
                     bool check_only,
                     void (*done)(void *ctx, enum iso_err err, const struct iso_report *report,
                                  const struct iso_or_mistakes *mistakes, struct iso_str json),
                     void *ctx)
{
    struct iso_or_trial *trial = iso_alloc_new(deployer->config.alloc, sizeof *trial);
    if (trial == NULL) {
        return ISO_E_NOMEM;
    }
    trial->app.deployer = deployer;
    trial->app.floors = json_object();
    trial->app.sightings = json_object();
    trial->app.avoid = json_object();
    trial->app.lost_state = json_object();
    trial->app.figures = json_object();
    trial->check_only = check_only;
    trial->done = done;
    trial->ctx = ctx;
    iso_report_init(&trial->report);
    iso_or_mistakes_init(&trial->mistakes, deployer->config.alloc);
    trial->err = begin(trial, deploy);
    trial->next = deployer->trials;
    deployer->trials = trial;
    const struct iso_or_clock *clock = &deployer->config.clock;
    trial->timer = clock->after(clock->ctx, 0, late, trial);
    if (trial->timer == 0) {
        destroy(trial);
        return ISO_E_NOMEM;
    }
    return ISO_OK;
}

void iso_or_deployer_plan_stop(struct iso_or_deployer *deployer, const void *ctx)
{
    struct iso_or_trial *trial = deployer->trials;
    while (trial != NULL && trial->ctx != ctx) {
        trial = trial->next;
    }
    if (trial != NULL) {
        trial->err = iso_fail(&trial->report, ISO_E_STATE, "nobody waits for it any more");
        answer(trial, iso_str_from(NULL, 0));
    }
}

void iso_or_trials_stop(struct iso_or_deployer *deployer)
{
    while (deployer->trials != NULL) {
        struct iso_or_trial *trial = deployer->trials;
        trial->err = iso_fail(&trial->report, ISO_E_STATE, "the orchestrator is stopping");
        answer(trial, iso_str_from(NULL, 0));
    }
}
