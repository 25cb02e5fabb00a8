/* After a start: what is on disk is read, cleaned up, and begun again without anybody's help.
 * docs/deployment.md, "Restarts". */
#include "supervisor/deployment_internal.h"

#include <unistd.h>

#include "platform/platform.h"

static void trouble(struct iso_sv_app *app, const char *text)
{
    if (app->trouble[0] == '\0') {
        (void)iso_format(app->trouble, sizeof app->trouble, "%s", text);
    }
}

/* ---- Reading the directory ----------------------------------------------------------------------
 */

struct scan {
    struct iso_sv_deployments *deployments;
    enum iso_err err;
};

static struct iso_sv_document *read_document(struct iso_sv_app *app, const char *path,
                                             struct iso_report *report)
{
    struct iso_file file;
    struct iso_sv_document *document = NULL;
    if (iso_file_read(path, ISO_SV_DOC_BYTES_MAX, &file, report) != ISO_OK) {
        return NULL;
    }
    enum iso_err err =
        iso_sv_document_parse(app->deployments->alloc, file.bytes, &document, report);
    iso_file_fini(&file);
    if (err == ISO_OK && !iso_str_equal_z(document->app, app->name)) {
        iso_report_set(report, "the file is of another application");
        iso_sv_document_destroy(document);
        return NULL;
    }
    return err == ISO_OK ? document : NULL;
}

static void read_json(struct iso_sv_app *app, const char *path)
{
    struct iso_report report;
    iso_report_init(&report);
    app->on_disk = true;
    app->stored = read_document(app, path, &report);
    if (app->stored == NULL) {
        char text[640];
        (void)iso_format(text, sizeof text, "the stored document is damaged: %s", report.text);
        trouble(app, text);
    }
}

static void read_state(struct iso_sv_app *app, const char *path)
{
    struct iso_file file;
    struct iso_report report;
    iso_report_init(&report);
    enum iso_err err = iso_file_read(path, ISO_SV_DOC_BYTES_MAX, &file, &report);
    if (err == ISO_OK) {
        err = iso_sv_record_read(&app->record, file.bytes, &report);
        iso_file_fini(&file);
    }
    if (err != ISO_OK) {
        char text[640];
        (void)iso_format(text, sizeof text, "the stored epochs are damaged: %s", report.text);
        trouble(app, text);
    }
}

static void scan_file(void *ctx, const char *path, const char *name)
{
    struct scan *scan = ctx;
    const char *dot = strchr(name, '.');
    struct iso_str app_name = iso_str_from(name, dot != NULL ? (size_t)(dot - name) : 0);
    if (dot != NULL && strstr(dot, ".tmp") != NULL) {
        (void)unlink(path); /* a write that a crash cut short */
        return;
    }
    bool json = dot != NULL && strcmp(dot, ".json") == 0;
    bool state = dot != NULL && strcmp(dot, ".state") == 0;
    bool next = dot != NULL && strcmp(dot, ".next") == 0;
    if (!iso_name_check(app_name) || (!json && !state && !next)) {
        return;
    }
    struct iso_sv_app *app = iso_sv_app_get(scan->deployments, app_name);
    if (app == NULL) {
        scan->err = ISO_E_NOMEM;
    } else if (json) {
        read_json(app, path);
    } else if (state) {
        read_state(app, path);
    } else {
        app->stored_next = read_document(app, path, NULL);
    }
}

/* ---- Cleaning up --------------------------------------------------------------------------------
 */

/* "APP.COMPONENT.source" and "APP.COMPONENT.source-calls" of a move that is under way stay. */
static void clean_snapshot(void *ctx, const char *path, const char *name)
{
    const struct iso_sv_deployments *deployments = ctx;
    const char *first = strchr(name, '.');
    const char *second = first != NULL ? strchr(first + 1, '.') : NULL;
    bool wanted = false;
    if (second != NULL) {
        struct iso_sv_app *app =
            iso_sv_app_find(deployments, iso_str_from(name, (size_t)(first - name)));
        const struct iso_sv_move *move =
            app != NULL ? iso_sv_record_move(&app->record,
                                             iso_str_from(first + 1, (size_t)(second - first - 1)))
                        : NULL;
        bool source = strcmp(second, ".source") == 0 || strcmp(second, ".source-calls") == 0;
        bool target = strcmp(second, ".target") == 0 || strcmp(second, ".target-calls") == 0;
        wanted = (move != NULL && ((target && move->state == ISO_SV_MOVE_HELD) ||
                                   (source && (move->state == ISO_SV_MOVE_FROZEN ||
                                               move->state == ISO_SV_MOVE_SENT)))) ||
                 ((source || target) && app != NULL && app->trouble[0] != '\0');
    }
    if (!wanted) {
        (void)unlink(path);
    }
}

