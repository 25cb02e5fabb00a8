/*
 * Wanted and actual: a device that comes, comes back or changes is asked for all its deployments,
 * and what differs from the current generations is put right; what was on a device that is lost is
 * planned anew. docs/internals/orchestrator.md.
 */
#include "orchestrator/deployer_address.h"
#include "orchestrator/deployer_state.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    LOOK_AGAIN_MS = 1000, /* between two looks at one device */
    CLEARS_FREE = 8,      /* in a row; then the time between two looks doubles, to a minute */
    CLEARS_MS_MAX = 60000,
    LOOKS_MAX = 5, /* that fail before a plan is made without */
};

/* One device that is being compared. */
struct iso_or_look {
    struct iso_or_look *next;
    struct iso_or_deployer *deployer;
    char device[ISO_OR_ID_SIZE];
    uint64_t boot, revision; /* as of the last look that succeeded */
    bool wanted;             /* it has changed since */
    bool seen;               /* a look has succeeded since it was last away */
    bool away;               /* it has not been up since it was last away */
    uint64_t looked_ms;
    char cleared[160]; /* what is being cleared away */
    unsigned clears;   /* looks in a row that found something to clear away */
    bool redone;       /* this look found what it had said was deleted */
    struct iso_or_ask ask;
};

static void look(struct iso_or_look *at);

/* ---- What a device said ------------------------------------------------------------------------
 */

static uint64_t number_of(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    return json_is_integer(value) && json_integer_value(value) > 0
               ? (uint64_t)json_integer_value(value)
               : 0;
}

/* ---- Comparing ---------------------------------------------------------------------------------
 */

static bool is_move(const json_t *component, const char *state)
{
    const char *move = json_string_value(json_object_get(component, "move"));
    return move != NULL && strcmp(move, state) == 0;
}

static bool moves_from(const struct iso_or_generation *gen, const char *component,
                       const char *device)
{
    for (size_t i = 0; gen != NULL && i < gen->move_count; i++) {
        if (strcmp(gen->moves[i].component, component) == 0 &&
            strcmp(gen->moves[i].from, device) == 0) {
            return true;
        }
    }
    return false;
}

static void cleared(struct iso_or_ask *ask, const struct iso_or_answer *answer)
{
    struct iso_or_look *at = ask->owner;
    (void)answer;
    at->wanted = true; /* looked at again, whatever came of it */
    look(at);
}

static bool clear(struct iso_or_look *at, const char *method, const char *path)
{
    const char body[] = "{\"epoch\": 1}";
    bool post = strcmp(method, "POST") == 0;
    const struct iso_or_send request = {
        .device = at->device,
        .method = method,
        .path = path,
        .body = iso_bytes_from(post ? body : NULL, post ? sizeof body - 1 : 0),
        .timeout_ms = ISO_OR_COMMIT_MS};
    at->clears++;
    iso_or_ask_send(&at->ask, &request, cleared);
    return true;
}

/* A freeze or a prepared generation of which nobody knows any more. True: it is being cleared. */
static bool clear_remainders(struct iso_or_look *at, const struct iso_or_app *app,
                             const json_t *status)
{
    char path[160];
    const char *name;
    json_t *component;
    json_object_foreach(json_object_get(status, "components"), name, component)
    {
        if ((is_move(component, "frozen") || is_move(component, "sent")) &&
            !moves_from(app->current, name, at->device) &&
            !moves_from(app->change, name, at->device)) {
            (void)iso_format(path, sizeof path, "/v1/moves/%s/%s/abort", app->name, name);
            return clear(at, "POST", path);
        }
    }
    const json_t *prepared = json_object_get(status, "prepared");
    uint64_t number = number_of(prepared, "generation");
    bool ours = (app->change != NULL && app->change->number == number) ||
                (app->current != NULL && app->current->number == number);
    json_object_foreach(json_object_get(prepared, "components"), name, component)
    {
        const char *owner = iso_or_generation_device(app->current, name);
        bool decided = owner != NULL && strcmp(owner, at->device) == 0 &&
                       iso_or_generation_epoch(app->current, name) == number_of(component, "epoch");
        if (!ours && is_move(component, "held") && !decided) {
            (void)iso_format(path, sizeof path, "/v1/deployments/%s/%" PRIu64 "/abort", app->name,
                             number);
            return clear(at, "POST", path);
        }
    }
    return false;
}

