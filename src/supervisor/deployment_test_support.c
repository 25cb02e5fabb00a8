/* See the header. */
#include "supervisor/deployment_test_support.h"

#include <stdlib.h>
#include <unistd.h>

#include "platform/platform.h"

static void on_changed(void *ctx, struct iso_str app, struct iso_str component, const char *what,
                       const char *detail)
{
    struct site *site = ctx;
    size_t len = strlen(site->told);
    (void)detail;
    (void)iso_format(site->told + len, sizeof site->told - len, "%.*s%s%.*s %s;", (int)app.len,
                     app.ptr, component.len != 0 ? "/" : "", (int)component.len, component.ptr,
                     what);
}

static enum iso_err on_open(void *ctx, struct iso_sv_generation *generation,
                            struct iso_report *report)
{
    struct site *site = ctx;
    (void)generation;
    (void)report;
    site->opens++;
    return ISO_OK;
}

static void on_start(void *ctx, struct iso_sv_generation *generation,
                     struct iso_sv_generation *before)
{
    struct site *site = ctx;
    CHECK(generation->stage == ISO_SV_STAGE_COMMITTED);
    CHECK(before == NULL || before->stage != ISO_SV_STAGE_PREPARED);
    site->starts++;
}

static void on_stop(void *ctx, struct iso_sv_generation *generation)
{
    struct site *site = ctx;
    (void)generation;
    site->stops++;
}

static void on_close(void *ctx, struct iso_sv_generation *generation)
{
    struct site *site = ctx;
    CHECK(generation->stage == ISO_SV_STAGE_ENDING);
    site->closes++;
}

static void on_relay(void *ctx, struct iso_sv_generation *generation, uint32_t component,
                     struct iso_sv_generation *at, uint32_t peer, uint64_t epoch,
                     void (*done)(void *done_ctx), void *done_ctx)
{
    struct site *site = ctx;
    CHECK(generation->components[component] != NULL);
    CHECK(peer < at->document->peer_count && epoch != 0);
    site->relays++;
    done(done_ctx);
}

/* The mark is how many bits were there, and one. */
static enum iso_err on_save(void *ctx, struct iso_sv_generation *generation, uint32_t component,
                            uint64_t since, uint64_t *mark, struct iso_buf *out)
{
    const struct site *site = ctx;
    uint64_t before = since != 0 ? (UINT64_C(1) << (since - 1)) - 1 : 0;
    (void)generation;
    (void)component;
    *mark = 1;
    while (*mark < 60 && (site->remembered >> (*mark - 1)) != 0) {
        (*mark)++;
    }
    return iso_buf_append_u64le(out, site->remembered & ~before);
}

static enum iso_err on_load(void *ctx, struct iso_sv_generation *generation, uint32_t component,
                            struct iso_bytes bytes, struct iso_report *report)
{
    struct site *site = ctx;
    (void)generation;
    (void)component;
    if (bytes.len != 8) {
        return iso_fail(report, ISO_E_SNAPSHOT, "not what was remembered");
    }
    site->remembered |= iso_load_u64le(bytes.ptr);
    return ISO_OK;
}

void site_init(struct site *site, struct rig *rig)
{
    *site = (struct site){.rig = rig, .dir = "/tmp/iso-site-XXXXXX"};
    CHECK(mkdtemp(site->dir) != NULL);
}

static void on_ready(void *ctx)
{
    struct site *site = ctx;
    site->done++;
}

static bool uses(void *ctx, const uint8_t digest[ISO_SHA256_SIZE])
{
    return iso_sv_deployments_uses(ctx, digest);
}

void site_open(struct site *site)
{
    char dir[ISO_PATH_MAX];
    CHECK(iso_path_join(dir, site->dir, "modules"));
    struct iso_blobs_config modules = {.loop = &site->rig->loop, .alloc = rig_alloc(), .dir = dir};
    iso_report_init(&site->report);
    CHECK_OK(iso_blobs_create(&modules, &site->modules, &site->report));
    site->hooks = (struct iso_sv_deploy_hooks){.ctx = site,
                                               .open = on_open,
                                               .start = on_start,
                                               .stop = on_stop,
                                               .close = on_close,
                                               .save = on_save,
                                               .load = on_load,
                                               .relay = on_relay,
                                               .changed = on_changed};
    site->config.loop = &site->rig->loop;
    site->config.alloc = rig_alloc();
    site->config.dir = site->dir;
    site->config.core = site->rig->core;
    site->config.modules = site->modules;
    site->config.hooks = &site->hooks;
    site->told[0] = '\0';
    site->remembered = 0;
    CHECK_OK(iso_sv_deployments_create(&site->config, &site->deployments, &site->report));
    iso_blobs_set_used(site->modules, uses, site->deployments);
    site->done = 0;
    iso_sv_deployments_begin(site->deployments, on_ready, site);
    RIG_UNTIL(site->rig, site->done != 0);
}

void site_close(struct site *site)
{
    site->done = 0;
    iso_sv_deployments_stop(site->deployments, 0, on_ready, site);
    RIG_UNTIL(site->rig, site->done != 0);
    iso_blobs_destroy(site->modules);
    CHECK_EQ_U64(site->opens, site->closes);
}

