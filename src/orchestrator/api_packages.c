/* api_packages.c - HTTP: packages, modules, registries, trusted keys (docs/orchestrator-api.md). */
#include "orchestrator/service.h"

#include "base/format.h"
#include "codec/codec.h"
#include "daemon/reply.h"

#include <stdlib.h>
#include <string.h>

enum { BODY_MAX = 64 << 10 };

/* ---- Answers -----------------------------------------------------------------------------------
 */

/* write: a list of the shelf. */
static void reply_list(struct iso_orchestrator *orchestrator, struct iso_http_request *req,
                       enum iso_err (*write)(struct iso_or_shelf *shelf, struct iso_json *json,
                                             struct iso_report *report))
{
    struct iso_reply_document document;
    iso_reply_document_begin(&document);
    const enum iso_err err = write(orchestrator->shelf, &document.json, &document.report);
    iso_reply_document_end(&document, orchestrator->http, iso_http_request_id(req), 200, err);
}

static void reply_package(struct iso_orchestrator *orchestrator, iso_http_id id, unsigned status,
                          struct iso_str reference)
{
    struct iso_reply_document document;
    iso_reply_document_begin(&document);
    const enum iso_err err =
        iso_or_shelf_write_one(orchestrator->shelf, reference, &document.json, &document.report);
    iso_reply_document_end(&document, orchestrator->http, id, status, err);
}

/* ---- Packages ----------------------------------------------------------------------------------
 */

static void get_packages(void *ctx, struct iso_http_request *req,
                         const struct iso_str params[ISO_ROUTE_PARAMS])
{
    (void)params;
    reply_list(ctx, req, iso_or_shelf_write);
}

static void get_package(void *ctx, struct iso_http_request *req,
                        const struct iso_str params[ISO_ROUTE_PARAMS])
{
    reply_package(ctx, iso_http_request_id(req), 200, params[0]);
}

static void delete_package(void *ctx, struct iso_http_request *req,
                           const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_orchestrator *orchestrator = ctx;
    struct iso_report report;
    iso_report_init(&report);
    iso_reply_done(orchestrator->http, iso_http_request_id(req),
                   iso_or_shelf_remove(orchestrator->shelf, params[0], &report), &report);
}

/* kind "add": 201; "fetch": 200; "push": 200 with the reference there. */
static void on_kept(void *ctx, enum iso_err err, const struct iso_report *report,
                    const char *reference)
{
    struct iso_or_pending *pending = ctx;
    struct iso_orchestrator *orchestrator = pending->orchestrator;
    if (!iso_or_pending_is_open(pending)) {
        iso_or_pending_end(pending);
        return;
    }
    if (err != ISO_OK) {
        const unsigned status = err == ISO_E_IO ? 502 : iso_reply_status(err);
        iso_http_problem(orchestrator->http, pending->id, status, NULL, NULL,
                         iso_report_text(report, err));
    } else if (strcmp(pending->kind, "push") == 0) {
        iso_reply_json(orchestrator->http, pending->id, 200,
                       json_pack("{s:s}", "reference", reference));
    } else {
        reply_package(orchestrator, pending->id, strcmp(pending->kind, "add") == 0 ? 201 : 200,
                      iso_str_from_z(reference));
    }
    iso_or_pending_end(pending);
}

/* The signature of ?signature=, which is base64 of the file; false: it is not. */
static bool signature_of(struct iso_http_request *req, struct iso_buf *out)
{
    struct iso_str text;
    size_t bad;
    if (!iso_http_request_parameter(req, "signature", &text)) {
        return true;
    }
    const size_t size = iso_base64_decoded_size(text);
    if (iso_buf_reserve(out, size) != ISO_OK || !iso_base64_decode(text, out->ptr, &bad)) {
        return false;
    }
    out->len = size;
    return true;
}

static bool begin_packages(void *ctx, struct iso_http_request *req,
                           const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_orchestrator *orchestrator = ctx;
    (void)params;
    return iso_transfer_begin(&orchestrator->transfers, req, NULL);
}

static void add_package(struct iso_orchestrator *orchestrator, struct iso_http_request *req,
                        struct iso_str signature)
{
    struct iso_or_shelf_add add = {.signature = signature};
    struct iso_or_pending *pending = iso_or_pending_new(orchestrator, req, "add");
    if (pending == NULL) {
        return;
    }
    add.upload = iso_transfer_take(req);
    if (!iso_http_request_parameter(req, "name", &add.name)) {
        add.name = (struct iso_str){NULL, 0};
    }
    if (!iso_http_request_parameter(req, "version", &add.version)) {
        add.version = (struct iso_str){NULL, 0};
    }
    if (iso_or_shelf_add(orchestrator->shelf, &add, on_kept, pending) != ISO_OK) {
        iso_or_pending_refuse(pending);
    }
}

