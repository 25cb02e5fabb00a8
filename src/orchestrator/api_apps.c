/* api_apps.c - HTTP: applications: checking, planning, deploying, moving, rolling back, removing,
 * and how they are (docs/orchestrator-api.md). */
#include "orchestrator/service.h"

#include "base/format.h"
#include "base/json_member.h"
#include "daemon/member.h"
#include "daemon/reply.h"
#include "platform/platform.h"

#include <string.h>

enum { BODY_MAX = 8 << 20, SMALL_BODY_MAX = 64 << 10 };

/* ---- Answers -----------------------------------------------------------------------------------
 */

static void put_mistakes(void *ctx, struct iso_json *json)
{
    iso_json_key(json, "mistakes");
    iso_or_mistakes_write(ctx, json);
}

static void reply_mistakes(struct iso_orchestrator *orchestrator, iso_http_id id,
                           const struct iso_or_mistakes *mistakes)
{
    char detail[96];
    (void)iso_format(detail, sizeof detail, "the manifest has %zu mistake%s", mistakes->errors,
                     mistakes->errors == 1 ? "" : "s");
    iso_http_problem_with(orchestrator->http, id, 422, "urn:isomer:problem:mistakes",
                          "Mistakes in the manifest", detail, NULL, 0, put_mistakes,
                          (void *)(uintptr_t)mistakes);
}

/* 202: accepted as this generation. */
static void reply_accepted(struct iso_orchestrator *orchestrator, struct iso_http_request *req,
                           struct iso_str app, enum iso_err err, uint64_t generation,
                           const struct iso_report *report)
{
    const iso_http_id id = iso_http_request_id(req);
    if (err != ISO_OK) {
        iso_reply_error(orchestrator->http, id, err, report);
        return;
    }
    iso_reply_json(orchestrator->http, id, 202,
                   json_pack("{s:s%, s:I, s:I}", "app", app.ptr, app.len, "generation",
                             (json_int_t)generation, "revision",
                             (json_int_t)iso_or_deployer_revision(orchestrator->deployer, app)));
}

/* ---- Deploying ---------------------------------------------------------------------------------
 */

/* "file:camera": {"digest", "wit"}, "scaler.wit": {"text"}; *wrong: the first that is neither. */
static bool are_files(const json_t *files, const char **wrong)
{
    const char *name;
    json_t *file;
    json_object_foreach((json_t *)(uintptr_t)files, name, file)
    {
        uint8_t digest[ISO_SHA256_SIZE];
        const json_t *wit = json_object_get(file, "wit");
        const char *text = json_string_value(json_object_get(file, "digest"));
        const bool is_module = text != NULL &&
                               iso_digest_parse(iso_str_from_z(text), digest, NULL) == ISO_OK &&
                               (wit == NULL || json_is_string(wit));
        if (!is_module && !json_is_string(json_object_get(file, "text"))) {
            *wrong = name;
            return false;
        }
    }
    return files == NULL || json_is_object(files);
}

/* The body of a deployment, NULL when it has been answered. deploy's parts are borrowed from it. */
static json_t *read_deploy(struct iso_orchestrator *orchestrator, struct iso_http_request *req,
                           struct iso_or_deploy *deploy)
{
    json_t *body = iso_reply_read_object(req);
    if (body == NULL) {
        return NULL;
    }
    const json_t *manifest = json_object_get(body, "manifest");
    const json_t *files = json_object_get(body, "files");
    *deploy = (struct iso_or_deploy){
        .manifest = iso_str_from(json_string_value(manifest), json_string_length(manifest)),
        .files = files,
        .force = json_is_true(json_object_get(body, "force"))};
    const char *wrong = "";
    if (!json_is_string(manifest) || !are_files(files, &wrong)) {
        char detail[256];
        (void)iso_format(detail, sizeof detail,
                         "write {\"manifest\": the text of the manifest, \"files\": "
                         "{\"file:NAME\": {\"digest\": \"sha256:...\"}, \"NAME.wit\": "
                         "{\"text\": ...}}}%s%.40s",
                         wrong[0] != '\0' ? "; wrong: " : "", wrong);
        iso_http_problem(orchestrator->http, iso_http_request_id(req), 400, NULL, NULL, detail);
        json_decref(body);
        return NULL;
    }
    return body;
}

