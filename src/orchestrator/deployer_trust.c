/*
 * What is believed of what a device says about an application: docs/internals/deployer.md, "What
 * devices say". Numbers are passed, not taken over; a device is where a component is only if the
 * place that the store knows has said that it is not there.
 */
#include "orchestrator/deployer_state.h"

#include <inttypes.h>

/* No orchestrator comes so far: what is above this, or so far ahead, is no number of a generation
 * or epoch. JSON and devices take whole numbers below 2^53. */
#define NUMBER_END (UINT64_C(1) << 52)
#define AHEAD_MAX (UINT64_C(1) << 32)

/* ---- Numbers -----------------------------------------------------------------------------------
 */

bool iso_or_number_plausible(uint64_t ours, uint64_t said)
{
    return said < NUMBER_END && (said <= ours || said - ours <= AHEAD_MAX);
}

static uint64_t number_of(const json_t *object, const char *name)
{
    return (uint64_t)json_integer_value(json_object_get(object, name));
}

static uint64_t our_epoch(const struct iso_or_app *app, const char *component)
{
    uint64_t current = iso_or_generation_epoch(app->current, component);
    uint64_t change = iso_or_generation_epoch(app->change, component);
    uint64_t most = current > change ? current : change;
    for (const struct iso_or_generation *gen = app->undoing; gen != NULL; gen = gen->next) {
        uint64_t epoch = iso_or_generation_epoch(gen, component);
        most = epoch > most ? epoch : most;
    }
    return most;
}

bool iso_or_epoch_plausible(const struct iso_or_app *app, const char *component, uint64_t said)
{
    return iso_or_number_plausible(our_epoch(app, component), said);
}

/* The first number of a status that cannot be; NULL: all can. */
static const char *absurd(const struct iso_or_app *app, const json_t *status, uint64_t *number)
{
    static const char *const members[] = {"seen", "generation"};
    const json_t *prepared = json_object_get(status, "prepared");
    const json_t *parts[] = {status, prepared};
    for (size_t i = 0; i < ISO_COUNT_OF(parts); i++) {
        for (size_t k = 0; k < ISO_COUNT_OF(members); k++) {
            *number = number_of(parts[i], members[k]);
            if (!iso_or_number_plausible(app->last, *number)) {
                return "generation";
            }
        }
        const char *name;
        json_t *component;
        json_object_foreach(json_object_get(parts[i], "components"), name, component)
        {
            *number = number_of(component, "epoch");
            if (!iso_or_epoch_plausible(app, name, *number)) {
                return "epoch";
            }
        }
    }
    return NULL;
}

/* People are told once, until it says something else. */
static void disbelieve(struct iso_or_app *app, const char *device, const char *what,
                       uint64_t number)
{
    char text[ISO_OR_REASON_SIZE];
    if (json_object_get(app->disbelieved, device) != NULL) {
        return;
    }
    (void)json_object_set_new(app->disbelieved, device, json_true());
    (void)iso_format(text, sizeof text,
                     "%s says that it has the %s %" PRId64
                     ", which nobody can have issued: what it says is not believed",
                     iso_or_device_called(app->deployer, device), what, (int64_t)number);
    iso_or_app_event(app, "disbelieved", NULL, device, text);
}

/* ---- Places ------------------------------------------------------------------------------------
 */

/* Runs, or is stopped for a move that can still be taken back. */
static bool has(const json_t *component)
{
    const char *move = json_string_value(json_object_get(component, "move"));
    return component != NULL && (move == NULL || strcmp(move, "released") != 0);
}

/* Whether components are where the store has them. */
static void note_presence(struct iso_or_app *app, const char *device, const json_t *status)
{
    const json_t *there = json_object_get(status, "components");
    const json_t *prepared = json_object_get(json_object_get(status, "prepared"), "components");
    const char *name;
    json_t *value;
    void *next;
    json_object_foreach(
        app->current != NULL ? json_object_get(app->current->placement, "components") : NULL, name,
        value)
    {
        const char *place = iso_or_generation_device(app->current, name);
        bool here = has(json_object_get(there, name)) ||
                    json_object_get(json_object_get(prepared, name), "move") != NULL;
        if (place != NULL && strcmp(place, device) == 0) {
            (void)json_object_set_new(app->missing, name, json_boolean(!here));
        }
    }
    json_object_foreach_safe(app->sightings, next, name, value)
    {
        const char *seen = json_string_value(json_object_get(value, "device"));
        if (strcmp(seen, device) == 0 && !has(json_object_get(there, name))) {
            (void)json_object_del(app->sightings, name);
        }
    }
}

static void note_epoch(struct iso_or_app *app, const char *device, const char *name,
                       const json_t *component, bool later)
{
    uint64_t epoch = number_of(component, "epoch");
    const char *place = iso_or_generation_device(app->current, name);
    bool here = place == NULL || strcmp(place, device) == 0;
    if (epoch <= our_epoch(app, name)) {
        return;
    }
    if (here && epoch > number_of(app->floors, name)) {
        (void)json_object_set_new(app->floors, name, json_integer((json_int_t)epoch));
    }
    if ((later || place != NULL) && has(component) &&
        epoch > number_of(json_object_get(app->sightings, name), "epoch")) {
        (void)json_object_set_new(
            app->sightings, name,
            json_pack("{s:s, s:I}", "device", device, "epoch", (json_int_t)epoch));
    }
}

bool iso_or_app_told(struct iso_or_app *app, const char *device, const json_t *status)
{
    uint64_t number = 0;
    const char *what = absurd(app, status, &number), *name;
    json_t *component;
    if (what != NULL) {
        disbelieve(app, device, what, number);
        return false;
    }
    (void)json_object_del(app->disbelieved, device);
    uint64_t seen = number_of(status, "seen");
    bool later = app->current == NULL || seen > app->current->number;
    if (seen > app->last && seen > app->floor) {
        app->floor = seen;
    }
    json_object_foreach(json_object_get(status, "components"), name, component)
    {
        note_epoch(app, device, name, component, later);
    }
    note_presence(app, device, status);
    return true;
}

uint64_t iso_or_app_sighted(const struct iso_or_app *app, const char *component,
                            const char **device)
{
    const json_t *seen = json_object_get(app->sightings, component);
    *device = json_string_value(json_object_get(seen, "device"));
    return number_of(seen, "epoch");
}

bool iso_or_app_moved_away(const struct iso_or_app *app, const char *component, const char *device)
{
    const char *place = iso_or_generation_device(app->current, component);
    const json_t *placed = json_object_get(
        json_object_get(app->current != NULL ? app->current->placement : NULL, "components"),
        component);
    return place == NULL || strcmp(place, device) == 0 ||
           iso_or_device_of(app->deployer, place) == NULL ||
           json_is_true(json_object_get(app->missing, component)) ||
           (iso_or_device_gone(app->deployer, place) &&
            json_is_true(json_object_get(placed, "restart")));
}