static bool is_well(const json_t *status, uint64_t generation)
{
    const char *state = json_string_value(json_object_get(status, "state"));
    if (number_of(status, "generation") != generation || state == NULL ||
        strcmp(state, "committed") != 0) {
        return false;
    }
    const char *name;
    json_t *component;
    json_object_foreach(json_object_get(status, "components"), name, component)
    {
        if (is_move(component, "held")) {
            return false; /* committed, and not owned yet */
        }
    }
    return true;
}

/* What it thought done and is not, it does again. */
static void delete_again(struct iso_or_look *at, struct iso_or_part *leaving)
{
    at->redone = at->redone || leaving->done;
    leaving->done = false;
    iso_or_ask_hurry(&leaving->ask);
}

/* Whether a device that had a last part in the current generation, as the source of a move, has
 * left it: then it is no fault that nothing is there. What is there after all is deleted again. */
static bool has_left(struct iso_or_look *at, struct iso_or_app *app, const json_t *status)
{
    struct iso_or_part *leaving = iso_or_generation_leaving(app->current, at->device);
    if (leaving == NULL) {
        return false;
    }
    bool confirmed = iso_or_generation_confirmed(app->current);
    if (number_of(status, "generation") == 0) {
        return confirmed || app->current->state == ISO_OR_COMMITTED;
    }
    if (!leaving->done) {
        return false;
    }
    delete_again(at, leaving); /* when all have confirmed */
    return confirmed;
}

/* A deployment on a device where nothing is placed: an old one, or another orchestrator's. It is
 * deleted when what takes its place runs: then its calls end. True: it is being deleted. */
static bool clear_stranger(struct iso_or_look *at, struct iso_or_app *app, const json_t *status)
{
    char path[128], text[ISO_OR_REASON_SIZE];
    uint64_t there = number_of(status, "generation");
    struct iso_or_part *leaving = iso_or_generation_leaving(app->current, at->device);
    if (there != 0 && leaving != NULL) {
        delete_again(at, leaving);
        return false;
    }
    if (there == 0) {
        return false;
    }
    if (iso_or_generation_part(app->change, at->device) != NULL ||
        number_of(status, "seen") > app->current->number ||
        (app->current->text.len != 0 && !iso_or_generation_confirmed(app->current))) {
        (void)json_object_set_new(app->strangers, at->device, json_true());
        return false;
    }
    (void)iso_format(path, sizeof path, "/v1/deployments/%s?generation=%" PRIu64, app->name,
                     app->current->number);
    if (strcmp(path, at->cleared) != 0) {
        (void)iso_format(at->cleared, sizeof at->cleared, "%s", path);
        (void)iso_format(text, sizeof text,
                         "%s has the generation %" PRIu64
                         ", though nothing of the application belongs there: it is deleted",
                         iso_or_device_called(app->deployer, at->device), there);
        iso_or_app_event(app, "cleared", NULL, at->device, text);
    }
    return clear(at, "DELETE", path);
}

