/* Prepare, commit, abort: docs/deployment.md, "Generations". */
#include "supervisor/deployment_internal.h"

/* ---- What may be prepared -----------------------------------------------------------------------
 */

#define NUMBER(x) ((unsigned long long)(x))

/* True: go on. False: the change has ended. */
static bool check_generation(struct iso_sv_change *change)
{
    const struct iso_sv_app *app = change->app;
    const struct iso_sv_document *present = iso_sv_app_document(app);
    uint64_t wanted = change->document->generation, seen = iso_sv_app_generation(app);
    if (wanted < seen) {
        iso_sv_change_fail(change, ISO_E_STATE,
                           "generation %llu is older than %llu, the latest that was committed here",
                           NUMBER(wanted), NUMBER(seen));
        return false;
    }
    if (wanted > seen) {
        return true;
    }
    if (present == NULL || present->generation != wanted) {
        iso_sv_change_fail(change, ISO_E_STATE,
                           "generation %llu was removed from this device; use a later one",
                           NUMBER(wanted));
        return false;
    }
    if (memcmp(present->digest, change->document->digest, ISO_SHA256_SIZE) != 0) {
        iso_sv_change_fail(change, ISO_E_EXISTS,
                           "generation %llu is committed with another document; use a later one",
                           NUMBER(wanted));
        return false;
    }
    if (app->committed != NULL) {
        iso_sv_change_end(change); /* as it is already */
        return false;
    }
    return true; /* it is in trouble: once more */
}

static bool check_epochs(struct iso_sv_change *change)
{
    struct iso_sv_app *app = change->app;
    const struct iso_sv_document *document = change->document;
    for (size_t i = 0; i < document->component_count; i++) {
        const struct iso_sv_doc_component *component = &document->components[i];
        uint64_t seen = iso_sv_app_epoch(app, component->name);
        const struct iso_sv_move *move = iso_sv_record_move(&app->record, component->name);
        if (component->epoch < seen) {
            iso_sv_change_fail(
                change, ISO_E_STATE,
                "/components/%s/epoch: %llu is older than %llu, the latest seen on this device",
                component->name.ptr, NUMBER(component->epoch), NUMBER(seen));
            return false;
        }
        bool frozen =
            move != NULL && (move->state == ISO_SV_MOVE_FROZEN || move->state == ISO_SV_MOVE_SENT);
        bool held = move != NULL && move->state == ISO_SV_MOVE_HELD && app->committed != NULL &&
                    move->generation == app->committed->document->generation &&
                    move->epoch == component->epoch;
        if (frozen || held) {
            iso_sv_change_fail(change, ISO_E_STATE, "/components/%s: it is %s for a move; %s first",
                               component->name.ptr, frozen ? "frozen" : "held",
                               frozen ? "release or abort it" : "own it");
            return false;
        }
    }
    return true;
}

static bool check_count(struct iso_sv_change *change)
{
    uint32_t apps = 0, prepared = 0;
    for (const struct iso_sv_app *app = change->app->deployments->apps; app != NULL;
         app = app->next) {
        apps +=
            app != change->app && (app->committed != NULL || app->prepared != NULL || app->on_disk)
                ? 1
                : 0;
        prepared += app->prepared != NULL ? 1 : 0;
    }
    if (apps >= ISO_SV_APPS_MAX) {
        iso_sv_change_fail(change, ISO_E_LIMIT,
                           "%u applications are on this device, which is the most", apps);
        return false;
    }
    if (prepared >= ISO_SV_PREPARED_MAX) {
        iso_sv_change_fail(change, ISO_E_REFUSED,
                           "%u generations wait for their commit, which is the most; try again",
                           prepared);
        return false;
    }
    return true;
}

/* ---- Commit -------------------------------------------------------------------------------------
 */

