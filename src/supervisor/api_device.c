/* api_device.c - HTTP: the device itself: its description, health, figures and small page. */
#include "supervisor/daemon.h"

#include "base/format.h"
#include "base/json_member.h"
#include "daemon/clock.h"
#include "daemon/member.h"
#include "daemon/openapi.h"
#include "supervisor/page.h"

#include <netinet/in.h>
#include <stdlib.h>

enum { ADDRESSES_MAX = 7 }; /* as many as a deployment document takes, and the orchestrator's own */

/* ---- GET /v1/device ------------------------------------------------------------------------- */

static void put_system(struct iso_supervisor *sv, struct iso_json *json)
{
    uv_utsname_t uname = {"", "", "", ""};
    double load[3] = {0, 0, 0};
    uv_fs_t fs;
    (void)uv_os_uname(&uname);
    uv_loadavg(load);
    iso_json_put_z(json, "architecture", uname.machine);
    iso_json_put_object_begin(json, "system");
    iso_json_put_z(json, "name", uname.sysname);
    iso_json_put_z(json, "release", uname.release);
    iso_json_object_end(json);
    iso_json_put_u64(json, "cores", uv_available_parallelism());
    iso_json_put_object_begin(json, "memory");
    iso_json_put_u64(json, "total-bytes", uv_get_total_memory());
    iso_json_put_u64(json, "free-bytes", uv_get_free_memory());
    iso_json_object_end(json);
    if (uv_fs_statfs(NULL, &fs, sv->config->state, NULL) == 0) {
        const uv_statfs_t *st = fs.ptr;
        iso_json_put_object_begin(json, "storage");
        iso_json_put_u64(json, "total-bytes", st->f_blocks * st->f_bsize);
        iso_json_put_u64(json, "free-bytes", st->f_bavail * st->f_bsize);
        iso_json_object_end(json);
    }
    uv_fs_req_cleanup(&fs);
    iso_json_put_array_begin(json, "load");
    for (unsigned i = 0; i < 3; i++) {
        iso_json_f64(json, (double)(int)(load[i] * 100.0) / 100.0);
    }
    iso_json_array_end(json);
}

static void put_engine(struct iso_supervisor *sv, struct iso_json *json)
{
    static const char *const features[] = {
        "mutable-globals", "sign-extension", "saturating-conversions", "multi-value", "bulk-memory",
        "reference-types", "simd128",        "wasi-preview1"};
    struct iso_sv_core_stats stats;
    iso_sv_core_stats_get(sv->core, &stats);
    iso_json_put_object_begin(json, "engine");
    iso_json_put_z(json, "name", "isomer");
    iso_json_put_z(json, "version", ISO_VERSION);
    iso_json_put_z(json, "dispatch", iso_engine_dispatch());
    iso_json_put_array_begin(json, "features");
    for (size_t i = 0; i < ISO_COUNT_OF(features); i++) {
        iso_json_z(json, features[i]);
    }
    iso_json_array_end(json);
    iso_json_put_u64(json, "workers", stats.workers);
    iso_json_object_end(json);
    iso_json_put_f64(json, "speed", sv->speed);
    iso_json_put_object_begin(json, "use");
    iso_json_put_u64(json, "instances", stats.instances);
    iso_json_put_u64(json, "instances-waiting", stats.waiting);
    iso_json_put_u64(json, "memory-bytes", stats.memory_bytes);
    iso_json_put_u64(json, "calls", stats.calls_total);
    iso_json_put_f64(json, "cpu-seconds", (double)stats.cpu_ns / 1e9);
    iso_json_object_end(json);
    iso_json_put_object_begin(json, "limits");
    iso_json_put_u64(json, "cpu-percent",
                     sv->config->cpu_percent != 0 ? sv->config->cpu_percent : 100);
    iso_json_put_u64(json, "modules-bytes", iso_blobs_cap(sv->modules));
    iso_json_object_end(json);
}

static void put_labels(struct iso_supervisor *sv, struct iso_json *json)
{
    iso_json_put_object_begin(json, "labels");
    for (size_t i = 0; i < sv->config->label_count; i++) {
        const char *label = sv->config->labels[i];
        const char *equals = strchr(label, '=');
        iso_json_key_str(
            json, iso_str_from(label, equals != NULL ? (size_t)(equals - label) : strlen(label)));
        iso_json_z(json, equals != NULL ? equals + 1 : "");
    }
    iso_json_object_end(json);
}

/* By which other devices may reach it: not loopback, and not what means something on one link only.
 */