/* The manifest's own name of the application, when it can be read, is to be that of the path. */
static bool is_named(struct iso_orchestrator *orchestrator, struct iso_http_request *req,
                     const struct iso_or_deploy *deploy, struct iso_str app)
{
    char detail[256];
    json_t *manifest = json_loadb(deploy->manifest.ptr, deploy->manifest.len, 0, NULL);
    const char *name = json_string_value(json_object_get(manifest, "app"));
    const bool same = name == NULL || iso_str_equal_z(app, name);
    if (!same) {
        (void)iso_format(detail, sizeof detail,
                         "the manifest is of the application \"%.60s\", the path of \"%.*s\"", name,
                         (int)(app.len > 60 ? 60 : app.len), app.ptr);
        iso_http_problem(orchestrator->http, iso_http_request_id(req), 400, NULL, NULL, detail);
    }
    json_decref(manifest);
    return same;
}

static void put_app(void *ctx, struct iso_http_request *req,
                    const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_orchestrator *orchestrator = ctx;
    struct iso_or_deploy deploy;
    struct iso_or_mistakes mistakes;
    struct iso_report report;
    uint64_t generation = 0;
    json_t *body = read_deploy(orchestrator, req, &deploy);
    if (body == NULL) {
        return;
    }
    if (is_named(orchestrator, req, &deploy, params[0])) {
        iso_report_init(&report);
        iso_or_mistakes_init(&mistakes, orchestrator->alloc);
        const enum iso_err err = iso_or_deployer_deploy(orchestrator->deployer, &deploy,
                                                        &generation, &mistakes, &report);
        if (err != ISO_OK && mistakes.errors != 0) {
            reply_mistakes(orchestrator, iso_http_request_id(req), &mistakes);
        } else {
            reply_accepted(orchestrator, req, params[0], err, generation, &report);
        }
        iso_or_mistakes_fini(&mistakes);
    }
    json_decref(body);
}

/* Nothing is wrong, but there may be something to think about. */
static void reply_warnings(struct iso_orchestrator *orchestrator, iso_http_id id,
                           const struct iso_or_mistakes *mistakes)
{
    struct iso_reply_document document;
    iso_reply_document_begin(&document);
    iso_json_object_begin(&document.json);
    put_mistakes((void *)(uintptr_t)mistakes, &document.json);
    iso_json_object_end(&document.json);
    iso_reply_document_end(&document, orchestrator->http, id, 200, ISO_OK);
}

static void on_planned(void *ctx, enum iso_err err, const struct iso_report *report,
                       const struct iso_or_mistakes *mistakes, struct iso_str json)
{
    struct iso_or_pending *pending = ctx;
    struct iso_orchestrator *orchestrator = pending->orchestrator;
    if (!iso_or_pending_is_open(pending)) {
        iso_or_pending_end(pending);
        return;
    }
    if (err == ISO_OK && strcmp(pending->kind, "check") == 0) {
        reply_warnings(orchestrator, pending->id, mistakes);
    } else if (err == ISO_OK) {
        iso_http_reply(orchestrator->http, pending->id, 200, "application/json",
                       iso_bytes_from(json.ptr, json.len));
    } else if (mistakes != NULL && mistakes->errors != 0) {
        reply_mistakes(orchestrator, pending->id, mistakes);
    } else {
        /* A package that cannot be had, or no device that fits. */
        const unsigned status = err == ISO_E_IO ? 502 : iso_reply_status(err);
        iso_http_problem(orchestrator->http, pending->id,
                         status == 404 || status == 400 ? 422 : status, NULL, NULL,
                         iso_report_text(report, err));
    }
    iso_or_pending_end(pending);
}

static void nobody_waits(struct iso_or_pending *pending)
{
    iso_or_deployer_plan_stop(pending->orchestrator->deployer, pending);
}

