/*
 * One device of a generation: its modules, prepare, commit; or abort; or delete.
 * docs/deployment.md, "Generations" and "Modules".
 *
 * What a device refuses with 409 is looked into: its status says what it has, and most of it is a
 * remainder that can be cleared away (a freeze that nobody decided, an older prepared generation),
 * or a number that has to be passed.
 */
#include "orchestrator/deployer_state.h"

#include <inttypes.h>
#include <stdlib.h>

static const char *app_name(const struct iso_or_part *part)
{
    return part->gen->app->name;
}

static void poke(struct iso_or_part *part)
{
    part->gen->app->told = false;
    iso_or_app_poke(part->gen->app);
}

static void resume(struct iso_or_ask *ask)
{
    poke(ask->owner);
}

static void achieved(struct iso_or_part *part)
{
    part->progress_ms = iso_or_now(part->gen->app->deployer);
    part->ask.failures = 0;
}

static bool decided(const struct iso_or_part *part)
{
    return part->goal != ISO_OR_GOAL_PREPARE;
}

static void trouble(struct iso_or_part *part, enum iso_or_trouble kind)
{
    if (part->trouble == ISO_OR_TROUBLE_NONE) {
        part->trouble = kind;
    }
}

static void set_reason(struct iso_or_part *part, const struct iso_or_answer *answer)
{
    char text[ISO_OR_REASON_SIZE];
    iso_or_answer_text(answer, text);
    (void)iso_format(part->reason, sizeof part->reason, "%s: %s: %s",
                     iso_or_device_called(part->gen->app->deployer, part->device), part->step,
                     text);
}

/* It did not work. Before the decision it may be given up; after it, it is tried until it works. */
static void failed(struct iso_or_part *part, const struct iso_or_answer *answer)
{
    set_reason(part, answer);
    if (decided(part)) {
        part->gen->hurry = true;
        iso_or_ask_pause(&part->ask, resume);
        return;
    }
    uint64_t now = iso_or_now(part->gen->app->deployer);
    if (!iso_or_answer_passing(answer)) {
        bool fatal = answer->status == 400 || answer->status == 413 || answer->status == 422;
        trouble(part, fatal ? ISO_OR_TROUBLE_FATAL : ISO_OR_TROUBLE_DEVICE);
    } else if (now - part->progress_ms > ISO_OR_STALLED_MS) {
        trouble(part, ISO_OR_TROUBLE_DEVICE);
    } else {
        iso_or_ask_pause(&part->ask, resume);
    }
}

static const json_t *document_of(const struct iso_or_part *part)
{
    return json_object_get(part->gen->documents, part->device);
}

static void send_to(struct iso_or_part *part, const char *method, const char *path,
                    uint32_t timeout,
                    void (*answered)(struct iso_or_ask *ask, const struct iso_or_answer *answer))
{
    const struct iso_or_send request = {
        .device = part->device, .method = method, .path = path, .timeout_ms = timeout};
    iso_or_ask_send(&part->ask, &request, answered);
}

/* ---- What the device has -----------------------------------------------------------------------
 */

static void cleared(struct iso_or_ask *ask, const struct iso_or_answer *answer)
{
    struct iso_or_part *part = ask->owner;
    (void)answer; /* whatever it said: what was refused is tried again, after a pause */
    iso_or_ask_pause(ask, resume);
    poke(part);
}

/* A change of the device's state that takes away what is in the way. */
static void clear(struct iso_or_part *part, const char *path, uint64_t epoch)
{
    char body[48];
    size_t len = iso_format(body, sizeof body, "{\"epoch\": %" PRIu64 "}", epoch);
    const struct iso_or_send request = {.device = part->device,
                                        .method = "POST",
                                        .path = path,
                                        .body = iso_bytes_from(body, len),
                                        .timeout_ms = ISO_OR_COMMIT_MS};
    iso_or_ask_send(&part->ask, &request, cleared);
}

static bool is_move(const json_t *component, const char *state)
{
    const char *move = json_string_value(json_object_get(component, "move"));
    return move != NULL && strcmp(move, state) == 0;
}

/* The epoch under which the present decisions own a component on this device; 0: they do not. */
static uint64_t owned_here(const struct iso_or_part *part, const char *component)
{
    const struct iso_or_generation *current = part->gen->app->current;
    const char *device = iso_or_generation_device(current, component);
    return device != NULL && strcmp(device, part->device) == 0
               ? iso_or_generation_epoch(current, component)
               : 0;
}