static bool names(const struct iso_sv_document *document, const char *component)
{
    return document != NULL &&
           iso_sv_document_component(document, iso_str_from_z(component)) != ISO_SV_HERE;
}

static void clean_component_storage(void *ctx, const char *path, const char *name)
{
    const struct iso_sv_app *app = ctx;
    if (!names(app->stored, name) && !names(app->stored_next, name)) {
        iso_tree_remove(path);
    }
}

static void clean_storage(void *ctx, const char *path, const char *name)
{
    const struct iso_sv_deployments *deployments = ctx;
    struct iso_sv_app *app = iso_sv_app_find(deployments, iso_str_from_z(name));
    if (app == NULL || (!app->on_disk && app->stored_next == NULL)) {
        iso_tree_remove(path);
    } else if (app->trouble[0] == '\0') {
        iso_dir_each(path, clean_component_storage, app);
    }
}

void iso_sv_apps_limit(struct iso_sv_deployments *deployments)
{
    size_t count = 0;
    for (struct iso_sv_app *app = deployments->apps; app != NULL;) {
        struct iso_sv_app *next = app->next;
        bool tombstone = !app->on_disk && app->stored_next == NULL && app->prepared == NULL &&
                         app->queue == NULL;
        count += tombstone ? 1 : 0;
        if (tombstone && count > ISO_SV_TOMBSTONES_MAX) { /* the list has the latest first */
            char name[2 * ISO_NAME_MAX + 16];
            iso_sv_disk_name(name, app, NULL, "state");
            if (iso_file_remove(deployments->areas[ISO_SV_AREA_DEPLOYMENTS], name, NULL) ==
                ISO_OK) {
                app->record = (struct iso_sv_record){.generation = 0};
                iso_sv_app_settle(app);
            }
        }
        app = next;
    }
}

enum iso_err iso_sv_restore_scan(struct iso_sv_deployments *deployments, struct iso_report *report)
{
    struct scan scan = {.deployments = deployments, .err = ISO_OK};
    iso_dir_each(deployments->areas[ISO_SV_AREA_DEPLOYMENTS], scan_file, &scan);
    if (scan.err != ISO_OK) {
        return iso_fail(report, scan.err, "not enough memory to read the deployments");
    }
    for (struct iso_sv_app *app = deployments->apps; app != NULL; app = app->next) {
        if (app->trouble[0] == '\0') {
            iso_sv_record_moves_limit(&app->record,
                                      app->stored != NULL ? app->stored->generation : 0,
                                      app->stored_next != NULL ? app->stored_next->generation : 0);
        }
    }
    iso_sv_apps_limit(deployments);
    iso_dir_each(deployments->areas[ISO_SV_AREA_SNAPSHOTS], clean_snapshot, deployments);
    iso_dir_each(deployments->areas[ISO_SV_AREA_STORAGE], clean_storage, deployments);
    return ISO_OK;
}

/* ---- Beginning again ----------------------------------------------------------------------------
 */

/* A generation of a stored document, which stays where it is until it runs. */
static struct iso_sv_generation_state *generation_of(struct iso_sv_change *change,
                                                     const struct iso_sv_document *stored)
{
    struct iso_sv_document *copy = NULL;
    enum iso_err err = iso_sv_document_parse(change->app->deployments->alloc, stored->text, &copy,
                                             &change->report);
    struct iso_sv_generation_state *g =
        err == ISO_OK ? iso_sv_generation_create(change->app, copy) : NULL;
    if (g == NULL) {
        iso_sv_document_destroy(copy);
        return NULL;
    }
    g->change = change;
    change->subject = g;
    return g;
}

static void in_trouble(struct iso_sv_change *change)
{
    struct iso_sv_app *app = change->app;
    const char *text = iso_report_text(&change->report, change->err);
    app->trouble[0] = '\0';
    trouble(app, text);
    iso_sv_app_changed(app, "", "failed", text);
    iso_sv_change_end(change);
}