static void post_packages(void *ctx, struct iso_http_request *req,
                          const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_orchestrator *orchestrator = ctx;
    struct iso_buf signature;
    (void)params;
    if (!iso_transfer_check(req)) {
        return;
    }
    iso_buf_init(&signature, orchestrator->alloc, 64u << 10);
    if (!signature_of(req, &signature)) {
        iso_http_problem(orchestrator->http, iso_http_request_id(req), 400, NULL, NULL,
                         "?signature= is the base64 of the .minisig file");
    } else if (iso_blob_upload_size(iso_transfer_received(req)) == 0) {
        iso_http_problem(orchestrator->http, iso_http_request_id(req), 400, NULL, NULL,
                         "the body must be a module (application/wasm)");
    } else {
        add_package(orchestrator, req, iso_str_from((const char *)signature.ptr, signature.len));
    }
    iso_buf_fini(&signature);
}

static void post_fetch(void *ctx, struct iso_http_request *req,
                       const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_orchestrator *orchestrator = ctx;
    (void)params;
    json_t *body = iso_reply_read_object(req);
    const char *reference = json_string_value(json_object_get(body, "reference"));
    struct iso_or_pending *pending = NULL;
    if (body != NULL && reference == NULL) {
        iso_http_problem(orchestrator->http, iso_http_request_id(req), 400, NULL, NULL,
                         "write {\"reference\": \"npm:...\" or \"oci:...\" or \"https:...\"}");
    } else if (body != NULL) {
        pending = iso_or_pending_new(orchestrator, req, "fetch");
    }
    if (pending != NULL && iso_or_shelf_fetch(orchestrator->shelf, iso_str_from_z(reference),
                                              on_kept, pending) != ISO_OK) {
        iso_or_pending_refuse(pending);
    }
    json_decref(body);
}

static void post_push(void *ctx, struct iso_http_request *req,
                      const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_orchestrator *orchestrator = ctx;
    (void)params;
    json_t *body = iso_reply_read_object(req);
    const char *package = json_string_value(json_object_get(body, "package"));
    const char *to = json_string_value(json_object_get(body, "to"));
    struct iso_or_pending *pending = NULL;
    if (body != NULL && (package == NULL || to == NULL)) {
        iso_http_problem(orchestrator->http, iso_http_request_id(req), 400, NULL, NULL,
                         "write {\"package\": \"NAME@VERSION\", \"to\": \"oci:ALIAS/NAME:TAG\"}");
    } else if (body != NULL) {
        pending = iso_or_pending_new(orchestrator, req, "push");
    }
    if (pending != NULL && iso_or_shelf_push(orchestrator->shelf, iso_str_from_z(package),
                                             iso_str_from_z(to), on_kept, pending) != ISO_OK) {
        iso_or_pending_refuse(pending);
    }
    json_decref(body);
}

static void get_module(void *ctx, struct iso_http_request *req,
                       const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_orchestrator *orchestrator = ctx;
    uint8_t digest[ISO_SHA256_SIZE];
    if (iso_transfer_digest(req, params[0], digest)) {
        iso_transfer_send(&orchestrator->transfers, req, digest);
    }
}

/* ---- Registries and keys -----------------------------------------------------------------------
 */

static void get_registries(void *ctx, struct iso_http_request *req,
                           const struct iso_str params[ISO_ROUTE_PARAMS])
{
    (void)params;
    reply_list(ctx, req, iso_or_shelf_registries_write);
}

static void get_trust(void *ctx, struct iso_http_request *req,
                      const struct iso_str params[ISO_ROUTE_PARAMS])
{
    (void)params;
    reply_list(ctx, req, iso_or_shelf_trust_write);
}

static void put_item(struct iso_orchestrator *orchestrator, struct iso_http_request *req,
                     struct iso_str name,
                     enum iso_err (*set)(struct iso_or_shelf *shelf, struct iso_str name,
                                         const json_t *value, struct iso_report *report))
{
    struct iso_report report;
    iso_report_init(&report);
    json_t *body = iso_reply_read_object(req);
    if (body != NULL) {
        iso_reply_done(orchestrator->http, iso_http_request_id(req),
                       set(orchestrator->shelf, name, body, &report), &report);
    }
    json_decref(body);
}