static void plan(struct iso_orchestrator *orchestrator, struct iso_http_request *req,
                 bool check_only)
{
    struct iso_or_deploy deploy;
    json_t *body = read_deploy(orchestrator, req, &deploy);
    struct iso_or_pending *pending =
        body != NULL ? iso_or_pending_new(orchestrator, req, check_only ? "check" : "plan") : NULL;
    if (pending != NULL && iso_or_deployer_plan(orchestrator->deployer, &deploy, check_only,
                                                on_planned, pending) != ISO_OK) {
        iso_or_pending_refuse(pending);
    } else if (pending != NULL) {
        pending->gone = nobody_waits;
    }
    json_decref(body);
}

static void post_check(void *ctx, struct iso_http_request *req,
                       const struct iso_str params[ISO_ROUTE_PARAMS])
{
    (void)params;
    plan(ctx, req, true);
}

static void post_plan(void *ctx, struct iso_http_request *req,
                      const struct iso_str params[ISO_ROUTE_PARAMS])
{
    (void)params;
    plan(ctx, req, false);
}

/* ---- Changes -----------------------------------------------------------------------------------
 */

static void delete_app(void *ctx, struct iso_http_request *req,
                       const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_orchestrator *orchestrator = ctx;
    struct iso_report report;
    uint64_t generation = 0;
    iso_report_init(&report);
    const enum iso_err err =
        iso_or_deployer_remove(orchestrator->deployer, params[0], &generation, &report);
    reply_accepted(orchestrator, req, params[0], err, generation, &report);
}

static void post_rollback(void *ctx, struct iso_http_request *req,
                          const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_orchestrator *orchestrator = ctx;
    struct iso_report report;
    uint64_t generation = 0;
    json_t *body = iso_reply_read_object(req);
    if (body == NULL) {
        return;
    }
    const json_t *to = json_object_get(body, "to");
    iso_report_init(&report);
    if (to != NULL && (!json_is_integer(to) || json_integer_value(to) < 1)) {
        iso_http_problem(orchestrator->http, iso_http_request_id(req), 400, NULL, NULL,
                         "write {\"to\": NUMBER of a generation} or {}");
    } else {
        const enum iso_err err = iso_or_deployer_rollback(
            orchestrator->deployer, params[0], to != NULL ? (uint64_t)json_integer_value(to) : 0,
            &generation, &report);
        reply_accepted(orchestrator, req, params[0], err, generation, &report);
    }
    json_decref(body);
}

static void post_move(void *ctx, struct iso_http_request *req,
                      const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_orchestrator *orchestrator = ctx;
    struct iso_report report;
    uint64_t generation = 0;
    json_t *body = iso_reply_read_object(req);
    if (body == NULL) {
        return;
    }
    const json_t *to = json_object_get(body, "to");
    iso_report_init(&report);
    if (to != NULL && !json_is_null(to) && !json_is_string(to)) {
        iso_http_problem(orchestrator->http, iso_http_request_id(req), 400, NULL, NULL,
                         "write {\"to\": name or id of a device} or {}");
    } else {
        const struct iso_str device = iso_str_from(json_string_value(to), json_string_length(to));
        const enum iso_err err = iso_or_deployer_move(orchestrator->deployer, params[0], params[1],
                                                      device, &generation, &report);
        reply_accepted(orchestrator, req, params[0], err, generation, &report);
    }
    json_decref(body);
}

/* ---- Questions ---------------------------------------------------------------------------------
 */

static void get_apps(void *ctx, struct iso_http_request *req,
                     const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_orchestrator *orchestrator = ctx;
    struct iso_reply_document document;
    (void)params;
    iso_reply_document_begin(&document);
    const enum iso_err err = iso_or_deployer_write_apps(orchestrator->deployer, &document.json);
    iso_reply_document_end(&document, orchestrator->http, iso_http_request_id(req), 200, err);
}

static void reply_app(struct iso_orchestrator *orchestrator, iso_http_id id, struct iso_str app)
{
    struct iso_reply_document document;
    iso_reply_document_begin(&document);
    const enum iso_err err =
        iso_or_deployer_write_app(orchestrator->deployer, app, &document.json, &document.report);
    iso_reply_document_end(&document, orchestrator->http, id, 200, err);
}

