/* The deployer: its applications, changes that are accepted, and the step in which everything of an
 * application is looked at. */
#include "orchestrator/deployer_state.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>

enum { STEPS_MAX = 64 }; /* of an application at a time; more is a mistake of ours */

/* ---- Applications ------------------------------------------------------------------------------
 */

struct iso_or_app *iso_or_app_find(const struct iso_or_deployer *deployer, struct iso_str name)
{
    for (struct iso_or_app *app = deployer->apps; app != NULL; app = app->next) {
        if (iso_str_equal_z(name, app->name)) {
            return app;
        }
    }
    return NULL;
}

static struct iso_or_app *make_app(struct iso_or_deployer *deployer, struct iso_str name)
{
    struct iso_or_app *app = iso_alloc_new(deployer->config.alloc, sizeof *app);
    if (app == NULL) {
        return NULL;
    }
    app->deployer = deployer;
    (void)iso_format(app->name, sizeof app->name, "%.*s", (int)name.len, name.ptr);
    app->floors = json_object();
    app->sightings = json_object();
    app->missing = json_object();
    app->strangers = json_object();
    app->disbelieved = json_object();
    app->avoid = json_object();
    app->lost_state = json_object();
    app->figures = json_object();
    app->stuck = json_object();
    app->failing = json_object();
    app->revision = 1;
    if (app->floors == NULL || app->sightings == NULL || app->avoid == NULL ||
        app->lost_state == NULL || app->figures == NULL || app->stuck == NULL ||
        app->missing == NULL || app->strangers == NULL || app->disbelieved == NULL ||
        app->failing == NULL) {
        iso_or_app_destroy(app);
        return NULL;
    }
    return app;
}

struct iso_or_app *iso_or_app_get(struct iso_or_deployer *deployer, struct iso_str name)
{
    struct iso_or_app *app = iso_or_app_find(deployer, name);
    if (app != NULL || deployer->app_count >= ISO_OR_APPS_MAX || name.len >= ISO_OR_APP_SIZE) {
        return app;
    }
    app = make_app(deployer, name);
    struct iso_or_app **at = &deployer->apps;
    while (app != NULL && *at != NULL && strcmp((*at)->name, app->name) < 0) {
        at = &(*at)->next;
    }
    if (app != NULL) {
        app->next = *at;
        *at = app;
        deployer->app_count++;
    }
    return app;
}

void iso_or_app_destroy(struct iso_or_app *app)
{
    struct iso_or_deployer *deployer = app->deployer;
    if (app->timer != 0) {
        deployer->config.clock.stop(deployer->config.clock.ctx, app->timer);
    }
    iso_or_generation_destroy(app->current);
    iso_or_generation_destroy(app->change);
    while (app->undoing != NULL) {
        struct iso_or_generation *gen = app->undoing;
        app->undoing = gen->next;
        iso_or_generation_destroy(gen);
    }
    json_decref(app->floors);
    json_decref(app->sightings);
    json_decref(app->missing);
    json_decref(app->strangers);
    json_decref(app->disbelieved);
    json_decref(app->avoid);
    json_decref(app->lost_state);
    json_decref(app->figures);
    json_decref(app->stuck);
    json_decref(app->failing);
    iso_alloc_free(deployer->config.alloc, app, sizeof *app);
}

void iso_or_app_event(struct iso_or_app *app, const char *event, const char *component,
                      const char *device, const char *detail)
{
    const struct iso_or_deployer_config *config = &app->deployer->config;
    if (config->event != NULL) {
        config->event(config->ctx, event, iso_str_from_z(app->name), component, device, detail);
    }
}

const struct iso_or_device *iso_or_device_of(const struct iso_or_deployer *deployer, const char *id)
{
    return deployer->config.fleet.find(deployer->config.fleet.ctx, iso_str_from_z(id));
}

