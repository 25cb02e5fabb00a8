/* Moving a component: docs/deployment.md, "Moving". The source: freeze, fetch, release or abort. */
#include "supervisor/deployment_internal.h"

#define NUMBER(x) ((unsigned long long)(x))

static void fail_disk(struct iso_sv_change *change, const struct iso_sv_disk *disk)
{
    change->err = disk->err;
    change->report = disk->report;
    iso_sv_change_end(change);
}

static void fail_memory(struct iso_sv_change *change)
{
    iso_sv_change_fail(change, ISO_E_NOMEM, "not enough memory");
}

struct iso_sv_component *iso_sv_move_subject(struct iso_sv_change *change, uint32_t *index)
{
    struct iso_sv_app *app = change->app;
    struct iso_sv_component *component = iso_sv_app_component(app, change->component, index);
    if (component != NULL) {
        change->subject = app->committed;
        return component;
    }
    uint64_t epoch = iso_sv_app_epoch(app, iso_str_from_z(change->component));
    const struct iso_sv_move *move =
        iso_sv_record_move(&app->record, iso_str_from_z(change->component));
    if (move != NULL && move->state == ISO_SV_MOVE_RELEASED) {
        iso_sv_change_fail(change, ISO_E_STATE,
                           "the component '%s' was released to epoch %llu; it runs elsewhere",
                           change->component, NUMBER(move->epoch));
    } else if (epoch != 0) {
        iso_sv_change_fail(change, ISO_E_STATE,
                           "the component '%s' is not here now; the latest epoch seen is %llu",
                           change->component, NUMBER(epoch));
    } else {
        iso_sv_change_fail(change, ISO_E_NOT_FOUND, "there is no component '%s/%s' here", app->name,
                           change->component);
    }
    return NULL;
}

static struct iso_sv_move *move_of(struct iso_sv_change *change)
{
    return iso_sv_record_move(&change->app->record, iso_str_from_z(change->component));
}

/* ---- Freeze -------------------------------------------------------------------------------------
 */

/* Go on as if nothing had been: what froze it failed. */
static void thaw_after_failure(struct iso_sv_change *change, const struct iso_sv_disk *disk)
{
    uint32_t i = 0;
    struct iso_sv_component *component = iso_sv_app_component(change->app, change->component, &i);
    if (component != NULL && iso_sv_component_state(component) == ISO_SV_FROZEN) {
        iso_sv_component_thaw(component);
    }
    if (disk != NULL) {
        fail_disk(change, disk);
    } else {
        fail_memory(change);
    }
}

static void freeze_recorded(struct iso_sv_disk *disk)
{
    struct iso_sv_change *change = disk->ctx;
    if (disk->err != ISO_OK) {
        thaw_after_failure(change, disk);
        return;
    }
    change->app->record = change->record;
    if (change->fetched == NULL) {
        move_of(change)->deadline_ms =
            uv_now(change->app->deployments->loop) + change->app->deployments->frozen_ms;
    }
    iso_sv_app_changed(change->app, change->component, "frozen", "");
    iso_sv_change_end(change);
}

static void freeze_written(struct iso_sv_disk *disk)
{
    struct iso_sv_change *change = disk->ctx;
    struct iso_sv_app *app = change->app;
    if (disk->err != ISO_OK) {
        thaw_after_failure(change, disk);
        return;
    }
    change->record = app->record;
    struct iso_sv_move *move =
        iso_sv_record_move_add(&change->record, iso_str_from_z(change->component));
    struct iso_sv_disk *next = move != NULL ? iso_sv_disk_create(app->deployments) : NULL;
    if (move != NULL) {
        move->state = change->fetched != NULL ? ISO_SV_MOVE_SENT : ISO_SV_MOVE_FROZEN;
        move->epoch = change->generation;
        move->generation = app->committed->document->generation;
        memcpy(move->digest, disk->hex, sizeof move->digest);
    }
    if (next == NULL || iso_sv_disk_record(next, app, &change->record) != ISO_OK) {
        iso_sv_disk_discard(next);
        thaw_after_failure(change, NULL);
        return;
    }
    iso_sv_disk_run(next, freeze_recorded, change);
}

