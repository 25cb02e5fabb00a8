/* A device as docs/deployment.md describes it, without anything inside its components but a number
 * that they have counted. */
#include "orchestrator/deployer_model_test_support.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { PREPARED_MS = 60000 };

/* ---- Small things ------------------------------------------------------------------------------
 */

void model_init(struct model_device *device)
{
    memset(device, 0, sizeof *device);
    device->modules = json_object();
}

static void app_clear(struct model_app *app)
{
    json_decref(app->committed);
    json_decref(app->prepared);
    json_decref(app->epochs);
    json_decref(app->ahead);
    memset(app, 0, sizeof *app);
}

void model_fini(struct model_device *device)
{
    for (size_t i = 0; i < ISO_COUNT_OF(device->apps); i++) {
        app_clear(&device->apps[i]);
    }
    json_decref(device->modules);
}

struct model_app *model_app(struct model_device *device, const char *name)
{
    for (size_t i = 0; i < ISO_COUNT_OF(device->apps); i++) {
        if (strcmp(device->apps[i].name, name) == 0) {
            return &device->apps[i];
        }
    }
    return NULL;
}

static struct model_app *app_get(struct model_device *device, const char *name)
{
    struct model_app *app = model_app(device, name);
    if (app == NULL) {
        app = model_app(device, "");
        CHECK(app != NULL);
        (void)iso_format(app->name, sizeof app->name, "%s", name);
        app->epochs = json_object();
        app->ahead = json_object();
    }
    return app;
}

const struct model_component *model_component(const struct model_device *device, const char *app,
                                              const char *name)
{
    const struct model_app *found = model_app((struct model_device *)(uintptr_t)device, app);
    for (size_t i = 0; found != NULL && i < found->component_count; i++) {
        if (strcmp(found->components[i].name, name) == 0) {
            return &found->components[i];
        }
    }
    return NULL;
}

struct model_component *model_component_of(struct model_app *app, const char *name)
{
    for (size_t i = 0; i < app->component_count; i++) {
        if (strcmp(app->components[i].name, name) == 0) {
            return &app->components[i];
        }
    }
    return NULL;
}

struct model_record *model_record_of(struct model_app *app, const char *name)
{
    for (size_t i = 0; i < app->move_count; i++) {
        if (strcmp(app->moves[i].name, name) == 0) {
            return &app->moves[i];
        }
    }
    return NULL;
}

void model_record_drop(struct model_app *app, struct model_record *record)
{
    *record = app->moves[--app->move_count];
}

uint64_t model_number(const json_t *object, const char *name)
{
    return (uint64_t)json_integer_value(json_object_get(object, name));
}

struct model_answer model_answer_of(unsigned status, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    struct model_answer out = {.status = status};
    if (text[0] != '\0') {
        json_t *problem = json_pack("{s:s}", "detail", text);
        out.body = json_dumps(problem, 0);
        json_decref(problem);
    }
    return out;
}

struct model_answer model_done(void)
{
    return (struct model_answer){.status = 204};
}

uint64_t model_epoch_seen(const struct model_app *app, const char *name)
{
    uint64_t seen = model_number(app->epochs, name);
    uint64_t present =
        model_number(json_object_get(json_object_get(app->committed, "components"), name), "epoch");
    return seen > present ? seen : present;
}

void model_epoch_raise(struct model_app *app, const char *name, uint64_t epoch)
{
    if (model_number(app->epochs, name) < epoch) {
        (void)json_object_set_new(app->epochs, name, json_integer((json_int_t)epoch));
    }
}

static bool any_held(struct model_app *app, uint64_t generation)
{
    for (size_t i = 0; i < app->move_count; i++) {
        if (app->moves[i].state == MODEL_HELD && app->moves[i].generation == generation) {
            return true;
        }
    }
    return false;
}

