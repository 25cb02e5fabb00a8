/* Moving a component: docs/deployment.md, "Moving". The target: hold, own. Also how a state is
 * loaded from disk after a restart, at either end. */
#include "supervisor/deployment_internal.h"

#define NUMBER(x) ((unsigned long long)(x))

static struct iso_sv_move *move_of(struct iso_sv_change *change)
{
    return iso_sv_record_move(&change->app->record, iso_str_from_z(change->component));
}

/* ---- A state into a component -------------------------------------------------------------------
 */

struct adoption {
    struct iso_sv_generation_state *g;
    uint32_t index;
};

static void adopt(void *ctx, struct iso_sv_call *call)
{
    struct adoption *adoption = ctx;
    struct iso_sv_deploy_hooks *hooks = &adoption->g->app->deployments->hooks;
    if (hooks->adopt != NULL) {
        hooks->adopt(hooks->ctx, &adoption->g->pub, adoption->index, call);
    }
}

static enum iso_err load(struct iso_sv_generation_state *g, uint32_t index, struct iso_bytes bytes,
                         struct iso_report *report)
{
    struct iso_sv_deploy_hooks *hooks = &g->app->deployments->hooks;
    struct adoption adoption = {.g = g, .index = index};
    uint64_t core_len = bytes.len >= 16 ? iso_load_u64le(bytes.ptr + 8) : 0;
    if (bytes.len < 16 || memcmp(bytes.ptr, "ISOC", 4) != 0 || iso_load_u32le(bytes.ptr + 4) != 1 ||
        core_len > bytes.len - 16) {
        return iso_fail(report, ISO_E_SNAPSHOT, "this is no snapshot of a component");
    }
    struct iso_bytes core = iso_bytes_from(bytes.ptr + 16, (size_t)core_len);
    struct iso_bytes rest =
        iso_bytes_from(bytes.ptr + 16 + core_len, bytes.len - 16 - (size_t)core_len);
    enum iso_err err = ISO_OK;
    if (hooks->load != NULL && rest.len > 0) {
        err = hooks->load(hooks->ctx, &g->pub, index, rest, report);
    }
    if (err == ISO_OK) {
        err = iso_sv_component_load(g->pub.components[index], core, adopt, &adoption, report);
    }
    g->made[index].loaded = err == ISO_OK;
    return err;
}

struct from_disk {
    struct iso_sv_change *change;
    uint32_t index;
    void (*done)(struct iso_sv_change *change);
};

static void state_read(struct iso_sv_disk *disk)
{
    struct from_disk *from = disk->ctx;
    struct iso_sv_change *change = from->change;
    void (*done)(struct iso_sv_change * change) = from->done;
    uint32_t index = from->index;
    struct iso_sv_generation_state *g = change->subject;
    struct iso_sv_move *move =
        iso_sv_record_move(&change->app->record, g->document->components[index].name);
    iso_alloc_free(change->app->deployments->alloc, from, sizeof *from);
    change->err = disk->err;
    change->report = disk->report;
    if (change->err == ISO_OK && (move == NULL || strcmp(move->digest, disk->hex) != 0)) {
        change->err = ISO_E_IO;
        iso_report_set(&change->report, "the stored snapshot is damaged");
    }
    if (change->err == ISO_OK) {
        change->err = load(g, index, iso_bytes_from(disk->read, disk->read_len), &change->report);
    }
    done(change);
}

void iso_sv_move_load(struct iso_sv_change *change, uint32_t index, const char *suffix,
                      void (*done)(struct iso_sv_change *change))
{
    struct iso_sv_deployments *deployments = change->app->deployments;
    char name[2 * ISO_NAME_MAX + 16];
    struct from_disk *from = iso_alloc_new(deployments->alloc, sizeof *from);
    struct iso_sv_disk *disk = iso_sv_disk_create(deployments);
    if (from == NULL || disk == NULL) {
        iso_alloc_free(deployments->alloc, from, from != NULL ? sizeof *from : 0);
        iso_sv_disk_discard(disk);
        change->err = ISO_E_NOMEM;
        done(change);
        return;
    }
    *from = (struct from_disk){.change = change, .index = index, .done = done};
    iso_sv_disk_name(name, change->app, change->subject->document->components[index].name.ptr,
                     suffix);
    iso_sv_disk_read(disk, ISO_SV_AREA_SNAPSHOTS, name);
    disk->digest = true;
    iso_sv_disk_run(disk, state_read, from);
}

