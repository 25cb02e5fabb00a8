/* Making a generation: programs are read and checked on the pool, components are created by the
 * core, sessions are opened. Nothing of it runs or is seen before the switch. */
#include "supervisor/deployment_internal.h"

#include "platform/platform.h"

struct iso_sv_generation_state *iso_sv_generation_create(struct iso_sv_app *app,
                                                         struct iso_sv_document *document)
{
    const struct iso_alloc *alloc = app->deployments->alloc;
    struct iso_sv_generation_state *g = iso_alloc_new(alloc, sizeof *g);
    size_t count = document->component_count;
    if (g != NULL) {
        g->pub.components = iso_alloc_array(alloc, count, sizeof *g->pub.components);
        g->made = iso_alloc_array(alloc, count, sizeof *g->made);
    }
    if (g == NULL || g->pub.components == NULL || g->made == NULL) {
        if (g != NULL) {
            iso_alloc_free(alloc, g->pub.components, count * sizeof *g->pub.components);
            iso_alloc_free(alloc, g->made, count * sizeof *g->made);
        }
        iso_alloc_free(alloc, g, g != NULL ? sizeof *g : 0);
        return NULL;
    }
    g->app = app;
    g->document = document;
    g->pub.id = ++app->deployments->ids;
    g->pub.document = document;
    g->pub.state = g;
    return g;
}

void iso_sv_generation_free(struct iso_sv_generation_state *g)
{
    const struct iso_alloc *alloc = g->app->deployments->alloc;
    size_t count = g->document->component_count;
    for (size_t i = 0; i < count; i++) {
        iso_sv_program_unref(g->made[i].program);
        iso_alloc_free(alloc, g->made[i].links,
                       g->document->components[i].link_count * sizeof *g->made[i].links);
    }
    iso_alloc_free(alloc, g->pub.components, count * sizeof *g->pub.components);
    iso_alloc_free(alloc, g->made, count * sizeof *g->made);
    iso_sv_document_destroy(g->document);
    iso_alloc_free(alloc, g, sizeof *g);
}

static void dismantle(struct iso_sv_generation_state *g)
{
    struct iso_sv_deploy_hooks *hooks = &g->app->deployments->hooks;
    for (size_t i = 0; i < g->document->component_count; i++) {
        if (g->pub.components[i] != NULL && !g->made[i].kept) {
            iso_sv_component_destroy(g->pub.components[i]);
        }
        g->pub.components[i] = NULL;
    }
    if (g->opened && hooks->close != NULL) {
        hooks->close(hooks->ctx, &g->pub);
    }
    g->opened = false;
}

void iso_sv_generation_drop(struct iso_sv_generation_state *g)
{
    g->pub.stage = ISO_SV_STAGE_ENDING;
    dismantle(g);
    iso_sv_generation_free(g);
}

/* ---- Ends ---------------------------------------------------------------------------------------
 */

static void finish(struct iso_sv_generation_state *g)
{
    g->app->making = NULL;
    if (g->err != ISO_OK) {
        g->pub.stage = ISO_SV_STAGE_ENDING;
        dismantle(g);
    }
    g->done(g);
}

/* Remembers the first failure. What the caller can mend by another document or module is LINK. */
static void failed(struct iso_sv_generation_state *g, uint32_t component, enum iso_err err,
                   const struct iso_report *report)
{
    bool as_it_is = err == ISO_E_NOMEM || err == ISO_E_IO || err == ISO_E_ACCESS ||
                    err == ISO_E_REFUSED || err == ISO_E_LIMIT || err == ISO_E_SNAPSHOT;
    if (g->err == ISO_OK) {
        g->err = as_it_is ? err : ISO_E_LINK;
        iso_report_set(&g->report, "/components/%s: %s",
                       g->document->components[component].name.ptr, iso_report_text(report, err));
    }
}

static void connected(void *ctx)
{
    finish(ctx);
}

static void all_ready(struct iso_sv_generation_state *g)
{
    struct iso_sv_deploy_hooks *hooks = &g->app->deployments->hooks;
    if (g->err == ISO_OK && hooks->check != NULL) {
        g->err = hooks->check(hooks->ctx, &g->pub, &g->report);
    }
    if (g->err == ISO_OK && hooks->connect != NULL && g->document->peer_count > 0) {
        hooks->connect(hooks->ctx, &g->pub, connected, g);
    } else {
        finish(g);
    }
}

/* ---- Components ---------------------------------------------------------------------------------
 */

static void component_ready(void *ctx, struct iso_sv_component *component, enum iso_err err,
                            const struct iso_report *report)
{
    struct iso_sv_generation_state *g = ctx;
    for (uint32_t i = 0; i < g->document->component_count; i++) {
        if (g->pub.components[i] == component) {
            g->made[i].ready = true;
            if (err != ISO_OK) {
                failed(g, i, err, report);
            }
        }
    }
    g->waiting--;
    if (g->waiting == 0) {
        all_ready(g);
    }
}