static bool moves_away(const struct iso_or_generation *gen, const char *component,
                       const char *device)
{
    for (size_t i = 0; gen != NULL && i < gen->move_count; i++) {
        const struct iso_or_move *move = &gen->moves[i];
        if (strcmp(move->component, component) == 0 && strcmp(move->from, device) == 0 &&
            !move->released) {
            return true;
        }
    }
    return false;
}

/* A move that is decided, or under way, has it stopped. */
static bool to_be_released(const struct iso_or_part *part, const char *component)
{
    const struct iso_or_app *app = part->gen->app;
    bool moving = app->change != NULL && app->change->state == ISO_OR_MOVING && !app->change->undo;
    return moves_away(app->current, component, part->device) ||
           (moving && moves_away(app->change, component, part->device));
}

/* Remainders of moves in the committed generation. True: something is being done, or waited for. */
static bool clear_committed(struct iso_or_part *part, const json_t *status)
{
    char path[160];
    const char *name;
    json_t *component;
    json_object_foreach(json_object_get(status, "components"), name, component)
    {
        uint64_t epoch = (uint64_t)json_integer_value(json_object_get(component, "epoch"));
        if (is_move(component, "frozen") || is_move(component, "sent")) {
            if (to_be_released(part, name)) {
                iso_or_ask_pause(&part->ask, resume);
                return true;
            }
            (void)iso_format(path, sizeof path, "/v1/moves/%s/%s/abort", app_name(part), name);
            clear(part, path, epoch);
            return true;
        }
        if (is_move(component, "held") && owned_here(part, name) == epoch) {
            (void)iso_format(path, sizeof path, "/v1/moves/%s/%s/own", app_name(part), name);
            clear(part, path, epoch);
            return true;
        }
    }
    return false;
}

/* Another prepared generation. A state that is held in it under the epoch that is decided is the
 * only one there is: that generation is carried through first. */
static bool clear_prepared(struct iso_or_part *part, const json_t *status)
{
    const json_t *prepared = json_object_get(status, "prepared");
    uint64_t number = (uint64_t)json_integer_value(json_object_get(prepared, "generation"));
    if (prepared == NULL || (number == part->gen->number && part->prepared)) {
        return false;
    }
    const char *name;
    json_t *component;
    bool keep = false;
    json_object_foreach(json_object_get(prepared, "components"), name, component)
    {
        uint64_t epoch = (uint64_t)json_integer_value(json_object_get(component, "epoch"));
        keep = keep || (is_move(component, "held") && owned_here(part, name) == epoch);
    }
    if (number == part->gen->number && keep) {
        return false;
    }
    char path[128];
    (void)iso_format(path, sizeof path, "/v1/deployments/%s/%" PRIu64 "/%s", app_name(part), number,
                     keep ? "commit" : "abort");
    clear(part, path, 1);
    return true;
}

/* A state that was to be here is not: the component must begin anew. */
static bool lost_state(struct iso_or_part *part, const json_t *status)
{
    const char *name;
    json_t *component;
    bool lost = false;
    json_object_foreach(json_object_get(json_object_get(status, "prepared"), "components"), name,
                        component)
    {
        if (is_move(component, "awaited") && owned_here(part, name) != 0) {
            (void)json_object_set_new(part->gen->app->lost_state, name, json_true());
            lost = true;
        }
    }
    return lost;
}

/* "/components/NAME/epoch: 3 is older than 7, ..." is the only way in which a device tells of an
 * epoch that it remembers of what it does not have any more. */
static bool learn_epoch(struct iso_or_part *part)
{
    static const char before[] = "/components/", after[] = "/epoch: ", than[] = " is older than ";
    const char *name = strstr(part->reason, before);
    const char *end = name != NULL ? strstr(name, after) : NULL;
    const char *number = end != NULL ? strstr(end, than) : NULL;
    if (number == NULL) {
        return false;
    }
    name += sizeof before - 1;
    uint64_t seen = strtoull(number + sizeof than - 1, NULL, 10);
    char component[ISO_OR_APP_SIZE];
    if ((size_t)(end - name) >= sizeof component) {
        return false;
    }
    (void)iso_format(component, sizeof component, "%.*s", (int)(end - name), name);
    if (!iso_or_epoch_plausible(part->gen->app, component, seen)) {
        return false;
    }
    uint64_t floor =
        (uint64_t)json_integer_value(json_object_get(part->gen->app->floors, component));
    if (floor <= seen) {
        (void)json_object_set_new(part->gen->app->floors, component,
                                  json_integer((json_int_t)(seen + 1)));
    }
    return true;
}