/* A component runs on when nothing that matters of it differs. */
static bool kept(const json_t *before, const json_t *after)
{
    static const char *const members[] = {"module", "wit",  "abi", "mode",   "epoch",
                                          "config", "args", "env", "grants", "limits"};
    for (size_t i = 0; i < ISO_COUNT_OF(members); i++) {
        const json_t *a = json_object_get(before, members[i]),
                     *b = json_object_get(after, members[i]);
        if ((a == NULL) != (b == NULL) || (a != NULL && !json_equal(a, b))) {
            return false;
        }
    }
    return before != NULL;
}

bool model_waits(const struct model_app *app, const char *name, const json_t *after)
{
    return json_object_get(after, "from") != NULL &&
           !kept(json_object_get(json_object_get(app->committed, "components"), name), after);
}

/* ---- Generations -------------------------------------------------------------------------------
 */

void model_drop_prepared(struct model_app *app)
{
    uint64_t generation = model_number(app->prepared, "generation");
    for (size_t i = app->move_count; i-- > 0;) {
        if (app->moves[i].state == MODEL_HELD && app->moves[i].generation == generation) {
            model_record_drop(app, &app->moves[i]);
        }
    }
    json_decref(app->prepared);
    app->prepared = NULL;
    (void)json_object_clear(app->ahead);
}

static struct model_answer check_prepare(struct model_device *device, struct model_app *app,
                                         const json_t *document)
{
    uint64_t wanted = model_number(document, "generation");
    uint64_t present = model_number(app->committed, "generation");
    if (wanted < app->seen) {
        return model_answer_of(409,
                               "generation %" PRIu64 " is older than %" PRIu64
                               ", the latest that was committed here",
                               wanted, app->seen);
    }
    if (wanted == app->seen && present != wanted) {
        return model_answer_of(
            409, "generation %" PRIu64 " was removed from this device; use a later one", wanted);
    }
    if (wanted == app->seen) {
        return json_equal(app->committed, document)
                   ? model_done()
                   : model_answer_of(
                         409, "generation %" PRIu64 " is committed with another document", wanted);
    }
    const char *name;
    json_t *component;
    json_object_foreach(json_object_get(document, "components"), name, component)
    {
        uint64_t epoch = model_number(component, "epoch"), seen = model_epoch_seen(app, name);
        const struct model_record *move = model_record_of(app, name);
        if (epoch < seen) {
            return model_answer_of(409,
                                   "/components/%s/epoch: %" PRIu64 " is older than %" PRIu64
                                   ", the latest seen on this device",
                                   name, epoch, seen);
        }
        if (move != NULL && (move->state == MODEL_FROZEN || move->state == MODEL_SENT)) {
            return model_answer_of(409, "/components/%s: it is frozen for a move", name);
        }
        if (move != NULL && move->state == MODEL_HELD && present != 0 &&
            move->generation == present && move->epoch == epoch) {
            return model_answer_of(409, "/components/%s: it is held for a move; own it first",
                                   name);
        }
        if (json_object_get(device->modules,
                            json_string_value(json_object_get(component, "module"))) == NULL) {
            return model_answer_of(422, "/components/%s/module: is not there", name);
        }
    }
    return (struct model_answer){.status = 0};
}

static struct model_answer prepare(struct model_device *device, struct model_app *app,
                                   const json_t *document)
{
    uint64_t wanted = model_number(document, "generation");
    struct model_answer refused = check_prepare(device, app, document);
    if (refused.status != 0) {
        return refused;
    }
    uint64_t there = model_number(app->prepared, "generation");
    if (app->prepared != NULL && there == wanted && json_equal(app->prepared, document)) {
        app->prepared_ms = device->now_ms;
        return model_done();
    }
    if (app->prepared != NULL && (wanted <= there || any_held(app, there))) {
        return model_answer_of(409, "generation %" PRIu64 " is prepared here; abort it first",
                               there);
    }
    if (device->full) {
        return model_answer_of(507, "the disk is full");
    }
    json_decref(app->prepared);
    app->prepared = json_deep_copy(document);
    app->prepared_ms = device->now_ms;
    return model_done();
}