static void drop_waiter(void *ctx, void *user)
{
    struct iso_orchestrator *orchestrator = ctx;
    for (struct iso_or_waiter **at = &orchestrator->waiters; *at != NULL; at = &(*at)->next) {
        if (*at == user) {
            *at = (*at)->next;
            orchestrator->waiter_count--;
            break;
        }
    }
    iso_alloc_free(orchestrator->alloc, user, sizeof(struct iso_or_waiter));
}

void iso_or_waiters_wake(struct iso_orchestrator *orchestrator, struct iso_str app)
{
    const uint64_t now = uv_hrtime() / 1000000u;
    for (struct iso_or_waiter *at = orchestrator->waiters; at != NULL; at = at->next) {
        const struct iso_str own = iso_str_from_z(at->app);
        const bool changed = app.len != 0 && iso_str_equal(own, app) &&
                             iso_or_deployer_revision(orchestrator->deployer, own) > at->after;
        if (at->id != 0 && (changed || now >= at->until_ms)) {
            const iso_http_id id = at->id;
            at->id = 0; /* it goes when the request is over */
            reply_app(orchestrator, id, own);
        }
    }
}

static void wait_for_app(struct iso_orchestrator *orchestrator, struct iso_http_request *req,
                         struct iso_str app, uint64_t after)
{
    struct iso_or_waiter *waiter = orchestrator->waiter_count < ISO_OR_WAITERS_MAX
                                       ? iso_alloc_new(orchestrator->alloc, sizeof *waiter)
                                       : NULL;
    if (waiter == NULL) {
        iso_http_problem(orchestrator->http, iso_http_request_id(req), 503, NULL, NULL,
                         "too many wait for applications; ask without ?after");
        return;
    }
    waiter->id = iso_http_request_id(req);
    waiter->after = after;
    waiter->until_ms = uv_hrtime() / 1000000u + ISO_OR_FOLLOW_MS;
    memcpy(waiter->app, app.ptr, app.len);
    waiter->next = orchestrator->waiters;
    orchestrator->waiters = waiter;
    orchestrator->waiter_count++;
    iso_route_closer(req, drop_waiter, waiter);
}

static void get_app(void *ctx, struct iso_http_request *req,
                    const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_orchestrator *orchestrator = ctx;
    struct iso_str text;
    char digits[24];
    uint64_t after = 0;
    const uint64_t revision = iso_or_deployer_revision(orchestrator->deployer, params[0]);
    if (revision != 0 && iso_http_request_parameter(req, "after", &text)) {
        (void)iso_format(digits, sizeof digits, "%.*s", (int)(text.len > 22 ? 22 : text.len),
                         text.ptr);
        if (iso_parse_count(digits, UINT64_MAX, &after, NULL) != ISO_OK) {
            iso_http_problem(orchestrator->http, iso_http_request_id(req), 400, NULL, NULL,
                             "?after= is a revision: a number");
            return;
        }
        /* A number of another life of this orchestrator is answered at once. */
        if (revision == after) {
            wait_for_app(orchestrator, req, params[0], after);
            return;
        }
    }
    reply_app(orchestrator, iso_http_request_id(req), params[0]);
}

struct history {
    struct iso_json *json;
    bool any;
};

static bool write_generation(void *ctx, const struct iso_or_generation_row *row)
{
    struct history *history = ctx;
    const struct {
        const char *key;
        struct iso_str value;
    } texts[] = {{"cause", row->cause}, {"detail", row->detail}, {"error", row->error}};
    history->any = true;
    iso_json_object_begin(history->json);
    iso_json_put_u64(history->json, "generation", row->number);
    iso_json_put_z(history->json, "state", iso_or_generation_state_name(row->state));
    for (size_t i = 0; i < ISO_COUNT_OF(texts); i++) {
        iso_json_put_string(history->json, texts[i].key, texts[i].value);
    }
    iso_member_time(history->json, "created", row->created_ms * 1000000u);
    iso_member_time(history->json, "changed", row->changed_ms * 1000000u);
    iso_json_object_end(history->json);
    return true;
}