void site_fini(struct site *site)
{
    site_close(site);
    iso_alloc_free(rig_alloc(), site->bytes, site->len);
    iso_tree_remove(site->dir);
}

/* ---- Changes ------------------------------------------------------------------------------------
 */

static void on_done(void *ctx, enum iso_err err, const struct iso_report *report)
{
    struct site *site = ctx;
    site->done++;
    site->err = err;
    site->report = *report;
    CHECK(err == ISO_OK || report->set);
}

static enum iso_err wait(struct site *site)
{
    CHECK_EQ_U64(site->done, 0); /* not before the function has returned */
    RIG_UNTIL(site->rig, site->done != 0);
    CHECK_EQ_U64(site->done, 1);
    return site->err;
}

void site_module(struct site *site, enum rig_guest guest)
{
    struct iso_bytes bytes = rig_bytes(guest);
    uint8_t digest[ISO_SHA256_SIZE];
    struct iso_blob_upload *upload = NULL;
    iso_sha256(bytes.ptr, bytes.len, digest);
    CHECK_OK(iso_blobs_begin(site->modules, digest, bytes.len, &upload, &site->report));
    if (upload != NULL) {
        CHECK_OK(iso_blob_upload_write(upload, bytes, &site->report));
        site->done = 0;
        iso_blob_upload_finish(upload, on_done, site);
        CHECK_OK(wait(site));
    }
}

char *site_document(const char *app, uint64_t generation, const struct part *parts, size_t count,
                    const char *extra)
{
    struct iso_buf out, json_text;
    char head[256];
    iso_buf_init(&out, iso_alloc_libc(), SIZE_MAX);
    size_t len = iso_format(head, sizeof head,
                            "{\"isomer\":1,\"app\":\"%s\",\"generation\":%llu,\"drain\":\"1s\","
                            "\"components\":{",
                            app, (unsigned long long)generation);
    CHECK_OK(iso_buf_append(&out, head, len));
    for (size_t i = 0; i < count; i++) {
        struct iso_bytes bytes = rig_bytes(parts[i].guest);
        uint8_t digest[ISO_SHA256_SIZE];
        char text[72];
        struct iso_json json;
        iso_sha256(bytes.ptr, bytes.len, digest);
        iso_digest_text(digest, text);
        iso_buf_init(&json_text, iso_alloc_libc(), SIZE_MAX);
        iso_json_init_buf(&json, &json_text, 0);
        iso_json_z(&json, rig_wit(parts[i].guest));
        CHECK_OK(iso_json_finish(&json));
        len = iso_format(head, sizeof head,
                         "%s\"%s\":{\"module\":\"%s\",\"epoch\":%llu,\"mode\":\"%s\",\"wit\":",
                         i == 0 ? "" : ",", parts[i].name, text, (unsigned long long)parts[i].epoch,
                         parts[i].service ? "service" : "function");
        CHECK_OK(iso_buf_append(&out, head, len));
        CHECK_OK(iso_buf_append(&out, json_text.ptr, json_text.len));
        CHECK_OK(iso_buf_append(&out, parts[i].extra, strlen(parts[i].extra)));
        CHECK_OK(iso_buf_append(&out, "}", 1));
        iso_buf_fini(&json_text);
    }
    CHECK_OK(iso_buf_append(&out, "}", 1));
    CHECK_OK(iso_buf_append(&out, extra, strlen(extra)));
    CHECK_OK(iso_buf_append(&out, "}", 2)); /* and a zero */
    char *text = strdup((const char *)out.ptr);
    iso_buf_fini(&out);
    CHECK(text != NULL);
    return text;
}

enum iso_err site_put(struct site *site, const char *app, uint64_t generation,
                      const struct part *parts, size_t count)
{
    char *text = site_document(app, generation, parts, count, "");
    site->done = 0;
    iso_sv_deployments_put(site->deployments, iso_str_from_z(app),
                           iso_bytes_from(text, strlen(text)), on_done, site);
    free(text);
    return wait(site);
}

enum iso_err site_prepare(struct site *site, const char *app, uint64_t generation,
                          const struct part *parts, size_t count, const char *extra)
{
    char *text = site_document(app, generation, parts, count, extra);
    site->done = 0;
    iso_sv_deployments_prepare(site->deployments, iso_str_from_z(app), generation,
                               iso_bytes_from(text, strlen(text)), on_done, site);
    free(text);
    return wait(site);
}

enum iso_err site_commit(struct site *site, const char *app, uint64_t generation)
{
    site->done = 0;
    iso_sv_deployments_commit(site->deployments, iso_str_from_z(app), generation, on_done, site);
    return wait(site);
}

enum iso_err site_abort(struct site *site, const char *app, uint64_t generation)
{
    site->done = 0;
    iso_sv_deployments_abort(site->deployments, iso_str_from_z(app), generation, on_done, site);
    return wait(site);
}