/* ---- Hold ---------------------------------------------------------------------------------------
 */

/* The state is in the component and cannot be taken out: the generation goes. */
static void give_up(struct iso_sv_change *change, enum iso_err err, const char *text)
{
    struct iso_sv_app *app = change->app;
    struct iso_sv_generation_state *g = app->prepared;
    char reason[400];
    (void)iso_format(reason, sizeof reason, "%s", text);
    app->prepared = NULL;
    change->report = (struct iso_report){.set = false};
    iso_sv_generation_drop(g);
    iso_sv_app_changed(app, "", "aborted", reason);
    iso_sv_change_fail(change, err, "%s; the prepared generation has been aborted", reason);
}

static void held(struct iso_sv_disk *disk)
{
    struct iso_sv_change *change = disk->ctx;
    if (disk->err != ISO_OK) {
        give_up(change, disk->err, disk->report.text);
        return;
    }
    change->app->record = change->record;
    change->app->prepared->deadline_ms = 0;
    iso_sv_app_changed(change->app, change->component, "held", "");
    iso_sv_change_end(change);
}

static void hold_written(struct iso_sv_disk *disk)
{
    struct iso_sv_change *change = disk->ctx;
    struct iso_sv_app *app = change->app;
    if (disk->err != ISO_OK) {
        give_up(change, disk->err, disk->report.text);
        return;
    }
    struct iso_str component = iso_str_from_z(change->component);
    const struct iso_sv_document *document = app->prepared->document;
    uint32_t i = iso_sv_document_component(document, component);
    change->record = app->record;
    struct iso_sv_move *move = iso_sv_record_move_add(&change->record, component);
    struct iso_sv_disk *next = move != NULL ? iso_sv_disk_create(app->deployments) : NULL;
    if (move != NULL) {
        move->state = ISO_SV_MOVE_HELD;
        move->epoch = document->components[i].epoch;
        move->generation = document->generation;
        memcpy(move->digest, disk->hex, sizeof move->digest);
    }
    if (next == NULL || iso_sv_disk_record(next, app, &change->record) != ISO_OK) {
        iso_sv_disk_discard(next);
        give_up(change, move != NULL ? ISO_E_NOMEM : ISO_E_LIMIT,
                move != NULL ? "not enough memory" : "too many components are being moved");
        return;
    }
    iso_sv_disk_run(next, held, change);
}

static void compared(struct iso_sv_disk *disk)
{
    struct iso_sv_change *change = disk->ctx;
    const struct iso_sv_move *move = move_of(change);
    if (strcmp(move->digest, disk->hex) == 0) {
        iso_sv_change_end(change);
    } else {
        iso_sv_change_fail(change, ISO_E_STATE,
                           "the component '%s' holds another snapshot; abort the generation first",
                           change->component);
    }
}

/* On the pool: the digest, and, when name is not NULL, the file. */
static void run_hold(struct iso_sv_change *change, const char *name,
                     void (*after)(struct iso_sv_disk *disk))
{
    struct iso_bytes bytes = iso_bytes_from(change->bytes, change->len);
    struct iso_sv_disk *disk = iso_sv_disk_create(change->app->deployments);
    if (disk == NULL) {
        iso_sv_change_fail(change, ISO_E_NOMEM, "not enough memory");
        return;
    }
    if (name != NULL) {
        iso_sv_disk_write(disk, "snapshot", ISO_SV_AREA_SNAPSHOTS, name, bytes);
    }
    disk->digest = true;
    disk->digest_of = bytes;
    iso_sv_disk_run(disk, after, change);
}

