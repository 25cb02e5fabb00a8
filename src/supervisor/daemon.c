/* daemon.c - putting the supervisor together and taking it apart. */
#include "supervisor/daemon.h"

#include "base/format.h"
#include "daemon/clock.h"
#include "daemon/netif.h"
#include "platform/platform.h"
#include "supervisor/devices_config.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCAL_LABEL "this machine"

enum {
    CLOSE_MS = 1000, /* for answers on their way when all calls have ended */
    DEVICE_EVENTS_BYTES = 128 << 10,
    MODULES_DEFAULT_BYTES = 1 << 30
};

static enum iso_err open_state(struct iso_supervisor *sv, struct iso_report *report)
{
    const enum iso_err err = iso_state_open(&sv->state, sv->config->state, "supervisor",
                                            sv->host_name, &sv->access, report);
    if (err == ISO_OK) {
        uint8_t random[8];
        randombytes_buf(random, sizeof random);
        (void)sodium_bin2hex(sv->boot, sizeof sv->boot, random, sizeof random);
        iso_sv_owner_load(sv);
    }
    return err;
}

/* ---- Components ----------------------------------------------------------------------------- */

static void log_device(void *ctx, enum iso_log_level level, struct iso_str line)
{
    const struct iso_supervisor *sv = ctx;
    iso_log_write(&sv->log, level, "device", "%.*s", (int)line.len, line.ptr);
}

static enum iso_err open_core(struct iso_supervisor *sv, struct iso_report *report)
{
    struct iso_sv_devices_config devices;
    struct iso_arena arena;
    struct iso_report why;
    iso_report_init(&why);
    iso_arena_init(&arena, sv->alloc, 0, SIZE_MAX);
    enum iso_err err = iso_sv_devices_config_read(sv->config->devices_json, sv->config->file,
                                                  &arena, &devices, &why);
    devices.log = log_device;
    devices.log_ctx = sv;
    err = err != ISO_OK ? err : iso_sv_devices_create(sv->loop, &devices, &sv->devices, &why);
    iso_arena_fini(&arena);
    if (err != ISO_OK) {
        const char *file = sv->config->file;
        return iso_fail(report, err, "%s%s%s", file != NULL ? file : "", file != NULL ? ": " : "",
                        iso_report_text(&why, err));
    }
    const struct iso_sv_core_config core = {.loop = sv->loop,
                                            .workers = sv->config->workers,
                                            .cpu_percent = sv->config->cpu_percent,
                                            .code_max_bytes = sv->config->code_max_bytes,
                                            .hosts = iso_sv_devices_host_set(sv->devices),
                                            .watch = iso_sv_watch(sv)};
    err = iso_sv_core_create(&core, &sv->core, report);
    if (err == ISO_OK) {
        iso_sv_speed_begin(sv);
        err = iso_sv_observers_create(sv->loop, sv->core, &sv->observers);
    }
    return err;
}

struct iso_sv_component *iso_sv_find(struct iso_supervisor *sv, struct iso_str app,
                                     struct iso_str component)
{
    return sv->deployments != NULL ? iso_sv_deployments_find(sv->deployments, app, component)
                                   : NULL;
}

static struct iso_sv_component *find(void *ctx, struct iso_str app, struct iso_str component)
{
    return iso_sv_find(ctx, app, component);
}

/* The manager's `changed`, passed on by the peers. */
static void on_deployment(void *ctx, struct iso_str app, struct iso_str component, const char *what,
                          const char *detail)
{
    struct iso_supervisor *sv = ctx;
    char subject[128];
    (void)iso_format(subject, sizeof subject, "deployment %.*s%s%.*s", (int)app.len, app.ptr,
                     component.len != 0 ? "/" : "", (int)component.len, component.ptr);
    iso_log_write(&sv->log, strcmp(what, "failed") == 0 ? ISO_LOG_ERROR : ISO_LOG_INFO, subject,
                  "%s%s%s", what, detail != NULL && detail[0] != '\0' ? ": " : "",
                  detail != NULL ? detail : "");
    sv->revision++;
    iso_sv_event(sv, what, app, component, detail);
    if (strcmp(what, "removed") == 0) {
        iso_sv_history_forget(sv, app);
    }
    iso_sv_coap_links(sv);
    iso_sv_observers_refresh(sv->observers);
}

