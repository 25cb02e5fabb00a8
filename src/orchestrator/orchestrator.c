/* orchestrator.c - putting the daemon together and taking it apart. */
#include "orchestrator/service.h"

#include "base/format.h"
#include "base/json_member.h"
#include "daemon/clock.h"
#include "daemon/member.h"
#include "daemon/netif.h"
#include "platform/platform.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    EVENTS_BYTES = 1 << 20,
    EVENTS_AT_START = 1000, /* of the store, shown again after a restart */
    PATH_SIZE = 4096,
    TICK_MS = 1000
};

void iso_orchestrator_config_init(struct iso_orchestrator_config *config)
{
    *config = (struct iso_orchestrator_config){.log_level = ISO_LOG_INFO};
}

static void path_in(const struct iso_orchestrator *orchestrator, const char *name,
                    char out[PATH_SIZE])
{
    (void)iso_format(out, PATH_SIZE, "%s/%s", orchestrator->config->state, name);
}

/* ---- Events ------------------------------------------------------------------------------------
 */

static enum iso_log_level level_of(const char *event)
{
    static const char *const bad[] = {"device-lost", "device-refuses", "failed", "degraded"};
    for (size_t i = 0; i < ISO_COUNT_OF(bad); i++) {
        if (strcmp(event, bad[i]) == 0) {
            return ISO_LOG_WARNING;
        }
    }
    return ISO_LOG_INFO;
}

void iso_or_event(struct iso_orchestrator *orchestrator, const char *event, struct iso_str app,
                  const char *component, const char *device, const char *detail)
{
    char subject[160];
    struct iso_buf buf;
    struct iso_json json;
    const struct iso_str none = {NULL, 0};
    (void)iso_format(subject, sizeof subject, "%s%.*s%s%s%s%s", app.len != 0 ? "app " : "",
                     (int)app.len, app.ptr, component != NULL ? "/" : "",
                     component != NULL ? component : "", device != NULL ? " device " : "",
                     device != NULL ? device : "");
    iso_log_write(&orchestrator->log, level_of(event), subject[0] == ' ' ? subject + 1 : subject,
                  "%s%s%s", event, detail != NULL && detail[0] != '\0' ? ": " : "",
                  detail != NULL ? detail : "");
    iso_buf_init(&buf, orchestrator->alloc, 64u << 10);
    iso_json_init_buf(&json, &buf, 0);
    iso_json_object_begin(&json);
    iso_member_time(&json, "time", iso_clock_now_ns());
    iso_json_put_string_if(&json, "event", iso_str_from_z(event));
    iso_json_put_string_if(&json, "app", app);
    iso_json_put_string_if(&json, "component",
                           component != NULL ? iso_str_from_z(component) : none);
    iso_json_put_string_if(&json, "device", device != NULL ? iso_str_from_z(device) : none);
    iso_json_put_string_if(&json, "detail", detail != NULL ? iso_str_from_z(detail) : none);
    iso_json_object_end(&json);
    if (iso_json_finish(&json) == ISO_OK) {
        const struct iso_str text = iso_str_from((const char *)buf.ptr, buf.len);
        const uint64_t number = iso_feed_add(&orchestrator->events, text);
        /* Events are for looking back; without a disk they are still told. */
        const enum iso_err err = iso_or_store_event_add(orchestrator->store, number, text, NULL);
        (void)err;
    }
    iso_buf_fini(&buf);
}

static bool recall(void *ctx, uint64_t number, struct iso_str json)
{
    struct iso_orchestrator *orchestrator = ctx;
    iso_feed_continue(&orchestrator->events, number);
    (void)iso_feed_add(&orchestrator->events, json);
    return true;
}

/* The events of earlier lives under their numbers, then numbers that none of them has had. */
static enum iso_err recall_events(struct iso_orchestrator *orchestrator, struct iso_report *report)
{
    uint64_t first = 0;
    struct iso_report why;
    const enum iso_err err =
        iso_or_store_events(orchestrator->store, EVENTS_AT_START, recall, orchestrator, report);
    iso_report_init(&why);
    if (err == ISO_OK && iso_or_store_event_numbers(orchestrator->store, &first, &why) != ISO_OK) {
        /* It can serve without a disk for a while, and numbers go on after those that are known. */
        iso_log_write(&orchestrator->log, ISO_LOG_WARNING, "store", "event numbers: %s", why.text);
    }
    iso_feed_continue(&orchestrator->events, first);
    return err;
}

/* ---- What the parts tell each other ------------------------------------------------------------
 */

static void on_device_changed(void *ctx, const struct iso_or_device *device, bool gone)
{
    struct iso_orchestrator *orchestrator = ctx;
    if (orchestrator->deployer != NULL) {
        iso_or_deployer_device_changed(orchestrator->deployer, device, gone);
    }
}