/* What is remembered of finished calls: all, or the digest of what went ahead and the rest. */
static enum iso_err save_calls(struct iso_sv_change *change, uint32_t i, struct iso_buf *out)
{
    const struct iso_sv_deploy_hooks *hooks = &change->app->deployments->hooks;
    struct iso_sv_generation_state *g = change->app->committed;
    const struct iso_sv_made *made = &g->made[i];
    uint64_t mark = 0;
    enum iso_err err = ISO_OK;
    if (hooks->save == NULL) {
        return ISO_OK;
    }
    if (made->ahead) {
        err = iso_buf_append(out, made->ahead_digest, 2 * ISO_SHA256_SIZE);
    }
    return err == ISO_OK
               ? hooks->save(hooks->ctx, &g->pub, i, made->ahead ? made->ahead_mark : 0, &mark, out)
               : err;
}

/* The state into a block of the change's. docs/deployment.md, "Component snapshots". */
static enum iso_err save_parts(struct iso_sv_change *change, uint32_t i,
                               struct iso_sv_component *component, struct iso_buf *core,
                               struct iso_buf *out)
{
    bool ahead = change->app->committed->made[i].ahead;
    enum iso_err err = iso_sv_component_save(component, core, &change->report);
    if (err == ISO_OK) {
        err = iso_buf_append(out, "ISOC", 4);
    }
    if (err == ISO_OK) {
        err = iso_buf_append_u32le(out, ahead ? 2 : 1);
    }
    if (err == ISO_OK) {
        err = iso_buf_append_u64le(out, core->len);
    }
    if (err == ISO_OK) {
        err = iso_buf_append(out, core->ptr, core->len);
    }
    return err == ISO_OK ? save_calls(change, i, out) : err;
}

static enum iso_err save(struct iso_sv_change *change, struct iso_sv_component *component)
{
    const struct iso_alloc *alloc = change->app->deployments->alloc;
    struct iso_buf core, out;
    uint32_t i = 0;
    (void)iso_sv_app_component(change->app, change->component, &i);
    iso_buf_init(&core, alloc, ISO_SV_SNAPSHOT_BYTES_MAX);
    iso_buf_init(&out, alloc, ISO_SV_SNAPSHOT_BYTES_MAX);
    enum iso_err err = save_parts(change, i, component, &core, &out);
    iso_buf_fini(&core);
    if (err == ISO_OK) {
        err = iso_buf_take(&out, &change->bytes, &change->len);
    }
    iso_buf_fini(&out);
    return err;
}

static void frozen(void *ctx, struct iso_sv_component *component, enum iso_err err,
                   const struct iso_report *report)
{
    struct iso_sv_change *change = ctx;
    char name[2 * ISO_NAME_MAX + 16];
    if (err != ISO_OK) {
        iso_sv_change_fail(change, err, "the component '%s' cannot be frozen now: %s",
                           change->component, iso_report_text(report, err));
        return;
    }
    err = save(change, component);
    struct iso_sv_disk *disk = err == ISO_OK ? iso_sv_disk_create(change->app->deployments) : NULL;
    if (disk == NULL) {
        iso_sv_component_thaw(component);
        iso_sv_change_fail(change, err != ISO_OK ? err : ISO_E_NOMEM,
                           "the state of '%s' cannot be saved", change->component);
        return;
    }
    iso_sv_disk_name(name, change->app, change->component, "source");
    iso_sv_disk_write(disk, "snapshot", ISO_SV_AREA_SNAPSHOTS, name,
                      iso_bytes_from(change->bytes, change->len));
    disk->digest = true;
    disk->digest_of = iso_bytes_from(change->bytes, change->len);
    iso_sv_disk_run(disk, freeze_written, change);
}