static void switch_to(struct model_app *app, json_t *document)
{
    struct model_component before[SIM_COMPONENTS];
    size_t count = app->component_count;
    memcpy(before, app->components, sizeof before);
    json_t *old = app->committed;
    const char *name;
    json_t *component;
    json_object_foreach(json_object_get(old, "components"), name, component)
    {
        model_epoch_raise(app, name, model_number(component, "epoch"));
    }
    app->component_count = 0;
    app->committed = document;
    app->seen = model_number(document, "generation");
    json_object_foreach(json_object_get(document, "components"), name, component)
    {
        struct model_component *made = &app->components[app->component_count++];
        const char *mode = json_string_value(json_object_get(component, "mode"));
        const json_t *was = json_object_get(json_object_get(old, "components"), name);
        const struct model_record *move = model_record_of(app, name);
        bool held = move != NULL && move->state == MODEL_HELD && move->generation == app->seen;
        CHECK(app->component_count <= SIM_COMPONENTS);
        *made =
            (struct model_component){.epoch = model_number(component, "epoch"), .running = true};
        made->service = mode != NULL && strcmp(mode, "service") == 0;
        (void)iso_format(made->name, sizeof made->name, "%s", name);
        for (size_t i = 0; i < count && kept(was, component); i++) {
            if (strcmp(before[i].name, name) == 0) {
                *made = before[i];
                made->ahead = 0;
            }
        }
        if (held) {
            made->running = false;
            made->value = move->value;
        }
    }
    json_decref(old);
    for (size_t i = app->move_count; i-- > 0;) {
        if (app->moves[i].state != MODEL_HELD || app->moves[i].generation != app->seen) {
            model_record_drop(app, &app->moves[i]);
        }
    }
}

static struct model_answer commit(struct model_device *device, struct model_app *app,
                                  uint64_t generation)
{
    if (app->committed != NULL && model_number(app->committed, "generation") == generation) {
        return model_done();
    }
    if (app->prepared == NULL || model_number(app->prepared, "generation") != generation) {
        return model_answer_of(
            409, "generation %" PRIu64 " is not prepared here; it may have expired", generation);
    }
    for (size_t i = 0; i < app->move_count; i++) {
        if (app->moves[i].state == MODEL_FROZEN || app->moves[i].state == MODEL_SENT) {
            return model_answer_of(409, "the component '%s' is frozen for a move",
                                   app->moves[i].name);
        }
    }
    const char *name;
    json_t *component;
    json_object_foreach(json_object_get(app->prepared, "components"), name, component)
    {
        const struct model_record *move = model_record_of(app, name);
        bool held = move != NULL && move->state == MODEL_HELD && move->generation == generation;
        if (model_waits(app, name, component) && !held) {
            return model_answer_of(409, "the component '%s' has not been given its snapshot yet",
                                   name);
        }
        if (model_number(component, "epoch") < model_epoch_seen(app, name)) {
            return model_answer_of(
                409, "the component '%s' has been released to epoch %" PRIu64 " meanwhile", name,
                model_epoch_seen(app, name));
        }
    }
    if (device->full) {
        return model_answer_of(507, "the disk is full");
    }
    json_t *document = app->prepared;
    app->prepared = NULL;
    switch_to(app, document);
    return model_done();
}

struct model_answer model_abort_generation(struct model_app *app, uint64_t generation)
{
    if (app->committed != NULL && model_number(app->committed, "generation") == generation) {
        return model_answer_of(409, "generation %" PRIu64 " is committed", generation);
    }
    if (app->prepared != NULL && model_number(app->prepared, "generation") == generation) {
        model_drop_prepared(app);
    }
    return model_done();
}

static struct model_answer delete (struct model_app *app, uint64_t generation)
{
    uint64_t prepared = (uint64_t)json_integer_value(json_object_get(app->prepared, "generation"));
    uint64_t here = app->seen > prepared ? app->seen : prepared;
    if (generation != 0 && here > generation) {
        return model_answer_of(409, "generation %" PRIu64 " is here, which is later than %" PRIu64,
                               here, generation);
    }
    if (generation > app->seen) {
        app->seen = generation;
    }
    for (size_t i = 0; i < app->component_count; i++) {
        model_epoch_raise(app, app->components[i].name, app->components[i].epoch);
    }
    app->component_count = 0;
    app->move_count = 0;
    json_decref(app->committed);
    json_decref(app->prepared);
    app->committed = NULL;
    app->prepared = NULL;
    return model_done();
}