/* True: a request is under way; the look goes on when it is over. */
static bool compare(struct iso_or_look *at, struct iso_or_app *app, const json_t *status)
{
    struct iso_or_part *part = iso_or_generation_part(app->current, at->device);
    if (!iso_or_app_told(app, at->device, status)) {
        return false;
    }
    iso_or_app_note_failing(app, at->device, status);
    if (clear_remainders(at, app, status)) {
        return true;
    }
    uint64_t prepared = number_of(json_object_get(status, "prepared"), "generation");
    bool ready = part != NULL && part->prepared && prepared == app->current->number;
    bool left = part != NULL && has_left(at, app, status);
    if (part != NULL && !ready && !left && !is_well(status, app->current->number)) {
        iso_or_part_doubt(part);
    } else if (part != NULL && part->goal == ISO_OR_GOAL_COMMIT && !part->done) {
        iso_or_ask_hurry(&part->ask);
    } else if (part == NULL && app->current != NULL && clear_stranger(at, app, status)) {
        return true;
    }
    struct iso_or_part *preparing = iso_or_generation_part(app->change, at->device);
    if (preparing != NULL && preparing->prepared && prepared != app->change->number &&
        preparing->goal == ISO_OR_GOAL_PREPARE) {
        preparing->prepared = false;
    }
    return false;
}

/* An application that is on a device and not in the store: one that was removed long ago, when its
 * numbers are remembered; otherwise somebody else's, which is left alone. True: it is deleted. */
static bool compare_unknown(struct iso_or_look *at, const char *name, const json_t *status)
{
    uint64_t last = 0;
    char path[128];
    if (iso_or_store_generation_last(at->deployer->config.store, iso_str_from_z(name), &last,
                                     NULL) != ISO_OK ||
        last == 0 || number_of(status, "generation") == 0) {
        return false;
    }
    uint64_t seen = number_of(status, "seen");
    if (!iso_or_number_plausible(last, seen)) {
        return false;
    }
    (void)iso_format(path, sizeof path, "/v1/deployments/%s?generation=%" PRIu64, name,
                     seen > last ? seen : last);
    return clear(at, "DELETE", path);
}

static const json_t *status_of(const json_t *all, const char *app)
{
    for (size_t i = 0; i < json_array_size(all); i++) {
        const char *name = json_string_value(json_object_get(json_array_get(all, i), "app"));
        if (name != NULL && strcmp(name, app) == 0) {
            return json_array_get(all, i);
        }
    }
    return NULL;
}

static void compare_all(struct iso_or_look *at, const json_t *all)
{
    struct iso_or_deployer *deployer = at->deployer;
    at->redone = false;
    for (struct iso_or_app *app = deployer->apps; app != NULL; app = app->next) {
        if (compare(at, app, status_of(all, app->name))) {
            return;
        }
    }
    for (size_t i = 0; i < json_array_size(all); i++) {
        const json_t *status = json_array_get(all, i);
        const char *name = json_string_value(json_object_get(status, "app"));
        if (name != NULL && iso_or_app_find(deployer, iso_str_from_z(name)) == NULL &&
            compare_unknown(at, name, status)) {
            return;
        }
    }
    at->seen = true;
    at->clears = at->redone ? at->clears + 1 : 0;
}

static bool involves(const struct iso_or_generation *gen, const char *device)
{
    for (size_t i = 0; gen != NULL && i < gen->part_count; i++) {
        if (strcmp(gen->parts[i].device, device) == 0) {
            return true;
        }
    }
    return false;
}

/* The applications that have to do with a device, or wait for any. */
static void poke_all(struct iso_or_deployer *deployer, const char *device)
{
    for (struct iso_or_app *app = deployer->apps; app != NULL; app = app->next) {
        bool undoing = app->undoing != NULL;
        if (app->change != NULL || undoing || app->degraded[0] != '\0' ||
            involves(app->current, device)) {
            iso_or_app_poke(app);
        }
    }
}

static void told(struct iso_or_ask *ask, const struct iso_or_answer *answer)
{
    struct iso_or_look *at = ask->owner;
    struct iso_or_deployer *deployer = at->deployer;
    json_t *all = iso_or_answer_good(answer)
                      ? json_loadb((const char *)answer->body.ptr, answer->body.len, 0, NULL)
                      : NULL;
    at->looked_ms = iso_or_now(deployer);
    if (json_is_array(all)) {
        ask->failures = 0;
        compare_all(at, all);
    } else {
        at->wanted = true;
    }
    json_decref(all);
    poke_all(deployer, at->device);
    look(at);
}