const char *iso_or_device_called(const struct iso_or_deployer *deployer, const char *id)
{
    const struct iso_or_device *device = iso_or_device_of(deployer, id);
    return device != NULL ? device->name : id;
}

bool iso_or_device_gone(const struct iso_or_deployer *deployer, const char *id)
{
    const struct iso_or_device *device = iso_or_device_of(deployer, id);
    return device == NULL || device->state == ISO_OR_LOST || device->state == ISO_OR_REFUSES;
}

/* ---- The step ----------------------------------------------------------------------------------
 */

static void step(struct iso_or_app *app)
{
    iso_or_undo_step(app);
    iso_or_current_step(app);
    iso_or_change_step(app);
    iso_or_repair_step(app);
}

void iso_or_app_poke(struct iso_or_app *app)
{
    const struct iso_or_deployer_config *config = &app->deployer->config;
    app->again = true;
    if (app->stepping || app->deployer->closing) {
        return;
    }
    app->stepping = true;
    unsigned steps = 0;
    while (app->again && steps++ < STEPS_MAX) {
        app->again = false;
        step(app);
    }
    app->stepping = false;
    if (!app->told) {
        app->told = true;
        app->revision++;
        if (config->changed != NULL) {
            config->changed(config->ctx, iso_str_from_z(app->name));
        }
    }
}

static void woken(void *arg)
{
    struct iso_or_app *app = arg;
    app->timer = 0;
    iso_or_app_poke(app);
}

void iso_or_app_wake(struct iso_or_app *app, uint64_t at_ms)
{
    const struct iso_or_clock *clock = &app->deployer->config.clock;
    uint64_t now = clock->now_ms(clock->ctx);
    if (app->timer != 0 && app->timer_at > now && app->timer_at <= at_ms) {
        return;
    }
    if (app->timer != 0) {
        clock->stop(clock->ctx, app->timer);
    }
    uint64_t delay = at_ms > now ? at_ms - now : 1;
    app->timer_at = now + delay;
    app->timer =
        clock->after(clock->ctx, (uint32_t)(delay < 3600000 ? delay : 3600000), woken, app);
}

/* ---- Accepting ---------------------------------------------------------------------------------
 */

static enum iso_err record_accepted(struct iso_or_app *app, struct iso_or_generation *gen,
                                    struct iso_report *report)
{
    struct iso_or_store *store = app->deployer->config.store;
    struct iso_or_generation *before = app->change;
    enum iso_err err = iso_or_store_begin(store, report);
    if (err != ISO_OK) {
        return err;
    }
    err = iso_or_generation_save(gen, report);
    enum iso_or_generation_state state = before != NULL ? before->state : ISO_OR_ACCEPTED;
    if (err == ISO_OK && before != NULL) {
        before->state = ISO_OR_SUPERSEDED;
        err = iso_or_generation_save_step(before, report);
    }
    if (err == ISO_OK) { /* each one that comes lets one go, also of those that fail */
        err = iso_or_store_generations_trim(store, iso_str_from_z(app->name), report);
    }
    if (err == ISO_OK) {
        err = iso_or_store_commit(store, report);
    } else {
        iso_or_store_rollback(store);
    }
    if (err != ISO_OK && before != NULL) {
        before->state = state;
    }
    return err;
}

enum iso_err iso_or_accept(struct iso_or_app *app, struct iso_or_generation *gen, uint64_t *number,
                           struct iso_report *report)
{
    uint64_t last = app->last > app->floor ? app->last : app->floor;
    gen->number = last + 1;
    gen->state = ISO_OR_ACCEPTED;
    enum iso_err err = record_accepted(app, gen, report);
    if (err != ISO_OK) {
        iso_or_generation_destroy(gen);
        return err;
    }
    app->last = gen->number;
    *number = gen->number;
    if (app->change != NULL) {
        iso_or_app_event(app, "superseded", NULL, NULL, app->change->detail);
        iso_or_change_give_up(app);
    }
    app->change = gen;
    iso_or_app_event(app, "accepted", NULL, NULL, gen->detail);
    return ISO_OK;
}

