/* Removing an application: docs/deployment.md, "DELETE". Its generation and epochs are remembered
 * unless the caller wants them forgotten. */
#include "supervisor/deployment_internal.h"

static void storage_removed(struct iso_sv_disk *disk)
{
    iso_sv_change_end(disk->ctx); /* what could not be removed goes at the next start */
}

/* All its components have ended. */
static void drained(struct iso_sv_change *change)
{
    iso_sv_apps_limit(change->app->deployments);
    struct iso_sv_disk *disk = iso_sv_disk_create(change->app->deployments);
    if (disk == NULL || change->app->deployments->stopping) {
        iso_sv_disk_discard(disk);
        iso_sv_change_end(change);
        return;
    }
    iso_sv_disk_tree(disk, change->app->name);
    iso_sv_disk_run(disk, storage_removed, change);
}

static void removed(struct iso_sv_disk *disk)
{
    struct iso_sv_change *change = disk->ctx;
    struct iso_sv_app *app = change->app;
    struct iso_sv_deploy_hooks *hooks = &app->deployments->hooks;
    struct iso_sv_generation_state *committed = app->committed, *prepared = app->prepared;
    if (disk->err != ISO_OK) {
        change->err = disk->err;
        change->report = disk->report;
        iso_sv_change_end(change);
        return;
    }
    uint64_t drain_ns = committed != NULL ? committed->document->drain_ns : 0;
    app->record = change->record;
    app->on_disk = false;
    app->trouble[0] = '\0';
    app->committed = NULL;
    app->prepared = NULL;
    iso_sv_document_destroy(app->stored);
    iso_sv_document_destroy(app->stored_next);
    app->stored = NULL;
    app->stored_next = NULL;
    if (prepared != NULL) {
        iso_sv_generation_drop(prepared);
    }
    iso_sv_app_changed(app, "", "removed", "");
    if (committed == NULL) {
        drained(change);
        return;
    }
    if (hooks->stop != NULL) {
        hooks->stop(hooks->ctx, &committed->pub);
    }
    committed->change = change;
    committed->ended = drained;
    iso_sv_generation_end(committed, drain_ns);
}

/* What stays known of it. */
static enum iso_err remember(struct iso_sv_change *change)
{
    const struct iso_sv_document *document = iso_sv_app_document(change->app);
    change->record = change->forget ? (struct iso_sv_record){.generation = 0} : change->app->record;
    change->record.move_count = 0;
    if (change->forget) {
        return ISO_OK;
    }
    change->record.generation = iso_sv_app_generation(change->app);
    enum iso_err err = ISO_OK;
    for (size_t i = 0; document != NULL && i < document->component_count && err == ISO_OK; i++) {
        err = iso_sv_record_raise(&change->record, document->components[i].name,
                                  document->components[i].epoch, &change->report);
    }
    return err;
}

static enum iso_err plan(struct iso_sv_change *change, struct iso_sv_disk *disk)
{
    char name[2 * ISO_NAME_MAX + 16];
    enum iso_err err = remember(change);
    if (err == ISO_OK && !change->forget) {
        err = iso_sv_disk_record(disk, change->app, &change->record); /* before the document goes */
    }
    if (err != ISO_OK) {
        return err;
    }
    iso_sv_disk_name(name, change->app, NULL, "json");
    iso_sv_disk_remove(disk, "remove", ISO_SV_AREA_DEPLOYMENTS, name);
    iso_sv_disk_name(name, change->app, NULL, "next");
    iso_sv_disk_remove(disk, "next-remove", ISO_SV_AREA_DEPLOYMENTS, name);
    if (change->forget) {
        iso_sv_disk_name(name, change->app, NULL, "state");
        iso_sv_disk_remove(disk, "state-remove", ISO_SV_AREA_DEPLOYMENTS, name);
    }
    for (size_t i = 0; i < change->app->record.move_count; i++) {
        const struct iso_sv_move *move = &change->app->record.moves[i];
        iso_sv_disk_name(name, change->app, move->component,
                         move->state == ISO_SV_MOVE_HELD ? "target" : "source");
        iso_sv_disk_remove(disk, "snapshot-remove", ISO_SV_AREA_SNAPSHOTS, name);
        iso_sv_disk_name(name, change->app, move->component,
                         move->state == ISO_SV_MOVE_HELD ? "target-calls" : "source-calls");
        iso_sv_disk_sweep(disk, "calls-remove", ISO_SV_AREA_SNAPSHOTS, name);
    }
    return ISO_OK;
}

/* The latest generation that is, or was, committed here, or is prepared: that may hold the only
 * state of a component that comes back. */
static uint64_t latest(const struct iso_sv_app *app)
{
    uint64_t found = iso_sv_app_generation(app);
    const struct iso_sv_document *prepared =
        app->prepared != NULL ? app->prepared->document : app->stored_next;
    return prepared != NULL && prepared->generation > found ? prepared->generation : found;
}

void iso_sv_change_delete(struct iso_sv_change *change)
{
    struct iso_sv_app *app = change->app;
    bool anything = app->on_disk || app->prepared != NULL || app->stored_next != NULL;
    uint64_t here = latest(app);
    if (anything && change->generation != 0 && change->generation < here) {
        iso_sv_change_fail(change, ISO_E_STATE, "generation %llu is here, which is later than %llu",
                           (unsigned long long)here, (unsigned long long)change->generation);
        return;
    }
    if (!anything && !change->forget) {
        iso_sv_change_end(change);
        return;
    }
    struct iso_sv_disk *disk = iso_sv_disk_create(app->deployments);
    enum iso_err err = disk != NULL ? plan(change, disk) : ISO_E_NOMEM;
    if (err != ISO_OK) {
        iso_sv_disk_discard(disk);
        iso_sv_change_fail(change, err, "not enough memory");
        return;
    }
    iso_sv_disk_run(disk, removed, change);
}
