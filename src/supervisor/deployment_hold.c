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

/* docs/deployment.md, "Component snapshots". */
struct snapshot {
    struct iso_bytes core, calls;
    bool ahead; /* calls go on from what went ahead, which is this */
    char ahead_digest[2 * ISO_SHA256_SIZE + 1];
};

static enum iso_err read_snapshot(struct iso_bytes bytes, struct snapshot *out,
                                  struct iso_report *report)
{
    uint32_t version = bytes.len >= 16 ? iso_load_u32le(bytes.ptr + 4) : 0;
    uint64_t core_len = bytes.len >= 16 ? iso_load_u64le(bytes.ptr + 8) : 0;
    size_t digest_len = version == 2 ? 2 * ISO_SHA256_SIZE : 0;
    if (version < 1 || version > 2 || memcmp(bytes.ptr, "ISOC", 4) != 0 ||
        core_len > bytes.len - 16 || digest_len > bytes.len - 16 - core_len) {
        return iso_fail(report, ISO_E_SNAPSHOT, "this is no snapshot of a component");
    }
    const uint8_t *rest = bytes.ptr + 16 + core_len;
    out->core = iso_bytes_from(bytes.ptr + 16, (size_t)core_len);
    out->calls = iso_bytes_from(rest + digest_len, bytes.len - 16 - (size_t)core_len - digest_len);
    out->ahead = version == 2;
    memcpy(out->ahead_digest, rest, digest_len);
    out->ahead_digest[digest_len] = '\0';
    return ISO_OK;
}

static bool has_ahead(const struct iso_sv_made *made, const struct snapshot *snapshot)
{
    return !snapshot->ahead ||
           (made->ahead && strcmp(made->ahead_digest, snapshot->ahead_digest) == 0);
}

/* Errors: STATE: what went ahead of it is not here. */
static enum iso_err load(struct iso_sv_generation_state *g, uint32_t index, struct iso_bytes bytes,
                         struct iso_report *report)
{
    struct iso_sv_deploy_hooks *hooks = &g->app->deployments->hooks;
    struct adoption adoption = {.g = g, .index = index};
    struct snapshot snapshot;
    enum iso_err err = read_snapshot(bytes, &snapshot, report);
    if (err == ISO_OK && !has_ahead(&g->made[index], &snapshot)) {
        return iso_fail(report, ISO_E_STATE,
                        "what the component remembers of calls has to come before its snapshot");
    }
    if (err == ISO_OK && hooks->load != NULL && snapshot.calls.len > 0) {
        err = hooks->load(hooks->ctx, &g->pub, index, snapshot.calls, report);
    }
    if (err == ISO_OK) {
        err = iso_sv_component_load(g->pub.components[index], snapshot.core, adopt, &adoption,
                                    report);
    }
    g->made[index].loaded = err == ISO_OK;
    return err;
}

struct from_disk {
    struct iso_sv_change *change;
    uint32_t index;
    const char *suffix;
    void (*done)(struct iso_sv_change *change);
    uint8_t *bytes; /* the snapshot, while what went ahead of it is read */
    size_t len;
};

static void loaded(struct from_disk *from, enum iso_err err)
{
    struct iso_sv_change *change = from->change;
    const struct iso_alloc *alloc = change->app->deployments->alloc;
    void (*done)(struct iso_sv_change * change) = from->done;
    if (err == ISO_OK) {
        err = load(change->subject, from->index, iso_bytes_from(from->bytes, from->len),
                   &change->report);
    }
    change->err = err;
    iso_alloc_free(alloc, from->bytes, from->len);
    iso_alloc_free(alloc, from, sizeof *from);
    done(change);
}

static enum iso_err damaged(struct iso_report *report)
{
    return iso_fail(report, ISO_E_IO, "the stored snapshot is damaged");
}

static void ahead_read(struct iso_sv_disk *disk)
{
    struct from_disk *from = disk->ctx;
    struct iso_sv_change *change = from->change;
    struct snapshot snapshot;
    enum iso_err err = disk->err;
    change->report = disk->report;
    if (err == ISO_OK) {
        err = read_snapshot(iso_bytes_from(from->bytes, from->len), &snapshot, &change->report);
    }
    if (err == ISO_OK && strcmp(snapshot.ahead_digest, disk->hex) != 0) {
        err = damaged(&change->report);
    }
    if (err == ISO_OK) {
        err = iso_sv_ahead_load(change->subject, from->index,
                                iso_bytes_from(disk->read, disk->read_len), disk->hex,
                                &change->report);
    }
    loaded(from, err);
}

