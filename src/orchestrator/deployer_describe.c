/* Questions about applications: docs/orchestrator-api.md, "Status of an application". */
#include "orchestrator/deployer_state.h"

#include "base/json_member.h"
#include "daemon/member.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

enum { NEW_MS = 5000 }; /* so long after the decision it is still being deployed */

static void time_text(uint64_t wall_ms, char out[32])
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm parts;
    (void)gmtime_r(&seconds, &parts);
    (void)strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &parts);
}

static void put_time(struct iso_json *json, const char *key, uint64_t wall_ms)
{
    char text[32];
    time_text(wall_ms, text);
    iso_json_put_z(json, key, text);
}

/* ---- Where -------------------------------------------------------------------------------------
 */

/* The device that runs it now: the source until the target has said that it owns it. */
static const char *runs_on(const struct iso_or_generation *gen, const char *component,
                           uint64_t *epoch)
{
    *epoch = iso_or_generation_epoch(gen, component);
    for (size_t i = 0; gen != NULL && i < gen->move_count; i++) {
        const struct iso_or_move *move = &gen->moves[i];
        if (strcmp(move->component, component) == 0 && move->step != ISO_OR_MOVE_OWNED &&
            !move->late) {
            *epoch = move->before;
            return move->from;
        }
    }
    return iso_or_generation_device(gen, component);
}

bool iso_or_deployer_where(const struct iso_or_deployer *deployer, struct iso_str app_name,
                           struct iso_str component, char device[ISO_OR_ID_SIZE], uint64_t *epoch)
{
    const struct iso_or_app *app = iso_or_app_find(deployer, app_name);
    char name[ISO_OR_APP_SIZE];
    uint64_t number = 0;
    if (app == NULL || component.len >= sizeof name) {
        return false;
    }
    (void)iso_format(name, sizeof name, "%.*s", (int)component.len, component.ptr);
    const char *found = runs_on(app->current, name, &number);
    if (found == NULL) {
        return false;
    }
    (void)iso_format(device, ISO_OR_ID_SIZE, "%s", found);
    if (epoch != NULL) {
        *epoch = number;
    }
    return true;
}

bool iso_or_deployer_changes(const struct iso_or_deployer *deployer, struct iso_str app_name)
{
    const struct iso_or_app *app = iso_or_app_find(deployer, app_name);
    return app != NULL && app->change != NULL && app->change->again_ms <= iso_or_now(app->deployer);
}

bool iso_or_deployer_flow_where(const struct iso_or_deployer *deployer, struct iso_str app_name,
                                struct iso_str flow, char device[ISO_OR_ID_SIZE])
{
    const struct iso_or_app *app = iso_or_app_find(deployer, app_name);
    const struct iso_or_generation *gen = app != NULL ? app->current : NULL;
    const struct iso_or_manifest *manifest = gen != NULL ? gen->manifest : NULL;
    for (size_t i = 0; manifest != NULL && i < manifest->flow_count; i++) {
        if (iso_str_equal(manifest->flows[i].name, flow)) {
            uint32_t first = manifest->flows[i].steps[0].component;
            return iso_or_deployer_where(deployer, app_name, manifest->components[first].name,
                                         device, NULL);
        }
    }
    return false;
}

void iso_or_deployer_components(const struct iso_or_deployer *deployer,
                                bool (*each)(void *ctx, struct iso_str app,
                                             struct iso_str component, const char *device),
                                void *ctx)
{
    for (const struct iso_or_app *app = deployer->apps; app != NULL; app = app->next) {
        const json_t *placement = app->current != NULL ? app->current->placement : NULL;
        const char *name;
        json_t *value;
        json_object_foreach(json_object_get(placement, "components"), name, value)
        {
            uint64_t epoch = 0;
            const char *device = runs_on(app->current, name, &epoch);
            if (device != NULL &&
                !each(ctx, iso_str_from_z(app->name), iso_str_from_z(name), device)) {
                return;
            }
        }
    }
}