/* Accepts what people asked for, and goes on after this call has returned: the caller's answer
 * comes first. */
static enum iso_err accept_request(struct iso_or_app *app, struct iso_or_generation *gen,
                                   uint64_t *number, struct iso_report *report)
{
    if (gen == NULL) {
        return iso_fail(report, ISO_E_NOMEM, "not enough memory");
    }
    enum iso_err err = iso_or_accept(app, gen, number, report);
    if (err == ISO_OK) {
        app->failed[0] = '\0';
        app->told = false;
        iso_or_app_wake(app, 0);
    }
    return err;
}

/* What a change starts from: the one under way, which it takes the place of, or the present one. */
static const struct iso_or_generation *base_of(const struct iso_or_app *app)
{
    return app->change != NULL ? app->change : app->current;
}

static bool present(const struct iso_or_app *app)
{
    const struct iso_or_generation *base = app != NULL ? base_of(app) : NULL;
    return base != NULL && base->text.len != 0;
}

static enum iso_err not_there(struct iso_str app, struct iso_report *report)
{
    return iso_fail(report, ISO_E_NOT_FOUND, "there is no application '%.*s'", (int)app.len,
                    app.ptr);
}

/* The same manifest with the same files: as values, not as texts. */
static bool same(const struct iso_or_generation *gen, const struct iso_or_deploy *deploy)
{
    if (gen->text.len == 0) {
        return false;
    }
    json_t *before = json_loadb(gen->text.ptr, gen->text.len, 0, NULL);
    json_t *after = json_loadb(deploy->manifest.ptr, deploy->manifest.len, 0, NULL);
    bool files = deploy->files != NULL ? json_equal(gen->files, deploy->files)
                                       : json_object_size(gen->files) == 0;
    bool equal = files && before != NULL && json_equal(before, after) == 1;
    json_decref(before);
    json_decref(after);
    return equal;
}

static struct iso_or_generation *new_deploy(struct iso_or_app *app,
                                            const struct iso_or_deploy *deploy)
{
    struct iso_or_generation *gen = iso_or_generation_create(app);
    const struct iso_or_generation *base = base_of(app);
    const char *component;
    json_t *pin;
    if (gen == NULL) {
        return NULL;
    }
    (void)iso_format(gen->cause, sizeof gen->cause, "deploy");
    if (deploy->files != NULL) {
        json_decref(gen->files);
        gen->files = json_deep_copy(deploy->files);
    }
    if (gen->files == NULL || !iso_or_generation_set_text(gen, deploy->manifest)) {
        iso_or_generation_destroy(gen);
        return NULL;
    }
    /* What was placed by hand stays so, as long as there is such a component. */
    json_object_foreach(base != NULL ? base->pins : NULL, component, pin)
    {
        if (json_string_length(pin) != 0 &&
            iso_or_manifest_component(gen->manifest, iso_str_from_z(component)) != UINT32_MAX) {
            (void)json_object_set(gen->pins, component, pin);
        }
    }
    return gen;
}

/* The application of a manifest; a new one goes on above the numbers of one that was forgotten. */
static enum iso_err app_for(struct iso_or_deployer *deployer, struct iso_str name,
                            struct iso_or_app **out, struct iso_report *report)
{
    struct iso_or_app *app = iso_or_app_find(deployer, name);
    enum iso_err err = ISO_OK;
    if (app == NULL && deployer->app_count >= ISO_OR_APPS_MAX) {
        err = iso_or_app_forget_oldest(deployer, report);
    }
    if (err == ISO_OK && app == NULL && (app = iso_or_app_get(deployer, name)) == NULL) {
        err = iso_fail(report, ISO_E_NOMEM, "not enough memory");
    }
    if (err == ISO_OK && app->last == 0) {
        err = iso_or_store_generation_last(deployer->config.store, name, &app->last, report);
    }
    if (err == ISO_OK) {
        *out = app;
    }
    return err;
}

