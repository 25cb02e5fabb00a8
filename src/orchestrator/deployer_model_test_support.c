/* A device as docs/deployment.md describes it, without anything inside its components but a number
 * that they have counted. */
#include "orchestrator/deployer_test_support.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { PREPARED_MS = 60000, FROZEN_MS = 60000 };

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

static struct model_component *component_of(struct model_app *app, const char *name)
{
    for (size_t i = 0; i < app->component_count; i++) {
        if (strcmp(app->components[i].name, name) == 0) {
            return &app->components[i];
        }
    }
    return NULL;
}

static struct model_record *record_of(struct model_app *app, const char *name)
{
    for (size_t i = 0; i < app->move_count; i++) {
        if (strcmp(app->moves[i].name, name) == 0) {
            return &app->moves[i];
        }
    }
    return NULL;
}

static void drop_record(struct model_app *app, struct model_record *record)
{
    *record = app->moves[--app->move_count];
}

static uint64_t number(const json_t *object, const char *name)
{
    return (uint64_t)json_integer_value(json_object_get(object, name));
}

static struct model_answer answer(unsigned status, const char *format, ...) ISO_PRINTF(2, 3);

static struct model_answer answer(unsigned status, const char *format, ...)
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

static struct model_answer done(void)
{
    return (struct model_answer){.status = 204};
}

static uint64_t epoch_seen(const struct model_app *app, const char *name)
{
    uint64_t seen = number(app->epochs, name);
    uint64_t present =
        number(json_object_get(json_object_get(app->committed, "components"), name), "epoch");
    return seen > present ? seen : present;
}

