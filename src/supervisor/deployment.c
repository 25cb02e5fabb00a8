/* The manager of deployments: applications, their queues of changes, deadlines, begin and stop. */
#include "supervisor/deployment_internal.h"

#include <stdarg.h>

/* ---- Applications -------------------------------------------------------------------------------
 */

struct iso_sv_app *iso_sv_app_find(const struct iso_sv_deployments *deployments,
                                   struct iso_str name)
{
    struct iso_sv_app *app = deployments->apps;
    while (app != NULL && !iso_str_equal_z(name, app->name)) {
        app = app->next;
    }
    return app;
}

struct iso_sv_app *iso_sv_app_get(struct iso_sv_deployments *deployments, struct iso_str name)
{
    struct iso_sv_app *app = iso_sv_app_find(deployments, name);
    if (app == NULL) {
        app = iso_alloc_new(deployments->alloc, sizeof *app);
        if (app != NULL) {
            app->deployments = deployments;
            memcpy(app->name, name.ptr, name.len);
            app->next = deployments->apps;
            deployments->apps = app;
        }
    }
    return app;
}

/* Whether there is nothing to know about an application. */
static bool app_empty(const struct iso_sv_app *app)
{
    return app->committed == NULL && app->prepared == NULL && app->stored == NULL &&
           app->stored_next == NULL && !app->on_disk && app->queue == NULL &&
           app->record.generation == 0 && app->record.epoch_count == 0;
}

void iso_sv_app_settle(struct iso_sv_app *app)
{
    struct iso_sv_deployments *deployments = app->deployments;
    struct iso_sv_app **link = &deployments->apps;
    if (app == deployments->limbo || !app_empty(app)) {
        return;
    }
    for (const struct iso_sv_generation_state *g = deployments->ending; g != NULL; g = g->next) {
        if (g->app == app) {
            return; /* its end comes here again */
        }
    }
    while (*link != app) {
        link = &(*link)->next;
    }
    *link = app->next;
    iso_alloc_free(deployments->alloc, app, sizeof *app);
}

const struct iso_sv_document *iso_sv_app_document(const struct iso_sv_app *app)
{
    return app->committed != NULL ? app->committed->document : app->stored;
}

uint64_t iso_sv_app_epoch(const struct iso_sv_app *app, struct iso_str component)
{
    const struct iso_sv_document *document = iso_sv_app_document(app);
    uint64_t epoch = iso_sv_record_epoch(&app->record, component);
    uint32_t i = document != NULL ? iso_sv_document_component(document, component) : ISO_SV_HERE;
    if (i != ISO_SV_HERE && document->components[i].epoch > epoch) {
        epoch = document->components[i].epoch;
    }
    return epoch;
}

bool iso_sv_app_any_held(const struct iso_sv_app *app, uint64_t generation)
{
    for (size_t i = 0; i < app->record.move_count; i++) {
        if (app->record.moves[i].state == ISO_SV_MOVE_HELD &&
            app->record.moves[i].generation == generation) {
            return true;
        }
    }
    return false;
}

uint64_t iso_sv_app_generation(const struct iso_sv_app *app)
{
    const struct iso_sv_document *document = iso_sv_app_document(app);
    uint64_t seen = app->record.generation;
    return document != NULL && document->generation > seen ? document->generation : seen;
}

struct iso_sv_component *iso_sv_app_component(const struct iso_sv_app *app, const char *component,
                                              uint32_t *index)
{
    const struct iso_sv_generation_state *g = app->committed;
    uint32_t i =
        g != NULL ? iso_sv_document_component(g->document, iso_str_from_z(component)) : ISO_SV_HERE;
    if (i == ISO_SV_HERE) {
        return NULL;
    }
    *index = i;
    return g->pub.components[i];
}