static void committed(struct iso_sv_disk *disk)
{
    struct iso_sv_change *change = disk->ctx;
    struct iso_sv_app *app = change->app;
    if (disk->err != ISO_OK) {
        change->report = disk->report;
        change->err = disk->err;
        iso_sv_change_end(change);
        return;
    }
    app->record = change->record;
    iso_sv_record_moves_limit(&app->record, change->generation, change->generation);
    iso_sv_document_destroy(app->stored);
    app->stored = NULL;
    app->on_disk = true;
    app->trouble[0] = '\0';
    iso_sv_generation_switch(app->prepared);
    iso_sv_app_changed(app, "", "committed", "");
    iso_sv_change_end(change);
}

/* What the new document does not say of the present one: epochs of components that go. True when
 * the record has to be written. Moves stay in it: they are over with the new document, not before.
 */
static bool remember(struct iso_sv_change *change, const struct iso_sv_document *next, bool *fits)
{
    const struct iso_sv_app *app = change->app;
    const struct iso_sv_document *present = iso_sv_app_document(app);
    bool differs = false;
    change->record = app->record;
    *fits = true;
    for (size_t i = 0; present != NULL && i < present->component_count; i++) {
        const struct iso_sv_doc_component *component = &present->components[i];
        uint32_t k = iso_sv_document_component(next, component->name);
        bool said = k != ISO_SV_HERE && next->components[k].epoch >= component->epoch;
        if (!said && iso_sv_record_epoch(&app->record, component->name) < component->epoch) {
            differs = true;
            *fits = *fits && iso_sv_record_raise(&change->record, component->name, component->epoch,
                                                 &change->report) == ISO_OK;
        }
    }
    return differs;
}

static void commit_to_disk(struct iso_sv_change *change)
{
    struct iso_sv_app *app = change->app;
    struct iso_sv_generation_state *g = app->prepared;
    char name[2 * ISO_NAME_MAX + 16], next[2 * ISO_NAME_MAX + 16];
    bool fits = true;
    bool differs = remember(change, g->document, &fits);
    struct iso_sv_disk *disk = iso_sv_disk_create(app->deployments);
    if (disk == NULL || !fits ||
        (differs && iso_sv_disk_record(disk, app, &change->record) != ISO_OK)) {
        iso_sv_disk_discard(disk);
        iso_sv_change_fail(change, fits ? ISO_E_NOMEM : ISO_E_LIMIT, "not enough memory");
        return;
    }
    /* The record first: until the document is renamed it says nothing that the old one does not. */
    iso_sv_disk_name(name, app, NULL, "json");
    iso_sv_disk_write(disk, "commit", ISO_SV_AREA_DEPLOYMENTS, name, g->document->text);
    if (g->durable) {
        iso_sv_disk_name(next, app, NULL, "next");
        iso_sv_disk_sweep(disk, "next-remove", ISO_SV_AREA_DEPLOYMENTS, next);
    }
    iso_sv_disk_run(disk, committed, change);
}

/* Whether the prepared generation may become the present one, after what happened since. */
static bool check_commit(struct iso_sv_change *change)
{
    struct iso_sv_app *app = change->app;
    struct iso_sv_generation_state *g = app->prepared;
    for (size_t i = 0; i < app->record.move_count; i++) {
        const struct iso_sv_move *move = &app->record.moves[i];
        if (move->state == ISO_SV_MOVE_FROZEN || move->state == ISO_SV_MOVE_SENT) {
            iso_sv_change_fail(change, ISO_E_STATE,
                               "the component '%s' is frozen for a move; release or abort it first",
                               move->component);
            return false;
        }
    }
    for (uint32_t i = 0; i < g->document->component_count; i++) {
        const struct iso_sv_doc_component *component = &g->document->components[i];
        const struct iso_sv_move *move = iso_sv_record_move(&app->record, component->name);
        bool held = move != NULL && move->state == ISO_SV_MOVE_HELD &&
                    move->generation == g->document->generation;
        if (component->from_snapshot && !g->made[i].kept && !held) {
            iso_sv_change_fail(change, ISO_E_STATE,
                               "the component '%s' has not been given its snapshot yet",
                               component->name.ptr);
            return false;
        }
        if (component->epoch < iso_sv_app_epoch(app, component->name)) {
            iso_sv_change_fail(change, ISO_E_STATE,
                               "the component '%s' has been released to epoch %llu meanwhile",
                               component->name.ptr, NUMBER(iso_sv_app_epoch(app, component->name)));
            return false;
        }
    }
    return true;
}

