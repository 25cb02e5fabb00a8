/* What the model of a device does when components move: docs/deployment.md, "Moving". */
#include "orchestrator/deployer_model_test_support.h"

#include <inttypes.h>
#include <stdlib.h>

enum { FROZEN_MS = 60000 };

static struct model_answer text(const char *format, int64_t first, int64_t second)
{
    struct model_answer out = {.status = 200, .body = malloc(64)};
    CHECK(out.body != NULL);
    (void)iso_format(out.body, 64, format, first, second);
    return out;
}

static struct model_answer fetch(struct model_app *app, const char *name)
{
    struct model_record *move = model_record_of(app, name);
    if (model_component_of(app, name) == NULL || move == NULL ||
        (move->state != MODEL_FROZEN && move->state != MODEL_SENT)) {
        return model_answer_of(409, "the component '%s' is not frozen; freeze it first", name);
    }
    move->state = MODEL_SENT;
    move->deadline_ms = 0;
    return text("value %" PRId64 " %" PRId64, move->value, move->ahead);
}

static struct model_answer freeze(struct model_device *device, struct model_app *app,
                                  const char *name, uint64_t epoch, bool send)
{
    struct model_component *component = model_component_of(app, name);
    struct model_record *move = model_record_of(app, name);
    if (component == NULL) {
        return model_epoch_seen(app, name) != 0
                   ? model_answer_of(409, "the component '%s' is not here now", name)
                   : model_answer_of(404, "there is no component '%s'", name);
    }
    if (move != NULL) {
        bool again =
            (move->state == MODEL_FROZEN || move->state == MODEL_SENT) && move->epoch == epoch;
        return !again ? model_answer_of(409, "the component '%s' is being moved", name)
               : send ? fetch(app, name)
                      : model_done();
    }
    if (component->epoch != epoch || !component->running) {
        return model_answer_of(409, "the component '%s' has epoch %" PRIu64, name,
                               component->epoch);
    }
    CHECK(app->move_count < SIM_COMPONENTS);
    move = &app->moves[app->move_count++];
    *move = (struct model_record){.state = MODEL_FROZEN,
                                  .epoch = epoch,
                                  .generation = app->seen,
                                  .deadline_ms = device->now_ms + FROZEN_MS,
                                  .value = component->value,
                                  .ahead = component->ahead};
    (void)iso_format(move->name, sizeof move->name, "%s", name);
    component->running = false;
    return send ? fetch(app, name) : model_done();
}

static struct model_answer give_ahead(struct model_device *device, struct model_app *app,
                                      const char *name)
{
    struct model_component *component = model_component_of(app, name);
    const struct model_record *move = model_record_of(app, name);
    if (component != NULL && component->running) {
        component->ahead = ++device->sent_ahead;
    } else if (component == NULL || move == NULL || move->ahead == 0) {
        return model_answer_of(409, "nothing of '%s' went ahead of its state", name);
    }
    return text("calls %" PRId64, component->running ? component->ahead : move->ahead, 0);
}

static struct model_answer take(struct model_device *device, struct model_app *app,
                                const char *name, const char *body, bool ahead)
{
    struct model_record *move = model_record_of(app, name);
    char *end;
    int64_t value = strtoll(body + 6, &end, 10), needs = strtoll(end, NULL, 10);
    if (move != NULL && move->state == MODEL_HELD) {
        return ahead || move->value == value
                   ? model_done()
                   : model_answer_of(409, "'%s' holds another snapshot", name);
    }
    const json_t *component = json_object_get(json_object_get(app->prepared, "components"), name);
    if (component == NULL || !model_waits(app, name, component)) {
        return model_answer_of(409, "no prepared generation waits for a snapshot of '%s'", name);
    }
    if (ahead) {
        CHECK(json_object_set_new(app->ahead, name, json_integer(value)) == 0);
        return model_done();
    }
    if (needs != 0 && json_integer_value(json_object_get(app->ahead, name)) != needs) {
        return model_answer_of(409, "what went ahead of '%s' is not here", name);
    }
    if (device->full) {
        model_drop_prepared(app);
        return model_answer_of(507, "the disk is full; the prepared generation has been aborted");
    }
    if (move != NULL) {
        model_record_drop(app, move);
    }
    move = &app->moves[app->move_count++];
    *move = (struct model_record){.state = MODEL_HELD,
                                  .epoch = model_number(component, "epoch"),
                                  .generation = model_number(app->prepared, "generation"),
                                  .value = value};
    (void)iso_format(move->name, sizeof move->name, "%s", name);
    return model_done();
}

