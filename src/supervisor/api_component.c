/* api_component.c - HTTP: components: status, descriptions, logs and events. */
#include "supervisor/api_call.h"

#include "base/format.h"
#include "base/json_member.h"
#include "daemon/member.h"

#include <stdlib.h>

/* ---- Status --------------------------------------------------------------------------------- */

static void put_ms(struct iso_json *json, const char *key, uint64_t ns)
{
    iso_json_put_f64(json, key, (double)(ns / 1000u) / 1000.0);
}

static void put_calls(struct iso_json *json, const struct iso_sv_component_stats *stats)
{
    uint64_t total = 0;
    iso_json_put_object_begin(json, "calls");
    for (unsigned i = 0; i < ISO_SV_OUTCOME_COUNT; i++) {
        total += stats->calls[i];
        iso_json_put_u64(json, iso_sv_outcome_name((enum iso_sv_outcome)i), stats->calls[i]);
    }
    iso_json_put_u64(json, "total", total);
    iso_json_object_end(json);
    iso_json_put_object_begin(json, "latency-ms");
    put_ms(json, "p50", iso_sv_latency_quantile(stats->latency, 0.50));
    put_ms(json, "p95", iso_sv_latency_quantile(stats->latency, 0.95));
    put_ms(json, "p99", iso_sv_latency_quantile(stats->latency, 0.99));
    put_ms(json, "mean", total != 0 ? stats->latency_sum_ns / total : 0);
    iso_json_object_end(json);
}

static void put_functions(struct iso_json *json, const struct iso_sv_program *program)
{
    iso_json_put_array_begin(json, "functions");
    for (uint32_t i = 0; i < iso_sv_program_func_count(program); i++) {
        iso_json_z(json, iso_sv_program_func(program, i)->path);
    }
    iso_json_array_end(json);
}

/* What a call takes, over all that were carried out: for who plans where to run it. */
static void put_work(struct iso_json *json, const struct iso_sv_component_stats *stats)
{
    static const enum iso_sv_outcome executed[] = {ISO_SV_DONE, ISO_SV_ERROR, ISO_SV_TRAP,
                                                   ISO_SV_LIMIT};
    uint64_t calls = 0;
    for (size_t i = 0; i < ISO_COUNT_OF(executed); i++) {
        calls += stats->calls[executed[i]];
    }
    iso_json_put_object_begin(json, "work");
    iso_json_put_u64(json, "calls", calls);
    iso_json_put_u64(json, "fuel-per-call", calls != 0 ? stats->fuel / calls : 0);
    put_ms(json, "cpu-ms-per-call", calls != 0 ? stats->cpu_ns / calls : 0);
    iso_json_object_end(json);
}

static void put_links(struct iso_json *json, const struct iso_sv_component *component)
{
    struct iso_sv_link_stats stats;
    iso_json_put_array_begin(json, "links");
    for (uint32_t i = 0; i < iso_sv_component_link_count(component); i++) {
        if (!iso_sv_component_link_stats_get(component, i, &stats)) {
            continue; /* to another device: GET /v1/flows */
        }
        iso_json_object_begin(json);
        iso_json_put_string(json, "interface", stats.interface);
        iso_json_put_string(json, "component", iso_sv_component_name(stats.target));
        iso_json_put_u64(json, "calls", stats.calls);
        iso_json_put_u64(json, "bytes-out", stats.bytes_out);
        iso_json_put_u64(json, "bytes-in", stats.bytes_in);
        iso_json_object_end(json);
    }
    iso_json_array_end(json);
}

static void put_status(struct iso_json *json, struct iso_sv_component *component)
{
    struct iso_sv_component_stats stats;
    const struct iso_sv_program *program = iso_sv_component_program(component);
    iso_sv_component_stats_get(component, &stats);
    iso_json_object_begin(json);
    iso_json_put_string(json, "app", iso_sv_component_app(component));
    iso_json_put_string(json, "component", iso_sv_component_name(component));
    iso_json_put_string(json, "state",
                        iso_str_from_z(iso_sv_state_name(iso_sv_component_state(component))));
    iso_json_put_string(json, "mode",
                        iso_str_from_z(iso_sv_component_mode(component) == ISO_SV_SERVICE
                                           ? "service"
                                           : "function"));
    iso_json_put_string(json, "module", iso_str_from_z(iso_sv_program_digest(program)));
    iso_json_put_u64(json, "epoch", iso_sv_component_epoch(component));
    put_functions(json, program);
    put_calls(json, &stats);
    put_work(json, &stats);
    put_links(json, component);
    iso_json_put_u64(json, "queued", stats.queued);
    iso_json_put_u64(json, "instances", stats.instances);
    iso_json_put_u64(json, "memory-bytes", stats.memory_bytes);
    iso_json_put_u64(json, "memory-peak-bytes", stats.memory_peak_bytes);
    iso_json_put_u64(json, "fuel", stats.fuel);
    put_ms(json, "cpu-ms", stats.cpu_ns);
    iso_json_put_u64(json, "restarts", stats.restarts);
    iso_json_put_u64(json, "log-lines-dropped", stats.log_dropped);
    iso_json_put_u64(json, "refused-grants", stats.refused_grants);
    if (stats.last_error[0] != '\0') {
        iso_json_put_string(json, "last-error", iso_str_from_z(stats.last_error));
        iso_member_time(json, "last-error-time", stats.last_error_time_ns);
    }
    iso_json_object_end(json);
}

