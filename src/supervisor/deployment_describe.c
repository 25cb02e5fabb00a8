/* Questions about deployments: docs/deployment.md, "GET /v1/deployments/{app}". */
#include "supervisor/deployment_internal.h"

#include "base/json_member.h"

struct iso_sv_component *iso_sv_deployments_find(const struct iso_sv_deployments *deployments,
                                                 struct iso_str app, struct iso_str component)
{
    const struct iso_sv_app *found = iso_sv_app_find(deployments, app);
    const struct iso_sv_generation_state *g = found != NULL ? found->committed : NULL;
    uint32_t i = g != NULL ? iso_sv_document_component(g->document, component) : ISO_SV_HERE;
    struct iso_sv_component *there = i != ISO_SV_HERE ? g->pub.components[i] : NULL;
    /* One that waits to be owned, or was frozen before a restart, does not run here. */
    return there != NULL && iso_sv_component_state(there) != ISO_SV_PREPARED ? there : NULL;
}

struct iso_sv_generation *iso_sv_deployments_committed(const struct iso_sv_deployments *deployments,
                                                       struct iso_str app)
{
    const struct iso_sv_app *found = iso_sv_app_find(deployments, app);
    return found != NULL && found->committed != NULL ? &found->committed->pub : NULL;
}

struct iso_sv_generation *iso_sv_deployments_prepared(const struct iso_sv_deployments *deployments,
                                                      struct iso_str app)
{
    const struct iso_sv_app *found = iso_sv_app_find(deployments, app);
    return found != NULL && found->prepared != NULL ? &found->prepared->pub : NULL;
}

void iso_sv_deployments_each_component(const struct iso_sv_deployments *deployments,
                                       void (*visit)(void *ctx, struct iso_sv_component *component),
                                       void *ctx)
{
    for (const struct iso_sv_app *app = deployments->apps; app != NULL; app = app->next) {
        const struct iso_sv_generation_state *g = app->committed;
        for (size_t i = 0; g != NULL && i < g->document->component_count; i++) {
            if (g->pub.components[i] != NULL) {
                visit(ctx, g->pub.components[i]);
            }
        }
    }
}

void iso_sv_deployments_each_trouble(const struct iso_sv_deployments *deployments,
                                     void (*visit)(void *ctx, struct iso_str app,
                                                   const char *reason),
                                     void *ctx)
{
    for (const struct iso_sv_app *app = deployments->apps; app != NULL; app = app->next) {
        if (app->trouble[0] != '\0') {
            visit(ctx, iso_str_from_z(app->name), app->trouble);
        }
    }
}

static bool document_uses(const struct iso_sv_document *document,
                          const uint8_t digest[ISO_SHA256_SIZE])
{
    for (size_t i = 0; document != NULL && i < document->component_count; i++) {
        if (memcmp(document->components[i].digest, digest, ISO_SHA256_SIZE) == 0) {
            return true;
        }
    }
    return false;
}

bool iso_sv_deployments_uses(const struct iso_sv_deployments *deployments,
                             const uint8_t digest[ISO_SHA256_SIZE])
{
    for (const struct iso_sv_app *app = deployments->apps; app != NULL; app = app->next) {
        if (document_uses(iso_sv_app_document(app), digest) ||
            document_uses(app->stored_next, digest) ||
            (app->prepared != NULL && document_uses(app->prepared->document, digest)) ||
            (app->making != NULL && document_uses(app->making->document, digest))) {
            return true;
        }
    }
    return false;
}

bool iso_sv_deployments_moved(const struct iso_sv_deployments *deployments, struct iso_str app,
                              struct iso_str component)
{
    const struct iso_sv_app *found = iso_sv_app_find(deployments, app);
    return found != NULL && iso_sv_app_epoch(found, component) != 0 &&
           iso_sv_deployments_find(deployments, app, component) == NULL;
}

static bool known(const struct iso_sv_app *app)
{
    return app->on_disk || app->committed != NULL || app->prepared != NULL;
}