static void resume(struct iso_or_ask *ask)
{
    look(ask->owner);
}

static bool can_be_asked(const struct iso_or_look *at)
{
    const struct iso_or_device *device = iso_or_device_of(at->deployer, at->device);
    return device != NULL && (device->state == ISO_OR_UP || device->state == ISO_OR_SUSPECT);
}

/* A device that has again what it said was gone is not asked as often as one that puts it right. */
static uint64_t look_after_ms(const struct iso_or_look *at)
{
    const unsigned doublings = at->clears > CLEARS_FREE ? at->clears - CLEARS_FREE : 0;
    const uint64_t after_ms = (uint64_t)LOOK_AGAIN_MS << (doublings < 8 ? doublings : 8);
    return after_ms < CLEARS_MS_MAX ? after_ms : CLEARS_MS_MAX;
}

static void look(struct iso_or_look *at)
{
    if (!at->wanted || iso_or_ask_busy(&at->ask) || !can_be_asked(at)) {
        return;
    }
    if (at->looked_ms != 0 && iso_or_now(at->deployer) - at->looked_ms < look_after_ms(at)) {
        iso_or_ask_pause(&at->ask, resume);
        return;
    }
    at->wanted = false;
    const struct iso_or_send request = {.device = at->device,
                                        .method = "GET",
                                        .path = "/v1/deployments",
                                        .answer_max_bytes = 8 << 20,
                                        .timeout_ms = ISO_OR_QUESTION_MS};
    iso_or_ask_send(&at->ask, &request, told);
}

/* ---- Devices that change -----------------------------------------------------------------------
 */

static struct iso_or_look *look_of(struct iso_or_deployer *deployer, const char *device)
{
    struct iso_or_look *at = deployer->looks;
    while (at != NULL && strcmp(at->device, device) != 0) {
        at = at->next;
    }
    if (at == NULL) {
        at = iso_alloc_new(deployer->config.alloc, sizeof *at);
        if (at == NULL) {
            return NULL;
        }
        at->deployer = deployer;
        at->away = true;
        at->ask = (struct iso_or_ask){.deployer = deployer, .owner = at};
        (void)iso_format(at->device, sizeof at->device, "%s", device);
        at->next = deployer->looks;
        deployer->looks = at;
    }
    return at;
}

static void drop_look(struct iso_or_look *at)
{
    for (struct iso_or_look **link = &at->deployer->looks; *link != NULL; link = &(*link)->next) {
        if (*link == at) {
            *link = at->next;
            break;
        }
    }
    iso_or_ask_stop(&at->ask);
    iso_alloc_free(at->deployer->config.alloc, at, sizeof *at);
}

void iso_or_looks_stop(struct iso_or_deployer *deployer)
{
    while (deployer->looks != NULL) {
        drop_look(deployer->looks);
    }
}

/* Repairs that wait for better times may have come to them. */
static void hurry_repairs(struct iso_or_deployer *deployer)
{
    for (struct iso_or_app *app = deployer->apps; app != NULL; app = app->next) {
        app->repair_ms = 0;
        app->repairs = 0;
        json_object_clear(app->stuck);
        if (app->change != NULL) {
            app->change->again_ms = 0;
        }
    }
}