void iso_sv_app_changed(struct iso_sv_app *app, const char *component, const char *what,
                        const char *detail)
{
    struct iso_sv_deploy_hooks *hooks = &app->deployments->hooks;
    if (hooks->changed != NULL) {
        hooks->changed(hooks->ctx, iso_str_from_z(app->name), iso_str_from_z(component), what,
                       detail);
    }
}

/* ---- Changes ------------------------------------------------------------------------------------
 */

struct iso_sv_change *iso_sv_change_create(struct iso_sv_app *app, enum iso_sv_change_kind kind)
{
    struct iso_sv_change *change = iso_alloc_new(app->deployments->alloc, sizeof *change);
    if (change != NULL) {
        change->app = app;
        change->kind = kind;
    }
    return change;
}

void iso_sv_change_add(struct iso_sv_change *change)
{
    struct iso_sv_change **link = &change->app->queue;
    while (*link != NULL) {
        link = &(*link)->next;
    }
    *link = change;
    change->app->queued++;
    iso_sv_deployments_kick(change->app->deployments);
}

static void change_free(struct iso_sv_change *change)
{
    const struct iso_alloc *alloc = change->app->deployments->alloc;
    iso_sv_document_destroy(change->document);
    iso_alloc_free(alloc, change->bytes, change->len);
    iso_alloc_free(alloc, change, sizeof *change);
}

/* Tell whoever asked. */
static void change_tell(struct iso_sv_change *change)
{
    if (change->fetched != NULL) {
        bool right = change->err == ISO_OK;
        change->fetched(change->ctx, change->err, right ? change->bytes : NULL,
                        right ? change->len : 0, &change->report);
        if (right) {
            change->bytes = NULL; /* the receiver's */
            change->len = 0;
        }
    } else if (change->done != NULL) {
        change->done(change->ctx, change->err, &change->report);
    }
}

static bool is_restore(const struct iso_sv_change *change)
{
    return change->kind == ISO_SV_CHANGE_RESTORE || change->kind == ISO_SV_CHANGE_RESTORE_NEXT;
}

void iso_sv_change_end(struct iso_sv_change *change)
{
    struct iso_sv_app *app = change->app;
    struct iso_sv_deployments *deployments = app->deployments;
    ISO_ASSERT(app->busy && app->queue == change);
    change_tell(change);
    bool restore = is_restore(change);
    app->queue = change->next;
    app->queued--;
    app->busy = false;
    change_free(change);
    iso_sv_app_settle(app);
    if (restore && --deployments->restores == 0 && deployments->ready != NULL) {
        deployments->ready(deployments->ready_ctx);
    }
    iso_sv_deployments_set_timer(deployments);
    iso_sv_deployments_kick(deployments);
    iso_sv_deployments_check_stop(deployments);
}

void iso_sv_change_fail(struct iso_sv_change *change, enum iso_err err, const char *format, ...)
{
    char text[sizeof change->report.text];
    va_list args;
    va_start(args, format);
    iso_format_v(text, sizeof text, format, args);
    va_end(args);
    change->err = err;
    iso_report_set(&change->report, "%s", text);
    iso_sv_change_end(change);
}