static void put_one(void *ctx, struct iso_sv_component *component)
{
    put_status(ctx, component);
}

/* All at once: for who watches over many devices. */
static void get_all(void *ctx, struct iso_http_request *req,
                    const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_supervisor *sv = ctx;
    struct iso_reply_document document;
    (void)params;
    iso_reply_document_begin(&document);
    iso_json_array_begin(&document.json);
    iso_sv_deployments_each_component(sv->deployments, put_one, &document.json);
    iso_json_array_end(&document.json);
    iso_reply_document_end(&document, sv->http, iso_http_request_id(req), 200, ISO_OK);
}

static void get_status(void *ctx, struct iso_http_request *req,
                       const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_supervisor *sv = ctx;
    struct iso_reply_document document;
    struct iso_sv_component *component = iso_sv_api_component(sv, req, params);
    if (component == NULL) {
        return;
    }
    iso_reply_document_begin(&document);
    put_status(&document.json, component);
    iso_reply_document_end(&document, sv->http, iso_http_request_id(req), 200, ISO_OK);
}

/* ---- Descriptions --------------------------------------------------------------------------- */

typedef enum iso_err (*describe_fn)(const struct iso_wit_world *world,
                                    const struct iso_gen_place *place, struct iso_buf *out);

static void describe(struct iso_supervisor *sv, struct iso_http_request *req,
                     const struct iso_str *params, const char *type, describe_fn write)
{
    struct iso_sv_component *component = iso_sv_api_component(sv, req, params);
    if (component == NULL) {
        return;
    }
    char base[320], coap[320], http_base[640], coap_base[640], id[256], title[160];
    const int app_len = (int)params[0].len, name_len = (int)params[1].len;
    iso_route_base_url(req, base, sizeof base);
    iso_sv_coap_url(sv, req, coap, sizeof coap);
    (void)iso_format(http_base, sizeof http_base, "%s/v1/components/%.*s/%.*s", base, app_len,
                     params[0].ptr, name_len, params[1].ptr);
    (void)iso_format(coap_base, sizeof coap_base, "%s/c/%.*s/%.*s", coap, app_len, params[0].ptr,
                     name_len, params[1].ptr);
    (void)iso_format(id, sizeof id, "urn:isomer:%s:%.*s:%.*s", sv->state.id, app_len, params[0].ptr,
                     name_len, params[1].ptr);
    (void)iso_format(title, sizeof title, "%.*s/%.*s", app_len, params[0].ptr, name_len,
                     params[1].ptr);
    const struct iso_module_interface *interface =
        iso_sv_program_interface(iso_sv_component_program(component));
    const struct iso_gen_place place = {.id = id,
                                        .title = title,
                                        .http_base = http_base,
                                        .coap_base = coap[0] != '\0' ? coap_base : NULL,
                                        .info = &interface->info};
    struct iso_buf buf;
    iso_buf_init(&buf, sv->alloc, 16u << 20);
    const enum iso_err err = write(interface->world, &place, &buf);
    iso_reply_buf(req, 200, type, &buf, err);
}

static void get_td(void *ctx, struct iso_http_request *req,
                   const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_supervisor *sv = ctx;
    describe(sv, req, params, "application/td+json", iso_gen_thing);
}

static void get_openapi(void *ctx, struct iso_http_request *req,
                        const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_supervisor *sv = ctx;
    describe(sv, req, params, "application/vnd.oai.openapi+json", iso_gen_openapi);
}

static void get_wit(void *ctx, struct iso_http_request *req,
                    const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_supervisor *sv = ctx;
    struct iso_sv_component *component = iso_sv_api_component(sv, req, params);
    struct iso_buf buf;
    if (component == NULL) {
        return;
    }
    iso_buf_init(&buf, sv->alloc, 16u << 20);
    const enum iso_err err =
        iso_wit_print(&iso_sv_program_interface(iso_sv_component_program(component))->wit, &buf);
    iso_reply_buf(req, 200, "text/plain; charset=utf-8", &buf, err);
}