void iso_sv_change_freeze(struct iso_sv_change *change)
{
    uint32_t i = 0;
    struct iso_sv_component *component = iso_sv_move_subject(change, &i);
    if (component == NULL) {
        return;
    }
    const struct iso_sv_move *move = move_of(change);
    uint64_t epoch = change->app->committed->document->components[i].epoch;
    if (move != NULL && (move->state == ISO_SV_MOVE_FROZEN || move->state == ISO_SV_MOVE_SENT) &&
        move->epoch == change->generation) {
        change->fetched != NULL ? iso_sv_change_fetch(change) : iso_sv_change_end(change);
    } else if (move != NULL) {
        iso_sv_change_fail(change, ISO_E_STATE, "the component '%s' is %s", change->component,
                           iso_sv_move_state_name(move->state));
    } else if (epoch != change->generation) {
        iso_sv_change_fail(change, ISO_E_STATE, "the component '%s' has epoch %llu, not %llu",
                           change->component, NUMBER(epoch), NUMBER(change->generation));
    } else if (iso_sv_component_state(component) != ISO_SV_RUNNING) {
        iso_sv_change_fail(change, ISO_E_STATE,
                           "the component '%s' is %s; only one that runs can "
                           "be frozen",
                           change->component, iso_sv_state_name(iso_sv_component_state(component)));
    } else if (change->app->record.move_count >= ISO_SV_MOVES_MAX) {
        iso_sv_change_fail(change, ISO_E_REFUSED,
                           "%d components are being moved, which is the "
                           "most of one application at a time",
                           ISO_SV_MOVES_MAX);
    } else {
        iso_sv_component_freeze(component, frozen, change);
    }
}

/* ---- Fetch --------------------------------------------------------------------------------------
 */

static void fetched(struct iso_sv_disk *disk)
{
    struct iso_sv_change *change = disk->ctx;
    struct iso_sv_move *move = move_of(change);
    if (disk->err != ISO_OK) {
        fail_disk(change, disk);
        return;
    }
    if (strcmp(disk->hex, move->digest) != 0) {
        iso_sv_change_fail(change, ISO_E_IO,
                           "the stored snapshot of '%s' is damaged; abort the "
                           "move",
                           change->component);
        return;
    }
    change->app->record = change->record;
    move->deadline_ms = 0;
    change->bytes = disk->read;
    change->len = disk->read_len;
    disk->read = NULL;
    disk->read_len = 0;
    iso_sv_change_end(change);
}

void iso_sv_change_fetch(struct iso_sv_change *change)
{
    uint32_t i = 0;
    char name[2 * ISO_NAME_MAX + 16];
    if (iso_sv_move_subject(change, &i) == NULL) {
        return;
    }
    const struct iso_sv_move *move = move_of(change);
    if (move == NULL || (move->state != ISO_SV_MOVE_FROZEN && move->state != ISO_SV_MOVE_SENT)) {
        iso_sv_change_fail(change, ISO_E_STATE, "the component '%s' is not frozen; freeze it first",
                           change->component);
        return;
    }
    change->record = change->app->record;
    struct iso_sv_move *sent =
        iso_sv_record_move(&change->record, iso_str_from_z(change->component));
    bool differs = sent->state != ISO_SV_MOVE_SENT;
    sent->state = ISO_SV_MOVE_SENT;
    sent->deadline_ms = 0;
    struct iso_sv_disk *disk = iso_sv_disk_create(change->app->deployments);
    if (disk != NULL) {
        iso_sv_disk_name(name, change->app, change->component, "source");
        iso_sv_disk_read(disk, ISO_SV_AREA_SNAPSHOTS, name);
        disk->digest = true;
    }
    /* That it was sent is on disk before anybody has a byte of it. */
    if (disk == NULL ||
        (differs && iso_sv_disk_record(disk, change->app, &change->record) != ISO_OK)) {
        iso_sv_disk_discard(disk);
        fail_memory(change);
        return;
    }
    iso_sv_disk_run(disk, fetched, change);
}

/* ---- Release ------------------------------------------------------------------------------------
 */

struct relay {
    struct iso_sv_generation_state *g;
    uint32_t index;
};

/* The calls that waited for it end with what was relayed, or as GONE. */
static void drop_released(struct iso_sv_generation_state *g, uint32_t i)
{
    iso_sv_component_destroy(g->pub.components[i]);
    g->pub.components[i] = NULL;
}

static void relayed(void *ctx)
{
    struct relay *relay = ctx;
    struct iso_sv_generation_state *g = relay->g;
    uint32_t i = relay->index;
    iso_alloc_free(g->app->deployments->alloc, relay, sizeof *relay);
    g->made[i].relaying = false;
    if (g->pub.stage == ISO_SV_STAGE_ENDING) {
        iso_sv_generation_gone(g, g->pub.components[i]);
    } else {
        g->waiting--;
        drop_released(g, i);
    }
}