static bool is_used(void *ctx, const uint8_t digest[ISO_SHA256_SIZE])
{
    const struct iso_supervisor *sv = ctx;
    return sv->deployments == NULL || iso_sv_deployments_uses(sv->deployments, digest);
}

static enum iso_err open_deployments(struct iso_supervisor *sv, struct iso_report *report)
{
    char dir[ISO_PATH_MAX];
    if (!iso_path_join(dir, sv->config->state, "modules")) {
        return iso_fail(report, ISO_E_ARGUMENT, "the path of the state directory is too long");
    }
    const struct iso_blobs_config modules = {.loop = sv->loop,
                                             .alloc = sv->alloc,
                                             .dir = dir,
                                             .max_bytes = sv->config->modules_max_bytes};
    const struct iso_sv_peers_config peers = {.loop = sv->loop,
                                              .alloc = sv->alloc,
                                              .core = sv->core,
                                              .device_id = sv->state.id,
                                              .changed = on_deployment,
                                              .ctx = sv};
    enum iso_err err = iso_blobs_create(&modules, &sv->modules, report);
    err = err != ISO_OK ? err : iso_sv_peers_create(&peers, &sv->peers, report);
    if (err != ISO_OK) {
        return err;
    }
    const struct iso_sv_deployments_config config = {.loop = sv->loop,
                                                     .alloc = sv->alloc,
                                                     .dir = sv->config->state,
                                                     .core = sv->core,
                                                     .modules = sv->modules,
                                                     .hooks = iso_sv_peers_hooks(sv->peers),
                                                     .allow = iso_sv_allow,
                                                     .allow_ctx = sv};
    sv->transfers = (struct iso_transfers){
        .alloc = sv->alloc, .blobs = sv->modules, .receiving_max = ISO_BLOBS_UPLOADS_MAX};
    err = iso_sv_deployments_create(&config, &sv->deployments, report);
    if (err == ISO_OK) {
        iso_blobs_set_used(sv->modules, is_used, sv);
        iso_sv_observers_set_find(sv->observers, find, sv);
        iso_sv_history_clean(sv);
    }
    return err;
}

/* ---- Network -------------------------------------------------------------------------------- */

/* Principals of tokens are below those of peers: the first 31 bits of the id. */
static uint64_t principal_of(const char *token_id)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < 8; i++) {
        const char c = token_id[i];
        value = value << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    return value & 0x7fffffffu;
}

/* What was open with a token that has been withdrawn, besides HTTP. */
static void on_withdrawn(void *ctx, struct iso_str token_id)
{
    struct iso_supervisor *sv = ctx;
    char text[ISO_TOKEN_ID_SIZE];
    if (sv->coap != NULL && token_id.len == ISO_TOKEN_ID_SIZE - 1) {
        (void)iso_format(text, sizeof text, "%.*s", (int)token_id.len, token_id.ptr);
        iso_coap_server_drop(sv->coap, principal_of(text));
    }
}

static bool is_host(void *ctx, struct iso_str name)
{
    const struct iso_supervisor *sv = ctx;
    char local[80];
    (void)iso_format(local, sizeof local, "%s.local", sv->host_name);
    if (iso_str_equal_z(name, local)) {
        return true;
    }
    for (size_t i = 0; i < sv->config->host_count; i++) {
        if (iso_str_equal_z(name, sv->config->hosts[i])) {
            return true;
        }
    }
    return false;
}