bool iso_sv_deployments_has(const struct iso_sv_deployments *deployments, struct iso_str app)
{
    const struct iso_sv_app *found = iso_sv_app_find(deployments, app);
    return found != NULL && (known(found) || found->stored_next != NULL);
}

uint64_t iso_sv_deployments_seen(const struct iso_sv_deployments *deployments, struct iso_str app)
{
    const struct iso_sv_app *found = iso_sv_app_find(deployments, app);
    return found != NULL ? iso_sv_app_generation(found) : 0;
}

/* ---- As JSON ------------------------------------------------------------------------------------
 */

static void put_document(struct iso_json *json, const struct iso_sv_document *document)
{
    char digest[72];
    iso_digest_text(document->digest, digest);
    iso_json_put_u64(json, "generation", document->generation);
    iso_json_put_z(json, "digest", digest);
}

static void put_components(struct iso_json *json, const struct iso_sv_app *app,
                           const struct iso_sv_generation_state *g)
{
    iso_json_put_object_begin(json, "components");
    for (size_t i = 0; i < g->document->component_count; i++) {
        const struct iso_sv_doc_component *component = &g->document->components[i];
        const struct iso_sv_move *move =
            iso_sv_record_move((struct iso_sv_record *)(uintptr_t)&app->record, component->name);
        iso_json_key_str(json, component->name);
        iso_json_object_begin(json);
        iso_json_put_u64(json, "epoch", component->epoch);
        iso_json_put_z(json, "module", component->module);
        struct iso_sv_component *made = g->pub.components[i];
        /* There is none of one that was moved away. */
        iso_json_put_z(json, "state",
                       g->made[i].kept ? "kept"
                       : made != NULL  ? iso_sv_state_name(iso_sv_component_state(made))
                                       : iso_sv_state_name(ISO_SV_STOPPED));
        bool held = move != NULL && move->state == ISO_SV_MOVE_HELD;
        if (move != NULL &&
            (held ? move->generation == g->document->generation : g == app->committed)) {
            iso_json_put_z(json, "move", iso_sv_move_state_name(move->state));
        } else if (g == app->prepared && component->from_snapshot && !g->made[i].kept) {
            iso_json_put_z(json, "move", "awaited");
        }
        iso_json_object_end(json);
    }
    iso_json_object_end(json);
}

static void put_app(struct iso_json *json, const struct iso_sv_app *app)
{
    const struct iso_sv_document *document = iso_sv_app_document(app);
    iso_json_object_begin(json);
    iso_json_put_z(json, "app", app->name);
    iso_json_put_z(json, "state",
                   app->committed != NULL    ? "committed"
                   : app->trouble[0] != '\0' ? "failed"
                   : app->stored != NULL     ? "starting"
                                             : "none");
    iso_json_put_u64(json, "seen", iso_sv_app_generation(app));
    if (app->trouble[0] != '\0') {
        iso_json_put_z(json, "reason", app->trouble);
    }
    if (document != NULL) {
        put_document(json, document);
    }
    if (app->committed != NULL) {
        const struct iso_sv_deploy_hooks *hooks = &app->deployments->hooks;
        put_components(json, app, app->committed);
        if (hooks->describe != NULL) {
            hooks->describe(hooks->ctx, &app->committed->pub, json);
        }
    }
    if (app->prepared != NULL) {
        iso_json_put_object_begin(json, "prepared");
        put_document(json, app->prepared->document);
        put_components(json, app, app->prepared);
        iso_json_object_end(json);
    }
    iso_json_object_end(json);
}

void iso_sv_deployments_describe(const struct iso_sv_deployments *deployments,
                                 struct iso_json *json)
{
    iso_json_array_begin(json);
    for (const struct iso_sv_app *app = deployments->apps; app != NULL; app = app->next) {
        if (known(app)) {
            put_app(json, app);
        }
    }
    iso_json_array_end(json);
}

bool iso_sv_deployments_describe_app(const struct iso_sv_deployments *deployments,
                                     struct iso_str app, struct iso_json *json)
{
    const struct iso_sv_app *found = iso_sv_app_find(deployments, app);
    if (found == NULL || !known(found)) {
        return false;
    }
    put_app(json, found);
    return true;
}