static void get_generations(void *ctx, struct iso_http_request *req,
                            const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_orchestrator *orchestrator = ctx;
    struct iso_reply_document document;
    struct history history = {&document.json, false};
    iso_reply_document_begin(&document);
    iso_json_array_begin(&document.json);
    enum iso_err err = iso_or_store_generation_heads(orchestrator->store, params[0],
                                                     write_generation, &history, &document.report);
    iso_json_array_end(&document.json);
    if (err == ISO_OK && !history.any) {
        err = iso_fail(&document.report, ISO_E_NOT_FOUND, "no application is called '%.*s'",
                       (int)(params[0].len > 60 ? 60 : params[0].len), params[0].ptr);
    }
    iso_reply_document_end(&document, orchestrator->http, iso_http_request_id(req), 200, err);
}

static void get_generation(void *ctx, struct iso_http_request *req,
                           const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_orchestrator *orchestrator = ctx;
    struct iso_reply_document document;
    char digits[24];
    uint64_t number = 0;
    iso_reply_document_begin(&document);
    (void)iso_format(digits, sizeof digits, "%.*s", (int)(params[1].len > 22 ? 22 : params[1].len),
                     params[1].ptr);
    enum iso_err err = iso_parse_count(digits, UINT64_MAX, &number, &document.report);
    err = err == ISO_E_LIMIT ? ISO_E_NOT_FOUND : err;
    err = err != ISO_OK
              ? err
              : iso_or_deployer_write_generation(orchestrator->deployer, params[0], number,
                                                 &document.json, &document.report);
    iso_reply_document_end(&document, orchestrator->http, iso_http_request_id(req), 200, err);
}

const struct iso_route iso_or_routes_apps[] = {
    {.method = ISO_HTTP_POST,
     .pattern = "v1/check",
     .access = ISO_ROUTE_OPERATE,
     .summary = "Check a manifest against the interfaces of its packages",
     .answer_type = "application/json",
     .body_max = BODY_MAX,
     .handle = post_check},
    {.method = ISO_HTTP_POST,
     .pattern = "v1/plan",
     .access = ISO_ROUTE_OPERATE,
     .summary = "Which device for which component, and why; changes nothing",
     .answer_type = "application/json",
     .body_max = BODY_MAX,
     .handle = post_plan},
    {.method = ISO_HTTP_GET,
     .pattern = "v1/apps",
     .access = ISO_ROUTE_READ,
     .summary = "All applications, briefly",
     .answer_type = "application/json",
     .handle = get_apps},
    {.method = ISO_HTTP_GET,
     .pattern = "v1/apps/{app}",
     .access = ISO_ROUTE_READ,
     .summary = "Status of an application; with ?after=REVISION when it has changed",
     .answer_type = "application/json",
     .handle = get_app},
    {.method = ISO_HTTP_PUT,
     .pattern = "v1/apps/{app}",
     .access = ISO_ROUTE_OPERATE,
     .summary = "Deploy an application",
     .answer_type = "application/json",
     .body_max = BODY_MAX,
     .handle = put_app},
    {.method = ISO_HTTP_DELETE,
     .pattern = "v1/apps/{app}",
     .access = ISO_ROUTE_OPERATE,
     .summary = "Remove an application",
     .answer_type = "application/json",
     .handle = delete_app},
    {.method = ISO_HTTP_GET,
     .pattern = "v1/apps/{app}/generations",
     .access = ISO_ROUTE_READ,
     .summary = "Its generations, the latest first",
     .answer_type = "application/json",
     .handle = get_generations},
    {.method = ISO_HTTP_GET,
     .pattern = "v1/apps/{app}/generations/{generation}",
     .access = ISO_ROUTE_READ,
     .summary = "A generation with its manifest, placement and progress",
     .answer_type = "application/json",
     .handle = get_generation},
    {.method = ISO_HTTP_POST,
     .pattern = "v1/apps/{app}/rollback",
     .access = ISO_ROUTE_OPERATE,
     .summary = "Go back to an earlier generation",
     .answer_type = "application/json",
     .body_max = SMALL_BODY_MAX,
     .handle = post_rollback},
    {.method = ISO_HTTP_POST,
     .pattern = "v1/apps/{app}/components/{component}/move",
     .access = ISO_ROUTE_OPERATE,
     .summary = "Move a component to another device while it runs",
     .answer_type = "application/json",
     .body_max = SMALL_BODY_MAX,
     .handle = post_move},
    {.method = 0}};