static enum iso_err open_http(struct iso_supervisor *sv, struct iso_report *report)
{
    /* Calls first: they come most. */
    const struct iso_route_table tables[] = {{iso_sv_routes_components, sv, NULL},
                                             {iso_sv_routes_heartbeat, sv, NULL},
                                             {iso_sv_routes_device, sv, NULL},
                                             {iso_sv_routes_owner, sv, NULL},
                                             {iso_sv_routes_simulated, sv, NULL},
                                             {iso_sv_routes_modules, sv, iso_sv_owner_admits},
                                             {iso_sv_routes_deployments, sv, iso_sv_owner_admits},
                                             {iso_sv_routes_streams, sv, NULL},
                                             {iso_sv_routes_pairing, sv, NULL},
                                             {iso_access_routes, &sv->access, NULL},
                                             {NULL, NULL, NULL}};
    _Static_assert(sizeof tables == sizeof sv->tables, "a place for each");
    memcpy(sv->tables, tables, sizeof tables);
    const struct iso_route_config config = {.what = "device",
                                            .https = sv->config->https,
                                            .https_count = sv->config->https_count,
                                            .https_default = "[::]:8443",
                                            .http = sv->config->http,
                                            .http_count = sv->config->http_count,
                                            .http_default = "127.0.0.1:8480",
                                            .identity = &sv->state.identity,
                                            .limits = {.connections = sv->config->connections_max},
                                            .tables = sv->tables,
                                            .access = &sv->access,
                                            .log = &sv->log,
                                            .is_host = is_host,
                                            .ctx = sv};
    sv->access.withdrawn = on_withdrawn;
    sv->access.ctx = sv;
    const enum iso_err err = iso_route_server_create(sv->loop, &config, &sv->server, report);
    if (err == ISO_OK && sv->server != NULL) {
        sv->http = iso_route_server_http(sv->server);
        iso_route_server_ports(sv->server, &sv->ports.https, &sv->ports.http);
    }
    return err;
}

/* Keys of links between devices first, then those that follow from people's tokens. */
static bool on_psk(void *ctx, struct iso_str identity, struct iso_coap_psk *out)
{
    struct iso_supervisor *sv = ctx;
    if (iso_sv_peers_psk(sv->peers, identity, out)) {
        return true;
    }
    for (size_t i = 0; i < iso_token_count(sv->access.tokens); i++) {
        const struct iso_token *token = iso_token_at(sv->access.tokens, i);
        if (iso_str_equal_z(identity, token->id)) {
            memcpy(out->key, token->psk, ISO_TOKEN_PSK_SIZE);
            out->key_len = ISO_TOKEN_PSK_SIZE;
            out->principal = principal_of(token->id);
            return true;
        }
    }
    return false;
}

/* UDP and TCP have one port. When the system is to choose it, one that is free for TCP is asked for
 * first; that it is for UDP too, and still is in a moment, is as good as certain. */
static enum iso_err choose_port(const char *text, struct sockaddr_storage *address,
                                struct iso_report *report)
{
    int fd;
    uint16_t port;
    enum iso_err err = iso_address_parse(text, address, report);
    if (err != ISO_OK || iso_address_port(address) != 0) {
        return err;
    }
    err = iso_socket_listen(text, &fd, &port, report);
    if (err == ISO_OK) {
        (void)close(fd);
        iso_address_set_port(address, port);
    }
    return err;
}

static enum iso_err add_coap(struct iso_coap_listener *listeners, size_t *count, bool secure,
                             const char *const *addresses, size_t address_count,
                             struct iso_report *report)
{
    for (size_t i = 0; i < address_count; i++) {
        struct sockaddr_storage address;
        const enum iso_err err = choose_port(addresses[i], &address, report);
        if (err != ISO_OK) {
            return err;
        }
        listeners[(*count)++] = (struct iso_coap_listener){
            .transport = secure ? ISO_COAP_TLS : ISO_COAP_TCP, .address = address};
        listeners[(*count)++] = (struct iso_coap_listener){
            .transport = secure ? ISO_COAP_DTLS : ISO_COAP_UDP, .address = address};
    }
    return ISO_OK;
}

static uint16_t coap_port(const struct iso_supervisor *sv, size_t listener)
{
    struct sockaddr_storage address;
    iso_coap_server_address(sv->coap, listener, &address);
    return iso_address_port(&address);
}