uint64_t iso_or_deployer_revision(const struct iso_or_deployer *deployer, struct iso_str app_name)
{
    const struct iso_or_app *app = iso_or_app_find(deployer, app_name);
    return app != NULL ? app->revision : 0;
}

const char *iso_or_deployer_uses(const struct iso_or_deployer *deployer, struct iso_str device)
{
    char id[ISO_OR_ID_SIZE];
    (void)iso_format(id, sizeof id, "%.*s", (int)device.len, device.ptr);
    for (const struct iso_or_app *app = deployer->apps; app != NULL; app = app->next) {
        const json_t *part =
            app->current != NULL ? json_object_get(app->current->documents, id) : NULL;
        if (json_object_size(json_object_get(part, "components")) != 0) {
            return app->name;
        }
    }
    return NULL;
}

bool iso_or_deployer_uses_module(const struct iso_or_deployer *deployer, struct iso_str digest)
{
    char text[ISO_OR_DIGEST_SIZE];
    bool found = false;
    (void)iso_format(text, sizeof text, "%.*s", (int)digest.len, digest.ptr);
    if (digest.len == 0 ||
        iso_or_store_generations_use(deployer->config.store, iso_str_from_z(text), &found, NULL) !=
            ISO_OK) {
        return true; /* when in doubt, it is kept */
    }
    for (const struct iso_or_app *app = deployer->apps; app != NULL; app = app->next) {
        found = found || (app->change != NULL && json_object_get(app->change->paths, text) != NULL);
    }
    return found;
}

/* ---- State -------------------------------------------------------------------------------------
 */

/* The first device that has not confirmed, or the first move that is not over. */
static bool unconfirmed(const struct iso_or_app *app, char reason[ISO_OR_REASON_SIZE])
{
    const struct iso_or_generation *gen = app->current;
    for (size_t i = 0; i < gen->part_count; i++) {
        const struct iso_or_part *part = &gen->parts[i];
        bool counts = part->goal != ISO_OR_GOAL_DELETE || gen->text.len == 0;
        if (counts && !part->done) {
            (void)iso_format(reason, ISO_OR_REASON_SIZE, "%s",
                             part->reason[0] != '\0'
                                 ? part->reason
                                 : iso_or_device_called(app->deployer, part->device));
            return true;
        }
    }
    for (size_t i = 0; i < gen->move_count; i++) {
        if (gen->moves[i].step != ISO_OR_MOVE_OWNED || !gen->moves[i].released) {
            (void)iso_format(reason, ISO_OR_REASON_SIZE, "%s", gen->moves[i].reason);
            return true;
        }
    }
    return false;
}

static bool repairing(const struct iso_or_generation *gen)
{
    return strcmp(gen->cause, "loss") == 0 || strcmp(gen->cause, "repair") == 0;
}

static const char *state_of(const struct iso_or_app *app, char reason[ISO_OR_REASON_SIZE])
{
    reason[0] = '\0';
    const struct iso_or_generation *gen = app->current;
    bool waiting = gen != NULL && unconfirmed(app, reason);
    if (app->degraded[0] != '\0') {
        (void)iso_format(reason, ISO_OR_REASON_SIZE, "%s", app->degraded);
        return "degraded";
    }
    if (app->change != NULL && repairing(app->change)) {
        (void)iso_format(reason, ISO_OR_REASON_SIZE, "%s", app->change->detail);
        return "degraded";
    }
    if (app->change != NULL) {
        return "deploying";
    }
    if (gen == NULL) {
        (void)iso_format(reason, ISO_OR_REASON_SIZE, "%s", app->failed);
        return "failed";
    }
    if (waiting) {
        return iso_or_now(app->deployer) - gen->decided_ms < NEW_MS ? "deploying" : "waiting";
    }
    if (iso_or_app_failing(app, reason)) {
        return "failing";
    }
    if (app->failed[0] != '\0') { /* it runs on as it was before somebody wanted more */
        (void)iso_format(reason, ISO_OR_REASON_SIZE, "generation %" PRIu64 " failed: %s",
                         app->failed_number, app->failed);
    }
    return gen->text.len == 0 ? "removed" : "running";
}

