/* api_modules.c - HTTP: the module store. */
#include "supervisor/daemon.h"

#include "base/json_member.h"

#include <string.h>

static bool put_begin(void *ctx, struct iso_http_request *req,
                      const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_supervisor *sv = ctx;
    uint8_t digest[ISO_SHA256_SIZE];
    return iso_transfer_digest(req, params[0], digest) &&
           iso_transfer_begin(&sv->transfers, req, digest);
}

/* A module that is being synced; the request may end before the disk has answered. */
struct storing {
    struct iso_supervisor *sv;
    iso_http_id id;
};

static void stored(void *ctx, enum iso_err err, const struct iso_report *report)
{
    struct storing *storing = ctx;
    struct iso_supervisor *sv = storing->sv;
    if (err == ISO_OK) {
        iso_http_reply(sv->http, storing->id, 201, NULL, iso_bytes_from(NULL, 0));
        if (sv->deployments != NULL) {
            iso_sv_deployments_module_arrived(sv->deployments);
        }
    } else {
        iso_reply_error(sv->http, storing->id, err, report);
    }
    iso_alloc_free(sv->alloc, storing, sizeof *storing);
}

static void put_module(void *ctx, struct iso_http_request *req,
                       const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_supervisor *sv = ctx;
    const iso_http_id id = iso_http_request_id(req);
    (void)params;
    if (!iso_transfer_check(req)) {
        return;
    }
    if (iso_transfer_received(req) == NULL) {
        iso_http_reply(sv->http, id, 204, NULL, iso_bytes_from(NULL, 0));
        return;
    }
    struct storing *storing = iso_alloc_new(sv->alloc, sizeof *storing);
    if (storing == NULL) {
        iso_http_problem(sv->http, id, 503, NULL, NULL, "out of memory");
        return;
    }
    *storing = (struct storing){sv, id};
    iso_blob_upload_finish(iso_transfer_take(req), stored, storing);
}

static void get_module(void *ctx, struct iso_http_request *req,
                       const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_supervisor *sv = ctx;
    uint8_t digest[ISO_SHA256_SIZE];
    if (iso_transfer_digest(req, params[0], digest)) {
        iso_transfer_send(&sv->transfers, req, digest);
    }
}

static void delete_module(void *ctx, struct iso_http_request *req,
                          const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_supervisor *sv = ctx;
    uint8_t digest[ISO_SHA256_SIZE];
    struct iso_report report;
    const iso_http_id id = iso_http_request_id(req);
    if (!iso_transfer_digest(req, params[0], digest)) {
        return;
    }
    iso_report_init(&report);
    const enum iso_err err = iso_blobs_delete(sv->modules, digest, &report);
    if (err != ISO_OK) {
        iso_reply_error(sv->http, id, err, &report);
        return;
    }
    iso_http_reply(sv->http, id, 204, NULL, iso_bytes_from(NULL, 0));
}

static void put_entry(void *ctx, const uint8_t digest[ISO_SHA256_SIZE], uint64_t size_bytes,
                      bool used)
{
    struct iso_json *json = ctx;
    char text[72];
    iso_digest_text(digest, text);
    iso_json_object_begin(json);
    iso_json_put_z(json, "digest", text);
    iso_json_put_u64(json, "bytes", size_bytes);
    iso_json_put_bool(json, "used", used);
    iso_json_object_end(json);
}

static void get_modules(void *ctx, struct iso_http_request *req,
                        const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_supervisor *sv = ctx;
    struct iso_reply_document document;
    (void)params;
    iso_reply_document_begin(&document);
    iso_json_array_begin(&document.json);
    iso_blobs_each(sv->modules, put_entry, &document.json);
    iso_json_array_end(&document.json);
    iso_reply_document_end(&document, sv->http, iso_http_request_id(req), 200, ISO_OK);
}

const struct iso_route iso_sv_routes_modules[] = {
    {.method = ISO_HTTP_GET,
     .pattern = "v1/modules",
     .access = ISO_ROUTE_READ,
     .summary = "The modules in the store, with their sizes and whether they are used",
     .answer_type = "application/json",
     .handle = get_modules},
    {.method = ISO_HTTP_GET,
     .pattern = "v1/modules/{digest}",
     .access = ISO_ROUTE_OPERATE,
     .summary = "A module; HEAD asks whether it is there",
     .answer_type = "application/wasm",
     .handle = get_module},
    {.method = ISO_HTTP_PUT,
     .pattern = "v1/modules/{digest}",
     .access = ISO_ROUTE_OPERATE,
     .summary = "Store a module under the SHA-256 of its bytes; 204 when it was there already",
     .body_max = ISO_BLOB_BYTES_MAX,
     .body_type = "application/wasm",
     .handle = put_module,
     .begin = put_begin,
     .data = iso_transfer_piece},
    {.method = ISO_HTTP_DELETE,
     .pattern = "v1/modules/{digest}",
     .access = ISO_ROUTE_OPERATE,
     .summary = "Remove a module that no deployment uses",
     .handle = delete_module},
    {.method = 0}};
