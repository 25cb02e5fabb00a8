/* The functions by which others ask for changes: arguments are checked, the change is queued. */
#include "supervisor/deployment_internal.h"

/* A change that ends with an error on the next turn, or any change of an application that is not
 * there. */
static struct iso_sv_change *create(struct iso_sv_deployments *deployments, struct iso_sv_app *app,
                                    enum iso_sv_change_kind kind, iso_sv_deployed_fn done,
                                    iso_sv_snapshot_fn fetched, void *ctx)
{
    struct iso_sv_change *change =
        iso_sv_change_create(app != NULL ? app : deployments->limbo, kind);
    if (change == NULL) {
        struct iso_report report;
        iso_report_init(&report);
        iso_report_set(&report, "not enough memory");
        if (fetched != NULL) {
            fetched(ctx, ISO_E_NOMEM, NULL, 0, &report);
        } else {
            done(ctx, ISO_E_NOMEM, &report);
        }
        return NULL;
    }
    change->done = done;
    change->fetched = fetched;
    change->ctx = ctx;
    if (app != NULL && app->queued >= ISO_SV_CHANGES_MAX) {
        change->app = deployments->limbo;
        change->err = ISO_E_REFUSED;
        iso_report_set(&change->report, "%d changes of this application are waiting; try again",
                       ISO_SV_CHANGES_MAX);
    }
    return change;
}

static void set_error(struct iso_sv_change *change, enum iso_err err, const char *text)
{
    if (change->err == ISO_OK) {
        change->app = change->app->deployments->limbo;
        change->err = err;
        iso_report_set(&change->report, "%s", text);
    }
}

/* A change of an application that must be there. */
static struct iso_sv_change *create_known(struct iso_sv_deployments *deployments,
                                          struct iso_str name, enum iso_sv_change_kind kind,
                                          iso_sv_deployed_fn done, iso_sv_snapshot_fn fetched,
                                          void *ctx)
{
    struct iso_sv_app *app = iso_sv_app_find(deployments, name);
    struct iso_sv_change *change = create(deployments, app, kind, done, fetched, ctx);
    if (change != NULL && app == NULL) {
        set_error(change, ISO_E_NOT_FOUND, "there is no such application on this device");
    }
    return change;
}

/* ---- Generations --------------------------------------------------------------------------------
 */

static void put(struct iso_sv_deployments *deployments, struct iso_str name, uint64_t generation,
                struct iso_bytes text, enum iso_sv_change_kind kind, iso_sv_deployed_fn done,
                void *ctx)
{
    struct iso_sv_document *document = NULL;
    struct iso_report report;
    iso_report_init(&report);
    enum iso_err err = iso_sv_document_parse(deployments->alloc, text, &document, &report);
    if (err == ISO_OK && !iso_str_equal(document->app, name)) {
        err = ISO_E_INVALID;
        iso_report_set(&report, "/app: the document is of '%s', but the path names another",
                       document->app.ptr);
    }
    if (err == ISO_OK && generation != 0 && document->generation != generation) {
        err = ISO_E_INVALID;
        iso_report_set(&report, "/generation: the document is of %llu, but the path names %llu",
                       (unsigned long long)document->generation, (unsigned long long)generation);
    }
    struct iso_sv_app *app = err == ISO_OK ? iso_sv_app_get(deployments, name) : NULL;
    if (err == ISO_OK && app == NULL) {
        err = ISO_E_NOMEM;
    }
    struct iso_sv_change *change = create(deployments, app, kind, done, NULL, ctx);
    if (change == NULL) {
        iso_sv_document_destroy(document);
        return;
    }
    change->document = document;
    if (err != ISO_OK) {
        set_error(change, err, iso_report_text(&report, err));
    }
    iso_sv_change_add(change);
}

void iso_sv_deployments_put(struct iso_sv_deployments *deployments, struct iso_str app,
                            struct iso_bytes text, iso_sv_deployed_fn done, void *ctx)
{
    put(deployments, app, 0, text, ISO_SV_CHANGE_PUT, done, ctx);
}