/* The next component with a state that is held on disk, from `from` on; component_count: none. */
static uint32_t next_held(const struct iso_sv_change *change, uint32_t from)
{
    const struct iso_sv_generation_state *g = change->subject;
    uint32_t i = from;
    for (; i < g->document->component_count; i++) {
        const struct iso_sv_move *move =
            iso_sv_record_move(&change->app->record, g->document->components[i].name);
        if (move != NULL && move->state == ISO_SV_MOVE_HELD &&
            move->generation == g->document->generation && !g->made[i].loaded) {
            break;
        }
    }
    return i;
}

/* Frozen components that nobody has fetched have their time again. */
static void set_deadlines(struct iso_sv_app *app)
{
    for (size_t i = 0; i < app->record.move_count; i++) {
        if (app->record.moves[i].state == ISO_SV_MOVE_FROZEN) {
            app->record.moves[i].deadline_ms =
                uv_now(app->deployments->loop) + app->deployments->frozen_ms;
        }
    }
}

static void begin_again(struct iso_sv_change *change)
{
    struct iso_sv_app *app = change->app;
    struct iso_sv_generation_state *g = change->subject;
    if (change->kind == ISO_SV_CHANGE_RESTORE_NEXT) {
        iso_sv_document_destroy(app->stored_next);
        app->stored_next = NULL;
        g->durable = true;
        app->prepared = g; /* until the orchestrator says what becomes of it */
        iso_sv_app_changed(app, "", "prepared", "from disk");
    } else {
        iso_sv_generation_switch(g);
        iso_sv_document_destroy(app->stored);
        app->stored = NULL;
        app->trouble[0] = '\0';
        set_deadlines(app);
        iso_sv_app_changed(app, "", "committed", "from disk");
    }
    iso_sv_change_end(change);
}

static void load_held(struct iso_sv_change *change)
{
    struct iso_sv_generation_state *g = change->subject;
    if (change->err != ISO_OK) {
        iso_sv_generation_drop(g);
        in_trouble(change);
        return;
    }
    uint32_t i = next_held(change, 0);
    if (i < g->document->component_count) {
        iso_sv_move_load(change, i, "target", load_held);
    } else {
        begin_again(change);
    }
}

static void made(struct iso_sv_generation_state *g)
{
    struct iso_sv_change *change = g->change;
    if (g->err != ISO_OK) {
        change->err = g->err;
        change->report = g->report;
        iso_sv_generation_free(g);
        in_trouble(change);
        return;
    }
    load_held(change);
}

static void start(struct iso_sv_change *change, const struct iso_sv_document *stored)
{
    struct iso_sv_generation_state *g = generation_of(change, stored);
    if (g == NULL) {
        change->err = ISO_E_NOMEM;
        in_trouble(change);
        return;
    }
    iso_sv_generation_make(g, made);
}

void iso_sv_change_restore(struct iso_sv_change *change)
{
    struct iso_sv_app *app = change->app;
    bool damaged = app->trouble[0] != '\0' && strstr(app->trouble, "damaged") != NULL;
    if (app->stored == NULL || app->committed != NULL || damaged) {
        iso_sv_change_end(change);
        return;
    }
    start(change, app->stored);
}

static void next_removed(struct iso_sv_disk *disk)
{
    iso_sv_change_end(disk->ctx);
}

void iso_sv_change_restore_next(struct iso_sv_change *change)
{
    struct iso_sv_app *app = change->app;
    if (app->stored_next == NULL) {
        iso_sv_change_end(change);
        return;
    }
    if (iso_sv_app_any_held(app, app->stored_next->generation) &&
        app->stored_next->generation > iso_sv_app_generation(app)) {
        start(change, app->stored_next);
        return;
    }
    /* Nothing is held for it: it was prepared only, and that ended with the process. */
    char name[2 * ISO_NAME_MAX + 16];
    struct iso_sv_disk *disk = iso_sv_disk_create(app->deployments);
    iso_sv_document_destroy(app->stored_next);
    app->stored_next = NULL;
    if (disk == NULL) {
        iso_sv_change_end(change);
        return;
    }
    iso_sv_disk_name(name, app, NULL, "next");
    iso_sv_disk_remove(disk, "next-remove", ISO_SV_AREA_DEPLOYMENTS, name);
    iso_sv_disk_run(disk, next_removed, change);
}