enum iso_err iso_or_deployer_deploy(struct iso_or_deployer *deployer,
                                    const struct iso_or_deploy *deploy, uint64_t *generation,
                                    struct iso_or_mistakes *mistakes, struct iso_report *report)
{
    struct iso_or_manifest *manifest = NULL;
    enum iso_err err =
        iso_or_manifest_parse(deployer->config.alloc, deploy->manifest, &manifest, mistakes);
    struct iso_or_app *app = NULL;
    if (err == ISO_OK) {
        err = app_for(deployer, manifest->app, &app, report);
    }
    iso_or_manifest_destroy(manifest);
    if (err != ISO_OK) {
        return err;
    }
    const struct iso_or_generation *base = base_of(app);
    if (!deploy->force && base != NULL && same(base, deploy)) {
        *generation = base->number;
        return ISO_OK;
    }
    return accept_request(app, new_deploy(app, deploy), generation, report);
}

enum iso_err iso_or_deployer_move(struct iso_or_deployer *deployer, struct iso_str app_name,
                                  struct iso_str component, struct iso_str device,
                                  uint64_t *generation, struct iso_report *report)
{
    struct iso_or_app *app = iso_or_app_find(deployer, app_name);
    if (!present(app)) {
        return not_there(app_name, report);
    }
    const struct iso_or_generation *base = base_of(app);
    const struct iso_or_device *to =
        device.len != 0 ? deployer->config.fleet.find(deployer->config.fleet.ctx, device) : NULL;
    if (iso_or_manifest_component(base->manifest, component) == UINT32_MAX) {
        return iso_fail(report, ISO_E_NOT_FOUND, "'%s' has no component '%.*s'", app->name,
                        (int)component.len, component.ptr);
    }
    if (device.len != 0 && to == NULL) {
        return iso_fail(report, ISO_E_NOT_FOUND, "there is no device '%.*s'", (int)device.len,
                        device.ptr);
    }
    if (to != NULL && (to->state == ISO_OR_LOST || to->state == ISO_OR_REFUSES)) {
        return iso_fail(report, ISO_E_STATE, "the device %s %s", to->name,
                        to->state == ISO_OR_LOST ? "is lost" : "refuses this orchestrator");
    }
    char name[ISO_OR_APP_SIZE], detail[ISO_OR_REASON_SIZE];
    (void)iso_format(name, sizeof name, "%.*s", (int)component.len, component.ptr);
    (void)iso_format(detail, sizeof detail, "%s to %s", name,
                     to != NULL ? to->name : "where it is best");
    const char *pinned = json_string_value(json_object_get(base->pins, name));
    const char *where = iso_or_generation_device(base, name);
    if (to != NULL && pinned != NULL && where != NULL && strcmp(pinned, to->id) == 0 &&
        strcmp(where, to->id) == 0) {
        *generation = base->number; /* it is there, by hand, already */
        return ISO_OK;
    }
    struct iso_or_generation *gen = iso_or_generation_again(app, base, "move", detail);
    if (gen != NULL &&
        json_object_set_new(gen->pins, name, json_string(to != NULL ? to->id : "")) != 0) {
        iso_or_generation_destroy(gen);
        gen = NULL;
    }
    return accept_request(app, gen, generation, report);
}

/* ---- Rollback and removal ----------------------------------------------------------------------
 */

struct wanted {
    struct iso_or_app *app;
    uint64_t to; /* 0: the latest that was committed before `below` */
    uint64_t below;
    struct iso_or_generation *gen;
    uint64_t found;
};

