/*
 * Moving a component: docs/deployment.md, "Moving". What it remembers of finished calls goes ahead
 * of its state, while it still runs: it may be a thousand times larger than the state. The snapshot
 * that follows has only what ended since, and names the rest by its digest. At both ends the rest
 * is on disk before that snapshot is: whoever reads one finds the other.
 */
#include "supervisor/deployment_internal.h"

/* ---- The source: give ---------------------------------------------------------------------------
 */

static struct iso_sv_made *made_of(struct iso_sv_change *change, uint32_t index)
{
    return &change->subject->made[index];
}

static void kept(struct iso_sv_disk *disk)
{
    struct iso_sv_change *change = disk->ctx;
    uint32_t i = 0;
    if (disk->err != ISO_OK) {
        change->err = disk->err;
        change->report = disk->report;
    } else if (iso_sv_move_subject(change, &i) == NULL) {
        return;
    } else {
        made_of(change, i)->ahead = true;
        made_of(change, i)->ahead_mark = change->mark;
        memcpy(made_of(change, i)->ahead_digest, disk->hex, sizeof disk->hex);
    }
    iso_sv_change_end(change);
}

static enum iso_err save(struct iso_sv_change *change, uint32_t i)
{
    const struct iso_sv_deploy_hooks *hooks = &change->app->deployments->hooks;
    struct iso_buf out;
    iso_buf_init(&out, change->app->deployments->alloc, ISO_SV_SNAPSHOT_BYTES_MAX);
    enum iso_err err = hooks->save(hooks->ctx, &change->subject->pub, i, 0, &change->mark, &out);
    if (err == ISO_OK) {
        err = iso_buf_take(&out, &change->bytes, &change->len);
    }
    iso_buf_fini(&out);
    return err;
}

static void stored(struct iso_sv_disk *disk)
{
    struct iso_sv_change *change = disk->ctx;
    if (disk->err != ISO_OK) {
        iso_sv_change_fail(change, ISO_E_STATE, "nothing of '%s' went ahead of its state: %s",
                           change->component, disk->report.text);
        return;
    }
    change->bytes = disk->read;
    change->len = disk->read_len;
    disk->read = NULL;
    disk->read_len = 0;
    iso_sv_change_end(change);
}

void iso_sv_change_ahead_get(struct iso_sv_change *change)
{
    struct iso_sv_deployments *deployments = change->app->deployments;
    uint32_t i = 0;
    char name[2 * ISO_NAME_MAX + 16];
    const struct iso_sv_component *component = iso_sv_move_subject(change, &i);
    if (component == NULL) {
        return;
    }
    bool running = iso_sv_component_state(component) == ISO_SV_RUNNING;
    if (running && (deployments->hooks.save == NULL || save(change, i) != ISO_OK)) {
        iso_sv_change_fail(change, ISO_E_NOMEM, "what '%s' remembers cannot be saved",
                           change->component);
        return;
    }
    struct iso_sv_disk *disk = iso_sv_disk_create(deployments);
    if (disk == NULL) {
        iso_sv_change_fail(change, ISO_E_NOMEM, "not enough memory");
        return;
    }
    iso_sv_disk_name(name, change->app, change->component, "source-calls");
    disk->digest = true;
    if (running) {
        iso_sv_disk_write(disk, "calls", ISO_SV_AREA_SNAPSHOTS, name,
                          iso_bytes_from(change->bytes, change->len));
        disk->digest_of = iso_bytes_from(change->bytes, change->len);
    } else { /* it is frozen, and somebody lost what went ahead */
        iso_sv_disk_read(disk, ISO_SV_AREA_SNAPSHOTS, name);
    }
    iso_sv_disk_run(disk, running ? kept : stored, change);
}

/* ---- The target: take ---------------------------------------------------------------------------
 */

enum iso_err iso_sv_ahead_load(struct iso_sv_generation_state *g, uint32_t index,
                               struct iso_bytes bytes, const char *hex, struct iso_report *report)
{
    const struct iso_sv_deploy_hooks *hooks = &g->app->deployments->hooks;
    enum iso_err err =
        hooks->load != NULL ? hooks->load(hooks->ctx, &g->pub, index, bytes, report) : ISO_OK;
    if (err == ISO_OK) {
        g->made[index].ahead = true;
        memcpy(g->made[index].ahead_digest, hex, sizeof g->made[index].ahead_digest);
    }
    return err;
}

static void taken(struct iso_sv_disk *disk)
{
    struct iso_sv_change *change = disk->ctx;
    uint32_t i = 0;
    if (disk->err != ISO_OK) {
        change->err = disk->err;
        change->report = disk->report;
    } else if (!iso_sv_move_awaited(change, &i)) {
        return;
    } else {
        enum iso_err err =
            iso_sv_ahead_load(change->app->prepared, i, iso_bytes_from(change->bytes, change->len),
                              disk->hex, &change->report);
        if (err != ISO_OK) {
            iso_sv_move_give_up(change, err, iso_report_text(&change->report, err));
            return;
        }
    }
    iso_sv_change_end(change);
}

void iso_sv_change_ahead_put(struct iso_sv_change *change)
{
    const struct iso_sv_move *move =
        iso_sv_record_move(&change->app->record, iso_str_from_z(change->component));
    uint32_t i = 0;
    char name[2 * ISO_NAME_MAX + 16];
    if (move != NULL && move->state == ISO_SV_MOVE_HELD) {
        iso_sv_change_end(change); /* again: what is held has all that it needs */
        return;
    }
    if (!iso_sv_move_awaited(change, &i)) {
        return;
    }
    struct iso_sv_disk *disk = iso_sv_disk_create(change->app->deployments);
    if (disk == NULL) {
        iso_sv_change_fail(change, ISO_E_NOMEM, "not enough memory");
        return;
    }
    iso_sv_disk_name(name, change->app, change->component, "target-calls");
    iso_sv_disk_write(disk, "calls", ISO_SV_AREA_SNAPSHOTS, name,
                      iso_bytes_from(change->bytes, change->len));
    disk->digest = true;
    disk->digest_of = iso_bytes_from(change->bytes, change->len);
    iso_sv_disk_run(disk, taken, change);
}

void iso_sv_ahead_sweep(struct iso_sv_disk *disk, const struct iso_sv_app *app,
                        const char *component, const char *suffix)
{
    char name[2 * ISO_NAME_MAX + 16], calls[16];
    iso_sv_disk_name(name, app, component, suffix);
    iso_sv_disk_sweep(disk, "snapshot-remove", ISO_SV_AREA_SNAPSHOTS, name);
    (void)iso_format(calls, sizeof calls, "%s-calls", suffix);
    iso_sv_disk_name(name, app, component, calls);
    iso_sv_disk_sweep(disk, "calls-remove", ISO_SV_AREA_SNAPSHOTS, name);
}