void iso_sv_change_commit(struct iso_sv_change *change)
{
    struct iso_sv_app *app = change->app;
    if (app->committed != NULL && app->committed->document->generation == change->generation) {
        iso_sv_change_end(change);
        return;
    }
    if (app->prepared == NULL || app->prepared->document->generation != change->generation) {
        iso_sv_change_fail(change, ISO_E_STATE,
                           "generation %llu is not prepared here; it may have expired: prepare it "
                           "again",
                           NUMBER(change->generation));
        return;
    }
    if (check_commit(change)) {
        commit_to_disk(change);
    }
}

/* ---- Prepare ------------------------------------------------------------------------------------
 */

/* change->subject is ready and, where that matters, on disk. */
static void prepared(struct iso_sv_change *change)
{
    struct iso_sv_app *app = change->app;
    app->prepared = change->subject;
    app->prepared->deadline_ms = uv_now(app->deployments->loop) + app->deployments->prepared_ms;
    iso_sv_app_changed(app, "", "prepared", "");
    if (change->kind == ISO_SV_CHANGE_PUT) {
        change->generation = app->prepared->document->generation;
        iso_sv_change_commit(change);
    } else {
        iso_sv_change_end(change);
    }
}

static void next_written(struct iso_sv_disk *disk)
{
    struct iso_sv_change *change = disk->ctx;
    if (disk->err != ISO_OK) {
        change->err = disk->err;
        change->report = disk->report;
        iso_sv_generation_drop(change->subject);
        iso_sv_change_end(change);
        return;
    }
    change->subject->durable = true;
    prepared(change);
}

static bool wants_snapshot(const struct iso_sv_generation_state *g)
{
    for (size_t i = 0; i < g->document->component_count; i++) {
        if (g->document->components[i].from_snapshot && !g->made[i].kept) {
            return true;
        }
    }
    return false;
}

static void made(struct iso_sv_generation_state *g)
{
    struct iso_sv_change *change = g->change;
    change->subject = g;
    if (g->err != ISO_OK) {
        change->err = g->err;
        change->report = g->report;
        iso_sv_generation_free(g);
        iso_sv_change_end(change);
        return;
    }
    if (!wants_snapshot(g)) {
        prepared(change);
        return;
    }
    /* It waits for a snapshot, and once that is held, for the orchestrator, however long. */
    char name[2 * ISO_NAME_MAX + 16];
    struct iso_sv_disk *disk = iso_sv_disk_create(change->app->deployments);
    if (disk == NULL) {
        iso_sv_generation_drop(g);
        iso_sv_change_fail(change, ISO_E_NOMEM, "not enough memory");
        return;
    }
    iso_sv_disk_name(name, change->app, NULL, "next");
    iso_sv_disk_write(disk, "next", ISO_SV_AREA_DEPLOYMENTS, name, g->document->text);
    iso_sv_disk_run(disk, next_written, change);
}

/* What is prepared already. True: make the new one. */
static bool replace_prepared(struct iso_sv_change *change)
{
    struct iso_sv_app *app = change->app;
    struct iso_sv_generation_state *present = app->prepared;
    uint64_t wanted = change->document->generation;
    if (present == NULL) {
        return true;
    }
    uint64_t there = present->document->generation;
    bool same = memcmp(present->document->digest, change->document->digest, ISO_SHA256_SIZE) == 0;
    if (wanted == there && same) {
        change->subject = present;
        prepared(change);
        return false;
    }
    if (wanted == there || wanted < there || iso_sv_app_any_held(app, there)) {
        iso_sv_change_fail(change, wanted == there ? ISO_E_EXISTS : ISO_E_STATE,
                           "generation %llu is prepared here%s; abort it first", NUMBER(there),
                           wanted == there ? " with another document" : "");
        return false;
    }
    app->prepared = NULL;
    iso_sv_generation_drop(present); /* APP.next, if any, is overwritten or found useless */
    iso_sv_app_changed(app, "", "aborted", "a later generation came");
    return true;
}