void iso_or_deployer_device_changed(struct iso_or_deployer *deployer,
                                    const struct iso_or_device *device, bool gone)
{
    struct iso_or_look *at = look_of(deployer, device->id);
    if (at == NULL) {
        return;
    }
    if (gone) {
        drop_look(at);
        poke_all(deployer, device->id);
        return;
    }
    bool up = device->state == ISO_OR_UP;
    if (up && (!at->seen || at->boot != device->boot || at->revision != device->revision)) {
        if (at->away || at->boot != device->boot) {
            at->away = false;
            iso_or_ask_hurry(&at->ask);
            at->looked_ms = 0;
            at->clears = 0;
            hurry_repairs(deployer);
        }
        at->boot = device->boot;
        at->revision = device->revision;
        at->wanted = true;
    } else if (!up && device->state != ISO_OR_SUSPECT) {
        at->seen = false;
        at->away = true;
    }
    poke_all(deployer, device->id);
    at = look_of(deployer, device->id);
    if (at != NULL) {
        look(at);
    }
}

static struct iso_or_look *look_again(struct iso_or_deployer *deployer, const char *device)
{
    struct iso_or_look *at = look_of(deployer, device);
    if (at != NULL) {
        at->wanted = true;
        look(at); /* when it can be asked; else when it is back */
    }
    return at;
}

void iso_or_strangers_look(struct iso_or_app *app)
{
    const char *id;
    json_t *value;
    json_object_foreach(app->strangers, id, value)
    {
        (void)look_again(app->deployer, id);
    }
    (void)json_object_clear(app->strangers);
}

bool iso_or_place_asked(const struct iso_or_app *app, const char *component)
{
    const char *place = iso_or_generation_device(app->current, component);
    const struct iso_or_device *device =
        place != NULL ? iso_or_device_of(app->deployer, place) : NULL;
    if (device == NULL || device->state != ISO_OR_UP ||
        json_object_get(app->missing, component) != NULL ||
        json_object_get(app->disbelieved, place) != NULL) {
        return true;
    }
    const struct iso_or_look *at = look_again(app->deployer, place);
    return at == NULL || at->ask.failures > LOOKS_MAX;
}

/* ---- Loss --------------------------------------------------------------------------------------
 */

static bool restarts(const struct iso_or_app *app, const char *component)
{
    return json_is_true(json_object_get(
        json_object_get(json_object_get(app->current->placement, "components"), component),
        "restart"));
}

/* A device that is reached elsewhere now: those with links to it must be told. */
static const char *readdressed(const struct iso_or_app *app)
{
    const char *id, *name;
    json_t *document, *peer;
    json_object_foreach(app->current->documents, id, document)
    {
        const struct iso_or_device *from = iso_or_device_of(app->deployer, id);
        json_object_foreach(json_object_get(document, "peers"), name, peer)
        {
            const char *other = json_string_value(json_object_get(peer, "device"));
            const json_t *addresses =
                json_object_get(json_object_get(peer, "connect"), "addresses");
            const struct iso_or_device *to =
                other != NULL ? iso_or_device_of(app->deployer, other) : NULL;
            if (addresses != NULL && from != NULL && to != NULL && from->state == ISO_OR_UP &&
                to->state == ISO_OR_UP && iso_or_link_moved(from, to, addresses)) {
                return to->name;
            }
        }
    }
    return NULL;
}