void iso_sv_deployments_prepare(struct iso_sv_deployments *deployments, struct iso_str app,
                                uint64_t generation, struct iso_bytes text, iso_sv_deployed_fn done,
                                void *ctx)
{
    put(deployments, app, generation, text, ISO_SV_CHANGE_PREPARE, done, ctx);
}

static void number(struct iso_sv_deployments *deployments, struct iso_str app, uint64_t generation,
                   enum iso_sv_change_kind kind, iso_sv_deployed_fn done, void *ctx)
{
    struct iso_sv_change *change = create_known(deployments, app, kind, done, NULL, ctx);
    if (change != NULL) {
        change->generation = generation;
        iso_sv_change_add(change);
    }
}

void iso_sv_deployments_commit(struct iso_sv_deployments *deployments, struct iso_str app,
                               uint64_t generation, iso_sv_deployed_fn done, void *ctx)
{
    number(deployments, app, generation, ISO_SV_CHANGE_COMMIT, done, ctx);
}

void iso_sv_deployments_abort(struct iso_sv_deployments *deployments, struct iso_str app,
                              uint64_t generation, iso_sv_deployed_fn done, void *ctx)
{
    number(deployments, app, generation, ISO_SV_CHANGE_ABORT, done, ctx);
}

void iso_sv_deployments_delete(struct iso_sv_deployments *deployments, struct iso_str app,
                               uint64_t generation, bool forget, iso_sv_deployed_fn done, void *ctx)
{
    struct iso_sv_app *known = iso_sv_app_find(deployments, app);
    struct iso_sv_change *change =
        create(deployments, known, ISO_SV_CHANGE_DELETE, done, NULL, ctx);
    if (change != NULL) {
        /* In limbo there is nothing to remove, which is what was asked for. */
        change->generation = generation;
        change->forget = known != NULL && forget;
        iso_sv_change_add(change);
    }
}

/* ---- Moving -------------------------------------------------------------------------------------
 */

static struct iso_sv_change *move(struct iso_sv_deployments *deployments, struct iso_str app,
                                  struct iso_str component, enum iso_sv_change_kind kind,
                                  iso_sv_deployed_fn done, iso_sv_snapshot_fn fetched, void *ctx)
{
    struct iso_sv_change *change = create_known(deployments, app, kind, done, fetched, ctx);
    if (change == NULL) {
        return NULL;
    }
    if (iso_name_check(component)) {
        iso_memory_copy(change->component, component.ptr, component.len);
    } else {
        set_error(change, ISO_E_NOT_FOUND, "there is no such component on this device");
    }
    return change;
}

/* One that gives bytes. */
static void get(struct iso_sv_deployments *deployments, struct iso_str app,
                struct iso_str component, enum iso_sv_change_kind kind, uint64_t epoch,
                iso_sv_snapshot_fn done, void *ctx)
{
    struct iso_sv_change *change = move(deployments, app, component, kind, NULL, done, ctx);
    if (change != NULL) {
        change->generation = epoch;
        iso_sv_change_add(change);
    }
}

void iso_sv_deployments_ahead_get(struct iso_sv_deployments *deployments, struct iso_str app,
                                  struct iso_str component, iso_sv_snapshot_fn done, void *ctx)
{
    get(deployments, app, component, ISO_SV_CHANGE_AHEAD_GET, 0, done, ctx);
}

void iso_sv_deployments_freeze_and_get(struct iso_sv_deployments *deployments, struct iso_str app,
                                       struct iso_str component, uint64_t epoch,
                                       iso_sv_snapshot_fn done, void *ctx)
{
    get(deployments, app, component, ISO_SV_CHANGE_FREEZE, epoch, done, ctx);
}