static void change_begin(struct iso_sv_change *change)
{
    static void (*const begin[ISO_SV_CHANGE_KINDS])(struct iso_sv_change *) = {
        [ISO_SV_CHANGE_PUT] = iso_sv_change_prepare,
        [ISO_SV_CHANGE_PREPARE] = iso_sv_change_prepare,
        [ISO_SV_CHANGE_COMMIT] = iso_sv_change_commit,
        [ISO_SV_CHANGE_ABORT] = iso_sv_change_abort,
        [ISO_SV_CHANGE_EXPIRE] = iso_sv_change_abort,
        [ISO_SV_CHANGE_DELETE] = iso_sv_change_delete,
        [ISO_SV_CHANGE_RESTORE] = iso_sv_change_restore,
        [ISO_SV_CHANGE_RESTORE_NEXT] = iso_sv_change_restore_next,
        [ISO_SV_CHANGE_AHEAD_GET] = iso_sv_change_ahead_get,
        [ISO_SV_CHANGE_AHEAD_PUT] = iso_sv_change_ahead_put,
        [ISO_SV_CHANGE_FREEZE] = iso_sv_change_freeze,
        [ISO_SV_CHANGE_THAW] = iso_sv_change_thaw,
        [ISO_SV_CHANGE_FETCH] = iso_sv_change_fetch,
        [ISO_SV_CHANGE_HOLD] = iso_sv_change_hold,
        [ISO_SV_CHANGE_OWN] = iso_sv_change_own,
        [ISO_SV_CHANGE_RELEASE] = iso_sv_change_release,
        [ISO_SV_CHANGE_MOVE_ABORT] = iso_sv_change_move_abort,
    };
    change->app->busy = true;
    if (change->err != ISO_OK) {
        iso_sv_change_end(change);
    } else if (change->app->deployments->stopping) {
        iso_sv_change_fail(change, ISO_E_REFUSED, "the supervisor is stopping");
    } else {
        begin[change->kind](change);
    }
}

/* An application whose first change can begin. */
static struct iso_sv_app *waiting_app(const struct iso_sv_deployments *deployments)
{
    struct iso_sv_app *app = deployments->limbo;
    if (app->queue != NULL && !app->busy) {
        return app;
    }
    for (app = deployments->apps; app != NULL; app = app->next) {
        if (app->queue != NULL && !app->busy && deployments->begun) {
            return app;
        }
    }
    return NULL;
}

static void kicked(uv_idle_t *idle)
{
    struct iso_sv_deployments *deployments = idle->data;
    struct iso_sv_app *app = waiting_app(deployments);
    if (app == NULL) {
        (void)uv_idle_stop(idle);
        return;
    }
    change_begin(app->queue); /* one a turn: others want the loop too */
}

void iso_sv_deployments_kick(struct iso_sv_deployments *deployments)
{
    if (waiting_app(deployments) != NULL && !uv_is_closing((uv_handle_t *)&deployments->kick)) {
        (void)uv_idle_start(&deployments->kick, kicked);
    }
}

/* ---- Deadlines ----------------------------------------------------------------------------------
 */

static void add_late(struct iso_sv_app *app, enum iso_sv_change_kind kind, const char *component)
{
    struct iso_sv_change *change = iso_sv_change_create(app, kind);
    if (change != NULL) {
        memcpy(change->component, component, strlen(component) + 1);
        change->generation = app->prepared != NULL ? app->prepared->document->generation : 0;
        iso_sv_change_add(change);
    }
}

static void timer_due(uv_timer_t *timer)
{
    struct iso_sv_deployments *deployments = timer->data;
    uint64_t now = uv_now(deployments->loop);
    for (struct iso_sv_app *app = deployments->apps; app != NULL; app = app->next) {
        if (app->prepared != NULL && app->prepared->deadline_ms != 0 &&
            app->prepared->deadline_ms <= now) {
            app->prepared->deadline_ms = 0;
            add_late(app, ISO_SV_CHANGE_EXPIRE, "");
        }
        for (size_t i = 0; i < app->record.move_count; i++) {
            struct iso_sv_move *move = &app->record.moves[i];
            if (move->deadline_ms != 0 && move->deadline_ms <= now) {
                move->deadline_ms = 0;
                add_late(app, ISO_SV_CHANGE_THAW, move->component);
            }
        }
    }
    iso_sv_deployments_set_timer(deployments);
}