static bool is_for_others(const uv_interface_address_t *interface)
{
    const struct sockaddr_in *v4 = &interface->address.address4;
    const struct sockaddr_in6 *v6 = &interface->address.address6;
    if (interface->is_internal) {
        return false;
    }
    if (v4->sin_family == AF_INET) {
        return (ntohl(v4->sin_addr.s_addr) >> 16) != 0xa9fe; /* 169.254.0.0/16 (RFC 3927) */
    }
    return v6->sin6_family == AF_INET6 && !IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr) &&
           !IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

static void put_interfaces(struct iso_json *json)
{
    uv_interface_address_t *list = NULL;
    int count = 0;
    size_t put_count = 0;
    iso_json_put_array_begin(json, "addresses");
    if (uv_interface_addresses(&list, &count) != 0) {
        count = 0;
    }
    /* IPv4 first: where both are there, it is the one that surely leads everywhere. */
    for (int family = 0; family < 2; family++) {
        for (int i = 0; i < count; i++) {
            char text[64];
            const bool is_v4 = list[i].address.address4.sin_family == AF_INET;
            if (is_v4 == (family == 0) && is_for_others(&list[i]) && put_count < ADDRESSES_MAX &&
                (is_v4 ? uv_ip4_name(&list[i].address.address4, text, sizeof text)
                       : uv_ip6_name(&list[i].address.address6, text, sizeof text)) == 0) {
                iso_json_z(json, text);
                put_count++;
            }
        }
    }
    iso_json_array_end(json);
    if (list != NULL) {
        uv_free_interface_addresses(list, count);
    }
}

static void put_address(struct iso_supervisor *sv, struct iso_json *json)
{
    struct iso_supervisor_ports ports;
    char host[80];
    iso_supervisor_ports(sv, &ports);
    (void)iso_format(host, sizeof host, "%s.local", sv->host_name);
    iso_json_put_object_begin(json, "network");
    iso_json_put_z(json, "host", host);
    iso_json_put_u64(json, "https", ports.https);
    iso_json_put_u64(json, "coap", ports.coap);
    iso_json_put_u64(json, "coaps", ports.coaps);
    put_interfaces(json);
    iso_json_object_end(json);
}

enum iso_err iso_sv_write_device(struct iso_supervisor *sv, struct iso_buf *out)
{
    struct iso_json json;
    iso_json_init_buf(&json, out, 0);
    iso_json_object_begin(&json);
    iso_json_put_z(&json, "id", sv->state.id);
    iso_json_put_z(&json, "name", sv->name);
    iso_json_put_u64(&json, "deployment-format", 1);
    put_system(sv, &json);
    put_engine(sv, &json);
    put_labels(sv, &json);
    put_address(sv, &json);
    iso_member_time(&json, "started", sv->started_ns);
    iso_json_put_z(&json, "boot", sv->boot);
    iso_json_put_u64(&json, "revision", sv->revision);
    iso_json_key(&json, "owner");
    iso_sv_owner_write(&sv->owner, &json);
    iso_json_key(&json, "interfaces");
    iso_sv_devices_describe(sv->devices, &json);
    iso_json_key(&json, "neighbours");
    iso_sv_neighbours_write(sv, &json);
    iso_json_key(&json, "deployments");
    iso_sv_deployments_describe(sv->deployments, &json);
    iso_json_object_end(&json);
    return iso_json_finish(&json);
}

enum iso_err iso_sv_write_device_briefly(struct iso_supervisor *sv, struct iso_buf *out)
{
    struct iso_supervisor_ports ports;
    struct iso_json json;
    iso_supervisor_ports(sv, &ports);
    iso_json_init_buf(&json, out, 0);
    iso_json_object_begin(&json);
    iso_json_put_z(&json, "id", sv->state.id);
    iso_json_put_z(&json, "name", sv->name);
    iso_json_put_z(&json, "version", ISO_VERSION);
    iso_json_put_u64(&json, "deployment-format", 1);
    iso_json_put_object_begin(&json, "network");
    iso_json_put_u64(&json, "https", ports.https);
    iso_json_put_u64(&json, "coaps", ports.coaps);
    iso_json_object_end(&json);
    iso_json_object_end(&json);
    return iso_json_finish(&json);
}

static void get_device(void *ctx, struct iso_http_request *req,
                       const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_supervisor *sv = ctx;
    struct iso_buf buf;
    (void)params;
    iso_buf_init(&buf, sv->alloc, 4u << 20);
    iso_reply_buf(req, 200, "application/json", &buf, iso_sv_write_device(sv, &buf));
}