static void put_registry(void *ctx, struct iso_http_request *req,
                         const struct iso_str params[ISO_ROUTE_PARAMS])
{
    put_item(ctx, req, params[0], iso_or_shelf_registry_put);
}

static void put_trust(void *ctx, struct iso_http_request *req,
                      const struct iso_str params[ISO_ROUTE_PARAMS])
{
    put_item(ctx, req, params[0], iso_or_shelf_trust_put);
}

static void delete_registry(void *ctx, struct iso_http_request *req,
                            const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_orchestrator *orchestrator = ctx;
    struct iso_report report;
    iso_report_init(&report);
    iso_reply_done(orchestrator->http, iso_http_request_id(req),
                   iso_or_shelf_registry_remove(orchestrator->shelf, params[0], &report), &report);
}

static void delete_trust(void *ctx, struct iso_http_request *req,
                         const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_orchestrator *orchestrator = ctx;
    struct iso_report report;
    iso_report_init(&report);
    iso_reply_done(orchestrator->http, iso_http_request_id(req),
                   iso_or_shelf_trust_remove(orchestrator->shelf, params[0], &report), &report);
}

const struct iso_route iso_or_routes_packages[] = {
    {.method = ISO_HTTP_GET,
     .pattern = "v1/packages",
     .access = ISO_ROUTE_READ,
     .summary = "The packages that are kept",
     .answer_type = "application/json",
     .handle = get_packages},
    {.method = ISO_HTTP_POST,
     .pattern = "v1/packages",
     .access = ISO_ROUTE_OPERATE,
     .summary = "Keep a module, under ?name= and ?version= or by its digest",
     .answer_type = "application/json",
     .body_max = ISO_PACKAGE_MAX_BYTES,
     .body_type = "application/wasm",
     .handle = post_packages,
     .begin = begin_packages,
     .data = iso_transfer_piece},
    {.method = ISO_HTTP_POST,
     .pattern = "v1/packages/fetch",
     .access = ISO_ROUTE_OPERATE,
     .summary = "Fetch a package from where its reference says",
     .answer_type = "application/json",
     .body_max = BODY_MAX,
     .handle = post_fetch},
    {.method = ISO_HTTP_POST,
     .pattern = "v1/packages/push",
     .access = ISO_ROUTE_OPERATE,
     .summary = "Push a package to a registry",
     .answer_type = "application/json",
     .body_max = BODY_MAX,
     .handle = post_push},
    {.method = ISO_HTTP_GET,
     .pattern = "v1/packages/{reference}",
     .access = ISO_ROUTE_READ,
     .summary = "A package with its interface",
     .answer_type = "application/json",
     .handle = get_package},
    {.method = ISO_HTTP_DELETE,
     .pattern = "v1/packages/{reference}",
     .access = ISO_ROUTE_OPERATE,
     .summary = "Remove a package that no application uses",
     .handle = delete_package},
    {.method = ISO_HTTP_GET,
     .pattern = "v1/modules/{digest}",
     .access = ISO_ROUTE_OPERATE,
     .summary = "The bytes of a module",
     .answer_type = "application/wasm",
     .handle = get_module},
    {.method = ISO_HTTP_GET,
     .pattern = "v1/registries",
     .access = ISO_ROUTE_READ,
     .summary = "Registries by alias, without passwords",
     .answer_type = "application/json",
     .handle = get_registries},
    {.method = ISO_HTTP_PUT,
     .pattern = "v1/registries/{alias}",
     .access = ISO_ROUTE_OPERATE,
     .summary = "Add or replace a registry",
     .body_max = BODY_MAX,
     .handle = put_registry},
    {.method = ISO_HTTP_DELETE,
     .pattern = "v1/registries/{alias}",
     .access = ISO_ROUTE_OPERATE,
     .summary = "Remove a registry",
     .handle = delete_registry},
    {.method = ISO_HTTP_GET,
     .pattern = "v1/trust",
     .access = ISO_ROUTE_READ,
     .summary = "Keys that packages must be signed with",
     .answer_type = "application/json",
     .handle = get_trust},
    {.method = ISO_HTTP_PUT,
     .pattern = "v1/trust/{id}",
     .access = ISO_ROUTE_OPERATE,
     .summary = "Trust a key; from the first one on, unsigned packages are refused",
     .body_max = BODY_MAX,
     .handle = put_trust},
    {.method = ISO_HTTP_DELETE,
     .pattern = "v1/trust/{id}",
     .access = ISO_ROUTE_OPERATE,
     .summary = "Trust a key no longer",
     .handle = delete_trust},
    {.method = 0}};