void iso_sv_deployments_snapshot_get(struct iso_sv_deployments *deployments, struct iso_str app,
                                     struct iso_str component, iso_sv_snapshot_fn done, void *ctx)
{
    get(deployments, app, component, ISO_SV_CHANGE_FETCH, 0, done, ctx);
}

/* One that takes bytes. */
static void give(struct iso_sv_deployments *deployments, struct iso_str app,
                 struct iso_str component, enum iso_sv_change_kind kind, uint8_t *bytes, size_t len,
                 iso_sv_deployed_fn done, void *ctx)
{
    struct iso_sv_change *change = move(deployments, app, component, kind, done, NULL, ctx);
    if (change == NULL) {
        iso_alloc_free(deployments->alloc, bytes, len);
        return;
    }
    change->bytes = bytes;
    change->len = len;
    if (len > ISO_SV_SNAPSHOT_BYTES_MAX) {
        set_error(change, ISO_E_LIMIT, "a snapshot has at most 512 MiB");
    }
    iso_sv_change_add(change);
}

void iso_sv_deployments_ahead_put(struct iso_sv_deployments *deployments, struct iso_str app,
                                  struct iso_str component, uint8_t *bytes, size_t len,
                                  iso_sv_deployed_fn done, void *ctx)
{
    give(deployments, app, component, ISO_SV_CHANGE_AHEAD_PUT, bytes, len, done, ctx);
}

void iso_sv_deployments_snapshot_put(struct iso_sv_deployments *deployments, struct iso_str app,
                                     struct iso_str component, uint8_t *bytes, size_t len,
                                     iso_sv_deployed_fn done, void *ctx)
{
    give(deployments, app, component, ISO_SV_CHANGE_HOLD, bytes, len, done, ctx);
}

static void with_epoch(struct iso_sv_deployments *deployments, struct iso_str app,
                       struct iso_str component, enum iso_sv_change_kind kind, uint64_t epoch,
                       iso_sv_deployed_fn done, void *ctx)
{
    struct iso_sv_change *change = move(deployments, app, component, kind, done, NULL, ctx);
    if (change != NULL) {
        change->generation = epoch;
        iso_sv_change_add(change);
    }
}

void iso_sv_deployments_freeze(struct iso_sv_deployments *deployments, struct iso_str app,
                               struct iso_str component, uint64_t epoch, iso_sv_deployed_fn done,
                               void *ctx)
{
    with_epoch(deployments, app, component, ISO_SV_CHANGE_FREEZE, epoch, done, ctx);
}

void iso_sv_deployments_own(struct iso_sv_deployments *deployments, struct iso_str app,
                            struct iso_str component, uint64_t epoch, iso_sv_deployed_fn done,
                            void *ctx)
{
    with_epoch(deployments, app, component, ISO_SV_CHANGE_OWN, epoch, done, ctx);
}

void iso_sv_deployments_release(struct iso_sv_deployments *deployments, struct iso_str app,
                                struct iso_str component, uint64_t epoch, struct iso_str to,
                                iso_sv_deployed_fn done, void *ctx)
{
    struct iso_sv_change *change =
        move(deployments, app, component, ISO_SV_CHANGE_RELEASE, done, NULL, ctx);
    if (change == NULL) {
        return;
    }
    change->generation = epoch;
    if (iso_name_check(to) && epoch <= ISO_SV_DOC_NUMBER_MAX) {
        iso_memory_copy(change->to, to.ptr, to.len);
    } else {
        set_error(change, ISO_E_INVALID, "expected {\"epoch\": NUMBER, \"to\": \"PEER\"}");
    }
    iso_sv_change_add(change);
}

void iso_sv_deployments_move_abort(struct iso_sv_deployments *deployments, struct iso_str app,
                                   struct iso_str component, iso_sv_deployed_fn done, void *ctx)
{
    struct iso_sv_change *change =
        move(deployments, app, component, ISO_SV_CHANGE_MOVE_ABORT, done, NULL, ctx);
    if (change != NULL) {
        iso_sv_change_add(change);
    }
}