/* ---- Health --------------------------------------------------------------------------------- */

struct health {
    struct iso_json *json; /* NULL: reasons are not wanted */
    bool well;
};

static void put_reason(struct health *health, struct iso_str subject, const char *reason)
{
    health->well = false;
    if (health->json == NULL) {
        return;
    }
    iso_json_object_begin(health->json);
    iso_json_put_string(health->json, "subject", subject);
    iso_json_put_z(health->json, "reason", reason);
    iso_json_object_end(health->json);
}

static void check_component(void *ctx, struct iso_sv_component *component)
{
    struct health *health = ctx;
    struct iso_sv_component_stats stats;
    if (iso_sv_component_state(component) != ISO_SV_FAILED) {
        return;
    }
    char subject[96];
    const size_t len =
        iso_format(subject, sizeof subject, "%.*s/%.*s", (int)iso_sv_component_app(component).len,
                   iso_sv_component_app(component).ptr, (int)iso_sv_component_name(component).len,
                   iso_sv_component_name(component).ptr);
    iso_sv_component_stats_get(component, &stats);
    /* Details of a component are for those with a token. */
    put_reason(health, iso_str_from(subject, len), "the component could not be started");
}

static void check_deployment(void *ctx, struct iso_str app, const char *reason)
{
    put_reason(ctx, app, reason);
}

bool iso_sv_is_well(struct iso_supervisor *sv)
{
    struct health health = {NULL, true};
    iso_sv_deployments_each_component(sv->deployments, check_component, &health);
    iso_sv_deployments_each_trouble(sv->deployments, check_deployment, &health);
    return health.well;
}

enum iso_err iso_sv_write_health(struct iso_supervisor *sv, bool *well, struct iso_buf *out)
{
    struct iso_json json, reasons;
    struct iso_buf list;
    iso_buf_init(&list, sv->alloc, 1u << 20);
    iso_json_init_buf(&reasons, &list, 0);
    struct health health = {&reasons, true};
    iso_json_array_begin(&reasons);
    iso_sv_deployments_each_component(sv->deployments, check_component, &health);
    iso_sv_deployments_each_trouble(sv->deployments, check_deployment, &health);
    iso_json_array_end(&reasons);
    enum iso_err err = iso_json_finish(&reasons);
    iso_json_init_buf(&json, out, 0);
    iso_json_object_begin(&json);
    iso_json_put_z(&json, "status", health.well ? "ok" : "degraded");
    iso_json_put_u64(&json, "uptime-seconds", (iso_clock_now_ns() - sv->started_ns) / 1000000000u);
    iso_json_put_raw(&json, "reasons", iso_str_from((const char *)list.ptr, list.len));
    iso_json_object_end(&json);
    err = err != ISO_OK ? err : iso_json_finish(&json);
    iso_buf_fini(&list);
    *well = health.well;
    return err;
}

static void get_health(void *ctx, struct iso_http_request *req,
                       const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_supervisor *sv = ctx;
    struct iso_buf buf;
    bool well = true;
    (void)params;
    iso_buf_init(&buf, sv->alloc, 4u << 20);
    const enum iso_err err = iso_sv_write_health(sv, &well, &buf);
    iso_reply_buf(req, well ? 200 : 503, "application/json", &buf, err);
}

/* ---- Others --------------------------------------------------------------------------------- */

static void get_metrics(void *ctx, struct iso_http_request *req,
                        const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_supervisor *sv = ctx;
    struct iso_buf buf;
    (void)params;
    iso_buf_init(&buf, sv->alloc, 16u << 20);
    iso_reply_buf(req, 200, "text/plain; version=0.0.4; charset=utf-8", &buf,
                  iso_sv_write_metrics(sv, &buf));
}

static void get_thing(void *ctx, struct iso_http_request *req,
                      const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_supervisor *sv = ctx;
    struct iso_buf buf;
    char base[320], coap[320];
    (void)params;
    iso_buf_init(&buf, sv->alloc, 16u << 20);
    iso_route_base_url(req, base, sizeof base);
    iso_sv_coap_url(sv, req, coap, sizeof coap);
    iso_reply_buf(req, 200, "application/td+json", &buf, iso_sv_write_thing(sv, base, coap, &buf));
}