/* from: taken when it succeeds. */
static enum iso_err read_file(struct from_disk *from, const char *suffix,
                              void (*after)(struct iso_sv_disk *disk))
{
    struct iso_sv_change *change = from->change;
    char name[2 * ISO_NAME_MAX + 16];
    struct iso_sv_disk *disk = iso_sv_disk_create(change->app->deployments);
    if (disk == NULL) {
        return iso_fail(&change->report, ISO_E_NOMEM, "not enough memory");
    }
    iso_sv_disk_name(name, change->app, change->subject->document->components[from->index].name.ptr,
                     suffix);
    iso_sv_disk_read(disk, ISO_SV_AREA_SNAPSHOTS, name);
    disk->digest = true;
    iso_sv_disk_run(disk, after, from);
    return ISO_OK;
}

static void state_read(struct iso_sv_disk *disk)
{
    struct from_disk *from = disk->ctx;
    struct iso_sv_change *change = from->change;
    struct iso_sv_generation_state *g = change->subject;
    struct iso_sv_move *move =
        iso_sv_record_move(&change->app->record, g->document->components[from->index].name);
    struct snapshot snapshot = {.ahead = false};
    char calls[16];
    enum iso_err err = disk->err;
    change->report = disk->report;
    if (err == ISO_OK && (move == NULL || strcmp(move->digest, disk->hex) != 0)) {
        err = damaged(&change->report);
    }
    if (err == ISO_OK) {
        from->bytes = disk->read;
        from->len = disk->read_len;
        disk->read = NULL;
        disk->read_len = 0;
        err = read_snapshot(iso_bytes_from(from->bytes, from->len), &snapshot, &change->report);
    }
    if (err == ISO_OK && !has_ahead(&g->made[from->index], &snapshot)) {
        (void)iso_format(calls, sizeof calls, "%s-calls", from->suffix);
        err = read_file(from, calls, ahead_read);
        if (err == ISO_OK) {
            return;
        }
    }
    loaded(from, err);
}

void iso_sv_move_load(struct iso_sv_change *change, uint32_t index, const char *suffix,
                      void (*done)(struct iso_sv_change *change))
{
    struct iso_sv_deployments *deployments = change->app->deployments;
    struct from_disk *from = iso_alloc_new(deployments->alloc, sizeof *from);
    if (from == NULL) {
        change->err = ISO_E_NOMEM;
        done(change);
        return;
    }
    *from = (struct from_disk){.change = change, .index = index, .suffix = suffix, .done = done};
    enum iso_err err = read_file(from, suffix, state_read);
    if (err != ISO_OK) {
        loaded(from, err);
    }
}

/* ---- Hold ---------------------------------------------------------------------------------------
 */

void iso_sv_move_give_up(struct iso_sv_change *change, enum iso_err err, const char *text)
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
        iso_sv_move_give_up(change, disk->err, disk->report.text);
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
        iso_sv_move_give_up(change, disk->err, disk->report.text);
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
        iso_sv_move_give_up(change, move != NULL ? ISO_E_NOMEM : ISO_E_LIMIT,
                            move != NULL ? "not enough memory"
                                         : "too many components are being moved");
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

bool iso_sv_move_awaited(struct iso_sv_change *change, uint32_t *index)
{
    const struct iso_sv_generation_state *g = change->app->prepared;
    uint32_t i = g != NULL
                     ? iso_sv_document_component(g->document, iso_str_from_z(change->component))
                     : ISO_SV_HERE;
    if (i == ISO_SV_HERE || g->made[i].kept || !g->document->components[i].from_snapshot) {
        iso_sv_change_fail(change, ISO_E_STATE,
                           "no prepared generation waits for a snapshot of '%s'",
                           change->component);
        return false;
    }
    *index = i;
    return true;
}

void iso_sv_change_hold(struct iso_sv_change *change)
{
    struct iso_sv_app *app = change->app;
    const struct iso_sv_move *move = move_of(change);
    uint32_t i = 0;
    char name[2 * ISO_NAME_MAX + 16];
    if (move != NULL && move->state == ISO_SV_MOVE_HELD) {
        run_hold(change, NULL, compared);
        return;
    }
    if (!iso_sv_move_awaited(change, &i)) {
        return;
    }
    enum iso_err err =
        load(app->prepared, i, iso_bytes_from(change->bytes, change->len), &change->report);
    if (err == ISO_E_STATE) {
        change->err = err;
        iso_sv_change_end(change);
        return;
    }
    if (err != ISO_OK) {
        bool ours = err == ISO_E_NOMEM || err == ISO_E_LIMIT;
        char text[sizeof change->report.text];
        (void)iso_format(text, sizeof text, "%s", iso_report_text(&change->report, err));
        iso_sv_move_give_up(change, ours ? err : ISO_E_SNAPSHOT, text);
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
    change->app->committed->made[i].ahead = false; /* it came; nothing has gone yet */
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
    iso_sv_ahead_sweep(disk, change->app, change->component, "target");
    iso_sv_disk_run(disk, owned, change);
}