/* The generation that knows the peer, and its index there. */
static struct iso_sv_generation_state *peer_of(const struct iso_sv_change *change, uint32_t *peer)
{
    struct iso_sv_generation_state *const candidates[] = {change->app->prepared,
                                                          change->app->committed};
    for (size_t i = 0; i < ISO_COUNT_OF(candidates); i++) {
        uint32_t found = candidates[i] != NULL ? iso_sv_document_peer(candidates[i]->document,
                                                                      iso_str_from_z(change->to))
                                               : ISO_SV_HERE;
        if (found != ISO_SV_HERE && candidates[i]->document->peers[found].address_count > 0) {
            *peer = found;
            return candidates[i];
        }
    }
    return NULL;
}

static void start_relay(struct iso_sv_change *change)
{
    struct iso_sv_deployments *deployments = change->app->deployments;
    struct iso_sv_generation_state *g = change->app->committed;
    uint32_t peer = 0, i = 0;
    struct iso_sv_component *component = iso_sv_app_component(change->app, change->component, &i);
    struct iso_sv_generation_state *knows = peer_of(change, &peer);
    struct relay *relay = NULL;
    /* After a restart nobody waits for it any more. */
    if (knows != NULL && deployments->hooks.relay != NULL && component != NULL &&
        iso_sv_component_state(component) == ISO_SV_FROZEN) {
        relay = iso_alloc_new(deployments->alloc, sizeof *relay);
    }
    if (relay != NULL) {
        *relay = (struct relay){.g = g, .index = i};
        g->made[i].relaying = true;
        g->waiting++;
        deployments->hooks.relay(deployments->hooks.ctx, &g->pub, i, &knows->pub, peer,
                                 change->generation, relayed, relay);
    } else if (component != NULL) {
        drop_released(g, i);
    }
}

static void released(struct iso_sv_disk *disk)
{
    struct iso_sv_change *change = disk->ctx;
    if (disk->err != ISO_OK) {
        fail_disk(change, disk);
        return;
    }
    change->app->record = change->record;
    iso_sv_app_changed(change->app, change->component, "released", change->to);
    start_relay(change);
    iso_sv_change_end(change);
}

static bool check_release(struct iso_sv_change *change)
{
    uint32_t peer = 0;
    const struct iso_sv_move *move = move_of(change);
    if (move != NULL && move->state == ISO_SV_MOVE_RELEASED && move->epoch == change->generation) {
        iso_sv_change_end(change);
        return false;
    }
    if (move == NULL || move->state != ISO_SV_MOVE_SENT) {
        iso_sv_change_fail(change, ISO_E_STATE,
                           "the component '%s' is %s; only one whose snapshot was fetched can be "
                           "released",
                           change->component,
                           move != NULL ? iso_sv_move_state_name(move->state) : "not frozen");
        return false;
    }
    if (change->generation <= move->epoch) {
        iso_sv_change_fail(change, ISO_E_STATE, "epoch %llu is not later than %llu, that of '%s'",
                           NUMBER(change->generation), NUMBER(move->epoch), change->component);
        return false;
    }
    if (peer_of(change, &peer) == NULL) {
        iso_sv_change_fail(change, ISO_E_INVALID,
                           "no peer '%s' with 'connect' is in the prepared or committed document",
                           change->to);
        return false;
    }
    return true;
}

void iso_sv_change_release(struct iso_sv_change *change)
{
    uint32_t i = 0;
    const struct iso_sv_move *present = move_of(change);
    if (present != NULL && present->state == ISO_SV_MOVE_RELEASED &&
        present->epoch == change->generation) {
        iso_sv_change_end(change); /* again */
        return;
    }
    if (iso_sv_move_subject(change, &i) == NULL || !check_release(change)) {
        return;
    }
    change->record = change->app->record;
    struct iso_str component = iso_str_from_z(change->component);
    struct iso_sv_move *move = iso_sv_record_move(&change->record, component);
    move->state = ISO_SV_MOVE_RELEASED;
    move->epoch = change->generation;
    memcpy(move->to, change->to, sizeof move->to);
    enum iso_err err =
        iso_sv_record_raise(&change->record, component, change->generation, &change->report);
    struct iso_sv_disk *disk = err == ISO_OK ? iso_sv_disk_create(change->app->deployments) : NULL;
    if (disk == NULL || iso_sv_disk_record(disk, change->app, &change->record) != ISO_OK) {
        iso_sv_disk_discard(disk);
        iso_sv_change_fail(change, err != ISO_OK ? err : ISO_E_NOMEM, "not enough memory");
        return;
    }
    iso_sv_ahead_sweep(disk, change->app, change->component, "source");
    iso_sv_disk_run(disk, released, change);
}