static void get_openapi(void *ctx, struct iso_http_request *req,
                        const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_supervisor *sv = ctx;
    struct iso_buf buf;
    char base[320];
    const struct iso_openapi_info info = {
        .title = sv->name,
        .description = "A device that runs WebAssembly components. Each component has a "
                       "description of its own.",
        .version = ISO_VERSION,
        .base = base};
    (void)params;
    iso_buf_init(&buf, sv->alloc, 16u << 20);
    iso_route_base_url(req, base, sizeof base);
    iso_reply_buf(req, 200, "application/vnd.oai.openapi+json", &buf,
                  iso_openapi_write(&info, sv->tables, &buf));
}

/* Pages are the same for everybody; what they show they ask for. */
static void get_page(void *ctx, struct iso_http_request *req,
                     const struct iso_str params[ISO_ROUTE_PARAMS])
{
    (void)ctx;
    (void)params;
    iso_reply_page(req, "text/html; charset=utf-8",
                   iso_bytes_from(iso_sv_page_html, iso_sv_page_html_len));
}

static void get_display_page(void *ctx, struct iso_http_request *req,
                             const struct iso_str params[ISO_ROUTE_PARAMS])
{
    (void)ctx;
    (void)params;
    iso_reply_page(req, "text/html; charset=utf-8",
                   iso_bytes_from(iso_sv_display_html, iso_sv_display_html_len));
}

static void get_page_part(void *ctx, struct iso_http_request *req,
                          const struct iso_str params[ISO_ROUTE_PARAMS])
{
    (void)ctx;
    const struct iso_str name = iso_http_request_segment(req, 1);
    (void)params;
    static const char css[] = "text/css; charset=utf-8";
    static const char script[] = "text/javascript; charset=utf-8";
    if (iso_str_equal_z(name, "page.css")) {
        iso_reply_page(req, css, iso_bytes_from(iso_sv_page_css, iso_sv_page_css_len));
    } else if (iso_str_equal_z(name, "page.js")) {
        iso_reply_page(req, script, iso_bytes_from(iso_sv_page_js, iso_sv_page_js_len));
    } else if (iso_str_equal_z(name, "picture.js")) {
        iso_reply_page(req, script, iso_bytes_from(iso_sv_picture_js, iso_sv_picture_js_len));
    } else {
        iso_reply_page(req, script, iso_bytes_from(iso_sv_display_js, iso_sv_display_js_len));
    }
}

const struct iso_route iso_sv_routes_device[] = {
    {.method = ISO_HTTP_GET,
     .pattern = ".well-known/wot",
     .access = ISO_ROUTE_PUBLIC,
     .summary = "Thing Description of the device, with links to those of its components",
     .answer_type = "application/td+json",
     .handle = get_thing},
    {.method = ISO_HTTP_GET,
     .pattern = "v1/device",
     .access = ISO_ROUTE_READ,
     .summary = "Identity, processor, memory, load, interfaces and what is deployed",
     .answer_type = "application/json",
     .handle = get_device},
    {.method = ISO_HTTP_GET,
     .pattern = "health",
     .access = ISO_ROUTE_PUBLIC,
     .summary = "Whether all is well; 503 with reasons when not",
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
     .summary = "This document",
     .answer_type = "application/vnd.oai.openapi+json",
     .handle = get_openapi},
    {.method = ISO_HTTP_GET,
     .pattern = "",
     .access = ISO_ROUTE_PUBLIC,
     .summary = "A small page about the device",
     .answer_type = "text/html",
     .handle = get_page},
    {.method = ISO_HTTP_GET,
     .pattern = "static/page.css",
     .access = ISO_ROUTE_PUBLIC,
     .summary = "Style of the page",
     .answer_type = "text/css",
     .handle = get_page_part},
    {.method = ISO_HTTP_GET,
     .pattern = "static/page.js",
     .access = ISO_ROUTE_PUBLIC,
     .summary = "Script of the page",
     .answer_type = "text/javascript",
     .handle = get_page_part},
    {.method = ISO_HTTP_GET,
     .pattern = "static/picture.js",
     .access = ISO_ROUTE_PUBLIC,
     .summary = "Script of the live pictures on pages",
     .answer_type = "text/javascript",
     .handle = get_page_part},
    {.method = ISO_HTTP_GET,
     .pattern = "static/display.js",
     .access = ISO_ROUTE_PUBLIC,
     .summary = "Script of the page of a display",
     .answer_type = "text/javascript",
     .handle = get_page_part},
    {.method = ISO_HTTP_GET,
     .pattern = "display/{name}",
     .access = ISO_ROUTE_PUBLIC,
     .summary = "A page with the live picture of a display, for browsers that are signed in",
     .answer_type = "text/html",
     .handle = get_display_page},
    {.method = 0}};