static enum iso_err open_coap(struct iso_supervisor *sv, struct iso_report *report)
{
    const struct iso_supervisor_config *config = sv->config;
    const char *plain[ISO_SUPERVISOR_LISTEN_MAX], *secure[ISO_SUPERVISOR_LISTEN_MAX];
    struct iso_coap_listener listeners[4 * ISO_SUPERVISOR_LISTEN_MAX];
    size_t count = 0;
    const size_t secure_count =
        iso_route_addresses(config->coaps, config->coaps_count, "[::]:5684", secure);
    const size_t plain_count =
        iso_route_addresses(config->coap, config->coap_count, "[::]:5683", plain);
    enum iso_err err = add_coap(listeners, &count, true, secure, secure_count, report);
    err = err != ISO_OK ? err : add_coap(listeners, &count, false, plain, plain_count, report);
    if (err != ISO_OK || count == 0) {
        return err;
    }
    if (count > ISO_COAP_LISTENERS_MAX) {
        return iso_fail(report, ISO_E_LIMIT, "at most 8 addresses of CoAP");
    }
    const struct iso_coap_server_config coap = {.listeners = listeners,
                                                .listener_count = count,
                                                .ctx = sv,
                                                .on_psk = on_psk,
                                                .plain_links = ISO_SV_DEVICE_LINK,
                                                .on_request = iso_sv_coap_request,
                                                .on_observers = iso_sv_coap_observed};
    err = iso_coap_server_create(sv->loop, &coap, report, &sv->coap);
    if (err == ISO_OK) {
        sv->ports.coaps = secure_count != 0 ? coap_port(sv, 0) : 0;
        sv->ports.coap = plain_count != 0 ? coap_port(sv, 2 * secure_count) : 0;
        iso_sv_coap_links(sv);
    }
    return err;
}

static void on_rename(void *ctx, const struct iso_mdns_rename *rename)
{
    struct iso_supervisor *sv = ctx;
    if (rename->service == 0) {
        const char *dot = strchr(rename->name, '.');
        const size_t len = dot != NULL ? (size_t)(dot - rename->name) : strlen(rename->name);
        (void)iso_format(sv->host_name, sizeof sv->host_name, "%.*s", (int)len, rename->name);
    }
    iso_log_write(&sv->log, ISO_LOG_WARNING, "mdns",
                  "a name was taken on the network; now called \"%s\"", rename->name);
}

static enum iso_err announce(struct iso_supervisor *sv, struct iso_report *report)
{
    char id[48];
    (void)iso_format(id, sizeof id, "id=%s", sv->state.id);
    const char *const wot[] = {"td=/.well-known/wot", "type=Thing", "scheme=https"};
    const char *const isomer[] = {id, "td=/.well-known/wot", "v=1"};
    const struct iso_mdns_service services[] = {{.instance = sv->name,
                                                 .type = "_wot._tcp",
                                                 .port = sv->ports.https,
                                                 .txt = wot,
                                                 .txt_count = ISO_COUNT_OF(wot)},
                                                {.instance = sv->name,
                                                 .type = "_isomer._tcp",
                                                 .port = sv->ports.https,
                                                 .txt = isomer,
                                                 .txt_count = ISO_COUNT_OF(isomer)}};
    for (size_t i = 0; i < ISO_COUNT_OF(services); i++) {
        const enum iso_err err = iso_mdns_uv_service_add(sv->mdns, &services[i], report);
        if (err != ISO_OK) {
            return err;
        }
    }
    return ISO_OK;
}

static enum iso_err open_mdns(struct iso_supervisor *sv, struct iso_report *report)
{
    if (sv->config->no_mdns || sv->ports.https == 0) {
        return ISO_OK;
    }
    const struct iso_mdns_uv_config config = {.host = sv->host_name,
                                              .interfaces = sv->config->interfaces,
                                              .interface_count = sv->config->interface_count,
                                              .on_rename = on_rename,
                                              .ctx = sv};
    iso_netif_look(&sv->log, sv->config->interfaces, sv->config->interface_count);
    enum iso_err err = iso_mdns_uv_create(sv->loop, &config, &sv->mdns, report);
    err = err != ISO_OK ? err : announce(sv, report);
    return err != ISO_OK ? err : iso_sv_neighbours_begin(sv, report);
}

/* ---- Start ---------------------------------------------------------------------------------- */

static void choose_names(struct iso_supervisor *sv)
{
    iso_state_host(sv->host_name);
    (void)iso_format(sv->name_text, sizeof sv->name_text, "%s",
                     sv->config->name != NULL ? sv->config->name : sv->host_name);
    sv->name = sv->name_text;
}