enum iso_err site_delete(struct site *site, const char *app, bool forget)
{
    site->done = 0;
    iso_sv_deployments_delete(site->deployments, iso_str_from_z(app), 0, forget, on_done, site);
    return wait(site);
}

enum iso_err site_freeze(struct site *site, const char *app, const char *component, uint64_t epoch)
{
    site->done = 0;
    iso_sv_deployments_freeze(site->deployments, iso_str_from_z(app), iso_str_from_z(component),
                              epoch, on_done, site);
    return wait(site);
}

static void on_fetched(void *ctx, enum iso_err err, uint8_t *bytes, size_t len,
                       const struct iso_report *report)
{
    struct site *site = ctx;
    iso_alloc_free(rig_alloc(), site->bytes, site->len);
    site->bytes = bytes;
    site->len = len;
    on_done(ctx, err, report);
}

enum iso_err site_fetch(struct site *site, const char *app, const char *component)
{
    site->done = 0;
    iso_sv_deployments_snapshot_get(site->deployments, iso_str_from_z(app),
                                    iso_str_from_z(component), on_fetched, site);
    return wait(site);
}

enum iso_err site_ahead_get(struct site *site, const char *app, const char *component)
{
    site->done = 0;
    iso_sv_deployments_ahead_get(site->deployments, iso_str_from_z(app), iso_str_from_z(component),
                                 on_fetched, site);
    return wait(site);
}

enum iso_err site_freeze_and_get(struct site *site, const char *app, const char *component,
                                 uint64_t epoch)
{
    site->done = 0;
    iso_sv_deployments_freeze_and_get(site->deployments, iso_str_from_z(app),
                                      iso_str_from_z(component), epoch, on_fetched, site);
    return wait(site);
}

static uint8_t *copy_of(const struct site *from)
{
    uint8_t *copy = iso_alloc_resize(rig_alloc(), NULL, 0, from->len);
    CHECK(copy != NULL);
    iso_memory_copy(copy, from->bytes, from->len);
    return copy;
}

enum iso_err site_ahead_put(struct site *site, const char *app, const char *component,
                            const struct site *from)
{
    site->done = 0;
    iso_sv_deployments_ahead_put(site->deployments, iso_str_from_z(app), iso_str_from_z(component),
                                 copy_of(from), from->len, on_done, site);
    return wait(site);
}

enum iso_err site_hold(struct site *site, const char *app, const char *component,
                       const struct site *from)
{
    site->done = 0;
    iso_sv_deployments_snapshot_put(site->deployments, iso_str_from_z(app),
                                    iso_str_from_z(component), copy_of(from), from->len, on_done,
                                    site);
    return wait(site);
}

enum iso_err site_own(struct site *site, const char *app, const char *component, uint64_t epoch)
{
    site->done = 0;
    iso_sv_deployments_own(site->deployments, iso_str_from_z(app), iso_str_from_z(component), epoch,
                           on_done, site);
    return wait(site);
}

enum iso_err site_release(struct site *site, const char *app, const char *component, uint64_t epoch,
                          const char *to)
{
    site->done = 0;
    iso_sv_deployments_release(site->deployments, iso_str_from_z(app), iso_str_from_z(component),
                               epoch, iso_str_from_z(to), on_done, site);
    return wait(site);
}

enum iso_err site_move_abort(struct site *site, const char *app, const char *component)
{
    site->done = 0;
    iso_sv_deployments_move_abort(site->deployments, iso_str_from_z(app), iso_str_from_z(component),
                                  on_done, site);
    return wait(site);
}

/* ---- Questions ----------------------------------------------------------------------------------
 */

uint64_t site_generation(struct site *site, const char *app)
{
    const struct iso_sv_generation *generation =
        iso_sv_deployments_committed(site->deployments, iso_str_from_z(app));
    return generation != NULL ? generation->document->generation : 0;
}

const char *site_call(struct site *site, const char *app, const char *component,
                      const char *function)
{
    struct iso_sv_component *found =
        iso_sv_deployments_find(site->deployments, iso_str_from_z(app), iso_str_from_z(component));
    bool moved = found == NULL && iso_sv_deployments_moved(site->deployments, iso_str_from_z(app),
                                                           iso_str_from_z(component));
    return found != NULL ? rig_call(site->rig, found, function, "") : moved ? "moved" : "none";
}

const char *site_status(struct site *site, const char *app)
{
    static char text[4096];
    struct iso_buf out;
    struct iso_json json;
    text[0] = '\0';
    iso_buf_init(&out, iso_alloc_libc(), sizeof text - 1);
    iso_json_init_buf(&json, &out, 0);
    if (iso_sv_deployments_describe_app(site->deployments, iso_str_from_z(app), &json)) {
        CHECK_OK(iso_json_finish(&json));
        memcpy(text, out.ptr, out.len);
        text[out.len] = '\0';
    }
    iso_buf_fini(&out);
    return text;
}

bool site_has_file(const struct site *site, const char *path)
{
    char full[ISO_PATH_MAX];
    return iso_path_join(full, site->dir, path) && access(full, F_OK) == 0;
}