/* ---- Logs and events ------------------------------------------------------------------------ */

static void get_logs(void *ctx, struct iso_http_request *req,
                     const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_supervisor *sv = ctx;
    if (iso_sv_api_component(sv, req, params) == NULL) {
        return;
    }
    struct iso_sv_history *history = iso_sv_history_get(sv, params[0], params[1]);
    iso_reply_feed(req, history != NULL ? &history->logs : NULL);
}

static void get_events(void *ctx, struct iso_http_request *req,
                       const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_supervisor *sv = ctx;
    if (iso_sv_api_component(sv, req, params) == NULL) {
        return;
    }
    struct iso_sv_history *history = iso_sv_history_get(sv, params[0], params[1]);
    iso_reply_feed(req, history != NULL ? &history->events : NULL);
}

static void get_flows(void *ctx, struct iso_http_request *req,
                      const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_supervisor *sv = ctx;
    struct iso_reply_document document;
    (void)params;
    iso_reply_document_begin(&document);
    iso_json_object_begin(&document.json);
    iso_sv_peers_write_status(sv->peers, (struct iso_str){NULL, 0}, &document.json);
    iso_json_object_end(&document.json);
    iso_reply_document_end(&document, sv->http, iso_http_request_id(req), 200, ISO_OK);
}

#define COMPONENT "v1/components/{app}/{component}"

const struct iso_route iso_sv_routes_components[] = {
    {.method = ISO_HTTP_POST,
     .pattern = COMPONENT "/{function}",
     .access = ISO_ROUTE_OPERATE,
     .summary = "Call a function",
     .answer_type = "application/json",
     .body_max = 64u << 20,
     .handle = iso_sv_api_call},
    {.method = ISO_HTTP_GET,
     .pattern = COMPONENT,
     .access = ISO_ROUTE_READ,
     .summary = "State, figures and limits of a component",
     .answer_type = "application/json",
     .handle = get_status},
    {.method = ISO_HTTP_GET,
     .pattern = "v1/components",
     .access = ISO_ROUTE_READ,
     .summary = "State, figures and limits of all components",
     .answer_type = "application/json",
     .handle = get_all},
    {.method = ISO_HTTP_GET,
     .pattern = COMPONENT "/td",
     .access = ISO_ROUTE_PUBLIC,
     .summary = "Thing Description of a component",
     .answer_type = "application/td+json",
     .handle = get_td},
    {.method = ISO_HTTP_GET,
     .pattern = COMPONENT "/openapi.json",
     .access = ISO_ROUTE_PUBLIC,
     .summary = "OpenAPI document of a component",
     .answer_type = "application/vnd.oai.openapi+json",
     .handle = get_openapi},
    {.method = ISO_HTTP_GET,
     .pattern = COMPONENT "/wit",
     .access = ISO_ROUTE_PUBLIC,
     .summary = "Interface of a component as WIT text",
     .answer_type = "text/plain",
     .handle = get_wit},
    {.method = ISO_HTTP_GET,
     .pattern = COMPONENT "/logs",
     .access = ISO_ROUTE_READ,
     .summary = "Latest log lines; as text/event-stream also those to come",
     .answer_type = "text/event-stream",
     .handle = get_logs},
    {.method = ISO_HTTP_GET,
     .pattern = COMPONENT "/events",
     .access = ISO_ROUTE_READ,
     .summary = "Latest events that it emitted; as text/event-stream also those to come",
     .answer_type = "text/event-stream",
     .handle = get_events},
    {.method = ISO_HTTP_GET,
     .pattern = COMPONENT "/properties/{property}",
     .access = ISO_ROUTE_READ,
     .summary = "Read a property, or observe it as text/event-stream",
     .answer_type = "application/json",
     .handle = iso_sv_api_property},
    {.method = ISO_HTTP_GET,
     .pattern = "v1/flows",
     .access = ISO_ROUTE_READ,
     .summary = "Links to other devices, links between components, and flows, with their figures",
     .answer_type = "application/json",
     .handle = get_flows},
    {.method = ISO_HTTP_POST,
     .pattern = "v1/flows/{app}/{flow}",
     .access = ISO_ROUTE_OPERATE,
     .summary = "Run a flow that calls start; the answer is its last step's result",
     .answer_type = "application/json",
     .body_max = 64u << 20,
     .handle = iso_sv_api_flow},
    {.method = 0}};