static bool find_wanted(void *ctx, const struct iso_or_generation_row *row)
{
    struct wanted *wanted = ctx;
    bool was = row->state == ISO_OR_COMMITTED || row->state == ISO_OR_REPLACED;
    if (row->manifest.len == 0 || row->number >= wanted->below ||
        (wanted->to != 0 ? row->number != wanted->to : !was)) {
        return true;
    }
    wanted->found = row->number;
    struct iso_or_generation_row plain = {.app = row->app,
                                          .number = row->number,
                                          .manifest = row->manifest,
                                          .files = row->files,
                                          .resolved = row->resolved,
                                          .pins = row->pins};
    wanted->gen = iso_or_generation_load(wanted->app, &plain);
    return false;
}

enum iso_err iso_or_deployer_rollback(struct iso_or_deployer *deployer, struct iso_str app_name,
                                      uint64_t to, uint64_t *generation, struct iso_report *report)
{
    struct iso_or_app *app = iso_or_app_find(deployer, app_name);
    if (app == NULL) {
        return not_there(app_name, report);
    }
    const struct iso_or_generation *base = base_of(app);
    struct wanted wanted = {.app = app, .to = to, .below = UINT64_MAX};
    if (to == 0 && app->current != NULL) {
        wanted.below = app->current->number;
    }
    if (to != 0 && base != NULL && base->number == to && base->text.len != 0) {
        *generation = to; /* nothing would change */
        return ISO_OK;
    }
    enum iso_err err =
        iso_or_store_generations(deployer->config.store, app_name, find_wanted, &wanted, report);
    if (err == ISO_OK && wanted.gen == NULL) {
        err = to != 0 ? iso_fail(report, ISO_E_NOT_FOUND,
                                 "'%s' has no generation %" PRIu64 " to go back to", app->name, to)
                      : iso_fail(report, ISO_E_NOT_FOUND,
                                 "'%s' has no earlier generation to go back to", app->name);
    }
    if (err != ISO_OK) {
        return err;
    }
    char detail[ISO_OR_REASON_SIZE];
    (void)iso_format(detail, sizeof detail, "to generation %" PRIu64, wanted.found);
    struct iso_or_generation *gen = iso_or_generation_again(app, wanted.gen, "rollback", detail);
    iso_or_generation_destroy(wanted.gen);
    return accept_request(app, gen, generation, report);
}

enum iso_err iso_or_deployer_remove(struct iso_or_deployer *deployer, struct iso_str app_name,
                                    uint64_t *generation, struct iso_report *report)
{
    struct iso_or_app *app = iso_or_app_find(deployer, app_name);
    const struct iso_or_generation *base = app != NULL ? base_of(app) : NULL;
    if (base == NULL) {
        return not_there(app_name, report);
    }
    if (base->text.len == 0) {
        *generation = base->number; /* it is being removed, or was */
        return ISO_OK;
    }
    struct iso_or_generation *gen = iso_or_generation_create(app);
    if (gen != NULL) {
        (void)iso_format(gen->cause, sizeof gen->cause, "remove");
    }
    return accept_request(app, gen, generation, report);
}

/* ---- Start and end -----------------------------------------------------------------------------
 */

struct loading {
    struct iso_or_deployer *deployer;
    enum iso_err err;
};

/* Undecided: goes on where it was. What was under way at devices may be there, or not. */
static void load_change(struct iso_or_app *app, struct iso_or_generation *gen)
{
    app->change = gen;
    for (size_t i = 0; i < gen->part_count; i++) {
        gen->parts[i].touched = !gen->parts[i].absent;
    }
    if (gen->state == ISO_OR_MOVING) {
        gen->undo = true;
        gen->undo_ms = iso_or_now(app->deployer);
        for (size_t i = 0; i < gen->part_count; i++) {
            if (gen->parts[i].goal == ISO_OR_GOAL_NONE && !gen->parts[i].absent) {
                iso_or_part_aim(&gen->parts[i], ISO_OR_GOAL_ABORT);
            }
        }
        for (size_t i = 0; i < gen->move_count; i++) {
            gen->moves[i].touched = !gen->moves[i].late;
        }
    } else if (gen->state == ISO_OR_RESOLVING || gen->state == ISO_OR_PLANNING) {
        gen->state = ISO_OR_ACCEPTED; /* in memory: from the beginning */
    }
}