/* The links of component i, whose local targets exist. */
static enum iso_err make_links(struct iso_sv_generation_state *g, uint32_t i,
                               struct iso_report *report)
{
    struct iso_sv_deploy_hooks *hooks = &g->app->deployments->hooks;
    const struct iso_sv_doc_component *component = &g->document->components[i];
    struct iso_sv_link *links =
        iso_alloc_array(g->app->deployments->alloc, component->link_count, sizeof *links);
    if (links == NULL) {
        return iso_fail(report, ISO_E_NOMEM, "not enough memory");
    }
    g->made[i].links = links;
    for (uint32_t k = 0; k < component->link_count; k++) {
        const struct iso_sv_doc_link *link = &component->links[k];
        links[k].interface = link->interface;
        if (link->peer == ISO_SV_HERE) {
            links[k].local = g->pub.components[link->local];
            continue;
        }
        enum iso_err err =
            hooks->link != NULL
                ? hooks->link(hooks->ctx, &g->pub, i, k, &links[k], report)
                : iso_fail(report, ISO_E_LINK, "links to other devices are not possible here");
        if (err != ISO_OK) {
            return err;
        }
    }
    return ISO_OK;
}

static enum iso_err storage_of(struct iso_sv_generation_state *g, uint32_t i,
                               char out[ISO_PATH_MAX], struct iso_report *report)
{
    char dir[ISO_PATH_MAX];
    ISO_ASSERT(iso_path_join(dir, g->app->deployments->areas[ISO_SV_AREA_STORAGE], g->app->name));
    ISO_ASSERT(iso_path_join(out, dir, g->document->components[i].name.ptr));
    return iso_dir_make(dir, report);
}

static enum iso_err create_one(struct iso_sv_generation_state *g, uint32_t i,
                               struct iso_report *report)
{
    const struct iso_sv_doc_component *component = &g->document->components[i];
    char storage[ISO_PATH_MAX];
    enum iso_err err = make_links(g, i, report);
    if (err == ISO_OK) {
        err = storage_of(g, i, storage, report);
    }
    if (err != ISO_OK) {
        return err;
    }
    struct iso_sv_component_def def = {
        .app = g->document->app,
        .name = component->name,
        .program = g->made[i].program,
        .mode = component->mode,
        .epoch = component->epoch,
        .limits = component->limits,
        .config = component->config,
        .config_count = component->config_count,
        .env = component->env,
        .env_count = component->env_count,
        .args = component->args,
        .arg_count = component->arg_count,
        .dirs = component->dirs,
        .dir_count = component->dir_count,
        .devices = component->devices,
        .device_count = component->device_count,
        .links = g->made[i].links,
        .link_count = component->link_count,
        .storage_path = storage,
    };
    err = iso_sv_component_create(g->app->deployments->core, &def, component_ready, g,
                                  &g->pub.components[i], report);
    g->waiting += err == ISO_OK ? 1 : 0;
    return err;
}

static bool targets_exist(const struct iso_sv_generation_state *g, uint32_t i)
{
    const struct iso_sv_doc_component *component = &g->document->components[i];
    for (size_t k = 0; k < component->link_count; k++) {
        uint32_t local = component->links[k].local;
        if (local != ISO_SV_HERE && g->pub.components[local] == NULL) {
            return false;
        }
    }
    return true;
}

/* Those that others link to come first; the document has no circles. */
static void create_components(struct iso_sv_generation_state *g)
{
    bool progress = true;
    g->waiting = 1; /* for this function */
    while (progress && g->err == ISO_OK) {
        progress = false;
        for (uint32_t i = 0; i < g->document->component_count && g->err == ISO_OK; i++) {
            struct iso_report report;
            iso_report_init(&report);
            if (g->pub.components[i] != NULL || !targets_exist(g, i)) {
                continue;
            }
            enum iso_err err = create_one(g, i, &report);
            if (err != ISO_OK) {
                failed(g, i, err, &report);
            }
            progress = true;
        }
    }
    for (uint32_t i = 0; i < g->document->component_count && g->err == ISO_OK; i++) {
        struct iso_report report;
        iso_report_init(&report);
        enum iso_err err = g->made[i].kept ? make_links(g, i, &report) : ISO_OK;
        if (err != ISO_OK) {
            failed(g, i, err, &report);
        }
    }
    g->waiting--;
    if (g->waiting == 0) {
        all_ready(g);
    }
}

/* ---- Programs -----------------------------------------------------------------------------------
 */

struct program_job {
    struct iso_sv_generation_state *g;
    uint8_t *bytes;
    size_t len;
    struct iso_sv_program *program;
    enum iso_err err;
    struct iso_report report;
    uv_work_t work;
};

static void next_program(struct iso_sv_generation_state *g);

static void program_work(uv_work_t *work)
{
    struct program_job *job = work->data;
    const struct iso_sv_doc_component *component = &job->g->document->components[job->g->position];
    job->err = iso_sv_program_create(job->g->app->deployments->core, job->bytes, job->len,
                                     component->wit, component->abi, &job->program, &job->report);
}