/* It serves; without the file it does as well. */
static void tell(struct iso_supervisor *sv)
{
    char http[ISO_ROUTE_URL_SIZE], https[ISO_ROUTE_URL_SIZE];
    struct iso_report report;
    iso_report_init(&report);
    iso_route_server_urls(sv->server, http, https);
    const enum iso_err err = iso_state_tell(&sv->state, sv->name, http, https, &report);
    sv->told = err == ISO_OK;
    if (!sv->told) {
        iso_log_write(&sv->log, ISO_LOG_WARNING, "supervisor",
                      "programs of this machine do not find it: %s", iso_report_text(&report, err));
    }
}

enum iso_err iso_supervisor_start(uv_loop_t *loop, const struct iso_supervisor_config *config,
                                  void (*ready)(void *ctx), void *ctx, struct iso_supervisor **out,
                                  struct iso_report *report)
{
    const struct iso_alloc *alloc = iso_alloc_libc();
    struct iso_supervisor *sv = iso_alloc_new(alloc, sizeof *sv);
    if (sv == NULL) {
        return ISO_E_NOMEM;
    }
    sv->loop = loop;
    sv->config = config;
    sv->alloc = alloc;
    (void)uv_timer_init(loop, &sv->closer);
    (void)uv_timer_init(loop, &sv->speed_timer);
    iso_sv_history_begin(sv);
    sv->closer.data = sv;
    sv->speed_timer.data = sv;
    sv->started_ns = iso_clock_now_ns();
    sv->started_hr_ns = uv_hrtime();
    sv->revision = 1;
    iso_log_init(&sv->log, config->log_json, config->log_level);
    iso_feed_init(&sv->events, alloc, DEVICE_EVENTS_BYTES);
    iso_feed_continue(&sv->events, sv->started_ns / 1000u); /* above those of an earlier life */
    choose_names(sv);
    static enum iso_err (*const steps[])(struct iso_supervisor *, struct iso_report *) = {
        open_state, open_core, open_deployments,     open_http,
        open_coap,  open_mdns, iso_sv_register_begin};
    enum iso_err err = ISO_OK;
    for (size_t i = 0; i < ISO_COUNT_OF(steps) && err == ISO_OK; i++) {
        err = steps[i](sv, report);
    }
    if (err != ISO_OK) {
        iso_supervisor_stop(sv, 0, NULL, NULL);
        return err;
    }
    iso_log_write(&sv->log, ISO_LOG_INFO, "supervisor",
                  "device=%s name=\"%s\" https=%u http=%u coaps=%u coap=%u state=%s", sv->state.id,
                  sv->name, sv->ports.https, sv->ports.http, sv->ports.coaps, sv->ports.coap,
                  config->state);
    tell(sv);
    iso_sv_deployments_begin(sv->deployments, ready, ctx);
    *out = sv;
    return ISO_OK;
}

/* ---- Stop ----------------------------------------------------------------------------------- */

static void on_closed(uv_handle_t *handle)
{
    struct iso_supervisor *sv = handle->data;
    void (*stopped)(void *ctx) = sv->stopped;
    void *ctx = sv->stopped_ctx;
    iso_state_close(&sv->state, &sv->access); /* with the lock: nothing of it is open any more */
    iso_alloc_free(sv->alloc, sv, sizeof *sv);
    if (stopped != NULL) {
        stopped(ctx);
    }
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct iso_supervisor *sv = handle->data;
    uv_close((uv_handle_t *)&sv->closer, on_closed);
}

static void on_history_closed(uv_handle_t *handle)
{
    struct iso_supervisor *sv = handle->data;
    uv_close((uv_handle_t *)&sv->speed_timer, on_timer_closed);
}

/* Nothing runs any more, and nobody is connected. */
static void on_http_closed(void *ctx)
{
    struct iso_supervisor *sv = ctx;
    sv->server = NULL;
    sv->http = NULL;
    iso_sv_peers_destroy(sv->peers);
    iso_coap_server_destroy(sv->coap);
    iso_sv_observers_destroy(sv->observers);
    iso_sv_core_destroy(sv->core);
    iso_sv_devices_destroy(sv->devices);
    iso_blobs_destroy(sv->modules);
    iso_pairing_device_fini(&sv->pairing);
    iso_sv_neighbours_end(sv);
    iso_feed_fini(&sv->events);
    iso_sv_history_end(sv, on_history_closed);
}