/* Rows come by application, the latest first. */
static bool load_row(void *ctx, const struct iso_or_generation_row *row)
{
    struct loading *loading = ctx;
    bool decided = row->state == ISO_OR_COMMITTING || row->state == ISO_OR_COMMITTED;
    bool undecided = row->state < ISO_OR_COMMITTING;
    struct iso_or_app *app = iso_or_app_get(loading->deployer, row->app);
    if (app == NULL) {
        loading->err = ISO_E_NOMEM;
        return false;
    }
    app->last = row->number > app->last ? row->number : app->last;
    if (row->state == ISO_OR_FAILED && app->current == NULL && app->change == NULL &&
        app->failed_number == 0) {
        app->failed_number = row->number;
        (void)iso_format(app->failed, sizeof app->failed, "%.*s", (int)row->error.len,
                         row->error.ptr);
    }
    if ((!decided && !undecided) || app->current != NULL || (undecided && app->change != NULL)) {
        return true; /* history */
    }
    struct iso_or_generation *gen = iso_or_generation_load(app, row);
    if (gen == NULL) {
        loading->err = ISO_E_MALFORMED;
        return false;
    }
    if (decided) {
        gen->decided_ms = iso_or_now(loading->deployer);
        app->current = gen;
    } else {
        load_change(app, gen);
    }
    return true;
}

static enum iso_err load(struct iso_or_deployer *deployer, struct iso_report *report)
{
    struct loading loading = {.deployer = deployer};
    enum iso_err err = iso_or_store_generations(deployer->config.store, iso_str_from(NULL, 0),
                                                load_row, &loading, report);
    if (err == ISO_OK && loading.err != ISO_OK) {
        err = iso_fail(report, loading.err, "a generation in the store cannot be read");
    }
    for (struct iso_or_app *app = deployer->apps; err == ISO_OK && app != NULL; app = app->next) {
        uint64_t last = 0;
        err = iso_or_store_generation_last(deployer->config.store, iso_str_from_z(app->name), &last,
                                           report);
        app->last = last > app->last ? last : app->last;
        iso_or_app_wake(app, 0);
    }
    return err;
}

static bool look_at_device(void *arg, const struct iso_or_device *device)
{
    if (device->state == ISO_OR_UP) {
        iso_or_deployer_device_changed(arg, device, false);
    }
    return true;
}

enum iso_err iso_or_deployer_create(const struct iso_or_deployer_config *config,
                                    struct iso_or_deployer **out, struct iso_report *report)
{
    if (sodium_init() < 0) {
        return iso_fail(report, ISO_E_IO, "there are no random numbers");
    }
    struct iso_or_deployer *deployer = iso_alloc_new(config->alloc, sizeof *deployer);
    if (deployer == NULL) {
        return iso_fail(report, ISO_E_NOMEM, "not enough memory");
    }
    deployer->config = *config;
    deployer->started_ms = iso_or_now(deployer);
    enum iso_err err = load(deployer, report);
    if (err != ISO_OK) {
        iso_or_deployer_destroy(deployer);
        return err;
    }
    *out = deployer;
    config->fleet.each(config->fleet.ctx, look_at_device, deployer);
    return ISO_OK;
}

void iso_or_deployer_destroy(struct iso_or_deployer *deployer)
{
    if (deployer == NULL) {
        return;
    }
    deployer->closing = true;
    iso_or_trials_stop(deployer);
    iso_or_looks_stop(deployer);
    while (deployer->apps != NULL) {
        struct iso_or_app *app = deployer->apps;
        deployer->apps = app->next;
        iso_or_app_destroy(app);
    }
    iso_alloc_free(deployer->config.alloc, deployer, sizeof *deployer);
}