static void program_after(uv_work_t *work, int status)
{
    struct program_job *job = work->data;
    struct iso_sv_generation_state *g = job->g;
    struct iso_sv_deployments *deployments = g->app->deployments;
    (void)status;
    deployments->jobs--;
    if (job->err != ISO_OK) {
        failed(g, g->position, job->err, &job->report);
    } else {
        g->made[g->position].program = job->program;
        g->position++;
    }
    iso_alloc_free(deployments->alloc, job, sizeof *job);
    next_program(g);
}

static void module_loaded(void *ctx, enum iso_err err, uint8_t *bytes, size_t len,
                          const struct iso_report *report)
{
    struct iso_sv_generation_state *g = ctx;
    struct iso_sv_deployments *deployments = g->app->deployments;
    struct program_job *job = err == ISO_OK ? iso_alloc_new(deployments->alloc, sizeof *job) : NULL;
    deployments->jobs--;
    if (job == NULL) {
        failed(g, g->position, err != ISO_OK ? err : ISO_E_NOMEM, report);
        iso_alloc_free(deployments->alloc, bytes, len);
        next_program(g);
        return;
    }
    job->g = g;
    job->bytes = bytes;
    job->len = len;
    job->work.data = job;
    deployments->jobs++;
    int refused = uv_queue_work(deployments->loop, &job->work, program_work, program_after);
    ISO_ASSERT(refused == 0);
}

/* A program that is here already, or NULL. */
static struct iso_sv_program *shared_program(const struct iso_sv_generation_state *g,
                                             const struct iso_sv_doc_component *wanted)
{
    for (uint32_t i = 0; i < g->position; i++) {
        if (g->made[i].program != NULL &&
            iso_sv_program_same(&g->document->components[i], wanted)) {
            return g->made[i].program;
        }
    }
    for (const struct iso_sv_app *app = g->app->deployments->apps; app != NULL; app = app->next) {
        const struct iso_sv_generation_state *other = app->committed;
        for (size_t i = 0; other != NULL && i < other->document->component_count; i++) {
            if (other->pub.components[i] != NULL &&
                iso_sv_program_same(&other->document->components[i], wanted)) {
                return iso_sv_component_program(other->pub.components[i]);
            }
        }
    }
    return NULL;
}

static void next_program(struct iso_sv_generation_state *g)
{
    struct iso_sv_deployments *deployments = g->app->deployments;
    if (deployments->stopping && g->err == ISO_OK) {
        g->err = ISO_E_REFUSED;
        iso_report_set(&g->report, "the supervisor is stopping");
    }
    while (g->err == ISO_OK && g->position < g->document->component_count) {
        const struct iso_sv_doc_component *component = &g->document->components[g->position];
        struct iso_sv_program *program =
            g->made[g->position].kept ? NULL : shared_program(g, component);
        if (program == NULL && !g->made[g->position].kept) {
            deployments->jobs++;
            iso_blobs_load(deployments->modules, component->digest, module_loaded, g);
            return;
        }
        g->made[g->position].program = program != NULL ? iso_sv_program_ref(program) : NULL;
        g->position++;
    }
    if (g->err == ISO_OK) {
        create_components(g);
    } else {
        finish(g);
    }
}

/* ---- The beginning ------------------------------------------------------------------------------
 */

/* Components of the committed generation that go on as they are. */
static void plan_kept(struct iso_sv_generation_state *g)
{
    const struct iso_sv_generation_state *present = g->app->committed;
    for (uint32_t i = 0; present != NULL && i < g->document->component_count; i++) {
        const struct iso_sv_doc_component *component = &g->document->components[i];
        uint32_t k = iso_sv_document_component(present->document, component->name);
        if (k == ISO_SV_HERE || present->pub.components[k] == NULL ||
            !iso_sv_component_same(component, &present->document->components[k])) {
            continue;
        }
        enum iso_sv_state state = iso_sv_component_state(present->pub.components[k]);
        if (state == ISO_SV_RUNNING || state == ISO_SV_FAILED) {
            g->made[i].kept = true;
            g->pub.components[i] = present->pub.components[k];
        }
    }
}

void iso_sv_generation_make(struct iso_sv_generation_state *g,
                            void (*done)(struct iso_sv_generation_state *g))
{
    struct iso_sv_deploy_hooks *hooks = &g->app->deployments->hooks;
    g->done = done;
    g->app->making = g;
    struct iso_sv_deployments *d = g->app->deployments;
    if (d->allow != NULL) {
        g->err = d->allow(d->allow_ctx, g->document, &g->report);
    }
    if (g->err == ISO_OK && hooks->open != NULL) {
        g->err = hooks->open(hooks->ctx, &g->pub, &g->report);
    }
    g->opened = g->err == ISO_OK;
    if (g->err == ISO_OK) {
        plan_kept(g);
    }
    next_program(g);
}