void iso_sv_change_hold(struct iso_sv_change *change)
{
    struct iso_sv_app *app = change->app;
    struct iso_sv_generation_state *g = app->prepared;
    struct iso_str component = iso_str_from_z(change->component);
    const struct iso_sv_move *move = move_of(change);
    char name[2 * ISO_NAME_MAX + 16];
    if (move != NULL && move->state == ISO_SV_MOVE_HELD) {
        run_hold(change, NULL, compared);
        return;
    }
    uint32_t i = g != NULL ? iso_sv_document_component(g->document, component) : ISO_SV_HERE;
    if (i == ISO_SV_HERE || g->made[i].kept || !g->document->components[i].from_snapshot) {
        iso_sv_change_fail(change, ISO_E_STATE,
                           "no prepared generation waits for a snapshot of '%s'",
                           change->component);
        return;
    }
    enum iso_err err = load(g, i, iso_bytes_from(change->bytes, change->len), &change->report);
    if (err != ISO_OK) {
        bool ours = err == ISO_E_NOMEM || err == ISO_E_LIMIT;
        char text[sizeof change->report.text];
        (void)iso_format(text, sizeof text, "%s", iso_report_text(&change->report, err));
        give_up(change, ours ? err : ISO_E_SNAPSHOT, text);
        return;
    }
    iso_sv_disk_name(name, app, change->component, "target");
    run_hold(change, name, hold_written);
}

/* ---- Own ----------------------------------------------------------------------------------------
 */

static void owned(struct iso_sv_disk *disk)
{
    struct iso_sv_change *change = disk->ctx;
    uint32_t i = 0;
    if (disk->err != ISO_OK) {
        change->err = disk->err;
        change->report = disk->report;
        iso_sv_change_end(change);
        return;
    }
    change->app->record = change->record;
    iso_sv_component_start(iso_sv_app_component(change->app, change->component, &i));
    iso_sv_app_changed(change->app, change->component, "owned", "");
    iso_sv_change_end(change);
}

static bool check_own(struct iso_sv_change *change)
{
    struct iso_sv_app *app = change->app;
    const struct iso_sv_move *move = move_of(change);
    uint32_t i = 0;
    const struct iso_sv_component *component = iso_sv_app_component(app, change->component, &i);
    uint64_t epoch = component != NULL ? app->committed->document->components[i].epoch : 0;
    if (move == NULL && component != NULL && epoch == change->generation) {
        iso_sv_change_end(change); /* it is owned here already */
        return false;
    }
    bool held = move != NULL && move->state == ISO_SV_MOVE_HELD;
    if (held && move->epoch != change->generation) {
        iso_sv_change_fail(change, ISO_E_STATE,
                           "the component '%s' is held for epoch %llu, not "
                           "%llu",
                           change->component, NUMBER(move->epoch), NUMBER(change->generation));
        return false;
    }
    if (held && (component == NULL || move->generation != app->committed->document->generation)) {
        iso_sv_change_fail(change, ISO_E_STATE,
                           "generation %llu, which holds '%s', is not "
                           "committed; commit it first",
                           NUMBER(move->generation), change->component);
        return false;
    }
    if (!held) {
        enum iso_err err = iso_sv_app_epoch(app, iso_str_from_z(change->component)) != 0
                               ? ISO_E_STATE
                               : ISO_E_NOT_FOUND;
        iso_sv_change_fail(change, err, "the component '%s' is not held here", change->component);
    }
    return held;
}

void iso_sv_change_own(struct iso_sv_change *change)
{
    char name[2 * ISO_NAME_MAX + 16];
    if (!check_own(change)) {
        return;
    }
    change->record = change->app->record;
    iso_sv_record_move_drop(&change->record, iso_str_from_z(change->component));
    struct iso_sv_disk *disk = iso_sv_disk_create(change->app->deployments);
    if (disk == NULL || iso_sv_disk_record(disk, change->app, &change->record) != ISO_OK) {
        iso_sv_disk_discard(disk);
        iso_sv_change_fail(change, ISO_E_NOMEM, "not enough memory");
        return;
    }
    iso_sv_disk_name(name, change->app, change->component, "target");
    iso_sv_disk_sweep(disk, "snapshot-remove", ISO_SV_AREA_SNAPSHOTS, name);
    iso_sv_disk_run(disk, owned, change);
}