/* ---- Abort, and a freeze that nobody used
 * --------------------------------------------------------- */

static void resumed(struct iso_sv_disk *disk)
{
    struct iso_sv_change *change = disk->ctx;
    uint32_t i = 0;
    struct iso_sv_component *component = iso_sv_app_component(change->app, change->component, &i);
    if (disk->err != ISO_OK) {
        fail_disk(change, disk);
        return;
    }
    change->app->record = change->record;
    change->app->committed->made[i].ahead = false;
    if (iso_sv_component_state(component) == ISO_SV_FROZEN) {
        iso_sv_component_thaw(component);
    } else {
        iso_sv_component_start(component); /* with the state that was loaded */
    }
    iso_sv_app_changed(change->app, change->component, "thawed",
                       change->kind == ISO_SV_CHANGE_THAW ? "nobody fetched its snapshot" : "");
    iso_sv_change_end(change);
}

static void forget_move(struct iso_sv_change *change)
{
    struct iso_sv_disk *disk = iso_sv_disk_create(change->app->deployments);
    change->record = change->app->record;
    iso_sv_record_move_drop(&change->record, iso_str_from_z(change->component));
    if (disk == NULL || iso_sv_disk_record(disk, change->app, &change->record) != ISO_OK) {
        iso_sv_disk_discard(disk);
        fail_memory(change);
        return;
    }
    iso_sv_ahead_sweep(disk, change->app, change->component, "source");
    iso_sv_disk_run(disk, resumed, change);
}

static void state_loaded(struct iso_sv_change *change)
{
    if (change->err != ISO_OK) {
        iso_sv_change_end(change);
    } else {
        forget_move(change);
    }
}

static void resume(struct iso_sv_change *change, struct iso_sv_component *component, uint32_t i)
{
    if (iso_sv_component_state(component) == ISO_SV_PREPARED &&
        !change->app->committed->made[i].loaded) {
        iso_sv_move_load(change, i, "source", state_loaded); /* the supervisor was restarted */
    } else {
        forget_move(change);
    }
}

void iso_sv_change_thaw(struct iso_sv_change *change)
{
    uint32_t i = 0;
    struct iso_sv_component *component = iso_sv_app_component(change->app, change->component, &i);
    const struct iso_sv_move *move = move_of(change);
    change->subject = change->app->committed;
    if (component != NULL && move != NULL && move->state == ISO_SV_MOVE_FROZEN) {
        resume(change, component, i);
    } else {
        iso_sv_change_end(change);
    }
}

void iso_sv_change_move_abort(struct iso_sv_change *change)
{
    uint32_t i = 0;
    const struct iso_sv_move *move = move_of(change);
    struct iso_sv_generation_state *prepared = change->app->prepared;
    if (move != NULL && move->state == ISO_SV_MOVE_HELD && prepared != NULL &&
        prepared->document->generation == move->generation) {
        change->generation = move->generation; /* the target: the whole generation */
        iso_sv_change_abort(change);
        return;
    }
    struct iso_sv_component *component = iso_sv_move_subject(change, &i);
    if (component == NULL) {
        return;
    }
    if (move == NULL) {
        iso_sv_change_end(change);
    } else if (move->state == ISO_SV_MOVE_HELD) {
        iso_sv_change_fail(change, ISO_E_STATE,
                           "the component '%s' is held by the committed generation; own it, or put "
                           "a later generation without it",
                           change->component);
    } else if (move->state == ISO_SV_MOVE_RELEASED) {
        iso_sv_change_fail(change, ISO_E_STATE,
                           "the component '%s' was released to epoch %llu; it runs elsewhere",
                           change->component, NUMBER(move->epoch));
    } else {
        resume(change, component, i);
    }
}