/* ---- As JSON -----------------------------------------------------------------------------------
 */

static void put_component(const struct iso_or_app *app, const char *name, struct iso_json *json)
{
    const struct iso_or_generation *gen = app->current;
    const json_t *resolved = json_object_get(gen->resolved, name);
    uint64_t epoch = 0;
    const char *device = runs_on(gen, name, &epoch);
    device = device != NULL ? device : "";
    bool service = json_is_true(json_object_get(
        json_object_get(json_object_get(gen->placement, "components"), name), "service"));
    struct iso_or_part *part =
        iso_or_generation_part((struct iso_or_generation *)(uintptr_t)gen, device);
    iso_json_object_begin(json);
    iso_json_put_z(json, "name", name);
    iso_json_put_z(json, "device", device);
    iso_json_put_z(json, "device-name", iso_or_device_called(app->deployer, device));
    iso_json_put_u64(json, "epoch", epoch);
    iso_json_put_z(json, "mode", service ? "service" : "function");
    iso_json_put_z(json, "state",
                   iso_or_device_gone(app->deployer, device) ? "unknown"
                   : part == NULL || part->done              ? "running"
                                                             : "starting");
    iso_json_put_z(json, "package", json_string_value(json_object_get(resolved, "reference")));
    iso_json_put_z(json, "digest", json_string_value(json_object_get(resolved, "digest")));
    iso_json_object_end(json);
}

static const char *part_step(const struct iso_or_part *part)
{
    switch (part->goal) {
    case ISO_OR_GOAL_PREPARE:
        return part->prepared ? "prepared" : part->step;
    case ISO_OR_GOAL_COMMIT:
        return part->done ? "confirmed" : part->step;
    case ISO_OR_GOAL_DELETE:
        return part->done ? "deleted" : "leaving";
    case ISO_OR_GOAL_ABORT:
        return part->done ? "aborted" : "abort";
    default:
        return part->absent ? "absent" : part->done ? "confirmed" : "wait";
    }
}

static void put_progress(const struct iso_or_generation *gen, struct iso_json *json)
{
    iso_json_put_array_begin(json, "devices");
    for (size_t i = 0; i < gen->part_count; i++) {
        const struct iso_or_part *part = &gen->parts[i];
        iso_json_object_begin(json);
        iso_json_put_z(json, "device", part->device);
        iso_json_put_z(json, "name", iso_or_device_called(gen->app->deployer, part->device));
        iso_json_put_z(json, "step", part_step(part));
        iso_json_put_z(json, "text", part->reason);
        iso_json_object_end(json);
    }
    iso_json_array_end(json);
    iso_json_put_array_begin(json, "moves");
    for (size_t i = 0; i < gen->move_count; i++) {
        const struct iso_or_move *move = &gen->moves[i];
        iso_json_object_begin(json);
        iso_json_put_z(json, "component", move->component);
        iso_json_put_z(json, "from", move->from);
        iso_json_put_z(json, "to", move->to);
        iso_json_put_z(json, "step", iso_or_move_step_name(move));
        if (move->downtime_ms != UINT64_MAX) {
            iso_json_put_u64(json, "downtime-ms", move->downtime_ms);
        }
        if (move->snapshot_bytes != 0) {
            iso_json_put_u64(json, "snapshot-bytes", move->snapshot_bytes);
        }
        iso_json_object_end(json);
    }
    iso_json_array_end(json);
}