static void on_device_event(void *ctx, const char *event, const char *device, const char *detail)
{
    iso_or_event(ctx, event, (struct iso_str){NULL, 0}, NULL, device, detail);
}

static void on_app_changed(void *ctx, struct iso_str app)
{
    iso_or_waiters_wake(ctx, app);
    iso_or_streams_follow(ctx, app);
}

static void on_app_event(void *ctx, const char *event, struct iso_str app, const char *component,
                         const char *device, const char *detail)
{
    const struct iso_orchestrator *orchestrator = ctx;
    const struct iso_or_device *known =
        device != NULL ? iso_or_devices_find(orchestrator->devices, iso_str_from_z(device)) : NULL;
    iso_or_event(ctx, event, app, component, known != NULL ? known->name : device, detail);
}

static void on_package_event(void *ctx, const char *event, const char *reference)
{
    iso_or_event(ctx, event, (struct iso_str){NULL, 0}, NULL, NULL, reference);
}

static bool uses_module(void *ctx, const char *digest)
{
    const struct iso_orchestrator *orchestrator = ctx;
    return orchestrator->deployer != NULL &&
           iso_or_deployer_uses_module(orchestrator->deployer, iso_str_from_z(digest));
}

static const struct iso_or_device *fleet_find(void *ctx, struct iso_str id_or_name)
{
    const struct iso_orchestrator *orchestrator = ctx;
    return iso_or_devices_find(orchestrator->devices, id_or_name);
}

static void fleet_each(void *ctx, bool (*each)(void *arg, const struct iso_or_device *device),
                       void *arg)
{
    const struct iso_orchestrator *orchestrator = ctx;
    iso_or_devices_each(orchestrator->devices, each, arg);
}

/* ---- Opening -----------------------------------------------------------------------------------
 */

static enum iso_err open_state(struct iso_orchestrator *orchestrator, struct iso_report *report)
{
    char path[PATH_SIZE];
    const struct iso_orchestrator_config *config = orchestrator->config;
    /* Every device keeps a connection for its heartbeats, and has some requests. */
    const struct iso_http_client_config http = {.loop = orchestrator->loop,
                                                .requests = 4 * ISO_OR_DEVICES_MAX,
                                                .connections = 2 * ISO_OR_DEVICES_MAX};
    iso_state_host(orchestrator->host);
    (void)iso_format(orchestrator->name, sizeof orchestrator->name, "%s",
                     config->name != NULL ? config->name : orchestrator->host);
    enum iso_err err = iso_state_open(&orchestrator->state, config->state, "orchestrator",
                                      orchestrator->host, &orchestrator->access, report);
    if (err != ISO_OK) {
        return err;
    }
    path_in(orchestrator, "orchestrator.db", path);
    err = iso_or_store_open(path, &orchestrator->store, report);
    err = err != ISO_OK ? err : recall_events(orchestrator, report);
    err = err != ISO_OK ? err
                        : iso_or_uv_clock_create(orchestrator->loop, orchestrator->alloc,
                                                 &orchestrator->clock);
    return err != ISO_OK ? err : iso_http_client_create(&http, &orchestrator->http_client, report);
}

static bool is_host(void *ctx, struct iso_str name)
{
    const struct iso_orchestrator *orchestrator = ctx;
    char local[ISO_STATE_HOST_SIZE + 8];
    (void)iso_format(local, sizeof local, "%s.local", orchestrator->host);
    for (size_t i = 0; i < orchestrator->config->host_count; i++) {
        if (iso_str_equal_z(name, orchestrator->config->hosts[i])) {
            return true;
        }
    }
    return iso_str_equal_z(name, local) || iso_str_equal_z(name, orchestrator->host);
}

static enum iso_err open_server(struct iso_orchestrator *orchestrator, struct iso_report *report)
{
    const struct iso_orchestrator_config *config = orchestrator->config;
    const struct iso_route *const tables[] = {
        iso_or_routes_pass,   iso_or_routes_apps,    iso_or_routes_devices, iso_or_routes_packages,
        iso_or_routes_things, iso_or_routes_general, iso_or_routes_page};
    size_t count = 0;
    for (; count < ISO_COUNT_OF(tables); count++) {
        orchestrator->tables[count] =
            (struct iso_route_table){.routes = tables[count], .ctx = orchestrator};
    }
    orchestrator->tables[count] =
        (struct iso_route_table){.routes = iso_access_routes, .ctx = &orchestrator->access};
    const struct iso_route_config route = {.what = "orchestrator",
                                           .https = config->https,
                                           .https_count = config->https_count,
                                           .https_default = "[::]:8491",
                                           .http = config->http,
                                           .http_count = config->http_count,
                                           .http_default = "127.0.0.1:8490",
                                           .identity = &orchestrator->state.identity,
                                           .limits = {.connections = config->connections_max},
                                           .tables = orchestrator->tables,
                                           .access = &orchestrator->access,
                                           .log = &orchestrator->log,
                                           .pages_operate = true,
                                           .is_host = is_host,
                                           .ctx = orchestrator};
    const enum iso_err err =
        iso_route_server_create(orchestrator->loop, &route, &orchestrator->server, report);
    if (err != ISO_OK) {
        return err;
    }
    if (orchestrator->server == NULL) {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "an orchestrator without HTTP and HTTPS could not be told anything: give "
                        "--http or --https an address");
    }
    uint16_t https, http;
    orchestrator->http = iso_route_server_http(orchestrator->server);
    iso_route_server_ports(orchestrator->server, &https, &http);
    if (https != 0) {
        (void)iso_format(orchestrator->address, sizeof orchestrator->address, "https://%s.local:%u",
                         orchestrator->host, https);
    }
    return ISO_OK;
}

