/* api_modules.c - HTTP: the module store. */
#include "supervisor/daemon.h"

#include "base/json_member.h"

#include <string.h>

struct upload {
    struct iso_supervisor *sv;
    iso_http_id id;
    struct iso_blob_upload *upload; /* NULL: the module is there, or writing failed */
    bool failed;
};

static bool parse(struct iso_supervisor *sv, struct iso_http_request *req, struct iso_str text,
                  uint8_t digest[ISO_SHA256_SIZE])
{
    struct iso_report report;
    iso_report_init(&report);
    const enum iso_err err = iso_digest_parse(text, digest, &report);
    if (err != ISO_OK) {
        iso_reply_error(sv->http, iso_http_request_id(req), err, &report);
    }
    return err == ISO_OK;
}

/* The client has gone, or all is done. */
static void upload_closed(void *ctx, void *user)
{
    struct iso_supervisor *sv = ctx;
    struct upload *upload = user;
    iso_blob_upload_abort(upload->upload);
    iso_alloc_free(sv->alloc, upload, sizeof *upload);
}

static bool put_begin(void *ctx, struct iso_http_request *req,
                      const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_supervisor *sv = ctx;
    uint8_t digest[ISO_SHA256_SIZE];
    struct iso_report report;
    const iso_http_id id = iso_http_request_id(req);
    if (!parse(sv, req, params[0], digest)) {
        return false;
    }
    struct upload *upload = iso_alloc_new(sv->alloc, sizeof *upload);
    if (upload == NULL) {
        iso_http_problem(sv->http, id, 503, NULL, NULL, "out of memory");
        return false;
    }
    *upload = (struct upload){sv, id, NULL, false};
    iso_route_closer(req, upload_closed, upload);
    iso_report_init(&report);
    const enum iso_err err = iso_blobs_begin(
        sv->modules, digest, iso_http_request_content_length(req), &upload->upload, &report);
    if (err != ISO_OK) {
        iso_reply_error(sv->http, id, err, &report);
    }
    return err == ISO_OK;
}

static unsigned put_data(void *ctx, struct iso_http_request *req, struct iso_bytes piece)
{
    struct iso_supervisor *sv = ctx;
    struct upload *upload = iso_route_user(req);
    struct iso_report report;
    if (upload->upload == NULL) {
        return 0; /* there already: what comes is not needed */
    }
    iso_report_init(&report);
    const enum iso_err err = iso_blob_upload_write(upload->upload, piece, &report);
    if (err == ISO_OK) {
        return 0;
    }
    iso_reply_error(sv->http, upload->id, err, &report);
    return iso_reply_status(err);
}

static void stored(void *ctx, enum iso_err err, const struct iso_report *report)
{
    struct upload *upload = ctx;
    struct iso_supervisor *sv = upload->sv;
    if (err == ISO_OK) {
        iso_http_reply(sv->http, upload->id, 201, NULL, iso_bytes_from(NULL, 0));
        iso_sv_deployments_module_arrived(sv->deployments);
    } else {
        iso_reply_error(sv->http, upload->id, err, report);
    }
    iso_alloc_free(sv->alloc, upload, sizeof *upload);
}

static void put_module(void *ctx, struct iso_http_request *req,
                       const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_supervisor *sv = ctx;
    struct upload *upload = iso_route_user(req);
    (void)params;
    if (upload->upload == NULL) {
        iso_http_reply(sv->http, upload->id, 204, NULL, iso_bytes_from(NULL, 0));
        return;
    }
    /* The request may end before the disk has answered. */
    struct upload *own = iso_alloc_new(sv->alloc, sizeof *own);
    if (own == NULL) {
        iso_http_problem(sv->http, upload->id, 503, NULL, NULL, "out of memory");
        return;
    }
    *own = *upload;
    upload->upload = NULL;
    iso_blob_upload_finish(own->upload, stored, own);
}

/* ---- Reading -------------------------------------------------------------------------------- */

struct download {
    struct iso_supervisor *sv;
    iso_http_id id;
};

static void loaded(void *ctx, enum iso_err err, uint8_t *bytes, size_t len,
                   const struct iso_report *report)
{
    struct download *download = ctx;
    struct iso_supervisor *sv = download->sv;
    const iso_http_id id = download->id;
    iso_alloc_free(sv->alloc, download, sizeof *download);
    if (err != ISO_OK) {
        iso_reply_error(sv->http, id, err, report);
    } else {
        iso_reply_block(sv->http, id, "application/wasm", bytes, len);
    }
}

static void get_module(void *ctx, struct iso_http_request *req,
                       const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_supervisor *sv = ctx;
    uint8_t digest[ISO_SHA256_SIZE];
    uint64_t size;
    const iso_http_id id = iso_http_request_id(req);
    if (!parse(sv, req, params[0], digest)) {
        return;
    }
    if (!iso_blobs_find(sv->modules, digest, &size)) {
        iso_http_problem(sv->http, id, 404, NULL, NULL, "this module is not in the store");
        return;
    }
    if (iso_http_request_is_head(req)) { /* is it there? Not worth reading it */
        iso_http_reply(sv->http, id, 200, "application/wasm", iso_bytes_from(NULL, 0));
        return;
    }
    struct download *download = iso_alloc_new(sv->alloc, sizeof *download);
    if (download == NULL) {
        iso_http_problem(sv->http, id, 503, NULL, NULL, "out of memory");
        return;
    }
    *download = (struct download){sv, id};
    iso_blobs_load(sv->modules, digest, loaded, download);
}

static void delete_module(void *ctx, struct iso_http_request *req,
                          const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_supervisor *sv = ctx;
    uint8_t digest[ISO_SHA256_SIZE];
    struct iso_report report;
    const iso_http_id id = iso_http_request_id(req);
    if (!parse(sv, req, params[0], digest)) {
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
    struct iso_buf buf;
    struct iso_json json;
    (void)params;
    iso_buf_init(&buf, sv->alloc, 4u << 20);
    iso_json_init_buf(&json, &buf, 0);
    iso_json_array_begin(&json);
    iso_blobs_each(sv->modules, put_entry, &json);
    iso_json_array_end(&json);
    iso_reply_buf(req, 200, "application/json", &buf, iso_json_finish(&json));
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
     .data = put_data},
    {.method = ISO_HTTP_DELETE,
     .pattern = "v1/modules/{digest}",
     .access = ISO_ROUTE_OPERATE,
     .summary = "Remove a module that no deployment uses",
     .handle = delete_module},
    {.method = 0}};