static void put_change(const struct iso_or_generation *gen, struct iso_json *json)
{
    iso_json_put_object_begin(json, "change");
    iso_json_put_u64(json, "generation", gen->number);
    iso_json_put_z(json, "state", iso_or_generation_state_name(gen->state));
    iso_json_put_z(json, "cause", gen->cause);
    iso_json_put_z(json, "detail", gen->detail);
    iso_json_put_z(json, "error", gen->error);
    put_time(json, "since", gen->changed_ms);
    put_progress(gen, json);
    iso_json_object_end(json);
}

static uint64_t wanted_of(const struct iso_or_app *app)
{
    return app->change != NULL    ? app->change->number
           : app->current != NULL ? app->current->number
                                  : app->failed_number;
}

static void put_head(const struct iso_or_app *app, struct iso_json *json)
{
    char reason[ISO_OR_REASON_SIZE];
    const char *state = state_of(app, reason);
    iso_json_put_z(json, "app", app->name);
    iso_json_put_u64(json, "revision", app->revision);
    iso_json_put_z(json, "state", state);
    iso_json_put_u64(json, "generation", app->current != NULL ? app->current->number : 0);
    iso_json_put_u64(json, "wanted", wanted_of(app));
    iso_json_put_z(json, "reason", reason);
}

/* There is something to tell: not only the remembered numbers of what was removed. */
static bool shown(const struct iso_or_app *app)
{
    bool removed = app->current != NULL && app->current->text.len == 0 &&
                   app->current->state == ISO_OR_COMMITTED;
    return app->change != NULL || (app->current != NULL && !removed) || app->failed[0] != '\0';
}

enum iso_err iso_or_deployer_write_apps(struct iso_or_deployer *deployer, struct iso_json *json)
{
    iso_json_array_begin(json);
    for (const struct iso_or_app *app = deployer->apps; app != NULL; app = app->next) {
        if (shown(app)) {
            iso_json_object_begin(json);
            put_head(app, json);
            iso_json_put_u64(json, "components",
                             app->current != NULL && app->current->manifest != NULL
                                 ? app->current->manifest->component_count
                                 : 0);
            iso_json_object_end(json);
        }
    }
    iso_json_array_end(json);
    return ISO_OK;
}

enum iso_err iso_or_deployer_write_app(struct iso_or_deployer *deployer, struct iso_str name,
                                       struct iso_json *json, struct iso_report *report)
{
    const struct iso_or_app *app = iso_or_app_find(deployer, name);
    if (app == NULL || (app->current == NULL && app->change == NULL && app->failed_number == 0)) {
        return iso_fail(report, ISO_E_NOT_FOUND, "there is no application '%.*s'", (int)name.len,
                        name.ptr);
    }
    const struct iso_or_generation *gen = app->current;
    iso_json_object_begin(json);
    put_head(app, json);
    iso_json_put_array_begin(json, "components");
    const char *component;
    json_t *value;
    json_object_foreach(json_object_get(gen != NULL ? gen->placement : NULL, "components"),
                        component, value)
    {
        put_component(app, component, json);
    }
    iso_json_array_end(json);
    iso_json_put_array_begin(json, "flows");
    for (size_t i = 0; gen != NULL && gen->manifest != NULL && i < gen->manifest->flow_count; i++) {
        iso_json_string(json, gen->manifest->flows[i].name);
    }
    iso_json_array_end(json);
    iso_or_app_put_failing(app, json);
    if (app->change != NULL) {
        put_change(app->change, json);
    } else if (gen != NULL && gen->state == ISO_OR_COMMITTING) {
        put_change(gen, json);
    } else {
        iso_json_put_null(json, "change");
    }
    iso_json_object_end(json);
    return ISO_OK;
}

/* ---- History -----------------------------------------------------------------------------------
 */

struct history {
    struct iso_or_deployer *deployer;
    struct iso_json *json;
    bool whole;
    enum iso_err err;
};