void iso_sv_deployments_set_timer(struct iso_sv_deployments *deployments)
{
    uint64_t earliest = UINT64_MAX, now = uv_now(deployments->loop);
    for (const struct iso_sv_app *app = deployments->apps; app != NULL; app = app->next) {
        uint64_t at = app->prepared != NULL ? app->prepared->deadline_ms : 0;
        earliest = at != 0 && at < earliest ? at : earliest;
        for (size_t i = 0; i < app->record.move_count; i++) {
            at = app->record.moves[i].deadline_ms;
            earliest = at != 0 && at < earliest ? at : earliest;
        }
    }
    if (uv_is_closing((uv_handle_t *)&deployments->timer)) {
        return;
    }
    if (earliest == UINT64_MAX || deployments->stopping) {
        (void)uv_timer_stop(&deployments->timer);
    } else {
        (void)uv_timer_start(&deployments->timer, timer_due, earliest > now ? earliest - now : 0,
                             0);
    }
}

/* ---- Creation and begin -------------------------------------------------------------------------
 */

static enum iso_err open_areas(struct iso_sv_deployments *deployments, const char *dir,
                               struct iso_report *report)
{
    static const char *const names[] = {"deployments", "snapshots", "storage"};
    for (size_t i = 0; i < ISO_COUNT_OF(names); i++) {
        if (strlen(dir) > ISO_STATE_DIR_MAX ||
            !iso_path_join(deployments->areas[i], dir, names[i])) {
            return iso_fail(report, ISO_E_ARGUMENT,
                            "the path of the state directory is too long; at most %d bytes",
                            ISO_STATE_DIR_MAX);
        }
        enum iso_err err = iso_dir_make(deployments->areas[i], report);
        if (err != ISO_OK) {
            return err;
        }
    }
    return ISO_OK;
}

static void free_app(struct iso_sv_app *app)
{
    const struct iso_alloc *alloc = app->deployments->alloc;
    iso_sv_document_destroy(app->stored);
    iso_sv_document_destroy(app->stored_next);
    iso_alloc_free(alloc, app, sizeof *app);
}

static void free_all(struct iso_sv_deployments *deployments)
{
    const struct iso_alloc *alloc = deployments->alloc;
    while (deployments->apps != NULL) {
        struct iso_sv_app *app = deployments->apps;
        deployments->apps = app->next;
        free_app(app);
    }
    iso_alloc_free(alloc, deployments->limbo,
                   deployments->limbo != NULL ? sizeof *deployments->limbo : 0);
    iso_alloc_free(alloc, deployments, sizeof *deployments);
}

enum iso_err iso_sv_deployments_create(const struct iso_sv_deployments_config *config,
                                       struct iso_sv_deployments **out, struct iso_report *report)
{
    struct iso_sv_deployments *d = iso_alloc_new(config->alloc, sizeof *d);
    if (d == NULL) {
        return iso_fail(report, ISO_E_NOMEM, "not enough memory for deployments");
    }
    d->loop = config->loop;
    d->alloc = config->alloc;
    d->core = config->core;
    d->modules = config->modules;
    d->prepared_ms = config->prepared_ms != 0 ? config->prepared_ms : 60000;
    d->frozen_ms = config->frozen_ms != 0 ? config->frozen_ms : 60000;
    d->fault = config->fault;
    d->fault_ctx = config->fault_ctx;
    d->allow = config->allow;
    d->allow_ctx = config->allow_ctx;
    if (config->hooks != NULL) {
        d->hooks = *config->hooks;
    }
    d->limbo = iso_alloc_new(d->alloc, sizeof *d->limbo);
    enum iso_err err = d->limbo != NULL ? open_areas(d, config->dir, report) : ISO_E_NOMEM;
    if (err == ISO_OK) {
        d->limbo->deployments = d;
        err = iso_sv_restore_scan(d, report);
    }
    if (err != ISO_OK) {
        free_all(d);
        return err;
    }
    (void)uv_idle_init(d->loop, &d->kick);
    (void)uv_timer_init(d->loop, &d->timer);
    d->kick.data = d;
    d->timer.data = d;
    d->handles = 2;
    *out = d;
    return ISO_OK;
}