/* "generation 3 is older than 7, ...", of an application that was deleted there. */
static uint64_t learn_generation(const struct iso_or_part *part)
{
    static const char than[] = " is older than ";
    const char *number = strstr(part->reason, than);
    if (number == NULL || strstr(part->reason, "generation ") == NULL) {
        return strstr(part->reason, " was removed from this device") != NULL ? part->gen->number
                                                                             : 0;
    }
    uint64_t seen = strtoull(number + sizeof than - 1, NULL, 10);
    return iso_or_number_plausible(part->gen->app->last, seen) ? seen : 0;
}

static void raise_floor(struct iso_or_part *part, uint64_t number)
{
    struct iso_or_app *app = part->gen->app;
    app->floor = number > app->floor ? number : app->floor;
    trouble(part, ISO_OR_TROUBLE_NUMBER);
    iso_or_ask_stop(&part->ask);
}

/* What the device says cannot be. Before the decision another one is better; after it, it is tried
 * until it makes sense. */
static void disbelieve(struct iso_or_part *part)
{
    (void)iso_format(part->reason, sizeof part->reason,
                     "%s: %s: it says numbers that nobody can have issued",
                     iso_or_device_called(part->gen->app->deployer, part->device), part->step);
    if (decided(part)) {
        part->gen->hurry = true;
        iso_or_ask_pause(&part->ask, resume);
    } else {
        trouble(part, ISO_OR_TROUBLE_DEVICE);
    }
}

static void look_at(struct iso_or_part *part, const json_t *status)
{
    uint64_t seen = (uint64_t)json_integer_value(json_object_get(status, "seen"));
    uint64_t there = (uint64_t)json_integer_value(json_object_get(status, "generation"));
    uint64_t prepared_there = (uint64_t)json_integer_value(
        json_object_get(json_object_get(status, "prepared"), "generation"));
    const char *state = json_string_value(json_object_get(status, "state"));
    bool well = state != NULL && strcmp(state, "committed") == 0;
    if (!iso_or_app_told(part->gen->app, part->device, status)) {
        disbelieve(part);
        return;
    }
    if (part->goal == ISO_OR_GOAL_COMMIT && there == part->gen->number && well &&
        !clear_committed(part, status)) {
        part->done = true;
        achieved(part);
    } else if (iso_or_ask_busy(&part->ask)) {
        return;
    } else if (seen > part->gen->number || (seen == part->gen->number && there != seen)) {
        raise_floor(part, seen);
    } else if (part->goal == ISO_OR_GOAL_DELETE && prepared_there > part->gen->number) {
        iso_or_ask_pause(&part->ask, resume); /* a change's, which is not over */
    } else if (clear_committed(part, status) || clear_prepared(part, status)) {
        return;
    } else if (learn_epoch(part)) {
        trouble(part, ISO_OR_TROUBLE_NUMBER);
    } else if (learn_generation(part) != 0) {
        raise_floor(part, learn_generation(part));
    } else if (part->goal == ISO_OR_GOAL_COMMIT && lost_state(part, status)) {
        trouble(part, ISO_OR_TROUBLE_NUMBER);
    } else if (strstr(part->reason, " is older than ") != NULL) {
        disbelieve(part); /* and the number is not one that could be learnt */
    } else {
        part->prepared = false;
        part->module = 0;
        iso_or_ask_pause(&part->ask, resume);
    }
}

static void status_answered(struct iso_or_ask *ask, const struct iso_or_answer *answer)
{
    struct iso_or_part *part = ask->owner;
    bool none = answer->outcome == ISO_OR_ANSWERED && answer->status == 404;
    json_t *status = iso_or_answer_good(answer)
                         ? json_loadb((const char *)answer->body.ptr, answer->body.len, 0, NULL)
                         : NULL;
    if (none || json_is_object(status)) {
        look_at(part, status);
    } else {
        char reason[ISO_OR_REASON_SIZE];
        memcpy(reason, part->reason, sizeof reason); /* the refusal says more */
        failed(part, answer);
        memcpy(part->reason, reason, sizeof reason);
    }
    json_decref(status);
    poke(part);
}