static void put_row_components(struct iso_json *json, const json_t *resolved,
                               const json_t *placement)
{
    iso_json_put_object_begin(json, "components");
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)resolved, name, value)
    {
        const json_t *placed = json_object_get(json_object_get(placement, "components"), name);
        iso_json_put_object_begin(json, name);
        iso_json_put_z(json, "reference", json_string_value(json_object_get(value, "reference")));
        iso_json_put_z(json, "exact", json_string_value(json_object_get(value, "exact")));
        iso_json_put_z(json, "digest", json_string_value(json_object_get(value, "digest")));
        iso_json_put_z(json, "device", json_string_value(json_object_get(placed, "device")));
        iso_json_put_u64(json, "epoch",
                         (uint64_t)json_integer_value(json_object_get(placed, "epoch")));
        iso_json_object_end(json);
    }
    iso_json_object_end(json);
}

static json_t *parse(struct iso_str text)
{
    return text.len != 0 ? json_loadb(text.ptr, text.len, 0, NULL) : NULL;
}

/* One that this process has to do with tells more than its row. */
static const struct iso_or_generation *live(const struct iso_or_deployer *deployer,
                                            const struct iso_or_generation_row *row)
{
    const struct iso_or_app *app = iso_or_app_find(deployer, row->app);
    const struct iso_or_generation *gens[] = {app != NULL ? app->change : NULL,
                                              app != NULL ? app->current : NULL};
    for (size_t i = 0; i < ISO_COUNT_OF(gens); i++) {
        if (gens[i] != NULL && gens[i]->number == row->number) {
            return gens[i];
        }
    }
    return NULL;
}

static void put_whole(const struct history *history, const struct iso_or_generation_row *row)
{
    struct iso_json *json = history->json;
    json_t *resolved = parse(row->resolved), *placement = parse(row->placement);
    json_t *progress = parse(row->progress);
    const struct iso_or_generation *gen = live(history->deployer, row);
    iso_json_put_string(json, "manifest", row->manifest);
    iso_json_put_raw(json, "files", row->files.len != 0 ? row->files : iso_str_from_z("{}"));
    put_row_components(json, resolved, placement);
    iso_member_value(json, "plan", json_object_get(placement, "plan"));
    if (gen != NULL) {
        put_progress(gen, json);
    } else {
        iso_json_put_array_begin(json, "devices");
        const char *id;
        json_t *word;
        json_object_foreach(json_object_get(progress, "devices"), id, word)
        {
            iso_json_object_begin(json);
            iso_json_put_z(json, "device", id);
            iso_json_put_z(json, "name", iso_or_device_called(history->deployer, id));
            iso_json_put_z(json, "step", json_string_value(word));
            iso_json_put_z(json, "text", "");
            iso_json_object_end(json);
        }
        iso_json_array_end(json);
        iso_member_value(json, "moves", json_object_get(progress, "moves"));
    }
    json_decref(resolved);
    json_decref(placement);
    json_decref(progress);
}

static bool put_row(void *ctx, const struct iso_or_generation_row *row)
{
    struct history *history = ctx;
    struct iso_json *json = history->json;
    iso_json_object_begin(json);
    iso_json_put_string(json, "app", row->app);
    iso_json_put_u64(json, "generation", row->number);
    iso_json_put_z(json, "state", iso_or_generation_state_name(row->state));
    iso_json_put_string(json, "cause", row->cause);
    iso_json_put_string(json, "detail", row->detail);
    iso_json_put_string(json, "error", row->error);
    put_time(json, "created", row->created_ms);
    put_time(json, "changed", row->changed_ms);
    if (history->whole) {
        put_whole(history, row);
    }
    iso_json_object_end(json);
    return true;
}

enum iso_err iso_or_deployer_write_generation(struct iso_or_deployer *deployer, struct iso_str app,
                                              uint64_t number, struct iso_json *json,
                                              struct iso_report *report)
{
    struct history history = {.deployer = deployer, .json = json, .whole = true};
    return iso_or_store_generation(deployer->config.store, app, number, put_row, &history, report);
}