static void add_restore(struct iso_sv_app *app, enum iso_sv_change_kind kind)
{
    struct iso_sv_change *change = iso_sv_change_create(app, kind);
    if (change == NULL) {
        memcpy(app->trouble, "not enough memory", sizeof "not enough memory");
        return;
    }
    change->next = app->queue; /* before what has been asked for meanwhile */
    app->queue = change;
    app->queued++;
    app->deployments->restores++;
}

void iso_sv_deployments_begin(struct iso_sv_deployments *deployments, void (*ready)(void *ctx),
                              void *ctx)
{
    deployments->begun = true;
    deployments->ready = ready;
    deployments->ready_ctx = ctx;
    for (struct iso_sv_app *app = deployments->apps; app != NULL; app = app->next) {
        if (app->stored_next != NULL) {
            add_restore(app, ISO_SV_CHANGE_RESTORE_NEXT);
        }
        if (app->stored != NULL) {
            add_restore(app, ISO_SV_CHANGE_RESTORE);
        }
    }
    if (deployments->restores == 0) {
        /* ready comes later all the same: by a change that has nothing to do. */
        add_restore(deployments->limbo, ISO_SV_CHANGE_RESTORE);
    }
    iso_sv_deployments_kick(deployments);
}

void iso_sv_deployments_module_arrived(struct iso_sv_deployments *deployments)
{
    for (struct iso_sv_app *app = deployments->apps; app != NULL; app = app->next) {
        if (app->stored != NULL && app->committed == NULL && app->queue == NULL) {
            add_restore(app, ISO_SV_CHANGE_RESTORE);
        }
    }
    iso_sv_deployments_kick(deployments);
}

/* ---- Stop ---------------------------------------------------------------------------------------
 */

static void handle_closed(uv_handle_t *handle)
{
    struct iso_sv_deployments *deployments = handle->data;
    deployments->handles--;
    if (deployments->handles == 0) {
        void (*stopped)(void *ctx) = deployments->stopped;
        void *ctx = deployments->stopped_ctx;
        free_all(deployments);
        stopped(ctx);
    }
}

void iso_sv_deployments_check_stop(struct iso_sv_deployments *deployments)
{
    if (!deployments->stopping || uv_is_closing((uv_handle_t *)&deployments->kick) ||
        deployments->limbo->queue != NULL) {
        return;
    }
    for (struct iso_sv_app *app = deployments->apps; app != NULL; app = app->next) {
        if (app->queue != NULL) {
            return; /* changes end first */
        }
    }
    for (struct iso_sv_app *app = deployments->apps; app != NULL; app = app->next) {
        struct iso_sv_generation_state *committed = app->committed, *prepared = app->prepared;
        app->committed = NULL;
        app->prepared = NULL;
        if (prepared != NULL) {
            iso_sv_generation_drop(prepared);
        }
        if (committed != NULL) {
            if (deployments->hooks.stop != NULL) {
                deployments->hooks.stop(deployments->hooks.ctx, &committed->pub);
            }
            iso_sv_generation_end(committed, deployments->stop_drain_ns);
            return; /* its end comes here again */
        }
    }
    if (deployments->ending == NULL && deployments->jobs == 0) {
        uv_close((uv_handle_t *)&deployments->kick, handle_closed);
        uv_close((uv_handle_t *)&deployments->timer, handle_closed);
    }
}

void iso_sv_deployments_stop(struct iso_sv_deployments *deployments, uint64_t drain_ns,
                             void (*stopped)(void *ctx), void *ctx)
{
    deployments->stopping = true;
    deployments->begun = true; /* what waited for begin ends as REFUSED */
    deployments->stop_drain_ns = drain_ns;
    deployments->stopped = stopped;
    deployments->stopped_ctx = ctx;
    iso_sv_deployments_set_timer(deployments);
    iso_sv_deployments_kick(deployments);
    iso_sv_deployments_check_stop(deployments);
}
