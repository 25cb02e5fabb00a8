/* From one generation to the next in memory, after the disk has it: kept components get their new
 * links, new ones start, those that went drain and are destroyed. */
#include "supervisor/deployment_internal.h"

/* ---- The end of a generation --------------------------------------------------------------------
 */

static bool named_now(const struct iso_sv_app *app, struct iso_str component)
{
    const struct iso_sv_document *document = iso_sv_app_document(app);
    bool named = document != NULL && iso_sv_document_component(document, component) != ISO_SV_HERE;
    return named || (app->prepared != NULL &&
                     iso_sv_document_component(app->prepared->document, component) != ISO_SV_HERE);
}

static void remove_storage(const struct iso_sv_generation_state *g)
{
    struct iso_sv_deployments *deployments = g->app->deployments;
    if (deployments->stopping || iso_sv_app_document(g->app) == NULL) {
        return; /* nothing on disk changes; what was deleted is removed as a whole */
    }
    for (size_t i = 0; i < g->document->component_count; i++) {
        char name[2 * ISO_NAME_MAX + 2];
        struct iso_str component = g->document->components[i].name;
        struct iso_sv_disk *disk =
            named_now(g->app, component) ? NULL : iso_sv_disk_create(deployments);
        if (disk != NULL) {
            (void)iso_format(name, sizeof name, "%s/%s", g->app->name, component.ptr);
            iso_sv_disk_tree(disk, name);
            iso_sv_disk_run(disk, NULL, NULL);
        }
    }
}

static void ended(struct iso_sv_generation_state *g)
{
    struct iso_sv_deployments *deployments = g->app->deployments;
    struct iso_sv_deploy_hooks *hooks = &deployments->hooks;
    struct iso_sv_generation_state **link = &deployments->ending;
    while (*link != g) {
        link = &(*link)->next;
    }
    *link = g->next;
    if (g->opened && hooks->close != NULL) {
        hooks->close(hooks->ctx, &g->pub);
    }
    remove_storage(g);
    struct iso_sv_app *app = g->app;
    struct iso_sv_change *change = g->change;
    void (*tell)(struct iso_sv_change * change) = g->ended;
    iso_sv_generation_free(g);
    if (tell != NULL) {
        tell(change);
    } else {
        iso_sv_app_settle(app);
    }
    iso_sv_deployments_check_stop(deployments);
}

void iso_sv_generation_gone(struct iso_sv_generation_state *g, struct iso_sv_component *component)
{
    for (size_t i = 0; i < g->document->component_count; i++) {
        if (g->pub.components[i] == component) {
            g->pub.components[i] = NULL;
        }
    }
    iso_sv_component_destroy(component);
    g->waiting--;
    if (g->waiting == 0) {
        ended(g);
    }
}

static void component_gone(void *ctx, struct iso_sv_component *component)
{
    iso_sv_generation_gone(ctx, component);
}

void iso_sv_generation_end(struct iso_sv_generation_state *g, uint64_t drain_ns)
{
    struct iso_sv_deployments *deployments = g->app->deployments;
    g->pub.stage = ISO_SV_STAGE_ENDING;
    g->next = deployments->ending;
    deployments->ending = g;
    g->waiting++; /* for this function; relays may be counted already */
    for (size_t i = 0; i < g->document->component_count; i++) {
        struct iso_sv_component *component = g->pub.components[i];
        enum iso_sv_state state =
            component != NULL ? iso_sv_component_state(component) : ISO_SV_STOPPED;
        if (component != NULL && (state == ISO_SV_RUNNING || state == ISO_SV_FAILED)) {
            g->waiting++;
            iso_sv_component_stop(component, drain_ns, component_gone, g);
        } else if (component != NULL && !g->made[i].relaying) {
            iso_sv_component_destroy(component);
            g->pub.components[i] = NULL;
        }
    }
    /* One that is being relayed stays until that is over: deployment_move.c. */
    g->waiting--;
    if (g->waiting == 0) {
        ended(g);
    }
}

/* ---- The switch ---------------------------------------------------------------------------------
 */

static void keep(struct iso_sv_generation_state *g, struct iso_sv_generation_state *before,
                 uint32_t i)
{
    const struct iso_sv_doc_component *component = &g->document->components[i];
    uint32_t k = iso_sv_document_component(before->document, component->name);
    before->pub.components[k] = NULL;
    g->made[i].kept = false; /* it is this generation's now */
    for (size_t link = 0; link < component->link_count; link++) {
        /* The interfaces are the same ones, so that nothing can be missing. */
        enum iso_err err = iso_sv_component_relink(g->pub.components[i], &g->made[i].links[link]);
        if (err != ISO_OK) {
            iso_sv_app_changed(g->app, component->name.ptr, "failed", "a link was not replaced");
        }
    }
}

void iso_sv_generation_switch(struct iso_sv_generation_state *g)
{
    struct iso_sv_app *app = g->app;
    struct iso_sv_deploy_hooks *hooks = &app->deployments->hooks;
    struct iso_sv_generation_state *before = app->committed;
    if (before != NULL && hooks->stop != NULL) {
        hooks->stop(hooks->ctx, &before->pub);
    }
    app->committed = g;
    app->prepared = app->prepared == g ? NULL : app->prepared;
    g->pub.stage = ISO_SV_STAGE_COMMITTED;
    g->deadline_ms = 0;
    for (uint32_t i = 0; i < g->document->component_count; i++) {
        const struct iso_sv_doc_component *component = &g->document->components[i];
        if (g->made[i].kept) {
            keep(g, before, i);
        } else if (iso_sv_app_may_run(app, component)) {
            iso_sv_component_start(g->pub.components[i]);
        }
        iso_sv_program_unref(g->made[i].program);
        g->made[i].program = NULL;
    }
    if (hooks->start != NULL) {
        hooks->start(hooks->ctx, &g->pub, before != NULL ? &before->pub : NULL);
    }
    if (before != NULL) {
        iso_sv_generation_end(before, g->document->drain_ns);
    }
}