/* The last calls have ended and are being answered; files may still be read and synced for a
 * request. Whatever answers over HTTP later than its server lives would answer into nothing. What
 * is still being sent to this device is no reason to wait: it will be refused. */
static void on_closer(uv_timer_t *timer)
{
    struct iso_supervisor *sv = timer->data;
    const bool history_rests = iso_sv_history_rests(sv);
    if ((sv->modules != NULL && iso_blobs_busy(sv->modules)) || !history_rests) {
        return; /* asked again */
    }
    (void)uv_timer_stop(timer);
    if (sv->server != NULL) {
        iso_route_server_close(sv->server, CLOSE_MS, on_http_closed, sv);
    } else {
        on_http_closed(sv);
    }
}

/* A part has stopped; with the last of them no component runs any more. */
static void on_part(void *ctx)
{
    struct iso_supervisor *sv = ctx;
    if (--sv->open_parts == 0) {
        (void)uv_timer_start(&sv->closer, on_closer, 0, 5);
    }
}

/* They are released; modules may still come, and CoAP still asks. */
static void on_deployments_stopped(void *ctx)
{
    struct iso_supervisor *sv = ctx;
    sv->deployments = NULL;
    on_part(sv);
}

static void on_part_timer(uv_timer_t *timer)
{
    on_part(timer->data);
}

void iso_supervisor_stop(struct iso_supervisor *sv, uint32_t grace_ms, void (*stopped)(void *ctx),
                         void *ctx)
{
    sv->stopped = stopped;
    sv->stopped_ctx = ctx;
    if (sv->told) {
        iso_state_untell(&sv->state);
    }
    iso_route_server_refuse(sv->server);
    sv->open_parts = 1; /* this function's own: on_part must not come before it returns */
    if (sv->mdns != NULL) {
        sv->open_parts++;
        iso_mdns_uv_stop(sv->mdns, on_part, sv);
    }
    if (sv->announce != NULL) {
        sv->open_parts++;
        iso_announce_close(sv->announce, on_part, sv);
    }
    if (sv->deployments != NULL) {
        sv->open_parts++;
        iso_sv_deployments_stop(sv->deployments, (uint64_t)grace_ms * 1000000u,
                                on_deployments_stopped, sv);
    }
    (void)uv_timer_start(&sv->closer, on_part_timer, 0, 0);
}

void iso_supervisor_ports(const struct iso_supervisor *supervisor, struct iso_supervisor_ports *out)
{
    *out = supervisor->ports;
}

void iso_supervisor_urls(const struct iso_supervisor *supervisor,
                         char http[ISO_SUPERVISOR_URL_SIZE], char https[ISO_SUPERVISOR_URL_SIZE])
{
    _Static_assert((int)ISO_SUPERVISOR_URL_SIZE == (int)ISO_ROUTE_URL_SIZE, "they are copied");
    iso_route_server_urls(supervisor->server, http, https);
}

void iso_supervisor_pin(const struct iso_supervisor *supervisor, char out[ISO_SUPERVISOR_PIN_SIZE])
{
    iso_tls_pin_text(supervisor->state.identity.pin, out);
}

void iso_sv_coap_url(struct iso_supervisor *sv, const struct iso_http_request *req, char *out,
                     size_t cap)
{
    struct iso_str host;
    out[0] = '\0';
    if (sv->ports.coaps == 0 || !iso_http_request_header(req, "Host", &host)) {
        return;
    }
    /* Without its port; an IPv6 address keeps its brackets. */
    size_t len = host.len;
    const char *colon = memrchr(host.ptr, ':', host.len);
    if (colon != NULL && memchr(colon, ']', (size_t)(host.ptr + host.len - colon)) == NULL) {
        len = (size_t)(colon - host.ptr);
    }
    (void)iso_format(out, cap, "coaps://%.*s:%u", (int)len, host.ptr, sv->ports.coaps);
}