static enum iso_err open_fleet(struct iso_orchestrator *orchestrator, struct iso_report *report)
{
    char identity[PATH_SIZE], packages[PATH_SIZE];
    const struct iso_orchestrator_config *config = orchestrator->config;
    path_in(orchestrator, "identity.pem", identity);
    const struct iso_or_devices_config devices = {.loop = orchestrator->loop,
                                                  .alloc = orchestrator->alloc,
                                                  .store = orchestrator->store,
                                                  .http = orchestrator->http_client,
                                                  .id = orchestrator->state.id,
                                                  .name = orchestrator->name,
                                                  .address = orchestrator->address,
                                                  .identity_file = identity,
                                                  .mdns = !config->no_mdns,
                                                  .interfaces = config->interfaces,
                                                  .interface_count = config->interface_count,
                                                  .changed = on_device_changed,
                                                  .event = on_device_event,
                                                  .ctx = orchestrator};
    if (!config->no_mdns) {
        iso_netif_look(&orchestrator->log, config->interfaces, config->interface_count);
    }
    path_in(orchestrator, "packages", packages);
    const struct iso_or_shelf_config shelf = {.loop = orchestrator->loop,
                                              .alloc = orchestrator->alloc,
                                              .store = orchestrator->store,
                                              .http = orchestrator->http_client,
                                              .dir = packages,
                                              .max_bytes = config->packages_max_bytes,
                                              .uses = uses_module,
                                              .event = on_package_event,
                                              .ctx = orchestrator};
    enum iso_err err = iso_or_shelf_create(&shelf, &orchestrator->shelf, report);
    err = err != ISO_OK ? err : iso_or_devices_create(&devices, &orchestrator->devices, report);
    if (err != ISO_OK) {
        return err;
    }
    orchestrator->transfers =
        (struct iso_transfers){.alloc = orchestrator->alloc,
                               .blobs = iso_or_shelf_blobs(orchestrator->shelf),
                               .receiving_max = ISO_OR_PACKAGE_UPLOADS_MAX};
    const struct iso_or_deployer_config deployer = {
        .alloc = orchestrator->alloc,
        .store = orchestrator->store,
        .transport = iso_or_devices_transport(orchestrator->devices),
        .clock = iso_or_uv_clock(orchestrator->clock),
        .packages = iso_or_shelf_packages(orchestrator->shelf),
        .fleet = {.ctx = orchestrator, .find = fleet_find, .each = fleet_each},
        .changed = on_app_changed,
        .event = on_app_event,
        .ctx = orchestrator};
    return iso_or_deployer_create(&deployer, &orchestrator->deployer, report);
}

static enum iso_err tell(struct iso_orchestrator *orchestrator, struct iso_report *report)
{
    char http[ISO_ROUTE_URL_SIZE], https[ISO_ROUTE_URL_SIZE];
    uint16_t https_port, http_port;
    iso_route_server_urls(orchestrator->server, http, https);
    iso_route_server_ports(orchestrator->server, &https_port, &http_port);
    const enum iso_err err =
        iso_state_tell(&orchestrator->state, orchestrator->name, http, https, report);
    if (err == ISO_OK) {
        iso_log_write(&orchestrator->log, ISO_LOG_INFO, "orchestrator",
                      "serving id=%s name=%s https=%u http=%u state=%s", orchestrator->state.id,
                      orchestrator->name, https_port, http_port, orchestrator->config->state);
    }
    return err;
}

static void on_tick(uv_timer_t *timer)
{
    iso_or_waiters_wake(timer->data, (struct iso_str){NULL, 0});
}

