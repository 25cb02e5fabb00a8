/* api_general.c - HTTP: the orchestrator itself: how it is, what it counts, what happened. */
#include "orchestrator/service.h"

#include "base/format.h"
#include "base/json_member.h"
#include "daemon/member.h"
#include "daemon/openapi.h"
#include "daemon/reply.h"

#include <string.h>

enum { DOCUMENT_MAX = 4 << 20 };

/* ---- Answers that come later -------------------------------------------------------------------
 */

/* It goes when its request is over and its callback has come, whichever is first. */
static void release_pending(struct iso_or_pending *pending)
{
    if (pending->id != 0 || !pending->ended) {
        return;
    }
    struct iso_or_pending **at = &pending->orchestrator->pending;
    while (*at != pending) {
        at = &(*at)->next;
    }
    *at = pending->next;
    iso_alloc_free(pending->orchestrator->alloc, pending, sizeof *pending);
}

static void on_pending_closed(void *ctx, void *user)
{
    struct iso_or_pending *pending = user;
    (void)ctx;
    pending->id = 0;
    if (!pending->ended && pending->gone != NULL) {
        pending->gone(pending);
    } else {
        release_pending(pending);
    }
}

struct iso_or_pending *iso_or_pending_new(struct iso_orchestrator *orchestrator,
                                          struct iso_http_request *req, const char *kind)
{
    struct iso_or_pending *pending = iso_alloc_new(orchestrator->alloc, sizeof *pending);
    if (pending == NULL) {
        iso_http_problem(orchestrator->http, iso_http_request_id(req), 503, NULL, NULL,
                         "out of memory");
        return NULL;
    }
    *pending = (struct iso_or_pending){.next = orchestrator->pending,
                                       .orchestrator = orchestrator,
                                       .id = iso_http_request_id(req),
                                       .kind = kind};
    orchestrator->pending = pending;
    iso_route_closer(req, on_pending_closed, pending);
    return pending;
}

bool iso_or_pending_is_open(const struct iso_or_pending *pending)
{
    return pending->id != 0;
}

void iso_or_pending_end(struct iso_or_pending *pending)
{
    pending->ended = true;
    release_pending(pending);
}

void iso_or_pending_refuse(struct iso_or_pending *pending)
{
    iso_http_problem(pending->orchestrator->http, pending->id, 503, NULL, NULL, "out of memory");
    iso_or_pending_end(pending);
}

void iso_or_pending_stop_all(struct iso_orchestrator *orchestrator)
{
    for (const struct iso_or_pending *at = orchestrator->pending; at != NULL; at = at->next) {
        if (iso_or_pending_is_open(at)) {
            iso_http_problem(orchestrator->http, at->id, 503, NULL, NULL,
                             "the orchestrator is stopping");
        }
    }
}

/* ---- The orchestrator --------------------------------------------------------------------------
 */

struct counts {
    size_t states[ISO_OR_REFUSES + 1];
};

static bool count_device(void *ctx, const struct iso_or_device *device)
{
    struct counts *counts = ctx;
    counts->states[device->state]++;
    return true;
}

static void put_devices(const struct iso_orchestrator *orchestrator, struct iso_json *json)
{
    struct counts counts = {{0}};
    iso_or_devices_each(orchestrator->devices, count_device, &counts);
    iso_json_put_object_begin(json, "devices");
    for (unsigned i = 0; i <= ISO_OR_REFUSES; i++) {
        iso_json_put_u64(json, iso_or_device_state_name((enum iso_or_device_state)i),
                         counts.states[i]);
    }
    iso_json_object_end(json);
}

static void get_orchestrator(void *ctx, struct iso_http_request *req,
                             const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_orchestrator *orchestrator = ctx;
    struct iso_reply_document document;
    char pin[ISO_TLS_PIN_TEXT_SIZE];
    uint16_t https, http;
    (void)params;
    iso_route_server_ports(orchestrator->server, &https, &http);
    iso_tls_pin_text(orchestrator->state.identity.pin, pin);
    iso_reply_document_begin(&document);
    iso_json_object_begin(&document.json);
    iso_json_put_z(&document.json, "id", orchestrator->state.id);
    iso_json_put_z(&document.json, "name", orchestrator->name);
    iso_json_put_z(&document.json, "version", ISO_VERSION);
    iso_json_put_z(&document.json, "pin", pin);
    iso_json_put_z(&document.json, "address", orchestrator->address);
    iso_json_put_u64(&document.json, "https", https);
    iso_json_put_u64(&document.json, "http", http);
    iso_member_time(&document.json, "started", orchestrator->started_ns);
    put_devices(orchestrator, &document.json);
    iso_json_put_object_begin(&document.json, "limits");
    iso_json_put_u64(&document.json, "devices", ISO_OR_DEVICES_MAX);
    iso_json_put_u64(&document.json, "applications", ISO_OR_APPS_MAX);
    iso_json_put_u64(&document.json, "components", ISO_OR_COMPONENTS_MAX);
    iso_json_put_u64(&document.json, "generations-kept", ISO_OR_GENERATIONS_KEPT);
    iso_json_put_u64(&document.json, "events-kept", ISO_OR_EVENTS_KEPT);
    iso_json_object_end(&document.json);
    iso_json_object_end(&document.json);
    iso_reply_document_end(&document, orchestrator->http, iso_http_request_id(req), 200, ISO_OK);
}