/* Why the current generation cannot stay as it is; false: it can. */
static bool needs_repair(struct iso_or_app *app, const char **cause,
                         char detail[ISO_OR_REASON_SIZE])
{
    const char *name;
    json_t *placed;
    json_object_foreach(json_object_get(app->current->placement, "components"), name, placed)
    {
        const char *device = iso_or_generation_device(app->current, name);
        bool known = device != NULL && iso_or_device_of(app->deployer, device) != NULL;
        if (json_object_get(app->lost_state, name) != NULL) {
            *cause = "repair";
            (void)iso_format(detail, ISO_OR_REASON_SIZE, "the state of %s was lost", name);
            return true;
        }
        if (!known || (iso_or_device_gone(app->deployer, device) && restarts(app, name))) {
            *cause = "loss";
            (void)iso_format(detail, ISO_OR_REASON_SIZE, "the device %s is %s",
                             device != NULL ? iso_or_device_called(app->deployer, device) : "?",
                             known ? "lost" : "gone");
            return true;
        }
    }
    json_object_foreach(json_object_get(app->current->placement, "components"), name, placed)
    {
        const char *id = iso_or_generation_device(app->current, name);
        const struct iso_or_device *device =
            id != NULL ? iso_or_device_of(app->deployer, id) : NULL;
        const char *stuck = json_string_value(json_object_get(app->stuck, name));
        if (device != NULL && device->drained && device->state == ISO_OR_UP &&
            (stuck == NULL || strcmp(stuck, id) != 0)) {
            *cause = "drain";
            (void)iso_format(detail, ISO_OR_REASON_SIZE, "the device %s is drained", device->name);
            return true;
        }
    }
    const char *moved = readdressed(app);
    if (moved != NULL) {
        *cause = "repair";
        (void)iso_format(detail, ISO_OR_REASON_SIZE, "the device %s has a new address", moved);
        return true;
    }
    if (app->floor >= app->current->number && app->floor != 0) {
        *cause = "repair";
        (void)iso_format(detail, ISO_OR_REASON_SIZE, "a device knows the generation %" PRIu64,
                         app->floor);
        return true;
    }
    return false;
}

/* A component whose device is lost, and waits for it. */
static bool waits(struct iso_or_app *app, char detail[ISO_OR_REASON_SIZE])
{
    const char *name;
    json_t *placed;
    json_object_foreach(json_object_get(app->current->placement, "components"), name, placed)
    {
        const char *device = iso_or_generation_device(app->current, name);
        if (device != NULL && iso_or_device_gone(app->deployer, device)) {
            (void)iso_format(detail, ISO_OR_REASON_SIZE,
                             "%s waits for the device %s, which is lost", name,
                             iso_or_device_called(app->deployer, device));
            return true;
        }
    }
    return false;
}

static void tell_degraded(struct iso_or_app *app, const char *text)
{
    bool before = app->degraded[0] != '\0';
    if (strcmp(app->degraded, text) == 0) {
        return;
    }
    (void)iso_format(app->degraded, sizeof app->degraded, "%s", text);
    app->told = false;
    if (!before || text[0] == '\0') {
        iso_or_app_event(app, before ? "recovered" : "degraded", NULL, NULL, text);
    }
}

static void note_drained(struct iso_or_app *app)
{
    const char *name;
    json_t *placed;
    json_object_foreach(json_object_get(app->current->placement, "components"), name, placed)
    {
        const char *id = iso_or_generation_device(app->current, name);
        const struct iso_or_device *device =
            id != NULL ? iso_or_device_of(app->deployer, id) : NULL;
        if (device != NULL && device->drained) {
            (void)json_object_set_new(app->stuck, name, json_string(id));
        }
    }
}

void iso_or_repair_step(struct iso_or_app *app)
{
    char detail[ISO_OR_REASON_SIZE] = "";
    const char *cause = NULL;
    uint64_t number = 0;
    if (app->current == NULL) {
        return;
    }
    bool needed = needs_repair(app, &cause, detail);
    bool waiting = !needed && waits(app, detail);
    if (app->change != NULL) {
        return; /* it takes the losses into account */
    }
    if (!needed) {
        tell_degraded(app, waiting ? detail : "");
        return;
    }
    if (iso_or_now(app->deployer) < app->repair_ms) {
        iso_or_app_wake(app, app->repair_ms);
        tell_degraded(app, app->failed[0] != '\0' ? app->failed : detail);
        return;
    }
    if (strcmp(cause, "drain") == 0) {
        note_drained(app); /* one attempt, until something changes */
    }
    struct iso_or_generation *gen = iso_or_generation_again(app, app->current, cause, detail);
    if (gen == NULL || iso_or_accept(app, gen, &number, NULL) != ISO_OK) {
        iso_or_app_wake(app, iso_or_now(app->deployer) + ISO_OR_STORE_RETRY_MS);
        return;
    }
    app->again = true;
}