static enum iso_err open_all(struct iso_orchestrator *orchestrator, struct iso_report *report)
{
    enum iso_err err = open_state(orchestrator, report);
    err = err != ISO_OK ? err : open_server(orchestrator, report);
    err = err != ISO_OK ? err : open_fleet(orchestrator, report);
    err = err != ISO_OK ? err : tell(orchestrator, report);
    if (err == ISO_OK) {
        (void)uv_timer_init(orchestrator->loop, &orchestrator->tick);
        orchestrator->tick.data = orchestrator;
        orchestrator->tick_open = true;
        (void)uv_timer_start(&orchestrator->tick, on_tick, TICK_MS, TICK_MS);
    }
    return err;
}

enum iso_err iso_orchestrator_start(uv_loop_t *loop, const struct iso_orchestrator_config *config,
                                    void (*ready)(void *ctx), void *ctx,
                                    struct iso_orchestrator **out, struct iso_report *report)
{
    const struct iso_alloc *alloc = iso_alloc_libc();
    if (config->state == NULL) {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "no state directory is given and there is no home "
                        "directory: give --state");
    }
    struct iso_orchestrator *orchestrator = iso_alloc_new(alloc, sizeof *orchestrator);
    if (orchestrator == NULL) {
        return ISO_E_NOMEM;
    }
    orchestrator->loop = loop;
    orchestrator->alloc = alloc;
    orchestrator->config = config;
    orchestrator->started_ns = iso_clock_now_ns();
    iso_log_init(&orchestrator->log, config->log_json, config->log_level);
    iso_feed_init(&orchestrator->events, alloc, EVENTS_BYTES);
    const enum iso_err err = open_all(orchestrator, report);
    if (err != ISO_OK) {
        iso_orchestrator_stop(orchestrator, 0, NULL, NULL);
        return err;
    }
    *out = orchestrator;
    if (ready != NULL) {
        ready(ctx);
    }
    return ISO_OK;
}

/* ---- Closing: in the opposite order, each when the one before has said that it has ended
 * --------- */

static void finish(void *ctx)
{
    struct iso_orchestrator *orchestrator = ctx;
    void (*stopped)(void *stopped_ctx) = orchestrator->stopped;
    void *stopped_ctx = orchestrator->stopped_ctx;
    iso_or_store_close(orchestrator->store);
    iso_state_close(&orchestrator->state, &orchestrator->access);
    iso_feed_fini(&orchestrator->events);
    iso_alloc_free(orchestrator->alloc, orchestrator, sizeof *orchestrator);
    if (stopped != NULL) {
        stopped(stopped_ctx);
    }
}

static void close_clock(void *ctx)
{
    struct iso_orchestrator *orchestrator = ctx;
    if (orchestrator->clock != NULL) {
        iso_or_uv_clock_close(orchestrator->clock, finish, orchestrator);
    } else {
        finish(orchestrator);
    }
}

static void close_client(void *ctx)
{
    struct iso_orchestrator *orchestrator = ctx;
    if (orchestrator->http_client != NULL) {
        iso_http_client_close(orchestrator->http_client, close_clock, orchestrator);
    } else {
        close_clock(orchestrator);
    }
}

static void close_shelf(void *ctx)
{
    struct iso_orchestrator *orchestrator = ctx;
    if (orchestrator->shelf != NULL) {
        iso_or_shelf_close(orchestrator->shelf, close_client, orchestrator);
    } else {
        close_client(orchestrator);
    }
}

static void close_devices(void *ctx)
{
    struct iso_orchestrator *orchestrator = ctx;
    iso_or_deployer_destroy(orchestrator->deployer);
    orchestrator->deployer = NULL;
    if (orchestrator->devices != NULL) {
        iso_or_devices_close(orchestrator->devices, close_shelf, orchestrator);
    } else {
        close_shelf(orchestrator);
    }
}

static void close_server(uv_handle_t *handle)
{
    struct iso_orchestrator *orchestrator = handle->data;
    close_devices(orchestrator);
}

static void on_server_closed(void *ctx)
{
    struct iso_orchestrator *orchestrator = ctx;
    if (orchestrator->tick_open) {
        uv_close((uv_handle_t *)&orchestrator->tick, close_server);
    } else {
        close_devices(orchestrator);
    }
}

void iso_orchestrator_stop(struct iso_orchestrator *orchestrator, uint32_t grace_ms,
                           void (*stopped)(void *ctx), void *ctx)
{
    orchestrator->stopped = stopped;
    orchestrator->stopped_ctx = ctx;
    if (orchestrator->tick_open) {
        iso_state_untell(&orchestrator->state);
    }
    if (orchestrator->server != NULL) {
        iso_route_server_refuse(orchestrator->server);
        /* What waits for devices and registries may wait for ever; calls have the grace. */
        iso_or_pending_stop_all(orchestrator);
        iso_route_server_refuse_waiting(orchestrator->server);
        iso_route_server_close(orchestrator->server, grace_ms, on_server_closed, orchestrator);
    } else {
        on_server_closed(orchestrator);
    }
}