static void raise_epoch(struct model_app *app, const char *name, uint64_t epoch)
{
    if (number(app->epochs, name) < epoch) {
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

static bool waits_for_snapshot(const struct model_app *app, const char *name, const json_t *after)
{
    return json_object_get(after, "from") != NULL &&
           !kept(json_object_get(json_object_get(app->committed, "components"), name), after);
}

/* ---- Generations -------------------------------------------------------------------------------
 */

static void drop_prepared(struct model_app *app)
{
    uint64_t generation = number(app->prepared, "generation");
    for (size_t i = app->move_count; i-- > 0;) {
        if (app->moves[i].state == MODEL_HELD && app->moves[i].generation == generation) {
            drop_record(app, &app->moves[i]);
        }
    }
    json_decref(app->prepared);
    app->prepared = NULL;
}

static struct model_answer check_prepare(struct model_device *device, struct model_app *app,
                                         const json_t *document)
{
    uint64_t wanted = number(document, "generation");
    uint64_t present = number(app->committed, "generation");
    if (wanted < app->seen) {
        return answer(409,
                      "generation %" PRIu64 " is older than %" PRIu64
                      ", the latest that was committed here",
                      wanted, app->seen);
    }
    if (wanted == app->seen && present != wanted) {
        return answer(409, "generation %" PRIu64 " was removed from this device; use a later one",
                      wanted);
    }
    if (wanted == app->seen) {
        return json_equal(app->committed, document)
                   ? done()
                   : answer(409, "generation %" PRIu64 " is committed with another document",
                            wanted);
    }
    const char *name;
    json_t *component;
    json_object_foreach(json_object_get(document, "components"), name, component)
    {
        uint64_t epoch = number(component, "epoch"), seen = epoch_seen(app, name);
        const struct model_record *move = record_of(app, name);
        if (epoch < seen) {
            return answer(409,
                          "/components/%s/epoch: %" PRIu64 " is older than %" PRIu64
                          ", the latest seen on this device",
                          name, epoch, seen);
        }
        if (move != NULL && (move->state == MODEL_FROZEN || move->state == MODEL_SENT)) {
            return answer(409, "/components/%s: it is frozen for a move", name);
        }
        if (move != NULL && move->state == MODEL_HELD && present != 0 &&
            move->generation == present && move->epoch == epoch) {
            return answer(409, "/components/%s: it is held for a move; own it first", name);
        }
        if (json_object_get(device->modules,
                            json_string_value(json_object_get(component, "module"))) == NULL) {
            return answer(422, "/components/%s/module: is not there", name);
        }
    }
    return (struct model_answer){.status = 0};
}

static struct model_answer prepare(struct model_device *device, struct model_app *app,
                                   const json_t *document)
{
    uint64_t wanted = number(document, "generation");
    struct model_answer refused = check_prepare(device, app, document);
    if (refused.status != 0) {
        return refused;
    }
    uint64_t there = number(app->prepared, "generation");
    if (app->prepared != NULL && there == wanted && json_equal(app->prepared, document)) {
        app->prepared_ms = device->now_ms;
        return done();
    }
    if (app->prepared != NULL && (wanted <= there || any_held(app, there))) {
        return answer(409, "generation %" PRIu64 " is prepared here; abort it first", there);
    }
    if (device->full) {
        return answer(507, "the disk is full");
    }
    json_decref(app->prepared);
    app->prepared = json_deep_copy(document);
    app->prepared_ms = device->now_ms;
    return done();
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
        raise_epoch(app, name, number(component, "epoch"));
    }
    app->component_count = 0;
    app->committed = document;
    app->seen = number(document, "generation");
    json_object_foreach(json_object_get(document, "components"), name, component)
    {
        struct model_component *made = &app->components[app->component_count++];
        const char *mode = json_string_value(json_object_get(component, "mode"));
        const json_t *was = json_object_get(json_object_get(old, "components"), name);
        const struct model_record *move = record_of(app, name);
        bool held = move != NULL && move->state == MODEL_HELD && move->generation == app->seen;
        CHECK(app->component_count <= SIM_COMPONENTS);
        *made = (struct model_component){.epoch = number(component, "epoch"), .running = true};
        made->service = mode != NULL && strcmp(mode, "service") == 0;
        (void)iso_format(made->name, sizeof made->name, "%s", name);
        for (size_t i = 0; i < count && kept(was, component); i++) {
            if (strcmp(before[i].name, name) == 0) {
                *made = before[i];
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
            drop_record(app, &app->moves[i]);
        }
    }
}

static struct model_answer commit(struct model_device *device, struct model_app *app,
                                  uint64_t generation)
{
    if (app->committed != NULL && number(app->committed, "generation") == generation) {
        return done();
    }
    if (app->prepared == NULL || number(app->prepared, "generation") != generation) {
        return answer(409, "generation %" PRIu64 " is not prepared here; it may have expired",
                      generation);
    }
    for (size_t i = 0; i < app->move_count; i++) {
        if (app->moves[i].state == MODEL_FROZEN || app->moves[i].state == MODEL_SENT) {
            return answer(409, "the component '%s' is frozen for a move", app->moves[i].name);
        }
    }
    const char *name;
    json_t *component;
    json_object_foreach(json_object_get(app->prepared, "components"), name, component)
    {
        const struct model_record *move = record_of(app, name);
        bool held = move != NULL && move->state == MODEL_HELD && move->generation == generation;
        if (waits_for_snapshot(app, name, component) && !held) {
            return answer(409, "the component '%s' has not been given its snapshot yet", name);
        }
        if (number(component, "epoch") < epoch_seen(app, name)) {
            return answer(409,
                          "the component '%s' has been released to epoch %" PRIu64 " meanwhile",
                          name, epoch_seen(app, name));
        }
    }
    if (device->full) {
        return answer(507, "the disk is full");
    }
    json_t *document = app->prepared;
    app->prepared = NULL;
    switch_to(app, document);
    return done();
}

static struct model_answer abort_generation(struct model_app *app, uint64_t generation)
{
    if (app->committed != NULL && number(app->committed, "generation") == generation) {
        return answer(409, "generation %" PRIu64 " is committed", generation);
    }
    if (app->prepared != NULL && number(app->prepared, "generation") == generation) {
        drop_prepared(app);
    }
    return done();
}

static struct model_answer delete (struct model_app *app, uint64_t generation)
{
    if (generation != 0 && app->seen > generation) {
        return answer(409, "generation %" PRIu64 " is here, which is later than %" PRIu64,
                      app->seen, generation);
    }
    if (generation > app->seen) {
        app->seen = generation;
    }
    for (size_t i = 0; i < app->component_count; i++) {
        raise_epoch(app, app->components[i].name, app->components[i].epoch);
    }
    app->component_count = 0;
    app->move_count = 0;
    json_decref(app->committed);
    json_decref(app->prepared);
    app->committed = NULL;
    app->prepared = NULL;
    return done();
}

/* ---- Moves -------------------------------------------------------------------------------------
 */

static struct model_answer freeze(struct model_device *device, struct model_app *app,
                                  const char *name, uint64_t epoch)
{
    struct model_component *component = component_of(app, name);
    struct model_record *move = record_of(app, name);
    if (component == NULL) {
        return epoch_seen(app, name) != 0 ? answer(409, "the component '%s' is not here now", name)
                                          : answer(404, "there is no component '%s'", name);
    }
    if (move != NULL) {
        bool again =
            (move->state == MODEL_FROZEN || move->state == MODEL_SENT) && move->epoch == epoch;
        return again ? done() : answer(409, "the component '%s' is being moved", name);
    }
    if (component->epoch != epoch || !component->running) {
        return answer(409, "the component '%s' has epoch %" PRIu64, name, component->epoch);
    }
    CHECK(app->move_count < SIM_COMPONENTS);
    move = &app->moves[app->move_count++];
    *move = (struct model_record){.state = MODEL_FROZEN,
                                  .epoch = epoch,
                                  .generation = app->seen,
                                  .deadline_ms = device->now_ms + FROZEN_MS,
                                  .value = component->value};
    (void)iso_format(move->name, sizeof move->name, "%s", name);
    component->running = false;
    return done();
}

static struct model_answer fetch(struct model_app *app, const char *name)
{
    struct model_record *move = record_of(app, name);
    if (component_of(app, name) == NULL || move == NULL ||
        (move->state != MODEL_FROZEN && move->state != MODEL_SENT)) {
        return answer(409, "the component '%s' is not frozen; freeze it first", name);
    }
    move->state = MODEL_SENT;
    move->deadline_ms = 0;
    struct model_answer out = {.status = 200, .body = malloc(32)};
    CHECK(out.body != NULL);
    (void)iso_format(out.body, 32, "value %" PRId64, move->value);
    return out;
}

static struct model_answer hold(struct model_device *device, struct model_app *app,
                                const char *name, const char *body)
{
    struct model_record *move = record_of(app, name);
    int64_t value = strtoll(body + 6, NULL, 10);
    if (move != NULL && move->state == MODEL_HELD) {
        return move->value == value ? done() : answer(409, "'%s' holds another snapshot", name);
    }
    const json_t *component = json_object_get(json_object_get(app->prepared, "components"), name);
    if (component == NULL || !waits_for_snapshot(app, name, component)) {
        return answer(409, "no prepared generation waits for a snapshot of '%s'", name);
    }
    if (device->full) {
        drop_prepared(app);
        return answer(507, "the disk is full; the prepared generation has been aborted");
    }
    if (move != NULL) {
        drop_record(app, move);
    }
    move = &app->moves[app->move_count++];
    *move = (struct model_record){.state = MODEL_HELD,
                                  .epoch = number(component, "epoch"),
                                  .generation = number(app->prepared, "generation"),
                                  .value = value};
    (void)iso_format(move->name, sizeof move->name, "%s", name);
    return done();
}

static struct model_answer own(struct model_app *app, const char *name, uint64_t epoch)
{
    struct model_component *component = component_of(app, name);
    struct model_record *move = record_of(app, name);
    if (move == NULL && component != NULL && component->epoch == epoch) {
        return done();
    }
    if (move == NULL || move->state != MODEL_HELD) {
        return answer(epoch_seen(app, name) != 0 ? 409 : 404, "the component '%s' is not held here",
                      name);
    }
    if (move->epoch != epoch) {
        return answer(409, "the component '%s' is held for epoch %" PRIu64, name, move->epoch);
    }
    if (component == NULL || move->generation != app->seen) {
        return answer(409, "generation %" PRIu64 " is not committed; commit it first",
                      move->generation);
    }
    component->running = true;
    component->value = move->value;
    drop_record(app, move);
    return done();
}

static bool knows_peer(const json_t *document, const char *peer)
{
    return json_object_get(json_object_get(json_object_get(document, "peers"), peer), "connect") !=
           NULL;
}

static struct model_answer release(struct model_app *app, const char *name, uint64_t epoch,
                                   const char *to)
{
    struct model_record *move = record_of(app, name);
    if (move != NULL && move->state == MODEL_RELEASED && move->epoch == epoch) {
        return done();
    }
    if (component_of(app, name) == NULL) {
        return answer(epoch_seen(app, name) != 0 ? 409 : 404, "the component '%s' is not here now",
                      name);
    }
    if (move == NULL || move->state != MODEL_SENT) {
        return answer(409, "only one whose snapshot was fetched can be released");
    }
    if (epoch <= move->epoch) {
        return answer(409, "epoch %" PRIu64 " is not later than %" PRIu64, epoch, move->epoch);
    }
    if (to == NULL || (!knows_peer(app->prepared, to) && !knows_peer(app->committed, to))) {
        return answer(400, "no peer '%s' with 'connect'", to != NULL ? to : "");
    }
    move->state = MODEL_RELEASED;
    move->epoch = epoch;
    raise_epoch(app, name, epoch);
    return done();
}

static void thaw(struct model_app *app, struct model_record *move)
{
    struct model_component *component = component_of(app, move->name);
    CHECK(component != NULL);
    component->running = true;
    component->value = move->value;
    drop_record(app, move);
}

static struct model_answer abort_move(struct model_app *app, const char *name)
{
    struct model_record *move = record_of(app, name);
    if (move != NULL && move->state == MODEL_HELD && app->prepared != NULL &&
        number(app->prepared, "generation") == move->generation) {
        return abort_generation(app, move->generation);
    }
    if (component_of(app, name) == NULL) {
        return answer(epoch_seen(app, name) != 0 ? 409 : 404, "the component '%s' is not here now",
                      name);
    }
    if (move == NULL) {
        return done();
    }
    if (move->state == MODEL_HELD || move->state == MODEL_RELEASED) {
        return answer(409, "the component '%s' cannot be taken back", name);
    }
    thaw(app, move);
    return done();
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
        const struct model_record *move = record_of(app, name);
        json_t *item = json_pack("{s:O, s:O}", "epoch", json_object_get(component, "epoch"),
                                 "module", json_object_get(component, "module"));
        bool held = move != NULL && move->state == MODEL_HELD;
        if (move != NULL &&
            (held ? move->generation == number(document, "generation") : committed)) {
            (void)json_object_set_new(item, "move", json_string(names[move->state]));
        } else if (!committed && waits_for_snapshot(app, name, component)) {
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
        return app != NULL ? delete (app, generation) : done();
    }
    if (strcmp(method, "GET") == 0) {
        return app != NULL && known(app) ? with_json(status(app)) : answer(404, "not here");
    }
    CHECK(strcmp(method, "POST") == 0 && verb != NULL);
    generation = strtoull(verb, &verb, 10);
    if (strcmp(verb, "/prepare") == 0) {
        json_t *document = json_loadb(body, len, 0, NULL);
        CHECK(document != NULL && number(document, "generation") == generation);
        struct model_answer out = prepare(device, app_get(device, rest), document);
        json_decref(document);
        return out;
    }
    if (strcmp(verb, "/abort") == 0) {
        return app != NULL ? abort_generation(app, generation) : done();
    }
    CHECK(strcmp(verb, "/commit") == 0);
    return app != NULL ? commit(device, app, generation) : answer(404, "no such application");
}

static struct model_answer moves(struct model_device *device, char *rest, const char *method,
                                 const char *body, size_t len)
{
    char *name = strchr(rest, '/');
    CHECK(name != NULL);
    *name++ = '\0';
    char *verb = strchr(name, '/');
    CHECK(verb != NULL);
    *verb++ = '\0';
    struct model_app *app = model_app(device, rest);
    if (app == NULL) {
        return answer(404, "no such application");
    }
    if (strcmp(verb, "snapshot") == 0) {
        char text[32];
        (void)iso_format(text, sizeof text, "%.*s", (int)(len < 31 ? len : 31),
                         body != NULL ? body : "");
        return strcmp(method, "GET") == 0 ? fetch(app, name) : hold(device, app, name, text);
    }
    if (strcmp(verb, "abort") == 0) {
        return abort_move(app, name);
    }
    json_t *value = json_loadb(body, len, 0, NULL);
    uint64_t epoch = number(value, "epoch");
    CHECK(epoch != 0);
    struct model_answer out =
        strcmp(verb, "freeze") == 0 ? freeze(device, app, name, epoch)
        : strcmp(verb, "own") == 0
            ? own(app, name, epoch)
            : release(app, name, epoch, json_string_value(json_object_get(value, "to")));
    json_decref(value);
    return out;
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
        return answer(507, "the disk is full");
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
        return moves(device, text + 10, method, body, len);
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
                thaw(app, &app->moves[k]);
            }
        }
        if (app->prepared != NULL && now_ms - app->prepared_ms >= PREPARED_MS &&
            !any_held(app, number(app->prepared, "generation"))) {
            drop_prepared(app);
        }
    }
}

void model_restart(struct model_device *device)
{
    for (size_t i = 0; i < ISO_COUNT_OF(device->apps); i++) {
        struct model_app *app = &device->apps[i];
        if (app->prepared != NULL && !any_held(app, number(app->prepared, "generation"))) {
            drop_prepared(app);
        }
        for (size_t k = 0; k < app->component_count; k++) {
            struct model_component *component = &app->components[k];
            if (component->running) {
                component->value = 0; /* its memory */
            }
            if (epoch_seen(app, component->name) > component->epoch) {
                component->running = false; /* released: it is not started again */
            }
        }
    }
}