/* Well as long as its store can be written. */
static void get_health(void *ctx, struct iso_http_request *req,
                       const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_orchestrator *orchestrator = ctx;
    struct iso_reply_document document;
    const uint64_t now_ms = uv_hrtime() / 1000000u;
    (void)params;
    if (orchestrator->health.tried_ms == 0 ||
        now_ms - orchestrator->health.tried_ms >= ISO_OR_HEALTH_MS) {
        orchestrator->health.tried_ms = now_ms;
        iso_report_init(&orchestrator->health.report);
        orchestrator->health.err = iso_or_store_set(
            orchestrator->store, "health", iso_str_from_z("ok"), &orchestrator->health.report);
    }
    const enum iso_err err = orchestrator->health.err;
    iso_reply_document_begin(&document);
    iso_json_object_begin(&document.json);
    iso_json_put_z(&document.json, "status", err == ISO_OK ? "ok" : "degraded");
    iso_json_put_array_begin(&document.json, "reasons");
    if (err != ISO_OK) {
        iso_json_z(&document.json, iso_report_text(&orchestrator->health.report, err));
    }
    iso_json_array_end(&document.json);
    iso_json_object_end(&document.json);
    iso_reply_document_end(&document, orchestrator->http, iso_http_request_id(req),
                           err == ISO_OK ? 200 : 503, ISO_OK);
}

static enum iso_err put_metric(struct iso_buf *out, const char *name, const char *help,
                               const char *type, const char *labels, double value)
{
    char line[512];
    size_t len = 0;
    if (help != NULL) {
        len = iso_format(line, sizeof line, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
    }
    len += iso_format(line + len, sizeof line - len, "%s%s %.17g\n", name, labels, value);
    return iso_buf_append(out, line, len);
}

static enum iso_err write_metrics(struct iso_orchestrator *orchestrator, struct iso_buf *out)
{
    struct counts counts = {{0}};
    struct iso_http_stats stats;
    struct iso_http_client_stats client;
    enum iso_err err = ISO_OK;
    iso_or_devices_each(orchestrator->devices, count_device, &counts);
    for (unsigned i = 0; i <= ISO_OR_REFUSES && err == ISO_OK; i++) {
        char labels[64];
        (void)iso_format(labels, sizeof labels, "{state=\"%s\"}",
                         iso_or_device_state_name((enum iso_or_device_state)i));
        err = put_metric(out, "isomer_devices", i == 0 ? "Devices by their state." : NULL, "gauge",
                         labels, (double)counts.states[i]);
    }
    iso_http_server_stats(orchestrator->http, &stats);
    iso_http_client_stats(orchestrator->http_client, &client);
    const struct {
        const char *name, *help, *type;
        double value;
    } metrics[] = {
        {"isomer_http_requests_total", "Requests that were answered here.", "counter",
         (double)stats.requests},
        {"isomer_http_connections", "Connections that are open here.", "gauge",
         (double)stats.connections},
        {"isomer_requests_to_devices_total", "Requests to devices and registries.", "counter",
         (double)client.started},
        {"isomer_requests_answered_total", "Those of them that were answered.", "counter",
         (double)client.done},
        {"isomer_connections_opened_total", "Connections to devices and registries.", "counter",
         (double)client.connected},
    };
    for (size_t i = 0; i < ISO_COUNT_OF(metrics) && err == ISO_OK; i++) {
        err = put_metric(out, metrics[i].name, metrics[i].help, metrics[i].type, "",
                         metrics[i].value);
    }
    return err;
}

static void get_metrics(void *ctx, struct iso_http_request *req,
                        const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_orchestrator *orchestrator = ctx;
    struct iso_buf buf;
    (void)params;
    iso_buf_init(&buf, orchestrator->alloc, DOCUMENT_MAX);
    const enum iso_err err = write_metrics(orchestrator, &buf);
    iso_reply_buf(req, 200, "text/plain; version=0.0.4", &buf, err);
}

static void get_openapi(void *ctx, struct iso_http_request *req,
                        const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_orchestrator *orchestrator = ctx;
    char base[512];
    struct iso_buf buf;
    (void)params;
    iso_route_base_url(req, base, sizeof base);
    const struct iso_openapi_info info = {.title = orchestrator->name,
                                          .description =
                                              "An orchestrator: devices, packages, applications.",
                                          .version = ISO_VERSION,
                                          .base = base};
    iso_buf_init(&buf, orchestrator->alloc, DOCUMENT_MAX);
    const enum iso_err err = iso_openapi_write(&info, orchestrator->tables, &buf);
    iso_reply_buf(req, 200, "application/json", &buf, err);
}

static void get_events(void *ctx, struct iso_http_request *req,
                       const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_orchestrator *orchestrator = ctx;
    (void)params;
    iso_reply_feed(req, &orchestrator->events);
}

const struct iso_route iso_or_routes_general[] = {
    {.method = ISO_HTTP_GET,
     .pattern = "health",
     .access = ISO_ROUTE_PUBLIC,
     .summary = "Whether all is well, and if not, why",
     .answer_type = "application/json",
     .handle = get_health},
    {.method = ISO_HTTP_GET,
     .pattern = "metrics",
     .access = ISO_ROUTE_READ,
     .summary = "Figures as Prometheus text",
     .answer_type = "text/plain",
     .handle = get_metrics},
    {.method = ISO_HTTP_GET,
     .pattern = "openapi.json",
     .access = ISO_ROUTE_PUBLIC,
     .summary = "This API",
     .answer_type = "application/json",
     .handle = get_openapi},
    {.method = ISO_HTTP_GET,
     .pattern = "v1/orchestrator",
     .access = ISO_ROUTE_READ,
     .summary = "The orchestrator: identity, version, addresses, counts, limits",
     .answer_type = "application/json",
     .handle = get_orchestrator},
    {.method = ISO_HTTP_GET,
     .pattern = "v1/events",
     .access = ISO_ROUTE_READ,
     .summary = "What happened; as text/event-stream also what will",
     .answer_type = "text/event-stream",
     .handle = get_events},
    {.method = 0}};