/* ---- Status ------------------------------------------------------------------------------------
 */

static json_t *components_json(struct model_app *app, const json_t *document, bool committed)
{
    static const char *const names[] = {[MODEL_FROZEN] = "frozen",
                                        [MODEL_SENT] = "sent",
                                        [MODEL_RELEASED] = "released",
                                        [MODEL_HELD] = "held"};
    json_t *out = json_object();
    const char *name;
    json_t *component;
    json_object_foreach(json_object_get(document, "components"), name, component)
    {
        const struct model_record *move = model_record_of(app, name);
        json_t *item = json_pack("{s:O, s:O}", "epoch", json_object_get(component, "epoch"),
                                 "module", json_object_get(component, "module"));
        bool held = move != NULL && move->state == MODEL_HELD;
        if (move != NULL &&
            (held ? move->generation == model_number(document, "generation") : committed)) {
            (void)json_object_set_new(item, "move", json_string(names[move->state]));
        } else if (!committed && model_waits(app, name, component)) {
            (void)json_object_set_new(item, "move", json_string("awaited"));
        }
        (void)json_object_set_new(out, name, item);
    }
    return out;
}

static json_t *status(struct model_app *app)
{
    json_t *out =
        json_pack("{s:s, s:s, s:I}", "app", app->name, "state",
                  app->committed != NULL ? "committed" : "none", "seen", (json_int_t)app->seen);
    if (app->committed != NULL) {
        (void)json_object_set(out, "generation", json_object_get(app->committed, "generation"));
        (void)json_object_set_new(out, "components", components_json(app, app->committed, true));
    }
    if (app->failing != NULL) {
        (void)json_object_set_new(out, "failing",
                                  json_pack("[{s:s, s:s, s:s}]", "flow", "tick", "since",
                                            "2026-01-01T00:00:00Z", "error", app->failing));
    }
    if (app->prepared != NULL) {
        (void)json_object_set_new(
            out, "prepared",
            json_pack("{s:O, s:o}", "generation", json_object_get(app->prepared, "generation"),
                      "components", components_json(app, app->prepared, false)));
    }
    return out;
}

static bool known(const struct model_app *app)
{
    return app->committed != NULL || app->prepared != NULL;
}

static struct model_answer with_json(json_t *value)
{
    struct model_answer out = {.status = 200, .body = json_dumps(value, JSON_COMPACT)};
    json_decref(value);
    return out;
}

static struct model_answer list(struct model_device *device)
{
    json_t *all = json_array();
    for (size_t i = 0; i < ISO_COUNT_OF(device->apps); i++) {
        if (known(&device->apps[i])) {
            (void)json_array_append_new(all, status(&device->apps[i]));
        }
    }
    return with_json(all);
}

/* ---- Requests ----------------------------------------------------------------------------------
 */

static struct model_answer deployments(struct model_device *device, const char *method, char *rest,
                                       const char *body, size_t len)
{
    if (rest[0] == '\0') {
        return list(device);
    }
    char *query = strchr(rest, '?');
    uint64_t generation = 0;
    if (query != NULL) {
        *query = '\0';
        CHECK(strncmp(query + 1, "generation=", 11) == 0);
        generation = strtoull(query + 12, NULL, 10);
    }
    char *verb = strchr(rest, '/');
    if (verb != NULL) {
        *verb++ = '\0';
    }
    struct model_app *app = model_app(device, rest);
    if (strcmp(method, "DELETE") == 0) {
        device->deletes++;
        return app != NULL && !device->keeps ? delete (app, generation) : model_done();
    }
    if (strcmp(method, "GET") == 0) {
        return app != NULL && known(app) ? with_json(status(app))
                                         : model_answer_of(404, "not here");
    }
    CHECK(strcmp(method, "POST") == 0 && verb != NULL);
    generation = strtoull(verb, &verb, 10);
    if (strcmp(verb, "/prepare") == 0) {
        json_t *document = json_loadb(body, len, 0, NULL);
        CHECK(document != NULL && model_number(document, "generation") == generation);
        struct model_answer out = prepare(device, app_get(device, rest), document);
        json_decref(document);
        return out;
    }
    if (strcmp(verb, "/abort") == 0) {
        return app != NULL ? model_abort_generation(app, generation) : model_done();
    }
    CHECK(strcmp(verb, "/commit") == 0);
    return app != NULL ? commit(device, app, generation)
                       : model_answer_of(404, "no such application");
}