static void inspect(struct iso_or_part *part)
{
    char path[128];
    (void)iso_format(path, sizeof path, "/v1/deployments/%s", app_name(part));
    send_to(part, "GET", path, ISO_OR_QUESTION_MS, status_answered);
}

/* ---- Modules -----------------------------------------------------------------------------------
 */

static const char *module_of(const struct iso_or_part *part)
{
    const char *name;
    json_t *component;
    unsigned i = 0;
    json_object_foreach(json_object_get(document_of(part), "components"), name, component)
    {
        if (i++ == part->module) {
            return json_string_value(json_object_get(component, "module"));
        }
    }
    return NULL;
}

static void module_put(struct iso_or_ask *ask, const struct iso_or_answer *answer)
{
    struct iso_or_part *part = ask->owner;
    if (iso_or_answer_good(answer)) {
        part->module++;
        achieved(part);
    } else {
        if (answer->outcome != ISO_OR_ANSWERED && module_of(part) != NULL) {
            (void)json_object_del(part->gen->paths, module_of(part)); /* it may be gone here */
        }
        failed(part, answer);
    }
    poke(part);
}

/* Its bytes are neither there nor here. After the decision it is tried again: they may come. */
static void no_module(struct iso_or_part *part, const char *digest)
{
    const struct iso_or_generation *gen = part->gen;
    char text[ISO_OR_REASON_SIZE];
    (void)iso_format(text, sizeof text, "%s",
                     gen->resolve_err != ISO_OK ? gen->resolve_error
                                                : "no package leads to it any more");
    (void)iso_format(part->reason, sizeof part->reason, "%s needs the module %s: %s",
                     iso_or_device_called(gen->app->deployer, part->device), digest, text);
    if (decided(part)) {
        part->gen->hurry = true;
        iso_or_ask_pause(&part->ask, resume);
    } else {
        trouble(part, ISO_OR_TROUBLE_FATAL);
        part->gen->app->again = true;
    }
    part->gen->app->told = false;
}

static void put_module(struct iso_or_part *part, const char *digest)
{
    const char *file = json_string_value(json_object_get(part->gen->paths, digest));
    char path[128];
    part->step = "upload";
    if (file == NULL) { /* this process has not seen it yet */
        bool asked = part->fetching;
        if (!asked) {
            part->fetching = true;
            iso_or_resolve_start(part->gen);
        }
        if (!part->gen->resolving) {
            part->fetching = false;
            no_module(part, digest);
        }
        return;
    }
    part->fetching = false;
    (void)iso_format(path, sizeof path, "/v1/modules/%s", digest);
    const struct iso_or_send request = {.device = part->device,
                                        .method = "PUT",
                                        .path = path,
                                        .file = file,
                                        .timeout_ms = ISO_OR_UPLOAD_MS};
    iso_or_ask_send(&part->ask, &request, module_put);
}

static void module_asked(struct iso_or_ask *ask, const struct iso_or_answer *answer)
{
    struct iso_or_part *part = ask->owner;
    if (iso_or_answer_good(answer)) {
        part->module++;
        achieved(part);
    } else if (answer->outcome == ISO_OR_ANSWERED && answer->status == 404) {
        achieved(part);
        part->upload = true;
    } else {
        failed(part, answer);
    }
    poke(part);
}

/* ---- Prepare -----------------------------------------------------------------------------------
 */

static void prepare_answered(struct iso_or_ask *ask, const struct iso_or_answer *answer)
{
    struct iso_or_part *part = ask->owner;
    bool answered = answer->outcome == ISO_OR_ANSWERED;
    if (iso_or_answer_good(answer)) {
        part->prepared = true;
        part->prepared_ms = iso_or_now(part->gen->app->deployer);
        part->refused = 0;
        part->reason[0] = '\0';
        achieved(part);
    } else if (answered && answer->status == 409) {
        set_reason(part, answer);
        inspect(part);
    } else if (answered && answer->status == 422 && part->refused++ == 0) {
        set_reason(part, answer); /* a module may have been evicted, or found damaged */
        part->module = 0;
        iso_or_ask_pause(ask, resume);
    } else {
        part->module = decided(part) ? 0 : part->module;
        failed(part, answer);
    }
    poke(part);
}