static struct model_answer own(struct model_app *app, const char *name, uint64_t epoch)
{
    struct model_component *component = model_component_of(app, name);
    struct model_record *move = model_record_of(app, name);
    if (move == NULL && component != NULL && component->epoch == epoch) {
        return model_done();
    }
    if (move == NULL || move->state != MODEL_HELD) {
        return model_answer_of(model_epoch_seen(app, name) != 0 ? 409 : 404,
                               "the component '%s' is not held here", name);
    }
    if (move->epoch != epoch) {
        return model_answer_of(409, "the component '%s' is held for epoch %" PRIu64, name,
                               move->epoch);
    }
    if (component == NULL || move->generation != app->seen) {
        return model_answer_of(409, "generation %" PRIu64 " is not committed; commit it first",
                               move->generation);
    }
    component->running = true;
    component->value = move->value;
    model_record_drop(app, move);
    return model_done();
}

static bool knows_peer(const json_t *document, const char *peer)
{
    return json_object_get(json_object_get(json_object_get(document, "peers"), peer), "connect") !=
           NULL;
}

static struct model_answer release(struct model_app *app, const char *name, uint64_t epoch,
                                   const char *to)
{
    struct model_record *move = model_record_of(app, name);
    if (move != NULL && move->state == MODEL_RELEASED && move->epoch == epoch) {
        return model_done();
    }
    if (model_component_of(app, name) == NULL) {
        return model_answer_of(model_epoch_seen(app, name) != 0 ? 409 : 404,
                               "the component '%s' is not here now", name);
    }
    if (move == NULL || move->state != MODEL_SENT) {
        return model_answer_of(409, "only one whose snapshot was fetched can be released");
    }
    if (epoch <= move->epoch) {
        return model_answer_of(409, "epoch %" PRIu64 " is not later than %" PRIu64, epoch,
                               move->epoch);
    }
    if (to == NULL || (!knows_peer(app->prepared, to) && !knows_peer(app->committed, to))) {
        return model_answer_of(400, "no peer '%s' with 'connect'", to != NULL ? to : "");
    }
    move->state = MODEL_RELEASED;
    move->epoch = epoch;
    model_epoch_raise(app, name, epoch);
    return model_done();
}

void model_thaw(struct model_app *app, struct model_record *move)
{
    struct model_component *component = model_component_of(app, move->name);
    CHECK(component != NULL);
    component->running = true;
    component->value = move->value;
    component->ahead = 0;
    model_record_drop(app, move);
}

static struct model_answer abort_move(struct model_app *app, const char *name)
{
    struct model_record *move = model_record_of(app, name);
    if (move != NULL && move->state == MODEL_HELD && app->prepared != NULL &&
        model_number(app->prepared, "generation") == move->generation) {
        return model_abort_generation(app, move->generation);
    }
    if (model_component_of(app, name) == NULL) {
        return model_answer_of(model_epoch_seen(app, name) != 0 ? 409 : 404,
                               "the component '%s' is not here now", name);
    }
    if (move == NULL) {
        return model_done();
    }
    if (move->state == MODEL_HELD || move->state == MODEL_RELEASED) {
        return model_answer_of(409, "the component '%s' cannot be taken back", name);
    }
    model_thaw(app, move);
    return model_done();
}

struct model_answer model_moves(struct model_device *device, char *rest, const char *method,
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
        return model_answer_of(404, "no such application");
    }
    bool ahead = strcmp(verb, "remembered") == 0;
    if (ahead || strcmp(verb, "snapshot") == 0) {
        char copy[64];
        (void)iso_format(copy, sizeof copy, "%.*s", (int)(len < 63 ? len : 63),
                         body != NULL ? body : "");
        return strcmp(method, "GET") != 0 ? take(device, app, name, copy, ahead)
               : ahead                    ? give_ahead(device, app, name)
                                          : fetch(app, name);
    }
    if (strcmp(verb, "abort") == 0) {
        return abort_move(app, name);
    }
    json_t *value = json_loadb(body, len, 0, NULL);
    uint64_t epoch = model_number(value, "epoch");
    CHECK(epoch != 0);
    struct model_answer out =
        strcmp(verb, "freeze") == 0
            ? freeze(device, app, name, epoch, json_is_true(json_object_get(value, "send")))
        : strcmp(verb, "own") == 0
            ? own(app, name, epoch)
            : release(app, name, epoch, json_string_value(json_object_get(value, "to")));
    json_decref(value);
    return out;
}