static struct model_answer modules(struct model_device *device, const char *method,
                                   const char *digest)
{
    bool there = json_object_get(device->modules, digest) != NULL;
    if (strcmp(method, "HEAD") == 0) {
        return there ? (struct model_answer){.status = 200} : (struct model_answer){.status = 404};
    }
    CHECK(strcmp(method, "PUT") == 0);
    if (device->full && !there) {
        return model_answer_of(507, "the disk is full");
    }
    (void)json_object_set_new(device->modules, digest, json_true());
    return (struct model_answer){.status = 201};
}

static struct model_answer figures(struct model_device *device)
{
    json_t *all = json_array();
    for (size_t i = 0; i < ISO_COUNT_OF(device->apps); i++) {
        for (size_t k = 0; k < device->apps[i].component_count; k++) {
            const struct model_component *component = &device->apps[i].components[k];
            (void)json_array_append_new(
                all, json_pack("{s:s, s:s, s:{s:i, s:I}, s:[]}", "app", device->apps[i].name,
                               "component", component->name, "work", "calls", 3, "fuel-per-call",
                               (json_int_t)device->fuel_per_call, "links"));
        }
    }
    return with_json(all);
}

struct model_answer model_request(struct model_device *device, const char *method, const char *path,
                                  const char *body, size_t len)
{
    char text[256];
    (void)iso_format(text, sizeof text, "%s", path);
    if (strncmp(text, "/v1/modules/", 12) == 0) {
        return modules(device, method, text + 12);
    }
    if (strncmp(text, "/v1/moves/", 10) == 0) {
        return model_moves(device, text + 10, method, body, len);
    }
    if (strcmp(text, "/v1/components") == 0) {
        return figures(device);
    }
    CHECK(strncmp(text, "/v1/deployments", 15) == 0);
    return deployments(device, method, text[15] == '/' ? text + 16 : text + 15, body, len);
}

void model_pass_time(struct model_device *device, uint64_t now_ms)
{
    device->now_ms = now_ms;
    for (size_t i = 0; i < ISO_COUNT_OF(device->apps); i++) {
        struct model_app *app = &device->apps[i];
        for (size_t k = app->move_count; k-- > 0;) {
            if (app->moves[k].state == MODEL_FROZEN && app->moves[k].deadline_ms <= now_ms) {
                model_thaw(app, &app->moves[k]);
            }
        }
        if (app->prepared != NULL && now_ms - app->prepared_ms >= PREPARED_MS &&
            !any_held(app, model_number(app->prepared, "generation"))) {
            model_drop_prepared(app);
        }
    }
}

void model_restart(struct model_device *device)
{
    for (size_t i = 0; i < ISO_COUNT_OF(device->apps); i++) {
        struct model_app *app = &device->apps[i];
        if (app->prepared != NULL && !any_held(app, model_number(app->prepared, "generation"))) {
            model_drop_prepared(app);
        }
        for (size_t k = 0; k < app->component_count; k++) {
            struct model_component *component = &app->components[k];
            if (component->running) {
                component->value = component->ahead = 0; /* its memory */
            }
            if (model_epoch_seen(app, component->name) > component->epoch) {
                component->running = false; /* released: it is not started again */
            }
        }
    }
}
