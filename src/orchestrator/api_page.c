/* api_page.c - HTTP: the web page (ui/orchestrator; docs/page.md). The same for everybody: what it
 * shows it asks for with the browser's cookie. */
#include "orchestrator/page.h"
#include "orchestrator/service.h"

#include "base/format.h"
#include "base/sha256.h"

#include <string.h>

/* Nothing foreign, nothing inline. */
static const char page_policy[] =
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/* Swagger UI draws its arrows by data: addresses. */
static const char swagger_policy[] = "default-src 'self'; img-src 'self' data:; base-uri 'none'; "
                                     "form-action 'none'; frame-ancestors 'none'";

static const struct iso_embedded_file *find(struct iso_str name)
{
    for (const struct iso_embedded_file *file = iso_or_page_files; file->name != NULL; file++) {
        if (iso_str_equal_z(name, file->name)) {
            return file;
        }
    }
    return NULL;
}

static const char *media_type(const char *name)
{
    static const struct {
        const char *ending, *type;
    } types[] = {{".html", "text/html; charset=utf-8"},
                 {".css", "text/css; charset=utf-8"},
                 {".js", "text/javascript; charset=utf-8"},
                 {".svg", "image/svg+xml"}};
    const char *ending = strrchr(name, '.');
    for (size_t i = 0; ending != NULL && i < ISO_COUNT_OF(types); i++) {
        if (strcmp(ending, types[i].ending) == 0) {
            return types[i].type;
        }
    }
    return "text/plain; charset=utf-8";
}

static void stays(void *ctx)
{
    (void)ctx;
}

static void reply(struct iso_http_request *req, struct iso_str name, const char *policy)
{
    const struct iso_http_field fields[] = {{"Content-Encoding", "gzip"}};
    uint8_t digest[ISO_SHA256_SIZE];
    char etag[24];
    const struct iso_embedded_file *file = find(name);
    if (file == NULL) {
        iso_http_problem(iso_http_request_server(req), iso_http_request_id(req), 404, NULL, NULL,
                         "the page has no such file, or was built without it");
        return;
    }
    iso_sha256(file->bytes, *file->len, digest);
    uint64_t tag;
    memcpy(&tag, digest, sizeof tag);
    (void)iso_format(etag, sizeof etag, "\"%016llx\"", (unsigned long long)tag);
    const struct iso_http_response response = {.status = 200,
                                               .content_type = media_type(file->name),
                                               .body = iso_bytes_from(file->bytes, *file->len),
                                               .release = stays,
                                               .fields = fields,
                                               .field_count = file->is_gzip ? 1 : 0,
                                               .etag = etag,
                                               .content_security_policy = policy};
    iso_http_respond(iso_http_request_server(req), iso_http_request_id(req), &response);
}

static void get_page(void *ctx, struct iso_http_request *req,
                     const struct iso_str params[ISO_ROUTE_PARAMS])
{
    (void)ctx;
    (void)params;
    reply(req, iso_str_from_z("index.html"), page_policy);
}

static void get_swagger(void *ctx, struct iso_http_request *req,
                        const struct iso_str params[ISO_ROUTE_PARAMS])
{
    (void)ctx;
    (void)params;
    reply(req, iso_str_from_z("swagger.html"), swagger_policy);
}

/* Browsers ask for it by themselves on pages that name no other. */
static void get_icon(void *ctx, struct iso_http_request *req,
                     const struct iso_str params[ISO_ROUTE_PARAMS])
{
    (void)ctx;
    (void)params;
    reply(req, iso_str_from_z("icon.svg"), page_policy);
}

static void get_file(void *ctx, struct iso_http_request *req,
                     const struct iso_str params[ISO_ROUTE_PARAMS])
{
    (void)ctx;
    reply(req, params[0], page_policy);
}

const struct iso_route iso_or_routes_page[] = {
    {.method = ISO_HTTP_GET,
     .pattern = "",
     .access = ISO_ROUTE_PUBLIC,
     .summary = "The web page",
     .answer_type = "text/html",
     .handle = get_page},
    {.method = ISO_HTTP_GET,
     .pattern = "swagger",
     .access = ISO_ROUTE_PUBLIC,
     .summary = "This API to read and to try, in Swagger UI",
     .answer_type = "text/html",
     .handle = get_swagger},
    {.method = ISO_HTTP_GET,
     .pattern = "favicon.ico",
     .access = ISO_ROUTE_PUBLIC,
     .summary = "The icon of the web page",
     .answer_type = "image/svg+xml",
     .handle = get_icon},
    {.method = ISO_HTTP_GET,
     .pattern = "static/{file}",
     .access = ISO_ROUTE_PUBLIC,
     .summary = "Files of the web page",
     .handle = get_file},
    {.method = 0}};