void iso_sv_change_prepare(struct iso_sv_change *change)
{
    if (!check_generation(change) || !check_epochs(change) || !replace_prepared(change) ||
        !check_count(change)) {
        return;
    }
    struct iso_sv_generation_state *g = iso_sv_generation_create(change->app, change->document);
    if (g == NULL) {
        iso_sv_change_fail(change, ISO_E_NOMEM, "not enough memory");
        return;
    }
    change->document = NULL; /* the generation's */
    g->change = change;
    iso_sv_generation_make(g, made);
}

/* ---- Abort --------------------------------------------------------------------------------------
 */

static void aborted(struct iso_sv_disk *disk)
{
    struct iso_sv_change *change = disk->ctx;
    struct iso_sv_app *app = change->app;
    if (disk->err != ISO_OK) {
        change->err = disk->err;
        change->report = disk->report;
    } else {
        app->record = change->record;
    }
    iso_sv_change_end(change);
}

void iso_sv_change_abort(struct iso_sv_change *change)
{
    struct iso_sv_app *app = change->app;
    struct iso_sv_generation_state *g = app->prepared;
    bool expired = change->kind == ISO_SV_CHANGE_EXPIRE;
    if (app->committed != NULL && app->committed->document->generation == change->generation) {
        iso_sv_change_fail(change, ISO_E_STATE,
                           "generation %llu is committed; put a later one to replace it",
                           NUMBER(change->generation));
        return;
    }
    if (g == NULL || g->document->generation != change->generation ||
        (expired && (g->deadline_ms != 0 || iso_sv_app_any_held(app, change->generation)))) {
        iso_sv_change_end(change); /* nothing is prepared, or it was renewed meanwhile */
        return;
    }
    /* On disk first: a crash must not bring it back after it was said to be gone. */
    char name[2 * ISO_NAME_MAX + 16];
    bool held = iso_sv_app_any_held(app, change->generation);
    struct iso_sv_disk *disk = g->durable ? iso_sv_disk_create(app->deployments) : NULL;
    change->record = app->record;
    for (size_t i = change->record.move_count; i-- > 0;) {
        const struct iso_sv_move *move = &change->record.moves[i];
        if (move->state == ISO_SV_MOVE_HELD && move->generation == change->generation) {
            if (disk != NULL) {
                iso_sv_disk_name(name, app, move->component, "target");
                iso_sv_disk_remove(disk, "snapshot-remove", ISO_SV_AREA_SNAPSHOTS, name);
                iso_sv_disk_name(name, app, move->component, "target-calls");
                iso_sv_disk_sweep(disk, "calls-remove", ISO_SV_AREA_SNAPSHOTS, name);
            }
            iso_sv_record_move_drop(&change->record, iso_str_from_z(move->component));
        }
    }
    if (disk != NULL && held && iso_sv_disk_record(disk, app, &change->record) != ISO_OK) {
        iso_sv_disk_discard(disk);
        iso_sv_change_fail(change, ISO_E_NOMEM, "not enough memory");
        return;
    }
    app->prepared = NULL;
    iso_sv_generation_drop(g);
    iso_sv_app_changed(app, "", expired ? "expired" : "aborted", "");
    if (disk == NULL) {
        iso_sv_change_end(change);
        return;
    }
    iso_sv_disk_name(name, app, NULL, "next");
    iso_sv_disk_remove(disk, "next-remove", ISO_SV_AREA_DEPLOYMENTS, name);
    iso_sv_disk_run(disk, aborted, change);
}
