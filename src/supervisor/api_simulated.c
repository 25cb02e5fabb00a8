/* api_simulated.c - HTTP: what is simulated on the device, to be looked at and set. */
#include "supervisor/daemon.h"

#include <jansson.h>

enum { BODY_MAX = 65536 };

static void get_simulated(void *ctx, struct iso_http_request *req,
                          const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_supervisor *sv = ctx;
    struct iso_reply_document document;
    (void)params;
    iso_reply_document_begin(&document);
    iso_sv_devices_simulated_write(sv->devices, &document.json);
    iso_reply_document_end(&document, sv->http, iso_http_request_id(req), 200, ISO_OK);
}

static void post_simulated(void *ctx, struct iso_http_request *req,
                           const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_supervisor *sv = ctx;
    struct iso_report report;
    (void)params;
    json_t *root = iso_reply_read_object(req);
    if (root == NULL) {
        return;
    }
    iso_report_init(&report);
    const enum iso_err err = iso_sv_devices_simulated_set(sv->devices, root, &report);
    json_decref(root);
    iso_reply_done(sv->http, iso_http_request_id(req), err, &report);
}

const struct iso_route iso_sv_routes_simulated[] = {
    {.method = ISO_HTTP_GET,
     .pattern = "v1/simulated",
     .access = ISO_ROUTE_READ,
     .summary = "Simulated sensors and lines with their values",
     .answer_type = "application/json",
     .handle = get_simulated},
    {.method = ISO_HTTP_POST,
     .pattern = "v1/simulated",
     .access = ISO_ROUTE_OPERATE,
     .summary = "Set some of them: {\"sensor\": {NAME: number}, \"gpio\": {NAME: true or false}}",
     .body_max = BODY_MAX,
     .handle = post_simulated},
    {.method = 0}};