static void prepare(struct iso_or_part *part)
{
    const char *digest = module_of(part);
    char path[128];
    if (digest != NULL && part->upload) {
        part->upload = json_object_get(part->gen->paths, digest) == NULL;
        put_module(part, digest);
        return;
    }
    if (digest != NULL) {
        part->step = "look";
        (void)iso_format(path, sizeof path, "/v1/modules/%s", digest);
        send_to(part, "HEAD", path, ISO_OR_QUESTION_MS, module_asked);
        return;
    }
    if (part->goal == ISO_OR_GOAL_PREPARE && !part->go) {
        return; /* others first */
    }
    char *body = json_dumps(document_of(part), JSON_COMPACT);
    part->step = "prepare";
    part->touched = true;
    if (body == NULL) {
        iso_or_ask_pause(&part->ask, resume);
        return;
    }
    (void)iso_format(path, sizeof path, "/v1/deployments/%s/%" PRIu64 "/prepare", app_name(part),
                     part->gen->number);
    const struct iso_or_send request = {.device = part->device,
                                        .method = "POST",
                                        .path = path,
                                        .body = iso_bytes_from(body, strlen(body)),
                                        .timeout_ms = ISO_OR_PREPARE_MS};
    iso_or_ask_send(&part->ask, &request, prepare_answered);
    free(body);
}

/* ---- Commit, abort, delete ---------------------------------------------------------------------
 */

static void end_answered(struct iso_or_ask *ask, const struct iso_or_answer *answer)
{
    struct iso_or_part *part = ask->owner;
    bool answered = answer->outcome == ISO_OR_ANSWERED;
    bool commit = part->goal == ISO_OR_GOAL_COMMIT;
    bool none = answered && answer->status == 404 && !commit;
    bool other = answered && answer->status == 409 && part->goal == ISO_OR_GOAL_ABORT;
    if (iso_or_answer_good(answer) || none || other) {
        part->done = true;
        part->reason[0] = '\0';
        achieved(part);
    } else if (answered && answer->status == 409) {
        set_reason(part, answer);
        part->gen->hurry = true;
        inspect(part);
    } else {
        part->prepared = part->prepared && !(answered && answer->status == 404);
        failed(part, answer);
    }
    poke(part);
}

static void end(struct iso_or_part *part, const char *step)
{
    char path[128];
    part->step = step;
    (void)iso_format(path, sizeof path, "/v1/deployments/%s/%" PRIu64 "/%s", app_name(part),
                     part->gen->number, step);
    send_to(part, "POST", path, ISO_OR_COMMIT_MS, end_answered);
}

static void delete (struct iso_or_part *part)
{
    char path[128];
    part->step = "delete";
    (void)iso_format(path, sizeof path, "/v1/deployments/%s?generation=%" PRIu64, app_name(part),
                     part->gen->number);
    send_to(part, "DELETE", path, ISO_OR_PREPARE_MS, end_answered);
}

void iso_or_part_drive(struct iso_or_part *part)
{
    if (iso_or_ask_busy(&part->ask) || part->done || part->trouble != ISO_OR_TROUBLE_NONE) {
        return;
    }
    switch (part->goal) {
    case ISO_OR_GOAL_PREPARE:
        if (!part->prepared) {
            prepare(part);
        }
        return;
    case ISO_OR_GOAL_COMMIT:
        if (!part->prepared) {
            prepare(part);
        } else if (iso_or_moves_allow(part->gen, part)) {
            end(part, "commit");
        }
        return;
    case ISO_OR_GOAL_ABORT:
        end(part, "abort");
        return;
    case ISO_OR_GOAL_DELETE:
        delete (part);
        return;
    case ISO_OR_GOAL_NONE:
        return;
    }
}

void iso_or_part_aim(struct iso_or_part *part, enum iso_or_goal goal)
{
    iso_or_ask_stop(&part->ask);
    part->ask.failures = 0;
    part->goal = goal;
    part->fetching = false;
    part->done = false;
    part->trouble = ISO_OR_TROUBLE_NONE;
    part->refused = 0;
    part->progress_ms = iso_or_now(part->gen->app->deployer);
}

void iso_or_part_doubt(struct iso_or_part *part)
{
    iso_or_ask_hurry(&part->ask);
    if (!iso_or_ask_busy(&part->ask)) {
        part->prepared = false;
        part->done = false;
        part->module = 0;
        part->upload = false;
        part->trouble = ISO_OR_TROUBLE_NONE;
    }
}
